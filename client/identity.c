#include "client/commands.h"
#include "client/keyfile.h"
#include "client/settings.h"
#include "client/text.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define JOIN_LINE_MAX 4096 /* more a terminal does not take in one line */

static int fail(const struct err *e, int code)
{
	text_error(e);
	return code;
}

/* Takes the operator's line into settings that exist. */
/* Appends text, each run of blanks as one: mail programs break lines, and a shell parts what is not quoted. */
static void add_words(struct buf *line, const char *text)
{
	bool blank = line->size > 0;

	for (; *text != 0; text++) {
		if (strchr(" \t\r\n", *text) != NULL) {
			blank = true;
			continue;
		}
		if (blank && line->size > 0)
			buf_put_byte(line, ' ');
		blank = false;
		buf_put_byte(line, (uint8_t)*text);
	}
}

/* The operator's line, in however many pieces. */
static int join(struct settings *s, const char *const *piece, size_t n, struct err *e)
{
	struct buf line = { .max = JOIN_LINE_MAX };
	char fingerprint[KEY_FINGERPRINT];
	uint8_t id[KEY_ID_BYTES];
	struct join answer;

	for (size_t i = 0; i < n; i++)
		add_words(&line, piece[i]);
	bool ok = join_parse(&answer, buf_bytes(&line), e) ||
		  err_wrap(e, "%s", _("this is not the operator's line, or not all of it"));
	buf_free(&line);
	if (!ok)
		return EXIT_KEY;
	if (!settings_join(s, &answer, e))
		return EXIT_KEY;
	if (!settings_save(s, e))
		return EXIT_OTHER;
	keys_id(id, KEY_TYPE_ED25519, answer.root);
	keys_fingerprint(fingerprint, id);
	text_say(_("Joined %s. Compare the root key's fingerprint with the operator, over the telephone: %s"),
	    answer.origin, fingerprint);
	return EXIT_OK;
}

int command_join(const struct args *args)
{
	struct settings s;
	struct err e = { 0 };
	int code;

	if (!settings_load(&s, args_value(args, "dir"), &e))
		return fail(&e, EXIT_KEY);
	code = join(&s, args->at, args->n, &e);
	if (code != EXIT_OK)
		return fail(&e, code);
	text_say(
	    "%s", s.kind == IDENTITY_OFFICE ? _("Next: cellveil push FILE") : _("Next: cellveil subscribe"));
	return code;
}

/* A line typed at the terminal after the question. */
static bool ask(const char *question, char *line, size_t room, struct err *e)
{
	return text_ask(question, line, room) || err_set(e, ERR_INVALID, "%s", _("no answer"));
}

static bool take_name(struct settings *s, const char *name, struct err *e)
{
	return (name_is_name(bytes_text(name)) && name_copy(s->name, sizeof s->name, bytes_text(name))) ||
	       err_set(e, ERR_INVALID, "%s",
		   _("a name has 1 to 48 letters a-z, digits and hyphens, no capitals"));
}

static bool take_gate(struct settings *s, const char *gate, struct err *e)
{
	return gate == NULL || gate[0] == 0 || settings_gate(s, gate, e) || err_wrap(e, "%s", _("gate"));
}

/* Office and gate, where the command line does not say who we are. */
static bool ask_who_we_are(const struct args *args, struct settings *s, struct err *e)
{
	char line[LIMIT_ENDPOINT + 2];
	const char *gate = args_value(args, "gate");

	if (!isatty(STDIN_FILENO))
		return err_set(e, ERR_INVALID, "%s",
		    _("say who you are: --office CODE, --researcher NAME or --auditor NAME"));
	s->kind = IDENTITY_OFFICE;
	if (!ask(_("Code of the office:"), line, sizeof line, e) || !take_name(s, line, e))
		return false;
	if (gate == NULL) {
		if (!ask(_("Host of the gate (empty: what the operator's line will say):"), line, sizeof line,
			e))
			return false;
		gate = line;
	}
	return take_gate(s, gate, e);
}

/* The kind and name asked for by options, or on the terminal. */
static bool who_are_we(const struct args *args, struct settings *s, struct err *e)
{
	static const char *const option[] = { "office", "researcher", "auditor" };
	int given = 0;
	const char *name = NULL;

	for (int i = 0; i < 3; i++) {
		if (args_value(args, option[i]) == NULL)
			continue;
		name = args_value(args, option[i]);
		s->kind = (enum identity_kind)i;
		given++;
	}
	if (given > 1)
		return err_set(e, ERR_INVALID, "%s", _("choose one of --office, --researcher, --auditor"));
	if (given == 0)
		return ask_who_we_are(args, s, e);
	return take_name(s, name, e) && take_gate(s, args_value(args, "gate"), e);
}

