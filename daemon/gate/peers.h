/* peers - numbers for connections: 1, 2, 3 ... in order of their first message (rule G4).
 *
 * A connection is known by the routing id its ROUTER socket gave it: five bytes, the first one zero. Fixed
 * size; when it is full the map is emptied, and connections still open get new numbers. Numbers are never
 * used twice in a process. The loop owns it. */
#ifndef DAEMON_GATE_PEERS_H
#define DAEMON_GATE_PEERS_H
#include <stdint.h>

#define ROUTE_BYTES 5u

struct peers;

struct peers *peers_new(void); /* NULL: out of memory */
void peers_free(struct peers *p);
/* endpoint keeps the routing ids of different sockets apart. */
uint64_t peers_serial(struct peers *p, unsigned endpoint, const uint8_t route[ROUTE_BYTES]);
#endif
