# At which heights the consensus versions begin, of two releases. Sourced by scripts/fork.
# shellcheck shell=bash disable=SC2034,SC2086,SC2154 # variables of the other parts

# Prints the heights of a snarkVM release, as heights.awk says.
heights_of() {
    local folder file heights
    folder=$(folder_of snarkvm-console-network "$1") || return
    file=$folder/src/consensus_heights.rs
    [[ -f $file ]] || die "snarkvm-console-network $1 no longer has src/consensus_heights.rs"
    heights=$(awk -f "$lib/heights.awk" "$file") || return
    [[ -n $heights ]] || die "no consensus heights found in src/consensus_heights.rs of snarkvm-console-network $1"
    printf '%s\n' "$heights"
}

# Prints, per network, where the heights of a release (the second pair of arguments: its name, a file of
# `heights_of`) differ from those of another (the first pair). `scheduled` = 1: only heights that it has.
compare_heights() {
    awk -F '\t' -v old_name="$1" -v new_name="$3" -v scheduled="${5:-0}" '
        function name(height,    digits) {
            if (height == "max") return "not scheduled"
            if (height == "") return "not known"
            if (height !~ /^[0-9]+$/) return height
            for (digits = ""; length(height) > 3; height = substr(height, 1, length(height) - 3))
                digits = "," substr(height, length(height) - 2) digits
            return height digits
        }
        function differ(network, version, old, new) {
            if (old == new || (scheduled && (new == "max" || new == ""))) return
            new = name(new) " (" old_name ": " name(old) ")"
            lines[network] = lines[network] sprintf("  %-8s %-4s %s\n", network, version, new)
        }
        !($1 in known) { known[$1] = 1; networks[++count] = $1 }
        FNR == NR { old[$1, $2] = $3; versions[$1] = versions[$1] " " $2; next }
        { new[$1, $2] = 1; differ($1, $2, old[$1, $2], $3) }
        END {
            for (i = 1; i <= count; i++) {
                network = networks[i]
                parts = split(versions[network], version, " ")
                for (j = 1; j <= parts; j++)
                    if (!((network, version[j]) in new)) differ(network, version[j], old[network, version[j]], "")
                printf "%s", lines[network] ? lines[network] : sprintf("  %-8s none\n", network)
            }
        }' "$2" "$4"
}
