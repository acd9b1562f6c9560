#!/usr/bin/env bash
# Tests scripts/fork: its behaviour on a small artificial upstream, then the real queue on the real one.
# Everything happens in a temporary folder; tests/fork has the parts about other releases. Usage:
# tests/fork.sh
# shellcheck disable=SC2016,SC2034,SC2119,SC2120 # expressions for eval; a function with optional arguments
set -uo pipefail
export LC_ALL=C
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
passed=0 failed=0

# ok WHAT COMMAND...: the command must succeed. The last output of scripts/fork is in $temp/said.
ok() {
    local what=$1
    shift
    if "$@" >"$temp/out" 2>&1; then
        passed=$((passed + 1))
        echo "ok      $what"
    else
        failed=$((failed + 1))
        echo "FAILED  $what"
        sed 's/^/        | /' "$temp/out" "$temp/said"
    fi
}
not() { ! "$@"; }
fork() { scripts/fork "$@" >"$temp/said" 2>&1; }
said() { grep -qF -- "$1" "$temp/said"; }
# The state of a tree: names and contents, with `times` also the time of each file.
tree() { (cd snarkos-fork/crates && find . -type f ! -name .inputs -exec sha256sum {} + | sort); }
times() { (cd snarkos-fork/crates && find . -type f -printf '%p %T@\n' | sort); }
same() { diff "$temp/$1" <("$2"); }
# A run that generates nothing: a new tree would be another folder.
idle() {
    local before
    before=$(stat -c %i snarkos-fork/crates)
    fork && [[ $(stat -c %i snarkos-fork/crates) == "$before" ]]
}
no_work_left() { [[ -z $(find snarkos-fork -maxdepth 1 -name 'crates.*') ]]; }

# --- a made-up upstream: two crates without dependencies, in two releases -------------------------

crate() { # name, version, further lines of its manifest; lib.rs on standard input
    local dir=vendor/$1-$2
    mkdir -p "$dir/src" "$dir/tests"
    printf '%s\n' '[package]' "name = \"$1\"" "version = \"$2\"" 'edition = "2021"' "${@:3}" >"$dir/Cargo.toml"
    echo '{"files":{}}' >"$dir/.cargo-checksum.json"
    cat >"$dir/src/lib.rs"
    echo 'pub fn helper() {}' >"$dir/src/helper.rs"
}
pin() {
    printf '[package]\nname = "pins"\nversion = "0.0.0"\n[lib]\npath = "pins.rs"\n[workspace]\n[dependencies]\nsnarkos-alpha = "=%s"\nsnarkos-beta = "=%s"\n' "$1" "$1" \
        >snarkos-fork/upstream/Cargo.toml
    cargo generate-lockfile --offline --quiet --manifest-path snarkos-fork/upstream/Cargo.toml
    sed -i "s/\"=[0-9.]*\"/\"=$1\"/" Cargo.toml
}

mkdir -p "$temp/small/.cargo" "$temp/small/scripts" "$temp/small/patches" "$temp/small/snarkos-fork/upstream"
cd "$temp/small" || exit 1
git init -q . # the trap: `git apply` in a repository's subfolder
cp -R "$repo/scripts/fork" "$repo/scripts/fork.d" scripts/
printf '[source.crates-io]\nreplace-with = "vendor"\n[source.vendor]\ndirectory = "vendor"\n' >.cargo/config.toml
touch snarkos-fork/upstream/pins.rs
cat >Cargo.toml <<'END'
[workspace.dependencies]
snarkos-alpha = "=1.0.0"
snarkos-beta = { version = "=1.0.0", default-features = false }
[patch.crates-io]
snarkos-alpha = { path = "snarkos-fork/crates/snarkos-alpha" }
snarkos-beta = { path = "snarkos-fork/crates/snarkos-beta" }
END
seq -f 'line %g' 40 | crate snarkos-alpha 1.0.0
seq -f 'beta %g' 20 | crate snarkos-beta 1.0.0
# The next release: two lines more at the top of alpha, and line 30 differs.
{ echo new; echo new; seq -f 'line %g' 40 | sed 's/^line 30$/other 30/'; } | crate snarkos-alpha 2.0.0
seq -f 'beta %g' 20 | crate snarkos-beta 2.0.0
: | crate snarkos-gamma 1.0.0
pin 1.0.0

