/* session - what every command about releases begins with: source, verified log, and releases by name. */
#ifndef CLIENT_AUDIT_SESSION_H
#define CLIENT_AUDIT_SESSION_H
#include "client/audit/sealed.h"

struct session {
	struct source source;
	struct loglist log;
	struct verdicts verdicts;
	bool signing; /* a witness: that others have not signed yet is no reason to fail */
};

/* Opens, reads the log, tells on stderr what does not hold. NULL without memory. session_close in any case. */
struct session *session_open(const struct args *args, int *code, struct err *e);
/* Says e, frees, and answers the exit code. */
int session_close(struct session *s, int code, const struct err *e);

/* A release by its name, fetched and compared with its leaf. Free with session_drop. */
struct session_release {
	struct log_entry leaf;
	struct release_files files;
	struct config *config;
	char where[128];
};
struct session_release *session_fetch(struct session *s, const char *name, int *code, struct err *e);
void session_drop(struct session_release *r);
#endif
