/* `cellveil audit cosign`: a witness. It signs only a checkpoint whose whole log it read, and that continues
 * every one it signed or saw before; what contradicts is kept as evidence and told. */
#include "client/audit/session.h"
#include "client/keyfile.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TRIES 5u /* while forms come in, the log may grow between reading and signing */

static int sign(struct session *s, struct buf *lines, struct err *e)
{
	struct settings *who = &s->source.d.settings;
	struct key_signer *signer = keyfile_signer(who->dir, KEY_WITNESS, e);
	struct buf note = { .max = LIMIT_NOTE_BYTES };
	struct vkey witness;
	bool ok;

	if (signer == NULL)
		return AUDIT_UNCHECKED;
	buf_put_bytes(&note, buf_bytes(&s->log.note));
	ok = checkpoint_witness(&witness, who->join.origin, who->name, signer->public, e) &&
	     checkpoint_cosign(&note, &witness, signer, (uint64_t)time(NULL), e);
	if (ok)
		buf_put(lines, note.data + s->log.note.size, note.size - s->log.note.size);
	keyfile_signer_free(signer);
	buf_free(&note);
	return ok && !lines->failed ? AUDIT_HOLDS : AUDIT_UNCHECKED;
}

static int send(struct session *s, const struct buf *lines, uint64_t *accepted, struct err *e)
{
	struct deployment *d = &s->source.d;
	struct net *n = deployment_query(d, e);
	int code;

	if (n == NULL)
		return EXIT_OTHER;
	d->ask = (struct message){ .kind = MSG_COSIGN,
		.cosign = { .old_size = s->log.kept.size, .lines = buf_bytes(lines) } };
	code = deployment_ask(d, n, MSG_COSIGN_R, e);
	if (code == EXIT_OK)
		*accepted = d->reply.cosign_r.accepted;
	return code;
}

/* Reads, signs, sends; again if the log grew meanwhile. */
static int witness(struct session *s, uint64_t *accepted, struct err *e)
{
	int code = EXIT_REFUSED;

	for (unsigned i = 0; i < TRIES && code == EXIT_REFUSED; i++) {
		struct buf lines = { .max = LIMIT_QUERY_BYTES };

		if (i > 0) {
			loglist_free(&s->log);
			if (loglist_read(&s->log, &s->source, &s->verdicts, true, e) != AUDIT_HOLDS)
				return AUDIT_FAILS;
		}
		code = sign(s, &lines, e) == AUDIT_HOLDS ? send(s, &lines, accepted, e) : EXIT_KEY;
		buf_free(&lines);
		if (code == EXIT_REFUSED && e->detail != REJECT_CONFLICT)
			break;
	}
	return code == EXIT_OK ? AUDIT_HOLDS : AUDIT_UNCHECKED;
}

int audit_cosign(const struct args *args)
{
	struct err e = { 0 };
	uint64_t accepted = 0;
	int code;
	struct session *s = session_open(args, &code, &e);

	if (code == AUDIT_HOLDS) {
		s->signing = true;
		code = witness(s, &accepted, &e);
	}
	if (code == AUDIT_HOLDS && accepted > 0)
		text_say(_("cosigned: the log up to entry %llu"), (unsigned long long)s->log.n);
	else if (code == AUDIT_HOLDS)
		text_say("%s", _("this checkpoint carries our signature already"));
	return session_close(s, code, &e);
}
