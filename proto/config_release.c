/* The part `release:` of a configuration: when, and which tables and derived figures. */
#include "proto/configread.h"
#include "proto/name.h"

#include <string.h>

#define TABLES_MAX      256u
#define DERIVED_MAX     256u
#define WITNESSES_MAX   15u   /* CHECKPOINT_WITNESSES_MAX: what a note has room for */
#define OFFSET_DAYS_MAX 3660u /* ten years */

/* P14D, -P30D, P2W */
static bool read_offset(struct configread *r, const struct yamlnode *map, const char *key, struct offset *out)
{
	const struct yamlnode *node = yamlnode_get(map, key);
	if (node == NULL)
		return true;
	if (!yamlnode_want(node, YAML_TEXT, key, r->e))
		return false;
	const char *at = node->text;
	bool before = *at == '-';
	at += before;
	uint32_t n = 0;
	size_t digits = 0;
	bool ok = *at++ == 'P';
	for (; ok && *at >= '0' && *at <= '9' && digits < 5; at++, digits++)
		n = 10 * n + (uint32_t)(*at - '0');
	ok = ok && digits > 0 && (strcmp(at, "D") == 0 || strcmp(at, "W") == 0);
	if (ok && *at == 'W')
		n *= 7;
	if (!ok || n > OFFSET_DAYS_MAX)
		return yamlnode_error(node, r->e,
		    "%s: days or weeks after the period's end are expected (P14D, -P30D, P2W)", key);
	out->set = true;
	out->days = before ? -(int32_t)n : (int32_t)n;
	return true;
}

static bool read_late(struct configread *r, const struct yamlnode *node)
{
	r->config->late = LATE_HOLD;
	if (node == NULL || strcmp(node->text, "hold") == 0)
		return true;
	if (strcmp(node->text, "refuse") != 0)
		return yamlnode_error(node, r->e, "late: hold or refuse is expected");
	r->config->late = LATE_REFUSE;
	return true;
}

static bool measure_has(const struct measure *m, uint16_t list)
{
	for (uint16_t d = 0; d < m->n_dims; d++)
		if (m->dim[d] == list)
			return true;
	return false;
}

static bool read_table_dims(struct configread *r, const struct yamlnode *node, struct release_table *t)
{
	if (!yamlnode_want(node, YAML_LIST, "dims", r->e))
		return false;
	if (node->n > LIMIT_DIMS + 1)
		return yamlnode_error(node, r->e, "dims: more than %u", LIMIT_DIMS + 1);
	for (const struct yamlnode *d = node->first; d != NULL; d = d->next) {
		uint16_t list = model_list(r->config, d->text);
		if (list == NO_PLACE)
			return yamlnode_error(d, r->e, "dims: no list '%s' under codes", d->text);
		for (uint16_t i = 0; i < t->n_dims; i++)
			if (t->dim[i] == list)
				return yamlnode_error(d, r->e, "dims: '%s' stands twice", d->text);
		for (uint16_t i = 0; list != r->config->office_list && i < t->n_measures; i++)
			if (!measure_has(&r->config->measure[t->measure[i]], list))
				return yamlnode_error(d, r->e, "dims: measure '%s' has no '%s'",
				    r->config->measure[t->measure[i]].name, d->text);
		t->dim[t->n_dims++] = list;
	}
	return true;
}

static bool read_table_measures(struct configread *r, const struct yamlnode *node, struct release_table *t)
{
	if (!yamlnode_want(node, YAML_LIST, "measures", r->e))
		return false;
	if (node->n == 0 || node->n > LIMIT_MEASURES)
		return yamlnode_error(node, r->e, "measures: at least one is expected");
	uint16_t *place = configread_alloc(r, node->n, sizeof *place);
	if (place == NULL)
		return false;
	for (const struct yamlnode *m = node->first; m != NULL; m = m->next) {
		uint16_t measure = configread_measure(r, bytes_text(m->text));
		if (measure == NO_PLACE)
			return yamlnode_error(m, r->e, "measures: no measure '%s'", m->text);
		place[t->n_measures++] = measure;
	}
	t->measure = place;
	return true;
}

static bool read_table(struct configread *r, const struct yamlnode *node, struct release_table *t)
{
	static const char *const known[] = { "id", "measures", "dims", "sv", "en", NULL };
	if (!yamlnode_only(node, "tables", known, r->e))
		return false;
	const struct yamlnode *id = configread_need(r, node, "tables", "id");
	const struct yamlnode *measures = id == NULL ? NULL : configread_need(r, node, "tables", "measures");
	const struct yamlnode *dims = measures == NULL ? NULL : configread_need(r, node, "tables", "dims");
	if (dims != NULL && !name_is_name(bytes_text(id->text))) /* it becomes part of a file's name */
		return yamlnode_error(id, r->e, "tables: id: small letters, digits and hyphens are expected");
	if (dims == NULL || !configread_id(r, id, "id", &t->id))
		return false;
	return configread_label(r, node, t->id, &t->label) && read_table_measures(r, measures, t) &&
	       read_table_dims(r, dims, t);
}

static bool read_tables(struct configread *r, const struct yamlnode *list)
{
	if (list == NULL)
		return true;
	if (!yamlnode_want(list, YAML_LIST, "tables", r->e))
		return false;
	if (list->n > TABLES_MAX)
		return yamlnode_error(list, r->e, "tables: more than %u", TABLES_MAX);
	struct release_table *t = configread_alloc(r, list->n, sizeof *t);
	if (t == NULL)
		return false;
	r->config->table = t;
	for (const struct yamlnode *node = list->first; node != NULL; node = node->next) {
		struct release_table *next = &t[r->config->n_tables];
		if (!read_table(r, node, next))
			return false;
		for (uint16_t i = 0; i < r->config->n_tables; i++)
			if (strcmp(t[i].id, next->id) == 0)
				return yamlnode_error(node, r->e, "tables: '%s' stands twice", next->id);
		r->config->n_tables++;
	}
	return true;
}

