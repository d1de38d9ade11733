/* The parts `measures:`, `asked:` and `checks:` of a configuration. */
#include "proto/configread.h"

#include <stdlib.h>
#include <string.h>

#define DECIMALS_MAX 6u
#define PATTERNS_MAX 10000u
#define CHECKS_MAX   1000u
#define CHECK_ID_MAX 60000u

uint16_t configread_measure(const struct configread *r, struct bytes name)
{
	for (uint16_t i = 0; i < r->config->n_measures; i++)
		if (bytes_equal(bytes_text(r->config->measure[i].name), name))
			return i;
	return NO_PLACE;
}

/* Place of text in a NULL-terminated list of words; the list's length if it is not there. */
static unsigned word_place(const char *const *words, const char *text)
{
	unsigned i = 0;
	while (words[i] != NULL && strcmp(words[i], text) != 0)
		i++;
	return i;
}

static bool read_word(struct configread *r, const struct yamlnode *node, const char *name,
    const char *const *words, unsigned missing, unsigned *out)
{
	*out = missing;
	if (node == NULL)
		return true;
	if (!yamlnode_want(node, YAML_TEXT, name, r->e))
		return false;
	*out = word_place(words, node->text);
	if (words[*out] == NULL)
		return yamlnode_error(node, r->e, "%s: not one of the words known here", name);
	return true;
}

/* "1000" or "1000.00" with at most `decimals` decimals, scaled by 10^decimals. */
static bool read_max(struct configread *r, const struct yamlnode *node, unsigned decimals, uint64_t *out)
{
	if (!yamlnode_want(node, YAML_TEXT, "max", r->e))
		return false;
	const char *at = node->text;
	uint64_t value = 0;
	unsigned n = 0;
	bool point = false;
	bool ok = *at >= '0' && *at <= '9';
	for (; ok && *at != '\0'; at++) {
		if (*at == '.' && !point && decimals > 0) {
			point = true;
			continue;
		}
		n += point;
		ok = *at >= '0' && *at <= '9' && n <= decimals && value <= LIMIT_VALUE;
		value = ok ? 10 * value + (uint64_t)(*at - '0') : value;
	}
	for (; ok && n < decimals; n++) {
		ok = value <= LIMIT_VALUE;
		value *= 10;
	}
	if (!ok || value == 0 || value > LIMIT_VALUE)
		return yamlnode_error(node, r->e,
		    "max: a number above 0 with at most %u decimals, below 2^40 when scaled, is expected",
		    decimals);
	*out = value;
	return true;
}

static bool read_dims(struct configread *r, const struct yamlnode *node, struct measure *m)
{
	if (node == NULL)
		return true;
	if (!yamlnode_want(node, YAML_LIST, "dims", r->e))
		return false;
	if (node->n > LIMIT_DIMS)
		return yamlnode_error(node, r->e, "dims: more than %u", LIMIT_DIMS);
	for (const struct yamlnode *d = node->first; d != NULL; d = d->next) {
		if (!yamlnode_want(d, YAML_TEXT, "dims", r->e))
			return false;
		uint16_t list = model_list(r->config, d->text);
		if (list == NO_PLACE)
			return yamlnode_error(d, r->e, "dims: no list '%s' under codes", d->text);
		if (list == r->config->office_list)
			return yamlnode_error(
			    d, r->e, "dims: offices are added from the sender, never reported");
		for (uint16_t i = 0; i < m->n_dims; i++)
			if (m->dim[i] == list)
				return yamlnode_error(d, r->e, "dims: '%s' stands twice", d->text);
		m->dim[m->n_dims++] = list;
	}
	return true;
}

