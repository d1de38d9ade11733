/* A release made again, for those who check that it follows from forms, policy and choice key: publish_replay. */
#include "daemon/vault/publish_parts.h"
#include "proto/name.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wanted {
	char dataset[LIMIT_NAME + 1], period[LIMIT_PERIOD + 1];
	uint64_t revision;
};

static bool parse(struct wanted *w, const char *name, struct err *e)
{
	char copy[LIMIT_NAME + LIMIT_PERIOD + 16], *part[3], *save = NULL, *end;
	size_t n = 0;

	snprintf(copy, sizeof copy, "%s", name);
	for (char *p = strtok_r(copy, "/", &save); p && n < 3; p = strtok_r(NULL, "/", &save))
		part[n++] = p;
	if (strlen(name) >= sizeof copy || n != 3 || save[0] || part[2][0] < '0' || part[2][0] > '9' ||
	    !name_copy(w->dataset, sizeof w->dataset, bytes_text(part[0])) ||
	    !name_copy(w->period, sizeof w->period, bytes_text(part[1])))
		return err_set(e, ERR_INVALID, "a release is named DATASET/PERIOD/REVISION");
	w->revision = strtoull(part[2], &end, 10);
	return *end == 0 || err_set(e, ERR_INVALID, "a release is named DATASET/PERIOD/REVISION");
}

/* The set as it lies in the store now, by the seal's own bounds. */
static bool check_set(struct vault *v, const struct period *p, const struct seal_row *seal, struct err *e)
{
	struct seal_row now;

	if (!seal_again(v, p, seal, &now, e))
		return false;
	return (now.n == seal->n && memcmp(now.root, seal->root, sizeof now.root) == 0) ||
	       err_set(e, ERR_CRYPTO, "the forms in the store are not those that were sealed");
}

static void put_hex(struct buf *out, const char *what, const uint8_t digest[32])
{
	buf_printf(out, "%s ", what);
	buf_put_hex(out, bytes_of(digest, 32));
	buf_put_byte(out, '\n');
}

static void put_sha256(struct buf *out, const char *what, const struct buf *file)
{
	uint8_t digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(digest, file->data, file->size);
	put_hex(out, what, digest);
}

static bool tell(struct vault *v, const struct period *p, const struct seal_row *seal, const struct built *b,
    struct buf *out, struct err *e)
{
	const struct release_result *r = b->result;

	buf_printf(out, "cellveil-replay/1\norigin %s\ndataset %s\nperiod %s\nrevision %llu\nforms %llu\n",
	    v->conf->origin, p->dataset, p->name, (unsigned long long)seal->revision,
	    (unsigned long long)seal->n);
	put_hex(out, "set", seal->root);
	put_hex(out, "config", p->config);
	put_hex(out, "manifest", b->man);
	if (r->refusal == REFUSAL_NONE) {
		put_hex(out, "object", b->object);
		put_sha256(out, "result", &r->result_csv);
		put_sha256(out, "certificate", &r->certificate);
		put_sha256(out, "auditor", &r->auditor);
	}
	return !out->failed || err_set(e, ERR_MEMORY, "release: no memory");
}

bool publish_replay(struct vault *v, const char *name, struct buf *out, struct err *e)
{
	struct wanted w = { .revision = 0 };
	struct period p;
	struct seal_row seal;
	struct built *b = calloc(1, sizeof *b);
	bool ok = b != NULL || err_set(e, ERR_MEMORY, "release: no memory");

	ok = ok && parse(&w, name, e) && vault_period(v, w.dataset, w.period, &p, e) &&
	     seal_read(v, p.id, w.revision, &seal, e) && check_set(v, &p, &seal, e) &&
	     built_make(v, &p, &seal, b, e) && tell(v, &p, &seal, b, out, e);
	if (b)
		built_free(b);
	free(b);
	return ok;
}
