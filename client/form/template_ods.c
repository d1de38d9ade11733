/* The empty form as an ODS workbook: three small XML files in a zip. */
#include "client/form/template.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

#define CREATED  1577836800 /* no clock: the same form is the same file */
#define ODS_TYPE "application/vnd.oasis.opendocument.spreadsheet"
#define NS       "urn:oasis:names:tc:opendocument:xmlns:"

static const char manifest[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<manifest:manifest xmlns:manifest=\"" NS "manifest:1.0\" manifest:version=\"1.2\">\n"
    "<manifest:file-entry manifest:full-path=\"/\" manifest:version=\"1.2\" manifest:media-type=\"" ODS_TYPE
    "\"/>\n"
    "<manifest:file-entry manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/>\n"
    "</manifest:manifest>\n";

static const char head[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<office:document-content xmlns:office=\"" NS "office:1.0\" xmlns:table=\"" NS
    "table:1.0\" xmlns:text=\"" NS "text:1.0\" xmlns:style=\"" NS "style:1.0\" xmlns:fo=\"" NS
    "xsl-fo-compatible:1.0\" xmlns:number=\"" NS "datastyle:1.0\" office:version=\"1.2\">\n"
    "<office:automatic-styles>\n"
    "<style:style style:name=\"label\" style:family=\"table-column\"><style:table-column-properties "
    "style:column-width=\"12cm\"/></style:style>\n"
    "<style:style style:name=\"box\" style:family=\"table-column\"><style:table-column-properties "
    "style:column-width=\"3cm\"/></style:style>\n"
    "<number:number-style style:name=\"whole\"><number:number number:decimal-places=\"0\" "
    "number:min-integer-digits=\"1\"/></number:number-style>\n"
    "<number:number-style style:name=\"hundredths\"><number:number number:decimal-places=\"2\" "
    "number:min-integer-digits=\"1\"/></number:number-style>\n"
    "<number:text-style style:name=\"words\"><number:text-content/></number:text-style>\n"
    "<number:date-style style:name=\"day\"><number:year number:style=\"long\"/><number:text>-</number:text>"
    "<number:month number:style=\"long\"/><number:text>-</number:text><number:day "
    "number:style=\"long\"/></number:date-style>\n"
    "<style:style style:name=\"wrap\" style:family=\"table-cell\"><style:table-cell-properties "
    "fo:wrap-option=\"wrap\"/></style:style>\n"
    "<style:style style:name=\"bold\" style:family=\"table-cell\"><style:table-cell-properties "
    "fo:wrap-option=\"wrap\"/><style:text-properties fo:font-weight=\"bold\"/></style:style>\n";

static const struct {
	const char *name, *data;
} boxes[] = {
	[TEMPLATE_PERIOD] = { "period", "words" },
	[TEMPLATE_NUMBERS] = { "numbers", "whole" },
	[TEMPLATE_DECIMALS] = { "decimals", "hundredths" },
	[TEMPLATE_TICKS] = { "ticks", "words" },
	[TEMPLATE_DATE] = { "date", "day" },
};

static void put_styles(struct buf *out)
{
	buf_put_text(out, head);
	for (size_t i = TEMPLATE_PERIOD; i < sizeof boxes / sizeof *boxes; i++)
		buf_printf(out,
		    "<style:style style:name=\"%s\" style:family=\"table-cell\" style:data-style-name=\"%s\">"
		    "<style:table-cell-properties fo:border=\"0.5pt solid #000000\"/></style:style>\n",
		    boxes[i].name, boxes[i].data);
	buf_put_text(out, "</office:automatic-styles>\n<office:body><office:spreadsheet>\n");
}

static void put_xml(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			buf_put_text(out, "&amp;");
		else if (*text == '<')
			buf_put_text(out, "&lt;");
		else if (*text == '>')
			buf_put_text(out, "&gt;");
		else if (*text == '"')
			buf_put_text(out, "&quot;");
		else
			buf_put_byte(out, (uint8_t)*text);
	}
}

static void put_cell(struct buf *out, const char *style, const char *text)
{
	buf_put_text(out, "<table:table-cell");
	if (style != NULL)
		buf_printf(out, " table:style-name=\"%s\"", style);
	if (text[0] == '\0') {
		buf_put_text(out, "/>");
		return;
	}
	buf_put_text(out, " office:value-type=\"string\"><text:p>");
	put_xml(out, text);
	buf_put_text(out, "</text:p></table:table-cell>");
}

static bool put_row(void *to, const struct template_row *row, struct err *e)
{
	struct buf *out = to;
	buf_put_text(out, "<table:table-row>");
	put_cell(out, row->kind == TEMPLATE_TITLE ? "bold" : "wrap", row->label);
	for (uint16_t c = 0; c < row->width; c++)
		put_cell(out,
		    row->kind == TEMPLATE_HEADINGS ? "bold"
		    : c < row->n_boxes             ? boxes[row->kind].name
						   : NULL,
		    template_cell(row, c));
	buf_put_text(out, "</table:table-row>\n");
	return !out->failed || err_set(e, ERR_MEMORY, "out of memory");
}

static bool put_content(struct buf *out, const struct config *config, const char *period, struct err *e)
{
	put_styles(out);
	buf_put_text(out, "<table:table table:name=\"");
	put_xml(out, config->form_id);
	buf_put_text(out, "\">\n<table:table-column table:style-name=\"label\"/>"
			  "<table:table-column table:style-name=\"box\" "
			  "table:number-columns-repeated=\"20\"/>\n");
	if (!template_rows(config, period, put_row, out, e))
		return false;
	buf_put_text(
	    out, "</table:table>\n</office:spreadsheet></office:body>\n</office:document-content>\n");
	return !out->failed || err_set(e, ERR_MEMORY, "out of memory");
}

static bool add_part(zip_t *zip, const char *name, struct bytes text, bool packed)
{
	zip_source_t *source = zip_source_buffer(zip, text.at, text.len, 0);
	zip_int64_t at = source == NULL ? -1 : zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8);
	if (at < 0) {
		zip_source_free(source);
		return false;
	}
	return zip_set_file_compression(zip, (zip_uint64_t)at, packed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) ==
		   0 &&
	       zip_file_set_mtime(zip, (zip_uint64_t)at, CREATED, 0) == 0;
}

