#include <stdlib.h>
#include <string.h>

#include "client/protect/csvlines.h"
#include "client/protect/lattice.h"
#include "proto/limits.h"

#define DIGITS_MAX 9u

static bool number(const char *text, uint64_t most, uint64_t *out)
{
	uint64_t value = 0;
	bool any = false;
	for (; *text >= '0' && *text <= '9' && value <= most / 10; text++, any = true)
		value = 10 * value + (uint64_t)(*text - '0');
	*out = value;
	return any && *text == '\0' && value <= most;
}

/* "a|b|c", one code a dimension, or a number where that may be. */
static bool part_read(const struct lattice *g, const char *text, uint64_t *cell)
{
	*cell = 0;
	for (uint32_t d = 0; d < g->n_dims; d++) {
		char code[LIMIT_NAME + 2];
		size_t len = strcspn(text, "|");
		if (g->dim[d].synthetic)
			continue;
		if (len >= sizeof code)
			return false;
		memcpy(code, text, len);
		code[len] = '\0';
		uint32_t place = lattice_code(&g->dim[d], code);
		if (place == UINT32_MAX)
			return false;
		*cell += place * g->stride[d];
		text += len + (text[len] == '|');
	}
	return *text == '\0';
}

/* id,numerator,denominator,factor,digits */
static bool definition_take(struct lattice *g, const struct csvlines *c, struct err *e)
{
	struct figure f = { .denominator = UINT64_MAX, .constant = 1 };
	uint64_t digits = 0;
	if (!part_read(g, c->field[1], &f.numerator) ||
	    (!number(c->field[2], LIMIT_VALUE, &f.constant) && !part_read(g, c->field[2], &f.denominator)) ||
	    !number(c->field[3], UINT32_MAX, &f.scale) || !number(c->field[4], DIGITS_MAX, &digits))
		return err_set(e, ERR_MALFORMED, "a figure is: id, cell, cell or number, factor, digits");
	f.digits = (uint32_t)digits;
	for (uint64_t i = 0; i < digits; i++)
		f.scale *= 10;
	struct figure *more = realloc(g->figure, (g->n_figures + 1) * sizeof *more);
	if (more == NULL || (f.id = strdup(c->field[0])) == NULL) {
		g->figure = more == NULL ? g->figure : more;
		return err_set(e, ERR_MEMORY, "no memory");
	}
	g->figure = more;
	g->figure[g->n_figures++] = f;
	return true;
}

/* "12.50" with the figure's number of digits. */
static bool shown_read(struct figure *f, const char *text)
{
	char plain[32];
	size_t n = 0;
	const char *point = strchr(text, '.');
	size_t after = point == NULL ? 0 : strlen(point + 1);
	if (after != f->digits || strlen(text) >= sizeof plain)
		return false;
	for (; *text != '\0'; text++)
		if (*text != '.')
			plain[n++] = *text;
	plain[n] = '\0';
	return number(plain, UINT64_MAX / 20, &f->shown);
}

static bool is_shown(const struct figure *f)
{
	return f->status == 'P' || f->status == 'R';
}

/* id,value,status */
static bool value_take(struct lattice *g, const struct csvlines *c, struct err *e)
{
	struct figure *f = g->n_shown < g->n_figures ? &g->figure[g->n_shown++] : NULL;
	const char *status = c->field[2];
	if (f == NULL || strcmp(f->id, c->field[0]) != 0)
		return err_set(e, ERR_INVALID, "each figure of derived.csv is expected once, in its order");
	if (status[0] == '\0' || status[1] != '\0' || strchr("PRHNA", status[0]) == NULL)
		return err_set(e, ERR_MALFORMED, "status: P, R, H, N or A is expected");
	f->status = status[0];
	if (is_shown(f))
		return shown_read(f, c->field[1]) ||
		       err_set(e, ERR_MALFORMED, "value: a number with its digits is expected");
	return c->field[1][0] == '\0' || err_set(e, ERR_MALFORMED, "value: nothing is expected");
}

typedef bool take_line(struct lattice *g, const struct csvlines *c, struct err *e);

/* header: the names of all columns, parted by commas. */
static bool header_take(const struct csvlines *c, const char *header, struct err *e)
{
	const char *at = header;
	bool same = true;
	for (size_t i = 0; same && i < c->n_columns; i++) {
		size_t len = strcspn(at, ",");
		same = len > 0 && strlen(c->field[i]) == len && strncmp(c->field[i], at, len) == 0;
		at += len + (at[len] == ',');
	}
	return (same && *at == '\0') || err_set(e, ERR_MALFORMED, "%s: the header is %s", c->path, header);
}

