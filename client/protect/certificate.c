#include "client/protect/certificate.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/protect/certpart.h"
#include "client/protect/moved.h"
#include "client/protect/releasefolders.h"
#include "proto/limits.h"

#define PRIME_1 UINT64_C(2305843009213693951) /* 2^61 - 1 */
#define PRIME_2 UINT64_C(2305843009213693921) /* 2^61 - 31 */

/* ---- null vectors ---- */

static uint64_t add_mod(uint64_t a, uint64_t b, uint64_t p)
{
	uint64_t sum = a + b; /* both below 2^61 */
	return sum >= p ? sum - p : sum;
}

struct residue {
	uint64_t value, prime;
};

static bool add_residue(struct certcheck *k, uint64_t key, int sign, void *context)
{
	const struct residue *x = context;
	struct line_sum *line = cert_sums_at(&k->sums, key);
	if (line == NULL)
		return false;
	line->sum = add_mod(line->sum, sign > 0 ? x->value : x->prime - x->value, x->prime);
	return true;
}

/* ---- earlier releases of the period ---- */

/* Cells of this release stand first, then those of each earlier one, then those of each difference of two. */
static uint64_t joint_cells(const struct certcheck *k)
{
	uint64_t n = k->report->earlier;
	return k->own->n_cells * (1 + n + n * (n + 1) / 2);
}

/* e <revision> <sha256 of its RESULT.csv> */
static bool earlier_take(struct certcheck *k, struct err *e)
{
	struct releases *releases = &k->joint->releases;
	uint64_t *revision = releases->revision;
	const char *p = k->r.line + 2;
	const char *end = k->r.line_end;
	uint64_t n = k->report->earlier;
	if (n == RELEASES_EARLIER_MAX || !cert_take_number(&p, end, UINT32_MAX, &revision[n]) ||
	    (n > 0 && revision[n] <= revision[n - 1]) || !cert_take_char(&p, end, ' ') ||
	    !hex_decode(releases->result[n], 32, bytes_of(p, (size_t)(end - p))))
		return cert_bad(
		    k, e, "an earlier release is: e, its revision, rising, the digest of its result");
	releases->n = ++k->report->earlier;
	return true;
}

/* d <revision> <revision> <office> ...: who changed between two releases; * where there are no offices. */
static bool changed_take(struct certcheck *k, uint64_t from, uint64_t to, struct err *e)
{
	uint64_t *revision = k->joint->releases.revision;
	const char *p = k->r.line + 2;
	const char *end = k->r.line_end;
	uint64_t a;
	uint64_t b;
	bool last = to == k->report->earlier;
	if (!cert_take_number(&p, end, UINT32_MAX, &a) || !cert_take_char(&p, end, ' ') ||
	    !cert_take_number(&p, end, UINT32_MAX, &b) || a != revision[from] || b <= a ||
	    (last && revision[to] == 0 ? false : b != revision[to]) || (p != end && *p != ' '))
		return cert_bad(k, e, "a change is: d, two revisions in turn, the offices that changed");
	revision[to] = b;
	k->joint->releases.changed[releases_span(from, to)] = bytes_of(p, (size_t)(end - p));
	return true;
}

