#include "client/protect/optimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/protect/cuts.h"
#include "client/protect/program.h"

#define LINEAR_ROUNDS 80u
#define LINEAR_STALL  6u /* rounds without a better bound, then whole numbers */
#define WHOLE_ROUNDS  400u
#define WORK_LINEAR   UINT64_C(2000000000) /* solver steps times columns and rows, then whole numbers */
#define WORK_MAX      UINT64_C(3500000000)
#define MASTER_NODES  20000u
#define MASTER_ROWS   500000u /* nodes times cuts, in one round */
#define MOVE_NODES    2000u
#define TREE_A_NEED   96u                /* sets of groups tried for needs with slots */
#define WIDEN_ASKS    200u               /* programs to make a cut stronger */
#define WORK_WIDEN    UINT64_C(10000000) /* of programs beyond the masters', then cuts are taken as they are */
#define LOOSE         1.0                /* a cut that holds with so much to spare */
#define ALIKE         1e-6               /* relative: what the solvers' numbers may be off by */

struct master {
	const struct choice_question *q;
	struct optimal_report *report;
	struct cuts *cuts;
	struct adjacency adj;
	uint32_t *column; /* priced ones: the master's variables */
	uint32_t *place;  /* by column: its variable, or CHOICE_NONE */
	uint32_t n;
	Clp_Simplex *clp;
	int *start, *index; /* all cuts, row by row */
	double *weight;
	size_t n_rows, room_rows, n_entries, room_entries;
	double *z;   /* by column */
	double unit; /* all prices are multiples of it; 0: none is known */
	double bound;
	uint64_t work;    /* of the masters */
	uint8_t *avoid;   /* by group: who pools, in the tree of try_sets */
	uint8_t *touched; /* by depth in it, then group */
	uint8_t *quiet;   /* by need: it gave no cut when last asked */
};

/* ---- cuts in ---- */

static bool room_for(struct master *m, size_t entries)
{
	if (m->n_rows + 2 > m->room_rows) {
		size_t room = 2 * m->room_rows + 256;
		int *start = realloc(m->start, room * sizeof *start);
		if (start == NULL)
			return false;
		m->start = start;
		m->room_rows = room;
	}
	if (m->n_entries + entries > m->room_entries) {
		size_t room = 2 * m->room_entries + entries;
		int *index = realloc(m->index, room * sizeof *index);
		if (index == NULL)
			return false;
		m->index = index;
		double *weight = realloc(m->weight, room * sizeof *weight);
		if (weight == NULL)
			return false;
		m->weight = weight;
		m->room_entries = room;
	}
	return m->n_entries + entries < INT32_MAX;
}

static bool cut_add(struct master *m, const struct cut *cut)
{
	if (!room_for(m, cut->n))
		return false;
	m->start[m->n_rows] = (int)m->n_entries;
	for (uint32_t i = 0; i < cut->n; i++) {
		m->index[m->n_entries] = (int)m->place[cut->column[i]];
		m->weight[m->n_entries++] = cut->weight[i];
	}
	m->start[++m->n_rows] = (int)m->n_entries;
	m->report->cuts++;
	const double low = 1.0;
	const double high = HUGE_VAL;
	const int start[2] = { 0, (int)cut->n };
	size_t first = m->n_entries - cut->n;
	Clp_addRows(m->clp, 1, &low, &high, start, m->index + first, m->weight + first);
	return true;
}

static uint64_t work_of(const struct master *m)
{
	return m->work + cuts_work(m->cuts);
}

/* The search ends here, with what there is. */
static bool is_spent(const struct master *m)
{
	return work_of(m) >= WORK_MAX || patience_over(&m->report->patience);
}

/* ---- costs ---- */

static double unit_of(const struct choice_question *q)
{
	static const double units[] = { 1.0, 0.001 };
	for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
		uint32_t i = 0;
		while (i < q->n_columns && fabs(remainder(q->price[i], units[k])) < 1e-9)
			i++;
		if (i == q->n_columns)
			return units[k];
	}
	return 0;
}

