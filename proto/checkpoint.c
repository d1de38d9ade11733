#include "proto/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/name.h"
#include "proto/textline.h"

#define PROOF_HEAD "c2sp.org/tlog-proof@v1\n"
#define GUARD_HEAD "cellveil-guard/1\n"

void checkpoint_put(struct buf *out, const struct checkpoint *c)
{
	buf_printf(out, "%s\n%" PRIu64 "\n", c->origin, c->size);
	buf_put_base64(out, bytes_of(c->root.b, sizeof c->root.b));
	buf_put_byte(out, '\n');
}

bool checkpoint_parse(struct checkpoint *out, struct bytes text, struct err *e)
{
	struct bytes origin;
	struct bytes size;
	struct bytes root;
	*out = (struct checkpoint){ 0 };
	if (!line_next(&text, &origin) || !line_next(&text, &size) || !line_next(&text, &root) ||
	    text.len != 0)
		return err_set(e, ERR_MALFORMED, "checkpoint: not three lines");
	if (!name_is_origin(origin) || !line_copy(out->origin, sizeof out->origin, origin))
		return err_set(e, ERR_MALFORMED, "checkpoint: origin");
	if (!line_uint(&out->size, size))
		return err_set(e, ERR_MALFORMED, "checkpoint: size");
	if (!line_base64(out->root.b, sizeof out->root.b, root))
		return err_set(e, ERR_MALFORMED, "checkpoint: root");
	return true;
}

bool checkpoint_sign(struct buf *out, const struct checkpoint *c, const struct vkey *log,
    const struct key_signer *signer, struct err *e)
{
	struct buf text = { 0 };
	bool ok = false;
	if (strcmp(c->origin, log->name) != 0 || log->type != VKEY_ED25519) {
		err_set(e, ERR_INTERNAL, "checkpoint: the key is not that of the origin");
		goto done;
	}
	checkpoint_put(&text, c);
	ok = text.failed ? err_set(e, ERR_MEMORY, "checkpoint: out of memory")
			 : note_sign(out, buf_bytes(&text), log, signer, e);
done:
	buf_free(&text);
	return ok;
}

bool checkpoint_open(struct checkpoint *out, struct bytes in, const struct vkey *log,
    const struct vkey *witness, size_t n_witnesses, bool *cosigned, struct err *e)
{
	struct note note;
	struct vkey known[1 + CHECKPOINT_WITNESSES_MAX];
	bool good[1 + CHECKPOINT_WITNESSES_MAX];
	if (n_witnesses > CHECKPOINT_WITNESSES_MAX)
		return err_set(e, ERR_LIMIT, "checkpoint: too many witnesses");
	known[0] = *log;
	for (size_t i = 0; i < n_witnesses; i++)
		known[1 + i] = witness[i];
	if (!note_parse(&note, in, e) || !note_verify(&note, known, 1 + n_witnesses, good, NULL, e))
		return err_wrap(e, "checkpoint");
	if (!good[0])
		return err_set(e, ERR_CRYPTO, "checkpoint: not signed by the log");
	if (!checkpoint_parse(out, note.text, e))
		return false;
	if (strcmp(out->origin, log->name) != 0)
		return err_set(e, ERR_CRYPTO, "checkpoint: of another origin");
	if (cosigned != NULL && n_witnesses > 0)
		memcpy(cosigned, good + 1, n_witnesses * sizeof *cosigned);
	return true;
}

bool checkpoint_witness(
    struct vkey *out, const char *origin, const char *name, const uint8_t key[32], struct err *e)
{
	char full[2 * LIMIT_ORIGIN];

	(void)snprintf(full, sizeof full, "%.*s/witness/%s", (int)strcspn(origin, "/"), origin, name);
	return vkey_make(out, full, VKEY_COSIGNATURE, key, e);
}

bool checkpoint_cosign(struct buf *note, const struct vkey *witness, const struct key_signer *signer,
    uint64_t time_s, struct err *e)
{
	struct note parsed;
	struct buf text = { 0 };
	bool ok = false;
	if (!note_parse(&parsed, buf_bytes(note), e))
		goto done;
	/* note may move while it grows */
	buf_put_bytes(&text, parsed.text);
	ok = text.failed ? err_set(e, ERR_MEMORY, "checkpoint: out of memory")
			 : note_put_signature(note, buf_bytes(&text), witness, signer, time_s, e);
done:
	buf_free(&text);
	return ok;
}

