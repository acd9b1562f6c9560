# Changing a patch: from an edited tree back into patches/. Sourced by scripts/fork.
# shellcheck shell=bash disable=SC2034,SC2086,SC2154 # variables of the other parts

# Makes $work/patch: the header of a patch and, as its diff, the difference of two trees.
difference() {
    local patch=patches/$1 before=$2 after=$3 trees summary diff
    local options=(--no-index --no-prefix --no-color --no-ext-diff --no-renames --diff-algorithm=myers)
    trees=$(mktemp -d "$work/diff.XXXX")
    # The paths in the patch are those of these two folders.
    cp -R "$before" "$trees/a"
    cp -R "$after" "$trees/b"
    summary=$(plain_git -C "$trees" diff "${options[@]}" --summary a b) || (($? == 1)) || die "git diff failed"
    [[ -z $summary ]] || die "a patch may only change files: keep new code in our own crates. In $out there is a" "$summary"
    diff=$(plain_git -C "$trees" diff "${options[@]}" --unified=3 a b) || (($? == 1)) || die "git diff failed"
    rm -rf "$trees"
    [[ -n $diff ]] || die "$patch would be empty. If it is no longer needed: delete it and its line in patches/series, then scripts/fork --reset"
    # One empty line between header and diff; without git's own lines.
    { printf '%s\n\n' "$(header_of "$patch")"; sed -e '/^diff --git /d' -e '/^index /d' <<<"$diff"; } >"$work/patch"
}

# Replaces a patch by $work/patch.
write_patch() {
    local patch=patches/$1
    if cmp -s "$work/patch" "$patch"; then
        say "$patch: unchanged"
    else
        cp "$work/patch" "$patch.new"
        mv "$patch.new" "$patch"
        say "$patch: rewritten"
    fi
}

# Updates one patch from the edited tree. The state before it is pristine upstream with the earlier patches;
# the state after it is the edited tree without the later patches.
refresh() {
    local patch=$1 at=0 i other repairing later=() crates
    [[ -f $out/.sums ]] || die "there is no generated tree to refresh from: run scripts/fork"
    # The edits must have been made on exactly these pins and patches, or the difference would undo later
    # changes. Headers may differ, and there may be a new patch without a diff.
    if ! cmp -s <(grep -E '^(pins|diff) ' "$out/.inputs") <(inputs | grep -E '^(pins|diff) '); then
        say "these changed after $out was generated:"
        diff <(grep -E '^(pins|diff) ' "$out/.inputs") <(inputs | grep -E '^(pins|diff) ') |
            sed -nE 's/^[<>] (pins|diff [^ ]*).*/  \1/p' | sort -u >&2
        die "undo that first, or keep a copy of your edits and run scripts/fork --reset"
    fi
    repairing=$(cat "$out/.repairing" 2>/dev/null || true)
    [[ -z $repairing || $patch == "$repairing" ]] || die "the tree ends with $repairing, which is being repaired: refresh that one"
    while [[ ${queue[at]} != "$patch" ]]; do at=$((at + 1)); done
    # A tree under repair ends with this patch.
    if [[ -z $repairing ]]; then later=("${queue[@]:at+1}"); fi

    mapfile -t crates < <(cd "$out" && find . -mindepth 1 -maxdepth 1 -type d | sed 's#^\./##' | sort)
    locate_pinned
    copy_crates "$work/tree" "${crates[@]}"
    for other in "${queue[@]:0:at}"; do
        apply "$work/tree" "patches/$other" || die "patches/$other, ahead of $patch, does not apply: scripts/fork --repair"
    done
    mkdir "$work/after"
    (cd "$out" && sums . | sed 's#^[^ ]*  ##' | tr '\n' '\0' | xargs -0r cp --parents -t "$work/after")
    for ((i = ${#later[@]} - 1; i >= 0; i--)); do
        if ! apply "$work/after" "patches/${later[i]}" 1; then
            say "your edits meet lines of patches/${later[i]}, which comes later in the series:"
            show_report | grep -v ': applied' >&2
            die "either they belong to it (scripts/fork --refresh ${later[i]%.patch}), or edit other lines"
        fi
    done
    difference "$patch" "$work/tree" "$work/after"

    if [[ -n $repairing ]]; then
        write_patch "$patch"
        # All edits are in the patch now: the tree may be replaced. The next patch may fail in turn.
        sums "$out" >"$out/.sums"
        generate
        return
    fi
    # The new queue must give the edited tree, to the byte.
    apply "$work/tree" "$work/patch" || die "the new $patch does not apply; nothing was changed"
    for other in "${later[@]}"; do
        if ! apply "$work/tree" "patches/$other"; then
            show_report | grep -v ': applied' >&2
            die "with your edits patches/$other, later in the series, would not apply; nothing was changed"
        fi
        note_offset "$other"
    done
    cmp -s <(sums "$work/tree") <(sums "$out") || die "the new $patch does not give the tree you edited; nothing was changed"
    write_patch "$patch"
    install_tree "$work/tree"
}

# Rewrites every patch from its own result: line numbers and context become right, nothing else changes.
refresh_all() {
    local patch crates
    refuse_edits
    mapfile -t crates < <(crates_of "${queue[@]/#/patches/}")
    locate_pinned
    copy_crates "$work/before" "${crates[@]}"
    for patch in "${queue[@]}"; do
        rm -rf "$work/after"
        cp -R "$work/before" "$work/after"
        apply "$work/after" "patches/$patch" || die "patches/$patch does not apply: scripts/fork --repair"
        difference "$patch" "$work/before" "$work/after"
        write_patch "$patch"
        rm -rf "$work/before"
        mv "$work/after" "$work/before"
    done
    generate
}

# Generates up to the first patch that does not apply, leaving out those of its hunks that fail.
repair() {
    local patch crates
    refuse_edits
    mapfile -t crates < <(crates_of "${queue[@]/#/patches/}")
    locate_pinned
    copy_crates "$work/tree" "${crates[@]}"
    for patch in "${queue[@]}"; do
        if apply "$work/tree" "patches/$patch"; then continue; fi
        echo "$patch" >"$work/tree/.repairing"
        show_report
        install_tree "$work/tree"
        echo "These hunks of patches/$patch are missing from $out:"
        cat "$work/bad"
        echo "Add them by hand, then: scripts/fork --refresh ${patch%.patch}"
        return
    done
    rm -rf "$work/tree"
    say "every patch applies: there is nothing to repair"
    generate
}

add_crate() {
    local crate=$1
    refuse_edits
    [[ -d $out ]] || die "run scripts/fork first"
    [[ ! -d $out/$crate ]] || die "$out/$crate is there already"
    locate_pinned
    copy_crates "$work/added" "$crate"
    mv "$work/added/$crate" "$out/$crate"
    sums "$out" >"$out/.sums"
    say "$out/$crate is there, unpatched. Next:"
    say "1. in Cargo.toml, under [patch.crates-io]: $crate = { path = \"$out/$crate\" }"
    say "2. edit it; for a new patch, write its header to patches/NAME.patch and its name into patches/series"
    say "3. scripts/fork --refresh PATCH"
}
