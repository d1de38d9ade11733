#include "client/audit/loglist.h"
#include "client/witnesses.h"
#include "proto/name.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_NOTE   "checkpoint"
#define KEPT_LEAVES "leaves" /* 32 bytes each, as far as KEPT_NOTE goes */

void loglist_free(struct loglist *l)
{
	buf_free(&l->note);
	buf_free(&l->text);
	free(l->end);
	for (unsigned k = 1; k < LOGLIST_LEVELS; k++)
		free(l->level[k]);
	free(l->hash);
	free(l->kind);
	*l = (struct loglist){ 0 };
}

struct bytes loglist_bytes(const struct loglist *l, uint64_t i)
{
	size_t start = i > 0 ? l->end[i - 1] : 0;

	return bytes_of(l->text.data + start, l->end[i] - start);
}

bool loglist_entry(const struct loglist *l, uint64_t i, struct log_entry *out, struct err *e)
{
	return log_entry_parse(out, loglist_bytes(l, i), e);
}

bool loglist_entry_of(const struct loglist *l, uint64_t i, enum log_kind kind, struct log_entry *out)
{
	return (l->kind == NULL || l->kind[i] == (uint8_t)kind) && loglist_entry(l, i, out, NULL) &&
	       out->kind == kind;
}

/* A complete subtree: of eight levels as it stands, of less from at most 128 of those. */
static bool node(void *arg, unsigned level, uint64_t index, struct tlog_hash *out, struct err *e)
{
	const struct loglist *l = arg;
	const struct tlog_hash *from = l->level[level / 8];
	struct tlog_frontier f = { 0 };
	unsigned below = level % 8;

	(void)e;
	for (uint64_t i = index << below; i < (index + 1) << below; i++)
		tlog_frontier_add(&f, &from[i]);
	tlog_frontier_root(out, &f);
	return true;
}

struct tlog_source loglist_source(struct loglist *l)
{
	return (struct tlog_source){ .node = node, .arg = l };
}

void loglist_root(const struct loglist *l, uint64_t n, struct tlog_hash *out)
{
	struct tlog_source source = { .node = node, .arg = (void *)(uintptr_t)l };

	(void)tlog_root(out, &source, n, NULL); /* node answers true */
}

/* The roots of full tiles, level by level: every node of the tree is hashed once. */
static bool make_levels(struct loglist *l, struct err *e)
{
	uint64_t n = l->n / TLOG_TILE_WIDTH;

	l->level[0] = l->hash;
	for (unsigned k = 1; k < LOGLIST_LEVELS && n > 0; k++, n /= TLOG_TILE_WIDTH) {
		l->level[k] = calloc(n, sizeof *l->level[k]);
		if (l->level[k] == NULL)
			return err_set(e, ERR_MEMORY, "no memory for the log");
		for (uint64_t i = 0; i < n; i++)
			tlog_tile_root(
			    &l->level[k][i], (const uint8_t *)(l->level[k - 1] + i * TLOG_TILE_WIDTH));
	}
	return true;
}

static const char *leaf_name(char room[128], uint64_t i)
{
	(void)snprintf(room, 128, "leaf %llu", (unsigned long long)i);
	return room;
}

/* --- checkpoint --- */

/* Our own rule whose signatures there must be, if we have one. */
static int check_witnesses(const struct loglist *l, const struct source *s, struct verdicts *v, struct err *e)
{
	struct tlogpolicy *p = calloc(1, sizeof *p);
	struct checkpoint c;
	bool found = false, enough = false;
	int code = AUDIT_HOLDS;

	if (p == NULL || !witnesses_load(&s->d.settings, p, &found, e))
		code = AUDIT_UNCHECKED;
	else if (found && !witnesses_open(p, &s->log, buf_bytes(&l->note), &c, &enough, e))
		code = AUDIT_FAILS;
	if (code != AUDIT_HOLDS)
		verdicts_add_code(v, code, "witnesses", "log/checkpoint", "", e);
	else if (found && enough)
		verdicts_add(v, VERDICT_HOLDS, "witnesses", "log/checkpoint", "%s",
		    p->none ? _("the policy asks for none")
			    : _("signed by the witnesses that the policy asks for"));
	else if (found)
		verdicts_add(v, VERDICT_UNCHECKED, "witnesses", "log/checkpoint", "%s",
		    _("the witnesses that the policy asks for have not signed this checkpoint"));
	free(p);
	return code;
}

