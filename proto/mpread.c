#include "proto/mpread.h"

#include <string.h>

enum type { TYPE_UINT, TYPE_BOOL, TYPE_BIN, TYPE_STR, TYPE_ARRAY, TYPE_MAP };

/* One header: what it opens, its number (value, length or count) and how many bytes it took. */
struct head {
	enum type type;
	uint64_t n;
	size_t size;
};

/* The forms with a number of their own after the tag; the number must reach least, or a shorter form exists.
 */
struct wide {
	uint8_t tag, len;
	enum type type;
	uint64_t least;
};

static const struct wide wide[] = {
	{ 0xc4, 1, TYPE_BIN, 0 },
	{ 0xc5, 2, TYPE_BIN, 1u << 8 },
	{ 0xc6, 4, TYPE_BIN, 1u << 16 },
	{ 0xcc, 1, TYPE_UINT, 1u << 7 },
	{ 0xcd, 2, TYPE_UINT, 1u << 8 },
	{ 0xce, 4, TYPE_UINT, 1u << 16 },
	{ 0xcf, 8, TYPE_UINT, 1ull << 32 },
	{ 0xd9, 1, TYPE_STR, 1u << 5 },
	{ 0xda, 2, TYPE_STR, 1u << 8 },
	{ 0xdb, 4, TYPE_STR, 1u << 16 },
	{ 0xdc, 2, TYPE_ARRAY, 1u << 4 },
	{ 0xdd, 4, TYPE_ARRAY, 1u << 16 },
	{ 0xde, 2, TYPE_MAP, 1u << 4 },
	{ 0xdf, 4, TYPE_MAP, 1u << 16 },
};

static const char *wide_read(struct head *h, const uint8_t *at, size_t left)
{
	for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
		if (wide[i].tag != at[0])
			continue;
		if (left < 1u + wide[i].len)
			return "ends too soon";
		uint64_t n = 0;
		for (size_t k = 1; k <= wide[i].len; k++)
			n = n << 8 | at[k];
		if (n < wide[i].least)
			return "not in its shortest form";
		if (n > LIMIT_UINT)
			return "number too large";
		*h = (struct head){ wide[i].type, n, 1u + wide[i].len };
		return NULL;
	}
	return "type not allowed";
}

/* NULL, or what is wrong. */
static const char *head_read(struct head *h, const uint8_t *at, size_t left)
{
	if (left == 0)
		return "ends too soon";
	uint8_t tag = at[0];
	if (tag < 0x80)
		*h = (struct head){ TYPE_UINT, tag, 1 };
	else if (tag < 0x90)
		*h = (struct head){ TYPE_MAP, tag & 15u, 1 };
	else if (tag < 0xa0)
		*h = (struct head){ TYPE_ARRAY, tag & 15u, 1 };
	else if (tag < 0xc0)
		*h = (struct head){ TYPE_STR, tag & 31u, 1 };
	else if (tag == 0xc2 || tag == 0xc3)
		*h = (struct head){ TYPE_BOOL, tag & 1u, 1 };
	else
		return wide_read(h, at, left);
	return NULL;
}

static uint64_t head_children(const struct head *h)
{
	return h->type == TYPE_MAP ? 2 * h->n : h->type == TYPE_ARRAY ? h->n : 0;
}

/* ---- the check ---- */

struct level {         /* an open container */
	uint64_t left; /* children still owed */
	uint64_t last_key;
	bool is_map, has_key;
};

struct check {
	struct bytes in;
	size_t at;
	uint64_t owed; /* children owed by all open containers, and the one value itself */
	uint32_t nodes_left;
	size_t depth;
	struct level level[LIMIT_DEPTH];
};

static const char *check_key(struct level *l, const struct head *h)
{
	if (h->type != TYPE_UINT)
		return "map key is not a number";
	if (l->has_key && h->n <= l->last_key)
		return "map keys do not ascend";
	l->last_key = h->n;
	l->has_key = true;
	return NULL;
}

/* The bytes of a text or bin, or a new level for a container. */
static const char *check_body(struct check *c, const struct head *h)
{
	if (h->type == TYPE_ARRAY || h->type == TYPE_MAP) {
		if (c->depth == LIMIT_DEPTH)
			return "nested too deep";
		c->level[c->depth++] =
		    (struct level){ .left = head_children(h), .is_map = h->type == TYPE_MAP };
		c->owed += head_children(h);
	} else if (h->type == TYPE_BIN || h->type == TYPE_STR) {
		if (h->n > c->in.len - c->at)
			return "ends too soon";
		if (h->type == TYPE_STR && !name_is_text(bytes_of(c->in.at + c->at, h->n)))
			return "text is not UTF-8 or has control characters";
		c->at += h->n;
	}
	return NULL;
}

