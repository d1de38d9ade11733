/* publish - from a closed period to a release that anybody can read and verify.
 *
 *     seal       the set of statements is fixed; its root goes into the log
 *     protect    policy/ decides on the decrypted set; refused: WITHHELD, and nobody outside learns why
 *     publish    one transaction: ledger, leaf, feed envelope, signatures, files as rows
 *     files      public/ from those rows; then tiles, guard, checkpoint; then FILES and FEED to the gate
 *
 * Everything after the transaction is repeatable and is repeated at start until the row says done. The bytes
 * of a release are a function of sealed set, configuration, ledger and choice key: a rerun gives the same.
 * Only a struct safe_table (policy/release.h) becomes rows. docs/protocol.md "Releases". */
#ifndef DAEMON_VAULT_PUBLISH_H
#define DAEMON_VAULT_PUBLISH_H
#include "daemon/vault/vault.h"
#include "proto/keyset.h"

/* At start, after journal_open: repairs public/ and audit/ from rows, removes what no row explains, repeats
 * unfinished steps. */
bool publish_resume(struct vault *v, struct err *e);
void publish_close(struct vault *v); /* v->publish may be NULL */

/* About once a second: a beat for each feed when due; releases whose instant has come. ERR_FULL: a file found no room;
 * the next call tries it again. */
bool publish_tick(struct vault *v, struct err *e);

/* A gate opened the link: the last three envelopes of each feed and a fresh beat. */
bool publish_greet(struct vault *v, struct err *e);

/* Takes a key set (signed note): verified against the root key of the deployment, its origin, and a serial
 * above the one held. Inside the caller's transaction; publish_files writes the files after it. */
bool publish_take_keyset(struct vault *v, struct bytes note, struct err *e);

/* Brings key sets, configurations and the feeds below public/ up to the rows. */
bool publish_files(struct vault *v, struct err *e);

/* The key set in force and the root's public key; NULL while there is none. */
const struct keyset *publish_keys(const struct vault *v);
const uint8_t *publish_root_key(const struct vault *v);

/* A cell as the operator sees it. Texts are borrowed for the call. */
struct publish_cell {
	const char *table, *cell; /* "clients|F|Y18-29": measure and codes */
	const char *state;        /* "published", "hidden", "not-reported", "not-asked", "structural" */
	const char *value;        /* "" unless published */
	const char *why;          /* of a hidden cell; "" where nothing is known */
};
typedef void publish_cell_fn(void *context, const struct publish_cell *cell);

/* What an operator hears about a release. text: one sentence a line, plain English, no figures. */
struct publish_report {
	publish_cell_fn *cell; /* NULL: no cells wanted */
	void *context;
	struct buf text;
	uint64_t revision;
	enum release_stage stage;
	uint64_t n_offices, n_cells, n_suppressed, seq;
	uint8_t object[32];
};
void publish_report_free(struct publish_report *r); /* the text */

/* Whether a period in this state may be released at all: closed. ERR_REFUSED. */
bool publish_may(const struct period *p, struct err *e);

/* Seals if need be, protects, publishes. A refusal by minimums, engine or ledger is not a failure: true, with
 * stage STAGE_WITHHELD and the reason in the text. Where the period has an instant of publication that has
 * not come, the set is sealed and the rest happens then: stage STAGE_SEALED. dry_run: nothing is written, not
 * even a leaf. */
bool publish_release(
    struct vault *v, const struct period *p, bool dry_run, struct publish_report *out, struct err *e);

/* The newest release: published cells, hidden cells and why. */
bool publish_show(struct vault *v, const struct period *p, struct publish_report *out, struct err *e);

/* The newest release's table as the files of a folder: counts, policy, and, unless it is withheld, result and both
 * parts of the certificate. `cellveil protect` on that folder with the choice key gives the same bytes. The callback
 * says false where it has no room. */
typedef bool publish_file_fn(void *context, const char *name, struct bytes content);
bool publish_table(
    struct vault *v, const struct period *p, publish_file_fn *file, void *context, struct err *e);

/* Makes a release once more from its sealed set and says the digests of what comes out, for `cellveil audit
 * replay`; writes nothing. name: DATASET/PERIOD/REVISION. Not stored digests: ERR_CRYPTO where a form is not what
 * was acknowledged, or the set not what was sealed. */
bool publish_replay(struct vault *v, const char *name, struct buf *out, struct err *e);

/* Takes the newest release of the period back: files go, feed, log and ledger keep the fact. */
bool publish_withdraw(struct vault *v, const struct period *p, enum log_reason reason,
    struct publish_report *out, struct err *e);
#endif
