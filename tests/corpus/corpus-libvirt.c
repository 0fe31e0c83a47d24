/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Real domains of libvirt through their scanner.
 *
 *     corpus-libvirt FILE-OR-DIRECTORY…
 *
 * Each file: what is found and written back unchanged gives the same bytes. With one mention
 * rewritten no line differs but those it stands on, the next scan finds the new address there and
 * every other mention as it was, and the way back gives the same bytes.
 *
 * $HWRECOVER_CORPUS names further ones, separated by ':'. With $HWRECOVER_CORPUS_VERBOSE set, what
 * is found is printed. Exits with 77, which stands for "skipped", when there is no file.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "recovery/sources/address-attributes.h"
#include "recovery/sources/address-token.h"
#include "recovery/sources/libvirt.h"

#define EXIT_SKIPPED 77

/* Each is exchanged for its neighbour. */
static const char *const nics[] = { "enp5s0", "enp6s0", "eth0", "eth1" };
static const struct name_set nic_set = { nics, ARRAY_SIZE(nics) };

static const char *file_name;
static unsigned int failures;

static _Noreturn void give_up(const char *what, int error)
{
	fprintf(stderr, "corpus-libvirt: %s: %s\n", what, strerror(error));
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
		.source = &libvirt_domain_source,
		.path = LIBVIRT_DOMAINS "/corpus.xml",
		.size = text.size,
	};
	r = bytes_duplicate(text, &document->data);
	if (r == 0)
		r = document->source->scan(document->source, &context, &documents, &nic_set);
	if (r < 0)
		give_up("scan", -r);
}

/* Written as @name is, which names another. */
static const char *spell(struct arena *arena, struct bytes name, const struct pci_address *address)
{
	struct address_token_name spelling;
	struct pci_address old;

	if (address_attributes_parse(name, &old) == 0)
		return address_attributes_format(arena, name, address);
	return arena_copy_text(arena, address_token_format(name, address, &spelling));
}

static struct bytes exchanged(struct arena *arena, const struct document *document,
			      const struct reference *reference)
{
	struct bytes name = document_text(document, reference->span);
	struct pci_address address = reference->address;
	const char *text;

	for (size_t i = 0; reference->kind == REFERENCE_NIC && i < ARRAY_SIZE(nics); i++)
		if (bytes_equal_text(name, nics[i]))
			return bytes_of(nics[i ^ 1]);
	/* What is always written, and stays a letter or a figure: the case would be forgotten. */
	address.device ^= 1;
	text = spell(arena, name, &address);
	if (!text)
		give_up("address", ENOMEM);
	return bytes_of(text);
}

/* The document with one mention replaced, or with none for SIZE_MAX. */
static char *replace(const struct document *document, size_t index, struct bytes text,
		     size_t *ret_size)
{
	struct edit *edits = calloc(document->n_references + 1, sizeof(*edits));
	char *result;
	int r;

	if (!edits)
		give_up("edits", ENOMEM);
	for (size_t i = 0; i < document->n_references; i++) {
		struct span span = document->references[i].span;

		edits[i].span = span;
		edits[i].text = i == index ? text : document_text(document, span);
	}
	r = edits_apply(document_bytes(document), edits, document->n_references, &result, ret_size);
	if (r < 0)
		give_up("edits overlap", -r);
	free(edits);
	return result;
}

/* The next line of a text, which is cut off it; false at its end. */
static bool next_line(struct bytes *text, struct bytes *ret_line)
{
	const char *newline;
	size_t size;

	if (text->size == 0)
		return false;
	newline = memchr(text->data, '\n', text->size);
	size = newline ? (size_t)(newline - text->data) + 1 : text->size;
	*ret_line = bytes_slice(*text, 0, size);
	*text = bytes_slice(*text, size, text->size - size);
	return true;
}

/* Whether two texts differ in the given lines and in no others. */
static bool differ_only_in(struct bytes a, struct bytes b, unsigned int first, unsigned int last)
{
	struct bytes line_a, line_b;
	bool differ = false;

	for (unsigned int line = 1; next_line(&a, &line_a); line++) {
		if (!next_line(&b, &line_b))
			return false;
		if (bytes_equal(line_a, line_b))
			continue;
		if (line < first || line > last)
			return false;
		differ = true;
	}
	return differ && b.size == 0;
}

