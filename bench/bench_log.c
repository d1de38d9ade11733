/* bench: proto
 * bench_log FOLDER    a log's folder (tile/..., checkpoint): the same hashes that a verifier must make, one by
 *                       one and nothing else; proofs made from the tiles' files, and verified. One JSON object. */
#include "proto/checkpoint.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROOFS 2000u

static const char *folder;

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	(void)fprintf(stderr, "bench_log: %s\n", what);
	exit(1);
}

static size_t slurp(const char *name, uint8_t *out, size_t room)
{
	char path[4096];
	size_t n;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		die(path);
	n = fread(out, 1, room, f);
	(void)fclose(f);
	return n;
}

static bool read_tile(void *arg, unsigned level, uint64_t index, unsigned width, uint8_t *out, struct err *e)
{
	struct tlog_tile tile = { .level = (uint8_t)level, .index = index, .width = (uint16_t)width };
	char name[TLOG_NAME_MAX];

	(void)arg;
	return tlog_tile_name(name, &tile, e) &&
	       slurp(name, out, (size_t)width * TLOG_HASH_BYTES) == (size_t)width * TLOG_HASH_BYTES;
}

static uint64_t read_size(struct checkpoint *c)
{
	uint8_t text[65536];
	size_t n = slurp("checkpoint", text, sizeof text);
	struct note note;

	if (!note_parse(&note, bytes_of(text, n), NULL) || !checkpoint_parse(c, note.text, NULL))
		die("checkpoint");
	return c->size;
}

/* Every leaf and every node once, from entries in memory. */
static double hash_all(const struct checkpoint *c, uint64_t *bytes)
{
	static uint8_t bundle[256 * 8194];
	struct tlog_frontier f = { 0 };
	struct tlog_hash leaf, root;
	double spent = 0;

	*bytes = 0;
	for (uint64_t k = 0; k * TLOG_TILE_WIDTH < c->size; k++) {
		struct tlog_tile tile = {
			.entries = true, .index = k, .width = (uint16_t)tlog_tile_width(c->size, 0, k)
		};
		char name[TLOG_NAME_MAX];
		struct bytes rest, entry;

		(void)tlog_tile_name(name, &tile, NULL);
		rest = bytes_of(bundle, slurp(name, bundle, sizeof bundle));
		double start = now();
		while (rest.len > 0 && tlog_bundle_next(&rest, &entry, NULL)) {
			tlog_leaf(&leaf, entry);
			tlog_frontier_add(&f, &leaf);
			*bytes += 1 + entry.len + 65;
		}
		spent += now() - start;
	}
	tlog_frontier_root(&root, &f);
	if (memcmp(root.b, c->root.b, sizeof root.b) != 0)
		die("the entries do not lead to the root");
	return spent;
}

/* SHA-256 of one long buffer: what the machine can do at best. */
static double raw_rate(void)
{
	enum { LEN = 1 << 24 };
	uint8_t *data = calloc(1, LEN), out[crypto_hash_sha256_BYTES];
	double start = now();

	if (data == NULL)
		die("no memory");
	for (int i = 0; i < 4; i++)
		crypto_hash_sha256(out, data, LEN);
	free(data);
	return 4.0 * LEN / (now() - start);
}

static void proofs(const struct checkpoint *c)
{
	struct tlog_path *path = calloc(1, sizeof *path);
	struct tlog_hash leaf = { { 0 } }, old = { { 0 } };
	double make = 0, verify = 0, grow = 0;
	size_t most = 0, most_grow = 0;

	for (unsigned i = 0; path != NULL && i < PROOFS; i++) {
		struct tlog_tiles tiles = { .size = c->size, .tile = read_tile };
		const struct tlog_source source = tlog_source_tiles(&tiles);
		uint64_t index = c->size / PROOFS * i;
		double start = now();

		if (!tlog_inclusion(path, &source, index, c->size, NULL))
			die("no proof");
		make += now() - start;
		most = path->n > most ? path->n : most;
		if (!source.node(source.arg, 0, index, &leaf, NULL))
			die("no leaf");
		start = now();
		if (!tlog_inclusion_verify(index, c->size, &leaf, path, &c->root, NULL))
			die("a proof that does not hold");
		verify += now() - start;
		if (!tlog_root(&old, &source, index + 1, NULL))
			die("no root");
		start = now();
		if (!tlog_consistency(path, &source, index + 1, c->size, NULL) ||
		    !tlog_consistency_verify(index + 1, &old, c->size, &c->root, path, NULL))
			die("no consistency");
		grow += now() - start;
		most_grow = path->n > most_grow ? path->n : most_grow;
	}
	free(path);
	printf("\"inclusion_hashes\":%zu,\"make_us\":%.1f,\"verify_us\":%.1f,\"consistency_hashes\":%zu,"
	       "\"consistency_us\":%.1f}\n",
	    most, make / PROOFS * 1e6, verify / PROOFS * 1e6, most_grow, grow / PROOFS * 1e6);
}

int main(int argc, char **argv)
{
	struct checkpoint c = { .size = 0 };
	uint64_t bytes = 0;

	if (argc != 2 || sodium_init() < 0)
		return 2;
	folder = argv[1];
	(void)read_size(&c);
	double rate = raw_rate(), seconds = hash_all(&c, &bytes);
	printf("{\"leaves\":%llu,\"bytes\":%llu,\"sha256_rate\":%.0f,\"hash_s\":%.3f,",
	    (unsigned long long)c.size, (unsigned long long)bytes, rate, seconds);
	proofs(&c);
	return 0;
}
