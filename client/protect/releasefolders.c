#include "client/protect/releasefolders.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/protect/csvlines.h"
#include "client/protect/latticerows.h"
#include "client/protect/protectfiles.h"

#define STATEMENT_MAX 65536u

/* ---- what a folder says of itself ---- */

struct statement {
	char series[128], period[64]; /* series: or the dataset */
	uint64_t revision;
	bool made;
};

bool releasefolders_text(const char *text, const char *key, const char *end, char *out, size_t room)
{
	const char *at = strstr(text, key);
	size_t n = at == NULL ? 0 : strcspn(at + strlen(key), end);
	if (n == 0 || n >= room)
		return false;
	memcpy(out, at + strlen(key), n);
	out[n] = '\0';
	return true;
}

static bool read_text(struct buf *out, const char *folder, const char *name)
{
	char path[LATTICE_PATH_MAX + 32];
	struct err unheard = { 0 };
	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (!protectfiles_read(out, path, STATEMENT_MAX, &unheard))
		return false;
	buf_put_byte(out, '\0');
	return !out->failed;
}

static struct statement statement_of(const char *folder)
{
	struct statement s = { .made = false };
	struct buf text = { 0 };
	char number[16];
	if (read_text(&text, folder, "entry.json")) {
		const char *at = (const char *)text.data;
		s.made = releasefolders_text(at, "\"series\":\"", "\"", s.series, sizeof s.series) &&
			 releasefolders_text(at, "\"period\":\"", "\"", s.period, sizeof s.period) &&
			 releasefolders_text(at, "\"revision\":", ",", number, sizeof number);
	} else {
		buf_free(&text);
		if (read_text(&text, folder, "manifest.txt")) {
			const char *at = (const char *)text.data;
			s.made = releasefolders_text(at, "\ndataset ", "\n", s.series, sizeof s.series) &&
				 releasefolders_text(at, "\nperiod ", "\n", s.period, sizeof s.period) &&
				 releasefolders_text(at, "\nrevision ", "\n", number, sizeof number);
		}
	}
	s.revision = s.made ? strtoul(number, NULL, 10) : 0;
	buf_free(&text);
	return s;
}

/* The digest of the folder's result. False: it has none. */
static bool result_of(const char *folder, uint8_t out[32])
{
	char path[LATTICE_PATH_MAX];
	struct buf file = { 0 };
	struct err unheard = { 0 };
	bool ok = lattice_result_path(folder, path) && access(path, F_OK) == 0 &&
		  protectfiles_read(&file, path, CSVLINES_FILE_MAX, &unheard);
	if (ok)
		crypto_hash_sha256(out, file.data, file.size);
	buf_free(&file);
	return ok;
}

/* ---- the folders of a ledger ---- */

typedef bool visit_folder(void *context, const char *folder, struct err *e);

static bool each_folder(const char *dir, visit_folder *visit, void *context, struct err *e)
{
	char path[LATTICE_PATH_MAX];
	bool ok = true;
	DIR *d = opendir(dir);
	if (d == NULL)
		return err_set(e, ERR_NOT_FOUND, "%s: %s", dir, strerror(errno));
	for (struct dirent *entry; ok && (entry = readdir(d)) != NULL;) {
		int n = snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		if (entry->d_name[0] != '.' && n > 0 && (size_t)n < sizeof path - 32)
			ok = visit(context, path, e);
	}
	closedir(d);
	return ok;
}

struct search {
	const struct releases *r;
	uint64_t release;
	char path[LATTICE_PATH_MAX];
	bool found, other,
	    lost; /* other: of another revision; lost: that revision, with another result or none */
};

static bool is_it(void *context, const char *folder, struct err *e)
{
	struct search *s = context;
	uint8_t digest[32];
	struct statement said = statement_of(folder);
	bool named = said.made && said.revision == s->r->revision[s->release];
	bool has = result_of(folder, digest);
	bool same = has && memcmp(digest, s->r->result[s->release], 32) == 0;
	(void)e;
	if (s->found)
		return true;
	s->found = same && (named || !said.made);
	s->other = s->other || (same && !s->found);
	s->lost = s->lost || (named && !has);
	if (s->found || (named && !has))
		snprintf(s->path, sizeof s->path, "%s", folder);
	return true;
}

