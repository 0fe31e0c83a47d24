/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/link-scan.h"

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

static void scan(const struct root *root)
{
	struct problem problem = { 0 };
	int r = link_scan(root, &inventory, &problem);

	ck_assert_msg(r == 0, "%d: %s", r, problem.text);
	ck_assert_int_eq(inventory_finish(&inventory, "links", &problem), 0);
}

static const struct nic *find(const char *name)
{
	const struct nic *nic = inventory_find_nic(&inventory, bytes_of(name));

	ck_assert_msg(nic != NULL, "%s was not found", name);
	return nic;
}

static const char *function_of(const char *name)
{
	static struct pci_address_name text;

	return find(name)->has_pci ? pci_address_show(&find(name)->pci, &text) : "none";
}

/* One file of a link's directory, which is /sys/devices/@where/net/@name. */
static void attribute(const char *where, const char *name, const char *file, const char *contents)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "/sys/devices/%s/net/%s/%s", where, name, file);
	tree_file(path, contents);
}

/* A link without a device, as the kernel shows it. */
static void add_virtual(const char *name)
{
	char path[256], target[256];

	attribute("virtual", name, "address", "02:00:00:00:00:99\n");
	attribute("virtual", name, "addr_assign_type", "0\n");
	(void)snprintf(path, sizeof(path), "/sys/class/net/%s", name);
	(void)snprintf(target, sizeof(target), "../../devices/virtual/net/%s", name);
	tree_link(path, target);
}

static void add(const char *where, const char *name, const char *mac, const char *dev_port)
{
	char path[512], target[512];

	attribute(where, name, "address", mac);
	attribute(where, name, "addr_assign_type", "0\n");
	attribute(where, name, "dev_port", dev_port);
	(void)snprintf(path, sizeof(path), "/sys/devices/%s/driver", where);
	tree_link(path, "../../../bus/pci/drivers/r8169");
	(void)snprintf(path, sizeof(path), "/sys/devices/%s/net/%s/device", where, name);
	(void)snprintf(target, sizeof(target), "../../../%s", strrchr(where, '/') + 1);
	tree_link(path, target);
	(void)snprintf(path, sizeof(path), "/sys/class/net/%s", name);
	(void)snprintf(target, sizeof(target), "../../devices/%s/net/%s", where, name);
	tree_link(path, target);
}

START_TEST(a_copy_without_a_network_has_no_links)
{
	scan(&tree_root);
	ck_assert_uint_eq(inventory.n_nics, 0);
}
END_TEST

START_TEST(a_nic_of_a_copy_has_all_that_files_tell)
{
	add("pci0000:00/0000:00:02.1/0000:06:00.0", "enp6s0", "A8:a1:59:00:00:01\n", "0\n");
	scan(&tree_root);
	ck_assert_str_eq(find("enp6s0")->mac, "a8:a1:59:00:00:01");
	ck_assert_str_eq(function_of("enp6s0"), "0000:06:00.0");
	ck_assert_int_eq(find("enp6s0")->port, 0);
	ck_assert_str_eq(find("enp6s0")->driver, "r8169");
	ck_assert_uint_eq(find("enp6s0")->n_altnames, 0);
	ck_assert(find("enp6s0")->settled);
}
END_TEST

START_TEST(links_without_a_device_are_left_out)
{
	add("pci0000:00/0000:00:02.1/0000:06:00.0", "enp6s0", "a8:a1:59:00:00:01\n", "0\n");
	add_virtual("lo");
	add_virtual("vmbr0");
	add_virtual("veth101i0");
	tree_file("/sys/class/net/bonding_masters", "bond0\n");
	scan(&tree_root);
	ck_assert_uint_eq(inventory.n_nics, 1);
}
END_TEST

START_TEST(a_parent_is_climbed_to_its_function)
{
	add("pci0000:00/0000:00:03.0/virtio2", "eth0", "02:00:00:00:00:01\n", "0\n");
	add("pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.1", "eth1",
	    "02:00:00:00:00:02\n", "0\n");
	add("pci0000:00/0000:00:1c.0/0000:02:00.0/bcma0:1", "wlan0", "02:00:00:00:00:03\n", "0\n");
	scan(&tree_root);
	ck_assert_str_eq(function_of("eth0"), "0000:00:03.0");
	ck_assert_str_eq(function_of("eth1"), "10000:e1:00.1");
	ck_assert_str_eq(function_of("wlan0"), "0000:02:00.0");
}
END_TEST

