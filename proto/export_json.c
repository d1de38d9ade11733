/* The JSON-stat half of proto/export.h: one pass over the rows, which ascend as the cube's positions do. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/config.h"
#include "proto/export.h"

#define DIM_MEASURE "measure"
#define DIM_PERIOD  "period"
#define MARK_HIDDEN ".."
#define MARK_ABSENT "."
#define MARK_MOVED  "~"
#define CELLS_MAX   LIMIT_NODES_LARGE
#define PLACES      ((size_t)UINT16_MAX + 1)
#define AXES_MAX    (RELEASE_DIMS + 1)

/* The categories of one dimension of the cube: places, ascending. Axis 0 are the measures. */
struct axis {
	const struct codelist *list; /* NULL for axis 0 */
	uint16_t *place;
	size_t n;
};

struct cube {
	const struct release_rows *rows;
	const struct release_rows_table *table;
	const struct release_table *shape;
	const struct config *config;
	enum export_language language;
	struct axis axis[AXES_MAX];
	size_t n_axes;
	size_t n_cells;
};

struct words {
	const char *measure, *period, *hidden, *absent, *note, *moved, *moved_note;
};
static const struct words words[] = {
	[EXPORT_SV] = { "Mått", "Period", "Skyddat av sekretesskäl", "Ej rapporterat eller ej efterfrågat",
	    "Tecken: .. = skyddat av sekretesskäl, . = ej rapporterat eller ej efterfrågat. 0 är en verklig "
	    "nolla.",
	    "Avrundat eller ändrat av sekretesskäl",
	    "Alla antal är avrundade eller ändrade av sekretesskäl (tecken ~) och ligger nära det verkliga "
	    "antalet. "
	    "0 kan vara ett litet antal. . = ej rapporterat eller ej efterfrågat." },
	[EXPORT_EN] = { "Measure", "Period", "Suppressed for confidentiality", "Not reported or not asked",
	    "Symbols: .. = suppressed for confidentiality, . = not reported or not asked. 0 is a real "
	    "nought.",
	    "Rounded or perturbed for confidentiality",
	    "All counts are rounded or perturbed for confidentiality (symbol ~) and near the true count. 0 "
	    "may "
	    "be a small count. . = not reported or not asked." },
};

static const char *in_language(struct label label, enum export_language language)
{
	return language == EXPORT_SV ? label.sv : label.en;
}

static const char *unit_label(enum measure_unit unit, enum export_language language)
{
	static const struct label units[] = {
		[UNIT_PERSON] = { "personer", "persons" },
		[UNIT_SEK] = { "kronor", "Swedish kronor" },
		[UNIT_POST] = { "tjänster", "posts" },
		[UNIT_DAY] = { "dagar", "days" },
		[UNIT_BOOL] = { "1 = ja, 0 = nej", "1 = yes, 0 = no" },
		[UNIT_CODE] = { "kod", "code" },
		[UNIT_OTHER] = { "enheter", "units" },
	};
	return in_language(units[unit], language);
}

/* ---- JSON ---- */

static void put_string(struct buf *out, const char *text)
{
	buf_put_byte(out, '"');
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (*c < 0x20) {
			buf_printf(out, "\\u%04x", *c);
			continue;
		}
		if (*c == '"' || *c == '\\')
			buf_put_byte(out, '\\');
		buf_put_byte(out, *c);
	}
	buf_put_byte(out, '"');
}

/* The name of a member, with the comma the one before it wants. */
static void put_name(struct buf *out, const char *name)
{
	uint8_t before = out->size == 0 ? '{' : out->data[out->size - 1];
	if (before != '{' && before != '[')
		buf_put_byte(out, ',');
	put_string(out, name);
	buf_put_byte(out, ':');
}

static void put_member(struct buf *out, const char *name, const char *text)
{
	put_name(out, name);
	put_string(out, text);
}

