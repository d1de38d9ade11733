/* suppressed - does an opened suppression manifest name these files?
 *
 * Its first line has the digests of certificate and auditors' part (docs/disclosure.md "Certificates"). Whoever has the
 * manifest from the log knows that both are the ones the release was bound to, down to what no rule can judge. */
#ifndef CLIENT_PROTECT_SUPPRESSED_H
#define CLIENT_PROTECT_SUPPRESSED_H
#include "proto/bytes.h"
#include "proto/err.h"

/* manifest: the plain text, JSON lines. auditor.at NULL: not asked for. ERR_CRYPTO: other files; ERR_MALFORMED: no manifest
 * of a release. */
bool suppressed_names(struct bytes manifest, struct bytes certificate, struct bytes auditor, struct err *e);
/* Is it of this revision, and does it name these cells as late, and no others? late: codes joined by |, a line each. */
bool suppressed_says(struct bytes manifest, uint64_t revision, struct bytes late, struct err *e);
/* The codes that stand for their parts, as the ladder's lines name them. False: take said so, or a line is none. */
typedef bool suppressed_coarse_fn(void *context, const char *dimension, const char *code, struct err *e);
bool suppressed_coarsened(struct bytes manifest, suppressed_coarse_fn *take, void *context, struct err *e);
#endif
