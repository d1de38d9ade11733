#include "policy/explain.h"

#include <stdlib.h>
#include <string.h>

#include "policy/moves.h"
#include "policy/whole.h"

#define NAMED_MAX 16u /* protected cells named for one secondary cell */

static const char *const rule_names[] = RULE_NAMES;

struct story { /* of one hidden cell */
	uint16_t rules;
	bool secondary;
	uint32_t need[NAMED_MAX]; /* whose moves pass the cell, or its own */
	uint32_t n;
};

static bool same_story(const struct need *x, const struct need *y)
{
	return x->cell == y->cell && x->virt == y->virt && x->each == y->each &&
	       (x->each || (x->avoid == y->avoid && x->band == y->band));
}

static bool on_list(const struct story *s, const struct plan *p, uint32_t need)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (same_story(&p->n->need[s->need[i]], &p->n->need[need]))
			return true;
	return false;
}

static void name(const struct plan *p, struct story *s, uint32_t need)
{
	if (s->n < NAMED_MAX && !on_list(s, p, need))
		s->need[s->n++] = need;
}

static void tell(const struct plan *p, uint32_t cell, struct story *s)
{
	*s = (struct story){ .secondary = p->g->primary[cell] == 0 };
	for (uint32_t i = p->n->first[cell]; !s->secondary && i != NONE; i = p->n->need[i].next) {
		s->rules |= p->n->need[i].rules;
		name(p, s, i);
	}
	for (uint32_t at = s->secondary ? node_active(p, p->head[cell]) : NONE;
	     at != NONE && s->n < NAMED_MAX; at = node_active(p, p->node[at].next)) {
		const struct move *m = &p->move[p->node[at].move];
		uint32_t n = 0;
		uint32_t tied = whole_is(p, p->node[at].move) ? whole_ties(p, cell, &n) : NONE;
		for (uint32_t i = 0; i < n; i++)
			name(p, s, p->tie[tied + i].need);
		for (uint32_t i = tied == NONE ? m->first_need : NONE; i != NONE; i = p->n->need[i].same)
			name(p, s, i);
	}
}

/* Codes of the offices that it is against; false: everybody, or the public. */
static bool put_offices(const struct plan *p, const struct need *n, struct buf *out)
{
	return !n->each && needs_put_avoided(p->g, p->n, n, out);
}

static void put_attacker(const struct plan *p, const struct need *n, struct buf *out)
{
	struct buf who = { 0 };
	if (put_offices(p, n, &who))
		buf_printf(out, "office:%.*s", (int)who.size, (const char *)who.data);
	else
		buf_put_text(out, n->slots > 1 || n->each ? "public and offices" : "public");
	buf_free(&who);
}

/* Relations of the move that hold the cell: dimension and parent code. */
static uint32_t through(const struct plan *p, uint32_t cell, uint32_t place[TABLE_DIMS_MAX * 2], size_t dim[])
{
	const struct table_input *t = p->g->t;
	uint32_t n = 0;
	for (size_t d = 0; d < t->n_dims; d++) {
		uint32_t code = table_coord(t, cell, d);
		if (list_size(&t->dim[d].up, code) == 0 || n == TABLE_DIMS_MAX)
			continue;
		dim[n] = d;
		place[n++] = t->dim[d].breakdown[list_at(&t->dim[d].up, code)[0]].parent;
	}
	return n;
}

static void put_csv_line(const struct plan *p, uint32_t cell, const struct story *s, struct buf *out)
{
	const struct table_input *t = p->g->t;
	uint32_t parent[TABLE_DIMS_MAX * 2];
	size_t dim[TABLE_DIMS_MAX];
	const char *between = "";
	table_put_cell(t, cell, '|', out);
	buf_put_text(out, ",H,");
	if (s->secondary)
		buf_put_text(out, s->n > 0 || p->g->frozen[cell] == 0 ? "secondary" : "frozen");
	for (unsigned i = 0; i < RULE_COUNT; i++)
		if ((s->rules & (1u << i)) != 0) {
			buf_printf(out, "%s%s", between, rule_names[i]);
			between = "+";
		}
	buf_put_text(out, ",");
	for (uint32_t i = 0; s->secondary && i < s->n; i++) {
		buf_put_text(out, i == 0 ? "" : " ");
		table_put_cell(t, p->n->need[s->need[i]].cell, '|', out);
	}
	buf_put_text(out, ",");
	for (uint32_t i = 0; i < s->n; i++) {
		buf_put_text(out, i == 0 ? "" : " + ");
		put_attacker(p, &p->n->need[s->need[i]], out);
	}
	buf_put_text(out, ",");
	uint32_t n = s->secondary ? through(p, cell, parent, dim) : 0;
	for (uint32_t i = 0; i < n; i++)
		buf_printf(
		    out, "%s%s=%s", i == 0 ? "" : " ", t->dim[dim[i]].name, t->dim[dim[i]].code[parent[i]]);
	buf_printf(out, ",%.2f\n", s->secondary ? (double)p->g->price[cell] : 0.0);
}

