/* bytes - a borrowed view of memory, and a buffer that grows.
 *
 * struct bytes owns nothing. struct buf owns its memory; a failed allocation, or growth past max, is
 * remembered (failed = true) and every later write is ignored, so that a writer checks once, at the end. */
#ifndef PROTO_BYTES_H
#define PROTO_BYTES_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *at;
	size_t len;
};

struct buf {
	uint8_t *data; /* NULL while empty */
	size_t size;   /* bytes written */
	size_t room;
	size_t max; /* 0: no bound but memory */
	bool failed;
};

struct bytes bytes_of(const void *at, size_t len);
struct bytes bytes_text(const char *text);        /* without the final NUL */
bool bytes_equal(struct bytes a, struct bytes b); /* public data only; secrets use sodium_memcmp */

struct bytes buf_bytes(const struct buf *b);
void buf_put(struct buf *b, const void *at, size_t len);
void buf_put_bytes(struct buf *b, struct bytes in);
void buf_put_byte(struct buf *b, uint8_t byte);
void buf_put_le64(struct buf *b, uint64_t value);
void buf_put_text(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_put_hex(struct buf *b, struct bytes in);    /* lower case */
void buf_put_base64(struct buf *b, struct bytes in); /* standard alphabet, padded */
void buf_clear(struct buf *b);                       /* keeps the memory, forgets content and failure */
void buf_free(struct buf *b); /* zeroes what was written, frees; b may be reused. NULL is allowed */

/* Strict decoders: exact alphabet, exact length, nothing else. hex wants lower case and 2*len digits. */
bool hex_decode(uint8_t *out, size_t len, struct bytes text);
/* Decodes padded standard base64 into out (room bytes); *len says how many. Non-zero trailing bits are
 * refused. */
bool base64_decode(uint8_t *out, size_t room, size_t *len, struct bytes text);
#endif
