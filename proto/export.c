#include "proto/export.h"

#include <stdio.h>
#include <string.h>

#include "proto/config.h"

#define ABSENT_DIMENSION "_Z" /* not applicable, as in SDMX */

static const struct release_table *table_of(const struct config *config, const char *id)
{
	for (uint16_t i = 0; i < config->n_tables; i++)
		if (strcmp(config->table[i].id, id) == 0)
			return &config->table[i];
	return NULL;
}

static bool has_measure(const struct release_table *table, uint16_t measure)
{
	for (uint16_t i = 0; i < table->n_measures; i++)
		if (table->measure[i] == measure)
			return true;
	return false;
}

static bool check_row(
    const struct release_row *row, const struct release_table *table, const struct config *config)
{
	if (!has_measure(table, row->measure) || row->state < RELEASE_PUBLISHED ||
	    row->state > RELEASE_PERTURBED)
		return false;
	for (uint16_t d = 0; d < table->n_dims; d++)
		if (row->code[d] >= config->list[table->dim[d]].n_codes)
			return false;
	return row->state == RELEASE_PUBLISHED || row->state == RELEASE_PERTURBED || row->value == 0;
}

static bool check_table(const struct release_rows_table *t, const struct config *config, struct err *e)
{
	const struct release_table *table = table_of(config, t->id);
	if (table == NULL || table->n_dims != t->n_dims)
		return err_set(e, ERR_INVALID, "export: a table the configuration does not have");
	for (uint16_t d = 0; d < t->n_dims; d++)
		if (strcmp(config->list[table->dim[d]].name, t->dim[d]) != 0)
			return err_set(e, ERR_INVALID, "export: table %s has other dimensions", t->id);
	for (size_t i = 0; i < t->n_rows; i++)
		if (!check_row(&t->row[i], table, config) ||
		    (i > 0 && release_row_compare(&t->row[i - 1], &t->row[i], t->n_dims) >= 0))
			return err_set(
			    e, ERR_INVALID, "export: table %s, row %zu: place, state or order", t->id, i);
	return true;
}

bool export_check(const struct release_rows *rows, const struct config *config, struct err *e)
{
	if (strcmp(rows->dataset, config->dataset) != 0 ||
	    memcmp(rows->config, config->digest, sizeof rows->config) != 0)
		return err_set(e, ERR_INVALID, "export: rows of another dataset or configuration");
	for (size_t i = 0; i < rows->n_tables; i++)
		if (!check_table(&rows->table[i], config, e))
			return false;
	return true;
}

/* RFC 4180: quoted only where it must be. */
static void put_field(struct buf *out, const char *text)
{
	if (strpbrk(text, ",\"\r\n") == NULL) {
		buf_put_text(out, text);
		return;
	}
	buf_put_byte(out, '"');
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"')
			buf_put_byte(out, '"');
		buf_put_byte(out, (uint8_t)*c);
	}
	buf_put_byte(out, '"');
}

/* Which place in the row is of code list `list`; NO_PLACE if the table lacks it. */
static uint16_t dimension_at(const struct release_table *table, uint16_t list)
{
	for (uint16_t d = 0; d < table->n_dims; d++)
		if (table->dim[d] == list)
			return d;
	return NO_PLACE;
}

/* A list is a column if any table of the release has it. */
static bool is_column(const struct release_rows *rows, const struct config *config, uint16_t list)
{
	for (size_t i = 0; i < rows->n_tables; i++)
		if (dimension_at(table_of(config, rows->table[i].id), list) != NO_PLACE)
			return true;
	return false;
}

static const char *status_word(uint8_t state)
{
	switch (state) {
	case RELEASE_SUPPRESSED:
		return "suppressed";
	case RELEASE_NOT_REPORTED:
		return "not_reported";
	case RELEASE_NOT_ASKED:
		return "not_asked";
	case RELEASE_PERTURBED:
		return "perturbed";
	default:
		return "";
	}
}

static void put_row(struct buf *out, const struct release_rows *rows, const struct config *config,
    const struct release_table *table, const struct release_row *row)
{
	put_field(out, table->id);
	buf_put_byte(out, ',');
	put_field(out, config->measure[row->measure].name);
	for (uint16_t list = 0; list < config->n_lists; list++) {
		uint16_t d = dimension_at(table, list);
		if (d == NO_PLACE && !is_column(rows, config, list))
			continue;
		buf_put_byte(out, ',');
		put_field(out, d == NO_PLACE ? ABSENT_DIMENSION : config->list[list].code[row->code[d]].code);
	}
	buf_put_byte(out, ',');
	if (release_has_value(row->state))
		config_put_value(out, &config->measure[row->measure], row->value);
	buf_printf(out, ",%s\n", status_word(row->state));
}

bool export_csv(struct buf *out, const struct release_rows *rows, const struct config *config, struct err *e)
{
	if (!export_check(rows, config, e))
		return false;
	buf_put_text(out, "table,measure");
	for (uint16_t list = 0; list < config->n_lists; list++) {
		if (!is_column(rows, config, list))
			continue;
		buf_put_byte(out, ',');
		put_field(out, config->list[list].name);
	}
	buf_put_text(out, ",value,status\n");
	for (size_t i = 0; i < rows->n_tables; i++) {
		const struct release_rows_table *t = &rows->table[i];
		const struct release_table *table = table_of(config, t->id);
		for (size_t k = 0; k < t->n_rows; k++)
			put_row(out, rows, config, table, &t->row[k]);
	}
	return out->failed ? err_set(e, ERR_MEMORY, "export: out of memory") : true;
}

void export_json_name(char out[RELEASE_FILE_NAME_MAX + 1], const struct release_rows *rows, size_t table)
{
	if (table == 0)
		snprintf(out, RELEASE_FILE_NAME_MAX + 1, "release.json");
	else
		snprintf(out, RELEASE_FILE_NAME_MAX + 1, "release-%s.json", rows->table[table].id);
}
