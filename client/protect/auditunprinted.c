/* What no table prints (R12, "Unprinted"): of each such count, and of each sum that several lists leave, the public, and each set of offices that may pool, is left in
 * doubt if 1 to k-1 of it is not theirs. Some stored move changes it and touches nobody of them, so that another whole table
 * agrees with all they know. Written from docs/disclosure.md.
 *
 * Not every set is looked at. A set that nothing leaves in doubt has met every move through the cell: from the sets looked at,
 * beginning with the public, only those go on that take one more office of a move that is left to them. Where no move is
 * left, but they miss too many, those go on that take one more office with a part of the cell. With pools of c offices, and m
 * moves through a cell that touch t offices each, that is m * t^c at worst, and m where c + 1 of the moves have no office in
 * common. */
#include <stdlib.h>

#include "client/protect/auditledger.h"
#include "client/protect/listsums.h"

#define LOOKS_MAX UINT64_C(10000000000) /* at moves, of all cells together */

struct passing { /* a move through a cell that is asked about */
	uint64_t cell;
	uint32_t move;
	uint32_t n_offices; /* that it touches */
	int64_t by;         /* what it changes of the cell */
};

/* Of an office. The cell stands in its own row; BARRED and more: looked at, when so many were at hand. */
enum { FREE, IN, OWNER, BARRED };

struct doubt {
	struct audit *a;
	uint32_t pool;        /* offices that may pool */
	size_t *touched_from; /* by move, and one more: where its offices begin */
	uint32_t *touched;
	struct passing *passing; /* by cell, fewest offices first */
	size_t n_passing;
	struct passing *of_sum; /* by cell, all moves: to find those of a sum's parts; NULL: no sum was met */
	int64_t *net;           /* by move: what it changes of the sum at hand */
	/* of the cell looked at, and the offices at hand: */
	struct subject s;
	const struct passing *way;
	size_t from, to; /* way[from .. to): moves that change it */
	int64_t rest;    /* of it, not theirs */
	uint32_t office[POOL_LIMIT], n_offices;
	uint8_t *state; /* by code of the office dimension */
	uint32_t *met;  /* by the same, the last look at which a move apart from others touched it */
	uint32_t look;
	uint64_t looks;
};

/* ---- moves ---- */

/* A count that no table prints, and that no earlier release gave away. */
static bool is_unprinted(const struct audit *a, uint64_t cell)
{
	uint64_t n_counts = a->releases == NULL ? a->g->n_cells : auditledger_n_counts(a);
	return cell < n_counts && a->g->live[cell] != 0 && a->g->truth[cell] >= 1 &&
	       !audit_printed(a, cell) && !audit_has_left(a, cell) && a->told[cell] != TOLD_GONE;
}

/* Each office that a move touches, once. */
static bool touched_find(struct doubt *d)
{
	struct audit *a = d->a;
	size_t n = 0;
	uint32_t n_codes = a->office_dim == NO_OFFICE ? 0 : a->g->dim[a->office_dim].n_codes;
	uint32_t *last = calloc((size_t)n_codes + 1, sizeof *last); /* the last move there, from 1 */
	if (last == NULL)
		return false;
	for (uint32_t i = 0; i < a->n_offices; i++)
		d->state[a->office[i]] = IN;
	for (uint32_t m = 0; d->pool > 0 && m < a->n_moves; m++) {
		for (uint64_t i = 0; i < a->move[m].n; i++) {
			uint32_t code =
			    lattice_place(a->g, a->change[a->move[m].start + i].cell, a->office_dim);
			if (d->state[code] != IN || last[code] == m + 1)
				continue;
			last[code] = m + 1;
			d->touched[n++] = code;
		}
		d->touched_from[m + 1] = n;
	}
	for (uint32_t i = 0; i < a->n_offices; i++)
		d->state[a->office[i]] = FREE;
	free(last);
	return true;
}

static int by_cell(const void *x, const void *y)
{
	const struct passing *p = x;
	const struct passing *q = y;
	if (p->cell != q->cell)
		return p->cell < q->cell ? -1 : 1;
	if (p->n_offices != q->n_offices)
		return p->n_offices < q->n_offices ? -1 : 1;
	return (p->move > q->move) - (p->move < q->move);
}

