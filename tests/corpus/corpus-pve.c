/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Real files of Proxmox VE's guests through their scanners.
 *
 *     corpus-pve FILE|DIRECTORY…
 *
 * A file is a virtual machine's if its path contains "qemu-server", a container's if it contains
 * "lxc"; others are passed over. Each: what is found and written back unchanged gives the same
 * bytes; each mention changed, each device held and each switch turned off touches its own line
 * alone, is found again there, and changes nothing else that is found.
 *
 * $HWRECOVER_CORPUS names further ones, separated by ':'. With $HWRECOVER_CORPUS_VERBOSE set, what
 * is found is printed. Exits with 77, which stands for "skipped", when there is no file.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "recovery/sources/address-token.h"
#include "recovery/sources/pve.h"

#define EXIT_SKIPPED 77
#define FILE_MAX     (16U * 1024 * 1024)

/* The last one is what the others become. */
static const char *const nics[] = { "enp1s0", "enp2s0", "enp5s0", "enp6s0", "eth0", "wlq0" };
static const struct name_set nic_set = { nics, ARRAY_SIZE(nics) };

static const struct source *source;
static const char *file_name;
static unsigned int n_files, failures;

static _Noreturn void give_up(const char *what, int error)
{
	fprintf(stderr, "corpus-pve: %s: %s\n", what, strerror(error));
	exit(EXIT_FAILURE);
}

static void complain(unsigned int line, const char *what)
{
	printf("not ok %s:%u: %s\n", file_name, line, what);
	failures++;
}

static void scan(struct bytes text, struct document *document)
{
	struct document *items[] = { document };
	struct documents documents = { items, 1, 1 };
	const struct scan_context context = { 0 };
	int r;

	*document = (struct document){
		.source = source,
		.path = source == &pve_qemu_source ? "/etc/pve/nodes/n/qemu-server/100.conf"
						   : "/etc/pve/nodes/n/lxc/100.conf",
		.size = text.size,
	};
	r = bytes_duplicate(text, &document->data);
	if (r == 0)
		r = source->scan(source, &context, &documents, &nic_set);
	if (r < 0)
		give_up("scan", -r);
}

static bool take_line(struct bytes *text, struct bytes *ret_line)
{
	const char *newline = text->size ? memchr(text->data, '\n', text->size) : NULL;
	size_t size = newline ? (size_t)(newline - text->data) + 1 : text->size;

	if (text->size == 0)
		return false;
	*ret_line = bytes_slice(*text, 0, size);
	*text = bytes_slice(*text, size, text->size - size);
	return true;
}

/* Whether two texts have the same lines but for one. */
static bool differs_in(struct bytes a, struct bytes b, unsigned int line)
{
	struct bytes left, right;

	for (unsigned int number = 1; take_line(&a, &left); number++)
		if (!take_line(&b, &right) || (number != line && !bytes_equal(left, right)))
			return false;
	return b.size == 0;
}

/* The document with one span replaced, scanned. */
static void replace(const struct document *document, struct span span, const char *text,
		    struct document *other)
{
	struct edit edit = { .span = span, .text = bytes_of(text) };
	unsigned int line = document_line_at(document, span.offset);
	char *whole;
	size_t size;
	int r = edits_apply(document_bytes(document), &edit, 1, &whole, &size);

	if (r < 0)
		give_up("edit", -r);
	scan(bytes_make(whole, size), other);
	if (!differs_in(document_bytes(document), document_bytes(other), line))
		complain(line, "other lines change, too");
	if (other->guest->n_devices != document->guest->n_devices ||
	    other->n_switches != document->n_switches || other->n_notes != document->n_notes)
		complain(line, "something else is found after a change");
	free(whole);
}

static void try_reference(const struct document *document, size_t index)
{
	const struct reference *reference = &document->references[index];
	struct pci_address address = reference->address;
	struct address_token_name name;
	const char *text = nics[ARRAY_SIZE(nics) - 1];
	struct document other;

	if (!reference->certain)
		return;
	address.bus ^= 0x8a;
	if (reference->kind == REFERENCE_ADDRESS)
		text = address_token_format(document_text(document, reference->span), &address,
					    &name);
	replace(document, reference->span, text, &other);
	if (other.n_references != document->n_references)
		complain(reference->line, "there are other mentions after a change");
	else if (!bytes_equal_text(document_text(&other, other.references[index].span), text))
		complain(reference->line, "the new mention is not found");
	document_done(&other);
}

