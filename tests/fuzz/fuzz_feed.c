/* fuzz: proto */
#include <stdlib.h>
#include <string.h>

#include "proto/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A frame as it comes, and its envelope alone; a reader must not move for a frame nobody signed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	struct feed_reader r = { .dataset = "personal-support", .n_keys = 1 };
	struct feed_envelope env;
	struct feed_state state;
	struct buf again = { 0 };

	if (feed_reader_step(&r, in, &env, NULL) != FEED_REFUSE || r.seq != 0)
		abort();
	(void)feed_state_open(&state, in, (const uint8_t(*)[32])r.key, 1, NULL);
	feed_state_free(&state);
	if (feed_decode(&env, in, NULL) &&
	    (env.kind == FEED_RELEASE || env.kind == FEED_NOTICE || env.kind == FEED_BEAT) &&
	    !feed_encode(&again, &env, NULL))
		abort();
	buf_free(&again);
	return 0;
}
