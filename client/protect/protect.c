#include "client/protect/protect.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/protect/deadline.h"
#include "client/protect/jjprotect.h"
#include "client/protect/jjwrite.h"
#include "client/protect/lattice.h"
#include "client/protect/ledgerdir.h"
#include "client/protect/optimaltold.h"
#include "client/protect/protectfiles.h"
#include "client/protect/tabledir.h"
#include "client/protect/threads.h"
#include "client/protect/verifycert.h"
#include "client/text.h"
#include "policy/recode.h"
#include "policy/release.h"

static int exit_of(const struct err *e)
{
	text_error(e);
	switch (e->code) {
	case ERR_INTERNAL:
		return PROTECT_INTERNAL;
	case ERR_MEMORY:
		return PROTECT_LIMIT;
	default:
		return PROTECT_INPUT;
	}
}

static const char *refusal_text(enum refusal refusal)
{
	switch (refusal) {
	case REFUSAL_MIN_REPORTING:
		return _("too few offices reported");
	case REFUSAL_MIN_CHANGED:
		return _("too few offices changed since the last release");
	case REFUSAL_LEDGER:
		return _("not safe together with what was published before");
	case REFUSAL_LIMIT:
		return _("the limit of work was reached");
	default:
		return _("no safe pattern was found");
	}
}

static bool level_read(const struct args *args, struct release_options *o)
{
	const char *text = args_value(args, "level");
	if (text == NULL)
		return true;
	for (unsigned level = 1; level <= 4; level++) {
		char name[8];
		snprintf(name, sizeof name, "L%u", level);
		if (strcmp(text, name) == 0) {
			o->level = (enum guarantee)level;
			return true;
		}
	}
	text_say(_("cellveil: --level is L1, L2, L3 or L4"));
	return false;
}

static void hex_line(struct buf *out, const char *name, struct bytes content, const char *end)
{
	uint8_t digest[32];
	crypto_hash_sha256(digest, content.at, content.len);
	buf_printf(out, "\"%s\":\"", name);
	buf_put_hex(out, bytes_of(digest, sizeof digest));
	buf_printf(out, "\"%s", end);
}

static struct optimaltold optimal_of(const struct release_summary *s, const struct optimal_report *report)
{
	return (struct optimaltold){ &s->choice, report, s->choice.cost };
}

static void summary_write(struct buf *out, const struct release_result *r, const struct policy_params *p,
    const struct optimal_report *report, bool real_key, bool truth)
{
	static const char *const step[] = { "none", "unfreeze", "camouflage", "coarsen", "withhold" };
	const struct release_summary *s = &r->summary;
	uint8_t digest[32];
	policy_params_digest(p, digest);
	buf_printf(out, "{\"level\":\"L%d\",\"floor\":%u,\"policy\":\"", (int)s->level, s->floor);
	buf_put_hex(out, bytes_of(digest, sizeof digest));
	buf_printf(out, "\",\"for_publication\":%s,", real_key && !truth ? "true" : "false");
	buf_printf(out,
	    "\"printed\":%llu,\"published\":%llu,\"hidden\":%llu,\"primary\":%llu,\"secondary\":%llu,"
	    "\"structural\":%llu,\"not_reported\":%llu,\"not_asked\":%llu,\"secondary_value\":%llu,\"cost\":%"
	    "llu,",
	    (unsigned long long)s->printed, (unsigned long long)s->published, (unsigned long long)s->hidden,
	    (unsigned long long)s->primary, (unsigned long long)s->secondary,
	    (unsigned long long)s->structural, (unsigned long long)s->not_reported,
	    (unsigned long long)s->not_asked, (unsigned long long)s->secondary_value,
	    (unsigned long long)s->cost);
	buf_printf(out,
	    "\"requirements\":%llu,\"served\":{\"free\":%llu,\"gather\":%llu,\"chain\":%llu,\"pay\":%llu,"
	    "\"exact\":%llu},\"moves\":%llu,\"move_entries\":%llu,\"work\":%llu,\"components\":%llu,\"open_"
	    "components\":%llu,",
	    (unsigned long long)s->requirements, (unsigned long long)s->served_free,
	    (unsigned long long)s->served_gather, (unsigned long long)s->served_chain,
	    (unsigned long long)s->served_pay, (unsigned long long)s->served_exact,
	    (unsigned long long)s->moves, (unsigned long long)s->move_entries, (unsigned long long)s->work,
	    (unsigned long long)s->components, (unsigned long long)s->hidden_open_components);
	buf_printf(out, "\"earlier\":%llu,\"late\":%llu,", (unsigned long long)s->earlier,
	    (unsigned long long)s->late);
	buf_printf(out, "\"method\":\"%s\",\"redraws\":%llu,\"wide\":%llu,", policy_method_name(s->method),
	    (unsigned long long)s->redraws, (unsigned long long)s->wide);
	buf_printf(out, "\"ladder\":\"%s\",\"advice\":%s,", s->wide > 0 ? "widen" : step[s->last_step],
	    s->advise_recode ? "\"recode\"" : "null");
	const struct optimaltold optimal = optimal_of(s, report);
	if (s->choice.asked)
		optimaltold_json(&optimal, out);
	hex_line(out, "result_sha256", buf_bytes(&r->result_csv), ",");
	hex_line(out, "certificate_sha256", buf_bytes(&r->certificate), ",");
	hex_line(out, "auditor_sha256", buf_bytes(&r->auditor), "}\n");
}

