/* sealed - an auditor's suppression manifest: opened, compared, asked.
 *
 * JSON lines (docs/disclosure.md "Explanations"): which cells are hidden, by which rule, against whom, through
 * what; no counts. It is believed only if its digest is the one in the release's leaf. */
#ifndef CLIENT_AUDIT_SEALED_H
#define CLIENT_AUDIT_SEALED_H
#include "client/audit/releasecheck.h"
#include <jansson.h>

enum sealed_place {
	SEALED_HERE,      /* it could be opened, or is damaged */
	SEALED_ABSENT,    /* taken away, or never made: there was no auditor then */
	SEALED_FOR_OTHERS /* it is there, and not for our key */
};

struct sealed_manifest {
	enum sealed_place place;
	json_t *header; /* first line */
	json_t *cells;  /* array of the lines with "cell" */
	struct buf
	    columns; /* names of the cells' dimensions joined by '|', NUL-terminated: from result.csv */
};

/* Fetches (or reads file, if not NULL), decrypts with DIR/age.key, compares with the leaf, parses. */
int sealed_open(struct sealed_manifest *m, struct source *s, const struct log_entry *leaf, const char *file,
    struct buf *plain, struct err *e);
void sealed_close(struct sealed_manifest *m);
/* Hidden cells of the manifest, of result.csv and of release.msgpack are the same; digests of result and
 * certificate too. Fills m->columns. */
int sealed_compare(struct sealed_manifest *m, const struct release_files *r, const struct config *config,
    struct verdicts *v, const char *where, struct err *e);
/* Which printed tables a cell stands in: an object "codes joined by |" -> "table" or "table table". json_decref. */
json_t *sealed_tables(
    const struct sealed_manifest *m, const struct release_rows *rows, const struct config *config);
/* The cell's code in that dimension, "" if the manifest has no such column. */
const char *sealed_code(const struct sealed_manifest *m, const json_t *cell, const char *dimension);
/* A cell's codes joined by '|'. */
void sealed_cell_name(struct buf *out, const json_t *cell);
/* The line of that cell: codes joined by '|' in any order; NULL if it is not hidden. */
const json_t *sealed_find(const struct sealed_manifest *m, const char *cell);
/* The same words in some order, joined by |. */
bool sealed_same_cell(const char *a, const char *b);
/* Why, in the user's language, whole lines indented by two. */
void sealed_explain(struct buf *out, const json_t *line);
/* "primary", "secondary" */
const char *sealed_class(const json_t *line);
void sealed_rules(struct buf *out, const json_t *line); /* words and numbers of rules, or what it protects */
void sealed_against(struct buf *out, const json_t *line); /* "everybody, each office" */
void sealed_through(struct buf *out, const json_t *line); /* "office = _T, sex = _T" */
/* Why, as one sentence, for tables. */
void sealed_protects(struct buf *out, const json_t *line);
#endif
