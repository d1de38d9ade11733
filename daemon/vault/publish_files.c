/* The files below public/ and audit/ that rows explain: calls of publish_parts.h. */
#include "daemon/say.h"
#include "daemon/vault/journal.h"
#include "daemon/vault/publish_parts.h"
#include "proto/keys.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- opening --- */

static bool open_one(struct vault *v, struct public_dir *dir, const char *name, mode_t mode, struct err *e)
{
	char path[CONF_PATH + 16];
	int fd;

	snprintf(path, sizeof path, "%s/%s", v->conf->state, name);
	fd = os_open_dir(AT_FDCWD, path, e);
	if (fd < 0)
		return false;
	bool ok = public_open(dir, v->os, fd, path, mode, e);
	close(fd);
	return ok;
}

bool files_open(struct vault *v, struct err *e)
{
	return open_one(v, &v->publish->files, "public", 0644, e) &&
	       open_one(v, &v->publish->audit, "audit", 0640, e);
}

void files_close(struct vault *v)
{
	public_close(&v->publish->files);
	public_close(&v->publish->audit);
}

bool files_ensure(struct vault *v, const char *path, struct bytes data, struct public_set *set, struct err *e)
{
	bool changed = false;

	if (set)
		public_set_add(set, path);
	return public_ensure(&v->publish->files, path, data, &changed, e);
}

/* --- key sets and configurations --- */

static bool ensure_keysets(struct vault *v, struct public_set *set, struct err *e)
{
	char path[PUBLIC_PATH_ROOM];
	struct rows r;
	struct buf newest = { 0 };
	bool ok = true;

	rows_open(&r, v->store, "SELECT serial, note FROM keyset ORDER BY serial", "");
	while (ok && rows_next(&r)) {
		snprintf(path, sizeof path, "keysets/%" PRIu64, rows_uint(&r, 0));
		buf_clear(&newest);
		buf_put_bytes(&newest, rows_bytes(&r, 1));
		ok = files_ensure(v, path, rows_bytes(&r, 1), set, e);
	}
	ok = rows_close(&r, e) && ok;
	if (ok && newest.failed)
		ok = err_set(e, ERR_MEMORY, "key set: no memory");
	if (ok && newest.size > 0)
		ok = files_ensure(v, "keyset", buf_bytes(&newest), set, e);
	buf_free(&newest);
	return ok;
}

static bool ensure_configs(struct vault *v, struct public_set *set, struct err *e)
{
	struct rows r;
	bool ok = true;

	rows_open(&r, v->store, "SELECT digest, bytes FROM config", "");
	while (ok && rows_next(&r)) {
		char path[PUBLIC_PATH_ROOM] = "config/";
		struct bytes digest = rows_bytes(&r, 0);

		for (size_t i = 0; i < digest.len && i < 32; i++)
			snprintf(path + 7 + 2 * i, 3, "%02x", digest.at[i]);
		ok = files_ensure(v, path, rows_bytes(&r, 1), set, e);
	}
	return rows_close(&r, e) && ok;
}

bool files_plain(struct vault *v, struct public_set *set, struct err *e)
{
	return ensure_keysets(v, set, e) && ensure_configs(v, set, e);
}

/* --- releases --- */

static void explain_release(
    struct public_set *set, const char *dir, const struct public_entry *entry, size_t n)
{
	char path[PUBLIC_PATH_ROOM + RELEASE_FILE_NAME_MAX + 2];
	uint8_t digest[32];

	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, entry[i].name);
		public_set_add(set, path);
		keys_file_digest(digest, entry[i].data);
		public_object_path(path, digest);
		public_set_add(set, path);
	}
}

bool files_release(
    struct vault *v, const struct period *p, uint64_t revision, struct public_set *set, struct err *e)
{
	struct publish_file file[BUILT_FILES];
	struct public_entry entry[BUILT_FILES];
	char dir[PUBLIC_PATH_ROOM];
	size_t n = 0;
	bool changed = false;

	bool ok = record_files(v, p->id, revision, file, BUILT_FILES, &n, e);
	for (size_t i = 0; i < n; i++)
		entry[i] = (struct public_entry){ .name = file[i].name, .data = buf_bytes(&file[i].data) };
	if (ok && n > 0) {
		public_release_path(dir, p->dataset, p->name, revision);
		ok = public_ensure_release(&v->publish->files, dir, entry, n, &changed, e);
		if (set)
			explain_release(set, dir, entry, n);
	}
	for (size_t i = 0; i < n; i++)
		buf_free(&file[i].data);
	return ok;
}

/* Is some other release that stands published still made of this object? */
static bool object_in_use(struct vault *v, struct bytes data, bool *used, struct err *e)
{
	struct rows r;

	rows_open(&r, v->store,
	    "SELECT 1 FROM release_file f JOIN release r USING(period, revision) WHERE f.data = ? AND "
	    "r.stage IN (?, ?)"
	    " LIMIT 1",
	    "bii", data, (uint64_t)STAGE_PUBLISHED, (uint64_t)STAGE_SUPERSEDED);
	*used = rows_next(&r);
	return rows_close(&r, e);
}

