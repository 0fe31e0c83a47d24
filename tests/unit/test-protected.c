/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/protected.h"

#include <linux/loop.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>

#include "snapshot/basic/buffer.h"
#include "snapshot/pci-scan.h"
#include "tests/unit/namespace.h"

static struct inventory inventory;

static void setup(void)
{
	inventory = (struct inventory){ 0 };
	tree_setup();
}

static void teardown(void)
{
	inventory_done(&inventory);
	tree_teardown();
}

#define SATA     "pci0000:00/0000:00:01.1/0000:01:00.0/ata1/host0/target0:0:0/0:0:0:0"
#define SATA_2   "pci0000:00/0000:00:01.1/0000:01:00.0/ata2/host1/target1:0:0/1:0:0:0"
#define NVME     "pci0000:00/0000:00:01.2/0000:02:00.0/nvme/nvme0"
#define NVME_2   "pci0000:00/0000:00:01.3/0000:03:00.0/nvme/nvme1"
#define USB      "pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host6/target6:0:0/6:0:0:0"
#define VIRTUAL  "virtual"
#define ETHERNET "pci0000:00/0000:00:01.4/0000:06:00.0"
#define SECOND   "pci0000:00/0000:00:01.5/0000:07:00.0"

static void add_function(const char *address, uint32_t class)
{
	struct pci_function *function = inventory_add_function(&inventory);

	ck_assert_ptr_nonnull(function);
	ck_assert_int_eq(pci_address_parse(bytes_of(address), &function->address), 0);
	function->class = class;
}

/* What the paths above lead through, bridges too. */
static void add_machine(void)
{
	add_function("0000:00:01.1", 0x060400);
	add_function("0000:00:01.2", 0x060400);
	add_function("0000:00:01.3", 0x060400);
	add_function("0000:00:01.4", 0x060400);
	add_function("0000:00:01.5", 0x060400);
	add_function("0000:00:14.0", 0x0c0330);
	add_function("0000:01:00.0", 0x010601);
	add_function("0000:02:00.0", 0x010802);
	add_function("0000:03:00.0", 0x010802);
	add_function("0000:06:00.0", 0x020000);
	add_function("0000:07:00.0", 0x020000);
}

static void mark_with_pools(const char *zpool_list)
{
	ck_assert_int_eq(inventory_finish(&inventory, "test", NULL), 0);
	ck_assert_int_eq(protected_mark(&tree_root, bytes_of(zpool_list), &inventory), 0);
}

static void mark(void)
{
	mark_with_pools("");
}

/* "" for a function that is not protected. */
static const char *reason(const char *where)
{
	const struct pci_function *function;
	struct pci_address address;

	ck_assert_int_eq(pci_address_parse(bytes_of(where), &address), 0);
	function = inventory_find_function(&inventory, &address);
	ck_assert_ptr_nonnull(function);
	return function->protected ? function->protected : "";
}

static unsigned int count_protected(void)
{
	unsigned int n = 0;

	for (size_t i = 0; i < inventory.n_functions; i++)
		n += inventory.functions[i].protected != NULL;
	return n;
}

/* One entry of a class, and its directory below /sys/devices. */
static void add_entry(const char *class, const char *name, const char *where)
{
	char path[512], target[512];

	(void)snprintf(path, sizeof(path), "/sys/devices/%s", where);
	tree_directory(path);
	(void)snprintf(path, sizeof(path), "/sys/%s/%s", class, name);
	(void)snprintf(target, sizeof(target), "../../devices/%s", where);
	tree_link(path, target);
}

/* A disk below a device, "virtual" for what stands on none. */
static void disk(const char *where, const char *name, const char *number)
{
	char place[512];

	(void)snprintf(place, sizeof(place), "%s/block/%s", where, name);
	add_entry("class/block", name, place);
	add_entry("dev/block", number, place);
}

/* A partition: "sda1" of "sda". */
static void partition(const char *where, const char *of, const char *name, const char *number)
{
	char place[512];

	(void)snprintf(place, sizeof(place), "%s/block/%s/%s", where, of, name);
	add_entry("class/block", name, place);
	add_entry("dev/block", number, place);
}

static void slave(const char *name, const char *of)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "/sys/devices/virtual/block/%s/slaves/%s", name, of);
	tree_link(path, "../somewhere");
}

static void attribute(const char *name, const char *file, const char *contents)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "/sys/devices/virtual/block/%s/%s", name, file);
	tree_file(path, contents);
}

static void mapper(const char *name, const char *number, const char *mapped, const char *uuid)
{
	disk(VIRTUAL, name, number);
	attribute(name, "dm/name", mapped);
	attribute(name, "dm/uuid", uuid);
}

static void mountinfo(const char *text)
{
	tree_file("/proc/self/mountinfo", text);
}

#define MOUNT(number, where, type, source) \
	"30 1 " number " / " where " rw,relatime shared:1 - " type " " source " rw\n"

static void link_entry(const char *where, const char *name)
{
	char place[512];

	(void)snprintf(place, sizeof(place), "%s/net/%s", where, name);
	add_entry("class/net", name, place);
	if (strcmp(where, VIRTUAL) == 0)
		return;
	(void)snprintf(place, sizeof(place), "/sys/devices/%s/net/%s/device", where, name);
	tree_link(place, "../../../0000:06:00.0");
}

static void lower(const char *name, const char *of)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "/sys/devices/virtual/net/%s/lower_%s", name, of);
	tree_link(path, "../somewhere");
}

#define ROUTES            "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
#define DEFAULT_VIA(link) link "\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0          \n"
#define CONNECTED(link)   link "\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"

static void routes(const char *text)
{
	tree_file("/proc/net/route", text);
}

START_TEST(a_tree_without_anything_protects_nothing)
{
	add_machine();
	mark();
	ck_assert_uint_eq(count_protected(), 0);
}
END_TEST

