/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/bytes.h"

#include <check.h>

START_TEST(text_without_a_pointer_is_no_bytes)
{
	ck_assert_uint_eq(bytes_of(NULL).size, 0);
	ck_assert(bytes_equal(bytes_of(NULL), BYTES_NONE));
	ck_assert(bytes_equal_text(BYTES_NONE, ""));
}
END_TEST

START_TEST(equality_looks_at_every_byte_and_the_size)
{
	ck_assert(bytes_equal(bytes_make("a\0b", 3), bytes_make("a\0b", 3)));
	ck_assert(!bytes_equal(bytes_make("a\0b", 3), bytes_make("a\0c", 3)));
	ck_assert(!bytes_equal(bytes_of("enp6s0"), bytes_of("enp6s0f1")));
	ck_assert(!bytes_equal_text(bytes_make("a\0", 2), "a"));
}
END_TEST

START_TEST(a_prefix_may_be_empty_or_everything_but_not_longer)
{
	ck_assert(bytes_start_with(bytes_of("eth0"), BYTES_NONE));
	ck_assert(bytes_start_with(BYTES_NONE, BYTES_NONE));
	ck_assert(bytes_start_with(bytes_of("eth0"), bytes_of("eth0")));
	ck_assert(!bytes_start_with(bytes_of("eth0"), bytes_of("eth00")));
	ck_assert(!bytes_start_with(bytes_of("eth0"), bytes_of("ens")));
}
END_TEST

START_TEST(order_is_by_unsigned_byte_with_prefixes_first)
{
	ck_assert_int_lt(bytes_compare(bytes_of("a"), bytes_of("b")), 0);
	ck_assert_int_lt(bytes_compare(bytes_of("a"), bytes_of("aa")), 0);
	ck_assert_int_gt(bytes_compare(bytes_of("\xff"), bytes_of("a")), 0);
	ck_assert_int_gt(bytes_compare(bytes_of("a"), BYTES_NONE), 0);
	ck_assert_int_eq(bytes_compare(BYTES_NONE, bytes_of("")), 0);
	ck_assert_int_eq(bytes_compare(bytes_of("abc"), bytes_of("abc")), 0);
}
END_TEST

/* The published test vectors of 64-bit FNV-1a: digests are kept on disk. */
START_TEST(digests_are_those_of_fnv_1a)
{
	ck_assert_uint_eq(bytes_digest(BYTES_NONE, BYTES_DIGEST_SEED), 0xcbf29ce484222325ULL);
	ck_assert_uint_eq(bytes_digest(bytes_of("a"), BYTES_DIGEST_SEED), 0xaf63dc4c8601ec8cULL);
	ck_assert_uint_eq(bytes_digest(bytes_of("foobar"), BYTES_DIGEST_SEED),
			  0x85944171f73967e8ULL);
}
END_TEST

START_TEST(a_digest_can_be_made_piece_by_piece)
{
	uint64_t foo = bytes_digest(bytes_of("foo"), BYTES_DIGEST_SEED);

	ck_assert_uint_eq(bytes_digest(bytes_of("bar"), foo),
			  bytes_digest(bytes_of("foobar"), BYTES_DIGEST_SEED));
}
END_TEST

START_TEST(every_changed_byte_changes_the_digest)
{
	char text[] = "auto enp6s0\niface enp6s0 inet manual\n";
	size_t size = sizeof(text) - 1;
	uint64_t before = bytes_digest(bytes_make(text, size), BYTES_DIGEST_SEED);

	for (size_t i = 0; i < size; i++) {
		for (int bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ (1 << bit));
			ck_assert_uint_ne(bytes_digest(bytes_make(text, size), BYTES_DIGEST_SEED),
					  before);
			text[i] = (char)(text[i] ^ (1 << bit));
		}
	}
}
END_TEST

START_TEST(a_duplicate_is_terminated_and_keeps_nul_bytes)
{
	_cleanup_free_ char *copy = NULL, *none = NULL;

	ck_assert_int_eq(bytes_duplicate(bytes_make("a\0b", 3), &copy), 0);
	ck_assert_mem_eq(copy, "a\0b", 4);
	ck_assert_int_eq(bytes_duplicate(BYTES_NONE, &none), 0);
	ck_assert_str_eq(none, "");
}
END_TEST

START_TEST(a_slice_may_be_empty_at_the_end)
{
	struct bytes all = bytes_of("abc");

	ck_assert(bytes_equal_text(bytes_slice(all, 1, 2), "bc"));
	ck_assert_uint_eq(bytes_slice(all, 3, 0).size, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bytes");
	TCase *tests = tcase_create("bytes");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, text_without_a_pointer_is_no_bytes);
	tcase_add_test(tests, equality_looks_at_every_byte_and_the_size);
	tcase_add_test(tests, a_prefix_may_be_empty_or_everything_but_not_longer);
	tcase_add_test(tests, order_is_by_unsigned_byte_with_prefixes_first);
	tcase_add_test(tests, digests_are_those_of_fnv_1a);
	tcase_add_test(tests, a_digest_can_be_made_piece_by_piece);
	tcase_add_test(tests, every_changed_byte_changes_the_digest);
	tcase_add_test(tests, a_duplicate_is_terminated_and_keeps_nul_bytes);
	tcase_add_test(tests, a_slice_may_be_empty_at_the_end);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
