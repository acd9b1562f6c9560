#!/usr/bin/env bash
# What others read of a running pool: Prometheus the metrics, with the rules and the board of ops/; and
# schemathesis every path of the API's OpenAPI document, which must match the pool's answers. The pool is on
# the simulated chain, with synthetic miners; both must be built. Usage: tests/contract.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/aleo-pool
built=${CARGO_TARGET_DIR:-$cache/target}/debug
here=$PWD/tests/contract
# Only for tests, with its argon2id hash.
token=of-tests-alone
# shellcheck disable=SC2016
hash='$argon2id$v=19$m=19456,t=2,p=1$sJi3CXnUv9vlhKn8WtyIuA$OlQ/rBDk5+r9lfYu2gEXj43gvjsrCA7G/Hu4M7quBv8'
temp=$(mktemp -d)
miners=
stop() {
    # The pool ends with its input.
    exec 3>&- || true
    [ -z "$miners" ] || kill "$miners" 2>/dev/null || true
    wait || true
    rm -rf "$temp"
}
trap stop EXIT

# What pip downloads the first time is compared with checksums.
venv=$cache/schemathesis
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    /usr/bin/python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/"
fi

# until_there WHAT COMMAND...: waits for what the command prints.
until_there() {
    local what=$1 said
    shift
    for _ in $(seq 120); do
        said=$("$@" 2>/dev/null) && [ -n "$said" ] && echo "$said" && return
        sleep 0.5
    done
    echo "contract: no $what after a minute:" >&2
    tail -n 20 "$temp/pool.log" >&2
    return 1
}

printf '[api]\nadmin_token = "%s"\nrequests_per_minute = 1_000_000\n' "$hash" >"$temp/pool.toml"
exec 3> >(cd "$temp" && exec "$built/pool-on-sim" --api 127.0.0.1:0 --config pool.toml --data data --limit 400 \
    --share-target 1000 --proof-target 50000 --block-seconds 2 >pool.log 2>&1)
pool=$(until_there "port" sed -n 's/^listening \(\S*\).*/\1/p' "$temp/pool.log")
export POOL_API
POOL_API=http://$(until_there "API" sed -n 's/^api //p' "$temp/pool.log")
"$built/simulate" --pool "$pool" --miners 6 --mix honest=5,duplicates=1 --rate 500..5000 --login 'alice-{}.rig' \
    --seconds 86400 >"$temp/miners.log" 2>&1 &
miners=$!
blocks() {
    /usr/bin/python3 -c 'import json, sys, urllib.request as url
print(json.load(url.urlopen(sys.argv[1]))["blocks"] or "")' "$POOL_API/api/v1/pool"
}
until_there "block of its own" blocks >/dev/null

# Debian's Python, for which Debian packages YAML.
/usr/bin/python3 -B tests/prometheus.py "$POOL_API"

cat >"$temp/schemathesis.toml" <<END
hooks = "hooks"
[auth.openapi.token]
bearer = "$token"
END
cd "$temp"
PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 "$venv/bin/schemathesis" run "$POOL_API/api/v1/openapi.json" \
    --phases coverage,fuzzing --max-examples 20 --seed 1 \
    --suppress-health-check all --no-color
