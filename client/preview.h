/* preview - which of an office's own figures would be visible, if it stood alone.
 *
 * The form goes through the engine as a table of one office, under the policy in force but for its rules about
 * numbers of offices. That is the honest half of the answer: a figure too small here is hidden in every release,
 * but which others are hidden to protect it depends on what all offices report, and nobody outside the vault can
 * know that. */
#ifndef CLIENT_PREVIEW_H
#define CLIENT_PREVIEW_H
#include "proto/model.h"
#include "proto/release.h"

struct preview {
	struct release_rows rows; /* the tables of the release */
	struct config config;     /* a view of the configuration in which the office is the only one */
	struct code office;
	struct codelist *list; /* owned */
	bool refused;          /* the policy lets nothing out at all; rows is empty */
	size_t n_shown, n_hidden;
};

/* config and office must outlive p. ERR_INVALID if the figures do not fit together, ERR_LIMIT if the engine
 * gives up. Free with preview_free, also after failure. */
bool preview_build(struct preview *p, const struct config *config, const char *period, const char *office,
    const struct figures *figures, struct err *e);
void preview_free(struct preview *p); /* wipes */
/* Does any table of the release show this measure? */
bool preview_is_published(const struct config *config, uint16_t measure);
#endif
