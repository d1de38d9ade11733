/* textcode - a text file's bytes as UTF-8, whichever program wrote it. */
#ifndef CLIENT_FORM_TEXTCODE_H
#define CLIENT_FORM_TEXTCODE_H
#include "proto/bytes.h"

enum textcode {
	TEXTCODE_UTF8,
	TEXTCODE_WINDOWS_1252,
	TEXTCODE_UTF16LE,
	TEXTCODE_UTF16BE,
	TEXTCODE_UNKNOWN /* broken UTF-16, NUL bytes, or bytes no encoding here has */
};

/* Decodes into out, without byte order mark. UTF-16 needs its mark; without one, valid UTF-8 is UTF-8 and
 * anything else Windows-1252. out->failed tells of memory. */
enum textcode textcode_decode(struct bytes file, struct buf *out);

bool textcode_is_utf8(struct bytes text);

/* UTF-8 that was taken for Windows-1252 and encoded once more ("M\u00c3\u00a4n")? */
bool textcode_is_double(struct bytes utf8);
#endif
