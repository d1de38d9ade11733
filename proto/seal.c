#include "proto/seal.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(SEAL_OVERHEAD == crypto_box_SEALBYTES, "libsodium's sealed boxes");

/* ISO 7816-4: one byte 0x80, then zeros, at least the one byte. */
bool seal_pad(struct buf *out, const uint8_t sig[KEY_SIG_BYTES], struct bytes payload, struct err *e)
{
	static const uint8_t marker[SEAL_BLOCK] = { 0x80 };
	size_t used = (KEY_SIG_BYTES + payload.len) % SEAL_BLOCK;
	buf_put(out, sig, KEY_SIG_BYTES);
	buf_put_bytes(out, payload);
	buf_put(out, marker, SEAL_BLOCK - used);
	return !out->failed || err_set(e, ERR_MEMORY, "seal: out of memory, or longer than allowed");
}

bool seal_box(struct buf *out, const uint8_t sig[KEY_SIG_BYTES], struct bytes payload,
    const uint8_t intake_public[KEY_BYTES], struct err *e)
{
	struct buf plain = { 0 };
	struct buf box = { 0 };
	bool ok = false;
	if (!seal_pad(&plain, sig, payload, e))
		goto done;
	box.data = sodium_malloc(plain.size + SEAL_OVERHEAD);
	if (box.data == NULL) {
		err_set(e, ERR_MEMORY, "seal: out of memory");
		goto done;
	}
	if (crypto_box_seal(box.data, plain.data, plain.size, intake_public) != 0) {
		err_set(e, ERR_CRYPTO, "seal: the intake key is unusable");
		goto done;
	}
	buf_put(out, box.data, plain.size + SEAL_OVERHEAD);
	ok = !out->failed || err_set(e, ERR_MEMORY, "seal: out of memory, or longer than allowed");
done:
	sodium_free(box.data);
	buf_free(&plain);
	return ok;
}

bool seal_length_ok(size_t box_bytes)
{
	return box_bytes > SEAL_OVERHEAD && (box_bytes - SEAL_OVERHEAD) % SEAL_BLOCK == 0;
}

bool seal_unpad(struct bytes *sig, struct bytes *payload, struct bytes plain)
{
	size_t len;
	if (plain.len == 0 || plain.len % SEAL_BLOCK != 0 ||
	    sodium_unpad(&len, plain.at, plain.len, SEAL_BLOCK) != 0 || len < KEY_SIG_BYTES)
		return false;
	*sig = bytes_of(plain.at, KEY_SIG_BYTES);
	*payload = bytes_of(plain.at + KEY_SIG_BYTES, len - KEY_SIG_BYTES);
	return true;
}
