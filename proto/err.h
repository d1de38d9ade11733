/* err - what went wrong, in whose input, where.
 *
 * One type, the last argument of every function that can fail. The callee says what; each caller on the way
 * up adds, with err_wrap, the where that it alone knows. Never put a value into the text: a count is
 * confidential and a bad key may be a mistyped secret. Name the field, the rule and the place. */
#ifndef PROTO_ERR_H
#define PROTO_ERR_H
#include <stdbool.h>

enum err_code {
	ERR_NONE = 0,
	ERR_MALFORMED,   /* bytes or text that break a format */
	ERR_UNSUPPORTED, /* a version, kind, suite or critical field we do not know */
	ERR_INVALID,     /* well formed, but a rule of the content is broken */
	ERR_REFUSED,     /* understood and not allowed */
	ERR_NOT_FOUND,
	ERR_LIMIT, /* larger than a bound of proto/limits.h */
	ERR_MEMORY,
	ERR_SYSTEM,  /* the operating system, the disk, the store */
	ERR_FULL,    /* a file found no room: nothing is lost, and the same step works when there is some */
	ERR_CRYPTO,  /* a signature, digest or box that does not verify */
	ERR_INTERNAL /* our own check of our own result failed: never publish */
};

struct err {
	enum err_code code;
	unsigned detail; /* rule number or reject code where the code alone is not enough; else 0 */
	char text[512];  /* what a person reads, English, no line feed */
};

/* Both return false, so that a failure is one return. e may be NULL. err_set keeps nothing of a former error;
 * err_wrap puts "prefix: " before the text and keeps code and detail. */
bool err_set(struct err *e, enum err_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool err_set_detail(struct err *e, enum err_code code, unsigned detail, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
bool err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__ /* reads one file at a time: this tells it what they return */
#	define err_set(...)        ((void)(err_set)(__VA_ARGS__), false)
#	define err_set_detail(...) ((void)(err_set_detail)(__VA_ARGS__), false)
#	define err_wrap(...)       ((void)(err_wrap)(__VA_ARGS__), false)
#endif
#endif
