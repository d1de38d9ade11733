/* admin_command - see admin_command.h. */
#include "daemon/vault/admin_command.h"
#include "daemon/vault/journal.h"
#include "daemon/vault/publish.h"
#include "proto/config.h"
#include "proto/message.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIME_ROOM    20
#define MODE_COUNTER "operator_mode"

struct command {
	struct vault *v;
	uid_t uid;
	const struct admin_request *q;
	struct bytes upload;
	struct admin_answer *a;
};
typedef bool command_fn(struct command *c, struct err *e);

/* "2025-01-31 12:00", UTC; "-" for never. */
static const char *print_time(char out[TIME_ROOM], uint64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (seconds == 0 || gmtime_r(&t, &tm) == NULL || strftime(out, TIME_ROOM, "%Y-%m-%d %H:%M", &tm) == 0)
		memcpy(out, "-", 2);
	return out;
}

/* --- transactions: a change and the leaf that names the operator are one --- */

static bool add_admin_leaf(struct command *c, struct err *e)
{
	struct log_entry leaf = { .kind = LOG_ADMIN };

	snprintf(leaf.class, sizeof leaf.class, "%s", admin_class(c->q->kind));
	snprintf(leaf.by, sizeof leaf.by, "%lu", (unsigned long)c->uid);
	return vault_add_leaf(c->v, &leaf, e);
}

static bool change(struct command *c, command_fn *fn, struct err *e)
{
	if (!vault_begin(c->v, e))
		return false;
	if (fn(c, e) && add_admin_leaf(c, e) && vault_commit(c->v, e))
		return true;
	vault_rollback(c->v);
	return false;
}

static bool only_leaf(struct command *c, struct err *e)
{
	(void)c;
	(void)e;
	return true;
}

/* --- which dataset, which period --- */

struct only {
	char name[LIMIT_NAME + 1];
	size_t n;
};

static bool count_dataset(void *context, const struct dataset *dataset, struct err *e)
{
	struct only *only = context;

	(void)e;
	snprintf(only->name, sizeof only->name, "%s", dataset->name);
	only->n++;
	return true;
}

static bool find_dataset(struct command *c, struct dataset *out, struct err *e)
{
	struct only only = { 0 };

	if (c->q->dataset[0])
		return vault_dataset(c->v, c->q->dataset, out, e);
	if (!vault_each_dataset(c->v, count_dataset, &only, e))
		return false;
	if (only.n == 0)
		return err_set(e, ERR_NOT_FOUND, "there is no dataset yet: add a configuration first");
	if (only.n > 1)
		return err_set(e, ERR_INVALID, "there are several datasets: name one with --dataset");
	return vault_dataset(c->v, only.name, out, e);
}

static bool find_period(struct command *c, struct period *out, struct err *e)
{
	struct dataset dataset;

	return find_dataset(c, &dataset, e) && vault_period(c->v, dataset.name, c->q->period, out, e);
}

/* --- status and mode --- */

static const char *mode_name(enum link_mode mode)
{
	static const char *const name[] = { "-", "normal", "read-only", "draining", "storage-low",
		"log-stalled", "clock-hold" };

	return (size_t)mode < sizeof name / sizeof *name ? name[mode] : "-";
}

static void tell_gate(struct command *c)
{
	bool connected = vault_gate_connected(c->v);

	admin_answer_fact(c->a, "registry", "%llu", (unsigned long long)c->v->registry_serial);
	admin_answer_fact(c->a, "gate", "%s", connected ? "connected" : "away");
	if (connected)
		admin_answer_fact(
		    c->a, "registry at the gate", "%llu", (unsigned long long)vault_gate_applied(c->v));
}

