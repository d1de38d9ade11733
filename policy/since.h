/* since - who knows a cell from what earlier releases of the period gave away and figures of his own.
 *
 * Internal to policy/. An area printed nobody of kind y. In the correction one office of the area sent other figures, and
 * nobody is of kind y again: a reader may doubt that, that office cannot, whatever is hidden now. So it is no attacker there.
 * What a set of offices reckons is looked at in one column: the codes of the offices' dimension at each release and
 * difference between two, all other codes being the subject's. Where all of a relation but one is known, that one is; where a
 * whole is known, and in its parts that are not are none but their own, they are. See docs/disclosure.md, "Corrections". */
#ifndef POLICY_SINCE_H
#define POLICY_SINCE_H
#include "policy/needs.h"

struct since { /* of one subject; nothing is worked out before somebody is asked about */
	const struct grid *g;
	const struct subject *s;
	uint32_t
	    n_codes; /* of the offices' dimension. Places of the column: code of the release * n_codes + office's */
	uint8_t *known; /* by place */
	uint32_t *learnt,
	    n_learnt; /* places in the order they became known; the first n_reckoned were used */
	uint32_t n_reckoned;
	uint32_t *along;  /* by relation of the offices' dimension at each release: cells not known */
	uint32_t *across; /* by relation of the releases at each office's code: the same */
	int64_t *others;  /* by place: how many are not of the offices asked about */
	int64_t *open;    /* by relation as in along: the same of its parts that are not known */
	uint32_t n_places, n_relations;
	bool nobody; /* nothing left here: nobody knew more than his own */
};

/* Borrows both until since_end. */
void since_begin(struct since *k, const struct grid *g, const struct subject *s);
/* Did these offices know the subject? rest: what they do not own of it. Not if it is 1 to k-1: whoever can reckon that is told a
 * secret, unless such rests are none (`residual: no`). Without memory: no. O(releases^2 * n), and what follows from that. */
bool since_knew(struct since *k, const uint32_t *office, uint32_t n, int64_t rest);
void since_end(struct since *k);
#endif
