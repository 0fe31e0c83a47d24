/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libvirt-guests(8) starts as it ran at shutdown, however autostart is set: a line for each
 * connection, "URI UUID UUID…". The file is gone once it was read.
 */
#include "recovery/sources/libvirt.h"

#include <errno.h>

#include "recovery/sources/managed-file.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t skip_blanks(struct bytes text, size_t at)
{
	while (at < text.size && is_blank(text.data[at]))
		at++;
	return at;
}

static size_t word_end(struct bytes text, size_t at)
{
	while (at < text.size && !is_blank(text.data[at]))
		at++;
	return at;
}

/* Whether the domains of a connection are those of /etc/libvirt/qemu. */
static bool is_system_uri(struct bytes uri)
{
	static const char *const prefixes[] = { "qemu:///system", "qemu+unix:///system" };

	/* What virsh connects to without -c; root's is the system's. */
	if (bytes_equal_text(uri, "default"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (bytes_start_with(uri, bytes_of(prefixes[i])) &&
		    (uri.size == strlen(prefixes[i]) || uri.data[strlen(prefixes[i])] == '?'))
			return true;
	return false;
}

/* @word is a part of the document, the blanks before it too. */
static int add_guest(struct document *document, struct span word, const char *uuid)
{
	_cleanup_(buffer_done) struct buffer guest = { 0 };
	struct start_switch *start_switch = document_add_switch(document);

	if (!start_switch)
		return -ENOMEM;
	buffer_appendf(&guest, "uuid:%s", uuid);
	*start_switch = (struct start_switch){
		.kind = SWITCH_ONCE,
		.guest = guest.failed ? NULL : arena_copy(&document->arena, buffer_bytes(&guest)),
		.on = true,
		.span = word,
		.off = "",
	};
	return start_switch->guest ? 0 : -ENOMEM;
}

/* @offset is where the line stands in the document. */
static int scan_line(struct document *document, struct bytes line, size_t offset)
{
	size_t start = skip_blanks(line, 0), end = word_end(line, start);
	int r = 0;

	if (!is_system_uri(bytes_slice(line, start, end - start)))
		return 0;
	while (end < line.size && r == 0) {
		size_t before = end;
		struct libvirt_uuid uuid;

		start = skip_blanks(line, before);
		end = word_end(line, start);
		if (libvirt_uuid_parse(bytes_slice(line, start, end - start), &uuid) == 0)
			r = add_guest(document, (struct span){ offset + before, end - before },
				      uuid.text);
	}
	return r;
}

static int scan_document(struct document *document)
{
	struct bytes text = document_bytes(document);
	int r = 0;

	for (size_t start = 0, end; start < text.size && r == 0; start = end + 1) {
		const char *newline = memchr(text.data + start, '\n', text.size - start);
		struct bytes line;

		end = newline ? (size_t)(newline - text.data) : text.size;
		line = bytes_slice(text, start, end - start);
		r = document_add_line_digest(document, bytes_digest(line, BYTES_DIGEST_SEED));
		if (r == 0)
			r = scan_line(document, line, start);
	}
	document_finish(document);
	return r;
}

static int scan_guests(const struct source *source, const struct scan_context *context,
		       struct documents *documents, const struct name_set *names)
{
	int r = 0;

	(void)context;
	(void)names;
	for (size_t i = 0; i < documents->n_items && r == 0; i++)
		if (documents->items[i]->source == source && !documents->items[i]->unfit)
			r = scan_document(documents->items[i]);
	return r;
}

static int collect_guests(const struct source *source, const struct scan_context *context,
			  struct documents *documents, struct problem *problem)
{
	int r = managed_file_add(source, context->root, LIBVIRT_RUNNING, documents);

	return r < 0 ? problem_set_errno(problem, r, LIBVIRT_RUNNING, "read") : 0;
}

const struct source libvirt_guests_source = {
	.name = "libvirt-guests",
	.is_guest = true,
	.collect = collect_guests,
	.scan = scan_guests,
	.check = managed_file_check_nothing,
};
