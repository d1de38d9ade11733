/* The real cellveild, killed at every kind of call and at every named point while forms arrive.
 *
 * Oracles: a form with a receipt is there afterwards; none is counted twice; the sum over the sealed set is
 * the model's. Each form adds its own power of two to one cell, so that a wrong sum names the culprit. */
#include "proto/seal.h"
#include "world.h"

#include <signal.h>
#include <sys/wait.h>
#include <zmq.h>

#define OFFICES 12u
#define FORMS   (2 * OFFICES) /* revisions 0 and 1 of each */
#define CHUNK   4u            /* forwarded at a time: several commits in a run */
#define WAIT_MS 200           /* for an answer, before we look whether the daemon lives */
#define ROUNDS  200           /* of waiting: 40 s in all */

struct form {
	struct buf body; /* SUBMIT */
	uint8_t statement[32];
	bool receipted;
};

struct run {
	struct world w;
	struct form form[FORMS];
	uint8_t principal[8];
	pid_t daemon;
	void *context, *socket;
	struct link_frame frame;
	struct message message;
	uint8_t session[LINK_SESSION_BYTES];
	uint64_t n;
};

/* --- the world before the daemon starts --- */

static void put_config(struct buf *out)
{
	buf_put_text(out, "cellveil-config: 1\norigin: stats.example/log1\ndataset: personal-support\n"
			  "form: {id: f, version: \"1\"}\nperiod: YYYY\ncodes:\n  office: [{code: _T}");
	for (unsigned i = 0; i < OFFICES; i++)
		buf_printf(out, ", {code: office-%u, of: [_T]}", i);
	buf_put_text(out, "]\nmeasures: [{id: n, max: 1000000000000, unit: other}]\nasked: [n]\n");
}

static void make_signer(struct key_signer *signer, unsigned office)
{
	uint8_t seed[32];
	memset(seed, 0x80 + (int)office, sizeof seed);
	keys_signer(signer, seed);
}

static void enroll(struct run *r)
{
	struct key_signer signer;
	char name[16];
	struct err e;
	const char *dataset = "personal-support";
	uint8_t curve[32];
	uint8_t seed[32] = { 0x77 };
	crypto_scalarmult_base(curve, seed);
	keys_id(r->principal, KEY_TYPE_CURVE, curve);
	for (unsigned i = 0; i < OFFICES; i++) {
		snprintf(name, sizeof name, "office-%u", i);
		make_signer(&signer, i);
		struct registry_change change = { .office = name,
			.curve_key = curve,
			.sign_key = signer.public,
			.roles = ROLE_OFFICE,
			.dataset = &dataset,
			.n_datasets = 1 };
		check(vault_enroll(&r->w.v, &change, &e), &e);
	}
}

static void make_form(struct run *r, unsigned k, const uint8_t digest[32], const struct config *config,
    const struct intake_key *key)
{
	struct key_signer signer;
	struct err e;
	struct buf header = { 0 };
	struct buf payload = { 0 };
	struct buf box = { 0 };
	uint8_t sig[64];
	uint8_t blind[32];
	uint8_t state = FIGURE_VALUE;
	uint64_t value = 1ull << k;
	struct figures figures = { 1, &state, &value };
	struct submission_header h = {
		.dataset = "personal-support", .period = "2025", .revision = k / OFFICES, .act = ACT_FIGURES
	};
	struct message m = { .kind = MSG_SUBMIT };
	snprintf(h.office, sizeof h.office, "office-%u", k % OFFICES);
	make_signer(&signer, k % OFFICES);
	memcpy(h.config_digest, digest, 32);
	memcpy(h.office_key_id, signer.id, 8);
	randombytes_buf(h.submission_id, sizeof h.submission_id);
	randombytes_buf(blind, sizeof blind);
	check(submission_header_encode(&header, &h, &e), &e);
	check(payload_encode_figures(&payload, config, &figures, blind, &e), &e);
	check(submission_sign(sig, &signer, buf_bytes(&header), buf_bytes(&payload), &e), &e);
	check(seal_box(&box, sig, buf_bytes(&payload), key->public_key, &e), &e);
	submission_statement_digest(r->form[k].statement, buf_bytes(&header), buf_bytes(&payload));
	m.submit.header = buf_bytes(&header);
	m.submit.box = buf_bytes(&box);
	memcpy(m.submit.intake_key_id, key->key_id, 8);
	randombytes_buf(m.rid, sizeof m.rid);
	check(message_encode(&r->form[k].body, &m, &e), &e);
	buf_free(&header);
	buf_free(&payload);
	buf_free(&box);
}