static bool read_back(zip_source_t *source, struct buf *out)
{
	uint8_t part[16384];
	zip_int64_t n;
	if (zip_source_open(source) != 0)
		return false;
	while ((n = zip_source_read(source, part, sizeof part)) > 0)
		buf_put(out, part, (size_t)n);
	zip_source_close(source);
	return n == 0 && !out->failed;
}

/* The type comes first and unpacked, so that programs know the file by its beginning. */
static bool pack(struct bytes content, struct buf *out)
{
	zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, NULL);
	zip_t *zip = source == NULL ? NULL : zip_open_from_source(source, ZIP_TRUNCATE, NULL);
	bool ok = false;
	if (zip == NULL) {
		zip_source_free(source);
		return false;
	}
	zip_source_keep(source);
	ok = add_part(zip, "mimetype", bytes_text(ODS_TYPE), false) &&
	     add_part(zip, "content.xml", content, true) &&
	     add_part(zip, "META-INF/manifest.xml", bytes_text(manifest), true);
	if (!ok || zip_close(zip) != 0) {
		zip_discard(zip);
		ok = false;
	}
	ok = ok && read_back(source, out);
	zip_source_free(source);
	return ok;
}

bool template_ods(const struct config *config, const char *period, struct buf *out, struct err *e)
{
	struct buf content = { .max = 0 };
	bool ok = put_content(&content, config, period, e);
	if (ok && !pack(buf_bytes(&content), out))
		ok = err_set(e, ERR_MEMORY, "the workbook cannot be packed");
	buf_free(&content);
	return ok;
}
