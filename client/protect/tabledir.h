/* tabledir - a table as a folder of CSV files, read into the engine's input.
 *
 *   cells.csv       dimension names, optional `office`, `freq`, optional `status` (nr, na, structural)
 *   hier_DIM.csv    level,code[,from,to][,view]
 *   tables.csv      table,dim,codes; without it every cell is printed
 *   forced.csv structural.csv absent.csv covered.csv     dimension columns, `*` is any
 *   derived.csv     id,numerator,denominator,factor,digits; cells as codes joined by `|`
 *
 * All but the first two are optional. absent: not printed whatever tables.csv says. covered: totals that were
 * reported although parts of them were not (rule R12).
 *
 * The dimensions' order is that of cells.csv's columns. Formats: docs/disclosure.md "Files". Every error
 * reads "path:line: ...", and never tells a count. */
#ifndef CLIENT_PROTECT_TABLEDIR_H
#define CLIENT_PROTECT_TABLEDIR_H
#include "policy/table.h"

/* NULL with e filled on bad input. The caller owns the result (table_free). cells = false: the counts are
 * left out (every inner cell is nought), for those who may not have them. */
struct table_input *tabledir_read(const char *dir, bool cells, struct err *e);
#endif