void explain_csv(const struct plan *p, struct buf *out)
{
	struct story s;
	buf_put_text(out, "cell,state,rules,protects,against,through,price\n");
	for (uint32_t c = 0; c < p->g->n_own; c++) {
		if (!grid_hidden(p->g, c))
			continue;
		tell(p, c, &s);
		put_csv_line(p, c, &s, out);
	}
}

/* ---- JSON ---- */

static uint32_t next_point(const uint8_t **at)
{
	const uint8_t *c = *at;
	uint32_t point = *c;
	unsigned more = *c >= 0xf0 ? 3 : *c >= 0xe0 ? 2 : *c >= 0xc0 ? 1 : 0;
	if (more > 0)
		point &= 0x3fu >> more;
	for (unsigned i = 0; i < more && c[1] != 0; i++)
		point = point << 6 | (*++c & 0x3f);
	*at = c + 1;
	return point;
}

void explain_json_text(struct buf *out, const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	buf_put_byte(out, '"');
	while (*at != 0) {
		uint32_t point = next_point(&at);
		if (point == '"' || point == '\\')
			buf_printf(out, "\\%c", (char)point);
		else if (point >= 0x20 && point < 0x7f)
			buf_put_byte(out, (uint8_t)point);
		else if (point < 0x10000)
			buf_printf(out, "\\u%04x", point);
		else
			buf_printf(out, "\\u%04x\\u%04x", 0xd800 + ((point - 0x10000) >> 10),
			    0xdc00 + ((point - 0x10000) & 0x3ff));
	}
	buf_put_byte(out, '"');
}

void explain_json_cell(struct buf *out, const struct table_input *t, uint64_t cell)
{
	size_t n = t->n_dims - (t->added_office ? 1 : 0);
	size_t first =
	    t->releases && table_coord(t, cell, 0) == 0 ? 1 : 0; /* of this release: its own codes do */
	for (size_t d = first; d < n; d++) {
		buf_put_text(out, d == first ? "[" : ",");
		explain_json_text(out, t->dim[d].code[table_coord(t, cell, d)]);
	}
	buf_put_text(out, "]");
}

static void put_against(const struct plan *p, const struct story *s, struct buf *out)
{
	bool all = false;
	const char *between = "";
	buf_put_text(out, "\"against\":[");
	for (uint32_t i = 0; i < s->n; i++) {
		const struct need *n = &p->n->need[s->need[i]];
		struct buf who = { 0 };
		bool some = put_offices(p, n, &who);
		if (some)
			buf_printf(out, "%s\"%s:%.*s\"", between,
			    memchr(who.data, '+', who.size) == NULL ? "office" : "coalition", (int)who.size,
			    (const char *)who.data);
		else if (!all)
			buf_printf(
			    out, "%s\"public\"%s", between, n->slots > 1 || n->each ? ",\"office:*\"" : "");
		between = some || !all ? "," : between;
		all = all || !some;
		buf_free(&who);
	}
	buf_put_text(out, "]");
}

static void put_primary(const struct plan *p, uint32_t cell, const struct story *s, struct buf *out)
{
	const char *between = "";
	buf_put_text(out, "{\"cell\":");
	explain_json_cell(out, p->g->t, cell);
	buf_put_text(out, ",\"class\":\"primary\",\"rules\":[");
	for (unsigned i = 0; i < RULE_COUNT; i++)
		if ((s->rules & (1u << i)) != 0) {
			buf_printf(out, "%s\"%s\"", between, rule_names[i]);
			between = ",";
		}
	buf_put_text(out, "],");
	put_against(p, s, out);
	buf_put_text(out, "}\n");
}

static void put_secondary(const struct plan *p, uint32_t cell, const struct story *s, struct buf *out)
{
	const struct table_input *t = p->g->t;
	uint32_t parent[TABLE_DIMS_MAX * 2];
	size_t dim[TABLE_DIMS_MAX];
	buf_put_text(out, "{\"cell\":");
	explain_json_cell(out, t, cell);
	buf_put_text(out, ",\"class\":\"secondary\",\"protects\":[");
	for (uint32_t i = 0; i < s->n; i++) {
		buf_put_text(out, i == 0 ? "" : ",");
		explain_json_cell(out, t, p->n->need[s->need[i]].cell);
	}
	buf_put_text(out, "],");
	put_against(p, s, out);
	buf_put_text(out, ",\"through\":[");
	uint32_t n = through(p, cell, parent, dim);
	for (uint32_t i = 0; i < n; i++) {
		buf_put_text(out, i == 0 ? "[" : ",[");
		explain_json_text(out, t->dim[dim[i]].name);
		buf_put_text(out, ",");
		explain_json_text(out, t->dim[dim[i]].code[parent[i]]);
		buf_put_text(out, "]");
	}
	buf_put_text(out, "]}\n");
}

uint64_t explain_manifest(const struct plan *p, struct buf *out)
{
	struct story s;
	uint64_t lines = 0;
	for (uint32_t c = 0; c < p->g->n_own; c++) {
		if (!grid_hidden(p->g, c))
			continue;
		tell(p, c, &s);
		if (s.secondary)
			put_secondary(p, c, &s, out);
		else
			put_primary(p, c, &s, out);
		lines++;
	}
	return lines;
}
