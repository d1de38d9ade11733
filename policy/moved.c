#include "policy/moved.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/certificate.h"
#include "policy/derived.h"
#include "policy/noise.h"
#include "policy/proving.h"
#include "policy/rounding.h"
#include "policy/safe_table.h"
#include "policy/uncertain.h"

#define REDRAWS_MAX      12u
#define STIR_ROUNDS      40u
#define STIR_TIMES       4u
#define STIR_OFFICES_MAX 400u

struct moved {
	struct policy_params params;
	struct grid g;
	struct rounding rounding;
	int64_t *shown; /* by cell: what is printed */
	struct boxes boxes;
	struct uncertain doubt;
	enum guarantee level;
	uint64_t attempt;
	uint64_t work, max_work;
	struct buf witness;
};

static void moved_free(struct moved *m)
{
	size_t n = m->g.n_cells;
	if (m->shown != NULL)
		sodium_memzero(m->shown, n * sizeof *m->shown);
	free(m->shown);
	free(m->boxes.lo);
	free(m->boxes.hi);
	rounding_free(&m->rounding);
	uncertain_free(&m->doubt);
	buf_free(&m->witness);
	if (m->g.kind != NULL)
		grid_free(&m->g);
}

static bool over_limit(const struct moved *m)
{
	return m->max_work != 0 && m->work > m->max_work;
}

static bool is_printed(const struct grid *g, uint32_t c)
{
	return g->mark[c] == 'P' && g->kind[c] != KIND_DEAD;
}

static bool refuse(struct release_result *r, enum refusal why, const char *text)
{
	r->refusal = why;
	buf_printf(&r->reasons, "%s\n", text);
	return false;
}

/* ---- before ---- */

static bool says_moved(struct bytes result)
{
	for (size_t i = 0; i + 2 < result.len; i++)
		if (memcmp(result.at + i, ",R\n", 3) == 0)
			return true;
	return false;
}

bool moved_ledger_allows(const struct table_input *t, const struct policy_params *p,
    const struct release_options *o, struct release_result *r)
{
	bool moves = p->method != METHOD_SUPPRESSION;
	for (size_t i = 0; i < t->n_earlier; i++) {
		const struct earlier_release *earlier = &t->earlier[i];
		bool same = o->period == NULL || strcmp(o->period, earlier->period) == 0;
		if (same && says_moved(buf_bytes(&earlier->result_csv)) != moves)
			return refuse(r, REFUSAL_LEDGER,
			    "an earlier release of this period was made by another method: what both say "
			    "together "
			    "would tell more than either");
		if (same && moves)
			return refuse(r, REFUSAL_LEDGER,
			    "a period whose figures are rounded or moved by noise is released once: a second "
			    "draw "
			    "of the same figures would narrow them down");
	}
	return !moves || o->revision == 0 ||
	       refuse(r, REFUSAL_LEDGER,
		   "a revision of figures that are rounded or moved by noise is not possible");
}

static bool forced_allowed(const struct moved *m, struct release_result *r)
{
	const struct grid *g = &m->g;
	for (uint32_t c = 0; c < g->n_cells; c++) {
		bool stays = g->value[c] == 0 || (m->params.method == METHOD_ROUNDING &&
						     g->value[c] % (int64_t)m->params.base == 0);
		if (g->kind[c] != KIND_FORCED || stays)
			continue;
		unsigned line = table_forced_line(g->t, c);
		if (line > 0)
			buf_printf(&r->reasons, "forced.csv:%u: ", line);
		buf_printf(&r->reasons, "must be printed as it is, which method %s cannot promise: ",
		    policy_method_name(m->params.method));
		table_put_cell(g->t, c, '|', &r->reasons);
		return refuse(r, REFUSAL_REQUIREMENT, "");
	}
	return true;
}

/* ---- what a reader knows of the figures printed ---- */

/* A total that was rounded to a multiple which is not next to it. Readers are told that totals may be, not which: the
 * boxes are narrower than what they know, so doubt within them is doubt. */
static bool is_wide(const struct moved *m, uint32_t c)
{
	return m->params.method == METHOD_ROUNDING && is_printed(&m->g, c) &&
	       llabs(m->shown[c] - m->g.value[c]) >= (int64_t)m->params.base;
}

static void set_boxes(struct moved *m)
{
	int64_t most = (int64_t)m->params.base - 1;
	for (uint32_t c = 0; c < m->g.n_cells; c++) {
		int64_t v = m->shown[c];
		m->boxes.lo[c] = 0;
		m->boxes.hi[c] = m->g.kind[c] == KIND_DEAD ? 0 : INT64_MAX;
		if (!is_printed(&m->g, c))
			continue;
		if (m->params.method == METHOD_NOISE) {
			noise_box(&m->params, v, &m->boxes.lo[c], &m->boxes.hi[c]);
			continue;
		}
		int64_t off = is_wide(m, c) ? most + m->params.base : most;
		m->boxes.lo[c] = v > off ? v - off : 0;
		m->boxes.hi[c] = v + off;
	}
}

