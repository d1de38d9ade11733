#!/usr/bin/env bash
# Every text of the programs has its Swedish in client/po/sv.po, and the programs find it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

cd "$CELLVEIL_SOURCE"
find client -name '*.c' -print0 | sort -z |
	xargs -0 xgettext --from-code=UTF-8 -k_ -kN_ --no-location -o "$dir/all.pot"
msgmerge --quiet --no-fuzzy-matching -o "$dir/sv.po" client/po/sv.po "$dir/all.pot"
touch "$dir/missing" "$dir/obsolete" # msgattrib writes no empty file
msgattrib --no-obsolete --untranslated --no-wrap -o "$dir/missing" "$dir/sv.po"
! grep -q '^msgid "..*"' "$dir/missing" || { grep '^msgid "..*"' "$dir/missing" >&2; fail "not in sv.po"; }
msgattrib --only-obsolete --no-wrap -o "$dir/obsolete" "$dir/sv.po"
! grep -q '^#~ msgid' "$dir/obsolete" || { grep '^#~ msgid' "$dir/obsolete" >&2; fail "in sv.po and nowhere else"; }

help() { env -u LANGUAGE LC_ALL="$1" "$CELLVEIL_BIN/cellveil" push --help; }
help sv_SE.UTF-8 | grep -q '^användning: cellveil push FILE' || fail "no Swedish"
help sv_SE | grep -q '^användning: ' || fail "no Swedish without a generated locale"
help en_US.UTF-8 | grep -q '^usage: ' || fail "no English"
help C | grep -q '^usage: ' || fail "no English in locale C"
env -u LC_ALL LANGUAGE=sv LANG=C.UTF-8 "$CELLVEIL_BIN/cellveil" push --help | grep -q '^usage: ' ||
	fail "LANGUAGE alone changes the language"
echo ok
