#include "proto/minisign.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "proto/name.h"
#include "proto/textline.h"

#define UNTRUSTED        "untrusted comment: "
#define UNTRUSTED_SIGN   "signature of the cellveil release key"
#define UNTRUSTED_PUBLIC "minisign public key of the cellveil release key"
#define TRUSTED          "trusted comment: "
#define SIGNED_BYTES     (2u + KEY_ID_BYTES + KEY_SIG_BYTES)
#define PUBLIC_BYTES     (2u + KEY_ID_BYTES + KEY_BYTES)
#define PREHASH_BYTES    64u
#define TRUSTED_MAX      1024u

/* The four lines of a signature file. */
struct lines {
	uint8_t key_id[KEY_ID_BYTES];
	uint8_t signature[KEY_SIG_BYTES]; /* over the prehash */
	uint8_t global[KEY_SIG_BYTES];    /* over signature and trusted comment */
	struct bytes trusted;
};

static void put_trusted(struct buf *out, const struct minisign_claim *c)
{
	buf_printf(out,
	    "timestamp:%" PRIu64 "\tfile:%s\torigin:%s\tdataset:%s\tperiod:%s\trev:%" PRIu64 "\tseq:%" PRIu64
	    "\tfeed:",
	    c->time_s, c->file, c->origin, c->dataset, c->period, c->revision, c->seq);
	buf_put_hex(out, bytes_of(c->feed_id, sizeof c->feed_id));
}

/* The next field, which begins with name and ends at a tab or the end. */
static bool take_field(struct bytes *in, const char *name, struct bytes *value)
{
	if (!line_take(in, name))
		return false;
	const uint8_t *tab = in->len == 0 ? NULL : memchr(in->at, '\t', in->len);
	size_t len = tab == NULL ? in->len : (size_t)(tab - in->at);
	*value = bytes_of(in->at, len);
	*in = bytes_of(in->at + len, in->len - len);
	return true;
}

static bool take_number(struct bytes *in, const char *name, uint64_t *out)
{
	struct bytes value;
	return take_field(in, name, &value) && line_uint(out, value);
}

static bool take_text(struct bytes *in, const char *name, char *out, size_t room, bool (*fits)(struct bytes))
{
	struct bytes value;
	return take_field(in, name, &value) && (fits == NULL || fits(value)) && line_copy(out, room, value);
}

static bool parse_trusted(struct minisign_claim *c, struct bytes in)
{
	struct bytes feed;
	*c = (struct minisign_claim){ 0 };
	return take_number(&in, "timestamp:", &c->time_s) &&
	       take_text(&in, "\tfile:", c->file, sizeof c->file, NULL) &&
	       take_text(&in, "\torigin:", c->origin, sizeof c->origin, name_is_origin) &&
	       take_text(&in, "\tdataset:", c->dataset, sizeof c->dataset, name_is_name) &&
	       take_text(&in, "\tperiod:", c->period, sizeof c->period, name_is_period) &&
	       take_number(&in, "\trev:", &c->revision) && take_number(&in, "\tseq:", &c->seq) &&
	       c->seq > 0 && take_field(&in, "\tfeed:", &feed) &&
	       hex_decode(c->feed_id, sizeof c->feed_id, feed) && in.len == 0;
}

static bool is_printable(struct bytes in)
{
	for (size_t i = 0; i < in.len; i++)
		if ((in.at[i] < 0x20 || in.at[i] > 0x7e) && in.at[i] != '\t' && in.at[i] != '\n')
			return false;
	return true;
}

