#include "policy/certificate.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/modular.h"

char proof_mark(const struct grid *g, uint32_t cell)
{
	return grid_hidden(g, cell) ? 'H' : g->mark[cell];
}

static void pattern_digest(const struct grid *g, uint8_t out[32])
{
	crypto_hash_sha256_state s;
	crypto_hash_sha256_init(&s);
	for (uint32_t c = 0; c < g->n_cells; c++) {
		uint8_t mark = (uint8_t)proof_mark(g, c);
		crypto_hash_sha256_update(&s, &mark, 1);
	}
	crypto_hash_sha256_final(&s, out);
}

void proof_seed(const struct grid *g, uint8_t seed[16])
{
	uint8_t digest[32];
	pattern_digest(g, digest);
	memcpy(seed, digest, 16);
}

/* ---- grid digest ---- */

static void put_file(crypto_hash_sha256_state *s, const char *name, const struct buf *text)
{
	struct buf b = { 0 };
	buf_put_le64(&b, strlen(name));
	buf_put_text(&b, name);
	buf_put_le64(&b, text->size);
	crypto_hash_sha256_update(s, b.data, b.size);
	if (text->size > 0)
		crypto_hash_sha256_update(s, text->data, text->size);
	buf_free(&b);
}

static void put_header(const struct table_input *t, struct buf *b)
{
	for (size_t d = 0; d < t->n_dims; d++)
		buf_printf(b, "%s%s", d == 0 ? "" : ",", t->dim[d].name);
	buf_put_text(b, "\n");
}

static void put_patterns(
    crypto_hash_sha256_state *s, const struct table_input *t, enum pattern_kind kind, const char *name)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < t->n_patterns; i++) {
		if (t->pattern[i].kind != kind)
			continue;
		if (b.size == 0)
			put_header(t, &b);
		for (size_t d = 0; d < t->n_dims; d++)
			buf_printf(&b, "%s%s", d == 0 ? "" : ",",
			    t->pattern[i].code[d] == NONE ? "*" : t->dim[d].code[t->pattern[i].code[d]]);
		buf_put_text(&b, "\n");
	}
	if (b.size > 0)
		put_file(s, name, &b);
	buf_free(&b);
}

static void put_tables(crypto_hash_sha256_state *s, const struct table_input *t)
{
	struct buf b = { 0 };
	if (t->n_printed == 0)
		return;
	buf_put_text(&b, "table,dim,codes\n");
	for (size_t i = 0; i < t->n_printed; i++)
		for (size_t d = 0; d < t->n_dims; d++) {
			const char *between = "";
			buf_printf(&b, "%s,%s,", t->printed[i].id, t->dim[d].name);
			for (uint32_t c = 0; c < t->dim[d].n_codes; c++)
				if (t->printed[i].set[d][c] != 0) {
					buf_printf(&b, "%s%s", between, t->dim[d].code[c]);
					between = "|";
				}
			buf_put_text(&b, "\n");
		}
	put_file(s, "tables.csv", &b);
	buf_free(&b);
}

static void put_derived(crypto_hash_sha256_state *s, const struct table_input *t)
{
	struct buf b = { 0 };
	if (t->n_derived == 0)
		return;
	buf_put_text(&b, "id,numerator,denominator,factor,digits\n");
	for (size_t i = 0; i < t->n_derived; i++) {
		const struct derived_figure *f = &t->derived[i];
		buf_printf(&b, "%s,", f->id);
		table_put_cell(t, f->numerator, '|', &b);
		buf_put_text(&b, ",");
		if (f->denominator == UINT64_MAX)
			buf_printf(&b, "%" PRIu64, f->constant);
		else
			table_put_cell(t, f->denominator, '|', &b);
		buf_printf(&b, ",%u,%u\n", f->factor, f->digits);
	}
	put_file(s, "derived.csv", &b);
	buf_free(&b);
}

static int by_name(const void *a, const void *b, void *table)
{
	const struct table_input *t = table;
	size_t x = 0;
	size_t y = 0;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return strcmp(t->dim[x].name, t->dim[y].name);
}

bool proof_grid_digest(const struct table_input *t, uint8_t out[32], struct err *e)
{
	crypto_hash_sha256_state s;
	size_t order[TABLE_DIMS_MAX];
	struct table_input *shared = NULL;
	memcpy(&shared, &t, sizeof shared); /* qsort_r's argument is not const; it is only read */
	for (size_t d = 0; d < t->n_dims; d++) {
		order[d] = d;
		if (t->dim[d].lines.failed)
			return err_set(e, ERR_MEMORY, "no memory for the certificate");
	}
	qsort_r(order, t->n_dims, sizeof order[0], by_name, shared);
	crypto_hash_sha256_init(&s);
	put_derived(&s, t);
	put_patterns(&s, t, PATTERN_FORCED, "forced.csv");
	for (size_t i = 0; i < t->n_dims; i++) {
		char name[TABLE_CODE_MAX + 16] = "hier_";
		strcat(name, t->dim[order[i]].name);
		strcat(name, ".csv");
		put_file(&s, name, &t->dim[order[i]].lines);
	}
	put_patterns(&s, t, PATTERN_STRUCTURAL, "structural.csv");
	put_tables(&s, t);
	crypto_hash_sha256_final(&s, out);
	return true;
}

/* ---- the public part ---- */

static void put_hex_line(struct buf *b, const char *word, const uint8_t digest[32])
{
	buf_printf(b, "%s ", word);
	buf_put_hex(b, bytes_of(digest, 32));
	buf_put_text(b, "\n");
}

