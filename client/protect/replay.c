#include "client/protect/replay.h"

#include <stdio.h>
#include <string.h>

#include "client/protect/csvlines.h"
#include "client/protect/lattice.h"
#include "client/protect/protect.h"
#include "client/protect/protectfiles.h"
#include "client/protect/tabledir.h"
#include "client/text.h"
#include "policy/replay.h"

#define KEYS_MAX 1000u

static int told(const struct args *args, const struct replay_report *r)
{
	if (args_flag(args, "json"))
		printf("{\"tables\":%llu,\"matches\":%llu,\"exceeded\":%llu}\n",
		    (unsigned long long)r->tables, (unsigned long long)r->matches,
		    (unsigned long long)r->exceeded);
	if (r->matches == 0)
		text_say(_("no other key gave this pattern: the replay says nothing"));
	else
		text_say(_("%llu tables replayed; the pattern tells too much of %llu cells"),
		    (unsigned long long)r->tables, (unsigned long long)r->exceeded);
	return r->exceeded > 0 ? PROTECT_DISCLOSED : PROTECT_SAFE;
}

/* The pattern of a correction is kept to what earlier releases printed and hid: a replay without them would never meet it. */
static bool is_alone(const struct args *args, const char *result, struct err *e)
{
	static const char section[] = "\nsection releases\n";
	struct buf file = { 0 };
	struct err unheard = { 0 };
	char path[LATTICE_PATH_MAX + 32];
	const char *slash = strrchr(result, '/');
	int dir = slash == NULL ? 0 : (int)(slash - result) + 1;
	if (args_value(args, "ledger") != NULL)
		return err_set(
		    e, ERR_UNSUPPORTED, "%s", _("--replay knows no earlier releases: not with --ledger"));
	int len = snprintf(path, sizeof path, "%.*scertificate.cvc", dir, result);
	bool alone = len < 0 || (size_t)len >= sizeof path ||
		     !protectfiles_read(&file, path, CSVLINES_FILE_MAX, &unheard) ||
		     memmem(file.data, file.size, section, sizeof section - 1) == NULL;
	buf_free(&file);
	return alone || err_set(e, ERR_UNSUPPORTED, "%s: %s", path,
			    _("a correction: --replay knows no earlier releases"));
}

int replay_command(const struct args *args)
{
	static const uint8_t seed[32] = { 'r', 'e', 'p', 'l', 'a', 'y' };
	struct policy_params p = policy_params_default();
	struct replay_report report = { 0 };
	struct table_input *t = NULL;
	struct buf result = { 0 };
	struct buf csv = { 0 };
	struct err e = { 0 };
	char own[LATTICE_PATH_MAX];
	unsigned long keys = 0;
	int code = PROTECT_INPUT;
	const char *out = args_value(args, "output");
	const char *path = args->n > 1 ? args->at[1] : own;
	if (!args_number(args, "replay", KEYS_MAX, 1, &keys))
		return PROTECT_INPUT;
	if (!lattice_result_path(args->at[0], own) ||
	    (args_value(args, "policy") != NULL &&
		!protectfiles_policy(&p, args_value(args, "policy"), &e)) ||
	    !is_alone(args, path, &e) || !protectfiles_read(&result, path, CSVLINES_FILE_MAX, &e) ||
	    (t = tabledir_read(args->at[0], true, &e)) == NULL ||
	    !replay_run(t, &p, buf_bytes(&result), (uint32_t)keys, seed, &csv, &report, &e) ||
	    (out != NULL ? !protectfiles_put(out, buf_bytes(&csv), &e) : !text_put(&csv)))
		text_error(&e);
	else
		code = told(args, &report);
	table_free(t);
	buf_free(&result);
	buf_free(&csv);
	return code;
}