static const char *check_node(struct check *c)
{
	struct head h;
	if (c->nodes_left == 0)
		return "too many values";
	const char *why = head_read(&h, c->in.at + c->at, c->in.len - c->at);
	if (why != NULL)
		return why;
	struct level *top = c->depth > 0 ? &c->level[c->depth - 1] : NULL;
	if (top != NULL && top->is_map && top->left % 2 == 0)
		why = check_key(top, &h);
	if (why != NULL)
		return why;
	if (top != NULL)
		top->left--;
	c->nodes_left--;
	c->owed--;
	c->at += h.size;
	why = check_body(c, &h);
	/* every child takes a byte at least: nested headers cannot promise more than the input holds */
	if (why == NULL && c->owed > c->in.len - c->at)
		why = "ends too soon";
	while (c->depth > 0 && c->level[c->depth - 1].left == 0)
		c->depth--;
	return why;
}

static const char *check_all(struct bytes in, uint32_t max_nodes, size_t *place)
{
	if (in.at == NULL)
		in = bytes_text("");
	struct check c = { .in = in, .owed = 1, .nodes_left = max_nodes };
	const char *why = NULL;
	do {
		*place = c.at;
		why = check_node(&c);
	} while (why == NULL && c.depth > 0);
	if (why == NULL && c.at != in.len) {
		*place = c.at;
		why = "bytes after the end";
	}
	return why;
}

bool profile_check(struct bytes in, uint32_t max_nodes, struct err *e)
{
	size_t place;
	const char *why = check_all(in, max_nodes, &place);
	if (why != NULL)
		return err_set(e, ERR_MALFORMED, "message profile: %s (byte %zu)", why, place);
	return true;
}

/* ---- the cursor ---- */

struct mpread mpread_open(struct bytes in, uint32_t max_nodes)
{
	size_t place = 0;
	if (in.at == NULL)
		in = bytes_text("");
	const char *why = check_all(in, max_nodes, &place);
	struct mpread r = { .start = in.at, .at = in.at, .end = in.at + in.len };
	if (why != NULL) {
		r.at = in.at + place;
		mpread_fail(&r, ERR_MALFORMED, "message profile", why);
	}
	return r;
}

bool mpread_failed(const struct mpread *r)
{
	return r->why != NULL;
}

void mpread_fail(struct mpread *r, enum err_code code, const char *what, const char *why)
{
	if (r->why != NULL)
		return;
	r->code = code;
	r->what = what;
	r->why = why;
	r->place = (size_t)(r->at - r->start);
}

bool mpread_close(struct mpread *r, struct err *e)
{
	if (r->why == NULL && r->at != r->end)
		mpread_fail(r, ERR_MALFORMED, "message", "bytes after the end");
	if (r->why != NULL)
		return err_set(e, r->code, "%s: %s (byte %zu)", r->what, r->why, r->place);
	return true;
}

size_t mpread_left(const struct mpread *r)
{
	return r->why == NULL ? (size_t)(r->end - r->at) : 0;
}

/* The next header, if it is of the type; the cursor is then behind it. */
static bool take(struct mpread *r, enum type type, const char *what, struct head *h)
{
	if (r->why != NULL)
		return false;
	const char *why = head_read(h, r->at, (size_t)(r->end - r->at));
	if (why == NULL && h->type != type)
		why = "of the wrong type";
	if (why != NULL) {
		mpread_fail(r, ERR_MALFORMED, what, why);
		return false;
	}
	r->at += h->size;
	return true;
}

/* A number within its bounds; 0 and code otherwise. The place of a failure is where the value begins. */
static uint64_t take_number(struct mpread *r, enum type type, const char *what, uint64_t min, uint64_t max,
    enum err_code code, const char *why)
{
	struct head h;
	if (!take(r, type, what, &h))
		return 0;
	if (h.n >= min && h.n <= max)
		return h.n;
	r->at -= h.size;
	mpread_fail(r, code, what, why);
	return 0;
}

uint64_t mpread_uint(struct mpread *r, const char *what, uint64_t min, uint64_t max)
{
	return take_number(r, TYPE_UINT, what, min, max, ERR_MALFORMED, "out of range");
}

uint64_t mpread_choice(struct mpread *r, const char *what, uint64_t min, uint64_t max)
{
	return take_number(r, TYPE_UINT, what, min, max, ERR_UNSUPPORTED, "not supported");
}

