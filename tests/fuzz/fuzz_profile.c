/* fuzz: proto */
#include <msgpack.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mpread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* msgpack-c must read what we accept, and pack it to the same bytes: every value has one encoding. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	msgpack_unpacked got;
	msgpack_sbuffer again;
	size_t used = 0;
	struct bytes in = bytes_of(data, len);
	bool ok = profile_check(in, LIMIT_NODES, NULL);
	struct mpread r = mpread_open(in, LIMIT_NODES);
	mpread_skip(&r);
	if (mpread_close(&r, NULL) != ok)
		abort();
	if (!ok)
		return 0;
	msgpack_unpacked_init(&got);
	msgpack_sbuffer_init(&again);
	if (msgpack_unpack_next(&got, (const char *)data, len, &used) != MSGPACK_UNPACK_SUCCESS ||
	    used != len)
		abort();
	msgpack_packer pk;
	msgpack_packer_init(&pk, &again, msgpack_sbuffer_write);
	msgpack_pack_object(&pk, got.data);
	if (again.size != len || memcmp(again.data, data, len) != 0)
		abort();
	msgpack_sbuffer_destroy(&again);
	msgpack_unpacked_destroy(&got);
	return 0;
}