static int read_checkpoint(struct loglist *l, struct source *s, struct verdicts *v, struct err *e)
{
	int code = source_checkpoint(s, &l->note, e);

	if (code == AUDIT_HOLDS &&
	    !checkpoint_open(&l->checkpoint, buf_bytes(&l->note), &s->log, NULL, 0, NULL, e))
		code = AUDIT_FAILS;
	if (code == AUDIT_HOLDS && l->checkpoint.size > LOGLIST_MAX) {
		(void)err_set(e, ERR_LIMIT, "%s", _("the log is longer than this program reads"));
		code = AUDIT_UNCHECKED;
	}
	verdicts_add_code(
	    v, code, "checkpoint", "log/checkpoint", _("signed by the log key of the key set"), e);
	if (code == AUDIT_HOLDS)
		code = check_witnesses(l, s, v, e);
	return code == SOURCE_ABSENT ? AUDIT_FAILS : code;
}

static bool make_room(struct loglist *l, struct err *e)
{
	l->end = calloc(l->checkpoint.size + 1, sizeof *l->end);
	l->hash = calloc(l->checkpoint.size + 1, sizeof *l->hash);
	return (l->end != NULL && l->hash != NULL) || err_set(e, ERR_MEMORY, "no memory for the log");
}

/* --- entries and tiles --- */

/* One bundle of width entries. False with the place in where. */
static bool take_bundle(
    struct loglist *l, struct bytes bundle, unsigned width, char where[128], struct err *e)
{
	for (unsigned k = 0; k < width; k++, l->n++) {
		struct bytes entry;

		leaf_name(where, l->n);
		if (bundle.len == 0)
			return err_set(e, ERR_CRYPTO, "%s", _("the bundle ends before this entry"));
		if (!tlog_bundle_next(&bundle, &entry, e))
			return false;
		tlog_leaf(&l->hash[l->n], entry);
		buf_put_bytes(&l->text, entry);
		if (l->text.failed)
			return err_set(e, ERR_MEMORY, "no memory for the log");
		l->end[l->n] = l->text.size;
	}
	return bundle.len == 0 ||
	       err_set(e, ERR_CRYPTO, "%s", _("the bundle holds more entries than it may"));
}

static int read_bundles(struct loglist *l, struct source *s, struct verdicts *v, struct err *e)
{
	struct buf file = { 0 };
	char where[128] = "";
	int code = AUDIT_HOLDS;

	for (uint64_t k = 0; code == AUDIT_HOLDS && k * TLOG_TILE_WIDTH < l->checkpoint.size; k++) {
		struct tlog_tile tile = { .entries = true,
			.index = k,
			.width = (uint16_t)tlog_tile_width(l->checkpoint.size, 0, k) };

		(void)tlog_tile_name(where, &tile, e);
		code = source_tile(s, &tile, &file, e);
		if (code == AUDIT_HOLDS && !take_bundle(l, buf_bytes(&file), tile.width, where, e))
			code = AUDIT_FAILS;
	}
	if (code != AUDIT_HOLDS)
		verdicts_add_code(v, code, "entries", where, "", e);
	buf_free(&file);
	return code == SOURCE_ABSENT ? AUDIT_FAILS : code;
}

/* Compares a tile with what the entries come to; where names the first place that differs. */
static bool same_tile(
    const struct loglist *l, const struct tlog_tile *tile, struct bytes file, char where[128], struct err *e)
{
	char name[TLOG_NAME_MAX];

	(void)tlog_tile_name(name, tile, e);
	(void)snprintf(where, 128, "%s", name);
	if (file.len != (size_t)tile->width * TLOG_HASH_BYTES)
		return err_set(e, ERR_CRYPTO, "%s", _("the tile has the wrong size"));
	for (unsigned k = 0; k < tile->width; k++) {
		uint64_t place = tile->index * TLOG_TILE_WIDTH + k;

		if (memcmp(l->level[tile->level][place].b, file.at + (size_t)k * TLOG_HASH_BYTES,
			TLOG_HASH_BYTES) == 0)
			continue;
		(void)snprintf(where, 128, "%s, %s %llu", name, tile->level == 0 ? "leaf" : "place",
		    (unsigned long long)place);
		return err_set(e, ERR_CRYPTO, "%s", _("entry and tile do not fit together"));
	}
	return true;
}

