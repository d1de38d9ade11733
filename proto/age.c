#include "proto/age.h"

#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "proto/textline.h"

#define AGE_HEAD       "age-encryption.org/v1\n"
#define AGE_X25519     "-> X25519 "
#define AGE_INFO_WRAP  "age-encryption.org/v1/X25519"
#define FILE_KEY_BYTES 16u
#define WRAPPED_BYTES  (FILE_KEY_BYTES + crypto_aead_chacha20poly1305_ietf_ABYTES)
#define CHUNK_BYTES    65536u
#define TAG_BYTES      crypto_aead_chacha20poly1305_ietf_ABYTES
#define NONCE_BYTES    crypto_aead_chacha20poly1305_ietf_NPUBBYTES
#define BODY_COLUMNS   64u
#define HRP_RECIPIENT  "age"
#define HRP_IDENTITY   "age-secret-key-"
#define BECH32_DATA    52u /* 32 bytes in groups of five bits */
#define BECH32_CHECK   6u
#define RAW_BASE64_32  43u /* characters of 32 bytes without padding */

static const char bech32_alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* ---- Bech32 (BIP 173) of 32 bytes ---- */

static uint32_t bech32_step(uint32_t sum, uint8_t value)
{
	static const uint32_t generator[5] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3 };
	uint32_t top = sum >> 25;
	sum = (sum & 0x1ffffff) << 5 ^ value;
	for (unsigned i = 0; i < 5; i++)
		if (top >> i & 1)
			sum ^= generator[i];
	return sum;
}

static uint32_t bech32_sum(const char *hrp, const uint8_t *group, size_t n)
{
	uint32_t sum = 1;
	for (const char *c = hrp; *c != '\0'; c++)
		sum = bech32_step(sum, (uint8_t)*c >> 5);
	sum = bech32_step(sum, 0);
	for (const char *c = hrp; *c != '\0'; c++)
		sum = bech32_step(sum, (uint8_t)*c & 31);
	for (size_t i = 0; i < n; i++)
		sum = bech32_step(sum, group[i]);
	return sum;
}

/* Bit b of 32 bytes, the highest of the first byte first; nought beyond. */
static uint8_t bit_of(const uint8_t key[32], size_t b)
{
	return b < 256 ? key[b / 8] >> (7 - b % 8) & 1 : 0;
}

static void bech32_print(char *out, const char *hrp, const uint8_t key[32])
{
	uint8_t group[BECH32_DATA + BECH32_CHECK] = { 0 };
	for (size_t i = 0; i < BECH32_DATA; i++)
		for (size_t b = 0; b < 5; b++)
			group[i] = (uint8_t)(group[i] << 1 | bit_of(key, 5 * i + b));
	uint32_t sum = bech32_sum(hrp, group, sizeof group) ^ 1;
	for (size_t i = 0; i < BECH32_CHECK; i++)
		group[BECH32_DATA + i] = (uint8_t)(sum >> (5 * (5 - i)) & 31);
	size_t n = strlen(hrp);
	memcpy(out, hrp, n);
	out[n++] = '1';
	for (size_t i = 0; i < sizeof group; i++)
		out[n++] = bech32_alphabet[group[i]];
	out[n] = '\0';
	sodium_memzero(group, sizeof group);
}

/* text in lower case, as hrp is. */
static bool bech32_parse(uint8_t key[32], const char *hrp, const char *text)
{
	uint8_t group[BECH32_DATA + BECH32_CHECK];
	size_t n = strlen(hrp);
	bool ok = strlen(text) == n + 1 + sizeof group && strncmp(text, hrp, n) == 0 && text[n] == '1';
	for (size_t i = 0; ok && i < sizeof group; i++) {
		const char *at = strchr(bech32_alphabet, text[n + 1 + i]);
		ok = at != NULL && *at != '\0';
		group[i] = ok ? (uint8_t)(at - bech32_alphabet) : 0;
	}
	ok = ok && bech32_sum(hrp, group, sizeof group) == 1;
	memset(key, 0, 32);
	for (size_t b = 0; ok && b < 5 * (size_t)BECH32_DATA; b++) {
		uint8_t bit = group[b / 5] >> (4 - b % 5) & 1;
		if (b < 256)
			key[b / 8] = (uint8_t)(key[b / 8] | bit << (7 - b % 8));
		else
			ok = bit == 0;
	}
	sodium_memzero(group, sizeof group);
	return ok;
}

