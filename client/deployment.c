#include "client/deployment.h"
#include "client/command.h"
#include "client/keyfile.h"
#include "client/refusal.h"
#include "client/text.h"
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Why a question was not answered, in the user's words; e keeps the English of err. */
static int give_up(const struct deployment *d, enum net_result result, struct err *e)
{
	switch (result) {
	case NET_INTERRUPTED:
		(void)err_set(e, ERR_REFUSED, "%s", _("interrupted"));
		return EXIT_INTERRUPTED;
	case NET_KEY_REFUSED:
	case NET_WRONG_SERVER:
		(void)err_set(e, ERR_REFUSED, "%s", d->trouble);
		return EXIT_KEY;
	case NET_LATE:
		(void)err_set(
		    e, ERR_SYSTEM, "%s", d->trouble[0] != 0 ? d->trouble : _("the gate has not answered"));
		return EXIT_NOT_SENT;
	default:
		return EXIT_OTHER;
	}
}

static void load_keyset(struct deployment *d)
{
	char path[FILE_PATH];
	struct err e;

	if (!file_path(path, d->settings.dir, "keyset", &e) ||
	    !file_read(&d->note, path, LIMIT_NOTE_BYTES, &e) ||
	    !keyset_open(
		&d->keyset, buf_bytes(&d->note), &d->root, d->settings.join.origin, 0, bytes_of(NULL, 0), &e))
		buf_clear(&d->note); /* asked for again */
	else
		d->has_keyset = true;
}

/* What a killed run left half written, in the folder itself and in those of copies. */
static void sweep(const struct settings *s)
{
	static const char *const folder[] = { "keysets", "config" };
	char dir[FILE_PATH];

	file_sweep(s->dir);
	for (size_t i = 0; i < sizeof folder / sizeof *folder; i++) {
		if (file_path(dir, s->dir, folder[i], NULL))
			file_sweep(dir);
	}
}

int deployment_open(struct deployment *d, const char *dir, struct err *e)
{
	memset(d, 0, sizeof *d);
	d->deadline_ms = NET_FOR_EVER;
	d->note.max = LIMIT_NOTE_BYTES;
	d->body.max = LIMIT_REPLY_BYTES;
	if (!settings_load(&d->settings, dir, e))
		return EXIT_KEY;
	if (!d->settings.joined) {
		(void)err_set(
		    e, ERR_NOT_FOUND, "%s", _("the operator's answer is missing; run: cellveil join 'LINE'"));
		return EXIT_KEY;
	}
	d->curve = keyfile_read(d->settings.dir, KEY_CURVE, e);
	if (d->curve == NULL || !settings_root(&d->settings, &d->root, e))
		return EXIT_KEY;
	sweep(&d->settings);
	load_keyset(d);
	return EXIT_OK;
}

void deployment_close(struct deployment *d)
{
	net_close(d->query);
	net_close(d->submit);
	sodium_free(d->curve);
	buf_free(&d->note);
	buf_free(&d->body);
}

void deployment_wait(struct deployment *d, unsigned long seconds)
{
	if (seconds > INT32_MAX)
		d->deadline_ms = NET_FOR_EVER;
	else
		d->deadline_ms = net_now_ms() + (int64_t)seconds * 1000;
}

void deployment_target(struct deployment *d, enum keyset_service service, struct net_target *target)
{
	const char *const joined[KEYSET_SERVICES] = { [KEYSET_SERVE_FEED] = d->settings.join.feed,
		[KEYSET_SERVE_QUERY] = d->settings.join.query,
		[KEYSET_SERVE_SUBMIT] = d->settings.join.submit };
	const struct keyset_endpoint *endpoint = d->has_keyset ? keyset_serves(&d->keyset, service) : NULL;
	const struct keyset_key *key =
	    endpoint != NULL ? keyset_find(&d->keyset, KEY_CURVE, endpoint->curve_id) : NULL;

	target->secret = d->curve;
	target->proven = d->has_keyset; /* it came from there, or through whom it names */
	if (key != NULL) {
		(void)snprintf(target->endpoint, sizeof target->endpoint, "%s", endpoint->address);
		memcpy(target->server, key->key, KEY_BYTES);
	} else {
		(void)snprintf(target->endpoint, sizeof target->endpoint, "%s", joined[service]);
		memcpy(target->server, d->settings.join.curve, KEY_BYTES);
	}
}

