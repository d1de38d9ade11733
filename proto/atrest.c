#include "proto/atrest.h"

#include <sodium.h>
#include <string.h>

#include "proto/mpwrite.h"
#include "proto/name.h"

#define FORMAT       0x01
#define HEAD_BYTES   (1u + 4u)
#define CIPHER_START (HEAD_BYTES + ATREST_NONCE_BYTES)
#define TAG_BYTES    crypto_aead_xchacha20poly1305_ietf_ABYTES

/* What ties a row to its place. */
static bool put_place(struct buf *out, const struct atrest_place *place, struct err *e)
{
	if (place->primary_key.len > 255 || place->schema > LIMIT_UINT)
		return err_set(e, ERR_INTERNAL, "row: primary key or schema version");
	mpwrite_array(out, 4);
	mpwrite_str(out, place->table);
	mpwrite_bin(out, place->primary_key);
	mpwrite_uint(out, place->schema);
	mpwrite_bin(out, bytes_of(place->digest, sizeof place->digest));
	return mpwrite_done(out, "row", e);
}

/* Room for len bytes at the end of out, or NULL. */
static uint8_t *extend(struct buf *out, size_t len)
{
	static const uint8_t zeros[4096];
	size_t start = out->size;
	for (size_t left = len; left > 0 && !out->failed;) {
		size_t n = left < sizeof zeros ? left : sizeof zeros;
		buf_put(out, zeros, n);
		left -= n;
	}
	return out->failed || len == 0 ? NULL : out->data + start;
}

bool atrest_seal(struct buf *out, struct bytes plaintext, const struct atrest_place *place, uint32_t epoch,
    const uint8_t nonce[ATREST_NONCE_BYTES], const uint8_t key[ATREST_KEY_BYTES], struct err *e)
{
	struct buf ad = { 0 };
	bool ok = put_place(&ad, place, e);
	if (!ok)
		goto done;
	buf_put_byte(out, FORMAT);
	for (unsigned i = 0; i < 4; i++)
		buf_put_byte(out, (uint8_t)(epoch >> (8 * i)));
	buf_put(out, nonce, ATREST_NONCE_BYTES);
	uint8_t *cipher = extend(out, plaintext.len + TAG_BYTES);
	if (cipher == NULL) {
		ok = err_set(e, ERR_MEMORY, "row: out of memory");
		goto done;
	}
	crypto_aead_xchacha20poly1305_ietf_encrypt(
	    cipher, NULL, plaintext.at, plaintext.len, ad.data, ad.size, NULL, nonce, key);
done:
	buf_free(&ad);
	return ok;
}

bool atrest_epoch(uint32_t *epoch, struct bytes row, struct err *e)
{
	if (row.len < ATREST_OVERHEAD)
		return err_set(e, ERR_MALFORMED, "row: too short");
	if (row.at[0] != FORMAT)
		return err_set(e, ERR_UNSUPPORTED, "row: unknown format");
	*epoch = 0;
	for (unsigned i = 0; i < 4; i++)
		*epoch |= (uint32_t)row.at[1 + i] << (8 * i);
	return true;
}

bool atrest_open(struct buf *out, struct bytes row, const struct atrest_place *place,
    const uint8_t key[ATREST_KEY_BYTES], struct err *e)
{
	struct buf ad = { 0 };
	uint32_t epoch;
	size_t start = out->size;
	bool ok = atrest_epoch(&epoch, row, e) && put_place(&ad, place, e);
	if (!ok)
		goto done;
	size_t len = row.len - ATREST_OVERHEAD;
	uint8_t none = 0;
	uint8_t *plain = len == 0 ? &none : extend(out, len);
	if (plain == NULL) {
		ok = err_set(e, ERR_MEMORY, "row: out of memory");
		goto done;
	}
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, row.at + CIPHER_START,
		len + TAG_BYTES, ad.data, ad.size, row.at + HEAD_BYTES, key) != 0) {
		out->size = start;
		ok = err_set(e, ERR_CRYPTO, "row: changed, moved, or of another key");
	}
done:
	buf_free(&ad);
	return ok;
}
