/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What has to be true of any text to a source of bind entries: nothing changed gives the same
 * bytes; other addresses and names change their spans and nothing else and are found again where
 * they were put; what is parked is found no more, and all else as before.
 */
#pragma once

#include "recovery/park.h"
#include "recovery/sources/address-token.h"
#include "recovery/sources/bind.h"

#define CHECK(condition)                  \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

static const char *const old_names[] = { "enp5s0", "enp6s0", "enp6s0f1", "eth0" };
static const char *const new_names[] = { "wlq10s0", "wlq6s0", "wlq11s0f1", "wlqx" };
static const char *const all_names[] = {
	"enp5s0", "enp6s0", "enp6s0f1", "eth0", "wlq10s0", "wlq11s0f1", "wlq6s0", "wlqx",
};

static const struct name_set old_set = { old_names, ARRAY_SIZE(old_names) };
static const struct name_set all_set = { all_names, ARRAY_SIZE(all_names) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void scan(const struct source *source, const char *path, struct bytes text,
		 const struct name_set *names, struct document *document)
{
	struct document *items[] = { document };
	struct documents documents = { items, 1, 1 };
	const struct scan_context context = { 0 };

	*document = (struct document){
		.source = source,
		.path = path,
		.size = text.size,
		.in_image = true,
	};
	CHECK(bytes_duplicate(text, &document->data) == 0);
	CHECK(source->scan(source, &context, &documents, names) == 0);
}

static void check_reference(const struct document *document, const struct reference *reference,
			    size_t previous)
{
	struct bytes text = document_bytes(document), name;
	struct span extent = reference->extent;
	struct pci_address address;

	CHECK(reference->span.offset >= previous && reference->span.length > 0);
	CHECK(span_end(reference->span) + reference->suffix <= text.size);
	CHECK(reference->line == document_line_at(document, reference->span.offset));
	CHECK(reference->block && reference->key);
	name = document_text(document, reference->span);
	if (reference->kind == REFERENCE_NIC)
		CHECK(name_set_has(&all_set, name));
	else if (reference->certain)
		CHECK(address_token_parse(name, &address) == 0 &&
		      pci_address_equal(&address, &reference->address));
	if (reference->shape == PARK_NEVER)
		return;
	CHECK(reference->shape == PARK_LINES && reference->certain);
	CHECK(extent.offset <= reference->span.offset && span_end(extent) <= text.size &&
	      span_end(reference->span) <= span_end(extent));
	CHECK(extent.offset == 0 || text.data[extent.offset - 1] == '\n');
	CHECK(span_end(extent) == text.size || text.data[span_end(extent) - 1] == '\n');
}

/* What a mention becomes: each name and each address another one, no two the same. */
static struct bytes changed(const struct document *document, const struct reference *reference,
			    struct address_token_name *spelling)
{
	struct bytes name = document_text(document, reference->span);
	struct pci_address address = reference->address;

	if (!reference->certain)
		return name;
	if (reference->kind == REFERENCE_ADDRESS) {
		address.bus ^= 0x8a;
		return bytes_of(address_token_format(name, &address, spelling));
	}
	for (size_t i = 0; i < ARRAY_SIZE(old_names); i++)
		if (bytes_equal_text(name, old_names[i]))
			return bytes_of(new_names[i]);
	CHECK(false);
}

static char *apply(const struct document *document, bool change, size_t *ret_size)
{
	size_t n = document->n_references;
	struct address_token_name *spellings = calloc(n + 1, sizeof(*spellings));
	struct edit *edits = calloc(n + 1, sizeof(*edits));
	char *text;

	CHECK(edits && spellings);
	for (size_t i = 0; i < n; i++) {
		const struct reference *reference = &document->references[i];

		edits[i].span = reference->span;
		edits[i].text = change ? changed(document, reference, &spellings[i])
				       : document_text(document, reference->span);
	}
	CHECK(edits_apply(document_bytes(document), edits, n, &text, ret_size) == 0);
	free(edits);
	free(spellings);
	return text;
}

static void check_changed(const struct document *document)
{
	size_t size, grown = 0, shrunk = 0;
	char *text = apply(document, true, &size);
	struct document other;

	scan(document->source, document->path, bytes_make(text, size), &all_set, &other);
	CHECK(other.n_references == document->n_references && other.n_ids == document->n_ids);
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *was = &document->references[i];
		const struct reference *is = &other.references[i];
		struct address_token_name spelling;

		CHECK(is->span.offset + shrunk == was->span.offset + grown);
		CHECK(bytes_equal(document_text(&other, is->span),
				  changed(document, was, &spelling)));
		CHECK(is->kind == was->kind && is->certain == was->certain &&
		      is->shape == was->shape && strcmp(is->key, was->key) == 0);
		grown += is->span.length;
		shrunk += was->span.length;
	}
	document_done(&other);
	free(text);
}

static void check_parked(const struct document *document)
{
	struct treatment *treatments = calloc(document->n_references + 1, sizeof(*treatments));
	struct rendered rendered;
	struct document other;
	size_t kept = 0;

	CHECK(treatments);
	for (size_t i = 0; i < document->n_references; i++)
		treatments[i].park = document->references[i].shape == PARK_LINES;
	CHECK(park_render(document, treatments, &rendered) == 0);
	for (size_t i = 0; i < document->n_references; i++)
		kept += !rendered.out_of_force[i];
	scan(document->source, document->path, bytes_make(rendered.text, rendered.size), &old_set,
	     &other);
	CHECK(other.n_references == kept && other.n_ids == document->n_ids);
	document_done(&other);
	rendered_done(&rendered);
	free(treatments);
}

static void check_text(const struct source *source, const char *path, struct bytes text)
{
	struct document document;
	size_t previous = 0, size;
	char *same;

	scan(source, path, text, &old_set, &document);
	for (size_t i = 0; i < document.n_references; i++) {
		check_reference(&document, &document.references[i], previous);
		previous = span_end(document.references[i].span);
	}
	CHECK(document.n_notes <= 32);
	same = apply(&document, false, &size);
	CHECK(bytes_equal(bytes_make(same, size), text));
	free(same);
	/* What could be taken for a new name must not be there yet. */
	if (text.size > 0 && !memmem(text.data, text.size, "wlq", 3)) {
		check_changed(&document);
		check_parked(&document);
	}
	document_done(&document);
}
