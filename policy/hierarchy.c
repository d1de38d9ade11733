#include "policy/hierarchy.h"

#include <stdlib.h>
#include <string.h>

#include "policy/array.h"

#define ATOMS_MAX                                                                                            \
	(UINT32_C(1) << 25) /* of all codes together: a bound on what a strange hierarchy can cost */

struct level { /* of the branch being read: which code stands there and the breakdown its children make */
	uint32_t code;
	uint32_t breakdown; /* NONE until the first child */
	unsigned line;
	bool view;
	bool again; /* stood in this breakdown before: only right if children follow */
};

struct build {
	uint32_t *slot; /* hash table: code number + 1 */
	uint32_t n_slots;
	uint32_t room_codes, room_breakdowns, room_pairs;
	uint32_t *pair; /* child lines: breakdown, child */
	uint32_t n_pairs;
	struct level level[TABLE_DEPTH_MAX + 1];
	unsigned depth;
};

static uint32_t hash_text(const char *text)
{
	uint32_t h = 2166136261u;
	for (; *text != '\0'; text++)
		h = (h ^ (uint8_t)*text) * 16777619u;
	return h;
}

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the table");
}

/* Makes room for one more item of size bytes in *array. */
bool dim_init(struct dim *d, const char *name, struct err *e)
{
	memset(d, 0, sizeof *d);
	memcpy(d->name, name, strlen(name) + 1);
	d->build = calloc(1, sizeof *d->build);
	if (d->build == NULL)
		return no_memory(e);
	d->build->n_slots = 64;
	d->build->slot = calloc(d->build->n_slots, sizeof *d->build->slot);
	return d->build->slot != NULL || no_memory(e);
}

static void build_free(struct build *b)
{
	if (b == NULL)
		return;
	free(b->slot);
	free(b->pair);
	free(b);
}

static void list_free(struct list *l)
{
	free(l->first);
	free(l->item);
	*l = (struct list){ 0 };
}

void dim_free(struct dim *d)
{
	for (uint32_t i = 0; i < d->n_codes; i++)
		free(d->code[i]);
	free(d->code);
	free(d->breakdown);
	free(d->child);
	free(d->order);
	list_free(&d->down);
	list_free(&d->up);
	list_free(&d->above);
	list_free(&d->atoms);
	free(d->n_plain);
	free(d->region);
	free(d->base_view);
	buf_free(&d->lines);
	build_free(d->build);
	memset(d, 0, sizeof *d);
}

static uint32_t *find_slot(const struct dim *d, const char *code)
{
	struct build *b = d->build;
	uint32_t i = hash_text(code) & (b->n_slots - 1);
	while (b->slot[i] != 0 && strcmp(d->code[b->slot[i] - 1], code) != 0)
		i = (i + 1) & (b->n_slots - 1);
	return &b->slot[i];
}

uint32_t dim_find(const struct dim *d, const char *code)
{
	uint32_t slot = *find_slot(d, code);
	return slot == 0 ? NONE : slot - 1;
}

static bool widen_slots(struct dim *d, struct err *e)
{
	struct build *b = d->build;
	free(b->slot);
	b->n_slots *= 2;
	b->slot = calloc(b->n_slots, sizeof *b->slot);
	if (b->slot == NULL)
		return no_memory(e);
	for (uint32_t i = 0; i < d->n_codes; i++)
		*find_slot(d, d->code[i]) = i + 1;
	return true;
}

static bool add_code(struct dim *d, const char *code, uint32_t *number, struct err *e)
{
	struct build *b = d->build;
	*number = dim_find(d, code);
	if (*number != NONE)
		return true;
	if (d->n_codes >= LIMIT_CODES)
		return err_set(e, ERR_LIMIT, "dimension %s has too many codes", d->name);
	if (!array_room(&d->code, &b->room_codes, d->n_codes + 1, sizeof *d->code))
		return no_memory(e);
	d->code[d->n_codes] = strdup(code);
	if (d->code[d->n_codes] == NULL)
		return no_memory(e);
	*number = d->n_codes++;
	if (d->n_codes * 2 > b->n_slots)
		return widen_slots(d, e);
	*find_slot(d, code) = *number + 1;
	return true;
}

