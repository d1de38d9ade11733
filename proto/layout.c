/* The part `layout:` of a configuration. */
#include "proto/layout.h"

#include "proto/configread.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SECTIONS_MAX 100u
#define ROWS_MAX     5000u
#define COLUMNS_MAX  100u
#define RATIO_MAX    1000000000u
#define LABEL_BYTES  1000u

struct reader {
	struct configread *r;
	struct layout *layout;
	struct layout_columns *columns;
	uint16_t n_columns;
	uint8_t *placed;            /* for each asked cell: it has a box */
	struct layout_row *scratch; /* ROWS_MAX rows of the section being read */
};

/* One section while its rows are read. */
struct rows {
	struct layout_row *at;
	uint16_t n;
	const struct layout_columns *in_force;
	uint16_t block;
};

static const char *const kind_names[] = { "text", "period", "columns", "figure", "answer", "choice", "tick",
	"date", NULL };

/* ---- columns ---- */

static bool read_heading(
    struct reader *t, const struct yamlnode *node, uint16_t list, struct layout_column *c)
{
	if (!configread_text(t->r, node, "headings", LABEL_BYTES, &c->heading))
		return false;
	if (strcmp(node->key, "text") == 0) {
		c->text = true;
		return true;
	}
	if (list != NO_PLACE) {
		c->code = configread_code(t->r, list, node->key, strlen(node->key));
		return c->code != NO_PLACE ||
		       yamlnode_error(node, t->r->e, "headings: no code '%s' in the list", node->key);
	}
	struct yamlnode number = { .kind = YAML_TEXT, .line = node->key_line, .text = node->key };
	return yamlnode_uint(&number, "headings", 0, 1000, &c->value, t->r->e);
}

static bool read_columns_one(struct reader *t, const struct yamlnode *node, struct layout_columns *out)
{
	static const char *const known[] = { "id", "list", "headings", NULL };
	if (!yamlnode_only(node, "columns", known, t->r->e))
		return false;
	const struct yamlnode *id = configread_need(t->r, node, "columns", "id");
	const struct yamlnode *headings =
	    id == NULL ? NULL : configread_need(t->r, node, "columns", "headings");
	const struct yamlnode *list = yamlnode_get(node, "list");
	if (headings == NULL || !configread_id(t->r, id, "id", &out->id) ||
	    !yamlnode_want(headings, YAML_MAP, "headings", t->r->e))
		return false;
	if (headings->n > COLUMNS_MAX)
		return yamlnode_error(headings, t->r->e, "headings: more than %u", COLUMNS_MAX);
	out->list = list == NULL ? NO_PLACE : model_list(t->r->config, list->text);
	if (list != NULL && out->list == NO_PLACE)
		return yamlnode_error(list, t->r->e, "list: no list '%s' under codes", list->text);
	struct layout_column *column = configread_alloc(t->r, headings->n, sizeof *column);
	if (column == NULL)
		return false;
	for (const struct yamlnode *h = headings->first; h != NULL; h = h->next)
		if (!read_heading(t, h, out->list, &column[out->n_columns++]))
			return false;
	out->column = column;
	return true;
}

static const struct layout_columns *find_columns(const struct reader *t, const char *id)
{
	for (uint16_t i = 0; i < t->n_columns; i++)
		if (strcmp(t->columns[i].id, id) == 0)
			return &t->columns[i];
	return NULL;
}

static bool read_columns(struct reader *t, const struct yamlnode *list)
{
	if (list == NULL)
		return true;
	if (!yamlnode_want(list, YAML_LIST, "columns", t->r->e))
		return false;
	if (list->n > COLUMNS_MAX)
		return yamlnode_error(list, t->r->e, "columns: more than %u", COLUMNS_MAX);
	t->columns = configread_alloc(t->r, list->n, sizeof *t->columns);
	if (t->columns == NULL)
		return false;
	for (const struct yamlnode *node = list->first; node != NULL; node = node->next) {
		struct layout_columns *next = &t->columns[t->n_columns];
		if (!read_columns_one(t, node, next))
			return false;
		if (find_columns(t, next->id) != NULL)
			return yamlnode_error(node, t->r->e, "columns: '%s' stands twice", next->id);
		t->n_columns++;
	}
	return true;
}

