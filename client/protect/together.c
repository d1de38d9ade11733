#include "client/protect/together.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/protect/protectfiles.h"
#include "client/protect/releasefolders.h"

#define ENTRY_MAX 4096u

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory");
}

/* ---- the ledger's folders ---- */

struct entry {
	char series[128], period[64], revision[12];
};

static bool read_entry(const char *folder, struct entry *out, struct err *e)
{
	char path[LATTICE_PATH_MAX + 16];
	struct buf text = { 0 };
	snprintf(path, sizeof path, "%s/entry.json", folder);
	bool ok = protectfiles_read(&text, path, ENTRY_MAX, e);
	if (ok) {
		buf_put_byte(&text, '\0');
		const char *at = (const char *)text.data;
		ok =
		    (!text.failed &&
			releasefolders_text(at, "\"series\":\"", "\"", out->series, sizeof out->series) &&
			releasefolders_text(at, "\"period\":\"", "\"", out->period, sizeof out->period) &&
			releasefolders_text(at, "\"revision\":", ",", out->revision, sizeof out->revision)) ||
		    err_set(e, ERR_MALFORMED, "%s: not an entry of a ledger", path);
	}
	buf_free(&text);
	return ok;
}

static bool last_folder(const char *dir, unsigned *last, struct err *e)
{
	DIR *d = opendir(dir);
	if (d == NULL)
		return err_set(e, ERR_NOT_FOUND, "%s: %s", dir, strerror(errno));
	for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
		char *end = NULL;
		unsigned long number = strtoul(entry->d_name, &end, 10);
		if (strlen(entry->d_name) == 6 && *end == '\0' && number > *last)
			*last = (unsigned)number;
	}
	closedir(d);
	return true;
}

static bool add_release(struct together *t, const char *folder, const char *result, struct err *e)
{
	if (t->n == TOGETHER_MAX)
		return err_set(e, ERR_LIMIT, "more than %u releases of the period", TOGETHER_MAX);
	struct lattice *g = &t->release[t->n++];
	if (!lattice_read(g, folder, result, true, e))
		return false;
	if (g->moved.how != MOVED_NOT || g->near != NULL)
		return err_set(
		    e, ERR_UNSUPPORTED, "%s: rounded or moved figures cannot be attacked together", folder);
	return strlen(folder) < sizeof t->folder[0]
		   ? snprintf(t->folder[t->n - 1], sizeof t->folder[0], "%s", folder) >= 0
		   : err_set(e, ERR_LIMIT, "the name of the folder is too long");
}

/* In the last release's lists, which hold the earlier ones', with their counts. */
static bool level_out(struct together *t, struct err *e)
{
	const struct lattice *last = &t->release[t->n - 1];
	for (uint32_t v = 0; v < t->n; v++) {
		struct lattice *g = &t->release[v];
		if ((!releases_same_grid(g, last) && !lattice_lift(g, last, e)) ||
		    !lattice_truth(g, t->folder[v], e))
			return err_wrap(e, "%s", t->folder[v]);
	}
	return true;
}

/* The period that all entries must have, unless the caller named one. */
static bool is_asked(
    const struct together_question *q, const struct entry *entry, char *only, bool *asked, struct err *e)
{
	*asked = q->series == NULL || strcmp(q->series, entry->series) == 0;
	if (*asked && q->period != NULL)
		*asked = strcmp(q->period, entry->period) == 0;
	else if (*asked && only[0] == '\0')
		snprintf(only, sizeof entry->period, "%s", entry->period);
	else if (*asked && strcmp(only, entry->period) != 0)
		return err_set(e, ERR_INVALID, "%s: holds several periods; --period says which", q->ledger);
	return true;
}

static bool read_ledger(struct together *t, const struct together_question *q, struct err *e)
{
	char folder[LATTICE_PATH_MAX];
	char only[sizeof(struct entry){ 0 }.period] = "";
	unsigned last = 0;
	if (strlen(q->ledger) > LATTICE_PATH_MAX - 64)
		return err_set(e, ERR_LIMIT, "the name of the ledger's folder is too long");
	if (!last_folder(q->ledger, &last, e))
		return false;
	for (unsigned i = 1; i <= last; i++) {
		struct entry entry;
		bool asked = false;
		snprintf(folder, sizeof folder, "%s/%06u", q->ledger, i);
		if (!read_entry(folder, &entry, e) || !is_asked(q, &entry, only, &asked, e))
			return false;
		if (!asked)
			continue;
		if (!add_release(t, folder, NULL, e))
			return err_wrap(e, "%s", folder);
		snprintf(t->label[t->n - 1], sizeof t->label[0], "%s", entry.revision);
	}
	return t->n > 0 || err_set(e, ERR_NOT_FOUND, "%s: no release of the period", q->ledger);
}

