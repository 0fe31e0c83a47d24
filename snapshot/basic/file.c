/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/xattr.h>

#include "snapshot/basic/array.h"

#define ACL_ACCESS      "system.posix_acl_access"
#define STAGED_SUFFIX   ".hwrecover"
#define READ_FIRST_SIZE 8192
/* xattr(7): limits of the VFS for the list of names and for one value. */
#define XATTRS_MAX 65536

void file_attributes_done(struct file_attributes *attributes)
{
	if (!attributes)
		return;
	for (size_t i = 0; i < attributes->n_xattrs; i++) {
		free(attributes->xattrs[i].name);
		free(attributes->xattrs[i].value);
	}
	free(attributes->xattrs);
	*attributes = (struct file_attributes){ 0 };
}

int file_attributes_add(struct file_attributes *attributes, const char *name, struct bytes value)
{
	struct file_xattr *xattr;
	int r;

	r = ARRAY_RESERVE(attributes->xattrs, attributes->n_xattrs, attributes->xattrs_allocated);
	if (r < 0)
		return r;
	xattr = &attributes->xattrs[attributes->n_xattrs++];
	*xattr = (struct file_xattr){ .size = value.size };
	r = bytes_duplicate(bytes_of(name), &xattr->name);
	return r < 0 ? r : bytes_duplicate(value, &xattr->value);
}

static int compare_xattrs(const void *a, const void *b)
{
	const struct file_xattr *left = a, *right = b;

	return strcmp(left->name, right->name);
}

void file_attributes_sort(struct file_attributes *attributes)
{
	if (attributes->n_xattrs > 1)
		qsort(attributes->xattrs, attributes->n_xattrs, sizeof(*attributes->xattrs),
		      compare_xattrs);
}

int file_attributes_copy(const struct file_attributes *attributes, struct file_attributes *ret_copy)
{
	_cleanup_(file_attributes_done) struct file_attributes copy = {
		.is_link = attributes->is_link,
		.mode = attributes->mode,
		.uid = attributes->uid,
		.gid = attributes->gid,
	};

	for (size_t i = 0; i < attributes->n_xattrs; i++) {
		const struct file_xattr *xattr = &attributes->xattrs[i];
		int r = file_attributes_add(&copy, xattr->name,
					    bytes_make(xattr->value, xattr->size));

		if (r < 0)
			return r;
	}
	*ret_copy = copy;
	copy = (struct file_attributes){ 0 };
	return 0;
}

static bool xattr_equal(const struct file_xattr *a, const struct file_xattr *b)
{
	return strcmp(a->name, b->name) == 0 &&
	       bytes_equal(bytes_make(a->value, a->size), bytes_make(b->value, b->size));
}

bool file_attributes_equal(const struct file_attributes *a, const struct file_attributes *b)
{
	if (a->is_link != b->is_link || (!a->is_link && a->mode != b->mode) || a->uid != b->uid ||
	    a->gid != b->gid || a->n_xattrs != b->n_xattrs)
		return false;
	for (size_t i = 0; i < a->n_xattrs; i++)
		if (!xattr_equal(&a->xattrs[i], &b->xattrs[i]))
			return false;
	return true;
}

