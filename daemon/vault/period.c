#include "daemon/vault/period.h"

#define DAY_S 86400u

static void move(struct period_effects *out, enum period_state state, enum log_kind leaf)
{
	out->state = state;
	out->leaf = leaf;
}

static void tick(const struct period *p, uint64_t now_s, struct period_effects *out)
{
	if (p->state == PERIOD_PLANNED && now_s >= p->opens_s)
		move(out, PERIOD_OPEN, LOG_PERIOD_OPEN);
	else if (p->state == PERIOD_OPEN && p->closes_s != 0 && now_s >= p->closes_s)
		move(out, PERIOD_GRACE, LOG_KINDS);
	else if (p->state == PERIOD_GRACE && now_s >= p->grace_s)
		move(out, PERIOD_CLOSED, LOG_PERIOD_CLOSE);
}

static bool accepts(enum period_state state)
{
	return state == PERIOD_OPEN || state == PERIOD_GRACE;
}

static void command(const struct period *p, enum period_event event, struct period_effects *out)
{
	if (event == PERIOD_DO_OPEN && p->state == PERIOD_PLANNED)
		move(out, PERIOD_OPEN, LOG_PERIOD_OPEN);
	else if (event == PERIOD_DO_CLOSE && accepts(p->state))
		move(out, PERIOD_CLOSED, LOG_PERIOD_CLOSE);
	else if (event == PERIOD_DO_FINAL && p->state == PERIOD_CLOSED)
		move(out, PERIOD_FINAL, LOG_PERIOD_FINAL);
	else if (event == PERIOD_DO_VOID && p->state < PERIOD_FINAL && !p->released)
		move(out, PERIOD_VOID, LOG_PERIOD_VOID);
	else
		out->refused = true;
}

static uint64_t next_change(const struct period *p, enum period_state state)
{
	if (state == PERIOD_PLANNED)
		return p->opens_s;
	if (state == PERIOD_OPEN)
		return p->closes_s;
	if (state == PERIOD_GRACE)
		return p->grace_s;
	return 0;
}

void period_step(const struct period *p, enum period_event event, uint64_t now_s, struct period_effects *out)
{
	*out = (struct period_effects){ .state = p->state, .leaf = LOG_KINDS };
	if (event == PERIOD_TICK)
		tick(p, now_s, out);
	else
		command(p, event, out);
	out->wake_s = next_change(p, out->state);
}

enum period_answer period_take(const struct period *p)
{
	switch (p->state) {
	case PERIOD_PLANNED:
		return PERIOD_TOO_SOON;
	case PERIOD_OPEN:
	case PERIOD_GRACE:
		return PERIOD_ACCEPT;
	case PERIOD_CLOSED:
		return p->late == LATE_HOLD ? PERIOD_HOLD : PERIOD_TOO_LATE;
	case PERIOD_FINAL:
	case PERIOD_VOID:
		break;
	}
	return PERIOD_TOO_LATE;
}

bool release_may(enum release_stage from, enum release_stage to)
{
	switch (to) {
	case STAGE_NONE:
		return false;
	case STAGE_SEALED:
		return from == STAGE_NONE;
	case STAGE_PROTECTED:
		return from == STAGE_SEALED;
	case STAGE_PUBLISHED:
		return from == STAGE_PROTECTED;
	case STAGE_SUPERSEDED:
	case STAGE_WITHDRAWN:
		return from == STAGE_PUBLISHED;
	case STAGE_WITHHELD:
		return from == STAGE_SEALED || from == STAGE_PROTECTED;
	}
	return false;
}

const char *release_stage_name(enum release_stage stage)
{
	static const char *const names[] = { "none", "sealed", "protected", "published", "superseded",
		"withdrawn", "withheld" };
	return (unsigned)stage < sizeof names / sizeof *names ? names[stage] : "?";
}

/* Days from 1970-01-01 to the first of a month (months since year 0). Gregorian, years 1900-2200. */
static uint64_t days_to_month(uint32_t month)
{
	static const uint16_t before[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	uint64_t year = month / 12;
	uint64_t leaps = (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
	uint64_t days = year * 365 + leaps + before[month % 12];
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (leap && month % 12 >= 2)
		days++;
	return days - (1970u * 365u + 477u); /* 477 leap days before 1970 */
}

static uint64_t month_s(uint32_t month)
{
	return month < 1970u * 12u ? 0 : days_to_month(month) * DAY_S;
}

uint64_t period_start_s(const char *name)
{
	uint32_t first;
	uint32_t n;
	return model_period_months(name, &first, &n) ? month_s(first) : 0;
}

uint64_t period_end_s(const char *name)
{
	uint32_t first;
	uint32_t n;
	return model_period_months(name, &first, &n) ? month_s(first + n) : 0;
}