static bool run_status(struct command *c, struct err *e)
{
	const struct keyset *keys = publish_keys(c->v);
	char at[TIME_ROOM];
	uint8_t root[32];
	uint64_t size = 0;
	struct only datasets = { 0 };

	if (!vault_each_dataset(c->v, count_dataset, &datasets, e))
		return false;
	journal_signed(c->v, &size, root);
	admin_answer_fact(c->a, "version", "%s", CELLVEIL_VERSION);
	admin_answer_fact(c->a, "origin", "%s", c->v->conf->origin);
	admin_answer_fact(c->a, "mode", "%s", mode_name(vault_mode(c->v)));
	admin_answer_fact(c->a, "datasets", "%zu", datasets.n);
	admin_answer_fact(c->a, "log", "%llu", (unsigned long long)c->v->log_saved);
	admin_answer_fact(c->a, "log signed", "%llu", (unsigned long long)size);
	admin_answer_fact(c->a, "signed at", "%s", print_time(at, journal_signed_at(c->v)));
	tell_gate(c);
	admin_answer_fact(c->a, "key set", "%llu", keys ? (unsigned long long)keys->serial : 0);
	admin_answer_fact(c->a, "valid until", "%s", print_time(at, keys ? keys->valid_until : 0));
	if (!keys)
		admin_answer_say(
		    c->a, "There is no key set: offices cannot send. See cellveilctl keyset install.");
	else if (keyset_warns(keys, vault_now_s(c->v)))
		admin_answer_say(
		    c->a, "The key set runs out soon: sign a new one with cellveilctl keyset sign --renew.");
	return true;
}

static void apply_mode(struct vault *v, uint64_t mode)
{
	vault_set_mode(v, MODE_READ_ONLY, mode == MODE_READ_ONLY);
	vault_set_mode(v, MODE_DRAINING, mode == MODE_DRAINING);
}

bool admin_command_restore_mode(struct vault *v, struct err *e)
{
	uint64_t mode = 0;

	if (!store_counter(v->store, MODE_COUNTER, &mode, e))
		return false;
	apply_mode(v, mode);
	return true;
}

static bool store_mode(struct command *c, struct err *e)
{
	return store_set_counter(c->v->store, MODE_COUNTER, c->q->mode, e);
}

static bool run_mode(struct command *c, struct err *e)
{
	if (!change(c, store_mode, e))
		return false;
	apply_mode(c->v, c->q->mode);
	admin_answer_fact(c->a, "mode", "%s", mode_name(vault_mode(c->v)));
	return true;
}

/* --- offices and readers --- */

static unsigned role_of(enum identity_kind kind)
{
	switch (kind) {
	case IDENTITY_OFFICE:
		return ROLE_OFFICE;
	case IDENTITY_RESEARCHER:
		return ROLE_RESEARCHER;
	case IDENTITY_AUDITOR:
		break;
	}
	return ROLE_AUDITOR;
}

struct names {
	char name[LIMIT_DATASETS][LIMIT_NAME + 1];
	const char *at[LIMIT_DATASETS];
	size_t n;
};

static bool add_name(void *context, const struct dataset *dataset, struct err *e)
{
	struct names *names = context;

	if (names->n == LIMIT_DATASETS)
		return err_set(e, ERR_LIMIT, "too many datasets");
	memcpy(names->name[names->n], dataset->name, sizeof names->name[0]);
	names->at[names->n] = names->name[names->n];
	names->n++;
	return true;
}

/* The dataset that was named, or all there are. */
static bool wanted_datasets(struct command *c, struct names *out, struct err *e)
{
	struct dataset one;

	*out = (struct names){ 0 };
	if (c->q->dataset[0])
		return vault_dataset(c->v, c->q->dataset, &one, e) && add_name(out, &one, e);
	if (!vault_each_dataset(c->v, add_name, out, e))
		return false;
	return out->n > 0 || err_set(e, ERR_NOT_FOUND, "there is no dataset yet: add a configuration first");
}

static bool enrol(struct command *c, struct err *e)
{
	struct identity id;
	struct names datasets;

	if (!identity_parse(&id, c->q->line, e) || !wanted_datasets(c, &datasets, e))
		return false;
	const struct registry_change change = {
		.office = id.kind == IDENTITY_OFFICE ? id.name : NULL,
		.curve_key = id.curve,
		.sign_key = id.kind == IDENTITY_OFFICE ? id.sign : NULL,
		.roles = role_of(id.kind),
		.dataset = datasets.at,
		.n_datasets = datasets.n,
		.age = id.kind == IDENTITY_AUDITOR && id.age[0] ? id.age : NULL,
		.witness_name = id.kind == IDENTITY_AUDITOR && id.has_sign ? id.name : NULL,
		.witness_key = id.kind == IDENTITY_AUDITOR && id.has_sign ? id.sign : NULL,
	};
	return vault_enroll(c->v, &change, e);
}

