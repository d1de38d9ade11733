/* number - what stands in a box for a number, without guessing. */
#ifndef CLIENT_FORM_NUMBER_H
#define CLIENT_FORM_NUMBER_H
#include "proto/bytes.h"

enum number_kind {
	NUMBER_VALUE,
	NUMBER_POINT,         /* a value; decimal point where a comma is the custom */
	NUMBER_WITH_DECIMALS, /* a value; "1,00" where whole numbers are asked */
	NUMBER_BLANK,
	NUMBER_DASH, /* "-" alone: 0 or not reported? */
	NUMBER_TEXT,
	NUMBER_NEGATIVE,
	NUMBER_DECIMAL, /* decimals in a whole number; also "1.000" and "1,000", which nobody can tell */
	NUMBER_TOO_MANY_DECIMALS,
	NUMBER_TOO_LARGE, /* above max */
	NUMBER_FORMULA,
	NUMBER_DATE /* a spreadsheet program's idea of "1-4" */
};

/* Reads text as a number with up to `decimals` decimals, scaled by 10^decimals into *value. Blanks of any
 * kind part thousands; unit (may be NULL) may follow. point: the decimal point is the custom (tidy tables,
 * cells that are numbers in a workbook). */
enum number_kind number_read(
    const char *text, const char *unit, unsigned decimals, uint64_t max, bool point, uint64_t *value);
#endif
