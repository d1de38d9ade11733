/* bench: vault
 *
 * bench_peers DIR BYTES SECONDS   what this machine could do at best with a form of BYTES
 *
 * One thread each: libsodium opening a sealed box of that size and verifying an Ed25519 signature over it, and
 * SQLite (WAL, synchronous=FULL, as the vault's store) committing rows of that size in DIR, one and 64 to a
 * transaction. Prints one line of JSON, all figures per second. bench/intake.py divides by them. */
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_peers: %s failed\n", what);
	exit(1);
}

static double open_and_verify(size_t bytes, double seconds)
{
	unsigned char pk[crypto_box_PUBLICKEYBYTES], sk[crypto_box_SECRETKEYBYTES];
	unsigned char spk[crypto_sign_PUBLICKEYBYTES], ssk[crypto_sign_SECRETKEYBYTES],
	    sig[crypto_sign_BYTES];
	unsigned char *plain = malloc(bytes), *box = malloc(bytes + crypto_box_SEALBYTES);
	double begin = now_s(), end = begin;
	size_t n = 0;

	if (plain == NULL || box == NULL)
		die("memory");
	crypto_box_keypair(pk, sk);
	crypto_sign_keypair(spk, ssk);
	randombytes_buf(plain, bytes);
	crypto_sign_detached(sig, NULL, plain, bytes, ssk);
	crypto_box_seal(box, plain, bytes, pk);
	for (begin = now_s(); (end = now_s()) - begin < seconds; n++) {
		if (crypto_box_seal_open(plain, box, bytes + crypto_box_SEALBYTES, pk, sk) != 0 ||
		    crypto_sign_verify_detached(sig, plain, bytes, spk) != 0)
			die("opening a box");
	}
	free(plain);
	free(box);
	return (double)n / (end - begin);
}

static void sql(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		die(text);
}

/* Rows a second, batch to a transaction. */
static double commits(const char *dir, size_t bytes, unsigned batch, double seconds)
{
	char path[4096];
	sqlite3 *db = NULL;
	sqlite3_stmt *insert = NULL;
	void *row = malloc(bytes);
	double begin, end;
	size_t n = 0;

	snprintf(path, sizeof path, "%s/peers-%zu-%u", dir, bytes, batch);
	if (row == NULL || sqlite3_open(path, &db) != SQLITE_OK)
		die(path);
	randombytes_buf(row, bytes);
	sql(db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
	sql(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, row BLOB)");
	if (sqlite3_prepare_v2(db, "INSERT INTO t (row) VALUES (?)", -1, &insert, NULL) != SQLITE_OK)
		die("prepare");
	for (begin = now_s(); (end = now_s()) - begin < seconds; n += batch) {
		sql(db, "BEGIN");
		for (unsigned i = 0; i < batch; i++) {
			sqlite3_bind_blob64(insert, 1, row, bytes, SQLITE_STATIC);
			if (sqlite3_step(insert) != SQLITE_DONE || sqlite3_reset(insert) != SQLITE_OK)
				die("insert");
		}
		sql(db, "COMMIT");
	}
	sqlite3_finalize(insert);
	sqlite3_close(db);
	remove(path);
	free(row);
	return (double)n / (end - begin);
}

int main(int argc, char **argv)
{
	if (argc != 4 || sodium_init() < 0) {
		fprintf(stderr, "usage: bench_peers DIR BYTES SECONDS\n");
		return 2;
	}
	size_t bytes = strtoul(argv[2], NULL, 10);
	double seconds = strtod(argv[3], NULL);
	printf("{\"bytes\":%zu,\"open_verify\":%.0f,\"commit\":%.0f,\"commit64\":%.0f}\n", bytes,
	    open_and_verify(bytes, seconds), commits(argv[1], bytes, 1, seconds),
	    commits(argv[1], bytes, 64, seconds));
	return 0;
}
