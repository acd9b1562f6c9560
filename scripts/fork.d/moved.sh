# What changed in a move to another upstream release. Sourced by scripts/fork.
# shellcheck shell=bash disable=SC2034,SC2086,SC2154 # variables of the other parts

print_moved() {
    local old=$1 version=$2 lock=$3
    echo "moved from $old to $version"
    print_moved_hunks
    print_changed_crates "$lock"
    print_moved_heights "$old" "$version" "$lock"
    print_declared_rust
}

# The hunks that are at another line in the new release, by crate.
print_moved_hunks() {
    awk -F '\037' '
        { hunks++ }
        $2 != "offset" { next }
        {
            moved++
            crate = path = $3
            sub(/\/.*/, "", crate)
            sub(/^[^\/]*\//, "", path)
            if (!(crate in lines)) crates[++count] = crate
            lines[crate] = lines[crate] sprintf("    %-22s %s: line %d -> %d\n", $1, path, $4, $4 + $6)
        }
        END {
            where = count ? ", in " count (count == 1 ? " crate:" : " crates:") : ""
            printf "patches: %d of %d hunks changed place%s\n", moved, hunks, where
            for (i = 1; i <= count; i++) printf "  %s\n%s", crates[i], lines[crates[i]]
        }' "$work/verdicts"
}

# Lines changed upstream, for the crates that our manifests name or our patches change, and for the others together.
print_changed_crates() {
    local lock=$1 ours crate count others=0 touched=0
    ours=$({ our_crates; crates_of "${queue[@]/#/patches/}"; } | sort -u)
    echo "lines changed upstream (added and removed, without tests) in the crates that we call:"
    for crate in $ours; do
        count=$(changed_lines "$crate" "$lock") || count='not counted'
        printf '  %-34s %s\n' "$crate" "$(group_digits "$count")"
    done
    for crate in $(upstream_crates "$lock" | grep -vxF "$ours"); do
        count=$(changed_lines "$crate" "$lock") || continue
        ((count > 0)) || continue
        others=$((others + count)) touched=$((touched + 1))
        printf '%s %s\n' "$count" "$crate"
    done >"$work/others"
    ((touched)) || return 0
    printf '  %-34s %s, most of them in\n' "$touched other upstream crates" "$(group_digits "$others")"
    sort -rn "$work/others" | head -n 5 | while read -r count crate; do
        printf '    %-32s %s\n' "$crate" "$(group_digits "$count")"
    done
}

group_digits() { sed -E ':again; s/^([0-9]+)([0-9]{3})/\1,\2/; t again' <<<"$1"; }

# The upstream crates that our manifests ask for.
our_crates() {
    sed -nE 's/^((snarkos|snarkvm|aleo-std)[a-z0-9-]*) *= *("=|.*version *= *"=).*/\1/p' Cargo.toml $pins/Cargo.toml
}

# All upstream crates of the new release.
upstream_crates() { sed -nE 's/^name = "((snarkos|snarkvm|aleo-std)[a-z0-9-]*)"$/\1/p' "$1" | sort -u; }

# How many lines of a crate's Rust differ between the release that we leave and the new one.
changed_lines() {
    local crate=$1 lock=$2 before after old new
    before=$(old_version "$crate") && after=$(locked_version "$lock" "$crate") || return
    [[ $before != "$after" ]] || { echo 0; return; }
    old=$(folder_of "$crate" "$before") && new=$(folder_of "$crate" "$after") || return
    ln -sfn "$old" "$work/a" && ln -sfn "$new" "$work/b" || return
    plain_git -C "$work" diff --no-index --no-renames --numstat a/ b/ >"$work/numbers" || (($? == 1)) || return
    # A path is `{a => b}/src/lib.rs`, or has /dev/null at one side.
    awk -F '\t' '
        { path = $3; sub(/ => \/dev\/null$/, "", path); sub(/^(\{a => b\}|\/dev\/null => b|a)\//, "", path) }
        path ~ /\.rs$/ && path !~ /(^|\/)(tests?|benches|examples)(\/|\.rs)/ { sum += $1 + $2 }
        END { print sum + 0 }' "$work/numbers"
}

# The version of a crate in the release that we leave. The pins have moved already when a move is finished
# that was begun with --repair.
old_version() {
    local lock=Cargo.lock
    [[ -f $lock ]] || lock=$pins/Cargo.lock
    locked_version "$lock" "$1"
}

print_moved_heights() {
    local old=$1 version=$2 lock=$3 old_vm new_vm
    echo "consensus versions that are new, or begin at another height:"
    if old_vm=$(old_version snarkvm-console-network) && new_vm=$(locked_version "$lock" snarkvm-console-network) &&
        heights_of "$old_vm" >"$work/heights" && heights_of "$new_vm" >"$work/new_heights"; then
        compare_heights "$old" "$work/heights" "$version" "$work/new_heights"
    else
        echo "  unreadable"
    fi
}

# Crates that declare a newer Rust than the tried one, which scripts/lib.sh names.
print_declared_rust() {
    local tried declared rust crate above=
    tried=$(sed -n 's/^readonly tried_rust=//p' scripts/lib.sh 2>/dev/null) || true
    [[ -n $tried ]] || return 0
    while read -r rust crate; do
        if newer "$rust" "$tried.0"; then declared=$rust above+="${above:+, }$crate"; fi
    done < <(grep -oE '\{"name":"[^"]*","version":"[^"]*","id":|"rust_version":"[^"]*"' "$work/metadata" |
        awk -F '"' '/^\{/ { name = $4 } /^"rust_version"/ { print $4, name }' | sort -V)
    [[ -z $above ]] || echo "Rust $declared is declared by $above; $tried was tried (scripts/lib.sh)"
}

print_next() {
    local old=$1 version=$2
    cat <<END_OF_TEXT
next:
  scripts/build --devnet                        a patch that applies may still not compile
  scripts/genesis                               the devnet's genesis block of this release
  scripts/test --long                           everything that must hold
  scripts/bench differential --pairs 100000     the puzzle against the new snarkVM
  git diff                                      and upstream's changes around every hunk
undo: git checkout Cargo.toml Cargo.lock $fork/Cargo.toml $pins patches && scripts/fork
      after a commit: scripts/fork --upgrade $old
END_OF_TEXT
    print_mentions "$old"
}

# What a person has to check: files that name the old release. Patches name the release since which they
# exist, and the tests have recorded answers.
print_mentions() {
    git rev-parse --is-inside-work-tree >/dev/null 2>&1 || return 0
    git grep -cF "$1" -- . ':!*Cargo.lock' ':!patches' ':!tests/fork' | awk -F : -v old="$1" '
        NR == 1 { print "these files name " old "; read them again:" }
        { printf "  %s: %d line%s\n", $1, $2, $2 == 1 ? "" : "s" }' || true
}