static int told(const struct args *args, const struct release_result *r, const struct optimal_report *report,
    const struct buf *summary, bool real_key)
{
	const struct release_summary *s = &r->summary;
	const struct optimaltold optimal = optimal_of(s, report);
	if (args_flag(args, "json"))
		text_put(summary);
	if (s->method != METHOD_SUPPRESSION)
		text_say(_("%llu figures printed, all %s; %llu small counts were checked to stay in doubt"),
		    (unsigned long long)s->published,
		    s->method == METHOD_ROUNDING ? _("rounded") : _("moved by noise"),
		    (unsigned long long)s->requirements);
	else
		text_say(_("%llu cells printed: %llu published, %llu hidden; guarantee L%d"),
		    (unsigned long long)s->printed, (unsigned long long)s->published,
		    (unsigned long long)s->hidden, (int)s->level);
	if (s->wide > 0)
		text_say(_("%llu totals went past the multiple beside them, so that all sums add up"),
		    (unsigned long long)s->wide);
	if (s->choice.asked)
		optimaltold_say(&optimal);
	if (s->earlier > 0)
		text_say(_("safe together with %llu earlier releases of the period"),
		    (unsigned long long)s->earlier);
	if (s->late > 0)
		text_warn(_("%llu cells left before that today's rules would protect"),
		    (unsigned long long)s->late);
	if ((s->last_step != LADDER_END || s->wide > 0) && r->reasons.size > 0)
		fwrite(r->reasons.data, 1, r->reasons.size, stderr); /* with the advice, if there is one */
	else if (s->advise_recode)
		text_say(_(
		    "advice: recode: much is hidden; coarser codes would show more (--propose lists them)"));
	if (!real_key)
		text_warn(_("no key: not for publication"));
	if (args_flag(args, "truth"))
		text_warn(_("RESULT.csv holds the true counts: not for publication"));
	return PROTECT_SAFE;
}

static int refused(const struct release_result *r)
{
	text_say(_("refused: %s; nothing was written"), refusal_text(r->refusal));
	if (r->reasons.size > 0)
		fwrite(r->reasons.data, 1, r->reasons.size, stderr);
	return r->refusal == REFUSAL_LIMIT ? PROTECT_LIMIT : PROTECT_REFUSED;
}

/* What figures that are moved leave no use for. False: said. */
static bool method_fits(const struct args *args, const struct policy_params *p)
{
	static const char *const hiding[] = { "optimal", "propose", "effort", NULL };
	char with[64];
	snprintf(with, sizeof with, "method: %s", policy_method_name(p->method));
	return p->method == METHOD_SUPPRESSION || args_exclude(args, with, hiding);
}

/* Do the options fit what the ledger holds of the period? False: said. */
static bool ledger_fits(const struct args *args, const struct ledgerdir *l)
{
	static const char *const alone[] = { "optimal", NULL };
	if (l->dir == NULL || l->n_period > 0)
		return l->dir == NULL || args_exclude(args, _("a correction"), alone);
	if (l->revision == 0)
		return true;
	text_warn(_("--revision %u is a correction, and the ledger holds no release of %s to correct: leave "
		    "--revision out for the first one, or name the --ledger and the --period that hold it"),
	    l->revision, l->period);
	return false;
}