START_TEST(the_controllers_of_what_is_mounted_are_protected)
{
	add_machine();
	disk(NVME, "nvme0n1", "259:0");
	partition(NVME, "nvme0n1", "nvme0n1p1", "259:1");
	partition(NVME, "nvme0n1", "nvme0n1p2", "259:2");
	partition(NVME, "nvme0n1", "nvme0n1p3", "259:3");
	disk(SATA, "sda", "8:0");
	partition(SATA, "sda", "sda1", "8:1");
	disk(USB, "sdb", "8:16");
	mountinfo(
		MOUNT("0:21", "/proc", "proc", "proc") MOUNT("259:3", "/", "ext4", "/dev/nvme0n1p3")
			MOUNT("259:2", "/boot", "ext4", "/dev/nvme0n1p2")
				MOUNT("259:1", "/boot/efi", "vfat", "/dev/nvme0n1p1")
					MOUNT("8:1", "/srv/my\\040data", "xfs", "/dev/sda1"));
	tree_file("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"
				 "/dev/sdb                partition\t8388604\t0\t-2\n");
	mark();
	ck_assert_str_eq(reason("0000:02:00.0"), "root file system, /boot, EFI system partition");
	ck_assert_str_eq(reason("0000:01:00.0"), "mount /srv/my data");
	ck_assert_str_eq(reason("0000:00:14.0"), "swap");
	ck_assert_uint_eq(count_protected(), 3);
}
END_TEST

START_TEST(a_mount_that_may_fail_protects_nothing_but_root_boot_and_esp_do)
{
	add_machine();
	disk(NVME, "nvme0n1", "259:0");
	disk(SATA, "sda", "8:0");
	disk(USB, "sdb", "8:16");
	mountinfo(MOUNT("259:0", "/boot/efi", "vfat", "/dev/nvme0n1")
			  MOUNT("8:0", "/srv/my\\040data", "xfs", "/dev/sda")
				  MOUNT("8:16", "/backup", "xfs", "/dev/sdb"));
	tree_file("/etc/fstab", "# a comment\n"
				"/dev/nvme0n1 /boot/efi vfat nofail 0 0\n"
				"\t/dev/sda /srv/my\\040data/ xfs rw,nofail,noatime 0 2\n"
				"/dev/sdb /backup xfs x-nofail-not 0 2\n");
	mark();
	ck_assert_str_eq(reason("0000:02:00.0"), "EFI system partition");
	ck_assert_str_eq(reason("0000:01:00.0"), "");
	ck_assert_str_eq(reason("0000:00:14.0"), "mount /backup");
}
END_TEST

START_TEST(a_file_system_that_is_mounted_twice_has_one_reason)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	disk(NVME, "nvme0n1", "259:0");
	mountinfo(MOUNT("8:0", "/var/snap", "ext4", "/dev/sda")
			  MOUNT("8:0", "/", "ext4", "/dev/sda")
				  MOUNT("259:0", "/srv/z", "ext4", "/dev/nvme0n1")
					  MOUNT("259:0", "/srv/a", "ext4", "/dev/nvme0n1"));
	tree_file("/etc/fstab", "/dev/nvme0n1 /srv/a ext4 nofail 0 0\n");
	mark();
	ck_assert_str_eq(reason("0000:01:00.0"), "root file system");
	ck_assert_str_eq(reason("0000:02:00.0"), "mount /srv/z");
}
END_TEST

START_TEST(what_fstab_wants_is_protected_before_it_is_mounted)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	partition(SATA, "sda", "sda1", "8:1");
	disk(NVME, "nvme0n1", "259:0");
	disk(NVME_2, "nvme1n1", "259:1");
	disk(USB, "sdb", "8:16");
	tree_link("/dev/disk/by-uuid/11-22", "../../sda1");
	tree_link("/dev/disk/by-label/my\\x20disk", "../../nvme0n1");
	tree_file("/etc/fstab", "UUID=11-22 / ext4 defaults 0 1\n"
				"LABEL=\"my\\040disk\" none swap sw 0 0\n"
				"/dev/sdb /mnt xfs noauto 0 0\n"
				"/dev/nvme1n1 /data xfs defaults,nofail 0 0\n"
				"UUID=33-44 /gone xfs defaults 0 0\n"
				"/srv/a /srv/b none bind 0 0\n");
	mark();
	ck_assert_str_eq(reason("0000:01:00.0"), "root file system");
	ck_assert_str_eq(reason("0000:02:00.0"), "swap");
	ck_assert_uint_eq(count_protected(), 2);
}
END_TEST

START_TEST(what_is_mounted_counts_and_not_what_fstab_says_of_the_same_place)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	disk(USB, "sdb", "8:16");
	mountinfo(MOUNT("8:0", "/", "ext4", "/dev/sda"));
	tree_file("/etc/fstab", "/dev/sdb / ext4 defaults 0 1\n/swapfile none swap sw 0 0\n");
	mark();
	ck_assert_str_eq(reason("0000:01:00.0"), "root file system, swap");
	ck_assert_str_eq(reason("0000:00:14.0"), "");
}
END_TEST

START_TEST(an_esp_that_is_mounted_when_it_is_used_is_protected)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	mountinfo(MOUNT("0:44", "/efi", "autofs", "systemd-1"));
	tree_file("/etc/fstab", "/dev/sda /efi vfat noauto,x-systemd.automount 0 0\n");
	mark();
	ck_assert_str_eq(reason("0000:01:00.0"), "EFI system partition");
}
END_TEST

START_TEST(partitions_proxmox_boots_from_are_protected_unmounted)
{
	add_machine();
	disk(USB, "sdb", "8:16");
	partition(USB, "sdb", "sdb2", "8:18");
	tree_link("/dev/disk/by-uuid/1A2B-3C4D", "../../sdb2");
	tree_file("/etc/kernel/proxmox-boot-uuids", "1A2B-3C4D\n\n../../x\nFFFF-0000");
	mark();
	ck_assert_str_eq(reason("0000:00:14.0"), "EFI system partition");
	ck_assert_uint_eq(count_protected(), 1);
}
END_TEST

START_TEST(a_copy_without_device_numbers_is_read_by_names)
{
	char place[512];

	add_machine();
	(void)snprintf(place, sizeof(place), "%s/block/cciss!c0d0", SATA);
	add_entry("class/block", "cciss!c0d0", place);
	mountinfo(MOUNT("104:0", "/", "ext4", "/dev/cciss/c0d0"));
	mark();
	ck_assert_str_eq(reason("0000:01:00.0"), "root file system");
}
END_TEST

