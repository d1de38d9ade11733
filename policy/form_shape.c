#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy/form_part.h"
#include "policy/params.h"

#define AXIS_CELLS_MAX 4096u /* combinations of sex, age ... of one office: find_holds is their square */
#define NODES_MAX      4096u

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the forms' table");
}

const struct codelist *forms_axis_list(const struct forms *f, size_t a)
{
	return &f->config->list[f->axis[a]];
}

uint16_t forms_axis_code(const struct forms *f, uint32_t cell, size_t a)
{
	return (uint16_t)(cell / f->stride[a] % forms_axis_list(f, a)->n_codes);
}

bool forms_code_in(const struct forms *f, const struct codelist *list, uint16_t code)
{
	return model_valid_in(list->code[code].valid, f->period);
}

/* A code that stands in the table: valid, or above one that is. */
bool forms_code_used(const struct forms *f, const struct codelist *list, uint16_t code)
{
	if (model_is_leaf(list, code))
		return forms_code_in(f, list, code);
	for (uint16_t c = 0; c < list->n_codes; c++) /* lists are trees or graphs without cycles (config.h) */
		for (uint16_t p = 0; p < list->code[c].n_parents; p++)
			if (list->code[c].parent[p].of == code &&
			    (model_is_leaf(list, c) ? forms_code_in(f, list, c) : c != code))
				return true;
	return false;
}

/* True if child stands under parent in that grouping. */
static bool stands_under(const struct codelist *list, uint16_t child, uint16_t parent, uint16_t grouping)
{
	for (uint16_t p = 0; p < list->code[child].n_parents; p++)
		if (list->code[child].parent[p].of == parent &&
		    list->code[child].parent[p].grouping == grouping)
			return true;
	return false;
}

/* The next grouping of parent at or after `from`; false if there is none. */
static bool next_grouping(
    const struct forms *f, const struct codelist *list, uint16_t parent, uint32_t from, uint16_t *grouping)
{
	uint32_t best = UINT32_MAX;
	for (uint16_t c = 0; c < list->n_codes; c++)
		for (uint16_t p = 0; p < list->code[c].n_parents; p++) {
			const struct code_parent *up = &list->code[c].parent[p];
			if (up->of == parent && up->grouping >= from && up->grouping < best &&
			    forms_code_used(f, list, c)) /* last: it looks through the list */
				best = up->grouping;
		}
	*grouping = (uint16_t)best;
	return best != UINT32_MAX;
}

/* ---- hierarchy lines of a code list ---- */

struct frame {
	uint16_t code, grouping, next;
};

static bool put_line(struct forms *f, unsigned level, const char *code, bool view, struct err *e)
{
	return table_add_code(f->t, level, code, 0, UINT32_MAX, view, 0, e);
}

/* Depth first with a stack of our own. */
static bool put_list(struct forms *f, const struct codelist *list, struct err *e)
{
	struct frame stack[TABLE_DEPTH_MAX];
	uint16_t root = model_total(list);
	unsigned depth = 1;
	uint8_t *expanded = calloc((size_t)list->n_codes + 1, 1);
	bool ok = expanded != NULL || no_memory(e);
	if (ok && root == NO_PLACE)
		ok = err_set(e, ERR_INVALID, "list %s has no total", list->name);
	ok = ok && put_line(f, 1, list->code[root].code, false, e);
	stack[0] = (struct frame){ .code = root };
	if (ok && !next_grouping(f, list, root, 0, &stack[0].grouping))
		depth = 0;
	while (ok && depth > 0) {
		struct frame *top = &stack[depth - 1];
		while (
		    top->next < list->n_codes && (!stands_under(list, top->next, top->code, top->grouping) ||
						     !forms_code_used(f, list, top->next)))
			top->next++;
		if (top->next == list->n_codes) {
			uint32_t from = (uint32_t)top->grouping + 1;
			top->next = 0;
			if (!next_grouping(f, list, top->code, from, &top->grouping))
				depth--;
			else
				ok = put_line(f, depth, list->code[top->code].code, false, e);
			continue;
		}
		uint16_t child = top->next++;
		struct frame down = { .code = child };
		ok = put_line(f, depth + 1, list->code[child].code, false, e);
		if (!ok || expanded[child] != 0 || !next_grouping(f, list, child, 0, &down.grouping))
			continue;
		expanded[child] = 1;
		if (depth == TABLE_DEPTH_MAX - 1)
			ok = err_set(e, ERR_LIMIT, "list %s is too deep", list->name);
		else
			stack[depth++] = down;
	}
	free(expanded);
	return ok;
}

