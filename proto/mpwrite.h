/* mpwrite - writes the message profile into a buffer, always in the shortest form.
 *
 * msgpack-c's packer behind a few functions. The caller writes map keys in ascending order and sees to it
 * that texts hold to the profile; a failed allocation is found once, at the end, in buf.failed. Source:
 * docs/protocol.md "Message profile". */
#ifndef PROTO_MPWRITE_H
#define PROTO_MPWRITE_H
#include "proto/bytes.h"
#include "proto/err.h"

void mpwrite_uint(struct buf *b, uint64_t value); /* above LIMIT_UINT: b fails */
void mpwrite_bool(struct buf *b, bool value);
void mpwrite_bin(struct buf *b, struct bytes in); /* 4 GiB or more: b fails; so for str, array and map */
void mpwrite_str(struct buf *b, const char *text);
void mpwrite_str_bytes(struct buf *b, struct bytes text);
void mpwrite_array(struct buf *b, size_t n);
void mpwrite_map(struct buf *b, size_t n_pairs);

/* A key and its value. */
void mpwrite_key_uint(struct buf *b, uint64_t key, uint64_t value);
void mpwrite_key_bin(struct buf *b, uint64_t key, struct bytes in);
void mpwrite_key_raw(struct buf *b, uint64_t key, const uint8_t *at, size_t len); /* a bin of len bytes */
void mpwrite_key_str(struct buf *b, uint64_t key, const char *text);
/* True if everything was written; else ERR_MEMORY, or ERR_LIMIT if b.max was reached. */
bool mpwrite_done(const struct buf *b, const char *what, struct err *e);
#endif
