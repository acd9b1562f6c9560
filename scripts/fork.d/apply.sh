# Applying a patch, hunk by hunk. Sourced by scripts/fork.
# shellcheck shell=bash disable=SC2034,SC2086,SC2154 # variables of the other parts

# git without the configuration and the repository it is called in: inside a repository's subfolder `git
# apply` skips paths it considers foreign, and exits 0.
plain_git() {
    # shellcheck disable=SC2086 # a list of options
    env $unset_git GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_CEILING_DIRECTORIES="${work%/*}" git "$@"
}

# Prints the name of a patch file for messages.
label() { printf '%s\n' "${1#"$PWD"/}"; }

# Refuses a patch that git cannot read, or that does more than change files. Prints, per file: lines
# added, lines removed, name.
numstat() {
    local patch=$1 stray summary stat
    # git would ignore lines that a hunk's header does not count.
    stray=$(awk '
        left_old > 0 || left_new > 0 { if (!/^[+\\]/) left_old--; if (!/^[-\\]/) left_new--; next }
        /^@@ / { split($2, a, ","); split($3, b, ","); left_old = a[2] == "" ? 1 : a[2]; left_new = b[2] == "" ? 1 : b[2]; hunk = 1; next }
        /^--- a\// || /^\+\+\+ b\// { hunk = 0; next }
        hunk && /^[-+ ]/ { print NR; exit }' "$patch")
    [[ -z $stray ]] || die "$(label "$patch"), line $stray: lies outside of a hunk; the header above it (@@ -line,count +line,count @@) counts too few lines"
    summary=$(plain_git -C "$work" apply --summary "$patch" 2>&1) || die "git cannot read $(label "$patch"): $summary"
    [[ -z $summary ]] || die "$(label "$patch") may only change files, but it has: $summary"
    stat=$(plain_git -C "$work" apply --numstat "$patch") || exit 1
    [[ -n $stat ]] || die "git finds no change in $(label "$patch")"
    printf '%s\n' "$stat"
}

# Prints a verdict per hunk, as hunks.awk says, and leaves the hunks that apply in $work/good, the
# others in $work/bad.
find_hunks() {
    local tree=$1 patch=$2 reverse=$3
    : >"$work/good"
    : >"$work/bad"
    awk -v tree="$tree" -v reverse="$reverse" -v good="$work/good" -v bad="$work/bad" -f "$lib/hunks.awk" "$patch"
}

# Applies to a tree the hunks of a patch that apply (`reverse` = 1: undoes them). Leaves one line per
# hunk in $work/report; fails unless all hunks applied.
apply() {
    local tree=$1 patch=$2 reverse=${3:-0} flags=(--whitespace=nowarn) files before after
    [[ $patch == /* ]] || patch=$PWD/$patch
    ((reverse == 0)) || flags+=(--reverse)
    # Callers test the result, which turns `set -e` off in here: every step needs its own `||`.
    numstat "$patch" >"$work/numstat" || exit 1
    find_hunks "$tree" "$patch" "$reverse" >"$work/report" || die "cannot look for the hunks of $(label "$patch")"
    [[ $(wc -l <"$work/report") -eq $(diff_of "$patch" | grep -c '^@@ -') ]] || die "lost a hunk of $(label "$patch")"
    if [[ -s $work/good ]]; then
        mapfile -t files < <(sed -n 's#^--- a/##p' "$work/good")
        before=$(cd "$tree" && sha256sum "${files[@]}") || exit 1
        plain_git -C "$tree" apply "${flags[@]}" "$work/good" || die "git refuses to apply $(label "$patch")"
        after=$(cd "$tree" && sha256sum "${files[@]}") || exit 1
        # An exit code of 0 is not enough: git can skip files.
        [[ -z $(comm -12 <(sort <<<"$before") <(sort <<<"$after")) ]] || die "git skipped files of $(label "$patch")"
    fi
    [[ ! -s $work/bad ]]
}

# Prints $work/report for people, hunk by hunk.
show_report() {
    local verdict file line head detail is_text expects wanted
    while IFS=$'\037' read -r verdict file line head detail is_text expects wanted; do
        case $verdict in
            exact) echo "  $file:$line: applied" ;;
            offset) echo "  $file:$line: applied at an offset of $detail lines" ;;
            *)
                echo "  $file:$line: $verdict (hunk at line $head of the patch): $detail"
                if [[ -n $expects ]]; then printf '      %s\n    %s\n      %s\n' "$is_text" "$expects" "$wanted"; fi
                ;;
        esac
    done <"$work/report"
}
