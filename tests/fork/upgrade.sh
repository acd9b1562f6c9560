# `scripts/fork --upgrade` on an artificial workspace and three releases. Sourced by tests/fork.sh.
# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2154 # expressions for eval; variables of tests/fork.sh

# A registry in a folder: a script answers `cargo info`, the rest is cargo's own work.
mkdir -p "$temp/upstream" "$temp/made-up" "$temp/home" "$temp/tmp"
cat >"$temp/made-up/cargo" <<END
#!/usr/bin/env bash
if [[ \$1 == metadata && -e $temp/kill-metadata ]]; then kill -9 \$PPID; fi
[[ \$1 == info ]] || exec $(command -v cargo) "\$@"
name=\${*: -1}
if [[ \$name != *@* ]]; then cat $temp/answer; exit "\$(cat $temp/status)"; fi
[[ -d $temp/upstream/vendor/\${name/@/-} ]] || { echo "error: could not find \\\`\$name\\\` in registry" >&2; exit 101; }
mkdir -p $temp/home/registry/src/folder && cp -R $temp/upstream/vendor/\${name/@/-} $temp/home/registry/src/folder/
END
chmod +x "$temp/made-up/cargo"
printf '[source.crates-io]\nreplace-with = "vendor"\n[source.vendor]\ndirectory = "%s"\n' "$temp/upstream/vendor" >"$temp/home/config.toml"
usual=("$PATH" "${CARGO_HOME-unset}" "${TMPDIR-unset}")
export CARGO_HOME=$temp/home PATH=$temp/made-up:$PATH TMPDIR=$temp/tmp
restore_cargo() {
    export PATH=${usual[0]} CARGO_HOME=${usual[1]} TMPDIR=${usual[2]}
    [[ $CARGO_HOME != unset ]] || unset CARGO_HOME
    [[ $TMPDIR != unset ]] || unset TMPDIR
}

# A release: its number, the version of `shared` in its lock file (newer ones can be had), and of aleo-std.
# snarkos-alpha is on standard input.
release() {
    local version=$1 shared=$2 aleo_std=$3
    crate snarkos-alpha "$version" 'rust-version = "1.99"' '[dependencies]' 'shared = "1"'
    { [[ $version == 1.0.0 ]] || echo new; seq -f 'beta %g' 20; } | crate snarkos-beta "$version"
    : | crate aleo-std "$aleo_std"
    : | crate snarkos "$version" '[dependencies]' "snarkos-alpha = \"=$version\"" "snarkos-beta = \"=$version\"" \
        "aleo-std = \"=$aleo_std\"" "snarkvm-console-network = \"=$version\"" '[workspace]'
    cargo generate-lockfile --quiet --offline --manifest-path "vendor/snarkos-$version/Cargo.toml"
    lock_at shared "$shared" "vendor/snarkos-$version/Cargo.lock"
}
# Puts a crate at another version in a lock file.
lock_at() { sed -i "/^name = \"$1\"\$/{n;s/.*/version = \"$2\"/}" "$3"; }
heights() { # network, heights
    local version=0 height
    echo "pub const ${1}_V0_CONSENSUS_VERSION_HEIGHTS: [(ConsensusVersion, u32); NUM] = ["
    for height in "${@:2}"; do
        printf '    // was (ConsensusVersion::V9, %d),\n    (ConsensusVersion::V%d, %s),\n' $# $((++version)) "$height"
    done
    echo '];'
}
consensus() { # version; the heights on standard input
    : | crate snarkvm-console-network "$1"
    cat >"vendor/snarkvm-console-network-$1/src/consensus_heights.rs"
}

cd "$temp/upstream" || exit 1
for version in 1.0.0 1.0.1 1.0.2; do : | crate shared $version; done
for version in 1.0.0 1.1.0; do : | crate only-ours $version; done
{ heights CANARY 0 100; heights MAINNET 0 2_900_000 u32::MAX; heights TESTNET 0 500 u32::MAX; } | consensus 1.0.0
{ heights CANARY 0 100 u32::MAX; heights MAINNET 0 2_900_000 22_962_000 u32::MAX; heights TESTNET 0 600 1_000; } | consensus 2.0.0
cp -R vendor/snarkvm-console-network-2.0.0 vendor/snarkvm-console-network-3.0.0
sed -i 's/2\.0\.0/3.0.0/' vendor/snarkvm-console-network-3.0.0/Cargo.toml
seq -f 'line %g' 40 | release 1.0.0 1.0.0 0.1.0
# Two lines more at the top.
{ echo new; echo new; seq -f 'line %g' 40; } | release 2.0.0 1.0.1 0.1.1
# Two patches meet changed lines.
{ echo new; seq -f 'line %g' 40 | sed -e 's/^line 20$/other 20/' -e 's/^line 30$/other 30/'; } | release 3.0.0 1.0.2 0.1.2
# A crate is gone.
cp -R vendor/snarkos-3.0.0 vendor/snarkos-4.0.0
for crate in alpha console-network; do
    name=$(basename vendor/snark*-$crate-3.0.0 -3.0.0)
    cp -R "vendor/$name-3.0.0" "vendor/$name-4.0.0" && sed -i 's/3\.0\.0/4.0.0/' "vendor/$name-4.0.0/Cargo.toml"
