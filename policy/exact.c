#include "policy/exact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policy/simplex.h"

#define BALL_FIRST  100u /* cells of the smallest neighbourhood; each is three times the one before */
#define NOISE_TRIES 4u   /* other prices, where a solution is not whole */
#define WHOLE       1e-6

/* ---- the neighbourhood ---- */

struct ball {
	struct search *s;
	const struct need *need;
	const struct virt *virt;
	uint32_t *cell; /* in order of distance */
	uint32_t n, most;
	uint32_t *place;           /* by grid cell: in cell[], or NONE; n_cells places */
	struct relation *relation; /* all that touch the ball */
	uint32_t n_relations, room;
	int64_t amp;
	bool too_far; /* the program's answer is that amp cannot be reached */
};

static bool usable(const struct search *s, uint32_t cell)
{
	const struct grid *g = s->g;
	uint32_t office = grid_office(g, cell);
	if (g->kind[cell] == KIND_DEAD || g->kind[cell] == KIND_FORCED ||
	    (office != NONE && s->avoid[office]))
		return false;
	if (grid_loose(g, cell))
		return true;
	return s->pay && (s->look[cell] & (SPOT_BANNED | SPOT_PINNED)) == 0 &&
	       !(g->value[cell] == 0 && g->floor > 0);
}

static void ball_take(struct ball *b, uint32_t cell)
{
	if (b->place[cell] != NONE || b->n == b->most || !usable(b->s, cell))
		return;
	b->place[cell] = b->n;
	b->cell[b->n++] = cell;
}

typedef bool relation_visit(struct ball *b, const struct relation *r);

/* Every relation that holds the cell, as parent or child. */
static bool visit_relations(struct ball *b, uint32_t cell, relation_visit *visit)
{
	const struct grid *g = b->s->g;
	for (size_t d = 0; d < g->t->n_dims; d++) {
		const struct dim *dim = &g->t->dim[d];
		uint32_t code = grid_coord(g, cell, d);
		const struct list *lists[] = { &dim->down, &dim->up };
		for (int k = 0; k < 2; k++)
			for (uint32_t i = 0; i < list_size(lists[k], code); i++) {
				const struct breakdown *down = &dim->breakdown[list_at(lists[k], code)[i]];
				struct relation r = { d, down, grid_with(g, cell, d, down->parent) };
				if (!visit(b, &r))
					return false;
			}
	}
	return true;
}

static bool take_members(struct ball *b, const struct relation *r)
{
	ball_take(b, r->parent);
	for (uint32_t j = 0; j < r->b->n; j++)
		ball_take(b, relation_child(b->s->g, r, j));
	return true;
}

/* A relation is noted by the first of its members in the ball, so that it stands once. */
static bool note_relation(struct ball *b, const struct relation *r)
{
	for (uint32_t i = 0; i < b->n_relations; i++)
		if (b->relation[i].b == r->b && b->relation[i].parent == r->parent)
			return true;
	if (b->n_relations == b->room) {
		uint32_t room = b->room == 0 ? 256 : 2 * b->room;
		struct relation *more = realloc(b->relation, room * sizeof *more);
		if (more == NULL)
			return false;
		b->relation = more;
		b->room = room;
	}
	b->relation[b->n_relations++] = *r;
	return true;
}

static bool ball_make(struct ball *b)
{
	const struct grid *g = b->s->g;
	if (b->virt == NULL)
		ball_take(b, b->need->cell);
	for (uint32_t j = 0; b->virt != NULL && j < b->virt->r.b->n; j++)
		if (virt_holds(g, b->virt, j))
			ball_take(b, virt_part(g, b->virt, j));
	for (uint32_t i = 0; i < b->n && b->n < b->most; i++)
		visit_relations(b, b->cell[i], take_members);
	for (uint32_t i = 0; i < b->n; i++)
		if (!visit_relations(b, b->cell[i], note_relation))
			return false;
	return b->n > 0;
}

/* ---- the program: columns 2i and 2i + 1 are cell i upwards and downwards, the last is the need's change ---- */

static void put_coefficient(const struct ball *b, struct simplex *x, uint32_t row, uint32_t cell, double by)
{
	if (b->place[cell] != NONE)
		simplex_add(x, row, 2 * b->place[cell], by);
}

static void put_bounds(const struct ball *b, struct simplex *x, uint32_t i)
{
	const struct search *s = b->s;
	uint32_t cell = b->cell[i];
	double wide = 4.0 * (double)b->amp + 8.0;
	double room = (double)(s->g->value[cell] - grid_floor(s->g, cell));
	x->high[2 * i] = wide;
	x->high[2 * i + 1] = s->any_room || room > wide ? wide : room < 0 ? 0 : room;
}

