/* logentry - the entries of the public log: one JSON object each, one way to write it.
 *
 * {"v":1,"i":<index>,"t":<time>,"k":"<kind>",...} - ASCII, no spaces, members in the order of the table in
 * proto/README.md, integers only, at most LIMIT_LOG_ENTRY bytes. What is hashed is the bytes. */
#ifndef PROTO_LOGENTRY_H
#define PROTO_LOGENTRY_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/limits.h"

enum log_kind {
	LOG_START,        /* origin, [prev, prev_root] */
	LOG_END,          /* origin, [prev, prev_root] */
	LOG_CONFIG,       /* dataset, [old_config], new_config */
	LOG_KEY,          /* purpose, key_id, state */
	LOG_SUBMISSION,   /* statement */
	LOG_CONFLICT,     /* statement, other */
	LOG_PERIOD_OPEN,  /* dataset, period */
	LOG_PERIOD_CLOSE, /* dataset, period */
	LOG_PERIOD_FINAL, /* dataset, period */
	LOG_PERIOD_VOID,  /* dataset, period */
	LOG_PERIOD_SEAL,  /* dataset, period, revision, n, root */
	LOG_RELEASE,      /* dataset, period, revision, object, manifest, cells, suppressed, ledger */
	LOG_NO_RELEASE,   /* dataset, period, revision, manifest */
	LOG_SUPERSEDE,    /* dataset, period, revision, object, reason */
	LOG_WITHDRAW,     /* dataset, period, revision, object, reason */
	LOG_RETENTION,    /* dataset, period, what */
	LOG_ADMIN,        /* class, by */
	LOG_RECOVERY,     /* size, reason */
	LOG_KINDS
};

enum log_reason {
	LOG_REASON_CORRECTED = 1,
	LOG_REASON_ERROR = 2,
	LOG_REASON_ORDER = 3
}; /* supersede, withdraw */
enum log_recovery { LOG_RECOVERY_UNCLEAN_STOP = 1, LOG_RECOVERY_RESTORED = 2 };

/* Zero it, set kind and the members its kind names. */
struct log_entry {
	enum log_kind kind;
	uint64_t index, time_s;
	char origin[LIMIT_ORIGIN + 1];
	char prev[LIMIT_ORIGIN + 1]; /* "": absent, and prev_root with it */
	uint8_t prev_root[32];
	char dataset[LIMIT_NAME + 1];
	char period[LIMIT_PERIOD + 1];
	uint64_t revision;
	bool has_old_config;
	uint8_t old_config[32], new_config[32];
	char purpose[LIMIT_NAME + 1], state[LIMIT_NAME + 1]; /* words of the key set, and "destroyed" */
	uint8_t key_id[8];
	uint8_t statement[32], other[32];
	uint64_t n;       /* offices in the sealed set */
	uint8_t root[32]; /* of the sealed set */
	uint8_t object[32], manifest[32], ledger[32];
	uint64_t cells, suppressed;
	uint64_t reason;            /* enum log_reason or log_recovery */
	char what[LIMIT_NAME + 1];  /* "ids", "data-key" */
	char class[LIMIT_NAME + 1]; /* of an admin command */
	char by[LIMIT_NAME + 1];    /* uid, or key id in hex */
	uint64_t size;              /* leaves found at start */
};

/* The leaf's bytes, without line feed. ERR_INTERNAL if a member is missing or outside its grammar. */
bool log_entry_put(struct buf *out, const struct log_entry *entry, struct err *e);
/* Accepts exactly what log_entry_put writes: encode(decode(x)) == x. ERR_UNSUPPORTED: version or kind. */
bool log_entry_parse(struct log_entry *out, struct bytes in, struct err *e);
const char *log_kind_name(enum log_kind kind);
#endif