/* ---- rows ---- */

static bool place_cell(struct reader *t, const struct yamlnode *node, const struct cell_id *id)
{
	uint32_t place = model_asked(t->r->config, id);
	if (place == UINT32_MAX)
		return yamlnode_error(node, t->r->e, "layout: '%s' is not asked", node->text);
	if (t->placed[place] != 0)
		return yamlnode_error(node, t->r->e, "layout: '%s' has two boxes", node->text);
	t->placed[place] = 1;
	return true;
}

/* "clients|*|_T": one code for each dimension; "*" where the column says it. */
static bool read_cell(struct reader *t, const struct yamlnode *node, struct layout_row *row)
{
	struct bytes part[LIMIT_DIMS + 1];
	if (!yamlnode_want(node, YAML_TEXT, node->key, t->r->e))
		return false;
	unsigned n = configread_split(node->text, part, LIMIT_DIMS + 1);
	row->by = NO_PLACE;
	row->cell.measure = n == 0 ? NO_PLACE : configread_measure(t->r, part[0]);
	if (row->cell.measure == NO_PLACE)
		return yamlnode_error(node, t->r->e, "layout: '%s': no such measure", node->text);
	const struct measure *m = &t->r->config->measure[row->cell.measure];
	if (n != m->n_dims + 1u)
		return yamlnode_error(
		    node, t->r->e, "layout: '%s': %u codes are expected", node->text, m->n_dims);
	for (uint16_t d = 0; d < m->n_dims; d++) {
		if (bytes_equal(part[d + 1], bytes_text("*")) && row->by == NO_PLACE) {
			row->by = d;
			continue;
		}
		row->cell.code[d] =
		    configread_code(t->r, m->dim[d], (const char *)part[d + 1].at, part[d + 1].len);
		if (row->cell.code[d] == NO_PLACE)
			return yamlnode_error(
			    node, t->r->e, "layout: '%s': a code is not in its list", node->text);
	}
	return true;
}

/* A figure by columns has a box for each of their codes. */
static bool place_figure(struct reader *t, const struct yamlnode *node, struct layout_row *row)
{
	if (row->by == NO_PLACE) {
		row->columns = NULL;
		return place_cell(t, node, &row->cell);
	}
	const struct measure *m = &t->r->config->measure[row->cell.measure];
	if (row->columns == NULL || row->columns->list != m->dim[row->by])
		return yamlnode_error(node, t->r->e, "layout: '%s': the columns above are not of the list %s",
		    node->text, t->r->config->list[m->dim[row->by]].name);
	for (uint16_t i = 0; i < row->columns->n_columns; i++) {
		struct cell_id id = row->cell;
		id.code[row->by] = row->columns->column[i].code;
		if (!row->columns->column[i].text && !place_cell(t, node, &id))
			return false;
	}
	return true;
}

static bool read_box(struct reader *t, const struct yamlnode *node, struct layout_row *row)
{
	const struct config *c = t->r->config;
	if (!read_cell(t, node, row))
		return false;
	if (row->kind == LAYOUT_FIGURE)
		return place_figure(t, node, row);
	if (row->by != NO_PLACE)
		return yamlnode_error(node, t->r->e, "layout: '*' is for figures");
	if (row->kind == LAYOUT_CHOICE) /* several rows share the cell */
		return model_asked(c, &row->cell) != UINT32_MAX ||
		       yamlnode_error(node, t->r->e, "layout: '%s' is not asked", node->text);
	if (row->kind == LAYOUT_ANSWER && (row->columns == NULL || row->columns->list != NO_PLACE))
		return yamlnode_error(
		    node, t->r->e, "layout: '%s': no columns with answers above", node->text);
	if (row->kind == LAYOUT_TICK)
		row->columns = NULL;
	return place_cell(t, node, &row->cell);
}