static bool fill_join(struct command *c, const struct identity *id, struct join *j, struct err *e)
{
	const struct keyset *keys = publish_keys(c->v);
	const uint8_t *root = publish_root_key(c->v);
	struct names datasets;

	*j = (struct join){ .kind = id->kind };
	if (!keys || !root)
		return err_set(e, ERR_REFUSED, "there is no key set yet: see cellveilctl keyset install");
	const struct keyset_key *curve = keyset_active(keys, KEY_CURVE);
	const struct keyset_endpoint *submit = keyset_serves(keys, KEYSET_SERVE_SUBMIT),
				     *query = keyset_serves(keys, KEYSET_SERVE_QUERY),
				     *feed = keyset_serves(keys, KEYSET_SERVE_FEED);
	if (!curve || !submit || !query || !feed)
		return err_set(e, ERR_REFUSED, "the key set names no CURVE key or not all three endpoints");
	if (!wanted_datasets(c, &datasets, e))
		return false;
	snprintf(j->name, sizeof j->name, "%s", id->name);
	snprintf(j->origin, sizeof j->origin, "%s", c->v->conf->origin);
	memcpy(j->root, root, sizeof j->root);
	memcpy(j->curve, curve->key, sizeof j->curve);
	if (id->kind == IDENTITY_OFFICE)
		snprintf(j->submit, sizeof j->submit, "%s", submit->address);
	snprintf(j->query, sizeof j->query, "%s", query->address);
	snprintf(j->feed, sizeof j->feed, "%s", feed->address);
	j->n_datasets = datasets.n;
	memcpy(j->dataset, datasets.name, sizeof j->dataset);
	return true;
}

static void tell_fingerprints(struct command *c, const struct identity *id)
{
	uint8_t key_id[KEY_ID_BYTES];
	char text[KEY_FINGERPRINT];

	keys_id(key_id, KEY_TYPE_CURVE, id->curve);
	keys_fingerprint(text, key_id);
	admin_answer_fact(c->a, "curve key", "%s", text);
	if (id->has_sign) {
		keys_id(key_id, KEY_TYPE_ED25519, id->sign);
		keys_fingerprint(text, key_id);
		admin_answer_fact(c->a, "signing key", "%s", text);
	}
}

/* An office that no configuration lists may be enrolled, but its forms will be refused: say so now. */
static bool warn_unlisted(struct command *c, const char *office, struct err *e)
{
	struct names datasets;

	if (!wanted_datasets(c, &datasets, e))
		return false;
	for (size_t i = 0; i < datasets.n; i++) {
		struct dataset d;

		if (!vault_dataset(c->v, datasets.at[i], &d, e))
			return false;
		const struct config *config = vault_config(c->v, d.config, e);
		if (!config)
			return false;
		if (model_code(&config->list[config->office_list], office) != NO_PLACE)
			return true;
	}
	admin_answer_say(c->a, "No configuration lists this office: until one does, its forms are refused.");
	return true;
}

static bool run_office_add(struct command *c, struct err *e)
{
	struct identity id;
	struct join join;
	struct buf line = { 0 };

	if (!identity_parse(&id, c->q->line, e) || !fill_join(c, &id, &join, e) || !change(c, enrol, e))
		return false;
	join_print(&line, &join);
	while (line.size > 0 && line.data[line.size - 1] == '\n')
		line.size--;
	buf_put_byte(&line, 0);
	admin_answer_fact(c->a, identity_kind_name(id.kind), "%s", id.name);
	tell_fingerprints(c, &id);
	tell_gate(c);
	admin_answer_fact(c->a, "join", "%s", line.failed ? "" : (const char *)line.data);
	admin_answer_say(c->a, "Compare the fingerprints over the telephone, then send the join line back.");
	buf_free(&line);
	return id.kind != IDENTITY_OFFICE || warn_unlisted(c, id.name, e);
}

