/* dataset - configurations and datasets in the store. The calls for others are in vault.h. */
#ifndef DAEMON_VAULT_DATASET_H
#define DAEMON_VAULT_DATASET_H
#include "daemon/vault/vault.h"

void dataset_forget_all(struct vault *v); /* frees the parsed configurations */

/* Digest of the newest configuration of the dataset that fits the period. ERR_NOT_FOUND. */
bool dataset_config_for(
    struct vault *v, const char *dataset, const char *period, uint8_t digest[32], struct err *e);

/* Whether figures of that period could be published under it, asked before any office sends some. */
bool dataset_fits(const struct config *config, const char *period, struct err *e);

/* Gives the vault a configuration that was not read from a file; takes it. For tests with figures of theirs.
 */
bool dataset_keep(struct vault *v, struct config *config, struct err *e);
#endif
