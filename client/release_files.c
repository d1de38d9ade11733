#include "client/release_files.h"
#include "client/command.h"
#include "client/text.h"
#include "client/witnesses.h"
#include <stdio.h>
#include <string.h>

#define MANIFEST_BYTES_MAX 65536u
#define MANIFEST_NAME      "manifest.txt"
#define MINISIG_NAME       "manifest.txt.minisig"

void release_files_free(struct release_files *r)
{
	for (size_t i = 0; i < RELEASE_FILES_MAX; i++)
		buf_free(&r->file[i]);
	buf_free(&r->manifest_text);
	buf_free(&r->minisig);
	release_rows_free(&r->rows);
}

bool release_files_check_manifest(
    struct release_files *r, const struct keyset *set, const struct minisign_claim *want, struct err *e)
{
	const struct manifest *m = &r->manifest;
	struct minisign_claim claim;
	const struct keyset_key *key;
	uint8_t id[KEY_ID_BYTES];

	if (!manifest_parse(&r->manifest, buf_bytes(&r->manifest_text), e) ||
	    !minisign_parse(&claim, id, buf_bytes(&r->minisig), e))
		return false;
	key = keyset_find(set, KEY_RELEASE, id);
	if (key == NULL)
		return err_set(e, ERR_CRYPTO, "%s", _("signed by a key that is not in the key set"));
	if (!minisign_verify(
		buf_bytes(&r->minisig), buf_bytes(&r->manifest_text), key->id, key->key, want, &r->claim, e))
		return false;
	if (strcmp(m->origin, want->origin) == 0 && strcmp(m->dataset, want->dataset) == 0 &&
	    strcmp(m->period, want->period) == 0 && m->revision == want->revision)
		return true;
	return err_set(e, ERR_REFUSED, "%s", _("the manifest is of another release"));
}

static bool check_rows(struct release_files *r, struct err *e)
{
	const struct manifest *m = &r->manifest;
	const struct buf *file = release_files_find(r, "release.msgpack");

	if (file == NULL)
		return err_set(e, ERR_NOT_FOUND, "%s", _("the release has no release.msgpack"));
	release_rows_free(&r->rows);
	if (!release_rows_decode(&r->rows, buf_bytes(file), e))
		return err_wrap(e, "release.msgpack");
	if (strcmp(r->rows.dataset, m->dataset) == 0 && strcmp(r->rows.period, m->period) == 0 &&
	    r->rows.revision == m->revision && memcmp(r->rows.config, m->config, 32) == 0)
		return true;
	return err_set(e, ERR_REFUSED, "%s", _("release.msgpack is of another release"));
}

bool release_files_check(struct release_files *r, struct err *e)
{
	const struct manifest *m = &r->manifest;
	uint64_t bytes = 0;

	for (size_t i = 0; i < m->n_files; i++) {
		if (!manifest_check_file(m, m->file[i].name, buf_bytes(&r->file[i]), e))
			return false;
		bytes += r->file[i].size;
	}
	if (bytes != m->bytes)
		return err_set(e, ERR_INVALID, "%s", _("the files are not as large as the manifest says"));
	if (manifest_find(m, m->certificate) == NULL)
		return err_set(e, ERR_NOT_FOUND, "%s", _("the release has no certificate"));
	return check_rows(r, e);
}

static struct minisign_claim claim_of(const struct feed_envelope *env, const char *origin)
{
	struct minisign_claim want = { .revision = env->revision, .seq = env->seq };

	(void)snprintf(want.file, sizeof want.file, "%s", MANIFEST_NAME);
	(void)snprintf(want.origin, sizeof want.origin, "%s", origin);
	memcpy(want.dataset, env->dataset, sizeof want.dataset);
	memcpy(want.period, env->period, sizeof want.period);
	memcpy(want.feed_id, env->feed_id, sizeof want.feed_id);
	return want;
}

/* Takes bytes that came along if they are what digest promises, else asks for them. */
static int take_or_fetch(struct deployment *d, const uint8_t digest[32], struct bytes along, size_t max,
    struct buf *out, struct err *e)
{
	uint8_t found[32];

