#include "client/form/xmlread.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

#define XML_DEPTH 64u

struct run {
	const struct xmlread *handlers;
	XML_Parser parser;
	unsigned depth;
	bool refused; /* by us */
	bool stopped; /* by a handler */
};

static const char *local(const char *name)
{
	const char *bar = strrchr(name, '|');
	return bar == NULL ? name : bar + 1;
}

static void stop(struct run *r, bool *why)
{
	*why = true;
	XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL on_start(void *context, const char *name, const char **attribute)
{
	struct run *r = context;
	if (r->refused || r->stopped)
		return;
	if (++r->depth > XML_DEPTH)
		stop(r, &r->refused);
	else if (!r->handlers->start(r->handlers->context, local(name), attribute))
		stop(r, &r->stopped);
}

static void XMLCALL on_end(void *context, const char *name)
{
	struct run *r = context;
	if (r->refused || r->stopped)
		return;
	r->depth--;
	if (!r->handlers->end(r->handlers->context, local(name)))
		stop(r, &r->stopped);
}

static void XMLCALL on_text(void *context, const char *at, int len)
{
	struct run *r = context;
	if (!r->refused && !r->stopped && r->handlers->text != NULL &&
	    !r->handlers->text(r->handlers->context, at, (size_t)len))
		stop(r, &r->stopped);
}

static void XMLCALL on_doctype(
    void *context, const char *name, const char *system, const char *public, int has_internal)
{
	struct run *r = context;
	(void)name;
	(void)system;
	(void)public;
	(void)has_internal;
	stop(r, &r->refused);
}

bool xmlread_run(const struct xmlread *handlers, struct bytes file, struct err *e)
{
	struct run r = { .handlers = handlers, .parser = XML_ParserCreateNS(NULL, '|') };
	if (r.parser == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	bool ok = file.len <= INT_MAX &&
		  XML_Parse(r.parser, (const char *)file.at, (int)file.len, XML_TRUE) == XML_STATUS_OK;
	bool memory = XML_GetErrorCode(r.parser) == XML_ERROR_NO_MEMORY;
	XML_ParserFree(r.parser);
	if (ok && !r.refused && !r.stopped)
		return true;
	if (r.stopped)
		return false;
	return memory ? err_set(e, ERR_MEMORY, "out of memory")
		      : err_set(e, ERR_MALFORMED, "not well-formed XML");
}

const char *xmlread_attribute(const char *const *attribute, const char *name)
{
	for (; attribute != NULL && attribute[0] != NULL; attribute += 2)
		if (strcmp(local(attribute[0]), name) == 0)
			return attribute[1];
	return NULL;
}
