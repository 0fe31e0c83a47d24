/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/park.h"

#include <errno.h>

/* Stands behind the backslash of a continued line that is commented out: a comment that ends in a
 * backslash swallows the next line (ifupdown2). */
#define CONTINUED " (continued)"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\f' || c == '\v' || c == '\r';
}

/* Where the line that @offset is on starts, and where the next one does. */
static size_t line_start(struct bytes text, size_t offset)
{
	while (offset > 0 && text.data[offset - 1] != '\n')
		offset--;
	return offset;
}

static size_t next_line(struct bytes text, size_t offset)
{
	const char *newline =
		offset < text.size ? memchr(text.data + offset, '\n', text.size - offset) : NULL;

	return newline ? (size_t)(newline - text.data) + 1 : text.size;
}

/* Whether a line heads the lines below it: it is not indented, blank or a comment. */
static bool is_heading(struct bytes line)
{
	return line.size > 0 && !is_blank(line.data[0]) && line.data[0] != '#';
}

struct bytes park_context(struct bytes text, size_t offset)
{
	size_t start = line_start(text, offset);

	while (start > 0) {
		size_t end = start - 1;

		start = line_start(text, end);
		if (is_heading(bytes_slice(text, start, end - start)))
			return bytes_slice(text, start, end - start);
	}
	return BYTES_NONE;
}

/* How it is known that a text stands where it was found, surest first. */
enum proof {
	PROOF_CONTEXT,  /* once below the line it stood below */
	PROOF_HEAD,     /* once below one that starts with the same two words */
	PROOF_ONLY_ONE, /* once in the file */
	_PROOF_MAX,
	PROOF_UNTOUCHED = -1, /* nobody changed the file */
};

/**
 * struct place - Where a line starts
 * @line:  digest of the line
 * @above: digest of what it has to stand below for a proof
 */
struct place {
	uint64_t line;
	uint64_t above;
	size_t offset;
};

/**
 * struct places - The lines of a file, for each proof sorted as they are looked up
 */
struct places {
	struct bytes text;
	struct place *lines[_PROOF_MAX];
	size_t n_lines;
};

static void places_done(struct places *places)
{
	for (int i = 0; i < _PROOF_MAX; i++)
		free(places->lines[i]);
}

static uint64_t digest_above(struct bytes context, enum proof proof)
{
	size_t end = 0;

	if (proof == PROOF_ONLY_ONE)
		return 0;
	if (proof == PROOF_CONTEXT)
		return bytes_digest(context, BYTES_DIGEST_SEED);
	for (int words = 0; words < 2; words++) {
		while (end < context.size && is_blank(context.data[end]))
			end++;
		while (end < context.size && !is_blank(context.data[end]))
			end++;
	}
	return bytes_digest(bytes_make(context.data, end), BYTES_DIGEST_SEED);
}

static struct bytes line_at(struct bytes text, size_t offset)
{
	size_t end = next_line(text, offset);

	if (end > offset && text.data[end - 1] == '\n')
		end--;
	return bytes_slice(text, offset, end - offset);
}

static int compare_places(const void *a, const void *b)
{
	const struct place *one = a, *other = b;

	if (one->line != other->line)
		return one->line < other->line ? -1 : 1;
	return (one->above > other->above) - (one->above < other->above);
}

static int places_find(struct bytes text, struct places *ret_places)
{
	struct places places = { .text = text };
	uint64_t above[_PROOF_MAX];
	size_t n = 0;

	for (size_t at = 0; at < text.size; at = next_line(text, at))
		n++;
	for (int i = 0; i < _PROOF_MAX; i++) {
		places.lines[i] = calloc(n + 1, sizeof(*places.lines[i]));
		if (!places.lines[i]) {
			places_done(&places);
			return -ENOMEM;
		}
		above[i] = digest_above(BYTES_NONE, (enum proof)i);
	}
	for (size_t at = 0; at < text.size; at = next_line(text, at), places.n_lines++) {
		struct bytes line = line_at(text, at);
		uint64_t digest = bytes_digest(line, BYTES_DIGEST_SEED);

		for (int i = 0; i < _PROOF_MAX; i++) {
			places.lines[i][places.n_lines] = (struct place){ digest, above[i], at };
			if (is_heading(line))
				above[i] = digest_above(line, (enum proof)i);
		}
	}
	for (int i = 0; i < _PROOF_MAX; i++)
		qsort(places.lines[i], n, sizeof(*places.lines[i]), compare_places);
	*ret_places = places;
	return 0;
}

