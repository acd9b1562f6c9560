# Sets the exact upstream versions of a manifest. The first file is upstream's lock file, the second the manifest,
# which is printed. Variables: `release`, for the version of the package itself. Exits with 1, and the name on
# standard error, when the lock file has no such crate.
FNR == NR {
    if (/^name = /) { gsub(/^name = |"/, ""); name = $0 }
    if (/^version = / && name) { gsub(/^version = |"/, ""); locked[name] = $0; name = "" }
    next
}
/^\[/ { section = $0 }
section == "[package]" && /^version = "/ { print "version = \"" release "\""; next }
section != "[patch.crates-io]" && /^(snarkos|snarkvm|aleo-std)[a-z0-9-]* *= *("=|.*version *= *"=)/ {
    if (!($1 in locked)) { print $1 > "/dev/stderr"; missing = 1; exit }
    sub(/"=[^"]*"/, "\"=" locked[$1] "\"")
}
{ print }
END { exit missing }
