/* derived - rule R10: figures such as shares and rates, made of two cells.
 *
 * Internal to policy/. A figure is hidden where its numerator or denominator is, and where its denominator is not printed.
 * Over a printed numerator it tells nothing new. Over one that is not printed it is printed only where the numerator follows
 * from it to the person: such a cell is judged, and from then on treated, as if it stood in a table. It is never printed;
 * hiding it hides its figures. A figure that tells a range is hidden: what ranges of several cells and levels tell together,
 * and tell an office with figures of its own, is no equation, and everything here rests on equations. */
#ifndef POLICY_DERIVED_H
#define POLICY_DERIVED_H
#include "policy/grid.h"
#include "policy/release.h"

/* Marks the cells that figures tell exactly ('I'). Before the rules are applied. Not those that a rule names or that one of
 * their figures shows to be small. */
void derived_begin(struct grid *g, enum guarantee level);
/* The pattern is final: cells that no printed figure tells exactly after all are marked 'i'. They stay as they are, but
 * nobody is told of them, and all their figures are hidden. */
void derived_settle(struct grid *g);
/* Is the figure printed the same of two tables of counts, by cell? Its denominator, if a cell, is the same in both. */
bool derived_same(const struct derived_figure *f, const int64_t *one, const int64_t *two);
/* DERIVED.csv: id,value,status; nothing if there are no figures. Rounding: half away from zero. */
void derived_write(const struct grid *g, struct buf *out);
#endif
