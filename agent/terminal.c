/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/terminal.h"

#include <langinfo.h>
#include <limits.h>
#include <sys/ioctl.h>

#define WIDTH_UNKNOWN 80

static bool colors_wanted(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return (!no_color || !*no_color) && term && strcmp(term, "dumb") != 0;
}

void terminal_look(int fd, struct terminal *ret_terminal)
{
	struct terminal terminal = { .width = UINT_MAX };
	struct winsize size;

	terminal.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (isatty(fd)) {
		terminal.interactive = true;
		terminal.color = colors_wanted();
		/* A serial console answers with zero columns. */
		terminal.width = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
					 ? size.ws_col
					 : WIDTH_UNKNOWN;
	}
	*ret_terminal = terminal;
}

const char *terminal_style(const struct terminal *terminal, enum style style)
{
	static const char *const sequences[_STYLE_MAX] = {
		[STYLE_BOLD] = "\033[1m",   [STYLE_DIM] = "\033[2m",     [STYLE_RED] = "\033[31m",
		[STYLE_GREEN] = "\033[32m", [STYLE_YELLOW] = "\033[33m", [STYLE_CYAN] = "\033[36m",
		[STYLE_END] = "\033[0m",
	};

	return terminal->color ? sequences[style] : "";
}

/*
 * Size of the UTF-8 sequence at the start of @text and its code point; 0 for none: no overlong
 * forms, no surrogates, nothing above U+10FFFF (RFC 3629).
 */
static size_t utf8_decode(struct bytes text, uint32_t *ret_code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)text.data[0];
	uint32_t code;
	size_t size;

	if (first < 0x80) {
		*ret_code = first;
		return 1;
	}
	size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0xc2 || first > 0xf4 || text.size < size)
		return 0;

	code = first & (0x7fU >> size);
	for (size_t i = 1; i < size; i++) {
		unsigned char next = (unsigned char)text.data[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (next & 0x3f);
	}
	if (code < smallest[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return size;
}

static bool is_harmless(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	/* Line separators, and the marks and isolates of the bidirectional algorithm (UAX #9). */
	return code != 0x061c && code != 0x200e && code != 0x200f &&
	       !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069);
}

static void escape(struct bytes text, bool utf8, bool keep_newlines, struct buffer *out)
{
	while (text.size > 0) {
		uint32_t code = 0;
		size_t size = utf8_decode(text, &code);
		bool shown = size > 0 &&
			     (is_harmless(code) || code == '\t' || (code == '\n' && keep_newlines));

		size = MAX_OF(size, (size_t)1);
		if (shown && (utf8 || code < 0x80))
			buffer_append(out, bytes_slice(text, 0, size));
		else
			for (size_t i = 0; i < size; i++)
				buffer_appendf(out, "\\x%02x", (unsigned char)text.data[i]);
		text = bytes_slice(text, size, text.size - size);
	}
}

void terminal_escape_text(struct bytes text, bool utf8, struct buffer *out)
{
	escape(text, utf8, true, out);
}

void terminal_escape_line(struct bytes text, bool utf8, struct buffer *out)
{
	escape(text, utf8, false, out);
}
