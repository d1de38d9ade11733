/* mpread - reads the message profile: a strict subset of msgpack in which every value has one encoding.
 *
 * mpread_open makes one pass over all bytes (profile_check) before anything is looped over or allocated; then
 * a cursor reads field after field. It remembers its first failure: from then on every read gives 0 or an
 * empty view, and mpread_close tells what was wrong and where. Until it has answered true, nobody looks at
 * what was read. Nothing here allocates. Source: docs/protocol.md "Message profile". */
#ifndef PROTO_MPREAD_H
#define PROTO_MPREAD_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/limits.h"
#include "proto/name.h"

struct mpread {
	const uint8_t *start, *at, *end;
	const char *what, *why; /* of the first failure; why is NULL while all is well */
	enum err_code code;
	size_t place; /* byte of the first failure */
};

/* A map under way. Keys are asked for in ascending order, as they travel. */
struct mpmap {
	uint64_t left; /* pairs not yet reached */
	uint64_t key;  /* the pair under the cursor, if held */
	bool held;
};

/* The whole profile: types, shortest forms, ascending keys, depth, node budget, lengths and owed children
 * against the bytes left, UTF-8 without control characters, one value and nothing after it. ERR_MALFORMED. */
bool profile_check(struct bytes in, uint32_t max_nodes, struct err *e);

/* Checks in against the profile with a budget of max_nodes (LIMIT_NODES or LIMIT_NODES_LARGE) and opens a
 * cursor on its one value. Borrows in. Never fails visibly: mpread_close says. */
struct mpread mpread_open(struct bytes in, uint32_t max_nodes);
bool mpread_failed(const struct mpread *r);
/* True if nothing failed and every byte was read; else false, with "what: why (byte n)" in e. */
bool mpread_close(struct mpread *r, struct err *e);
/* The reader's own refusals of a value it has just read; the first failure counts, later ones are ignored. */
void mpread_fail(struct mpread *r, enum err_code code, const char *what, const char *why);

/* Scalars. A value outside the bounds, both included, is ERR_MALFORMED. what names the field in the error. */
uint64_t mpread_uint(struct mpread *r, const char *what, uint64_t min, uint64_t max);
/* The same, but a value outside the bounds is ERR_UNSUPPORTED: versions, kinds, suites, acts. */
uint64_t mpread_choice(struct mpread *r, const char *what, uint64_t min, uint64_t max);
bool mpread_bool(struct mpread *r, const char *what);
struct bytes mpread_bin(struct mpread *r, const char *what, size_t min_len, size_t max_len);
void mpread_bin_exact(struct mpread *r, const char *what, uint8_t *out, size_t len);
struct bytes mpread_str(struct mpread *r, const char *what, size_t max_len);
/* Text held to a grammar of proto/name.h, copied with a final NUL. Empty text after a failure. */
void mpread_name(struct mpread *r, const char *what, char out[LIMIT_NAME + 1]);
void mpread_period(struct mpread *r, const char *what, char out[LIMIT_PERIOD + 1]);
void mpread_origin(struct mpread *r, const char *what, char out[LIMIT_ORIGIN + 1]);

/* Number of elements, which the caller then reads one by one. 0 after a failure. */
size_t mpread_array(struct mpread *r, const char *what, size_t min, size_t max);
/* Maps: fields are asked for in ascending order of their keys, then mpmap_end skips the rest. Even keys
 * nobody asked for are ERR_UNSUPPORTED, odd ones are skipped. */
struct mpmap mpread_map(struct mpread *r, const char *what);
/* Puts the cursor on the value of key; ERR_MALFORMED if the map has none. */
void mpmap_need(struct mpread *r, struct mpmap *m, uint64_t key, const char *what);
/* True if the map has key: then the cursor is on its value, which must be read. */
bool mpmap_has(struct mpread *r, struct mpmap *m, uint64_t key);
void mpmap_end(struct mpread *r, struct mpmap *m);
void mpread_skip(struct mpread *r);         /* one value, whatever it is */
size_t mpread_left(const struct mpread *r); /* bytes not yet read; 0 after a failure */
#endif
