/* array - the one way a list grows.
 *
 * Internal to policy/. */
#ifndef POLICY_ARRAY_H
#define POLICY_ARRAY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* array: address of a pointer from malloc, or of NULL; *room: elements it has room for. Afterwards it has room for at least
 * `need` elements of `size` bytes, by half as much again, so that n additions cost O(n). False: no memory; nothing changed. */
bool array_room(void *array, uint32_t *room, uint32_t need, size_t size);
#endif
