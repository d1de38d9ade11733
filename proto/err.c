#include "proto/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 4, 0))) static void fill(
    struct err *e, enum err_code code, unsigned detail, const char *fmt, va_list args)
{
	if (e == NULL)
		return;
	e->code = code;
	e->detail = detail;
	vsnprintf(e->text, sizeof e->text, fmt, args);
}

bool(err_set)(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fill(e, code, 0, fmt, args);
	va_end(args);
	return false;
}

bool(err_set_detail)(struct err *e, enum err_code code, unsigned detail, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fill(e, code, detail, fmt, args);
	va_end(args);
	return false;
}

bool(err_wrap)(struct err *e, const char *fmt, ...)
{
	if (e == NULL)
		return false;
	char prefix[sizeof e->text];
	va_list args;
	va_start(args, fmt);
	vsnprintf(prefix, sizeof prefix, fmt, args);
	va_end(args);
	char rest[sizeof e->text];
	memcpy(rest, e->text, sizeof rest);
	/* a text that grows too long loses its end, never its place */
	size_t used = strlen(prefix);
	memcpy(e->text, prefix, used + 1);
	snprintf(e->text + used, sizeof e->text - used, ": %s", rest);
	return false;
}
