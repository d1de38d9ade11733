#include "daemon/vault/unseal.h"

#include "proto/atrest.h"
#include "proto/seal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW_SCHEMA 1u
#define ROW_EPOCH  1u /* a period has one data key in its life */

struct data_key {
	uint64_t period_id;
	uint8_t *key; /* 32 bytes of guarded memory */
	struct data_key *next;
};

bool unseal_box(const struct intake_key *key, struct bytes box, struct buf *plain, struct bytes *signature,
    struct bytes *payload, struct err *e)
{
	uint8_t *room = NULL;
	bool ok = false;
	if (!seal_length_ok(box.len))
		return err_set(e, ERR_CRYPTO, "the envelope does not open");
	size_t len = box.len - crypto_box_SEALBYTES;
	room = malloc(len);
	if (room == NULL)
		return err_set(e, ERR_MEMORY, "envelope: out of memory");
	if (crypto_box_seal_open(room, box.at, box.len, key->public_key, key->secret) != 0) {
		err_set(e, ERR_CRYPTO, "the envelope does not open");
		goto done;
	}
	buf_put(plain, room, len);
	if (plain->failed) {
		err_set(e, ERR_MEMORY, "envelope: out of memory");
		goto done;
	}
	ok = seal_unpad(signature, payload, buf_bytes(plain)) ||
	     err_set(e, ERR_CRYPTO, "the envelope does not open");
done:
	sodium_memzero(room, len);
	free(room);
	return ok;
}

/* "personal-support/2025": what a wrapped data key is tied to */
#define PERIOD_KEY_NAME (LIMIT_NAME + LIMIT_PERIOD + 2)

static struct atrest_place data_key_place(const struct period *p, char name[PERIOD_KEY_NAME])
{
	snprintf(name, PERIOD_KEY_NAME, "%s/%s", p->dataset, p->name);
	return (
	    struct atrest_place){ .table = "period", .primary_key = bytes_text(name), .schema = ROW_SCHEMA };
}

bool unseal_new_data_key(struct vault *v, const struct period *p, struct buf *out, struct err *e)
{
	uint8_t key[32];
	uint8_t wrapping[32];
	uint8_t nonce[ATREST_NONCE_BYTES];
	char name[PERIOD_KEY_NAME];
	struct atrest_place place = data_key_place(p, name);
	os_random(v->os, key, sizeof key);
	os_random(v->os, nonce, sizeof nonce);
	vaultkeys_derive(&v->keys, "CVatrest", v->keys.epoch, wrapping);
	bool ok = atrest_seal(out, bytes_of(key, sizeof key), &place, v->keys.epoch, nonce, wrapping, e);
	sodium_memzero(key, sizeof key);
	sodium_memzero(wrapping, sizeof wrapping);
	return ok;
}

static bool unwrap(
    struct vault *v, const struct period *p, struct bytes wrapped, struct buf *key, struct err *e)
{
	uint8_t wrapping[32];
	uint32_t epoch;
	char name[PERIOD_KEY_NAME];
	struct atrest_place place = data_key_place(p, name);
	if (wrapped.len == 0)
		return err_set(e, ERR_NOT_FOUND, "the period's data key was destroyed");
	if (!atrest_epoch(&epoch, wrapped, e))
		return false;
	vaultkeys_derive(&v->keys, "CVatrest", epoch, wrapping);
	bool ok = atrest_open(key, wrapped, &place, wrapping, e) && key->size == 32;
	sodium_memzero(wrapping, sizeof wrapping);
	return ok ||
	       err_set(e, ERR_CRYPTO, "a period's data key does not open: is this the right master key?");
}

static bool remember(struct vault *v, uint64_t period_id, const uint8_t key[32], struct err *e)
{
	struct data_key *item = malloc(sizeof *item);
	uint8_t *guarded = vaultkeys_alloc(32);
	if (item == NULL || guarded == NULL) {
		free(item);
		sodium_free(guarded);
		return err_set(e, ERR_MEMORY, "keys: out of memory");
	}
	memcpy(guarded, key, 32);
	*item = (struct data_key){ .period_id = period_id, .key = guarded, .next = v->data_keys };
	v->data_keys = item;
	return true;
}

