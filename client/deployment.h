/* deployment - what a participant knows of the deployment it belongs to, and how it asks for more.
 *
 * Settings, the newest verified key set, cached configurations and periods, and the connections, opened when
 * first used. Questions are asked until they are answered or the deadline passes, with full jitter between
 * tries; what makes us wait is told on stderr. Functions that talk answer an exit code (client/command.h):
 * EXIT_NOT_SENT no answer in time, EXIT_REFUSED a REJECT, EXIT_KEY our key or theirs, EXIT_INTERRUPTED. */
#ifndef CLIENT_DEPLOYMENT_H
#define CLIENT_DEPLOYMENT_H
#include "client/net.h"
#include "client/settings.h"
#include "proto/config.h"
#include "proto/keyset.h"

#define QUESTION_MS 15000 /* how long a question waits for a gate when a cache could serve instead */

struct deployment {
	struct settings settings;
	struct vkey root;
	struct keyset keyset; /* if has_keyset */
	struct buf note;      /* its bytes */
	bool has_keyset;
	bool persist;        /* a refused key is waited for too, for ever or until the deadline */
	bool stale;          /* the periods answered last are what the gate said some time ago */
	int64_t deadline_ms; /* net_now_ms()'s clock */
	uint8_t *curve;      /* our CURVE secret; sodium_malloc */
	struct net *query, *submit;
	struct message ask, reply; /* of the question under way */
	struct buf body;           /* what reply's views borrow from */
	char trouble[400];         /* told last, so that it is told once */
};

/* Reads settings (they must be joined), the CURVE key and the cached key set. dir may be NULL. */
int deployment_open(struct deployment *d, const char *dir, struct err *e);
void deployment_close(struct deployment *d);
/* Sets the deadline: seconds from now; ULONG_MAX for none. */
void deployment_wait(struct deployment *d, unsigned long seconds);

/* Address and CURVE key: of the key set if we have one that says, else of the operator's line. */
void deployment_target(struct deployment *d, enum keyset_service service, struct net_target *target);
struct net *deployment_query(struct deployment *d, struct err *e);
struct net *deployment_submit(struct deployment *d, struct err *e);
/* Asks d->ask on n until d->reply holds an answer other than BUSY and temporary refusals. REJECT comes back
 * as EXIT_OK if want is MSG_REJECT, else as EXIT_REFUSED with e; any kind but want is EXIT_OTHER. */
int deployment_ask(struct deployment *d, struct net *n, enum message_kind want, struct err *e);

/* Asks for the newest key set, verifies it against root key, origin and what is held, keeps it. */
int deployment_keys(struct deployment *d, struct err *e);
/* The bytes of a public object or configuration: at most max, digest checked. Appends to out. */
int deployment_object(
    struct deployment *d, const uint8_t digest[KEY_DIGEST_BYTES], size_t max, struct buf *out, struct err *e);
/* The configuration of that digest, from the cache or the gate; origin and dataset (may be NULL) must fit. */
int deployment_config(struct deployment *d, const uint8_t digest[KEY_DIGEST_BYTES], const char *dataset,
    struct config **out, struct err *e);
/* Leaves PERIODS in d->reply.periods; cached serves if the gate cannot be reached and cached_ok. */
int deployment_periods(struct deployment *d, const char *dataset, bool cached_ok, struct err *e);
#endif
