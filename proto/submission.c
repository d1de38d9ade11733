#include "proto/submission.h"

#include "proto/fields.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* ---- header ---- */

/* The suite is constant in the struct's users' eyes: it is read and written here only. */
struct header_wire {
	unsigned suite;
	struct submission_header h;
	uint64_t revision;
};

static const struct field header_rows[] = {
	F(0, FIELD_CHOICE, struct header_wire, suite, SUBMISSION_SUITE, SUBMISSION_SUITE),
	F_NAME(2, struct header_wire, h.dataset),
	F_RAW(4, struct header_wire, h.config_digest),
	F(6, FIELD_PERIOD, struct header_wire, h.period, 0, 0),
	F_NAME(8, struct header_wire, h.office),
	F_RAW(10, struct header_wire, h.office_key_id),
	F_RAW(12, struct header_wire, h.submission_id),
	F_UINT(14, struct header_wire, revision),
	F(16, FIELD_CHOICE, struct header_wire, h.act, ACT_FIGURES, ACT_WITHDRAWAL),
	F_UINT(18, struct header_wire, h.created_s),
};
static const struct fields header_map = FIELDS(header_rows);

bool submission_header_encode(struct buf *out, const struct submission_header *h, struct err *e)
{
	struct header_wire wire = { .suite = SUBMISSION_SUITE, .h = *h, .revision = h->revision };
	return fields_encode(out, &header_map, &wire, "submission header", e);
}

bool submission_header_decode(struct submission_header *h, struct bytes in, struct err *e)
{
	struct header_wire wire;
	if (in.len > LIMIT_HEADER_BYTES)
		return err_set(e, ERR_LIMIT, "submission header: longer than allowed");
	if (!fields_decode(&header_map, &wire, sizeof wire, in, e))
		return err_wrap(e, "submission header");
	if (wire.revision > LIMIT_REVISION)
		return err_set(e, ERR_LIMIT, "submission header: revision above the limit");
	*h = wire.h;
	h->revision = (uint32_t)wire.revision;
	return true;
}

/* ---- payload, reading ---- */

/* What a list needs, counted before anything is allocated. */
struct list_size {
	size_t n, n_elements;
};

/* Walks over one list of cells. Pass 1 (out NULL) counts, pass 2 fills; both read the same bytes. */
static struct list_size list_walk(
    struct mpread *r, const char *what, uint32_t *start, uint64_t *element, uint32_t max)
{
	struct list_size size = { .n = mpread_array(r, what, 0, UINT32_MAX) };
	if (size.n > max)
		mpread_fail(r, ERR_LIMIT, what, "has more cells than a form may have");
	for (size_t i = 0; i < size.n && !mpread_failed(r); i++) {
		size_t len = mpread_array(r, "cell", 0, UINT32_MAX);
		if (start != NULL)
			start[i] = (uint32_t)size.n_elements;
		for (size_t k = 0; k < len && !mpread_failed(r); k++) {
			uint64_t value = mpread_uint(r, "cell element", 0, LIMIT_UINT);
			if (element != NULL)
				element[size.n_elements] = value;
			size.n_elements++;
		}
	}
	if (start != NULL)
		start[size.n] = (uint32_t)size.n_elements;
	return size;
}

/* Cursors on the two lists, found while the map is read. */
struct list_places {
	struct mpread rows, blank;
};

static void read_figures(
    struct mpread *r, struct mpmap *m, struct payload *p, struct list_places *at, struct list_size size[2])
{
	mpmap_need(r, m, 2, "n_cells");
	p->n_cells = mpread_uint(r, "n_cells", 0, LIMIT_UINT);
	mpmap_need(r, m, 4, "hash_total");
	p->hash_total = mpread_uint(r, "hash_total", 0, LIMIT_UINT);
	mpmap_need(r, m, 6, "rows");
	at->rows = *r;
	size[0] = list_walk(r, "rows", NULL, NULL, LIMIT_CELLS);
	mpmap_need(r, m, 8, "blank");
	at->blank = *r;
	size[1] = list_walk(r, "blank", NULL, NULL, LIMIT_CELLS);
	p->has_figures = true;
}

