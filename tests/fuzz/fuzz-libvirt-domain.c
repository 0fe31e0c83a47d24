/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domains of libvirt. Of any text: nothing changed gives the same bytes; other addresses and names
 * change their spans and nothing else, are found again where they were put, and leave each device
 * the one it was. What is rejected says nothing.
 */
#include "recovery/sources/address-attributes.h"
#include "recovery/sources/address-token.h"
#include "recovery/sources/libvirt.h"

#define CHECK(condition)                  \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

static const char *const all_names[] = { "enp5s0", "enp6s0", "wlq10s0", "wlq6s0" };
static const struct name_set all_set = { all_names, ARRAY_SIZE(all_names) };
static const struct name_set old_set = { all_names, 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void scan(struct bytes text, const struct name_set *names, struct document *document)
{
	struct document *items[] = { document };
	struct documents documents = { items, 1, 1 };
	const struct scan_context context = { 0 };
	const struct source *source = &libvirt_domain_source;

	*document = (struct document){
		.source = source,
		.path = LIBVIRT_DOMAINS "/fuzz.xml",
		.size = text.size,
	};
	CHECK(bytes_duplicate(text, &document->data) == 0);
	CHECK(source->scan(source, &context, &documents, names) == 0);
	CHECK(source->check(source, &context, &documents, &text, NULL) == 0);
}

static void check_reference(const struct document *document, const struct reference *reference,
			    size_t previous)
{
	struct bytes name = document_text(document, reference->span);
	struct pci_address address;

	CHECK(reference->span.offset >= previous && reference->span.length > 0);
	CHECK(span_end(reference->span) + reference->suffix <= document->size);
	CHECK(reference->line == document_line_at(document, reference->span.offset));
	CHECK(reference->block && reference->key && reference->certain);
	CHECK(reference->owner == document->guest->id);
	CHECK(reference->shape == PARK_NEVER && !reference->whole_slot);
	if (reference->kind == REFERENCE_NIC)
		CHECK(name_set_has(&all_set, name));
	else
		CHECK((address_attributes_parse(name, &address) == 0 ||
		       address_token_parse(name, &address) == 0) &&
		      pci_address_equal(&address, &reference->address));
}

/* Every mention is of one device, and each device has some. */
static void check_devices(const struct document *document)
{
	const struct guest_config *guest = document->guest;
	size_t next = 0;

	CHECK(guest->id && strlen(guest->id) > strlen("libvirt/"));
	for (size_t i = 0; i < guest->n_devices; i++) {
		CHECK(guest->devices[i].n > 0 && guest->devices[i].first == next);
		CHECK(guest->devices[i].key && guest->devices[i].at_start);
		next += guest->devices[i].n;
	}
	CHECK(next == document->n_references);
}

static struct bytes changed(struct arena *arena, const struct document *document,
			    const struct reference *reference)
{
	struct bytes name = document_text(document, reference->span);
	struct pci_address address = reference->address, old;
	struct address_token_name spelling;
	const char *text;

	if (reference->kind == REFERENCE_NIC)
		return bytes_of(bytes_equal_text(name, all_names[0]) ? all_names[2] : all_names[3]);
	address.bus ^= 0x8a;
	address.function ^= 1;
	text = address_attributes_parse(name, &old) == 0
		       ? address_attributes_format(arena, name, &address)
		       : arena_copy_text(arena, address_token_format(name, &address, &spelling));
	CHECK(text);
	return bytes_of(text);
}

static char *apply(struct arena *arena, const struct document *document, size_t *ret_size)
{
	struct edit *edits = calloc(document->n_references + 1, sizeof(*edits));
	char *text;

	CHECK(edits);
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *reference = &document->references[i];

		edits[i].span = reference->span;
		edits[i].text = arena ? changed(arena, document, reference)
				      : document_text(document, reference->span);
	}
	CHECK(edits_apply(document_bytes(document), edits, document->n_references, &text,
			  ret_size) == 0);
	free(edits);
	return text;
}

static void check_changed(const struct document *document)
{
	size_t size, grown = 0, shrunk = 0;
	struct arena arena = { 0 };
	char *text = apply(&arena, document, &size);
	struct document other;

	scan(bytes_make(text, size), &all_set, &other);
	CHECK(!other.rejected && strcmp(other.guest->id, document->guest->id) == 0);
	CHECK(other.n_references == document->n_references);
	CHECK(other.guest->n_devices == document->guest->n_devices);
	CHECK(other.n_notes == document->n_notes);
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *was = &document->references[i];
		const struct reference *is = &other.references[i];

		CHECK(is->span.offset + shrunk == was->span.offset + grown);
		CHECK(bytes_equal(document_text(&other, is->span), changed(&arena, document, was)));
		CHECK(is->kind == was->kind && is->suffix == was->suffix && is->body == was->body &&
		      strcmp(is->key, was->key) == 0);
		if (was->kind == REFERENCE_ADDRESS)
			CHECK(is->address.bus == (was->address.bus ^ 0x8a) &&
			      is->address.domain == was->address.domain);
		grown += is->span.length;
		shrunk += was->span.length;
	}
	document_done(&other);
	arena_done(&arena);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = bytes_make((const char *)data, size);
	struct document document;
	size_t previous = 0, same_size;
	char *same;

	scan(text, &old_set, &document);
	CHECK(!document.rejected == !!document.guest);
	CHECK(document.guest || document.n_references == 0);
	for (size_t i = 0; i < document.n_references; i++) {
		check_reference(&document, &document.references[i], previous);
		previous = span_end(document.references[i].span);
	}
	CHECK(document.n_notes <= 1);
	same = apply(NULL, &document, &same_size);
	CHECK(bytes_equal(bytes_make(same, same_size), text));
	free(same);
	if (document.guest) {
		check_devices(&document);
		/* What could be taken for a new name must not be there yet. */
		if (!memmem(text.data, text.size, "wlq", 3))
			check_changed(&document);
	}
	document_done(&document);
	return 0;
}
