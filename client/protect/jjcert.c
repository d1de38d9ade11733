#include "client/protect/jjcert.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/protect/jjaudit.h"
#include "client/protect/jjproof.h"
#include "client/protect/jjresult.h"
#include "client/protect/protect.h"
#include "client/protect/protectfiles.h"
#include "client/text.h"

#define CERTIFICATE_MAX (UINT64_C(1) << 31)
#define LEVEL_MOST      1000000000u /* of threshold and width */

/* ---- writing ---- */

/* Everything before the null vectors follows from the files and the claim. */
static void put_head(
    const struct jj *j, const char *mark, const struct jjclaim *c, struct bytes result_csv, struct buf *out)
{
	struct buf relations = { 0 };
	jj_put_relations(j, &relations);
	buf_put_text(out, "cellveil-certificate 1\n");
	jjproof_put_digest(out, "grid", buf_bytes(&relations));
	jjproof_put_digest(out, "pattern", bytes_of(mark, j->n_cells));
	jjproof_put_digest(out, "result", result_csv);
	buf_printf(out, "level L%u k %u width %u floor %u coalition 0\n", c->level, c->threshold, c->width,
	    c->floor);
	buf_put_text(out, "section moves\nsection cover-public\n");
	out->failed |= relations.failed;
	buf_free(&relations);
}

static void put_null(struct buf *out, const struct jj *j, uint64_t prime, const uint64_t *u)
{
	buf_printf(out, "section null %" PRIu64 "\n", prime);
	for (uint32_t c = 0; c < j->n_cells; c++)
		if (u[c] != 0)
			buf_printf(out, "n %u %" PRIu64 "\n", c, u[c]);
}

bool jjcert_write(const struct jj *j, const char *mark, const struct jjclaim *claim, struct bytes result_csv,
    const uint64_t *u1, const uint64_t *u2, struct buf *out, struct err *e)
{
	put_head(j, mark, claim, result_csv, out);
	put_null(out, j, JJCERT_PRIME_1, u1);
	put_null(out, j, JJCERT_PRIME_2, u2);
	buf_put_text(out, "section tables\nsection open\n");
	jjproof_put_digest(out, "end-public", buf_bytes(out));
	return !out->failed || err_set(e, ERR_MEMORY, "no memory for the certificate");
}

/* ---- verifying: one spelling a certificate, so that reading it is comparing ---- */

struct reading {
	const struct jj *j;
	const char *mark;
	const char *at; /* NUL-terminated text */
	size_t line;
	uint64_t *u; /* of the section at hand */
	struct jjclaim claim;
};

static bool wrong(const struct reading *r, struct err *e, const char *what)
{
	return err_set(e, ERR_CRYPTO, "line %zu: %s", r->line, what);
}

static bool expect(struct reading *r, const char *text, const char *what, struct err *e)
{
	size_t len = strlen(text);
	r->line++;
	if (strncmp(r->at, text, len) != 0)
		return wrong(r, e, what);
	r->at += len;
	return true;
}

/* A decimal number as we write it, with no nought before it. */
static bool read_number(struct reading *r, uint64_t most, char end, uint64_t *out)
{
	uint64_t value = 0;
	const char *from = r->at;
	while (*r->at >= '0' && *r->at <= '9') {
		uint64_t digit = (uint64_t)(*r->at - '0');
		if (digit > most || value > (most - digit) / 10)
			return false;
		value = value * 10 + digit;
		r->at++;
	}
	if (r->at == from || (*from == '0' && r->at > from + 1) || *r->at != end)
		return false;
	r->at++;
	*out = value;
	return true;
}

__extension__ typedef unsigned __int128 wide;

static bool relation_is_zero(const struct reading *r, uint32_t relation, uint64_t prime)
{
	uint64_t sum = 0;
	for (uint32_t i = r->j->start[relation]; i < r->j->start[relation + 1]; i++) {
		struct jj_term t = r->j->term[i];
		uint64_t coef = t.coef > 0 ? (uint64_t)t.coef : prime - (uint64_t)(-(int64_t)t.coef);
		sum = (uint64_t)(((wide)coef * r->u[t.cell] + sum) % prime);
	}
	return sum == 0;
}

