/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text is refused in one line of words, or is a snapshot whose text reads back as the same
 * text. What is refused leaves nothing behind.
 */
#include "snapshot/snapshot-json.h"
#include "tests/fuzz/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare_head(struct bytes text, const struct snapshot *snapshot)
{
	struct arena arena = { 0 };
	struct snapshot head;

	require(snapshot_parse_head(text, "head", &arena, &head, NULL) == 0);
	require(head.id == snapshot->id && head.same_as == 0);
	require(!head.note == !snapshot->note);
	require(!head.note || strcmp(head.note, snapshot->note) == 0);
	require(!head.reason == !snapshot->reason);
	require(!head.reason || strcmp(head.reason, snapshot->reason) == 0);
	arena_done(&arena);
}

static void write_and_read_again(const struct snapshot *snapshot)
{
	_cleanup_(snapshot_done) struct snapshot again = { 0 };
	_cleanup_free_ char *text = NULL, *text_again = NULL;
	size_t size, size_again;

	require(snapshot_render(snapshot, snapshot->id, &text, &size) == 0);
	require(snapshot_parse(bytes_make(text, size), "again", &again, NULL) == 0);
	require(snapshot_same(snapshot, &again));
	require(snapshot_render(&again, again.id, &text_again, &size_again) == 0);
	require(bytes_equal(bytes_make(text, size), bytes_make(text_again, size_again)));
	compare_head(bytes_make(text, size), snapshot);
}

static void parse(struct bytes text)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };
	_cleanup_(problem_done) struct problem problem = { 0 };
	struct arena arena = { 0 };
	struct snapshot head;

	if (snapshot_parse(text, "FILE", &snapshot, &problem) < 0)
		require_one_line(&problem);
	else
		write_and_read_again(&snapshot);
	problem_done(&problem);
	if (snapshot_parse_head(text, "FILE", &arena, &head, &problem) < 0)
		require_one_line(&problem);
	arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes text = bytes_make((const char *)data, size);
	struct buffer sealed = { 0 };

	parse(text);
	seal(text, &sealed);
	parse(buffer_bytes(&sealed));
	buffer_done(&sealed);
	return 0;
}
