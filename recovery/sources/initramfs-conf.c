/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The NIC that the initramfs configures: DEVICE and IP in /etc/initramfs-tools/initramfs.conf and
 * conf.d, which are copied to the image and read by a shell there. initramfs.conf(5).
 */
#include <errno.h>

#include "recovery/sources/bind.h"
#include "recovery/sources/kernel-arguments.h"
#include "recovery/sources/managed-file.h"
#include "recovery/sources/shell-assignment.h"

static bool is_device(struct bytes name)
{
	return bytes_equal_text(name, "DEVICE");
}

static bool is_variable(struct bytes name)
{
	return is_device(name) || bytes_equal_text(name, "IP");
}

static int scan_value(struct document *document, const struct name_set *names, struct bytes name,
		      const struct joined_line *line, uint64_t digest, struct line_cursor *cursor)
{
	struct span value = { 0, joined_line_text(line).size };
	struct reference mention = {
		.certain = true,
		.block = "",
		.key = is_device(name) ? "DEVICE" : "IP",
		.line_digest = digest,
		.shape = PARK_NEVER,
		.extent = line->extent,
	};
	int r = document_add_line_digest(document, digest);

	if (r < 0)
		return r;
	if (is_device(name))
		return kernel_nic_add(document, names, line, value, &mention, cursor);
	return kernel_ip_add_nics(document, names, line, value, &mention, cursor);
}

static int scan_document(struct document *document, const struct name_set *names)
{
	struct shell_reader reader = { .text = document_bytes(document) };
	struct line_cursor cursor = { 0, 1 };
	struct joined_line line = { 0 };
	struct span name;
	uint64_t digest;
	int r;

	while ((r = shell_next_assignment(&reader, is_variable, &line, &name, &digest)) > 0) {
		r = scan_value(document, names, document_text(document, name), &line, digest,
			       &cursor);
		if (r < 0)
			break;
	}
	joined_line_done(&line);
	document_finish(document);
	return r;
}

static int scan_initramfs_conf(const struct source *source, const struct scan_context *context,
			       struct documents *documents, const struct name_set *names)
{
	int r = 0;

	(void)context;
	for (size_t i = 0; i < documents->n_items && r == 0; i++)
		if (documents->items[i]->source == source && !documents->items[i]->unfit)
			r = scan_document(documents->items[i], names);
	return r;
}

static int collect_initramfs_conf(const struct source *source, const struct scan_context *context,
				  struct documents *documents, struct problem *problem)
{
	static const char *const patterns[] = {
		"/etc/initramfs-tools/initramfs.conf",
		"/etc/initramfs-tools/conf.d/*",
	};
	size_t first = documents->n_items;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(patterns) && r == 0; i++)
		r = managed_files_collect(source, context->root, patterns[i], NULL, documents,
					  problem);
	for (size_t i = first; i < documents->n_items; i++)
		documents->items[i]->in_image = true;
	return r;
}

const struct source initramfs_conf_source = {
	.name = "initramfs-conf",
	.collect = collect_initramfs_conf,
	.scan = scan_initramfs_conf,
	.check = managed_file_check_nothing,
};
