#include "proto/yamlnode.h"

#include "proto/arena.h"
#include "proto/limits.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define YAML_DEPTH       32u
#define YAML_NODES       500000u
#define YAML_TEXT_BYTES  4096u
#define YAML_KEY_BYTES   64u
#define YAML_ARENA_BYTES (128u * 1024 * 1024) /* YAML_NODES nodes and the file's texts */

struct yamltree {
	struct arena *arena;
	struct yamlnode *root;
};

/* One open map or list. */
struct frame {
	struct yamlnode *node;
	struct yamlnode *last;
	const char *key; /* the name that waits for its value */
	uint32_t key_line;
};

struct builder {
	struct yamltree *tree;
	struct frame stack[YAML_DEPTH];
	uint32_t depth, n_nodes;
	uint32_t line, column; /* of the event at hand */
	struct err *e;
};

static bool refuse(struct builder *b, enum err_code code, const char *why)
{
	return err_set(b->e, code, "line %u: %s", b->line, why);
}

/* U+0000-1F and U+007F-9F. libyaml has checked that the text is UTF-8. */
static bool has_control(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] < 0x20 || at[i] == 0x7f || (at[i] == 0xc2 && i + 1 < len && at[i + 1] < 0xa0))
			return true;
	return false;
}

static const char *keep_text(struct builder *b, const uint8_t *at, size_t len, size_t max)
{
	if (len > max) {
		refuse(b, ERR_LIMIT, "text is too long");
		return NULL;
	}
	if (has_control(at, len)) {
		refuse(
		    b, ERR_MALFORMED, "text holds a line feed or a control character (long texts: use >-)");
		return NULL;
	}
	const char *copy = arena_text(b->tree->arena, at, len);
	if (copy == NULL)
		err_set(b->e, ERR_MEMORY, "out of memory");
	return copy;
}

/* Hangs a new node under the open container, or makes it the root. */
static struct yamlnode *add_node(struct builder *b, enum yaml_kind kind)
{
	if (b->n_nodes++ >= YAML_NODES) {
		refuse(b, ERR_LIMIT, "too many values in one file");
		return NULL;
	}
	struct yamlnode *node = arena_alloc(b->tree->arena, 1, sizeof *node);
	if (node == NULL) {
		err_set(b->e, ERR_MEMORY, "out of memory");
		return NULL;
	}
	*node = (struct yamlnode){ .kind = kind, .line = b->line, .column = b->column, .text = "" };
	if (b->depth == 0) {
		b->tree->root = node;
		return node;
	}
	struct frame *top = &b->stack[b->depth - 1];
	node->key = top->key;
	node->key_line = top->key == NULL ? b->line : top->key_line;
	top->key = NULL;
	if (top->last == NULL)
		top->node->first = node;
	else
		top->last->next = node;
	top->last = node;
	top->node->n++;
	return node;
}

static bool open_container(struct builder *b, enum yaml_kind kind)
{
	if (b->depth > 0 && b->stack[b->depth - 1].node->kind == YAML_MAP &&
	    b->stack[b->depth - 1].key == NULL)
		return refuse(b, ERR_MALFORMED, "a name must be plain text");
	if (b->depth == YAML_DEPTH)
		return refuse(b, ERR_LIMIT, "nested too deeply");
	struct yamlnode *node = add_node(b, kind);
	if (node == NULL)
		return false;
	b->stack[b->depth++] = (struct frame){ .node = node };
	return true;
}

static int by_key(const void *a, const void *b)
{
	const struct yamlnode *x = *(const struct yamlnode *const *)a;
	const struct yamlnode *y = *(const struct yamlnode *const *)b;
	int order = strcmp(x->key, y->key);
	if (order == 0) /* file order, so that the later one is blamed */
		order = (x->key_line > y->key_line) - (x->key_line < y->key_line);
	return order;
}

