/* replay - what the pattern tells a reader who can run the program, but has not the key.
 *
 * Tables that agree with everything printed are drawn, starting from the true one; each is protected with other keys. How often
 * that gives the very result that was published says how likely the table is, given the pattern. */
#ifndef POLICY_REPLAY_H
#define POLICY_REPLAY_H
#include "policy/release.h"

#define REPLAY_CELLS_MAX 4096u /* grid cells; more would take too long to say anything */
#define REPLAY_TABLES    64u

struct replay_report {
	uint64_t tables;  /* drawn, all different or not */
	uint64_t matches; /* runs that gave the published result; 0: the replay says nothing */
	uint64_t
	    exceeded; /* hidden cells of which the pattern makes a reader surer than posterior_max that they are small */
};

/* keys: how many each table is protected with. seed: of drawing and keys. csv: cell,before,after for each hidden cell, the
 * shares in thousandths of tables in which it is sensitive: of all that agree, and weighed by the replays.
 * ERR_UNSUPPORTED with earlier releases (their counts would have to be drawn too) and for figures that were moved, ERR_LIMIT for
 * large tables. */
bool replay_run(const struct table_input *t, const struct policy_params *p, struct bytes result_csv,
    uint32_t keys, const uint8_t seed[32], struct buf *csv, struct replay_report *report, struct err *e);
#endif
