/* params - the protection rules' numbers: names, defaults, floor.
 *
 * One struct of plain values, no pointers: it may be copied. Text comes from `policy:` in a configuration or
 * from a policy file; both are a list of `name: value`. Meaning, source and default of each name:
 * docs/disclosure.md, "Parameters". A policy below the compiled floor (threshold 3, width 1), or one that
 * contradicts itself, is refused: nobody can configure the protection away. */
#ifndef POLICY_PARAMS_H
#define POLICY_PARAMS_H
#include <stdint.h>

#include "proto/err.h"
#include "proto/model.h"

#define PARAMS_FLOOR_THRESHOLD 3
#define PARAMS_FLOOR_WIDTH     1
#define PARAMS_NAME_MAX        64
#define PARAMS_NOISE_MAX       32

enum zeros_rule {
	ZEROS_PUBLISHED,  /* a nought is never hidden; a hidden cell is known to be 1 or more */
	ZEROS_CAMOUFLAGE, /* a nought may be hidden, but is not protected */
	ZEROS_SENSITIVE   /* a nought is protected like a small count */
};
enum figures_rule {
	FIGURES_CLIENTS, /* counts of clients: R1 to R5, R7 */
	FIGURES_STAFF,   /* counts of staff: the same with staff_threshold, or nothing is sensitive (R8) */
	FIGURES_AMOUNTS  /* money, posts: R6 alone, R5 if asked for */
};
enum residual_rule { RESIDUAL_NO, RESIDUAL_YES, RESIDUAL_ZEROS };
enum nr_rule { NR_PROPAGATE, NR_EXCLUDE };
enum release_method {
	METHOD_SUPPRESSION, /* figures are hidden; what is printed is exact */
	METHOD_ROUNDING, /* every printed figure is a multiple of the base next to the true one; sums still add up */
	METHOD_NOISE /* every printed figure is moved by a keyed draw of at most noise_max; sums need not add up */
};
enum ladder_step { LADDER_END, LADDER_UNFREEZE, LADDER_CAMOUFLAGE, LADDER_COARSEN, LADDER_WITHHOLD };
#define PARAMS_LADDER_MAX 4

struct policy_params {
	enum release_method method;
	uint32_t base;                    /* rounding: 3 or 5 */
	uint32_t noise_max;               /* noise: D, the most a figure is moved by */
	uint32_t noise_variance_permille; /* noise: variance of the draw in thousandths, at most D(D+1)/3 */
	enum figures_rule figures;        /* what the table's figures are */
	uint32_t threshold;               /* k: 1..k-1 is sensitive */
	uint32_t width; /* least width of what an attacker can narrow a protected cell down to */
	enum zeros_rule zeros;
	bool zero_reach; /* 0 must stay possible for protected cells */
	bool offices;    /* contributing offices are attackers (L3) */
	char office_dim[PARAMS_NAME_MAX + 1];
	uint32_t coalition; /* how many offices pool what they know */
	enum residual_rule residual;
	uint32_t group_min; /* 0: rule R4 off */
	char group_dim[LIMIT_DIMS + 1][PARAMS_NAME_MAX + 1];
	uint32_t n_group_dims; /* 0: every dimension but the offices' */
	uint32_t min_offices;  /* 1: rule R5 off */
	uint32_t min_reporting;
	uint32_t min_offices_changed;
	enum nr_rule nr_in_totals;
	uint32_t dominance_p;    /* percent, magnitudes only */
	uint32_t hidden_sum_min; /* UINT32_MAX: equal to threshold */
	uint32_t staff_threshold;
	uint32_t effort;              /* 0..1000: clean-up only .. best quality */
	uint32_t redundancy_permille; /* 30 is 3 %; written 3 or 3% */
	uint32_t price_count, price_value, price_change;
	enum ladder_step ladder[PARAMS_LADDER_MAX]; /* ends with LADDER_END unless full */
	uint32_t posterior_permille;                /* 900 is 0.9 */
	char series[PARAMS_NAME_MAX + 1];
};

/* The documented defaults. */
struct policy_params policy_params_default(void);

/* Sets one parameter from its text. Unknown name or text that is no value of it: ERR_INVALID, naming the
 * parameter, never the text. */
bool policy_params_set(struct policy_params *p, const char *name, const char *value, struct err *e);

/* Defaults, then every setting in order (a name twice is an error), then policy_params_check. Errors name the
 * line. s may be NULL when n is 0. */
bool policy_params_from_settings(struct policy_params *p, const struct setting *s, size_t n, struct err *e);

/* The floor and combinations that cannot be kept whatever the table: ERR_REFUSED. What depends on the table
 * (coalition against the number of offices) is checked by release_build(). */
bool policy_params_check(const struct policy_params *p, struct err *e);

/* As the policy spells it. */
const char *policy_method_name(enum release_method method);
/* The rules' numbers as they are for the kind of figures: what does not apply to it is off. Engine and judges begin with
 * this. threshold is 0 where no count is sensitive. */
struct policy_params policy_params_effective(const struct policy_params *p);

/* k as rule R7 uses it. */
uint32_t policy_params_hidden_sum_min(const struct policy_params *p);

/* BLAKE2b-256 over one "name=value\n" for every parameter. */
void policy_params_digest(const struct policy_params *p, uint8_t out[32]);
#endif
