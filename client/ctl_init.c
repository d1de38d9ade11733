/* cellveilctl init, keyset sign: what happens without a vault. init makes every key of a deployment and the
 * first key set; the root key goes into a folder of its own, to be carried to a safe. */
#include "client/ctl.h"
#include "client/file.h"
#include "client/text.h"
#include "proto/keyset.h"
#include "proto/minisign.h"
#include "proto/name.h"
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S         86400u
#define DAYS_DEFAULT  365
#define CONF_LINE_MAX 190 /* of cellveil.conf: its reader refuses longer ones */
#define LINK_PATH_MAX 107 /* of a Unix socket without its NUL */
#define LINK_SUFFIX   "/link/vault"

struct deployment {
	char dir[PATH_MAX]; /* absolute */
	char keys[PATH_MAX], root[PATH_MAX], state[PATH_MAX], run[PATH_MAX];
	const char *name, *origin, *host, *bind;
	unsigned long port[KEYSET_SERVICES]; /* by enum keyset_service */
	unsigned long days;
	uint64_t now_s;
	struct keyset set;
};

/* --- the root's signature --- */

/* "<authority>/root": the origin up to its first '/'. */
static bool root_vkey(struct vkey *out, const char *origin, const uint8_t public[KEY_BYTES], struct err *e)
{
	char name[LIMIT_ORIGIN + 8];

	snprintf(name, sizeof name, "%.*s/root", (int)strcspn(origin, "/"), origin);
	return vkey_make(out, name, VKEY_ED25519, public, e);
}

/* Signs the text of a key set with the root secret (32 bytes). */
static bool sign_keyset(
    struct buf *note, struct bytes text, const char *origin, const uint8_t *secret, struct err *e)
{
	struct key_signer *signer = sodium_malloc(sizeof *signer);
	struct vkey vkey;
	bool ok = signer != NULL || err_set(e, ERR_MEMORY, "no memory for a key");

	if (ok) {
		keys_signer(signer, secret);
		ok = root_vkey(&vkey, origin, signer->public, e) && note_sign(note, text, &vkey, signer, e);
		keys_signer_wipe(signer);
	}
	sodium_free(signer);
	return ok;
}

/* --- keys --- */

static void put_date(char out[16], uint64_t now_s)
{
	time_t t = (time_t)now_s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(out, 16, "%Y-%m-%d", &tm) == 0)
		memcpy(out, "-", 2);
}

/* A fresh secret as file <purpose> in dir. public may be NULL for purposes without a public half. secret, if
 * not NULL, gets a copy. */
static bool make_key(const struct deployment *d, const char *dir, enum key_purpose purpose, uint8_t *public,
    uint8_t *copy, struct err *e)
{
	uint8_t *secret = sodium_malloc(KEY_BYTES);
	struct buf text = { 0 };
	char date[16];
	bool ok = secret != NULL || err_set(e, ERR_MEMORY, "no memory for a key");

	if (ok) {
		randombytes_buf(secret, KEY_BYTES);
		put_date(date, d->now_s);
		keys_secret_print(&text, purpose, secret, date);
		ok = !text.failed || err_set(e, ERR_MEMORY, "no memory for a key");
	}
	ok = ok && (public == NULL || keys_public_of(public, purpose, secret, e)) &&
	     file_write_new(dir, keys_purpose_name(purpose), 0600, buf_bytes(&text), e);
	if (ok && copy)
		memcpy(copy, secret, KEY_BYTES);
	buf_free(&text);
	sodium_free(secret);
	return ok;
}

/* A key of the key set: secret file and line. */
static bool make_listed_key(struct deployment *d, enum key_purpose purpose, struct err *e)
{
	struct keyset_key *key = &d->set.key[d->set.n_keys];

	*key = (struct keyset_key){ .purpose = purpose,
		.state = KEYSET_ACTIVE,
		.not_before = d->now_s,
		.not_after = d->now_s + d->days * DAY_S };
	if (!make_key(d, d->keys, purpose, key->key, NULL, e))
		return false;
	keyset_key_fill(key);
	d->set.n_keys++;
	return true;
}

