/* vaultkeys - the vault's secret keys: read at start, kept in guarded memory, each with its one use.
 *
 * Files in $CREDENTIALS_DIRECTORY or [paths] keys, one key each: receipt feed log release master, and choice
 * if the operator keeps one (else it is a subkey of master). Intake keys and period data keys are in the
 * store, wrapped by subkeys of master. Text form and uses: docs/protocol.md "Keys". */
#ifndef DAEMON_VAULT_VAULTKEYS_H
#define DAEMON_VAULT_VAULTKEYS_H
#include "daemon/conf.h"
#include "daemon/vault/store.h"
#include "proto/keys.h"

enum intake_state { INTAKE_PENDING = 1, INTAKE_ACTIVE = 2, INTAKE_ACCEPT_ONLY = 3, INTAKE_DESTROYED = 4 };

struct intake_key {
	uint8_t key_id[8];
	uint8_t public_key[32];
	uint8_t *secret; /* 32 bytes of guarded memory */
	enum intake_state state;
	uint64_t not_before_s, not_after_s;
};

#define VAULT_INTAKE_KEYS 16

struct vaultkeys {
	struct key_signer *receipt, *feed, *log, *release; /* guarded memory */
	uint8_t *choice;                                   /* 32 bytes */
	uint8_t *master;                                   /* 32 bytes */
	uint32_t epoch;                                    /* number of the subkeys that wrap what is new */
	struct intake_key intake[VAULT_INTAKE_KEYS];
	unsigned n_intake;
};

/* Reads the files. ERR_REFUSED or ERR_MALFORMED names file and rule (exit 78). */
bool vaultkeys_read(struct vaultkeys *k, const struct conf *conf, struct err *e);
void vaultkeys_wipe(struct vaultkeys *k);

/* Intake keys live in the store, wrapped. load replaces what k holds. new makes a pair in state, inside the
 * caller's transaction, and adds it to k. It writes no `key` leaf: see vault_new_intake_key in vault.h. */
bool vaultkeys_load_intake(struct vaultkeys *k, struct store *s, struct err *e);
bool vaultkeys_new_intake(struct vaultkeys *k, struct store *s, const struct os *os, enum intake_state state,
    uint64_t not_before_s, uint64_t not_after_s, uint8_t key_id[8], struct err *e);
/* A pair made elsewhere (cellveilctl init): secret, public_key, state and times of from; keeps a copy. added
 * false: the store has or had that key already. */
bool vaultkeys_import_intake(struct vaultkeys *k, struct store *s, const struct os *os,
    const struct intake_key *from, bool *added, struct err *e);
const struct intake_key *vaultkeys_find_intake(const struct vaultkeys *k, const uint8_t key_id[8]);

/* Guarded memory that is locked and left out of core dumps. NULL if there is none. sodium_free it. */
void *vaultkeys_alloc(size_t len);

/* Subkeys of master (crypto_kdf, context of 8 bytes as in docs/protocol.md). out: 32 bytes. */
void vaultkeys_derive(const struct vaultkeys *k, const char *context, uint64_t number, uint8_t *out);

#endif
