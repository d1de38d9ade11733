#include "client/protect/movedaudit.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/protect/certpart.h"
#include "client/protect/moved.h"
#include "client/protect/moveddoubt.h"

#define MEMBERS_MAX 8u
#define NO_OFFICE   UINT32_MAX
#define NUMBER_MAX  (UINT64_C(1) << 62)

struct doubt {
	struct certcheck k;
	const struct lattice *g;
	const struct certificate_report *report;
	uint32_t office_dim;
	uint32_t member[MEMBERS_MAX]; /* the attacker of the line at hand */
	uint32_t n_members;
	int8_t *sign;      /* by cell: how it counts in the line's subject */
	uint64_t *listed;  /* cells of the subject */
	uint64_t *line_of; /* by cell: the table that changed it last, from 1 */
	int64_t *rounded;  /* by cell: the line `b`, what the rounded table changes of the true one */
	int64_t *others;   /* the same with what the attacker at hand owns put back */
	bool has_rounded;
	const char *others_of; /* attacker that others is of, as it stands there; NULL: none */
	size_t others_len;
	uint32_t n_listed;
	uint64_t tables, said; /* read so far, and as many as the section says */
	bool more;             /* there is a line to be read */
	char kind;             /* of the table before: u, d or p */
	uint8_t *touched; /* by code of the offices' dimension: the table at hand changes something there */
	uint8_t *others_touched; /* the same of others */
	uint32_t n_codes;
	struct err *e;
};

static bool bad(struct doubt *c, const char *rule)
{
	return cert_bad(&c->k, c->e, rule);
}

static size_t line_len(const struct reader *r)
{
	return (size_t)(r->line_end - r->line);
}

/* ---- head and end ---- */

static bool digest_is(const struct reader *r, const char *word, struct bytes of)
{
	uint8_t want[32];
	uint8_t got[32];
	size_t skip = strlen(word);
	crypto_hash_sha256(want, of.at, of.len);
	return cert_line_begins(r, word) &&
	       hex_decode(got, 32, bytes_of(r->line + skip, line_len(r) - skip)) &&
	       memcmp(got, want, 32) == 0;
}

/* Does the certificate say the same in its line of that name? */
static bool same_line(const struct reader *r, const char *name, struct bytes certificate)
{
	struct reader other = { .at = (const char *)certificate.at,
		.end = (const char *)certificate.at + certificate.len };
	while (cert_reader_line(&other))
		if (cert_line_begins(&other, name))
			return line_len(r) == line_len(&other) &&
			       memcmp(r->line, other.line, line_len(r)) == 0;
	return false;
}

/* section tables <lines u, d and p> */
static bool section_take(struct doubt *c)
{
	struct reader *r = &c->k.r;
	if (!cert_reader_line(r))
		return false;
	const char *p = r->line;
	return cert_take_text(&p, r->line_end, "section tables ") &&
	       cert_take_number(&p, r->line_end, NUMBER_MAX, &c->said) && p == r->line_end;
}

static bool head_take(struct doubt *c, struct bytes certificate)
{
	struct reader *r = &c->k.r;
	uint8_t blind[32];
	if (!cert_reader_line(r) || !cert_line_is(r, "cellveil-certificate-auditor 1"))
		return bad(c, "not an auditors' part of version 1");
	if (!cert_reader_line(r) || !digest_is(r, "public ", certificate))
		return bad(c, "it belongs to another certificate");
	if (!cert_reader_line(r) || !same_line(r, "level ", certificate))
		return bad(c, "the level line is not the certificate's");
	if (!cert_reader_line(r) || !cert_line_begins(r, "blind ") ||
	    !hex_decode(blind, 32, bytes_of(r->line + 6, line_len(r) - 6)))
		return bad(c, "blind and 64 hex digits are expected");
	if (!cert_reader_line(r) || !same_line(r, "method ", certificate))
		return bad(c, "the method is not the certificate's");
	return section_take(c) || bad(c, "section tables and how many are expected");
}

static bool end_take(struct doubt *c, struct bytes file)
{
	struct reader *r = &c->k.r;
	if (!cert_line_begins(r, "end-auditor ") || r->at != r->end)
		return bad(c, "the last line is end-auditor and a digest");
	return digest_is(
		   r, "end-auditor ", bytes_of(file.at, (size_t)((const uint8_t *)r->line - file.at))) ||
	       bad(c, "the file was changed: its own digest does not fit");
}

/* ---- one table ---- */

static void forget_subject(struct doubt *c)
{
	for (uint32_t i = 0; i < c->n_listed; i++)
		c->sign[c->listed[i]] = 0;
	c->n_listed = 0;
}

