#include "client/protect/suppressed.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

#define HEADER_MAX 65536u /* bytes of the first line */

static bool same(const json_t *header, const char *name, struct bytes file, struct err *e)
{
	uint8_t want[32];
	uint8_t got[32];
	const char *hex = json_string_value(json_object_get(header, name));
	if (hex == NULL || !hex_decode(want, 32, bytes_text(hex)))
		return err_set(e, ERR_MALFORMED, "the first line has no digest %s", name);
	crypto_hash_sha256(got, file.at, file.len);
	return memcmp(want, got, 32) == 0 || err_set(e, ERR_CRYPTO, "%s: another file was bound", name);
}

bool suppressed_names(struct bytes manifest, struct bytes certificate, struct bytes auditor, struct err *e)
{
	const uint8_t *stop = manifest.len == 0 ? NULL : memchr(manifest.at, '\n', manifest.len);
	size_t len = stop == NULL ? 0 : (size_t)(stop - manifest.at);
	if (len == 0 || len > HEADER_MAX)
		return err_set(e, ERR_MALFORMED, "not a suppression manifest");
	json_t *header = json_loadb((const char *)manifest.at, len, JSON_REJECT_DUPLICATES, NULL);
	bool ok = json_is_object(header) || err_set(e, ERR_MALFORMED, "not a suppression manifest");
	ok = ok && same(header, "cert", certificate, e) &&
	     (auditor.at == NULL || same(header, "auditor", auditor, e));
	json_decref(header);
	return ok;
}

/* The cell of a line {"late":[...]}, if it is one. */
static void late_of(struct bytes line, struct buf *out)
{
	json_t *object = json_loadb((const char *)line.at, line.len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *cell = json_object_get(object, "late");
	for (size_t i = 0; i < json_array_size(cell); i++) {
		const char *code = json_string_value(json_array_get(cell, i));
		buf_put_text(out, i == 0 ? "" : "|");
		buf_put_text(out, code == NULL ? "" : code);
	}
	if (cell != NULL)
		buf_put_byte(out, '\n');
	json_decref(object);
}

/* A line {"ladder":"coarsen","dimension":..,"code":..}, if it is one. */
static bool coarse_of(struct bytes line, suppressed_coarse_fn *take, void *context, struct err *e)
{
	json_t *object = json_loadb((const char *)line.at, line.len, JSON_REJECT_DUPLICATES, NULL);
	const char *rung = json_string_value(json_object_get(object, "ladder"));
	const char *dimension = json_string_value(json_object_get(object, "dimension"));
	const char *code = json_string_value(json_object_get(object, "code"));
	bool is = rung != NULL && strcmp(rung, "coarsen") == 0;
	bool ok = !is || (dimension != NULL && code != NULL) ||
		  err_set(e, ERR_MALFORMED, "ladder: a dimension and a code are expected");
	ok = ok && (!is || take(context, dimension, code, e));
	json_decref(object);
	return ok;
}

bool suppressed_coarsened(struct bytes manifest, suppressed_coarse_fn *take, void *context, struct err *e)
{
	bool ok = true;
	for (size_t at = 0; ok && at < manifest.len;) {
		const uint8_t *stop = memchr(manifest.at + at, '\n', manifest.len - at);
		size_t len = (stop == NULL ? manifest.len : (size_t)(stop - manifest.at)) - at;
		ok = coarse_of(bytes_of(manifest.at + at, len), take, context, e);
		at += len + 1;
	}
	return ok;
}

bool suppressed_says(struct bytes manifest, uint64_t revision, struct bytes late, struct err *e)
{
	struct buf named = { 0 };
	json_t *header = NULL;
	bool first = true;
	for (size_t at = 0; at < manifest.len; first = false) {
		const uint8_t *stop = memchr(manifest.at + at, '\n', manifest.len - at);
		size_t len = (stop == NULL ? manifest.len : (size_t)(stop - manifest.at)) - at;
		if (first)
			header = json_loadb((const char *)manifest.at + at, len, 0, NULL);
		else
			late_of(bytes_of(manifest.at + at, len), &named);
		at += len + 1;
	}
	const json_t *said = json_object_get(header, "rev");
	bool ok = !named.failed || err_set(e, ERR_MEMORY, "no memory");
	if (ok && (!json_is_integer(said) || json_integer_value(said) != (json_int_t)revision))
		ok = err_set(e, ERR_CRYPTO, "rev: another revision than the certificate's");
	if (ok && (named.size != late.len || (late.len > 0 && memcmp(named.data, late.at, late.len) != 0)))
		ok = err_set(e, ERR_CRYPTO, "late: other cells than the rules give");
	json_decref(header);
	buf_free(&named);
	return ok;
}
