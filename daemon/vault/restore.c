/* restore - see restore.h. */
#include "daemon/vault/restore.h"
#include "daemon/vault/bindrows.h"
#include "daemon/vault/journal_parts.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct restore {
	struct vault *v;
	struct public_dir files;
	struct checkpoint guard, checkpoint; /* what was promised; size 0: nothing */
	struct tlog_frontier frontier;
	uint64_t had, known; /* leaves of the store; of the log */
	struct buf *out;
};

/* --- what was promised --- */

static bool read_promises(struct restore *r, struct err *e)
{
	struct vault *v = r->v;
	struct vkey key;

	if (!vkey_make(&key, v->conf->origin, VKEY_ED25519, v->keys.log->public, e) ||
	    !journal_read_guard(v, &r->guard, e))
		return false;
	journal_read_checkpoint(&r->files, &key, &r->checkpoint);
	if (r->guard.size > 0 && strcmp(r->guard.origin, v->conf->origin) != 0)
		return err_set(e, ERR_REFUSED, "guard: of another origin than [authority] origin");
	r->known = r->guard.size > r->checkpoint.size ? r->guard.size : r->checkpoint.size;
	r->had = v->log_saved;
	return true;
}

static bool check_leaves(const struct restore *r, uint64_t leaves, struct err *e)
{
	if (r->had == 0)
		return err_set(
		    e, ERR_REFUSED, "the store holds no log: put the backup's vault folder in place");
	if (r->had > r->known)
		return err_set(e, ERR_REFUSED,
		    "the store has more leaves than guard and checkpoint have seen: nothing to put back");
	if (leaves == r->known)
		return true;
	return err_set(e, ERR_REFUSED,
	    "guard and checkpoint here have seen %llu leaves, not %llu: bring public/log back from wherever "
	    "it is "
	    "served, or name that number",
	    (unsigned long long)r->known, (unsigned long long)leaves);
}

static bool promise_holds(
    const struct restore *r, const struct checkpoint *c, const char *what, struct err *e)
{
	struct tlog_hash root;

	if (c->size == 0 || c->size != r->frontier.size)
		return true;
	tlog_frontier_root(&root, &r->frontier);
	return memcmp(root.b, c->root.b, sizeof root.b) == 0 ||
	       err_set(e, ERR_REFUSED,
		   "%s: the store's leaves and those in public/log do not lead to its root: another log's "
		   "copy, or "
		   "changed",
		   what);
}

static bool add_hash(struct restore *r, struct bytes entry, struct err *e)
{
	struct tlog_hash hash;

	tlog_leaf(&hash, entry);
	tlog_frontier_add(&r->frontier, &hash);
	return promise_holds(r, &r->guard, "guard", e) && promise_holds(r, &r->checkpoint, "checkpoint", e);
}

static bool add_kept(struct restore *r, struct err *e)
{
	struct rows rows;
	bool ok = true;

	rows_open(&rows, r->v->store, "SELECT entry FROM leaf ORDER BY i", "");
	while (ok && rows_next(&rows))
		ok = add_hash(r, rows_bytes(&rows, 0), e);
	return rows_close(&rows, ok ? e : NULL) && ok;
}

/* --- what was lost --- */

static bool may_be_lost(const struct log_entry *x, struct err *e)
{
	if (x->kind != LOG_RELEASE && x->kind != LOG_SUPERSEDE && x->kind != LOG_WITHDRAW &&
	    x->kind != LOG_END)
		return true;
	return err_set(e, ERR_REFUSED,
	    "leaf %llu is a %s that the backup does not know: what has left would be forgotten, and the next "
	    "release could give it away. Bring the newer store back, or start another origin",
	    (unsigned long long)x->index, log_kind_name(x->kind));
}

