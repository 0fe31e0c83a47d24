/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/document.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>

#include "recovery/source.h"

static struct edit edit_at(size_t offset, size_t length, const char *text)
{
	return (struct edit){ .span = { offset, length }, .text = bytes_of(text) };
}

static void expect_edited(const char *document, const struct edit *edits, size_t n_edits,
			  const char *expected)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	ck_assert_int_eq(edits_apply(bytes_of(document), edits, n_edits, &text, &size), 0);
	ck_assert_str_eq(text, expected);
	ck_assert_uint_eq(size, strlen(expected));
}

static void expect_refused(const char *document, const struct edit *edits, size_t n_edits)
{
	char *text = NULL;
	size_t size = 12345;

	ck_assert_int_eq(edits_apply(bytes_of(document), edits, n_edits, &text, &size), -EINVAL);
	ck_assert_ptr_null(text);
	ck_assert_uint_eq(size, 12345);
}

START_TEST(no_edits_give_the_same_bytes)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	expect_edited("auto enp6s0\n", NULL, 0, "auto enp6s0\n");
	expect_edited("", NULL, 0, "");
	ck_assert_int_eq(edits_apply(BYTES_NONE, NULL, 0, &text, &size), 0);
	ck_assert_uint_eq(size, 0);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(an_edit_changes_its_span_and_nothing_else)
{
	const struct edit longer = edit_at(5, 6, "enp7s0f1"), gone = edit_at(4, 7, "");
	const struct edit first = edit_at(0, 4, "allow-hotplug"), last = edit_at(11, 1, "");

	expect_edited("auto enp6s0\n", &longer, 1, "auto enp7s0f1\n");
	expect_edited("auto enp6s0\n", &gone, 1, "auto\n");
	expect_edited("auto enp6s0\n", &first, 1, "allow-hotplug enp6s0\n");
	expect_edited("auto enp6s0\n", &last, 1, "auto enp6s0");
}
END_TEST

START_TEST(all_edits_happen_at_once)
{
	const struct edit swap[] = { edit_at(0, 6, "enp7s0"), edit_at(7, 6, "enp6s0") };

	expect_edited("enp6s0 enp7s0", swap, 2, "enp7s0 enp6s0");
}
END_TEST

START_TEST(insertions_stand_where_they_are_and_in_their_order)
{
	const struct edit edits[] = { edit_at(0, 0, "<"), edit_at(2, 0, "1"), edit_at(2, 0, "2"),
				      edit_at(2, 1, "C"), edit_at(3, 0, "3"), edit_at(4, 0, ">") };

	expect_edited("abcd", edits, ARRAY_SIZE(edits), "<ab12C3d>");
}
END_TEST

START_TEST(an_insertion_into_nothing_is_possible)
{
	const struct edit edits[] = { edit_at(0, 0, "a"), edit_at(0, 0, "b") };

	expect_edited("", edits, 2, "ab");
}
END_TEST

START_TEST(edits_that_overlap_are_refused)
{
	const struct edit overlap[] = { edit_at(0, 3, "x"), edit_at(2, 1, "y") };
	const struct edit same[] = { edit_at(1, 1, "x"), edit_at(1, 1, "y") };
	const struct edit inside[] = { edit_at(0, 3, "x"), edit_at(1, 0, "y") };
	const struct edit backwards[] = { edit_at(2, 1, "x"), edit_at(0, 1, "y") };

	expect_refused("abcd", overlap, 2);
	expect_refused("abcd", same, 2);
	expect_refused("abcd", inside, 2);
	expect_refused("abcd", backwards, 2);
}
END_TEST

START_TEST(edits_outside_the_document_are_refused)
{
	const struct edit behind = edit_at(5, 0, "x"), across = edit_at(3, 2, "x");
	const struct edit wrapping = edit_at(2, SIZE_MAX, "x"), far = edit_at(SIZE_MAX, 1, "x");

	expect_refused("abcd", &behind, 1);
	expect_refused("abcd", &across, 1);
	expect_refused("abcd", &wrapping, 1);
	expect_refused("abcd", &far, 1);
}
END_TEST

