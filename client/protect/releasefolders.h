/* releasefolders - which folder of a ledger is which release of the period.
 *
 * A release is known by the digest of its result. A folder that says its period and revision (entry.json of `protect
 * --ledger`, manifest.txt of a published release) must say what the certificate does; its own certificate must be
 * of its grid and result. Written apart from policy/. */
#ifndef CLIENT_PROTECT_RELEASEFOLDERS_H
#define CLIENT_PROTECT_RELEASEFOLDERS_H
#include "client/protect/certificate.h"

struct releasefolder {
	char path[LATTICE_PATH_MAX];
	struct lattice g;                 /* without counts */
	struct certificate_report claims; /* of its certificate: level, threshold, width, floor, coalition */
};

/* What stands between key and one of the bytes of end. False: nothing, or more than out has room for. */
bool releasefolders_text(const char *text, const char *key, const char *end, char *out, size_t room);
/* The folder of dir that holds an earlier release. The caller frees out->g, also after false: e says which file of
 * which revision is missing or does not fit. */
bool releasefolders_find(const char *dir, const struct lattice *g, const struct releases *r, uint64_t release,
    struct releasefolder *out, struct err *e);
/* Do the folders that say their revision leave it at what the certificate names: no further release of the period
 * before this one, and this one under its own revision? path: any folder of the period. */
bool releasefolders_complete(
    const char *dir, const struct lattice *g, const struct releases *r, const char *path, struct err *e);
#endif
