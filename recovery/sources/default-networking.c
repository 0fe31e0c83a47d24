/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NIC names in /etc/default/networking, which a shell reads: EXCLUDE_INTERFACES (the init script of
 * ifupdown and ifupdown2) and WAIT_ONLINE_IFACE (ifupdown's wait-online.sh), lists of words.
 */
#include <errno.h>

#include "recovery/sources/interfaces-private.h"
#include "recovery/sources/token.h"

#define NETWORKING_FILE "/etc/default/networking"

static const char *const variables[] = { "EXCLUDE_INTERFACES", "WAIT_ONLINE_IFACE" };

/**
 * struct assignment - NAME=VALUE on one line or, quoted, over several
 * @value:  without its quotes
 * @simple: nothing in it is expanded or escaped
 */
struct assignment {
	const char *name;
	struct span value;
	bool simple;
};

static size_t skip_blanks(struct bytes text, size_t at)
{
	while (at < text.size && (text.data[at] == ' ' || text.data[at] == '\t'))
		at++;
	return at;
}

static size_t find_any(struct bytes text, size_t at, const char *set)
{
	while (at < text.size && !(text.data[at] != '\0' && strchr(set, text.data[at])))
		at++;
	return at;
}

static bool starts_with(struct bytes text, size_t at, const char *start)
{
	return bytes_start_with(bytes_slice(text, at, text.size - at), bytes_of(start));
}

/* The value that starts at @at. */
static void read_value(struct bytes text, size_t at, struct assignment *assignment)
{
	char quote = at < text.size ? text.data[at] : '\0';
	bool quoted = quote == '"' || quote == '\'';
	char ends[] = { quote, '\0' };
	size_t end;

	if (quoted)
		end = find_any(text, ++at, ends);
	else
		end = find_any(text, at, " \t\r\n;&|");
	assignment->value = (struct span){ at, end - at };
	assignment->simple = find_any(bytes_make(text.data, end), at,
				      quote == '\'' ? "" : "$`\\'\"<>()#") == end;
	/* A quote that does not end, or a word that goes on behind it. */
	if (quoted && (end == text.size ||
		       (end + 1 < text.size &&
			find_any(bytes_make(text.data, end + 2), end + 1, " \t\r\n;&|") > end + 1)))
		assignment->simple = false;
}

/* The assignment that a line makes, if it is one of ours. */
static bool read_assignment(struct bytes text, size_t at, struct assignment *ret_assignment)
{
	at = skip_blanks(text, at);
	if (starts_with(text, at, "export "))
		at = skip_blanks(text, at + strlen("export "));
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		size_t length = strlen(variables[i]);

		if (!starts_with(text, at, variables[i]) || !starts_with(text, at + length, "="))
			continue;
		ret_assignment->name = variables[i];
		read_value(text, at + length + 1, ret_assignment);
		return true;
	}
	return false;
}

static size_t line_end(struct bytes text, size_t at)
{
	at = find_any(text, at, "\n");
	return at + (at < text.size);
}

static uint64_t digest_lines(struct bytes lines)
{
	uint64_t digest = BYTES_DIGEST_SEED;
	struct span word;

	for (size_t at = 0; interfaces_next_word(lines, &at, &word);) {
		digest = bytes_digest(bytes_slice(lines, word.offset, word.length), digest);
		digest = bytes_digest(bytes_of(" "), digest);
	}
	return digest;
}

/* Adds what @token is in the document; @mention holds all but that. */
static int add_mention(struct document *document, const struct reference *mention,
		       const struct token *token)
{
	struct reference *reference = document_add_reference(document);

	if (!reference)
		return -ENOMEM;
	*reference = *mention;
	reference->kind = REFERENCE_NIC;
	reference->span = token->span;
	reference->suffix = token->suffix;
	reference->block = "";
	return 0;
}

/* The words of a list, in which @mention says what they have in common. */
static int scan_words(struct document *document, const struct name_set *names, struct span value,
		      struct reference *mention)
{
	struct bytes text = bytes_make(document->data, span_end(value));
	size_t at = value.offset, counted = at;
	struct span word;
	int r = 0;

	while (r == 0 && interfaces_next_word(text, &at, &word)) {
		struct bytes bytes = bytes_slice(text, word.offset, word.length);
		struct token token;

		for (; counted < word.offset; counted++)
			mention->line += text.data[counted] == '\n';

		if (find_any(bytes, 0, "*?[") < bytes.size) {
			r = document_add_note(document, mention->line,
					      "%.*s is a pattern: what it matches now was not "
					      "looked at",
					      (int)MIN_OF(bytes.size, (size_t)128), bytes.data);
		} else if (token_word(bytes, names, &token)) {
			token.span.offset += word.offset;
			r = add_mention(document, mention, &token);
		}
	}
	return r;
}