START_TEST(nul_bytes_and_any_others_are_kept)
{
	const struct edit edit = { .span = { 1, 1 }, .text = bytes_make("\0\xff", 2) };
	_cleanup_free_ char *text = NULL;
	size_t size;

	ck_assert_int_eq(edits_apply(bytes_make("\0\n\r\xfe", 4), &edit, 1, &text, &size), 0);
	ck_assert_uint_eq(size, 5);
	ck_assert_mem_eq(text, "\0\0\xff\r\xfe", 5);
}
END_TEST

START_TEST(sorting_keeps_the_order_of_insertions_at_one_place)
{
	static const char text[600];
	struct edit edits[ARRAY_SIZE(text)];

	/* Enough for a sort that is not stable to show it; where the text points tells its number.
	 */
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
		edits[i] =
			(struct edit){ .span = { 2 - i % 3, 0 }, .text = bytes_make(text + i, 1) };
	edits_sort(edits, ARRAY_SIZE(edits));
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		size_t number = 3 * (i % 200) + 2 - i / 200;

		ck_assert_uint_eq(edits[i].span.offset, i / 200);
		ck_assert_ptr_eq(edits[i].text.data, text + number);
	}
}
END_TEST

START_TEST(sorting_puts_an_insertion_before_a_replacement_at_its_place)
{
	struct edit edits[] = { edit_at(2, 1, "C"), edit_at(0, 1, "A"), edit_at(2, 0, "<") };

	edits_sort(edits, 3);
	expect_edited("abc", edits, 3, "Ab<C");
	edits_sort(edits, 0);
	edits_sort(NULL, 0);
}
END_TEST

START_TEST(lines_are_counted_from_one)
{
	struct document document = { .data = strdup("a\n\nbc\n"), .size = 6 };

	ck_assert_uint_eq(document_line_at(&document, 0), 1);
	ck_assert_uint_eq(document_line_at(&document, 1), 1);
	ck_assert_uint_eq(document_line_at(&document, 2), 2);
	ck_assert_uint_eq(document_line_at(&document, 3), 3);
	ck_assert_uint_eq(document_line_at(&document, 5), 3);
	ck_assert_uint_eq(document_line_at(&document, 6), 4);
	ck_assert_uint_eq(document_line_at(&document, SIZE_MAX), 4);
	document_done(&document);
	ck_assert_uint_eq(document_line_at(&document, 7), 1);
}
END_TEST

START_TEST(references_and_digests_are_sorted_when_a_scan_ends)
{
	static const size_t offsets[] = { 40, 7, 100, 0, 7 };
	static const size_t lengths[] = { 1, 6, 1, 1, 3 };
	struct documents documents = { 0 };
	struct document *document = documents_add(&documents, "/etc/network/interfaces");

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		struct reference *reference = document_add_reference(document);

		ck_assert_ptr_null(reference->block);
		reference->span = (struct span){ offsets[i], lengths[i] };
		ck_assert_int_eq(document_add_line_digest(document, ~(uint64_t)i << 32), 0);
	}
	document_finish(document);
	for (size_t i = 1; i < ARRAY_SIZE(offsets); i++) {
		const struct span *before = &document->references[i - 1].span;
		const struct span *span = &document->references[i].span;

		ck_assert(before->offset < span->offset ||
			  (before->offset == span->offset && before->length < span->length));
		ck_assert_uint_lt(document->line_digests[i - 1], document->line_digests[i]);
	}
	documents_done(&documents);
}
END_TEST

START_TEST(notes_say_their_line)
{
	struct documents documents = { 0 };
	struct document *document = documents_add(&documents, "/x");

	for (unsigned int i = 1; i <= 100; i++)
		ck_assert_int_eq(document_add_note(document, i, "pattern %s", "enp*"), 0);
	ck_assert_uint_eq(document->n_notes, 100);
	ck_assert_str_eq(document->notes[0], "1: pattern enp*");
	ck_assert_str_eq(document->notes[99], "100: pattern enp*");
	documents_done(&documents);
}
END_TEST