static void put_end(struct buf *b, const char *word)
{
	uint8_t digest[32];
	crypto_hash_sha256(digest, b->data, b->size);
	put_hex_line(b, word, digest);
}

static void put_null(struct buf *b, const struct grid *g, uint64_t prime, const uint64_t *u)
{
	buf_printf(b, "section null %" PRIu64 "\n", prime);
	for (uint32_t c = 0; c < g->n_cells; c++)
		if (u[c] != 0)
			buf_printf(b, "n %u %" PRIu64 "\n", c, u[c]);
}

bool certificate_write(const struct proof *p, struct buf *out, struct err *e)
{
	const struct grid *g = p->plan->g;
	uint8_t digest[32];
	buf_put_text(out, "cellveil-certificate 1\n");
	if (!proof_grid_digest(g->t, digest, e))
		return false;
	put_hex_line(out, "grid", digest);
	pattern_digest(g, digest);
	put_hex_line(out, "pattern", digest);
	put_hex_line(out, "result", p->result);
	buf_printf(out, "level L%d k %u width %u floor %u coalition %u\n", (int)p->level, g->p->threshold,
	    g->p->width, g->floor, g->p->coalition);
	buf_put_text(out, "section moves\nsection cover-public\n");
	put_null(out, g, MODULAR_PRIME_1, p->null[0]);
	put_null(out, g, MODULAR_PRIME_2, p->null[1]);
	buf_put_text(out, "section tables\nsection open\n");
	put_end(out, "end-public");
	return !out->failed || err_set(e, ERR_MEMORY, "no memory for the certificate");
}

/* ---- the auditors' part ---- */

static void put_subject(struct buf *b, const struct grid *g, const struct needs *n, const struct need *need)
{
	if (need->virt == NONE) {
		buf_printf(b, "%u", need->cell);
		return;
	}
	const struct virt *v = &n->virt[need->virt];
	buf_printf(b, "%u", v->r.parent);
	for (uint32_t j = 0; j < v->r.b->n; j++)
		if (!virt_holds(g, v, j) && g->kind[relation_child(g, &v->r, j)] != KIND_DEAD)
			buf_printf(b, "-%u", relation_child(g, &v->r, j));
}

static void put_rules(struct buf *b, uint8_t rules)
{
	static const char *const name[] = { "R1", "R2", "R3", "R4", "R5", "R12", "derivable" };
	const char *between = "";
	for (unsigned i = 0; i < 7; i++)
		if ((rules & (1u << i)) != 0) {
			buf_printf(b, "%s%s", between, name[i]);
			between = "+";
		}
}

static void put_attacker(struct buf *b, const struct grid *g, const struct need *need)
{
	if (need->avoid != NONE)
		buf_printf(b, "office %s", g->t->dim[g->office_dim].code[need->avoid]);
	else if (need->slots > 1)
		buf_printf(b, "slot %u", need->slot);
	else
		buf_put_text(b, "public");
}

static void put_need(struct buf *b, const struct plan *p, const struct need *need, uint32_t move)
{
	int64_t value =
	    need->virt == NONE ? p->g->value[need->cell] : virt_value(p->g, &p->n->virt[need->virt]);
	buf_put_text(b, "r ");
	put_subject(b, p->g, p->n, need);
	buf_printf(b, " %" PRId64 " ", value + (int64_t)need->amp * need->dir);
	put_attacker(b, p->g, need);
	buf_printf(b, " %u ", move);
	put_rules(b, need->rules);
	buf_put_text(b, "\n");
}

/* Depends on what the part says, so that nobody can try out counts against its digest. */
static void put_blind(struct buf *b, const struct grid *g, const uint8_t certificate[32])
{
	uint8_t blind[32];
	static const char label[] = "cellveil/1/auditor";
	crypto_generichash_state s;
	crypto_generichash_init(&s, g->key, sizeof g->key, sizeof blind);
	crypto_generichash_update(&s, (const uint8_t *)label, sizeof label);
	crypto_generichash_update(&s, certificate, 32);
	crypto_generichash_final(&s, blind, sizeof blind);
	put_hex_line(b, "blind", blind);
	sodium_memzero(blind, sizeof blind);
	sodium_memzero(&s, sizeof s);
}

bool auditor_write(const struct proof *p, struct bytes certificate, struct buf *out, struct err *e)
{
	const struct plan *plan = p->plan;
	uint8_t digest[32];
	uint32_t id = 0;
	uint32_t *number = calloc((size_t)plan->n_moves + 1, sizeof *number);
	if (number == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the certificate");
	crypto_hash_sha256(digest, certificate.at, certificate.len);
	buf_put_text(out, "cellveil-certificate-auditor 1\n");
	put_hex_line(out, "public", digest);
	put_blind(out, plan->g, digest);
	buf_put_text(out, "section amplitudes\n");
	for (uint32_t i = 0; i < plan->n_moves; i++) {
		const struct move *m = &plan->move[i];
		if (m->entry == NULL || !m->active)
			continue;
		number[i] = id;
		buf_printf(out, "a %u %u", id++, m->n);
		for (uint32_t j = 0; j < m->n; j++)
			buf_printf(out, " %u:%d", m->entry[j].cell, m->entry[j].by);
		buf_put_text(out, "\n");
	}
	buf_put_text(out, "section requirements\n");
	for (uint32_t i = 0; i < plan->n->n; i++)
		if (plan->n->need[i].move != NONE)
			put_need(out, plan, &plan->n->need[i], number[plan->n->need[i].move]);
	put_end(out, "end-auditor");
	free(number);
	return !out->failed || err_set(e, ERR_MEMORY, "no memory for the certificate");
}