static bool same_release(const struct lattice *a, const struct lattice *b)
{
	return memcmp(a->result_digest, b->result_digest, sizeof a->result_digest) == 0 &&
	       memcmp(a->truth, b->truth, a->n_cells * sizeof *a->truth) == 0 &&
	       memcmp(a->live, b->live, a->n_cells) == 0;
}

static bool read_all(struct together *t, const struct together_question *q, struct err *e)
{
	if (!read_ledger(t, q, e) || !add_release(t, q->folder, q->result, e))
		return false;
	snprintf(t->label[t->n - 1], sizeof t->label[0], "new");
	if (!level_out(t, e))
		return false;
	if (same_release(&t->release[t->n - 1], &t->release[t->n - 2]))
		lattice_free(&t->release[--t->n]);
	t->n_cells = t->release[0].n_cells;
	t->n_released = t->n_cells * t->n;
	return true;
}

/* ---- who sent other figures ---- */

/* Pairs are counted by their later release, then by their earlier one. */
static uint32_t pair_of(uint32_t from, uint32_t to)
{
	return to * (to - 1) / 2 + from;
}

static uint8_t *open_of(const struct together *t, uint32_t from, uint32_t to)
{
	return t->open + pair_of(from, to) * t->n_cells;
}

static uint32_t code_of(const struct together *t, uint64_t cell)
{
	return t->office == UINT32_MAX ? 0 : lattice_place(&t->release[0], cell % t->n_cells, t->office);
}

static bool is_inner(const struct lattice *g, uint64_t cell)
{
	for (uint32_t d = 0; d < g->n_dims; d++)
		if (!lattice_is_leaf(&g->dim[d], lattice_place(g, cell, d)))
			return false;
	return true;
}

/* Where both were asked, an office's figures are the same or not; where one list lacks a code nothing is known of it. */
static void compare(const struct together *t, uint32_t from, uint32_t to, bool *changed)
{
	const struct lattice *a = &t->release[from];
	const struct lattice *b = &t->release[to];
	uint8_t *open = open_of(t, from, to);
	memset(changed, 0, t->n_codes * sizeof *changed);
	for (uint64_t c = 0; c < t->n_cells; c++)
		if (is_inner(a, c) && lattice_is_listed(a, c) && lattice_is_listed(b, c) &&
		    (a->truth[c] != b->truth[c] || a->live[c] != b->live[c]))
			changed[code_of(t, c)] = true;
	for (uint64_t c = 0; c < t->n_cells; c++)
		open[c] = is_inner(a, c) && changed[code_of(t, c)];
	lattice_between(a, b, open);
}

static bool find_changed(struct together *t, const char *office_dim, struct err *e)
{
	t->office = lattice_dim(&t->release[0], office_dim);
	t->n_codes = t->office == UINT32_MAX ? 1 : t->release[0].dim[t->office].n_codes;
	t->open = calloc((size_t)t->n * t->n * t->n_cells, 1);
	bool *changed = calloc(t->n_codes, sizeof *changed);
	bool ok = (t->open != NULL && changed != NULL) || no_memory(e);
	for (uint32_t to = 1; ok && to < t->n; to++)
		for (uint32_t from = 0; from < to; from++)
			compare(t, from, to, changed);
	free(changed);
	return ok;
}

uint64_t together_earliest(const struct together *t, uint64_t cell)
{
	uint32_t to = (uint32_t)(cell / t->n_cells);
	for (uint32_t from = 0; from < to; from++)
		if (open_of(t, from, to)[cell % t->n_cells] == 0)
			return cell - (to - from) * t->n_cells;
	return cell;
}

static void pair_ends(uint32_t pair, uint32_t *from, uint32_t *to)
{
	for (*to = 1; pair >= *to; ++*to)
		pair -= *to;
	*from = pair;
}

void together_ends(const struct together *t, uint64_t difference, uint64_t *before, uint64_t *after)
{
	uint32_t from;
	uint32_t to;
	uint64_t cell = difference % t->n_cells;
	pair_ends((uint32_t)((difference - t->n_released) / t->n_cells), &from, &to);
	*before = from * t->n_cells + cell;
	*after = to * t->n_cells + cell;
}

