/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where messages go: the journal with its fields, a line on stderr, or the kernel's log. */
#pragma once

#include <sys/stat.h>
#include <sys/uio.h>

#include "snapshot/basic/buffer.h"
#include "snapshot/basic/log.h"

enum log_target {
	LOG_TARGET_STDERR,
	LOG_TARGET_JOURNAL, /* stderr where journald cannot be reached */
	LOG_TARGET_KMSG,    /* stderr where /dev/kmsg cannot be written */
};

/* The journal when stderr leads there anyway (systemd.exec(5), $JOURNAL_STREAM), else stderr. */
enum log_target log_target_detect(void);

/* Send all messages there from now on. */
void log_use(enum log_target target);

/**
 * journal_stream_is() - Whether a file is the one $JOURNAL_STREAM names
 * @value: of the variable, "DEVICE:INODE" in decimal; NULL when it is not set
 */
bool journal_stream_is(const char *value, const struct stat *st);

/**
 * log_render_stderr() - One message as its line on stderr
 * @color: whether the line may be coloured
 * @utf8:  whether the reader's locale is UTF-8
 *
 * One line whatever @text holds: control characters in it are escaped.
 */
void log_render_stderr(enum log_level level, const char *text, bool color, bool utf8,
		       struct buffer *out);

/* One message as its record for /dev/kmsg, no longer than the kernel takes. */
void log_render_kmsg(enum log_level level, const char *text, struct buffer *out);

#define JOURNAL_FIELDS_MAX 32

/**
 * struct journal_entry - One message as its fields for the journal
 * @text:   "NAME=VALUE" one behind the other
 * @ends:   where each of the @n_fields ends in it
 * @vector: the same for sd_journal_sendv(); points into @text
 */
struct journal_entry {
	struct buffer text;
	size_t ends[JOURNAL_FIELDS_MAX];
	struct iovec vector[JOURNAL_FIELDS_MAX];
	size_t n_fields;
};

void journal_entry_done(struct journal_entry *entry);

/**
 * log_render_journal() - Put together one journal entry
 *
 * Fields beyond JOURNAL_FIELDS_MAX are left out.
 *
 * Return: 0, or -ENOMEM with nothing to release.
 */
_must_check_ int log_render_journal(enum log_level level, const char *text, const char *message_id,
				    const struct log_field *fields, size_t n_fields,
				    struct journal_entry *ret_entry);
