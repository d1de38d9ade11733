#include "client/protect/jj.h"

#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/protect/csvlines.h"
#include "client/protect/protectfiles.h"

#define CELL_FIELDS 9u
#define CELL_BYTES                                                                                           \
	18u /* of the shortest cell line, its line feed included: bounds what a count may ask for */
#define TERM_BYTES    4u
#define NUMBER_DIGITS 60u

/* ---- the text, a line at a time ---- */

struct scan {
	const char *name;
	const uint8_t *at, *end;    /* of the text */
	const uint8_t *word, *stop; /* of the line at hand: what is left */
	size_t line;
};

static bool fail(const struct scan *s, struct err *e, const char *what)
{
	return err_set(e, ERR_MALFORMED, "%s:%zu: %s", s->name, s->line, what);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next line that is not blank. */
static bool next_line(struct scan *s, const char *want, struct err *e)
{
	while (s->at < s->end) {
		const uint8_t *feed = memchr(s->at, '\n', (size_t)(s->end - s->at));
		s->word = s->at;
		s->stop = feed == NULL ? s->end : feed;
		s->at = feed == NULL ? s->end : feed + 1;
		s->line++;
		while (s->word < s->stop && is_blank(*s->word))
			s->word++;
		if (s->word < s->stop)
			return true;
	}
	return err_set(e, ERR_MALFORMED, "%s:%zu: the file ends before %s", s->name, s->line, want);
}

/* The next word; ':' '(' and ')' are words of their own. Empty at the end of the line. */
static struct bytes next_word(struct scan *s)
{
	while (s->word < s->stop && is_blank(*s->word))
		s->word++;
	const uint8_t *from = s->word;
	while (s->word < s->stop && !is_blank(*s->word) && strchr(":()", *s->word) == NULL)
		s->word++;
	if (s->word == from && s->word < s->stop)
		s->word++;
	return bytes_of(from, (size_t)(s->word - from));
}

static bool word_is(struct bytes word, const char *text)
{
	return bytes_equal(word, bytes_text(text));
}

/* ---- numbers ---- */

struct decimal {
	char digit[NUMBER_DIGITS];
	int n, point; /* digits; how many stand before the point, which may be none or more than there are */
	bool negative;
};

static bool read_exponent(const uint8_t *at, const uint8_t *end, int *out)
{
	bool negative = at < end && *at == '-';
	int value = 0;
	at += at < end && (*at == '-' || *at == '+');
	if (at == end || end - at > 3)
		return false;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			return false;
		value = value * 10 + (*at - '0');
	}
	*out = negative ? -value : value;
	return true;
}

