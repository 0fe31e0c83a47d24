/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usage: pmxcfs-rules MOUNT ELSEWHERE CONTROL COUNT
 *
 * Whether the file system at MOUNT, with the store that `pve-tree STORE pve1 pve2` makes, does to
 * each system call what Proxmox's does. ELSEWHERE is a directory of another one; CONTROL and COUNT
 * are those of pmxcfs-double.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "snapshot/basic/macro.h"

#define FUSE_MAGIC 0x65735546
#define WWW_DATA   33
#define MIB        (1 << 20)

/* The kernel may answer from what it knew a second ago. */
#define CACHE_MS 1100

#define GUESTS "nodes/pve1/qemu-server/"

static const char *elsewhere, *control_path, *count_path;
static unsigned int n_passed, n_failed;

/* Aligned: what bypasses the page cache is split by pages, and what crosses 1 MiB fails whole. */
static _Alignas(4096) char block[2 * MIB];

static void report(bool passed, const char *what, int error)
{
	passed ? n_passed++ : n_failed++;
	(void)printf("%s %s", passed ? "ok" : "not ok", what);
	(void)(passed ? putchar('\n') : printf(" (%s)\n", strerror(error)));
	(void)fflush(stdout);
}

static void holds(bool condition, const char *what)
{
	report(condition, what, 0);
}

/* @result is that of a system call, @wanted its errno, or 0. */
static void gives(long long result, int wanted, const char *what)
{
	int error = result < 0 ? errno : 0;

	report(error == wanted, what, error);
}

static void set_control(const char *word)
{
	FILE *file = fopen(control_path, "we");

	if (!file || fputs(word, file) == EOF || fclose(file) != 0) {
		perror(control_path);
		exit(1);
	}
}

static int open_new(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

/* A file with one byte, made anew. */
static void make(const char *path)
{
	_cleanup_close_ int fd = -1;

	(void)unlink(path);
	fd = open_new(path);
	if (fd < 0 || write(fd, "x", 1) != 1)
		perror(path);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? 0 : st.st_mode;
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : st.st_size;
}

static bool contains(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char found[16384];
	ssize_t n = fd < 0 ? -1 : read(fd, found, sizeof(found) - 1);

	if (n < 0)
		return false;
	found[n] = '\0';
	return strstr(found, text) != NULL;
}

/* How many names in @path begin with @start; -1: a name that begins so ends otherwise. */
static int count_hidden(const char *path)
{
	static const char start[] = ".fuse_hidden";
	DIR *directory = opendir(path);
	const struct dirent *entry;
	int n = 0;

	while (directory && (entry = readdir(directory)))
		if (strncmp(entry->d_name, start, strlen(start)) == 0) {
			const char *rest = entry->d_name + strlen(start);

			n = n < 0 || strspn(rest, "0123456789abcdef") != 16 || rest[16] ? -1
											: n + 1;
		}
	if (directory)
		(void)closedir(directory);
	return n;
}

static void is_such_a_file_system(void)
{
	struct statfs st;
	struct statvfs flags;

	gives(statfs(".", &st), 0, "statfs");
	holds(st.f_type == FUSE_MAGIC && st.f_namelen == 256, "FUSE, names of 256 bytes");
	holds(st.f_blocks == 32768 && st.f_bsize == 4096 && st.f_files == 262144, "128 MiB, 256k");
	gives(statvfs(".", &flags), 0, "statvfs");
	holds((flags.f_flag & ST_NOSUID) && (flags.f_flag & ST_NODEV), "nosuid, nodev");
}

static void links_to(const char *name, const char *wanted)
{
	char target[4096];
	ssize_t n = readlink(name, target, sizeof(target));

	holds(n == (ssize_t)strlen(wanted) && memcmp(target, wanted, (size_t)n) == 0, name);
	gives(unlink(name), EACCES, "unlink of that link");
	gives(rename(name, "moved"), EACCES, "rename of that link");
}

static void has_virtual_entries(void)
{
	static const char *const names[] = { ".version", ".members",    ".vmlist",
					     ".rrd",     ".clusterlog", ".debug" };

	links_to("local", "nodes/pve1");
	links_to("qemu-server", "nodes/pve1/qemu-server");
	links_to("lxc", "nodes/pve1/lxc");
	links_to("openvz", "nodes/pve1/openvz");
	holds(mode_of("local") & 0200, "quorum: local has its 0200");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		holds(mode_of(names[i]) == (S_IFREG | (i == 5 ? 0640 : 0440)), names[i]);
		gives(unlink(names[i]), EACCES, "unlink of that file");
		gives(rename("datacenter.cfg", names[i]), EACCES, "rename over that file");
	}
	holds(contains(".members", "\"nodename\": \"pve1\""), ".members has the node");
	holds(contains(".members", "\"quorate\": 1"), ".members is quorate");
	holds(contains(".members", "\"pve2\": {"), ".members has the other node");
	holds(contains(".vmlist", "\"101\": { \"node\": \"pve1\", \"type\": \"qemu\""), "a guest");
	holds(contains(".vmlist", "\"105\": { \"node\": \"pve1\", \"type\": \"lxc\""),
	      "a container");
}