/* A cell, or a cell less others. */
static bool subject_take(struct doubt *c, const char **p, const char *end)
{
	forget_subject(c);
	do {
		uint64_t cell;
		if (!cert_take_number(p, end, c->g->n_cells - 1, &cell) || c->sign[cell] != 0)
			return false;
		c->sign[cell] = c->n_listed == 0 ? 1 : -1;
		c->listed[c->n_listed++] = cell;
	} while (cert_take_char(p, end, '-'));
	return cert_take_char(p, end, ' ');
}

static bool is_member(const struct doubt *c, uint32_t office)
{
	for (uint32_t i = 0; i < c->n_members; i++)
		if (c->member[i] == office)
			return true;
	return false;
}

/* "public" or "A+B", nobody twice */
static bool attacker_take(struct doubt *c, const char **p, const char *end)
{
	const char *stop = memchr(*p, ' ', (size_t)(end - *p));
	c->n_members = 0;
	if (stop == NULL)
		stop = end; /* no changes: the other table is the true one */
	if (cert_take_text(p, stop, "public"))
		return *p == stop;
	while (*p < stop) {
		char code[LIMIT_NAME + 2];
		const char *plus = memchr(*p, '+', (size_t)(stop - *p));
		size_t len = (size_t)((plus == NULL ? stop : plus) - *p);
		if (c->office_dim == NO_OFFICE || len >= sizeof code || c->n_members == MEMBERS_MAX)
			return false;
		memcpy(code, *p, len);
		code[len] = '\0';
		uint32_t office = lattice_code(&c->g->dim[c->office_dim], code);
		if (office == UINT32_MAX || !lattice_is_leaf(&c->g->dim[c->office_dim], office) ||
		    is_member(c, office))
			return false;
		c->member[c->n_members++] = office;
		*p += len + (plus == NULL ? 0 : 1);
	}
	return c->n_members > 0;
}

/* May the cell be so far from the truth, as far as readers know? */
static bool fits_figure(struct doubt *c, uint64_t cell, int64_t by)
{
	const struct lattice *g = c->g;
	int64_t lo = 0;
	int64_t hi = INT64_MAX;
	if (g->live[cell] == 0 && by != 0)
		return bad(c, "a table puts someone where nobody can be");
	if (g->mark[cell] == 'R')
		moved_interval(&c->report->moved, lattice_is_inner(g, cell), g->near[cell], &lo, &hi);
	return (g->truth[cell] + by >= lo && g->truth[cell] + by <= hi) ||
	       bad(c, "a table does not agree with a printed figure");
}

/* from: what the table it begins with changes of the true one, or NULL. */
static bool change_fits(struct doubt *c, const int64_t *from, uint64_t cell, int64_t by)
{
	const struct lattice *g = c->g;
	if (c->line_of[cell] == c->tables + 1)
		return bad(c, "a table changes a cell twice");
	c->line_of[cell] = c->tables + 1;
	if (c->n_members > 0 && is_member(c, lattice_place(g, cell, c->office_dim)))
		return bad(c, "a table changes what its attacker owns");
	return fits_figure(c, cell, by + (from == NULL ? 0 : from[cell]));
}

/* [udp] <subject> <attacker> <cell>:<by> ... */
static bool changes_take(struct doubt *c, const char *p, const int64_t *from, int64_t *led)
{
	const char *end = c->k.r.line_end;
	*led = 0;
	if (from == NULL)
		memset(c->touched, 0, c->n_codes);
	else
		memcpy(c->touched, c->others_touched, c->n_codes);
	for (uint32_t i = 0; from != NULL && i < c->n_listed; i++)
		*led += c->sign[c->listed[i]] * from[c->listed[i]];
	cert_sums_clear(&c->k.sums);
	while (p < end) {
		uint64_t cell;
		int64_t by;
		if (!cert_take_char(&p, end, ' ') || !cert_take_number(&p, end, c->g->n_cells - 1, &cell) ||
		    !cert_take_char(&p, end, ':') || !cert_take_signed(&p, end, &by) || by == 0)
			return bad(c, "a change is cell:by");
		if (!change_fits(c, from, cell, by))
			return false;
		if (!cert_visit_lines(&c->k, cell, cert_add_signed, &by))
			return err_set(c->e, ERR_MEMORY, "no memory");
		if (c->office_dim != NO_OFFICE)
			c->touched[lattice_place(c->g, cell, c->office_dim)] = 1;
		*led += c->sign[cell] * by;
	}
	return cert_sums_zero(&c->k.sums) || bad(c, "a table breaks a relation");
}

