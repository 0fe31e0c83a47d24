/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/line-addresses.h"

#include <errno.h>

#include "recovery/sources/address-token.h"

void line_addresses_begin(struct line_addresses *addresses, const struct joined_line *line)
{
	addresses->line = line;
	addresses->first = addresses->document->n_references;
	addresses->split = false;
}

static int add_token(struct line_addresses *addresses, const struct address_token *token,
		     const struct reference *mention)
{
	struct document *document = addresses->document;
	struct reference *reference;
	struct span span;

	if (!joined_line_locate(addresses->line, token->span, &span)) {
		addresses->split = true;
		return 0;
	}
	reference = document_add_reference(document);
	if (!reference)
		return -ENOMEM;
	*reference = *mention;
	reference->kind = REFERENCE_ADDRESS;
	reference->span = span;
	reference->address = token->address;
	reference->certain = !token->whole_slot;
	reference->line =
		line_cursor_move(&addresses->cursor, document_bytes(document), span.offset);
	return 0;
}

int line_addresses_add(struct line_addresses *addresses, struct span part,
		       const struct reference *mention)
{
	struct bytes text = bytes_make(joined_line_text(addresses->line).data, span_end(part));
	struct address_token token;
	int r = 0;

	for (size_t at = part.offset; r == 0 && address_token_next(text, at, &token);
	     at = span_end(token.span))
		r = add_token(addresses, &token, mention);
	return r;
}

int line_addresses_add_last(struct line_addresses *addresses, struct span part,
			    const struct reference *mention)
{
	struct bytes text = bytes_make(joined_line_text(addresses->line).data, span_end(part));
	struct address_token token, last;
	bool found = false;

	for (size_t at = part.offset; address_token_next(text, at, &token);
	     at = span_end(token.span)) {
		last = token;
		found = true;
	}
	return found ? add_token(addresses, &last, mention) : 0;
}

/* Digest of what stands around the addresses. */
static uint64_t digest_around(struct bytes text)
{
	uint64_t digest = BYTES_DIGEST_SEED;
	struct address_token token;
	size_t at = 0;

	for (; address_token_next(text, at, &token); at = span_end(token.span))
		digest = bytes_digest(bytes_slice(text, at, token.span.offset - at), digest);
	digest = bytes_digest(bytes_slice(text, at, text.size - at), digest);
	return digest ? digest : 1;
}

static bool is_one_device(const struct line_addresses *addresses)
{
	const struct reference *references = addresses->document->references;

	for (size_t i = addresses->first; i < addresses->document->n_references; i++)
		if (!references[i].certain ||
		    !pci_address_equal(&references[i].address,
				       &references[addresses->first].address))
			return false;
	return !addresses->split;
}

size_t line_addresses_end(struct line_addresses *addresses)
{
	struct bytes text = joined_line_text(addresses->line);
	struct document *document = addresses->document;
	size_t n = document->n_references - addresses->first;
	bool one = is_one_device(addresses);
	uint64_t body, digest;

	if (n == 0)
		return 0;
	body = digest_around(text);
	digest = words_digest(text);
	for (size_t i = addresses->first; i < document->n_references; i++) {
		struct reference *reference = &document->references[i];

		reference->body = body;
		reference->line_digest = digest;
		reference->extent = addresses->line->extent;
		if (reference->shape == PARK_LINES && !one)
			reference->shape = PARK_NEVER;
	}
	return n;
}