static void put_list(struct buf *out, const char *name, const char *const *text, size_t n)
{
	put_name(out, name);
	for (size_t i = 0; i < n; i++) {
		buf_put_byte(out, i == 0 ? '[' : ',');
		put_string(out, text[i]);
	}
	buf_put_byte(out, ']');
}

/* An exact decimal number: no noughts at the end of a fraction. */
static void put_number(struct buf *out, const struct measure *measure, uint64_t value)
{
	config_put_value(out, measure, value);
	if (measure->decimals == 0 || out->failed)
		return;
	while (out->data[out->size - 1] == '0')
		out->size--;
	if (out->data[out->size - 1] == '.')
		out->size--;
}

/* "2024-03-31" of a time in seconds, UTC. Years to 9999 are enough. */
static void put_date(struct buf *out, uint64_t time_s)
{
	/* Days since 0000-03-01, so that the leap day ends the year: 400 years have 146,097 days. */
	uint64_t days = time_s / 86400 + 719468;
	uint64_t era = days / 146097;
	uint64_t of_era = days % 146097;
	uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * of_year + 2) / 153;
	uint64_t day = of_year - (153 * month + 2) / 5 + 1;
	month = month < 10 ? month + 3 : month - 9;
	year += 400 * era + (month <= 2);
	buf_printf(out, "%04" PRIu64 "-%02" PRIu64 "-%02" PRIu64, year, month, day);
}

/* ---- the cube ---- */

static uint16_t place_of(const struct release_row *row, size_t axis)
{
	return axis == 0 ? row->measure : row->code[axis - 1];
}

/* The places that occur in the table's rows. */
static bool fill_axis(struct cube *c, size_t a, uint8_t *seen)
{
	struct axis *axis = &c->axis[a];
	memset(seen, 0, PLACES);
	for (size_t i = 0; i < c->table->n_rows; i++) {
		uint16_t place = place_of(&c->table->row[i], a);
		axis->n += !seen[place];
		seen[place] = 1;
	}
	axis->place = malloc(axis->n * sizeof *axis->place);
	if (axis->place == NULL)
		return false;
	for (size_t p = 0, n = 0; p < PLACES; p++)
		if (seen[p])
			axis->place[n++] = (uint16_t)p;
	axis->list = a == 0 ? NULL : &c->config->list[c->shape->dim[a - 1]];
	return true;
}

static bool cube_open(struct cube *c, struct err *e)
{
	uint8_t *seen = malloc(PLACES);
	bool ok = seen != NULL;
	c->n_axes = 1 + (size_t)c->table->n_dims;
	c->n_cells = 1;
	for (size_t a = 0; ok && a < c->n_axes; a++)
		ok = fill_axis(c, a, seen);
	free(seen);
	if (!ok) {
		err_set(e, ERR_MEMORY, "export: out of memory");
		return false;
	}
	for (size_t a = 0; a < c->n_axes; a++) {
		if (c->axis[a].n > CELLS_MAX / c->n_cells)
			return err_set(e, ERR_LIMIT, "export: table %s has too many cells", c->table->id);
		c->n_cells *= c->axis[a].n;
	}
	return true;
}

static void cube_close(struct cube *c)
{
	for (size_t a = 0; a < c->n_axes; a++)
		free(c->axis[a].place);
}

static const char *category_code(const struct cube *c, size_t a, uint16_t place)
{
	return a == 0 ? c->config->measure[place].name : c->axis[a].list->code[place].code;
}

static struct label category_label(const struct cube *c, size_t a, uint16_t place)
{
	return a == 0 ? c->config->measure[place].label : c->axis[a].list->code[place].label;
}

static void put_units(struct buf *out, const struct cube *c)
{
	put_name(out, "unit");
	buf_put_byte(out, '{');
	for (size_t i = 0; i < c->axis[0].n; i++) {
		const struct measure *m = &c->config->measure[c->axis[0].place[i]];
		put_name(out, m->name);
		buf_put_byte(out, '{');
		put_member(out, "label", unit_label(m->unit, c->language));
		put_name(out, "decimals");
		buf_printf(out, "%u}", m->decimals);
	}
	buf_put_byte(out, '}');
}

