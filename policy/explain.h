/* explain - why each hidden cell is hidden: for the vault's owner, and without counts for auditors.
 *
 * Internal to policy/. */
#ifndef POLICY_EXPLAIN_H
#define POLICY_EXPLAIN_H
#include "policy/protect.h"

/* explain.csv: cell,state,rules,protects,against,through,price. Confidential: a price tells a count. */
void explain_csv(const struct plan *p, struct buf *out);
/* One JSON line for each hidden cell; answers how many. */
uint64_t explain_manifest(const struct plan *p, struct buf *out);
/* A text as a JSON string, ASCII only. */
void explain_json_text(struct buf *out, const char *text);
/* A cell as a JSON array of its codes, an added office dimension left out. */
void explain_json_cell(struct buf *out, const struct table_input *t, uint64_t cell);
#endif
