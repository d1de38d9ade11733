#include "daemon/vault/dataset.h"

#include "policy/form_table.h"
#include "policy/params.h"
#include "proto/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct loaded_config {
	struct config *config;
	struct loaded_config *next;
};

void dataset_forget_all(struct vault *v)
{
	while (v->configs != NULL) {
		struct loaded_config *next = v->configs->next;
		config_free(v->configs->config);
		free(v->configs);
		v->configs = next;
	}
}

bool dataset_keep(struct vault *v, struct config *config, struct err *e)
{
	struct loaded_config *item = malloc(sizeof *item);
	if (item == NULL) {
		config_free(config);
		return err_set(e, ERR_MEMORY, "configuration: out of memory");
	}
	*item = (struct loaded_config){ .config = config, .next = v->configs };
	v->configs = item;
	return true;
}

static bool load(struct vault *v, const uint8_t digest[32], struct err *e)
{
	struct rows r;
	struct config *config = NULL;
	rows_open(&r, v->store, "SELECT bytes FROM config WHERE digest = ?", "b", bytes_of(digest, 32));
	bool found = rows_next(&r);
	if (found)
		config = config_parse(rows_bytes(&r, 0), e);
	if (!rows_close(&r, e)) {
		config_free(config);
		return false;
	}
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "no such configuration");
	return config != NULL && dataset_keep(v, config, e);
}

const struct config *vault_config(struct vault *v, const uint8_t digest[32], struct err *e)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		for (const struct loaded_config *c = v->configs; c != NULL; c = c->next)
			if (memcmp(c->config->digest, digest, 32) == 0)
				return c->config;
		if (attempt == 0 && !load(v, digest, e))
			return NULL;
	}
	err_set(e, ERR_INTERNAL, "a stored configuration has another digest than its row says");
	return NULL;
}

/* Origin, floors: what makes a well-formed configuration one of this vault. */
static bool check_config(struct vault *v, const struct config *config, struct err *e)
{
	struct policy_params params;
	if (strcmp(config->origin, v->conf->origin) != 0)
		return err_set(e, ERR_REFUSED, "configuration: origin is not this deployment's");
	return policy_params_from_settings(&params, config->policy, config->n_policy, e) ||
	       err_wrap(e, "configuration: policy");
}

static bool insert_config(struct vault *v, const struct config *config, struct bytes yaml, struct err *e)
{
	return store_run(v->store, e,
	    "INSERT INTO config(digest, dataset, bytes, added_s) VALUES(?, ?, ?, ?)", "btbi",
	    bytes_of(config->digest, 32), config->dataset, yaml, vault_now_s(v));
}

static bool count_datasets(struct vault *v, uint64_t *n, struct err *e)
{
	struct rows r;
	rows_open(&r, v->store, "SELECT count(*) FROM dataset", "");
	*n = rows_next(&r) ? rows_uint(&r, 0) : 0;
	return rows_close(&r, e);
}

/* The dataset's row: made with the first configuration, pointed at the newest ever after. */
static bool upsert_dataset(struct vault *v, const struct config *config, bool known, struct err *e)
{
	static const uint8_t no_link[32];
	uint8_t feed_id[16];
	uint64_t n;
	struct bytes digest = bytes_of(config->digest, 32);
	if (known)
		return store_run(v->store, e, "UPDATE dataset SET config = ? WHERE name = ?", "bt", digest,
		    config->dataset);
	if (!count_datasets(v, &n, e))
		return false;
	if (n >= LIMIT_DATASETS)
		return err_set(e, ERR_LIMIT, "too many datasets");
	os_random(v->os, feed_id, sizeof feed_id);
	return store_run(v->store, e,
	    "INSERT INTO dataset(name, config, feed_id, feed_link) VALUES(?, ?, ?, ?)", "tbbb",
	    config->dataset, digest, bytes_of(feed_id, sizeof feed_id), bytes_of(no_link, 32));
}

bool dataset_fits(const struct config *config, const char *period, struct err *e)
{
	struct policy_params params;
	struct table_input *table = NULL;
	struct err why = { 0 };
	bool ok = policy_params_from_settings(&params, config->policy, config->n_policy, &why) &&
		  table_from_forms(config, period, NULL, 0, &params, &table, &why);
	table_free(table);
	if (ok || why.code == ERR_INVALID) /* figures may be collected that no table counts */
		return true;
	return err_set(e, why.code, "configuration: nothing could be published: %s", why.text);
}