static bool read_only_if(struct reader *t, const struct yamlnode *node, struct layout_row *row)
{
	struct layout_row yes = { .kind = LAYOUT_ANSWER };
	row->only_if = UINT32_MAX;
	if (node == NULL)
		return true;
	if (!read_cell(t, node, &yes))
		return false;
	row->only_if = yes.by == NO_PLACE ? model_asked(t->r->config, &yes.cell) : UINT32_MAX;
	return row->only_if != UINT32_MAX ||
	       yamlnode_error(node, t->r->e, "only_if: a cell that is asked is expected");
}

static bool read_blank(struct reader *t, const struct yamlnode *node, struct layout_row *row)
{
	static const char *const words[] = { "error", "warning", "silent" };
	row->blank = row->kind == LAYOUT_TICK ? BLANK_SILENT : BLANK_ERROR;
	if (node == NULL)
		return true;
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(words[i], node->text) == 0) {
			row->blank = (enum layout_blank)i;
			return true;
		}
	return yamlnode_error(node, t->r->e, "blank: error, warning or silent is expected");
}

static bool read_options(struct reader *t, const struct yamlnode *node, struct layout_row *row)
{
	const struct yamlnode *unit = yamlnode_get(node, "unit");
	const struct yamlnode *value = yamlnode_get(node, "value");
	if (unit != NULL && !configread_text(t->r, unit, "unit", 16, &row->unit))
		return false;
	if ((value != NULL) != (row->kind == LAYOUT_CHOICE))
		return yamlnode_error(
		    node, t->r->e, "layout: 'value' belongs to a choice, and to nothing else");
	if (value != NULL && !yamlnode_uint(value, "value", 0, t->r->config->measure[row->cell.measure].max,
				 &row->value, t->r->e))
		return false;
	return read_blank(t, yamlnode_get(node, "blank"), row) &&
	       read_only_if(t, yamlnode_get(node, "only_if"), row);
}

static struct layout_row *add_row(struct reader *t, struct rows *rows, const struct yamlnode *node)
{
	if (rows->n == ROWS_MAX) {
		yamlnode_error(node, t->r->e, "rows: more than %u", ROWS_MAX);
		return NULL;
	}
	struct layout_row *row = &rows->at[rows->n++];
	*row = (struct layout_row){ .label = "",
		.columns = rows->in_force,
		.by = NO_PLACE,
		.block = rows->block,
		.only_if = UINT32_MAX,
		.line = node->line };
	return row;
}

/* {text: "..."} or {text: ["...", "..."]} */
static bool read_texts(struct reader *t, const struct yamlnode *node, struct rows *rows)
{
	const struct yamlnode *item = node->kind == YAML_LIST ? node->first : node;
	for (; item != NULL; item = node->kind == YAML_LIST ? item->next : NULL) {
		struct layout_row *row = add_row(t, rows, item);
		if (row == NULL || !configread_text(t->r, item, "text", LABEL_BYTES, &row->label))
			return false;
	}
	return true;
}

static bool read_columns_row(
    struct reader *t, const struct yamlnode *node, const struct yamlnode *label, struct rows *rows)
{
	rows->in_force = find_columns(t, node->text);
	if (rows->in_force == NULL)
		return yamlnode_error(node, t->r->e, "columns: no columns '%s'", node->text);
	struct layout_row *row = add_row(t, rows, node);
	if (row == NULL)
		return false;
	row->kind = LAYOUT_COLUMNS;
	return label == NULL || label->text[0] == '\0' ||
	       configread_text(t->r, label, "label", LABEL_BYTES, &row->label);
}

