/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * qm.conf(5): nothing changed gives the same bytes; other addresses change their spans and are
 * found there, with all else as before; what is held is known again with what it replaced, and put
 * back it is the file it was; what is turned off is off.
 */
#include "recovery/sources/pve.h"

#define PATH      "/etc/pve/nodes/pve1/qemu-server/101.conf"
#define NOTES_MAX 17

#define CHECK(condition)                  \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/**
 * struct changes - Edits of one document, and the texts that are put in
 * @arena: owns the texts
 */
struct changes {
	struct arena arena;
	struct edit *edits;
	size_t n_edits;
};

static void scan(struct bytes text, struct document *document)
{
	struct document *items[] = { document };
	struct documents documents = { items, 1, 1 };
	const struct scan_context context = { 0 };
	const struct name_set names = { 0 };

	*document = (struct document){
		.source = &pve_qemu_source,
		.path = PATH,
		.size = text.size,
	};
	CHECK(bytes_duplicate(text, &document->data) == 0);
	CHECK(pve_qemu_source.scan(&pve_qemu_source, &context, &documents, &names) == 0);
}

static struct changes changes_for(const struct document *document)
{
	size_t n = document->n_references + document->guest->n_devices + 1;
	struct changes changes = { .edits = calloc(n, sizeof(*changes.edits)) };

	CHECK(changes.edits);
	return changes;
}

static void change(struct changes *changes, struct span span, struct bytes text)
{
	changes->edits[changes->n_edits++] = (struct edit){ .span = span, .text = text };
}

/* The document after the changes, scanned; the changes are gone. */
static void apply(const struct document *document, struct changes *changes, struct document *other)
{
	char *text;
	size_t size;

	edits_sort(changes->edits, changes->n_edits);
	CHECK(edits_apply(document_bytes(document), changes->edits, changes->n_edits, &text,
			  &size) == 0);
	scan(bytes_make(text, size), other);
	free(text);
	free(changes->edits);
	arena_done(&changes->arena);
}

static bool starts_line(const struct document *document, size_t offset)
{
	return offset == 0 || document->data[offset - 1] == '\n';
}

static void check_reference(const struct document *document, const struct reference *reference,
			    size_t previous)
{
	struct bytes text = document_text(document, reference->span);
	struct pci_address address;

	CHECK(reference->span.offset >= previous && reference->span.length > 0);
	CHECK(span_end(reference->span) <= document->size);
	CHECK(reference->kind == REFERENCE_ADDRESS && reference->shape == PARK_NEVER);
	CHECK(reference->line == document_line_at(document, reference->span.offset));
	CHECK(reference->block && reference->key && reference->owner == document->guest->id);
	if (reference->certain && !reference->whole_slot)
		CHECK(address_token_parse(text, &address) == 0 &&
		      pci_address_equal(&address, &reference->address));
}

/* Return: where the next device's references begin. */
static size_t check_device(const struct document *document, const struct guest_device *device,
			   size_t first)
{
	CHECK(device->key && device->section);
	CHECK(device->first == first && device->n <= document->n_references - first);
	CHECK(device->held == (device->original != NULL));
	CHECK(!(device->mapping || device->held) || device->n == 0);
	CHECK(device->mapping || device->held || device->n > 0);
	CHECK(!(device->at_start && document->guest->template));
	CHECK(span_end(device->hold) <= document->size);
	for (size_t i = first; i < first + device->n; i++) {
		struct span span = document->references[i].span;

		CHECK(document->references[i].key == device->key);
		CHECK(document->references[i].line == device->line);
		CHECK(device->hold.length == 0 || (span.offset >= device->hold.offset &&
						   span_end(span) <= span_end(device->hold)));
	}
	return first + device->n;
}

static void check_document(const struct document *document)
{
	const struct guest_config *guest = document->guest;
	size_t previous = 0, first = 0;

	CHECK(guest && document->n_switches <= 1 && document->n_notes <= NOTES_MAX);
	for (size_t i = 0; i < document->n_references; i++) {
		check_reference(document, &document->references[i], previous);
		previous = span_end(document->references[i].span);
	}
	for (size_t i = 0; i < guest->n_devices; i++)
		first = check_device(document, &guest->devices[i], first);
	CHECK(first == document->n_references);
	CHECK(guest->hold_at <= document->size && starts_line(document, guest->hold_at));
	CHECK(span_end(guest->held_line) <= document->size);
	for (size_t i = 0; i < document->n_switches; i++) {
		CHECK(span_end(document->switches[i].span) <= document->size);
		CHECK(starts_line(document, document->switches[i].span.offset));
	}
}

/* Whether all but addresses and holds is the same. */
static void check_same(const struct document *document, const struct document *other)
{
	const struct guest_config *was = document->guest, *is = other->guest;

	CHECK(is->n_devices == was->n_devices && is->template == was->template);
	for (size_t i = 0; i < was->n_devices; i++) {
		const struct guest_device *old = &was->devices[i], *new = &is->devices[i];

		CHECK(strcmp(new->key, old->key) == 0 && strcmp(new->section, old->section) == 0);
		CHECK(new->at_start == old->at_start &&new->taken == old->taken);
		CHECK((new->hold.length > 0) == (old->hold.length > 0));
	}
	CHECK(other->n_switches == document->n_switches);
	CHECK(other->n_notes == document->n_notes);
}

