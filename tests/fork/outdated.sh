# `scripts/fork --outdated` on answers of the registry client: recorded and artificial ones. Sourced by
# tests/fork.sh after upgrade.sh, whose cargo prints $temp/answer and exits with $temp/status.
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154 # expressions for eval; variables of tests/fork.sh

# The exit status for the answer on standard input. The output is in $temp/said.
outdated() {
    cat >"$temp/answer"
    fork --outdated
    echo $? >"$temp/verdict"
}
exits() { [[ $(cat "$temp/verdict") == "$1" ]]; }
version_line() { sed "s/^version: .*/version: $1/" "$repo/tests/fork/cargo-info.txt"; }
recorded=$(sed -n 's/^version: //p' "$repo/tests/fork/cargo-info.txt")
older=$(sed -n 's/^version: \([^ ]*\) (latest .*/\1/p' "$repo/tests/fork/cargo-info-older-rust.txt")
pin_outdated() { sed -i "/^snark/s/\"=[^\"]*\"/\"=$1\"/" snarkos-fork/upstream/Cargo.toml; }
echo 0 >"$temp/status"

echo "a newer release"
cd "$temp/move" || exit 1
pin_outdated "$recorded"
outdated <"$repo/tests/fork/cargo-info.txt"
ok "recorded: none" eval 'exits 0 && said "the pins are at $recorded, the newest release"'
outdated <"$repo/tests/fork/cargo-info-older-rust.txt"
ok "recorded, with a release for an older Rust first: none" exits 0
pin_outdated "$older"
outdated <"$repo/tests/fork/cargo-info.txt"
ok "recorded: there is one" eval 'exits 1 && said "the newest release is $recorded" && said "scripts/fork --upgrade $recorded"'
ok "whose heights could not be read" said "could not read its consensus heights"
outdated <"$repo/tests/fork/cargo-info-older-rust.txt"
ok "recorded, with a release for an older Rust first: there is one" eval 'exits 1 && said "the newest release is $recorded"'
git checkout -q . && remember
outdated < <(version_line 2.0.0)
ok "with its heights" exits 1
ok "that the pins lack, by network" diff <(grep -E '^  (canary|mainnet|testnet) ' "$temp/said") - <<'END'
  canary   none
  mainnet  V3   22,962,000 (1.0.0: not scheduled)
  testnet  V2   600 (1.0.0: 500)
  testnet  V3   1,000 (1.0.0: not scheduled)
END
outdated < <(version_line $'\e[33m1.9.0 (latest 1.10.0)\e[0m')
ok "by number, not by letter, and in color" eval 'exits 1 && said "the newest release is 1.10.0"'
outdated < <(version_line 1.0.1)
ok "one that is not to be had: still 1" eval 'exits 1 && said "could not read"'
outdated < <(version_line '1.0.0 (latest 2.0.0-rc.1)')
ok "a pre-release does not count" eval 'exits 0 && said "the newest release"'
outdated < <(version_line '2.0.0 (yanked) (latest 1.0.0)')
ok "nor is one that was yanked" exits 0
outdated < <(version_line 0.9.0)
ok "nor is an older one" eval 'exits 0 && said "the newest release is 0.9.0, an older one"'
pin_outdated 2.0.0-rc.1
outdated < <(version_line 2.0.0)
ok "a release is newer than its pre-release" eval 'exits 1 && said "the newest release is 2.0.0"'
git checkout -q .
for answer in '' 'garbage' 'version:' 'version: unknown' 'version: 1.0' 'version: 3.0.0-rc.1' '<html>version 9.9.9</html>' 'snarkos 9.9.9'; do
    outdated <<<"$answer"
    ok "cannot be found out from '$answer'" eval 'exits 2 && said "cannot look for a newer release"'
done
head -c 5000 /dev/urandom | outdated
ok "nor from noise" exits 2
echo 101 >"$temp/status"
outdated <<<'version: 1.0.0'
ok "nor when cargo fails" eval 'exits 2 && said "cargo could not ask the registry"'
echo 0 >"$temp/status"
version_line 1.0.0 >"$temp/answer"
export CARGO_NET_OFFLINE=true
ok "nor offline" eval 'fork --outdated; test $? = 2 && said "CARGO_NET_OFFLINE"'
unset CARGO_NET_OFFLINE
ok "nor without cargo" eval '(PATH=$temp/bin fork --outdated); test $? = 2 && said "cargo is missing"'
ok "nor with an argument" eval 'fork --outdated now; test $? = 2'
sed -i '/^snark/d' snarkos-fork/upstream/Cargo.toml
ok "nor without pins" eval 'fork --outdated; test $? = 2 && said "pins no release"'
git checkout -q .
ok "nothing was changed by asking" eval 'test -z "$(git status --short)" && test -z "$(ls "$temp/tmp")"'
