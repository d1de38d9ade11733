#include "client/protect/csvlines.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_file(struct csvlines *c, struct err *e)
{
	struct stat st;
	bool ok = false;
	int fd =
	    open(c->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a pipe is no reason to wait */
	FILE *f = fd < 0 ? NULL : fdopen(fd, "rb");
	if (f == NULL && fd >= 0)
		close(fd);
	if (f == NULL)
		return err_set(
		    e, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "%s: %s", c->path, strerror(errno));
	if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
		err_set(e, ERR_SYSTEM, "%s: not a regular file", c->path);
		goto done;
	}
	if ((uint64_t)st.st_size > CSVLINES_FILE_MAX) {
		err_set(e, ERR_LIMIT, "%s: the file is too large", c->path);
		goto done;
	}
	c->size = (size_t)st.st_size;
	c->text = malloc(c->size + 1);
	if (c->text == NULL) {
		err_set(e, ERR_MEMORY, "%s: no memory", c->path);
		goto done;
	}
	if (fread(c->text, 1, c->size, f) != c->size) {
		err_set(e, ERR_SYSTEM, "%s: cannot be read to its end", c->path);
		goto done;
	}
	c->text[c->size] = '\0';
	ok = true;
done:
	fclose(f);
	return ok;
}

/* Splits one field in place. *end is the character that ended it: ',' '\n' or 0. */
static char *split_field(struct csvlines *c, char *end, struct err *e)
{
	char *from = c->text + c->at;
	char *to = from;
	const char *in = from;
	bool quoted = *in == '"';
	if (quoted) {
		for (in++; *in != '\0' && (*in != '"' || in[1] == '"'); in++) {
			if (*in == '"')
				in++;
			*to++ = *in;
		}
		if (*in != '"') {
			err_set(e, ERR_MALFORMED, "a quote is not closed");
			return NULL;
		}
		in++;
		if (*in == '\r' && in[1] == '\n')
			in++;
		if (*in != ',' && *in != '\n' && in != c->text + c->size) {
			err_set(e, ERR_MALFORMED, "text after a closing quote");
			return NULL;
		}
	} else {
		size_t len = strcspn(in, ",\n\"");
		in += len;
		to += len;
		if (*in == '"') {
			err_set(e, ERR_MALFORMED, "a quote inside a field without quotes");
			return NULL;
		}
		if (to > from && to[-1] == '\r' && *in != ',')
			to--;
	}
	*end = *in;
	if (*in == '\0' && in != c->text + c->size) {
		err_set(e, ERR_MALFORMED, "a zero byte");
		return NULL;
	}
	c->at = (size_t)(in - c->text) + (*in != '\0');
	*to = '\0';
	return from;
}

static bool split_line(struct csvlines *c, struct err *e)
{
	char end = ',';
	c->line++;
	c->n_fields = 0;
	while (end == ',') {
		if (c->n_fields == CSVLINES_FIELDS_MAX)
			return err_set(e, ERR_LIMIT, "more than %d fields", CSVLINES_FIELDS_MAX);
		char *field = split_field(c, &end, e);
		if (field == NULL)
			return false;
		c->field[c->n_fields++] = field;
	}
	return true;
}

/* A text that begins with the line it is about, which may be an earlier one, gives that line. */
bool csvlines_at(const struct csvlines *c, struct err *e)
{
	unsigned long line = c->line;
	while (e != NULL && strncmp(e->text, "line ", 5) == 0) {
		char *end;
		unsigned long said = strtoul(e->text + 5, &end, 10);
		if (end == e->text + 5 || strncmp(end, ": ", 2) != 0)
			break;
		line = said;
		memmove(e->text, end + 2, strlen(end + 2) + 1);
	}
	return err_wrap(e, "%s:%lu", c->path, line);
}

bool csvlines_open(struct csvlines *c, const char *dir, const char *name, struct err *e)
{
	*c = (struct csvlines){ 0 };
	if (asprintf(&c->path, "%s/%s", dir, name) < 0) {
		c->path = NULL;
		return err_set(e, ERR_MEMORY, "no memory");
	}
	if (!read_file(c, e))
		return false;
	if (c->size >= 3 && memcmp(c->text, "\xef\xbb\xbf", 3) == 0)
		c->at = 3;
	if (c->at == c->size)
		return err_set(e, ERR_MALFORMED, "%s: the file is empty", c->path);
	if (!split_line(c, e))
		return csvlines_at(c, e);
	c->n_columns = c->n_fields;
	return true;
}

bool csvlines_next(struct csvlines *c, struct err *e)
{
	if (e != NULL)
		e->code = ERR_NONE;
	while (c->at < c->size) {
		if (!split_line(c, e))
			return csvlines_at(c, e);
		if (c->n_fields == 1 && c->n_columns > 1 && c->field[0][0] == '\0')
			continue;
		if (c->n_fields != c->n_columns) {
			err_set(
			    e, ERR_MALFORMED, "%zu fields, the header has %zu", c->n_fields, c->n_columns);
			return csvlines_at(c, e);
		}
		return true;
	}
	return false;
}

void csvlines_close(struct csvlines *c)
{
	if (c->text != NULL)
		sodium_memzero(c->text, c->size);
	free(c->text);
	free(c->path);
	*c = (struct csvlines){ 0 };
}
