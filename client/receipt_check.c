#include "client/receipt_check.h"
#include "client/receipt_text.h"
#include "client/text.h"
#include <dirent.h>
#include <string.h>

static bool key_in_note(
    const struct deployment *d, struct bytes note, const struct receipt *r, uint8_t public[KEY_BYTES])
{
	struct keyset set;
	const struct keyset_key *key;

	if (!keyset_open(&set, note, &d->root, d->settings.join.origin, 0, bytes_of(NULL, 0), NULL))
		return false;
	key = keyset_find(&set, KEY_RECEIPT, r->receipt_key_id);
	if (key != NULL)
		memcpy(public, key->key, KEY_BYTES);
	return key != NULL;
}

static bool key_in_folder(
    const struct deployment *d, const char *dir, const struct receipt *r, uint8_t public[KEY_BYTES])
{
	DIR *folder = opendir(dir);
	const struct dirent *entry;
	char path[FILE_PATH];
	bool found = false;

	while (folder != NULL && !found && (entry = readdir(folder)) != NULL) {
		struct buf note = { 0 };
		found = file_path(path, dir, entry->d_name, NULL) &&
			file_read(&note, path, LIMIT_NOTE_BYTES, NULL) &&
			key_in_note(d, buf_bytes(&note), r, public);
		buf_free(&note);
	}
	if (folder != NULL)
		(void)closedir(folder);
	return found;
}

/* In the newest set, whatever an older one says. */
static bool is_revoked(const struct deployment *d, const struct receipt *r)
{
	for (size_t i = 0; d->has_keyset && i < d->keyset.n_keys; i++) {
		const struct keyset_key *key = &d->keyset.key[i];
		if (key->purpose == KEY_RECEIPT && key->state == KEYSET_REVOKED &&
		    memcmp(key->id, r->receipt_key_id, sizeof key->id) == 0)
			return true;
	}
	return false;
}

static bool find_key(const struct deployment *d, const char *more, const struct receipt *r,
    uint8_t public[KEY_BYTES], struct err *e)
{
	char dir[FILE_PATH];

	if (is_revoked(d, r))
		return err_set(e, ERR_CRYPTO, "%s", _("the receipt's key was revoked"));
	if (key_in_note(d, buf_bytes(&d->note), r, public))
		return true;
	if (!file_path(dir, d->settings.dir, "keysets", e))
		return false;
	return key_in_folder(d, dir, r, public) || (more != NULL && key_in_folder(d, more, r, public)) ||
	       err_set(e, ERR_NOT_FOUND, "%s", _("no key set we hold has the receipt's key"));
}

bool receipt_check_text(
    const struct deployment *d, const char *more, struct bytes text, struct receipt *r, struct err *e)
{
	struct buf statement = { 0 };
	uint8_t signature[KEY_SIG_BYTES], public[KEY_BYTES];
	bool ok = receipt_text_parse(r, &statement, signature, text, e);

	if (ok && strcmp(r->origin, d->settings.join.origin) != 0)
		ok = err_set(e, ERR_INVALID, "%s", _("the receipt is of another deployment"));
	ok = ok && find_key(d, more, r, public, e) &&
	     receipt_open(r, buf_bytes(&statement), signature, public, e);
	buf_free(&statement);
	return ok;
}
