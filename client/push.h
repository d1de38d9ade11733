/* push - the steps between a form that was read and an item in the outbox. For push.c and its tests. */
#ifndef CLIENT_PUSH_H
#define CLIENT_PUSH_H
#include "client/filing.h"
#include "client/outbox.h"

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
