/* Blanks, sums and bases of a form that was read: what its reader cannot see row by row. */
#include "client/form/formread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one comparison came to. */
enum verdict {
	VERDICT_OPEN,
	VERDICT_SPOILT,    /* a box of it is unreadable or missing, which was told */
	VERDICT_ASK_PARTS, /* blank parts, though the others make up the total: each is a question */
	VERDICT_TOLD       /* a finding at the total covers the blank parts */
};

struct run {
	struct formread *f;
	const struct check *check;
	bool hard;
	struct comparisons all;
	enum verdict *verdict; /* for each comparison */
};

static bool is_unusable(const struct box *box)
{
	return box->state == BOX_BAD || box->state == BOX_UNSEEN;
}

static void mark_spoilt(struct run *r)
{
	for (uint32_t at = 0; at < r->all.n; at++)
		if (is_unusable(&r->f->box[r->all.at[at].whole]))
			r->verdict[at] = VERDICT_SPOILT;
	for (uint32_t i = 0; i < r->f->config->n_asked; i++)
		if (r->all.of[i] != UINT32_MAX && is_unusable(&r->f->box[i]))
			r->verdict[r->all.of[i]] = VERDICT_SPOILT;
}

static void settle_parts(struct run *r)
{
	for (uint32_t i = 0; i < r->f->config->n_asked; i++) {
		struct box *box = &r->f->box[i];
		enum verdict verdict = r->all.of[i] == UINT32_MAX ? VERDICT_OPEN : r->verdict[r->all.of[i]];
		if (box->state != BOX_BLANK || box->told ||
		    (verdict != VERDICT_ASK_PARTS && verdict != VERDICT_TOLD))
			continue;
		box->told = true;
		if (verdict == VERDICT_ASK_PARTS)
			formread_tell(r->f, FINDING_BLANK_UNDER_TOTAL, SEVERITY_WARNING,
			    formread_place(r->f, i), "tom ruta, fast de andra redan blir totalen: är det 0?",
			    "an empty box, though the others already make up the total: is it 0?");
	}
}

static void check_sum(struct run *r, uint32_t at)
{
	struct formread *f = r->f;
	const struct comparison *c = &r->all.at[at];
	const struct box *whole = &f->box[c->whole];
	unsigned long long total = f->figures->value[c->whole];
	unsigned long long sum = c->sum;
	if (whole->state != BOX_VALUE) {
		if (whole->state != BOX_BLANK || c->n_blank == c->n_parts)
			return;
		f->box[c->whole].told = true;
		formread_tell(f, FINDING_BLANK_TOTAL, SEVERITY_ERROR, formread_place(f, c->whole),
		    "totalen är tom fast raderna under den är ifyllda",
		    "the total is empty though the rows under it are not");
	} else if (c->n_blank > 0 && sum < total) {
		r->verdict[at] = VERDICT_TOLD;
		formread_tell(f, FINDING_BREAKDOWN,
		    f->options->blanks_not_reported ? SEVERITY_WARNING : SEVERITY_ERROR,
		    formread_place(f, c->whole), "fördelning saknas under en total (%llu av %llu)",
		    "the breakdown under a total is missing (%llu of %llu)", total - sum, total);
	} else if (c->n_blank > 0 && sum == total) {
		r->verdict[at] = VERDICT_ASK_PARTS;
	} else if (sum != total) {
		formread_tell(f, FINDING_SUM, SEVERITY_ERROR, formread_place(f, c->whole),
		    "totalen (%llu) är inte summan av raderna under den (%llu)",
		    "the total (%llu) is not the sum of the rows under it (%llu)", total, sum);
	}
}

/* Does a <= b fail at a total of this cell too? Then the finding there says it all. */
static bool fails_above(const struct run *r, uint32_t part)
{
	const struct config *config = r->f->config;
	struct cell_id id = config->asked[part];
	const struct measure *m = &config->measure[id.measure];
	for (uint16_t d = 0; d < m->n_dims; d++) {
		struct cell_id above = id;
		above.code[d] = model_total(&config->list[m->dim[d]]);
		uint32_t i = above.code[d] == id.code[d] ? UINT32_MAX : model_asked(config, &above);
		if (i != UINT32_MAX && r->all.of[i] != UINT32_MAX && r->all.at[r->all.of[i]].failed)
			return true;
	}
	return false;
}

