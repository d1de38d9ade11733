#include "daemon/gate/registry.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BARS        64u
#define ROLES_KNOWN (ROLE_OFFICE | ROLE_RESEARCHER | ROLE_AUDITOR)

struct snapshot {
	_Atomic unsigned users; /* readers, plus one while it is in force */
	struct link_registry content;
	const struct link_principal **by_id, **by_curve; /* content.principal in two orders */
};

struct registry {
	pthread_mutex_t lock; /* guards the pointer and the step from it to a count, nothing longer */
	struct snapshot *now;
	unsigned n_bars; /* ever; the place of the next one */
	struct {
		uint8_t key_id[KEY_ID_BYTES];
		uint64_t until_ms;
	} bar[BARS];
};

struct registry *registry_new(void)
{
	struct registry *r = calloc(1, sizeof *r);
	if (r != NULL && pthread_mutex_init(&r->lock, NULL) != 0) {
		free(r);
		return NULL;
	}
	return r;
}

void registry_free(struct registry *r)
{
	if (r == NULL)
		return;
	registry_drop(r);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static int compare_id(const void *a, const void *b)
{
	const struct link_principal *const *x = a, *const *y = b;
	return memcmp((*x)->key_id, (*y)->key_id, KEY_ID_BYTES);
}

static int compare_curve(const void *a, const void *b)
{
	const struct link_principal *const *x = a, *const *y = b;
	return memcmp((*x)->curve, (*y)->curve, KEY_BYTES);
}

static void snapshot_free(struct snapshot *s)
{
	link_registry_free(&s->content);
	free(s->by_id);
	free(s->by_curve);
	free(s);
}

static bool principal_check(const struct link_principal *p, struct err *e)
{
	uint8_t id[KEY_ID_BYTES];
	if (p->roles == 0 || (p->roles & ~ROLES_KNOWN) != 0)
		return err_set(e, ERR_INVALID, "registry: unknown role");
	if (!keys_check(KEY_TYPE_CURVE, p->curve, e))
		return err_wrap(e, "registry");
	keys_id(id, KEY_TYPE_CURVE, p->curve);
	return memcmp(id, p->key_id, sizeof id) == 0 ||
	       err_set(e, ERR_INVALID, "registry: key id does not fit its key");
}

/* Fills the two orders and sees that neither has a double. */
static bool snapshot_index(struct snapshot *s, struct err *e)
{
	uint32_t n = s->content.n_principals;
	s->by_id = calloc((size_t)n + 1, sizeof(struct link_principal *));
	s->by_curve = calloc((size_t)n + 1, sizeof(struct link_principal *));
	if (s->by_id == NULL || s->by_curve == NULL)
		return err_set(e, ERR_MEMORY, "registry: out of memory");
	for (uint32_t i = 0; i < n; i++) {
		s->by_id[i] = s->by_curve[i] = &s->content.principal[i];
		if (!principal_check(&s->content.principal[i], e))
			return false;
	}
	qsort(s->by_id, n, sizeof(struct link_principal *), compare_id);
	qsort(s->by_curve, n, sizeof(struct link_principal *), compare_curve);
	for (uint32_t i = 1; i < n; i++)
		if (compare_id(&s->by_id[i - 1], &s->by_id[i]) == 0 ||
		    compare_curve(&s->by_curve[i - 1], &s->by_curve[i]) == 0)
			return err_set(e, ERR_INVALID, "registry: a key stands twice");
	return true;
}

static void swap(struct registry *r, struct snapshot *next)
{
	pthread_mutex_lock(&r->lock);
	struct snapshot *last = r->now;
	r->now = next;
	pthread_mutex_unlock(&r->lock);
	registry_release(last);
}

bool registry_offer(struct registry *r, struct link_registry *from, struct err *e)
{
	struct snapshot *s = calloc(1, sizeof *s);
	if (s == NULL) {
		link_registry_free(from);
		return err_set(e, ERR_MEMORY, "registry: out of memory");
	}
	s->users = 1;
	s->content = *from;
	memset(from, 0, sizeof *from);
	if (s->content.n_principals > LIMIT_PRINCIPALS) {
		err_set(e, ERR_INVALID, "registry: too many principals");
		snapshot_free(s);
		return false;
	}
	if (!snapshot_index(s, e)) {
		snapshot_free(s);
		return false;
	}
	swap(r, s);
	return true;
}

void registry_drop(struct registry *r)
{
	swap(r, NULL);
}

void registry_bar(struct registry *r, const uint8_t key_id[KEY_ID_BYTES], uint64_t until_ms)
{
	pthread_mutex_lock(&r->lock);
	memcpy(r->bar[r->n_bars % BARS].key_id, key_id, KEY_ID_BYTES);
	r->bar[r->n_bars++ % BARS].until_ms = until_ms;
	pthread_mutex_unlock(&r->lock);
}

bool registry_barred(struct registry *r, const uint8_t key_id[KEY_ID_BYTES], uint64_t now_ms)
{
	bool barred = false;
	pthread_mutex_lock(&r->lock);
	for (unsigned i = 0; i < BARS && !barred; i++)
		barred = r->bar[i].until_ms > now_ms && memcmp(r->bar[i].key_id, key_id, KEY_ID_BYTES) == 0;
	pthread_mutex_unlock(&r->lock);
	return barred;
}

const struct snapshot *registry_acquire(struct registry *r)
{
	pthread_mutex_lock(&r->lock);
	struct snapshot *s = r->now;
	if (s != NULL)
		atomic_fetch_add(&s->users, 1);
	pthread_mutex_unlock(&r->lock);
	return s;
}

void registry_release(const struct snapshot *s)
{
	/* The count is the one thing readers change; the struct was not const when made. */
	struct snapshot *mine = (struct snapshot *)(uintptr_t)s;
	if (mine != NULL && atomic_fetch_sub(&mine->users, 1) == 1)
		snapshot_free(mine);
}

uint64_t snapshot_serial(const struct snapshot *s)
{
	return s->content.serial;
}

const struct link_registry *snapshot_content(const struct snapshot *s)
{
	return &s->content;
}

static const struct link_principal *find(const struct link_principal **in, uint32_t n,
    const struct link_principal *like, int (*compare)(const void *, const void *))
{
	const struct link_principal **at = bsearch(&like, in, n, sizeof(struct link_principal *), compare);
	return at == NULL ? NULL : *at;
}

const struct link_principal *snapshot_by_id(const struct snapshot *s, const uint8_t key_id[KEY_ID_BYTES])
{
	struct link_principal like = { 0 };
	memcpy(like.key_id, key_id, KEY_ID_BYTES);
	return find(s->by_id, s->content.n_principals, &like, compare_id);
}

const struct link_principal *snapshot_by_curve(const struct snapshot *s, const uint8_t curve[KEY_BYTES])
{
	struct link_principal like = { 0 };
	memcpy(like.curve, curve, KEY_BYTES);
	return find(s->by_curve, s->content.n_principals, &like, compare_curve);
}
