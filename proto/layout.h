/* layout - how a form looks on paper: sections, rows, column headings and the cells behind them.
 *
 * The `layout:` part of a configuration (docs/configuration.md). client/form holds sheets against it; the
 * vault ignores it. Labels are texts of the form as people see them; the reader compares them with tolerance
 * (client/form/label.h). All pointers live in the configuration's arena. */
#ifndef PROTO_LAYOUT_H
#define PROTO_LAYOUT_H
#include "proto/model.h"

enum layout_kind {
	LAYOUT_TEXT, /* headings, free text, names, addresses: read over in silence, whatever stands beside */
	LAYOUT_PERIOD,  /* the year or period the form is about, beside its label */
	LAYOUT_COLUMNS, /* a heading row: says which sheet column is which from here on */
	LAYOUT_FIGURE,  /* numbers under the headings in force, or one number beside the label */
	LAYOUT_ANSWER,  /* a tick under one of the headings in force */
	LAYOUT_CHOICE,  /* one of several rows is ticked: this one means `value` */
	LAYOUT_TICK,    /* ticked: 1; else blank */
	LAYOUT_DATE     /* the day of signing: only held against the period's end */
};

enum layout_blank { BLANK_ERROR, BLANK_WARNING, BLANK_SILENT }; /* what an empty box of this row means */

struct layout_column {
	const char *heading; /* "Kvinnor" */
	uint16_t code;       /* FIGURE: place in the list of the row's `by` dimension */
	uint64_t value;      /* ANSWER: what a tick here means */
	bool text;           /* free text may stand in this column; read over */
};

struct layout_columns {
	const char *id;
	const struct layout_column *column;
	uint16_t n_columns;
	uint16_t list; /* place of the code list the codes belong to; NO_PLACE for answers */
};

struct layout_row {
	enum layout_kind kind;
	const char *label;
	const struct layout_columns
	    *columns;        /* in force for FIGURE and ANSWER, or the heading row itself; or NULL */
	struct cell_id cell; /* FIGURE and others; code at `by` is filled from the column */
	uint16_t by;         /* place in the measure's dim[]; NO_PLACE: one box beside the label */
	uint64_t value;      /* CHOICE */
	const char *unit;    /* typed after the number in the box ("kr"); NULL */
	enum layout_blank blank;
	uint32_t only_if; /* index in config.asked of a yes/no without which a blank is right, or
			   * UINT32_MAX */
	uint16_t block;   /* place of the row that heads this row's block, or NO_PLACE */
	uint32_t line;    /* in the configuration file */
};

struct layout_section {
	const char *title; /* without its number; "" for what stands before the first */
	const struct layout_row *row;
	uint16_t n_rows;
};

/* Two forms of one office, a period apart: what was there, less who left, plus who came, is what is there.
 * stock counts everybody served in the period, those who left during it too. */
struct layout_series {
	uint16_t stock, in, out; /* measures with the same dimensions */
	uint16_t dim, top;       /* place in stock's dim[] and code from which one leaves by ending only, as
				  * from "65 and over"; NO_PLACE: none */
};

struct layout_contradiction { /* two yes/no answers that cannot both be yes */
	uint16_t a, b;        /* measures without dimensions */
	struct label label;
};

struct layout_ratio {     /* of/per is unusual outside least..most: a note */
	uint16_t of, per; /* measures; totals, or sums of what is asked */
	uint64_t least, most;
	struct label label;
};

struct layout {
	const struct layout_section *section;
	uint16_t n_sections;
	const struct check *check; /* soft checks: a warning when they fail; the vault does not know them */
	uint16_t n_checks;
	const struct layout_series *series;
	uint16_t n_series;
	const struct layout_contradiction *contradiction;
	uint16_t n_contradictions;
	const struct layout_ratio *ratio;
	uint16_t n_ratios;
};
#endif