done
sed -i -e '/snarkos-beta/d' -e 's/3\.0\.0/4.0.0/g' vendor/snarkos-4.0.0/Cargo.toml
cargo generate-lockfile --quiet --offline --manifest-path vendor/snarkos-4.0.0/Cargo.toml

mkdir -p "$temp/move/snarkos-fork/upstream" "$temp/move/snarkos-fork/src" "$temp/move/ours/src" "$temp/move/scripts"
cd "$temp/move" || exit 1
cp -R "$repo/scripts/fork" "$repo/scripts/fork.d" scripts/ && cp -R "$temp/patches" .
echo 'readonly tried_rust=1.95' >scripts/lib.sh
cat >Cargo.toml <<'END'
[workspace]
members = ["snarkos-fork", "ours"]
exclude = ["snarkos-fork/crates", "snarkos-fork/upstream"]
resolver = "2"
[workspace.dependencies]
aleo-std = "=0.1.0"
snarkos-alpha = "=1.0.0" # alpha
snarkos-beta = { version = "=1.0.0", default-features = false }
snarkvm-console-network = "=1.0.0"
only-ours = "1"
[patch.crates-io]
snarkos-alpha = { path = "snarkos-fork/crates/snarkos-alpha" }
snarkos-beta = { path = "snarkos-fork/crates/snarkos-beta" }
END
printf '%s\n' '[package]' 'name = "snarkos"' 'version = "1.0.0"' '[dependencies]' 'snarkos-alpha.workspace = true' 'snarkos-beta.workspace = true' >snarkos-fork/Cargo.toml
printf '%s\n' '[package]' 'name = "ours"' 'version = "0.1.0"' '[dependencies]' 'aleo-std.workspace = true' 'only-ours.workspace = true' 'snarkvm-console-network.workspace = true' >ours/Cargo.toml
printf '%s\n' '# The pins.' '[package]' 'name = "snarkos-upstream"' 'version = "1.0.0"' '[lib]' 'path = "pins.rs"' '[workspace]' '[dependencies]' \
    'aleo-std = "=0.1.0"' 'snarkos-alpha = "=1.0.0"' 'snarkos-beta = "=1.0.0"' 'snarkvm-console-network = "=1.0.0"' >snarkos-fork/upstream/Cargo.toml
touch snarkos-fork/upstream/pins.rs snarkos-fork/src/lib.rs ours/src/lib.rs
printf '/target\n/snarkos-fork/crates*/\n' >.gitignore
cp ../upstream/vendor/snarkos-1.0.0/Cargo.lock snarkos-fork/upstream/
cargo metadata --quiet --format-version 1 --manifest-path snarkos-fork/upstream/Cargo.toml >/dev/null
fork --refresh
cargo generate-lockfile --quiet --offline
lock_at shared 1.0.0 Cargo.lock && lock_at only-ours 1.0.0 Cargo.lock
git init -q . && git add -A && git -c user.name=test -c user.email=test@example.com commit -qm start

# Every file with its time, but for git's own; and what git says of them.
everything() { find . -path ./.git -prune -o \( -type f -o -type l \) -printf '%p %T@ ' -exec sha256sum {} \; | sort; git status --short; }
remember() { everything >"$temp/everything"; }
unchanged() { diff "$temp/everything" <(everything); }
clean() { [[ -z $(git status --short) ]] && no_work_left && [[ -z $(ls "$temp/tmp") ]]; }
back() { git checkout -q . && rm -rf snarkos-fork/crates* && fork; }
locked_at() { grep -F -x -A 1 "name = \"$1\"" "${3:-Cargo.lock}" | grep -qxF "version = \"$2\""; }

echo "a move to another release"
ok "starts from a lock file that cargo agrees with" cargo metadata --locked --offline --format-version 1
remember
for version in '' 2 2.0 2.0.0.0 v2.0.0 02.0.0 2.0.x '2.0.0 ' ../2.0.0 '2.0.0;' -2.0.0; do
    ok "refuses the version '$version'" eval '! fork --upgrade "$version" && said "is not a version"'
