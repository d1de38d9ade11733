/* stats - what the gate counts. Any thread may add; reading is not a snapshot. No label ever names an office,
 * a period or a cell. */
#ifndef DAEMON_GATE_STATS_H
#define DAEMON_GATE_STATS_H
#include <stdint.h>

/* X(name in the code, metric, label pair) */
#define GATE_STATS(X)                                                                                        \
	X(ZAP_OK, "zap_total", "status=\"200\"")                                                             \
	X(ZAP_LATER, "zap_total", "status=\"300\"")                                                          \
	X(ZAP_REFUSED, "zap_total", "status=\"400\"")                                                        \
	X(HANDSHAKE_AUTH, "handshake_failures_total", "kind=\"auth\"")                                       \
	X(HANDSHAKE_PROTOCOL, "handshake_failures_total", "kind=\"protocol\"")                               \
	X(HANDSHAKE_OTHER, "handshake_failures_total", "kind=\"other\"")                                     \
	X(ACCEPTED, "connections_total", "what=\"accepted\"")                                                \
	X(DISCONNECTED, "connections_total", "what=\"ended\"")                                               \
	X(ACCEPT_FAILED, "connections_total", "what=\"accept-failed\"")                                      \
	X(RECEIVED, "messages_total", "what=\"received\"")                                                   \
	X(MULTIPART, "messages_total", "what=\"multipart\"")                                                 \
	X(EMPTY, "messages_total", "what=\"empty\"")                                                         \
	X(CHOSEN_ROUTE, "messages_total", "what=\"chosen-routing-id\"")                                      \
	X(NO_USER, "messages_total", "what=\"no-user-id\"")                                                  \
	X(UNREADABLE, "messages_total", "what=\"unreadable\"")                                               \
	X(ANSWERED, "messages_total", "what=\"answered-here\"")                                              \
	X(REPLY_DROPPED, "dropped_replies_total", "why=\"peer-gone\"")                                       \
	X(REPLY_LATE, "dropped_replies_total", "why=\"late\"")                                               \
	X(REJECT_MALFORMED, "rejects_total", "code=\"MALFORMED\"")                                           \
	X(REJECT_UNSUPPORTED, "rejects_total", "code=\"UNSUPPORTED\"")                                       \
	X(REJECT_NOT_AUTHORIZED, "rejects_total", "code=\"NOT_AUTHORIZED\"")                                 \
	X(REJECT_NOT_FOUND, "rejects_total", "code=\"NOT_FOUND\"")                                           \
	X(REJECT_OTHER, "rejects_total", "code=\"other\"")                                                   \
	X(BUSY_RATE, "busy_total", "reason=\"rate\"")                                                        \
	X(BUSY_QUEUE, "busy_total", "reason=\"queue\"")                                                      \
	X(BUSY_VAULT, "busy_total", "reason=\"vault-away\"")                                                 \
	X(BUSY_MODE, "busy_total", "reason=\"mode\"")                                                        \
	X(BUSY_STOPPING, "busy_total", "reason=\"stopping\"")                                                \
	X(FORWARDED, "link_frames_total", "what=\"forward\"")                                                \
	X(REPLIED, "link_frames_total", "what=\"reply\"")                                                    \
	X(LINK_STALE, "link_frames_total", "what=\"other-session\"")                                         \
	X(LINK_BROKEN, "link_frames_total", "what=\"malformed\"")                                            \
	X(LINK_EXPIRED, "link_frames_total", "what=\"expired\"")                                             \
	X(LINK_SESSIONS, "link_sessions_total", "")                                                          \
	X(LINK_LOST, "link_lost_total", "")                                                                  \
	X(REGISTRY_SWAPS, "registry_total", "what=\"applied\"")                                              \
	X(REGISTRY_REFUSED, "registry_total", "what=\"refused\"")                                            \
	X(REGISTRY_AGED, "registry_total", "what=\"dropped-for-age\"")                                       \
	X(PUBLISHED, "feed_total", "what=\"published\"")                                                     \
	X(FEED_FILLED, "feed_total", "what=\"filled-from-files\"")                                           \
	X(FEED_REPEATED, "feed_total", "what=\"repeated\"")                                                  \
	X(FEED_FLOODS, "feed_total", "what=\"subscription-flood\"")                                          \
	X(FEED_HOLES, "feed_total", "what=\"missing-file\"")

enum gate_stat {
#define X(name, metric, label) STAT_##name,
	GATE_STATS(X)
#undef X
	    STATS
};

void stats_add(enum gate_stat which, uint64_t n);
uint64_t stats_get(enum gate_stat which);
/* The counters that are not 0, as `counters` lines of the journal. */
void stats_say(void);
#endif
