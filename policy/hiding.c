#include "policy/hiding.h"

#include <stdlib.h>
#include <string.h>

#include "policy/array.h"
#include "policy/equations.h"

#define SOLVED_MOST 3u /* cells of relations that are solved before the space is made */

static bool grow(struct hiding *h, void *array, uint32_t *room, uint32_t need, size_t size)
{
	if (array_room(array, room, need, size))
		return true;
	h->space.failed = true;
	return false;
}

/* ---- virtual sums: parent less one child, or the children not printed ---- */

typedef void each_part(struct hiding *h, uint32_t sum, uint32_t cell, bool off);

static void walk_sum(struct hiding *h, uint32_t sum, each_part *each)
{
	const struct virt *v = &h->n->virt[sum];
	if (v->except != NONE) {
		each(h, sum, v->r.parent, false);
		each(h, sum, relation_child(h->g, &v->r, v->except), true);
		return;
	}
	for (uint32_t j = 0; j < v->r.b->n; j++)
		if (virt_holds(h->g, v, j))
			each(h, sum, virt_part(h->g, v, j), false);
}

static void count_part(struct hiding *h, uint32_t sum, uint32_t cell, bool off)
{
	(void)sum;
	(void)off;
	h->sum_first[cell + 1]++;
}

static void put_part(struct hiding *h, uint32_t sum, uint32_t cell, bool off)
{
	h->sum_of[h->sum_first[cell]++] = sum * 2 + off;
}

static bool index_sums(struct hiding *h)
{
	uint32_t n = h->g->n_cells;
	if (h->n->n_virt == 0)
		return true;
	h->sum_first = calloc((size_t)n + 2, sizeof *h->sum_first);
	if (h->sum_first == NULL)
		return false;
	for (uint32_t i = 0; i < h->n->n_virt; i++)
		walk_sum(h, i, count_part);
	for (uint32_t c = 0; c < n; c++)
		h->sum_first[c + 1] += h->sum_first[c];
	h->sum_of = malloc(((size_t)h->sum_first[n] + 1) * sizeof *h->sum_of);
	if (h->sum_of == NULL)
		return false;
	for (uint32_t i = 0; i < h->n->n_virt; i++)
		walk_sum(h, i, put_part);
	for (uint32_t c = n; c > 0; c--)
		h->sum_first[c] = h->sum_first[c - 1];
	h->sum_first[0] = 0;
	return true;
}

static void define_part(struct hiding *h, uint32_t sum, uint32_t cell, bool off)
{
	if (h->place_of[cell] != NONE)
		space_define(&h->space, h->space.first_sum + sum, h->place_of[cell], off);
}

/* ---- hiding and showing ---- */

static void bag_put(struct hiding *h, uint32_t cell)
{
	if (!grow(h, &h->bag, &h->room_bag, h->n_bag + 1, sizeof *h->bag))
		return;
	h->bag_at[h->place_of[cell]] = h->n_bag;
	h->bag[h->n_bag++] = cell;
	h->g->use[cell] = 1;
	grid_see(h->g, cell);
	h->cost += (double)h->g->price[cell];
}

static void bag_take(struct hiding *h, uint32_t cell)
{
	uint32_t at = h->bag_at[h->place_of[cell]];
	uint32_t last = h->bag[--h->n_bag];
	h->bag[at] = last;
	h->bag_at[h->place_of[last]] = at;
	h->bag_at[h->place_of[cell]] = NONE;
	h->g->use[cell] = 0;
	grid_see(h->g, cell);
	h->cost -= (double)h->g->price[cell];
}

/* Makes sure that the cell has a place. */
static bool settle(struct hiding *h, uint32_t cell)
{
	if (h->place_of[cell] != NONE)
		return true;
	uint32_t place = space_new(&h->space);
	if (place == NONE || !grow(h, &h->cell_of, &h->room_cells, place + 1, sizeof *h->cell_of) ||
	    !grow(h, &h->bag_at, &h->room_at, place + 1, sizeof *h->bag_at))
		return false;
	h->cell_of[place] = cell;
	h->bag_at[place] = NONE;
	h->place_of[cell] = place;
	return true;
}

static struct hiding_step *add_step(struct hiding *h, uint32_t what, uint32_t cell)
{
	if (!grow(h, &h->step, &h->room_steps, h->n_steps + 1, sizeof *h->step))
		return NULL;
	h->step[h->n_steps] = (struct hiding_step){ what, cell, 0, 0 };
	return &h->step[h->n_steps++];
}

static void hide(struct hiding *h, uint32_t cell)
{
	bag_put(h, cell);
	add_step(h, HIDING_HID, cell);
}

void hiding_show(struct hiding *h, uint32_t cell)
{
	bag_take(h, cell);
	add_step(h, HIDING_SHOWN, cell);
}

/* Notes a step that is taken back with the vector the space left. */
static void keep_vector(struct hiding *h, uint32_t what)
{
	const struct space *s = &h->space;
	if (s->failed || !grow(h, &h->kept, &h->room_kept, h->n_kept + s->n_vector, sizeof *h->kept))
		return;
	struct hiding_step *step = add_step(h, what, NONE);
	if (step == NULL)
		return;
	step->first = h->n_kept;
	step->n = s->n_vector;
	memcpy(h->kept + h->n_kept, s->vector, s->n_vector * sizeof *h->kept);
	h->n_kept += s->n_vector;
}

