#include "client/refusal.h"
#include "client/text.h"
#include <stdio.h>
#include <string.h>

struct refusal_words {
	const char *happened, *advice;
};

static const struct refusal_words words[] = {
	[REJECT_MALFORMED] = { N_("the receiver cannot read the message"),
	    N_("update this program, or tell the operator") },
	[REJECT_UNSUPPORTED] = { N_("the receiver speaks another version"),
	    N_("update one of the two programs") },
	[REJECT_NOT_AUTHORIZED] = { N_("the operator's list does not have this office with this key and "
				       "dataset"),
	    N_("send the operator the line for the operator that `cellveil status` shows") },
	[REJECT_KEY_REVOKED] = { N_("this key was revoked: nothing signed with it is taken any more"),
	    N_("make a new identity with `cellveil init --dir NEW` and send its line to the operator") },
	[REJECT_UNKNOWN_DATASET] = { N_("the receiver does not know the dataset"), N_("ask the operator") },
	[REJECT_PERIOD_NOT_OPEN] = { N_("the period is not open yet"),
	    N_("`cellveil status` shows when it opens; send the form then") },
	[REJECT_PERIOD_CLOSED] = { N_("the period is closed"), N_("call the operator about a correction") },
	[REJECT_CONFIG_MISMATCH] = { N_("the form's definition has changed since the form was checked"),
	    N_("check the form and push it again") },
	[REJECT_UNKNOWN_INTAKE_KEY] = { N_("the receiver has changed its key"), N_("push again") },
	[REJECT_BAD_ENVELOPE] = { N_("the receiver cannot open the form: it was damaged or sealed to another "
				     "key"),
	    N_("push again; if that does not help, tell the operator") },
	[REJECT_INVALID_CONTENT] = { N_("the figures break a rule of the form"),
	    N_("correct the form and push it again") },
	[REJECT_CONFLICT] = { N_("another form has this number already: is this folder a copy in use "
				 "elsewhere?"),
	    N_("tell the operator; each machine needs an identity of its own") },
	[REJECT_REVISION_STALE] = { N_("a newer form of this office is there already"),
	    N_("push again to replace it") },
	[REJECT_TOO_LARGE] = { N_("too much was sent for one period"), N_("tell the operator") },
	[REJECT_NOT_FOUND] = { N_("the receiver has no such thing"), N_("ask the operator") },
	[REJECT_INTERNAL] = { N_("the receiver has a fault of its own"),
	    N_("it is tried again; if it lasts, tell the operator") },
	[REJECT_FEED_CHANGED] = { N_("the feed has begun anew"), N_("begin again with --all") },
};

const char *refusal_happened(enum reject_code code)
{
	size_t i = (size_t)code;

	return i < sizeof words / sizeof *words && words[i].happened != NULL ? _(words[i].happened) : "";
}

const char *refusal_advice(enum reject_code code)
{
	size_t i = (size_t)code;

	return i < sizeof words / sizeof *words && words[i].advice != NULL ? _(words[i].advice) : "";
}

void refusal_text(struct err *e, const struct msg_reject *r)
{
	const char *name = reject_code_name(r->code);
	char more[128] = "";

	if (r->detail != 0)
		(void)snprintf(more, sizeof more, _(", rule %llu"), (unsigned long long)r->detail);
	if (r->text.len > 0 && !bytes_equal(r->text, bytes_text(name)))
		(void)snprintf(more + strlen(more), sizeof more - strlen(more), " (%.*s)", (int)r->text.len,
		    (const char *)r->text.at);
	(void)err_set_detail(e, ERR_REFUSED, (unsigned)r->code, "%s%s; %s [%s]", refusal_happened(r->code),
	    more, refusal_advice(r->code), name);
}