static bool put_office(void *context, const struct office_row *office, struct err *e)
{
	struct admin_answer *a = context;
	char at[TIME_ROOM];

	(void)e;
	admin_answer_cell(a, "%s", office->name);
	admin_answer_cell(a, "%s", office->disabled_s ? "disabled" : "active");
	admin_answer_cell(a, "%s", print_time(at, office->disabled_s ? office->disabled_s : office->added_s));
	admin_answer_cell(a, "%u", office->n_keys);
	admin_answer_cell(a, "%u", office->n_principals);
	return true;
}

static bool run_office_list(struct command *c, struct err *e)
{
	static const char *const head[] = { "office", "state", "since", "signing keys", "machines" };

	admin_answer_columns(c->a, head, 5);
	return vault_each_office(c->v, put_office, c->a, e);
}

static bool disable_office(struct command *c, struct err *e)
{
	return vault_disable_office(c->v, c->q->office, e);
}

static bool disable_reader(struct command *c, struct err *e)
{
	return vault_disable_principal(c->v, c->q->key_id, e);
}

static bool run_disable(struct command *c, struct err *e)
{
	if (!change(c, c->q->kind == ADMIN_OFFICE_DISABLE ? disable_office : disable_reader, e))
		return false;
	tell_gate(c);
	admin_answer_say(
	    c->a, "The vault refuses it from now on; the gate does as soon as it has this registry.");
	return true;
}

static bool put_key(void *context, const struct key_row *key, struct err *e)
{
	struct admin_answer *a = context;
	char at[32], print[KEY_FINGERPRINT];

	(void)e;
	keys_fingerprint(print, key->key_id);
	admin_answer_cell(a, "%s", key->office);
	admin_answer_cell(a, "%s", key->machine ? "curve key" : "signing key");
	admin_answer_cell(a, "%s", print);
	admin_answer_cell(a, "%s", key->revoked_s ? "revoked" : "active");
	admin_answer_cell(a, "%s", print_time(at, key->revoked_s ? key->revoked_s : key->added_s));
	return true;
}

static bool run_key_list(struct command *c, struct err *e)
{
	static const char *const head[] = { "office", "use", "key", "state", "since" };

	admin_answer_columns(c->a, head, 5);
	return vault_each_key(c->v, c->q->office, put_key, c->a, e);
}

static bool revoke_key(struct command *c, struct err *e)
{
	return vault_revoke_key(c->v, c->q->office, c->q->key_id, e);
}

static bool run_key_revoke(struct command *c, struct err *e)
{
	if (!change(c, revoke_key, e))
		return false;
	tell_gate(c);
	admin_answer_say(c->a, "This key is refused from now on; the office's other keys are not touched.");
	return true;
}

/* --- configurations and key sets --- */

static bool add_config(struct command *c, struct err *e)
{
	uint8_t digest[32];
	struct buf hex = { 0 };

	if (!vault_add_config(c->v, c->upload, digest, e))
		return false;
	buf_put_hex(&hex, bytes_of(digest, sizeof digest));
	buf_put_byte(&hex, 0);
	if (!hex.failed)
		admin_answer_fact(c->a, "config", "%s", (const char *)hex.data);
	buf_free(&hex);
	return true;
}

static bool run_config_add(struct command *c, struct err *e)
{
	if (c->upload.len == 0)
		return err_set(e, ERR_INVALID, "no configuration came before the command");
	if (!change(c, add_config, e) || !publish_files(c->v, e))
		return false;
	admin_answer_say(c->a, "Added; it holds for periods that are opened from now on.");
	return true;
}

static bool put_config(
    struct command *c, const uint8_t digest[32], bool newest, uint64_t added_s, struct err *e)
{
	const struct config *config = vault_config(c->v, digest, e);
	struct buf hex = { 0 };
	char at[TIME_ROOM];

