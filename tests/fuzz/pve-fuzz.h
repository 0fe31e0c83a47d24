/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What has to be true of any text to a source of guests' configuration that is read line by line:
 * nothing changed gives the same bytes; other names, addresses and groups change their spans and
 * nothing else and are found again where they were put; what is turned off is found as it was left,
 * and so is the line of a hold, without which the text is what it was.
 */
#pragma once

#include "recovery/sources/address-token.h"
#include "recovery/sources/pve.h"

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

static const struct name_set all_set = { all_names, ARRAY_SIZE(all_names) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void scan(const struct source *source, const char *path, struct bytes text,
		 struct document *document)
{
	struct document *items[] = { document };
	struct documents documents = { items, 1, 1 };
	const struct scan_context context = { .node = "pve1" };

	*document = (struct document){ .source = source, .path = path, .size = text.size };
	CHECK(bytes_duplicate(text, &document->data) == 0);
	CHECK(source->scan(source, &context, &documents, &all_set) == 0);
}

static bool starts_line(const struct document *document, size_t offset)
{
	return offset == 0 || document->data[offset - 1] == '\n';
}

static void check_span(const struct document *document, struct span span)
{
	CHECK(span.offset <= document->size && span.length <= document->size - span.offset);
}

static void check_reference(const struct document *document, const struct reference *reference,
			    size_t previous)
{
	struct bytes text = document_bytes(document), name;
	struct address_token token;

	check_span(document, reference->span);
	CHECK(reference->span.offset >= previous && reference->span.length > 0);
	CHECK(span_end(reference->span) + reference->suffix <= text.size);
	CHECK(reference->line == document_line_at(document, reference->span.offset));
	CHECK(reference->block && reference->key && reference->owner);
	CHECK(reference->certain && reference->shape == PARK_NEVER);
	name = document_text(document, reference->span);
	if (reference->kind == REFERENCE_NIC) {
		CHECK(name_set_has(&all_set, name) && reference->limited);
	} else if (reference->kind == REFERENCE_ADDRESS) {
		CHECK(address_token_next(name, 0, &token) && token.span.length == name.size);
		CHECK(pci_address_equal(&token.address, &reference->address) &&
		      token.whole_slot == reference->whole_slot);
	} else {
		size_t meant = document_first_from(document, reference->follows);

		CHECK(reference->kind == REFERENCE_GROUP && meant < document->n_references);
		CHECK(document->references[meant].kind == REFERENCE_ADDRESS &&
		      document->references[meant].span.offset == reference->follows &&
		      document->references[meant].line == reference->line);
	}
}

static void check_guest(const struct document *document)
{
	const struct guest_config *guest = document->guest;
	size_t n = 0;

	for (size_t i = 0; guest && i < guest->n_devices; i++) {
		const struct guest_device *device = &guest->devices[i];

		CHECK(device->key && device->section && device->first == n && device->n > 0);
		for (; n < device->first + device->n; n++)
			CHECK(n < document->n_references &&
			      document->references[n].line == device->line);
	}
	CHECK(!guest || n == document->n_references);
	for (size_t i = 0; i < document->n_switches; i++) {
		const struct start_switch *item = &document->switches[i];

		check_span(document, item->span);
		CHECK(item->guest && item->off);
		CHECK(item->on || bytes_equal_text(document_text(document, item->span), item->off));
	}
}

/* What a mention becomes: each another one, no two the same. */
static struct bytes changed(const struct document *document, const struct reference *reference,
			    struct address_token_name *spelling)
{
	struct bytes name = document_text(document, reference->span);
	struct pci_address address = reference->address;

	if (reference->kind == REFERENCE_GROUP)
		return bytes_of("4242");
	if (reference->kind == REFERENCE_ADDRESS) {
		address.bus ^= 0x8a;
		return bytes_of(address_token_format(name, &address, spelling));
	}
	for (size_t i = 0; i < ARRAY_SIZE(old_names); i++)
		if (bytes_equal_text(name, old_names[i]))
			return bytes_of(new_names[i]);
	return name;
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

static void check_same(const struct document *document, const struct document *other)
{
	const struct guest_config *guest = document->guest;

	CHECK(other->n_references == document->n_references &&
	      other->n_switches == document->n_switches && other->n_notes == document->n_notes);
	for (size_t i = 0; guest && i < guest->n_devices; i++) {
		const struct guest_device *was = &guest->devices[i];
		const struct guest_device *is = &other->guest->devices[i];

		CHECK(other->guest->n_devices == guest->n_devices && is->first == was->first &&
		      is->n == was->n && is->at_start == was->at_start && is->taken == was->taken &&
		      strcmp(is->key, was->key) == 0 && strcmp(is->section, was->section) == 0);
	}
}

static void check_changed(const struct document *document)
{
	size_t size, grown = 0, shrunk = 0;
	char *text = apply(document, true, &size);
	struct document other;

	scan(document->source, document->path, bytes_make(text, size), &other);
	check_same(document, &other);
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *was = &document->references[i];
		const struct reference *is = &other.references[i];
		struct address_token_name spelling;

		CHECK(is->span.offset + shrunk == was->span.offset + grown);
		CHECK(bytes_equal(document_text(&other, is->span),
				  changed(document, was, &spelling)));
		CHECK(is->kind == was->kind && is->whole_slot == was->whole_slot &&
		      is->suffix == was->suffix && strcmp(is->key, was->key) == 0 &&
		      strcmp(is->owner, was->owner) == 0 && strcmp(is->block, was->block) == 0);
		grown += is->span.length;
		shrunk += was->span.length;
	}
	document_done(&other);
	free(text);
}

static void check_switches(const struct document *document)
{
	struct edit *edits = calloc(document->n_switches + 1, sizeof(*edits));
	struct document other;
	size_t n = 0, size;
	char *text;

	CHECK(edits);
	for (size_t i = 0; i < document->n_switches; i++)
		if (document->switches[i].on)
			edits[n++] = (struct edit){
				.span = document->switches[i].span,
				.text = bytes_of(document->switches[i].off),
			};
	edits_sort(edits, n);
	CHECK(edits_apply(document_bytes(document), edits, n, &text, &size) == 0);
	scan(document->source, document->path, bytes_make(text, size), &other);
	check_same(document, &other);
	for (size_t i = 0; i < document->n_switches; i++) {
		const struct start_switch *was = &document->switches[i], *is = &other.switches[i];

		CHECK(!is->on && strcmp(is->guest, was->guest) == 0);
		/* What is put in behind a line without an end begins with that. */
		if (was->span.length > 0 || starts_line(document, was->span.offset))
			CHECK(bytes_equal_text(document_text(&other, is->span), was->off));
	}
	document_done(&other);
	free(text);
	free(edits);
}

static void check_hold(const struct document *document)
{
	const struct guest_config *guest = document->guest;
	struct edit edit = { .span = { guest->hold_at, 0 }, .text = bytes_of(guest->hold_line) };
	struct document other;
	size_t size;
	char *text;

	CHECK(guest->hold_at <= document->size && starts_line(document, guest->hold_at));
	CHECK(edits_apply(document_bytes(document), &edit, 1, &text, &size) == 0);
	scan(document->source, document->path, bytes_make(text, size), &other);
	free(text);
	check_same(document, &other);
	edit = (struct edit){ .span = other.guest->held_line };
	CHECK(bytes_equal_text(document_text(&other, edit.span), guest->hold_line));
	CHECK(edits_apply(document_bytes(&other), &edit, 1, &text, &size) == 0);
	CHECK(bytes_equal(bytes_make(text, size), document_bytes(document)));
	document_done(&other);
	free(text);
}

static void check_text(const struct source *source, const char *path, struct bytes text)
{
	struct document document;
	size_t previous = 0, size;
	char *same;

	scan(source, path, text, &document);
	for (size_t i = 0; i < document.n_references; i++) {
		check_reference(&document, &document.references[i], previous);
		previous = span_end(document.references[i].span);
	}
	check_guest(&document);
	same = apply(&document, false, &size);
	CHECK(bytes_equal(bytes_make(same, size), text));
	free(same);
	/* What could be taken for a new name must not be there yet. */
	if (text.size > 0 && !memmem(text.data, text.size, "wlq", 3))
		check_changed(&document);
	check_switches(&document);
	if (document.guest && document.guest->hold_line)
		check_hold(&document);
	document_done(&document);
}