static bool read_row(struct reader *t, const struct yamlnode *node, struct rows *rows)
{
	static const char *const known[] = { "text", "period", "columns", "figure", "answer", "choice",
		"tick", "date", "label", "unit", "value", "blank", "only_if", "rows", NULL };
	const struct yamlnode *what = NULL;
	unsigned kind = 0;
	if (!yamlnode_only(node, "rows", known, t->r->e))
		return false;
	for (unsigned i = 0; kind_names[i] != NULL; i++) {
		const struct yamlnode *found = yamlnode_get(node, kind_names[i]);
		if (found != NULL && what != NULL)
			return yamlnode_error(node, t->r->e, "rows: a row is one thing, not two");
		if (found != NULL) {
			what = found;
			kind = i;
		}
	}
	if (what == NULL)
		return yamlnode_error(node, t->r->e,
		    "rows: text, period, columns, figure, answer, choice, tick or "
		    "date is expected");
	const struct yamlnode *label = yamlnode_get(node, "label");
	if (kind == LAYOUT_TEXT)
		return read_texts(t, what, rows);
	if (kind == LAYOUT_COLUMNS)
		return read_columns_row(t, what, label, rows);
	struct layout_row *row = add_row(t, rows, node);
	if (row == NULL)
		return false;
	row->kind = (enum layout_kind)kind;
	if (kind == LAYOUT_PERIOD || kind == LAYOUT_DATE)
		return configread_text(t->r, what, kind_names[kind], LABEL_BYTES, &row->label);
	label = configread_need(t->r, node, "rows", "label");
	return label != NULL && configread_text(t->r, label, "label", LABEL_BYTES, &row->label) &&
	       read_box(t, what, row) && read_options(t, node, row);
}

/* A row with rows of its own heads a block: labels inside need to be unique only there. */
static bool read_block(struct reader *t, const struct yamlnode *node, struct rows *rows)
{
	const struct yamlnode *inner = yamlnode_get(node, "rows");
	if (!read_row(t, node, rows))
		return false;
	if (inner == NULL)
		return true;
	if (!yamlnode_want(inner, YAML_LIST, "rows", t->r->e))
		return false;
	if (rows->block != NO_PLACE)
		return yamlnode_error(inner, t->r->e, "rows: a block has no blocks inside");
	rows->block = (uint16_t)(rows->n - 1);
	for (const struct yamlnode *item = inner->first; item != NULL; item = item->next)
		if (!read_block(t, item, rows))
			return false;
	rows->block = NO_PLACE;
	return true;
}

static bool read_section(struct reader *t, const struct yamlnode *node, struct layout_section *out)
{
	static const char *const known[] = { "title", "rows", NULL };
	struct rows rows = { .block = NO_PLACE };
	if (!yamlnode_only(node, "sections", known, t->r->e))
		return false;
	const struct yamlnode *title = configread_need(t->r, node, "sections", "title");
	const struct yamlnode *list = title == NULL ? NULL : configread_need(t->r, node, "sections", "rows");
	if (list == NULL || !yamlnode_want(list, YAML_LIST, "rows", t->r->e) ||
	    !yamlnode_want(title, YAML_TEXT, "title", t->r->e))
		return false;
	out->title = "";
	if (title->text[0] != '\0' && !configread_text(t->r, title, "title", LABEL_BYTES, &out->title))
		return false;
	rows.at = t->scratch;
	for (const struct yamlnode *item = list->first; item != NULL; item = item->next)
		if (!read_block(t, item, &rows))
			return false;
	struct layout_row *row = configread_alloc(t->r, rows.n, sizeof *row);
	if (row == NULL)
		return false;
	memcpy(row, rows.at, rows.n * sizeof *row);
	out->row = row;
	out->n_rows = rows.n;
	return true;
}

