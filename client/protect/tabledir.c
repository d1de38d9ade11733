#include "client/protect/tabledir.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/protect/csvlines.h"
#include "proto/model.h"
#include "proto/name.h"

struct columns { /* of cells.csv */
	size_t n_dims;
	char *dim[TABLE_DIMS_MAX];
	size_t place[TABLE_DIMS_MAX];
	size_t office, freq, status; /* SIZE_MAX: there is none */
};

static void columns_free(struct columns *k)
{
	for (size_t i = 0; i < k->n_dims; i++)
		free(k->dim[i]);
	k->n_dims = 0;
}

/* A file of the folder exists. */
static bool present(const char *dir, const char *name)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return access(path, F_OK) == 0; /* one that cannot be read is an error, not passed over */
}

static bool columns_add(struct columns *k, const char *name, size_t place, struct err *e)
{
	if (k->n_dims == TABLE_DIMS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d dimensions", TABLE_DIMS_MAX);
	k->dim[k->n_dims] = strdup(name);
	if (k->dim[k->n_dims] == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	k->place[k->n_dims++] = place;
	return true;
}

/* `office` is a dimension if there is a hier_office.csv, else the column that says who contributed. */
static bool columns_read(struct columns *k, const struct csvlines *c, const char *dir, struct err *e)
{
	*k = (struct columns){ .office = SIZE_MAX, .freq = SIZE_MAX, .status = SIZE_MAX };
	for (size_t i = 0; i < c->n_columns; i++) {
		const char *name = c->field[i];
		bool office = strcmp(name, "office") == 0 && !present(dir, "hier_office.csv");
		size_t *known = office                        ? &k->office
				: strcmp(name, "freq") == 0   ? &k->freq
				: strcmp(name, "status") == 0 ? &k->status
							      : NULL;
		if (known == NULL) {
			for (size_t j = 0; j < k->n_dims; j++)
				if (strcmp(k->dim[j], name) == 0) {
					err_set(e, ERR_MALFORMED, "column %s stands twice", name);
					return csvlines_at(c, e);
				}
			if (!columns_add(k, name, i, e))
				return csvlines_at(c, e);
		} else if (*known != SIZE_MAX) {
			err_set(e, ERR_MALFORMED, "column %s stands twice", name);
			return csvlines_at(c, e);
		} else {
			*known = i;
		}
	}
	if (k->freq == SIZE_MAX || k->n_dims == 0) {
		err_set(e, ERR_MALFORMED, "dimension columns and a column freq are expected");
		return csvlines_at(c, e);
	}
	for (size_t i = 0; i < 2; i++) { /* a dimension of that name would be taken for the column */
		static const char *const file[] = { "hier_freq.csv", "hier_status.csv" };
		if (present(dir, file[i]))
			return err_set(
			    e, ERR_INVALID, "%s/%s: freq and status are no dimensions' names", dir, file[i]);
	}
	return true;
}

/* Is this file's name that of a hierarchy, and of none of the dimensions? */
static bool is_stray(const struct columns *k, const char *file)
{
	size_t len = strlen(file);
	if (len <= 9 || strncmp(file, "hier_", 5) != 0 || strcmp(file + len - 4, ".csv") != 0)
		return false;
	for (size_t i = 0; i < k->n_dims; i++)
		if (strlen(k->dim[i]) == len - 9 && strncmp(k->dim[i], file + 5, len - 9) == 0)
			return false;
	return true;
}

/* A hierarchy without a column was meant for something: a total of it must not be taken for the whole table. */
static bool strays_refuse(const struct columns *k, const char *dir, struct err *e)
{
	bool ok = true;
	DIR *d = opendir(dir);
	if (d == NULL)
		return err_set(e, ERR_SYSTEM, "%s: cannot be opened", dir);
	for (struct dirent *entry; ok && (entry = readdir(d)) != NULL;)
		if (is_stray(k, entry->d_name))
			ok = err_set(
			    e, ERR_INVALID, "%s/%s: cells.csv has no such dimension", dir, entry->d_name);
	closedir(d);
	return ok;
}

static size_t column(const struct csvlines *c, const char *name)
{
	for (size_t i = 0; i < c->n_columns; i++)
		if (strcmp(c->field[i], name) == 0)
			return i;
	return SIZE_MAX;
}

static bool count_read(const char *column, const char *text, uint64_t *out, struct err *e)
{
	uint64_t value = 0;
	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return err_set(
		    e, ERR_INVALID, "%s: a whole number without leading zeros is expected", column);
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return err_set(e, ERR_INVALID, "%s: not a whole number that is zero or more", column);
		value = value * 10 + (uint64_t)(*text - '0');
		if (value >= LIMIT_VALUE)
			return err_set(e, ERR_LIMIT, "%s: larger than any count of people", column);
	}
	*out = value;
	return true;
}

static bool month_read(const char *text, bool last, uint32_t none, uint32_t *out, struct err *e)
{
	uint32_t first;
	uint32_t n;
	*out = none;
	if (text[0] == '\0')
		return true;
	if (!model_period_months(text, &first, &n))
		return err_set(e, ERR_MALFORMED, "from, to: a year or a month such as 2023-07 is expected");
	*out = last ? first + n - 1 : first;
	return true;
}

struct hier_columns {
	size_t level, code, from, to, view;
};

static bool hier_line(
    struct table_input *t, const struct csvlines *c, const struct hier_columns *k, struct err *e)
{
	const char *level = c->field[k->level];
	size_t depth = strspn(level, "@");
	uint32_t from = 0;
	uint32_t to = UINT32_MAX;
	bool view = false;
	if (depth == 0 || level[depth] != '\0' || depth > TABLE_DEPTH_MAX)
		return err_set(e, ERR_MALFORMED, "level: one to %d marks @ are expected", TABLE_DEPTH_MAX);
	if (k->from != SIZE_MAX && !month_read(c->field[k->from], false, 0, &from, e))
		return false;
	if (k->to != SIZE_MAX && !month_read(c->field[k->to], true, UINT32_MAX, &to, e))
		return false;
	if (from > to)
		return err_set(e, ERR_INVALID, "from, to: the code ends before it begins");
	if (k->view != SIZE_MAX) {
		const char *text = c->field[k->view];
		view = strcmp(text, "1") == 0;
		if (!view && text[0] != '\0' && strcmp(text, "0") != 0)
			return err_set(e, ERR_MALFORMED, "view: 1, 0 or nothing is expected");
	}
	if (!name_is_text(bytes_text(c->field[k->code])))
		return err_set(e, ERR_MALFORMED, "code: not UTF-8, or with control characters");
	return table_add_code(t, (unsigned)depth, c->field[k->code], from, to, view, c->line, e);
}

static bool hier_read(struct table_input *t, const char *dir, const char *dim, struct err *e)
{
	char name[TABLE_CODE_MAX + 16];
	struct csvlines c;
	struct err end = { 0 };
	bool ok = false;
	snprintf(name, sizeof name, "hier_%s.csv", dim);
	if (!csvlines_open(&c, dir, name, e))
		goto done;
	struct hier_columns k = { column(&c, "level"), column(&c, "code"), column(&c, "from"),
		column(&c, "to"), column(&c, "view") };
	size_t known = 2 + 2 * (k.from != SIZE_MAX) + (k.view != SIZE_MAX);
	if (k.level == SIZE_MAX || k.code == SIZE_MAX || (k.from == SIZE_MAX) != (k.to == SIZE_MAX) ||
	    known != c.n_columns) {
		err_set(e, ERR_MALFORMED, "the header is level,code[,from,to][,view]");
		csvlines_at(&c, e);
		goto done;
	}
	if (!table_add_dimension(t, dim, 1, e)) {
		csvlines_at(&c, e);
		goto done;
	}
	while (csvlines_next(&c, &end))
		if (!hier_line(t, &c, &k, e)) {
			csvlines_at(&c, e);
			goto done;
		}
	ok = end.code == ERR_NONE;
	if (!ok && e != NULL)
		*e = end;
done:
	csvlines_close(&c);
	return ok;
}

static bool status_read(const char *text, enum cell_status *out, struct err *e)
{
	static const char *const word[] = { "", "nr", "na", "structural", "blank" };
	for (unsigned i = 0; i < 5; i++)
		if (strcmp(text, word[i]) == 0) {
			*out = (enum cell_status)i;
			return true;
		}
	return err_set(e, ERR_MALFORMED, "status: nr, na, structural, blank or nothing is expected");
}

static bool cell_line(struct table_input *t, const struct csvlines *c, const struct columns *k, struct err *e)
{
	const char *code[TABLE_DIMS_MAX];
	enum cell_status status = CELL_VALUE;
	uint64_t freq = 0;
	for (size_t i = 0; i < k->n_dims; i++)
		code[i] = c->field[k->place[i]];
	if (k->status != SIZE_MAX && !status_read(c->field[k->status], &status, e))
		return false;
	if ((status == CELL_VALUE || c->field[k->freq][0] != '\0') &&
	    !count_read("freq", c->field[k->freq], &freq, e))
		return false;
	return table_add_cell(
	    t, code, k->office == SIZE_MAX ? NULL : c->field[k->office], status, freq, c->line, e);
}

static bool cells_read(struct table_input *t, struct csvlines *c, const struct columns *k, struct err *e)
{
	struct err end = { 0 };
	while (csvlines_next(c, &end))
		if (!cell_line(t, c, k, e))
			return csvlines_at(c, e);
	if (end.code != ERR_NONE && e != NULL)
		*e = end;
	return end.code == ERR_NONE;
}

/* forced.csv and structural.csv: one pattern a line. */
typedef bool pattern_add(struct table_input *t, const char *const *code, unsigned line, struct err *e);

static bool patterns_read(struct table_input *t, const char *dir, const char *name, const struct columns *k,
    pattern_add *add, struct err *e)
{
	struct csvlines c;
	struct err end = { 0 };
	size_t place[TABLE_DIMS_MAX];
	bool ok = false;
	if (!present(dir, name))
		return true;
	if (!csvlines_open(&c, dir, name, e))
		goto done;
	for (size_t i = 0; i < k->n_dims; i++) {
		place[i] = column(&c, k->dim[i]);
		if (place[i] == SIZE_MAX || c.n_columns != k->n_dims) {
			err_set(e, ERR_MALFORMED, "the header names each dimension once and nothing else");
			csvlines_at(&c, e);
			goto done;
		}
	}
	while (csvlines_next(&c, &end)) {
		const char *code[TABLE_DIMS_MAX];
		for (size_t i = 0; i < k->n_dims; i++)
			code[i] = c.field[place[i]];
		if (!add(t, code, c.line, e)) {
			csvlines_at(&c, e);
			goto done;
		}
	}
	ok = end.code == ERR_NONE;
	if (!ok && e != NULL)
		*e = end;
done:
	csvlines_close(&c);
	return ok;
}

/* tables.csv: the lines of one table stand together. */
struct printed {
	char id[TABLE_CODE_MAX + 1];
	char *codes[TABLE_DIMS_MAX];
	unsigned line;
};

static bool printed_flush(struct table_input *t, const struct columns *k, struct printed *p, struct err *e)
{
	bool ok = p->id[0] == '\0' || table_add_printed(t, p->id, (const char *const *)p->codes, p->line, e);
	for (size_t i = 0; i < k->n_dims; i++) {
		free(p->codes[i]);
		p->codes[i] = NULL;
	}
	p->id[0] = '\0';
	return ok;
}

static bool printed_line(struct table_input *t, const struct csvlines *c, const struct columns *k,
    struct printed *p, struct err *e)
{
	if (c->field[0][0] == '\0' || strlen(c->field[0]) >= sizeof p->id)
		return err_set(
		    e, ERR_MALFORMED, "table: a name of 1 to %d bytes is expected", TABLE_CODE_MAX);
	if (strcmp(p->id, c->field[0]) != 0) {
		if (!printed_flush(t, k, p, e))
			return false;
		memcpy(p->id, c->field[0], strlen(c->field[0]) + 1); /* bounded above */
		p->line = c->line;
	}
	for (size_t i = 0; i < k->n_dims; i++) {
		if (strcmp(k->dim[i], c->field[1]) != 0)
			continue;
		if (p->codes[i] != NULL)
			return err_set(e, ERR_MALFORMED, "dim: the table names this dimension twice");
		p->codes[i] = strdup(c->field[2]);
		return p->codes[i] != NULL || err_set(e, ERR_MEMORY, "no memory");
	}
	return err_set(e, ERR_MALFORMED, "dim: no such dimension");
}

static bool printed_read(struct table_input *t, const char *dir, const struct columns *k, struct err *e)
{
	struct csvlines c;
	struct err end = { 0 };
	struct printed p = { 0 };
	bool ok = false;
	bool any = false;
	if (!present(dir, "tables.csv"))
		return true;
	if (!csvlines_open(&c, dir, "tables.csv", e))
		goto done;
	if (c.n_columns != 3 || strcmp(c.field[0], "table") != 0 || strcmp(c.field[1], "dim") != 0 ||
	    strcmp(c.field[2], "codes") != 0) {
		err_set(e, ERR_MALFORMED, "the header is table,dim,codes");
		csvlines_at(&c, e);
		goto done;
	}
	for (; csvlines_next(&c, &end); any = true)
		if (!printed_line(t, &c, k, &p, e)) {
			csvlines_at(&c, e);
			goto done;
		}
	if (end.code != ERR_NONE) {
		if (e != NULL)
			*e = end;
		goto done;
	}
	if (!any) { /* without the file all is printed: not what this one says */
		err_set(e, ERR_INVALID, "no table is named; without this file every cell is printed");
		csvlines_at(&c, e);
		goto done;
	}
	ok = printed_flush(t, k, &p, e) || csvlines_at(&c, e);
done:
	printed_flush(t, k, &p, NULL);
	csvlines_close(&c);
	return ok;
}

/* Splits "a|b|c" into one code a dimension, in place. */
static bool joined_split(char *text, const struct columns *k, const char **code, struct err *e)
{
	for (size_t i = 0; i < k->n_dims; i++) {
		code[i] = strsep(&text, "|");
		if (code[i] == NULL)
			break;
	}
	if (text != NULL || code[k->n_dims - 1] == NULL)
		return err_set(e, ERR_MALFORMED, "a cell is one code for each dimension, joined by |");
	return true;
}

static bool derived_line(
    struct table_input *t, const struct csvlines *c, const struct columns *k, struct err *e)
{
	const char *numerator[TABLE_DIMS_MAX] = { 0 };
	const char *denominator[TABLE_DIMS_MAX] = { 0 };
	uint64_t constant = 0;
	uint64_t factor;
	uint64_t digits;
	bool ok = false;
	char *top = strdup(c->field[1]);
	char *below = strdup(c->field[2]);
	if (top == NULL || below == NULL) {
		err_set(e, ERR_MEMORY, "no memory");
		goto done;
	}
	bool cell = strchr(below, '|') != NULL || k->n_dims == 1;
	if (k->n_dims == 1 && count_read("", below, &constant, NULL))
		cell = false;
	if (!joined_split(top, k, numerator, e) || (cell && !joined_split(below, k, denominator, e)) ||
	    (!cell && !count_read("denominator", below, &constant, e)) ||
	    !count_read("factor", c->field[3], &factor, e) || !count_read("digits", c->field[4], &digits, e))
		goto done;
	if (factor == 0 || factor > UINT32_MAX || digits > 9 || (!cell && constant == 0)) {
		err_set(
		    e, ERR_INVALID, "factor from 1, digits 0 to 9, a denominator above zero are expected");
		goto done;
	}
	ok = table_add_derived(t, c->field[0], numerator, cell ? denominator : NULL, constant,
	    (uint32_t)factor, (unsigned)digits, c->line, e);
done:
	free(top);
	free(below);
	return ok;
}

static bool derived_read(struct table_input *t, const char *dir, const struct columns *k, struct err *e)
{
	struct csvlines c;
	struct err end = { 0 };
	bool ok = false;
	if (!present(dir, "derived.csv"))
		return true;
	if (!csvlines_open(&c, dir, "derived.csv", e))
		goto done;
	static const char *const header[] = { "id", "numerator", "denominator", "factor", "digits" };
	for (size_t i = 0; i < 5; i++)
		if (c.n_columns != 5 || strcmp(c.field[i], header[i]) != 0) {
			err_set(e, ERR_MALFORMED, "the header is id,numerator,denominator,factor,digits");
			csvlines_at(&c, e);
			goto done;
		}
	while (csvlines_next(&c, &end))
		if (!derived_line(t, &c, k, e)) {
			csvlines_at(&c, e);
			goto done;
		}
	ok = end.code == ERR_NONE;
	if (!ok && e != NULL)
		*e = end;
done:
	csvlines_close(&c);
	return ok;
}

struct table_input *tabledir_read(const char *dir, bool cells, struct err *e)
{
	struct table_input *t = table_new();
	struct csvlines c = { 0 };
	struct columns k = { 0 };
	size_t at = 0;
	bool ok = false;
	if (t == NULL) {
		err_set(e, ERR_MEMORY, "no memory");
		return NULL;
	}
	if (!csvlines_open(&c, dir, "cells.csv", e) || !columns_read(&k, &c, dir, e) ||
	    !strays_refuse(&k, dir, e))
		goto done;
	for (size_t i = 0; i < k.n_dims; i++)
		if (!hier_read(t, dir, k.dim[i], e))
			goto done;
	if (!table_end_dimensions(t, &at, e)) {
		err_wrap(e, "%s/hier_%s.csv", dir, k.dim[at]);
		goto done;
	}
	if (cells && !cells_read(t, &c, &k, e))
		goto done;
	if (!printed_read(t, dir, &k, e) || !patterns_read(t, dir, "forced.csv", &k, table_add_forced, e) ||
	    !patterns_read(t, dir, "structural.csv", &k, table_add_structural, e) ||
	    !patterns_read(t, dir, "absent.csv", &k, table_add_absent, e) ||
	    !patterns_read(t, dir, "covered.csv", &k, table_add_covered, e) || !derived_read(t, dir, &k, e))
		goto done;
	static const char *const file[] = { "", "/cells.csv", "/structural.csv", "/derived.csv" };
	ok = table_finish(t, e) || err_wrap(e, "%s%s", dir, file[table_fault(t)]);
	ok = ok && (table_blanks_fit(t, e) || err_wrap(e, "%s/cells.csv", dir));
done:
	columns_free(&k);
	csvlines_close(&c);
	if (!ok) {
		table_free(t);
		t = NULL;
	}
	return t;
}
