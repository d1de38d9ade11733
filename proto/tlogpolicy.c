#include "proto/tlogpolicy.h"

#include <string.h>

#include "proto/textline.h"

/* The next item of a line: spaces and tabs around it go. False at its end. */
static bool item(struct bytes *line, struct bytes *out)
{
	while (line->len > 0 && (line->at[0] == ' ' || line->at[0] == '\t'))
		*line = bytes_of(line->at + 1, line->len - 1);
	*out = bytes_of(line->at, 0);
	while (line->len > 0 && line->at[0] != ' ' && line->at[0] != '\t') {
		out->len++;
		*line = bytes_of(line->at + 1, line->len - 1);
	}
	return out->len > 0;
}

static bool at_end(struct bytes line)
{
	struct bytes more;

	return !item(&line, &more);
}

static struct tlogpolicy_name *find(struct tlogpolicy *p, struct bytes name)
{
	for (size_t i = 0; i < p->n_names; i++) {
		if (strlen(p->name[i].name) == name.len && memcmp(p->name[i].name, name.at, name.len) == 0)
			return &p->name[i];
	}
	return NULL;
}

static struct tlogpolicy_name *add_name(struct tlogpolicy *p, struct bytes name)
{
	struct tlogpolicy_name *n = &p->name[p->n_names];

	if (name.len > TLOGPOLICY_NAME_MAX || line_is(name, "none") || find(p, name) != NULL)
		return NULL;
	*n = (struct tlogpolicy_name){ .is_group = false };
	memcpy(n->name, name.at, name.len);
	p->n_names++;
	return n;
}

static bool add_key(struct vkey *keys, size_t *n, struct bytes *line, enum vkey_type type)
{
	struct bytes text, url;

	if (*n == TLOGPOLICY_KEYS_MAX || !item(line, &text) || !vkey_parse(&keys[*n], text, NULL) ||
	    keys[*n].type != type)
		return false;
	for (size_t i = 0; i < *n; i++) {
		if (memcmp(keys[i].key, keys[*n].key, sizeof keys[i].key) == 0)
			return false;
	}
	++*n;
	(void)item(line, &url);
	return at_end(*line);
}

static bool take_witness(struct tlogpolicy *p, struct bytes *line)
{
	struct tlogpolicy_name *n;
	struct bytes name;

	if (p->n_witnesses == TLOGPOLICY_KEYS_MAX || !item(line, &name) || (n = add_name(p, name)) == NULL)
		return false;
	n->witness = (uint16_t)p->n_witnesses;
	return add_key(p->witness, &p->n_witnesses, line, VKEY_COSIGNATURE);
}

static bool take_need(struct tlogpolicy_name *g, struct bytes how)
{
	uint64_t need = line_is(how, "any") ? 1 : g->n_members;

	if (!line_is(how, "any") && !line_is(how, "all") && !line_uint(&need, how))
		return false;
	g->need = (uint16_t)need;
	return need >= 1 && need <= g->n_members;
}

static bool take_group(struct tlogpolicy *p, struct bytes *line)
{
	struct tlogpolicy_name *g, *m;
	struct bytes name, how, member;

	if (p->n_names - p->n_witnesses >= TLOGPOLICY_KEYS_MAX || !item(line, &name) || !item(line, &how) ||
	    (g = add_name(p, name)) == NULL)
		return false;
	g->is_group = true;
	while (item(line, &member)) {
		m = find(p, member);
		if (m == NULL || m == g || m->taken)
			return false;
		m->taken = true;
		g->member[g->n_members++] = (uint8_t)(m - p->name);
	}
	return take_need(g, how);
}

static bool take_quorum(struct tlogpolicy *p, struct bytes *line, bool *has)
{
	const struct tlogpolicy_name *n;
	struct bytes name;

	if (*has || !item(line, &name) || !at_end(*line))
		return false;
	*has = true;
	p->none = line_is(name, "none");
	n = find(p, name);
	p->quorum = n != NULL ? (uint8_t)(n - p->name) : 0;
	return p->none || n != NULL;
}

static bool take_line(struct tlogpolicy *p, struct bytes line, bool *has_quorum)
{
	struct bytes word;

	for (size_t i = 0; i < line.len; i++) {
		if (line.at[i] != '\t' && (line.at[i] < 0x20 || line.at[i] == 0x7f))
			return false;
	}
	if (!item(&line, &word) || word.at[0] == '#')
		return true;
	if (line_is(word, "log"))
		return add_key(p->log, &p->n_logs, &line, VKEY_ED25519);
	if (line_is(word, "witness"))
		return take_witness(p, &line);
	if (line_is(word, "group"))
		return take_group(p, &line);
	return line_is(word, "quorum") && take_quorum(p, &line, has_quorum);
}

bool tlogpolicy_parse(struct tlogpolicy *out, struct bytes text, struct err *e)
{
	struct bytes line;
	bool has_quorum = false;
	size_t n = 0;

	memset(out, 0, sizeof *out);
	if (text.len > TLOGPOLICY_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "witness policy: too long");
	while (text.len > 0) {
		n++;
		if (!line_next(&text, &line) || !take_line(out, line, &has_quorum))
			return err_set(e, ERR_MALFORMED,
			    "witness policy: line %zu is not as c2sp.org/tlog-policy has it", n);
	}
	return has_quorum || err_set(e, ERR_MALFORMED, "witness policy: no quorum line");
}

/* Members stand before their group, so one pass settles all. */
bool tlogpolicy_holds(const struct tlogpolicy *p, const bool *signed_by)
{
	bool holds[2 * TLOGPOLICY_KEYS_MAX] = { false };

	for (size_t i = 0; i < p->n_names; i++) {
		const struct tlogpolicy_name *n = &p->name[i];
		unsigned have = 0;

		for (unsigned m = 0; m < n->n_members; m++)
			have += holds[n->member[m]];
		holds[i] = n->is_group ? have >= n->need : signed_by[n->witness];
	}
	return p->none || holds[p->quorum];
}
