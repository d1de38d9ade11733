/* template - the rows of an empty form, and the workbooks made of them. Private to client/form. */
#ifndef CLIENT_FORM_TEMPLATE_H
#define CLIENT_FORM_TEMPLATE_H
#include "client/form/form.h"
#include "proto/layout.h"

enum template_kind {
	TEMPLATE_TITLE,
	TEMPLATE_HEADINGS,
	TEMPLATE_TEXT, /* also the empty row before a title; free text may be typed beside it */
	TEMPLATE_PERIOD,
	TEMPLATE_NUMBERS,
	TEMPLATE_DECIMALS,
	TEMPLATE_TICKS,
	TEMPLATE_DATE
};

struct template_row {
	enum template_kind kind;
	const char *label;
	const struct layout_columns *columns; /* TEMPLATE_HEADINGS: the headings */
	const char *value;                    /* of the first box; "" if empty */
	uint16_t n_boxes;                     /* boxes to be filled in beside the label */
	uint16_t width;                       /* cells beside the label, in every row the same */
	uint16_t decimals;                    /* TEMPLATE_DECIMALS */
};

/* False with e filled stops. */
typedef bool template_put(void *to, const struct template_row *row, struct err *e);
bool template_rows(
    const struct config *config, const char *period, template_put *put, void *to, struct err *e);
/* What stands in cell c beside the label. */
const char *template_cell(const struct template_row *row, uint16_t c);

/* Workbooks: the same bytes for the same form. Append to out. */
bool template_xlsx(const struct config *config, const char *period, struct buf *out, struct err *e);
bool template_ods(const struct config *config, const char *period, struct buf *out, struct err *e);
#endif
