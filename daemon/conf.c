#include "daemon/conf.h"

#include "daemon/os.h"
#include "proto/bytes.h"

#include <fcntl.h>
#include <ini.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONF_FILE_BYTES (256u * 1024)
#define CONF_SECTIONS   8
#define CONF_LINE       200 /* inih's own limit: it would cut longer lines in silence */

enum option_kind { OPTION_TEXT, OPTION_NUMBER, OPTION_ENDPOINTS };

struct option {
	const char *section, *name;
	enum option_kind kind;
	size_t offset, room;
	uint64_t preset, min, max;
};

#define TEXT(section, name, field)                                                                           \
	{                                                                                                    \
		section, name, OPTION_TEXT, offsetof(struct conf, field), sizeof((struct conf *)0)->field,   \
		    0, 0, 0                                                                                  \
	}
#define NUMBER(section, name, field, preset, min, max)                                                       \
	{                                                                                                    \
		section, name, OPTION_NUMBER, offsetof(struct conf, field), 0, preset, min, max              \
	}
#define ENDPOINTS(section, name, field)                                                                      \
	{                                                                                                    \
		section, name, OPTION_ENDPOINTS, offsetof(struct conf, field), 0, 0, 0, 0                    \
	}

static const struct option options[] = {
	TEXT("authority", "name", name),
	TEXT("authority", "origin", origin),
	TEXT("paths", "state", state),
	TEXT("paths", "run", run),
	TEXT("paths", "keys", keys),
	NUMBER("vault", "beat_s", beat_s, 5, 1, 60),
	NUMBER("vault", "batch", batch, 64, 1, 256),
	NUMBER("vault", "batch_ms", batch_ms, 5, 0, 1000),
	NUMBER("vault", "checkpoint_ms", checkpoint_ms, 1000, 10, 60000),
	NUMBER("vault", "stall_s", stall_s, 900, 10, 86400),
	NUMBER("vault", "space_low_mib", space_low_mib, 256, 0, 1048576),
	NUMBER("vault", "space_critical_mib", space_critical_mib, 64, 0, 1048576),
	NUMBER("vault", "ballast_mib", ballast_mib, 64, 0, 4096),
	NUMBER("vault", "key_epoch", key_epoch, 1, 1, UINT32_MAX),
	NUMBER("vault", "release_seconds", release_seconds, 600, 1, 86400),
	ENDPOINTS("gate", "submit", submit),
	ENDPOINTS("gate", "query", query),
	ENDPOINTS("gate", "feed", feed),
	TEXT("gate", "curve_key", curve_key),
	NUMBER("gate", "registry_max_age_s", registry_max_age_s, 900, 10, 86400),
	NUMBER("gate", "rate_messages", rate_messages, LIMIT_RATE_MESSAGES, 1, 100000),
	NUMBER("gate", "rate_burst", rate_burst, LIMIT_RATE_BURST, 1, 100000),
	NUMBER("gate", "rate_bytes", rate_bytes, LIMIT_RATE_BYTES, 65536, 1ull << 40),
	NUMBER("gate", "window", window, LIMIT_LINK_WINDOW, 1, LIMIT_LINK_WINDOW),
};
#define N_OPTIONS (sizeof options / sizeof *options)

struct reading {
	struct conf *conf;
	const char *name; /* of the file */
	const char *rest; /* text not yet read */
	unsigned line;
	bool seen[N_OPTIONS];
	char section[CONF_SECTIONS][32]; /* headings met so far */
	unsigned n_sections;
	struct err *e;
	bool failed;
};

static bool fail(struct reading *r, const char *rule)
{
	if (!r->failed)
		err_set(r->e, ERR_INVALID, "%s:%u: %s", r->name, r->line, rule);
	r->failed = true;
	return false;
}

static bool set_text(struct reading *r, const struct option *o, const char *value)
{
	char *field = (char *)r->conf + o->offset;
	size_t len = strlen(value);
	if (len == 0 || len >= o->room)
		return fail(r, "the value is empty or too long");
	if (strcmp(o->section, "paths") == 0 &&
	    value[0] != '/') /* started elsewhere, it would be an empty vault */
		return fail(r, "a path begins with /");
	memcpy(field, value, len + 1);
	return true;
}

static bool set_number(struct reading *r, const struct option *o, const char *value)
{
	uint64_t number = 0;
	uint64_t *field = (uint64_t *)(void *)((char *)r->conf + o->offset);
	size_t len = strlen(value);
	if (len == 0 || len > 15 || strspn(value, "0123456789") != len)
		return fail(r, "the value is not a whole number; the unit is in the option's name");
	for (size_t i = 0; i < len; i++)
		number = number * 10 + (uint64_t)(value[i] - '0');
	if (number < o->min || number > o->max)
		return fail(r, "the value is out of range");
	*field = number;
	return true;
}

static bool set_endpoints(struct reading *r, const struct option *o, const char *value)
{
	struct conf_endpoints *list = (struct conf_endpoints *)(void *)((char *)r->conf + o->offset);
	list->n = 0;
	for (;;) {
		value += strspn(value, " \t");
		size_t len = strcspn(value, " \t");
		if (len == 0)
			break;
		if (list->n == CONF_ENDPOINTS)
			return fail(r, "too many addresses");
		if (len >= CONF_ENDPOINT || strncmp(value, "tcp://", 6) != 0)
			return fail(r, "an address is tcp://ADDRESS:PORT");
		memcpy(list->address[list->n], value, len);
		list->address[list->n++][len] = '\0';
		value += len;
	}
	return list->n > 0 || fail(r, "no address");
}

