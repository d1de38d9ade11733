/* manifests - see manifests.h. */
#include "client/audit/manifests.h"
#include <stdio.h>
#include <stdlib.h>

#define KEPT     "enrolled" /* below DIR/audit: a leaf's number */
#define KEPT_MAX 32u

static uint64_t read_since(const struct source *s)
{
	char path[FILE_PATH];
	struct buf text = { 0 };
	uint64_t since = UINT64_MAX;

	if (file_path(path, s->state, KEPT, NULL) && file_read(&text, path, KEPT_MAX, NULL)) {
		buf_put_byte(&text, 0);
		if (!text.failed && text.data[0] >= '0' && text.data[0] <= '9')
			since = strtoull((const char *)text.data, NULL, 10);
	}
	buf_free(&text);
	return since;
}

static void write_since(const struct source *s, uint64_t since, struct verdicts *v)
{
	char text[KEPT_MAX];
	struct err e = { 0 };

	int n = snprintf(text, sizeof text, "%llu\n", (unsigned long long)since);
	if (!file_write(s->state, KEPT, 0600, bytes_of(text, (size_t)n), &e))
		verdicts_add(v, VERDICT_UNCHECKED, "manifest", "", "%s", e.text);
}

/* An older store was put back since, and the log says so: it knows nothing of a refusal that came after. */
static bool was_lost(const struct loglist *l, uint64_t leaf)
{
	struct log_entry x;

	for (uint64_t i = leaf + 1; i < l->n; i++) {
		if (loglist_entry_of(l, i, LOG_RECOVERY, &x) && x.reason == LOG_RECOVERY_RESTORED &&
		    x.size <= leaf)
			return true;
	}
	return false;
}

static bool has_manifest(const struct loglist *l, uint64_t i, struct log_entry *x)
{
	return loglist_entry_of(l, i, LOG_RELEASE, x) ||
	       (loglist_entry_of(l, i, LOG_NO_RELEASE, x) && !was_lost(l, i));
}

struct found {
	struct log_entry leaf;
	int code; /* of sealed_open */
	enum sealed_place place;
	struct err why;
};

static void look(struct found *f, struct source *s, const struct log_entry *leaf)
{
	struct sealed_manifest m = { 0 };
	struct buf plain = { 0 };

	*f = (struct found){ .leaf = *leaf };
	f->code = sealed_open(&m, s, leaf, NULL, &plain, &f->why);
	f->place = m.place;
	buf_free(&plain);
	sealed_close(&m);
}

/* malloc, free; NULL where there is no memory. */
static struct found *look_at_all(const struct loglist *l, struct source *s, size_t *n)
{
	struct log_entry x;
	size_t room = 0;

	*n = 0;
	for (uint64_t i = 0; i < l->n; i++)
		room += has_manifest(l, i, &x);
	struct found *found = calloc(room + 1, sizeof *found);
	for (uint64_t i = 0; found != NULL && i < l->n && *n < room; i++) {
		if (has_manifest(l, i, &x))
			look(&found[(*n)++], s, &x);
	}
	return found;
}

static void tell(struct verdicts *v, const struct found *f, uint64_t since)
{
	char where[128];
	const char *name = releasecheck_name(where, &f->leaf);

	if (f->place != SEALED_HERE && f->leaf.index < since)
		return;
	if (f->place == SEALED_ABSENT)
		verdicts_add(v, VERDICT_FAILS, "manifest", name,
		    _("the sealed manifest that leaf %llu binds is gone: as an auditor since leaf %llu you "
		      "were to get it"),
		    (unsigned long long)f->leaf.index, (unsigned long long)since);
	else
		verdicts_add_code(
		    v, f->code, "manifest", name, _("sealed to you, and the one its leaf binds"), &f->why);
}

void manifests_check(const struct loglist *l, struct source *s, struct verdicts *v)
{
	uint64_t kept = read_since(s), since = kept;
	size_t n = 0;

	if (s->d.settings.kind != IDENTITY_AUDITOR)
		return;
	struct found *found = look_at_all(l, s, &n);
	if (found == NULL) {
		verdicts_add(v, VERDICT_UNCHECKED, "manifest", "", "no memory for the manifests");
		return;
	}
	if (s->folder == NULL && l->n < since)
		since = l->n;
	for (size_t i = 0; i < n; i++) {
		if (found[i].code == AUDIT_HOLDS && found[i].leaf.index < since)
			since = found[i].leaf.index;
	}
	for (size_t i = 0; i < n; i++)
		tell(v, &found[i], since);
	free(found);
	if (since < kept)
		write_since(s, since, v);
}
