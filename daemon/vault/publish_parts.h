/* publish_parts - what the files publish*.c share: rows of seal, release and feed; the release being built;
 * the public directory. Nobody else includes this. */
#ifndef DAEMON_VAULT_PUBLISH_PARTS_H
#define DAEMON_VAULT_PUBLISH_PARTS_H
#include "daemon/vault/public.h"
#include "daemon/vault/publish.h"
#include "daemon/vault/publish_feed.h"
#include "policy/release.h"
#include "proto/feed.h"
#include "proto/release.h"

struct publish {
	struct public_dir files, audit;
	struct vkey root;
	bool has_root;
	struct keyset keys;
	bool has_keys;
	uint64_t beat_ms, beat_file_ms; /* boot time when the next one is due */
	bool behind;                    /* a file found no room: all of them are looked at again */
	uint64_t tried_period;          /* an automatic publication that failed: not again in this run */
};

struct publish_file { /* a file of a release */
	char name[RELEASE_FILE_NAME_MAX + 1];
	struct buf data;
};

/* --- rows: publish_rows.c --- */

struct seal_row {
	uint64_t revision, n, leaf, sealed_s;
	struct seal_span span;
	uint8_t root[32];
};
bool seal_read(struct vault *v, uint64_t period, uint64_t revision, struct seal_row *out, struct err *e);
/* Fixes the set: row, release row in SEALED, leaf. Needs a transaction. */
bool seal_add(
    struct vault *v, const struct period *p, uint64_t revision, struct seal_row *out, struct err *e);
/* Root and size of the set as it is now, without writing anything. */
bool seal_look(
    struct vault *v, const struct period *p, uint64_t revision, struct seal_row *out, struct err *e);

/* The set of a seal once more, from the rows within its bounds. */
bool seal_again(struct vault *v, const struct period *p, const struct seal_row *seal, struct seal_row *out,
    struct err *e);

struct release_record {
	uint64_t revision;
	enum release_stage stage;
	bool done; /* every step after the commit was carried out */
	uint8_t object[32];
	uint64_t bytes, seq, leaf, published_s;
};
/* The newest of the period; found false: none. */
bool record_newest(struct vault *v, uint64_t period, struct release_record *out, bool *found, struct err *e);
/* The one that stands published; the oldest that is sealed, or has steps left to do. */
bool record_in_force(
    struct vault *v, uint64_t period, struct release_record *out, bool *found, struct err *e);
bool record_waiting(struct vault *v, uint64_t period, struct release_record *out, bool *found, struct err *e);
/* Moves along an arrow of period.h; ERR_REFUSED if there is none. Needs a transaction. */
bool record_move(
    struct vault *v, uint64_t period, const struct release_record *r, enum release_stage to, struct err *e);
/* Whether as many witnesses as the configuration asks for have signed a log that holds the release's leaf; if not,
 * a sentence about it in text (may be NULL). */
bool record_witnessed(struct vault *v, const struct period *p, const struct release_record *r, bool *enough,
    struct buf *text, struct err *e);
/* Files of a release, ascending by name, into file (room elements); free each data. */
bool record_files(struct vault *v, uint64_t period, uint64_t revision, struct publish_file *file, size_t room,
    size_t *n, struct err *e);

/* --- building: publish_build.c --- */

#define BUILT_FILES (RELEASE_FILES_MAX + 2) /* and manifest.txt, manifest.txt.minisig */

struct built {
	struct release_result *result; /* refusal, or the safe table and what goes with it */
	struct release_rows rows;
	struct publish_file file[BUILT_FILES];
	size_t n_files;
	uint8_t object[32], man[32]; /* digests of manifest.txt and of the suppression manifest */
	uint64_t bytes;              /* as in the manifest */
	uint64_t n_offices, n_cells, n_suppressed;
};

/* Opens the sealed set, protects it, makes the files: a pure function of set, configuration, earlier releases
 * and choice key. True with b->result->refusal set where the table may not leave. Nothing is written. */
bool built_make(
    struct vault *v, const struct period *p, const struct seal_row *seal, struct built *b, struct err *e);
/* The table it is made of, counts included, and what became of it, file by file. */
bool built_table(struct vault *v, const struct period *p, const struct seal_row *seal, publish_file_fn *file,
    void *context, struct err *e);
/* Adds a file in its place. */
bool built_add(struct built *b, const char *name, struct bytes data, struct err *e);
const struct buf *built_file(const struct built *b, const char *name); /* NULL: none */
/* Every cell, and why it is hidden, to r->cell. */
bool built_tell(
    struct vault *v, const struct period *p, const struct built *b, struct publish_report *r, struct err *e);
void built_free(struct built *b);
/* Why a hidden cell is hidden, for people; nothing where nothing is known. */
void built_why(struct buf *out, const struct built *b, const struct config *config,
    const struct release_table *table, const struct release_row *row);

/* --- what a decision leaves in the store: publish_decide.c. All need a transaction --- */

bool decide_withheld(struct vault *v, const struct period *p, const struct release_record *r,
    const struct built *b, struct err *e);
/* Ledger, leaf and sealed manifest: what binds us to these bytes. leaf: its index. */
bool decide_bound(struct vault *v, const struct period *p, const struct release_record *r,
    const struct built *b, uint64_t *leaf, struct err *e);
/* Binds unless that was done before, and publishes: signature (a file more in b), stage, files as rows, envelope. */
bool decide_published(
    struct vault *v, const struct period *p, const struct release_record *r, struct built *b, struct err *e);
bool decide_withdrawn(
    struct vault *v, const struct period *p, struct release_record *r, enum log_reason reason, struct err *e);

/* --- public files: publish_files.c --- */

/* One file of public/ as it must be, noted in set unless that is NULL. */
bool files_ensure(
    struct vault *v, const char *path, struct bytes data, struct public_set *set, struct err *e);

bool files_open(struct vault *v, struct err *e);
void files_close(struct vault *v);
/* Key sets and configurations. set may be NULL. */
bool files_plain(struct vault *v, struct public_set *set, struct err *e);
/* One release, its objects included. */
bool files_release(
    struct vault *v, const struct period *p, uint64_t revision, struct public_set *set, struct err *e);
/* Everything that rows explain is there, and nothing else. */
bool files_repair(struct vault *v, struct err *e);
/* The auditors' manifest of that digest; all of them, noted in set unless that is NULL. */
bool files_audit(struct vault *v, const uint8_t man[32], struct err *e);
bool files_audit_all(struct vault *v, struct public_set *set, struct err *e);
/* After a withdrawal: the directory, and objects no other release has. */
bool files_withdraw(struct vault *v, const struct period *p, uint64_t revision, struct err *e);
/* FILES to the gate. */
void files_tell(struct vault *v, const char *const *path, size_t n);

/* --- keys: publish_keys.c --- */

/* root.pub, the key set held, key set and intake key that lie in the keys folder. */
bool keys_open(struct vault *v, struct err *e);
#endif
