#!/usr/bin/env bash
# ./run bench [--long] [--b1 DIR] [--b2 DIR] [intake|engine|audit]   prints the benchmarks; bench/README.md says what each figure means
set -euo pipefail
cd "$(dirname "$0")/.."
export CELLVEIL_BIN="${CELLVEIL_BIN:-$PWD/build/release/bin}" CELLVEIL_SOURCE="$PWD"

part=""
options=()
while [ $# -gt 0 ]; do
    case "$1" in
    --long) options+=("$1") ;;
    --b1 | --b2) options+=("$1" "${2:?needs a folder}") && shift ;;
    intake | engine | audit) part="$1" ;;
    *) echo "usage: bench.sh [--long] [--b1 DIR] [--b2 DIR] [intake|engine|audit]" >&2 && exit 2 ;;
    esac
    shift
done

echo "$(nproc) cores, $(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), load $(cut -d' ' -f1 /proc/loadavg) before the start"
wants() { [ -z "$part" ] || [ "$part" = "$1" ]; }
if wants intake; then /usr/bin/python3 bench/intake.py && echo; fi
if wants audit; then /usr/bin/python3 bench/audit.py && echo; fi
if wants engine; then /usr/bin/python3 bench/engine.py "${options[@]}"; fi