/* "clients|_T|F" with one code for each dimension of the table. */
static bool resolve_cell(
    const struct configread *r, const struct release_table *t, const char *text, struct derived_cell *out)
{
	struct bytes part[LIMIT_DIMS + 2];
	unsigned n = configread_split(text, part, LIMIT_DIMS + 2);
	if (n != t->n_dims + 1u)
		return false;
	out->measure = configread_measure(r, part[0]);
	uint16_t i = 0;
	while (i < t->n_measures && t->measure[i] != out->measure)
		i++;
	if (out->measure == NO_PLACE || i == t->n_measures)
		return false;
	for (i = 0; i < t->n_dims; i++) {
		out->code[i] = configread_code(r, t->dim[i], (const char *)part[i + 1].at, part[i + 1].len);
		if (out->code[i] == NO_PLACE)
			return false;
	}
	return true;
}

static bool is_number(const char *text)
{
	return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* Both cells in one table: the named one, or the first in which they fit. */
static bool resolve_derived(struct configread *r, const struct yamlnode *node, struct derived *d)
{
	const struct yamlnode *numerator = yamlnode_get(node, "numerator");
	const struct yamlnode *denominator = yamlnode_get(node, "denominator");
	const struct yamlnode *table = yamlnode_get(node, "table");
	bool number = is_number(denominator->text);
	if (number && !yamlnode_uint(denominator, "denominator", 1, LIMIT_VALUE, &d->constant, r->e))
		return false;
	for (uint16_t i = 0; i < r->config->n_tables; i++) {
		const struct release_table *t = &r->config->table[i];
		if (table != NULL && strcmp(table->text, t->id) != 0)
			continue;
		if (!resolve_cell(r, t, numerator->text, &d->numerator))
			continue;
		if (!number && !resolve_cell(r, t, denominator->text, &d->denominator))
			continue;
		d->table = i;
		return true;
	}
	return yamlnode_error(numerator, r->e,
	    "derived: no table has these cells (measure, then one code for each of the table's dims)");
}

static bool read_derived_one(struct configread *r, const struct yamlnode *node, struct derived *d)
{
	static const char *const known[] = { "id", "table", "numerator", "denominator", "factor", "digits",
		"sv", "en", NULL };
	uint64_t factor = 1;
	uint64_t digits = 0;
	if (!yamlnode_only(node, "derived", known, r->e))
		return false;
	const struct yamlnode *id = configread_need(r, node, "derived", "id");
	if (id == NULL || configread_need(r, node, "derived", "numerator") == NULL ||
	    configread_need(r, node, "derived", "denominator") == NULL)
		return false;
	const struct yamlnode *f = yamlnode_get(node, "factor");
	const struct yamlnode *g = yamlnode_get(node, "digits");
	if (!configread_id(r, id, "id", &d->id) || !configread_label(r, node, d->id, &d->label) ||
	    (f != NULL && !yamlnode_uint(f, "factor", 1, 1000000, &factor, r->e)) ||
	    (g != NULL && !yamlnode_uint(g, "digits", 0, 6, &digits, r->e)))
		return false;
	d->factor = (uint32_t)factor;
	d->digits = (uint16_t)digits;
	return resolve_derived(r, node, d);
}

static bool read_derived(struct configread *r, const struct yamlnode *list)
{
	if (list == NULL)
		return true;
	if (!yamlnode_want(list, YAML_LIST, "derived", r->e))
		return false;
	if (list->n > DERIVED_MAX)
		return yamlnode_error(list, r->e, "derived: more than %u", DERIVED_MAX);
	struct derived *d = configread_alloc(r, list->n, sizeof *d);
	if (d == NULL)
		return false;
	r->config->derived = d;
	for (const struct yamlnode *node = list->first; node != NULL; node = node->next) {
		struct derived *next = &d[r->config->n_derived];
		if (!read_derived_one(r, node, next))
			return false;
		for (uint16_t i = 0; i < r->config->n_derived; i++)
			if (strcmp(d[i].id, next->id) == 0)
				return yamlnode_error(node, r->e, "derived: '%s' stands twice", next->id);
		r->config->n_derived++;
	}
	return true;
}

/* How many witnesses must have signed the log with the release's leaf before anybody gets its files. */
static bool read_witnesses(struct configread *r, const struct yamlnode *node)
{
	uint64_t n = 0;
	if (node != NULL && !yamlnode_uint(node, "witnesses", 0, WITNESSES_MAX, &n, r->e))
		return false;
	r->config->witnesses = (uint16_t)n;
	return true;
}

bool configread_release(struct configread *r, const struct yamlnode *map)
{
	static const char *const known[] = { "opens", "closes", "grace", "publish", "late", "office_dim",
		"tables", "derived", "witnesses", NULL };
	if (!yamlnode_only(map, "release", known, r->e))
		return false;
	struct config *c = r->config;
	return read_offset(r, map, "opens", &c->opens) && read_offset(r, map, "closes", &c->closes) &&
	       read_offset(r, map, "grace", &c->grace) && read_offset(r, map, "publish", &c->publish) &&
	       read_late(r, yamlnode_get(map, "late")) && read_witnesses(r, yamlnode_get(map, "witnesses")) &&
	       read_tables(r, yamlnode_get(map, "tables")) && read_derived(r, yamlnode_get(map, "derived"));
}
