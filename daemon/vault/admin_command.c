/* admin_command - see admin_command.h. Here: what all commands need, the vault itself, and the table of commands;
 * admin_people and admin_release have the rest. */
#include "daemon/vault/admin_command.h"
#include "daemon/vault/admin_parts.h"
#include "daemon/vault/journal.h"
#include "daemon/vault/publish.h"
#include "proto/config.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MODE_COUNTER "operator_mode"

const char *command_print_time(char out[COMMAND_TIME_ROOM], uint64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (seconds == 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(out, COMMAND_TIME_ROOM, "%Y-%m-%d %H:%M", &tm) == 0)
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

bool command_change(struct command *c, command_fn *fn, struct err *e)
{
	if (!vault_begin(c->v, e))
		return false;
	if (fn(c, e) && add_admin_leaf(c, e) && vault_commit(c->v, e))
		return true;
	vault_rollback(c->v);
	return false;
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

bool command_find_dataset(struct command *c, struct dataset *out, struct err *e)
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

bool command_find_period(struct command *c, struct period *out, struct err *e)
{
	struct dataset dataset;

	return command_find_dataset(c, &dataset, e) && vault_period(c->v, dataset.name, c->q->period, out, e);
}

/* --- status and mode --- */

static const char *mode_name(enum link_mode mode)
{
	static const char *const name[] = { "-", "normal", "read-only", "draining", "storage-low",
		"log-stalled", "clock-hold" };

	return (size_t)mode < sizeof name / sizeof *name ? name[mode] : "-";
}

void command_tell_gate(struct command *c)
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
	char at[COMMAND_TIME_ROOM];
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
	admin_answer_fact(c->a, "signed at", "%s", command_print_time(at, journal_signed_at(c->v)));
	command_tell_gate(c);
	admin_answer_fact(c->a, "key set", "%llu", keys ? (unsigned long long)keys->serial : 0);
	admin_answer_fact(c->a, "valid until", "%s", command_print_time(at, keys ? keys->valid_until : 0));
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
	if (!command_change(c, store_mode, e))
		return false;
	apply_mode(c->v, c->q->mode);
	admin_answer_fact(c->a, "mode", "%s", mode_name(vault_mode(c->v)));
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
	if (!command_change(c, add_config, e) || !publish_files(c->v, e))
		return false;
	admin_answer_say(c->a, "Added; it holds for periods that are opened from now on.");
	return true;
}

static bool put_config(
    struct command *c, const uint8_t digest[32], bool newest, uint64_t added_s, struct err *e)
{
	const struct config *config = vault_config(c->v, digest, e);
	struct buf hex = { 0 };
	char at[COMMAND_TIME_ROOM];

	if (!config)
		return false;
	buf_put_hex(&hex, bytes_of(digest, 32));
	buf_put_byte(&hex, 0);
	admin_answer_cell(c->a, "%s", config->dataset);
	admin_answer_cell(c->a, "%s %s", config->form_id, config->form_version);
	admin_answer_cell(c->a, "%s", command_print_time(at, added_s));
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
	if (!command_change(c, install_keyset, e) || !publish_files(c->v, e))
		return false;
	admin_answer_fact(c->a, "key set", "%llu", (unsigned long long)publish_keys(c->v)->serial);
	return true;
}

/* --- all of them --- */

static const struct {
	enum admin_kind kind;
	command_fn *run;
} commands[] = {
	{ ADMIN_STATUS, run_status },
	{ ADMIN_MODE, run_mode },
	{ ADMIN_OFFICE_ADD, command_office_add },
	{ ADMIN_OFFICE_LIST, command_office_list },
	{ ADMIN_OFFICE_DISABLE, command_disable },
	{ ADMIN_READER_DISABLE, command_disable },
	{ ADMIN_KEY_LIST, command_key_list },
	{ ADMIN_KEY_REVOKE, command_key_revoke },
	{ ADMIN_CONFIG_ADD, run_config_add },
	{ ADMIN_CONFIG_LIST, run_config_list },
	{ ADMIN_KEYSET_INSTALL, run_keyset_install },
	{ ADMIN_PERIOD_OPEN, command_period_change },
	{ ADMIN_PERIOD_CLOSE, command_period_change },
	{ ADMIN_PERIOD_STATUS, command_period_status },
	{ ADMIN_PERIOD_VOID, command_period_change },
	{ ADMIN_RELEASE_PUBLISH, command_release },
	{ ADMIN_RELEASE_SHOW, command_release },
	{ ADMIN_RELEASE_WITHDRAW, command_release },
	{ ADMIN_RELEASE_TABLE, command_release_table },
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
