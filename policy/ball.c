#include "policy/ball.h"

#include <stdlib.h>
#include <string.h>

bool ball_init(struct ball *b, struct search *s, const struct need *need, const struct virt *virt)
{
	*b = (struct ball){ .s = s, .need = need, .virt = virt };
	b->place = malloc((size_t)s->g->n_cells * sizeof *b->place);
	return b->place != NULL;
}

void ball_free(struct ball *b)
{
	free(b->place);
	free(b->cell);
	free(b->relation);
	free(b->left_out);
}

static bool usable(const struct ball *b, uint32_t cell)
{
	const struct search *s = b->s;
	const struct grid *g = s->g;
	uint32_t office = grid_office(g, cell);
	if (g->kind[cell] == KIND_DEAD || g->kind[cell] == KIND_FORCED)
		return false;
	if (office != NONE && (s->avoid[office] || (b->left_out != NULL && b->left_out[office])))
		return false;
	if (grid_loose(g, cell))
		return true;
	return s->pay && (s->look[cell] & (SPOT_BANNED | SPOT_PINNED)) == 0 &&
	       !(g->value[cell] == 0 && g->floor > 0);
}

/* ---- what is near ---- */

static void take(struct ball *b, uint32_t cell)
{
	if (b->place[cell] != NONE || b->n == b->most || !usable(b, cell))
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
	take(b, r->parent);
	for (uint32_t j = 0; j < r->b->n; j++)
		take(b, relation_child(b->s->g, r, j));
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

bool ball_make(struct ball *b, uint32_t most)
{
	const struct grid *g = b->s->g;
	uint32_t *cell = realloc(b->cell, (size_t)most * sizeof *b->cell);
	if (cell == NULL)
		return false;
	b->cell = cell;
	b->most = most;
	b->n = b->n_relations = 0;
	memset(b->place, 0xff, (size_t)g->n_cells * sizeof *b->place);
	if (b->virt == NULL)
		take(b, b->need->cell);
	for (uint32_t j = 0; b->virt != NULL && j < b->virt->r.b->n; j++)
		if (virt_holds(g, b->virt, j))
			take(b, virt_part(g, b->virt, j));
	for (uint32_t i = 0; i < b->n && b->n < b->most; i++)
		visit_relations(b, b->cell[i], take_members);
	for (uint32_t i = 0; i < b->n; i++)
		if (!visit_relations(b, b->cell[i], note_relation))
			return false;
	return true;
}

/* ---- a few offices of every area ---- */

struct candidate {
	uint32_t office;
	uint32_t cells; /* that may be used */
	uint64_t worth; /* of these, how many can go down; or drawn */
	uint32_t rank;  /* within its area, most worth first; 0 for those beside the need's cell */
};

static void count_cells(const struct ball *b, struct candidate *by_code)
{
	const struct grid *g = b->s->g;
	for (uint32_t cell = 0; cell < g->n_cells; cell++) {
		uint32_t office = grid_office(g, cell);
		if (office == NONE || !usable(b, cell))
			continue;
		by_code[office].cells++;
		by_code[office].worth += b->s->any_room || g->value[cell] > grid_floor(g, cell);
	}
}

/* Is the office what the need is about, of the same area, or of the area it is about? */
static bool is_beside(const struct dim *d, const uint8_t *mine, uint32_t office)
{
	if (mine[office])
		return true;
	for (uint32_t i = 0; i < list_size(&d->up, office); i++) {
		const struct breakdown *area = &d->breakdown[list_at(&d->up, office)[i]];
		if (mine[area->parent])
			return true;
		for (uint32_t j = 0; j < area->n; j++)
			if (mine[d->child[area->first + j]])
				return true;
	}
	return false;
}

static bool comes_before(const struct candidate *a, const struct candidate *b)
{
	if (a->worth != b->worth)
		return a->worth > b->worth;
	return a->office < b->office;
}

/* Codes of the office dimension that the need's cell, or the parts of its sum, stand at. */
static void mark_codes(const struct ball *b, uint8_t *mine)
{
	const struct grid *g = b->s->g;
	if (b->virt == NULL)
		mine[grid_coord(g, b->need->cell, g->office_dim)] = 1;
	for (uint32_t j = 0; b->virt != NULL && j < b->virt->r.b->n; j++)
		if (virt_holds(g, b->virt, j))
			mine[grid_coord(g, virt_part(g, b->virt, j), g->office_dim)] = 1;
}

static void rank(const struct dim *d, const uint8_t *mine, struct candidate *by_code)
{
	for (uint32_t o = 0; o < d->n_codes; o++) {
		struct candidate *c = &by_code[o];
		if (c->cells == 0 || is_beside(d, mine, o))
			continue;
		const struct breakdown *area = &d->breakdown[list_at(&d->up, o)[0]];
		c->rank = 1;
		for (uint32_t j = 0; j < area->n; j++)
			c->rank += comes_before(&by_code[d->child[area->first + j]], c);
	}
}

static int by_rank(const void *x, const void *y)
{
	const struct candidate *a = x, *b = y;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return a->office < b->office ? -1 : a->office > b->office;
}

static void choose(struct ball *b, const struct dim *d, struct candidate *by_code, uint32_t most)
{
	uint32_t cells = 0;
	qsort(by_code, d->n_codes, sizeof *by_code, by_rank);
	for (uint32_t i = 0; i < d->n_codes; i++) {
		const struct candidate *c = &by_code[i];
		b->left_out[c->office] = c->cells > 0 && cells >= most;
		b->thin = b->thin || b->left_out[c->office];
		cells += c->cells;
	}
}

bool ball_thin(struct ball *b, uint32_t most, unsigned attempt)
{
	const struct grid *g = b->s->g;
	if (g->office_dim == SIZE_MAX)
		return true;
	const struct dim *d = &g->t->dim[g->office_dim];
	struct candidate *by_code = calloc(d->n_codes, sizeof *by_code);
	uint8_t *mine = calloc(d->n_codes, 1);
	free(b->left_out);
	b->left_out = calloc(d->n_codes, 1);
	b->thin = false;
	bool ok = by_code != NULL && mine != NULL && b->left_out != NULL;
	if (ok) {
		for (uint32_t o = 0; o < d->n_codes; o++)
			by_code[o].office = o;
		count_cells(b, by_code);
		for (uint32_t o = 0; attempt > 0 && o < d->n_codes; o++)
			by_code[o].worth = grid_random(g, 17, o, attempt);
		mark_codes(b, mine);
		rank(d, mine, by_code);
		choose(b, d, by_code, most);
	}
	free(by_code);
	free(mine);
	return ok;
}

bool ball_narrow(struct ball *b, const bool *met)
{
	const struct grid *g = b->s->g;
	if (g->office_dim == SIZE_MAX)
		return false;
	size_t n_codes = g->t->dim[g->office_dim].n_codes;
	uint8_t *left_out = malloc(n_codes);
	if (left_out == NULL)
		return false;
	memset(left_out, 1, n_codes);
	for (uint32_t i = 0; i < b->n; i++)
		if (met[i] && grid_office(g, b->cell[i]) != NONE)
			left_out[grid_office(g, b->cell[i])] = 0;
	free(b->left_out);
	b->left_out = left_out;
	b->thin = true;
	return true;
}
