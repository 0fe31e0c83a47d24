/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "agent/clock.h"
#include "snapshot/basic/buffer.h"
#include "snapshot/basic/number.h"

#define RUNTIME_PATH "/run/hwrecover"
#define LOCK_NAME    "lock"
#define LOCK_PATH    RUNTIME_PATH "/" LOCK_NAME

/*
 * Only its owner may open it: whoever can read a file can flock(2) it, and so keep the boot stages
 * from their work.
 */
#define LOCK_MODE 0600

/* Longest text in the file: "PID HOLDER\n". */
#define HOLDER_MAX 80

#define RETRY_MS 50

static int open_lock(int dir_fd)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = openat(dir_fd, LOCK_NAME,
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, LOCK_MODE);
	if (fd < 0)
		return errno == EISDIR || errno == ENXIO ? -ENOTSUP : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	/* It is written to: that must not reach a file of another name. */
	if (st.st_nlink > 1)
		return -EMLINK;
	return TAKE_FD(fd);
}

/* Return: 0, -EBUSY, or another negative errno. */
static int take(int fd, unsigned int wait_ms)
{
	static const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
	uint64_t deadline = clock_monotonic_ms() + wait_ms;

	/* flock(2) cannot be given a limit, and a timer's signal could come before it is called. */
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (clock_monotonic_ms() >= deadline)
			return -EBUSY;
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	return 0;
}

static bool is_printable(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < ' ' || text.data[i] > '~')
			return false;
	return text.size > 0;
}

/* Who holds the lock, in words. The text is the holder's, who may be about to write it. */
static void say_holder(int fd, struct buffer *words)
{
	char text[HOLDER_MAX];
	ssize_t size = pread(fd, text, sizeof(text), 0);
	struct bytes all = bytes_make(text, size > 0 ? (size_t)size : 0);
	const char *end = memchr(text, '\n', all.size), *blank;
	uint64_t pid;

	if (end)
		all.size = (size_t)(end - text);
	blank = memchr(text, ' ', all.size);
	if (end && blank && is_printable(all) &&
	    number_parse(bytes_make(text, (size_t)(blank - text)), 10, INT32_MAX, &pid) == 0)
		buffer_appendf(words, "held by %.*s (pid %u)", (int)(end - blank - 1), blank + 1,
			       (unsigned int)pid);
	else
		buffer_append_text(words, "held by another hwrecover");
}

static int problem_set_busy(const char *file, int fd, struct problem *problem)
{
	struct buffer words = { 0 };

	say_holder(fd, &words);
	(void)problem_set(problem, -EBUSY, file, 0, "%s", words.failed ? "held" : words.data);
	buffer_done(&words);
	return -EBUSY;
}

static int problem_set_lock(const char *file, int error, struct problem *problem)
{
	switch (error) {
	case -ELOOP:
		return problem_set(problem, error, file, 0, "is a symbolic link");
	case -EMLINK:
		return problem_set(problem, error, file, 0, "has a second hard link");
	case -ENOTSUP:
		return problem_set(problem, error, file, 0, "is not an ordinary file");
	default:
		return problem_set_errno(problem, error, file, "lock");
	}
}

/* For people: a lock without it is as good, so a full /run does not matter. */
static void write_holder(int fd, const char *holder)
{
	char text[HOLDER_MAX];
	int size = snprintf(text, sizeof(text), "%d %s\n", (int)getpid(), holder);

	if (ftruncate(fd, 0) == 0 && size > 0 && (size_t)size < sizeof(text))
		(void)!pwrite(fd, text, (size_t)size, 0);
}

int lock_take(const struct root *root, const char *holder, unsigned int wait_ms,
	      struct lock *ret_lock, struct problem *problem)
{
	_cleanup_close_ int dir_fd = -1, fd = -1;
	struct root_name name;
	int r;

	dir_fd = root_open_directory(root, RUNTIME_PATH, 0755);
	if (dir_fd < 0)
		return problem_set_errno(problem, dir_fd, root_show(root, RUNTIME_PATH, &name),
					 "open");
	fd = open_lock(dir_fd);
	r = fd < 0 ? fd : take(fd, wait_ms);
	if (r == -EBUSY)
		return problem_set_busy(root_show(root, LOCK_PATH, &name), fd, problem);
	if (r < 0)
		return problem_set_lock(root_show(root, LOCK_PATH, &name), r, problem);

	write_holder(fd, holder);
	ret_lock->fd = TAKE_FD(fd);
	return 0;
}

void lock_release(struct lock *lock)
{
	if (!lock || lock->fd < 0)
		return;
	/* Before it is let go: afterwards the file may already be another's. */
	(void)!ftruncate(lock->fd, 0);
	(void)close(lock->fd);
	lock->fd = -1;
}
