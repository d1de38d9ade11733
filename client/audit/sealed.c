#include "client/audit/sealed.h"
#include "client/keyfile.h"
#include "proto/age.h"
#include "proto/export.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEALED_MAX (64u * 1024 * 1024)
#define KEY_MAX    4096u
#define CELL_MAX   1024u

void sealed_close(struct sealed_manifest *m)
{
	json_decref(m->header);
	json_decref(m->cells);
	buf_free(&m->columns);
	*m = (struct sealed_manifest){ 0 };
}

/* --- opening --- */

/* age.key as age-keygen writes it: comment lines, and one identity. */
static bool read_identity(const char *dir, uint8_t secret[32], struct err *e)
{
	struct buf text = { .max = KEY_MAX };
	char path[FILE_PATH];
	struct bytes rest;
	bool found = false,
	     ok = file_path(path, dir, "age.key", e) && file_read_secret(&text, path, KEY_MAX, e);

	for (rest = buf_bytes(&text); ok && !found && rest.len > 0;) {
		const uint8_t *end = memchr(rest.at, '\n', rest.len);
		struct bytes line = bytes_of(rest.at, end ? (size_t)(end - rest.at) : rest.len);

		if (line.len > 0 && line.at[0] != '#')
			found = age_identity_parse(secret, line, e);
		rest = bytes_of(rest.at + line.len + (end != NULL), rest.len - line.len - (end != NULL));
	}
	buf_free(&text);
	return found || (ok && err_set(e, ERR_MALFORMED, "age.key: %s", _("no age identity in it")));
}

/* For a person who is to look for it: the file, and what binds it. */
static void name_it(const struct log_entry *leaf, const char *what, enum err_code code, struct err *e)
{
	char hex[2 * sizeof leaf->manifest + 1];

	sodium_bin2hex(hex, sizeof hex, leaf->manifest, sizeof leaf->manifest);
	(void)err_set(e, code, _("%s/%s/%llu, leaf %llu, audit/%.16s….age: %s"), leaf->dataset, leaf->period,
	    (unsigned long long)leaf->revision, (unsigned long long)leaf->index, hex, what);
}

static int decrypt(struct sealed_manifest *m, struct source *s, const struct log_entry *leaf,
    struct bytes file, struct buf *plain, struct err *e)
{
	uint8_t secret[32];
	bool ok;

	if (!read_identity(s->d.settings.dir, secret, e))
		return AUDIT_UNCHECKED;
	plain->max = SEALED_MAX;
	ok = age_decrypt(plain, file, secret, e);
	sodium_memzero(secret, sizeof secret);
	if (ok)
		return AUDIT_HOLDS;
	if (e->code != ERR_REFUSED)
		return AUDIT_FAILS;
	m->place = SEALED_FOR_OTHERS;
	name_it(leaf, _("it is there, sealed to other auditors and not to you"), ERR_REFUSED, e);
	return AUDIT_UNCHECKED;
}

/* One line into header, cells, or nothing. False: not what the format says. */
static bool take_line(struct sealed_manifest *m, json_t *line, size_t number, json_int_t *lines)
{
	if (number == 0)
		m->header = json_incref(line);
	else if (json_object_get(line, "cell") != NULL)
		return json_array_append(m->cells, line) == 0;
	else if (json_object_get(line, "lines") != NULL)
		*lines = json_integer_value(json_object_get(line, "lines"));
	return true;
}

static bool parse(struct sealed_manifest *m, struct bytes text, struct err *e)
{
	json_int_t lines = -1;
	size_t n = 0;
	bool ok = true;

	m->cells = json_array();
	while (ok && lines < 0 && text.len > 0) {
		const uint8_t *end = memchr(text.at, '\n', text.len);
		size_t len = end ? (size_t)(end - text.at) : text.len;
		json_t *line = json_loadb((const char *)text.at, len, JSON_REJECT_DUPLICATES, NULL);

		ok = json_is_object(line) && take_line(m, line, n, &lines);
		json_decref(line);
		n++;
		text = bytes_of(text.at + len + (end != NULL), text.len - len - (end != NULL));
	}
	return (ok && m->header != NULL && lines == (json_int_t)n) ||
	       err_set(e, ERR_MALFORMED, _("line %zu of the manifest is not in its format"), n);
}

