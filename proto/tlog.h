/* tlog - the log's tree: hashing, roots, proofs, tiles and entry bundles.
 *
 * RFC 6962 hashing with SHA-256 (leaf 00||entry, node 01||left||right); tiles as in c2sp.org/tlog-tiles:
 * eight levels of the tree to a tile, at most 256 hashes. Files and rows are reached through struct
 * tlog_source. */
#ifndef PROTO_TLOG_H
#define PROTO_TLOG_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/limits.h"

#define TLOG_HASH_BYTES 32u
#define TLOG_TILE_WIDTH 256u
#define TLOG_PATH_MAX   64u /* hashes of a proof: a tree of 2^63 leaves needs no more */
#define TLOG_NAME_MAX   64u /* of a tile's path, with the final NUL */

struct tlog_hash {
	uint8_t b[TLOG_HASH_BYTES];
};

struct tlog_path {
	size_t n;
	struct tlog_hash hash[TLOG_PATH_MAX];
};

void tlog_leaf(struct tlog_hash *out, struct bytes entry);
void tlog_node(struct tlog_hash *out, const struct tlog_hash *left, const struct tlog_hash *right);

/* The right edge of a growing tree: the complete subtrees that make it up. Zeroed memory is the empty tree.
 */
struct tlog_frontier {
	uint64_t size;
	struct tlog_hash node[64]; /* node[k]: of 2^k leaves, in use where bit k of size is set */
};
void tlog_frontier_add(struct tlog_frontier *f, const struct tlog_hash *leaf);
void tlog_frontier_root(struct tlog_hash *out, const struct tlog_frontier *f); /* empty: SHA-256 of nothing */

/* Where proofs take hashes from. node() gives the hash of the complete subtree of 2^level leaves that begins
 * at leaf index << level; it is asked only for subtrees inside the tree's size. */
struct tlog_source {
	bool (*node)(void *arg, unsigned level, uint64_t index, struct tlog_hash *out, struct err *e);
	void *arg;
};

/* A source over tiles. tile() reads tile (level, index) of the given width: 32 * width bytes into out. */
struct tlog_tiles {
	uint64_t size; /* of the tree the tiles belong to: decides which are partial */
	bool (*tile)(void *arg, unsigned level, uint64_t index, unsigned width, uint8_t *out, struct err *e);
	void *arg;
	uint8_t cache[TLOG_TILE_WIDTH * TLOG_HASH_BYTES]; /* the last tile read */
	unsigned cache_level, cache_width;                /* width 0: nothing yet */
	uint64_t cache_index;
};
struct tlog_source tlog_source_tiles(struct tlog_tiles *tiles); /* borrows tiles */

/* A source over leaf hashes in memory: set proofs, tests. */
struct tlog_leaves {
	const struct tlog_hash *leaf;
	uint64_t n;
};
struct tlog_source tlog_source_leaves(struct tlog_leaves *leaves); /* borrows leaves */

bool tlog_root(struct tlog_hash *out, const struct tlog_source *from, uint64_t size, struct err *e);
/* The frontier of a tree of that size: where a writer goes on after a restart. */
bool tlog_frontier_load(
    struct tlog_frontier *out, const struct tlog_source *from, uint64_t size, struct err *e);
bool tlog_inclusion(
    struct tlog_path *out, const struct tlog_source *from, uint64_t index, uint64_t size, struct err *e);
bool tlog_consistency(struct tlog_path *out, const struct tlog_source *from, uint64_t old_size,
    uint64_t new_size, struct err *e);

/* Verifiers (RFC 9162, 2.1.3.2 and 2.1.4.2). ERR_CRYPTO if the proof does not hold. */
bool tlog_inclusion_verify(uint64_t index, uint64_t size, const struct tlog_hash *leaf,
    const struct tlog_path *path, const struct tlog_hash *root, struct err *e);
bool tlog_consistency_verify(uint64_t old_size, const struct tlog_hash *old_root, uint64_t new_size,
    const struct tlog_hash *new_root, const struct tlog_path *path, struct err *e);

/* A file below log/: a tile of hashes, or a bundle of entries. */
struct tlog_tile {
	bool entries;   /* a bundle; level is 0 */
	uint8_t level;  /* 0 leaves, 1 their tiles' roots, ... at most 7 */
	uint64_t index; /* along its level */
	uint16_t width; /* 1-256; less than 256 is a partial tile */
};
/* "tile/0/x001/067", "tile/entries/002.p/88". False if a field is out of range. */
bool tlog_tile_name(char out[TLOG_NAME_MAX], const struct tlog_tile *tile, struct err *e);
bool tlog_tile_parse(struct tlog_tile *out, struct bytes name, struct err *e);
/* Width of tile (level, index) in a tree of size leaves: 256, less, or 0 if there is none. */
unsigned tlog_tile_width(uint64_t size, unsigned level, uint64_t index);
/* The root of a full tile's 256 hashes: its entry one level up. */
void tlog_tile_root(struct tlog_hash *out, const uint8_t hashes[TLOG_TILE_WIDTH * TLOG_HASH_BYTES]);

/* Entry bundles: two bytes of length, big-endian, and the entry, again and again. */
bool tlog_bundle_put(struct buf *out, struct bytes entry, struct err *e);
bool tlog_bundle_next(struct bytes *rest, struct bytes *entry, struct err *e); /* only while rest->len > 0 */
#endif
