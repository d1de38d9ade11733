#include "proto/logentry.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "proto/name.h"
#include "proto/textline.h"

enum member_type { MEMBER_UINT, MEMBER_DIGEST, MEMBER_KEY_ID, MEMBER_NAME, MEMBER_PERIOD, MEMBER_ORIGIN };

struct member {
	const char *name;
	size_t at; /* in struct log_entry */
	enum member_type type;
	uint64_t max; /* MEMBER_UINT: least is min */
	uint64_t min;
	size_t present_at; /* optional members: a byte of the entry that is not 0 when the member is there */
	bool optional;
};

#define AT(field) offsetof(struct log_entry, field)
#define UINT(name, field)                                                                                    \
	{                                                                                                    \
		name, AT(field), MEMBER_UINT, LIMIT_UINT, 0, 0, false                                        \
	}
#define CODE(name, field, n)                                                                                 \
	{                                                                                                    \
		name, AT(field), MEMBER_UINT, n, 1, 0, false                                                 \
	}
#define DIGEST(name, field)                                                                                  \
	{                                                                                                    \
		name, AT(field), MEMBER_DIGEST, 0, 0, 0, false                                               \
	}
#define NAME(name, field)                                                                                    \
	{                                                                                                    \
		name, AT(field), MEMBER_NAME, 0, 0, 0, false                                                 \
	}
#define DATASET NAME("ds", dataset)
#define PERIOD                                                                                               \
	{                                                                                                    \
		"p", AT(period), MEMBER_PERIOD, 0, 0, 0, false                                               \
	}
#define REVISION UINT("rev", revision)
#define ORIGIN                                                                                               \
	{                                                                                                    \
		"origin", AT(origin), MEMBER_ORIGIN, 0, 0, 0, false                                          \
	}
#define PREV                                                                                                 \
	{                                                                                                    \
		"prev", AT(prev), MEMBER_ORIGIN, 0, 0, AT(prev), true                                        \
	}
#define PREV_ROOT                                                                                            \
	{                                                                                                    \
		"prevroot", AT(prev_root), MEMBER_DIGEST, 0, 0, AT(prev), true                               \
	}
#define OLD_CONFIG                                                                                           \
	{                                                                                                    \
		"old", AT(old_config), MEMBER_DIGEST, 0, 0, AT(has_old_config), true                         \
	}
#define MEMBERS_MAX 8

/* The order here is the order in the entry. */
static const struct kind {
	const char *name;
	struct member member[MEMBERS_MAX + 1]; /* ends with one that has no name */
} kinds[LOG_KINDS] = {
	[LOG_START] = { "log-start", { ORIGIN, PREV, PREV_ROOT } },
	[LOG_END] = { "log-end", { ORIGIN, PREV, PREV_ROOT } },
	[LOG_CONFIG] = { "config", { DATASET, OLD_CONFIG, DIGEST("new", new_config) } },
	[LOG_KEY] = { "key", { NAME("purpose", purpose), { "id", AT(key_id), MEMBER_KEY_ID, 0, 0, 0, false },
				 NAME("state", state) } },
	[LOG_SUBMISSION] = { "submission", { DIGEST("stmt", statement) } },
	[LOG_CONFLICT] = { "conflict", { DIGEST("stmt", statement), DIGEST("other", other) } },
	[LOG_PERIOD_OPEN] = { "period-open", { DATASET, PERIOD } },
	[LOG_PERIOD_CLOSE] = { "period-close", { DATASET, PERIOD } },
	[LOG_PERIOD_FINAL] = { "period-final", { DATASET, PERIOD } },
	[LOG_PERIOD_VOID] = { "period-void", { DATASET, PERIOD } },
	[LOG_PERIOD_SEAL] = { "period-seal",
	    { DATASET, PERIOD, REVISION, UINT("n", n), DIGEST("root", root) } },
	[LOG_RELEASE] = { "release",
	    { DATASET, PERIOD, REVISION, DIGEST("obj", object), DIGEST("man", manifest), UINT("cells", cells),
		UINT("suppressed", suppressed), DIGEST("ledger", ledger) } },
	[LOG_NO_RELEASE] = { "no-release", { DATASET, PERIOD, REVISION, DIGEST("man", manifest) } },
	[LOG_SUPERSEDE] = { "supersede",
	    { DATASET, PERIOD, REVISION, DIGEST("obj", object), CODE("reason", reason, LOG_REASON_ORDER) } },
	[LOG_WITHDRAW] = { "withdraw",
	    { DATASET, PERIOD, REVISION, DIGEST("obj", object), CODE("reason", reason, LOG_REASON_ORDER) } },
	[LOG_RETENTION] = { "retention", { DATASET, PERIOD, NAME("what", what) } },
	[LOG_ADMIN] = { "admin", { NAME("class", class), NAME("by", by) } },
	[LOG_RECOVERY] = { "recovery",
	    { UINT("size", size), CODE("reason", reason, LOG_RECOVERY_RESTORED) } },
};

