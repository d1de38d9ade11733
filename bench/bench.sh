#!/usr/bin/env bash
# ./run bench [--long] [intake|engine]   prints the benchmarks; bench/README.md says what each figure means
set -euo pipefail
cd "$(dirname "$0")/.."
export CELLVEIL_BIN="${CELLVEIL_BIN:-$PWD/build/release/bin}" CELLVEIL_SOURCE="$PWD"

long="" part=""
for word in "$@"; do
    case "$word" in
    --long) long="--long" ;;
    intake | engine) part="$word" ;;
    *) echo "usage: bench.sh [--long] [intake|engine]" >&2 && exit 2 ;;
    esac
done

echo "$(nproc) cores, $(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), load $(cut -d' ' -f1 /proc/loadavg) before the start"
[ "$part" = engine ] || /usr/bin/python3 bench/intake.py
echo
# shellcheck disable=SC2086
[ "$part" = intake ] || /usr/bin/python3 bench/engine.py $long
