/* export - the rows of a release as files for people: tidy CSV, and JSON-stat 2.0.
 *
 * Pure functions of rows, configuration and language: the same bytes every time. Integers stay integers; a
 * measure with decimals is written as an exact decimal number. Status words: "" published (nought by
 * definition included), suppressed, not_reported, not_asked,
 * perturbed (rounded or moved by noise: the value is near the true one); in JSON-stat null with ".." suppressed
 * and "." not reported or not asked, and "~" beside the value of a perturbed one. */
#ifndef PROTO_EXPORT_H
#define PROTO_EXPORT_H
#include "proto/model.h"
#include "proto/release.h"

enum export_language { EXPORT_SV, EXPORT_EN };

/* Holds rows against the configuration: digest, dataset, ids of tables and dimensions, places, states. Both
 * writers call it first. ERR_INVALID. */
bool export_check(const struct release_rows *rows, const struct config *config, struct err *e);

/* release.csv: all tables; columns table, measure, every dimension of the release in the configuration's
 * order (_Z where a table lacks it), value, status. RFC 4180, LF, UTF-8, codes not labels. */
bool export_csv(struct buf *out, const struct release_rows *rows, const struct config *config, struct err *e);

/* One table as a JSON-stat dataset: dimensions measure (metric), those of the table, period (time). Labels in
 * one language. updated_s: time of publication. */
bool export_json_stat(struct buf *out, const struct release_rows *rows, size_t table,
    const struct config *config, enum export_language language, uint64_t updated_s, struct err *e);

/* "release.json" for the first table, "release-<id>.json" for the others. */
void export_json_name(char out[RELEASE_FILE_NAME_MAX + 1], const struct release_rows *rows, size_t table);
#endif
