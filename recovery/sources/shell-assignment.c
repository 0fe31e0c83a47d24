/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/shell-assignment.h"

#include <errno.h>

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c);
}

static bool is_in_name(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static char char_at(struct bytes text, size_t at)
{
	return at < text.size ? text.data[at] : '\0';
}

static size_t find_newline(struct bytes text, size_t at)
{
	const char *newline = at < text.size ? memchr(text.data + at, '\n', text.size - at) : NULL;

	return newline ? (size_t)(newline - text.data) : text.size;
}

static size_t next_line(struct bytes text, size_t at)
{
	return MIN_OF(find_newline(text, at) + 1, text.size);
}

/**
 * read_word() - Pass over one word
 * @line: gets what its quotes and backslashes leave of it, or NULL
 *
 * sh(1), "Quoting": a backslash in double quotes only quotes what would have a meaning there.
 */
static int read_word(struct bytes text, size_t *at, struct joined_line *line)
{
	size_t start = *at, end = *at;
	char quote = '\0';
	int r = 0;

	for (; end < text.size && r == 0; end++) {
		char c = text.data[end], next = char_at(text, end + 1);

		if (quote == '\0' && is_one_of(c, " \t\r\n;&|()"))
			break;
		if (c == '\\' && quote != '\'') {
			if (quote == '"' && !is_one_of(next, "$`\"\\\n"))
				continue;
			r = line ? joined_line_add(line, text, start, end) : 0;
			end++;
			start = next == '\n' ? end + 1 : end;
		} else if (c == quote || (quote == '\0' && (c == '"' || c == '\''))) {
			r = line ? joined_line_add(line, text, start, end) : 0;
			start = end + 1;
			quote = quote ? '\0' : c;
		}
	}
	end = MIN_OF(end, text.size);
	*at = end;
	return r == 0 && line ? joined_line_add(line, text, start, end) : r;
}

/* Moves to the start of the next word. */
static void skip_to_word(struct shell_reader *reader)
{
	struct bytes text = reader->text;

	while (reader->at < text.size) {
		if (text.data[reader->at] == '#')
			reader->at = find_newline(text, reader->at);
		else if (is_one_of(text.data[reader->at], " \t\r\n;&|()"))
			reader->at++;
		else
			break;
	}
}

/* Moves to the physical line that an offset is on; each is looked for only once. */
static struct span find_line(struct shell_reader *reader, size_t offset)
{
	struct span *line = &reader->physical;

	while (offset >= span_end(*line) && span_end(*line) < reader->text.size) {
		line->offset = span_end(*line);
		line->length = next_line(reader->text, line->offset) - line->offset;
	}
	return *line;
}

static struct span physical_lines(struct shell_reader *reader, size_t start, size_t end)
{
	struct span first = find_line(reader, start), last = find_line(reader, end);

	return (struct span){ first.offset, span_end(last) - first.offset };
}

/* A line may hold many assignments. */
static uint64_t digest_lines(struct shell_reader *reader, struct span lines)
{
	if (lines.offset != reader->digested.offset || lines.length != reader->digested.length) {
		reader->digest =
			words_digest(bytes_slice(reader->text, lines.offset, lines.length));
		reader->digested = lines;
	}
	return reader->digest;
}

int shell_next_assignment(struct shell_reader *reader, bool (*wanted)(struct bytes name),
			  struct joined_line *line, struct span *ret_name, uint64_t *ret_digest)
{
	struct bytes text = reader->text;

	for (;;) {
		size_t start, end;
		int r;

		skip_to_word(reader);
		if (reader->at >= text.size)
			return 0;
		for (start = end = reader->at; is_in_name(char_at(text, end));)
			end++;
		if (char_at(text, end) != '=' || !wanted(bytes_slice(text, start, end - start))) {
			r = read_word(text, &reader->at, NULL);
			if (r < 0)
				return r;
			continue;
		}
		joined_line_clear(line);
		reader->at = end + 1;
		r = read_word(text, &reader->at, line);
		if (r < 0)
			return r;
		line->extent = physical_lines(reader, start, reader->at);
		*ret_digest = digest_lines(reader, line->extent);
		line->number = line_cursor_move(&reader->cursor, text, start) + 1;
		*ret_name = (struct span){ start, end - start };
		return 1;
	}
}
