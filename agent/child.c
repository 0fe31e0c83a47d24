/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "agent/clock.h"

/* From SIGKILL until it is given up. */
#define KILL_GRACE_MS 1000

/* All but the standard ones and @keep_fd. Return: 0, or a negative errno. */
static int close_others(int keep_fd)
{
	unsigned int from = STDERR_FILENO + 1, keep = (unsigned int)keep_fd;

	if (keep_fd < (int)from)
		return close_range(from, ~0U, 0) < 0 ? -errno : 0;
	if (keep > from && close_range(from, keep - 1, 0) < 0)
		return -errno;
	return close_range(keep + 1, ~0U, 0) < 0 ? -errno : 0;
}

static int drop_descriptors(int keep_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fd != keep_fd && fd != null_fd && dup2(null_fd, fd) < 0)
			return -errno;
	return close_others(keep_fd);
}

static void run_in_child(const struct child_call *call, void *shared)
{
	if (drop_descriptors(call->keep_fd) < 0)
		_exit(1);
	call->function(call->argument, shared);
	_exit(0);
}

/* Signals are off before there is a child: the first may be sent to it at once. */
static pid_t start(const struct child_call *call, void *shared)
{
	sigset_t all, before;
	pid_t pid;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run_in_child(call, shared);
	if (pid < 0)
		pid = -errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

/* Return: 1 when it has ended, 0 when the time was up, or a negative errno. */
static int wait_for_end(int pidfd, unsigned int limit_ms)
{
	uint64_t deadline = clock_monotonic_ms() + limit_ms, now;
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };
	int n;

	do {
		now = clock_monotonic_ms();
		n = poll(&poll_fd, 1,
			 now < deadline ? (int)MIN_OF(deadline - now, (uint64_t)INT32_MAX) : 0);
	} while ((n < 0 && errno == EINTR) || (n == 0 && clock_monotonic_ms() < deadline));
	return n < 0 ? -errno : n;
}

static int collect(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

/* Waits for a child that was started, and ends it when its time is up. */
static int finish(pid_t pid, unsigned int timeout_ms, pid_t *ret_left_behind)
{
	_cleanup_close_ int pidfd = pidfd_open(pid, 0);
	int r = pidfd < 0 ? -errno : wait_for_end(pidfd, timeout_ms);

	*ret_left_behind = 0;
	if (r > 0)
		return collect(pid);
	(void)kill(pid, SIGKILL);
	if (pidfd < 0 || wait_for_end(pidfd, KILL_GRACE_MS) > 0)
		(void)waitpid(pid, NULL, pidfd < 0 ? WNOHANG : 0);
	else
		*ret_left_behind = pid;
	return r < 0 ? r : -ETIMEDOUT;
}

int child_run(const struct child_call *call, pid_t *ret_left_behind)
{
	void *shared;
	pid_t pid;
	int r;

	shared = mmap(NULL, call->shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		return -errno;
	memcpy(shared, call->shared, call->shared_size);
	pid = start(call, shared);
	r = pid < 0 ? pid : finish(pid, call->timeout_ms, ret_left_behind);
	memcpy(call->shared, shared, call->shared_size);
	(void)munmap(shared, call->shared_size);
	return r;
}
