/* bench: client
 *
 * bench_intake CONFIG DATASET PERIOD FORMS RATE DIR...   durable submissions a second, end to end
 *
 * Each DIR is an enrolled office's folder. FORMS forms an office are signed and sealed beforehand; then they
 * are sent over real sockets, at most four in flight an office. RATE 0 sends as fast as answers come;
 * otherwise forms fall due at RATE a second whether or not answers come (open loop), and a form's time counts
 * from when it was due. Prints one line of JSON. bench/bench.sh puts the peers of the same run beside it. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "client/command.h"
#include "client/deployment.h"
#include "client/file.h"
#include "client/keyfile.h"
#include "proto/config.h"
#include "proto/message.h"
#include "proto/seal.h"
#include "proto/submission.h"

#define IN_FLIGHT 4

struct office {
	struct deployment d;
	struct key_signer *signer;
	void *socket;
	struct buf *message; /* sealed beforehand */
	int64_t *due, *done; /* ms; done 0: no receipt yet */
	unsigned next, in_flight, accepted;
	unsigned slot[IN_FLIGHT]; /* which message waits */
	uint8_t rid[IN_FLIGHT][MESSAGE_RID_BYTES];
};

struct bench {
	struct config *config;
	const char *dataset, *period;
	unsigned forms, n;
	double rate;
	struct office *office;
	unsigned busy, rejected;
};

static void die(const char *what, const struct err *e)
{
	fprintf(stderr, "bench_intake: %s: %s\n", what, e == NULL ? "failed" : e->text);
	exit(1);
}

static void figures_make(const struct config *config, struct figures *f, unsigned seed)
{
	f->n = config->n_asked;
	f->state = calloc(f->n, 1);
	f->value = calloc(f->n, sizeof *f->value);
	for (uint32_t i = 0; i < f->n; i++)
		f->value[i] = (seed * 7919u + i * 31u) % 97u;
}

/* One signed, sealed SUBMIT body, ready to send. */
static void message_make(struct bench *b, struct office *o, unsigned revision)
{
	struct submission_header h = { .revision = revision, .act = ACT_FIGURES, .created_s = 1700000000 };
	struct figures f;
	struct buf header = { 0 };
	struct buf payload = { 0 };
	struct buf box = { 0 };
	struct message m = { .kind = MSG_SUBMIT };
	struct err e = { 0 };
	uint8_t blind[BLIND_BYTES];
	uint8_t sig[KEY_SIG_BYTES];
	const struct keyset_key *intake = keyset_active(&o->d.keyset, KEY_INTAKE);
	if (intake == NULL)
		die("no intake key", NULL);
	snprintf(h.dataset, sizeof h.dataset, "%s", b->dataset);
	snprintf(h.period, sizeof h.period, "%s", b->period);
	snprintf(h.office, sizeof h.office, "%s", o->d.settings.name);
	memcpy(h.config_digest, b->config->digest, 32);
	memcpy(h.office_key_id, o->signer->id, KEY_ID_BYTES);
	randombytes_buf(h.submission_id, sizeof h.submission_id);
	randombytes_buf(blind, sizeof blind);
	randombytes_buf(m.rid, sizeof m.rid);
	figures_make(b->config, &f, revision);
	if (!submission_header_encode(&header, &h, &e) ||
	    !payload_encode_figures(&payload, b->config, &f, blind, &e) ||
	    !submission_sign(sig, o->signer, buf_bytes(&header), buf_bytes(&payload), &e) ||
	    !seal_box(&box, sig, buf_bytes(&payload), intake->key, &e))
		die("sealing", &e);
	m.submit.header = buf_bytes(&header);
	m.submit.box = buf_bytes(&box);
	memcpy(m.submit.intake_key_id, intake->id, KEY_ID_BYTES);
	if (!message_encode(&o->message[revision], &m, &e))
		die("encoding", &e);
	free(f.state);
	free(f.value);
	buf_free(&header);
	buf_free(&payload);
	buf_free(&box);
}

static void office_open(struct bench *b, struct office *o, const char *dir)
{
	struct err e = { 0 };
	if (deployment_open(&o->d, dir, &e) != EXIT_OK)
		die(dir, &e);
	deployment_wait(&o->d, 30);
	if (deployment_keys(&o->d, &e) != EXIT_OK || (o->signer = keyfile_signer(dir, KEY_SIGN, &e)) == NULL)
		die(dir, &e);
	o->message = calloc(b->forms, sizeof *o->message);
	o->due = calloc(b->forms, sizeof *o->due);
	o->done = calloc(b->forms, sizeof *o->done);
	for (unsigned i = 0; i < b->forms; i++)
		message_make(b, o, i);
}

static void office_connect(struct office *o)
{
	struct err e = { 0 };
	char server[KEY_Z85_BYTES];
	char public[KEY_Z85_BYTES];
	char secret[KEY_Z85_BYTES];
	uint8_t mine[KEY_BYTES];
	int linger = 0;
	if (!keyfile_public(o->d.settings.dir, KEY_CURVE, mine, &e))
		die("curve key", &e);
	keys_z85(server, o->d.settings.join.curve);
	keys_z85(public, mine);
	keys_z85(secret, o->d.curve);
	o->socket = zmq_socket(net_context(&e), ZMQ_DEALER);
	zmq_setsockopt(o->socket, ZMQ_CURVE_SERVERKEY, server, KEY_Z85_BYTES);
	zmq_setsockopt(o->socket, ZMQ_CURVE_PUBLICKEY, public, KEY_Z85_BYTES);
	zmq_setsockopt(o->socket, ZMQ_CURVE_SECRETKEY, secret, KEY_Z85_BYTES);
	zmq_setsockopt(o->socket, ZMQ_LINGER, &linger, sizeof linger);
	sodium_memzero(secret, sizeof secret);
	if (zmq_connect(o->socket, o->d.settings.join.submit) != 0)
		die("connect", NULL);
}

