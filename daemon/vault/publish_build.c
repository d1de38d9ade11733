/* From a sealed set to the files of a release: calls of publish_parts.h. Nothing is written here. */
#include "daemon/notify.h"
#include "daemon/vault/publish_parts.h"
#include "policy/form_table.h"
#include "proto/config.h"
#include "proto/export.h"
#include "proto/keys.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Options of the engine looked at in a second: turns the time limit into one that every machine keeps alike.
 */
#define WORK_PER_SECOND          2000000u
#define ALLOWANCE                4u /* times the limit, until the service manager takes us for hung */
#define MANIFEST_BLOCK           4096u
#define LIMIT_REVISIONS_RELEASED 9u /* of a period; the engine takes no more together */

/* --- the set in the clear: for as long as the table takes to build --- */

struct collected {
	struct contribution *at;
	size_t n, room;
};

static void collected_free(struct collected *c)
{
	for (size_t i = 0; i < c->n; i++) {
		union { /* ours since collect() made them */
			const void *given;
			void *own;
		} office = { c->at[i].office }, figures = { c->at[i].figures };
		struct figures *f = figures.own;

		if (f && f->value)
			sodium_memzero(f->value, f->n * sizeof *f->value);
		if (f && f->state)
			sodium_memzero(f->state, f->n * sizeof *f->state);
		if (f) {
			free(f->value);
			free(f->state);
		}
		free(f);
		free(office.own);
	}
	free(c->at);
	*c = (struct collected){ 0 };
}

static struct figures *copy_figures(const struct figures *from)
{
	struct figures *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	f->n = from->n;
	f->state = malloc(f->n * sizeof *f->state + 1);
	f->value = malloc(f->n * sizeof *f->value + 1);
	if (!f->state || !f->value) {
		free(f->state);
		free(f->value);
		free(f);
		return NULL;
	}
	memcpy(f->state, from->state, f->n * sizeof *f->state);
	memcpy(f->value, from->value, f->n * sizeof *f->value);
	return f;
}

static bool collect(void *context, const struct sealed *form, struct err *e)
{
	struct collected *c = context;

	if (c->n == c->room) {
		size_t room = c->room ? c->room * 2 : 32;
		struct contribution *grown = realloc(c->at, room * sizeof *grown);

		if (!grown)
			return err_set(e, ERR_MEMORY, "release: no memory for the set");
		c->at = grown;
		c->room = room;
	}
	c->at[c->n] =
	    (struct contribution){ .office = strdup(form->office), .figures = copy_figures(form->figures) };
	c->n++;
	return (c->at[c->n - 1].office && c->at[c->n - 1].figures) ||
	       err_set(e, ERR_MEMORY, "release: no memory for the set");
}

/* --- the engine's input --- */

static bool make_input(struct vault *v, const struct period *p, const struct config *config,
    const struct seal_row *seal, const struct policy_params *params, struct table_input **out,
    uint64_t *n_offices, struct err *e)
{
	struct collected set = { 0 };
	bool ok = vault_each_sealed(v, p, seal->span, collect, &set, e) &&
		  table_from_forms(config, p->name, set.at, set.n, params, out, e);

	*n_offices = set.n;
	if (ok && set.n != seal->n)
		ok = err_set(e, ERR_INTERNAL, "release: the sealed set has changed");
	collected_free(&set);
	return ok;
}

static bool build(struct vault *v, const struct period *p, const struct config *config,
    const struct seal_row *seal, struct table_input **input, struct release_result **result,
    uint64_t *n_offices, struct err *e);

/* An earlier release of the period, as the engine wants it: what it was made of, and what it said. The last one
 * is made again, by the same steps as then, for its moves. */
