#include "client/outbox.h"
#include "client/crash.h"
#include "client/text.h"
#include "proto/mpread.h"
#include "proto/mpwrite.h"
#include "proto/seal.h"
#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ITEM_BYTES_MAX (2u * LIMIT_MESSAGE_BYTES + 4096u)

static const char *const state_names[] = { "waiting", "received", "refused", "paused" };
static const char *const state_files[] = { "", ".receipt", ".refused", ".paused" };

const char *outbox_state_name(enum outbox_state state)
{
	return state_names[state];
}

void outbox_name(char out[OUTBOX_NAME], const uint8_t id[SUBMISSION_ID_BYTES])
{
	sodium_bin2hex(out, OUTBOX_NAME, id, SUBMISSION_ID_BYTES);
}

struct bytes outbox_payload(const struct outbox_item *item)
{
	return bytes_of(item->signed_bytes.data + KEY_SIG_BYTES, item->signed_bytes.size - KEY_SIG_BYTES);
}

void outbox_item_free(struct outbox_item *item)
{
	buf_free(&item->header_bytes);
	buf_free(&item->signed_bytes);
	buf_free(&item->box);
	sodium_memzero(item, sizeof *item);
}

bool outbox_item_encode(struct buf *out, const struct outbox_item *item, struct err *e)
{
	mpwrite_array(out, 5);
	mpwrite_uint(out, 1);
	mpwrite_bin(out, buf_bytes(&item->header_bytes));
	mpwrite_bin(out, buf_bytes(&item->signed_bytes));
	mpwrite_bin(out, buf_bytes(&item->box));
	mpwrite_bin(out, bytes_of(item->intake_key_id, KEY_ID_BYTES));
	return mpwrite_done(out, "outbox item", e);
}

bool outbox_item_decode(struct outbox_item *item, struct bytes file, struct err *e)
{
	struct mpread r = mpread_open(file, LIMIT_NODES);
	struct bytes header, content, box;

	memset(item, 0, sizeof *item);
	mpread_array(&r, "item", 5, 5);
	mpread_choice(&r, "version", 1, 1);
	header = mpread_bin(&r, "header", 1, LIMIT_HEADER_BYTES);
	content = mpread_bin(&r, "signed content", KEY_SIG_BYTES + 1, LIMIT_MESSAGE_BYTES);
	box = mpread_bin(&r, "box", SEAL_OVERHEAD + SEAL_BLOCK, LIMIT_MESSAGE_BYTES);
	mpread_bin_exact(&r, "intake key id", item->intake_key_id, KEY_ID_BYTES);
	if (!mpread_close(&r, e) || !submission_header_decode(&item->header, header, e))
		return false;
	buf_put_bytes(&item->header_bytes, header);
	buf_put_bytes(&item->signed_bytes, content);
	buf_put_bytes(&item->box, box);
	if (!item->header_bytes.failed && !item->signed_bytes.failed && !item->box.failed)
		return true;
	outbox_item_free(item);
	return err_set(e, ERR_MEMORY, "no memory for the outbox");
}

static bool is_item_name(const char *name)
{
	return strlen(name) == OUTBOX_NAME - 1 && strspn(name, "0123456789abcdef") == OUTBOX_NAME - 1;
}

static void suffixed(char out[64], const struct outbox_item *item, enum outbox_state state)
{
	char name[OUTBOX_NAME];

	outbox_name(name, item->header.submission_id);
	(void)snprintf(out, 64, "%s%s", name, state_files[state]);
}

/* A receipt outweighs a refusal, a refusal a pause. */
static enum outbox_state find_state(const struct outbox *o, const struct outbox_item *item)
{
	char name[64];

	for (enum outbox_state s = OUTBOX_RECEIVED; s <= OUTBOX_PAUSED; s++) {
		suffixed(name, item, s);
		if (file_exists(o->dir, name))
			return s;
	}
	return OUTBOX_WAITING;
}

static bool read_item(const struct outbox *o, const char *name, struct outbox_item *item, struct err *e)
{
	struct buf file = { 0 };
	char path[FILE_PATH], id[OUTBOX_NAME];
	bool ok = file_path(path, o->dir, name, e) && file_read_secret(&file, path, ITEM_BYTES_MAX, e) &&
		  (outbox_item_decode(item, buf_bytes(&file), e) ||
		      err_wrap(e, _("%s: damaged: move the file away, then push its form again"), path));

	buf_free(&file);
	if (!ok)
		return false;
	outbox_name(id, item->header.submission_id);
	if (strcmp(id, name) != 0) {
		outbox_item_free(item);
		return err_set(e, ERR_INVALID, _("%s: holds another item than its name says"), path);
	}
	item->state = find_state(o, item);
	return true;
}

/* By period and revision, never by our clock alone: it may have been set back. */
static int compare_items(const void *a, const void *b)
{
	const struct submission_header *x = &((const struct outbox_item *)a)->header;
	const struct submission_header *y = &((const struct outbox_item *)b)->header;
	int order = strcmp(x->dataset, y->dataset);

	if (order == 0)
		order = strcmp(x->period, y->period);
	if (order != 0)
		return order;
	if (x->revision != y->revision)
		return x->revision < y->revision ? -1 : 1;
	if (x->created_s != y->created_s)
		return x->created_s < y->created_s ? -1 : 1;
	return memcmp(x->submission_id, y->submission_id, SUBMISSION_ID_BYTES);
}

