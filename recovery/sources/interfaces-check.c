/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a reader of interfaces(5) rejects. ifupdown is strict: at the first thing that it does not
 * understand it reads no interface at all, or, in a sourced file, nothing more of that file
 * (config.c read_interfaces_defn()). ifupdown2 logs errors and goes on, but a keyword without its
 * argument ends it. ifupdown-ng accepts everything.
 */
#include <errno.h>
#include <search.h>

#include "recovery/sources/interfaces-private.h"

/* Longest word that ifupdown tells from others; it cuts the rest off. */
#define WORD_MAX 79

/* Address families and their methods in ifupdown 0.8.41 on Linux. */
static const struct {
	const char *name;
	const char *const methods[12];
} families[] = {
	{ "inet",
	  { "loopback", "static", "manual", "dhcp", "bootp", "tunnel", "ppp", "wvdial",
	    "ipv4ll" } },
	{ "inet6",
	  { "auto", "loopback", "static", "manual", "dhcp", "tunnel", "v4tunnel", "6to4" } },
	{ "ipx", { "static", "dynamic" } },
	{ "can", { "static" } },
	{ "meta", { "none" } },
};

#define NO_FAMILY ARRAY_SIZE(families)

/**
 * struct stanza_name - A name that stanzas were found for, in the file or one sourced before
 * @families: which, one bit each
 * @first:    the family of the first of them
 */
struct stanza_name {
	struct bytes name;
	unsigned int families;
	size_t first;
};

enum state {
	STATE_NONE,
	STATE_IFACE,
	STATE_MAPPING,
};

/**
 * struct check - A run through a set of files
 * @stanzas:    tree of struct stanza_name (tsearch(3))
 * @incomplete: something was sourced that is not known here: an unknown name to inherit from may
 *              stand there
 * @visited:    which documents were read in this run
 */
struct check {
	const struct root *root;
	enum interfaces_dialect dialect;
	const struct documents *documents;
	const struct bytes *texts;
	struct interfaces_error *errors;
	bool *visited;
	struct arena arena;
	void *stanzas;
	bool incomplete;
};

static void leave_to_arena(void *stanza)
{
	(void)stanza;
}

/* Forgets the stanzas, as between two files that are read on their own. */
static void forget_stanzas(struct check *check)
{
	tdestroy(check->stanzas, leave_to_arena);
	check->stanzas = NULL;
	check->incomplete = false;
}

static void check_done(struct check *check)
{
	forget_stanzas(check);
	arena_done(&check->arena);
	free(check->visited);
}

static int compare_names(const void *a, const void *b)
{
	const struct stanza_name *one = a, *other = b;

	return bytes_compare(one->name, other->name);
}

static struct bytes cut_word(struct bytes word)
{
	word.size = MIN_OF(word.size, (size_t)WORD_MAX);
	return word;
}

static const struct stanza_name *find_stanza(struct check *check, struct bytes name)
{
	struct stanza_name key = { .name = cut_word(name) };
	struct stanza_name *const *found = tfind(&key, &check->stanzas, compare_names);

	return found ? *found : NULL;
}

static int add_stanza(struct check *check, struct bytes name, size_t family)
{
	struct stanza_name *stanza, *const *found;

	stanza = arena_allocate(&check->arena, sizeof(*stanza));
	if (!stanza)
		return -ENOMEM;
	name = cut_word(name);
	stanza->name = bytes_make(arena_copy(&check->arena, name), name.size);
	stanza->first = family;
	if (!stanza->name.data)
		return -ENOMEM;
	found = tsearch(stanza, &check->stanzas, compare_names);
	if (!found)
		return -ENOMEM;
	(*found)->families |= 1U << family;
	return 0;
}

static size_t find_family(struct bytes word)
{
	size_t family = 0;

	while (family < NO_FAMILY && !bytes_equal_text(word, families[family].name))
		family++;
	return family;
}

static bool has_method(size_t family, struct bytes word)
{
	for (size_t i = 0; families[family].methods[i]; i++)
		if (bytes_equal_text(word, families[family].methods[i]))
			return true;
	return false;
}

/* The next word, or none. */
static struct bytes next_word(struct bytes line, size_t *at)
{
	struct span word;

	if (!interfaces_next_word(line, at, &word))
		return BYTES_NONE;
	return bytes_slice(line, word.offset, word.length);
}

/* "inherits NAME" behind "iface NAME [FAMILY [METHOD]]". */
static const char *check_inherits(struct check *check, struct bytes line, size_t at, size_t *family)
{
	struct bytes name = next_word(line, &at);
	const struct stanza_name *stanza;

	if (name.size == 0)
		return "'inherits' keyword is missing a parameter";
	stanza = find_stanza(check, name);
	if (stanza && *family == NO_FAMILY)
		*family = stanza->first;
	if (stanza && (stanza->families & (1U << *family)))
		return NULL;
	return check->incomplete ? NULL : "unknown iface to inherit from";
}