	if (along.at != NULL && along.len <= max) {
		release_digest(found, along);
		if (memcmp(found, digest, sizeof found) == 0) {
			buf_put_bytes(out, along);
			return out->failed ? EXIT_OTHER : EXIT_OK;
		}
	}
	return deployment_object(d, digest, max, out, e);
}

int release_files_fetch(
    struct release_files *r, struct deployment *d, const struct feed_envelope *env, struct err *e)
{
	struct minisign_claim want = claim_of(env, d->settings.join.origin);
	int code;

	if (env->bytes > RELEASE_BYTES_MAX) {
		(void)err_set(e, ERR_LIMIT, "%s", _("the release is larger than this program takes"));
		return EXIT_OTHER;
	}
	code = take_or_fetch(d, env->object, env->manifest, MANIFEST_BYTES_MAX, &r->manifest_text, e);
	if (code != EXIT_OK)
		return code;
	buf_put_bytes(&r->minisig, env->minisig);
	if (!release_files_check_manifest(r, &d->keyset, &want, e))
		return EXIT_OTHER;
	if (r->manifest.bytes != env->bytes) {
		(void)err_set(e, ERR_REFUSED, "%s", _("the files are not as large as the feed says"));
		return EXIT_OTHER;
	}
	for (size_t i = 0; i < r->manifest.n_files && code == EXIT_OK; i++) {
		const struct manifest_file *f = &r->manifest.file[i];
		bool is_rows = strcmp(f->name, "release.msgpack") == 0;
		code = take_or_fetch(
		    d, f->digest, is_rows ? env->rows : bytes_of(NULL, 0), LIMIT_PUBLIC_FILE, &r->file[i], e);
		if (code != EXIT_OK)
			err_wrap(e, "%s", f->name);
	}
	if (code == EXIT_OK && !release_files_check(r, e))
		code = EXIT_OTHER;
	return code == EXIT_OK ? witnesses_release(d, env, e) : code;
}

bool release_files_read(
    struct release_files *r, const char *dir, const struct keyset *set, const char *origin, struct err *e)
{
	char path[FILE_PATH];
	struct minisign_claim want = { .seq = 0 };
	bool ok =
	    file_path(path, dir, MANIFEST_NAME, e) &&
	    file_read(&r->manifest_text, path, MANIFEST_BYTES_MAX, e) &&
	    file_path(path, dir, MINISIG_NAME, e) && file_read(&r->minisig, path, MINISIGN_BYTES_MAX, e) &&
	    (manifest_parse(&r->manifest, buf_bytes(&r->manifest_text), e) || err_wrap(e, MANIFEST_NAME));

	if (!ok)
		return false;
	(void)snprintf(want.file, sizeof want.file, "%s", MANIFEST_NAME);
	(void)snprintf(want.origin, sizeof want.origin, "%s", origin);
	memcpy(want.dataset, r->manifest.dataset, sizeof want.dataset);
	memcpy(want.period, r->manifest.period, sizeof want.period);
	want.revision = r->manifest.revision;
	if (!release_files_check_manifest(r, set, &want, e))
		return err_wrap(e, MANIFEST_NAME);
	for (size_t i = 0; i < r->manifest.n_files; i++) {
		if (!file_path(path, dir, r->manifest.file[i].name, e) ||
		    !file_read(&r->file[i], path, LIMIT_PUBLIC_FILE, e))
			return false;
	}
	return release_files_check(r, e);
}

bool release_files_write(const struct release_files *r, const char *dir, struct err *e)
{
	if (!file_make_dir(dir, 0755, e))
		return false;
	for (size_t i = 0; i < r->manifest.n_files; i++) {
		if (!file_write(dir, r->manifest.file[i].name, 0644, buf_bytes(&r->file[i]), e))
			return false;
	}
	return file_write(dir, MINISIG_NAME, 0644, buf_bytes(&r->minisig), e) &&
	       file_write(dir, MANIFEST_NAME, 0644, buf_bytes(&r->manifest_text), e);
}

const struct buf *release_files_find(const struct release_files *r, const char *name)
{
	for (size_t i = 0; i < r->manifest.n_files; i++) {
		if (strcmp(r->manifest.file[i].name, name) == 0)
			return &r->file[i];
	}
	return NULL;
}