done
ok "refuses one that the registry does not have" not fork --upgrade 9.9.9
ok "and says so" said "there is no snarkos 9.9.9 in the registry"
ok "refuses two versions" not fork --upgrade 2.0.0 3.0.0
ok "refuses a release that lacks a crate we call" not fork --upgrade 4.0.0
ok "by name" said "Cargo.toml asks for snarkos-beta, which upstream 4.0.0 does not have"
ok "nothing changed by these" unchanged
sed -i 's/^two$/two, edited/' $alpha && remember
ok "refuses while the tree has edits" eval '! fork --upgrade 2.0.0 && said "  $alpha"'
ok "which stay" unchanged
back && remember
ok "has nothing to do at the pinned release" eval 'fork --upgrade 1.0.0 && said "the pins are at 1.0.0 already: nothing to do"'
ok "and changes nothing" unchanged

ok "to 2.0.0" fork --upgrade 2.0.0
ok "moves the manifests" eval '! grep -rE "\"=?1\.0\.0\"" Cargo.toml snarkos-fork/Cargo.toml snarkos-fork/upstream/Cargo.toml'
ok "keeping the rest of them" eval 'test "$(git diff --numstat Cargo.toml snarkos-fork/Cargo.toml snarkos-fork/upstream/Cargo.toml | cut -f 1,2 | xargs)" = "4 4 1 1 5 5"'
ok "aleo-std with upstream" eval 'grep -qx "aleo-std = \"=0.1.1\"" Cargo.toml && grep -qx "aleo-std = \"=0.1.1\"" snarkos-fork/upstream/Cargo.toml'
ok "locks what upstream locks" eval 'locked_at shared 1.0.1 && locked_at shared 1.0.1 snarkos-fork/upstream/Cargo.lock'
ok "and keeps what only we use" locked_at only-ours 1.0.0
ok "so that cargo agrees" cargo metadata --locked --offline --format-version 1
ok "corrects the line numbers" eval 'test "$(grep -h "^@@" patches/*.patch | cut -d " " -f 2 | xargs)" = "-10,6 -5,7 -32,6 -21,6"'
ok "and nothing else of the patches" eval 'test "$(git diff --numstat patches | cut -f 1,2 | xargs)" = "2 2 1 1 1 1"'
ok "prints the hunks that moved" eval 'said "patches: 4 of 4 hunks changed place, in 2 crates" && said "two.patch              src/lib.rs: line 19 -> 21"'
ok "the lines changed upstream" eval 'grep -qE "^  snarkos-alpha +2$" "$temp/said" && grep -qE "^  snarkos-beta +1$" "$temp/said" && grep -qE "^  aleo-std +0$" "$temp/said"'
ok "the heights of each network" diff <(grep -E '^  (canary|mainnet|testnet) ' "$temp/said") - <<'END'
  canary   V3   not scheduled (1.0.0: not known)
  mainnet  V3   22,962,000 (1.0.0: not scheduled)
  mainnet  V4   not scheduled (1.0.0: not known)
  testnet  V2   600 (1.0.0: 500)
  testnet  V3   1,000 (1.0.0: not scheduled)
END
ok "the Rust that is declared" said "Rust 1.99 is declared by snarkos-alpha; 1.95 was tried"
ok "what to run" eval 'said "scripts/build --devnet" && said "scripts/genesis" && said "scripts/test --long" && said "scripts/bench differential --pairs 100000"'
ok "and how to undo it" said "undo: git checkout" && said "scripts/fork --upgrade 1.0.0"
ok "the tree is up to date" idle
ok "and says nothing" test ! -s "$temp/said"
ok "no other file is touched" eval 'test "$(git status --short | wc -l)" = 8 && no_work_left'
remember
ok "once more: nothing to do" eval 'fork --upgrade 2.0.0 && said "nothing to do"'
ok "and nothing changed" unchanged
ok "back to 1.0.0" fork --upgrade 1.0.0
ok "is as it was" clean
ok "with the lock file that it had" cargo metadata --locked --offline --format-version 1
fork --upgrade 2.0.0 && git checkout -q Cargo.toml Cargo.lock snarkos-fork patches
ok "git takes it back as well" eval 'fork && clean'

