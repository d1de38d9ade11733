/* configread - what the parts of the configuration's parser share. Private to proto/config*.c and layout.c.
 */
#ifndef PROTO_CONFIGREAD_H
#define PROTO_CONFIGREAD_H
#include "proto/arena.h"
#include "proto/model.h"
#include "proto/yamlnode.h"

struct code_name {
	const char *code;
	uint16_t place;
};

struct configread {
	struct config *config; /* being filled; fields stand once their part was read */
	struct arena *arena;
	struct code_name **by_name; /* for each list: its codes in strcmp order */
	struct err *e;
};

/* proto/config.c */
void *configread_alloc(struct configread *r, size_t count, size_t size); /* zeroed; NULL with e filled */
/* Text of 1 to max bytes, copied. */
bool configread_text(
    struct configread *r, const struct yamlnode *node, const char *name, size_t max, const char **out);
/* A name of letters, digits, '_', '.', '-', 1-64 bytes. */
bool configread_id(struct configread *r, const struct yamlnode *node, const char *name, const char **out);
/* The child `key` of map; NULL with e filled if it is missing. */
const struct yamlnode *configread_need(
    struct configread *r, const struct yamlnode *map, const char *name, const char *key);
/* sv and en of map; where one is missing the other serves, where both are, fallback. */
bool configread_label(
    struct configread *r, const struct yamlnode *map, const char *fallback, struct label *out);
/* "2024..", "..2023-06", "2022..2024", "2024"; node may be NULL: always. */
bool configread_validity(struct configread *r, const struct yamlnode *node, struct validity *out);

/* proto/config_codes.c */
bool configread_codes(struct configread *r, const struct yamlnode *codes);
uint16_t configread_code(const struct configread *r, uint16_t list, const char *code, size_t len);

/* proto/config_cells.c */
bool configread_measures(struct configread *r, const struct yamlnode *list);
bool configread_asked(struct configread *r, const struct yamlnode *list); /* list may be NULL: all cells */
/* After asked. name is "checks" or "layout: warnings". */
bool configread_checks(struct configread *r, const struct yamlnode *list, const char *name,
    const struct check **out, uint16_t *n);
/* Splits "a|b|c" at bars into at most max parts (views of text); 0 if there are more. */
unsigned configread_split(const char *text, struct bytes *part, unsigned max);
uint16_t configread_measure(const struct configread *r, struct bytes name);

/* proto/config_release.c */
bool configread_release(struct configread *r, const struct yamlnode *map);

/* proto/layout.c */
bool configread_layout(struct configread *r, const struct yamlnode *map);
#endif
