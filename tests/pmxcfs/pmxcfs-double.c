/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file system with the rules of Proxmox's pmxcfs, to be mounted where /etc/pve is. Its quorum is
 * what a file outside of it says; see usage().
 */
#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <fuse_lowlevel.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include "tests/pmxcfs/tree.h"

#define WWW_DATA             33
#define TREE_BLOCK           4096
#define FILE_SYSTEM_SIZE     ((size_t)128 << 20)
#define FILE_SYSTEM_N_FILES  ((size_t)256 << 10)
#define LONGEST_WRITE        (128U << 10)
#define HANG_POLL_NANOSECOND 10000000

enum quorum {
	QUORATE,
	NO_QUORUM,
	HANG,
	_QUORUM_MAX,
};

static const char *const quorum_words[_QUORUM_MAX] = {
	[QUORATE] = "quorate",
	[NO_QUORUM] = "no-quorum",
	[HANG] = "hang",
};

/* The options, and what they opened. */
static const char *node;
static const char *mount_point;
static const char *control_path;
static const char *pid_path;
static FILE *count_file;
static int ready_fd = -1;

/* All below is held by the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tree tree;
static enum quorum quorum;
static bool debug;
static time_t started;

/**
 * struct virtual_file - One that pmxcfs makes up
 * @print: its contents
 * @text:  what it contained when it was last looked at; only that can be read
 */
struct virtual_file {
	const char *name;
	mode_t mode;
	void (*print)(FILE *out);
	char *text;
};

/**
 * struct virtual_link - A link that pmxcfs makes up
 * @below: this node's directory
 */
struct virtual_link {
	const char *name;
	const char *below;
};

static const struct virtual_link virtual_links[] = {
	{ "local", "" },
	{ "qemu-server", "/qemu-server" },
	{ "lxc", "/lxc" },
	{ "openvz", "/openvz" },
};

static void print_version(FILE *out)
{
	(void)fprintf(out,
		      "{\n\"starttime\": %lld,\n\"clinfo\": 1,\n\"vmlist\": %llu,\n"
		      "\"kvstore\": {\n\"%s\": { }\n}\n}\n",
		      (long long)started, (unsigned long long)tree.version, node);
}

/* A node that never joined a cluster has no corosync.conf, and cannot be without quorum. */
static void print_members(FILE *out)
{
	const struct entry *nodes = tree_find(&tree, "/nodes");
	const char *separator = "";
	unsigned int n_nodes = 0;

	if (!tree_find(&tree, "/corosync.conf") && quorum == QUORATE) {
		(void)fprintf(out, "{\n\"nodename\": \"%s\",\n\"version\": 0\n}\n", node);
		return;
	}
	for (const struct entry *one = nodes ? nodes->first : NULL; one; one = one->next)
		n_nodes++;
	(void)fprintf(out,
		      "{\n\"nodename\": \"%s\",\n\"version\": 1,\n\"cluster\": { \"name\": "
		      "\"double\", \"version\": 1, \"nodes\": %u, \"quorate\": %d },\n"
		      "\"nodelist\": {\n",
		      node, n_nodes, quorum == QUORATE);
	n_nodes = 0;
	for (const struct entry *one = nodes ? nodes->first : NULL; one; one = one->next) {
		n_nodes++;
		(void)fprintf(out,
			      "%s  \"%s\": { \"id\": %u, \"online\": %d, \"ip\": \"192.0.2.%u\"}",
			      separator, one->name, n_nodes,
			      quorum == QUORATE || strcmp(one->name, node) == 0, n_nodes);
		separator = ",\n";
	}
	(void)fputs("\n  }\n}\n", out);
}

static void print_guests(FILE *out)
{
	(void)fprintf(out, "{\n\"version\": %llu,\n\"ids\": {\n", (unsigned long long)tree.version);
	tree_print_guests(&tree, out);
	(void)fputs("}\n\n}\n", out);
}

static void print_nothing(FILE *out)
{
	(void)out;
}

