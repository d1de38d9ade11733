#include "proto/config.h"

#include "proto/name.h"

#include <string.h>

/* The next line of text from *at on, with its line feed; empty at the end. */
static struct bytes next_line(struct bytes text, size_t *at)
{
	size_t start = *at;
	while (*at < text.len && text.at[*at] != '\n')
		++*at;
	*at += *at < text.len;
	return bytes_of(text.at + start, *at - start);
}

static size_t indent_of(struct bytes line)
{
	size_t n = 0;
	while (n < line.len && line.at[n] == ' ')
		n++;
	return n;
}

static bool is_blank(struct bytes line)
{
	size_t n = indent_of(line);
	return n == line.len || line.at[n] == '\n' || line.at[n] == '\r' || line.at[n] == '#';
}

static bool starts(struct bytes line, size_t at, const char *text)
{
	size_t len = strlen(text);
	return line.len >= at + len && memcmp(line.at + at, text, len) == 0;
}

/* Copies line, putting a text in place of a placeholder. */
static void put_filled(struct buf *out, struct bytes line, const char *name, const char *value)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < line.len;) {
		if (starts(line, i, name)) {
			buf_put_text(out, value);
			i += len;
		} else {
			buf_put_byte(out, line.at[i++]);
		}
	}
}

/* The operator's lines, moved below `office:`. */
static void put_offices(struct buf *out, struct bytes offices, size_t indent)
{
	for (size_t at = 0; at < offices.len;) {
		struct bytes line = next_line(offices, &at);
		if (is_blank(line))
			continue;
		for (size_t i = 0; i < indent; i++)
			buf_put_byte(out, ' ');
		buf_put_bytes(out, line);
		if (line.at[line.len - 1] != '\n')
			buf_put_byte(out, '\n');
	}
}

static void fill(
    struct buf *out, struct bytes preset, const char *origin, const char *dataset, struct bytes offices)
{
	bool in_codes = false;
	for (size_t at = 0; at < preset.len;) {
		struct bytes line = next_line(preset, &at);
		if (starts(line, 0, "origin:")) {
			put_filled(out, line, "@ORIGIN@", origin);
		} else if (starts(line, 0, "dataset:")) {
			put_filled(out, line, "@DATASET@", dataset);
		} else {
			buf_put_bytes(out, line);
		}
		if (indent_of(line) == 0 && !is_blank(line))
			in_codes = starts(line, 0, "codes:");
		if (!in_codes || offices.len == 0 || !starts(line, 2, "office:") || indent_of(line) != 2)
			continue;
		size_t after = at;
		for (line = next_line(preset, &after); indent_of(line) > 2 && !is_blank(line);
		     line = next_line(preset, &after))
			at = after;
		put_offices(out, offices, 4);
	}
}

bool preset_fill(struct bytes preset, const char *origin, const char *dataset, struct bytes offices,
    struct buf *out, struct err *e)
{
	if (!name_is_origin(bytes_text(origin)))
		return err_set(e, ERR_INVALID, "origin: a log's name like stats.example/log1 is expected");
	if (!name_is_name(bytes_text(dataset)))
		return err_set(e, ERR_INVALID, "dataset: small letters, digits and '-' are expected");
	if (preset.len > LIMIT_CONFIG_FILE || offices.len > LIMIT_CONFIG_FILE)
		return err_set(
		    e, ERR_LIMIT, "preset or list of offices: larger than %u bytes", LIMIT_CONFIG_FILE);
	buf_clear(out);
	fill(out, preset, origin, dataset, offices);
	if (out->failed)
		return err_set(e, ERR_MEMORY, "out of memory");
	struct config *config = config_parse(buf_bytes(out), e);
	if (config == NULL)
		return err_wrap(e, "the filled preset");
	config_free(config);
	return true;
}
