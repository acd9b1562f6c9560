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

# The registry's answer on a crate (`NAME` or `NAME@VERSION`), which cargo also downloads and verifies. The
# dependencies are not resolved: no lock file is needed, and a yanked dependency does no harm. cargo is called
# from a temporary package outside of the repository: inside, `cargo info snarkos` describes ours, and without
# the package's rust-version it prefers a release for the installed Rust to a newer one.
ask_registry() {
    local folder=$asked
    mkdir -p "$folder/src" || die "cannot write to $folder"
    : >"$folder/src/lib.rs"
    printf '%s\n' '[package]' 'name = "question"' 'version = "0.0.0"' 'edition = "2021"' 'rust-version = "1.9999"' \
        '[workspace]' >"$folder/Cargo.toml"
    (cd "$folder" && cargo info --color never "$1")
}

# Prints the folder of a crate's source at a release.
folder_of() {
    local crate=$1 version=$2
    unpacked "$crate-$version" .cargo-ok && return
    ask_registry "$crate@$version" >"$work/log" 2>&1 || refuse_release "$crate" "$version"
    unpacked "$crate-$version" Cargo.toml ||
        die "cargo got $crate $version, but not into ${CARGO_HOME:-$HOME/.cargo}/registry/src"
}

# Prints the folder of cargo's registry with that name, if it has the file given.
unpacked() {
    local folder
    for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$1"; do
        if [[ -f $folder/$2 ]]; then
            printf '%s\n' "$folder"
            return
        fi
    done
    return 1
}

refuse_release() {
    if grep -q '^error: could not find' "$work/log"; then
        die "there is no $1 $2 in the registry; scripts/fork --outdated says which release is the newest"
    fi
    sed '/^ *Updating /d' "$work/log" >&2
    die "cargo could not get $1 $2"
}

# Fills `source` for the crates given at another release.
locate_release() {
    local version=$1 crate
    shift
    for crate in "$@"; do
        source[$crate]=$(folder_of "$crate" "$version") || exit
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
