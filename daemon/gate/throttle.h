/* throttle - how much one principal may ask of the gate: token buckets for messages and bytes, and a bar
 * after too many bad envelopes.
 *
 * Keyed by principal key id, over all its connections. Fixed size (for LIMIT_PRINCIPALS), no clock of its
 * own: now_ms is the caller's, and never goes back. Not thread safe: the loop owns it. Docs: protocol,
 * "Limits". */
#ifndef DAEMON_GATE_THROTTLE_H
#define DAEMON_GATE_THROTTLE_H
#include <stdbool.h>
#include <stdint.h>

struct throttle_rates {
	uint32_t messages_s, burst; /* messages a second; how many at once after a rest */
	uint32_t bytes_s, bytes_burst;
	uint32_t bad_envelopes;         /* in bad_window_ms bring a bar of bar_ms; 0: never */
	uint32_t bad_window_ms, bar_ms; /* ten minutes each */
};

struct throttle;

struct throttle *throttle_new(const struct throttle_rates *rates); /* NULL: out of memory */
void throttle_free(struct throttle *t);

/* Takes a message of size bytes from the principal's buckets. True if it may pass. Otherwise *retry_ms says
 * after how long it would; a refused message costs nothing. */
bool throttle_take(
    struct throttle *t, const uint8_t id[8], uint64_t now_ms, uint64_t bytes, uint64_t *retry_ms);

/* Counts bytes sent to the principal against the same bucket, which may go below nought: the next message
 * waits. */
void throttle_charge(struct throttle *t, const uint8_t id[8], uint64_t now_ms, uint64_t bytes);

/* Punishes what no honest client does (several frames, a routing id): n messages are taken even if the bucket
 * goes below nought, down to ten minutes' worth. */
void throttle_fine(struct throttle *t, const uint8_t id[8], uint64_t now_ms, uint64_t n);

/* The vault refused an envelope of this principal as BAD_ENVELOPE. */
void throttle_bad_envelope(struct throttle *t, const uint8_t id[8], uint64_t now_ms);
#endif
