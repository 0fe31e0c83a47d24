/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which program reads interfaces(5) in a tree. Its own files decide: conffiles under /etc stay
 * when a package is removed, and what a file looks like tells nothing.
 */
#include <fcntl.h>

#include "recovery/sources/interfaces-private.h"

/* No file that is looked into here comes near. */
#define FILE_MAX        (4U * 1024 * 1024)
#define STATUS_FILE_MAX (64U * 1024 * 1024)

static const char *const dialect_names[_DIALECT_MAX] = {
	[DIALECT_IFUPDOWN] = "ifupdown",
	[DIALECT_IFUPDOWN2] = "ifupdown2",
	[DIALECT_IFUPDOWN2_3_9] = "ifupdown2-3.9",
	[DIALECT_IFUPDOWN_NG] = "ifupdown-ng",
};

const char *interfaces_dialect_to_string(enum interfaces_dialect dialect)
{
	if (dialect < 0 || dialect >= _DIALECT_MAX)
		return NULL;
	return dialect_names[dialect];
}

enum interfaces_dialect interfaces_dialect_from_string(const char *text)
{
	for (int i = 0; i < _DIALECT_MAX; i++)
		if (text && strcmp(text, dialect_names[i]) == 0)
			return (enum interfaces_dialect)i;
	return _DIALECT_INVALID;
}

static const char *const ifupdown2_directories[] = {
	"/usr/share/ifupdown2",
	"/usr/lib/python3/dist-packages/ifupdown2",
	"/usr/local/lib/python3*/dist-packages/ifupdown2",
	"/usr/lib/python3*/site-packages/ifupdown2",
};

static const char *const ifupdown_ng_files[] = {
	"/usr/libexec/ifupdown-ng/link",
	"/sbin/ifupdown",
	"/usr/sbin/ifupdown",
};

static const char *const ifupdown_files[] = {
	"/lib/ifupdown/wait-online.sh",
	"/usr/lib/ifupdown/wait-online.sh",
	"/sbin/ifup",
	"/usr/sbin/ifup",
};

static const char *const mako_files[] = {
	"/usr/lib/python3/dist-packages/mako/template.py",
	"/usr/local/lib/python3*/dist-packages/mako/template.py",
	"/usr/lib/python3*/site-packages/mako/template.py",
};

/* The first place that a pattern gives; NULL if there is none. */
static char *first_match(const struct root *root, const char *pattern)
{
	char **paths = NULL, *first = NULL;

	if (root_glob(root, pattern, &paths) > 0) {
		first = paths[0];
		/* root_glob_free() stops at the first NULL. */
		for (size_t i = 1; paths[i]; i++)
			free(paths[i]);
		paths[0] = NULL;
	}
	root_glob_free(paths);
	return first;
}

static bool one_exists(const struct root *root, const char *const *paths, size_t n_paths)
{
	for (size_t i = 0; i < n_paths; i++)
		if (root_exists(root, paths[i]))
			return true;
	return false;
}

bool interfaces_has_templates(const struct root *root)
{
	for (size_t i = 0; i < ARRAY_SIZE(mako_files); i++) {
		_cleanup_free_ char *found = first_match(root, mako_files[i]);

		if (found)
			return true;
	}
	return false;
}

static char *read_file(const struct root *root, const char *path, size_t limit, size_t *ret_size)
{
	_cleanup_close_ int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK, 0);
	char *text;

	if (fd < 0 || file_read_fd(fd, limit, &text, ret_size) < 0)
		return NULL;
	return text;
}

static char *read_in(const struct root *root, const char *directory, const char *name,
		     size_t *ret_size)
{
	_cleanup_(buffer_done) struct buffer path = { 0 };

	buffer_appendf(&path, "%s/%s", directory, name);
	return path.failed ? NULL : read_file(root, path.data, FILE_MAX, ret_size);
}

static unsigned int take_number(const char **text)
{
	unsigned int number = 0;

	for (; **text >= '0' && **text <= '9' && number < 1000; ++*text)
		number = number * 10 + (unsigned int)(**text - '0');
	return number;
}

/* 3.2 is the first release that has source-directory and relative names. */
static bool is_modern(const char *version)
{
	unsigned int major = take_number(&version), minor = 0;

	if (*version == '.') {
		version++;
		minor = take_number(&version);
	}
	return major > 3 || (major == 3 && minor >= 2);
}

