/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A logical line put together from pieces of a file: where each byte of it stands in the file. */
#pragma once

#include "recovery/document.h"

/* A run of bytes of a logical line and where it stands in the file. */
struct joined_piece {
	size_t in_line;
	size_t in_file;
	size_t length;
};

/**
 * struct joined_line - One logical line
 * @text:   what its reader sees of it
 * @pieces: where that stands in the file, in order
 * @extent: its physical lines, whole
 * @number: the first of them, counted from 1
 *
 * Zero-initialised is empty.
 */
struct joined_line {
	struct buffer text;
	struct joined_piece *pieces;
	size_t n_pieces;
	size_t pieces_allocated;
	struct span extent;
	unsigned int number;
};

void joined_line_done(struct joined_line *line);

/* Forget the text, keep the memory. */
void joined_line_clear(struct joined_line *line);

/* Adds the bytes of @file from @start up to @end. Return: 0 or -ENOMEM. */
_must_check_ int joined_line_add(struct joined_line *line, struct bytes file, size_t start,
				 size_t end);

/* Never a null pointer, so that parts of an empty text can be taken. */
static inline struct bytes joined_line_text(const struct joined_line *line)
{
	return line->text.data ? buffer_bytes(&line->text) : bytes_of("");
}

/**
 * joined_line_locate() - Where a part of the line stands in the file
 *
 * Return: false when it does not stand there in one piece.
 */
bool joined_line_locate(const struct joined_line *line, struct span in_line,
			struct span *ret_in_file);

/* Where a byte of the line, not its end, stands in the file. */
_pure_ size_t joined_line_offset(const struct joined_line *line, size_t in_line);

/* Digest of the words of a text, however they are spaced. */
_pure_ uint64_t words_digest(struct bytes text);

/**
 * struct line_cursor - A place in a text and its line, for offsets asked in rising order
 *
 * Initialise @line with the number of the line that @at is on.
 */
struct line_cursor {
	size_t at;
	unsigned int line;
};

/* The line an offset is on; one behind what was asked before counts as that. */
unsigned int line_cursor_move(struct line_cursor *cursor, struct bytes text, size_t offset);
