#include "proto/config.h"

#include "proto/configread.h"
#include "proto/content.h"
#include "proto/name.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_ARENA_BYTES (64u * 1024 * 1024)
#define LABEL_BYTES        1000u
#define VERSION_BYTES      64u
#define SETTINGS_MAX       256u
#define SETTING_BYTES      1000u

void *configread_alloc(struct configread *r, size_t count, size_t size)
{
	void *at = arena_alloc(r->arena, count, size);
	if (at == NULL)
		err_set(r->e, ERR_MEMORY, "out of memory");
	return at;
}

bool configread_text(
    struct configread *r, const struct yamlnode *node, const char *name, size_t max, const char **out)
{
	if (!yamlnode_want(node, YAML_TEXT, name, r->e))
		return false;
	size_t len = strlen(node->text);
	if (len == 0 || len > max)
		return yamlnode_error(node, r->e, "%s: 1 to %zu bytes are expected", name, max);
	*out = arena_text(r->arena, node->text, len);
	if (*out != NULL)
		return true;
	err_set(r->e, ERR_MEMORY, "out of memory");
	return false;
}

bool configread_id(struct configread *r, const struct yamlnode *node, const char *name, const char **out)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	if (!configread_text(r, node, name, 64, out))
		return false;
	return strspn(*out, allowed) == strlen(*out) ||
	       yamlnode_error(node, r->e, "%s: letters, digits, '_', '.' and '-' are expected", name);
}

const struct yamlnode *configread_need(
    struct configread *r, const struct yamlnode *map, const char *name, const char *key)
{
	const struct yamlnode *node = yamlnode_get(map, key);
	if (node == NULL)
		yamlnode_error(map, r->e, "%s: '%s' is missing", name, key);
	return node;
}

bool configread_label(
    struct configread *r, const struct yamlnode *map, const char *fallback, struct label *out)
{
	const struct yamlnode *sv = yamlnode_get(map, "sv");
	const struct yamlnode *en = yamlnode_get(map, "en");
	if (sv != NULL && !configread_text(r, sv, "sv", LABEL_BYTES, &out->sv))
		return false;
	if (en != NULL && !configread_text(r, en, "en", LABEL_BYTES, &out->en))
		return false;
	if (sv == NULL)
		out->sv = en == NULL ? fallback : out->en;
	if (en == NULL)
		out->en = out->sv;
	return true;
}

/* One end of a validity: "" is open. */
static bool read_end(const char *text, size_t len, bool last, uint32_t *month)
{
	char period[LIMIT_PERIOD + 1];
	uint32_t first;
	uint32_t n;
	if (len == 0)
		return true;
	if (!name_is_period(bytes_of(text, len)) || !name_copy(period, sizeof period, bytes_of(text, len)) ||
	    !model_period_months(period, &first, &n))
		return false;
	*month = last ? first + n - 1 : first;
	return true;
}

bool configread_validity(struct configread *r, const struct yamlnode *node, struct validity *out)
{
	*out = (struct validity){ 0, UINT32_MAX };
	if (node == NULL)
		return true;
	if (!yamlnode_want(node, YAML_TEXT, "valid", r->e))
		return false;
	const char *text = node->text;
	const char *dots = strstr(text, "..");
	size_t len = dots == NULL ? strlen(text) : (size_t)(dots - text);
	const char *to = dots == NULL ? text : dots + 2;
	if (*text != '\0' && read_end(text, len, false, &out->from_month) &&
	    read_end(to, strlen(to), true, &out->to_month) && out->from_month <= out->to_month)
		return true;
	return yamlnode_error(
	    node, r->e, "valid: two periods joined by '..' are expected (2023-07.., 2020..2022)");
}