static bool read_measure(struct configread *r, const struct yamlnode *node, struct measure *m)
{
	static const char *const known[] = { "id", "dims", "decimals", "max", "unit", "about", "within",
		"response", "valid", "sv", "en", NULL };
	static const char *const units[] = { "person", "sek", "post", "day", "bool", "code", "other", NULL };
	static const char *const abouts[] = { "nothing", "client", "staff", NULL };
	static const char *const responses[] = { "single", "multiple", NULL };
	uint64_t decimals = 0;
	unsigned unit;
	unsigned about;
	unsigned response;
	m->within = NO_PLACE;
	if (!yamlnode_only(node, "measures", known, r->e))
		return false;
	const struct yamlnode *id = configread_need(r, node, "measures", "id");
	const struct yamlnode *max = id == NULL ? NULL : configread_need(r, node, "measures", "max");
	const struct yamlnode *unit_node = max == NULL ? NULL : configread_need(r, node, "measures", "unit");
	const struct yamlnode *decimals_node = yamlnode_get(node, "decimals");
	if (unit_node == NULL || !configread_id(r, id, "id", &m->name))
		return false;
	if (decimals_node != NULL &&
	    !yamlnode_uint(decimals_node, "decimals", 0, DECIMALS_MAX, &decimals, r->e))
		return false;
	m->decimals = (uint16_t)decimals;
	if (!read_dims(r, yamlnode_get(node, "dims"), m) || !read_max(r, max, m->decimals, &m->max) ||
	    !read_word(r, unit_node, "unit", units, 0, &unit) ||
	    !read_word(r, yamlnode_get(node, "about"), "about", abouts, ABOUT_NOTHING, &about) ||
	    !read_word(r, yamlnode_get(node, "response"), "response", responses, 0, &response))
		return false;
	m->unit = (enum measure_unit)unit;
	m->about = (enum measure_about)about;
	m->multiple = response == 1;
	if (m->multiple && m->n_dims == 0)
		return yamlnode_error(
		    node, r->e, "response: a multiple response needs a dimension, its last");
	return configread_label(r, node, m->name, &m->label) &&
	       configread_validity(r, yamlnode_get(node, "valid"), &m->valid);
}

/* Second pass: a measure may be a view of one that stands further down. */
static bool read_within(struct configread *r, const struct yamlnode *node, struct measure *m)
{
	const struct yamlnode *within = yamlnode_get(node, "within");
	if (within == NULL)
		return true;
	if (!yamlnode_want(within, YAML_TEXT, "within", r->e))
		return false;
	m->within = configread_measure(r, bytes_text(within->text));
	if (m->within == NO_PLACE)
		return yamlnode_error(within, r->e, "within: no measure '%s'", within->text);
	const struct measure *base = &r->config->measure[m->within];
	if (base->decimals != m->decimals)
		return yamlnode_error(within, r->e, "within: '%s' has other decimals", within->text);
	return true;
}

static bool refuse_within_circle(struct configread *r, const struct yamlnode *list)
{
	const struct yamlnode *node = list->first;
	for (uint16_t i = 0; node != NULL && i < r->config->n_measures; i++, node = node->next) {
		uint16_t at = i;
		for (uint16_t steps = 0; at != NO_PLACE; steps++) {
			if (steps > LIMIT_DIMS)
				return yamlnode_error(node, r->e,
				    "within: '%s' is within itself, or more than %u steps deep",
				    r->config->measure[i].name, LIMIT_DIMS);
			at = r->config->measure[at].within;
		}
	}
	return true;
}

bool configread_measures(struct configread *r, const struct yamlnode *list)
{
	if (!yamlnode_want(list, YAML_LIST, "measures", r->e))
		return false;
	if (list->n == 0 || list->n > LIMIT_MEASURES)
		return yamlnode_error(list, r->e, "measures: 1 to %u are expected", LIMIT_MEASURES);
	struct measure *m = configread_alloc(r, list->n, sizeof *m);
	if (m == NULL)
		return false;
	r->config->measure = m;
	for (const struct yamlnode *node = list->first; node != NULL; node = node->next) {
		struct measure *next = &m[r->config->n_measures];
		if (!read_measure(r, node, next))
			return false;
		if (configread_measure(r, bytes_text(next->name)) != NO_PLACE)
			return yamlnode_error(node, r->e, "measures: '%s' stands twice", next->name);
		r->config->n_measures++;
	}
	for (const struct yamlnode *node = list->first; node != NULL; node = node->next, m++)
		if (!read_within(r, node, m))
			return false;
	return refuse_within_circle(r, list);
}

