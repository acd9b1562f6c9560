#!/usr/bin/env bash
# Tests the dashboard of a running pool in a headless Chromium. The pool is on the simulated chain, with
# synthetic miners; with --devnet it is all of `scripts/run --demo`, and a Prometheus scrapes its node. Both
# must be built.
# Usage: tests/dashboard.sh [--devnet] [--screenshots DIR]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

devnet=false
if [ "${1:-}" = --devnet ]; then
    devnet=true
    shift
fi
built=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/aleo-pool/target}/debug
worker='<img src=x onerror=alert(1)>'
# Only for tests, with its argon2id hash.
token=of-tests-alone
# shellcheck disable=SC2016
hash='$argon2id$v=19$m=19456,t=2,p=1$sJi3CXnUv9vlhKn8WtyIuA$OlQ/rBDk5+r9lfYu2gEXj43gvjsrCA7G/Hu4M7quBv8'
temp=$(mktemp -d)
started=()

stop() {
    # The simulated pool ends with its input.
    exec 3>&- || true
    [ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null || true
    wait || true
    rm -rf "$temp"
}
trap stop EXIT

# The first match of a pattern in a growing log.
wait_for() {
    local log=$1 pattern=$2 tries=$3
    for _ in $(seq "$tries"); do
        if grep -oPm1 "$pattern" "$log" 2>/dev/null; then return; fi
        sleep 0.5
    done
    echo "dashboard: '$pattern' is not in $log after $((tries / 2)) s:" >&2
    tail -n 20 "$log" >&2
    return 1
}

mine() {
    "$built/simulate" --pool "$pool" --seconds 86400 "$@" >>"$temp/miners.log" 2>&1 &
    started+=($!)
}

log=$temp/pool.log
if "$devnet"; then
    "$built/devnet" --demo --folder "$temp/devnet" >"$log" 2>&1 &
    started+=($!)
    url=$(wait_for "$log" '(?<=dashboard: )http\S+' 600)
    options=(--account mallory)
else
    printf '[api]\nadmin_token = "%s"\nrequests_per_minute = 100000\n' "$hash" >"$temp/pool.toml"
    exec 3> >(exec "$built/pool-on-sim" --api 127.0.0.1:0 --config "$temp/pool.toml" --data "$temp/pool" --limit 400 \
        --share-target 1000 --proof-target 50000 --block-seconds 3 >"$log" 2>&1)
    pool=$(wait_for "$log" '(?<=listening )\S+' 60)
    url=http://$(wait_for "$log" '(?<=^api )\S+' 60)/
    mine --miners 6 --mix honest=5,duplicates=1 --rate 500..5000 --login 'alice.rig-{}'
    mine --miners 3 --rate 1000 --login 'bob-{}.rig'
    mine --miners 1 --rate 2000 --login "mallory.$worker"
    options=(--account mallory --token "$token")
fi
# Debian's Python, for which Debian packages Selenium.
/usr/bin/python3 -B tests/dashboard/check.py "$url" "${options[@]}" --worker "$worker" "$@"
if "$devnet"; then
    /usr/bin/python3 -B tests/prometheus.py "$url" --node
fi
