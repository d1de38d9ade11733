/* fuzz: proto
 * A configuration of any bytes: refused with a line, or everything it points to is in range. */
#include "proto/config.h"
#include "proto/content.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
	if (!condition)
		abort();
}

static void check_cells(const struct config *c)
{
	for (uint32_t i = 0; i < c->n_asked; i++) {
		demand(model_asked(c, &c->asked[i]) == i);
		const struct measure *m = &c->measure[c->asked[i].measure];
		for (uint16_t d = 0; d < m->n_dims; d++)
			demand(
			    m->dim[d] != c->office_list && c->asked[i].code[d] < c->list[m->dim[d]].n_codes);
	}
}

static void check_lists(const struct config *c)
{
	for (uint16_t l = 0; l < c->n_lists; l++) {
		demand(model_total(&c->list[l]) != NO_PLACE);
		for (uint16_t i = 0; i < c->list[l].n_codes; i++)
			for (uint16_t k = 0; k < c->list[l].code[i].n_parents; k++)
				demand(c->list[l].code[i].parent[k].of < c->list[l].n_codes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct config *c = config_parse(bytes_of(data, size), &e);
	if (c == NULL) {
		demand(e.code != ERR_NONE && (strncmp(e.text, "line ", 5) == 0 || e.code == ERR_MEMORY));
		return 0;
	}
	check_lists(c);
	check_cells(c);
	config_free(c);
	return 0;
}
