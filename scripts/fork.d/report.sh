# The patch queue, and where it would apply; changes nothing. Sourced by scripts/fork.
# shellcheck shell=bash disable=SC2034,SC2086,SC2154 # variables of the other parts

print_stat() {
    local patch counts added removed total=0
    for patch in "${queue[@]}"; do
        counts=$(numstat "$PWD/patches/$patch")
        read -r added removed < <(awk '{ a += $1; r += $2 } END { print a + 0, r + 0 }' <<<"$counts")
        echo "$patch: $((added + removed)) changed lines ($added added, $removed removed)"
        total=$((total + added + removed))
    done
    echo "total changed lines: $total"
    ((total <= limit)) || die "that is more than $limit: a patch exposes or hooks, the rest belongs in our own crates"
}

# Refuses anything but the version of a release.
check_version() {
    local number='(0|[1-9][0-9]*)'
    [[ $1 =~ ^$number\.$number\.$number(-[0-9A-Za-z.-]+)?$ ]] || die "'$1' is not a version: expected three numbers, such as 1.2.3"
}

# Applies the queue to the patched crates of a release, hunk by hunk. Calls the function given after each patch, and
# leaves in $work/verdicts a line per hunk: the patch, then the fields of hunks.awk.
try_queue() {
    local version=$1 each=$2 patch crates
    mapfile -t crates < <(crates_of "${queue[@]/#/patches/}")
    locate_release "$version" "${crates[@]}"
    copy_crates "$work/tree" "${crates[@]}"
    : >"$work/verdicts"
    for patch in "${queue[@]}"; do
        apply "$work/tree" "patches/$patch" || true
        "$each" "$patch"
        sed "s/^/$patch"$'\037/' "$work/report" >>"$work/verdicts"
    done
}

all_applied() { ! cut -d $'\037' -f 2 "$work/verdicts" | grep -qE '^(failed|ambiguous)$'; }

show_hunks() {
    echo "$1"
    show_report
}

check() {
    local version=$1
    check_version "$version"
    echo "the patches on upstream $version:"
    try_queue "$version" show_hunks
    awk -F '\037' '{ count[$2]++ } END { printf "%d hunks: %d applied, %d applied at an offset, %d failed, %d ambiguous\n",
        NR, count["exact"], count["offset"], count["failed"], count["ambiguous"] }' "$work/verdicts"
    all_applied
}