static void try_hold(const struct document *document, size_t index)
{
	const struct guest_device *device = &document->guest->devices[index], *held;
	struct arena arena = { 0 };
	struct document other, back;
	const char *text;

	if (device->held || device->hold.length == 0)
		return;
	text = hold_encode(&arena, document_text(document, device->hold));
	if (!text)
		give_up("hold", ENOMEM);
	replace(document, device->hold, text, &other);
	held = &other.guest->devices[index];
	if (!held->held ||
	    !bytes_equal_text(document_text(document, device->hold), held->original)) {
		complain(device->line, "what is held is not known again");
	} else {
		replace(&other, held->hold, held->original, &back);
		if (!bytes_equal(document_bytes(&back), document_bytes(document)))
			complain(device->line, "is not the same when it is held no more");
		document_done(&back);
	}
	document_done(&other);
	arena_done(&arena);
}

static void try_switch(const struct document *document, size_t index)
{
	const struct start_switch *start_switch = &document->switches[index];
	struct document other;

	replace(document, start_switch->span, start_switch->off, &other);
	if (other.n_switches > index && other.switches[index].on)
		complain(document_line_at(document, start_switch->span.offset),
			 "is on after it is turned off");
	document_done(&other);
}

static void try_no_change(const struct document *document)
{
	struct edit *edits = calloc(document->n_references + 1, sizeof(*edits));
	char *same;
	size_t size;
	int r;

	if (!edits)
		give_up("edits", ENOMEM);
	for (size_t i = 0; i < document->n_references; i++) {
		edits[i].span = document->references[i].span;
		edits[i].text = document_text(document, document->references[i].span);
	}
	r = edits_apply(document_bytes(document), edits, document->n_references, &same, &size);
	if (r < 0)
		give_up("edits overlap", -r);
	if (!bytes_equal(bytes_make(same, size), document_bytes(document)))
		complain(1, "is not the same when nothing is changed");
	free(same);
	free(edits);
}

static void show(const struct document *document)
{
	const struct guest_config *guest = document->guest;

	if (!getenv("HWRECOVER_CORPUS_VERBOSE"))
		return;
	for (size_t i = 0; i < guest->n_devices; i++) {
		const struct guest_device *device = &guest->devices[i];

		printf("# %s:%u: %s%s%s%s", file_name, device->line, device->section, device->key,
		       device->at_start ? "" : " (not at the next start)",
		       device->taken ? "" : " (used)");
		for (size_t j = device->first; j < device->first + device->n; j++) {
			struct bytes name = document_text(document, document->references[j].span);

			printf(" %.*s", (int)name.size, name.data);
		}
		printf("%s%s%s%s\n", device->mapping ? " mapping " : "",
		       device->mapping ? device->mapping : "", device->held ? " held " : "",
		       device->held ? device->original : "");
	}
	for (size_t i = 0; i < document->n_switches; i++)
		printf("# %s:%u: starts by itself: %s\n", file_name,
		       document_line_at(document, document->switches[i].span.offset),
		       document->switches[i].on ? "yes" : "no");
	for (size_t i = 0; i < document->n_notes; i++)
		printf("# %s:%s\n", file_name, document->notes[i]);
}

static void try_text(struct bytes text)
{
	struct document document;

	scan(text, &document);
	if (!document.guest)
		give_up("no guest", EINVAL);
	show(&document);
	try_no_change(&document);
	for (size_t i = 0; i < document.n_references; i++)
		try_reference(&document, i);
	for (size_t i = 0; i < document.guest->n_devices; i++)
		try_hold(&document, i);
	for (size_t i = 0; i < document.n_switches; i++)
		try_switch(&document, i);
	document_done(&document);
}

static int try_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	(void)st;
	(void)ftw;
	source = strstr(path, "qemu-server") ? &pve_qemu_source
		 : strstr(path, "lxc")       ? &pve_lxc_source
					     : NULL;
	if (type != FTW_F || !source)
		return 0;
	r = file_read_at(AT_FDCWD, path, FILE_MAX, &text, &size);
	if (r < 0)
		give_up(path, -r);
	file_name = path;
	try_text(bytes_make(text, size));
	n_files++;
	return 0;
}

static void try_path(const char *path)
{
	if (nftw(path, try_file, 8, FTW_PHYS) < 0)
		printf("# %s: %s\n", path, strerror(errno));
}

int main(int argc, char **argv)
{
	const char *further = getenv("HWRECOVER_CORPUS");

	for (int i = 1; i < argc; i++)
		try_path(argv[i]);
	if (further) {
		_cleanup_free_ char *copy = strdup(further);
		char *rest = copy, *path;

		while (rest && (path = strsep(&rest, ":")))
			try_path(path);
	}
	printf("# %u files, %u failures\n", n_files, failures);
	if (n_files == 0)
		return EXIT_SKIPPED;
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
