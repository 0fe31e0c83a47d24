/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/unit.h"

#include <check.h>
#include <errno.h>

#include "snapshot/inventory-json.h"

/* A card with two ports, one of which has two virtual functions; a card of its own; a USB NIC. */
static const char machine[] =
	"{\"pci\":["
	"{\"address\":\"0000:01:00.0\",\"vendor\":\"8086\",\"device\":\"1521\",\"class\":\"020000\","
	" \"path\":\"pci0000:00/01.0/00.0\",\"serial\":\"00-11-22-33-44-55-66-77\"},"
	"{\"address\":\"0000:01:00.1\",\"vendor\":\"8086\",\"device\":\"1521\",\"class\":\"020000\","
	" \"path\":\"pci0000:00/01.0/00.1\"},"
	"{\"address\":\"0000:01:10.0\",\"vendor\":\"8086\",\"device\":\"1520\",\"class\":\"020000\","
	" \"physfn\":\"0000:01:00.0\"},"
	"{\"address\":\"0000:01:10.4\",\"vendor\":\"8086\",\"device\":\"1520\",\"class\":\"020000\","
	" \"physfn\":\"0000:01:00.0\"},"
	"{\"address\":\"0000:06:00.0\",\"vendor\":\"10ec\",\"device\":\"8168\",\"class\":\"020000\","
	" \"slot\":\"3\",\"firmware_path\":\"/x\",\"driver\":\"r8169\"}],"
	"\"nics\":["
	"{\"name\":\"enp1s0f0\",\"mac\":\"00:00:00:00:00:01\",\"pci\":\"0000:01:00.0\",\"port\":0},"
	"{\"name\":\"enp1s0f1\",\"mac\":\"00:00:00:00:00:02\",\"pci\":\"0000:01:00.1\",\"port\":0},"
	"{\"name\":\"enp1s0f0v1\",\"pci\":\"0000:01:10.4\"},"
	"{\"name\":\"enp6s0\",\"altnames\":[\"lan\"],\"mac\":\"00:00:00:00:00:06\","
	" \"pci\":\"0000:06:00.0\",\"port\":0,\"driver\":\"r8169\"},"
	"{\"name\":\"lost0\",\"pci\":\"0000:99:00.0\"},"
	"{\"name\":\"usb0\",\"mac\":\"00:00:00:00:00:09\"}]}";

static struct inventory inventory;

static void setup(void)
{
	ck_assert_int_eq(inventory_from_text(bytes_of(machine), "machine", &inventory, NULL), 0);
}

static void teardown(void)
{
	inventory_done(&inventory);
}

static const struct pci_function *function_at(const char *where)
{
	struct pci_address address;

	ck_assert_int_eq(pci_address_parse(bytes_of(where), &address), 0);
	return inventory_find_function(&inventory, &address);
}

static struct unit unit_of_nic(const char *name)
{
	struct unit unit;

	unit_from_nic(&inventory, inventory_find_nic(&inventory, bytes_of(name)), &unit);
	return unit;
}

START_TEST(kinds_have_names_that_lead_back_to_them)
{
	for (int i = 0; i < _UNIT_KIND_MAX; i++)
		ck_assert_int_eq(unit_kind_from_string(unit_kind_to_string((enum unit_kind)i)), i);
	ck_assert_int_eq(unit_kind_from_string("bus"), _UNIT_KIND_INVALID);
	ck_assert_int_eq(unit_kind_from_string(NULL), _UNIT_KIND_INVALID);
	ck_assert_ptr_null(unit_kind_to_string(_UNIT_KIND_INVALID));
	ck_assert_ptr_null(unit_kind_to_string(_UNIT_KIND_MAX));
}
END_TEST

