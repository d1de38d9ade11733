#include "policy/form_table.h"

#include <stdlib.h>
#include <string.h>

#include "policy/fits.h"
#include "policy/form_part.h"

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the forms' table");
}

/* ---- one office's form ---- */

/* code is upper or stands somewhere under it. Climbs from code with a list of its own. */
static bool is_under(const struct codelist *list, uint16_t code, uint16_t upper, uint8_t *seen)
{
	memset(seen, 0, list->n_codes);
	seen[code] = 1;
	for (bool more = true; more;) {
		more = false;
		for (uint16_t c = 0; c < list->n_codes; c++)
			for (uint16_t p = 0; seen[c] == 1 && p < list->code[c].n_parents; p++)
				if (seen[list->code[c].parent[p].of] == 0) {
					seen[list->code[c].parent[p].of] = 1;
					more = true;
				}
	}
	return seen[upper] != 0;
}

/* holds[cell * n + inner]: the axis cell holds the inner one. */
static uint8_t *find_holds(const struct forms *f)
{
	size_t n = f->n_cells;
	uint8_t *seen = malloc(LIMIT_CODES + 1);
	uint8_t *holds = calloc(n * n, 1);
	for (size_t cell = 0; holds != NULL && seen != NULL && cell < n; cell++)
		for (size_t in = 0; in < n; in++) {
			bool all = f->inner[in] != 0;
			for (size_t a = 0; all && a < f->n_axes; a++)
				all = is_under(forms_axis_list(f, a), forms_axis_code(f, (uint32_t)in, a),
				    forms_axis_code(f, (uint32_t)cell, a), seen);
			holds[cell * n + in] = all;
		}
	free(seen);
	return holds;
}

static bool misfit(
    const struct forms *f, const char *office, const struct node *n, const char *what, struct err *e)
{
	return err_set(
	    e, ERR_INVALID, "office %s: measure %s: %s", office, f->config->measure[n->measure].name, what);
}

/* The one part that was left blank below a reported total is what remains of it. */
static void find_only_blank(const struct forms *f, struct node *n, uint32_t cell, const uint8_t *holds)
{
	const uint8_t *in = holds + (size_t)cell * f->n_cells;
	uint64_t rest = n->value[cell];
	uint32_t blank = UINT32_MAX;
	uint32_t n_blank = 0;
	for (uint32_t c = 0; c < f->n_cells; c++) {
		if (in[c] == 0)
			continue;
		if (n->box[c] != BOX_VALUE) {
			blank = c;
			n_blank++;
		} else {
			rest -= n->value[c] < rest ? n->value[c] : rest;
		}
	}
	if (n_blank == 1 && n->least[blank] < rest)
		n->least[blank] = rest;
}

/* What the nodes within a node need at an inner cell, from the innermost outwards. */
static void find_least(struct forms *f, const uint8_t *holds)
{
	for (uint32_t i = 0; i < f->n_nodes; i++)
		memset(f->node[i].least, 0, f->n_cells * sizeof *f->node[i].least);
	for (uint32_t i = f->n_nodes; i-- > 0;) {
		struct node *n = &f->node[i];
		for (uint32_t c = 0; c < f->n_cells; c++)
			if (n->box[c] == BOX_VALUE)
				n->least[c] = n->value[c];
		for (uint32_t c = 0; c < f->n_cells; c++)
			if (n->box[c] == BOX_VALUE && f->inner[c] == 0)
				find_only_blank(f, n, c, holds);
		for (uint32_t c = 0; c < f->n_cells && n->parent != UINT32_MAX; c++)
			if (n->least[c] > f->node[n->parent].least[c])
				f->node[n->parent].least[c] = n->least[c];
	}
}

__extension__ typedef unsigned __int128 wide;

/* How much more an inner cell can take. */
static uint64_t room_at(const struct node *n, const struct node *base, uint32_t cell, uint64_t rest)
{
	return base == NULL ? rest : base->x[cell] - n->x[cell];
}

