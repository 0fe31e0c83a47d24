/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/pci-scan.h"

#include <endian.h>

#include "tests/unit/tree.h"

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

/* Places one attribute of the function whose directory is @where below /sys/devices. */
static void attribute(const char *where, const char *name, const char *contents)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "/sys/devices/%s/%s", where, name);
	tree_file(path, contents);
}

static void link_attribute(const char *where, const char *name, const char *target)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "/sys/devices/%s/%s", where, name);
	tree_link(path, target);
}

/* A function as the kernel shows it; @uevent is what stands in the file besides its slot name. */
static void add(const char *where, const char *uevent)
{
	const char *name = strrchr(where, '/') + 1;
	char path[512], target[512];

	attribute(where, "uevent", uevent);
	(void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", name);
	(void)snprintf(target, sizeof(target), "../../../devices/%s", where);
	tree_link(path, target);
}

#define NIC    "DRIVER=r8169\nPCI_CLASS=20000\nPCI_ID=10EC:8168\nPCI_SUBSYS_ID=1043:8677\n"
#define BRIDGE "DRIVER=pcieport\nPCI_CLASS=60400\nPCI_ID=1022:43EA\nPCI_SUBSYS_ID=1B21:0201\n"

static void scan(bool details)
{
	struct problem problem = { 0 };
	int r = pci_scan(&tree_root, details, &inventory, &problem);

	ck_assert_msg(r == 0, "%d: %s", r, problem.text);
	ck_assert_int_eq(inventory_finish(&inventory, "tree", &problem), 0);
}

static const struct pci_function *find(const char *where)
{
	const struct pci_function *function;
	struct pci_address address;

	ck_assert_int_eq(pci_address_parse(bytes_of(where), &address), 0);
	function = inventory_find_function(&inventory, &address);
	ck_assert_msg(function != NULL, "%s was not found", where);
	return function;
}

START_TEST(a_machine_without_pci_has_no_functions)
{
	scan(true);
	ck_assert_uint_eq(inventory.n_functions, 0);
	tree_directory("/sys/bus/pci/devices");
	scan(false);
	ck_assert_uint_eq(inventory.n_functions, 0);
}
END_TEST

START_TEST(a_uevent_tells_driver_class_and_ids)
{
	const struct pci_function *function;

	add("pci0000:00/0000:00:02.1/0000:06:00.0",
	    NIC "PCI_SLOT_NAME=0000:06:00.0\nMODALIAS=pci:v000010EC\n");
	scan(false);
	function = find("0000:06:00.0");
	ck_assert_str_eq(function->driver, "r8169");
	ck_assert_uint_eq(function->class, 0x020000);
	ck_assert_uint_eq(function->vendor, 0x10ec);
	ck_assert_uint_eq(function->device, 0x8168);
	ck_assert_int_eq(function->subsystem_vendor, 0x1043);
	ck_assert_int_eq(function->subsystem_device, 0x8677);
	ck_assert_int_eq(function->iommu_group, UNKNOWN);
	ck_assert_int_eq(function->revision, UNKNOWN);
	ck_assert(!function->has_physfn);
}
END_TEST

START_TEST(a_class_has_no_leading_zeros_in_a_uevent)
{
	add("pci0000:00/0000:00:00.0", "PCI_CLASS=60000\nPCI_ID=8086:0D57\n");
	add("pci0000:00/0000:00:01.0", "PCI_CLASS=100\nPCI_ID=8086:0D58\n");
	add("pci0000:00/0000:00:02.0", "PCI_CLASS=FFFF00\nPCI_ID=8086:0D59\n");
	scan(false);
	ck_assert_uint_eq(find("0000:00:00.0")->class, 0x060000);
	ck_assert_uint_eq(find("0000:00:01.0")->class, 0x000100);
	ck_assert_uint_eq(find("0000:00:02.0")->class, 0xffff00);
	ck_assert_ptr_null(find("0000:00:00.0")->driver);
	ck_assert_int_eq(find("0000:00:00.0")->subsystem_vendor, UNKNOWN);
}
END_TEST

START_TEST(a_path_names_every_hop_but_no_bus)
{
	add("pci0000:00/0000:00:02.1/0000:01:00.2/0000:02:08.0/0000:05:00.0", NIC);
	add("pci0000:00/0000:00:02.1", BRIDGE);
	scan(false);
	ck_assert_str_eq(find("0000:05:00.0")->path, "pci0000:00/02.1/00.2/08.0/00.0");
	ck_assert_str_eq(find("0000:00:02.1")->path, "pci0000:00/02.1");
}
END_TEST

START_TEST(a_path_stays_when_buses_are_renumbered)
{
	char *before;

	add("pci0000:00/0000:00:1c.4/0000:06:00.1", NIC);
	scan(false);
	before = strdup(find("0000:06:00.1")->path);
	teardown();
	setup();
	add("pci0000:00/0000:00:1c.4/0000:07:00.1", NIC);
	scan(false);
	ck_assert_str_eq(find("0000:07:00.1")->path, before);
	free(before);
}
END_TEST

START_TEST(what_stands_above_the_host_bridge_is_left_out)
{
	add("platform/soc/fd500000.pcie/pci0002:00/0002:00:00.0/0002:01:00.0", NIC);
	add("LNXSYSTM:00/LNXSYBUS:00/ACPI0004:00/VMBUS:00/47505500-0001/pciabcd:00/abcd:00:00.0",
	    NIC);
	scan(false);
	ck_assert_str_eq(find("0002:01:00.0")->path, "pci0002:00/00.0/00.0");
	ck_assert_str_eq(find("abcd:00:00.0")->path, "pciabcd:00/00.0");
}
END_TEST

START_TEST(a_vmd_domain_hangs_below_its_controller_whatever_its_number)
{
	add("pci0000:00/0000:00:0e.0", "DRIVER=vmd\nPCI_CLASS=10400\nPCI_ID=8086:A77F\n");
	add("pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0", BRIDGE);
	add("pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0", NIC);
	add("pci0000:80/0000:80:0e.0/pci10001:00/10001:00:06.0/10001:01:00.0", NIC);
	scan(true);
	ck_assert_str_eq(find("10000:e1:00.0")->path, "pci0000:00/0e.0/pci/06.0/00.0");
	ck_assert_str_eq(find("10001:01:00.0")->path, "pci0000:80/0e.0/pci/06.0/00.0");
	ck_assert_str_eq(find("0000:00:0e.0")->path, "pci0000:00/0e.0");
}
END_TEST

START_TEST(functions_of_one_card_differ_in_the_last_hop)
{
	add("pci0000:00/0000:00:01.0/0000:01:00.0", NIC);
	add("pci0000:00/0000:00:01.0/0000:01:00.1", NIC);
	scan(false);
	ck_assert_uint_eq(inventory.n_functions, 2);
	ck_assert_str_eq(find("0000:01:00.0")->path, "pci0000:00/01.0/00.0");
	ck_assert_str_eq(find("0000:01:00.1")->path, "pci0000:00/01.0/00.1");
}
END_TEST

START_TEST(groups_and_physical_functions_are_read_from_links)
{
	static const char vf[] = "pci0000:00/0000:00:01.0/0000:01:10.2";

	add("pci0000:00/0000:00:01.0/0000:01:00.0", NIC);
	add(vf, NIC);
	link_attribute(vf, "iommu_group", "../../../../kernel/iommu_groups/24");
	link_attribute(vf, "physfn", "../0000:01:00.0");
	scan(false);
	ck_assert_int_eq(find("0000:01:10.2")->iommu_group, 24);
	ck_assert(find("0000:01:10.2")->has_physfn);
	ck_assert(pci_address_equal(&find("0000:01:10.2")->physfn, &find("0000:01:00.0")->address));
	ck_assert(!find("0000:01:00.0")->has_physfn);
}
END_TEST

START_TEST(odd_links_are_unknown_values)
{
	static const char where[] = "pci0000:00/0000:00:01.0/0000:01:00.0";

	add(where, NIC);
	link_attribute(where, "iommu_group", "../../iommu_groups/-1");
	link_attribute(where, "physfn", "../0000:01:00.0");
	scan(false);
	ck_assert_int_eq(find("0000:01:00.0")->iommu_group, UNKNOWN);
	ck_assert(!find("0000:01:00.0")->has_physfn);
}
END_TEST

START_TEST(details_are_read_only_when_asked_for)
{
	static const char where[] = "pci0000:00/0000:00:03.1/0000:0a:00.0";

	add("pci0000:00/0000:00:03.1", BRIDGE);
	attribute("pci0000:00/0000:00:03.1", "firmware_node/path", "\\_SB_.PCI0.GPP8\n");
	attribute("pci0000:00/0000:00:03.1", "boot_vga", "1\n");
	add("pci0000:00/0000:00:00.0", "PCI_CLASS=60000\n");
	attribute("pci0000:00/0000:00:00.0", "firmware_node/path", "\\_SB_.PCI0\n");
	add(where, "PCI_CLASS=30000\nPCI_ID=10DE:2484\n");
	attribute(where, "revision", "0xa1\n");
	attribute(where, "boot_vga", "1\n");
	tree_file("/sys/bus/pci/slots/PCIEX16_1/address", "0000:0a:00\n");

	scan(false);
	ck_assert_int_eq(find("0000:0a:00.0")->revision, UNKNOWN);
	ck_assert_int_eq(find("0000:0a:00.0")->boot_vga, UNKNOWN);
	ck_assert_ptr_null(find("0000:0a:00.0")->slot);
	ck_assert_ptr_null(find("0000:0a:00.0")->firmware_path);
	inventory_done(&inventory);
	scan(true);
	ck_assert_int_eq(find("0000:0a:00.0")->revision, 0xa1);
	ck_assert_int_eq(find("0000:0a:00.0")->boot_vga, 1);
	ck_assert_str_eq(find("0000:0a:00.0")->slot, "PCIEX16_1");
	ck_assert_str_eq(find("0000:0a:00.0")->firmware_path, "\\_SB_.PCI0.GPP8");
	ck_assert_ptr_null(find("0000:00:03.1")->slot);
	ck_assert_int_eq(find("0000:00:03.1")->boot_vga, UNKNOWN);
	ck_assert_ptr_null(find("0000:00:03.1")->firmware_path);
}
END_TEST

START_TEST(the_slot_is_that_of_the_nearest_port)
{
	add("pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0/0000:03:00.1", NIC);
	add("pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:01.0/0000:04:00.0", NIC);
	add("pci0000:00/0000:00:02.0/0000:05:00.0", NIC);
	tree_file("/sys/bus/pci/slots/outer/address", "0000:01:00\n");
	tree_file("/sys/bus/pci/slots/inner/address", "0000:03:00\n");
	tree_file("/sys/bus/pci/slots/broken/address", "0000\n");
	tree_directory("/sys/bus/pci/slots/empty");
	scan(true);
	ck_assert_str_eq(find("0000:03:00.1")->slot, "inner");
	ck_assert_str_eq(find("0000:04:00.0")->slot, "outer");
	ck_assert_ptr_null(find("0000:05:00.0")->slot);
}
END_TEST

START_TEST(a_slot_may_be_a_whole_bus_and_two_of_one_address_are_told_by_name)
{
	add("pci0000:00/0000:00:01.0/0000:01:1f.0", NIC);
	add("pci0000:00/0000:00:02.0/0000:02:00.0", NIC);
	tree_file("/sys/bus/pci/slots/7/address", "0000:01\n");
	tree_file("/sys/bus/pci/slots/9/address", "0000:02:00\n");
	tree_file("/sys/bus/pci/slots/8/address", "0000:02:00\n");
	scan(true);
	ck_assert_str_eq(find("0000:01:1f.0")->slot, "7");
	ck_assert_str_eq(find("0000:02:00.0")->slot, "8");
}
END_TEST

START_TEST(a_device_tree_names_ports_too)
{
	add("platform/pcie/pci0000:00/0000:00:00.0", BRIDGE);
	link_attribute("platform/pcie/pci0000:00/0000:00:00.0", "of_node",
		       "../../../../../firmware/devicetree/base/soc/pcie@fd500000/pci@0,0");
	add("platform/pcie/pci0000:00/0000:00:00.0/0000:01:00.0", NIC);
	scan(true);
	ck_assert_str_eq(find("0000:01:00.0")->firmware_path, "/soc/pcie@fd500000/pci@0,0");
}
END_TEST

START_TEST(a_copy_made_by_following_links_has_no_paths)
{
	tree_file("/sys/bus/pci/devices/0000:06:00.0/uevent", NIC);
	tree_directory("/sys/bus/pci/devices/0000:06:00.0/iommu_group");
	tree_directory("/sys/bus/pci/devices/0000:06:00.0/physfn");
	scan(true);
	ck_assert_uint_eq(find("0000:06:00.0")->vendor, 0x10ec);
	ck_assert_ptr_null(find("0000:06:00.0")->path);
	ck_assert_int_eq(find("0000:06:00.0")->iommu_group, UNKNOWN);
	ck_assert(!find("0000:06:00.0")->has_physfn);
}
END_TEST

START_TEST(a_copy_without_the_devices_is_an_error)
{
	struct problem problem = { 0 };

	tree_link("/sys/bus/pci/devices/0000:06:00.0",
		  "../../../devices/pci0000:00/0000:00:02.1/0000:06:00.0");
	ck_assert_int_eq(pci_scan(&tree_root, false, &inventory, &problem), -ENOENT);
	ck_assert_ptr_nonnull(strstr(problem.text, "0000:06:00.0 has no uevent"));
	ck_assert_ptr_nonnull(strstr(problem.text, tree_path));
	problem_done(&problem);
}
END_TEST

START_TEST(a_function_that_does_not_answer_is_kept)
{
	add("pci0000:00/0000:00:02.1/0000:06:00.0", "DRIVER=vfio-pci\n");
	tree_directory("/sys/devices/pci0000:00/0000:00:02.1/0000:07:00.0/uevent");
	tree_link("/sys/bus/pci/devices/0000:07:00.0",
		  "../../../devices/pci0000:00/0000:00:02.1/0000:07:00.0");
	scan(true);
	ck_assert_uint_eq(find("0000:06:00.0")->vendor, 0xffff);
	ck_assert_uint_eq(find("0000:06:00.0")->device, 0xffff);
	ck_assert_str_eq(find("0000:06:00.0")->driver, "vfio-pci");
	ck_assert_uint_eq(find("0000:07:00.0")->vendor, 0xffff);
	ck_assert_str_eq(find("0000:07:00.0")->path, "pci0000:00/02.1/00.0");
}
END_TEST

START_TEST(what_is_no_function_is_passed_over)
{
	add("pci0000:00/0000:00:02.1/0000:06:00.0", NIC);
	tree_file("/sys/bus/pci/devices/README", "x");
	tree_file("/sys/bus/pci/devices/0000:06:00.8/uevent", NIC);
	scan(false);
	ck_assert_uint_eq(inventory.n_functions, 1);
}
END_TEST

START_TEST(garbage_in_attributes_is_unknown)
{
	static const char where[] = "pci0000:00/0000:00:02.1/0000:06:00.0";

	add(where, "DRIVER=a\x1b[2J\nPCI_CLASS=1000000\nPCI_ID=10EC8168\nPCI_SUBSYS_ID=\n\n=\nX");
	attribute(where, "revision", "a1");
	attribute(where, "boot_vga", "2");
	scan(true);
	ck_assert_ptr_null(find("0000:06:00.0")->driver);
	ck_assert_uint_eq(find("0000:06:00.0")->class, 0);
	ck_assert_uint_eq(find("0000:06:00.0")->vendor, 0xffff);
	ck_assert_int_eq(find("0000:06:00.0")->subsystem_vendor, UNKNOWN);
	ck_assert_int_eq(find("0000:06:00.0")->revision, UNKNOWN);
}
END_TEST

START_TEST(a_huge_attribute_is_cut)
{
	char huge[20000];

	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	memcpy(huge, "PCI_ID=10EC:8168\n", 17);
	add("pci0000:00/0000:00:02.1/0000:06:00.0", huge);
	scan(true);
	ck_assert_uint_eq(find("0000:06:00.0")->vendor, 0x10ec);
}
END_TEST

START_TEST(no_link_leads_out_of_the_tree)
{
	char outside[512];

	(void)snprintf(outside, sizeof(outside), "%s-outside", tree_path);
	ck_assert_int_eq(mkdir(outside, 0755), 0);
	add("pci0000:00/0000:00:02.1/0000:06:00.0", "PCI_ID=1111:2222\n");
	tree_link("/sys/bus/pci/devices/0000:06:00.0", outside);
	ck_assert_int_eq(pci_scan(&tree_root, false, &inventory, NULL), -ENOENT);
	ck_assert_int_eq(rmdir(outside), 0);
}
END_TEST

START_TEST(a_fifo_is_not_waited_for)
{
	char path[512];

	add("pci0000:00/0000:00:02.1/0000:06:00.0", NIC);
	(void)snprintf(path, sizeof(path),
		       "%s/sys/devices/pci0000:00/0000:00:02.1/0000:06:00.0/revision", tree_path);
	ck_assert_int_eq(mkfifo(path, 0644), 0);
	scan(true);
	ck_assert_int_eq(find("0000:06:00.0")->revision, UNKNOWN);
}
END_TEST

/* Config space with the given dwords from 0x100 on. */
static int read_serial(const uint32_t *dwords, size_t n, const char **ret_serial)
{
	static char config[4096];
	struct pci_address address = { .bus = 6 };

	memset(config, 0, sizeof(config));
	/* What stands in front of the extended capabilities only looks like one. */
	for (size_t i = 0x40; i < 0x100; i += 4)
		memcpy(config + i, "\x03\x00\x01\x00", 4);
	for (size_t i = 0; i < n; i++) {
		uint32_t value = htole32(dwords[i]);

		memcpy(config + 0x100 + i * 4, &value, 4);
	}
	add("pci0000:00/0000:00:02.1/0000:06:00.0", NIC);
	tree_bytes("/sys/devices/pci0000:00/0000:00:02.1/0000:06:00.0/config",
		   bytes_make(config, sizeof(config)));
	*ret_serial = NULL;
	return pci_read_serial(&tree_root, &address, &inventory.arena, ret_serial);
}

START_TEST(a_serial_number_is_found_behind_other_capabilities)
{
	/* AER at 0x100, then at 0x110 the serial number, as lspci(8) shows it. */
	static const uint32_t dwords[] = {
		0x11010001, 0, 0, 0, 0x00010003, 0x684ce000, 0x01020304
	};
	const char *serial;

	ck_assert_int_eq(read_serial(dwords, ARRAY_SIZE(dwords), &serial), 1);
	ck_assert_str_eq(serial, "01-02-03-04-68-4c-e0-00");
}
END_TEST

START_TEST(most_functions_have_no_serial_number)
{
	static const uint32_t none[] = { 0 }, other[] = { 0x00010001 }, silent[] = { UINT32_MAX },
			      low[] = { 0x0c010001 };
	static const uint32_t all_ones[] = { 0x00010003, UINT32_MAX, UINT32_MAX };
	const char *serial;

	ck_assert_int_eq(read_serial(none, 1, &serial), 0);
	ck_assert_int_eq(read_serial(other, 1, &serial), 0);
	ck_assert_int_eq(read_serial(silent, 1, &serial), 0);
	ck_assert_int_eq(read_serial(low, 1, &serial), 0);
	ck_assert_int_eq(read_serial(all_ones, 3, &serial), 0);
	ck_assert_ptr_null(serial);
}
END_TEST

START_TEST(a_list_of_capabilities_that_goes_round_ends)
{
	static const uint32_t circle[] = { 0x10810001, 0, 0x10010002 };
	static const uint32_t itself[] = { 0x10010001 };
	const char *serial;

	ck_assert_int_eq(read_serial(circle, ARRAY_SIZE(circle), &serial), 0);
	ck_assert_int_eq(read_serial(itself, ARRAY_SIZE(itself), &serial), 0);
}
END_TEST

START_TEST(a_capability_at_the_very_end_is_not_read_beyond)
{
	static uint32_t dwords[(0x1000 - 0x100) / 4] = { 0xffc10001 };
	const char *serial;

	dwords[ARRAY_SIZE(dwords) - 1] = 0x00010003;
	ck_assert_int_eq(read_serial(dwords, ARRAY_SIZE(dwords), &serial), 0);
}
END_TEST

START_TEST(config_space_of_an_old_device_or_an_unprivileged_reader_is_short)
{
	static const size_t sizes[] = { 0, 64, 256, 258 };
	struct pci_address address = { .bus = 6 };
	char config[512];
	const char *serial = NULL;

	memset(config, 0x3, sizeof(config));
	add("pci0000:00/0000:00:02.1/0000:06:00.0", NIC);
	ck_assert_int_eq(pci_read_serial(&tree_root, &address, &inventory.arena, &serial), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		tree_bytes("/sys/devices/pci0000:00/0000:00:02.1/0000:06:00.0/config",
			   bytes_make(config, sizes[i]));
		ck_assert_int_eq(pci_read_serial(&tree_root, &address, &inventory.arena, &serial),
				 0);
	}
	ck_assert_ptr_null(serial);
}
END_TEST

START_TEST(the_live_machine_is_read_without_a_problem)
{
	struct root live = ROOT_INIT;
	struct problem problem = { 0 };

	ck_assert_int_eq(root_open(NULL, &live, NULL), 0);
	ck_assert_msg(pci_scan(&live, true, &inventory, &problem) == 0, "%s", problem.text);
	ck_assert_int_eq(inventory_finish(&inventory, "live", NULL), 0);
	for (size_t i = 0; i < inventory.n_functions; i++) {
		const struct pci_function *function = &inventory.functions[i];
		struct pci_address_name name;
		char path[128];

		ck_assert_ptr_nonnull(function->path);
		ck_assert_int_ne(function->vendor, 0xffff);
		(void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s",
			       pci_address_show(&function->address, &name));
		ck_assert(root_exists(&live, path));
	}
	root_done(&live);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pci-scan");
	TCase *tests = tcase_create("pci-scan");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_machine_without_pci_has_no_functions);
	tcase_add_test(tests, a_uevent_tells_driver_class_and_ids);
	tcase_add_test(tests, a_class_has_no_leading_zeros_in_a_uevent);
	tcase_add_test(tests, a_path_names_every_hop_but_no_bus);
	tcase_add_test(tests, a_path_stays_when_buses_are_renumbered);
	tcase_add_test(tests, what_stands_above_the_host_bridge_is_left_out);
	tcase_add_test(tests, a_vmd_domain_hangs_below_its_controller_whatever_its_number);
	tcase_add_test(tests, functions_of_one_card_differ_in_the_last_hop);
	tcase_add_test(tests, groups_and_physical_functions_are_read_from_links);
	tcase_add_test(tests, odd_links_are_unknown_values);
	tcase_add_test(tests, details_are_read_only_when_asked_for);
	tcase_add_test(tests, the_slot_is_that_of_the_nearest_port);
	tcase_add_test(tests, a_slot_may_be_a_whole_bus_and_two_of_one_address_are_told_by_name);
	tcase_add_test(tests, a_device_tree_names_ports_too);
	tcase_add_test(tests, a_copy_made_by_following_links_has_no_paths);
	tcase_add_test(tests, a_copy_without_the_devices_is_an_error);
	tcase_add_test(tests, a_function_that_does_not_answer_is_kept);
	tcase_add_test(tests, what_is_no_function_is_passed_over);
	tcase_add_test(tests, garbage_in_attributes_is_unknown);
	tcase_add_test(tests, a_huge_attribute_is_cut);
	tcase_add_test(tests, no_link_leads_out_of_the_tree);
	tcase_add_test(tests, a_fifo_is_not_waited_for);
	tcase_add_test(tests, a_serial_number_is_found_behind_other_capabilities);
	tcase_add_test(tests, most_functions_have_no_serial_number);
	tcase_add_test(tests, a_list_of_capabilities_that_goes_round_ends);
	tcase_add_test(tests, a_capability_at_the_very_end_is_not_read_beyond);
	tcase_add_test(tests, config_space_of_an_old_device_or_an_unprivileged_reader_is_short);
	tcase_add_test(tests, the_live_machine_is_read_without_a_problem);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