static void print_log(FILE *out)
{
	(void)fprintf(out,
		      "{\n\"data\": [\n{\"uid\": 1, \"time\": %lld, \"pri\": 6, \"tag\": "
		      "\"cluster\", \"pid\": %d, \"node\": \"%s\", \"user\": \"root\", \"msg\": "
		      "\"starting cluster log\"}]\n}\n",
		      (long long)started, (int)getpid(), node);
}

static void print_debug(FILE *out)
{
	(void)fprintf(out, "%d\n", debug);
}

static struct virtual_file virtual_files[] = {
	{ ".version", 0440, print_version, NULL }, { ".members", 0440, print_members, NULL },
	{ ".vmlist", 0440, print_guests, NULL },   { ".rrd", 0440, print_nothing, NULL },
	{ ".clusterlog", 0440, print_log, NULL },  { ".debug", 0640, print_debug, NULL },
};

static struct virtual_file *virtual_file(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(virtual_files); i++)
		if (strcmp(path + 1, virtual_files[i].name) == 0)
			return &virtual_files[i];
	return NULL;
}

static const struct virtual_link *virtual_link(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(virtual_links); i++)
		if (strcmp(path + 1, virtual_links[i].name) == 0)
			return &virtual_links[i];
	return NULL;
}

/* What is neither virtual nor below something virtual. */
static bool is_real(const char *path)
{
	return !tree_name_is_virtual(path + 1);
}

static void virtual_file_renew(struct virtual_file *file)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	file->print(out);
	if (fclose(out) != 0) {
		free(text);
		return;
	}
	free(file->text);
	file->text = text;
}

static size_t virtual_file_size(const struct virtual_file *file)
{
	return file->text ? strlen(file->text) : 0;
}

/* priv/ and nodes/NODE/priv/: what is in them is root's alone. */
static bool is_private(const char *path)
{
	if (strncmp(path, "/nodes/", 7) == 0) {
		path += 7;
		path += strcspn(path, "/");
	}
	return strncmp(path, "/priv", 5) == 0 && (path[5] == '\0' || path[5] == '/');
}

/* Who writes into it may be just doing so: an unknown word changes nothing. */
static int read_control(enum quorum *ret_quorum)
{
	_cleanup_close_ int fd = open(control_path, O_RDONLY | O_CLOEXEC);
	char word[16];
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, word, sizeof(word) - 1);
	if (n < 0)
		return -errno;
	word[n] = '\0';
	word[strcspn(word, " \t\n")] = '\0';
	for (size_t i = 0; i < _QUORUM_MAX; i++)
		if (strcmp(word, quorum_words[i]) == 0) {
			*ret_quorum = (enum quorum)i;
			return 0;
		}
	return -EINVAL;
}

static void remove_pid(void)
{
	if (pid_path)
		(void)unlink(pid_path);
}

/*
 * The beginning of every operation: waits while it is to hang, and takes the lock. Told to stop in
 * the meantime, the process ends at once: whoever waits for it is told so by the kernel.
 */
static bool enter(void)
{
	const struct timespec pause = { .tv_nsec = HANG_POLL_NANOSECOND };

	for (;;) {
		(void)pthread_mutex_lock(&lock);
		if (control_path)
			(void)read_control(&quorum);
		if (quorum != HANG)
			return quorum == QUORATE;
		(void)pthread_mutex_unlock(&lock);
		if (fuse_session_exited(fuse_get_session(fuse_get_context()->fuse))) {
			(void)umount2(mount_point, MNT_DETACH);
			remove_pid();
			_exit(0);
		}
		(void)nanosleep(&pause, NULL);
	}
}

static void leavep(bool *is_quorate)
{
	(void)is_quorate;
	(void)pthread_mutex_unlock(&lock);
}

/* Each operation has the lock as long as this is in scope; the value: whether there is quorum. */
#define _operation_ _cleanup_(leavep) __attribute__((unused))

/* Paths in the log have spaces and what is not printed as in /proc/self/mounts. */
static void print_path(const char *path)
{
	(void)fputc(' ', count_file);
	for (path++; *path; path++)
		if (*path > ' ' && *path < 0x7f && *path != '\\')
			(void)fputc(*path, count_file);
		else
			(void)fprintf(count_file, "\\%03o", (unsigned char)*path);
}