static bool names_release(const struct sealed_manifest *m, const struct log_entry *leaf)
{
	const char *ds = json_string_value(json_object_get(m->header, "ds"));
	const char *p = json_string_value(json_object_get(m->header, "p"));

	return ds != NULL && p != NULL && strcmp(ds, leaf->dataset) == 0 && strcmp(p, leaf->period) == 0 &&
	       json_integer_value(json_object_get(m->header, "rev")) == (json_int_t)leaf->revision;
}

int sealed_open(struct sealed_manifest *m, struct source *s, const struct log_entry *leaf, const char *file,
    struct buf *plain, struct err *e)
{
	struct buf sealed = { 0 };
	uint8_t digest[32];
	int code = AUDIT_HOLDS;

	*m = (struct sealed_manifest){ 0 };
	if (file != NULL)
		code = file_read(&sealed, file, SEALED_MAX, e) ? AUDIT_HOLDS : AUDIT_UNCHECKED;
	else
		code = source_sealed(s, leaf->manifest, &sealed, e);
	if (code == SOURCE_ABSENT) {
		m->place = SEALED_ABSENT;
		name_it(leaf,
		    s->d.settings.kind == IDENTITY_AUDITOR
			? _("it is not there: taken away, or there was no auditor when it was made")
			: _("only auditors get it"),
		    ERR_NOT_FOUND, e);
		code = AUDIT_UNCHECKED;
	}
	if (code == AUDIT_HOLDS)
		code = decrypt(m, s, leaf, buf_bytes(&sealed), plain, e);
	buf_free(&sealed);
	if (code != AUDIT_HOLDS)
		return code;
	keys_file_digest(digest, buf_bytes(plain));
	if (memcmp(digest, leaf->manifest, sizeof digest) != 0) {
		(void)err_set(e, ERR_CRYPTO, "%s", _("the manifest is not the one the log binds"));
		return AUDIT_FAILS;
	}
	if (!parse(m, buf_bytes(plain), e))
		return AUDIT_FAILS;
	if (names_release(m, leaf))
		return AUDIT_HOLDS;
	(void)err_set(e, ERR_CRYPTO, "%s", _("the manifest is of another release"));
	return AUDIT_FAILS;
}

/* --- cells --- */

void sealed_cell_name(struct buf *out, const json_t *cell)
{
	size_t i;
	json_t *code;

	for (i = 0; (code = json_array_get(cell, i)) != NULL; i++)
		buf_printf(out, "%s%s", i > 0 ? "|" : "", json_string_value(code));
}

bool sealed_same_cell(const char *a, const char *b)
{
	char left[CELL_MAX], right[CELL_MAX], *save = NULL, *at;

	if (strlen(a) != strlen(b) || strlen(a) >= CELL_MAX - 2)
		return false;
	(void)snprintf(left, sizeof left, "%s", a);
	(void)snprintf(right, sizeof right, "|%s|", b);
	for (char *w = strtok_r(left, "|", &save); w != NULL; w = strtok_r(NULL, "|", &save)) {
		char word[CELL_MAX];

		(void)snprintf(word, sizeof word, "|%.*s|", (int)(CELL_MAX - 3), w);
		at = strstr(right, word);
		if (at == NULL)
			return false;
		memset(at + 1, 1, strlen(word) - 2);
	}
	return true;
}

/* Codes of two dimensions may be called alike: the names in the manifest's order come first, and another order counts
 * only where it can mean one cell. */
const json_t *sealed_find(const struct sealed_manifest *m, const char *cell)
{
	struct buf name = { 0 };
	const json_t *found = NULL;
	json_t *line;
	size_t i, n_found = 0;

	for (i = 0; (line = json_array_get(m->cells, i)) != NULL; i++) {
		buf_clear(&name);
		sealed_cell_name(&name, json_object_get(line, "cell"));
		buf_put_byte(&name, 0);
		if (name.failed || !sealed_same_cell((const char *)name.data, cell))
			continue;
		found = line;
		n_found++;
		if (strcmp((const char *)name.data, cell) == 0) {
			n_found = 1;
			break;
		}
	}
	buf_free(&name);
	return n_found == 1 ? found : NULL;
}

