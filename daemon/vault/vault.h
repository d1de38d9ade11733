/* vault - everything the vault's one thread owns, and what its parts may ask of one another.
 *
 * Who calls whom: loop -> link, intake, period rules, journal, publish, admin; those -> vault -> store. Every
 * change is made between vault_begin and vault_commit; what must follow a commit (replies, REGISTRY, files)
 * is done after it. A false from a function that writes leaves the transaction to be rolled back. If
 * store_broken() holds afterwards, the caller returns and the loop stops the process: exit 74.
 *
 * What the loop expects of the parts that live in other files (struct vault * first, struct err * last):
 *
 *     journal_open      log check at start: tiles, rows, guard     journal_close
 *     journal_write     tiles, guard and checkpoint for the leaves below log_saved
 *     publish_resume    redo unfinished steps, at start
 *     publish_tick      beats and instants of publication; called about once a second
 *     publish_greet     a gate has opened: the last envelopes and a fresh beat of each feed
 *     admin_open        binds run/admin/socket     admin_poll, admin_serve, admin_close: see admin.h */
#ifndef DAEMON_VAULT_VAULT_H
#define DAEMON_VAULT_VAULT_H
#include "daemon/conf.h"
#include "daemon/os.h"
#include "daemon/vault/period.h"
#include "daemon/vault/store.h"
#include "daemon/vault/vaultkeys.h"
#include "proto/link.h"
#include "proto/logentry.h"
#include "proto/model.h"

struct link;    /* link.h */
struct intake;  /* intake.h */
struct journal; /* journal.h */
struct publish; /* publish.h */
struct admin;   /* admin.h */

struct vault {
	const struct os *os;
	const struct conf *conf;
	struct store *store;
	struct vaultkeys keys;
	int vault_dir; /* vault/ below conf->state: store, guard, lock */
	uint8_t boot_id[16];

	uint64_t log_size;  /* committed leaves; inside a transaction: with those added so far */
	uint64_t log_saved; /* log_size of the last commit: what journal may publish */
	uint64_t registry_serial;
	bool registry_changed; /* in this transaction: push after commit */
	bool keys_changed;     /* in this transaction: read the intake keys again after a rollback */
	int lock;              /* descriptor of vault/lock; flock keeps a second vault out */
	bool space_critical;   /* nothing may be sealed: space.c */
	bool no_room;          /* a file of the log or of a release waits for room on its disk: loop.c */
	unsigned modes;        /* bit 1 << enum link_mode for each reason that holds */
	uint64_t high_water_s; /* latest wall time seen; stored with each commit */
	uint64_t clock_s, clock_boot_ms; /* both clocks when last looked at; 0: not yet */

	struct loaded_config *configs; /* cache by digest; vault_config() */
	struct data_key *data_keys;    /* cache by period; unseal.c */
	struct link *link;             /* NULL where there is no gate, as in tests */
	struct intake *intake;
	struct journal *journal;
	struct publish *publish;
	struct admin *admin;
};

/* Opens directories (made if absent), lock, keys, store and caches: everything that needs neither socket nor
 * log check. v is zeroed first; borrows os and conf. vault_close is safe after a failure. */
bool vault_open(struct vault *v, const struct os *os, const struct conf *conf, struct err *e);
/* The same, and also opens a store whose rows nothing binds yet (store_bound): bindrows.h. */
bool vault_open_older(struct vault *v, const struct os *os, const struct conf *conf, struct err *e);
void vault_close(struct vault *v);

/* Wall time; MODE_CLOCK_HOLD is set or cleared on the way. A step back holds until the clock has caught up, a
 * step forward until it is taken back or the vault is started again. */
uint64_t vault_now_s(struct vault *v);
/* Whether the instant has come, by a clock that is believed: false while windows are on hold. */
bool vault_reached(struct vault *v, uint64_t instant_s);

bool vault_begin(struct vault *v, struct err *e);
bool vault_commit(struct vault *v, struct err *e); /* then pushes REGISTRY if it changed */
void vault_rollback(struct vault *v);