static bool read_sections(struct reader *t, const struct yamlnode *list)
{
	if (!yamlnode_want(list, YAML_LIST, "sections", t->r->e))
		return false;
	if (list->n > SECTIONS_MAX)
		return yamlnode_error(list, t->r->e, "sections: more than %u", SECTIONS_MAX);
	struct layout_section *section = configread_alloc(t->r, list->n, sizeof *section);
	if (section == NULL)
		return false;
	t->layout->section = section;
	for (const struct yamlnode *node = list->first; node != NULL; node = node->next)
		if (!read_section(t, node, &section[t->layout->n_sections++]))
			return false;
	return true;
}

/* ---- what is held against last year, and against itself ---- */

static bool read_measure(struct reader *t, const struct yamlnode *map, const char *key, uint16_t *out)
{
	const struct yamlnode *node = configread_need(t->r, map, "layout", key);
	if (node == NULL || !yamlnode_want(node, YAML_TEXT, key, t->r->e))
		return false;
	*out = configread_measure(t->r, bytes_text(node->text));
	return *out != NO_PLACE || yamlnode_error(node, t->r->e, "%s: no such measure", key);
}

static bool same_dims(const struct measure *a, const struct measure *b)
{
	return a->n_dims == b->n_dims && memcmp(a->dim, b->dim, a->n_dims * sizeof a->dim[0]) == 0;
}

/* "age=Y_GE65": a dimension of the stock and one of its codes. */
static bool read_top(struct reader *t, const struct yamlnode *node, struct layout_series *out)
{
	const struct measure *m = &t->r->config->measure[out->stock];
	const char *is = node->kind == YAML_TEXT ? strchr(node->text, '=') : NULL;
	for (uint16_t d = 0; is != NULL && d < m->n_dims; d++) {
		const struct codelist *list = &t->r->config->list[m->dim[d]];
		size_t n = (size_t)(is - node->text);
		if (strlen(list->name) != n || memcmp(list->name, node->text, n) != 0)
			continue;
		out->dim = d;
		out->top = configread_code(t->r, m->dim[d], is + 1, strlen(is + 1));
	}
	return out->top != NO_PLACE ||
	       yamlnode_error(node, t->r->e, "top: a dimension of the stock, '=' and one of its codes");
}

static bool read_series(struct reader *t, const struct yamlnode *node, struct layout_series *out)
{
	static const char *const known[] = { "stock", "in", "out", "top", NULL };
	const struct measure *m = t->r->config->measure;
	assert(out != NULL);
	*out = (struct layout_series){ .dim = NO_PLACE, .top = NO_PLACE };
	if (!yamlnode_only(node, "series", known, t->r->e) || !read_measure(t, node, "stock", &out->stock) ||
	    !read_measure(t, node, "in", &out->in) || !read_measure(t, node, "out", &out->out))
		return false;
	if (!same_dims(&m[out->stock], &m[out->in]) || !same_dims(&m[out->stock], &m[out->out]))
		return yamlnode_error(node, t->r->e, "series: the three measures need the same dimensions");
	const struct yamlnode *top = yamlnode_get(node, "top");
	return top == NULL || read_top(t, top, out);
}

static bool read_contradiction(
    struct reader *t, const struct yamlnode *node, struct layout_contradiction *out)
{
	static const char *const known[] = { "a", "b", "sv", "en", NULL };
	const struct measure *m = t->r->config->measure;
	assert(out != NULL);
	if (!yamlnode_only(node, "contradictions", known, t->r->e) || !read_measure(t, node, "a", &out->a) ||
	    !read_measure(t, node, "b", &out->b))
		return false;
	if (m[out->a].unit != UNIT_BOOL || m[out->b].unit != UNIT_BOOL ||
	    m[out->a].n_dims + m[out->b].n_dims > 0)
		return yamlnode_error(
		    node, t->r->e, "contradictions: two yes/no measures without dimensions");
	return configread_label(t->r, node, "", &out->label);
}