/* Deals rest out over the open inner cells of `in`, each as far as its room goes: in proportion to the room,
 * or in order. Answers what is left. */
static uint64_t deal_out(const struct forms *f, struct node *n, const struct node *base, const uint8_t *in,
    uint64_t rest, bool even)
{
	wide all = 0;
	uint64_t share = rest;
	for (uint32_t c = 0; c < f->n_cells; c++)
		all += in[c] != 0 && n->fill[c] == FILL_NONE ? room_at(n, base, c, share) : 0;
	for (uint32_t c = 0; c < f->n_cells && all > 0; c++) {
		if (in[c] == 0 || n->fill[c] != FILL_NONE)
			continue;
		uint64_t room = room_at(n, base, c, share);
		uint64_t more = even ? (uint64_t)((wide)share * room / all) : rest;
		more = more < room ? more : room;
		more = more < rest ? more : rest;
		n->x[c] += more;
		rest -= more;
	}
	return rest;
}

/* Splits a reported total over the inner cells that have no value yet: first what is needed, then as far as
 * the base allows. Any split that fits is as true as any other; an even one leaves most room for moves. */
static bool split_total(
    struct forms *f, struct node *n, uint32_t cell, const uint8_t *holds, const char *office, struct err *e)
{
	const struct node *base = n->parent == UINT32_MAX ? NULL : &f->node[n->parent];
	const uint8_t *in = holds + (size_t)cell * f->n_cells;
	uint64_t rest = n->value[cell];
	for (uint32_t c = 0; c < f->n_cells; c++) {
		if (in[c] == 0)
			continue;
		if (n->fill[c] == FILL_NONE)
			n->x[c] = n->least[c];
		if (base != NULL && base->x[c] < n->x[c])
			return misfit(f, office, n, "larger than what it is a part of", e);
		if (n->x[c] > rest)
			return misfit(f, office, n, "the parts are larger than a total", e);
		rest -= n->x[c];
	}
	rest = deal_out(f, n, base, in, rest, true);
	rest = deal_out(f, n, base, in, rest, false);
	for (uint32_t c = 0; c < f->n_cells; c++)
		if (in[c] != 0 && n->fill[c] == FILL_NONE)
			n->fill[c] = n->asked[c] != 0 ? FILL_SPLIT : FILL_UNASKED;
	return rest == 0 || misfit(f, office, n, "parts and total do not fit together", e);
}

static uint32_t count_held(const struct forms *f, const uint8_t *holds, uint32_t cell)
{
	uint32_t n = 0;
	for (uint32_t c = 0; c < f->n_cells; c++)
		n += holds[(size_t)cell * f->n_cells + c];
	return n;
}

/* An inner cell that nobody reported, in no total either: nothing counts it. What is within it may have been
 * reported, if only as a total: then there must be room for it, wherever it goes. */
static uint64_t room_needed(
    const struct forms *f, const struct node *n, const struct node *base, const uint8_t *holds, uint32_t cell)
{
	uint64_t need = n->least[cell];
	for (uint32_t c = 0; c < f->n_cells; c++)
		if (holds[(size_t)c * f->n_cells + cell] != 0 && n->box[c] != BOX_VALUE && n->least[c] > need)
			need = n->least[c];
	if (base != NULL && need > base->x[cell])
		need = base->x[cell] > n->least[cell] ? base->x[cell] : n->least[cell];
	return need;
}

