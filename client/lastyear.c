#include "client/lastyear.h"
#include "client/outbox.h"
#include "client/push.h"
#include "client/text.h"
#include "proto/content.h"
#include <string.h>

bool lastyear_precedes(const char *a, const char *b)
{
	uint32_t first_a, first_b, n_a, n_b;

	return model_period_months(a, &first_a, &n_a) && model_period_months(b, &first_b, &n_b) &&
	       n_a == n_b && first_a + n_a == first_b;
}

/* What was pushed last for the period before; NULL if nothing was, or it was taken back. */
static const struct outbox_item *find_item(const struct outbox *o, const struct filing *f, const char *period)
{
	const struct outbox_item *newest;

	for (size_t i = 0; i < o->n; i++) {
		const struct submission_header *h = &o->item[i].header;
		if (strcmp(h->dataset, f->dataset) != 0 || !lastyear_precedes(h->period, period))
			continue;
		newest = outbox_newest(o, f->dataset, f->deployment.settings.name, h->period);
		return newest != NULL && newest->header.act == ACT_FIGURES ? newest : NULL;
	}
	return NULL;
}

/* The item's figures by its own configuration, carried over to this one. */
static bool take_item(struct filing *f, const struct outbox_item *item, struct figures *before, struct err *e)
{
	struct config *then = NULL;
	struct figures figures = { 0 };
	bool ok = true;

	if (deployment_config(&f->deployment, item->header.config_digest, f->dataset, &then, NULL) ==
		EXIT_OK &&
	    push_figures_of(item, then, &figures))
		ok = form_carry(f->config, then, &figures, before, e);
	figures_free(&figures);
	config_free(then);
	return ok;
}

static int from_outbox(struct filing *f, const char *period, struct figures *before, struct err *e)
{
	struct outbox o = { 0 };
	const struct outbox_item *item;
	int code = EXIT_OTHER;

	if (!outbox_open(&o, f->deployment.settings.dir, e))
		return EXIT_OTHER;
	item = find_item(&o, f, period);
	if (item == NULL || take_item(f, item, before, e))
		code = EXIT_OK;
	outbox_close(&o);
	return code;
}

static int from_file(
    const struct filing *f, const char *path, const char *period, struct figures *before, struct err *e)
{
	const struct form_options options = { .blanks_not_reported = true };
	struct form_result result = { 0 };
	struct findings findings = { 0 };
	struct buf file = { 0 };
	int code = EXIT_OTHER;

	if (!file_read(&file, path, FILING_FORM_BYTES, e) ||
	    !form_read(path, buf_bytes(&file), f->config, NULL, &options, &result, &findings, e))
		goto done;
	code = EXIT_USAGE;
	if (!lastyear_precedes(result.period, period)) {
		(void)err_set(
		    e, ERR_INVALID, _("--last-year: %s is not a form of the period before %s"), path, period);
		goto done;
	}
	*before = result.figures;
	result.figures = (struct figures){ 0 };
	code = EXIT_OK;
done:
	figures_free(&result.figures);
	findings_free(&findings);
	buf_free(&file); /* wipes: counts */
	return code;
}

int lastyear_find(
    struct filing *f, const struct args *args, const char *period, struct figures *before, struct err *e)
{
	const char *path = args_value(args, "last-year");

	*before = (struct figures){ 0 };
	if (period[0] == 0)
		return EXIT_OK;
	if (path != NULL)
		return from_file(f, path, period, before, e);
	return f->dataset != NULL ? from_outbox(f, period, before, e) : EXIT_OK;
}