bool together_foreign(const struct together *t, uint64_t difference, const bool *own)
{
	uint64_t cell = difference % t->n_cells;
	const uint8_t *open = t->open + (difference - t->n_released) / t->n_cells * t->n_cells;
	if (own == NULL || t->office == UINT32_MAX || open[cell] == 0)
		return open[cell] != 0;
	const struct lattice *g = &t->release[0];
	const struct latticedim *d = &g->dim[t->office];
	bool *below = calloc(d->n_codes, sizeof *below);
	bool foreign = below == NULL; /* asked about rather than passed over */
	if (below != NULL)
		lattice_leaves(d, code_of(t, cell), below);
	for (uint32_t o = 0; !foreign && o < d->n_codes; o++)
		foreign =
		    below[o] && !own[o] &&
		    open[cell - code_of(t, cell) * g->stride[t->office] + o * g->stride[t->office]] != 0;
	free(below);
	return foreign;
}

/* ---- the joint lattice ---- */

static bool make_dimension(struct together *t, struct latticedim *d, struct err *e)
{
	static char name[] = "release";
	uint32_t pairs = t->n * (t->n - 1) / 2;
	d->name = name;
	d->n_codes = t->n + pairs;
	d->code = calloc(d->n_codes, sizeof *d->code);
	if (d->code == NULL)
		return no_memory(e);
	for (uint32_t i = 0; i < pairs; i++) {
		char later[12];
		char earlier[12];
		uint32_t from;
		uint32_t to;
		pair_ends(i, &from, &to);
		snprintf(later, sizeof later, "%s", t->label[to]);
		snprintf(earlier, sizeof earlier, "%s", t->label[from]);
		snprintf(t->label[t->n + i], sizeof t->label[0], "%s-%s", later, earlier);
	}
	for (uint32_t i = 0; i < d->n_codes; i++)
		d->code[i] = t->label[i];
	return true;
}

static void fill(struct together *t, struct lattice *joint)
{
	uint64_t n = t->n_cells;
	int64_t most = 0;
	for (uint32_t v = 0; v < t->n; v++) {
		memcpy(joint->mark + v * n, t->release[v].mark, n);
		memcpy(joint->value + v * n, t->release[v].value, n * sizeof *joint->value);
		memcpy(joint->truth + v * n, t->release[v].truth, n * sizeof *joint->truth);
	}
	for (uint32_t v = 0; v < t->n; v++)
		for (uint64_t c = 0; c < n; c++)
			most = t->release[v].truth[c] > most ? t->release[v].truth[c] : most;
	for (uint64_t c = t->n_released; c < joint->n_cells; c++) {
		uint32_t from;
		uint32_t to;
		pair_ends((uint32_t)((c - t->n_released) / n), &from, &to);
		joint->mark[c] = '-';
		joint->value[c] = -1;
		joint->truth[c] = t->release[to].truth[c % n] - t->release[from].truth[c % n];
	}
	t->shift = 4 * most + 1000;
}

static bool join(struct together *t, struct lattice *joint, struct err *e)
{
	const struct lattice *g = &t->release[0];
	if (g->n_dims + 1 > LATTICE_DIMS_MAX)
		return err_set(e, ERR_LIMIT, "too many dimensions for several releases");
	joint->n_dims = g->n_dims + 1;
	for (uint32_t d = 0; d < g->n_dims; d++) {
		joint->dim[d + 1] = g->dim[d];
		joint->stride[d + 1] = g->stride[d];
	}
	joint->stride[0] = t->n_cells;
	if (!make_dimension(t, &joint->dim[0], e))
		return false;
	joint->n_cells = t->n_cells * joint->dim[0].n_codes;
	if (joint->n_cells > LATTICE_CELLS_MAX)
		return err_set(e, ERR_LIMIT, "too many cells together");
	joint->mark = malloc(joint->n_cells);
	joint->value = malloc(joint->n_cells * sizeof *joint->value);
	joint->truth = malloc(joint->n_cells * sizeof *joint->truth);
	if (joint->mark == NULL || joint->value == NULL || joint->truth == NULL)
		return no_memory(e);
	fill(t, joint);
	return true;
}

bool together_read(
    struct together *t, struct lattice *joint, const struct together_question *q, struct err *e)
{
	*joint = (struct lattice){ 0 };
	return read_all(t, q, e) && find_changed(t, q->office_dim, e) && join(t, joint, e);
}

void together_free(struct together *t, struct lattice *joint)
{
	if (joint->truth != NULL)
		sodium_memzero(joint->truth, joint->n_cells * sizeof *joint->truth);
	free(joint->dim[0].code);
	free(joint->mark);
	free(joint->value);
	free(joint->truth);
	*joint = (struct lattice){ 0 };
	for (uint32_t v = 0; v < t->n; v++)
		lattice_free(&t->release[v]);
	free(t->open);
	t->open = NULL;
	t->n = 0;
}