/* Keys 2-8 in a withdrawal are a fault of content, which proto/content reports: skipped here, whatever they
 * hold. */
static void read_withdrawal(struct mpread *r, struct mpmap *m, struct payload *p)
{
	for (uint64_t key = 2; key <= 8; key += 2) {
		if (mpmap_has(r, m, key)) {
			mpread_skip(r);
			p->has_figures = true;
		}
	}
}

/* One block: both element arrays, then both arrays of starts. */
static bool payload_fill(
    struct payload *p, struct list_places *at, const struct list_size size[2], struct err *e)
{
	size_t n_elements = size[0].n_elements + size[1].n_elements;
	size_t n_starts = size[0].n + size[1].n + 2;
	size_t bytes = n_elements * sizeof(uint64_t) + n_starts * sizeof(uint32_t);
	uint64_t *element = malloc(bytes);
	if (element == NULL)
		return err_set(e, ERR_MEMORY, "payload: out of memory");
	p->memory = element;
	p->memory_bytes = bytes;
	uint32_t *start = (uint32_t *)(element + n_elements);
	uint64_t *blank_element = element + size[0].n_elements;
	uint32_t *blank_start = start + size[0].n + 1;
	list_walk(&at->rows, "rows", start, element, LIMIT_CELLS);
	list_walk(&at->blank, "blank", blank_start, blank_element, LIMIT_CELLS);
	p->rows = (struct payload_list){ (uint32_t)size[0].n, start, element };
	p->blank = (struct payload_list){ (uint32_t)size[1].n, blank_start, blank_element };
	return true;
}

bool payload_decode(struct payload *p, enum submission_act act, struct bytes in, struct err *e)
{
	*p = (struct payload){ .act = act };
	struct list_places at = { 0 };
	struct list_size size[2] = { { 0 } };
	struct mpread r = mpread_open(in, LIMIT_NODES_LARGE);
	struct mpmap m = mpread_map(&r, "payload");
	mpmap_need(&r, &m, 0, "blind");
	mpread_bin_exact(&r, "blind", p->blind, BLIND_BYTES);
	if (act == ACT_FIGURES)
		read_figures(&r, &m, p, &at, size);
	else
		read_withdrawal(&r, &m, p);
	mpmap_end(&r, &m);
	bool ok = mpread_close(&r, e);
	if (!ok)
		err_wrap(e, "payload");
	else if (act == ACT_FIGURES)
		ok = payload_fill(p, &at, size, e);
	if (!ok)
		payload_free(p);
	return ok;
}

void payload_free(struct payload *p)
{
	if (p->memory != NULL)
		sodium_memzero(p->memory, p->memory_bytes);
	free(p->memory);
	sodium_memzero(p, sizeof *p);
}

/* ---- payload, writing ---- */

static void write_cell(struct buf *out, const struct config *config, uint32_t i, const uint64_t *value)
{
	const struct cell_id *id = &config->asked[i];
	uint16_t n_dims = config->measure[id->measure].n_dims;
	mpwrite_array(out, 1u + n_dims + (value != NULL));
	mpwrite_uint(out, id->measure);
	for (uint16_t k = 0; k < n_dims; k++)
		mpwrite_uint(out, id->code[k]);
	if (value != NULL)
		mpwrite_uint(out, *value);
}

static void write_cells(
    struct buf *out, const struct config *config, const struct figures *figures, enum figure_state state)
{
	for (uint32_t i = 0; i < figures->n; i++)
		if (figures->state[i] == state)
			write_cell(out, config, i, state == FIGURE_VALUE ? &figures->value[i] : NULL);
}

