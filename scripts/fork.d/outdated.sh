# Whether upstream has a newer release than the pins. Sourced by scripts/fork.
# shellcheck shell=bash disable=SC2034,SC2086,SC2154 # variables of the other parts

# Exits with 0 when the pins are the newest release, with 1 when there is a newer one, with 2 (by `die`, see
# `failure` in scripts/fork) when that cannot be found out.
outdated() {
    local pinned newest cannot="cannot look for a newer release"
    pinned=$(pinned_version 2>/dev/null) || true
    [[ -n $pinned ]] || die "$pins/Cargo.toml pins no release"
    check_version "$pinned"
    # A cache must not be mistaken for the registry.
    [[ ${CARGO_NET_OFFLINE:-} != true ]] || die "$cannot: CARGO_NET_OFFLINE keeps cargo from asking the registry"
    limit_patience
    ask_registry snarkos >"$work/answer" 2>"$work/log" || {
        sed '/^ *Updating /d' "$work/log" | head -n 5 >&2
        die "$cannot: cargo could not ask the registry"
    }
    newest=$(newest_in "$work/answer")
    [[ -n $newest ]] ||
        die "$cannot: the registry's answer names none: $(head -c 200 "$work/answer" | tr -c '[:print:]' ' ')"
    if [[ $newest == "$pinned" ]]; then
        echo "the pins are at $pinned, the newest release"
    elif ! newer "$newest" "$pinned"; then
        echo "the pins are at $pinned; the newest release is $newest, an older one"
    else
        echo "the pins are at $pinned; the newest release is $newest"
        print_missing_heights "$pinned" "$newest"
        echo "to move there: scripts/fork --upgrade $newest"
        exit 1
    fi
}

# From here on, cargo gives up soon: an unreachable registry must not delay the tests.
limit_patience() {
    export CARGO_NET_RETRY=1 CARGO_HTTP_TIMEOUT=10
    command -v timeout >/dev/null || return 0
    # shellcheck disable=SC2317 # called by ask_registry
    cargo() { timeout --foreground 60 cargo "$@"; }
}

# Whether the first version is above the second. A pre-release is below its release.
newer() { [[ $1 != "$2" && $(printf '%s\n' "${1/-/\~}" "${2/-/\~}" | sort -V | tail -n 1) == "${1/-/\~}" ]]; }

# The newest release in an answer of `cargo info`, whose line may name two versions:
#   version: 1.2.3 (latest 1.3.0)
newest_in() {
    local number='(0|[1-9][0-9]*)'
    sed -e 's/\x1b\[[0-9;]*m//g' "$1" | grep -m 1 '^version:' |
        sed -e 's/^version: *[^ ]* *(yanked)//' -e 's/^version://' |
        grep -oE '[^ ()]+' | grep -xE "$number\.$number\.$number" | sort -V | tail -n 1 || true
}

# Prints the heights which the newer release has and the pins lack. Without them the verdict is the same.
print_missing_heights() {
    local pinned=$1 newest=$2 old_vm new_vm folder
    if old_vm=$(locked_version $pins/Cargo.lock snarkvm-console-network) &&
        folder=$(folder_of snarkos "$newest") &&
        new_vm=$(locked_version "$folder/Cargo.lock" snarkvm-console-network) &&
        heights_of "$old_vm" >"$work/heights" && heights_of "$new_vm" >"$work/new_heights"; then
        echo "consensus heights that $newest has and the pins lack:"
        compare_heights "$pinned" "$work/heights" "$newest" "$work/new_heights" 1
    else
        echo "could not read its consensus heights"
    fi
}
