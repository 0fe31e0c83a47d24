/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt-daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "agent/run-command.h"

/* Locked by the QEMU driver before it reads a domain, in whichever daemon (virPidFileAcquire()). */
#define DRIVER_LOCK "/run/libvirt/qemu/driver.pid"

#define VIRSH            "/usr/bin/virsh"
#define SYSTEM_URI       "qemu:///system"
#define VIRSH_TIMEOUT_MS 20000
#define VIRSH_OUTPUT_MAX 4096

/* Return: the daemon's number, 0 when there is none, -1 when it cannot be seen from here. */
static pid_t find_daemon(const struct root *root)
{
	_cleanup_close_ int fd = -1;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (!root->live)
		return 0;
	fd = root_openat(root, DRIVER_LOCK, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	/* A file that a daemon left behind is not locked. */
	if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid > 0 ? lock.l_pid : -1;
}

bool libvirt_is_running(const struct root *root)
{
	return find_daemon(root) != 0;
}

int libvirt_tell_reload(const struct root *root, struct problem *problem)
{
	pid_t pid = find_daemon(root);

	if (pid == 0)
		return 0;
	if (pid < 0 || kill(pid, SIGHUP) < 0)
		return problem_set_errno(problem, pid < 0 ? -ESRCH : -errno, "libvirt's daemon",
					 "reload");
	return 1;
}

static int run_virsh(const char *const *argv, struct problem *problem)
{
	const struct program program = { argv, VIRSH_TIMEOUT_MS, VIRSH_OUTPUT_MAX };
	_cleanup_(program_result_done) struct program_result result = { 0 };
	int r = run_command(&program, &result, problem);

	return r == 0 ? program_result_check(&program, &result, problem) : r;
}

int libvirt_tell_define(const char *path, struct problem *problem)
{
	const char *const argv[] = { VIRSH, "-q", "-c", SYSTEM_URI, "define", "--", path, NULL };

	return run_virsh(argv, problem);
}

int libvirt_tell_autostart(const char *name, bool on, struct problem *problem)
{
	const char *argv[9] = { VIRSH, "-q", "-c", SYSTEM_URI, "autostart" };
	size_t n = 5;

	if (!on)
		argv[n++] = "--disable";
	argv[n++] = "--";
	argv[n] = name;
	return run_virsh(argv, problem);
}
