/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

void sysfs_done(struct sysfs *sysfs)
{
	if (!sysfs)
		return;
	if (sysfs->dir)
		(void)closedir(sysfs->dir);
	*sysfs = (struct sysfs){ 0 };
}

int sysfs_open(const struct root *root, const char *path, struct sysfs *ret_sysfs)
{
	_cleanup_close_ int fd = -1;
	DIR *dir;

	fd = root_openat(root, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	(void)TAKE_FD(fd);
	*ret_sysfs = (struct sysfs){ .root = root, .path = path, .dir = dir };
	return 0;
}

int sysfs_next(const struct sysfs *sysfs, const char **ret_name)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(sysfs->dir);
		if (!entry)
			return -errno;
	} while (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
	*ret_name = entry->d_name;
	return 1;
}

struct name {
	char text[SYSFS_NAME_MAX];
};

/* The name from the directory on the live machine, from the top of the tree in a copy. */
static int make_name(const struct sysfs *sysfs, const char *entry, const char *attribute,
		     struct name *ret_name)
{
	bool live = sysfs->root->live;
	int n = snprintf(ret_name->text, sizeof(ret_name->text), "%s%s%s%s%s",
			 live ? "" : sysfs->path, live ? "" : "/", entry, attribute ? "/" : "",
			 attribute ? attribute : "");

	return n < 0 || (size_t)n >= sizeof(ret_name->text) ? -ENAMETOOLONG : 0;
}

int sysfs_open_file(const struct root *root, const char *path)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (root->live)
		return root_openat(root, path, O_RDONLY, 0);
	/* Opening alone makes some devices act, and blocks on a fifo. */
	fd = root_openat(root, path, O_PATH, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	return root_openat(root, path, O_RDONLY | O_NONBLOCK, 0);
}

static int open_attribute(const struct sysfs *sysfs, const char *name)
{
	int fd;

	if (!sysfs->root->live)
		return sysfs_open_file(sysfs->root, name);
	fd = openat(dirfd(sysfs->dir), name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void set_end(struct sysfs_text *text, size_t size)
{
	while (size > 0 && text->data[size - 1] == '\n')
		size--;
	text->data[size] = '\0';
	text->size = size;
}

int sysfs_read(const struct sysfs *sysfs, const char *entry, const char *attribute,
	       struct sysfs_text *ret_text)
{
	_cleanup_close_ int fd = -1;
	struct name name;
	ssize_t n;
	int r;

	r = make_name(sysfs, entry, attribute, &name);
	if (r < 0)
		return r;
	fd = open_attribute(sysfs, name.text);
	if (fd < 0)
		return fd;
	/* All of it at once: a second read may be of another value. */
	do {
		n = read(fd, ret_text->data, SYSFS_ATTRIBUTE_MAX);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	set_end(ret_text, (size_t)n);
	return 0;
}

int sysfs_read_link(const struct sysfs *sysfs, const char *entry, const char *attribute,
		    struct sysfs_text *ret_text)
{
	_cleanup_close_ int fd = -1;
	struct name name;
	ssize_t n;
	int r;

	r = make_name(sysfs, entry, attribute, &name);
	if (r < 0)
		return r;
	if (sysfs->root->live) {
		n = readlinkat(dirfd(sysfs->dir), name.text, ret_text->data, SYSFS_ATTRIBUTE_MAX);
	} else {
		fd = root_openat(sysfs->root, name.text, O_PATH | O_NOFOLLOW, 0);
		if (fd < 0)
			return fd;
		n = readlinkat(fd, "", ret_text->data, SYSFS_ATTRIBUTE_MAX);
		/* What an empty name gives for something that is no link. */
		if (n < 0 && errno == ENOENT)
			return -EINVAL;
	}
	if (n < 0)
		return -errno;
	set_end(ret_text, (size_t)n);
	return 0;
}

struct bytes sysfs_last_component(struct bytes path)
{
	size_t start = path.size;

	while (start > 0 && path.data[start - 1] != '/')
		start--;
	return bytes_slice(path, start, path.size - start);
}

bool sysfs_next_component(struct bytes *rest, struct bytes *ret_component)
{
	size_t start = 0, end;

	while (start < rest->size && rest->data[start] == '/')
		start++;
	end = start;
	while (end < rest->size && rest->data[end] != '/')
		end++;
	if (end == start)
		return false;
	*ret_component = bytes_slice(*rest, start, end - start);
	*rest = bytes_slice(*rest, end, rest->size - end);
	return true;
}

int sysfs_copy_word(struct arena *arena, struct bytes word, const char **ret_text)
{
	const char *copy;

	for (size_t i = 0; i < word.size; i++)
		if (word.data[i] < ' ' || word.data[i] > '~')
			return 0;
	if (word.size == 0)
		return 0;
	copy = arena_copy(arena, word);
	if (!copy)
		return -ENOMEM;
	*ret_text = copy;
	return 0;
}