/* An iface line from its second word on. */
static const char *check_iface(struct check *check, struct bytes line, size_t at,
			       struct bytes *ret_name, size_t *ret_family)
{
	size_t family;
	bool method = false;
	struct bytes word;

	*ret_name = next_word(line, &at);
	if (ret_name->size == 0)
		return "too few parameters for iface line";

	word = next_word(line, &at);
	family = find_family(word);
	if (family < NO_FAMILY) {
		word = next_word(line, &at);
		method = has_method(family, word);
		if (method)
			word = next_word(line, &at);
	}
	*ret_family = family;
	if (bytes_equal_text(word, "inherits"))
		return check_inherits(check, line, at, ret_family);
	if (family == NO_FAMILY)
		return "unknown or no address type and no inherits keyword specified";
	return method ? NULL : "unknown or no method and no inherits keyword specified";
}

static int read_iface(struct check *check, struct bytes line, size_t at, const char **ret_cause)
{
	struct bytes name;
	size_t family;

	*ret_cause = check_iface(check, line, at, &name, &family);
	/* The family of one that inherits from the unknown is unknown. */
	if (*ret_cause || family == NO_FAMILY)
		return 0;
	return add_stanza(check, name, family);
}

static const char *check_mapping_line(struct bytes key, bool *has_script)
{
	if (bytes_equal_text(key, "map"))
		return NULL;
	if (!bytes_equal_text(key, "script"))
		return "misplaced option";
	if (*has_script)
		return "duplicate script in mapping";
	*has_script = true;
	return NULL;
}

static int check_file(struct check *check, const char *path, struct bytes text,
		      struct interfaces_error *error);

static size_t find_document(const struct documents *documents, const char *path)
{
	size_t index = 0;

	while (index < documents->n_items && strcmp(documents->items[index]->path, path) != 0)
		index++;
	return index;
}

/* Reads document @index, which was opened as @path, unless it was read before. */
static int read_document(struct check *check, size_t index, const char *path)
{
	const struct document *document = check->documents->items[index];

	if (check->visited[index])
		return 0;
	check->visited[index] = true;
	if (document->unfit) {
		check->incomplete = true;
		return 0;
	}
	return check_file(check, path,
			  check->texts ? check->texts[index] : document_bytes(document),
			  &check->errors[index]);
}

static int read_sourced_file(struct check *check, const char *path)
{
	_cleanup_free_ char *resolved = NULL;
	int r = root_resolve(check->root, path, &resolved);
	size_t index;

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r == -ENOMEM)
		return r;
	index = find_document(check->documents, r < 0 ? path : resolved);
	if (index < check->documents->n_items)
		return read_document(check, index, path);
	/* A link that leads out of the tree is known by its own name. */
	index = find_document(check->documents, path);
	if (index < check->documents->n_items)
		return read_document(check, index, path);
	check->incomplete = true;
	return 0;
}

/* Reads what a line sources, each file once; an error there does not end the file it stands in. */
static int read_sourced(struct check *check, const char *path, struct bytes line)
{
	_cleanup_(interfaces_paths_done) struct interfaces_paths files = { 0 };
	int r;

	if (!check->root) {
		check->incomplete = true;
		return 0;
	}
	r = interfaces_sourced_files(check->root, check->dialect, path, line, &files);
	if (r == -ENOMEM)
		return r;
	check->incomplete |= r != 0;
	r = 0;
	for (size_t i = 0; i < files.n_items && r == 0; i++)
		r = read_sourced_file(check, files.items[i]);
	return r;
}

/**
 * struct place - Where ifupdown is in a file
 * @has_script: the mapping has its script
 */
struct place {
	const char *path;
	enum state state;
	bool has_script;
};

/* One line of a file that ifupdown reads. @ret_cause is NULL when it is accepted. */
static int read_ifupdown_line(struct check *check, struct place *place, struct bytes line,
			      const char **ret_cause)
{
	size_t at;
	struct bytes key = interfaces_first_word(line, &at), second;
	size_t behind = at;

	*ret_cause = NULL;
	second = next_word(line, &behind);
	switch (interfaces_keyword(DIALECT_IFUPDOWN, key)) {
	case KEYWORD_MAPPING:
		place->state = STATE_MAPPING;
		place->has_script = false;
		return 0;
	case KEYWORD_SOURCE:
	case KEYWORD_SOURCE_DIRECTORY:
		place->state = STATE_NONE;
		return read_sourced(check, place->path, line);
	case KEYWORD_IFACE:
		place->state = STATE_IFACE;
		return read_iface(check, line, at, ret_cause);
	case KEYWORD_AUTO:
		/* Without a name it means the stanza it stands in, and does not end it. */
		if (second.size > 0 || place->state != STATE_IFACE)
			place->state = STATE_NONE;
		return 0;
	case KEYWORD_RENAME:
		place->state = STATE_NONE;
		return 0;
	default:
		break;
	}
	if (place->state == STATE_MAPPING)
		*ret_cause = check_mapping_line(key, &place->has_script);
	else if (place->state != STATE_IFACE)
		*ret_cause = "misplaced option";
	else if (second.size == 0)
		*ret_cause = "option with empty value";
	return 0;
}

