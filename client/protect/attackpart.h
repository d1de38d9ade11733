/* attackpart - what the three files of an attack share: who attacks what (attack.c), what he knows as a system of
 * equations (attacksystem.c), and what that discloses (attackfindings.c). For them only. */
#ifndef CLIENT_PROTECT_ATTACKPART_H
#define CLIENT_PROTECT_ATTACKPART_H
#include "client/protect/attack.h"
#include "client/protect/moved.h"
#include "client/protect/system.h"
#include "client/protect/together.h"
#include "policy/params.h"

struct attack {
	struct lattice g;
	struct together *all; /* --ledger: g is all releases of the period together */
	uint32_t office_dim;  /* UINT32_MAX: none */
	uint32_t *office;     /* codes of the offices, leaves of office_dim */
	uint32_t n_offices;
	bool *own; /* of each code of office_dim: every office below it is the attacker's */
	int64_t floor;
	int64_t threshold, width;
	struct moved moved; /* how figures marked R were moved */
	char series[PARAMS_NAME_MAX + 1];
	bool zeros_open; /* --policy: noughts are not protected */
	bool judged;     /* --policy and --level: also protected cells that miss their targets count */
	struct buf out;
	uint64_t found, hidden;
	uint64_t programs;
	const char *now;      /* who is attacking, for the eyes of someone who waits */
	bool telling;         /* a line on the terminal is being kept up to date */
	bool wide_is_enough;  /* many attackers: an interval need only be shown to be wide */
	bool symbols;         /* what the attacker owns is known to him, and its counts not to us */
	attack_line_fn *line; /* takes the findings instead of out */
	void *context;
};

/* Every equation and bound the attacker has. var: a place for each cell's variable. */
bool attack_system(struct attack *a, struct system *s, uint32_t *var, struct err *e);
/* Can the attacker see or work out the cell at once; where: the release's cell that says so. */
bool attack_printed(const struct attack *a, uint64_t cell, uint64_t *where);
bool attack_known(const struct attack *a, uint64_t cell, int64_t *value);
/* His own part of a cell: the sum over his offices below the cell's office code. */
int64_t attack_own_part(const struct attack *a, uint64_t cell);
/* Cells of --ledger that are what two releases differ by; asked: of a few persons that are not all his, `rest`. */
bool attack_is_difference(const struct attack *a, uint64_t cell);
bool attack_difference_asked(const struct attack *a, uint64_t cell, int64_t *rest);
bool attack_discloses_difference(const struct attack *a, uint64_t cell, int64_t lo, int64_t hi);

/* One attacker: the public, or those whose codes stand in a->own. who: its name for the findings. */
bool attack_as(struct attack *a, const char *who, struct err *e);
#endif
