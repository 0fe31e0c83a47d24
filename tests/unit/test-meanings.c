/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/meanings.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/world.h"

static struct meanings meanings;
static struct inventory inventory;

static void setup(void)
{
	world_hardware(&inventory, "enp6s0=01@06 enp7s0=02@07 usb0=03");
}

static void teardown(void)
{
	meanings_done(&meanings);
	inventory_done(&inventory);
}

static struct unit unit_of(const char *name)
{
	const struct nic *nic = inventory_find_nic(&inventory, bytes_of(name));
	struct unit unit;

	ck_assert_ptr_nonnull(nic);
	unit_from_nic(&inventory, nic, &unit);
	return unit;
}

static size_t add_unit(const struct unit *unit)
{
	size_t index = SIZE_MAX;

	ck_assert_int_eq(meanings_add_unit(&meanings, unit, &index), 0);
	ck_assert_uint_lt(index, meanings.n_units);
	return index;
}

START_TEST(has_each_unit_once)
{
	struct unit first = unit_of("enp6s0"), second = unit_of("enp7s0"), third = unit_of("usb0");
	size_t indices[] = { add_unit(&first), add_unit(&second), add_unit(&third) };

	ck_assert_uint_eq(add_unit(&first), indices[0]);
	ck_assert_uint_eq(add_unit(&second), indices[1]);
	ck_assert_uint_eq(add_unit(&third), indices[2]);
	ck_assert_uint_eq(meanings.n_units, 3);
}
END_TEST

START_TEST(keeps_units_apart_that_differ_in_anything_known)
{
	struct unit unit = unit_of("enp6s0"), other = unit;
	size_t first = add_unit(&unit);

	other.nic.mac = "02:00:00:00:00:99";
	ck_assert_uint_ne(add_unit(&other), first);
	other = unit;
	other.nic.name = "enp9s0";
	ck_assert_uint_ne(add_unit(&other), first);
	other = unit;
	other.first_address.bus++;
	ck_assert_uint_ne(add_unit(&other), first);
	other = unit;
	other.ports_on_card++;
	ck_assert_uint_ne(add_unit(&other), first);
	ck_assert_uint_eq(meanings.n_units, 5);
	other = unit;
	other.nic.mac = NULL;
	(void)add_unit(&other);
	ck_assert_uint_eq(meanings.n_units, 5);
}
END_TEST

START_TEST(owns_what_it_was_given)
{
	struct unit unit = unit_of("enp6s0");
	char name[] = "enp6s0", path[] = "/x";

	unit.nic.name = name;
	unit.function.path = path;
	(void)add_unit(&unit);
	memset(name, 'x', sizeof(name));
	memset(path, 'x', sizeof(path));
	ck_assert_str_eq(meanings.units[0].nic.name, "enp6s0");
	ck_assert_str_eq(meanings.units[0].function.path, "/x");
}
END_TEST

START_TEST(grows_and_starts_each_item_empty)
{
	for (size_t i = 0; i < 100; i++) {
		struct mention *mention = meanings_add_mention(&meanings);
		struct parked_text *parked = meanings_add_parked(&meanings, i);
		struct seen_file *file = meanings_add_file(&meanings, i);

		ck_assert_ptr_nonnull(mention);
		ck_assert_ptr_nonnull(parked);
		ck_assert_ptr_nonnull(file);
		ck_assert_uint_eq(mention->unit, MEANS_NOBODY);
		ck_assert(!mention->ambiguous && !mention->held);
		ck_assert_uint_eq(parked->n_mentions, i);
		ck_assert(!parked->lost);
		ck_assert_uint_eq(file->n_lines, i);
		for (size_t j = 0; j < i; j++) {
			ck_assert_uint_eq(parked->mentions[j].length, 0);
			ck_assert_uint_eq(file->lines[j], 0);
		}
		file->path = i == 50 ? "/fifty" : "/other";
	}
	ck_assert_uint_eq(meanings.n_mentions + meanings.n_parked + meanings.n_files, 300);
	ck_assert_ptr_eq(meanings_find_file(&meanings, "/fifty"), &meanings.files[50]);
	ck_assert_ptr_null(meanings_find_file(&meanings, "/fift"));
}
END_TEST

START_TEST(is_empty_after_it_was_released)
{
	struct unit unit = unit_of("enp6s0");

	meanings_done(NULL);
	meanings_done(&meanings);
	(void)add_unit(&unit);
	meanings.settled = 7;
	meanings_done(&meanings);
	ck_assert_uint_eq(meanings.n_units, 0);
	ck_assert_uint_eq(meanings.settled, 0);
	meanings_done(&meanings);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("meanings");
	TCase *tcase = tcase_create("meanings");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, has_each_unit_once);
	tcase_add_test(tcase, keeps_units_apart_that_differ_in_anything_known);
	tcase_add_test(tcase, owns_what_it_was_given);
	tcase_add_test(tcase, grows_and_starts_each_item_empty);
	tcase_add_test(tcase, is_empty_after_it_was_released);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
