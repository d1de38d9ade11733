#include "client/protect/jjaudit.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/protect/certpart.h"

#define LEVEL_MAX 1000000000u

struct audit {
	const struct jj *j;
	const char *mark;
	struct reader r;
	uint64_t level, threshold, width, floor;
	uint32_t *cell; /* entries of all moves */
	int64_t *by;
	uint64_t *first; /* by move: its first entry; one more than moves */
	uint64_t n_moves, n_entries, room;
	uint32_t *place; /* relations of a cell: place[at[c]] ... */
	uint64_t *at;
	int64_t *sum;       /* by relation; all 0 between moves */
	int64_t *down, *up; /* by cell: how far its requirements' moves lead it */
	uint64_t n_lines;   /* requirements so far */
	uint64_t last;      /* the cell of the one before; UINT64_MAX: none */
	struct err *e;
};

static bool bad(struct audit *a, const char *rule)
{
	return err_set(a->e, ERR_CRYPTO, "line %u: %s", a->r.line_no, rule);
}

static bool take_signed(const char **p, const char *end, int64_t *out)
{
	return cert_take_within(p, end, JJ_VALUE_MAX + JJ_BOUND_MAX, out);
}

static bool next_line(struct audit *a, const char *begins, const char *rule)
{
	return (cert_reader_line(&a->r) && cert_line_begins(&a->r, begins)) || bad(a, rule);
}

/* ---- memory ---- */

static bool audit_allocate(struct audit *a, struct bytes part)
{
	size_t cells = (size_t)a->j->n_cells + 2;
	uint64_t lines = 1;
	for (size_t i = 0; i < part.len; i++) {
		a->room += part.at[i] == ':';
		lines += part.at[i] == '\n';
	}
	a->cell = calloc(a->room + 1, sizeof *a->cell);
	a->by = calloc(a->room + 1, sizeof *a->by);
	a->first = calloc(lines + 2, sizeof *a->first);
	a->at = calloc(cells + 1, sizeof *a->at);
	a->place = calloc((size_t)a->j->start[a->j->n_relations] + 1, sizeof *a->place);
	a->sum = calloc((size_t)a->j->n_relations + 1, sizeof *a->sum);
	a->down = calloc(cells, sizeof *a->down);
	a->up = calloc(cells, sizeof *a->up);
	return (a->cell != NULL && a->by != NULL && a->first != NULL && a->at != NULL && a->place != NULL &&
		   a->sum != NULL && a->down != NULL && a->up != NULL) ||
	       err_set(a->e, ERR_MEMORY, "no memory");
}

static void audit_free(struct audit *a)
{
	if (a->by != NULL)
		sodium_memzero(a->by, a->room * sizeof *a->by);
	free(a->cell);
	free(a->by);
	free(a->first);
	free(a->at);
	free(a->place);
	free(a->sum);
	free(a->down);
	free(a->up);
}

/* Which terms of relations stand at each cell. */
static void index_terms(struct audit *a)
{
	const struct jj *j = a->j;
	for (uint32_t k = 0; k < j->start[j->n_relations]; k++)
		a->at[j->term[k].cell + 2]++;
	for (uint32_t c = 2; c <= j->n_cells + 1; c++)
		a->at[c] += a->at[c - 1];
	for (uint32_t r = 0; r < j->n_relations; r++)
		for (uint32_t k = j->start[r]; k < j->start[r + 1]; k++)
			a->place[a->at[j->term[k].cell + 1]++] = k;
}

static uint32_t relation_of(const struct jj *j, uint32_t term)
{
	uint32_t low = 0;
	uint32_t high = j->n_relations;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (j->start[middle] <= term)
			low = middle;
		else
			high = middle;
	}
	while (j->start[low + 1] == j->start[low]) /* relations without terms hold none */
		low++;
	return low;
}

/* ---- head and end ---- */

static bool digest_is(struct audit *a, const char *word, struct bytes of, const char *rule)
{
	uint8_t want[32];
	uint8_t got[32];
	size_t skip = strlen(word);
	crypto_hash_sha256(want, of.at, of.len);
	if (!cert_line_begins(&a->r, word) ||
	    !hex_decode(got, 32, bytes_of(a->r.line + skip, (size_t)(a->r.line_end - a->r.line) - skip)) ||
	    memcmp(want, got, 32) != 0)
		return bad(a, rule);
	return true;
}

