/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text is refused in one line of words, or is a journal, or what was deferred, whose text reads
 * back as the same text and whose paths are such that completing it can work.
 */
#include "recovery/journal.h"
#include "tests/fuzz/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_changes(const struct journal *journal)
{
	require(journal->n_changes > 0);
	for (size_t i = 0; i < journal->n_changes; i++) {
		const struct change *change = &journal->changes[i];

		require(change->path[0] == '/');
		require(!strstr(change->path, "/../") && !strstr(change->path, "//"));
		require(change->was.data || change->now.data || !journal->text);
		require(i == 0 || strcmp(journal->changes[i - 1].path, change->path) < 0);
	}
}

static void write_and_read_again(const struct journal *journal)
{
	const struct bytes snapshot = bytes_make(journal->text, journal->size);
	_cleanup_(journal_done) struct journal again = { 0 };
	_cleanup_free_ char *text = NULL, *text_again = NULL;
	size_t size, size_again;

	require(journal_render(journal->changes, journal->n_changes, journal->snapshot_id, snapshot,
			       &text, &size) == 0);
	require(journal_parse(bytes_make(text, size), "again", &again, NULL) == 0);
	require(journal_render(again.changes, again.n_changes, again.snapshot_id, snapshot,
			       &text_again, &size_again) == 0);
	require(bytes_equal(bytes_make(text, size), bytes_make(text_again, size_again)));
}

static void defer_and_read_again(const struct journal *deferred)
{
	_cleanup_(journal_done) struct journal again = { 0 };
	_cleanup_free_ char *text = NULL, *text_again = NULL;
	size_t size, size_again;

	require(deferred_render(deferred->changes, deferred->n_changes, &text, &size) == 0);
	require(deferred_parse(bytes_make(text, size), "again", &again, NULL) == 0);
	require(deferred_render(again.changes, again.n_changes, &text_again, &size_again) == 0);
	require(bytes_equal(bytes_make(text, size), bytes_make(text_again, size_again)));
}

static void parse_deferred(struct bytes text)
{
	_cleanup_(problem_done) struct problem problem = { 0 };
	_cleanup_(journal_done) struct journal deferred = { 0 };

	if (deferred_parse(text, "FILE", &deferred, &problem) < 0) {
		require_one_line(&problem);
		return;
	}
	check_changes(&deferred);
	defer_and_read_again(&deferred);
}

static void parse(struct bytes text)
{
	_cleanup_(problem_done) struct problem problem = { 0 };
	_cleanup_(journal_done) struct journal journal = { 0 };

	if (journal_parse(text, "FILE", &journal, &problem) < 0) {
		require_one_line(&problem);
		return;
	}
	check_changes(&journal);
	write_and_read_again(&journal);
}

/* Puts a snapshot that is whole in the place of "@". */
static void insert_snapshot(struct bytes text, struct buffer *ret_text)
{
	static const char empty[] = "\"{\\n  \\\"schema\\\": \\\"hwrecover.snapshot/1\\\", "
				    "\\\"id\\\": 1, \\\"inventory\\\": {\\\"pci\\\": [], "
				    "\\\"nics\\\": []},\\n  \\\"checksum\\\": \\\"fnv1a64:";
	static const char body[] = "{\n  \"schema\": \"hwrecover.snapshot/1\", \"id\": 1, "
				   "\"inventory\": {\"pci\": [], \"nics\": []}";
	const char *at = text.size ? memchr(text.data, '@', text.size) : NULL;

	if (!at) {
		buffer_append(ret_text, text);
		return;
	}
	buffer_append(ret_text, bytes_make(text.data, (size_t)(at - text.data)));
	buffer_append_text(ret_text, empty);
	buffer_appendf(ret_text, "%016" PRIx64 "\\\"\\n}\\n\"",
		       bytes_digest(bytes_of(body), BYTES_DIGEST_SEED));
	buffer_append(ret_text, bytes_make(at + 1, text.size - (size_t)(at - text.data) - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes text = bytes_make((const char *)data, size);
	struct buffer whole = { 0 }, sealed = { 0 };

	parse(text);
	parse_deferred(text);
	insert_snapshot(text, &whole);
	seal(buffer_bytes(&whole), &sealed);
	parse(buffer_bytes(&sealed));
	parse_deferred(buffer_bytes(&sealed));
	buffer_done(&whole);
	buffer_done(&sealed);
	return 0;
}