static bool read_null(struct reading *r, uint64_t prime, struct err *e)
{
	char head[64];
	uint64_t cell;
	uint64_t next = 0;
	uint64_t value;
	memset(r->u, 0, r->j->n_cells * sizeof *r->u);
	snprintf(head, sizeof head, "section null %" PRIu64 "\n", prime);
	if (!expect(r, head, "not the section of a null vector", e))
		return false;
	while (strncmp(r->at, "n ", 2) == 0) {
		r->line++;
		r->at += 2;
		if (!read_number(r, r->j->n_cells - 1, ' ', &cell) || cell < next ||
		    !read_number(r, prime - 1, '\n', &value) || value == 0)
			return wrong(r, e, "not an entry of a null vector");
		if (r->mark[cell] != 'H')
			return wrong(r, e, "a null vector changes a printed cell");
		next = cell + 1;
		r->u[cell] = value;
	}
	for (uint32_t i = 0; i < r->j->n_relations; i++)
		if (!relation_is_zero(r, i, prime))
			return err_set(e, ERR_CRYPTO, "relation %u: a null vector does not sum to nought", i);
	for (uint32_t c = 0; c < r->j->n_cells; c++)
		if (r->mark[c] == 'H' && r->u[c] == 0 && r->j->cell[c].lb < r->j->cell[c].ub)
			return err_set(e, ERR_CRYPTO,
			    "cell %u is hidden, and nothing shows that it cannot be computed", c);
	return true;
}

static bool read_level(struct reading *r, struct err *e)
{
	uint64_t n[5] = { 0 };
	r->line++;
	static const char *const word[] = { "level L", "k ", "width ", "floor ", "coalition " };
	static const uint64_t most[] = { 2, LEVEL_MOST, LEVEL_MOST, 1, 0 };
	static const uint64_t least[] = { 1, 3, 1, 0, 0 };
	for (int i = 0; i < 5; i++) {
		size_t len = strlen(word[i]);
		if (strncmp(r->at, word[i], len) != 0)
			return wrong(r, e, "not a level line");
		r->at += len;
		if (!read_number(r, most[i], i == 4 ? '\n' : ' ', &n[i]) || n[i] < least[i])
			return wrong(r, e,
			    "the level line is: level L1 or L2, k from 3, width from 1, floor 0 or 1, "
			    "coalition 0");
	}
	r->claim = (struct jjclaim){ (unsigned)n[0], (unsigned)n[1], (unsigned)n[2], (unsigned)n[3] };
	return true;
}

static bool check(struct reading *r, struct bytes result_csv, struct err *e)
{
	struct buf head = { 0 };
	struct buf end = { 0 };
	const char *begin = r->at;
	put_head(r->j, r->mark, &(struct jjclaim){ 0 }, result_csv, &head);
	buf_put_byte(&head, '\0');
	bool ok = !head.failed || err_set(e, ERR_MEMORY, "no memory");
	if (ok)
		*strstr((char *)head.data, "level ") = '\0';
	ok = ok && expect(r, (const char *)head.data, "the digests are not those of these files", e);
	r->line += 3;
	ok = ok && read_level(r, e) && expect(r, "section moves\n", "not the section of moves", e) &&
	     expect(r, "section cover-public\n", "not the section of covers", e) &&
	     read_null(r, JJCERT_PRIME_1, e) && read_null(r, JJCERT_PRIME_2, e) &&
	     expect(r, "section tables\n", "not the section of tables", e) &&
	     expect(r, "section open\n", "not the section of what is open", e);
	if (ok) {
		jjproof_put_digest(&end, "end-public", bytes_of(begin, (size_t)(r->at - begin)));
		buf_put_byte(&end, '\0');
		ok = end.failed ? err_set(e, ERR_MEMORY, "no memory")
				: expect(r, (const char *)end.data, "the file's own digest is wrong", e);
	}
	ok = ok && (*r->at == '\0' || wrong(r, e, "text after the end"));
	buf_free(&head);
	buf_free(&end);
	return ok;
}

/* --auditor: its moves, against the counts in the file. */
static bool verify_part(const struct args *args, const struct jj *j, const char *mark,
    const struct buf *certificate, uint64_t *moves, struct err *e)
{
	const char *path = args_value(args, "auditor");
	struct buf part = { 0 };
	if (path == NULL)
		return true;
	bool ok = protectfiles_read(&part, path, CERTIFICATE_MAX, e) &&
		  (jjaudit_check(j, mark, bytes_of(certificate->data, certificate->size - 1),
		       buf_bytes(&part), moves, e) ||
		      err_wrap(e, "%s", path));
	buf_free(&part);
	return ok;
}

/* Does the file hide a nought that could have been printed? Then nobody takes it that there is none. */
static bool hides_nought(const struct jj *j)
{
	uint32_t c = 0;
	while (c < j->n_cells && (j->cell[c].lb != 0 || j->cell[c].value != 0 ||
				     (j->cell[c].status != JJ_UNSAFE && j->cell[c].status != JJ_MISSING)))
		c++;
	return c < j->n_cells;
}

