#include "policy/noise.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

/* ---- the table of chances ---- */

#define ONE (UINT64_C(1) << 32)

/* r^(d*d) for d = 0..reach, in 2^-32. */
static void weights(uint32_t reach, uint64_t r, uint64_t out[PARAMS_NOISE_MAX + 1])
{
	uint64_t step = r; /* r^(2d-1) */
	out[0] = ONE;
	for (uint32_t d = 1; d <= reach; d++) {
		out[d] = (uint64_t)((wide)out[d - 1] * step >> 32);
		step = (uint64_t)((wide)((wide)step * r >> 32) * r >> 32);
	}
}

/* Variance of such a row in thousandths. */
static uint64_t variance_of(uint32_t reach, const uint64_t w[PARAMS_NOISE_MAX + 1])
{
	wide sum = w[0];
	wide squares = 0;
	for (uint32_t d = 1; d <= reach; d++) {
		sum += 2 * (wide)w[d];
		squares += 2 * (wide)w[d] * d * d;
	}
	return (uint64_t)(squares * 1000 / sum);
}

struct noise_row noise_row_make(uint32_t reach, uint32_t variance_permille)
{
	uint64_t w[PARAMS_NOISE_MAX + 1];
	struct noise_row row = { .reach = reach };
	uint64_t low = 0;
	uint64_t high = ONE;
	wide sum = 0;
	while (high - low > 1) { /* the variance rises with r */
		uint64_t mid = low + (high - low) / 2;
		weights(reach, mid, w);
		if (variance_of(reach, w) <= variance_permille)
			low = mid;
		else
			high = mid;
	}
	weights(reach, high, w);
	if (variance_of(reach, w) > variance_permille)
		weights(reach, low, w);
	for (uint32_t d = 0; d <= reach; d++)
		sum += (d == 0 ? 1 : 2) * (wide)w[d];
	for (uint32_t d = 0; d <= reach; d++)
		row.chance[d] = (uint32_t)((wide)w[d] * (ONE - 1) / sum);
	return row;
}

int32_t noise_pick(const struct noise_row *row, uint32_t u)
{
	for (int32_t d = (int32_t)row->reach; d > 0; d--)
		for (int sign = 1; sign >= -1; sign -= 2) {
			if (u < row->chance[d])
				return sign * d;
			u -= row->chance[d];
		}
	return 0;
}

/* ---- numbers of cells ---- */

static void noise_key(const struct grid *g, const char *period, uint64_t attempt, uint8_t key[32])
{
	static const char label[] = "cellveil/1/noise";
	uint8_t turn[8];
	crypto_generichash_state s;
	for (int i = 0; i < 8; i++)
		turn[i] = (uint8_t)(attempt >> (8 * i));
	crypto_generichash_init(&s, g->key, 32, 32);
	crypto_generichash_update(&s, (const uint8_t *)label, sizeof label);
	crypto_generichash_update(&s, turn, sizeof turn);
	crypto_generichash_update(&s, (const uint8_t *)period, strlen(period));
	crypto_generichash_final(&s, key, 32);
	sodium_memzero(&s, sizeof s);
}

static uint32_t keyed(const uint8_t key[16], const void *text, size_t len)
{
	uint8_t out[8];
	crypto_shorthash(out, text, len, key);
	return (uint32_t)out[0] | (uint32_t)out[1] << 8 | (uint32_t)out[2] << 16 | (uint32_t)out[3] << 24;
}

/* No code of the cell has ordinary parts: an unknown, or a figure that is only looked at in views. */
static bool is_atom(const struct grid *g, uint32_t cell)
{
	for (size_t d = 0; d < g->t->n_dims; d++)
		if (!dim_is_atom(&g->t->dim[d], grid_coord(g, cell, d)))
			return false;
	return true;
}

static bool number_atoms(const struct grid *g, const uint8_t key[16], uint32_t *number)
{
	struct buf name = { 0 };
	for (uint32_t c = 0; c < g->n_cells && !name.failed; c++) {
		if (!is_atom(g, c) || g->kind[c] == KIND_DEAD)
			continue;
		buf_clear(&name);
		table_put_cell(g->t, c, '|', &name);
		number[c] = keyed(key, name.data, name.size);
	}
	bool ok = !name.failed;
	buf_free(&name);
	return ok;
}

static void add_line(const struct grid *g, size_t d, uint32_t line, uint32_t *number)
{
	const struct dim *dim = &g->t->dim[d];
	uint32_t stride = (uint32_t)g->t->stride[d];
	for (uint32_t i = 0; i < dim->n_codes; i++) {
		uint32_t code = dim->order[i];
		if (dim_is_atom(dim, code))
			continue;
		uint32_t sum = 0;
		const struct breakdown *b = dim_down(dim, code, 0);
		for (uint32_t j = 0; j < b->n; j++)
			sum += number[line + dim->child[b->first + j] * stride];
		number[line + code * stride] = sum;
	}
}

static void number_totals(const struct grid *g, uint32_t *number)
{
	for (size_t d = 0; d < g->t->n_dims; d++) {
		uint64_t stride = g->t->stride[d];
		uint64_t block = stride * g->t->dim[d].n_codes;
		for (uint64_t high = 0; high < g->n_cells; high += block)
			for (uint64_t low = high; low < high + stride; low++)
				add_line(g, d, (uint32_t)low, number);
	}
}

/* A view one side of which can hold nobody: the other side is the whole, the same cell, and has its number. */
static void number_whole_views(const struct grid *g, uint32_t *number)
{
	struct relation_walk w;
	struct relation r;
	relation_begin(&w, g);
	while (relation_next(&w, &r)) {
		uint32_t live = NONE;
		uint32_t n = 0;
		for (uint32_t j = 0; r.b->view && j < r.b->n; j++)
			if (g->kind[relation_child(g, &r, j)] != KIND_DEAD) {
				live = relation_child(g, &r, j);
				n++;
			}
		if (n == 1)
			number[live] = number[r.parent];
	}
}

bool noise_draw(const struct grid *g, const char *period, uint64_t attempt, int64_t *shown, struct err *e)
{
	const struct policy_params *p = g->p;
	struct noise_row row[PARAMS_NOISE_MAX + 1];
	uint8_t key[32];
	uint32_t *number = calloc(g->n_cells, sizeof *number);
	if (number == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the noise");
	for (uint32_t reach = 1; reach <= p->noise_max; reach++)
		row[reach] = noise_row_make(reach, p->noise_variance_permille);
	noise_key(g, period, attempt, key);
	bool ok = number_atoms(g, key, number) || err_set(e, ERR_MEMORY, "no memory for the noise");
	number_totals(g, number);
	number_whole_views(g, number);
	for (uint32_t c = 0; c < g->n_cells; c++) {
		uint32_t n = number[c];
		uint8_t in[4] = { (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24) };
		int64_t v = g->value[c];
		int64_t reach = v < (int64_t)p->noise_max ? v : (int64_t)p->noise_max;
		shown[c] = v + (reach == 0 ? 0 : noise_pick(&row[reach], keyed(key + 16, in, sizeof in)));
	}
	sodium_memzero(key, sizeof key);
	free(number);
	return ok;
}

void noise_box(const struct policy_params *p, int64_t shown, int64_t *lo, int64_t *hi)
{
	int64_t d = p->noise_max;
	*lo = shown - d > (shown + 1) / 2 ? shown - d
					  : (shown + 1) / 2; /* nothing is moved by more than itself */
	*hi = shown + d;
	if (shown == 0)
		*hi = d;
}
