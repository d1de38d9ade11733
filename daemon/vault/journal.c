/* journal - see journal.h. */
#include "daemon/vault/journal.h"
#include "daemon/crash.h"
#include "daemon/vault/journal_parts.h"
#include "daemon/vault/rowcheck.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GUARD      "guard"
#define CHECKPOINT "log/checkpoint"
#define TILE_BYTES (TLOG_TILE_WIDTH * TLOG_HASH_BYTES)

struct journal {
	struct public_dir files;
	struct vkey vkey;
	struct tlog_frontier frontier; /* leaf by leaf: what the files must come to */
	uint64_t written; /* leaves whose tiles were all written: behind the frontier after a failure */
	struct checkpoint newest; /* signed; size 0 before the first */
	uint64_t signed_at_s;
	struct buf scratch;
};

/* --- tiles --- */

bool journal_tile_path(char path[PUBLIC_PATH_ROOM], const struct tlog_tile *tile, struct err *e)
{
	char name[TLOG_NAME_MAX];

	if (!tlog_tile_name(name, tile, e))
		return false;
	snprintf(path, PUBLIC_PATH_ROOM, "log/%s", name);
	return true;
}

static bool put_tile(struct journal *j, const struct tlog_tile *tile, struct bytes data, struct err *e)
{
	char path[PUBLIC_PATH_ROOM];
	bool changed = false;

	if (!journal_tile_path(path, tile, e) || !public_ensure(&j->files, path, data, &changed, e))
		return false;
	if (tile->width < TLOG_TILE_WIDTH || !changed)
		return true;
	/* the partial ones before it have had their day: C2SP tlog-tiles, "Partial Tiles" */
	size_t len = strlen(path);
	snprintf(path + len, sizeof path - len, ".p");
	return public_remove(&j->files, path, e);
}

/* Reads a tile of hashes from its file; for tlog_source_tiles. */
static bool read_tile(void *arg, unsigned level, uint64_t index, unsigned width, uint8_t *out, struct err *e)
{
	struct journal *j = arg;
	struct tlog_tile tile = { .level = (uint8_t)level, .index = index, .width = (uint16_t)width };
	char path[PUBLIC_PATH_ROOM];

	if (!journal_tile_path(path, &tile, e) || !public_read(&j->files, path, TILE_BYTES, &j->scratch, e))
		return false;
	if (j->scratch.size != (size_t)width * TLOG_HASH_BYTES)
		return err_set(e, ERR_INTERNAL, "%s: wrong size", path);
	memcpy(out, j->scratch.data, j->scratch.size);
	return true;
}

/* Bundle and hashes of the leaves from first to end, at most one tile of them; new ones join the frontier. */
static bool read_leaves(struct vault *v, struct journal *j, uint64_t first, uint64_t end, struct buf *bundle,
    struct buf *hashes, struct err *e)
{
	struct rows r;
	uint64_t n = first;
	bool ok = true;

	rows_open(
	    &r, v->store, "SELECT i, entry FROM leaf WHERE i >= ? AND i < ? ORDER BY i", "ii", first, end);
	while (ok && rows_next(&r)) {
		struct bytes entry = rows_bytes(&r, 1);
		struct tlog_hash hash;

		if (rows_uint(&r, 0) != n)
			break;
		ok = tlog_bundle_put(bundle, entry, e);
		tlog_leaf(&hash, entry);
		buf_put(hashes, hash.b, sizeof hash.b);
		if (n == j->frontier.size)
			tlog_frontier_add(&j->frontier, &hash);
		n++;
	}
	if (!rows_close(&r, e) || !ok)
		return false;
	if (bundle->failed || hashes->failed)
		return err_set(e, ERR_MEMORY, "log: no memory for a tile");
	return n == end ||
	       err_set(e, ERR_INTERNAL, "log: leaf %llu is missing in the store", (unsigned long long)n);
}

