/* ctl - see ctl.h. */
#include "client/ctl.h"
#include "client/file.h"
#include "client/text.h"
#include <errno.h>
#include <glob.h>
#include <ini.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONF_BYTES    (256u * 1024)
#define SOCKET_SUFFIX "/admin/socket"
#define GATE_PAUSE_NS 20000000 /* between two looks at what the gate has */
#define GATE_PAUSES   250      /* five seconds in all */

/* --- where --- */

struct run_search {
	char name[LIMIT_NAME + 1];
	char run[CTL_PATH];
	bool too_long;
};

static int take_option(void *context, const char *section, const char *name, const char *value)
{
	struct run_search *s = context;

	if (strcmp(section, "authority") == 0 && strcmp(name, "name") == 0)
		s->too_long |= (size_t)snprintf(s->name, sizeof s->name, "%s", value) >= sizeof s->name;
	if (strcmp(section, "paths") == 0 && strcmp(name, "run") == 0)
		s->too_long |= (size_t)snprintf(s->run, sizeof s->run, "%s", value) >= sizeof s->run;
	return 1;
}

bool ctl_conf_run(const char *text, char *out, size_t room, struct err *e)
{
	struct run_search s = { 0 };
	int n;

	if (ini_parse_string(text, take_option, &s) != 0)
		return err_set(e, ERR_MALFORMED, "%s", _("neither [section] nor option = value"));
	if (s.run[0] != '\0')
		n = snprintf(out, room, "%s", s.run);
	else
		n = snprintf(out, room, "/run/cellveil/%s", s.name);
	if (s.too_long || n < 0 || (size_t)n >= room)
		return err_set(e, ERR_LIMIT, "%s", _("the path of the run directory is too long"));
	return s.run[0] != '\0' || s.name[0] != '\0' ||
	       err_set(e, ERR_INVALID, "%s", _("[authority] name is missing"));
}

static bool socket_of_conf(const char *path, char out[CTL_PATH], struct err *e)
{
	struct buf text = { 0 };
	char run[CTL_PATH - sizeof SOCKET_SUFFIX];

	bool ok = file_read(&text, path, CONF_BYTES, e);
	buf_put_byte(&text, 0);
	ok = ok && (!text.failed || err_set(e, ERR_MEMORY, "no memory"));
	ok = ok && (ctl_conf_run((const char *)text.data, run, sizeof run, e) || err_wrap(e, "%s", path));
	if (ok)
		snprintf(out, CTL_PATH, "%s%s", run, SOCKET_SUFFIX);
	buf_free(&text);
	return ok;
}

static bool only_socket(char out[CTL_PATH], struct err *e)
{
	glob_t found = { 0 };
	int rc = glob("/run/cellveil/*" SOCKET_SUFFIX, 0, NULL, &found);
	bool one = rc == 0 && found.gl_pathc == 1 && strlen(found.gl_pathv[0]) < CTL_PATH;

	if (one)
		snprintf(out, CTL_PATH, "%s", found.gl_pathv[0]);
	else
		err_set(e, ERR_NOT_FOUND, "%s", _("which vault? give --name, --config or --socket"));
	if (rc == 0)
		globfree(&found);
	return one;
}

bool ctl_socket_path(const struct args *args, char out[CTL_PATH], struct err *e)
{
	const char *path = args_value(args, "socket"), *conf = args_value(args, "config"),
		   *name = args_value(args, "name");
	char made[FILE_PATH];

	if (path) {
		if (strlen(path) >= CTL_PATH)
			return err_set(
			    e, ERR_LIMIT, "%s", _("--socket: the path is too long for a Unix socket"));
		snprintf(out, CTL_PATH, "%s", path);
		return true;
	}
	if (conf)
		return socket_of_conf(conf, out, e);
	if (!name)
		return only_socket(out, e);
	if (!name_is_name(bytes_text(name)))
		return err_set(e, ERR_INVALID, "%s", _("--name: not a-z 0-9 -"));
	snprintf(made, sizeof made, "/etc/cellveil/%s/cellveil.conf", name);
	return socket_of_conf(made, out, e);
}

/* --- asking --- */

