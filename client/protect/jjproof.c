#include "client/protect/jjproof.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define NAMED_MAX 16u /* cells and relations named for one hidden cell */

struct rows { /* by cell: numbers, in rising order */
	uint32_t *first;
	uint32_t *item;
};

static void rows_free(struct rows *r)
{
	free(r->first);
	free(r->item);
}

/* For each cell the relations that hold it (relations), or the needs whose moves change it. */
static bool rows_make(struct rows *r, const struct jjproof *p, bool relations)
{
	uint32_t n = relations ? p->j->n_relations : p->q->n_needs;
	const uint32_t *start = relations ? p->j->start : p->a->start;
	*r = (struct rows){ calloc((size_t)p->j->n_cells + 2, sizeof *r->first),
		calloc((size_t)start[n] + 1, sizeof *r->item) };
	if (r->first == NULL || r->item == NULL)
		return false;
	for (int put = 0; put < 2; put++) {
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t k = start[i]; k < start[i + 1]; k++) {
				uint32_t c = relations ? p->j->term[k].cell : p->a->step[k].column;
				if (put == 0)
					r->first[c + 2]++;
				else
					r->item[r->first[c + 1]++] = i;
			}
		for (uint32_t c = 2; put == 0 && c <= p->j->n_cells + 1; c++)
			r->first[c] += r->first[c - 1];
	}
	return true;
}

static uint32_t need_cell(const struct jjproof *p, uint32_t need)
{
	return p->q->cell[p->q->term[p->q->need[need].first].column];
}

/* Who asks for it: the file's levels, the policy where the file names none, or the file that hid it before. */
static const char *rule_of(const struct jj_cell *c)
{
	if (c->status == JJ_MISSING)
		return "missing";
	return c->lpl == 0 && c->upl == 0 && c->spl == 0 ? "policy" : "levels";
}

static void put_protected(const struct jjproof *p, const struct rows *needs, uint32_t cell, struct buf *out)
{
	uint32_t last = UINT32_MAX;
	uint32_t n = 0;
	for (uint32_t i = needs->first[cell]; i < needs->first[cell + 1] && n < NAMED_MAX; i++) {
		uint32_t named = need_cell(p, needs->item[i]);
		if (named == last)
			continue;
		buf_printf(out, "%s%u", n++ == 0 ? "" : " ", named);
		last = named;
	}
}

static void put_line(const struct jjproof *p, const struct rows *needs, const struct rows *relations,
    uint32_t cell, struct buf *out)
{
	const struct jj_cell *c = &p->j->cell[cell];
	bool secondary = c->status == JJ_SAFE;
	buf_printf(out, "%u,H,%s,", cell, secondary ? "secondary" : rule_of(c));
	if (secondary)
		put_protected(p, needs, cell, out);
	buf_put_text(out, ",public,");
	for (uint32_t i = relations->first[cell], n = 0;
	     secondary && i < relations->first[cell + 1] && n < NAMED_MAX; i++, n++)
		buf_printf(out, "%s%u", n == 0 ? "" : " ", relations->item[i]);
	buf_printf(out, ",%.2f\n", secondary ? c->cost : 0.0);
}

bool jjproof_explain(const struct jjproof *p, struct buf *out, struct err *e)
{
	struct rows needs = { 0 };
	struct rows relations = { 0 };
	bool ok = rows_make(&needs, p, false) && rows_make(&relations, p, true);
	buf_put_text(out, "cell,state,rules,protects,against,through,price\n");
	for (uint32_t c = 0; ok && c < p->j->n_cells; c++)
		if (p->mark[c] == 'H')
			put_line(p, &needs, &relations, c, out);
	rows_free(&needs);
	rows_free(&relations);
	return (ok && !out->failed) || err_set(e, ERR_MEMORY, "no memory for the explanations");
}

/* ---- auditors' part ---- */

static int by_cell(const void *a, const void *b)
{
	const struct choice_step *x = a;
	const struct choice_step *y = b;
	return x->column < y->column ? -1 : x->column > y->column;
}

/* The move in one spelling: each cell once, rising. Returns how many cells. */
static uint32_t spell(const struct choice_answer *a, uint32_t move, struct choice_step *to)
{
	uint32_t n = a->start[move + 1] - a->start[move];
	uint32_t kept = 0;
	if (n == 0)
		return 0;
	memcpy(to, a->step + a->start[move], n * sizeof *to);
	qsort(to, n, sizeof *to, by_cell);
	for (uint32_t i = 0; i < n;) {
		struct choice_step sum = to[i];
		for (i++; i < n && to[i].column == sum.column; i++)
			sum.by += to[i].by;
		if (sum.by != 0)
			to[kept++] = sum;
	}
	return kept;
}

static int64_t reached(const struct jjproof *p, uint32_t move)
{
	uint32_t cell = need_cell(p, move);
	int64_t v = p->j->cell[cell].value;
	for (uint32_t k = p->a->start[move]; k < p->a->start[move + 1]; k++)
		v += p->a->step[k].column == cell ? p->a->step[k].by : 0;
	return v;
}

void jjproof_put_digest(struct buf *out, const char *word, struct bytes of)
{
	uint8_t digest[32];
	crypto_hash_sha256(digest, of.at, of.len);
	buf_printf(out, "%s ", word);
	buf_put_hex(out, bytes_of(digest, sizeof digest));
	buf_put_text(out, "\n");
}

/* The certificate's line `level`, with its line feed. */
static struct bytes level_line(struct bytes certificate)
{
	const uint8_t *at = certificate.at;
	const uint8_t *end = certificate.at + certificate.len;
	while (at < end) {
		const uint8_t *feed = memchr(at, '\n', (size_t)(end - at));
		size_t len = feed == NULL ? (size_t)(end - at) : (size_t)(feed - at) + 1;
		if (len > 6 && memcmp(at, "level ", 6) == 0)
			return bytes_of(at, len);
		at += len;
	}
	return bytes_of(end, 0);
}

bool jjproof_auditor(const struct jjproof *p, struct bytes certificate, const uint8_t blind[32],
    struct buf *out, struct err *e)
{
	uint32_t n = p->q->n_needs;
	struct choice_step *move = calloc((size_t)p->a->start[n] + 1, sizeof *move);
	if (move == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the auditors' part");
	buf_put_text(out, "cellveil-certificate-auditor 1\n");
	jjproof_put_digest(out, "public", certificate);
	buf_put_bytes(out, level_line(certificate));
	buf_put_text(out, "blind ");
	buf_put_hex(out, bytes_of(blind, 32));
	buf_put_text(out, "\nsection amplitudes\n");
	for (uint32_t i = 0; i < n; i++) {
		uint32_t cells = spell(p->a, i, move);
		buf_printf(out, "a %u %u", i, cells);
		for (uint32_t k = 0; k < cells; k++)
			buf_printf(out, " %u:%" PRId64, move[k].column, move[k].by);
		buf_put_text(out, "\n");
	}
	buf_put_text(out, "section requirements\n");
	for (uint32_t i = 0; i < n; i++)
		buf_printf(out, "r %u %" PRId64 " public %u %s\n", need_cell(p, i), reached(p, i), i,
		    rule_of(&p->j->cell[need_cell(p, i)]));
	jjproof_put_digest(out, "end-auditor", buf_bytes(out));
	sodium_memzero(move, p->a->start[n] * sizeof *move);
	free(move);
	return !out->failed || err_set(e, ERR_MEMORY, "no memory for the auditors' part");
}
