/* derived - rule R10: figures such as shares and rates, made of two cells.
 *
 * Internal to policy/. A figure is printed where numerator and denominator are, so it tells nothing that they do not. One over
 * a cell that no table prints is hidden, whatever it is: to the person or as a range it would tell of that cell. */
#ifndef POLICY_DERIVED_H
#define POLICY_DERIVED_H
#include "policy/grid.h"

/* DERIVED.csv: id,value,status; nothing if there are no figures. Rounding: half away from zero. */
void derived_write(const struct grid *g, struct buf *out);
#endif
