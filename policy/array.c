#include "policy/array.h"

#include <stdlib.h>
#include <string.h>

bool array_room(void *array, uint32_t *room, uint32_t need, size_t size)
{
	void *now = NULL;
	if (need <= *room)
		return true;
	uint64_t more = *room < 4 ? 4 : *room;
	while (more < need)
		more += more / 2;
	if (more > UINT32_MAX || more > SIZE_MAX / size)
		return false;
	memcpy(&now, array, sizeof now);
	void *bigger = realloc(now, (size_t)more * size);
	if (bigger == NULL)
		return false;
	memcpy(array, &bigger, sizeof bigger);
	*room = (uint32_t)more;
	return true;
}