struct net *deployment_query(struct deployment *d, struct err *e)
{
	struct net_target target;

	if (d->query == NULL) {
		deployment_target(d, KEYSET_SERVE_QUERY, &target);
		d->query = net_open(&target, NULL, e);
	}
	return d->query;
}

struct net *deployment_submit(struct deployment *d, struct err *e)
{
	struct net_target target;

	if (d->submit == NULL) {
		deployment_target(d, KEYSET_SERVE_SUBMIT, &target);
		d->submit = net_open(&target, NULL, e);
	}
	return d->submit;
}

static void tell(struct deployment *d, const char *what, int64_t wait_ms)
{
	if (strcmp(d->trouble, what) == 0)
		return; /* once for each trouble: days of outage are one line */
	(void)snprintf(d->trouble, sizeof d->trouble, "%s", what);
	text_say(_("%s; trying again in %lld s"), what, (long long)((wait_ms + 999) / 1000));
}

/* Waits, for a connection (up) or the time, unless that would pass the deadline. */
static enum net_result pause_for(const struct deployment *d, struct net *up, int64_t ms)
{
	int64_t now = net_now_ms();
	bool late = d->deadline_ms != NET_FOR_EVER && now + ms > d->deadline_ms;

	if (up == NULL)
		return late ? NET_LATE : net_sleep(now + ms);
	if (net_wait_up(up, late ? d->deadline_ms : now + ms) == NET_INTERRUPTED)
		return NET_INTERRUPTED;
	return d->deadline_ms != NET_FOR_EVER && net_now_ms() >= d->deadline_ms ? NET_LATE : NET_OK;
}

/* The gate's own wish, and some jitter so that not everybody comes back at once. */
static int64_t wished(uint64_t retry_after_ms, unsigned attempt)
{
	int64_t least = retry_after_ms > NET_BACKOFF_MAX ? NET_BACKOFF_MAX : (int64_t)retry_after_ms;

	return least + net_backoff_ms(attempt < 3 ? attempt : 3, randombytes_random());
}

static const char *busy_text(enum busy_reason reason)
{
	static const char *const text[] = { N_("the gate is busy"), N_("too many messages from us"),
		N_("the gate's queue is full"), N_("the receiver's disk is nearly full"),
		N_("the receiver is stopping"), N_("the receiver's log stands still"),
		N_("the receiver is away"), N_("the receiver's clock is being checked"),
		N_("the receiver is read-only just now") };

	return _(text[reason <= BUSY_READ_ONLY ? reason : 0]);
}

/* Looks at an answer. -1: wait *ms and ask again. */
static int look(struct deployment *d, enum message_kind want, unsigned attempt, int64_t *ms, struct err *e)
{
	const struct message *m = &d->reply;

	if (m->kind == MSG_BUSY) {
		*ms = wished(m->busy.retry_after_ms, attempt);
		tell(d, busy_text(m->busy.reason), *ms);
		return -1;
	}
	if (m->kind == MSG_REJECT && m->reject.class == CLASS_TEMPORARY) {
		struct err why;
		refusal_text(&why, &m->reject);
		*ms = wished(m->reject.has_retry_after ? m->reject.retry_after_ms : 0, attempt);
		tell(d, why.text, *ms);
		return -1;
	}
	if (m->kind == MSG_REJECT && want != MSG_REJECT) {
		refusal_text(e, &m->reject);
		return EXIT_REFUSED;
	}
	if (m->kind == want || want == MSG_REJECT)
		return EXIT_OK;
	(void)err_set(e, ERR_MALFORMED, "%s", _("the gate answered something else"));
	return EXIT_OTHER;
}

int deployment_ask(struct deployment *d, struct net *n, enum message_kind want, struct err *e)
{
	enum net_result result;

	d->trouble[0] = 0;
	for (unsigned attempt = 0;; attempt++) {
		int64_t ms = net_backoff_ms(attempt, randombytes_random());
		int code;

		buf_clear(&d->body);
		result = net_ask(n, &d->ask, &d->body, &d->reply, d->deadline_ms, e);
		if (result == NET_OK) {
			code = look(d, want, attempt, &ms, e);
			if (code >= 0)
				return code;
		} else if (result == NET_KEY_REFUSED || result == NET_WRONG_SERVER) {
			ms += NET_AUTH_MS;
			if (!d->persist)
				(void)snprintf(d->trouble, sizeof d->trouble, "%s", net_trouble(n));
			else
				tell(d, net_trouble(n), ms);
		} else if (result == NET_LATE) {
			tell(d, net_trouble(n)[0] != 0 ? net_trouble(n) : _("no answer from the gate"), ms);
		}
		if (result == NET_INTERRUPTED || result == NET_BROKEN ||
		    (!d->persist && (result == NET_KEY_REFUSED || result == NET_WRONG_SERVER)))
			return give_up(d, result, e);
		result = pause_for(d, result == NET_LATE ? n : NULL, ms);
		if (result != NET_OK)
			return give_up(d, result, e);
	}
}