unsigned configread_split(const char *text, struct bytes *part, unsigned max)
{
	unsigned n = 0;
	for (;;) {
		size_t len = strcspn(text, "|");
		if (n == max)
			return 0;
		part[n++] = bytes_of(text, len);
		if (text[len] == '\0')
			return n;
		text += len + 1;
	}
}

/* One pattern, taken apart: for each dimension a row of flags, one for each code. */
struct pattern {
	uint16_t measure;
	uint8_t *wanted[LIMIT_DIMS];
};

/* "*" or codes parted by commas. */
static bool read_wanted(
    struct configread *r, const struct yamlnode *node, uint16_t list, struct bytes text, uint8_t *wanted)
{
	const struct codelist *codes = &r->config->list[list];
	memset(wanted, 0, codes->n_codes);
	if (bytes_equal(text, bytes_text("*"))) {
		memset(wanted, 1, codes->n_codes);
		return true;
	}
	for (size_t at = 0; at <= text.len;) {
		size_t end = at;
		while (end < text.len && text.at[end] != ',')
			end++;
		uint16_t code = configread_code(r, list, (const char *)text.at + at, end - at);
		if (code == NO_PLACE)
			return yamlnode_error(
			    node, r->e, "asked: '%s': a code is not in the list %s", node->text, codes->name);
		wanted[code] = 1;
		at = end + 1;
	}
	return true;
}

static bool read_pattern(struct configread *r, const struct yamlnode *node, struct pattern *p)
{
	struct bytes part[LIMIT_DIMS + 1];
	if (!yamlnode_want(node, YAML_TEXT, "asked", r->e))
		return false;
	unsigned n = configread_split(node->text, part, LIMIT_DIMS + 1);
	p->measure = n == 0 ? NO_PLACE : configread_measure(r, part[0]);
	if (p->measure == NO_PLACE)
		return yamlnode_error(node, r->e, "asked: '%s': no such measure", node->text);
	const struct measure *m = &r->config->measure[p->measure];
	if (n != 1 && n != m->n_dims + 1u)
		return yamlnode_error(
		    node, r->e, "asked: '%s': %s has %u dimensions", node->text, m->name, m->n_dims);
	for (uint16_t d = 0; d < m->n_dims; d++)
		if (!read_wanted(r, node, m->dim[d], n == 1 ? bytes_text("*") : part[d + 1], p->wanted[d]))
			return false;
	return true;
}

struct cells {
	struct cell_id *at;
	uint32_t n, room;
};

static bool add_cell(struct configread *r, struct cells *cells, const struct cell_id *id)
{
	if (cells->n == cells->room) {
		uint32_t room = cells->room == 0 ? 1024 : 2 * cells->room;
		struct cell_id *at = realloc(cells->at, room * sizeof *at);
		if (at == NULL)
			return err_set(r->e, ERR_MEMORY, "out of memory");
		cells->at = at;
		cells->room = room;
	}
	cells->at[cells->n++] = *id;
	return true;
}

/* The next code wanted in dimension d from `from` on; the list's length if there is none. */
static uint16_t next_wanted(const struct configread *r, const struct pattern *p, uint16_t d, uint16_t from)
{
	uint16_t n = r->config->list[r->config->measure[p->measure].dim[d]].n_codes;
	while (from < n && !p->wanted[d][from])
		from++;
	return from;
}

/* Steps id to the next cell of the pattern, last dimension first, like an odometer. */
static bool next_cell(const struct configread *r, const struct pattern *p, struct cell_id *id)
{
	const struct measure *m = &r->config->measure[p->measure];
	for (uint16_t d = m->n_dims; d-- > 0;) {
		id->code[d] = next_wanted(r, p, d, (uint16_t)(id->code[d] + 1));
		if (id->code[d] < r->config->list[m->dim[d]].n_codes)
			return true;
		id->code[d] = next_wanted(r, p, d, 0);
	}
	return false;
}

static bool expand_pattern(
    struct configread *r, const struct yamlnode *node, const struct pattern *p, struct cells *cells)
{
	struct cell_id id = { .measure = p->measure };
	for (uint16_t d = 0; d < r->config->measure[p->measure].n_dims; d++)
		id.code[d] = next_wanted(r, p, d, 0);
	do {
		if (cells->n == LIMIT_CELLS)
			return yamlnode_error(node, r->e, "asked: more than %u cells", LIMIT_CELLS);
		if (!add_cell(r, cells, &id))
			return false;
	} while (next_cell(r, p, &id));
	return true;
}