/* Tiles of level 0 and entry bundles that changed between the sizes. */
static bool write_leaf_tiles(struct vault *v, struct journal *j, uint64_t old, uint64_t size, struct err *e)
{
	struct buf bundle = { .max = JOURNAL_BUNDLE_MAX }, hashes = { 0 };
	bool ok = true;

	for (uint64_t k = old / TLOG_TILE_WIDTH; ok && k * TLOG_TILE_WIDTH < size; k++) {
		uint64_t first = k * TLOG_TILE_WIDTH;
		unsigned width = tlog_tile_width(size, 0, k);
		struct tlog_tile tile = { .entries = true, .index = k, .width = (uint16_t)width };

		buf_clear(&bundle);
		buf_clear(&hashes);
		ok = read_leaves(v, j, first, first + width, &bundle, &hashes, e) &&
		     put_tile(j, &tile, buf_bytes(&bundle), e);
		tile.entries = false;
		ok = ok && put_tile(j, &tile, buf_bytes(&hashes), e);
	}
	buf_free(&bundle);
	buf_free(&hashes);
	return ok;
}

/* One tile of a higher level: each of its hashes is the root of a full tile below. */
static bool write_upper_tile(
    struct journal *j, unsigned level, uint64_t index, unsigned width, unsigned known, struct err *e)
{
	uint8_t hashes[TILE_BYTES], below[TILE_BYTES];
	struct tlog_tile tile = { .level = (uint8_t)level, .index = index, .width = (uint16_t)width };

	if (known > 0 && !read_tile(j, level, index, known, hashes, e))
		return false;
	for (unsigned i = known; i < width; i++) {
		struct tlog_hash root;

		if (!read_tile(j, level - 1, index * TLOG_TILE_WIDTH + i, TLOG_TILE_WIDTH, below, e))
			return false;
		tlog_tile_root(&root, below);
		memcpy(hashes + (size_t)i * TLOG_HASH_BYTES, root.b, TLOG_HASH_BYTES);
	}
	return put_tile(j, &tile, bytes_of(hashes, (size_t)width * TLOG_HASH_BYTES), e);
}

static bool write_upper_tiles(struct journal *j, uint64_t old, uint64_t size, struct err *e)
{
	for (unsigned level = 1; level < 8 && size >> (8 * level) > 0; level++) {
		uint64_t have = old >> (8 * level), want = size >> (8 * level);

		if (have == want)
			continue;
		for (uint64_t k = have / TLOG_TILE_WIDTH; k * TLOG_TILE_WIDTH < want; k++) {
			unsigned known = tlog_tile_width(old, level, k);

			if (!write_upper_tile(j, level, k, tlog_tile_width(size, level, k), known, e))
				return false;
		}
	}
	return true;
}

static bool write_tiles(struct vault *v, struct journal *j, uint64_t size, struct err *e)
{
	if (!write_leaf_tiles(v, j, j->written, size, e) || !write_upper_tiles(j, j->written, size, e))
		return false;
	j->written = size;
	return true;
}

/* Root at a size, from the tiles of a tree that is at least as large. */
static bool root_from_tiles(
    struct journal *j, uint64_t tree, uint64_t size, struct tlog_hash *root, struct err *e)
{
	struct tlog_tiles tiles = { .size = tree, .tile = read_tile, .arg = j };
	struct tlog_source source = tlog_source_tiles(&tiles);

	return tlog_root(root, &source, size, e);
}

/* --- writing --- */

static bool write_guard(struct vault *v, const struct checkpoint *c, struct err *e)
{
	struct buf text = { 0 };

	guard_put(&text, c);
	bool ok = !text.failed || err_set(e, ERR_MEMORY, "guard: no memory");
	ok = ok && os_write_file(v->os, v->vault_dir, GUARD, buf_bytes(&text), 0600, OS_DURABLE, e);
	buf_free(&text);
	return ok;
}

