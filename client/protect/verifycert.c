#include "client/protect/verifycert.h"

#include <stdio.h>

#include "client/protect/certificate.h"
#include "client/protect/protect.h"
#include "client/protect/protectfiles.h"
#include "client/text.h"

#define CERTIFICATE_MAX (UINT64_C(1) << 31)

static void report_json(const struct certificate_report *r, bool holds)
{
	struct buf out = { 0 };
	buf_printf(&out,
	    "{\"holds\":%s,\"claimed\":\"%s\",\"threshold\":%u,\"width\":%u,\"floor\":%u,\"coalition\":%u,"
	    "\"hidden\":%llu,\"covered\":%llu,\"with_tables\":%llu,\"moves\":%llu,\"entries\":%llu,"
	    "\"tables\":%llu}\n",
	    holds ? "true" : "false", r->level, r->threshold, r->width, r->floor, r->coalition,
	    (unsigned long long)r->hidden, (unsigned long long)r->covered, (unsigned long long)r->with_tables,
	    (unsigned long long)r->moves, (unsigned long long)r->entries, (unsigned long long)r->tables);
	text_put(&out);
	buf_free(&out);
}

static int run(const struct args *args)
{
	struct certificate_report report = { 0 };
	struct buf file = { 0 };
	struct lattice g = { 0 };
	struct err e = { 0 };
	int code = PROTECT_INPUT;
	if (!lattice_read(&g, args->at[0], args->at[1], false, &e) ||
	    !protectfiles_read(&file, args->at[2], CERTIFICATE_MAX, &e)) {
		text_error(&e);
		goto done;
	}
	bool holds = certificate_check(&g, buf_bytes(&file), &report, &e);
	if (args_flag(args, "json"))
		report_json(&report, holds);
	if (!holds) {
		err_wrap(&e, "%s", args->at[2]);
		text_error(&e);
		code = e.code == ERR_MEMORY ? PROTECT_LIMIT : PROTECT_DISCLOSED;
		goto done;
	}
	text_say(_("holds: none of the %llu hidden cells can be computed from what is printed"),
	    (unsigned long long)report.hidden);
	text_say(_("%llu of them are shown to reach the threshold; the publisher claims %s"),
	    (unsigned long long)report.with_tables, report.level);
	code = PROTECT_SAFE;
done:
	lattice_free(&g);
	buf_free(&file);
	return code;
}

const struct command verify_certificate_command = {
	.name = "verify-certificate",
	.arguments = "TABLEDIR RESULT.csv CERTIFICATE",
	.about = N_("check that hidden cells cannot be worked out, by additions and comparisons"),
	.example = "cellveil verify-certificate tables/2024 protected/RESULT.csv protected/certificate.cvc",
	.option = {
	    { "json", 0, NULL, N_("the findings as JSON on standard output") },
	},
	.min = 3,
	.max = 3,
	.run = run,
};
