/* safe_table - what stands inside a safe table. Internal to release.c: nobody else may make one. */
#ifndef POLICY_SAFE_TABLE_H
#define POLICY_SAFE_TABLE_H
#include "policy/grid.h"
#include "policy/release.h"

struct safe_table {
	size_t n_dims;
	struct safe_dim {
		char *name;
		char **code;
		uint32_t n_codes;
		uint64_t stride;
	} dim[TABLE_DIMS_MAX];
	const char *row_code[TABLE_DIMS_MAX]; /* of the row asked for last */
	uint32_t *cell;                       /* ascending numbers of the printed cells */
	char *state;
	uint64_t *value; /* 0 unless published */
	size_t n_rows;
	bool coarser; /* codes of a release's tables may be missing: a ladder step */
};

struct safe_table *safe_table_make(const struct grid *g);
void safe_table_free(struct safe_table *s);
#endif
