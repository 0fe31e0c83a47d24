/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/host-use.h"

#include "tests/unit/scratch.h"

/* A controller with two disks, a NIC with a virtual function, a display; all in a tree. */
#define HBA     "0000:01:00.0"
#define NIC     "0000:02:00.0"
#define VIRTUAL "0000:02:10.0"
#define DISPLAY "0000:03:00.0"
#define NVME    "0000:04:00.0"
#define PORT    "pci0000:00/0000:00:01.0/"

static struct inventory inventory;
static char *text;

/* Makes the folders of a path, all but its last component. */
static void make_parents(const char *path)
{
	for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		char folder[256];

		(void)snprintf(folder, sizeof(folder), "%.*s", (int)(at - path), path);
		if (!is_there(folder))
			make_directory(folder);
	}
}

static void file(const char *path, const char *contents)
{
	make_parents(path);
	write_text(path, contents);
}

/* A device of a class, and the link to it there. @device is where it hangs in /sys/devices. */
static void device(const char *class, const char *name, const char *parent)
{
	char path[256], target[256];

	(void)snprintf(path, sizeof(path), "/sys/devices/%s/%s/", parent, name);
	make_parents(path);
	(void)snprintf(path, sizeof(path), "/sys/class/%s/%s", class, name);
	(void)snprintf(target, sizeof(target), "../../devices/%s/%s", parent, name);
	make_parents(path);
	ck_assert_int_eq(symlink(target, host(path)), 0);
}

/* A block device with its number. */
static void disk(const char *name, const char *parent, const char *number)
{
	char path[256];

	device("block", name, parent);
	(void)snprintf(path, sizeof(path), "/sys/devices/%s/%s/dev", parent, name);
	file(path, number);
}

static void add_function(const char *address, uint32_t class, const char *physfn)
{
	struct pci_function *function = inventory_add_function(&inventory);

	ck_assert_ptr_nonnull(function);
	ck_assert_int_eq(pci_address_parse(bytes_of(address), &function->address), 0);
	function->class = class;
	function->boot_vga = class == 0x030000 ? 1 : UNKNOWN;
	function->has_physfn = physfn != NULL;
	if (physfn)
		ck_assert_int_eq(pci_address_parse(bytes_of(physfn), &function->physfn), 0);
}

#define SATA PORT HBA "/ata1/host0/target0:0:0/0:0:0:0/block"

static void setup(void)
{
	scratch_make();
	add_function(HBA, 0x010601, NULL);
	add_function(NIC, 0x020000, NULL);
	add_function(VIRTUAL, 0x020000, NIC);
	add_function(DISPLAY, 0x030000, NULL);
	add_function(NVME, 0x010802, NULL);
	ck_assert_int_eq(inventory_finish(&inventory, NULL, NULL), 0);
	file("/sys/class/net/bonding_masters", "\n");
	file("/proc/1/mountinfo", "22 1 0:20 / /proc rw - proc proc rw\n");
	file("/proc/swaps", "Filename Type Size Used Priority\n");
	disk("sda", SATA, "8:0\n");
	disk("sda1", SATA "/sda", "8:1\n");
	disk("sdb", SATA, "8:16\n");
	disk("dm-0", "virtual/block", "254:0\n");
}

static void teardown(void)
{
	free(text);
	text = NULL;
	inventory_done(&inventory);
	scratch_remove();
}

static int find_with_pools(const char *address, const char *pools)
{
	struct pci_address parsed;
	size_t i = 0;

	ck_assert_int_eq(pci_address_parse(bytes_of(address), &parsed), 0);
	while (!pci_address_equal(&inventory.functions[i].address, &parsed))
		i++;
	free(text);
	text = NULL;
	return host_use_find(&root, bytes_of(pools), &inventory, i, &text);
}

static int find(const char *address)
{
	return find_with_pools(address, "");
}

static void expect_use(const char *address, const char *expected)
{
	ck_assert_int_eq(find(address), 1);
	ck_assert_str_eq(text, expected);
}

START_TEST(what_is_only_there_is_not_used)
{
	device("net", "enp2s0", PORT NIC "/net");
	file("/sys/devices/" PORT NIC "/net/enp2s0/flags", "0x1002\n");
	ck_assert_int_eq(find(HBA), 0);
	ck_assert_int_eq(find(NIC), 0);
	ck_assert_int_eq(find(VIRTUAL), 0);
	ck_assert_int_eq(find(DISPLAY), 0);
	ck_assert_int_eq(find(NVME), 0);
	ck_assert_ptr_null(text);
}
END_TEST

