#include "client/protect/verifycert.h"

#include <stdio.h>
#include <unistd.h>

#include "client/protect/auditor.h"
#include "client/protect/certificate.h"
#include "client/protect/jjcert.h"
#include "client/protect/latticerows.h"
#include "client/protect/moved.h"
#include "client/protect/movedaudit.h"
#include "client/protect/protect.h"
#include "client/protect/protectfiles.h"
#include "client/protect/suppressed.h"
#include "client/text.h"

#define CERTIFICATE_MAX (UINT64_C(1) << 31)

static void report_json(const struct certificate_report *r, bool holds)
{
	struct buf out = { 0 };
	buf_printf(&out,
	    "{\"holds\":%s,\"claimed\":\"%s\",\"threshold\":%u,\"width\":%u,\"floor\":%u,\"coalition\":%u,"
	    "\"hidden\":%llu,\"covered\":%llu,\"with_tables\":%llu,\"tables\":%llu,\"earlier\":%llu,"
	    "\"earlier_hidden\":%llu,\"came_out\":%llu,\"differences\":%llu,\"differences_open\":%llu,"
	    "\"moved\":%llu,\"reach\":%lld,"
	    "\"reach_totals\":%lld}\n",
	    holds ? "true" : "false", r->level, r->threshold, r->width, r->floor, r->coalition,
	    (unsigned long long)r->hidden, (unsigned long long)r->covered, (unsigned long long)r->with_tables,
	    (unsigned long long)r->tables, (unsigned long long)r->earlier,
	    (unsigned long long)r->earlier_hidden, (unsigned long long)r->came_out,
	    (unsigned long long)r->differences, (unsigned long long)r->differences_open,
	    (unsigned long long)r->near, (long long)r->moved.reach, (long long)r->moved.totals);
	text_put(&out);
	buf_free(&out);
}

void verifycert_put_moved(struct buf *out, const struct certificate_report *r)
{
	if (r->moved.how == MOVED_ROUNDING && r->moved.totals > r->moved.reach)
		buf_printf(out,
		    _("Its certificate holds: %llu figures are multiples of %lld and add up, inner figures "
		      "less than "
		      "%lld and totals at most %lld from the true one.\n"),
		    (unsigned long long)r->near, (long long)r->moved.base, (long long)r->moved.base,
		    (long long)r->moved.totals);
	else if (r->moved.how == MOVED_ROUNDING)
		buf_printf(out,
		    _("Its certificate holds: %llu figures are multiples of %lld and add up, each less than "
		      "%lld "
		      "from the true one.\n"),
		    (unsigned long long)r->near, (long long)r->moved.base, (long long)r->moved.base);
	else if (r->moved.how == MOVED_NOISE)
		buf_printf(out,
		    _("Its certificate holds: %llu figures are moved by noise, at most by %lld each; it "
		      "claims no "
		      "more.\n"),
		    (unsigned long long)r->near, (long long)r->moved.reach);
}

/* Who contributed, where a column of cells.csv says so, is part of the grid. */
static bool has_cells(const char *dir)
{
	char path[LATTICE_PATH_MAX];
	snprintf(path, sizeof path, "%s/cells.csv", dir);
	return access(path, R_OK) == 0;
}

bool verifycert_folder(const char *dir, struct certificate_report *report, struct err *e)
{
	struct certificate_joint joint = { 0 };
	struct buf file = { 0 };
	struct lattice g = { 0 };
	char path[LATTICE_PATH_MAX];
	snprintf(path, sizeof path, "%s/certificate.cvc", dir);
	bool ok = lattice_read(&g, dir, NULL, false, e) &&
		  protectfiles_read(&file, path, CERTIFICATE_MAX, e) &&
		  ((lattice_rows_hold(&g, dir, NULL, (struct bytes){ 0 }, e) && lattice_figures_hold(&g, e) &&
		       certificate_check(&g, buf_bytes(&file), NULL, NULL, &joint, report, e)) ||
		      err_wrap(e, "certificate.cvc"));
	certificate_joint_free(&joint);
	lattice_free(&g);
	buf_free(&file);
	return ok;
}

