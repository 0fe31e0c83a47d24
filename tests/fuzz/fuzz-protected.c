/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sections with a line "%%" between: mountinfo, fstab, swaps, route, ipv6_route, what zpool(8)
 * prints. Whatever they say about a small machine, the reasons are short, printable, not empty,
 * and the same when they are asked for again.
 */
#include "snapshot/protected.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX 1024

static char top[256];
static struct root root = ROOT_INIT;

static void require(bool condition)
{
	if (!condition)
		abort();
}

static const char *inside(const char *path)
{
	static char whole[512];
	int n = snprintf(whole, sizeof(whole), "%s%s", top, path);

	require(n > 0 && n < (int)sizeof(whole));
	for (char *c = whole + strlen(top) + 1; (c = strchr(c, '/')); c++) {
		*c = '\0';
		require(mkdir(whole, 0755) == 0 || errno == EEXIST);
		*c = '/';
	}
	return whole;
}

static void make_file(const char *path, struct bytes contents)
{
	FILE *file = fopen(inside(path), "we");

	require(file);
	require(fwrite(contents.data ? contents.data : "", 1, contents.size, file) ==
		contents.size);
	require(fclose(file) == 0);
}

static void make_link(const char *path, const char *target)
{
	require(symlink(target, inside(path)) == 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(void)
{
	root_done(&root);
	(void)nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* sda1 below dm-0 (a volume), which is below loop0's file; a btrfs, a bridge on a NIC. */
static void make_tree(void)
{
	static const char *const links[][2] = {
		{ "/sys/class/block/sda", "../../devices/pci0000:00/0000:01:00.0/block/sda" },
		{ "/sys/class/block/sda1", "../../devices/pci0000:00/0000:01:00.0/block/sda/sda1" },
		{ "/sys/class/block/sdb", "../../devices/pci0000:00/0000:02:00.0/block/sdb" },
		{ "/sys/class/block/dm-0", "../../devices/virtual/block/dm-0" },
		{ "/sys/class/block/loop0", "../../devices/virtual/block/loop0" },
		{ "/sys/dev/block/8:0", "../../devices/pci0000:00/0000:01:00.0/block/sda" },
		{ "/sys/dev/block/8:1", "../../devices/pci0000:00/0000:01:00.0/block/sda/sda1" },
		{ "/sys/dev/block/8:16", "../../devices/pci0000:00/0000:02:00.0/block/sdb" },
		{ "/sys/dev/block/253:0", "../../devices/virtual/block/dm-0" },
		{ "/sys/dev/block/7:0", "../../devices/virtual/block/loop0" },
		{ "/sys/devices/virtual/block/dm-0/slaves/sda1", "../x" },
		{ "/sys/devices/virtual/block/dm-0/slaves/loop0", "../x" },
		{ "/sys/fs/btrfs/11-22/devices/sda", "../x" },
		{ "/sys/fs/btrfs/11-22/devices/sdb", "../x" },
		{ "/sys/class/net/eth0", "../../devices/pci0000:00/0000:03:00.0/net/eth0" },
		{ "/sys/class/net/vmbr0", "../../devices/virtual/net/vmbr0" },
		{ "/sys/class/net/ovs-system", "../../devices/virtual/net/ovs-system" },
		{ "/sys/devices/virtual/net/vmbr0/lower_eth0", "../x" },
		{ "/sys/devices/virtual/net/ovs-system/lower_eth0", "../x" },
		{ "/dev/disk/by-uuid/11-22", "../../sdb" },
	};
	const char *base = getenv("TMPDIR");

	(void)snprintf(top, sizeof(top), "%s/hwrecover-fuzz.XXXXXX", base ? base : "/tmp");
	require(mkdtemp(top));
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		make_link(links[i][0], links[i][1]);
	make_file("/sys/devices/virtual/block/loop0/loop/backing_file", bytes_of("/srv/a b/i\n"));
	make_file("/sys/devices/virtual/block/dm-0/dm/uuid", bytes_of("LVM-1\n"));
	make_file("/sys/devices/virtual/block/dm-0/dm/name", bytes_of("vg-lv\n"));
	make_file("/sys/devices/virtual/net/vmbr0/bridge/x", BYTES_NONE);
	require(root_open(top, &root, NULL) == 0);
	require(atexit(remove_tree) == 0);
}

static void add_functions(struct inventory *inventory)
{
	for (uint8_t bus = 1; bus <= 3; bus++) {
		struct pci_function *function = inventory_add_function(inventory);

		require(function);
		function->address.bus = bus;
		function->class = bus == 3 ? 0x020000 : 0x010601;
	}
	require(inventory_finish(inventory, "fuzz", NULL) == 0);
}

/* Splits off the first section. */
static struct bytes next_section(struct bytes *rest)
{
	static const char separator[] = "\n%%\n";
	struct bytes whole = *rest;
	const char *end = whole.size ? memmem(whole.data, whole.size, separator, strlen(separator))
				     : NULL;
	size_t size = end ? (size_t)(end - whole.data) : whole.size;
	size_t used = end ? size + strlen(separator) : size;

	*rest = bytes_slice(whole, used, whole.size - used);
	return bytes_slice(whole, 0, size);
}

static void check(const char *text)
{
	if (!text)
		return;
	require(*text && strlen(text) <= TEXT_MAX);
	for (; *text; text++)
		require(*text >= ' ' && *text <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const files[] = { "/proc/self/mountinfo", "/etc/fstab", "/proc/swaps",
					     "/proc/net/route", "/proc/net/ipv6_route" };
	struct bytes rest = bytes_make((const char *)data, size);
	struct inventory one = { 0 }, two = { 0 };

	if (!top[0])
		make_tree();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		make_file(files[i], next_section(&rest));
	add_functions(&one);
	add_functions(&two);
	require(protected_mark(&root, rest, &one) == 0);
	require(protected_mark(&root, rest, &two) == 0);
	for (size_t i = 0; i < one.n_functions; i++) {
		const char *left = one.functions[i].protected, *right = two.functions[i].protected;

		check(left);
		require(!left == !right && (!left || strcmp(left, right) == 0));
	}
	inventory_done(&one);
	inventory_done(&two);
	return 0;
}