	if (!config)
		return false;
	buf_put_hex(&hex, bytes_of(digest, 32));
	buf_put_byte(&hex, 0);
	admin_answer_cell(c->a, "%s", config->dataset);
	admin_answer_cell(c->a, "%s %s", config->form_id, config->form_version);
	admin_answer_cell(c->a, "%s", print_time(at, added_s));
	admin_answer_cell(c->a, "%s", newest ? "yes" : "no");
	admin_answer_cell(c->a, "%s", hex.failed ? "" : (const char *)hex.data);
	buf_free(&hex);
	return true;
}

static bool run_config_list(struct command *c, struct err *e)
{
	static const char *const head[] = { "dataset", "form", "added", "newest", "digest" };
	struct rows r;
	bool ok = true;

	admin_answer_columns(c->a, head, 5);
	rows_open(&r, c->v->store,
	    "SELECT c.digest, c.added_s, d.config = c.digest FROM config c JOIN dataset d ON d.name = "
	    "c.dataset"
	    " ORDER BY c.dataset, c.n",
	    "");
	while (ok && rows_next(&r)) {
		uint8_t digest[32];

		ok = rows_copy(&r, 0, digest, 32) &&
		     put_config(c, digest, rows_uint(&r, 2) != 0, rows_uint(&r, 1), e);
	}
	return rows_close(&r, e) && ok;
}

static bool install_keyset(struct command *c, struct err *e)
{
	return publish_take_keyset(c->v, c->upload, e);
}

static bool run_keyset_install(struct command *c, struct err *e)
{
	if (c->upload.len == 0)
		return err_set(e, ERR_INVALID, "no key set came before the command");
	if (!change(c, install_keyset, e) || !publish_files(c->v, e))
		return false;
	admin_answer_fact(c->a, "key set", "%llu", (unsigned long long)publish_keys(c->v)->serial);
	return true;
}

/* --- periods --- */

static bool open_period(struct command *c, struct err *e)
{
	struct dataset dataset;
	struct period p;
	struct err why;

	if (!find_dataset(c, &dataset, e))
		return false;
	if (!vault_period(c->v, dataset.name, c->q->period, &p, &why)) {
		if (why.code != ERR_NOT_FOUND)
			return err_set(e, why.code, "%s", why.text);
		if (!vault_plan_period(c->v, dataset.name, c->q->period, c->q->opens_s, c->q->closes_s, e) ||
		    !vault_period(c->v, dataset.name, c->q->period, &p, e))
			return false;
		if (p.opens_s > vault_now_s(c->v))
			return true;
	}
	return vault_step_period(c->v, &p, PERIOD_DO_OPEN, e);
}

static bool close_period(struct command *c, struct err *e)
{
	struct period p;

	return find_period(c, &p, e) && vault_step_period(c->v, &p, PERIOD_DO_CLOSE, e);
}

static bool void_period(struct command *c, struct err *e)
{
	struct period p;

	return find_period(c, &p, e) && vault_step_period(c->v, &p, PERIOD_DO_VOID, e);
}

static bool tell_period(struct command *c, const struct period *p, struct err *e)
{
	struct period_counts n;
	char at[TIME_ROOM];

	if (!vault_count_period(c->v, p, &n, e))
		return false;
	admin_answer_fact(c->a, "dataset", "%s", p->dataset);
	admin_answer_fact(c->a, "period", "%s", p->name);
	admin_answer_fact(c->a, "state", "%s", period_state_name(p->state));
	admin_answer_fact(c->a, "opens", "%s", print_time(at, p->opens_s));
	admin_answer_fact(c->a, "closes", "%s", print_time(at, p->closes_s));
	admin_answer_fact(c->a, "publication", "%s", print_time(at, p->publish_s));
	admin_answer_fact(c->a, "offices", "%llu", (unsigned long long)n.offices);
	admin_answer_fact(c->a, "submissions", "%llu", (unsigned long long)n.submissions);
	admin_answer_fact(c->a, "late", "%llu", (unsigned long long)n.late);
	admin_answer_fact(c->a, "held", "%llu", (unsigned long long)n.held);
	return true;
}