/* Whether @present stands at @offset as whole lines. */
static bool stands_at(struct bytes text, size_t offset, struct bytes present)
{
	size_t end;

	if (offset > text.size || present.size > text.size - offset)
		return false;
	if (offset > 0 && text.data[offset - 1] != '\n')
		return false;
	/* The last line of a file may have got a newline, and others behind it, since. */
	end = offset + present.size;
	if (present.size > 0 && present.data[present.size - 1] != '\n' && end < text.size &&
	    text.data[end] != '\n')
		return false;
	return bytes_equal(bytes_slice(text, offset, present.size), present);
}

/* How often a text stands where a proof wants it; more than once is as good as any number. */
static unsigned int count_places(const struct places *places, enum proof proof,
				 const struct parked_text *parked, size_t *ret_offset)
{
	struct bytes present = bytes_of(parked->present);
	const struct place wanted = {
		bytes_digest(line_at(present, 0), BYTES_DIGEST_SEED),
		digest_above(bytes_of(parked->context), proof),
		0,
	};
	const struct place *lines = places->lines[proof];
	size_t low = 0, high = places->n_lines;
	unsigned int n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_places(&lines[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < places->n_lines && n < 2 && compare_places(&lines[low], &wanted) == 0; low++) {
		if (!stands_at(places->text, lines[low].offset, present))
			continue;
		*ret_offset = lines[low].offset;
		n++;
	}
	return n;
}

/**
 * find_parked() - The place of a parked text in a file that somebody edited
 *
 * A list without some words is no text of ours alone: what reads the same in another stanza
 * belongs there.
 */
static bool find_parked(const struct places *places, const struct parked_text *parked,
			size_t *ret_offset, enum proof *ret_proof)
{
	bool marked = bytes_start_with(bytes_of(parked->present), bytes_of(PARK_PREFIX));

	for (int i = 0; i < _PROOF_MAX && *parked->present; i++) {
		if (i == PROOF_ONLY_ONE && parked->inside && !marked)
			continue;
		*ret_proof = (enum proof)i;
		if (count_places(places, *ret_proof, parked, ret_offset) == 1)
			return true;
	}
	return false;
}

/*
 * The line that switches a script off is ours whatever became of the one behind it: that one is
 * somebody's edit then, and only ours is put back.
 */
static bool find_switch(const struct places *places, struct parked_text *parked, size_t *ret_offset,
			enum proof *ret_proof)
{
	if (!park_switches_off(parked) || parked->n_mentions > 0)
		return false;
	parked->present = PARK_EXIT_LINE;
	parked->original = "";
	*ret_proof = PROOF_ONLY_ONE;
	return count_places(places, PROOF_ONLY_ONE, parked, ret_offset) == 1;
}

/**
 * struct claim - A parked text and its place on disk
 */
struct claim {
	struct put_back back;
	enum proof proof;
};

static int compare_claims(const void *a, const void *b)
{
	const struct claim *one = a, *other = b;
	size_t left = one->back.span.offset, right = other->back.span.offset;

	return left != right ? (left > right) - (left < right)
			     : (int)one->proof - (int)other->proof;
}

/* After edits two texts may claim one place: the one that is surer of it keeps it. */
static size_t settle_claims(struct meanings *meanings, struct claim *claims, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(claims, n, sizeof(*claims), compare_claims);
	for (size_t i = 0; i < n; i++) {
		struct claim *last = kept > 0 ? &claims[kept - 1] : NULL;

		if (!last || claims[i].back.span.offset >= span_end(last->back.span)) {
			claims[kept++] = claims[i];
			continue;
		}
		if (claims[i].proof < last->proof) {
			meanings->parked[last->back.parked].lost = true;
			*last = claims[i];
		} else {
			meanings->parked[claims[i].back.parked].lost = true;
		}
	}
	return kept;
}

/* Finds the place of each text that is parked in the document and not lost. */
static int claim_places(struct meanings *meanings, const struct document *document,
			struct claim *claims, size_t *ret_n)
{
	const struct seen_file *seen = meanings_find_file(meanings, document->path);
	struct bytes disk = document_bytes(document);
	bool untouched = seen && seen->digest == bytes_digest(disk, BYTES_DIGEST_SEED);
	_cleanup_(places_done) struct places places = { 0 };
	size_t n = 0;
	int r;

	for (size_t i = 0; i < meanings->n_parked; i++) {
		struct parked_text *parked = &meanings->parked[i];
		size_t offset = parked->offset;
		enum proof proof = PROOF_UNTOUCHED;

		if (strcmp(parked->path, document->path) != 0 || parked->lost || parked->source)
			continue;
		if (!untouched || !stands_at(disk, offset, bytes_of(parked->present))) {
			if (!places.lines[0]) {
				r = places_find(disk, &places);
				if (r < 0)
					return r;
			}
			if (!find_parked(&places, parked, &offset, &proof) &&
			    !find_switch(&places, parked, &offset, &proof)) {
				parked->lost = true;
				continue;
			}
		}
		claims[n++] = (struct claim){ { i, { offset, strlen(parked->present) } }, proof };
	}
	*ret_n = n;
	return 0;
}

/* Where on disk the parked texts of a document stand, sorted, disjoint. */
static int locate_all(struct meanings *meanings, const struct document *document,
		      struct put_back **ret_back, size_t *ret_n)
{
	_cleanup_free_ struct claim *claims = calloc(meanings->n_parked + 1, sizeof(*claims));
	struct put_back *back;
	size_t n = 0;
	int r;

	if (!claims)
		return -ENOMEM;
	r = claim_places(meanings, document, claims, &n);
	if (r < 0)
		return r;
	n = settle_claims(meanings, claims, n);
	back = calloc(n + 1, sizeof(*back));
	if (!back)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		back[i] = claims[i].back;
	*ret_back = back;
	*ret_n = n;
	return 0;
}

int park_undo(struct meanings *meanings, struct document *document, struct put_back **ret_back,
	      size_t *ret_n)
{
	_cleanup_free_ struct put_back *back = NULL;
	struct buffer text = { 0 };
	size_t n = 0, copied = 0, size;
	struct bytes disk = document_bytes(document);
	char *data;
	int r;

	r = locate_all(meanings, document, &back, &n);
	if (r < 0)
		return r;
	if (n > 0) {
		for (size_t i = 0; i < n; i++) {
			struct bytes original = bytes_of(meanings->parked[back[i].parked].original);
			size_t end = span_end(back[i].span);

			buffer_append(&text,
				      bytes_slice(disk, copied, back[i].span.offset - copied));
			back[i].span = (struct span){ text.size, original.size };
			buffer_append(&text, original);
			copied = end;
		}
		buffer_append(&text, bytes_slice(disk, copied, disk.size - copied));
		r = buffer_finish(&text, &data, &size);
		if (r < 0) {
			buffer_done(&text);
			return r;
		}
		document->disk = document->data;
		document->disk_size = document->size;
		document->data = data;
		document->size = size;
	}
	*ret_back = TAKE_PTR(back);
	*ret_n = n;
	return 0;
}

int park_undo_removal(const struct meanings *meanings, size_t parked, struct document *document,
		      struct put_back **ret_back, size_t *ret_n)
{
	const struct parked_text *text = &meanings->parked[parked];
	_cleanup_free_ struct put_back *back = calloc(1, sizeof(*back));
	int r;

	if (!back)
		return -ENOMEM;
	document->absent = true;
	r = bytes_duplicate(bytes_of(""), &document->disk);
	if (r == 0)
		r = bytes_duplicate(bytes_of(text->original), &document->data);
	if (r == 0)
		r = file_attributes_copy(&text->attributes, &document->attributes);
	if (r < 0)
		return r;
	document->size = strlen(text->original);
	*back = (struct put_back){ parked, { 0, document->size } };
	*ret_back = TAKE_PTR(back);
	*ret_n = 1;
	return 0;
}

void rendered_done(struct rendered *rendered)
{
	if (!rendered)
		return;
	free(rendered->text);
	free(rendered->plain);
	free(rendered->parked);
	free(rendered->out_of_force);
	free(rendered->plain_offset);
	free(rendered->path);
	free(rendered->edits);
	free(rendered->touches);
	free(rendered->turned_off);
	arena_done(&rendered->arena);
	*rendered = (struct rendered){ 0 };
}

/**
 * struct sheet - A rendering under way
 * @edits:  what makes the file out of the document
 * @plain:  the renames among them
 * @hidden: whole lines that are commented out, sorted, disjoint
 * @taken:  words taken out of lists, with blanks around them; sorted and disjoint when renaming
 * @shown:  whole lines in which something is parked
 */
struct sheet {
	const struct document *document;
	const struct treatment *treatments;
	struct edit *edits;
	size_t n_edits;
	size_t edits_allocated;
	struct edit *plain;
	size_t n_plain;
	size_t plain_allocated;
	struct span *hidden;
	size_t n_hidden;
	size_t hidden_allocated;
	struct span *taken;
	size_t n_taken;
	size_t taken_allocated;
	struct span *shown;
	size_t n_shown;
	size_t shown_allocated;
};

static void sheet_done(struct sheet *sheet)
{
	free(sheet->edits);
	free(sheet->plain);
	free(sheet->hidden);
	free(sheet->taken);
	free(sheet->shown);
}

static int add_edit(struct edit **edits, size_t *n, size_t *allocated, struct span span,
		    struct bytes text)
{
	int r = array_reserve(edits, *n, allocated, sizeof(**edits));

	if (r < 0)
		return r;
	(*edits)[(*n)++] = (struct edit){ span, text };
	return 0;
}

static int add_span(struct span **spans, size_t *n, size_t *allocated, struct span span)
{
	int r = array_reserve(spans, *n, allocated, sizeof(**spans));

	if (r < 0)
		return r;
	(*spans)[(*n)++] = span;
	return 0;
}

static int compare_spans(const void *a, const void *b)
{
	const struct span *one = a, *other = b;

	return (one->offset > other->offset) - (one->offset < other->offset);
}

/* Sorts, and makes one of those that overlap. */
static size_t merge_spans(struct span *spans, size_t n)
{
	size_t merged = 0;

	if (n == 0)
		return 0;
	qsort(spans, n, sizeof(*spans), compare_spans);
	for (size_t i = 1; i < n; i++) {
		struct span *last = &spans[merged];

		if (spans[i].offset < span_end(*last))
			last->length = MAX_OF(span_end(*last), span_end(spans[i])) - last->offset;
		else
			spans[++merged] = spans[i];
	}
	return merged + 1;
}

static bool spans_cover(const struct span *spans, size_t n, size_t offset)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (span_end(spans[middle]) <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && spans[low].offset <= offset;
}

static bool is_hidden(const struct sheet *sheet, size_t offset)
{
	return spans_cover(sheet->hidden, sheet->n_hidden, offset);
}

/* Also true for what stands in the same word as something that is parked. */
static bool is_out_of_force(const struct sheet *sheet, size_t offset)
{
	return is_hidden(sheet, offset) || spans_cover(sheet->taken, sheet->n_taken, offset);
}

/* The whole physical lines that a span touches. */
static struct span whole_lines(struct bytes text, struct span span)
{
	size_t start = line_start(text, span.offset);
	size_t end = span.length ? next_line(text, span_end(span) - 1)
				 : next_line(text, span.offset);

	return (struct span){ start, end - start };
}

/* Whether what stands at @at is a backslash that continues the line; to ifupdown2 also one with
 * blanks behind it. */
static bool is_continuation(struct bytes text, struct span list, size_t at)
{
	size_t end = span_end(list);

	if (text.data[at] != '\\')
		return false;
	do
		at++;
	while (at < end && is_blank(text.data[at]));
	return at < end && text.data[at] == '\n';
}

static bool separates_words(struct bytes text, struct span list, size_t at)
{
	return is_blank(text.data[at]) || text.data[at] == '\n' || is_continuation(text, list, at);
}

/* The next word of a list: between blanks, line ends and the backslashes that continue a line. */
static bool next_word(struct bytes text, struct span list, size_t from, struct span *ret_word)
{
	size_t end = span_end(list), start = from;

	while (start < end && separates_words(text, list, start))
		start++;
	if (start >= end)
		return false;
	from = start;
	while (from < end && !separates_words(text, list, from))
		from++;
	*ret_word = (struct span){ start, from - start };
	return true;
}

/* Whether a reference is the first one of its list. */
static bool starts_list(const struct document *document, size_t index)
{
	const struct reference *reference = &document->references[index];

	return reference->shape == PARK_WORD &&
	       (index == 0 || document->references[index - 1].span.offset < reference->list.offset);
}

/**
 * word_is_parked() - Whether a reference that stands in the word is to be parked
 * @cursor: first reference that may stand in it; moved past it, as words come in order
 */
static bool word_is_parked(const struct sheet *sheet, size_t *cursor, struct span word)
{
	const struct document *document = sheet->document;
	bool parked = false;

	for (; *cursor < document->n_references; (*cursor)++) {
		size_t offset = document->references[*cursor].span.offset;

		if (offset >= span_end(word))
			break;
		if (offset >= word.offset && sheet->treatments[*cursor].park)
			parked = true;
	}
	return parked;
}

/* How many words of the list that reference @first starts are to be parked, and how many stay. */
static void count_words(const struct sheet *sheet, size_t first, size_t *ret_parked,
			size_t *ret_kept)
{
	struct bytes text = document_bytes(sheet->document);
	struct span list = sheet->document->references[first].list, word;
	size_t cursor = first;

	*ret_parked = *ret_kept = 0;
	for (size_t at = list.offset; next_word(text, list, at, &word); at = span_end(word)) {
		if (word_is_parked(sheet, &cursor, word))
			++*ret_parked;
		else
			++*ret_kept;
	}
}

static int take_out(struct sheet *sheet, size_t from, size_t to)
{
	int r = add_span(&sheet->taken, &sheet->n_taken, &sheet->taken_allocated,
			 (struct span){ from, to - from });

	if (r < 0)
		return r;
	return add_edit(&sheet->edits, &sheet->n_edits, &sheet->edits_allocated,
			(struct span){ from, to - from }, BYTES_NONE);
}

/* Takes the parked words out of a list, each with the blanks that join it to its neighbour. */
static int take_words_out(struct sheet *sheet, size_t first)
{
	struct bytes text = document_bytes(sheet->document);
	struct span list = sheet->document->references[first].list, word;
	size_t left = list.offset, cursor = first;
	bool kept_one = false;
	int r = 0;

	for (size_t at = list.offset; r == 0 && next_word(text, list, at, &word);
	     at = span_end(word)) {
		bool parked = word_is_parked(sheet, &cursor, word);

		if (!parked && !kept_one && word.offset > list.offset)
			r = take_out(sheet, list.offset, word.offset);
		else if (parked && kept_one)
			r = take_out(sheet, left, span_end(word));
		if (!parked)
			kept_one = true;
		left = span_end(word);
	}
	return r;
}

/* Collects the lines that have to be commented out as a whole. */
static int collect_hidden(struct sheet *sheet)
{
	const struct document *document = sheet->document;
	struct bytes text = document_bytes(document);
	int r = 0;

	for (size_t i = 0; i < document->n_references && r == 0; i++) {
		const struct reference *reference = &document->references[i];

		if (reference->shape == PARK_WORD) {
			size_t parked, kept;

			if (!starts_list(document, i) || reference->none_word)
				continue;
			count_words(sheet, i, &parked, &kept);
			if (parked == 0 || kept > 0)
				continue;
		} else if (!sheet->treatments[i].park || reference->shape != PARK_LINES) {
			continue;
		}
		r = add_span(&sheet->hidden, &sheet->n_hidden, &sheet->hidden_allocated,
			     whole_lines(text, reference->extent));
	}
	sheet->n_hidden = merge_spans(sheet->hidden, sheet->n_hidden);
	return r;
}

/* Whether lines to be commented out may be all that a compound command consists of. */
static bool are_a_body(const struct sheet *sheet, struct span lines)
{
	const struct document *document = sheet->document;

	for (size_t i = document_first_from(document, lines.offset);
	     i < document->n_references && document->references[i].span.offset < span_end(lines);
	     i++)
		if (document->references[i].in_body && sheet->treatments[i].park)
			return true;
	return false;
}

/* Puts the prefix in front of every physical line that is not a comment or blank already. */
static int comment_out(struct sheet *sheet, struct span lines)
{
	struct bytes text = document_bytes(sheet->document);
	struct bytes prefix = are_a_body(sheet, lines) ? bytes_of(PARK_BODY_PREFIX)
						       : bytes_of(PARK_PREFIX);
	int r = 0;

	for (size_t at = lines.offset, next; at < span_end(lines) && r == 0; at = next) {
		size_t first = at, end;

		next = next_line(text, at);
		end = next;
		while (first < next && (is_blank(text.data[first]) || text.data[first] == '\n'))
			first++;
		if (first == next || text.data[first] == '#')
			continue;
		r = add_edit(&sheet->edits, &sheet->n_edits, &sheet->edits_allocated,
			     (struct span){ at, 0 }, prefix);
		prefix = bytes_of(PARK_PREFIX);
		while (end > first && (is_blank(text.data[end - 1]) || text.data[end - 1] == '\n'))
			end--;
		if (r == 0 && text.data[end - 1] == '\\')
			r = add_edit(&sheet->edits, &sheet->n_edits, &sheet->edits_allocated,
				     (struct span){ end, 0 }, bytes_of(CONTINUED));
	}
	return r;
}

/* Parks words of the list that reference @first starts. */
static int park_list(struct sheet *sheet, size_t first)
{
	const struct reference *reference = &sheet->document->references[first];
	struct span list = reference->list;
	size_t parked, kept;
	int r;

	count_words(sheet, first, &parked, &kept);
	if (parked == 0)
		return 0;
	r = add_span(&sheet->shown, &sheet->n_shown, &sheet->shown_allocated,
		     whole_lines(document_bytes(sheet->document), list));
	if (r < 0)
		return r;
	if (kept > 0)
		return take_words_out(sheet, first);
	r = add_span(&sheet->taken, &sheet->n_taken, &sheet->taken_allocated, list);
	if (r < 0)
		return r;
	return add_edit(&sheet->edits, &sheet->n_edits, &sheet->edits_allocated, list,
			bytes_of(reference->none_word));
}

static int rename_mention(struct sheet *sheet, size_t index)
{
	struct span span = sheet->document->references[index].span;
	struct bytes name = bytes_of(sheet->treatments[index].new_name);
	int r;

	r = add_edit(&sheet->plain, &sheet->n_plain, &sheet->plain_allocated, span, name);
	if (r < 0)
		return r;
	return add_edit(&sheet->edits, &sheet->n_edits, &sheet->edits_allocated, span, name);
}

/* The one reference that is the file's own name, if there is such a one. */
static const struct reference *name_reference(const struct document *document)
{
	return document->n_references > 0 && document->references[0].in_name
		       ? &document->references[0]
		       : NULL;
}

/* Takes the whole file away. */
static int remove_file(struct sheet *sheet)
{
	struct span all = { 0, sheet->document->size };
	int r;

	r = add_span(&sheet->shown, &sheet->n_shown, &sheet->shown_allocated, all);
	if (r < 0)
		return r;
	return take_out(sheet, 0, all.length);
}

/* Makes a shell script exit before anything else in it. */
static int switch_off(struct sheet *sheet, size_t offset)
{
	struct bytes text = document_bytes(sheet->document);
	int r;

	r = add_span(&sheet->shown, &sheet->n_shown, &sheet->shown_allocated,
		     whole_lines(text, (struct span){ offset, 0 }));
	if (r < 0)
		return r;
	return add_edit(&sheet->edits, &sheet->n_edits, &sheet->edits_allocated,
			(struct span){ offset, 0 }, bytes_of(PARK_EXIT_LINE));
}

static int switch_off_if_needed(struct sheet *sheet)
{
	const struct document *document = sheet->document;

	for (size_t i = 0; i < document->n_references; i++)
		if (document->references[i].shape == PARK_SCRIPT && sheet->treatments[i].park)
			return switch_off(sheet, document->references[i].extent.offset);
	return 0;
}

static int collect_edits(struct sheet *sheet)
{
	const struct document *document = sheet->document;
	int r;

	if (name_reference(document))
		return sheet->treatments[0].park ? remove_file(sheet) : 0;
	r = switch_off_if_needed(sheet);
	for (size_t i = 0; i < sheet->n_hidden && r == 0; i++)
		r = comment_out(sheet, sheet->hidden[i]);
	for (size_t i = 0; i < document->n_references && r == 0; i++) {
		const struct reference *reference = &document->references[i];

		if (is_hidden(sheet, reference->span.offset))
			continue;
		if (starts_list(document, i))
			r = park_list(sheet, i);
	}
	sheet->n_taken = merge_spans(sheet->taken, sheet->n_taken);
	for (size_t i = 0; i < document->n_references && r == 0; i++)
		if (sheet->treatments[i].new_name && !sheet->treatments[i].park &&
		    !is_out_of_force(sheet, document->references[i].span.offset))
			r = rename_mention(sheet, i);
	edits_sort(sheet->edits, sheet->n_edits);
	edits_sort(sheet->plain, sheet->n_plain);
	return r;
}

/**
 * struct mapping - Where offsets of the document come out after edits, asked in rising order
 * @size:   of the document
 * @next:   first edit not yet counted
 * @grown, @shrunk: bytes the edits before it add and remove
 */
struct mapping {
	const struct edit *edits;
	size_t n_edits;
	size_t size;
	size_t next;
	size_t grown;
	size_t shrunk;
};

/* An insertion at @offset itself comes behind it: whole lines start before their prefix. Only at
 * the end of a last line without a newline it belongs to that line. */
static size_t map_offset(struct mapping *mapping, size_t offset)
{
	for (; mapping->next < mapping->n_edits; mapping->next++) {
		const struct edit *edit = &mapping->edits[mapping->next];

		if (edit->span.offset >= offset && offset < mapping->size)
			break;
		mapping->grown += edit->text.size;
		mapping->shrunk += edit->span.length;
	}
	return offset + mapping->grown - mapping->shrunk;
}

/* The texts with something parked in them: lines commented out, and lines that lost words. */
static int collect_parked(struct sheet *sheet, struct rendered *rendered)
{
	size_t size = sheet->document->size;
	struct mapping to_text = { sheet->edits, sheet->n_edits, size, 0, 0, 0 };
	struct mapping to_plain = { sheet->plain, sheet->n_plain, size, 0, 0, 0 };
	size_t n;
	int r = 0;

	for (size_t i = 0; i < sheet->n_hidden && r == 0; i++)
		r = add_span(&sheet->shown, &sheet->n_shown, &sheet->shown_allocated,
			     sheet->hidden[i]);
	if (r < 0)
		return r;
	n = merge_spans(sheet->shown, sheet->n_shown);
	rendered->parked = calloc(n + 1, sizeof(*rendered->parked));
	if (!rendered->parked)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct rendered_park *parked = &rendered->parked[i];
		struct span *text = &parked->text_span, *plain = &parked->plain_span;

		text->offset = map_offset(&to_text, sheet->shown[i].offset);
		text->length = map_offset(&to_text, span_end(sheet->shown[i])) - text->offset;
		plain->offset = map_offset(&to_plain, sheet->shown[i].offset);
		plain->length = map_offset(&to_plain, span_end(sheet->shown[i])) - plain->offset;
	}
	rendered->n_parked = n;
	return 0;
}