static void put_dimension(struct buf *out, const struct cube *c, size_t a)
{
	const struct axis *axis = &c->axis[a];
	put_name(out, a == 0 ? DIM_MEASURE : axis->list->name);
	buf_put_byte(out, '{');
	put_member(
	    out, "label", a == 0 ? words[c->language].measure : in_language(axis->list->label, c->language));
	put_name(out, "category");
	buf_put_text(out, "{\"index\":{");
	for (size_t i = 0; i < axis->n; i++) {
		put_name(out, category_code(c, a, axis->place[i]));
		buf_printf(out, "%zu", i);
	}
	buf_put_text(out, "},\"label\":{");
	for (size_t i = 0; i < axis->n; i++)
		put_member(out, category_code(c, a, axis->place[i]),
		    in_language(category_label(c, a, axis->place[i]), c->language));
	buf_put_byte(out, '}');
	if (a == 0)
		put_units(out, c);
	buf_put_text(out, "}}");
}

static void put_period(struct buf *out, const struct cube *c)
{
	const char *period = c->rows->period;
	put_name(out, DIM_PERIOD);
	buf_put_byte(out, '{');
	put_member(out, "label", words[c->language].period);
	buf_put_text(out, ",\"category\":{\"index\":{");
	put_name(out, period);
	buf_put_text(out, "0},\"label\":{");
	put_member(out, period, period);
	buf_put_text(out, "}}}");
}

/* Are the figures rounded or moved? All are, or none. */
static bool is_moved(const struct cube *c)
{
	for (size_t i = 0; i < c->table->n_rows; i++)
		if (c->table->row[i].state == RELEASE_PERTURBED)
			return true;
	return false;
}

static void put_head(struct buf *out, const struct cube *c, uint64_t updated_s)
{
	static const char *const metric[] = { DIM_MEASURE };
	static const char *const time[] = { DIM_PERIOD };
	buf_put_byte(out, '{');
	put_member(out, "version", "2.0");
	put_member(out, "class", "dataset");
	put_member(out, "label", in_language(c->shape->label, c->language));
	put_name(out, "updated");
	buf_put_byte(out, '"');
	put_date(out, updated_s);
	buf_put_byte(out, '"');
	put_list(out, "note", is_moved(c) ? &words[c->language].moved_note : &words[c->language].note, 1);
	put_name(out, "id");
	buf_put_text(out, "[\"" DIM_MEASURE "\"");
	for (size_t a = 1; a < c->n_axes; a++) {
		buf_put_byte(out, ',');
		put_string(out, c->axis[a].list->name);
	}
	buf_put_text(out, ",\"" DIM_PERIOD "\"],\"size\":[");
	for (size_t a = 0; a < c->n_axes; a++)
		buf_printf(out, "%zu,", c->axis[a].n);
	buf_put_text(out, "1]");
	put_name(out, "role");
	buf_put_byte(out, '{');
	put_list(out, "time", time, 1);
	put_list(out, "metric", metric, 1);
	buf_put_byte(out, '}');
	put_name(out, "dimension");
	buf_put_byte(out, '{');
	for (size_t a = 0; a < c->n_axes; a++)
		put_dimension(out, c, a);
	put_period(out, c);
	buf_put_byte(out, '}');
}

/* The next position of the cube, the last axis fastest. */
static void advance(const struct cube *c, size_t at[AXES_MAX])
{
	for (size_t a = c->n_axes; a-- > 0;) {
		if (++at[a] < c->axis[a].n)
			return;
		at[a] = 0;
	}
}

static bool is_at(const struct cube *c, const size_t at[AXES_MAX], const struct release_row *row)
{
	for (size_t a = 0; a < c->n_axes; a++)
		if (c->axis[a].place[at[a]] != place_of(row, a))
			return false;
	return true;
}

static void put_mark(struct buf *marks, size_t position, const char *mark)
{
	buf_printf(marks, "%s\"%zu\":\"%s\"", marks->size == 0 ? "" : ",", position, mark);
}

