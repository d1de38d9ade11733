/* `cellveil audit replay`: what `cellveild --replay` computed on the vault's host, against log and manifest.
 *
 * Two programs, because no one place may have everything: the replay needs the period's data key and the choice
 * key and sees counts, so it runs on the vault's host and says digests only; the comparison needs the auditor's
 * own memory of the log and runs where he trusts it. */
#include "client/audit/session.h"
#include "proto/name.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLAY_MAX 65536u

enum said { SET, CONFIG, MANIFEST, OBJECT, RESULT, CERTIFICATE, AUDITOR, SAID };
static const char *const said_name[SAID] = { "set", "config", "manifest", "object", "result", "certificate",
	"auditor" };

struct replay {
	char origin[LIMIT_ORIGIN + 1], dataset[LIMIT_NAME + 1], period[LIMIT_PERIOD + 1];
	unsigned long long revision, forms;
	bool has[SAID];
	uint8_t digest[SAID][32];
};

static bool take_number(unsigned long long *out, const char *value)
{
	char *end;

	*out = strtoull(value, &end, 10);
	return value[0] >= '0' && value[0] <= '9' && *end == 0;
}

static bool take_digest(struct replay *r, const char *word, const char *value)
{
	for (size_t i = 0; i < SAID; i++) {
		if (strcmp(said_name[i], word) == 0 && !r->has[i]) {
			r->has[i] = true;
			return hex_decode(r->digest[i], 32, bytes_text(value));
		}
	}
	return false;
}

/* "word value" */
static bool take_line(struct replay *r, char *line)
{
	char *value = strchr(line, ' ');

	if (value == NULL)
		return false;
	*value++ = 0;
	if (strcmp(line, "origin") == 0)
		return name_copy(r->origin, sizeof r->origin, bytes_text(value));
	if (strcmp(line, "dataset") == 0)
		return name_copy(r->dataset, sizeof r->dataset, bytes_text(value));
	if (strcmp(line, "period") == 0)
		return name_copy(r->period, sizeof r->period, bytes_text(value));
	if (strcmp(line, "revision") == 0)
		return take_number(&r->revision, value);
	if (strcmp(line, "forms") == 0)
		return take_number(&r->forms, value);
	return take_digest(r, line, value);
}

static bool parse(struct replay *r, char *text, struct err *e)
{
	char *save = NULL, *line = strtok_r(text, "\n", &save);
	bool ok = line != NULL && strcmp(line, "cellveil-replay/1") == 0;

	memset(r, 0, sizeof *r);
	while (ok && (line = strtok_r(NULL, "\n", &save)) != NULL)
		ok = take_line(r, line);
	if (!ok)
		return err_set(e, ERR_MALFORMED, "%s", _("not what `cellveild --replay` prints"));
	return (r->has[SET] && r->has[CONFIG] && r->has[MANIFEST]) ||
	       err_set(e, ERR_MALFORMED, "%s", _("the replay is cut short"));
}

/* --- comparing --- */

struct comparison {
	struct verdicts *v;
	const struct replay *r;
	const char *where;
};

static void same(const struct comparison *c, enum said what, const uint8_t *want, const char *holds)
{
	char name[64];
	bool equal = c->r->has[what] && memcmp(c->r->digest[what], want, 32) == 0;

	(void)snprintf(name, sizeof name, "replay %s", said_name[what]);
	if (equal)
		verdicts_add(c->v, VERDICT_HOLDS, name, c->where, "%s", holds);
	else if (c->r->has[what])
		verdicts_add(c->v, VERDICT_FAILS, name, c->where, "%s",
		    _("made again it has another digest than the one that was published or bound"));
	else
		verdicts_add(c->v, VERDICT_FAILS, name, c->where, "%s",
		    _("made again the policy refuses it, and it was published"));
}

static void check_seal(const struct comparison *c, const struct session *s, const struct log_entry *release)
{
	struct log_entry x;

	for (uint64_t i = release->index; i-- > 0;) {
		if (!loglist_entry_of(&s->log, i, LOG_PERIOD_SEAL, &x) ||
		    strcmp(x.dataset, release->dataset) != 0 || strcmp(x.period, release->period) != 0 ||
		    x.revision != release->revision)
			continue;
		same(c, SET, x.root, _("the forms are those that the log says were sealed"));
		if (x.n != c->r->forms)
			verdicts_add(c->v, VERDICT_FAILS, "replay forms", c->where, "%s",
			    _("another number of forms than the log says"));
		return;
	}
	verdicts_add(
	    c->v, VERDICT_FAILS, "replay set", c->where, "%s", _("the log has no seal of this period"));
}

