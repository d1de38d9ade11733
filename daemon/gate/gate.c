#include "daemon/gate/gate.h"
#include "daemon/gate/door.h"
#include "daemon/gate/judge.h"
#include "daemon/gate/query.h"
#include "daemon/gate/relay.h"
#include "daemon/gate/selftest.h"
#include "daemon/gate/stats.h"
#include "daemon/gate/zap.h"
#include "daemon/notify.h"
#include "daemon/os.h"
#include "daemon/say.h"
#include "proto/keys.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#define TURN_MESSAGES       64u /* of one socket before the others have their turn */
#define FEED_RETRY_MS       50u
#define TURN_SUBSCRIPTIONS  1024u
#define TURN_EVENTS         256u /* of one monitor */
#define DRAIN_MS            10000u
#define ZAP_PATIENCE_MS     5000u
#define KEY_FILE_BYTES      4096u
#define SUBSCRIPTIONS_S     1u /* of topics nobody holds yet, by one principal; one for each dataset is usual */
#define SUBSCRIPTIONS_BURST 1024u
#define SUBSCRIPTION_BAR_MS 600000u
#define LINK_MONITOR        "inproc://monitor.link"
#define STOP_LINGER_MS      2000 /* Z16 */

struct gate {
	const struct conf *conf;
	void *context; /* Z1: one per process */
	struct registry *registry;
	struct zap *zap;
	struct door door[DOORS];
	void *link, *link_monitor;
	struct tree public, audit;
	struct throttle *throttle, *subscriptions;
	struct peers *peers;
	struct feeds *feeds;
	struct query *query;
	struct relay *relay;
	struct inbox *inbox;
	struct message message;
	struct buf reply;
	uint64_t now_ms, watchdog_ms, watchdog_at_ms, stop_at_ms;
	bool ready, selftest_due, stopping, stop_now, feed_down;
};

/* ---- making it ---- */

static bool read_key(const struct conf *conf, const char *file, uint8_t *secret, struct err *e)
{
	char path[CONF_PATH * 2];
	struct buf text = { 0 };
	if (file[0] == '\0')
		file = conf->curve_key;
	bool ok = conf_key_path(conf, file, path, sizeof path, e) &&
		  os_read_secret(AT_FDCWD, path, KEY_FILE_BYTES, &text, e) &&
		  (keys_secret_parse(secret, KEY_CURVE, buf_bytes(&text), e) || err_wrap(e, "%s", path));
	if (ok && keys_secret_is_test(secret))
		ok = err_set(e, ERR_REFUSED, "%s: a key of the test vectors, which everyone knows", path);
	buf_free(&text);
	return ok;
}

