#include "policy/release.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/certificate.h"
#include "policy/conflict.h"
#include "policy/explain.h"
#include "policy/extra.h"
#include "policy/fits.h"
#include "policy/ledger.h"
#include "policy/modular.h"
#include "policy/moved.h"
#include "policy/moves.h"
#include "policy/proving.h"
#include "policy/ranks.h"
#include "policy/safe_table.h"
#include "policy/unprinted.h"
#include "policy/zones.h"

#define LAST_CHECKS_MAX 12u
#define SUM_PARTS_MAX                                                                                        \
	100000u /* of virtual sums of SUM_WIDE and more parts: up to that L1 is solved by ranks */
#define SUM_WIDE 256u

/* One attempt: a grid, its needs, the plan, the proof. */
struct attempt {
	struct policy_params params;
	struct grid g;
	struct needs needs;
	struct plan plan;
	struct equations equations;
	uint64_t *null[2];
	uint8_t *frozen; /* as they were before anything was hidden; NULL: no earlier releases */
	enum guarantee level;
	struct choice_outcome choice;
	uint8_t *priced; /* by cell, in the question of choice; NULL: not asked */
	bool memory;
};

static void attempt_free(struct attempt *a)
{
	plan_free(&a->plan);
	needs_free(&a->needs);
	if (a->g.kind != NULL)
		grid_free(&a->g);
	for (int i = 0; i < 2; i++)
		free(a->null[i]);
	equations_free(&a->equations);
	free(a->frozen);
	free(a->priced);
	memset(a, 0, sizeof *a);
}

void release_result_free(struct release_result *r)
{
	if (r == NULL)
		return;
	safe_table_free(r->table);
	buf_free(&r->result_csv);
	buf_free(&r->derived_csv);
	buf_free(&r->certificate);
	buf_free(&r->auditor);
	buf_free(&r->explain_csv);
	buf_free(&r->manifest);
	buf_free(&r->reasons);
	sodium_memzero(r, sizeof *r);
	free(r);
}

/* ---- before anything is computed ---- */

static uint32_t count_reporting(const struct table_input *t, const struct policy_params *p, uint32_t *offices)
{
	size_t dim = SIZE_MAX;
	uint32_t n = 0;
	uint8_t *seen = NULL;
	*offices = 0;
	if (t->added_office)
		dim = t->n_dims - 1;
	for (size_t d = 0; d < t->n_dims && !t->added_office; d++)
		if (strcmp(t->dim[d].name, p->office_dim) == 0)
			dim = d;
	if (!p->offices || dim == SIZE_MAX)
		return UINT32_MAX;
	*offices = t->dim[dim].n_leaves;
	seen = calloc(t->dim[dim].n_codes, 1);
	for (uint64_t c = 0; seen != NULL && c < t->n_cells; c++) {
		uint32_t code = table_coord(t, c, dim);
		if (seen[code] == 0 && table_is_inner(t, c) &&
		    (t->status[c] == CELL_VALUE || t->status[c] == CELL_BLANK)) {
			seen[code] = 1;
			n++;
		}
	}
	free(seen);
	return n;
}

static void refuse(struct release_result *r, enum refusal why, const char *text)
{
	r->refusal = why;
	buf_printf(&r->reasons, "%s\n", text);
}

/* What was published of the period before goes into one grid with this release; another period is another set
 * of unknowns. */
static bool open_ledger(struct ledger *l, const struct table_input *t, const struct policy_params *p,
    const uint8_t key[32], const struct release_options *o, struct release_result *r, struct err *e)
{
	memset(l, 0, sizeof *l);
	if (o->revision > 0 && t->n_earlier == 0)
		refuse(r, REFUSAL_LEDGER, "a revision without the releases before it");
	return r->refusal != REFUSAL_NONE || t->n_earlier == 0 ||
	       ledger_open(l, t, p, key, o, &r->refusal, &r->reasons, e);
}

/* ---- one attempt ---- */

static bool is_protected(const struct attempt *a, uint32_t cell)
{
	return a->needs.first[cell] != NONE;
}

static bool is_few(const struct attempt *a, uint32_t cell)
{
	int64_t v = a->g.value[cell];
	if (grid_is_delta(&a->g, cell))
		return v != 0 && (v < 0 ? -v : v) < (int64_t)a->params.threshold;
	return primary_is_small(&a->params, v);
}