/* --- why --- */

const char *sealed_class(const json_t *line)
{
	const char *class = json_string_value(json_object_get(line, "class"));

	return class != NULL ? class : "?";
}

static const struct {
	const char *rule, *words;
} rules[] = {
	{ "R1", N_("a small count of people") },
	{ "R2", N_("nought would tell") },
	{ "R3", N_("an office could subtract itself and see a small rest") },
	{ "R4", N_("all, or all but a few, of a group") },
	{ "R5", N_("too few offices behind it") },
	{ "R6", N_("one office dominates") },
	{ "R7", N_("the hidden ones together would be too few") },
	{ "R8", N_("a small count of staff") },
	{ "R9", N_("all, or all but a few, gave this answer") },
	{ "R10", N_("a derived figure would tell it") },
	{ "R11", N_("another release would tell it") },
	{ "R12", N_("what was not reported could be computed") },
	{ "derivable", N_("it could be computed exactly from what is printed") },
};

void sealed_rules(struct buf *out, const json_t *line)
{
	json_t *rule;
	size_t i;

	for (i = 0; (rule = json_array_get(json_object_get(line, "rules"), i)) != NULL; i++) {
		const char *name = json_string_value(rule), *words = "";

		for (size_t k = 0; name != NULL && k < sizeof rules / sizeof *rules; k++) {
			if (strcmp(rules[k].rule, name) == 0)
				words = _(rules[k].words);
		}
		buf_printf(out, "%s%s%s%s", i > 0 ? "; " : "", name != NULL ? name : "?", words[0] ? " " : "",
		    words);
	}
}

void sealed_protects(struct buf *out, const json_t *line)
{
	json_t *cell;
	size_t i;

	for (i = 0; (cell = json_array_get(json_object_get(line, "protects"), i)) != NULL; i++) {
		buf_put_text(out, i > 0 ? ", " : "");
		sealed_cell_name(out, cell);
	}
}

void sealed_against(struct buf *out, const json_t *line)
{
	json_t *who;
	size_t i;

	for (i = 0; (who = json_array_get(json_object_get(line, "against"), i)) != NULL; i++) {
		const char *name = json_string_value(who);

		buf_put_text(out, i > 0 ? ", " : "");
		if (name == NULL)
			continue;
		if (strcmp(name, "public") == 0)
			buf_put_text(out, _("every reader"));
		else if (strcmp(name, "office:*") == 0)
			buf_put_text(out, _("each office with its own figures"));
		else if (strncmp(name, "office:", 7) == 0)
			buf_printf(out, _("the office %s with its own figures"), name + 7);
		else
			buf_put_text(out, name);
	}
}

void sealed_through(struct buf *out, const json_t *line)
{
	json_t *pair;
	size_t i;

	for (i = 0; (pair = json_array_get(json_object_get(line, "through"), i)) != NULL; i++)
		buf_printf(out, "%s%s = %s", i > 0 ? ", " : "", json_string_value(json_array_get(pair, 0)),
		    json_string_value(json_array_get(pair, 1)));
}

void sealed_explain(struct buf *out, const json_t *line)
{
	sealed_cell_name(out, json_object_get(line, "cell"));
	buf_put_byte(out, '\n');
	if (strcmp(sealed_class(line), "primary") == 0) {
		buf_printf(out, "  %s ", _("hidden for itself:"));
		sealed_rules(out, line);
	} else {
		buf_printf(out, "  %s ", _("hidden to protect:"));
		sealed_protects(out, line);
		buf_printf(out, "\n  %s ", _("which the totals would give back:"));
		sealed_through(out, line);
	}
	buf_printf(out, "\n  %s ", _("protected against:"));
	sealed_against(out, line);
	buf_put_byte(out, '\n');
}