static bool open_door(struct gate *g, enum door_kind kind, const struct conf_endpoints *at, struct err *e)
{
	bool ok = false;
	uint8_t *secret = sodium_malloc(KEY_BYTES);
	if (secret == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (!door_open(&g->door[kind], g->context, kind, e))
		goto done;
	for (unsigned i = 0; i < at->n; i++) {
		if (!read_key(g->conf, at->key_file[i], secret, e) ||
		    !door_bind(&g->door[kind], at->address[i], secret, e))
			goto done;
		say(SAY_INFO, "bound", "%s on %s", door_name(kind), g->door[kind].bound[i].address);
	}
	ok = true;
done:
	sodium_free(secret);
	return ok;
}

static bool open_link(struct gate *g, struct err *e)
{
	char address[CONF_PATH + 32];
	int64_t max_frame = LIMIT_LINK_BYTES;
	static const struct {
		int option, value;
	} set[] = { { ZMQ_IMMEDIATE, 1 }, { ZMQ_LINGER, 0 }, { ZMQ_RECONNECT_IVL, 100 },
		{ ZMQ_SNDHWM, LIMIT_LINK_WINDOW + 64 }, { ZMQ_RCVHWM, LIMIT_LINK_WINDOW + 64 } };
	snprintf(address, sizeof address, "ipc://%s/link/vault", g->conf->run);
	if (strlen(address) - strlen("ipc://") >= sizeof((struct sockaddr_un *)NULL)->sun_path)
		return err_set(e, ERR_INVALID, "the path of the link's socket is longer than 107 bytes");
	g->link = zmq_socket(g->context, ZMQ_DEALER);
	bool ok =
	    g->link != NULL && zmq_setsockopt(g->link, ZMQ_MAXMSGSIZE, &max_frame, sizeof max_frame) == 0;
	for (size_t i = 0; ok && i < sizeof set / sizeof *set; i++)
		ok = zmq_setsockopt(g->link, set[i].option, &set[i].value, sizeof set[i].value) == 0;
	ok = ok && zmq_socket_monitor(g->link, LINK_MONITOR, ZMQ_EVENT_DISCONNECTED) == 0 &&
	     (g->link_monitor = zmq_socket(g->context, ZMQ_PAIR)) != NULL &&
	     zmq_connect(g->link_monitor, LINK_MONITOR) == 0 && zmq_connect(g->link, address) == 0;
	return ok || err_set(e, ERR_SYSTEM, "%s: %s", address, zmq_strerror(errno));
}

static struct throttle_rates rates_of(const struct conf *conf)
{
	uint64_t bytes = conf->rate_bytes < UINT32_MAX ? conf->rate_bytes : UINT32_MAX;
	return (struct throttle_rates){ .messages_s = (uint32_t)conf->rate_messages,
		.burst = (uint32_t)conf->rate_burst,
		.bytes_s = (uint32_t)bytes,
		.bytes_burst = (uint32_t)(bytes > LIMIT_MESSAGE_BYTES ? bytes : LIMIT_MESSAGE_BYTES),
		.bad_envelopes = LIMIT_BAD_ENVELOPES,
		.bad_window_ms = 600000,
		.bar_ms = 600000 };
}

/* ---- what the relay asks for ---- */

static bool link_send(void *arg, struct bytes frame)
{
	struct gate *g = arg;
	return zmq_send(g->link, frame.at, frame.len, ZMQ_DONTWAIT) >= 0;
}

static void answer(struct gate *g, enum door_kind door, const uint8_t route[ROUTE_BYTES], struct bytes body)
{
	if (!door_send(&g->door[door], route, body))
		stats_add(STAT_REPLY_DROPPED, 1);
}

static void relay_answer(void *arg, const struct relay_peer *to, struct bytes body)
{
	answer(arg, to->endpoint == LINK_SUBMIT ? DOOR_SUBMIT : DOOR_QUERY, to->route, body);
}

/* The vault makes both directories. Where it was never up yet they are missing, and are looked for again when it
 * has said who may connect; until then every door refuses anyhow. */
static bool open_trees(struct gate *g, struct err *e)
{
	char path[CONF_PATH + 16];
	snprintf(path, sizeof path, "%s/public", g->conf->state);
	if (g->public.fd < 0 && access(path, F_OK) == 0 && !tree_open(&g->public, path, e))
		return false;
	snprintf(path, sizeof path, "%s/audit", g->conf->state);
	return g->audit.fd >= 0 || access(path, F_OK) != 0 || tree_open(&g->audit, path, e);
}

static bool take_registry(void *arg, struct link_registry *from)
{
	struct gate *g = arg;
	struct err e;
	if (!open_trees(g, &e) || !registry_offer(g->registry, from, &e)) {
		stats_add(STAT_REGISTRY_REFUSED, 1);
		say(SAY_ERROR, "registry-refused", "%s", e.text);
		return false;
	}
	stats_add(STAT_REGISTRY_SWAPS, 1);
	if (!g->ready)
		g->selftest_due = true;
	return true;
}

static uint64_t registry_serial(void *arg)
{
	struct gate *g = arg;
	const struct snapshot *s = registry_acquire(g->registry);
	uint64_t serial = s == NULL ? 0 : snapshot_serial(s);
	registry_release(s);
	return serial;
}

static void take_feed(void *arg, const struct link_feed *in)
{
	struct gate *g = arg;
	feeds_take(g->feeds, in);
}

static void feed_positions(void *arg, struct link_open *open)
{
	struct gate *g = arg;
	feeds_positions(g->feeds, open);
}

static void bad_envelope(void *arg, const uint8_t principal[KEY_ID_BYTES])
{
	struct gate *g = arg;
	throttle_bad_envelope(g->throttle, principal, g->now_ms);
}

static void fill_random(void *arg, uint8_t *out, size_t len)
{
	(void)arg;
	os_random(os_real(), out, len);
}

static void publish(void *arg, const char *topic, struct bytes frame)
{
	struct gate *g = arg;
	if (!g->feed_down)
		door_publish(&g->door[DOOR_FEED], topic, frame);
}

static bool make_parts(struct gate *g, struct err *e)
{
	struct throttle_rates rates = rates_of(g->conf);
	struct relay_io io = { g, link_send, relay_answer, take_registry, registry_serial, take_feed,
		feed_positions, bad_envelope, fill_random };
	struct relay_limits limits = { (uint32_t)g->conf->window, LIMIT_LINK_WINDOW_BYTES,
		LIMIT_PRINCIPAL_FORWARDS };
	struct query_from from = { &g->public, &g->audit, NULL };
	g->registry = registry_new();
	g->throttle = throttle_new(&rates);
	g->subscriptions = throttle_new(&(struct throttle_rates){ .messages_s = SUBSCRIPTIONS_S,
	    .burst = SUBSCRIPTIONS_BURST,
	    .bytes_s = UINT32_MAX,
	    .bytes_burst = UINT32_MAX });
	g->peers = peers_new();
	g->inbox = inbox_new();
	from.feeds = g->feeds = feeds_new(&g->public, publish, g);
	g->query = query_new(&from);
	g->relay = relay_new(&io, &limits, g->now_ms);
	g->reply.max = LIMIT_REPLY_BYTES;
	return (g->registry != NULL && g->throttle != NULL && g->subscriptions != NULL && g->peers != NULL &&
		   g->inbox != NULL && g->feeds != NULL && g->query != NULL && g->relay != NULL) ||
	       err_set(e, ERR_MEMORY, "out of memory");
}

struct gate *gate_new(const struct conf *conf, struct err *e)
{
	struct gate *g = calloc(1, sizeof *g);
	if (g == NULL) {
		err_set(e, ERR_MEMORY, "out of memory");
		return NULL;
	}
	g->conf = conf;
	g->public.fd = g->audit.fd = -1;
	g->now_ms = os_boot_ms(os_real());
	g->watchdog_ms = notify_watchdog_ms();
	if (!open_trees(g, e) || !make_parts(g, e))
		goto failed;
	g->context = zmq_ctx_new();
	if (g->context == NULL) {
		err_set(e, ERR_MEMORY, "out of memory");
		goto failed;
	}
	g->zap = zap_start(g->context, g->registry, e); /* Z2: before the first bind */
	if (g->zap != NULL && open_door(g, DOOR_SUBMIT, &conf->submit, e) &&
	    open_door(g, DOOR_QUERY, &conf->query, e) && open_door(g, DOOR_FEED, &conf->feed, e) &&
	    open_link(g, e))
		return g;
failed:
	gate_free(g);
	return NULL;
}

void gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	for (int i = 0; i < DOORS; i++)
		door_close(&g->door[i], g->stop_now ? 0 : STOP_LINGER_MS);
	if (g->link != NULL) {
		zmq_socket_monitor(g->link, NULL, 0);
		zmq_close(g->link);
	}
	if (g->link_monitor != NULL)
		zmq_close(g->link_monitor);
	inbox_free(g->inbox);
	zap_stop(g->zap);
	if (g->context != NULL)
		zmq_ctx_term(g->context);
	relay_free(g->relay);
	query_free(g->query);
	feeds_free(g->feeds);
	peers_free(g->peers);
	throttle_free(g->throttle);
	throttle_free(g->subscriptions);
	registry_free(g->registry);
	tree_close(&g->public);
	tree_close(&g->audit);
	buf_free(&g->reply);
	free(g);
}

