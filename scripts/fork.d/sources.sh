# Upstream sources, through cargo, which verifies their checksums. Sourced by scripts/fork.
# shellcheck shell=bash disable=SC2034,SC2086,SC2154 # variables of the other parts

declare -gA source=()

# Fills `source` with the folder of every crate of the pinned release. `--locked` makes cargo refuse
# any other version, and any download whose checksum is not the one in the lock file.
locate_pinned() {
    ((${#source[@]} == 0)) || return 0
    local metadata name path
    metadata=$(cargo metadata --locked --format-version 1 --manifest-path $pins/Cargo.toml) ||
        die "cargo could not get the sources pinned in $pins"
    # A package begins with its name, version and id, which no other object of the JSON does.
    while IFS=$'\t' read -r name path; do
        source[$name]=$path
    done < <(grep -oE '\{"name":"[^"]*","version":"[^"]*","id":|"manifest_path":"[^"]*"' <<<"$metadata" |
        awk -F'"' '/^\{/ { name = $4 } /^"manifest_path"/ { sub(/\/Cargo\.toml$/, "", $4); print name "\t" $4 }')
}

# Fills `source` for the crates given at another release. `cargo info` downloads and verifies one crate
# without resolving its dependencies: no lock file is needed, and neither yanked dependencies nor a
# release that asks for a newer Rust are in the way.
locate_release() {
    local version=$1 crate dir
    shift
    for crate in "$@"; do
        (cd "$work" && cargo info --color never "$crate@$version") >"$work/log" 2>&1 ||
            { cat "$work/log" >&2; die "cargo could not get $crate $version"; }
        for dir in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$crate-$version"; do
            if [[ -f $dir/Cargo.toml ]]; then source[$crate]=$dir; fi
        done
        [[ -n ${source[$crate]:-} ]] || die "cargo got $crate $version, but not into ${CARGO_HOME:-$HOME/.cargo}/registry/src"
    done
}

# Copies pristine crates into a new folder, without what cargo adds to them or does not read.
copy_crates() {
    local to=$1 crate
    shift
    rm -rf "$to"
    mkdir "$to"
    for crate in "$@"; do
        [[ -n ${source[$crate]:-} ]] || die "the pinned upstream release has no crate '$crate'"
        cp -R "${source[$crate]}" "$to/$crate"
        (cd "$to/$crate" && rm -rf .cargo-ok Cargo.lock Cargo.toml.orig tests)
    done
}
