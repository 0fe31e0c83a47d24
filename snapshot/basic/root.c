/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/buffer.h"
#include "snapshot/basic/file.h"

/* Symbolic links followed for one path, as in the kernel (path_resolution(7)). */
#define LINKS_MAX 40
/* openat2(2) asks to be called again when a rename elsewhere races with a "..". */
#define ATTEMPTS_MAX 64

static void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

void root_done(struct root *root)
{
	if (!root)
		return;
	/* A zeroed object has no path, and 0 as a descriptor that is not its own. */
	if (root->path && root->fd >= 0)
		(void)close(root->fd);
	free(root->path);
	*root = ROOT_INIT;
}

int root_open(const char *path, struct root *ret_root, struct problem *problem)
{
	const char *shown = path ? path : "/";
	_cleanup_free_ char *copy = strdup(shown);
	int fd;

	if (!copy)
		return problem_set_errno(problem, -ENOMEM, shown, "open");
	fd = open(shown, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return problem_set_errno(problem, -errno, shown, "open");

	*ret_root = (struct root){ .fd = fd, .path = TAKE_PTR(copy), .live = !path };
	return 0;
}

int root_openat(const struct root *root, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		/* openat2(2), unlike open(2), refuses what makes no sense together. */
		.flags = (uint64_t)(flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY)),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	if (path[0] != '/')
		return -EINVAL;
	for (unsigned int attempt = 1;; attempt++) {
		long fd = syscall(SYS_openat2, root->fd, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if ((errno != EAGAIN && errno != EINTR) || attempt == ATTEMPTS_MAX)
			return -errno;
	}
}

/* Makes one directory in an existing one. */
static int make_directory(int parent_fd, const char *name, mode_t mode)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (mkdirat(parent_fd, name, mode) < 0)
		/* Somebody was faster; or it is a link that leads nowhere, which opening tells. */
		return errno == EEXIST ? 0 : -errno;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, mode) < 0)
		return -errno;
	r = file_sync_fd(fd);
	return r < 0 ? r : file_sync_fd(parent_fd);
}

/* The directory @path, whose parent exists; made if it is missing. */
static int open_or_make_directory(const struct root *root, int parent_fd, const char *path,
				  mode_t mode)
{
	const char *name = strrchr(path, '/') + 1;
	int fd, r;

	fd = root_openat(root, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd != -ENOENT)
		return fd;
	r = make_directory(parent_fd, name, mode);
	if (r < 0)
		return r;
	return root_openat(root, path, O_RDONLY | O_DIRECTORY, 0);
}

int root_open_directory(const struct root *root, const char *path, mode_t mode)
{
	_cleanup_free_ char *prefix = NULL;
	_cleanup_close_ int fd = -1;

	fd = root_openat(root, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd != -ENOENT || mode == 0)
		return TAKE_FD(fd);

	prefix = strdup(path);
	if (!prefix)
		return -ENOMEM;
	fd = root_openat(root, "/", O_RDONLY | O_DIRECTORY, 0);
	for (size_t end = 0; fd >= 0;) {
		size_t start = end + strspn(path + end, "/");
		int next;

		if (path[start] == '\0')
			return TAKE_FD(fd);
		end = start + strcspn(path + start, "/");
		prefix[end] = '\0';
		next = open_or_make_directory(root, fd, prefix, mode);
		prefix[end] = path[end];
		(void)close(fd);
		fd = next;
	}
	return TAKE_FD(fd);
}

/**
 * struct walk - A path on its way to being resolved
 * @done:  the part that is resolved, without links; empty for the top
 * @rest:  what remains, to be freed
 * @links: how many links were followed
 */
struct walk {
	struct buffer done;
	char *rest;
	unsigned int links;
};

static void walk_done(struct walk *walk)
{
	buffer_done(&walk->done);
	free(walk->rest);
}

static void walk_up(struct walk *walk)
{
	while (walk->done.size > 0 && walk->done.data[--walk->done.size] != '/')
		;
	if (walk->done.data)
		walk->done.data[walk->done.size] = '\0';
}