/* Values and, into marks, the status of those that have none. A position without a row was not asked. */
static void put_cells(struct buf *out, struct buf *marks, const struct cube *c)
{
	size_t at[AXES_MAX] = { 0 };
	size_t next = 0;
	for (size_t i = 0; i < c->n_cells; i++, advance(c, at)) {
		const struct release_row *row = NULL;
		if (next < c->table->n_rows && is_at(c, at, &c->table->row[next]))
			row = &c->table->row[next++];
		if (i > 0)
			buf_put_byte(out, ',');
		if (row != NULL && release_has_value(row->state)) {
			put_number(out, &c->config->measure[row->measure], row->value);
			if (row->state == RELEASE_PERTURBED)
				put_mark(marks, i, MARK_MOVED);
			continue;
		}
		buf_put_text(out, "null");
		bool hidden = row != NULL && row->state == RELEASE_SUPPRESSED;
		put_mark(marks, i, hidden ? MARK_HIDDEN : MARK_ABSENT);
	}
}

static void put_extension(struct buf *out, const struct cube *c)
{
	put_name(out, "extension");
	buf_put_text(out, "{\"status\":{\"label\":{");
	put_member(out, MARK_HIDDEN, words[c->language].hidden);
	put_member(out, MARK_ABSENT, words[c->language].absent);
	if (is_moved(c))
		put_member(out, MARK_MOVED, words[c->language].moved);
	buf_put_text(out, "}},\"cellveil\":{");
	put_member(out, "dataset", c->rows->dataset);
	put_member(out, "period", c->rows->period);
	put_name(out, "revision");
	buf_printf(out, "%" PRIu64, c->rows->revision);
	put_member(out, "table", c->table->id);
	put_name(out, "config");
	buf_put_byte(out, '"');
	buf_put_hex(out, bytes_of(c->rows->config, sizeof c->rows->config));
	buf_put_text(out, "\"}}}\n");
}

static bool names_are_free(const struct cube *c, struct err *e)
{
	for (uint16_t d = 0; d < c->table->n_dims; d++)
		if (strcmp(c->table->dim[d], DIM_MEASURE) == 0 || strcmp(c->table->dim[d], DIM_PERIOD) == 0)
			return err_set(
			    e, ERR_INVALID, "export: a dimension may not be called measure or period");
	return true;
}

static const struct release_table *shape_of(const struct config *config, const char *id)
{
	const struct release_table *shape = config->table;
	while (strcmp(shape->id, id) != 0) /* export_check has found it */
		shape++;
	return shape;
}

bool export_json_stat(struct buf *out, const struct release_rows *rows, size_t table,
    const struct config *config, enum export_language language, uint64_t updated_s, struct err *e)
{
	struct cube c = { .rows = rows, .config = config, .language = language };
	struct buf marks = { 0 };
	bool ok = false;
	if (table >= rows->n_tables || rows->table[table].n_rows == 0 || updated_s > LIMIT_HASH_TOTAL) {
		err_set(
		    e, ERR_INVALID, "export: no such table, a table without rows, or a time out of range");
		goto done;
	}
	c.table = &rows->table[table];
	if (!export_check(rows, config, e) || !names_are_free(&c, e))
		goto done;
	c.shape = shape_of(config, c.table->id);
	if (!cube_open(&c, e))
		goto done;
	put_head(out, &c, updated_s);
	put_name(out, "value");
	buf_put_byte(out, '[');
	put_cells(out, &marks, &c);
	buf_put_byte(out, ']');
	put_name(out, "status");
	buf_put_byte(out, '{');
	buf_put_bytes(out, buf_bytes(&marks));
	buf_put_byte(out, '}');
	put_extension(out, &c);
	ok = out->failed || marks.failed ? err_set(e, ERR_MEMORY, "export: out of memory") : true;
done:
	cube_close(&c);
	buf_free(&marks);
	return ok;
}
