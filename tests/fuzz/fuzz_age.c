/* fuzz: proto */
#include "proto/age.h"
#include "proto/atrest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Files and keys of age, rows at rest: nothing here is expected to open. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t secret[32] = { 1 };
	struct bytes in = { data, len };
	struct atrest_place place = { .table = "t" };
	uint8_t key[32];
	struct buf out = { 0 };
	(void)age_recipient_parse(key, in, NULL);
	(void)age_identity_parse(key, in, NULL);
	(void)age_decrypt(&out, in, secret, NULL);
	(void)atrest_open(&out, in, &place, secret, NULL);
	buf_free(&out);
	return 0;
}