static bool make_keys(struct deployment *d, struct err *e)
{
	static const enum key_purpose listed[] = { KEY_CURVE, KEY_FEED, KEY_INTAKE, KEY_LOG, KEY_RECEIPT,
		KEY_RELEASE };

	for (size_t i = 0; i < sizeof listed / sizeof *listed; i++) {
		if (!make_listed_key(d, listed[i], e))
			return false;
	}
	return make_key(d, d->keys, KEY_MASTER, NULL, NULL, e) &&
	       make_key(d, d->keys, KEY_CHOICE, NULL, NULL, e);
}

/* --- public files --- */

static bool write_text(const char *dir, const char *name, struct buf *text, struct err *e)
{
	bool ok = !text->failed || err_set(e, ERR_MEMORY, "no memory");

	ok = ok && file_write_new(dir, name, 0644, buf_bytes(text), e);
	buf_free(text);
	return ok;
}

static void add_endpoints(struct deployment *d)
{
	for (int s = 0; s < KEYSET_SERVICES; s++) {
		struct keyset_endpoint *at = &d->set.endpoint[d->set.n_endpoints++];

		at->service = (enum keyset_service)s;
		snprintf(at->address, sizeof at->address, "tcp://%s:%lu", d->host, d->port[s]);
		memcpy(at->curve_id, d->set.key[0].id, KEY_ID_BYTES); /* the CURVE key is made first */
	}
}

static bool write_keyset(struct deployment *d, struct err *e)
{
	uint8_t *secret = sodium_malloc(KEY_BYTES);
	uint8_t public[KEY_BYTES];
	struct buf text = { 0 }, note = { 0 }, line = { 0 };

	snprintf(d->set.origin, sizeof d->set.origin, "%s", d->origin);
	d->set.serial = 1;
	d->set.issued = d->now_s;
	d->set.valid_until = d->now_s + d->days * DAY_S;
	add_endpoints(d);
	bool ok = (secret != NULL || err_set(e, ERR_MEMORY, "no memory for a key")) &&
		  make_key(d, d->root, KEY_ROOT, public, secret, e) && keyset_put(&text, &d->set, e) &&
		  sign_keyset(&note, buf_bytes(&text), d->origin, secret, e);
	sodium_free(secret);
	if (ok) {
		keys_public_print(&line, KEY_ROOT, public);
		buf_put_byte(&line, '\n');
		ok = write_text(d->keys, "root.pub", &line, e);
	}
	ok = ok && write_text(d->keys, "keyset", &note, e);
	buf_free(&text);
	buf_free(&note);
	buf_free(&line);
	return ok;
}

static bool write_release_pub(const struct deployment *d, struct err *e)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < d->set.n_keys; i++) {
		if (d->set.key[i].purpose == KEY_RELEASE)
			minisign_put_public(&text, d->set.key[i].id, d->set.key[i].key);
	}
	return write_text(d->dir, "release.pub", &text, e);
}

static bool write_conf(const struct deployment *d, struct err *e)
{
	struct buf text = { 0 };

	buf_printf(&text, "# made by cellveilctl init; every option is told in cellveil.conf(5)\n");
	buf_printf(&text, "[authority]\nname = %s\norigin = %s\n\n", d->name, d->origin);
	buf_printf(&text, "[paths]\nstate = %s\nrun = %s\nkeys = %s\n\n", d->state, d->run, d->keys);
	buf_printf(&text,
	    "[gate]\nsubmit = tcp://%s:%lu\nquery = tcp://%s:%lu\nfeed = tcp://%s:%lu\ncurve_key = curve\n",
	    d->bind, d->port[KEYSET_SERVE_SUBMIT], d->bind, d->port[KEYSET_SERVE_QUERY], d->bind,
	    d->port[KEYSET_SERVE_FEED]);
	return write_text(d->dir, "cellveil.conf", &text, e);
}

/* --- arguments --- */

static bool need(const char *value, const char *option, bool fits, struct err *e)
{
	if (!value)
		return err_set(e, ERR_INVALID, _("--%s is needed"), option);
	return fits || err_set(e, ERR_INVALID, _("--%s: not in the form it must have"), option);
}

static bool is_host(const char *host)
{
	char endpoint[LIMIT_ENDPOINT + 1];
	int n = snprintf(endpoint, sizeof endpoint, "tcp://%s:65535", host);

	return n > 0 && (size_t)n < sizeof endpoint && name_is_endpoint(bytes_text(endpoint));
}

