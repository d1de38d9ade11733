#include "proto/model.h"

#include <string.h>

uint16_t model_list(const struct config *config, const char *name)
{
	for (uint16_t i = 0; i < config->n_lists; i++)
		if (strcmp(config->list[i].name, name) == 0)
			return i;
	return NO_PLACE;
}

uint16_t model_measure(const struct config *config, const char *name)
{
	for (uint16_t i = 0; i < config->n_measures; i++)
		if (strcmp(config->measure[i].name, name) == 0)
			return i;
	return NO_PLACE;
}

uint16_t model_code(const struct codelist *list, const char *code)
{
	for (uint16_t i = 0; i < list->n_codes; i++)
		if (strcmp(list->code[i].code, code) == 0)
			return i;
	return NO_PLACE;
}

uint16_t model_total(const struct codelist *list)
{
	uint16_t root = NO_PLACE;
	for (uint16_t i = 0; i < list->n_codes; i++) {
		if (list->code[i].n_parents != 0)
			continue;
		if (root != NO_PLACE)
			return NO_PLACE;
		root = i;
	}
	return root;
}

bool model_is_leaf(const struct codelist *list, uint16_t code)
{
	for (uint16_t i = 0; i < list->n_codes; i++)
		for (uint16_t k = 0; k < list->code[i].n_parents; k++)
			if (list->code[i].parent[k].of == code)
				return false;
	return true;
}

int cell_id_compare(const struct config *config, const struct cell_id *a, const struct cell_id *b)
{
	if (a->measure != b->measure)
		return a->measure < b->measure ? -1 : 1;
	for (uint16_t i = 0; i < config->measure[a->measure].n_dims; i++)
		if (a->code[i] != b->code[i])
			return a->code[i] < b->code[i] ? -1 : 1;
	return 0;
}

uint32_t model_asked(const struct config *config, const struct cell_id *id)
{
	uint32_t low = 0;
	uint32_t high = config->n_asked;
	if (id->measure >= config->n_measures)
		return UINT32_MAX;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = cell_id_compare(config, &config->asked[middle], id);
		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return UINT32_MAX;
}

static bool two_digits(const char *text, uint32_t *value)
{
	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return false;
	*value = (uint32_t)(text[0] - '0') * 10 + (uint32_t)(text[1] - '0');
	return true;
}

bool model_period_months(const char *period, uint32_t *first_month, uint32_t *n_months)
{
	size_t len = strlen(period);
	uint32_t century;
	uint32_t year;
	if (len < 4 || !two_digits(period, &century) || !two_digits(period + 2, &year))
		return false;
	year += 100 * century;
	if (year < 1900 || year > 2199)
		return false;
	uint32_t part = 0;
	if (len == 4) {
		*n_months = 12;
	} else if (len == 7 && period[4] == '-' && period[5] == 'Q' && period[6] >= '1' && period[6] <= '4') {
		part = (uint32_t)(period[6] - '1') * 3;
		*n_months = 3;
	} else if (len == 7 && period[4] == '-' && period[5] == 'S' && period[6] >= '1' && period[6] <= '2') {
		part = (uint32_t)(period[6] - '1') * 6;
		*n_months = 6;
	} else if (len == 7 && period[4] == '-' && two_digits(period + 5, &part) && part >= 1 && part <= 12) {
		part -= 1;
		*n_months = 1;
	} else {
		return false;
	}
	*first_month = 12 * year + part;
	return true;
}

bool model_valid_in(struct validity valid, const char *period)
{
	uint32_t first;
	uint32_t n;
	if (!model_period_months(period, &first, &n))
		return false;
	return valid.from_month <= first + n - 1 && first <= valid.to_month;
}
