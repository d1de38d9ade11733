/* The built-in checker's part about single cells, and how it judges a thing (check_judge.h): its value, its owners, and whether the
 * stored moves leave everybody in doubt. */
#include <stdlib.h>
#include <string.h>

#include "policy/check_judge.h"
#include "policy/told.h"

static bool fails(const struct judge *j)
{
	return check_fails(j->c, j->rule);
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* ---- one thing: its value, its owners, the moves that change it ---- */

uint32_t judge_part(const struct judge *j, const struct thing *t, uint32_t i)
{
	if (t->b == NULL)
		return t->cell;
	int64_t child = j->t->dim[t->dim].child[t->b->first + i];
	return (uint32_t)((int64_t)t->cell + (child - (int64_t)t->b->parent) * (int64_t)j->t->stride[t->dim]);
}

/* A cell's value, or what an office owns of it (NONE: all). *alive: something of that can move. */
static int64_t value_of(const struct judge *j, int64_t cell, uint32_t office, bool *alive)
{
	*alive = false;
	if (office != NONE) {
		int64_t stride = (int64_t)j->t->stride[j->c->office_dim];
		int64_t code = cell / stride % j->offices->n_codes;
		if (!dim_is_above(j->offices, (uint32_t)code, office))
			return 0;
		cell += ((int64_t)office - code) * stride;
	}
	*alive = j->c->p->g->kind[cell] != KIND_DEAD;
	return j->t->value[cell];
}

/* Of what all parts but one add up to. Something of them can move if it can in the next that is looked at, mostly. */
static int64_t value_less(const struct judge *j, const struct thing *t, uint32_t office, bool *alive)
{
	bool some = false;
	int64_t whole = value_of(j, t->cell, office, &some);
	int64_t off = value_of(j, judge_part(j, t, t->off), office, alive);
	if (j->c->p->g->ledger == NULL && (!some || !*alive)) {
		*alive = some; /* dead as a whole, or alive without that one */
		return whole - off;
	}
	*alive = false;
	for (uint32_t i = 1; i < t->b->n && !*alive; i++)
		value_of(j, judge_part(j, t, (t->off + i) % t->b->n), office, alive);
	return whole - off;
}

/* Of a thing. */
static int64_t value_at(const struct judge *j, const struct thing *t, uint32_t office, bool *alive)
{
	int64_t sum = 0;
	bool some = false;
	if (t->b == NULL)
		return value_of(j, t->cell, office, alive);
	if (t->in == NULL && (office == NONE || t->dim != j->c->office_dim))
		return value_less(j, t, office, alive);
	*alive = false;
	for (uint32_t i = 0; i < t->b->n; i++)
		if (t->in != NULL ? t->in[i] != 0 : i != t->off) {
			sum += value_of(j, judge_part(j, t, i), office, &some);
			*alive = *alive || some;
		}
	return sum;
}

static int by_share(const void *a, const void *b, void *judge)
{
	const struct judge *j = judge;
	int64_t x = j->own[*(const uint32_t *)a];
	int64_t y = j->own[*(const uint32_t *)b];
	if (x != y)
		return x > y ? -1 : 1;
	return (*(const uint32_t *)a > *(const uint32_t *)b) - (*(const uint32_t *)a < *(const uint32_t *)b);
}

void judge_look_at(struct judge *j, const struct thing *t)
{
	bool alive = false;
	for (uint32_t i = 0; i < j->n_owners; i++)
		j->own[j->owner[i]] = -1;
	j->n_owners = 0;
	j->thing = *t;
	j->past.of = NULL;
	j->value = value_at(j, t, NONE, &alive);
	if (j->offices == NULL)
		return;
	uint32_t code = (uint32_t)(t->cell / j->t->stride[j->c->office_dim] % j->offices->n_codes);
	for (uint32_t i = 0; i < list_size(&j->offices->atoms, code); i++) {
		uint32_t office = list_at(&j->offices->atoms, code)[i];
		int64_t own = value_at(j, t, office, &alive);
		if (!alive)
			continue;
		j->own[office] = own;
		j->owner[j->n_owners++] = office;
	}
	qsort_r(j->owner, j->n_owners, sizeof *j->owner, by_share, j);
}

/* Entries ascend: check_move has seen to that. */
static int64_t change_at(const struct move *m, uint64_t cell)
{
	uint32_t low = 0;
	uint32_t high = m->n;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (move_cell(m, mid) < cell)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n && move_cell(m, low) == cell ? move_by(m, low) : 0;
}

static int64_t moved(const struct judge *j, const struct thing *t, const struct move *m)
{
	int64_t sum = 0;
	if (t->b == NULL)
		return change_at(m, t->cell);
	if (t->in == NULL)
		return change_at(m, t->cell) - change_at(m, judge_part(j, t, t->off));
	for (uint32_t k = 0; k < t->b->n; k++)
		if (t->in[k] != 0)
			sum += change_at(m, (uint64_t)judge_part(j, t, k));
	return sum;
}

/* All moves that were stored for the thing. */
static bool find_ways(struct judge *j, const struct thing *t, uint32_t virt)
{
	const struct needs *n = j->c->p->n;
	uint32_t place = t->b == NULL ? NONE : virt;
	uint32_t i = t->b == NULL ? n->first[t->cell] : virt < n->n_virt ? j->first_virt[virt] : NONE;
	j->n_ways = 0;
	for (; i != NONE && i < n->n; i = t->b == NULL ? n->need[i].next : j->next_need[i]) {
		const struct need *need = &n->need[i];
		if (need->cell != t->cell)
			break;
		if (need->virt != place || need->move == NONE)
			continue;
		if (j->n_ways == j->room_ways) {
			size_t room = j->room_ways == 0 ? 64 : 2 * j->room_ways;
			struct way *more = realloc(j->way, room * sizeof *more);
			if (more == NULL)
				return err_set(j->c->e, ERR_MEMORY, "no memory for the check");
			j->way = more;
			j->room_ways = room;
		}
		const struct move *m = &j->c->p->move[need->move];
		j->way[j->n_ways++] = (struct way){ m, moved(j, t, m) };
	}
	return true;
}

/* ---- who can narrow it down? ---- */

static uint32_t office_of(const struct judge *j, uint32_t cell)
{
	return (uint32_t)(cell / j->t->stride[j->c->office_dim] % j->offices->n_codes);
}

static bool is_among(const struct judge *j, uint32_t office, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (j->who[i] == office)
			return true;
	return false;
}

static bool leaves_alone(const struct judge *j, const struct move *m, uint32_t n)
{
	for (uint32_t i = 0; n > 0 && i < m->n; i++)
		if (is_among(j, office_of(j, move_cell(m, i)), n))
			return false;
	return true;
}

/* How far a move must go for attackers who do not own `rest` of the thing. */
static int64_t wanted(const struct judge *j, int64_t rest, bool down)
{
	int64_t first = j->n_owners > 0 ? j->own[j->owner[0]] : 0;
	int64_t second = j->n_owners > 1 ? j->own[j->owner[1]] : 0;
	if (down)
		return rest;
	if (j->params->figures == FIGURES_AMOUNTS)
		return larger(j->params->width,
		    first + second + (first * (int64_t)j->params->dominance_p + 99) / 100 - j->value);
	return larger((int64_t)j->params->threshold - rest, j->params->width);
}

static bool goes_far_enough(const struct judge *j, const struct way *w, int64_t rest, bool down)
{
	if (j->c->level == LEVEL_1)
		return w->by != 0;
	return (down ? -w->by : w->by) >= wanted(j, rest, down);
}

/* The first n of who knew it from earlier releases. */
static bool knew_before(struct judge *j, uint32_t n)
{
	int64_t rest = j->value;
	for (uint32_t i = 0; i < n; i++)
		rest -= larger(j->own[j->who[i]], 0);
	return check_knew(j->c, &j->past, &j->thing, j->who, n, rest);
}

static bool survives(struct judge *j, uint32_t n, bool down);

/* The first n of who, and one more: does the way that answered the n answer all these too? */
static bool survives_one_more(
    struct judge *j, uint32_t n, const struct way *way, uint32_t office, bool touched, bool down)
{
	if (is_among(j, office, n))
		return true;
	int64_t rest = j->value;
	j->who[n] = office;
	for (uint32_t i = 0; i <= n; i++)
		rest -= larger(j->own[j->who[i]], 0);
	if (!touched && n + 1 == j->most && goes_far_enough(j, way, rest, down))
		return true;
	return survives(j, n + 1, down);
}

/* The first n offices of who pool what they know, and so may others, up to the coalition's size: is everybody left with
 * a stored move that he cannot rule out? A further office can only matter if it spoils the move that answers the first
 * n: by being touched, or by owning something. */
static bool survives(struct judge *j, uint32_t n, bool down)
{
	int64_t rest = j->value;
	uint32_t held = 0;
	const struct way *way = NULL;
	for (uint32_t i = 0; i < n; i++) {
		rest -= larger(j->own[j->who[i]], 0);
		held += j->own[j->who[i]] >= 0;
	}
	if (knew_before(j, n))
		return true;
	if (n > 0 && (held == j->n_owners ||
			 (rest == 0 && (down || (j->value > 0 && j->params->residual != RESIDUAL_ZEROS)))))
		return true; /* they own everything */
	for (size_t i = 0; i < j->n_ways && way == NULL; i++)
		if (goes_far_enough(j, &j->way[i], rest, down) && leaves_alone(j, j->way[i].m, n))
			way = &j->way[i];
	if (way == NULL || n == j->most)
		return way != NULL;
	uint32_t *seen = j->seen + (size_t)n * j->offices->n_codes;
	uint32_t turn = ++j->turn[n];
	for (uint32_t i = 0; i < way->m->n; i++) {
		uint32_t office = office_of(j, move_cell(way->m, i));
		if (seen[office] == turn || !dim_is_leaf(j->offices, office))
			continue;
		seen[office] = turn;
		if (!survives_one_more(j, n, way, office, true, down))
			return false;
	}
	for (uint32_t i = 0; i < j->n_owners && j->own[j->owner[i]] > 0; i++)
		if (seen[j->owner[i]] != turn && !survives_one_more(j, n, way, j->owner[i], false, down))
			return false;
	return true;
}

bool judge_protected(struct judge *j, const struct thing *t, uint32_t virt, const char *rule)
{
	j->rule = rule;
	if (t->b == NULL && grid_is_out(j->c->p->g, t->cell))
		return true; /* it left before: late, and named */
	if (t->b == NULL && check_shown(j->c, t->cell) == 'P')
		return fails(j);
	if (!find_ways(j, t, virt))
		return false;
	if (!survives(j, 0, false))
		return fails(j);
	if (j->params->zero_reach && j->c->level > LEVEL_1 && j->value > 0 && !survives(j, 0, true))
		return fails(j);
	return true;
}

/* ---- the rules again ---- */

static bool small(const struct judge *j, int64_t v)
{
	return (v == 0 && j->params->zeros == ZEROS_SENSITIVE) ||
	       (v >= 1 && v < (int64_t)j->params->threshold);
}

bool judge_sensitive(const struct judge *j)
{
	if (j->params->figures != FIGURES_AMOUNTS)
		return small(j, j->value);
	int64_t first = j->n_owners > 0 ? j->own[j->owner[0]] : 0;
	int64_t others = j->value - first - (j->n_owners > 1 ? j->own[j->owner[1]] : 0);
	return others * 100 < first * (int64_t)j->params->dominance_p;
}

/* R3: offices to which the thing looked at would show a small rest; n of them are chosen, the next is owner[from] or
 * later. */
static bool check_rests(struct judge *j, const struct thing *t, uint32_t n, uint32_t from, int64_t rest)
{
	bool printed = t->b == NULL && check_shown(j->c, t->cell) == 'P';
	int64_t k = j->params->threshold;
	for (uint32_t i = from; i < j->n_owners; i++) {
		int64_t own = j->own[j->owner[i]];
		int64_t left = rest - own;
		if (rest - own * (int64_t)(j->most - n) >= k)
			return true; /* nor with those after it, which own less */
		j->who[n] = j->owner[i];
		bool dangerous = left > 0 || (j->params->residual == RESIDUAL_ZEROS && n + 1 < j->n_owners);
		if (left < k && dangerous && !knew_before(j, n + 1) &&
		    (printed || !survives(j, n + 1, false) ||
			(j->params->zero_reach && !survives(j, n + 1, true))))
			return fails(j);
		if (left >= k && n + 1 < j->most && !check_rests(j, t, n + 1, i + 1, left))
			return false;
	}
	return true;
}

/* R5: an aggregate with few offices behind it. The thing was looked at. */
static bool few_contributors(const struct judge *j, uint32_t cell)
{
	uint32_t n = 0;
	if (j->offices == NULL || j->params->min_offices < 2 || j->value == 0 || j->n_owners < 2 ||
	    dim_is_leaf(j->offices, office_of(j, cell)))
		return false;
	while (n < j->n_owners && j->own[j->owner[n]] > 0)
		n++;
	return n < j->params->min_offices;
}

bool judge_residual(struct judge *j, const struct thing *t, uint32_t virt)
{
	if (j->most == 0 || j->value == 0 || j->params->residual == RESIDUAL_NO)
		return true;
	j->rule = "R3 residual";
	return find_ways(j, t, virt) && check_rests(j, t, 0, 0, j->value);
}

/* R9 and R12 for one cell that is not printed and follows, or is known to be small. */
static bool check_told(struct judge *j, const struct thing *t)
{
	uint32_t most = j->most;
	judge_look_at(j, t);
	bool is_small = j->c->p->g->told[t->cell] == TOLD_SMALL;
	if (judge_sensitive(j) || is_small) {
		if (is_small && j->value == 0 && j->params->zeros != ZEROS_SENSITIVE)
			j->most = 0; /* a nought that offices may know of */
		bool ok = judge_protected(j, t, NONE, "R12 told");
		j->most = most;
		return ok;
	}
	return judge_residual(j, t, NONE);
}

static bool look_at_cells(struct judge *j, uint32_t from, uint32_t to)
{
	for (uint32_t cell = from; cell < to; cell++) {
		struct thing t = { .cell = cell };
		char mark = check_shown(j->c, cell);
		if (told_is_subject(j->c->p->g, cell) && !check_told(j, &t))
			return false;
		if ((mark != 'P' && mark != 'H') || j->c->p->g->kind[cell] == KIND_DEAD)
			continue;
		if (mark == 'H' && cell < j->c->p->g->n_own && j->t->value[cell] < (int64_t)j->c->p->g->floor)
			return check_fails(j->c, "a hidden cell is less than everybody knows it to be");
		judge_look_at(j, &t);
		if (judge_sensitive(j) || few_contributors(j, cell)) {
			if (!judge_protected(j, &t, NONE, "R1, R2, R5 or R6"))
				return false;
		} else if (!grid_is_out(j->c->p->g, cell) && !judge_residual(j, &t, NONE)) {
			return false;
		}
	}
	return true;
}

bool judge_open(struct judge *j)
{
	const struct needs *n = j->c->p->n;
	size_t codes = 1;
	if (j->c->office_dim != SIZE_MAX) {
		j->offices = &j->t->dim[j->c->office_dim];
		codes = j->offices->n_codes;
		j->most = j->c->level >= LEVEL_3 ? j->params->coalition : 0;
	}
	j->first_virt = malloc(((size_t)n->n_virt + 1) * sizeof *j->first_virt);
	j->next_need = malloc(((size_t)n->n + 1) * sizeof *j->next_need);
	j->own = malloc(codes * sizeof *j->own);
	j->owner = malloc(codes * sizeof *j->owner);
	j->seen = calloc(codes * ((size_t)j->most + 1), sizeof *j->seen);
	if (j->first_virt == NULL || j->next_need == NULL || j->own == NULL || j->owner == NULL ||
	    j->seen == NULL)
		return err_set(j->c->e, ERR_MEMORY, "no memory for the check");
	memset(j->first_virt, 0xff, ((size_t)n->n_virt + 1) * sizeof *j->first_virt);
	memset(j->own, 0xff, codes * sizeof *j->own); /* -1 */
	for (uint32_t i = n->n; i-- > 0;)
		if (n->need[i].virt != NONE) {
			j->next_need[i] = j->first_virt[n->need[i].virt];
			j->first_virt[n->need[i].virt] = i;
		}
	return true;
}

void judge_close(struct judge *j)
{
	free(j->first_virt);
	free(j->next_need);
	free(j->own);
	free(j->owner);
	free(j->past.known);
	free(j->past.count);
	free(j->seen);
	free(j->way);
}

bool check_cells(const struct checker *c, uint32_t from, uint32_t to)
{
	struct judge j = { .c = c, .t = c->t, .params = c->params };
	bool ok = judge_open(&j) && look_at_cells(&j, from, to);
	judge_close(&j);
	return ok;
}
