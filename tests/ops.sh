#!/usr/bin/env bash
# Checks the files of ops/ with the tools they are made for. Usage: tests/ops.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT

# quietly WHAT COMMAND...: the command must succeed; its output is shown only if it does not.
quietly() {
    local what=$1 said
    shift
    said=$("$@" 2>&1) || { echo "$said"; echo "FAILED  $what"; exit 1; }
    echo "ok      $what"
}

# systemd checks that the program exists; any will do.
unit=$temp/aleo-pool.service
sed 's#^ExecStart=/usr/local/bin/snarkos#ExecStart=/bin/true#' ops/systemd/aleo-pool.service >"$unit"
said=$(systemd-analyze verify "$unit" 2>&1) || { echo "$said"; exit 1; }
# It exits 0 on unknown settings.
if [[ -n $said ]]; then echo "$said"; exit 1; fi
echo "ok      the systemd unit"

quietly "the Prometheus configuration" promtool check config ops/prometheus/prometheus.yml
quietly "the alert rules" promtool test rules ops/prometheus/aleo-pool.rules.test.yml
PEERS=validator.example:4130 quietly "the compose file" docker-compose --file ops/docker/compose.yaml config --quiet
quietly "the Grafana board, the container files, and a test for each rule" /usr/bin/python3 tests/ops.py "$temp"
quietly "the expressions of the board" promtool check rules "$temp/board.rules.yml"
