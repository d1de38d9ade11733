/* limits - every bound on what a stranger can make us hold, each with its reason.
 *
 * docs/protocol.md, section "Limits". A bound that bites is counted or told, never silent. */
#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

/* the wire */
#define LIMIT_MESSAGE_BYTES      (4u * 1024 * 1024) /* one submission: 200,000 cells of 20 bytes */
#define LIMIT_LINK_EXTRA_BYTES   4096u              /* what FORWARD adds around a body */
#define LIMIT_QUERY_BYTES        8192u              /* no question needs more */
#define LIMIT_REPLY_BYTES        (1024u * 1024)     /* no answer is longer: chunks */
#define LIMIT_FEED_BYTES         (256u * 1024)      /* beyond this the release is fetched, not pushed */
#define LIMIT_CHUNK_BYTES        (512u * 1024)      /* STATE and OBJECT */
#define LIMIT_ADMIN_BYTES        (64u * 1024)
#define LIMIT_SUBSCRIPTION_BYTES 96u /* libzmq 4.3.4 crashes on closing after a 4 MB topic */
#define LIMIT_HEADER_BYTES       512u
#define LIMIT_CURVE_OVERHEAD     33u /* measured: checked on the wire frame */

/* the message profile */
#define LIMIT_DEPTH       6u       /* containers inside one another */
#define LIMIT_NODES       4096u    /* of a message */
#define LIMIT_NODES_LARGE 2500000u /* of a payload, a registry, a file: 200,000 cells x 11 nodes */
#define LIMIT_UINT        INT64_MAX

/* names */
#define LIMIT_NAME   48u /* dataset, office, feed: [a-z0-9-]{1,48} */
#define LIMIT_PERIOD 8u  /* 2024-S1, 2024-12 */
#define LIMIT_ORIGIN 128u
#define LIMIT_AGENT  64u
#define LIMIT_TEXT   200u /* text of a REJECT */
#define LIMIT_NOTICE 1000u

/* content */
#define LIMIT_CELLS              200000u /* of a form */
#define LIMIT_DIMS               8u      /* of a measure */
#define LIMIT_CODES              65535u  /* of a list */
#define LIMIT_MEASURES           4096u
#define LIMIT_VALUE              (1ull << 40) /* a measure's maximum stays below */
#define LIMIT_HASH_TOTAL         (1ull << 53) /* exact in every language's numbers */
#define LIMIT_REVISION           1000u        /* of an office in a period */
#define LIMIT_IDS                200u         /* distinct submission ids of an office in a period */
#define LIMIT_OPEN_PERIODS       8u
#define LIMIT_DATASETS           64u
#define LIMIT_PRINCIPALS         50000u
#define LIMIT_PRINCIPAL_DATASETS 64u

/* rates and queues */
#define LIMIT_RATE_MESSAGES      20u                /* a second and principal, */
#define LIMIT_RATE_BURST         100u               /* with this burst */
#define LIMIT_RATE_BYTES         (4u * 1024 * 1024) /* a second and principal */
#define LIMIT_BAD_ENVELOPES      20u                /* in ten minutes, then ten minutes BUSY */
#define LIMIT_PRINCIPAL_FORWARDS 4u                 /* in flight: nobody fills the link alone */
#define LIMIT_LINK_WINDOW        256u
#define LIMIT_LINK_WINDOW_BYTES  (64u * 1024 * 1024)

/* files */
#define LIMIT_PUBLIC_FILE     (64u * 1024 * 1024)
#define LIMIT_CONFIG_FILE     (4u * 1024 * 1024)
#define LIMIT_NOTE_BYTES      65536u
#define LIMIT_NOTE_SIGNATURES 16u
#define LIMIT_LOG_ENTRY       8192u
#endif