/* What became of each reference. */
static int collect_references(const struct sheet *sheet, struct rendered *rendered)
{
	const struct document *document = sheet->document;
	struct mapping to_plain = { sheet->plain, sheet->n_plain, document->size, 0, 0, 0 };
	size_t n = document->n_references;

	rendered->out_of_force = calloc(n + 1, sizeof(*rendered->out_of_force));
	rendered->plain_offset = calloc(n + 1, sizeof(*rendered->plain_offset));
	if (!rendered->out_of_force || !rendered->plain_offset)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t offset = document->references[i].span.offset;

		rendered->out_of_force[i] = is_out_of_force(sheet, offset);
		rendered->plain_offset[i] = map_offset(&to_plain, offset);
	}
	return 0;
}

/* The path of a file whose name is a mention, with another name in it. */
static int rename_file(const struct document *document, const char *new_name, char **ret_path)
{
	const char *old_name = document->references[0].in_name;
	const char *last = strrchr(document->path, '/');
	const char *place = last ? strstr(last, old_name) : NULL;
	struct buffer path = { 0 };
	size_t size;

	if (!place)
		return -EINVAL;
	buffer_append(&path, bytes_make(document->path, (size_t)(place - document->path)));
	buffer_append_text(&path, new_name);
	buffer_append_text(&path, place + strlen(old_name));
	return buffer_finish(&path, ret_path, &size);
}