/* The rid stands at a fixed place: array(4), 1, kind, bin8 16. */
static const uint8_t *rid_of(const uint8_t *body)
{
	return body + 5;
}

static bool office_send(struct office *o, int64_t now)
{
	if (o->next == 0 || o->in_flight < IN_FLIGHT) {
		struct buf *m = &o->message[o->next];
		if (zmq_send(o->socket, m->data, m->size, ZMQ_DONTWAIT) < 0)
			return false;
		for (unsigned s = 0; s < IN_FLIGHT; s++)
			if (o->slot[s] == UINT32_MAX) {
				o->slot[s] = o->next;
				memcpy(o->rid[s], rid_of(m->data), MESSAGE_RID_BYTES);
				break;
			}
		if (o->due[o->next] == 0)
			o->due[o->next] = now;
		o->in_flight++;
		o->next++;
		return true;
	}
	return false;
}

static void office_receive(struct bench *b, struct office *o, int64_t now)
{
	static uint8_t body[1 << 16];
	int len;
	while ((len = zmq_recv(o->socket, body, sizeof body, ZMQ_DONTWAIT)) > 0) {
		uint64_t kind;
		uint8_t rid[MESSAGE_RID_BYTES];
		if (!message_peek(bytes_of(body, (size_t)len), &kind, rid, NULL))
			continue;
		for (unsigned s = 0; s < IN_FLIGHT; s++) {
			if (o->slot[s] == UINT32_MAX || memcmp(o->rid[s], rid, sizeof rid) != 0)
				continue;
			o->in_flight--;
			if (kind == MSG_RECEIPT) {
				o->done[o->slot[s]] = now;
				o->accepted++;
			} else if (kind == MSG_BUSY) {
				b->busy++;
			} else {
				b->rejected++;
			}
			o->slot[s] = UINT32_MAX;
		}
	}
}

static unsigned outstanding(const struct bench *b)
{
	unsigned left = 0;
	for (unsigned i = 0; i < b->n; i++)
		left += b->forms - b->office[i].next + b->office[i].in_flight;
	return left;
}

static int64_t run(struct bench *b)
{
	zmq_pollitem_t *item = calloc(b->n, sizeof *item);
	int64_t begin = net_now_ms();
	unsigned turn = 0;
	for (unsigned i = 0; i < b->n; i++)
		item[i] = (zmq_pollitem_t){ b->office[i].socket, 0, ZMQ_POLLIN, 0 };
	while (outstanding(b) > 0 && net_now_ms() - begin < 120000) {
		int64_t now = net_now_ms();
		for (unsigned i = 0; i < b->n; i++) {
			struct office *o = &b->office[(i + turn) % b->n];
			while (o->next < b->forms && (b->rate <= 0 || o->due[o->next] <= now) &&
			       office_send(o, now))
				;
		}
		turn++;
		zmq_poll(item, (int)b->n, 1);
		now = net_now_ms();
		for (unsigned i = 0; i < b->n; i++)
			if (item[i].revents != 0)
				office_receive(b, &b->office[i], now);
	}
	free(item);
	return net_now_ms() - begin;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void print(const struct bench *b, int64_t ms)
{
	int64_t *took = calloc((size_t)b->n * b->forms + 1, sizeof *took);
	size_t n = 0;
	for (unsigned i = 0; i < b->n; i++)
		for (unsigned k = 0; k < b->forms; k++)
			if (b->office[i].done[k] != 0)
				took[n++] = b->office[i].done[k] - b->office[i].due[k];
	qsort(took, n, sizeof *took, compare);
	printf("{\"accepted\":%zu,\"busy\":%u,\"rejected\":%u,\"bytes\":%zu,\"ms\":%lld,\"per_second\":%.0f,"
	       "\"median_ms\":%lld,\"p99_ms\":%lld}\n",
	    n, b->busy, b->rejected, b->office[0].message[0].size, (long long)ms,
	    ms > 0 ? 1000.0 * (double)n / (double)ms : 0, (long long)(n > 0 ? took[n / 2] : 0),
	    (long long)(n > 0 ? took[n * 99 / 100] : 0));
	free(took);
}

int main(int argc, char **argv)
{
	struct bench b = { 0 };
	struct err e = { 0 };
	struct buf file = { 0 };
	if (argc < 7 || sodium_init() < 0) {
		fprintf(stderr, "usage: bench_intake CONFIG DATASET PERIOD FORMS RATE DIR...\n");
		return 2;
	}
	if (!file_read(&file, argv[1], LIMIT_CONFIG_FILE, &e) ||
	    (b.config = config_parse(buf_bytes(&file), &e)) == NULL)
		die(argv[1], &e);
	b.dataset = argv[2];
	b.period = argv[3];
	b.forms = (unsigned)strtoul(argv[4], NULL, 10);
	b.rate = strtod(argv[5], NULL);
	b.n = (unsigned)argc - 6;
	b.office = calloc(b.n, sizeof *b.office);
	for (unsigned i = 0; i < b.n; i++) {
		office_open(&b, &b.office[i], argv[6 + i]);
		office_connect(&b.office[i]);
		for (unsigned s = 0; s < IN_FLIGHT; s++)
			b.office[i].slot[s] = UINT32_MAX;
	}
	int64_t begin = net_now_ms() + 100;
	for (unsigned k = 0; b.rate > 0 && k < b.forms; k++)
		for (unsigned i = 0; i < b.n; i++)
			b.office[i].due[k] = begin + (int64_t)(1000.0 * (k * b.n + i) / b.rate);
	print(&b, run(&b));
	return 0;
}
