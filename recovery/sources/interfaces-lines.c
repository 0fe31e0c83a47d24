/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/interfaces-lines.h"

#include <errno.h>

void interfaces_reader_done(struct interfaces_reader *reader)
{
	if (!reader)
		return;
	buffer_done(&reader->joined);
	free(reader->pieces);
	*reader = (struct interfaces_reader){ 0 };
}

/* Goes on to @to, counting the newlines on the way. */
static void advance(struct interfaces_reader *reader, size_t to)
{
	const char *data = reader->text.data;

	while (reader->at < to) {
		const char *newline = memchr(data + reader->at, '\n', to - reader->at);

		if (!newline)
			break;
		reader->at = (size_t)(newline - data) + 1;
		reader->physical = reader->at;
		reader->newlines++;
		reader->shared = false;
	}
	reader->at = to;
}

/* Adds the bytes from @start up to @end to the line. */
static int add_piece(struct interfaces_reader *reader, size_t start, size_t end)
{
	struct interfaces_piece *last;

	if (start >= end)
		return 0;
	if (ARRAY_RESERVE(reader->pieces, reader->n_pieces, reader->pieces_allocated) < 0)
		return -ENOMEM;
	last = &reader->pieces[reader->n_pieces++];
	*last = (struct interfaces_piece){ reader->joined.size, start, end - start };
	buffer_append(&reader->joined, bytes_slice(reader->text, start, end - start));
	return reader->joined.failed ? -ENOMEM : 0;
}

/* Takes the last byte of the line away again. */
static void drop_last(struct interfaces_reader *reader)
{
	struct interfaces_piece *last = &reader->pieces[reader->n_pieces - 1];

	reader->joined.size--;
	if (--last->length == 0)
		reader->n_pieces--;
}

static bool ends_in(const struct interfaces_reader *reader, char c)
{
	return reader->joined.size > 0 && reader->joined.data[reader->joined.size - 1] == c;
}

static size_t find_newline(struct bytes text, size_t at)
{
	const char *newline = at < text.size ? memchr(text.data + at, '\n', text.size - at) : NULL;

	return newline ? (size_t)(newline - text.data) : text.size;
}

/* Adds the rest of the physical line and goes to the next one. */
static int add_physical_line(struct interfaces_reader *reader)
{
	size_t end = find_newline(reader->text, reader->at);
	int r = add_piece(reader, reader->at, end);

	advance(reader, MIN_OF(end + 1, reader->text.size));
	return r;
}

static int read_ifupdown(struct interfaces_reader *reader, struct span *ret_remark)
{
	struct bytes text = reader->text;
	size_t end = find_newline(text, reader->at);
	int r;

	while (reader->at < end && interfaces_is_blank(text.data[reader->at]))
		reader->at++;
	if (reader->at < end && text.data[reader->at] == '#') {
		*ret_remark = (struct span){ reader->at, end - reader->at };
		advance(reader, MIN_OF(end + 1, text.size));
		return 0;
	}

	r = add_physical_line(reader);
	while (r == 0 && ends_in(reader, '\\')) {
		drop_last(reader);
		if (reader->at < text.size)
			r = add_physical_line(reader);
	}
	return r;
}

/* White space as Python strips it, as far as it is ASCII. */
static bool is_space(char c)
{
	return interfaces_is_blank(c) || (c >= '\x1c' && c <= '\x1f');
}

static size_t skip_space(struct bytes text, size_t at)
{
	while (at < text.size && is_space(text.data[at]))
		at++;
	return at;
}

static size_t skip_lines(struct bytes text, size_t at)
{
	while (at < text.size && text.data[at] != '\0' && strchr(" \t\r\n", text.data[at]))
		at++;
	return at;
}

/* Whether the line that ends at @at is joined with a later one by a backslash that starts it. */
static bool is_joined_behind(struct interfaces_reader *reader, size_t at)
{
	if (reader->solid <= at)
		reader->solid = skip_space(reader->text, at);
	return reader->solid < reader->text.size && reader->text.data[reader->solid] == '\\';
}

/* A backslash at @at: what stands around it is stripped, and the two ends are joined by a blank. */
static int cut_backslash(struct interfaces_reader *reader, size_t start, size_t at)
{
	int r;

	while (at > start && is_space(reader->text.data[at - 1]))
		at--;
	r = add_piece(reader, start, at);
	if (r == 0 && reader->joined.size > 0)
		buffer_append_char(&reader->joined, ' ');
	return reader->joined.failed ? -ENOMEM : r;
}