START_TEST(a_unit_starts_where_it_is_now)
{
	const struct pci_function *function = function_at("0000:01:00.1");
	struct unit unit;

	unit_from_function(&inventory, function, &unit);
	ck_assert_int_eq(unit.kind, UNIT_FUNCTION);
	ck_assert(unit.has_function);
	ck_assert(pci_address_equal(&unit.first_address, &function->address));
	ck_assert_str_eq(unit.first_path, "pci0000:00/01.0/00.1");
	ck_assert_int_eq(unit.vf_index, UNKNOWN);
	ck_assert_ptr_null(unit.nic.name);
}
END_TEST

START_TEST(a_nic_brings_its_function)
{
	struct unit unit = unit_of_nic("enp6s0");

	ck_assert_int_eq(unit.kind, UNIT_NIC);
	ck_assert(unit.has_function);
	ck_assert_uint_eq(unit.function.vendor, 0x10ec);
	ck_assert_str_eq(unit.nic.mac, "00:00:00:00:00:06");
	ck_assert_uint_eq(unit.nic.n_altnames, 0);
	ck_assert_ptr_null(unit.nic.altnames);
}
END_TEST

START_TEST(a_nic_without_a_function_is_a_unit_all_the_same)
{
	struct unit usb = unit_of_nic("usb0"), lost = unit_of_nic("lost0");

	ck_assert(!usb.has_function);
	ck_assert_uint_eq(usb.ports_on_card, 1);
	ck_assert_int_eq(usb.vf_index, UNKNOWN);
	ck_assert_ptr_null(usb.first_path);
	ck_assert(!lost.has_function);
	ck_assert(lost.nic.has_pci);
}
END_TEST

START_TEST(ports_are_counted_over_the_whole_card_without_virtual_functions)
{
	ck_assert_uint_eq(unit_of_nic("enp1s0f0").ports_on_card, 2);
	ck_assert_uint_eq(unit_of_nic("enp1s0f1").ports_on_card, 2);
	ck_assert_uint_eq(unit_of_nic("enp1s0f0v1").ports_on_card, 2);
	ck_assert_uint_eq(unit_of_nic("enp6s0").ports_on_card, 1);
}
END_TEST

START_TEST(a_virtual_function_has_its_index)
{
	struct unit unit;

	unit_from_function(&inventory, function_at("0000:01:10.4"), &unit);
	ck_assert_int_eq(unit.vf_index, 1);
	ck_assert_int_eq(unit_of_nic("enp1s0f0v1").vf_index, 1);
}
END_TEST

START_TEST(a_virtual_function_bears_the_number_of_its_card)
{
	struct pci_function *functions = inventory.functions;
	struct unit unit;

	unit_from_function(&inventory, function_at("0000:01:10.4"), &unit);
	ck_assert_str_eq(unit.function.serial, "00-11-22-33-44-55-66-77");
	ck_assert_str_eq(unit_of_nic("enp1s0f0v1").function.serial, "00-11-22-33-44-55-66-77");
	/* Its physical function need not tell it, function 0 does. */
	functions[3].physfn.function = 1;
	unit_from_function(&inventory, &functions[3], &unit);
	ck_assert_str_eq(unit.function.serial, "00-11-22-33-44-55-66-77");
	functions[0].serial = NULL;
	functions[3].serial = "00-00-00-00-00-00-00-03";
	unit_from_function(&inventory, &functions[3], &unit);
	ck_assert_str_eq(unit.function.serial, "00-00-00-00-00-00-00-03");
	functions[3].physfn.bus = 9;
	functions[3].serial = NULL;
	unit_from_function(&inventory, &functions[3], &unit);
	ck_assert_ptr_null(unit.function.serial);
}
END_TEST

START_TEST(a_number_that_another_card_bears_too_is_known_as_such)
{
	struct pci_function *functions = inventory.functions;
	struct unit unit;

	unit_from_function(&inventory, &functions[0], &unit);
	ck_assert_ptr_null(unit.shared_serial);
	functions[4].serial = functions[0].serial;
	for (size_t i = 0; i < 5; i++) {
		unit_from_function(&inventory, &functions[i], &unit);
		ck_assert_ptr_null(unit.function.serial);
		if (i == 1)
			ck_assert_ptr_null(unit.shared_serial);
		else
			ck_assert_str_eq(unit.shared_serial, "00-11-22-33-44-55-66-77");
	}
}
END_TEST

