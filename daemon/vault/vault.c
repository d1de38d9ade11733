#include "daemon/vault/vault.h"

#include "daemon/say.h"
#include "daemon/vault/dataset.h"
#include "daemon/vault/link.h"
#include "daemon/vault/space.h"
#include "daemon/vault/unseal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define CLOCK_STEP_S 120u /* docs/protocol.md "Clock": a larger step puts windows on hold */

static bool make_dir(struct vault *v, const char *name, mode_t mode, struct err *e)
{
	char path[CONF_PATH + 16];
	snprintf(path, sizeof path, "%s/%s", v->conf->state, name);
	return os_make_dirs(v->os, AT_FDCWD, path, mode, e);
}

static bool open_dirs(struct vault *v, struct err *e)
{
	char path[CONF_PATH + 16];
	if (!os_make_dirs(v->os, AT_FDCWD, v->conf->state, 0755, e) || !make_dir(v, "public", 0755, e) ||
	    !make_dir(v, "audit", 0750, e) || !make_dir(v, "vault", 0700, e))
		return false;
	snprintf(path, sizeof path, "%s/vault", v->conf->state);
	if (!os_dir_closed(path, 0077, e))
		return false;
	v->vault_dir = os_open_dir(AT_FDCWD, path, e);
	return v->vault_dir >= 0;
}