/* The note of this very checkpoint with the cosignatures that came for it, if the store has one. */
static bool cosigned_note(
    struct vault *v, struct journal *j, const struct checkpoint *c, struct buf *note, struct err *e)
{
	struct checkpoint kept;
	struct rows r;

	rows_open(&r, v->store, "SELECT note FROM cosigned WHERE size = ?", "i", c->size);
	if (rows_next(&r) && checkpoint_open(&kept, rows_bytes(&r, 0), &j->vkey, NULL, 0, NULL, NULL) &&
	    kept.size == c->size && memcmp(kept.root.b, c->root.b, sizeof kept.root.b) == 0)
		buf_put_bytes(note, rows_bytes(&r, 0));
	return rows_close(&r, e);
}

static bool write_checkpoint(struct vault *v, struct journal *j, const struct checkpoint *c, struct err *e)
{
	struct buf note = { 0 };
	bool ok = cosigned_note(v, j, c, &note, e) &&
		  (note.size > 0 || checkpoint_sign(&note, c, &j->vkey, v->keys.log, e)) &&
		  public_put(&j->files, CHECKPOINT, buf_bytes(&note), e);

	buf_free(&note);
	return ok;
}

static bool sign_size(struct vault *v, struct journal *j, uint64_t size, struct err *e)
{
	struct checkpoint c = { .size = size };
	struct tlog_hash incremental;

	snprintf(c.origin, sizeof c.origin, "%s", v->conf->origin);
	if (!root_from_tiles(j, size, size, &c.root, e))
		return false;
	tlog_frontier_root(&incremental, &j->frontier);
	if (j->frontier.size != size || memcmp(incremental.b, c.root.b, sizeof c.root.b) != 0)
		return err_set(
		    e, ERR_INTERNAL, "log: the tiles and the leaves give different roots: nothing is signed");
	CV_CRASH("journal-tiles");
	if (!write_guard(v, &c, e))
		return false;
	CV_CRASH("journal-guard");
	if (!write_checkpoint(v, j, &c, e))
		return false;
	CV_CRASH("journal-checkpoint");
	j->newest = c;
	j->signed_at_s = os_wall_s(v->os);
	return true;
}

bool journal_write(struct vault *v, struct err *e)
{
	struct journal *j = v->journal;
	uint64_t size = v->log_saved;

	if (size == j->newest.size)
		return true;
	return write_tiles(v, j, size, e) && sign_size(v, j, size, e);
}

/* --- cosignatures --- */

struct witnesses {
	const char *origin;
	struct vkey key[CHECKPOINT_WITNESSES_MAX];
	size_t n;
};

static bool add_witness(void *context, const char *name, const uint8_t key[32], struct err *e)
{
	struct witnesses *w = context;

	return w->n == CHECKPOINT_WITNESSES_MAX ||
	       checkpoint_witness(&w->key[w->n++], w->origin, name, key, e);
}

/* Releases that wait for witnesses: each signature over a log with their leaf counts, whichever checkpoint it is
 * under, since every checkpoint we sign continues those before. */
static bool note_witnesses(
    struct vault *v, const struct witnesses *w, uint64_t size, struct bytes note, struct err *e)
{
	struct checkpoint c;
	bool cosigned[CHECKPOINT_WITNESSES_MAX] = { false }, ok;

	ok = checkpoint_open(&c, note, &v->journal->vkey, w->key, w->n, cosigned, e);
	for (size_t i = 0; ok && i < w->n; i++) {
		if (cosigned[i])
			ok = store_run(v->store, e,
			    "INSERT INTO witnessed SELECT period, revision, ? FROM release WHERE stage = ? "
			    "AND leaf < ?"
			    " ON CONFLICT DO NOTHING",
			    "bii", bytes_of(w->key[i].key, 32), (uint64_t)STAGE_PROTECTED, size);
	}
	return ok;
}

