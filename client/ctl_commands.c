/* The commands that ask the vault: each fills in a request, ctl_run does the rest. */
#include "client/ctl.h"
#include "client/file.h"
#include "client/protect/protectfiles.h"
#include "client/text.h"
#include "policy/table.h"
#include "proto/logentry.h"
#include "proto/name.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static int usage(const char *what)
{
	text_warn("cellveilctl: %s", what);
	return EXIT_USAGE;
}

/* The argument as a period, --dataset if given. False: said on stderr. */
static bool take_period(const struct args *args, struct admin_request *q)
{
	const char *dataset = args_value(args, "dataset");

	if (args->n > 0 && !name_is_period(bytes_text(args->at[0]))) {
		text_warn("cellveilctl: %s", _("a period is 2024, 2024-Q1, 2024-S1 or 2024-01"));
		return false;
	}
	if (args->n > 0)
		snprintf(q->period, sizeof q->period, "%s", args->at[0]);
	if (dataset && !name_is_name(bytes_text(dataset))) {
		text_warn("cellveilctl: %s", _("--dataset: a name is a-z, 0-9 and -"));
		return false;
	}
	if (dataset)
		snprintf(q->dataset, sizeof q->dataset, "%s", dataset);
	return true;
}

static int run_period(const struct args *args, struct admin_request q)
{
	return take_period(args, &q) ? ctl_run(args, &q, bytes_of(NULL, 0)) : EXIT_USAGE;
}

static int run_plain(const struct args *args, enum admin_kind kind)
{
	const struct admin_request q = { .kind = kind };

	return ctl_run(args, &q, bytes_of(NULL, 0));
}

/* Sends a file in pieces, then the command that uses it. */
static int run_file(const struct args *args, enum admin_kind kind, size_t max)
{
	const struct admin_request q = { .kind = kind };
	struct buf file = { 0 };
	struct err e;
	int code = EXIT_USAGE;

	if (!file_read(&file, args->at[0], max, &e))
		text_error(&e);
	else if (file.size == 0)
		usage(_("the file is empty"));
	else
		code = ctl_run(args, &q, buf_bytes(&file));
	buf_free(&file);
	return code;
}

int ctl_status(const struct args *args)
{
	return run_plain(args, ADMIN_STATUS);
}

int ctl_mode(const struct args *args)
{
	static const char *const name[] = { "normal", "read-only", "drain" };
	struct admin_request q = { .kind = ADMIN_MODE };

	for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
		if (strcmp(args->at[0], name[i]) == 0)
			q.mode = i + 1;
	}
	if (q.mode == 0)
		return usage(_("a mode is normal, read-only or drain"));
	return ctl_run(args, &q, bytes_of(NULL, 0));
}

/* The line comes as one argument, in a file, or on standard input. */
static bool read_line(const struct args *args, struct buf *out, struct err *e)
{
	if (args->n == 1 && strncmp(args->at[0], "cellveil-id ", 12) == 0)
		buf_put_text(out, args->at[0]);
	else if (!file_read(out, args->n == 1 ? args->at[0] : "-", LIMIT_IDENTITY_LINE, e))
		return false;
	while (out->size > 0 && (out->data[out->size - 1] == '\n' || out->data[out->size - 1] == '\r'))
		out->size--;
	return !out->failed || err_set(e, ERR_MEMORY, "no memory");
}

int ctl_office_add(const struct args *args)
{
	struct admin_request q = { .kind = ADMIN_OFFICE_ADD };
	const char *dataset = args_value(args, "dataset");
	struct buf line = { 0 };
	struct identity id;
	struct err e;
	int code = EXIT_USAGE;

	if (!read_line(args, &line, &e) || !identity_parse(&id, buf_bytes(&line), &e)) {
		text_error(&e);
		goto done;
	}
	if (dataset && !name_is_name(bytes_text(dataset))) {
		usage(_("--dataset: a name is a-z, 0-9 and -"));
		goto done;
	}
	if (dataset)
		snprintf(q.dataset, sizeof q.dataset, "%s", dataset);
	q.line = buf_bytes(&line);
	code = ctl_run(args, &q, bytes_of(NULL, 0));
done:
	buf_free(&line);
	return code;
}