static bool take_lock(struct vault *v, struct err *e)
{
	v->lock = openat(v->vault_dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (v->lock < 0)
		return err_set(e, ERR_SYSTEM, "vault/lock: cannot open: %s", strerror(errno));
	if (flock(v->lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	return err_set(e, ERR_SYSTEM, "vault/lock: another vault is using this directory");
}

/* What memory holds of the store's counters; the log's rows must agree with its counter. */
static bool load_counters(struct vault *v, struct err *e)
{
	struct rows r;
	uint64_t rows = 0;
	uint64_t next = 0;
	if (!store_counter(v->store, "log_size", &v->log_size, e) ||
	    !store_counter(v->store, "registry_serial", &v->registry_serial, e) ||
	    !store_counter(v->store, "high_water_s", &v->high_water_s, e))
		return false;
	rows_open(&r, v->store, "SELECT count(*), coalesce(max(i) + 1, 0) FROM leaf", "");
	if (rows_next(&r)) {
		rows = rows_uint(&r, 0);
		next = rows_uint(&r, 1);
	}
	if (!rows_close(&r, e))
		return false;
	if (rows != v->log_size || next != v->log_size)
		return err_set(e, ERR_SYSTEM, "store: the log's rows and its counter differ");
	v->log_saved = v->log_size;
	return true;
}

static bool open_store(struct vault *v, const struct os *os, const struct conf *conf, struct err *e)
{
	char path[CONF_PATH + 16];
	*v = (struct vault){ .os = os, .conf = conf, .vault_dir = -1, .lock = -1 };
	os_random(os, v->boot_id, sizeof v->boot_id);
	if (!open_dirs(v, e) || !take_lock(v, e) || !vaultkeys_read(&v->keys, conf, e))
		return false;
	space_make_room(v); /* a full disk must not keep the vault down: reads and receipts go on */
	snprintf(path, sizeof path, "%s/vault/store", conf->state);
	v->store = store_open(os, path, e);
	return v->store != NULL;
}

static bool open_vault(
    struct vault *v, const struct os *os, const struct conf *conf, bool older, struct err *e)
{
	return open_store(v, os, conf, e) && store_bind(v->store, v->keys.master, older, e) &&
	       load_counters(v, e) && vaultkeys_load_intake(&v->keys, v->store, e);
}

bool vault_open(struct vault *v, const struct os *os, const struct conf *conf, struct err *e)
{
	return open_vault(v, os, conf, false, e);
}

bool vault_open_older(struct vault *v, const struct os *os, const struct conf *conf, struct err *e)
{
	return open_vault(v, os, conf, true, e);
}

void vault_close(struct vault *v)
{
	vault_rollback(v);
	dataset_forget_all(v);
	unseal_forget_all(v);
	store_close(v->store);
	vaultkeys_wipe(&v->keys);
	if (v->lock >= 0)
		close(v->lock);
	if (v->vault_dir >= 0)
		close(v->vault_dir);
	*v = (struct vault){ .vault_dir = -1, .lock = -1 };
}

/* Wall time may go back no further than a little behind the latest time ever seen, and forward, while we run,
 * no faster than the boot clock: a clock set wrong for a minute must not open, close or publish anything. */
static bool clock_stepped(const struct vault *v, uint64_t now_s, uint64_t boot_ms)
{
	uint64_t expected_s = v->clock_s + (boot_ms - v->clock_boot_ms) / 1000;
	return now_s + CLOCK_STEP_S < v->high_water_s ||
	       (v->clock_s != 0 && now_s > expected_s + CLOCK_STEP_S);
}

uint64_t vault_now_s(struct vault *v)
{
	uint64_t now_s = os_wall_s(v->os);
	uint64_t boot_ms = os_boot_ms(v->os);
	bool stepped = clock_stepped(v, now_s, boot_ms);
	vault_set_mode(v, MODE_CLOCK_HOLD, stepped);
	if (stepped)
		return now_s;
	v->clock_s = now_s;
	v->clock_boot_ms = boot_ms;
	if (now_s > v->high_water_s)
		v->high_water_s = now_s;
	return now_s;
}

bool vault_reached(struct vault *v, uint64_t instant_s)
{
	uint64_t now_s = vault_now_s(v);
	return instant_s <= now_s && vault_mode(v) != MODE_CLOCK_HOLD;
}

bool vault_begin(struct vault *v, struct err *e)
{
	return store_begin(v->store, e);
}

static bool save_counters(struct vault *v, struct err *e)
{
	if (v->log_size != v->log_saved && !store_set_counter(v->store, "log_size", v->log_size, e))
		return false;
	if (v->registry_changed && !store_set_counter(v->store, "registry_serial", v->registry_serial + 1, e))
		return false;
	return store_set_counter(v->store, "high_water_s", v->high_water_s, e);
}

bool vault_commit(struct vault *v, struct err *e)
{
	bool push = v->registry_changed;
	if (!save_counters(v, e) || !store_commit(v->store, e))
		return false;
	v->log_saved = v->log_size;
	v->registry_changed = false;
	v->keys_changed = false;
	if (push) {
		v->registry_serial++;
		link_push_registry(v);
	}
	return true;
}

void vault_rollback(struct vault *v)
{
	struct err e;
	store_rollback(v->store);
	v->log_size = v->log_saved;
	v->registry_changed = false;
	if (v->keys_changed && !vaultkeys_load_intake(&v->keys, v->store, &e))
		say(SAY_ERROR, "store", "%s", e.text);
	v->keys_changed = false;
}

uint64_t vault_next_leaf(const struct vault *v)
{
	return v->log_size;
}

bool vault_add_leaf(struct vault *v, struct log_entry *entry, struct err *e)
{
	struct buf bytes = { .max = LIMIT_LOG_ENTRY };
	entry->index = v->log_size;
	entry->time_s = vault_now_s(v);
	bool ok = log_entry_put(&bytes, entry, e) && store_run(v->store, e, "INSERT INTO leaf VALUES(?, ?)",
							 "ib", entry->index, buf_bytes(&bytes));
	if (ok)
		v->log_size++;
	buf_free(&bytes);
	return ok;
}

void vault_set_mode(struct vault *v, enum link_mode reason, bool holds)
{
	enum link_mode before = vault_mode(v);
	unsigned bit = 1u << (unsigned)reason;
	v->modes = holds ? v->modes | bit : v->modes & ~bit;
	enum link_mode after = vault_mode(v);
	if (after == before)
		return;
	say(after == MODE_NORMAL ? SAY_NOTICE : SAY_WARNING, "mode", "mode %u, was %u", (unsigned)after,
	    (unsigned)before);
	link_push_mode(v);
}

enum link_mode vault_mode(const struct vault *v)
{
	for (unsigned mode = MODE_CLOCK_HOLD; mode > MODE_NORMAL; mode--)
		if ((v->modes & 1u << mode) != 0)
			return (enum link_mode)mode;
	return MODE_NORMAL;
}

/* --- intake keys: the row, the key in memory and the leaf in one --- */

static bool add_key_leaf(struct vault *v, const uint8_t key_id[8], enum intake_state state, struct err *e)
{
	static const char *const names[] = { "", "pending", "active", "accept-only", "destroyed" };
	struct log_entry entry = { .kind = LOG_KEY, .purpose = "intake" };
	snprintf(entry.state, sizeof entry.state, "%s", names[state]);
	memcpy(entry.key_id, key_id, sizeof entry.key_id);
	return vault_add_leaf(v, &entry, e);
}

bool vault_new_intake_key(struct vault *v, enum intake_state state, uint64_t not_before_s,
    uint64_t not_after_s, uint8_t key_id[8], struct err *e)
{
	v->keys_changed = true;
	return vaultkeys_new_intake(&v->keys, v->store, v->os, state, not_before_s, not_after_s, key_id, e) &&
	       add_key_leaf(v, key_id, state, e);
}

bool vault_import_intake_key(struct vault *v, const struct intake_key *from, struct err *e)
{
	uint8_t key_id[8];
	bool added = false;
	v->keys_changed = true;
	keys_id(key_id, KEY_TYPE_INTAKE, from->public_key);
	return vaultkeys_import_intake(&v->keys, v->store, v->os, from, &added, e) &&
	       (!added || add_key_leaf(v, key_id, from->state, e));
}
