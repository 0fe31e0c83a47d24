/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Real files of interfaces(5) through the scanner.
 *
 *     corpus DIRECTORY…
 *
 * Each file, in each dialect: what is found and written back unchanged gives the same bytes; all
 * NICs exchanged in a ring and back as well; the exchanged text holds the new names where the old
 * ones were, and its reader accepts it if it accepted the old one. What looks like a NIC's name is
 * taken for one here, and nowhere else.
 *
 * $HWRECOVER_CORPUS names further directories, separated by ':'. With $HWRECOVER_IFQUERY and
 * $HWRECOVER_IFQUERY2 set to the ifquery of ifupdown and of ifupdown2, they are asked: what is
 * brought up has to be the same but for the names, and ifupdown has to reject what we say it does.
 *
 * Exits with 77, which stands for "skipped", when there is no file at all.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "recovery/sources/interfaces.h"
#include "recovery/sources/token.h"

#define EXIT_SKIPPED 77
#define FILE_MAX     (16U * 1024 * 1024)

/* The NICs of one text, sorted; each is exchanged for the next. */
struct ring {
	char **names;
	size_t n_names;
	size_t allocated;
};

/**
 * struct trial - One file in one dialect
 * @set:      the names of the ring
 * @file:     for people
 * @failures: of the whole run
 */
struct trial {
	enum interfaces_dialect dialect;
	const struct ring *ring;
	struct name_set set;
	const char *file;
	const char *ifquery;
	unsigned int *failures;
};

static _Noreturn void give_up(const char *what, int error)
{
	fprintf(stderr, "corpus: %s: %s\n", what, strerror(error));
	exit(EXIT_FAILURE);
}

_printf_(2, 3) static void complain(const struct trial *trial, const char *format, ...)
{
	va_list arguments;

	printf("not ok %s as %s: ", trial->file, interfaces_dialect_to_string(trial->dialect));
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	++*trial->failures;
}