/* Number of values and of blanks, sum of the values; false if the sum is not below LIMIT_HASH_TOTAL. */
static bool add_up(const struct figures *figures, uint32_t *n_values, uint32_t *n_blank, uint64_t *sum)
{
	*n_values = 0;
	*n_blank = 0;
	*sum = 0;
	for (uint32_t i = 0; i < figures->n; i++) {
		*n_blank += figures->state[i] == FIGURE_BLANK;
		if (figures->state[i] != FIGURE_VALUE)
			continue;
		if (figures->value[i] >= LIMIT_HASH_TOTAL - *sum)
			return false;
		*sum += figures->value[i];
		++*n_values;
	}
	return true;
}

bool payload_encode_figures(struct buf *out, const struct config *config, const struct figures *figures,
    const uint8_t blind[BLIND_BYTES], struct err *e)
{
	uint32_t n_values;
	uint32_t n_blank;
	uint64_t sum;
	if (figures->n != config->n_asked)
		return err_set(e, ERR_INTERNAL, "payload: figures of another form");
	if (!add_up(figures, &n_values, &n_blank, &sum))
		return err_set(e, ERR_INVALID, "payload: the sum of all values is too large");
	mpwrite_map(out, 5);
	mpwrite_key_raw(out, 0, blind, BLIND_BYTES);
	mpwrite_key_uint(out, 2, n_values + n_blank);
	mpwrite_key_uint(out, 4, sum);
	mpwrite_uint(out, 6);
	mpwrite_array(out, n_values);
	write_cells(out, config, figures, FIGURE_VALUE);
	mpwrite_uint(out, 8);
	mpwrite_array(out, n_blank);
	write_cells(out, config, figures, FIGURE_BLANK);
	return mpwrite_done(out, "payload", e);
}

bool payload_encode_withdrawal(struct buf *out, const uint8_t blind[BLIND_BYTES], struct err *e)
{
	mpwrite_map(out, 1);
	mpwrite_key_raw(out, 0, blind, BLIND_BYTES);
	return mpwrite_done(out, "payload", e);
}

/* ---- signing and digests ---- */

/* frame(a, b): each part behind its length, so that no byte can move from one to the other. */
struct frame {
	uint8_t length[2][8];
	struct bytes part[4];
};

static void frame_make(struct frame *f, struct bytes a, struct bytes b)
{
	for (unsigned i = 0; i < 8; i++) {
		f->length[0][i] = (uint8_t)((uint64_t)a.len >> (8 * i));
		f->length[1][i] = (uint8_t)((uint64_t)b.len >> (8 * i));
	}
	f->part[0] = bytes_of(f->length[0], 8);
	f->part[1] = a;
	f->part[2] = bytes_of(f->length[1], 8);
	f->part[3] = b;
}

bool submission_sign(uint8_t sig[KEY_SIG_BYTES], const struct key_signer *office, struct bytes header,
    struct bytes payload, struct err *e)
{
	struct frame f;
	frame_make(&f, header, payload);
	return keys_sign(sig, office, LABEL_SUBMISSION, f.part, 4, e);
}

bool submission_verify(const uint8_t sig[KEY_SIG_BYTES], const uint8_t office[KEY_BYTES], struct bytes header,
    struct bytes payload, struct err *e)
{
	struct frame f;
	frame_make(&f, header, payload);
	return keys_verify(sig, office, LABEL_SUBMISSION, f.part, 4, e);
}

void submission_statement_digest(uint8_t out[KEY_DIGEST_BYTES], struct bytes header, struct bytes payload)
{
	struct frame f;
	frame_make(&f, header, payload);
	keys_hash(out, LABEL_STATEMENT, f.part, 4);
}

void submission_envelope_digest(uint8_t out[KEY_DIGEST_BYTES], struct bytes header, struct bytes box)
{
	struct frame f;
	frame_make(&f, header, box);
	keys_hash(out, LABEL_ENVELOPE, f.part, 4);
}
