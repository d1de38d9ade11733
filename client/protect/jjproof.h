/* jjproof - why each cell of a JJ table is hidden, and the moves that protect it: what only the owner and an auditor see.
 *
 * Both tell counts. The auditors' part is that of a grid's certificate (docs/disclosure.md, "JJ files"). */
#ifndef CLIENT_PROTECT_JJPROOF_H
#define CLIENT_PROTECT_JJPROOF_H
#include "client/protect/jj.h"
#include "policy/choice.h"

struct jjproof {
	const struct jj *j; /* as read: statuses of the file */
	const char *mark;   /* by cell: P or H */
	const struct choice_question *q;
	const struct choice_answer *a; /* with cells in place of columns */
};

/* explain.csv: a line a hidden cell. */
bool jjproof_explain(const struct jjproof *p, struct buf *out, struct err *e);
/* certificate.auditor.cvc. blind: 32 bytes that nobody can guess. */
bool jjproof_auditor(const struct jjproof *p, struct bytes certificate, const uint8_t blind[32],
    struct buf *out, struct err *e);
/* A line of a certificate: the word and the sha256. */
void jjproof_put_digest(struct buf *out, const char *word, struct bytes of);
#endif