/* No pattern costs less: nor less than the next multiple of the unit. */
static void raise_bound(struct master *m, double bound)
{
	double least = bound - ALIKE * (1.0 + fabs(bound));
	m->bound = fmax(m->bound, bound);
	if (m->unit > 0)
		m->bound = fmax(m->bound, ceil(least / m->unit) * m->unit);
}

/* Is the cost proven to be the least? */
static bool is_least(const struct master *m, double cost)
{
	double slack = ALIKE * (1.0 + fabs(cost));
	return m->bound >= cost - (m->unit > 0 ? fmin(slack, m->unit / 2) : slack);
}

/* ---- cuts of patterns that do not do ---- */

/* Something must be hidden that m->z shows: it has no whole-number moves, nor has any part of it. */
static bool cut_pattern(struct master *m)
{
	struct cut cut = { calloc((size_t)m->n + 1, sizeof *cut.column),
		calloc((size_t)m->n + 1, sizeof *cut.weight), 0 };
	bool ok = cut.column != NULL && cut.weight != NULL;
	for (uint32_t i = 0; ok && i < m->n; i++)
		if (m->z[m->column[i]] < 0.5) {
			cut.column[cut.n] = m->column[i];
			cut.weight[cut.n++] = 1.0;
		}
	ok = ok && cut_add(m, &cut);
	cut_free(&cut);
	return ok;
}

/* ---- stronger cuts: as much as possible is hidden beside z, and what is left shown is the cut ---- */

/* Is it certain that m->z does not do, for the reason in context? */
typedef bool is_impossible(struct master *m, void *context);

struct widening {
	struct master *m;
	is_impossible *impossible;
	void *context;
	unsigned asks; /* left */
};

/* Hides the columns too, in this order, as far as the pattern still does not do. */
static void widen(struct widening *w, const uint32_t *order, uint32_t n)
{
	if (n == 0 || w->asks == 0 || patience_over(&w->m->report->patience))
		return;
	w->asks--;
	for (uint32_t i = 0; i < n; i++)
		w->m->z[order[i]] = 1.0;
	if (w->impossible(w->m, w->context))
		return;
	for (uint32_t i = 0; i < n; i++)
		w->m->z[order[i]] = 0.0;
	if (n > 1) {
		widen(w, order, n / 2);
		widen(w, order + n / 2, n - n / 2);
	}
}

static int cheapest_first(const void *a, const void *b, void *question)
{
	const struct choice_question *q = question;
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;
	if (q->price[x] != q->price[y])
		return q->price[x] < q->price[y] ? -1 : 1;
	return (x > y) - (x < y);
}

/* The cut of a pattern m->z that does not do; z is as it was afterwards. */
static bool cut_widened(struct master *m, is_impossible *impossible, void *context)
{
	struct widening w = { m, impossible, context, WIDEN_ASKS };
	uint32_t *order = calloc((size_t)m->n + 1, sizeof *order);
	uint32_t n = 0;
	if (order == NULL)
		return false;
	for (uint32_t i = 0; i < m->n; i++)
		if (m->z[m->column[i]] < 0.5)
			order[n++] = m->column[i];
	if (n > 0)
		qsort_r(order, n, sizeof *order, cheapest_first, (void *)(uintptr_t)m->q);
	widen(&w, order, n / 2);
	widen(&w, order + n / 2, n - n / 2);
	bool ok = cut_pattern(m);
	for (uint32_t i = 0; i < n; i++)
		m->z[order[i]] = 0.0;
	free(order);
	return ok;
}

/* ---- needs against z ---- */

static bool linear_says_no(struct master *m, void *need)
{
	struct cut cut;
	if (cuts_find(m->cuts, m->z, *(uint32_t *)need, m->avoid, false, &cut, NULL) != CUT_FOUND)
		return false;
	cut_free(&cut);
	return true;
}

struct finding {
	unsigned found, failed;
	bool memory;
};

static void try_need(struct master *m, uint32_t need, bool gentle, uint8_t *touched, struct finding *f)
{
	struct cut cut;
	switch (cuts_find(m->cuts, m->z, need, m->avoid, gentle, &cut, touched)) {
	case CUT_FOUND:
		f->found++;
		f->memory |= !cut_add(m, &cut);
		cut_free(&cut);
		if (!gentle && cuts_work(m->cuts) <= m->work + WORK_WIDEN)
			f->memory |= !cut_widened(m, linear_says_no, &need);
		break;
	case CUT_FAILED:
		f->failed++;
		break;
	case CUT_NONE:
		break;
	}
}

