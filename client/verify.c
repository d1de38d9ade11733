#include "client/commands.h"
#include "client/protect/verifycert.h"
#include "client/release_files.h"
#include "client/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The folder meant by DIR or by DIR/manifest.txt. */
static void folder_of(char out[FILE_PATH], const char *path)
{
	struct stat st;
	const char *slash = strrchr(path, '/');

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		(void)snprintf(out, FILE_PATH, "%s", path);
	else if (slash != NULL)
		(void)snprintf(out, FILE_PATH, "%.*s", (int)(slash - path), slash == path ? "/" : path);
	else
		(void)snprintf(out, FILE_PATH, ".");
}

static bool say_result(const struct release_files *r, const struct certificate_report *c, bool json)
{
	const struct manifest *m = &r->manifest;
	struct buf out = { 0 };
	bool ok;

	if (json)
		buf_printf(&out,
		    "{\"holds\":true,\"origin\":\"%s\",\"dataset\":\"%s\",\"period\":\"%s\",\"revision\":%"
		    "llu,"
		    "\"files\":%zu,\"signed_at\":%llu,\"seq\":%llu,\"hidden\":%llu,\"covered\":%llu,"
		    "\"with_tables\":%llu,\"claimed\":\"%s\"}\n",
		    m->origin, m->dataset, m->period, (unsigned long long)m->revision, m->n_files,
		    (unsigned long long)r->claim.time_s, (unsigned long long)r->claim.seq,
		    (unsigned long long)c->hidden, (unsigned long long)c->covered,
		    (unsigned long long)c->with_tables, c->level);
	else
		buf_printf(&out, _("%s %s revision %llu of %s holds: signature and %zu files are good.\n"),
		    m->dataset, m->period, (unsigned long long)m->revision, m->origin, m->n_files);
	if (!json && c->moved.how != MOVED_NOT)
		verifycert_put_moved(&out, c);
	else if (!json)
		buf_printf(&out,
		    _("Its certificate holds: none of the %llu hidden cells can be computed from what is "
		      "printed; %llu are shown to reach the threshold.\n"),
		    (unsigned long long)c->hidden, (unsigned long long)c->with_tables);
	if (!json && c->earlier > 0)
		buf_printf(&out,
		    _("It was protected together with %llu earlier releases of the period; what all of them "
		      "say together "
		      "is not checked here.\n"),
		    (unsigned long long)c->earlier);
	ok = text_put(&out);
	buf_free(&out);
	return ok;
}

int command_verify(const struct args *args)
{
	struct deployment *d = calloc(1, sizeof *d);
	struct release_files *r = calloc(1, sizeof *r);
	struct certificate_report report = { 0 };
	char dir[FILE_PATH];
	struct err e = { 0 };
	int code = EXIT_OTHER;

	if (d == NULL || r == NULL)
		goto done;
	code = deployment_open(d, args_value(args, "dir"), &e);
	deployment_wait(d, QUESTION_MS / 1000);
	if (code == EXIT_OK && !d->has_keyset)
		code = deployment_keys(d, &e);
	if (code != EXIT_OK)
		goto done;
	folder_of(dir, args->at[0]);
	code = EXIT_OTHER;
	if (release_files_read(r, dir, &d->keyset, d->settings.join.origin, &e) &&
	    verifycert_folder(dir, &report, &e)) {
		code = say_result(r, &report, args_flag(args, "json")) ? EXIT_OK : EXIT_OTHER;
	} else {
		err_wrap(&e, "%s", _("does not hold"));
		err_wrap(&e, "%s", dir);
	}
done:
	if (e.text[0] != 0)
		text_error(&e);
	if (r != NULL)
		release_files_free(r);
	if (d != NULL)
		deployment_close(d);
	free(r);
	free(d);
	return code;
}
