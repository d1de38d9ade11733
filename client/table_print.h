/* table_print - one table of a release as aligned text, in the reader's language.
 *
 * Pure. Labels come from the configuration. One dimension (the one with the fewest codes, up to
 * TABLE_COLUMNS_MAX) goes across, the others and the measure down; a code stands two columns further in than
 * its parent. Numbers are right-aligned, with the language's separators. Marks: ".." hidden, "." not reported
 * or not asked; a legend below explains those that occur. Lines in
 * which nothing was reported are left out and named below the table. Widths are columns of a terminal, not bytes. */
#ifndef CLIENT_TABLE_PRINT_H
#define CLIENT_TABLE_PRINT_H
#include "client/form/findings.h" /* enum language */
#include "proto/model.h"
#include "proto/release.h"

#define TABLE_COLUMNS_MAX 10u

/* Appends table number `table`. Call export_check(rows, config) first: places are trusted here. */
bool table_print(struct buf *out, const struct config *config, const struct release_rows *rows, size_t table,
    enum language language, struct err *e);
/* "12 345" and "2,50" in Swedish (with no-break spaces), "12,345" and "2.50" in English. */
void table_put_number(struct buf *out, uint64_t value, unsigned decimals, enum language language);
#endif
