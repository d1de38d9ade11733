#include "proto/link.h"

#include "proto/fields.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(enum link_closed) == sizeof(unsigned), "see proto/fields.h");
static_assert(LIMIT_DATASETS < UINT8_MAX, "places of datasets are bytes");

#define PRINCIPAL_BYTES_MIN 46u /* what an entry of REGISTRY takes at least on the wire */

/* ---- the tables of proto/README.md ---- */

#define SESSION           F_RAW(0, struct link_frame, session)
#define UINT(key, member) F_UINT(key, struct link_frame, member)

static const struct field position[] = {
	F_NAME(0, struct link_feed_position, dataset),
	F_RAW(0, struct link_feed_position, feed_id),
	F_UINT(0, struct link_feed_position, seq),
};
static const struct fields position_row = FIELDS(position);
static const struct field file[] = {
	F(0, FIELD_PATH, struct link_file, path, 1, LIMIT_PATH),
	F_UINT(0, struct link_file, size_bytes),
	F_RAW(0, struct link_file, digest),
};
static const struct fields file_row = FIELDS(file);

static const struct field open_rows[] = {
	SESSION,
	F(1, FIELD_TEXT, struct link_frame, open.agent, 0, LIMIT_AGENT),
	UINT(2, open.registry_serial),
	F_LIST(4, struct link_frame, open.feed, open.n_feeds, &position_row, LIMIT_DATASETS),
};
static const struct field opened_rows[] = {
	SESSION,
	F_RAW(2, struct link_frame, opened.boot_id),
	UINT(4, opened.window_messages),
	UINT(6, opened.window_bytes),
	UINT(8, opened.max_message_bytes),
};
static const struct field forward_rows[] = {
	SESSION,
	F(2, FIELD_UINT, struct link_frame, forward.n, 1, LIMIT_UINT),
	F(4, FIELD_ENUM, struct link_frame, forward.endpoint, LINK_SUBMIT, LINK_QUERY),
	F_RAW(6, struct link_frame, forward.principal),
	UINT(8, forward.registry_serial),
	UINT(10, forward.peer_serial),
	F(12, FIELD_BIN, struct link_frame, forward.body, 0, LIMIT_MESSAGE_BYTES),
};
static const struct field reply_rows[] = {
	SESSION,
	F(2, FIELD_UINT, struct link_frame, reply.n, 1, LIMIT_UINT),
	F(4, FIELD_BIN, struct link_frame, reply.body, 0, LIMIT_REPLY_BYTES),
};
static const struct field applied_rows[] = { SESSION, UINT(2, applied.registry_serial) };
static const struct field ping_rows[] = { SESSION, UINT(2, ping.counter), UINT(4, ping.waiting) };
static const struct field pong_rows[] = {
	SESSION,
	F_RAW(2, struct link_frame, pong.boot_id),
	UINT(4, pong.counter),
};
static const struct field feed_rows[] = {
	SESSION,
	F_NAME(2, struct link_frame, feed.dataset),
	F(4, FIELD_BIN, struct link_frame, feed.envelope, 0, LIMIT_FEED_BYTES),
	F_RAW(6, struct link_frame, feed.signature),
};
static const struct field files_rows[] = {
	SESSION,
	UINT(2, files.generation),
	F_LIST(4, struct link_frame, files.file, files.n, &file_row, LIMIT_LINK_FILES),
};
static const struct field mode_rows[] = {
	SESSION,
	F(2, FIELD_ENUM, struct link_frame, mode.mode, MODE_NORMAL, MODE_CLOCK_HOLD),
	UINT(4, mode.retry_after_ms),
};
static const struct field closed_rows[] = {
	SESSION,
	F(2, FIELD_ENUM, struct link_frame, closed, CLOSED_SUPERSEDED, CLOSED_UNKNOWN_SESSION),
};

struct kind {
	enum link_kind kind;
	enum link_side from;
	const char *name;
	size_t size; /* of its struct */
	struct fields fields;
};
#define KIND(kind, from, name, rows, member)                                                                 \
	{                                                                                                    \
		kind, from, name, sizeof((struct link_frame *)0)->member, FIELDS(rows)                       \
	}

