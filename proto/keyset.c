#include "proto/keyset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/textline.h"

#define KEYSET_HEAD "cellveil-keyset/1"

/* In the order of lines with equal purpose and not-before. */
static const char *const state_names[KEYSET_STATES] = { "active", "pending", "accept-only", "revoked" };
static const char *const service_names[KEYSET_SERVICES] = { "feed", "query", "submit" };
static const enum key_purpose purposes[] = { KEY_CURVE, KEY_FEED, KEY_INTAKE, KEY_LOG, KEY_RECEIPT,
	KEY_RELEASE };

const char *keyset_state_name(enum keyset_state state)
{
	return (unsigned)state < KEYSET_STATES ? state_names[state] : "?";
}

const char *keyset_service_name(enum keyset_service service)
{
	return (unsigned)service < KEYSET_SERVICES ? service_names[service] : "?";
}

void keyset_key_fill(struct keyset_key *key)
{
	keys_id(key->id, keys_type(key->purpose), key->key);
}

static int compare_uint(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* By purpose, not-before and state; the rest only to have one order. */
static int key_compare(const void *left, const void *right)
{
	const struct keyset_key *a = left;
	const struct keyset_key *b = right;
	int order = strcmp(keys_purpose_name(a->purpose), keys_purpose_name(b->purpose));
	if (order == 0)
		order = compare_uint(a->not_before, b->not_before);
	if (order == 0)
		order = compare_uint(a->state, b->state);
	return order != 0 ? order : memcmp(a->id, b->id, sizeof a->id);
}

static int endpoint_compare(const void *left, const void *right)
{
	const struct keyset_endpoint *a = left;
	const struct keyset_endpoint *b = right;
	int order = compare_uint(a->service, b->service);
	return order != 0 ? order : strcmp(a->address, b->address);
}

static bool id_equal(const uint8_t a[8], const uint8_t b[8])
{
	return memcmp(a, b, 8) == 0;
}

const struct keyset_key *keyset_find(const struct keyset *set, enum key_purpose purpose, const uint8_t id[8])
{
	for (size_t i = 0; i < set->n_keys; i++) {
		const struct keyset_key *k = &set->key[i];
		if (k->purpose == purpose && k->state != KEYSET_REVOKED && id_equal(k->id, id))
			return k;
	}
	return NULL;
}

const struct keyset_key *keyset_active(const struct keyset *set, enum key_purpose purpose)
{
	for (size_t i = 0; i < set->n_keys; i++)
		if (set->key[i].purpose == purpose && set->key[i].state == KEYSET_ACTIVE)
			return &set->key[i];
	return NULL;
}

const struct keyset_endpoint *keyset_serves(const struct keyset *set, enum keyset_service service)
{
	for (size_t i = 0; i < set->n_endpoints; i++)
		if (set->endpoint[i].service == service)
			return &set->endpoint[i];
	return NULL;
}

size_t keyset_verifiers(const struct keyset *set, enum key_purpose purpose, uint8_t (*key)[32], size_t n_max)
{
	size_t n = 0;
	for (size_t i = 0; i < set->n_keys && n < n_max; i++) {
		const struct keyset_key *k = &set->key[i];
		if (k->purpose == purpose && k->state != KEYSET_REVOKED)
			memcpy(key[n++], k->key, sizeof k->key);
	}
	return n;
}

bool keyset_expired(const struct keyset *set, uint64_t now_s)
{
	return now_s > set->valid_until;
}

bool keyset_warns(const struct keyset *set, uint64_t now_s)
{
	return now_s + KEYSET_WARN_S > set->valid_until;
}

/* An id stands once; one key is active for each purpose, though each port may have its own curve key. */
static bool check_keys(const struct keyset *set, struct err *e)
{
	for (size_t i = 0; i < set->n_keys; i++) {
		const struct keyset_key *a = &set->key[i];
		for (size_t j = 0; j < i; j++) {
			const struct keyset_key *b = &set->key[j];
			if (id_equal(a->id, b->id))
				return err_set(e, ERR_INVALID, "key set: a key stands twice");
			if (a->purpose == b->purpose && a->purpose != KEY_CURVE &&
			    a->state == KEYSET_ACTIVE && b->state == KEYSET_ACTIVE)
				return err_set(e, ERR_INVALID, "key set: two active %s keys",
				    keys_purpose_name(a->purpose));
		}
	}
	return true;
}

static bool check_set(const struct keyset *set, struct err *e)
{
	for (size_t i = 0; i < set->n_endpoints; i++)
		if (keyset_find(set, KEY_CURVE, set->endpoint[i].curve_id) == NULL)
			return err_set(e, ERR_INVALID, "key set: an endpoint names no curve key of the set");
	for (size_t i = 1; i < set->n_endpoints; i++)
		if (endpoint_compare(&set->endpoint[i - 1], &set->endpoint[i]) >= 0)
			return err_set(e, ERR_INVALID, "key set: endpoints are not in order");
	for (size_t i = 1; i < set->n_keys; i++)
		if (key_compare(&set->key[i - 1], &set->key[i]) >= 0)
			return err_set(e, ERR_INVALID, "key set: keys are not in order");
	if (set->serial == 0)
		return err_set(e, ERR_INVALID, "key set: serial");
	return check_keys(set, e);
}

/* "name value", the value a whole number. */
static bool parse_number(struct bytes *in, const char *name, uint64_t *out, struct err *e)
{
	struct bytes line;
	if (!line_next(in, &line) || !line_take(&line, name) || !line_uint(out, line))
		return err_set(e, ERR_MALFORMED, "key set: line %s", name);
	return true;
}

static bool parse_head(struct keyset *out, struct bytes *in, struct err *e)
{
	struct bytes line;
	if (!line_next(in, &line) || !line_is(line, KEYSET_HEAD))
		return err_set(e, ERR_UNSUPPORTED, "key set: unknown format");
	if (!line_next(in, &line) || !line_take(&line, "origin ") || !name_is_origin(line) ||
	    !line_copy(out->origin, sizeof out->origin, line))
		return err_set(e, ERR_MALFORMED, "key set: line origin");
	return parse_number(in, "serial ", &out->serial, e) && parse_number(in, "issued ", &out->issued, e) &&
	       parse_number(in, "valid-until ", &out->valid_until, e);
}

static bool parse_endpoint(struct keyset *out, struct bytes line, struct err *e)
{
	struct bytes service;
	struct bytes address;
	struct keyset_endpoint *p = &out->endpoint[out->n_endpoints];
	unsigned s = 0;
	if (out->n_endpoints == KEYSET_ENDPOINTS_MAX)
		return err_set(e, ERR_LIMIT, "key set: too many endpoints");
	if (!line_word(&line, &service) || !line_word(&line, &address) ||
	    !hex_decode(p->curve_id, sizeof p->curve_id, line))
		return err_set(e, ERR_MALFORMED, "key set: endpoint is not service, address, key id");
	while (s < KEYSET_SERVICES && !line_is(service, service_names[s]))
		s++;
	if (s == KEYSET_SERVICES)
		return err_set(e, ERR_UNSUPPORTED, "key set: unknown endpoint");
	if (!name_is_endpoint(address) || !line_copy(p->address, sizeof p->address, address))
		return err_set(e, ERR_MALFORMED, "key set: endpoint is not tcp://host:port");
	p->service = (enum keyset_service)s;
	out->n_endpoints++;
	return true;
}

static bool parse_purpose(enum key_purpose *out, struct bytes word)
{
	for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++) {
		*out = purposes[i];
		if (line_is(word, keys_purpose_name(purposes[i])))
			return true;
	}
	return false;
}

