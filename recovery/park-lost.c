/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parked text that somebody's edit removed, put back on demand. */
#include "recovery/park.h"

#include <errno.h>

/**
 * struct heading - A line of the document that is not indented, in the order of digests
 * @below: where the next line starts
 */
struct heading {
	uint64_t digest;
	struct bytes line;
	size_t below;
};

/**
 * struct return_list - What is put back into a document
 * @headings: its lines that a lost text may have stood below
 * @edits:    one insertion for each text
 * @parked:   parallel to them: the index of the text
 */
struct return_list {
	struct meanings *meanings;
	struct document *document;
	struct heading *headings;
	size_t n_headings;
	struct edit *edits;
	size_t *parked;
	size_t n;
};

static void return_list_done(struct return_list *list)
{
	free(list->headings);
	free(list->edits);
	free(list->parked);
}

static int compare_headings(const void *a, const void *b)
{
	const struct heading *one = a, *other = b;

	return (one->digest > other->digest) - (one->digest < other->digest);
}

static int find_headings(struct return_list *list)
{
	struct bytes text = document_bytes(list->document);
	size_t allocated = 0;

	for (size_t at = 0, next; at < text.size; at = next) {
		const char *newline = memchr(text.data + at, '\n', text.size - at);
		size_t end = newline ? (size_t)(newline - text.data) : text.size;
		struct bytes line = bytes_slice(text, at, end - at);

		next = MIN_OF(end + 1, text.size);
		if (line.size == 0 || strchr(" \t\f\v\r#", line.data[0]))
			continue;
		if (ARRAY_RESERVE(list->headings, list->n_headings, allocated) < 0)
			return -ENOMEM;
		list->headings[list->n_headings++] =
			(struct heading){ bytes_digest(line, BYTES_DIGEST_SEED), line, next };
	}
	if (list->n_headings)
		qsort(list->headings, list->n_headings, sizeof(*list->headings), compare_headings);
	return 0;
}

/* Where the line below the one line that reads @wanted starts; SIZE_MAX if it is not just one. */
static size_t below_line(const struct return_list *list, struct bytes wanted)
{
	const struct heading key = { .digest = bytes_digest(wanted, BYTES_DIGEST_SEED) };
	size_t low = 0, high = list->n_headings, found = SIZE_MAX;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->headings[middle].digest < key.digest)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < list->n_headings && list->headings[low].digest == key.digest; low++) {
		if (!bytes_equal(list->headings[low].line, wanted))
			continue;
		if (found != SIZE_MAX)
			return SIZE_MAX;
		found = list->headings[low].below;
	}
	return found;
}