static const struct kind kinds[] = {
	KIND(LINK_OPEN, LINK_FROM_GATE, "OPEN", open_rows, open),
	KIND(LINK_OPENED, LINK_FROM_VAULT, "OPENED", opened_rows, opened),
	KIND(LINK_FORWARD, LINK_FROM_GATE, "FORWARD", forward_rows, forward),
	KIND(LINK_REPLY, LINK_FROM_VAULT, "REPLY", reply_rows, reply),
	KIND(LINK_APPLIED, LINK_FROM_GATE, "APPLIED", applied_rows, applied),
	/* entries within entries: read and written below */
	{ LINK_REGISTRY, LINK_FROM_VAULT, "REGISTRY", sizeof(struct link_registry), { NULL, 0 } },
	KIND(LINK_PING, LINK_FROM_GATE, "PING", ping_rows, ping),
	KIND(LINK_FEED, LINK_FROM_VAULT, "FEED", feed_rows, feed),
	KIND(LINK_PONG, LINK_FROM_VAULT, "PONG", pong_rows, pong),
	KIND(LINK_FILES, LINK_FROM_VAULT, "FILES", files_rows, files),
	KIND(LINK_MODE, LINK_FROM_VAULT, "MODE", mode_rows, mode),
	KIND(LINK_CLOSED, LINK_FROM_VAULT, "CLOSED", closed_rows, closed),
};

static const struct kind *kind_find(uint64_t kind)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if ((uint64_t)kinds[i].kind == kind)
			return &kinds[i];
	return NULL;
}

const char *link_kind_name(uint64_t kind)
{
	const struct kind *known = kind_find(kind);
	return known != NULL ? known->name : "?";
}

/* ---- REGISTRY ---- */

uint8_t link_registry_dataset(struct link_registry *r, const char *name)
{
	for (size_t i = 0; i < r->n_datasets; i++)
		if (strcmp(r->dataset[i], name) == 0)
			return (uint8_t)i;
	if (r->n_datasets == LIMIT_DATASETS)
		return UINT8_MAX;
	name_copy(r->dataset[r->n_datasets], sizeof r->dataset[0], bytes_text(name));
	return (uint8_t)r->n_datasets++;
}

static uint8_t read_dataset(struct mpread *r, struct link_registry *registry)
{
	char name[LIMIT_NAME + 1];
	mpread_name(r, "dataset", name);
	if (mpread_failed(r))
		return 0;
	uint8_t place = link_registry_dataset(registry, name);
	if (place == UINT8_MAX)
		mpread_fail(r, ERR_LIMIT, "registry", "names too many datasets");
	return place;
}

static void read_principal(struct mpread *r, struct link_registry *registry, struct link_principal *p)
{
	uint8_t id[KEY_ID_BYTES];
	mpread_array(r, "principal", 4, 4);
	mpread_bin_exact(r, "key_id", p->key_id, KEY_ID_BYTES);
	mpread_bin_exact(r, "curve", p->curve, KEY_BYTES);
	p->roles = (uint8_t)mpread_uint(r, "roles", 1, ROLE_OFFICE | ROLE_RESEARCHER | ROLE_AUDITOR);
	p->n_datasets = (uint8_t)mpread_array(r, "datasets", 0, LIMIT_PRINCIPAL_DATASETS);
	for (uint8_t i = 0; i < p->n_datasets && !mpread_failed(r); i++)
		p->dataset[i] = read_dataset(r, registry);
	keys_id(id, KEY_TYPE_CURVE, p->curve);
	if (memcmp(id, p->key_id, KEY_ID_BYTES) != 0)
		mpread_fail(r, ERR_MALFORMED, "key_id", "is not that of its key");
}

static void read_principals(struct mpread *r, struct link_registry *registry)
{
	size_t n = mpread_array(r, "principals", 0, LIMIT_PRINCIPALS);
	if (n > mpread_left(r) / PRINCIPAL_BYTES_MIN)
		mpread_fail(r, ERR_MALFORMED, "principals", "are shorter than principals are");
	if (n == 0 || mpread_failed(r))
		return;
	registry->principal = calloc(n, sizeof *registry->principal);
	if (registry->principal == NULL) {
		mpread_fail(r, ERR_MEMORY, "registry", "does not fit into memory");
		return;
	}
	registry->n_principals = (uint32_t)n;
	for (size_t i = 0; i < n && !mpread_failed(r); i++)
		read_principal(r, registry, &registry->principal[i]);
}

static void read_registry(struct mpread *r, struct link_frame *f)
{
	struct link_registry *registry = &f->registry;
	struct mpmap m = mpread_map(r, "registry");
	mpmap_need(r, &m, 0, "session");
	mpread_bin_exact(r, "session", f->session, LINK_SESSION_BYTES);
	mpmap_need(r, &m, 2, "serial");
	registry->serial = mpread_uint(r, "serial", 0, LIMIT_UINT);
	mpmap_need(r, &m, 4, "principals");
	read_principals(r, registry);
	mpmap_need(r, &m, 6, "configs");
	registry->n_configs = mpread_array(r, "configs", 0, LIMIT_DATASETS);
	for (size_t i = 0; i < registry->n_configs && !mpread_failed(r); i++) {
		struct link_config *c = &registry->config[i];
		mpread_array(r, "config", 2, 2);
		c->dataset = read_dataset(r, registry);
		mpread_bin_exact(r, "config digest", c->digest, KEY_DIGEST_BYTES);
	}
	mpmap_end(r, &m);
}