/* --policy: are the claims those of these rules? The ladder may have let noughts be hidden. */
static bool claims_fit(const struct args *args, const struct reading *r, struct err *e)
{
	struct policy_params p = policy_params_default();
	const char *path = args_value(args, "policy");
	bool camouflage = false;
	if (path == NULL)
		return true;
	if (!protectfiles_policy(&p, path, e))
		return false;
	for (int i = 0; i < PARAMS_LADDER_MAX; i++)
		camouflage = camouflage || p.ladder[i] == LADDER_CAMOUFLAGE;
	if (r->claim.threshold != p.threshold || r->claim.width != p.width)
		return err_set(e, ERR_CRYPTO, "the level line is not the policy's");
	bool published = p.zeros == ZEROS_PUBLISHED;
	bool fits = r->claim.floor == 1 ? published : !published || camouflage || hides_nought(r->j);
	return fits || err_set(e, ERR_CRYPTO, "the floor is not the policy's");
}

/* The certificate, which ends in a nought for the reader. */
static bool verify_public(
    const struct args *args, struct reading *r, struct bytes certificate, struct bytes result, struct err *e)
{
	if (strlen(r->at) + 1 != certificate.len)
		return err_set(e, ERR_CRYPTO, "a zero byte");
	return check(r, result, e) && claims_fit(args, r, e);
}

static bool verify(
    const struct args *args, uint64_t *hidden, uint64_t *moves, struct jjclaim *claim, struct err *e)
{
	struct jj j = { 0 };
	struct buf result = { 0 };
	struct buf certificate = { 0 };
	char *mark = NULL;
	int64_t *value = NULL;
	struct reading r = { 0 };
	bool ok = false;
	if (!jj_load(&j, args_value(args, "jj"), args_value(args, "auditor") != NULL, e) ||
	    !protectfiles_read(&result, args->at[0], JJ_FILE_MAX, e) ||
	    !protectfiles_read(&certificate, args->at[1], CERTIFICATE_MAX, e))
		goto done;
	mark = calloc(j.n_cells, 1);
	value = calloc(j.n_cells, sizeof *value);
	r.u = calloc(j.n_cells, sizeof *r.u);
	buf_put_byte(&certificate, '\0');
	if (mark == NULL || value == NULL || r.u == NULL || certificate.failed) {
		err_set(e, ERR_MEMORY, "no memory");
		goto done;
	}
	if (!jj_read_result(&j, args->at[0], mark, value, e))
		goto done;
	r.j = &j;
	r.mark = mark;
	r.at = (const char *)certificate.data;
	ok = (jjresult_holds(&j, buf_bytes(&result), mark, value, args_value(args, "auditor") != NULL, e) ||
		 err_wrap(e, "%s", args->at[0])) &&
	     (verify_public(args, &r, buf_bytes(&certificate), buf_bytes(&result), e) ||
		 err_wrap(e, "%s", args->at[1]));
	*claim = r.claim;
	ok = ok && verify_part(args, &j, mark, &certificate, moves, e);
	for (uint32_t c = 0; c < j.n_cells; c++)
		*hidden += mark[c] == 'H';
done:
	jj_free(&j);
	free(mark);
	free(value);
	free(r.u);
	buf_free(&result);
	buf_free(&certificate);
	return ok;
}

int jjcert_run(const struct args *args)
{
	struct err e = { 0 };
	uint64_t hidden = 0;
	uint64_t moves = 0;
	struct jjclaim claim = { 0 };
	static const char *const folders[] = { "truth", "ledger", "manifest", NULL };
	if (!args_exclude(args, "--jj", folders))
		return PROTECT_INPUT;
	if (args->n != 2) {
		text_warn("%s", _("verify-certificate --jj takes RESULT.csv and the certificate"));
		return PROTECT_INPUT;
	}
	if (args_flag(args, "policy") && !args_flag(args, "auditor")) {
		text_warn("%s",
		    _("--policy is for --auditor and --ledger: the public part of a certificate needs none"));
		return PROTECT_INPUT;
	}
	bool holds = verify(args, &hidden, &moves, &claim, &e);
	if (args_flag(args, "json"))
		printf("{\"holds\":%s,\"claimed\":\"L%u\",\"threshold\":%u,\"width\":%u,\"floor\":%u,"
		       "\"hidden\":%llu,"
		       "\"moves\":%llu}\n",
		    holds ? "true" : "false", claim.level, claim.threshold, claim.width, claim.floor,
		    (unsigned long long)hidden, (unsigned long long)moves);
	if (!holds) {
		text_error(&e);
		return e.code == ERR_MEMORY   ? PROTECT_LIMIT
		       : e.code == ERR_CRYPTO ? PROTECT_DISCLOSED
					      : PROTECT_INPUT;
	}
	text_say(_("holds: none of the %llu hidden cells can be computed from what is printed"),
	    (unsigned long long)hidden);
	text_say(_("the publisher claims L%u, with threshold %u and width %u"), claim.level, claim.threshold,
	    claim.width);
	if (args_value(args, "auditor") != NULL)
		text_say(_("%llu moves show that each protected cell can be as far away as it must"),
		    (unsigned long long)moves);
	return PROTECT_SAFE;
}