static void make_world(struct run *r)
{
	struct err e;
	struct buf yaml = { 0 };
	uint8_t digest[32];
	uint8_t key_id[8];
	world_make(&r->w);
	r->w.os = *os_real(); /* the daemon has the real clock */
	world_open(&r->w);
	put_config(&yaml);
	check(vault_begin(&r->w.v, &e), &e);
	check(vault_add_config(&r->w.v, buf_bytes(&yaml), digest, &e), &e);
	enroll(r);
	check(vault_new_intake_key(&r->w.v, INTAKE_ACTIVE, 0, 4000000000u, key_id, &e), &e);
	check(vault_plan_period(&r->w.v, "personal-support", "2025", 1, 4000000000u, &e), &e);
	check(vault_commit(&r->w.v, &e), &e);
	check(vault_tick_periods(&r->w.v, &e), &e);
	const struct config *config = vault_config(&r->w.v, digest, &e);
	check(config != NULL, &e);
	for (unsigned k = 0; k < FORMS; k++)
		make_form(r, k, digest, config, vaultkeys_find_intake(&r->w.v.keys, key_id));
	buf_free(&yaml);
	world_close(&r->w);
}

/* --- the daemon --- */

/* prefix: words before cellveild, ended by NULL; crash: value of CELLVEIL_CRASH or NULL */
static void start(struct run *r, const char *const *prefix, const char *crash)
{
	char conf[96];
	const char *argv[24];
	size_t n = 0;
	FILE *f;
	snprintf(conf, sizeof conf, "%s/cellveil.conf", r->w.dir);
	f = fopen(conf, "w");
	assert_non_null(f);
	fprintf(f,
	    "[authority]\nname = test\norigin = stats.example/log1\n[paths]\nstate = %s/state\nrun = %s/run\n"
	    "keys = %s/keys\n[vault]\ncheckpoint_ms = 10\nspace_low_mib = 0\nballast_mib = 0\n",
	    r->w.dir, r->w.dir, r->w.dir);
	fclose(f);
	while (prefix != NULL && prefix[n] != NULL) {
		argv[n] = prefix[n];
		n++;
	}
	argv[n++] = TEST_BIN "/cellveild";
	argv[n++] = "--config";
	argv[n++] = conf;
	argv[n] = NULL;
	r->daemon = fork();
	assert_true(r->daemon >= 0);
	if (r->daemon == 0) {
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* nobody can attach twice */
		if (crash != NULL)
			setenv("CELLVEIL_CRASH", crash, 1);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
}

/* True if the daemon has ended; *status is what waitpid says. */
static bool ended(struct run *r, int *status)
{
	if (r->daemon == 0)
		return true;
	if (waitpid(r->daemon, status, WNOHANG) != r->daemon)
		return false;
	r->daemon = 0;
	return true;
}

/* Asks the daemon to stop. False: the fault got it on the way out; *status says how. */
static bool stop(struct run *r, int *status)
{
	assert_int_equal(kill(r->daemon, SIGTERM), 0);
	assert_int_equal(waitpid(r->daemon, status, 0), r->daemon);
	r->daemon = 0;
	return WIFEXITED(*status) && WEXITSTATUS(*status) == 0;
}

/* --- the gate's end of the link --- */

static void send_frame(struct run *r)
{
	struct buf bytes = { 0 };
	struct err e;
	memcpy(r->frame.session, r->session, sizeof r->session);
	check(link_encode(&bytes, &r->frame, &e), &e);
	zmq_send(r->socket, bytes.data, bytes.size, ZMQ_DONTWAIT);
	buf_free(&bytes);
}

/* One frame of the vault into r->frame, whose views live in part. */
static bool receive(struct run *r, zmq_msg_t *part)
{
	struct err e;
	zmq_msg_init(part);
	if (zmq_msg_recv(part, r->socket, 0) < 0)
		return false;
	check(link_decode(&r->frame, bytes_of(zmq_msg_data(part), zmq_msg_size(part)), LINK_FROM_VAULT, &e),
	    &e);
	return true;
}

static void connect_link(struct run *r)
{
	char endpoint[128];
	int wait_ms = WAIT_MS;
	int zero = 0;
	int one = 1;
	snprintf(endpoint, sizeof endpoint, "ipc://%s/run/link/vault", r->w.dir);
	r->context = zmq_ctx_new();
	r->socket = zmq_socket(r->context, ZMQ_DEALER);
	assert_non_null(r->socket);
	zmq_setsockopt(r->socket, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
	zmq_setsockopt(r->socket, ZMQ_LINGER, &zero, sizeof zero);
	zmq_setsockopt(r->socket, ZMQ_IMMEDIATE, &one, sizeof one);
	assert_int_equal(zmq_connect(r->socket, endpoint), 0);
}

static void disconnect_link(struct run *r)
{
	zmq_close(r->socket);
	zmq_ctx_term(r->context);
}

static void send_open(struct run *r)
{
	randombytes_buf(r->session, sizeof r->session);
	r->n = 0;
	r->frame = (struct link_frame){ .kind = LINK_OPEN };
	send_frame(r);
}

static void forward_chunk(struct run *r, unsigned *at)
{
	unsigned sent = 0;
	for (; *at < FORMS && sent < CHUNK; ++*at) {
		if (r->form[*at].receipted)
			continue;
		r->frame = (struct link_frame){ .kind = LINK_FORWARD,
			.forward = {
			    .n = 1 + *at, .endpoint = LINK_SUBMIT, .body = buf_bytes(&r->form[*at].body) } };
		memcpy(r->frame.forward.principal, r->principal, 8);
		send_frame(r);
		sent++;
	}
}

static void take_reply(struct run *r)
{
	struct err e;
	struct receipt receipt;
	struct key_signer signer;
	uint8_t seed[32];
	unsigned k = (unsigned)r->frame.reply.n - 1;
	assert_true(k < FORMS);
	check(message_decode(&r->message, r->frame.reply.body, &e), &e);
	assert_int_equal(r->message.kind, MSG_RECEIPT);
	memset(seed, 6, sizeof seed);
	keys_signer(&signer, seed);
	check(receipt_open(
		  &receipt, r->message.receipt.statement, r->message.receipt.signature, signer.public, &e),
	    &e);
	assert_memory_equal(receipt.statement_digest, r->form[k].statement, 32);
	r->form[k].receipted = true;
}

static bool all_receipted(const struct run *r)
{
	for (unsigned k = 0; k < FORMS; k++)
		if (!r->form[k].receipted)
			return false;
	return true;
}

static bool before_done(const struct run *r, unsigned at)
{
	for (unsigned k = 0; k < at; k++)
		if (!r->form[k].receipted)
			return false;
	return true;
}

/* One session: forms in order, until all are receipted or the daemon is gone. */
static bool session(struct run *r, int *status)
{
	unsigned at = 0;
	bool open = false;
	connect_link(r);
	for (int round = 0; round < ROUNDS && !all_receipted(r); round++) {
		zmq_msg_t part;
		if (!open)
			send_open(r);
		bool got = receive(r, &part);
		if (got && r->frame.kind == LINK_OPENED)
			open = true;
		if (got && r->frame.kind == LINK_REPLY)
			take_reply(r);
		if (got)
			link_free(&r->frame);
		zmq_msg_close(&part);
		if (!got && ended(r, status))
			break;
		if (open && before_done(r, at))
			forward_chunk(r, &at);
		if (got)
			round = 0;
	}
	disconnect_link(r);
	return all_receipted(r);
}

/* --- the oracles --- */

static bool add_value(void *context, const struct sealed *form, struct err *e)
{
	(void)e;
	*(uint64_t *)context += form->figures->value[0];
	return true;
}

static uint64_t count(struct run *r, const char *sql, const uint8_t statement[32])
{
	struct rows rows;
	struct err e;
	rows_open(&rows, r->w.v.store, sql, "b", bytes_of(statement, 32));
	assert_true(rows_next(&rows));
	uint64_t n = rows_uint(&rows, 0);
	check(rows_close(&rows, &e), &e);
	return n;
}

static void check_store(struct run *r)
{
	struct err e;
	struct period p;
	uint64_t sum = 0;
	uint64_t model = 0;
	bool stored[FORMS];
	world_open(&r->w);
	for (unsigned k = 0; k < FORMS; k++) {
		uint64_t n =
		    count(r, "SELECT count(*) FROM submission WHERE statement = ?", r->form[k].statement);
		assert_true(n <= 1);
		assert_true(n == 1 || !r->form[k].receipted); /* i */
		stored[k] = n == 1;
		assert_int_equal(count(r, "SELECT count(*) FROM leaf WHERE instr(entry, lower(hex(?)))",
				     r->form[k].statement),
		    n);
	}
	for (unsigned i = 0; i < OFFICES; i++) /* the highest revision of each office */
		model += stored[OFFICES + i] ? 1ull << (OFFICES + i) : stored[i] ? 1ull << i : 0;
	check(vault_period(&r->w.v, "personal-support", "2025", &p, &e), &e);
	struct seal_span span = { .upto_seq = vault_last_seq(&r->w.v) };
	check(vault_each_sealed(&r->w.v, &p, span, add_value, &sum, &e), &e);
	assert_int_equal(sum, model); /* ii, iii */
	world_close(&r->w);
}

static struct run *new_run(void)
{
	struct run *r = calloc(1, sizeof *r);
	assert_non_null(r);
	make_world(r);
	return r;
}

static void end_run(struct run *r)
{
	for (unsigned k = 0; k < FORMS; k++)
		buf_free(&r->form[k].body);
	world_remove(&r->w);
	free(r);
}

/* How a daemon may end that meets its fault: killed, or (a disk that fails) with exit code 74. */
enum fate { KILLED, GIVES_UP };

static void check_fate(int status, enum fate fate)
{
	if (fate == KILLED) {
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
	} else {
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 74);
	}
}

/* One fault; looks, starts again without it, goes on to the end, looks again. False: it never struck. */
static bool fail_once(const char *const *prefix, const char *crash, enum fate fate)
{
	struct run *r = new_run();
	int status = 0;
	start(r, prefix, crash);
	bool survived = session(r, &status) && stop(r, &status);
	if (!survived) {
		assert_int_equal(r->daemon, 0);
		check_fate(status, fate);
		check_store(r);
		start(r, NULL, NULL);
		assert_true(session(r, &status));
		assert_true(stop(r, &status));
	}
	check_store(r);
	end_run(r);
	return !survived;
}

static void test_quiet(void **state)
{
	(void)state;
	assert_false(fail_once(NULL, NULL, KILLED));
}

/* The vault needs no network: the same in a namespace that has none. */
static void test_no_network(void **state)
{
	static const char *const prefix[] = { "unshare", "-rn", "--", NULL };
	(void)state;
	if (system("unshare -rn true 2>/dev/null") != 0)
		skip();
	assert_false(fail_once(prefix, NULL, KILLED));
}

static void test_crash_points(void **state)
{
	(void)state;
#ifdef CELLVEIL_CRASH_POINTS
	static const char *const points[] = { "intake-before-commit", "intake-before-commit:3",
		"intake-after-commit", "intake-after-commit:2", "intake-after-reply", "intake-after-reply:7",
		"journal-tiles", "journal-guard:2", "journal-checkpoint" };
	for (size_t i = 0; i < sizeof points / sizeof *points; i++)
		if (!fail_once(NULL, points[i], KILLED))
			fail_msg("%s was never passed", points[i]);
#else
	skip();
#endif
}

struct fault {
	const char *call;
	unsigned when;
};

/* One fault at the N-th call of a kind, by a tracer that stands aside (-D) so that the daemon stays our
 * child. rest: what strace's inject= says after the call's name. Returns how many struck. */
static unsigned inject(const struct fault *fault, size_t n, const char *rest, enum fate fate)
{
	unsigned struck = 0;
	for (size_t i = 0; i < n; i++) {
		char trace[64];
		char what[96];
		snprintf(trace, sizeof trace, "trace=%s", fault[i].call);
		snprintf(what, sizeof what, "inject=%s:%s:when=%u", fault[i].call, rest, fault[i].when);
		const char *prefix[] = { "strace", "-D", "-f", "-o", "/dev/null", "-e", trace, "-e", what,
			NULL };
		struck += fail_once(prefix, NULL, fate);
	}
	return struck;
}

static bool can_trace(void)
{
	return system("strace -o /dev/null true 2>/dev/null") == 0;
}

/* kill -9. Some calls come before the first form: the numbers are spread over start, intake and log. */
static void test_system_calls(void **state)
{
	static const struct fault faults[] = { { "pwrite64", 40 }, { "pwrite64", 75 }, { "pwrite64", 90 },
		{ "fdatasync", 4 }, { "fdatasync", 7 }, { "fdatasync", 9 }, { "fsync", 5 }, { "fsync", 30 },
		{ "renameat,renameat2", 3 }, { "renameat,renameat2", 8 } };
	(void)state;
	if (!can_trace())
		skip();
	assert_true(inject(faults, sizeof faults / sizeof *faults, "signal=KILL", KILLED) >= 7);
}

/* A disk that fails once: no receipt rests on it, the daemon gives up at once and never tries the sync again.
 */
static void test_failing_disk(void **state)
{
	static const struct fault io[] = { { "fdatasync", 5 }, { "fdatasync", 8 }, { "pwrite64", 60 },
		{ "fsync", 12 } };
	static const struct fault space[] = { { "pwrite64", 70 } };
	(void)state;
	if (!can_trace())
		skip();
	assert_true(inject(io, sizeof io / sizeof *io, "error=EIO", GIVES_UP) >= 3);
	assert_true(inject(space, 1, "error=ENOSPC", GIVES_UP) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_quiet), cmocka_unit_test(test_no_network),
		cmocka_unit_test(test_crash_points), cmocka_unit_test(test_system_calls),
		cmocka_unit_test(test_failing_disk) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
