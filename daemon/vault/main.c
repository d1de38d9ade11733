/* cellveild - the vault: opens forms, keeps them, publishes what may leave. No network socket of any kind. */
#include "daemon/say.h"
#include "daemon/vault/bindrows.h"
#include "daemon/vault/loop.h"
#include "daemon/vault/publish.h"
#include "daemon/vault/restore.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define EXIT_USAGE 64

static const char help[] =
    "usage: cellveild --config FILE [--check-config | --check | --replay DATASET/PERIOD/REVISION |\n"
    "                  --restored LEAVES | --bind-rows]\n"
    "\n"
    "The vault of one authority: takes sealed forms from cellveil-gate over a Unix socket, keeps them, and\n"
    "publishes releases below [paths] state. It has no network socket.\n"
    "\n"
    "  --config FILE     cellveil.conf of the authority\n"
    "  --check-config    read it, say what is wrong, and stop\n"
    "  --check           while the vault is stopped, as its user: hold every row of the store against what "
    "binds it,\n"
    "                    the log against guard, checkpoint and tiles, and the rows against the log; say what "
    "does not\n"
    "                    hold and where, and stop: 0 all holds, 78 something was changed or lost, 74 the "
    "file is\n"
    "                    damaged. Every start does the same first\n"
    "  --replay RELEASE  make a release again from its sealed forms, print the digests of what comes out, "
    "and\n"
    "                    stop; nothing is written, no socket opened. For `cellveil audit replay`, on a copy "
    "of\n"
    "                    the state or while the vault is stopped\n"
    "  --restored LEAVES as the vault's user, after a backup was put back: LEAVES is the number that the "
    "refused\n"
    "                    start told. Fetches the lost entries from public/log, writes a leaf that says so, "
    "lists\n"
    "                    the forms that must be sent again, and stops\n"
    "  --bind-rows       once, as the vault's user, for a store made by a version that did not bind its "
    "rows: check\n"
    "                    it, bind every row as it is, write a leaf that says so, and stop\n"
    "  --help, --version\n"
    "\n"
    "Exit codes: 0 stopped on request, 64 usage, 70 internal, 74 disk or store, 78 configuration or keys.\n";

struct arguments {
	const char *config;
	const char *replay;   /* a release's name; NULL: serve */
	const char *restored; /* a number of leaves */
	bool check_config, check, bind;
	int exit_code; /* -1: go on */
};

static int n_modes(const struct arguments *a)
{
	return (a->replay != NULL) + (a->restored != NULL) + a->check_config + a->check + a->bind;
}

static struct arguments read_arguments(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'k' }, { "check", no_argument, NULL, 's' },
		{ "bind-rows", no_argument, NULL, 'i' }, { "replay", required_argument, NULL, 'r' },
		{ "restored", required_argument, NULL, 'b' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 } };
	struct arguments a = { .exit_code = -1 };
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			a.config = optarg;
			break;
		case 'k':
			a.check_config = true;
			break;
		case 's':
			a.check = true;
			break;
		case 'i':
			a.bind = true;
			break;
		case 'r':
			a.replay = optarg;
			break;
		case 'b':
			a.restored = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			a.exit_code = 0;
			return a;
		case 'v':
			puts("cellveild " CELLVEIL_VERSION);
			a.exit_code = 0;
			return a;
		default:
			a.exit_code = EXIT_USAGE;
			return a;
		}
	}
	if (a.config == NULL || optind != argc || n_modes(&a) > 1) {
		fputs(help, stderr);
		a.exit_code = EXIT_USAGE;
	}
	return a;
}

/* Before any thread starts: signals are read from a descriptor, memory is not to be looked at. */
static bool harden(struct err *e)
{
	sigset_t set;
	umask(0077);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return err_set(e, ERR_SYSTEM, "signals: %s", strerror(errno));
#ifndef __SANITIZE_ADDRESS__ /* the leak checker must attach to its own process */
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		return err_set(e, ERR_SYSTEM, "memory cannot be kept out of core dumps: %s", strerror(errno));
#endif
	if (sodium_init() < 0)
		return err_set(e, ERR_SYSTEM, "libsodium does not start");
	return true;
}

/* A failure before READY: what the operator must change, or what the machine failed at. */
static int start_code(const struct err *e)
{
	if (e->code == ERR_SYSTEM || e->code == ERR_FULL)
		return EXIT_IO;
	return e->code == ERR_INTERNAL || e->code == ERR_MEMORY ? EXIT_INTERNAL : EXIT_CONFIG;
}

static int serve(const struct conf *conf, struct err *e)
{
	struct vault v;
	int code = 0;
	if (!vault_open(&v, os_real(), conf, e) || !loop_prepare(&v, e))
		code = start_code(e);
	else
		code = loop_run(&v, e);
	loop_close(&v);
	vault_close(&v);
	return code;
}

typedef bool open_fn(struct vault *v, const struct os *os, const struct conf *conf, struct err *e);
typedef bool answer_fn(struct vault *v, const char *argument, struct buf *out, struct err *e);

/* One answer from the store, without link and admin. */
static int answer(const struct conf *conf, open_fn *open, answer_fn *fn, const char *argument, struct err *e)
{
	struct vault v;
	struct buf out = { 0 };
	int code = 0;
	if (!open(&v, os_real(), conf, e) || !fn(&v, argument, &out, e))
		code = start_code(e);
	else if (fwrite(out.data, 1, out.size, stdout) != out.size || fflush(stdout) != 0)
		code = err_set(e, ERR_SYSTEM, "standard output: %s", strerror(errno)) ? 0 : EXIT_IO;
	buf_free(&out);
	vault_close(&v);
	return code;
}

static bool put_back(struct vault *v, const char *argument, struct buf *out, struct err *e)
{
	char *end;
	errno = 0;
	unsigned long long leaves = strtoull(argument, &end, 10);
	if (argument[0] < '0' || argument[0] > '9' || *end != 0 || errno != 0)
		return err_set(
		    e, ERR_INVALID, "--restored wants the number of leaves that the guard has seen");
	return restore_store(v, leaves, out, e);
}

static int go(const struct arguments *a, const struct conf *conf, struct err *e)
{
	if (a->check_config)
		return 0;
	if (!harden(e))
		return EXIT_INTERNAL;
	if (a->restored != NULL)
		return answer(conf, vault_open_older, put_back, a->restored, e);
	if (a->check)
		return answer(conf, vault_open, bindrows_check, NULL, e);
	if (a->bind)
		return answer(conf, vault_open_older, bindrows_take, NULL, e);
	return a->replay != NULL ? answer(conf, vault_open, publish_replay, a->replay, e) : serve(conf, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct conf conf;
	struct arguments a = read_arguments(argc, argv);
	if (a.exit_code >= 0)
		return a.exit_code;
	int code = EXIT_CONFIG;
	if (conf_read(&conf, a.config, &e))
		code = go(&a, &conf, &e);
	if (code != 0)
		say(SAY_ERROR, "stop", "%s", e.text);
	return code;
}
