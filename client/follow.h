/* follow - a reader of one dataset's feed: catches up, stays live, keeps its place.
 *
 * The eight steps of docs/protocol.md "The feed". Every decision is feed_reader_step's; this module fetches
 * what it asks for. libzmq's queue of the SUB socket is the buffer of step 1: what overflows shows as a gap.
 * The position is stored after a release was applied and before it is shown. */
#ifndef CLIENT_FOLLOW_H
#define CLIENT_FOLLOW_H
#include "client/deployment.h"
#include "proto/feed.h"

struct follow {
	struct deployment *deployment; /* borrowed */
	struct feed_reader reader;
	bool has_position; /* reader.seq, link and feed_id are ours, from an earlier run or from STATE */
	size_t newest;     /* without a position: at most so many of the releases in force are applied */
	struct net *feed;
	struct buf frame;
	int64_t beat_ms; /* when the last fresh beat came, by our clock */
	bool stale_told;
	unsigned resyncs; /* in this window of ten minutes */
	int64_t window_ms;
	/* For each envelope in order: a RELEASE or NOTICE, or an odd kind of the future. apply fetches and
	 * verifies; then the position is stored; then show tells. Any code but EXIT_OK from either ends the
	 * following; FOLLOW_ENOUGH ends it well. env borrows memory of the call. */
	int (*apply)(void *user, const struct feed_envelope *env, struct err *e);
	int (*show)(void *user, const struct feed_envelope *env, struct err *e);
	void *user;
};

#define FOLLOW_ENOUGH    (-1)
#define FOLLOW_RESYNCS   3 /* more within FOLLOW_WINDOW_MS: something is wrong, say so and stop */
#define FOLLOW_WINDOW_MS 600000
#define FOLLOW_STALE_MS  15000 /* three intervals of beats */

/* Takes the feed keys of d's key set; loads the position of an earlier run unless forget. */
int follow_open(struct follow *f, struct deployment *d, const char *dataset, bool forget, struct err *e);
void follow_close(struct follow *f);
/* The releases in force, from STATE: signature checked, position set to its as_of. Free with feed_state_free.
 */
int follow_state(struct follow *f, struct feed_state *state, struct err *e);
/* One envelope by its number, verified to be of this feed. frame holds what env borrows from. */
int follow_envelope(
    struct follow *f, uint64_t seq, struct buf *frame, struct feed_envelope *env, struct err *e);
/* Catches up and stays live until apply or show has enough, the deadline passes, or SIGINT. */
int follow_run(struct follow *f, struct err *e);
#endif
