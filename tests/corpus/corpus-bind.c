/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Real files of modprobe.d(5), udev(7) and kernel command lines through their scanners.
 *
 *     corpus-bind DIRECTORY…
 *
 * Directories named modprobe, udev and cmdline are tried, others passed over. Each file: what is
 * found and written back unchanged gives the same bytes; with every address and every NIC exchanged
 * for another and back as well, and in between the new ones stand where the old ones were. What is
 * commented out with a mention is found no more, and all else is.
 *
 * $HWRECOVER_CORPUS names further directories, separated by ':'. With $HWRECOVER_CORPUS_VERBOSE
 * set, what is found is printed. Exits with 77, which stands for "skipped", when there is no file.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "recovery/park.h"
#include "recovery/sources/address-token.h"
#include "recovery/sources/bind.h"

#define EXIT_SKIPPED 77
#define FILE_MAX     (16U * 1024 * 1024)

/* What a file of a directory is taken for. */
static const struct kind {
	const char *directory;
	const struct source *source;
	const char *path;
} kinds[] = {
	{ "modprobe", &modprobe_source, "/etc/modprobe.d/vfio.conf" },
	{ "udev", &udev_rules_source, "/etc/udev/rules.d/10-vfio.rules" },
	{ "cmdline", &kernel_command_line_source, "/etc/kernel/cmdline" },
	{ "cmdline", &kernel_command_line_source, "/etc/default/grub" },
	{ "cmdline", &initramfs_conf_source, "/etc/initramfs-tools/initramfs.conf" },
};

/* Each is exchanged for its neighbour. */
static const char *const nics[] = { "enp1s0", "enp2s0", "enp5s0", "enp6s0", "eth0", "eth1" };
static const struct name_set nic_set = { nics, ARRAY_SIZE(nics) };

static const char *file_name;
static unsigned int failures;

static _Noreturn void give_up(const char *what, int error)
{
	fprintf(stderr, "corpus-bind: %s: %s\n", what, strerror(error));
	exit(EXIT_FAILURE);
}

static void complain(const struct kind *kind, const char *what)
{
	printf("not ok %s as %s: %s\n", file_name, kind->path, what);
	failures++;
}

static void scan(const struct kind *kind, struct bytes text, struct document *document)
{
	struct document *items[] = { document };
	struct documents documents = { items, 1, 1 };
	const struct scan_context context = { 0 };
	int r;

	*document = (struct document){
		.source = kind->source,
		.path = kind->path,
		.size = text.size,
		.in_image = true,
	};
	r = bytes_duplicate(text, &document->data);
	if (r == 0)
		r = kind->source->scan(kind->source, &context, &documents, &nic_set);
	if (r < 0)
		give_up("scan", -r);
}

static struct bytes exchanged(const struct document *document, const struct reference *reference,
			      struct address_token_name *spelling)
{
	struct bytes name = document_text(document, reference->span);
	struct pci_address address = reference->address;

	if (!reference->certain)
		return name;
	for (size_t i = 0; reference->kind == REFERENCE_NIC && i < ARRAY_SIZE(nics); i++)
		if (bytes_equal_text(name, nics[i]))
			return bytes_of(nics[i ^ 1]);
	/* In digits that are no letters: upper and lower case would be forgotten. */
	address.function ^= 1;
	return bytes_of(address_token_format(name, &address, spelling));
}

static char *exchange(const struct document *document, bool change, size_t *ret_size)
{
	size_t n = document->n_references;
	struct address_token_name *spellings = calloc(n + 1, sizeof(*spellings));
	struct edit *edits = calloc(n + 1, sizeof(*edits));
	char *text;
	int r;

	if (!spellings || !edits)
		give_up("edits", ENOMEM);
	for (size_t i = 0; i < n; i++) {
		const struct reference *reference = &document->references[i];

		edits[i].span = reference->span;
		edits[i].text = change ? exchanged(document, reference, &spellings[i])
				       : document_text(document, reference->span);
	}
	r = edits_apply(document_bytes(document), edits, n, &text, ret_size);
	if (r < 0)
		give_up("edits overlap", -r);
	free(spellings);
	free(edits);
	return text;
}