static bool remove_object(struct vault *v, struct bytes data, struct err *e)
{
	char path[PUBLIC_PATH_ROOM];
	uint8_t digest[32];
	bool used = false;

	if (!object_in_use(v, data, &used, e))
		return false;
	keys_file_digest(digest, data);
	public_object_path(path, digest);
	return used || public_remove(&v->publish->files, path, e);
}

bool files_withdraw(struct vault *v, const struct period *p, uint64_t revision, struct err *e)
{
	struct publish_file file[BUILT_FILES];
	char dir[PUBLIC_PATH_ROOM];
	size_t n = 0;

	public_release_path(dir, p->dataset, p->name, revision);
	bool ok = public_remove(&v->publish->files, dir, e) &&
		  record_files(v, p->id, revision, file, BUILT_FILES, &n, e);
	for (size_t i = 0; i < n; i++) {
		ok = ok && remove_object(v, buf_bytes(&file[i].data), e);
		buf_free(&file[i].data);
	}
	return ok;
}

/* --- the auditors' manifests --- */

static bool ensure_audit(struct vault *v, struct rows *r, struct public_set *set, struct err *e)
{
	char path[PUBLIC_PATH_ROOM] = "";
	struct bytes digest = rows_bytes(r, 0);
	bool changed = false;

	for (size_t i = 0; i < digest.len && i < 32; i++)
		snprintf(path + 2 * i, 3, "%02x", digest.at[i]);
	snprintf(path + strlen(path), 5, ".age");
	if (set)
		public_set_add(set, path);
	return public_ensure(&v->publish->audit, path, rows_bytes(r, 1), &changed, e);
}

bool files_audit(struct vault *v, const uint8_t man[32], struct err *e)
{
	struct rows r;
	bool ok = true;

	rows_open(
	    &r, v->store, "SELECT digest, age FROM sealed_manifest WHERE digest = ?", "b", bytes_of(man, 32));
	while (ok && rows_next(&r))
		ok = ensure_audit(v, &r, NULL, e);
	return rows_close(&r, e) && ok;
}

static void removed_audit(void *arg, const char *path)
{
	(void)arg;
	say(SAY_WARNING, "audit-repair", "audit/%s: no row explains it: removed", path);
}

bool files_audit_all(struct vault *v, struct public_set *set, struct err *e)
{
	struct rows r;
	bool ok = true;

	rows_open(&r, v->store, "SELECT digest, age FROM sealed_manifest", "");
	while (ok && rows_next(&r))
		ok = ensure_audit(v, &r, set, e);
	return rows_close(&r, e) && ok;
}

static bool repair_audit(struct vault *v, struct err *e)
{
	struct public_set set = { 0 };
	bool ok =
	    files_audit_all(v, &set, e) && public_sweep(&v->publish->audit, &set, removed_audit, NULL, e);

	public_set_free(&set);
	return ok;
}

/* --- repair --- */

struct repair {
	struct vault *v;
	struct public_set set;
};

static bool repair_period(void *context, const struct period *p, struct err *e)
{
	struct repair *repair = context;
	struct rows r;
	bool ok = true;

	rows_open(&r, repair->v->store,
	    "SELECT revision FROM release WHERE period = ? AND stage IN (?, ?) ORDER BY revision", "iii",
	    p->id, (uint64_t)STAGE_PUBLISHED, (uint64_t)STAGE_SUPERSEDED);
	while (ok && rows_next(&r))
		ok = files_release(repair->v, p, rows_uint(&r, 0), &repair->set, e);
	return rows_close(&r, e) && ok;
}

static bool repair_dataset(void *context, const struct dataset *d, struct err *e)
{
	struct repair *repair = context;

	return feed_files(repair->v, d, &repair->set, e) &&
	       vault_each_period(repair->v, d->name, repair_period, repair, e);
}

static void removed_public(void *arg, const char *path)
{
	(void)arg;
	say(SAY_WARNING, "public-repair", "public/%s: no row explains it: removed", path);
}

bool files_repair(struct vault *v, struct err *e)
{
	struct repair repair = { .v = v };
	bool ok = files_plain(v, &repair.set, e) && vault_each_dataset(v, repair_dataset, &repair, e) &&
		  journal_explain(v, &repair.set, e) &&
		  public_sweep(&v->publish->files, &repair.set, removed_public, NULL, e) &&
		  repair_audit(v, e);

	public_set_free(&repair.set);
	return ok;
}

/* --- telling the gate --- */

static bool describe(struct vault *v, const char *path, struct link_file *out)
{
	struct buf data = { 0 };
	bool ok = public_read(&v->publish->files, path, LIMIT_PUBLIC_FILE, &data, NULL);

	if (ok) {
		*out = (struct link_file){ .path = bytes_text(path), .size_bytes = data.size };
		keys_file_digest(out->digest, buf_bytes(&data));
	}
	buf_free(&data);
	return ok;
}

void files_tell(struct vault *v, const char *const *path, size_t n)
{
	struct link_file file[8];
	size_t have = 0;

	for (size_t i = 0; i < n && have < sizeof file / sizeof *file; i++)
		have += describe(v, path[i], &file[have]);
	if (have > 0)
		vault_send_files(v, file, have);
}
