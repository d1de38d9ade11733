/* feed - hands the vault's news to subscribers, in order, without holes.
 *
 * What the vault sends is published as it is: the gate neither makes nor checks a signature. Order and gaps
 * are ours: a repeated envelope is dropped, a missing one is read from public/feed/, where it lies before the
 * vault tells of it. The newest beat of each dataset is kept for HEAD. Source: docs/protocol.md, rule G7. */
#ifndef DAEMON_GATE_FEED_H
#define DAEMON_GATE_FEED_H
#include "daemon/gate/files.h"
#include "proto/feed.h"
#include "proto/link.h"

#define FEED_FILL_MOST 256u /* envelopes read for one gap; older ones a reader fetches with RANGE */

struct feeds;

/* publish sends one message: the topic, and array(2) [envelope, signature]. files is borrowed. */
struct feeds *feeds_new(const struct tree *files,
    void (*publish)(void *arg, const char *topic, struct bytes frame), void *arg); /* NULL: out of memory */
void feeds_free(struct feeds *f);

void feeds_take(struct feeds *f, const struct link_feed *in);
/* For OPEN: what was published last, for each feed. */
void feeds_positions(const struct feeds *f, struct link_open *open);

/* The newest beat of dataset: the one the vault sent, else the file's. Views borrow from f and hold until the
 * next call. False if there is none. */
struct feed_head {
	uint8_t feed_id[FEED_ID_BYTES];
	uint64_t seq;
	struct bytes envelope;
	uint8_t signature[64];
};
bool feeds_head(struct feeds *f, const char *dataset, struct feed_head *out);

/* public/feed/<dataset>/<feed id>/<seq>, relative to public/. */
#define FEED_PATH_ROOM 128u
void feed_path(
    char out[FEED_PATH_ROOM], const char *dataset, const uint8_t feed_id[FEED_ID_BYTES], uint64_t seq);
#endif
