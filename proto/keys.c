#include "proto/keys.h"

#include <sodium.h>
#include <string.h>

static const char *const purpose_names[KEY_PURPOSES] = { "sign", "receipt", "release", "feed", "log", "root",
	"witness", "intake", "curve", "choice", "master" };

static const char public_prefix[] = "cellveil-";
static const char secret_prefix[] = "cellveil-secret-";

const char *keys_purpose_name(enum key_purpose purpose)
{
	return purpose < KEY_PURPOSES ? purpose_names[purpose] : "?";
}

bool keys_purpose_parse(enum key_purpose *purpose, struct bytes name)
{
	for (unsigned i = 0; i < KEY_PURPOSES; i++) {
		if (bytes_equal(name, bytes_text(purpose_names[i]))) {
			*purpose = (enum key_purpose)i;
			return true;
		}
	}
	return false;
}

enum key_type keys_type(enum key_purpose purpose)
{
	if (purpose == KEY_INTAKE)
		return KEY_TYPE_INTAKE;
	return purpose == KEY_CURVE ? KEY_TYPE_CURVE : KEY_TYPE_ED25519;
}

static bool has_public(enum key_purpose purpose)
{
	return purpose < KEY_CHOICE;
}

void keys_id(uint8_t id[KEY_ID_BYTES], enum key_type type, const uint8_t public[KEY_BYTES])
{
	uint8_t digest[KEY_DIGEST_BYTES];
	uint8_t type_byte = (uint8_t)type;
	struct bytes part[] = { { &type_byte, 1 }, { public, KEY_BYTES } };
	keys_hash(digest, LABEL_KEYID, part, 2);
	memcpy(id, digest, KEY_ID_BYTES);
}

void keys_fingerprint(char out[KEY_FINGERPRINT], const uint8_t id[KEY_ID_BYTES])
{
	static const char digit[] = "0123456789abcdef";
	size_t n = 0;
	for (size_t i = 0; i < KEY_ID_BYTES; i++) {
		if (i > 0 && i % 2 == 0)
			out[n++] = ' ';
		out[n++] = digit[id[i] >> 4];
		out[n++] = digit[id[i] & 15];
	}
	out[n] = '\0';
}

/* ---- text forms ---- */

/* <prefix><purpose>:<base64 of 32 bytes>; says nothing about the key itself. */
static bool text_parse(
    enum key_purpose *purpose, uint8_t key[KEY_BYTES], const char *prefix, struct bytes text)
{
	size_t skip = strlen(prefix);
	size_t len = 0;
	if (text.len > KEY_TEXT_MAX || text.len <= skip || memcmp(text.at, prefix, skip) != 0)
		return false;
	const uint8_t *name = text.at + skip;
	const uint8_t *colon = memchr(name, ':', text.len - skip);
	if (colon == NULL || !keys_purpose_parse(purpose, bytes_of(name, (size_t)(colon - name))))
		return false;
	struct bytes digits = { colon + 1, (size_t)(text.at + text.len - colon - 1) };
	return base64_decode(key, KEY_BYTES, &len, digits) && len == KEY_BYTES;
}

static void text_print(
    struct buf *out, const char *prefix, enum key_purpose purpose, const uint8_t key[KEY_BYTES])
{
	buf_put_text(out, prefix);
	buf_put_text(out, keys_purpose_name(purpose));
	buf_put_byte(out, ':');
	buf_put_base64(out, bytes_of(key, KEY_BYTES));
}

bool keys_public_parse(struct key_public *out, enum key_purpose want, struct bytes text, struct err *e)
{
	enum key_purpose purpose;
	if (!text_parse(&purpose, out->key, public_prefix, text) || !has_public(purpose))
		return err_set(e, ERR_MALFORMED, "not a public key of the form cellveil-PURPOSE:BASE64");
	if (want != KEY_PURPOSES && purpose != want)
		return err_set(e, ERR_MALFORMED, "a key for another purpose: cellveil-%s: is wanted",
		    keys_purpose_name(want));
	if (!keys_check(keys_type(purpose), out->key, e))
		return false;
	out->purpose = purpose;
	keys_id(out->id, keys_type(purpose), out->key);
	return true;
}