/* A line that a mail program broke is pasted as several: more are taken until its last word has come. */
static bool ask_for_line(char line[JOIN_LINE_MAX], struct err *e)
{
	size_t len;

	if (!ask(_("The line that came back from the operator:"), line, JOIN_LINE_MAX, e))
		return false;
	while (strncmp(line, "cellveil-join", 13) == 0 && strstr(line, " check:") == NULL) {
		len = strlen(line);
		line[len++] = ' ';
		if (len + 2 > JOIN_LINE_MAX ||
		    !ask(_("and the rest of it:"), line + len, JOIN_LINE_MAX - len, e))
			return false;
		if (line[len] == 0)
			break;
	}
	return true;
}

int identity_complete(const struct args *args)
{
	char line[JOIN_LINE_MAX] = "";
	const char *given = args_value(args, "join");
	struct settings s;
	struct err e = { 0 };
	int code;

	if (!settings_load(&s, args_value(args, "dir"), &e) || (s.joined && given == NULL))
		return EXIT_OK; /* what is wrong, opening the deployment tells */
	if (given == NULL && isatty(STDIN_FILENO) && ask_for_line(line, &e))
		given = line;
	if (given == NULL || given[0] == 0)
		return EXIT_OK;
	code = join(&s, &given, 1, &e);
	return code == EXIT_OK ? code : fail(&e, code);
}

/* A run that was cut short left its keys: they are kept. */
static bool make_key(
    const struct settings *s, enum key_purpose purpose, uint8_t public[KEY_BYTES], struct err *e)
{
	return keyfile_create(s->dir, purpose, (uint64_t)time(NULL), public, e) ||
	       (e->code == ERR_REFUSED && keyfile_public(s->dir, purpose, public, e));
}

static bool make_keys(const struct settings *s, struct identity *id, struct err *e)
{
	if (s->kind == IDENTITY_OFFICE && !make_key(s, KEY_SIGN, id->sign, e))
		return false;
	if (s->kind == IDENTITY_AUDITOR && (!make_key(s, KEY_WITNESS, id->sign, e) ||
					       !keyfile_create_age(s->dir, (uint64_t)time(NULL), id->age, e)))
		return false;
	return make_key(s, KEY_CURVE, id->curve, e);
}

static int print_identity(const struct settings *s, struct identity *id)
{
	struct buf line = { 0 };
	bool ok;

	id->kind = s->kind;
	id->has_sign = s->kind != IDENTITY_RESEARCHER;
	memcpy(id->name, s->name, sizeof id->name);
	text_say("%s", _("Send this line to the operator:"));
	identity_print(&line, id);
	ok = text_put_or_say(&line);
	buf_free(&line);
	if (s->kind == IDENTITY_OFFICE)
		text_say("%s", _("Then: cellveil push FILE; it asks for the line that comes back. "
				 "In scripts: cellveil join 'LINE'"));
	else
		text_say("%s", _("Then: cellveil join 'THE LINE THAT COMES BACK'"));
	return ok ? EXIT_OK : EXIT_OTHER;
}

int command_init(const struct args *args)
{
	struct settings s;
	struct identity id = { 0 };
	struct err e = { 0 };

	if (args_value(args, "join") != NULL && settings_load(&s, args_value(args, "dir"), &e)) {
		const char *given = args_value(args, "join");
		int code = join(&s, &given, 1, &e);
		return code == EXIT_OK ? code : fail(&e, code);
	}
	if (settings_load(&s, args_value(args, "dir"), &e)) {
		(void)err_set(&e, ERR_REFUSED,
		    _("%s: there is an identity already; it is kept. `cellveil status` shows it and its "
		      "line"),
		    s.dir);
		return fail(&e, EXIT_KEY);
	}
	if (e.code != ERR_NOT_FOUND)
		return fail(&e, EXIT_KEY);
	if (!who_are_we(args, &s, &e))
		return fail(&e, EXIT_USAGE);
	if (!file_make_dir(s.dir, 0700, &e) || !make_keys(&s, &id, &e) || !settings_save(&s, &e))
		return fail(&e, EXIT_KEY);
	return print_identity(&s, &id);
}