static struct bytes other_address(struct arena *arena, const struct document *document,
				  const struct reference *reference)
{
	struct address_token_name name;
	struct pci_address address = reference->address;
	const char *text;

	address.bus ^= 0x8a;
	text = address_token_format(document_text(document, reference->span), &address, &name);
	text = arena_copy_text(arena, text);
	CHECK(text);
	return bytes_of(text);
}

static void try_other_addresses(const struct document *document)
{
	struct changes changes = changes_for(document);
	size_t grown = 0, shrunk = 0;
	struct document other;

	for (size_t i = 0; i < document->n_references; i++)
		if (document->references[i].certain)
			change(&changes, document->references[i].span,
			       other_address(&changes.arena, document, &document->references[i]));
	apply(document, &changes, &other);
	check_document(&other);
	check_same(document, &other);
	CHECK(other.n_references == document->n_references);
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *was = &document->references[i];
		const struct reference *is = &other.references[i];
		struct pci_address address = was->address;

		address.bus ^= was->certain ? 0x8a : 0;
		CHECK(is->span.offset + shrunk == was->span.offset + grown);
		CHECK(pci_address_equal(&is->address, &address));
		CHECK(is->certain == was->certain && is->whole_slot == was->whole_slot &&
		      strcmp(is->key, was->key) == 0 && strcmp(is->block, was->block) == 0);
		grown += is->span.length;
		shrunk += was->span.length;
	}
	CHECK(other.size + shrunk == document->size + grown);
	document_done(&other);
}

/* Puts back what is held in @held, where @document held none of it. */
static void try_putting_back(const struct document *document, const struct document *held)
{
	struct changes changes = changes_for(held);
	struct document other;

	for (size_t i = 0; i < held->guest->n_devices; i++)
		if (held->guest->devices[i].held && !document->guest->devices[i].held)
			change(&changes, held->guest->devices[i].hold,
			       bytes_of(held->guest->devices[i].original));
	apply(held, &changes, &other);
	CHECK(bytes_equal(document_bytes(&other), document_bytes(document)));
	document_done(&other);
}

static void try_holding(const struct document *document)
{
	struct changes changes = changes_for(document);
	struct document other;

	for (size_t i = 0; i < document->guest->n_devices; i++) {
		const struct guest_device *device = &document->guest->devices[i];
		const char *text;

		if (device->held || device->hold.length == 0)
			continue;
		text = hold_encode(&changes.arena, document_text(document, device->hold));
		CHECK(text);
		change(&changes, device->hold, bytes_of(text));
	}
	apply(document, &changes, &other);
	check_document(&other);
	check_same(document, &other);
	for (size_t i = 0; i < document->guest->n_devices; i++) {
		const struct guest_device *was = &document->guest->devices[i];
		const struct guest_device *is = &other.guest->devices[i];

		CHECK(is->held == (was->hold.length > 0));
		if (is->held && !was->held)
			CHECK(bytes_equal_text(document_text(document, was->hold), is->original));
		if (was->held)
			CHECK(strcmp(is->original, was->original) == 0);
	}
	try_putting_back(document, &other);
	document_done(&other);
}

static void try_turning_off(const struct document *document)
{
	struct changes changes = changes_for(document);
	struct document other;

	for (size_t i = 0; i < document->n_switches; i++)
		change(&changes, document->switches[i].span, bytes_of(document->switches[i].off));
	apply(document, &changes, &other);
	check_same(document, &other);
	for (size_t i = 0; i < other.n_switches; i++) {
		CHECK(!other.switches[i].on);
		CHECK(bytes_equal_text(document_text(&other, other.switches[i].span),
				       document->switches[i].off));
	}
	document_done(&other);
}

static void try_hold_line(const struct document *document)
{
	struct changes changes = changes_for(document);
	const struct guest_config *guest = document->guest;
	struct document other;

	change(&changes, (struct span){ guest->hold_at, 0 }, bytes_of(guest->hold_line));
	apply(document, &changes, &other);
	check_document(&other);
	check_same(document, &other);
	CHECK(other.guest->held_line.offset == guest->hold_at);
	CHECK(bytes_equal_text(document_text(&other, other.guest->held_line), guest->hold_line));
	document_done(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document document;

	/* The files that a source is given hold none. */
	if (size > 0 && memchr(data, '\0', size))
		return 0;
	scan(bytes_make((const char *)data, size), &document);
	check_document(&document);
	try_other_addresses(&document);
	try_holding(&document);
	try_turning_off(&document);
	if (document.guest->hold_line && document.guest->held_line.length == 0)
		try_hold_line(&document);
	document_done(&document);
	return 0;
}