bool park_switches_off(const struct parked_text *parked)
{
	return strstr(parked->present, PARK_EXIT_LINE) && !strstr(parked->original, PARK_EXIT_LINE);
}

static int render_sheet(struct sheet *sheet, struct rendered *rendered)
{
	struct bytes text = document_bytes(sheet->document);
	int r;

	if (name_reference(sheet->document)) {
		rendered->removed = sheet->treatments[0].park;
		if (!rendered->removed && sheet->treatments[0].new_name) {
			r = rename_file(sheet->document, sheet->treatments[0].new_name,
					&rendered->path);
			if (r < 0)
				return r;
		}
	}

	r = collect_hidden(sheet);
	if (r < 0)
		return r;
	r = collect_edits(sheet);
	if (r < 0)
		return r;
	r = edits_apply(text, sheet->edits, sheet->n_edits, &rendered->text, &rendered->size);
	if (r < 0)
		return r;
	r = edits_apply(text, sheet->plain, sheet->n_plain, &rendered->plain,
			&rendered->plain_size);
	if (r < 0)
		return r;
	r = collect_parked(sheet, rendered);
	if (r < 0)
		return r;
	return collect_references(sheet, rendered);
}

int park_render(const struct document *document, const struct treatment *treatments,
		struct rendered *ret_rendered)
{
	struct sheet sheet = { .document = document, .treatments = treatments };
	struct rendered rendered = { 0 };
	int r;