/* ---- which measures, which axes ---- */

/* What the configuration's policy says its tables count (params.h `figures`): one release, one set of rules. */
#define FIGURES_NONE (FIGURES_AMOUNTS + 1)

static unsigned kind_wanted(const struct config *c)
{
	static const char *const word[] = { "clients", "staff", "amounts" };
	unsigned kind = FIGURES_CLIENTS;
	for (uint16_t i = 0; i < c->n_policy; i++)
		for (unsigned k = FIGURES_CLIENTS; k <= FIGURES_AMOUNTS; k++)
			if (strcmp(c->policy[i].name, "figures") == 0 &&
			    strcmp(c->policy[i].value, word[k]) == 0)
				kind = k;
	return kind;
}

static unsigned kind_of(const struct measure *m)
{
	if (m->unit == UNIT_SEK || m->unit == UNIT_POST)
		return FIGURES_AMOUNTS;
	if (m->unit != UNIT_PERSON || m->about == ABOUT_NOTHING)
		return FIGURES_NONE;
	return m->about == ABOUT_CLIENT ? FIGURES_CLIENTS : FIGURES_STAFF;
}

static bool not_wanted(const struct release_table *t, const struct measure *m, unsigned wanted, struct err *e)
{
	static const char *const word[] = { "clients", "staff", "amounts" };
	static const char *const rule[] = { "R1", "R8", "R6" };
	unsigned kind = kind_of(m);
	if (kind == FIGURES_NONE)
		return err_set(e, ERR_UNSUPPORTED,
		    "release table %s: %s counts neither persons nor an amount, and stands in no table (rule "
		    "R8)",
		    t->id, m->name);
	return err_set(e, ERR_UNSUPPORTED,
	    "release table %s: policy `figures: %s` does not count %s: it needs a configuration of its own, "
	    "with "
	    "`figures: %s` (rule %s)",
	    t->id, word[wanted], m->name, word[kind], rule[kind]);
}

static bool find_wanted(struct forms *f, struct err *e)
{
	const struct config *c = f->config;
	unsigned kind = kind_wanted(c);
	f->wanted = calloc((size_t)c->n_measures + 1, sizeof *f->wanted);
	if (f->wanted == NULL)
		return no_memory(e);
	for (uint16_t t = 0; t < c->n_tables; t++)
		for (uint16_t i = 0; i < c->table[t].n_measures; i++) {
			uint16_t m = c->table[t].measure[i];
			if (kind_of(&c->measure[m]) != kind)
				return not_wanted(&c->table[t], &c->measure[m], kind, e);
			for (uint16_t n = 0; m != NO_PLACE && n <= c->n_measures;
			     n++, m = c->measure[m].within)
				f->wanted[m] = true;
		}
	return true;
}

static bool add_axis(struct forms *f, uint16_t list, struct err *e)
{
	for (size_t a = 0; a < f->n_axes; a++)
		if (f->axis[a] == list)
			return true;
	if (f->n_axes == LIMIT_DIMS)
		return err_set(
		    e, ERR_UNSUPPORTED, "the printed measures have more than %u dimensions", LIMIT_DIMS);
	f->axis[f->n_axes++] = list;
	return true;
}