cat >patches/one.patch <<'END'
The first: changes both crates.

--- a/snarkos-alpha/src/lib.rs
+++ b/snarkos-alpha/src/lib.rs
@@ -8,6 +8,7 @@ line 7
 line 8
 line 9
 line 10
+one
 line 11
 line 12
 line 13
--- a/snarkos-beta/src/lib.rs
+++ b/snarkos-beta/src/lib.rs
@@ -4,7 +4,7 @@ beta 3
 beta 4
 beta 5
 beta 6
-beta 7
+beta seven
 beta 8
 beta 9
 beta 10
END
cat >patches/two.patch <<'END'
The second: alpha alone.

--- a/snarkos-alpha/src/lib.rs
+++ b/snarkos-alpha/src/lib.rs
@@ -19,6 +19,7 @@ line 17
 line 18
 line 19
 line 20
+two
 line 21
 line 22
 line 23
END
cat >patches/three.patch <<'END'
The third: the same file again.

--- a/snarkos-alpha/src/lib.rs
+++ b/snarkos-alpha/src/lib.rs
@@ -30,6 +30,7 @@ line 27
 line 28
 line 29
 line 30
+three
 line 31
 line 32
 line 33
END
printf '# in this order\none.patch\ntwo.patch # comment\n\nthree.patch\n' >patches/series
cp -R patches "$temp/patches"
# The queue and tree as they were; usually the tree has not changed.
restore() { rm -rf patches && cp -R "$temp/patches" patches && { fork || fork --reset; }; }
alpha=snarkos-fork/crates/snarkos-alpha/src/lib.rs

echo "generate"
ok "makes the patched crates" fork
ok "with every patch in them" test "$(grep -cE '^(one|two|three|beta seven)$' $alpha snarkos-fork/crates/snarkos-beta/src/lib.rs | tr '\n' ' ')" = \
    "$alpha:3 snarkos-fork/crates/snarkos-beta/src/lib.rs:1 "
ok "leaves out tests" test ! -e snarkos-fork/crates/snarkos-alpha/tests
times >"$temp/times" && tree >"$temp/tree"
ok "does nothing when nothing changed" idle
ok "and says nothing" test ! -s "$temp/said"
ok "and rewrites no file" same times times
ok "leaves no work folder" no_work_left
sed -i 's/^+two$/+two changed/' patches/two.patch
ok "takes an edited patch" fork
ok "which renews the file it touches and no other" test "$(comm -13 "$temp/times" <(times) | sed 's/ .*//' | grep -v '/\.' | xargs)" = "./snarkos-alpha/src/lib.rs"
restore