/* --ledger, --period, --revision, and level L4, go together. False: said. */
static bool ledger_wanted(const struct args *args, struct ledgerdir *l, struct release_options *o)
{
	unsigned long revision = 0;
	l->dir = args_value(args, "ledger");
	l->period = args_value(args, "period");
	l->table = args->at[0];
	if (l->dir != NULL ? l->period == NULL : args_value(args, "revision") != NULL) {
		text_warn("%s", _("--ledger needs --period, and --revision needs --ledger"));
		return false;
	}
	if (l->dir == NULL && o->level == LEVEL_4) {
		text_warn("%s", _("--level L4 is L3 together with everything released before: name that with "
				  "--ledger and --period, or say L3"));
		return false;
	}
	if (!args_number(args, "revision", LIMIT_REVISION, 0, &revision))
		return false;
	if (l->dir != NULL && o->truth) {
		text_warn("%s", _("a result with --truth is not for publication, and stands in no ledger"));
		return false;
	}
	l->revision = o->revision = (uint32_t)revision;
	o->period = l->period;
	return true;
}

/* ---- what is kept: results, the ledger's folder and the JJ file, all or none ---- */

struct keeping {
	const struct args *args;
	const struct policy_params *p;
	const struct release_result *r;
	struct bytes summary, recode;
	struct ledgerdir *ledger;
	const char *inside; /* the JJ file's name, where it goes among the results; else NULL */
	struct outfolder out;
	struct staged jj;
};

/* The last part of the path, if all before it is the folder. */
static const char *name_inside(const char *path, const char *folder)
{
	const char *slash = path == NULL ? NULL : strrchr(path, '/');
	size_t len = strlen(folder);
	while (len > 1 && folder[len - 1] == '/')
		len--;
	return slash != NULL && (size_t)(slash - path) == len && strncmp(path, folder, len) == 0 ? slash + 1
												 : NULL;
}

static bool is_folder(const char *path, const char *folder)
{
	size_t len = strlen(folder);
	while (len > 1 && folder[len - 1] == '/')
		len--;
	return strlen(path) == len && strncmp(path, folder, len) == 0;
}

static bool results_begin(struct keeping *k, struct err *e)
{
	const struct release_result *r = k->r;
	struct outfile file[8];
	size_t n = 0;
	file[n++] = (struct outfile){ "RESULT.csv", buf_bytes(&r->result_csv) };
	file[n++] = (struct outfile){ "certificate.cvc", buf_bytes(&r->certificate) };
	file[n++] = (struct outfile){ "certificate.auditor.cvc", buf_bytes(&r->auditor) };
	file[n++] = (struct outfile){ "explain.csv", buf_bytes(&r->explain_csv) };
	file[n++] = (struct outfile){ "summary.json", k->summary };
	if (r->derived_csv.size > 0)
		file[n++] = (struct outfile){ "DERIVED.csv", buf_bytes(&r->derived_csv) };
	if (k->recode.len > 0)
		file[n++] = (struct outfile){ "recode.csv", k->recode };
	return outfolder_begin(&k->out, args_value(k->args, "output"), file, n, k->inside, e);
}

/* Where cells were not reported or not asked, what is declared of them may leave readers another picture than the engine has.
 * Then the certificate would not hold: better to hear of it now. */
static bool declared_enough(struct keeping *k, struct err *e)
{
	const struct release_summary *s = &k->r->summary;
	char result[LATTICE_PATH_MAX];
	if (s->not_reported + s->not_asked == 0 || s->method != METHOD_SUPPRESSION ||
	    args_flag(k->args, "truth"))
		return true;
	int len = snprintf(result, sizeof result, "%s/RESULT.csv", k->out.fresh);
	if (len < 0 || (size_t)len >= sizeof result)
		return err_set(e, ERR_LIMIT, "the name of the folder is too long");
	if (verifycert_public(k->args->at[0], result, buf_bytes(&k->r->certificate), e))
		return true;
	return e->code == ERR_MEMORY
		   ? false
		   : err_set(e, ERR_INVALID,
			 "%s/cells.csv: status: nobody could verify the result: what was reported beside "
			 "cells that "
			 "were not, and stands in no table, has to be in covered.csv (rule R12)",
			 k->args->at[0]);
}

