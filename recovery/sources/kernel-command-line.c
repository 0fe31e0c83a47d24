/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel command line where it is configured: /etc/kernel/cmdline, and the variables
 * GRUB_CMDLINE_LINUX… of /etc/default/grub and grub.d, which grub-mkconfig(8) has a shell read. A
 * mistake there would only show at the next boot: only `apply` edits them.
 */
#include <errno.h>

#include "recovery/sources/bind.h"
#include "recovery/sources/kernel-arguments.h"
#include "recovery/sources/line-addresses.h"
#include "recovery/sources/managed-file.h"
#include "recovery/sources/shell-assignment.h"

#define KERNEL_DIRECTORY "/etc/kernel/"
#define CMDLINE_FILE     KERNEL_DIRECTORY "cmdline"
#define GRUB_FILE        "/etc/default/grub"
#define GRUB_FILES       "/etc/default/grub.d/*.cfg"

/**
 * struct scan - A walk through one file
 * @line:   the command line under way, or the part of it that one variable holds
 * @block:  that variable, or ""
 * @cursor: in the document
 */
struct scan {
	struct document *document;
	const struct name_set *names;
	struct joined_line line;
	const char *block;
	struct line_cursor cursor;
	struct line_addresses addresses;
};

static bool hides_from_xen(struct bytes name)
{
	return kernel_parameter_is(name, "xen-pciback.hide") ||
	       kernel_parameter_is(name, "pciback.hide");
}

static int scan_argument(struct scan *scan, const struct kernel_argument *argument,
			 const struct reference *mention)
{
	struct bytes text = joined_line_text(&scan->line), name, value;
	struct reference hidden = *mention;
	const char *driver;

	name = bytes_slice(text, argument->name.offset, argument->name.length);
	value = bytes_slice(text, argument->value.offset, argument->value.length);
	driver = kernel_parameter_ids_driver(name);
	if (driver) {
		unsigned int line =
			line_cursor_move(&scan->cursor, document_bytes(scan->document),
					 joined_line_offset(&scan->line, argument->name.offset));

		return ids_parse(scan->document, driver, value, line);
	}
	if (hides_from_xen(name)) {
		hidden.key = "xen-pciback.hide";
		return line_addresses_add(&scan->addresses, argument->value, &hidden);
	}
	return kernel_argument_add_nics(scan->document, scan->names, &scan->line, argument, mention,
					&scan->cursor);
}

static int scan_line(struct scan *scan, uint64_t digest)
{
	struct document *document = scan->document;
	struct bytes text = joined_line_text(&scan->line);
	struct reference mention = {
		.certain = true,
		.block = scan->block,
		.line_digest = digest,
		.shape = PARK_NEVER,
		.extent = scan->line.extent,
	};
	struct kernel_argument argument;
	int r;

	r = document_add_line_digest(document, digest);
	line_addresses_begin(&scan->addresses, &scan->line);
	for (size_t at = 0; r == 0 && kernel_argument_next(text, &at, &argument);)
		r = scan_argument(scan, &argument, &mention);
	return r;
}

/* As proxmox-boot-tool and kernel-install(8) take it; a '#' at the start of a line is a comment of
 * the latter's. */
static int scan_cmdline(struct scan *scan)
{
	struct bytes text = document_bytes(scan->document);
	int r = 0;

	scan->block = "";
	for (size_t start = 0, next; start < text.size && r == 0; start = next) {
		const char *newline = memchr(text.data + start, '\n', text.size - start);
		size_t end = newline ? (size_t)(newline - text.data) : text.size;

		next = MIN_OF(end + 1, text.size);
		if (text.data[start] == '#')
			continue;
		joined_line_clear(&scan->line);
		scan->line.extent = (struct span){ start, next - start };
		r = joined_line_add(&scan->line, text, start, end);
		if (r == 0 && end > start)
			r = scan_line(scan, words_digest(joined_line_text(&scan->line)));
	}
	return r;
}

static bool is_command_line_variable(struct bytes name)
{
	return bytes_start_with(name, bytes_of("GRUB_CMDLINE_LINUX"));
}

static int scan_grub(struct scan *scan)
{
	struct document *document = scan->document;
	struct shell_reader reader = { .text = document_bytes(document) };
	struct span name;
	uint64_t digest;
	int r;

	while ((r = shell_next_assignment(&reader, is_command_line_variable, &scan->line, &name,
					  &digest)) > 0) {
		scan->block = arena_copy(&document->arena, document_text(document, name));
		if (!scan->block)
			return -ENOMEM;
		r = scan_line(scan, digest);
		if (r < 0)
			return r;
	}
	return r;
}

static int scan_document(struct document *document, const struct name_set *names)
{
	struct scan scan = {
		.document = document,
		.names = names,
		.cursor = { 0, 1 },
		.addresses = { .document = document, .cursor = { 0, 1 } },
	};
	bool plain = strncmp(document->path, KERNEL_DIRECTORY, strlen(KERNEL_DIRECTORY)) == 0;
	int r = plain ? scan_cmdline(&scan) : scan_grub(&scan);

	joined_line_done(&scan.line);
	document_finish(document);
	return r;
}

static int scan_command_lines(const struct source *source, const struct scan_context *context,
			      struct documents *documents, const struct name_set *names)
{
	int r = 0;

	(void)context;
	for (size_t i = 0; i < documents->n_items && r == 0; i++)
		if (documents->items[i]->source == source && !documents->items[i]->unfit)
			r = scan_document(documents->items[i], names);
	return r;
}

static int collect_command_lines(const struct source *source, const struct scan_context *context,
				 struct documents *documents, struct problem *problem)
{
	static const char *const patterns[] = { CMDLINE_FILE, GRUB_FILE, GRUB_FILES };
	size_t first = documents->n_items;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(patterns) && r == 0; i++)
		r = managed_files_collect(source, context->root, patterns[i], NULL, documents,
					  problem);
	for (size_t i = first; i < documents->n_items; i++)
		documents->items[i]->only_by_apply = true;
	return r;
}

const struct source kernel_command_line_source = {
	.name = "kernel-command-line",
	.collect = collect_command_lines,
	.scan = scan_command_lines,
	.check = managed_file_check_nothing,
};
