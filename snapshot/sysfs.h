/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One directory of a kernel's /sys, or of a copy of it, read through a directory fd of our own. */
#pragma once

#include <dirent.h>

#include "snapshot/basic/arena.h"
#include "snapshot/basic/root.h"

/**
 * struct sysfs - An opened directory
 * @root: the tree it is in
 * @path: where in it: "/sys/bus/pci/devices"
 * @dir:  the directory, to be read and to be found things in
 *
 * On the live machine names are looked up from the directory: /sys is the kernel's, and each path
 * walk counts. In a copy every link is kept inside the tree and only regular files are opened.
 */
struct sysfs {
	const struct root *root;
	const char *path;
	DIR *dir;
};

void sysfs_done(struct sysfs *sysfs);

/* Return: 0, or a negative errno. */
_must_check_ int sysfs_open(const struct root *root, const char *path, struct sysfs *ret_sysfs);

/**
 * sysfs_next() - The next entry of the directory, "." and ".." left out
 * @ret_name: valid until the next call
 *
 * Return: 1, 0 at the end, or a negative errno.
 */
_must_check_ int sysfs_next(const struct sysfs *sysfs, const char **ret_name);

/* Longest name below the directory: "0000:06:00.0/firmware_node/path". */
#define SYSFS_NAME_MAX 512
/* An attribute is a page at most. */
#define SYSFS_ATTRIBUTE_MAX 4096

/**
 * struct sysfs_text - What an attribute holds, or where a link leads
 * @data: @size bytes and a NUL; newlines at the end are taken off
 */
struct sysfs_text {
	size_t size;
	char data[SYSFS_ATTRIBUTE_MAX + 1];
};

static inline struct bytes sysfs_bytes(const struct sysfs_text *text)
{
	return bytes_make(text->data, text->size);
}

/**
 * sysfs_read(), sysfs_read_link() - Read an attribute, or where a link leads
 * @entry:     an entry of the directory
 * @attribute: a name below it ("uevent", "device/driver"), or NULL for the entry itself
 *
 * Return: 0, or a negative errno: -ENOENT when there is none, -EINVAL when it is no link.
 */
_must_check_ int sysfs_read(const struct sysfs *sysfs, const char *entry, const char *attribute,
			    struct sysfs_text *ret_text);
_must_check_ int sysfs_read_link(const struct sysfs *sysfs, const char *entry,
				 const char *attribute, struct sysfs_text *ret_text);

/* Open one regular file by its path in the tree, for reading. Return: a descriptor or an errno. */
_must_check_ int sysfs_open_file(const struct root *root, const char *path);

/* What stands behind the last '/'. */
_pure_ struct bytes sysfs_last_component(struct bytes path);

/**
 * sysfs_next_component() - Split the first component off a path
 * @rest: the path; what is left of it afterwards
 *
 * Return: whether there was one.
 */
bool sysfs_next_component(struct bytes *rest, struct bytes *ret_component);

/**
 * sysfs_copy_word() - Copy a name the kernel or firmware gave
 *
 * Return: 0 with *@ret_text the copy, or as it was when @word is empty or holds a byte that is not
 * printable ASCII; or -ENOMEM.
 */
_must_check_ int sysfs_copy_word(struct arena *arena, struct bytes word, const char **ret_text);
