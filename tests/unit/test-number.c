/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/number.h"

#include <check.h>
#include <errno.h>

static int parse(const char *text, unsigned int base, uint64_t max, uint64_t *ret)
{
	return number_parse(bytes_of(text), base, max, ret);
}

START_TEST(reads_decimal_and_hexadecimal)
{
	uint64_t value;

	ck_assert_int_eq(parse("0", 10, 9, &value), 0);
	ck_assert_uint_eq(value, 0);
	ck_assert_int_eq(parse("0042", 10, 100, &value), 0);
	ck_assert_uint_eq(value, 42);
	ck_assert_int_eq(parse("1aF", 16, 0xfff, &value), 0);
	ck_assert_uint_eq(value, 0x1af);
}
END_TEST

START_TEST(takes_the_largest_value_and_nothing_beyond)
{
	uint64_t value = 7;

	ck_assert_int_eq(parse("18446744073709551615", 10, UINT64_MAX, &value), 0);
	ck_assert_uint_eq(value, UINT64_MAX);
	value = 7;
	ck_assert_int_eq(parse("18446744073709551616", 10, UINT64_MAX, &value), -ERANGE);
	ck_assert_int_eq(parse("99999999999999999999999999", 10, UINT64_MAX, &value), -ERANGE);
	ck_assert_int_eq(parse("10000000000000000", 16, UINT64_MAX, &value), -ERANGE);
	ck_assert_int_eq(parse("20", 16, 0x1f, &value), -ERANGE);
	ck_assert_uint_eq(value, 7);
}
END_TEST

START_TEST(refuses_everything_but_digits)
{
	static const char *const bad[] = {
		"", " 1", "1 ", "+1", "-1", "0x10", "1.0", "1e3", "1_000", "a", "\xd9\xa1", "1\n",
	};
	uint64_t value = 7;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(parse(bad[i], 10, 1000, &value) == -EINVAL, "took \"%s\"", bad[i]);
	ck_assert_int_eq(parse("fg", 16, UINT64_MAX, &value), -EINVAL);
	ck_assert_int_eq(number_parse(bytes_make("1\0", 2), 10, 10, &value), -EINVAL);
	ck_assert_uint_eq(value, 7);
}
END_TEST

START_TEST(a_letter_behind_too_large_a_number_makes_it_none)
{
	uint64_t value;

	ck_assert_int_eq(parse("99999999999999999999999999x", 10, UINT64_MAX, &value), -EINVAL);
}
END_TEST

START_TEST(knows_each_hexadecimal_digit)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	for (int c = -128; c < 128; c++) {
		const char *place = c ? strchr(digits, c) : NULL;
		int expected = place ? (int)(place - digits) : -1;

		if (expected > 15)
			expected -= 6;
		ck_assert_int_eq(number_hex_digit((char)c), expected);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("number");
	TCase *tests = tcase_create("number");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, reads_decimal_and_hexadecimal);
	tcase_add_test(tests, takes_the_largest_value_and_nothing_beyond);
	tcase_add_test(tests, refuses_everything_but_digits);
	tcase_add_test(tests, a_letter_behind_too_large_a_number_makes_it_none);
	tcase_add_test(tests, knows_each_hexadecimal_digit);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