START_TEST(luks_lvm_and_md_are_followed_down_to_every_disk)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	partition(SATA, "sda", "sda2", "8:2");
	disk(NVME, "nvme0n1", "259:0");
	disk(VIRTUAL, "md0", "9:0");
	slave("md0", "sda2");
	slave("md0", "nvme0n1");
	partition(VIRTUAL, "md0", "md0p1", "259:9");
	mapper("dm-0", "253:0", "luks-1\n", "CRYPT-LUKS2-abc\n");
	slave("dm-0", "md0p1");
	mapper("dm-1", "253:1", "my--vg-root\n",
	       "LVM-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n");
	slave("dm-1", "dm-0");
	mountinfo(MOUNT("253:1", "/", "ext4", "/dev/mapper/my--vg-root"));
	mark();
	ck_assert_str_eq(reason("0000:01:00.0"), "root file system, volume group my-vg");
	ck_assert_str_eq(reason("0000:02:00.0"), "root file system, volume group my-vg");
	ck_assert_uint_eq(count_protected(), 2);
}
END_TEST

START_TEST(an_active_group_protects_its_disks_with_nothing_mounted)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	disk(NVME, "nvme0n1", "259:0");
	mapper("dm-0", "253:0", "data-vm--100--disk--0\n", "LVM-0123\n");
	slave("dm-0", "sda");
	mapper("dm-1", "253:1", "backup\n", "CRYPT-LUKS2-abc\n");
	slave("dm-1", "nvme0n1");
	mapper("dm-2", "253:2", "data-vm--101--disk--0\n", "LVM-0123\n");
	slave("dm-2", "sda");
	mark();
	ck_assert_str_eq(reason("0000:01:00.0"), "volume group data");
	ck_assert_uint_eq(count_protected(), 1);
}
END_TEST

START_TEST(both_ways_of_a_multipath_device_are_protected)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	disk(USB, "sdb", "8:16");
	mapper("dm-0", "253:0", "mpatha\n", "mpath-3600\n");
	slave("dm-0", "sda");
	slave("dm-0", "sdb");
	mapper("dm-1", "253:1", "mpatha-part1\n", "part1-mpath-3600\n");
	slave("dm-1", "dm-0");
	mountinfo(MOUNT("253:1", "/", "ext4", "/dev/mapper/mpatha-part1"));
	mark();
	ck_assert_str_eq(reason("0000:01:00.0"), "root file system");
	ck_assert_str_eq(reason("0000:00:14.0"), "root file system");
}
END_TEST

START_TEST(every_controller_of_an_nvme_subsystem_is_protected)
{
	add_machine();
	add_entry("class/nvme-subsystem", "nvme-subsys0", "virtual/nvme-subsystem/nvme-subsys0");
	add_entry("class/block", "nvme0n1", "virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
	add_entry("class/block", "nvme0n1p1",
		  "virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1");
	add_entry("dev/block", "259:1", "virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1");
	tree_link("/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0", "../../../" NVME);
	tree_link("/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme1", "../../../" NVME_2);
	/* Its own link, and one that leads in a circle. */
	tree_link("/sys/devices/virtual/nvme-subsystem/nvme-subsys0/subsystem",
		  "../../../../class/nvme-subsystem");
	tree_link("/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme2",
		  "../../../virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
	mountinfo(MOUNT("259:1", "/", "ext4", "/dev/nvme0n1p1"));
	mark();
	ck_assert_str_eq(reason("0000:02:00.0"), "root file system");
	ck_assert_str_eq(reason("0000:03:00.0"), "root file system");
	ck_assert_uint_eq(count_protected(), 2);
}
END_TEST

START_TEST(a_controller_with_a_domain_of_its_own_is_protected_with_the_disk)
{
	add_function("0000:00:0e.0", 0x010400);
	add_function("10000:e0:06.0", 0x060400);
	add_function("10000:e1:00.0", 0x010802);
	disk("pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0/nvme/nvme0",
	     "nvme0n1", "259:0");
	mountinfo(MOUNT("259:0", "/", "ext4", "/dev/nvme0n1"));
	mark();
	ck_assert_str_eq(reason("0000:00:0e.0"), "root file system");
	ck_assert_str_eq(reason("10000:e0:06.0"), "");
	ck_assert_str_eq(reason("10000:e1:00.0"), "root file system");
}
END_TEST

START_TEST(a_loop_device_stands_on_the_file_system_its_file_is_in)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	disk(NVME, "nvme0n1", "259:0");
	disk(VIRTUAL, "loop0", "7:0");
	attribute("loop0", "loop/backing_file", "/srv/images/deep/root.img\n");
	mountinfo(MOUNT("7:0", "/", "ext4", "/dev/loop0")
			  MOUNT("259:0", "/srv/images", "ext4", "/dev/nvme0n1")
				  MOUNT("8:0", "/srv", "ext4", "/dev/sda"));
	tree_file("/etc/fstab", "/dev/sda /srv ext4 nofail 0 0\n"
				"/dev/nvme0n1 /srv/images ext4 nofail 0 0\n");
	mark();
	ck_assert_str_eq(reason("0000:02:00.0"), "root file system");
	ck_assert_uint_eq(count_protected(), 1);
}
END_TEST

START_TEST(bcache_protects_its_cache_too)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	disk(NVME, "nvme0n1", "259:0");
	disk(VIRTUAL, "bcache0", "252:0");
	slave("bcache0", "sda");
	slave("bcache0", "nvme0n1");
	mountinfo(MOUNT("252:0", "/", "ext4", "/dev/bcache0"));
	mark();
	ck_assert_uint_eq(count_protected(), 2);
}
END_TEST

