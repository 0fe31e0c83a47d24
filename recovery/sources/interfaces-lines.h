/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Logical lines of interfaces(5), as each of its readers joins them:
 *
 *   ifupdown     a backslash before the newline joins; what follows it is never a comment
 *   ifupdown2    every backslash is cut out with all blanks and newlines around it, those of
 *                comments too, before the text is split into lines
 *   ifupdown-ng  a backslash before the newline joins; a '#' ends a line wherever it stands
 *
 * (config.c get_line(); networkinterfaces.py process_interfaces(); fgetline.c lif_fgetline())
 */
#pragma once

#include "recovery/sources/interfaces.h"

/* A run of bytes of a logical line and where it stands in the file. */
struct interfaces_piece {
	size_t in_line;
	size_t in_file;
	size_t length;
};

/**
 * struct interfaces_line - One logical line
 * @text:   joined, without comment, blanks at both ends and continuations; empty for a line that
 *          is nothing but a comment. A first byte that is blank makes the first word empty
 * @pieces: where what was joined stands in the file, in order; @text is its part from @start on
 * @extent: its physical lines, whole
 * @remark: the comment, where there is one; of length 0 if not
 * @number: its first physical line, counted from 1
 * @whole:  nothing else stands on its physical lines
 * @cut:    its reader takes a backslash in mid-line as a blank, and there was one
 *
 * Valid until the next line is read.
 */
struct interfaces_line {
	struct bytes text;
	size_t start;
	const struct interfaces_piece *pieces;
	size_t n_pieces;
	struct span extent;
	struct span remark;
	unsigned int number;
	bool whole;
	bool cut;
};

/**
 * struct interfaces_reader - A text on its way to being read
 *
 * Initialise @dialect and @text, the rest with zero.
 */
struct interfaces_reader {
	enum interfaces_dialect dialect;
	struct bytes text;
	size_t at;
	size_t physical; /* where the physical line that @at is on starts */
	size_t newlines; /* how many were passed */
	size_t solid;    /* no byte from @at up to here is anything but white space */
	bool shared;     /* another logical line ended on this physical line */
	struct buffer joined;
	struct interfaces_piece *pieces;
	size_t n_pieces;
	size_t pieces_allocated;
};

void interfaces_reader_done(struct interfaces_reader *reader);

/**
 * interfaces_reader_next() - The next line that is not blank
 *
 * Return: 1 with @ret_line, 0 at the end of the text, -ENOMEM.
 */
_must_check_ int interfaces_reader_next(struct interfaces_reader *reader,
					struct interfaces_line *ret_line);

/* Where a byte of the line stands in the file; blanks that join pieces stand nowhere. */
_pure_ size_t interfaces_line_offset(const struct interfaces_line *line, size_t in_line);

/**
 * interfaces_line_locate() - Where a part of the line stands in the file
 *
 * Return: false when a continuation splits it.
 */
bool interfaces_line_locate(const struct interfaces_line *line, struct span in_line,
			    struct span *ret_in_file);

static inline bool interfaces_is_python(enum interfaces_dialect dialect)
{
	return dialect == DIALECT_IFUPDOWN2 || dialect == DIALECT_IFUPDOWN2_3_9;
}

/* isspace(3) of the C locale, whatever the locale is. */
static inline bool interfaces_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The first word of a line, which may be empty; @ret_at is where the next one is looked for. */
struct bytes interfaces_first_word(struct bytes line, size_t *ret_at);

/**
 * interfaces_next_word() - The next word of a line
 * @at: where to look from; behind the word afterwards
 *
 * Return: true with @ret_word, or false at the end.
 */
bool interfaces_next_word(struct bytes line, size_t *at, struct span *ret_word);

enum interfaces_keyword {
	KEYWORD_NONE, /* an option, or nothing known */
	KEYWORD_AUTO, /* auto, allow-*, no-auto-down, no-scripts: a list of names */
	KEYWORD_IFACE,
	KEYWORD_VLAN,     /* ifupdown2 */
	KEYWORD_TEMPLATE, /* ifupdown-ng */
	KEYWORD_MAPPING,
	KEYWORD_RENAME,
	KEYWORD_SOURCE,
	KEYWORD_SOURCE_DIRECTORY,
};

/* What a line's first word makes of it. */
_pure_ enum interfaces_keyword interfaces_keyword(enum interfaces_dialect dialect,
						  struct bytes word);