/* Everything that the attacker at hand owns, and its sums, as they are. */
static void put_back(struct doubt *c, uint32_t member, const bool *below)
{
	const struct lattice *g = c->g;
	uint64_t stride = g->stride[c->office_dim];
	for (uint64_t cell = 0; cell < g->n_cells; cell++) {
		uint32_t code = lattice_place(g, cell, c->office_dim);
		uint64_t own = cell - code * stride + member * stride;
		if (below[code])
			c->others[cell] -= c->rounded[own];
	}
}

/* By code: does it hold the office? */
static bool above(const struct latticedim *d, uint32_t office, bool *out)
{
	bool *leaves = calloc((size_t)d->n_codes + 1, sizeof *leaves);
	if (leaves == NULL)
		return false;
	for (uint32_t code = 0; code < d->n_codes; code++) {
		lattice_leaves(d, code, leaves);
		out[code] = leaves[office];
	}
	free(leaves);
	return true;
}

/* The table that a line `p` begins with: the rounded one, as the attacker of the line would have it. */
static bool others_of(struct doubt *c, const char *who, size_t len)
{
	const struct lattice *g = c->g;
	bool *below = NULL;
	if (!c->has_rounded)
		return bad(c, "the rounded table is missing");
	if (c->others_of != NULL && c->others_len == len && memcmp(c->others_of, who, len) == 0)
		return true;
	memcpy(c->others, c->rounded, g->n_cells * sizeof *c->others);
	if (c->n_members > 0)
		below = calloc((size_t)g->dim[c->office_dim].n_codes + 1, sizeof *below);
	for (uint32_t i = 0; i < c->n_members; i++) {
		if (below == NULL || !above(&g->dim[c->office_dim], c->member[i], below)) {
			free(below);
			return err_set(c->e, ERR_MEMORY, "no memory");
		}
		put_back(c, c->member[i], below);
	}
	free(below);
	for (uint64_t cell = 0; cell < g->n_cells; cell++)
		if (!fits_figure(c, cell, c->others[cell]))
			return false;
	memset(c->others_touched, 0, c->n_codes);
	for (uint64_t cell = 0; c->office_dim != NO_OFFICE && cell < g->n_cells; cell++)
		if (c->others[cell] != 0)
			c->others_touched[lattice_place(g, cell, c->office_dim)] = 1;
	c->others_of = who;
	c->others_len = len;
	return true;
}

static bool is_table(const struct reader *r)
{
	return cert_line_begins(r, "u ") || cert_line_begins(r, "d ") || cert_line_begins(r, "p ");
}

/* Is the line's count, and its attacker, the one that is asked about? */
static bool is_asked(const struct doubt *c, const struct moveddoubt_asked *asked)
{
	return c->n_listed == asked->n_cells &&
	       memcmp(c->listed, asked->cell, asked->n_cells * sizeof *asked->cell) == 0 &&
	       c->n_members == asked->n_offices &&
	       memcmp(c->member, asked->office, asked->n_offices * sizeof *asked->office) == 0;
}

/* u, d: <subject> <attacker> <changes of the true table>; p: of the rounded one. */
static bool table_take(
    void *context, const struct moveddoubt_asked *asked, int64_t *led, const uint8_t **touched, struct err *e)
{
	struct doubt *c = context;
	const char *p = c->k.r.line + 2;
	const char *end = c->k.r.line_end;
	char which = c->k.r.line[0];
	(void)e; /* the same as c->e */
	if (!c->more || !is_table(&c->k.r))
		return bad(c, "another table is expected");
	if (!subject_take(c, &p, end))
		return bad(c, "a table is: u, d or p, a count, an attacker, changes");
	const char *who = p;
	if (!attacker_take(c, &p, end))
		return bad(c, "a table is: u, d or p, a count, an attacker, changes");
	if (!is_asked(c, asked))
		return bad(c, "a table about another count, or for another attacker, is expected");
	if ((which == 'p' && !others_of(c, who, (size_t)(p - who))) ||
	    !changes_take(c, p, which == 'p' ? c->others : NULL, led))
		return false;
	if ((which == 'u' && *led <= 0) || (which == 'd' && *led >= 0) ||
	    (asked->second && which != (c->kind == 'u' ? 'd' : c->kind)))
		return bad(c, "u leads the count up, d down, and after u or p comes its like");
	c->kind = which;
	*touched = c->touched;
	c->tables++;
	c->more = cert_reader_line(&c->k.r);
	return true;
}

