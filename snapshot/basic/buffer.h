/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes that grow at the end. */
#pragma once

#include <stdarg.h>

#include "snapshot/basic/bytes.h"

/**
 * struct buffer - Growing bytes, NUL-terminated behind the last one
 *
 * Zero-initialised is empty. An append that runs out of memory marks the buffer as failed and all
 * later appends do nothing, so that text is put together without a check a line:
 * buffer_finish() says whether all went well.
 */
struct buffer {
	char *data;
	size_t size;
	size_t allocated;
	bool failed;
};

void buffer_done(struct buffer *buffer);

void buffer_append(struct buffer *buffer, struct bytes bytes);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char c);
_printf_(2, 3) void buffer_appendf(struct buffer *buffer, const char *format, ...);
_printf_(2, 0) void buffer_appendv(struct buffer *buffer, const char *format, va_list arguments);

/* What was appended so far; borrowed, valid until the next append. */
static inline struct bytes buffer_bytes(const struct buffer *buffer)
{
	return (struct bytes){ buffer->data, buffer->size };
}

/**
 * buffer_finish() - Take the text out of a buffer
 * @buffer:   is empty afterwards
 * @ret_text: the text, NUL-terminated, to be freed; never NULL on success
 * @ret_size: its size without the NUL, or NULL where that is not wanted
 *
 * Return: 0, or -ENOMEM when any append had failed.
 */
_must_check_ int buffer_finish(struct buffer *buffer, char **ret_text, size_t *ret_size);
