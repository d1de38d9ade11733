#include "client/protect/ledgerdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/protect/protectfiles.h"
#include "client/protect/tabledir.h"
#include "proto/name.h"

#define PATH_MAX_HERE 4096
#define ENTRY_MAX     4096u
#define FILE_MAX      (UINT64_C(1) << 31)
#define RELEASES_MAX  999999u
#define FILES_MAX     64u

/* ---- one entry ---- */

struct entry { /* entry.json */
	char series[PARAMS_NAME_MAX + 1], period[LIMIT_PERIOD + 1];
	uint32_t revision;
	uint8_t policy[32];
};

static bool take(const char **at, const char *text)
{
	size_t n = strlen(text);
	if (strncmp(*at, text, n) != 0)
		return false;
	*at += n;
	return true;
}

/* Text up to a quote, which is taken too. */
static bool take_text(const char **at, char *out, size_t room)
{
	size_t n = strcspn(*at, "\"\\");
	if ((*at)[n] != '"' || n >= room)
		return false;
	memcpy(out, *at, n);
	out[n] = '\0';
	*at += n + 1;
	return true;
}

/* The one spelling that put_entry writes, and no other. */
static bool read_entry(const char *text, struct entry *out)
{
	char hex[65];
	char level[8];
	char *end = NULL;
	const char *at = text;
	if (!take(&at, "{\"v\":1,\"series\":\"") || !take_text(&at, out->series, sizeof out->series) ||
	    !take(&at, ",\"period\":\"") || !take_text(&at, out->period, sizeof out->period) ||
	    !take(&at, ",\"revision\":") || *at < '0' || *at > '9')
		return false;
	unsigned long revision = strtoul(at, &end, 10);
	at = end;
	out->revision = (uint32_t)revision;
	return revision <= LIMIT_REVISION && take(&at, ",\"policy\":\"") && take_text(&at, hex, sizeof hex) &&
	       hex_decode(out->policy, 32, bytes_text(hex)) && take(&at, ",\"level\":\"") &&
	       take_text(&at, level, sizeof level) && strcmp(at, "}\n") == 0;
}

static void put_entry(struct buf *out, const struct ledgerdir *l, enum guarantee level)
{
	buf_printf(out, "{\"v\":1,\"series\":\"%s\",\"period\":\"%s\",\"revision\":%u,\"policy\":\"",
	    l->series, l->period, l->revision);
	buf_put_hex(out, bytes_of(l->policy, sizeof l->policy));
	buf_printf(out, "\",\"level\":\"L%d\"}\n", (int)level);
}

/* ---- reading ---- */

static bool read_part(struct buf *out, const char *folder, const char *name, size_t max, struct err *e)
{
	char path[PATH_MAX_HERE];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return protectfiles_read(out, path, max, e);
}

/* A release of this series and period: what it was made of, and what it said. */
static bool add_release(const struct ledgerdir *l, const char *folder, const struct entry *entry,
    struct table_input *t, struct err *e)
{
	struct buf result = { 0 };
	struct buf certificate = { 0 };
	struct buf auditor = { 0 };
	struct table_input *earlier = NULL;
	bool ok = false;
	if (memcmp(entry->policy, l->policy, sizeof l->policy) != 0) {
		err_set(e, ERR_REFUSED, "the period was released under another policy before");
		goto done;
	}
	if (entry->revision >= l->revision) {
		err_set(e, ERR_REFUSED,
		    "the period was released as revision %u before: a correction has a higher --revision",
		    entry->revision);
		goto done;
	}
	earlier = tabledir_read(folder, true, e);
	if (earlier == NULL || !read_part(&result, folder, "RESULT.csv", FILE_MAX, e) ||
	    !read_part(&certificate, folder, "certificate.cvc", FILE_MAX, e) ||
	    !read_part(&auditor, folder, "certificate.auditor.cvc", FILE_MAX, e))
		goto done;
	struct earlier_facts facts = { .period = entry->period,
		.revision = entry->revision,
		.result_csv = buf_bytes(&result),
		.certificate = buf_bytes(&certificate),
		.auditor = buf_bytes(&auditor) };
	ok = table_add_earlier(t, earlier, &facts, e);
	if (ok)
		earlier = NULL; /* the table's now */
done:
	table_free(earlier);
	buf_free(&result);
	buf_free(&certificate);
	buf_free(&auditor);
	return ok;
}

