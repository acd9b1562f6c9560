# Reads the consensus heights of each network out of snarkVM's consensus_heights.rs. Prints a line per network and
# version, fields separated by tabs: network, version, height (`max` when it is not scheduled).

{ sub(/\/\/.*/, ""); gsub(/\/\*[^*]*\*\//, "") }
/(const|static) [A-Z0-9]+_V0_CONSENSUS_VERSION_HEIGHTS *:/ {
    network = $0
    sub(/.*(const|static) /, "", network)
    sub(/_V0_CONSENSUS_VERSION_HEIGHTS.*/, "", network)
    network = tolower(network)
    table = ""
    sub(/.*=/, "")
}
network {
    table = table $0
    if (!/\] *;/) next
    while (match(table, /ConsensusVersion *:: *V[0-9]+ *,[^()]*\)/)) {
        entry = substr(table, RSTART, RLENGTH - 1)
        table = substr(table, RSTART + RLENGTH)
        gsub(/ConsensusVersion *:: *|[ _]/, "", entry)
        split(entry, field, ",")
        sub(/u32$/, "", field[2])
        if (field[2] ~ /MAX$/) field[2] = "max"
        printf "%s\t%s\t%s\n", network, field[1], field[2]
    }
    network = ""
}
