/* admin - what cellveilctl and the vault say to each other on the operator's socket.
 *
 * A frame is four bytes of length, big-endian, and one body [1, kind, rid, fields] of the message profile.
 * Every request is answered by one body of kind ADMIN_ANSWER with the same rid: an outcome, sentences, named
 * facts and one table, all of it text, so that a new command needs no new answer. Texts are English;
 * cellveilctl translates what it knows. Field numbers: proto/README.md "Admin". */
#ifndef PROTO_ADMIN_H
#define PROTO_ADMIN_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/identity.h"
#include "proto/limits.h"

#define ADMIN_RID_BYTES    16u
#define ADMIN_LENGTH_BYTES 4u                /* before each body */
#define ADMIN_PART_BYTES   (60u * 1024)      /* of an upload, in one request */
#define ADMIN_ANSWER_BYTES LIMIT_REPLY_BYTES /* a table that does not fit is cut, and the answer says so */
#define ADMIN_FILES_BYTES  LIMIT_PUBLIC_FILE /* the same for an answer that brings files */

enum admin_kind {
	ADMIN_STATUS = 1,
	ADMIN_ANSWER = 2,
	ADMIN_PART = 3,        /* bytes: one piece of a file that the next request of this connection uses */
	ADMIN_MODE = 5,        /* mode */
	ADMIN_OFFICE_ADD = 11, /* line, [dataset]: also researchers and auditors */
	ADMIN_OFFICE_LIST = 13,
	ADMIN_OFFICE_DISABLE = 15, /* office */
	ADMIN_READER_DISABLE = 17, /* key_id */
	ADMIN_KEY_LIST = 18,       /* [office] */
	ADMIN_KEY_REVOKE = 19,     /* office, key_id: a signing key, or a machine's CURVE key */
	ADMIN_CONFIG_ADD = 21,     /* after PARTs: the file */
	ADMIN_CONFIG_LIST = 23,
	ADMIN_KEYSET_INSTALL = 25,   /* after PARTs: the note */
	ADMIN_PERIOD_OPEN = 31,      /* period, [dataset, opens_s, closes_s] */
	ADMIN_PERIOD_CLOSE = 33,     /* period, [dataset] */
	ADMIN_PERIOD_STATUS = 35,    /* [period, dataset] */
	ADMIN_PERIOD_VOID = 37,      /* period, [dataset] */
	ADMIN_RELEASE_PUBLISH = 41,  /* period, [dataset, dry_run] */
	ADMIN_RELEASE_SHOW = 43,     /* period, [dataset] */
	ADMIN_RELEASE_WITHDRAW = 45, /* period, reason, [dataset] */
	ADMIN_RELEASE_TABLE = 47     /* period, [dataset]: files, the counts among them */
};

struct admin_request { /* zero it; "" and 0 are absent */
	enum admin_kind kind;
	uint8_t rid[ADMIN_RID_BYTES];
	char dataset[LIMIT_NAME + 1]; /* absent: the only one there is */
	char period[LIMIT_PERIOD + 1];
	char office[LIMIT_NAME + 1];
	struct bytes line;  /* an identity line, borrowed */
	struct bytes bytes; /* borrowed */
	uint64_t mode;      /* enum link_mode: normal, read-only, draining */
	uint64_t reason;    /* enum log_reason */
	bool dry_run;
	uint64_t opens_s, closes_s;
	bool has_key_id;
	uint8_t key_id[KEY_ID_BYTES];
};

/* Decoding checks that exactly the fields of the kind are there. An unknown kind is ERR_UNSUPPORTED. */
bool admin_request_encode(struct buf *out, const struct admin_request *q, struct err *e);
bool admin_request_decode(struct admin_request *out, struct bytes in, struct err *e);

/* Whether a command of this kind changes anything, or hands out counts, and so writes an `admin` leaf with this
 * class; NULL if not. */
const char *admin_class(enum admin_kind kind);

enum admin_outcome {
	ADMIN_OK = 0,
	ADMIN_REFUSED = 1,   /* understood and not allowed, or not possible in this state */
	ADMIN_NOT_FOUND = 2, /* no such office, period, dataset */
	ADMIN_INVALID = 3,   /* what was sent breaks a rule */
	ADMIN_FAILED = 4,    /* the vault's own trouble */
	ADMIN_WITHHELD = 5   /* a release that protection, minimums or ledger do not allow */
};

/* An answer being written. Zero-initialise; admin_answer_free. A failed allocation is found by _encode. */
struct admin_answer {
	enum admin_outcome outcome;
	struct buf lines, facts, columns, rows; /* encoded already */
	size_t n_lines, n_facts, n_columns, n_cells;
	size_t whole; /* bytes of the rows that are complete */
	bool cut;     /* rows were left out */
};
void admin_answer_say(struct admin_answer *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void admin_answer_fact(struct admin_answer *a, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The table's heads, once; then its cells, row by row. */
void admin_answer_columns(struct admin_answer *a, const char *const *column, size_t n);
void admin_answer_cell(struct admin_answer *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A whole file, as rows `file, piece` (call admin_answer_columns with these two first): base64, in order. */
void admin_answer_file(struct admin_answer *a, const char *name, struct bytes content);
void admin_answer_fail(struct admin_answer *a, const struct err *why); /* outcome and text from an error */
bool admin_answer_encode(
    struct buf *out, const struct admin_answer *a, const uint8_t rid[ADMIN_RID_BYTES], struct err *e);
void admin_answer_free(struct admin_answer *a);

/* An answer read; everything borrows from the input but the arrays. */
struct admin_fact {
	struct bytes name, value;
};
struct admin_reply {
	uint8_t rid[ADMIN_RID_BYTES];
	enum admin_outcome outcome;
	struct bytes *line;
	struct admin_fact *fact;
	struct bytes *column, *cell; /* cell: row by row, n_columns each */
	size_t n_lines, n_facts, n_columns, n_rows;
	bool cut;
};
/* The next file of an answer that brings files, from row *row on, appended to content; name (room bytes) is its name.
 * False: there is none, or e is filled. */
bool admin_reply_file(
    const struct admin_reply *r, size_t *row, char *name, size_t room, struct buf *content, struct err *e);
/* r is to be freed also after failure. */
bool admin_reply_decode(struct admin_reply *r, struct bytes in, struct err *e);
void admin_reply_free(struct admin_reply *r);

/* Length before a body. admin_length: ERR_LIMIT above max, ERR_MALFORMED for 0. */
void admin_put_frame(struct buf *out, struct bytes body);
bool admin_length(const uint8_t head[ADMIN_LENGTH_BYTES], size_t max, size_t *len, struct err *e);
#endif