/* Puts a link's target in the place of the component that ends at @remaining. */
static int walk_follow(struct walk *walk, int fd, const char *remaining)
{
	char target[PATH_MAX];
	char *rest;
	ssize_t size;

	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	size = readlinkat(fd, "", target, sizeof(target) - 1);
	if (size < 0)
		return -errno;
	target[size] = '\0';
	if (size == 0)
		return -ENOENT;
	if (asprintf(&rest, "%s%s", target, remaining) < 0)
		return -ENOMEM;
	free(walk->rest);
	walk->rest = rest;

	if (target[0] == '/')
		walk->done.size = 0;
	else
		walk_up(walk);
	return 0;
}

/* Takes the name @name, @size bytes, which ends at @remaining. Return: 1 if it was a link. */
static int walk_down(const struct root *root, struct walk *walk, const char *name, size_t size,
		     const char *remaining)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	buffer_append_char(&walk->done, '/');
	buffer_append(&walk->done, bytes_make(name, size));
	if (walk->done.failed)
		return -ENOMEM;
	fd = root_openat(root, walk->done.data, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode)) {
		r = walk_follow(walk, fd, remaining);
		return r < 0 ? r : 1;
	}
	return remaining[0] == '/' && !S_ISDIR(st.st_mode) ? -ENOTDIR : 0;
}

int root_resolve(const struct root *root, const char *path, char **ret_path)
{
	_cleanup_(walk_done) struct walk walk = { 0 };
	const char *next;

	if (path[0] != '/')
		return -EINVAL;
	walk.rest = strdup(path);
	if (!walk.rest)
		return -ENOMEM;

	next = walk.rest;
	for (;;) {
		const char *name = next + strspn(next, "/");
		size_t size = strcspn(name, "/");
		int r = 0;

		next = name + size;
		if (size == 0)
			break;
		/* Nothing in the part that is done is a link, so going up is taking off a name. */
		if (size == 2 && memcmp(name, "..", 2) == 0)
			walk_up(&walk);
		else if (size != 1 || name[0] != '.')
			r = walk_down(root, &walk, name, size, next);
		if (r < 0)
			return r;
		if (r > 0)
			next = walk.rest;
	}
	if (walk.done.size == 0)
		buffer_append_char(&walk.done, '/');
	return buffer_finish(&walk.done, ret_path, NULL);
}

/* A growing list of paths that owns them. */
struct path_list {
	char **items;
	size_t n_items;
	size_t allocated;
};

static void path_list_done(struct path_list *list)
{
	for (size_t i = 0; i < list->n_items; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct path_list){ 0 };
}

static int path_list_add(struct path_list *list, const char *directory, struct bytes name)
{
	struct buffer path = { 0 };
	int r;

	if (list->n_items == ROOT_GLOB_MAX)
		return -E2BIG;
	r = ARRAY_RESERVE(list->items, list->n_items, list->allocated);
	if (r < 0)
		return r;
	buffer_append_text(&path, directory);
	if (strcmp(directory, "/") != 0)
		buffer_append_char(&path, '/');
	buffer_append(&path, name);
	r = buffer_finish(&path, &list->items[list->n_items], NULL);
	if (r < 0) {
		buffer_done(&path);
		return r;
	}
	list->n_items++;
	return 0;
}

/* Errors that mean that nothing of the name is there, as opposed to: could not look. */
static bool error_means_absent(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ELOOP || error == -ENAMETOOLONG;
}

/* Adds the names in @directory that match @pattern, one component. */
static int glob_directory(const struct root *root, const char *directory, const char *pattern,
			  struct path_list *found)
{
	_cleanup_(closedirp) DIR *dir = NULL;
	struct dirent *entry;
	int fd, r;

	fd = root_openat(root, directory, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return error_means_absent(fd) ? 0 : fd;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fnmatch(pattern, entry->d_name, FNM_PERIOD | FNM_NOESCAPE) != 0)
			continue;
		r = path_list_add(found, directory, bytes_of(entry->d_name));
		if (r < 0)
			return r;
	}
	return -errno;
}