static bool load_data_key(struct vault *v, const struct period *p, struct err *e)
{
	struct rows r;
	struct buf key = { 0 };
	bool ok = false;
	rows_open(&r, v->store, "SELECT data_key FROM period WHERE id = ?", "i", p->id);
	if (rows_next(&r))
		ok = unwrap(v, p, rows_bytes(&r, 0), &key, e) && remember(v, p->id, key.data, e);
	else
		err_set(e, ERR_NOT_FOUND, "no such period");
	ok = rows_close(&r, e) && ok;
	buf_free(&key);
	return ok;
}

static const uint8_t *data_key(struct vault *v, const struct period *p, struct err *e)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		for (const struct data_key *k = v->data_keys; k != NULL; k = k->next)
			if (k->period_id == p->id)
				return k->key;
		if (attempt == 0 && !load_data_key(v, p, e))
			return NULL;
	}
	return NULL;
}

void unseal_forget(struct vault *v, uint64_t period_id)
{
	for (struct data_key **at = &v->data_keys; *at != NULL; at = &(*at)->next) {
		struct data_key *item = *at;
		if (item->period_id != period_id)
			continue;
		*at = item->next;
		sodium_free(item->key);
		free(item);
		return;
	}
}

void unseal_forget_all(struct vault *v)
{
	while (v->data_keys != NULL)
		unseal_forget(v, v->data_keys->period_id);
}

static struct atrest_place row_place(struct row_name name)
{
	struct atrest_place place = { .table = "submission",
		.primary_key = bytes_of(name.submission_id, SUBMISSION_ID_BYTES),
		.schema = ROW_SCHEMA };
	memcpy(place.digest, name.statement, sizeof place.digest);
	return place;
}

bool unseal_write_row(struct vault *v, const struct period *p, struct row_name name,
    const struct stored_row *row, struct buf *out, struct err *e)
{
	uint8_t nonce[ATREST_NONCE_BYTES];
	struct buf plain = { 0 };
	struct atrest_place place = row_place(name);
	const uint8_t *key = data_key(v, p, e);
	bool ok = false;
	if (key == NULL)
		return false;
	buf_put_le64(&plain, row->header.len);
	buf_put_bytes(&plain, row->header);
	buf_put_bytes(&plain, row->signature);
	buf_put_bytes(&plain, row->payload);
	if (plain.failed) {
		err_set(e, ERR_MEMORY, "submission: out of memory");
		goto done;
	}
	os_random(v->os, nonce, sizeof nonce);
	ok = atrest_seal(out, buf_bytes(&plain), &place, ROW_EPOCH, nonce, key, e);
done:
	buf_free(&plain);
	return ok;
}

static bool split_row(struct bytes plain, struct stored_row *out)
{
	uint64_t len = 0;
	if (plain.len < 8)
		return false;
	for (unsigned i = 0; i < 8; i++)
		len |= (uint64_t)plain.at[i] << (8 * i);
	if (len > plain.len - 8 || plain.len - 8 - len < KEY_SIG_BYTES)
		return false;
	out->header = bytes_of(plain.at + 8, len);
	out->signature = bytes_of(plain.at + 8 + len, KEY_SIG_BYTES);
	out->payload = bytes_of(plain.at + 8 + len + KEY_SIG_BYTES, plain.len - 8 - len - KEY_SIG_BYTES);
	return true;
}

bool unseal_read_row(struct vault *v, const struct period *p, struct row_name name, struct bytes row,
    struct buf *plain, struct stored_row *out, struct err *e)
{
	struct atrest_place place = row_place(name);
	const uint8_t *key = data_key(v, p, e);
	if (key == NULL || !atrest_open(plain, row, &place, key, e))
		return false;
	return split_row(buf_bytes(plain), out) || err_set(e, ERR_CRYPTO, "a stored row is not whole");
}
