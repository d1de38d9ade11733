/* fuzz: proto */
#include <stdlib.h>

#include "proto/checkpoint.h"
#include "proto/tlogpolicy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Notes, and everything built around them. What is accepted must print back to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	struct note note;
	struct vkey key;
	struct checkpoint c;
	struct tlog_proof proof;
	struct tlog_tile tile;
	struct buf again = { 0 };

	if (note_parse(&note, in, NULL) && note.text.len >= len)
		abort();
	if (vkey_parse(&key, in, NULL)) {
		vkey_print(&again, &key);
		if (!bytes_equal(buf_bytes(&again), in))
			abort();
	}
	buf_clear(&again);
	if (guard_parse(&c, in, NULL)) {
		guard_put(&again, &c);
		if (!bytes_equal(buf_bytes(&again), in))
			abort();
	}
	buf_clear(&again);
	if (tlog_proof_parse(&proof, in, NULL)) {
		tlog_proof_put(&again, &proof);
		if (!bytes_equal(buf_bytes(&again), in))
			abort();
	}
	static struct tlogpolicy policy;
	static const bool none[TLOGPOLICY_KEYS_MAX];
	if (tlogpolicy_parse(&policy, in, NULL) && !policy.none && tlogpolicy_holds(&policy, none))
		abort(); /* a quorum of nobody */
	(void)tlog_tile_parse(&tile, in, NULL);
	for (struct bytes rest = in, entry; rest.len > 0;)
		if (!tlog_bundle_next(&rest, &entry, NULL))
			break;
	buf_free(&again);
	return 0;
}
