/* conf - cellveil.conf: one file for the vault and the gate of one authority.
 *
 * INI. An unknown section or option, an option twice, a section twice, and a value out of range are errors
 * that name the line. Sizes and times are plain numbers in the unit that the option's name says. Paths have
 * defaults derived from [authority] name. Secrets never stand here: only the names of files.
 * The options, their bounds and defaults are one table in conf.c; adding one is one line there and one here.
 */
#ifndef DAEMON_CONF_H
#define DAEMON_CONF_H
#include "proto/err.h"
#include "proto/limits.h"

#include <stddef.h>
#include <stdint.h>

#define CONF_PATH      256
#define CONF_ENDPOINT  128
#define CONF_ENDPOINTS 4 /* of one kind: a second one while a CURVE key is rotated */

struct conf_endpoints { /* tcp://0.0.0.0:5701 tcp://[::1]:5801: separated by blanks */
	char address[CONF_ENDPOINTS][CONF_ENDPOINT];
	char key_file[CONF_ENDPOINTS][CONF_PATH]; /* beside each address; see gate.curve_key */
	unsigned n;
};

struct conf {
	/* [authority] */
	char name[LIMIT_NAME + 1];     /* name: example */
	char origin[LIMIT_ORIGIN + 1]; /* origin: stats.example/log1 */

	/* [paths] */
	char state[CONF_PATH]; /* /var/lib/cellveil/NAME: public/ audit/ vault/ below */
	char run[CONF_PATH];   /* /run/cellveil/NAME: link/vault admin/socket … below */
	char keys[CONF_PATH];  /* /etc/cellveil/NAME/keys; $CREDENTIALS_DIRECTORY wins where it is set */

	/* [vault] */
	uint64_t beat_s;             /* 5: a BEAT for each feed */
	uint64_t batch;              /* 64: submissions in one commit */
	uint64_t batch_ms;           /* 5: and how long the first of them waits */
	uint64_t checkpoint_ms;      /* 1000: how often waiting leaves are published */
	uint64_t stall_s;            /* 900: audit_stall_limit */
	uint64_t space_low_mib;      /* 256: below, no submissions */
	uint64_t space_critical_mib; /* 64: below, no sealing */
	uint64_t ballast_mib;        /* 64: a file to give up when space is critical; 0: none */
	uint64_t key_epoch;          /* 1: number of the CVatrest subkey that wraps new period keys */
	uint64_t release_seconds;    /* 600: time limit of the disclosure engine for one release */

	/* [gate] */
	struct conf_endpoints submit, query, feed;
	char curve_key[CONF_PATH];   /* curve: file below keys */
	uint64_t registry_max_age_s; /* 900 */
	uint64_t rate_messages;      /* a second and principal */
	uint64_t rate_burst;
	uint64_t rate_bytes; /* a second and principal */
	uint64_t window;     /* FORWARDs without reply */
};

/* Reads path into conf. False with e = "path:line: section option: rule". */
bool conf_read(struct conf *conf, const char *path, struct err *e);

/* The same from text already in memory; name stands for the path in errors. */
bool conf_parse(struct conf *conf, const char *name, const char *text, struct err *e);

/* Where key file `file` is: below $CREDENTIALS_DIRECTORY if that is set, else below conf->keys. */
bool conf_key_path(const struct conf *conf, const char *file, char *out, size_t room, struct err *e);
#endif