/* Whether the mentions are the same but for one, which is @text now. */
static bool agrees(const struct document *document, const struct document *other, size_t index,
		   struct bytes text)
{
	if (other->rejected || document->n_references != other->n_references ||
	    document->guest->n_devices != other->guest->n_devices)
		return false;
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *was = &document->references[i];
		const struct reference *is = &other->references[i];
		struct bytes name = i == index ? text : document_text(document, was->span);

		if (is->kind != was->kind || is->line != was->line || is->body != was->body ||
		    !bytes_equal(document_text(other, is->span), name))
			return false;
	}
	return index == SIZE_MAX || document->references[index].kind == REFERENCE_NIC ||
	       other->references[index].address.device ==
		       (document->references[index].address.device ^ 1);
}

static void try_reference(const struct document *document, size_t index)
{
	const struct reference *reference = &document->references[index];
	unsigned int last = document_line_at(document, span_end(reference->span));
	struct arena arena = { 0 };
	struct bytes text = exchanged(&arena, document, reference);
	struct document other;
	size_t size, size_back;
	char *changed = replace(document, index, text, &size), *back;

	if (!differ_only_in(document_bytes(document), bytes_make(changed, size), reference->line,
			    last))
		complain(reference->line, "other lines differ when this mention is rewritten");
	scan(bytes_make(changed, size), &other);
	if (!agrees(document, &other, index, text)) {
		complain(reference->line, "the new mention is not found in its place");
	} else {
		back = replace(&other, index, exchanged(&arena, &other, &other.references[index]),
			       &size_back);
		if (!bytes_equal(bytes_make(back, size_back), document_bytes(document)))
			complain(reference->line, "is not the same after the way back");
		free(back);
	}
	document_done(&other);
	arena_done(&arena);
	free(changed);
}

static void show(const struct document *document)
{
	if (!getenv("HWRECOVER_CORPUS_VERBOSE"))
		return;
	if (document->rejected)
		printf("# %s: rejected: %s\n", file_name, document->rejected);
	else
		printf("# %s: %s %s\n", file_name, document->guest->id,
		       document->guest->uuid ? document->guest->uuid : "-");
	for (size_t i = 0; i < document->n_references; i++) {
		struct bytes name = document_text(document, document->references[i].span);

		printf("# %s:%u: %s %.*s\n", file_name, document->references[i].line,
		       document->references[i].key, (int)name.size, name.data);
	}
	for (size_t i = 0; i < document->n_notes; i++)
		printf("# %s:%s\n", file_name, document->notes[i]);
}

static void try_text(struct bytes original)
{
	struct document document;
	size_t size;
	char *same;

	scan(original, &document);
	show(&document);
	same = replace(&document, SIZE_MAX, BYTES_NONE, &size);
	if (!bytes_equal(bytes_make(same, size), original))
		complain(1, "is not the same when nothing is changed");
	for (size_t i = 0; i < document.n_references; i++)
		try_reference(&document, i);
	document_done(&document);
	free(same);
}

/* Return: how many files were tried. */
static unsigned int try_file(int dir_fd, const char *name)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = file_read_at(dir_fd, name, MANAGED_FILE_MAX, &text, &size);

	if (r < 0)
		give_up(name, -r);
	file_name = name;
	try_text(bytes_make(text, size));
	return 1;
}

static unsigned int try_directory(const char *path)
{
	DIR *directory = opendir(path);
	unsigned int n_files = 0;
	struct dirent *entry;
	struct stat st;

	if (!directory)
		give_up(path, errno);
	while ((entry = readdir(directory)))
		if (fstatat(dirfd(directory), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
			n_files += try_file(dirfd(directory), entry->d_name);
	(void)closedir(directory);
	return n_files;
}

static unsigned int try_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		printf("# %s: %s\n", path, strerror(errno));
		return 0;
	}
	return S_ISDIR(st.st_mode) ? try_directory(path) : try_file(AT_FDCWD, path);
}

int main(int argc, char **argv)
{
	const char *further = getenv("HWRECOVER_CORPUS");
	unsigned int n_files = 0;

	for (int i = 1; i < argc; i++)
		n_files += try_path(argv[i]);
	if (further) {
		_cleanup_free_ char *copy = strdup(further);
		char *rest = copy, *path;

		while (rest && (path = strsep(&rest, ":")))
			if (*path)
				n_files += try_path(path);
	}
	printf("# %u files, %u failures\n", n_files, failures);
	if (n_files == 0)
		return EXIT_SKIPPED;
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