static bool parse_lines(struct lines *out, struct bytes file, struct err *e)
{
	struct bytes comment;
	struct bytes first;
	struct bytes last;
	uint8_t raw[SIGNED_BYTES];
	if (file.len > MINISIGN_BYTES_MAX || !is_printable(file))
		return err_set(e, ERR_MALFORMED, "minisig: too large, or not printable ASCII");
	if (!line_next(&file, &comment) || !line_take(&comment, UNTRUSTED) || !line_next(&file, &first) ||
	    !line_next(&file, &out->trusted) || !line_take(&out->trusted, TRUSTED) ||
	    !line_next(&file, &last) || file.len != 0)
		return err_set(e, ERR_MALFORMED, "minisig: not the four lines of a signature file");
	if (!line_base64(raw, sizeof raw, first) || !line_base64(out->global, sizeof out->global, last))
		return err_set(e, ERR_MALFORMED, "minisig: signature is not base64 of its length");
	if (raw[0] != 'E' || raw[1] != 'D')
		return err_set(e, ERR_UNSUPPORTED, "minisig: not a prehashed signature (ED)");
	memcpy(out->key_id, raw + 2, sizeof out->key_id);
	memcpy(out->signature, raw + 2 + KEY_ID_BYTES, sizeof out->signature);
	return true;
}

/* What the second signature is over: the first, and the trusted comment's text. */
static size_t global_input(
    uint8_t out[KEY_SIG_BYTES + TRUSTED_MAX], const uint8_t *signature, struct bytes trusted)
{
	if (trusted.len == 0 || trusted.len > TRUSTED_MAX)
		return 0;
	memcpy(out, signature, KEY_SIG_BYTES);
	memcpy(out + KEY_SIG_BYTES, trusted.at, trusted.len);
	return KEY_SIG_BYTES + trusted.len;
}

static void put_signature(struct buf *out, const struct key_signer *signer, const uint8_t *signature)
{
	uint8_t raw[SIGNED_BYTES] = { 'E', 'D' };
	memcpy(raw + 2, signer->id, KEY_ID_BYTES);
	memcpy(raw + 2 + KEY_ID_BYTES, signature, KEY_SIG_BYTES);
	buf_put_text(out, UNTRUSTED UNTRUSTED_SIGN "\n");
	buf_put_base64(out, bytes_of(raw, sizeof raw));
	buf_put_text(out, "\n");
}

bool minisign_sign(struct buf *out, struct bytes message, const struct minisign_claim *claim,
    const struct key_signer *signer, struct err *e)
{
	struct buf trusted = { 0 };
	struct minisign_claim again;
	uint8_t prehash[PREHASH_BYTES];
	uint8_t signature[KEY_SIG_BYTES];
	uint8_t global[KEY_SIG_BYTES];
	uint8_t input[KEY_SIG_BYTES + TRUSTED_MAX];
	bool ok = false;

	put_trusted(&trusted, claim);
	if (trusted.failed) {
		err_set(e, ERR_MEMORY, "minisig: out of memory");
		goto done;
	}
	if (!parse_trusted(&again, buf_bytes(&trusted))) {
		err_set(e, ERR_INTERNAL, "minisig: a field of the trusted comment is outside its grammar");
		goto done;
	}
	crypto_generichash(prehash, sizeof prehash, message.at, message.len, NULL, 0);
	crypto_sign_detached(signature, NULL, prehash, sizeof prehash, signer->secret);
	crypto_sign_detached(
	    global, NULL, input, global_input(input, signature, buf_bytes(&trusted)), signer->secret);
	put_signature(out, signer, signature);
	buf_put_text(out, TRUSTED);
	buf_put_bytes(out, buf_bytes(&trusted));
	buf_put_text(out, "\n");
	buf_put_base64(out, bytes_of(global, sizeof global));
	buf_put_text(out, "\n");
	ok = out->failed ? err_set(e, ERR_MEMORY, "minisig: out of memory") : true;
done:
	buf_free(&trusted);
	return ok;
}

bool minisign_parse(struct minisign_claim *claim, uint8_t key_id[8], struct bytes file, struct err *e)
{
	struct lines lines = { 0 };
	if (!parse_lines(&lines, file, e))
		return false;
	if (!parse_trusted(claim, lines.trusted))
		return err_set(e, ERR_MALFORMED, "minisig: trusted comment");
	memcpy(key_id, lines.key_id, KEY_ID_BYTES);
	return true;
}

