#include "client/settings.h"
#include "client/text.h"
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_NAME      "cellveil.ini"
#define SETTINGS_BYTES_MAX 65536u

bool settings_dir(char out[FILE_PATH], const char *dir, struct err *e)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char config[FILE_PATH];

	if (dir != NULL && dir[0] != 0) {
		int n = snprintf(out, FILE_PATH, "%s", dir);
		return (n > 0 && n < FILE_PATH) || err_set(e, ERR_LIMIT, "%s", _("--dir is too long"));
	}
	if (base != NULL && base[0] == '/')
		return file_path(out, base, "cellveil", e);
	if (home == NULL || home[0] != '/')
		return err_set(e, ERR_INVALID, "%s", _("HOME is not set; name a folder with --dir"));
	return file_path(config, home, ".config", e) && file_path(out, config, "cellveil", e);
}

bool settings_gate(struct settings *s, const char *host, struct err *e)
{
	char endpoint[LIMIT_ENDPOINT + 1];
	int n = snprintf(endpoint, sizeof endpoint, "tcp://%s:1", host);

	if (n < 0 || n >= (int)sizeof endpoint || !name_is_endpoint(bytes_text(endpoint)))
		return err_set(e, ERR_INVALID, "%s", _("is not a host's name or address"));
	(void)snprintf(s->gate, sizeof s->gate, "%s", host);
	return true;
}

/* Is the host of tcp://host:port the one that init was told? Nothing said, nothing to hold it against. */
static bool is_gate(const struct settings *s, const char *endpoint)
{
	size_t n = strlen(s->gate);

	return n == 0 || endpoint[0] == 0 ||
	       (strlen(endpoint) > 6 + n && strncmp(endpoint + 6, s->gate, n) == 0 && endpoint[6 + n] == ':');
}

struct parse {
	struct settings *settings;
	unsigned seen; /* bit i: field i was there */
	char *datasets;
	struct err *e;
	bool ok;
};

static bool take_key(uint8_t out[KEY_BYTES], enum key_purpose purpose, const char *value, struct err *e)
{
	struct key_public key;

	if (!keys_public_parse(&key, purpose, bytes_text(value), e))
		return false;
	memcpy(out, key.key, KEY_BYTES);
	return true;
}

static bool take_endpoint(char out[LIMIT_ENDPOINT + 1], const char *value, struct err *e)
{
	if (name_is_endpoint(bytes_text(value)) && name_copy(out, LIMIT_ENDPOINT + 1, bytes_text(value)))
		return true;
	return err_set(e, ERR_INVALID, "%s", _("is not tcp://host:port"));
}

static bool take_kind(struct settings *s, const char *value, struct err *e)
{
	for (int i = IDENTITY_OFFICE; i <= IDENTITY_AUDITOR; i++) {
		if (strcmp(value, identity_kind_name((enum identity_kind)i)) == 0) {
			s->kind = (enum identity_kind)i;
			return true;
		}
	}
	return err_set(e, ERR_INVALID, "%s", _("is not office, researcher or auditor"));
}

static bool take_name(char out[LIMIT_NAME + 1], const char *value, struct err *e)
{
	if (name_is_name(bytes_text(value)) && name_copy(out, LIMIT_NAME + 1, bytes_text(value)))
		return true;
	return err_set(e, ERR_INVALID, "%s", _("is not a name of letters a-z, digits and hyphens"));
}

static bool take_origin(struct settings *s, const char *value, struct err *e)
{
	if (name_is_origin(bytes_text(value)) &&
	    name_copy(s->join.origin, LIMIT_ORIGIN + 1, bytes_text(value)))
		return true;
	return err_set(e, ERR_INVALID, "%s", _("is not a log origin"));
}

static bool take_dataset(struct settings *s, const char *value, struct err *e)
{
	struct join *j = &s->join;

	if (j->n_datasets == LIMIT_DATASETS)
		return err_set(e, ERR_LIMIT, _("more than %u"), LIMIT_DATASETS);
	return take_name(j->dataset[j->n_datasets], value, e) && ++j->n_datasets > 0;
}