static int read_ifupdown2(struct interfaces_reader *reader, bool *ret_cut)
{
	struct bytes text = reader->text;
	size_t start = reader->at, at = reader->at;
	int r;

	for (; at < text.size; at++) {
		size_t next;

		if (text.data[at] == '\\') {
			next = skip_space(text, at + 1);
			*ret_cut |= !memchr(text.data + at, '\n', next - at);
		} else if (text.data[at] != '\n' && text.data[at] != '\r') {
			continue;
		} else if (is_joined_behind(reader, at)) {
			next = skip_space(text, reader->solid + 1);
			*ret_cut = true;
		} else {
			break;
		}
		r = cut_backslash(reader, start, at);
		if (r < 0)
			return r;
		start = next;
		at = next - 1;
	}
	r = add_piece(reader, start, at);

	/* Python reads files with universal newlines. */
	if (at + 1 < text.size && text.data[at] == '\r' && text.data[at + 1] == '\n')
		at++;
	advance(reader, MIN_OF(at + 1, text.size));
	if (at < text.size && text.data[at] == '\r')
		reader->shared = true;
	return r;
}

/**
 * struct ng_state - Where ifupdown-ng's reader is in a line
 * @start:  where the piece under way starts
 * @quoted: the last byte was a backslash
 */
struct ng_state {
	size_t start;
	bool quoted;
};

/* The byte at @at ends a physical line, unless it is quoted. Return: 1 if it ends the logical one.
 */
static int end_ng_line(struct interfaces_reader *reader, struct ng_state *state, size_t *at)
{
	struct bytes text = reader->text;
	bool cr = text.data[*at] == '\r';
	int r = state->quoted ? 0 : add_piece(reader, state->start, *at);

	if (r < 0)
		return r;
	if (cr && *at + 1 < text.size && text.data[*at + 1] == '\n')
		++*at;
	++*at;
	if (!state->quoted)
		return 1;
	state->quoted = false;
	if (cr)
		buffer_append_char(&reader->joined, ' ');
	else
		while (*at < text.size && (text.data[*at] == ' ' || text.data[*at] == '\t'))
			++*at;
	state->start = *at;
	return reader->joined.failed ? -ENOMEM : 0;
}

static int read_ng(struct interfaces_reader *reader, struct span *ret_remark)
{
	struct bytes text = reader->text;
	struct ng_state state = { .start = reader->at };
	size_t at = reader->at;
	int r = 0;

	while (at < text.size && r == 0) {
		char c = text.data[at];

		if (c == '\n' || c == '\r') {
			r = end_ng_line(reader, &state, &at);
		} else if (c == '#' && state.quoted) {
			state = (struct ng_state){ .start = ++at };
		} else if (c == '#') {
			size_t end = find_newline(text, at);

			*ret_remark = (struct span){ at, end - at };
			r = add_piece(reader, state.start, at);
			state.start = at = MIN_OF(end + 1, text.size);
			break;
		} else if (state.quoted) {
			/* Quotes nothing: the backslash is one of the text. */
			state = (struct ng_state){ .start = at - 1 };
			at++;
		} else if (c == '\\') {
			r = add_piece(reader, state.start, at);
			state = (struct ng_state){ .start = ++at, .quoted = true };
		} else {
			at++;
		}
	}
	if (r == 0 && at == text.size && !state.quoted)
		r = add_piece(reader, state.start, at);
	if (r < 0)
		return r;
	advance(reader, at);
	if (at > 0 && text.data[at - 1] == '\r')
		reader->shared = true;
	return 0;
}

static int read_line(struct interfaces_reader *reader, struct interfaces_line *line)
{
	if (interfaces_is_python(reader->dialect))
		return read_ifupdown2(reader, &line->cut);
	if (reader->dialect == DIALECT_IFUPDOWN_NG)
		return read_ng(reader, &line->remark);
	return read_ifupdown(reader, &line->remark);
}

/* Takes blanks off both ends of what was joined, as far as the reader does. */
static void trim(const struct interfaces_reader *reader, struct interfaces_line *line)
{
	struct bytes text = buffer_bytes(&reader->joined);

	while (text.size > 0 && interfaces_is_blank(text.data[text.size - 1]))
		text.size--;
	if (text.size == 0)
		return;
	/* The others trim at the start before they join. */
	if (reader->dialect == DIALECT_IFUPDOWN_NG)
		while (interfaces_is_blank(text.data[line->start]))
			line->start++;

	/* Only now: a comment that ends in a backslash swallows the next line. */
	if (interfaces_is_python(reader->dialect) && text.data[0] == '#')
		line->remark = line->extent;
	else
		line->text = bytes_slice(text, line->start, text.size - line->start);
}

static void skip_blank_lines(struct interfaces_reader *reader)
{
	size_t end = reader->at;

	/* Python strips the start of the file of more than the start of a line. */
	if (interfaces_is_python(reader->dialect) && end == 0)
		end = skip_space(reader->text, 0);
	advance(reader, skip_lines(reader->text, end));
}

