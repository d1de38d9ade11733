/* formpaper - what reading a sheet that looks like the paper form shares. Private to client/form. */
#ifndef CLIENT_FORM_FORMPAPER_H
#define CLIENT_FORM_FORMPAPER_H
#include "client/form/formread.h"

#define NOT_MET    0u
#define NO_HEADING UINT16_MAX

/* A layout row while the sheet is read. */
struct met {
	char *normal;  /* its label, comparable */
	uint32_t line; /* where it stood; NOT_MET */
};

struct met_section {
	char *normal;
	uint32_t line;
	struct met *row;
	uint16_t cursor; /* the row met last */
	bool begun;      /* cursor says something */
};

/* A column of the sheet under the heading row in force. */
struct paper_heading {
	uint16_t place;   /* in heading->column; NO_HEADING */
	uint16_t span;    /* columns the heading covers: merged cells */
	const char *text; /* as in the file, shortened; "" if none */
};

struct paper {
	struct formread *f;
	const struct layout *layout;
	struct arena *arena;
	struct met_section *section;
	uint16_t at;                          /* the section we are in */
	uint16_t label;                       /* the column labels stand in */
	const struct layout_columns *heading; /* in force; NULL before the first heading row */
	struct paper_heading column[SHEET_COLUMNS];
};

/* A row of the layout's section we are in (NO_PLACE: none), found on that line of the sheet. */
struct place paper_at_row(const struct paper *p, uint32_t line, uint16_t row);
/* The same place, in one column of the sheet. */
struct place paper_at_cell(const struct paper *p, struct place place, uint16_t column);

/* form_boxes.c */
unsigned paper_count_headings(
    const struct paper *p, const struct layout_columns *columns, const struct sheet_row *row);
/* Reads what stands beside the label of row q. */
void paper_read_row(struct paper *p, const struct sheet_row *sheet_row, uint16_t q);
#endif
