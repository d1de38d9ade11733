/* command - what the user typed, held against a table.
 *
 * A program is a table of commands, a command a table of options. The same table parses, explains itself with
 * --help and suggests the nearest name for a mistyped one. Used by cellveil and cellveilctl; a new command is
 * a row in the program's main.c and a function. Texts in the tables are English msgids marked with N_(). */
#ifndef CLIENT_COMMAND_H
#define CLIENT_COMMAND_H
#include "proto/bytes.h"
#include <stdbool.h>
#include <stddef.h>

/* The exit codes of cellveil and cellveilctl (docs/protocol.md names the refusals behind 6). */
enum exit_code {
	EXIT_OK = 0,
	EXIT_OTHER = 1,    /* also: `verify` says it does not hold */
	EXIT_USAGE = 2,    /* the command line */
	EXIT_FINDINGS = 3, /* the form has errors */
	EXIT_OPEN = 4,     /* warnings with --strict, or a question left open */
	EXIT_NOT_SENT = 5, /* kept in the outbox; will be tried again */
	EXIT_REFUSED = 6,  /* the receiver said no */
	EXIT_KEY = 7,      /* a key or an identity is missing or wrong */
	EXIT_INTERRUPTED = 130
};

#define COMMAND_OPTIONS_MAX 20

struct command_option {
	const char *name;  /* long name without dashes: "period" */
	char letter;       /* 0: none */
	const char *value; /* what help calls its value: "PERIOD"; NULL: a flag */
	const char *help;
};

struct args;

struct command {
	const char *name;      /* one word, or two: "outbox list" */
	const char *arguments; /* "FILE", "[RELEASE]"; "" if none */
	const char *about;     /* one line */
	const char *example;   /* one or more whole lines, each without the final line feed */
	struct command_option option[COMMAND_OPTIONS_MAX]; /* ends at the first without a name */
	size_t min, max;                                   /* number of arguments */
	int (*run)(const struct args *args);               /* answers the exit code */
};

struct program {
	const char *name, *about, *more; /* more: last line of the overview */
	struct command_option common[COMMAND_OPTIONS_MAX];
	const struct command *command;
	size_t n_commands;
	const struct command *const *plugged; /* commands that stand in modules of their own; may be NULL */
	size_t n_plugged;
};

struct args {
	const struct program *program;
	const struct command *command;
	const char *value[COMMAND_OPTIONS_MAX];  /* parallel to command->option; "" for a flag that is set */
	const char *common[COMMAND_OPTIONS_MAX]; /* parallel to program->common */
	const char *const *at;                   /* the arguments; borrowed from argv */
	size_t n;
};

/* Parses and runs. Prints usage errors to stderr and help to stdout. Does not return before run() has. */
int command_main(const struct program *program, int argc, char **argv);

/* NULL if the option was not given; "" for a flag. Asking for an option the tables lack is a bug: NULL. */
const char *args_value(const struct args *args, const char *name);
bool args_flag(const struct args *args, const char *name);
/* Options that do nothing beside `with` are refused, not passed over; names ends with NULL. False: said on stderr. */
bool args_exclude(const struct args *args, const char *with, const char *const *names);
/* The option as a whole number from 0 to max; fallback if absent. False (said on stderr) if it is not one. */
bool args_number(
    const struct args *args, const char *name, unsigned long max, unsigned long fallback, unsigned long *out);

/* Steps of command_main, for tests. command_parse leaves a text for stderr in problem on false. args borrows
 * argv and room (at least argc pointers). *help is set if --help was among the options. */
const struct command *command_find(const struct program *program, int argc, char **argv, int *words);
bool command_parse(const struct program *program, const struct command *command, int argc, char **argv,
    const char **room, struct args *args, bool *help, struct buf *problem);
const char *command_suggest(const struct program *program, const char *typed); /* NULL: nothing is near */
void command_help(const struct program *program, const struct command *command, struct buf *out);
void command_overview(const struct program *program, struct buf *out);
#endif