struct planned { /* periods that have not opened yet take the newest configuration that fits them */
	struct vault *v;
	const struct config *config;
};

static bool renew_planned(void *context, const struct period *p, struct err *e)
{
	const struct planned *planned = context;
	if (p->state != PERIOD_PLANNED || !config_period_in(planned->config, p->name))
		return true;
	return dataset_fits(planned->config, p->name, e) &&
	       store_run(planned->v->store, e, "UPDATE period SET config = ?, late = ? WHERE id = ?", "bii",
		   bytes_of(planned->config->digest, 32), (uint64_t)planned->config->late, p->id);
}

static bool add_leaf(struct vault *v, const struct config *config, const struct dataset *old, struct err *e)
{
	struct log_entry entry = { .kind = LOG_CONFIG, .has_old_config = old != NULL };
	snprintf(entry.dataset, sizeof entry.dataset, "%s", config->dataset);
	memcpy(entry.new_config, config->digest, 32);
	if (old != NULL)
		memcpy(entry.old_config, old->config, 32);
	return vault_add_leaf(v, &entry, e);
}

static bool add_config(struct vault *v, const struct config *config, struct bytes yaml, struct err *e)
{
	struct dataset old;
	struct planned planned = { v, config };
	struct err ignored;
	bool known = vault_dataset(v, config->dataset, &old, &ignored);
	v->registry_changed = true; /* REGISTRY carries the datasets' digests */
	return insert_config(v, config, yaml, e) && upsert_dataset(v, config, known, e) &&
	       add_leaf(v, config, known ? &old : NULL, e) &&
	       (!known || vault_each_period(v, config->dataset, renew_planned, &planned, e));
}

bool vault_add_config(struct vault *v, struct bytes yaml, uint8_t digest[32], struct err *e)
{
	struct err ignored;
	struct config *config = NULL;
	bool ok = false;
	if (yaml.len > LIMIT_CONFIG_FILE)
		return err_set(e, ERR_LIMIT, "configuration: the file is too large");
	config = config_parse(yaml, e);
	if (config == NULL)
		return err_wrap(e, "configuration");
	memcpy(digest, config->digest, 32);
	if (!check_config(v, config, e))
		goto done;
	if (vault_config(v, digest, &ignored) != NULL) {
		err_set(e, ERR_REFUSED, "configuration: known already");
		goto done;
	}
	ok = add_config(v, config, yaml, e);
done:
	config_free(config);
	return ok;
}

bool dataset_config_for(
    struct vault *v, const char *dataset, const char *period, uint8_t digest[32], struct err *e)
{
	struct rows r;
	bool found = false;
	bool ok = true;
	rows_open(&r, v->store, "SELECT digest FROM config WHERE dataset = ? ORDER BY n DESC", "t", dataset);
	while (ok && !found && rows_next(&r)) {
		if (!rows_copy(&r, 0, digest, 32))
			break;
		const struct config *config = vault_config(v, digest, e);
		ok = config != NULL;
		found = ok && config_period_in(config, period);
	}
	if (!rows_close(&r, e) || !ok)
		return false;
	return found || err_set(e, ERR_NOT_FOUND, "no configuration of this dataset fits the period");
}

static bool read_dataset(struct rows *r, struct dataset *out)
{
	out->feed_seq = rows_uint(r, 3);
	return rows_copy_text(r, 0, out->name, sizeof out->name) && rows_copy(r, 1, out->config, 32) &&
	       rows_copy(r, 2, out->feed_id, 16) && rows_copy(r, 4, out->feed_link, 32);
}

bool vault_dataset(struct vault *v, const char *name, struct dataset *out, struct err *e)
{
	struct rows r;
	rows_open(&r, v->store,
	    "SELECT name, config, feed_id, feed_seq, feed_link FROM dataset WHERE name = ?", "t", name);
	bool found = rows_next(&r) && read_dataset(&r, out);
	if (!rows_close(&r, e))
		return false;
	return found || err_set(e, ERR_NOT_FOUND, "no such dataset");
}

bool vault_each_dataset(struct vault *v, vault_dataset_fn *fn, void *context, struct err *e)
{
	struct rows r;
	bool ok = true;
	rows_open(
	    &r, v->store, "SELECT name, config, feed_id, feed_seq, feed_link FROM dataset ORDER BY name", "");
	while (ok && rows_next(&r)) {
		struct dataset dataset;
		ok = read_dataset(&r, &dataset) && fn(context, &dataset, e);
	}
	return rows_close(&r, e) && ok;
}