/* Only the newest one's are kept: an older checkpoint is never served again. */
static bool keep_note(
    struct vault *v, const struct witnesses *w, uint64_t size, struct bytes note, struct err *e)
{
	if (!vault_begin(v, e))
		return false;
	if (note_witnesses(v, w, size, note, e) &&
	    store_run(v->store, e, "DELETE FROM cosigned WHERE size <> ?", "i", size) &&
	    store_run(v->store, e,
		"INSERT INTO cosigned VALUES(?, ?) ON CONFLICT DO UPDATE SET note = excluded.note", "ib",
		size, note) &&
	    vault_commit(v, e))
		return true;
	vault_rollback(v);
	return false;
}

bool journal_cosign(struct vault *v, struct bytes lines, size_t *n_added, struct err *e)
{
	struct journal *j = v->journal;
	struct witnesses w = { .origin = v->conf->origin };
	struct buf note = { .max = LIMIT_NOTE_BYTES };

	*n_added = 0;
	bool ok = vault_each_witness(v, add_witness, &w, e) &&
		  public_read(&j->files, CHECKPOINT, LIMIT_NOTE_BYTES, &note, e) &&
		  checkpoint_add_cosignatures(&note, lines, w.key, w.n, n_added, e);
	if (ok && *n_added > 0)
		ok = keep_note(v, &w, j->newest.size, buf_bytes(&note), e) &&
		     public_put(&j->files, CHECKPOINT, buf_bytes(&note), e);
	buf_free(&note);
	return ok;
}

void journal_signed(const struct vault *v, uint64_t *size, uint8_t root[32])
{
	const struct journal *j = v->journal;
	struct tlog_frontier empty = { 0 };
	struct tlog_hash hash;

	tlog_frontier_root(&hash, &empty);
	*size = j ? j->newest.size : 0;
	memcpy(root, *size > 0 ? j->newest.root.b : hash.b, sizeof hash.b);
}

uint64_t journal_signed_at(const struct vault *v)
{
	return v->journal ? v->journal->signed_at_s : 0;
}

/* --- start --- */

/* What was promised before: by the guard, and by the checkpoint that others may hold. Size 0: nothing. */
struct promise {
	const char *what;
	struct checkpoint c;
};

bool journal_read_guard(struct vault *v, struct checkpoint *out, struct err *e)
{
	struct buf text = { 0 };
	struct err why;
	bool ok = os_read_file(v->vault_dir, GUARD, LIMIT_NOTE_BYTES, &text, &why);

	if (!ok && why.code == ERR_NOT_FOUND) {
		buf_free(&text);
		return true;
	}
	if (!ok && e)
		*e = why;
	ok = ok && (guard_parse(out, buf_bytes(&text), e) || err_wrap(e, "guard"));
	buf_free(&text);
	return ok;
}

void journal_read_checkpoint(const struct public_dir *files, const struct vkey *key, struct checkpoint *out)
{
	struct buf note = { 0 };

	if (!public_read(files, CHECKPOINT, LIMIT_NOTE_BYTES, &note, NULL) ||
	    !checkpoint_open(out, buf_bytes(&note), key, NULL, 0, NULL, NULL))
		*out = (struct checkpoint){ 0 };
	buf_free(&note);
}

static bool check_promise(struct vault *v, const struct promise *p, struct err *e)
{
	if (p->c.size == 0)
		return true;
	if (strcmp(p->c.origin, v->conf->origin) != 0)
		return err_set(e, ERR_REFUSED, "%s: of another origin than [authority] origin", p->what);
	if (p->c.size <= v->log_saved)
		return true;
	return err_set(e, ERR_REFUSED,
	    "%s: it has seen %llu leaves, the store has %llu: the store went back in time. Bring the newer "
	    "store back, or, if it is lost, see --restored (docs/operator.md)",
	    p->what, (unsigned long long)p->c.size, (unsigned long long)v->log_saved);
}

