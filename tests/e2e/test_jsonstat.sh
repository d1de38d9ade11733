#!/usr/bin/env bash
# The JSON-stat files of the golden test, read by other people's code; and bent ones, which must not pass.
set -euo pipefail
source=${CELLVEIL_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
if ! [ -d "$source/tests/js/node_modules/ajv" ]; then
    npm ci --prefix "$source/tests/js" --silent --no-audit --no-fund --ignore-scripts
fi
check() { node "$source/tests/js/jsonstat.js" "$@"; }

check "$source"/tests/data/export/*.json

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bend() { # NAME SED: the file with one change, which must be found
    sed "$2" "$source/tests/data/export/release.json" >"$work/$1.json"
    cmp -s "$work/$1.json" "$source/tests/data/export/release.json" && { echo "bend $1: nothing changed"; exit 1; }
    if check "$work/$1.json" >"$work/out"; then echo "bend $1: not found"; exit 1; fi
    test -s "$work/out"
}
bend short-value 's/"value":\[121,/"value":[/'
bend long-size 's/"size":\[1,3/"size":[1,4/'
bend status-of-a-value 's/"status":{"4"/"status":{"3"/'
bend status-beyond 's/"7":"\."/"9":"."/'
bend unknown-mark 's/"7":"\."/"7":"x"/'
bend null-without-status 's/"4":"\.\.",//'
bend unknown-role 's/"time":\["period"\]/"time":["year"]/'
bend index-gap 's/"F":1,"M":2/"F":1,"M":3/'
bend no-legend 's/"extension":{"status":{/"extension":{"state":{/'
bend not-a-number 's/\[121,71/["121",71/'
echo "JSON-stat: golden files pass, bent files are found"
