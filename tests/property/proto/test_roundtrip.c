/* Random structs of every shape, written and read back: the bytes are the same, and msgpack-c agrees on them.
 * The seed is printed; CELLVEIL_SEED repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <msgpack.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/identity.h"
#include "proto/link.h"
#include "proto/mpread.h"
#include "proto/mpwrite.h"
#include "proto/receipt.h"
#include "proto/submission.h"

#define ROUNDS 400u

static uint64_t seed, state;

/* splitmix64 */
static uint64_t next(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t below(uint64_t n)
{
	return next() % n;
}

/* Of any size class, so that every form of an integer turns up. */
static uint64_t any_uint(void)
{
	return next() >> (1 + below(63));
}

static void any_raw(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)next();
}
#define ANY_RAW(member) any_raw(member, sizeof(member))

static struct bytes any_bytes(size_t max)
{
	static uint8_t pool[70000];
	any_raw(pool, 16);
	return bytes_of(pool, below(max + 1));
}

static void any_name(char out[LIMIT_NAME + 1])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t len = 1 + below(LIMIT_NAME);
	for (size_t i = 0; i < len; i++)
		out[i] = letters[below(sizeof letters - 1)];
	out[len] = '\0';
}

static void any_period(char out[LIMIT_PERIOD + 1])
{
	static const char *const forms[] = { "2024", "2024-Q3", "2024-S2", "1999-12", "2199-01" };
	strcpy(out, forms[below(sizeof forms / sizeof *forms)]);
}

static void any_origin(char out[LIMIT_ORIGIN + 1])
{
	snprintf(out, LIMIT_ORIGIN + 1, "stats%u.example/log%u", (unsigned)below(1000), (unsigned)below(9));
}

/* ---- the profile itself ---- */

static int nodes_left;

static void any_value(struct buf *b, unsigned depth)
{
	unsigned kind = (unsigned)below(depth < LIMIT_DEPTH && nodes_left > 40 ? 7 : 5);
	size_t n = below(20);
	uint64_t key = 0;
	nodes_left--;
	if (kind <= 1) {
		mpwrite_uint(b, any_uint());
	} else if (kind == 2) {
		mpwrite_bool(b, below(2));
	} else if (kind == 3) {
		mpwrite_bin(b, any_bytes(below(300)));
	} else if (kind == 4) {
		mpwrite_str(b, below(2) ? "Stödinsats" : "");
	} else if (kind == 5) {
		mpwrite_array(b, n);
		for (size_t i = 0; i < n; i++)
			any_value(b, depth + 1);
	} else {
		mpwrite_map(b, n);
		for (size_t i = 0; i < n; i++, key++) {
			key += below(300);
			mpwrite_uint(b, key);
			nodes_left--;
			any_value(b, depth + 1);
		}
	}
}

static void msgpack_agrees(struct bytes in)
{
	msgpack_unpacked got;
	msgpack_sbuffer again;
	size_t used = 0;
	msgpack_unpacked_init(&got);
	msgpack_sbuffer_init(&again);
	assert_int_equal(
	    msgpack_unpack_next(&got, (const char *)in.at, in.len, &used), MSGPACK_UNPACK_SUCCESS);
	msgpack_packer pk;
	msgpack_packer_init(&pk, &again, msgpack_sbuffer_write);
	msgpack_pack_object(&pk, got.data);
	assert_true(bytes_equal(bytes_of(again.data, again.size), in));
	msgpack_sbuffer_destroy(&again);
	msgpack_unpacked_destroy(&got);
}

static void whatever_we_write_is_of_the_profile(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct buf b = { 0 };
		struct err e = { 0 };
		nodes_left = 600;
		any_value(&b, 0);
		if (!profile_check(buf_bytes(&b), LIMIT_NODES_LARGE, &e))
			fail_msg("seed %llu, round %u: %s", (unsigned long long)seed, i, e.text);
		msgpack_agrees(buf_bytes(&b));
		/* cut short: never accepted */
		assert_false(profile_check(bytes_of(b.data, below(b.size)), LIMIT_NODES_LARGE, &e));
		/* one flipped bit: refused, or still the one encoding of something */
		b.data[below(b.size)] ^= (uint8_t)(1u << below(8));
		if (profile_check(buf_bytes(&b), LIMIT_NODES_LARGE, &e))
			msgpack_agrees(buf_bytes(&b));
		buf_free(&b);
	}
}

/* ---- statements ---- */

static void headers_come_back(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct submission_header h = { .revision = (uint32_t)below(LIMIT_REVISION + 1),
			.act = below(2) ? ACT_FIGURES : ACT_WITHDRAWAL,
			.created_s = any_uint() };
		struct submission_header back;
		struct buf first = { 0 }, second = { 0 };
		any_name(h.dataset);
		any_name(h.office);
		any_period(h.period);
		ANY_RAW(h.config_digest);
		ANY_RAW(h.office_key_id);
		ANY_RAW(h.submission_id);
		assert_true(submission_header_encode(&first, &h, NULL));
		assert_true(submission_header_decode(&back, buf_bytes(&first), NULL));
		assert_string_equal(back.office, h.office);
		assert_int_equal(back.revision, h.revision);
		assert_true(submission_header_encode(&second, &back, NULL));
		assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
		buf_free(&first);
		buf_free(&second);
	}
}

