/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text is refused in one line of words, or is a manifest whose text reads back as the same
 * text.
 */
#include "recovery/manifest.h"
#include "tests/fuzz/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read_again(const struct manifest *manifest)
{
	_cleanup_(manifest_done) struct manifest again = { 0 };
	_cleanup_free_ char *text = NULL, *text_again = NULL;
	size_t size, size_again;

	require(manifest_render(&manifest->inventory, &manifest->meanings, &manifest->policy, &text,
				&size) == 0);
	require(manifest_parse(bytes_make(text, size), "again", &again, NULL) == 0);
	require(again.meanings.n_mentions <= manifest->meanings.n_mentions);
	require(again.policy.n_allowed == manifest->policy.n_allowed);
	require(manifest_render(&again.inventory, &again.meanings, &again.policy, &text_again,
				&size_again) == 0);
	require(bytes_equal(bytes_make(text, size), bytes_make(text_again, size_again)));
}

static void parse(struct bytes text)
{
	_cleanup_(manifest_done) struct manifest manifest = { 0 };
	_cleanup_(problem_done) struct problem problem = { 0 };

	if (manifest_parse(text, "FILE", &manifest, &problem) < 0)
		require_one_line(&problem);
	else
		write_and_read_again(&manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes text = bytes_make((const char *)data, size);
	struct buffer sealed = { 0 };

	parse(text);
	buffer_append(&sealed, text);
	if (size > 0 && data[size - 1] != '\n')
		buffer_append_char(&sealed, '\n');
	buffer_appendf(&sealed, "checksum\tfnv1a64:%016" PRIx64 "\n",
		       bytes_digest(buffer_bytes(&sealed), BYTES_DIGEST_SEED));
	require(!sealed.failed);
	parse(buffer_bytes(&sealed));
	buffer_done(&sealed);
	return 0;
}
