/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files that the installed reader of interfaces(5) reads, found by its rules. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "recovery/sources/interfaces-private.h"
#include "recovery/sources/managed-file.h"

void interfaces_patterns_done(struct interfaces_patterns *patterns)
{
	if (!patterns)
		return;
	for (size_t i = 0; i < patterns->n_items; i++)
		free(patterns->items[i].path);
	free(patterns->items);
	*patterns = (struct interfaces_patterns){ 0 };
}

void interfaces_paths_done(struct interfaces_paths *paths)
{
	if (!paths)
		return;
	for (size_t i = 0; i < paths->n_items; i++)
		free(paths->items[i]);
	free(paths->items);
	*paths = (struct interfaces_paths){ 0 };
}

static int add_path(struct interfaces_paths *paths, const char *path)
{
	char *copy;

	if (ARRAY_RESERVE(paths->items, paths->n_items, paths->allocated) < 0)
		return -ENOMEM;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	paths->items[paths->n_items++] = copy;
	return 0;
}

/* The directory part of a path, with its last slash. */
static struct bytes directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? bytes_make(path, (size_t)(slash - path) + 1) : bytes_of("/");
}

/* Adds the path that @path holds; it is empty afterwards. */
static int add_pattern(struct interfaces_patterns *patterns, struct buffer *path, bool wild)
{
	struct interfaces_pattern *item;
	char *text;

	if (ARRAY_RESERVE(patterns->items, patterns->n_items, patterns->allocated) < 0)
		return -ENOMEM;
	if (buffer_finish(path, &text, NULL) < 0)
		return -ENOMEM;
	item = &patterns->items[patterns->n_items++];
	*item = (struct interfaces_pattern){ .path = text, .wild = wild };
	return 0;
}

/**
 * struct expansion - wordexp(3) on its way through a text
 * @literal: the word under way, quotes removed
 * @pattern: the same for a glob: what was quoted there stands in brackets
 * @started: there is a word, perhaps an empty one
 * @quote:   the quote it is in, or NUL
 */
struct expansion {
	struct bytes text;
	size_t at;
	struct buffer literal;
	struct buffer pattern;
	bool started;
	bool wild;
	char quote;
	struct interfaces_patterns *patterns;
};

static void expansion_done(struct expansion *expansion)
{
	buffer_done(&expansion->literal);
	buffer_done(&expansion->pattern);
}

/* What is relative here is so to the working directory, which at boot is "/". */
static int end_word(struct expansion *expansion)
{
	int r = 0;

	if (expansion->started)
		r = add_pattern(expansion->patterns,
				expansion->wild ? &expansion->pattern : &expansion->literal,
				expansion->wild);
	expansion->literal.size = 0;
	expansion->pattern.size = 0;
	expansion->started = false;
	expansion->wild = false;
	return r;
}

static void start_word(struct expansion *expansion, char first)
{
	if (expansion->started)
		return;
	expansion->started = true;
	if (first != '/') {
		buffer_append_char(&expansion->literal, '/');
		buffer_append_char(&expansion->pattern, '/');
	}
}

static void add_quoted(struct expansion *expansion, char c)
{
	start_word(expansion, c);
	buffer_append_char(&expansion->literal, c);
	if (c == '*' || c == '?' || c == '[')
		buffer_appendf(&expansion->pattern, "[%c]", c);
	else
		buffer_append_char(&expansion->pattern, c);
}

static void add_plain(struct expansion *expansion, char c)
{
	start_word(expansion, c);
	expansion->wild |= c == '*' || c == '?' || c == '[';
	buffer_append_char(&expansion->literal, c);
	buffer_append_char(&expansion->pattern, c);
}

