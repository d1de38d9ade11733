/* name - the grammars of the words that travel: names, periods, origins, paths, addresses, text.
 *
 * Pure checks of bytes that may come from anybody; none of them reads past len or stops at a NUL.
 * Source: docs/protocol.md "Message profile", rule 7, and proto/README.md. */
#ifndef PROTO_NAME_H
#define PROTO_NAME_H
#include "proto/bytes.h"
#include "proto/limits.h"

#define LIMIT_ENDPOINT 255u /* tcp://host:port */
#define LIMIT_PATH     200u /* of a file below public/ */

bool name_is_name(struct bytes in);   /* dataset, office, feed, principal: [a-z0-9-]{1,48} */
bool name_is_period(struct bytes in); /* 2024, 2024-Q1, 2024-S1, 2024-01; years 1900-2199 */
bool name_is_origin(struct bytes in); /* stats.example/log1: [a-z0-9.-]+(/[a-z0-9._-]+)*, 1-128 bytes */
bool name_is_text(struct bytes in);   /* UTF-8 without control characters; may be empty */
/* release/births/2024/0/manifest.txt: parts of [A-Za-z0-9._-] joined by '/', none of them empty, '.' or '..'
 */
bool name_is_path(struct bytes in);
/* tcp://host:port, port 1-65535 without leading zero; host a DNS name, IPv4, or IPv6 in brackets */
bool name_is_endpoint(struct bytes in);
/* Copies text that passed a check into out[room], with a NUL. False, and out empty, if it does not fit. */
bool name_copy(char *out, size_t room, struct bytes in);
#endif