static bool code_text_ok(const char *code)
{
	size_t n = strlen(code);
	if (n == 0 || n > TABLE_CODE_MAX || strcmp(code, "*") == 0)
		return false;
	for (const char *c = code; *c != '\0'; c++)
		if ((uint8_t)*c < 0x20 || *c == 0x7f || *c == ',' || *c == '|' || *c == '"')
			return false;
	return true;
}

static bool at_line(unsigned line, struct err *e)
{
	return line == 0 ? false : err_wrap(e, "line %u", line);
}

/* The breakdown that children of the code at `level` join; made with the first of them. */
static bool open_breakdown(struct dim *d, struct level *level, struct err *e)
{
	struct build *b = d->build;
	if (level->breakdown != NONE)
		return true;
	if (!array_room(&d->breakdown, &b->room_breakdowns, d->n_breakdowns + 1, sizeof *d->breakdown))
		return no_memory(e);
	d->breakdown[d->n_breakdowns] =
	    (struct breakdown){ .parent = level->code, .line = level->line, .view = level->view };
	level->breakdown = d->n_breakdowns++;
	return true;
}

/* A code that stands again in the same breakdown begins another grouping of its own; it is not a child twice.
 */
static bool stands_already(const struct dim *d, uint32_t breakdown, uint32_t code)
{
	const struct build *b = d->build;
	for (uint32_t i = b->n_pairs; i-- > 0;) {
		if (b->pair[2 * i] == breakdown && b->pair[2 * i + 1] == code)
			return true;
		if (b->pair[2 * i] < breakdown)
			return false;
	}
	return false;
}

static bool check_again(const struct dim *d, struct err *e)
{
	const struct level *last = &d->build->level[d->build->depth];
	if (d->build->depth == 0 || !last->again || last->breakdown != NONE)
		return true;
	err_set(e, ERR_INVALID, "dimension %s: %s stands twice under the same code", d->name,
	    d->code[last->code]);
	return at_line(last->line, e);
}

bool dim_add_line(struct dim *d, unsigned level, const char *code, bool view, unsigned line, struct err *e)
{
	struct build *b = d->build;
	uint32_t number = NONE;
	uint32_t before = d->n_codes;
	bool again = false;
	if (!code_text_ok(code))
		return err_set(e, ERR_INVALID,
		    "dimension %s: not a code: 1 to %d bytes of UTF-8 without comma, bar, quote and control "
		    "characters are",
		    d->name, TABLE_CODE_MAX);
	if (level == 0 || level > TABLE_DEPTH_MAX || level > b->depth + 1)
		return err_set(
		    e, ERR_INVALID, "dimension %s: level of %s has no parent above it", d->name, code);
	if (level == 1 && d->n_codes > 0 && strcmp(code, d->code[0]) != 0)
		return err_set(e, ERR_INVALID, "dimension %s: second total %s", d->name, code);
	if (level <= b->depth && !check_again(d, e))
		return false;
	if (!add_code(d, code, &number, e))
		return false;
	for (unsigned i = 1; i < level; i++)
		if (b->level[i].code == number)
			return err_set(e, ERR_INVALID, "dimension %s: %s is its own ancestor", d->name, code);
	if (level > 1) {
		struct level *parent = &b->level[level - 1];
		if (!open_breakdown(d, parent, e))
			return false;
		again = number < before && stands_already(d, parent->breakdown, number);
		if (!again) {
			if (!array_room(&b->pair, &b->room_pairs, b->n_pairs + 1, 2 * sizeof *b->pair))
				return no_memory(e);
			b->pair[2 * b->n_pairs] = parent->breakdown;
			b->pair[2 * b->n_pairs + 1] = number;
			b->n_pairs++;
		}
	}
	b->level[level] =
	    (struct level){ .code = number, .breakdown = NONE, .line = line, .view = view, .again = again };
	b->depth = level;
	for (unsigned i = 0; i < level; i++)
		buf_put_byte(&d->lines, '@');
	buf_printf(&d->lines, ",%s,%d\n", code, view ? 1 : 0);
	return !d->lines.failed || no_memory(e);
}

/* ---- what follows once all lines are in ---- */

static bool list_make(struct list *l, uint32_t rows, size_t items)
{
	l->first = calloc((size_t)rows + 2, sizeof *l->first);
	l->item = malloc((items + 1) * sizeof *l->item);
	return l->first != NULL && l->item != NULL;
}

