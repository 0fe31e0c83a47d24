/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/joined-line.h"

#include <errno.h>

void joined_line_done(struct joined_line *line)
{
	if (!line)
		return;
	buffer_done(&line->text);
	free(line->pieces);
	*line = (struct joined_line){ 0 };
}

void joined_line_clear(struct joined_line *line)
{
	line->text.size = 0;
	line->n_pieces = 0;
}

int joined_line_add(struct joined_line *line, struct bytes file, size_t start, size_t end)
{
	struct joined_piece *last = line->n_pieces ? &line->pieces[line->n_pieces - 1] : NULL;

	if (end <= start)
		return 0;
	if (last && last->in_file + last->length == start) {
		last->length += end - start;
	} else {
		if (ARRAY_RESERVE(line->pieces, line->n_pieces, line->pieces_allocated) < 0)
			return -ENOMEM;
		line->pieces[line->n_pieces++] =
			(struct joined_piece){ line->text.size, start, end - start };
	}
	buffer_append(&line->text, bytes_slice(file, start, end - start));
	return line->text.failed ? -ENOMEM : 0;
}

/* The last piece that does not start behind a byte of the line. */
static const struct joined_piece *find_piece(const struct joined_line *line, size_t in_line)
{
	size_t low = 0, high = line->n_pieces;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (line->pieces[middle].in_line <= in_line)
			low = middle;
		else
			high = middle;
	}
	return &line->pieces[low];
}

bool joined_line_locate(const struct joined_line *line, struct span in_line,
			struct span *ret_in_file)
{
	const struct joined_piece *piece;

	if (line->n_pieces == 0)
		return false;
	piece = find_piece(line, in_line.offset);
	if (span_end(in_line) > piece->in_line + piece->length)
		return false;
	*ret_in_file =
		(struct span){ piece->in_file + (in_line.offset - piece->in_line), in_line.length };
	return true;
}

size_t joined_line_offset(const struct joined_line *line, size_t in_line)
{
	const struct joined_piece *piece = find_piece(line, in_line);

	return piece->in_file + (in_line - piece->in_line);
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

uint64_t words_digest(struct bytes text)
{
	uint64_t digest = BYTES_DIGEST_SEED;
	size_t start, end = 0;

	for (;;) {
		for (start = end; start < text.size && is_blank(text.data[start]);)
			start++;
		for (end = start; end < text.size && !is_blank(text.data[end]);)
			end++;
		if (end == start)
			return digest;
		digest = bytes_digest(bytes_slice(text, start, end - start), digest);
		digest = bytes_digest(bytes_of(" "), digest);
	}
}

unsigned int line_cursor_move(struct line_cursor *cursor, struct bytes text, size_t offset)
{
	size_t end = MIN_OF(offset, text.size);

	for (; cursor->at < end; cursor->at++)
		cursor->line += text.data[cursor->at] == '\n';
	return cursor->line;
}
