/* What journal.c and restore.c share: where the log's files are and what was promised before. */
#ifndef DAEMON_VAULT_JOURNAL_PARTS_H
#define DAEMON_VAULT_JOURNAL_PARTS_H
#include "daemon/vault/public.h"
#include "daemon/vault/vault.h"
#include "proto/checkpoint.h"

/* 256 entries of two bytes of length each */
#define JOURNAL_BUNDLE_MAX ((LIMIT_LOG_ENTRY + 2u) * TLOG_TILE_WIDTH)

/* public/, made if absent. public_close it. */
bool journal_open_files(struct vault *v, struct public_dir *files, struct err *e);
bool journal_tile_path(char path[PUBLIC_PATH_ROOM], const struct tlog_tile *tile, struct err *e);
/* Size 0: there is none. */
bool journal_read_guard(struct vault *v, struct checkpoint *out, struct err *e);
/* Size 0 also for one that does not open: somebody changed it, it binds us to nothing and is written again. */
void journal_read_checkpoint(const struct public_dir *files, const struct vkey *key, struct checkpoint *out);
#endif
