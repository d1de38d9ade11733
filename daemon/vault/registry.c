#include "daemon/vault/registry.h"

#include "proto/identity.h"
#include "proto/keys.h"
#include "proto/name.h"

#include <stdlib.h>
#include <string.h>

#define ROLES_ALL (ROLE_OFFICE | ROLE_RESEARCHER | ROLE_AUDITOR)

/* Role bits in force: an office's bit goes with the last of its offices. */
#define EFFECTIVE_ROLES                                                                                      \
	"CASE WHEN EXISTS(SELECT 1 FROM principal_office b JOIN office o ON o.name = b.office"               \
	" WHERE b.key_id = p.key_id AND o.disabled_s = 0) THEN p.roles ELSE p.roles & ~1 END"

/* First column of the first row, 0 if there is none. */
static bool ask_uint(struct rows *r, uint64_t *out, bool *found, struct err *e)
{
	*found = rows_next(r);
	*out = *found ? rows_uint(r, 0) : 0;
	return rows_close(r, e);
}

bool registry_roles(struct vault *v, const uint8_t key_id[8], unsigned *roles, struct err *e)
{
	struct rows r;
	uint64_t bits;
	bool found;
	rows_open(&r, v->store,
	    "SELECT " EFFECTIVE_ROLES " FROM principal p WHERE key_id = ? AND disabled_s = 0", "b",
	    bytes_of(key_id, 8));
	bool ok = ask_uint(&r, &bits, &found, e);
	*roles = (unsigned)bits;
	return ok;
}

bool registry_binds(struct vault *v, const uint8_t key_id[8], const char *office, bool *binds, struct err *e)
{
	struct rows r;
	uint64_t one;
	rows_open(&r, v->store,
	    "SELECT 1 FROM principal_office b JOIN office o ON o.name = b.office"
	    " WHERE b.key_id = ? AND b.office = ? AND o.disabled_s = 0",
	    "bt", bytes_of(key_id, 8), office);
	return ask_uint(&r, &one, binds, e);
}

bool registry_has_dataset(
    struct vault *v, const uint8_t key_id[8], const char *dataset, bool *has, struct err *e)
{
	struct rows r;
	uint64_t one;
	rows_open(&r, v->store, "SELECT 1 FROM principal_dataset WHERE key_id = ? AND dataset = ?", "bt",
	    bytes_of(key_id, 8), dataset);
	return ask_uint(&r, &one, has, e);
}

bool registry_office_key(struct vault *v, const char *office, const uint8_t key_id[8],
    enum registry_key *found, uint8_t public_key[32], struct err *e)
{
	struct rows r;
	*found = REGISTRY_NO_KEY;
	rows_open(&r, v->store,
	    "SELECT public_key, revoked_s FROM office_key WHERE key_id = ? AND office = ?", "bt",
	    bytes_of(key_id, 8), office);
	if (rows_next(&r) && rows_copy(&r, 0, public_key, 32))
		*found = rows_uint(&r, 1) == 0 ? REGISTRY_KEY : REGISTRY_KEY_REVOKED;
	return rows_close(&r, e);
}

/* --- enrolment --- */

static bool check_change(struct vault *v, const struct registry_change *c, struct err *e)
{
	struct dataset dataset;
	bool office = (c->roles & ROLE_OFFICE) != 0;
	if (c->roles == 0 || (c->roles & ~(unsigned)ROLES_ALL) != 0)
		return err_set(e, ERR_INVALID, "registry: unknown role");
	if (office != (c->office != NULL) || office != (c->sign_key != NULL))
		return err_set(
		    e, ERR_INVALID, "registry: an office has a name and a signing key, others have none");
	if (office && !name_is_name(bytes_text(c->office)))
		return err_set(e, ERR_INVALID, "registry: an office's name is a-z 0-9 -");
	if (c->age != NULL && strlen(c->age) >= IDENTITY_AGE_BYTES)
		return err_set(e, ERR_INVALID, "registry: not an age recipient");
	if (c->n_datasets > LIMIT_PRINCIPAL_DATASETS)
		return err_set(e, ERR_LIMIT, "registry: too many datasets");
	for (size_t i = 0; i < c->n_datasets; i++)
		if (!vault_dataset(v, c->dataset[i], &dataset, e))
			return err_wrap(e, "registry");
	if ((c->witness_key != NULL) != (c->witness_name != NULL) ||
	    (c->witness_name != NULL &&
		((c->roles & ROLE_AUDITOR) == 0 || !name_is_name(bytes_text(c->witness_name)))))
		return err_set(e, ERR_INVALID, "registry: a witness is an auditor with a name and a key");
	return keys_check(KEY_TYPE_CURVE, c->curve_key, e) &&
	       (c->witness_key == NULL || keys_check(KEY_TYPE_ED25519, c->witness_key, e)) &&
	       (!office || keys_check(KEY_TYPE_ED25519, c->sign_key, e));
}

