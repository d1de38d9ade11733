/* push_figures - what a case system does at the end of the year: counts its own records and pushes the counts.
 *
 *     push_figures FOLDER PERIOD < lines of "cell value", as in "clients|F|Y18-29 12"
 *
 * Build: cc push_figures.c $(pkg-config --cflags --libs libcellveil) */
#include <libcellveil.h>
#include <stdio.h>
#include <string.h>

/* One line: "cell value", or "cell" alone for what is not reported. */
static int set_line(struct cellveil *c, char *line)
{
	char *value;

	line[strcspn(line, "\r\n")] = 0;
	value = strchr(line, ' ');
	if (value != NULL)
		*value++ = 0;
	return cellveil_set(c, line, value);
}

static int push_all(struct cellveil *c, const char *period, FILE *in)
{
	struct cellveil_receipt receipt;
	char line[256];
	int code = cellveil_begin(c, period, 60);

	while (code == CELLVEIL_OK && fgets(line, sizeof line, in) != NULL)
		code = set_line(c, line);
	if (code == CELLVEIL_OK)
		code = cellveil_push(c, 60, &receipt);
	if (code == CELLVEIL_OK)
		printf("received: revision %u, log index %llu\n%s\n", (unsigned)receipt.revision,
		    (unsigned long long)receipt.log_index, receipt.path);
	return code;
}

int main(int argc, char **argv)
{
	struct cellveil *c;
	int code;

	if (argc != 3) {
		fprintf(stderr, "usage: push_figures FOLDER PERIOD < lines of \"cell value\"\n");
		return CELLVEIL_USAGE;
	}
	c = cellveil_open(argv[1], NULL);
	if (c == NULL)
		return CELLVEIL_OTHER;
	code = push_all(c, argv[2], stdin);
	if (code != CELLVEIL_OK)
		fprintf(stderr, "push_figures: %s\n", cellveil_error(c));
	cellveil_close(c);
	return code;
}
