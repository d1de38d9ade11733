#include "policy/params.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

struct policy_params policy_params_default(void)
{
	struct policy_params p = {
		.base = 5,
		.noise_max = 5,
		.noise_variance_permille = 2000,
		.threshold = 5,
		.width = 2,
		.zeros = ZEROS_SENSITIVE,
		.offices = true,
		.office_dim = "office",
		.coalition = 1,
		.residual = RESIDUAL_YES,
		.group_min = 3,
		.min_offices = 1,
		.min_reporting = 3,
		.min_offices_changed = 3,
		.nr_in_totals = NR_PROPAGATE,
		.dominance_p = 10,
		.hidden_sum_min = UINT32_MAX,
		.effort = 20,
		.redundancy_permille = 30,
		.price_count = 5,
		.price_value = 1,
		.ladder = { LADDER_UNFREEZE, LADDER_CAMOUFLAGE, LADDER_COARSEN, LADDER_WITHHOLD },
		.posterior_permille = 900,
		.series = "default",
	};
	return p;
}

struct policy_params policy_params_effective(const struct policy_params *p)
{
	struct policy_params out = *p;
	bool counted = p->figures != FIGURES_AMOUNTS;
	if (p->figures == FIGURES_STAFF)
		out.threshold = p->staff_threshold;
	if (p->figures == FIGURES_CLIENTS || (counted && p->staff_threshold > 0))
		return out;
	out.threshold = 0;
	out.zeros = ZEROS_CAMOUFLAGE;
	out.zero_reach = false;
	out.residual = RESIDUAL_NO;
	out.group_min = 0;
	out.hidden_sum_min = 0;
	out.min_offices = counted ? 1 : p->min_offices;
	return out;
}

uint32_t policy_params_hidden_sum_min(const struct policy_params *p)
{
	return p->hidden_sum_min == UINT32_MAX ? p->threshold : p->hidden_sum_min;
}

/* Kinds of value text. Each takes the text and stores at `to`; false: not a value of that kind. */
static bool read_number(uint32_t *to, const char *text, uint32_t least, uint32_t most)
{
	uint64_t value = 0;
	size_t n = 0;
	for (; text[n] >= '0' && text[n] <= '9' && n < 10; n++)
		value = value * 10 + (uint64_t)(text[n] - '0');
	if (n == 0 || text[n] != '\0' || value < least || value > most)
		return false;
	*to = (uint32_t)value;
	return true;
}

/* "0.9" or "1" with digits decimals at most, as a whole number of 10^-digits. */
static bool read_decimal(uint32_t *to, const char *text, unsigned digits, uint32_t most)
{
	char whole[16];
	size_t n = 0;
	size_t after = 0;
	bool point = false;
	for (; *text != '\0' && n + 1 < sizeof whole; text++) {
		if (*text == '.' && !point && n > 0) {
			point = true;
			continue;
		}
		if (point && ++after > digits)
			return false;
		whole[n++] = *text;
	}
	if (*text != '\0' || (point && after == 0))
		return false;
	for (; after < digits && n + 1 < sizeof whole; after++)
		whole[n++] = '0';
	whole[n] = '\0';
	return read_number(to, whole, 0, most);
}

static bool read_percent(uint32_t *to, const char *text)
{
	char plain[16];
	size_t n = strlen(text);
	while (n > 0 && (text[n - 1] == '%' || text[n - 1] == ' '))
		n--;
	if (n == 0 || n >= sizeof plain)
		return false;
	memcpy(plain, text, n);
	plain[n] = '\0';
	return read_decimal(to, plain, 1, 500);
}

static bool read_word(int *to, const char *text, const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(text, words[i]) == 0) {
			*to = i;
			return true;
		}
	return false;
}

static bool read_bool(bool *to, const char *text)
{
	static const char *const words[] = { "no", "yes", "false", "true", NULL };
	int i = 0;
	if (!read_word(&i, text, words))
		return false;
	*to = (i & 1) != 0;
	return true;
}

static bool read_name(char to[PARAMS_NAME_MAX + 1], const char *text, size_t len)
{
	if (len == 0 || len > PARAMS_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", text[i]) ==
		    NULL)
			return false;
	memcpy(to, text, len);
	to[len] = '\0';
	return true;
}

