#include "client/show.h"
#include "client/table_print.h"
#include "client/text.h"

bool show_release(
    struct buf *out, const struct release_rows *rows, const struct config *config, struct err *e)
{
	for (size_t i = 0; i < rows->n_tables; i++) {
		if (!table_print(out, config, rows, i, text_language(), e))
			return false;
		buf_put_text(out, "\n");
	}
	return true;
}

static const char *status_word(uint8_t state)
{
	static const char *const words[] = { "", "", "suppressed", "not_reported", "not_asked", "",
		"perturbed" };

	return words[state <= RELEASE_PERTURBED ? state : 0];
}

static void put_row(struct buf *out, const struct release_rows_table *t, const struct release_row *row,
    const struct config *config)
{
	const struct measure *m = &config->measure[row->measure];
	bool has_value = release_has_value(row->state);

	buf_put_text(out, "{\"measure\":");
	text_json(out, m->name);
	for (uint16_t d = 0; d < t->n_dims; d++) {
		buf_put_text(out, ",");
		text_json(out, t->dim[d]);
		buf_put_text(out, ":");
		text_json(out, config->list[model_list(config, t->dim[d])].code[row->code[d]].code);
	}
	if (has_value)
		buf_printf(out, ",\"value\":%llu", (unsigned long long)row->value);
	if (has_value && m->decimals > 0)
		buf_printf(out, ",\"decimals\":%u", m->decimals);
	buf_printf(out, ",\"status\":\"%s\"}", status_word(row->state));
}

bool show_release_json(struct buf *out, const struct release_rows *rows, const struct config *config,
    const struct feed_envelope *env, struct err *e)
{
	buf_printf(out, "{\"dataset\":\"%s\",\"period\":\"%s\",\"revision\":%llu,\"seq\":%llu,\"object\":\"",
	    rows->dataset, rows->period, (unsigned long long)rows->revision, (unsigned long long)env->seq);
	buf_put_hex(out, bytes_of(env->object, sizeof env->object));
	buf_printf(out, "\",\"log_index\":%llu,\"tables\":[", (unsigned long long)env->log_index);
	for (size_t i = 0; i < rows->n_tables; i++) {
		const struct release_rows_table *t = &rows->table[i];
		buf_printf(out, "%s{\"id\":\"%s\",\"rows\":[", i > 0 ? "," : "", t->id);
		for (size_t k = 0; k < t->n_rows; k++) {
			if (k > 0)
				buf_put_text(out, ",");
			put_row(out, t, &t->row[k], config);
		}
		buf_put_text(out, "]}");
	}
	buf_put_text(out, "]}\n");
	return !out->failed || err_set(e, ERR_MEMORY, "no memory for the release");
}
