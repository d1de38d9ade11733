/* cellveil-gate - serves the network, relays sealed forms, and can open none of them. */
#include "daemon/gate/gate.h"
#include "daemon/say.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const char usage[] =
    "usage: cellveil-gate --config FILE [--check-config]\n"
    "       cellveil-gate --help | --version\n"
    "\n"
    "The network side of cellveil: checks keys, limits rates, relays sealed forms to\n"
    "cellveild and answers readers from its public directory.\n"
    "\n"
    "  --config FILE    the deployment's configuration, cellveil.conf(5)\n"
    "  --check-config   read it, say what is wrong, and stop\n"
    "\n"
    "SIGTERM drains and stops, SIGHUP repeats the self-test, SIGUSR1 writes the counters\n"
    "to the journal.\n";

struct arguments {
	const char *config;
	bool check_only, done; /* done: --help or --version was answered */
};

static bool parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'k' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 } };
	int c;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'c')
			a->config = optarg;
		else if (c == 'k')
			a->check_only = true;
		else if (c == 'h' || c == 'v')
			a->done = printf("%s", c == 'h' ? usage : "cellveil-gate " CELLVEIL_VERSION "\n") > 0;
		else
			return false;
	}
	return a->done || (a->config != NULL && optind == argc);
}

/* Signals are read from a descriptor, so that they arrive between two turns and in no other thread. */
static int block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static enum gate_exit serve(const struct conf *conf)
{
	struct err e;
	int signals = block_signals();
	if (signals < 0) {
		say(SAY_ERROR, "signals", "%s", strerror(errno));
		return GATE_EXIT_SOFTWARE;
	}
	struct gate *g = gate_new(conf, &e);
	if (g == NULL) {
		say(SAY_ERROR, "start", "%s", e.text);
		close(signals);
		return e.code == ERR_MEMORY ? GATE_EXIT_SOFTWARE : GATE_EXIT_CONFIG;
	}
	enum gate_exit code = gate_run(g, signals);
	gate_free(g);
	close(signals);
	return code;
}

int main(int argc, char **argv)
{
	struct arguments a = { 0 };
	static struct conf conf; /* tens of kilobytes */
	struct err e;
	/* Before anything secret is read: no core dump, no tracer, no way up. */
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!parse(&a, argc, argv)) {
		fputs(usage, stderr);
		return GATE_EXIT_USAGE;
	}
	if (a.done)
		return GATE_EXIT_OK;
	if (sodium_init() < 0) /* Z1: before zmq_ctx_new */
		return GATE_EXIT_SOFTWARE;
	if (!conf_read(&conf, a.config, &e)) {
		fprintf(stderr, "cellveil-gate: %s\n", e.text);
		return GATE_EXIT_CONFIG;
	}
	return a.check_only ? GATE_EXIT_OK : serve(&conf);
}
