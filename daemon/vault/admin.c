/* admin - see admin.h. */
#include "daemon/vault/admin.h"
#include "daemon/say.h"
#include "daemon/vault/admin_command.h"
#include "proto/admin.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#define NOBODY      65534 /* a uid of another user namespace: it names nobody */
#define SOCKET_MODE 0660  /* root and the group of the directory: cellveil-admin */

struct peer {
	int fd; /* -1: free */
	uid_t uid;
	uint64_t until_ms; /* boot time by which the request is in, or the answer out */
	struct buf in;     /* length and body under way */
	struct buf out;
	size_t sent;
	struct buf upload;
};

struct admin {
	int fd;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	struct peer peer[ADMIN_PEERS];
};

/* --- the socket --- */

static bool fail(struct err *e, const struct admin *a, const char *what)
{
	return err_set(e, ERR_SYSTEM, "%s: %s: %s", a->path, what, strerror(errno));
}

static bool bind_socket(struct admin *a, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd < 0)
		return fail(e, a, "cannot make a socket");
	memcpy(address.sun_path, a->path, sizeof address.sun_path);
	if (unlink(a->path) < 0 && errno != ENOENT) /* ours: the vault's lock is held */
		return fail(e, a, "cannot remove the old socket");
	mode_t old = umask(0777 & ~SOCKET_MODE);
	int rc = bind(a->fd, (const struct sockaddr *)&address, sizeof address);
	umask(old);
	if (rc < 0 || chmod(a->path, SOCKET_MODE) < 0 || listen(a->fd, ADMIN_PEERS) < 0)
		return fail(e, a, "cannot bind");
	return true;
}

bool admin_open(struct vault *v, struct err *e)
{
	char dir[CONF_PATH + 16];
	struct admin *a = calloc(1, sizeof *a);

	if (!a)
		return err_set(e, ERR_MEMORY, "admin: no memory");
	a->fd = -1;
	for (size_t i = 0; i < ADMIN_PEERS; i++)
		a->peer[i].fd = -1;
	v->admin = a;
	snprintf(dir, sizeof dir, "%s/admin", v->conf->run);
	int n = snprintf(a->path, sizeof a->path, "%s/socket", dir);
	if (n < 0 || (size_t)n >= sizeof a->path) {
		err_set(e, ERR_INVALID, "[paths] run: too long for the admin socket");
	} else if (os_make_dirs(v->os, AT_FDCWD, dir, 0750, e) && os_dir_closed(dir, 0022, e) &&
		   bind_socket(a, e) && admin_command_restore_mode(v, e)) {
		return true;
	}
	admin_close(v);
	return false;
}

static void cut(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	buf_free(&p->in);
	buf_free(&p->out);
	buf_free(&p->upload);
	*p = (struct peer){ .fd = -1 };
}

void admin_close(struct vault *v)
{
	struct admin *a = v->admin;

	if (!a)
		return;
	for (size_t i = 0; i < ADMIN_PEERS; i++)
		cut(&a->peer[i]);
	if (a->fd >= 0) {
		close(a->fd);
		(void)unlink(a->path);
	}
	free(a);
	v->admin = NULL;
}

/* --- one request --- */

static bool take_part(const struct admin_request *q, struct buf *upload, struct admin_answer *a)
{
	if (upload->size + q->bytes.len > ADMIN_UPLOAD_MAX) {
		a->outcome = ADMIN_INVALID;
		admin_answer_say(a, "the file is larger than allowed");
		buf_clear(upload);
		return true;
	}
	buf_put_bytes(upload, q->bytes);
	if (upload->failed) {
		a->outcome = ADMIN_FAILED;
		admin_answer_say(a, "no memory for the file");
		buf_free(upload);
	}
	return true;
}

bool admin_answer(
    struct vault *v, uid_t uid, struct bytes request, struct buf *upload, struct buf *answer, struct err *e)
{
	struct admin_request q = { 0 };
	struct admin_answer a = { 0 };
	struct err why;
	bool ok = true;

	if (!admin_request_decode(&q, request, &why)) {
		admin_answer_fail(&a, &why);
	} else if (q.kind == ADMIN_PART) {
		ok = take_part(&q, upload, &a);
	} else {
		ok = admin_command_run(v, uid, &q, buf_bytes(upload), &a, e);
		buf_clear(upload);
	}
	if (!admin_answer_encode(answer, &a, q.rid, &why))
		say(SAY_ERROR, "admin", "%s", why.text);
	admin_answer_free(&a);
	return ok;
}

/* --- peers --- */

static bool peer_uid(int fd, uid_t *uid)
{
	struct ucred who;
	socklen_t len = sizeof who;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || len != sizeof who)
		return false;
	*uid = who.uid;
	return who.uid != NOBODY;
}

