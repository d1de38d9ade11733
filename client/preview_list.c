/* A preview figure by figure: the list and the JSON. */
#include "client/preview_print.h"
#include "client/table_print.h"
#include "client/text.h"
#include "proto/config.h"
#include <string.h>

const struct release_row *preview_find_row(const struct release_rows_table *t, const struct release_row *want)
{
	size_t low = 0, high = t->n_rows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = release_row_compare(&t->row[middle], want, t->n_dims);
		if (order == 0)
			return &t->row[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* The row of table t that prints the cell for the office alone; NULL if it prints none. */
static const struct release_row *find_row(
    const struct preview *p, const struct config *config, size_t t, const struct cell_id *id)
{
	const struct release_table *table = &p->config.table[t];
	const struct measure *m = &config->measure[id->measure];
	struct release_row want = { .measure = id->measure };

	for (uint16_t d = 0; d < table->n_dims; d++) {
		for (uint16_t k = 0; k < m->n_dims; k++)
			if (m->dim[k] == table->dim[d])
				want.code[d] = id->code[k];
	}
	return preview_find_row(&p->rows.table[t], &want);
}

enum preview_sight preview_sight(
    const struct preview *p, const struct config *config, const struct figures *figures, uint32_t i)
{
	const struct cell_id *id = &config->asked[i];
	bool in_table = false;

	if (figures->state[i] != FIGURE_VALUE)
		return SIGHT_NOT_REPORTED;
	for (size_t t = 0; t < p->rows.n_tables; t++) {
		const struct release_row *row = find_row(p, config, t, id);
		if (row != NULL && (row->state == RELEASE_PUBLISHED || row->state == RELEASE_STRUCTURAL))
			return SIGHT_EVERYBODY;
		in_table = in_table || row != NULL;
	}
	return in_table || (p->refused && preview_is_published(config, id->measure)) ? SIGHT_HIDDEN
										     : SIGHT_NO_TABLE;
}

static const char *label_in(struct label label, enum language language)
{
	return language == LANGUAGE_SV ? label.sv : label.en;
}

/* "Clients, Women, 18–29" */
static void put_label(
    struct buf *out, const struct config *config, const struct cell_id *id, enum language language)
{
	const struct measure *m = &config->measure[id->measure];

	buf_put_text(out, label_in(m->label, language));
	for (uint16_t d = 0; d < m->n_dims; d++)
		buf_printf(out, ", %s", label_in(config->list[m->dim[d]].code[id->code[d]].label, language));
}

static const char *sight_text(enum preview_sight sight)
{
	static const char *const text[] = { N_("everybody"), N_("nobody: hidden"), N_("nobody: in no table"),
		N_("not reported") };

	return _(text[sight]);
}

static void put_padded(struct buf *out, struct buf *text, size_t width, bool right)
{
	buf_put_byte(text, 0);
	size_t used = text->failed ? width : text_width((const char *)text->data);
	size_t n = width > used ? width - used : 0;

	for (; right && n > 0; n--)
		buf_put_byte(out, ' ');
	buf_put_text(out, text->failed ? "" : (const char *)text->data);
	for (; n > 0; n--)
		buf_put_byte(out, ' ');
	buf_clear(text);
}

static size_t label_width(const struct config *config, enum language language)
{
	struct buf text = { 0 };
	size_t widest = 0;

	for (uint32_t i = 0; i < config->n_asked; i++) {
		buf_clear(&text);
		put_label(&text, config, &config->asked[i], language);
		buf_put_byte(&text, 0);
		size_t width = text.failed ? 0 : text_width((const char *)text.data);
		widest = width > widest ? width : widest;
	}
	buf_free(&text);
	return widest;
}

bool preview_put_list(struct buf *out, const struct preview *p, const struct config *config,
    const struct figures *figures, enum language language, struct err *e)
{
	size_t width = label_width(config, language);
	struct buf text = { 0 };

	for (uint32_t i = 0; i < config->n_asked; i++) {
		const struct measure *m = &config->measure[config->asked[i].measure];
		if (figures->state[i] == FIGURE_NOT_ASKED)
			continue;
		put_label(&text, config, &config->asked[i], language);
		put_padded(out, &text, width, false);
		if (figures->state[i] == FIGURE_VALUE && m->unit == UNIT_BOOL)
			buf_put_text(&text, figures->value[i] != 0 ? _("yes") : _("no"));
		else if (figures->state[i] == FIGURE_VALUE)
			table_put_number(&text, figures->value[i], m->decimals, language);
		put_padded(out, &text, 12, true);
		buf_printf(out, "  %s\n", sight_text(preview_sight(p, config, figures, i)));
	}
	buf_free(&text);
	return !out->failed || err_set(e, ERR_MEMORY, "no memory for the preview");
}

static void put_figure_json(struct buf *out, const struct preview *p, const struct config *config,
    const struct figures *figures, uint32_t i, enum language language)
{
	static const char *const why[] = { "published", "hidden", "in-no-table", "not-reported" };
	const struct cell_id *id = &config->asked[i];
	enum preview_sight sight = preview_sight(p, config, figures, i);
	struct buf label = { 0 };

	buf_put_text(out, "{\"cell\":\"");
	config_put_cell(out, config, id);
	put_label(&label, config, id, language);
	buf_put_byte(&label, 0);
	buf_put_text(out, "\",\"label\":");
	text_json(out, label.failed ? "" : (const char *)label.data);
	buf_put_text(out, ",\"value\":");
	if (figures->state[i] == FIGURE_VALUE)
		config_put_value(out, &config->measure[id->measure], figures->value[i]);
	else
		buf_put_text(out, "null");
	buf_printf(out, ",\"seen_by\":\"%s\",\"why\":\"%s\"}",
	    sight == SIGHT_EVERYBODY ? "everybody" : "nobody", why[sight]);
	buf_free(&label);
}

bool preview_put_json(struct buf *out, const struct preview *p, const struct config *config,
    const struct figures *figures, enum language language, struct err *e)
{
	const char *between = "";

	buf_put_text(out, "{\"office\":");
	text_json(out, p->office.code);
	buf_printf(out, ",\"dataset\":\"%s\",\"period\":\"%s\",\"refused\":%s,\"shown\":%zu,\"hidden\":%zu,",
	    config->dataset, p->rows.period, p->refused ? "true" : "false", p->n_shown, p->n_hidden);
	buf_put_text(out, "\"figures\":[");
	for (uint32_t i = 0; i < config->n_asked; i++) {
		if (figures->state[i] == FIGURE_NOT_ASKED)
			continue;
		buf_put_text(out, between);
		put_figure_json(out, p, config, figures, i, language);
		between = ",\n";
	}
	buf_put_text(out, "]}\n");
	return !out->failed || err_set(e, ERR_MEMORY, "no memory for the preview");
}
