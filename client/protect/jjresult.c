#include "client/protect/jjresult.h"

#include <inttypes.h>

static bool bad_cell(uint32_t cell, const char *rule, struct err *e)
{
	return err_set(e, ERR_CRYPTO, "cell %u: %s", cell, rule);
}

/* No other file could have been signed for these figures. */
static bool is_plain(
    const struct jj *j, struct bytes file, const char *mark, const int64_t *value, struct err *e)
{
	struct buf text = { 0 };
	buf_put_text(&text, "cell,freq,status\n");
	for (uint32_t c = 0; c < j->n_cells; c++) {
		buf_printf(&text, "%u,", c);
		if (mark[c] == 'P')
			buf_printf(&text, "%" PRId64, value[c]);
		buf_printf(&text, ",%c\n", mark[c]);
	}
	bool ok = text.failed ? err_set(e, ERR_MEMORY, "no memory")
			      : bytes_equal(buf_bytes(&text), file) ||
				    err_set(e, ERR_CRYPTO, "not in the one spelling of a result");
	buf_free(&text);
	return ok;
}

static bool cell_fits(
    const struct jj_cell *c, uint32_t cell, char mark, int64_t value, bool with_counts, struct err *e)
{
	if (mark == 'H')
		return c->status != JJ_PROTECTED || bad_cell(cell, "hidden, but it must be printed", e);
	if (c->status == JJ_UNSAFE || c->status == JJ_MISSING)
		return bad_cell(cell, "printed, but it must be hidden", e);
	if (value < c->lb || value > c->ub)
		return bad_cell(cell, "what is printed is outside its bounds", e);
	return !with_counts || value == c->value || bad_cell(cell, "what is printed is not its count", e);
}

/* A relation of which everything is known, by print or by bounds that leave no choice, adds up. */
static bool relation_fits(
    const struct jj *j, uint32_t relation, const char *mark, const int64_t *value, struct err *e)
{
	int64_t sum = 0;
	for (uint32_t i = j->start[relation]; i < j->start[relation + 1]; i++) {
		const struct jj_term *t = &j->term[i];
		const struct jj_cell *c = &j->cell[t->cell];
		if (mark[t->cell] == 'H' && c->lb != c->ub)
			return true;
		sum += t->coef * (mark[t->cell] == 'H' ? c->lb : value[t->cell]);
	}
	return sum == j->rhs[relation] ||
	       err_set(e, ERR_CRYPTO, "relation %u: what is printed does not add up", relation);
}

bool jjresult_holds(const struct jj *j, struct bytes file, const char *mark, const int64_t *value,
    bool with_counts, struct err *e)
{
	if (!is_plain(j, file, mark, value, e))
		return false;
	for (uint32_t c = 0; c < j->n_cells; c++)
		if (!cell_fits(&j->cell[c], c, mark[c], value[c], with_counts, e))
			return false;
	for (uint32_t r = 0; r < j->n_relations; r++)
		if (!relation_fits(j, r, mark, value, e))
			return false;
	return true;
}
