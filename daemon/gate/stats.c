#include "daemon/gate/stats.h"
#include <stdatomic.h>
#include <string.h>

static _Atomic uint64_t count[STATS];

void stats_add(enum gate_stat which, uint64_t n)
{
	atomic_fetch_add_explicit(&count[which], n, memory_order_relaxed);
}

uint64_t stats_get(enum gate_stat which)
{
	return atomic_load_explicit(&count[which], memory_order_relaxed);
}

void stats_print(struct buf *out)
{
	static const struct {
		const char *metric, *label;
	} is[STATS] = {
#define X(name, metric, label) { metric, label },
		GATE_STATS(X)
#undef X
	};
	for (unsigned i = 0; i < STATS; i++) {
		if (i == 0 || strcmp(is[i].metric, is[i - 1].metric) != 0)
			buf_printf(out, "# TYPE cellveil_gate_%s counter\n", is[i].metric);
		buf_printf(out, "cellveil_gate_%s", is[i].metric);
		if (is[i].label[0] != '\0')
			buf_printf(out, "{%s}", is[i].label);
		buf_printf(out, " %llu\n", (unsigned long long)stats_get((enum gate_stat)i));
	}
}
