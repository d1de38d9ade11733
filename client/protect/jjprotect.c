#include "client/protect/jjprotect.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/protect/deadline.h"
#include "client/protect/jjattack.h"
#include "client/protect/jjcert.h"
#include "client/protect/jjcheck.h"
#include "client/protect/jjproof.h"
#include "client/protect/jjsearch.h"
#include "client/protect/optimaltold.h"
#include "client/protect/protect.h"
#include "client/protect/protectfiles.h"
#include "client/protect/system.h"
#include "client/text.h"
#include "policy/params.h"

#define LEAST_PRICE 0.001 /* nothing is free: a hidden cell must be worth something */

struct job {
	struct policy_params params;
	struct jjrule rule;
	uint8_t key[32];
	bool real_key;
	bool camouflage; /* the ladder's step was taken */
	bool optimal;
	struct choice_outcome outcome; /* of --optimal */
	struct optimal_report report;
	double cost; /* of what is hidden for others' sake, as the file counts it */
	struct jj j;
	uint32_t *column; /* by cell, or CHOICE_NONE */
	struct interval
	    *most; /* by cell: with all hidden that may be; once a width was not reached upwards */
	bool measured;
	struct choice_question q;
	struct choice_answer a;
	char *mark;
	uint64_t *null[2];
	struct buf result_csv, result_jj, certificate, auditor, explain, summary;
};

static void job_free(struct job *w)
{
	jj_free(&w->j);
	choice_question_free(&w->q);
	choice_answer_free(&w->a);
	free(w->column);
	free(w->most);
	free(w->mark);
	free(w->null[0]);
	free(w->null[1]);
	buf_free(&w->result_csv);
	buf_free(&w->result_jj);
	buf_free(&w->certificate);
	buf_free(&w->auditor);
	buf_free(&w->explain);
	buf_free(&w->summary);
	sodium_memzero(w->key, sizeof w->key);
}

/* ---- the question ---- */

/* Where noughts are published, nobody finds a hidden one: at least 1 wherever the file says at least 0. One that the file
 * itself hides shows that it is not so. */
static int64_t floor_of(const struct job *w)
{
	if (w->params.zeros != ZEROS_PUBLISHED || w->camouflage)
		return 0;
	for (uint32_t c = 0; c < w->j.n_cells; c++)
		if (w->j.cell[c].lb == 0 && w->j.cell[c].value == 0 &&
		    (w->j.cell[c].status == JJ_UNSAFE || w->j.cell[c].status == JJ_MISSING))
			return 0;
	return 1;
}

static bool may_hide(const struct job *w, const struct jj_cell *c)
{
	if (c->status == JJ_SAFE)
		return c->value >= jjcheck_low(c, &w->rule);
	return c->status != JJ_PROTECTED;
}

static bool columns_make(struct job *w)
{
	struct choice_question *q = &w->q;
	size_t room = (size_t)w->j.n_cells + 1;
	q->cell = calloc(room, sizeof *q->cell);
	q->price = calloc(room, sizeof *q->price);
	q->down = calloc(room, sizeof *q->down);
	q->up = calloc(room, sizeof *q->up);
	q->group = calloc(room, sizeof *q->group);
	q->hidden = calloc(room, 1);
	if (q->cell == NULL || q->price == NULL || q->down == NULL || q->up == NULL || q->group == NULL ||
	    q->hidden == NULL)
		return false;
	for (uint32_t c = 0; c < w->j.n_cells; c++) {
		const struct jj_cell *cell = &w->j.cell[c];
		uint32_t i = q->n_columns;
		w->column[c] = CHOICE_NONE;
		if (!may_hide(w, cell))
			continue;
		w->column[c] = q->n_columns++;
		q->cell[i] = c;
		q->price[i] = cell->status != JJ_SAFE    ? 0
			      : cell->cost > LEAST_PRICE ? cell->cost
							 : LEAST_PRICE;
		q->down[i] = cell->value - jjcheck_low(cell, &w->rule);
		q->up[i] = cell->ub >= JJ_BOUND_MAX ? INT64_MAX : cell->ub - cell->value;
		q->group[i] = CHOICE_NONE;
	}
	return true;
}

