/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How Proxmox VE does it: PVE::Tools::lock_file (a guest's: opened for appending and made if it is
 * missing, flock, never removed) and PVE::Cluster::cfs_lock (mkdir; a request to have a stale one
 * removed is a time of 0; rmdir).
 */
#include "agent/pve-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "agent/child.h"
#include "agent/clock.h"
#include "recovery/sources/pve.h"
#include "snapshot/basic/log.h"

#define CLUSTER_LOCKS PVE_PATH "/priv/lock"

#define GUEST_RETRY_MS   50
#define CLUSTER_RETRY_MS 1000
/* Giving one back, or finding that it cannot be had, while /etc/pve does answer. */
#define CLUSTER_WORK_MS 3000

/* In the order in which they are taken. */
enum lock_kind {
	LOCK_QEMU,
	LOCK_LXC,
	LOCK_CLUSTER,
	LOCK_NONE, /* the file needs none */
};

/**
 * struct pve_lock - One lock
 * @vmid:  of a guest's
 * @id:    of one of the cluster's
 * @path:  the index of the path that needs it
 * @fd:    of a guest's lock that is held
 * @held:  it is
 * @error: why it is not
 */
struct pve_lock {
	enum lock_kind kind;
	uint32_t vmid;
	const char *id;
	size_t path;
	int fd;
	bool held;
	int error;
};

struct lock_path {
	char text[80];
};

static const struct {
	const char *path;
	const char *id;
} cluster_locks[] = {
	{ PVE_PATH "/ha/resources.cfg", "domain-ha" },
	{ PVE_PATH "/mapping/pci.cfg", "file-mapping_pci_cfg" },
};

static struct pve_lock find_lock(const char *path, size_t index)
{
	struct pve_lock lock = { .kind = LOCK_NONE, .path = index, .fd = -1 };
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; i < ARRAY_SIZE(cluster_locks); i++) {
		if (strcmp(path, cluster_locks[i].path) != 0)
			continue;
		lock.kind = LOCK_CLUSTER;
		lock.id = cluster_locks[i].id;
		return lock;
	}
	if (!slash || !pve_parse_file_name(slash + 1, &lock.vmid))
		return lock;
	if (pve_is_guest_path(path, "qemu-server"))
		lock.kind = LOCK_QEMU;
	else if (pve_is_guest_path(path, "lxc"))
		lock.kind = LOCK_LXC;
	return lock;
}

static const char *show_lock(const struct pve_lock *lock, struct lock_path *buffer)
{
	if (lock->kind == LOCK_CLUSTER)
		(void)snprintf(buffer->text, sizeof(buffer->text), CLUSTER_LOCKS "/%s", lock->id);
	else
		(void)snprintf(buffer->text, sizeof(buffer->text),
			       lock->kind == LOCK_LXC ? "/run/lock/lxc/pve-config-%u.lock"
						      : "/var/lock/qemu-server/lock-%u.conf",
			       (unsigned int)lock->vmid);
	return buffer->text;
}

static int compare_locks(const void *a, const void *b)
{
	const struct pve_lock *left = a, *right = b;

	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	if (left->kind == LOCK_CLUSTER)
		return strcmp(left->id, right->id);
	return (left->vmid > right->vmid) - (left->vmid < right->vmid);
}

static int open_guest_lock(const struct root *root, const struct pve_lock *lock)
{
	_cleanup_close_ int dir_fd = -1;
	struct lock_path path;
	char *name;
	int fd;

	(void)show_lock(lock, &path);
	name = strrchr(path.text, '/');
	*name++ = '\0';
	/* Proxmox VE's own programs make it when they are first run. */
	dir_fd = root_open_directory(root, path.text, 0755);
	if (dir_fd < 0)
		return dir_fd;
	fd = openat(dir_fd, name,
		    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		    0644);
	return fd < 0 ? -errno : fd;
}

static unsigned int time_left(uint64_t deadline)
{
	uint64_t now = clock_monotonic_ms();

	return now < deadline ? (unsigned int)(deadline - now) : 0;
}

static void pause_ms(unsigned int milliseconds)
{
	const struct timespec pause = { .tv_sec = milliseconds / 1000,
					.tv_nsec = (long)(milliseconds % 1000) * 1000000L };

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

static int take_guest_lock(const struct root *root, struct pve_lock *lock, uint64_t deadline)
{
	_cleanup_close_ int fd = open_guest_lock(root, lock);

	if (fd < 0)
		return fd;
	/* flock(2) has no limit of its own. */
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (time_left(deadline) == 0)
			return -EBUSY;
		pause_ms(MIN_OF(time_left(deadline), (unsigned int)GUEST_RETRY_MS));
	}
	lock->fd = TAKE_FD(fd);
	return 0;
}

/**
 * struct cluster_job - Taking or giving back one of the cluster's locks, in a child
 * @deadline: no other try after it
 */
struct cluster_job {
	const struct root *root;
	const char *id;
	uint64_t deadline;
};

static int make_lock_folder(const struct cluster_job *job, int dir_fd)
{
	static const struct timespec unlock_request[2] = { { 0 }, { 0 } };

	while (mkdirat(dir_fd, job->id, 0700) < 0) {
		unsigned int left = time_left(job->deadline);

		if (errno != EEXIST)
			return -errno;
		/* It goes away if it is older than two minutes (memdb.c of pmxcfs). */
		(void)utimensat(dir_fd, job->id, unlock_request, AT_SYMLINK_NOFOLLOW);
		if (left == 0)
			return -EBUSY;
		pause_ms(MIN_OF(left, (unsigned int)CLUSTER_RETRY_MS));
	}
	return 0;
}

