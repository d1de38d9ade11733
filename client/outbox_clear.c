/* outbox clear - forms whose counts need not lie here any more.
 *
 * A form goes when its receipt is good and the log proves it: SETPROOF leads from its statement to the root of a
 * sealed set, and that set's leaf is in a checkpoint the log signed (and our witnesses, if we name some). Earlier
 * revisions of the same period go with it. The newest form of each dataset stays: next year's is compared with it.
 * Source: docs/protocol.md "Keep before you send". */
#include "client/commands.h"
#include "client/outbox.h"
#include "client/receipt_check.h"
#include "client/text.h"
#include "client/witnesses.h"
#include <stdlib.h>
#include <string.h>

#define RELEASES_TRIED 8u /* a form may be of a later release only: it was late, or a correction */

struct clearing {
	struct deployment d;
	struct outbox outbox;
	struct tlogpolicy policy;
	struct vkey log;
	size_t n_cleared;
};

static bool same_period(const struct submission_header *a, const struct submission_header *b)
{
	return strcmp(a->dataset, b->dataset) == 0 && strcmp(a->period, b->period) == 0 &&
	       strcmp(a->office, b->office) == 0;
}

/* The digest of the statement, from a receipt that holds. */
static bool receipt_of(struct clearing *c, const struct outbox_item *item, struct receipt *r, struct err *e)
{
	struct buf text = { 0 };
	bool ok = outbox_note(&c->outbox, item, &text, e) &&
		  receipt_check_text(&c->d, NULL, buf_bytes(&text), r, e);

	buf_free(&text);
	return ok && (memcmp(r->submission_id, item->header.submission_id, SUBMISSION_ID_BYTES) == 0 ||
			 err_set(e, ERR_CRYPTO, "%s", _("the receipt is of another form")));
}

/* Does the answer lead from the statement to the root that the seal's leaf names? */
static bool leads_to(const struct msg_setproof_r *proof, const struct log_entry *seal,
    const struct msg_setproof *asked, struct err *e)
{
	struct tlog_path path = { .n = proof->n_hashes };
	struct tlog_hash leaf, root;

	if (seal->kind != LOG_PERIOD_SEAL || strcmp(seal->dataset, asked->dataset) != 0 ||
	    strcmp(seal->period, asked->period) != 0 || seal->revision != asked->revision ||
	    seal->n != proof->set_size)
		return err_set(e, ERR_CRYPTO, "%s", _("the log has another entry where the seal should be"));
	for (size_t i = 0; i < path.n; i++)
		memcpy(path.hash[i].b, proof->hash[i], sizeof path.hash[i].b);
	memcpy(root.b, seal->root, sizeof root.b);
	tlog_leaf(&leaf, bytes_of(asked->statement_digest, KEY_DIGEST_BYTES));
	return tlog_inclusion_verify(proof->place, proof->set_size, &leaf, &path, &root, e);
}

/* One release's set. *proved false: the form is not in it, or the witnesses have not signed yet. */
static int ask_set(
    struct clearing *c, const struct msg_setproof *asked, bool *proved, struct log_entry *seal, struct err *e)
{
	struct net *n = deployment_query(&c->d, e);
	struct msg_setproof_r proof;
	bool enough = false;
	int code;

	*proved = false;
	if (n == NULL)
		return EXIT_OTHER;
	c->d.ask = (struct message){ .kind = MSG_SETPROOF, .setproof = *asked };
	code = deployment_ask(&c->d, n, MSG_REJECT, e);
	if (code != EXIT_OK || (c->d.reply.kind == MSG_REJECT && c->d.reply.reject.code == REJECT_NOT_FOUND))
		return code;
	if (c->d.reply.kind != MSG_SETPROOF_R) {
		(void)err_set(e, ERR_MALFORMED, "%s", _("the gate answered something else"));
		return EXIT_OTHER;
	}
	proof = c->d.reply.setproof_r;
	code = witnesses_entry(&c->d, &c->policy, &c->log, proof.seal_index, seal, &enough, e);
	if (code == EXIT_OK && enough && !leads_to(&proof, seal, asked, e))
		code = EXIT_OTHER;
	*proved = code == EXIT_OK && enough;
	return code;
}