/* ---- one message ---- */

static void flawed(struct gate *g, const struct inbox *in)
{
	static const enum gate_stat counter[] = { [INBOX_EMPTY] = STAT_EMPTY,
		[INBOX_MULTIPART] = STAT_MULTIPART,
		[INBOX_CHOSEN_ROUTE] = STAT_CHOSEN_ROUTE,
		[INBOX_NO_USER] = STAT_NO_USER };
	char who[KEY_FINGERPRINT] = "none";
	stats_add(counter[in->flaw], 1);
	if (in->has_principal) {
		throttle_fine(g->throttle, in->principal, g->now_ms, in->n_frames + 10u);
		keys_fingerprint(who, in->principal);
	}
	say(SAY_WARNING, "message-dropped", "flaw %u, %u frames, key %s", (unsigned)in->flaw, in->n_frames,
	    who);
}

static void send_busy(struct gate *g, enum door_kind door, const struct judgement *j)
{
	static const enum gate_stat counter[] = { [BUSY_RATE] = STAT_BUSY_RATE,
		[BUSY_QUEUE] = STAT_BUSY_QUEUE,
		[BUSY_STORAGE] = STAT_BUSY_MODE,
		[BUSY_STOPPING] = STAT_BUSY_STOPPING,
		[BUSY_LOG_STALLED] = STAT_BUSY_MODE,
		[BUSY_VAULT_AWAY] = STAT_BUSY_VAULT,
		[BUSY_CLOCK_HOLD] = STAT_BUSY_MODE,
		[BUSY_READ_ONLY] = STAT_BUSY_MODE };
	stats_add(counter[j->reason], 1);
	query_busy(&g->reply, j->rid, j->reason, j->retry_ms);
	answer(g, door, g->inbox->route, buf_bytes(&g->reply));
}