int file_sync_fd(int fd)
{
	while (fsync(fd) < 0) {
		if (errno == EINVAL)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static int open_retry(int dir_fd, const char *name, int flags, mode_t mode)
{
	int fd;

	do
		fd = openat(dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int file_read_fd(int fd, size_t limit, char **ret_data, size_t *ret_size)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0, allocated = 0, most;

	/* One byte more than may be there tells that more is there, one is for the NUL. */
	if (__builtin_add_overflow(limit, 2, &most))
		most = SIZE_MAX;
	for (;;) {
		ssize_t n;

		if (allocated - size < 2) {
			size_t wanted = MIN_OF(MAX_OF(allocated * 2, READ_FIRST_SIZE), most);
			char *grown = realloc(data, wanted);

			if (!grown)
				return -ENOMEM;
			data = grown;
			allocated = wanted;
		}
		n = read(fd, data + size, allocated - size - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
		if (size > limit)
			return -EFBIG;
	}
	data[size] = '\0';
	*ret_data = TAKE_PTR(data);
	*ret_size = size;
	return 0;
}

int file_read_at(int dir_fd, const char *name, size_t limit, char **ret_data, size_t *ret_size)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = open_retry(dir_fd, name, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	/* A fifo would read as an empty file. */
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	return file_read_fd(fd, limit, ret_data, ret_size);
}

/* Whether a file is of the ordinary kind that may be replaced. */
static int check_ordinary(const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		return -ELOOP;
	if (!S_ISREG(st->st_mode))
		return -ENOTSUP;
	return st->st_nlink > 1 ? -EMLINK : 0;
}

/*
 * Opens an ordinary file for reading. It is looked at before it is opened: opening alone makes some
 * devices act (a watchdog is armed, a tape is wound back).
 */
static int open_ordinary(int dir_fd, const char *name, struct stat *ret_st)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	r = check_ordinary(&st);
	if (r < 0)
		return r;
	fd = open_retry(dir_fd, name, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	r = check_ordinary(&st);
	if (r < 0)
		return r;
	*ret_st = st;
	return TAKE_FD(fd);
}

/* What the integrity subsystem keeps for certain contents; it would be wrong for others. */
static bool xattr_is_about_contents(const char *name)
{
	return strcmp(name, "security.ima") == 0 || strcmp(name, "security.evm") == 0;
}

static int read_xattr_values(int fd, const char *names, size_t names_size,
			     struct file_attributes *attributes)
{
	_cleanup_free_ char *value = malloc(XATTRS_MAX);

	if (!value)
		return -ENOMEM;
	for (const char *name = names; name < names + names_size; name += strlen(name) + 1) {
		ssize_t size;
		int r;

		if (xattr_is_about_contents(name))
			continue;
		size = fgetxattr(fd, name, value, XATTRS_MAX);
		/* Gone since it was listed, or listed by a file system that cannot give it. */
		if (size < 0 && (errno == ENODATA || errno == ENOTSUP))
			continue;
		if (size < 0)
			return -errno;
		r = file_attributes_add(attributes, name, bytes_make(value, (size_t)size));
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_xattrs(int fd, struct file_attributes *attributes)
{
	_cleanup_free_ char *names = NULL;
	ssize_t size;
	int r;

	size = flistxattr(fd, NULL, 0);
	if (size < 0)
		return errno == ENOTSUP || errno == ENOSYS ? 0 : -errno;
	if (size == 0)
		return 0;
	/* The longest list at once: the list may grow between asking for its size and reading it.
	 */
	names = malloc(XATTRS_MAX);
	if (!names)
		return -ENOMEM;
	size = flistxattr(fd, names, XATTRS_MAX);
	if (size < 0)
		return -errno;
	r = read_xattr_values(fd, names, (size_t)size, attributes);
	if (r < 0)
		return r;
	file_attributes_sort(attributes);
	return 0;
}

int file_read_managed_at(int dir_fd, const char *name, size_t limit, char **ret_data,
			 size_t *ret_size, struct file_attributes *ret_attributes)
{
	_cleanup_(file_attributes_done) struct file_attributes attributes = { 0 };
	_cleanup_free_ char *data = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	size_t size = 0;
	int r;

	fd = open_ordinary(dir_fd, name, &st);
	if (fd < 0)
		return fd;
	if (st.st_size > 0 && (uint64_t)st.st_size > limit)
		return -EFBIG;
	r = file_read_fd(fd, limit, &data, &size);
	if (r < 0)
		return r;
	if (memchr(data, '\0', size))
		return -EILSEQ;
	attributes.mode = st.st_mode & 07777;
	attributes.uid = st.st_uid;
	attributes.gid = st.st_gid;
	r = read_xattrs(fd, &attributes);
	if (r < 0)
		return r;

	*ret_data = TAKE_PTR(data);
	*ret_size = size;
	*ret_attributes = attributes;
	attributes = (struct file_attributes){ 0 };
	return 0;
}

/* The target of an opened link (O_PATH). */
static int read_target(int fd, size_t limit, char **ret_data, size_t *ret_size)
{
	/* Linux has no longer ones (symlink(7)). */
	char target[PATH_MAX + 1];
	ssize_t size;
	int r;

	size = readlinkat(fd, "", target, sizeof(target));
	if (size < 0)
		return -errno;
	if ((size_t)size > MIN_OF(limit, (size_t)PATH_MAX))
		return -EFBIG;
	r = bytes_duplicate(bytes_make(target, (size_t)size), ret_data);
	if (r < 0)
		return r;
	*ret_size = (size_t)size;
	return 0;
}

int file_read_link_at(int dir_fd, const char *name, size_t limit, char **ret_data, size_t *ret_size,
		      struct file_attributes *ret_attributes)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	fd = open_retry(dir_fd, name, O_PATH, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISLNK(st.st_mode))
		return -EINVAL;
	r = read_target(fd, limit, ret_data, ret_size);
	if (r < 0)
		return r;
	*ret_attributes = (struct file_attributes){
		.is_link = true,
		.mode = 0777,
		.uid = st.st_uid,
		.gid = st.st_gid,
	};
	return 0;
}

int file_staged_name(const char *name, struct file_name *ret_name)
{
	size_t size = strlen(name);

	if (size == 0 || size > NAME_MAX || strchr(name, '/') || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return -EINVAL;
	if (size + strlen("." STAGED_SUFFIX) <= NAME_MAX)
		(void)snprintf(ret_name->text, sizeof(ret_name->text), ".%s" STAGED_SUFFIX, name);
	else
		(void)snprintf(ret_name->text, sizeof(ret_name->text), ".%016" PRIx64 STAGED_SUFFIX,
			       bytes_digest(bytes_of(name), BYTES_DIGEST_SEED));
	return 0;
}

bool file_name_is_staged(const char *name)
{
	size_t size = strlen(name), suffix = strlen(STAGED_SUFFIX);

	return name[0] == '.' && size > suffix + 1 &&
	       strcmp(name + size - suffix, STAGED_SUFFIX) == 0;
}

int file_discard_staged_at(int dir_fd, const char *name)
{
	struct file_name temp;
	int r;

	r = file_staged_name(name, &temp);
	if (r < 0)
		return r;
	if (unlinkat(dir_fd, temp.text, 0) >= 0)
		return 1;
	/* A directory is not ours. */
	return errno == ENOENT || errno == EISDIR ? 0 : -errno;
}

int file_write_fd(int fd, struct bytes bytes)
{
	while (bytes.size > 0) {
		ssize_t n = write(fd, bytes.data, bytes.size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		bytes = bytes_slice(bytes, (size_t)n, bytes.size - (size_t)n);
	}
	return 0;
}

/* Whether an attribute could not be set because of who we are or what the file system is. */
static bool error_is_lenient(int error)
{
	return error == -EPERM || error == -EACCES || error == -ENOTSUP || error == -ENOSYS ||
	       error == -EINVAL;
}

/* Return: 1 if the file has the owner it shall have, 0 if that was left. */
static int set_owner(int fd, uid_t uid, gid_t gid, bool lenient)
{
	if (fchown(fd, uid, gid) >= 0)
		return 1;
	if (!lenient || !error_is_lenient(-errno))
		return -errno;
	/* The group alone, where the user is a member of it. */
	if (fchown(fd, (uid_t)-1, gid) < 0 && !error_is_lenient(-errno))
		return -errno;
	return 0;
}

static int set_owner_and_mode(int fd, const struct file_attributes *attributes, bool lenient)
{
	mode_t mode = attributes->mode;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	/* Nothing is set that is so already: file systems with fixed owners and modes refuse. */
	if (st.st_uid != attributes->uid || st.st_gid != attributes->gid) {
		int r = set_owner(fd, attributes->uid, attributes->gid, lenient);

		if (r < 0)
			return r;
		/* Set-id bits are the owner's. */
		if (r == 0)
			mode &= (mode_t) ~(S_ISUID | S_ISGID);
	}
	/* After the owner: changing that takes set-id bits away. */
	if ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0 &&
	    !(lenient && error_is_lenient(-errno)))
		return -errno;
	return 0;
}

static bool has_acl(const struct file_attributes *attributes)
{
	for (size_t i = 0; i < attributes->n_xattrs; i++)
		if (strcmp(attributes->xattrs[i].name, ACL_ACCESS) == 0)
			return true;
	return false;
}

static int set_attributes(int fd, const struct file_attributes *attributes, bool lenient)
{
	int r;

	/* A directory's default ACL is inherited by every new file; the old one had none. */
	if (!has_acl(attributes) && fremovexattr(fd, ACL_ACCESS) < 0 && errno != ENODATA &&
	    errno != ENOTSUP && errno != ENOSYS)
		return -errno;
	r = set_owner_and_mode(fd, attributes, lenient);
	if (r < 0)
		return r;
	for (size_t i = 0; i < attributes->n_xattrs; i++) {
		const struct file_xattr *xattr = &attributes->xattrs[i];

		if (fsetxattr(fd, xattr->name, xattr->value, xattr->size, 0) < 0 &&
		    !(lenient && error_is_lenient(-errno)))
			return -errno;
	}
	return 0;
}

/* Fills a file that was just made. Closes @fd. */
static int fill_staged(int fd, struct bytes now, const struct file_attributes *attributes,
		       bool lenient, bool durable)
{
	_cleanup_close_ int owned = fd;
	int r;

	r = file_write_fd(owned, now);
	if (r < 0)
		return r;
	/* After the contents: writing takes set-id bits and capabilities away. */
	r = set_attributes(owned, attributes, lenient);
	if (r < 0)
		return r;
	if (durable)
		return file_sync_fd(owned);
	/* Some file systems tell only now that there was no room. */
	return close(TAKE_FD(owned)) < 0 && errno != EINTR ? -errno : 0;
}

/* Everything of staging but the temporary file itself, whose name is free then. */
static int stage_begin(int dir_fd, const char *name, struct staged_file *staged)
{
	struct file_name temp;
	int r;

	r = file_staged_name(name, &temp);
	if (r < 0)
		return r;
	staged->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (staged->dir_fd < 0)
		return -errno;
	staged->name = strdup(name);
	staged->temp_name = strdup(temp.text);
	if (!staged->name || !staged->temp_name)
		return -ENOMEM;
	(void)unlinkat(staged->dir_fd, staged->temp_name, 0);
	return 0;
}

static int stage_regular(const struct staged_file *staged, struct bytes now,
			 const struct file_attributes *attributes, bool lenient, bool durable)
{
	int fd = open_retry(staged->dir_fd, staged->temp_name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	return fd < 0 ? fd : fill_staged(fd, now, attributes, lenient, durable);
}

static int stage_link(const struct staged_file *staged, struct bytes target,
		      const struct file_attributes *attributes, bool lenient)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	int r;

	if (target.size == 0 || memchr(target.data, '\0', target.size))
		return -EINVAL;
	r = bytes_duplicate(target, &text);
	if (r < 0)
		return r;
	if (symlinkat(text, staged->dir_fd, staged->temp_name) < 0)
		return -errno;
	if (fstatat(staged->dir_fd, staged->temp_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if ((st.st_uid != attributes->uid || st.st_gid != attributes->gid) &&
	    fchownat(staged->dir_fd, staged->temp_name, attributes->uid, attributes->gid,
		     AT_SYMLINK_NOFOLLOW) < 0 &&
	    !(lenient && error_is_lenient(-errno)))
		return -errno;
	/* A link cannot be opened to be synced; it goes with its directory. */
	return file_sync_fd(staged->dir_fd);
}

/* One write for all; the loop of file_write_fd() would make two changes of it. */
static int write_at_once(int fd, struct bytes bytes)
{
	ssize_t n;

	do
		n = write(fd, bytes.data, bytes.size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == bytes.size ? 0 : -EIO;
}

static int stage_pmxcfs(const struct staged_file *staged, struct bytes now)
{
	_cleanup_close_ int fd = -1;
	int r;

	fd = open_retry(staged->dir_fd, staged->temp_name, O_WRONLY | O_CREAT | O_EXCL, 0640);
	if (fd < 0)
		return fd;
	r = now.size > 0 ? write_at_once(fd, now) : 0;
	if (r < 0)
		return r;
	return close(TAKE_FD(fd)) < 0 && errno != EINTR ? -errno : 0;
}

static void staged_file_discard(struct staged_file *staged)
{
	if (!staged->temp_name)
		return;
	(void)unlinkat(staged->dir_fd, staged->temp_name, 0);
	free(staged->temp_name);
	staged->temp_name = NULL;
}

void staged_file_done(struct staged_file *staged)
{
	if (!staged)
		return;
	staged_file_discard(staged);
	/* Never a standard stream, so 0 is a zeroed object. */
	if (staged->dir_fd > STDERR_FILENO)
		(void)close(staged->dir_fd);
	free(staged->name);
	*staged = STAGED_FILE_INIT;
}

static int stage(int dir_fd, const char *name, struct bytes now,
		 const struct file_attributes *attributes, bool lenient, bool durable,
		 struct staged_file *ret_staged)
{
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;
	int r;

	r = stage_begin(dir_fd, name, &staged);
	if (r < 0)
		return r;
	r = attributes->is_link ? stage_link(&staged, now, attributes, lenient)
				: stage_regular(&staged, now, attributes, lenient, durable);
	if (r < 0)
		return r;
	*ret_staged = staged;
	staged = STAGED_FILE_INIT;
	return 0;
}

int file_stage_at(int dir_fd, const char *name, struct bytes now,
		  const struct file_attributes *attributes, bool lenient,
		  struct staged_file *ret_staged)
{
	return stage(dir_fd, name, now, attributes, lenient, true, ret_staged);
}

int file_stage_pmxcfs_at(int dir_fd, const char *name, struct bytes now,
			 struct staged_file *ret_staged)
{
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;
	int r;

	if (now.size > PMXCFS_FILE_MAX)
		return -EFBIG;
	r = stage_begin(dir_fd, name, &staged);
	if (r < 0)
		return r;
	r = stage_pmxcfs(&staged, now);
	if (r < 0)
		return r;
	*ret_staged = staged;
	ret_staged->plain_rename = true;
	staged = STAGED_FILE_INIT;
	return 0;
}

static int check_link(int dir_fd, const char *name, struct bytes target)
{
	struct file_attributes attributes;
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r;

	r = file_read_link_at(dir_fd, name, target.size, &data, &size, &attributes);
	if (r == -ENOENT || r == -EINVAL || r == -EFBIG)
		return -ESTALE;
	if (r < 0)
		return r;
	return bytes_equal(bytes_make(data, size), target) ? 0 : -ESTALE;
}

static int check_regular(int dir_fd, const char *name, struct bytes was)
{
	_cleanup_free_ char *data = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	size_t size = 0;
	int r;

	fd = open_ordinary(dir_fd, name, &st);
	if (fd < 0)
		return fd == -ENOENT ? -ESTALE : fd;
	r = file_read_fd(fd, was.size, &data, &size);
	if (r == -EFBIG)
		return -ESTALE;
	if (r < 0)
		return r;
	return bytes_equal(bytes_make(data, size), was) ? 0 : -ESTALE;
}

int file_check_at(int dir_fd, const char *name, const struct file_contents *was)
{
	struct stat st;

	if (was)
		return was->is_link ? check_link(dir_fd, name, was->bytes)
				    : check_regular(dir_fd, name, was->bytes);
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0)
		return -ESTALE;
	return errno == ENOENT ? 0 : -errno;
}

static int rename_over_old(const struct staged_file *staged)
{
	if (renameat(staged->dir_fd, staged->temp_name, staged->dir_fd, staged->name) < 0)
		return -errno;
	return 0;
}

/* Puts the staged file where no file must be. */
static int rename_to_new(const struct staged_file *staged)
{
	if (renameat2(staged->dir_fd, staged->temp_name, staged->dir_fd, staged->name,
		      RENAME_NOREPLACE) >= 0)
		return 0;
	if (errno == EEXIST)
		return -ESTALE;
	if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
		return -errno;
	/* A file system that knows no flags: what was looked at just before has to do. */
	return rename_over_old(staged);
}

int staged_file_commit(struct staged_file *staged, const struct file_contents *was)
{
	int r;

	if (!staged->temp_name)
		return -EINVAL;
	r = file_check_at(staged->dir_fd, staged->name, was);
	if (r >= 0)
		r = was || staged->plain_rename ? rename_over_old(staged) : rename_to_new(staged);
	if (file_error_means_changed(r))
		staged_file_discard(staged);
	if (r < 0)
		return r;
	free(staged->temp_name);
	staged->temp_name = NULL;

	r = file_sync_fd(staged->dir_fd);
	return r < 0 ? r : 1;
}

int file_remove_at(int dir_fd, const char *name, struct file_contents was)
{
	int r;

	r = file_check_at(dir_fd, name, &was);
	if (r < 0)
		return r;
	if (unlinkat(dir_fd, name, 0) < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	r = file_sync_fd(dir_fd);
	return r < 0 ? r : 1;
}

int file_write_at(int dir_fd, const char *name, struct bytes now, mode_t mode, bool durable)
{
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;
	const struct file_attributes own = { .mode = mode, .uid = geteuid(), .gid = getegid() };
	int r;

	r = stage(dir_fd, name, now, &own, true, durable, &staged);
	if (r < 0)
		return r;
	r = rename_over_old(&staged);
	if (r < 0)
		return r;
	free(staged.temp_name);
	staged.temp_name = NULL;
	return durable ? file_sync_fd(dir_fd) : 0;
}