static bool find_axes(struct forms *f, struct err *e)
{
	const struct config *c = f->config;
	for (uint16_t m = 0; m < c->n_measures; m++) {
		const struct measure *me = &c->measure[m];
		uint16_t n = me->multiple && me->n_dims > 0 ? (uint16_t)(me->n_dims - 1) : me->n_dims;
		for (uint16_t d = 0; f->wanted[m] && d < n; d++)
			if (!add_axis(f, me->dim[d], e))
				return false;
	}
	f->n_cells = 1;
	for (size_t a = f->n_axes; a-- > 0;) {
		f->stride[a] = f->n_cells;
		if (forms_axis_list(f, a)->n_codes > AXIS_CELLS_MAX / f->n_cells)
			return err_set(
			    e, ERR_LIMIT, "the printed measures' dimensions are too large together");
		f->n_cells *= forms_axis_list(f, a)->n_codes;
		if (model_total(forms_axis_list(f, a)) == NO_PLACE)
			return err_set(e, ERR_INVALID, "list %s has no total", forms_axis_list(f, a)->name);
	}
	f->inner = calloc(f->n_cells, 1);
	if (f->inner == NULL)
		return no_memory(e);
	for (uint32_t cell = 0; cell < f->n_cells; cell++) {
		f->inner[cell] = 1;
		for (size_t a = 0; a < f->n_axes; a++)
			if (!model_is_leaf(forms_axis_list(f, a), forms_axis_code(f, cell, a)) ||
			    !forms_code_in(f, forms_axis_list(f, a), forms_axis_code(f, cell, a)))
				f->inner[cell] = 0;
	}
	return true;
}

/* ---- nodes ---- */

static bool name_node(const struct forms *f, struct node *n, struct err *e)
{
	const struct measure *m = &f->config->measure[n->measure];
	int len = 0;
	struct buf name = { .max = 2 * TABLE_CODE_MAX + LIMIT_NAME };
	buf_put_text(&name, m->name);
	if (n->code != NO_PLACE)
		buf_printf(&name, ":%s", f->config->list[m->dim[m->n_dims - 1]].code[n->code].code);
	if (name.size + 4 > TABLE_CODE_MAX) { /* too long for a code: the place will do */
		buf_clear(&name);
		buf_printf(&name, "%u:%u", n->measure, n->code);
	}
	len = (int)name.size;
	if (!name.failed) {
		memcpy(n->name, name.data, (size_t)len);
		n->name[len] = '\0';
		memcpy(n->other, n->name, (size_t)len);
		memcpy(n->other + len, ":not", 5);
	}
	bool ok = !name.failed || no_memory(e);
	buf_free(&name);
	return ok;
}

static bool add_node(struct forms *f, uint16_t measure, uint16_t code, uint32_t parent, struct err *e)
{
	if (f->n_nodes == NODES_MAX)
		return err_set(e, ERR_LIMIT, "too many measures and codes of multiple responses");
	struct node *n = &f->node[f->n_nodes];
	memset(n, 0, sizeof *n);
	n->measure = measure;
	n->code = code;
	n->parent = parent;
	n->asked = calloc(f->n_cells, 1);
	n->box = calloc(f->n_cells, 1);
	n->fill = calloc(f->n_cells, 1);
	n->value = calloc(f->n_cells, sizeof *n->value);
	n->least = calloc(f->n_cells, sizeof *n->least);
	n->x = calloc(f->n_cells, sizeof *n->x);
	f->n_nodes++;
	if (n->asked == NULL || n->box == NULL || n->fill == NULL || n->value == NULL || n->least == NULL ||
	    n->x == NULL)
		return no_memory(e);
	return name_node(f, n, e);
}

/* The nodes of one measure: itself, or one for each code of a multiple response. */
static bool add_measure(struct forms *f, uint16_t measure, uint32_t parent, struct err *e)
{
	const struct measure *m = &f->config->measure[measure];
	if (!m->multiple)
		return add_node(f, measure, NO_PLACE, parent, e);
	if (parent == UINT32_MAX || m->n_dims == 0)
		return err_set(e, ERR_UNSUPPORTED,
		    "measure %s: a multiple response must be within another measure", m->name);
	const struct codelist *list = &f->config->list[m->dim[m->n_dims - 1]];
	for (uint16_t c = 0; c < list->n_codes; c++)
		if (model_is_leaf(list, c) && forms_code_in(f, list, c) &&
		    !add_node(f, measure, c, parent, e))
			return false;
	return true;
}

