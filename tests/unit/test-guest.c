/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>

#include "recovery/guest.h"
#include "recovery/source.h"

static struct arena arena;

static void end(void)
{
	arena_done(&arena);
}

/* @original is held as @value, and comes back from it. */
static void holds(const char *original, const char *value)
{
	const char *encoded = hold_encode(&arena, bytes_of(original));
	const char *decoded = hold_decode(&arena, bytes_of(value));

	ck_assert_msg(encoded, "%s is not held", original);
	ck_assert_str_eq(encoded, value);
	ck_assert_msg(decoded, "%s is not understood", value);
	ck_assert_str_eq(decoded, original);
	ck_assert(hold_is_possible(bytes_of(original)));
	ck_assert(hold_is_one(bytes_of(value)));
	ck_assert(!hold_is_one(bytes_of(original)));
	ck_assert(!hold_is_possible(bytes_of(value)));
}

static void is_not_held(const char *original)
{
	ck_assert_msg(!hold_is_possible(bytes_of(original)), "%s", original);
	ck_assert_msg(!hold_encode(&arena, bytes_of(original)), "%s", original);
}

static void is_no_hold(const char *value)
{
	ck_assert_msg(!hold_is_one(bytes_of(value)), "%s", value);
	ck_assert_msg(!hold_decode(&arena, bytes_of(value)), "%s", value);
}

START_TEST(a_hold_spells_what_it_replaces)
{
	holds("0000:05:00.0", "mapping=hwrecover-hold-0000_05_00-0");
	holds("05:00", "mapping=hwrecover-hold-05_00");
	holds("10000:e1:00.0", "mapping=hwrecover-hold-10000_e1_00-0");
	holds("01:00.0;01:00.1", "mapping=hwrecover-hold-01_00-0--01_00-1");
	holds("01:00;02:00.7;0000:03:1f", "mapping=hwrecover-hold-01_00--02_00-7--0000_03_1f");
	holds("host=0000:05:00.0", "mapping=hwrecover-hold-host-0000_05_00-0");
	holds("host=01:00;02:00", "mapping=hwrecover-hold-host-01_00--02_00");
	holds("mapping=gpu", "mapping=hwrecover-hold-mapping-gpu");
	holds("mapping=Some_nic--2-", "mapping=hwrecover-hold-mapping-Some_nic--2-");
	holds("mapping=host-01_00", "mapping=hwrecover-hold-mapping-host-01_00");
}
END_TEST

START_TEST(what_proxmox_would_not_take_for_a_device_is_not_held)
{
	static const char *const texts[] = {
		"",
		"none",
		"0A:00.0",
		"1:00.0",
		"001:00.0",
		"01:00.",
		"01:00.00",
		"01:00.8",
		"01:20.0",
		"01:00.0;",
		";01:00.0",
		"01:00.0;;01:00.1",
		"01:00.0,pcie=1",
		" 01:00.0",
		"host=",
		"host=none",
		"host=host=01:00.0",
		"mapping=",
		"mapping=x",
		"mapping=0gpu",
		"mapping=gpu;x",
		"mapping=01:00.0",
		"hwrecover-hold-01_00-0",
		"100000000:01:00.0",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		is_not_held(texts[i]);
	ck_assert(!hold_is_possible(BYTES_NONE));
}
END_TEST

START_TEST(a_hold_is_not_held_again)
{
	is_not_held("mapping=hwrecover-hold-0000_05_00-0");
	is_not_held("mapping=hwrecover-hold");
	is_not_held("mapping=hwrecover-holder");
	is_no_hold("mapping=hwrecover-hold-mapping-hwrecover-hold-01_00-0");
}
END_TEST

START_TEST(only_what_a_hold_would_spell_is_taken_for_one)
{
	static const char *const values[] = {
		"",
		"mapping=hwrecover-hold",
		"mapping=hwrecover-hold-",
		"mapping=hwrecover-hold-host-",
		"mapping=hwrecover-hold-mapping-",
		"mapping=hwrecover-hold-gpu",
		"mapping=hwrecover-hold-01_00-0-",
		"mapping=hwrecover-hold-01_00-0--",
		"mapping=hwrecover-hold-01_00---01_00",
		"mapping=hwrecover-hold-01:00.0",
		"mapping=hwrecover-hold-01_00.0",
		"mapping=hwrecover-hold-01_00-0;01_00-1",
		"mapping=hwrecover-hold-0A_00-0",
		"mapping=hwrecover-hold-01_00-0,pcie=1",
		"mapping=hwrecover-hold-host-host-01_00-0",
		"mapping=hwrecover-hold-host-mapping-gpu",
		"mapping=Hwrecover-hold-01_00-0",
		"hwrecover-hold-01_00-0",
		"host=hwrecover-hold-01_00-0",
		" mapping=hwrecover-hold-01_00-0",
	};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		is_no_hold(values[i]);
	ck_assert(!hold_is_one(BYTES_NONE));
}
END_TEST

START_TEST(what_is_too_long_is_not_held)
{
	_cleanup_(buffer_done) struct buffer list = { 0 };
	const char *last = NULL;
	size_t fits = 0;

	buffer_append_text(&list, "05:00.0");
	for (size_t i = 0; i < 200; i++) {
		const char *encoded = hold_encode(&arena, buffer_bytes(&list));

		if (encoded) {
			ck_assert_uint_eq(fits, i);
			fits = i + 1;
			last = encoded;
			ck_assert_uint_le(strlen(encoded),
					  strlen("mapping=" HOLD_WORD "-") + HOLD_NAME_MAX);
			ck_assert(bytes_equal_text(buffer_bytes(&list),
						   hold_decode(&arena, bytes_of(encoded))));
		}
		buffer_append_text(&list, ";05:00.0");
	}
	/* More functions than a card has, all in one guest. */
	ck_assert_uint_ge(fits, 16);
	ck_assert_uint_lt(fits, 200);
	buffer_done(&list);
	buffer_append_text(&list, last);
	for (size_t i = 0; i < 200; i++)
		buffer_append_text(&list, "--05_00-0");
	is_no_hold(list.data);
}
END_TEST

START_TEST(guests_and_switches_go_with_their_document)
{
	struct document document = { 0 };

	ck_assert_ptr_nonnull(document_make_guest(&document));
	for (unsigned int i = 0; i < 100; i++) {
		struct guest_device *device = document_add_device(&document);
		struct start_switch *start_switch = document_add_switch(&document);

		ck_assert(device && start_switch && !device->key && !start_switch->guest);
		device->line = i;
	}
	ck_assert_uint_eq(document.guest->n_devices, 100);
	ck_assert_uint_eq(document.guest->devices[99].line, 99);
	ck_assert_uint_eq(document.n_switches, 100);
	document_clear_scan(&document);
	ck_assert(!document.guest && document.n_switches == 0);
	ck_assert_ptr_nonnull(document_make_guest(&document));
	document_done(&document);
	guest_config_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guest");
	TCase *tests = tcase_create("guest");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, NULL, end);
	tcase_add_test(tests, a_hold_spells_what_it_replaces);
	tcase_add_test(tests, what_proxmox_would_not_take_for_a_device_is_not_held);
	tcase_add_test(tests, a_hold_is_not_held_again);
	tcase_add_test(tests, only_what_a_hold_would_spell_is_taken_for_one);
	tcase_add_test(tests, what_is_too_long_is_not_held);
	tcase_add_test(tests, guests_and_switches_go_with_their_document);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