bool verifycert_public(const char *dir, const char *result, struct bytes certificate, struct err *e)
{
	struct certificate_joint joint = { 0 };
	struct certificate_report report = { 0 };
	struct lattice g = { 0 };
	bool ok = lattice_read(&g, dir, result, has_cells(dir), e) &&
		  lattice_rows_hold(&g, dir, result, (struct bytes){ 0 }, e) &&
		  certificate_check(&g, certificate, NULL, NULL, &joint, &report, e);
	certificate_joint_free(&joint);
	lattice_free(&g);
	return ok;
}

/* What everything that is checked here has in common. */
struct verification {
	const struct args *args;
	struct lattice g;
	struct buf file; /* the certificate */
	struct policy_params p;
	struct certificate_report report;
	struct certificate_joint joint;
	bool counts_bad; /* --truth cannot be read: that says nothing about the certificate */
};

static bool read_truth(struct verification *v, struct err *e)
{
	v->counts_bad = !lattice_truth_file(&v->g, args_value(v->args, "truth"), e);
	return !v->counts_bad && lattice_noughts_hold(&v->g, e);
}

static bool level_fits(const struct verification *v, struct err *e)
{
	const struct certificate_report *r = &v->report;
	return (v->p.threshold == r->threshold && v->p.width == r->width && v->p.coalition == r->coalition) ||
	       err_set(e, ERR_CRYPTO, "the level line is not the policy's");
}

/* Were the figures made safe in the way that the policy asks for? */
static bool method_fits(const struct verification *v, struct err *e)
{
	const struct moved *m = &v->report.moved;
	bool fits = m->how == MOVED_ROUNDING ? v->p.method == METHOD_ROUNDING && m->base == v->p.base
		    : m->how == MOVED_NOISE  ? v->p.method == METHOD_NOISE && m->reach == v->p.noise_max &&
						  m->variance == v->p.noise_variance_permille
					    : v->p.method == METHOD_SUPPRESSION;
	return fits || err_set(e, ERR_CRYPTO, "the method is not the policy's");
}

/* The rules as they held: the ladder may have let noughts be hidden. */
static bool rules_fit(struct verification *v, struct err *e)
{
	const struct certificate_report *r = &v->report;
	v->p = policy_params_effective(&v->p);
	if (r->floor == 0 && v->p.zeros == ZEROS_PUBLISHED)
		v->p.zeros = ZEROS_CAMOUFLAGE;
	if (r->floor != (v->p.zeros == ZEROS_PUBLISHED))
		return err_set(e, ERR_CRYPTO, "the floor is not the policy's");
	return level_fits(v, e) && method_fits(v, e);
}

/* The auditors' part, where it is asked for. */
static bool audit(struct verification *v, struct auditor_report *out, struct err *e)
{
	struct buf file = { 0 };
	const char *path = args_value(v->args, "auditor");
	if (v->report.earlier > 0 && !v->report.joined)
		return err_set(e, ERR_INVALID, "%s",
		    _("the auditors' part of a correction is checked with --ledger, the folders of the "
		      "earlier releases with their counts"));
	bool ok = read_truth(v, e) && protectfiles_read(&file, path, CERTIFICATE_MAX, e) && rules_fit(v, e);
	const struct auditor_question q = { .g = &v->g,
		.p = &v->p,
		.joint = &v->joint,
		.claims = &v->report,
		.certificate = buf_bytes(&v->file),
		.file = buf_bytes(&file) };
	ok = ok && (auditor_check(&q, out, e) || err_wrap(e, "%s", path));
	buf_free(&file);
	return ok;
}

/* The same where figures were moved: each beside its count, and the tables that show the doubt. */
static bool audit_moved(struct verification *v, uint64_t *tables, struct err *e)
{
	struct buf file = { 0 };
	const char *path = args_value(v->args, "auditor");
	v->p = policy_params_effective(&v->p);
	bool ok =
	    level_fits(v, e) && method_fits(v, e) && read_truth(v, e) &&
	    moved_true(&v->g, &v->report.moved, e) && protectfiles_read(&file, path, CERTIFICATE_MAX, e) &&
	    (movedaudit_check(&v->g, &v->p, &v->report, buf_bytes(&v->file), buf_bytes(&file), tables, e) ||
		err_wrap(e, "%s", path));
	buf_free(&file);
	return ok;
}