/* Replaces every path of @list by what component @name, wildcards or not, gives below it. */
static int glob_component(const struct root *root, struct path_list *list, struct bytes name)
{
	_cleanup_(path_list_done) struct path_list found = { 0 };
	_cleanup_free_ char *pattern = NULL;
	struct path_list before = *list;
	int r;

	r = bytes_duplicate(name, &pattern);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list->n_items; i++) {
		if (strpbrk(pattern, "*?["))
			r = glob_directory(root, list->items[i], pattern, &found);
		else
			r = path_list_add(&found, list->items[i], name);
		if (r < 0)
			return r;
	}
	*list = found;
	found = before;
	return 0;
}

/* Whether @path is there; a link that leads nowhere is, unless it has to be a directory. */
static int name_exists(const struct root *root, const char *path, bool directory)
{
	_cleanup_close_ int fd = -1;

	fd = root_openat(root, path, O_PATH | (directory ? O_DIRECTORY : O_NOFOLLOW), 0);
	if (fd < 0)
		return error_means_absent(fd) ? 0 : fd;
	return 1;
}

/* Drops what is not there: components without wildcards were taken on trust. */
static int path_list_keep_existing(const struct root *root, struct path_list *list, bool directory)
{
	size_t kept = 0;
	int r = 0;

	for (size_t i = 0; i < list->n_items; i++) {
		if (r >= 0)
			r = name_exists(root, list->items[i], directory);
		if (r == 0)
			free(list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->n_items = kept;
	return r < 0 ? r : 0;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The list as the caller gets it: sorted and ended by NULL. Takes the paths out of @list. */
static int path_list_finish(struct path_list *list, char ***ret_paths)
{
	int r = ARRAY_RESERVE(list->items, list->n_items, list->allocated);

	if (r < 0)
		return r;
	if (list->n_items > 0)
		qsort(list->items, list->n_items, sizeof(*list->items), compare_paths);
	list->items[list->n_items] = NULL;
	*ret_paths = list->items;
	*list = (struct path_list){ 0 };
	return 0;
}

int root_glob(const struct root *root, const char *pattern, char ***ret_paths)
{
	_cleanup_(path_list_done) struct path_list list = { 0 };
	size_t size = strlen(pattern), n;
	bool directory;
	int r;

	if (pattern[0] != '/')
		return -EINVAL;
	if (size >= PATH_MAX)
		return -ENAMETOOLONG;
	directory = pattern[size - 1] == '/';

	r = path_list_add(&list, "/", BYTES_NONE);
	for (const char *next = pattern; r >= 0;) {
		const char *name = next + strspn(next, "/");

		next = name + strcspn(name, "/");
		if (next == name)
			break;
		r = glob_component(root, &list, bytes_make(name, (size_t)(next - name)));
	}
	if (r >= 0)
		r = path_list_keep_existing(root, &list, directory);
	if (r < 0)
		return r;
	n = list.n_items;
	r = path_list_finish(&list, ret_paths);
	return r < 0 ? r : (int)n;
}

void root_glob_free(char **paths)
{
	if (!paths)
		return;
	for (size_t i = 0; paths[i]; i++)
		free(paths[i]);
	free(paths);
}

bool root_exists(const struct root *root, const char *path)
{
	_cleanup_close_ int fd = root_openat(root, path, O_PATH, 0);

	return fd >= 0;
}

const char *root_show(const struct root *root, const char *path, struct root_name *buffer)
{
	size_t size;
	int shown;

	if (root->live)
		return path;
	for (size = strlen(root->path); size > 0 && root->path[size - 1] == '/';)
		size--;
	shown = snprintf(buffer->text, sizeof(buffer->text), "%.*s%s", (int)size, root->path, path);
	/* Cut off it would name something else. */
	return shown < 0 || (size_t)shown >= sizeof(buffer->text) ? path : buffer->text;
}
