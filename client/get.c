#include "client/commands.h"
#include "client/follow.h"
#include "client/release_files.h"
#include "client/show.h"
#include "client/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is asked for: [DATASET/]PERIOD[/REVISION], or nothing: the newest release of the only dataset. */
struct wish {
	char dataset[LIMIT_NAME + 1], period[LIMIT_PERIOD + 1];
	bool has_revision;
	uint64_t revision;
};

static bool take_part(struct wish *w, struct bytes part, struct err *e)
{
	char digits[8];

	if (w->period[0] != 0 && !w->has_revision && part.len > 0 && part.len < sizeof digits &&
	    strspn(memcpy(memset(digits, 0, sizeof digits), part.at, part.len), "0123456789") == part.len) {
		w->has_revision = true;
		w->revision = strtoul(digits, NULL, 10);
		return true;
	}
	if (w->period[0] == 0 && name_is_period(part))
		return name_copy(w->period, sizeof w->period, part);
	if (w->period[0] == 0 && w->dataset[0] == 0 && name_is_name(part))
		return name_copy(w->dataset, sizeof w->dataset, part);
	return err_set(e, ERR_INVALID, "%s", _("a release is named [DATASET/]PERIOD[/REVISION]"));
}

static bool parse_wish(struct wish *w, const char *text, struct err *e)
{
	memset(w, 0, sizeof *w);
	while (text != NULL && *text != 0) {
		size_t len = strcspn(text, "/");
		if (!take_part(w, bytes_of(text, len), e))
			return false;
		text += len + (text[len] == '/');
	}
	return true;
}

/* The row in force that fits; without a period the one published last. */
static const struct feed_state_row *choose(
    const struct feed_state *state, const struct wish *w, struct err *e)
{
	const struct feed_state_row *found = NULL;

	for (size_t i = 0; i < state->n_rows; i++) {
		const struct feed_state_row *row = &state->row[i];
		if ((w->period[0] != 0 && strcmp(row->period, w->period) != 0) ||
		    (w->has_revision && row->revision != w->revision))
			continue;
		if (found == NULL || row->seq > found->seq)
			found = row;
	}
	if (found == NULL)
		(void)err_set(e, ERR_NOT_FOUND, "%s", _("no such release is in force"));
	return found;
}

static const char *file_for(const char *format)
{
	static const char *const names[][2] = { { "csv", "release.csv" }, { "json-stat", "release.json" },
		{ "msgpack", "release.msgpack" } };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(format, names[i][0]) == 0)
			return names[i][1];
	}
	return NULL;
}

static int print_table(struct deployment *d, const struct release_files *r, struct buf *out, struct err *e)
{
	struct config *config;
	int code = deployment_config(d, r->manifest.config, r->manifest.dataset, &config, e);

	if (code == EXIT_OK &&
	    (!export_check(&r->rows, config, e) || !show_release(out, &r->rows, config, e)))
		code = EXIT_OTHER;
	config_free(config);
	return code;
}

static int give(
    struct deployment *d, const struct release_files *r, const char *format, const char *dir, struct err *e)
{
	struct buf out = { 0 };
	const struct buf *file = NULL;
	int code = EXIT_OK;

	if (dir != NULL) {
		code = release_files_write(r, dir, e) ? EXIT_OK : EXIT_OTHER;
		if (code == EXIT_OK)
			text_say(_("%zu files in %s; check them again any time: cellveil verify %s"),
			    r->manifest.n_files, dir, dir);
		return code;
	}
	if (strcmp(format, "table") == 0) {
		code = print_table(d, r, &out, e);
		file = &out;
	} else {
		file = release_files_find(r, file_for(format));
	}
	if (file == NULL) {
		(void)err_set(e, ERR_NOT_FOUND, "%s", _("the release has no such file"));
		code = EXIT_OTHER;
	}
	if (code == EXIT_OK && !text_put(file))
		code = EXIT_OTHER;
	buf_free(&out);
	return code;
}

static int get(struct deployment *d, struct release_files *r, const struct args *args, struct err *e)
{
	const char *format = args_value(args, "format"), *dataset;
	struct follow f = { 0 };
	struct feed_state state = { 0 };
	const struct feed_state_row *row;
	struct buf frame = { .max = LIMIT_FEED_BYTES + 4096 };
	struct feed_envelope env;
	struct wish w;
	int code = EXIT_USAGE;

	format = format != NULL ? format : "table";
	if (!parse_wish(&w, args->n > 0 ? args->at[0] : NULL, e))
		return EXIT_USAGE;
	if (strcmp(format, "table") != 0 && file_for(format) == NULL) {
		(void)err_set(e, ERR_INVALID, "%s", _("--format is table, csv, json-stat or msgpack"));
		return EXIT_USAGE;
	}
	dataset = settings_dataset(&d->settings, w.dataset[0] != 0 ? w.dataset : NULL, e);
	if (dataset == NULL)
		return EXIT_USAGE;
	code = deployment_keys(d, e);
	if (code == EXIT_OK)
		code = follow_open(&f, d, dataset, true, e);
	if (code == EXIT_OK)
		code = follow_state(&f, &state, e);
	if (code != EXIT_OK)
		goto done;
	row = choose(&state, &w, e);
	code = row != NULL ? follow_envelope(&f, row->seq, &frame, &env, e) : EXIT_OTHER;
	if (code == EXIT_OK)
		code = release_files_fetch(r, d, &env, e);
	if (code == EXIT_OK)
		code = give(d, r, format, args_value(args, "output"), e);
done:
	feed_state_free(&state);
	buf_free(&frame);
	follow_close(&f);
	return code;
}

int command_get(const struct args *args)
{
	struct deployment *d = calloc(1, sizeof *d);
	struct release_files *r = calloc(1, sizeof *r);
	struct err e = { 0 };
	unsigned long wait;
	int code = EXIT_OTHER;

	text_quiet(args_flag(args, "quiet"));
	if (d == NULL || r == NULL)
		goto done;
	code = EXIT_USAGE;
	if (!args_number(args, "wait", 30ul * 86400, 30, &wait))
		goto done;
	code = deployment_open(d, args_value(args, "dir"), &e);
	deployment_wait(d, wait);
	if (code == EXIT_OK)
		code = get(d, r, args, &e);
done:
	if (code != EXIT_OK && e.text[0] != 0)
		text_error(&e);
	if (r != NULL)
		release_files_free(r);
	if (d != NULL)
		deployment_close(d);
	free(r);
	free(d);
	return code;
}
