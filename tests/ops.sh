#!/usr/bin/env bash
# Checks the files of ops/ with the tools they are made for. Usage: tests/ops.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT

# systemd looks whether the program is there; any will do.
unit=$temp/aleo-pool.service
sed 's#^ExecStart=/usr/local/bin/snarkos#ExecStart=/bin/true#' ops/systemd/aleo-pool.service >"$unit"
said=$(systemd-analyze verify "$unit" 2>&1) || { echo "$said"; exit 1; }
# It exits 0 on settings it does not know.
if [[ -n $said ]]; then echo "$said"; exit 1; fi
echo "ok      the systemd unit"