static void modes_are_of_the_path(void)
{
	_cleanup_close_ int fd = open("new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0777);
	_cleanup_close_ int private = -1;
	struct stat st;

	gives(fd, 0, "O_CREAT|O_EXCL|O_WRONLY");
	gives(open_new("new"), EEXIST, "the same once more");
	gives(fstat(fd, &st), 0, "fstat");
	holds(st.st_mode == (S_IFREG | 0640) && st.st_uid == 0 && st.st_gid == WWW_DATA,
	      "0640 root:www-data whatever open says");
	gives(fchmod(fd, 0640), 0, "fchmod 0640");
	gives(fchmod(fd, 0600), EPERM, "fchmod 0600");
	gives(fchmod(fd, 0644), EPERM, "fchmod 0644");
	gives(fchmod(fd, 0660), EPERM, "fchmod 0660");
	gives(fchmod(fd, 0400), EPERM, "fchmod 0400");
	gives(fchown(fd, 0, WWW_DATA), 0, "fchown 0:33");
	gives(fchown(fd, (uid_t)-1, (gid_t)-1), 0, "fchown -1:-1");
	gives(fchown(fd, (uid_t)-1, WWW_DATA), 0, "fchown -1:33");
	gives(fchown(fd, 0, (gid_t)-1), 0, "fchown 0:-1");
	gives(fchown(fd, 0, 0), EPERM, "fchown 0:0");
	gives(fchown(fd, 1000, WWW_DATA), EPERM, "fchown 1000:33");
	private = open_new("priv/new");
	gives(private, 0, "a file in priv");
	holds(mode_of("priv/new") == (S_IFREG | 0600), "is 0600");
	gives(fchmod(private, 0600), 0, "priv/: fchmod 0600");
	gives(fchmod(private, 0640), EPERM, "priv/: fchmod 0640");
	holds(mode_of("nodes/pve2/priv") == (S_IFDIR | 0700), "nodes/*/priv is 0700");
	gives(mkdir("directory", 0700), 0, "mkdir");
	holds(mode_of("directory") == (S_IFDIR | 0755), "a directory is 0755 whatever mkdir says");
	gives(chmod("directory", 0755), EPERM, "chmod of a directory 0755");
	gives(chmod("directory", 0750), EPERM, "chmod of a directory 0750");
	gives(chmod("directory", 0640), 0, "chmod of a directory 0640");
	holds(mode_of("directory") == (S_IFDIR | 0755), "does nothing");
	gives(rmdir("directory"), 0, "rmdir");
	gives(unlink("priv/new"), 0, "unlink in priv");
}

static void writes(void)
{
	_cleanup_close_ int fd = open("new", O_RDWR | O_APPEND | O_SYNC | O_CLOEXEC);
	_cleanup_close_ int direct = open("new", O_RDONLY | O_DIRECT | O_CLOEXEC);
	_cleanup_close_ int top = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	void *aligned = NULL;

	gives(write(fd, "abc", 3), 0, "write, O_APPEND, O_SYNC");
	gives(write(fd, "def", 3), 0, "and more");
	holds(contains("new", "abcdef"), "is there");
	gives(fcntl(fd, F_SETFL, 0), 0, "F_SETFL");
	gives(pwrite(fd, "X", 1, 1), 0, "pwrite");
	holds(contains("new", "aXcdef"), "is there");
	holds(posix_memalign(&aligned, 4096, 4096) == 0 && read(direct, aligned, 4096) == 6,
	      "O_DIRECT read");
	free(aligned);
	gives(fsync(fd), 0, "fsync");
	gives(fdatasync(fd), 0, "fdatasync");
	gives(fsync(top), 0, "fsync of a directory");
	gives(syncfs(top), 0, "syncfs");
	gives(ftruncate(fd, MIB), 0, "ftruncate to 1 MiB");
	gives(ftruncate(fd, MIB + 1), EFBIG, "ftruncate to more");
	gives(ftruncate(fd, 2), 0, "ftruncate to 2");
	errno = posix_fallocate(fd, 0, 8192);
	gives(errno ? -1 : 0, 0, "posix_fallocate");
	holds(size_of("new") == 8192 && contains("new", "aX"), "made it longer");
	gives(open("new", O_WRONLY | O_TRUNC | O_CLOEXEC), 0, "O_TRUNC");
	holds(size_of("new") == 0, "made it empty");
}

static void files_have_1_mib(int open_flags, const char *what)
{
	_cleanup_close_ int fd = open("large", O_WRONLY | open_flags | O_CLOEXEC, 0640);

	memset(block, 'x', sizeof(block));
	holds(write(fd, block, sizeof(block)) == MIB, what);
	gives(write(fd, "x", 1), EFBIG, "then EFBIG");
	holds(size_of("large") == MIB, "and 1 MiB are there");
	gives(pwrite(fd, "x", 1, (off_t)1 << 62), EFBIG, "pwrite far behind");
	gives(ftruncate(fd, 0), 0, "ftruncate");
}

static void cannot_do(void)
{
	_cleanup_close_ int fd = open("new", O_RDWR | O_CLOEXEC);
	char value[16];

	gives(open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), EOPNOTSUPP, "O_TMPFILE");
	gives(link("new", "link"), EPERM, "link");
	gives(symlink("new", "link"), ENOSYS, "symlink");
	gives(mkfifo("link", 0600), ENOSYS, "mkfifo");
	gives(mknod("regular", S_IFREG | 0600, 0), 0, "mknod of a regular file");
	gives(unlink("regular"), 0, "unlink");
	gives(fsetxattr(fd, "user.x", "1", 1, 0), EOPNOTSUPP, "setxattr");
	gives(fgetxattr(fd, "user.x", value, sizeof(value)), EOPNOTSUPP, "getxattr");
	gives(flistxattr(fd, value, sizeof(value)), EOPNOTSUPP, "listxattr");
	gives(fcntl(fd, F_SETLEASE, F_RDLCK), EAGAIN, "F_SETLEASE");
}