static bool take_back(struct restore *r, uint64_t i, struct bytes entry, struct err *e)
{
	struct log_entry x;

	if (!log_entry_parse(&x, entry, e) || !may_be_lost(&x, e))
		return false;
	if (x.index != i)
		return err_set(
		    e, ERR_REFUSED, "public/log: leaf %llu carries another number", (unsigned long long)i);
	if (!store_run(r->v->store, e, "INSERT INTO leaf VALUES(?, ?)", "ib", i, entry) ||
	    !add_hash(r, entry, e))
		return false;
	r->v->log_size++;
	buf_put_bytes(r->out, entry);
	buf_put_byte(r->out, '\n');
	return true;
}

static bool take_bundle(struct restore *r, uint64_t index, struct err *e)
{
	struct tlog_tile tile = {
		.entries = true, .index = index, .width = (uint16_t)tlog_tile_width(r->known, 0, index)
	};
	char path[PUBLIC_PATH_ROOM];
	struct buf bundle = { 0 };
	uint64_t i = index * TLOG_TILE_WIDTH;
	bool ok =
	    journal_tile_path(path, &tile, e) && public_read(&r->files, path, JOURNAL_BUNDLE_MAX, &bundle, e);
	struct bytes rest = buf_bytes(&bundle), entry;

	for (; ok && rest.len > 0; i++) {
		ok = tlog_bundle_next(&rest, &entry, e);
		if (ok && i >= r->had && i < r->known)
			ok = take_back(r, i, entry, e);
	}
	buf_free(&bundle);
	return ok || err_wrap(e, "public/%s", path);
}

static bool take_lost(struct restore *r, struct err *e)
{
	bool ok = true;

	for (uint64_t k = r->had / TLOG_TILE_WIDTH; ok && k * TLOG_TILE_WIDTH < r->known; k++)
		ok = r->had == r->known || take_bundle(r, k, e);
	return ok && (r->frontier.size == r->known ||
			 err_set(e, ERR_REFUSED, "public/log: entries of the log are missing there"));
}

/* --- and who says so --- */

static bool add_leaves(struct restore *r, struct err *e)
{
	struct log_entry recovery = { .kind = LOG_RECOVERY, .size = r->had, .reason = LOG_RECOVERY_RESTORED };
	struct log_entry admin = { .kind = LOG_ADMIN, .class = "restore" };

	snprintf(admin.by, sizeof admin.by, "%lu", os_operator_id());
	return vault_add_leaf(r->v, &recovery, e) && vault_add_leaf(r->v, &admin, e) &&
	       (store_bound(r->v->store) || bindrows_add(r->v, r->had, e));
}

/* The gate takes no registry with a number below the one it has: each lost leaf may have raised it by one. */
static void raise_registry(struct restore *r)
{
	r->v->registry_serial += r->known - r->had;
	r->v->registry_changed = true;
}

static bool put_back(struct restore *r, struct err *e)
{
	uint64_t serial = r->v->registry_serial;

	if (!vault_begin(r->v, e))
		return false;
	raise_registry(r);
	if (add_kept(r, e) && take_lost(r, e) && add_leaves(r, e) &&
	    store_set_counter(r->v->store, "clean_stop", 1, e) && vault_commit(r->v, e))
		return true;
	vault_rollback(r->v);
	r->v->registry_serial = serial;
	return false;
}

bool restore_store(struct vault *v, uint64_t leaves, struct buf *out, struct err *e)
{
	struct restore r = { .v = v, .files.dir = -1, .out = out };
	bool ok = journal_open_files(v, &r.files, e) && read_promises(&r, e) && check_leaves(&r, leaves, e) &&
		  put_back(&r, e);

	if (ok)
		buf_printf(out,
		    "The store went back from %llu leaves to %llu. What is printed above is in the log, but "
		    "not in "
		    "the store: give these commands again before the gate serves, and ask the offices for "
		    "their "
		    "forms.\n",
		    (unsigned long long)r.known, (unsigned long long)r.had);
	public_close(&r.files);
	return ok &&
	       (!out->failed || err_set(e, ERR_MEMORY, "out of memory for the list; the store is put back"));
}