echo "a move that meets changed lines"
remember
ok "is refused" not fork --upgrade 3.0.0
ok "with the hunks, of every patch" eval 'said "patches/two.patch:" && said "snarkos-alpha/src/lib.rs:19: failed" && said "patches/three.patch:" && said "snarkos-alpha/src/lib.rs:30: failed"'
ok "and no other patch" not said "patches/one.patch"
ok "what stands there and what was expected" eval 'said "other 20" && said "line 20"'
ok "and how to go on" eval 'said "nothing was changed" && said "scripts/fork --upgrade 3.0.0 --repair"'
ok "nothing changed" unchanged
ok "no folder is left" clean
ok "continuing" fork --upgrade 3.0.0 --repair
ok "prints the first hunk that is missing" eval 'said "+two" && said "scripts/fork --refresh two"'
ok "generates up to it" eval 'grep -qx one $alpha && grep -qx "other 20" $alpha && ! grep -qx two $alpha'
ok "leaves the lock file of the workspace for the end" git diff --exit-code --stat Cargo.lock
ok "can be given up" eval 'sed -i "s/^line 7$/edited/" $alpha && git checkout -q Cargo.toml snarkos-fork/Cargo.toml snarkos-fork/upstream patches && fork --reset && clean'
fork --upgrade 3.0.0 --mend # the old name of --repair
sed -i 's/^other 20$/other 20\ntwo/' $alpha
ok "the first is fixed, the next fails" eval '! fork --refresh two && said "patches/three.patch does not apply"'
ok "it is not taken for finished" eval '! fork --upgrade 3.0.0 && said "patches/three.patch:" && ! said "patches/two.patch:"'
ok "the next" eval 'fork --repair && said "+three"'
sed -i 's/^other 30$/other 30\nthree/' $alpha
ok "is fixed" fork --refresh three
ok "what remains is said" said "Cargo.lock is at 1.0.0 still; scripts/fork --upgrade 3.0.0 moves it"
ok "by every run" eval 'fork && said "scripts/fork --upgrade 3.0.0 moves it"'
ok "the same command finishes" fork --upgrade 3.0.0
ok "and prints what moved since the old release" eval 'said "moved from 1.0.0 to 3.0.0" && said "22,962,000" && grep -qE "^  snarkos-alpha +5$" "$temp/said"'
ok "cargo agrees" eval 'locked_at shared 1.0.2 && locked_at only-ours 1.0.0 && cargo metadata --locked --offline --format-version 1'
ok "the patches have their headers" eval 'grep -q "^The second" patches/two.patch && grep -q "^ other 20" patches/two.patch'
ok "all is up to date" eval 'idle && test ! -s "$temp/said"'
ok "and there is nothing more to do" eval 'fork --upgrade 3.0.0 && said "nothing to do"'
back
ok "with --repair, but nothing to fix, it is the same as without" eval 'fork --upgrade 2.0.0 --repair && said "moved from 1.0.0 to 2.0.0" && locked_at shared 1.0.1'
back

echo "a move that is interrupted"
remember
touch "$temp/kill-metadata"
ok "by a kill while cargo works" not fork --upgrade 2.0.0
rm "$temp/kill-metadata"
ok "changed no file" test -z "$(git status --short)"
ok "and leaves nothing once the next run is over" eval 'fork && no_work_left && unchanged'
rm -rf "$temp"/tmp/*
# An mv that ends its caller at the renaming of one file, before or after it.
cat >"$temp/made-up/mv" <<END
#!/usr/bin/env bash
if [[ \$* == *"\$(cat $temp/at 2>/dev/null || echo nowhere)" ]]; then
    case \$(cat $temp/how) in
        before) kill -9 \$PPID ;;
        after) $(command -v mv) "\$@"; kill -9 \$PPID ;;
        signal) kill -TERM \$PPID; exec $(command -v mv) "\$@" ;;
        fail) exit 1 ;;
    esac
    exit
fi
exec $(command -v mv) "\$@"
END
chmod +x "$temp/made-up/mv"
for how in before after; do
    for at in ' Cargo.toml' ' snarkos-fork/upstream/Cargo.lock' ' patches/two.patch'; do
        echo "$at" >"$temp/at" && echo "$how" >"$temp/how"
        ok "by a kill $how the renaming of$at" not fork --upgrade 2.0.0
        rm "$temp/at"
        ok "is undone by the next run" eval 'fork && unchanged && no_work_left'
        rm -rf "$temp"/tmp/*
    done
done
echo ' patches/one.patch' >"$temp/at" && echo after >"$temp/how"
fork --upgrade 2.0.0
rm "$temp/at" && echo 'edited since' >>Cargo.toml
ok "but not over what was edited since" eval 'fork; grep -qx "edited since" Cargo.toml'
back && rm -rf "$temp"/tmp/*
echo ' Cargo.lock' >"$temp/at" && echo fail >"$temp/how" && remember
ok "by an error in the middle" not fork --upgrade 2.0.0
rm "$temp/at"
ok "is undone at once" unchanged
ok "and says so" said "nothing was changed"
echo ' Cargo.lock' >"$temp/at" && echo signal >"$temp/how"
fork --upgrade 2.0.0
rm "$temp/at"
ok "by a signal in the middle is complete" eval 'cargo metadata --locked --offline --format-version 1 && idle && test ! -s "$temp/said" && locked_at shared 1.0.1'
rm "$temp/made-up/mv"
back
