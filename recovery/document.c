/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/document.h"

#include <errno.h>

#include "recovery/guest.h"
#include "recovery/source.h"
#include "snapshot/inventory.h"

void document_done(struct document *document)
{
	if (!document)
		return;
	free(document->data);
	free(document->disk);
	file_attributes_done(&document->attributes);
	guest_config_free(document->guest);
	free(document->switches);
	free(document->references);
	free(document->ids);
	free(document->line_digests);
	free(document->notes);
	arena_done(&document->arena);
	*document = (struct document){ 0 };
}

void document_clear_scan(struct document *document)
{
	document->rejected = NULL;
	guest_config_free(document->guest);
	document->guest = NULL;
	document->n_switches = 0;
	document->n_references = 0;
	document->n_ids = 0;
	document->n_line_digests = 0;
	document->n_notes = 0;
}

struct reference *document_add_reference(struct document *document)
{
	struct reference *reference;

	if (ARRAY_RESERVE(document->references, document->n_references,
			  document->references_allocated) < 0)
		return NULL;
	reference = &document->references[document->n_references++];
	*reference = (struct reference){ 0 };
	return reference;
}

struct id_entry *document_add_ids(struct document *document)
{
	struct id_entry *entry;

	if (ARRAY_RESERVE(document->ids, document->n_ids, document->ids_allocated) < 0)
		return NULL;
	entry = &document->ids[document->n_ids++];
	*entry = (struct id_entry){
		.vendor = UNKNOWN,
		.device = UNKNOWN,
		.subsystem_vendor = UNKNOWN,
		.subsystem_device = UNKNOWN,
	};
	return entry;
}

int document_add_note(struct document *document, unsigned int line, const char *format, ...)
{
	struct buffer text = { 0 };
	const char *note = NULL;
	va_list arguments;

	if (ARRAY_RESERVE(document->notes, document->n_notes, document->notes_allocated) < 0)
		return -ENOMEM;
	buffer_appendf(&text, "%u: ", line);
	va_start(arguments, format);
	buffer_appendv(&text, format, arguments);
	va_end(arguments);
	if (!text.failed)
		note = arena_copy(&document->arena, buffer_bytes(&text));
	buffer_done(&text);
	if (!note)
		return -ENOMEM;
	document->notes[document->n_notes++] = note;
	return 0;
}

int document_add_line_digest(struct document *document, uint64_t digest)
{
	if (ARRAY_RESERVE(document->line_digests, document->n_line_digests,
			  document->line_digests_allocated) < 0)
		return -ENOMEM;
	document->line_digests[document->n_line_digests++] = digest;
	return 0;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_references(const void *a, const void *b)
{
	const struct reference *left = a, *right = b;
	int order = compare_numbers(left->span.offset, right->span.offset);

	return order != 0 ? order : compare_numbers(left->span.length, right->span.length);
}

static int compare_digests(const void *a, const void *b)
{
	return compare_numbers(*(const uint64_t *)a, *(const uint64_t *)b);
}

void document_finish(struct document *document)
{
	if (document->n_references > 1)
		qsort(document->references, document->n_references, sizeof(*document->references),
		      compare_references);
	if (document->n_line_digests > 1)
		qsort(document->line_digests, document->n_line_digests,
		      sizeof(*document->line_digests), compare_digests);
}

size_t document_first_from(const struct document *document, size_t offset)
{
	size_t low = 0, high = document->n_references;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (document->references[middle].span.offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

unsigned int document_line_at(const struct document *document, size_t offset)
{
	size_t end = MIN_OF(offset, document->size);
	unsigned int line = 1;

	for (size_t at = 0; at < end; line++) {
		const char *newline = memchr(document->data + at, '\n', end - at);

		if (!newline)
			break;
		at = (size_t)(newline - document->data) + 1;
	}
	return line;
}

void documents_done(struct documents *documents)
{
	if (!documents)
		return;
	for (size_t i = 0; i < documents->n_items; i++) {
		document_done(documents->items[i]);
		free(documents->items[i]);
	}
	free(documents->items);
	*documents = (struct documents){ 0 };
}

struct document *documents_add(struct documents *documents, const char *path)
{
	struct document *document;

	if (ARRAY_RESERVE(documents->items, documents->n_items, documents->allocated) < 0)
		return NULL;
	document = calloc(1, sizeof(*document));
	if (!document)
		return NULL;
	document->path = arena_copy_text(&document->arena, path);
	if (!document->path) {
		document_done(document);
		free(document);
		return NULL;
	}
	documents->items[documents->n_items++] = document;
	return document;
}

struct document *documents_find(const struct documents *documents, const char *path)
{
	for (size_t i = 0; i < documents->n_items; i++)
		if (strcmp(documents->items[i]->path, path) == 0)
			return documents->items[i];
	return NULL;
}

bool name_set_has(const struct name_set *set, struct bytes name)
{
	size_t low = 0, high = set->n_names;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = bytes_compare(name, bytes_of(set->names[middle]));

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static int check_edits(struct bytes document, const struct edit *edits, size_t n_edits)
{
	size_t done = 0;

	for (size_t i = 0; i < n_edits; i++) {
		const struct span *span = &edits[i].span;

		if (span->offset < done || span->offset > document.size ||
		    span->length > document.size - span->offset)
			return -EINVAL;
		done = span_end(*span);
	}
	return 0;
}

/* Adds the bytes between two edits; an empty document has no bytes to point at. */
static void append_between(struct buffer *text, struct bytes document, size_t start, size_t end)
{
	if (end > start)
		buffer_append(text, bytes_slice(document, start, end - start));
}

int edits_apply(struct bytes document, const struct edit *edits, size_t n_edits, char **ret_text,
		size_t *ret_size)
{
	struct buffer text = { 0 };
	size_t done = 0;
	int r;

	r = check_edits(document, edits, n_edits);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n_edits; i++) {
		append_between(&text, document, done, edits[i].span.offset);
		buffer_append(&text, edits[i].text);
		done = span_end(edits[i].span);
	}
	append_between(&text, document, done, document.size);
	r = buffer_finish(&text, ret_text, ret_size);
	if (r < 0)
		buffer_done(&text);
	return r;
}

/* An insertion comes before a replacement that begins at the same place; after it, it would stand
 * inside. */
static int compare_edits(const void *a, const void *b)
{
	const struct edit *left = a, *right = b;
	int order = compare_numbers(left->span.offset, right->span.offset);

	if (order == 0)
		order = (left->span.length > 0) - (right->span.length > 0);
	return order != 0 ? order : compare_numbers(left->order, right->order);
}

void edits_sort(struct edit *edits, size_t n_edits)
{
	/* qsort(3) keeps no order of equals. */
	for (size_t i = 0; i < n_edits; i++)
		edits[i].order = i;
	if (n_edits > 1)
		qsort(edits, n_edits, sizeof(*edits), compare_edits);
}