/* Children in the order read, grouped by breakdown. */
static bool sort_children(struct dim *d)
{
	struct build *b = d->build;
	uint32_t at = 0;
	d->child = malloc(((size_t)b->n_pairs + 1) * sizeof *d->child);
	if (d->child == NULL)
		return false;
	for (uint32_t i = 0; i < b->n_pairs; i++)
		d->breakdown[b->pair[2 * i]].n++;
	for (uint32_t i = 0; i < d->n_breakdowns; i++) {
		d->breakdown[i].first = at;
		at += d->breakdown[i].n;
		d->breakdown[i].n = 0;
	}
	for (uint32_t i = 0; i < b->n_pairs; i++) {
		struct breakdown *k = &d->breakdown[b->pair[2 * i]];
		d->child[k->first + k->n++] = b->pair[2 * i + 1];
	}
	return true;
}

static bool make_down(struct dim *d)
{
	d->n_plain = calloc((size_t)d->n_codes + 1, sizeof *d->n_plain);
	if (d->n_plain == NULL || !list_make(&d->down, d->n_codes, d->n_breakdowns))
		return false;
	uint32_t *first = d->down.first;
	for (uint32_t i = 0; i < d->n_breakdowns; i++)
		first[d->breakdown[i].parent + 2]++;
	for (uint32_t c = 0; c < d->n_codes; c++)
		first[c + 2] += first[c + 1];
	for (int views = 0; views < 2; views++)
		for (uint32_t i = 0; i < d->n_breakdowns; i++) {
			const struct breakdown *k = &d->breakdown[i];
			if (k->view != (views == 1))
				continue;
			d->down.item[first[k->parent + 1]++] = i;
			d->n_plain[k->parent] += k->view ? 0 : 1;
		}
	for (uint32_t c = 0; c < d->n_codes; c++)
		d->n_leaves += list_size(&d->down, c) == 0;
	return true;
}

static bool make_up(struct dim *d)
{
	if (!list_make(&d->up, d->n_codes, d->build->n_pairs))
		return false;
	uint32_t *first = d->up.first;
	for (uint32_t i = 0; i < d->build->n_pairs; i++)
		first[d->child[i] + 2]++;
	for (uint32_t c = 0; c < d->n_codes; c++)
		first[c + 2] += first[c + 1];
	for (uint32_t i = 0; i < d->n_breakdowns; i++)
		for (uint32_t j = 0; j < d->breakdown[i].n; j++)
			d->up.item[first[d->child[d->breakdown[i].first + j] + 1]++] = i;
	return true;
}

/* Children before parents. A code that never gets its turn is its own ancestor. */
static bool make_order(struct dim *d, struct err *e)
{
	uint32_t *open = calloc((size_t)d->n_codes + 1, sizeof *open);
	uint32_t n = 0;
	d->order = malloc(((size_t)d->n_codes + 1) * sizeof *d->order);
	if (open == NULL || d->order == NULL) {
		free(open);
		return no_memory(e);
	}
	for (uint32_t i = 0; i < d->n_breakdowns; i++)
		open[d->breakdown[i].parent] += d->breakdown[i].n;
	for (uint32_t c = 0; c < d->n_codes; c++)
		if (open[c] == 0)
			d->order[n++] = c;
	for (uint32_t done = 0; done < n; done++) {
		const uint32_t *up = list_at(&d->up, d->order[done]);
		for (uint32_t j = 0; j < list_size(&d->up, d->order[done]); j++)
			if (--open[d->breakdown[up[j]].parent] == 0)
				d->order[n++] = d->breakdown[up[j]].parent;
	}
	const struct breakdown *k = d->breakdown;
	while (n < d->n_codes && open[k->parent] == 0) /* some code waits for its children for ever */
		k++;
	free(open);
	if (n == d->n_codes)
		return true;
	err_set(e, ERR_INVALID, "dimension %s: %s is its own ancestor, or above one that is", d->name,
	    d->code[k->parent]);
	return at_line(k->line, e);
}