void hiding_drop(struct hiding *h, uint32_t place)
{
	space_drop(&h->space, place);
	if (h->space.n_vector > 0)
		keep_vector(h, HIDING_DROPPED);
}

void hiding_add(struct hiding *h, const struct term *term, uint32_t n_terms)
{
	const struct grid *g = h->g;
	uint32_t n = 0;
	for (uint32_t i = 0; i < n_terms; i++) {
		uint32_t cell = term[i].cell;
		uint32_t first = h->sum_first == NULL ? 0 : h->sum_first[cell];
		uint32_t next = h->sum_first == NULL ? 0 : h->sum_first[cell + 1];
		if (!grow(h, &h->vector, &h->room_vector, n + 1 + next - first, sizeof *h->vector) ||
		    !settle(h, cell))
			return;
		if (g->kind[cell] == KIND_OPEN && !grid_hidden(g, cell))
			hide(h, cell);
		uint32_t plus = term[i].sign > 0 ? 1 : SPACE_PRIME - 1;
		h->vector[n++] = (struct space_item){ h->place_of[cell], plus };
		for (uint32_t j = first; j < next; j++)
			h->vector[n++] = (struct space_item){ h->space.first_sum + h->sum_of[j] / 2,
				h->sum_of[j] % 2 == 0 ? plus : SPACE_PRIME - plus };
	}
	if (space_add(&h->space, h->vector, n))
		keep_vector(h, HIDING_ADDED);
}

void hiding_take_back(struct hiding *h)
{
	while (h->n_steps > 0 && !h->space.failed) {
		struct hiding_step *s = &h->step[--h->n_steps];
		if (s->what == HIDING_HID)
			bag_take(h, s->cell);
		else if (s->what == HIDING_SHOWN)
			bag_put(h, s->cell);
		else if (s->what == HIDING_ADDED)
			space_impose(&h->space, h->kept + s->first, s->n);
		else
			space_add(&h->space, h->kept + s->first, s->n);
	}
	h->n_kept = 0;
}

void hiding_keep(struct hiding *h)
{
	h->n_steps = 0;
	h->n_kept = 0;
}

/* ---- the space of a pattern ---- */

/* Places for all cells that are hidden, in their order. */
static bool give_places(struct hiding *h)
{
	uint32_t n = 0;
	for (uint32_t c = 0; c < h->g->n_cells; c++)
		h->place_of[c] = grid_loose(h->g, c) ? n++ : NONE;
	uint32_t places = n + h->n->n_virt;
	space_free(&h->space);
	if (!space_init(&h->space, n, h->n->n_virt, h->g->n_cells + h->n->n_virt) ||
	    !grow(h, &h->cell_of, &h->room_cells, places + 1, sizeof *h->cell_of) ||
	    !grow(h, &h->bag_at, &h->room_at, places + 1, sizeof *h->bag_at))
		return false;
	memset(h->cell_of, 0xff, (size_t)places * sizeof *h->cell_of);
	memset(h->bag_at, 0xff, (size_t)places * sizeof *h->bag_at);
	for (uint32_t c = 0; c < h->g->n_cells; c++)
		if (h->place_of[c] != NONE)
			h->cell_of[h->place_of[c]] = c;
	return true;
}

/* All changes that the relations leave open. */
static bool load_space(struct hiding *h)
{
	struct equations q;
	uint32_t *place = NULL;
	bool ok = equations_solve(&q, h->g, SOLVED_MOST) &&
		  (place = malloc(((size_t)q.n_unknowns + 1) * sizeof *place)) != NULL;
	for (uint32_t c = 0, n = 0; ok && c < h->g->n_cells; c++)
		if (equations_is_open(&q, c))
			place[n++] = h->place_of[c];
	ok = ok && space_load(&h->space, &q.x, place);
	free(place);
	equations_free(&q);
	h->space.failed = h->space.failed || !ok;
	return ok;
}

bool hiding_load(struct hiding *h)
{
	struct grid *g = h->g;
	h->cost = 0.0;
	h->n_bag = 0;
	grid_see_all(g);
	if (!give_places(h) || !load_space(h))
		return false;
	for (uint32_t c = 0; c < g->n_cells; c++)
		if (h->place_of[c] != NONE && g->kind[c] == KIND_OPEN && g->primary[c] == 0 &&
		    g->frozen[c] == 0)
			bag_put(h, c);
	for (uint32_t i = 0; i < h->n->n_virt; i++)
		walk_sum(h, i, define_part);
	return !h->space.failed;
}

bool hiding_init(struct hiding *h, struct grid *g, const struct needs *n)
{
	*h = (struct hiding){ .g = g, .n = n };
	h->place_of = malloc(((size_t)g->n_cells + 1) * sizeof *h->place_of);
	return h->place_of != NULL && index_sums(h);
}

bool hiding_reload(struct hiding *h, const uint32_t *cell, uint32_t n)
{
	hiding_end(h);
	for (uint32_t i = 0; i < n; i++)
		h->g->use[cell[i]] = 1;
	return hiding_load(h);
}

void hiding_end(struct hiding *h)
{
	memset(h->g->use, 0, (size_t)h->g->n_cells * sizeof *h->g->use);
	grid_see_all(h->g);
	h->n_bag = 0;
}

void hiding_free(struct hiding *h)
{
	space_free(&h->space);
	free(h->place_of);
	free(h->cell_of);
	free(h->bag_at);
	free(h->sum_first);
	free(h->sum_of);
	free(h->bag);
	free(h->vector);
	free(h->step);
	free(h->kept);
}