START_TEST(all_devices_of_a_btrfs_are_protected)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	disk(NVME, "nvme0n1", "259:0");
	disk(NVME_2, "nvme1n1", "259:1");
	tree_link("/sys/fs/btrfs/6e6a-11/devices/sda", "../../../../devices/x");
	tree_link("/sys/fs/btrfs/6e6a-11/devices/nvme0n1", "../../../../devices/x");
	tree_link("/sys/fs/btrfs/7777-11/devices/nvme1n1", "../../../../devices/x");
	tree_directory("/sys/fs/btrfs/features");
	mountinfo(MOUNT("0:31", "/home", "btrfs", "/dev/sda")
			  MOUNT("0:32", "/", "btrfs", "/dev/sda"));
	mark();
	ck_assert_str_eq(reason("0000:01:00.0"), "root file system");
	ck_assert_str_eq(reason("0000:02:00.0"), "root file system");
	ck_assert_uint_eq(count_protected(), 2);
}
END_TEST

START_TEST(a_mapped_device_is_found_by_its_name_where_dev_is_missing)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	mapper("dm-0", "253:0", "one\n", "CRYPT-1\n");
	mapper("dm-1", "253:1", "two\n", "CRYPT-2\n");
	slave("dm-1", "sda");
	mountinfo(MOUNT("0:31", "/", "btrfs", "/dev/mapper/two"));
	mark();
	ck_assert_str_eq(reason("0000:01:00.0"), "root file system");
}
END_TEST

#define ZPOOL_COLUMNS "\t928G\t100G\t828G\t-\t-\t5%\t10%\t1.00x\tONLINE\t-\n"

static const char zpool_list[] = "rpool" ZPOOL_COLUMNS "\tmirror-0" ZPOOL_COLUMNS
				 "\t/dev/sda3" ZPOOL_COLUMNS "\t/dev/nvme0n1p3" ZPOOL_COLUMNS
				 "cache      -      -      -        -\n"
				 "\t/dev/nvme1n1" ZPOOL_COLUMNS "tank" ZPOOL_COLUMNS
				 "\t/srv/vdev.img" ZPOOL_COLUMNS "\t9876543210" ZPOOL_COLUMNS;

static void add_pool_disks(void)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	partition(SATA, "sda", "sda3", "8:3");
	disk(NVME, "nvme0n1", "259:0");
	partition(NVME, "nvme0n1", "nvme0n1p3", "259:3");
	disk(NVME_2, "nvme1n1", "259:4");
	disk(USB, "sdb", "8:16");
}

START_TEST(imported_pools_are_protected_with_logs_and_caches)
{
	add_pool_disks();
	mountinfo(MOUNT("0:28", "/", "zfs", "rpool/ROOT/pve-1") MOUNT(
		"0:29", "/rpool", "zfs", "rpool") MOUNT("8:16", "/srv", "ext4", "/dev/sdb"));
	mark_with_pools(zpool_list);
	ck_assert_str_eq(reason("0000:01:00.0"), "root file system, pool rpool");
	ck_assert_str_eq(reason("0000:02:00.0"), "root file system, pool rpool");
	ck_assert_str_eq(reason("0000:03:00.0"), "root file system, pool rpool");
	ck_assert_str_eq(reason("0000:00:14.0"), "mount /srv, pool tank");
}
END_TEST

START_TEST(a_pool_that_zpool_does_not_list_protects_nothing)
{
	add_pool_disks();
	mountinfo(MOUNT("0:28", "/", "zfs", "rpool/ROOT/pve-1"));
	mark_with_pools("\t/dev/sda3" ZPOOL_COLUMNS "no pools available\n\t\n\n\t");
	ck_assert_uint_eq(count_protected(), 0);
}
END_TEST

START_TEST(a_swap_file_is_where_its_file_system_is)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	mountinfo(MOUNT("8:0", "/", "ext4", "/dev/sda"));
	tree_file("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"
				 "/swap\\040file file\t8388604\t0\t-2\n"
				 "/dev/zram0 partition\t8388604\t0\t100\n");
	disk(VIRTUAL, "zram0", "254:0");
	mark();
	ck_assert_str_eq(reason("0000:01:00.0"), "root file system, swap");
}
END_TEST

START_TEST(a_root_of_layers_protects_all_of_them)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	disk(NVME, "nvme0n1", "259:0");
	mountinfo(
		"30 1 0:50 / / rw - overlay overlay rw,lowerdir=/low:/none,upperdir=/up/x\n" MOUNT(
			"8:0", "/low", "squashfs", "/dev/sda")
			MOUNT("259:0", "/up", "ext4", "/dev/nvme0n1"));
	mark();
	ck_assert_str_eq(reason("0000:01:00.0"), "root file system, mount /low");
	ck_assert_str_eq(reason("0000:02:00.0"), "root file system, mount /up");
}
END_TEST

START_TEST(a_root_on_another_machine_protects_the_nics_that_lead_there)
{
	add_machine();
	link_entry(ETHERNET, "enp6s0");
	link_entry(SECOND, "enp7s0");
	routes(ROUTES CONNECTED("enp6s0"));
	mountinfo(MOUNT("0:31", "/", "nfs4", "192.0.2.1:/root"));
	mark();
	ck_assert_str_eq(reason("0000:06:00.0"), "root file system");
	ck_assert_str_eq(reason("0000:07:00.0"), "");
}
END_TEST

START_TEST(a_root_on_iscsi_protects_the_nics_and_another_mount_does_not)
{
	add_machine();
	link_entry(ETHERNET, "enp6s0");
	routes(ROUTES CONNECTED("enp6s0"));
	disk("platform/host6/session1/target6:0:0/6:0:0:0", "sdc", "8:32");
	mountinfo(MOUNT("8:32", "/srv", "ext4", "/dev/sdc"));
	mark();
	ck_assert_uint_eq(count_protected(), 0);
	mountinfo(MOUNT("8:32", "/", "ext4", "/dev/sdc"));
	mark();
	ck_assert_str_eq(reason("0000:06:00.0"), "root file system");
}
END_TEST

START_TEST(nics_below_the_default_route_are_protected)
{
	add_machine();
	link_entry(ETHERNET, "enp6s0");
	link_entry(SECOND, "enp7s0");
	link_entry(VIRTUAL, "bond0");
	lower("bond0", "enp6s0");
	lower("bond0", "enp7s0");
	link_entry(VIRTUAL, "bond0.5");
	lower("bond0.5", "bond0");
	link_entry(VIRTUAL, "vmbr0");
	lower("vmbr0", "bond0.5");
	lower("vmbr0", "tap101i0");
	tree_directory("/sys/devices/virtual/net/vmbr0/bridge");
	routes(ROUTES DEFAULT_VIA("vmbr0") CONNECTED("vmbr0"));
	mark();
	ck_assert_str_eq(reason("0000:06:00.0"), "default route (vmbr0)");
	ck_assert_str_eq(reason("0000:07:00.0"), "default route (vmbr0)");
	ck_assert_uint_eq(count_protected(), 2);
}
END_TEST