START_TEST(what_is_plugged_into_a_controller_does_not_stand_on_it)
{
	add("pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0", "usb0", "02:00:00:00:00:01\n", "0\n");
	add("pci0000:00/0000:00:1e.4/mmc_host/mmc1/mmc1:0001/mmc1:0001:1", "wlan0",
	    "02:00:00:00:00:02\n", "0\n");
	add("pci0000:00/0000:00:0d.2/domain0/0-0/0-1/0-1.0", "tb0", "02:00:00:00:00:03\n", "0\n");
	add("platform/soc/fd580000.ethernet", "end0", "02:00:00:00:00:04\n", "0\n");
	scan(&tree_root);
	ck_assert_str_eq(function_of("usb0"), "none");
	ck_assert_str_eq(find("usb0")->mac, "02:00:00:00:00:01");
	ck_assert_int_eq(find("usb0")->port, UNKNOWN);
	ck_assert_str_eq(function_of("wlan0"), "none");
	ck_assert_str_eq(function_of("tb0"), "none");
	ck_assert_str_eq(function_of("end0"), "none");
}
END_TEST

START_TEST(an_address_that_somebody_set_is_not_the_hardwares)
{
	static const char where[] = "pci0000:00/0000:00:02.1/0000:06:00.0";

	add(where, "eth0", "02:00:00:00:00:01\n", "0\n");
	attribute(where, "eth0", "addr_assign_type", "3\n");
	add("pci0000:00/0000:00:02.1/0000:07:00.0", "eth1", "02:00:00:00:00:02\n", "0\n");
	tree_link("/sys/devices/pci0000:00/0000:00:02.1/0000:07:00.0/net/eth1/master",
		  "../../../../virtual/net/bond0");
	add("pci0000:00/0000:00:02.1/0000:08:00.0", "eth2", "(null)\n", "0\n");
	scan(&tree_root);
	ck_assert_ptr_null(find("eth0")->mac);
	ck_assert_ptr_null(find("eth1")->mac);
	ck_assert_ptr_null(find("eth2")->mac);
}
END_TEST

START_TEST(a_driver_that_tells_ports_is_believed)
{
	static const char where[] = "pci0000:00/0000:00:02.1/0000:06:00.0";

	add(where, "a", "02:00:00:00:00:01\n", "1\n");
	add(where, "b", "02:00:00:00:00:02\n", "0\n");
	add("pci0000:00/0000:00:02.1/0000:07:00.0", "c", "02:00:00:00:00:03\n", "1\n");
	scan(&tree_root);
	ck_assert_int_eq(find("a")->port, 1);
	ck_assert_int_eq(find("b")->port, 0);
	ck_assert_int_eq(find("c")->port, 1);
}
END_TEST

START_TEST(ports_that_no_driver_tells_are_numbered_by_address_not_by_name)
{
	static const char where[] = "pci0000:00/0000:00:02.1/0000:06:00.0";
	static const char other[] = "pci0000:00/0000:00:02.1/0000:07:00.0";

	add(where, "a", "02:00:00:00:00:03\n", "0\n");
	add(where, "b", "02:00:00:00:00:01\n", "0\n");
	add(where, "c", "02:00:00:00:00:02\n", "0\n");
	add(where, "d", "02:00:00:00:00:04\n", "1\n");
	add(other, "x", "02:00:00:00:00:09\n", "0\n");
	add(other, "y", "02:00:00:00:00:09\n", "0\n");
	scan(&tree_root);
	ck_assert_int_eq(find("a")->port, 2);
	ck_assert_int_eq(find("b")->port, 0);
	ck_assert_int_eq(find("c")->port, 1);
	ck_assert_int_eq(find("d")->port, 3);
	ck_assert_int_eq(find("x")->port, UNKNOWN);
	ck_assert_int_eq(find("y")->port, UNKNOWN);
}
END_TEST

START_TEST(a_copy_made_by_following_links_still_has_its_nics)
{
	tree_file("/sys/class/net/eth0/address", "02:00:00:00:00:01\n");
	tree_file("/sys/class/net/eth0/addr_assign_type", "0\n");
	tree_directory("/sys/class/net/eth0/device");
	tree_file("/sys/class/net/eth1/address", "02:00:00:00:00:02\n");
	tree_link("/sys/class/net/eth1/device", "../../../0000:06:00.0");
	tree_file("/sys/class/net/lo/address", "00:00:00:00:00:00\n");
	scan(&tree_root);
	ck_assert_uint_eq(inventory.n_nics, 2);
	ck_assert_str_eq(find("eth0")->mac, "02:00:00:00:00:01");
	ck_assert_str_eq(function_of("eth0"), "none");
	ck_assert_str_eq(function_of("eth1"), "0000:06:00.0");
	ck_assert_ptr_null(find("eth1")->mac);
}
END_TEST