static bool add_earlier(struct vault *v, const struct period *p, const struct config *config,
    const struct policy_params *params, uint64_t revision, bool last, struct table_input *to, struct err *e)
{
	struct seal_row seal;
	struct table_input *earlier = NULL;
	struct release_result *made = NULL;
	struct publish_file file[BUILT_FILES];
	size_t n = 0;
	uint64_t n_offices = 0;
	struct earlier_facts facts = { .period = p->name, .revision = (uint32_t)revision };

	bool ok = seal_read(v, p->id, revision, &seal, e) &&
		  record_files(v, p->id, revision, file, BUILT_FILES, &n, e) &&
		  (last ? build(v, p, config, &seal, &earlier, &made, &n_offices, e)
			: make_input(v, p, config, &seal, params, &earlier, &n_offices, e));
	for (size_t i = 0; i < n; i++) {
		if (strcmp(file[i].name, "result.csv") == 0)
			facts.result_csv = buf_bytes(&file[i].data);
		if (strcmp(file[i].name, "certificate.cvc") == 0)
			facts.certificate = buf_bytes(&file[i].data);
	}
	if (made != NULL)
		facts.auditor = buf_bytes(&made->auditor);
	if (ok && table_add_earlier(to, earlier, &facts, e))
		earlier = NULL; /* theirs now */
	else if (ok)
		ok = err_wrap(e, "revision %llu", (unsigned long long)revision);
	table_free(earlier);
	release_result_free(made);
	for (size_t i = 0; i < n; i++)
		buf_free(&file[i].data);
	return ok;
}

/* Everything of this period that ever left, withdrawn releases included: withdrawing gives nothing back. */
static bool add_ledger(struct vault *v, const struct period *p, const struct config *config,
    const struct policy_params *params, uint64_t revision, struct table_input *to, struct err *e)
{
	uint64_t earlier[LIMIT_REVISIONS_RELEASED];
	size_t n = 0;
	struct rows r;
	bool ok = true;

	rows_open(&r, v->store,
	    "SELECT revision FROM release WHERE period = ? AND revision < ? AND stage IN (?, ?, ?) ORDER BY "
	    "revision",
	    "iiiii", p->id, revision, (uint64_t)STAGE_PUBLISHED, (uint64_t)STAGE_SUPERSEDED,
	    (uint64_t)STAGE_WITHDRAWN);
	while (ok && rows_next(&r)) {
		ok = n < LIMIT_REVISIONS_RELEASED ||
		     err_set(e, ERR_REFUSED, "release: the period was released too often before");
		if (ok)
			earlier[n++] = rows_uint(&r, 0);
	}
	ok = rows_close(&r, e) && ok;
	for (size_t i = 0; ok && i < n; i++)
		ok = add_earlier(v, p, config, params, earlier[i], i + 1 == n, to, e);
	return ok;
}

/* What a stranger needs to check the certificate: the table's public files, under names a release may have. */
static bool keep_grid(void *context, const char *name, struct bytes text)
{
	struct built *b = context;
	char file[RELEASE_FILE_NAME_MAX + 1];
	int n = snprintf(file, sizeof file, "grid-%s", name);

	for (char *at = file; *at; at++) {
		if (*at == '_')
			*at = '-';
	}
	return n > 0 && (size_t)n < sizeof file && built_add(b, file, text, NULL);
}

static bool keep_table(struct built *b, const struct table_input *input, struct err *e)
{
	return table_files(input, false, keep_grid, b) ||
	       err_set(e, ERR_LIMIT, "release: the table's own files do not fit");
}

/* The rules' numbers as they hold for the dataset: a series of its own unless the configuration names one. */
static bool params_of(
    struct policy_params *params, const struct config *config, const struct period *p, struct err *e)
{
	if (!policy_params_from_settings(params, config->policy, config->n_policy, e))
		return false;
	if (strcmp(params->series, "default") == 0)
		snprintf(params->series, sizeof params->series, "%s", p->dataset);
	return true;
}

/* The engine's work for a sealed set, beside everything that left of the period before it. Calls itself once for
 * each earlier release. */
static bool build(struct vault *v, const struct period *p, const struct config *config,
    const struct seal_row *seal, struct table_input **input, struct release_result **result,
    uint64_t *n_offices, struct err *e)
{
	struct policy_params params;
	struct release_options options = { .dataset = p->dataset,
		.period = p->name,
		.revision = (uint32_t)seal->revision,
		.max_work = v->conf->release_seconds * WORK_PER_SECOND };

	if (!params_of(&params, config, p, e))
		return false;
	memcpy(options.config, p->config, sizeof options.config);
	vaultkeys_derive(
	    &v->keys, "CVmansal", seal->leaf, options.salt); /* secret, and the same in a rerun */
	notify_long_work(ALLOWANCE * v->conf->release_seconds);
	bool ok = make_input(v, p, config, seal, &params, input, n_offices, e) &&
		  add_ledger(v, p, config, &params, seal->revision, *input, e) &&
		  release_build(*input, &params, v->keys.choice, &options, result, e);
	notify_long_work(0);
	sodium_memzero(options.salt, sizeof options.salt);
	return ok;
}