/* Inner values of one node: reported boxes, then totals from the smallest to the largest. */
static bool fill_node(
    struct forms *f, struct node *n, const uint8_t *holds, const char *office, struct err *e)
{
	const struct node *base = n->parent == UINT32_MAX ? NULL : &f->node[n->parent];
	for (uint32_t c = 0; c < f->n_cells; c++) {
		n->fill[c] = FILL_NONE;
		n->x[c] = 0;
		if (f->inner[c] != 0 && n->box[c] == BOX_VALUE) {
			n->fill[c] = FILL_REPORTED;
			n->x[c] = n->value[c];
		}
	}
	for (uint32_t size = 2, larger = 2; larger != UINT32_MAX; size = larger) {
		larger = UINT32_MAX;
		for (uint32_t c = 0; c < f->n_cells; c++) {
			uint32_t held =
			    n->box[c] == BOX_VALUE && f->inner[c] == 0 ? count_held(f, holds, c) : 0;
			if (held > size && held < larger)
				larger = held;
			if ((held == size || (held == 1 && size == 2)) &&
			    !split_total(f, n, c, holds, office, e))
				return false;
		}
	}
	for (uint32_t c = 0; c < f->n_cells; c++) {
		if (n->fill[c] == FILL_NONE)
			n->x[c] = room_needed(f, n, base, holds, c);
		if (f->inner[c] != 0 && base != NULL && n->x[c] > base->x[c])
			return misfit(f, office, n, "larger than what it is a part of", e);
	}
	return true;
}

static bool read_form(struct forms *f, const struct contribution *c, const uint8_t *holds, struct err *e)
{
	for (uint32_t i = 0; i < f->n_nodes; i++)
		memset(f->node[i].box, BOX_NONE, f->n_cells);
	if (c->figures->n != f->config->n_asked)
		return err_set(e, ERR_INVALID, "office %s: not this form version's figures", c->office);
	for (uint32_t i = 0; i < c->figures->n; i++) {
		if (f->asked_node[i] == UINT32_MAX)
			continue;
		struct node *n = &f->node[f->asked_node[i]];
		n->box[f->asked_cell[i]] = c->figures->state[i] == FIGURE_VALUE ? BOX_VALUE : BOX_BLANK;
		n->value[f->asked_cell[i]] = c->figures->value[i];
	}
	find_least(f, holds);
	for (uint32_t i = 0; i < f->n_nodes; i++)
		if (!fill_node(f, &f->node[i], holds, c->office, e))
			return false;
	return true;
}

/* ---- into the table ---- */

static void cell_codes(const struct forms *f, uint32_t cell, const char *office, const char *measure,
    const char *code[TABLE_DIMS_MAX])
{
	code[0] = office;
	for (size_t a = 0; a < f->n_axes; a++)
		code[a + 1] = forms_axis_list(f, a)->code[forms_axis_code(f, cell, a)].code;
	code[f->n_axes + 1] = measure;
}

static bool has_children(const struct forms *f, uint32_t node)
{
	for (uint32_t i = node + 1; i < f->n_nodes; i++)
		if (f->node[i].parent == node)
			return true;
	return false;
}

static bool known(const struct node *n, uint32_t cell)
{
	return n->fill[cell] == FILL_REPORTED || n->fill[cell] == FILL_UNASKED;
}

/* Nothing was said of the node at this cell, nor of anything within it, not even that there is nobody. */
static bool silent(const struct forms *f, const struct node *n, uint32_t cell)
{
	for (uint32_t i = 0; i < f->n_nodes; i++) {
		const struct node *up = &f->node[i];
		while (up != n && up->parent != UINT32_MAX)
			up = &f->node[up->parent];
		if (up == n && (f->node[i].fill[cell] != FILL_NONE || f->node[i].x[cell] != 0))
			return false;
	}
	return true;
}

/* Status of a leaf code: what is known of node n, and for "not so" of its base as well. */
static enum cell_status status_of(const struct forms *f, const struct node *n, uint32_t cell, bool other)
{
	const struct node *base = other ? &f->node[n->parent] : n;
	if (known(n, cell) && known(base, cell))
		return CELL_VALUE;
	return silent(f, base, cell) ? CELL_NR : CELL_BLANK;
}

static bool put_inner(
    struct forms *f, const char *office, bool reported, uint32_t node, uint32_t cell, struct err *e)
{
	const struct node *n = &f->node[node];
	const char *code[TABLE_DIMS_MAX];
	if (!has_children(f, node)) {
		enum cell_status s = reported ? status_of(f, n, cell, false) : CELL_NR;
		cell_codes(f, cell, office, n->name, code);
		if (!table_add_cell(f->t, code, NULL, s, s == CELL_NR ? 0 : n->x[cell], 0, e))
			return false;
	}
	if (n->parent == UINT32_MAX)
		return true;
	enum cell_status s = reported ? status_of(f, n, cell, true) : CELL_NR;
	cell_codes(f, cell, office, n->other, code);
	return table_add_cell(
	    f->t, code, NULL, s, s == CELL_NR ? 0 : f->node[n->parent].x[cell] - n->x[cell], 0, e);
}