/* Holds the tree over rows against a promise, and the files against the rows. */
static bool check_root_at(struct journal *j, const struct promise *p, struct err *e)
{
	struct tlog_hash root;

	if (p->c.size == 0)
		return true;
	if (!root_from_tiles(j, j->frontier.size, p->c.size, &root, e))
		return false;
	if (memcmp(root.b, p->c.root.b, sizeof root.b) == 0)
		return true;
	return err_set(
	    e, ERR_REFUSED, "%s: the store's leaves do not lead to its root: the log was changed", p->what);
}

static bool count_leaves(struct vault *v, uint64_t *n, struct err *e)
{
	struct rows r;

	*n = 0;
	rows_open(&r, v->store, "SELECT count(*) FROM leaf", "");
	if (rows_next(&r))
		*n = rows_uint(&r, 0);
	return rows_close(&r, e);
}

/* Everything that was ever signed or about to be signed still holds; then the files follow the rows. */
static bool verify(struct vault *v, struct journal *j, struct err *e)
{
	struct promise guard = { .what = "guard" }, checkpoint = { .what = "checkpoint" };
	uint64_t n = 0;

	if (!count_leaves(v, &n, e))
		return false;
	if (n != v->log_saved)
		return err_set(e, ERR_REFUSED, "log: the store counts other leaves than it holds");
	journal_read_checkpoint(&j->files, &j->vkey, &checkpoint.c);
	if (!journal_read_guard(v, &guard.c, e) || !check_promise(v, &guard, e) ||
	    !check_promise(v, &checkpoint, e))
		return false;
	if (!write_tiles(v, j, n, e))
		return false;
	if (!check_root_at(j, &guard, e) || !check_root_at(j, &checkpoint, e))
		return false;
	return true;
}

#define FIRST_START                                                                                          \
	"first-start" /* in [paths] state, made by cellveilctl init, gone once the log has begun */

static bool first_start_path(const struct vault *v, char path[CONF_PATH + 16])
{
	return snprintf(path, CONF_PATH + 16, "%s/" FIRST_START, v->conf->state) < CONF_PATH + 16;
}

/* An empty state folder is the first start, or a disk that is not mounted: then the same keys would sign a second
 * history. */
static bool may_begin(const struct vault *v, struct err *e)
{
	char path[CONF_PATH + 16];

	return (first_start_path(v, path) && access(path, F_OK) == 0) ||
	       err_set(e, ERR_REFUSED,
		   "[paths] state holds no log and no file " FIRST_START
		   ": wrong path, or not mounted? To begin a log here on purpose, make that file");
}

static void has_begun(const struct vault *v)
{
	char path[CONF_PATH + 16];

	if (first_start_path(v, path))
		(void)unlink(path); /* left behind it is tried again at the next start */
}

/* log-start for a new origin; recovery when the last stop was not clean. */
static bool add_first_leaf(struct vault *v, bool clean, struct err *e)
{
	struct log_entry leaf = { .kind = LOG_START };

	if (v->log_size > 0) {
		leaf = (struct log_entry){
			.kind = LOG_RECOVERY, .size = v->log_size, .reason = LOG_RECOVERY_UNCLEAN_STOP
		};
		if (clean)
			return true;
	} else if (!may_begin(v, e)) {
		return false;
	}
	snprintf(leaf.origin, sizeof leaf.origin, "%s", v->conf->origin);
	return vault_add_leaf(v, &leaf, e);
}

static bool note_start(struct vault *v, struct err *e)
{
	uint64_t clean = 0;

	if (!vault_begin(v, e))
		return false;
	if (store_counter(v->store, "clean_stop", &clean, e) && add_first_leaf(v, clean == 1, e) &&
	    store_set_counter(v->store, "clean_stop", 0, e) && vault_commit(v, e))
		return true;
	vault_rollback(v);
	return false;
}