START_TEST(mounts_count_with_nofail_too)
{
	file("/etc/fstab", "/dev/sda1 /mnt/my\\040disk ext4 nofail 0 2\n");
	file("/proc/1/mountinfo", "22 1 0:20 / /proc rw - proc proc rw\n"
				  "30 1 8:1 / /mnt/my\\040disk rw shared:1 - ext4 /dev/root rw\n"
				  "31 1 8:16 / / rw - ext4 /dev/sdb rw\n"
				  "32 1 8:17 / /elsewhere rw - ext4 /dev/sdc rw\n");
	expect_use(HBA, "mount /mnt/my disk, root file system");
	ck_assert_int_eq(find(NVME), 0);
}
END_TEST

START_TEST(a_mount_with_a_number_of_its_own_is_known_by_its_device)
{
	file("/proc/1/mountinfo", "30 1 0:45 / /data rw - btrfs /dev/sda1 rw\n");
	expect_use(HBA, "mount /data");
}
END_TEST

START_TEST(every_disk_of_a_btrfs_counts)
{
	make_parents("/sys/fs/btrfs/11111111-2222-3333-4444-555555555555/devices/");
	ck_assert_int_eq(
		symlink("../../../../devices/" SATA "/sdb",
			host("/sys/fs/btrfs/11111111-2222-3333-4444-555555555555/devices/sdb")),
		0);
	expect_use(HBA, "btrfs on sdb");
}
END_TEST

START_TEST(swap_counts)
{
	file("/proc/swaps", "Filename Type Size Used Priority\n/dev/sdb partition 100 0 -2\n");
	expect_use(HBA, "swap");
}
END_TEST

START_TEST(pools_count_that_have_no_mount)
{
	static const char pools[] = "rpool\t1G\n\tmirror-0\t1G\n\t/dev/nvme0n1p3\t-\n"
				    "tank\t1G\n\t/dev/sda1\t-\nlogs\n\t/dev/sdb\t-\n";

	ck_assert_int_eq(find_with_pools(HBA, pools), 1);
	ck_assert_str_eq(text, "pool tank");
	ck_assert_int_eq(find_with_pools(NVME, pools), 0);
}
END_TEST

static void hold_disk(const char *path)
{
	make_parents(path);
	ck_assert_int_eq(symlink("../../anywhere", host(path)), 0);
}

START_TEST(holders_count_that_are_not_mounted)
{
	make_parents("/sys/devices/" SATA "/sda/sda1/holders/md0/");
	make_parents("/sys/devices/" SATA "/sdb/holders/dm-0/dm/");
	write_text("/sys/devices/" SATA "/sdb/holders/dm-0/dm/name", "my--vg-data\n");
	write_text("/sys/devices/" SATA "/sdb/holders/dm-0/dm/uuid",
		   "LVM-abcdefghijklmnopqrstuvwxyz012345abcdefghijklmnopqrstuvwxyz012345\n");
	ck_assert_int_eq(find(HBA), 1);
	ck_assert_ptr_nonnull(strstr(text, "array md0"));
	ck_assert_ptr_nonnull(strstr(text, "volume group my-vg"));
	write_text("/sys/devices/" SATA "/sdb/holders/dm-0/dm/uuid", "CRYPT-LUKS2-1\n");
	ck_assert_int_eq(find(HBA), 1);
	ck_assert_ptr_nonnull(strstr(text, "device my--vg-data"));
}
END_TEST

START_TEST(one_group_with_many_volumes_is_named_once)
{
	for (int i = 0; i < 12; i++) {
		char path[256];

		(void)snprintf(path, sizeof(path), "/sys/devices/" SATA "/sdb/holders/dm-%d/dm/",
			       i);
		make_parents(path);
		(void)snprintf(path, sizeof(path),
			       "/sys/devices/" SATA "/sdb/holders/dm-%d/dm/name", i);
		write_text(path, "pve-disk\n");
		(void)snprintf(path, sizeof(path),
			       "/sys/devices/" SATA "/sdb/holders/dm-%d/dm/uuid", i);
		write_text(path, "LVM-1\n");
	}
	expect_use(HBA, "volume group pve");
}
END_TEST

START_TEST(more_uses_than_can_be_read_are_cut)
{
	for (int i = 0; i < 12; i++) {
		char path[256];

		(void)snprintf(path, sizeof(path), "/sys/devices/" SATA "/sdb/holders/md%d", i);
		hold_disk(path);
	}
	ck_assert_int_eq(find(HBA), 1);
	ck_assert_ptr_nonnull(strstr(text, ", and more"));
}
END_TEST

#define SUBSYSTEM "virtual/nvme-subsystem/nvme-subsys0"

