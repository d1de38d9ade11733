/* fuzz: proto */
#include <stdint.h>
#include <stdlib.h>

#include "proto/mpwrite.h"
#include "proto/submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void write_list(struct buf *out, const struct payload_list *list)
{
	mpwrite_array(out, list->n);
	for (uint32_t i = 0; i < list->n; i++) {
		mpwrite_array(out, list->start[i + 1] - list->start[i]);
		for (uint32_t k = list->start[i]; k < list->start[i + 1]; k++)
			mpwrite_uint(out, list->element[k]);
	}
}

static void write_payload(struct buf *out, const struct payload *p)
{
	mpwrite_map(out, 5);
	mpwrite_key_raw(out, 0, p->blind, BLIND_BYTES);
	mpwrite_key_uint(out, 2, p->n_cells);
	mpwrite_key_uint(out, 4, p->hash_total);
	mpwrite_uint(out, 6);
	write_list(out, &p->rows);
	mpwrite_uint(out, 8);
	write_list(out, &p->blank);
}

/* What was understood, written again, is the input, but for odd keys that were skipped. */
static void try_payload(struct bytes in)
{
	struct payload p, again;
	struct buf out = { 0 };
	if (payload_decode(&p, ACT_WITHDRAWAL, in, NULL))
		payload_free(&p);
	if (!payload_decode(&p, ACT_FIGURES, in, NULL))
		return;
	write_payload(&out, &p);
	/* shorter only where unknown odd keys were skipped */
	if (out.failed || out.size > in.len || (out.size == in.len && !bytes_equal(buf_bytes(&out), in)))
		abort();
	if (!payload_decode(&again, ACT_FIGURES, buf_bytes(&out), NULL) || again.rows.n != p.rows.n)
		abort();
	payload_free(&again);
	payload_free(&p);
	buf_free(&out);
}

static void try_header(struct bytes in)
{
	struct submission_header h;
	struct buf out = { 0 };
	if (!submission_header_decode(&h, in, NULL))
		return;
	if (!submission_header_encode(&out, &h, NULL) || out.size > in.len ||
	    (out.size == in.len && !bytes_equal(buf_bytes(&out), in)))
		abort();
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	try_payload(bytes_of(data, len));
	try_header(bytes_of(data, len));
	return 0;
}
