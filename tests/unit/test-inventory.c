/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/inventory.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>

static struct inventory inventory, other;

static void setup(void)
{
	inventory = (struct inventory){ 0 };
	other = (struct inventory){ 0 };
}

static void teardown(void)
{
	inventory_done(&inventory);
	inventory_done(&other);
}

static struct pci_address address(const char *text)
{
	struct pci_address parsed = { 0 };

	ck_assert_int_eq(pci_address_parse(bytes_of(text), &parsed), 0);
	return parsed;
}

static struct pci_function *add(struct inventory *to, const char *where)
{
	struct pci_function *function = inventory_add_function(to);

	ck_assert_ptr_nonnull(function);
	function->address = address(where);
	function->vendor = 0x10ec;
	function->device = 0x8168;
	function->class = 0x020000;
	return function;
}

static struct pci_function *add_virtual(struct inventory *to, const char *where, const char *physfn)
{
	struct pci_function *function = add(to, where);

	function->has_physfn = true;
	function->physfn = address(physfn);
	return function;
}

static struct nic *add_nic(struct inventory *to, const char *name, const char *where)
{
	struct nic *nic = inventory_add_nic(to);

	ck_assert_ptr_nonnull(nic);
	nic->name = name;
	if (where) {
		nic->has_pci = true;
		nic->pci = address(where);
	}
	return nic;
}

static void finish(struct inventory *which)
{
	ck_assert_int_eq(inventory_finish(which, "f", NULL), 0);
}

static const struct pci_function *find(const char *where)
{
	struct pci_address key = address(where);

	return inventory_find_function(&inventory, &key);
}

START_TEST(an_empty_inventory_is_fine)
{
	size_t functions = 7, nics = 7;

	finish(&inventory);
	ck_assert_ptr_null(find("0000:00:00.0"));
	ck_assert_ptr_null(inventory_find_nic(&inventory, bytes_of("eth0")));
	ck_assert_ptr_null(inventory_find_nic_or_altname(&inventory, BYTES_NONE));
	inventory_count(&inventory, &functions, &nics);
	ck_assert_uint_eq(functions + nics, 0);
	ck_assert(inventory_same_hardware(&inventory, &other));
	inventory_done(NULL);
}
END_TEST

START_TEST(what_is_not_known_is_marked_so)
{
	struct pci_function *function = inventory_add_function(&inventory);
	struct nic *nic = inventory_add_nic(&inventory);

	ck_assert_int_eq(function->subsystem_vendor, UNKNOWN);
	ck_assert_int_eq(function->subsystem_device, UNKNOWN);
	ck_assert_int_eq(function->revision, UNKNOWN);
	ck_assert_int_eq(function->iommu_group, UNKNOWN);
	ck_assert_int_eq(function->boot_vga, UNKNOWN);
	ck_assert(!function->has_physfn);
	ck_assert_ptr_null(function->path);
	ck_assert_int_eq(nic->port, UNKNOWN);
	ck_assert(!nic->has_pci);
}
END_TEST

START_TEST(everything_is_found_whatever_the_order_it_came_in)
{
	char where[32];

	for (unsigned int i = 0; i < 100; i++) {
		unsigned int shuffled = i * 37 % 100;

		(void)snprintf(where, sizeof(where), "0000:%02x:00.0", shuffled);
		add(&inventory, where)->revision = (int)shuffled;
	}
	finish(&inventory);
	for (unsigned int i = 0; i < 100; i++) {
		(void)snprintf(where, sizeof(where), "0000:%02x:00.0", i);
		ck_assert_ptr_nonnull(find(where));
		ck_assert_int_eq(find(where)->revision, (int)i);
		ck_assert_uint_eq(inventory.functions[i].address.bus, i);
	}
	ck_assert_ptr_null(find("0000:64:00.0"));
	ck_assert_ptr_null(find("0001:00:00.0"));
}
END_TEST

START_TEST(refuses_an_address_that_occurs_twice)
{
	struct problem problem = { 0 };

	add(&inventory, "0000:06:00.0");
	add(&inventory, "0000:05:00.0");
	add(&inventory, "0000:06:00.0");
	ck_assert_int_eq(inventory_finish(&inventory, "f.json", &problem), -EEXIST);
	ck_assert_str_eq(problem.text, "f.json: PCI address 0000:06:00.0 occurs twice");
	problem_done(&problem);
}
END_TEST