static void maps_and_copies(void)
{
	_cleanup_close_ int fd = open("new", O_RDWR | O_CLOEXEC);
	_cleanup_close_ int other =
		openat(AT_FDCWD, elsewhere, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	char path[4096];
	void *memory;

	gives(write(other, "other", 5), 0, "a file elsewhere");
	gives(write(fd, "here", 4), 0, "a file here");
	memory = mmap(NULL, 4, PROT_READ, MAP_PRIVATE, fd, 0);
	gives(memory == MAP_FAILED ? -1 : 0, 0, "mmap MAP_PRIVATE");
	if (memory != MAP_FAILED)
		(void)munmap(memory, 4);
	memory = mmap(NULL, 4, PROT_READ, MAP_SHARED, fd, 0);
	gives(memory == MAP_FAILED ? -1 : 0, ENODEV, "mmap MAP_SHARED");
	gives(copy_file_range(other, &(off_t){ 0 }, fd, NULL, 5, 0), EXDEV, "copy_file_range");
	gives(ioctl(fd, FICLONE, other), EXDEV, "FICLONE");
	gives(sendfile(fd, other, &(off_t){ 0 }, 5), 0, "sendfile");
	holds(contains("new", "hereother"), "is there");
	(void)snprintf(path, sizeof(path), "%s/elsewhere", elsewhere);
	make(path);
	gives(rename(path, "elsewhere"), EXDEV, "rename from elsewhere");
	gives(link(path, "elsewhere"), EXDEV, "link from elsewhere");
	gives(unlink(path), 0, "unlink elsewhere");
}

static int rename_with(const char *from, const char *to, unsigned int flags)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void renames(void)
{
	_cleanup_close_ int fd = -1;

	make("a");
	make("b");
	gives(rename_with("a", "c", RENAME_NOREPLACE), EINVAL, "NOREPLACE, target absent");
	gives(rename_with("a", "b", RENAME_NOREPLACE), EEXIST, "NOREPLACE, target exists");
	gives(rename_with("a", "b", RENAME_EXCHANGE), EINVAL, "EXCHANGE");
	gives(rename_with("a", "b", RENAME_WHITEOUT), EINVAL, "WHITEOUT");
	gives(rename_with("a", "c", 0), 0, "renameat2 without flags");
	gives(rename("c", "c"), 0, "rename to itself");
	fd = open_new("temporary");
	gives(write(fd, "new", 3), 0, "write to a temporary file");
	gives(rename("temporary", "b"), 0, "rename over, with it open");
	gives(write(fd, "er", 2), 0, "write through the old descriptor");
	holds(contains("b", "newer"), "goes to the new name");
	gives(unlink("b"), 0, "unlink");
	gives(unlink("c"), 0, "unlink");
	gives(mkdir("full", 0755), 0, "mkdir");
	gives(mkdir("empty", 0755), 0, "mkdir");
	make("full/file");
	gives(rename("full", "moved"), ENOTEMPTY, "rename of a directory with something in it");
	gives(rename("empty", "full"), ENOTEMPTY, "rename over one");
	gives(rmdir("full"), ENOTEMPTY, "rmdir of one");
	gives(rename("empty", "moved"), 0, "rename of an empty one");
	gives(unlink("full/file"), 0, "unlink");
	gives(rmdir("full"), 0, "rmdir");
	gives(rmdir("moved"), 0, "rmdir");
}

static void open_files_are_hidden(void)
{
	_cleanup_close_ int fd = -1;
	char byte;

	make("open");
	make("temporary");
	fd = open("open", O_RDONLY | O_CLOEXEC);
	gives(rename("temporary", "open"), 0, "rename over what is open");
	holds(count_hidden(".") == 1, "leaves .fuse_hidden and 16 digits");
	holds(read(fd, &byte, 1) == 1 && byte == 'x', "which can be read");
	close_fdp(&fd);
	fd = -1;
	/* It goes after close() returned. */
	for (int i = 0; i < 100 && count_hidden(".") != 0; i++)
		(void)poll(NULL, 0, 20);
	holds(count_hidden(".") == 0, "until it is closed");
	gives(unlink("open"), 0, "unlink");
}

static void names_are_free(void)
{
	char long_name[257];
	const char *names[] = { ".x", "a b", "\xc3\xa4", "\xff", "a\nb", "*", ":", long_name };

	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[256] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		make(names[i]);
		holds(size_of(names[i]) == 1, "an odd name");
		gives(unlink(names[i]), 0, "can be removed");
	}
	long_name[255] = '\0';
	make(long_name);
	gives(unlink(long_name), 0, "255 bytes");
}

