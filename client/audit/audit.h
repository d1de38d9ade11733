/* audit - the auditors' commands: what they share.
 *
 * An auditor believes the root key, the origin and what he has seen himself; everything else is computed
 * again from bytes. Exit codes differ from the other commands': what does not hold and what could not be
 * looked at are not the same answer. */
#ifndef CLIENT_AUDIT_AUDIT_H
#define CLIENT_AUDIT_AUDIT_H
#include "client/command.h"
#include "client/text.h"

enum audit_code {
	AUDIT_HOLDS = 0,
	AUDIT_FAILS = 1,     /* something does not hold; evidence of a contradiction was kept */
	AUDIT_USAGE = 2,     /* the command line, or a file that is none of ours */
	AUDIT_UNCHECKED = 3, /* could not be looked at: no answer, no key, no disk */
	AUDIT_INTERRUPTED = 130
};

/* The commands' tables: commands.c. */
extern const struct command audit_log_command, audit_verify_command, audit_open_command,
    audit_explain_command, audit_diff_command, audit_policy_command, audit_cosign_command,
    audit_report_command, audit_attack_command, audit_proof_command, audit_keys_command, audit_replay_command;

int audit_log(const struct args *args);     /* log.c */
int audit_verify(const struct args *args);  /* verify.c */
int audit_open(const struct args *args);    /* open.c */
int audit_explain(const struct args *args); /* open.c */
int audit_diff(const struct args *args);    /* diff.c */
int audit_policy(const struct args *args);  /* policy.c */
int audit_cosign(const struct args *args);  /* cosign.c */
int audit_report(const struct args *args);  /* report.c */
int audit_attack(const struct args *args);  /* attack.c */
int audit_proof(const struct args *args);   /* proof.c */
int audit_keys(const struct args *args);    /* proof.c */
int audit_replay(const struct args *args);  /* replay.c */
#endif
