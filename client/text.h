/* text - the user's language, and the three ways a program speaks: data, messages, questions.
 *
 * Data go to stdout, everything else to stderr. msgids are English; client/po/sv.po holds the Swedish. The
 * language follows LC_ALL, LC_MESSAGES, LANG, in that order, and does not need the locale to be generated on
 * the machine. */
#ifndef CLIENT_TEXT_H
#define CLIENT_TEXT_H
#include "client/form/findings.h" /* enum language */
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/model.h"
#include <libintl.h>
#include <stdbool.h>

#define _(msgid)  gettext(msgid)
#define N_(msgid) msgid

void text_init(void); /* once, at start; also sets stdout and stderr to UTF-8 */
enum language text_language(void);
const char *text_label(struct label label);        /* in the user's language */
bool text_quiet(bool quiet);                       /* text_say falls silent; answers the former value */
bool text_color(int fd);                           /* a terminal, and NO_COLOR unset */
size_t text_width(const char *utf8);               /* columns on a terminal */
void text_time(struct buf *out, uint64_t seconds); /* 2025-01-31 13:05 UTC: the same for everybody */

void text_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));  /* one line to stderr */
void text_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* not silenced by text_quiet */
void text_error(const struct err *e);                                       /* "cellveil: <text>" */
/* An error's text with those of its parts that proto/ wrote in English in the reader's language. */
void text_inner(struct buf *out, const char *text);
/* Asks on the terminal and takes a line, without its line feed; what has no room is dropped. False at the end of input
 * and at Ctrl-C (net_interrupted()). */
bool text_ask(const char *question, char *line, size_t room);
/* Asks a yes/no question on the terminal; false without one. */
bool text_confirm(const char *question);
bool text_put(const struct buf *out);        /* to stdout, whole and flushed; false if stdout took it not */
bool text_put_or_say(const struct buf *out); /* the same, and says on stderr that it failed */
/* A JSON string with its quotes; of what is no UTF-8 (a path) every byte beyond ASCII becomes U+FFFD. */
void text_json(struct buf *out, const char *text);
#endif