/* Leaves out the blanks at both ends. */
static struct span trim(struct bytes text, struct span span)
{
	while (span.length > 0 && interfaces_is_blank(text.data[span_end(span) - 1]))
		span.length--;
	while (span.length > 0 && interfaces_is_blank(text.data[span.offset])) {
		span.offset++;
		span.length--;
	}
	return span;
}

static int scan_list(struct document *document, const struct name_set *names,
		     const struct assignment *assignment, struct span lines, unsigned int number)
{
	struct bytes text = document_bytes(document);
	struct reference mention = {
		.line = number,
		.limited = true,
		.certain = true,
		.key = assignment->name,
		.line_digest = digest_lines(document_text(document, lines)),
		.shape = PARK_WORD,
		.list = trim(text, assignment->value),
		.extent = lines,
		.none_word = "",
	};

	return scan_words(document, names, assignment->value, &mention);
}

/* Code that is not understood: names in it are told, not changed. */
static int scan_code(struct document *document, const struct name_set *names, const char *key,
		     struct span lines, unsigned int number)
{
	struct token_search search = {
		.text = bytes_make(document->data, span_end(lines)),
		.names = names,
		.at = lines.offset,
		.run = lines.offset,
	};
	struct reference mention = {
		.line = number,
		.key = key,
		.line_digest = digest_lines(document_text(document, lines)),
		.shape = PARK_NEVER,
		.extent = lines,
	};
	struct token token;
	int r = 0;

	while (r == 0 && token_next(&search, &token))
		r = add_mention(document, &mention, &token);
	return r;
}

static bool mentions_name(struct bytes text, struct span lines, const struct name_set *names)
{
	struct token_search search = {
		.text = bytes_slice(text, lines.offset, lines.length),
		.names = names,
	};
	struct token token;

	return token_next(&search, &token);
}

/* One line, or several that a quote holds together. */
static int scan_lines(struct document *document, const struct name_set *names, struct span *lines,
		      unsigned int number)
{
	struct assignment assignment = { 0 };
	struct bytes text = document_bytes(document);
	bool ours = read_assignment(text, lines->offset, &assignment);
	int r;

	if (ours && assignment.simple)
		lines->length = line_end(text, span_end(assignment.value)) - lines->offset;
	r = document_add_line_digest(document, digest_lines(document_text(document, *lines)));
	if (r < 0)
		return r;
	if (ours && assignment.simple)
		return scan_list(document, names, &assignment, *lines, number);
	return scan_code(document, names, ours ? assignment.name : "", *lines, number);
}

static int scan_document(struct document *document, const struct name_set *names)
{
	struct bytes text = document_bytes(document);
	size_t n_comments = 0;
	unsigned int comment_line = 0, number = 1;
	struct span lines;
	int r = 0;

	for (size_t at = 0; at < text.size && r == 0; at = span_end(lines)) {
		size_t start = skip_blanks(text, at);

		lines = (struct span){ at, line_end(text, at) - at };
		if (start < text.size && text.data[start] == '#') {
			if (mentions_name(text, lines, names) && n_comments++ == 0)
				comment_line = number;
		} else if (start < span_end(lines) && text.data[start] != '\n') {
			r = scan_lines(document, names, &lines, number);
		}
		for (size_t i = at; i < span_end(lines); i++)
			number += text.data[i] == '\n';
	}
	if (r == 0 && n_comments > 0)
		r = document_add_note(document, comment_line,
				      "%zu comments mention a NIC: left as they are", n_comments);
	document_finish(document);
	return r;
}

static int scan_networking(const struct source *source, const struct scan_context *context,
			   struct documents *documents, const struct name_set *names)
{
	int r = 0;

	(void)context;
	for (size_t i = 0; i < documents->n_items && r == 0; i++)
		if (documents->items[i]->source == source && !documents->items[i]->unfit)
			r = scan_document(documents->items[i], names);
	return r;
}

static int collect_networking(const struct source *source, const struct scan_context *context,
			      struct documents *documents, struct problem *problem)
{
	return interfaces_collect_file(source, context, NETWORKING_FILE, documents, problem);
}

/* A name in the place of another, and no name at all, are as good to the shell. */
static int check_networking(const struct source *source, const struct scan_context *context,
			    const struct documents *documents, const struct bytes *texts,
			    struct problem *problem)
{
	(void)source;
	(void)context;
	(void)documents;
	(void)texts;
	(void)problem;
	return 0;
}

const struct source default_networking_source = {
	.name = "default-networking",
	.collect = collect_networking,
	.scan = scan_networking,
	.check = check_networking,
};
