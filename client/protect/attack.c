#include "client/protect/attackpart.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/protect/certificate.h"
#include "client/protect/csvlines.h"
#include "client/protect/jjattack.h"
#include "client/protect/protect.h"
#include "client/protect/protectfiles.h"
#include "client/protect/replay.h"
#include "client/text.h"

#define COALITION_MAX 8u

/* ---- offices and coalitions ---- */

static bool offices_find(struct attack *a, const char *dim, struct err *e)
{
	a->office_dim = lattice_dim(&a->g, dim);
	if (a->office_dim == UINT32_MAX)
		return err_set(e, ERR_INVALID, "no dimension %s: there are no offices to attack as", dim);
	const struct latticedim *d = &a->g.dim[a->office_dim];
	a->office = calloc(d->n_codes, sizeof *a->office);
	a->own = calloc(d->n_codes, sizeof *a->own);
	if (a->office == NULL || a->own == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	for (uint32_t i = 0; i < d->n_codes; i++)
		if (lattice_is_leaf(d, i))
			a->office[a->n_offices++] = i;
	return true;
}

/* Marks the members, and every code all of whose offices are members. */
static void own_set(struct attack *a, const uint32_t *member, uint32_t n)
{
	const struct latticedim *d = &a->g.dim[a->office_dim];
	memset(a->own, 0, d->n_codes * sizeof *a->own);
	for (uint32_t i = 0; i < n; i++)
		a->own[a->office[member[i]]] = true;
	for (uint32_t i = 0; i < d->n_codes; i++)
		for (uint32_t b = 0; b < d->n_breakdowns; b++) {
			bool all = d->breakdown[b].parent == d->order[i];
			for (uint32_t c = 0; all && c < d->breakdown[b].n; c++)
				all = a->own[d->breakdown[b].child[c]];
			if (all)
				a->own[d->order[i]] = true;
		}
}

static bool attack_members(struct attack *a, const uint32_t *member, uint32_t n, struct err *e)
{
	struct buf who = { 0 };
	buf_put_text(&who, n == 1 ? "office:" : "coalition:");
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			buf_put_byte(&who, '+');
		buf_put_text(&who, a->g.dim[a->office_dim].code[a->office[member[i]]]);
	}
	buf_put_byte(&who, '\0');
	own_set(a, member, n);
	bool ok = !who.failed && attack_as(a, (const char *)who.data, e);
	buf_free(&who);
	return ok;
}

/* Every set of exactly n offices, in order. */
static bool attack_sets(struct attack *a, uint32_t n, struct err *e)
{
	uint32_t member[COALITION_MAX];
	if (n > a->n_offices)
		return true;
	for (uint32_t i = 0; i < n; i++)
		member[i] = i;
	for (;;) {
		if (!attack_members(a, member, n, e))
			return false;
		uint32_t i = n;
		while (i > 0 && member[i - 1] == a->n_offices - n + i - 1)
			i--;
		if (i == 0)
			return true;
		member[i - 1]++;
		for (; i < n; i++)
			member[i] = member[i - 1] + 1;
	}
}

static bool attack_named(struct attack *a, const char *code, struct err *e)
{
	for (uint32_t i = 0; i < a->n_offices; i++) {
		uint32_t member[1] = { i };
		if (strcmp(a->g.dim[a->office_dim].code[a->office[i]], code) == 0)
			return attack_members(a, member, 1, e);
	}
	return err_set(e, ERR_INVALID, "--office: no such office");
}

/* ---- the command ---- */

static void attack_free(struct attack *a)
{
	if (a->all != NULL)
		together_free(a->all, &a->g);
	else
		lattice_free(&a->g);
	free(a->office);
	free(a->own);
	free(a->sum);
	free(a->term);
	free(a->sign);
	buf_free(&a->out);
}

static bool policy_take(struct attack *a, const struct args *args, char *office_dim, struct err *e)
{
	struct policy_params p = policy_params_default();
	unsigned long floor;
	const char *level = args_value(args, "level");
	if (args_value(args, "policy") != NULL && !protectfiles_policy(&p, args_value(args, "policy"), e))
		return false;
	if (!args_number(args, "floor", 1, 0, &floor))
		return err_set(e, ERR_INVALID, "--floor is 0 or 1");
	p = policy_params_effective(&p);
	a->floor = (int64_t)floor;
	a->threshold = p.threshold;
	a->width = p.width;
	a->judged = args_value(args, "policy") != NULL && level != NULL && strcmp(level, "L1") != 0;
	a->p = p;
	a->partial = args_value(args, "office") != NULL;
	memcpy(office_dim, p.office_dim, sizeof p.office_dim);
	if (p.method == METHOD_ROUNDING)
		a->moved = (struct moved){ .how = MOVED_ROUNDING,
			.base = p.base,
			.reach = (int64_t)p.base - 1,
			.totals = (int64_t)p.base - 1 };
	if (p.method == METHOD_NOISE)
		a->moved = (struct moved){ .how = MOVED_NOISE, .reach = p.noise_max, .totals = p.noise_max };
	return true;
}