static bool read_ratio(struct reader *t, const struct yamlnode *node, struct layout_ratio *out)
{
	static const char *const known[] = { "of", "per", "least", "most", "sv", "en", NULL };
	const struct yamlnode *least = yamlnode_get(node, "least");
	assert(out != NULL);
	*out = (struct layout_ratio){ .least = 0 };
	if (!yamlnode_only(node, "ratios", known, t->r->e) || !read_measure(t, node, "of", &out->of) ||
	    !read_measure(t, node, "per", &out->per))
		return false;
	const struct yamlnode *most = configread_need(t->r, node, "ratios", "most");
	if (most == NULL || !yamlnode_uint(most, "ratios: most", 0, RATIO_MAX, &out->most, t->r->e) ||
	    (least != NULL && !yamlnode_uint(least, "ratios: least", 0, out->most, &out->least, t->r->e)))
		return false;
	return configread_label(t->r, node, "", &out->label);
}

/* A list under layout: allocates n elements and reads each. node may be NULL. */
static bool want_list(
    struct reader *t, const struct yamlnode *list, const char *name, size_t size, void **out)
{
	*out = NULL;
	if (list == NULL)
		return true;
	if (!yamlnode_want(list, YAML_LIST, name, t->r->e))
		return false;
	if (list->n > COLUMNS_MAX)
		return yamlnode_error(list, t->r->e, "%s: more than %u", name, COLUMNS_MAX);
	*out = configread_alloc(t->r, list->n + 1u, size);
	return *out != NULL;
}

static bool read_rules(struct reader *t, const struct yamlnode *map)
{
	const struct yamlnode *series = yamlnode_get(map, "series");
	const struct yamlnode *pairs = yamlnode_get(map, "contradictions");
	const struct yamlnode *ratios = yamlnode_get(map, "ratios");
	void *room;
	if (!want_list(t, series, "series", sizeof(struct layout_series), &room))
		return false;
	struct layout_series *one = room;
	t->layout->series = one;
	for (const struct yamlnode *at = series == NULL ? NULL : series->first; at != NULL; at = at->next)
		if (!read_series(t, at, &one[t->layout->n_series++]))
			return false;
	if (!want_list(t, pairs, "contradictions", sizeof(struct layout_contradiction), &room))
		return false;
	struct layout_contradiction *pair = room;
	t->layout->contradiction = pair;
	for (const struct yamlnode *at = pairs == NULL ? NULL : pairs->first; at != NULL; at = at->next)
		if (!read_contradiction(t, at, &pair[t->layout->n_contradictions++]))
			return false;
	if (!want_list(t, ratios, "ratios", sizeof(struct layout_ratio), &room))
		return false;
	struct layout_ratio *ratio = room;
	t->layout->ratio = ratio;
	for (const struct yamlnode *at = ratios == NULL ? NULL : ratios->first; at != NULL; at = at->next)
		if (!read_ratio(t, at, &ratio[t->layout->n_ratios++]))
			return false;
	return true;
}

bool configread_layout(struct configread *r, const struct yamlnode *map)
{
	static const char *const known[] = { "columns", "sections", "warnings", "series", "contradictions",
		"ratios", NULL };
	bool ok = false;
	struct reader t = { .r = r };
	if (!yamlnode_only(map, "layout", known, r->e))
		return false;
	const struct yamlnode *sections = configread_need(r, map, "layout", "sections");
	t.layout = sections == NULL ? NULL : configread_alloc(r, 1, sizeof *t.layout);
	t.placed = t.layout == NULL ? NULL : configread_alloc(r, r->config->n_asked, 1);
	if (t.placed == NULL)
		return false;
	t.scratch = calloc(ROWS_MAX, sizeof *t.scratch);
	if (t.scratch == NULL) {
		err_set(r->e, ERR_MEMORY, "out of memory");
		goto done;
	}
	ok = read_columns(&t, yamlnode_get(map, "columns")) && read_sections(&t, sections) &&
	     configread_checks(
		 r, yamlnode_get(map, "warnings"), "warnings", &t.layout->check, &t.layout->n_checks) &&
	     read_rules(&t, map);
	r->config->layout = t.layout;
done:
	free(t.scratch);
	return ok;
}