static bool make_result(struct vault *v, const struct period *p, const struct config *config,
    const struct seal_row *seal, struct table_input **input, struct built *b, struct err *e)
{
	return build(v, p, config, seal, input, &b->result, &b->n_offices, e);
}

static bool protect(struct vault *v, const struct period *p, const struct config *config,
    const struct seal_row *seal, struct built *b, struct err *e)
{
	struct table_input *input = NULL;
	bool ok = make_result(v, p, config, seal, &input, b, e) && keep_table(b, input, e);

	table_free(input);
	return ok;
}

/* --- the table itself, for the operator --- */

static void put_policy(struct buf *out, const struct config *config, const struct period *p)
{
	bool series = false;

	for (uint16_t i = 0; i < config->n_policy; i++) {
		const struct setting *s = &config->policy[i];
		bool own = strcmp(s->name, "series") == 0 && strcmp(s->value, "default") == 0;

		series = series || strcmp(s->name, "series") == 0;
		buf_printf(out, "%s: %s\n", s->name, own ? p->dataset : s->value);
	}
	if (!series)
		buf_printf(out, "series: %s\n", p->dataset);
}

bool built_table(struct vault *v, const struct period *p, const struct seal_row *seal, publish_file_fn *file,
    void *context, struct err *e)
{
	const struct config *config = vault_config(v, p->config, e);
	struct built *b = calloc(1, sizeof *b);
	struct table_input *input = NULL;
	struct buf policy = { 0 };
	bool ok = config != NULL && (b != NULL || err_set(e, ERR_MEMORY, "release: no memory"));

	ok = ok && make_result(v, p, config, seal, &input, b, e);
	if (!ok)
		goto done;
	put_policy(&policy, config, p);
	const struct release_result *r = b->result;
	ok = !policy.failed && table_files(input, true, file, context) &&
	     file(context, "policy.yaml", buf_bytes(&policy)) &&
	     (r->refusal != REFUSAL_NONE ||
		 (file(context, "RESULT.csv", buf_bytes(&r->result_csv)) &&
		     file(context, "certificate.cvc", buf_bytes(&r->certificate)) &&
		     file(context, "certificate.auditor.cvc", buf_bytes(&r->auditor))));
	if (!ok)
		err_set(e, ERR_LIMIT, "release: the table's files do not fit");
done:
	table_free(input);
	buf_free(&policy);
	if (b != NULL)
		built_free(b);
	free(b);
	return ok;
}

/* --- rows, from the safe table only --- */

static uint8_t state_of(char mark)
{
	switch (mark) {
	case MARK_PUBLISHED:
		return RELEASE_PUBLISHED;
	case MARK_NOT_REPORTED:
		return RELEASE_NOT_REPORTED;
	case MARK_NOT_ASKED:
		return RELEASE_NOT_ASKED;
	case MARK_STRUCTURAL:
		return RELEASE_STRUCTURAL;
	case MARK_PERTURBED:
		return RELEASE_PERTURBED;
	default:
		return RELEASE_SUPPRESSED;
	}
}

static void copy_row(struct release_row *to, const struct form_row *from)
{
	to->measure = from->measure;
	for (size_t d = 0; d < RELEASE_DIMS; d++)
		to->code[d] = from->code[d];
	to->state = state_of(from->state);
	to->value = release_has_value(to->state) ? from->value : 0;
}

static bool add_table(
    struct built *b, const struct config *config, const char *period, uint16_t place, struct err *e)
{
	const struct release_table *table = &config->table[place];
	struct form_row *row = NULL;
	size_t n = 0;

