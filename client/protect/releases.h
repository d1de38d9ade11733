/* releases - several releases of a period as one lattice, for the certificate of a correction.
 *
 * The joint lattice has a first dimension of releases: this one, the earlier ones from the newest back, and the
 * differences of any two (docs/disclosure.md "Corrections"). Written apart from policy/. */
#ifndef CLIENT_PROTECT_RELEASES_H
#define CLIENT_PROTECT_RELEASES_H
#include "client/protect/lattice.h"

#define RELEASES_EARLIER_MAX 9u
#define RELEASES_SPANS_MAX   (RELEASES_EARLIER_MAX * (RELEASES_EARLIER_MAX + 1) / 2)
#define RELEASES_CODES_MAX   (RELEASES_EARLIER_MAX + 1 + RELEASES_SPANS_MAX)

struct releases { /* what a certificate's section says */
	uint64_t n;
	uint64_t revision[RELEASES_EARLIER_MAX + 1]; /* of each, and of this one */
	uint8_t result[RELEASES_EARLIER_MAX][32];
	struct bytes changed[RELEASES_SPANS_MAX]; /* offices, each after a space; borrowed from the file */
	char code[RELEASES_CODES_MAX][32];        /* names of the first dimension's codes (releases_join) */
};

/* Codes of the joint lattice's first dimension. */
static inline uint64_t releases_code(const struct releases *r, uint64_t release)
{
	return r->n - release;
}
static inline uint64_t releases_span(uint64_t from, uint64_t to)
{
	return to * (to - 1) / 2 + (to - 1 - from);
}
static inline uint64_t releases_span_code(const struct releases *r, uint64_t from, uint64_t to)
{
	return r->n + 1 + releases_span(from, to);
}

struct releasefolder;

/* Puts together this release (g) and the earlier ones, each from its folder (folder[v], in order of revision).
 * office_dim: name of the offices' dimension; NULL: `office`, or the one that has the changed offices' codes. The
 * caller frees with releases_free, also after false; *joint borrows from g and r. */
bool releases_join(struct lattice *joint, const struct lattice *g, struct releases *r,
    const struct releasefolder *folder, const char *office_dim, struct err *e);
/* The same dimensions, codes and breakdowns, in the same order? */
bool releases_same_grid(const struct lattice *a, const struct lattice *b);
void releases_free(struct lattice *joint);
#endif
