/* textline - the little that all line-based formats here share: lines, words, strict decimals.
 *
 * Notes, checkpoints, key sets, manifests and signature files are LF-ended lines of printable characters.
 * Each of these functions takes from the front of rest and refuses what is not in exactly the expected form.
 */
#ifndef PROTO_TEXTLINE_H
#define PROTO_TEXTLINE_H
#include "proto/bytes.h"

/* The next line without its LF. False if rest has none. */
bool line_next(struct bytes *rest, struct bytes *line);
/* Takes text from the front. */
bool line_take(struct bytes *rest, const char *text);
/* The next word: up to one space, which is taken too, or to the end. False if it would be empty. */
bool line_word(struct bytes *rest, struct bytes *word);
/* A whole number without sign or leading zero, at most LIMIT_UINT. */
bool line_uint(uint64_t *out, struct bytes text);
/* NUL-terminated copy. False if it does not fit, or is empty, or holds anything but ASCII 0x21-0x7e. */
bool line_copy(char *out, size_t room, struct bytes text);
bool line_is(struct bytes text, const char *want);
/* Exactly len bytes of padded standard base64. */
bool line_base64(uint8_t *out, size_t len, struct bytes text);
/* Printable ASCII and LF only: the formats that are ASCII by definition. */
bool line_is_ascii(struct bytes text);
#endif