	if (!form_rows(b->result->table, config, period, place, &row, &n, e))
		return false;
	struct release_rows_table *out = release_rows_add(&b->rows, n, e);
	if (out) {
		snprintf(out->id, sizeof out->id, "%s", table->id);
		out->n_dims = table->n_dims;
		for (uint16_t d = 0; d < table->n_dims; d++)
			snprintf(out->dim[d], sizeof out->dim[d], "%s", config->list[table->dim[d]].name);
		for (size_t i = 0; i < n; i++) {
			copy_row(&out->row[i], &row[i]);
			b->n_suppressed += out->row[i].state == RELEASE_SUPPRESSED;
		}
		b->n_cells += n;
	}
	free(row);
	return out != NULL;
}

static bool make_rows(
    struct built *b, const struct period *p, uint64_t revision, const struct config *config, struct err *e)
{
	memcpy(b->rows.dataset, p->dataset, sizeof b->rows.dataset);
	memcpy(b->rows.period, p->name, sizeof b->rows.period);
	memcpy(b->rows.config, p->config, sizeof b->rows.config);
	b->rows.revision = revision;
	for (uint16_t t = 0; t < config->n_tables; t++) {
		if (!add_table(b, config, p->name, t, e))
			return false;
	}
	return export_check(&b->rows, config, e);
}

/* --- files --- */

bool built_add(struct built *b, const char *name, struct bytes data, struct err *e)
{
	if (b->n_files == BUILT_FILES)
		return err_set(e, ERR_LIMIT, "release: too many files");
	struct publish_file *file = &b->file[b->n_files++];
	*file = (struct publish_file){ 0 };
	snprintf(file->name, sizeof file->name, "%s", name);
	buf_put_bytes(&file->data, data);
	return !file->data.failed || err_set(e, ERR_MEMORY, "release: no memory for its files");
}

const struct buf *built_file(const struct built *b, const char *name)
{
	for (size_t i = 0; i < b->n_files; i++) {
		if (strcmp(b->file[i].name, name) == 0)
			return &b->file[i].data;
	}
	return NULL;
}

static bool add_json(struct built *b, const struct config *config, uint64_t updated_s, struct err *e)
{
	char name[RELEASE_FILE_NAME_MAX + 1];
	struct buf text = { 0 };
	bool ok = true;

	for (size_t t = 0; ok && t < b->rows.n_tables; t++) {
		buf_clear(&text);
		export_json_name(name, &b->rows, t);
		ok = export_json_stat(&text, &b->rows, t, config, EXPORT_SV, updated_s, e) &&
		     built_add(b, name, buf_bytes(&text), e);
	}
	buf_free(&text);
	return ok;
}

static bool add_content(struct built *b, const struct config *config, uint64_t updated_s, struct err *e)
{
	struct buf packed = { 0 }, csv = { 0 };
	const struct release_result *r = b->result;
	bool ok = release_rows_encode(&packed, &b->rows, e) && export_csv(&csv, &b->rows, config, e) &&
		  built_add(b, "release.msgpack", buf_bytes(&packed), e) &&
		  built_add(b, "release.csv", buf_bytes(&csv), e) && add_json(b, config, updated_s, e) &&
		  built_add(b, "certificate.cvc", buf_bytes(&r->certificate), e) &&
		  built_add(b, "result.csv", buf_bytes(&r->result_csv), e) &&
		  (r->derived_csv.size == 0 || built_add(b, "derived.csv", buf_bytes(&r->derived_csv), e));

	buf_free(&packed);
	buf_free(&csv);
	return ok;
}

static bool add_manifest(
    struct vault *v, struct built *b, const struct period *p, const struct seal_row *seal, struct err *e)
{
	struct manifest *m = calloc(1, sizeof *m);
	struct buf text = { 0 };
	bool ok = m != NULL || err_set(e, ERR_MEMORY, "release: no memory for its manifest");

	if (ok) {
		snprintf(m->origin, sizeof m->origin, "%s", v->conf->origin);
		memcpy(m->dataset, p->dataset, sizeof m->dataset);
		memcpy(m->period, p->name, sizeof m->period);
		memcpy(m->config, p->config, sizeof m->config);
		snprintf(m->certificate, sizeof m->certificate, "certificate.cvc");
		m->revision = seal->revision;
		m->seal = seal->leaf;
	}
	for (size_t i = 0; ok && i < b->n_files; i++)
		ok = manifest_add(m, b->file[i].name, buf_bytes(&b->file[i].data), e);
	ok = ok && manifest_put(&text, m, e) && built_add(b, "manifest.txt", buf_bytes(&text), e);
	if (ok) {
		release_digest(b->object, buf_bytes(&text));
		b->bytes = m->bytes;
	}
	free(m);
	buf_free(&text);
	return ok;
}

