#!/usr/bin/env bash
# What the programs can do, read from their symbols (docs/architecture.md):
#   - policy and proto compute, and nothing else: what they take from outside is a short list
#   - the gate holds no code that opens a sealed form, and none of the vault's or of policy
#   - the vault resolves no host names and speaks no IP
set -euo pipefail
export LC_ALL=C
build=${CELLVEIL_BUILD:-build/release}
failed=0
for f in libcv_base.a libcv_proto.a libcv_policy.a libcv_vault.a libcv_gate.a bin/cellveil-gate; do
    [ -s "$build/$f" ] || { echo "no $build/$f"; exit 1; }
done

# Undefined symbols of an archive that its own library chain does not define. Fortified and sanitized spellings
# are brought back to the plain name; what compilers and sanitizers add on their own is left out.
outside() {
    local archive=$1 others=("${@:2}") own
    own=$(nm --defined-only "$build/$archive" "${others[@]/#/$build/}" 2>/dev/null | awk 'NF==3 { print $3 }')
    nm -u "$build/$archive" 2>/dev/null | awk 'NF==2 { print $2 }' |
        sed -E 's/^__(.*)_chk$/\1/; s/^__isoc99_//; s/^__ctype_(b|tolower|toupper)_loc$/ctype/' |
        grep -vE '^(__(asan|ubsan|tsan|sanitizer|lsan|gcov|sancov)_|__(stack_chk_fail|assert_fail|tls_get_addr)$|_GLOBAL_OFFSET_TABLE_$|__(u?div|u?mod|udivmod)ti[34]$|__popcount[ds]i2$|stack_chk_fail$)' |
        sort -u | grep -vxFf <(printf '%s\n' "$own") || true
}

allow() { # allow NAME "list of extended regular expressions" < symbols
    local name=$1 pattern extra
    pattern=$(tr -s ' \n' '|' <<<"$2" | sed 's/^|//; s/|$//')
    extra=$(grep -vxE "$pattern" || true)
    if [ -n "$extra" ]; then
        echo "not allowed in $name: $(tr '\n' ' ' <<<"$extra")"
        failed=1
    fi
}

refuse() { # refuse NAME REGEX < symbols
    local found
    found=$(grep -E "$2" || true)
    if [ -n "$found" ]; then
        echo "must not be in $1: $(tr '\n' ' ' <<<"$found")"
        failed=1
    fi
}

memory="malloc calloc realloc free"
text="mem(chr|cmp|cpy|move|set|rchr|mem) str(n?cmp|n?len|r?chr|chrnul|c?spn|pbrk|str|n?dup|cpy|cat|tou?ll?|tod) v?snprintf ctype tolower toupper ntohl ntohs qsort(_r)? bsearch localeconv"
hash="crypto_generichash(_init|_update|_final)? crypto_hash_sha(256|512)(_init|_update|_final)? crypto_auth_hmacsha256(_init|_update|_final)?"
sodium="sodium_(memzero|memcmp|is_zero|malloc|free|pad|unpad|bin2base64|base642bin|base64_encoded_len|bin2hex|hex2bin)"

allow base "$memory $text $sodium" < <(outside libcv_base.a)
allow policy "$memory $text $hash $sodium crypto_shorthash crypto_kdf_derive_from_key crypto_stream_.*
    pthread_(create|join|mutex_.*|cond_.*) (floor|ceil|fabs|fmin|fmax|nearbyint|pow|sqrt|log|ldexp|frexp|l?lround|l?lrint)l?" < <(outside libcv_policy.a libcv_base.a)
allow proto "$memory $text $hash $sodium yaml_.* msgpack_.* crypto_aead_x?chacha20poly1305_ietf_(en|de)crypt
    crypto_box_seal crypto_scalarmult(_base)? crypto_core_ed25519_.* crypto_kdf_.*
    crypto_sign_(detached|verify_detached|seed_keypair|ed25519_.*)" < <(outside libcv_proto.a libcv_base.a)

all() { nm "$build/bin/$1" | awk '{ print $NF }' | sed 's/@.*//' | sort -u; }

refuse cellveil-gate '^(crypto_box|crypto_aead|sqlite3_|unseal_|seal_|atrest_|age_(open|decrypt|encrypt)|yaml_|release_build)' \
    < <(all cellveil-gate)
# Global functions of vault and policy that gate, proto and base do not have themselves.
defined() { nm -g --defined-only "$@" 2>/dev/null | awk 'NF==3 { print $3 }' | sort -u; }
theirs=$(comm -23 <(defined "$build"/libcv_vault.a "$build"/libcv_policy.a) \
    <(defined "$build"/libcv_gate.a "$build"/libcv_proto.a "$build"/libcv_base.a))
refuse cellveil-gate '^[^_]' < <(comm -12 <(echo "$theirs") <(defined "$build/bin/cellveil-gate"))
if [ "$(readelf -d "$build/bin/cellveil-gate" | grep -c sqlite)" != 0 ]; then
    echo "cellveil-gate is linked with SQLite"
    failed=1
fi

if [ -x "$build/bin/cellveild" ]; then
    refuse cellveild '^(getaddrinfo|gethostby.*|getnameinfo|inet_.*|if_nametoindex|res_.*|zmq_curve_.*)$' < <(all cellveild)
fi
[ $failed = 0 ] && echo "ok: every symbol is where it belongs"
exit $failed