START_TEST(default_routes_of_ipv6_count)
{
	add_machine();
	link_entry(ETHERNET, "enp6s0");
	link_entry(SECOND, "enp7s0");
	tree_file(
		"/proc/net/ipv6_route",
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"fd000000000000000000000000000001 00000400 00000002 00000000 00000003   enp6s0\n"
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 ffffffff 00000001 00000000 00200200   enp7s0\n"
		"ff000000000000000000000000000000 08 00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 00000100 00000003 00000000 00000001   enp7s0\n");
	mark();
	ck_assert_str_eq(reason("0000:06:00.0"), "default route (enp6s0)");
	ck_assert_str_eq(reason("0000:07:00.0"), "");
}
END_TEST

START_TEST(the_management_bridge_is_protected_beside_another_default_route)
{
	add_machine();
	link_entry(ETHERNET, "enp6s0");
	link_entry(SECOND, "enp7s0");
	link_entry(VIRTUAL, "vmbr0");
	lower("vmbr0", "enp6s0");
	tree_directory("/sys/devices/virtual/net/vmbr0/bridge");
	routes(ROUTES DEFAULT_VIA("enp7s0") CONNECTED("vmbr0"));
	mark();
	ck_assert_str_eq(reason("0000:06:00.0"), "management bridge (vmbr0)");
	ck_assert_str_eq(reason("0000:07:00.0"), "default route (enp7s0)");
}
END_TEST

START_TEST(a_bridge_of_guests_alone_is_not_protected)
{
	add_machine();
	link_entry(ETHERNET, "enp6s0");
	link_entry(SECOND, "enp7s0");
	link_entry(VIRTUAL, "vmbr1");
	lower("vmbr1", "enp6s0");
	tree_directory("/sys/devices/virtual/net/vmbr1/bridge");
	routes(ROUTES DEFAULT_VIA("enp7s0"));
	mark();
	ck_assert_str_eq(reason("0000:06:00.0"), "");
}
END_TEST

START_TEST(without_a_default_route_the_bridge_with_an_address_is_the_one)
{
	add_machine();
	link_entry(ETHERNET, "enp6s0");
	link_entry(SECOND, "enp7s0");
	link_entry(VIRTUAL, "br-lan");
	lower("br-lan", "enp6s0");
	tree_directory("/sys/devices/virtual/net/br-lan/bridge");
	link_entry(VIRTUAL, "br-guest");
	lower("br-guest", "enp7s0");
	tree_directory("/sys/devices/virtual/net/br-guest/bridge");
	routes(ROUTES CONNECTED("br-lan"));
	mark();
	ck_assert_str_eq(reason("0000:06:00.0"), "management bridge (br-lan)");
	ck_assert_uint_eq(count_protected(), 1);
}
END_TEST

START_TEST(ports_of_open_vswitch_are_protected_with_its_bridge)
{
	add_machine();
	link_entry(ETHERNET, "enp6s0");
	link_entry(SECOND, "enp7s0");
	link_entry(VIRTUAL, "ovs-system");
	lower("ovs-system", "enp6s0");
	link_entry(VIRTUAL, "vmbr0");
	routes(ROUTES DEFAULT_VIA("vmbr0"));
	mark();
	ck_assert_str_eq(reason("0000:06:00.0"), "default route (vmbr0)");
	ck_assert_uint_eq(count_protected(), 1);
}
END_TEST

START_TEST(a_route_through_a_linux_bridge_is_none_through_open_vswitch)
{
	add_machine();
	link_entry(ETHERNET, "enp6s0");
	link_entry(VIRTUAL, "ovs-system");
	lower("ovs-system", "enp6s0");
	link_entry(VIRTUAL, "vmbr0");
	tree_directory("/sys/devices/virtual/net/vmbr0/bridge");
	routes(ROUTES DEFAULT_VIA("vmbr0"));
	mark();
	ck_assert_uint_eq(count_protected(), 0);
}
END_TEST

START_TEST(a_virtual_function_protects_its_physical_one)
{
	add_machine();
	add_function("0000:06:10.0", 0x020000);
	inventory.functions[inventory.n_functions - 1].has_physfn = true;
	inventory.functions[inventory.n_functions - 1].physfn = (struct pci_address){ .bus = 6 };
	link_entry("pci0000:00/0000:00:01.4/0000:06:10.0", "enp6s0v0");
	routes(ROUTES DEFAULT_VIA("enp6s0v0"));
	mark();
	ck_assert_str_eq(reason("0000:06:10.0"), "default route (enp6s0v0)");
	ck_assert_str_eq(reason("0000:06:00.0"), "default route (enp6s0v0)");
}
END_TEST

START_TEST(the_controller_a_usb_nic_is_plugged_into_is_protected)
{
	add_machine();
	link_entry("pci0000:00/0000:00:14.0/usb1/1-3/1-3:1.0", "enx001122334455");
	routes(ROUTES DEFAULT_VIA("enx001122334455"));
	mark();
	ck_assert_str_eq(reason("0000:00:14.0"), "default route (enx001122334455)");
}
END_TEST

START_TEST(one_display_is_the_only_one_and_two_are_not)
{
	add_function("0000:00:02.0", 0x030000);
	add_function("0000:01:00.0", 0x030200);
	mark();
	ck_assert_str_eq(reason("0000:00:02.0"), "the only display");
	ck_assert_str_eq(reason("0000:01:00.0"), "");
	inventory.functions[0].protected = NULL;
	add_function("0000:02:00.0", 0x030000);
	mark();
	ck_assert_uint_eq(count_protected(), 0);
}
END_TEST

