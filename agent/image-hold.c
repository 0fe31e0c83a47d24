/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeping others away while an image is built: dpkg, a shutdown, whoever stops the unit. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <systemd/sd-bus.h>

#include "agent/clock.h"
#include "agent/image-private.h"
#include "snapshot/basic/log.h"

#define RETRY_MS 500

#define LOGIND_TIMEOUT_US (5 * 1000000ULL)

/* In the order in which apt and dpkg take them. */
static const char *const dpkg_locks[] = {
	"/var/lib/dpkg/lock-frontend",
	"/var/lib/dpkg/lock",
};

static void pause_ms(long ms)
{
	struct timespec pause = { .tv_nsec = ms * 1000000L };

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

/* Return: 0, -EBUSY, -ECANCELED, or another negative errno. */
static int take(int fd, uint64_t deadline)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	while (fcntl(fd, F_SETLK, &whole) < 0) {
		if (errno != EACCES && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (stop_requested())
			return -ECANCELED;
		if (clock_monotonic_ms() >= deadline)
			return -EBUSY;
		pause_ms(RETRY_MS);
	}
	return 0;
}

void dpkg_lock_release(struct dpkg_lock *lock)
{
	/* The other way round: nobody gets the inner one first. */
	for (size_t i = ARRAY_SIZE(lock->fds); i-- > 0;) {
		close_fdp(&lock->fds[i]);
		lock->fds[i] = -1;
	}
}

int dpkg_lock_take(const struct root *root, unsigned int wait_ms, struct dpkg_lock *ret_lock,
		   struct problem *problem)
{
	struct dpkg_lock lock = DPKG_LOCK_INIT;
	uint64_t deadline = clock_monotonic_ms() + wait_ms;
	struct root_name name;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dpkg_locks) && root_exists(root, "/var/lib/dpkg"); i++) {
		const char *shown = root_show(root, dpkg_locks[i], &name);

		lock.fds[i] = root_openat(root, dpkg_locks[i], O_RDWR | O_CREAT | O_NOFOLLOW, 0640);
		r = lock.fds[i] < 0 ? lock.fds[i] : take(lock.fds[i], deadline);
		if (r == -EBUSY)
			(void)problem_set(problem, r, shown, 0, "held by another program for %u s",
					  wait_ms / 1000);
		else if (r < 0)
			(void)problem_set_errno(problem, r, shown, "lock");
		if (r < 0) {
			dpkg_lock_release(&lock);
			return r;
		}
	}
	*ret_lock = lock;
	return 0;
}

int shutdown_inhibit(void)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	int fd = -1, r;

	r = sd_bus_open_system(&bus);
	if (r >= 0)
		r = sd_bus_set_method_call_timeout(bus, LOGIND_TIMEOUT_US);
	if (r >= 0)
		r = sd_bus_call_method(bus, "org.freedesktop.login1", "/org/freedesktop/login1",
				       "org.freedesktop.login1.Manager", "Inhibit", &error, &reply,
				       "ssss", "shutdown", "hwrecover",
				       "The boot image is being rebuilt", "block");
	if (r >= 0)
		r = sd_bus_message_read(reply, "h", &fd);
	/* It is the message's. */
	if (r >= 0)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (r < 0)
		log_debug("no logind to hold a shutdown off: %s",
			  error.message ? error.message : strerror(-r));
	return fd;
}

static void stop_signals(sigset_t *ret_signals)
{
	(void)sigemptyset(ret_signals);
	(void)sigaddset(ret_signals, SIGTERM);
	(void)sigaddset(ret_signals, SIGINT);
	(void)sigaddset(ret_signals, SIGHUP);
}

void stop_requests_hold(sigset_t *ret_before)
{
	sigset_t signals;

	stop_signals(&signals);
	(void)sigprocmask(SIG_BLOCK, &signals, ret_before);
}

bool stop_requested(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGTERM) > 0 || sigismember(&pending, SIGINT) > 0 ||
		sigismember(&pending, SIGHUP) > 0);
}

void stop_requests_release(const sigset_t *before)
{
	static const struct timespec at_once = { .tv_sec = 0 };
	sigset_t signals;

	stop_signals(&signals);
	while (sigtimedwait(&signals, NULL, &at_once) > 0)
		;
	(void)sigprocmask(SIG_SETMASK, before, NULL);
}
