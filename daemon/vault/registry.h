/* registry - who may do what: the registry of record. The calls for others are in vault.h.
 *
 * Asked for every message, whatever the gate said: a key that was disabled a moment ago is refused now. */
#ifndef DAEMON_VAULT_REGISTRY_H
#define DAEMON_VAULT_REGISTRY_H
#include "daemon/vault/vault.h"

/* Roles of a principal in force; 0 for one unknown, disabled, or left without an office and other roles. */
bool registry_roles(struct vault *v, const uint8_t key_id[8], unsigned *roles, struct err *e);

/* Is the office in force and one of the principal's? */
bool registry_binds(struct vault *v, const uint8_t key_id[8], const char *office, bool *binds, struct err *e);
bool registry_has_dataset(
    struct vault *v, const uint8_t key_id[8], const char *dataset, bool *has, struct err *e);

enum registry_key { REGISTRY_NO_KEY, REGISTRY_KEY, REGISTRY_KEY_REVOKED };
bool registry_office_key(struct vault *v, const char *office, const uint8_t key_id[8],
    enum registry_key *found, uint8_t public_key[32], struct err *e);

/* The snapshot for the gate. link_registry_free it, also after false. */
bool registry_snapshot(struct vault *v, struct link_registry *out, struct err *e);
#endif
