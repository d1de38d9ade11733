/* What proto/ says of a line or a file, in the reader's language. It speaks English and knows no gettext; its texts are
 * parts parted by ": ", and a part is a sentence of the table, with what stands in its gaps. */
#include "client/text.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define GAPS 4u

static const char *const sentences[] = {
	N_("join line"),
	N_("identity line"),
	N_("line %u"),
	N_("longer than allowed"),
	N_("ends otherwise than in check:XXXXXXXX"),
	N_("the check does not fit: something was lost or changed in copying"),
	N_("neither office, researcher nor auditor"),
	N_("names too many datasets"),
	N_("the word %s is missing"),
	N_("the word %s... breaks its grammar"),
	N_("the word %s... is missing"),
	N_("out of memory"),
	N_("aliases are not allowed"),
	N_("anchors and tags are not allowed"),
	N_("anchors are not allowed"),
	N_("tags are not allowed"),
	N_("directives are not allowed"),
	N_("merges (<<) are not allowed"),
	N_("a name must be plain text"),
	N_("a second document in one file"),
	N_("empty name"),
	N_("nested too deeply"),
	N_("not YAML"),
	N_("text is too long"),
	N_("the file is empty"),
	N_("too many values in one file"),
	N_("unknown name '%s'"),
	N_("name '%s' stands twice (first on line %u)"),
	N_("the file is larger than %u bytes"),
	N_("did not find expected node content"),
	N_("did not find expected key"),
	N_("did not find expected <document start>"),
	N_("did not find expected ',' or ']'"),
	N_("did not find expected ',' or '}'"),
	N_("did not find expected '-' indicator"),
	N_("mapping values are not allowed in this context"),
	N_("found character that cannot start any token"),
	N_("could not find expected ':'"),
	N_("found unexpected end of stream"),
};

struct gap {
	const char *at;
	size_t len;
};

/* Does the part say this sentence? What stands in its gaps goes to gap. */
static bool matches(const char *sentence, const char *part, size_t len, struct gap gap[GAPS])
{
	const char *end = part + len;
	size_t n = 0;

	for (; *sentence != 0; sentence++) {
		if (sentence[0] != '%') {
			if (part == end || *part++ != *sentence)
				return false;
			continue;
		}
		bool number = *++sentence == 'u';
		char stop = sentence[1];
		gap[n].at = part;
		while (part < end && *part != stop && (!number || isdigit((unsigned char)*part)))
			part++;
		gap[n].len = (size_t)(part - gap[n].at);
		if (gap[n++].len == 0 || n == GAPS)
			return false;
	}
	return part == end;
}

static void put_filled(struct buf *out, const char *sentence, const struct gap gap[GAPS])
{
	for (size_t n = 0; *sentence != 0; sentence++) {
		if (*sentence == '%' && sentence[1] != 0) {
			buf_put(out, gap[n].at, gap[n].len);
			n++;
			sentence++;
		} else {
			buf_put(out, sentence, 1);
		}
	}
}

/* A part, or several at once: a sentence may hold ": " itself. 0: none of ours. */
static size_t put_known(struct buf *out, const char *text)
{
	struct gap gap[GAPS] = { { 0 } };
	const char *ends[2] = { text + strlen(text), strstr(text, ": ") };

	for (size_t k = 0; k < 2 && ends[k] != NULL; k++) {
		for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
			if (!matches(sentences[i], text, (size_t)(ends[k] - text), gap))
				continue;
			put_filled(out, _(sentences[i]), gap);
			return (size_t)(ends[k] - text);
		}
	}
	return 0;
}

void text_inner(struct buf *out, const char *text)
{
	while (*text != 0) {
		size_t len = put_known(out, text);
		const char *end = len > 0 ? text + len : strstr(text, ": ");

		if (end == NULL)
			end = text + strlen(text);
		if (len == 0)
			buf_put(out, text, (size_t)(end - text));
		text = end;
		if (*text != 0) {
			buf_put_text(out, ": ");
			text += 2;
		}
	}
}
