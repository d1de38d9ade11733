/* fuzz: proto */
#include <stdlib.h>

#include "proto/minisign.h"
#include "proto/release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* manifest.txt, its signature file, and the rows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct manifest m;
	struct bytes in = { data, len };
	struct release_rows rows = { 0 };
	struct minisign_claim claim;
	uint8_t id[8];
	uint8_t key[32];
	struct buf again = { 0 };

	if (manifest_parse(&m, in, NULL) &&
	    (!manifest_put(&again, &m, NULL) || !bytes_equal(buf_bytes(&again), in)))
		abort();
	buf_clear(&again);
	if (minisign_parse_public(id, key, in, NULL))
		minisign_put_public(&again, id, key);
	(void)minisign_parse(&claim, id, in, NULL);
	buf_clear(&again);
	/* odd keys of a later version are skipped, so only what we write ourselves is compared */
	if (release_rows_decode(&rows, in, NULL) && !release_rows_encode(&again, &rows, NULL))
		abort();
	release_rows_free(&rows);
	buf_free(&again);
	return 0;
}