static bool check_doubt(struct moved *m, struct err *e)
{
	uncertain_free(&m->doubt);
	set_boxes(m);
	bool ok = uncertain_check(&m->boxes, m->attempt, m->max_work, &m->doubt, NULL, e);
	m->work += m->doubt.work;
	return ok;
}

/* ---- rounding ---- */

static void show_rounded(struct moved *m)
{
	for (uint32_t c = 0; c < m->g.n_cells; c++)
		m->shown[c] = m->rounding.q[c] * m->params.base;
}

/* The one rung that rounding has: a ladder that allows any but to withhold the table allows it. */
static bool may_widen(const struct policy_params *p)
{
	return p->ladder[0] != LADDER_END && p->ladder[0] != LADDER_WITHHOLD;
}

/* Other choices for the figure itself, for its totals and for other offices' figures beside it. */
static void stir_around(struct moved *m, struct step *s, uint32_t cell, uint64_t turn)
{
	const struct grid *g = &m->g;
	rounding_stir(&m->rounding, s, cell, STIR_TIMES, turn);
	for (size_t d = 0; d < g->t->n_dims; d++)
		rounding_stir(&m->rounding, s, grid_with(g, cell, d, 0), STIR_TIMES, turn);
	if (g->office_dim == SIZE_MAX)
		return;
	const struct dim *d = &g->t->dim[g->office_dim];
	for (uint32_t o = 0; o < d->n_codes && o < STIR_OFFICES_MAX; o++)
		if (dim_is_leaf(d, o))
			rounding_stir(&m->rounding, s, grid_with(g, cell, g->office_dim, o), 1, turn);
}

/* One rounded table, stirred until nobody sees too much; *done false: neither was possible. */
static bool try_rounding(struct moved *m, bool *done, struct err *e)
{
	struct step s = { 0 };
	bool ok = false;
	*done = false;
	rounding_free(&m->rounding);
	if (!rounding_find(
		&m->rounding, &m->g, m->params.base, may_widen(&m->params), m->attempt, m->max_work, done, e))
		return false;
	m->work += m->rounding.work;
	if (!*done)
		return true;
	if (!step_init(&s, &m->g, e))
		goto done;
	for (uint64_t i = 0; i < STIR_ROUNDS; i++) {
		show_rounded(m);
		if (!check_doubt(m, e))
			goto done;
		if (m->doubt.failed == 0 || over_limit(m))
			break;
		for (uint32_t k = 0; k < m->doubt.n_cells; k++)
			stir_around(m, &s, m->doubt.cell[k], m->attempt * STIR_ROUNDS + i);
	}
	ok = rounding_holds(&m->rounding) || err_set(e, ERR_INTERNAL, "our own check failed: rounding");
done:
	step_free(&s);
	return ok;
}

/* ---- both ---- */

static bool try_noise(struct moved *m, const struct release_options *o, bool *done, struct err *e)
{
	*done = true;
	return noise_draw(&m->g, o->period == NULL ? "" : o->period, m->attempt, m->shown, e) &&
	       check_doubt(m, e);
}

static void name_failure(const struct moved *m, bool any, struct release_result *r)
{
	const struct uncertain *u = &m->doubt;
	if (over_limit(m)) {
		refuse(r, REFUSAL_LIMIT, "the work limit was reached before the table was safe");
		return;
	}
	if (!any) {
		refuse(r, REFUSAL_REQUIREMENT, "no table of multiples was found in which all sums add up");
		return;
	}
	buf_printf(&r->reasons, "whatever was drawn, too little doubt is left for %s",
	    u->n_avoid == 0 ? "the public" : "office ");
	for (uint32_t i = 0; i < u->n_avoid; i++)
		buf_printf(
		    &r->reasons, "%s%s", i == 0 ? "" : "+", m->g.t->dim[m->g.office_dim].code[u->avoid[i]]);
	buf_put_text(&r->reasons, " about: ");
	table_put_cell(m->g.t, u->first_cell, '|', &r->reasons);
	refuse(r, REFUSAL_REQUIREMENT, "");
}