static bool relations_make(struct job *w)
{
	const struct jj *j = &w->j;
	struct choice_question *q = &w->q;
	uint32_t at = 0;
	q->start = calloc((size_t)j->n_relations + 1, sizeof *q->start);
	q->entry = calloc((size_t)j->start[j->n_relations] + 1, sizeof *q->entry);
	if (q->start == NULL || q->entry == NULL)
		return false;
	for (uint32_t r = 0; r < j->n_relations; r++) {
		for (uint32_t i = j->start[r]; i < j->start[r + 1]; i++)
			if (w->column[j->term[i].cell] != CHOICE_NONE)
				q->entry[at++] =
				    (struct choice_term){ w->column[j->term[i].cell], j->term[i].coef };
		if (at > q->start[q->n_relations])
			q->start[++q->n_relations] = at;
	}
	return true;
}

static void add_need(struct choice_question *q, uint32_t column, int dir, int64_t amp)
{
	uint32_t i = q->n_needs++;
	q->term[i] = (struct choice_term){ column, dir };
	q->need[i] = (struct choice_need){ .first = i, .n = 1, .amp = amp, .slots = 1 };
}

/* How far up the cell can go for its width's sake. */
static int64_t room_up(const struct job *w, uint32_t c)
{
	int64_t room = w->q.up[w->column[c]];
	if (w->measured && w->most[c].hi != SYSTEM_UNBOUNDED && w->most[c].hi - w->j.cell[c].value < room)
		return w->most[c].hi - w->j.cell[c].value;
	return room;
}

/* Up and down as far as the levels say; what the width asks for beyond goes up, as far as may be. */
static void add_reach(struct job *w, uint32_t c)
{
	struct choice_question *q = &w->q;
	uint32_t i = w->column[c];
	struct jjreach r = jjcheck_reach(&w->j.cell[c], &w->rule);
	if (r.down == 0 && r.up == 0 && r.width == 0)
		return;
	if (w->rule.level == 1) {
		add_need(q, i, 1, 0);
		return;
	}
	int64_t more = r.width - r.down - r.up;
	if (more > 0) {
		int64_t room = room_up(w, c) - r.up;
		int64_t up = room < 0 ? 0 : more < room ? more : room;
		r.up += up;
		r.down += more - up;
	}
	if (r.up > 0)
		add_need(q, i, 1, r.up);
	if (r.down > 0)
		add_need(q, i, -1, r.down);
}

static bool needs_make(struct job *w)
{
	size_t room = 2 * (size_t)w->j.n_cells + 1;
	w->q.need = calloc(room, sizeof *w->q.need);
	w->q.term = calloc(room, sizeof *w->q.term);
	if (w->q.need == NULL || w->q.term == NULL)
		return false;
	for (uint32_t c = 0; c < w->j.n_cells; c++)
		if (w->column[c] != CHOICE_NONE)
			add_reach(w, c);
	return true;
}

/* ---- the answer ---- */

/* The keyed choice: prices times up to 1.3, as in the engine. Without a key the prices are the file's. */
static double *factors(const struct job *w)
{
	static const char label[] = "cellveil/1/series";
	uint8_t series[32];
	double *factor = calloc((size_t)w->q.n_columns + 1, sizeof *factor);
	crypto_generichash_state s;
	crypto_generichash_init(&s, w->key, sizeof w->key, sizeof series);
	crypto_generichash_update(&s, (const uint8_t *)label, sizeof label);
	crypto_generichash_update(&s, (const uint8_t *)w->params.series, strlen(w->params.series));
	crypto_generichash_final(&s, series, sizeof series);
	for (uint32_t i = 0; factor != NULL && i < w->q.n_columns; i++) {
		uint8_t in[4];
		uint8_t out[8];
		uint32_t word = 0;
		for (unsigned k = 0; k < 4; k++)
			in[k] = (uint8_t)(w->q.cell[i] >> (8 * k));
		crypto_shorthash(out, in, sizeof in, series);
		for (unsigned k = 0; k < 4; k++)
			word |= (uint32_t)out[k] << (8 * k);
		factor[i] = w->real_key ? 1.0 + 0.3 * (double)word / 4294967296.0 : 1.0;
	}
	sodium_memzero(series, sizeof series);
	sodium_memzero(&s, sizeof s);
	return factor;
}