/* A table that prints another period's figures would not be held against what left of that. */
static bool names_period(const struct table_input *t, const char *period, struct err *e)
{
	size_t code = 0;
	for (size_t d = 0; d < table_dimensions(t); d++)
		if (table_find_code(t, d, period, &code))
			return err_set(e, ERR_REFUSED,
			    "hier_%s.csv: code %s is a period that left before: periods that one table shows "
			    "are "
			    "one --period, whose list of them grows; if it is something else, name it "
			    "otherwise",
			    table_dimension_name(t, d), period);
	return true;
}

static bool read_release(struct ledgerdir *l, unsigned number, struct table_input *t, struct err *e)
{
	char folder[PATH_MAX_HERE];
	struct buf text = { 0 };
	struct entry entry;
	int n = snprintf(folder, sizeof folder, "%s/%06u", l->dir, number);
	if (n < 0 || (size_t)n >= sizeof folder - 64)
		return err_set(e, ERR_LIMIT, "the name of the ledger's folder is too long");
	bool ok = read_part(&text, folder, "entry.json", ENTRY_MAX, e);
	if (ok) {
		buf_put_byte(&text, 0);
		ok = (!text.failed && read_entry((const char *)text.data, &entry)) ||
		     err_set(e, ERR_MALFORMED, "%s/entry.json: not an entry of a ledger", folder);
	}
	bool same = ok && strcmp(entry.series, l->series) == 0;
	if (same && strcmp(entry.period, l->period) != 0)
		ok = names_period(t, entry.period, e);
	else if (same)
		ok = add_release(l, folder, &entry, t, e) || err_wrap(e, "%s", folder);
	l->n_period += same && strcmp(entry.period, l->period) == 0;
	buf_free(&text);
	return ok;
}

/* Folders are numbered from 1 without a gap: a missing one would be a release forgotten. */
static bool count_releases(struct ledgerdir *l, struct err *e)
{
	DIR *d = opendir(l->dir);
	unsigned most = 0;
	if (d == NULL)
		return err_set(e, ERR_SYSTEM, "%s: %s", l->dir, strerror(errno));
	for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
		char *end = NULL;
		unsigned long number = strtoul(entry->d_name, &end, 10);
		if (strlen(entry->d_name) != 6 || *end != '\0' || number == 0)
			continue;
		l->n++;
		most = number > most ? (unsigned)number : most;
	}
	closedir(d);
	return most == l->n || err_set(e, ERR_INVALID, "%s: a release is missing between others", l->dir);
}

bool ledgerdir_open(struct ledgerdir *l, const struct policy_params *p, struct table_input *t, struct err *e)
{
	struct policy_params rules = *p;
	l->lock = -1;
	if (!name_is_period(bytes_text(l->period)))
		return err_set(
		    e, ERR_INVALID, "--period: a period such as 2024, 2024-Q1 or 2024-01 is expected");
	rules.effort = 0; /* how hard to look is no rule */
	policy_params_digest(&rules, l->policy);
	memcpy(l->series, p->series, sizeof l->series);
	if (mkdir(l->dir, 0700) != 0 && errno != EEXIST)
		return err_set(e, ERR_SYSTEM, "%s: %s", l->dir, strerror(errno));
	l->lock = open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->lock < 0)
		return err_set(e, ERR_SYSTEM, "%s: %s", l->dir, strerror(errno));
	if (flock(l->lock, LOCK_EX | LOCK_NB) != 0)
		return err_set(e, ERR_REFUSED, "%s: another run is using this ledger", l->dir);
	if (!count_releases(l, e))
		return false;
	for (unsigned i = 1; i <= l->n; i++)
		if (!read_release(l, i, t, e))
			return false;
	return true;
}

