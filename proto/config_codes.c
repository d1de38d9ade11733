/* The part `codes:` of a configuration: lists of codes and their hierarchies. */
#include "proto/configread.h"

#include <stdlib.h>
#include <string.h>

#define CODE_BYTES    64u
#define CODE_PARENTS  64u
#define GROUPINGS_MAX 64u
#define LEVELS_MAX    32u

struct grouping_names {
	const char *name[GROUPINGS_MAX];
	uint16_t n;
};

/* 1-64 bytes of UTF-8 without the characters that part codes from one another in cells, tables and patterns.
 */
static bool is_code(const char *text)
{
	size_t len = strlen(text);
	return len >= 1 && len <= CODE_BYTES && strpbrk(text, ",|\"") == NULL && strcmp(text, "*") != 0;
}

static int by_code(const void *a, const void *b)
{
	return strcmp(((const struct code_name *)a)->code, ((const struct code_name *)b)->code);
}

static bool index_codes(struct configread *r, const struct yamlnode *list, uint16_t n,
    const struct code *code, struct code_name **out)
{
	struct code_name *sorted = configread_alloc(r, n, sizeof *sorted);
	if (sorted == NULL)
		return false;
	for (uint16_t i = 0; i < n; i++)
		sorted[i] = (struct code_name){ code[i].code, i };
	qsort(sorted, n, sizeof *sorted, by_code);
	for (uint16_t i = 1; i < n; i++)
		if (strcmp(sorted[i - 1].code, sorted[i].code) == 0)
			return yamlnode_error(
			    list, r->e, "codes: %s: code '%s' stands twice", list->key, sorted[i].code);
	*out = sorted;
	return true;
}

static uint16_t find_code(const struct code_name *sorted, uint16_t n, const char *text, size_t len)
{
	char code[CODE_BYTES + 1];
	if (len > CODE_BYTES)
		return NO_PLACE;
	memcpy(code, text, len);
	code[len] = '\0';
	struct code_name key = { code, 0 };
	const struct code_name *hit = bsearch(&key, sorted, n, sizeof *sorted, by_code);
	return hit == NULL ? NO_PLACE : hit->place;
}

uint16_t configread_code(const struct configread *r, uint16_t list, const char *code, size_t len)
{
	return find_code(r->by_name[list], r->config->list[list].n_codes, code, len);
}

static bool read_code(struct configread *r, const struct yamlnode *node, struct code *code)
{
	static const char *const known[] = { "code", "of", "grouping", "valid", "sv", "en", NULL };
	if (!yamlnode_only(node, "codes", known, r->e))
		return false;
	const struct yamlnode *name = configread_need(r, node, "codes", "code");
	if (name == NULL || !configread_text(r, name, "code", CODE_BYTES, &code->code))
		return false;
	if (!is_code(code->code))
		return yamlnode_error(name, r->e, "code: a code has no comma, bar or quotation mark");
	return configread_label(r, node, code->code, &code->label) &&
	       configread_validity(r, yamlnode_get(node, "valid"), &code->valid);
}

/* Groupings are named in the file and numbered in order of appearance; 0 is the unnamed one. */
static bool read_grouping(
    struct configread *r, const struct yamlnode *node, struct grouping_names *names, uint16_t *out)
{
	const char *name;
	if (!configread_id(r, node, "grouping", &name))
		return false;
	uint16_t i = 0;
	while (i < names->n && strcmp(names->name[i], name) != 0)
		i++;
	if (i == names->n) {
		if (names->n == GROUPINGS_MAX)
			return yamlnode_error(node, r->e, "grouping: more than %u", GROUPINGS_MAX);
		names->name[names->n++] = name;
	}
	*out = (uint16_t)(i + 1);
	return true;
}

static bool read_parents(struct configread *r, const struct yamlnode *node, const struct codelist *list,
    const struct code_name *sorted, struct grouping_names *names, struct code *code)
{
	const struct yamlnode *of = yamlnode_get(node, "of");
	const struct yamlnode *grouping = yamlnode_get(node, "grouping");
	if (of == NULL)
		return grouping == NULL || yamlnode_error(grouping, r->e, "grouping without of");
	if (!yamlnode_want(of, YAML_LIST, "of", r->e))
		return false;
	if (of->n > CODE_PARENTS)
		return yamlnode_error(of, r->e, "of: more than %u parents", CODE_PARENTS);
	if (grouping != NULL && grouping->kind == YAML_LIST && grouping->n != of->n)
		return yamlnode_error(grouping, r->e, "grouping: one name for each parent is expected");
	struct code_parent *parent = configread_alloc(r, of->n, sizeof *parent);
	if (parent == NULL)
		return false;
	const struct yamlnode *g =
	    grouping == NULL || grouping->kind != YAML_LIST ? grouping : grouping->first;
	uint16_t n = 0;
	for (const struct yamlnode *p = of->first; p != NULL; p = p->next, n++) {
		if (!yamlnode_want(p, YAML_TEXT, "of", r->e))
			return false;
		parent[n].of = find_code(sorted, list->n_codes, p->text, strlen(p->text));
		if (parent[n].of == NO_PLACE)
			return yamlnode_error(p, r->e, "of: no code '%s' in %s", p->text, list->name);
		for (uint16_t k = 0; k < n; k++)
			if (parent[k].of == parent[n].of)
				return yamlnode_error(p, r->e, "of: '%s' stands twice", p->text);
		if (g != NULL && !read_grouping(r, g, names, &parent[n].grouping))
			return false;
		if (g != NULL && grouping->kind == YAML_LIST)
			g = g->next;
	}
	code->parent = parent;
	code->n_parents = n;
	return true;
}

