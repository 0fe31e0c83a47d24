/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/pve-section.h"

/* \s of a Perl regular expression. */
static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t skip_blanks(struct bytes text, size_t at)
{
	while (at < text.size && is_blank(text.data[at]))
		at++;
	return at;
}

static size_t skip_word(struct bytes text, size_t at)
{
	while (at < text.size && !is_blank(text.data[at]))
		at++;
	return at;
}

static struct bytes trim_end(struct bytes text)
{
	while (text.size > 0 && is_blank(text.data[text.size - 1]))
		text.size--;
	return text;
}

/* "TYPE: ID"; without a blank the last ':' that something follows is the one between them. */
static bool split_head(struct bytes text, struct pve_section_line *line)
{
	size_t end = skip_word(text, 0), id = skip_blanks(text, end);

	if (end == text.size) {
		for (id = text.size - 1; id > 1 && text.data[id - 1] != ':';)
			id--;
		end = id;
	}
	if (end < 2 || text.data[end - 1] != ':' || skip_word(text, id) != text.size)
		return false;
	line->type = bytes_slice(text, 0, end - 1);
	line->id = bytes_slice(text, id, text.size - id);
	return true;
}

static bool is_head(const struct pve_section_reader *reader, struct pve_section_line *line)
{
	struct bytes text = trim_end(line->text);

	if (text.size == 0 || is_blank(text.data[0]))
		return false;
	if (!reader->bare)
		return split_head(text, line);
	line->id = text;
	return skip_word(text, 0) == text.size;
}

static bool is_property(struct pve_section_line *line)
{
	struct bytes text = trim_end(line->text);
	size_t start = skip_blanks(text, 0), end = skip_word(text, start);
	size_t value = skip_blanks(text, end);

	if (start == 0 || start == end)
		return false;
	line->key = bytes_slice(text, start, end - start);
	line->value = bytes_slice(text, value, text.size - value);
	return true;
}

static bool is_comment(struct bytes text)
{
	size_t start = skip_blanks(text, 0);

	return start < text.size && text.data[start] == '#';
}

static void judge(struct pve_section_reader *reader, struct pve_section_line *line)
{
	/* Blanks alone do not end a section, and "0" does: what Perl takes for false. */
	if (line->text.size == 0 || bytes_equal_text(line->text, "0")) {
		reader->inside = false;
	} else if (is_comment(line->text)) {
		return;
	} else if (reader->inside) {
		if (is_property(line))
			line->kind = PVE_SECTION_PROPERTY;
	} else if (is_head(reader, line)) {
		reader->inside = true;
		line->kind = PVE_SECTION_HEAD;
	}
}

bool pve_section_read_line(struct pve_section_reader *reader, struct pve_section_line *ret_line)
{
	struct bytes contents = reader->contents;
	size_t start = reader->offset, end = contents.size;
	const char *newline;

	if (start >= contents.size)
		return false;
	newline = memchr(contents.data + start, '\n', contents.size - start);
	if (newline)
		end = (size_t)(newline - contents.data);
	reader->offset = newline ? end + 1 : end;
	*ret_line = (struct pve_section_line){
		.text = bytes_slice(contents, start, end - start),
		.offset = start,
		.next = reader->offset,
		.number = ++reader->number,
	};
	judge(reader, ret_line);
	return true;
}
