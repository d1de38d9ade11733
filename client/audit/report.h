/* What the parts of `cellveil audit report` share. */
#ifndef CLIENT_AUDIT_REPORT_H
#define CLIENT_AUDIT_REPORT_H
#include "client/audit/sealed.h"
#include "client/audit/session.h"

void report_html(struct buf *out, const char *text); /* text with what HTML wants escaped */
/* <td>; text is emptied. class may be NULL. */
void report_cell(struct buf *out, struct buf *text, const char *class);
/* Up to and with <tbody>. */
void report_table(struct buf *out, const char *caption, const char *const *head, size_t n);

/* A chart and a table for readers, and with figures for each office: what it can compute of each hidden cell. figures:
 * a folder with one folder for each period, that of `cellveilctl release table`; a period without one is told. What
 * discloses becomes a verdict. number tells this release's ids in the page from others'. enum audit_code */
int report_intervals(struct buf *out, struct session *s, const struct session_release *r,
    const struct sealed_manifest *m, const char *figures, size_t number, struct err *e);
#endif