static bool read_head(struct configread *r, const struct yamlnode *root)
{
	const struct yamlnode *version = configread_need(r, root, "the file", "cellveil-config");
	uint64_t n;
	if (version == NULL || !yamlnode_uint(version, "cellveil-config", 1, 1, &n, r->e))
		return false;
	const struct yamlnode *origin = configread_need(r, root, "the file", "origin");
	const struct yamlnode *dataset =
	    origin == NULL ? NULL : configread_need(r, root, "the file", "dataset");
	if (dataset == NULL || !configread_text(r, origin, "origin", LIMIT_ORIGIN, &r->config->origin) ||
	    !configread_text(r, dataset, "dataset", LIMIT_NAME, &r->config->dataset))
		return false;
	if (!name_is_origin(bytes_text(origin->text)))
		return yamlnode_error(
		    origin, r->e, "origin: a log's name like stats.example/log1 is expected");
	if (!name_is_name(bytes_text(dataset->text)))
		return yamlnode_error(dataset, r->e, "dataset: small letters, digits and '-' are expected");
	return true;
}

static bool read_form(struct configread *r, const struct yamlnode *root)
{
	static const char *const known[] = { "id", "version", "valid", "sv", "en", NULL };
	static const char *const patterns[] = { "YYYY", "YYYY-Qn", "YYYY-Sn", "YYYY-MM" };
	static const char kinds[] = { 'Y', 'Q', 'S', 'M' };
	const struct yamlnode *form = configread_need(r, root, "the file", "form");
	const struct yamlnode *period = form == NULL ? NULL : configread_need(r, root, "the file", "period");
	if (period == NULL || !yamlnode_only(form, "form", known, r->e))
		return false;
	const struct yamlnode *id = configread_need(r, form, "form", "id");
	const struct yamlnode *version = id == NULL ? NULL : configread_need(r, form, "form", "version");
	if (version == NULL || !configread_id(r, id, "id", &r->config->form_id) ||
	    !configread_id(r, version, "version", &r->config->form_version) ||
	    !configread_validity(r, yamlnode_get(form, "valid"), &r->config->valid))
		return false;
	for (unsigned i = 0; i < 4; i++)
		if (strcmp(period->text, patterns[i]) == 0)
			r->config->period_kind = kinds[i];
	return r->config->period_kind != '\0' ||
	       yamlnode_error(period, r->e, "period: YYYY, YYYY-Qn, YYYY-Sn or YYYY-MM is expected");
}

/* The name of the office list stands under release:, but measures must know it. */
static bool read_office_list(struct configread *r, const struct yamlnode *root)
{
	const struct yamlnode *release = yamlnode_get(root, "release");
	const struct yamlnode *node = yamlnode_get(release, "office_dim");
	const char *name = node == NULL ? "office" : node->text;
	r->config->office_list = model_list(r->config, name);
	if (r->config->office_list == NO_PLACE)
		return yamlnode_error(node == NULL ? yamlnode_get(root, "codes") : node, r->e,
		    "codes: there is no list '%s' of offices", name);
	const struct codelist *list = &r->config->list[r->config->office_list];
	const struct yamlnode *item = yamlnode_get(yamlnode_get(root, "codes"), list->name)->first;
	uint8_t *parent = configread_alloc(r, list->n_codes, 1);
	if (parent == NULL)
		return false;
	for (uint16_t i = 0; i < list->n_codes; i++)
		for (uint16_t k = 0; k < list->code[i].n_parents; k++)
			parent[list->code[i].parent[k].of] = 1;
	for (uint16_t i = 0; i < list->n_codes; i++, item = item->next)
		if (parent[i] == 0 && list->n_codes > 1 && !name_is_name(bytes_text(list->code[i].code)))
			return yamlnode_error(item, r->e,
			    "codes: %s: an office has small letters, digits and '-', at most %u bytes",
			    list->name, LIMIT_NAME);
	return true;
}

