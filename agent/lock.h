/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One writer at a time: /run/hwrecover/lock in the tree. Who only looks takes no lock. */
#pragma once

#include "snapshot/basic/problem.h"
#include "snapshot/basic/root.h"

/* How long the stages of a boot wait; commands do not wait. */
#define LOCK_BOOT_WAIT_MS 10000

struct lock {
	int fd;
};

#define LOCK_INIT ((struct lock){ .fd = -1 })

/**
 * lock_take() - Become the only writer of a tree
 * @holder:  what we are, for others to read: "apply", "boot network"
 * @wait_ms: how long to wait for another one to finish; 0 tries once
 *
 * The lock goes with the process, whatever ends it. The directory is made if it is missing.
 *
 * Return: 0, or a negative errno with @problem set: -EBUSY another one holds it, who is named;
 * -ELOOP, -EMLINK or -ENOTSUP when what bears the name is no ordinary file of one name.
 */
_must_check_ int lock_take(const struct root *root, const char *holder, unsigned int wait_ms,
			   struct lock *ret_lock, struct problem *problem);

void lock_release(struct lock *lock);
