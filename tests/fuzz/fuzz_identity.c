/* fuzz: proto */
#include <stdint.h>
#include <stdlib.h>

#include "proto/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void try_identity(struct bytes in)
{
	struct identity id, again;
	struct buf out = { 0 };
	if (!identity_parse(&id, in, NULL))
		return;
	identity_print(&out, &id);
	if (out.failed || out.size > in.len + 1 || !identity_parse(&again, buf_bytes(&out), NULL))
		abort();
	buf_free(&out);
}

static void try_join(struct bytes in)
{
	static struct join j, again;
	struct buf out = { 0 };
	if (!join_parse(&j, in, NULL))
		return;
	join_print(&out, &j);
	if (out.failed || out.size > in.len + 1 || !join_parse(&again, buf_bytes(&out), NULL))
		abort();
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t secret[KEY_BYTES];
	struct bytes in = bytes_of(data, len);
	try_identity(in);
	try_join(in);
	keys_secret_parse(secret, KEY_INTAKE, in, NULL);
	return 0;
}