static bool check_room(struct vault *v, struct err *e)
{
	struct rows r;
	uint64_t n;
	bool found;
	rows_open(&r, v->store, "SELECT count(*) FROM principal WHERE disabled_s = 0", "");
	if (!ask_uint(&r, &n, &found, e))
		return false;
	return n < LIMIT_PRINCIPALS || err_set(e, ERR_LIMIT, "registry: too many principals");
}

static bool enroll_principal(
    struct vault *v, const struct registry_change *c, const uint8_t key_id[8], struct err *e)
{
	struct rows r;
	uint64_t disabled_s;
	bool known;
	struct bytes id = bytes_of(key_id, 8);
	rows_open(&r, v->store, "SELECT disabled_s FROM principal WHERE key_id = ?", "b", id);
	if (!ask_uint(&r, &disabled_s, &known, e))
		return false;
	if (disabled_s != 0)
		return err_set(e, ERR_REFUSED, "registry: this CURVE key was disabled; it needs a new one");
	if (known)
		return store_run(v->store, e,
		    "UPDATE principal SET roles = roles | ?, age = coalesce(?, age) WHERE key_id = ?", "itb",
		    (uint64_t)c->roles, c->age, id);
	return check_room(v, e) &&
	       store_run(v->store, e, "INSERT INTO principal VALUES(?, ?, ?, ?, ?, 0)", "bbiti", id,
		   bytes_of(c->curve_key, 32), (uint64_t)c->roles, c->age, vault_now_s(v));
}

static bool enroll_sign_key(struct vault *v, const struct registry_change *c, struct err *e)
{
	struct rows r;
	uint8_t key_id[8];
	keys_id(key_id, KEY_TYPE_ED25519, c->sign_key);
	rows_open(&r, v->store, "SELECT office, revoked_s FROM office_key WHERE key_id = ?", "b",
	    bytes_of(key_id, 8));
	bool known = rows_next(&r);
	bool ours = known && strcmp(rows_text(&r, 0), c->office) == 0 && rows_uint(&r, 1) == 0;
	if (!rows_close(&r, e))
		return false;
	if (known)
		return ours || err_set(e, ERR_REFUSED,
				   "registry: this signing key is revoked or belongs to somebody else");
	return store_run(v->store, e, "INSERT INTO office_key VALUES(?, ?, ?, ?, 0)", "btbi",
	    bytes_of(key_id, 8), c->office, bytes_of(c->sign_key, 32), vault_now_s(v));
}

static bool enroll_office(
    struct vault *v, const struct registry_change *c, const uint8_t key_id[8], struct err *e)
{
	return store_run(v->store, e,
		   "INSERT INTO office VALUES(?, ?, 0) ON CONFLICT DO UPDATE SET disabled_s = 0", "ti",
		   c->office, vault_now_s(v)) &&
	       enroll_sign_key(v, c, e) &&
	       store_run(v->store, e, "INSERT INTO principal_office VALUES(?, ?) ON CONFLICT DO NOTHING",
		   "bt", bytes_of(key_id, 8), c->office);
}

static bool enroll_witness(
    struct vault *v, const struct registry_change *c, const uint8_t key_id[8], struct err *e)
{
	return store_run(v->store, e,
	    "INSERT INTO witness VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name,"
	    " public_key = excluded.public_key",
	    "btbi", bytes_of(key_id, 8), c->witness_name, bytes_of(c->witness_key, 32), vault_now_s(v));
}

