#include "client/form/csv.h"

#include <string.h>

#define SNIFF_BYTES 65536u

char csv_separator(struct bytes utf8)
{
	static const char candidates[] = ";\t,";
	size_t lines[3] = { 0 };
	bool seen[3] = { false };
	bool quoted = false;
	if (utf8.len >= 5 && memcmp(utf8.at, "sep=", 4) == 0)
		return (char)utf8.at[4];
	for (size_t i = 0; i < utf8.len && i < SNIFF_BYTES; i++) {
		char c = (char)utf8.at[i];
		quoted = c == '"' ? !quoted : quoted;
		for (unsigned k = 0; k < 3; k++) {
			if (!quoted && c == candidates[k])
				seen[k] = true;
			if (c == '\n' || c == '\r') {
				lines[k] += seen[k];
				seen[k] = false;
			}
		}
	}
	unsigned best = 0;
	for (unsigned k = 0; k < 3; k++) {
		lines[k] += seen[k];
		best = lines[k] > lines[best] ? k : best;
	}
	return candidates[best];
}

struct reader {
	struct bytes text;
	size_t at;
	uint32_t line;
	char separator;
	struct sheet *out;
	struct buf cell; /* of a quoted cell, unescaped */
	struct err *e;
};

static bool at_line_end(const struct reader *r)
{
	return r->at == r->text.len || r->text.at[r->at] == '\n' || r->text.at[r->at] == '\r';
}

static void skip_line_end(struct reader *r)
{
	if (r->at < r->text.len && r->text.at[r->at] == '\r')
		r->at++;
	if (r->at < r->text.len && r->text.at[r->at] == '\n')
		r->at++;
	r->line++;
}

/* After the opening mark; doubled marks are one. What stands between the closing mark and the separator
 * belongs to the cell, as spreadsheet programs read it. */
static bool read_quoted(struct reader *r, uint32_t start)
{
	for (;; r->at++) {
		if (r->at == r->text.len)
			return err_set_detail(r->e, ERR_MALFORMED, start, "a quotation mark never ends");
		uint8_t c = r->text.at[r->at];
		if (c == '"') {
			if (r->at + 1 == r->text.len || r->text.at[r->at + 1] != '"')
				break;
			r->at++;
		}
		r->line +=
		    c == '\n' || (c == '\r' && (r->at + 1 == r->text.len || r->text.at[r->at + 1] != '\n'));
		buf_put_byte(&r->cell, c);
	}
	r->at++;
	while (!at_line_end(r) && (char)r->text.at[r->at] != r->separator)
		buf_put_byte(&r->cell, r->text.at[r->at++]);
	return !r->cell.failed || err_set(r->e, ERR_MEMORY, "out of memory");
}

static bool read_cell(struct reader *r, struct sheet_cell *cell)
{
	struct bytes text;
	*cell = (struct sheet_cell){ .text = "", .kind = SHEET_TEXT, .line = r->line };
	if (r->at < r->text.len && r->text.at[r->at] == '"') {
		buf_clear(&r->cell);
		r->at++;
		if (!read_quoted(r, cell->line))
			return false;
		text = buf_bytes(&r->cell);
	} else {
		size_t start = r->at;
		while (!at_line_end(r) && (char)r->text.at[r->at] != r->separator)
			r->at++;
		text = bytes_of(r->text.at + start, r->at - start);
	}
	cell->text = sheet_text(r->out, text);
	return cell->text != NULL || err_set(r->e, ERR_MEMORY, "out of memory");
}

static bool read_row(struct reader *r)
{
	struct sheet_cell cell[SHEET_COLUMNS];
	uint32_t line = r->line;
	uint16_t n = 0;
	for (bool more = true; more;) {
		struct sheet_cell next;
		if (!read_cell(r, &next))
			return false;
		if (n < SHEET_COLUMNS)
			cell[n++] = next;
		else if (next.text[0] != '\0')
			return err_set_detail(
			    r->e, ERR_LIMIT, r->line, "more than %u columns", SHEET_COLUMNS);
		more = !at_line_end(r);
		r->at += more;
	}
	skip_line_end(r);
	return sheet_add(r->out, line, cell, n, r->e);
}

bool csv_read(struct bytes utf8, struct sheet *out, struct err *e)
{
	bool ok = true;
	struct reader r = { .text = utf8, .line = 1, .separator = csv_separator(utf8), .out = out, .e = e };
	if (utf8.len >= 5 && memcmp(utf8.at, "sep=", 4) == 0) {
		while (!at_line_end(&r))
			r.at++;
		skip_line_end(&r);
	}
	while (ok && r.at < r.text.len)
		ok = read_row(&r);
	buf_free(&r.cell);
	return ok;
}