/* The certificate says how figures were moved, or else the policy. */
static bool method_known(struct attack *a, struct err *e)
{
	if (a->g.near == NULL || a->g.moved.how != MOVED_NOT)
		a->moved = a->g.moved;
	return a->g.near == NULL || a->moved.how != MOVED_NOT ||
	       err_set(e, ERR_INVALID,
		   "figures are rounded or moved by noise: how says certificate.cvc beside them, or "
		   "--policy");
}

/* Without a policy a release's own certificate says how many are few, if one that fits lies beside it. */
static void threshold_beside(struct attack *a, const char *folder, const char *result)
{
	struct certificate_report claims;
	struct buf file = { 0 };
	struct err unheard = { 0 };
	char path[LATTICE_PATH_MAX + 32];
	char own[LATTICE_PATH_MAX];
	if (result == NULL && !lattice_result_path(folder, own))
		return;
	result = result == NULL ? own : result;
	const char *slash = strrchr(result, '/');
	int dir = slash == NULL ? 0 : (int)(slash - result) + 1;
	int len = snprintf(path, sizeof path, "%.*scertificate.cvc", dir, result);
	if (len > 0 && (size_t)len < sizeof path &&
	    protectfiles_read(&file, path, CSVLINES_FILE_MAX, &unheard) &&
	    certificate_claims(&a->g, buf_bytes(&file), &claims, &unheard))
		a->threshold = claims.threshold;
	buf_free(&file);
}

/* --ledger: everything released of the period. Its folders have the counts that tell who sent other figures. */
static bool lattice_take(
    struct attack *a, const struct args *args, bool insiders, const char *office_dim, struct err *e)
{
	const struct together_question q = { .ledger = args_value(args, "ledger"),
		.folder = args->at[0],
		.result = args->n > 1 ? args->at[1] : NULL,
		.period = args_value(args, "period"),
		.series = args_value(args, "policy") != NULL ? a->p.series : NULL,
		.office_dim = office_dim };
	if (q.ledger != NULL)
		return together_read(a->all, &a->g, &q, e);
	return lattice_read(&a->g, q.folder, q.result, insiders, e) && method_known(a, e) &&
	       ((!insiders && !a->judged) || lattice_truth(&a->g, q.folder, e));
}

static bool attack_table(struct attack *a, const struct args *args, struct err *e)
{
	char office_dim[PARAMS_NAME_MAX + 1];
	unsigned long coalition;
	const char *office = args_value(args, "office");
	bool all = args_flag(args, "all-offices");
	if (!policy_take(a, args, office_dim, e))
		return false;
	if (!args_number(args, "coalition", COALITION_MAX, all ? 1 : 0, &coalition))
		return err_set(e, ERR_INVALID, "--coalition is a small whole number");
	if (all && coalition == 0)
		return err_set(e, ERR_INVALID, "--coalition 0 is nobody: not with --all-offices");
	bool insiders = office != NULL || coalition > 0;
	if (!lattice_take(a, args, insiders, office_dim, e))
		return false;
	if (args_value(args, "policy") == NULL && a->all == NULL)
		threshold_beside(a, args->at[0], args->n > 1 ? args->at[1] : NULL);
	if (!attack_as(a, "public", e))
		return false;
	if (insiders && !offices_find(a, office_dim, e))
		return false;
	a->wide_is_enough = !args_flag(args, "intervals");
	if (office != NULL)
		return attack_named(a, office, e);
	for (uint32_t n = 1; n <= coalition; n++)
		if (!attack_sets(a, n, e))
			return false;
	return true;
}

bool attack_ask(const struct attack_question *q, struct err *e)
{
	struct attack a = { .office_dim = UINT32_MAX,
		.floor = q->floor,
		.p = policy_params_effective(q->policy),
		.partial = q->office != NULL,
		.judged = q->judged && q->figures != NULL && q->office == NULL,
		.symbols = q->figures == NULL,
		.line = q->line,
		.context = q->context };
	bool insiders = q->office != NULL || q->coalition > 0;
	a.threshold = a.p.threshold;
	a.width = a.p.width;
	bool ok = lattice_read(&a.g, q->folder, NULL, false, e) && method_known(&a, e) &&
		  (q->figures == NULL || lattice_truth_file(&a.g, q->figures, e)) &&
		  attack_as(&a, "public", e) && (!insiders || offices_find(&a, q->policy->office_dim, e));

	if (ok && q->office != NULL)
		ok = attack_named(&a, q->office, e);
	for (uint32_t n = 1; ok && q->office == NULL && n <= q->coalition; n++)
		ok = attack_sets(&a, n, e);
	ok = ok && (!a.out.failed || err_set(e, ERR_MEMORY, "no memory for the findings"));
	attack_free(&a);
	return ok;
}

