/* bindrows - see bindrows.h. */
#include "daemon/vault/bindrows.h"
#include "daemon/vault/journal.h"
#include <stdio.h>

#define CLASS "bind-rows"

static bool tell(struct buf *out, const struct vault *v, const char *what, struct err *e)
{
	buf_printf(out, "%s: %llu leaves of the log, and every row of the store\n", what,
	    (unsigned long long)v->log_saved);
	return !out->failed || err_set(e, ERR_MEMORY, "out of memory for the answer");
}

bool bindrows_check(struct vault *v, const char *argument, struct buf *out, struct err *e)
{
	(void)argument;
	if (v->log_saved == 0)
		return err_set(e, ERR_REFUSED, "[paths] state holds no log: wrong path, or not mounted?");
	return journal_check(v, e) && tell(out, v, "holds", e);
}

/* A log that says the rows were bound speaks of a binding that somebody took away. */
static bool never_bound(struct vault *v, uint64_t leaves, struct err *e)
{
	struct rows r;
	uint64_t leaf = 0;

	rows_open(&r, v->store,
	    "SELECT i FROM leaf WHERE CAST(entry AS TEXT) LIKE '%\"k\":\"admin\",\"class\":\"" CLASS
	    "\"%' AND i < ?",
	    "i", leaves);
	bool found = rows_next(&r);
	if (found)
		leaf = rows_uint(&r, 0);
	if (!rows_close(&r, e))
		return false;
	return !found || err_set(e, ERR_REFUSED,
			     "store: leaf %llu says that its rows were bound, and they are not: tables tag "
			     "and bound were "
			     "emptied; bring a good store back (docs/operator.md)",
			     (unsigned long long)leaf);
}

bool bindrows_add(struct vault *v, uint64_t leaves, struct err *e)
{
	struct log_entry leaf = { .kind = LOG_ADMIN, .class = CLASS };

	snprintf(leaf.by, sizeof leaf.by, "%lu", os_operator_id());
	if (store_bound(v->store))
		return err_set(e, ERR_REFUSED, "store: its rows are bound already: start it as ever");
	return never_bound(v, leaves, e) && vault_add_leaf(v, &leaf, e) &&
	       store_bind_as_is(v->store, v->keys.master, e);
}

bool bindrows_take(struct vault *v, const char *argument, struct buf *out, struct err *e)
{
	(void)argument;
	if (!journal_check(v, e) || !vault_begin(v, e))
		return false;
	if (bindrows_add(v, v->log_saved, e) && vault_commit(v, e))
		return tell(out, v, "bound", e);
	vault_rollback(v);
	return false;
}
