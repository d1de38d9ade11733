/* settings - who we are and which deployment we belong to: cellveil.ini in the client's folder.
 *
 * The folder is --dir, else $XDG_CONFIG_HOME/cellveil, else ~/.config/cellveil; mode 0700. It holds
 *   cellveil.ini            identity and deployment, no secret
 *   sign.key curve.key      secrets, mode 0600 (client/keyfile.h)
 *   keyset, keysets/        the newest key set and every one seen (old receipts name old keys)
 *   config/<hex>            configurations, by digest
 *   periods-<dataset>       the last answer about periods
 *   outbox/                 forms on their way and their receipts (client/outbox.h)
 *   feed-<dataset>          a reader's position */
#ifndef CLIENT_SETTINGS_H
#define CLIENT_SETTINGS_H
#include "client/file.h"
#include "proto/identity.h"
#include "proto/note.h"

struct settings {
	char dir[FILE_PATH];
	enum identity_kind kind;
	char name[LIMIT_NAME + 1];
	char gate[LIMIT_ENDPOINT + 1]; /* the gate's host, as init was told; "" if it was not */
	bool joined;                   /* the operator's answer is in */
	struct join join;              /* if joined */
};

/* Finds the folder; dir may be NULL. */
bool settings_dir(char out[FILE_PATH], const char *dir, struct err *e);
/* ERR_NOT_FOUND if there is no cellveil.ini; ERR_INVALID with its line. s->dir is filled in any case. */
bool settings_load(struct settings *s, const char *dir, struct err *e);
/* Takes the gate's host, a name or an address without port. */
bool settings_gate(struct settings *s, const char *host, struct err *e);
/* Parses the text of a cellveil.ini. */
bool settings_parse(struct settings *s, const char *text, struct err *e);
void settings_print(struct buf *out, const struct settings *s);
bool settings_save(const struct settings *s, struct err *e); /* s->dir must exist */
/* Takes the operator's line: it must name us. ERR_REFUSED otherwise, or if it contradicts the gate, origin
 * or root key we hold already. */
bool settings_join(struct settings *s, const struct join *join, struct err *e);
/* <authority>/root, the name under which the root key signs key sets: the origin up to its first '/'. */
bool settings_root(const struct settings *s, struct vkey *root, struct err *e);
/* The dataset asked for, or the only one. NULL with e if there are several or it is not ours. */
const char *settings_dataset(const struct settings *s, const char *wanted, struct err *e);
#endif