/* Moves that share no group hold one for each set of groups, as many as there are slots but one, that leaves the set alone.
 * Of the sets only those need asking about that meet the changes found for their parts. */
static void try_sets(
    struct master *m, uint32_t need, uint32_t depth, bool gentle, unsigned *tried, struct finding *f)
{
	const struct choice_need *n = &m->q->need[need];
	uint8_t *touched = m->touched + (size_t)depth * ((size_t)m->q->n_groups + 1);
	memset(touched, 0, (size_t)m->q->n_groups + 1);
	try_need(m, need, gentle, touched, f);
	for (uint32_t g = 0; depth + 1 < n->slots && g < m->q->n_groups && f->found == 0; g++) {
		if (touched[g] == 0 || choice_exempts(m->q, n, g) || *tried == TREE_A_NEED)
			continue;
		++*tried;
		m->avoid[g] = 1;
		try_sets(m, need, depth + 1, gentle, tried, f);
		m->avoid[g] = 0;
	}
}

/* all: also those that were quiet. */
static bool try_round(struct master *m, bool gentle, bool all, struct finding *f)
{
	*f = (struct finding){ 0 };
	for (uint32_t i = 0; i < m->q->n_needs && !f->memory && !is_spent(m); i++) {
		const struct choice_need *n = &m->q->need[i];
		struct finding own = { 0 };
		unsigned tried = 0;
		if ((n->slots > 1 && n->slot > 0) || (!all && m->quiet[i] != 0))
			continue;
		try_sets(m, i, 0, gentle, &tried, &own);
		m->quiet[i] = own.found == 0;
		f->found += own.found;
		f->failed += own.failed;
		f->memory |= own.memory;
	}
	m->report->programs = cuts_programs(m->cuts);
	return !f->memory;
}

/* Those that gave cuts last time, then all. */
static bool try_needs(struct master *m, bool gentle, struct finding *f)
{
	return try_round(m, gentle, false, f) && (f->found > 0 || try_round(m, gentle, true, f));
}

/* ---- the master ---- */

/* Of the cuts found so far only those that bind at the last linear program's answer: the others would only be in the way. */
static void forget_loose(struct master *m)
{
	const double *x = Clp_primalColumnSolution(m->clp);
	size_t rows = 0;
	size_t at = 0;
	if (m->n_rows == 0)
		return;
	for (size_t r = 0; r < m->n_rows; r++) {
		int from = m->start[r];
		int to = m->start[r + 1];
		double sum = 0;
		for (int i = from; i < to; i++)
			sum += m->weight[i] * x[m->index[i]];
		if (sum > 1.0 + LOOSE)
			continue;
		m->start[rows++] = (int)at;
		for (int i = from; i < to; i++, at++) {
			m->index[at] = m->index[i];
			m->weight[at] = m->weight[i];
		}
	}
	m->start[rows] = (int)at;
	m->n_rows = rows;
	m->n_entries = at;
}

static void tell(struct master *m)
{
	if (m->report->tell != NULL)
		m->report->tell(m->report, m->bound, m->q->cost);
}

static bool linear_phase(struct master *m)
{
	struct finding f = { 1, 0, false };
	unsigned stall = 0;
	for (unsigned round = 0; round < LINEAR_ROUNDS && stall < LINEAR_STALL && f.found > 0; round++) {
		patience_clp(&m->report->patience, m->clp);
		Clp_dual(m->clp, 0);
		m->work += (uint64_t)Clp_numberIterations(m->clp) * (m->n + m->n_rows);
		if (Clp_status(m->clp) != 0 || patience_over(&m->report->patience))
			return true; /* whole numbers will tell */
		const double *x = Clp_primalColumnSolution(m->clp);
		double bound = Clp_objectiveValue(m->clp);
		for (uint32_t i = 0; i < m->n; i++)
			m->z[m->column[i]] = fmin(1.0, fmax(0.0, x[i]));
		stall = bound > m->bound * (1.0 + 1e-4) + 1e-9 ? 0 : stall + 1;
		raise_bound(m, bound);
		m->report->rounds++;
		tell(m);
		if (work_of(m) > WORK_LINEAR)
			return true;
		if (!try_needs(m, true, &f))
			return false;
	}
	return true;
}