/* As $IFS has it; not all that is blank. */
static bool separates_words(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* "~" and "~root"; whose directory anything else is, only the user database tells. */
static bool expand_tilde(struct expansion *expansion)
{
	struct bytes text = expansion->text;
	size_t end = expansion->at + 1;
	struct bytes name;

	while (end < text.size && text.data[end] != '/' && !separates_words(text.data[end]))
		end++;
	name = bytes_slice(text, expansion->at + 1, end - expansion->at - 1);
	if (name.size > 0 && !bytes_equal_text(name, "root"))
		return false;
	for (const char *c = "/root"; *c; c++)
		add_quoted(expansion, *c);
	expansion->at = end - 1;
	return true;
}

/* A backslash: what it quotes depends on the quotes around it. */
static bool expand_backslash(struct expansion *expansion)
{
	char next;

	if (++expansion->at >= expansion->text.size)
		return false;
	next = expansion->text.data[expansion->at];
	if (expansion->quote == '"' && !strchr("$`\"\\", next))
		add_quoted(expansion, '\\');
	add_quoted(expansion, next);
	return true;
}

/* One byte outside of single quotes. Return: 1, 0 when the expansion fails there, or -ENOMEM. */
static int expand_byte(struct expansion *expansion, char c)
{
	bool plain = expansion->quote == '\0';

	if (c == '\0' || c == '$' || c == '`')
		return 0;
	if (c == '\\')
		return expand_backslash(expansion);
	if (plain && separates_words(c)) {
		int r = end_word(expansion);

		return r < 0 ? r : 1;
	}
	if (plain && strchr("|&;<>(){}", c))
		return 0;
	if (plain && c == '~' && !expansion->started)
		return expand_tilde(expansion);
	if (plain)
		add_plain(expansion, c);
	else
		add_quoted(expansion, c);
	return 1;
}

/*
 * As wordexp(3) with WRDE_NOCMD: what makes that fail gives no words at all, and for us neither
 * does a variable, whose value only the reader's environment has.
 */
static int expand_words(struct bytes text, struct interfaces_patterns *patterns)
{
	_cleanup_(expansion_done) struct expansion expansion = {
		.text = text,
		.patterns = patterns,
	};
	int r = 1;

	for (; r > 0 && expansion.at < text.size; expansion.at++) {
		char c = text.data[expansion.at];

		if (expansion.quote == '\0' && (c == '\'' || c == '"')) {
			expansion.quote = c;
		} else if (c == expansion.quote) {
			expansion.quote = '\0';
		} else if (expansion.quote == '\'') {
			add_quoted(&expansion, c);
		} else {
			r = expand_byte(&expansion, c);
		}
	}
	if (r > 0 && expansion.quote == '\0')
		return end_word(&expansion);
	if (r < 0)
		return r;
	interfaces_patterns_done(patterns);
	patterns->unfollowed = true;
	return 0;
}

/* ifupdown puts the directory in front of all that follows the keyword, then expands it. */
static int patterns_of_ifupdown(const char *file, struct bytes rest,
				struct interfaces_patterns *patterns)
{
	_cleanup_(buffer_done) struct buffer text = { 0 };

	if (rest.size == 0 || rest.data[0] != '/')
		buffer_append(&text, directory_of(file));
	buffer_append(&text, rest);
	return text.failed ? -ENOMEM : expand_words(buffer_bytes(&text), patterns);
}

/* One word, taken as glob.glob() takes it. */
static int pattern_of_python(struct bytes directory, struct bytes word,
			     struct interfaces_patterns *patterns)
{
	_cleanup_(buffer_done) struct buffer path = { 0 };
	bool wild = false;

	if (word.data[0] != '/')
		buffer_append(&path, directory);
	buffer_append(&path, word);
	for (size_t i = 0; i < word.size; i++)
		wild |= word.data[i] == '*' || word.data[i] == '?' || word.data[i] == '[';
	return add_pattern(patterns, &path, wild);
}

static int patterns_of_ng(enum interfaces_keyword keyword, struct bytes word,
			  struct interfaces_patterns *patterns)
{
	_cleanup_(buffer_done) struct buffer path = { 0 };

	if (keyword == KEYWORD_SOURCE)
		return expand_words(word, patterns);
	if (word.data[0] != '/')
		buffer_append_char(&path, '/');
	buffer_append(&path, word);
	return add_pattern(patterns, &path, false);
}

int interfaces_source_patterns(enum interfaces_dialect dialect, const char *file, struct bytes line,
			       struct interfaces_patterns *ret_patterns)
{
	struct interfaces_patterns patterns = { 0 };
	size_t at;
	struct bytes key = interfaces_first_word(line, &at), rest = BYTES_NONE, word = BYTES_NONE;
	struct span span;
	int r = 0;

	if (interfaces_next_word(line, &at, &span)) {
		word = bytes_slice(line, span.offset, span.length);
		rest = bytes_slice(line, span.offset, line.size - span.offset);
	}
	if (dialect == DIALECT_IFUPDOWN)
		r = patterns_of_ifupdown(file, rest, &patterns);
	else if (word.size == 0)
		r = 0;
	else if (dialect == DIALECT_IFUPDOWN_NG)
		r = patterns_of_ng(interfaces_keyword(dialect, key), word, &patterns);
	else
		r = pattern_of_python(dialect == DIALECT_IFUPDOWN2 ? bytes_of("/")
								   : directory_of(file),
				      word, &patterns);
	if (r < 0) {
		interfaces_patterns_done(&patterns);
		return r;
	}
	*ret_patterns = patterns;
	return 0;
}

/* What run-parts(8) would take, which ifupdown goes by. */
static bool is_plain_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9') && *c != '_' && *c != '-')
			return false;
	return true;
}

