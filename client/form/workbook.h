/* workbook - the visible sheets of an XLSX or ODS file; an ODS may be one flat XML file (.fods).
 *
 * Numbers come as plain decimals (decimal point, no exponent, 15 digits as spreadsheet programs keep),
 * formulas with their last value, dates and error values as such. */
#ifndef CLIENT_FORM_WORKBOOK_H
#define CLIENT_FORM_WORKBOOK_H
#include "client/form/sheet.h"

#define WORKBOOK_SHEETS     32u                  /* looked at */
#define WORKBOOK_BYTES      (256u * 1024 * 1024) /* unpacked for all sheets together */
#define WORKBOOK_PART_BYTES (64u * 1024 * 1024)  /* of one part, unpacked: a bomb stops here */

/* The n-th visible sheet, from 0, of a zip archive or a flat ODS (filekind.h). ERR_NOT_FOUND if there are fewer;
 * ERR_MALFORMED, ERR_LIMIT, ERR_MEMORY; ERR_CRYPTO of an ODS with a password. */
bool workbook_read(struct bytes file, unsigned n, struct sheet *out, struct err *e);

/* A number as XML writes it ("2.5000000000000004E-1") as a plain decimal of at most 15 digits. out is "" if
 * it is none, or too long to be a figure. */
void workbook_plain_number(const char *text, char out[64]);

/* A cell shown as a percentage: 0.5 in it is no half. It becomes a text, which no box for a number takes. */
void workbook_percent(struct sheet_cell *cell, char plain[64]);

/* A date as XLSX stores it, days since 1899-12-30, as 2024-01-31; "" if it is none of this or the next
 * centuries. */
void workbook_date(const char *plain, char out[16]);

/* xlsx.c and ods.c; parts are whole XML files, empty if absent. */
bool xlsx_read(
    struct bytes strings, struct bytes styles, struct bytes sheet, struct sheet *out, struct err *e);
/* Path of the n-th visible sheet, given xl/workbook.xml and its relations. ERR_NOT_FOUND if there are fewer. */
bool xlsx_find_sheet(
    struct bytes workbook, struct bytes relations, unsigned n, char path[256], struct err *e);
bool ods_read(struct bytes content, unsigned n, struct sheet *out, struct err *e);
#endif
