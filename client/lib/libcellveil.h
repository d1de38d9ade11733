/* libcellveil - push an office's figures from a case system, as `cellveil push` does from a form.
 *
 *     struct cellveil *c = cellveil_open(NULL, NULL);           // the folder that `cellveil init` made
 *     if (cellveil_begin(c, "2024", 60) == CELLVEIL_OK) {
 *         cellveil_set(c, "clients|F|Y18-29", "12");            // what is not set travels as not reported
 *         cellveil_set(c, "clients|F|_T", "48");
 *         code = cellveil_push(c, 60, &receipt);                // seals, stores in the outbox, sends, waits
 *     }
 *     if (code != CELLVEIL_OK)
 *         fprintf(stderr, "%s\n", cellveil_error(c));
 *     cellveil_close(c);
 *
 * The folder, the outbox and its promises are those of the program: pushing the same figures twice counts once,
 * other figures become the next revision, a process killed at any moment loses nothing and repeats nothing. The
 * library and the program may be used side by side on one folder.
 *
 * One handle is used by one thread at a time. Messages for people go to standard error unless the process has
 * closed it; errors never hold a figure. Signals are left to the caller. Link with `pkg-config --libs libcellveil`. */
#ifndef LIBCELLVEIL_H
#define LIBCELLVEIL_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cellveil_code { /* the exit codes of `cellveil` */
	CELLVEIL_OK = 0,
	CELLVEIL_OTHER = 1, /* memory, disk */
	CELLVEIL_USAGE = 2, /* an unknown cell or period, a text that is no value, calls in the wrong order */
	CELLVEIL_FINDINGS = 3,     /* the figures break a rule of the form; nothing was sent */
	CELLVEIL_NOT_SENT = 5,     /* in the outbox; push again or run `cellveil outbox send` */
	CELLVEIL_REFUSED = 6,      /* the receiver said no */
	CELLVEIL_KEY = 7,          /* a key or an identity is missing or wrong */
	CELLVEIL_INTERRUPTED = 130 /* of the program only: signals are the caller's */
};

struct cellveil; /* opaque */

struct cellveil_receipt {
	char office[64], period[16];
	char id[33];     /* the submission's number, hexadecimal */
	char digest[65]; /* BLAKE2b-256 of what was signed, hexadecimal */
	char path[4200]; /* the receipt as a file, for `cellveil receipt verify` */
	uint32_t revision;
	uint64_t accepted_at; /* seconds since 1970, the receiver's clock */
	uint64_t log_index;   /* leaf of the public log */
	int held;             /* 1: came after closing; kept for a later revision of the release */
};

/* Opens a folder of keys and settings (NULL: ~/.config/cellveil) for a dataset (NULL: the only one). NULL only
 * without memory; any other trouble is told by the next call. */
struct cellveil *cellveil_open(const char *folder, const char *dataset);

/* Fetches and verifies the key set and the period's form definition, waiting at most `seconds` for the gate, and
 * begins an empty form. Figures set before are forgotten. */
int cellveil_begin(struct cellveil *c, const char *period, unsigned long seconds);

/* Sets one figure. cell: measure and codes, "clients|F|Y18-29"; value: digits, with a point where the measure has
 * decimals ("2.50"); yes and no are 1 and 0; NULL: not reported. Nothing is rounded. */
int cellveil_set(struct cellveil *c, const char *cell, const char *value);

/* Holds the figures against the form's rules (sums, bases, ranges), as the receiver will. */
int cellveil_check(struct cellveil *c);

/* Checks, seals, stores in the outbox, and sends until a verified receipt, at most `seconds`. receipt may be NULL;
 * it is filled with CELLVEIL_OK only. */
int cellveil_push(struct cellveil *c, unsigned long seconds, struct cellveil_receipt *receipt);

/* What went wrong last, in one line; "" if nothing did. Valid until the next call on c. */
const char *cellveil_error(const struct cellveil *c);

/* Wipes the figures. c may be NULL. */
void cellveil_close(struct cellveil *c);

#ifdef __cplusplus
}
#endif
#endif
