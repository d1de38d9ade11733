/* Runs a fuzz target over every file of the folders named as arguments: the kept corpus, on any compiler. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		return;
	fseek(f, 0, SEEK_END);
	long len = ftell(f);
	rewind(f);
	/* exactly sized, so that a sanitizer sees an over-read */
	uint8_t *data = malloc(len > 0 ? (size_t)len : 1);
	if (data != NULL && fread(data, 1, (size_t)len, f) == (size_t)len)
		LLVMFuzzerTestOneInput(data, (size_t)len);
	free(data);
	fclose(f);
}

int main(int argc, char **argv)
{
	size_t n = 0;
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		if (dir == NULL)
			continue;
		struct dirent *entry;
		while ((entry = readdir(dir)) != NULL) {
			char path[4096];
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
			replay_file(path);
			n++;
		}
		closedir(dir);
	}
	printf("%zu inputs replayed\n", n);
	return 0;
}
