/* push - the steps between a form that was read and a receipt. For push.c, lib/ and their tests. */
#ifndef CLIENT_PUSH_H
#define CLIENT_PUSH_H
#include "client/filing.h"
#include "client/outbox.h"
#include "proto/receipt.h"

struct push { /* one run of push or withdraw */
	struct filing filing;
	struct outbox outbox;
	struct form_result form;
	struct findings findings;
	struct outbox_item *item; /* in outbox: what is to be sent */
	struct receipt receipt;
	bool stored; /* item was made by this run */
};

/* Under the outbox's lock: the same form again, or a new revision, chosen and stored before anything is sent.
 * Sets item. An exit code. */
int push_store(struct push *p, enum submission_act act, struct err *e);
/* Sends item, older forms of its period first, so that revisions arrive in order. Fills receipt. An exit code. */
int push_deliver(struct push *p, struct err *e);

/* The figures in an item, checked against the configuration it names. False if it is a withdrawal, names
 * another configuration, or cannot be read. figures is the caller's to free. */
bool push_figures_of(const struct outbox_item *item, const struct config *config, struct figures *figures);
bool push_same_figures(const struct figures *a, const struct figures *b);
/* The revision after everything this folder and the vault know of. */
uint32_t push_next_revision(const struct outbox_item *newest, const struct msg_period *period);
/* Appends lines "clients|F|_T: 12 -> 13", at most max of them and then how many more there are. */
void push_put_changes(struct buf *out, const struct config *config, const struct figures *before,
    const struct figures *after, size_t max);
#endif