static bool set_option(struct reading *r, const struct option *o, const char *value)
{
	switch (o->kind) {
	case OPTION_TEXT:
		return set_text(r, o, value);
	case OPTION_NUMBER:
		return set_number(r, o, value);
	case OPTION_ENDPOINTS:
		return set_endpoints(r, o, value);
	}
	return false;
}

static int take(void *context, const char *section, const char *name, const char *value)
{
	struct reading *r = context;
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (strcmp(options[i].section, section) != 0 || strcmp(options[i].name, name) != 0)
			continue;
		if (r->seen[i])
			return fail(r, "the option stands twice");
		r->seen[i] = true;
		return set_option(r, &options[i], value);
	}
	return fail(r, "unknown section or option");
}

/* Notes a heading; a second one of the same name would silently add to the first. */
static void see_heading(struct reading *r, const char *line)
{
	size_t len = strcspn(line + 1, "]");
	if (len >= sizeof r->section[0] || r->n_sections == CONF_SECTIONS) {
		fail(r, "unknown section");
		return;
	}
	for (unsigned i = 0; i < r->n_sections; i++)
		if (strlen(r->section[i]) == len && memcmp(r->section[i], line + 1, len) == 0)
			fail(r, "the section stands twice");
	memcpy(r->section[r->n_sections], line + 1, len);
	r->section[r->n_sections++][len] = '\0';
}

/* fgets over memory, counting lines: Debian's inih does not tell its handler where it is. */
static char *next_line(char *out, int room, void *context)
{
	struct reading *r = context;
	size_t len = strcspn(r->rest, "\n");
	bool ends = r->rest[len] == '\n';
	if (*r->rest == '\0' || r->failed)
		return NULL;
	r->line++;
	if (len + 2 > (size_t)room || len >= CONF_LINE - 2) {
		fail(r, "the line is too long");
		return NULL;
	}
	memcpy(out, r->rest, len);
	out[len] = ends ? '\n' : '\0';
	out[len + ends] = '\0';
	r->rest += len + ends;
	if (len > 0 && (*out == ' ' || *out == '\t') && strspn(out, " \t\r") < len)
		fail(r, "a line must not begin with white space");
	else if (*out == '[')
		see_heading(r, out);
	return out;
}

static void set_presets(struct conf *conf)
{
	*conf = (struct conf){ 0 };
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (options[i].kind == OPTION_NUMBER)
			*(uint64_t *)(void *)((char *)conf + options[i].offset) = options[i].preset;
	snprintf(conf->curve_key, sizeof conf->curve_key, "curve");
}

static bool is_name(const char *text)
{
	size_t len = strlen(text);
	return len > 0 && len <= LIMIT_NAME && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* What depends on other options: names given, and the paths that follow from the name. */
static bool complete(struct conf *conf, const char *name, struct err *e)
{
	if (!is_name(conf->name))
		return err_set(e, ERR_INVALID, "%s: [authority] name: missing, or not a-z 0-9 -", name);
	if (conf->origin[0] == '\0')
		return err_set(e, ERR_INVALID, "%s: [authority] origin: missing", name);
	if (conf->state[0] == '\0')
		snprintf(conf->state, sizeof conf->state, "/var/lib/cellveil/%s", conf->name);
	if (conf->run[0] == '\0')
		snprintf(conf->run, sizeof conf->run, "/run/cellveil/%s", conf->name);
	if (conf->keys[0] == '\0')
		snprintf(conf->keys, sizeof conf->keys, "/etc/cellveil/%s/keys", conf->name);
	return true;
}

bool conf_parse(struct conf *conf, const char *name, const char *text, struct err *e)
{
	struct reading r = { .conf = conf, .name = name, .rest = text, .e = e };
	set_presets(conf);
	int line = ini_parse_stream(next_line, &r, take, &r);
	if (r.failed)
		return false;
	if (line != 0)
		return err_set(e, ERR_MALFORMED, "%s:%d: neither [section] nor option = value", name, line);
	return complete(conf, name, e);
}

bool conf_read(struct conf *conf, const char *path, struct err *e)
{
	struct buf text = { 0 };
	bool ok = false;
	if (!os_read_file(AT_FDCWD, path, CONF_FILE_BYTES, &text, e))
		goto done;
	if (text.size > 0 && memchr(text.data, 0, text.size) != NULL) {
		err_set(e, ERR_MALFORMED, "%s: a zero byte", path);
		goto done;
	}
	buf_put_byte(&text, 0);
	if (text.failed) {
		err_set(e, ERR_MEMORY, "%s: out of memory", path);
		goto done;
	}
	ok = conf_parse(conf, path, (const char *)text.data, e);
done:
	buf_free(&text);
	return ok;
}

bool conf_key_path(const struct conf *conf, const char *file, char *out, size_t room, struct err *e)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	const char *dir = credentials != NULL && *credentials != '\0' ? credentials : conf->keys;
	int n = snprintf(out, room, "%s/%s", dir, file);
	if (n < 0 || (size_t)n >= room)
		return err_set(e, ERR_LIMIT, "the path of key %s is too long", file);
	return true;
}