/* Keeps a key set: every one by its serial, for old receipts; the newest as `keyset`. */
static bool keep_keyset(struct deployment *d, const struct keyset *set, struct bytes note, struct err *e)
{
	char dir[FILE_PATH], name[32];

	(void)snprintf(name, sizeof name, "%llu", (unsigned long long)set->serial);
	if (!file_path(dir, d->settings.dir, "keysets", e) || !file_make_dir(dir, 0700, e) ||
	    !file_write(dir, name, 0644, note, e) || !file_write(d->settings.dir, "keyset", 0644, note, e))
		return false;
	buf_clear(&d->note);
	buf_put_bytes(&d->note, note);
	d->keyset = *set;
	d->has_keyset = true;
	return !d->note.failed || err_set(e, ERR_MEMORY, "no memory for the key set");
}

static void warn_keyset(const struct keyset *set)
{
	struct buf when = { 0 };
	uint64_t now = (uint64_t)time(NULL);

	text_time(&when, set->valid_until);
	if (keyset_expired(set, now))
		text_warn(_("warning: the key set ran out on %.*s; nothing can be sent until the operator "
			    "renews it"),
		    (int)when.size, (const char *)when.data);
	else if (keyset_warns(set, now))
		text_say(_("note: the key set runs out on %.*s; the operator should renew it"),
		    (int)when.size, (const char *)when.data);
	buf_free(&when);
}

int deployment_keys(struct deployment *d, struct err *e)
{
	struct net *n = deployment_query(d, e);
	struct keyset set;
	struct bytes note;
	int code;

	if (n == NULL)
		return EXIT_OTHER;
	d->ask = (struct message){ .kind = MSG_GET_KEYS };
	code = deployment_ask(d, n, MSG_KEYSET, e);
	if (code != EXIT_OK)
		return code;
	note = d->reply.keyset.note;
	if (!keyset_open(&set, note, &d->root, d->settings.join.origin, d->has_keyset ? d->keyset.serial : 0,
		buf_bytes(&d->note), e)) {
		err_wrap(e, "%s", _("the gate's key set is not to be believed"));
		return EXIT_KEY;
	}
	if (!bytes_equal(note, buf_bytes(&d->note)) && !keep_keyset(d, &set, note, e))
		return EXIT_OTHER;
	warn_keyset(&d->keyset);
	return EXIT_OK;
}

int deployment_object(
    struct deployment *d, const uint8_t digest[KEY_DIGEST_BYTES], size_t max, struct buf *out, struct err *e)
{
	struct net *n = deployment_query(d, e);
	size_t start = out->size;
	uint64_t total = 1;
	uint8_t found[KEY_DIGEST_BYTES];

	if (n == NULL)
		return EXIT_OTHER;
	for (uint64_t offset = 0; offset < total; offset = out->size - start) {
		const struct msg_object_r *r = &d->reply.object_r;
		int code;

		d->ask = (struct message){ .kind = MSG_OBJECT,
			.object = { .offset = offset, .length = LIMIT_CHUNK_BYTES } };
		memcpy(d->ask.object.digest, digest, KEY_DIGEST_BYTES);
		code = deployment_ask(d, n, MSG_OBJECT_R, e);
		if (code != EXIT_OK)
			return code;
		if (r->total > max || r->offset != offset || r->chunk.len > r->total - offset ||
		    (r->chunk.len == 0 && r->total > offset)) {
			(void)err_set(
			    e, ERR_LIMIT, "%s", _("the gate's file is larger than it may be, or cut"));
			return EXIT_OTHER;
		}
		total = r->total;
		buf_put_bytes(out, r->chunk);
		if (out->failed) {
			(void)err_set(e, ERR_MEMORY, "no memory for a file of %zu bytes", (size_t)total);
			return EXIT_OTHER;
		}
	}
	keys_file_digest(found, bytes_of(out->data + start, out->size - start));
	if (memcmp(found, digest, KEY_DIGEST_BYTES) == 0)
		return EXIT_OK;
	(void)err_set(e, ERR_CRYPTO, "%s", _("the gate's file is not the one that was asked for"));
	return EXIT_OTHER;
}

