#include "client/keyfile.h"
#include "client/file.h"
#include "proto/age.h"
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define KEYFILE_BYTES_MAX 4096u

static void put_date(char out[16], uint64_t now_s)
{
	time_t t = (time_t)now_s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(out, 16, "%Y-%m-%d", &tm) == 0)
		memcpy(out, "-", 2);
}

static void name_of(char out[32], enum key_purpose purpose)
{
	(void)snprintf(out, 32, "%s.key", keys_purpose_name(purpose));
}

bool keyfile_create(
    const char *dir, enum key_purpose purpose, uint64_t now_s, uint8_t public[KEY_BYTES], struct err *e)
{
	uint8_t *secret = sodium_malloc(KEY_BYTES);
	struct buf text = { 0 };
	char name[32], date[16];
	bool ok = false;

	if (secret == NULL) {
		err_set(e, ERR_MEMORY, "no memory for a key");
		goto done;
	}
	randombytes_buf(secret, KEY_BYTES);
	name_of(name, purpose);
	put_date(date, now_s);
	keys_secret_print(&text, purpose, secret, date);
	if (text.failed) {
		err_set(e, ERR_MEMORY, "no memory for a key");
		goto done;
	}
	ok = keys_public_of(public, purpose, secret, e) &&
	     file_write_new(dir, name, 0600, buf_bytes(&text), e);
done:
	buf_free(&text);
	sodium_free(secret);
	return ok;
}

uint8_t *keyfile_read(const char *dir, enum key_purpose purpose, struct err *e)
{
	uint8_t *secret = sodium_malloc(KEY_BYTES);
	struct buf text = { 0 };
	char path[FILE_PATH], name[32];
	bool ok = false;

	if (secret == NULL) {
		err_set(e, ERR_MEMORY, "no memory for a key");
		goto done;
	}
	name_of(name, purpose);
	ok = file_path(path, dir, name, e) && file_read_secret(&text, path, KEYFILE_BYTES_MAX, e) &&
	     (keys_secret_parse(secret, purpose, buf_bytes(&text), e) || err_wrap(e, "%s", path));
done:
	buf_free(&text);
	if (!ok) {
		sodium_free(secret);
		secret = NULL;
	}
	return secret;
}

bool keyfile_public(const char *dir, enum key_purpose purpose, uint8_t public[KEY_BYTES], struct err *e)
{
	uint8_t *secret = keyfile_read(dir, purpose, e);
	bool ok = secret != NULL && keys_public_of(public, purpose, secret, e);

	sodium_free(secret);
	return ok;
}

struct key_signer *keyfile_signer(const char *dir, enum key_purpose purpose, struct err *e)
{
	uint8_t *seed = keyfile_read(dir, purpose, e);
	struct key_signer *signer = seed != NULL ? sodium_malloc(sizeof *signer) : NULL;

	if (signer != NULL)
		keys_signer(signer, seed);
	else if (seed != NULL)
		(void)err_set(e, ERR_MEMORY, "no memory for a key");
	sodium_free(seed);
	return signer;
}

void keyfile_signer_free(struct key_signer *s)
{
	sodium_free(s);
}

bool keyfile_create_age(const char *dir, uint64_t now_s, char recipient[63], struct err *e)
{
	uint8_t *secret = sodium_malloc(32), public[32];
	struct buf text = { 0 };
	char identity[AGE_IDENTITY_TEXT], date[16];
	bool ok = false;

	if (secret == NULL) {
		err_set(e, ERR_MEMORY, "no memory for a key");
		goto done;
	}
	randombytes_buf(secret, 32);
	if (crypto_scalarmult_base(public, secret) != 0)
		goto done;
	age_recipient_print(recipient, public);
	age_identity_print(identity, secret);
	put_date(date, now_s);
	buf_printf(&text, "# created: %s\n# public key: %s\n%s\n", date, recipient, identity);
	ok = text.failed ? err_set(e, ERR_MEMORY, "no memory for a key")
			 : file_write_new(dir, "age.key", 0600, buf_bytes(&text), e);
done:
	sodium_memzero(identity, sizeof identity);
	buf_free(&text);
	sodium_free(secret);
	return ok;
}