/* Totals that were reported stand, whatever is blank below them. */
static bool put_covered(struct forms *f, const char *office, struct err *e)
{
	const char *code[TABLE_DIMS_MAX];
	for (uint32_t i = 0; i < f->n_nodes; i++)
		for (uint32_t c = 0; c < f->n_cells; c++) {
			if (f->node[i].box[c] != BOX_VALUE)
				continue;
			cell_codes(f, c, office, f->node[i].name, code);
			if (!table_add_covered(f->t, code, 0, e))
				return false;
		}
	return true;
}

static const struct contribution *find_contribution(
    const struct contribution *c, size_t n, const char *office)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(c[i].office, office) == 0)
			return &c[i];
	return NULL;
}

static bool put_offices(struct forms *f, const struct contribution *c, size_t n, struct err *e)
{
	const struct codelist *list = &f->config->list[f->config->office_list];
	uint8_t *holds = find_holds(f);
	bool ok = holds != NULL || no_memory(e);
	for (uint16_t o = 0; ok && o < list->n_codes; o++) {
		if (!model_is_leaf(list, o) || !forms_code_in(f, list, o))
			continue;
		const char *office = list->code[o].code;
		const struct contribution *form = find_contribution(c, n, office);
		ok = form == NULL || (read_form(f, form, holds, e) && put_covered(f, office, e));
		for (uint32_t i = 0; ok && i < f->n_nodes; i++)
			for (uint32_t cell = 0; ok && cell < f->n_cells; cell++)
				if (f->inner[cell] != 0)
					ok = put_inner(f, office, form != NULL, i, cell, e);
	}
	free(holds);
	return ok;
}

/* Cells that no form asks are nobody's figure, whatever a table's dimensions say. */
static bool put_absent(struct forms *f, struct err *e)
{
	const char *code[TABLE_DIMS_MAX];
	for (uint32_t i = 0; i < f->n_nodes; i++)
		for (uint32_t c = 0; c < f->n_cells; c++) {
			bool used = f->node[i].asked[c] == 0;
			for (size_t a = 0; used && a < f->n_axes; a++)
				used = forms_code_used(f, forms_axis_list(f, a), forms_axis_code(f, c, a));
			if (!used)
				continue;
			cell_codes(f, c, "*", f->node[i].name, code);
			if (!table_add_absent(f->t, code, 0, e))
				return false;
		}
	return true;
}

static bool table_has(const struct release_table *t, uint16_t list)
{
	for (uint16_t d = 0; d < t->n_dims; d++)
		if (t->dim[d] == list)
			return true;
	return false;
}

/* A release table as printed codes: its measures, all codes of its dimensions, the total of the others. */
static bool put_table(struct forms *f, const struct release_table *t, struct err *e)
{
	const char *codes[TABLE_DIMS_MAX] = { NULL };
	struct buf measures = { 0 };
	for (uint32_t i = 0; i < f->n_nodes; i++)
		for (uint16_t m = 0; m < t->n_measures; m++) {
			const struct measure *me = &f->config->measure[f->node[i].measure];
			if (t->measure[m] != f->node[i].measure ||
			    (me->multiple && !table_has(t, me->dim[me->n_dims - 1])))
				continue;
			buf_printf(&measures, "%s%s", measures.size > 0 ? "|" : "", f->node[i].name);
		}
	buf_put_byte(&measures, 0);
	bool ok = !measures.failed || no_memory(e);
	if (ok && measures.size > 1) {
		codes[0] = table_has(t, f->config->office_list) ? "*" : NULL;
		for (size_t a = 0; a < f->n_axes; a++)
			codes[a + 1] = table_has(t, f->axis[a]) ? "*" : NULL;
		codes[f->n_axes + 1] = (const char *)measures.data;
		ok = table_add_printed(f->t, t->id, codes, 0, e);
	}
	buf_free(&measures);
	return ok;
}

