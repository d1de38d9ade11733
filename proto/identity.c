#include "proto/identity.h"

#include <string.h>

static const char *const kind_names[] = { "office", "researcher", "auditor" };

const char *identity_kind_name(enum identity_kind kind)
{
	return kind <= IDENTITY_AUDITOR ? kind_names[kind] : "?";
}

/* ---- words ---- */

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Mail breaks long lines: every run of white space becomes one space, at the ends none. */
static bool normalise(struct buf *out, struct bytes line, struct err *e)
{
	if (line.len > LIMIT_IDENTITY_LINE)
		return err_set(e, ERR_LIMIT, "longer than allowed");
	bool gap = false;
	for (size_t i = 0; i < line.len; i++) {
		if (is_space(line.at[i])) {
			gap = out->size > 0;
			continue;
		}
		if (gap)
			buf_put_byte(out, ' ');
		gap = false;
		buf_put_byte(out, line.at[i]);
	}
	return !out->failed || err_set(e, ERR_MEMORY, "out of memory");
}

/* The first word of *rest, which then begins behind it; empty at the end. */
static struct bytes word_next(struct bytes *rest)
{
	size_t len = 0;
	while (len < rest->len && rest->at[len] != ' ')
		len++;
	struct bytes word = { rest->at, len };
	size_t used = len < rest->len ? len + 1 : len;
	rest->at += used;
	rest->len -= used;
	return word;
}

static bool begins(struct bytes rest, const char *prefix)
{
	size_t len = strlen(prefix);
	return rest.len >= len && memcmp(rest.at, prefix, len) == 0;
}

static bool word_is(struct bytes *rest, const char *want, struct err *e)
{
	return bytes_equal(word_next(rest), bytes_text(want)) ||
	       err_set(e, ERR_MALFORMED, "the word %s is missing", want);
}

static bool word_kind(struct bytes *rest, enum identity_kind *kind, struct err *e)
{
	struct bytes word = word_next(rest);
	for (unsigned i = 0; i < sizeof kind_names / sizeof *kind_names; i++) {
		if (bytes_equal(word, bytes_text(kind_names[i]))) {
			*kind = (enum identity_kind)i;
			return true;
		}
	}
	return err_set(e, ERR_MALFORMED, "neither office, researcher nor auditor");
}

/* <prefix><text>, the text held to its grammar and copied. */
static bool word_text(struct bytes *rest, const char *prefix, bool (*grammar)(struct bytes), char *out,
    size_t room, struct err *e)
{
	size_t skip = strlen(prefix);
	struct bytes word = word_next(rest);
	if (!begins(word, prefix))
		return err_set(e, ERR_MALFORMED, "the word %s... is missing", prefix);
	struct bytes text = { word.at + skip, word.len - skip };
	return (grammar(text) && name_copy(out, room, text)) ||
	       err_set(e, ERR_MALFORMED, "the word %s... breaks its grammar", skip > 0 ? prefix : "name");
}

static bool word_key(struct bytes *rest, enum key_purpose purpose, uint8_t out[KEY_BYTES], struct err *e)
{
	struct key_public key;
	if (!keys_public_parse(&key, purpose, word_next(rest), e))
		return err_wrap(e, "the word cellveil-%s:...", keys_purpose_name(purpose));
	memcpy(out, key.key, KEY_BYTES);
	return true;
}

static bool is_age(struct bytes in)
{
	static const char alphabet[] = "023456789acdefghjklmnpqrstuvwxyz";
	if (in.len != IDENTITY_AGE_BYTES - 1 || !begins(in, "age1"))
		return false;
	for (size_t i = 4; i < in.len; i++)
		if (memchr(alphabet, in.at[i], sizeof alphabet - 1) == NULL)
			return false;
	return true;
}

/* ---- the check word ---- */

static void check_digits(char out[9], struct bytes before)
{
	static const char digit[] = "0123456789abcdef";
	uint8_t digest[KEY_DIGEST_BYTES];
	keys_file_digest(digest, before);
	for (size_t i = 0; i < 4; i++) {
		out[2 * i] = digit[digest[i] >> 4];
		out[2 * i + 1] = digit[digest[i] & 15];
	}
	out[8] = '\0';
}

static void print_check(struct buf *out, size_t line_at)
{
	char digits[9];
	check_digits(digits, bytes_of(out->data + line_at, out->size - line_at));
	buf_printf(out, " check:%s\n", digits);
}

/* line: all of it; rest: what is left for the check word. */
static bool word_check(struct bytes line, struct bytes rest, struct err *e)
{
	char want[9];
	if (!begins(rest, "check:") || rest.len != 6 + 8)
		return err_set(e, ERR_MALFORMED, "ends otherwise than in check:XXXXXXXX");
	check_digits(want, bytes_of(line.at, line.len - rest.len - 1));
	return memcmp(rest.at + 6, want, 8) == 0 ||
	       err_set(e, ERR_MALFORMED, "the check does not fit: something was lost or changed in copying");
}

