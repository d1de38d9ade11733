/* fuzz: client
 * A JJ file, with its values checked and without. What was read is written and read again: the same bytes. */
#include "client/protect/jj.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void once(struct bytes text, bool with_values)
{
	struct err e = { 0 };
	struct jj j;
	struct jj again = { 0 };
	struct buf first = { 0 };
	struct buf second = { 0 };
	if (jj_read(&j, "input", text, with_values, &e)) {
		jj_put(&j, &first);
		if (!jj_read(&again, "output", buf_bytes(&first), with_values, &e))
			abort();
		jj_put(&again, &second);
		if (!bytes_equal(buf_bytes(&first), buf_bytes(&second)))
			abort();
	} else if (e.code == ERR_NONE || strncmp(e.text, "input", 5) != 0) {
		abort();
	}
	buf_free(&first);
	buf_free(&second);
	jj_free(&j);
	jj_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	once(bytes_of(data, size), true);
	once(bytes_of(data, size), false);
	return 0;
}