static int by_cell(const void *a, const void *b)
{
	const struct cell_id *x = a;
	const struct cell_id *y = b;
	if (x->measure != y->measure)
		return x->measure < y->measure ? -1 : 1;
	for (unsigned d = 0; d < LIMIT_DIMS; d++) /* unused ones are 0 */
		if (x->code[d] != y->code[d])
			return x->code[d] < y->code[d] ? -1 : 1;
	return 0;
}

static bool keep_cells(struct configread *r, struct cells *cells)
{
	qsort(cells->at, cells->n, sizeof *cells->at, by_cell);
	uint32_t n = 0;
	for (uint32_t i = 0; i < cells->n; i++)
		if (n == 0 || by_cell(&cells->at[n - 1], &cells->at[i]) != 0)
			cells->at[n++] = cells->at[i];
	struct cell_id *asked = configread_alloc(r, n, sizeof *asked);
	if (asked == NULL)
		return false;
	memcpy(asked, cells->at, n * sizeof *asked);
	r->config->asked = asked;
	r->config->n_asked = n;
	return true;
}

static bool all_measures(struct configread *r, struct pattern *p, struct cells *cells)
{
	static const struct yamlnode nowhere = { .line = 1, .text = "" };
	for (uint16_t d = 0; d < LIMIT_DIMS; d++)
		memset(p->wanted[d], 1, LIMIT_CODES);
	for (p->measure = 0; p->measure < r->config->n_measures; p->measure++)
		if (!expand_pattern(r, &nowhere, p, cells))
			return false;
	return true;
}

bool configread_asked(struct configread *r, const struct yamlnode *list)
{
	bool ok = false;
	struct cells cells = { .at = NULL };
	struct pattern p = { .measure = 0 };
	uint8_t *flags = calloc(LIMIT_DIMS, LIMIT_CODES);
	if (flags == NULL)
		return err_set(r->e, ERR_MEMORY, "out of memory");
	for (unsigned d = 0; d < LIMIT_DIMS; d++)
		p.wanted[d] = flags + (size_t)d * LIMIT_CODES;
	if (list == NULL) {
		ok = all_measures(r, &p, &cells) && keep_cells(r, &cells);
		goto done;
	}
	if (!yamlnode_want(list, YAML_LIST, "asked", r->e))
		goto done;
	if (list->n == 0 || list->n > PATTERNS_MAX) {
		yamlnode_error(list, r->e, "asked: 1 to %u patterns are expected", PATTERNS_MAX);
		goto done;
	}
	for (const struct yamlnode *node = list->first; node != NULL; node = node->next)
		if (!read_pattern(r, node, &p) || !expand_pattern(r, node, &p, &cells))
			goto done;
	ok = keep_cells(r, &cells);
done:
	free(cells.at);
	free(flags);
	return ok;
}

/* A rule is a short sentence: words (measures, lists, codes) and signs. */
struct rule {
	const char *at;
	bool ok;
};

static struct bytes rule_word(struct rule *u)
{
	while (*u->at == ' ')
		u->at++;
	size_t len = strcspn(u->at, " ()[]<=,|");
	struct bytes word = bytes_of(u->at, len);
	u->ok = u->ok && len > 0;
	u->at += len;
	return word;
}

static bool rule_sign(struct rule *u, const char *sign)
{
	while (*u->at == ' ')
		u->at++;
	size_t len = strlen(sign);
	if (strncmp(u->at, sign, len) != 0)
		return false;
	u->at += len;
	return true;
}

