/* Stand-ins until publish.c, admin.c and policy/params.c land: whoever lands one deletes its part here. */
#include "daemon/vault/admin.h"
#include "daemon/vault/publish.h"

bool publish_resume(struct vault *v, struct err *e)
{
	(void)v;
	(void)e;
	return true;
}

void publish_close(struct vault *v)
{
	(void)v;
}

bool publish_tick(struct vault *v, struct err *e)
{
	(void)v;
	(void)e;
	return true;
}

bool publish_greet(struct vault *v, struct err *e)
{
	(void)v;
	(void)e;
	return true;
}

bool admin_open(struct vault *v, struct err *e)
{
	(void)v;
	(void)e;
	return true;
}

void admin_close(struct vault *v)
{
	(void)v;
}

size_t admin_poll(struct vault *v, struct zmq_pollitem_t *items, size_t room)
{
	(void)v;
	(void)items;
	(void)room;
	return 0;
}

bool admin_serve(struct vault *v, const struct zmq_pollitem_t *items, size_t n, struct err *e)
{
	(void)v;
	(void)items;
	(void)n;
	(void)e;
	return true;
}
