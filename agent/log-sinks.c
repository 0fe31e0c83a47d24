/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/log-sinks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* Without it every entry would claim to come from this file and line. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "agent/terminal.h"
#include "snapshot/basic/number.h"

/* The kernel cuts a record at 1024 bytes, its own prefix included (printk.c, LOG_LINE_MAX). */
#define KMSG_RECORD_MAX 960

/* LOG_DAEMON: what user space writes with the kernel's facility, 0, is turned into LOG_USER. */
#define KMSG_FACILITY 3

bool journal_stream_is(const char *value, const struct stat *st)
{
	struct bytes text = bytes_of(value);
	const char *colon = value ? strchr(value, ':') : NULL;
	size_t device_size;
	uint64_t device, inode;

	if (!colon)
		return false;
	device_size = (size_t)(colon - value);
	return number_parse(bytes_slice(text, 0, device_size), 10, UINT64_MAX, &device) == 0 &&
	       number_parse(bytes_of(colon + 1), 10, UINT64_MAX, &inode) == 0 &&
	       device == st->st_dev && inode == st->st_ino;
}

enum log_target log_target_detect(void)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) < 0 || !journal_stream_is(getenv("JOURNAL_STREAM"), &st))
		return LOG_TARGET_STDERR;
	/* sd_journal_sendv() reports success when there is no socket. */
	return access("/run/systemd/journal/socket", F_OK) == 0 ? LOG_TARGET_JOURNAL
								: LOG_TARGET_STDERR;
}

void log_render_stderr(enum log_level level, const char *text, bool color, bool utf8,
		       struct buffer *out)
{
	const struct terminal terminal = { .color = color };
	bool warning = level == LOG_LEVEL_WARNING;
	bool marked = warning || level <= LOG_LEVEL_ERROR;

	buffer_append_text(out, "hwrecover: ");
	if (marked)
		buffer_append_text(out,
				   terminal_style(&terminal, warning ? STYLE_YELLOW : STYLE_RED));
	if (warning)
		buffer_append_text(out, "warning: ");
	terminal_escape_line(bytes_of(text), utf8, out);
	if (marked)
		buffer_append_text(out, terminal_style(&terminal, STYLE_END));
	buffer_append_char(out, '\n');
}

static void write_once(int fd, struct bytes text)
{
	ssize_t written;

	do
		written = write(fd, text.data, text.size);
	while (written < 0 && errno == EINTR);
	/* There is nowhere to say that a message could not be written. */
}

static void log_to_stderr(enum log_level level, const char *text, const char *message_id,
			  const struct log_field *fields, size_t n_fields)
{
	struct buffer line = { 0 };
	struct terminal terminal;

	(void)message_id;
	(void)fields;
	(void)n_fields;
	terminal_look(STDERR_FILENO, &terminal);
	log_render_stderr(level, text, terminal.color, terminal.utf8, &line);
	/* In one piece, as several programs may write to one terminal. */
	if (!line.failed)
		write_once(STDERR_FILENO, buffer_bytes(&line));
	buffer_done(&line);
}

void log_render_kmsg(enum log_level level, const char *text, struct buffer *out)
{
	struct buffer record = { 0 };

	buffer_appendf(&record, "<%d>hwrecover: ", KMSG_FACILITY << 3 | (int)level);
	terminal_escape_line(bytes_of(text), true, &record);
	if (record.failed)
		out->failed = true;
	else
		buffer_append(
			out, bytes_make(record.data, MIN_OF(record.size, (size_t)KMSG_RECORD_MAX)));
	buffer_append_char(out, '\n');
	buffer_done(&record);
}

static void log_to_kmsg(enum log_level level, const char *text, const char *message_id,
			const struct log_field *fields, size_t n_fields)
{
	_cleanup_close_ int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	struct buffer record = { 0 };

	if (fd < 0) {
		log_to_stderr(level, text, message_id, fields, n_fields);
		return;
	}
	log_render_kmsg(level, text, &record);
	if (!record.failed)
		write_once(fd, buffer_bytes(&record));
	buffer_done(&record);
}

void journal_entry_done(struct journal_entry *entry)
{
	if (!entry)
		return;
	buffer_done(&entry->text);
	*entry = (struct journal_entry){ .n_fields = 0 };
}

static void journal_entry_add(struct journal_entry *entry, const char *name, const char *value)
{
	if (!value || entry->n_fields == JOURNAL_FIELDS_MAX)
		return;
	buffer_appendf(&entry->text, "%s=%s", name, value);
	entry->ends[entry->n_fields++] = entry->text.size;
}

int log_render_journal(enum log_level level, const char *text, const char *message_id,
		       const struct log_field *fields, size_t n_fields,
		       struct journal_entry *ret_entry)
{
	struct journal_entry entry = { .n_fields = 0 };
	const char priority[] = { (char)('0' + (int)level), '\0' };
	size_t start = 0;

	journal_entry_add(&entry, "MESSAGE", text);
	journal_entry_add(&entry, "PRIORITY", priority);
	journal_entry_add(&entry, "SYSLOG_IDENTIFIER", "hwrecover");
	journal_entry_add(&entry, "MESSAGE_ID", message_id);
	for (size_t i = 0; i < n_fields; i++)
		journal_entry_add(&entry, fields[i].name, fields[i].value);
	if (entry.text.failed) {
		journal_entry_done(&entry);
		return -ENOMEM;
	}

	for (size_t i = 0; i < entry.n_fields; i++) {
		entry.vector[i].iov_base = entry.text.data + start;
		entry.vector[i].iov_len = entry.ends[i] - start;
		start = entry.ends[i];
	}
	*ret_entry = entry;
	return 0;
}

static void log_to_journal(enum log_level level, const char *text, const char *message_id,
			   const struct log_field *fields, size_t n_fields)
{
	struct journal_entry entry;
	int r;

	r = log_render_journal(level, text, message_id, fields, n_fields, &entry);
	if (r == 0) {
		r = sd_journal_sendv(entry.vector, (int)entry.n_fields);
		journal_entry_done(&entry);
	}
	if (r < 0)
		log_to_stderr(level, text, message_id, fields, n_fields);
}

void log_use(enum log_target target)
{
	static const log_sink_t sinks[] = {
		[LOG_TARGET_STDERR] = log_to_stderr,
		[LOG_TARGET_JOURNAL] = log_to_journal,
		[LOG_TARGET_KMSG] = log_to_kmsg,
	};

	log_set_sink(sinks[target]);
}