static void passing_find(struct doubt *d)
{
	const struct audit *a = d->a;
	for (uint32_t m = 0; m < a->n_moves; m++)
		for (uint64_t i = 0; i < a->move[m].n; i++) {
			const struct change *c = &a->change[a->move[m].start + i];
			if (is_unprinted(a, c->cell))
				d->passing[d->n_passing++] = (struct passing){ c->cell, m,
					(uint32_t)(d->touched_from[m + 1] - d->touched_from[m]), c->by };
		}
	if (d->n_passing > 0)
		qsort(d->passing, d->n_passing, sizeof *d->passing, by_cell);
}

/* ---- one set of offices ---- */

enum answer { DOUBT, NO_DOUBT, MORE }; /* MORE: who joins them may meet all moves that leave them in doubt */

/* *best: of the moves that touch nobody of them one that the fewest can meet; NULL: there is none. */
static enum answer answer_of(struct doubt *d, const struct passing **best)
{
	uint32_t apart = 0; /* moves left that nobody meets two of */
	uint32_t fewest = UINT32_MAX;
	*best = NULL;
	d->look++;
	d->looks++;
	for (size_t i = d->from; i < d->to; i++) {
		const uint32_t *office = d->touched + d->touched_from[d->way[i].move];
		uint32_t open = 0;
		bool theirs = false;
		bool meets = false;
		for (uint32_t k = 0; k < d->way[i].n_offices; k++) {
			theirs |= d->state[office[k]] == IN;
			open += d->state[office[k]] == FREE;
			meets |= d->state[office[k]] == FREE && d->met[office[k]] == d->look;
		}
		d->looks++;
		if (theirs)
			continue;
		for (uint32_t k = 0; !meets && k < d->way[i].n_offices; k++)
			d->met[office[k]] = d->look;
		apart += !meets;
		if (open == 0 || apart > d->pool - d->n_offices)
			return DOUBT;
		*best = open < fewest ? &d->way[i] : *best;
		fewest = open < fewest ? open : fewest;
	}
	return *best == NULL ? NO_DOUBT : MORE;
}

/* The least that a set of them and others who may still join misses. */
static int64_t least_rest(const struct doubt *d)
{
	const struct audit *a = d->a;
	int64_t rest = d->rest;
	uint32_t more = d->pool - d->n_offices;
	for (uint32_t i = 0; more > 0 && i < a->n_ranked && a->own[a->rank[i]] > 0; i++)
		if (d->state[a->rank[i]] == FREE) {
			rest -= a->own[a->rank[i]];
			more--;
		}
	return rest;
}

static bool complain(const struct doubt *d)
{
	struct buf why = { 0 };
	buf_put_text(&why, "nothing shows that it does not follow");
	for (uint32_t i = 0; i < d->n_offices; i++)
		buf_printf(&why, "%s%s", i > 0 ? "+" : " with the own figures of ",
		    d->a->g->dim[d->a->office_dim].code[d->office[i]]);
	buf_put_byte(&why, '\0');
	audit_fails(d->a, &d->s, RULE_LATER, why.failed ? "it follows" : (const char *)why.data);
	buf_free(&why);
	return false;
}

static bool holds_with(struct doubt *d, const uint32_t *office, size_t n);

/* They are left in doubt, and so is every set of them and others. */
static bool holds(struct doubt *d)
{
	struct audit *a = d->a;
	const struct passing *best;
	int64_t k = (int64_t)a->p->threshold;
	size_t n = 0;
	if (d->rest == 0 || least_rest(d) >= k)
		return true;
	a->report->needs += d->rest < k;
	enum answer answer = answer_of(d, &best);
	if (answer == DOUBT)
		return true;
	if (answer == NO_DOUBT && d->rest < k)
		return complain(d);
	if (d->looks > LOOKS_MAX)
		return audit_fails(a, &d->s, RULE_LATER, "too many sets of offices to look at");
	if (answer == MORE)
		return holds_with(d, d->touched + d->touched_from[best->move], best->n_offices);
	while (n < a->n_ranked && a->own[a->rank[n]] > 0)
		n++;
	return holds_with(d, a->rank, n);
}

