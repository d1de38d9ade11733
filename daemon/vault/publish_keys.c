/* The root's public key, the key set in force, and what lies in the keys folder at the first start. */
#include "daemon/say.h"
#include "daemon/vault/publish_parts.h"
#include "proto/keys.h"
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define KEY_FILE_BYTES 4096u

const struct keyset *publish_keys(const struct vault *v)
{
	return v->publish && v->publish->has_keys ? &v->publish->keys : NULL;
}

const uint8_t *publish_root_key(const struct vault *v)
{
	return v->publish && v->publish->has_root ? v->publish->root.key : NULL;
}

/* Reads a file of the keys folder; found false if there is none. */
static bool read_key_file(
    struct vault *v, const char *name, bool secret, struct buf *out, bool *found, struct err *e)
{
	char path[CONF_PATH * 2];
	struct err why = { 0 };

	*found = false;
	if (!conf_key_path(v->conf, name, path, sizeof path, e))
		return false;
	*found = secret ? os_read_secret(AT_FDCWD, path, KEY_FILE_BYTES, out, &why)
			: os_read_file(AT_FDCWD, path, LIMIT_NOTE_BYTES, out, &why);
	return *found || why.code == ERR_NOT_FOUND || err_set(e, why.code, "%s", why.text);
}

static void strip_line_feed(struct buf *text)
{
	while (text->size > 0 && text->data[text->size - 1] == '\n')
		text->size--;
}

static bool read_root(struct vault *v, struct publish *pub, struct err *e)
{
	struct key_public key;
	struct buf text = { 0 };
	char name[LIMIT_ORIGIN + 8];
	bool ok = read_key_file(v, "root.pub", false, &text, &pub->has_root, e);

	if (ok && pub->has_root) {
		strip_line_feed(&text);
		snprintf(name, sizeof name, "%.*s/root", (int)strcspn(v->conf->origin, "/"), v->conf->origin);
		ok = (keys_public_parse(&key, KEY_ROOT, buf_bytes(&text), e) &&
			 vkey_make(&pub->root, name, VKEY_ED25519, key.key, e)) ||
		     err_wrap(e, "keys/root.pub");
	}
	buf_free(&text);
	return ok;
}

/* The newest row, opened again with the root key: a store that somebody wrote to is noticed. */
static bool held_note(struct vault *v, struct buf *note, uint64_t *serial, struct err *e)
{
	struct rows r;

	*serial = 0;
	rows_open(&r, v->store, "SELECT serial, note FROM keyset ORDER BY serial DESC LIMIT 1", "");
	if (rows_next(&r)) {
		*serial = rows_uint(&r, 0);
		buf_put_bytes(note, rows_bytes(&r, 1));
	}
	return rows_close(&r, e) && (!note->failed || err_set(e, ERR_MEMORY, "key set: no memory"));
}

static bool load_held(struct vault *v, struct publish *pub, struct err *e)
{
	struct buf note = { 0 };
	uint64_t serial = 0;
	bool ok = held_note(v, &note, &serial, e);

	if (ok && serial > 0) {
		if (!pub->has_root)
			ok = err_set(e, ERR_REFUSED, "keys/root.pub is missing, and the store has a key set");
		else
			ok = keyset_open(&pub->keys, buf_bytes(&note), &pub->root, v->conf->origin, 0,
				 bytes_of(NULL, 0), e) ||
			     err_wrap(e, "the key set in the store");
		pub->has_keys = ok;
	}
	buf_free(&note);
	return ok;
}

/* The public half of every signing key we hold must stand in the set, or readers would refuse what we sign.
 */
static bool check_ours(struct vault *v, const struct keyset *set, struct err *e)
{
	const struct {
		enum key_purpose purpose;
		const struct key_signer *signer;
	} ours[] = { { KEY_RECEIPT, v->keys.receipt }, { KEY_FEED, v->keys.feed }, { KEY_LOG, v->keys.log },
		{ KEY_RELEASE, v->keys.release } };

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		if (!keyset_find(set, ours[i].purpose, ours[i].signer->id))
			return err_set(e, ERR_REFUSED, "key set: it lacks the %s key this vault signs with",
			    keys_purpose_name(ours[i].purpose));
	}
	return true;
}