/* ---- identity ---- */

static enum key_purpose sign_purpose(enum identity_kind kind)
{
	return kind == IDENTITY_AUDITOR ? KEY_WITNESS : KEY_SIGN;
}

void identity_print(struct buf *out, const struct identity *id)
{
	size_t line_at = out->size;
	buf_printf(out, "cellveil-id %s %s ", identity_kind_name(id->kind), id->name);
	if (id->has_sign) {
		keys_public_print(out, sign_purpose(id->kind), id->sign);
		buf_put_byte(out, ' ');
	}
	keys_public_print(out, KEY_CURVE, id->curve);
	if (id->age[0] != '\0')
		buf_printf(out, " %s", id->age);
	if (!out->failed)
		print_check(out, line_at);
}

static bool parse_identity(struct identity *id, struct bytes line, struct err *e)
{
	struct bytes rest = line.at != NULL ? line : bytes_text("");
	if (!word_is(&rest, "cellveil-id", e) || !word_kind(&rest, &id->kind, e) ||
	    !word_text(&rest, "", name_is_name, id->name, sizeof id->name, e))
		return false;
	id->has_sign = id->kind == IDENTITY_OFFICE ||
		       (id->kind == IDENTITY_AUDITOR && begins(rest, "cellveil-witness:"));
	if (id->has_sign && !word_key(&rest, sign_purpose(id->kind), id->sign, e))
		return false;
	if (!word_key(&rest, KEY_CURVE, id->curve, e))
		return false;
	if (id->kind == IDENTITY_AUDITOR && begins(rest, "age1") &&
	    !word_text(&rest, "", is_age, id->age, sizeof id->age, e))
		return false;
	return word_check(line, rest, e);
}

bool identity_parse(struct identity *id, struct bytes line, struct err *e)
{
	struct buf text = { 0 };
	*id = (struct identity){ 0 };
	bool ok = normalise(&text, line, e) && parse_identity(id, buf_bytes(&text), e);
	buf_free(&text);
	return ok || err_wrap(e, "identity line");
}

/* ---- join ---- */

void join_print(struct buf *out, const struct join *j)
{
	size_t line_at = out->size;
	buf_printf(out, "cellveil-join %s %s origin:%s ", identity_kind_name(j->kind), j->name, j->origin);
	keys_public_print(out, KEY_ROOT, j->root);
	if (j->kind == IDENTITY_OFFICE)
		buf_printf(out, " submit:%s", j->submit);
	buf_printf(out, " query:%s feed:%s ", j->query, j->feed);
	keys_public_print(out, KEY_CURVE, j->curve);
	for (size_t i = 0; i < j->n_datasets && i < LIMIT_DATASETS; i++)
		buf_printf(out, " dataset:%s", j->dataset[i]);
	if (!out->failed)
		print_check(out, line_at);
}

static bool word_endpoint(struct bytes *rest, const char *prefix, char out[LIMIT_ENDPOINT + 1], struct err *e)
{
	return word_text(rest, prefix, name_is_endpoint, out, LIMIT_ENDPOINT + 1, e);
}

static bool parse_datasets(struct join *j, struct bytes *rest, struct err *e)
{
	do {
		if (j->n_datasets == LIMIT_DATASETS)
			return err_set(e, ERR_LIMIT, "names too many datasets");
		char *out = j->dataset[j->n_datasets++];
		if (!word_text(rest, "dataset:", name_is_name, out, LIMIT_NAME + 1, e))
			return false;
	} while (begins(*rest, "dataset:"));
	return true;
}

static bool parse_join(struct join *j, struct bytes line, struct err *e)
{
	struct bytes rest = line.at != NULL ? line : bytes_text("");
	if (!word_is(&rest, "cellveil-join", e) || !word_kind(&rest, &j->kind, e) ||
	    !word_text(&rest, "", name_is_name, j->name, sizeof j->name, e) ||
	    !word_text(&rest, "origin:", name_is_origin, j->origin, sizeof j->origin, e) ||
	    !word_key(&rest, KEY_ROOT, j->root, e))
		return false;
	if (j->kind == IDENTITY_OFFICE && !word_endpoint(&rest, "submit:", j->submit, e))
		return false;
	return word_endpoint(&rest, "query:", j->query, e) && word_endpoint(&rest, "feed:", j->feed, e) &&
	       word_key(&rest, KEY_CURVE, j->curve, e) && parse_datasets(j, &rest, e) &&
	       word_check(line, rest, e);
}

bool join_parse(struct join *j, struct bytes line, struct err *e)
{
	struct buf text = { 0 };
	*j = (struct join){ 0 };
	bool ok = normalise(&text, line, e) && parse_join(j, buf_bytes(&text), e);
	buf_free(&text);
	return ok || err_wrap(e, "join line");
}