static void answer_here(
    struct gate *g, enum door_kind door, const struct judgement *j, const struct snapshot *registry)
{
	struct query_asker asker = { .principal = j->principal,
		.registry = registry,
		.now_s = os_wall_s(os_real()),
		.max_message_bytes = relay_max_message(g->relay),
		.messages_per_minute = g->conf->rate_messages * 60 };
	query_answer(g->query, &g->message, &asker, &g->reply);
	throttle_charge(g->throttle, j->principal->key_id, g->now_ms, g->reply.size);
	answer(g, door, g->inbox->route, buf_bytes(&g->reply));
}

static void forward(struct gate *g, enum door_kind door, struct judgement *j)
{
	struct relay_peer from = { .endpoint = door == DOOR_SUBMIT ? LINK_SUBMIT : LINK_QUERY };
	memcpy(from.route, g->inbox->route, ROUTE_BYTES);
	uint64_t serial = peers_serial(g->peers, from.endpoint, from.route);
	unsigned busy = relay_forward(g->relay, &from, j->principal->key_id, serial, j->rid, g->inbox->body,
	    j->is_submission, g->now_ms, &j->retry_ms);
	if (busy == 0)
		return;
	j->reason = (enum busy_reason)busy;
	send_busy(g, door, j);
}

static void carry_out(
    struct gate *g, enum door_kind door, struct judgement *j, const struct snapshot *registry)
{
	switch (j->verdict) {
	case JUDGE_DROP:
		stats_add(STAT_UNREADABLE, 1);
		return;
	case JUDGE_REJECT:
		query_reject(&g->reply, j->rid, j->code);
		answer(g, door, g->inbox->route, buf_bytes(&g->reply));
		return;
	case JUDGE_BUSY:
		send_busy(g, door, j);
		return;
	case JUDGE_ANSWER:
		answer_here(g, door, j, registry);
		return;
	case JUDGE_FORWARD:
		forward(g, door, j);
		return;
	}
}

static void take_message(struct gate *g, enum door_kind door)
{
	const struct inbox *in = g->inbox;
	struct judgement j;
	stats_add(STAT_RECEIVED, 1);
	/* Without a User-Id the body is still judged, and refused as a stranger's: step 3. */
	if (in->flaw != INBOX_GOOD)
		flawed(g, in);
	if (in->flaw != INBOX_GOOD && in->flaw != INBOX_NO_USER)
		return;
	const struct snapshot *registry = registry_acquire(g->registry);
	struct judge_case c = { .door = door,
		.body = in->body,
		.registry = registry,
		.has_key_id = in->has_principal,
		.now_ms = g->now_ms,
		.max_message_bytes = relay_max_message(g->relay),
		.stopping = g->stopping };
	memcpy(c.key_id, in->principal, KEY_ID_BYTES);
	judge(&c, g->throttle, &g->message, &j);
	carry_out(g, door, &j, registry);
	registry_release(registry);
}

/* ---- the loop ---- */

static void door_turn(struct gate *g, enum door_kind kind)
{
	for (unsigned i = 0; i < TURN_MESSAGES && door_receive(&g->door[kind], g->inbox); i++)
		take_message(g, kind);
}

/* A topic costs some 30 bytes of memory for each of its own, and libzmq neither bounds their number nor lets go
 * of one peer. Who overdoes it is kept off the feed for a while, and the socket is made anew: the other
 * subscribers connect again by themselves and ask for what they missed. */