START_TEST(a_copy_without_the_devices_is_an_error)
{
	struct problem problem = { 0 };

	tree_link("/sys/class/net/lo", "../../devices/virtual/net/lo");
	scan(&tree_root);
	ck_assert_uint_eq(inventory.n_nics, 0);
	tree_link("/sys/class/net/eth0", "../../devices/pci0000:00/0000:06:00.0/net/eth0");
	ck_assert_int_eq(link_scan(&tree_root, &inventory, &problem), -ENOENT);
	ck_assert_ptr_nonnull(strstr(problem.text, "eth0 leads nowhere"));
	problem_done(&problem);
}
END_TEST

START_TEST(links_are_added_to_what_is_there)
{
	struct nic *nic = inventory_add_nic(&inventory);

	nic->name = "before";
	nic->port = 0;
	nic->has_pci = true;
	nic->pci = (struct pci_address){ .bus = 6 };
	add("pci0000:00/0000:00:02.1/0000:06:00.0", "eth0", "02:00:00:00:00:01\n", "0\n");
	scan(&tree_root);
	ck_assert_uint_eq(inventory.n_nics, 2);
	ck_assert_int_eq(find("before")->port, 0);
	ck_assert_int_eq(find("eth0")->port, 0);
}
END_TEST

START_TEST(on_the_live_machine_every_nic_has_a_device)
{
	struct root live = ROOT_INIT;

	ck_assert_int_eq(root_open(NULL, &live, NULL), 0);
	ck_assert_int_eq(pci_scan(&live, false, &inventory, NULL), 0);
	scan(&live);
	for (size_t i = 0; i < inventory.n_nics; i++) {
		const struct nic *nic = &inventory.nics[i];
		char path[128];

		(void)snprintf(path, sizeof(path), "/sys/class/net/%s/device", nic->name);
		ck_assert_msg(root_exists(&live, path), "%s", path);
		ck_assert_msg(!nic->has_pci || inventory_function_of(&inventory, nic),
			      "%s stands "
			      "on nothing",
			      nic->name);
	}
	root_done(&live);
}
END_TEST

START_TEST(virtual_links_of_the_kernel_are_no_nics)
{
	struct root live = ROOT_INIT;

	if (!namespace_enter())
		return;
	ck_assert_int_eq(mount("sysfs", "/sys", "sysfs", 0, NULL), 0);
	(void)namespace_add_link("dummy0", "dummy");
	(void)namespace_add_link("veth1", "veth");
	(void)namespace_add_link("br0", "bridge");
	(void)namespace_add_link("bond9", "bond");
	(void)namespace_add_link("ifb9", "ifb");
	ck_assert_int_eq(root_open(NULL, &live, NULL), 0);
	scan(&live);
	ck_assert_uint_eq(inventory.n_nics, 0);
	root_done(&live);
	namespace_leave();
}
END_TEST

/* A link of the kernel's that a faked /sys gives a device. */
static void add_device(const char *name, const char *where, const char *addr_assign_type)
{
	char index[16];

	add(where, name, "02:00:00:00:00:77\n", "0\n");
	(void)snprintf(index, sizeof(index), "%u\n", if_nametoindex(name));
	attribute(where, name, "ifindex", index);
	attribute(where, name, "addr_assign_type", addr_assign_type);
}

/* Fills the namespace's /sys instead of a tree of its own. */
static bool enter_with_fake_sys(struct root *ret_live)
{
	if (!namespace_enter() || !namespace_add_card("eth0"))
		return false;
	namespace_fake_sys();
	tree_teardown();
	tree_path[0] = '\0';
	ck_assert_int_eq(root_open(NULL, ret_live, NULL), 0);
	return true;
}

static void leave_fake_sys(struct root *live)
{
	root_done(live);
	namespace_leave();
	tree_setup();
}

START_TEST(the_dump_gives_names_and_altnames)
{
	struct root live = ROOT_INIT;

	if (!enter_with_fake_sys(&live))
		return;
	namespace_set("eth0", RTM_NEWLINKPROP, IFLA_ALT_IFNAME, "wan", 4);
	namespace_set("eth0", RTM_NEWLINKPROP, IFLA_ALT_IFNAME, "enxa8a159000001-long-name", 26);
	add_device("eth0", "pci0000:00/0000:00:02.1/0000:06:00.0", "0\n");
	scan(&live);
	ck_assert_uint_eq(inventory.n_nics, 1);
	ck_assert_uint_eq(find("eth0")->n_altnames, 2);
	ck_assert_str_eq(find("eth0")->altnames[0], "enxa8a159000001-long-name");
	ck_assert_str_eq(find("eth0")->altnames[1], "wan");
	ck_assert_str_eq(function_of("eth0"), "0000:06:00.0");
	ck_assert_str_eq(find("eth0")->driver, "r8169");
	leave_fake_sys(&live);
}
END_TEST