static int dial(const char *path, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	err_set(e, ERR_SYSTEM, _("%s: %s: is the vault running, and may you use this socket?"), path,
	    strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool send_body(int fd, struct bytes body, struct err *e)
{
	struct buf frame = { 0 };
	bool ok = true;

	admin_put_frame(&frame, body);
	if (frame.failed)
		ok = err_set(e, ERR_MEMORY, "no memory");
	for (size_t done = 0; ok && done < frame.size;) {
		ssize_t n = send(fd, frame.data + done, frame.size - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			ok = err_set(e, ERR_SYSTEM, "%s", _("the vault closed the connection"));
		else
			done += (size_t)n;
	}
	buf_free(&frame);
	return ok;
}

static bool receive(int fd, uint8_t *at, size_t len, struct err *e)
{
	while (len > 0) {
		ssize_t n = recv(fd, at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(
			    e, ERR_SYSTEM, "%s", _("the vault closed the connection without an answer"));
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool receive_body(int fd, size_t max, struct buf *body, struct err *e)
{
	uint8_t head[ADMIN_LENGTH_BYTES];
	size_t len = 0;

	if (!receive(fd, head, sizeof head, e) || !admin_length(head, max, &len, e))
		return false;
	uint8_t *at = malloc(len);
	bool ok = at != NULL || err_set(e, ERR_MEMORY, "no memory");
	ok = ok && receive(fd, at, len, e);
	if (ok)
		buf_put(body, at, len);
	if (at != NULL)
		sodium_memzero(at, len);
	free(at);
	return ok && (!body->failed || err_set(e, ERR_MEMORY, "no memory"));
}

static bool ask(int fd, struct admin_request q, struct buf *body, struct admin_reply *reply, struct err *e)
{
	struct buf request = { 0 };
	size_t max = q.kind == ADMIN_RELEASE_TABLE ? ADMIN_FILES_BYTES : ADMIN_ANSWER_BYTES;

	randombytes_buf(q.rid, sizeof q.rid);
	buf_clear(body);
	bool ok = admin_request_encode(&request, &q, e) && send_body(fd, buf_bytes(&request), e) &&
		  receive_body(fd, max, body, e) && admin_reply_decode(reply, buf_bytes(body), e);
	if (ok && memcmp(reply->rid, q.rid, sizeof q.rid) != 0)
		ok = err_set(e, ERR_MALFORMED, "%s", _("the vault answered another question"));
	buf_free(&request);
	return ok;
}

static bool send_upload(
    int fd, struct bytes upload, struct buf *body, struct admin_reply *reply, struct err *e)
{
	while (upload.len > 0) {
		size_t n = upload.len < ADMIN_PART_BYTES ? upload.len : ADMIN_PART_BYTES;
		struct admin_request part = { .kind = ADMIN_PART, .bytes = bytes_of(upload.at, n) };

		if (!ask(fd, part, body, reply, e))
			return false;
		if (reply->outcome != ADMIN_OK)
			return err_set(e, ERR_REFUSED, "%s", _("the vault did not take the file"));
		admin_reply_free(reply);
		upload = bytes_of(upload.at + n, upload.len - n);
	}
	return true;
}

bool ctl_exchange(const char *socket_path, struct bytes upload, const struct admin_request *q,
    struct buf *body, struct admin_reply *reply, struct err *e)
{
	*reply = (struct admin_reply){ 0 };
	int fd = dial(socket_path, e);
	if (fd < 0)
		return false;
	bool ok = send_upload(fd, upload, body, reply, e) && ask(fd, *q, body, reply, e);
	close(fd);
	return ok;
}

/* --- printing --- */

const char *ctl_outcome_name(enum admin_outcome outcome)
{
	static const char *const name[] = { "ok", "refused", "not-found", "invalid", "failed", "withheld" };

	return (size_t)outcome < sizeof name / sizeof *name ? name[outcome] : "failed";
}

enum exit_code ctl_exit_code(enum admin_outcome outcome)
{
	if (outcome == ADMIN_OK)
		return EXIT_OK;
	return outcome == ADMIN_FAILED ? EXIT_OTHER : EXIT_REFUSED;
}

/* The word in the user's language if it is one of ours; else as it came. */
static void put_word(struct buf *out, struct bytes text)
{
	for (size_t i = 0; i < ctl_n_words; i++) {
		if (bytes_equal(text, bytes_text(ctl_words[i]))) {
			buf_put_text(out, gettext(ctl_words[i]));
			return;
		}
	}
	buf_put_bytes(out, text);
}

static size_t width_of(struct bytes text)
{
	struct buf copy = { 0 };

	put_word(&copy, text);
	buf_put_byte(&copy, 0);
	size_t width = copy.failed ? text.len : text_width((const char *)copy.data);
	buf_free(&copy);
	return width;
}

static void put_padded(struct buf *out, struct bytes text, size_t width, bool right)
{
	size_t have = width_of(text);
	size_t pad = width > have ? width - have : 0;

	for (size_t i = 0; right && i < pad; i++)
		buf_put_byte(out, ' ');
	put_word(out, text);
	for (size_t i = 0; !right && i < pad; i++)
		buf_put_byte(out, ' ');
}

static bool is_number(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (strchr("0123456789.", text.at[i]) == NULL || text.at[i] == '\0')
			return false;
	}
	return true;
}

/* A column of figures stands to the right, a column of words to the left. */
static bool figures(const struct admin_reply *r, size_t column)
{
	for (size_t i = 0; i < r->n_rows; i++) {
		if (!is_number(r->cell[i * r->n_columns + column]))
			return false;
	}
	return r->n_rows > 0;
}

static void put_row(
    struct buf *out, const struct bytes *cell, const size_t *width, const bool *right, size_t n)
{
	for (size_t c = 0; c < n; c++) {
		if (c > 0)
			buf_put_text(out, "  ");
		put_padded(out, cell[c], c + 1 == n && !right[c] ? 0 : width[c], right[c]);
	}
	buf_put_byte(out, '\n');
}

static void put_table(struct buf *out, const struct admin_reply *r)
{
	size_t *width = calloc(r->n_columns, sizeof *width);
	bool *right = calloc(r->n_columns, sizeof *right);

	for (size_t c = 0; width && right && c < r->n_columns; c++) {
		width[c] = width_of(r->column[c]);
		right[c] = figures(r, c);
		for (size_t i = 0; i < r->n_rows; i++) {
			size_t w = width_of(r->cell[i * r->n_columns + c]);
			width[c] = w > width[c] ? w : width[c];
		}
	}
	if (width && right) {
		put_row(out, r->column, width, right, r->n_columns);
		for (size_t i = 0; i < r->n_rows; i++)
			put_row(out, &r->cell[i * r->n_columns], width, right, r->n_columns);
	}
	free(width);
	free(right);
}

/* The line for the office stands alone, to be copied whole. */
static bool is_join(struct bytes value)
{
	return value.len > 14 && memcmp(value.at, "cellveil-join ", 14) == 0;
}

static bool has_join(const struct admin_reply *r)
{
	for (size_t i = 0; i < r->n_facts; i++)
		if (is_join(r->fact[i].value))
			return true;
	return false;
}

static void put_joins(struct buf *out, const struct admin_reply *r)
{
	for (size_t i = 0; i < r->n_facts; i++) {
		if (!is_join(r->fact[i].value))
			continue;
		buf_put_bytes(out, r->fact[i].value);
		buf_put_byte(out, '\n');
	}
}

static void put_facts(struct buf *out, const struct admin_reply *r)
{
	size_t width = 0;

	for (size_t i = 0; i < r->n_facts; i++) {
		size_t w = is_join(r->fact[i].value) ? 0 : width_of(r->fact[i].name);
		width = w > width ? w : width;
	}
	for (size_t i = 0; i < r->n_facts; i++) {
		if (is_join(r->fact[i].value))
			continue;
		put_padded(out, r->fact[i].name, width, false);
		buf_put_text(out, "  ");
		put_word(out, r->fact[i].value);
		buf_put_byte(out, '\n');
	}
}

void ctl_print(struct buf *out, const struct admin_reply *r)
{
	if (has_join(r)) {
		put_joins(out, r);
		return;
	}
	put_facts(out, r);
	if (r->n_facts > 0 && r->n_columns > 0)
		buf_put_byte(out, '\n');
	if (r->n_columns > 0)
		put_table(out, r);
}

static void put_json_bytes(struct buf *out, struct bytes text)
{
	struct buf copy = { 0 };

	buf_put_bytes(&copy, text);
	buf_put_byte(&copy, 0);
	if (!copy.failed)
		text_json(out, (const char *)copy.data);
	buf_free(&copy);
}

static void put_json_row(struct buf *out, const struct admin_reply *r, size_t row)
{
	for (size_t c = 0; c < r->n_columns; c++) {
		buf_put_text(out, c ? "," : "{");
		put_json_bytes(out, r->column[c]);
		buf_put_byte(out, ':');
		put_json_bytes(out, r->cell[row * r->n_columns + c]);
	}
	buf_put_byte(out, '}');
}

void ctl_print_json(struct buf *out, const struct admin_reply *r)
{
	buf_printf(out, "{\"outcome\":\"%s\",\"messages\":[", ctl_outcome_name(r->outcome));
	for (size_t i = 0; i < r->n_lines; i++) {
		if (i > 0)
			buf_put_byte(out, ',');
		put_json_bytes(out, r->line[i]);
	}
	buf_put_text(out, "],\"facts\":{");
	for (size_t i = 0; i < r->n_facts; i++) {
		if (i > 0)
			buf_put_byte(out, ',');
		put_json_bytes(out, r->fact[i].name);
		buf_put_byte(out, ':');
		put_json_bytes(out, r->fact[i].value);
	}
	buf_put_text(out, "},\"rows\":[");
	for (size_t i = 0; i < r->n_rows; i++) {
		if (i > 0)
			buf_put_byte(out, ',');
		put_json_row(out, r, i);
	}
	buf_printf(out, "],\"cut\":%s}\n", r->cut ? "true" : "false");
}

void ctl_say(const struct admin_reply *r)
{
	if (has_join(r)) {
		struct buf facts = { 0 };
		put_facts(&facts, r);
		if (facts.size > 0 && !facts.failed)
			text_say("%.*s", (int)facts.size - 1, (const char *)facts.data);
		buf_free(&facts);
	}
	for (size_t i = 0; i < r->n_lines; i++) {
		struct buf line = { 0 };

		put_word(&line, r->line[i]);
		buf_put_byte(&line, 0);
		if (!line.failed && r->outcome == ADMIN_OK)
			text_say("%s", (const char *)line.data);
		else if (!line.failed)
			text_warn("%s", (const char *)line.data);
		buf_free(&line);
	}
	if (r->cut)
		text_warn("%s", _("The table is longer than an answer may be: the rest is left out."));
}

static struct bytes fact_of(const struct admin_reply *r, const char *name)
{
	for (size_t i = 0; i < r->n_facts; i++) {
		if (bytes_equal(r->fact[i].name, bytes_text(name)))
			return r->fact[i].value;
	}
	return bytes_of(NULL, 0);
}

/* A registry that changed is in force at the vault; a moment later the gate has it too. Waits for that. */
static void await_gate(const char *path, const struct admin_reply *changed)
{
	const struct admin_request status = { .kind = ADMIN_STATUS };
	const struct timespec pause = { .tv_nsec = GATE_PAUSE_NS };
	struct bytes serial = fact_of(changed, "registry");
	bool applied = false, connected = serial.len > 0 && fact_of(changed, "registry at the gate").len > 0;

	for (int i = 0; connected && !applied && i < GATE_PAUSES; i++) {
		struct admin_reply now = { 0 };
		struct buf body = { 0 };

		connected = ctl_exchange(path, bytes_of(NULL, 0), &status, &body, &now, NULL);
		applied = connected &&
			  bytes_equal(fact_of(&now, "registry at the gate"), fact_of(&now, "registry"));
		admin_reply_free(&now);
		buf_free(&body);
		if (connected && !applied)
			(void)nanosleep(&pause, NULL);
	}
	if (serial.len > 0 && !applied)
		text_warn("%s", _("The gate does not have this registry yet."));
}

static bool changes_registry(enum admin_kind kind)
{
	return kind == ADMIN_OFFICE_ADD || kind == ADMIN_OFFICE_DISABLE || kind == ADMIN_READER_DISABLE ||
	       kind == ADMIN_KEY_REVOKE;
}

int ctl_run(const struct args *args, const struct admin_request *q, struct bytes upload)
{
	char path[CTL_PATH];
	struct admin_reply reply = { 0 };
	struct buf body = { 0 }, out = { 0 };
	struct err e;
	int code = EXIT_OTHER;

	if (!ctl_socket_path(args, path, &e) || !ctl_exchange(path, upload, q, &body, &reply, &e)) {
		text_error(&e);
		code = e.code == ERR_NOT_FOUND || e.code == ERR_INVALID ? EXIT_USAGE : EXIT_OTHER;
		goto done;
	}
	if (reply.outcome == ADMIN_OK && changes_registry(q->kind))
		await_gate(path, &reply);
	if (args_flag(args, "json"))
		ctl_print_json(&out, &reply);
	else
		ctl_print(&out, &reply);
	code = text_put(&out) ? (int)ctl_exit_code(reply.outcome) : EXIT_OTHER;
	if (!args_flag(args, "json"))
		ctl_say(&reply);
done:
	admin_reply_free(&reply);
	buf_free(&body);
	buf_free(&out);
	return code;
}
