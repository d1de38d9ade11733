#include "daemon/vault/loop.h"

#include "daemon/notify.h"
#include "daemon/say.h"
#include "daemon/vault/admin.h"
#include "daemon/vault/intake.h"
#include "daemon/vault/journal.h"
#include "daemon/vault/link.h"
#include "daemon/vault/publish.h"
#include "daemon/vault/space.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

#define FRAMES_PER_TURN     64u /* of the link, before others have their turn */
#define SECOND_MS           1000u
#define LINK_CHECK_MS       10000u
#define STORE_CHECKPOINT_MS 30000u
#define ITEMS               (2 + ADMIN_PEERS + 1)

struct loop {
	struct vault *v;
	int signals; /* signalfd */
	bool stop;
	uint64_t second_ms, link_ms, store_ms, journal_ms, watchdog_ms; /* when each is due, boot time */
	uint64_t watchdog_every_ms;
	bool log_waits, files_wait, store_waits; /* for room on the disk */
	uint64_t checkpointed;                   /* log size of the last journal_write */
};

bool loop_prepare(struct vault *v, struct err *e)
{
	return intake_open(v, e) && journal_open(v, e) && publish_resume(v, e) && journal_write(v, e) &&
	       admin_open(v, e) && link_open(v, e);
}

void loop_close(struct vault *v)
{
	link_close(v, false);
	admin_close(v);
	publish_close(v);
	journal_close(v);
	intake_close(v);
}

static bool due(uint64_t *at_ms, uint64_t now_ms, uint64_t every_ms)
{
	if (now_ms < *at_ms)
		return false;
	*at_ms = now_ms + every_ms;
	return true;
}

/* --- what is done by the clock --- */

static void check_stall(struct vault *v)
{
	uint64_t signed_at_s = journal_signed_at(v);
	uint64_t signed_size;
	uint8_t root[32];
	journal_signed(v, &signed_size, root);
	bool waits = v->log_saved > signed_size;
	vault_set_mode(v, MODE_LOG_STALLED, waits && vault_now_s(v) > signed_at_s + v->conf->stall_s);
}

/* Files of the log or of releases found room, or none. Without, forms are refused with BUSY, readers are served, and
 * the files are tried again: what they say is safe in the store. */
static void note_room(struct loop *l, bool *waits, const struct err *full)
{
	if (full && !*waits)
		say(SAY_ERROR, "space-full", "%s: forms are refused until there is room", full->text);
	else if (!full && *waits)
		say(SAY_NOTICE, "space-full", "what waited for room is written");
	*waits = full != NULL;
	l->v->no_room = l->log_waits || l->files_wait || l->store_waits;
	if (full)
		vault_set_mode(l->v, MODE_STORAGE_LOW, true); /* space_check lets go of it */
}

/* The leaves' files follow the commits at a distance. A tree that contradicts itself stops no reader, but
 * intake once the stall limit is reached; a disk that fails stops the process. */
static bool write_journal(struct loop *l, struct err *e)
{
	struct vault *v = l->v;
	if (v->log_saved == l->checkpointed)
		return true;
	if (journal_write(v, e)) {
		l->checkpointed = v->log_saved;
		note_room(l, &l->log_waits, NULL);
		return true;
	}
	if (e->code == ERR_FULL) {
		note_room(l, &l->log_waits, e);
		return true;
	}
	if (e->code != ERR_INTERNAL)
		return false;
	say(SAY_ERROR, "log", "%s", e->text);
	return true;
}

static bool checkpoint_store(struct loop *l, struct err *e)
{
	struct vault *v = l->v;
	if (store_in_transaction(v->store))
		return true;
	bool ok = store_checkpoint(v->store, e);
	if (!ok && e->code != ERR_FULL)
		return false;
	if (!ok)
		l->store_ms = os_boot_ms(v->os) + SECOND_MS;
	note_room(l, &l->store_waits, ok ? NULL : e);
	return true;
}

static bool every_second(struct loop *l, struct err *e)
{
	struct vault *v = l->v;
	if (!intake_commit(v, e) || !vault_tick_periods(v, e))
		return false;
	space_check(v);
	check_stall(v);
	if (publish_tick(v, e)) {
		note_room(l, &l->files_wait, NULL);
		return true;
	}
	if (e->code == ERR_FULL) {
		note_room(l, &l->files_wait, e);
		return true;
	}
	if (store_broken(v->store) || e->code == ERR_SYSTEM)
		return false;
	say(SAY_ERROR, "publish", "%s", e->text);
	return true;
}