static bool draw_until_safe(
    struct moved *m, const struct release_options *o, struct release_result *r, struct err *e)
{
	bool any = false;
	for (m->attempt = 0; m->attempt < REDRAWS_MAX; m->attempt++) {
		bool done = false;
		if (m->params.method == METHOD_ROUNDING ? !try_rounding(m, &done, e)
							: !try_noise(m, o, &done, e))
			return false;
		any = any || done;
		if ((done && m->doubt.failed == 0 && !over_limit(m)) || r->refusal != REFUSAL_NONE)
			return true;
		if (over_limit(m))
			break;
	}
	name_failure(m, any, r);
	return true;
}

/* ---- what comes out ---- */

static void put_digest(struct buf *b, const char *word, struct bytes of)
{
	uint8_t digest[32];
	crypto_hash_sha256(digest, of.at, of.len);
	buf_printf(b, "%s ", word);
	buf_put_hex(b, bytes_of(digest, 32));
	buf_put_text(b, "\n");
}

static void put_method(struct buf *b, const struct policy_params *p, uint64_t n_wide)
{
	if (p->method == METHOD_ROUNDING && n_wide > 0)
		buf_printf(b, "method rounding base %u totals %u\n", p->base, 2 * p->base - 1);
	else if (p->method == METHOD_ROUNDING)
		buf_printf(b, "method rounding base %u\n", p->base);
	else
		buf_printf(b, "method noise max %u variance %u.%03u\n", p->noise_max,
		    p->noise_variance_permille / 1000, p->noise_variance_permille % 1000);
}

static void put_level(const struct moved *m, struct buf *b)
{
	buf_printf(b, "level L%d k %u width %u floor 0 coalition %u\n", (int)m->level, m->params.threshold,
	    m->params.width, m->params.coalition);
}

/* What is claimed, and nothing that depends on hidden counts. */
static bool put_certificate(const struct moved *m, const struct grid *printed,
    const struct release_options *o, struct release_result *r, struct err *e)
{
	struct buf *b = &r->certificate;
	struct buf pattern = { 0 };
	uint8_t grid[32];
	if (o->has_grid)
		memcpy(grid, o->grid, sizeof grid);
	else if (!proof_grid_digest(m->g.t, grid, e))
		return false;
	buf_put(&pattern, printed->mark, printed->n_cells);
	buf_put_text(b, "cellveil-certificate 1\ngrid ");
	buf_put_hex(b, bytes_of(grid, 32));
	buf_put_text(b, "\n");
	put_digest(b, "pattern", buf_bytes(&pattern));
	put_digest(b, "result", buf_bytes(&r->result_csv));
	put_level(m, b);
	put_method(b, &m->params, r->summary.wide);
	put_digest(b, "end-public", buf_bytes(b));
	bool ok = !b->failed && !pattern.failed;
	buf_free(&pattern);
	return ok || err_set(e, ERR_MEMORY, "no memory for the certificate");
}

/* Depends on what the part says, so that nobody can try out counts against its digest. */
static void put_blind(struct buf *b, const struct grid *g, struct bytes certificate)
{
	static const char label[] = "cellveil/1/auditor";
	uint8_t blind[32];
	uint8_t digest[32];
	crypto_generichash_state s;
	crypto_hash_sha256(digest, certificate.at, certificate.len);
	crypto_generichash_init(&s, g->key, sizeof g->key, sizeof blind);
	crypto_generichash_update(&s, (const uint8_t *)label, sizeof label);
	crypto_generichash_update(&s, digest, 32);
	crypto_generichash_final(&s, blind, sizeof blind);
	buf_put_text(b, "blind ");
	buf_put_hex(b, bytes_of(blind, 32));
	buf_put_text(b, "\n");
	sodium_memzero(blind, sizeof blind);
	sodium_memzero(&s, sizeof s);
}

/* Lines that tell of doubt: all but the rounded table itself. */
static uint64_t count_tables(const struct moved *m)
{
	uint64_t n = 0;
	for (size_t i = 0; i < m->witness.size; i++)
		n += m->witness.data[i] == '\n';
	return n - (m->boxes.other != NULL);
}

static bool put_auditor(struct moved *m, struct release_result *r, struct err *e)
{
	struct uncertain again = { 0 };
	struct buf *b = &r->auditor;
	if (!uncertain_check(&m->boxes, m->attempt, 0, &again, &m->witness, e))
		return false;
	bool same = again.failed == 0;
	uncertain_free(&again);
	if (!same)
		return err_set(e, ERR_INTERNAL, "our own check failed: a count is not left in doubt");
	buf_put_text(b, "cellveil-certificate-auditor 1\n");
	put_digest(b, "public", buf_bytes(&r->certificate));
	put_level(m, b);
	put_blind(b, &m->g, buf_bytes(&r->certificate));
	put_method(b, &m->params, r->summary.wide);
	buf_printf(b, "section tables %" PRIu64 "\n", count_tables(m));
	buf_put_bytes(b, buf_bytes(&m->witness));
	put_digest(b, "end-auditor", buf_bytes(b));
	return !b->failed || err_set(e, ERR_MEMORY, "no memory for the certificate");
}

