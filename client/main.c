/* cellveil - for offices that send forms, and for researchers and auditors who read releases. */
#include "client/audit/audit.h"
#include "client/commands.h"
#include "client/net.h"
#include "client/outbox.h"
#include "client/protect/attack.h"
#include "client/protect/protect.h"
#include "client/protect/verifycert.h"
#include "client/text.h"
#include <malloc.h>
#include <sodium.h>

#define WAIT                                                                                                 \
	{                                                                                                    \
		"wait", 'w', "SECONDS", N_("give up after so long; default: never")                          \
	}
#define DATASET                                                                                              \
	{                                                                                                    \
		"dataset", 'd', "NAME", N_("which dataset, if there are several")                            \
	}
#define PERIOD                                                                                               \
	{                                                                                                    \
		"period", 'p', "PERIOD", N_("2024, 2024-Q1, ...; default: what the form says")               \
	}
#define YEAR                                                                                                 \
	{                                                                                                    \
		"year", 0, "YEAR", N_("the same as --period")                                                \
	}
#define LAST_YEAR                                                                                            \
	{                                                                                                    \
		"last-year", 0, "FILE", N_("compare with this form of the period before")                    \
	}
#define CONFIG                                                                                               \
	{                                                                                                    \
		"config", 0, "FILE", N_("use this definition of the form, ask nobody")                       \
	}
#define YES                                                                                                  \
	{                                                                                                    \
		"yes", 'y', NULL, N_("do not ask; open boxes go as not reported")                            \
	}
#define BLANKS                                                                                               \
	{                                                                                                    \
		"blanks", 0, "not-reported", N_("empty boxes are meant: they go as not reported")            \
	}
#define STRICT                                                                                               \
	{                                                                                                    \
		"strict", 0, NULL, N_("warnings stop too (exit 4)")                                          \
	}

static const struct command commands[] = {
	{ "init", "", N_("make keys and print the line for the operator"),
	    "cellveil init --office north > line-for-the-operator.txt",
	    { { "office", 'o', "CODE", N_("the office's code, from the operator") },
		{ "researcher", 0, "NAME", N_("you only read releases") },
		{ "auditor", 0, "NAME", N_("you also read sealed manifests") },
		{ "gate", 'g', "HOST", N_("the gate's host, to hold the operator's line against") },
		{ "join", 0, "LINE", N_("store the operator's answer, as `cellveil join`") } },
	    0, 0, command_init },
	{ "join", "LINE", N_("store the line that came back from the operator"),
	    "cellveil join 'cellveil-join office north origin:stats.example/log1 ...'", { { 0 } }, 1, 32,
	    command_join },
	{ "template", "", N_("write the empty form, as the definition in force has it"),
	    "cellveil template --year 2024 --format xlsx -o form-2024.xlsx",
	    { { "format", 'f', "FORMAT", N_("xlsx, ods or csv; default: what -o ends in, or csv") },
		{ "output", 'o', "FILE", N_("write there, not to standard output") }, PERIOD, YEAR, DATASET,
		WAIT, CONFIG },
	    0, 0, command_template },
	{ "check", "FILE", N_("tell what is wrong with a form; sends nothing"),
	    "cellveil check form-2024.csv",
	    { PERIOD, YEAR, DATASET, BLANKS, STRICT, WAIT, LAST_YEAR, CONFIG,
		{ "office", 0, "CODE", N_("the office, in a table of several") } },
	    1, 1, command_check },
	{ "preview", "FILE", N_("show which of the office's own figures would be visible, and to whom"),
	    "cellveil preview form-2024.csv\ncellveil preview form-2024.csv --format list",
	    { { "format", 'f', "FORMAT", N_("picture, list or csv; default: picture") }, PERIOD, YEAR,
		DATASET, BLANKS, WAIT, CONFIG,
		{ "office", 0, "CODE", N_("the office, in a table of several") } },
	    1, 1, command_preview },
	{ "push", "FILE", N_("check, sign, seal and send a form; ends with a receipt"),
	    "cellveil push form-2024.csv\ncellveil push form-2024.csv --yes --wait 60     # in scripts",
	    { PERIOD, YEAR, DATASET, BLANKS, STRICT, YES, WAIT, LAST_YEAR,
		{ "dry-run", 'n', NULL, N_("print every figure that would be sent, and send nothing") },
		{ "join", 0, "LINE", N_("the line that came back from the operator, the first time") } },
	    1, 1, command_push },
	{ "withdraw", "", N_("take the office's form back, until the period closes"),
	    "cellveil withdraw --period 2024", { PERIOD, YEAR, DATASET, YES, WAIT }, 0, 0, command_withdraw },
	{ "status", "", N_("keys, deployment, open periods, and what is in the outbox"), "cellveil status",
	    { { 0 } }, 0, 0, command_status },
	{ "outbox list", "", N_("forms on their way and forms received"), "cellveil outbox list", { { 0 } },
	    0, 0, command_outbox_list },
	{ "outbox send", "", N_("send what waits"), "cellveil outbox send --wait 300",
	    { WAIT, { "all", 'a', NULL, N_("also what is paused") } }, 0, 0, command_outbox_send },
	{ "outbox remove", "ID", N_("forget a form and its receipt here; the receiver keeps what it has"),
	    "cellveil outbox remove 0a1b2c3d", { YES }, 1, 1, command_outbox_remove },
	{ "outbox clear", "", N_("remove forms proved to be in a published or sealed set; receipts stay"),
	    "cellveil outbox clear", { WAIT }, 0, 0, command_outbox_clear },
	{ "receipt verify", "FILE...", N_("check receipts, without a network"),
	    "cellveil receipt verify ~/.config/cellveil/outbox/0a1b...receipt", { { 0 } }, 1, LIMIT_OUTBOX,
	    command_receipt_verify },
	{ "subscribe", "[DATASET]", N_("print releases as they come, verified"),
	    "cellveil subscribe\ncellveil subscribe --once --json | jq '.tables[0].rows[0]'",
	    { { "once", '1', NULL, N_("stop after one release") },
		{ "count", 'c', "N", N_("stop after N releases") },
		{ "all", 'a', NULL, N_("begin again with all releases in force") }, WAIT },
	    0, 1, command_subscribe },
	{ "get", "[[DATASET/]PERIOD[/REVISION]]", N_("fetch a release, verify it, print or store it"),
	    "cellveil get 2024 --format csv > 2024.csv\ncellveil get 2024 -o release-2024",
	    { { "format", 'f', "FORMAT", N_("table, csv, json-stat or msgpack; default: table") },
		{ "output", 'o', "DIR", N_("store all files of the release there") }, WAIT },
	    0, 1, command_get },
	{ "verify", "DIR", N_("check a stored release: signature, every file, certificate"),
	    "cellveil verify release-2024", { { 0 } }, 1, 1, command_verify },
};

