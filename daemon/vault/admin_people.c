/* admin_people - the operator's commands about offices, readers and their keys. */
#include "daemon/vault/admin_parts.h"
#include "daemon/vault/publish.h"
#include "proto/config.h"
#include "proto/keys.h"
#include "proto/message.h"
#include <stdio.h>
#include <string.h>

static unsigned role_of(enum identity_kind kind)
{
	switch (kind) {
	case IDENTITY_OFFICE:
		return ROLE_OFFICE;
	case IDENTITY_RESEARCHER:
		return ROLE_RESEARCHER;
	case IDENTITY_AUDITOR:
		break;
	}
	return ROLE_AUDITOR;
}

struct names {
	char name[LIMIT_DATASETS][LIMIT_NAME + 1];
	const char *at[LIMIT_DATASETS];
	size_t n;
};

static bool add_name(void *context, const struct dataset *dataset, struct err *e)
{
	struct names *names = context;

	if (names->n == LIMIT_DATASETS)
		return err_set(e, ERR_LIMIT, "too many datasets");
	memcpy(names->name[names->n], dataset->name, sizeof names->name[0]);
	names->at[names->n] = names->name[names->n];
	names->n++;
	return true;
}

/* The dataset that was named, or all there are. */
static bool wanted_datasets(struct command *c, struct names *out, struct err *e)
{
	struct dataset one;

	*out = (struct names){ 0 };
	if (c->q->dataset[0])
		return vault_dataset(c->v, c->q->dataset, &one, e) && add_name(out, &one, e);
	if (!vault_each_dataset(c->v, add_name, out, e))
		return false;
	return out->n > 0 || err_set(e, ERR_NOT_FOUND, "there is no dataset yet: add a configuration first");
}

static bool enrol(struct command *c, struct err *e)
{
	struct identity id;
	struct names datasets;

	if (!identity_parse(&id, c->q->line, e) || !wanted_datasets(c, &datasets, e))
		return false;
	const struct registry_change change = {
		.office = id.kind == IDENTITY_OFFICE ? id.name : NULL,
		.curve_key = id.curve,
		.sign_key = id.kind == IDENTITY_OFFICE ? id.sign : NULL,
		.roles = role_of(id.kind),
		.dataset = datasets.at,
		.n_datasets = datasets.n,
		.age = id.kind == IDENTITY_AUDITOR && id.age[0] ? id.age : NULL,
		.witness_name = id.kind == IDENTITY_AUDITOR && id.has_sign ? id.name : NULL,
		.witness_key = id.kind == IDENTITY_AUDITOR && id.has_sign ? id.sign : NULL,
	};
	return vault_enroll(c->v, &change, e);
}

static bool fill_join(struct command *c, const struct identity *id, struct join *j, struct err *e)
{
	const struct keyset *keys = publish_keys(c->v);
	const uint8_t *root = publish_root_key(c->v);
	struct names datasets;

	*j = (struct join){ .kind = id->kind };
	if (!keys || !root)
		return err_set(e, ERR_REFUSED, "there is no key set yet: see cellveilctl keyset install");
	const struct keyset_key *curve = keyset_active(keys, KEY_CURVE);
	const struct keyset_endpoint *submit = keyset_serves(keys, KEYSET_SERVE_SUBMIT),
				     *query = keyset_serves(keys, KEYSET_SERVE_QUERY),
				     *feed = keyset_serves(keys, KEYSET_SERVE_FEED);
	if (!curve || !submit || !query || !feed)
		return err_set(e, ERR_REFUSED, "the key set names no CURVE key or not all three endpoints");
	if (!wanted_datasets(c, &datasets, e))
		return false;
	snprintf(j->name, sizeof j->name, "%s", id->name);
	snprintf(j->origin, sizeof j->origin, "%s", c->v->conf->origin);
	memcpy(j->root, root, sizeof j->root);
	memcpy(j->curve, curve->key, sizeof j->curve);
	if (id->kind == IDENTITY_OFFICE)
		snprintf(j->submit, sizeof j->submit, "%s", submit->address);
	snprintf(j->query, sizeof j->query, "%s", query->address);
	snprintf(j->feed, sizeof j->feed, "%s", feed->address);
	j->n_datasets = datasets.n;
	memcpy(j->dataset, datasets.name, sizeof j->dataset);
	return true;
}

static void tell_fingerprints(struct command *c, const struct identity *id)
{
	uint8_t key_id[KEY_ID_BYTES];
	char text[KEY_FINGERPRINT];

	keys_id(key_id, KEY_TYPE_CURVE, id->curve);
	keys_fingerprint(text, key_id);
	admin_answer_fact(c->a, "curve key", "%s", text);
	if (id->has_sign) {
		keys_id(key_id, KEY_TYPE_ED25519, id->sign);
		keys_fingerprint(text, key_id);
		admin_answer_fact(c->a, "signing key", "%s", text);
	}
}

