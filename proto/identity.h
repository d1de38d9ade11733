/* identity - the one line a participant sends to the operator, and the one line that comes back.
 *
 *   cellveil-id office north cellveil-sign:<base64> cellveil-curve:<base64> check:<8 hex>
 *   cellveil-join office north origin:<origin> cellveil-root:<base64> submit:tcp://... query:tcp://...
 *       feed:tcp://... cellveil-curve:<base64> dataset:<name> ... check:<8 hex>          (one line)
 *
 * Words stand in this order; any run of white space between them reads as one space, since mail breaks long
 * lines. check is the first four bytes of the plain BLAKE2b-256 of everything before " check:": it finds a
 * slip of copying, and proves nothing about who wrote the line; that takes the fingerprints, over the
 * telephone. Source: proto/README.md "Identity lines". */
#ifndef PROTO_IDENTITY_H
#define PROTO_IDENTITY_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/keys.h"
#include "proto/limits.h"
#include "proto/name.h"

#define IDENTITY_AGE_BYTES  63u /* age1 and 58 characters, with a NUL */
#define LIMIT_IDENTITY_LINE 8192u

enum identity_kind { IDENTITY_OFFICE, IDENTITY_RESEARCHER, IDENTITY_AUDITOR };

struct identity {
	enum identity_kind kind;
	char name[LIMIT_NAME + 1]; /* the office's code; for others a name of their choice */
	bool has_sign; /* offices always; auditors may, as the witness key that cosigns; researchers never */
	uint8_t sign[KEY_BYTES]; /* KEY_SIGN of an office, KEY_WITNESS of an auditor */
	uint8_t curve[KEY_BYTES];
	char age[IDENTITY_AGE_BYTES]; /* auditors may: recipient of sealed manifests; "" if none */
};

struct join {
	enum identity_kind kind;
	char name[LIMIT_NAME + 1];
	char origin[LIMIT_ORIGIN + 1];
	uint8_t root[KEY_BYTES];
	char submit[LIMIT_ENDPOINT + 1]; /* offices only; "" for others */
	char query[LIMIT_ENDPOINT + 1];
	char feed[LIMIT_ENDPOINT + 1];
	uint8_t curve[KEY_BYTES]; /* the gate's */
	size_t n_datasets;        /* 1-LIMIT_DATASETS */
	char dataset[LIMIT_DATASETS][LIMIT_NAME + 1];
};

const char *identity_kind_name(enum identity_kind kind); /* "office", "researcher", "auditor" */
/* Prints one line with its line feed. The struct holds what identity_parse would accept. */
void identity_print(struct buf *out, const struct identity *id);
/* ERR_MALFORMED names the word; ERR_CRYPTO an unusable key. */
bool identity_parse(struct identity *id, struct bytes line, struct err *e);
void join_print(struct buf *out, const struct join *j);
bool join_parse(struct join *j, struct bytes line, struct err *e);
#endif
