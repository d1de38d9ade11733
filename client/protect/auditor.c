#include "client/protect/auditor.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/protect/auditledger.h"
#include "client/protect/auditpart.h"
#include "proto/limits.h"

#define MINUS_MAX 4096u /* cells taken off a parent in one subject */

static bool make_room(void **array, size_t size, size_t n, size_t *room, struct err *e)
{
	if (n < *room)
		return true;
	size_t more = *room == 0 ? 256 : 2 * *room;
	void *memory = realloc(*array, more * size);
	if (memory == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	*array = memory;
	*room = more;
	return true;
}

/* ---- moves ---- */

static int64_t change_at(const struct audit *a, const struct amount *m, uint64_t cell)
{
	size_t lo = m->start;
	size_t hi = m->start + m->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (a->change[mid].cell == cell)
			return a->change[mid].by;
		if (a->change[mid].cell < cell)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

int64_t audit_moved(const struct audit *a, const struct line *l)
{
	const struct amount *m = &a->move[l->move];
	int64_t sum = change_at(a, m, l->s.cell);
	for (uint32_t i = 0; i < l->s.n; i++)
		sum -= change_at(a, m, l->s.minus[i]);
	return sum;
}

bool audit_touches(const struct audit *a, const struct line *l, const uint32_t *office, uint32_t n)
{
	const struct amount *m = &a->move[l->move];
	for (uint64_t i = 0; n > 0 && i < m->n; i++) {
		uint32_t code = lattice_place(a->g, a->change[m->start + i].cell, a->office_dim);
		for (uint32_t k = 0; k < n; k++)
			if (office[k] == code)
				return true;
	}
	return false;
}

static bool change_take(struct audit *a, struct change c, uint64_t before, bool first)
{
	struct certcheck *k = &a->k;
	int64_t least = a->g->mark[c.cell] == 'H' ? a->p->zeros == ZEROS_PUBLISHED : 0;
	bool count = a->releases == NULL || c.cell < auditledger_n_counts(a);
	if (!first && c.cell <= before)
		return cert_bad(k, a->e, "entries rise by cell");
	if (a->g->value[c.cell] >= 0 || a->g->live[c.cell] == 0)
		return cert_bad(
		    k, a->e, "the move changes a cell that is printed, or that nothing can be in");
	if (!a->l1 && count && a->g->truth[c.cell] + c.by < least)
		return cert_bad(k, a->e, "the move takes a cell below what it is known to be at least");
	if (!cert_visit_lines(k, c.cell, cert_add_signed, &c.by) ||
	    !make_room((void **)&a->change, sizeof *a->change, a->n_changes, &a->room_changes, a->e))
		return err_set(a->e, ERR_MEMORY, "no memory");
	a->change[a->n_changes++] = c;
	return true;
}

/* a <id> <n> <cell>:<coef> ... */
static bool amount_take(struct audit *a)
{
	struct certcheck *k = &a->k;
	const char *p = k->r.line + 2;
	const char *end = k->r.line_end;
	uint64_t id;
	uint64_t n;
	struct change c = { 0 };
	if (!cert_take_number(&p, end, UINT32_MAX - 1, &id) || id != a->n_moves ||
	    !cert_take_char(&p, end, ' ') || !cert_take_number(&p, end, k->g->n_cells, &n) || n == 0)
		return cert_bad(k, a->e, "a move is: a, its number in turn, how many entries, entries");
	if (!make_room((void **)&a->move, sizeof *a->move, a->n_moves, &a->room_moves, a->e))
		return false;
	a->move[a->n_moves++] = (struct amount){ a->n_changes, n, false };
	cert_sums_clear(&k->sums);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t before = c.cell;
		if (!cert_take_char(&p, end, ' ') || !cert_take_number(&p, end, k->g->n_cells - 1, &c.cell) ||
		    !cert_take_char(&p, end, ':') || !cert_take_signed(&p, end, &c.by) || c.by == 0)
			return cert_bad(k, a->e, "an entry is cell:coefficient");
		if (!change_take(a, c, before, i == 0))
			return false;
	}
	if (p != end)
		return cert_bad(k, a->e, "text after the last entry");
	return cert_sums_zero(&k->sums) || cert_bad(k, a->e, "the move breaks a relation");
}

/* ---- requirements as they stand in the file ---- */

static bool subject_take(struct audit *a, const char **p, const char *end, size_t *first, struct subject *s)
{
	*first = a->n_minus;
	if (!cert_take_number(p, end, a->g->n_cells - 1, &s->cell))
		return false;
	while (cert_take_char(p, end, '-')) {
		if (s->n == MINUS_MAX ||
		    !make_room((void **)&a->minus, sizeof *a->minus, a->n_minus, &a->room_minus, a->e) ||
		    !cert_take_number(p, end, a->g->n_cells - 1, &a->minus[a->n_minus]))
			return false;
		a->n_minus++;
		s->n++;
	}
	return cert_take_char(p, end, ' ');
}

static bool is_named(const struct line *l, uint32_t office)
{
	for (uint32_t i = 0; i < l->n_offices; i++)
		if (l->office[i] == office)
			return true;
	return false;
}

/* "A+B ", nobody twice */
static bool pool_take(struct audit *a, const char **p, const char *end, struct line *l)
{
	const struct latticedim *d = &a->g->dim[a->office_dim];
	const char *stop = memchr(*p, ' ', (size_t)(end - *p));
	if (stop == NULL)
		return false;
	while (*p < stop) {
		char code[LIMIT_NAME + 2];
		const char *plus = memchr(*p, '+', (size_t)(stop - *p));
		size_t len = (size_t)((plus == NULL ? stop : plus) - *p);
		if (len >= sizeof code || l->n_offices == POOL_LIMIT)
			return false;
		memcpy(code, *p, len);
		code[len] = '\0';
		uint32_t office = lattice_code(d, code);
		if (office == UINT32_MAX || !lattice_is_leaf(d, office) || is_named(l, office))
			return false;
		l->office[l->n_offices++] = office;
		*p += len + 1;
	}
	*p = stop + 1;
	return l->n_offices > 0;
}

static bool attacker_take(struct audit *a, const char **p, const char *end, struct line *l)
{
	uint64_t slot = 0;
	if (cert_take_text(p, end, "public "))
		return true;
	bool some = cert_take_text(p, end, "office ");
	if (some && (a->office_dim == NO_OFFICE || !pool_take(a, p, end, l)))
		return false;
	if (!cert_take_text(p, end, "slot "))
		return some;
	bool ok = cert_take_number(p, end, POOL_LIMIT, &slot) && cert_take_char(p, end, ' ');
	l->slot = (uint32_t)slot;
	return ok;
}

static bool rule_take(const char **p, const char *end, enum rule *rule)
{
	static const char *const name[RULES] = { "R1", "R2", "R3", "R4", "R5", "R12", "derivable", "R6",
		"difference", "R7", "redundant" };
	for (uint32_t i = 0; i < RULES; i++)
		if ((size_t)(end - *p) == strlen(name[i]) && cert_take_text(p, end, name[i])) {
			*rule = (enum rule)i;
			return true;
		}
	return false;
}

/* r <cell> <value the move gives it> <attacker> <move> <rule> */
static bool line_take(struct audit *a)
{
	struct certcheck *k = &a->k;
	const char *p = k->r.line + 2;
	const char *end = k->r.line_end;
	uint64_t move;
	size_t first;
	struct line l = { .slot = UINT32_MAX, .line_no = k->r.line_no };
	if (!subject_take(a, &p, end, &first, &l.s) ||
	    !cert_take_within(&p, end, LIMIT_HASH_TOTAL, &l.reached) || !cert_take_char(&p, end, ' ') ||
	    !attacker_take(a, &p, end, &l) || a->n_moves == 0 ||
	    !cert_take_number(&p, end, a->n_moves - 1, &move) || !cert_take_char(&p, end, ' ') ||
	    !rule_take(&p, end, &l.rule))
		return cert_bad(k, a->e, "a requirement is: r, cell, value reached, attacker, move, rule");
	l.s.minus = (const uint64_t *)(uintptr_t)first; /* a place until the array stands still */
	l.move = (uint32_t)move;
	a->move[move].lines++;
	if (!make_room((void **)&a->line, sizeof *a->line, a->n_lines, &a->room_lines, a->e))
		return false;
	a->line[a->n_lines++] = l;
	return true;
}

static int by_cell(const void *x, const void *y, void *context)
{
	const struct audit *a = context;
	uint32_t i = *(const uint32_t *)x;
	uint32_t j = *(const uint32_t *)y;
	if (a->line[i].s.cell != a->line[j].s.cell)
		return a->line[i].s.cell < a->line[j].s.cell ? -1 : 1;
	return (i > j) - (i < j);
}

static bool lines_index(struct audit *a)
{
	a->by_cell = calloc((size_t)a->n_lines + 1, sizeof *a->by_cell);
	if (a->by_cell == NULL)
		return err_set(a->e, ERR_MEMORY, "no memory");
	for (uint32_t i = 0; i < a->n_lines; i++) {
		a->line[i].s.minus = a->minus + (uintptr_t)a->line[i].s.minus;
		a->by_cell[i] = i;
	}
	if (a->n_lines > 0)
		qsort_r(a->by_cell, a->n_lines, sizeof *a->by_cell, by_cell, a);
	return true;
}

static bool same(const struct subject *x, const struct subject *y)
{
	return x->cell == y->cell && x->n == y->n &&
	       (x->n == 0 || memcmp(x->minus, y->minus, x->n * sizeof *x->minus) == 0);
}

/* The next line about s at or after *at in by_cell; NULL at the end. Begin with audit_first. */
struct line *audit_next(const struct audit *a, const struct subject *s, uint32_t *at)
{
	for (; *at < a->n_lines && a->line[a->by_cell[*at]].s.cell == s->cell; ++*at)
		if (same(&a->line[a->by_cell[*at]].s, s))
			return &a->line[a->by_cell[(*at)++]];
	return NULL;
}

uint32_t audit_first(const struct audit *a, const struct subject *s)
{
	uint32_t lo = 0;
	uint32_t hi = a->n_lines;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (a->line[a->by_cell[mid]].s.cell < s->cell)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* ---- the file ---- */

/* The printed values are the true ones; what is printed as nothing holds nothing. */
static bool truth_fits(const struct audit *a)
{
	struct buf name = { 0 };
	uint64_t c = 0;
	while (c < a->g->n_cells && (a->g->value[c] < 0 || a->g->value[c] == a->g->truth[c]))
		c++;
	if (c == a->g->n_cells)
		return true;
	lattice_name(a->g, c, &name);
	err_set(a->e, ERR_CRYPTO, "cell %.*s: what is printed is not the true value", (int)name.size,
	    (const char *)name.data);
	buf_free(&name);
	return false;
}

/* Is this line the level line of the public part? */
static bool same_level(const struct reader *r, struct bytes certificate)
{
	struct reader other = { .at = (const char *)certificate.at,
		.end = (const char *)certificate.at + certificate.len };
	while (cert_reader_line(&other))
		if (cert_line_begins(&other, "level "))
			return r->line_end - r->line == other.line_end - other.line &&
			       memcmp(r->line, other.line, (size_t)(r->line_end - r->line)) == 0;
	return false;
}

static bool head_take(struct audit *a, struct bytes certificate)
{
	struct certcheck *k = &a->k;
	uint8_t want[32];
	uint8_t got[32];
	crypto_hash_sha256(want, certificate.at, certificate.len);
	if (!cert_reader_line(&k->r) || !cert_line_is(&k->r, "cellveil-certificate-auditor 1"))
		return cert_bad(k, a->e, "not an auditors' part of version 1");
	if (!cert_reader_line(&k->r) || !cert_line_begins(&k->r, "public ") ||
	    !hex_decode(got, 32, bytes_of(k->r.line + 7, (size_t)(k->r.line_end - k->r.line) - 7)) ||
	    memcmp(got, want, 32) != 0)
		return cert_bad(k, a->e, "it belongs to another certificate");
	if (!cert_reader_line(&k->r) || !same_level(&k->r, certificate))
		return cert_bad(k, a->e, "the level line is not the certificate's");
	if (!cert_reader_line(&k->r) || !cert_line_begins(&k->r, "blind ") ||
	    !hex_decode(got, 32, bytes_of(k->r.line + 6, (size_t)(k->r.line_end - k->r.line) - 6)))
		return cert_bad(k, a->e, "blind and 64 hex digits are expected");
	return true;
}

static bool end_take(struct audit *a, struct bytes file)
{
	struct certcheck *k = &a->k;
	uint8_t want[32];
	uint8_t got[32];
	const size_t len = sizeof "end-auditor " - 1;
	if (!cert_line_begins(&k->r, "end-auditor ") || k->r.at != k->r.end ||
	    !hex_decode(got, 32, bytes_of(k->r.line + len, (size_t)(k->r.line_end - k->r.line) - len)))
		return cert_bad(k, a->e, "the last line is end-auditor and a digest");
	crypto_hash_sha256(want, file.at, (size_t)((const uint8_t *)k->r.line - file.at));
	return memcmp(got, want, 32) == 0 ||
	       cert_bad(k, a->e, "the file was changed: its own digest does not fit");
}

static bool file_take(struct audit *a, struct bytes certificate, struct bytes file)
{
	struct certcheck *k = &a->k;
	if (!head_take(a, certificate))
		return false;
	if (!cert_reader_line(&k->r) || !cert_line_is(&k->r, "section amplitudes"))
		return cert_bad(k, a->e, "section amplitudes is expected");
	while (cert_reader_line(&k->r) && cert_line_begins(&k->r, "a "))
		if (!amount_take(a))
			return false;
	if (!cert_line_is(&k->r, "section requirements"))
		return cert_bad(k, a->e, "section requirements is expected");
	while (cert_reader_line(&k->r) && cert_line_begins(&k->r, "r "))
		if (!line_take(a))
			return false;
	for (uint32_t i = 0; i < a->n_moves; i++)
		if (a->move[i].lines == 0)
			return cert_bad(k, a->e, "a move that no requirement names");
	return end_take(a, file) && lines_index(a);
}

static bool offices_find(struct audit *a)
{
	a->office_dim = a->p->offices ? lattice_dim(a->g, a->p->office_dim) : NO_OFFICE;
	for (uint32_t d = 0; d < a->g->n_dims && a->p->offices; d++)
		if (a->g->dim[d].synthetic)
			a->office_dim = d;
	if (a->office_dim == NO_OFFICE)
		return true;
	const struct latticedim *d = &a->g->dim[a->office_dim];
	a->office = calloc(d->n_codes, sizeof *a->office);
	for (uint32_t i = 0; a->office != NULL && i < d->n_codes; i++)
		if (lattice_is_leaf(d, i))
			a->office[a->n_offices++] = i;
	a->own = calloc(d->n_codes, sizeof *a->own);
	a->rank = calloc(d->n_codes, sizeof *a->rank);
	a->under = calloc((size_t)d->n_codes * d->n_codes, sizeof *a->under);
	if (a->office == NULL || a->own == NULL || a->rank == NULL || a->under == NULL)
		return err_set(a->e, ERR_MEMORY, "no memory");
	for (uint32_t i = 0; i < d->n_codes; i++)
		lattice_leaves(d, i, a->under + (size_t)i * d->n_codes);
	return true;
}

static void wipe(struct audit *a)
{
	if (a->change != NULL)
		sodium_memzero(a->change, a->room_changes * sizeof *a->change);
	if (a->line != NULL)
		sodium_memzero(a->line, a->room_lines * sizeof *a->line);
	free(a->change);
	free(a->move);
	free(a->minus);
	free(a->line);
	free(a->by_cell);
	free(a->office);
	free(a->own);
	free(a->rank);
	auditbefore_free(a);
	free(a->under);
	free(a->told);
	free(a->named);
	free(a->out);
	free(a->k.sums.place);
}

/* As the suppression manifest names them: without the release, where it is this one. */
static void late_tell(struct audit *a)
{
	for (uint64_t c = 0; a->out != NULL && c < a->g->n_cells; c++) {
		struct buf name = { 0 };
		if (a->out[c] != OUT_LATE)
			continue;
		lattice_name(a->g, c, &name);
		const uint8_t *bar = name.size == 0 ? NULL : memchr(name.data, '|', name.size);
		size_t skip = c < a->own_cells && bar != NULL ? (size_t)(bar - name.data) + 1 : 0;
		buf_put_bytes(&a->report->late_cells, bytes_of(name.data + skip, name.size - skip));
		buf_put_byte(&a->report->late_cells, '\n');
		buf_free(&name);
	}
}

bool auditor_check(const struct auditor_question *q, struct auditor_report *report, struct err *e)
{
	struct certificate_report unused = { 0 };
	bool correction = q->joint != NULL && q->joint->releases.n > 0;
	const struct lattice *g = correction ? &q->joint->lattice : q->g;
	struct audit a = { .g = g, .own_cells = q->g->n_cells, .p = q->p, .report = report, .e = e };
	*report = (struct auditor_report){ 0 };
	if (correction && !auditledger_counts(q, e))
		return false;
	a.k = (struct certcheck){ .g = g, .report = &unused };
	a.k.r =
	    (struct reader){ .at = (const char *)q->file.at, .end = (const char *)q->file.at + q->file.len };
	for (uint32_t d = 1; d < g->n_dims; d++)
		a.k.relation_base[d] = a.k.relation_base[d - 1] + g->dim[d - 1].n_breakdowns;
	bool ok = offices_find(&a);
	a.l1 = strcmp(q->claims->level, "L1") == 0;
	a.pool = q->claims->level[1] >= '3' && a.office_dim != NO_OFFICE ? q->p->coalition : 0;
	ok = ok && (!correction || auditledger_open(&a, q)) && truth_fits(&a) &&
	     file_take(&a, q->certificate, q->file) && (!correction || auditledger_rules(&a)) &&
	     audit_rules(&a) && audit_exact(&a, q->certificate);
	if (ok)
		late_tell(&a);
	report->moves = a.n_moves;
	report->requirements = a.n_lines;
	wipe(&a);
	return ok;
}