int ctl_office_list(const struct args *args)
{
	return run_plain(args, ADMIN_OFFICE_LIST);
}

int ctl_office_disable(const struct args *args)
{
	struct admin_request q = { .kind = ADMIN_OFFICE_DISABLE };

	if (!name_is_name(bytes_text(args->at[0])))
		return usage(_("an office's name is a-z, 0-9 and -"));
	snprintf(q.office, sizeof q.office, "%s", args->at[0]);
	return ctl_run(args, &q, bytes_of(NULL, 0));
}

int ctl_reader_disable(const struct args *args)
{
	struct admin_request q = { .kind = ADMIN_READER_DISABLE, .has_key_id = true };

	if (!hex_decode(q.key_id, sizeof q.key_id, bytes_text(args->at[0])))
		return usage(_("a key id is 16 hex digits"));
	return ctl_run(args, &q, bytes_of(NULL, 0));
}

static bool take_office(const char *name, struct admin_request *q)
{
	if (!name_is_name(bytes_text(name)))
		return false;
	snprintf(q->office, sizeof q->office, "%s", name);
	return true;
}

int ctl_key_list(const struct args *args)
{
	struct admin_request q = { .kind = ADMIN_KEY_LIST };

	if (args->n > 0 && !take_office(args->at[0], &q))
		return usage(_("an office's name is a-z, 0-9 and -"));
	return ctl_run(args, &q, bytes_of(NULL, 0));
}

/* A key id as 16 hex digits, or as a fingerprint is read out: in groups, in one argument or several. */
static bool take_key_id(const struct args *args, size_t from, uint8_t id[KEY_ID_BYTES])
{
	char hex[2 * KEY_ID_BYTES];
	size_t n = 0;

	for (size_t i = from; i < args->n; i++) {
		for (const char *at = args->at[i]; *at != 0; at++) {
			if (*at == ' ')
				continue;
			if (n == sizeof hex)
				return false;
			hex[n++] = *at;
		}
	}
	return hex_decode(id, KEY_ID_BYTES, bytes_of(hex, n));
}

int ctl_key_revoke(const struct args *args)
{
	struct admin_request q = { .kind = ADMIN_KEY_REVOKE, .has_key_id = true };

	if (!take_office(args->at[0], &q))
		return usage(_("an office's name is a-z, 0-9 and -"));
	if (!take_key_id(args, 1, q.key_id))
		return usage(_("a key id is 16 hex digits"));
	return ctl_run(args, &q, bytes_of(NULL, 0));
}

int ctl_config_add(const struct args *args)
{
	return run_file(args, ADMIN_CONFIG_ADD, LIMIT_CONFIG_FILE);
}

int ctl_config_list(const struct args *args)
{
	return run_plain(args, ADMIN_CONFIG_LIST);
}

int ctl_keyset_install(const struct args *args)
{
	return run_file(args, ADMIN_KEYSET_INSTALL, LIMIT_NOTE_BYTES);
}

/* "2025-01-31" or "2025-01-31T12:00", UTC. 0 if it is neither. */
static uint64_t parse_time(const char *text)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M", &tm);

	if (!end) {
		tm = (struct tm){ 0 };
		end = strptime(text, "%Y-%m-%d", &tm);
	}
	time_t t = end && *end == '\0' ? timegm(&tm) : -1;
	return t > 0 ? (uint64_t)t : 0;
}

static bool take_time(const struct args *args, const char *option, uint64_t *out)
{
	const char *text = args_value(args, option);

	if (!text)
		return true;
	*out = parse_time(text);
	if (*out == 0)
		text_warn(
		    "cellveilctl: --%s: %s", option, _("a time is 2025-01-31 or 2025-01-31T12:00, in UTC"));
	return *out != 0;
}

int ctl_period_open(const struct args *args)
{
	struct admin_request q = { .kind = ADMIN_PERIOD_OPEN };

	if (!take_time(args, "opens", &q.opens_s) || !take_time(args, "closes", &q.closes_s))
		return EXIT_USAGE;
	return run_period(args, q);
}