static void statements_come_back(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct receipt r = { .outcome = below(2) ? OUTCOME_COUNTS : OUTCOME_HELD,
			.accepted_at_s = any_uint(),
			.log_index = any_uint(),
			.revision = (uint32_t)below(1001) };
		struct refusal f = { .code = (enum reject_code)(1 + below(17)),
			.detail = any_uint(),
			.refused_at_s = any_uint() };
		struct receipt r2;
		struct refusal f2;
		struct buf first = { 0 }, second = { 0 };
		any_origin(r.origin);
		any_name(r.dataset);
		any_period(r.period);
		any_name(r.office);
		ANY_RAW(r.submission_id);
		ANY_RAW(r.statement_digest);
		ANY_RAW(r.receipt_key_id);
		any_origin(f.origin);
		ANY_RAW(f.envelope_digest);
		assert_true(receipt_encode(&first, &r, NULL));
		assert_true(receipt_decode(&r2, buf_bytes(&first), NULL));
		assert_true(receipt_check(&r2, &r, NULL));
		assert_true(receipt_encode(&second, &r2, NULL));
		assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
		buf_clear(&first);
		buf_clear(&second);
		assert_true(refusal_encode(&first, &f, NULL));
		assert_true(refusal_decode(&f2, buf_bytes(&first), NULL));
		assert_true(refusal_check(&f2, &f, NULL));
		assert_true(refusal_encode(&second, &f2, NULL));
		assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
		buf_free(&first);
		buf_free(&second);
	}
}

/* ---- figures ---- */

#define MAX_ASKED 300u

struct form {
	struct measure measure[12];
	struct cell_id asked[MAX_ASKED];
	uint8_t states[MAX_ASKED];
	uint64_t values[MAX_ASKED];
	struct config config;
	struct figures figures;
};

static void any_form(struct form *f)
{
	memset(f, 0, sizeof *f);
	f->config.measure = f->measure;
	f->config.n_measures = (uint16_t)(1 + below(12));
	f->config.asked = f->asked;
	for (uint16_t m = 0; m < f->config.n_measures; m++) {
		f->measure[m].n_dims = (uint16_t)below(LIMIT_DIMS + 1);
		size_t n = f->measure[m].n_dims == 0 ? 1 : 1 + below(20);
		uint16_t code = 0;
		for (size_t i = 0; i < n; i++) {
			struct cell_id *id = &f->asked[f->config.n_asked++];
			id->measure = m;
			code = (uint16_t)(code + 1 + below(3000));
			for (uint16_t k = 0; k < f->measure[m].n_dims; k++)
				id->code[k] = code;
		}
	}
	f->figures = (struct figures){ f->config.n_asked, f->states, f->values };
	for (uint32_t i = 0; i < f->figures.n; i++) {
		f->states[i] = below(4) ? FIGURE_VALUE : FIGURE_BLANK;
		f->values[i] = f->states[i] == FIGURE_VALUE ? any_uint() >> 23 : 0; /* below 2^40 */
	}
}

/* Every figure of the form is in the payload once, where its cell says. */
static void assert_same_figures(const struct form *f, const struct payload *p)
{
	uint32_t row = 0, blank = 0;
	uint64_t total = 0;
	for (uint32_t i = 0; i < f->figures.n; i++) {
		bool is_value = f->states[i] == FIGURE_VALUE;
		const struct payload_list *list = is_value ? &p->rows : &p->blank;
		uint32_t at = is_value ? row++ : blank++;
		uint16_t n_dims = f->measure[f->asked[i].measure].n_dims;
		const uint64_t *element = list->element + list->start[at];
		assert_int_equal(list->start[at + 1] - list->start[at], 1 + n_dims + is_value);
		assert_int_equal(element[0], f->asked[i].measure);
		for (uint16_t k = 0; k < n_dims; k++)
			assert_int_equal(element[1 + k], f->asked[i].code[k]);
		if (is_value)
			assert_int_equal(element[1 + n_dims], f->values[i]);
		total += f->values[i];
	}
	assert_int_equal(p->rows.n, row);
	assert_int_equal(p->blank.n, blank);
	assert_int_equal(p->n_cells, f->figures.n);
	assert_int_equal(p->hash_total, total);
}

