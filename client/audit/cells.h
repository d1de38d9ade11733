/* cells - `audit log` with filters of cells. */
#ifndef CLIENT_AUDIT_CELLS_H
#define CLIENT_AUDIT_CELLS_H
#include "client/audit/filter.h"
#include "client/audit/session.h"

/* The hidden cells of all releases that still have files, one line each, as f wants them. Auditors only: others
 * cannot open the manifests (AUDIT_UNCHECKED). */
int cells_list(struct session *s, const struct filter *f, const struct args *args, struct err *e);
#endif