/* sum(clients, age) = clients[_T] */
static bool read_sum(struct configread *r, const struct yamlnode *node, struct rule *u, struct check *c)
{
	struct bytes a = rule_word(u);
	u->ok = u->ok && rule_sign(u, ",");
	struct bytes over = rule_word(u);
	u->ok = u->ok && rule_sign(u, ")") && rule_sign(u, "=");
	struct bytes b = rule_word(u);
	u->ok = u->ok && rule_sign(u, "[");
	struct bytes total = rule_word(u);
	u->ok = u->ok && rule_sign(u, "]") && *u->at == '\0';
	if (!u->ok || !bytes_equal(a, b))
		return yamlnode_error(
		    node, r->e, "rule: 'sum(MEASURE, LIST) = MEASURE[TOTAL]' or 'A <= B' is expected");
	c->kind = CHECK_SUM;
	c->a = c->b = configread_measure(r, a);
	if (c->a == NO_PLACE)
		return yamlnode_error(node, r->e, "rule: no such measure");
	const struct measure *m = &r->config->measure[c->a];
	for (c->over = 0; c->over < m->n_dims; c->over++)
		if (bytes_equal(bytes_text(r->config->list[m->dim[c->over]].name), over))
			break;
	if (c->over == m->n_dims)
		return yamlnode_error(node, r->e, "rule: %s has no such dimension", m->name);
	uint16_t list = m->dim[c->over];
	if (m->multiple && c->over == m->n_dims - 1)
		return yamlnode_error(node, r->e, "rule: a multiple response is never summed");
	if (configread_code(r, list, (const char *)total.at, total.len) !=
	    model_total(&r->config->list[list]))
		return yamlnode_error(node, r->e, "rule: [..] holds the list's total");
	return true;
}

/* contact_reasons <= clients_new */
static bool read_le(struct configread *r, const struct yamlnode *node, struct rule *u, struct check *c)
{
	struct bytes a = rule_word(u);
	u->ok = u->ok && rule_sign(u, "<=");
	struct bytes b = rule_word(u);
	while (*u->at == ' ')
		u->at++;
	if (!u->ok || *u->at != '\0')
		return yamlnode_error(
		    node, r->e, "rule: 'sum(MEASURE, LIST) = MEASURE[TOTAL]' or 'A <= B' is expected");
	c->kind = CHECK_LE;
	c->a = configread_measure(r, a);
	c->b = configread_measure(r, b);
	if (c->a == NO_PLACE || c->b == NO_PLACE || c->a == c->b)
		return yamlnode_error(node, r->e, "rule: two different measures are expected");
	if (r->config->measure[c->a].decimals != r->config->measure[c->b].decimals)
		return yamlnode_error(node, r->e, "rule: the two measures have different decimals");
	return true;
}

static bool read_check(struct configread *r, const struct yamlnode *node, struct check *c)
{
	static const char *const known[] = { "id", "rule", "sv", "en", NULL };
	uint64_t id;
	if (!yamlnode_only(node, "checks", known, r->e))
		return false;
	const struct yamlnode *id_node = configread_need(r, node, "checks", "id");
	const struct yamlnode *rule = id_node == NULL ? NULL : configread_need(r, node, "checks", "rule");
	if (rule == NULL || !yamlnode_uint(id_node, "id", 1, CHECK_ID_MAX, &id, r->e) ||
	    !configread_text(r, rule, "rule", 512, &c->rule) ||
	    !configread_label(r, node, c->rule, &c->label))
		return false;
	c->id = (uint32_t)id;
	struct rule u = { c->rule, true };
	return rule_sign(&u, "sum(") ? read_sum(r, rule, &u, c) : read_le(r, rule, &u, c);
}

bool configread_checks(struct configread *r, const struct yamlnode *list, const char *name,
    const struct check **out, uint16_t *n)
{
	if (list == NULL)
		return true;
	if (!yamlnode_want(list, YAML_LIST, name, r->e))
		return false;
	if (list->n > CHECKS_MAX)
		return yamlnode_error(list, r->e, "%s: more than %u", name, CHECKS_MAX);
	struct check *check = configread_alloc(r, list->n, sizeof *check);
	if (check == NULL)
		return false;
	uint16_t i = 0;
	for (const struct yamlnode *node = list->first; node != NULL; node = node->next, i++) {
		if (!read_check(r, node, &check[i]))
			return false;
		if (i > 0 && check[i].id <= check[i - 1].id)
			return yamlnode_error(node, r->e, "%s: ids ascend", name);
	}
	*out = check;
	*n = i;
	return true;
}
