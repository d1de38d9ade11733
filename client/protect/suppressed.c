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
