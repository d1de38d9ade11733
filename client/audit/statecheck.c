#include "client/audit/statecheck.h"
#include <stdlib.h>
#include <string.h>

/* The releases in force, one for each period, in order of their leaves. */
struct in_force {
	struct log_entry at[FEED_STATE_ROWS_MAX];
	size_t n;
};

static size_t find_period(const struct in_force *f, const char *period)
{
	size_t i = 0;

	while (i < f->n && strcmp(f->at[i].period, period) != 0)
		i++;
	return i;
}

static bool take(struct in_force *f, const struct log_entry *x)
{
	size_t i = find_period(f, x->period);

	if (x->kind == LOG_RELEASE) {
		if (i == FEED_STATE_ROWS_MAX)
			return false;
		f->at[i] = *x;
		f->n += i == f->n;
	} else if (i < f->n && memcmp(f->at[i].object, x->object, sizeof x->object) == 0) {
		f->at[i] = f->at[--f->n]; /* taken back, or replaced by another */
	}
	return true;
}

static bool collect(
    struct in_force *f, const struct loglist *l, const char *dataset, const uint8_t *told, struct err *e)
{
	struct log_entry x;

	for (uint64_t i = 0; i < l->n; i++) {
		bool release = loglist_entry_of(l, i, LOG_RELEASE, &x);

		if (!release && !loglist_entry_of(l, i, LOG_WITHDRAW, &x) &&
		    !loglist_entry_of(l, i, LOG_SUPERSEDE, &x))
			continue;
		if (strcmp(x.dataset, dataset) != 0 || (release && told[i] == 0))
			continue;
		if (!take(f, &x))
			return err_set(e, ERR_LIMIT, "%s", _("more periods than a state can name"));
	}
	return true;
}

static bool same_releases(const struct feed_state *state, const struct in_force *f)
{
	bool same = state->n_rows == f->n;

	for (size_t i = 0; same && i < state->n_rows; i++) { /* no period stands twice in either */
		const struct feed_state_row *row = &state->row[i];
		size_t k = find_period(f, row->period);

		same = k < f->n && f->at[k].revision == row->revision &&
		       memcmp(f->at[k].object, row->object, sizeof row->object) == 0;
	}
	return same;
}

int statecheck(const struct loglist *l, const struct feed_reader *feed, const struct feed_state *state,
    const uint8_t *told, struct err *e)
{
	if (strcmp(state->dataset, feed->dataset) != 0 ||
	    memcmp(state->feed_id, feed->feed_id, sizeof feed->feed_id) != 0) {
		(void)err_set(e, ERR_CRYPTO, "%s", _("the state is of another feed"));
		return AUDIT_FAILS;
	}
	if (state->as_of != feed->seq || memcmp(state->link, feed->link, sizeof feed->link) != 0) {
		(void)err_set(e, ERR_CRYPTO, "%s", _("the state is not of where the feed stands"));
		return AUDIT_FAILS;
	}
	struct in_force *f = calloc(1, sizeof *f);
	int code = AUDIT_UNCHECKED;

	if (f == NULL)
		(void)err_set(e, ERR_MEMORY, "no memory for the releases");
	else if (collect(f, l, feed->dataset, told, e))
		code = same_releases(state, f) ? AUDIT_HOLDS : AUDIT_FAILS;
	if (code == AUDIT_FAILS)
		(void)err_set(e, ERR_CRYPTO, "%s",
		    _("readers who join late are told of other releases than those in force"));
	free(f);
	return code;
}

int statecheck_read(struct source *s, const struct feed_reader *feed, struct feed_state *state, struct err *e)
{
	struct buf file = { 0 };
	int code = source_state(s, feed->dataset, &file, e);

	*state = (struct feed_state){ 0 };
	if (code == AUDIT_HOLDS && !feed_state_open(state, buf_bytes(&file), feed->key, feed->n_keys, e))
		code = AUDIT_FAILS;
	buf_free(&file);
	return code;
}
