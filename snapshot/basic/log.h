/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the program says about its own running. Results (a plan, a list) are not logged but
 * printed; findings are data. Library code logs only what no caller could: everything else is
 * returned, and said once by whoever decides what to do about it.
 */
#pragma once

#include <stddef.h>

#include "snapshot/basic/macro.h"

/* As syslog(3) and the journal number them. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/**
 * struct log_field - One structured field
 * @name:  journal field name, upper case: "HWRECOVER_FILE"
 * @value: its value; a NULL value leaves the field out
 */
struct log_field {
	const char *name;
	const char *value;
};

/**
 * log_sink_t - Where messages go
 * @message_id: 128-bit id of the kind of event as 32 hex digits (systemd.journal-fields(7)), or
 *              NULL for messages that are no event
 * @fields:     @n_fields structured fields
 *
 * The program installs one that writes to the journal, to stderr, or to /dev/kmsg; the layers
 * below do not know which. The default writes "hwrecover: TEXT" lines to stderr.
 */
typedef void (*log_sink_t)(enum log_level level, const char *text, const char *message_id,
			   const struct log_field *fields, size_t n_fields);

void log_set_sink(log_sink_t sink);

/* Messages of a level above this are dropped; LOG_LEVEL_NOTICE at start. */
void log_set_max_level(enum log_level level);
enum log_level log_max_level(void);

_printf_(2, 3) void log_message(enum log_level level, const char *format, ...);
_printf_(5, 6) void log_event(enum log_level level, const char *message_id,
			      const struct log_field *fields, size_t n_fields, const char *format,
			      ...);

#define log_error(...)   log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_message(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)
