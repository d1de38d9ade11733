#include "client/witnesses.h"
#include "client/command.h"
#include "client/text.h"
#include "proto/tlog.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "witnesses"
#define AGAIN_MS  2000

bool witnesses_load(const struct settings *s, struct tlogpolicy *p, bool *found, struct err *e)
{
	struct buf text = { 0 };
	struct err why = { 0 };
	char path[FILE_PATH];
	bool ok = file_path(path, s->dir, FILE_NAME, e);

	*found = ok && file_read(&text, path, TLOGPOLICY_BYTES_MAX, &why);
	if (ok && !*found && why.code != ERR_NOT_FOUND)
		ok = err_set(e, why.code, "%s", why.text);
	if (*found)
		ok = tlogpolicy_parse(p, buf_bytes(&text), e) || err_wrap(e, "%s", path);
	buf_free(&text);
	return ok;
}

bool witnesses_open(const struct tlogpolicy *p, const struct vkey *log, struct bytes note,
    struct checkpoint *out, bool *enough, struct err *e)
{
	bool by[TLOGPOLICY_KEYS_MAX] = { false }, known = p->n_logs == 0;

	for (size_t i = 0; i < p->n_logs; i++)
		known = known || (strcmp(p->log[i].name, log->name) == 0 &&
				     memcmp(p->log[i].key, log->key, sizeof log->key) == 0);
	if (!known)
		return err_set(e, ERR_CRYPTO, "%s", _("the witness policy names another log"));
	if (!checkpoint_open(out, note, log, p->witness, p->n_witnesses, by, e))
		return false;
	*enough = tlogpolicy_holds(p, by);
	return true;
}

/* Is the leaf that the envelope names this very release? */
static bool same_release(const struct log_entry *x, const struct feed_envelope *env, struct err *e)
{
	return (x->kind == LOG_RELEASE && strcmp(x->dataset, env->dataset) == 0 &&
		   strcmp(x->period, env->period) == 0 && x->revision == env->revision &&
		   memcmp(x->object, env->object, sizeof x->object) == 0) ||
	       err_set(
		   e, ERR_CRYPTO, "%s", _("the log has another entry where the feed says this release is"));
}

static int ask_entry(struct deployment *d, struct net *n, uint64_t index, uint64_t size,
    struct tlog_hash *leaf, struct log_entry *out, struct err *e)
{
	uint64_t tile = index / TLOG_TILE_WIDTH;
	struct bytes rest, entry = bytes_of(NULL, 0);
	int code;

	d->ask = (struct message){ .kind = MSG_LOG,
		.log = { .what = LOG_ENTRIES, .index = tile, .width = tlog_tile_width(size, 0, tile) } };
	code = deployment_ask(d, n, MSG_LOG_R, e);
	if (code != EXIT_OK)
		return code;
	rest = d->reply.log_r.file;
	for (uint64_t i = 0; i <= index % TLOG_TILE_WIDTH; i++) {
		if (rest.len == 0 || !tlog_bundle_next(&rest, &entry, e))
			return EXIT_OTHER;
	}
	tlog_leaf(leaf, entry);
	if (log_entry_parse(out, entry, NULL) && out->index == index)
		return EXIT_OK;
	(void)err_set(e, ERR_CRYPTO, "%s", _("the log has an entry that is none where one was promised"));
	return EXIT_OTHER;
}

int witnesses_entry(struct deployment *d, const struct tlogpolicy *p, const struct vkey *log, uint64_t index,
    struct log_entry *out, bool *enough, struct err *e)
{
	struct net *n = deployment_query(d, e);
	struct tlog_proof *proof = calloc(1, sizeof *proof);
	struct checkpoint c;
	struct tlog_hash leaf;
	int code = n != NULL && proof != NULL ? EXIT_OK : EXIT_OTHER;

	d->ask = (struct message){ .kind = MSG_PROOF, .proof = { .index = index } };
	if (code == EXIT_OK)
		code = deployment_ask(d, n, MSG_PROOF_R, e);
	if (code == EXIT_OK && (!tlog_proof_parse(proof, d->reply.proof_r.proof, e) ||
				   !witnesses_open(p, log, proof->note, &c, enough, e)))
		code = EXIT_OTHER;
	if (code == EXIT_OK && *enough)
		code = ask_entry(d, n, index, c.size, &leaf, out, e);
	if (code == EXIT_OK && *enough &&
	    !tlog_inclusion_verify(index, c.size, &leaf, &proof->path, &c.root, e))
		code = EXIT_OTHER;
	free(proof);
	return code;
}

static int until_signed(
    struct deployment *d, const struct tlogpolicy *p, const struct feed_envelope *env, struct err *e)
{
	const struct keyset_key *key = keyset_active(&d->keyset, KEY_LOG);
	struct vkey log;
	struct log_entry entry;
	bool enough = false, told = false;
	int code;

	if (key == NULL || !vkey_make(&log, d->settings.join.origin, VKEY_ED25519, key->key, e))
		return EXIT_KEY;
	for (;;) {
		code = witnesses_entry(d, p, &log, env->log_index, &entry, &enough, e);
		if (code == EXIT_OK && enough && !same_release(&entry, env, e))
			code = EXIT_OTHER;
		if (code != EXIT_OK || enough)
			return code;
		if (net_now_ms() + AGAIN_MS >= d->deadline_ms)
			break;
		if (!told)
			text_say(
			    "%s", _("waiting: the witnesses have not signed the log with this release yet"));
		told = true;
		(void)poll(NULL, 0, AGAIN_MS);
	}
	(void)err_set(e, ERR_CRYPTO, "%s", _("the witnesses have not signed the log with this release"));
	return EXIT_OTHER;
}

int witnesses_release(struct deployment *d, const struct feed_envelope *env, struct err *e)
{
	struct tlogpolicy *p = calloc(1, sizeof *p);
	bool found = false;
	int code = EXIT_OTHER;

	if (p != NULL && witnesses_load(&d->settings, p, &found, e))
		code = found && !p->none ? until_signed(d, p, env, e) : EXIT_OK;
	free(p);
	return code;
}
