/* rowcheck - see rowcheck.h. */
#include "daemon/vault/rowcheck.h"
#include "daemon/vault/publish_parts.h"
#include <stdio.h>
#include <string.h>

/* d: the leaves of decisions, forms left out, their members as columns; t: any leaf as text. */
#define LEAVES                                                                                               \
	"WITH t AS (SELECT i, CAST(entry AS TEXT) AS x FROM leaf), d AS MATERIALIZED (SELECT i, x ->> 'k' "  \
	"AS k, "                                                                                             \
	"x ->> 'ds' AS ds, x ->> 'p' AS p, x ->> 'rev' AS rev, x ->> 'n' AS n, x ->> 'root' AS root, "       \
	"x ->> 'obj' AS obj, x ->> 'ledger' AS ledger, x ->> 'new' AS new, x ->> 'size' AS size, "           \
	"x ->> 'reason' AS reason FROM t WHERE x NOT LIKE '%\"k\":\"submission\"%') "
#define PERIOD_LEAF                                                                                          \
	"JOIN period p ON p.id = r.period LEFT JOIN d ON d.i = r.leaf AND d.ds = p.dataset AND d.p = "       \
	"p.name AND "                                                                                        \
	"d.rev = r.revision "
/* no older store was put back since: then what the leaf speaks of is lost */
#define NOT_LOST                                                                                             \
	" AND NOT EXISTS (SELECT 1 FROM d b WHERE b.k = 'recovery' AND b.reason = 2 AND b.size <= l.i AND "  \
	"b.i > l.i)"
#define LEFT "r.stage BETWEEN 2 AND 5" /* enum release_stage: what has left, or is about to */

/* Each finds what should not be, and answers its place. */
static const struct row_rule {
	const char *what, *sql;
} rules[] = {
	{ "a form is not the one its leaf names",
	    LEAVES "SELECT 'submission ' || s.seq || ', leaf ' || s.leaf FROM submission s LEFT JOIN t ON "
		   "t.i = s.leaf "
		   "WHERE t.x ->> 'k' IS NOT 'submission' OR t.x ->> 'stmt' IS NOT lower(hex(s.statement))" },
	{ "a form that the log names is missing",
	    LEAVES "SELECT 'leaf ' || l.i FROM t l WHERE l.x LIKE '%\"k\":\"submission\"%' AND l.i NOT IN "
		   "(SELECT leaf "
		   "FROM submission)" NOT_LOST },
	{ "a sealed set is not the one its leaf names", LEAVES
	    "SELECT 'seal of ' || p.name || '/' || r.revision || ', leaf ' || r.leaf FROM seal r " PERIOD_LEAF
	    "WHERE d.k IS NOT 'period-seal' OR d.n IS NOT r.n OR d.root IS NOT lower(hex(r.root))" },
	{ "a sealed set that the log names is missing", LEAVES
	    "SELECT 'leaf ' || l.i FROM d l WHERE l.k = 'period-seal' AND l.i NOT IN (SELECT leaf FROM "
	    "seal)" NOT_LOST },
	{ "a release is not the one its leaf names",
	    LEAVES "SELECT 'release ' || p.name || '/' || r.revision || ', leaf ' || coalesce(r.leaf, '-') "
		   "FROM release "
		   "r " PERIOD_LEAF "WHERE " LEFT
		   " AND (d.k IS NOT 'release' OR d.obj IS NOT lower(hex(r.object)))" },
	{ "a release that the log names is missing",
	    LEAVES "SELECT 'leaf ' || l.i FROM d l WHERE l.k = 'release' AND l.i NOT IN (SELECT r.leaf FROM "
		   "release r "
		   "WHERE r.leaf IS NOT NULL AND " LEFT ")" },
	{ "a release was taken back by its leaf and not by its row", LEAVES
	    "SELECT 'release ' || p.name || '/' || r.revision || ', leaf ' || d.i FROM d JOIN period p ON "
	    "p.dataset = d.ds AND p.name = d.p JOIN release r ON r.period = p.id AND r.revision = d.rev "
	    "WHERE "
	    "(d.k = 'withdraw' AND r.stage <> 5) OR (d.k = 'supersede' AND r.stage NOT IN (4, 5))" },
	{ "the ledger of what has left is not the one the log names",
	    LEAVES "SELECT 'ledger ' || g.n FROM ledger g LEFT JOIN release r ON r.period = g.period AND "
		   "r.revision = "
		   "g.revision LEFT JOIN d ON d.i = r.leaf WHERE d.ledger IS NOT lower(hex(g.digest))" },
	{ "the ledger of what has left lacks a release",
	    "SELECT p.name || '/' || r.revision FROM release r JOIN period p ON p.id = r.period WHERE " LEFT
	    " AND NOT EXISTS (SELECT 1 FROM ledger g WHERE g.period = r.period AND g.revision = "
	    "r.revision)" },
	{ "a period is open that the log closed",
	    LEAVES "SELECT 'period ' || p.name || ', leaf ' || l.i FROM d l JOIN period p ON p.dataset = "
		   "l.ds AND p.name "
		   "= l.p WHERE l.k = 'period-close' AND p.state < 4" NOT_LOST },
	{ "a configuration that no leaf names",
	    LEAVES "SELECT 'config ' || c.n FROM config c WHERE lower(hex(c.digest)) NOT IN (SELECT new FROM "
		   "d WHERE k = "
		   "'config')" },
};

static bool hold(struct vault *v, const struct row_rule *rule, struct err *e)
{
	char where[160] = "";
	struct rows r;

	rows_open(&r, v->store, rule->sql, "");
	bool found = rows_next(&r);
	if (found)
		(void)snprintf(where, sizeof where, "%s", rows_text(&r, 0));
	if (!rows_close(&r, e))
		return false;
	return !found || err_set(e, ERR_REFUSED, "store: %s: %s: a row was changed; bring a good store back",
			     where, rule->what);
}

/* The root in a seal's leaf, from the forms as they are: none within its bounds was added, left out or made another. */
static bool hold_set(struct vault *v, const char *dataset, const char *name, uint64_t revision, struct err *e)
{
	struct period p;
	struct seal_row seal, now;

	if (!vault_period(v, dataset, name, &p, e) || !seal_read(v, p.id, revision, &seal, e) ||
	    !seal_again(v, &p, &seal, &now, e))
		return false;
	return (now.n == seal.n && memcmp(now.root, seal.root, sizeof now.root) == 0) ||
	       err_set(e, ERR_REFUSED,
		   "store: seal of %s/%llu, leaf %llu: the forms are not those that were sealed: a row was "
		   "changed; bring a "
		   "good store back",
		   name, (unsigned long long)revision, (unsigned long long)seal.leaf);
}

static bool hold_sets(struct vault *v, struct err *e)
{
	struct rows r;
	bool ok = true;

	rows_open(&r, v->store,
	    "SELECT p.dataset, p.name, s.revision FROM seal s JOIN period p ON p.id = s.period", "");
	while (ok && rows_next(&r))
		ok = hold_set(v, rows_text(&r, 0), rows_text(&r, 1), rows_uint(&r, 2), e);
	return rows_close(&r, ok ? e : NULL) && ok;
}

bool rowcheck(struct vault *v, struct err *e)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		if (!hold(v, &rules[i], e))
			return false;
	}
	return hold_sets(v, e);
}