/* State, key id, times and the key of a line whose purpose is known. */
static bool parse_key_fields(struct keyset_key *k, struct bytes line, struct err *e)
{
	struct bytes word[4];
	struct key_public public;
	unsigned s = 0;
	for (size_t i = 0; i < 4; i++)
		if (!line_word(&line, &word[i]))
			return err_set(e, ERR_MALFORMED, "key set: key line has too few fields");
	while (s < KEYSET_STATES && !line_is(word[0], state_names[s]))
		s++;
	if (s == KEYSET_STATES)
		return err_set(e, ERR_UNSUPPORTED, "key set: unknown state");
	k->state = (enum keyset_state)s;
	if (!hex_decode(k->id, sizeof k->id, word[1]) || !line_uint(&k->not_before, word[2]) ||
	    !line_uint(&k->not_after, word[3]) || k->not_after < k->not_before)
		return err_set(e, ERR_MALFORMED, "key set: key id or times");
	if (!keys_public_parse(&public, k->purpose, line, e))
		return err_wrap(e, "key set: %s key", keys_purpose_name(k->purpose));
	if (!id_equal(public.id, k->id))
		return err_set(e, ERR_INVALID, "key set: key id does not fit its key");
	memcpy(k->key, public.key, sizeof k->key);
	return true;
}

