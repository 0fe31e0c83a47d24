/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the host itself is using a PCI function at this moment. */
#pragma once

#include "snapshot/basic/root.h"
#include "snapshot/inventory.h"

/**
 * host_use_find() - Find out what on the host uses a function right now
 * @root:       the tree whose /sys and /proc are looked at
 * @zpool_list: what `zpool list -vHPL` prints, from pools_list()
 * @now:        the hardware
 * @function:   index of a function in it; of a physical one the virtual ones count, too
 * @ret_text:   what uses it, for people, to be freed: "root file system, pool tank", "link enp6s0";
 *              set only when 1 is returned
 *
 * Used means: a disk below it, or a part of one, is mounted (`nofail` or not), swap, part of an
 * imported pool, or held by a device made of it (LVM, LUKS, md, bcache, multipath), active or
 * mounted or not; a network link on it is up or part of another link; the console is on it. This
 * is more than what makes a function protected: it says what would break if it went away now.
 * A function that is handed to guests has nothing of this.
 *
 * Return: 1 when something does, 0 when nothing does, or a negative errno when that cannot be told.
 */
_must_check_ int host_use_find(const struct root *root, struct bytes zpool_list,
			       const struct inventory *now, size_t function, char **ret_text);
