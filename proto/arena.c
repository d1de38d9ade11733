#include "proto/arena.h"

#include <sodium.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 65536u

struct block {
	struct block *next;
	size_t size, used;
	alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct block *block; /* the newest first */
	size_t left;         /* bytes that may still be handed out */
};

struct arena *arena_new(size_t max_bytes)
{
	struct arena *a = calloc(1, sizeof *a);
	if (a != NULL)
		a->left = max_bytes;
	return a;
}

static struct block *block_new(size_t size)
{
	struct block *b = calloc(1, sizeof *b + size);
	if (b != NULL)
		b->size = size;
	return b;
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
	size_t align = alignof(max_align_t);
	if (size != 0 && count > (SIZE_MAX - align) / size)
		return NULL;
	size_t need = (count * size + align) / align * align; /* never 0: distinct pointers */
	if (need > a->left)
		return NULL;
	if (a->block == NULL || need > a->block->size - a->block->used) {
		struct block *b = block_new(need > BLOCK_BYTES ? need : BLOCK_BYTES);
		if (b == NULL)
			return NULL;
		b->next = a->block;
		a->block = b;
	}
	void *at = a->block->data + a->block->used;
	a->block->used += need;
	a->left -= need;
	return at;
}

char *arena_text(struct arena *a, const void *at, size_t len)
{
	char *copy = arena_alloc(a, len + 1, 1);
	if (copy != NULL && len > 0)
		memcpy(copy, at, len);
	return copy;
}

void arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	for (struct block *b = a->block, *next; b != NULL; b = next) {
		next = b->next;
		sodium_memzero(b->data, b->used);
		free(b);
	}
	free(a);
}
