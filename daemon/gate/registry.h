/* registry - who may talk to us: snapshots that the vault pushes, swapped whole.
 *
 * The loop offers and drops snapshots; the ZAP thread and the loop read them. A reader holds a snapshot from
 * registry_acquire to registry_release and sees one registry, never half of two. Without a snapshot nobody is
 * known: handshakes are answered "later" (rule Z6). Source: docs/protocol.md, rules Z9, G1, G5, G10. */
#ifndef DAEMON_GATE_REGISTRY_H
#define DAEMON_GATE_REGISTRY_H
#include "proto/link.h"

struct registry;
struct snapshot;

struct registry *registry_new(void); /* NULL: out of memory */
void registry_free(struct registry *r);

/* Checks a REGISTRY and makes it the one in force, taking its memory (*from is emptied) in any case. Refused
 * with ERR_INVALID, the former one staying in force: a key or key id twice, a key id that is not its key's,
 * an unknown role bit or none, a small-order key, more than LIMIT_PRINCIPALS. */
bool registry_offer(struct registry *r, struct link_registry *from, struct err *e);
void registry_drop(struct registry *r);

/* Keeps a principal off the feed until until_ms (CLOCK_BOOTTIME). Any thread. The last 64 are remembered. */
void registry_bar(struct registry *r, const uint8_t key_id[KEY_ID_BYTES], uint64_t until_ms);
bool registry_barred(struct registry *r, const uint8_t key_id[KEY_ID_BYTES], uint64_t now_ms);

/* The snapshot in force, or NULL. Any thread. Each acquired one is released once; NULL may be released. */
const struct snapshot *registry_acquire(struct registry *r);
void registry_release(const struct snapshot *s);

uint64_t snapshot_serial(const struct snapshot *s);
const struct link_registry *snapshot_content(const struct snapshot *s);
/* NULL if unknown. Valid while the snapshot is held. */
const struct link_principal *snapshot_by_id(const struct snapshot *s, const uint8_t key_id[KEY_ID_BYTES]);
const struct link_principal *snapshot_by_curve(const struct snapshot *s, const uint8_t curve[KEY_BYTES]);
#endif