START_TEST(a_multipath_drive_is_found_through_its_subsystem)
{
	disk("nvme0n1", SUBSYSTEM, "259:0\n");
	make_parents("/sys/devices/" PORT NVME "/nvme/nvme0/");
	make_parents("/sys/devices/" SUBSYSTEM "/nvme0");
	ck_assert_int_eq(symlink("../../../" PORT NVME "/nvme/nvme0",
				 host("/sys/devices/" SUBSYSTEM "/nvme0")),
			 0);
	make_parents("/sys/class/nvme-subsystem/nvme-subsys0");
	ck_assert_int_eq(
		symlink("../../devices/" SUBSYSTEM, host("/sys/class/nvme-subsystem/nvme-subsys0")),
		0);
	file("/proc/1/mountinfo", "30 1 259:0 / /fast rw - xfs /dev/nvme0n1 rw\n");
	expect_use(NVME, "mount /fast");
	ck_assert_int_eq(find(HBA), 0);
}
END_TEST

START_TEST(a_link_counts_when_it_is_up_or_part_of_another)
{
	device("net", "enp2s0", PORT NIC "/net");
	file("/sys/devices/" PORT NIC "/net/enp2s0/flags", "0x1003\n");
	expect_use(NIC, "link enp2s0 is up");
	write_text("/sys/devices/" PORT NIC "/net/enp2s0/flags", "0x1002\n");
	ck_assert_int_eq(symlink("../../../../../virtual/net/vmbr0",
				 host("/sys/devices/" PORT NIC "/net/enp2s0/master")),
			 0);
	expect_use(NIC, "link enp2s0 in a bridge or bond");
	ck_assert_int_eq(find(HBA), 0);
}
END_TEST

START_TEST(a_virtual_functions_link_is_its_physical_ones_use)
{
	device("net", "enp2s0v0", PORT VIRTUAL "/net");
	file("/sys/devices/" PORT VIRTUAL "/net/enp2s0v0/flags", "0x1003\n");
	expect_use(VIRTUAL, "link enp2s0v0 is up");
	expect_use(NIC, "link enp2s0v0 is up");
}
END_TEST

START_TEST(a_frame_buffer_counts_for_its_display)
{
	device("graphics", "fbcon", "virtual/graphics");
	ck_assert_int_eq(find(DISPLAY), 0);
	device("graphics", "fb0", PORT DISPLAY "/drm/card0/graphics");
	expect_use(DISPLAY, "frame buffer fb0");
	ck_assert_int_eq(find(NIC), 0);
}
END_TEST

START_TEST(the_firmwares_frame_buffer_is_on_the_display_it_used)
{
	device("graphics", "fb0", "platform/efi-framebuffer.0/graphics");
	expect_use(DISPLAY, "frame buffer fb0");
	ck_assert_int_eq(find(HBA), 0);
}
END_TEST

START_TEST(consoles_count)
{
	file("/sys/class/vtconsole/vtcon0/name", "(S) VGA+\n");
	file("/sys/class/vtconsole/vtcon0/bind", "1\n");
	expect_use(DISPLAY, "text console");
	write_text("/sys/class/vtconsole/vtcon0/bind", "0\n");
	ck_assert_int_eq(find(DISPLAY), 0);
	file("/sys/class/tty/console/active", "tty0 ttyS4\n");
	device("tty", "ttyS4", PORT NIC "/tty");
	expect_use(NIC, "console ttyS4");
}
END_TEST

START_TEST(what_cannot_be_looked_at_is_an_error)
{
	ck_assert_int_eq(unlink(host("/proc/1/mountinfo")), 0);
	ck_assert_int_lt(find(HBA), 0);
	/* No disk, no question. */
	ck_assert_int_eq(find(NIC), 0);
	ck_assert_int_eq(rename(host("/sys/class/block"), host("/sys/class/none")), 0);
	ck_assert_int_lt(find(NIC), 0);
	ck_assert_ptr_null(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host-use");
	TCase *tests = tcase_create("host-use");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, what_is_only_there_is_not_used);
	tcase_add_test(tests, mounts_count_with_nofail_too);
	tcase_add_test(tests, a_mount_with_a_number_of_its_own_is_known_by_its_device);
	tcase_add_test(tests, every_disk_of_a_btrfs_counts);
	tcase_add_test(tests, swap_counts);
	tcase_add_test(tests, pools_count_that_have_no_mount);
	tcase_add_test(tests, holders_count_that_are_not_mounted);
	tcase_add_test(tests, one_group_with_many_volumes_is_named_once);
	tcase_add_test(tests, more_uses_than_can_be_read_are_cut);
	tcase_add_test(tests, a_multipath_drive_is_found_through_its_subsystem);
	tcase_add_test(tests, a_link_counts_when_it_is_up_or_part_of_another);
	tcase_add_test(tests, a_virtual_functions_link_is_its_physical_ones_use);
	tcase_add_test(tests, a_frame_buffer_counts_for_its_display);
	tcase_add_test(tests, the_firmwares_frame_buffer_is_on_the_display_it_used);
	tcase_add_test(tests, consoles_count);
	tcase_add_test(tests, what_cannot_be_looked_at_is_an_error);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