/* ---- writing ---- */

static bool is_table_file(const char *name)
{
	static const char *const fixed[] = { "cells.csv", "tables.csv", "forced.csv", "structural.csv",
		"absent.csv", "covered.csv", "derived.csv" };
	size_t n = strlen(name);
	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		if (strcmp(name, fixed[i]) == 0)
			return true;
	return n > 9 && strncmp(name, "hier_", 5) == 0 && strcmp(name + n - 4, ".csv") == 0;
}

struct copies {
	struct outfile file[FILES_MAX];
	struct buf content[FILES_MAX];
	char name[FILES_MAX][NAME_MAX + 1];
	size_t n;
};

static bool copy_table(struct copies *c, const char *table, struct err *e)
{
	DIR *d = opendir(table);
	bool ok = true;
	if (d == NULL)
		return err_set(e, ERR_SYSTEM, "%s: %s", table, strerror(errno));
	for (struct dirent *entry; ok && (entry = readdir(d)) != NULL;) {
		if (!is_table_file(entry->d_name))
			continue;
		ok = (c->n < FILES_MAX - 4 || err_set(e, ERR_LIMIT, "%s: too many files", table)) &&
		     read_part(&c->content[c->n], table, entry->d_name, FILE_MAX, e);
		if (!ok)
			break;
		snprintf(c->name[c->n], sizeof c->name[c->n], "%s", entry->d_name);
		c->file[c->n] = (struct outfile){ c->name[c->n], buf_bytes(&c->content[c->n]) };
		c->n++;
	}
	closedir(d);
	return ok;
}

bool ledgerdir_add(struct ledgerdir *l, const struct release_result *r, struct err *e)
{
	struct copies *c = calloc(1, sizeof *c);
	struct buf entry = { 0 };
	char path[PATH_MAX_HERE];
	bool ok = c != NULL || err_set(e, ERR_MEMORY, "no memory for the ledger");
	if (ok && l->n >= RELEASES_MAX)
		ok = err_set(e, ERR_LIMIT, "%s: the ledger is full", l->dir);
	ok = ok && copy_table(c, l->table, e);
	if (!ok)
		goto done;
	put_entry(&entry, l, r->summary.level);
	c->file[c->n++] = (struct outfile){ "RESULT.csv", buf_bytes(&r->result_csv) };
	c->file[c->n++] = (struct outfile){ "certificate.cvc", buf_bytes(&r->certificate) };
	c->file[c->n++] = (struct outfile){ "certificate.auditor.cvc", buf_bytes(&r->auditor) };
	c->file[c->n++] = (struct outfile){ "entry.json", buf_bytes(&entry) };
	snprintf(l->made, sizeof l->made, "%06u", l->n + 1);
	snprintf(path, sizeof path, "%s/%s", l->dir, l->made);
	ok = protectfiles_write(path, c->file, c->n, e) &&
	     (fsync(l->lock) == 0 || err_set(e, ERR_SYSTEM, "%s: %s", l->dir, strerror(errno)));
	if (!ok)
		l->made[0] = '\0';
done:
	for (size_t i = 0; c != NULL && i < FILES_MAX; i++)
		buf_free(&c->content[i]);
	free(c);
	buf_free(&entry);
	return ok;
}

void ledgerdir_undo(const struct ledgerdir *l)
{
	char path[PATH_MAX_HERE];
	if (l->made[0] == '\0')
		return;
	snprintf(path, sizeof path, "%s/%s", l->dir, l->made);
	DIR *d = opendir(path);
	for (struct dirent *entry; d != NULL && (entry = readdir(d)) != NULL;)
		unlinkat(dirfd(d), entry->d_name, 0);
	if (d != NULL)
		closedir(d);
	rmdir(path);
}

void ledgerdir_close(struct ledgerdir *l)
{
	if (l->dir != NULL && l->lock >= 0)
		close(l->lock);
	l->lock = -1;
}
