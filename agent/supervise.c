/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/clock.h"

/* Until the child has ended, or the time is up. */
static int wait_for(int pidfd, unsigned int timeout_ms)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	uint64_t deadline = clock_monotonic_ms() + timeout_ms;

	for (;;) {
		uint64_t now = clock_monotonic_ms();
		int n = poll(&ended, 1, now < deadline ? (int)(deadline - now) : 0);

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int collect(pid_t pid, int *ret_status)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_STATUS_FAILED;
	return 0;
}

int supervise(int (*run)(struct invocation *invocation), struct invocation *invocation,
	      unsigned int timeout_ms, int *ret_status)
{
	_cleanup_close_ int pidfd = -1;
	pid_t pid;
	int r;

	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		int status = run(invocation);

		(void)fflush(NULL);
		_exit(status);
	}
	pidfd = pidfd_open(pid, 0);
	r = pidfd < 0 ? -errno : wait_for(pidfd, timeout_ms);
	if (r == 0)
		return collect(pid, ret_status);
	(void)kill(pid, SIGKILL);
	/* What hangs in the kernel does not even end then: not waited for. */
	(void)waitpid(pid, ret_status, WNOHANG);
	return r;
}
