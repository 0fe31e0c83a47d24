/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How text may look where it is read, and how to keep text from files from steering a terminal. */
#pragma once

#include "snapshot/basic/buffer.h"

enum style {
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_RED,
	STYLE_GREEN,
	STYLE_YELLOW,
	STYLE_CYAN,
	STYLE_END, /* back to plain text */
	_STYLE_MAX,
};

/**
 * struct terminal - What stands behind an output
 * @interactive: whether it is a terminal at all
 * @color:       whether it shows colours and the user wants them: a terminal, NO_COLOR unset or
 *               empty (no-color.org), TERM not "dumb"
 * @utf8:        whether the locale (LC_CTYPE) is UTF-8
 * @width:       columns; 80 where a terminal does not tell, UINT_MAX where there is none, so that
 *               nothing is cut in a pipe
 */
struct terminal {
	bool interactive;
	bool color;
	bool utf8;
	unsigned int width;
};

/* Look at an open file descriptor. Never fails: what cannot be told is plain. */
void terminal_look(int fd, struct terminal *ret_terminal);

/* The sequence that switches a style on, "" where there are no colours. */
_pure_ const char *terminal_style(const struct terminal *terminal, enum style style);

/**
 * terminal_escape_text() - Make text from a file harmless to show
 * @utf8: whether the reader's locale is UTF-8
 * @out:  appended to
 *
 * Control characters (C0, DEL, C1), bytes that are no valid UTF-8, and the marks that turn the
 * direction of writing come out as \xNN. Newlines and tabs stay; terminal_escape_line() escapes
 * newlines too, for what has to stay on one line. Without @utf8 all that is not ASCII is escaped.
 */
void terminal_escape_text(struct bytes text, bool utf8, struct buffer *out);
void terminal_escape_line(struct bytes text, bool utf8, struct buffer *out);
