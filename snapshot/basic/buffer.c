/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/buffer.h"

#include <errno.h>
#include <stdio.h>

void buffer_done(struct buffer *buffer)
{
	if (!buffer)
		return;
	free(buffer->data);
	*buffer = (struct buffer){ 0 };
}

/* Makes room for @more bytes and a NUL. */
static bool buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t wanted, allocated;
	char *data;

	if (buffer->failed)
		return false;
	if (__builtin_add_overflow(buffer->size, more, &wanted) ||
	    __builtin_add_overflow(wanted, 1, &wanted)) {
		buffer->failed = true;
		return false;
	}
	if (wanted <= buffer->allocated)
		return true;

	allocated = MAX_OF(wanted, buffer->allocated * 2);
	allocated = MAX_OF(allocated, (size_t)64);
	data = realloc(buffer->data, allocated);
	if (!data) {
		buffer->failed = true;
		return false;
	}
	buffer->data = data;
	buffer->allocated = allocated;
	return true;
}

void buffer_append(struct buffer *buffer, struct bytes bytes)
{
	if (!buffer_reserve(buffer, bytes.size))
		return;
	if (bytes.size)
		memcpy(buffer->data + buffer->size, bytes.data, bytes.size);
	buffer->size += bytes.size;
	buffer->data[buffer->size] = '\0';
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
	buffer_append(buffer, bytes_of(text));
}

void buffer_append_char(struct buffer *buffer, char c)
{
	buffer_append(buffer, bytes_make(&c, 1));
}

void buffer_appendv(struct buffer *buffer, const char *format, va_list arguments)
{
	va_list again;
	int size;

	va_copy(again, arguments);
	size = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (size < 0) {
		buffer->failed = true;
		return;
	}
	if (!buffer_reserve(buffer, (size_t)size))
		return;
	(void)vsnprintf(buffer->data + buffer->size, (size_t)size + 1, format, arguments);
	buffer->size += (size_t)size;
}

void buffer_appendf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	buffer_appendv(buffer, format, arguments);
	va_end(arguments);
}

int buffer_finish(struct buffer *buffer, char **ret_text, size_t *ret_size)
{
	if (!buffer_reserve(buffer, 0))
		return -ENOMEM;
	buffer->data[buffer->size] = '\0';
	*ret_text = buffer->data;
	if (ret_size)
		*ret_size = buffer->size;
	*buffer = (struct buffer){ 0 };
	return 0;
}
