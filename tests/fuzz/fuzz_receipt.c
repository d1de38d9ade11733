/* fuzz: proto */
#include <stdint.h>
#include <stdlib.h>

#include "proto/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Written again it is the input, or shorter by odd keys that were skipped. */
static void same_or_shorter(const struct buf *out, struct bytes in)
{
	if (out->failed || out->size > in.len || (out->size == in.len && !bytes_equal(buf_bytes(out), in)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len);
	struct receipt receipt;
	struct refusal refusal;
	struct buf out = { 0 };
	if (receipt_decode(&receipt, in, NULL)) {
		receipt_encode(&out, &receipt, NULL);
		same_or_shorter(&out, in);
		receipt_print(&out, &receipt);
	}
	buf_clear(&out);
	if (refusal_decode(&refusal, in, NULL)) {
		refusal_encode(&out, &refusal, NULL);
		same_or_shorter(&out, in);
		refusal_print(&out, &refusal);
	}
	buf_free(&out);
	return 0;
}
