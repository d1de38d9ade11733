#include "proto/tlog.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "proto/textline.h"

#define TILE_HEIGHT      8u
#define TILE_LEVELS      8u
#define BUNDLE_MAX_ENTRY 65535u

static bool hash_equal(const struct tlog_hash *a, const struct tlog_hash *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

void tlog_leaf(struct tlog_hash *out, struct bytes entry)
{
	static const uint8_t prefix = 0;
	crypto_hash_sha256_state state;
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, &prefix, 1);
	crypto_hash_sha256_update(&state, entry.at, entry.len);
	crypto_hash_sha256_final(&state, out->b);
}

void tlog_node(struct tlog_hash *out, const struct tlog_hash *left, const struct tlog_hash *right)
{
	uint8_t in[1 + 2 * TLOG_HASH_BYTES];
	in[0] = 1;
	memcpy(in + 1, left->b, sizeof left->b);
	memcpy(in + 1 + TLOG_HASH_BYTES, right->b, sizeof right->b);
	crypto_hash_sha256(out->b, in, sizeof in);
}

static void empty_root(struct tlog_hash *out)
{
	crypto_hash_sha256(out->b, NULL, 0);
}

void tlog_frontier_add(struct tlog_frontier *f, const struct tlog_hash *leaf)
{
	struct tlog_hash node = *leaf;
	unsigned k = 0;
	for (; f->size >> k & 1; k++)
		tlog_node(&node, &f->node[k], &node);
	f->node[k] = node;
	f->size++;
}

void tlog_frontier_root(struct tlog_hash *out, const struct tlog_frontier *f)
{
	bool begun = false;
	if (f->size == 0)
		empty_root(out);
	for (unsigned k = 0; k < 64; k++) {
		if (!(f->size >> k & 1))
			continue;
		if (begun)
			tlog_node(out, &f->node[k], out);
		else
			*out = f->node[k];
		begun = true;
	}
}

/* The root of leaves [from, from + n), n > 0, where from is a multiple of the power of two not below n: the
 * complete subtrees inside, folded from the right. */
static bool range_root(
    struct tlog_hash *out, const struct tlog_source *s, uint64_t from, uint64_t n, struct err *e)
{
	bool begun = false;
	for (unsigned k = 0; k < 63; k++) {
		struct tlog_hash node;
		if (!(n >> k & 1))
			continue;
		uint64_t start = from + (((n >> k) - 1) << k);
		if (!s->node(s->arg, k, start >> k, &node, e))
			return false;
		if (begun)
			tlog_node(out, &node, out);
		else
			*out = node;
		begun = true;
	}
	return true;
}

bool tlog_root(struct tlog_hash *out, const struct tlog_source *from, uint64_t size, struct err *e)
{
	if (size > LIMIT_UINT)
		return err_set(e, ERR_LIMIT, "log: size");
	if (size == 0) {
		empty_root(out);
		return true;
	}
	return range_root(out, from, 0, size, e);
}

bool tlog_frontier_load(
    struct tlog_frontier *out, const struct tlog_source *from, uint64_t size, struct err *e)
{
	*out = (struct tlog_frontier){ 0 };
	if (size > LIMIT_UINT)
		return err_set(e, ERR_LIMIT, "log: size");
	for (unsigned k = 0; k < 63; k++)
		if ((size >> k & 1) && !from->node(from->arg, k, (size >> k) - 1, &out->node[k], e))
			return false;
	out->size = size;
	return true;
}

/* The largest power of two below n, n > 1. */
static uint64_t split(uint64_t n)
{
	uint64_t k = 1;
	while (k < n - k)
		k <<= 1;
	return k;
}

static void reverse(struct tlog_path *p)
{
	for (size_t i = 0; i < p->n / 2; i++) {
		struct tlog_hash swap = p->hash[i];
		p->hash[i] = p->hash[p->n - 1 - i];
		p->hash[p->n - 1 - i] = swap;
	}
}