/* Not into the midst of another text that was put back. */
static size_t clear_of(const struct put_back *back, size_t n_back, size_t offset)
{
	size_t low = 0, high = n_back;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (back[middle].span.offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? MAX_OF(offset, span_end(back[low - 1].span)) : offset;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\\';
}

/* Where the word that a mention stands in ends. */
static size_t word_end(const char *text, size_t offset)
{
	while (text[offset] && !is_blank(text[offset]))
		offset++;
	return offset;
}

static bool is_lines(const struct parked_text *lost)
{
	return bytes_start_with(bytes_of(lost->present), bytes_of(PARK_PREFIX));
}

/*
 * Whether the words that were taken out make a line of their own with its keyword. Not an
 * assignment of the shell, of which the last one counts, nor its `for`, and not a list that a time
 * stands before (bridge_waitport).
 */
static bool can_stand_alone(const struct parked_text *lost)
{
	const char *original = lost->original;
	size_t start = strspn(original, " \t"), end = word_end(original, start);

	if (is_lines(lost))
		return true;
	if (end == start || memchr(original + start, '=', end - start) ||
	    bytes_equal_text(bytes_make(original + start, end - start), "for"))
		return false;
	end += strspn(original + end, " \t");
	return !(original[end] >= '0' && original[end] <= '9');
}

/* Where to put a lost text; SIZE_MAX if its place is gone. */
static size_t find_place(const struct return_list *list, const struct parked_text *lost,
			 const struct put_back *back, size_t n_back)
{
	struct bytes text = document_bytes(list->document);
	size_t offset = text.size;

	if (!can_stand_alone(lost))
		return SIZE_MAX;
	if (lost->inside)
		offset = below_line(list, bytes_of(lost->context));
	if (offset != SIZE_MAX)
		offset = clear_of(back, n_back, offset);
	/* A file whose last line has no end would swallow what is put behind it. */
	if (offset == text.size && text.size && text.data[text.size - 1] != '\n')
		return SIZE_MAX;
	return offset;
}

/* The whole text, as it was commented out line by line. */
static size_t compose_lines(const struct parked_text *lost, struct buffer *text,
			    struct parked_mention *mentions)
{
	buffer_append_text(text, lost->original);
	/* It was the last line of the file. */
	if (text->size > 0 && text->data[text->size - 1] != '\n')
		buffer_append_char(text, '\n');
	for (size_t i = 0; i < lost->n_mentions; i++)
		mentions[i] = lost->mentions[i];
	return lost->n_mentions;
}

/* The keyword and the words that were taken out of its list; what was left of it lives on. */
static size_t compose_words(const struct parked_text *lost, struct buffer *text,
			    struct parked_mention *mentions)
{
	const char *original = lost->original;
	size_t size = strlen(original), key = strspn(original, " \t"), n = 0;

	buffer_append(text, bytes_make(original, word_end(original, key)));
	for (size_t i = 0; i < lost->n_mentions; i++) {
		const struct parked_mention *mention = &lost->mentions[i];
		size_t end = word_end(original, mention->offset);

		if (!mention->parked)
			continue;
		buffer_append_char(text, ' ');
		mentions[n] = *mention;
		mentions[n++].offset = text->size;
		buffer_append(text, bytes_make(original + mention->offset, end - mention->offset));
	}
	buffer_append_text(text, size > 1 && original[size - 2] == '\r' ? "\r\n" : "\n");
	return n;
}

/* A parked text of its own for what is put back: nothing of it stands in the file. */
static int add_text(struct meanings *meanings, size_t lost_index, size_t *ret_index)
{
	const struct parked_text *lost = &meanings->parked[lost_index];
	_cleanup_free_ struct parked_mention *mentions =
		calloc(lost->n_mentions + 1, sizeof(*mentions));
	struct buffer text = { 0 };
	struct parked_text *added;
	size_t n;

	if (!mentions)
		return -ENOMEM;
	n = is_lines(lost) ? compose_lines(lost, &text, mentions)
			   : compose_words(lost, &text, mentions);

	/* Moves the array @lost is in. */
	added = text.failed ? NULL : meanings_add_parked(meanings, n);
	if (added) {
		lost = &meanings->parked[lost_index];
		added->path = lost->path;
		added->context = lost->context;
		added->inside = lost->inside;
		added->present = "";
		added->original = arena_copy(&meanings->arena, buffer_bytes(&text));
		if (n)
			memcpy(added->mentions, mentions, n * sizeof(*mentions));
	}
	buffer_done(&text);
	if (!added || !added->original)
		return -ENOMEM;
	*ret_index = meanings->n_parked - 1;
	return 0;
}

/* Finds the place and the text of everything that can be put back. */
static int collect(struct return_list *list, const struct put_back *back, size_t n_back)
{
	struct meanings *meanings = list->meanings;
	size_t n_parked = meanings->n_parked;
	int r = 0;

	list->edits = calloc(n_parked + 1, sizeof(*list->edits));
	list->parked = calloc(n_parked + 1, sizeof(*list->parked));
	if (!list->edits || !list->parked)
		return -ENOMEM;
	for (size_t i = 0; i < n_parked && r == 0; i++) {
		const struct parked_text *lost = &meanings->parked[i];
		size_t offset;

		if (!lost->lost || strcmp(lost->path, list->document->path) != 0)
			continue;
		offset = find_place(list, lost, back, n_back);
		if (offset == SIZE_MAX)
			continue;
		r = add_text(meanings, i, &list->parked[list->n]);
		if (r < 0)
			break;
		meanings->parked[i].lost = false;
		list->edits[list->n].span = (struct span){ offset, 0 };
		list->edits[list->n].text =
			bytes_of(meanings->parked[list->parked[list->n]].original);
		list->n++;
	}
	/* Each edit's @order leads to its text. */
	edits_sort(list->edits, list->n);
	return r;
}

/* What was put back before and what is now, by place in the document as it will be. */
static int merge_back(const struct return_list *list, struct put_back **back, size_t *n_back)
{
	struct put_back *merged = calloc(*n_back + list->n + 1, sizeof(*merged));
	size_t i = 0, j = 0, grown = 0;

	if (!merged)
		return -ENOMEM;
	while (i < *n_back || j < list->n) {
		const struct edit *edit = j < list->n ? &list->edits[j] : NULL;
		struct put_back *next = &merged[i + j];

		if (edit && (i == *n_back || edit->span.offset <= (*back)[i].span.offset)) {
			*next = (struct put_back){ list->parked[edit->order],
						   { edit->span.offset + grown, edit->text.size } };
			grown += edit->text.size;
			j++;
		} else {
			*next = (*back)[i++];
			next->span.offset += grown;
		}
	}
	free(*back);
	*back = merged;
	*n_back += list->n;
	return 0;
}

/* Opens the gaps in the document; the file on disk is kept as it is. */
static int insert_texts(const struct return_list *list)
{
	struct document *document = list->document;
	char *data;
	size_t size;
	int r;

	r = edits_apply(document_bytes(document), list->edits, list->n, &data, &size);
	if (r < 0)
		return r;
	if (document->disk) {
		free(document->data);
	} else {
		document->disk = document->data;
		document->disk_size = document->size;
	}
	document->data = data;
	document->size = size;
	return 0;
}

int park_undo_lost(struct meanings *meanings, struct document *document, struct put_back **ret_back,
		   size_t *ret_n)
{
	_cleanup_(return_list_done) struct return_list list = { .meanings = meanings,
								.document = document };
	int r;

	r = find_headings(&list);
	if (r == 0)
		r = collect(&list, *ret_back, *ret_n);
	if (r < 0 || list.n == 0)
		return r;
	r = insert_texts(&list);
	return r < 0 ? r : merge_back(&list, ret_back, ret_n);
}