static void take_peer(struct vault *v, struct admin *a)
{
	int fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uid_t uid = NOBODY;

	if (fd < 0)
		return;
	for (size_t i = 0; i < ADMIN_PEERS; i++) {
		struct peer *p = &a->peer[i];

		if (p->fd >= 0)
			continue;
		if (!peer_uid(fd, &uid))
			break;
		*p = (struct peer){ .fd = fd, .uid = uid, .until_ms = os_boot_ms(v->os) + ADMIN_PEER_MS };
		return;
	}
	say(SAY_WARNING, "admin-refused", "a connection to the admin socket was refused");
	close(fd);
}

/* Bytes still missing before the request is whole; 0 when it is. False: longer than allowed. */
static bool missing(const struct peer *p, size_t *n)
{
	size_t len = 0;

	if (p->in.size < ADMIN_LENGTH_BYTES) {
		*n = ADMIN_LENGTH_BYTES - p->in.size;
		return true;
	}
	if (!admin_length(p->in.data, LIMIT_ADMIN_BYTES, &len, NULL))
		return false;
	*n = ADMIN_LENGTH_BYTES + len - p->in.size;
	return true;
}

static bool answer_request(struct vault *v, struct peer *p, struct err *e)
{
	struct buf body = { 0 };
	struct bytes request = bytes_of(p->in.data + ADMIN_LENGTH_BYTES, p->in.size - ADMIN_LENGTH_BYTES);
	bool ok = admin_answer(v, p->uid, request, &p->upload, &body, e);

	buf_clear(&p->in);
	buf_clear(&p->out);
	p->sent = 0;
	admin_put_frame(&p->out, buf_bytes(&body));
	p->until_ms = os_boot_ms(v->os) + ADMIN_PEER_MS;
	if (body.failed || p->out.failed)
		cut(p);
	buf_free(&body);
	return ok;
}

static bool read_peer(struct vault *v, struct peer *p, struct err *e)
{
	uint8_t chunk[4096];
	size_t want = 0;

	while (missing(p, &want) && want > 0) {
		ssize_t n = recv(p->fd, chunk, want < sizeof chunk ? want : sizeof chunk, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (n <= 0) {
			cut(p);
			return true;
		}
		buf_put(&p->in, chunk, (size_t)n);
		if (p->in.failed)
			break;
	}
	if (want > 0 || p->in.failed || !missing(p, &want)) {
		cut(p);
		return true;
	}
	return answer_request(v, p, e);
}

static void write_peer(struct vault *v, struct peer *p)
{
	while (p->sent < p->out.size) {
		ssize_t n = send(p->fd, p->out.data + p->sent, p->out.size - p->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n <= 0) {
			cut(p);
			return;
		}
		p->sent += (size_t)n;
	}
	buf_clear(&p->out);
	p->sent = 0;
	p->until_ms = os_boot_ms(v->os) + ADMIN_PEER_MS;
}

static struct peer *find_peer(struct admin *a, int fd)
{
	for (size_t i = 0; i < ADMIN_PEERS; i++) {
		if (a->peer[i].fd == fd)
			return &a->peer[i];
	}
	return NULL;
}

size_t admin_poll(struct vault *v, zmq_pollitem_t *items, size_t room)
{
	struct admin *a = v->admin;
	size_t n = 0;

	if (!a || room < ADMIN_PEERS + 1)
		return 0;
	if (find_peer(a, -1)) /* else they wait in the kernel's queue */
		items[n++] = (zmq_pollitem_t){ .fd = a->fd, .events = ZMQ_POLLIN };
	for (size_t i = 0; i < ADMIN_PEERS; i++) {
		struct peer *p = &a->peer[i];

		if (p->fd >= 0)
			items[n++] = (zmq_pollitem_t){ .fd = p->fd,
				.events = p->out.size > 0 ? ZMQ_POLLOUT : ZMQ_POLLIN };
	}
	return n;
}

static bool serve_peer(struct vault *v, struct peer *p, short events, struct err *e)
{
	bool ok = true;

	if (p->out.size == 0 && (events & (ZMQ_POLLIN | ZMQ_POLLERR)))
		ok = read_peer(v, p, e);
	if (ok && p->fd >= 0 && p->out.size > 0)
		write_peer(v, p);
	return ok;
}

static void cut_slow(struct vault *v, struct admin *a)
{
	uint64_t now_ms = os_boot_ms(v->os);

	for (size_t i = 0; i < ADMIN_PEERS; i++) {
		if (a->peer[i].fd >= 0 && now_ms > a->peer[i].until_ms)
			cut(&a->peer[i]);
	}
}

bool admin_serve(struct vault *v, const zmq_pollitem_t *items, size_t n, struct err *e)
{
	struct admin *a = v->admin;

	if (!a)
		return true;
	for (size_t i = 0; i < n; i++) {
		struct peer *p = items[i].revents ? find_peer(a, items[i].fd) : NULL;

		if (p && !serve_peer(v, p, items[i].revents, e))
			return false;
	}
	if (n > 0 && items[0].revents && items[0].fd == a->fd)
		take_peer(v, a);
	cut_slow(v, a);
	return true;
}