void keys_public_print(struct buf *out, enum key_purpose purpose, const uint8_t public[KEY_BYTES])
{
	text_print(out, public_prefix, purpose, public);
}

bool keys_check(enum key_type type, const uint8_t public[KEY_BYTES], struct err *e)
{
	static const uint8_t scalar[KEY_BYTES] = { 8, [31] = 64 };
	uint8_t shared[KEY_BYTES];
	bool good;
	if (type == KEY_TYPE_ED25519) {
		good = crypto_core_ed25519_is_valid_point(public) == 1;
	} else {
		/* the top bit is ignored by X25519 and would be a second spelling of the same key */
		good = public[KEY_BYTES - 1] < 0x80 && crypto_scalarmult(shared, scalar, public) == 0;
	}
	return good || err_set(e, ERR_CRYPTO, "a public key that nobody can own alone");
}

bool keys_secret_parse(uint8_t secret[KEY_BYTES], enum key_purpose want, struct bytes text, struct err *e)
{
	unsigned found = 0;
	bool ok = false;
	enum key_purpose purpose;
	for (size_t start = 0; start < text.len;) {
		const uint8_t *line = text.at + start;
		const uint8_t *feed = memchr(line, '\n', text.len - start);
		size_t len = feed != NULL ? (size_t)(feed - line) : text.len - start;
		start += len + 1;
		if (len == 0 || line[0] == '#')
			continue;
		if (!text_parse(&purpose, secret, secret_prefix, bytes_of(line, len)) || ++found > 1) {
			err_set(e, ERR_MALFORMED, "not a secret key file");
			goto done;
		}
	}
	if (found == 0)
		err_set(e, ERR_MALFORMED, "no secret key in it");
	else if (purpose != want)
		err_set(e, ERR_MALFORMED, "a secret for another purpose: cellveil-secret-%s: is wanted",
		    keys_purpose_name(want));
	else
		ok = true;
done:
	if (!ok)
		sodium_memzero(secret, KEY_BYTES);
	return ok;
}

void keys_secret_print(
    struct buf *out, enum key_purpose purpose, const uint8_t secret[KEY_BYTES], const char *date)
{
	uint8_t public[KEY_BYTES];
	uint8_t id[KEY_ID_BYTES];
	char print[KEY_FINGERPRINT] = "-";
	if (keys_public_of(public, purpose, secret, NULL)) {
		keys_id(id, keys_type(purpose), public);
		keys_fingerprint(print, id);
	}
	buf_printf(
	    out, "# cellveil %s, key id %s, %s. Keep secret.\n", keys_purpose_name(purpose), print, date);
	text_print(out, secret_prefix, purpose, secret);
	buf_put_byte(out, '\n');
}

bool keys_secret_is_test(const uint8_t secret[KEY_BYTES])
{
	uint8_t different = 0;
	for (size_t i = 1; i < KEY_BYTES; i++)
		different |= secret[i] ^ secret[0];
	return different == 0;
}

bool keys_public_of(
    uint8_t public[KEY_BYTES], enum key_purpose purpose, const uint8_t secret[KEY_BYTES], struct err *e)
{
	if (!has_public(purpose))
		return err_set(e, ERR_CRYPTO, "a %s key has no public half", keys_purpose_name(purpose));
	if (keys_type(purpose) == KEY_TYPE_ED25519) {
		uint8_t expanded[64];
		crypto_sign_seed_keypair(public, expanded, secret);
		sodium_memzero(expanded, sizeof expanded);
	} else {
		crypto_scalarmult_base(public, secret);
	}
	return true;
}

/* ---- signing and hashing ---- */