static bool program_make(const struct ball *b, struct simplex *x)
{
	uint32_t last = 2 * b->n;
	if (!simplex_init(x, b->n_relations + 1, last + 1, b->n))
		return false;
	for (uint32_t i = 0; i < b->n_relations; i++) {
		const struct relation *r = &b->relation[i];
		put_coefficient(b, x, i, r->parent, 1.0);
		for (uint32_t j = 0; j < r->b->n; j++)
			put_coefficient(b, x, i, relation_child(b->s->g, r, j), -1.0);
	}
	uint32_t row = b->n_relations;
	if (b->virt == NULL)
		put_coefficient(b, x, row, b->need->cell, b->need->dir);
	for (uint32_t j = 0; b->virt != NULL && j < b->virt->r.b->n; j++)
		if (virt_holds(b->s->g, b->virt, j))
			put_coefficient(b, x, row, virt_part(b->s->g, b->virt, j), b->need->dir);
	simplex_add(x, row, last, -1.0);
	for (uint32_t i = 0; i < b->n; i++)
		put_bounds(b, x, i);
	x->high[last] = (double)b->amp;
	return true;
}

/* First as far as it goes, then as cheap as it goes. */
static bool program_run(struct ball *b, struct simplex *x, unsigned attempt)
{
	uint32_t last = 2 * b->n;
	const struct grid *g = b->s->g;
	memset(x->cost, 0, x->n * sizeof *x->cost);
	x->cost[last] = -1.0;
	bool ended = simplex_run(x);
	b->too_far = ended && x->x[last] < (double)b->amp - WHOLE;
	if (!ended || b->too_far)
		return false;
	x->low[last] = x->x[last] = (double)b->amp;
	x->cost[last] = 0.0;
	for (uint32_t i = 0; i < b->n; i++) {
		double noise = (double)(grid_random(g, 11, b->cell[i], attempt) >> 40) / (double)(1u << 24);
		double price =
		    grid_loose(g, b->cell[i]) ? 0.01 : 1.0 + (double)search_price(b->s, b->cell[i]);
		x->cost[2 * i] = x->cost[2 * i + 1] = price * (1.0 + 0.5 * attempt * noise);
	}
	return simplex_run(x);
}

/* ---- the answer, in whole numbers ---- */

static bool whole(const struct ball *b, const struct simplex *x, int64_t *by)
{
	for (uint32_t i = 0; i < b->n; i++) {
		double v = x->x[2 * i] - x->x[2 * i + 1];
		by[i] = llround(v);
		if (fabs(v - (double)by[i]) > WHOLE)
			return false;
	}
	return true;
}

static bool relations_hold(const struct ball *b, const int64_t *by)
{
	for (uint32_t i = 0; i < b->n_relations; i++) {
		const struct relation *r = &b->relation[i];
		int64_t sum = b->place[r->parent] == NONE ? 0 : by[b->place[r->parent]];
		for (uint32_t j = 0; j < r->b->n; j++) {
			uint32_t place = b->place[relation_child(b->s->g, r, j)];
			sum -= place == NONE ? 0 : by[place];
		}
		if (sum != 0)
			return false;
	}
	return true;
}

static bool room_holds(const struct ball *b, const int64_t *by)
{
	const struct grid *g = b->s->g;
	for (uint32_t i = 0; i < b->n; i++)
		if (!b->s->any_room && by[i] < 0 && g->value[b->cell[i]] + by[i] < grid_floor(g, b->cell[i]))
			return false;
	return true;
}

static bool answer_put(const struct ball *b, const int64_t *by)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (by[i] != 0 && !search_put(b->s, b->cell[i], by[i]))
			return false;
	return true;
}

static bool ball_solve(struct ball *b)
{
	int64_t *by = malloc(((size_t)b->n + 1) * sizeof *by);
	bool ok = false;
	for (unsigned attempt = 0; by != NULL && !ok && attempt < NOISE_TRIES; attempt++) {
		struct simplex x;
		bool solved = program_make(b, &x);
		if (solved)
			solved = simplex_crash(&x) && program_run(b, &x, attempt);
		ok = solved && whole(b, &x, by) && relations_hold(b, by) && room_holds(b, by);
		b->s->work += x.work;
		simplex_free(&x);
		if (!solved)
			break; /* other prices will not help */
	}
	ok = ok && answer_put(b, by);
	free(by);
	return ok;
}

bool exact_find(struct search *s, const struct need *need, const struct virt *virt, int64_t amp,
    unsigned rounds, bool *none)
{
	uint32_t most = BALL_FIRST;
	bool ok = false;
	*none = false;
	struct ball b = { .s = s, .need = need, .virt = virt, .amp = amp };
	b.place = malloc((size_t)s->g->n_cells * sizeof *b.place);
	for (unsigned i = 0; b.place != NULL && i < rounds && !ok; i++, most *= 3) {
		uint32_t *cell = realloc(b.cell, (size_t)most * sizeof *b.cell);
		if (cell == NULL)
			break;
		b.cell = cell;
		memset(b.place, 0xff, (size_t)s->g->n_cells * sizeof *b.place);
		b.n = 0;
		b.n_relations = 0;
		b.most = most;
		search_reset(s);
		b.too_far = false;
		ok = ball_make(&b) && ball_solve(&b);
		*none = b.n == 0 || (b.too_far && b.n < most);
		if (b.n < most)
			break; /* the whole component was in it */
	}
	if (!ok)
		search_reset(s);
	free(b.place);
	free(b.cell);
	free(b.relation);
	return ok;
}