int interfaces_reader_next(struct interfaces_reader *reader, struct interfaces_line *ret_line)
{
	struct interfaces_line line;

	do {
		int r;

		skip_blank_lines(reader);
		if (reader->at >= reader->text.size)
			return 0;
		reader->joined.size = 0;
		reader->n_pieces = 0;
		line = (struct interfaces_line){
			.extent.offset = reader->physical,
			.number = (unsigned int)reader->newlines + 1,
			.whole = !reader->shared,
		};
		r = read_line(reader, &line);
		if (r < 0)
			return r;
		line.whole &= !reader->shared;
		line.extent.length = reader->at - line.extent.offset;
		trim(reader, &line);
	} while (line.text.size == 0 && line.remark.length == 0);

	line.pieces = reader->pieces;
	line.n_pieces = reader->n_pieces;
	*ret_line = line;
	return 1;
}

/* The piece that a byte of the line is in. */
static const struct interfaces_piece *find_piece(const struct interfaces_line *line, size_t at)
{
	size_t low = 0, high = line->n_pieces;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (line->pieces[middle].in_line <= at)
			low = middle;
		else
			high = middle;
	}
	return &line->pieces[low];
}

size_t interfaces_line_offset(const struct interfaces_line *line, size_t in_line)
{
	const struct interfaces_piece *piece = find_piece(line, line->start + in_line);

	return piece->in_file + (line->start + in_line - piece->in_line);
}

bool interfaces_line_locate(const struct interfaces_line *line, struct span in_line,
			    struct span *ret_in_file)
{
	const struct interfaces_piece *piece = find_piece(line, line->start + in_line.offset);

	if (line->start + span_end(in_line) > piece->in_line + piece->length)
		return false;
	*ret_in_file =
		(struct span){ interfaces_line_offset(line, in_line.offset), in_line.length };
	return true;
}

struct bytes interfaces_first_word(struct bytes line, size_t *ret_at)
{
	size_t end = 0;

	while (end < line.size && !interfaces_is_blank(line.data[end]))
		end++;
	*ret_at = end;
	return bytes_make(line.data, end);
}

bool interfaces_next_word(struct bytes line, size_t *at, struct span *ret_word)
{
	size_t start = *at, end;

	while (start < line.size && interfaces_is_blank(line.data[start]))
		start++;
	for (end = start; end < line.size && !interfaces_is_blank(line.data[end]);)
		end++;
	*at = end;
	if (end == start)
		return false;
	*ret_word = (struct span){ start, end - start };
	return true;
}

static bool starts_with(struct bytes word, const char *start)
{
	return bytes_start_with(word, bytes_of(start));
}

/* source-directory is one for ifupdown by any name that starts like it, for ifupdown2 from 3.1 on.
 */
static bool is_source_directory(enum interfaces_dialect dialect, struct bytes word)
{
	switch (dialect) {
	case DIALECT_IFUPDOWN:
		return starts_with(word, "source-dir");
	case DIALECT_IFUPDOWN2:
		return false;
	default:
		return bytes_equal_text(word, "source-directory");
	}
}

static bool is_list_keyword(enum interfaces_dialect dialect, struct bytes word)
{
	if (bytes_equal_text(word, "auto") || bytes_equal_text(word, "no-auto-down") ||
	    bytes_equal_text(word, "no-scripts"))
		return true;
	if (interfaces_is_python(dialect) && bytes_equal_text(word, "allow"))
		return true;
	return starts_with(word, "allow-") && (word.size > 6 || interfaces_is_python(dialect));
}

/*
 * The keywords that only ifupdown has are taken for keywords in all dialects: to the others they
 * are errors or options that nobody reads, and what they name is the same.
 */
enum interfaces_keyword interfaces_keyword(enum interfaces_dialect dialect, struct bytes word)
{
	if (is_list_keyword(dialect, word))
		return KEYWORD_AUTO;
	if (bytes_equal_text(word, "iface"))
		return KEYWORD_IFACE;
	if (bytes_equal_text(word, "source"))
		return KEYWORD_SOURCE;
	if (is_source_directory(dialect, word))
		return KEYWORD_SOURCE_DIRECTORY;
	if (bytes_equal_text(word, "mapping"))
		return KEYWORD_MAPPING;
	if (bytes_equal_text(word, "rename"))
		return KEYWORD_RENAME;
	if (interfaces_is_python(dialect) && bytes_equal_text(word, "vlan"))
		return KEYWORD_VLAN;
	if (dialect != DIALECT_IFUPDOWN_NG)
		return KEYWORD_NONE;
	if (bytes_equal_text(word, "interface"))
		return KEYWORD_IFACE;
	if (bytes_equal_text(word, "template") || bytes_equal_text(word, "defaults"))
		return KEYWORD_TEMPLATE;
	return KEYWORD_NONE;
}
