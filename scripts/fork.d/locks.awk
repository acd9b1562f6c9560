# Joins two lock files: all packages of the first, and those of the second that the first has in no compatible
# version. So packages that only we use keep their version. cargo drops the packages that nothing needs.
# Usage: awk -f locks.awk UPSTREAM_LOCK OUR_LOCK
BEGIN { RS = ""; ORS = "\n\n" }
# Versions are compatible if they agree up to the first number that is not 0.
function line(version,    part) {
    split(version, part, /[.+-]/)
    if (part[1] != "0") return part[1]
    return part[2] != "0" ? "0." part[2] : "0.0." part[3]
}
function field(name,    text) {
    if (!match($0, name " = \"[^\"]*\"")) return ""
    text = substr($0, RSTART, RLENGTH - 1)
    sub(/.*"/, "", text)
    return text
}
!/\[\[package\]\]/ { if (FNR == NR) print; next }
{ key = field("name") " " line(field("version")) }
FNR == NR { upstream[key]; print; next }
!(key in upstream) { print }