START_TEST(another_display_counts_where_there_is_no_vga)
{
	add_function("0000:00:02.0", 0x038000);
	add_function("0000:01:00.0", 0x030200);
	mark();
	ck_assert_str_eq(reason("0000:00:02.0"), "the only display");
	inventory_done(&inventory);
	add_function("0000:00:02.0", 0x038000);
	add_function("0000:01:00.0", 0x030000);
	mark();
	ck_assert_str_eq(reason("0000:00:02.0"), "");
	ck_assert_str_eq(reason("0000:01:00.0"), "the only display");
}
END_TEST

START_TEST(virtual_functions_are_no_further_displays)
{
	add_function("0000:00:02.0", 0x030000);
	add_function("0000:00:02.1", 0x030000);
	inventory.functions[1].has_physfn = true;
	inventory.functions[1].physfn = (struct pci_address){ .device = 2 };
	mark();
	ck_assert_str_eq(reason("0000:00:02.0"), "the only display");
	ck_assert_str_eq(reason("0000:00:02.1"), "");
}
END_TEST

START_TEST(what_a_file_says_stays_where_nothing_better_is_known)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	mountinfo(MOUNT("8:0", "/", "ext4", "/dev/sda"));
	ck_assert_int_eq(inventory_finish(&inventory, "test", NULL), 0);
	for (size_t i = 0; i < inventory.n_functions; i++)
		if (inventory.functions[i].address.bus > 0)
			inventory.functions[i].protected = "said the file";
	mark();
	ck_assert_str_eq(reason("0000:01:00.0"), "root file system");
	ck_assert_str_eq(reason("0000:02:00.0"), "said the file");
	ck_assert_str_eq(reason("0000:00:14.0"), "");
}
END_TEST

START_TEST(many_reasons_are_cut_short)
{
	struct buffer text = { 0 };

	add_machine();
	disk(SATA, "sda", "8:0");
	buffer_append_text(&text, MOUNT("8:1", "/", "ext4", "/dev/sda1"));
	partition(SATA, "sda", "sda1", "8:1");
	for (unsigned int i = 2; i < 40; i++) {
		char name[16], number[16];

		(void)snprintf(name, sizeof(name), "sda%u", i);
		(void)snprintf(number, sizeof(number), "8:%u", i);
		partition(SATA, "sda", name, number);
		buffer_appendf(
			&text, "30 1 %s / /m/%02u%.*s rw - ext4 /dev/x rw\n", number, i, 70,
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\\033xxxxxxxxxxxxxxxxxxxxxxxxxxx"
			"xxxxxxxxx");
	}
	mountinfo(text.data);
	mark();
	buffer_done(&text);
	ck_assert(strncmp(reason("0000:01:00.0"), "root file system, mount /m/02xxx", 32) == 0);
	ck_assert_ptr_nonnull(strstr(reason("0000:01:00.0"), "x?x"));
	ck_assert_ptr_nonnull(strstr(reason("0000:01:00.0"), "..., mount /m/03"));
	ck_assert_ptr_nonnull(strstr(reason("0000:01:00.0"), ", and more"));
	ck_assert_uint_lt(strlen(reason("0000:01:00.0")), 1000);
}
END_TEST

START_TEST(reasons_that_come_by_different_ways_are_said_once)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	disk(SATA_2, "sdb", "8:16");
	disk(VIRTUAL, "md0", "9:0");
	slave("md0", "sda");
	slave("md0", "sdb");
	mountinfo(MOUNT("9:0", "/", "ext4", "/dev/md0"));
	mark();
	ck_assert_str_eq(reason("0000:01:00.0"), "root file system");
}
END_TEST

START_TEST(rings_of_devices_and_links_end)
{
	add_machine();
	mapper("dm-0", "253:0", "a\n", "LVM-1\n");
	mapper("dm-1", "253:1", "b\n", "LVM-1\n");
	slave("dm-0", "dm-1");
	slave("dm-1", "dm-0");
	slave("dm-1", "dm-1");
	disk(VIRTUAL, "loop0", "7:0");
	attribute("loop0", "loop/backing_file", "/file\n");
	link_entry(VIRTUAL, "vmbr0");
	lower("vmbr0", "vmbr1");
	link_entry(VIRTUAL, "vmbr1");
	lower("vmbr1", "vmbr0");
	routes(ROUTES DEFAULT_VIA("vmbr0"));
	mountinfo(MOUNT("7:0", "/", "ext4", "/dev/loop0")
			  MOUNT("253:1", "/x", "ext4", "/dev/dm-1"));
	mark();
	ck_assert_uint_eq(count_protected(), 0);
}
END_TEST

static double now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A chain of devices, each of them mounted in many places. */
START_TEST(time_grows_with_the_size_alone)
{
	struct buffer mounts = { 0 }, fstab = { 0 };
	double started;

	add_machine();
	disk(SATA, "sda", "8:0");
	for (unsigned int i = 0; i < 300; i++) {
		char name[16], below[16], number[16];

		(void)snprintf(name, sizeof(name), "dm-%u", i);
		(void)snprintf(below, sizeof(below), i ? "dm-%u" : "sda", i - 1);
		(void)snprintf(number, sizeof(number), "253:%u", i);
		mapper(name, number, name, "CRYPT-1\n");
		slave(name, below);
	}
	for (unsigned int i = 0; i < 100000; i++) {
		buffer_appendf(&mounts, "%u 1 253:%u / /m/%u rw - ext4 /dev/dm-0 rw\n", i, i % 300,
			       i);
		buffer_appendf(&fstab, "/dev/none /m/%u ext4 defaults 0 0\n", i % 10);
	}
	mountinfo(mounts.data);
	tree_file("/etc/fstab", fstab.data);
	buffer_done(&mounts);
	buffer_done(&fstab);
	started = now();
	mark();
	ck_assert(now() - started < 20);
	ck_assert_ptr_nonnull(strstr(reason("0000:01:00.0"), ", and more"));
}
END_TEST