	r = render_sheet(&sheet, &rendered);
	if (r == 0) {
		rendered.edits = TAKE_PTR(sheet.edits);
		rendered.n_edits = sheet.n_edits;
	}
	sheet_done(&sheet);
	if (r < 0) {
		rendered_done(&rendered);
		return r;
	}
	*ret_rendered = rendered;
	return 0;
}

/* The lines that edits touch, and those that parked text was put back into. */
static int collect_touched(const struct document *document, const struct put_back *back,
			   size_t n_back, const struct rendered *rendered, struct span **ret_spans,
			   size_t *ret_n)
{
	struct bytes text = document_bytes(document);
	struct span *spans = NULL;
	size_t n = 0, allocated = 0;
	int r = 0;

	for (size_t i = 0; i < rendered->n_edits && r == 0; i++) {
		struct span edit = rendered->edits[i].span;

		/* They are sorted; a long line is looked at only once. */
		if (n == 0 || span_end(edit) >= span_end(spans[n - 1]))
			r = add_span(&spans, &n, &allocated, whole_lines(text, edit));
	}
	for (size_t i = 0; i < n_back && r == 0; i++)
		r = add_span(&spans, &n, &allocated, back[i].span);
	if (r < 0) {
		free(spans);
		return r;
	}
	*ret_n = merge_spans(spans, n);
	*ret_spans = spans;
	return 0;
}