/* level L2 k 5 width 2 floor 0 coalition 0, as the certificate has it */
static bool level_take(struct audit *a, struct bytes certificate)
{
	struct reader other = { .at = (const char *)certificate.at,
		.end = (const char *)certificate.at + certificate.len };
	const char *p = a->r.line;
	const char *end = a->r.line_end;
	size_t len = (size_t)(end - p);
	bool same = false;
	while (!same && cert_reader_line(&other))
		same = cert_line_begins(&other, "level ") && len == (size_t)(other.line_end - other.line) &&
		       memcmp(p, other.line, len) == 0;
	if (!same || !cert_take_text(&p, end, "level L") || !cert_take_number(&p, end, 2, &a->level) ||
	    !cert_take_text(&p, end, " k ") || !cert_take_number(&p, end, LEVEL_MAX, &a->threshold) ||
	    !cert_take_text(&p, end, " width ") || !cert_take_number(&p, end, LEVEL_MAX, &a->width) ||
	    !cert_take_text(&p, end, " floor ") || !cert_take_number(&p, end, 1, &a->floor))
		return bad(a, "not the certificate's line level");
	return true;
}

static bool whole_line(struct audit *a, const char *text, const char *rule)
{
	return (cert_reader_line(&a->r) && cert_line_is(&a->r, text)) || bad(a, rule);
}

static bool head_take(struct audit *a, struct bytes certificate)
{
	uint8_t blind[32];
	if (!whole_line(a, "cellveil-certificate-auditor 1", "not an auditors' part of version 1") ||
	    !next_line(a, "public ", "public and a digest are expected") ||
	    !digest_is(a, "public ", certificate, "it belongs to another certificate") ||
	    !next_line(a, "level ", "the line level is expected") || !level_take(a, certificate) ||
	    !next_line(a, "blind ", "blind and 64 hex digits are expected"))
		return false;
	if (!hex_decode(blind, 32, bytes_of(a->r.line + 6, (size_t)(a->r.line_end - a->r.line) - 6)))
		return bad(a, "blind and 64 hex digits are expected");
	return whole_line(a, "section amplitudes", "section amplitudes is expected");
}

/* ---- moves ---- */

static bool entry_fits(struct audit *a, uint32_t cell, int64_t by)
{
	const struct jj_cell *c = &a->j->cell[cell];
	int64_t low = c->lb == 0 ? (int64_t)a->floor : c->lb;
	if (a->mark[cell] != 'H' || by == 0)
		return bad(a, "a move changes a printed cell, or nothing");
	if (by > JJ_BOUND_MAX || by < -JJ_BOUND_MAX)
		return bad(a, "a move is out of range");
	if (a->level > 1 && (c->value + by < low || (c->ub < JJ_BOUND_MAX && c->value + by > c->ub)))
		return bad(a, "a move leaves a cell's bounds");
	for (uint64_t i = a->at[cell]; i < a->at[cell + 1]; i++)
		a->sum[relation_of(a->j, a->place[i])] += by * a->j->term[a->place[i]].coef;
	return true;
}

/* a <id> <n> <cell>:<by> ... */
static bool move_take(struct audit *a)
{
	const char *p = a->r.line;
	const char *end = a->r.line_end;
	uint64_t id;
	uint64_t n;
	uint64_t next = 0;
	bool ok = true;
	if (!cert_take_text(&p, end, "a ") || !cert_take_number(&p, end, UINT32_MAX, &id) ||
	    id != a->n_moves || !cert_take_char(&p, end, ' ') || !cert_take_number(&p, end, a->room, &n))
		return bad(a, "a move is: a, its number, how many cells, cell:by");
	a->first[a->n_moves++] = a->n_entries;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t cell;
		int64_t by;
		if (!cert_take_char(&p, end, ' ') || !cert_take_number(&p, end, a->j->n_cells - 1, &cell) ||
		    cell < next || !cert_take_char(&p, end, ':') || !take_signed(&p, end, &by))
			return bad(a, "a move is: a, its number, how many cells, cell:by");
		if (!entry_fits(a, (uint32_t)cell, by))
			return false;
		a->cell[a->n_entries] = (uint32_t)cell;
		a->by[a->n_entries++] = by;
		next = cell + 1;
	}
	for (uint64_t i = a->first[id]; i < a->n_entries; i++) /* nought everywhere, and for the next move */
		for (uint64_t k = a->at[a->cell[i]]; k < a->at[a->cell[i] + 1]; k++) {
			uint32_t relation = relation_of(a->j, a->place[k]);
			ok = ok && a->sum[relation] == 0;
		}
	return p == end ? ok || bad(a, "a move breaks a relation") : bad(a, "too much in a line");
}

/* ---- requirements ---- */

static const char *expected_rule(const struct jj_cell *c)
{
	if (c->status == 'm' && c->lb == c->ub)
		return NULL; /* everybody knows it */
	if (c->status == 'm')
		return "missing";
	if (c->status == 'u')
		return c->lpl + c->upl + c->spl > 0 ? "levels" : "policy";
	return NULL;
}

struct reach {
	int64_t up, down, width;
};