static void write_dataset(struct buf *out, const struct link_registry *registry, uint8_t place)
{
	if (place < registry->n_datasets)
		mpwrite_str(out, registry->dataset[place]);
	else
		out->failed = true;
}

static void write_principal(
    struct buf *out, const struct link_registry *registry, const struct link_principal *p)
{
	if (p->n_datasets > LIMIT_PRINCIPAL_DATASETS) {
		out->failed = true;
		return;
	}
	mpwrite_array(out, 4);
	mpwrite_bin(out, bytes_of(p->key_id, KEY_ID_BYTES));
	mpwrite_bin(out, bytes_of(p->curve, KEY_BYTES));
	mpwrite_uint(out, p->roles);
	mpwrite_array(out, p->n_datasets);
	for (uint8_t i = 0; i < p->n_datasets; i++)
		write_dataset(out, registry, p->dataset[i]);
}

static void write_registry(struct buf *out, const struct link_frame *f)
{
	const struct link_registry *registry = &f->registry;
	if (registry->n_configs > LIMIT_DATASETS || registry->n_principals > LIMIT_PRINCIPALS) {
		out->failed = true;
		return;
	}
	mpwrite_map(out, 4);
	mpwrite_key_raw(out, 0, f->session, LINK_SESSION_BYTES);
	mpwrite_key_uint(out, 2, registry->serial);
	mpwrite_uint(out, 4);
	mpwrite_array(out, registry->n_principals);
	for (uint32_t i = 0; i < registry->n_principals; i++)
		write_principal(out, registry, &registry->principal[i]);
	mpwrite_uint(out, 6);
	mpwrite_array(out, registry->n_configs);
	for (size_t i = 0; i < registry->n_configs; i++) {
		mpwrite_array(out, 2);
		write_dataset(out, registry, registry->config[i].dataset);
		mpwrite_bin(out, bytes_of(registry->config[i].digest, KEY_DIGEST_BYTES));
	}
}

const struct link_principal *link_registry_find(
    const struct link_registry *r, const uint8_t key_id[KEY_ID_BYTES])
{
	for (uint32_t i = 0; i < r->n_principals; i++)
		if (memcmp(r->principal[i].key_id, key_id, KEY_ID_BYTES) == 0)
			return &r->principal[i];
	return NULL;
}

void link_registry_free(struct link_registry *r)
{
	free(r->principal);
	r->principal = NULL;
	r->n_principals = 0;
}

/* ---- frames ---- */

/* All kinds share the union's place. */
static const size_t fields_at = offsetof(struct link_frame, open);

static const struct kind *read_head(struct mpread *r, enum link_side from)
{
	mpread_array(r, "frame", 3, 3);
	mpread_choice(r, "version", LINK_VERSION, LINK_VERSION);
	const struct kind *known = kind_find(mpread_uint(r, "kind", 0, LIMIT_UINT));
	if (known == NULL)
		mpread_fail(r, ERR_UNSUPPORTED, "kind", "not supported");
	else if (known->from != from)
		mpread_fail(r, ERR_MALFORMED, "kind", "is the other side's to send");
	return mpread_failed(r) ? NULL : known;
}

bool link_decode(struct link_frame *f, struct bytes in, enum link_side from, struct err *e)
{
	struct mpread r = mpread_open(in, LIMIT_NODES_LARGE);
	const struct kind *known = read_head(&r, from);
	f->kind = (enum link_kind)0;
	if (known != NULL) {
		f->kind = known->kind;
		memset((uint8_t *)f + fields_at, 0, known->size);
		if (f->kind == LINK_REGISTRY)
			read_registry(&r, f);
		else
			fields_read(&r, &known->fields, f);
	}
	bool ok = mpread_close(&r, e);
	if (!ok) {
		err_wrap(e, "link frame");
		link_free(f);
	}
	return ok;
}

bool link_encode(struct buf *out, const struct link_frame *f, struct err *e)
{
	const struct kind *known = kind_find(f->kind);
	if (known == NULL)
		return err_set(e, ERR_UNSUPPORTED, "link frame: no such kind");
	mpwrite_array(out, 3);
	mpwrite_uint(out, LINK_VERSION);
	mpwrite_uint(out, f->kind);
	if (f->kind == LINK_REGISTRY)
		write_registry(out, f);
	else
		fields_write(out, &known->fields, f);
	return mpwrite_done(out, known->name, e);
}

void link_free(struct link_frame *f)
{
	if (f->kind == LINK_REGISTRY)
		link_registry_free(&f->registry);
	f->kind = (enum link_kind)0;
}