/* Where an offset of the document is in the file, outside of what was put back. */
static size_t disk_offset(const struct meanings *meanings, const struct put_back *back,
			  size_t n_back, size_t *next, size_t *grown, size_t *shrunk, size_t offset)
{
	for (; *next < n_back && back[*next].span.offset < offset; ++*next) {
		*grown += strlen(meanings->parked[back[*next].parked].present);
		*shrunk += back[*next].span.length;
	}
	return offset + *grown - *shrunk;
}

int park_compare(const struct meanings *meanings, const struct document *document,
		 const struct put_back *back, size_t n_back, const struct rendered *rendered,
		 struct line_change **ret_changes, size_t *ret_n)
{
	struct mapping to_text = { rendered->edits, rendered->n_edits, document->size, 0, 0, 0 };
	struct bytes disk = document_disk_bytes(document);
	struct bytes text = bytes_make(rendered->text, rendered->size);
	_cleanup_free_ struct span *touched = NULL;
	size_t n = 0, n_changes = 0, next = 0, grown = 0, shrunk = 0, counted = 0;
	struct line_change *changes;
	unsigned int line = 1;
	int r;

	r = collect_touched(document, back, n_back, rendered, &touched, &n);
	if (r < 0)
		return r;
	changes = calloc(n + 1, sizeof(*changes));
	if (!changes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct line_change *change = &changes[n_changes];
		size_t end = span_end(touched[i]);

		change->document = touched[i];
		change->disk.offset = disk_offset(meanings, back, n_back, &next, &grown, &shrunk,
						  touched[i].offset);
		change->disk.length =
			disk_offset(meanings, back, n_back, &next, &grown, &shrunk, end) -
			change->disk.offset;
		change->text.offset = map_offset(&to_text, touched[i].offset);
		change->text.length = map_offset(&to_text, end) - change->text.offset;
		for (; counted < change->disk.offset; counted++)
			line += disk.data[counted] == '\n';
		change->first_line = line;
		if (!bytes_equal(bytes_slice(disk, change->disk.offset, change->disk.length),
				 bytes_slice(text, change->text.offset, change->text.length)))
			n_changes++;
	}
	*ret_changes = changes;
	*ret_n = n_changes;
	return 0;
}
