/* arena - memory that is freed all at once.
 *
 * Everything that belongs to one configuration (or one parsed form) is taken from one arena, so that its end
 * is one call. An arena never gives back single pieces and never grows past its bound. */
#ifndef PROTO_ARENA_H
#define PROTO_ARENA_H
#include <stdbool.h>
#include <stddef.h>

struct arena;

/* An empty arena that will hand out at most max_bytes. NULL without memory. */
struct arena *arena_new(size_t max_bytes);

/* count objects of size bytes, zeroed, aligned for any type; count 0 gives a valid pointer to nothing.
 * NULL when memory or the bound is exhausted (or count * size overflows). */
void *arena_alloc(struct arena *a, size_t count, size_t size);

/* A NUL-terminated copy of len bytes. NULL like arena_alloc. */
char *arena_text(struct arena *a, const void *at, size_t len);

/* Zeroes and frees everything; a may be NULL. */
void arena_free(struct arena *a);
#endif
