/* label - comparing the words on a form with tolerance.
 *
 * Two labels are the same if they agree after: small letters; no section number in front; nothing in
 * brackets; no punctuation; no year (nor "under" before it); one blank between words. Close is: equal digits
 * and at most one wrong letter in five to eleven, two in longer ones. */
#ifndef CLIENT_FORM_LABEL_H
#define CLIENT_FORM_LABEL_H
#include "proto/bytes.h"

#define LABEL_ROOM 1100u

enum label_match { LABEL_OTHER, LABEL_CLOSE, LABEL_SAME };

/* Without white space at both ends; also no-break, narrow and thin spaces and byte order marks. */
struct bytes label_trim(struct bytes text);
/* The length in bytes of the white space text begins with, 0 if none. */
size_t label_space(struct bytes text);
size_t label_space_at(const char *text); /* the same of a string, in constant time however long it is */
/* The comparable form of text in out; overlong texts are cut. */
void label_normal(char out[LABEL_ROOM], const char *text);
/* Of two normal forms. */
enum label_match label_compare(const char *a, const char *b);
/* Begins with a number and a full stop: "3. Kontakt". */
bool label_is_numbered(const char *text);
#endif