enum master_state { MASTER_FAILED, MASTER_BOUNDED, MASTER_BEST, MASTER_NO_PATTERN };

static unsigned master_nodes(const struct master *m)
{
	size_t nodes = MASTER_ROWS / (m->n_rows + 1);
	return nodes > MASTER_NODES ? MASTER_NODES : nodes < 100 ? 100 : (unsigned)nodes;
}

/* The cheapest pattern that keeps all cuts into z. MASTER_BOUNDED: perhaps not the cheapest, the bound holds. */
static enum master_state whole_master(struct master *m)
{
	int *start = calloc((size_t)m->n + 2, sizeof *start);
	double *cost = calloc((size_t)m->n + 1, sizeof *cost);
	double *low = calloc((size_t)m->n + 1, sizeof *low);
	double *high = calloc((size_t)m->n + 1, sizeof *high);
	enum master_state state = MASTER_FAILED;
	char nodes[16];
	Cbc_Model *cbc = Cbc_newModel();
	if (start == NULL || cost == NULL || low == NULL || high == NULL || cbc == NULL)
		goto done;
	for (uint32_t i = 0; i < m->n; i++) {
		cost[i] = m->q->price[m->column[i]];
		high[i] = 1.0;
	}
	Cbc_loadProblem(cbc, (int)m->n, 0, start, NULL, NULL, low, high, cost, NULL, NULL);
	for (uint32_t i = 0; i < m->n; i++)
		Cbc_setInteger(cbc, (int)i);
	for (size_t r = 0; r < m->n_rows; r++)
		Cbc_addRow(cbc, "", m->start[r + 1] - m->start[r], m->index + m->start[r],
		    m->weight + m->start[r], 'G', 1.0);
	Cbc_setParameter(cbc, "log", "0");
	Cbc_setParameter(cbc, "threads", "0");
	snprintf(nodes, sizeof nodes, "%u", master_nodes(m));
	Cbc_setParameter(cbc, "maxNodes", nodes);
	Cbc_setParameter(cbc, "ratioGap", "0");
	Cbc_setParameter(cbc, "cuts", "off"); /* ours are those that count */
	Cbc_setParameter(cbc, "heur", "off");
	Cbc_setCutoff(cbc, m->q->cost + 0.5);
	patience_cbc(&m->report->patience, cbc);
	Cbc_solve(cbc);
	m->work += (uint64_t)Cbc_getIterationCount(cbc) * (m->n + m->n_rows);
	if (patience_over(&m->report->patience))
		goto done;
	state = Cbc_isProvenInfeasible(cbc) != 0 ? MASTER_NO_PATTERN : MASTER_FAILED;
	const double *x = Cbc_bestSolution(cbc);
	if (state == MASTER_NO_PATTERN || x == NULL)
		goto done;
	for (uint32_t i = 0; i < m->n; i++)
		m->z[m->column[i]] = x[i] > 0.5;
	raise_bound(m, fmin(Cbc_getBestPossibleObjValue(cbc), Cbc_getObjValue(cbc)));
	state = Cbc_isProvenOptimal(cbc) != 0 ? MASTER_BEST : MASTER_BOUNDED;
done:
	if (cbc != NULL)
		Cbc_deleteModel(cbc);
	free(start);
	free(cost);
	free(low);
	free(high);
	return state;
}

/* ---- whole-number moves for a pattern ---- */

static bool append(
    struct choice_answer *a, size_t *room, const struct choice_step *step, uint32_t n, uint32_t need)
{
	size_t at = a->start[need];
	if (at + n > *room) {
		size_t more = 2 * *room + n;
		struct choice_step *bigger = realloc(a->step, more * sizeof *bigger);
		if (bigger == NULL)
			return false;
		a->step = bigger;
		*room = more;
	}
	memcpy(a->step + at, step, n * sizeof *step);
	a->start[need + 1] = (uint32_t)(at + n);
	return true;
}

