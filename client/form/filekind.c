#include "client/form/filekind.h"

#include <string.h>
#include <strings.h>

#define LOOK_BYTES 65536u /* namespaces stand in the first element */

static bool begins(struct bytes file, const char *with, size_t len)
{
	return file.len >= len && memcmp(file.at, with, len) == 0;
}

static bool begins_tag(struct bytes text, const char *tag)
{
	size_t len = strlen(tag);
	return text.len > len && strncasecmp((const char *)text.at, tag, len) == 0;
}

static bool holds(struct bytes file, const void *what, size_t len)
{
	return file.len > 0 && memmem(file.at, file.len, what, len) != NULL;
}

/* The stream's name as the container's directory has it: UTF-16. */
static bool is_locked(struct bytes container)
{
	static const char name[] = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e";
	return holds(container, name, sizeof name);
}

/* Markup, after a byte order mark and blanks. */
static enum filekind markup(struct bytes file)
{
	static const char document[] = "urn:oasis:names:tc:opendocument:xmlns:office:1.0";
	static const char root[] = "<office:document";
	struct bytes text = file;
	if (begins(text, "\xef\xbb\xbf", 3))
		text = bytes_of(text.at + 3, text.len - 3);
	while (text.len > 0 && strchr(" \t\r\n", text.at[0]) != NULL)
		text = bytes_of(text.at + 1, text.len - 1);
	if (text.len == 0 || text.at[0] != '<')
		return FILEKIND_TEXT;
	struct bytes head = bytes_of(text.at, text.len < LOOK_BYTES ? text.len : LOOK_BYTES);
	if (holds(head, root, sizeof root - 1) && holds(head, document, sizeof document - 1))
		return FILEKIND_FLAT;
	if (begins_tag(text, "<html") || begins_tag(text, "<!doctype") || begins_tag(text, "<table") ||
	    begins_tag(text, "<meta") || holds(head, "<html", 5))
		return FILEKIND_WEB;
	return begins_tag(text, "<?xml") ? FILEKIND_XML : FILEKIND_TEXT;
}

enum filekind filekind_of(struct bytes file)
{
	if (begins(file, "PK\x03\x04", 4))
		return FILEKIND_WORKBOOK;
	if (begins(file, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8))
		return is_locked(file) ? FILEKIND_LOCKED : FILEKIND_OLD;
	if (begins(file, "%PDF-", 5))
		return FILEKIND_PDF;
	return markup(file);
}

bool filekind_trouble(enum filekind kind, const char **sv, const char **en)
{
	static const char *const texts[][2] = {
		[FILEKIND_OLD] = { "en gammal arbetsbok (xls)", "an old workbook (xls)" },
		[FILEKIND_LOCKED] = { "arbetsboken är skyddad med lösenord; spara den utan",
		    "the workbook has a password; save it without" },
		[FILEKIND_XML] = { "XML av ett annat slag än en arbetsbok, vad filen än heter",
		    "XML of another kind than a workbook, whatever the file is called" },
		[FILEKIND_WEB] = { "en webbsida, vad filen än heter",
		    "a web page, whatever the file is called" },
		[FILEKIND_PDF] = { "en PDF; blanketten behövs som kalkylblad",
		    "a PDF; the form is needed as a spreadsheet" },
	};
	if ((size_t)kind >= sizeof texts / sizeof texts[0] || texts[kind][0] == NULL)
		return false;
	*sv = texts[kind][0];
	*en = texts[kind][1];
	return true;
}