static bool parse_key(struct keyset *out, struct bytes line, struct err *e)
{
	struct bytes purpose;
	if (!line_word(&line, &purpose))
		return err_set(e, ERR_MALFORMED, "key set: key line without purpose");
	if (purpose.len > 2 && memcmp(purpose.at, "x-", 2) == 0)
		return true;
	if (out->n_keys == KEYSET_KEYS_MAX)
		return err_set(e, ERR_LIMIT, "key set: too many keys");
	struct keyset_key *k = &out->key[out->n_keys];
	if (!parse_purpose(&k->purpose, purpose))
		return err_set(e, ERR_UNSUPPORTED, "key set: unknown purpose");
	if (!parse_key_fields(k, line, e))
		return false;
	out->n_keys++;
	return true;
}

bool keyset_parse(struct keyset *out, struct bytes text, struct err *e)
{
	struct bytes line;
	bool keys_began = false;
	*out = (struct keyset){ 0 };
	if (!line_is_ascii(text))
		return err_set(e, ERR_MALFORMED, "key set: not ASCII");
	if (!parse_head(out, &text, e))
		return false;
	while (line_next(&text, &line)) {
		bool is_key = line_take(&line, "key ");
		keys_began = keys_began || is_key;
		if (!is_key && (keys_began || !line_take(&line, "endpoint ")))
			return err_set(e, ERR_MALFORMED, "key set: unknown line, or endpoints after keys");
		if (is_key ? !parse_key(out, line, e) : !parse_endpoint(out, line, e))
			return false;
	}
	if (text.len != 0)
		return err_set(e, ERR_MALFORMED, "key set: last line does not end");
	return check_set(out, e);
}

static void put_lines(struct buf *out, const struct keyset *set)
{
	buf_printf(out,
	    KEYSET_HEAD "\norigin %s\nserial %" PRIu64 "\nissued %" PRIu64 "\nvalid-until %" PRIu64 "\n",
	    set->origin, set->serial, set->issued, set->valid_until);
	for (size_t i = 0; i < set->n_endpoints; i++) {
		const struct keyset_endpoint *p = &set->endpoint[i];
		buf_printf(out, "endpoint %s %s ", keyset_service_name(p->service), p->address);
		buf_put_hex(out, bytes_of(p->curve_id, sizeof p->curve_id));
		buf_put_byte(out, '\n');
	}
	for (size_t i = 0; i < set->n_keys; i++) {
		const struct keyset_key *k = &set->key[i];
		buf_printf(out, "key %s %s ", keys_purpose_name(k->purpose), keyset_state_name(k->state));
		buf_put_hex(out, bytes_of(k->id, sizeof k->id));
		buf_printf(out, " %" PRIu64 " %" PRIu64 " ", k->not_before, k->not_after);
		keys_public_print(out, k->purpose, k->key);
		buf_put_byte(out, '\n');
	}
}

/* What was written is read back: nothing is signed that a reader would refuse. */
bool keyset_put(struct buf *out, struct keyset *set, struct err *e)
{
	struct keyset *again = NULL;
	size_t start = out->size;
	bool ok = false;
	if (set->n_endpoints > KEYSET_ENDPOINTS_MAX || set->n_keys > KEYSET_KEYS_MAX) {
		err_set(e, ERR_INVALID, "key set: too many lines");
		goto done;
	}
	qsort(set->endpoint, set->n_endpoints, sizeof *set->endpoint, endpoint_compare);
	qsort(set->key, set->n_keys, sizeof *set->key, key_compare);
	put_lines(out, set);
	again = malloc(sizeof *again);
	if (out->failed || again == NULL) {
		err_set(e, ERR_MEMORY, "key set: out of memory");
		goto done;
	}
	ok = keyset_parse(again, bytes_of(out->data + start, out->size - start), e);
done:
	free(again);
	return ok;
}

bool keyset_open(struct keyset *out, struct bytes in, const struct vkey *root, const char *origin,
    uint64_t held_serial, struct bytes held_note, struct err *e)
{
	struct note note;
	struct note held;
	if (!note_parse(&note, in, e) || !note_verify(&note, root, 1, NULL, NULL, e))
		return err_wrap(e, "key set");
	if (!keyset_parse(out, note.text, e))
		return false;
	if (strcmp(out->origin, origin) != 0)
		return err_set(e, ERR_REFUSED, "key set: of another origin");
	if (out->serial < held_serial)
		return err_set(e, ERR_REFUSED, "key set: older than the one held");
	if (out->serial > held_serial)
		return true;
	if (!note_parse(&held, held_note, NULL) || !bytes_equal(held.text, note.text))
		return err_set(e, ERR_REFUSED, "key set: the held serial with another text");
	return true;
}