/* Roots first, then what is within them, and so on: parents stand before their children. */
static bool find_nodes(struct forms *f, struct err *e)
{
	const struct config *c = f->config;
	f->node = calloc(NODES_MAX, sizeof *f->node);
	if (f->node == NULL)
		return no_memory(e);
	for (uint16_t m = 0; m < c->n_measures; m++)
		if (f->wanted[m] && c->measure[m].within == NO_PLACE && !add_measure(f, m, UINT32_MAX, e))
			return false;
	for (uint32_t i = 0; i < f->n_nodes; i++)
		for (uint16_t m = 0; m < c->n_measures; m++) {
			if (!f->wanted[m] || c->measure[m].within != f->node[i].measure)
				continue;
			if (f->node[i].code != NO_PLACE)
				return err_set(e, ERR_UNSUPPORTED, "measure %s is within a multiple response",
				    c->measure[m].name);
			if (!add_measure(f, m, i, e))
				return false;
		}
	return f->n_nodes > 0 || err_set(e, ERR_INVALID, "no release table counts anything");
}

/* Lines of dimension `measure`, depth first: for each node its views, one after the other. */
static bool put_measures(struct forms *f, struct err *e)
{
	uint32_t stack[TABLE_DEPTH_MAX];
	uint32_t next[TABLE_DEPTH_MAX];
	uint32_t roots = 0;
	for (uint32_t i = 0; i < f->n_nodes; i++)
		roots += f->node[i].parent == UINT32_MAX;
	unsigned base = roots > 1 ? 1 : 0; /* unrelated measures hang under a sum that is never printed */
	if (!table_add_dimension(f->t, "measure", 0, e) || (base == 1 && !put_line(f, 1, "_all", false, e)))
		return false;
	for (uint32_t r = 0; r < f->n_nodes && f->node[r].parent == UINT32_MAX; r++) {
		unsigned depth = 1;
		stack[0] = r;
		next[0] = r + 1;
		if (!put_line(f, base + 1, f->node[r].name, false, e))
			return false;
		while (depth > 0) {
			uint32_t top = stack[depth - 1];
			uint32_t child = next[depth - 1];
			while (child < f->n_nodes && f->node[child].parent != top)
				child++;
			next[depth - 1] = child + 1;
			if (child >= f->n_nodes) {
				depth--;
				continue;
			}
			if (base + depth + 1 > TABLE_DEPTH_MAX)
				return err_set(e, ERR_LIMIT, "measures within measures: too deep");
			if (!put_line(f, base + depth, f->node[top].name, true, e) ||
			    !put_line(f, base + depth + 1, f->node[child].name, false, e) ||
			    !put_line(f, base + depth + 1, f->node[child].other, false, e))
				return false;
			stack[depth] = child;
			next[depth] = child + 1;
			depth++;
		}
	}
	return true;
}

/* ---- what is asked ---- */

static uint32_t node_of(const struct forms *f, const struct cell_id *id)
{
	const struct measure *m = &f->config->measure[id->measure];
	uint16_t code = m->multiple && m->n_dims > 0 ? id->code[m->n_dims - 1] : NO_PLACE;
	for (uint32_t i = 0; i < f->n_nodes; i++)
		if (f->node[i].measure == id->measure && f->node[i].code == code)
			return i;
	return UINT32_MAX;
}