echo "a patch that fails"
sed -i 's/^ line 19$/ line nineteen/' patches/two.patch
ok "is an error" not fork
ok "that names the patch" said "patches/two.patch does not apply"
ok "the file and the line" said "snarkos-alpha/src/lib.rs:19: failed"
ok "what stands there and what was expected" eval 'said "line 20 is" && said "line nineteen"'
ok "and how to repair it" said "scripts/fork --repair"
ok "the previous tree stays" same tree tree
ok "no work folder stays" no_work_left
restore
sed -i 's/^ line 20$/ /' patches/two.patch
ok "an empty line is shown as such" eval 'not fork && grep -A 2 "line 21 is" "$temp/said" | tail -n 1 | grep -q "the patch expects"'
restore
sed -i 's#src/lib.rs#src/gone.rs#' patches/two.patch
ok "a missing file is an error" not fork
ok "that says so" said "snarkos-alpha/src/gone.rs:19: failed (hunk at line 5 of the patch): upstream has no such file"
restore
# Three equal lines of context, and not where the hunk says.
seq -f 'line %g' 40 | sed -e 's/^line \([5-7]\)$/same/' -e 's/^line 3[5-7]$/same/' >"$temp/lib.rs"
cp vendor/snarkos-alpha-1.0.0/src/lib.rs "$temp/lib.rs.kept" && cp "$temp/lib.rs" vendor/snarkos-alpha-1.0.0/src/lib.rs
printf 'A header.\n\n--- a/snarkos-alpha/src/lib.rs\n+++ b/snarkos-alpha/src/lib.rs\n@@ -20,3 +20,4 @@\n same\n same\n+more\n same\n' >patches/three.patch
ok "a hunk that fits two places is refused" not fork
ok "with both lines" said "ambiguous (hunk at line 5 of the patch): the lines it expects stand at 5, 37"
cp "$temp/lib.rs.kept" vendor/snarkos-alpha-1.0.0/src/lib.rs
restore
echo '+uncounted' >>patches/two.patch
ok "a line that no hunk counts is refused" not fork
ok "with its number" said "patches/two.patch, line 13"
restore
sed -i '/^+two$/a +uncounted' patches/two.patch
ok "a hunk with a wrong count is refused" not fork
ok "by name" said "git cannot read patches/two.patch"
restore
printf 'H\n\n--- /dev/null\n+++ b/snarkos-alpha/src/new.rs\n@@ -0,0 +1 @@\n+new\n' >patches/three.patch
ok "a patch that adds a file is refused" not fork
restore
sed -i '1,2d' patches/two.patch
ok "a patch without header is refused" not fork
ok "by name" said "patches/two.patch has no header"
restore
cp patches/two.patch patches/four.patch
ok "a patch outside of the series is refused" not fork
restore

echo "edits in the generated tree"
sed -i 's/^two$/two, edited/' $alpha && cp $alpha "$temp/edited"
ok "are not thrown away" not fork
ok "but named" said "  $alpha"
ok "with the way to keep them and to drop them" eval 'said "--refresh PATCH" && said "--reset"'
echo "A new header." >"$temp/header" && cat patches/one.patch >>"$temp/header" && cp "$temp/header" patches/one.patch
ok "nor when the queue changed" not fork
ok "and stay" cmp $alpha "$temp/edited"
cp "$temp/patches/one.patch" patches/
ok "--refresh takes them" fork --refresh two
ok "into the named patch" diff <(sed 's/^+two$/+two, edited/' "$temp/patches/two.patch") patches/two.patch
ok "and no other" cmp "$temp/patches/three.patch" patches/three.patch
ok "the tree is then up to date" idle
ok "and as it was edited" cmp $alpha "$temp/edited"
restore
ok "--reset drops them" same tree tree
for patch in one two three; do
    ok "--refresh of an unedited $patch.patch changes nothing" eval "fork --refresh patches/$patch.patch && cmp patches/$patch.patch $temp/patches/$patch.patch"
done
sed -i 's/^one$/one\nand more/' $alpha
ok "an edit ahead of another patch" fork --refresh one.patch
ok "shifts that one" said "patches/two.patch are off"
ok "--refresh alone corrects the lines" fork --refresh
ok "of both" eval 'grep -q "^@@ -20,6 +20,7 @@" patches/two.patch && grep -q "^@@ -31,6 +31,7 @@" patches/three.patch'
restore
sed -i 's/^three$/not three/' $alpha && cp $alpha "$temp/edited"
ok "an edit of a later patch's lines is refused" not fork --refresh two
ok "with the patch it meets" said "scripts/fork --refresh three"
ok "and changes nothing" eval 'cmp $alpha "$temp/edited" && diff -r patches "$temp/patches"'
restore
touch snarkos-fork/crates/snarkos-alpha/src/new.rs
ok "a new file is noticed" not fork
ok "and refused" not fork --refresh two
restore
ok "an unknown patch is an error" not fork --refresh nothing
ok "that lists the known ones" said "patches/series has: one two three"
ok "--add brings another crate" not fork --add snarkos-gamma # not among the pins
ok "if upstream has it" said "has no crate 'snarkos-gamma'"

