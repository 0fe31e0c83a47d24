/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * interfaces(5) in all dialects. The first byte chooses one, the rest is the file.
 *
 * Nothing changed gives the same bytes; a change of names changes their spans and nothing else, is
 * found again where it was made, and is accepted if the file was; so is the file with mentions put
 * out of force.
 */
#include "recovery/park.h"
#include "recovery/sources/interfaces.h"

#define CHECK(condition)                  \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

/* The names to find, and what each becomes; longer, shorter, and never a part of another word. */
static const char *const old_names[] = { "enp5s0", "enp6s0", "enp6s0f1", "eth0", "fab0" };
static const char *const new_names[] = { "wlq10s0", "wlq6s0", "wlq11s0f1", "wlqx", "wlqy12345" };
static const char *const all_names[] = {
	"enp5s0",  "enp6s0",    "enp6s0f1", "eth0", "fab0",
	"wlq10s0", "wlq11s0f1", "wlq6s0",   "wlqx", "wlqy12345",
};

static const struct name_set old_set = { old_names, ARRAY_SIZE(old_names) };
static const struct name_set all_set = { all_names, ARRAY_SIZE(all_names) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void scan(enum interfaces_dialect dialect, struct bytes text, const struct name_set *names,
		 struct document *document)
{
	*document = (struct document){ .path = "/etc/network/interfaces", .size = text.size };
	CHECK(bytes_duplicate(text, &document->data) == 0);
	CHECK(interfaces_scan_text(dialect, document, names) == 0);
}

static bool is_inside(struct span inner, struct span outer)
{
	return inner.offset >= outer.offset && span_end(inner) <= span_end(outer);
}

/* What has to be true of any mention. */
static void check_reference(const struct document *document, const struct reference *reference,
			    size_t previous)
{
	struct bytes text = document_bytes(document);
	size_t end = span_end(reference->extent);

	CHECK(reference->span.offset >= previous);
	CHECK(span_end(reference->span) + reference->suffix <= text.size);
	CHECK(name_set_has(&all_set, document_text(document, reference->span)));
	CHECK(reference->line == document_line_at(document, reference->span.offset));
	CHECK(reference->block && reference->key);

	if (reference->shape == PARK_NEVER)
		return;
	CHECK(end <= text.size && is_inside(reference->span, reference->extent));
	CHECK(reference->extent.offset == 0 || text.data[reference->extent.offset - 1] == '\n');
	CHECK(end == text.size || text.data[end - 1] == '\n');
	if (reference->shape == PARK_WORD)
		CHECK(is_inside(reference->span, reference->list) &&
		      is_inside(reference->list, reference->extent));
}

static const char *new_name(struct bytes name)
{
	for (size_t i = 0; i < ARRAY_SIZE(old_names); i++)
		if (bytes_equal_text(name, old_names[i]))
			return new_names[i];
	return NULL;
}

/* The document with its certain mentions renamed, or replaced by themselves. */
static char *apply(const struct document *document, bool rename, size_t *ret_size)
{
	struct edit *edits = calloc(document->n_references + 1, sizeof(*edits));
	size_t n_edits = 0;
	char *text;

	CHECK(edits);
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *reference = &document->references[i];
		struct bytes name = document_text(document, reference->span);

		if (!reference->certain)
			continue;
		edits[n_edits].span = reference->span;
		edits[n_edits++].text = rename ? bytes_of(new_name(name)) : name;
	}
	CHECK(edits_apply(document_bytes(document), edits, n_edits, &text, ret_size) == 0);
	free(edits);
	return text;
}

static void check_renamed(enum interfaces_dialect dialect, const struct document *document)
{
	struct document renamed;
	size_t size, grown = 0, shrunk = 0;
	char *text = apply(document, true, &size);

	scan(dialect, bytes_make(text, size), &all_set, &renamed);
	CHECK(renamed.n_references == document->n_references);
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *old = &document->references[i];
		const struct reference *new = &renamed.references[i];
		struct bytes name = document_text(document, old->span);

		if (old->certain)
			name = bytes_of(new_name(name));
		CHECK(new->span.offset + shrunk == old->span.offset + grown);
		CHECK(bytes_equal(document_text(&renamed, new->span), name));
		CHECK(new->suffix == old->suffix &&new->certain == old->certain);
		CHECK(strcmp(new->key, old->key) == 0 && new->shape == old->shape);
		grown += new->span.length;
		shrunk += old->span.length;
	}
	if (interfaces_check_text(dialect, document_bytes(document), "old", NULL) == 0)
		CHECK(interfaces_check_text(dialect, document_bytes(&renamed), "new", NULL) == 0);
	document_done(&renamed);
	free(text);
}

/* Puts every mention of one name out of force. */
static void check_parked(enum interfaces_dialect dialect, const struct document *document,
			 const char *name)
{
	struct treatment *treatments = calloc(document->n_references + 1, sizeof(*treatments));
	struct bytes text = document_bytes(document);
	struct rendered rendered;
	bool known;

	CHECK(treatments);
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *reference = &document->references[i];

		treatments[i].park =
			reference->certain && reference->shape != PARK_NEVER &&
			bytes_equal_text(document_text(document, reference->span), name);
	}
	CHECK(park_render(document, treatments, &rendered) == 0);
	/*
	 * With a '%' it may be a template, of which nothing is known. An heir goes with the stanza
	 * it inherits from, but what inherits from the heir does not, and is rejected then.
	 */
	known = !memchr(text.data, '%', text.size) && !memmem(text.data, text.size, "inherits", 8);
	if (known && interfaces_check_text(dialect, text, "old", NULL) == 0)
		CHECK(interfaces_check_text(dialect, bytes_make(rendered.text, rendered.size),
					    "new", NULL) == 0);
	rendered_done(&rendered);
	free(treatments);
}

/*
 * Whether lengths decide what the text means: ifupdown cuts words, ifupdown-ng lines. A new name of
 * another length then makes it something else.
 */
static bool has_long_words(struct bytes text)
{
	size_t word = 0;

	for (size_t i = 0; i < text.size; i++) {
		word = text.data[i] > ' ' || text.data[i] < 0 ? word + 1 : 0;
		if (word > 60)
			return true;
	}
	return text.size > 3000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document document;
	struct bytes text;
	size_t previous = 0;
	char *same;

	if (size == 0)
		return 0;
	text = bytes_make((const char *)data + 1, size - 1);
	scan((enum interfaces_dialect)(data[0] % _DIALECT_MAX), text, &old_set, &document);
	for (size_t i = 0; i < document.n_references; i++) {
		check_reference(&document, &document.references[i], previous);
		previous = span_end(document.references[i].span);
	}
	same = apply(&document, false, &size);
	CHECK(bytes_equal(bytes_make(same, size), text));
	free(same);

	/* What could be taken for a new name must not be there yet. */
	if (!has_long_words(text) && !(text.size > 0 && memmem(text.data, text.size, "wlq", 3))) {
		enum interfaces_dialect dialect = (enum interfaces_dialect)(data[0] % _DIALECT_MAX);

		check_renamed(dialect, &document);
		for (size_t i = 0; i < ARRAY_SIZE(old_names); i++)
			check_parked(dialect, &document, old_names[i]);
	}
	document_done(&document);
	return 0;
}