static void ring_done(struct ring *ring)
{
	for (size_t i = 0; i < ring->n_names; i++)
		free(ring->names[i]);
	free(ring->names);
	*ring = (struct ring){ 0 };
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_in_name(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool looks_like_a_nic(struct bytes word)
{
	static const char *const prefixes[] = { "en", "eth", "wl", "nic", "usb", "ath" };
	bool digit = false;

	for (size_t i = 0; i < word.size; i++)
		digit |= word.data[i] >= '0' && word.data[i] <= '9';
	for (size_t i = 0; digit && word.size <= 15 && i < ARRAY_SIZE(prefixes); i++)
		if (bytes_start_with(word, bytes_of(prefixes[i])))
			return true;
	return false;
}

static void ring_add(struct ring *ring, struct bytes name)
{
	for (size_t i = 0; i < ring->n_names; i++)
		if (bytes_equal_text(name, ring->names[i]))
			return;
	if (ARRAY_RESERVE(ring->names, ring->n_names, ring->allocated) < 0 ||
	    bytes_duplicate(name, &ring->names[ring->n_names]) < 0)
		give_up("names", ENOMEM);
	ring->n_names++;
}

static void ring_find(struct ring *ring, struct bytes text)
{
	for (size_t start = 0, end; start < text.size; start = end + 1) {
		for (end = start; end < text.size && is_in_name(text.data[end]);)
			end++;
		if (looks_like_a_nic(bytes_slice(text, start, end - start)))
			ring_add(ring, bytes_slice(text, start, end - start));
	}
	if (ring->n_names > 1)
		qsort(ring->names, ring->n_names, sizeof(*ring->names), compare_names);
}

/* The name that stands @steps behind this one in the ring. */
static const char *ring_turn(const struct ring *ring, struct bytes name, size_t steps)
{
	for (size_t i = 0; i < ring->n_names; i++)
		if (bytes_equal_text(name, ring->names[i]))
			return ring->names[(i + steps) % ring->n_names];
	give_up("a mention that is no name", EINVAL);
}

static void scan(const struct trial *trial, struct document *document, char *text, size_t size)
{
	int r;

	*document = (struct document){ .path = trial->file, .data = text, .size = size };
	r = interfaces_scan_text(trial->dialect, document, &trial->set);
	if (r < 0)
		give_up("scan", -r);
}

/* The text with every certain mention turned by @steps. */
static char *turn(const struct trial *trial, const struct document *document, size_t steps,
		  size_t *ret_size)
{
	struct edit *edits = calloc(document->n_references + 1, sizeof(*edits));
	size_t n_edits = 0;
	char *text;
	int r;

	if (!edits)
		give_up("edits", ENOMEM);
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *reference = &document->references[i];
		struct bytes name = document_text(document, reference->span);

		if (reference->certain)
			edits[n_edits++] = (struct edit){
				.span = reference->span,
				.text = bytes_of(ring_turn(trial->ring, name, steps)),
			};
	}
	edits_sort(edits, n_edits);
	r = edits_apply(document_bytes(document), edits, n_edits, &text, ret_size);
	if (r < 0)
		give_up("edits overlap", -r);
	free(edits);
	return text;
}

static bool accepts(const struct trial *trial, struct bytes text)
{
	return interfaces_check_text(trial->dialect, text, trial->file, NULL) == 0;
}

/* Whether @turned has the same mentions as @document, under the next names. */
static void compare_mentions(const struct trial *trial, const struct document *document,
			     const struct document *turned)
{
	size_t grown = 0, shrunk = 0;

	if (document->n_references != turned->n_references) {
		complain(trial, "%zu mentions became %zu", document->n_references,
			 turned->n_references);
		return;
	}
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *old = &document->references[i];
		const struct reference *new = &turned->references[i];
		struct bytes name = document_text(document, old->span);
		const char *wanted = ring_turn(trial->ring, name, old->certain ? 1 : 0);

		if (!bytes_equal_text(document_text(turned, new->span), wanted) ||
		    new->span.offset + shrunk != old->span.offset + grown ||
		    new->suffix != old->suffix || new->certain != old->certain) {
			complain(trial, "line %u: %.*s is not %s afterwards", old->line,
				 (int)name.size, name.data, wanted);
			return;
		}
		grown += new->span.length;
		shrunk += old->span.length;
	}
}