/* How far the file or the level line asks the cell to be able to go. */
static struct reach wanted(const struct audit *a, const struct jj_cell *c)
{
	if (a->level == 1 || c->status == 'm')
		return (struct reach){ 0, 0, 1 };
	struct reach r = { c->upl, c->lpl, c->spl > (int64_t)a->width ? c->spl : (int64_t)a->width };
	if (c->upl == 0 && c->lpl == 0 && c->spl == 0)
		r.up =
		    (int64_t)a->threshold - c->value > r.width ? (int64_t)a->threshold - c->value : r.width;
	return r;
}

/* Cells rise. The same cell stands twice only where it must go up and down, or neither way alone is wide enough: up first. */
static bool is_in_turn(const struct audit *a, uint64_t cell, int64_t by)
{
	if (a->last == UINT64_MAX || cell > a->last)
		return true;
	struct reach want = wanted(a, &a->j->cell[cell]);
	return cell == a->last && a->level > 1 && by < 0 && a->up[cell] > 0 && a->down[cell] == 0 &&
	       (want.down > 0 || a->up[cell] < want.width);
}

/* r <cell> <value> public <move> <rule>; each names the next move */
static bool requirement_take(struct audit *a)
{
	const char *p = a->r.line;
	const char *end = a->r.line_end;
	uint64_t cell;
	uint64_t move;
	int64_t value;
	int64_t by = 0;
	if (!cert_take_text(&p, end, "r ") || !cert_take_number(&p, end, a->j->n_cells - 1, &cell) ||
	    !cert_take_char(&p, end, ' ') || !take_signed(&p, end, &value) ||
	    !cert_take_text(&p, end, " public ") || !cert_take_number(&p, end, UINT32_MAX, &move) ||
	    move >= a->n_moves || move != a->n_lines || !cert_take_char(&p, end, ' '))
		return bad(a, "a requirement is: r, cell, value, public, the next move, a rule");
	const char *rule = expected_rule(&a->j->cell[cell]);
	if (rule == NULL || !cert_take_text(&p, end, rule) || p != end)
		return bad(a, "no rule asks for it");
	for (uint64_t i = a->first[move]; i < a->first[move + 1]; i++)
		by = a->cell[i] == cell ? a->by[i] : by;
	if (by == 0 || a->j->cell[cell].value + by != value)
		return bad(a, "its move does not make that of the cell");
	if (!is_in_turn(a, cell, by))
		return bad(a, "nothing asks for it here");
	a->n_lines++;
	a->last = cell;
	if (by > 0)
		a->up[cell] = by;
	else
		a->down[cell] = -by;
	return true;
}

/* Does what is asked of the cell follow from its requirements? */
static bool cell_holds(struct audit *a, uint32_t cell)
{
	const struct jj_cell *c = &a->j->cell[cell];
	if (a->floor > 0 && a->mark[cell] == 'H' && c->lb == 0 && c->value == 0)
		return err_set(a->e, ERR_CRYPTO, "cell %u: hidden, and by the floor no nought is", cell);
	if (expected_rule(c) == NULL)
		return true;
	struct reach want = wanted(a, c);
	return (a->mark[cell] == 'H' && a->up[cell] >= want.up && a->down[cell] >= want.down &&
		   a->up[cell] + a->down[cell] >= want.width) ||
	       err_set(a->e, ERR_CRYPTO, "cell %u: its moves do not go as far as it must be able to", cell);
}

static bool file_take(struct audit *a, struct bytes certificate, struct bytes part)
{
	if (!head_take(a, certificate))
		return false;
	bool more = cert_reader_line(&a->r);
	for (; more && cert_line_begins(&a->r, "a "); more = cert_reader_line(&a->r))
		if (!move_take(a))
			return false;
	a->first[a->n_moves] = a->n_entries;
	if (!more || !cert_line_is(&a->r, "section requirements"))
		return bad(a, "section requirements is expected");
	for (more = cert_reader_line(&a->r); more && cert_line_begins(&a->r, "r ");
	     more = cert_reader_line(&a->r))
		if (!requirement_take(a))
			return false;
	if (a->n_lines != a->n_moves)
		return bad(a, "a move serves nothing");
	if (!more || a->r.at != a->r.end)
		return bad(a, "the last line is end-auditor and a digest");
	return digest_is(a, "end-auditor ", bytes_of(part.at, (size_t)((const uint8_t *)a->r.line - part.at)),
	    "the file was changed: its own digest does not fit");
}

bool jjaudit_check(const struct jj *j, const char *mark, struct bytes certificate, struct bytes part,
    uint64_t *moves, struct err *e)
{
	struct audit a = { .j = j, .mark = mark, .last = UINT64_MAX, .e = e };
	a.r = (struct reader){ .at = (const char *)part.at, .end = (const char *)part.at + part.len };
	bool ok = audit_allocate(&a, part);
	if (ok)
		index_terms(&a);
	ok = ok && file_take(&a, certificate, part);
	for (uint32_t c = 0; ok && c < j->n_cells; c++)
		ok = cell_holds(&a, c);
	*moves = a.n_moves;
	audit_free(&a);
	return ok;
}