static void check_header(
    const struct comparison *c, const struct sealed_manifest *m, enum said what, const char *member)
{
	const char *hex = json_string_value(json_object_get(m->header, member));
	uint8_t want[32] = { 0 };

	if (hex != NULL && hex_decode(want, sizeof want, bytes_text(hex)))
		same(c, what, want, _("as the suppression manifest says"));
	else
		verdicts_add(
		    c->v, VERDICT_FAILS, said_name[what], c->where, "%s", _("the manifest names no digest"));
}

/* The sealed manifest's own digests. Its digest is bound by the leaf, so one who cannot open it loses nothing. */
static void check_manifest(
    const struct comparison *c, struct session *s, const struct log_entry *leaf, struct err *e)
{
	struct sealed_manifest m = { 0 };
	struct buf plain = { 0 };
	int code = sealed_open(&m, &s->source, leaf, NULL, &plain, e);

	if (code == AUDIT_HOLDS && leaf->kind == LOG_RELEASE) {
		check_header(c, &m, RESULT, "result");
		check_header(c, &m, CERTIFICATE, "cert");
		check_header(c, &m, AUDITOR, "auditor");
	} else if (code == AUDIT_FAILS) {
		verdicts_add_code(c->v, code, "manifest", c->where, "", e);
	}
	buf_free(&plain);
	sealed_close(&m);
}

static int compare(struct session *s, const struct replay *r, const struct log_entry *leaf, struct err *e)
{
	char where[128];
	const struct comparison c = { &s->verdicts, r, releasecheck_name(where, leaf) };
	struct session_release *release = NULL;
	char name[160];
	int code = AUDIT_HOLDS;

	if (strcmp(r->origin, s->log.checkpoint.origin) != 0 || strcmp(r->dataset, leaf->dataset) != 0 ||
	    strcmp(r->period, leaf->period) != 0 || r->revision != leaf->revision) {
		(void)err_set(e, ERR_INVALID, "%s", _("the replay is of another release"));
		return AUDIT_USAGE;
	}
	check_seal(&c, s, leaf);
	same(&c, MANIFEST, leaf->manifest, _("decisions and reasons, byte for byte"));
	if (leaf->kind == LOG_RELEASE) {
		same(&c, OBJECT, leaf->object, _("every published file, byte for byte"));
		(void)snprintf(name, sizeof name, "%s/%s/%llu", leaf->dataset, leaf->period,
		    (unsigned long long)leaf->revision);
		release = session_fetch(s, name, &code, e);
		if (code == AUDIT_HOLDS)
			same(&c, CONFIG, release->files.manifest.config,
			    _("under the published configuration"));
	} else if (r->has[OBJECT]) {
		verdicts_add(c.v, VERDICT_FAILS, "replay object", where, "%s",
		    _("made again the policy lets it pass, and it was refused"));
	}
	check_manifest(&c, s, leaf, e);
	session_drop(release);
	return code == AUDIT_FAILS ? AUDIT_FAILS : verdicts_code(&s->verdicts);
}

int audit_replay(const struct args *args)
{
	struct err e = { 0 };
	struct buf text = { 0 };
	struct replay r;
	struct log_entry leaf;
	uint64_t index;
	int code;
	struct session *s = session_open(args, &code, &e);

	if (code == AUDIT_HOLDS && !file_read(&text, args->at[1], REPLAY_MAX, &e))
		code = AUDIT_UNCHECKED;
	buf_put_byte(&text, 0);
	if (code == AUDIT_HOLDS && (text.failed || !parse(&r, (char *)text.data, &e)))
		code = AUDIT_USAGE;
	if (code == AUDIT_HOLDS)
		code = loglist_find_release(&s->log, args->at[0], &index, &leaf, &e);
	if (code == AUDIT_HOLDS) {
		code = compare(s, &r, &leaf, &e);
		if (code != AUDIT_USAGE && !verdicts_tell(&s->verdicts, args))
			code = AUDIT_UNCHECKED;
	}
	buf_free(&text);
	return session_close(s, code, &e);
}