/* Keywords whose argument ifupdown2 takes for granted; without, its exception ends everything. */
static const char *check_ifupdown2_line(enum interfaces_dialect dialect, struct bytes line)
{
	size_t at;
	struct bytes key = interfaces_first_word(line, &at), word = next_word(line, &at);

	switch (interfaces_keyword(dialect, key)) {
	case KEYWORD_IFACE:
	case KEYWORD_VLAN:
	case KEYWORD_SOURCE:
	case KEYWORD_SOURCE_DIRECTORY:
		return word.size == 0 ? "keyword without an argument" : NULL;
	case KEYWORD_AUTO:
		if (bytes_equal_text(key, "allow"))
			return "invalid allow line";
		if (bytes_start_with(key, bytes_of("allow-")) && word.size == 0)
			return "invalid allow line";
		return NULL;
	default:
		return NULL;
	}
}

static int check_line(struct check *check, struct place *place, struct bytes line,
		      const char **ret_cause)
{
	if (check->dialect == DIALECT_IFUPDOWN)
		return read_ifupdown_line(check, place, line, ret_cause);
	*ret_cause = check_ifupdown2_line(check->dialect, line);
	return 0;
}

/* Reads one file up to its end or the first error. */
static int check_file(struct check *check, const char *path, struct bytes text,
		      struct interfaces_error *error)
{
	_cleanup_(interfaces_reader_done) struct interfaces_reader reader = {
		.dialect = check->dialect,
		.text = text,
	};
	struct place place = { .path = path };
	struct interfaces_line line;
	int r;

	if (check->dialect == DIALECT_IFUPDOWN_NG)
		return 0;
	/* Perhaps a template: what comes out of it is not known. */
	if (check->dialect != DIALECT_IFUPDOWN && text.size > 0 &&
	    memchr(text.data, '%', text.size))
		return 0;
	while ((r = interfaces_reader_next(&reader, &line)) > 0) {
		const char *cause = NULL;

		if (line.text.size == 0)
			continue;
		r = check_line(check, &place, line.text, &cause);
		if (r < 0)
			return r;
		if (!cause)
			continue;
		if (!error->cause)
			*error = (struct interfaces_error){ line.number, cause };
		return 0;
	}
	return r;
}

/* A file that a reader starts with, if it is there, and what it sources. */
static int check_start(struct check *check, const char *path)
{
	_cleanup_free_ char *resolved = NULL;
	int r = root_resolve(check->root, path, &resolved);
	size_t index;

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	forget_stanzas(check);
	index = find_document(check->documents, resolved);
	return index < check->documents->n_items ? read_document(check, index, path) : 0;
}

/* Files that nothing sources, from the configuration: what is read before them is not known. */
static int check_others(struct check *check, const bool *reached)
{
	int r = 0;

	for (size_t i = 0; i < check->documents->n_items && r == 0; i++) {
		if (reached[i])
			continue;
		forget_stanzas(check);
		check->incomplete = true;
		r = read_document(check, i, check->documents->items[i]->path);
	}
	return r;
}

static int check_all(struct check *check)
{
	_cleanup_free_ bool *reached = NULL;
	size_t n = check->documents->n_items;
	int r;

	reached = calloc(n + 1, sizeof(*reached));
	check->visited = calloc(n + 1, sizeof(*check->visited));
	if (!reached || !check->visited)
		return -ENOMEM;
	r = check_start(check, INTERFACES_FILE);
	if (r < 0)
		return r;

	/* The new file is read with what it sources, as if the other were not there. */
	memcpy(reached, check->visited, n * sizeof(*reached));
	memset(check->visited, 0, n * sizeof(*check->visited));
	r = check_start(check, INTERFACES_NEW_FILE);
	return r < 0 ? r : check_others(check, reached);
}

int interfaces_find_errors(const struct root *root, enum interfaces_dialect dialect,
			   const struct documents *documents, const struct bytes *texts,
			   struct interfaces_error **ret_errors)
{
	_cleanup_(check_done) struct check check = {
		.root = root,
		.dialect = dialect,
		.documents = documents,
		.texts = texts,
	};
	int r;

	check.errors = calloc(documents->n_items + 1, sizeof(*check.errors));
	if (!check.errors)
		return -ENOMEM;
	r = check_all(&check);
	if (r < 0) {
		free(check.errors);
		return r;
	}
	*ret_errors = check.errors;
	return 0;
}

int interfaces_check_text(enum interfaces_dialect dialect, struct bytes text, const char *file,
			  struct problem *problem)
{
	_cleanup_(check_done) struct check check = { .dialect = dialect };
	struct interfaces_error error = { 0 };
	int r = check_file(&check, file, text, &error);

	if (r < 0)
		return r;
	if (error.cause)
		return problem_set(problem, -EBADMSG, file, error.line, "%s", error.cause);
	return 0;
}
