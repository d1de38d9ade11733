/* yamlnode - a YAML file as a tree in which everything knows its line.
 *
 * A strict subset: one document; maps, lists and scalars in block or flow style; every scalar is text and
 * typed by whoever reads it. Anchors, aliases, tags, merges ("<<"), several documents, duplicate and empty
 * keys are refused. Error texts begin "line N: "; the caller, who knows the path, puts it in front. */
#ifndef PROTO_YAMLNODE_H
#define PROTO_YAMLNODE_H
#include "proto/bytes.h"
#include "proto/err.h"

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yamlnode {
	enum yaml_kind kind;
	uint32_t line, column;       /* first = 1 */
	uint32_t key_line;           /* in a map: where its name stands */
	const char *key;             /* in a map: this child's name, 1-64 bytes; else NULL */
	const char *text;            /* YAML_TEXT: NUL-terminated UTF-8 without control characters; else "" */
	const struct yamlnode *next; /* following child of the same parent, in the file's order */
	const struct yamlnode *first;
	uint32_t n;  /* children */
	bool quoted; /* YAML_TEXT written in quotes or as a block: "" differs from nothing */
};

struct yamltree;

/* Parses file. The tree keeps copies: file may go away. NULL with e filled otherwise.
 * Bounds: LIMIT_CONFIG_FILE bytes, 32 levels, 500,000 nodes, 4,096 bytes a scalar. */
struct yamltree *yamlnode_parse(struct bytes file, struct err *e);
const struct yamlnode *yamlnode_root(const struct yamltree *tree);
void yamlnode_free(struct yamltree *tree); /* may be NULL */

/* Child of a map by name; NULL if there is none or map is no map. */
const struct yamlnode *yamlnode_get(const struct yamlnode *map, const char *key);

/* false: fills e with "line N: " and the text. */
bool yamlnode_error(const struct yamlnode *at, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Checks kind. name is what the message calls it: "line 7: asked: a list is expected". */
bool yamlnode_want(const struct yamlnode *node, enum yaml_kind kind, const char *name, struct err *e);

/* Refuses a child of map whose name is not in known (NULL-terminated): "line 9: policy: unknown name 'x'". */
bool yamlnode_only(const struct yamlnode *map, const char *name, const char *const *known, struct err *e);

/* A whole number min..max in decimal digits without sign or leading zeros. */
bool yamlnode_uint(
    const struct yamlnode *node, const char *name, uint64_t min, uint64_t max, uint64_t *out, struct err *e);
#endif
