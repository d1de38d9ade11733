#include "daemon/gate/peers.h"
#include <stdlib.h>
#include <string.h>

#define SLOTS 131072u
#define MOST  65536u /* descriptors of the process */

struct peers {
	uint64_t last;
	uint32_t n_used;
	uint64_t key[SLOTS]; /* endpoint and route; 0: free */
	uint64_t serial[SLOTS];
};

struct peers *peers_new(void)
{
	return calloc(1, sizeof(struct peers));
}

void peers_free(struct peers *p)
{
	free(p);
}

uint64_t peers_serial(struct peers *p, unsigned endpoint, const uint8_t route[ROUTE_BYTES])
{
	uint64_t key = endpoint;
	for (unsigned i = 0; i < ROUTE_BYTES; i++)
		key = key << 8 | route[i];
	if (p->n_used >= MOST) {
		memset(p->key, 0, sizeof p->key);
		p->n_used = 0;
	}
	/* libzmq counts routing ids up from a random start: neighbours in the table are neighbours in time.
	 */
	uint32_t h = (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 40) % SLOTS;
	for (; p->key[h] != 0; h = (h + 1) % SLOTS)
		if (p->key[h] == key)
			return p->serial[h];
	p->n_used++;
	p->key[h] = key;
	p->serial[h] = ++p->last;
	return p->last;
}
