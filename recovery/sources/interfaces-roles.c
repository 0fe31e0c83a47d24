/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/interfaces-roles.h"

#include <errno.h>

#include "recovery/sources/token.h"

void interfaces_roles_done(struct interfaces_roles *roles)
{
	if (!roles)
		return;
	for (size_t i = 0; i < roles->n_items; i++)
		free(roles->items[i].name);
	free(roles->items);
	*roles = (struct interfaces_roles){ 0 };
}

static int compare_items(const void *a, const void *b)
{
	const struct interfaces_role_item *one = a, *other = b;

	return strcmp(one->name, other->name);
}

static struct interfaces_role_item *find_item(const struct interfaces_roles *roles,
					      struct bytes name)
{
	size_t low = 0, high = roles->n_items;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = bytes_compare(name, bytes_of(roles->items[middle].name));

		if (order == 0)
			return &roles->items[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

unsigned int interfaces_roles_of(const struct interfaces_roles *roles, struct bytes name)
{
	const struct interfaces_role_item *item = find_item(roles, name);

	return item ? item->roles : 0;
}

bool interfaces_is_logical(const struct interfaces_roles *roles, struct bytes name)
{
	return interfaces_roles_of(roles, name) & (ROLE_LOGICAL | ROLE_RENAMED);
}

static bool is_wildcard(char c)
{
	return c != '\0' && strchr("*?[\\+@!(|)", c);
}

static struct span span_between(size_t start, size_t end)
{
	return (struct span){ start, end - start };
}

static size_t find_byte(struct bytes word, size_t from, char c)
{
	while (from < word.size && word.data[from] != c)
		from++;
	return from;
}

struct interfaces_auto_word interfaces_split_auto_word(enum interfaces_dialect dialect,
						       struct bytes word)
{
	struct interfaces_auto_word split = { .physical = { 0, word.size } };
	size_t slash = find_byte(word, 0, '/'), options, equals;

	if (dialect != DIALECT_IFUPDOWN) {
		/* ifupdown2's ranges: "swp[1-3].100" */
		split.pattern = memchr(word.data, '[', word.size);
		return split;
	}
	if (slash == word.size) {
		equals = find_byte(word, 0, '=');
		split.physical = span_between(0, equals);
	} else {
		options = find_byte(word, slash + 1, '/');
		equals = find_byte(word, options < word.size ? options : slash + 1, '=');
		split.physical = span_between(slash + 1, MIN_OF(options, equals));
		split.pattern = slash > 0;
		for (size_t i = slash + 1; i < span_end(split.physical); i++)
			split.pattern |= is_wildcard(word.data[i]);
	}
	if (equals < word.size)
		split.logical = bytes_slice(word, equals + 1, word.size - equals - 1);
	return split;
}

/**
 * struct search - A walk through the files
 * @mapping: in a mapping's lines
 */
struct search {
	enum interfaces_dialect dialect;
	struct interfaces_roles *roles;
	bool mapping;
};

static int add_role(struct search *search, struct bytes name, enum interfaces_role role)
{
	struct interfaces_roles *roles = search->roles;
	struct interfaces_role_item *item;
	struct token token;

	if (!token_word(name, roles->names, &token))
		return 0;
	if (ARRAY_RESERVE(roles->items, roles->n_items, roles->allocated) < 0)
		return -ENOMEM;
	item = &roles->items[roles->n_items];
	item->roles = role;
	if (bytes_duplicate(name, &item->name) < 0)
		return -ENOMEM;
	roles->n_items++;
	return 0;
}

static struct bytes slice(struct bytes line, struct span span)
{
	return bytes_slice(line, span.offset, span.length);
}

static int read_auto(struct search *search, struct bytes line, size_t at)
{
	struct span span;
	int r = 0;

	while (r == 0 && interfaces_next_word(line, &at, &span)) {
		struct bytes word = slice(line, span);
		struct interfaces_auto_word split =
			interfaces_split_auto_word(search->dialect, word);

		if (split.logical.size > 0)
			r = add_role(search, split.logical, ROLE_LOGICAL);
	}
	return r;
}

static int read_rename(struct search *search, struct bytes line, size_t at)
{
	struct span span;
	int r = 0;

	while (r == 0 && interfaces_next_word(line, &at, &span)) {
		struct interfaces_auto_word split =
			interfaces_split_auto_word(DIALECT_IFUPDOWN, slice(line, span));

		if (split.logical.size > 0)
			r = add_role(search, split.logical, ROLE_RENAMED);
	}
	return r;
}

static int read_next_word(struct search *search, struct bytes line, size_t at,
			  enum interfaces_role role)
{
	struct span span;

	if (!interfaces_next_word(line, &at, &span))
		return 0;
	return add_role(search, slice(line, span), role);
}

/* What a mapping's script makes of its lines is its own affair; by custom the last word is the name
 * it may print (ifupdown's examples). */
static int read_map(struct search *search, struct bytes line, size_t at)
{
	struct span span = { 0 };

	while (interfaces_next_word(line, &at, &span))
		;
	return add_role(search, slice(line, span), ROLE_LOGICAL);
}

static int read_option(struct search *search, struct bytes line, struct bytes key, size_t at)
{
	if (search->dialect == DIALECT_IFUPDOWN && search->mapping && bytes_equal_text(key, "map"))
		return read_map(search, line, at);
	return 0;
}

/* What only other readers know gives no name a role. */
static int read_line(struct search *search, struct bytes line)
{
	size_t at;
	struct bytes key = interfaces_first_word(line, &at);
	enum interfaces_keyword keyword = interfaces_keyword(search->dialect, key);

	if (keyword != KEYWORD_NONE)
		search->mapping = keyword == KEYWORD_MAPPING;
	switch (keyword) {
	case KEYWORD_AUTO:
		return read_auto(search, line, at);
	case KEYWORD_RENAME:
		return search->dialect == DIALECT_IFUPDOWN ? read_rename(search, line, at) : 0;
	case KEYWORD_TEMPLATE:
		return read_next_word(search, line, at, ROLE_LOGICAL);
	case KEYWORD_NONE:
		return read_option(search, line, key, at);
	default:
		return 0;
	}
}

static int read_documents(struct search *search, struct document *const *documents, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++) {
		_cleanup_(interfaces_reader_done) struct interfaces_reader reader = {
			.dialect = search->dialect,
			.text = document_bytes(documents[i]),
		};
		struct interfaces_line line;

		search->mapping = false;
		while (r >= 0 && (r = interfaces_reader_next(&reader, &line)) > 0)
			r = read_line(search, line.text);
	}
	return r < 0 ? r : 0;
}

/* Sorts, and makes one item of all that have the same name. */
static void finish(struct interfaces_roles *roles)
{
	size_t n = 0;

	if (roles->n_items > 1)
		qsort(roles->items, roles->n_items, sizeof(*roles->items), compare_items);
	for (size_t i = 0; i < roles->n_items; i++) {
		if (n > 0 && strcmp(roles->items[n - 1].name, roles->items[i].name) == 0) {
			roles->items[n - 1].roles |= roles->items[i].roles;
			free(roles->items[i].name);
		} else {
			roles->items[n++] = roles->items[i];
		}
	}
	roles->n_items = n;
}

int interfaces_roles_find(enum interfaces_dialect dialect, struct document *const *documents,
			  size_t n_documents, const struct name_set *names,
			  struct interfaces_roles *ret_roles)
{
	struct interfaces_roles roles = { .names = names };
	struct search search = { .dialect = dialect, .roles = &roles };
	int r = read_documents(&search, documents, n_documents);

	finish(&roles);
	if (r < 0) {
		interfaces_roles_done(&roles);
		return r;
	}
	*ret_roles = roles;
	return 0;
}