static bool take_own_name(struct settings *s, const char *value, struct err *e)
{
	return take_name(s->name, value, e);
}
static bool take_gate(struct settings *s, const char *value, struct err *e)
{
	return settings_gate(s, value, e);
}
static bool take_root(struct settings *s, const char *value, struct err *e)
{
	return take_key(s->join.root, KEY_ROOT, value, e);
}
static bool take_curve(struct settings *s, const char *value, struct err *e)
{
	return take_key(s->join.curve, KEY_CURVE, value, e);
}
static bool take_submit(struct settings *s, const char *value, struct err *e)
{
	return take_endpoint(s->join.submit, value, e);
}
static bool take_query(struct settings *s, const char *value, struct err *e)
{
	return take_endpoint(s->join.query, value, e);
}
static bool take_feed(struct settings *s, const char *value, struct err *e)
{
	return take_endpoint(s->join.feed, value, e);
}

static const struct field {
	const char *section, *name;
	bool (*take)(struct settings *s, const char *value, struct err *e);
	bool repeats;
} fields[] = {
	{ "identity", "kind", take_kind, false },
	{ "identity", "name", take_own_name, false },
	{ "deployment", "origin", take_origin, false },
	{ "deployment", "root", take_root, false },
	{ "deployment", "submit", take_submit, false },
	{ "deployment", "query", take_query, false },
	{ "deployment", "feed", take_feed, false },
	{ "deployment", "curve", take_curve, false },
	{ "deployment", "dataset", take_dataset, true },
	{ "identity", "gate", take_gate, false },
};
enum { N_FIELDS = sizeof fields / sizeof fields[0] };

/* 1 goes on; 0 makes inih remember the line. */
static int on_value(void *user, const char *section, const char *name, const char *value)
{
	struct parse *p = user;

	if (!p->ok)
		return 1;
	p->ok = false;
	for (unsigned i = 0; i < N_FIELDS; i++) {
		if (strcmp(fields[i].section, section) != 0 || strcmp(fields[i].name, name) != 0)
			continue;
		if ((p->seen >> i & 1) != 0 && !fields[i].repeats)
			return err_set(p->e, ERR_INVALID, _("%s stands twice"), name);
		p->seen |= 1u << i;
		p->ok = fields[i].take(p->settings, value, p->e);
		return p->ok || err_wrap(p->e, "%s", name);
	}
	return err_set(p->e, ERR_INVALID, "%s", _("unknown setting"));
}

/* Which fields must be there: both of identity; of the deployment all or none (submit is for offices). */
static bool check_complete(struct settings *s, unsigned seen, struct err *e)
{
	unsigned identity = 3u, deployment = 0x1fcu, submit = 1u << 4;

	if ((seen & identity) != identity)
		return err_set(e, ERR_INVALID, "%s", _("kind and name must stand under [identity]"));
	s->joined = (seen & deployment) != 0;
	if (s->kind != IDENTITY_OFFICE)
		deployment &= ~submit;
	if (s->joined && (seen & deployment) != deployment)
		return err_set(e, ERR_INVALID, "%s", _("[deployment] is not complete"));
	s->join.kind = s->kind;
	memcpy(s->join.name, s->name, sizeof s->name);
	return true;
}

bool settings_parse(struct settings *s, const char *text, struct err *e)
{
	struct parse p = { .settings = s, .e = e, .ok = true };
	int line;

	memset(&s->join, 0, sizeof s->join);
	s->joined = false;
	line = ini_parse_string(text, on_value, &p);
	if (!p.ok)
		return err_wrap(e, _("line %d"), line);
	if (line != 0)
		return err_set(e, ERR_INVALID, _("line %d: not a setting"), line);
	return check_complete(s, p.seen, e);
}

