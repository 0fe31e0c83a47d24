/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tree the program works on: the live machine's "/", or a copy of one under --root. The only
 * place that knows where "/" is; everybody else passes paths like "/etc/network/interfaces" and
 * gets file descriptors.
 */
#pragma once

#include <sys/types.h>

#include "snapshot/basic/bytes.h"
#include "snapshot/basic/problem.h"

/**
 * struct root - An opened tree
 * @fd:   its top directory, O_PATH
 * @path: as the user named it; "/" for the live machine
 * @live: whether this is the machine the program runs on: only then anything is executed, waited
 *        for, or done to a driver
 */
struct root {
	int fd;
	char *path;
	bool live;
};

#define ROOT_INIT ((struct root){ .fd = -1 })

void root_done(struct root *root);

/**
 * root_open() - Open the tree to work on
 * @path: directory given with --root, or NULL for the live machine
 *
 * "--root /" is a tree like any other: not live.
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int root_open(const char *path, struct root *ret_root, struct problem *problem);

/**
 * root_openat() - Open a path of the tree
 * @path:  absolute in the tree: "/etc/network/interfaces"
 * @flags: open(2); O_CLOEXEC and O_NOCTTY are added
 * @mode:  for O_CREAT
 *
 * Every symbolic link on the way, the last one too unless O_NOFOLLOW is given, resolves inside the
 * tree (openat2(2) RESOLVE_IN_ROOT): no link leads out of it.
 *
 * Return: a file descriptor, or a negative errno.
 */
_must_check_ int root_openat(const struct root *root, const char *path, int flags, mode_t mode);

/**
 * root_open_directory() - Open a directory, made with its parents if @mode is not 0
 *
 * Directories that are made get @mode, whatever the umask is, and are on disk when this returns.
 *
 * Return: a file descriptor (O_RDONLY|O_DIRECTORY, so that it can be fsynced), or negative errno.
 */
_must_check_ int root_open_directory(const struct root *root, const char *path, mode_t mode);

/**
 * root_resolve() - Where a path of the tree ends when all its symbolic links are followed
 * @ret_path: absolute in the tree, without links, "." or "..", to be freed
 *
 * Return: 0, or a negative errno (-ENOENT, -ELOOP, …).
 */
_must_check_ int root_resolve(const struct root *root, const char *path, char **ret_path);

/**
 * root_glob() - Files of the tree that match a shell pattern
 * @pattern:   absolute in the tree; `*`, `?` and `[…]` in any component, never matching a leading
 *             dot unless written; a backslash is a character like any other. With a slash at its
 *             end only directories match
 * @ret_paths: sorted by byte, NULL-terminated, each and the array to be freed (root_glob_free());
 *             slashes are not doubled and do not end a path
 *
 * A pattern without wildcards gives itself if it exists. Links to directories are followed inside
 * the tree; the last component may be a link, also one that leads nowhere.
 *
 * Return: how many, 0 if none, or a negative errno; -E2BIG for more than ROOT_GLOB_MAX.
 */
#define ROOT_GLOB_MAX 65536
_must_check_ int root_glob(const struct root *root, const char *pattern, char ***ret_paths);
void root_glob_free(char **paths);

/* Whether something is there, links followed inside the tree. */
bool root_exists(const struct root *root, const char *path);

/**
 * root_show() - A path as the user can open it: with the tree's own path in front
 * @buffer: holds the text that is returned; reused by the next call with it
 *
 * Return: the text, or @path itself for the live machine.
 */
struct root_name {
	char text[4096];
};
const char *root_show(const struct root *root, const char *path, struct root_name *buffer);
