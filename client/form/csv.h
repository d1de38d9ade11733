/* csv - separated text into a sheet: semicolon, comma or tab, quotes after RFC 4180, physical line numbers.
 */
#ifndef CLIENT_FORM_CSV_H
#define CLIENT_FORM_CSV_H
#include "client/form/sheet.h"

/* The separator that parts most lines; ';' if none does. Looks at the first 64 KiB. */
char csv_separator(struct bytes utf8);

/* False with ERR_MALFORMED (a quotation mark that never ends; e->detail is its line), ERR_LIMIT or
 * ERR_MEMORY. */
bool csv_read(struct bytes utf8, struct sheet *out, struct err *e);
#endif