bool vault_enroll(struct vault *v, const struct registry_change *c, struct err *e)
{
	uint8_t key_id[8];
	if (!check_change(v, c, e))
		return false;
	keys_id(key_id, KEY_TYPE_CURVE, c->curve_key);
	v->registry_changed = true;
	if (!enroll_principal(v, c, key_id, e) || (c->office != NULL && !enroll_office(v, c, key_id, e)) ||
	    (c->witness_key != NULL && !enroll_witness(v, c, key_id, e)))
		return false;
	for (size_t i = 0; i < c->n_datasets; i++)
		if (!store_run(v->store, e,
			"INSERT INTO principal_dataset VALUES(?, ?) ON CONFLICT DO NOTHING", "bt",
			bytes_of(key_id, 8), c->dataset[i]))
			return false;
	return true;
}

/* The statement just run must have met a row. */
static bool changed(struct vault *v, const char *what, struct err *e)
{
	if (store_changes(v->store) == 0)
		return err_set(e, ERR_NOT_FOUND, "registry: no such %s in force", what);
	v->registry_changed = true;
	return true;
}

bool vault_disable_office(struct vault *v, const char *office, struct err *e)
{
	uint64_t now_s = vault_now_s(v);
	return store_run(v->store, e, "UPDATE office SET disabled_s = ? WHERE name = ? AND disabled_s = 0",
		   "it", now_s, office) &&
	       changed(v, "office", e) &&
	       store_run(v->store, e,
		   "UPDATE office_key SET revoked_s = ? WHERE office = ? AND revoked_s = 0", "it", now_s,
		   office);
}

bool vault_disable_principal(struct vault *v, const uint8_t key_id[8], struct err *e)
{
	return store_run(v->store, e,
		   "UPDATE principal SET disabled_s = ? WHERE key_id = ? AND disabled_s = 0", "ib",
		   vault_now_s(v), bytes_of(key_id, 8)) &&
	       changed(v, "principal", e);
}

static bool revoke_machine(struct vault *v, const char *office, const uint8_t key_id[8], struct err *e)
{
	return store_run(v->store, e,
	    "UPDATE principal SET disabled_s = ? WHERE key_id = ? AND disabled_s = 0 AND EXISTS"
	    " (SELECT 1 FROM principal_office b WHERE b.key_id = principal.key_id AND b.office = ?)",
	    "ibt", vault_now_s(v), bytes_of(key_id, 8), office);
}

bool vault_revoke_key(struct vault *v, const char *office, const uint8_t key_id[8], struct err *e)
{
	if (!store_run(v->store, e,
		"UPDATE office_key SET revoked_s = ? WHERE office = ? AND key_id = ? AND revoked_s = 0",
		"itb", vault_now_s(v), office, bytes_of(key_id, 8)))
		return false;
	if (store_changes(v->store) == 0 && !revoke_machine(v, office, key_id, e))
		return false;
	return changed(v, "key of this office", e);
}

bool vault_each_key(struct vault *v, const char *office, vault_key_fn *fn, void *context, struct err *e)
{
	struct rows r;
	bool ok = true;
	rows_open(&r, v->store,
	    "SELECT * FROM (SELECT office, 0 AS machine, key_id, added_s, revoked_s FROM office_key"
	    " UNION ALL SELECT b.office, 1, key_id, p.added_s, p.disabled_s FROM principal_office b"
	    " JOIN principal p USING(key_id)) WHERE ?1 = '' OR office = ?1 ORDER BY office, machine, added_s,"
	    " key_id",
	    "t", office != NULL ? office : "");
	while (ok && rows_next(&r)) {
		struct key_row key = {
			.machine = rows_uint(&r, 1) != 0,
			.added_s = rows_uint(&r, 3),
			.revoked_s = rows_uint(&r, 4),
		};
		ok = rows_copy_text(&r, 0, key.office, sizeof key.office) &&
		     rows_copy(&r, 2, key.key_id, sizeof key.key_id) && fn(context, &key, e);
	}
	return rows_close(&r, e) && ok;
}

bool vault_each_office(struct vault *v, vault_office_fn *fn, void *context, struct err *e)
{
	struct rows r;
	bool ok = true;
	rows_open(&r, v->store,
	    "SELECT name, added_s, disabled_s,"
	    " (SELECT count(*) FROM office_key k WHERE k.office = name AND k.revoked_s = 0),"
	    " (SELECT count(*) FROM principal_office b JOIN principal p USING(key_id)"
	    "  WHERE b.office = name AND p.disabled_s = 0) FROM office ORDER BY name",
	    "");
	while (ok && rows_next(&r)) {
		struct office_row office = { .added_s = rows_uint(&r, 1),
			.disabled_s = rows_uint(&r, 2),
			.n_keys = (unsigned)rows_uint(&r, 3),
			.n_principals = (unsigned)rows_uint(&r, 4) };
		ok = rows_copy_text(&r, 0, office.name, sizeof office.name) && fn(context, &office, e);
	}
	return rows_close(&r, e) && ok;
}