static bool take_names(struct deployment *d, const struct args *args, struct err *e)
{
	d->name = args_value(args, "name");
	d->origin = args_value(args, "origin");
	d->host = args_value(args, "host");
	d->bind = args_value(args, "bind") ? args_value(args, "bind") : "*";
	return need(d->name, "name", d->name && name_is_name(bytes_text(d->name)), e) &&
	       need(d->origin, "origin", d->origin && name_is_origin(bytes_text(d->origin)), e) &&
	       need(d->host, "host", d->host && is_host(d->host), e) &&
	       need(d->bind, "bind", strcmp(d->bind, "*") == 0 || is_host(d->bind), e);
}

static bool take_numbers(struct deployment *d, const struct args *args)
{
	return args_number(args, "submit-port", 65535, 5701, &d->port[KEYSET_SERVE_SUBMIT]) &&
	       args_number(args, "query-port", 65535, 5702, &d->port[KEYSET_SERVE_QUERY]) &&
	       args_number(args, "feed-port", 65535, 5703, &d->port[KEYSET_SERVE_FEED]) &&
	       args_number(args, "days", 3650, DAYS_DEFAULT, &d->days);
}

/* option, or DIR/name; absolute in any case. */
static bool take_path(
    const struct deployment *d, const char *option, const char *name, char out[PATH_MAX], struct err *e)
{
	int n =
	    option ? snprintf(out, PATH_MAX, "%s", option) : snprintf(out, PATH_MAX, "%s/%s", d->dir, name);

	if (n < 0 || n > CONF_LINE_MAX - 10 || strpbrk(out, "\n;#") != NULL)
		return err_set(e, ERR_INVALID,
		    _("--%s: too long, or with characters that a configuration cannot hold"), name);
	return out[0] == '/' || err_set(e, ERR_INVALID, _("--%s: an absolute path, please"), name);
}

static bool take_paths(struct deployment *d, const struct args *args, struct err *e)
{
	if (!file_make_dir(args->at[0], 0755, e))
		return false;
	if (!realpath(args->at[0], d->dir))
		return err_set(e, ERR_SYSTEM, _("%s: cannot be found"), args->at[0]);
	if (!take_path(d, NULL, "keys", d->keys, e) ||
	    !take_path(d, args_value(args, "root"), "root", d->root, e) ||
	    !take_path(d, args_value(args, "state"), "state", d->state, e) ||
	    !take_path(d, args_value(args, "run"), "run", d->run, e))
		return false;
	if (strlen(d->run) + strlen(LINK_SUFFIX) > LINK_PATH_MAX)
		return err_set(e, ERR_INVALID,
		    _("--run: the path is too long for the sockets in it: at most %zu bytes"),
		    LINK_PATH_MAX - strlen(LINK_SUFFIX));
	return true;
}

static bool make_dirs(const struct deployment *d, struct err *e)
{
	return file_make_dir(d->keys, 0700, e) && file_make_dir(d->root, 0700, e) &&
	       file_make_dir(d->state, 0755, e) && file_make_dir(d->run, 0755, e) &&
	       file_write(d->state, "first-start", 0644, bytes_text("a new log may begin here, once\n"), e);
}

static bool make(struct deployment *d, struct err *e)
{
	if (file_exists(d->dir, "cellveil.conf"))
		return err_set(
		    e, ERR_REFUSED, _("%s: there is a deployment already; nothing was changed"), d->dir);
	return make_dirs(d, e) && make_keys(d, e) && write_keyset(d, e) && write_release_pub(d, e) &&
	       write_conf(d, e);
}

static void report(const struct deployment *d, const struct args *args)
{
	struct buf out = { 0 };

	if (args_flag(args, "json")) {
		buf_put_text(&out, "{\"conf\":");
		char path[PATH_MAX + 16];
		snprintf(path, sizeof path, "%s/cellveil.conf", d->dir);
		text_json(&out, path);
		buf_put_text(&out, ",\"keys\":");
		text_json(&out, d->keys);
		buf_put_text(&out, ",\"root\":");
		text_json(&out, d->root);
		buf_put_text(&out, "}\n");
		(void)text_put(&out);
	} else {
		text_say(_("Made %s/cellveil.conf, the keys in %s and the first key set."), d->dir, d->keys);
		text_say(_("The root key is in %s: carry it to a safe place off this machine."), d->root);
		text_say(_("Next: start cellveild and cellveil-gate with --config %s/cellveil.conf, then"),
		    d->dir);
		text_say("  cellveilctl config add FILE.yaml --config %s/cellveil.conf", d->dir);
	}
	buf_free(&out);
}

