# Finds the place of every hunk of a patch in a tree. Variables: `tree`, a folder; `reverse`, 1 to undo;
# `good` and `bad`, files for the hunks that apply and for the others. Prints a line per hunk, fields
# separated by the character 037 (a tab may be part of the text, and `read` drops empty fields between tabs):
#   verdict, file, line in the file, line in the patch, details
# with a verdict of exact, offset, failed or ambiguous. A hunk must stand at its line, or else in one
# single place: git itself would silently take the nearest of several.

function report(verdict, details,    to) {
    printf "%s\037%s\037%d\037%d\037%s\n", verdict, file, start, head, details
    to = verdict == "exact" || verdict == "offset" ? good : bad
    if (last_file[to] != file) printf "--- a/%s\n+++ b/%s\n", file, file > to
    last_file[to] = file
    printf "%s", hunk > to
}
function load(    line) {
    if (loaded == file) return
    loaded = file
    for (lines = 0; (getline line < (tree "/" file)) > 0; ) text[++lines] = line
    close(tree "/" file)
}
# How many of the lines the hunk expects stand at `place`; `miss` is the first that does not.
function matching(place,    i, hits) {
    hits = miss = 0
    for (i = 1; i <= expects; i++)
        if (place + i - 1 <= lines && text[place + i - 1] == expected[i]) hits++
        else if (!miss) miss = i
    return hits
}
function locate(    place, hits, found, places, best, closest, away) {
    load()
    if (!lines) return report("failed", "upstream has no such file")
    if (matching(start) == expects) return report("exact", "")
    for (place = 1; place <= lines; place++) {
        hits = matching(place)
        away = place > start ? place - start : start - place
        if (hits > best || (hits == best && away < closest)) { best = hits; closest = away; nearest = place }
        if (hits == expects) places = places (found++ ? ", " : "") place
    }
    if (found > 1) return report("ambiguous", "the lines it expects stand at " places)
    if (found == 1) return report("offset", sprintf("%+d", nearest - start))
    matching(nearest)
    place = nearest + miss - 1
    report("failed", "line " place " is\037" (place <= lines ? text[place] : "(the end)") "\037the patch expects\037" expected[miss])
}
left_old > 0 || left_new > 0 {
    hunk = hunk $0 "\n"
    if (/^\\/) next
    if (!/^\+/) left_old--
    if (!/^-/) left_new--
    if (reverse ? !/^-/ : !/^\+/) expected[++expects] = substr($0, 2)
    complete = left_old <= 0 && left_new <= 0
    next
}
# "\ No newline at end of file" may still follow.
complete && /^\\/ { hunk = hunk $0 "\n"; next }
complete { complete = 0; locate() }
/^--- a\// { file = substr($0, 7); sub(/\t.*/, "", file) }
/^@@ / && file {
    split(substr($2, 2), a, ","); split(substr($3, 2), b, ",")
    left_old = a[2] == "" ? 1 : a[2]; left_new = b[2] == "" ? 1 : b[2]
    start = (reverse ? b[1] : a[1]) + 0
    head = NR; expects = 0; hunk = $0 "\n"
}
END { if (complete) locate() }