START_TEST(damaged_tables_are_read_as_far_as_they_go)
{
	add_machine();
	disk(SATA, "sda", "8:0");
	mountinfo(
		"\n30\n30 1 8:0 /\n30 1 8:0 / /x rw - ext4\n30 1 8:0 / /y rw shared:1 ext4 /dev/sda\n"
		"30 1 ../../x / /z rw - ext4 /dev/sda rw\n"
		"30 1 8:0 / / rw - ext4 /dev/sda");
	tree_file("/etc/fstab", "#\n/dev/sda\n/dev/sda /\nLABEL= / ext4\n\" \" /x\n= = = =\n");
	tree_file("/proc/swaps", "\n\n/dev/\n/dev/mapper/\n");
	routes("\nvmbr0\nvmbr0 x x x x x x x\n");
	mark_with_pools("\t\n\t/\n\n\n\t\t\nx\ty\n\t/dev/\t\n");
	ck_assert_str_eq(reason("0000:01:00.0"), "root file system");
}
END_TEST

static void bring_up(const char *name)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC,
				  .ifi_index = (int)if_nametoindex(name),
				  .ifi_flags = IFF_UP,
				  .ifi_change = IFF_UP };
	struct nl_msg *message = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_REQUEST);

	ck_assert_int_eq(nlmsg_append(message, &info, sizeof(info), NLMSG_ALIGNTO), 0);
	ck_assert_int_ge(nl_send_sync(namespace_socket, message), 0);
}

/* A default route out through one link, or through two. */
static void add_default_route(uint8_t family, unsigned char table, const char *name,
			      const char *second)
{
	struct rtmsg route = { .rtm_family = family,
			       .rtm_table = table,
			       .rtm_protocol = RTPROT_STATIC,
			       .rtm_scope = RT_SCOPE_LINK,
			       .rtm_type = RTN_UNICAST };
	const struct rtnexthop ways[] = {
		{ .rtnh_len = sizeof(ways[0]), .rtnh_ifindex = (int)if_nametoindex(name) },
		{ .rtnh_len = sizeof(ways[0]),
		  .rtnh_ifindex = (int)if_nametoindex(second ? second : name) },
	};
	struct nl_msg *message =
		nlmsg_alloc_simple(RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);

	ck_assert_int_eq(nlmsg_append(message, &route, sizeof(route), NLMSG_ALIGNTO), 0);
	if (second)
		ck_assert_int_eq(nla_put(message, RTA_MULTIPATH, sizeof(ways), ways), 0);
	else
		ck_assert_int_eq(nla_put_u32(message, RTA_OIF, if_nametoindex(name)), 0);
	ck_assert_int_ge(nl_send_sync(namespace_socket, message), 0);
}

/* A network of our own whose links a faked /sys gives places; false where there cannot be one. */
static bool enter_network(struct root *ret_live)
{
	static const char *const names[] = { "eth6", "eth7", "vmbr0" };

	if (!namespace_enter())
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!namespace_add_card(names[i]))
			return false;
		bring_up(names[i]);
	}
	namespace_fake_sys();
	tree_teardown();
	tree_path[0] = '\0';
	ck_assert_int_eq(root_open(NULL, ret_live, NULL), 0);
	add_machine();
	link_entry(ETHERNET, "eth6");
	link_entry(SECOND, "eth7");
	link_entry(VIRTUAL, "vmbr0");
	lower("vmbr0", "eth6");
	tree_directory("/sys/devices/virtual/net/vmbr0/bridge");
	ck_assert_int_eq(inventory_finish(&inventory, "test", NULL), 0);
	return true;
}

static void leave_network(struct root *live)
{
	root_done(live);
	namespace_leave();
	tree_setup();
}

START_TEST(the_kernel_is_asked_for_its_default_routes)
{
	struct root live = ROOT_INIT;

	if (!enter_network(&live))
		return;
	ck_assert_int_eq(protected_mark(&live, BYTES_NONE, &inventory), 0);
	ck_assert_uint_eq(count_protected(), 0);
	add_default_route(AF_INET, RT_TABLE_MAIN, "vmbr0", NULL);
	ck_assert_int_eq(protected_mark(&live, BYTES_NONE, &inventory), 0);
	ck_assert_str_eq(reason("0000:06:00.0"), "default route (vmbr0)");
	ck_assert_str_eq(reason("0000:07:00.0"), "");
	add_default_route(AF_INET6, RT_TABLE_MAIN, "eth7", NULL);
	ck_assert_int_eq(protected_mark(&live, BYTES_NONE, &inventory), 0);
	ck_assert_str_eq(reason("0000:07:00.0"), "default route (eth7)");
	leave_network(&live);
}
END_TEST

START_TEST(every_way_of_a_default_route_in_any_table_counts)
{
	struct root live = ROOT_INIT;

	if (!enter_network(&live))
		return;
	add_default_route(AF_INET, 100, "eth6", "eth7");
	ck_assert_int_eq(protected_mark(&live, BYTES_NONE, &inventory), 0);
	ck_assert_str_eq(reason("0000:06:00.0"), "default route (eth6)");
	ck_assert_str_eq(reason("0000:07:00.0"), "default route (eth7)");
	leave_network(&live);
}
END_TEST

static bool run_mkfs(const char *file)
{
	static char program[] = "/sbin/mkfs.ext4", quiet[] = "-q";
	char *copy = strdup(file), *const arguments[] = { program, quiet, copy, NULL };
	int status = -1;
	pid_t pid;

	if (posix_spawn(&pid, program, NULL, NULL, arguments, NULL) == 0)
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	free(copy);
	return status == 0;
}

/* A loop device of a file, which goes with its last user; -1 where there is none to be had. */
static int open_loop(const char *file, char *name, size_t size)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), fd, backing;
	struct loop_config config = { .info = { .lo_flags = LO_FLAGS_AUTOCLEAR } };
	int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);

	if (control >= 0)
		(void)close(control);
	if (number < 0)
		return -1;
	(void)snprintf(name, size, "/dev/loop%d", number);
	fd = open(name, O_RDWR | O_CLOEXEC);
	backing = open(file, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(backing, 0);
	config.fd = (uint32_t)backing;
	if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config) < 0) {
		(void)close(fd);
		fd = -1;
	}
	(void)close(backing);
	return fd;
}

/* Whether a function says that it is needed for @where. */
static bool says_mount(const char *where)
{
	char text[300];

	(void)snprintf(text, sizeof(text), "mount %s", where);
	for (size_t i = 0; i < inventory.n_functions; i++)
		if (inventory.functions[i].protected &&
		    strstr(inventory.functions[i].protected, text))
			return true;
	return false;
}