static bool do_due(struct loop *l, struct err *e)
{
	struct vault *v = l->v;
	uint64_t now_ms = os_boot_ms(v->os);
	if (intake_due_ms(v) <= now_ms && !intake_commit(v, e))
		return false;
	if (due(&l->journal_ms, now_ms, v->conf->checkpoint_ms) && !write_journal(l, e))
		return false;
	if (due(&l->second_ms, now_ms, SECOND_MS) && !every_second(l, e))
		return false;
	if (due(&l->store_ms, now_ms, STORE_CHECKPOINT_MS) && !checkpoint_store(l, e))
		return false;
	if (l->watchdog_every_ms > 0 && due(&l->watchdog_ms, now_ms, l->watchdog_every_ms))
		notify_send("WATCHDOG=1");
	if (due(&l->link_ms, now_ms, LINK_CHECK_MS) && !link_still_ours(v))
		return err_set(
		    e, ERR_INTERNAL, "link: the socket file was removed or taken by another process");
	return true;
}

/* Milliseconds until something is due, for zmq_poll. */
static long wait_ms(const struct loop *l)
{
	uint64_t now_ms = os_boot_ms(l->v->os);
	uint64_t next_ms = l->second_ms;
	uint64_t intake_ms = intake_due_ms(l->v);
	if (l->v->log_saved != l->checkpointed && l->journal_ms < next_ms)
		next_ms = l->journal_ms;
	if (intake_ms < next_ms)
		next_ms = intake_ms;
	return next_ms <= now_ms ? 0 : (long)(next_ms - now_ms);
}

/* --- what arrives --- */

static void take_signal(struct loop *l)
{
	struct signalfd_siginfo info;
	if (read(l->signals, &info, sizeof info) != (ssize_t)sizeof info)
		return;
	if (info.ssi_signo == SIGHUP) {
		say(SAY_NOTICE, "reload", "nothing to read again: settings take a restart");
		return;
	}
	l->stop = true;
}

static bool any_ready(const zmq_pollitem_t *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].revents != 0)
			return true;
	return false;
}

static bool serve(struct loop *l, const zmq_pollitem_t *items, size_t n, struct err *e)
{
	struct vault *v = l->v;
	if ((items[0].revents & ZMQ_POLLIN) != 0)
		take_signal(l);
	if ((items[1].revents & ZMQ_POLLIN) != 0 && !link_receive(v, FRAMES_PER_TURN, e))
		return false;
	/* an operator's command wants a transaction of its own */
	if (any_ready(items + 2, n - 2) && !intake_commit(v, e))
		return false;
	if (!admin_serve(v, items + 2, n - 2, e))
		return false;
	return !link_wants_greeting(v) || (intake_commit(v, e) && publish_greet(v, e));
}

static bool turn(struct loop *l, struct err *e)
{
	struct vault *v = l->v;
	zmq_pollitem_t items[ITEMS] = { { .fd = l->signals, .events = ZMQ_POLLIN },
		{ .socket = link_socket(v), .events = ZMQ_POLLIN } };
	size_t n = 2 + admin_poll(v, items + 2, ITEMS - 2);
	if (zmq_poll(items, (int)n, wait_ms(l)) < 0 && zmq_errno() != EINTR)
		return err_set(e, ERR_SYSTEM, "poll: %s", zmq_strerror(zmq_errno()));
	return serve(l, items, n, e) && do_due(l, e);
}

/* --- the end --- */

static bool drain(struct loop *l, struct err *e)
{
	struct vault *v = l->v;
	notify_send("STOPPING=1");
	vault_set_mode(v, MODE_DRAINING, true);
	if (!intake_commit(v, e) || !write_journal(l, e))
		return false;
	link_close(v, true);
	if (!vault_begin(v, e))
		return false;
	if (!store_set_counter(v->store, "clean_stop", 1, e)) {
		vault_rollback(v);
		return false;
	}
	return vault_commit(v, e) && checkpoint_store(l, e);
}

static int code_of(const struct vault *v, const struct err *e)
{
	return !store_broken(v->store) && e->code == ERR_INTERNAL ? EXIT_INTERNAL : EXIT_IO;
}

static bool open_signals(struct loop *l, struct err *e)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	l->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return l->signals >= 0 || err_set(e, ERR_SYSTEM, "signals: %s", strerror(errno));
}

int loop_run(struct vault *v, struct err *e)
{
	uint64_t now_ms = os_boot_ms(v->os);
	struct loop l = {
		.v = v, .store_ms = now_ms + STORE_CHECKPOINT_MS, .link_ms = now_ms + LINK_CHECK_MS
	};
	l.watchdog_every_ms = notify_watchdog_ms();
	l.checkpointed = v->log_saved;
	if (!open_signals(&l, e))
		return EXIT_IO;
	notify_send("READY=1\nSTATUS=serving");
	bool ok = true;
	while (ok && !l.stop)
		ok = turn(&l, e);
	ok = ok && drain(&l, e);
	close(l.signals);
	return ok ? 0 : code_of(v, e);
}