/* Are certificate and auditors' part those that --manifest names? */
static bool is_bound(const struct args *args, struct bytes certificate, struct err *e)
{
	const char *path = args_value(args, "manifest");
	const char *part = args_value(args, "auditor");
	struct buf manifest = { 0 };
	struct buf auditor = { 0 };
	bool ok = path == NULL ||
		  (protectfiles_read(&manifest, path, CERTIFICATE_MAX, e) &&
		      (part == NULL || protectfiles_read(&auditor, part, CERTIFICATE_MAX, e)) &&
		      (suppressed_names(buf_bytes(&manifest), certificate, buf_bytes(&auditor), e) ||
			  err_wrap(e, "%s", path)));
	buf_free(&manifest);
	buf_free(&auditor);
	return ok;
}

/* A row for what tables.csv lists, but for what coarser codes leave out: those that the manifest names, if it is at hand. */
static bool rows_hold(const struct verification *v, struct err *e)
{
	const char *path = args_value(v->args, "manifest");
	struct buf manifest = { 0 };
	bool ok = (path == NULL || protectfiles_read(&manifest, path, CERTIFICATE_MAX, e)) &&
		  lattice_rows_hold(
		      &v->g, v->args->at[0], v->args->n > 1 ? v->args->at[1] : NULL, buf_bytes(&manifest), e);
	buf_free(&manifest);
	return ok;
}

/* What the manifest says of a correction beside that: its revision, and what left before. */
static bool is_told(const struct verification *v, const struct auditor_report *audited, struct err *e)
{
	const char *path = args_value(v->args, "manifest");
	struct buf manifest = { 0 };
	if (path == NULL || !v->report.joined || args_value(v->args, "auditor") == NULL)
		return true;
	bool ok = protectfiles_read(&manifest, path, CERTIFICATE_MAX, e) &&
		  (suppressed_says(buf_bytes(&manifest), v->joint.releases.revision[v->joint.releases.n],
		       buf_bytes(&audited->late_cells), e) ||
		      err_wrap(e, "%s", path));
	buf_free(&manifest);
	return ok;
}

static void moved_told(const struct certificate_report *r)
{
	struct buf line = { 0 };
	verifycert_put_moved(&line, r);
	if (line.size > 0)
		line.data[line.size - 1] = '\0'; /* its line feed */
	text_say("%s", line.failed ? "" : (const char *)line.data);
	buf_free(&line);
}

static void told(const struct verification *v, const struct auditor_report *audited)
{
	const struct certificate_report *r = &v->report;
	text_say(_("holds: none of the %llu hidden cells can be computed from what is printed"),
	    (unsigned long long)r->hidden);
	text_say(_("%llu of them are shown to reach the threshold; the publisher claims %s"),
	    (unsigned long long)r->with_tables, r->level);
	if (r->joined)
		text_say(_("nor from that together with %llu earlier releases of the period"),
		    (unsigned long long)r->earlier);
	if (r->differences > 0)
		text_say(_("of %llu differences between releases that are not printed, tables show %llu that "
			   "may be "
			   "the threshold or more"),
		    (unsigned long long)r->differences, (unsigned long long)r->differences_open);
	if (r->came_out > 0)
		text_say(_("%llu cells that these hid are known by now"), (unsigned long long)r->came_out);
	if (!r->joined && r->earlier > 0)
		text_warn(_("protected together with %llu earlier releases of the period: what all of them "
			    "say together "
			    "is not checked here"),
		    (unsigned long long)r->earlier);
	if (args_value(v->args, "auditor") == NULL)
		return;
	text_say(_("auditors' part: %llu protected figures, each can be another for every attacker; "
		   "%s holds"),
	    (unsigned long long)audited->subjects, r->level);
	if (audited->late > 0)
		text_say(_("%llu figures left before that the rules would protect now"),
		    (unsigned long long)audited->late);
}

static void told_moved(const struct verification *v, uint64_t tables)
{
	moved_told(&v->report);
	if (args_value(v->args, "auditor") != NULL)
		text_say(
		    _("every figure fits the counts, and %llu tables leave the small ones in doubt, for the "
		      "public, offices and coalitions"),
		    (unsigned long long)tables);
}