static int check_tiles(struct loglist *l, struct source *s, struct verdicts *v, struct err *e)
{
	struct buf file = { 0 };
	char where[128] = "";
	int code = AUDIT_HOLDS;
	uint64_t n_tiles = 0;

	for (unsigned level = 0; code == AUDIT_HOLDS && level < 8 && l->n >> (8 * level) > 0; level++) {
		uint64_t hashes = l->n >> (8 * level);

		for (uint64_t k = 0; code == AUDIT_HOLDS && k * TLOG_TILE_WIDTH < hashes; k++, n_tiles++) {
			struct tlog_tile tile = { .level = (uint8_t)level,
				.index = k,
				.width = (uint16_t)tlog_tile_width(l->n, level, k) };

			(void)tlog_tile_name(where, &tile, e);
			code = source_tile(s, &tile, &file, e);
			if (code == AUDIT_HOLDS && !same_tile(l, &tile, buf_bytes(&file), where, e))
				code = AUDIT_FAILS;
		}
	}
	if (code == AUDIT_HOLDS)
		verdicts_add(v, VERDICT_HOLDS, "tiles", "", _("%llu tiles are what the entries come to"),
		    (unsigned long long)n_tiles);
	else
		verdicts_add_code(v, code, "tiles", where, "", e);
	buf_free(&file);
	return code == SOURCE_ABSENT ? AUDIT_FAILS : code;
}

static int check_root(struct loglist *l, struct verdicts *v)
{
	struct tlog_hash root;

	loglist_root(l, l->n, &root);
	l->whole = memcmp(root.b, l->checkpoint.root.b, sizeof root.b) == 0;
	if (l->whole)
		verdicts_add(v, VERDICT_HOLDS, "root", "log/checkpoint",
		    _("%llu entries lead to the signed root"), (unsigned long long)l->n);
	else
		verdicts_add(v, VERDICT_FAILS, "root", "log/checkpoint", "%s",
		    _("the entries do not lead to the signed root: dropped, added, changed or out of order"));
	return l->whole ? AUDIT_HOLDS : AUDIT_FAILS;
}

/* --- the entries' own order --- */

