#include "daemon/gate/stats.h"
#include "daemon/say.h"
#include <stdatomic.h>
#include <stdio.h>

/* say() keeps 600 bytes of a text; a counter with its name and value takes less than ONE_ROOM. */
#define LINE_ROOM 560
#define ONE_ROOM  100

static _Atomic uint64_t count[STATS];

void stats_add(enum gate_stat which, uint64_t n)
{
	atomic_fetch_add_explicit(&count[which], n, memory_order_relaxed);
}

uint64_t stats_get(enum gate_stat which)
{
	return atomic_load_explicit(&count[which], memory_order_relaxed);
}

void stats_say(void)
{
	static const char *const name[STATS] = {
#define X(id, metric, label) metric "{" label "}",
		GATE_STATS(X)
#undef X
	};
	char line[LINE_ROOM];
	size_t used = 0;
	for (unsigned i = 0; i < STATS; i++) {
		uint64_t n = stats_get((enum gate_stat)i);
		if (n == 0)
			continue;
		if (used > LINE_ROOM - ONE_ROOM) {
			say(SAY_INFO, "counters", "%s", line);
			used = 0;
		}
		used += (size_t)snprintf(
		    line + used, ONE_ROOM, "%s%s %llu", used > 0 ? " " : "", name[i], (unsigned long long)n);
	}
	if (used > 0)
		say(SAY_INFO, "counters", "%s", line);
}
