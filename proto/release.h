/* release - what leaves for a period: the manifest that names its files, and release.msgpack, its rows.
 *
 * manifest.txt is ASCII lines, the last of them in coreutils' tagged form, so that `b2sum -c manifest.txt`
 * checks the files; the object digest of a release is the plain BLAKE2b-256 of manifest.txt. Formats:
 * proto/README.md. */
#ifndef PROTO_RELEASE_H
#define PROTO_RELEASE_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/limits.h"

#define RELEASE_FILES_MAX     128u
#define RELEASE_FILE_NAME_MAX 64u
#define RELEASE_TABLES_MAX    64u
#define RELEASE_DIMS          (LIMIT_DIMS + 1) /* of a table: those of a measure, and the office */

/* Plain BLAKE2b-256, as `b2sum -l 256` prints it: names objects, files and configurations. */
void release_digest(uint8_t out[32], struct bytes in);

/* The ledger after one more release: a chain over everything that ever left, public facts only. before: the digest
 * of the release leaf before, of whatever dataset; zeros for the first. entry gets the text that is hashed. */
bool release_ledger(uint8_t out[32], const uint8_t before[32], const char *dataset, const char *period,
    uint64_t revision, const uint8_t object[32], struct buf *entry);

struct manifest_file {
	char name[RELEASE_FILE_NAME_MAX + 1]; /* [a-z0-9][a-z0-9.-]{0,63} */
	uint8_t digest[32];
};

struct manifest {
	char origin[LIMIT_ORIGIN + 1];
	char dataset[LIMIT_NAME + 1];
	char period[LIMIT_PERIOD + 1];
	uint64_t revision;
	uint8_t config[32];
	uint64_t seal;                                /* index of the seal leaf */
	uint64_t bytes;                               /* sum of the files' sizes */
	char certificate[RELEASE_FILE_NAME_MAX + 1];  /* one of the files */
	struct manifest_file file[RELEASE_FILES_MAX]; /* ascending by name */
	size_t n_files;
};

/* Adds a file in its place and its size to m->bytes. ERR_INTERNAL: bad name, twice, or too many. */
bool manifest_add(struct manifest *m, const char *name, struct bytes content, struct err *e);
bool manifest_put(struct buf *out, const struct manifest *m, struct err *e);
bool manifest_parse(struct manifest *out, struct bytes in, struct err *e);
/* The file of that name, or NULL. */
const struct manifest_file *manifest_find(const struct manifest *m, const char *name);
/* ERR_CRYPTO unless content is what the manifest says of that name; ERR_NOT_FOUND if it names no such file.
 */
bool manifest_check_file(const struct manifest *m, const char *name, struct bytes content, struct err *e);

/* The six things a published cell can be. The value is 0 in all states but the first and the last. Hidden cells carry one
 * mark, whatever the cause. */
enum release_state {
	RELEASE_PUBLISHED = 1,
	RELEASE_SUPPRESSED = 2,
	RELEASE_NOT_REPORTED = 3,
	RELEASE_NOT_ASKED = 4,
	RELEASE_STRUCTURAL = 5, /* nought by definition */
	RELEASE_PERTURBED = 6   /* rounded or moved by noise: near the true figure */
};

/* Has the cell a figure to be shown? */
static inline bool release_has_value(uint8_t state)
{
	return state == RELEASE_PUBLISHED || state == RELEASE_STRUCTURAL || state == RELEASE_PERTURBED;
}

/* Places are those of the configuration: of the measure, and of a code in the list of each dimension of the
 * table. */
struct release_row {
	uint16_t measure;
	uint16_t code[RELEASE_DIMS];
	uint8_t state; /* enum release_state */
	uint64_t value;
};

struct release_rows_table {
	char id[LIMIT_NAME + 1];
	char dim[RELEASE_DIMS][LIMIT_NAME + 1]; /* names of code lists */
	uint16_t n_dims;
	struct release_row *row; /* strictly ascending by measure, then code by code */
	size_t n_rows;
};

struct release_rows {
	char dataset[LIMIT_NAME + 1];
	char period[LIMIT_PERIOD + 1];
	uint64_t revision;
	uint8_t config[32];
	struct release_rows_table *table;
	size_t n_tables;
};

/* Appends a table with room for n_rows zeroed rows. The pointer is good until the next call. NULL:
 * ERR_MEMORY, or ERR_LIMIT above RELEASE_TABLES_MAX or what one file may hold. */
struct release_rows_table *release_rows_add(struct release_rows *r, size_t n_rows, struct err *e);
void release_rows_free(struct release_rows *r); /* r itself is the caller's; r is zeroed */
int release_row_compare(const struct release_row *a, const struct release_row *b, uint16_t n_dims);

/* release.msgpack. Encoding refuses what decoding would (ERR_INTERNAL). Decoding fills a zeroed r, to be
 * freed by the caller also after failure; places are only bounded, not held against a configuration (export
 * does that). */
bool release_rows_encode(struct buf *out, const struct release_rows *r, struct err *e);
bool release_rows_decode(struct release_rows *r, struct bytes in, struct err *e);
#endif