static void feed_turn(struct gate *g)
{
	char who[KEY_FINGERPRINT] = "none";
	struct subscription s;
	uint64_t retry;
	for (unsigned i = 0; i < TURN_SUBSCRIPTIONS && door_subscription(&g->door[DOOR_FEED], &s); i++) {
		if (!s.added || (s.size <= LIMIT_SUBSCRIPTION_BYTES && s.has_principal &&
				    throttle_take(g->subscriptions, s.principal, g->now_ms, 0, &retry)))
			continue;
		if (s.has_principal) {
			registry_bar(g->registry, s.principal, g->now_ms + SUBSCRIPTION_BAR_MS);
			keys_fingerprint(who, s.principal);
		}
		stats_add(STAT_FEED_FLOODS, 1);
		say(SAY_WARNING, "feed-flood",
		    "too many or too long subscriptions, key %s: the feed is opened anew", who);
		door_close(&g->door[DOOR_FEED], 0);
		g->feed_down = true;
		return;
	}
}

/* The old listener lets go of its port a moment after its socket was closed: until then, again next turn. */
static void reopen_feed(struct gate *g)
{
	struct door *d = &g->door[DOOR_FEED], old = *d;
	struct conf_endpoints at = g->conf->feed;
	struct err e;
	for (unsigned i = 0; i < at.n && i < old.n_bound; i++)
		memcpy(at.address[i], old.bound[i].address, sizeof at.address[i]);
	if (open_door(g, DOOR_FEED, &at, &e)) {
		g->feed_down = false;
		return;
	}
	say(SAY_WARNING, "feed-closed", "%s", e.text);
	door_close(d, 0);
	*d = old;
}

static void link_turn(struct gate *g)
{
	for (unsigned i = 0; i < TURN_MESSAGES; i++) {
		zmq_msg_t frame;
		zmq_msg_init(&frame);
		if (zmq_msg_recv(&frame, g->link, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&frame);
			return;
		}
		relay_take(g->relay, bytes_of(zmq_msg_data(&frame), zmq_msg_size(&frame)), g->now_ms);
		zmq_msg_close(&frame);
	}
}

/* The only event asked for is the end of the connection. */
static void watch_link(struct gate *g)
{
	uint8_t event[6];
	char address[256];
	while (zmq_recv(g->link_monitor, event, sizeof event, ZMQ_DONTWAIT) >= 0) {
		zmq_recv(g->link_monitor, address, sizeof address, ZMQ_DONTWAIT);
		relay_cut(g->relay, g->now_ms);
	}
}

static bool pass_selftest(struct gate *g)
{
	struct err e;
	g->selftest_due = false;
	for (int i = 0; i < DOORS; i++) {
		if (selftest_door(&g->door[i], g->context, &e))
			continue;
		say(SAY_ERROR, "selftest-failed", "%s", e.text);
		return false;
	}
	say(SAY_NOTICE, "selftest-passed", "strangers are refused at every door");
	if (!g->ready)
		notify_send("READY=1");
	g->ready = true;
	return true;
}

static void signal_turn(struct gate *g, int signal_fd)
{
	struct signalfd_siginfo info;
	while (read(signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGHUP) {
			g->selftest_due = g->ready;
			continue;
		}
		stats_say();
		if (info.ssi_signo == SIGUSR1)
			continue;
		g->stop_now = g->stopping;
		g->stopping = true;
		g->stop_at_ms = g->now_ms + DRAIN_MS;
		notify_send("STOPPING=1\nSTATUS=waiting for what is under way");
		say(SAY_NOTICE, "stopping", "%u requests under way", relay_waiting(g->relay));
	}
}

/* G10: a registry nobody vouches for any more is dropped; handshakes and requests then wait. */
static void age_registry(struct gate *g)
{
	if (relay_is_open(g->relay) ||
	    g->now_ms - relay_heard_ms(g->relay) < g->conf->registry_max_age_s * 1000 ||
	    registry_serial(g) == 0)
		return;
	registry_drop(g->registry);
	stats_add(STAT_REGISTRY_AGED, 1);
	say(SAY_ERROR, "registry-aged", "no vault for %llu s: nobody is let in",
	    (unsigned long long)g->conf->registry_max_age_s);
}