/* --- comparing --- */

static bool next_line(struct bytes *rest, struct bytes *line)
{
	const uint8_t *end = memchr(rest->at, '\n', rest->len);

	if (rest->len == 0)
		return false;
	*line = bytes_of(rest->at, end ? (size_t)(end - rest->at) : rest->len);
	*rest = bytes_of(rest->at + line->len + (end != NULL), rest->len - line->len - (end != NULL));
	return true;
}

/* "a,b,c,freq,status" and "x,y,z,,H": what stands before the last two columns, joined by '|'. */
static bool cell_of(char out[CELL_MAX], struct bytes line, char *status)
{
	size_t end = line.len, commas = 0;

	while (end > 0 && commas < 2)
		commas += line.at[--end] == ',';
	if (commas < 2 || end >= CELL_MAX)
		return false;
	*status = (char)line.at[line.len - 1];
	memcpy(out, line.at, end);
	out[end] = 0;
	for (char *c = out; *c != 0; c++)
		*c = *c == ',' ? '|' : *c;
	return true;
}

/* The manifest's cells as the keys of an object: looked up often. */
static json_t *index_of(const struct sealed_manifest *m)
{
	json_t *set = json_object(), *line;
	struct buf name = { 0 };
	size_t i;

	for (i = 0; (line = json_array_get(m->cells, i)) != NULL; i++) {
		buf_clear(&name);
		sealed_cell_name(&name, json_object_get(line, "cell"));
		buf_put_byte(&name, 0);
		if (!name.failed)
			(void)json_object_set_new(set, (const char *)name.data, json_true());
	}
	buf_free(&name);
	return set;
}

/* result.csv hides exactly the manifest's cells. */
static bool same_as_result(struct sealed_manifest *m, struct bytes csv, const json_t *set, struct err *e)
{
	struct bytes line;
	char cell[CELL_MAX], status;
	size_t hidden = 0;

	if (!next_line(&csv, &line) || !cell_of(cell, line, &status))
		return err_set(e, ERR_MALFORMED, "result.csv");
	buf_put_text(&m->columns, cell);
	buf_put_byte(&m->columns, 0);
	while (next_line(&csv, &line)) {
		bool listed = cell_of(cell, line, &status) && json_object_get(set, cell) != NULL;

		if (status == 'H' && !listed)
			return err_set(
			    e, ERR_CRYPTO, _("cell %s is hidden, and the manifest does not say why"), cell);
		if (status != 'H' && listed)
			return err_set(
			    e, ERR_CRYPTO, _("cell %s stands in the manifest and is not hidden"), cell);
		hidden += status == 'H';
	}
	return hidden == json_array_size(m->cells) ||
	       err_set(e, ERR_CRYPTO, "%s", _("the manifest names cells the release does not have"));
}

static const char *code_in(const struct config *config, const struct release_rows_table *t,
    const struct release_row *row, const char *list)
{
	uint16_t place = model_list(config, list), total;

	if (place == NO_PLACE)
		return "_T";
	for (uint16_t d = 0; d < t->n_dims; d++) {
		if (strcmp(t->dim[d], list) == 0)
			return config->list[place].code[row->code[d]].code;
	}
	total = model_total(&config->list[place]);
	return total == NO_PLACE ? "_T" : config->list[place].code[total].code;
}

/* The row's name in the engine's grid: a multiple response is a measure of its own for each answer. */
static void grid_name(char out[CELL_MAX], const char *columns, const struct config *config,
    const struct release_rows_table *t, const struct release_row *row)
{
	const struct measure *m = &config->measure[row->measure];
	char copy[CELL_MAX], *save = NULL;
	size_t at = 0;

	(void)snprintf(copy, sizeof copy, "%s", columns);
	out[0] = 0;
	for (char *dim = strtok_r(copy, "|", &save); dim != NULL && at < CELL_MAX;
	     dim = strtok_r(NULL, "|", &save)) {
		const char *bar = at > 0 ? "|" : "";

		if (strcmp(dim, "measure") != 0)
			at += (size_t)snprintf(
			    out + at, CELL_MAX - at, "%s%s", bar, code_in(config, t, row, dim));
		else if (m->multiple && m->n_dims > 0)
			at += (size_t)snprintf(out + at, CELL_MAX - at, "%s%s:%s", bar, m->name,
			    code_in(config, t, row, config->list[m->dim[m->n_dims - 1]].name));
		else
			at += (size_t)snprintf(out + at, CELL_MAX - at, "%s%s", bar, m->name);
	}
}

