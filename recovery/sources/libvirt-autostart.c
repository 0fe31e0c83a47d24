/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which domains libvirt's QEMU driver starts with itself: those whose file a link in autostart/
 * leads to. The link has the name of that file, not of the domain, though they are the same
 * wherever libvirt wrote them (virDomainObjListLoadConfig()).
 */
#include "recovery/sources/libvirt.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "recovery/sources/managed-file.h"

#define LINKS       LIBVIRT_AUTOSTART "/*.xml"
#define FILE_ENDING ".xml"

static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

static const char *unfit_cause(struct document *document, int error)
{
	_cleanup_(buffer_done) struct buffer text = { 0 };

	if (error == -EINVAL)
		return "is no symbolic link";
	buffer_appendf(&text, "cannot be read: %s", strerror(-error));
	return text.failed ? NULL : arena_copy(&document->arena, buffer_bytes(&text));
}

/* Return: 1 with a new document, 0 if there is nothing any more, or -ENOMEM. */
static int read_link(const struct source *source, int dir_fd, const char *path,
		     struct documents *documents)
{
	struct file_attributes attributes = { 0 };
	_cleanup_free_ char *target = NULL;
	struct document *document;
	size_t size = 0;
	int r = file_read_link_at(dir_fd, name_of(path), PATH_MAX, &target, &size, &attributes);

	if (r == -ENOENT)
		return 0;
	if (r == -ENOMEM)
		return r;
	document = documents_add(documents, path);
	if (!document) {
		file_attributes_done(&attributes);
		return -ENOMEM;
	}
	document->source = source;
	if (r < 0) {
		document->unfit = unfit_cause(document, r);
		return document->unfit ? 1 : -ENOMEM;
	}
	document->data = TAKE_PTR(target);
	document->size = size;
	document->attributes = attributes;
	return 1;
}

static int read_links(const struct source *source, int dir_fd, char *const *paths,
		      struct documents *documents)
{
	unsigned int n = 0;

	for (size_t i = 0; paths[i]; i++) {
		int r;

		if (documents_find(documents, paths[i]))
			continue;
		if (n == MANAGED_FILES_MAX)
			return document_add_note(documents->items[documents->n_items - 1], 1,
						 "%s: more than %u links: the others are not read",
						 source->name, MANAGED_FILES_MAX);
		r = read_link(source, dir_fd, paths[i], documents);
		if (r < 0)
			return r;
		n += (unsigned int)r;
	}
	return 0;
}

static int collect_links(const struct source *source, const struct scan_context *context,
			 struct documents *documents, struct problem *problem)
{
	_cleanup_close_ int dir_fd = root_open_directory(context->root, LIBVIRT_AUTOSTART, 0);
	char **paths = NULL;
	int r = dir_fd;

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r >= 0)
		r = root_glob(context->root, LINKS, &paths);
	if (r >= 0) {
		r = read_links(source, dir_fd, paths, documents);
		root_glob_free(paths);
	}
	return r < 0 ? problem_set_errno(problem, r, LIBVIRT_AUTOSTART, "read") : 0;
}

/* The guest whose file the link is named after; NULL if that file does not say. */
static const char *find_guest(const struct root *root, const char *name,
			      const struct documents *documents)
{
	_cleanup_free_ char *resolved = NULL;
	const struct document *domain;
	char path[PATH_MAX];
	int size = snprintf(path, sizeof(path), LIBVIRT_DOMAINS "/%s", name);

	if (size < 0 || (size_t)size >= sizeof(path) || root_resolve(root, path, &resolved) < 0)
		return NULL;
	domain = documents_find(documents, resolved);
	return domain && domain->guest ? domain->guest->id : NULL;
}

static const char *copy_guest(struct document *document, const struct root *root,
			      const struct documents *documents)
{
	const char *name = name_of(document->path), *found = find_guest(root, name, documents);
	_cleanup_(buffer_done) struct buffer guest = { 0 };

	if (found)
		return arena_copy_text(&document->arena, found);
	buffer_append_text(&guest, "libvirt/");
	buffer_append(&guest, bytes_make(name, strlen(name) - strlen(FILE_ENDING)));
	return guest.failed ? NULL : arena_copy(&document->arena, buffer_bytes(&guest));
}

static int scan_link(struct document *document, const struct root *root,
		     const struct documents *documents)
{
	uint64_t digest = bytes_digest(document_bytes(document), BYTES_DIGEST_SEED);
	struct start_switch *start_switch;
	int r = document_add_line_digest(document, digest);

	if (r < 0)
		return r;
	start_switch = document_add_switch(document);
	if (!start_switch)
		return -ENOMEM;
	*start_switch = (struct start_switch){
		.kind = SWITCH_AUTOSTART,
		.guest = copy_guest(document, root, documents),
		.on = true,
		.off = "",
		.file = true,
	};
	return start_switch->guest ? 0 : -ENOMEM;
}

static int scan_links(const struct source *source, const struct scan_context *context,
		      struct documents *documents, const struct name_set *names)
{
	int r = 0;

	(void)names;
	for (size_t i = 0; i < documents->n_items && r == 0; i++) {
		struct document *document = documents->items[i];

		if (document->source != source || document->unfit)
			continue;
		r = scan_link(document, context->root, documents);
		document_finish(document);
	}
	return r;
}

const struct source libvirt_autostart_source = {
	.name = "libvirt-autostart",
	.is_guest = true,
	.collect = collect_links,
	.scan = scan_links,
	.check = managed_file_check_nothing,
};
