/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Block devices: the kernel's Documentation/ABI/testing/sysfs-block, and what each driver adds. */
#include "snapshot/protected-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/number.h"

/* uuid of a logical volume: "LVM-", 32 characters of its group, 32 of its own. */
#define LVM_PREFIX "LVM-"

static size_t find_block(const struct protection *protection, struct bytes name)
{
	return protection_find(protection, NODE_BLOCK, name);
}

size_t block_find_number(struct protection *protection, const char *number)
{
	if (!protection->numbers.dir ||
	    sysfs_read_link(&protection->numbers, number, NULL, &protection->text) < 0)
		return NOWHERE;
	return find_block(protection, sysfs_last_component(sysfs_bytes(&protection->text)));
}

/* A device node, at the end of links or at once. */
static size_t find_opened(struct protection *protection, const char *path)
{
	_cleanup_close_ int fd = root_openat(protection->root, path, O_PATH, 0);
	char number[32];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode))
		return NOWHERE;
	(void)snprintf(number, sizeof(number), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	return block_find_number(protection, number);
}

/* A copy of /dev may have the links alone: "../../sda1", "../dm-0". */
static size_t find_linked(struct protection *protection, const char *path)
{
	_cleanup_close_ int fd = root_openat(protection->root, path, O_PATH | O_NOFOLLOW, 0);
	char target[256];
	ssize_t size;

	size = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target));
	if (size <= 0 || (size_t)size == sizeof(target))
		return NOWHERE;
	return find_block(protection, sysfs_last_component(bytes_make(target, (size_t)size)));
}

/* "/dev/cciss/c0d0" is cciss!c0d0 in sysfs. */
static size_t find_named(struct protection *protection, struct bytes name)
{
	char copy[256];

	if (name.size == 0 || name.size > sizeof(copy))
		return NOWHERE;
	for (size_t i = 0; i < name.size; i++)
		copy[i] = name.data[i] == '/' ? '!' : name.data[i];
	return find_block(protection, bytes_make(copy, name.size));
}

