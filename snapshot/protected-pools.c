/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Imported ZFS pools, as `zpool list -vHPL` shows them: a line "NAME<tab>…" each, then its vdevs,
 * a line "<tab>/dev/sda3<tab>…" each, and likewise the groups they form ("mirror-0"). The headings
 * "logs", "cache", "special" stand in lines without a tab.
 */
#include "snapshot/protected-private.h"

#include <errno.h>

#include "snapshot/fields.h"

/* The first column of the next line that has columns. */
static bool next_entry(struct bytes *rest, bool *ret_is_vdev, struct bytes *ret_name)
{
	struct bytes line;

	while (fields_next_line(rest, &line)) {
		bool is_vdev = bytes_start_with(line, bytes_of("\t"));

		if (line.size == 0 || !memchr(line.data, '\t', line.size))
			continue;
		if (is_vdev)
			line = bytes_slice(line, 1, line.size - 1);
		if (!fields_next_item(&line, '\t', ret_name))
			continue;
		*ret_is_vdev = is_vdev;
		return true;
	}
	return false;
}

int pools_add_nodes(struct protection *protection, struct bytes zpool_list)
{
	struct bytes name;
	bool is_vdev;
	int r = 0;

	while (r == 0 && next_entry(&zpool_list, &is_vdev, &name))
		if (!is_vdev)
			r = protection_add_node(protection, NODE_POOL, name);
	return r;
}

/* A whole disk or partition, or a file. */
static int add_vdev(struct protection *protection, size_t pool, struct bytes vdev)
{
	const char *path = arena_copy(&protection->arena, vdev);
	size_t found;

	if (!path)
		return -ENOMEM;
	found = block_find_path(protection, path);
	if (found == NOWHERE && !bytes_start_with(vdev, bytes_of("/dev/")))
		found = mounts_find_holder(protection, path);
	return protection_add_below(protection, pool, found);
}

int pools_claim(struct protection *protection, struct bytes zpool_list)
{
	size_t pool = NOWHERE;
	struct bytes name;
	bool is_vdev;
	int r = 0;

	while (r == 0 && next_entry(&zpool_list, &is_vdev, &name)) {
		if (!is_vdev) {
			pool = protection_find(protection, NODE_POOL, name);
			if (pool != NOWHERE)
				r = protection_claim(protection, pool, RANK_POOL, "pool ",
						     protection->nodes[pool].name, "");
		} else if (pool != NOWHERE && bytes_start_with(name, bytes_of("/"))) {
			r = add_vdev(protection, pool, name);
		}
	}
	return r;
}
