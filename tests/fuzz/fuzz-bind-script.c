/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shell scripts that bind devices.
 *
 * Put out of force, a device is named nowhere any more, every other as often as before, and the
 * script can still be read; moved elsewhere, each mention is found again where it was.
 */
#include "recovery/park.h"
#include "recovery/sources/address-token.h"
#include "recovery/sources/bind.h"

#define CHECK(condition)                  \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

/* Rendering and scanning once for each address there is would take too long. */
#define ADDRESSES_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void scan(struct bytes text, struct document *document)
{
	*document = (struct document){ .path = "/script", .size = text.size };
	CHECK(bytes_duplicate(text, &document->data) == 0);
	CHECK(bind_script_scan_document(document) == 0);
	CHECK(!document->rejected);
}

static bool is_inside(struct span inner, struct span outer)
{
	return inner.offset >= outer.offset && span_end(inner) <= span_end(outer);
}

/* What has to be true of any mention. */
static void check_reference(const struct document *document, const struct reference *reference,
			    size_t previous)
{
	struct bytes text = document_bytes(document),
		     name = document_text(document, reference->span);
	struct span extent = reference->extent;
	struct pci_address address;

	CHECK(reference->kind == REFERENCE_ADDRESS && reference->block && reference->key);
	CHECK(reference->span.offset >= previous && span_end(reference->span) <= text.size);
	CHECK(reference->line == document_line_at(document, reference->span.offset));
	CHECK(!reference->certain || (address_token_parse(name, &address) == 0 &&
				      pci_address_equal(&address, &reference->address)));
	CHECK(extent.offset == 0 || text.data[extent.offset - 1] == '\n');
	if (reference->shape == PARK_LINES) {
		CHECK(is_inside(reference->span, extent));
		CHECK(span_end(extent) == text.size || text.data[span_end(extent) - 1] == '\n');
	} else if (reference->shape == PARK_WORD) {
		CHECK(is_inside(reference->span, reference->list));
	} else {
		CHECK(reference->shape == PARK_SCRIPT && extent.length == 0);
	}
}

static size_t count(const struct document *document, const struct reference *like)
{
	size_t n = 0;

	for (size_t i = 0; i < document->n_references; i++)
		n += pci_address_equal(&document->references[i].address, &like->address) &&
		     document->references[i].certain == like->certain;
	return n;
}

/* Puts every mention of one address out of force. */
static void check_parked(const struct document *document, const struct reference *stale)
{
	struct treatment *treatments = calloc(document->n_references + 1, sizeof(*treatments));
	struct rendered rendered;
	struct document parked;
	bool off = false;

	CHECK(treatments);
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *reference = &document->references[i];

		treatments[i].park = pci_address_equal(&reference->address, &stale->address);
		off |= treatments[i].park && reference->shape == PARK_SCRIPT;
	}
	CHECK(park_render(document, treatments, &rendered) == 0);
	free(treatments);
	scan(bytes_make(rendered.text, rendered.size), &parked);
	CHECK(bind_script_check_text(bytes_make(rendered.text, rendered.size), "/script", NULL) ==
		      0 ||
	      bind_script_check_text(document_bytes(document), "/script", NULL) < 0);
	CHECK(off == (rendered.size > 0 && memmem(rendered.text, rendered.size, PARK_EXIT_LINE,
						  strlen(PARK_EXIT_LINE)) != NULL));
	for (size_t i = 0; i < document->n_references && !off; i++) {
		const struct reference *reference = &document->references[i];
		bool gone = pci_address_equal(&reference->address, &stale->address);

		CHECK(count(&parked, reference) == (gone ? 0 : count(document, reference)));
		if (i >= ADDRESSES_MAX)
			break;
	}
	document_done(&parked);
	rendered_done(&rendered);
}

/* Moves every certain mention to another address. */
static void check_moved(const struct document *document)
{
	struct edit *edits = calloc(document->n_references + 1, sizeof(*edits));
	struct address_token_name *names = calloc(document->n_references + 1, sizeof(*names));
	struct document moved;
	size_t n = 0, size;
	char *text;

	CHECK(edits && names);
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *reference = &document->references[i];
		struct pci_address address = reference->address;

		if (!reference->certain)
			continue;
		address.bus ^= 0x5a;
		edits[n].span = reference->span;
		edits[n].text = bytes_of(address_token_format(
			document_text(document, reference->span), &address, &names[i]));
		/* Only a domain with more digits than the kernel gives it comes out shorter. */
		CHECK(edits[n++].text.size <= reference->span.length);
	}
	CHECK(edits_apply(document_bytes(document), edits, n, &text, &size) == 0);
	scan(bytes_make(text, size), &moved);
	CHECK(moved.n_references == document->n_references);
	for (size_t i = 0; i < moved.n_references; i++) {
		const struct reference *was = &document->references[i], *is = &moved.references[i];

		CHECK(is->span.offset <= was->span.offset && is->certain == was->certain);
		CHECK(is->address.bus ==
		      (was->certain ? was->address.bus ^ 0x5a : was->address.bus));
	}
	document_done(&moved);
	free(text);
	free(edits);
	free(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document document;
	size_t previous = 0;

	/* A document with NUL bytes is unfit; one that is switched off already proves nothing. */
	if (size == 0 || memchr(data, '\0', size) ||
	    memmem(data, size, PARK_EXIT_LINE, strlen(PARK_EXIT_LINE)))
		return 0;
	scan(bytes_make((const char *)data, size), &document);
	for (size_t i = 0; i < document.n_references; i++) {
		check_reference(&document, &document.references[i], previous);
		previous = span_end(document.references[i].span);
	}
	for (size_t i = 0; i < document.n_references && i < ADDRESSES_MAX; i++)
		check_parked(&document, &document.references[i]);
	check_moved(&document);
	document_done(&document);
	return 0;
}
