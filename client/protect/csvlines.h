/* csvlines - the plain CSV of table folders: UTF-8, comma, a header line, fields optionally in double quotes.
 *
 * Reads the whole file at once and splits it in place, so that five million lines cost one allocation. Not
 * the reader of offices' spreadsheets (client/form), which must cope with much more. */
#ifndef CLIENT_PROTECT_CSVLINES_H
#define CLIENT_PROTECT_CSVLINES_H
#include "proto/bytes.h"
#include "proto/err.h"

#define CSVLINES_FIELDS_MAX 32
#define CSVLINES_FILE_MAX   (UINT64_C(1) << 31)

struct csvlines {
	char *text;
	size_t size, at;
	char *path;
	unsigned line;                          /* of the fields below; the header is line 1 */
	const char *field[CSVLINES_FIELDS_MAX]; /* NUL-terminated, valid until the next call */
	size_t n_fields;
	size_t n_columns; /* of the header */
};

/* Opens DIR/NAME and reads the header into field[]. Errors name the path. ERR_NOT_FOUND if there is none. */
bool csvlines_open(struct csvlines *c, const char *dir, const char *name, struct err *e);
/* The next line that is not empty. False at the end (e->code stays ERR_NONE) or on an error. As many fields
 * as the header or it is an error "path:line: ...". */
bool csvlines_next(struct csvlines *c, struct err *e);
/* "path:line: " before what e says. Always false. */
bool csvlines_at(const struct csvlines *c, struct err *e);
void csvlines_close(struct csvlines *c); /* wipes: the file may hold counts */
#endif