/* Every set of those at hand and one of these, and others. Whoever was looked at is in no set looked at later. */
static bool holds_with(struct doubt *d, const uint32_t *office, size_t n)
{
	const struct audit *a = d->a;
	bool ok = true;
	uint8_t barred = (uint8_t)(BARRED + d->n_offices);
	bool more = d->n_offices < d->pool;
	for (size_t i = 0; more && ok && i < n; i++) {
		int64_t own = a->own[office[i]] > 0 ? a->own[office[i]] : 0;
		if (d->state[office[i]] != FREE)
			continue;
		d->state[office[i]] = IN;
		d->office[d->n_offices++] = office[i];
		d->rest -= own;
		ok = holds(d);
		d->rest += own;
		d->n_offices--;
		d->state[office[i]] = barred;
	}
	for (size_t i = 0; more && i < n; i++)
		if (d->state[office[i]] == barred)
			d->state[office[i]] = FREE;
	return ok;
}

/* ---- the release ---- */

/* In whose row the cell stands; NO_OFFICE: in nobody's. */
static uint32_t owner_of(const struct audit *a, uint64_t cell)
{
	if (a->office_dim == NO_OFFICE)
		return NO_OFFICE;
	uint32_t code = lattice_place(a->g, cell, a->office_dim);
	return audit_part(a, cell, code) == cell && lattice_is_leaf(&a->g->dim[a->office_dim], code)
		   ? code
		   : NO_OFFICE;
}

/* The same of a sum. */
static uint32_t sum_owner(const struct audit *a, const struct listsum *b)
{
	uint32_t owner = owner_of(a, b->part[0]);
	for (size_t i = 1; i < b->n_parts; i++)
		owner = owner_of(a, b->part[i]) == owner ? owner : NO_OFFICE;
	return owner;
}

static bool cell_holds(struct doubt *d, uint64_t cell)
{
	struct audit *a = d->a;
	const struct passing *best;
	uint32_t owner = owner_of(a, cell);
	d->way = d->passing;
	bool small = a->g->truth[cell] < (int64_t)a->p->threshold;
	if (!small && (d->pool == 0 || owner != NO_OFFICE))
		return true;
	if (owner != NO_OFFICE)
		d->state[owner] = OWNER;
	bool ok = answer_of(d, &best) == DOUBT;
	if (ok)
		a->report->needs += small;
	else {
		d->s = (struct subject){ .cell = cell };
		audit_look_at(a, &d->s);
		d->rest = a->value;
		ok = holds(d);
	}
	if (owner != NO_OFFICE)
		d->state[owner] = FREE;
	return ok;
}

static bool cells_hold(struct doubt *d)
{
	bool ok = true;
	for (uint64_t c = 0; ok && c < d->a->g->n_cells; c++) {
		d->from = d->to;
		while (d->to < d->n_passing && d->passing[d->to].cell == c)
			d->to++;
		ok = !is_unprinted(d->a, c) || cell_holds(d, c);
	}
	return ok;
}

/* ---- sums of several lists ---- */

/* All that moves change, by cell. */
static bool of_sum_find(struct doubt *d)
{
	const struct audit *a = d->a;
	size_t n = 0;
	d->net = calloc((size_t)a->n_moves + 1, sizeof *d->net);
	d->of_sum = calloc(a->n_changes + 1, sizeof *d->of_sum);
	if (d->net == NULL || d->of_sum == NULL)
		return err_set(a->e, ERR_MEMORY, "no memory");
	for (uint32_t m = 0; m < a->n_moves; m++)
		for (uint64_t i = 0; i < a->move[m].n; i++) {
			const struct change *c = &a->change[a->move[m].start + i];
			d->of_sum[n++] = (struct passing){ c->cell, m,
				(uint32_t)(d->touched_from[m + 1] - d->touched_from[m]), c->by };
		}
	if (n > 0)
		qsort(d->of_sum, n, sizeof *d->of_sum, by_cell);
	return true;
}

static const struct passing *first_at(const struct doubt *d, uint64_t cell)
{
	size_t low = 0;
	size_t high = d->a->n_changes;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (d->of_sum[middle].cell < cell)
			low = middle + 1;
		else
			high = middle;
	}
	return d->of_sum + low;
}

