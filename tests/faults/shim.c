/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes one system call of a program go wrong (LD_PRELOAD). Counted are the calls that change
 * something on disk: creating, writing, syncing, renaming, linking, removing, changing owner, mode,
 * attributes or size, and closing.
 *
 *   FAULT_AT=N    the N-th of them, counted from 1
 *   FAULT_HOW=    kill     the process is killed before it
 *                 torn     the N-th write is done by half, then the process is killed
 *                 short    the N-th write is done by half
 *                 ENOSPC, EIO, EROFS, EDQUOT, EINTR, EPERM, ENOMEM, EACCES   it fails so, once
 *   FAULT_HIT=    a file that is made when the call is reached, and is given its name
 *   FAULT_SKIP=   names of calls that are not counted, separated by commas
 *
 * What the program itself runs is left in peace. Not for programs with AddressSanitizer, which
 * has wrappers of its own.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

enum how {
	HOW_NOTHING,
	HOW_KILL,
	HOW_TORN,
	HOW_SHORT,
	HOW_FAIL
};

static enum how how;
static int error_number;
static long countdown;
static const char *hit;
static const char *skip;

static const struct {
	const char *name;
	int number;
} error_names[] = {
	{ "ENOSPC", ENOSPC }, { "EIO", EIO },     { "EROFS", EROFS },   { "EDQUOT", EDQUOT },
	{ "EINTR", EINTR },   { "EPERM", EPERM }, { "ENOMEM", ENOMEM }, { "EACCES", EACCES },
};

static char *take_environment(const char *name)
{
	const char *value = getenv(name);
	char *copy = value ? strdup(value) : NULL;

	(void)unsetenv(name);
	return copy;
}

static void set_how(const char *name)
{
	if (strcmp(name, "kill") == 0)
		how = HOW_KILL;
	else if (strcmp(name, "torn") == 0)
		how = HOW_TORN;
	else if (strcmp(name, "short") == 0)
		how = HOW_SHORT;
	for (size_t i = 0; i < sizeof(error_names) / sizeof(error_names[0]); i++) {
		if (strcmp(name, error_names[i].name) != 0)
			continue;
		how = HOW_FAIL;
		error_number = error_names[i].number;
	}
}

/* The environment is cleared, so that programs started from here are not hit as well. */
__attribute__((constructor)) static void begin(void)
{
	char *at = take_environment("FAULT_AT"), *name = take_environment("FAULT_HOW");

	hit = take_environment("FAULT_HIT");
	skip = take_environment("FAULT_SKIP");
	(void)unsetenv("LD_PRELOAD");
	for (const char *c = at; c && *c >= '0' && *c <= '9'; c++)
		countdown = countdown * 10 + (*c - '0');
	if (name && countdown > 0)
		set_how(name);
	free(at);
	free(name);
}

static bool is_skipped(const char *call)
{
	size_t size = strlen(call);

	for (const char *at = skip; at && (at = strstr(at, call)); at += size)
		if ((at == skip || at[-1] == ',') && (at[size] == ',' || at[size] == '\0'))
			return true;
	return false;
}