/* Takes away codes whose parents are gone, level by level; what stays is a circle (or a hierarchy deeper than
 * any real one: the bound keeps the time proportional to the list). */
static bool refuse_circle(struct configread *r, const struct yamlnode *node, const struct codelist *list)
{
	bool *gone = configread_alloc(r, list->n_codes, sizeof *gone);
	if (gone == NULL)
		return false;
	uint16_t left = list->n_codes;
	for (unsigned level = 0; left > 0 && level < LEVELS_MAX; level++) {
		for (uint16_t i = 0; i < list->n_codes; i++) {
			bool free = !gone[i];
			for (uint16_t k = 0; free && k < list->code[i].n_parents; k++)
				free = gone[list->code[i].parent[k].of];
			if (free) {
				gone[i] = true;
				left--;
			}
		}
	}
	for (uint16_t i = 0; i < list->n_codes; i++)
		if (!gone[i])
			return yamlnode_error(node, r->e,
			    "codes: %s: '%s' is above itself, or more than %u levels deep", list->name,
			    list->code[i].code, LEVELS_MAX);
	return true;
}

static bool refuse_second_root(struct configread *r, const struct yamlnode *node, const struct codelist *list)
{
	const struct yamlnode *item = node->first;
	const char *root = NULL;
	for (uint16_t i = 0; item != NULL && i < list->n_codes; i++, item = item->next) {
		if (list->code[i].n_parents > 0)
			continue;
		if (root != NULL)
			return yamlnode_error(item, r->e,
			    "codes: %s: '%s' has no parent, but '%s' is the total (of: [%s] is missing?)",
			    list->name, list->code[i].code, root, root);
		root = list->code[i].code;
	}
	return true;
}

static bool read_list(
    struct configread *r, const struct yamlnode *node, struct codelist *list, struct code_name **sorted)
{
	if (!yamlnode_want(node, YAML_LIST, node->key, r->e))
		return false;
	if (node->n == 0 || node->n > LIMIT_CODES)
		return yamlnode_error(
		    node, r->e, "codes: %s: 1 to %u codes are expected", node->key, LIMIT_CODES);
	struct code *code = configread_alloc(r, node->n, sizeof *code);
	list->name = arena_text(r->arena, node->key, strlen(node->key));
	if (code == NULL || list->name == NULL)
		return err_set(r->e, ERR_MEMORY, "out of memory");
	list->label = (struct label){ list->name, list->name };
	list->code = code;
	list->n_codes = (uint16_t)node->n;
	uint16_t i = 0;
	for (const struct yamlnode *item = node->first; item != NULL; item = item->next, i++)
		if (!read_code(r, item, &code[i]))
			return false;
	if (!index_codes(r, node, list->n_codes, code, sorted))
		return false;
	struct grouping_names names = { .n = 0 };
	i = 0;
	for (const struct yamlnode *item = node->first; item != NULL; item = item->next, i++)
		if (!read_parents(r, item, list, *sorted, &names, &code[i]))
			return false;
	return refuse_circle(r, node, list) && refuse_second_root(r, node, list);
}

bool configread_codes(struct configread *r, const struct yamlnode *codes)
{
	if (!yamlnode_want(codes, YAML_MAP, "codes", r->e))
		return false;
	if (codes->n > 256)
		return yamlnode_error(codes, r->e, "codes: more than 256 lists");
	struct codelist *list = configread_alloc(r, codes->n, sizeof *list);
	r->by_name = configread_alloc(r, codes->n, sizeof(void *));
	if (list == NULL || r->by_name == NULL)
		return false;
	uint16_t i = 0;
	for (const struct yamlnode *node = codes->first; node != NULL; node = node->next, i++)
		if (!read_list(r, node, &list[i], &r->by_name[i]))
			return false;
	r->config->list = list;
	r->config->n_lists = i;
	return true;
}
