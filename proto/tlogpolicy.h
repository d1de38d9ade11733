/* tlogpolicy - whose signatures under a checkpoint a reader asks for: c2sp.org/tlog-policy.
 *
 *     log VKEY [URL]            witness NAME VKEY [URL]
 *     group NAME all|any|K MEMBER ...        quorum NAME|none
 *
 * Names stand before they are used; each is a member of at most one group; one quorum line. URLs are not used. */
#ifndef PROTO_TLOGPOLICY_H
#define PROTO_TLOGPOLICY_H
#include "proto/note.h"

#define TLOGPOLICY_BYTES_MAX 65536u
#define TLOGPOLICY_KEYS_MAX                                                                                  \
	32u /* logs, witnesses and groups: so many of each, as the specification asks for */
#define TLOGPOLICY_NAME_MAX 64u

struct tlogpolicy_name { /* a witness, or a group of names before it */
	char name[TLOGPOLICY_NAME_MAX + 1];
	bool is_group, taken; /* taken: member of a group */
	uint16_t witness;     /* place in witness[] */
	uint16_t need, n_members;
	uint8_t member[2 * TLOGPOLICY_KEYS_MAX]; /* places in name[] */
};

struct tlogpolicy {
	struct vkey log[TLOGPOLICY_KEYS_MAX];
	struct vkey witness[TLOGPOLICY_KEYS_MAX];
	struct tlogpolicy_name name[2 * TLOGPOLICY_KEYS_MAX];
	size_t n_logs, n_witnesses, n_names;
	bool none;      /* quorum none */
	uint8_t quorum; /* place in name[] */
};

/* ERR_MALFORMED naming the line; ERR_LIMIT. */
bool tlogpolicy_parse(struct tlogpolicy *out, struct bytes text, struct err *e);
/* signed_by is parallel to p->witness. */
bool tlogpolicy_holds(const struct tlogpolicy *p, const bool *signed_by);
#endif