/* Spaces and a line feed up to whole blocks: the size of the sealed file tells little of what was hidden. */
static void pad_manifest(struct buf *manifest)
{
	while (!manifest->failed && manifest->size % MANIFEST_BLOCK != 0)
		buf_put_byte(manifest, (manifest->size + 1) % MANIFEST_BLOCK == 0 ? '\n' : ' ');
}

bool built_make(
    struct vault *v, const struct period *p, const struct seal_row *seal, struct built *b, struct err *e)
{
	const struct config *config = vault_config(v, p->config, e);

	*b = (struct built){ 0 };
	if (!config || !protect(v, p, config, seal, b, e))
		return false;
	pad_manifest(&b->result->manifest);
	if (b->result->manifest.failed)
		return err_set(e, ERR_MEMORY, "release: no memory for the auditors' manifest");
	keys_file_digest(b->man, buf_bytes(&b->result->manifest));
	if (b->result->refusal != REFUSAL_NONE)
		return true;
	return make_rows(b, p, seal->revision, config, e) &&
	       add_content(b, config, p->publish_s ? p->publish_s : seal->sealed_s, e) &&
	       add_manifest(v, b, p, seal, e);
}

void built_free(struct built *b)
{
	release_result_free(b->result);
	release_rows_free(&b->rows);
	for (size_t i = 0; i < b->n_files; i++)
		buf_free(&b->file[i].data);
	*b = (struct built){ 0 };
}

/* --- for the operator's eyes --- */

static const char *state_name(uint8_t state)
{
	static const char *const name[] = { "?", "published", "hidden", "not-reported", "not-asked",
		"structural", "perturbed" };

	return state < sizeof name / sizeof *name ? name[state] : "?";
}

static void put_cell_name(struct buf *out, const struct config *config, const struct release_table *table,
    const struct release_row *row)
{
	buf_put_text(out, config->measure[row->measure].name);
	for (uint16_t d = 0; d < table->n_dims; d++)
		buf_printf(out, "|%s", config->list[table->dim[d]].code[row->code[d]].code);
	buf_put_byte(out, 0);
}

static bool tell_row(const struct config *config, uint16_t place, const struct release_row *row,
    const struct built *b, struct publish_report *r, struct err *e)
{
	struct buf name = { 0 }, value = { 0 }, why = { 0 };
	const struct release_table *table = &config->table[place];

	put_cell_name(&name, config, table, row);
	if (row->state == RELEASE_PUBLISHED || row->state == RELEASE_PERTURBED)
		config_put_value(&value, &config->measure[row->measure], row->value);
	buf_put_byte(&value, 0);
	if (row->state == RELEASE_SUPPRESSED)
		built_why(&why, b, config, table, row);
	buf_put_byte(&why, 0);
	bool ok =
	    (!name.failed && !value.failed && !why.failed) || err_set(e, ERR_MEMORY, "release: no memory");
	if (ok) {
		const struct publish_cell cell = { .table = table->id,
			.cell = (const char *)name.data,
			.state = state_name(row->state),
			.value = (const char *)value.data,
			.why = (const char *)why.data };
		r->cell(r->context, &cell);
	}
	buf_free(&name);
	buf_free(&value);
	buf_free(&why);
	return ok;
}

bool built_tell(
    struct vault *v, const struct period *p, const struct built *b, struct publish_report *r, struct err *e)
{
	const struct config *config = vault_config(v, p->config, e);

	if (!config)
		return false;
	for (size_t t = 0; r->cell && t < b->rows.n_tables; t++) {
		for (size_t i = 0; i < b->rows.table[t].n_rows; i++) {
			if (!tell_row(config, (uint16_t)t, &b->rows.table[t].row[i], b, r, e))
				return false;
		}
	}
	return true;
}
