/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/fields.h"

bool fields_next_item(struct bytes *rest, char separator, struct bytes *ret_item)
{
	const char *end;
	size_t size;

	if (rest->size == 0)
		return false;
	end = memchr(rest->data, separator, rest->size);
	size = end ? (size_t)(end - rest->data) : rest->size;
	*ret_item = bytes_slice(*rest, 0, size);
	size += end ? 1 : 0;
	*rest = bytes_slice(*rest, size, rest->size - size);
	return true;
}

bool fields_next_line(struct bytes *rest, struct bytes *ret_line)
{
	return fields_next_item(rest, '\n', ret_line);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool fields_next(struct bytes *rest, struct bytes *ret_field)
{
	size_t start = 0, end;

	while (start < rest->size && is_blank(rest->data[start]))
		start++;
	end = start;
	while (end < rest->size && !is_blank(rest->data[end]))
		end++;
	if (end == start)
		return false;
	*ret_field = bytes_slice(*rest, start, end - start);
	*rest = bytes_slice(*rest, end, rest->size - end);
	return true;
}

bool fields_have_option(struct bytes options, const char *word)
{
	struct bytes item;

	while (fields_next_item(&options, ',', &item))
		if (bytes_equal_text(item, word))
			return true;
	return false;
}

/* "\040": the byte that is meant, or -1. */
static int read_escape(struct bytes text)
{
	int value = 0;

	if (text.size < 4 || text.data[0] != '\\')
		return -1;
	for (size_t i = 1; i < 4; i++) {
		if (text.data[i] < '0' || text.data[i] > '7')
			return -1;
		value = value * 8 + (text.data[i] - '0');
	}
	return value > 0 && value <= UINT8_MAX ? value : -1;
}

const char *fields_unescape(struct arena *arena, struct bytes field)
{
	char *copy = arena_allocate(arena, field.size + 1);
	size_t n = 0;

	if (!copy)
		return NULL;
	for (size_t i = 0; i < field.size; i++) {
		int value = read_escape(bytes_slice(field, i, field.size - i));

		copy[n++] = value < 0 ? field.data[i] : (char)value;
		if (value >= 0)
			i += 3;
	}
	copy[n] = '\0';
	return copy;
}
