/* form_part - what the two halves of form_table share: the shape (form_shape.c) and the figures (form_table.c).
 *
 * For those two only. */
#ifndef POLICY_FORM_PART_H
#define POLICY_FORM_PART_H
#include "policy/table.h"
#include "proto/model.h"

enum box { BOX_NONE, BOX_BLANK, BOX_VALUE };                      /* what a form says of a cell */
enum fill { FILL_NONE, FILL_REPORTED, FILL_SPLIT, FILL_UNASKED }; /* where an inner value comes from */

/* A measure, or one code of a multiple response. Its parent is the measure it is within. */
struct node {
	uint16_t measure, code;                                   /* code: NO_PLACE unless multiple */
	uint32_t parent;                                          /* UINT32_MAX for a root */
	char name[TABLE_CODE_MAX + 1], other[TABLE_CODE_MAX + 1]; /* and the name of "not so" */
	uint8_t *asked;  /* by axis cell: the form version asks it, or it follows as a sum */
	uint8_t *box;    /* of the office at hand, by axis cell */
	uint64_t *value; /* likewise */
	uint64_t *least; /* inner axis cells: what the nodes within it need */
	uint64_t *x;     /* inner axis cells: the values that go into the grid */
	uint8_t *fill;
};

struct forms {
	const struct config *config;
	const char *period;
	uint16_t axis[LIMIT_DIMS]; /* places of code lists shared by all printed measures */
	size_t n_axes;
	uint32_t stride[LIMIT_DIMS];
	uint32_t n_cells; /* axis cells */
	uint8_t *inner;   /* by axis cell: all codes are leaves */
	struct node *node;
	uint32_t n_nodes;
	uint32_t *asked_node, *asked_cell; /* by place in config->asked; UINT32_MAX: no printed figure */
	bool *wanted;                      /* by measure: printed, or the base of a printed one */
	struct table_input *t;
};

/* Finds measures, axes, nodes and what the form version asks. config, period and t stand; forms_free, also after false. */
bool forms_open(struct forms *f, struct err *e);
void forms_free(struct forms *f);
/* All dimensions with their hierarchies, into f->t. */
bool forms_put_dimensions(struct forms *f, struct err *e);

const struct codelist *forms_axis_list(const struct forms *f, size_t a);
uint16_t forms_axis_code(const struct forms *f, uint32_t cell, size_t a);
/* Valid in the period. */
bool forms_code_in(const struct forms *f, const struct codelist *list, uint16_t code);
/* Stands in the table: valid, or above one that is. */
bool forms_code_used(const struct forms *f, const struct codelist *list, uint16_t code);
#endif