int attack_told(const struct args *args, uint64_t intervals, uint64_t disclosures, uint64_t programs)
{
	if (args_flag(args, "json"))
		printf("{\"intervals\":%" PRIu64 ",\"disclosures\":%" PRIu64 ",\"programs\":%" PRIu64 "}\n",
		    intervals, disclosures, programs);
	text_say(_("%llu intervals, %llu disclosures"), (unsigned long long)intervals,
	    (unsigned long long)disclosures);
	return disclosures > 0 ? PROTECT_DISCLOSED : PROTECT_SAFE;
}

/* Options that would be passed over are refused. False: said. */
static bool options_fit(const struct args *args)
{
	static const char *const other_sets[] = { "all-offices", "coalition", NULL };
	static const char *const not_replayed[] = { "office", "all-offices", "coalition", "intervals",
		"floor", "level", "period", NULL };
	const char *level = args_value(args, "level");
	if (args_flag(args, "replay") && !args_exclude(args, "--replay", not_replayed))
		return false;
	if (args_flag(args, "office") && !args_exclude(args, "--office", other_sets))
		return false;
	if (args_flag(args, "period") && !args_flag(args, "ledger")) {
		text_warn("%s", _("--period chooses among the releases of a ledger: it needs --ledger"));
		return false;
	}
	if (level != NULL && strcmp(level, "L1") != 0 && strcmp(level, "L2") != 0 &&
	    strcmp(level, "L3") != 0) {
		text_warn("%s", _("--level is L1, L2 or L3"));
		return false;
	}
	if (level != NULL && !args_flag(args, "policy")) {
		text_warn("%s", _("--level judges by the rules of a policy: it needs --policy"));
		return false;
	}
	return true;
}

static int run(const struct args *args)
{
	struct together all = { 0 };
	struct attack a = { .office_dim = UINT32_MAX,
		.all = args_value(args, "ledger") != NULL ? &all : NULL };
	struct err e = { 0 };
	const char *out = args_value(args, "output");
	int code = PROTECT_INPUT;
	if (args_value(args, "jj") != NULL)
		return jjattack_run(args);
	if (!options_fit(args))
		return PROTECT_INPUT;
	if (args_value(args, "replay") != NULL)
		return replay_command(args);
	buf_put_text(&a.out, "cell,lo,hi,exact,why,attacker\n");
	if (!attack_table(&a, args, &e)) {
		text_error(&e);
		goto done;
	}
	if (out != NULL ? !protectfiles_put(out, buf_bytes(&a.out), &e) : !text_put(&a.out)) {
		text_error(&e);
		goto done;
	}
	code = attack_told(args, a.hidden, a.found, a.programs);
done:
	attack_free(&a);
	return code;
}

const struct command attack_command = {
	.name = "attack",
	.arguments = "FOLDER [RESULT.csv]",
	.about = N_("what readers and offices can work out from a published table"),
	.example = "cellveil get 2024 -o release-2024; cellveil attack release-2024\n"
		   "cellveil attack tables/2024 protected/RESULT.csv --all-offices -o intervals.csv\n"
		   "cellveil attack tables/2024 protected/RESULT.csv --ledger ledger --all-offices\n"
		   "cellveil attack --jj linked.jj protected/RESULT.csv",
	.option = {
	    { "office", 0, "CODE", N_("also as this office, with its own figures from cells.csv") },
	    { "all-offices", 0, NULL, N_("also as each office") },
	    { "coalition", 0, "N", N_("also as every set of up to N offices") },
	    { "intervals", 0, NULL, N_("exact intervals for offices too, not only whether they are wide") },
	    { "floor", 0, "N", N_("hidden cells are known to be at least this: 0 or 1") },
	    { "policy", 0, "FILE", N_("the protection rules, with --level: judge protected cells too") },
	    { "level", 0, "L2|L3", N_("the guarantee to judge by") },
	    { "replay", 0, "N", N_("with --policy: what the pattern tells who runs the program with N other keys") },
	    { "ledger", 0, "DIR", N_("together with all releases of the period there, as `protect --ledger` keeps them") },
	    { "period", 0, "PERIOD", N_("the period, where the ledger holds several") },
	    { "jj", 0, "FILE", N_("a table as a JJ file instead of a folder; then RESULT.csv alone is named") },
	    { "output", 'o', "FILE", N_("where the intervals go; standard output unless said") },
	},
	.min = 1,
	.max = 2,
	.run = run,
};
