/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/tab-fields.h"

#include <errno.h>

#include "snapshot/basic/number.h"

void tab_field_append(struct buffer *buffer, struct bytes value)
{
	buffer_append_char(buffer, '\t');
	if (tab_field_is_unknown(value)) {
		buffer_append_text(buffer, "%2D");
		return;
	}
	for (size_t i = 0; i < value.size; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if (c <= ' ' || c == '%' || c == 0x7f)
			buffer_appendf(buffer, "%%%02X", c);
		else
			buffer_append_char(buffer, (char)c);
	}
}

void tab_field_append_text(struct buffer *buffer, const char *text)
{
	if (text)
		tab_field_append(buffer, bytes_of(text));
	else
		buffer_append_text(buffer, "\t-");
}

bool tab_field_next(struct bytes *rest, struct bytes *ret_field)
{
	const char *tab;
	size_t size;

	if (rest->size == 0 || rest->data[0] != '\t')
		return false;
	tab = memchr(rest->data + 1, '\t', rest->size - 1);
	size = tab ? (size_t)(tab - rest->data) : rest->size;
	*ret_field = bytes_slice(*rest, 1, size - 1);
	*rest = bytes_slice(*rest, size, rest->size - size);
	return true;
}

/* The byte that the escape at @at stands for, or -1. */
static int read_escape(struct bytes field, size_t at)
{
	int high, low;

	if (field.size - at < 3)
		return -1;
	high = number_hex_digit(field.data[at + 1]);
	low = number_hex_digit(field.data[at + 2]);
	return high < 0 || low < 0 || high + low == 0 ? -1 : high << 4 | low;
}

int tab_field_read(struct arena *arena, struct bytes field, const char **ret_text)
{
	size_t size = 0;
	char *text;

	if (tab_field_is_unknown(field)) {
		*ret_text = NULL;
		return 0;
	}
	text = arena_allocate(arena, field.size + 1);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < field.size; i++) {
		int byte = (unsigned char)field.data[i];

		if (byte == '%') {
			byte = read_escape(field, i);
			i += 2;
		}
		if (byte <= 0)
			return -EILSEQ;
		text[size++] = (char)byte;
	}
	*ret_text = text;
	return 0;
}
