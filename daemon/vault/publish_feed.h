/* publish_feed - rows, files, state and beats of the feeds. Part of publish: nobody else includes this. */
#ifndef DAEMON_VAULT_PUBLISH_FEED_H
#define DAEMON_VAULT_PUBLISH_FEED_H
#include "daemon/vault/public.h"
#include "daemon/vault/vault.h"
#include "proto/feed.h"

/* What one envelope of a release says; the rest comes from dataset and period. */
struct feed_news {
	enum feed_action action;
	uint64_t revision, bytes, log_index;
	const uint8_t *object;
	struct bytes minisig, manifest, rows;
};
/* Adds the row of the next seq. Needs a transaction. */
bool feed_add(struct vault *v, const struct period *p, const struct feed_news *news, struct err *e);
/* Files of all envelopes and the newest state, ensured; paths into set (may be NULL). */
bool feed_files(struct vault *v, const struct dataset *d, struct public_set *set, struct err *e);
/* The last n envelopes to the gate. */
bool feed_send_last(struct vault *v, const struct dataset *d, unsigned n, struct err *e);
/* A fresh beat for each feed, to the gate; into its file if to_file. */
bool feed_beat(struct vault *v, bool to_file, struct err *e);
#endif
