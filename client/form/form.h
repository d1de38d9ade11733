/* form - an office's own file into figures, or into a list of findings that says what to mend.
 *
 * Reads the paper form as a spreadsheet program saves it (CSV in the usual encodings and separators; XLSX and
 * ODS through sheet.h) by the configuration's `layout:`, or a tidy table (office,year,measure,...,value).
 * Nothing is guessed: blank, 0 and "-" are three things, columns go by heading, rows by label, section and
 * block. Free text, names and addresses are read over in silence and never leave this folder. */
#ifndef CLIENT_FORM_FORM_H
#define CLIENT_FORM_FORM_H
#include "client/form/findings.h"
#include "proto/model.h"

struct form_options {
	const char *period; /* NULL: taken from the file. Otherwise the file must say the same or nothing */
	bool blanks_not_reported; /* --blanks not-reported: open boxes are meant; incomplete breakdowns and
				   * blank questions become warnings and travel as not reported */
	const struct figures *before; /* the office's form of the period before, parallel to config.asked
				       * (form_carry); NULL: none. Differences that ask for a look are told */
};

struct form_result {
	char period[LIMIT_PERIOD + 1]; /* "" if the file says none and none was given */
	struct figures figures;        /* parallel to config.asked; free with figures_free */
};

/* Figures of a form version as another one asks them, cell by cell by name; what that version did not ask is
 * FIGURE_NOT_ASKED. *to is to be freed with figures_free. */
bool form_carry(const struct config *now, const struct config *then, const struct figures *from,
    struct figures *to, struct err *e);

/* The empty form of a layout as CSV for a spreadsheet program: UTF-8 with a mark, semicolons, CRLF. What
 * form_read reads back has every box blank. period may be NULL. */
bool form_template(const struct config *config, const char *period, struct buf *out, struct err *e);
/* The same rows as a workbook. format: "csv", "xlsx" or "ods"; ERR_INVALID for another. */
bool form_template_as(
    const struct config *config, const char *period, const char *format, struct buf *out, struct err *e);

/* Reads file. path is only for messages and for telling XLSX and ODS from text by content, never by name.
 * office picks the office's lines of a tidy table; NULL if the table may hold only one.
 * True: the file was read; *f says whether it may be sent (findings_worst). False with e only for memory and
 * for a configuration without a layout. On false result is empty. */
bool form_read(const char *path, struct bytes file, const struct config *config, const char *office,
    const struct form_options *options, struct form_result *result, struct findings *f, struct err *e);
#endif