static int open_how(const char *path, uint64_t resolve)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC, .resolve = resolve };

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static void resolves(void)
{
	static const char path[] = GUESTS "101.conf";

	gives(open_how(path, RESOLVE_BENEATH), 0, "openat2 BENEATH");
	gives(open_how(path, RESOLVE_NO_SYMLINKS), 0, "openat2 NO_SYMLINKS");
	gives(open_how(path, RESOLVE_NO_XDEV), 0, "openat2 NO_XDEV");
	gives(open_how(path, RESOLVE_CACHED), 0, "openat2 CACHED");
	gives(open_how("qemu-server/101.conf", RESOLVE_BENEATH), 0, "through a link");
	gives(open_how("qemu-server/101.conf", RESOLVE_NO_SYMLINKS), ELOOP, "not with NO_SYMLINKS");
}

static void locks_are_local(void)
{
	_cleanup_close_ int fd = open("new", O_RDWR | O_CLOEXEC);
	_cleanup_close_ int second = open("new", O_RDWR | O_CLOEXEC);
	_cleanup_close_ int directory = open("nodes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	gives(flock(fd, LOCK_EX | LOCK_NB), 0, "flock");
	gives(flock(second, LOCK_EX | LOCK_NB), EAGAIN, "flock of what is locked");
	gives(flock(directory, LOCK_EX | LOCK_NB), 0, "flock of a directory");
	gives(fcntl(fd, F_OFD_SETLK, &range), 0, "OFD lock");
	gives(fcntl(second, F_OFD_SETLK, &range), EAGAIN, "OFD lock of what is locked");
}

static void times_are_seconds(void)
{
	_cleanup_close_ int fd = open("new", O_RDWR | O_CLOEXEC);
	struct timespec times[] = { { 1000, 999 }, { 2000, 999999999 } };
	struct timespec omit[] = { { 1, 0 }, { 0, UTIME_OMIT } };
	struct statx extended;
	struct stat st;

	gives(utimensat(AT_FDCWD, "new", times, 0), 0, "utimensat");
	gives(fstat(fd, &st), 0, "fstat");
	holds(st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 0, "whole seconds");
	gives(futimens(fd, omit), 0, "futimens with UTIME_OMIT");
	(void)poll(NULL, 0, CACHE_MS);
	gives(fstat(fd, &st), 0, "fstat");
	holds(st.st_mtim.tv_sec == 2000, "changes nothing");
	gives(statx(AT_FDCWD, "new", 0, STATX_ALL, &extended), 0, "statx");
	holds(!(extended.stx_mask & STATX_BTIME), "knows no time of birth");
}

static void guests_have_ids(void)
{
	gives(open_new("nodes/pve2/qemu-server/101.conf"), EEXIST, "its ID on the other node");
	gives(open_new("nodes/pve1/lxc/101.conf"), EEXIST, "its ID as a container");
	gives(mknod("nodes/pve2/lxc/105.conf", S_IFREG | 0600, 0), EEXIST, "the ID of a container");
	make(GUESTS "101.conf.tmp.1");
	holds(size_of(GUESTS "101.conf.tmp.1") == 1, "another ending is no guest");
	gives(rename(GUESTS "101.conf.tmp.1", "nodes/pve2/qemu-server/101.conf"), EEXIST,
	      "rename to its ID on the other node");
	gives(rename(GUESTS "101.conf.tmp.1", GUESTS "200.conf"), EEXIST, "to an ID from there");
	gives(rename(GUESTS "101.conf.tmp.1", GUESTS "101.conf"), 0, "rename over the guest");
	gives(rename(GUESTS "101.conf", "nodes/pve2/qemu-server/101.conf"), 0, "to the other node");
	gives(open_new(GUESTS "101.conf"), EEXIST, "which then has the ID");
	gives(rename("nodes/pve2/qemu-server/101.conf", GUESTS "101.conf.off"), 0, "taken away");
	gives(open_new("nodes/pve2/lxc/101.conf"), 0, "the ID is free");
	gives(unlink("nodes/pve2/lxc/101.conf"), 0, "unlink");
	gives(rename(GUESTS "101.conf.off", GUESTS "101.conf"), 0, "the guest is back");
	gives(open_new(GUESTS "4294967296.conf"), 0, "what is no ID");
	gives(open_new("nodes/pve2/qemu-server/4294967296.conf"), 0, "may be there twice");
	gives(unlink(GUESTS "4294967296.conf"), 0, "unlink");
	gives(unlink("nodes/pve2/qemu-server/4294967296.conf"), 0, "unlink");
}

static void cluster_locks(void)
{
	struct timespec unlock[2] = { 0 };
	struct timespec later[2] = { { .tv_sec = 1LL << 31 }, { .tv_sec = 1LL << 31 } };

	gives(mkdir("priv/lock/file-ours", 0700), 0, "taking a lock");
	gives(mkdir("priv/lock/file-ours", 0700), EEXIST, "that is taken");
	gives(utimensat(AT_FDCWD, "priv/lock/file-ours", unlock, 0), EACCES, "asking for it early");
	gives(rename("priv/lock/file-ours", "priv/lock/other"), EACCES, "renaming it");
	gives(utimensat(AT_FDCWD, "priv/lock/file-ours", later, 0), 0, "renewing it");
	gives(rmdir("priv/lock/file-ours"), 0, "letting it go");
}

/* What the log of changes says last. */
static void log_ends_with(const char *wanted, const char *what)
{
	_cleanup_close_ int fd = open(count_path, O_RDONLY | O_CLOEXEC);
	char found[512] = "";
	size_t length = strlen(wanted);

	holds(lseek(fd, -(off_t)length, SEEK_END) >= 0 &&
		      read(fd, found, sizeof(found) - 1) == (ssize_t)length &&
		      memcmp(found, wanted, length) == 0,
	      what);
}

static void changes_are_counted(void)
{
	_cleanup_close_ int fd = open_new(GUESTS "101.conf.tmp.7");

	memset(block, '#', sizeof(block));
	gives(write(fd, block, 100000), 0, "one write of 100 kB");
	gives(rename(GUESTS "101.conf.tmp.7", GUESTS "101.conf"), 0, "over the guest");
	log_ends_with("\ncreate " GUESTS "101.conf.tmp.7\n"
		      "write " GUESTS "101.conf.tmp.7 100000\n"
		      "rename " GUESTS "101.conf.tmp.7 " GUESTS "101.conf\n",
		      "is one change");
	gives(pwrite(fd, block, 400000, 0), 0, "one write of 400 kB");
	log_ends_with(" " GUESTS "101.conf\nwrite " GUESTS "101.conf 131072\n"
		      "write " GUESTS "101.conf 131072\nwrite " GUESTS "101.conf 131072\n"
		      "write " GUESTS "101.conf 6784\n",
		      "is four");
	make("a b\\");
	gives(unlink("a b\\"), 0, "unlink of an odd name");
	log_ends_with("\nunlink a\\040b\\134\n", "can be told in the log");
}

static void without_quorum(void)
{
	_cleanup_close_ int fd = -1;
	struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	off_t counted;

	make("new");
	counted = size_of(count_path);
	set_control("no-quorum\n");
	(void)poll(NULL, 0, CACHE_MS);
	holds(mode_of("new") == (S_IFREG | 0440), "no quorum: files are 0440");
	holds(mode_of("priv/authkey.key") == (S_IFREG | 0400), "no quorum: 0400 in priv");
	holds(mode_of("nodes") == (S_IFDIR | 0555), "no quorum: directories are 0555");
	holds(mode_of("local") == (S_IFLNK | 0555), "no quorum: local lacks its 0200");
	holds(contains(".members", "\"quorate\": 0"), "no quorum: .members says so");
	fd = open("new", O_WRONLY | O_CLOEXEC);
	gives(fd, 0, "no quorum: open O_WRONLY");
	gives(access("new", W_OK), 0, "no quorum: access W_OK");
	gives(fchmod(fd, 0640), 0, "no quorum: fchmod 0640");
	gives(fchown(fd, 0, WWW_DATA), 0, "no quorum: fchown 0:33");
	gives(flock(fd, LOCK_EX | LOCK_NB), 0, "no quorum: flock");
	gives(fsync(fd), 0, "no quorum: fsync");
	holds(contains("datacenter.cfg", "keyboard"), "no quorum: read");
	gives(write(fd, "y", 1), EACCES, "no quorum: write");
	gives(ftruncate(fd, 0), EACCES, "no quorum: ftruncate");
	gives(open("new", O_WRONLY | O_TRUNC | O_CLOEXEC), EACCES, "no quorum: O_TRUNC");
	gives(open_new("other"), EACCES, "no quorum: create");
	gives(mkdir("other", 0755), EACCES, "no quorum: mkdir");
	gives(rmdir("sdn"), EACCES, "no quorum: rmdir");
	gives(unlink("new"), EACCES, "no quorum: unlink");
	gives(rename("new", "other"), EACCES, "no quorum: rename");
	gives(futimens(fd, times), EACCES, "no quorum: futimens");
	holds(size_of(count_path) == counted, "no quorum: nothing changed");
	set_control("quorate\n");
	gives(write(fd, "y", 1), 0, "quorum again: write");
	(void)poll(NULL, 0, CACHE_MS);
	holds(mode_of("new") == (S_IFREG | 0640), "quorum again: files are 0640");
	holds(mode_of("local") & 0200, "quorum again: local has its 0200");
	gives(unlink("new"), 0, "quorum again: unlink");
}

/* Each of these in a process of its own, which says how it went by its status. */
static int hang_stat(void)
{
	return mode_of("nodes") ? 0 : 1;
}

static int hang_statfs(void)
{
	struct statfs st;

	return statfs(".", &st) < 0;
}

static int hang_readdir(void)
{
	return count_hidden("nodes/pve2") != 0;
}

static int hang_create(void)
{
	return open_new("hanging") < 0;
}

static int hang_read(void)
{
	return !contains("storage.cfg", "dir: local");
}

static void hangs(void)
{
	int (*const actions[])(void) = { hang_stat, hang_statfs, hang_readdir, hang_create,
					 hang_read };
	pid_t children[ARRAY_SIZE(actions)];
	bool all_ended = true, none_ended = true;
	int status;

	set_control("hang\n");
	(void)poll(NULL, 0, CACHE_MS);
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(actions[i]());
	}
	(void)poll(NULL, 0, 500);
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		none_ended &= waitpid(children[i], NULL, WNOHANG) == 0;
	holds(none_ended, "hang: nothing comes back");
	set_control("quorate\n");
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		all_ended &= waitpid(children[i], &status, 0) == children[i] && status == 0;
	holds(all_ended, "and all of it does when that is over");
	gives(unlink("hanging"), 0, "what was to be made then is there");
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		(void)fprintf(stderr, "usage: %s MOUNT ELSEWHERE CONTROL COUNT\n", argv[0]);
		return 2;
	}
	elsewhere = argv[2];
	control_path = argv[3];
	count_path = argv[4];
	if (chdir(argv[1]) < 0) {
		perror(argv[1]);
		return 1;
	}
	is_such_a_file_system();
	has_virtual_entries();
	modes_are_of_the_path();
	writes();
	files_have_1_mib(O_CREAT, "short write of 1 MiB");
	files_have_1_mib(0, "also to a file there was");
	gives(unlink("large"), 0, "unlink");
	cannot_do();
	maps_and_copies();
	renames();
	open_files_are_hidden();
	names_are_free();
	resolves();
	locks_are_local();
	times_are_seconds();
	guests_have_ids();
	cluster_locks();
	changes_are_counted();
	without_quorum();
	hangs();
	(void)printf("%u passed, %u failed\n", n_passed, n_failed);
	return n_failed > 0;
}
