/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/buffer.h"

#include <check.h>
#include <errno.h>

START_TEST(a_buffer_never_written_to_gives_an_empty_text)
{
	struct buffer buffer = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t size = 1;

	ck_assert_int_eq(buffer_finish(&buffer, &text, &size), 0);
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(size, 0);
}
END_TEST

START_TEST(all_kinds_of_appends_follow_each_other)
{
	struct buffer buffer = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t size;

	buffer_append_text(&buffer, "iface ");
	buffer_append(&buffer, bytes_make("enp6s0f1", 6));
	buffer_append_char(&buffer, ' ');
	buffer_appendf(&buffer, "%s %d", "inet", 42);
	buffer_append(&buffer, BYTES_NONE);
	buffer_append_text(&buffer, NULL);
	ck_assert_int_eq(buffer_finish(&buffer, &text, &size), 0);
	ck_assert_str_eq(text, "iface enp6s0 inet 42");
	ck_assert_uint_eq(size, strlen(text));
}
END_TEST

START_TEST(text_is_terminated_after_every_append)
{
	struct buffer buffer = { 0 };

	for (int i = 0; i < 1000; i++) {
		buffer_append_char(&buffer, 'x');
		ck_assert_int_eq(buffer.data[buffer.size], '\0');
	}
	ck_assert_uint_eq(buffer_bytes(&buffer).size, 1000);
	buffer_done(&buffer);
	ck_assert_ptr_null(buffer.data);
}
END_TEST

START_TEST(nul_bytes_are_kept)
{
	struct buffer buffer = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t size;

	buffer_append(&buffer, bytes_make("a\0b", 3));
	buffer_append_char(&buffer, '\0');
	ck_assert_int_eq(buffer_finish(&buffer, &text, &size), 0);
	ck_assert_uint_eq(size, 4);
	ck_assert_mem_eq(text, "a\0b\0\0", 5);
}
END_TEST

START_TEST(an_append_that_cannot_fit_fails_the_whole_text)
{
	struct buffer buffer = { 0 };
	char *text = NULL;

	buffer_append_text(&buffer, "kept");
	buffer_append(&buffer, (struct bytes){ "x", SIZE_MAX - 2 });
	ck_assert(buffer.failed);
	buffer_append_text(&buffer, "dropped");
	ck_assert_uint_eq(buffer.size, 4);
	ck_assert_int_eq(buffer_finish(&buffer, &text, NULL), -ENOMEM);
	ck_assert_ptr_null(text);
	buffer_done(&buffer);
}
END_TEST

START_TEST(a_finished_buffer_can_be_used_again)
{
	struct buffer buffer = { 0 };
	_cleanup_free_ char *first = NULL, *second = NULL;

	buffer_append_text(&buffer, "one");
	ck_assert_int_eq(buffer_finish(&buffer, &first, NULL), 0);
	buffer_append_text(&buffer, "two");
	ck_assert_int_eq(buffer_finish(&buffer, &second, NULL), 0);
	ck_assert_str_eq(first, "one");
	ck_assert_str_eq(second, "two");
}
END_TEST

START_TEST(formatted_text_longer_than_the_room_is_whole)
{
	struct buffer buffer = { 0 };
	_cleanup_free_ char *text = NULL;

	buffer_append_text(&buffer, "x");
	buffer_appendf(&buffer, "%01000d", 7);
	ck_assert_int_eq(buffer_finish(&buffer, &text, NULL), 0);
	ck_assert_uint_eq(strlen(text), 1001);
	ck_assert_int_eq(text[1000], '7');
}
END_TEST

START_TEST(releasing_nothing_is_allowed)
{
	struct buffer empty = { 0 };

	buffer_done(NULL);
	buffer_done(&empty);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("buffer");
	TCase *tests = tcase_create("buffer");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, a_buffer_never_written_to_gives_an_empty_text);
	tcase_add_test(tests, all_kinds_of_appends_follow_each_other);
	tcase_add_test(tests, text_is_terminated_after_every_append);
	tcase_add_test(tests, nul_bytes_are_kept);
	tcase_add_test(tests, an_append_that_cannot_fit_fails_the_whole_text);
	tcase_add_test(tests, a_finished_buffer_can_be_used_again);
	tcase_add_test(tests, formatted_text_longer_than_the_room_is_whole);
	tcase_add_test(tests, releasing_nothing_is_allowed);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