static bool certificate_of(struct releasefolder *out, struct err *e)
{
	struct buf file = { 0 };
	char path[LATTICE_PATH_MAX + 32];
	snprintf(path, sizeof path, "%s/certificate.cvc", out->path);
	bool ok = protectfiles_read(&file, path, CSVLINES_FILE_MAX, e) &&
		  (certificate_claims(&out->g, buf_bytes(&file), &out->claims, e) || err_wrap(e, "%s", path));
	buf_free(&file);
	return ok;
}

static bool folder_read(struct releasefolder *out, const struct lattice *g, struct err *e)
{
	char cells[LATTICE_PATH_MAX + 32];
	snprintf(cells, sizeof cells, "%s/cells.csv", out->path);
	if (!lattice_read(&out->g, out->path, NULL, access(cells, R_OK) == 0, e) ||
	    !lattice_rows_hold(&out->g, out->path, NULL, (struct bytes){ 0 }, e) ||
	    !lattice_figures_hold(&out->g, e))
		return false;
	return certificate_of(out, e) && (releases_same_grid(&out->g, g) || lattice_lift(&out->g, g, e) ||
					     err_wrap(e, "%s", out->path));
}

bool releasefolders_find(const char *dir, const struct lattice *g, const struct releases *r, uint64_t release,
    struct releasefolder *out, struct err *e)
{
	struct search s = { .r = r, .release = release };
	unsigned long long revision = r->revision[release];
	out->g = (struct lattice){ 0 };
	if (!each_folder(dir, is_it, &s, e))
		return false;
	if (s.found) {
		memcpy(out->path, s.path, sizeof out->path);
		return folder_read(out, g, e) || err_wrap(e, "revision %llu", revision);
	}
	if (s.lost)
		return err_set(e, ERR_NOT_FOUND, "revision %llu: %s has no result", revision, s.path);
	if (s.other)
		return err_set(e, ERR_CRYPTO,
		    "%s: the result that the certificate gives revision %llu is another revision's", dir,
		    revision);
	return err_set(e, ERR_NOT_FOUND,
	    "%s: no folder holds the result that the certificate names for revision %llu", dir, revision);
}

/* ---- is it all there is? ---- */

struct census {
	const struct lattice *g;
	const struct releases *r;
	struct statement of; /* the period */
	bool own, other;     /* this release stands there under its revision, or under another */
};

static bool is_listed(const struct releases *r, uint64_t revision)
{
	for (uint64_t v = 0; v < r->n; v++)
		if (r->revision[v] == revision)
			return true;
	return false;
}

static bool count_folder(void *context, const char *folder, struct err *e)
{
	struct census *c = context;
	struct statement said = statement_of(folder);
	uint8_t digest[32];
	if (!said.made || strcmp(said.series, c->of.series) != 0 || strcmp(said.period, c->of.period) != 0 ||
	    is_listed(c->r, said.revision))
		return true;
	if (said.revision < c->r->revision[c->r->n])
		return err_set(e, ERR_CRYPTO,
		    "%s: revision %llu of the period, which the certificate leaves out", folder,
		    (unsigned long long)said.revision);
	if (result_of(folder, digest) && memcmp(digest, c->g->result_digest, 32) == 0) {
		c->own = c->own || said.revision == c->r->revision[c->r->n];
		c->other = c->other || said.revision != c->r->revision[c->r->n];
	}
	return true;
}

bool releasefolders_complete(
    const char *dir, const struct lattice *g, const struct releases *r, const char *path, struct err *e)
{
	struct census c = { .g = g, .r = r, .of = statement_of(path) };
	return !c.of.made ||
	       (each_folder(dir, count_folder, &c, e) &&
		   (c.own || !c.other ||
		       err_set(e, ERR_CRYPTO, "%s: this release has another revision there", dir)));
}