/* Cells that follow exactly: none may be protected or small. *again: needs were added. */
static bool judge_derivable(struct attempt *a, bool *again, struct err *e)
{
	const uint64_t *u = a->null[0];
	*again = false;
	for (uint32_t c = 0; c < a->g.n_cells; c++) {
		if (!grid_loose(&a->g, c) || u[c] != 0)
			continue;
		if (is_protected(a, c))
			return err_set(
			    e, ERR_INTERNAL, "our own check failed: a protected cell can be worked out");
		if (a->g.kind[c] == KIND_OPEN) {
			if (c < a->g.n_own)         /* what an earlier release says stays as it is */
				a->g.frozen[c] = 0; /* anybody can work it out */
		} else if (is_few(a, c)) {
			*again = true;
			if (!primary_add_derivable(&a->g, &a->needs, a->level, c, e))
				return false;
		}
	}
	return true;
}

/* The virtual sums must not follow either. */
static bool judge_virtual(const struct attempt *a, struct err *e)
{
	for (uint32_t i = 0; i < a->needs.n_virt; i++) {
		const struct virt *v = &a->needs.virt[i];
		for (int k = 0; k < 2; k++) {
			uint64_t prime = k == 0 ? MODULAR_PRIME_1 : MODULAR_PRIME_2;
			uint64_t sum = 0;
			if (v->except != NONE) /* the vector keeps the relation: the verifier adds that up */
				sum = a->null[k][v->r.parent] ^ a->null[k][virt_off(&a->g, v)];
			for (uint32_t j = 0; v->except == NONE && j < v->r.b->n; j++)
				if (virt_holds(&a->g, v, j))
					sum = (sum + a->null[k][virt_part(&a->g, v, j)]) % prime;
			if (sum == 0)
				return err_set(
				    e, ERR_INTERNAL, "our own check failed: a group can be worked out");
		}
	}
	return true;
}

/* The pattern as it is now, solved. */
static bool solve_again(struct attempt *a, struct err *e)
{
	equations_free(&a->equations);
	return equations_solve(&a->equations, &a->g, ECHELON_ALL) ||
	       err_set(e, ERR_MEMORY, "no memory for the last check");
}

struct vectors { /* of the pattern at hand */
	struct attempt *a;
	uint32_t first;
	uint8_t seed[16];
	struct err failed[2];
	bool ok[2];
};

static void null_vector(void *work, uint32_t job)
{
	struct vectors *v = work;
	uint32_t k = v->first + job;
	v->ok[k] = modular_null(&v->a->equations, k == 0 ? MODULAR_PRIME_1 : MODULAR_PRIME_2, v->seed,
	    v->a->null[k], &v->failed[k]);
}

/* One of them, or both: side by side, if there is somebody to do that. */
static bool null_vectors(struct attempt *a, uint32_t first, uint32_t n, struct team *team, struct err *e)
{
	struct vectors v = { .a = a, .first = first, .ok = { true, true } };
	proof_seed(&a->g, v.seed);
	team_run(team, null_vector, &v, n);
	if (!v.ok[0] || !v.ok[1])
		*e = v.failed[v.ok[0] ? 1 : 0];
	return v.ok[0] && v.ok[1];
}

static void begin(const struct release_options *o, const char *stage)
{
	if (o->stage != NULL)
		o->stage(o->stage_context, stage);
}

/* Is the pattern still the one that gave this seed? */
static bool pattern_is(const struct attempt *a, const uint8_t seed[16])
{
	uint8_t now[16];
	proof_seed(&a->g, now);
	return memcmp(now, seed, sizeof now) == 0 && a->g.ledger == NULL;
}

/* A space has a row for each virtual sum, as long as the sum is wide. A wide relation may have as many sums as children: then
 * the rows are too many for it. */
static bool sums_are_few(const struct needs *n)
{
	uint64_t parts = 0;
	for (uint32_t i = 0; i < n->n_virt; i++)
		parts += n->virt[i].r.b->n >= SUM_WIDE ? n->virt[i].r.b->n : 0;
	return parts <= SUM_PARTS_MAX;
}

