#include "policy/proving.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

#include "policy/check.h"
#include "policy/derived.h"
#include "policy/explain.h"

void release_put_result(const struct grid *g, bool truth, struct buf *out)
{
	const struct table_input *t = g->t;
	size_t n = t->n_dims - (t->added_office ? 1 : 0);
	for (size_t d = 0; d < n; d++)
		buf_printf(out, "%s,", t->dim[d].name);
	buf_put_text(out, truth ? "freq,status,primary,suppressed\n" : "freq,status\n");
	for (uint32_t c = 0; c < g->n_cells; c++) {
		char mark = proof_mark(g, c);
		if (mark == '-')
			continue;
		for (size_t d = 0; d < n; d++)
			buf_printf(out, "%s,", t->dim[d].code[table_coord(t, c, d)]);
		if (mark == 'P' || mark == 'R' || (truth && mark == 'H'))
			buf_printf(out, "%" PRId64, g->value[c]);
		else if (mark == 'Z')
			buf_put_text(out, "0");
		buf_printf(out, ",%c", mark);
		if (truth)
			buf_printf(out, ",%d,%d", mark == 'H' && g->primary[c] != 0, mark == 'H');
		buf_put_text(out, "\n");
	}
}

enum { JOB_RESULT, JOB_EXPLAIN, JOB_MANIFEST, JOBS_LISTS };

struct work {
	const struct proving *p;
	struct release_result *r;
	struct buf *lines;
	uint64_t n_lines;
	struct witness *w;
	struct buf piece[PIECES];
	struct err failed[CHECK_PARTS];
	bool holds[CHECK_PARTS];
};

static void list(struct work *w, uint32_t job)
{
	const struct plan *plan = w->p->proof->plan;
	if (job == JOB_EXPLAIN) {
		explain_csv(plan, &w->r->explain_csv);
	} else if (job == JOB_MANIFEST) {
		w->n_lines = explain_manifest(plan, w->lines);
	} else {
		release_put_result(w->p->own, w->p->truth, &w->r->result_csv);
		derived_write(w->p->own, &w->r->derived_csv);
		crypto_hash_sha256(w->p->proof->result, w->r->result_csv.data, w->r->result_csv.size);
	}
}

/* The public tables first: they take longest, and are begun in order. */
static void do_job(void *work, uint32_t job)
{
	struct work *w = work;
	uint32_t n = witness_jobs(w->w);
	if (job < n) {
		witness_try(w->w, job);
		return;
	}
	job -= n;
	if (job < CHECK_PARTS)
		w->holds[job] = check_part(w->p->proof->plan, w->p->proof->level, job, &w->failed[job]);
	else if (job < CHECK_PARTS + JOBS_LISTS)
		list(w, job - CHECK_PARTS);
	else
		proof_piece(
		    w->p->proof, job - CHECK_PARTS - JOBS_LISTS, &w->piece[job - CHECK_PARTS - JOBS_LISTS]);
}

static bool holds(const struct work *w, struct err *e)
{
	for (uint32_t i = 0; i < CHECK_PARTS; i++)
		if (!w->holds[i]) {
			*e = w->failed[i];
			return false;
		}
	return true;
}

bool proving_run(const struct proving *p, struct release_result *r, struct buf *lines, uint64_t *n_lines,
    struct witness_report *witness, struct err *e)
{
	struct work w = { .p = p, .r = r, .lines = lines };
	uint32_t *number = proof_number_moves(p->proof->plan);
	bool ok = false;
	p->proof->number = number;
	w.w = witness_open(p->proof->plan->g, p->proof->null, e);
	if (w.w == NULL || number == NULL) {
		err_set(e, ERR_MEMORY, "no memory for the certificate");
		goto done;
	}
	team_run(p->team, do_job, &w, witness_jobs(w.w) + CHECK_PARTS + JOBS_LISTS + PIECES);
	*n_lines = w.n_lines;
	ok = holds(&w, e) && certificate_write(p->proof, w.piece, w.w, &r->certificate, witness, e) &&
	     auditor_write(p->proof, buf_bytes(&r->certificate), w.piece, &r->auditor, e);
done:
	for (uint32_t i = 0; i < PIECES; i++)
		buf_free(&w.piece[i]);
	witness_free(w.w);
	p->proof->number = NULL;
	free(number);
	return ok;
}