START_TEST(refuses_a_name_that_occurs_twice)
{
	struct problem problem = { 0 };

	add_nic(&inventory, "eth0", NULL);
	add_nic(&inventory, "eth1", NULL);
	add_nic(&inventory, "eth0", NULL);
	ck_assert_int_eq(inventory_finish(&inventory, "f.json", &problem), -EEXIST);
	ck_assert_str_eq(problem.text, "f.json: NIC name eth0 occurs twice");
	problem_done(&problem);
}
END_TEST

START_TEST(a_name_is_a_whole_word)
{
	add_nic(&inventory, "enp6s0f1", NULL);
	add_nic(&inventory, "enp6s0", NULL);
	finish(&inventory);
	ck_assert_str_eq(inventory_find_nic(&inventory, bytes_make("enp6s0.100", 6))->name,
			 "enp6s0");
	ck_assert_ptr_null(inventory_find_nic(&inventory, bytes_of("enp6s")));
	ck_assert_ptr_null(inventory_find_nic(&inventory, bytes_of("enp6s0f")));
	ck_assert_ptr_null(inventory_find_nic(&inventory, BYTES_NONE));
}
END_TEST

START_TEST(altnames_are_sorted_and_looked_up_after_names)
{
	const char *first[] = { "wan", "enxa8a159000001", "eth9" }, *second[] = { "lan" };
	struct nic *nic = add_nic(&inventory, "eth0", NULL);

	nic->altnames = first;
	nic->n_altnames = ARRAY_SIZE(first);
	nic = add_nic(&inventory, "eth9", NULL);
	nic->altnames = second;
	nic->n_altnames = ARRAY_SIZE(second);
	finish(&inventory);

	ck_assert_str_eq(first[0], "enxa8a159000001");
	ck_assert_str_eq(first[2], "wan");
	ck_assert_str_eq(inventory_find_nic_or_altname(&inventory, bytes_of("wan"))->name, "eth0");
	ck_assert_str_eq(inventory_find_nic_or_altname(&inventory, bytes_of("lan"))->name, "eth9");
	ck_assert_str_eq(inventory_find_nic_or_altname(&inventory, bytes_of("eth9"))->name, "eth9");
	ck_assert_ptr_null(inventory_find_nic(&inventory, bytes_of("wan")));
	ck_assert_ptr_null(inventory_find_nic_or_altname(&inventory, bytes_of("wa")));
}
END_TEST

START_TEST(a_nic_leads_to_its_function)
{
	const struct nic *nic;

	add(&inventory, "0000:06:00.0");
	add_nic(&inventory, "eth0", "0000:06:00.0");
	add_nic(&inventory, "eth1", "0000:07:00.0");
	add_nic(&inventory, "usb0", NULL);
	finish(&inventory);

	nic = inventory_find_nic(&inventory, bytes_of("eth0"));
	ck_assert_ptr_eq(inventory_function_of(&inventory, nic), find("0000:06:00.0"));
	nic = inventory_find_nic(&inventory, bytes_of("eth1"));
	ck_assert_ptr_null(inventory_function_of(&inventory, nic));
	nic = inventory_find_nic(&inventory, bytes_of("usb0"));
	ck_assert_ptr_null(inventory_function_of(&inventory, nic));
}
END_TEST

START_TEST(virtual_functions_and_their_nics_are_not_counted)
{
	size_t functions, nics;

	add(&inventory, "0000:06:00.0");
	add_virtual(&inventory, "0000:06:10.0", "0000:06:00.0");
	add_nic(&inventory, "eth0", "0000:06:00.0");
	add_nic(&inventory, "eth0v0", "0000:06:10.0");
	add_nic(&inventory, "usb0", NULL);
	finish(&inventory);
	inventory_count(&inventory, &functions, &nics);
	ck_assert_uint_eq(functions, 1);
	ck_assert_uint_eq(nics, 2);
}
END_TEST

START_TEST(virtual_functions_are_numbered_by_address_within_their_physical_one)
{
	add(&inventory, "0000:06:00.0");
	add(&inventory, "0000:06:00.1");
	add_virtual(&inventory, "0000:07:00.0", "0000:06:00.0");
	add_virtual(&inventory, "0000:06:10.1", "0000:06:00.1");
	add_virtual(&inventory, "0000:06:10.2", "0000:06:00.0");
	add_virtual(&inventory, "0000:06:10.0", "0000:06:00.0");
	finish(&inventory);
	ck_assert_int_eq(inventory_vf_index(&inventory, find("0000:06:10.0")), 0);
	ck_assert_int_eq(inventory_vf_index(&inventory, find("0000:06:10.2")), 1);
	ck_assert_int_eq(inventory_vf_index(&inventory, find("0000:07:00.0")), 2);
	ck_assert_int_eq(inventory_vf_index(&inventory, find("0000:06:10.1")), 0);
	ck_assert_int_eq(inventory_vf_index(&inventory, find("0000:06:00.0")), UNKNOWN);
}
END_TEST