/* A setting keeps its text; a list of texts becomes one text with commas. */
static bool read_setting(struct configread *r, const struct yamlnode *node, struct setting *s)
{
	char joined[SETTING_BYTES + 1] = "";
	size_t len = 0;
	s->line = node->key_line;
	s->name = arena_text(r->arena, node->key, strlen(node->key));
	if (s->name == NULL)
		return err_set(r->e, ERR_MEMORY, "out of memory");
	if (node->kind == YAML_TEXT && node->text[0] == '\0')
		s->value = "";
	if (node->kind == YAML_TEXT)
		return s->value != NULL || configread_text(r, node, node->key, SETTING_BYTES, &s->value);
	if (!yamlnode_want(node, YAML_LIST, node->key, r->e))
		return false;
	for (const struct yamlnode *item = node->first; item != NULL; item = item->next) {
		size_t add = strlen(item->text);
		if (item->kind != YAML_TEXT || add + 1 > SETTING_BYTES - len)
			return yamlnode_error(item, r->e, "%s: a short list of words is expected", node->key);
		if (len > 0)
			joined[len++] = ',';
		memcpy(joined + len, item->text, add + 1);
		len += add;
	}
	s->value = arena_text(r->arena, joined, len);
	return s->value != NULL || err_set(r->e, ERR_MEMORY, "out of memory");
}

static bool read_policy(struct configread *r, const struct yamlnode *map)
{
	if (map == NULL)
		return true;
	if (!yamlnode_want(map, YAML_MAP, "policy", r->e))
		return false;
	if (map->n > SETTINGS_MAX)
		return yamlnode_error(map, r->e, "policy: more than %u names", SETTINGS_MAX);
	struct setting *s = configread_alloc(r, map->n, sizeof *s);
	if (s == NULL)
		return false;
	r->config->policy = s;
	for (const struct yamlnode *node = map->first; node != NULL; node = node->next)
		if (!read_setting(r, node, &s[r->config->n_policy++]))
			return false;
	return true;
}

/* A check that compares nothing is a slip of whoever wrote the file. */
static bool refuse_idle_checks(struct configread *r, const struct yamlnode *list)
{
	bool ok = false;
	struct figures blank = { .n = 0 };
	struct comparisons c = { .n = 0 };
	if (!figures_new(&blank, r->config, r->e))
		goto done;
	const struct yamlnode *node = list == NULL ? NULL : list->first;
	for (uint16_t i = 0; node != NULL && i < r->config->n_checks; i++, node = node->next) {
		comparisons_free(&c);
		if (!content_compare(r->config, &r->config->check[i], &blank, &c, r->e))
			goto done;
		if (c.n == 0) {
			yamlnode_error(node, r->e, "rule: compares no cells that are asked");
			goto done;
		}
	}
	ok = true;
done:
	comparisons_free(&c);
	figures_free(&blank);
	return ok;
}

static bool read_all(struct configread *r, const struct yamlnode *root)
{
	static const char *const known[] = { "cellveil-config", "origin", "dataset", "form", "period",
		"codes", "measures", "asked", "checks", "release", "policy", "layout", NULL };
	if (!yamlnode_only(root, "the file", known, r->e) || !read_head(r, root) || !read_form(r, root))
		return false;
	const struct yamlnode *codes = configread_need(r, root, "the file", "codes");
	const struct yamlnode *measures =
	    codes == NULL ? NULL : configread_need(r, root, "the file", "measures");
	const struct yamlnode *release = yamlnode_get(root, "release");
	const struct yamlnode *checks = yamlnode_get(root, "checks");
	const struct yamlnode *layout = yamlnode_get(root, "layout");
	if (measures == NULL)
		return false;
	return configread_codes(r, codes) && read_office_list(r, root) && configread_measures(r, measures) &&
	       configread_asked(r, yamlnode_get(root, "asked")) &&
	       configread_checks(r, checks, "checks", &r->config->check, &r->config->n_checks) &&
	       refuse_idle_checks(r, checks) && (release == NULL || configread_release(r, release)) &&
	       read_policy(r, yamlnode_get(root, "policy")) &&
	       (layout == NULL || configread_layout(r, layout));
}

