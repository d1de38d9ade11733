#include "policy/step.h"

#include <stdlib.h>
#include <string.h>

#define ATOM_TRIES  12u
#define OTHER_TRIES 10u

struct draws draws_from(const struct grid *g, uint64_t phase, uint64_t cell, uint64_t attempt)
{
	return (struct draws){ grid_random(g, phase, cell, attempt) };
}

static uint64_t draws_next(struct draws *r) /* splitmix64 */
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t draws_below(struct draws *r, uint32_t n)
{
	return (uint32_t)(((draws_next(r) >> 32) * n) >> 32);
}

bool step_init(struct step *s, const struct grid *g, struct err *e)
{
	memset(s, 0, sizeof *s);
	s->g = g;
	s->view_dim = SIZE_MAX;
	s->part = malloc(STEP_CELLS_MAX * sizeof *s->part);
	s->part_by = malloc(STEP_CELLS_MAX);
	if (s->part == NULL || s->part_by == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the moves");
	for (size_t d = 0; d < g->t->n_dims; d++) {
		struct step_axis *a = &s->axis[d];
		size_t n = (size_t)g->t->dim[d].n_codes + 1;
		a->code = malloc(2 * n * sizeof *a->code);
		a->sign = malloc(2 * n);
		a->one = malloc(n * sizeof *a->one);
		a->two = malloc(n * sizeof *a->two);
		a->mark = calloc(n, 1);
		for (uint32_t i = 0; i < g->t->dim[d].n_breakdowns; i++)
			s->view_dim = g->t->dim[d].breakdown[i].view ? d : s->view_dim;
		if (a->code == NULL || a->sign == NULL || a->one == NULL || a->two == NULL || a->mark == NULL)
			return err_set(e, ERR_MEMORY, "no memory for the moves");
	}
	return true;
}

void step_free(struct step *s)
{
	for (size_t d = 0; d < TABLE_DIMS_MAX; d++) {
		struct step_axis *a = &s->axis[d];
		free(a->code);
		free(a->sign);
		free(a->one);
		free(a->two);
		free(a->mark);
	}
	free(s->part);
	free(s->part_by);
	memset(s, 0, sizeof *s);
}

/* ---- persons ---- */

static bool avoided(const struct step *s, size_t d, uint32_t atom)
{
	return s->avoid != NULL && d == s->g->office_dim && s->avoid[atom] != 0;
}

/* An atom below the code in its region; NONE: all are to be avoided. */
static uint32_t pick_atom(const struct step *s, size_t d, uint32_t code, struct draws *r)
{
	const struct dim *dim = &s->g->t->dim[d];
	uint32_t n = list_size(&dim->atoms, code);
	const uint32_t *atom = list_at(&dim->atoms, code);
	uint32_t from = draws_below(r, n);
	for (uint32_t i = 0; i < n; i++)
		if (!avoided(s, d, atom[(from + i) % n]))
			return atom[(from + i) % n];
	return NONE;
}

/* Where the person must pass, region by region: from the code up to the main region. */
struct path {
	uint32_t view[TABLE_DEPTH_MAX];  /* breakdown to be passed by child[] */
	uint32_t below[TABLE_DEPTH_MAX]; /* code of that child's region the person must be in */
	uint32_t n;
	uint32_t top; /* code of the main region */
};

static bool path_find(const struct dim *dim, uint32_t code, struct path *p)
{
	p->n = 0;
	p->top = code;
	while (dim->base_view[dim->region[p->top]] != NONE) {
		if (p->n == TABLE_DEPTH_MAX)
			return false;
		p->view[p->n] = dim->base_view[dim->region[p->top]];
		p->below[p->n] = p->top;
		p->top = dim->breakdown[p->view[p->n]].parent;
		p->n++;
	}
	return true;
}

static bool holds(const uint32_t *code, uint32_t n, uint32_t wanted)
{
	for (uint32_t i = 0; i < n; i++)
		if (code[i] == wanted)
			return true;
	return false;
}

/* How a person is to be drawn. */
struct who {
	uint32_t through; /* a code of his */
	int sign;         /* how he will count */
	const uint32_t
	    *as; /* another person, whose answers he gives where he can, but not to this code's question: */
	uint32_t n_as;
	uint32_t unlike;
	step_wanted *wanted;
	const void *context;
};

/* Is there room for the code in all cells of the other dimensions' product? */
static bool code_fits(const struct step *s, size_t d, uint32_t code, const struct who *w)
{
	for (uint32_t i = 0; i < s->n_part; i++)
		if (!w->wanted(w->context, s->part[i] + code * (uint32_t)s->g->t->stride[d],
			s->part_by[i] * w->sign))
			return false;
	return true;
}

/* The code below which the person stands in this view. */
static uint32_t view_child(
    const struct step *s, size_t d, const struct path *p, uint32_t view, const struct who *w, struct draws *r)
{
	const struct dim *dim = &s->g->t->dim[d];
	const struct breakdown *b = &dim->breakdown[view];
	uint32_t from = draws_below(r, b->n);
	for (uint32_t i = 0; i < p->n; i++)
		if (p->view[i] == view)
			return p->below[i];
	for (uint32_t j = 0; j < b->n && w->n_as > 0; j++) {
		uint32_t child = dim->child[b->first + j];
		if (holds(w->as, w->n_as, child))
			return child == w->unlike ? dim->child[b->first + (j + 1) % b->n] : child;
	}
	for (uint32_t j = 0; j < b->n; j++) {
		uint32_t child = dim->child[b->first + (from + j) % b->n];
		if (code_fits(s, d, child, w))
			return child;
	}
	return dim->child[b->first + from];
}

static uint32_t put_above(const struct dim *dim, uint32_t atom, uint32_t *out, uint32_t n)
{
	for (uint32_t i = 0; atom != NONE && i < list_size(&dim->above, atom); i++)
		out[n++] = list_at(&dim->above, atom)[i];
	return n;
}

/* All codes of such a person; 0: none that may be touched. */
static uint32_t draw_person(
    const struct step *s, size_t d, const struct who *w, uint32_t *out, struct draws *r)
{
	const struct dim *dim = &s->g->t->dim[d];
	struct path path;
	uint32_t n = 0;
	if (!path_find(dim, w->through, &path))
		return 0;
	n = put_above(dim, pick_atom(s, d, path.top, r), out, 0);
	for (uint32_t done = 0; done < n; done++) /* each code's views, in turn */
		for (uint32_t k = dim->n_plain[out[done]]; k < list_size(&dim->down, out[done]); k++) {
			uint32_t view = list_at(&dim->down, out[done])[k];
			n = put_above(dim, pick_atom(s, d, view_child(s, d, &path, view, w, r), r), out, n);
		}
	return n;
}

/* ---- one axis ---- */

static void axis_set(struct step_axis *a)
{
	for (uint32_t i = 0; i < a->n_one; i++)
		a->mark[a->one[i]]++;
	for (uint32_t i = 0; i < a->n_two; i++)
		a->mark[a->two[i]]--;
	a->n = 0;
	for (uint32_t i = 0; i < a->n_one + a->n_two; i++) {
		uint32_t c = i < a->n_one ? a->one[i] : a->two[i - a->n_one];
		if (a->mark[c] == 0)
			continue;
		a->code[a->n] = c;
		a->sign[a->n++] = a->mark[c];
		a->mark[c] = 0;
	}
	for (uint32_t i = 0; i < a->n_one; i++)
		a->mark[a->one[i]] = 0;
	for (uint32_t i = 0; i < a->n_two; i++)
		a->mark[a->two[i]] = 0;
}

/* The cell of the first persons' deepest codes, one dimension with the second person's. */
static uint32_t corner(const struct step *s, size_t other)
{
	uint64_t cell = 0;
	for (size_t d = 0; d < s->g->t->n_dims; d++)
		cell += (d == other ? s->axis[d].two[0] : s->axis[d].one[0]) * s->g->t->stride[d];
	return (uint32_t)cell;
}

/* A second person that the cell's code does not hold; the dimension stays a single person's without one. */
static void draw_other(struct step *s, size_t d, uint32_t code, int dir, struct draws *r, step_wanted *wanted,
    const void *context)
{
	struct step_axis *a = &s->axis[d];
	struct who w = { .sign = -1, .wanted = wanted, .context = context, .unlike = code };
	a->n_two = 0;
	if (code == 0) /* every person belongs to the total */
		return;
	if (d == s->view_dim) {
		w.as = a->one;
		w.n_as = a->n_one;
	}
	for (unsigned i = 0; i < OTHER_TRIES; i++) {
		a->n_two = draw_person(s, d, &w, a->two, r);
		if (holds(a->two, a->n_two, code))
			a->n_two = 0;
		else if (a->n_two > 0 && wanted(context, corner(s, d), -dir))
			return;
	}
}

static bool draw_ones(
    struct step *s, uint32_t cell, int dir, struct draws *r, step_wanted *wanted, const void *context)
{
	for (unsigned i = 0; i < ATOM_TRIES; i++) {
		for (size_t d = 0; d < s->g->t->n_dims; d++) {
			struct step_axis *a = &s->axis[d];
			const struct who w = { .through = grid_coord(s->g, cell, d),
				.sign = 1,
				.wanted = wanted,
				.context = context };
			a->n_one = draw_person(s, d, &w, a->one, r);
			if (a->n_one == 0)
				return false;
		}
		if (wanted(context, corner(s, SIZE_MAX), dir))
			break;
	}
	return true;
}

/* Product over all dimensions but `skip`; 0 cells: too large. */
static uint32_t multiply(const struct step *s, size_t skip, int dir, uint32_t *cell, int8_t *by)
{
	uint32_t n = 1;
	cell[0] = 0;
	by[0] = (int8_t)dir;
	for (size_t d = 0; d < s->g->t->n_dims; d++) {
		const struct step_axis *a = &s->axis[d];
		if (d == skip)
			continue;
		if (a->n == 0 || (uint64_t)n * a->n > STEP_CELLS_MAX)
			return 0;
		for (uint32_t j = a->n; j-- > 0;) /* the first copy is written over last */
			for (uint32_t i = 0; i < n; i++) {
				cell[j * n + i] = cell[i] + a->code[j] * (uint32_t)s->g->t->stride[d];
				by[j * n + i] = (int8_t)(by[i] * a->sign[j]);
			}
		n *= a->n;
	}
	return n;
}

/* The view dimension last, its persons with an eye to the product of the others. */
static bool draw_views(
    struct step *s, uint32_t cell, int dir, struct draws *r, step_wanted *wanted, const void *context)
{
	size_t d = s->view_dim;
	struct step_axis *a = &s->axis[d];
	const struct who w = {
		.through = grid_coord(s->g, cell, d), .sign = 1, .wanted = wanted, .context = context
	};
	s->n_part = multiply(s, d, dir, s->part, s->part_by);
	if (s->n_part == 0)
		return false;
	a->n_one = draw_person(s, d, &w, a->one, r);
	a->n_two = 0;
	if (a->n_one > 0 && draws_below(r, 2) > 0)
		draw_other(s, d, w.through, dir, r, wanted, context);
	s->n_part = 0;
	axis_set(a);
	return a->n_one > 0;
}

bool step_draw(
    struct step *s, uint32_t cell, int dir, struct draws *r, step_wanted *wanted, const void *context)
{
	s->n_part = 0;
	if (!draw_ones(s, cell, dir, r, wanted, context))
		return false;
	for (size_t d = 0; d < s->g->t->n_dims; d++) {
		struct step_axis *a = &s->axis[d];
		if (d == s->view_dim)
			continue;
		a->n_two = 0;
		if (draws_below(r, 3) > 0)
			draw_other(s, d, grid_coord(s->g, cell, d), dir, r, wanted, context);
		axis_set(a);
	}
	if (s->view_dim != SIZE_MAX && !draw_views(s, cell, dir, r, wanted, context))
		return false;
	s->n = multiply(s, SIZE_MAX, dir, s->cell, s->by);
	return s->n > 0;
}

bool step_draw_person(
    struct step *s, uint32_t cell, int dir, struct draws *r, step_wanted *wanted, const void *context)
{
	s->n_part = 0;
	if (!draw_ones(s, cell, dir, r, wanted, context))
		return false;
	for (size_t d = 0; d < s->g->t->n_dims; d++) {
		s->axis[d].n_two = 0;
		axis_set(&s->axis[d]);
	}
	s->n = multiply(s, SIZE_MAX, dir, s->cell, s->by);
	return s->n > 0;
}

bool step_between(struct step *s, const uint32_t *one, const uint32_t *two, int dir)
{
	for (size_t d = 0; d < s->g->t->n_dims; d++) {
		struct step_axis *a = &s->axis[d];
		a->n_one = put_above(&s->g->t->dim[d], one[d], a->one, 0);
		a->n_two = put_above(&s->g->t->dim[d], two[d], a->two, 0);
		axis_set(a);
	}
	s->n = multiply(s, SIZE_MAX, dir, s->cell, s->by);
	return s->n > 0;
}
