#include "policy/certificate.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/ledger.h"
#include "policy/modular.h"

char proof_mark(const struct grid *g, uint32_t cell)
{
	return grid_hidden(g, cell) ? 'H' : g->mark[cell];
}

static void pattern_digest(const struct grid *g, uint8_t out[32])
{
	crypto_hash_sha256_state s;
	crypto_hash_sha256_init(&s);
	for (uint32_t c = 0; c < g->n_own; c++) {
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

static bool digest_file(void *state, const char *name, struct bytes text)
{
	struct buf b = { 0 };
	buf_put_le64(&b, strlen(name));
	buf_put_text(&b, name);
	buf_put_le64(&b, text.len);
	bool ok = !b.failed;
	if (ok) {
		crypto_hash_sha256_update(state, b.data, b.size);
		if (text.len > 0)
			crypto_hash_sha256_update(state, text.at, text.len);
	}
	buf_free(&b);
	return ok;
}

bool proof_grid_digest(const struct table_input *t, uint8_t out[32], struct err *e)
{
	crypto_hash_sha256_state s;
	crypto_hash_sha256_init(&s);
	if (!table_files(t, false, digest_file, &s))
		return err_set(e, ERR_MEMORY, "no memory for the certificate");
	crypto_hash_sha256_final(&s, out);
	return true;
}

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

/* The releases that this one was protected together with, and who changed between two of them. */
static void put_releases(struct buf *b, const struct ledger *l)
{
	buf_put_text(b, "section releases\n");
	for (uint32_t v = 0; v < l->n; v++) {
		buf_printf(b, "e %u ", l->past[v].revision);
		buf_put_hex(b, bytes_of(l->past[v].result, sizeof l->past[v].result));
		buf_put_text(b, "\n");
	}
	for (uint32_t i = 0; i < l->n_spans; i++) {
		const struct dim *d = l->office_dim == SIZE_MAX ? NULL : &l->t->dim[l->office_dim];
		const struct span *s = &l->span[i];
		buf_printf(b, "d %u %u", l->past[s->from].revision,
		    s->to < l->n ? l->past[s->to].revision : l->revision);
		for (uint32_t o = 0; d != NULL && o < d->n_codes; o++)
			if (dim_is_leaf(d, o) && s->changed[o] != 0)
				buf_printf(b, " %s", d->code[o]);
		buf_put_text(b, d == NULL && s->changed[0] != 0 ? " *\n" : "\n");
	}
}

static bool put_tables(struct witness *w, struct buf *out, struct witness_report *report)
{
	struct buf open = { 0 };
	buf_put_text(out, "section tables\n");
	bool ok = witness_put(w, out, &open, report);
	buf_put_text(out, "section open\n");
	if (open.size > 0)
		buf_put(out, open.data, open.size);
	buf_free(&open);
	return ok;
}

static void put_piece(struct buf *out, struct buf *piece)
{
	if (piece->failed)
		out->failed = true;
	else if (piece->size > 0)
		buf_put(out, piece->data, piece->size);
	buf_free(piece);
}

static void put_level(struct buf *b, const struct proof *p)
{
	const struct grid *g = p->plan->g;
	buf_printf(b, "level L%d k %u width %u floor %u coalition %u\n", (int)p->level, g->p->threshold,
	    g->p->width, g->floor, g->p->coalition);
}

bool certificate_write(const struct proof *p, struct buf piece[PIECES], struct witness *w, struct buf *out,
    struct witness_report *report, struct err *e)
{
	const struct grid *g = p->plan->g;
	uint8_t digest[32];
	buf_put_text(out, "cellveil-certificate 1\n");
	if (p->grid != NULL)
		memcpy(digest, p->grid, sizeof digest);
	else if (!proof_grid_digest(g->ledger == NULL ? g->t : g->ledger->t, digest, e))
		return false;
	put_hex_line(out, "grid", digest);
	pattern_digest(g, digest);
	put_hex_line(out, "pattern", digest);
	put_hex_line(out, "result", p->result);
	put_level(out, p);
	if (g->ledger != NULL)
		put_releases(out, g->ledger);
	put_piece(out, &piece[PIECE_NULL_1]);
	put_piece(out, &piece[PIECE_NULL_2]);
	bool ok = put_tables(w, out, report);
	put_end(out, "end-public");
	return (ok && !out->failed) || err_set(e, ERR_MEMORY, "no memory for the certificate");
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
	if (v->except != NONE && g->kind[virt_off(g, v)] != KIND_DEAD)
		buf_printf(b, "-%u", virt_off(g, v));
	for (uint32_t j = 0; v->except == NONE && j < v->r.b->n; j++)
		if (!virt_holds(g, v, j) && g->kind[relation_child(g, &v->r, j)] != KIND_DEAD)
			buf_printf(b, "-%u", relation_child(g, &v->r, j));
}

static void put_rules(struct buf *b, uint16_t rules)
{
	static const char *const name[] = RULE_NAMES;
	const char *between = "";
	for (unsigned i = 0; i < RULE_COUNT; i++)
		if ((rules & (1u << i)) != 0) {
			buf_printf(b, "%s%s", between, name[i]);
			between = "+";
		}
}

/* "public", "slot 1", "office A", "office A+B", "office A slot 1" */
static void put_attacker(struct buf *b, const struct plan *p, const struct need *need)
{
	struct buf who = { 0 };
	bool some = needs_put_avoided(p->g, p->n, need, &who);
	if (some)
		buf_printf(b, "office %.*s", (int)who.size, (const char *)who.data);
	if (need->slots > 1)
		buf_printf(b, "%sslot %u", some ? " " : "", need->slot);
	if (!some && need->slots <= 1)
		buf_put_text(b, "public");
	buf_free(&who);
}

static void put_need(struct buf *b, const struct plan *p, const struct need *need, uint32_t move)
{
	int64_t value =
	    need->virt == NONE ? p->g->value[need->cell] : virt_value(p->g, &p->n->virt[need->virt]);
	value += need_change(p->g, p->n, need, &p->move[need->move]) * need->dir;
	buf_put_text(b, "r ");
	put_subject(b, p->g, p->n, need);
	buf_printf(b, " %" PRId64 " ", value);
	put_attacker(b, p, need);
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

/* A move that nothing but what no table prints needs says so in one line, of the first such cell that it changes: whom all it
 * leaves in doubt follows from the counts. */
static void put_unprinted(struct buf *b, const struct plan *p, uint32_t move, uint32_t id)
{
	const struct grid *g = p->g;
	const struct move *m = &p->move[move];
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t cell = move_cell(m, i);
		if (g->kind[cell] != KIND_FREE)
			continue;
		buf_printf(b, "r %u %" PRId64 " public %u ", cell, g->value[cell] + move_by(m, i), id);
		put_rules(b, RULE_DERIVABLE);
		buf_put_text(b, "\n");
		return;
	}
}

/* Serves the move no other rule? */
static bool is_for_unprinted(const struct plan *p, const struct move *m)
{
	for (uint32_t need = m->first_need; need != NONE; need = p->n->need[need].same)
		if (p->n->need[need].rules != RULE_DERIVABLE)
			return false;
	return true;
}

static void put_line(struct buf *out, const struct proof *p, uint32_t need)
{
	const struct plan *plan = p->plan;
	uint32_t move = plan->n->need[need].move;
	if (move == NONE)
		return;
	if (plan->n->need[need].rules != RULE_DERIVABLE)
		put_need(out, plan, &plan->n->need[need], p->number[move]);
	else if (plan->move[move].first_need == need && is_for_unprinted(plan, &plan->move[move]))
		put_unprinted(out, plan, move, p->number[move]);
}

uint32_t *proof_number_moves(const struct plan *p)
{
	uint32_t id = 0;
	uint32_t *number = calloc((size_t)p->n_moves + 1, sizeof *number);
	for (uint32_t i = 0; number != NULL && i < p->n_moves; i++)
		if (p->move[i].word != NULL && p->move[i].active)
			number[i] = id++;
	return number;
}

static void put_move(struct buf *out, const struct move *m, uint32_t id)
{
	if (m->word == NULL || !m->active)
		return;
	buf_printf(out, "a %u %u", id, m->n);
	for (uint32_t j = 0; j < m->n; j++)
		buf_printf(out, " %u:%d", move_cell(m, j), move_by(m, j));
	buf_put_text(out, "\n");
}

/* Where share number `share` of so many things begins. */
static uint32_t share_begin(uint32_t share, uint32_t n)
{
	return (uint32_t)((uint64_t)n * share / PIECE_SHARES);
}

void proof_piece(const struct proof *p, uint32_t piece, struct buf *out)
{
	const struct plan *plan = p->plan;
	uint32_t share = piece % PIECE_SHARES;
	if (piece == PIECE_NULL_1 || piece == PIECE_NULL_2) {
		put_null(out, plan->g, piece == PIECE_NULL_1 ? MODULAR_PRIME_1 : MODULAR_PRIME_2,
		    p->null[piece == PIECE_NULL_1 ? 0 : 1]);
	} else if (piece < PIECE_NEEDS) {
		for (uint32_t i = share_begin(share, plan->n_moves);
		     i < share_begin(share + 1, plan->n_moves); i++)
			put_move(out, &plan->move[i], p->number[i]);
	} else {
		for (uint32_t i = share_begin(share, plan->n->n); i < share_begin(share + 1, plan->n->n); i++)
			put_line(out, p, i);
	}
}

bool auditor_write(
    const struct proof *p, struct bytes certificate, struct buf piece[PIECES], struct buf *out, struct err *e)
{
	uint8_t digest[32];
	crypto_hash_sha256(digest, certificate.at, certificate.len);
	buf_put_text(out, "cellveil-certificate-auditor 1\n");
	put_hex_line(out, "public", digest);
	put_level(out, p);
	put_blind(out, p->plan->g, digest);
	buf_put_text(out, "section amplitudes\n");
	for (uint32_t i = PIECE_MOVES; i < PIECE_NEEDS; i++)
		put_piece(out, &piece[i]);
	buf_put_text(out, "section requirements\n");
	for (uint32_t i = PIECE_NEEDS; i < PIECE_NULL_1; i++)
		put_piece(out, &piece[i]);
	put_end(out, "end-auditor");
	return !out->failed || err_set(e, ERR_MEMORY, "no memory for the certificate");
}