static void figures_come_back(void **unused)
{
	static struct form f;
	(void)unused;
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint8_t blind[BLIND_BYTES];
		struct payload p;
		struct buf b = { 0 };
		any_form(&f);
		ANY_RAW(blind);
		assert_true(payload_encode_figures(&b, &f.config, &f.figures, blind, NULL));
		assert_true(payload_decode(&p, ACT_FIGURES, buf_bytes(&b), NULL));
		assert_same_figures(&f, &p);
		assert_memory_equal(p.blind, blind, sizeof blind);
		payload_free(&p);
		buf_free(&b);
	}
}

/* ---- frames and lines ---- */

static void any_registry(struct link_registry *r)
{
	uint32_t n = (uint32_t)below(30);
	*r = (struct link_registry){ .serial = any_uint() };
	r->principal = n > 0 ? calloc(n, sizeof *r->principal) : NULL;
	r->n_principals = n;
	for (size_t i = 0; i < 1 + below(LIMIT_DATASETS); i++) {
		char name[LIMIT_NAME + 1];
		any_name(name);
		link_registry_dataset(r, name);
	}
	for (uint32_t i = 0; i < n; i++) {
		struct link_principal *p = &r->principal[i];
		ANY_RAW(p->curve);
		keys_id(p->key_id, KEY_TYPE_CURVE, p->curve);
		p->roles = (uint8_t)(1 + below(7));
		p->n_datasets = (uint8_t)below(LIMIT_PRINCIPAL_DATASETS + 1);
		for (uint8_t k = 0; k < p->n_datasets; k++)
			p->dataset[k] = (uint8_t)below(r->n_datasets);
	}
	r->n_configs = below(r->n_datasets + 1);
	for (size_t i = 0; i < r->n_configs; i++) {
		r->config[i].dataset = (uint8_t)i;
		ANY_RAW(r->config[i].digest);
	}
}

static void any_frame(struct link_frame *f)
{
	static char path[3][32] = { "checkpoint", "a/b-c/0/manifest.txt", "x_1" };
	ANY_RAW(f->session);
	switch (below(3)) {
	case 0:
		f->kind = LINK_REGISTRY;
		any_registry(&f->registry);
		break;
	case 1:
		f->kind = LINK_FILES;
		f->files.generation = any_uint();
		f->files.n = below(LIMIT_LINK_FILES + 1);
		for (size_t i = 0; i < f->files.n; i++) {
			f->files.file[i].path = bytes_text(path[below(3)]);
			f->files.file[i].size_bytes = any_uint();
		}
		break;
	default:
		f->kind = LINK_FORWARD;
		f->forward = (struct link_forward){ .n = 1 + any_uint() / 2,
			.endpoint = below(2) ? LINK_SUBMIT : LINK_QUERY,
			.registry_serial = any_uint(),
			.peer_serial = any_uint(),
			.body = any_bytes(70000) };
	}
}

static void frames_come_back(void **unused)
{
	static struct link_frame f, back;
	(void)unused;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct buf first = { 0 }, second = { 0 };
		struct err e = { 0 };
		memset(&f, 0, sizeof f);
		any_frame(&f);
		enum link_side from = f.kind == LINK_FORWARD ? LINK_FROM_GATE : LINK_FROM_VAULT;
		assert_true(link_encode(&first, &f, NULL));
		if (!link_decode(&back, buf_bytes(&first), from, &e))
			fail_msg("seed %llu, round %u: %s", (unsigned long long)seed, i, e.text);
		assert_true(link_encode(&second, &back, NULL));
		assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
		link_free(&f);
		link_free(&back);
		buf_free(&first);
		buf_free(&second);
	}
}

static void any_public(uint8_t out[KEY_BYTES], enum key_purpose purpose)
{
	uint8_t secret[KEY_BYTES];
	ANY_RAW(secret);
	assert_true(keys_public_of(out, purpose, secret, NULL));
}

static void lines_come_back(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < ROUNDS / 4; i++) {
		struct identity id = { .kind = (enum identity_kind)below(3) }, back;
		struct buf first = { 0 }, second = { 0 };
		any_name(id.name);
		id.has_sign = id.kind == IDENTITY_OFFICE || (id.kind == IDENTITY_AUDITOR && below(2));
		if (id.has_sign)
			any_public(id.sign, id.kind == IDENTITY_OFFICE ? KEY_SIGN : KEY_WITNESS);
		any_public(id.curve, KEY_CURVE);
		identity_print(&first, &id);
		assert_true(identity_parse(&back, buf_bytes(&first), NULL));
		identity_print(&second, &back);
		assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
		buf_free(&first);
		buf_free(&second);
	}
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const char *given = getenv("CELLVEIL_SEED");
	seed = given != NULL ? strtoull(given, NULL, 10) : randombytes_random();
	state = seed;
	printf("CELLVEIL_SEED=%llu\n", (unsigned long long)seed);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_we_write_is_of_the_profile),
		cmocka_unit_test(headers_come_back),
		cmocka_unit_test(statements_come_back),
		cmocka_unit_test(figures_come_back),
		cmocka_unit_test(frames_come_back),
		cmocka_unit_test(lines_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
