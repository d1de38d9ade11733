/* fuzz: proto */
#include <stdlib.h>
#include <string.h>

#include "proto/keyset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The text inside the note; lines of x- purposes are skipped by readers and so not written back. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct keyset set;
	struct bytes in = { data, len };
	struct buf again = { 0 };
	if (keyset_parse(&set, in, NULL)) {
		bool skipped = memmem(data, len, "\nkey x-", 7) != NULL;
		if (!keyset_put(&again, &set, NULL) || (!skipped && !bytes_equal(buf_bytes(&again), in)))
			abort();
	}
	buf_free(&again);
	return 0;
}