/* One function and one NIC in both inventories, all values known; to be changed by the test. */
static void add_alike(struct pci_function **ret_function, struct nic **ret_nic)
{
	struct inventory *both[] = { &inventory, &other };

	for (size_t i = 0; i < 2; i++) {
		struct pci_function *function = add(both[i], "0000:06:00.0");
		struct nic *nic = add_nic(both[i], "eth0", "0000:06:00.0");

		both[i]->machine = "1f0e";
		function->path = "pci0000:00/02.1/00.0";
		function->subsystem_vendor = 0x1043;
		function->subsystem_device = 0x8677;
		function->revision = 0x15;
		function->serial = "00-11-22-33-44-55-66-77";
		function->slot = "3";
		function->firmware_path = "\\_SB_.PCI0.GPP1";
		nic->mac = "a8:a1:59:00:00:01";
		nic->port = 0;
		*ret_function = function;
		*ret_nic = nic;
	}
}

static bool same(void)
{
	bool forth = inventory_same_hardware(&inventory, &other);

	ck_assert_int_eq(inventory_same_hardware(&other, &inventory), forth);
	return forth;
}

START_TEST(hardware_is_the_same_only_while_every_identifying_value_is)
{
	struct pci_function *function, before;
	struct nic *nic, nic_before;

	add_alike(&function, &nic);
	before = *function;
	nic_before = *nic;
	ck_assert(same());

#define ASSERT_DIFFERS(change)                                             \
	do {                                                               \
		change;                                                    \
		ck_assert_msg(!same(), "%s makes no difference", #change); \
		*function = before;                                        \
		*nic = nic_before;                                         \
		ck_assert(same());                                         \
	} while (0)
	ASSERT_DIFFERS(function->address.bus = 7);
	ASSERT_DIFFERS(function->path = "pci0000:00/02.2/00.0");
	ASSERT_DIFFERS(function->vendor = 0x8086);
	ASSERT_DIFFERS(function->device = 0x8169);
	ASSERT_DIFFERS(function->class = 0x010802);
	ASSERT_DIFFERS(function->subsystem_vendor = 1);
	ASSERT_DIFFERS(function->subsystem_device = 1);
	ASSERT_DIFFERS(function->revision = 1);
	ASSERT_DIFFERS(function->serial = "00-11-22-33-44-55-66-78");
	ASSERT_DIFFERS(function->slot = "4");
	ASSERT_DIFFERS(function->firmware_path = "\\_SB_.PCI0.GPP2");
	ASSERT_DIFFERS(nic->name = "eth1");
	ASSERT_DIFFERS(nic->mac = "a8:a1:59:00:00:02");
	ASSERT_DIFFERS(nic->has_pci = false);
	ASSERT_DIFFERS(nic->pci.bus = 7);
	ASSERT_DIFFERS(nic->port = 1);
#undef ASSERT_DIFFERS
	other.machine = "2f0e";
	ck_assert(!same());
}
END_TEST

START_TEST(what_says_nothing_about_the_hardware_makes_no_difference)
{
	const char *altnames[] = { "wan" };
	struct pci_function *function;
	struct nic *nic;

	add_alike(&function, &nic);
	other.host = "b";
	other.boot_id = "b";
	other.taken_at = "b";
	other.kernel = "b";
	function->driver = "vfio-pci";
	function->boot_vga = 1;
	nic->driver = "vfio-pci";
	nic->altnames = altnames;
	nic->n_altnames = 1;
	nic->settled = false;
	ck_assert(same());
}
END_TEST

START_TEST(a_value_known_on_one_side_only_is_no_difference)
{
	struct pci_function *function;
	struct nic *nic;

	add_alike(&function, &nic);
	other.machine = NULL;
	function->path = NULL;
	function->subsystem_vendor = UNKNOWN;
	function->subsystem_device = UNKNOWN;
	function->revision = UNKNOWN;
	function->serial = NULL;
	function->slot = NULL;
	function->firmware_path = NULL;
	nic->mac = NULL;
	nic->port = UNKNOWN;
	ck_assert(same());
}
END_TEST

START_TEST(one_function_or_nic_more_is_a_difference)
{
	struct pci_function *function;
	struct nic *nic;

	add_alike(&function, &nic);
	add(&other, "0000:07:00.0");
	ck_assert(!same());
	add(&inventory, "0000:07:00.0");
	ck_assert(same());
	add_nic(&other, "usb0", NULL);
	ck_assert(!same());
}
END_TEST

START_TEST(virtual_functions_make_no_difference)
{
	struct pci_function *function;
	struct nic *nic;

	add_alike(&function, &nic);
	add_virtual(&other, "0000:06:10.0", "0000:06:00.0");
	add_nic(&other, "eth0v0", "0000:06:10.0");
	finish(&other);
	ck_assert(same());
	add(&other, "0000:07:00.0");
	finish(&other);
	ck_assert(!same());
}
END_TEST

/* Groups of three functions before and after. */
static bool same_groups(const int *before, const int *after)
{
	static const char *const where[] = { "0000:01:00.0", "0000:02:00.0", "0000:03:00.0" };
	bool result;

	for (size_t i = 0; i < 3; i++) {
		add(&inventory, where[i])->iommu_group = before[i];
		add(&other, where[i])->iommu_group = after[i];
	}
	result = same();
	teardown();
	setup();
	return result;
}

START_TEST(only_other_members_make_another_group)
{
	ck_assert(same_groups((int[]){ 1, 2, 2 }, (int[]){ 1, 2, 2 }));
	ck_assert(same_groups((int[]){ 1, 2, 2 }, (int[]){ 7, 1, 1 }));
	ck_assert(same_groups((int[]){ 1, 2, 2 }, (int[]){ UNKNOWN, UNKNOWN, UNKNOWN }));
	ck_assert(!same_groups((int[]){ 1, 2, 2 }, (int[]){ 1, 2, 3 }));
	ck_assert(!same_groups((int[]){ 1, 2, 2 }, (int[]){ 1, 1, 1 }));
	ck_assert(!same_groups((int[]){ 1, 2, 2 }, (int[]){ 2, 2, 1 }));
}
END_TEST

START_TEST(names_are_valid_when_the_kernel_takes_them)
{
	static const char *const good[] = { "e",          "enp6s0",          "eth0.100",
					    "a-b_c@d",    "123456789012345", "...",
					    "caf\xc3\xa9" };
	static const char *const bad[] = { "",      ".",      "..",
					   "a/b",   "eth0:1", "a b",
					   "a\tb",  "a\nb",   "1234567890123456",
					   "a\x01", "a\x7f",  "a\xa0",
					   " a",    "a " };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		ck_assert_msg(nic_name_is_valid(bytes_of(good[i])), "refused \"%s\"", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(!nic_name_is_valid(bytes_of(bad[i])), "took \"%s\"", bad[i]);
	ck_assert(!nic_name_is_valid(bytes_make("a\0b", 3)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inventory");
	TCase *tests = tcase_create("inventory");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_empty_inventory_is_fine);
	tcase_add_test(tests, what_is_not_known_is_marked_so);
	tcase_add_test(tests, everything_is_found_whatever_the_order_it_came_in);
	tcase_add_test(tests, refuses_an_address_that_occurs_twice);
	tcase_add_test(tests, refuses_a_name_that_occurs_twice);
	tcase_add_test(tests, a_name_is_a_whole_word);
	tcase_add_test(tests, altnames_are_sorted_and_looked_up_after_names);
	tcase_add_test(tests, a_nic_leads_to_its_function);
	tcase_add_test(tests, virtual_functions_and_their_nics_are_not_counted);
	tcase_add_test(tests, virtual_functions_are_numbered_by_address_within_their_physical_one);
	tcase_add_test(tests, hardware_is_the_same_only_while_every_identifying_value_is);
	tcase_add_test(tests, what_says_nothing_about_the_hardware_makes_no_difference);
	tcase_add_test(tests, a_value_known_on_one_side_only_is_no_difference);
	tcase_add_test(tests, one_function_or_nic_more_is_a_difference);
	tcase_add_test(tests, virtual_functions_make_no_difference);
	tcase_add_test(tests, only_other_members_make_another_group);
	tcase_add_test(tests, names_are_valid_when_the_kernel_takes_them);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