struct moves { /* being made */
	struct choice_answer *a;
	size_t room;
	double *price;   /* by column: what m->z shows is banned */
	uint32_t failed; /* the need that has none, or CHOICE_NONE */
	bool unsure;     /* it may have some: a bound ended the search */
};

/* Moves for the need, or for it and the slots after it, into k->a if that is given. False: none. */
static bool moves_for(struct master *m, struct moves *k, uint32_t need)
{
	const struct program_ask ask = { m->q, k->price, m->q->n_columns, MOVE_NODES, &k->unsure,
		&m->report->patience };
	uint32_t slots = m->q->need[need].slots > 1 ? m->q->need[need].slots : 1;
	struct choice_step *step[PROGRAM_SLOTS_MAX] = { NULL };
	uint32_t n[PROGRAM_SLOTS_MAX] = { 0 };
	bool ok = slots <= PROGRAM_SLOTS_MAX;
	k->unsure = !ok;
	if (ok && slots == 1)
		ok = (step[0] = program_move(&ask, &m->adj, need, &n[0])) != NULL;
	else if (ok)
		ok = program_slots(&ask, &m->adj, need, step, n);
	for (uint32_t i = 0; i < slots && i < PROGRAM_SLOTS_MAX; i++) {
		if (ok && k->a != NULL && !append(k->a, &k->room, step[i], n[i], need + i)) {
			ok = false;
			k->unsure = true;
		}
		free(step[i]);
	}
	return ok;
}

static void set_prices(const struct master *m, struct moves *k)
{
	for (uint32_t i = 0; i < m->q->n_columns; i++)
		k->price[i] = m->q->price[i] > 0 && m->z[i] < 0.5 ? PROGRAM_BANNED : 0.0;
}

/* Moves for all needs over what z hides. False: some need has none. */
static bool moves_make(struct master *m, struct moves *k)
{
	const struct choice_question *q = m->q;
	k->room = 1024;
	k->failed = CHOICE_NONE;
	k->a->start = calloc((size_t)q->n_needs + 1, sizeof *k->a->start);
	k->a->step = malloc(k->room * sizeof *k->a->step);
	bool ok = k->a->start != NULL && k->a->step != NULL;
	k->unsure = !ok;
	set_prices(m, k);
	for (uint32_t i = 0; ok && i < q->n_needs; i++) {
		ok = q->need[i].slot != 0 || moves_for(m, k, i);
		k->failed = ok ? CHOICE_NONE : i;
	}
	if (!ok)
		choice_answer_free(k->a);
	return ok;
}

static bool whole_says_no(struct master *m, void *moves)
{
	struct moves *k = moves;
	set_prices(m, k);
	return !moves_for(m, k, k->failed) && !k->unsure;
}

/* One of the cells that the pattern shows is wanted. Of several slots at once it is too dear to ask which. */
static bool cut_failed(struct master *m, struct moves *k)
{
	k->a = NULL;
	return m->q->need[k->failed].slots > 1 ? cut_pattern(m) : cut_widened(m, whole_says_no, k);
}

/* ---- the whole ---- */

enum outcome { OUTCOME_ON, OUTCOME_DONE, OUTCOME_FAILED };

/* Linear programs find nothing against m->z: are there whole moves? If not, a cut. */
static enum outcome whole_moves(struct master *m, struct choice_answer *out)
{
	struct moves k = { .a = out, .price = calloc((size_t)m->q->n_columns + 1, sizeof *k.price) };
	enum outcome outcome = OUTCOME_FAILED;
	if (k.price == NULL)
		return outcome;
	if (moves_make(m, &k)) {
		out->cost = choice_cost(m->q, out);
		outcome = OUTCOME_DONE;
	} else if (k.unsure) {
		outcome = OUTCOME_DONE;
	} else if (cut_failed(m, &k)) {
		outcome = OUTCOME_ON;
	}
	free(k.price);
	return outcome;
}