bool journal_open_files(struct vault *v, struct public_dir *files, struct err *e)
{
	int dir = -1;
	char path[CONF_PATH + 16];

	snprintf(path, sizeof path, "%s/public", v->conf->state);
	if (!os_make_dirs(v->os, AT_FDCWD, path, 0755, e) || (dir = os_open_dir(AT_FDCWD, path, e)) < 0)
		return false;
	bool ok = public_open(files, v->os, dir, path, 0644, e);
	close(dir);
	return ok;
}

/* Rows, files and promises hold. journal_close afterwards, also after false. */
static bool open_checked(struct vault *v, struct err *e)
{
	struct journal *j = calloc(1, sizeof *j);

	if (!j)
		return err_set(e, ERR_MEMORY, "log: no memory");
	j->files.dir = -1;
	v->journal = j;
	return journal_open_files(v, &j->files, e) &&
	       vkey_make(&j->vkey, v->conf->origin, VKEY_ED25519, v->keys.log->public, e) &&
	       verify(v, j, e) && rowcheck(v, e);
}

bool journal_check(struct vault *v, struct err *e)
{
	bool ok = open_checked(v, e);

	journal_close(v);
	return ok;
}

bool journal_open(struct vault *v, struct err *e)
{
	if (open_checked(v, e) && note_start(v, e) && journal_write(v, e)) {
		has_begun(v);
		return true;
	}
	journal_close(v);
	return false;
}

/* --- which files are ours --- */

/* A partial tile from before: kept while it is the beginning of today's, for readers of an older checkpoint.
 */
static bool explain_shorter(
    struct journal *j, struct tlog_tile tile, struct bytes whole, struct public_set *set, struct err *e)
{
	char path[PUBLIC_PATH_ROOM];

	for (unsigned width = tile.width; width-- > 1;) {
		tile.width = (uint16_t)width;
		if (!journal_tile_path(path, &tile, e))
			return false;
		if (!public_read(&j->files, path, JOURNAL_BUNDLE_MAX, &j->scratch, NULL))
			continue;
		if (j->scratch.size <= whole.len && memcmp(j->scratch.data, whole.at, j->scratch.size) == 0)
			public_set_add(set, path);
	}
	return true;
}

static bool explain_tile(
    struct journal *j, const struct tlog_tile *tile, struct public_set *set, struct err *e)
{
	char path[PUBLIC_PATH_ROOM];
	struct buf whole = { 0 };
	bool ok = journal_tile_path(path, tile, e);

	if (ok)
		public_set_add(set, path);
	if (ok && tile->width < TLOG_TILE_WIDTH)
		ok = public_read(&j->files, path, JOURNAL_BUNDLE_MAX, &whole, e) &&
		     explain_shorter(j, *tile, buf_bytes(&whole), set, e);
	buf_free(&whole);
	return ok;
}

bool journal_explain(struct vault *v, struct public_set *set, struct err *e)
{
	struct journal *j = v->journal;
	uint64_t size = j->newest.size;

	public_set_add(set, CHECKPOINT);
	for (unsigned level = 0; level < 8 && size >> (8 * level) > 0; level++) {
		uint64_t n = size >> (8 * level);

		for (uint64_t k = 0; k * TLOG_TILE_WIDTH < n; k++) {
			unsigned width = tlog_tile_width(size, level, k);
			struct tlog_tile tile = {
				.level = (uint8_t)level, .index = k, .width = (uint16_t)width
			};
			struct tlog_tile bundle = { .entries = true, .index = k, .width = (uint16_t)width };

			if (!explain_tile(j, &tile, set, e) ||
			    (level == 0 && !explain_tile(j, &bundle, set, e)))
				return false;
		}
	}
	return true;
}

void journal_close(struct vault *v)
{
	if (!v->journal)
		return;
	public_close(&v->journal->files);
	buf_free(&v->journal->scratch);
	free(v->journal);
	v->journal = NULL;
}