static int compare_hash(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

/* Every number in its place; the origin first; no form twice, no release twice, a seal before a release and of no more
 * forms than came; nobody's configuration. */
struct order {
	const char *origin;
	uint8_t (*seen)[32]; /* digests of statements, and of "dataset/period/revision" */
	uint64_t *leaf;      /* where each stands */
	size_t n;
	uint64_t left;    /* 1 + the last leaf that let something out or took it back */
	uint64_t n_forms; /* so far */
	bool
	    command_missing; /* the leaf before is a configuration: its command is the next, in one transaction */
	uint64_t time_s, n_back, back; /* of the leaf before; how often time went back, and where first */
};

static void release_tag(uint8_t out[32], const char *kind, const struct log_entry *x)
{
	char text[160];

	(void)snprintf(
	    text, sizeof text, "%s/%s/%s/%llu", kind, x->dataset, x->period, (unsigned long long)x->revision);
	keys_file_digest(out, bytes_text(text));
}

static uint8_t *remember(struct order *o, uint64_t i)
{
	o->leaf[o->n] = i;
	return o->seen[o->n++];
}

/* An older store was put back: forms and seals it lost may come again; what has left may not be lost. */
static const char *go_back(struct order *o, uint64_t i, const struct log_entry *x)
{
	if (x->size > i)
		return N_("the store cannot have had more entries than the log");
	if (o->left > x->size)
		return N_("a store was put back that forgets a release");
	while (o->n > 0 && o->leaf[o->n - 1] >= x->size)
		o->n--;
	return NULL;
}

/* Clocks are set back at times: worth telling, no breach of the log. */
static void note_time(struct order *o, uint64_t i, const struct log_entry *x)
{
	if (x->time_s < o->time_s && o->n_back++ == 0)
		o->back = i;
	o->time_s = x->time_s;
}

static const char *command_problem(struct order *o, const struct log_entry *x)
{
	if (o->command_missing && (x->kind != LOG_ADMIN || strcmp(x->class, "config") != 0))
		return N_("the configuration before it came without an operator's command");
	o->command_missing = x->kind == LOG_CONFIG;
	o->n_forms += x->kind == LOG_SUBMISSION;
	if (x->kind == LOG_PERIOD_SEAL && x->n > o->n_forms)
		return N_("it seals more forms than the log had received");
	return NULL;
}

static const char *entry_problem(struct order *o, uint64_t i, const struct log_entry *x)
{
	if (x->index != i)
		return N_("the entry carries another number than its place");
	if (i == 0 && (x->kind != LOG_START || strcmp(x->origin, o->origin) != 0))
		return N_("the log does not begin with its origin");
	if (i > 0 && x->kind == LOG_START)
		return N_("the log begins a second time");
	note_time(o, i, x);
	const char *problem = command_problem(o, x);
	if (problem != NULL)
		return problem;
	if (x->kind == LOG_SUBMISSION)
		memcpy(remember(o, i), x->statement, 32);
	if (x->kind == LOG_PERIOD_SEAL)
		release_tag(remember(o, i), "seal", x);
	if (x->kind == LOG_RELEASE)
		release_tag(remember(o, i), "release", x);
	if (x->kind == LOG_RELEASE || x->kind == LOG_SUPERSEDE || x->kind == LOG_WITHDRAW)
		o->left = i + 1;
	if (x->kind == LOG_RECOVERY && x->reason == LOG_RECOVERY_RESTORED)
		return go_back(o, i, x);
	return NULL;
}

static const char *second_time(const struct order *o)
{
	if (o->n > 1)
		qsort(o->seen, o->n, sizeof *o->seen, compare_hash);
	for (size_t i = 1; i < o->n; i++) {
		if (memcmp(o->seen[i - 1], o->seen[i], 32) == 0)
			return N_("the same form, seal or release stands in the log twice");
	}
	return NULL;
}

static int check_order(struct loglist *l, struct source *s, struct verdicts *v, struct err *e)
{
	struct order o = { .origin = s->d.settings.join.origin,
		.seen = calloc(l->n + 1, 32),
		.leaf = calloc(l->n + 1, sizeof(uint64_t)) };
	struct log_entry x;
	const char *problem = NULL;
	char where[128] = "";

	l->kind = calloc(l->n + 1, 1);
	if (o.seen == NULL || o.leaf == NULL || l->kind == NULL) {
		free(o.seen);
		free(o.leaf);
		(void)err_set(e, ERR_MEMORY, "no memory for the log");
		return AUDIT_UNCHECKED;
	}
	for (uint64_t i = 0; problem == NULL && i < l->n; i++) {
		leaf_name(where, i);
		problem = loglist_entry(l, i, &x, e) ? entry_problem(&o, i, &x)
						     : N_("not an entry of this log's format");
		l->kind[i] = (uint8_t)x.kind;
	}
	if (problem == NULL) {
		problem = o.command_missing
			      ? N_("the log ends with a configuration and no operator's command")
			      : second_time(&o);
		where[0] = 0;
	}
	if (problem != NULL)
		verdicts_add(v, VERDICT_FAILS, "order", where, "%s", _(problem));
	else if (o.n_back > 0)
		verdicts_add(v, VERDICT_HOLDS, "order", "",
		    _("every entry has its number; no form, seal or release twice. The clock went back %llu "
		      "times, first at leaf %llu"),
		    (unsigned long long)o.n_back, (unsigned long long)o.back);
	else
		verdicts_add(v, VERDICT_HOLDS, "order", "", "%s",
		    _("every entry has its number; no form, seal or release twice"));
	free(o.seen);
	free(o.leaf);
	return problem == NULL ? AUDIT_HOLDS : AUDIT_FAILS;
}

/* --- what we saw before --- */

static bool load_kept(struct loglist *l, struct source *s, struct buf *note, struct buf *leaves)
{
	char path[FILE_PATH];

	return file_path(path, s->state, KEPT_NOTE, NULL) && file_read(note, path, LIMIT_NOTE_BYTES, NULL) &&
	       checkpoint_open(&l->kept, buf_bytes(note), &s->log, NULL, 0, NULL, NULL) &&
	       file_path(path, s->state, KEPT_LEAVES, NULL) &&
	       file_read(leaves, path, LOGLIST_MAX * TLOG_HASH_BYTES, NULL);
}

/* The first leaf that is not the one we saw. n if all are. */
static uint64_t first_other(const struct loglist *l, const struct buf *leaves)
{
	uint64_t n = leaves->size / TLOG_HASH_BYTES < l->n ? leaves->size / TLOG_HASH_BYTES : l->n;

	for (uint64_t i = 0; i < n; i++) {
		if (memcmp(l->hash[i].b, leaves->data + i * TLOG_HASH_BYTES, TLOG_HASH_BYTES) != 0)
			return i;
	}
	return n;
}

static void tell_evidence(struct source *s, struct loglist *l, struct bytes other, const char *what,
    struct verdicts *v, const char *where, const char *text)
{
	const struct source_file file[] = { { "checkpoint.seen-before", other },
		{ "checkpoint.now", buf_bytes(&l->note) } };
	char path[FILE_PATH];
	struct err e = { 0 };

	if (source_keep_evidence(s, what, file, 2, path, &e))
		verdicts_add(
		    v, VERDICT_FAILS, what, where, _("%s; both signed notes are kept in %s"), text, path);
	else
		verdicts_add(v, VERDICT_FAILS, what, where, "%s; %s", text, e.text);
}

static int check_kept(struct loglist *l, struct source *s, struct verdicts *v)
{
	struct buf note = { 0 }, leaves = { 0 };
	struct tlog_hash root;
	char where[128] = "log/checkpoint";
	int code = AUDIT_FAILS;

	l->consistent = false;
	if (!load_kept(l, s, &note, &leaves)) {
		l->kept.size = 0;
		l->consistent = true;
		verdicts_add(v, VERDICT_HOLDS, "consistency", "", "%s",
		    _("the first look at this log: from now on it is held against what was seen"));
		code = AUDIT_HOLDS;
		goto done;
	}
	uint64_t other = first_other(l, &leaves);
	if (l->kept.size <= l->n) {
		loglist_root(l, l->kept.size, &root);
		l->consistent = memcmp(root.b, l->kept.root.b, sizeof root.b) == 0;
		if (l->consistent) {
			verdicts_add(v, VERDICT_HOLDS, "consistency", "",
			    _("the %llu entries seen before are all there, unchanged"),
			    (unsigned long long)l->kept.size);
			code = AUDIT_HOLDS;
			goto done;
		}
	}
	if (other < l->n && other < leaves.size / TLOG_HASH_BYTES)
		tell_evidence(s, l, buf_bytes(&note), "fork", v, leaf_name(where, other),
		    _("this entry is not the one that stood there before: the log was rewritten"));
	else
		tell_evidence(s, l, buf_bytes(&note), "rollback", v, where,
		    _("the log is shorter than it was: it went back in time, or an old copy is served"));
done:
	buf_free(&note);
	buf_free(&leaves);
	return code;
}

static bool remember_seen(struct loglist *l, struct source *s, struct err *e)
{
	return file_write(s->state, KEPT_LEAVES, 0600, bytes_of(l->hash, l->n * sizeof *l->hash), e) &&
	       file_write(s->state, KEPT_NOTE, 0600, buf_bytes(&l->note), e);
}

int loglist_read(struct loglist *l, struct source *s, struct verdicts *v, bool remember, struct err *e)
{
	int code, other;

	*l = (struct loglist){ .note = { .max = LIMIT_NOTE_BYTES } };
	code = read_checkpoint(l, s, v, e);
	if (code != AUDIT_HOLDS)
		return code;
	if (!make_room(l, e))
		return AUDIT_UNCHECKED;
	code = read_bundles(l, s, v, e);
	if (code != AUDIT_HOLDS)
		return code;
	if (!make_levels(l, e))
		return AUDIT_UNCHECKED;
	code = check_tiles(l, s, v, e);
	other = check_root(l, v);
	code = code == AUDIT_HOLDS ? other : code;
	if (!l->whole)
		return code;
	other = check_order(l, s, v, e);
	code = code == AUDIT_HOLDS ? other : code;
	other = check_kept(l, s, v);
	code = code == AUDIT_HOLDS ? other : code;
	if (code == AUDIT_HOLDS && remember && !remember_seen(l, s, e))
		code = AUDIT_UNCHECKED;
	return code;
}

/* --- others' checkpoints --- */

int loglist_compare(struct loglist *l, struct source *s, struct bytes note, const char *where,
    struct verdicts *v, struct err *e)
{
	struct checkpoint c;
	struct tlog_hash root;

	if (!checkpoint_open(&c, note, &s->log, NULL, 0, NULL, e)) {
		verdicts_add(v, VERDICT_FAILS, "compare", where, "%s", e->text);
		return AUDIT_FAILS;
	}
	if (c.size > l->n) {
		verdicts_add(v, VERDICT_UNCHECKED, "compare", where, "%s",
		    _("this checkpoint is newer than the log that is served"));
		return AUDIT_UNCHECKED;
	}
	loglist_root(l, c.size, &root);
	if (memcmp(root.b, c.root.b, sizeof root.b) == 0) {
		verdicts_add(v, VERDICT_HOLDS, "compare", where, _("the same log, up to entry %llu"),
		    (unsigned long long)c.size);
		return AUDIT_HOLDS;
	}
	tell_evidence(s, l, note, "split-view", v, where,
	    _("two properly signed checkpoints contradict each other: the log shows different people "
	      "different things"));
	return AUDIT_FAILS;
}

/* --- releases by name --- */

struct wanted {
	char dataset[LIMIT_NAME + 1], period[LIMIT_PERIOD + 1];
	bool has_revision;
	unsigned long revision;
};

/* [DATASET/]PERIOD[/REVISION]: a word that is a period tells which is which. */
static bool parse_name(struct wanted *w, const char *name)
{
	char copy[128], *part[3], *save = NULL;
	size_t n = 0, at;

	*w = (struct wanted){ 0 };
	if (strlen(name) >= sizeof copy)
		return false;
	(void)snprintf(copy, sizeof copy, "%s", name);
	for (char *p = strtok_r(copy, "/", &save); p != NULL && n < 3; p = strtok_r(NULL, "/", &save))
		part[n++] = p;
	at = n > 0 && name_is_period(bytes_text(part[0])) ? 0 : 1;
	if (at >= n || !name_is_period(bytes_text(part[at])) || n > at + 2)
		return false;
	if (at == 1)
		(void)snprintf(w->dataset, sizeof w->dataset, "%s", part[0]);
	(void)snprintf(w->period, sizeof w->period, "%s", part[at]);
	w->has_revision = n == at + 2;
	if (w->has_revision) {
		char *end;

		w->revision = strtoul(part[at + 1], &end, 10);
		return part[at + 1][0] >= '0' && part[at + 1][0] <= '9' && *end == 0;
	}
	return true;
}

int loglist_find_release(
    const struct loglist *l, const char *name, uint64_t *index, struct log_entry *out, struct err *e)
{
	struct wanted w;
	struct log_entry x;

	if (!parse_name(&w, name)) {
		(void)err_set(e, ERR_INVALID, "%s", _("a release is named [DATASET/]PERIOD[/REVISION]"));
		return AUDIT_USAGE;
	}
	for (uint64_t i = l->n; i-- > 0;) {
		if ((!loglist_entry_of(l, i, LOG_RELEASE, &x) &&
			!loglist_entry_of(l, i, LOG_NO_RELEASE, &x)) ||
		    strcmp(x.period, w.period) != 0 || (w.dataset[0] && strcmp(x.dataset, w.dataset) != 0) ||
		    (w.has_revision && x.revision != w.revision))
			continue;
		*index = i;
		*out = x;
		return AUDIT_HOLDS;
	}
	(void)err_set(e, ERR_NOT_FOUND, "%s", _("the log has no such release"));
	return AUDIT_USAGE;
}
