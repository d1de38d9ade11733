/* exact - the last resort of serving: a linear program on the neighbourhood of one cell.
 *
 * Internal to policy/. Product moves and sums of them do not reach every pattern that exists, least of all
 * where several views share few persons. The program asks for the cheapest change of the cells near one cell
 * that keeps all relations and every cell's room. It runs in floating point, but nothing rests on that: the
 * answer is rounded to whole numbers and checked exactly before it is used; what does not check is no answer. */
#ifndef POLICY_EXACT_H
#define POLICY_EXACT_H
#include "policy/primary.h"
#include "policy/search.h"

/* Puts a change of the need's cell (or virtual sum) by amp * dir into s->delta, with s->avoid, s->banned and
 * s->any_room in force and visible cells bought where s->pay. False: none found within its bounds, or no
 * memory; s->delta is then as search_reset leaves it. *none: there is none at all, not even of fractions, as things stand.
 * last: before a table is refused; looks at many more cells (seconds instead of milliseconds). */
bool exact_find(
    struct search *s, const struct need *need, const struct virt *virt, int64_t amp, bool last, bool *none);
#endif