bool tlog_inclusion(
    struct tlog_path *out, const struct tlog_source *from, uint64_t index, uint64_t size, struct err *e)
{
	uint64_t start = 0;
	uint64_t n = size;
	out->n = 0;
	if (index >= size || size > LIMIT_UINT)
		return err_set(e, ERR_NOT_FOUND, "log: no such entry in a tree of that size");
	while (n > 1) {
		uint64_t k = split(n);
		bool left = index - start < k;
		if (!range_root(&out->hash[out->n++], from, left ? start + k : start, left ? n - k : k, e))
			return false;
		start = left ? start : start + k;
		n = left ? k : n - k;
	}
	reverse(out);
	return true;
}

bool tlog_consistency(struct tlog_path *out, const struct tlog_source *from, uint64_t old_size,
    uint64_t new_size, struct err *e)
{
	uint64_t start = 0;
	uint64_t old = old_size;
	uint64_t n = new_size;
	out->n = 0;
	if (old_size > new_size || new_size > LIMIT_UINT)
		return err_set(e, ERR_NOT_FOUND, "log: the old size is above the new");
	if (old_size == 0)
		return true;
	while (old != n) {
		uint64_t k = split(n);
		bool left = old <= k;
		if (!range_root(&out->hash[out->n++], from, left ? start + k : start, left ? n - k : k, e))
			return false;
		start = left ? start : start + k;
		old = left ? old : old - k;
		n = left ? k : n - k;
	}
	if (start != 0 && !range_root(&out->hash[out->n++], from, start, n, e))
		return false;
	reverse(out);
	return true;
}

/* One step of RFC 9162's walk: true if the sibling stands to the left. */
static bool climb(uint64_t *place, uint64_t *last)
{
	bool from_left = (*place & 1) || *place == *last;
	if (from_left)
		while (!(*place & 1) && *place != 0) {
			*place >>= 1;
			*last >>= 1;
		}
	*place >>= 1;
	*last >>= 1;
	return from_left;
}

bool tlog_inclusion_verify(uint64_t index, uint64_t size, const struct tlog_hash *leaf,
    const struct tlog_path *path, const struct tlog_hash *root, struct err *e)
{
	if (index >= size || path->n > TLOG_PATH_MAX)
		return err_set(e, ERR_CRYPTO, "inclusion proof: index or length");
	uint64_t place = index;
	uint64_t last = size - 1;
	struct tlog_hash hash = *leaf;
	for (size_t i = 0; i < path->n; i++) {
		if (last == 0)
			return err_set(e, ERR_CRYPTO, "inclusion proof: too long");
		if (climb(&place, &last))
			tlog_node(&hash, &path->hash[i], &hash);
		else
			tlog_node(&hash, &hash, &path->hash[i]);
	}
	if (last != 0 || !hash_equal(&hash, root))
		return err_set(e, ERR_CRYPTO, "inclusion proof: does not lead to the root");
	return true;
}

/* 0 < old < new, path not empty. */
static bool consistency_holds(uint64_t old_size, const struct tlog_hash *old_root, uint64_t new_size,
    const struct tlog_hash *new_root, const struct tlog_path *path)
{
	uint64_t place = old_size - 1;
	uint64_t last = new_size - 1;
	bool power = (old_size & (old_size - 1)) == 0; /* then the old root itself is the first node */
	for (; place & 1; place >>= 1)
		last >>= 1;
	struct tlog_hash old_hash = power ? *old_root : path->hash[0];
	struct tlog_hash new_hash = old_hash;
	for (size_t i = power ? 0 : 1; i < path->n; i++) {
		if (last == 0)
			return false;
		if (climb(&place, &last)) {
			tlog_node(&old_hash, &path->hash[i], &old_hash);
			tlog_node(&new_hash, &path->hash[i], &new_hash);
		} else {
			tlog_node(&new_hash, &new_hash, &path->hash[i]);
		}
	}
	return last == 0 && hash_equal(&old_hash, old_root) && hash_equal(&new_hash, new_root);
}