/* The paragraph of an installed package in dpkg's database; NULL when it is not installed. */
static const char *installed_package(const char *status, const char *name)
{
	_cleanup_(buffer_done) struct buffer head = { 0 };
	const char *found, *end, *installed;

	buffer_appendf(&head, "Package: %s\n", name);
	if (head.failed)
		return NULL;
	for (found = status; (found = strstr(found, head.data)); found++)
		if (found == status || found[-1] == '\n')
			break;
	if (!found)
		return NULL;
	end = strstr(found, "\n\n");
	installed = strstr(found, "\nStatus: install ok installed\n");
	return installed && (!end || installed < end) ? found : NULL;
}

static const char *package_version(const char *paragraph)
{
	const char *end = strstr(paragraph, "\n\n");
	const char *version = strstr(paragraph, "\nVersion: ");

	return version && (!end || version < end) ? version + strlen("\nVersion: ") : "";
}

static char *read_status(const struct root *root)
{
	size_t size;

	return read_file(root, "/var/lib/dpkg/status", STATUS_FILE_MAX, &size);
}

/*
 * Distributions number and patch their builds differently, so the parser itself is asked for what
 * it does. Where a tree has only a part of the package, its version has to do.
 */
static enum interfaces_dialect ifupdown2_dialect(const struct root *root, const char *directory)
{
	_cleanup_free_ char *code = NULL, *init = NULL, *status = NULL;
	const char *version, *package;
	bool modern = false;
	size_t size;

	code = read_in(root, directory, "ifupdown/networkinterfaces.py", &size);
	init = code ? NULL : read_in(root, directory, "__init__.py", &size);
	version = init ? strstr(init, "__version__ = '") : NULL;
	if (code) {
		modern = strstr(code, "source-directory");
	} else if (version) {
		modern = is_modern(version + strlen("__version__ = '"));
	} else {
		status = read_status(root);
		package = status ? installed_package(status, "ifupdown2") : NULL;
		modern = package && is_modern(package_version(package));
	}
	return modern ? DIALECT_IFUPDOWN2_3_9 : DIALECT_IFUPDOWN2;
}

static const char *const ifupdown2_files[] = {
	"ifupdown/networkinterfaces.py",
	"__main__.py",
	"__init__.py",
	"ifupdown2",
};

/* Where ifupdown2 lives in this tree; NULL if it does not. */
static char *find_ifupdown2(const struct root *root)
{
	for (size_t i = 0; i < ARRAY_SIZE(ifupdown2_directories); i++) {
		_cleanup_free_ char *directory = first_match(root, ifupdown2_directories[i]);

		for (size_t j = 0; directory && j < ARRAY_SIZE(ifupdown2_files); j++) {
			_cleanup_(buffer_done) struct buffer path = { 0 };

			buffer_appendf(&path, "%s/%s", directory, ifupdown2_files[j]);
			if (!path.failed && root_exists(root, path.data))
				return TAKE_PTR(directory);
		}
	}
	return NULL;
}

/* A copy of a machine may hold no programs, but what was installed is on record. */
static enum interfaces_dialect dialect_on_record(const struct root *root)
{
	_cleanup_free_ char *status = read_status(root);
	const char *package;

	package = status ? installed_package(status, "ifupdown2") : NULL;
	if (package)
		return is_modern(package_version(package)) ? DIALECT_IFUPDOWN2_3_9
							   : DIALECT_IFUPDOWN2;
	if (status && installed_package(status, "ifupdown-ng"))
		return DIALECT_IFUPDOWN_NG;
	return DIALECT_IFUPDOWN;
}

enum interfaces_dialect interfaces_detect_dialect(const struct root *root)
{
	_cleanup_free_ char *ifupdown2 = find_ifupdown2(root);

	if (ifupdown2)
		return ifupdown2_dialect(root, ifupdown2);
	if (one_exists(root, ifupdown_ng_files, ARRAY_SIZE(ifupdown_ng_files)))
		return DIALECT_IFUPDOWN_NG;
	if (one_exists(root, ifupdown_files, ARRAY_SIZE(ifupdown_files)))
		return DIALECT_IFUPDOWN;
	return dialect_on_record(root);
}