int ctl_init(const struct args *args)
{
	struct deployment *d = calloc(1, sizeof *d);
	struct err e = { 0 };
	int code = EXIT_USAGE;

	if (!d)
		return EXIT_OTHER;
	d->now_s = (uint64_t)time(NULL);
	if (!take_numbers(d, args)) {
		goto done;
	} else if (!take_names(d, args, &e) || !take_paths(d, args, &e)) {
		text_error(&e);
	} else if (!make(d, &e)) {
		text_error(&e);
		code = e.code == ERR_REFUSED ? EXIT_REFUSED : EXIT_OTHER;
	} else {
		report(d, args);
		code = EXIT_OK;
	}
done:
	free(d);
	return code;
}

/* --- keyset sign --- */

/* The text of FILE: a key set's text, or the signed note of an earlier one. */
static bool read_keyset_text(const char *path, struct keyset *set, struct err *e)
{
	struct buf file = { 0 };
	struct note note;
	bool ok = file_read(&file, path, LIMIT_NOTE_BYTES, e);

	if (ok && note_parse(&note, buf_bytes(&file), NULL))
		ok = keyset_parse(set, note.text, e) || err_wrap(e, "%s", path);
	else if (ok)
		ok = keyset_parse(set, buf_bytes(&file), e) || err_wrap(e, "%s", path);
	buf_free(&file);
	return ok;
}

/* The same keys for another span of time, one serial on. */
static void renew(struct keyset *set, uint64_t now_s, unsigned long days)
{
	set->serial++;
	set->issued = now_s;
	set->valid_until = now_s + days * DAY_S;
	for (size_t i = 0; i < set->n_keys; i++) {
		if (set->key[i].state == KEYSET_ACTIVE && set->key[i].not_after < set->valid_until)
			set->key[i].not_after = set->valid_until;
	}
}

static bool read_root(const char *dir, uint8_t *secret, struct err *e)
{
	char path[FILE_PATH];
	struct buf text = { 0 };
	bool ok = file_path(path, dir, "root", e) && file_read_secret(&text, path, 4096, e) &&
		  (keys_secret_parse(secret, KEY_ROOT, buf_bytes(&text), e) || err_wrap(e, "%s", path));

	buf_free(&text);
	return ok;
}

static bool sign_file(const struct args *args, unsigned long days, struct buf *note, struct err *e)
{
	const char *root = args_value(args, "root");
	uint8_t *secret = sodium_malloc(KEY_BYTES);
	struct keyset *set = calloc(1, sizeof *set);
	struct buf text = { 0 };
	bool ok = (set && secret) || err_set(e, ERR_MEMORY, "no memory");

	ok = ok && read_keyset_text(args->at[0], set, e);
	if (ok && args_flag(args, "renew"))
		renew(set, (uint64_t)time(NULL), days);
	ok = ok && keyset_put(&text, set, e) && read_root(root ? root : ".", secret, e) &&
	     sign_keyset(note, buf_bytes(&text), set->origin, secret, e);
	sodium_free(secret);
	free(set);
	buf_free(&text);
	return ok;
}

int ctl_keyset_sign(const struct args *args)
{
	struct buf note = { 0 };
	unsigned long days = DAYS_DEFAULT;
	struct err e = { 0 };
	int code = EXIT_USAGE;

	if (!args_number(args, "days", 3650, DAYS_DEFAULT, &days))
		return EXIT_USAGE;
	if (!sign_file(args, days, &note, &e)) {
		text_error(&e);
		code = e.code == ERR_NOT_FOUND || e.code == ERR_REFUSED ? EXIT_KEY : EXIT_OTHER;
	} else {
		code = text_put(&note) ? EXIT_OK : EXIT_OTHER;
	}
	buf_free(&note);
	return code;
}
