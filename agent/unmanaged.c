/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/unmanaged.h"

#include <errno.h>
#include <fcntl.h>

#include "recovery/source.h"
#include "recovery/sources/token.h"

/* systemd.network(5), systemd.link(5), netplan(5), nm-settings-keyfile(5). */
static const struct {
	const char *glob;
	const char *kind;
} places[] = {
	{ "/etc/systemd/network/*.network", "systemd-networkd" },
	{ "/etc/systemd/network/*.netdev", "systemd-networkd" },
	{ "/etc/systemd/network/*.link", "systemd.link" },
	{ "/usr/local/lib/systemd/network/*.link", "systemd.link" },
	{ "/etc/netplan/*.yaml", "netplan" },
	{ "/etc/NetworkManager/system-connections/*", "NetworkManager" },
	{ "/etc/udev/rules.d/70-persistent-net.rules", "udev" },
};

void unmanaged_files_done(struct unmanaged_files *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < files->n_items; i++) {
		free(files->items[i].path);
		free(files->items[i].name);
	}
	free(files->items);
	*files = (struct unmanaged_files){ 0 };
}

/* The first NIC name in a file. Return: 1 with @ret_name, 0 if there is none, or -ENOMEM. */
static int find_name(const struct root *root, const char *path, const struct name_set *names,
		     char **ret_name)
{
	_cleanup_close_ int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK, 0);
	_cleanup_free_ char *text = NULL;
	struct token_search search;
	struct token token;
	size_t size = 0;

	if (fd < 0 || file_read_fd(fd, MANAGED_FILE_MAX, &text, &size) < 0)
		return 0;
	search = (struct token_search){ .text = bytes_make(text, size), .names = names };
	if (!token_next(&search, &token))
		return 0;
	return bytes_duplicate(bytes_slice(search.text, token.span.offset, token.span.length),
			       ret_name) < 0
		       ? -ENOMEM
		       : 1;
}

static int add_file(const struct root *root, const char *path, const char *kind,
		    const struct name_set *names, struct unmanaged_files *files)
{
	char *name = NULL, *copy = NULL;
	int r;

	r = find_name(root, path, names, &name);
	if (r <= 0)
		return r;
	if (ARRAY_RESERVE(files->items, files->n_items, files->allocated) < 0 ||
	    bytes_duplicate(bytes_of(path), &copy) < 0) {
		free(name);
		return -ENOMEM;
	}
	files->items[files->n_items++] = (struct unmanaged_file){ copy, kind, name };
	return 0;
}

int unmanaged_find(const struct root *root, const struct name_set *names,
		   struct unmanaged_files *ret_files)
{
	struct unmanaged_files files = { 0 };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places) && r == 0; i++) {
		char **paths = NULL;
		int n = root_glob(root, places[i].glob, &paths);

		for (int j = 0; j < n && r == 0; j++)
			r = add_file(root, paths[j], places[i].kind, names, &files);
		if (n >= 0)
			root_glob_free(paths);
		if (n == -ENOMEM)
			r = n;
	}
	if (r < 0) {
		unmanaged_files_done(&files);
		return r;
	}
	*ret_files = files;
	return 0;
}