bool settings_load(struct settings *s, const char *dir, struct err *e)
{
	struct buf text = { 0 };
	char path[FILE_PATH];
	bool ok = false;

	memset(s, 0, sizeof *s);
	if (!settings_dir(s->dir, dir, e) || !file_path(path, s->dir, SETTINGS_NAME, e))
		goto done;
	if (!file_read(&text, path, SETTINGS_BYTES_MAX, e)) {
		if (e != NULL && e->code == ERR_NOT_FOUND)
			(void)err_set(e, ERR_NOT_FOUND, _("%s: no identity yet; run: cellveil init"), s->dir);
		goto done;
	}
	buf_put_byte(&text, 0);
	if (text.failed) {
		err_set(e, ERR_MEMORY, "%s", _("not enough memory"));
		goto done;
	}
	ok = settings_parse(s, (const char *)text.data, e) || err_wrap(e, "%s", path);
done:
	buf_free(&text);
	return ok;
}

void settings_print(struct buf *out, const struct settings *s)
{
	const struct join *j = &s->join;

	buf_printf(out,
	    "; written by `cellveil init` and `cellveil join`\n[identity]\nkind = %s\nname = %s\n",
	    identity_kind_name(s->kind), s->name);
	if (s->gate[0] != 0)
		buf_printf(out, "gate = %s\n", s->gate);
	if (!s->joined)
		return;
	buf_printf(out, "\n[deployment]\norigin = %s\nroot = ", j->origin);
	keys_public_print(out, KEY_ROOT, j->root);
	if (s->kind == IDENTITY_OFFICE)
		buf_printf(out, "\nsubmit = %s", j->submit);
	buf_printf(out, "\nquery = %s\nfeed = %s\ncurve = ", j->query, j->feed);
	keys_public_print(out, KEY_CURVE, j->curve);
	buf_put_text(out, "\n");
	for (size_t i = 0; i < j->n_datasets; i++)
		buf_printf(out, "dataset = %s\n", j->dataset[i]);
}

bool settings_save(const struct settings *s, struct err *e)
{
	struct buf text = { 0 };
	bool ok;

	settings_print(&text, s);
	ok = text.failed ? err_set(e, ERR_MEMORY, "%s", _("not enough memory"))
			 : file_write(s->dir, SETTINGS_NAME, 0644, buf_bytes(&text), e);
	buf_free(&text);
	return ok;
}

bool settings_join(struct settings *s, const struct join *join, struct err *e)
{
	if (join->kind != s->kind || strcmp(join->name, s->name) != 0)
		return err_set(e, ERR_REFUSED, "%s", _("the line is for another participant"));
	if (s->joined && strcmp(s->join.origin, join->origin) != 0)
		return err_set(
		    e, ERR_REFUSED, "%s", _("the line is of another deployment; use another --dir for it"));
	if (s->joined && memcmp(s->join.root, join->root, KEY_BYTES) != 0)
		return err_set(e, ERR_REFUSED, "%s",
		    _("the line has another root key; if the operator replaced it, begin with a new --dir"));
	if (!is_gate(s, join->submit) || !is_gate(s, join->query) || !is_gate(s, join->feed))
		return err_set(e, ERR_REFUSED,
		    _("the line leads to another gate than the %s that `cellveil init` was told; ask the "
		      "operator"),
		    s->gate);
	s->join = *join;
	s->joined = true;
	return true;
}

bool settings_root(const struct settings *s, struct vkey *root, struct err *e)
{
	char name[LIMIT_ORIGIN + 8];
	int len = (int)strcspn(s->join.origin, "/");

	(void)snprintf(name, sizeof name, "%.*s/root", len, s->join.origin);
	return vkey_make(root, name, VKEY_ED25519, s->join.root, e);
}

const char *settings_dataset(const struct settings *s, const char *wanted, struct err *e)
{
	if (wanted == NULL && s->join.n_datasets == 1)
		return s->join.dataset[0];
	for (size_t i = 0; wanted != NULL && i < s->join.n_datasets; i++) {
		if (strcmp(s->join.dataset[i], wanted) == 0)
			return s->join.dataset[i];
	}
	if (wanted == NULL)
		(void)err_set(
		    e, ERR_INVALID, "%s", _("there are several datasets; choose one with --dataset"));
	else
		(void)err_set(e, ERR_INVALID, "%s", _("no such dataset"));
	return NULL;
}