static int compare_mapped(const void *a, const void *b)
{
	const struct mapped *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static bool is_mapper_device(const char *name)
{
	return strncmp(name, "dm-", 3) == 0;
}

/* The names of all devices of the device mapper. */
static int read_mapped(struct protection *protection)
{
	size_t first = protection->first[NODE_BLOCK];

	for (size_t i = first; i < first + protection->count[NODE_BLOCK]; i++) {
		const char *device = protection->nodes[i].name, *name;

		if (!is_mapper_device(device) ||
		    sysfs_read(&protection->block, device, "dm/name", &protection->text) < 0)
			continue;
		name = arena_copy(&protection->arena, sysfs_bytes(&protection->text));
		if (!name || ARRAY_RESERVE(protection->mapped, protection->n_mapped,
					   protection->mapped_allocated) < 0)
			return -ENOMEM;
		protection->mapped[protection->n_mapped++] =
			(struct mapped){ .name = name, .node = i };
	}
	if (protection->n_mapped)
		qsort(protection->mapped, protection->n_mapped, sizeof(*protection->mapped),
		      compare_mapped);
	return 0;
}

static size_t find_mapped(const struct protection *protection, const char *name)
{
	const struct mapped key = { .name = name }, *found;

	if (protection->n_mapped == 0)
		return NOWHERE;
	found = bsearch(&key, protection->mapped, protection->n_mapped, sizeof(key),
			compare_mapped);
	return found ? found->node : NOWHERE;
}

size_t block_find_path(struct protection *protection, const char *path)
{
	static const char dev[] = "/dev/", mapper[] = "/dev/mapper/";
	struct bytes text = bytes_of(path);
	size_t found;

	if (!bytes_start_with(text, bytes_of(dev)))
		return NOWHERE;
	found = find_opened(protection, path);
	if (found == NOWHERE)
		found = find_linked(protection, path);
	if (found == NOWHERE)
		found = find_named(protection,
				   bytes_slice(text, strlen(dev), text.size - strlen(dev)));
	if (found == NOWHERE && bytes_start_with(text, bytes_of(mapper)))
		found = find_mapped(protection, path + strlen(mapper));
	return found;
}

/* Entries of a directory that are block devices become what a node stands on. */
static int add_listed(struct protection *protection, size_t node, const char *path,
		      bool is_filesystem)
{
	_cleanup_(sysfs_done) struct sysfs directory = { 0 };
	const char *entry;
	int r = sysfs_open(protection->root, path, &directory);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	while (r == 0 && sysfs_next(&directory, &entry) > 0) {
		size_t below = find_block(protection, bytes_of(entry));

		r = protection_add_below(protection, node, below);
		if (below != NOWHERE && is_filesystem)
			protection->nodes[below].filesystem = node;
	}
	return r;
}

/* A btrfs knows its devices, a mount of it names one. */
static int read_btrfs(struct protection *protection)
{
	size_t first = protection->first[NODE_BTRFS];
	char path[SYSFS_NAME_MAX];
	int r = 0;

	for (size_t i = first; i < first + protection->count[NODE_BTRFS] && r == 0; i++) {
		(void)snprintf(path, sizeof(path), "/sys/fs/btrfs/%s/devices",
			       protection->nodes[i].name);
		r = add_listed(protection, i, path, true);
	}
	return r;
}

int block_read(struct protection *protection)
{
	int r = read_mapped(protection);

	return r == 0 ? read_btrfs(protection) : r;
}

/* In a device's name a '-' of the group's or volume's is doubled: "my--vg-root". */
static const char *group_name(const char *name, char *buffer, size_t size)
{
	size_t n = 0;

	for (; *name && n + 1 < size; name++) {
		if (*name == '-' && *++name != '-')
			break;
		buffer[n++] = *name;
	}
	buffer[n] = '\0';
	return buffer;
}

/*
 * The devices of all logical volumes there are, mounted or not: guests have most of them. A group
 * none of whose volumes has a device is not active.
 */
int block_claim_volume_groups(struct protection *protection)
{
	char name[128];
	int r = 0;

	for (size_t i = 0; i < protection->n_mapped && r == 0; i++) {
		const struct mapped *mapped = &protection->mapped[i];
		const char *device = protection->nodes[mapped->node].name;

		if (sysfs_read(&protection->block, device, "dm/uuid", &protection->text) == 0 &&
		    bytes_start_with(sysfs_bytes(&protection->text), bytes_of(LVM_PREFIX)))
			r = protection_claim(protection, mapped->node, RANK_VOLUME_GROUP,
					     "volume group ",
					     group_name(mapped->name, name, sizeof(name)), "");
	}
	return r;
}

/* "nvme0", not "nvme0n1". */
static bool is_nvme_controller(const char *name)
{
	uint64_t number;

	return strncmp(name, "nvme", 4) == 0 &&
	       number_parse(bytes_of(name + 4), 10, UINT64_MAX, &number) == 0;
}

/* iSCSI sessions have a number; Fibre Channel's are below their card. */
static bool leads_over_network(struct bytes component)
{
	const size_t skip = strlen("session");
	uint64_t number;

	if (bytes_equal_text(component, "nvme-fabrics"))
		return true;
	return bytes_start_with(component, bytes_of("session")) &&
	       number_parse(bytes_slice(component, skip, component.size - skip), 10, UINT64_MAX,
			    &number) == 0;
}

static int add_network(struct protection *protection, size_t node)
{
	return protection_add_below(protection, node, protection->first[NODE_NETWORK]);
}

static int add_controller(struct protection *protection, size_t node, struct bytes path)
{
	struct bytes component;
	int r = protection_add_functions(protection, node, path);

	while (r == 0 && sysfs_next_component(&path, &component))
		if (leads_over_network(component))
			return add_network(protection, node);
	return MIN_OF(r, 0);
}

/*
 * A namespace that several controllers may lead to hangs from its subsystem, not from one of them:
 * "virtual/nvme-subsystem/nvme-subsys0/nvme0n1".
 */
static int add_nvme_controllers(struct protection *protection, size_t node, struct bytes subsystem)
{
	_cleanup_(sysfs_done) struct sysfs directory = { 0 };
	char path[SYSFS_NAME_MAX];
	const char *entry;
	int r;

	(void)snprintf(path, sizeof(path), "/sys/class/nvme-subsystem/%.*s",
		       (int)MIN_OF(subsystem.size, (size_t)NAME_MAX), subsystem.data);
	r = sysfs_open(protection->root, path, &directory);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	while (r == 0 && sysfs_next(&directory, &entry) > 0)
		if (is_nvme_controller(entry) &&
		    sysfs_read_link(&directory, entry, NULL, &protection->text) == 0)
			r = add_controller(protection, node, sysfs_bytes(&protection->text));
	return r;
}

/* What a path in /sys/devices says. Return: how many functions it leads through, or -ENOMEM. */
static int find_place(struct protection *protection, size_t node, struct bytes path)
{
	struct bytes component, before = BYTES_NONE, rest = path;
	int r, n = protection_add_functions(protection, node, path);

	if (n != 0)
		return n;
	for (r = 0; r == 0 && sysfs_next_component(&rest, &component); before = component) {
		if (bytes_equal_text(before, "nvme-subsystem"))
			r = add_nvme_controllers(protection, node, component);
		else if (leads_over_network(component))
			r = add_network(protection, node);
		else if (rest.size > 0)
			/* The disk a partition is of. */
			r = protection_add_below(protection, node,
						 find_block(protection, component));
	}
	return r;
}

/* Network block devices tell nothing of where they lead. */
static bool is_network_block(const char *name)
{
	return strncmp(name, "nbd", 3) == 0 || strncmp(name, "rbd", 3) == 0;
}

static int read_virtual(struct protection *protection, size_t index)
{
	const char *name = protection->nodes[index].name;
	char path[SYSFS_NAME_MAX];
	int r;

	if (is_network_block(name))
		return add_network(protection, index);
	(void)snprintf(path, sizeof(path), "/sys/class/block/%s/slaves", name);
	r = add_listed(protection, index, path, false);
	if (r == 0 && strncmp(name, "loop", 4) == 0 &&
	    sysfs_read(&protection->block, name, "loop/backing_file", &protection->text) == 0)
		r = protection_add_below(protection, index,
					 mounts_find_holder(protection, protection->text.data));
	return r;
}

int block_read_node(struct protection *protection, size_t index)
{
	struct sysfs_text link;
	int r = 0;

	if (sysfs_read_link(&protection->block, protection->nodes[index].name, NULL, &link) == 0)
		r = find_place(protection, index, sysfs_bytes(&link));
	return r == 0 ? read_virtual(protection, index) : MIN_OF(r, 0);
}