/* Which of the keys has a good signature among those of parsed; n if none. */
static size_t signer_of(const struct note *parsed, const struct vkey *key, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (note_verify(parsed, &key[i], 1, NULL, NULL, NULL))
			return i;
	return n;
}

/* Adds one line if its signature is good and the key has none in note yet. */
static bool add_cosignature(struct buf *note, struct bytes line, const struct vkey *witness,
    size_t n_witnesses, size_t *n_added, struct err *e)
{
	struct note parsed;
	struct note alone;
	struct buf single = { 0 };
	bool ok = false;
	if (!note_parse(&parsed, buf_bytes(note), e))
		goto done;
	buf_put_bytes(&single, parsed.text);
	buf_put_byte(&single, '\n');
	buf_put_bytes(&single, line);
	buf_put_byte(&single, '\n');
	if (single.failed || !note_parse(&alone, buf_bytes(&single), e)) {
		ok = single.failed ? err_set(e, ERR_MEMORY, "cosignature: out of memory")
				   : err_wrap(e, "cosignature");
		goto done;
	}
	size_t k = signer_of(&alone, witness, n_witnesses);
	if (k == n_witnesses) {
		err_set(e, ERR_CRYPTO, "cosignature: not a good one of a known witness");
		goto done;
	}
	ok = true;
	if (signer_of(&parsed, &witness[k], 1) == 0)
		goto done;
	if (parsed.n_signatures == LIMIT_NOTE_SIGNATURES) {
		ok = err_set(e, ERR_LIMIT, "cosignature: the note is full");
		goto done;
	}
	buf_put_bytes(note, line);
	buf_put_byte(note, '\n');
	ok = note->failed ? err_set(e, ERR_MEMORY, "cosignature: out of memory") : true;
	*n_added += ok;
done:
	buf_free(&single);
	return ok;
}

bool checkpoint_add_cosignatures(struct buf *note, struct bytes lines, const struct vkey *witness,
    size_t n_witnesses, size_t *n_added, struct err *e)
{
	struct bytes line;
	*n_added = 0;
	while (line_next(&lines, &line))
		if (!add_cosignature(note, line, witness, n_witnesses, n_added, e))
			return false;
	return lines.len == 0 ? true : err_set(e, ERR_MALFORMED, "cosignature: last line does not end");
}

void tlog_proof_put(struct buf *out, const struct tlog_proof *p)
{
	buf_printf(out, PROOF_HEAD "index %" PRIu64 "\n", p->index);
	for (size_t i = 0; i < p->path.n; i++) {
		buf_put_base64(out, bytes_of(p->path.hash[i].b, TLOG_HASH_BYTES));
		buf_put_byte(out, '\n');
	}
	buf_put_byte(out, '\n');
	buf_put_bytes(out, p->note);
}

bool tlog_proof_parse(struct tlog_proof *out, struct bytes in, struct err *e)
{
	struct bytes line;
	*out = (struct tlog_proof){ 0 };
	if (!line_take(&in, PROOF_HEAD))
		return err_set(e, ERR_UNSUPPORTED, "log proof: unknown format");
	if (!line_take(&in, "index ") || !line_next(&in, &line) || !line_uint(&out->index, line))
		return err_set(e, ERR_MALFORMED, "log proof: index");
	for (;;) {
		if (!line_next(&in, &line))
			return err_set(e, ERR_MALFORMED, "log proof: no blank line after the path");
		if (line.len == 0)
			break;
		if (out->path.n == TLOG_PATH_MAX ||
		    !line_base64(out->path.hash[out->path.n].b, TLOG_HASH_BYTES, line))
			return err_set(e, ERR_MALFORMED, "log proof: path");
		out->path.n++;
	}
	if (in.len == 0)
		return err_set(e, ERR_MALFORMED, "log proof: no checkpoint");
	out->note = in;
	return true;
}

void guard_put(struct buf *out, const struct checkpoint *c)
{
	buf_put_text(out, GUARD_HEAD);
	checkpoint_put(out, c);
}

bool guard_parse(struct checkpoint *out, struct bytes in, struct err *e)
{
	if (!line_take(&in, GUARD_HEAD))
		return err_set(e, ERR_UNSUPPORTED, "guard file: unknown format");
	return checkpoint_parse(out, in, e) ? true : err_wrap(e, "guard file");
}
