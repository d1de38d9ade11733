/* findings - what a form's reader has to say, all at once, in the form's own words.
 *
 * Each has a stable code for programs, a place for people (file, line or cell, column heading) and a text in Swedish
 * and in English. They are for the office's own eyes and may hold its figures; they are never logged or sent.
 */
#ifndef CLIENT_FORM_FINDINGS_H
#define CLIENT_FORM_FINDINGS_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/limits.h"

enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR };
enum language { LANGUAGE_SV, LANGUAGE_EN };

enum finding_code { /* each has a stable word in --json: "unknown-row" */
	FINDING_EMPTY_FILE,
	FINDING_TOO_LARGE_FILE,
	FINDING_ENCODING,
	FINDING_DOUBLE_ENCODED,
	FINDING_STRUCTURE, /* quotes that never end, a broken XLSX, ... */
	FINDING_NOT_THE_FORM,
	FINDING_SHEETS, /* several sheets look like the form */
	FINDING_PERIOD_UNREADABLE,
	FINDING_PERIOD_MISSING,
	FINDING_PERIOD_OTHER,
	FINDING_OFFICE,
	FINDING_UNKNOWN_ROW,
	FINDING_ROW_TWICE,
	FINDING_ROW_MISSING,
	FINDING_SECTION_MISSING,
	FINDING_COLUMN_UNKNOWN,
	FINDING_COLUMN_MISSING,
	FINDING_TEXT,
	FINDING_NEGATIVE,
	FINDING_DECIMAL,
	FINDING_TOO_MANY_DECIMALS,
	FINDING_NUMBER_TOO_LARGE,
	FINDING_FORMULA,
	FINDING_DATE,
	FINDING_BOTH_ANSWERS,
	FINDING_NOT_A_TICK,
	FINDING_DASH,
	FINDING_BLANK,
	FINDING_BLANK_UNDER_TOTAL,
	FINDING_BLANK_TOTAL,
	FINDING_BREAKDOWN,
	FINDING_SUM,
	FINDING_CHECK,      /* a <= b fails: hard check */
	FINDING_SOFT_CHECK, /* the same, a warning */
	FINDING_DECIMAL_POINT,
	FINDING_WRITTEN_WITH_DECIMALS, /* 1,00 persons */
	FINDING_CELL_TWICE,
	FINDING_NOT_ASKED,
	FINDING_DATED_EARLY,
	FINDING_CONTRADICTION, /* two yes that exclude each other */
	FINDING_FLOW,          /* last period's persons, less those who ended, plus the new */
	FINDING_OPEN_TOP,      /* the same in an age that nobody grows out of */
	FINDING_PATTERN,
	FINDING_CHANGE,
	FINDING_RATIO,  /* two measures are out of proportion */
	FINDING_REMARK, /* text beside the boxes, which nobody reads */
	FINDING_CODES   /* number of codes */
};

struct finding {
	enum finding_code code;
	enum severity severity;
	bool open;             /* leaves a value open: push asks, or stops with exit 4 without --yes */
	uint32_t line;         /* physical line of the text file, row of the sheet; 0: the whole file */
	char cell[48];         /* of a workbook: "B17", or "B17, C17"; "" if none, and in text files */
	char column[160];      /* heading(s) as in the form, "Ja, Nej"; "" if none */
	char field[320];       /* section and row label as in the form; "" if none */
	char sv[400], en[400]; /* what is wrong */
	const char *advice_sv, *advice_en; /* what to do about it; constant texts */
};

struct findings {
	char path[256];
	struct finding *at; /* owned; ascending by line */
	uint32_t n;
	bool cut;    /* more than LIMIT_FINDINGS were found */
	bool failed; /* no memory: some are missing, treat as an error */
	uint32_t room;
};

#define LIMIT_FINDINGS 1000u /* a person mends the first dozens, then runs check again */

void findings_init(struct findings *f, const char *path);
void findings_free(struct findings *f);
void findings_add(struct findings *f, const struct finding *finding); /* copies; fills in the advice */
enum severity findings_worst(const struct findings *f);               /* SEVERITY_NOTE if there are none */
uint32_t findings_count(const struct findings *f, enum severity severity);
bool findings_open(const struct findings *f); /* one leaves a value open */

/* "fil.csv:41: Kvinnor: FEL åldersfördelning saknas ...", in a workbook "fil.xlsx:B41: Kvinnor: ...", with the
 * field and what to do, a line each. */
void findings_print(const struct findings *f, struct buf *out, enum language language);
/* {"file":..., "errors":n, "warnings":n, "notes":n, "findings":[{...}]} */
void findings_json(const struct findings *f, struct buf *out);
#endif