/* Returns false if there was a hit before, in a child that counted on its own. */
static bool say_hit(const char *call)
{
	long fd;

	if (!hit)
		return true;
	fd = syscall(SYS_openat, AT_FDCWD, hit, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno != EEXIST;
	(void)syscall(SYS_write, fd, call, strlen(call));
	(void)syscall(SYS_close, fd);
	return true;
}

static void die(void)
{
	(void)syscall(SYS_kill, getpid(), SIGKILL);
}

/* Whether it is this call's turn. */
static bool is_turn(const char *call)
{
	if (how == HOW_NOTHING || is_skipped(call))
		return false;
	if (__atomic_sub_fetch(&countdown, 1, __ATOMIC_SEQ_CST) != 0)
		return false;
	return say_hit(call);
}

/* For calls that are done whole or not at all. True if it shall fail; errno is set. */
static bool goes_wrong(const char *call)
{
	if (how == HOW_TORN || how == HOW_SHORT || !is_turn(call))
		return false;
	if (how == HOW_KILL)
		die();
	errno = error_number;
	return true;
}

/* The C library's own function of this name. */
#define REAL(name)                                                    \
	({                                                            \
		static __typeof__(name) *real;                        \
		void *symbol = real ? NULL : dlsym(RTLD_NEXT, #name); \
		if (symbol)                                           \
			memcpy(&real, &symbol, sizeof(real));         \
		real;                                                 \
	})

/* How many bytes of a write are done; -1 for none, it fails. */
static ssize_t size_of_write(int fd, size_t size, const char *call, bool *ret_die)
{
	*ret_die = false;
	if (fd <= STDERR_FILENO || !is_turn(call))
		return (ssize_t)size;
	switch (how) {
	case HOW_KILL:
		die();
		return -1;
	case HOW_TORN:
		*ret_die = true;
		return (ssize_t)(size / 2);
	case HOW_SHORT:
		return (ssize_t)(size > 1 ? size / 2 : size);
	default:
		errno = error_number;
		return -1;
	}
}

ssize_t write(int fd, const void *data, size_t size)
{
	bool dies;
	ssize_t wanted = size_of_write(fd, size, "write", &dies);
	ssize_t n;

	if (wanted < 0)
		return -1;
	n = REAL(write)(fd, data, (size_t)wanted);
	if (dies)
		die();
	return n;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	bool dies;
	ssize_t wanted = size_of_write(fd, size, "pwrite", &dies);
	ssize_t n;

	if (wanted < 0)
		return -1;
	n = REAL(pwrite)(fd, data, (size_t)wanted, offset);
	if (dies)
		die();
	return n;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
	return pwrite(fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int n_parts)
{
	if (fd > STDERR_FILENO && goes_wrong("writev"))
		return -1;
	return REAL(writev)(fd, parts, n_parts);
}

/* The mode argument of the open family; there is one only when a file may be made. */
static mode_t take_mode(int flags, va_list arguments)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

#define DEFINE_OPEN(name)                                  \
	int name(const char *path, int flags, ...)         \
	{                                                  \
		va_list arguments;                         \
		mode_t mode;                               \
                                                           \
		va_start(arguments, flags);                \
		mode = take_mode(flags, arguments);        \
		va_end(arguments);                         \
		if (flags & O_CREAT && goes_wrong("open")) \
			return -1;                         \
		return REAL(name)(path, flags, mode);      \
	}
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

#define DEFINE_OPENAT(name)                                    \
	int name(int dir_fd, const char *path, int flags, ...) \
	{                                                      \
		va_list arguments;                             \
		mode_t mode;                                   \
                                                               \
		va_start(arguments, flags);                    \
		mode = take_mode(flags, arguments);            \
		va_end(arguments);                             \
		if (flags & O_CREAT && goes_wrong("openat"))   \
			return -1;                             \
		return REAL(name)(dir_fd, path, flags, mode);  \
	}
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

/* openat2(2) and what else has no wrapper in the C library. */
long syscall(long number, ...)
{
	static long (*real)(long number, ...);
	long a[6];
	va_list arguments;

	va_start(arguments, number);
	for (size_t i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number == SYS_openat2) {
		const struct open_how *open_how = (const struct open_how *)a[2];

		if (open_how->flags & O_CREAT && goes_wrong("openat2"))
			return -1;
	}
	if (!real) {
		void *symbol = dlsym(RTLD_NEXT, "syscall");

		memcpy(&real, &symbol, sizeof(real));
	}
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* The descriptor is closed also when closing says that something went wrong (close(2)). */
int close(int fd)
{
	bool wrong = fd > STDERR_FILENO && goes_wrong("close");
	int r = REAL(close)(fd);

	if (wrong) {
		errno = error_number;
		return -1;
	}
	return r;
}

#define DEFINE_CALL(name, parameters, ...)      \
	int name parameters                     \
	{                                       \
		if (goes_wrong(#name))          \
			return -1;              \
		return REAL(name)(__VA_ARGS__); \
	}
DEFINE_CALL(fsync, (int fd), fd)
DEFINE_CALL(fdatasync, (int fd), fd)
DEFINE_CALL(syncfs, (int fd), fd)
DEFINE_CALL(rename, (const char *from, const char *to), from, to)
DEFINE_CALL(renameat, (int from_fd, const char *from, int to_fd, const char *to), from_fd, from,
	    to_fd, to)
DEFINE_CALL(renameat2,
	    (int from_fd, const char *from, int to_fd, const char *to, unsigned int flags), from_fd,
	    from, to_fd, to, flags)
DEFINE_CALL(link, (const char *from, const char *to), from, to)
DEFINE_CALL(linkat, (int from_fd, const char *from, int to_fd, const char *to, int flags), from_fd,
	    from, to_fd, to, flags)
DEFINE_CALL(symlink, (const char *target, const char *path), target, path)
DEFINE_CALL(symlinkat, (const char *target, int dir_fd, const char *path), target, dir_fd, path)
DEFINE_CALL(unlink, (const char *path), path)
DEFINE_CALL(unlinkat, (int dir_fd, const char *path, int flags), dir_fd, path, flags)
DEFINE_CALL(mkdir, (const char *path, mode_t mode), path, mode)
DEFINE_CALL(mkdirat, (int dir_fd, const char *path, mode_t mode), dir_fd, path, mode)
DEFINE_CALL(rmdir, (const char *path), path)
DEFINE_CALL(fchmod, (int fd, mode_t mode), fd, mode)
DEFINE_CALL(fchmodat, (int dir_fd, const char *path, mode_t mode, int flags), dir_fd, path, mode,
	    flags)
DEFINE_CALL(fchown, (int fd, uid_t uid, gid_t gid), fd, uid, gid)
DEFINE_CALL(fchownat, (int dir_fd, const char *path, uid_t uid, gid_t gid, int flags), dir_fd, path,
	    uid, gid, flags)
DEFINE_CALL(fsetxattr, (int fd, const char *name, const void *value, size_t size, int flags), fd,
	    name, value, size, flags)
DEFINE_CALL(fremovexattr, (int fd, const char *name), fd, name)
DEFINE_CALL(ftruncate, (int fd, off_t size), fd, size)
DEFINE_CALL(ftruncate64, (int fd, off64_t size), fd, size)
