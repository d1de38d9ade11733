/* tools - lets other people's programs look at what ours wrote. */
#ifndef TESTS_TOOLS_H
#define TESTS_TOOLS_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/bytes.h"

struct workdir {
	char path[64];
};

static inline void workdir_make(struct workdir *d)
{
	strcpy(d->path, "/tmp/cellveil-test-XXXXXX");
	if (mkdtemp(d->path) == NULL)
		abort();
}

static inline void workdir_write(const struct workdir *d, const char *name, struct bytes content)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", d->path, name);
	FILE *f = fopen(path, "wb");
	if (f == NULL || fwrite(content.at, 1, content.len, f) != content.len || fclose(f) != 0)
		abort();
}

/* Runs a shell command inside the folder; true if it exits with 0. */
static inline bool workdir_run(const struct workdir *d, const char *command)
{
	char line[1024];
	snprintf(line, sizeof line, "cd %s && { %s; } >/dev/null 2>&1", d->path, command);
	return system(line) == 0;
}

static inline void workdir_remove(const struct workdir *d)
{
	char line[256];
	snprintf(line, sizeof line, "rm -rf %s", d->path);
	if (system(line) != 0)
		abort();
}
#endif
