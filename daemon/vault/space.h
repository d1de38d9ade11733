/* space - room on the vault's disk: two marks, and a ballast file to throw overboard.
 *
 * Below `space_low_mib` no submissions are taken (MODE_STORAGE_LOW); below `space_critical_mib` nothing is
 * sealed either, and the ballast goes, so that what is under way still fits. Reads go on throughout. v->no_room, set by
 * the loop while a file of the log or of a release finds no room, counts as both: the disk may be full faster than we
 * look, or public/ be on another. */
#ifndef DAEMON_VAULT_SPACE_H
#define DAEMON_VAULT_SPACE_H
#include "daemon/vault/vault.h"

/* Looks at the disk and sets mode, v->space_critical and ballast. About once a second. */
void space_check(struct vault *v);

/* At start, before the store is opened: on a disk below the critical mark the ballast goes first. */
void space_make_room(struct vault *v);
#endif
