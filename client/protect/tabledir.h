/* tabledir - a table as a folder of CSV files, read into the engine's input.
 *
 *   cells.csv       dimension names, optional `office`, `freq`, optional `status` (nr, na, structural): inner
 * cells hier_DIM.csv    level,code[,from,to][,view] tables.csv      table,dim,codes              optional;
 * without it every cell is printed forced.csv, structural.csv                   optional; dimension columns,
 * `*` is any derived.csv     id,numerator,denominator,factor,digits       optional; cells as codes joined by
 * `|`
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