/* Writes a line if the operation was done; @size: of what was written, or negative. */
static int counted(int r, const char *what, const char *path, const char *second, long long size)
{
	if (r < 0 || !count_file)
		return r;
	(void)fputs(what, count_file);
	print_path(path);
	if (second)
		print_path(second);
	if (size >= 0)
		(void)fprintf(count_file, " %lld", size);
	(void)fputc('\n', count_file);
	(void)fflush(count_file);
	return r;
}

static void fill_stat(const struct entry *entry, const char *path, bool is_quorate, struct stat *st)
{
	mode_t bits = entry->is_directory ? 0755 : 0640;

	if (!is_quorate && entry != &tree.root)
		bits = entry->is_directory ? 0555 : 0440;
	if (is_private(path))
		bits &= 0700;
	st->st_mode = (entry->is_directory ? S_IFDIR : S_IFREG) | bits;
	st->st_nlink = entry->is_directory ? 2 : 1;
	st->st_size = (off_t)entry->size;
	/* The original counts its own blocks, not those of 512 bytes. */
	st->st_blocks = (st->st_size + TREE_BLOCK - 1) / TREE_BLOCK;
	st->st_atime = st->st_mtime = st->st_ctime = entry->changed;
}

static int double_getattr(const char *path, struct stat *st, struct fuse_file_info *info)
{
	_operation_ bool is_quorate = enter();
	const struct virtual_link *link = virtual_link(path);
	struct virtual_file *file = virtual_file(path);
	const struct entry *entry = tree_find(&tree, path);

	(void)info;
	st->st_gid = WWW_DATA;
	st->st_nlink = 1;
	if (link) {
		st->st_mode = S_IFLNK | (is_quorate ? 0755 : 0555);
		st->st_size = (off_t)(strlen("nodes/") + strlen(node) + strlen(link->below));
		return 0;
	}
	if (file) {
		virtual_file_renew(file);
		st->st_mode = S_IFREG | file->mode;
		st->st_size = (off_t)virtual_file_size(file);
		return 0;
	}
	if (!is_real(path))
		return -EACCES;
	if (!entry)
		return -ENOENT;
	fill_stat(entry, path, is_quorate, st);
	return 0;
}

static int double_readlink(const char *path, char *target, size_t size)
{
	_operation_ bool is_quorate = enter();
	const struct virtual_link *link = virtual_link(path);

	if (!link)
		return -EACCES;
	(void)snprintf(target, size, "nodes/%s%s", node, link->below);
	return 0;
}

static int double_readdir(const char *path, void *out, fuse_fill_dir_t fill, off_t offset,
			  struct fuse_file_info *info, enum fuse_readdir_flags flags)
{
	_operation_ bool is_quorate = enter();
	const struct entry *directory = tree_find(&tree, path);

	(void)offset;
	(void)info;
	(void)flags;
	(void)fill(out, ".", NULL, 0, 0);
	(void)fill(out, "..", NULL, 0, 0);
	if (directory == &tree.root) {
		for (size_t i = 0; i < ARRAY_SIZE(virtual_links); i++)
			(void)fill(out, virtual_links[i].name, NULL, 0, 0);
		for (size_t i = 0; i < ARRAY_SIZE(virtual_files); i++)
			(void)fill(out, virtual_files[i].name, NULL, 0, 0);
	}
	for (const struct entry *entry = directory ? directory->first : NULL; entry;
	     entry = entry->next) {
		struct stat st = { .st_mode = entry->is_directory ? S_IFDIR : S_IFREG };

		(void)fill(out, entry->name, &st, 0, 0);
	}
	return 0;
}

static int double_statfs(const char *path, struct statvfs *st)
{
	_operation_ bool is_quorate = enter();
	fsblkcnt_t used = (tree.n_bytes + TREE_BLOCK - 1) / TREE_BLOCK;

	(void)path;
	*st = (struct statvfs){ .f_bsize = TREE_BLOCK,
				.f_blocks = FILE_SYSTEM_SIZE / TREE_BLOCK,
				.f_files = FILE_SYSTEM_N_FILES,
				.f_ffree = FILE_SYSTEM_N_FILES - tree.n_entries,
				.f_namemax = 256 };
	/* The original does not enforce its size either. */
	st->f_bfree = st->f_blocks - MIN_OF(st->f_blocks, used);
	st->f_bavail = st->f_bfree;
	return 0;
}

