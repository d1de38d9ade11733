/* verdicts - what was checked, one line each, and what came of it. */
#ifndef CLIENT_AUDIT_VERDICTS_H
#define CLIENT_AUDIT_VERDICTS_H
#include "client/command.h"
#include "proto/bytes.h"
#include "proto/err.h"
#include <stdbool.h>
#include <stddef.h>

enum verdict { VERDICT_HOLDS, VERDICT_FAILS, VERDICT_UNCHECKED };

struct verdict_line {
	enum verdict verdict;
	char what[64];   /* "checkpoint", "release": a word of ours, English, for programs too */
	char where[128]; /* "personal-support 2024 revision 0", "leaf 17" */
	char text[512];  /* a sentence in the user's language */
};

struct verdicts {
	struct verdict_line *at;
	size_t n, room;
	bool failed; /* memory ran out: the list is not whole */
};

void verdicts_add(struct verdicts *v, enum verdict verdict, const char *what, const char *where,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* What a source or a check answered: holds (with text), fails or unchecked (with e's text). */
void verdicts_add_code(struct verdicts *v, int audit_code, const char *what, const char *where,
    const char *text, const struct err *e);
int verdicts_code(const struct verdicts *v); /* enum audit_code: the worst, a failure before all */
const char *verdict_name(enum verdict verdict);
void verdicts_put(struct buf *out, const struct verdicts *v);      /* for a person */
void verdicts_put_json(struct buf *out, const struct verdicts *v); /* one object */
void verdicts_put_csv(struct buf *out, const struct verdicts *v);
/* To standard output: --json, --csv or for a person. */
bool verdicts_tell(const struct verdicts *v, const struct args *args);
void verdicts_free(struct verdicts *v);
/* A field of CSV, quoted where it must be. */
void verdicts_csv_field(struct buf *out, const char *text);
#endif
