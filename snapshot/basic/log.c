/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/log.h"

#include <stdio.h>

#include "snapshot/basic/buffer.h"

static void log_to_stderr(enum log_level level, const char *text, const char *message_id,
			  const struct log_field *fields, size_t n_fields)
{
	(void)level;
	(void)message_id;
	(void)fields;
	(void)n_fields;
	(void)fprintf(stderr, "hwrecover: %s\n", text);
}

static log_sink_t current_sink = log_to_stderr;
static enum log_level current_max_level = LOG_LEVEL_NOTICE;

void log_set_sink(log_sink_t sink)
{
	current_sink = sink;
}

void log_set_max_level(enum log_level level)
{
	current_max_level = level;
}

enum log_level log_max_level(void)
{
	return current_max_level;
}

static _printf_(5, 0) void log_formatted(enum log_level level, const char *message_id,
					 const struct log_field *fields, size_t n_fields,
					 const char *format, va_list arguments)
{
	struct buffer text = { 0 };

	if (level > current_max_level)
		return;
	buffer_appendv(&text, format, arguments);
	current_sink(level, text.failed || !text.data ? format : text.data, message_id, fields,
		     n_fields);
	buffer_done(&text);
}

void log_message(enum log_level level, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_formatted(level, NULL, NULL, 0, format, arguments);
	va_end(arguments);
}

void log_event(enum log_level level, const char *message_id, const struct log_field *fields,
	       size_t n_fields, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_formatted(level, message_id, fields, n_fields, format, arguments);
	va_end(arguments);
}
