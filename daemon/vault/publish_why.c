/* Why a hidden cell is hidden, in words for the operator: from the engine's explain.csv, whose lines are
 * cell,state,rules,protects,against,through,price and whose cells are the codes of its grid joined by '|'.
 * The price tells about counts and is not shown. */
#include "daemon/vault/publish_parts.h"
#include <string.h>

#define FIELDS 5 /* cell, state, rules, protects, against */

static const char *total_of(const struct config *config, const char *list)
{
	uint16_t place = model_list(config, list);
	uint16_t total = place == NO_PLACE ? NO_PLACE : model_total(&config->list[place]);

	return total == NO_PLACE ? "_T" : config->list[place].code[total].code;
}

static const char *code_in(const struct config *config, const struct release_table *table,
    const struct release_row *row, const char *list)
{
	for (uint16_t d = 0; d < table->n_dims; d++) {
		if (strcmp(config->list[table->dim[d]].name, list) == 0)
			return config->list[table->dim[d]].code[row->code[d]].code;
	}
	return total_of(config, list);
}

/* The row's place in the engine's grid: a multiple response is a measure of its own for each answer. */
static void put_grid_cell(struct buf *out, const struct safe_table *safe, const struct config *config,
    const struct release_table *table, const struct release_row *row)
{
	const struct measure *m = &config->measure[row->measure];

	for (size_t d = 0; d < safe_table_dimensions(safe); d++) {
		const char *name = safe_table_dimension(safe, d);

		buf_put_text(out, d ? "|" : "");
		if (strcmp(name, "measure") != 0)
			buf_put_text(out, code_in(config, table, row, name));
		else if (m->multiple && m->n_dims > 0)
			buf_printf(out, "%s:%s", m->name,
			    code_in(config, table, row, config->list[m->dim[m->n_dims - 1]].name));
		else
			buf_put_text(out, m->name);
	}
}

/* The first fields of the line that begins with cell. */
static bool find_line(struct bytes csv, struct bytes cell, struct bytes field[FIELDS])
{
	while (csv.len > 0) {
		const uint8_t *end = memchr(csv.at, '\n', csv.len);
		struct bytes line = bytes_of(csv.at, end ? (size_t)(end - csv.at) : csv.len);

		csv = bytes_of(csv.at + line.len + (end != NULL), csv.len - line.len - (end != NULL));
		if (line.len <= cell.len || memcmp(line.at, cell.at, cell.len) != 0 ||
		    line.at[cell.len] != ',')
			continue;
		for (size_t i = 0; i < FIELDS; i++) {
			const uint8_t *comma = memchr(line.at, ',', line.len);

			field[i] = bytes_of(line.at, comma ? (size_t)(comma - line.at) : line.len);
			line = bytes_of(line.at + field[i].len + (comma != NULL),
			    line.len - field[i].len - (comma != NULL));
		}
		return true;
	}
	return false;
}

static const struct {
	const char *rule, *words;
} rules[] = {
	{ "R1", "small count" },
	{ "R2", "nought" },
	{ "R3", "an office could compute the others' small rest" },
	{ "R4", "all, or all but a few, of a group" },
	{ "R5", "too few offices behind it" },
	{ "R6", "one office dominates" },
	{ "R7", "the hidden ones together would be too small" },
	{ "R8", "small count of staff" },
	{ "R9", "all, or all but a few, gave this answer" },
	{ "R10", "a derived figure would tell it" },
	{ "R11", "another year's release would tell it" },
	{ "R12", "what was not reported could be computed" },
};

static void put_rules(struct buf *out, struct bytes list)
{
	bool any = false;

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		size_t len = strlen(rules[i].rule);

		for (size_t at = 0; at + len <= list.len; at++) {
			bool begins = at == 0 || strchr(" +", list.at[at - 1]) != NULL;
			bool ends = at + len == list.len || strchr(" +", list.at[at + len]) != NULL;

			if (!begins || !ends || memcmp(list.at + at, rules[i].rule, len) != 0)
				continue;
			buf_printf(out, "%s%s (%s)", any ? ", " : "", rules[i].words, rules[i].rule);
			any = true;
			break;
		}
	}
	if (!any)
		buf_put_bytes(out, list);
}

void built_why(struct buf *out, const struct built *b, const struct config *config,
    const struct release_table *table, const struct release_row *row)
{
	struct bytes field[FIELDS];
	struct buf cell = { 0 };

	put_grid_cell(&cell, b->result->table, config, table, row);
	if (!cell.failed && find_line(buf_bytes(&b->result->explain_csv), buf_bytes(&cell), field)) {
		if (bytes_equal(field[2], bytes_text("secondary"))) {
			buf_put_text(out, "else this could be computed: ");
			buf_put_bytes(out, field[3]);
		} else {
			put_rules(out, field[2]);
		}
	}
	buf_free(&cell);
}
