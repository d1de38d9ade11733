#include "daemon/vault/vaultkeys.h"

#include "daemon/os.h"
#include "daemon/say.h"
#include "proto/atrest.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>

#define SECRET_FILE_BYTES 4096u
#define INTAKE_TABLE      "intake_key"
#define INTAKE_SCHEMA     1u

void *vaultkeys_alloc(size_t len)
{
	static bool warned;
	void *at = sodium_malloc(len);
	/* sodium_malloc hides a failed lock; asking again tells */
	if (at != NULL && !warned && sodium_mlock(at, len) != 0) {
		warned = true;
		say(SAY_WARNING, "memory-lock",
		    "keys may reach swap: memory cannot be locked; raise LimitMEMLOCK");
	}
	return at;
}

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "keys: out of guarded memory");
}

static bool read_secret(const struct conf *conf, enum key_purpose purpose, uint8_t out[32], struct err *e)
{
	char path[CONF_PATH * 2];
	struct buf text = { 0 };
	bool ok = false;
	if (!conf_key_path(conf, keys_purpose_name(purpose), path, sizeof path, e) ||
	    !os_read_secret(AT_FDCWD, path, SECRET_FILE_BYTES, &text, e))
		goto done;
	ok = keys_secret_parse(out, purpose, buf_bytes(&text), e) || err_wrap(e, "%s", path);
done:
	buf_free(&text);
	return ok;
}

static bool read_signer(
    struct key_signer **out, const struct conf *conf, enum key_purpose purpose, struct err *e)
{
	uint8_t seed[32];
	bool ok = false;
	*out = vaultkeys_alloc(sizeof **out);
	if (*out == NULL)
		return no_memory(e);
	if (read_secret(conf, purpose, seed, e)) {
		keys_signer(*out, seed);
		ok = true;
	}
	sodium_memzero(seed, sizeof seed);
	return ok;
}

/* The operator's own choice key, or a subkey of master where there is no such file. */
static bool read_choice(struct vaultkeys *k, const struct conf *conf, struct err *e)
{
	struct err why = { 0 };
	if (read_secret(conf, KEY_CHOICE, k->choice, &why))
		return true;
	if (why.code != ERR_NOT_FOUND) {
		*e = why;
		return false;
	}
	vaultkeys_derive(k, "CVchoice", 1, k->choice);
	return true;
}

bool vaultkeys_read(struct vaultkeys *k, const struct conf *conf, struct err *e)
{
	*k = (struct vaultkeys){ .epoch = (uint32_t)conf->key_epoch };
	k->master = vaultkeys_alloc(32);
	k->choice = vaultkeys_alloc(32);
	if (k->master == NULL || k->choice == NULL)
		return no_memory(e);
	return read_secret(conf, KEY_MASTER, k->master, e) &&
	       read_signer(&k->receipt, conf, KEY_RECEIPT, e) && read_signer(&k->feed, conf, KEY_FEED, e) &&
	       read_signer(&k->log, conf, KEY_LOG, e) && read_signer(&k->release, conf, KEY_RELEASE, e) &&
	       read_choice(k, conf, e);
}

static void forget_intake(struct vaultkeys *k)
{
	for (unsigned i = 0; i < k->n_intake; i++)
		sodium_free(k->intake[i].secret);
	k->n_intake = 0;
}

void vaultkeys_wipe(struct vaultkeys *k)
{
	forget_intake(k);
	/* sodium_free wipes, and accepts NULL */
	sodium_free(k->receipt);
	sodium_free(k->feed);
	sodium_free(k->log);
	sodium_free(k->release);
	sodium_free(k->choice);
	sodium_free(k->master);
	*k = (struct vaultkeys){ 0 };
}

void vaultkeys_derive(const struct vaultkeys *k, const char *context, uint64_t number, uint8_t *out)
{
	crypto_kdf_derive_from_key(out, 32, number, context, k->master);
}

static struct atrest_place intake_place(const uint8_t key_id[8])
{
	return (struct atrest_place){
		.table = INTAKE_TABLE, .primary_key = bytes_of(key_id, 8), .schema = INTAKE_SCHEMA
	};
}

static bool wrap(const struct vaultkeys *k, const struct os *os, const struct intake_key *key,
    struct buf *out, struct err *e)
{
	uint8_t nonce[ATREST_NONCE_BYTES];
	uint8_t wrapping[32];
	struct atrest_place place = intake_place(key->key_id);
	os_random(os, nonce, sizeof nonce);
	vaultkeys_derive(k, "CVintake", k->epoch, wrapping);
	bool ok = atrest_seal(out, bytes_of(key->secret, 32), &place, k->epoch, nonce, wrapping, e);
	sodium_memzero(wrapping, sizeof wrapping);
	return ok;
}