static int double_open(const char *path, struct fuse_file_info *info)
{
	_operation_ bool is_quorate = enter();

	info->direct_io = 1;
	if (virtual_file(path))
		return 0;
	if (!is_real(path))
		return -EACCES;
	return tree_find(&tree, path) ? 0 : -ENOENT;
}

static int double_read(const char *path, char *out, size_t size, off_t offset,
		       struct fuse_file_info *info)
{
	_operation_ bool is_quorate = enter();
	const struct virtual_file *file = virtual_file(path);
	const struct entry *entry = tree_find(&tree, path);
	const char *data = file ? file->text : entry ? entry->data : NULL;
	size_t length = file ? virtual_file_size(file) : entry ? entry->size : 0;

	(void)info;
	if (!file && !entry)
		return -ENOENT;
	if (offset < 0 || (size_t)offset >= length)
		return 0;
	size = MIN_OF(size, length - (size_t)offset);
	memcpy(out, data + offset, size);
	return (int)size;
}

static int write_virtual(const char *path, const char *data, size_t size, off_t offset)
{
	if (strcmp(path, "/.debug") != 0 || offset != 0 || size < 2 || data[1] != '\n' ||
	    (data[0] != '0' && data[0] != '1'))
		return -EIO;
	debug = data[0] == '1';
	return 2;
}

static int double_write(const char *path, const char *data, size_t size, off_t offset,
			struct fuse_file_info *info)
{
	_operation_ bool is_quorate = enter();
	int r;

	(void)info;
	if (virtual_file(path))
		return write_virtual(path, data, size, offset);
	if (!is_quorate)
		return -EACCES;
	r = tree_write(&tree, path, data, size, (uint64_t)offset);
	r = counted(r, "write", path, NULL, (long long)size);
	return r < 0 ? r : (int)size;
}

static int double_truncate(const char *path, off_t size, struct fuse_file_info *info)
{
	_operation_ bool is_quorate = enter();

	(void)info;
	if (virtual_file(path))
		return strcmp(path, "/.debug") == 0 ? 0 : -EIO;
	if (!is_quorate)
		return -EACCES;
	return counted(tree_truncate(&tree, path, (uint64_t)size), "truncate", path, NULL, size);
}

static int double_create(const char *path, mode_t mode, struct fuse_file_info *info)
{
	_operation_ bool is_quorate = enter();

	(void)mode;
	/* Unlike open, the original's create leaves this to the page cache. */
	info->direct_io = 0;
	if (!is_quorate || !is_real(path))
		return -EACCES;
	return counted(tree_create(&tree, path, false), "create", path, NULL, -1);
}

static int double_mkdir(const char *path, mode_t mode)
{
	_operation_ bool is_quorate = enter();

	(void)mode;
	if (!is_quorate || !is_real(path))
		return -EACCES;
	return counted(tree_create(&tree, path, true), "mkdir", path, NULL, -1);
}

static int double_remove(const char *path, const char *what)
{
	_operation_ bool is_quorate = enter();

	if (!is_quorate || !is_real(path))
		return -EACCES;
	return counted(tree_remove(&tree, path), what, path, NULL, -1);
}

static int double_unlink(const char *path)
{
	return double_remove(path, "unlink");
}

static int double_rmdir(const char *path)
{
	return double_remove(path, "rmdir");
}

static int double_rename(const char *from, const char *to, unsigned int flags)
{
	_operation_ bool is_quorate = enter();

	if (flags)
		return -EINVAL;
	if (!is_quorate || !is_real(from) || !is_real(to))
		return -EACCES;
	return counted(tree_rename(&tree, from, to), "rename", from, to, -1);
}

/* Where it is not there at all, older kernels say ENOSYS. */
static int double_link(const char *from, const char *to)
{
	_operation_ bool is_quorate = enter();

	(void)from;
	(void)to;
	return -EPERM;
}

