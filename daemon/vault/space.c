#include "daemon/vault/space.h"

#include "daemon/say.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BALLAST "ballast"

static bool have_ballast(const struct vault *v)
{
	struct stat st;
	return fstatat(v->vault_dir, BALLAST, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Takes real blocks: a sparse file would weigh nothing. A failure leaves us without, which is no harm. */
static void take_ballast(const struct vault *v)
{
	int fd = openat(v->vault_dir, BALLAST, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	if (posix_fallocate(fd, 0, (off_t)(v->conf->ballast_mib << 20)) != 0)
		unlinkat(v->vault_dir, BALLAST, 0);
	close(fd);
}

static void drop_ballast(struct vault *v)
{
	if (v->os->unlink(v->os->context, v->vault_dir, BALLAST) == 0)
		say(SAY_ERROR, "space-critical", "the disk is nearly full: the ballast was given up");
}

static bool look(const struct vault *v, uint64_t *free_mib)
{
	struct statvfs fs;
	if (fstatvfs(v->vault_dir, &fs) != 0)
		return false;
	*free_mib = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
	return true;
}

void space_make_room(struct vault *v)
{
	uint64_t free_mib;
	if (look(v, &free_mib) && free_mib < v->conf->space_critical_mib && have_ballast(v))
		drop_ballast(v);
}

void space_check(struct vault *v)
{
	const struct conf *conf = v->conf;
	uint64_t free_mib;
	if (!look(v, &free_mib))
		return;
	bool ballast = have_ballast(v);
	bool critical = free_mib < conf->space_critical_mib;
	v->space_critical = critical || v->no_room;
	vault_set_mode(v, MODE_STORAGE_LOW, free_mib < conf->space_low_mib || v->no_room);
	if (ballast && critical)
		drop_ballast(v);
	else if (!ballast && conf->ballast_mib > 0 && free_mib > conf->space_low_mib + 2 * conf->ballast_mib)
		take_ballast(v);
}