/* A file that need not be there. */
static bool file_read(
    struct lattice *g, const char *dir, const char *name, const char *header, take_line *take, struct err *e)
{
	struct csvlines c = { 0 };
	struct err end = { 0 };
	bool ok = csvlines_open(&c, dir, name, &end);
	if (!ok && end.code == ERR_NOT_FOUND) {
		csvlines_close(&c);
		return true;
	}
	ok = ok && header_take(&c, header, e);
	while (ok && csvlines_next(&c, &end))
		ok = take(g, &c, e) || csvlines_at(&c, e);
	if (end.code != ERR_NONE) {
		*e = end;
		ok = false;
	}
	csvlines_close(&c);
	return ok;
}

bool lattice_figures(struct lattice *g, const char *dir, const char *result, struct err *e)
{
	bool release = lattice_is_release(dir);
	const char *slash = strrchr(result, '/');
	char *beside = slash == NULL ? strdup(".") : strndup(result, (size_t)(slash - result) + 1);
	bool ok = beside != NULL || err_set(e, ERR_MEMORY, "no memory");
	ok = ok &&
	     file_read(g, dir, release ? "grid-derived.csv" : "derived.csv",
		 "id,numerator,denominator,factor,digits", definition_take, e) &&
	     file_read(g, beside, release ? "derived.csv" : "DERIVED.csv", "id,value,status", value_take, e);
	free(beside);
	return ok;
}

__extension__ typedef __int128 wide;

static wide divide_up(wide a, wide b) /* b > 0 */
{
	return a <= 0 ? -(-a / b) : (a + b - 1) / b;
}

/* shown = round(x * scale / d), half away from nought: (2 shown - 1) d <= 2 x scale < (2 shown + 1) d. */
bool figure_bounds(const struct lattice *g, const struct figure *f, uint64_t *cell, int64_t *lo, int64_t *hi)
{
	int64_t above = g->value[f->numerator];
	int64_t below = f->denominator == UINT64_MAX ? (int64_t)f->constant : g->value[f->denominator];
	wide first;
	wide last;
	if (f->status != 'P' || (above < 0) == (below < 0))
		return false;
	if (above < 0) {
		*cell = f->numerator;
		if (f->scale == 0)
			return false;
		first = divide_up((2 * (wide)f->shown - 1) * below, 2 * (wide)f->scale);
		last = divide_up((2 * (wide)f->shown + 1) * below, 2 * (wide)f->scale) - 1;
	} else {
		*cell = f->denominator;
		if (f->shown == 0)
			return false; /* any that is large enough */
		first = 2 * (wide)above * f->scale / (2 * (wide)f->shown + 1) + 1;
		last = 2 * (wide)above * f->scale / (2 * (wide)f->shown - 1);
	}
	*lo = first < 0 ? 0 : (int64_t)first;
	*hi = last > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)last;
	return true;
}

/* What readers reckon with, where the cell is printed. */
static wide count_of(const struct lattice *g, uint64_t cell)
{
	return g->mark[cell] == 'R' ? g->near[cell] : g->value[cell];
}

/* The status that its cells give it; '-': one of them stands in no table. */
static char status_of(const struct lattice *g, const struct figure *f)
{
	bool constant = f->denominator == UINT64_MAX;
	char above = (char)g->mark[f->numerator];
	char below = constant ? 'P' : (char)g->mark[f->denominator];
	if (strchr("PZR", above) == NULL)
		return above;
	if (strchr("PZR", below) == NULL)
		return below;
	if (constant ? f->constant == 0 : count_of(g, f->denominator) == 0)
		return 'A';
	return above == 'R' || below == 'R' ? 'R' : 'P';
}

static bool value_fits(const struct lattice *g, const struct figure *f)
{
	wide below = f->denominator == UINT64_MAX ? (wide)f->constant : count_of(g, f->denominator);
	wide twice = 2 * count_of(g, f->numerator) * f->scale;
	return twice >= (2 * (wide)f->shown - 1) * below && twice < (2 * (wide)f->shown + 1) * below;
}

bool lattice_figures_hold(const struct lattice *g, struct err *e)
{
	for (uint32_t i = 0; i < g->n_shown; i++) {
		const struct figure *f = &g->figure[i];
		char want = status_of(g, f);
		if (is_shown(f) && strchr("HNA-", want) != NULL)
			return err_set(
			    e, ERR_CRYPTO, "figure %s: it is printed, and made of a cell that is not", f->id);
		if (want == '-' ? strchr("HN", f->status) == NULL : f->status != want)
			return err_set(e, ERR_CRYPTO, "figure %s: not the status that its cells give", f->id);
		if (is_shown(f) && !value_fits(g, f))
			return err_set(e, ERR_CRYPTO, "figure %s: not what its cells give", f->id);
	}
	return g->n_shown == 0 || g->n_shown == g->n_figures ||
	       err_set(e, ERR_CRYPTO, "figure %s: it is missing", g->figure[g->n_shown].id);
}

void lattice_figures_free(struct lattice *g)
{
	for (uint32_t i = 0; i < g->n_figures; i++)
		free(g->figure[i].id);
	free(g->figure);
	g->figure = NULL;
	g->n_figures = 0;
}