static bool whole_phase(struct master *m, struct choice_answer *out)
{
	const struct choice_question *q = m->q;
	for (unsigned round = 0; round < WHOLE_ROUNDS && !is_spent(m); round++) {
		struct finding f;
		if (is_least(m, q->cost))
			break;
		enum master_state state = whole_master(m);
		m->report->rounds++;
		tell(m);
		if (state == MASTER_FAILED || state == MASTER_NO_PATTERN || is_least(m, q->cost))
			break;
		if (!try_needs(m, false, &f))
			return false;
		if (f.found > 0)
			continue;
		if (is_spent(m) || f.failed > 0)
			break;
		enum outcome outcome = whole_moves(m, out);
		if (outcome != OUTCOME_ON)
			return outcome == OUTCOME_DONE;
	}
	return true;
}

static bool master_open(struct master *m, const struct choice_question *q)
{
	size_t room = (size_t)q->n_columns + 2;
	m->q = q;
	m->unit = unit_of(q);
	m->cuts = cuts_open(q, &m->report->patience);
	m->column = calloc(room, sizeof *m->column);
	m->place = malloc(room * sizeof *m->place);
	m->z = calloc(room, sizeof *m->z);
	m->avoid = calloc((size_t)q->n_groups + 1, 1);
	m->touched = calloc(PROGRAM_SLOTS_MAX * ((size_t)q->n_groups + 1), 1);
	m->quiet = calloc((size_t)q->n_needs + 1, 1);
	m->clp = Clp_newModel();
	double *cost = calloc(room, sizeof *cost);
	double *high = calloc(room, sizeof *high);
	int *start = calloc(room, sizeof *start);
	bool ok = m->cuts != NULL && m->column != NULL && m->place != NULL && m->z != NULL &&
		  m->avoid != NULL && m->touched != NULL && m->quiet != NULL && m->clp != NULL &&
		  cost != NULL && high != NULL && start != NULL && adjacency_make(&m->adj, q);
	for (uint32_t i = 0; ok && i < q->n_columns; i++) {
		m->place[i] = CHOICE_NONE;
		if (q->price[i] <= 0)
			continue;
		cost[m->n] = q->price[i];
		high[m->n] = 1.0;
		m->column[m->n] = i;
		m->place[i] = m->n++;
	}
	if (ok) {
		Clp_setLogLevel(m->clp, 0);
		Clp_loadProblem(m->clp, (int)m->n, 0, start, NULL, NULL, NULL, high, cost, NULL, NULL);
	}
	free(cost);
	free(high);
	free(start);
	return ok;
}

static void master_close(struct master *m)
{
	cuts_close(m->cuts);
	adjacency_free(&m->adj);
	free(m->column);
	free(m->place);
	free(m->start);
	free(m->index);
	free(m->weight);
	free(m->z);
	free(m->avoid);
	free(m->touched);
	free(m->quiet);
	if (m->clp != NULL)
		Clp_deleteModel(m->clp);
}

const char *optimal_end_name(enum optimal_end end)
{
	static const char *const name[] = { "proven", "time", "work", "size" };
	return name[end];
}

bool optimal_ask(void *context, const struct choice_question *q, struct choice_answer *out, struct err *e)
{
	struct optimal_report *report = context;
	struct master m = { .report = report };
	*out = (struct choice_answer){ 0 };
	*report = (struct optimal_report){ .patience = report->patience, .tell = report->tell };
	report->end = OPTIMAL_SIZE;
	if (q->n_columns > OPTIMAL_COLUMNS_MAX)
		return true;
	bool ok = master_open(&m, q) && linear_phase(&m);
	if (ok) {
		forget_loose(&m);
		ok = whole_phase(&m, out);
	}
	if (ok) {
		double cost = out->start != NULL ? out->cost : q->cost;
		bool proven = is_least(&m, cost);
		out->bound = proven ? cost : m.bound;
		report->end = proven                             ? OPTIMAL_PROVEN
			      : patience_over(&report->patience) ? OPTIMAL_TIME
								 : OPTIMAL_WORK;
	}
	master_close(&m);
	if (!ok)
		choice_answer_free(out);
	return ok || err_set(e, ERR_MEMORY, "no memory for the programs");
}