void keys_signer(struct key_signer *out, const uint8_t seed[KEY_BYTES])
{
	crypto_sign_seed_keypair(out->public, out->secret, seed);
	keys_id(out->id, KEY_TYPE_ED25519, out->public);
}

void keys_signer_wipe(struct key_signer *s)
{
	sodium_memzero(s, sizeof *s);
}

/* label || 00 || parts, in one piece: libsodium's multi-part signing is Ed25519ph, another algorithm. */
static void labelled(struct buf *out, const char *label, const struct bytes *part, size_t n_parts)
{
	buf_put(out, label, strlen(label) + 1);
	for (size_t i = 0; i < n_parts; i++)
		buf_put_bytes(out, part[i]);
}

bool keys_sign(uint8_t sig[KEY_SIG_BYTES], const struct key_signer *s, const char *label,
    const struct bytes *part, size_t n_parts, struct err *e)
{
	struct buf message = { 0 };
	labelled(&message, label, part, n_parts);
	bool ok = !message.failed;
	if (ok)
		crypto_sign_detached(sig, NULL, message.data, message.size, s->secret);
	buf_free(&message);
	return ok || err_set(e, ERR_MEMORY, "out of memory while signing");
}

bool keys_verify(const uint8_t sig[KEY_SIG_BYTES], const uint8_t public[KEY_BYTES], const char *label,
    const struct bytes *part, size_t n_parts, struct err *e)
{
	struct buf message = { 0 };
	labelled(&message, label, part, n_parts);
	bool memory = !message.failed;
	bool good = memory && crypto_sign_verify_detached(sig, message.data, message.size, public) == 0;
	buf_free(&message);
	if (!memory)
		return err_set(e, ERR_MEMORY, "out of memory while verifying");
	return good || err_set(e, ERR_CRYPTO, "the signature does not verify");
}

void keys_hash(uint8_t out[KEY_DIGEST_BYTES], const char *label, const struct bytes *part, size_t n_parts)
{
	crypto_generichash_state state;
	crypto_generichash_init(&state, NULL, 0, KEY_DIGEST_BYTES);
	crypto_generichash_update(&state, (const uint8_t *)label, strlen(label) + 1);
	for (size_t i = 0; i < n_parts; i++)
		crypto_generichash_update(&state, part[i].at, part[i].len);
	crypto_generichash_final(&state, out, KEY_DIGEST_BYTES);
	sodium_memzero(&state, sizeof state);
}

void keys_file_digest(uint8_t out[KEY_DIGEST_BYTES], struct bytes file)
{
	crypto_generichash(out, KEY_DIGEST_BYTES, file.at, file.len, NULL, 0);
}

/* ---- Z85 ---- */

static const char z85_alphabet[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

void keys_z85(char out[KEY_Z85_BYTES], const uint8_t key[KEY_BYTES])
{
	for (size_t i = 0; i < KEY_BYTES / 4; i++) {
		const uint8_t *at = key + 4 * i;
		uint32_t value = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
		for (size_t k = 5; k-- > 0; value /= 85)
			out[5 * i + k] = z85_alphabet[value % 85];
	}
	out[KEY_Z85_BYTES - 1] = '\0';
}

bool keys_z85_decode(uint8_t key[KEY_BYTES], struct bytes text)
{
	if (text.len != KEY_Z85_BYTES - 1)
		return false;
	for (size_t i = 0; i < KEY_BYTES / 4; i++) {
		uint64_t value = 0;
		for (size_t k = 0; k < 5; k++) {
			const char *digit = memchr(z85_alphabet, text.at[5 * i + k], sizeof z85_alphabet - 1);
			if (digit == NULL)
				return false;
			value = 85 * value + (uint64_t)(digit - z85_alphabet);
		}
		if (value > UINT32_MAX)
			return false;
		for (size_t k = 0; k < 4; k++)
			key[4 * i + k] = (uint8_t)(value >> (24 - 8 * k));
	}
	return true;
}