/* Codes of a cell of a derived figure or of a release row. NULL measure: none of the grid's. */
static const struct node *find_node(
    const struct forms *f, uint16_t measure, const struct release_table *t, const uint16_t *code)
{
	const struct measure *m = &f->config->measure[measure];
	uint16_t last = NO_PLACE;
	for (uint16_t d = 0; m->multiple && d < t->n_dims; d++)
		if (t->dim[d] == m->dim[m->n_dims - 1])
			last = code[d];
	for (uint32_t i = 0; i < f->n_nodes; i++)
		if (f->node[i].measure == measure && f->node[i].code == last)
			return &f->node[i];
	return NULL;
}

static bool row_codes(const struct forms *f, uint16_t measure, const struct release_table *t,
    const uint16_t *code, const char *out[TABLE_DIMS_MAX])
{
	const struct codelist *offices = &f->config->list[f->config->office_list];
	const struct node *n = find_node(f, measure, t, code);
	if (n == NULL)
		return false;
	out[0] = offices->code[model_total(offices)].code;
	for (size_t a = 0; a < f->n_axes; a++)
		out[a + 1] = forms_axis_list(f, a)->code[model_total(forms_axis_list(f, a))].code;
	for (uint16_t d = 0; d < t->n_dims; d++) {
		if (t->dim[d] == f->config->office_list)
			out[0] = offices->code[code[d]].code;
		for (size_t a = 0; a < f->n_axes; a++)
			if (t->dim[d] == f->axis[a])
				out[a + 1] = forms_axis_list(f, a)->code[code[d]].code;
	}
	out[f->n_axes + 1] = n->name;
	return true;
}

static bool put_derived(struct forms *f, struct err *e)
{
	const struct config *c = f->config;
	const char *above[TABLE_DIMS_MAX];
	const char *below[TABLE_DIMS_MAX];
	for (uint16_t i = 0; i < c->n_derived; i++) {
		const struct derived *d = &c->derived[i];
		const struct release_table *t = &c->table[d->table];
		bool constant = d->constant != 0;
		if (!row_codes(f, d->numerator.measure, t, d->numerator.code, above) ||
		    (!constant && !row_codes(f, d->denominator.measure, t, d->denominator.code, below)))
			return err_set(
			    e, ERR_UNSUPPORTED, "derived figure %s is not over counted clients", d->id);
		if (!table_add_derived(
			f->t, d->id, above, constant ? NULL : below, d->constant, d->factor, d->digits, 0, e))
			return false;
	}
	return true;
}

static bool contributions_ok(
    const struct config *config, const char *period, const struct contribution *c, size_t n, struct err *e)
{
	const struct codelist *list = &config->list[config->office_list];
	for (size_t i = 0; i < n; i++) {
		uint16_t o = model_code(list, c[i].office);
		if (o == NO_PLACE || !model_is_leaf(list, o) || !model_valid_in(list->code[o].valid, period))
			return err_set(
			    e, ERR_INVALID, "a form from an office that is not in the list for the period");
		for (size_t j = 0; j < i; j++)
			if (strcmp(c[j].office, c[i].office) == 0)
				return err_set(e, ERR_INVALID, "office %s stands twice", c[i].office);
	}
	return true;
}