START_TEST(forgetting_a_scan_keeps_the_bytes)
{
	struct documents documents = { 0 };
	struct document *document = documents_add(&documents, "/x");

	document->data = strdup("auto lo");
	document->size = 7;
	document->rejected = "why";
	ck_assert_ptr_nonnull(document_add_reference(document));
	ck_assert_int_eq(document_add_note(document, 1, "note"), 0);
	ck_assert_int_eq(document_add_line_digest(document, 1), 0);
	document_clear_scan(document);
	ck_assert_uint_eq(document->n_references + document->n_notes + document->n_line_digests, 0);
	ck_assert_ptr_null(document->rejected);
	ck_assert(bytes_equal_text(document_bytes(document), "auto lo"));
	ck_assert_str_eq(document->path, "/x");
	ck_assert_ptr_nonnull(document_add_reference(document));
	ck_assert_uint_eq(document->n_references, 1);
	documents_done(&documents);
}
END_TEST

START_TEST(documents_are_found_by_path_and_stay_where_they_are)
{
	struct documents documents = { 0 };
	struct document *first = documents_add(&documents, "/0");
	char path[16];

	ck_assert_ptr_null(documents_find(&documents, "/1"));
	for (int i = 1; i < 100; i++) {
		(void)snprintf(path, sizeof(path), "/%d", i);
		ck_assert_ptr_nonnull(documents_add(&documents, path));
	}
	ck_assert_ptr_eq(documents_find(&documents, "/0"), first);
	ck_assert_str_eq(documents_find(&documents, "/57")->path, "/57");
	ck_assert_ptr_null(documents_find(&documents, "/"));
	ck_assert_ptr_null(documents_find(&documents, "/100"));
	documents_done(&documents);
	ck_assert_uint_eq(documents.n_items, 0);
}
END_TEST

START_TEST(names_are_found_whole)
{
	static const char *const names[] = { "enp6s0", "enp6s0f1", "eth0", "eth1", "lo" };

	for (size_t n = 0; n <= ARRAY_SIZE(names); n++) {
		const struct name_set set = { names, n };

		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			ck_assert_int_eq(name_set_has(&set, bytes_of(names[i])), i < n);
		ck_assert(!name_set_has(&set, bytes_of("enp6s")));
		ck_assert(!name_set_has(&set, bytes_of("enp6s0f")));
		ck_assert(!name_set_has(&set, bytes_of("zzz")));
		ck_assert(!name_set_has(&set, BYTES_NONE));
	}
}
END_TEST

START_TEST(releasing_nothing_is_allowed)
{
	struct document document = { 0 };
	struct documents documents = { 0 };

	document_done(NULL);
	document_done(&document);
	documents_done(NULL);
	documents_done(&documents);
	ck_assert_uint_eq(document.n_references + documents.n_items, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("document");
	TCase *tests = tcase_create("document");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, no_edits_give_the_same_bytes);
	tcase_add_test(tests, an_edit_changes_its_span_and_nothing_else);
	tcase_add_test(tests, all_edits_happen_at_once);
	tcase_add_test(tests, insertions_stand_where_they_are_and_in_their_order);
	tcase_add_test(tests, an_insertion_into_nothing_is_possible);
	tcase_add_test(tests, edits_that_overlap_are_refused);
	tcase_add_test(tests, edits_outside_the_document_are_refused);
	tcase_add_test(tests, nul_bytes_and_any_others_are_kept);
	tcase_add_test(tests, sorting_keeps_the_order_of_insertions_at_one_place);
	tcase_add_test(tests, sorting_puts_an_insertion_before_a_replacement_at_its_place);
	tcase_add_test(tests, lines_are_counted_from_one);
	tcase_add_test(tests, references_and_digests_are_sorted_when_a_scan_ends);
	tcase_add_test(tests, notes_say_their_line);
	tcase_add_test(tests, forgetting_a_scan_keeps_the_bytes);
	tcase_add_test(tests, documents_are_found_by_path_and_stay_where_they_are);
	tcase_add_test(tests, names_are_found_whole);
	tcase_add_test(tests, releasing_nothing_is_allowed);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