START_TEST(without_a_permanent_address_the_current_one_serves_while_nobody_set_it)
{
	struct root live = ROOT_INIT;

	if (!enter_with_fake_sys(&live))
		return;
	add_device("eth0", "pci0000:00/0000:00:02.1/0000:06:00.0", "0\n");
	scan(&live);
	ck_assert_str_eq(find("eth0")->mac, NAMESPACE_MAC);
	inventory_done(&inventory);
	add_device("eth0", "pci0000:00/0000:00:02.1/0000:06:00.0", "3\n");
	scan(&live);
	ck_assert_ptr_null(find("eth0")->mac);
	leave_fake_sys(&live);
}
END_TEST

START_TEST(the_current_address_of_a_bridged_nic_is_not_trusted)
{
	struct root live = ROOT_INIT;
	uint32_t master;

	if (!enter_with_fake_sys(&live) || !namespace_add_link("br0", "bridge"))
		return;
	master = if_nametoindex("br0");
	namespace_set("eth0", RTM_SETLINK, IFLA_MASTER, &master, sizeof(master));
	add_device("eth0", "pci0000:00/0000:00:02.1/0000:06:00.0", "0\n");
	scan(&live);
	ck_assert_ptr_null(find("eth0")->mac);
	leave_fake_sys(&live);
}
END_TEST

START_TEST(a_link_is_settled_once_udev_has_its_record)
{
	struct root live = ROOT_INIT;
	char record[64];

	if (!enter_with_fake_sys(&live))
		return;
	add_device("eth0", "pci0000:00/0000:00:02.1/0000:06:00.0", "0\n");
	scan(&live);
	ck_assert(find("eth0")->settled);
	inventory_done(&inventory);

	tree_file("/run/udev/control", "");
	scan(&live);
	ck_assert(!find("eth0")->settled);
	inventory_done(&inventory);

	(void)snprintf(record, sizeof(record), "/run/udev/data/n%u", if_nametoindex("eth0"));
	tree_file(record, "");
	scan(&live);
	ck_assert(find("eth0")->settled);
	leave_fake_sys(&live);
}
END_TEST

START_TEST(a_name_that_means_another_link_in_sys_is_not_mixed_up)
{
	static const char where[] = "pci0000:00/0000:00:02.1/0000:06:00.0";
	struct root live = ROOT_INIT;

	if (!enter_with_fake_sys(&live))
		return;
	add_device("eth0", where, "0\n");
	attribute(where, "eth0", "ifindex", "4711\n");
	scan(&live);
	ck_assert_uint_eq(inventory.n_nics, 0);
	leave_fake_sys(&live);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link-scan");
	TCase *copies = tcase_create("copies"), *machines = tcase_create("machines");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(copies, setup, teardown);
	tcase_add_test(copies, a_copy_without_a_network_has_no_links);
	tcase_add_test(copies, a_nic_of_a_copy_has_all_that_files_tell);
	tcase_add_test(copies, links_without_a_device_are_left_out);
	tcase_add_test(copies, a_parent_is_climbed_to_its_function);
	tcase_add_test(copies, what_is_plugged_into_a_controller_does_not_stand_on_it);
	tcase_add_test(copies, an_address_that_somebody_set_is_not_the_hardwares);
	tcase_add_test(copies, a_driver_that_tells_ports_is_believed);
	tcase_add_test(copies, ports_that_no_driver_tells_are_numbered_by_address_not_by_name);
	tcase_add_test(copies, a_copy_made_by_following_links_still_has_its_nics);
	tcase_add_test(copies, a_copy_without_the_devices_is_an_error);
	tcase_add_test(copies, links_are_added_to_what_is_there);
	tcase_add_checked_fixture(machines, setup, teardown);
	tcase_add_test(machines, on_the_live_machine_every_nic_has_a_device);
	/* They leave the machine's namespaces, so each needs a process of its own. */
	if (srunner_fork_status(runner) == CK_FORK) {
		tcase_add_test(machines, virtual_links_of_the_kernel_are_no_nics);
		tcase_add_test(machines, the_dump_gives_names_and_altnames);
		tcase_add_test(
			machines,
			without_a_permanent_address_the_current_one_serves_while_nobody_set_it);
		tcase_add_test(machines, the_current_address_of_a_bridged_nic_is_not_trusted);
		tcase_add_test(machines, a_link_is_settled_once_udev_has_its_record);
		tcase_add_test(machines, a_name_that_means_another_link_in_sys_is_not_mixed_up);
	}
	suite_add_tcase(suite, copies);
	suite_add_tcase(suite, machines);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
