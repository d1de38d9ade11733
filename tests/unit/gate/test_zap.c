/* zap and registry: who may shake hands, which snapshots are taken, and swapping them under readers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka last */
#include <cmocka.h>

#include "daemon/gate/registry.h"
#include "daemon/gate/zap.h"
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static void make_principal(struct link_principal *p, uint32_t n, uint8_t roles)
{
	uint8_t secret[KEY_BYTES] = { 1, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16) };
	*p = (struct link_principal){ .roles = roles };
	assert_int_equal(crypto_scalarmult_base(p->curve, secret), 0);
	keys_id(p->key_id, KEY_TYPE_CURVE, p->curve);
}

static struct link_registry make(uint64_t serial, uint32_t n, uint8_t roles)
{
	struct link_registry r = { .serial = serial, .n_principals = n };
	r.principal = calloc(n + 1, sizeof *r.principal);
	assert_non_null(r.principal);
	for (uint32_t i = 0; i < n; i++)
		make_principal(&r.principal[i], i, roles);
	return r;
}

static enum zap_status ask(struct registry *r, const char *domain, const char *mechanism, struct bytes key)
{
	uint8_t id[KEY_ID_BYTES];
	struct zap_request in = { bytes_text(domain), { NULL, 0 }, bytes_text(mechanism), key };
	const struct snapshot *s = registry_acquire(r);
	enum zap_status status = zap_decide(&in, s, id);
	registry_release(s);
	return status;
}

static void test_who_may(void **state)
{
	(void)state;
	struct registry *r = registry_new();
	struct link_principal office, reader;
	make_principal(&office, 0, ROLE_OFFICE);
	make_principal(&reader, 1, ROLE_RESEARCHER);
	struct bytes o = bytes_of(office.curve, KEY_BYTES), x = bytes_of(reader.curve, KEY_BYTES);
	assert_int_equal(ask(r, ZAP_DOMAIN_SUBMIT, "CURVE", o), ZAP_LATER);
	assert_int_equal(ask(r, ZAP_DOMAIN_SUBMIT, "NULL", o), ZAP_REFUSED);
	struct link_registry from = make(1, 2, ROLE_OFFICE);
	from.principal[1].roles = ROLE_RESEARCHER;
	assert_true(registry_offer(r, &from, NULL));
	assert_int_equal(ask(r, ZAP_DOMAIN_SUBMIT, "CURVE", o), ZAP_ALLOWED);
	assert_int_equal(ask(r, ZAP_DOMAIN_QUERY, "CURVE", o), ZAP_ALLOWED);
	assert_int_equal(ask(r, ZAP_DOMAIN_SUBMIT, "CURVE", x), ZAP_REFUSED); /* role */
	assert_int_equal(ask(r, ZAP_DOMAIN_FEED, "CURVE", x), ZAP_ALLOWED);
	assert_int_equal(ask(r, "", "CURVE", o), ZAP_REFUSED);
	assert_int_equal(ask(r, "cellveil.submi", "CURVE", o), ZAP_REFUSED);
	assert_int_equal(ask(r, ZAP_DOMAIN_SUBMIT, "PLAIN", o), ZAP_REFUSED);
	assert_int_equal(ask(r, ZAP_DOMAIN_SUBMIT, "CURVE", bytes_of(o.at, 31)), ZAP_REFUSED);
	uint8_t other[KEY_BYTES] = { 7 }, id[KEY_ID_BYTES];
	assert_int_equal(ask(r, ZAP_DOMAIN_SUBMIT, "CURVE", bytes_of(other, KEY_BYTES)), ZAP_REFUSED);
	const struct snapshot *s = registry_acquire(r);
	struct zap_request named = { bytes_text(ZAP_DOMAIN_SUBMIT), bytes_text("me"), bytes_text("CURVE"),
		o };
	assert_int_equal(zap_decide(&named, s, id), ZAP_REFUSED); /* Z5, to the letter */
	registry_release(s);
	registry_drop(r);
	assert_int_equal(ask(r, ZAP_DOMAIN_SUBMIT, "CURVE", o), ZAP_LATER);
	registry_free(r);
}

static void spoil_role(struct link_registry *r)
{
	r->principal[1].roles = 8;
}
static void spoil_no_role(struct link_registry *r)
{
	r->principal[1].roles = 0;
}
static void spoil_id(struct link_registry *r)
{
	r->principal[1].key_id[0] ^= 1;
}
static void spoil_key(struct link_registry *r)
{
	memset(r->principal[1].curve, 0, KEY_BYTES);
	keys_id(r->principal[1].key_id, KEY_TYPE_CURVE, r->principal[1].curve);
}
static void spoil_twice(struct link_registry *r)
{
	r->principal[1] = r->principal[0];
}

static void test_bad_snapshots_leave_the_old_one(void **state)
{
	(void)state;
	static void (*const spoil[])(
	    struct link_registry *) = { spoil_role, spoil_no_role, spoil_id, spoil_key, spoil_twice };
	struct registry *r = registry_new();
	struct link_registry good = make(5, 3, ROLE_OFFICE);
	assert_true(registry_offer(r, &good, NULL));
	assert_null(good.principal);
	for (size_t i = 0; i < sizeof spoil / sizeof *spoil; i++) {
		struct err e;
		struct link_registry bad = make(6, 3, ROLE_OFFICE);
		spoil[i](&bad);
		assert_false(registry_offer(r, &bad, &e));
		assert_null(bad.principal);
		const struct snapshot *s = registry_acquire(r);
		assert_int_equal(snapshot_serial(s), 5);
		registry_release(s);
	}
	registry_free(r);
}

static void test_bars(void **state)
{
	(void)state;
	struct registry *r = registry_new();
	uint8_t id[KEY_ID_BYTES] = { 1 }, other[KEY_ID_BYTES] = { 2 };
	registry_bar(r, id, 1000);
	assert_true(registry_barred(r, id, 999));
	assert_false(registry_barred(r, id, 1000));
	assert_false(registry_barred(r, other, 0));
	registry_free(r);
}

/* F19: every reader sees one whole registry. Snapshot n has n principals; TSan watches the rest. */
static struct registry *shared;
static _Atomic bool done;

static void *reader(void *unused)
{
	(void)unused;
	while (!atomic_load(&done)) {
		const struct snapshot *s = registry_acquire(shared);
		if (s != NULL) {
			const struct link_registry *c = snapshot_content(s);
			if (snapshot_serial(s) != c->n_principals ||
			    snapshot_by_id(s, c->principal[c->n_principals - 1].key_id) == NULL ||
			    snapshot_by_curve(s, c->principal[0].curve) == NULL)
				abort();
		}
		registry_release(s);
	}
	return NULL;
}

static void test_swapped_under_readers(void **state)
{
	(void)state;
	pthread_t thread[3];
	shared = registry_new();
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, reader, NULL), 0);
	for (uint32_t round = 0; round < 200; round++) {
		struct link_registry next = make(1 + round % 9, 1 + round % 9, ROLE_OFFICE);
		assert_true(registry_offer(shared, &next, NULL));
		if (round % 50 == 49)
			registry_drop(shared);
	}
	atomic_store(&done, true);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	registry_free(shared);
}

static int setup(void **state)
{
	(void)state;
	return sodium_init() < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_may),
		cmocka_unit_test(test_bad_snapshots_leave_the_old_one),
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_swapped_under_readers),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
