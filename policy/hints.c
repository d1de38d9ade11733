#include "policy/hints.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/array.h"

/* ---- reading ---- */

struct cursor {
	const uint8_t *at, *end;
};

static bool take(struct cursor *c, const char *text)
{
	size_t n = strlen(text);
	if ((size_t)(c->end - c->at) < n || memcmp(c->at, text, n) != 0)
		return false;
	c->at += n;
	return true;
}

static bool take_number(struct cursor *c, int64_t *out)
{
	bool minus = take(c, "-");
	int64_t v = 0;
	const uint8_t *from = c->at;
	for (; c->at < c->end && *c->at >= '0' && *c->at <= '9' && c->at - from < 12; c->at++)
		v = v * 10 + (*c->at - '0');
	*out = minus ? -v : v;
	return c->at > from;
}

/* The release before numbered the cells of its own lists. */
static int64_t size_before(const struct ledger *l)
{
	const struct lift *lift = &l->past[l->n - 1].lift;
	return lift->t == NULL ? l->size : lift->size;
}

static uint32_t cell_now(const struct ledger *l, int64_t cell)
{
	const struct lift *lift = &l->past[l->n - 1].lift;
	uint32_t own = (uint32_t)(cell % size_before(l));
	return lift->t == NULL ? own : lift->place[own];
}

static bool add_entry(struct hints *h, uint32_t release, uint32_t cell, int64_t by)
{
	if (!array_room(&h->entry, &h->room_entries, h->n_entries + 1, sizeof *h->entry))
		return false;
	h->entry[h->n_entries++] = (struct hint_entry){ .release = release, .cell = cell, .by = (int32_t)by };
	return true;
}

/* One entry of the release before: its first cells are its own, then come those of the releases before it; the
 * differences follow from them. */
static bool put_entry(struct hints *h, const struct ledger *l, int64_t cell, int64_t by)
{
	int64_t code = cell / size_before(l);
	if (code >= l->n)
		return true;
	return add_entry(h, l->n - 1 - (uint32_t)code, cell_now(l, cell), by);
}

/* New codes above old ones change with their parts: along one dimension after another, those of what was added too. */
static bool carry_up(struct hints *h, const struct ledger *l, uint32_t begin)
{
	const struct lift *lift = &l->past[l->n - 1].lift;
	for (size_t d = 0; lift->t != NULL && d < l->t->n_dims; d++) {
		const struct dim *dim = &l->t->dim[d];
		for (uint32_t i = begin; i < h->n_entries; i++) {
			struct hint_entry e = h->entry[i];
			uint32_t code = table_coord(l->t, e.cell, d);
			for (uint32_t k = 0; k < list_size(&dim->up, code); k++) {
				uint32_t b = list_at(&dim->up, code)[k];
				uint32_t parent = dim->breakdown[b].parent;
				uint32_t cell = e.cell + (parent - code) * (uint32_t)l->t->stride[d];
				if (lift_is_born(lift, d, parent) && list_at(&dim->down, parent)[0] == b &&
				    !add_entry(h, e.release, cell, e.by))
					return false;
			}
		}
	}
	return true;
}

/* a <number> <entries> <cell>:<by> ... False: memory. A line of another kind is no move. */
static bool read_move(struct hints *h, const struct ledger *l, struct cursor *c)
{
	int64_t number = 0;
	int64_t n = 0;
	int64_t cell = 0;
	int64_t by = 0;
	int64_t cells = size_before(l) * (l->n + l->n * (l->n - 1) / 2);
	uint32_t begin = h->n_entries;
	if (!array_room(&h->first, &h->room, h->n + 2, sizeof *h->first))
		return false;
	h->first[h->n] = begin;
	bool ok = take(c, "a ") && take_number(c, &number) && take(c, " ") && take_number(c, &n);
	while (ok && c->at < c->end && *c->at != '\n') {
		ok = take(c, " ") && take_number(c, &cell) && take(c, ":") && take_number(c, &by) &&
		     cell >= 0 && cell < cells && by >= INT32_MIN && by <= INT32_MAX;
		if (ok && !put_entry(h, l, cell, by))
			return false;
	}
	if (!ok)
		h->n_entries = begin;
	ok = carry_up(h, l, begin);
	h->first[++h->n] = h->n_entries;
	return ok;
}

/* r <cell> <target> [office A ][slot N|public] <move> <rules>; sums of cells are passed over. */
static bool read_use(struct hints *h, const struct ledger *l, struct cursor *c)
{
	int64_t cell = 0;
	int64_t target = 0;
	int64_t slot = 0;
	int64_t move = -1;
	if (!take(c, "r ") || !take_number(c, &cell) || !take(c, " ") || !take_number(c, &target))
		return true;
	while (c->at < c->end && move < 0) {
		if (take(c, " slot "))
			take_number(c, &slot);
		else if (take(c, " ") && c->at < c->end && *c->at >= '0' && *c->at <= '9')
			take_number(c, &move);
		else if (c->at < c->end)
			c->at++;
	}
	if (cell < 0 || move < 0 || move >= h->n || slot < 0 || slot > UINT8_MAX)
		return true;
	if (!array_room(&h->use, &h->room_uses, h->n_uses + 1, sizeof *h->use))
		return false;
	h->use[h->n_uses++] = (struct hint_use){
		.cell = cell_now(l, cell), .slot = (uint32_t)slot, .hint = (uint32_t)move, .next = NONE
	};
	return true;
}