static bool refuse_repeated(struct builder *b, const struct yamlnode *map)
{
	bool ok = true;
	const struct yamlnode **sorted = malloc((map->n + 1) * sizeof(void *));
	if (sorted == NULL)
		return err_set(b->e, ERR_MEMORY, "out of memory");
	uint32_t n = 0;
	for (const struct yamlnode *child = map->first; child != NULL; child = child->next)
		sorted[n++] = child;
	qsort(sorted, n, sizeof(void *), by_key);
	for (uint32_t i = 1; ok && i < n; i++)
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
			ok =
			    err_set(b->e, ERR_MALFORMED, "line %u: name '%s' stands twice (first on line %u)",
				sorted[i]->key_line, sorted[i]->key, sorted[i - 1]->key_line);
	free(sorted);
	return ok;
}

static bool close_container(struct builder *b)
{
	const struct yamlnode *node = b->stack[--b->depth].node;
	assert(node != NULL);
	return node->kind != YAML_MAP || refuse_repeated(b, node);
}

static bool take_key(struct builder *b, const yaml_event_t *ev)
{
	struct frame *top = &b->stack[b->depth - 1];
	size_t len = ev->data.scalar.length;
	if (len == 0)
		return refuse(b, ERR_MALFORMED, "empty name");
	if (len == 2 && memcmp(ev->data.scalar.value, "<<", 2) == 0)
		return refuse(b, ERR_MALFORMED, "merges (<<) are not allowed");
	top->key = keep_text(b, ev->data.scalar.value, len, YAML_KEY_BYTES);
	top->key_line = b->line;
	return top->key != NULL;
}

static bool take_scalar(struct builder *b, const yaml_event_t *ev)
{
	bool plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (ev->data.scalar.anchor != NULL)
		return refuse(b, ERR_MALFORMED, "anchors are not allowed");
	if (ev->data.scalar.tag != NULL || (plain && !ev->data.scalar.plain_implicit))
		return refuse(b, ERR_MALFORMED, "tags are not allowed");
	if (b->depth > 0 && b->stack[b->depth - 1].node->kind == YAML_MAP &&
	    b->stack[b->depth - 1].key == NULL)
		return take_key(b, ev);
	const char *text = keep_text(b, ev->data.scalar.value, ev->data.scalar.length, YAML_TEXT_BYTES);
	struct yamlnode *node = text == NULL ? NULL : add_node(b, YAML_TEXT);
	if (node == NULL)
		return false;
	node->text = text;
	node->quoted = !plain;
	return true;
}

static bool take_event(struct builder *b, const yaml_event_t *ev)
{
	b->line = (uint32_t)ev->start_mark.line + 1;
	b->column = (uint32_t)ev->start_mark.column + 1;
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->tree->root != NULL)
			return refuse(b, ERR_MALFORMED, "a second document in one file");
		if (ev->data.document_start.version_directive != NULL ||
		    ev->data.document_start.tag_directives.start !=
			ev->data.document_start.tag_directives.end)
			return refuse(b, ERR_MALFORMED, "directives are not allowed");
		return true;
	case YAML_ALIAS_EVENT:
		return refuse(b, ERR_MALFORMED, "aliases are not allowed");
	case YAML_SCALAR_EVENT:
		return take_scalar(b, ev);
	case YAML_MAPPING_START_EVENT:
		if (ev->data.mapping_start.anchor != NULL || ev->data.mapping_start.tag != NULL)
			return refuse(b, ERR_MALFORMED, "anchors and tags are not allowed");
		return open_container(b, YAML_MAP);
	case YAML_SEQUENCE_START_EVENT:
		if (ev->data.sequence_start.anchor != NULL || ev->data.sequence_start.tag != NULL)
			return refuse(b, ERR_MALFORMED, "anchors and tags are not allowed");
		return open_container(b, YAML_LIST);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return close_container(b);
	default:
		return true;
	}
}

/* libyaml's reader (wrong UTF-8) gives an offset, its scanner and parser a mark. */
static bool parser_error(const yaml_parser_t *parser, struct bytes file, struct err *e)
{
	size_t line = parser->problem_mark.line + 1;
	const char *problem = parser->problem == NULL ? "not YAML" : parser->problem;
	if (parser->error == YAML_MEMORY_ERROR)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (parser->error == YAML_READER_ERROR) {
		line = 1;
		for (size_t i = 0; i < file.len && i < parser->problem_offset; i++)
			line += file.at[i] == '\n';
	}
	return err_set(e, ERR_MALFORMED, "line %zu: %s", line, problem);
}

