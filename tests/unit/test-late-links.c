/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>

#include "snapshot/late-links.h"

static struct inventory now, last;

static void setup(void)
{
	now = last = (struct inventory){ 0 };
}

static void teardown(void)
{
	inventory_done(&now);
	inventory_done(&last);
}

static void add_function(struct inventory *inventory, uint8_t bus, const char *path)
{
	struct pci_function *function = inventory_add_function(inventory);

	ck_assert_ptr_nonnull(function);
	function->address = (struct pci_address){ 0, bus, 0, 0 };
	function->path = arena_copy_text(&inventory->arena, path);
	function->vendor = 0x10ec;
	function->device = 0x8168;
	function->class = 0x020000;
}

static void add_nic(struct inventory *inventory, const char *name, const char *mac, uint8_t bus,
		    bool settled)
{
	struct nic *nic = inventory_add_nic(inventory);

	ck_assert_ptr_nonnull(nic);
	nic->name = arena_copy_text(&inventory->arena, name);
	nic->mac = arena_copy_text(&inventory->arena, mac);
	nic->has_pci = true;
	nic->pci = (struct pci_address){ 0, bus, 0, 0 };
	nic->port = 0;
	nic->settled = settled;
}

static void fill(void)
{
	ck_assert_int_eq(inventory_finish(&last, "last", NULL), 0);
	ck_assert_int_eq(inventory_finish(&now, "now", NULL), 0);
	ck_assert_int_eq(late_links_fill(&now, &last), 0);
}

START_TEST(a_link_without_its_final_name_keeps_the_one_it_had)
{
	add_function(&last, 6, "pci0000:00/02.1/00.0");
	add_nic(&last, "enp6s0", "a8:a1:59:00:00:01", 6, true);
	add_function(&now, 6, "pci0000:00/02.1/00.0");
	add_nic(&now, "eth0", "a8:a1:59:00:00:01", 6, false);
	fill();
	ck_assert_uint_eq(now.n_nics, 1);
	ck_assert_str_eq(now.nics[0].name, "enp6s0");
	ck_assert(!now.nics[0].settled);
}
END_TEST

START_TEST(a_new_link_without_its_final_name_is_left_out)
{
	add_function(&last, 6, "pci0000:00/02.1/00.0");
	add_nic(&last, "enp6s0", "a8:a1:59:00:00:01", 6, true);
	add_function(&now, 6, "pci0000:00/02.1/00.0");
	add_nic(&now, "enp6s0", "a8:a1:59:00:00:01", 6, true);
	add_function(&now, 7, "pci0000:00/02.2/00.0");
	add_nic(&now, "eth0", "a8:a1:59:00:00:02", 7, false);
	fill();
	ck_assert_uint_eq(now.n_nics, 1);
	ck_assert_str_eq(now.nics[0].name, "enp6s0");
}
END_TEST

START_TEST(a_link_that_is_not_there_yet_is_put_in)
{
	add_function(&last, 6, "pci0000:00/02.1/00.0");
	add_nic(&last, "enp6s0", "a8:a1:59:00:00:01", 6, true);
	add_function(&now, 6, "pci0000:00/02.1/00.0");
	fill();
	ck_assert_uint_eq(now.n_nics, 1);
	ck_assert_str_eq(now.nics[0].name, "enp6s0");
	ck_assert_str_eq(now.nics[0].mac, "a8:a1:59:00:00:01");
	ck_assert(!now.nics[0].settled);
}
END_TEST

START_TEST(both_ports_of_a_function_are_put_in)
{
	add_function(&last, 6, "pci0000:00/02.1/00.0");
	add_nic(&last, "enp6s0", "a8:a1:59:00:00:01", 6, true);
	add_nic(&last, "enp6s0d1", "a8:a1:59:00:00:02", 6, true);
	add_function(&now, 6, "pci0000:00/02.1/00.0");
	fill();
	ck_assert_uint_eq(now.n_nics, 2);
}
END_TEST

START_TEST(a_card_that_is_gone_or_has_moved_is_not_put_in)
{
	add_function(&last, 6, "pci0000:00/02.1/00.0");
	add_nic(&last, "enp6s0", "a8:a1:59:00:00:01", 6, true);
	add_function(&last, 8, "pci0000:00/02.3/00.0");
	add_nic(&last, "enp8s0", "a8:a1:59:00:00:03", 8, true);
	add_function(&now, 7, "pci0000:00/02.1/00.0");
	fill();
	ck_assert_uint_eq(now.n_nics, 0);
}
END_TEST

START_TEST(a_name_another_link_bears_is_not_given_again)
{
	add_function(&last, 6, "pci0000:00/02.1/00.0");
	add_nic(&last, "enp6s0", "a8:a1:59:00:00:01", 6, true);
	add_function(&now, 6, "pci0000:00/02.1/00.0");
	add_function(&now, 7, "pci0000:00/02.2/00.0");
	add_nic(&now, "enp6s0", "a8:a1:59:00:00:02", 7, true);
	fill();
	ck_assert_uint_eq(now.n_nics, 1);
	ck_assert_str_eq(now.nics[0].mac, "a8:a1:59:00:00:02");
}
END_TEST

START_TEST(what_is_settled_stays_as_it_is)
{
	add_function(&last, 6, "pci0000:00/02.1/00.0");
	add_nic(&last, "enp6s0", "a8:a1:59:00:00:01", 6, true);
	add_function(&now, 7, "pci0000:00/02.1/00.0");
	add_nic(&now, "enp7s0", "a8:a1:59:00:00:01", 7, true);
	fill();
	ck_assert_uint_eq(now.n_nics, 1);
	ck_assert_str_eq(now.nics[0].name, "enp7s0");
	ck_assert(now.nics[0].settled);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("late-links");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int n_failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_link_without_its_final_name_keeps_the_one_it_had);
	tcase_add_test(tcase, a_new_link_without_its_final_name_is_left_out);
	tcase_add_test(tcase, a_link_that_is_not_there_yet_is_put_in);
	tcase_add_test(tcase, both_ports_of_a_function_are_put_in);
	tcase_add_test(tcase, a_card_that_is_gone_or_has_moved_is_not_put_in);
	tcase_add_test(tcase, a_name_another_link_bears_is_not_given_again);
	tcase_add_test(tcase, what_is_settled_stays_as_it_is);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed != 0;
}
