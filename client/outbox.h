/* outbox - signed forms on their way, and what came back. Nothing is sent that is not stored here first.
 *
 * One file an item, named by its submission id in hex, mode 0600:
 *   <id>           profile array [1, header bin, signature || payload bin, box bin, intake key id bin8]
 *   <id>.receipt   the receipt as a text (client/receipt_text.h): the vault has it
 *   <id>.refused   a refusal signed by the vault: sending again does not help
 *   <id>.paused    an answer nobody signed, or one that wants a person: kept, not sent by itself
 * The signed payload is kept and never rebuilt: a new blind would be a new statement. Every change is made
 * under a lock, by write, sync, rename, sync of the folder; after a kill at any moment an item is there whole
 * or not at all. Items hold counts: outbox_item_free wipes. */
#ifndef CLIENT_OUTBOX_H
#define CLIENT_OUTBOX_H
#include "client/file.h"
#include "proto/submission.h"

#define LIMIT_OUTBOX    4096u /* items; 22 years of monthly forms in 15 datasets */
#define OUTBOX_NAME     33u   /* 32 hex digits and a NUL */
#define OUTBOX_NOTE_MAX 16384u

enum outbox_state { OUTBOX_WAITING, OUTBOX_RECEIVED, OUTBOX_REFUSED, OUTBOX_PAUSED };

struct outbox_item {
	struct submission_header header;
	uint8_t intake_key_id[KEY_ID_BYTES];
	struct buf header_bytes, signed_bytes, box; /* owned; signed_bytes = signature || payload */
	enum outbox_state state;
};

struct outbox {
	char dir[FILE_PATH];
	struct outbox_item *item; /* ascending by dataset, period, revision */
	size_t n;
};

/* Reads the folder dir/outbox, made if absent; removes what a killed run left half written. */
bool outbox_open(struct outbox *o, const char *dir, struct err *e);
void outbox_close(struct outbox *o); /* wipes */
/* Holds the folder against other runs while a revision is chosen and stored: file descriptor, or -1.
 * outbox_unlock gives it back. Call outbox_reload after taking it. */
int outbox_lock(const struct outbox *o, struct err *e);
void outbox_unlock(int lock);
bool outbox_reload(struct outbox *o, struct err *e);

/* Writes a new item, or the same one sealed again; takes over nothing. Call under the lock. */
bool outbox_store(const struct outbox *o, const struct outbox_item *item, struct err *e);
/* Adds the file that ends an item's waiting; state is one of the other three. Takes the lock itself. */
bool outbox_settle(const struct outbox *o, const struct outbox_item *item, enum outbox_state state,
    struct bytes text, struct err *e);
/* Lets a paused item wait again. */
bool outbox_resume(const struct outbox *o, const struct outbox_item *item, struct err *e);
/* Reads the text of a settled item. */
bool outbox_note(const struct outbox *o, const struct outbox_item *item, struct buf *out, struct err *e);
/* The item alone: its receipt stays. For what is proved to be in a sealed set. */
bool outbox_clear(const struct outbox *o, const struct outbox_item *item, struct err *e);
/* Item and companions; only for the user's own request. */
bool outbox_remove(const struct outbox *o, const struct outbox_item *item, struct err *e);

/* The newest item of that office, dataset and period that is waiting, paused or received; NULL if none. */
struct outbox_item *outbox_newest(
    const struct outbox *o, const char *dataset, const char *office, const char *period);
void outbox_name(char out[OUTBOX_NAME], const uint8_t id[SUBMISSION_ID_BYTES]);
bool outbox_item_decode(struct outbox_item *item, struct bytes file, struct err *e);
bool outbox_item_encode(struct buf *out, const struct outbox_item *item, struct err *e);
void outbox_item_free(struct outbox_item *item);
struct bytes outbox_payload(const struct outbox_item *item);
const char *outbox_state_name(enum outbox_state state); /* "waiting", "received", "refused", "paused" */
#endif
