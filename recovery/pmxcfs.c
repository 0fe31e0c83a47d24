/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/pmxcfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "recovery/sources/pve.h"
#include "snapshot/basic/file.h"
#include "snapshot/basic/log.h"

bool pmxcfs_owns(const char *path)
{
	size_t size = strlen(PVE_PATH "/");

	return strncmp(path, PVE_PATH "/", size) == 0 && path[size];
}

int pmxcfs_holds(const char *path, int dir_fd)
{
	struct statfs st;

	if (!pmxcfs_owns(path))
		return 0;
	while (fstatfs(dir_fd, &st) < 0)
		if (errno != EINTR)
			return -errno;
	return st.f_type == FUSE_SUPER_MAGIC;
}

static int sync_file(const struct root *root, const char *path)
{
	_cleanup_close_ int fd = root_openat(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	return fd < 0 ? fd : file_sync_fd(fd);
}

void pmxcfs_sync(const struct root *root)
{
	static const char *const paths[] = { "/var/lib/pve-cluster/config.db-wal",
					     "/var/lib/pve-cluster/config.db" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct root_name shown;
		int r = sync_file(root, paths[i]);

		if (r < 0)
			log_warning("%s: cannot sync: %s; what was written to " PVE_PATH
				    " may be lost with the power",
				    root_show(root, paths[i], &shown), strerror(-r));
	}
}
