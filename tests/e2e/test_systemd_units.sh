#!/usr/bin/env bash
# The units are well formed, and their sandbox does not loosen: exposure as systemd-analyze scores it, in tenths.
set -euo pipefail
cd "${CELLVEIL_SOURCE:-$(dirname "$0")/../..}/systemd"
for unit in cellveild@.service cellveil-gate@.service; do # what scoring does not see
    for line in NoNewPrivileges=yes LimitCORE=0 UMask=0077 WatchdogSec=30 Type=notify MemoryDenyWriteExecute=yes; do
        grep -qx "$line" "$unit" || { echo "$unit: $line is missing"; exit 1; }
    done
done
grep -qx 'RestrictAddressFamilies=AF_UNIX' cellveild@.service
grep -qx 'PrivateNetwork=yes' cellveild@.service
if grep -q '^PrivateUsers=' cellveild@.service; then echo "cellveild: PrivateUsers= hides the operator"; exit 1; fi
command -v systemd-analyze >/dev/null || { echo "ok (no systemd-analyze: scores not checked)"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for unit in cellveild@ cellveil-gate@; do cp "$unit.service" "$work/${unit}test.service"; done
systemd-analyze security --offline=yes --threshold=4 "$work/cellveild@test.service" >"$work/vault" || { cat "$work/vault"; exit 1; }
systemd-analyze security --offline=yes --threshold=11 "$work/cellveil-gate@test.service" >"$work/gate" || { cat "$work/gate"; exit 1; }
tail -qn 1 "$work/vault" "$work/gate"
# A unit that says less must score worse, or the threshold proves nothing.
grep -v '^SystemCallFilter\|^ProtectSystem' "$work/cellveil-gate@test.service" >"$work/loose@test.service"
if systemd-analyze security --offline=yes --threshold=11 "$work/loose@test.service" >/dev/null; then
    echo "a looser unit passes"
    exit 1
fi
echo ok
