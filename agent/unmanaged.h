/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that name NICs too, and that are not edited: the administrator is told of them. */
#pragma once

#include "recovery/document.h"
#include "snapshot/basic/root.h"

/**
 * struct unmanaged_file - One such file
 * @path: absolute in the tree, to be freed
 * @kind: whose it is, in words: "systemd-networkd"
 * @name: the first known NIC name in it, to be freed; NULL when it names none
 */
struct unmanaged_file {
	char *path;
	const char *kind;
	char *name;
};

struct unmanaged_files {
	struct unmanaged_file *items;
	size_t n_items;
	size_t allocated;
};

void unmanaged_files_done(struct unmanaged_files *files);

/**
 * unmanaged_find() - Look for files of networkd, netplan, NetworkManager and udev that name NICs
 * @names: names some NIC has or had
 *
 * Files that cannot be read are left out.
 *
 * Return: 0, or -ENOMEM.
 */
_must_check_ int unmanaged_find(const struct root *root, const struct name_set *names,
				struct unmanaged_files *ret_files);