static const struct command *const plugged[] = { &protect_command, &attack_command,
	&verify_certificate_command, &audit_log_command, &audit_verify_command, &audit_open_command,
	&audit_explain_command, &audit_diff_command, &audit_policy_command, &audit_cosign_command,
	&audit_attack_command, &audit_report_command, &audit_proof_command, &audit_keys_command,
	&audit_replay_command };

static const struct program program = { "cellveil",
	N_("Counts of offices, sealed on their way, published without the cells that would disclose."),
	N_("`cellveil COMMAND --help` shows options and an example. Exit codes: 0 done, 2 usage, 3 errors in "
	   "the\n"
	   "form, 4 open questions, 5 not sent yet, 6 refused, 7 key or identity, 130 interrupted, 1 other.\n"
	   "protect, attack, verify-certificate: 1 somebody can work something out, or the certificate does "
	   "not\n"
	   "hold, 3 our own check failed, 4 refused, 5 a limit. audit: 1 something does not hold or is\n"
	   "disclosed, 3 something could not be looked at or decided."),
	{ { "dir", 0, "DIR", N_("folder of keys and settings; default: ~/.config/cellveil") },
	    { "json", 'j', NULL, N_("for programs: JSON on standard output") },
	    { "quiet", 'q', NULL, N_("only warnings and errors") } },
	commands, sizeof commands / sizeof commands[0], plugged, sizeof plugged / sizeof plugged[0] };

#define LARGE_BYTES (1024 * 1024)

int main(int argc, char **argv)
{
	int code;

	if (sodium_init() < 0)
		return EXIT_OTHER;
	/* What is large goes back to the system when it is freed. Left alone, glibc lets this bound grow, and the engine's lists and texts
	 * leave holes that nothing else fits into. */
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	text_init();
	net_catch_signals();
	code = command_main(&program, argc, argv);
	net_end();
	return code;
}