const char *log_kind_name(enum log_kind kind)
{
	return (unsigned)kind < LOG_KINDS ? kinds[kind].name : "?";
}

static const uint8_t *field_of(const struct log_entry *entry, size_t at)
{
	return (const uint8_t *)entry + at;
}

static bool is_present(const struct log_entry *entry, const struct member *m)
{
	return !m->optional || *field_of(entry, m->present_at) != 0;
}

static bool text_fits(enum member_type type, struct bytes text)
{
	if (type == MEMBER_PERIOD)
		return name_is_period(text);
	return type == MEMBER_ORIGIN ? name_is_origin(text) : name_is_name(text);
}

static bool put_member(struct buf *out, const struct log_entry *entry, const struct member *m)
{
	const uint8_t *field = field_of(entry, m->at);
	uint64_t value;
	buf_printf(out, ",\"%s\":", m->name);
	switch (m->type) {
	case MEMBER_UINT:
		memcpy(&value, field, sizeof value);
		buf_printf(out, "%" PRIu64, value);
		return value >= m->min && value <= m->max;
	case MEMBER_DIGEST:
	case MEMBER_KEY_ID:
		buf_put_byte(out, '"');
		buf_put_hex(out, bytes_of(field, m->type == MEMBER_DIGEST ? 32 : 8));
		buf_put_byte(out, '"');
		return true;
	default:
		buf_printf(out, "\"%s\"", (const char *)field);
		return text_fits(m->type, bytes_text((const char *)field));
	}
}

bool log_entry_put(struct buf *out, const struct log_entry *entry, struct err *e)
{
	size_t start = out->size;
	if ((unsigned)entry->kind >= LOG_KINDS || entry->index > LIMIT_UINT || entry->time_s > LIMIT_UINT)
		return err_set(e, ERR_INTERNAL, "log entry: kind, index or time");
	buf_printf(out, "{\"v\":1,\"i\":%" PRIu64 ",\"t\":%" PRIu64 ",\"k\":\"%s\"", entry->index,
	    entry->time_s, kinds[entry->kind].name);
	for (const struct member *m = kinds[entry->kind].member; m->name != NULL; m++)
		if (is_present(entry, m) && !put_member(out, entry, m))
			return err_set(
			    e, ERR_INTERNAL, "log entry %s: member %s", kinds[entry->kind].name, m->name);
	buf_put_byte(out, '}');
	if (out->failed || out->size - start > LIMIT_LOG_ENTRY)
		return err_set(e, ERR_MEMORY, "log entry: out of memory");
	return true;
}

/* The text up to the closing quote; none of our alphabets has a quote or a backslash. */
static bool take_string(struct bytes *in, struct bytes *text)
{
	const uint8_t *end = in->len == 0 ? NULL : memchr(in->at, '"', in->len);
	if (end == NULL)
		return false;
	*text = bytes_of(in->at, (size_t)(end - in->at));
	*in = bytes_of(end + 1, in->len - text->len - 1);
	return true;
}