static bool has_root_function(void)
{
	for (size_t i = 0; i < inventory.n_functions; i++)
		if (inventory.functions[i].protected &&
		    strncmp(inventory.functions[i].protected, "root file system", 16) == 0)
			return true;
	return false;
}

static void mark_live(const struct root *live)
{
	ck_assert_int_eq(inventory_finish(&inventory, "live", NULL), 0);
	for (size_t i = 0; i < inventory.n_functions; i++)
		inventory.functions[i].protected = NULL;
	ck_assert_int_eq(protected_mark(live, BYTES_NONE, &inventory), 0);
}

/* A file of the root file system, as a loop device, mounted: the root's controller is under it. */
START_TEST(a_mounted_image_protects_what_its_file_is_on)
{
	struct root live = ROOT_INIT;
	char directory[] = "/hwrecover-XXXXXX", file[64], loop[32];
	int fd;

	ck_assert_int_eq(root_open(NULL, &live, NULL), 0);
	ck_assert_int_eq(pci_scan(&live, false, &inventory, NULL), 0);
	mark_live(&live);
	if (!has_root_function() || unshare(CLONE_NEWNS) < 0 || !mkdtemp(directory)) {
		(void)fprintf(stderr, "skipped: no root on PCI, or no namespace\n");
		root_done(&live);
		return;
	}
	ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	(void)snprintf(file, sizeof(file), "%s.img", directory);
	fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 4L * 1024 * 1024), 0);
	(void)close(fd);
	fd = run_mkfs(file) ? open_loop(file, loop, sizeof(loop)) : -1;
	if (fd >= 0 && mount(loop, directory, "ext4", 0, NULL) == 0) {
		mark_live(&live);
		ck_assert(says_mount(directory));
		ck_assert_int_eq(umount(directory), 0);
		mark_live(&live);
		ck_assert(!says_mount(directory));
	} else {
		(void)fprintf(stderr, "skipped: no loop device\n");
	}
	if (fd >= 0)
		(void)close(fd);
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(rmdir(directory), 0);
	root_done(&live);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("protected");
	TCase *tests = tcase_create("protected");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_tree_without_anything_protects_nothing);
	tcase_add_test(tests, the_controllers_of_what_is_mounted_are_protected);
	tcase_add_test(tests, a_mount_that_may_fail_protects_nothing_but_root_boot_and_esp_do);
	tcase_add_test(tests, a_file_system_that_is_mounted_twice_has_one_reason);
	tcase_add_test(tests, what_fstab_wants_is_protected_before_it_is_mounted);
	tcase_add_test(tests, what_is_mounted_counts_and_not_what_fstab_says_of_the_same_place);
	tcase_add_test(tests, an_esp_that_is_mounted_when_it_is_used_is_protected);
	tcase_add_test(tests, partitions_proxmox_boots_from_are_protected_unmounted);
	tcase_add_test(tests, a_copy_without_device_numbers_is_read_by_names);
	tcase_add_test(tests, luks_lvm_and_md_are_followed_down_to_every_disk);
	tcase_add_test(tests, an_active_group_protects_its_disks_with_nothing_mounted);
	tcase_add_test(tests, both_ways_of_a_multipath_device_are_protected);
	tcase_add_test(tests, every_controller_of_an_nvme_subsystem_is_protected);
	tcase_add_test(tests, a_controller_with_a_domain_of_its_own_is_protected_with_the_disk);
	tcase_add_test(tests, a_loop_device_stands_on_the_file_system_its_file_is_in);
	tcase_add_test(tests, bcache_protects_its_cache_too);
	tcase_add_test(tests, all_devices_of_a_btrfs_are_protected);
	tcase_add_test(tests, a_mapped_device_is_found_by_its_name_where_dev_is_missing);
	tcase_add_test(tests, imported_pools_are_protected_with_logs_and_caches);
	tcase_add_test(tests, a_pool_that_zpool_does_not_list_protects_nothing);
	tcase_add_test(tests, a_swap_file_is_where_its_file_system_is);
	tcase_add_test(tests, a_root_of_layers_protects_all_of_them);
	tcase_add_test(tests, a_root_on_another_machine_protects_the_nics_that_lead_there);
	tcase_add_test(tests, a_root_on_iscsi_protects_the_nics_and_another_mount_does_not);
	tcase_add_test(tests, nics_below_the_default_route_are_protected);
	tcase_add_test(tests, default_routes_of_ipv6_count);
	tcase_add_test(tests, the_management_bridge_is_protected_beside_another_default_route);
	tcase_add_test(tests, a_bridge_of_guests_alone_is_not_protected);
	tcase_add_test(tests, without_a_default_route_the_bridge_with_an_address_is_the_one);
	tcase_add_test(tests, ports_of_open_vswitch_are_protected_with_its_bridge);
	tcase_add_test(tests, a_route_through_a_linux_bridge_is_none_through_open_vswitch);
	tcase_add_test(tests, a_virtual_function_protects_its_physical_one);
	tcase_add_test(tests, the_controller_a_usb_nic_is_plugged_into_is_protected);
	tcase_add_test(tests, one_display_is_the_only_one_and_two_are_not);
	tcase_add_test(tests, another_display_counts_where_there_is_no_vga);
	tcase_add_test(tests, virtual_functions_are_no_further_displays);
	tcase_add_test(tests, what_a_file_says_stays_where_nothing_better_is_known);
	tcase_add_test(tests, many_reasons_are_cut_short);
	tcase_add_test(tests, reasons_that_come_by_different_ways_are_said_once);
	tcase_add_test(tests, rings_of_devices_and_links_end);
	tcase_add_test(tests, time_grows_with_the_size_alone);
	tcase_add_test(tests, damaged_tables_are_read_as_far_as_they_go);
	tcase_add_test(tests, the_kernel_is_asked_for_its_default_routes);
	tcase_add_test(tests, every_way_of_a_default_route_in_any_table_counts);
	tcase_add_test(tests, a_mounted_image_protects_what_its_file_is_on);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
