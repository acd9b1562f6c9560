# Moving to another upstream release. Sourced by scripts/fork.
# shellcheck shell=bash disable=SC2031,SC2034,SC2086,SC2154 # variables of the other parts

# Everything is made in $work/new, a copy of what changes, with links to the rest of the repository, so that
# cargo can read the workspace there. Only a complete result is put in place (replace.sh).
upgrade() {
    local version=$1 way=${2:-} lock old began=$SECONDS
    check_version "$version"
    if at_release "$version"; then
        say "the pins are at $version already: nothing to do"
        return
    fi
    refuse_edits
    old=$(our_release)
    shadow=$work/new
    promise="nothing was changed"
    lock=$(folder_of snarkos "$version")/Cargo.lock
    [[ -f $lock ]] || die "the crate snarkos $version has no Cargo.lock to begin with"
    copy_repository
    move_pins "$version" "$lock"
    try_queue "$version" show_failed >"$work/failed"
    if ! all_applied && [[ -z $way ]]; then explain_failure "$version"; fi
    say "getting upstream $version, and its dependencies, through cargo"
    lock_pins "$lock"
    if ! all_applied; then
        begin_to_fix "$version"
        return
    fi
    in_copy refresh_all
    lock_workspace "$lock"
    in_copy check_workspace
    print_moved "$old" "$version" "$lock" >"$work/moved"
    replace Cargo.toml Cargo.lock $fork/Cargo.toml $pins/Cargo.toml $pins/Cargo.lock "${queue[@]/#/patches/}"
    cat "$work/moved"
    print_next "$old" "$version"
    say "this took $((SECONDS - began)) seconds"
}

# Whether pins, workspace and its lock file are at a release. Without a lock file cargo has to make one.
at_release() {
    [[ $(pinned_version) == "$1" ]] && (check_workspace) 2>/dev/null && [[ $(our_release) == "$1" ]]
}

# The release that the workspace is locked at. It stays behind the pins during a move that is finished by
# hand.
our_release() {
    local crate
    crate=$(sed -n 's/^\(snarkos-[a-z-]*\) = "=.*"$/\1/p' $pins/Cargo.toml | head -n 1)
    locked_version Cargo.lock "$crate" 2>/dev/null || pinned_version
}

# The version of a crate in a lock file, the highest if it has several.
locked_version() {
    local version
    version=$(grep -F -x -A 1 "name = \"$2\"" "$1" | sed -n 's/^version = "\(.*\)"$/\1/p' | sort -V | tail -n 1)
    [[ -n $version ]] && printf '%s\n' "$version"
}

copy_repository() {
    local entry
    mkdir -p "$shadow/$fork"
    for entry in * "$fork"/*; do
        case $entry in
            patches | Cargo.toml | Cargo.lock | "$pins" | "$fork"/Cargo.toml) cp -pR "$entry" "$shadow/$entry" ;;
            target | "$fork" | "$out"*) ;;
            *) ln -s "$PWD/$entry" "$shadow/$entry" ;;
        esac
    done
}

# Sets the manifests to the versions in upstream's lock file.
move_pins() {
    local version=$1 lock=$2 file
    for file in Cargo.toml $fork/Cargo.toml $pins/Cargo.toml; do
        awk -v release="$version" -f "$lib/pins.awk" "$lock" "$file" >"$work/manifest" 2>"$work/log" ||
            die "$file asks for $(head -n 1 "$work/log"), which upstream $version does not have"
        cat "$work/manifest" >"$shadow/$file"
    done
}

# The lock file of the pins is upstream's: a fresh resolve would choose other versions of many crates, and
# fails when a dependency was yanked.
lock_pins() {
    cp "$1" "$shadow/$pins/Cargo.lock"
    cargo metadata --quiet --format-version 1 --manifest-path "$shadow/$pins/Cargo.toml" >"$work/metadata" ||
        die "cargo could not get the new release"
}

# The workspace's lock file has upstream's versions too, and keeps those of the crates that only we use.
lock_workspace() {
    [[ -f Cargo.lock ]] || return 0
    awk -f "$lib/locks.awk" "$1" Cargo.lock >"$shadow/Cargo.lock"
    (cd "$shadow" && cargo metadata --quiet --format-version 1 >"$work/metadata") ||
        die "cargo could not resolve the workspace with the new release"
}

# Runs a command with the copy as the repository.
in_copy() {
    # shellcheck disable=SC2030 # as intended
    (
        cd "$shadow" || exit
        work=$(mktemp -d "$work/copy.XXXX") || exit
        "$@"
    )
}

show_failed() {
    grep -qE '^(failed|ambiguous)' "$work/report" || return 0
    echo "patches/$1:"
    show_report | grep -v ': applied'
}

explain_failure() {
    say "these hunks do not apply to upstream $1:"
    cat "$work/failed" >&2
    say "$promise. To continue, fixing them by hand:"
    say "  scripts/fork --upgrade $1 --repair"
    say "moves the pins, generates the tree up to the first such patch, and says what to do next (docs/fork.md)"
    promise=
    exit 1
}

# Moves only the pins and generates the tree like --repair. The workspace's lock file stays at the old release:
# that tells a later --upgrade to finish the move.
begin_to_fix() {
    in_copy repair >"$work/missing"
    replace Cargo.toml $fork/Cargo.toml $pins/Cargo.toml $pins/Cargo.lock
    cat "$work/missing"
    cat <<END_OF_TEXT
If another patch fails then: scripts/fork --repair, and the same again.
When all apply: scripts/fork --upgrade $1 (corrects the line numbers, moves Cargo.lock, says what moved)
To give up: git checkout Cargo.toml $fork/Cargo.toml $pins patches && scripts/fork --reset
END_OF_TEXT
}

# Called by commands that may end during an unfinished move.
note_unfinished() {
    [[ -f Cargo.lock && ! -f $out/.repairing ]] || return 0
    local locked pinned
    locked=$(our_release) pinned=$(pinned_version)
    [[ $locked == "$pinned" ]] || say "note: Cargo.lock is at $locked still; scripts/fork --upgrade $pinned moves it"
}
