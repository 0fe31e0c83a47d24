/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pmxcfs, the file system that Proxmox VE mounts at /etc/pve: one database for all nodes of a
 * cluster. How a file is written there: file_stage_pmxcfs_at().
 */
#pragma once

#include "snapshot/basic/root.h"

/* Whether a path of the tree is below /etc/pve. */
_pure_ bool pmxcfs_owns(const char *path);

/**
 * pmxcfs_holds() - Whether pmxcfs's rules hold for a file
 * @path:   absolute in the tree
 * @dir_fd: its directory
 *
 * Not so in a copy of a machine, where /etc/pve is a directory like any other.
 *
 * Return: 1 or 0, or the errno of fstatfs(2): -ENOTCONN its daemon is dead.
 */
_must_check_ int pmxcfs_holds(const char *path, int dir_fd);

/**
 * pmxcfs_sync() - Put on disk what was written below /etc/pve
 *
 * fsync(2) does nothing there. The database is SQLite's in mode WAL with synchronous=NORMAL: what
 * was written last is lost with the power, unless its files are synced. Failing is a warning.
 */
void pmxcfs_sync(const struct root *root);