/* Adds what each move changes of the sum's parts (add), or takes the moves that change the sum into room and clears net. */
static size_t sum_moves(struct doubt *d, const struct listsum *b, bool add, struct passing *room)
{
	const struct passing *end = d->of_sum + d->a->n_changes;
	size_t n = 0;
	for (size_t i = 0; i < b->n_parts; i++)
		for (const struct passing *p = first_at(d, b->part[i]); p < end && p->cell == b->part[i];
		     p++) {
			n++;
			if (add)
				d->net[p->move] += p->by;
			else if (d->net[p->move] != 0) {
				d->net[p->move] = 0;
				*room++ = (struct passing){ b->part[0], p->move, p->n_offices, 0 };
				d->to++;
			}
		}
	return n;
}

static bool sum_holds(void *context, const struct listsum *b)
{
	struct doubt *d = context;
	struct audit *a = d->a;
	audit_look_at_sum(a, b->part, b->n_parts);
	d->s = (struct subject){ .cell = b->part[0] };
	d->rest = a->value;
	if (a->value < 1 || least_rest(d) >= (int64_t)a->p->threshold)
		return true;
	if (d->of_sum == NULL && !of_sum_find(d))
		return false;
	size_t n = sum_moves(d, b, true, NULL);
	struct passing *room = calloc(n + 1, sizeof *room);
	if (room == NULL)
		return err_set(a->e, ERR_MEMORY, "no memory");
	d->from = d->to = 0;
	sum_moves(d, b, false, room);
	if (d->to > 0)
		qsort(room, d->to, sizeof *room, by_cell);
	d->way = room;
	uint32_t owner = d->pool == 0 ? NO_OFFICE : sum_owner(a, b);
	if (owner != NO_OFFICE)
		d->state[owner] = OWNER;
	bool ok = holds(d);
	if (owner != NO_OFFICE)
		d->state[owner] = FREE;
	free(room);
	return ok;
}

/* Printed or told, or nothing can be in it. */
static bool is_settled(const void *context, uint64_t cell)
{
	const struct audit *a = ((const struct doubt *)context)->a;
	return a->g->live[cell] == 0 || audit_printed(a, cell) ||
	       (a->told[cell] != TOLD_NOTHING && a->told[cell] != TOLD_FEW);
}

static bool has_left(const void *context, uint64_t cell)
{
	const struct audit *a = ((const struct doubt *)context)->a;
	return a->g->live[cell] == 0 || audit_has_left(a, cell) || a->told[cell] == TOLD_GONE;
}

static bool sums_hold(struct doubt *d)
{
	const struct audit *a = d->a;
	struct listsums_question q = { .g = a->g,
		.first_dim = a->releases != NULL,
		.n_counts = a->releases == NULL ? a->g->n_cells : auditledger_n_counts(a),
		.settled = is_settled,
		.left = has_left,
		.take = sum_holds,
		.context = d,
		.e = a->e };
	return listsums_visit(&q);
}

bool audit_unprinted(struct audit *a)
{
	struct doubt d = { .a = a, .pool = a->p->residual == RESIDUAL_NO ? 0 : a->pool };
	uint32_t n_codes = a->office_dim == NO_OFFICE ? 0 : a->g->dim[a->office_dim].n_codes;
	if (a->l1 || a->p->threshold == 0 || a->p->figures == FIGURES_AMOUNTS)
		return true;
	d.touched_from = calloc((size_t)a->n_moves + 1, sizeof *d.touched_from);
	d.touched = calloc(a->n_changes + 1, sizeof *d.touched);
	d.passing = calloc(a->n_changes + 1, sizeof *d.passing);
	d.state = calloc((size_t)n_codes + 1, sizeof *d.state);
	d.met = calloc((size_t)n_codes + 1, sizeof *d.met);
	bool ok = d.touched_from != NULL && d.touched != NULL && d.passing != NULL && d.state != NULL &&
		  d.met != NULL && touched_find(&d);
	if (ok) {
		passing_find(&d);
		ok = cells_hold(&d) && sums_hold(&d);
	} else
		err_set(a->e, ERR_MEMORY, "no memory");
	free(d.touched_from);
	free(d.touched);
	free(d.passing);
	free(d.state);
	free(d.met);
	free(d.of_sum);
	free(d.net);
	return ok;
}
