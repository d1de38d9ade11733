#include "daemon/gate/throttle.h"
#include "proto/limits.h"
#include <stdlib.h>
#include <string.h>

#define SLOTS     131072u /* > 2 * LIMIT_PRINCIPALS: short probes */
#define MOST_USED (2u * LIMIT_PRINCIPALS)
_Static_assert(MOST_USED < SLOTS, "the table must never be full");

/* Tokens are thousandths, so that a rate per second is a rate of thousandths per millisecond. */
struct slot {
	uint8_t id[8];
	bool used;
	uint32_t bad;
	uint64_t at_ms; /* of the last refill */
	int64_t messages, bytes;
	uint64_t bad_since_ms, barred_until_ms;
};

struct throttle {
	struct throttle_rates rates;
	uint32_t n_used;
	struct slot slot[SLOTS];
};

struct throttle *throttle_new(const struct throttle_rates *rates)
{
	struct throttle *t = calloc(1, sizeof *t);
	if (t != NULL)
		t->rates = *rates;
	return t;
}

void throttle_free(struct throttle *t)
{
	free(t);
}

/* Key ids are digests, and registered ones: nobody can aim at one chain for less than a registration each. */
static struct slot *slot_of(struct throttle *t, const uint8_t id[8], uint64_t now_ms)
{
	uint32_t h;
	memcpy(&h, id, sizeof h);
	if (t->n_used >= MOST_USED) { /* years of enrolling and disabling: start over */
		memset(t->slot, 0, sizeof t->slot);
		t->n_used = 0;
	}
	for (h %= SLOTS; t->slot[h].used; h = (h + 1) % SLOTS)
		if (memcmp(t->slot[h].id, id, 8) == 0)
			return &t->slot[h];
	struct slot *s = &t->slot[h];
	memcpy(s->id, id, 8);
	s->used = true;
	s->at_ms = now_ms;
	s->messages = (int64_t)t->rates.burst * 1000;
	s->bytes = (int64_t)t->rates.bytes_burst * 1000;
	t->n_used++;
	return s;
}

static int64_t refilled(int64_t tokens, uint64_t elapsed_ms, uint32_t rate, uint32_t burst)
{
	int64_t full = (int64_t)burst * 1000;
	if (elapsed_ms > 3600u * 1000u)
		return full;
	tokens += (int64_t)elapsed_ms * rate;
	return tokens > full ? full : tokens;
}

static struct slot *refill(struct throttle *t, const uint8_t id[8], uint64_t now_ms)
{
	struct slot *s = slot_of(t, id, now_ms);
	uint64_t elapsed = now_ms > s->at_ms ? now_ms - s->at_ms : 0;
	s->messages = refilled(s->messages, elapsed, t->rates.messages_s, t->rates.burst);
	s->bytes = refilled(s->bytes, elapsed, t->rates.bytes_s, t->rates.bytes_burst);
	s->at_ms += elapsed;
	return s;
}

static uint64_t wait_for(int64_t tokens, int64_t wanted, uint32_t rate)
{
	if (tokens >= wanted)
		return 0;
	return rate == 0 ? 60000 : (uint64_t)(wanted - tokens) / rate + 1;
}

bool throttle_take(
    struct throttle *t, const uint8_t id[8], uint64_t now_ms, uint64_t bytes, uint64_t *retry_ms)
{
	struct slot *s = refill(t, id, now_ms);
	if (s->barred_until_ms > now_ms) {
		*retry_ms = s->barred_until_ms - now_ms;
		return false;
	}
	/* One message larger than the burst passes on a full bucket, or it never would. */
	int64_t cost = (int64_t)(bytes < t->rates.bytes_burst ? bytes : t->rates.bytes_burst) * 1000;
	uint64_t wait_messages = wait_for(s->messages, 1000, t->rates.messages_s);
	uint64_t wait_bytes = wait_for(s->bytes, cost, t->rates.bytes_s);
	*retry_ms = wait_messages > wait_bytes ? wait_messages : wait_bytes;
	if (*retry_ms > 0)
		return false;
	s->messages -= 1000;
	s->bytes -= cost;
	return true;
}

void throttle_charge(struct throttle *t, const uint8_t id[8], uint64_t now_ms, uint64_t bytes)
{
	refill(t, id, now_ms)->bytes -= (int64_t)bytes * 1000;
}

void throttle_fine(struct throttle *t, const uint8_t id[8], uint64_t now_ms, uint64_t n)
{
	struct slot *s = refill(t, id, now_ms);
	int64_t floor = -(int64_t)t->rates.messages_s * 600 * 1000;
	if (n > 1000000)
		n = 1000000;
	s->messages -= (int64_t)n * 1000;
	if (s->messages < floor)
		s->messages = floor;
}

void throttle_bad_envelope(struct throttle *t, const uint8_t id[8], uint64_t now_ms)
{
	struct slot *s = slot_of(t, id, now_ms);
	if (t->rates.bad_envelopes == 0)
		return;
	if (s->bad == 0 || now_ms - s->bad_since_ms > t->rates.bad_window_ms) {
		s->bad = 0;
		s->bad_since_ms = now_ms;
	}
	if (++s->bad < t->rates.bad_envelopes)
		return;
	s->bad = 0;
	s->barred_until_ms = now_ms + t->rates.bar_ms;
}
