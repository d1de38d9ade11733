#include "policy/ledger.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct opening { /* what ledger_open passes around */
	struct ledger *l;
	const struct policy_params *p;
	enum refusal *why;
	struct buf *reasons;
	struct err *e;
};

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the earlier releases");
}

/* A refusal, and no error: the caller goes on to say so. */
static bool refuse(const struct opening *o, enum refusal why, const char *text)
{
	*o->why = why;
	buf_printf(o->reasons, "%s\n", text);
	return true;
}

/* ---- what an earlier release said ---- */

/* The next line without its end; false when there is none. A last line without LF is none. */
static bool next_line(struct bytes *in, struct bytes *line)
{
	const uint8_t *end = in->len == 0 ? NULL : memchr(in->at, '\n', in->len);
	if (end == NULL)
		return false;
	*line = bytes_of(in->at, (size_t)(end - in->at));
	*in = bytes_of(end + 1, in->len - line->len - 1);
	return true;
}

/* The text up to the next comma, as a C string in out. */
static bool next_field(struct bytes *line, char out[TABLE_CODE_MAX + 1])
{
	const uint8_t *end = line->len == 0 ? NULL : memchr(line->at, ',', line->len);
	size_t n = end == NULL ? line->len : (size_t)(end - line->at);
	if (n > TABLE_CODE_MAX)
		return false;
	memcpy(out, line->at, n);
	out[n] = '\0';
	*line = bytes_of(line->at + n + (end != NULL), line->len - n - (end != NULL));
	return true;
}

static bool whole_number(const char *text, int64_t *out)
{
	uint64_t v = 0;
	size_t n = strlen(text);
	if (n == 0 || n > 15 || (n > 1 && text[0] == '0'))
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
	}
	*out = (int64_t)v;
	return true;
}

static bool read_header(const struct table_input *t, size_t n_dims, struct bytes line)
{
	char field[TABLE_CODE_MAX + 1];
	for (size_t d = 0; d < n_dims; d++)
		if (!next_field(&line, field) || strcmp(field, t->dim[d].name) != 0)
			return false;
	return bytes_equal(line, bytes_text("freq,status"));
}

/* One row: codes, a printed value that is the cell's, a state. */
static bool read_row(const struct past *past, size_t n_dims, struct bytes line)
{
	const struct table_input *t = past->t;
	char field[TABLE_CODE_MAX + 1];
	uint64_t cell = 0;
	int64_t value = 0;
	for (size_t d = 0; d < n_dims; d++) {
		uint32_t code = next_field(&line, field) ? dim_find(&t->dim[d], field) : NONE;
		if (code == NONE)
			return false;
		cell += code * t->stride[d];
	}
	if (!next_field(&line, field) || line.len != 1 || strchr("PHNAZ", line.at[0]) == NULL ||
	    past->state[cell] != '-')
		return false;
	past->state[cell] = (char)line.at[0];
	if (line.at[0] == 'P' || line.at[0] == 'Z')
		return whole_number(field, &value) && value == t->value[cell];
	return field[0] == '\0';
}

static bool read_result(const struct past *past, struct bytes csv)
{
	struct bytes line = { 0 };
	size_t n_dims = past->t->n_dims - (past->t->added_office ? 1 : 0);
	if (!next_line(&csv, &line) || !read_header(past->t, n_dims, line))
		return false;
	while (csv.len > 0)
		if (!next_line(&csv, &line) || !read_row(past, n_dims, line))
			return false;
	return true;
}

/* Takes a word and a space off the line, and then a number up to the next space. */
static bool next_number(struct bytes *line, const char *word, uint32_t *out)
{
	char text[TABLE_CODE_MAX + 1];
	size_t n = strlen(word);
	size_t digits = 0;
	int64_t v = 0;
	if (line->len < n || memcmp(line->at, word, n) != 0)
		return false;
	*line = bytes_of(line->at + n, line->len - n);
	while (digits < line->len && digits < TABLE_CODE_MAX && line->at[digits] != ' ')
		digits++;
	memcpy(text, line->at, digits);
	text[digits] = '\0';
	*line = bytes_of(line->at + digits, line->len - digits);
	*out = whole_number(text, &v) && v <= INT32_MAX ? (uint32_t)v : 0;
	return *out == (uint64_t)v && digits > 0;
}