/* The table as a JJ file; which cells are printed is read from the results, where they wait. */
static bool jj_begin(struct keeping *k, struct err *e)
{
	struct buf jj = { 0 };
	char result[LATTICE_PATH_MAX];
	const char *path = args_value(k->args, "write-jj");
	if (path == NULL)
		return true;
	if (is_folder(path, k->out.dir))
		return err_set(e, ERR_INVALID, "--write-jj: %s is the folder of the results", path);
	int len = snprintf(result, sizeof result, "%s/RESULT.csv", k->out.fresh);
	bool ok = (len > 0 && (size_t)len < sizeof result) ||
		  err_set(e, ERR_LIMIT, "the name of the folder is too long");
	ok = ok && jjwrite_folder(k->args->at[0], result, k->p, &jj, e);
	if (ok && k->inside != NULL)
		ok = outfolder_add(&k->out, &(struct outfile){ k->inside, buf_bytes(&jj) }, e);
	else
		ok = ok && staged_begin(&k->jj, path, buf_bytes(&jj), e);
	buf_free(&jj);
	return ok || err_wrap(e, "--write-jj");
}

/* What may fail for want of room or leave comes first; then the ledger: better it knows of something that did not leave
 * than the other way round. */
static bool keep(struct keeping *k, struct err *e)
{
	deadline_stop();
	k->out.fd = -1;
	k->inside = name_inside(args_value(k->args, "write-jj"), args_value(k->args, "output"));
	bool ok = results_begin(k, e) && declared_enough(k, e) && jj_begin(k, e);
	bool known = ok && k->ledger->dir != NULL;
	ok = ok && (!known || ledgerdir_add(k->ledger, k->r, e));
	ok = ok && outfolder_finish(&k->out, e);
	if (known && !ok)
		ledgerdir_undo(k->ledger);
	ok = ok && staged_finish(&k->jj, e);
	staged_drop(&k->jj);
	outfolder_drop(&k->out);
	return ok;
}

static void optimal_told(const struct optimal_report *r, double bound, double cost)
{
	fprintf(stderr, "\r\033[K%u: %.15g .. %.15g", r->rounds, bound, cost);
}

/* What was typed, but for what needs the table. PROTECT_SAFE: go on; else said. */
static int options_take(
    const struct args *args, struct policy_params *p, struct release_options *o, struct ledgerdir *ledger)
{
	static const char *const plain[] = { "write-jj", NULL };
	const char *policy = args_value(args, "policy");
	struct err e = { 0 };
	unsigned long effort;
	unsigned long work;
	if (args->n == 0) {
		text_warn("%s", _("protect takes a folder, or --jj FILE"));
		return PROTECT_INPUT;
	}
	if ((o->truth && !args_exclude(args, "--truth", plain)) || !level_read(args, o) ||
	    !args_number(args, "max-work", ULONG_MAX, 0, &work) || !ledger_wanted(args, ledger, o))
		return PROTECT_INPUT;
	o->max_work = work;
	if (policy != NULL && !protectfiles_policy(p, policy, &e))
		return exit_of(&e);
	if (!args_number(args, "effort", 1000, p->effort, &effort))
		return PROTECT_INPUT;
	p->effort = (uint32_t)effort;
	return method_fits(args, p) && threads_open(args, &o->team) ? PROTECT_SAFE : PROTECT_INPUT;
}

