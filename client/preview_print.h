/* preview_print - what a preview shows: a picture of its tables, a list of the office's figures, JSON. Pure.
 *
 * The picture has a box for each figure: its number if everybody would see it, shade if nobody would. The list and
 * the JSON go through the form instead: each figure the office gives, and who would see it. */
#ifndef CLIENT_PREVIEW_PRINT_H
#define CLIENT_PREVIEW_PRINT_H
#include "client/form/findings.h" /* enum language */
#include "client/preview.h"

struct preview_style {
	enum language language;
	bool color;   /* the shade is there without it too */
	size_t width; /* columns of the terminal: labels are cut to fit; 0: no terminal */
};

enum preview_sight {
	SIGHT_EVERYBODY,   /* published as it is */
	SIGHT_HIDDEN,      /* in a table, but hidden there: nobody outside the vault */
	SIGHT_NO_TABLE,    /* in no table: nobody outside the vault */
	SIGHT_NOT_REPORTED /* the office gives no figure */
};

/* Who would see asked cell i. */
enum preview_sight preview_sight(
    const struct preview *p, const struct config *config, const struct figures *figures, uint32_t i);

/* The row of those codes; NULL if the table does not print it. */
const struct release_row *preview_find_row(
    const struct release_rows_table *t, const struct release_row *want);

bool preview_put_picture(
    struct buf *out, const struct preview *p, const struct preview_style *style, struct err *e);
bool preview_put_list(struct buf *out, const struct preview *p, const struct config *config,
    const struct figures *figures, enum language language, struct err *e);
/* {"office":...,"period":...,"refused":false,"shown":n,"hidden":n,"figures":[{"cell":"clients|F|_T","label":...,
 * "value":48,"seen_by":"everybody","why":"published"},...]}; value null if not reported; why one of published,
 * hidden, in-no-table, not-reported. shown and hidden count what the tables print, sums included. */
bool preview_put_json(struct buf *out, const struct preview *p, const struct config *config,
    const struct figures *figures, enum language language, struct err *e);
#endif
