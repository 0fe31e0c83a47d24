/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is in a boot image that unmkinitramfs(8) took apart. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>

#include "agent/image-private.h"

#define ORDER_PATH     "/scripts/init-top/ORDER"
#define ORDER_MAX_SIZE (1024U * 1024)

static void fts_closep(FTS **tree)
{
	if (*tree)
		(void)fts_close(*tree);
}

/* Return: 0, or a negative errno. */
static int open_tree(const char *directory, FTS **ret_tree)
{
	_cleanup_free_ char *path = NULL;
	char *paths[2] = { NULL, NULL };
	int r;

	r = bytes_duplicate(bytes_of(directory), &path);
	if (r < 0)
		return r;
	paths[0] = path;
	*ret_tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	return *ret_tree ? 0 : -errno;
}

/* Return: 0, or why an entry could not be looked at. */
static int entry_error(const FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return entry->fts_errno > 0 ? -entry->fts_errno : -EIO;
	default:
		return 0;
	}
}

/* The path in the image: without the folder of the part of the image it is in. */
static const char *path_in_image(const char *path)
{
	const char *rest;

	if (strncmp(path, "/main/", 6) == 0)
		return path + 5;
	if (strncmp(path, "/early", 6) != 0)
		return path;
	rest = path + 6 + strspn(path + 6, "0123456789");
	return *rest == '/' ? rest : path;
}

/* The name in "…/NAME.ko", "…/NAME.ko.xz"; no bytes for another file. */
static struct bytes module_name(struct bytes path)
{
	const char *slash = memrchr(path.data, '/', path.size), *suffix;
	size_t start = slash ? (size_t)(slash + 1 - path.data) : 0;
	struct bytes name = bytes_slice(path, start, path.size - start);

	suffix = bytes_find(name, ".ko");
	if (!suffix || (suffix + 3 < name.data + name.size && suffix[3] != '.'))
		return BYTES_NONE;
	return bytes_slice(name, 0, (size_t)(suffix - name.data));
}

/* The kernel takes '-' and '_' for the same in names of modules. */
static bool module_name_is(struct bytes name, const char *module)
{
	if (name.size == 0 || name.size != strlen(module))
		return false;
	for (size_t i = 0; i < name.size; i++)
		if ((name.data[i] == '-' ? '_' : name.data[i]) != module[i])
			return false;
	return true;
}

bool modules_dep_has(struct bytes text, const char *module)
{
	for (size_t at = 0; at < text.size;) {
		struct bytes rest = bytes_slice(text, at, text.size - at);
		const char *end = memchr(rest.data, '\n', rest.size), *colon;
		size_t size = end ? (size_t)(end - rest.data) : rest.size;

		colon = memchr(rest.data, ':', size);
		if (colon &&
		    module_name_is(module_name(bytes_slice(rest, 0, (size_t)(colon - rest.data))),
				   module))
			return true;
		at += size + 1;
	}
	return false;
}

static bool is_of_kernel(const char *path, const char *version)
{
	size_t size = strlen(version);

	if (strncmp(path, "/usr", 4) == 0)
		path += 4;
	return strncmp(path, "/lib/modules/", 13) == 0 && strncmp(path + 13, version, size) == 0 &&
	       path[13 + size] == '/';
}

/* The script's lines are "/scripts/init-top/NAME "$@"", with others between them. */
static void look_at_order(struct bytes text, struct image_findings *findings)
{
	const struct bytes call = bytes_of(GUARD_SCRIPT_PATH " ");
	const struct bytes script = bytes_of("/scripts/init-top/");
	bool first = true;

	for (size_t at = 0; at < text.size;) {
		struct bytes rest = bytes_slice(text, at, text.size - at);
		const char *end = memchr(rest.data, '\n', rest.size);
		struct bytes line =
			bytes_slice(rest, 0, end ? (size_t)(end - rest.data) : rest.size);

		if (bytes_start_with(line, script)) {
			if (bytes_start_with(line, call)) {
				findings->runs_guard = true;
				findings->guard_first = first;
				return;
			}
			first = false;
		}
		at += line.size + 1;
	}
}

static int read_order(const char *path, struct image_findings *findings)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	r = fd < 0 ? -errno : file_read_fd(fd, ORDER_MAX_SIZE, &text, &size);
	if (r == 0)
		look_at_order(bytes_make(text, size), findings);
	return r;
}

static int look_at_file(const FTSENT *entry, const char *path, const char *version,
			char *const *modules, size_t n_modules, struct image_findings *findings)
{
	struct bytes module = BYTES_NONE;

	if (strcmp(path, ORDER_PATH) == 0)
		return read_order(entry->fts_accpath, findings);
	if (strcmp(path, GUARD_PATH) == 0)
		findings->guard = (entry->fts_statp->st_mode & 0111) != 0;
	else if (strcmp(path, IMAGE_MANIFEST_PATH) == 0)
		findings->manifest = true;
	if (is_of_kernel(path, version))
		module = module_name(bytes_of(path));
	for (size_t i = 0; i < n_modules; i++)
		findings->modules[i] |= module_name_is(module, modules[i]);
	return 0;
}

int image_look(const char *directory, const char *version, char *const *modules, size_t n_modules,
	       struct image_findings *ret_findings, struct problem *problem)
{
	struct image_findings findings = { .modules = ret_findings->modules };
	_cleanup_(fts_closep) FTS *tree = NULL;
	size_t top = strlen(directory);
	FTSENT *entry;
	int r;

	r = open_tree(directory, &tree);
	while (r == 0 && (errno = 0, entry = fts_read(tree))) {
		r = entry_error(entry);
		if (r == 0 && entry->fts_info == FTS_F)
			r = look_at_file(entry, path_in_image(entry->fts_path + top), version,
					 modules, n_modules, &findings);
	}
	if (r == 0 && errno != 0)
		r = -errno;
	if (r < 0)
		return problem_set_errno(problem, r, directory, "read");
	*ret_findings = findings;
	return 0;
}

int directory_remove(const char *directory)
{
	_cleanup_(fts_closep) FTS *tree = NULL;
	FTSENT *entry;
	int r;

	if (access(directory, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = open_tree(directory, &tree);
	while (r == 0 && (errno = 0, entry = fts_read(tree))) {
		r = entry_error(entry);
		if (r < 0 || entry->fts_info == FTS_D)
			continue;
		if ((entry->fts_info == FTS_DP ? rmdir(entry->fts_accpath)
					       : unlink(entry->fts_accpath)) < 0)
			r = -errno;
	}
	return r < 0 ? r : -errno;
}