static bool unwrap(const struct vaultkeys *k, struct bytes row, struct intake_key *key, struct err *e)
{
	uint8_t wrapping[32];
	uint32_t epoch;
	struct buf plain = { 0 };
	struct atrest_place place = intake_place(key->key_id);
	bool ok = false;
	if (!atrest_epoch(&epoch, row, e))
		return err_wrap(e, "an intake key");
	vaultkeys_derive(k, "CVintake", epoch, wrapping);
	if (!atrest_open(&plain, row, &place, wrapping, e) || plain.size != 32) {
		err_set(e, ERR_CRYPTO, "an intake key does not open: is this the right master key?");
		goto done;
	}
	key->secret = vaultkeys_alloc(32);
	if (key->secret == NULL) {
		no_memory(e);
		goto done;
	}
	memcpy(key->secret, plain.data, 32);
	ok = true;
done:
	sodium_memzero(wrapping, sizeof wrapping);
	buf_free(&plain);
	return ok;
}

static bool load_row(struct vaultkeys *k, struct rows *r, struct err *e)
{
	struct intake_key *key = &k->intake[k->n_intake];
	*key = (struct intake_key){ .state = (enum intake_state)rows_uint(r, 3),
		.not_before_s = rows_uint(r, 4),
		.not_after_s = rows_uint(r, 5) };
	if (!rows_copy(r, 0, key->key_id, 8) || !rows_copy(r, 1, key->public_key, 32))
		return false; /* rows_close tells */
	if (!unwrap(k, rows_bytes(r, 2), key, e))
		return false;
	k->n_intake++;
	return true;
}

bool vaultkeys_load_intake(struct vaultkeys *k, struct store *s, struct err *e)
{
	struct rows r;
	bool ok = true;
	forget_intake(k);
	rows_open(&r, s,
	    "SELECT key_id, public_key, secret, state, not_before_s, not_after_s FROM intake_key"
	    " WHERE state < ? ORDER BY not_before_s DESC, key_id",
	    "i", (uint64_t)INTAKE_DESTROYED);
	while (ok && k->n_intake < VAULT_INTAKE_KEYS && rows_next(&r))
		ok = load_row(k, &r, e);
	return rows_close(&r, e) && ok;
}

static bool insert_intake(struct store *s, const struct intake_key *key, struct bytes wrapped, struct err *e)
{
	return store_run(s, e, "INSERT INTO intake_key VALUES(?, ?, ?, ?, ?, ?)", "bbbiii",
	    bytes_of(key->key_id, 8), bytes_of(key->public_key, 32), wrapped, (uint64_t)key->state,
	    key->not_before_s, key->not_after_s);
}

/* Takes key->secret on success. */
static bool add_intake(
    struct vaultkeys *k, struct store *s, const struct os *os, struct intake_key *key, struct err *e)
{
	struct buf wrapped = { 0 };
	bool ok = k->n_intake < VAULT_INTAKE_KEYS ||
		  err_set(e, ERR_LIMIT, "too many intake keys: destroy old ones first");
	crypto_scalarmult_base(key->public_key, key->secret);
	keys_id(key->key_id, KEY_TYPE_INTAKE, key->public_key);
	ok = ok && wrap(k, os, key, &wrapped, e) && insert_intake(s, key, buf_bytes(&wrapped), e);
	if (ok)
		k->intake[k->n_intake++] = *key;
	buf_free(&wrapped);
	return ok;
}

bool vaultkeys_new_intake(struct vaultkeys *k, struct store *s, const struct os *os, enum intake_state state,
    uint64_t not_before_s, uint64_t not_after_s, uint8_t key_id[8], struct err *e)
{
	struct intake_key key = { .state = state, .not_before_s = not_before_s, .not_after_s = not_after_s };
	key.secret = vaultkeys_alloc(32);
	if (key.secret == NULL)
		return no_memory(e);
	os_random(os, key.secret, 32);
	if (!add_intake(k, s, os, &key, e)) {
		sodium_free(key.secret);
		return false;
	}
	memcpy(key_id, key.key_id, 8);
	return true;
}

bool vaultkeys_import_intake(struct vaultkeys *k, struct store *s, const struct os *os,
    const struct intake_key *from, bool *added, struct err *e)
{
	struct rows r;
	struct intake_key key = *from;
	keys_id(key.key_id, KEY_TYPE_INTAKE, from->public_key);
	rows_open(&r, s, "SELECT 1 FROM intake_key WHERE key_id = ?", "b", bytes_of(key.key_id, 8));
	*added = !rows_next(&r);
	if (!rows_close(&r, e))
		return false;
	if (!*added) /* known; a destroyed one never comes back */
		return true;
	key.secret = vaultkeys_alloc(32);
	if (key.secret == NULL)
		return no_memory(e);
	memcpy(key.secret, from->secret, 32);
	if (add_intake(k, s, os, &key, e))
		return true;
	sodium_free(key.secret);
	return false;
}

const struct intake_key *vaultkeys_find_intake(const struct vaultkeys *k, const uint8_t key_id[8])
{
	for (unsigned i = 0; i < k->n_intake; i++)
		if (memcmp(k->intake[i].key_id, key_id, 8) == 0)
			return &k->intake[i];
	return NULL;
}