/* [+-]digits[.digits][e[+-]digits]; leading noughts are dropped, noughts behind the point too. */
static bool read_decimal(struct bytes word, struct decimal *d)
{
	const uint8_t *at = word.at;
	const uint8_t *end = word.at + word.len;
	bool any = false;
	bool fraction = false;
	int exponent = 0;
	*d = (struct decimal){ 0 };
	d->negative = at < end && *at == '-';
	at += at < end && (*at == '-' || *at == '+');
	for (; at < end && *at != 'e' && *at != 'E'; at++) {
		if (*at == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (*at < '0' || *at > '9')
			return false;
		any = true;
		if (d->n == 0 && *at == '0') {
			d->point -= fraction;
			continue;
		}
		if (d->n == (int)NUMBER_DIGITS)
			return false;
		d->digit[d->n++] = (char)*at;
		d->point += !fraction;
	}
	if (!any || (at < end && !read_exponent(at + 1, end, &exponent)))
		return false;
	d->point += exponent;
	while (d->n > 0 && d->digit[d->n - 1] == '0')
		d->n--;
	return true;
}

enum rounding { WHOLE_ONLY, ROUND_UP, ROUND_DOWN };

/* To a whole number within -most .. most. Beyond: false for WHOLE_ONLY, else the nearest of the two. */
static bool to_whole(const struct decimal *d, enum rounding rounding, int64_t most, int64_t *out)
{
	int64_t value = 0;
	bool huge = false;
	bool fraction = d->n > 0 && d->point < d->n;
	for (int i = 0; i < d->point && d->n > 0 && !huge; i++) {
		value = value * 10 + (i < d->n ? d->digit[i] - '0' : 0);
		huge = value > most;
	}
	if (rounding == WHOLE_ONLY && (fraction || huge))
		return false;
	value = huge ? most : value;
	value = d->negative ? -value : value;
	if (!huge && fraction && rounding == ROUND_UP && !d->negative)
		value++;
	if (!huge && fraction && rounding == ROUND_DOWN && d->negative)
		value--;
	*out = value;
	return true;
}

static bool number(
    struct scan *s, const char *what, enum rounding rounding, int64_t most, int64_t *out, struct err *e)
{
	struct decimal d;
	struct bytes word = next_word(s);
	if (word.len == 0)
		return err_set(e, ERR_MALFORMED, "%s:%zu: %s is missing", s->name, s->line, what);
	if (!read_decimal(word, &d))
		return err_set(e, ERR_MALFORMED, "%s:%zu: %s is not a number", s->name, s->line, what);
	if (!to_whole(&d, rounding, most, out))
		return err_set(e, ERR_INVALID, "%s:%zu: %s: %s", s->name, s->line, what,
		    d.n > 0 && d.point < d.n ? "fractions are not supported here: only whole numbers"
					     : "too large");
	return true;
}

/* At least 0, fractions allowed. */
static bool cost(struct scan *s, double *out, struct err *e)
{
	struct decimal d;
	double value = 0;
	struct bytes word = next_word(s);
	if (!read_decimal(word, &d))
		return fail(s, e, word.len == 0 ? "the cost is missing" : "the cost is not a number");
	for (int i = 0; i < d.n; i++)
		value = value * 10 + (d.digit[i] - '0');
	value = d.n == 0 ? 0 : value * pow(10, d.point - d.n);
	if ((d.negative && d.n > 0) || value > (double)JJ_VALUE_MAX)
		return fail(s, e, "the cost is negative or too large");
	*out = value;
	return true;
}

static bool at_end(struct scan *s, const char *what, struct err *e)
{
	return next_word(s).len == 0 ||
	       err_set(e, ERR_MALFORMED, "%s:%zu: more on the line than %s", s->name, s->line, what);
}

/* A count of lines to come, each of at least so many bytes. */
static bool count(struct scan *s, const char *what, size_t bytes, uint32_t *out, struct err *e)
{
	int64_t n = 0;
	if (!next_line(s, what, e) || !number(s, what, WHOLE_ONLY, JJ_VALUE_MAX, &n, e) ||
	    !at_end(s, what, e))
		return false;
	if (n < 0 || n > JJ_CELLS_MAX)
		return err_set(
		    e, ERR_LIMIT, "%s:%zu: %s: not a number this program can take", s->name, s->line, what);
	if ((uint64_t)n > ((uint64_t)(s->end - s->at) + 1) / bytes)
		return err_set(e, ERR_MALFORMED, "%s:%zu: %s: the file is too short for so many", s->name,
		    s->line, what);
	*out = (uint32_t)n;
	return true;
}

/* ---- cells ---- */

static bool status(struct scan *s, char *out, struct err *e)
{
	struct bytes word = next_word(s);
	if (word.len != 1 || strchr("suzm", word.at[0]) == NULL)
		return fail(s, e, "the status is none of s, u, z, m");
	*out = (char)word.at[0];
	return true;
}

static bool cell(struct scan *s, struct jj *j, uint32_t i, bool with_values, struct err *e)
{
	struct jj_cell *c = &j->cell[i];
	int64_t index;
	if (!next_line(s, "its last cell", e) ||
	    !number(s, "the cell's index", WHOLE_ONLY, JJ_VALUE_MAX, &index, e) ||
	    !number(s, "the value", WHOLE_ONLY, JJ_VALUE_MAX, &c->value, e) || !cost(s, &c->cost, e) ||
	    !status(s, &c->status, e) || !number(s, "the lower bound", ROUND_UP, JJ_BOUND_MAX, &c->lb, e) ||
	    !number(s, "the upper bound", ROUND_DOWN, JJ_BOUND_MAX, &c->ub, e) ||
	    !number(s, "LPL", ROUND_UP, JJ_BOUND_MAX, &c->lpl, e) ||
	    !number(s, "UPL", ROUND_UP, JJ_BOUND_MAX, &c->upl, e) ||
	    !number(s, "SPL", ROUND_UP, JJ_BOUND_MAX, &c->spl, e) || !at_end(s, "a cell's nine fields", e))
		return false;
	if (index != i)
		return fail(s, e, "cells are numbered from 0, each once and in order");
	if (c->lpl < 0 || c->upl < 0 || c->spl < 0)
		return fail(s, e, "a protection level is negative");
	if (c->lpl > JJ_VALUE_MAX || c->upl > JJ_VALUE_MAX || c->spl > JJ_VALUE_MAX)
		return fail(s, e, "a protection level is too large");
	if (c->lb > c->ub)
		return fail(s, e, "the lower bound is above the upper bound");
	if (with_values && (c->value < c->lb || c->value > c->ub))
		return fail(s, e, "the value is outside its bounds");
	return true;
}

static bool cells(struct scan *s, struct jj *j, bool with_values, struct err *e)
{
	if (!count(s, "the number of cells", CELL_BYTES, &j->n_cells, e))
		return false;
	if (j->n_cells == 0)
		return fail(s, e, "a table of no cell");
	j->cell = calloc(j->n_cells, sizeof *j->cell);
	if (j->cell == NULL)
		return err_set(e, ERR_MEMORY, "%s: no memory", s->name);
	for (uint32_t i = 0; i < j->n_cells; i++)
		if (!cell(s, j, i, with_values, e))
			return false;
	return true;
}

/* ---- relations ---- */

__extension__ typedef __int128 wide;

struct terms {
	struct jj_term *at;
	uint32_t n, room;
	uint32_t *seen; /* by cell: relation it was met in last, plus 1 */
};

static bool term(struct scan *s, const struct jj *j, struct terms *t, uint32_t relation, struct err *e)
{
	int64_t index;
	int64_t coef;
	if (!number(s, "a cell's index", WHOLE_ONLY, JJ_VALUE_MAX, &index, e))
		return false;
	if (index < 0 || index >= j->n_cells)
		return fail(s, e, "there is no cell of that index");
	if (t->seen[index] == relation + 1)
		return fail(s, e, "a cell stands twice in one relation");
	t->seen[index] = relation + 1;
	if (!word_is(next_word(s), "("))
		return fail(s, e, "a coefficient stands in brackets behind its cell");
	if (!number(s, "a coefficient", WHOLE_ONLY, JJ_COEF_SUM, &coef, e))
		return false;
	if (!word_is(next_word(s), ")"))
		return fail(s, e, "a coefficient's bracket is not closed");
	if (coef == 0)
		return fail(s, e, "a coefficient is nought");
	if (t->n == t->room) {
		uint32_t room = t->room == 0 ? 256 : 2 * t->room;
		struct jj_term *more = realloc(t->at, room * sizeof *more);
		if (more == NULL)
			return err_set(e, ERR_MEMORY, "%s: no memory", s->name);
		t->at = more;
		t->room = room;
	}
	t->at[t->n++] = (struct jj_term){ (uint32_t)index, (int32_t)coef };
	return true;
}

static bool relation(
    struct scan *s, struct jj *j, struct terms *t, uint32_t r, bool with_values, struct err *e)
{
	int64_t n;
	int64_t coefs = 0;
	wide sum = 0;
	if (!next_line(s, "its last relation", e) ||
	    !number(s, "the right side", WHOLE_ONLY, JJ_VALUE_MAX, &j->rhs[r], e) ||
	    !number(s, "the number of terms", WHOLE_ONLY, JJ_VALUE_MAX, &n, e))
		return false;
	if (n < 1 || (uint64_t)n > (size_t)(s->stop - s->word) / TERM_BYTES + 1)
		return fail(s, e, "a relation with no terms, or with more than the line has");
	if (!word_is(next_word(s), ":"))
		return fail(s, e, "a colon stands between the number of terms and the terms");
	for (int64_t i = 0; i < n; i++) {
		if (!term(s, j, t, r, e))
			return false;
		struct jj_term last = t->at[t->n - 1];
		coefs += last.coef < 0 ? -(int64_t)last.coef : last.coef;
		sum += (wide)last.coef * j->cell[last.cell].value;
		if (coefs > JJ_COEF_SUM)
			return fail(s, e,
			    "the coefficients are too large together: the relation's sum could overflow");
	}
	if (!at_end(s, "the terms it announces", e))
		return false;
	if (with_values && sum != j->rhs[r])
		return err_set(e, ERR_INVALID, "%s:%zu: the relation does not add up", s->name, s->line);
	j->start[r + 1] = t->n;
	return true;
}

static bool relations(struct scan *s, struct jj *j, bool with_values, struct err *e)
{
	struct terms t = { 0 };
	if (!count(s, "the number of relations", TERM_BYTES + 5, &j->n_relations, e))
		return false;
	j->start = calloc((size_t)j->n_relations + 1, sizeof *j->start);
	j->rhs = calloc((size_t)j->n_relations + 1, sizeof *j->rhs);
	t.seen = calloc(j->n_cells, sizeof *t.seen);
	bool ok = (j->start != NULL && j->rhs != NULL && t.seen != NULL) ||
		  err_set(e, ERR_MEMORY, "%s: no memory", s->name);
	for (uint32_t r = 0; ok && r < j->n_relations; r++)
		ok = relation(s, j, &t, r, with_values, e);
	free(t.seen);
	j->term = t.at;
	return ok;
}

bool jj_read(struct jj *j, const char *name, struct bytes text, bool with_values, struct err *e)
{
	struct scan s = { .name = name, .at = text.at, .end = text.at + text.len };
	*j = (struct jj){ 0 };
	if (text.len == 0)
		return err_set(e, ERR_MALFORMED, "%s: the file is empty", name);
	if (text.len > JJ_FILE_MAX)
		return err_set(e, ERR_LIMIT, "%s: the file is too large", name);
	if (!next_line(&s, "its first line", e))
		return false;
	if (!word_is(next_word(&s), "0") || next_word(&s).len != 0)
		return fail(&s, e, "not a JJ file: it begins with a line `0`");
	if (!cells(&s, j, with_values, e) || !relations(&s, j, with_values, e))
		return false;
	struct err nothing_more;
	if (next_line(&s, "", &nothing_more))
		return fail(&s, e, "more lines than the relations announced");
	return true;
}

bool jj_load(struct jj *j, const char *path, bool with_values, struct err *e)
{
	struct buf file = { 0 };
	*j = (struct jj){ 0 };
	bool ok = protectfiles_read(&file, path, JJ_FILE_MAX, e) &&
		  jj_read(j, path, buf_bytes(&file), with_values, e);
	buf_free(&file);
	return ok;
}

void jj_free(struct jj *j)
{
	if (j->cell != NULL)
		sodium_memzero(j->cell, j->n_cells * sizeof *j->cell);
	free(j->cell);
	free(j->term);
	free(j->start);
	free(j->rhs);
	*j = (struct jj){ 0 };
}

/* ---- out ---- */

void jj_put_relations(const struct jj *j, struct buf *out)
{
	for (uint32_t r = 0; r < j->n_relations; r++) {
		buf_printf(out, "%" PRId64 " %u :", j->rhs[r], j->start[r + 1] - j->start[r]);
		for (uint32_t i = j->start[r]; i < j->start[r + 1]; i++)
			buf_printf(out, " %u (%d)", j->term[i].cell, j->term[i].coef);
		buf_put_text(out, "\n");
	}
}

void jj_put(const struct jj *j, struct buf *out)
{
	buf_printf(out, "0\n%u\n", j->n_cells);
	for (uint32_t i = 0; i < j->n_cells; i++) {
		const struct jj_cell *c = &j->cell[i];
		buf_printf(out,
		    "%u %" PRId64 " %.15g %c %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n",
		    i, c->value, c->cost, c->status, c->lb, c->ub, c->lpl, c->upl, c->spl);
	}
	buf_printf(out, "%u\n", j->n_relations);
	jj_put_relations(j, out);
}

int64_t jj_sum(const struct jj *j, uint32_t r, const int64_t *by)
{
	int64_t sum = 0;
	for (uint32_t i = j->start[r]; i < j->start[r + 1]; i++)
		sum += j->term[i].coef * by[j->term[i].cell];
	return sum;
}

/* ---- RESULT.csv ---- */

void jj_put_result(const struct jj *j, const char *mark, struct buf *out)
{
	buf_put_text(out, "cell,freq,status\n");
	for (uint32_t i = 0; i < j->n_cells; i++) {
		buf_printf(out, "%u,", i);
		if (mark[i] == 'P')
			buf_printf(out, "%" PRId64, j->cell[i].value);
		buf_printf(out, ",%c\n", mark[i]);
	}
}

static bool result_line(const struct csvlines *c, uint32_t i, char *mark, int64_t *value, struct err *e)
{
	struct decimal d;
	int64_t index;
	if (!read_decimal(bytes_text(c->field[0]), &d) || !to_whole(&d, WHOLE_ONLY, JJ_VALUE_MAX, &index) ||
	    index != i)
		return err_set(e, ERR_MALFORMED, "cell: numbers from 0, each once and in order");
	*mark = c->field[2][0];
	*value = 0;
	if ((*mark != 'P' && *mark != 'H') || c->field[2][1] != '\0')
		return err_set(e, ERR_MALFORMED, "status: neither P nor H");
	if (*mark == 'H')
		return c->field[1][0] == '\0' ||
		       err_set(e, ERR_MALFORMED, "freq: a hidden cell shows nothing");
	if (!read_decimal(bytes_text(c->field[1]), &d) || !to_whole(&d, WHOLE_ONLY, JJ_VALUE_MAX, value))
		return err_set(e, ERR_MALFORMED, "freq: not a whole number, or too large");
	return true;
}

bool jj_read_result(const struct jj *j, const char *path, char *mark, int64_t *value, struct err *e)
{
	struct csvlines c;
	const char *slash = strrchr(path, '/');
	char dir[4096] = ".";
	uint32_t n = 0;
	if (slash != NULL && (size_t)(slash - path) >= sizeof dir)
		return err_set(e, ERR_LIMIT, "the path is too long");
	if (slash != NULL) {
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = '\0';
	}
	bool ok = csvlines_open(&c, dir, slash == NULL ? path : slash + 1, e);
	if (ok && (c.n_columns != 3 || strcmp(c.field[0], "cell") != 0 || strcmp(c.field[1], "freq") != 0 ||
		      strcmp(c.field[2], "status") != 0)) {
		err_set(e, ERR_MALFORMED, "the columns are cell,freq,status");
		ok = csvlines_at(&c, e);
	}
	while (ok && csvlines_next(&c, e)) {
		ok = n < j->n_cells ? result_line(&c, n, &mark[n], &value[n], e)
				    : err_set(e, ERR_MALFORMED, "more cells than the JJ file has");
		if (!ok)
			csvlines_at(&c, e);
		n++;
	}
	if (ok && e->code != ERR_NONE)
		ok = false;
	if (ok && n < j->n_cells)
		ok = err_set(e, ERR_MALFORMED, "%s: fewer cells than the JJ file has", path);
	csvlines_close(&c);
	return ok;
}
