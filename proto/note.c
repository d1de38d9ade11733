#include "proto/note.h"

#include <sodium.h>
#include <string.h>

#include "proto/name.h"
#include "proto/textline.h"

#define NOTE_ENCODED_MAX ((4 + NOTE_SIGNATURE_MAX + 2) / 3 * 4)
#define SIGNATURE_MARK   "\xe2\x80\x94 " /* em dash, space */

static bool is_note_text(struct bytes in)
{
	struct bytes line;
	while (line_next(&in, &line))
		if (!name_is_text(line))
			return false;
	return in.len == 0;
}

/* Names hold no space and no plus; ours are ASCII besides. */
static bool key_name_copy(char *out, size_t room, struct bytes name)
{
	return line_copy(out, room, name) && memchr(name.at, '+', name.len) == NULL;
}

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_be(uint8_t *out, uint64_t value, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		out[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
}

static uint32_t key_hash(const struct vkey *key)
{
	crypto_hash_sha256_state state;
	uint8_t digest[crypto_hash_sha256_BYTES];
	uint8_t type = (uint8_t)key->type;
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const uint8_t *)key->name, strlen(key->name));
	crypto_hash_sha256_update(&state, (const uint8_t *)"\n", 1);
	crypto_hash_sha256_update(&state, &type, 1);
	crypto_hash_sha256_update(&state, key->key, sizeof key->key);
	crypto_hash_sha256_final(&state, digest);
	return be32(digest);
}

bool vkey_make(struct vkey *out, const char *name, enum vkey_type type, const uint8_t key[32], struct err *e)
{
	*out = (struct vkey){ .type = type };
	if (!key_name_copy(out->name, sizeof out->name, bytes_text(name)))
		return err_set(e, ERR_MALFORMED, "key name: not printable ASCII without space and plus");
	memcpy(out->key, key, sizeof out->key);
	out->hash = key_hash(out);
	return true;
}

bool vkey_parse(struct vkey *out, struct bytes text, struct err *e)
{
	uint8_t hash[4];
	uint8_t typed[33];
	*out = (struct vkey){ 0 };
	const uint8_t *plus = text.len == 0 ? NULL : memchr(text.at, '+', text.len);
	size_t name_len = plus == NULL ? 0 : (size_t)(plus - text.at);
	/* name + 8 digits + 44 characters of base64 */
	if (plus == NULL || text.len != name_len + 1 + 8 + 1 + 44 || text.at[name_len + 9] != '+')
		return err_set(e, ERR_MALFORMED, "vkey: not of the form name+hash+key");
	if (!key_name_copy(out->name, sizeof out->name, bytes_of(text.at, name_len)) ||
	    !hex_decode(hash, sizeof hash, bytes_of(plus + 1, 8)) ||
	    !line_base64(typed, sizeof typed, bytes_of(plus + 10, 44)))
		return err_set(e, ERR_MALFORMED, "vkey: name, hash or key not in their alphabets");
	if (typed[0] != VKEY_ED25519 && typed[0] != VKEY_COSIGNATURE)
		return err_set(e, ERR_UNSUPPORTED, "vkey: unknown type of key");
	out->type = (enum vkey_type)typed[0];
	memcpy(out->key, typed + 1, sizeof out->key);
	out->hash = be32(hash);
	if (out->hash != key_hash(out))
		return err_set(e, ERR_MALFORMED, "vkey: hash does not fit name and key");
	return true;
}

void vkey_print(struct buf *out, const struct vkey *key)
{
	uint8_t typed[33];
	typed[0] = (uint8_t)key->type;
	memcpy(typed + 1, key->key, sizeof key->key);
	buf_printf(out, "%s+%08x+", key->name, key->hash);
	buf_put_base64(out, bytes_of(typed, sizeof typed));
}

/* "- name base64": em dash, name, hash and signature. */
static bool parse_signature(struct note_signature *out, struct bytes line, struct err *e)
{
	struct bytes encoded;
	uint8_t blob[4 + NOTE_SIGNATURE_MAX];
	size_t len = 0;
	char name[LIMIT_ORIGIN + 1];

	*out = (struct note_signature){ 0 };
	if (!line_take(&line, SIGNATURE_MARK) || !line_word(&line, &out->name) ||
	    !line_word(&line, &encoded) || line.len != 0)
		return err_set(e, ERR_MALFORMED, "note: signature line is not dash, name, base64");
	if (!key_name_copy(name, sizeof name, out->name))
		return true;                         /* a name none of our keys can have: skipped */
	bool large = encoded.len > NOTE_ENCODED_MAX; /* a kind of key larger than ours: the hash is enough */
	if (large)
		encoded.len = 8;
	if (!base64_decode(blob, sizeof blob, &len, encoded) || len <= 4)
		return err_set(e, ERR_MALFORMED, "note: signature is not base64 of more than four bytes");
	out->hash = be32(blob);
	if (large)
		return true;
	out->len = len - 4;
	memcpy(out->blob, blob + 4, out->len);
	return true;
}

/* Where the blank line is: the length of the text with its LF, or 0. */
static size_t text_len(struct bytes in)
{
	for (size_t i = 1; i < in.len; i++)
		if (in.at[i - 1] == '\n' && in.at[i] == '\n')
			return i;
	return 0;
}