void age_recipient_print(char out[AGE_RECIPIENT_TEXT], const uint8_t key[32])
{
	bech32_print(out, HRP_RECIPIENT, key);
}

void age_identity_print(char out[AGE_IDENTITY_TEXT], const uint8_t secret[32])
{
	bech32_print(out, HRP_IDENTITY, secret);
	for (char *c = out; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
}

bool age_recipient_parse(uint8_t key[32], struct bytes text, struct err *e)
{
	char copy[AGE_RECIPIENT_TEXT];
	if (!line_copy(copy, sizeof copy, text) || !bech32_parse(key, HRP_RECIPIENT, copy))
		return err_set(e, ERR_MALFORMED, "age recipient: not of the form age1...");
	return true;
}

bool age_identity_parse(uint8_t secret[32], struct bytes text, struct err *e)
{
	char copy[AGE_IDENTITY_TEXT] = { 0 };
	bool ok = line_copy(copy, sizeof copy, text);
	for (char *c = copy; ok && *c != '\0'; c++) {
		ok = !islower((unsigned char)*c);
		*c = (char)tolower((unsigned char)*c);
	}
	ok = ok && bech32_parse(secret, HRP_IDENTITY, copy);
	sodium_memzero(copy, sizeof copy);
	return ok ? true : err_set(e, ERR_MALFORMED, "age identity: not of the form AGE-SECRET-KEY-1...");
}

/* ---- keys ---- */

static void hmac(uint8_t out[32], const uint8_t *key, size_t key_len, struct bytes a, struct bytes b)
{
	crypto_auth_hmacsha256_state state;
	crypto_auth_hmacsha256_init(&state, key, key_len);
	crypto_auth_hmacsha256_update(&state, a.at, a.len);
	crypto_auth_hmacsha256_update(&state, b.at, b.len);
	crypto_auth_hmacsha256_final(&state, out);
	sodium_memzero(&state, sizeof state);
}

/* HKDF-SHA-256 with one block of output (RFC 5869). */
static void hkdf(uint8_t out[32], struct bytes secret, struct bytes salt, const char *info)
{
	static const uint8_t one = 1;
	static const uint8_t no_salt[32];
	uint8_t prk[32];
	if (salt.len == 0)
		salt = bytes_of(no_salt, sizeof no_salt);
	hmac(prk, salt.at, salt.len, secret, (struct bytes){ 0 });
	hmac(out, prk, sizeof prk, bytes_text(info), bytes_of(&one, 1));
	sodium_memzero(prk, sizeof prk);
}

static void header_mac(uint8_t mac[32], const uint8_t file_key[FILE_KEY_BYTES], struct bytes header)
{
	uint8_t key[32];
	hkdf(key, bytes_of(file_key, FILE_KEY_BYTES), (struct bytes){ 0 }, "header");
	hmac(mac, key, sizeof key, header, (struct bytes){ 0 });
	sodium_memzero(key, sizeof key);
}

/* The key that wraps the file key for one recipient: mine is a secret, theirs a public key. */
static bool wrap_key(uint8_t out[32], const uint8_t mine[32], const uint8_t theirs[32],
    const uint8_t ephemeral[32], const uint8_t recipient[32])
{
	uint8_t shared[32];
	uint8_t salt[64];
	if (crypto_scalarmult(shared, mine, theirs) != 0)
		return false;
	memcpy(salt, ephemeral, 32);
	memcpy(salt + 32, recipient, 32);
	hkdf(out, bytes_of(shared, sizeof shared), bytes_of(salt, sizeof salt), AGE_INFO_WRAP);
	sodium_memzero(shared, sizeof shared);
	return true;
}

static void put_raw_base64(struct buf *out, const uint8_t in[32])
{
	char text[RAW_BASE64_32 + 1];
	sodium_bin2base64(text, sizeof text, in, 32, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	buf_put_text(out, text);
}

static bool raw_base64(uint8_t out[32], struct bytes text)
{
	char padded[RAW_BASE64_32 + 1];
	if (text.len != RAW_BASE64_32)
		return false;
	memcpy(padded, text.at, RAW_BASE64_32);
	padded[RAW_BASE64_32] = '=';
	return line_base64(out, 32, bytes_of(padded, sizeof padded));
}

/* ---- payload ---- */

static void chunk_nonce(uint8_t nonce[NONCE_BYTES], uint64_t counter, bool last)
{
	memset(nonce, 0, NONCE_BYTES);
	for (unsigned i = 0; i < 8; i++)
		nonce[NONCE_BYTES - 2 - i] = (uint8_t)(counter >> (8 * i));
	nonce[NONCE_BYTES - 1] = last;
}

static void put_payload(struct buf *out, struct bytes plaintext, const uint8_t key[32])
{
	uint8_t sealed[CHUNK_BYTES + TAG_BYTES];
	uint8_t nonce[NONCE_BYTES];
	bool last = false;
	for (uint64_t n = 0; !last; n++) {
		size_t len = plaintext.len < CHUNK_BYTES ? plaintext.len : CHUNK_BYTES;
		last = len == plaintext.len;
		chunk_nonce(nonce, n, last);
		crypto_aead_chacha20poly1305_ietf_encrypt(
		    sealed, NULL, plaintext.at, len, NULL, 0, NULL, nonce, key);
		buf_put(out, sealed, len + TAG_BYTES);
		if (!last)
			plaintext = bytes_of(plaintext.at + len, plaintext.len - len);
	}
}

static bool open_payload(struct buf *out, struct bytes in, const uint8_t key[32], struct err *e)
{
	uint8_t opened[CHUNK_BYTES];
	uint8_t nonce[NONCE_BYTES];
	bool last = false;
	bool ok = true;
	for (uint64_t n = 0; ok && !last; n++) {
		size_t len = in.len < CHUNK_BYTES + TAG_BYTES ? in.len : CHUNK_BYTES + TAG_BYTES;
		last = len == in.len;
		chunk_nonce(nonce, n, last);
		/* only a whole file may be empty, never its last chunk after others */
		ok = len >= TAG_BYTES && (n == 0 || len > TAG_BYTES) &&
		     crypto_aead_chacha20poly1305_ietf_decrypt(
			 opened, NULL, NULL, in.at, len, NULL, 0, nonce, key) == 0;
		if (ok)
			buf_put(out, opened, len - TAG_BYTES);
		in = bytes_of(in.at + len, in.len - len);
	}
	sodium_memzero(opened, sizeof opened);
	if (!ok)
		return err_set(e, ERR_CRYPTO, "age: payload changed or cut off");
	return out->failed ? err_set(e, ERR_MEMORY, "age: out of memory") : true;
}

static void payload_key(uint8_t out[32], const uint8_t file_key[FILE_KEY_BYTES], const uint8_t nonce[16])
{
	hkdf(out, bytes_of(file_key, FILE_KEY_BYTES), bytes_of(nonce, 16), "payload");
}

/* ---- files ---- */

static bool put_stanza(struct buf *out, const uint8_t recipient[32], const uint8_t ephemeral[32],
    const uint8_t file_key[FILE_KEY_BYTES])
{
	static const uint8_t nonce[NONCE_BYTES];
	uint8_t public[32];
	uint8_t wrap[32];
	uint8_t wrapped[WRAPPED_BYTES];
	crypto_scalarmult_base(public, ephemeral);
	if (!wrap_key(wrap, ephemeral, recipient, public, recipient))
		return false;
	crypto_aead_chacha20poly1305_ietf_encrypt(
	    wrapped, NULL, file_key, FILE_KEY_BYTES, NULL, 0, NULL, nonce, wrap);
	buf_put_text(out, AGE_X25519);
	put_raw_base64(out, public);
	buf_put_byte(out, '\n');
	put_raw_base64(out, wrapped);
	buf_put_byte(out, '\n');
	sodium_memzero(wrap, sizeof wrap);
	return true;
}

bool age_encrypt(struct buf *out, struct bytes plaintext, const uint8_t (*recipient)[32], size_t n,
    const struct age_random *random, struct err *e)
{
	size_t start = out->size;
	uint8_t mac[32];
	uint8_t key[32];
	if (n == 0 || n > AGE_RECIPIENTS_MAX)
		return err_set(e, ERR_INVALID, "age: number of recipients");
	buf_put_text(out, AGE_HEAD);
	for (size_t i = 0; i < n; i++)
		if (!put_stanza(out, recipient[i], random->ephemeral[i], random->file_key))
			return err_set(e, ERR_CRYPTO, "age: recipient %zu is no usable key", i + 1);
	buf_put_text(out, "---");
	if (out->failed)
		return err_set(e, ERR_MEMORY, "age: out of memory");
	header_mac(mac, random->file_key, bytes_of(out->data + start, out->size - start));
	buf_put_byte(out, ' ');
	put_raw_base64(out, mac);
	buf_put_byte(out, '\n');
	buf_put(out, random->nonce, sizeof random->nonce);
	payload_key(key, random->file_key, random->nonce);
	put_payload(out, plaintext, key);
	sodium_memzero(key, sizeof key);
	return out->failed ? err_set(e, ERR_MEMORY, "age: out of memory") : true;
}

/* The body of a stanza: full lines, then a shorter one. first is its first line. */
static bool take_body(struct bytes *in, struct bytes *first)
{
	struct bytes line;
	if (!line_next(in, first))
		return false;
	for (line = *first; line.len == BODY_COLUMNS;)
		if (!line_next(in, &line))
			return false;
	return line.len < BODY_COLUMNS;
}

static bool unwrap(
    uint8_t file_key[FILE_KEY_BYTES], struct bytes share, struct bytes body, const uint8_t secret[32])
{
	static const uint8_t nonce[NONCE_BYTES];
	uint8_t ephemeral[32];
	uint8_t wrapped[WRAPPED_BYTES];
	uint8_t public[32];
	uint8_t wrap[32];
	if (!raw_base64(ephemeral, share) || !raw_base64(wrapped, body))
		return false;
	crypto_scalarmult_base(public, secret);
	if (!wrap_key(wrap, secret, ephemeral, ephemeral, public))
		return false;
	bool ok = crypto_aead_chacha20poly1305_ietf_decrypt(
		      file_key, NULL, NULL, wrapped, sizeof wrapped, NULL, 0, nonce, wrap) == 0;
	sodium_memzero(wrap, sizeof wrap);
	return ok;
}

/* Reads the stanzas up to "---"; ours is true if one of them could be opened. */
static bool read_stanzas(
    struct bytes *in, uint8_t file_key[FILE_KEY_BYTES], const uint8_t secret[32], bool *ours, struct err *e)
{
	*ours = false;
	while (!line_take(in, "---")) {
		struct bytes head;
		struct bytes body;
		if (!line_next(in, &head) || !take_body(in, &body))
			return err_set(e, ERR_MALFORMED, "age: header");
		if (line_take(&head, AGE_X25519))
			*ours = *ours || unwrap(file_key, head, body, secret);
		else if (!line_take(&head, "-> "))
			return err_set(e, ERR_MALFORMED, "age: header");
	}
	return true;
}

bool age_decrypt(struct buf *out, struct bytes file, const uint8_t secret[32], struct err *e)
{
	struct bytes in = file;
	struct bytes line;
	bool ours;
	bool ok = false;
	uint8_t file_key[FILE_KEY_BYTES];
	uint8_t said[32];
	uint8_t mac[32];
	uint8_t key[32];
	if (!line_take(&in, AGE_HEAD))
		return err_set(e, ERR_UNSUPPORTED, "age: not a file of version 1");
	if (!read_stanzas(&in, file_key, secret, &ours, e))
		return false;
	if (!ours)
		return err_set(e, ERR_REFUSED, "age: not encrypted to this identity");
	struct bytes header = bytes_of(file.at, file.len - in.len);
	header_mac(mac, file_key, header);
	if (!line_take(&in, " ") || !line_next(&in, &line) || !raw_base64(said, line) || in.len < 16) {
		err_set(e, ERR_MALFORMED, "age: header");
	} else if (sodium_memcmp(mac, said, sizeof mac) != 0) {
		err_set(e, ERR_CRYPTO, "age: header changed");
	} else {
		payload_key(key, file_key, in.at);
		ok = open_payload(out, bytes_of(in.at + 16, in.len - 16), key, e);
		sodium_memzero(key, sizeof key);
	}
	sodium_memzero(file_key, sizeof file_key);
	return ok;
}
