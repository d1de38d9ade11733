#include "client/command.h"
#include "client/text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t count_options(const struct command_option *option)
{
	size_t n = 0;

	while (n < COMMAND_OPTIONS_MAX && option[n].name != NULL)
		n++;
	return n;
}

static size_t count_commands(const struct program *program)
{
	return program->n_commands + program->n_plugged;
}

static const struct command *command_at(const struct program *program, size_t i)
{
	return i < program->n_commands ? &program->command[i] : program->plugged[i - program->n_commands];
}

/* Levenshtein's distance, at most 15 letters each: names are short, and longer ones are not alike anyway. */
static size_t distance(const char *a, const char *b)
{
	size_t row[17], la = strlen(a), lb = strlen(b);

	if (la > 15 || lb > 15)
		return 15;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *command_suggest(const struct program *program, const char *typed)
{
	const char *best = NULL;
	size_t least = 3;

	for (size_t i = 0; i < count_commands(program); i++) {
		const char *name = command_at(program, i)->name;
		char first[16] = { 0 };
		size_t word = strcspn(name, " ");

		if (word < sizeof first)
			memcpy(first, name, word);
		size_t d = distance(first, typed), whole = distance(name, typed);
		if (whole < d)
			d = whole;
		if (d < least && d < strlen(typed)) {
			least = d;
			best = name;
		}
	}
	return best;
}

/* How many words of argv name the command: 0, 1 or 2. */
static int match(const char *name, int argc, char **argv)
{
	size_t word = strcspn(name, " ");

	if (argc < 1 || strlen(argv[0]) != word || strncmp(argv[0], name, word) != 0)
		return 0;
	if (name[word] == 0)
		return 1;
	return argc > 1 && strcmp(argv[1], name + word + 1) == 0 ? 2 : 0;
}

const struct command *command_find(const struct program *program, int argc, char **argv, int *words)
{
	const struct command *found = NULL;

	*words = 0;
	for (size_t i = 0; i < count_commands(program); i++) {
		int n = match(command_at(program, i)->name, argc, argv);
		if (n > *words) {
			*words = n;
			found = command_at(program, i);
		}
	}
	return found;
}

static const struct command_option *find_option(
    const struct command_option *option, const char *name, size_t len, char letter, size_t *place)
{
	for (*place = 0; *place < count_options(option); ++*place) {
		const struct command_option *o = &option[*place];
		if (letter != 0 ? o->letter == letter
				: strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	}
	return NULL;
}

/* Takes argv[i], an option, and answers the place of the last word used; -1 if it is wrong. */
static int take_option(struct args *args, int argc, char **argv, int i, struct buf *problem)
{
	bool is_long = argv[i][1] == '-';
	const char *name = argv[i] + (is_long ? 2 : 1), *equals = is_long ? strchr(name, '=') : NULL;
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name), place;
	char letter = is_long ? 0 : name[0];
	const char **value = args->value;
	const struct command_option *o = find_option(args->command->option, name, len, letter, &place);

	if (o == NULL) {
		o = find_option(args->program->common, name, len, letter, &place);
		value = args->common;
	}
	if (o == NULL || (!is_long && name[1] != 0 && o->value == NULL)) {
		buf_printf(problem, _("unknown option %s"), argv[i]);
		return -1;
	}
	if (o->value == NULL) {
		if (equals != NULL)
			buf_printf(problem, _("option --%s takes no value"), o->name);
		value[place] = "";
		return equals != NULL ? -1 : i;
	}
	if (equals != NULL || (!is_long && name[1] != 0)) {
		value[place] = equals != NULL ? equals + 1 : name + 1;
		return i;
	}
	if (i + 1 >= argc) {
		buf_printf(problem, _("option --%s needs a value: %s"), o->name, o->value);
		return -1;
	}
	value[place] = argv[i + 1];
	return i + 1;
}

bool command_parse(const struct program *program, const struct command *command, int argc, char **argv,
    const char **room, struct args *args, bool *help, struct buf *problem)
{
	bool options = true;

	*args = (struct args){ .program = program, .command = command, .at = room };
	*help = false;
	for (int i = 0; i < argc; i++) {
		if (!options || argv[i][0] != '-' || argv[i][1] == 0) {
			room[args->n++] = argv[i];
		} else if (strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			*help = true;
			return true;
		} else {
			i = take_option(args, argc, argv, i, problem);
			if (i < 0)
				return false;
		}
	}
	if (args->n >= command->min && args->n <= command->max)
		return true;
	if (args->n < command->min)
		buf_printf(problem, _("missing argument: %s"), command->arguments);
	else
		buf_put_text(problem, _("too many arguments"));
	return false;
}

static void put_options(const struct command_option *option, struct buf *out)
{
	for (size_t i = 0; i < count_options(option); i++) {
		char left[64];
		const struct command_option *o = &option[i];

		(void)snprintf(left, sizeof left, "%c%c%s --%s%s%s", o->letter != 0 ? '-' : ' ',
		    o->letter != 0 ? o->letter : ' ', o->letter != 0 ? "," : " ", o->name,
		    o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
		buf_printf(out, "  %-28s %s\n", left, _(o->help));
	}
}

void command_help(const struct program *program, const struct command *command, struct buf *out)
{
	const char *line = command->example;

	buf_printf(out, _("usage: %s %s%s%s [options]\n\n%s\n"), program->name, command->name,
	    *command->arguments != 0 ? " " : "", command->arguments, _(command->about));
	buf_printf(out, "\n%s\n", _("example:"));
	while (line != NULL && *line != 0) {
		size_t len = strcspn(line, "\n");
		buf_printf(out, "  %.*s\n", (int)len, line);
		line += len + (line[len] != 0);
	}
	buf_printf(out, "\n%s\n", _("options:"));
	put_options(command->option, out);
	put_options(program->common, out);
	buf_printf(out, "  %-28s %s\n", "-h, --help", _("show this and stop"));
}

void command_overview(const struct program *program, struct buf *out)
{
	buf_printf(out, _("usage: %s COMMAND [options]\n\n%s\n\n"), program->name, _(program->about));
	for (size_t i = 0; i < count_commands(program); i++)
		buf_printf(
		    out, "  %-18s  %s\n", command_at(program, i)->name, _(command_at(program, i)->about));
	buf_printf(out, "\n%s\n", _(program->more));
}

const char *args_value(const struct args *args, const char *name)
{
	size_t place;

	if (find_option(args->command->option, name, strlen(name), 0, &place) != NULL)
		return args->value[place];
	if (find_option(args->program->common, name, strlen(name), 0, &place) != NULL)
		return args->common[place];
	return NULL;
}

bool args_flag(const struct args *args, const char *name)
{
	return args_value(args, name) != NULL;
}

bool args_exclude(const struct args *args, const char *with, const char *const *names)
{
	for (; *names != NULL; names++)
		if (args_flag(args, *names)) {
			text_warn(_("--%s does nothing with %s: leave one of them out"), *names, with);
			return false;
		}
	return true;
}

bool args_number(
    const struct args *args, const char *name, unsigned long max, unsigned long fallback, unsigned long *out)
{
	const char *text = args_value(args, name);
	char *end = NULL;

	*out = fallback;
	if (text == NULL)
		return true;
	errno = 0;
	if (text[0] >= '0' && text[0] <= '9')
		*out = strtoul(text, &end, 10);
	if (end != NULL && *end == 0 && errno == 0 && *out <= max)
		return true;
	text_warn(_("--%s wants a whole number from 0 to %lu"), name, max);
	return false;
}

static int print_and_free(struct buf *out, int code)
{
	bool ok = code == EXIT_OK ? text_put(out) : fwrite(out->data, 1, out->size, stderr) == out->size;

	buf_free(out);
	return code == EXIT_OK && !ok ? EXIT_OTHER : code;
}

static int unknown_command(const struct program *program, const char *typed)
{
	struct buf out = { 0 };
	const char *near = command_suggest(program, typed);

	buf_printf(&out, _("%s: unknown command"), program->name);
	if (near != NULL)
		buf_printf(&out, _("; did you mean: %s %s"), program->name, near);
	buf_printf(&out, _("\nTry: %s --help\n"), program->name);
	return print_and_free(&out, EXIT_USAGE);
}

static int run(const struct program *program, const struct command *command, int argc, char **argv)
{
	struct buf out = { 0 };
	struct args args;
	bool help;
	const char **room = calloc((size_t)argc + 1, sizeof *room);
	int code = EXIT_USAGE;

	if (room == NULL)
		return EXIT_OTHER;
	if (!command_parse(program, command, argc, argv, room, &args, &help, &out)) {
		text_warn("%.*s\n%s %s %s --help", (int)out.size, (const char *)out.data, _("Try:"),
		    program->name, command->name);
	} else if (help) {
		command_help(program, command, &out);
		code = text_put(&out) ? EXIT_OK : EXIT_OTHER;
	} else {
		code = command->run(&args);
	}
	buf_free(&out);
	free(room);
	return code;
}

int command_main(const struct program *program, int argc, char **argv)
{
	struct buf out = { 0 };
	const struct command *command;
	int words;

	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		buf_printf(&out, "%s %s\n", program->name, CELLVEIL_VERSION);
		return print_and_free(&out, EXIT_OK);
	}
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    (argc == 2 && strcmp(argv[1], "help") == 0)) {
		command_overview(program, &out);
		return print_and_free(&out, argc < 2 ? EXIT_USAGE : EXIT_OK);
	}
	if (argc > 2 && strcmp(argv[1], "help") == 0) {
		command = command_find(program, argc - 2, argv + 2, &words);
		if (command != NULL)
			command_help(program, command, &out);
		return command != NULL ? print_and_free(&out, EXIT_OK) : unknown_command(program, argv[2]);
	}
	if (argc > 1 && argv[1][0] == '-') {
		buf_printf(&out, _("%s: options stand behind the command\nTry: %s --help\n"), program->name,
		    program->name);
		return print_and_free(&out, EXIT_USAGE);
	}
	command = command_find(program, argc - 1, argv + 1, &words);
	if (command == NULL)
		return unknown_command(program, argv[1]);
	return run(program, command, argc - 1 - words, argv + 1 + words);
}
