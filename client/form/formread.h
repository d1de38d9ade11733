/* formread - what the parts of the form's reader share. Private to client/form. */
#ifndef CLIENT_FORM_FORMREAD_H
#define CLIENT_FORM_FORMREAD_H
#include "client/form/findings.h"
#include "client/form/form.h"
#include "client/form/sheet.h"
#include "proto/config.h"
#include "proto/content.h"
#include "proto/layout.h"

enum box_state {
	BOX_UNSEEN, /* its row is not in the file, or the form has no box for it */
	BOX_BLANK,
	BOX_DASH,
	BOX_VALUE,
	BOX_BAD /* something unreadable stands there, and that was told */
};

struct box { /* one for each asked cell */
	enum box_state state;
	uint32_t line;
	const char *column;                   /* heading as in the file; "" if none */
	const char *cell;                     /* see struct place */
	const struct layout_section *section; /* NULL: the layout has no box for the cell */
	const struct layout_row *row;
	bool told; /* that it is blank was explained by another finding */
};

struct formread {
	const struct config *config;
	const struct form_options *options;
	const struct sheet *sheet;
	struct findings *findings;
	struct figures *figures;
	struct box *box;
	char period[LIMIT_PERIOD + 1];
	bool tidy;    /* the file is a table with a line for each cell */
	bool strange; /* it is neither that nor the form, which was told */
	struct err *e;
};

/* A place in the file, for findings. */
struct place {
	uint32_t line;
	const char *column; /* "" if none */
	const char *cell;   /* "B17" in a workbook, "B17, C17" for several; "" if the line says it all */
	const struct layout_section *section;
	const struct layout_row *row; /* either may be NULL */
};

/* What a spreadsheet program calls the cell, "B17"; "" in a text file. Column 0 is A. */
const char *formread_cell(const struct formread *f, uint32_t line, uint16_t column);
/* Nowhere in particular. */
struct place formread_nowhere(void);
/* Where box i stands. */
struct place formread_place(const struct formread *f, uint32_t i);

/* Adds a finding; texts are printf formats of the same arguments. */
void formread_tell(struct formread *f, enum finding_code code, enum severity severity, struct place place,
    const char *sv, const char *en, ...) __attribute__((format(printf, 5, 7), format(printf, 6, 7)));

/* The same with finished texts. */
void formread_tell_text(struct formread *f, enum finding_code code, enum severity severity,
    struct place place, const char *sv, const char *en);

/* Reads a box for a number: fills figures and box i, tells what is wrong. */
void formread_number(
    struct formread *f, uint32_t i, const struct sheet_cell *cell, bool point, struct place place);

/* form_paper.c: a sheet that looks like the paper form. form_tidy.c: a table office,year,measure,...,value.
 */
bool formread_paper(struct formread *f);
/* How many labels of the layout stand in one column of the sheet, and which column that is: 0 for a sheet that
 * has nothing to do with the form. */
bool formread_likeness(
    const struct config *config, const struct sheet *sheet, uint32_t *n, uint16_t *label, struct err *e);
bool formread_is_tidy(const struct sheet *sheet);
bool formread_tidy(struct formread *f, const char *office);

/* form_check.c: blanks, sums, bases, once everything was read. */
bool formread_check(struct formread *f);

/* form_years.c: answers that contradict, and the form of the period before, if options hold it. */
void formread_years(struct formread *f);

/* The period as written: fills f->period or tells. */
void formread_period(struct formread *f, const char *text, struct place place);
#endif