bool vault_each_witness(struct vault *v, vault_witness_fn *fn, void *context, struct err *e)
{
	struct rows r;
	bool ok = true;
	uint8_t key[32];
	rows_open(&r, v->store,
	    "SELECT w.name, w.public_key FROM witness w JOIN principal p USING(key_id)"
	    " WHERE p.disabled_s = 0 AND p.roles & 4 ORDER BY w.name",
	    "");
	while (ok && rows_next(&r))
		ok = rows_copy(&r, 1, key, sizeof key) && fn(context, rows_text(&r, 0), key, e);
	return rows_close(&r, e) && ok;
}

bool vault_each_auditor(struct vault *v, vault_text_fn *fn, void *context, struct err *e)
{
	struct rows r;
	bool ok = true;
	rows_open(&r, v->store,
	    "SELECT DISTINCT age FROM principal WHERE disabled_s = 0 AND roles & 4 AND age IS NOT NULL ORDER "
	    "BY age",
	    "");
	while (ok && rows_next(&r))
		ok = fn(context, rows_text(&r, 0), e);
	return rows_close(&r, e) && ok;
}

/* --- the gate's snapshot --- */

static bool count_principals(struct vault *v, size_t *n, struct err *e)
{
	struct rows r;
	uint64_t count;
	bool found;
	rows_open(&r, v->store, "SELECT count(*) FROM principal WHERE disabled_s = 0", "");
	bool ok = ask_uint(&r, &count, &found, e);
	*n = (size_t)count;
	return ok;
}

static bool add_datasets_of(
    struct vault *v, struct link_registry *out, struct link_principal *principal, struct err *e)
{
	struct rows r;
	rows_open(&r, v->store, "SELECT dataset FROM principal_dataset WHERE key_id = ? ORDER BY dataset",
	    "b", bytes_of(principal->key_id, 8));
	while (principal->n_datasets < LIMIT_PRINCIPAL_DATASETS && rows_next(&r)) {
		uint8_t place = link_registry_dataset(out, rows_text(&r, 0));
		if (place != UINT8_MAX)
			principal->dataset[principal->n_datasets++] = place;
	}
	return rows_close(&r, e);
}

static bool add_principals(struct vault *v, struct link_registry *out, size_t room, struct err *e)
{
	struct rows r;
	bool ok = true;
	rows_open(&r, v->store,
	    "SELECT key_id, curve_key, " EFFECTIVE_ROLES
	    " FROM principal p WHERE disabled_s = 0 ORDER BY key_id",
	    "");
	while (ok && out->n_principals < room && rows_next(&r)) {
		struct link_principal *principal = &out->principal[out->n_principals];
		*principal = (struct link_principal){ .roles = (uint8_t)rows_uint(&r, 2) };
		if (principal->roles == 0)
			continue;
		ok = rows_copy(&r, 0, principal->key_id, 8) && rows_copy(&r, 1, principal->curve, 32) &&
		     add_datasets_of(v, out, principal, e);
		out->n_principals++;
	}
	return rows_close(&r, e) && ok;
}

static bool add_config(void *context, const struct dataset *dataset, struct err *e)
{
	struct link_registry *out = context;
	uint8_t place = link_registry_dataset(out, dataset->name);
	if (place == UINT8_MAX || out->n_configs == LIMIT_DATASETS)
		return err_set(e, ERR_LIMIT, "registry: too many datasets");
	out->config[out->n_configs].dataset = place;
	memcpy(out->config[out->n_configs++].digest, dataset->config, 32);
	return true;
}

bool registry_snapshot(struct vault *v, struct link_registry *out, struct err *e)
{
	size_t n;
	*out = (struct link_registry){ .serial = v->registry_serial };
	if (!count_principals(v, &n, e))
		return false;
	out->principal = calloc(n + 1, sizeof *out->principal);
	if (out->principal == NULL)
		return err_set(e, ERR_MEMORY, "registry: out of memory");
	return add_principals(v, out, n, e) && vault_each_dataset(v, add_config, out, e);
}