/* The ping says that this loop turns and that ZAP answers; a stuck handler gets us restarted (F18). */
static void ping_watchdog(struct gate *g)
{
	if (g->watchdog_ms == 0 || g->now_ms < g->watchdog_at_ms)
		return;
	if (g->now_ms - zap_seen_ms(g->zap) > ZAP_PATIENCE_MS) {
		say(SAY_ERROR, "zap-stuck", "the ZAP handler does not answer");
		return;
	}
	g->watchdog_at_ms = g->now_ms + g->watchdog_ms;
	notify_send("WATCHDOG=1");
	notify_status("vault %s, registry %llu, %u under way", relay_is_open(g->relay) ? "linked" : "away",
	    (unsigned long long)registry_serial(g), relay_waiting(g->relay));
}

static long wait_ms(struct gate *g)
{
	uint64_t due = g->now_ms + 1000, relay_due = relay_tick(g->relay, g->now_ms);
	if (relay_due < due)
		due = relay_due;
	if (g->feed_down && g->now_ms + FEED_RETRY_MS < due)
		due = g->now_ms + FEED_RETRY_MS;
	return due > g->now_ms ? (long)(due - g->now_ms) : 0;
}

/* What the loop waits for; the last ones are the monitors, which the feed lacks while it is made anew. */
enum {
	AT_SUBMIT,
	AT_QUERY,
	AT_FEED,
	AT_LINK,
	AT_SIGNAL,
	AT_LINK_MONITOR,
	AT_MONITOR,
	AT_END = AT_MONITOR + DOORS
};

static int fill_items(const struct gate *g, int signal_fd, zmq_pollitem_t items[AT_END])
{
	int nobody = -1; /* poll ignores it */
	for (int i = 0; i < DOORS; i++) {
		bool down = i == DOOR_FEED && g->feed_down;
		items[i] = (zmq_pollitem_t){ g->door[i].socket, down ? nobody : 0, ZMQ_POLLIN, 0 };
		items[AT_MONITOR + i] =
		    (zmq_pollitem_t){ g->door[i].monitor, down ? nobody : 0, ZMQ_POLLIN, 0 };
	}
	items[AT_LINK] = (zmq_pollitem_t){ g->link, 0, ZMQ_POLLIN, 0 };
	items[AT_SIGNAL] = (zmq_pollitem_t){ NULL, signal_fd, ZMQ_POLLIN, 0 };
	items[AT_LINK_MONITOR] = (zmq_pollitem_t){ g->link_monitor, 0, ZMQ_POLLIN, 0 };
	return AT_END;
}

static void turn(struct gate *g, const zmq_pollitem_t *items)
{
	g->now_ms = os_boot_ms(os_real());
	if (items[AT_LINK].revents != 0)
		link_turn(g);
	if (items[AT_SUBMIT].revents != 0)
		door_turn(g, DOOR_SUBMIT);
	if (items[AT_QUERY].revents != 0)
		door_turn(g, DOOR_QUERY);
	for (int i = 0; i < DOORS; i++)
		if (g->door[i].monitor != NULL && items[AT_MONITOR + i].revents != 0)
			door_watch(&g->door[i], TURN_EVENTS);
	if (g->feed_down)
		reopen_feed(g);
	else if (items[AT_FEED].revents != 0)
		feed_turn(g);
	if (items[AT_LINK_MONITOR].revents != 0)
		watch_link(g);
	age_registry(g);
	ping_watchdog(g);
}

enum gate_exit gate_run(struct gate *g, int signal_fd)
{
	zmq_pollitem_t items[AT_END];
	notify_status("waiting for the vault");
	for (;;) {
		int n = fill_items(g, signal_fd, items);
		if (zmq_poll(items, n, wait_ms(g)) < 0 && errno != EINTR) {
			say(SAY_ERROR, "poll", "%s", zmq_strerror(errno));
			return GATE_EXIT_SOFTWARE;
		}
		turn(g, items);
		if (items[AT_SIGNAL].revents != 0)
			signal_turn(g, signal_fd);
		if (g->selftest_due && !g->feed_down && !pass_selftest(g))
			return GATE_EXIT_SOFTWARE;
		if (g->stop_now ||
		    (g->stopping && (relay_waiting(g->relay) == 0 || g->now_ms >= g->stop_at_ms)))
			break;
	}
	relay_stop(g->relay, BUSY_STOPPING);
	return GATE_EXIT_OK;
}
