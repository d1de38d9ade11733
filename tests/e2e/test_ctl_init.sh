#!/usr/bin/env bash
# cellveilctl init and keyset sign: everything an operator needs before a vault runs.
set -euo pipefail
ctl=$CELLVEIL_BIN/cellveilctl
dir=$(mktemp -d /tmp/cellveil-init-XXXXXX)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
code() { local c=0; "$@" >/dev/null 2>&1 || c=$?; echo "$c"; }

umask 000 # whatever the shell says, secrets stay secret
"$ctl" init "$dir/d" --name example --origin stats.example/log1 --host gate.example --json >"$dir/out"
grep -q '"conf":' "$dir/out" || fail "no JSON answer"
for key in receipt feed log release curve intake master choice; do
	[ "$(stat -c %a "$dir/d/keys/$key")" = 600 ] || fail "keys/$key: mode"
	grep -q "^cellveil-secret-$key:" "$dir/d/keys/$key" || fail "keys/$key: form"
done
[ "$(stat -c %a "$dir/d/root/root")" = 600 ] || fail "root key: mode"
[ ! -e "$dir/d/keys/root" ] || fail "the root key is among the others"
grep -q '^serial 1$' "$dir/d/keys/keyset" || fail "no first key set"
[ "$(grep -c '^key ' "$dir/d/keys/keyset")" = 6 ] || fail "keys in the key set"
! grep -rq cellveil-secret "$dir/d/keys/keyset" "$dir/d/cellveil.conf" "$dir/out" || fail "a secret in a public file"

# a second init changes nothing
before=$(find "$dir/d" -type f -exec sha256sum {} + | sort)
[ "$(code "$ctl" init "$dir/d" --name example --origin stats.example/log1 --host gate.example)" = 6 ] || fail "init twice"
[ "$before" = "$(find "$dir/d" -type f -exec sha256sum {} + | sort)" ] || fail "init twice changed something"

# offline signing: the next serial, the same keys
"$ctl" keyset sign "$dir/d/keys/keyset" --root "$dir/d/root" --renew >"$dir/next"
grep -q '^serial 2$' "$dir/next" || fail "renew: serial"
diff <(grep '^key ' "$dir/d/keys/keyset" | cut -d' ' -f1-4) <(grep '^key ' "$dir/next" | cut -d' ' -f1-4) || fail "renew: keys"
[ "$("$ctl" keyset sign "$dir/d/keys/keyset" --root "$dir/d/root" | sha256sum)" = "$(sha256sum <"$dir/d/keys/keyset")" ] ||
	fail "signing again is not the same note"
[ "$(code "$ctl" keyset sign "$dir/d/keys/keyset" --root "$dir")" = 7 ] || fail "no root key: exit code"
chmod 644 "$dir/d/root/root"
[ "$(code "$ctl" keyset sign "$dir/d/keys/keyset" --root "$dir/d/root")" = 7 ] || fail "a root key others can read"

# a configuration from a preset
printf '    - {code: _T, sv: Staden, en: City}\n    - {code: north, of: [_T], sv: Norr, en: North}\n' >"$dir/offices"
"$ctl" config new --preset po-redovisning-2024 --origin stats.example/log1 --dataset support --offices "$dir/offices" >"$dir/new.yaml"
grep -q '^origin: stats.example/log1$' "$dir/new.yaml" && grep -q 'code: north' "$dir/new.yaml" || fail "config new"
! grep -q '@' "$dir/new.yaml" || grep -q '^#.*@' "$dir/new.yaml" || fail "config new left a placeholder"
[ "$(code "$ctl" config new --preset none --origin stats.example/log1 --dataset support)" = 2 ] || fail "no such preset"

# usage
[ "$(code "$ctl" init "$dir/e" --name 'Not a name' --origin stats.example/log1 --host gate.example)" = 2 ] || fail "bad name"
[ "$(code "$ctl" init "$dir/e" --name example --host gate.example)" = 2 ] || fail "no origin"
[ "$(code "$ctl" init "$dir/e" --name example --origin o.example/l --host h --run "/$(printf 'x%.0s' {1..100})")" = 2 ] || fail "long run"
[ "$(code "$ctl" status --socket "$dir/none")" = 1 ] || fail "no vault"
[ "$(code "$ctl" release withdraw 2024)" = 2 ] || fail "withdraw without reason"
[ "$(code "$ctl" period open tomorrow)" = 2 ] || fail "a period that is none"
for command in init 'config new' 'keyset sign' 'keyset install' 'config add' 'office add' 'office list' 'office disable' 'key list' 'key revoke' 'period open' \
	'period close' 'period status' 'release publish' 'release show' 'release withdraw' status mode; do
	# shellcheck disable=SC2086
	"$ctl" $command --help | grep -q "cellveilctl $command" || fail "$command --help has no example"
done
echo ok