static bool make_room(struct certcheck *k, struct err *e)
{
	free(k->shown);
	free(k->least);
	free(k->largest);
	k->shown = calloc(k->g->n_cells, 1);
	k->least = malloc(k->g->n_cells * sizeof *k->least);
	k->largest = malloc(k->g->n_cells * sizeof *k->largest);
	if (k->shown == NULL || k->least == NULL || k->largest == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	memset(k->least, 0xff, k->g->n_cells * sizeof *k->least);
	memset(k->largest, 0xff, k->g->n_cells * sizeof *k->largest);
	for (uint32_t d = 1; d < k->g->n_dims; d++)
		k->relation_base[d] = k->relation_base[d - 1] + k->g->dim[d - 1].n_breakdowns;
	return true;
}

/* From here on all releases count together. */
static bool join(struct certcheck *k, struct err *e)
{
	struct releases *r = &k->joint->releases;
	struct releasefolder *folder = k->joint->folder = calloc(r->n, sizeof *folder);
	bool ok = folder != NULL || err_set(e, ERR_MEMORY, "no memory");
	for (uint64_t v = 0; ok && v < r->n; v++) {
		ok = releasefolders_find(k->ledger, k->own, r, v, &folder[v], e);
		k->report->relisted = k->report->relisted || folder[v].g.born[0] != NULL;
	}
	if (!ok || !releasefolders_complete(k->ledger, k->own, r, folder[0].path, e) ||
	    !releases_join(&k->joint->lattice, k->own, r, folder, k->office_dim, e))
		return false;
	k->g = &k->joint->lattice;
	k->report->joined = true;
	return make_room(k, e) && (certdiff_open(k) || err_set(e, ERR_MEMORY, "no memory"));
}

static bool releases_section(struct certcheck *k, struct err *e)
{
	bool ok = cert_reader_line(&k->r);
	while (ok && cert_line_begins(&k->r, "e "))
		ok = earlier_take(k, e) && cert_reader_line(&k->r);
	if (ok && k->report->earlier == 0)
		return cert_bad(k, e, "the earlier releases are missing");
	for (uint64_t to = 1; ok && to <= k->report->earlier; to++)
		for (uint64_t from = to; ok && from-- > 0;)
			ok = (cert_line_begins(&k->r, "d ") ||
				 cert_bad(k, e, "a change of two releases is missing")) &&
			     changed_take(k, from, to, e) && cert_reader_line(&k->r);
	return ok && (k->ledger == NULL || join(k, e));
}

/* n <cell> <value mod p> */
static bool null_take(struct certcheck *k, uint64_t prime, uint64_t *before, struct err *e)
{
	const char *p = k->r.line + 2;
	const char *end = k->r.line_end;
	uint64_t cell;
	struct residue x = { .prime = prime };
	if (!cert_take_number(&p, end, joint_cells(k) - 1, &cell) || !cert_take_char(&p, end, ' ') ||
	    !cert_take_number(&p, end, prime - 1, &x.value) || x.value == 0 || p != end)
		return cert_bad(k, e, "a null entry is: n, cell, a number below the prime and not zero");
	if (*before != UINT64_MAX && cell <= *before)
		return cert_bad(k, e, "null entries rise by cell");
	*before = cell;
	if (cell >= k->g->n_cells)
		return true; /* of an earlier release, or of a difference */
	if (!cert_movable(k->g, cell))
		return cert_bad(k, e, "the vector changes a cell that is printed or zero by definition");
	if (!cert_visit_lines(k, cell, add_residue, &x))
		return err_set(e, ERR_MEMORY, "no memory");
	k->shown[cell] |= prime == PRIME_1 ? 1 : 2;
	return true;
}

/* ---- the file ---- */

static bool digest_line(struct certcheck *k, const char *name, const uint8_t want[32], struct err *e)
{
	uint8_t got[32];
	size_t len = strlen(name);
	if (!cert_reader_line(&k->r) || !cert_line_begins(&k->r, name) ||
	    !hex_decode(got, 32, bytes_of(k->r.line + len, (size_t)(k->r.line_end - k->r.line) - len)))
		return cert_bad(k, e, "the head is: version, grid, pattern, result, level");
	if (memcmp(got, want, 32) != 0)
		return cert_bad(k, e, "the digest is another file's");
	return true;
}

static bool take_level(struct certificate_report *r, const char **p, const char *end)
{
	uint64_t threshold;
	uint64_t width;
	uint64_t floor;
	uint64_t coalition;
	if (!cert_take_text(p, end, "level L") || *p == end || **p < '1' || **p > '4')
		return false;
	snprintf(r->level, sizeof r->level, "L%c", *(*p)++);
	if (!cert_take_text(p, end, " k ") || !cert_take_number(p, end, UINT32_MAX, &threshold) ||
	    !cert_take_text(p, end, " width ") || !cert_take_number(p, end, UINT32_MAX, &width) ||
	    !cert_take_text(p, end, " floor ") || !cert_take_number(p, end, 1, &floor) ||
	    !cert_take_text(p, end, " coalition ") || !cert_take_number(p, end, UINT32_MAX, &coalition))
		return false;
	r->threshold = (uint32_t)threshold;
	r->width = (uint32_t)width;
	r->floor = (uint32_t)floor;
	r->coalition = (uint32_t)coalition;
	return *p == end && (threshold == 0 || threshold >= 3) && width >= 1;
}

static bool level_line(struct certcheck *k, struct err *e)
{
	if (!cert_reader_line(&k->r))
		return cert_bad(k, e, "the head ends with a level");
	const char *p = k->r.line;
	if (!take_level(k->report, &p, k->r.line_end))
		return cert_bad(k, e,
		    "the level line is: level L1 to L4, k 0 or from 3, width from 1, floor 0 or 1, "
		    "coalition");
	return true;
}

/* A result has one form only, and no other one could have been signed for. */
static bool result_is_plain(const struct lattice *g, struct err *e)
{
	const char *flaw = g->out_of_order   ? "the result's lines are not in the order of the grid"
			   : g->shows_hidden ? "the result shows hidden counts"
			   : g->not_plain    ? "a number of the result begins with a needless 0"
					     : NULL;
	return flaw == NULL || err_set(e, ERR_CRYPTO, "%s", flaw);
}

static bool head(struct certcheck *k, struct err *e)
{
	uint8_t pattern[32];
	crypto_hash_sha256(pattern, k->g->mark, k->g->n_cells);
	if (!result_is_plain(k->g, e))
		return false;
	if (!cert_reader_line(&k->r) || !cert_line_is(&k->r, "cellveil-certificate 1"))
		return cert_bad(k, e, "not a certificate of version 1");
	return digest_line(k, "grid ", k->g->digest, e) && digest_line(k, "pattern ", pattern, e) &&
	       digest_line(k, "result ", k->g->result_digest, e) && level_line(k, e);
}

static bool null_section(struct certcheck *k, uint64_t prime, struct err *e)
{
	uint64_t before = UINT64_MAX;
	cert_sums_clear(&k->sums);
	while (cert_reader_line(&k->r) && cert_line_begins(&k->r, "n "))
		if (!null_take(k, prime, &before, e))
			return false;
	if (!cert_sums_zero(&k->sums))
		return cert_bad(k, e, "the null vector breaks a relation");
	k->report->null_vectors++;
	return true;
}

static bool end_line(struct certcheck *k, struct bytes file, struct err *e)
{
	uint8_t got[32];
	uint8_t want[32];
	const char *name = "end-public ";
	size_t len = strlen(name);
	if (!cert_line_begins(&k->r, name) ||
	    !hex_decode(got, 32, bytes_of(k->r.line + len, (size_t)(k->r.line_end - k->r.line) - len)) ||
	    k->r.at != k->r.end)
		return cert_bad(k, e, "the last line is end-public and a digest");
	crypto_hash_sha256(want, file.at, (size_t)((const uint8_t *)k->r.line - file.at));
	return memcmp(got, want, 32) == 0 ||
	       cert_bad(k, e, "the file was changed: its own digest does not fit");
}

static bool section_is(struct certcheck *k, const char *line, struct err *e)
{
	return cert_line_is(&k->r, line) ||
	       cert_bad(k, e, "a section is missing: null vectors of both primes, tables, open");
}

static bool sections(struct certcheck *k, struct bytes file, struct err *e)
{
	if (!cert_reader_line(&k->r))
		return cert_bad(k, e, "the file ends too early");
	if (cert_line_is(&k->r, "section releases") && !releases_section(k, e))
		return false;
	return section_is(k, "section null 2305843009213693951", e) && null_section(k, PRIME_1, e) &&
	       section_is(k, "section null 2305843009213693921", e) && null_section(k, PRIME_2, e) &&
	       (certparts_find(k) || err_set(e, ERR_MEMORY, "no memory")) &&
	       section_is(k, "section tables", e) && certtables_section(k, e) &&
	       section_is(k, "section open", e) && certtables_open_section(k, e) && end_line(k, file, e);
}

static bool sum_fails(const struct certcheck *k, uint64_t cell, struct err *e)
{
	struct buf name = { 0 };
	lattice_name(k->g, cell, &name);
	err_set(e, ERR_CRYPTO, "cell %.*s: it is not the sum of its parts, all of which are printed",
	    (int)name.size, (const char *)name.data);
	buf_free(&name);
	return false;
}

/* Where all cells of a relation are known, they add up. */
static bool printed_adds_up(const struct certcheck *k, struct err *e)
{
	for (uint32_t d = 0; d < k->g->n_dims; d++)
		for (uint32_t b = 0; b < k->g->dim[d].n_breakdowns; b++) {
			const struct breakdown *x = &k->g->dim[d].breakdown[b];
			uint64_t stride = k->g->stride[d];
			uint64_t block = stride * k->g->dim[d].n_codes;
			for (uint64_t high = 0; high < k->g->n_cells; high += block)
				for (uint64_t low = high; low < high + stride; low++) {
					int64_t sum = k->g->value[low + x->parent * stride];
					bool known = sum >= 0;
					for (uint32_t i = 0; known && i < x->n; i++) {
						int64_t v = k->g->value[low + x->child[i] * stride];
						known = v >= 0;
						sum -= v;
					}
					if (known && sum != 0)
						return sum_fails(k, low + x->parent * stride, e);
				}
		}
	return true;
}

/* What is wrong with a hidden cell; NULL: nothing. */
static const char *hidden_fault(const struct certcheck *k, uint64_t cell)
{
	if (k->shown[cell] != 3)
		return "nothing shows that this hidden cell cannot be computed";
	if (k->least[cell] >= 0 && cert_too_narrow(k, cell))
		return "its tables leave this hidden cell too narrow";
	return NULL;
}

/* Every hidden cell: covered; and where its component has tables, both far enough apart and high enough. What an earlier
 * release hid may have come out since; then no table can leave it open. */
static bool complete(struct certcheck *k, struct err *e)
{
	struct buf name = { 0 };
	struct certificate_report *r = k->report;
	uint64_t counts = r->joined ? cert_counts(k) : k->own->n_cells;
	for (uint64_t c = 0; c < counts; c++) {
		bool own = c < k->own->n_cells;
		if (k->g->mark[c] != 'H')
			continue;
		r->hidden += own;
		r->came_out += !own && k->shown[c] != 3;
		const char *rule = own || k->shown[c] == 3 ? hidden_fault(k, c) : NULL;
		if (rule != NULL) {
			lattice_name(k->g, c, &name);
			err_set(
			    e, ERR_CRYPTO, "cell %.*s: %s", (int)name.size, (const char *)name.data, rule);
			buf_free(&name);
			return false;
		}
		r->covered += own;
		r->with_tables += own && k->least[c] >= 0;
		r->earlier_hidden += !own && k->shown[c] == 3;
	}
	if (r->joined)
		certdiff_count(k);
	if (!cert_has_all(k))
		return true; /* components may reach into releases that are not here */
	return certparts_open_fit(k, e);
}

/* The file of figures that were moved: one line says how, and then it ends. */
static bool moved_section(struct certcheck *k, struct bytes file, struct err *e)
{
	struct bytes line = bytes_of(k->r.line, (size_t)(k->r.line_end - k->r.line));
	if (!moved_parse(&k->report->moved, line))
		return cert_bad(k, e, "the method is: rounding base B [totals T], or noise max D variance V");
	if (k->report->floor != 0)
		return cert_bad(k, e, "where figures are moved, nought is as good as any: floor 0");
	for (uint64_t c = 0; c < k->g->n_cells; c++)
		k->report->near += k->g->mark[c] == 'R';
	if (!moved_holds(k->g, &k->report->moved, e))
		return false;
	return cert_reader_line(&k->r) ? end_line(k, file, e) : cert_bad(k, e, "the file ends too early");
}

static bool body(struct certcheck *k, struct bytes file, struct err *e)
{
	struct certcheck before = *k;
	if (cert_reader_line(&k->r) && cert_line_begins(&k->r, "method "))
		return moved_section(k, file, e);
	k->r = before.r;
	if (k->g->near != NULL)
		return cert_bad(k, e, "figures were moved, and no line says how");
	return sections(k, file, e) && printed_adds_up(k, e) && complete(k, e);
}

bool certificate_claims(
    const struct lattice *g, struct bytes file, struct certificate_report *report, struct err *e)
{
	struct certcheck k = { .g = g, .own = g, .report = report };
	*report = (struct certificate_report){ 0 };
	k.r = (struct reader){ .at = (const char *)file.at, .end = (const char *)file.at + file.len };
	bool ok = head(&k, e);
	while (ok && k.r.at < k.r.end)
		ok = cert_reader_line(&k.r) || cert_bad(&k, e, "the last line does not end");
	return ok && end_line(&k, file, e);
}

bool certificate_check(const struct lattice *g, struct bytes file, const char *ledger, const char *office_dim,
    struct certificate_joint *joint, struct certificate_report *report, struct err *e)
{
	struct certcheck k = {
		.g = g, .own = g, .ledger = ledger, .office_dim = office_dim, .joint = joint, .report = report
	};
	*report = (struct certificate_report){ 0 };
	*joint = (struct certificate_joint){ 0 };
	k.r = (struct reader){ .at = (const char *)file.at, .end = (const char *)file.at + file.len };
	bool ok = make_room(&k, e) && head(&k, e) && body(&k, file, e);
	free(k.shown);
	free(k.least);
	free(k.largest);
	free(k.sums.place);
	certparts_free(&k);
	certdiff_close(&k);
	return ok;
}

void certificate_joint_free(struct certificate_joint *joint)
{
	for (uint64_t v = 0; joint->folder != NULL && v < joint->releases.n; v++)
		lattice_free(&joint->folder[v].g);
	free(joint->folder);
	releases_free(&joint->lattice);
	joint->folder = NULL;
}