/* Accepts, without quorum as well, what is so anyway. */
static int double_chmod(const char *path, mode_t mode, struct fuse_file_info *info)
{
	_operation_ bool is_quorate = enter();

	(void)info;
	return (mode & ALLPERMS) == (is_private(path) ? 0600 : 0640) ? 0 : -EPERM;
}

static int double_chown(const char *path, uid_t user, gid_t group, struct fuse_file_info *info)
{
	_operation_ bool is_quorate = enter();

	(void)path;
	(void)info;
	return (user == 0 || user == (uid_t)-1) && (group == WWW_DATA || group == (gid_t)-1)
		       ? 0
		       : -EPERM;
}

static int double_utimens(const char *path, const struct timespec times[2],
			  struct fuse_file_info *info)
{
	_operation_ bool is_quorate = enter();
	time_t changed = times[1].tv_nsec == UTIME_NOW ? time(NULL) : times[1].tv_sec;

	(void)info;
	/* The original's libfuse 2 passes on only what sets both. */
	if (times[0].tv_nsec == UTIME_OMIT || times[1].tv_nsec == UTIME_OMIT)
		return 0;
	if (!is_quorate || !is_real(path))
		return -EACCES;
	return counted(tree_set_time(&tree, path, changed), "utimens", path, NULL, -1);
}

static void write_pid(void)
{
	FILE *out = pid_path ? fopen(pid_path, "we") : NULL;

	if (!out)
		return;
	(void)fprintf(out, "%d\n", (int)getpid());
	(void)fclose(out);
}

/* The kernel's first request: from here on the mount answers. Nobody reads our output any more. */
static void *double_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
	_cleanup_close_ int null_fd = -1;

	(void)config;
	/* What libfuse 2 did not have changes what the kernel asks, and when. */
	connection->want &= FUSE_CAP_ASYNC_READ;
	connection->max_write = LONGEST_WRITE;
	write_pid();
	if (ready_fd < 0)
		return NULL;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= 2; fd++)
		(void)dup2(null_fd, fd);
	(void)!write(ready_fd, "", 1);
	(void)close(ready_fd);
	return NULL;
}

static const struct fuse_operations operations = {
	.init = double_init,
	.getattr = double_getattr,
	.readlink = double_readlink,
	.readdir = double_readdir,
	.statfs = double_statfs,
	.open = double_open,
	.read = double_read,
	.write = double_write,
	.truncate = double_truncate,
	.create = double_create,
	.mkdir = double_mkdir,
	.unlink = double_unlink,
	.rmdir = double_rmdir,
	.rename = double_rename,
	.link = double_link,
	.chmod = double_chmod,
	.chown = double_chown,
	.utimens = double_utimens,
};

_printf_(1, 2) static int complain(const char *format, ...)
{
	va_list arguments;

	(void)fputs("pmxcfs-double: ", stderr);
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
	return 1;
}

static int serve(void)
{
	char *argv[] = { (char[]){ "pmxcfs-double" },
			 (char[]){ "-odefault_permissions,allow_other" }, NULL };
	struct fuse_args arguments = FUSE_ARGS_INIT(2, argv);
	struct fuse *fuse = fuse_new(&arguments, &operations, sizeof(operations), NULL);
	struct statvfs st;
	int r;

	if (!fuse)
		return complain("FUSE cannot be used here");
	/* One that was killed leaves a mount nobody answers; stat() might from what it remembers.
	 */
	if (statvfs(mount_point, &st) < 0 && errno == ENOTCONN)
		(void)umount2(mount_point, MNT_DETACH);
	if (mkdir(mount_point, 0750) < 0 && errno != EEXIST)
		return complain("%s: %s", mount_point, strerror(errno));
	if (fuse_mount(fuse, mount_point) < 0)
		return complain("%s: cannot mount", mount_point);
	if (fuse_set_signal_handlers(fuse_get_session(fuse)) < 0)
		return complain("cannot handle signals");
	r = fuse_loop_mt(fuse, 0);
	fuse_unmount(fuse);
	fuse_destroy(fuse);
	fuse_opt_free_args(&arguments);
	remove_pid();
	return r < 0;
}

