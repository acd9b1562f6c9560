# Shared by the scripts of this folder; sourced, not run.
# shellcheck shell=bash

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# One target folder for all clones of a machine: snarkVM and RocksDB take half an hour to compile once.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/aleo-pool/target}"

# Always the whole workspace with the same features, so that cargo resolves the same features for every
# crate and compiles upstream once.
devnet_set=(--workspace --features snarkos/test_network,pool-node/test_network,devnet-genesis/test_network,lying-peer/test_network)

# Benches of the puzzle measure snarkVM as in the release binary: with its profile, and with the features of
# its crates, so that they share what `scripts/build --release` compiles.
release_bench=(--locked --profile release -p snarkos -p aleo-epoch-puzzle -p pool-evaluators)

# The tried Rust version. Upstream's crates declare a newer one than they need to compile, so cargo ignores
# that: here, for all scripts. A plain `cargo build` needs the flag too.
readonly tried_rust=1.95

cargo() {
    case "${1:-}" in
        build | check | clippy | test | bench | run) command cargo "$1" --ignore-rust-version "${@:2}" ;;
        *) command cargo "$@" ;;
    esac
}

say() {
    printf '== %s\n' "$*"
}

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Debian packages the build needs besides Rust: a C++ compiler for RocksDB, libclang for its bindings, OpenSSL
# for upstream's metrics, git for the patch queue, setpriv and kill for the devnet's processes. With `tests`
# also what only these need: the servers that sinks write to and the proxy in front of the port (private ones
# are started), Python for the scripts of miners and operators, systemd and Prometheus to check their
# configuration files, a browser for the dashboard.
install_missing() {
    command -v cargo >/dev/null || fail "cargo is not installed; get Rust $tried_rust or later from your distribution or from rustup"
    local missing=()
    command -v git >/dev/null || missing+=(git)
    command -v c++ >/dev/null || missing+=(build-essential)
    command -v clang >/dev/null || missing+=(clang)
    command -v pkg-config >/dev/null || missing+=(pkg-config)
    [ -e /usr/include/openssl/ssl.h ] || missing+=(libssl-dev)
    command -v setpriv >/dev/null || missing+=(util-linux)
    # The program, not the shell's builtin.
    [ -x /usr/bin/kill ] || [ -x /bin/kill ] || missing+=(procps)
    if [ "${1:-}" = tests ]; then
        command -v systemd-analyze >/dev/null || missing+=(systemd)
        command -v python3 >/dev/null || missing+=(python3)
        /usr/bin/python3 -c 'import yaml' 2>/dev/null || missing+=(python3-yaml)
        command -v promtool >/dev/null || missing+=(prometheus)
        # The one that checks a file without an engine.
        command -v docker-compose >/dev/null || missing+=(docker-compose)
        [ -x /sbin/mkfs.ext2 ] || missing+=(e2fsprogs)
        command -v haproxy >/dev/null || missing+=(haproxy)
        /usr/bin/python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
        /usr/bin/python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
        command -v redis-server >/dev/null || missing+=(redis-server)
        command -v chromium >/dev/null || missing+=(chromium)
        # Only recommended by the browser, which exits without fonts.
        compgen -G '/usr/share/fonts/truetype/*/*.ttf' >/dev/null || missing+=(fonts-liberation)
        command -v chromedriver >/dev/null || missing+=(chromium-driver)
        /usr/bin/python3 -c 'import selenium' 2>/dev/null || missing+=(python3-selenium)
        compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
    fi
    # Not libclang-cpp, which is all that many machines have.
    compgen -G '/usr/lib/llvm-*/lib/libclang.so*' >/dev/null || missing+=(libclang-dev)
    [ "${#missing[@]}" -eq 0 ] && return
    [ "$(id -u)" -eq 0 ] || fail "these packages are missing: ${missing[*]}; install them, or run this as root"
    command -v apt-get >/dev/null || fail "these packages are missing: ${missing[*]}; install them"
    say "installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The first step of every build: packages, upstream's sources with our patches, and RocksDB. `prepare tests`
# for the tests.
prepare() {
    install_missing "$@"
    scripts/fork
    use_rocksdb
}

# Makes cargo link the RocksDB that scripts/rocksdb built: in these scripts, and in a later plain `cargo
# build`.
use_rocksdb() {
    local folder config=.cargo/config.toml
    folder=$(scripts/rocksdb)
    [ -n "$folder" ] || return 0
    export ROCKSDB_LIB_DIR=$folder
    mkdir -p .cargo
    printf '# Made by the scripts; without it cargo compiles RocksDB itself.\n[env]\nROCKSDB_LIB_DIR = "%s"\n' "$folder" >$config.new
    if cmp -s $config.new $config; then rm $config.new; else mv $config.new $config; fi
}
