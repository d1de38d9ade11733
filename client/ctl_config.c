/* cellveilctl config new: a city's configuration from a preset. Needs no vault. */
#include "client/ctl.h"
#include "client/file.h"
#include "client/text.h"
#include "proto/config.h"
#include "proto/name.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where presets are: beside an installed program, in the source of a built one. */
static const char *const places[] = { "../share/cellveil/presets", "../../../policy/presets" };

static bool program_dir(char out[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);

	if (n <= 0)
		return false;
	out[n] = '\0';
	char *slash = strrchr(out, '/');
	if (slash)
		*slash = '\0';
	return slash != NULL;
}

/* A path is read as it is, a name looked up. */
static bool read_preset(const char *preset, struct buf *out, struct err *e)
{
	char dir[PATH_MAX], path[FILE_PATH];
	struct err why = { 0 };

	if (strchr(preset, '/') != NULL || strstr(preset, ".yaml") != NULL)
		return file_read(out, preset, LIMIT_CONFIG_FILE, e);
	for (size_t i = 0; program_dir(dir) && i < sizeof places / sizeof *places; i++) {
		int n = snprintf(path, sizeof path, "%s/%s/%s.yaml", dir, places[i], preset);

		if (n < 0 || (size_t)n >= sizeof path)
			break;
		if (file_read(out, path, LIMIT_CONFIG_FILE, &why))
			return true;
		if (why.code != ERR_NOT_FOUND)
			return err_set(e, why.code, "%s", why.text);
	}
	return err_set(e, ERR_NOT_FOUND, _("%s: no such preset"), preset);
}

static bool check_words(const char *preset, const char *origin, const char *dataset, struct err *e)
{
	if (!preset || !origin || !dataset)
		return err_set(e, ERR_INVALID, "%s", _("--preset, --origin and --dataset are needed"));
	if (!name_is_origin(bytes_text(origin)))
		return err_set(e, ERR_INVALID, "%s", _("--origin: not in the form it must have"));
	return name_is_name(bytes_text(dataset)) ||
	       err_set(e, ERR_INVALID, "%s", _("--dataset: a name is a-z, 0-9 and -"));
}

int ctl_config_new(const struct args *args)
{
	const char *preset = args_value(args, "preset"), *origin = args_value(args, "origin"),
		   *dataset = args_value(args, "dataset"), *offices = args_value(args, "offices");
	struct buf text = { 0 }, lines = { 0 }, out = { 0 };
	struct err e = { 0 };
	int code = EXIT_USAGE;

	if (!check_words(preset, origin, dataset, &e) || !read_preset(preset, &text, &e) ||
	    (offices && !file_read(&lines, offices, LIMIT_CONFIG_FILE, &e)) ||
	    !preset_fill(buf_bytes(&text), origin, dataset, buf_bytes(&lines), &out, &e))
		text_error(&e);
	else
		code = text_put(&out) ? EXIT_OK : EXIT_OTHER;
	buf_free(&text);
	buf_free(&lines);
	buf_free(&out);
	return code;
}