int ctl_period_close(const struct args *args)
{
	return run_period(args, (struct admin_request){ .kind = ADMIN_PERIOD_CLOSE });
}

int ctl_period_status(const struct args *args)
{
	return run_period(args, (struct admin_request){ .kind = ADMIN_PERIOD_STATUS });
}

int ctl_period_void(const struct args *args)
{
	return run_period(args, (struct admin_request){ .kind = ADMIN_PERIOD_VOID });
}

int ctl_release_publish(const struct args *args)
{
	const struct admin_request q = { .kind = ADMIN_RELEASE_PUBLISH,
		.dry_run = args_flag(args, "dry-run") };

	return run_period(args, q);
}

int ctl_release_show(const struct args *args)
{
	return run_period(args, (struct admin_request){ .kind = ADMIN_RELEASE_SHOW });
}

#define TABLE_FILES_MAX 32u

struct table_folder {
	char name[TABLE_FILES_MAX][TABLE_CODE_MAX + 16];
	struct buf content[TABLE_FILES_MAX];
	size_t n;
};

static bool write_folder(
    struct table_folder *t, const struct admin_reply *reply, const char *dir, struct err *e)
{
	struct outfile file[TABLE_FILES_MAX];
	size_t row = 0;

	if (reply->cut)
		return err_set(e, ERR_LIMIT, "%s", _("the table is larger than the vault can hand out"));
	while (t->n < TABLE_FILES_MAX &&
	       admin_reply_file(reply, &row, t->name[t->n], sizeof t->name[0], &t->content[t->n], e)) {
		file[t->n] = (struct outfile){ t->name[t->n], buf_bytes(&t->content[t->n]) };
		t->n++;
	}
	if (e->code != ERR_NONE)
		return false;
	if (row < reply->n_rows)
		return err_set(e, ERR_LIMIT, "%s", _("the table has too many files"));
	return protectfiles_write(dir, file, t->n, e);
}

int ctl_release_table(const struct args *args)
{
	struct admin_request q = { .kind = ADMIN_RELEASE_TABLE };
	struct table_folder t = { .n = 0 };
	struct admin_reply reply = { 0 };
	struct buf body = { 0 };
	struct err e = { 0 };
	char path[CTL_PATH];
	const char *dir = args_value(args, "output");
	int code = EXIT_OTHER;

	if (dir == NULL)
		return usage(_("--output FOLDER is needed"));
	if (!take_period(args, &q))
		return EXIT_USAGE;
	if (!ctl_socket_path(args, path, &e) ||
	    !ctl_exchange(path, bytes_of(NULL, 0), &q, &body, &reply, &e)) {
		text_error(&e);
		goto done;
	}
	code = ctl_exit_code(reply.outcome);
	ctl_say(&reply);
	if (code == EXIT_OK && !write_folder(&t, &reply, dir, &e)) {
		text_error(&e);
		code = EXIT_OTHER;
	}
	if (code == EXIT_OK)
		text_say(_("%s: the table with its counts; not for publication"), dir);
done:
	for (size_t i = 0; i < TABLE_FILES_MAX; i++)
		buf_free(&t.content[i]);
	admin_reply_free(&reply);
	buf_free(&body);
	return code;
}

int ctl_release_withdraw(const struct args *args)
{
	static const struct {
		const char *name;
		enum log_reason reason;
	} reasons[] = { { "corrected", LOG_REASON_CORRECTED }, { "error", LOG_REASON_ERROR },
		{ "order", LOG_REASON_ORDER } };
	struct admin_request q = { .kind = ADMIN_RELEASE_WITHDRAW };
	const char *reason = args_value(args, "reason");

	for (size_t i = 0; reason && i < sizeof reasons / sizeof *reasons; i++) {
		if (strcmp(reason, reasons[i].name) == 0)
			q.reason = reasons[i].reason;
	}
	if (q.reason == 0)
		return usage(_("--reason is needed: corrected, error or order; it stands in the public log"));
	return run_period(args, q);
}
