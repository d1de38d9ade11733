/* fuzz: proto */
#include <stdlib.h>

#include "proto/logentry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	struct log_entry entry;
	struct buf again = { 0 };
	if (log_entry_parse(&entry, in, NULL) &&
	    (!log_entry_put(&again, &entry, NULL) || !bytes_equal(buf_bytes(&again), in)))
		abort(); /* accepted, but not the one way to write it */
	buf_free(&again);
	return 0;
}