/* The certificate's header: the result it is about, and the rules' numbers that everybody knows. */
static bool read_certificate(struct past *past, struct bytes certificate)
{
	static const char *const word[] = { "cellveil-certificate 1", "grid ", "pattern ", "result ",
		"level L" };
	struct bytes line[5];
	uint8_t result[32];
	for (int i = 0; i < 5; i++)
		if (!next_line(&certificate, &line[i]) || line[i].len < strlen(word[i]) ||
		    memcmp(line[i].at, word[i], strlen(word[i])) != 0)
			return false;
	return hex_decode(result, sizeof result, bytes_of(line[3].at + 7, line[3].len - 7)) &&
	       memcmp(result, past->result, sizeof result) == 0 &&
	       next_number(&line[4], "level L", &past->level) &&
	       next_number(&line[4], " k ", &past->threshold) &&
	       next_number(&line[4], " width ", &past->width) &&
	       next_number(&line[4], " floor ", &past->floor) &&
	       next_number(&line[4], " coalition ", &past->coalition) && line[4].len == 0 && past->floor <= 1;
}

/* ---- is it what left? ---- */

/* What was printed must be what these figures print; a state that they do not give is somebody else's file. What
 * was not printed at all was made coarser. */
static bool states_fit(const struct past *past, const struct grid *g)
{
	for (uint32_t c = 0; c < g->n_cells; c++) {
		char mark = g->mark[c];
		char state = past->state[c];
		if (state == '-')
			continue;
		if (mark == 'P' ? state != 'P' && state != 'H' : state != mark)
			return false;
	}
	return true;
}

/* Is the auditors' part whole, and that of this certificate? */
static bool is_part_of(struct bytes auditor, struct bytes certificate)
{
	static const char end[] = "end-auditor ";
	const size_t tail = sizeof end - 1 + 64 + 1;
	uint8_t want[32];
	uint8_t got[32];
	struct bytes line[2];
	struct bytes in = auditor;
	if (auditor.len < tail || !next_line(&in, &line[0]) || !next_line(&in, &line[1]) ||
	    line[1].len != 71 || memcmp(line[1].at, "public ", 7) != 0 ||
	    !hex_decode(got, sizeof got, bytes_of(line[1].at + 7, 64)))
		return false;
	crypto_hash_sha256(want, certificate.at, certificate.len);
	if (memcmp(got, want, sizeof got) != 0)
		return false;
	const uint8_t *last = auditor.at + auditor.len - tail;
	crypto_hash_sha256(want, auditor.at, auditor.len - tail);
	return memcmp(last, end, sizeof end - 1) == 0 &&
	       hex_decode(got, sizeof got, bytes_of(last + sizeof end - 1, 64)) &&
	       memcmp(got, want, sizeof got) == 0;
}

/* The files that the earlier release left with. False: which of them is missing or another's, onto out. */
static bool read_files(struct past *past, const struct earlier_release *r, struct buf *out)
{
	const char *why = NULL;
	if (r->result_csv.size == 0)
		why = "its RESULT.csv is missing";
	else if (!read_result(past, buf_bytes(&r->result_csv)))
		why = "its RESULT.csv does not fit the figures it was made of";
	else if (r->certificate.size == 0)
		why = "its certificate.cvc is missing";
	else if (!read_certificate(past, buf_bytes(&r->certificate)))
		why = "its certificate.cvc is not of its RESULT.csv";
	else if (r->auditor.size > 0 && !is_part_of(buf_bytes(&r->auditor), buf_bytes(&r->certificate)))
		why = "its certificate.auditor.cvc is not of its certificate.cvc";
	if (why != NULL)
		buf_put_text(out, why);
	return why == NULL;
}

void ledger_note_lost(const struct ledger *l, struct buf *out)
{
	if (l->n > 0 && l->past[l->n - 1].auditor.len == 0)
		buf_printf(out,
		    "revision %u of the period: its certificate.auditor.cvc is missing; with the moves in it "
		    "this one might have been protected\n",
		    l->past[l->n - 1].revision);
}

