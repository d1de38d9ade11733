/* leaftext - a leaf of the log in words: for lists, and for the page. Pure. */
#ifndef CLIENT_AUDIT_LEAFTEXT_H
#define CLIENT_AUDIT_LEAFTEXT_H
#include "proto/logentry.h"

/* What happened, in the user's language: "form received", "release: 21 cells, 6 of them hidden". */
void leaftext_put(struct buf *out, const struct log_entry *x);
const char *leaftext_reason(const struct log_entry *x); /* "" where the kind has none */
/* A digest or number that names the leaf's object: statement, object, configuration; for lists. */
void leaftext_put_object(struct buf *out, const struct log_entry *x);
#endif
