/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/pve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include "agent/child.h"
#include "recovery/sources/pve.h"
#include "snapshot/basic/log.h"

/* While it waits: an answer that takes longer is none, and the unit is stopped within 5 s. */
#define WAIT_LOOK_TIMEOUT_MS 2000

/* Quorum mostly comes within the first half minute, as the other nodes are found, or much later. */
#define FIRST_TURNS     30
#define FIRST_PAUSE_MS  1000
#define LATER_PAUSE_MS  5000
#define EXTENSION_USEC  60000000ULL
#define NODE_NAME_MAX   64
#define LINK_TARGET_MAX (sizeof("nodes/") + NODE_NAME_MAX)

static const char *const state_names[] = {
	[PVE_ABSENT] = "absent",       [PVE_NOT_MOUNTED] = "not mounted",
	[PVE_HANGS] = "not answering", [PVE_NO_QUORUM] = "without quorum",
	[PVE_WRITABLE] = "writable",
};

/* What the child looks at, and what it finds. */
struct look {
	const struct root *root;
	const char *node;
};

const char *pve_state_to_string(enum pve_state state)
{
	return (size_t)state < ARRAY_SIZE(state_names) ? state_names[state] : "unknown";
}

/* Whether "local" leads to our own node's folder, as it does in no other file system. */
static bool is_ours(int fd, const char *node)
{
	char expected[LINK_TARGET_MAX + 1], target[LINK_TARGET_MAX + 1];
	ssize_t size = readlinkat(fd, "local", target, sizeof(target));
	int n = snprintf(expected, sizeof(expected), "nodes/%s", node);

	return n > 0 && (size_t)n < sizeof(expected) && size == n &&
	       memcmp(target, expected, (size_t)n) == 0;
}

/*
 * The owner's write bit tells of quorum (pve-cluster, cfs_is_quorate in pmxcfs's getattr).
 * access(2) says yes to root whatever it is.
 */
static enum pve_state look_at(const struct look *look)
{
	_cleanup_close_ int fd = root_openat(look->root, PVE_PATH, O_PATH | O_DIRECTORY, 0);
	struct statfs fs;
	struct stat st;

	if (fd < 0 || fstatfs(fd, &fs) < 0 || (unsigned long)fs.f_type != FUSE_SUPER_MAGIC ||
	    !is_ours(fd, look->node) || fstatat(fd, "local", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return PVE_NOT_MOUNTED;
	return st.st_mode & S_IWUSR ? PVE_WRITABLE : PVE_NO_QUORUM;
}

static void look_in_child(const void *argument, void *shared)
{
	*(enum pve_state *)shared = look_at(argument);
}

/* Whether something is mounted there, asked in a way that the file system does not hear of. */
static bool may_be_mounted(int fd)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &stx) < 0)
		return true;
	return !(stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) ||
	       stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

/* As pve_look(); @ret_left_behind is a child that hangs in the kernel, or 0. */
static int look_once(const struct root *root, const char *node, unsigned int timeout_ms,
		     enum pve_state *ret_state, pid_t *ret_left_behind)
{
	/* Finding it asks nothing of the file system that is mounted on it. */
	_cleanup_close_ int fd = root_openat(root, PVE_PATH, O_PATH | O_DIRECTORY, 0);
	const struct look look = { root, node };
	enum pve_state state = PVE_NOT_MOUNTED;
	struct child_call call = {
		.function = look_in_child,
		.argument = &look,
		.shared = &state,
		.shared_size = sizeof(state),
		.keep_fd = root->fd,
		.timeout_ms = timeout_ms,
	};
	int r;

	*ret_left_behind = 0;
	if (fd < 0 && fd != -ENOENT && fd != -ENOTDIR)
		return fd;
	if (fd < 0)
		state = PVE_ABSENT;
	else if (!root->live)
		state = PVE_WRITABLE;
	else if (may_be_mounted(fd)) {
		r = child_run(&call, ret_left_behind);
		if (r < 0 && r != -ETIMEDOUT)
			return r;
		if (r == -ETIMEDOUT)
			state = PVE_HANGS;
	}
	*ret_state = state;
	return 0;
}

