#include "proto/release.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "proto/keys.h"
#include "proto/mpread.h"
#include "proto/mpwrite.h"
#include "proto/textline.h"

#define MANIFEST_HEAD "cellveil-manifest/1"
#define LABEL_LEDGER  "cellveil/1/ledger"
#define FILE_PREFIX   "BLAKE2b-256 ("

void release_digest(uint8_t out[32], struct bytes in)
{
	crypto_generichash(out, 32, in.at, in.len, NULL, 0);
}

bool release_ledger(uint8_t out[32], const uint8_t before[32], const char *dataset, const char *period,
    uint64_t revision, const uint8_t object[32], struct buf *entry)
{
	buf_clear(entry);
	buf_printf(entry, "%s %s %" PRIu64 " ", dataset, period, revision);
	buf_put_hex(entry, bytes_of(object, 32));
	const struct bytes part[] = { bytes_of(before, 32), buf_bytes(entry) };
	keys_hash(out, LABEL_LEDGER, part, 2);
	return !entry->failed;
}

/* [a-z0-9][a-z0-9.-]{0,63} */
static bool is_file_name(struct bytes name)
{
	if (name.len == 0 || name.len > RELEASE_FILE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.at[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (!plain && (i == 0 || (c != '.' && c != '-')))
			return false;
	}
	return true;
}

bool manifest_add(struct manifest *m, const char *name, struct bytes content, struct err *e)
{
	size_t at = 0;
	if (!is_file_name(bytes_text(name)) || m->n_files == RELEASE_FILES_MAX ||
	    content.len > LIMIT_PUBLIC_FILE)
		return err_set(e, ERR_INTERNAL, "manifest: name, number or size of files");
	while (at < m->n_files && strcmp(m->file[at].name, name) < 0)
		at++;
	if (at < m->n_files && strcmp(m->file[at].name, name) == 0)
		return err_set(e, ERR_INTERNAL, "manifest: a file twice");
	memmove(&m->file[at + 1], &m->file[at], (m->n_files - at) * sizeof m->file[0]);
	struct manifest_file *file = &m->file[at];
	*file = (struct manifest_file){ 0 };
	memcpy(file->name, name, strlen(name));
	release_digest(file->digest, content);
	m->n_files++;
	m->bytes += content.len;
	return true;
}

const struct manifest_file *manifest_find(const struct manifest *m, const char *name)
{
	for (size_t i = 0; i < m->n_files; i++)
		if (strcmp(m->file[i].name, name) == 0)
			return &m->file[i];
	return NULL;
}

bool manifest_check_file(const struct manifest *m, const char *name, struct bytes content, struct err *e)
{
	uint8_t digest[32];
	const struct manifest_file *file = manifest_find(m, name);
	if (file == NULL)
		return err_set(e, ERR_NOT_FOUND, "manifest: names no such file");
	release_digest(digest, content);
	if (memcmp(digest, file->digest, sizeof digest) != 0)
		return err_set(e, ERR_CRYPTO, "manifest: %s is not the file that was signed", file->name);
	return true;
}

static void put_manifest(struct buf *out, const struct manifest *m)
{
	buf_printf(out, MANIFEST_HEAD "\norigin %s\ndataset %s\nperiod %s\nrevision %" PRIu64 "\nconfig ",
	    m->origin, m->dataset, m->period, m->revision);
	buf_put_hex(out, bytes_of(m->config, sizeof m->config));
	buf_printf(out, "\nseal %" PRIu64 "\nbytes %" PRIu64 "\ncertificate %s\n", m->seal, m->bytes,
	    m->certificate);
	for (size_t i = 0; i < m->n_files; i++) {
		buf_printf(out, FILE_PREFIX "%s) = ", m->file[i].name);
		buf_put_hex(out, bytes_of(m->file[i].digest, sizeof m->file[i].digest));
		buf_put_byte(out, '\n');
	}
}

/* What was written is read back: nothing is signed that a reader would refuse. */
bool manifest_put(struct buf *out, const struct manifest *m, struct err *e)
{
	size_t start = out->size;
	if (m->n_files > RELEASE_FILES_MAX)
		return err_set(e, ERR_INTERNAL, "manifest: too many files");
	struct manifest *again = malloc(sizeof *again);
	put_manifest(out, m);
	bool ok = again != NULL && !out->failed;
	if (!ok)
		err_set(e, ERR_MEMORY, "manifest: out of memory");
	ok = ok && manifest_parse(again, bytes_of(out->data + start, out->size - start), e);
	free(again);
	return ok;
}

/* The value of the next line, which must begin with name. */
static bool take_line(struct bytes *in, const char *name, struct bytes *value, struct err *e)
{
	if (!line_next(in, value) || !line_take(value, name))
		return err_set(e, ERR_MALFORMED, "manifest: line %s", name);
	return true;
}

static bool parse_names(struct manifest *out, struct bytes *in, struct err *e)
{
	struct bytes value;
	if (!take_line(in, MANIFEST_HEAD, &value, e) || value.len != 0)
		return err_set(e, ERR_UNSUPPORTED, "manifest: unknown format");
	if (!take_line(in, "origin ", &value, e))
		return false;
	if (!name_is_origin(value) || !line_copy(out->origin, sizeof out->origin, value))
		return err_set(e, ERR_MALFORMED, "manifest: origin");
	if (!take_line(in, "dataset ", &value, e))
		return false;
	if (!name_is_name(value) || !line_copy(out->dataset, sizeof out->dataset, value))
		return err_set(e, ERR_MALFORMED, "manifest: dataset");
	if (!take_line(in, "period ", &value, e))
		return false;
	if (!name_is_period(value) || !line_copy(out->period, sizeof out->period, value))
		return err_set(e, ERR_MALFORMED, "manifest: period");
	return true;
}

static bool parse_numbers(struct manifest *out, struct bytes *in, struct err *e)
{
	struct bytes value;
	if (!take_line(in, "revision ", &value, e) || !line_uint(&out->revision, value))
		return err_set(e, ERR_MALFORMED, "manifest: revision");
	if (!take_line(in, "config ", &value, e) || !hex_decode(out->config, sizeof out->config, value))
		return err_set(e, ERR_MALFORMED, "manifest: config");
	if (!take_line(in, "seal ", &value, e) || !line_uint(&out->seal, value))
		return err_set(e, ERR_MALFORMED, "manifest: seal");
	if (!take_line(in, "bytes ", &value, e) || !line_uint(&out->bytes, value))
		return err_set(e, ERR_MALFORMED, "manifest: bytes");
	if (!take_line(in, "certificate ", &value, e) || !is_file_name(value) ||
	    !line_copy(out->certificate, sizeof out->certificate, value))
		return err_set(e, ERR_MALFORMED, "manifest: certificate");
	return true;
}

/* "BLAKE2b-256 (name) = hex", above the name before it. */
static bool parse_file(struct manifest *out, struct bytes line, struct err *e)
{
	if (out->n_files == RELEASE_FILES_MAX)
		return err_set(e, ERR_LIMIT, "manifest: too many files");
	struct manifest_file *file = &out->file[out->n_files];
	if (!line_take(&line, FILE_PREFIX))
		return err_set(e, ERR_MALFORMED, "manifest: not a line that names a file");
	const uint8_t *end = line.len == 0 ? NULL : memchr(line.at, ')', line.len);
	struct bytes name = bytes_of(line.at, end == NULL ? 0 : (size_t)(end - line.at));
	line = bytes_of(line.at + name.len, line.len - name.len);
	if (!is_file_name(name) || !line_copy(file->name, sizeof file->name, name) ||
	    !line_take(&line, ") = ") || !hex_decode(file->digest, sizeof file->digest, line))
		return err_set(e, ERR_MALFORMED, "manifest: file name or digest");
	if (out->n_files > 0 && strcmp(file[-1].name, file->name) >= 0)
		return err_set(e, ERR_MALFORMED, "manifest: files are not in order");
	out->n_files++;
	return true;
}

bool manifest_parse(struct manifest *out, struct bytes in, struct err *e)
{
	struct bytes line;
	*out = (struct manifest){ 0 };
	if (!line_is_ascii(in))
		return err_set(e, ERR_MALFORMED, "manifest: not ASCII");
	if (!parse_names(out, &in, e) || !parse_numbers(out, &in, e))
		return false;
	while (line_next(&in, &line))
		if (!parse_file(out, line, e))
			return false;
	if (in.len != 0)
		return err_set(e, ERR_MALFORMED, "manifest: last line does not end");
	if (manifest_find(out, out->certificate) == NULL)
		return err_set(e, ERR_MALFORMED, "manifest: the certificate is not among the files");
	return true;
}

int release_row_compare(const struct release_row *a, const struct release_row *b, uint16_t n_dims)
{
	int order = (a->measure > b->measure) - (a->measure < b->measure);
	for (uint16_t d = 0; order == 0 && d < n_dims; d++)
		order = (a->code[d] > b->code[d]) - (a->code[d] < b->code[d]);
	return order;
}

struct release_rows_table *release_rows_add(struct release_rows *r, size_t n_rows, struct err *e)
{
	struct release_rows_table *grown = NULL;
	struct release_row *row = NULL;
	if (r->n_tables == RELEASE_TABLES_MAX || n_rows > LIMIT_NODES_LARGE / 4) {
		err_set(e, ERR_LIMIT, "release: too many tables or rows");
		return NULL;
	}
	grown = realloc(r->table, (r->n_tables + 1) * sizeof *grown);
	if (grown != NULL)
		r->table = grown;
	row = calloc(n_rows > 0 ? n_rows : 1, sizeof *row);
	if (grown == NULL || row == NULL) {
		free(row);
		err_set(e, ERR_MEMORY, "release: out of memory");
		return NULL;
	}
	r->table[r->n_tables] = (struct release_rows_table){ .row = row, .n_rows = n_rows };
	return &r->table[r->n_tables++];
}

void release_rows_free(struct release_rows *r)
{
	for (size_t i = 0; i < r->n_tables; i++)
		free(r->table[i].row);
	free(r->table);
	*r = (struct release_rows){ 0 };
}

static bool row_is_sound(const struct release_rows_table *t, size_t i)
{
	const struct release_row *row = &t->row[i];
	if (row->state < RELEASE_PUBLISHED || row->state > RELEASE_PERTURBED)
		return false;
	if (row->state != RELEASE_PUBLISHED && row->state != RELEASE_PERTURBED && row->value != 0)
		return false;
	return i == 0 || release_row_compare(row - 1, row, t->n_dims) < 0;
}

static void put_table(struct buf *out, const struct release_rows_table *t)
{
	mpwrite_array(out, 3);
	mpwrite_str(out, t->id);
	mpwrite_array(out, t->n_dims);
	for (uint16_t d = 0; d < t->n_dims; d++)
		mpwrite_str(out, t->dim[d]);
	mpwrite_array(out, t->n_rows);
	for (size_t i = 0; i < t->n_rows; i++) {
		const struct release_row *row = &t->row[i];
		mpwrite_array(out, 3 + (size_t)t->n_dims);
		mpwrite_uint(out, row->measure);
		for (uint16_t d = 0; d < t->n_dims; d++)
			mpwrite_uint(out, row->code[d]);
		mpwrite_uint(out, row->state);
		mpwrite_uint(out, row->value);
	}
}

static bool table_is_sound(const struct release_rows_table *t)
{
	if (!name_is_name(bytes_text(t->id)) || t->n_dims > RELEASE_DIMS)
		return false;
	for (uint16_t d = 0; d < t->n_dims; d++)
		if (!name_is_name(bytes_text(t->dim[d])))
			return false;
	for (size_t i = 0; i < t->n_rows; i++)
		if (!row_is_sound(t, i))
			return false;
	return true;
}

bool release_rows_encode(struct buf *out, const struct release_rows *r, struct err *e)
{
	size_t start = out->size;
	if (!name_is_name(bytes_text(r->dataset)) || !name_is_period(bytes_text(r->period)) ||
	    r->revision > LIMIT_REVISION || r->n_tables > RELEASE_TABLES_MAX)
		return err_set(e, ERR_INTERNAL, "release: dataset, period, revision or number of tables");
	mpwrite_map(out, 5);
	mpwrite_key_str(out, 0, r->dataset);
	mpwrite_key_str(out, 2, r->period);
	mpwrite_key_uint(out, 4, r->revision);
	mpwrite_key_raw(out, 6, r->config, sizeof r->config);
	mpwrite_uint(out, 8);
	mpwrite_array(out, r->n_tables);
	for (size_t i = 0; i < r->n_tables; i++) {
		if (!table_is_sound(&r->table[i]))
			return err_set(e, ERR_INTERNAL, "release: table %zu", i);
		put_table(out, &r->table[i]);
	}
	if (!mpwrite_done(out, "release", e))
		return false;
	struct bytes written = bytes_of(out->data + start, out->size - start);
	if (written.len > LIMIT_PUBLIC_FILE)
		return err_set(e, ERR_LIMIT, "release: larger than a public file may be");
	return profile_check(written, LIMIT_NODES_LARGE, e);
}

static void read_row(struct mpread *in, const struct release_rows_table *t, size_t i)
{
	struct release_row *row = &t->row[i];
	mpread_array(in, "row", 3 + (size_t)t->n_dims, 3 + (size_t)t->n_dims);
	row->measure = (uint16_t)mpread_uint(in, "measure", 0, UINT16_MAX - 1);
	for (uint16_t d = 0; d < t->n_dims; d++)
		row->code[d] = (uint16_t)mpread_uint(in, "code", 0, UINT16_MAX - 1);
	row->state = (uint8_t)mpread_choice(in, "state", RELEASE_PUBLISHED, RELEASE_PERTURBED);
	row->value = mpread_uint(in, "value", 0, LIMIT_UINT);
	if (!mpread_failed(in) && !row_is_sound(t, i))
		mpread_fail(in, ERR_MALFORMED, "row", "not in order, or a value where none is published");
}

/* Rows are allocated by their number, which the profile's check has held against the bytes there are. */
static bool read_table(struct mpread *in, struct release_rows *r, struct err *e)
{
	char id[LIMIT_NAME + 1];
	char dim[RELEASE_DIMS][LIMIT_NAME + 1] = { { 0 } };
	mpread_array(in, "table", 3, 3);
	mpread_name(in, "table id", id);
	uint16_t n_dims = (uint16_t)mpread_array(in, "dimensions", 0, RELEASE_DIMS);
	for (uint16_t d = 0; d < n_dims; d++)
		mpread_name(in, "dimension", dim[d]);
	size_t n_rows = mpread_array(in, "rows", 0, LIMIT_NODES_LARGE / 4);
	if (mpread_failed(in))
		return true; /* mpread_close will say */
	struct release_rows_table *t = release_rows_add(r, n_rows, e);
	if (t == NULL)
		return false;
	memcpy(t->id, id, sizeof t->id);
	memcpy(t->dim, dim, sizeof t->dim);
	t->n_dims = n_dims;
	for (size_t i = 0; i < n_rows && !mpread_failed(in); i++)
		read_row(in, t, i);
	return true;
}

bool release_rows_decode(struct release_rows *r, struct bytes in, struct err *e)
{
	if (in.len > LIMIT_PUBLIC_FILE)
		return err_set(e, ERR_LIMIT, "release: larger than a public file may be");
	struct mpread read = mpread_open(in, LIMIT_NODES_LARGE);
	struct mpmap map = mpread_map(&read, "release");
	mpmap_need(&read, &map, 0, "dataset");
	mpread_name(&read, "dataset", r->dataset);
	mpmap_need(&read, &map, 2, "period");
	mpread_period(&read, "period", r->period);
	mpmap_need(&read, &map, 4, "revision");
	r->revision = mpread_uint(&read, "revision", 0, LIMIT_REVISION);
	mpmap_need(&read, &map, 6, "config");
	mpread_bin_exact(&read, "config", r->config, sizeof r->config);
	mpmap_need(&read, &map, 8, "tables");
	size_t n = mpread_array(&read, "tables", 0, RELEASE_TABLES_MAX);
	for (size_t i = 0; i < n; i++)
		if (!read_table(&read, r, e))
			return false;
	mpmap_end(&read, &map);
	return mpread_close(&read, e) ? true : err_wrap(e, "release");
}
