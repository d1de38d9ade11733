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

/* The hard checks alone, over figures: rule 100 + id of the first that fails, or 0. */
unsigned content_first_failed(const struct config *config, const struct figures *figures);

/* One place where a check compares. Walks all comparisons of one check, for the client's findings. */
struct comparison {
	const struct check *check;
	uint32_t left;             /* index in config.asked of the larger side: the total, or b of a <= b */
	uint32_t part;             /* a of a <= b; the first part of a sum, UINT32_MAX if none is asked */
	uint64_t sum;              /* of the parts present */
	uint32_t n_parts, n_blank; /* parts asked, and blank among them */
	bool failed;               /* as the vault would find */
};
/* Calls visit for each comparison until it returns false. Returns false if visit did. */
bool content_compare(const struct config *config, const struct check *check, const struct figures *figures,
    bool (*visit)(void *context, const struct comparison *c), void *context);

/* Is the asked cell i asked in this period? A measure or code outside its validity is not. */
bool content_asked_in(const struct config *config, uint32_t i, const char *period);

bool figures_new(struct figures *figures, const struct config *config, struct err *e); /* all blank */
void figures_free(struct figures *figures); /* zeroes: counts are confidential; may be empty */
#endif
