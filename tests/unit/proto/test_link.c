#include "proto/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/proto/vectors.h"

static struct link_frame frame; /* large */

static void the_frames_of_the_vectors_come_back_byte_for_byte(void **state)
{
	(void)state;
	json_t *all = vectors_load("link.json");
	const json_t *c;
	size_t i;
	json_array_foreach(json_object_get(all, "frames"), i, c)
	{
		struct err e = { 0 };
		struct bytes in = vectors_hex(c, "hex");
		struct buf again = { 0 };
		bool gate = strcmp(vectors_text(c, "from"), "gate") == 0;
		if (!link_decode(&frame, in, gate ? LINK_FROM_GATE : LINK_FROM_VAULT, &e))
			fail_msg("%s: %s", vectors_text(c, "name"), e.text);
		assert_string_equal(link_kind_name(frame.kind), vectors_text(c, "name"));
		assert_int_equal(frame.session[15], 0x5e);
		assert_true(link_encode(&again, &frame, &e));
		assert_true(bytes_equal(buf_bytes(&again), in));
		link_free(&frame);
		assert_false(link_decode(&frame, in, gate ? LINK_FROM_VAULT : LINK_FROM_GATE, &e));
		for (size_t len = 0; len < in.len; len++)
			assert_false(link_decode(
			    &frame, bytes_of(in.at, len), gate ? LINK_FROM_GATE : LINK_FROM_VAULT, &e));
		buf_free(&again);
		vectors_free(in);
	}
	assert_int_equal(i, 12);
	json_decref(all);
}

static void the_negatives_are_refused(void **state)
{
	(void)state;
	json_t *all = vectors_load("link.json");
	const json_t *c;
	size_t i;
	json_array_foreach(json_object_get(all, "negative"), i, c)
	{
		struct err e = { 0 };
		struct bytes in = vectors_hex(c, "hex");
		const char *name = vectors_text(c, "name");
		/* by the side that would send it; what only the vault sends is tried from both */
		bool ours = strcmp(name, "REPLY sent by the gate") != 0;
		if (link_decode(&frame, in, LINK_FROM_GATE, &e) ||
		    (ours && link_decode(&frame, in, LINK_FROM_VAULT, &e)))
			fail_msg("%s", name);
		if (strcmp(name, "version 2") == 0 || strcmp(name, "unknown kind") == 0 ||
		    strcmp(name, "unknown even key") == 0)
			assert_int_equal(e.code, ERR_UNSUPPORTED);
		vectors_free(in);
	}
	assert_true(i >= 11);
	json_decref(all);
}

static void fill_registry(struct link_registry *r, uint32_t n)
{
	*r = (struct link_registry){
		.serial = 3, .n_principals = n, .principal = calloc(n, sizeof *r->principal)
	};
	assert_non_null(r->principal);
	for (uint32_t i = 0; i < n; i++) {
		struct link_principal *p = &r->principal[i];
		p->curve[0] = (uint8_t)i;
		p->curve[1] = (uint8_t)(i >> 8);
		keys_id(p->key_id, KEY_TYPE_CURVE, p->curve);
		p->roles = ROLE_OFFICE;
		p->n_datasets = 2;
		p->dataset[0] = link_registry_dataset(r, "personal-support");
		p->dataset[1] = link_registry_dataset(r, "births");
	}
	r->n_configs = 1;
	r->config[0] = (struct link_config){ .dataset = link_registry_dataset(r, "births"), .digest = { 1 } };
}

static void a_registry_of_many_principals_arrives(void **state)
{
	(void)state;
	struct buf b = { .max = LIMIT_LINK_BYTES };
	struct err e;
	frame.kind = LINK_REGISTRY;
	fill_registry(&frame.registry, LIMIT_PRINCIPALS);
	assert_int_equal(frame.registry.n_datasets, 2);
	assert_true(link_encode(&b, &frame, &e));
	link_free(&frame);
	assert_true(link_decode(&frame, buf_bytes(&b), LINK_FROM_VAULT, &e));
	assert_int_equal(frame.registry.n_principals, LIMIT_PRINCIPALS);
	struct link_principal last = frame.registry.principal[LIMIT_PRINCIPALS - 1];
	assert_ptr_equal(link_registry_find(&frame.registry, last.key_id),
	    &frame.registry.principal[LIMIT_PRINCIPALS - 1]);
	last.key_id[0] ^= 1;
	assert_null(link_registry_find(&frame.registry, last.key_id));
	assert_string_equal(frame.registry.dataset[last.dataset[1]], "births");
	link_free(&frame);
	buf_free(&b);
}

static void a_registry_is_bounded_and_its_ids_fit(void **state)
{
	(void)state;
	struct buf b = { 0 };
	struct err e;
	frame.kind = LINK_REGISTRY;
	fill_registry(&frame.registry, 1);
	frame.registry.principal[0].key_id[0] ^= 1;
	assert_true(link_encode(&b, &frame, &e));
	link_free(&frame);
	assert_false(link_decode(&frame, buf_bytes(&b), LINK_FROM_VAULT, &e));
	/* many principals announced, none there: refused before memory is asked for */
	buf_clear(&b);
	buf_put(&b,
	    "\x93\x01\x06\x84\x00\xc4\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	    23);
	buf_put(&b, "\x02\x01\x04\xdc\x03\xe8", 6);
	for (unsigned i = 0; i < 1000; i++)
		buf_put_byte(&b, 0);
	buf_put(&b, "\x06\x90", 2);
	assert_false(link_decode(&frame, buf_bytes(&b), LINK_FROM_VAULT, &e));
	assert_non_null(strstr(e.text, "shorter than principals are"));
	buf_free(&b);

	struct link_registry *r = &frame.registry;
	*r = (struct link_registry){ 0 };
	for (unsigned i = 0; i < LIMIT_DATASETS; i++) {
		char name[8];
		snprintf(name, sizeof name, "d%u", i);
		assert_int_equal(link_registry_dataset(r, name), i);
	}
	assert_int_equal(link_registry_dataset(r, "d0"), 0);
	assert_int_equal(link_registry_dataset(r, "one-more"), UINT8_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_frames_of_the_vectors_come_back_byte_for_byte),
		cmocka_unit_test(the_negatives_are_refused),
		cmocka_unit_test(a_registry_of_many_principals_arrives),
		cmocka_unit_test(a_registry_is_bounded_and_its_ids_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
