/* keyfile - secrets of a participant, one file each, mode 0600.
 *
 * Format: proto/keys.h (a comment line, then cellveil-secret-<purpose>:<base64>). A file that others can
 * read, that is a link or somebody else's is refused. Secrets are returned in memory of sodium_malloc; free
 * with sodium_free. Never from an argument or the environment. */
#ifndef CLIENT_KEYFILE_H
#define CLIENT_KEYFILE_H
#include "proto/err.h"
#include "proto/keys.h"

/* Makes dir/<purpose>.key with a fresh key; an existing file is refused. public gets the public half. now_s
 * dates the comment line. */
bool keyfile_create(
    const char *dir, enum key_purpose purpose, uint64_t now_s, uint8_t public[KEY_BYTES], struct err *e);
/* The 32 bytes of dir/<purpose>.key. NULL with e. */
uint8_t *keyfile_read(const char *dir, enum key_purpose purpose, struct err *e);
/* Public half only. */
bool keyfile_public(const char *dir, enum key_purpose purpose, uint8_t public[KEY_BYTES], struct err *e);
/* What signs, from dir/sign.key. NULL with e. keyfile_signer_free wipes. */
struct key_signer *keyfile_signer(const char *dir, enum key_purpose purpose, struct err *e);
void keyfile_signer_free(struct key_signer *s);
/* An age identity (auditors): dir/age.key, as age-keygen writes it. recipient gets the public text. */
bool keyfile_create_age(const char *dir, uint64_t now_s, char recipient[63], struct err *e);
#endif
