#include "client/receipt_text.h"
#include "client/text.h"
#include <string.h>

#define STATEMENT_MAX 1024u

bool receipt_text_print(
    struct buf *out, struct bytes statement, const uint8_t signature[KEY_SIG_BYTES], struct err *e)
{
	struct receipt r;

	if (!receipt_decode(&r, statement, e))
		return false;
	buf_put_text(out, "cellveil-receipt/1\n");
	receipt_print(out, &r);
	buf_put_text(out, "signed ");
	buf_put_base64(out, statement);
	buf_put_text(out, "\nsignature ");
	buf_put_base64(out, bytes_of(signature, KEY_SIG_BYTES));
	buf_put_text(out, "\n");
	return !out->failed || err_set(e, ERR_MEMORY, "no memory for a receipt");
}

/* What stands after "<name> " on the one line that begins so. */
static bool find_line(struct bytes text, const char *name, struct bytes *value)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n < text.len; i++) {
		const uint8_t *end;

		if ((i > 0 && text.at[i - 1] != '\n') || memcmp(text.at + i, name, n) != 0 ||
		    text.at[i + n] != ' ')
			continue;
		end = memchr(text.at + i, '\n', text.len - i);
		if (end == NULL)
			return false;
		*value = bytes_of(text.at + i + n + 1, (size_t)(end - text.at) - i - n - 1);
		return true;
	}
	return false;
}

bool receipt_text_parse(struct receipt *r, struct buf *statement, uint8_t signature[KEY_SIG_BYTES],
    struct bytes text, struct err *e)
{
	struct bytes base64;
	struct buf again = { 0 };
	uint8_t room[STATEMENT_MAX];
	size_t len, start = statement->size;
	bool ok = false;

	if (!find_line(text, "signed", &base64) || !base64_decode(room, sizeof room, &len, base64))
		return err_set(e, ERR_MALFORMED, "%s", _("not a receipt: no statement"));
	buf_put(statement, room, len);
	if (statement->failed)
		return err_set(e, ERR_MEMORY, "no memory for a receipt");
	if (!find_line(text, "signature", &base64) || !base64_decode(room, KEY_SIG_BYTES, &len, base64) ||
	    len != KEY_SIG_BYTES)
		return err_set(e, ERR_MALFORMED, "%s", _("not a receipt: no signature"));
	memcpy(signature, room, KEY_SIG_BYTES);
	if (!receipt_decode(r, bytes_of(statement->data + start, statement->size - start), e) ||
	    !receipt_text_print(
		&again, bytes_of(statement->data + start, statement->size - start), signature, e))
		goto done;
	ok = bytes_equal(text, buf_bytes(&again)) ||
	     err_set(e, ERR_INVALID, "%s", _("the receipt's lines do not say what was signed"));
done:
	buf_free(&again);
	return ok;
}
