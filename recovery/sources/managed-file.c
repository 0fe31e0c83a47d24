/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/managed-file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "recovery/sources/bind-words.h"

static const char *unfit_cause(struct document *document, int error)
{
	_cleanup_(buffer_done) struct buffer text = { 0 };

	switch (error) {
	case -ELOOP:
		return "is a symbolic link that leads out of the tree";
	case -EMLINK:
		return "has a second hard link";
	case -ENOTSUP:
		return "is a fifo, device or socket";
	case -EFBIG:
		return "is larger than 1 MiB";
	case -EILSEQ:
		return "holds NUL bytes";
	default:
		buffer_appendf(&text, "cannot be read: %s", strerror(-error));
		return text.failed ? NULL : arena_copy(&document->arena, buffer_bytes(&text));
	}
}

static struct document *add_document(const struct source *source, const char *path,
				     struct documents *documents)
{
	struct document *document = documents_add(documents, path);

	if (document)
		document->source = source;
	return document;
}

/* A file that is left alone because of @error. */
static int add_failed(const struct source *source, const char *path, int error,
		      struct documents *documents)
{
	struct document *document;

	if (error == -ENOMEM)
		return error;
	document = add_document(source, path, documents);
	if (!document)
		return -ENOMEM;
	document->unfit = unfit_cause(document, error);
	return document->unfit ? 1 : -ENOMEM;
}

/* Opens the directory that a resolved path is in. */
static int open_parent(const struct root *root, const char *path, const char **ret_name)
{
	_cleanup_free_ char *directory = NULL;
	const char *name = strrchr(path, '/') + 1;
	int r = bytes_duplicate(bytes_make(path, (size_t)(name - path)), &directory);

	if (r < 0)
		return r;
	*ret_name = name;
	return root_open_directory(root, directory, 0);
}

/*
 * Whether the file itself, not a directory on the way, is a link to somewhere else than /etc: what
 * is kept there is not ours to replace.
 */
static int leads_out(const struct root *root, const char *opened, const char *resolved)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (strncmp(resolved, "/etc/", strlen("/etc/")) == 0)
		return 0;
	fd = root_openat(root, opened, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	return fstat(fd, &st) < 0 ? -errno : S_ISLNK(st.st_mode);
}

static bool is_directory(const struct root *root, const char *path)
{
	_cleanup_close_ int fd = root_openat(root, path, O_PATH | O_DIRECTORY, 0);

	return fd >= 0;
}

/* Return: 1 if it was added, 0 if there is no such file, or a negative errno. */
static int read_document_at(const struct source *source, int dir_fd, const char *name,
			    const char *path, struct documents *documents)
{
	struct file_attributes attributes = { 0 };
	_cleanup_free_ char *data = NULL;
	struct document *document;
	size_t size;
	int r;

	r = file_read_managed_at(dir_fd, name, MANAGED_FILE_MAX, &data, &size, &attributes);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	document = add_document(source, path, documents);
	if (!document) {
		file_attributes_done(&attributes);
		return -ENOMEM;
	}
	document->data = TAKE_PTR(data);
	document->size = size;
	document->attributes = attributes;
	return 1;
}

static int read_document(const struct source *source, const struct root *root, const char *path,
			 struct documents *documents)
{
	const char *name;
	_cleanup_close_ int fd = open_parent(root, path, &name);
	int r = fd;

	if (fd >= 0)
		r = read_document_at(source, fd, name, path, documents);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? add_failed(source, path, r, documents) : r;
}

int managed_file_add(const struct source *source, const struct root *root, const char *path,
		     struct documents *documents)
{
	_cleanup_free_ char *resolved = NULL;
	int r = root_resolve(root, path, &resolved);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (documents_find(documents, r < 0 ? path : resolved))
		return 0;
	if (r < 0)
		return add_failed(source, path, r, documents);
	if (is_directory(root, resolved))
		return 0;
	r = leads_out(root, path, resolved);
	if (r == 0)
		return read_document(source, root, resolved, documents);
	if (documents_find(documents, path))
		return 0;
	return add_failed(source, path, r > 0 ? -ELOOP : r, documents);
}

static int add_unfit(const struct source *source, const char *path, const char *cause,
		     struct documents *documents)
{
	struct document *document;

	if (documents_find(documents, path))
		return 0;
	document = add_document(source, path, documents);
	if (!document)
		return -ENOMEM;
	document->unfit = cause;
	return 1;
}

static size_t count_documents(const struct source *source, const struct documents *documents)
{
	size_t n = 0;

	for (size_t i = 0; i < documents->n_items; i++)
		n += documents->items[i]->source == source;
	return n;
}

static int add_all(const struct source *source, const struct root *root, char *const *paths,
		   bool (*wanted)(const struct root *root, const char *path, const char **cause),
		   struct documents *documents)
{
	size_t n = count_documents(source, documents);