/* An office that no configuration lists may be enrolled, but its forms will be refused: say so now. */
static bool warn_unlisted(struct command *c, const char *office, struct err *e)
{
	struct names datasets;

	if (!wanted_datasets(c, &datasets, e))
		return false;
	for (size_t i = 0; i < datasets.n; i++) {
		struct dataset d;

		if (!vault_dataset(c->v, datasets.at[i], &d, e))
			return false;
		const struct config *config = vault_config(c->v, d.config, e);
		if (!config)
			return false;
		if (model_code(&config->list[config->office_list], office) != NO_PLACE)
			return true;
	}
	admin_answer_say(c->a, "No configuration lists this office: until one does, its forms are refused.");
	return true;
}

bool command_office_add(struct command *c, struct err *e)
{
	struct identity id;
	struct join join;
	struct buf line = { 0 };

	if (!identity_parse(&id, c->q->line, e) || !fill_join(c, &id, &join, e) ||
	    !command_change(c, enrol, e))
		return false;
	join_print(&line, &join);
	while (line.size > 0 && line.data[line.size - 1] == '\n')
		line.size--;
	buf_put_byte(&line, 0);
	admin_answer_fact(c->a, identity_kind_name(id.kind), "%s", id.name);
	tell_fingerprints(c, &id);
	command_tell_gate(c);
	admin_answer_fact(c->a, "join", "%s", line.failed ? "" : (const char *)line.data);
	admin_answer_say(c->a, "Compare the fingerprints over the telephone, then send the join line back.");
	buf_free(&line);
	return id.kind != IDENTITY_OFFICE || warn_unlisted(c, id.name, e);
}

static bool put_office(void *context, const struct office_row *office, struct err *e)
{
	struct admin_answer *a = context;
	char at[COMMAND_TIME_ROOM];

	(void)e;
	admin_answer_cell(a, "%s", office->name);
	admin_answer_cell(a, "%s", office->disabled_s ? "disabled" : "active");
	admin_answer_cell(
	    a, "%s", command_print_time(at, office->disabled_s ? office->disabled_s : office->added_s));
	admin_answer_cell(a, "%u", office->n_keys);
	admin_answer_cell(a, "%u", office->n_principals);
	return true;
}

bool command_office_list(struct command *c, struct err *e)
{
	static const char *const head[] = { "office", "state", "since", "signing keys", "machines" };

	admin_answer_columns(c->a, head, 5);
	return vault_each_office(c->v, put_office, c->a, e);
}

static bool disable_office(struct command *c, struct err *e)
{
	return vault_disable_office(c->v, c->q->office, e);
}

static bool disable_reader(struct command *c, struct err *e)
{
	return vault_disable_principal(c->v, c->q->key_id, e);
}

bool command_disable(struct command *c, struct err *e)
{
	if (!command_change(c, c->q->kind == ADMIN_OFFICE_DISABLE ? disable_office : disable_reader, e))
		return false;
	command_tell_gate(c);
	admin_answer_say(
	    c->a, "The vault refuses it from now on; the gate does as soon as it has this registry.");
	return true;
}

static bool put_key(void *context, const struct key_row *key, struct err *e)
{
	struct admin_answer *a = context;
	char at[32], print[KEY_FINGERPRINT];

	(void)e;
	keys_fingerprint(print, key->key_id);
	admin_answer_cell(a, "%s", key->office);
	admin_answer_cell(a, "%s", key->machine ? "curve key" : "signing key");
	admin_answer_cell(a, "%s", print);
	admin_answer_cell(a, "%s", key->revoked_s ? "revoked" : "active");
	admin_answer_cell(a, "%s", command_print_time(at, key->revoked_s ? key->revoked_s : key->added_s));
	return true;
}

bool command_key_list(struct command *c, struct err *e)
{
	static const char *const head[] = { "office", "use", "key", "state", "since" };

	admin_answer_columns(c->a, head, 5);
	return vault_each_key(c->v, c->q->office, put_key, c->a, e);
}

static bool revoke_key(struct command *c, struct err *e)
{
	return vault_revoke_key(c->v, c->q->office, c->q->key_id, e);
}

bool command_key_revoke(struct command *c, struct err *e)
{
	if (!command_change(c, revoke_key, e))
		return false;
	command_tell_gate(c);
	admin_answer_say(c->a, "This key is refused from now on; the office's other keys are not touched.");
	return true;
}