/* The parent is there until the mount is, as systemd's Type=forking wants it. */
static int start(void)
{
	pid_t child;
	char byte;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return complain("%s", strerror(errno));
	child = fork();
	if (child < 0)
		return complain("%s", strerror(errno));
	if (child > 0) {
		(void)close(fds[1]);
		return read(fds[0], &byte, 1) == 1 ? 0 : 1;
	}
	(void)close(fds[0]);
	ready_fd = fds[1];
	(void)setsid();
	(void)!chdir("/");
	return serve();
}

static int usage(void)
{
	(void)puts(
		"usage: pmxcfs-double --mount DIR [OPTION...]\n"
		"\n"
		"A file system with the rules of Proxmox's pmxcfs.\n"
		"\n"
		"  --mount DIR      where, made if it is not there\n"
		"  --store DIR      what is in it, read at the start\n"
		"  --save           keep the store as the file system is\n"
		"  --node NAME      this node; uname's up to the first dot\n"
		"  --control PATH   a file that is read at each operation: quorate, no-quorum, or\n"
		"                   hang, where every operation waits until it says otherwise\n"
		"  --count PATH     append a line for each change: create, write NAME SIZE, truncate\n"
		"                   NAME SIZE, rename FROM TO, unlink, mkdir, rmdir, utimens\n"
		"  --pid-file PATH  where the process's id is written\n"
		"  --foreground     do not go to the background once it is mounted\n"
		"  --help");
	return 0;
}

/* The process does not stay where it was started. */
static const char *absolute(const char *path)
{
	char directory[4096];
	char *all;

	if (*path == '/')
		return path;
	if (!getcwd(directory, sizeof(directory)) || asprintf(&all, "%s/%s", directory, path) < 0)
		exit(complain("%s: %s", path, strerror(errno)));
	return all;
}

static const char *own_node(void)
{
	static struct utsname names;

	(void)uname(&names);
	names.nodename[strcspn(names.nodename, ".")] = '\0';
	return names.nodename;
}

enum option_tag {
	OPTION_MOUNT = 1,
	OPTION_STORE,
	OPTION_SAVE,
	OPTION_NODE,
	OPTION_CONTROL,
	OPTION_COUNT,
	OPTION_PID_FILE,
	OPTION_FOREGROUND,
	OPTION_HELP,
};

static const struct option options[] = {
	{ "mount", required_argument, NULL, OPTION_MOUNT },
	{ "store", required_argument, NULL, OPTION_STORE },
	{ "save", no_argument, NULL, OPTION_SAVE },
	{ "node", required_argument, NULL, OPTION_NODE },
	{ "control", required_argument, NULL, OPTION_CONTROL },
	{ "count", required_argument, NULL, OPTION_COUNT },
	{ "pid-file", required_argument, NULL, OPTION_PID_FILE },
	{ "foreground", no_argument, NULL, OPTION_FOREGROUND },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ 0 },
};

int main(int argc, char **argv)
{
	const char *store = NULL, *count_path = NULL;
	bool save = false, foreground = false;
	int option, r;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == OPTION_MOUNT)
			mount_point = absolute(optarg);
		else if (option == OPTION_STORE)
			store = optarg;
		else if (option == OPTION_SAVE)
			save = true;
		else if (option == OPTION_NODE)
			node = optarg;
		else if (option == OPTION_CONTROL)
			control_path = absolute(optarg);
		else if (option == OPTION_COUNT)
			count_path = optarg;
		else if (option == OPTION_PID_FILE)
			pid_path = absolute(optarg);
		else if (option == OPTION_FOREGROUND)
			foreground = true;
		else if (option == OPTION_HELP)
			return usage();
		else
			return 2;
	}
	if (!mount_point || optind < argc || (save && !store)) {
		(void)complain("--mount DIR is needed, --save needs --store, and there is no more");
		return 2;
	}
	if (!node)
		node = own_node();
	started = time(NULL);
	if (control_path && (r = read_control(&quorum)) < 0)
		return complain("%s: %s", control_path, strerror(-r));
	if (count_path && !(count_file = fopen(count_path, "ae")))
		return complain("%s: %s", count_path, strerror(errno));
	r = tree_load(&tree, store, save);
	if (r < 0)
		return complain("%s: %s", store, strerror(-r));
	return foreground ? serve() : start();
}
