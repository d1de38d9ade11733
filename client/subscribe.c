#include "client/commands.h"
#include "client/follow.h"
#include "client/release_files.h"
#include "client/show.h"
#include "client/text.h"
#include <stdlib.h>
#include <string.h>

struct subscription {
	struct deployment deployment;
	struct follow follow;
	struct release_files release; /* of the envelope under way */
	struct config *config;
	bool json;
	unsigned long left; /* releases still wanted; 0: for ever */
	bool bounded;
	bool skipped; /* the envelope's release is not in force any more */
};

/* Objects of a release that was withdrawn are gone; the feed still tells of it. */
static bool is_in_force(struct subscription *s, const struct feed_envelope *env)
{
	struct feed_reader place = s->follow.reader;
	struct feed_state state;
	struct err e;
	bool found = follow_state(&s->follow, &state, &e) != EXIT_OK;

	s->follow.reader = place;
	for (size_t i = 0; i < state.n_rows; i++)
		found = found || memcmp(state.row[i].object, env->object, sizeof env->object) == 0;
	feed_state_free(&state);
	return found;
}

static int apply(void *user, const struct feed_envelope *env, struct err *e)
{
	struct subscription *s = user;
	int code;

	s->skipped = false;
	config_free(s->config);
	s->config = NULL;
	release_files_free(&s->release);
	memset(&s->release, 0, sizeof s->release);
	if (env->kind != FEED_RELEASE || env->action == FEED_WITHDRAWS)
		return EXIT_OK;
	code = release_files_fetch(&s->release, &s->deployment, env, e);
	if (code == EXIT_REFUSED && e->detail == REJECT_NOT_FOUND && !is_in_force(s, env)) {
		s->skipped = true;
		return EXIT_OK;
	}
	if (code == EXIT_OK)
		code = deployment_config(
		    &s->deployment, s->release.manifest.config, s->release.manifest.dataset, &s->config, e);
	if (code == EXIT_OK && !export_check(&s->release.rows, s->config, e))
		code = EXIT_OTHER;
	if (code != EXIT_OK)
		err_wrap(e, _("release %s %s of the feed does not hold"), env->dataset, env->period);
	return code;
}

static int show(void *user, const struct feed_envelope *env, struct err *e)
{
	struct subscription *s = user;
	struct buf out = { 0 };
	bool is_release = env->kind == FEED_RELEASE && env->action != FEED_WITHDRAWS && !s->skipped;
	bool ok = true;

	if (is_release)
		ok = s->json ? show_release_json(&out, &s->release.rows, s->config, env, e)
			     : show_release(&out, &s->release.rows, s->config, e);
	else if (env->kind == FEED_RELEASE)
		text_warn(_("%s %s, revision %llu: withdrawn"), env->dataset, env->period,
		    (unsigned long long)env->revision);
	else if (env->kind == FEED_NOTICE)
		text_warn(_("notice: %.*s"), (int)env->text.len, (const char *)env->text.at);
	if (ok && !text_put(&out))
		ok = err_set(e, ERR_SYSTEM, "%s", _("the output cannot be written"));
	buf_free(&out);
	if (!ok)
		return EXIT_OTHER;
	return is_release && s->bounded && --s->left == 0 ? FOLLOW_ENOUGH : EXIT_OK;
}

static int run(struct subscription *s, const struct args *args, struct err *e)
{
	const char *dataset;
	unsigned long wait;
	int code;

	if (!args_number(args, "count", 1000000, args_flag(args, "once") ? 1 : 0, &s->left) ||
	    !args_number(args, "wait", 30ul * 86400, (unsigned long)INT64_MAX, &wait))
		return EXIT_USAGE;
	s->bounded = s->left > 0;
	s->json = args_flag(args, "json");
	code = deployment_open(&s->deployment, args_value(args, "dir"), e);
	if (code != EXIT_OK)
		return code;
	deployment_wait(&s->deployment, wait);
	dataset = settings_dataset(&s->deployment.settings, args->n > 0 ? args->at[0] : NULL, e);
	if (dataset == NULL)
		return EXIT_USAGE;
	code = deployment_keys(&s->deployment, e);
	if (code == EXIT_OK)
		code = follow_open(&s->follow, &s->deployment, dataset, args_flag(args, "all"), e);
	if (code != EXIT_OK)
		return code;
	s->deployment.persist = true;
	s->follow.apply = apply;
	s->follow.show = show;
	s->follow.user = s;
	s->follow.newest = s->bounded ? s->left : SIZE_MAX;
	return follow_run(&s->follow, e);
}

int command_subscribe(const struct args *args)
{
	struct subscription *s = calloc(1, sizeof *s);
	struct err e = { 0 };
	int code;

	if (s == NULL)
		return EXIT_OTHER;
	text_quiet(args_flag(args, "quiet"));
	code = run(s, args, &e);
	if (code != EXIT_OK && e.text[0] != 0)
		text_error(&e);
	release_files_free(&s->release);
	config_free(s->config);
	follow_close(&s->follow);
	deployment_close(&s->deployment);
	free(s);
	return code;
}