static bool read_all(struct verification *v, const char *path, struct err *e)
{
	const struct args *args = v->args;
	const char *policy = args_value(args, "policy");
	return lattice_read(
		   &v->g, args->at[0], args->n > 1 ? args->at[1] : NULL, has_cells(args->at[0]), e) &&
	       protectfiles_read(&v->file, path, CERTIFICATE_MAX, e) &&
	       (policy == NULL || protectfiles_policy(&v->p, policy, e));
}

static bool check(struct verification *v, struct auditor_report *audited, uint64_t *tables, struct err *e)
{
	struct bytes file = buf_bytes(&v->file);
	const char *ledger = args_value(v->args, "ledger");
	const char *offices = args_value(v->args, "policy") == NULL ? NULL : v->p.office_dim;
	if (!is_bound(v->args, file, e) || !rows_hold(v, e) || !lattice_figures_hold(&v->g, e) ||
	    !certificate_check(&v->g, file, ledger, offices, &v->joint, &v->report, e))
		return false;
	if (args_value(v->args, "auditor") == NULL)
		return true;
	return v->report.moved.how != MOVED_NOT ? audit_moved(v, tables, e)
						: audit(v, audited, e) && is_told(v, audited, e);
}

static int verify(const struct args *args)
{
	struct verification v = { .args = args, .p = policy_params_default() };
	struct auditor_report audited = { 0 };
	struct err e = { 0 };
	int code = PROTECT_INPUT;
	char own[LATTICE_PATH_MAX];
	uint64_t tables = 0;
	const char *path = args->n > 2 ? args->at[2] : own;
	snprintf(own, sizeof own, "%s/certificate.cvc", args->at[0]);
	if (!read_all(&v, path, &e)) {
		text_error(&e);
		goto done;
	}
	bool holds = check(&v, &audited, &tables, &e);
	if (args_flag(args, "json"))
		report_json(&v.report, holds);
	if (!holds) {
		err_wrap(&e, "%s", path);
		text_error(&e);
		code = e.code == ERR_MEMORY ? PROTECT_LIMIT
		       : v.counts_bad       ? PROTECT_INPUT
					    : PROTECT_DISCLOSED;
		goto done;
	}
	if (v.report.moved.how != MOVED_NOT)
		told_moved(&v, tables);
	else
		told(&v, &audited);
	code = PROTECT_SAFE;
done:
	certificate_joint_free(&v.joint);
	lattice_free(&v.g);
	buf_free(&v.file);
	buf_free(&audited.late_cells);
	return code;
}

static int run(const struct args *args)
{
	if (args_value(args, "jj") != NULL)
		return jjcert_run(args);
	if (args_flag(args, "auditor") != args_flag(args, "truth")) {
		text_warn("%s", _("--auditor and --truth go together"));
		return PROTECT_INPUT;
	}
	if (args_flag(args, "policy") && !args_flag(args, "auditor") && !args_flag(args, "ledger")) {
		text_warn("%s",
		    _("--policy is for --auditor and --ledger: the public part of a certificate needs none"));
		return PROTECT_INPUT;
	}
	return verify(args);
}

const struct command verify_certificate_command = {
	.name = "verify-certificate",
	.arguments = "FOLDER [RESULT.csv [CERTIFICATE]]",
	.about = N_("check that hidden cells cannot be worked out, by additions and comparisons"),
	.example = "cellveil get 2024 -o release-2024; cellveil verify-certificate release-2024\n"
		   "cellveil verify-certificate tables/2024 protected/RESULT.csv protected/certificate.cvc\n"
		   "cellveil verify-certificate --jj linked.jj protected/RESULT.csv protected/certificate.cvc",
	.option = {
	    { "auditor", 0, "FILE", N_("the auditors' part, checked against the counts") },
	    { "truth", 0, "CELLS.csv", N_("the counts, for --auditor") },
	    { "ledger", 0, "DIR", N_("folders of earlier releases of the period: what all say together is checked") },
	    { "manifest", 0, "FILE", N_("the opened suppression manifest: certificate and auditors' part must be those it names") },
	    { "policy", 0, "FILE", N_("the protection rules, for --auditor; with --ledger, which dimension is the offices'") },
	    { "jj", 0, "FILE", N_("a table as a JJ file instead of a folder; then RESULT.csv and CERTIFICATE are named") },
	},
	.min = 1,
	.max = 3,
	.run = run,
};