static bool check_views(const struct dim *d, struct err *e)
{
	for (uint32_t i = 0; i < d->n_breakdowns; i++) {
		const struct breakdown *k = &d->breakdown[i];
		if (!k->view)
			continue;
		if (k->n != 2) {
			err_set(e, ERR_INVALID, "dimension %s: the view of %s does not have two children",
			    d->name, d->code[k->parent]);
			return at_line(k->line, e);
		}
		for (uint32_t j = 0; j < k->n; j++)
			if (list_size(&d->up, d->child[k->first + j]) != 1) {
				err_set(e, ERR_INVALID, "dimension %s: %s of a view stands elsewhere as well",
				    d->name, d->code[d->child[k->first + j]]);
				return at_line(k->line, e);
			}
	}
	return true;
}

/* Parents come first here, so a parent's region is known before its children's. */
static bool make_regions(struct dim *d, struct err *e)
{
	d->region = malloc(((size_t)d->n_codes + 1) * sizeof *d->region);
	d->base_view = malloc(((size_t)d->n_codes + 1) * sizeof *d->base_view);
	if (d->region == NULL || d->base_view == NULL)
		return no_memory(e);
	for (uint32_t i = d->n_codes; i-- > 0;) {
		uint32_t c = d->order[i];
		const uint32_t *up = list_at(&d->up, c);
		d->region[c] = c;
		d->base_view[c] = NONE;
		for (uint32_t j = 0; j < list_size(&d->up, c); j++) {
			const struct breakdown *k = &d->breakdown[up[j]];
			if (k->view) {
				d->base_view[c] = up[j];
				continue;
			}
			if (j > 0 && d->region[c] != d->region[k->parent])
				return err_set(e, ERR_INVALID, "dimension %s: %s stands in two views",
				    d->name, d->code[c]);
			d->region[c] = d->region[k->parent];
		}
	}
	return true;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = 0;
	uint32_t y = 0;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

struct atoms { /* growing rows, one a code, in order of `order` */
	uint32_t *item;
	uint32_t n, room;
	uint32_t *start, *size; /* by code */
};

/* Appends the sorted atoms of one breakdown at the end of a; false with an atom twice or too many. */
static bool gather(
    const struct dim *d, struct atoms *a, const struct breakdown *k, uint32_t *n, struct err *e)
{
	uint32_t start = a->n;
	for (uint32_t j = 0; j < k->n; j++) {
		uint32_t c = d->child[k->first + j];
		for (uint32_t i = 0; i < a->size[c]; i++) {
			if (a->n >= ATOMS_MAX)
				return err_set(e, ERR_LIMIT, "dimension %s is too large", d->name);
			if (!array_room(&a->item, &a->room, a->n + 1, sizeof *a->item))
				return no_memory(e);
			uint32_t atom = a->item[a->start[c] + i];
			a->item[a->n++] = atom;
		}
	}
	*n = a->n - start;
	if (*n > 0) /* qsort wants a place even for nothing */
		qsort(a->item + start, *n, sizeof *a->item, by_number);
	for (uint32_t i = 1; i < *n; i++)
		if (a->item[start + i] == a->item[start + i - 1]) {
			err_set(e, ERR_INVALID, "dimension %s: a breakdown of %s holds %s twice", d->name,
			    d->code[k->parent], d->code[a->item[start + i]]);
			return at_line(k->line, e);
		}
	return true;
}

static bool atoms_of_code(const struct dim *d, struct atoms *a, uint32_t c, struct err *e)
{
	uint32_t n = 0;
	a->start[c] = a->n;
	if (d->n_plain[c] == 0) {
		if (!array_room(&a->item, &a->room, a->n + 1, sizeof *a->item))
			return no_memory(e);
		a->item[a->n++] = c;
		a->size[c] = 1;
		return true;
	}
	if (!gather(d, a, dim_down(d, c, 0), &n, e))
		return false;
	a->size[c] = n;
	for (uint32_t i = 1; i < d->n_plain[c]; i++) {
		uint32_t keep = a->n;
		if (!gather(d, a, dim_down(d, c, i), &n, e))
			return false;
		if (n != a->size[c] || a->item == NULL ||
		    memcmp(a->item + a->start[c], a->item + keep, (size_t)n * sizeof *a->item) != 0) {
			err_set(e, ERR_INVALID,
			    "dimension %s: the breakdowns of %s do not hold the same codes", d->name,
			    d->code[c]);
			return at_line(dim_down(d, c, i)->line, e);
		}
		a->n = keep;
	}
	return true;
}

static bool make_atoms(struct dim *d, struct err *e)
{
	bool ok = false;
	struct atoms a = { 0 };
	a.start = calloc((size_t)d->n_codes + 1, sizeof *a.start);
	a.size = calloc((size_t)d->n_codes + 1, sizeof *a.size);
	if (a.start == NULL || a.size == NULL) {
		no_memory(e);
		goto done;
	}
	for (uint32_t i = 0; i < d->n_codes; i++)
		if (!atoms_of_code(d, &a, d->order[i], e))
			goto done;
	if (!list_make(&d->atoms, d->n_codes, a.n)) {
		no_memory(e);
		goto done;
	}
	for (uint32_t c = 0; c < d->n_codes; c++) {
		d->atoms.first[c + 1] = d->atoms.first[c] + a.size[c];
		if (a.size[c] > 0)
			memcpy(d->atoms.item + d->atoms.first[c], a.item + a.start[c],
			    a.size[c] * sizeof *a.item);
	}
	ok = true;
done:
	free(a.item);
	free(a.start);
	free(a.size);
	return ok;
}

/* A move takes a code with all that is above it, and another: half of OPTION_CODES_MAX (search.h). */
static bool too_deep(const struct dim *d, uint32_t code, struct err *e)
{
	err_set(e, ERR_INVALID, "dimension %s: %s has more than %u codes above it", d->name, d->code[code],
	    TABLE_ABOVE_MAX - 1);
	return at_line(d->breakdown[list_at(&d->up, code)[0]].line, e);
}

/* Breadth first from each code upwards: itself, its parents, theirs. Codes stand in `order` children first,
 * so the rows are put together from the parents' finished ones. */
static bool make_above(struct dim *d, struct err *e)
{
	uint32_t n = 0;
	uint32_t room = 0;
	uint32_t *item = NULL;
	uint32_t *seen = malloc(((size_t)d->n_codes + 1) * sizeof *seen);
	d->above.first = calloc((size_t)d->n_codes + 2, sizeof *d->above.first);
	if (seen == NULL || d->above.first == NULL)
		goto memory;
	memset(seen, 0xff, ((size_t)d->n_codes + 1) * sizeof *seen);
	for (uint32_t c = 0; c < d->n_codes; c++) {
		uint32_t start = n;
		if (n >= ATOMS_MAX || !array_room(&item, &room, n + 1, sizeof *item))
			goto memory;
		item[n++] = c;
		seen[c] = c;
		for (uint32_t at = start; at < n; at++) {
			const uint32_t *up = list_at(&d->up, item[at]);
			for (uint32_t j = 0; j < list_size(&d->up, item[at]); j++) {
				const struct breakdown *k = &d->breakdown[up[j]];
				if (k->view || seen[k->parent] == c)
					continue;
				if (n >= ATOMS_MAX || !array_room(&item, &room, n + 1, sizeof *item))
					goto memory;
				item[n++] = k->parent;
				seen[k->parent] = c;
				up = list_at(&d->up, item[at]);
			}
		}
		if (n > start + TABLE_ABOVE_MAX) {
			free(seen);
			free(item);
			return too_deep(d, c, e);
		}
		d->above.first[c + 1] = n;
	}
	d->above.item = item;
	free(seen);
	return true;
memory:
	free(seen);
	free(item);
	return no_memory(e);
}

bool dim_is_child(const struct dim *d, const struct breakdown *b, uint32_t code)
{
	const uint32_t *up = list_at(&d->up, code);
	for (uint32_t i = 0; i < list_size(&d->up, code); i++)
		if (&d->breakdown[up[i]] == b)
			return true;
	return false;
}

bool dim_is_above(const struct dim *d, uint32_t upper, uint32_t code)
{
	const uint32_t *above = list_at(&d->above, code);
	for (uint32_t i = 0; i < list_size(&d->above, code); i++)
		if (above[i] == upper)
			return true;
	return false;
}

bool dim_finish(struct dim *d, struct err *e)
{
	if (d->n_codes == 0)
		return err_set(e, ERR_INVALID, "dimension %s has no code", d->name);
	if (!check_again(d, e))
		return false;
	if (!sort_children(d) || !make_down(d) || !make_up(d))
		return no_memory(e);
	return make_order(d, e) && check_views(d, e) && make_regions(d, e) && make_atoms(d, e) &&
	       make_above(d, e);
}