static void check_le(struct run *r, uint32_t at)
{
	const struct comparison *c = &r->all.at[at];
	const struct config *config = r->f->config;
	struct buf sv = { .max = 2048 };
	struct buf numbers = { .max = 128 };
	struct buf en = { .max = 2048 };
	if (!c->failed || fails_above(r, c->part))
		return;
	buf_put_text(&numbers, " (");
	config_put_value(&numbers, &config->measure[r->check->a], r->f->figures->value[c->part]);
	buf_put_text(&numbers, " > ");
	config_put_value(&numbers, &config->measure[r->check->b], r->f->figures->value[c->whole]);
	buf_put(&numbers, ")", 2);
	buf_printf(&sv, "%s%s", r->check->label.sv, numbers.failed ? "" : (const char *)numbers.data);
	buf_printf(&en, "%s%s", r->check->label.en, numbers.failed ? "" : (const char *)numbers.data);
	buf_put_byte(&sv, '\0');
	buf_put_byte(&en, '\0');
	if (sv.failed || en.failed)
		r->f->findings->failed = true;
	else
		formread_tell_text(r->f, r->hard ? FINDING_CHECK : FINDING_SOFT_CHECK,
		    r->hard ? SEVERITY_ERROR : SEVERITY_WARNING, formread_place(r->f, c->part),
		    (const char *)sv.data, (const char *)en.data);
	buf_free(&sv);
	buf_free(&numbers);
	buf_free(&en);
}

static bool run_check(struct formread *f, const struct check *check, bool hard)
{
	struct run r = { .f = f, .check = check, .hard = hard };
	if (!content_compare(f->config, check, f->figures, &r.all, f->e))
		return false;
	r.verdict = calloc(r.all.n + 1u, sizeof *r.verdict);
	if (r.verdict == NULL) {
		comparisons_free(&r.all);
		return err_set(f->e, ERR_MEMORY, "out of memory");
	}
	mark_spoilt(&r);
	for (uint32_t at = 0; at < r.all.n; at++) {
		if (r.verdict[at] == VERDICT_SPOILT)
			continue;
		if (check->kind == CHECK_SUM)
			check_sum(&r, at);
		else
			check_le(&r, at);
	}
	settle_parts(&r);
	free(r.verdict);
	comparisons_free(&r.all);
	return true;
}

/* A blank is right where its question does not arise. */
static bool is_needless(const struct formread *f, const struct layout_row *row)
{
	if (row == NULL || row->only_if == UINT32_MAX)
		return false;
	return f->figures->state[row->only_if] != FIGURE_VALUE || f->figures->value[row->only_if] == 0;
}

/* Boxes of one row are told together: "Kvinnor, Män". */
static bool joins(const struct box *a, const struct box *b)
{
	return b->state == BOX_BLANK && !b->told && a->line == b->line && a->row == b->row &&
	       strcmp(a->column, b->column) != 0;
}

/* "Kvinnor" becomes "Kvinnor, Män". */
static const char *join_texts(const struct formread *f, const char *a, const char *b)
{
	char joined[512];
	if (b[0] == '\0')
		return a;
	int n = snprintf(joined, sizeof joined, "%s, %s", a, b);
	const char *copy = n < (int)sizeof joined ? arena_text(f->sheet->arena, joined, (size_t)n) : NULL;
	return copy == NULL ? a : copy;
}

static void tell_blank(struct formread *f, uint32_t i)
{
	struct place place = formread_place(f, i);
	enum severity severity = SEVERITY_ERROR;
	for (uint32_t k = i + 1; !f->tidy && k < f->config->n_asked; k++)
		if (joins(&f->box[i], &f->box[k])) {
			f->box[k].told = true;
			place.column = join_texts(f, place.column, f->box[k].column);
			place.cell = join_texts(f, place.cell, f->box[k].cell);
		}
	if (f->options->blanks_not_reported || (place.row != NULL && place.row->blank == BLANK_WARNING))
		severity = SEVERITY_WARNING;
	f->box[i].told = true;
	formread_tell(f, FINDING_BLANK, severity, place, "tom ruta: är det 0 eller ej lämnad uppgift?",
	    "an empty box: is it 0 or not reported?");
}

bool formread_check(struct formread *f)
{
	const struct layout *layout = f->config->layout;
	for (uint16_t i = 0; i < f->config->n_checks; i++)
		if (!run_check(f, &f->config->check[i], true))
			return false;
	for (uint16_t i = 0; layout != NULL && i < layout->n_checks; i++)
		if (!run_check(f, &layout->check[i], false))
			return false;
	for (uint32_t i = 0; i < f->config->n_asked; i++) {
		const struct box *box = &f->box[i];
		if (box->state != BOX_BLANK || box->told || is_needless(f, box->row) ||
		    (box->row != NULL && box->row->blank == BLANK_SILENT))
			continue;
		tell_blank(f, i);
	}
	return true;
}
