/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The locks that Proxmox VE itself takes before it edits a file in /etc/pve: a guest's, by flock(2)
 * on a file in /run (of this node, where alone its guests are edited), and the cluster's, by making
 * a folder in /etc/pve/priv/lock.
 */
#pragma once

#include "snapshot/basic/problem.h"
#include "snapshot/basic/root.h"

struct pve_lock;

/**
 * struct pve_locks - Locks that are held
 * @root:  where; must outlive them
 * @items: @n_items of them, sorted by the order in which they were taken
 */
struct pve_locks {
	const struct root *root;
	struct pve_lock *items;
	size_t n_items;
};

/* As long as Proxmox VE waits for a guest's lock. */
#define PVE_LOCK_TIMEOUT_MS 10000

/**
 * pve_locks_take() - Take the locks for a set of files
 * @paths:      @n_paths paths of files, in any order; one that needs no lock is fine
 * @timeout_ms: how long to wait for all of them together; each is tried once at least
 * @ret_locks:  those that were had, to be released with pve_locks_release(); none in a tree that
 *              is not the live machine
 * @ret_failed: for each path whether its lock could not be had; all are set on success
 *
 * Guests' locks are taken first, by number, then the cluster's by name. The cluster's are to be
 * given back within a minute: who waits for one may take it away after two.
 *
 * Return: how many paths failed, with @problem naming the first, or a negative errno with @problem
 * set and no lock held.
 */
_must_check_ int pve_locks_take(const struct root *root, const char *const *paths, size_t n_paths,
				unsigned int timeout_ms, struct pve_locks *ret_locks,
				bool *ret_failed, struct problem *problem);

void pve_locks_release(struct pve_locks *locks);
