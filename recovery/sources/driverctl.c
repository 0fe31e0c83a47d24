/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /etc/driverctl.d: a file a device. Its name is the device's, its contents a driver, which
 * driverctl(8) binds the device to when udev announces it.
 */
#include <errno.h>

#include "recovery/sources/bind-words.h"
#include "recovery/sources/bind.h"
#include "recovery/sources/managed-file.h"

#define DRIVERCTL_FILES "/etc/driverctl.d/pci-*"
#define NAME_PREFIX     "pci-"

static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* The address that a file is named after, as the kernel spells it: udev looks for no other file. */
static bool read_name(const char *path, const char **ret_text, struct pci_address *ret_address)
{
	const char *name = name_of(path);
	struct pci_address_name spelling;
	struct pci_address address;

	if (strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) != 0)
		return false;
	name += strlen(NAME_PREFIX);
	if (pci_address_parse(bytes_of(name), &address) < 0 ||
	    strcmp(pci_address_show(&address, &spelling), name) != 0)
		return false;
	*ret_text = name;
	*ret_address = address;
	return true;
}

static bool is_override(const struct root *root, const char *path, const char **cause)
{
	_cleanup_free_ char *resolved = NULL;
	struct pci_address address;
	const char *text;

	if (!read_name(path, &text, &address))
		return false;
	if (root_resolve(root, path, &resolved) == 0 &&
	    strcmp(name_of(resolved), name_of(path)) != 0)
		*cause = "is a symbolic link to a file of another name";
	return true;
}

/* What $(< FILE) gives of a file of one line. */
static struct bytes read_driver(struct bytes text)
{
	const char *newline = text.size ? memchr(text.data, '\n', text.size) : NULL;

	if (newline)
		text.size = (size_t)(newline - text.data);
	while (text.size > 0 &&
	       (text.data[text.size - 1] == ' ' ||
		(text.data[text.size - 1] >= '\t' && text.data[text.size - 1] <= '\r')))
		text.size--;
	return text;
}

static int scan_document(struct document *document)
{
	struct bytes text = document_bytes(document), driver = read_driver(text);
	struct pci_address address;
	struct reference *reference;
	uint64_t digest = bytes_digest(text, BYTES_DIGEST_SEED);
	const char *name;
	int r;

	r = document_add_line_digest(document, digest);
	if (r < 0)
		return r;
	if (!bind_driver_is_for_guests(driver) || !read_name(document->path, &name, &address))
		return 0;
	reference = document_add_reference(document);
	if (!reference)
		return -ENOMEM;
	*reference = (struct reference){
		.kind = REFERENCE_ADDRESS,
		.line = 1,
		.certain = true,
		.key = "driver",
		.line_digest = digest,
		.shape = PARK_FILE,
		.address = address,
	};
	reference->block = arena_copy(&document->arena, driver);
	reference->in_name = arena_copy_text(&document->arena, name);
	return reference->block && reference->in_name ? 0 : -ENOMEM;
}

static int scan_driverctl(const struct source *source, const struct scan_context *context,
			  struct documents *documents, const struct name_set *names)
{
	int r = 0;

	(void)context;
	(void)names;
	for (size_t i = 0; i < documents->n_items && r == 0; i++) {
		struct document *document = documents->items[i];

		if (document->source != source || document->unfit)
			continue;
		r = scan_document(document);
		document_finish(document);
	}
	return r;
}

static int collect_driverctl(const struct source *source, const struct scan_context *context,
			     struct documents *documents, struct problem *problem)
{
	return managed_files_collect(source, context->root, DRIVERCTL_FILES, is_override, documents,
				     problem);
}

const struct source driverctl_source = {
	.name = "driverctl",
	.collect = collect_driverctl,
	.scan = scan_driverctl,
	.check = managed_file_check_nothing,
};
