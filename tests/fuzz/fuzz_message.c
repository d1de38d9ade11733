/* fuzz: proto */
#include <stdint.h>
#include <stdlib.h>

#include "proto/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Skipping odd keys we do not know may change an input once; what comes out then stays as it is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct message m;
	struct buf first = { 0 }, second = { 0 };
	uint64_t kind;
	uint8_t rid[MESSAGE_RID_BYTES];
	bool peeked = message_peek(bytes_of(data, len), &kind, rid, NULL);
	if (!message_decode(&m, bytes_of(data, len), NULL))
		return 0;
	if (!peeked || (uint64_t)m.kind != kind || !message_encode(&first, &m, NULL))
		abort();
	if (!message_decode(&m, buf_bytes(&first), NULL) || !message_encode(&second, &m, NULL))
		abort();
	if (!bytes_equal(buf_bytes(&first), buf_bytes(&second)) || first.size > len + 2)
		abort();
	buf_free(&first);
	buf_free(&second);
	return 0;
}
