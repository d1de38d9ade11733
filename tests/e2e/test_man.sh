#!/usr/bin/env bash
# The man pages hold every option the programs and cellveil.conf have; the completion offers commands and options.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

/usr/bin/python3 "$CELLVEIL_SOURCE/docs/man/make.py" "$CELLVEIL_BIN" "$CELLVEIL_SOURCE" "$dir"
for page in cellveil.1 cellveilctl.8; do
	program=$CELLVEIL_BIN/${page%.*}
	tr -d '\\' < "$dir/$page" > "$dir/plain"
	"$program" --help | sed -n 's/^  \([a-z-]*\( [a-z]*\)\{0,1\}\)   *.*/\1/p' > "$dir/commands"
	[ "$(wc -l < "$dir/commands")" -ge 15 ] || fail "$page: commands not found"
	while read -r command; do
		# shellcheck disable=SC2086
		for option in $("$program" $command --help | grep -o '^ .*--[a-z-]*' | grep -o -e '--[a-z-]*$'); do
			grep -q -e "$option" "$dir/plain" || fail "$page: $command $option"
		done
		grep -q "^\.SS $command\$" "$dir/plain" || fail "$page: $command"
	done < "$dir/commands"
done
sed -n '/^static const struct option options/,/^};/p' "$CELLVEIL_SOURCE/daemon/conf.c" |
	sed -n 's/.*("[a-z]*", "\([a-z_]*\)".*/\1/p' > "$dir/names"
[ "$(wc -l < "$dir/names")" -ge 15 ] || fail "options of cellveil.conf not found"
while read -r name; do
	grep -q "^\.B $name\$" "$dir/cellveil.conf.5" || fail "cellveil.conf(5): $name"
done < "$dir/names"

# shellcheck disable=SC1091
. "$dir/completion.bash"
COMP_WORDS=(cellveilctl period open --cl) COMP_CWORD=3
_cellveilctl
[ "${COMPREPLY[*]}" = --closes ] || fail "completion: ${COMPREPLY[*]}"
echo ok
