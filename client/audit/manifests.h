/* manifests - an auditor's sealed manifests, all of them: is each there, sealed to us, and the one its leaf binds.
 *
 * Whoever enrolled later cannot open those of before, and where there was no auditor none was made: that one is not
 * there says nothing then. So the auditor's folder keeps from which leaf on we were enrolled: the log's size when the gate
 * first let us look as an auditor, or the first leaf whose manifest was sealed to us. From there on each must be there. */
#ifndef CLIENT_AUDIT_MANIFESTS_H
#define CLIENT_AUDIT_MANIFESTS_H
#include "client/audit/sealed.h"

/* Nothing for who is no auditor. One verdict "manifest" for each release and refusal we can judge. */
void manifests_check(const struct loglist *l, struct source *s, struct verdicts *v);
#endif