static int open_cluster_locks(const struct root *root)
{
	_cleanup_close_ int dir_fd = root_openat(root, PVE_PATH "/priv", O_PATH | O_DIRECTORY, 0);

	if (dir_fd < 0)
		return dir_fd;
	if (mkdirat(dir_fd, "lock", 0700) < 0 && errno != EEXIST)
		return -errno;
	return root_openat(root, CLUSTER_LOCKS, O_PATH | O_DIRECTORY, 0);
}

static void take_in_child(const void *argument, void *shared)
{
	const struct cluster_job *job = argument;
	int dir_fd = open_cluster_locks(job->root);

	*(int *)shared = dir_fd < 0 ? dir_fd : make_lock_folder(job, dir_fd);
}

static void give_back_in_child(const void *argument, void *shared)
{
	const struct cluster_job *job = argument;
	int dir_fd = root_openat(job->root, CLUSTER_LOCKS, O_PATH | O_DIRECTORY, 0);

	*(int *)shared = dir_fd < 0                                    ? dir_fd
			 : unlinkat(dir_fd, job->id, AT_REMOVEDIR) < 0 ? -errno
								       : 0;
}

/* /etc/pve may hang. Return: what the child did, or why that is not known. */
static int run_cluster_job(const struct cluster_job *job,
			   void (*function)(const void *argument, void *shared))
{
	int result = -EIO;
	struct child_call call = {
		.function = function,
		.argument = job,
		.shared = &result,
		.shared_size = sizeof(result),
		.keep_fd = job->root->fd,
		.timeout_ms = time_left(job->deadline) + CLUSTER_WORK_MS,
	};
	pid_t left_behind;
	int r = child_run(&call, &left_behind);

	/* One that was made, but not said to be, is nobody's: in two minutes it may be removed. */
	return r < 0 ? r : result;
}

static int take_lock(const struct root *root, struct pve_lock *lock, uint64_t deadline)
{
	const struct cluster_job job = { root, lock->id, deadline };

	if (lock->kind == LOCK_NONE)
		return 0;
	if (lock->kind == LOCK_CLUSTER)
		return run_cluster_job(&job, take_in_child);
	return take_guest_lock(root, lock, deadline);
}

static void release_lock(const struct root *root, struct pve_lock *lock)
{
	const struct cluster_job job = { root, lock->id, 0 };
	struct lock_path path;
	int r;

	if (lock->held && lock->kind == LOCK_CLUSTER) {
		r = run_cluster_job(&job, give_back_in_child);
		if (r < 0)
			log_warning("%s: cannot be removed: %s; it goes away in two minutes",
				    show_lock(lock, &path), strerror(-r));
	}
	if (lock->fd >= 0)
		(void)close(lock->fd);
	lock->fd = -1;
	lock->held = false;
}

static void take_all(struct pve_locks *locks, unsigned int timeout_ms)
{
	uint64_t deadline = clock_monotonic_ms() + timeout_ms;
	struct pve_lock *before = NULL;
	bool hangs = false;

	for (size_t i = 0; i < locks->n_items; i++) {
		struct pve_lock *lock = &locks->items[i];

		/* One lock may be for several paths; taking it twice would be waiting for us. */
		if (before && compare_locks(before, lock) == 0) {
			lock->error = before->error;
			continue;
		}
		/* One that hangs does so for all. */
		lock->error = hangs && lock->kind == LOCK_CLUSTER
				      ? -ETIMEDOUT
				      : take_lock(locks->root, lock, deadline);
		lock->held = lock->error == 0;
		hangs |= lock->error == -ETIMEDOUT;
		before = lock;
	}
}

static int set_problem(const struct pve_lock *lock, struct problem *problem)
{
	struct lock_path path;

	(void)show_lock(lock, &path);
	if (lock->error == -EBUSY)
		return problem_set(problem, lock->error, path.text, 0,
				   "is held by another program");
	return problem_set_errno(problem, lock->error, path.text, "lock");
}

static int report_all(const struct pve_locks *locks, bool *ret_failed, struct problem *problem)
{
	int n = 0;

	for (size_t i = 0; i < locks->n_items; i++) {
		const struct pve_lock *lock = &locks->items[i];

		ret_failed[lock->path] = lock->error < 0;
		n += lock->error < 0;
		if (lock->error < 0 && n == 1)
			(void)set_problem(lock, problem);
	}
	return n;
}

int pve_locks_take(const struct root *root, const char *const *paths, size_t n_paths,
		   unsigned int timeout_ms, struct pve_locks *ret_locks, bool *ret_failed,
		   struct problem *problem)
{
	struct pve_locks locks = { .root = root };

	for (size_t i = 0; i < n_paths; i++)
		ret_failed[i] = false;
	if (!root->live || n_paths == 0) {
		*ret_locks = locks;
		return 0;
	}
	locks.items = calloc(n_paths, sizeof(*locks.items));
	if (!locks.items)
		return problem_set_errno(problem, -ENOMEM, PVE_PATH, "lock");
	locks.n_items = n_paths;
	for (size_t i = 0; i < n_paths; i++)
		locks.items[i] = find_lock(paths[i], i);
	qsort(locks.items, n_paths, sizeof(*locks.items), compare_locks);
	take_all(&locks, timeout_ms);
	*ret_locks = locks;
	return report_all(&locks, ret_failed, problem);
}

void pve_locks_release(struct pve_locks *locks)
{
	if (!locks)
		return;
	for (size_t i = locks->n_items; i > 0; i--)
		release_lock(locks->root, &locks->items[i - 1]);
	free(locks->items);
	*locks = (struct pve_locks){ 0 };
}