bool publish_take_keyset(struct vault *v, struct bytes note, struct err *e)
{
	struct publish *pub = v->publish;
	struct keyset set;
	struct buf held = { 0 };
	uint64_t serial = 0;

	if (!pub->has_root)
		return err_set(e, ERR_REFUSED,
		    "key set: keys/root.pub is missing, so nobody's signature can be checked");
	bool ok = held_note(v, &held, &serial, e) &&
		  keyset_open(&set, note, &pub->root, v->conf->origin, serial, buf_bytes(&held), e) &&
		  check_ours(v, &set, e);
	if (ok && set.serial == serial)
		ok = err_set(e, ERR_REFUSED, "key set: it is in force already");
	ok = ok && store_run(v->store, e, "INSERT INTO keyset(serial, note, added_s) VALUES(?, ?, ?)", "ibi",
		       set.serial, note, vault_now_s(v));
	if (ok) {
		pub->keys = set;
		pub->has_keys = true;
	}
	buf_free(&held);
	return ok;
}

/* The key set that `cellveilctl init` put beside the keys, if it is newer than the one held. */
static bool take_first_keyset(struct vault *v, struct publish *pub, struct err *e)
{
	struct buf note = { 0 };
	struct keyset set;
	bool found = false;
	bool ok = read_key_file(v, "keyset", false, &note, &found, e);

	if (ok && found && pub->has_root) {
		ok = keyset_open(
			 &set, buf_bytes(&note), &pub->root, v->conf->origin, 0, bytes_of(NULL, 0), e) ||
		     err_wrap(e, "keys/keyset");
		if (ok && (!pub->has_keys || set.serial > pub->keys.serial))
			ok = publish_take_keyset(v, buf_bytes(&note), e);
	}
	buf_free(&note);
	return ok;
}

static bool import_intake(struct vault *v, const struct publish *pub, struct bytes text, struct err *e)
{
	struct intake_key key = { .state = INTAKE_ACTIVE, .secret = vaultkeys_alloc(KEY_BYTES) };
	bool ok = key.secret != NULL || err_set(e, ERR_MEMORY, "keys: no memory");

	ok = ok && keys_secret_parse(key.secret, KEY_INTAKE, text, e) &&
	     keys_public_of(key.public_key, KEY_INTAKE, key.secret, e);
	if (ok) {
		keys_id(key.key_id, KEY_TYPE_INTAKE, key.public_key);
		const struct keyset_key *listed =
		    pub->has_keys ? keyset_find(&pub->keys, KEY_INTAKE, key.key_id) : NULL;
		if (listed) {
			key.not_before_s = listed->not_before;
			key.not_after_s = listed->not_after;
			ok = vault_import_intake_key(v, &key, e);
		}
	}
	sodium_free(key.secret);
	return ok;
}

/* The intake key that `cellveilctl init` made goes into the store, wrapped; afterwards its file may go. */
static bool take_first_intake(struct vault *v, struct publish *pub, struct err *e)
{
	struct buf text = { 0 };
	bool found = false;
	bool ok = read_key_file(v, "intake", true, &text, &found, e);

	if (ok && found)
		ok = import_intake(v, pub, buf_bytes(&text), e) || err_wrap(e, "keys/intake");
	buf_free(&text);
	return ok;
}

bool keys_open(struct vault *v, struct err *e)
{
	struct publish *pub = v->publish;

	if (!read_root(v, pub, e) || !load_held(v, pub, e) || !vault_begin(v, e))
		return false;
	if (take_first_keyset(v, pub, e) && take_first_intake(v, pub, e) && vault_commit(v, e)) {
		if (!pub->has_keys)
			say(SAY_WARNING, "key-set", "there is no key set: offices cannot send");
		return true;
	}
	vault_rollback(v);
	return false;
}