/* Next word of a list parted by commas or spaces; NULL at the end. */
static const char *next_word(const char **text, size_t *len)
{
	*text += strspn(*text, ", []");
	const char *word = *text;
	*len = strcspn(word, ", []");
	*text += *len;
	return *len == 0 ? NULL : word;
}

static bool read_group_dims(struct policy_params *p, const char *text)
{
	uint32_t n = 0;
	size_t len = 0;
	for (const char *w = next_word(&text, &len); w != NULL; w = next_word(&text, &len))
		if (n > LIMIT_DIMS || !read_name(p->group_dim[n++], w, len))
			return false;
	p->n_group_dims = n;
	return true;
}

static bool read_ladder(struct policy_params *p, const char *text)
{
	static const char *const words[] = { "", "unfreeze", "camouflage", "coarsen", "withhold", NULL };
	enum ladder_step steps[PARAMS_LADDER_MAX] = { LADDER_END };
	uint32_t n = 0;
	size_t len = 0;
	for (const char *w = next_word(&text, &len); w != NULL; w = next_word(&text, &len)) {
		char word[16];
		int step = 0;
		if (n == PARAMS_LADDER_MAX || len >= sizeof word)
			return false;
		memcpy(word, w, len);
		word[len] = '\0';
		if (!read_word(&step, word, words) || step == 0)
			return false;
		for (uint32_t i = 0; i < n; i++)
			if (steps[i] == (enum ladder_step)step)
				return false;
		steps[n++] = (enum ladder_step)step;
	}
	memcpy(p->ladder, steps, sizeof steps);
	return n > 0;
}

static const char *const zeros_words[] = { "published", "camouflage", "sensitive", NULL };
static const char *const figures_words[] = { "clients", "staff", "amounts", NULL };
static const char *const residual_words[] = { "no", "yes", "zeros", NULL };
static const char *const nr_words[] = { "propagate", "exclude", NULL };
static const char *const method_words[] = { "suppression", "rounding", "noise", NULL };

const char *policy_method_name(enum release_method method)
{
	return method_words[method];
}

static bool read_method(struct policy_params *p, const char *text)
{
	int i = 0;
	bool ok = read_word(&i, text, method_words);
	p->method = ok ? (enum release_method)i : p->method;
	return ok;
}

static bool read_zeros(struct policy_params *p, const char *text)
{
	int i = 0;
	bool ok = read_word(&i, text, zeros_words);
	p->zeros = ok ? (enum zeros_rule)i : p->zeros;
	return ok;
}

static bool read_figures(struct policy_params *p, const char *text)
{
	int i = 0;
	bool ok = read_word(&i, text, figures_words);
	p->figures = ok ? (enum figures_rule)i : p->figures;
	return ok;
}

static bool read_residual(struct policy_params *p, const char *text)
{
	int i = 0;
	bool ok = read_word(&i, text, residual_words);
	p->residual = ok ? (enum residual_rule)i : p->residual;
	return ok;
}

static bool read_nr(struct policy_params *p, const char *text)
{
	int i = 0;
	bool ok = read_word(&i, text, nr_words);
	p->nr_in_totals = ok ? (enum nr_rule)i : p->nr_in_totals;
	return ok;
}

/* The whole-number parameters: where they stand and what they may be. */
struct number_param {
	const char *name;
	size_t at;
	uint32_t least, most;
};

#define NUMBER(field, least, most)                                                                           \
	{                                                                                                    \
#		field, offsetof(struct policy_params, field), least, most                                   \
	}
static const struct number_param numbers[] = {
	NUMBER(threshold, 0, 1000000),
	NUMBER(width, 0, 1000000),
	NUMBER(coalition, 1, 8),
	NUMBER(group_min, 0, 1000000),
	NUMBER(min_offices, 1, 65535),
	NUMBER(min_reporting, 0, 65535),
	NUMBER(min_offices_changed, 0, 65535),
	NUMBER(dominance_p, 0, 100),
	NUMBER(hidden_sum_min, 0, 1000000),
	NUMBER(staff_threshold, 0, 1000000),
	NUMBER(effort, 0, 1000),
	NUMBER(price_count, 0, 1000000),
	NUMBER(price_value, 0, 1000000),
	NUMBER(price_change, 0, 1000000),
	NUMBER(base, 0, 1000000),
	NUMBER(noise_max, 1, PARAMS_NOISE_MAX),
};

