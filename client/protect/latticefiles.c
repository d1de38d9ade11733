#include "client/protect/latticepart.h"

#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/protect/protectfiles.h"

#define RELEASE_PREFIX "grid-"

/* ---- names of files ---- */

bool lattice_is_release(const char *dir)
{
	char path[LATTICE_PATH_MAX];
	snprintf(path, sizeof path, "%s/manifest.txt", dir);
	return access(path, F_OK) == 0;
}

bool lattice_result_path(const char *dir, char out[LATTICE_PATH_MAX])
{
	int n = snprintf(
	    out, LATTICE_PATH_MAX, "%s/%s", dir, lattice_is_release(dir) ? "result.csv" : "RESULT.csv");
	return n > 0 && n < LATTICE_PATH_MAX;
}

/* The file's name in this folder: a release has only a-z, 0-9, '.' and '-'. */
const char *lattice_file_name(const char *dir, const char *name, char out[160])
{
	if (!lattice_is_release(dir))
		return name;
	snprintf(out, 160, RELEASE_PREFIX "%s", name);
	if (strncmp(name, "hier_", 5) == 0)
		out[strlen(RELEASE_PREFIX) + 4] = '-';
	return out;
}

/* The other way round: what a file of the folder is called in the digest. False: it is no part of it. */
static bool name_from(bool release, const char *file, char out[160])
{
	size_t skip = release ? strlen(RELEASE_PREFIX) : 0;
	size_t len = strlen(file);
	if (len >= 150 || strncmp(file, RELEASE_PREFIX, skip) != 0)
		return false;
	memcpy(out, file + skip, len + 1 - skip);
	if (release && strncmp(out, "hier-", 5) == 0)
		out[4] = '_';
	return true;
}

/* ---- digests ---- */

struct part { /* a file the digest is over */
	char name[160], *file;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct part *)a)->name, ((const struct part *)b)->name);
}

static bool digested(const char *name)
{
	static const char *const fixed[] = { "tables.csv", "structural.csv", "forced.csv", "derived.csv",
		"absent.csv", "covered.csv" };
	size_t len = strlen(name);
	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		if (strcmp(name, fixed[i]) == 0)
			return true;
	return len > 9 && strncmp(name, "hier_", 5) == 0 && strcmp(name + len - 4, ".csv") == 0;
}

static bool digest_file(
    crypto_hash_sha256_state *state, const char *dir, const struct part *part, struct err *e)
{
	struct buf file = { 0 };
	struct buf head = { 0 };
	char path[LATTICE_PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", dir, part->file);
	bool ok = protectfiles_read(&file, path, CSVLINES_FILE_MAX, e);
	if (ok) {
		buf_put_le64(&head, strlen(part->name));
		buf_put_text(&head, part->name);
		buf_put_le64(&head, file.size);
		crypto_hash_sha256_update(state, head.data, head.size);
		crypto_hash_sha256_update(state, file.data, file.size);
	}
	buf_free(&head);
	buf_free(&file);
	return ok;
}

bool lattice_folder_digest(const char *dir, uint8_t out[32], struct err *e)
{
	crypto_hash_sha256_state state;
	struct part part[64];
	size_t n = 0;
	bool ok = true;
	bool release = lattice_is_release(dir);
	DIR *d = opendir(dir);
	if (d == NULL)
		return err_set(e, ERR_SYSTEM, "%s: cannot be opened", dir);
	for (struct dirent *entry; ok && (entry = readdir(d)) != NULL;) {
		if (!name_from(release, entry->d_name, part[n].name) || !digested(part[n].name))
			continue;
		part[n].file = strdup(entry->d_name);
		ok = part[n].file != NULL || err_set(e, ERR_MEMORY, "no memory");
		if (ok && ++n == sizeof part / sizeof part[0])
			ok = err_set(e, ERR_LIMIT, "%s: too many files", dir);
	}
	closedir(d);
	qsort(part, n, sizeof part[0], by_name);
	crypto_hash_sha256_init(&state);
	for (size_t i = 0; i < n; i++) {
		ok = ok && digest_file(&state, dir, &part[i], e);
		free(part[i].file);
	}
	crypto_hash_sha256_final(&state, out);
	return ok;
}
