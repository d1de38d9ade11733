/* The tables of the auditors' commands, with their options and texts. */
#include "client/audit/audit.h"

/* Where from, and how long to wait: options of every audit command. */
#define SOURCE                                                                                               \
	{ "public", 0, "DIR", N_("read a copy of the public folder instead of asking the gate") },           \
	{                                                                                                    \
		"wait", 'w', "SECONDS", N_("how long to wait for the gate; default: 30")                     \
	}
#define CSV                                                                                                  \
	{                                                                                                    \
		"csv", 0, NULL, N_("CSV on standard output")                                                 \
	}

const struct command audit_log_command = {
	.name = "audit log",
	.arguments = "",
	.about = N_("list what the vault decided: the public log, verified"),
	.example = "cellveil audit log --kind release\ncellveil audit log --year 2024 --csv > log-2024.csv\n"
		   "cellveil audit log --office north --rule R1     # cells, from the sealed manifests",
	.option = { { "kind", 'k', "KIND", N_("only leaves of that kind: release, submission, admin, ...") },
	    { "dataset", 'd', "NAME", N_("only leaves of that dataset") },
	    { "period", 'p', "PERIOD", N_("only leaves of that period") },
	    { "year", 'y', "YEAR", N_("only leaves of that year's periods") },
	    { "outcome", 0, "OUTCOME",
		N_("released, withheld, superseded, withdrawn, received; of cells: hidden, primary, "
		   "secondary") },
	    { "office", 'o', "CODE", N_("hidden cells of that office, or kept from it") },
	    { "table", 't', "TABLE", N_("hidden cells of that table") },
	    { "rule", 'r', "RULE", N_("cells hidden by that rule: R1, R3, ...") }, CSV, SOURCE },
	.run = audit_log,
};

const struct command audit_verify_command = {
	.name = "audit verify",
	.arguments = "",
	.about = N_("compute again all that the log, the feed and the releases claim"),
	.example =
	    "cellveil audit verify\ncellveil audit verify --public /srv/copy/public --receipt north.receipt",
	.option = { { "receipt", 'r', "FILE", N_("also: is the form of this receipt in the log?") },
	    { "checkpoint", 'c', "FILE", N_("also: is another reader's checkpoint of the same log?") }, CSV,
	    SOURCE },
	.run = audit_verify,
};

const struct command audit_open_command = {
	.name = "audit open",
	.arguments = "RELEASE",
	.about = N_("open the sealed manifest of a release and hold it against log and release"),
	.example = "cellveil audit open 2024\ncellveil audit open 2024 --output reasons-2024.jsonl",
	.option = { { "output", 'o', "FILE", N_("store the opened manifest: confidential") },
	    { "file", 0, "FILE", N_("a sealed manifest that came another way") }, SOURCE },
	.min = 1,
	.max = 1,
	.run = audit_open,
};

const struct command audit_explain_command = {
	.name = "audit explain",
	.arguments = "RELEASE [CELL]",
	.about = N_("why a cell is hidden: rule, against whom, through what; all cells if none is named"),
	.example = "cellveil audit explain 2024 'south|F|clients'",
	.option = { CSV, SOURCE },
	.min = 1,
	.max = 2,
	.run = audit_explain,
};

const struct command audit_diff_command = {
	.name = "audit diff",
	.arguments = "RELEASE RELEASE",
	.about = N_("cells hidden in one release and not in the other"),
	.example = "cellveil audit diff 2023 2024\ncellveil audit diff 2024/0 2024/1",
	.option = { CSV, SOURCE },
	.min = 2,
	.max = 2,
	.run = audit_diff,
};

const struct command audit_attack_command = {
	.name = "audit attack",
	.arguments = "RELEASE",
	.about = N_("what readers, each office and coalitions can work out from a release, worst first"),
	.example = "cellveil audit attack 2024 --worst 20\ncellveil audit attack 2024 --form form-2024.csv   "
		   "# as an office",
	.option = { { "office", 'o', "CODE", N_("as this office only") },
	    { "form", 0, "FILE", N_("with the office's own figures: its form") },
	    { "figures", 0, "DIR", N_("with all figures: the folder of `cellveilctl release table`") },
	    { "coalition", 0, "N",
		N_("every set of up to N offices; default: as the policy says; 0: the public only") },
	    { "worst", 'n', "N", N_("only the first N lines") }, CSV, SOURCE },
	.min = 1,
	.max = 1,
	.run = audit_attack,
};

const struct command audit_replay_command = {
	.name = "audit replay",
	.arguments = "RELEASE FILE",
	.about = N_("compare a release made again on the vault's host with what was published and bound"),
	.example = "cellveild --config cellveil.conf --replay clients/2024/0 | cellveil audit replay 2024 -",
	.option = { CSV, SOURCE },
	.min = 2,
	.max = 2,
	.run = audit_replay,
};

const struct command audit_policy_command = {
	.name = "audit policy",
	.arguments = "",
	.about = N_("which rules held when, what changed in them, and who gave which command"),
	.example = "cellveil audit policy",
	.option = { CSV, SOURCE },
	.run = audit_policy,
};

const struct command audit_cosign_command = {
	.name = "audit cosign",
	.arguments = "",
	.about = N_("as a witness: read the log, and sign its checkpoint if it continues what was seen"),
	.example = "cellveil audit cosign --wait 60     # from a timer, every minute",
	.option = { SOURCE },
	.run = audit_cosign,
};

const struct command audit_report_command = {
	.name = "audit report",
	.arguments = "",
	.about = N_("one HTML file: proofs, releases with intervals, decisions"),
	.example = "cellveil audit report --output report.html\ncellveil audit report --reasons -o "
		   "confidential.html",
	.option = { { "output", 'o', "FILE", N_("where the page goes; standard output unless said") },
	    { "reasons", 0, NULL, N_("also why cells are hidden, from the sealed manifests: confidential") },
	    { "figures", 0, "DIR",
		N_("also what each office can compute: DIR/PERIOD is the folder of `cellveilctl release "
		   "table`") },
	    SOURCE },
	.run = audit_report,
};

const struct command audit_proof_command = {
	.name = "audit proof",
	.arguments = "RELEASE|LEAF",
	.about =
	    N_("proof that a release or leaf is in the log, as a file for any program (c2sp.org/tlog-proof)"),
	.example = "cellveil audit proof 2024 --output 2024.tlog-proof\ncellveil audit proof 17",
	.option = { { "output", 'o', "FILE", N_("write there, not to standard output") }, SOURCE },
	.min = 1,
	.max = 1,
	.run = audit_proof,
};

const struct command audit_keys_command = {
	.name = "audit keys",
	.arguments = "",
	.about = N_("the log's public key, and ours as a witness, as a c2sp.org/tlog-policy file"),
	.example = "cellveil audit keys > witnesses",
	.option = { SOURCE },
	.run = audit_keys,
};