/* Who is expected in the period, and who has reported: names and yes or no, nothing else. */
static bool put_reporting(struct command *c, const struct period *p, struct err *e)
{
	static const char *const head[] = { "office", "reported" };
	const struct config *config = vault_config(c->v, p->config, e);

	if (!config)
		return false;
	const struct codelist *list = &config->list[config->office_list];
	admin_answer_columns(c->a, head, 2);
	for (uint16_t i = 0; i < list->n_codes; i++) {
		bool filed = false;

		if (!model_is_leaf(list, i) || !config_office_in(config, list->code[i].code, p->name))
			continue;
		if (!vault_office_filed(c->v, p, list->code[i].code, &filed, e))
			return false;
		admin_answer_cell(c->a, "%s", list->code[i].code);
		admin_answer_cell(c->a, "%s", filed ? "yes" : "no");
	}
	return true;
}

static bool put_period(void *context, const struct period *p, struct err *e)
{
	struct command *c = context;
	struct period_counts n;
	char at[TIME_ROOM];

	if (!vault_count_period(c->v, p, &n, e))
		return false;
	admin_answer_cell(c->a, "%s", p->dataset);
	admin_answer_cell(c->a, "%s", p->name);
	admin_answer_cell(c->a, "%s", period_state_name(p->state));
	admin_answer_cell(c->a, "%s", print_time(at, p->opens_s));
	admin_answer_cell(c->a, "%s", print_time(at, p->closes_s));
	admin_answer_cell(c->a, "%llu", (unsigned long long)n.offices);
	return true;
}

static bool put_periods_of(void *context, const struct dataset *dataset, struct err *e)
{
	struct command *c = context;

	if (c->q->dataset[0] && strcmp(c->q->dataset, dataset->name) != 0)
		return true;
	return vault_each_period(c->v, dataset->name, put_period, c, e);
}

static bool run_period_status(struct command *c, struct err *e)
{
	static const char *const head[] = { "dataset", "period", "state", "opens", "closes", "offices" };
	struct period p;

	if (c->q->period[0])
		return find_period(c, &p, e) && tell_period(c, &p, e) && put_reporting(c, &p, e);
	admin_answer_columns(c->a, head, 6);
	return vault_each_dataset(c->v, put_periods_of, c, e);
}

static bool run_period_change(struct command *c, struct err *e)
{
	command_fn *fn = c->q->kind == ADMIN_PERIOD_OPEN    ? open_period
			 : c->q->kind == ADMIN_PERIOD_CLOSE ? close_period
							    : void_period;
	struct period p;

	return change(c, fn, e) && find_period(c, &p, e) && tell_period(c, &p, e);
}

/* --- releases --- */

static void put_cell(void *context, const struct publish_cell *cell)
{
	struct admin_answer *a = context;

	admin_answer_cell(a, "%s", cell->table);
	admin_answer_cell(a, "%s", cell->cell);
	admin_answer_cell(a, "%s", cell->state);
	admin_answer_cell(a, "%s", cell->value);
	admin_answer_cell(a, "%s", cell->why);
}

static void say_text(struct admin_answer *a, const struct buf *text)
{
	struct bytes rest = buf_bytes(text);

	while (rest.len > 0) {
		const uint8_t *end = memchr(rest.at, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.at) : rest.len;

		if (len > 0)
			admin_answer_say(a, "%.*s", (int)len, (const char *)rest.at);
		rest = bytes_of(rest.at + len + (end != NULL), rest.len - len - (end != NULL));
	}
}

static void tell_release(struct command *c, const struct period *p, const struct publish_report *r)
{
	struct buf hex = { 0 };

	admin_answer_fact(c->a, "dataset", "%s", p->dataset);
	admin_answer_fact(c->a, "period", "%s", p->name);
	admin_answer_fact(c->a, "revision", "%llu", (unsigned long long)r->revision);
	admin_answer_fact(c->a, "release", "%s", release_stage_name(r->stage));
	admin_answer_fact(c->a, "offices", "%llu", (unsigned long long)r->n_offices);
	admin_answer_fact(c->a, "cells", "%llu", (unsigned long long)r->n_cells);
	admin_answer_fact(c->a, "hidden", "%llu", (unsigned long long)r->n_suppressed);
	if (r->stage == STAGE_PUBLISHED || r->stage == STAGE_WITHDRAWN) {
		buf_put_hex(&hex, bytes_of(r->object, sizeof r->object));
		buf_put_byte(&hex, 0);
		admin_answer_fact(c->a, "feed", "%llu", (unsigned long long)r->seq);
		admin_answer_fact(c->a, "object", "%s", hex.failed ? "" : (const char *)hex.data);
	}
	if (r->stage == STAGE_WITHHELD)
		c->a->outcome = ADMIN_WITHHELD;
	say_text(c->a, &r->text);
	buf_free(&hex);
}

