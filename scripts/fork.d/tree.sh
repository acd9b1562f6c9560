# The generated tree: its inputs, whether it was edited, and how it is made. Sourced by scripts/fork.
# shellcheck shell=bash disable=SC2034,SC2086,SC2154 # variables of the other parts

# The tree's inputs: a line each for the script, the pins, and the two parts of every patch.
inputs() {
    local patch diff
    echo "script $(cat scripts/fork scripts/fork.d/* | sha256sum)"
    echo "pins $(cat $pins/Cargo.toml $pins/Cargo.lock | sha256sum)"
    for patch in "${queue[@]}"; do
        echo "header $patch $(header_of "patches/$patch" | sha256sum)"
        diff=$(diff_of "patches/$patch")
        if [[ -n $diff ]]; then echo "diff $patch $(sha256sum <<<"$diff")"; fi
    done
}

# Checksums of a tree's files, leaving out what editors and a cargo called inside may add.
sums() {
    (cd "$1" && find . -mindepth 2 -regex './[^/]*/target' -prune -o -type f ! -regex './[^/]*/Cargo.lock' \
        ! -name '*~' ! -name '.*.sw?' -print0 | xargs -0r sha256sum | sort)
}

# The files of the tree that were edited, added or removed since it was generated.
edited() { comm -3 "$out/.sums" <(sums "$out") | sed -e 's/^\t//' -e 's#^[^ ]*  \./##' | sort -u; }

refuse_edits() {
    [[ -d $out ]] || return 0
    [[ -f $out/.sums ]] || die "$out was not made by this script: keep what you need of it, then scripts/fork --reset"
    local files
    files=$(edited)
    [[ -n $files ]] || return 0
    say "these files were edited since they were generated:"
    printf '%s\n' "$files" | sed "s#^#  $out/#" >&2
    say "keep the edits: scripts/fork --refresh PATCH, with the patch they belong to (one of: ${queue[*]%.patch})"
    say "drop the edits: scripts/fork --reset"
    exit 1
}

# Makes `tree` the generated tree.
install_tree() {
    local tree=$1 file
    # A file that did not change keeps its time, so that cargo rebuilds only what did.
    if [[ -d $out ]]; then
        while IFS= read -r -d '' file; do
            if cmp -s "$tree/$file" "$out/$file"; then touch -r "$out/$file" "$tree/$file"; fi
        done < <(cd "$tree" && find . -type f -print0)
    fi
    inputs >"$tree/.inputs"
    sums "$tree" >"$tree/.sums"
    # Between these two renames there is no tree; `recover` undoes the first if we die here.
    if [[ -d $out ]]; then mv "$out" "$work/previous"; fi
    mv "$tree" "$out"
}

# Recovers from a killed run: replaced files, the previous tree, its work folder.
recover() {
    local left
    for left in "$fork"/crates.*/; do
        [[ -d $left ]] || continue
        take_back "${left%/}"
        if [[ ! -d $out && -d $left/previous ]]; then mv "$left/previous" "$out"; fi
        rm -rf "$left"
    done
}

note_offset() {
    if grep -q '^offset' "$work/report"; then say "note: the line numbers in patches/$1 are off; scripts/fork --refresh corrects them"; fi
}

# However this run ends, the tree stays, and no file is replaced without the others.
clean_up() {
    local status=$?
    take_back "$work"
    if [[ ! -d $out && -d $work/previous ]]; then mv "$work/previous" "$out"; fi
    rm -rf "$work" "$asked"
    if ((status != 0)) && [[ -n $promise ]]; then say "$promise"; fi
}

generate() {
    local patch
    locate_pinned
    # shellcheck disable=SC2046 # a list of crate names
    copy_crates "$work/tree" $(crates_of "${queue[@]/#/patches/}")
    for patch in "${queue[@]}"; do
        [[ -n $(diff_of "patches/$patch") ]] || die "patches/$patch has no diff: edit files in $out, then scripts/fork --refresh ${patch%.patch}"
        if ! apply "$work/tree" "patches/$patch"; then
            say "patches/$patch does not apply to upstream $(pinned_version):"
            show_report | grep -v ': applied' >&2
            if [[ -d $out ]]; then say "$out is unchanged"; fi
            say "to repair the patch: scripts/fork --repair, add the hunks by hand, scripts/fork --refresh ${patch%.patch} (docs/fork.md)"
            exit 1
        fi
        note_offset "$patch"
    done
    install_tree "$work/tree"
    say "$out: $(find "$out" -mindepth 1 -maxdepth 1 -type d | wc -l) crates with ${#queue[@]} patches"
}
