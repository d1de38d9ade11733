/* releases - several releases of a period as one lattice, for the certificate of a correction.
 *
 * The joint lattice has a first dimension of releases: this one, the earlier ones from the newest back, and the
 * differences of any two (docs/disclosure.md "Corrections"). Written apart from policy/. */
#ifndef CLIENT_PROTECT_RELEASES_H
#define CLIENT_PROTECT_RELEASES_H
#include "client/protect/lattice.h"

#define RELEASES_EARLIER_MAX 9u
#define RELEASES_SPANS_MAX   (RELEASES_EARLIER_MAX * (RELEASES_EARLIER_MAX + 1) / 2)

struct releases { /* what a certificate's section says */
	uint64_t n;
	uint8_t result[RELEASES_EARLIER_MAX][32];
	struct bytes changed[RELEASES_SPANS_MAX]; /* offices, each after a space; borrowed from the file */
};

/* Puts together this release (g) and the earlier ones, looked for by their digests among the folders of dir. The
 * caller frees with releases_free, also after false; *joint borrows from g. */
bool releases_join(
    struct lattice *joint, const struct lattice *g, const struct releases *r, const char *dir, struct err *e);
/* The same dimensions, codes and breakdowns, in the same order? */
bool releases_same_grid(const struct lattice *a, const struct lattice *b);
void releases_free(struct lattice *joint);
#endif