/* --- the log: leaves are added in the transaction of the decision they record --- */
uint64_t vault_next_leaf(const struct vault *v); /* the index that the next leaf will have */
/* Sets index and time in entry, which holds kind and members. */
bool vault_add_leaf(struct vault *v, struct log_entry *entry, struct err *e);

/* --- modes: reasons to refuse submissions; told to the gate when the mode changes --- */
void vault_set_mode(struct vault *v, enum link_mode reason, bool holds);
enum link_mode vault_mode(const struct vault *v);

/* --- configurations --- */
/* Parses, checks origin and floors, stores, writes the `config` leaf. The first configuration of a dataset
 * makes the dataset with a fresh feed id. Needs a transaction. */
bool vault_add_config(struct vault *v, struct bytes yaml, uint8_t digest[32], struct err *e);
/* Borrowed until vault_close; ERR_NOT_FOUND. */
const struct config *vault_config(struct vault *v, const uint8_t digest[32], struct err *e);

struct dataset {
	char name[LIMIT_NAME + 1];
	uint8_t config[32]; /* for periods opened from now on */
	uint8_t feed_id[16];
	uint64_t feed_seq;     /* last one; rows are in table feed */
	uint8_t feed_link[32]; /* link of it; zeros if none */
};
bool vault_dataset(struct vault *v, const char *name, struct dataset *out, struct err *e);
/* Calls fn for each, by name, until it returns false. */
typedef bool vault_dataset_fn(void *context, const struct dataset *dataset, struct err *e);
bool vault_each_dataset(struct vault *v, vault_dataset_fn *fn, void *context, struct err *e);

/* --- registry: each change raises the serial, writes its leaf (class and by: see admin) outside --- */
struct registry_change {            /* what cellveilctl office add says */
	const char *office;         /* NULL: a principal without office */
	const uint8_t *curve_key;   /* 32 bytes */
	const uint8_t *sign_key;    /* 32 bytes; NULL without office */
	unsigned roles;             /* ROLE_… */
	const char *const *dataset; /* for submissions and reading */
	size_t n_datasets;
	const char *age;            /* auditors: where sealed manifests go; else NULL */
	const char *witness_name;   /* auditors who cosign: their name, */
	const uint8_t *witness_key; /* and 32 bytes; else both NULL */
};
/* Adds the principal, the office and the key as far as they are new, and binds them. Refuses small-order and
 * zero keys, a CURVE or signing key that belongs to somebody else, unknown datasets, role bits or names. */
bool vault_enroll(struct vault *v, const struct registry_change *c, struct err *e);
/* And principals left with none. Its signing keys are revoked for good: enrolled anew, it brings new ones. */
bool vault_disable_office(struct vault *v, const char *office, struct err *e);
bool vault_disable_principal(struct vault *v, const uint8_t key_id[8], struct err *e);
/* One key in force of that office, for good: a signing key, or the CURVE key of a machine, which then is refused for
 * every office it files for. The office's other keys stay. ERR_NOT_FOUND: it has no such key in force. */
bool vault_revoke_key(struct vault *v, const char *office, const uint8_t key_id[8], struct err *e);

struct key_row {
	char office[LIMIT_NAME + 1];
	bool machine; /* a CURVE key; else a signing key */
	uint8_t key_id[8];
	uint64_t added_s, revoked_s; /* 0: in force */
};
typedef bool vault_key_fn(void *context, const struct key_row *key, struct err *e);
/* By office (NULL: of all), the signing keys before the machines, the oldest first. */
bool vault_each_key(struct vault *v, const char *office, vault_key_fn *fn, void *context, struct err *e);

