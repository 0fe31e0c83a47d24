/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One document of a source of bind entries, scanned; what is found is written as marks. */
#pragma once

#include <check.h>
#include <stdio.h>

#include "recovery/sources/bind.h"
#include "snapshot/inventory.h"

static const char *const nic_names[] = { "enp5s0", "enp6s0" };
static const struct name_set nic_set = { nic_names, ARRAY_SIZE(nic_names) };

static struct documents documents;
static struct document *document;
static struct scan_context scan_context;

static inline void begin(const struct source *source, const char *path)
{
	document = documents_add(&documents, path);
	ck_assert_ptr_nonnull(document);
	document->source = source;
	document->in_image = true;
}

static inline void end(void)
{
	documents_done(&documents);
	scan_context = (struct scan_context){ 0 };
}

static inline void scan(const char *text)
{
	document_clear_scan(document);
	free(document->data);
	ck_assert_int_eq(bytes_duplicate(bytes_of(text), &document->data), 0);
	document->size = strlen(text);
	ck_assert_int_eq(
		document->source->scan(document->source, &scan_context, &documents, &nic_set), 0);
}

/* «parked by its lines», ‹never parked›, ⟨not certain⟩ */
static const char *const marks[][2] = { { "«", "»" }, { "‹", "›" }, { "⟨", "⟩" } };

static inline const char *const *mark_of(const struct reference *reference)
{
	if (!reference->certain)
		return marks[2];
	return reference->shape == PARK_LINES ? marks[0] : marks[1];
}

static inline size_t mark_at(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		for (size_t j = 0; j < 2; j++)
			if (strncmp(text, marks[i][j], strlen(marks[i][j])) == 0)
				return strlen(marks[i][j]);
	return 0;
}

/* Scans @wanted without its marks and expects what is marked. */
static inline void finds(const char *wanted)
{
	struct buffer plain = { 0 }, found = { 0 };
	size_t done = 0;

	for (const char *c = wanted; *c;) {
		size_t mark = mark_at(c);

		if (mark == 0)
			buffer_append_char(&plain, *c++);
		c += mark;
	}
	buffer_append_char(&plain, '\0');
	scan(plain.data);
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *reference = &document->references[i];

		ck_assert_uint_eq(reference->line,
				  document_line_at(document, reference->span.offset));
		ck_assert_ptr_nonnull(reference->block);
		ck_assert_ptr_nonnull(reference->key);
		buffer_append(&found, bytes_make(plain.data + done, reference->span.offset - done));
		buffer_append_text(&found, mark_of(reference)[0]);
		buffer_append(&found, document_text(document, reference->span));
		buffer_append_text(&found, mark_of(reference)[1]);
		done = span_end(reference->span);
	}
	buffer_append_text(&found, plain.data + done);
	ck_assert_str_eq(found.data, wanted);
	buffer_done(&plain);
	buffer_done(&found);
}

/* The lines that would be commented out with a mention. */
static inline void goes_with(size_t index, const char *lines)
{
	struct bytes found;

	ck_assert_uint_lt(index, document->n_references);
	found = document_text(document, document->references[index].extent);
	ck_assert_msg(bytes_equal_text(found, lines), "\"%.*s\" instead of \"%s\"", (int)found.size,
		      found.data, lines);
}

/* All ids, as "LINE DRIVER V:D:SV:SD:C:M;", "*" for any. */
static inline void has_ids(const char *wanted)
{
	struct buffer found = { 0 };

	buffer_append_text(&found, "");
	for (size_t i = 0; i < document->n_ids; i++) {
		const struct id_entry *entry = &document->ids[i];
		const int32_t ids[] = { entry->vendor, entry->device, entry->subsystem_vendor,
					entry->subsystem_device };

		buffer_appendf(&found, "%u %s ", entry->line, entry->driver);
		for (size_t j = 0; j < ARRAY_SIZE(ids); j++)
			if (ids[j] == UNKNOWN)
				buffer_append_text(&found, "*:");
			else
				buffer_appendf(&found, "%x:", (unsigned int)ids[j]);
		buffer_appendf(&found, "%x:%x;", entry->class, entry->class_mask);
	}
	ck_assert_str_eq(found.size ? found.data : "", wanted);
	buffer_done(&found);
}

/* All notes, each followed by a newline. */
static inline void notes(const char *wanted)
{
	struct buffer found = { 0 };

	for (size_t i = 0; i < document->n_notes; i++)
		buffer_appendf(&found, "%s\n", document->notes[i]);
	ck_assert_str_eq(found.size ? found.data : "", wanted);
	buffer_done(&found);
}

static inline int run_tests(const char *name, void (*add)(TCase *tests), void (*setup)(void))
{
	Suite *suite = suite_create(name);
	TCase *tests = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, end);
	add(tests);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