	for (size_t i = 0; paths[i]; i++) {
		const char *cause = NULL;
		int r;

		if (wanted && !wanted(root, paths[i], &cause))
			continue;
		if (n >= MANAGED_FILES_MAX)
			return document_add_note(documents->items[documents->n_items - 1], 1,
						 "%s: more than %u files: the others are not read",
						 source->name, MANAGED_FILES_MAX);
		r = cause ? add_unfit(source, paths[i], cause, documents)
			  : managed_file_add(source, root, paths[i], documents);
		if (r < 0)
			return r;
		n += (size_t)r;
	}
	return 0;
}

/**
 * struct names - Names in a folder
 */
struct names {
	char **items;
	size_t n_items;
	size_t allocated;
};

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n_items; i++)
		free(names->items[i]);
	free(names->items);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_folder(int dir_fd, bool (*wanted)(const char *name), struct names *names)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!folder) {
		r = -errno;
		if (fd >= 0)
			(void)close(fd);
		return r;
	}
	while (r == 0 && (errno = 0, entry = readdir(folder))) {
		if (!wanted(entry->d_name))
			continue;
		r = ARRAY_RESERVE(names->items, names->n_items, names->allocated);
		if (r == 0)
			r = bytes_duplicate(bytes_of(entry->d_name), &names->items[names->n_items]);
		if (r == 0)
			names->n_items++;
	}
	if (r == 0 && errno)
		r = -errno;
	(void)closedir(folder);
	if (names->n_items > 1)
		qsort(names->items, names->n_items, sizeof(*names->items), compare_names);
	return r;
}

static int read_in_folder(const struct source *source, const struct root *root, int dir_fd,
			  const char *folder, const char *name, struct documents *documents)
{
	_cleanup_(buffer_done) struct buffer path = { 0 };
	int r;

	buffer_appendf(&path, "%s/%s", folder, name);
	if (path.failed)
		return -ENOMEM;
	if (documents_find(documents, path.data))
		return 0;
	r = read_document_at(source, dir_fd, name, path.data, documents);
	/* A link, or no file at all: looked at as one that stands alone. */
	if (r == -ELOOP || r == -ENOTSUP)
		return managed_file_add(source, root, path.data, documents);
	return r < 0 ? add_failed(source, path.data, r, documents) : r;
}

static int read_folder(const struct source *source, const struct root *root, int dir_fd,
		       const char *folder, bool (*wanted)(const char *name),
		       struct documents *documents)
{
	_cleanup_(names_done) struct names names = { 0 };
	int r = list_folder(dir_fd, wanted, &names);
	size_t n = 0;

	for (size_t i = 0; i < names.n_items && r >= 0; i++) {
		if (n >= MANAGED_FILES_MAX)
			return document_add_note(documents->items[documents->n_items - 1], 1,
						 "%s: more than %u files: the others are not read",
						 source->name, MANAGED_FILES_MAX);
		r = read_in_folder(source, root, dir_fd, folder, names.items[i], documents);
		n += r > 0;
	}
	return MIN_OF(r, 0);
}

int managed_folder_collect(const struct source *source, const struct root *root, const char *folder,
			   bool (*wanted)(const char *name), struct documents *documents,
			   struct problem *problem)
{
	_cleanup_free_ char *resolved = NULL;
	_cleanup_close_ int dir_fd = -1;
	int r = root_resolve(root, folder, &resolved);

	if (r == 0) {
		dir_fd = root_open_directory(root, resolved, 0);
		r = dir_fd < 0 ? dir_fd
			       : read_folder(source, root, dir_fd, resolved, wanted, documents);
	}
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	return r < 0 ? problem_set_errno(problem, r, folder, "read") : 0;
}

bool managed_file_may_bind(const struct root *root, const char *path, const char **cause)
{
	_cleanup_close_ int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
	_cleanup_free_ char *text = NULL;
	size_t size;

	(void)cause;
	if (fd != -ELOOP)
		return true;
	fd = root_openat(root, path, O_RDONLY | O_NONBLOCK, 0);
	return fd < 0 || file_read_fd(fd, MANAGED_FILE_MAX, &text, &size) < 0 ||
	       bind_command_binds(bytes_make(text, size));
}

int managed_files_collect(const struct source *source, const struct root *root, const char *pattern,
			  bool (*wanted)(const struct root *root, const char *path,
					 const char **cause),
			  struct documents *documents, struct problem *problem)
{
	char **paths = NULL;
	int r = root_glob(root, pattern, &paths);

	if (r >= 0) {
		r = add_all(source, root, paths, wanted, documents);
		root_glob_free(paths);
	}
	return r < 0 ? problem_set_errno(problem, r, pattern, "read") : 0;
}

int managed_file_check_nothing(const struct source *source, const struct scan_context *context,
			       const struct documents *documents, const struct bytes *texts,
			       struct problem *problem)
{
	(void)source;
	(void)context;
	(void)documents;
	(void)texts;
	(void)problem;
	return 0;
}