/* The earlier table in this release's dimensions, and what was said of it. */
static bool read_past(struct ledger *l, struct past *past, const struct earlier_release *r, bool *fits,
    struct buf *why, struct err *e)
{
	*fits = true;
	if (!lift_is_same(r->input, l->t)) {
		if (!lift_make(&past->lift, r->input, l->t, fits, why, e))
			return err_wrap(e, "revision %u of the period", r->revision);
		past->t = past->lift.t;
	}
	if (!*fits)
		return true;
	*fits = read_files(past, r, why);
	if (!*fits)
		buf_put_text(why, ": put back the file that left");
	return true;
}

static bool add_past(const struct opening *o, const struct earlier_release *r, bool *fits)
{
	struct ledger *l = o->l;
	struct past *past = &l->past[l->n++];
	struct buf why = { 0 };
	*past = (struct past){ .t = r->input, .revision = r->revision, .auditor = buf_bytes(&r->auditor) };
	past->state = malloc(l->size);
	if (past->state == NULL)
		return no_memory(o->e);
	memset(past->state, '-', l->size);
	crypto_hash_sha256(past->result, r->result_csv.data, r->result_csv.size);
	bool ok = read_past(l, past, r, fits, &why, o->e);
	if (ok && !*fits) {
		*o->why = REFUSAL_LEDGER;
		buf_printf(o->reasons, "revision %u of the period: %.*s\n", r->revision, (int)why.size,
		    (const char *)why.data);
	}
	ok = ok && (!why.failed || no_memory(o->e));
	buf_free(&why);
	return ok;
}

/* Earlier releases of this period, by revision. */
static bool collect(const struct opening *o, const struct release_options *options)
{
	struct ledger *l = o->l;
	uint32_t seen = 0;
	for (size_t i = 0; i < l->t->n_earlier; i++) {
		const struct earlier_release *r = &l->t->earlier[i];
		bool fits = false;
		if (options->period != NULL && strcmp(options->period, r->period) != 0)
			continue;
		if (seen == LEDGER_RELEASES_MAX)
			return refuse(o, REFUSAL_LEDGER, "the period was released too often before");
		if (seen > 0 && r->revision <= l->past[seen - 1].revision)
			return refuse(o, REFUSAL_LEDGER, "the earlier releases are not in order of revision");
		if (r->revision >= options->revision)
			return refuse(
			    o, REFUSAL_LEDGER, "a release of this revision or a later one has left before");
		if (!add_past(o, r, &fits))
			return false;
		seen++;
		if (!fits)
			return true;
	}
	return true;
}

static bool is_live(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] != KIND_DEAD;
}

/* ---- too few changed ---- */

/* A total over several offices that was in the tables, hidden or not, and would be again with another value: is
 * it enough offices that changed below it? Who sent again is known to everybody, what of it is new is not. */
static bool too_few(const struct ledger *l, const struct policy_params *p, const struct span *s, uint32_t c)
{
	uint32_t live = 0;
	char state = l->past[s->from].state[c];
	if ((state != 'P' && state != 'H') || l->g[l->n].mark[c] != 'P' || !is_live(&l->g[l->n], c) ||
	    l->past[s->from].t->value[c] == l->t->value[c])
		return false;
	uint32_t n = ledger_count_changed(l, s, c, &live);
	return live >= 2 && n < p->min_offices_changed;
}

static bool judge_changed(const struct opening *o)
{
	const struct ledger *l = o->l;
	for (uint32_t i = 0; i < l->n_spans && l->office_dim != SIZE_MAX; i++) {
		if (l->span[i].to != l->n)
			continue;
		for (uint32_t c = 0; c < l->size; c++) {
			if (!too_few(l, o->p, &l->span[i], c))
				continue;
			*o->why = REFUSAL_MIN_CHANGED;
			buf_printf(o->reasons,
			    "fewer offices of %s have changed since revision %u than the policy asks for: "
			    "corrections wait for others\n",
			    l->t->dim[l->office_dim].code[ledger_office(l, c)],
			    l->past[l->span[i].from].revision);
			return true;
		}
	}
	return true;
}