/* b <changes of the true table>: the table that was rounded to, what is not printed included. */
static bool rounded_take(struct doubt *c)
{
	const struct lattice *g = c->g;
	const char *p = c->k.r.line + 1;
	const char *end = c->k.r.line_end;
	cert_sums_clear(&c->k.sums);
	while (p < end) {
		uint64_t cell;
		int64_t by;
		if (!cert_take_char(&p, end, ' ') || !cert_take_number(&p, end, g->n_cells - 1, &cell) ||
		    !cert_take_char(&p, end, ':') || !cert_take_signed(&p, end, &by) || by == 0 ||
		    c->rounded[cell] != 0)
			return bad(c, "a change is cell:by");
		if (!cert_visit_lines(&c->k, cell, cert_add_signed, &by))
			return err_set(c->e, ERR_MEMORY, "no memory");
		c->rounded[cell] = by;
	}
	for (uint64_t cell = 0; cell < g->n_cells; cell++)
		if (g->mark[cell] == 'R' && g->truth[cell] + c->rounded[cell] != g->near[cell])
			return bad(c, "the rounded table is not the one that is printed");
	c->has_rounded = true;
	return cert_sums_zero(&c->k.sums) || bad(c, "a table breaks a relation");
}

/* ---- the whole ---- */

static bool file_take(
    struct doubt *c, const struct policy_params *p, struct bytes certificate, struct bytes file)
{
	if (!head_take(c, certificate))
		return false;
	c->more = cert_reader_line(&c->k.r);
	if (c->report->moved.how == MOVED_ROUNDING) {
		if (!c->more || !(cert_line_begins(&c->k.r, "b ") || cert_line_is(&c->k.r, "b")))
			return bad(c, "the rounded table is missing");
		if (!rounded_take(c))
			return false;
		c->more = cert_reader_line(&c->k.r);
	}
	if (!moveddoubt_check(c->g, p, c->report, c->office_dim, table_take, c, c->e))
		return false;
	if (c->more && is_table(&c->k.r))
		return bad(c, "a table that nobody's doubt needs");
	if (c->tables != c->said)
		return bad(c, "there are not as many tables as the section says");
	return end_take(c, file);
}

static uint32_t office_dim(const struct lattice *g, const struct policy_params *p)
{
	for (uint32_t d = 0; d < g->n_dims; d++)
		if (g->dim[d].synthetic)
			return d;
	return lattice_dim(g, p->office_dim);
}

static void free_counts(int64_t *table, uint64_t n)
{
	if (table != NULL)
		sodium_memzero(table, n * sizeof *table);
	free(table);
}

bool movedaudit_check(const struct lattice *g, const struct policy_params *p,
    const struct certificate_report *report, struct bytes certificate, struct bytes file, uint64_t *tables,
    struct err *e)
{
	struct certificate_report unused = { 0 };
	struct doubt c = { .g = g, .report = report, .office_dim = office_dim(g, p), .e = e };
	c.k = (struct certcheck){ .g = g, .report = &unused };
	c.k.r = (struct reader){ .at = (const char *)file.at, .end = (const char *)file.at + file.len };
	for (uint32_t d = 1; d < g->n_dims; d++)
		c.k.relation_base[d] = c.k.relation_base[d - 1] + g->dim[d - 1].n_breakdowns;
	c.sign = calloc(g->n_cells + 1, sizeof *c.sign);
	c.n_codes = c.office_dim == NO_OFFICE ? 1 : g->dim[c.office_dim].n_codes;
	c.touched = calloc(c.n_codes, 1);
	c.others_touched = calloc(c.n_codes, 1);
	c.listed = calloc(g->n_cells + 1, sizeof *c.listed);
	c.line_of = calloc(g->n_cells + 1, sizeof *c.line_of);
	c.rounded = calloc(g->n_cells + 1, sizeof *c.rounded);
	c.others = calloc(g->n_cells + 1, sizeof *c.others);
	bool ok = (c.rounded != NULL && c.others != NULL && c.sign != NULL && c.touched != NULL &&
		      c.others_touched != NULL && c.listed != NULL && c.line_of != NULL) ||
		  err_set(e, ERR_MEMORY, "no memory");
	ok = ok && file_take(&c, p, certificate, file);
	*tables = c.tables;
	free(c.sign);
	free(c.touched);
	free(c.others_touched);
	free(c.listed);
	free(c.line_of);
	free_counts(c.rounded, g->n_cells);
	free_counts(c.others, g->n_cells);
	free(c.k.sums.place);
	return ok;
}