bool tlog_consistency_verify(uint64_t old_size, const struct tlog_hash *old_root, uint64_t new_size,
    const struct tlog_hash *new_root, const struct tlog_path *path, struct err *e)
{
	struct tlog_hash empty;
	bool ok = false;
	if (old_size == new_size) {
		ok = path->n == 0 && hash_equal(old_root, new_root);
	} else if (old_size == 0) {
		empty_root(&empty);
		ok = path->n == 0 && hash_equal(old_root, &empty);
	} else if (old_size < new_size && path->n > 0 && path->n <= TLOG_PATH_MAX) {
		ok = consistency_holds(old_size, old_root, new_size, new_root, path);
	}
	return ok ? true : err_set(e, ERR_CRYPTO, "consistency proof: does not hold");
}

/* The root of 2^height hashes side by side, height <= 8. */
static void fold(struct tlog_hash *out, const uint8_t *hashes, unsigned height)
{
	struct tlog_frontier f = { 0 };
	for (size_t i = 0; i < (size_t)1 << height; i++) {
		struct tlog_hash leaf;
		memcpy(leaf.b, hashes + i * TLOG_HASH_BYTES, sizeof leaf.b);
		tlog_frontier_add(&f, &leaf);
	}
	*out = f.node[height];
}

static bool tiles_load(struct tlog_tiles *t, unsigned level, uint64_t index, struct err *e)
{
	unsigned width = tlog_tile_width(t->size, level, index);
	if (t->cache_width == width && t->cache_level == level && t->cache_index == index && width > 0)
		return true;
	t->cache_width = 0;
	if (width == 0)
		return err_set(e, ERR_NOT_FOUND, "log: a tile beyond the tree's size");
	if (!t->tile(t->arg, level, index, width, t->cache, e))
		return false;
	t->cache_level = level;
	t->cache_index = index;
	t->cache_width = width;
	return true;
}

static bool tiles_node(void *arg, unsigned level, uint64_t index, struct tlog_hash *out, struct err *e)
{
	struct tlog_tiles *t = arg;
	unsigned height = level % TILE_HEIGHT;
	uint64_t first = index << height; /* hashes along the tile's level */
	uint64_t offset = first % TLOG_TILE_WIDTH;
	if (!tiles_load(t, level / TILE_HEIGHT, first / TLOG_TILE_WIDTH, e))
		return false;
	if (offset + (1u << height) > t->cache_width)
		return err_set(e, ERR_NOT_FOUND, "log: a node beyond the tree's size");
	fold(out, t->cache + offset * TLOG_HASH_BYTES, height);
	return true;
}

struct tlog_source tlog_source_tiles(struct tlog_tiles *tiles)
{
	return (struct tlog_source){ tiles_node, tiles };
}

static bool leaves_node(void *arg, unsigned level, uint64_t index, struct tlog_hash *out, struct err *e)
{
	const struct tlog_leaves *leaves = arg;
	struct tlog_frontier f = { 0 };
	if (level > 62 || index >= leaves->n >> level)
		return err_set(e, ERR_NOT_FOUND, "log: a node beyond the tree's size");
	for (uint64_t i = 0; i < (uint64_t)1 << level; i++)
		tlog_frontier_add(&f, &leaves->leaf[(index << level) + i]);
	*out = f.node[level];
	return true;
}

struct tlog_source tlog_source_leaves(struct tlog_leaves *leaves)
{
	return (struct tlog_source){ leaves_node, leaves };
}

unsigned tlog_tile_width(uint64_t size, unsigned level, uint64_t index)
{
	if (level >= TILE_LEVELS)
		return 0;
	uint64_t n = size >> (TILE_HEIGHT * level);
	uint64_t full = n / TLOG_TILE_WIDTH;
	if (index < full)
		return TLOG_TILE_WIDTH;
	return index == full ? (unsigned)(n % TLOG_TILE_WIDTH) : 0;
}

void tlog_tile_root(struct tlog_hash *out, const uint8_t hashes[TLOG_TILE_WIDTH * TLOG_HASH_BYTES])
{
	fold(out, hashes, TILE_HEIGHT);
}

/* x001/x234/067: groups of three digits, all but the last marked. */
static int index_print(char *out, size_t room, uint64_t index)
{
	char groups[7][6];
	int n = 0;
	int used = 0;
	do {
		snprintf(groups[n], sizeof groups[n], "%s%03u", n == 0 ? "" : "x", (unsigned)(index % 1000));
		index /= 1000;
		n++;
	} while (index > 0);
	while (n-- > 0)
		used += snprintf(out + used, room - (size_t)used, "%s%s", groups[n], n == 0 ? "" : "/");
	return used;
}

