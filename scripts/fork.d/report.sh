# What the queue is and where it would apply; changes nothing. Sourced by scripts/fork.
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
    ((total <= limit)) || die "that is more than $limit: a patch exposes or hooks, the rest belongs into our own crates"
}

check() {
    local version=$1 patch crates
    [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*$ ]] || die "'$version' is no version: expected one such as 4.11.0"
    mapfile -t crates < <(crates_of "${queue[@]/#/patches/}")
    locate_release "$version" "${crates[@]}"
    copy_crates "$work/tree" "${crates[@]}"
    echo "the patches on upstream $version:"
    : >"$work/verdicts"
    for patch in "${queue[@]}"; do
        echo "$patch"
        apply "$work/tree" "patches/$patch" || true
        show_report
        cut -d $'\037' -f 1 "$work/report" >>"$work/verdicts"
    done
    awk '{ count[$1]++ } END { printf "%d hunks: %d applied, %d applied at an offset, %d failed, %d ambiguous\n",
        NR, count["exact"], count["offset"], count["failed"], count["ambiguous"] }' "$work/verdicts"
    ! grep -qE '^(failed|ambiguous)' "$work/verdicts"
}