/* One search with the floor as it stands. *cell: what cannot be protected. */
static bool attempt(struct job *w, uint32_t *cell, struct err *e)
{
	uint32_t unserved = CHOICE_NONE;
	choice_question_free(&w->q);
	choice_answer_free(&w->a);
	w->rule.floor = floor_of(w);
	*cell = CHOICE_NONE;
	double *factor = NULL;
	bool ok = columns_make(w) && relations_make(w) && needs_make(w) && (factor = factors(w)) != NULL;
	if (!ok)
		err_set(e, ERR_MEMORY, "no memory");
	ok = ok && jjsearch_run(&w->q, factor, &w->a, &unserved, e);
	free(factor);
	if (!ok && unserved != CHOICE_NONE)
		*cell = w->q.cell[w->q.term[w->q.need[unserved].first].column];
	return ok;
}

/* Whether the cell's need reaches up further than its level says, for the width. */
static bool is_stretched(const struct job *w, uint32_t c)
{
	struct jjreach r = jjcheck_reach(&w->j.cell[c], &w->rule);
	return w->rule.level > 1 && r.width > r.down + r.up;
}

/* How far each stretched cell can go at all: its width is then made up of both sides. */
static bool measure(struct job *w, struct err *e)
{
	uint64_t programs = 0;
	int64_t *value = calloc(w->j.n_cells, sizeof *value);
	if (value == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	for (uint32_t c = 0; c < w->j.n_cells; c++) {
		bool hidden = may_hide(w, &w->j.cell[c]);
		w->mark[c] = !hidden ? 'P' : is_stretched(w, c) ? 'H' : '-';
		value[c] = hidden ? 0 : w->j.cell[c].value;
		w->most[c] = (struct interval){ 0, SYSTEM_UNBOUNDED, 0 };
	}
	w->measured = true;
	bool ok = jjattack_intervals(&w->j, w->mark, value, w->rule.floor, w->most, &programs, e);
	free(value);
	return ok;
}

static bool may_camouflage(const struct job *w)
{
	for (int i = 0; i < PARAMS_LADDER_MAX; i++)
		if (w->params.ladder[i] == LADDER_CAMOUFLAGE)
			return w->rule.floor > 0;
	return false;
}

/* True with *cell CHOICE_NONE: there are moves. True with a cell: refused. */
static bool search(struct job *w, uint32_t *cell, struct err *e)
{
	while (!attempt(w, cell, e)) {
		if (*cell == CHOICE_NONE)
			return false;
		if (!w->measured && is_stretched(w, *cell)) {
			if (!measure(w, e))
				return false;
		} else if (may_camouflage(w)) {
			w->camouflage = true;
			w->measured = false;
		} else {
			return true;
		}
	}
	return true;
}

/* --optimal: another answer, if it holds and costs less. */
static bool improve(struct job *w, struct err *e)
{
	struct choice_answer a = { 0 };
	w->report.patience = deadline_patience();
	if (!optimal_ask(&w->report, &w->q, &a, e))
		return false;
	bool better = a.start != NULL && choice_cost(&w->q, &a) < w->q.cost;
	for (uint32_t i = 0; better && i < w->q.n_needs; i++)
		better = choice_holds(&w->q, &a, i);
	w->outcome = (struct choice_outcome){
		.asked = true, .adopted = better, .bound = a.bound, .cost_before = w->q.cost
	};
	choice_answer_free(better ? &w->a : &a);
	if (better)
		w->a = a;
	return true;
}

/* From here on columns are cells. */
static void marks_make(struct job *w)
{
	for (uint32_t c = 0; c < w->j.n_cells; c++) {
		char status = w->j.cell[c].status;
		w->mark[c] = status == JJ_UNSAFE || status == JJ_MISSING ? 'H' : 'P';
	}
	for (uint32_t k = 0; k < w->a.start[w->q.n_needs]; k++) {
		w->a.step[k].column = w->q.cell[w->a.step[k].column];
		w->mark[w->a.step[k].column] = 'H';
	}
}

static void put_result_jj(struct job *w)
{
	for (uint32_t c = 0; c < w->j.n_cells; c++)
		if (w->mark[c] == 'H' && w->j.cell[c].status == JJ_SAFE)
			w->j.cell[c].status = JJ_MISSING;
	jj_put(&w->j, &w->result_jj);
}

static void put_digest(struct buf *out, const char *name, const struct buf *of, const char *end)
{
	uint8_t digest[32];
	crypto_hash_sha256(digest, of->data, of->size);
	buf_printf(out, "\"%s\":\"", name);
	buf_put_hex(out, bytes_of(digest, sizeof digest));
	buf_printf(out, "\"%s", end);
}

/* The bound may lie a little above the costs in the file, since none counts as less than LEAST_PRICE. */
static struct optimaltold optimal_of(const struct job *w)
{
	return (struct optimaltold){ &w->outcome, &w->report, w->cost };
}

static void put_summary(struct job *w)
{
	unsigned long long n[4] = { 0 }; /* published, primary, secondary, hidden already */
	long long value = 0;
	uint8_t digest[32];
	struct buf *out = &w->summary;
	for (uint32_t c = 0; c < w->j.n_cells; c++) {
		const struct jj_cell *cell = &w->j.cell[c];
		if (w->mark[c] == 'P') {
			n[0]++;
		} else if (cell->status == JJ_SAFE) {
			n[2]++;
			value += cell->value;
			w->cost += cell->cost;
		} else {
			n[cell->status == JJ_UNSAFE ? 1 : 3]++;
		}
	}
	const struct optimaltold optimal = optimal_of(w);
	policy_params_digest(&w->params, digest);
	buf_printf(
	    out, "{\"level\":\"L%u\",\"floor\":%lld,\"policy\":\"", w->rule.level, (long long)w->rule.floor);
	buf_put_hex(out, bytes_of(digest, sizeof digest));
	buf_printf(out,
	    "\",\"for_publication\":%s,\"cells\":%u,\"relations\":%u,\"published\":%llu,\"hidden\":%llu,"
	    "\"primary\":%llu,"
	    "\"secondary\":%llu,\"hidden_before\":%llu,\"secondary_value\":%lld,\"cost\":%.15g,"
	    "\"requirements\":%u,"
	    "\"ladder\":\"%s\",",
	    w->real_key ? "true" : "false", w->j.n_cells, w->j.n_relations, n[0], n[1] + n[2] + n[3], n[1],
	    n[2], n[3], value, w->cost, w->q.n_needs, w->camouflage ? "camouflage" : "none");
	if (w->optimal)
		optimaltold_json(&optimal, out);
	put_digest(out, "result_sha256", &w->result_csv, ",");
	put_digest(out, "certificate_sha256", &w->certificate, ",");
	put_digest(out, "auditor_sha256", &w->auditor, "}\n");
}

/* Depends on what the part proves, so that nobody can try out counts against its digest. */
static void make_blind(const struct job *w, uint8_t blind[32])
{
	static const char label[] = "cellveil/1/auditor";
	crypto_generichash_state s;
	crypto_generichash_init(&s, w->key, sizeof w->key, 32);
	crypto_generichash_update(&s, (const uint8_t *)label, sizeof label);
	crypto_generichash_update(&s, w->certificate.data, w->certificate.size);
	crypto_generichash_final(&s, blind, 32);
	sodium_memzero(&s, sizeof s);
}

static bool put_proof(struct job *w, struct err *e)
{
	const struct jjproof proof = { &w->j, w->mark, &w->q, &w->a };
	uint8_t blind[32];
	make_blind(w, blind);
	bool ok = jjproof_explain(&proof, &w->explain, e) &&
		  jjproof_auditor(&proof, buf_bytes(&w->certificate), blind, &w->auditor, e);
	sodium_memzero(blind, sizeof blind);
	return ok;
}

static bool finish(struct job *w, struct err *e)
{
	const struct jjclaim claim = { w->rule.level, w->params.threshold, w->params.width,
		(unsigned)w->rule.floor };
	marks_make(w);
	jj_put_result(&w->j, w->mark, &w->result_csv);
	if (!jjcert_null(&w->j, w->mark, JJCERT_PRIME_1, w->null[0], e) ||
	    !jjcert_null(&w->j, w->mark, JJCERT_PRIME_2, w->null[1], e) ||
	    !jjcheck_pattern(&w->j, w->mark, &w->rule, &w->a, w->q.n_needs, w->null[0], w->null[1], e) ||
	    !jjcert_write(&w->j, w->mark, &claim, buf_bytes(&w->result_csv), w->null[0], w->null[1],
		&w->certificate, e) ||
	    !put_proof(w, e))
		return false;
	put_summary(w);
	put_result_jj(w);
	return (!w->result_csv.failed && !w->result_jj.failed && !w->summary.failed) ||
	       err_set(e, ERR_MEMORY, "no memory for the result");
}

/* ---- the command ---- */

static bool read_level(const struct args *args, struct job *w, struct err *e)
{
	const char *level = args_value(args, "level");
	w->rule.level = 2; /* nobody contributes to a JJ table: L3 is L2 */
	if (level == NULL || strcmp(level, "L2") == 0 || strcmp(level, "L3") == 0)
		return true;
	w->rule.level = 1;
	return strcmp(level, "L1") == 0 || err_set(e, ERR_INVALID, "--level is L1, L2 or L3 with --jj");
}

static bool job_open(const struct args *args, struct job *w, struct err *e)
{
	const char *policy = args_value(args, "policy");
	const char *key = args_value(args, "key");
	w->params = policy_params_default();
	if ((policy != NULL && !protectfiles_policy(&w->params, policy, e)) || !read_level(args, w, e) ||
	    (key != NULL && !protectfiles_key(w->key, key, e)) ||
	    !jj_load(&w->j, args_value(args, "jj"), true, e))
		return false;
	if (w->params.method != METHOD_SUPPRESSION)
		return err_set(e, ERR_INVALID, "method: %s: a JJ table can be protected by suppression only",
		    policy_method_name(w->params.method));
	w->real_key = key != NULL;
	w->optimal = args_flag(args, "optimal");
	w->rule.threshold = w->params.threshold;
	w->rule.width = w->params.width;
	size_t n = w->j.n_cells;
	w->column = calloc(n, sizeof *w->column);
	w->most = calloc(n, sizeof *w->most);
	w->mark = calloc(n, 1);
	w->null[0] = calloc(n, sizeof *w->null[0]);
	w->null[1] = calloc(n, sizeof *w->null[1]);
	return (w->column != NULL && w->most != NULL && w->mark != NULL && w->null[0] != NULL &&
		   w->null[1] != NULL) ||
	       err_set(e, ERR_MEMORY, "no memory");
}

static int code_of(const struct err *e)
{
	text_error(e);
	return e->code == ERR_INTERNAL ? PROTECT_INTERNAL
	       : e->code == ERR_MEMORY ? PROTECT_LIMIT
				       : PROTECT_INPUT;
}

static int write_all(const struct args *args, struct job *w)
{
	struct err e = { 0 };
	const struct outfile file[] = { { "RESULT.csv", buf_bytes(&w->result_csv) },
		{ "RESULT.jj", buf_bytes(&w->result_jj) }, { "certificate.cvc", buf_bytes(&w->certificate) },
		{ "certificate.auditor.cvc", buf_bytes(&w->auditor) },
		{ "explain.csv", buf_bytes(&w->explain) }, { "summary.json", buf_bytes(&w->summary) } };
	uint32_t hidden = 0;
	deadline_stop();
	if (!protectfiles_write(args_value(args, "output"), file, sizeof file / sizeof file[0], &e))
		return code_of(&e);
	for (uint32_t c = 0; c < w->j.n_cells; c++)
		hidden += w->mark[c] == 'H';
	if (args_flag(args, "json"))
		text_put(&w->summary);
	text_say(_("%u cells: %u published, %u hidden; guarantee L%u"), w->j.n_cells, w->j.n_cells - hidden,
	    hidden, w->rule.level);
	const struct optimaltold optimal = optimal_of(w);
	if (w->optimal)
		optimaltold_say(&optimal);
	if (!w->real_key)
		text_warn("%s", _("no key: not for publication"));
	return PROTECT_SAFE;
}

int jjprotect_run(const struct args *args)
{
	struct job w = { 0 };
	struct err e = { 0 };
	uint32_t cell = CHOICE_NONE;
	int code;
	static const char *const folders[] = { "effort", "threads", "max-work", "write-jj", "propose",
		"ledger", "period", "revision", "truth", NULL };
	if (args->n != 0) {
		text_warn("%s", _("protect takes a folder or --jj FILE, not both"));
		return PROTECT_INPUT;
	}
	if (!args_exclude(args, "--jj", folders))
		return PROTECT_INPUT;
	if (!job_open(args, &w, &e) || !search(&w, &cell, &e) ||
	    (cell == CHOICE_NONE && ((w.optimal && !improve(&w, &e)) || !finish(&w, &e)))) {
		code = code_of(&e);
	} else if (cell != CHOICE_NONE) {
		text_say(_("refused: cell %u cannot be protected; nothing was written"), cell);
		code = PROTECT_REFUSED;
	} else {
		code = write_all(args, &w);
	}
	job_free(&w);
	return code;
}