bool tlog_tile_name(char out[TLOG_NAME_MAX], const struct tlog_tile *tile, struct err *e)
{
	int used;
	if (tile->level >= TILE_LEVELS || (tile->entries && tile->level != 0) || tile->width == 0 ||
	    tile->width > TLOG_TILE_WIDTH || tile->index > LIMIT_UINT)
		return err_set(e, ERR_INVALID, "tile: level, index or width out of range");
	if (tile->entries)
		used = snprintf(out, TLOG_NAME_MAX, "tile/entries/");
	else
		used = snprintf(out, TLOG_NAME_MAX, "tile/%u/", tile->level);
	used += index_print(out + used, TLOG_NAME_MAX - (size_t)used, tile->index);
	if (tile->width < TLOG_TILE_WIDTH)
		snprintf(out + used, TLOG_NAME_MAX - (size_t)used, ".p/%u", tile->width);
	return true;
}

/* Takes the groups; whether they were written the one right way shows when the name is printed again. */
static bool index_parse(uint64_t *out, struct bytes *name)
{
	uint64_t value = 0;
	bool more = true;
	for (int groups = 0; more; groups++) {
		more = line_take(name, "x");
		if (groups == 7 || name->len < 3 || value > (uint64_t)LIMIT_UINT / 1000)
			return false;
		for (int i = 0; i < 3; i++) {
			if (name->at[i] < '0' || name->at[i] > '9')
				return false;
			value = 10 * value + (uint64_t)(name->at[i] - '0');
		}
		*name = bytes_of(name->at + 3, name->len - 3);
		if (more && !line_take(name, "/"))
			return false;
	}
	*out = value;
	return true;
}

static bool tile_read(struct tlog_tile *out, struct bytes name)
{
	uint64_t width = TLOG_TILE_WIDTH;
	if (!line_take(&name, "tile/"))
		return false;
	out->entries = line_take(&name, "entries/");
	if (!out->entries) {
		if (name.len < 2 || name.at[0] < '0' || name.at[0] > '7' || name.at[1] != '/')
			return false;
		out->level = (uint8_t)(name.at[0] - '0');
		name = bytes_of(name.at + 2, name.len - 2);
	}
	if (!index_parse(&out->index, &name))
		return false;
	if (name.len > 0 &&
	    (!line_take(&name, ".p/") || !line_uint(&width, name) || width == 0 || width >= TLOG_TILE_WIDTH))
		return false;
	out->width = (uint16_t)width;
	return true;
}

bool tlog_tile_parse(struct tlog_tile *out, struct bytes name, struct err *e)
{
	char again[TLOG_NAME_MAX];
	*out = (struct tlog_tile){ 0 };
	if (!tile_read(out, name) || !tlog_tile_name(again, out, NULL) || !line_is(name, again))
		return err_set(e, ERR_MALFORMED, "tile: not a tile's name");
	return true;
}

bool tlog_bundle_put(struct buf *out, struct bytes entry, struct err *e)
{
	if (entry.len > BUNDLE_MAX_ENTRY)
		return err_set(e, ERR_LIMIT, "entry bundle: entry too long");
	buf_put_byte(out, (uint8_t)(entry.len >> 8));
	buf_put_byte(out, (uint8_t)entry.len);
	buf_put_bytes(out, entry);
	return out->failed ? err_set(e, ERR_MEMORY, "entry bundle: out of memory") : true;
}

bool tlog_bundle_next(struct bytes *rest, struct bytes *entry, struct err *e)
{
	if (rest->len < 2)
		return err_set(e, ERR_MALFORMED, "entry bundle: cut off");
	size_t len = (size_t)rest->at[0] << 8 | rest->at[1];
	if (len > rest->len - 2)
		return err_set(e, ERR_MALFORMED, "entry bundle: cut off");
	*entry = bytes_of(rest->at + 2, len);
	*rest = bytes_of(rest->at + 2 + len, rest->len - 2 - len);
	return true;
}