int pve_look(const struct root *root, const char *node, unsigned int timeout_ms,
	     enum pve_state *ret_state)
{
	pid_t left_behind;

	return look_once(root, node, timeout_ms, ret_state, &left_behind);
}

/**
 * struct vigil - Waiting for quorum
 * @signal_fd: readable when we are told to end
 * @hanging:   a child that could not even be killed, or 0: there is never a second one
 */
struct vigil {
	int signal_fd;
	pid_t hanging;
	sigset_t mask_before;
};

static int vigil_begin(struct vigil *vigil)
{
	sigset_t ends;
	int r;

	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	if (sigprocmask(SIG_BLOCK, &ends, &vigil->mask_before) < 0)
		return -errno;
	vigil->signal_fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	if (vigil->signal_fd >= 0)
		return 0;
	r = -errno;
	(void)sigprocmask(SIG_SETMASK, &vigil->mask_before, NULL);
	return r;
}

static void vigil_end(struct vigil *vigil)
{
	(void)close(vigil->signal_fd);
	(void)sigprocmask(SIG_SETMASK, &vigil->mask_before, NULL);
}

/* Return: 0 when the time is over, -ECANCELED when we are to end, or another negative errno. */
static int vigil_pause(const struct vigil *vigil, int pause_ms)
{
	struct pollfd poll_fd = { .fd = vigil->signal_fd, .events = POLLIN };
	struct signalfd_siginfo info;
	int n = poll(&poll_fd, 1, pause_ms);

	if (n == 0 || (n < 0 && errno == EINTR))
		return 0;
	if (n < 0)
		return -errno;
	/* It has done what it was sent for: it must not end us once more when it is let through. */
	(void)!read(vigil->signal_fd, &info, sizeof(info));
	return -ECANCELED;
}

static int vigil_look(struct vigil *vigil, const struct root *root, const char *node,
		      enum pve_state *ret_state)
{
	if (vigil->hanging > 0 && waitpid(vigil->hanging, NULL, WNOHANG) == 0) {
		*ret_state = PVE_HANGS;
		return 0;
	}
	return look_once(root, node, WAIT_LOOK_TIMEOUT_MS, ret_state, &vigil->hanging);
}

static void tell_manager(enum pve_state state)
{
	(void)sd_notifyf(0,
			 "EXTEND_TIMEOUT_USEC=%llu\n"
			 "STATUS=Waiting for the cluster's quorum: " PVE_PATH " is %s",
			 EXTENSION_USEC, pve_state_to_string(state));
}

static int keep_vigil(struct vigil *vigil, const struct root *root, const char *node)
{
	enum pve_state state = PVE_NOT_MOUNTED;
	int r;

	for (unsigned int turn = 0;; turn += turn < FIRST_TURNS) {
		r = vigil_look(vigil, root, node, &state);
		if (r == 0 && state == PVE_ABSENT)
			r = -ENOENT;
		if (r < 0 || state == PVE_WRITABLE)
			break;
		if (turn == 0)
			log_warning(PVE_PATH " is %s: waiting for the cluster's quorum before "
					     "guests may start",
				    pve_state_to_string(state));
		tell_manager(state);
		r = vigil_pause(vigil, turn < FIRST_TURNS ? FIRST_PAUSE_MS : LATER_PAUSE_MS);
		if (r < 0)
			break;
	}
	return r;
}

int pve_wait_for_quorum(const struct root *root, const char *node)
{
	struct vigil vigil = { .signal_fd = -1 };
	enum pve_state state;
	int r;

	r = look_once(root, node, WAIT_LOOK_TIMEOUT_MS, &state, &vigil.hanging);
	if (r < 0)
		return r;
	if (state == PVE_ABSENT || state == PVE_WRITABLE)
		return state == PVE_ABSENT ? -ENOENT : 0;
	r = vigil_begin(&vigil);
	if (r < 0)
		return r;
	r = keep_vigil(&vigil, root, node);
	vigil_end(&vigil);
	return r < 0 ? r : 1;
}

const char *pve_node(struct utsname *names)
{
	names->nodename[strcspn(names->nodename, ".")] = '\0';
	return names->nodename;
}