bool table_from_forms(const struct config *config, const char *period, const struct contribution *c, size_t n,
    const struct policy_params *p, struct table_input **out, struct err *e)
{
	struct forms f = { .config = config, .period = period, .t = table_new() };
	bool ok = f.t != NULL || no_memory(e);
	*out = NULL;
	if (ok && strcmp(p->office_dim, config->list[config->office_list].name) != 0)
		ok = err_set(e, ERR_REFUSED, "policy: office_dim is not the configuration's list of offices");
	ok = ok && contributions_ok(config, period, c, n, e) && forms_open(&f, e) &&
	     forms_put_dimensions(&f, e) && put_offices(&f, c, n, e) && put_absent(&f, e);
	for (uint16_t i = 0; ok && i < config->n_tables; i++)
		ok = put_table(&f, &config->table[i], e);
	ok = ok && put_derived(&f, e) && table_finish(f.t, e) && fits_names(f.t, p, e);
	if (ok)
		*out = f.t;
	else
		table_free(f.t);
	forms_free(&f);
	return ok;
}

/* ---- rows of a release ---- */

static bool row_valid(const struct forms *f, const struct release_table *t, const uint16_t *code)
{
	for (uint16_t d = 0; d < t->n_dims; d++)
		if (!forms_code_in(f, &f->config->list[t->dim[d]], code[d]) ||
		    !forms_code_used(f, &f->config->list[t->dim[d]], code[d]))
			return false;
	return true;
}

static bool add_row(const struct forms *f, const struct safe_table *safe, uint16_t table, uint16_t measure,
    const uint16_t *code, struct form_row *row, size_t *n)
{
	const struct release_table *t = &f->config->table[table];
	const char *codes[TABLE_DIMS_MAX];
	*row = (struct form_row){ .table = table, .measure = measure, .state = MARK_NOT_ASKED };
	memcpy(row->code, code, t->n_dims * sizeof *code);
	if (row_codes(f, measure, t, code, codes) && !safe_table_find(safe, codes, &row->state, &row->value))
		return safe_table_is_coarser(safe); /* its code's parent stands for it */
	++*n;
	return true;
}

static uint64_t count_rows(const struct config *config, const struct release_table *t)
{
	uint64_t n = t->n_measures;
	for (uint16_t d = 0; d < t->n_dims; d++) {
		n *= config->list[t->dim[d]].n_codes;
		if (n > TABLE_CELLS_MAX)
			return 0;
	}
	return n;
}

static int by_place(const void *a, const void *b)
{
	uint16_t x = 0;
	uint16_t y = 0;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

static bool fill_rows(const struct forms *f, const struct safe_table *safe, uint16_t table,
    struct form_row *rows, size_t *n, struct err *e)
{
	const struct release_table *t = &f->config->table[table];
	uint16_t measure[LIMIT_MEASURES];
	uint16_t n_measures = t->n_measures < LIMIT_MEASURES ? t->n_measures : LIMIT_MEASURES;
	memcpy(measure, t->measure, n_measures * sizeof measure[0]);
	qsort(measure, n_measures, sizeof measure[0], by_place);
	*n = 0;
	for (uint16_t m = 0; m < n_measures; m++) {
		uint16_t code[LIMIT_DIMS + 1] = { 0 };
		for (uint16_t d = 0; d != UINT16_MAX;) {
			if (row_valid(f, t, code) && !add_row(f, safe, table, measure[m], code, &rows[*n], n))
				return err_set(
				    e, ERR_INTERNAL, "a cell of table %s is not in the safe table", t->id);
			for (d = t->n_dims; d-- > 0;) {
				if (++code[d] < f->config->list[t->dim[d]].n_codes)
					break;
				code[d] = 0;
			}
		}
	}
	return true;
}

bool form_rows(const struct safe_table *safe, const struct config *config, const char *period, uint16_t table,
    struct form_row **rows, size_t *n, struct err *e)
{
	struct forms f = { .config = config, .period = period };
	uint64_t room = count_rows(config, &config->table[table]);
	bool ok = false;
	*n = 0;
	*rows = room == 0 ? NULL : calloc(room, sizeof **rows);
	if (room == 0)
		err_set(e, ERR_LIMIT, "table %s has too many rows", config->table[table].id);
	else if (*rows == NULL)
		no_memory(e);
	else
		ok = forms_open(&f, e) && fill_rows(&f, safe, table, *rows, n, e);
	if (!ok) {
		free(*rows);
		*rows = NULL;
	}
	forms_free(&f);
	return ok;
}
