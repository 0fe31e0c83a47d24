/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Imported ZFS pools: only their own program knows which devices they are made of. */
#pragma once

#include "snapshot/basic/root.h"

/**
 * pools_list() - Ask zpool(8) what the imported pools are made of
 * @ret_text: what `zpool list -vHPL` prints, for protected_mark(), to be freed; empty for a tree
 *            that is not the live machine, where no pool is imported (then the program is not
 *            run), and when it fails, which is logged
 *
 * It takes POOLS_TIMEOUT_MS at most: a pool whose devices do not answer hangs it.
 *
 * Return: 0, or -ENOMEM.
 */
#define POOLS_TIMEOUT_MS 10000
_must_check_ int pools_list(const struct root *root, char **ret_text, size_t *ret_size);