static uint32_t *number_at(struct policy_params *p, const struct number_param *n)
{
	return (uint32_t *)(void *)((char *)p + n->at);
}

static bool read_other(struct policy_params *p, const char *name, const char *value, bool *known)
{
	*known = true;
	if (strcmp(name, "method") == 0)
		return read_method(p, value);
	if (strcmp(name, "noise_variance") == 0)
		return read_decimal(&p->noise_variance_permille, value, 3, 1000000000);
	if (strcmp(name, "figures") == 0)
		return read_figures(p, value);
	if (strcmp(name, "zeros") == 0)
		return read_zeros(p, value);
	if (strcmp(name, "zero_reach") == 0)
		return read_bool(&p->zero_reach, value);
	if (strcmp(name, "offices") == 0)
		return read_bool(&p->offices, value);
	if (strcmp(name, "office_dim") == 0)
		return read_name(p->office_dim, value, strlen(value));
	if (strcmp(name, "residual") == 0)
		return read_residual(p, value);
	if (strcmp(name, "group_dims") == 0)
		return read_group_dims(p, value);
	if (strcmp(name, "nr_in_totals") == 0)
		return read_nr(p, value);
	if (strcmp(name, "redundancy") == 0)
		return read_percent(&p->redundancy_permille, value);
	if (strcmp(name, "ladder") == 0)
		return read_ladder(p, value);
	if (strcmp(name, "posterior_max") == 0)
		return read_decimal(&p->posterior_permille, value, 3, 1000);
	if (strcmp(name, "series") == 0)
		return read_name(p->series, value, strlen(value));
	*known = false;
	return false;
}

bool policy_params_set(struct policy_params *p, const char *name, const char *value, struct err *e)
{
	bool known = false;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (strcmp(name, numbers[i].name) == 0)
			return read_number(
				   number_at(p, &numbers[i]), value, numbers[i].least, numbers[i].most) ||
			       err_set(e, ERR_INVALID, "policy: %s must be a whole number from %u to %u",
				   numbers[i].name, numbers[i].least, numbers[i].most);
	if (read_other(p, name, value, &known))
		return true;
	if (known)
		return err_set(e, ERR_INVALID, "policy: %.40s has no such value", name);
	return err_set(e, ERR_INVALID, "policy: no parameter of this name: %.40s", name);
}

/* Figures that are moved instead of hidden: what their promise needs (docs/disclosure.md, "Methods"). */
static bool check_method(const struct policy_params *p, struct err *e)
{
	uint32_t d = p->noise_max;
	if (p->method == METHOD_SUPPRESSION)
		return true;
	if (p->zero_reach)
		return err_set(e, ERR_REFUSED, "policy: zero_reach needs method suppression");
	if (p->figures == FIGURES_AMOUNTS)
		return err_set(e, ERR_REFUSED, "policy: amounts need method suppression");
	if (p->min_offices > 1)
		return err_set(e, ERR_REFUSED,
		    "policy: min_offices (R5) needs method suppression: it is about whole figures, and a "
		    "moved one is "
		    "still printed");
	if (p->base != 3 && p->base != 5)
		return err_set(e, ERR_REFUSED, "policy: base must be 3 or 5");
	if (p->method == METHOD_ROUNDING && p->width >= p->base)
		return err_set(e, ERR_REFUSED, "policy: width must be less than the base of rounding");
	if (p->method == METHOD_NOISE && p->width > d)
		return err_set(e, ERR_REFUSED, "policy: width must not be more than noise_max");
	if (p->method == METHOD_NOISE &&
	    (p->noise_variance_permille < 250 ||
		(uint64_t)p->noise_variance_permille * 3 > 1000ull * d * (d + 1)))
		return err_set(e, ERR_REFUSED,
		    "policy: noise_variance must be from 0.25 to noise_max * (noise_max + 1) / 3");
	return true;
}

