/* bits - sets of at most 32 things as the bits of a number. */
#ifndef POLICY_BITS_H
#define POLICY_BITS_H
#include <stdint.h>

/* How many bits are set. In C, since compilers make of their builtin a call into their own library. */
static inline uint32_t bits_count(uint32_t set)
{
	uint32_t n = 0;
	for (; set != 0; set >>= 1)
		n += set & 1;
	return n;
}
#endif