/* Moves for all needs that hide as little as can be found. At L1 by ranks; else, or if those give no moves, by search. */
static bool serve_cheaply(struct attempt *a, unsigned effort, struct team *team)
{
	struct plan *p = &a->plan;
	if (a->level == LEVEL_1 && a->g.ledger == NULL && sums_are_few(&a->needs)) {
		if (ranks_serve(p, effort))
			return true;
		if (p->unserved != NONE || p->memory_failed || plan_over_limit(p))
			return false;
	}
	return zones_serve(p, effort, team);
}

/* What comes back because it follows is decided for the pattern at hand, every time anew. */
static bool keep_frozen(struct attempt *a, bool first, struct err *e)
{
	if (a->g.ledger == NULL)
		return true;
	if (first && (a->frozen = malloc(a->g.n_own)) == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the last check");
	memcpy(first ? a->frozen : a->g.frozen, first ? a->g.frozen : a->frozen, a->g.n_own);
	return true;
}

static bool ask_choice(struct attempt *a, const struct release_options *o, struct err *e)
{
	a->priced = calloc((size_t)a->g.n_cells + 1, 1);
	if (a->priced == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the question");
	return choice_improve(&a->plan, o->choose, o->choose_context, a->priced, &a->choice, e);
}

/* Serves, takes out, and looks whether anything follows exactly. *served: false, the ladder's turn. */
static bool attempt_run(struct attempt *a, const struct ladder *rungs, struct ledger *l,
    const uint8_t key[32], const struct release_options *o, bool *served, struct err *e)
{
	uint8_t seed[16] = { 0 };
	bool again = true;
	*served = false;
	a->params = rungs->params;
	begin(o, "pattern");
	if (l->n == 0 ? !grid_init(&a->g, rungs->t, &a->params, key, e)
		      : !ledger_grid(l, &a->params, key, &a->g, e))
		return false;
	ladder_thaw(rungs, &a->g);
	if (!primary_find(&a->g, a->level, &a->needs, e) || !plan_init(&a->plan, &a->g, &a->needs, e))
		return false;
	a->plan.max_work = o->max_work;
	for (int i = 0; i < 2; i++) {
		a->null[i] = calloc(a->g.n_cells, sizeof *a->null[i]);
		if (a->null[i] == NULL)
			return err_set(e, ERR_MEMORY, "no memory for the last check");
	}
	for (unsigned i = 0; again; i++) {
		if (i == LAST_CHECKS_MAX)
			return true;
		if (!keep_frozen(a, i == 0, e))
			return false;
		if (!serve_cheaply(a, i == 0 ? a->params.effort : 0, o->team))
			return a->plan.unserved != NONE || plan_over_limit(&a->plan) ||
			       err_set(e, ERR_MEMORY, "no memory for the moves");
		if (i == 0 && o->choose != NULL && l->n == 0 && !plan_over_limit(&a->plan) &&
		    !ask_choice(a, o, e))
			return false;
		if (i == 0)
			extra_redundant(&a->plan, a->level);
		if (!extra_hidden_sums(&a->plan, a->level))
			return err_set(e, ERR_MEMORY, "no memory for the moves");
		if (plan_over_limit(&a->plan))
			return true;
		begin(o, "last check");
		plan_unlist(&a->plan);
		proof_seed(&a->g, seed);
		if (!solve_again(a, e) || !null_vectors(a, 0, o->team == NULL ? 1 : 2, o->team, e) ||
		    !judge_derivable(a, &again, e))
			return false;
		if (!again && !unprinted_find(&a->plan, a->level, &again, e))
			return false;
		if (again && !plan_list(&a->plan))
			return err_set(e, ERR_MEMORY, "no memory for the moves");
	}
	if (a->priced != NULL)
		a->choice.cost = choice_total(&a->g, a->priced);
	/* the pattern may have lost a hidden sum's cell: the vectors belong to the final one */
	bool stands = pattern_is(a, seed);
	if (!stands && !solve_again(a, e))
		return false;
	if (!(stands && o->team != NULL) && !null_vectors(a, stands ? 1 : 0, stands ? 1 : 2, o->team, e))
		return false;
	if (!judge_virtual(a, e))
		return false;
	equations_free(&a->equations);
	*served = plan_list(&a->plan); /* explanations ask for them */
	return *served || err_set(e, ERR_MEMORY, "no memory for the moves");
}

/* ---- what comes out ---- */

void release_put_manifest_head(
    struct buf *out, const struct release_options *o, enum guarantee level, const struct release_result *r)
{
	uint8_t digest[32];
	buf_put_text(out, "{\"v\":1,\"salt\":\"");
	buf_put_hex(out, bytes_of(o->salt, 32));
	buf_put_text(out, "\",\"ds\":");
	explain_json_text(out, o->dataset == NULL ? "" : o->dataset);
	buf_put_text(out, ",\"p\":");
	explain_json_text(out, o->period == NULL ? "" : o->period);
	buf_printf(out, ",\"rev\":%u,\"config\":\"", o->revision);
	buf_put_hex(out, bytes_of(o->config, 32));
	buf_printf(out, "\",\"level\":\"L%d\"", (int)level);
	const struct buf *part[] = { &r->result_csv, &r->certificate, &r->auditor };
	static const char *const name[] = { "result", "cert", "auditor" };
	for (int i = 0; i < 3 && r->refusal == REFUSAL_NONE; i++) {
		crypto_hash_sha256(digest, part[i]->data, part[i]->size);
		buf_printf(out, ",\"%s\":\"", name[i]);
		buf_put_hex(out, bytes_of(digest, 32));
		buf_put_text(out, "\"");
	}
	buf_put_text(out, "}\n");
}

static const char *const refusal_names[] = { "", "min_reporting", "min_offices_changed", "requirement",
	"ledger", "limit" };

static void count_cells(const struct grid *g, struct release_summary *s)
{
	uint64_t printed_value = 0;
	for (uint32_t c = 0; c < g->n_cells; c++) {
		char mark = proof_mark(g, c);
		s->printed += mark != '-';
		s->published += mark == 'P';
		s->hidden += mark == 'H';
		s->structural += mark == 'Z';
		s->not_reported += mark == 'N';
		s->not_asked += mark == 'A';
		s->primary += mark == 'H' && g->primary[c] != 0;
		printed_value += mark == 'P' ? (uint64_t)g->value[c] : 0;
		if (mark == 'H' && g->primary[c] == 0) {
			s->secondary++;
			s->secondary_value += (uint64_t)g->value[c];
			s->cost += (uint64_t)(g->p->price_count +
					      (uint64_t)g->p->price_value * (uint64_t)g->value[c]);
		}
	}
	s->advise_recode = s->secondary_value * 10 > printed_value + s->secondary_value;
}

static void summarise(const struct attempt *a, const struct grid *own, struct release_summary *s)
{
	count_cells(own, s);
	s->earlier = a->g.ledger == NULL ? 0 : a->g.ledger->n;
	s->requirements = a->needs.n;
	s->served_free = a->plan.by_free;
	s->served_gather = a->plan.by_gather;
	s->served_pay = a->plan.by_pay;
	s->served_chain = a->plan.by_retry;
	s->served_exact = a->plan.by_exact;
	s->work = a->plan.s.work;
	s->choice = a->choice;
	s->level = a->level;
	s->floor = a->g.floor;
	for (uint32_t i = 0; i < a->plan.n_moves; i++)
		if (a->plan.move[i].word != NULL && a->plan.move[i].active) {
			s->moves++;
			s->move_entries += a->plan.move[i].n;
		}
}

/* What left before and would be protected today: the cells, for who decides what to say about it. */
static uint64_t put_late(const struct grid *g, struct buf *out, uint64_t *late)
{
	*late = 0;
	for (uint32_t c = 0; g->out != NULL && c < g->n_cells; c++) {
		if (g->out[c] != GRID_LATE)
			continue;
		buf_put_text(out, "{\"late\":");
		explain_json_cell(out, g->t, c);
		buf_put_text(out, "}\n");
		(*late)++;
	}
	return *late;
}

static bool finish(struct attempt *a, struct ledger *l, const struct ladder *rungs,
    const struct release_options *o, struct release_result *r, struct err *e)
{
	uint8_t grid[32]; /* of the table as it came: a coarser one has the same files and fewer rows */
	bool coarser = rungs->coarse.n_steps > 0;
	struct proof proof = { .plan = &a->plan,
		.level = a->level,
		.null = { a->null[0], a->null[1] },
		.grid = o->has_grid ? o->grid
			: coarser   ? grid
				    : NULL };
	struct witness_report witness;
	struct buf cells = { 0 };
	uint64_t lines = 0;
	if (coarser && !proof_grid_digest(rungs->input, grid, e))
		return false;
	begin(o, "proof");
	const struct grid *own = l->n == 0 ? &a->g : ledger_own(l, &a->g);
	const struct proving proving = { &proof, own, o->truth, o->team };
	bool ok = proving_run(&proving, r, &cells, &lines, &witness, e);
	release_put_manifest_head(&r->manifest, o, a->level, r);
	buf_put_bytes(&r->manifest, buf_bytes(&cells));
	r->manifest.failed = r->manifest.failed || cells.failed;
	buf_free(&cells);
	if (!ok)
		return false;
	buf_put_bytes(&r->manifest, buf_bytes(&rungs->lines));
	lines += 2 + rungs->n_lines;
	lines += put_late(&a->g, &r->manifest, &r->summary.late);
	buf_printf(&r->manifest, "{\"lines\":%" PRIu64 "}\n", lines);
	summarise(a, own, &r->summary);
	r->summary.components = witness.components;
	r->summary.hidden_open_components = witness.open;
	r->table = safe_table_make(own);
	if (r->table != NULL)
		r->table->coarser = coarser;
	if (r->summary.advise_recode)
		buf_put_text(&r->reasons,
		    "advice: recode: so much is hidden for other cells' sake that coarser codes would show "
		    "more\n");
	if (r->table == NULL || r->result_csv.failed || r->derived_csv.failed || r->explain_csv.failed ||
	    r->manifest.failed)
		return err_set(e, ERR_MEMORY, "no memory for the release");
	begin(o, "done");
	return true;
}

/* A refusal's manifest: what stood against it, without counts. l, why: NULL where nothing was tried. */
static bool finish_refused(const struct ladder *l, const struct conflict *why, const struct table_input *t,
    const struct release_options *o, enum guarantee level, struct release_result *r, struct err *e)
{
	release_put_manifest_head(&r->manifest, o, level, r);
	if (l != NULL)
		buf_put_bytes(&r->manifest, buf_bytes(&l->lines));
	buf_printf(&r->manifest, "{\"refused\":\"%s\",\"conflict\":[", refusal_names[r->refusal]);
	if (why != NULL && why->cell != NONE)
		explain_json_cell(&r->manifest, t, why->cell);
	for (uint32_t i = 0; why != NULL && i < why->n_forced; i++) {
		buf_put_text(&r->manifest, ",");
		explain_json_cell(&r->manifest, t, why->forced[i]);
	}
	buf_printf(&r->manifest, "]}\n{\"lines\":%" PRIu64 "}\n", 3 + (l == NULL ? 0 : l->n_lines));
	r->summary.level = level;
	return !r->manifest.failed || err_set(e, ERR_MEMORY, "no memory for the refusal");
}

static void name_conflict(const struct conflict *why, const struct table_input *t, struct release_result *r)
{
	r->refusal = REFUSAL_REQUIREMENT;
	buf_put_text(&r->reasons, "no safe pattern within the ladder");
	if (why->cell != NONE) {
		buf_put_text(&r->reasons, "; cannot be protected: ");
		table_put_cell(t, why->cell, '|', &r->reasons);
	}
	buf_put_text(&r->reasons, "\n");
	for (uint32_t i = 0; i < why->n_forced; i++) {
		buf_put_text(&r->reasons, "because this must be printed: ");
		table_put_cell(t, why->forced[i], '|', &r->reasons);
		buf_put_text(&r->reasons, "\n");
	}
	if (why->zeros)
		buf_put_text(&r->reasons,
		    "because noughts may not be hidden (zeros: published, no step camouflage)\n");
}

/* What the last attempt failed at, and, for the first release of a period, what stands against it. */
static bool explain_refusal(const struct attempt *a, const struct ladder *l, bool first,
    const uint8_t key[32], const struct release_options *o, struct conflict *why, struct release_result *r,
    struct err *e)
{
	bool known = a->plan.unserved != NONE && a->plan.unserved < a->needs.n;
	if (plan_over_limit(&a->plan)) {
		r->refusal = REFUSAL_LIMIT;
		buf_put_text(&r->reasons, "the work limit was reached before the table was safe\n");
		return true;
	}
	why->cell = known ? a->needs.need[a->plan.unserved].cell : NONE;
	if (known && first &&
	    !conflict_find(l, key, a->level, a->needs.need[a->plan.unserved].origin, o->max_work, why, e))
		return false;
	name_conflict(why, a->g.t, r);
	return true;
}

static bool hides_forced(const struct grid *g)
{
	struct walk w;
	uint64_t cell = 0;
	for (size_t i = 0; i < g->t->n_patterns; i++) {
		if (g->t->pattern[i].kind != PATTERN_FORCED)
			continue;
		walk_begin(&w, g->t, g->t->pattern[i].code, false);
		while (walk_next(&w, &cell))
			if (grid_hidden(g, (uint32_t)cell))
				return true;
	}
	return false;
}

/* Attempts down the ladder until one is served. */
static bool climb(const struct table_input *t, struct ledger *l, const struct policy_params *p,
    const uint8_t key[32], const struct release_options *o, enum guarantee level, struct release_result *r,
    struct err *e)
{
	struct attempt a = { .level = level };
	struct conflict why = { .cell = NONE };
	struct ladder rungs;
	bool first = l->n == 0;
	bool served = false;
	bool again = true;
	bool ok = ladder_begin(&rungs, t, p, e) && attempt_run(&a, &rungs, l, key, o, &served, e);
	rungs.may_camouflage = ledger_may_hide_noughts(l);
	rungs.may_change_table = first; /* what a period's first release printed is printed for good */
	while (ok && again && !served && r->refusal == REFUSAL_NONE && !plan_over_limit(&a.plan)) {
		bool known = a.plan.unserved != NONE && a.plan.unserved < a.needs.n;
		ok = ladder_next(&rungs, &a.g, known ? a.needs.need[a.plan.unserved].cell : NONE, &again, e);
		if (!ok || !again)
			break;
		attempt_free(&a);
		a.level = level;
		ok = attempt_run(&a, &rungs, l, key, o, &served, e);
	}
	if (ok && served && (first ? hides_forced(&a.g) : a.needs.unfrozen))
		ladder_thawed(&rungs);
	buf_put_bytes(&r->reasons, buf_bytes(&rungs.words));
	if (ok && served)
		ok = finish(&a, l, &rungs, o, r, e);
	if (ok && !served && r->refusal == REFUSAL_NONE && !plan_over_limit(&a.plan))
		ledger_note_lost(l, &r->reasons);
	if (ok && !served)
		ok = (r->refusal != REFUSAL_NONE || explain_refusal(&a, &rungs, first, key, o, &why, r, e)) &&
		     finish_refused(&rungs, &why, a.g.t == NULL ? t : a.g.t, o, level, r, e);
	r->summary.last_step = rungs.last;
	free(why.forced);
	attempt_free(&a);
	ladder_free(&rungs);
	return ok;
}

bool release_build(const struct table_input *t, const struct policy_params *p, const uint8_t choice_key[32],
    const struct release_options *o, struct release_result **out, struct err *e)
{
	static const struct release_options none = { 0 };
	uint32_t offices = 0;
	bool ok = false;
	*out = NULL;
	if (!t->finished)
		return err_set(e, ERR_INVALID, "the table is not finished");
	if (o == NULL)
		o = &none;
	enum guarantee level = o->level != 0 ? o->level : t->n_earlier > 0 ? LEVEL_4 : LEVEL_3;
	uint32_t reporting = count_reporting(t, p, &offices);
	struct policy_params rules = policy_params_effective(p);
	struct release_result *r = calloc(1, sizeof *r);
	struct ledger l = { 0 };
	if (r == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the release");
	if (!fits_check(t, p, offices, e))
		goto done;
	if (reporting < p->min_reporting)
		refuse(r, REFUSAL_MIN_REPORTING, "fewer offices have reported than the policy asks for");
	if (r->refusal == REFUSAL_NONE && moved_ledger_allows(t, p, o, r) &&
	    !open_ledger(&l, t, &rules, choice_key, o, r, e))
		goto done;
	if (r->refusal != REFUSAL_NONE)
		ok = finish_refused(NULL, NULL, t, o, level, r, e);
	else if (p->method != METHOD_SUPPRESSION)
		ok = moved_release(t, &rules, choice_key, o, level, r, e) &&
		     (r->refusal == REFUSAL_NONE || finish_refused(NULL, NULL, t, o, level, r, e));
	else
		ok = climb(t, &l, &rules, choice_key, o, level, r, e);
done:
	ledger_free(&l);
	if (ok)
		*out = r;
	else
		release_result_free(r);
	return ok;
}