echo "a new upstream release"
pin 2.0.0
ok "a patch that fails there" not fork
ok "is named with the release" said "patches/three.patch does not apply to upstream 2.0.0"
ok "the previous tree stays" same tree tree
ok "--repair generates up to it" fork --repair
ok "and prints what is missing" said "+three"
ok "no further tree before it is repaired" not fork
sed -i 's/^other 30$/other 30\nthree/' $alpha
ok "--refresh of another is refused" not fork --refresh one
ok "--refresh of it ends the repair" fork --refresh three
ok "--refresh alone corrects the lines" fork --refresh
ok "the patch is rewritten, its header kept" eval 'grep -q "^ other 30" patches/three.patch && grep -q "^The third" patches/three.patch'
ok "and all is up to date" idle
pin 1.0.0
restore

echo "a killed run"
mkdir snarkos-fork/crates.abcdef && mv snarkos-fork/crates snarkos-fork/crates.abcdef/previous
ok "leaves a tree that the next one takes up" fork
ok "as it was" same tree tree
ok "and cleans up" no_work_left

echo "the workspace"
sed -i 's/^snarkos-alpha = "=1.0.0"/snarkos-alpha = "=1.0.1"/' Cargo.toml
ok "another version than pinned is refused" not fork
ok "with both versions" said 'Cargo.toml has snarkos-alpha at "=1.0.1", snarkos-fork/upstream pins "=1.0.0"'
pin 1.0.0
sed -i '/^snarkos-beta = { path/d' Cargo.toml
ok "a missing [patch] line is refused" not fork
ok "and given" said 'snarkos-beta = { path = "snarkos-fork/crates/snarkos-beta" }'
echo 'snarkos-beta = { path = "snarkos-fork/crates/snarkos-beta" }' >>Cargo.toml
mkdir "$temp/bin" && for tool in git dirname bash env; do ln -s "$(command -v $tool)" "$temp/bin/"; done
ok "without cargo" not eval 'PATH=$temp/bin fork'
ok "it says what to install" said "cargo is missing: install Rust"

echo "reports"
ok "--stat" fork --stat
ok "counts added and removed lines" eval 'said "one.patch: 3 changed lines (2 added, 1 removed)" && test "$(tail -n 1 "$temp/said")" = "total changed lines: 5"'
sed -i -e 's/^@@ -19,6 +19,7 @@/@@ -19,6 +19,67 @@/' -e "s/^+two\$/$(seq -f '+%g' 61 | sed 's/$/\\/' | tr '\n' n | sed 's/\\n$//')/" patches/two.patch
ok "--stat fails above 60" not fork --stat
ok "and still counts" said "total changed lines: 65"
ok "--help" fork --help
ok "an unknown option is an error" not fork --nonsense

# --- another release, of a whole workspace: its own files ------------------------------------------

source "$repo/tests/fork/upgrade.sh"
source "$repo/tests/fork/outdated.sh"
restore_cargo

# --- the real queue --------------------------------------------------------------------------------

echo "the real queue"
mkdir -p "$temp/real/scripts" "$temp/real/snarkos-fork"
cd "$temp/real" || exit 1
cp -R "$repo/scripts/fork" "$repo/scripts/fork.d" scripts/ && cp "$repo/Cargo.toml" . && cp -R "$repo/patches" . && cp -R "$repo/snarkos-fork/upstream" snarkos-fork/
ok "applies" fork
ok "at the very lines" not said "note:"
ok "unchanged" idle
version=$(sed -n 's/^snarkos-cli = "=\(.*\)"/\1/p' snarkos-fork/upstream/Cargo.toml)
ok "--check of the pinned release" fork --check "$version"
ok "finds every hunk in place" said "0 applied at an offset, 0 failed, 0 ambiguous"
cp -pR . "$temp/real-before"
ok "--upgrade to the pinned release" fork --upgrade "$version"
ok "has nothing to do" said "the pins are at $version already: nothing to do"
ok "and changes nothing" diff -r . "$temp/real-before"
ok "--stat stays below the limit" fork --stat
tail -n 1 "$temp/said"
fork --outdated
status=$?
ok "--outdated asks the registry" eval '((status < 2)) && said "the pins are at $version" || { ((status == 2)) && said "cannot look for a newer release"; }'
sed 's/^/        /' "$temp/said"

echo "$passed passed, $failed failed"
((failed == 0))