size_t mpread_array(struct mpread *r, const char *what, size_t min, size_t max)
{
	return (size_t)take_number(
	    r, TYPE_ARRAY, what, min, max, ERR_MALFORMED, "has too many or too few elements");
}

bool mpread_bool(struct mpread *r, const char *what)
{
	return take_number(r, TYPE_BOOL, what, 0, 1, ERR_MALFORMED, "out of range") == 1;
}

static struct bytes take_data(struct mpread *r, enum type type, const char *what, size_t min, size_t max)
{
	uint64_t len = take_number(r, type, what, min, max, ERR_MALFORMED, "has the wrong length");
	if (r->why != NULL || len > (uint64_t)(r->end - r->at))
		return (struct bytes){ NULL, 0 };
	struct bytes data = { r->at, (size_t)len };
	r->at += len;
	return data;
}

struct bytes mpread_bin(struct mpread *r, const char *what, size_t min_len, size_t max_len)
{
	return take_data(r, TYPE_BIN, what, min_len, max_len);
}

void mpread_bin_exact(struct mpread *r, const char *what, uint8_t *out, size_t len)
{
	struct bytes data = mpread_bin(r, what, len, len);
	if (data.at == NULL)
		memset(out, 0, len);
	else
		memcpy(out, data.at, len);
}

struct bytes mpread_str(struct mpread *r, const char *what, size_t max_len)
{
	return take_data(r, TYPE_STR, what, 0, max_len);
}

static void take_word(
    struct mpread *r, const char *what, bool (*grammar)(struct bytes), char *out, size_t room)
{
	struct bytes text = mpread_str(r, what, room - 1);
	out[0] = '\0';
	if (r->why != NULL)
		return;
	if (grammar(text))
		name_copy(out, room, text);
	else
		mpread_fail(r, ERR_MALFORMED, what, "breaks the grammar of its kind");
}

void mpread_name(struct mpread *r, const char *what, char out[LIMIT_NAME + 1])
{
	take_word(r, what, name_is_name, out, LIMIT_NAME + 1);
}

void mpread_period(struct mpread *r, const char *what, char out[LIMIT_PERIOD + 1])
{
	take_word(r, what, name_is_period, out, LIMIT_PERIOD + 1);
}

void mpread_origin(struct mpread *r, const char *what, char out[LIMIT_ORIGIN + 1])
{
	take_word(r, what, name_is_origin, out, LIMIT_ORIGIN + 1);
}

void mpread_skip(struct mpread *r)
{
	uint64_t owed = 1;
	while (owed > 0 && r->why == NULL) {
		struct head h;
		const char *why = head_read(&h, r->at, (size_t)(r->end - r->at));
		if (why != NULL) {
			mpread_fail(r, ERR_MALFORMED, "skipped field", why);
			return;
		}
		r->at += h.size;
		if (h.type == TYPE_BIN || h.type == TYPE_STR)
			r->at += h.n;
		owed += head_children(&h) - 1;
	}
}

/* ---- maps ---- */

struct mpmap mpread_map(struct mpread *r, const char *what)
{
	struct mpmap m = { 0 };
	m.left = take_number(r, TYPE_MAP, what, 0, UINT32_MAX, ERR_MALFORMED, "out of range");
	return m;
}

/* Puts the next pair's key into m; false at the end of the map or after a failure. */
static bool map_hold(struct mpread *r, struct mpmap *m)
{
	if (m->held || r->why != NULL)
		return r->why == NULL;
	if (m->left == 0)
		return false;
	m->key = mpread_uint(r, "map key", 0, LIMIT_UINT);
	m->left--;
	m->held = true;
	return r->why == NULL;
}

/* Passes over pairs below key (all, if key is UINT64_MAX); true if key itself is under the cursor. */
static bool map_seek(struct mpread *r, struct mpmap *m, uint64_t key)
{
	while (map_hold(r, m) && m->key < key) {
		if (m->key % 2 == 0)
			mpread_fail(r, ERR_UNSUPPORTED, "map", "has a critical field we do not know");
		else
			mpread_skip(r);
		m->held = false;
	}
	return r->why == NULL && m->held && m->key == key;
}

void mpmap_need(struct mpread *r, struct mpmap *m, uint64_t key, const char *what)
{
	if (!mpmap_has(r, m, key))
		mpread_fail(r, ERR_MALFORMED, what, "is missing");
}

bool mpmap_has(struct mpread *r, struct mpmap *m, uint64_t key)
{
	bool found = map_seek(r, m, key);
	if (found)
		m->held = false;
	return found;
}

void mpmap_end(struct mpread *r, struct mpmap *m)
{
	map_seek(r, m, UINT64_MAX);
}