struct config *config_parse(struct bytes file, struct err *e)
{
	bool ok = false;
	struct configread r = { .e = e };
	struct yamltree *tree = yamlnode_parse(file, e);
	if (tree == NULL)
		return NULL;
	r.arena = arena_new(CONFIG_ARENA_BYTES);
	r.config = r.arena == NULL ? NULL : arena_alloc(r.arena, 1, sizeof *r.config);
	if (r.config == NULL) {
		err_set(e, ERR_MEMORY, "out of memory");
		goto done;
	}
	r.config->arena = r.arena;
	crypto_generichash(r.config->digest, sizeof r.config->digest, file.at, file.len, NULL, 0);
	ok = read_all(&r, yamlnode_root(tree));
done:
	yamlnode_free(tree);
	if (ok)
		return r.config;
	arena_free(r.arena);
	return NULL;
}

void config_free(struct config *config)
{
	if (config != NULL)
		arena_free(config->arena);
}

bool config_office_in(const struct config *config, const char *office, const char *period)
{
	const struct codelist *list = &config->list[config->office_list];
	uint16_t place = model_code(list, office);
	return place != NO_PLACE && model_is_leaf(list, place) && list->code[place].n_parents > 0 &&
	       model_valid_in(list->code[place].valid, period);
}

bool config_period_in(const struct config *config, const char *period)
{
	char kind = 'Y';
	if (!name_is_period(bytes_text(period)))
		return false;
	if (period[4] == '-')
		kind = period[5] == 'Q' || period[5] == 'S' ? period[5] : 'M';
	return kind == config->period_kind && model_valid_in(config->valid, period);
}

void config_put_value(struct buf *out, const struct measure *measure, uint64_t value)
{
	uint64_t scale = 1;
	for (uint16_t i = 0; i < measure->decimals; i++)
		scale *= 10;
	buf_printf(out, "%llu", (unsigned long long)(value / scale));
	if (measure->decimals > 0)
		buf_printf(out, ".%0*llu", (int)measure->decimals, (unsigned long long)(value % scale));
}

void config_put_cell(struct buf *out, const struct config *config, const struct cell_id *id)
{
	const struct measure *m = &config->measure[id->measure];
	buf_put_text(out, m->name);
	for (uint16_t d = 0; d < m->n_dims; d++) {
		buf_put_byte(out, '|');
		buf_put_text(out, config->list[m->dim[d]].code[id->code[d]].code);
	}
}

/* A copy of text in place[room] for the lookups by name; false if it does not fit. */
static bool as_text(char *place, size_t room, struct bytes text)
{
	if (text.len >= room || memchr(text.at, '\0', text.len) != NULL)
		return false;
	memcpy(place, text.at, text.len);
	place[text.len] = '\0';
	return true;
}

bool config_read_cell(const struct config *config, struct bytes text, struct cell_id *id)
{
	struct bytes part[LIMIT_DIMS + 1];
	char whole[(LIMIT_DIMS + 1) * 65 + 1];
	char word[65];
	*id = (struct cell_id){ .measure = NO_PLACE };
	if (text.len == 0 || !as_text(whole, sizeof whole, text))
		return false;
	unsigned n = configread_split(whole, part, LIMIT_DIMS + 1);
	if (n == 0 || !as_text(word, sizeof word, part[0]))
		return false;
	id->measure = model_measure(config, word);
	if (id->measure == NO_PLACE || n != config->measure[id->measure].n_dims + 1u)
		return false;
	for (unsigned d = 0; d + 1 < n; d++) {
		if (!as_text(word, sizeof word, part[d + 1]))
			return false;
		id->code[d] = model_code(&config->list[config->measure[id->measure].dim[d]], word);
		if (id->code[d] == NO_PLACE)
			return false;
	}
	return true;
}
