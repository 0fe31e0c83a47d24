/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/guard-report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/file.h"
#include "snapshot/basic/number.h"
#include "snapshot/basic/tab-fields.h"
#include "snapshot/fields.h"

#define DIRECTORY   "/run/hwrecover"
#define HEAD        "hwrecover-guard 1"
#define REPORT_SIZE (1024U * 1024)

static const char *const deeds[_GUARD_DEED_MAX] = {
	[GUARD_DISARMED] = "disarmed", [GUARD_ARMED] = "armed",     [GUARD_RELOCATED] = "relocated",
	[GUARD_KEPT] = "kept",         [GUARD_RENAMED] = "renamed", [GUARD_LEFT] = "left",
};

const char *guard_deed_to_string(enum guard_deed deed)
{
	return deeds[deed];
}

void guard_report_done(struct guard_report *report)
{
	if (!report)
		return;
	free(report->entries);
	arena_done(&report->arena);
	*report = (struct guard_report){ 0 };
}

int guard_report_add(struct guard_report *report, const struct guard_entry *entry)
{
	struct guard_entry copy = *entry;
	int r = ARRAY_RESERVE(report->entries, report->n_entries, report->entries_allocated);

	if (r < 0)
		return r;
	copy.path = arena_copy_text(&report->arena, entry->path);
	copy.reason = arena_copy_text(&report->arena, entry->reason);
	if ((entry->path && !copy.path) || !copy.reason)
		return -ENOMEM;
	report->entries[report->n_entries++] = copy;
	return 0;
}

/* As they are shown: by file, line and address. */
static int compare_entries(const void *a, const void *b)
{
	const struct guard_entry *one = a, *other = b;
	int order = strcmp(one->path ? one->path : "", other->path ? other->path : "");

	if (order != 0)
		return order;
	if (one->line != other->line)
		return one->line < other->line ? -1 : 1;
	order = pci_address_compare(&one->address, &other->address);
	return order != 0 ? order : strcmp(one->reason, other->reason);
}

static void append_entry(struct buffer *text, const struct guard_entry *entry)
{
	struct pci_address_name name;

	buffer_append_text(text, deeds[entry->deed]);
	tab_field_append_text(text, entry->path);
	if (entry->line > 0)
		buffer_appendf(text, "\t%u", entry->line);
	else
		tab_field_append_text(text, NULL);
	tab_field_append_text(text,
			      entry->has_address ? pci_address_show(&entry->address, &name) : NULL);
	tab_field_append_text(text, entry->reason);
	buffer_append_char(text, '\n');
}

int guard_report_write(const struct root *root, struct guard_report *report)
{
	_cleanup_close_ int dir_fd = -1;
	_cleanup_(buffer_done) struct buffer text = { 0 };

	if (report->n_entries)
		qsort(report->entries, report->n_entries, sizeof(*report->entries),
		      compare_entries);
	buffer_append_text(&text, HEAD "\n");
	for (size_t i = 0; i < report->n_entries; i++)
		append_entry(&text, &report->entries[i]);
	if (text.failed)
		return -ENOMEM;
	dir_fd = root_open_directory(root, DIRECTORY, 0755);
	if (dir_fd < 0)
		return dir_fd;
	return file_write_at(dir_fd, GUARD_REPORT_NAME, buffer_bytes(&text), 0644, false);
}

static enum guard_deed find_deed(struct bytes word)
{
	for (int i = 0; i < _GUARD_DEED_MAX; i++)
		if (bytes_equal_text(word, deeds[i]))
			return (enum guard_deed)i;
	return _GUARD_DEED_INVALID;
}

/* Return: 1 with the entry read, 0 when the line is none, or -ENOMEM. */
static int read_entry(struct arena *arena, struct bytes line, struct guard_entry *ret_entry)
{
	struct guard_entry entry = { 0 };
	struct bytes path, number, address, reason, rest;
	const char *tab = memchr(line.data, '\t', line.size);
	size_t size = tab ? (size_t)(tab - line.data) : line.size;
	uint64_t value = 0;
	int r;

	entry.deed = find_deed(bytes_slice(line, 0, size));
	rest = bytes_slice(line, size, line.size - size);
	if ((int)entry.deed < 0 || !tab_field_next(&rest, &path) ||
	    !tab_field_next(&rest, &number) || !tab_field_next(&rest, &address) ||
	    !tab_field_next(&rest, &reason))
		return 0;
	if (!tab_field_is_unknown(number) && number_parse(number, 10, UINT_MAX, &value) < 0)
		return 0;
	entry.line = (unsigned int)value;
	entry.has_address = !tab_field_is_unknown(address);
	if (entry.has_address && pci_address_parse(address, &entry.address) < 0)
		return 0;
	r = tab_field_read(arena, path, &entry.path);
	if (r == 0)
		r = tab_field_read(arena, reason, &entry.reason);
	if (r < 0)
		return r == -EILSEQ ? 0 : r;
	*ret_entry = entry;
	return entry.reason ? 1 : 0;
}

static int read_entries(struct bytes text, struct guard_report *report)
{
	struct guard_entry entry;
	struct bytes line;
	int r;

	while (fields_next_line(&text, &line)) {
		r = read_entry(&report->arena, line, &entry);
		if (r > 0)
			r = ARRAY_RESERVE(report->entries, report->n_entries,
					  report->entries_allocated) < 0
				    ? -ENOMEM
				    : 1;
		if (r < 0)
			return r;
		if (r > 0)
			report->entries[report->n_entries++] = entry;
	}
	return 0;
}

int guard_report_read(const struct root *root, struct guard_report *ret_report,
		      struct problem *problem)
{
	_cleanup_close_ int fd =
		root_openat(root, GUARD_REPORT_PATH, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	_cleanup_free_ char *text = NULL;
	struct guard_report report = { 0 };
	struct root_name shown;
	struct bytes rest, head;
	size_t size = 0;
	int r = fd;

	if (fd == -ENOENT) {
		*ret_report = report;
		return 0;
	}
	if (r >= 0)
		r = file_read_fd(fd, REPORT_SIZE, &text, &size);
	if (r < 0)
		return problem_set_errno(problem, r, root_show(root, GUARD_REPORT_PATH, &shown),
					 "read");
	rest = bytes_make(text, size);
	if (!fields_next_line(&rest, &head) || !bytes_equal_text(head, HEAD))
		return problem_set(problem, -EBADMSG, root_show(root, GUARD_REPORT_PATH, &shown), 1,
				   "is not written by a guard of this version");
	r = read_entries(rest, &report);
	if (r < 0) {
		guard_report_done(&report);
		return problem_set_errno(problem, r, root_show(root, GUARD_REPORT_PATH, &shown),
					 "read");
	}
	*ret_report = report;
	return 1;
}
