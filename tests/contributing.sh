#!/usr/bin/env bash
# Runs the commands of CONTRIBUTING.md, one shell after the other's state, as a reader would. A part of
# scripts/test. Usage: tests/contributing.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

commands=$(sed -n 's/^    \([^ ].*\)$/\1/p' CONTRIBUTING.md)
[ "$(wc -l <<<"$commands")" -ge 6 ] || { echo "contributing: too few commands were found" >&2; exit 1; }
# Formatting must change nothing here.
commands=${commands/cargo fmt --manifest-path pool-plugin\/Cargo.toml/cargo fmt --manifest-path pool-plugin\/Cargo.toml -- --check}
# The same with the features of scripts/test, so that nothing is compiled for it again.
commands=${commands//-p pool-plugin/'"${devnet_set[@]}"'}
echo "$commands"
bash -euo pipefail -c "$commands"

# What the text names, but is too long to be run here, is there.
for program in $(grep -oE '`(scripts|tests)/[a-z./_-]+( [a-z]+)?' CONTRIBUTING.md | tr -d '`' | sort -u | sed 's/ /:/'); do
    path=${program%%:*} argument=${program#*:}
    [ -e "$path" ] || { echo "contributing: $path is not there" >&2; exit 1; }
    if [ "$path" = scripts/bench ] && [ ! -x "scripts/benches/$argument" ]; then
        echo "contributing: there is no bench $argument" >&2
        exit 1
    fi
done
for path in $(grep -oE '`(operate|core|stratum|ledger|books|release|verify|chain)/[a-z_/]+(\.rs)?' CONTRIBUTING.md | tr -d '`'); do
    [ -e "pool-plugin/src/$path" ] || { echo "contributing: pool-plugin/src/$path is not there" >&2; exit 1; }
done
echo "ok      every command of CONTRIBUTING.md ran, and what it names is there"