static uint32_t cell_of(const struct forms *f, const struct cell_id *id)
{
	const struct measure *m = &f->config->measure[id->measure];
	uint16_t n = m->multiple && m->n_dims > 0 ? (uint16_t)(m->n_dims - 1) : m->n_dims;
	uint32_t cell = 0;
	for (size_t a = 0; a < f->n_axes; a++) {
		uint16_t code = model_total(forms_axis_list(f, a));
		for (uint16_t d = 0; d < n; d++)
			if (m->dim[d] == f->axis[a])
				code = id->code[d];
		cell += code * f->stride[a];
	}
	return cell;
}

/* The parts of an axis cell along axis a in one grouping: calls for each; answers whether all have `flag`
 * set. */
static bool parts_have(const struct forms *f, const uint8_t *flag, uint32_t cell, size_t a, uint16_t grouping)
{
	const struct codelist *list = forms_axis_list(f, a);
	uint16_t code = forms_axis_code(f, cell, a);
	for (uint16_t c = 0; c < list->n_codes; c++)
		if (stands_under(list, c, code, grouping) && forms_code_used(f, list, c) &&
		    flag[cell + (uint32_t)c * f->stride[a] - (uint32_t)code * f->stride[a]] == 0)
			return false;
	return true;
}

/* A total whose parts are all asked follows from them. Repeated until nothing is added: as many rounds as
 * levels. */
static void spread_asked(const struct forms *f, uint8_t *asked)
{
	assert(asked != NULL); /* every node got its own */
	for (bool more = true; more;) {
		more = false;
		for (uint32_t cell = 0; cell < f->n_cells; cell++)
			for (size_t a = 0; asked[cell] == 0 && a < f->n_axes; a++) {
				uint16_t g = 0;
				for (uint32_t from = 0;
				     asked[cell] == 0 && next_grouping(f, forms_axis_list(f, a),
							     forms_axis_code(f, cell, a), from, &g);
				     from = (uint32_t)g + 1)
					if (parts_have(f, asked, cell, a, g)) {
						asked[cell] = 1;
						more = true;
					}
			}
	}
}

static bool find_asked(struct forms *f, struct err *e)
{
	const struct config *c = f->config;
	f->asked_node = malloc(((size_t)c->n_asked + 1) * sizeof *f->asked_node);
	f->asked_cell = calloc((size_t)c->n_asked + 1, sizeof *f->asked_cell);
	if (f->asked_node == NULL || f->asked_cell == NULL)
		return no_memory(e);
	for (uint32_t i = 0; i < c->n_asked; i++) {
		f->asked_node[i] = node_of(f, &c->asked[i]);
		if (f->asked_node[i] == UINT32_MAX)
			continue;
		f->asked_cell[i] = cell_of(f, &c->asked[i]);
		uint8_t *asked = f->node[f->asked_node[i]].asked;
		assert(asked != NULL);
		asked[f->asked_cell[i]] = 1;
	}
	for (uint32_t i = 0; i < f->n_nodes; i++)
		spread_asked(f, f->node[i].asked);
	return true;
}

bool forms_open(struct forms *f, struct err *e)
{
	return find_wanted(f, e) && find_axes(f, e) && find_nodes(f, e) && find_asked(f, e);
}

void forms_free(struct forms *f)
{
	for (uint32_t i = 0; i < f->n_nodes; i++) {
		free(f->node[i].asked);
		free(f->node[i].box);
		free(f->node[i].fill);
		free(f->node[i].value);
		free(f->node[i].least);
		free(f->node[i].x);
	}
	free(f->node);
	free(f->inner);
	free(f->asked_node);
	free(f->asked_cell);
	free(f->wanted);
}

bool forms_put_dimensions(struct forms *f, struct err *e)
{
	const struct codelist *offices = &f->config->list[f->config->office_list];
	if (!table_add_dimension(f->t, offices->name, 0, e) || !put_list(f, offices, e))
		return false;
	for (size_t a = 0; a < f->n_axes; a++)
		if (!table_add_dimension(f->t, forms_axis_list(f, a)->name, 0, e) ||
		    !put_list(f, forms_axis_list(f, a), e))
			return false;
	return put_measures(f, e);
}