bool note_parse(struct note *out, struct bytes in, struct err *e)
{
	struct bytes line;
	*out = (struct note){ 0 };
	if (in.len > LIMIT_NOTE_BYTES)
		return err_set(e, ERR_LIMIT, "note: too large");
	if (!is_note_text(in))
		return err_set(e, ERR_MALFORMED, "note: not lines of UTF-8 without control characters");
	size_t len = text_len(in);
	if (len == 0)
		return err_set(e, ERR_MALFORMED, "note: no blank line after the text");
	out->text = bytes_of(in.at, len);
	struct bytes rest = bytes_of(in.at + len + 1, in.len - len - 1);
	while (line_next(&rest, &line)) {
		if (out->n_signatures == LIMIT_NOTE_SIGNATURES)
			return err_set(e, ERR_LIMIT, "note: too many signatures");
		if (!parse_signature(&out->signature[out->n_signatures], line, e))
			return false;
		out->n_signatures++;
	}
	if (out->n_signatures == 0)
		return err_set(e, ERR_MALFORMED, "note: no signature");
	return true;
}

/* What a cosignature signs. */
static bool cosigned_text(struct buf *out, struct bytes text, uint64_t time_s)
{
	buf_printf(out, "cosignature/v1\ntime %llu\n", (unsigned long long)time_s);
	buf_put_bytes(out, text);
	return !out->failed;
}

static bool verify_cosignature(
    const struct note_signature *s, struct bytes text, const struct vkey *key, uint64_t *time_s)
{
	struct buf signed_text = { 0 };
	if (s->len != NOTE_COSIGN_BYTES)
		return false;
	uint64_t time = (uint64_t)be32(s->blob) << 32 | be32(s->blob + 4);
	bool ok = time <= (uint64_t)LIMIT_UINT && cosigned_text(&signed_text, text, time) &&
		  crypto_sign_verify_detached(s->blob + 8, signed_text.data, signed_text.size, key->key) == 0;
	buf_free(&signed_text);
	*time_s = ok ? time : 0;
	return ok;
}

static bool verify_one(
    const struct note_signature *s, struct bytes text, const struct vkey *key, uint64_t *time_s)
{
	*time_s = 0;
	if (key->type == VKEY_COSIGNATURE)
		return verify_cosignature(s, text, key, time_s);
	return s->len == NOTE_ED25519_BYTES &&
	       crypto_sign_verify_detached(s->blob, text.at, text.len, key->key) == 0;
}

bool note_verify(
    const struct note *note, const struct vkey *known, size_t n, bool *good, uint64_t *time_s, struct err *e)
{
	size_t n_good = 0;
	for (size_t k = 0; k < n; k++) {
		uint64_t latest = 0;
		bool signed_by = false;
		for (size_t i = 0; i < note->n_signatures; i++) {
			const struct note_signature *s = &note->signature[i];
			uint64_t time = 0;
			if (s->hash != known[k].hash || !line_is(s->name, known[k].name))
				continue;
			if (!verify_one(s, note->text, &known[k], &time))
				return err_set(e, ERR_CRYPTO, "note: signature of a known key is wrong");
			signed_by = true;
			latest = time > latest ? time : latest;
		}
		n_good += signed_by;
		if (good != NULL)
			good[k] = signed_by;
		if (time_s != NULL)
			time_s[k] = latest;
	}
	if (n_good == 0)
		return err_set(e, ERR_CRYPTO, "note: no signature of a known key");
	return true;
}

/* hash || [time] || signature, in blob; how many bytes. */
static size_t sign_blob(uint8_t blob[4 + NOTE_COSIGN_BYTES], struct bytes text, const struct vkey *as,
    const struct key_signer *signer, uint64_t time_s)
{
	struct buf signed_text = { 0 };
	put_be(blob, as->hash, 4);
	if (as->type == VKEY_ED25519) {
		crypto_sign_detached(blob + 4, NULL, text.at, text.len, signer->secret);
		return 4 + NOTE_ED25519_BYTES;
	}
	put_be(blob + 4, time_s, 8);
	bool ok = cosigned_text(&signed_text, text, time_s);
	if (ok)
		crypto_sign_detached(blob + 12, NULL, signed_text.data, signed_text.size, signer->secret);
	buf_free(&signed_text);
	return ok ? 4 + NOTE_COSIGN_BYTES : 0;
}

bool note_put_signature(struct buf *out, struct bytes text, const struct vkey *as,
    const struct key_signer *signer, uint64_t time_s, struct err *e)
{
	uint8_t blob[4 + NOTE_COSIGN_BYTES];
	size_t len = sign_blob(blob, text, as, signer, time_s);
	if (len == 0)
		return err_set(e, ERR_MEMORY, "note: out of memory");
	buf_printf(out, SIGNATURE_MARK "%s ", as->name);
	buf_put_base64(out, bytes_of(blob, len));
	buf_put_byte(out, '\n');
	return out->failed ? err_set(e, ERR_MEMORY, "note: out of memory") : true;
}

bool note_sign(
    struct buf *out, struct bytes text, const struct vkey *as, const struct key_signer *signer, struct err *e)
{
	if (text.len == 0 || text.at[text.len - 1] != '\n' || text_len(text) != 0 || !is_note_text(text))
		return err_set(e, ERR_INTERNAL, "note: text cannot be signed as a note");
	buf_put_bytes(out, text);
	buf_put_byte(out, '\n');
	return note_put_signature(out, text, as, signer, 0, e);
}