static int run(const struct args *args)
{
	struct policy_params p = policy_params_default();
	struct release_options o = { .truth = args_flag(args, "truth"),
		.period = args_value(args, "period") };
	struct release_result *r = NULL;
	struct table_input *t = NULL;
	struct buf summary = { 0 };
	struct buf recode = { 0 };
	struct ledgerdir ledger = { .lock = -1 };
	struct err e = { 0 };
	uint8_t key[32] = { 0 };
	int code = PROTECT_INPUT;
	const char *key_path = args_value(args, "key");
	if (args_value(args, "output") == NULL) {
		text_say(_("cellveil: protect needs -o FOLDER"));
		return PROTECT_INPUT;
	}
	if (!deadline_start(args))
		return PROTECT_INPUT;
	if (args_value(args, "jj") != NULL)
		return jjprotect_run(args);
	if ((code = options_take(args, &p, &o, &ledger)) != PROTECT_SAFE)
		return code;
	code = PROTECT_INPUT;
	struct optimal_report report = { .patience = deadline_patience(),
		.tell = isatty(STDERR_FILENO) ? optimal_told : NULL };
	if (args_flag(args, "optimal")) {
		o.choose = optimal_ask;
		o.choose_context = &report;
	}
	o.has_grid = true;
	if (!lattice_folder_digest(args->at[0], o.grid, &e) ||
	    (key_path != NULL && !protectfiles_key(key, key_path, &e)) ||
	    (t = tabledir_read(args->at[0], true, &e)) == NULL ||
	    (ledger.dir != NULL && !ledgerdir_open(&ledger, &p, t, &e))) {
		code = exit_of(&e);
		goto done;
	}
	if (!ledger_fits(args, &ledger))
		goto done;
	if (!release_build(t, &p, key, &o, &r, &e)) {
		if (strncmp(e.text, "policy: ", 8) == 0 && args_value(args, "policy") != NULL)
			err_wrap(&e, "%s", args_value(args, "policy"));
		code = exit_of(&e);
		goto done;
	}
	if (r->refusal != REFUSAL_NONE) {
		code = refused(r);
		goto done;
	}
	summary_write(&summary, r, &p, &report, key_path != NULL, o.truth);
	if (args_flag(args, "propose") && p.method == METHOD_SUPPRESSION &&
	    !recode_propose(t, &p, key, &o, &recode, &e)) {
		code = exit_of(&e);
		goto done;
	}
	struct keeping kept = { .args = args,
		.p = &p,
		.r = r,
		.summary = buf_bytes(&summary),
		.recode = buf_bytes(&recode),
		.ledger = &ledger };
	code = keep(&kept, &e) ? told(args, r, &report, &summary, key_path != NULL) : exit_of(&e);
done:
	sodium_memzero(key, sizeof key);
	ledgerdir_close(&ledger);
	team_free(o.team);
	release_result_free(r);
	table_free(t);
	buf_free(&summary);
	buf_free(&recode);
	return code;
}

const struct command protect_command = {
	.name = "protect",
	.arguments = "[TABLEDIR]",
	.about = N_("hide small counts of a table, and prove that nobody can work them out"),
	.example = "cellveil protect tables/2024 --policy policy.yaml --key choice.key -o protected\n"
		   "cellveil protect --jj linked.jj --policy policy.yaml --key choice.key -o protected",
	.option = {
	    { "policy", 0, "FILE", N_("the protection rules, or a configuration that holds them") },
	    { "key", 0, "FILE", N_("the choice key; without it the result is not for publication") },
	    { "level", 0, "L1|L2|L3|L4", N_("the guarantee; L3 unless said, L4 with --ledger only") },
	    { "period", 0, "PERIOD", N_("the period the counts are of: noise is drawn for it, the ledger keeps it") },
	    { "effort", 0, "N", N_("improvement steps for each secondary cell; never changes safety") },
	    { "threads", 0, "N", N_("threads that share the work, 1 unless said; any number gives the same files") },
	    { "jj", 0, "FILE", N_("a table of any relations in tau-ARGUS' JJ format, instead of a folder") },
	    { "optimal", 0, NULL, N_("small tables: look for the cheapest pattern there is, and say how far from it this is") },
	    { "max-seconds", 0, "N", N_("end after N seconds, with exit code 5 and nothing written; with --optimal: end that search, and write the best found") },
	    { "max-work", 0, "N", N_("end after so much work, as summary.json counts it, with exit code 5; alike on every machine") },
	    { "write-jj", 0, "FILE", N_("also the table itself as a JJ file, with its counts: for tau-ARGUS or sdcTable") },
	    { "propose", 0, NULL, N_("write recode.csv too: what coarser codes would save, best first") },
	    { "ledger", 0, "DIR", N_("everything released before: protect against it, and add this release") },
	    { "revision", 0, "N", N_("with --ledger: 0 the first release of the period, then 1, 2, ...") },
	    { "truth", 0, NULL, N_("show hidden counts in RESULT.csv: for your eyes only") },
	    { "output", 'o', "FOLDER", N_("where the results go, all together or not at all") },
	},
	.min = 0,
	.max = 1,
	.run = run,
};