static bool same_as_rows(const struct sealed_manifest *m, const struct release_rows *rows,
    const struct config *config, const json_t *set, struct err *e)
{
	char cell[CELL_MAX];

	for (size_t t = 0; t < rows->n_tables; t++) {
		for (size_t i = 0; i < rows->table[t].n_rows; i++) {
			const struct release_row *row = &rows->table[t].row[i];

			grid_name(cell, (const char *)m->columns.data, config, &rows->table[t], row);
			if ((row->state == RELEASE_SUPPRESSED) != (json_object_get(set, cell) != NULL))
				return err_set(e, ERR_CRYPTO,
				    _("cell %s: the release and the manifest say different things"), cell);
		}
	}
	return true;
}

json_t *sealed_tables(
    const struct sealed_manifest *m, const struct release_rows *rows, const struct config *config)
{
	json_t *tables = json_object();
	char cell[CELL_MAX], both[CELL_MAX];

	for (size_t t = 0; t < rows->n_tables; t++) {
		for (size_t i = 0; i < rows->table[t].n_rows; i++) {
			grid_name(cell, (const char *)m->columns.data, config, &rows->table[t],
			    &rows->table[t].row[i]);
			const char *known = json_string_value(json_object_get(tables, cell));
			(void)snprintf(both, sizeof both, "%s%s%s", known ? known : "", known ? " " : "",
			    rows->table[t].id);
			(void)json_object_set_new(tables, cell, json_string(both));
		}
	}
	return tables;
}

const char *sealed_code(const struct sealed_manifest *m, const json_t *cell, const char *dimension)
{
	const char *at = m->columns.data ? (const char *)m->columns.data : "";
	size_t place = 0, len = strlen(dimension);

	for (; *at != 0; place++) {
		size_t width = strcspn(at, "|");
		const char *code = json_string_value(json_array_get(cell, place));

		if (width == len && memcmp(at, dimension, len) == 0)
			return code != NULL ? code : "";
		at += width + (at[width] == '|');
	}
	return "";
}

static bool same_digest(
    const struct sealed_manifest *m, const char *member, const struct buf *file, struct err *e)
{
	const char *hex = json_string_value(json_object_get(m->header, member));
	uint8_t want[32], found[crypto_hash_sha256_BYTES];

	if (file == NULL || hex == NULL || !hex_decode(want, sizeof want, bytes_text(hex)))
		return err_set(e, ERR_MALFORMED, "%s", member);
	crypto_hash_sha256(found, file->data, file->size);
	return memcmp(want, found, sizeof want) == 0 ||
	       err_set(e, ERR_CRYPTO, _("the manifest was made for another file: %s"), member);
}

int sealed_compare(struct sealed_manifest *m, const struct release_files *r, const struct config *config,
    struct verdicts *v, const char *where, struct err *e)
{
	const struct buf *result = release_files_find(r, "result.csv");
	json_t *set = index_of(m);
	bool ok = same_digest(m, "result", result, e) &&
		  same_digest(m, "cert", release_files_find(r, r->manifest.certificate), e) &&
		  same_as_result(m, buf_bytes(result), set, e) && same_as_rows(m, &r->rows, config, set, e);

	json_decref(set);
	if (ok)
		verdicts_add(v, VERDICT_HOLDS, "manifest", where,
		    _("bound by the log; its %zu cells are the hidden cells of the release"),
		    json_array_size(m->cells));
	else
		verdicts_add(v, VERDICT_FAILS, "manifest", where, "%s", e->text);
	return ok ? AUDIT_HOLDS : AUDIT_FAILS;
}
