/* latticepart - what the files that read a lattice share. For them only.
 *
 * lattice.c the table and its result, latticecodes.c the dimensions, latticedeclared.c what is declared of cells,
 * latticetruth.c the counts, latticelift.c one release in another's lists, latticefiles.c names and digests, figures.c derived figures. */
#ifndef CLIENT_PROTECT_LATTICEPART_H
#define CLIENT_PROTECT_LATTICEPART_H
#include "client/protect/csvlines.h"
#include "client/protect/lattice.h"

/* A dimension from hier_NAME.csv: no cycle, groupings of a code that hold the same leaves. */
bool latticedim_read(struct latticedim *d, const char *dir, const char *name, struct err *e);
void latticedim_free(struct latticedim *d); /* what it holds */
/* One more dimension of contributors, where cells.csv has a column `office` that is none yet. */
bool lattice_offices_read(struct lattice *g, const char *dir, struct err *e);
/* structural.csv and covered.csv, and what follows from them and from the marks N and A. */
bool lattice_declared(struct lattice *g, const char *dir, struct err *e);
/* What a file of a table folder is called in this folder; out may be what is returned. */
const char *lattice_file_name(const char *dir, const char *name, char out[160]);
bool lattice_open_path(struct csvlines *c, const char *path, struct err *e);
bool lattice_number(const char *text, int64_t *out); /* decimal digits only, at most about LIMIT_HASH_TOTAL */
#endif