static bool take_uint(struct bytes *in, uint64_t *value)
{
	size_t n = 0;
	while (n < in->len && in->at[n] >= '0' && in->at[n] <= '9')
		n++;
	if (!line_uint(value, bytes_of(in->at, n)))
		return false;
	*in = bytes_of(in->at + n, in->len - n);
	return true;
}

static size_t text_room(enum member_type type)
{
	if (type == MEMBER_PERIOD)
		return LIMIT_PERIOD + 1;
	return type == MEMBER_ORIGIN ? LIMIT_ORIGIN + 1 : LIMIT_NAME + 1;
}

static bool take_member(struct bytes *in, struct log_entry *out, const struct member *m)
{
	uint8_t *field = (uint8_t *)out + m->at;
	struct bytes text;
	uint64_t value;
	if (m->type == MEMBER_UINT) {
		if (!take_uint(in, &value) || value < m->min || value > m->max)
			return false;
		memcpy(field, &value, sizeof value);
		return true;
	}
	if (!line_take(in, "\"") || !take_string(in, &text))
		return false;
	if (m->type == MEMBER_DIGEST || m->type == MEMBER_KEY_ID)
		return hex_decode(field, m->type == MEMBER_DIGEST ? 32 : 8, text);
	return text_fits(m->type, text) && line_copy((char *)field, text_room(m->type), text);
}

/* True if in begins with ,"name": and takes it. */
static bool take_key(struct bytes *in, const char *name)
{
	struct bytes rest = *in;
	if (!line_take(&rest, ",\"") || !line_take(&rest, name) || !line_take(&rest, "\":"))
		return false;
	*in = rest;
	return true;
}

static bool parse_members(struct log_entry *out, struct bytes *in, struct err *e)
{
	for (const struct member *m = kinds[out->kind].member; m->name != NULL; m++) {
		bool there = take_key(in, m->name);
		if (there && m->present_at == AT(has_old_config) && m->optional)
			out->has_old_config = true;
		if (there ? !take_member(in, out, m) || !is_present(out, m) : is_present(out, m))
			return err_set(
			    e, ERR_MALFORMED, "log entry %s: member %s", kinds[out->kind].name, m->name);
	}
	return true;
}

static bool parse_kind(struct log_entry *out, struct bytes *in, struct err *e)
{
	struct bytes kind;
	if (!take_string(in, &kind))
		return err_set(e, ERR_MALFORMED, "log entry: kind");
	for (unsigned k = 0; k < LOG_KINDS; k++)
		if (line_is(kind, kinds[k].name)) {
			out->kind = (enum log_kind)k;
			return true;
		}
	return err_set(e, ERR_UNSUPPORTED, "log entry: unknown kind");
}

bool log_entry_parse(struct log_entry *out, struct bytes in, struct err *e)
{
	*out = (struct log_entry){ 0 };
	if (in.len > LIMIT_LOG_ENTRY)
		return err_set(e, ERR_LIMIT, "log entry: too long");
	if (!line_take(&in, "{\"v\":1,"))
		return err_set(e, ERR_UNSUPPORTED, "log entry: not of version 1");
	if (!line_take(&in, "\"i\":") || !take_uint(&in, &out->index) || !line_take(&in, ",\"t\":") ||
	    !take_uint(&in, &out->time_s) || !line_take(&in, ",\"k\":\""))
		return err_set(e, ERR_MALFORMED, "log entry: index, time or kind");
	if (!parse_kind(out, &in, e) || !parse_members(out, &in, e))
		return false;
	if (!line_take(&in, "}") || in.len != 0)
		return err_set(e, ERR_MALFORMED, "log entry: more than its members");
	return true;
}
