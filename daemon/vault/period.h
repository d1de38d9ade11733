/* period - what a period, and a release of it, may do next. Pure: no clock, no disk, no socket.
 *
 *   period:   PLANNED -> OPEN -> GRACE -> CLOSED -> FINAL          VOID from any state before a release
 * exists release:  SEALED -> PROTECTED -> PUBLISHED -> SUPERSEDED | WITHDRAWN    SEALED | PROTECTED ->
 * WITHHELD
 *
 * GRACE is after the announced end: still accepted, shown to the operator as late. The numbers are those of
 * the store and of PERIODS on the wire. Rules: docs/protocol.md, "Periods and
 * releases". */
#ifndef DAEMON_VAULT_PERIOD_H
#define DAEMON_VAULT_PERIOD_H
#include "proto/logentry.h"
#include "proto/message.h" /* enum period_state and its names */
#include "proto/model.h"

enum release_stage { /* proto/release.h has the states of a cell */
	STAGE_NONE = 0,
	STAGE_SEALED = 1,
	STAGE_PROTECTED = 2,
	STAGE_PUBLISHED = 3,
	STAGE_SUPERSEDED = 4,
	STAGE_WITHDRAWN = 5,
	STAGE_WITHHELD = 6
};

struct period { /* one row of the store */
	uint64_t id;
	char dataset[LIMIT_NAME + 1];
	char name[LIMIT_PERIOD + 1];
	enum period_state state;
	uint64_t opens_s, closes_s; /* announced: the first second that counts, the first that is late;
				     * closes_s 0: open until the operator closes it */
	uint64_t grace_s;           /* end of GRACE, >= closes_s */
	uint64_t publish_s;         /* instant of publication; 0: when the operator says */
	uint8_t config[32];         /* digest; fixed when the period opens */
	enum late_rule late;
	bool released; /* some release was committed: no VOID any more */
};

enum period_event {
	PERIOD_TICK,     /* time passed */
	PERIOD_DO_OPEN,  /* the operator opens it now */
	PERIOD_DO_CLOSE, /* the operator closes it now */
	PERIOD_DO_FINAL,
	PERIOD_DO_VOID
};

struct period_effects {
	bool refused;            /* the operator's wish does not fit the state: nothing changes */
	enum period_state state; /* afterwards */
	enum log_kind leaf;      /* log leaf to write; LOG_KINDS if none */
	uint64_t wake_s;         /* next time a TICK changes something; 0: never */
};

/* One arrow at most: after a change, step again with PERIOD_TICK until nothing changes. */
void period_step(const struct period *p, enum period_event event, uint64_t now_s, struct period_effects *out);

enum period_answer {
	PERIOD_ACCEPT,   /* outcome 1 */
	PERIOD_HOLD,     /* outcome 2: kept for a later revision */
	PERIOD_TOO_SOON, /* PERIOD_NOT_OPEN */
	PERIOD_TOO_LATE  /* PERIOD_CLOSED */
};
enum period_answer period_take(const struct period *p);

/* Whether the release may go from one state to the other. */
bool release_may(enum release_stage from, enum release_stage to);

const char *release_stage_name(enum release_stage stage); /* "published" */

/* First second after the period, UTC: what the offsets of a configuration count from. 0 for a bad name. */
uint64_t period_end_s(const char *name);
uint64_t period_start_s(const char *name);
#endif
