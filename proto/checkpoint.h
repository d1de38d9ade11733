/* checkpoint - what the log signs: origin, size, root; and the texts built around it.
 *
 * Sources: c2sp.org/tlog-checkpoint (no extension lines here), tlog-cosignature, tlog-proof; the guard file
 * is ours. Signing an inconsistent checkpoint is the caller's crime: check tlog_consistency_verify first. */
#ifndef PROTO_CHECKPOINT_H
#define PROTO_CHECKPOINT_H
#include "proto/note.h"
#include "proto/tlog.h"

struct checkpoint {
	char origin[LIMIT_ORIGIN + 1];
	uint64_t size;
	struct tlog_hash root;
};

void checkpoint_put(struct buf *out, const struct checkpoint *c); /* the text, three lines */
bool checkpoint_parse(struct checkpoint *out, struct bytes text, struct err *e);
bool checkpoint_sign(struct buf *out, const struct checkpoint *c, const struct vkey *log,
    const struct key_signer *signer, struct err *e);

/* Opens a note: signature of log must be good, the origin line its name. cosigned (n_witnesses elements, or
 * NULL) tells which witnesses signed; how many are enough is the caller's policy. */
bool checkpoint_open(struct checkpoint *out, struct bytes note, const struct vkey *log,
    const struct vkey *witness, size_t n_witnesses, bool *cosigned, struct err *e);
#define CHECKPOINT_WITNESSES_MAX 15u

/* The vkey of an auditor who cosigns: <authority>/witness/<name>, authority being the origin up to its '/'. */
bool checkpoint_witness(
    struct vkey *out, const char *origin, const char *name, const uint8_t key[32], struct err *e);
/* Appends a witness's signature line to a checkpoint's note already in out. */
bool checkpoint_cosign(struct buf *note, const struct vkey *witness, const struct key_signer *signer,
    uint64_t time_s, struct err *e);
/* Appends lines a witness sent (COSIGN), one by one verified and of known witnesses; a line of a key that has
 * already signed is left out. n_added tells how many were new. */
bool checkpoint_add_cosignatures(struct buf *note, struct bytes lines, const struct vkey *witness,
    size_t n_witnesses, size_t *n_added, struct err *e);

/* .tlog-proof: index and path of one entry, and the checkpoint's note. */
struct tlog_proof {
	uint64_t index;
	struct tlog_path path;
	struct bytes note; /* borrowed from the input */
};
void tlog_proof_put(struct buf *out, const struct tlog_proof *p);
bool tlog_proof_parse(struct tlog_proof *out, struct bytes in, struct err *e);

/* vault/guard: how far the log had come when its newest checkpoint was about to be signed. */
void guard_put(struct buf *out, const struct checkpoint *c);
bool guard_parse(struct checkpoint *out, struct bytes in, struct err *e);
#endif
