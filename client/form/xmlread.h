/* xmlread - expat with bounds: no document types, no entities, a limited depth; names without their prefix.
 */
#ifndef CLIENT_FORM_XMLREAD_H
#define CLIENT_FORM_XMLREAD_H
#include "proto/bytes.h"
#include "proto/err.h"

struct xmlread {
	void *context;
	/* attribute: name, value, ..., NULL; see xmlread_attribute. May be NULL. False stops the reading: the
	 * handler has filled its caller's error. */
	bool (*start)(void *context, const char *name, const char *const *attribute);
	bool (*end)(void *context, const char *name);
	bool (*text)(void *context, const char *at, size_t len);
};

/* ERR_MALFORMED for what is not XML; otherwise false with e as a handler left it. */
bool xmlread_run(const struct xmlread *handlers, struct bytes file, struct err *e);

/* Value of the attribute with this local name; NULL if there is none. */
const char *xmlread_attribute(const char *const *attribute, const char *name);
#endif
