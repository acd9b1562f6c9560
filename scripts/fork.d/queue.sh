# The patch queue and the pins: what to make, checked before anything is made. Sourced by scripts/fork.
# shellcheck shell=bash disable=SC2034,SC2086,SC2154 # variables of the other parts

# The patches of the series, in order.
series() { sed -e 's/[[:space:]]*#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' patches/series; }

# The two parts of a patch: prose up to the first diff line, and the diff.
header_of() { sed -e '/^--- a\//,$d' -e '/^diff --git /,$d' "$1"; }
diff_of() { sed -n -e '/^\(--- a\/\|diff --git \)/,$p' "$1"; }

# The upstream crates which the patches given change.
crates_of() { sed -n 's#^--- a/\([^/]*\)/.*#\1#p' "$@" | sort -u; }

# `block-hook`, `block-hook.patch` and `patches/block-hook.patch` all name the same patch.
patch_named() {
    local name=${1#patches/}
    name=${name%.patch}.patch
    for patch in "${queue[@]}"; do
        if [[ $patch == "$name" ]]; then
            printf '%s\n' "$name"
            return
        fi
    done
    die "unknown patch '$1'; patches/series has: ${queue[*]%.patch}"
}

read_queue() {
    [[ -f patches/series ]] || die "patches/series is missing"
    mapfile -t queue < <(series)
    ((${#queue[@]} > 0)) || die "patches/series names no patch"
    local patch twice
    twice=$(printf '%s\n' "${queue[@]}" | sort | uniq -d)
    [[ -z $twice ]] || die "patches/series names ${twice//$'\n'/, } twice"
    for patch in "${queue[@]}"; do
        [[ -f patches/$patch ]] || die "patches/series names $patch, but there is no patches/$patch"
        [[ $(header_of "patches/$patch") == *[![:space:]]* ]] ||
            die "patches/$patch has no header: say above the diff what it exposes or hooks, and why"
    done
    for patch in patches/*.patch; do
        [[ " ${queue[*]} " == *" ${patch#patches/} "* ]] || die "$patch is not in patches/series: add it there or delete it"
    done
}

# The upstream release, as the pins name it.
pinned_version() { sed -n 's/^snarkos-[a-z-]* = "=\(.*\)"$/\1/p' $pins/Cargo.toml | head -n 1; }

# cargo only warns about a `[patch]` whose version differs from what the workspace asks for, and then builds
# unpatched upstream. So the workspace must ask for the pinned version, and must have the line.
check_workspace() {
    local wrong crate
    wrong=$(awk '
        FILENAME != "Cargo.toml" { # the lock file
            gsub(/"/, "")
            if ($1 == "name") name = $3
            if ($1 == "version") locked[name] = (locked[name] ? locked[name] " and =" : "=") $3
            next
        }
        /^\[/ { section = $0 }
        section != "[patch.crates-io]" && /^(snarkos|snarkvm|aleo-std)[a-z0-9-]* *=/ && match($0, /(= *|version *= *)"[^"]*"/) {
            wanted = substr($0, RSTART, RLENGTH)
            gsub(/^[^"]*"|"$/, "", wanted)
            if (wanted != locked[$1])
                printf "Cargo.toml has %s at \"%s\", '$pins' pins \"%s\": make them agree\n", $1, wanted, locked[$1] ? locked[$1] : "nothing"
        }' $pins/Cargo.lock Cargo.toml)
    for crate in $(crates_of "${queue[@]/#/patches/}"); do
        if ! grep -qE "^$crate *= *\{ *path *= *\"$out/$crate\" *\}" Cargo.toml; then
            wrong+=${wrong:+$'\n'}"Cargo.toml lacks, under [patch.crates-io]: $crate = { path = \"$out/$crate\" }"
        fi
    done
    [[ -z $wrong ]] || die "$wrong"
}
