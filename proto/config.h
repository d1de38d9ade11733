/* config - the configuration of a form version: a YAML file in, the structs of proto/model.h out.
 *
 * The file is public and immutable; its plain BLAKE2b-256 names it. Every name it may contain, with an
 * example, stands in docs/configuration.md; here is only what the parser promises:
 *   - unknown, repeated and missing names are refused with their line ("line 12: measures: unknown name
 * 'dimms'");
 *   - everything a struct config refers to exists: places are in range, hierarchies are trees or DAGs with
 * one root, codes of asked cells are in their lists, checks and tables name measures that have what they
 * need;
 *   - sizes are bounded by proto/limits.h before memory is taken;
 *   - the protection parameters under `policy:` stay text (struct setting): policy/ types them. */
#ifndef PROTO_CONFIG_H
#define PROTO_CONFIG_H
#include "proto/model.h"

/* NULL with e filled (text begins "line N: ..."; put the path in front). Keeps copies: file may go away. */
struct config *config_parse(struct bytes file, struct err *e);
void config_free(struct config *config); /* may be NULL */

/* Offices (leaves of config.office_list) that may report for period, i.e. are valid in a month of it. */
bool config_office_in(const struct config *config, const char *office, const char *period);

/* period fits the file's period pattern and the form's validity ("2024.."). */
bool config_period_in(const struct config *config, const char *period);

/* A scaled value as text in the measure's own unit: 250 with two decimals gives 2.50. */
void config_put_value(struct buf *out, const struct measure *measure, uint64_t value);

/* A cell for people and logs: "clients|F|Y18-29". No value. */
void config_put_cell(struct buf *out, const struct config *config, const struct cell_id *id);

/* Reads one cell ("clients|F|Y18-29"); false if a name is unknown or the number of codes is wrong. */
bool config_read_cell(const struct config *config, struct bytes text, struct cell_id *id);

/* Writes a configuration for a city from a preset (policy/presets/): the placeholders @ORIGIN@ and @DATASET@
 * are replaced, and if offices is not empty the items of `codes: office:` become the lines of offices
 * (block-style list items such as "- {code: north, of: [_T], sv: Norr, en: North}").
 * The result is parsed once before it is given out. */
bool preset_fill(struct bytes preset, const char *origin, const char *dataset, struct bytes offices,
    struct buf *out, struct err *e);
#endif