static void count_cells(const struct moved *m, const struct grid *printed, struct release_summary *s)
{
	for (uint32_t c = 0; c < printed->n_cells; c++) {
		char mark = printed->mark[c];
		s->printed += mark != '-';
		s->published += mark == 'R' || mark == 'P';
		s->structural += mark == 'Z';
		s->not_reported += mark == 'N';
		s->not_asked += mark == 'A';
	}
	s->requirements = m->doubt.subjects;
	s->redraws = m->attempt;
	s->method = m->params.method;
	s->level = m->level;
	s->work = m->work;
}

static void put_manifest(const struct moved *m, const struct release_options *o, struct release_result *r)
{
	release_put_manifest_head(&r->manifest, o, m->level, r);
	buf_printf(&r->manifest, "{\"method\":\"%s\",", policy_method_name(m->params.method));
	if (m->params.method == METHOD_ROUNDING)
		buf_printf(&r->manifest, "\"base\":%u,", m->params.base);
	else
		buf_printf(&r->manifest, "\"max\":%u,\"variance\":%u.%03u,", m->params.noise_max,
		    m->params.noise_variance_permille / 1000, m->params.noise_variance_permille % 1000);
	buf_printf(&r->manifest, "\"draw\":%" PRIu64 "}\n", m->attempt);
	if (r->summary.wide > 0)
		buf_printf(&r->manifest, "{\"ladder\":\"widen\",\"totals\":%u}\n", 2 * m->params.base - 1);
	buf_printf(&r->manifest, "{\"lines\":%d}\n", r->summary.wide > 0 ? 4 : 3);
}

/* The grid as it is printed: other values, the mark R. */
static bool finish(struct moved *m, const struct release_options *o, struct release_result *r, struct err *e)
{
	struct grid printed = m->g;
	bool ok = false;
	printed.value = m->shown;
	printed.mark = malloc(m->g.n_cells);
	if (printed.mark == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the release");
	for (uint32_t c = 0; c < m->g.n_cells; c++) {
		printed.mark[c] = is_printed(&m->g, c) ? MARK_PERTURBED : m->g.mark[c];
		r->summary.wide += is_wide(m, c);
	}
	if (r->summary.wide > 0)
		buf_printf(&r->reasons,
		    "widen: no table was found in which every sum adds up and every figure is next to its "
		    "count: "
		    "totals may be up to %u away\n",
		    2 * m->params.base - 1);
	release_put_result(&printed, false, &r->result_csv);
	derived_write(&printed, &r->derived_csv);
	buf_put_text(&r->explain_csv, "cell,state,rules,protects,against,through,price\n");
	if (!put_certificate(m, &printed, o, r, e) || !put_auditor(m, r, e))
		goto done;
	put_manifest(m, o, r);
	count_cells(m, &printed, &r->summary);
	r->table = safe_table_make(&printed);
	ok = (r->table != NULL && !r->result_csv.failed && !r->derived_csv.failed && !r->manifest.failed) ||
	     err_set(e, ERR_MEMORY, "no memory for the release");
done:
	free(printed.mark);
	return ok;
}

bool moved_release(const struct table_input *t, const struct policy_params *p, const uint8_t choice_key[32],
    const struct release_options *o, enum guarantee level, struct release_result *r, struct err *e)
{
	struct moved m = { .params = *p, .level = level, .max_work = o->max_work };
	bool ok = false;
	m.params.offices = p->offices && level >= LEVEL_3; /* else nobody but the public is feared */
	if (!grid_init(&m.g, t, &m.params, choice_key, e))
		goto done;
	m.boxes.g = &m.g;
	m.shown = calloc((size_t)m.g.n_cells + 1, sizeof *m.shown);
	m.boxes.lo = calloc((size_t)m.g.n_cells + 1, sizeof *m.boxes.lo);
	m.boxes.hi = calloc((size_t)m.g.n_cells + 1, sizeof *m.boxes.hi);
	m.boxes.other = p->method == METHOD_ROUNDING ? m.shown : NULL;
	if (m.shown == NULL || m.boxes.lo == NULL || m.boxes.hi == NULL) {
		err_set(e, ERR_MEMORY, "no memory for the release");
		goto done;
	}
	if (!forced_allowed(&m, r))
		ok = true;
	else
		ok = draw_until_safe(&m, o, r, e) && (r->refusal != REFUSAL_NONE || finish(&m, o, r, e));
	r->summary.work = m.work;
done:
	moved_free(&m);
	return ok;
}