bool policy_params_check(const struct policy_params *p, struct err *e)
{
	if (p->threshold < PARAMS_FLOOR_THRESHOLD)
		return err_set(
		    e, ERR_REFUSED, "policy: threshold is below the floor of %d", PARAMS_FLOOR_THRESHOLD);
	if (p->width < PARAMS_FLOOR_WIDTH)
		return err_set(e, ERR_REFUSED, "policy: width is below the floor of %d", PARAMS_FLOOR_WIDTH);
	if (p->staff_threshold > 0 && p->staff_threshold < PARAMS_FLOOR_THRESHOLD)
		return err_set(e, ERR_REFUSED, "policy: staff_threshold is neither 0 nor %d or more",
		    PARAMS_FLOOR_THRESHOLD);
	if (p->figures == FIGURES_AMOUNTS && (!p->offices || p->dominance_p == 0))
		return err_set(e, ERR_REFUSED,
		    "policy: figures: amounts are protected by R6 alone, which needs offices and dominance_p "
		    "above 0");
	if (p->zero_reach && p->zeros == ZEROS_PUBLISHED)
		return err_set(e, ERR_REFUSED,
		    "policy: zero_reach cannot be kept while zeros are published: a hidden cell is then "
		    "never 0");
	return check_method(p, e);
}

/* An error of the check begins "policy: name": the setting of that name, if there is one, has a line. */
static bool at_setting(const struct setting *s, size_t n, struct err *e)
{
	static const char begin[] = "policy: ";
	const size_t skip = sizeof begin - 1;
	if (e == NULL || strncmp(e->text, begin, skip) != 0)
		return false;
	size_t len = strcspn(e->text + skip, " :");
	for (size_t i = 0; i < n; i++)
		if (strlen(s[i].name) == len && memcmp(s[i].name, e->text + skip, len) == 0)
			return err_wrap(e, "line %u", s[i].line);
	return false;
}

bool policy_params_from_settings(struct policy_params *p, const struct setting *s, size_t n, struct err *e)
{
	*p = policy_params_default();
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++)
			if (strcmp(s[i].name, s[j].name) == 0)
				return err_set(e, ERR_INVALID, "line %u: policy: %.40s stands twice",
				    s[i].line, s[i].name);
		if (!policy_params_set(p, s[i].name, s[i].value, e))
			return err_wrap(e, "line %u", s[i].line);
	}
	return policy_params_check(p, e) || at_setting(s, n, e);
}

static void put_list(struct buf *b, const struct policy_params *p)
{
	buf_printf(b, "group_dims=");
	for (uint32_t i = 0; i < p->n_group_dims; i++)
		buf_printf(b, "%s%s", i == 0 ? "" : ",", p->group_dim[i]);
	buf_printf(b, "\nladder=");
	for (uint32_t i = 0; i < PARAMS_LADDER_MAX && p->ladder[i] != LADDER_END; i++)
		buf_printf(b, "%s%d", i == 0 ? "" : ",", (int)p->ladder[i]);
	buf_put_text(b, "\n");
}

void policy_params_digest(const struct policy_params *p, uint8_t out[32])
{
	struct buf b = { 0 };
	struct policy_params copy = *p;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		buf_printf(&b, "%s=%u\n", numbers[i].name, *number_at(&copy, &numbers[i]));
	buf_printf(&b, "figures=%s\n", figures_words[p->figures]);
	buf_printf(&b, "zeros=%s\nzero_reach=%d\noffices=%d\noffice_dim=%s\nresidual=%s\nnr_in_totals=%s\n",
	    zeros_words[p->zeros], p->zero_reach, p->offices, p->office_dim, residual_words[p->residual],
	    nr_words[p->nr_in_totals]);
	buf_printf(&b, "redundancy=%u\nposterior_max=%u\nseries=%s\n", p->redundancy_permille,
	    p->posterior_permille, p->series);
	buf_printf(&b, "method=%s\nnoise_variance=%u\n", method_words[p->method], p->noise_variance_permille);
	put_list(&b, p);
	crypto_generichash(out, 32, b.data, b.size, NULL, 0);
	buf_free(&b);
}