static void forget(struct outbox *o)
{
	for (size_t i = 0; i < o->n; i++)
		outbox_item_free(&o->item[i]);
	free(o->item);
	o->item = NULL;
	o->n = 0;
}

static bool add(struct outbox *o, const char *name, struct err *e)
{
	if (o->n == LIMIT_OUTBOX)
		return err_set(
		    e, ERR_LIMIT, _("%s: more than %u forms; remove old ones"), o->dir, LIMIT_OUTBOX);
	if ((o->n & (o->n - 1)) == 0) { /* room doubles at 0, 1, 2, 4, ... */
		struct outbox_item *grown = realloc(o->item, (o->n == 0 ? 1 : o->n * 2) * sizeof *grown);
		if (grown == NULL)
			return err_set(e, ERR_MEMORY, "no memory for the outbox");
		o->item = grown;
	}
	if (!read_item(o, name, &o->item[o->n], e))
		return false;
	o->n++;
	return true;
}

bool outbox_reload(struct outbox *o, struct err *e)
{
	DIR *d = opendir(o->dir);
	struct dirent *entry;
	bool ok = true;

	forget(o);
	if (d == NULL)
		return err_set(e, ERR_SYSTEM, "%s: %s", o->dir, strerror(errno));
	while (ok && (entry = readdir(d)) != NULL) {
		if (is_item_name(entry->d_name))
			ok = add(o, entry->d_name, e);
	}
	(void)closedir(d);
	if (ok && o->n > 1)
		qsort(o->item, o->n, sizeof *o->item, compare_items);
	return ok;
}

int outbox_lock(const struct outbox *o, struct err *e)
{
	return file_lock(o->dir, e);
}

void outbox_unlock(int lock)
{
	if (lock >= 0)
		(void)close(lock);
}

bool outbox_open(struct outbox *o, const char *dir, struct err *e)
{
	int lock;
	bool ok;

	memset(o, 0, sizeof *o);
	if (!file_path(o->dir, dir, "outbox", e) || !file_make_dir(o->dir, 0700, e))
		return false;
	lock = outbox_lock(o, e);
	if (lock < 0)
		return false;
	file_sweep(o->dir);
	ok = outbox_reload(o, e);
	outbox_unlock(lock);
	if (!ok)
		outbox_close(o);
	return ok;
}

void outbox_close(struct outbox *o)
{
	forget(o);
}

bool outbox_store(const struct outbox *o, const struct outbox_item *item, struct err *e)
{
	struct buf file = { 0 };
	char name[OUTBOX_NAME];
	bool ok;

	outbox_name(name, item->header.submission_id);
	ok = outbox_item_encode(&file, item, e) && file_write(o->dir, name, 0600, buf_bytes(&file), e);
	buf_free(&file);
	CV_CRASH("outbox-stored");
	return ok;
}

bool outbox_settle(const struct outbox *o, const struct outbox_item *item, enum outbox_state state,
    struct bytes text, struct err *e)
{
	char name[64];
	int lock = outbox_lock(o, e);
	bool ok;

	if (lock < 0)
		return false;
	suffixed(name, item, state);
	ok = file_write(o->dir, name, 0600, text, e);
	outbox_unlock(lock);
	return ok;
}

bool outbox_resume(const struct outbox *o, const struct outbox_item *item, struct err *e)
{
	char name[64], path[FILE_PATH];

	suffixed(name, item, OUTBOX_PAUSED);
	if (!file_path(path, o->dir, name, e))
		return false;
	if (unlink(path) != 0 && errno != ENOENT)
		return err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	return file_sync_dir(o->dir, e);
}

bool outbox_note(const struct outbox *o, const struct outbox_item *item, struct buf *out, struct err *e)
{
	char name[64], path[FILE_PATH];

	suffixed(name, item, item->state);
	return file_path(path, o->dir, name, e) && file_read(out, path, OUTBOX_NOTE_MAX, e);
}

bool outbox_remove(const struct outbox *o, const struct outbox_item *item, struct err *e)
{
	char name[64], path[FILE_PATH];

	for (int s = OUTBOX_PAUSED; s >= OUTBOX_WAITING; s--) { /* the item itself last */
		suffixed(name, item, (enum outbox_state)s);
		if (!file_path(path, o->dir, name, e))
			return false;
		if (unlink(path) != 0 && errno != ENOENT)
			return err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	}
	return file_sync_dir(o->dir, e);
}

bool outbox_clear(const struct outbox *o, const struct outbox_item *item, struct err *e)
{
	char name[OUTBOX_NAME], path[FILE_PATH];

	outbox_name(name, item->header.submission_id);
	if (!file_path(path, o->dir, name, e))
		return false;
	if (unlink(path) != 0 && errno != ENOENT)
		return err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	return file_sync_dir(o->dir, e);
}

struct outbox_item *outbox_newest(
    const struct outbox *o, const char *dataset, const char *office, const char *period)
{
	struct outbox_item *newest = NULL;

	for (size_t i = 0; i < o->n; i++) {
		struct outbox_item *item = &o->item[i];
		const struct submission_header *h = &item->header;

		if (item->state == OUTBOX_REFUSED || strcmp(h->dataset, dataset) != 0 ||
		    strcmp(h->office, office) != 0 || strcmp(h->period, period) != 0)
			continue;
		if (newest == NULL || h->revision > newest->header.revision)
			newest = item;
	}
	return newest;
}