/* ---- all together ---- */

static size_t find_office_dim(const struct table_input *t, const struct policy_params *p)
{
	if (t->added_office)
		return t->n_dims - 1;
	for (size_t d = 0; d < t->n_dims; d++)
		if (strcmp(t->dim[d].name, p->office_dim) == 0)
			return d;
	return SIZE_MAX;
}

static bool make_grids(const struct opening *o, const uint8_t choice_key[32])
{
	struct ledger *l = o->l;
	for (uint32_t v = 0; v <= l->n; v++) {
		bool ok = grid_init(&l->g[v], ledger_input(l, v), &l->params, choice_key, o->e);
		l->n_grids = v + 1;
		if (!ok)
			return false;
		if (v < l->n && !states_fit(&l->past[v], &l->g[v]))
			return refuse(o, REFUSAL_LEDGER,
			    "what an earlier release printed or left out does not fit the figures it was "
			    "made of");
	}
	return true;
}

bool ledger_may_hide_noughts(const struct ledger *l)
{
	for (uint32_t v = 0; v < l->n; v++)
		if (l->past[v].floor > 0)
			return false;
	return true;
}

/* A cell that was known to be 1 or more cannot be let down to 0 now. */
static bool judge_floors(const struct opening *o)
{
	if (o->p->zeros == ZEROS_PUBLISHED || ledger_may_hide_noughts(o->l))
		return true;
	return refuse(
	    o, REFUSAL_LEDGER, "an earlier release of the period never hid a nought, and this policy would");
}

/* What was hidden under stricter rules stays safe only under those. */
static bool is_weaker(const struct opening *o, enum guarantee level)
{
	for (uint32_t v = 0; v < o->l->n; v++) {
		const struct past *past = &o->l->past[v];
		if (past->threshold > o->p->threshold || past->width > o->p->width ||
		    (past->coalition > o->p->coalition && past->level >= LEVEL_3) ||
		    (level != 0 && past->level > (uint32_t)level))
			return true;
	}
	return false;
}

bool ledger_open(struct ledger *l, const struct table_input *t, const struct policy_params *p,
    const uint8_t choice_key[32], const struct release_options *options, enum refusal *why,
    struct buf *reasons, struct err *e)
{
	struct opening o = { l, p, why, reasons, e };
	memset(l, 0, sizeof *l);
	l->t = t;
	l->params = *p;
	l->revision = options->revision;
	l->size = (uint32_t)t->n_cells;
	l->office_dim = find_office_dim(t, p);
	if (!collect(&o, options))
		return false;
	if (*why != REFUSAL_NONE || l->n == 0)
		return true;
	if (p->figures == FIGURES_AMOUNTS)
		return refuse(
		    &o, REFUSAL_LEDGER, "a further release of amounts of a period cannot be protected yet");
	if (t->n_dims == TABLE_DIMS_MAX)
		return refuse(&o, REFUSAL_LEDGER, "the table has too many dimensions for a further release");
	if (!make_grids(&o, choice_key))
		return false;
	if (*why != REFUSAL_NONE)
		return true;
	if (is_weaker(&o, options->level))
		return refuse(&o, REFUSAL_LEDGER,
		    "an earlier release of the period was protected by stricter rules: what it hid would not "
		    "be safe");
	return judge_floors(&o) && ledger_find_spans(l, e) &&
	       (*why != REFUSAL_NONE ||
		   (judge_changed(&o) && (*why != REFUSAL_NONE || ledger_make_joint(l, e))));
}

void ledger_free(struct ledger *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		free(l->past[i].state);
		lift_free(&l->past[i].lift);
	}
	for (uint32_t i = 0; i < l->n_grids; i++)
		grid_free(&l->g[i]);
	for (uint32_t i = 0; i < l->n_spans; i++) {
		free(l->span[i].changed);
		free(l->span[i].open);
	}
	table_free(l->joint);
	memset(l, 0, sizeof *l);
}
