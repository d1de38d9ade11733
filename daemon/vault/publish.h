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

/* At start, after journal_open: repairs public/ and audit/ from rows, removes what no row explains, repeats
 * unfinished steps. */
bool publish_resume(struct vault *v, struct err *e);
void publish_close(struct vault *v); /* v->publish may be NULL */

/* About once a second: a beat for each feed when due; releases whose instant has come. */
bool publish_tick(struct vault *v, struct err *e);

/* A gate opened the link: the last three envelopes of each feed and a fresh beat. */
bool publish_greet(struct vault *v, struct err *e);

/* Puts a key set (signed note) in force: verified against the root key the vault was set up with, its origin
 * and a serial above the one held. Writes row and files. */
bool publish_keyset(struct vault *v, struct bytes note, struct err *e);

/* What an operator hears about a release. Texts are plain English; rows are for their eyes only. */
struct publish_report {
	struct buf text;  /* what happened, one sentence a line */
	struct buf cells; /* show, dry run: "table TAB cell TAB state TAB value TAB why" a line; empty value
			     if hidden */
	uint64_t revision;
	enum release_stage stage;
	uint64_t n_offices, n_cells, n_suppressed;
	uint8_t object[32];
};
void publish_report_free(struct publish_report *r);

/* Seals if need be, protects, publishes. A refusal by minimums, engine or ledger is not a failure: true, with
 * stage STAGE_WITHHELD and the reason in the text. dry_run: nothing is written, not even a leaf. */
bool publish_release(struct vault *v, const char *dataset, const char *period, bool dry_run,
    struct publish_report *out, struct err *e);

/* The table as published or, before that, as it would be; which cells are hidden and why. */
bool publish_show(
    struct vault *v, const char *dataset, const char *period, struct publish_report *out, struct err *e);

enum publish_reason { PUBLISH_CORRECTED = 1, PUBLISH_ERROR = 2, PUBLISH_ORDER = 3 };
/* Takes the newest release of the period back: files go, feed, log and ledger keep the fact. */
bool publish_withdraw(struct vault *v, const char *dataset, const char *period, enum publish_reason reason,
    struct publish_report *out, struct err *e);
#endif