static bool index_cells(struct hints *h, const struct ledger *l)
{
	h->head = malloc((size_t)l->size * sizeof *h->head);
	h->next = malloc(((size_t)h->n_entries + 1) * sizeof *h->next);
	h->of = malloc(((size_t)h->n_entries + 1) * sizeof *h->of);
	h->use_head = malloc((size_t)l->size * sizeof *h->use_head);
	if (h->head == NULL || h->next == NULL || h->of == NULL || h->use_head == NULL)
		return false;
	memset(h->use_head, 0xff, (size_t)l->size * sizeof *h->use_head);
	for (uint32_t i = h->n_uses; i-- > 0;) {
		h->use[i].next = h->use_head[h->use[i].cell];
		h->use_head[h->use[i].cell] = i;
	}
	memset(h->head, 0xff, (size_t)l->size * sizeof *h->head);
	for (uint32_t i = h->n; i-- > 0;)
		for (uint32_t k = h->first[i]; k < h->first[i + 1]; k++) {
			uint32_t cell = h->entry[k].cell;
			if (h->head[cell] != NONE && h->of[h->head[cell]] == i)
				continue;
			h->of[h->n_links] = i;
			h->next[h->n_links] = h->head[cell];
			h->head[cell] = h->n_links++;
		}
	return true;
}

bool hints_read(struct hints *h, const struct ledger *l, struct bytes auditor, struct err *e)
{
	struct cursor c = { auditor.at, auditor.len == 0 ? auditor.at : auditor.at + auditor.len };
	enum { ELSEWHERE, MOVES, USES } inside = ELSEWHERE;
	bool ok = true;
	memset(h, 0, sizeof *h);
	while (ok && c.at < c.end) {
		const uint8_t *feed = memchr(c.at, '\n', (size_t)(c.end - c.at));
		if (feed == NULL)
			break;
		struct cursor line = { c.at, feed };
		if (take(&line, "section "))
			inside = take(&line, "amplitudes")     ? MOVES
				 : take(&line, "requirements") ? USES
							       : ELSEWHERE;
		else if (inside != ELSEWHERE)
			ok = inside == MOVES ? read_move(h, l, &line) : read_use(h, l, &line);
		c.at = feed + 1;
	}
	return (ok && index_cells(h, l)) ||
	       err_set(e, ERR_MEMORY, "no memory for the earlier release's moves");
}

void hints_free(struct hints *h)
{
	if (h->entry != NULL)
		sodium_memzero(h->entry, (size_t)h->n_entries * sizeof *h->entry);
	free(h->entry);
	free(h->first);
	free(h->head);
	free(h->next);
	free(h->of);
	free(h->use);
	free(h->use_head);
	memset(h, 0, sizeof *h);
}

/* ---- using ---- */

static bool may_change(const struct search *s, uint32_t cell)
{
	const struct grid *g = s->g;
	uint32_t office = grid_office(g, cell);
	if (g->kind[cell] == KIND_DEAD || g->kind[cell] == KIND_FORCED ||
	    (office != NONE && s->avoid[office] != 0))
		return false;
	if (grid_loose(g, cell))
		return true;
	return search_may_buy(s, cell);
}

static bool put(struct search *s, uint32_t code, const struct ledger *l, uint32_t cell, int64_t by)
{
	return by == 0 || search_put(s, code * l->size + cell, by);
}

/* A change in one release, and in all differences of it with others. */
static bool put_release(struct search *s, const struct ledger *l, uint32_t release, uint32_t cell, int64_t by)
{
	bool ok = put(s, ledger_release_code(l, release), l, cell, by);
	for (uint32_t i = 0; ok && i < l->n_spans; i++) {
		int64_t change = (l->span[i].to == release ? by : 0) - (l->span[i].from == release ? by : 0);
		ok = put(s, ledger_span_code(l, i), l, cell, change);
	}
	return ok;
}

static const struct span *last_span(const struct ledger *l)
{
	return &l->span[l->n * (l->n - 1) / 2];
}

/* The cell of this release and its totals over offices, where it is an unchanged office's. */
static bool put_unchanged(struct search *s, const struct ledger *l, uint32_t cell, int64_t by)
{
	if (l->office_dim == SIZE_MAX)
		return last_span(l)->changed[0] != 0 || put_release(s, l, l->n, cell, by);
	const struct dim *d = &l->t->dim[l->office_dim];
	uint32_t office = ledger_office(l, cell);
	if (!dim_is_leaf(d, office) || last_span(l)->changed[office] != 0)
		return true;
	bool ok = true;
	for (uint32_t k = 0; ok && k < list_size(&d->above, office); k++) {
		uint32_t code = list_at(&d->above, office)[k];
		uint32_t total = cell + (code - office) * (uint32_t)l->t->stride[l->office_dim];
		ok = put_release(s, l, l->n, total, by);
	}
	return ok;
}

bool hints_put(const struct hints *h, uint32_t i, enum hint_way way, int64_t factor, struct search *s)
{
	const struct ledger *l = s->g->ledger;
	bool ok = true;
	search_reset(s);
	for (uint32_t k = h->first[i]; ok && k < h->first[i + 1]; k++) {
		const struct hint_entry *e = &h->entry[k];
		int64_t by = e->by * factor;
		ok = put_release(s, l, e->release, e->cell, by);
		if (e->release + 1 != l->n || way == HINT_ALONE)
			continue;
		ok = ok && (way == HINT_REPEATED ? put_release(s, l, l->n, e->cell, by)
						 : put_unchanged(s, l, e->cell, by));
	}
	for (uint32_t k = 0; ok && k < s->n_touched; k++)
		ok = search_delta(s, s->touched[k]) == 0 || may_change(s, s->touched[k]);
	if (!ok)
		search_reset(s);
	return ok;
}