/* Keeps a copy for when the gate is away. Without room or right to write we go on: whoever must keep something, says so. */
static void keep_copy(const char *dir, const char *name, mode_t mode, struct bytes content)
{
	struct err e = { 0 };

	if (!file_make_dir(dir, 0700, &e) || !file_write(dir, name, mode, content, &e))
		text_say(_("note: what the gate says cannot be kept: %s"), e.text);
}

static bool cached_config(
    const char *dir, const char *name, const uint8_t digest[KEY_DIGEST_BYTES], struct buf *file)
{
	char path[FILE_PATH];
	uint8_t found[KEY_DIGEST_BYTES];

	if (!file_path(path, dir, name, NULL) || !file_read(file, path, LIMIT_CONFIG_FILE, NULL))
		return false;
	keys_file_digest(found, buf_bytes(file));
	if (memcmp(found, digest, KEY_DIGEST_BYTES) == 0)
		return true;
	buf_clear(file);
	return false;
}

int deployment_config(struct deployment *d, const uint8_t digest[KEY_DIGEST_BYTES], const char *dataset,
    struct config **out, struct err *e)
{
	char dir[FILE_PATH], name[2 * KEY_DIGEST_BYTES + 1];
	struct buf file = { 0 };
	int code = EXIT_OTHER;

	*out = NULL;
	sodium_bin2hex(name, sizeof name, digest, KEY_DIGEST_BYTES);
	if (!file_path(dir, d->settings.dir, "config", e))
		goto done;
	if (!cached_config(dir, name, digest, &file)) {
		code = deployment_object(d, digest, LIMIT_CONFIG_FILE, &file, e);
		if (code != EXIT_OK)
			goto done;
		code = EXIT_OTHER;
		keep_copy(dir, name, 0644, buf_bytes(&file));
	}
	*out = config_parse(buf_bytes(&file), e);
	if (*out == NULL) {
		err_wrap(e, "config/%s", name);
		goto done;
	}
	code = EXIT_OK;
	if (strcmp((*out)->origin, d->settings.join.origin) != 0 ||
	    (dataset != NULL && strcmp((*out)->dataset, dataset) != 0)) {
		(void)err_set(
		    e, ERR_REFUSED, "%s", _("the configuration is of another deployment or dataset"));
		config_free(*out);
		*out = NULL;
		code = EXIT_REFUSED;
	}
done:
	buf_free(&file);
	return code;
}

static bool cached_periods(struct deployment *d, const char *name)
{
	char path[FILE_PATH];

	buf_clear(&d->body);
	return file_path(path, d->settings.dir, name, NULL) &&
	       file_read(&d->body, path, LIMIT_REPLY_BYTES, NULL) &&
	       message_decode(&d->reply, buf_bytes(&d->body), NULL) && d->reply.kind == MSG_PERIODS;
}

int deployment_periods(struct deployment *d, const char *dataset, bool cached_ok, struct err *e)
{
	struct net *n =
	    d->settings.kind == IDENTITY_OFFICE ? deployment_submit(d, e) : deployment_query(d, e);
	char name[LIMIT_NAME + 16];
	int code;

	if (n == NULL)
		return EXIT_OTHER;
	(void)snprintf(name, sizeof name, "periods-%s", dataset);
	d->ask = (struct message){ .kind = MSG_GET_PERIODS };
	(void)snprintf(d->ask.get_periods.dataset, sizeof d->ask.get_periods.dataset, "%s", dataset);
	(void)snprintf(d->ask.get_periods.office, sizeof d->ask.get_periods.office, "%s", d->settings.name);
	code = deployment_ask(d, n, MSG_PERIODS, e);
	d->stale = false;
	if (code == EXIT_OK)
		keep_copy(d->settings.dir, name, 0600, buf_bytes(&d->body));
	if (code != EXIT_NOT_SENT || !cached_ok || !cached_periods(d, name))
		return code;
	d->stale = true;
	text_say("%s", _("note: the gate cannot be reached; what it said last is used"));
	return EXIT_OK;
}