static bool verify_signatures(const struct lines *lines, struct bytes message, const uint8_t key[32])
{
	uint8_t prehash[PREHASH_BYTES];
	uint8_t input[KEY_SIG_BYTES + TRUSTED_MAX];
	size_t len = global_input(input, lines->signature, lines->trusted);
	crypto_generichash(prehash, sizeof prehash, message.at, message.len, NULL, 0);
	return len > 0 && crypto_sign_verify_detached(lines->signature, prehash, sizeof prehash, key) == 0 &&
	       crypto_sign_verify_detached(lines->global, input, len, key) == 0;
}

/* The name of the first field that differs, or NULL. */
static const char *differs(const struct minisign_claim *got, const struct minisign_claim *want)
{
	if (strcmp(got->file, want->file) != 0)
		return "file";
	if (strcmp(got->origin, want->origin) != 0)
		return "origin";
	if (strcmp(got->dataset, want->dataset) != 0)
		return "dataset";
	if (strcmp(got->period, want->period) != 0)
		return "period";
	if (got->revision != want->revision)
		return "rev";
	if (want->seq == 0)
		return NULL;
	if (got->seq != want->seq)
		return "seq";
	return memcmp(got->feed_id, want->feed_id, sizeof got->feed_id) == 0 ? NULL : "feed";
}

bool minisign_verify(struct bytes file, struct bytes message, const uint8_t key_id[8], const uint8_t key[32],
    const struct minisign_claim *want, struct minisign_claim *claim, struct err *e)
{
	struct lines lines = { 0 };
	struct minisign_claim got;
	if (!parse_lines(&lines, file, e))
		return false;
	if (memcmp(lines.key_id, key_id, KEY_ID_BYTES) != 0)
		return err_set(e, ERR_CRYPTO, "minisig: of another key");
	if (!verify_signatures(&lines, message, key))
		return err_set(e, ERR_CRYPTO, "minisig: signature is wrong");
	if (!parse_trusted(&got, lines.trusted))
		return err_set(e, ERR_MALFORMED, "minisig: trusted comment");
	const char *field = differs(&got, want);
	if (field != NULL)
		return err_set(e, ERR_REFUSED, "minisig: signed for another %s", field);
	if (claim != NULL)
		*claim = got;
	return true;
}

void minisign_put_public(struct buf *out, const uint8_t key_id[8], const uint8_t key[32])
{
	uint8_t raw[PUBLIC_BYTES] = { 'E', 'd' };
	memcpy(raw + 2, key_id, KEY_ID_BYTES);
	memcpy(raw + 2 + KEY_ID_BYTES, key, KEY_BYTES);
	buf_put_text(out, UNTRUSTED UNTRUSTED_PUBLIC "\n");
	buf_put_base64(out, bytes_of(raw, sizeof raw));
	buf_put_text(out, "\n");
}

bool minisign_parse_public(uint8_t key_id[8], uint8_t key[32], struct bytes file, struct err *e)
{
	struct bytes comment;
	struct bytes line;
	uint8_t raw[PUBLIC_BYTES];
	if (file.len > MINISIGN_BYTES_MAX || !is_printable(file) || !line_next(&file, &comment) ||
	    !line_take(&comment, UNTRUSTED) || !line_next(&file, &line) || file.len != 0 ||
	    !line_base64(raw, sizeof raw, line) || raw[0] != 'E' || raw[1] != 'd')
		return err_set(e, ERR_MALFORMED, "minisign public key: not a public key file");
	memcpy(key_id, raw + 2, KEY_ID_BYTES);
	memcpy(key, raw + 2 + KEY_ID_BYTES, KEY_BYTES);
	return true;
}
