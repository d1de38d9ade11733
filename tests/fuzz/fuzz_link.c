/* fuzz: proto */
#include <stdint.h>
#include <stdlib.h>

#include "proto/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void try_side(struct bytes in, enum link_side from)
{
	static struct link_frame f;
	struct buf out = { 0 };
	if (!link_decode(&f, in, from, NULL))
		return;
	if (!link_encode(&out, &f, NULL) || out.size > in.len ||
	    (out.size == in.len && !bytes_equal(buf_bytes(&out), in)))
		abort();
	link_free(&f);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	try_side(bytes_of(data, len), LINK_FROM_GATE);
	try_side(bytes_of(data, len), LINK_FROM_VAULT);
	return 0;
}