struct office_row {
	char name[LIMIT_NAME + 1];
	uint64_t added_s, disabled_s; /* 0: not disabled */
	unsigned n_keys, n_principals;
};
typedef bool vault_office_fn(void *context, const struct office_row *office, struct err *e);
bool vault_each_office(struct vault *v, vault_office_fn *fn, void *context, struct err *e);
/* age recipients of every auditor in force */
typedef bool vault_text_fn(void *context, const char *text, struct err *e);
bool vault_each_auditor(struct vault *v, vault_text_fn *fn, void *context, struct err *e);
/* name and key of every witness in force, by name */
typedef bool vault_witness_fn(void *context, const char *name, const uint8_t key[32], struct err *e);
bool vault_each_witness(struct vault *v, vault_witness_fn *fn, void *context, struct err *e);

/* --- intake keys: row, key in memory and `key` leaf in one --- */
bool vault_new_intake_key(struct vault *v, enum intake_state state, uint64_t not_before_s,
    uint64_t not_after_s, uint8_t key_id[8], struct err *e);
/* A pair made elsewhere; nothing happens if the store has or had it. */
bool vault_import_intake_key(struct vault *v, const struct intake_key *from, struct err *e);

/* --- periods: rows are made here; arrows, with their leaves, too --- */
/* A new row: PLANNED until a TICK finds that opens_s has come. The configuration is the newest of the dataset
 * that fits the period. Times of 0 come from the configuration's offsets; an offset that gives a closing time
 * already past, or none, leaves closes_s 0: open until the operator closes it. */
bool vault_plan_period(struct vault *v, const char *dataset, const char *period, uint64_t opens_s,
    uint64_t closes_s, struct err *e);
bool vault_step_period(struct vault *v, struct period *p, enum period_event event, struct err *e);
bool vault_period(struct vault *v, const char *dataset, const char *name, struct period *out, struct err *e);
typedef bool vault_period_fn(void *context, const struct period *period, struct err *e);
bool vault_each_period(
    struct vault *v, const char *dataset, vault_period_fn *fn, void *context, struct err *e);
/* TICK for every period whose time has come, in a transaction of its own; nothing while the clock is on hold.
 */
bool vault_tick_periods(struct vault *v, struct err *e);

/* --- a seal set: for each office its statement of the highest revision, withdrawals left out --- */
struct sealed { /* everything borrowed for the call; figures are wiped afterwards */
	const char *office;
	uint64_t seq;                  /* place in order of arrival */
	const uint8_t *statement;      /* digest, 32 bytes */
	const struct figures *figures; /* parallel to config->asked */
};
typedef bool vault_sealed_fn(void *context, const struct sealed *form, struct err *e);
struct seal_span {
	uint64_t upto_seq; /* rows with seq <= this; a seal stores it, so that a rerun sees the same set */
	bool held;         /* also those received after closing: revisions above 0 */
};
/* In order of office name. Streams: one form in the clear at a time. */
bool vault_each_sealed(struct vault *v, const struct period *p, struct seal_span span, vault_sealed_fn *fn,
    void *context, struct err *e);
/* Digests of the set, ascending (malloc, caller frees), without opening anything. */
bool vault_seal_digests(struct vault *v, const struct period *p, struct seal_span span,
    uint8_t (**digests)[32], size_t *n, struct err *e);
uint64_t vault_last_seq(struct vault *v); /* of all submissions */
/* How many offices have filed: for `period status`. late: received in GRACE; held: after closing. */
struct period_counts {
	uint64_t offices, submissions, withdrawals, late, held;
};
bool vault_count_period(struct vault *v, const struct period *p, struct period_counts *out, struct err *e);
/* Whether the office has a standing submission in the period. */
bool vault_office_filed(
    struct vault *v, const struct period *p, const char *office, bool *filed, struct err *e);

/* --- to the gate; nothing happens while no gate is connected --- */
void vault_send_feed(
    struct vault *v, const char *dataset, struct bytes envelope, const uint8_t signature[64]);
void vault_send_files(struct vault *v, const struct link_file *file, size_t n);
bool vault_gate_connected(const struct vault *v);
uint64_t vault_gate_applied(const struct vault *v); /* registry serial in force at the gate */
#endif