/* Runs ifquery on a file that holds @text. Return: its exit status, with what it prints. */
static int run_ifquery(const char *ifquery, struct bytes text, bool errors, char **ret_output)
{
	char directory[] = "/tmp/hwrecover-corpus-XXXXXX";
	char path[sizeof(directory) + 16], command[] = "ifquery", interfaces[] = "-i";
	char list[] = "--list", all[] = "-a";
	char *const argv[] = { command, interfaces, path, list, all, NULL };
	posix_spawn_file_actions_t actions;
	int pipe_fds[2], status, dir_fd, r;
	size_t size;
	pid_t pid;

	if (!mkdtemp(directory))
		give_up(directory, errno);
	snprintf(path, sizeof(path), "%s/interfaces", directory);
	dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir_fd < 0 ? -errno : file_write_at(dir_fd, "interfaces", text, 0644, false);
	if (r < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
		give_up(path, r < 0 ? -r : errno);

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
	if (errors)
		(void)posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDERR_FILENO);
	else
		(void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
						       O_WRONLY, 0);
	r = posix_spawn(&pid, ifquery, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(pipe_fds[1]);
	if (r != 0)
		give_up(ifquery, r);
	r = file_read_fd(pipe_fds[0], FILE_MAX, ret_output, &size);
	if (r < 0 || waitpid(pid, &status, 0) < 0)
		give_up(ifquery, r < 0 ? -r : errno);
	(void)close(pipe_fds[0]);
	(void)unlinkat(dir_fd, "interfaces", 0);
	(void)close(dir_fd);
	(void)rmdir(directory);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* One line of what ifquery printed: "NAME", "NAME=LOGICAL", or words for people. */
static void turn_line(const struct trial *trial, struct bytes line, size_t steps,
		      struct buffer *turned)
{
	const char *end = memchr(line.data, '=', line.size);
	struct bytes name = bytes_make(line.data, end ? (size_t)(end - line.data) : line.size);
	struct token_search search = { .text = line, .names = &trial->set };
	bool words = memchr(line.data, ' ', line.size);
	struct token token;
	size_t done = 0;

	while (words ? token_next(&search, &token)
		     : done == 0 && token_word(name, &trial->set, &token)) {
		buffer_append(turned, bytes_slice(line, done, token.span.offset - done));
		buffer_append_text(
			turned,
			ring_turn(trial->ring,
				  bytes_slice(line, token.span.offset, token.span.length), steps));
		done = span_end(token.span);
	}
	buffer_append(turned, bytes_slice(line, done, line.size - done));
}

/* What ifquery printed, with the names turned and temporary paths taken out. */
static char *turn_output(const struct trial *trial, const char *output, size_t steps)
{
	struct buffer turned = { 0 };
	char *text;

	for (const char *line = output; *line; line = strchr(line, '\n') + 1) {
		const char *end = strchrnul(line, '\n');

		turn_line(trial, bytes_make(line, (size_t)(end - line)), steps, &turned);
		buffer_append_char(&turned, '\n');
		if (!*end)
			break;
	}
	if (buffer_finish(&turned, &text, NULL) < 0)
		give_up("output", ENOMEM);
	for (char *path = text; (path = strstr(path, "/tmp/hwrecover-corpus-"));)
		memset(path, '.', strlen("/tmp/hwrecover-corpus-XXXXXX"));
	return text;
}

/* Sorts the lines of a text: ifupdown2 lists in no order of the file's. */
static void sort_lines(char *text)
{
	char **lines = NULL, *copy = strdup(text), *next = copy, *line;
	size_t n_lines = 0, allocated = 0;

	if (!copy)
		give_up("output", ENOMEM);
	while ((line = strsep(&next, "\n"))) {
		if (ARRAY_RESERVE(lines, n_lines, allocated) < 0)
			give_up("output", ENOMEM);
		lines[n_lines++] = line;
	}
	qsort(lines, n_lines, sizeof(*lines), compare_names);
	for (size_t i = 0; i < n_lines; i++)
		text = stpcpy(stpcpy(text, lines[i]), i + 1 < n_lines ? "\n" : "");
	free(lines);
	free(copy);
}

/* Asks the reader itself: what it rejects, and what it brings up before and after. */
static void compare_readings(const struct trial *trial, struct bytes text,
			     const struct bytes *turned)
{
	_cleanup_free_ char *output = NULL, *wanted = NULL, *turned_output = NULL, *found = NULL;
	/* ifupdown2 complains in words about much that it then does all the same. */
	bool errors = trial->dialect == DIALECT_IFUPDOWN, rejected;
	int status = run_ifquery(trial->ifquery, text, errors, &output);

	rejected = strstr(output, "couldn't read interfaces file");
	if (trial->dialect == DIALECT_IFUPDOWN && rejected == accepts(trial, text))
		complain(trial, "ifquery %s it", rejected ? "rejects" : "accepts");
	if (!turned)
		return;

	if (run_ifquery(trial->ifquery, *turned, errors, &turned_output) != status)
		complain(trial, "ifquery ends otherwise after the exchange");
	wanted = turn_output(trial, output, 1);
	found = turn_output(trial, turned_output, 0);
	sort_lines(wanted);
	sort_lines(found);
	if (strcmp(found, wanted) != 0)
		complain(trial, "ifquery says\n%s\ninstead of\n%s", found, wanted);
}

/* Whether all that was found is exchanged; else the reader sees some old names. */
static bool is_all_certain(const struct document *document)
{
	for (size_t i = 0; i < document->n_references; i++)
		if (!document->references[i].certain)
			return false;
	return true;
}

static void try_file(const struct trial *trial, struct bytes original)
{
	struct document document, turned, back;
	struct bytes turned_text;
	char *text, *same;
	size_t size;

	if (bytes_duplicate(original, &text) < 0)
		give_up(trial->file, ENOMEM);
	scan(trial, &document, text, original.size);
	same = turn(trial, &document, 0, &size);
	if (!bytes_equal(bytes_make(same, size), original))
		complain(trial, "is not the same when nothing is changed");
	free(same);

	text = turn(trial, &document, 1, &size);
	turned_text = bytes_make(text, size);
	scan(trial, &turned, text, size);
	compare_mentions(trial, &document, &turned);
	if (accepts(trial, original) != accepts(trial, document_bytes(&turned)))
		complain(trial, "is accepted otherwise after the exchange");
	if (trial->ifquery)
		compare_readings(trial, original, is_all_certain(&document) ? &turned_text : NULL);

	text = turn(trial, &turned, MAX_OF(trial->ring->n_names, (size_t)1) - 1, &size);
	scan(trial, &back, text, size);
	if (!bytes_equal(document_bytes(&back), original))
		complain(trial, "is not the same after the way back");
	document_done(&document);
	document_done(&turned);
	document_done(&back);
}

static const char *ifquery_of(enum interfaces_dialect dialect)
{
	const char *path = NULL;

	if (dialect == DIALECT_IFUPDOWN)
		path = getenv("HWRECOVER_IFQUERY");
	else if (dialect == DIALECT_IFUPDOWN2)
		path = getenv("HWRECOVER_IFQUERY2");
	return path && *path ? path : NULL;
}

static void try_dialects(const char *path, struct bytes text, unsigned int *failures)
{
	struct ring ring = { 0 };
	struct trial trial = { .ring = &ring, .file = path, .failures = failures };

	ring_find(&ring, text);
	trial.set = (struct name_set){ (const char *const *)ring.names, ring.n_names };
	for (int dialect = 0; dialect < _DIALECT_MAX; dialect++) {
		trial.dialect = (enum interfaces_dialect)dialect;
		trial.ifquery = ifquery_of(trial.dialect);
		try_file(&trial, text);
	}
	ring_done(&ring);
}

/* Return: how many files were tried. */
static unsigned int try_directory(const char *path, unsigned int *failures)
{
	DIR *directory = opendir(path);
	unsigned int n_files = 0;
	struct dirent *entry;

	if (!directory) {
		printf("# %s: %s\n", path, strerror(errno));
		return 0;
	}
	while ((entry = readdir(directory))) {
		_cleanup_free_ char *file = NULL, *text = NULL;
		struct stat st;
		size_t size;
		int r;

		if (fstatat(dirfd(directory), entry->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		r = file_read_at(dirfd(directory), entry->d_name, FILE_MAX, &text, &size);
		if (r < 0)
			give_up(entry->d_name, -r);
		if (asprintf(&file, "%s/%s", path, entry->d_name) < 0)
			give_up(entry->d_name, ENOMEM);
		try_dialects(file, bytes_make(text, size), failures);
		n_files++;
	}
	(void)closedir(directory);
	return n_files;
}

int main(int argc, char **argv)
{
	const char *further = getenv("HWRECOVER_CORPUS");
	unsigned int failures = 0, n_files = 0;

	for (int i = 1; i < argc; i++)
		n_files += try_directory(argv[i], &failures);
	if (further) {
		_cleanup_free_ char *copy = strdup(further);
		char *rest = copy, *path;

		while (rest && (path = strsep(&rest, ":")))
			n_files += try_directory(path, &failures);
	}
	printf("# %u files, %u failures\n", n_files, failures);
	if (n_files == 0)
		return EXIT_SKIPPED;
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
