/* Stand-in until policy/form_table.c lands: nothing is published. Whoever lands it deletes this file. */
#include "policy/form_table.h"

bool table_from_forms(const struct config *config, const char *period, const struct contribution *c, size_t n,
    const struct policy_params *p, struct table_input **out, struct err *e)
{
	(void)config;
	(void)period;
	(void)c;
	(void)n;
	(void)p;
	*out = NULL;
	return err_set(e, ERR_UNSUPPORTED, "this build has no disclosure engine: nothing can be published");
}

bool form_rows(const struct safe_table *safe, const struct config *config, const char *period, uint16_t table,
    struct form_row **rows, size_t *n, struct err *e)
{
	(void)safe;
	(void)config;
	(void)period;
	(void)table;
	*rows = NULL;
	*n = 0;
	return err_set(e, ERR_UNSUPPORTED, "this build has no disclosure engine");
}