/* Whether @other has the mentions of @document, exchanged. */
static bool agrees(const struct document *document, const struct document *other)
{
	if (document->n_references != other->n_references || document->n_ids != other->n_ids)
		return false;
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *was = &document->references[i];
		const struct reference *is = &other->references[i];
		struct address_token_name spelling;

		if (is->shape != was->shape || is->certain != was->certain ||
		    !bytes_equal(document_text(other, is->span),
				 exchanged(document, was, &spelling)))
			return false;
	}
	return true;
}

static void try_parking(const struct kind *kind, const struct document *document)
{
	struct treatment *treatments = calloc(document->n_references + 1, sizeof(*treatments));
	struct rendered rendered;
	struct document parked;
	size_t kept = 0;

	if (!treatments)
		give_up("treatments", ENOMEM);
	for (size_t i = 0; i < document->n_references; i++)
		treatments[i].park = document->references[i].shape == PARK_LINES;
	if (park_render(document, treatments, &rendered) < 0)
		give_up("rendering", ENOMEM);
	for (size_t i = 0; i < document->n_references; i++)
		kept += !rendered.out_of_force[i];
	scan(kind, bytes_make(rendered.text, rendered.size), &parked);
	if (parked.n_references != kept || parked.n_ids != document->n_ids)
		complain(kind, "has other mentions when some are commented out");
	document_done(&parked);
	rendered_done(&rendered);
	free(treatments);
}

static void show(const struct kind *kind, const struct document *document)
{
	if (!getenv("HWRECOVER_CORPUS_VERBOSE"))
		return;
	for (size_t i = 0; i < document->n_references; i++) {
		struct bytes name = document_text(document, document->references[i].span);

		printf("# %s:%u: %.*s (%s)\n", file_name, document->references[i].line,
		       (int)name.size, name.data, document->references[i].key);
	}
	for (size_t i = 0; i < document->n_ids; i++)
		printf("# %s:%u: %s takes %04x:%04x\n", file_name, document->ids[i].line,
		       document->ids[i].driver, (unsigned int)document->ids[i].vendor,
		       (unsigned int)document->ids[i].device);
	for (size_t i = 0; i < document->n_notes; i++)
		printf("# %s as %s:%s\n", file_name, kind->path, document->notes[i]);
}

static void try_file(const struct kind *kind, struct bytes original)
{
	struct document document, other;
	char *same, *text, *back;
	size_t size;

	scan(kind, original, &document);
	show(kind, &document);
	same = exchange(&document, false, &size);
	if (!bytes_equal(bytes_make(same, size), original))
		complain(kind, "is not the same when nothing is changed");

	text = exchange(&document, true, &size);
	scan(kind, bytes_make(text, size), &other);
	if (!agrees(&document, &other))
		complain(kind, "has other mentions after the exchange");
	back = exchange(&other, true, &size);
	if (!bytes_equal(bytes_make(back, size), original))
		complain(kind, "is not the same after the way back");
	try_parking(kind, &document);

	document_done(&document);
	document_done(&other);
	free(same);
	free(text);
	free(back);
}

/* Return: how many files were tried. */
static unsigned int try_directory(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	DIR *directory = opendir(path);
	unsigned int n_files = 0;
	struct dirent *entry;

	if (!directory) {
		printf("# %s: %s\n", path, strerror(errno));
		return 0;
	}
	while ((entry = readdir(directory))) {
		_cleanup_free_ char *text = NULL;
		bool tried = false;
		struct stat st;
		size_t size;
		int r;

		if (fstatat(dirfd(directory), entry->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		r = file_read_at(dirfd(directory), entry->d_name, FILE_MAX, &text, &size);
		if (r < 0)
			give_up(entry->d_name, -r);
		file_name = entry->d_name;
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
			if (strcmp(kinds[i].directory, name) != 0)
				continue;
			try_file(&kinds[i], bytes_make(text, size));
			tried = true;
		}
		n_files += tried;
	}
	(void)closedir(directory);
	return n_files;
}

int main(int argc, char **argv)
{
	const char *further = getenv("HWRECOVER_CORPUS");
	unsigned int n_files = 0;

	for (int i = 1; i < argc; i++)
		n_files += try_directory(argv[i]);
	if (further) {
		_cleanup_free_ char *copy = strdup(further);
		char *rest = copy, *path;

		while (rest && (path = strsep(&rest, ":")))
			n_files += try_directory(path);
	}
	printf("# %u files, %u failures\n", n_files, failures);
	if (n_files == 0)
		return EXIT_SKIPPED;
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
