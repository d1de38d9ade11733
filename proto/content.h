/* content - does a submission's content say what its configuration asks?
 *
 * Source: docs/protocol.md "Submission", rules 1-13 and 100+i. Used by the office's client before signing and
 * by the vault after opening: the vault believes no client. */
#ifndef PROTO_CONTENT_H
#define PROTO_CONTENT_H
#include "proto/model.h"

struct payload; /* proto/submission.h: rows and blanks as they were on the wire */

/* False with e->code ERR_INVALID, e->detail the lowest rule that fails, and a text that names rule, cell and
 * check but never a value. Rules 2 (a blind used before) and 13 (withdrawal of nothing) need the store and
 * are the vault's. period decides which cells are asked (validity of measures and codes). On success out
 * holds the figures, parallel to config->asked (a withdrawal: n = 0); free it with figures_free. ERR_MEMORY
 * is the only other failure. out is left empty on failure. */
bool content_check(const struct config *config, const char *period, const struct payload *payload,
    struct figures *out, struct err *e);

/* One place where a check compares: a total with its parts, or a with b of "a <= b". */
struct comparison {
	uint32_t whole;   /* index in config.asked of the total, or of b */
	uint32_t part;    /* the first part, or a */
	uint32_t n_parts; /* asked */
	uint32_t n_blank; /* of them */
	uint64_t sum;     /* of the parts present */
	bool failed;      /* as the vault would find; never if a cell it needs is blank */
};

struct comparisons {
	struct comparison *at;
	uint32_t n, room;
	uint32_t
	    *of; /* for each asked cell: place in at[] of the comparison it is a part of, or UINT32_MAX */
};

/* All comparisons of one check, for a client that explains. False without memory. */
bool content_compare(const struct config *config, const struct check *check, const struct figures *figures,
    struct comparisons *out, struct err *e);
void comparisons_free(struct comparisons *c);

/* Is the asked cell i asked in this period? A measure or code outside its validity is not. */
bool content_asked_in(const struct config *config, uint32_t i, const char *period);

bool figures_new(struct figures *figures, const struct config *config, struct err *e); /* all blank */
void figures_free(struct figures *figures); /* zeroes: counts are confidential; may be empty */
#endif