static bool run_parser(struct builder *b, yaml_parser_t *parser, struct bytes file)
{
	for (bool end = false; !end;) {
		yaml_event_t ev;
		if (!yaml_parser_parse(parser, &ev))
			return parser_error(parser, file, b->e);
		bool ok = take_event(b, &ev);
		end = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
		if (!ok)
			return false;
	}
	b->line = 1;
	return b->tree->root != NULL || refuse(b, ERR_MALFORMED, "the file is empty");
}

struct yamltree *yamlnode_parse(struct bytes file, struct err *e)
{
	bool ok = false;
	yaml_parser_t parser;
	struct yamltree *tree = NULL;

	if (file.len > LIMIT_CONFIG_FILE) {
		err_set(e, ERR_LIMIT, "line 1: the file is larger than %u bytes", LIMIT_CONFIG_FILE);
		return NULL;
	}
	if (!yaml_parser_initialize(&parser)) {
		err_set(e, ERR_MEMORY, "out of memory");
		return NULL;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, file.len == 0 ? (const uint8_t *)"" : file.at, file.len);
	tree = calloc(1, sizeof *tree);
	if (tree != NULL)
		tree->arena = arena_new(YAML_ARENA_BYTES);
	if (tree == NULL || tree->arena == NULL) {
		err_set(e, ERR_MEMORY, "out of memory");
		goto done;
	}
	struct builder b = { .tree = tree, .e = e };
	ok = run_parser(&b, &parser, file);
done:
	yaml_parser_delete(&parser);
	if (ok)
		return tree;
	yamlnode_free(tree);
	return NULL;
}

const struct yamlnode *yamlnode_root(const struct yamltree *tree)
{
	return tree->root;
}

void yamlnode_free(struct yamltree *tree)
{
	if (tree == NULL)
		return;
	arena_free(tree->arena);
	free(tree);
}

const struct yamlnode *yamlnode_get(const struct yamlnode *map, const char *key)
{
	if (map == NULL || map->kind != YAML_MAP)
		return NULL;
	for (const struct yamlnode *child = map->first; child != NULL; child = child->next)
		if (strcmp(child->key, key) == 0)
			return child;
	return NULL;
}

bool yamlnode_error(const struct yamlnode *at, struct err *e, const char *fmt, ...)
{
	char text[400];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return err_set(e, ERR_MALFORMED, "line %u: %s", at->line, text);
}

bool yamlnode_want(const struct yamlnode *node, enum yaml_kind kind, const char *name, struct err *e)
{
	static const char *const expected[] = { "a text", "a list", "a map of names" };
	if (node->kind == kind)
		return true;
	return yamlnode_error(node, e, "%s: %s is expected", name, expected[kind]);
}

bool yamlnode_only(const struct yamlnode *map, const char *name, const char *const *known, struct err *e)
{
	if (!yamlnode_want(map, YAML_MAP, name, e))
		return false;
	for (const struct yamlnode *child = map->first; child != NULL; child = child->next) {
		const char *const *k = known;
		while (*k != NULL && strcmp(*k, child->key) != 0)
			k++;
		if (*k == NULL)
			return err_set(e, ERR_MALFORMED, "line %u: %s: unknown name '%s'", child->key_line,
			    name, child->key);
	}
	return true;
}

bool yamlnode_uint(
    const struct yamlnode *node, const char *name, uint64_t min, uint64_t max, uint64_t *out, struct err *e)
{
	if (!yamlnode_want(node, YAML_TEXT, name, e))
		return false;
	const char *at = node->text;
	uint64_t value = 0;
	bool ok = *at >= '0' && *at <= '9' && !(at[0] == '0' && at[1] != '\0');
	for (; ok && *at != '\0'; at++) {
		ok = *at >= '0' && *at <= '9' && value <= (UINT64_MAX - 9) / 10;
		value = ok ? 10 * value + (uint64_t)(*at - '0') : 0;
	}
	if (!ok || value < min || value > max)
		return yamlnode_error(node, e, "%s: a whole number from %llu to %llu is expected", name,
		    (unsigned long long)min, (unsigned long long)max);
	*out = value;
	return true;
}