static void closedirp(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_entry(struct interfaces_paths *paths, const char *directory, const char *name)
{
	_cleanup_(buffer_done) struct buffer path = { 0 };

	buffer_appendf(&path, "%s/%s", directory, name);
	return path.failed ? -ENOMEM : add_path(paths, path.data);
}

/* The entries of a directory that a `source-directory` line reads, sorted. */
static int list_directory(const struct root *root, enum interfaces_dialect dialect,
			  const char *path, struct interfaces_paths *paths)
{
	_cleanup_(closedirp) DIR *directory = NULL;
	size_t first = paths->n_items;
	struct dirent *entry;
	int fd, r = 0;

	fd = root_openat(root, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
	directory = fdopendir(fd);
	if (!directory) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	for (errno = 0; r == 0 && (entry = readdir(directory)); errno = 0) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (dialect != DIALECT_IFUPDOWN || is_plain_name(entry->d_name))
			r = add_entry(paths, path, entry->d_name);
	}
	if (r == 0)
		r = -errno;
	if (paths->n_items > first)
		qsort(paths->items + first, paths->n_items - first, sizeof(*paths->items),
		      compare_paths);
	return r;
}

/* What a pattern names, as it is. */
static int expand_pattern(const struct root *root, const struct interfaces_pattern *pattern,
			  struct interfaces_paths *paths)
{
	char **found = NULL;
	int r;

	if (!pattern->wild)
		return add_path(paths, pattern->path);
	r = root_glob(root, pattern->path, &found);
	for (size_t i = 0; r > 0 && found[i]; i++) {
		int added = add_path(paths, found[i]);

		r = added < 0 ? added : r;
	}
	root_glob_free(found);
	return r < 0 ? r : 0;
}

static int expand_directories(const struct root *root, enum interfaces_dialect dialect,
			      const struct interfaces_pattern *pattern,
			      struct interfaces_paths *paths)
{
	_cleanup_(interfaces_paths_done) struct interfaces_paths directories = { 0 };
	int r = expand_pattern(root, pattern, &directories), first = r;

	for (size_t i = 0; i < directories.n_items && r != -ENOMEM; i++) {
		r = list_directory(root, dialect, directories.items[i], paths);
		if (first == 0 || r == -ENOMEM)
			first = r;
	}
	return first;
}

int interfaces_sourced_files(const struct root *root, enum interfaces_dialect dialect,
			     const char *file, struct bytes line, struct interfaces_paths *paths)
{
	_cleanup_(interfaces_patterns_done) struct interfaces_patterns patterns = { 0 };
	size_t at;
	bool directory;
	int r, first = 0;

	directory = interfaces_keyword(dialect, interfaces_first_word(line, &at)) ==
		    KEYWORD_SOURCE_DIRECTORY;
	r = interfaces_source_patterns(dialect, file, line, &patterns);
	if (r < 0)
		return r;
	for (size_t i = 0; i < patterns.n_items && r != -ENOMEM; i++) {
		r = directory ? expand_directories(root, dialect, &patterns.items[i], paths)
			      : expand_pattern(root, &patterns.items[i], paths);
		if (first == 0 || r == -ENOMEM)
			first = r;
	}
	return first < 0 ? first : patterns.unfollowed;
}

/**
 * struct collection - The files found so far
 * @documents: are added to; those from @first on are ours
 * @opened:    their paths as the reader opens them, parallel to ours
 * @full:      there are more than are read
 */
struct collection {
	const struct source *source;
	const struct root *root;
	enum interfaces_dialect dialect;
	struct documents *documents;
	size_t first;
	struct interfaces_paths opened;
	bool full;
};

/* Adds one file if it is there and not known yet. */
static int add_file(struct collection *collection, const char *opened)
{
	int r;

	if (collection->opened.n_items >= MANAGED_FILES_MAX) {
		collection->full |= root_exists(collection->root, opened);
		return 0;
	}
	r = managed_file_add(collection->source, collection->root, opened, collection->documents);
	return r > 0 ? add_path(&collection->opened, opened) : r;
}

/* Adds what one line sources. */
static int follow_line(struct collection *collection, size_t index,
		       const struct interfaces_line *line)
{
	_cleanup_(interfaces_paths_done) struct interfaces_paths paths = { 0 };
	struct document *document = collection->documents->items[collection->first + index];
	int r, error;

	error = interfaces_sourced_files(collection->root, collection->dialect,
					 collection->opened.items[index], line->text, &paths);
	if (error == -ENOMEM)
		return error;
	if (error < 0) {
		r = document_add_note(document, line->number,
				      "what it sources could not be looked at: %s",
				      strerror(-error));
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < paths.n_items; i++) {
		r = add_file(collection, paths.items[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int follow_document(struct collection *collection, size_t index)
{
	struct document *document = collection->documents->items[collection->first + index];
	_cleanup_(interfaces_reader_done) struct interfaces_reader reader = {
		.dialect = collection->dialect,
		.text = document_bytes(document),
	};
	struct interfaces_line line;
	size_t at;
	int r;

	if (document->unfit)
		return 0;
	while ((r = interfaces_reader_next(&reader, &line)) > 0) {
		switch (interfaces_keyword(collection->dialect,
					   interfaces_first_word(line.text, &at))) {
		case KEYWORD_SOURCE:
		case KEYWORD_SOURCE_DIRECTORY:
			r = follow_line(collection, index, &line);
			if (r < 0)
				return r;
			break;
		default:
			break;
		}
	}
	return r;
}

/* Adds a file and, one after the other, all that it and those after it source. */
static int add_tree(struct collection *collection, const char *path)
{
	size_t next = collection->opened.n_items;
	int r = add_file(collection, path);

	for (; r == 0 && next < collection->opened.n_items; next++)
		r = follow_document(collection, next);
	return r;
}

static int add_extra(struct collection *collection, const char *glob)
{
	char **found = NULL;
	int r = root_glob(collection->root, glob, &found);

	/* A pattern of the configuration that gives nothing is no reason to leave the rest. */
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = 0;
	for (size_t i = 0; r == 0 && found[i]; i++)
		r = add_tree(collection, found[i]);
	root_glob_free(found);
	return r;
}

static int collect(struct collection *collection, const struct scan_context *context)
{
	int r = add_tree(collection, INTERFACES_FILE);

	if (r == 0)
		r = add_tree(collection, INTERFACES_NEW_FILE);
	for (size_t i = 0; r == 0 && i < context->n_extra_globs; i++)
		r = add_extra(collection, context->extra_globs[i]);
	if (r == 0 && collection->full)
		r = document_add_note(collection->documents->items[collection->first], 1,
				      "more than %u files are sourced: the others are not read",
				      MANAGED_FILES_MAX);
	return r;
}

int interfaces_collect(const struct source *source, const struct scan_context *context,
		       struct documents *documents, struct problem *problem)
{
	struct collection collection = {
		.source = source,
		.root = context->root,
		.dialect = interfaces_detect_dialect(context->root),
		.documents = documents,
		.first = documents->n_items,
	};
	int r = collect(&collection, context);

	interfaces_paths_done(&collection.opened);
	if (r < 0)
		return problem_set_errno(problem, r, INTERFACES_FILE, "read");
	return 0;
}

int interfaces_collect_file(const struct source *source, const struct scan_context *context,
			    const char *path, struct documents *documents, struct problem *problem)
{
	struct collection collection = {
		.source = source,
		.root = context->root,
		.documents = documents,
		.first = documents->n_items,
	};
	int r = add_file(&collection, path);

	interfaces_paths_done(&collection.opened);
	return r < 0 ? problem_set_errno(problem, r, path, "read") : 0;
}
