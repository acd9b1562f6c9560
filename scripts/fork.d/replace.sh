# Putting prepared files in place, all or none. Sourced by scripts/fork.
# shellcheck shell=bash disable=SC2034,SC2086,SC2154 # variables of the other parts

# Replaces files of the repository, and the generated tree, by those in $work/new. As long as $work/undo
# exists, `take_back` undoes it: at the end of this run, or, if that was killed, at the start of the next one.
replace() {
    local file changed=()
    for file in "$@"; do
        [[ -f $shadow/$file ]] || continue
        cmp -s "$shadow/$file" "$file" || changed+=("$file")
    done
    mkdir "$work/copies" "$work/put"
    if ((${#changed[@]})); then
        cp -p --parents -t "$work/copies" "${changed[@]}"
        (cd "$shadow" && cp -p --parents -t "$work/put" "${changed[@]}")
    fi
    # Renaming some files takes milliseconds: a signal can wait.
    trap '' HUP INT TERM
    mv "$work/copies" "$work/undo"
    for file in "${changed[@]}"; do mv "$work/put/$file" "$file"; done
    mv "$work/undo" "$work/done"
    promise=
    # The files match now. Without this tree `scripts/fork` would make the same one.
    install_tree "$shadow/$out"
    trap - HUP INT TERM
}

# Undoes what a run with this work folder replaced, unless it replaced all. A file that was changed since stays.
take_back() {
    local left=$1 file
    [[ -d $left/undo ]] || return 0
    while IFS= read -r file; do
        if cmp -s "$left/new/$file" "$file"; then mv "$left/undo/$file" "$file"; fi
    done < <(cd "$left/undo" && find . -type f | sed 's#^\./##')
}