START_TEST(a_copy_outlives_the_inventory)
{
	struct unit unit = unit_of_nic("enp6s0"), copy;
	struct arena arena = { 0 };
	char shared[] = "number";

	unit.shared_serial = shared;

	ck_assert_int_eq(unit_copy(&arena, &unit, &copy), 0);
	ck_assert(unit_equal(&unit, &copy));
	teardown();
	shared[0] = 'l';
	ck_assert_str_eq(copy.shared_serial, "number");
	ck_assert_str_eq(copy.nic.name, "enp6s0");
	ck_assert_str_eq(copy.nic.mac, "00:00:00:00:00:06");
	ck_assert_str_eq(copy.nic.driver, "r8169");
	ck_assert_str_eq(copy.function.driver, "r8169");
	ck_assert_str_eq(copy.function.slot, "3");
	ck_assert_str_eq(copy.function.firmware_path, "/x");
	ck_assert_ptr_null(copy.function.path);
	ck_assert_ptr_null(copy.first_path);
	arena_done(&arena);
}
END_TEST

START_TEST(units_are_equal_only_while_identity_and_place_are)
{
	struct unit unit, changed;

	unit_from_function(&inventory, function_at("0000:01:00.0"), &unit);
#define ASSERT_UNEQUAL(change)                                                                  \
	do {                                                                                    \
		changed = unit;                                                                 \
		ck_assert(unit_equal(&unit, &changed));                                         \
		change;                                                                         \
		ck_assert_msg(!unit_equal(&unit, &changed), "%s makes no difference", #change); \
	} while (0)
	ASSERT_UNEQUAL(changed.kind = UNIT_NIC);
	ASSERT_UNEQUAL(changed.has_function = false);
	ASSERT_UNEQUAL(changed.function.address.bus++);
	ASSERT_UNEQUAL(changed.function.path = "x");
	ASSERT_UNEQUAL(changed.function.serial = "x");
	ASSERT_UNEQUAL(changed.vf_index = 0);
	ASSERT_UNEQUAL(changed.ports_on_card++);
	ASSERT_UNEQUAL(changed.first_address.bus++);
	ASSERT_UNEQUAL(changed.first_path = "x");
	unit = unit_of_nic("enp6s0");
	ASSERT_UNEQUAL(changed.nic.name = "enp7s0");
	ASSERT_UNEQUAL(changed.nic.mac = "x");
	ASSERT_UNEQUAL(changed.nic.port = 1);
#undef ASSERT_UNEQUAL
}
END_TEST

START_TEST(units_stay_equal_when_a_number_becomes_known)
{
	struct unit unit, changed;

	unit_from_function(&inventory, function_at("0000:01:00.0"), &unit);
	changed = unit;
	changed.function.serial = NULL;
	changed.function.driver = "vfio-pci";
	ck_assert(unit_equal(&unit, &changed));
	ck_assert(unit_equal(&changed, &unit));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unit");
	TCase *tests = tcase_create("unit");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, kinds_have_names_that_lead_back_to_them);
	tcase_add_test(tests, a_unit_starts_where_it_is_now);
	tcase_add_test(tests, a_nic_brings_its_function);
	tcase_add_test(tests, a_nic_without_a_function_is_a_unit_all_the_same);
	tcase_add_test(tests, ports_are_counted_over_the_whole_card_without_virtual_functions);
	tcase_add_test(tests, a_virtual_function_has_its_index);
	tcase_add_test(tests, a_virtual_function_bears_the_number_of_its_card);
	tcase_add_test(tests, a_number_that_another_card_bears_too_is_known_as_such);
	tcase_add_test(tests, a_copy_outlives_the_inventory);
	tcase_add_test(tests, units_are_equal_only_while_identity_and_place_are);
	tcase_add_test(tests, units_stay_equal_when_a_number_becomes_known);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
