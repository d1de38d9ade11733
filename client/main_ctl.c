/* cellveilctl - what operators run: it makes a deployment, and asks the vault over its socket. */
#include "client/command.h"
#include "client/ctl.h"
#include "client/text.h"
#include <sodium.h>
#include <stdio.h>

#define DATASET                                                                                              \
	{                                                                                                    \
		"dataset", 'd', "NAME", N_("the dataset; not needed where there is only one")                \
	}
#define DAYS                                                                                                 \
	{                                                                                                    \
		"days", 0, "DAYS", N_("how long keys and key set are valid (365)")                           \
	}

static const struct command commands[] = {
	{ "init", "DIR", N_("make a deployment: configuration, keys, first key set"),
	    "cellveilctl init /etc/cellveil/example --name example --origin stats.example/log1 --host "
	    "gate.example \\\n"
	    "    --state /var/lib/cellveil/example --run /run/cellveil/example",
	    { { "name", 'n', "NAME", N_("short name of the deployment") },
		{ "origin", 'o', "ORIGIN", N_("name of the public log: stats.example/log1") },
		{ "host", 0, "HOST", N_("where offices reach the gate") },
		{ "bind", 0, "ADDRESS", N_("address the gate listens on (*)") },
		{ "submit-port", 0, "PORT", N_("for offices (5701)") },
		{ "query-port", 0, "PORT", N_("for questions (5702)") },
		{ "feed-port", 0, "PORT", N_("for subscriptions (5703)") },
		{ "state", 0, "PATH", N_("the vault's data (DIR/state)") },
		{ "run", 0, "PATH", N_("sockets (DIR/run)") },
		{ "root", 0, "PATH", N_("where the root key goes (DIR/root)") }, DAYS },
	    1, 1, ctl_init },
	{ "keyset sign", "FILE", N_("sign a key set with the root key; needs no vault"),
	    "cellveilctl keyset sign keyset --root /media/safe --renew > keyset.new",
	    { { "root", 0, "DIR", N_("folder of the root key (.)") },
		{ "renew", 0, NULL, N_("the same keys, next serial, valid from today") }, DAYS },
	    1, 1, ctl_keyset_sign },
	{ "keyset install", "FILE", N_("put a signed key set in force"),
	    "cellveilctl keyset install keyset.new", { { 0 } }, 1, 1, ctl_keyset_install },
	{ "config new", "", N_("write a configuration from a preset; needs no vault"),
	    "cellveilctl config new --preset po-redovisning-2024 --origin stats.example/log1 \\\n"
	    "    --dataset personal-support --offices offices.yaml > support-2024.yaml",
	    { { "preset", 'p', "NAME", N_("preset, or path of one") },
		{ "origin", 'o', "ORIGIN", N_("name of the public log: stats.example/log1") },
		{ "dataset", 'd', "NAME", N_("the dataset's name") },
		{ "offices", 0, "FILE", N_("lines of the list of offices") } },
	    0, 0, ctl_config_new },
	{ "config add", "FILE", N_("add a form version's configuration"),
	    "cellveilctl config add support-2024.yaml", { { 0 } }, 1, 1, ctl_config_add },
	{ "config list", "", N_("configurations by dataset"), "cellveilctl config list", { { 0 } }, 0, 0,
	    ctl_config_list },
	{ "office add", "[LINE|FILE]", N_("enrol an office, researcher or auditor by the line they sent"),
	    "cellveilctl office add north.id", { DATASET }, 0, 1, ctl_office_add },
	{ "office list", "", N_("offices, their keys and machines"), "cellveilctl office list", { { 0 } }, 0,
	    0, ctl_office_list },
	{ "office disable", "OFFICE", N_("refuse an office from now on"), "cellveilctl office disable north",
	    { { 0 } }, 1, 1, ctl_office_disable },
	{ "reader disable", "KEYID", N_("refuse a researcher or auditor from now on"),
	    "cellveilctl reader disable 9f86d081884c7d65", { { 0 } }, 1, 1, ctl_reader_disable },
	{ "key list", "[OFFICE]", N_("the keys of offices, those of their machines among them"),
	    "cellveilctl key list north", { { 0 } }, 0, 1, ctl_key_list },
	{ "key revoke", "OFFICE KEYID",
	    N_("refuse one key of an office for good: a signing key, or a machine's"),
	    "cellveilctl key revoke north 9f86d081884c7d65", { { 0 } }, 2, 5, ctl_key_revoke },
	{ "period open", "PERIOD", N_("open a period, or plan it for later"),
	    "cellveilctl period open 2024 --closes 2025-02-01",
	    { DATASET, { "opens", 0, "TIME", N_("first moment (by the configuration)") },
		{ "closes", 0, "TIME", N_("first moment that is late (by the configuration)") } },
	    1, 1, ctl_period_open },
	{ "period close", "PERIOD", N_("close a period now"), "cellveilctl period close 2024", { DATASET }, 1,
	    1, ctl_period_close },
	{ "period status", "[PERIOD]", N_("who has reported; state and times"),
	    "cellveilctl period status 2024", { DATASET }, 0, 1, ctl_period_status },
	{ "period void", "PERIOD", N_("cancel a period of which nothing was released"),
	    "cellveilctl period void 2024", { DATASET }, 1, 1, ctl_period_void },
	{ "release publish", "PERIOD", N_("seal, protect and publish a closed period"),
	    "cellveilctl release publish 2024 --dry-run",
	    { DATASET, { "dry-run", 0, NULL, N_("only show what would be hidden and why") } }, 1, 1,
	    ctl_release_publish },
	{ "release show", "PERIOD", N_("the table, hidden cells and why; for your eyes only"),
	    "cellveilctl release show 2024", { DATASET }, 1, 1, ctl_release_show },
	{ "release table", "PERIOD",
	    N_("the release's table with its counts, as a folder for `cellveil protect`"),
	    "cellveilctl release table 2024 --output table-2024",
	    { DATASET, { "output", 'o', "FOLDER", N_("a new folder; for your eyes only") } }, 1, 1,
	    ctl_release_table },
	{ "release withdraw", "PERIOD", N_("take the newest release back; log and ledger keep it"),
	    "cellveilctl release withdraw 2024 --reason error",
	    { DATASET, { "reason", 0, "REASON", N_("corrected, error or order; public") } }, 1, 1,
	    ctl_release_withdraw },
	{ "status", "", N_("how the vault is"), "cellveilctl status --json", { { 0 } }, 0, 0, ctl_status },
	{ "mode", "MODE", N_("normal, read-only or drain"), "cellveilctl mode read-only", { { 0 } }, 1, 1,
	    ctl_mode },
};

static const struct program program = {
	.name = "cellveilctl",
	.about = N_("runs a cellveil deployment: offices, periods, releases"),
	.more = N_("cellveilctl COMMAND --help explains a command."),
	.common = { { "name", 'n', "NAME", N_("deployment: /etc/cellveil/NAME/cellveil.conf") },
	    { "config", 'c', "FILE", N_("its configuration") },
	    { "socket", 's', "PATH", N_("the vault's socket") },
	    { "json", 'j', NULL, N_("answer as JSON") } },
	.command = commands,
	.n_commands = sizeof commands / sizeof *commands,
};

int main(int argc, char **argv)
{
	text_init();
	if (sodium_init() < 0) {
		fputs("cellveilctl: libsodium does not start\n", stderr);
		return EXIT_OTHER;
	}
	return command_main(&program, argc, argv);
}
