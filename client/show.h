/* show - a verified release for a person, or as one line of JSON for a program. Pure but for the language. */
#ifndef CLIENT_SHOW_H
#define CLIENT_SHOW_H
#include "proto/export.h"
#include "proto/feed.h"

/* All tables, in the user's language, and a line that says what was verified. */
bool show_release(
    struct buf *out, const struct release_rows *rows, const struct config *config, struct err *e);
/* {"dataset":…,"period":…,"revision":…,"seq":…,"tables":[{"id":…,"rows":[{"measure":…,"sex":…,"value":…,
 * "status":…}]}]} and a line feed. Codes, not labels; a value with decimals stays scaled, "decimals" says by
 * how much; no value unless published. */
bool show_release_json(struct buf *out, const struct release_rows *rows, const struct config *config,
    const struct feed_envelope *env, struct err *e);
#endif
