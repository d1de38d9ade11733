#include "proto/mpwrite.h"
#include "proto/limits.h"

#include <msgpack.h>
#include <string.h>

static int put(void *data, const char *at, size_t len)
{
	buf_put(data, at, len);
	return 0;
}

static msgpack_packer packer(struct buf *b)
{
	msgpack_packer pk;
	msgpack_packer_init(&pk, b, put);
	return pk;
}

/* msgpack has no length above 2^32 - 1. */
static bool fits(struct buf *b, size_t n)
{
	if (n > UINT32_MAX)
		b->failed = true;
	return !b->failed;
}

void mpwrite_uint(struct buf *b, uint64_t value)
{
	msgpack_packer pk = packer(b);
	if (value > LIMIT_UINT)
		b->failed = true;
	msgpack_pack_uint64(&pk, value);
}

void mpwrite_bool(struct buf *b, bool value)
{
	msgpack_packer pk = packer(b);
	if (value)
		msgpack_pack_true(&pk);
	else
		msgpack_pack_false(&pk);
}

void mpwrite_bin(struct buf *b, struct bytes in)
{
	msgpack_packer pk = packer(b);
	if (!fits(b, in.len))
		return;
	msgpack_pack_bin(&pk, in.len);
	buf_put_bytes(b, in);
}

void mpwrite_str(struct buf *b, const char *text)
{
	mpwrite_str_bytes(b, bytes_text(text));
}

void mpwrite_str_bytes(struct buf *b, struct bytes text)
{
	msgpack_packer pk = packer(b);
	if (!fits(b, text.len))
		return;
	msgpack_pack_str(&pk, text.len);
	buf_put_bytes(b, text);
}

void mpwrite_array(struct buf *b, size_t n)
{
	msgpack_packer pk = packer(b);
	if (fits(b, n))
		msgpack_pack_array(&pk, n);
}

void mpwrite_map(struct buf *b, size_t n_pairs)
{
	msgpack_packer pk = packer(b);
	if (fits(b, n_pairs))
		msgpack_pack_map(&pk, n_pairs);
}

void mpwrite_key_uint(struct buf *b, uint64_t key, uint64_t value)
{
	mpwrite_uint(b, key);
	mpwrite_uint(b, value);
}

void mpwrite_key_bin(struct buf *b, uint64_t key, struct bytes in)
{
	mpwrite_uint(b, key);
	mpwrite_bin(b, in);
}

void mpwrite_key_raw(struct buf *b, uint64_t key, const uint8_t *at, size_t len)
{
	mpwrite_key_bin(b, key, bytes_of(at, len));
}

void mpwrite_key_str(struct buf *b, uint64_t key, const char *text)
{
	mpwrite_uint(b, key);
	mpwrite_str(b, text);
}

bool mpwrite_done(const struct buf *b, const char *what, struct err *e)
{
	if (!b->failed)
		return true;
	if (b->max != 0)
		return err_set(e, ERR_LIMIT, "%s: longer than allowed, or out of memory", what);
	return err_set(e, ERR_MEMORY, "%s: out of memory, or a number no message can hold", what);
}