static bool run_release(struct command *c, struct err *e)
{
	static const char *const head[] = { "table", "cell", "state", "value", "why" };
	bool cells = c->q->kind == ADMIN_RELEASE_SHOW || c->q->dry_run;
	struct publish_report r = { .cell = cells ? put_cell : NULL, .context = c->a };
	struct period p;
	bool ok;

	if (!find_period(c, &p, e))
		return false;
	if (cells)
		admin_answer_columns(c->a, head, 5);
	if (c->q->kind == ADMIN_RELEASE_SHOW)
		ok = publish_show(c->v, &p, &r, e);
	else if (c->q->dry_run)
		ok = publish_release(c->v, &p, true, &r, e);
	else if (c->q->kind == ADMIN_RELEASE_PUBLISH)
		ok = publish_may(&p, e) && change(c, only_leaf, e) && publish_release(c->v, &p, false, &r, e);
	else
		ok = change(c, only_leaf, e) &&
		     publish_withdraw(c->v, &p, (enum log_reason)c->q->reason, &r, e);
	if (ok)
		tell_release(c, &p, &r);
	publish_report_free(&r);
	return ok;
}

static bool put_file(void *context, const char *name, struct bytes content)
{
	struct admin_answer *a = context;

	admin_answer_file(a, name, content);
	return !a->cut;
}

/* Hands out counts: the log says that it was done, and by whom. */
static bool run_release_table(struct command *c, struct err *e)
{
	static const char *const head[] = { "file", "piece" };
	struct period p;

	if (!find_period(c, &p, e) || !change(c, only_leaf, e))
		return false;
	admin_answer_columns(c->a, head, 2);
	return publish_table(c->v, &p, put_file, c->a, e);
}

/* --- all of them --- */

static const struct {
	enum admin_kind kind;
	command_fn *run;
} commands[] = {
	{ ADMIN_STATUS, run_status },
	{ ADMIN_MODE, run_mode },
	{ ADMIN_OFFICE_ADD, run_office_add },
	{ ADMIN_OFFICE_LIST, run_office_list },
	{ ADMIN_OFFICE_DISABLE, run_disable },
	{ ADMIN_READER_DISABLE, run_disable },
	{ ADMIN_KEY_LIST, run_key_list },
	{ ADMIN_KEY_REVOKE, run_key_revoke },
	{ ADMIN_CONFIG_ADD, run_config_add },
	{ ADMIN_CONFIG_LIST, run_config_list },
	{ ADMIN_KEYSET_INSTALL, run_keyset_install },
	{ ADMIN_PERIOD_OPEN, run_period_change },
	{ ADMIN_PERIOD_CLOSE, run_period_change },
	{ ADMIN_PERIOD_STATUS, run_period_status },
	{ ADMIN_PERIOD_VOID, run_period_change },
	{ ADMIN_RELEASE_PUBLISH, run_release },
	{ ADMIN_RELEASE_SHOW, run_release },
	{ ADMIN_RELEASE_WITHDRAW, run_release },
	{ ADMIN_RELEASE_TABLE, run_release_table },
};

bool admin_command_run(struct vault *v, uid_t uid, const struct admin_request *q, struct bytes upload,
    struct admin_answer *a, struct err *e)
{
	struct command c = { .v = v, .uid = uid, .q = q, .upload = upload, .a = a };
	struct err why = { .code = ERR_UNSUPPORTED, .text = "a command this vault does not know" };

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (commands[i].kind != q->kind)
			continue;
		if (commands[i].run(&c, &why))
			return true;
	}
	admin_answer_fail(a, &why);
	if (!store_broken(v->store))
		return true;
	if (e)
		*e = why;
	return false;
}