static int prove_item(struct clearing *c, const struct outbox_item *item, bool *proved, struct err *e)
{
	const struct submission_header *h = &item->header;
	struct msg_setproof ask = { .revision = 0 };
	struct log_entry seal;
	struct receipt r;
	int code = EXIT_OK;

	*proved = false;
	if (!receipt_of(c, item, &r, e))
		return EXIT_OTHER;
	memcpy(ask.dataset, h->dataset, sizeof ask.dataset);
	memcpy(ask.period, h->period, sizeof ask.period);
	memcpy(ask.statement_digest, r.statement_digest, sizeof ask.statement_digest);
	for (; code == EXIT_OK && !*proved && ask.revision < RELEASES_TRIED; ask.revision++)
		code = ask_set(c, &ask, proved, &seal, e);
	if (*proved)
		text_say(_("%s %s, revision %u: one of %llu forms of the sealed set, entry %llu of the "
			   "public log"),
		    h->dataset, h->period, h->revision, (unsigned long long)seal.n,
		    (unsigned long long)seal.index);
	return code;
}

/* From the newest down, so that what a proved form replaced goes without being asked for. */
static int clear_items(struct clearing *c, struct err *e)
{
	const struct outbox_item *proved = NULL, *newest = NULL;
	int code = EXIT_OK;

	for (size_t i = c->outbox.n; code == EXIT_OK && i-- > 0;) {
		const struct outbox_item *item = &c->outbox.item[i];
		bool is_proved = proved != NULL && same_period(&proved->header, &item->header);
		bool replaced = is_proved;

		if (item->state != OUTBOX_RECEIVED || item->header.act != ACT_FIGURES)
			continue;
		if (!is_proved)
			code = prove_item(c, item, &is_proved, e);
		if (is_proved && !replaced)
			proved = item;
		if (newest == NULL || strcmp(newest->header.dataset, item->header.dataset) != 0) {
			newest = item;
			continue;
		}
		if (code != EXIT_OK || !is_proved)
			continue;
		if (!outbox_clear(&c->outbox, item, e))
			code = EXIT_OTHER;
		else
			c->n_cleared++;
	}
	return code;
}

static int clearing_open(struct clearing *c, const struct args *args, unsigned long wait, struct err *e)
{
	const struct keyset_key *key;
	bool found;
	int code = deployment_open(&c->d, args_value(args, "dir"), e);

	deployment_wait(&c->d, wait);
	if (code == EXIT_OK)
		code = deployment_keys(&c->d, e);
	if (code != EXIT_OK)
		return code;
	key = keyset_active(&c->d.keyset, KEY_LOG);
	if (key == NULL || !vkey_make(&c->log, c->d.settings.join.origin, VKEY_ED25519, key->key, e))
		return EXIT_KEY;
	if (!witnesses_load(&c->d.settings, &c->policy, &found, e) ||
	    !outbox_open(&c->outbox, c->d.settings.dir, e))
		return EXIT_OTHER;
	c->policy.none = c->policy.none || !found;
	return EXIT_OK;
}

int command_outbox_clear(const struct args *args)
{
	struct clearing *c = calloc(1, sizeof *c);
	struct err e = { 0 };
	unsigned long wait;
	int code = EXIT_USAGE;

	if (c == NULL)
		return EXIT_OTHER;
	text_quiet(args_flag(args, "quiet"));
	if (!args_number(args, "wait", 30ul * 86400, QUESTION_MS / 1000, &wait))
		goto done;
	code = clearing_open(c, args, wait, &e);
	if (code == EXIT_OK)
		code = clear_items(c, &e);
	if (code != EXIT_OK)
		text_error(&e);
	else
		text_say(_("Removed here: %zu. The receipts stay, and the newest form, for next year's "
			   "comparison."),
		    c->n_cleared);
done:
	outbox_close(&c->outbox);
	deployment_close(&c->d);
	free(c);
	return code;
}
