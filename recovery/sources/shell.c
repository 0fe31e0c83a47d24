/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shell Command Language, IEEE Std 1003.1, chapter 2.10; what is not in it is named. */
#include "recovery/sources/shell.h"

#include <errno.h>

/* Commands in commands, substitutions in substitutions. */
#define DEPTH_MAX 100

/* Longest reserved word: "function". */
#define RESERVED_MAX 8

/**
 * struct here - A here-document whose lines are still to come
 * @delimiter: as written, quotes and all
 * @strip:     "<<-": tabs may stand in front of the delimiter
 */
struct here {
	struct span delimiter;
	bool strip;
	size_t node;
};

/**
 * struct reader - A walk through a script
 * @end:   behind the last byte that belongs to something, blanks and comments do not
 * @node:  the one under way
 * @muted: in a substitution: nothing of it is written down
 * @substitutes: the word under way holds a substitution
 */
struct reader {
	struct bytes text;
	size_t at;
	size_t end;
	size_t node;
	unsigned int depth;
	unsigned int muted;
	bool substitutes;
	bool no_memory;
	struct here *here;
	size_t n_here;
	size_t here_allocated;
	struct shell_script *script;
};

void shell_script_done(struct shell_script *script)
{
	if (!script)
		return;
	free(script->nodes);
	free(script->words);
	free(script->comments);
	*script = (struct shell_script){ 0 };
}

static bool fail(struct reader *reader, const char *cause)
{
	if (!reader->script->cause) {
		reader->script->cause = cause;
		reader->script->cause_at = MIN_OF(reader->at, reader->text.size);
	}
	return false;
}

static bool fail_memory(struct reader *reader)
{
	reader->no_memory = true;
	return fail(reader, "no memory");
}

static bool at_end(const struct reader *reader)
{
	return reader->at >= reader->text.size;
}

/* NUL behind the end; a NUL byte in the text is no byte that means anything here. */
static char peek_at(const struct reader *reader, size_t ahead)
{
	size_t at = reader->at + ahead;

	return at < reader->text.size ? reader->text.data[at] : '\0';
}

static char peek(const struct reader *reader)
{
	return peek_at(reader, 0);
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c);
}

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* Whether an unquoted word ends before this byte. */
static bool ends_word(const struct reader *reader, size_t ahead)
{
	return reader->at + ahead >= reader->text.size ||
	       is_one_of(peek_at(reader, ahead), " \t\n;&|<>()");
}

/* Moves over @n bytes that belong to something. */
static void take(struct reader *reader, size_t n)
{
	reader->at = MIN_OF(reader->at + n, reader->text.size);
	reader->end = reader->at;
}

static bool add_comment(struct reader *reader, struct span span)
{
	struct shell_script *script = reader->script;

	if (ARRAY_RESERVE(script->comments, script->n_comments, script->comments_allocated) < 0)
		return fail_memory(reader);
	script->comments[script->n_comments++] = span;
	return true;
}

static bool add_word(struct reader *reader, enum shell_role role, size_t start, size_t end,
		     size_t name_length)
{
	struct shell_script *script = reader->script;

	if (reader->muted)
		return true;
	if (ARRAY_RESERVE(script->words, script->n_words, script->words_allocated) < 0)
		return fail_memory(reader);
	script->words[script->n_words++] = (struct shell_word){
		.role = role,
		.span = { start, end - start },
		.node = reader->node,
		.name_length = name_length,
		.substitutes = reader->substitutes,
	};
	return true;
}

static bool open_node(struct reader *reader, enum shell_kind kind)
{
	struct shell_script *script = reader->script;

	if (reader->muted)
		return true;
	if (ARRAY_RESERVE(script->nodes, script->n_nodes, script->nodes_allocated) < 0)
		return fail_memory(reader);
	script->nodes[script->n_nodes] = (struct shell_node){
		.kind = kind,
		.span = { reader->at, 0 },
		.parent = reader->node,
		.previous = SHELL_NONE,
	};
	reader->node = script->n_nodes++;
	return true;
}

static void close_node(struct reader *reader)
{
	struct shell_node *node;

	if (reader->muted)
		return;
	node = &reader->script->nodes[reader->node];
	node->end = reader->script->n_nodes;
	node->span.length = MAX_OF(reader->end, node->span.offset) - node->span.offset;
	node->list_end = span_end(node->span);
	reader->node = node->parent;
}

static bool enter(struct reader *reader)
{
	return ++reader->depth <= DEPTH_MAX || fail(reader, "is nested too deeply");
}

static void leave(struct reader *reader)
{
	reader->depth--;
}

/* Blanks, continued lines and a comment. */
static bool skip_blanks(struct reader *reader)
{
	const char *newline;
	size_t start;

	for (;;) {
		if (peek(reader) == ' ' || peek(reader) == '\t')
			reader->at++;
		else if (peek(reader) == '\\' && peek_at(reader, 1) == '\n')
			reader->at += 2;
		else
			break;
	}
	if (peek(reader) != '#')
		return true;
	start = reader->at;
	newline = memchr(reader->text.data + start, '\n', reader->text.size - start);
	reader->at = newline ? (size_t)(newline - reader->text.data) : reader->text.size;
	return add_comment(reader, (struct span){ start, reader->at - start });
}

static struct bytes take_line(struct reader *reader)
{
	size_t start = reader->at, left = reader->text.size - start;
	const char *newline = left > 0 ? memchr(reader->text.data + start, '\n', left) : NULL;
	size_t length = newline ? (size_t)(newline - reader->text.data) - start : left;

	reader->at = start + length + (newline ? 1 : 0);
	return bytes_slice(reader->text, start, length);
}

/* Whether a line is what a delimiter says with its quotes removed. */
static bool is_delimiter(const struct reader *reader, const struct here *here, struct bytes line)
{
	struct bytes word =
		bytes_slice(reader->text, here->delimiter.offset, here->delimiter.length);
	size_t at = 0;

	for (; here->strip && line.size > 0 && line.data[0] == '\t'; line.size--)
		line.data++;
	for (size_t i = 0; i < word.size; i++) {
		if (is_one_of(word.data[i], "'\"\\"))
			continue;
		if (at >= line.size || line.data[at++] != word.data[i])
			return false;
	}
	return at == line.size;
}

/* One without its delimiter goes to the end of the script, as shells have it. */
static bool read_here(struct reader *reader, const struct here *here)
{
	size_t start = reader->at, end = start, node = reader->node;
	bool done;

	while (!at_end(reader)) {
		end = reader->at;
		if (is_delimiter(reader, here, take_line(reader)))
			break;
		end = reader->at;
	}
	reader->node = here->node;
	reader->substitutes = false;
	done = add_word(reader, SHELL_HERE, start, end, 0);
	reader->node = node;
	return done;
}

/* A newline, and the here-documents that start behind it. */
static bool take_newline(struct reader *reader)
{
	bool read = true;

	reader->at++;
	for (size_t i = 0; i < reader->n_here && read; i++)
		read = read_here(reader, &reader->here[i]);
	reader->n_here = 0;
	return read;
}

static bool skip_newlines(struct reader *reader)
{
	for (;;) {
		if (!skip_blanks(reader))
			return false;
		if (peek(reader) != '\n')
			return true;
		if (!take_newline(reader))
			return false;
	}
}

/* Whether the next word is this one, unquoted. */
static bool next_is(const struct reader *reader, const char *word)
{
	size_t length = strlen(word);

	for (size_t i = 0; i < length; i++)
		if (peek_at(reader, i) != word[i])
			return false;
	return ends_word(reader, length);
}

static bool next_is_one_of(const struct reader *reader, const char *const *words)
{
	for (; *words; words++)
		if (next_is(reader, *words))
			return true;
	return false;
}

/* Takes a reserved word that has to stand here. */
static bool expect(struct reader *reader, const char *word, const char *cause)
{
	if (!next_is(reader, word))
		return fail(reader, cause);
	take(reader, strlen(word));
	return true;
}

static bool expect_byte(struct reader *reader, char c, const char *cause)
{
	if (peek(reader) != c)
		return fail(reader, cause);
	take(reader, 1);
	return true;
}

static bool read_list(struct reader *reader, bool condition, size_t *ret_n);
static bool read_command(struct reader *reader);
static bool read_dollar(struct reader *reader, bool quoted);

static bool read_single_quotes(struct reader *reader)
{
	size_t left = reader->text.size - reader->at;
	const char *end = memchr(reader->text.data + reader->at + 1, '\'', left - 1);

	if (!end)
		return fail(reader, "a single quote is not closed");
	take(reader, (size_t)(end - reader->text.data) + 1 - reader->at);
	return true;
}

/* bash and busybox know escapes in $'…', dash does not: they do not agree where this one ends. */
static bool read_dollar_quotes(struct reader *reader)
{
	size_t start = reader->at + 1;

	reader->at++;
	if (!read_single_quotes(reader))
		return false;
	if (memmem(reader->text.data + start, reader->at - start, "\\'", 2))
		return fail(reader, "an escaped quote in $'…' is not the same to all shells");
	return true;
}

static bool read_backquotes(struct reader *reader)
{
	reader->substitutes = true;
	for (take(reader, 1); !at_end(reader); take(reader, 1)) {
		if (peek(reader) == '\\') {
			reader->at++;
		} else if (peek(reader) == '`') {
			take(reader, 1);
			return true;
		}
	}
	return fail(reader, "a backquote is not closed");
}

static bool read_double_quotes(struct reader *reader)
{
	bool read = enter(reader);

	take(reader, 1);
	while (read && peek(reader) != '"') {
		if (at_end(reader))
			read = fail(reader, "a double quote is not closed");
		else if (peek(reader) == '\\')
			take(reader, 2);
		else if (peek(reader) == '$')
			read = read_dollar(reader, true);
		else if (peek(reader) == '`')
			read = read_backquotes(reader);
		else
			take(reader, 1);
	}
	take(reader, read);
	leave(reader);
	return read;
}

/* Behind "${". */
static bool read_parameter(struct reader *reader, bool quoted)
{
	bool read = enter(reader);

	while (read && peek(reader) != '}') {
		if (at_end(reader))
			read = fail(reader, "a ${ is not closed");
		else if (peek(reader) == '\\')
			take(reader, 2);
		else if (peek(reader) == '\'' && !quoted)
			read = read_single_quotes(reader);
		else if (peek(reader) == '"')
			read = read_double_quotes(reader);
		else if (peek(reader) == '$')
			read = read_dollar(reader, quoted);
		else if (peek(reader) == '`')
			read = read_backquotes(reader);
		else
			take(reader, 1);
	}
	take(reader, read);
	leave(reader);
	return read;
}

/* Behind "((": moves behind the "))" that ends it, or stays when nothing does. */
static bool skip_arithmetic(struct reader *reader)
{
	size_t open = 2;

	for (size_t at = reader->at; at < reader->text.size; at++) {
		char c = reader->text.data[at];

		if (c == '(')
			open++;
		if (c != ')')
			continue;
		if (--open > 1)
			continue;
		if (at + 1 >= reader->text.size || reader->text.data[at + 1] != ')')
			return false;
		take(reader, at + 2 - reader->at);
		return true;
	}
	return false;
}

/* Behind "$(" or "<(". */
static bool read_substitution(struct reader *reader)
{
	bool read = enter(reader);
	size_t n;

	reader->muted++;
	read = read && read_list(reader, false, &n) &&
	       expect_byte(reader, ')', "a $( is not closed");
	reader->muted--;
	reader->substitutes = true;
	leave(reader);
	return read;
}

static bool read_dollar(struct reader *reader, bool quoted)
{
	char next = peek_at(reader, 1);

	if (next == '\'' && !quoted)
		return read_dollar_quotes(reader);
	if (next == '{') {
		take(reader, 2);
		return read_parameter(reader, quoted);
	}
	if (next != '(') {
		take(reader, 1);
		return true;
	}
	if (peek_at(reader, 2) == '(') {
		take(reader, 3);
		if (skip_arithmetic(reader))
			return true;
		reader->at--;
		return read_substitution(reader);
	}
	take(reader, 2);
	return read_substitution(reader);
}

/* One word; there has to be one. @reader's @substitutes says whether one stands in it. */
static bool read_word(struct reader *reader)
{
	size_t start = reader->at;
	bool read = true, substitutes = false;

	reader->substitutes = false;
	while (read && !ends_word(reader, 0)) {
		switch (peek(reader)) {
		case '\\':
			take(reader, 2);
			break;
		case '\'':
			read = read_single_quotes(reader);
			break;
		case '"':
			read = read_double_quotes(reader);
			break;
		case '`':
			read = read_backquotes(reader);
			break;
		case '$':
			read = read_dollar(reader, false);
			break;
		default:
			take(reader, 1);
		}
		substitutes |= reader->substitutes;
	}
	reader->substitutes = substitutes;
	if (read && reader->at == start)
		return fail(reader, "a word is missing");
	return read;
}

static bool read_and_add_word(struct reader *reader, enum shell_role role)
{
	size_t start = reader->at;

	return read_word(reader) && add_word(reader, role, start, reader->at, 0);
}

/* Length of the operator of a redirection that stands here, with the number in front; else 0. */
static size_t redirection_length(const struct reader *reader)
{
	static const char *const operators[] = { "<<<", "<<-", "<<", "<&", "<>",
						 "<",   ">>",  ">&", ">|", ">" };
	size_t start = 0;

	while (peek_at(reader, start) >= '0' && peek_at(reader, start) <= '9')
		start++;
	/* "&>" is bash's. */
	if (start == 0 && peek(reader) == '&' && peek_at(reader, 1) == '>')
		start = 1;
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		size_t length = strlen(operators[i]), n = 0;

		while (n < length && peek_at(reader, start + n) == operators[i][n])
			n++;
		if (n == length)
			return start + length;
	}
	return 0;
}

static bool add_here(struct reader *reader, struct span delimiter, bool strip)
{
	if (ARRAY_RESERVE(reader->here, reader->n_here, reader->here_allocated) < 0)
		return fail_memory(reader);
	reader->here[reader->n_here++] = (struct here){ delimiter, strip, reader->node };
	if (!reader->muted)
		reader->script->nodes[reader->node].here = true;
	return true;
}

/* Whether the last bytes of an operator are these. */
static bool ends_with(struct bytes sign, const char *end)
{
	size_t length = strlen(end);

	return sign.size >= length && memcmp(sign.data + sign.size - length, end, length) == 0;
}

/* A redirection whose operator is @length bytes long. */
static bool read_redirection(struct reader *reader, size_t length)
{
	struct bytes sign = bytes_slice(reader->text, reader->at, length);
	bool strip = ends_with(sign, "<<-");
	bool here = strip || (ends_with(sign, "<<") && !ends_with(sign, "<<<"));
	size_t start;

	take(reader, length);
	/* "> >(command)": bash. */
	if (!skip_blanks(reader))
		return false;
	start = reader->at;
	if (is_one_of(peek(reader), "<>") && peek_at(reader, 1) == '(') {
		take(reader, 2);
		return read_substitution(reader) &&
		       add_word(reader, SHELL_TARGET, start, reader->at, 0);
	}
	if (!read_word(reader) || !add_word(reader, SHELL_TARGET, start, reader->at, 0))
		return false;
	return !here || add_here(reader, (struct span){ start, reader->at - start }, strip);
}

/* The length of "NAME" where "NAME=" or "NAME+=" stands here; else 0. */
static size_t assignment_length(const struct reader *reader)
{
	size_t length = 0;

	if (peek(reader) >= '0' && peek(reader) <= '9')
		return 0;
	while (is_name_byte(peek_at(reader, length)))
		length++;
	if (peek_at(reader, length) == '=' ||
	    (peek_at(reader, length) == '+' && peek_at(reader, length + 1) == '='))
		return length;
	return 0;
}

/* bash: behind "NAME=(". */
static bool read_array(struct reader *reader)
{
	bool substitutes = false;

	take(reader, 1);
	for (;;) {
		if (!skip_newlines(reader))
			return false;
		if (peek(reader) == ')')
			break;
		if (!read_word(reader))
			return false;
		substitutes |= reader->substitutes;
	}
	take(reader, 1);
	reader->substitutes = substitutes;
	return true;
}

static bool read_assignment(struct reader *reader, enum shell_role role, size_t name_length)
{
	size_t start = reader->at;

	if (!read_word(reader))
		return false;
	if (peek(reader) == '(' && reader->text.data[reader->at - 1] == '=') {
		role = SHELL_ARRAY;
		if (!read_array(reader))
			return false;
	}
	return add_word(reader, role, start, reader->at, name_length);
}

/* bash: behind "[[". What stands in it are words and bytes that mean something else elsewhere. */
static bool read_test(struct reader *reader)
{
	for (;;) {
		if (!skip_newlines(reader))
			return false;
		if (at_end(reader))
			return fail(reader, "a [[ is not closed");
		if (next_is(reader, "]]")) {
			take(reader, 2);
			return true;
		}
		if (ends_word(reader, 0))
			take(reader, 1);
		else if (!read_and_add_word(reader, SHELL_ARGUMENT))
			return false;
	}
}

/* "NAME ( ) command", behind the name, which is the last word. */
static bool read_function_body(struct reader *reader)
{
	if (!reader->muted) {
		reader->script->nodes[reader->node].kind = SHELL_FUNCTION;
		reader->script->words[reader->script->n_words - 1].role = SHELL_NAME;
	}
	if (peek(reader) == '(') {
		take(reader, 1);
		if (!skip_blanks(reader) ||
		    !expect_byte(reader, ')', "a ) is missing behind a function's name"))
			return false;
	}
	return skip_newlines(reader) && read_command(reader);
}

/* What is left of a simple command behind its first words. */
static bool read_simple(struct reader *reader)
{
	size_t n_words = 0, n_arguments = 0, length;

	for (;;) {
		if (!skip_blanks(reader))
			return false;
		length = redirection_length(reader);
		if (is_one_of(peek(reader), "<>") && peek_at(reader, 1) == '(' && n_words > 0) {
			size_t start = reader->at;

			take(reader, 2);
			if (!read_substitution(reader) ||
			    !add_word(reader, SHELL_ARGUMENT, start, reader->at, 0))
				return false;
		} else if (length > 0) {
			if (!read_redirection(reader, length))
				return false;
		} else if (peek(reader) == '(' && n_words == 1 && n_arguments == 1) {
			return read_function_body(reader);
		} else if (ends_word(reader, 0)) {
			break;
		} else {
			/* Behind a command's name it is bash's "declare NAME=(…)". */
			enum shell_role role = n_arguments == 0 ? SHELL_ASSIGNMENT : SHELL_ARGUMENT;

			length = assignment_length(reader);
			n_arguments += length == 0;
			if (!(length > 0 ? read_assignment(reader, role, length)
					 : read_and_add_word(reader, SHELL_ARGUMENT)))
				return false;
		}
		n_words++;
	}
	return n_words > 0 || fail(reader, "a command is missing");
}

/* A list that must not be empty. */
static bool read_body(struct reader *reader, bool condition)
{
	size_t n;

	if (!read_list(reader, condition, &n))
		return false;
	return n > 0 || fail(reader, "commands are missing");
}

static bool read_if(struct reader *reader)
{
	do {
		/* "if", "elif" */
		take(reader, peek(reader) == 'i' ? 2 : 4);
		if (!read_body(reader, true) || !expect(reader, "then", "a `then` is missing") ||
		    !read_body(reader, false))
			return false;
	} while (next_is(reader, "elif"));
	if (next_is(reader, "else")) {
		take(reader, 4);
		if (!read_body(reader, false))
			return false;
	}
	return expect(reader, "fi", "a `fi` is missing");
}

static bool read_do_group(struct reader *reader)
{
	return expect(reader, "do", "a `do` is missing") && read_body(reader, false) &&
	       expect(reader, "done", "a `done` is missing");
}

static bool read_loop(struct reader *reader)
{
	/* "while", "until" */
	take(reader, 5);
	return read_body(reader, true) && read_do_group(reader);
}

/* The words behind "in", and what ends them. */
static bool read_for_words(struct reader *reader)
{
	for (;;) {
		if (!skip_blanks(reader))
			return false;
		if (ends_word(reader, 0))
			break;
		if (!read_and_add_word(reader, SHELL_FOR_WORD))
			return false;
	}
	if (peek(reader) == ';')
		take(reader, 1);
	else if (peek(reader) != '\n')
		return fail(reader, "what ends the list of a `for` is missing");
	return true;
}

static bool read_for(struct reader *reader)
{
	/* "for"; "select" is bash's */
	take(reader, peek(reader) == 'f' ? 3 : 6);
	if (!skip_blanks(reader))
		return false;
	if (peek(reader) == '(' && peek_at(reader, 1) == '(') {
		take(reader, 2);
		if (!skip_arithmetic(reader))
			return fail(reader, "a (( is not closed");
	} else if (!read_and_add_word(reader, SHELL_FOR_NAME)) {
		return false;
	}
	if (!skip_newlines(reader))
		return false;
	if (next_is(reader, "in")) {
		take(reader, 2);
		if (!read_for_words(reader))
			return false;
	} else if (peek(reader) == ';') {
		take(reader, 1);
	}
	return skip_newlines(reader) && read_do_group(reader);
}

/* Up to the ')' behind the patterns of a case. */
static bool read_patterns(struct reader *reader)
{
	if (peek(reader) == '(')
		take(reader, 1);
	for (;;) {
		if (!skip_blanks(reader) || !read_and_add_word(reader, SHELL_CASE_PATTERN) ||
		    !skip_blanks(reader))
			return false;
		if (peek(reader) != '|')
			break;
		take(reader, 1);
	}
	return expect_byte(reader, ')', "a ) is missing behind a pattern");
}

static bool read_case(struct reader *reader)
{
	size_t n;

	take(reader, 4);
	if (!skip_blanks(reader) || !read_and_add_word(reader, SHELL_CASE_WORD) ||
	    !skip_newlines(reader) || !expect(reader, "in", "an `in` is missing"))
		return false;
	for (;;) {
		if (!skip_newlines(reader))
			return false;
		if (next_is(reader, "esac"))
			break;
		if (!read_patterns(reader) || !read_list(reader, false, &n))
			return false;
		if (peek(reader) != ';')
			break;
		/* ";;"; ";&" and ";;&" are bash's. */
		take(reader, peek_at(reader, 1) == ';' && peek_at(reader, 2) == '&' ? 3 : 2);
	}
	return expect(reader, "esac", "an `esac` is missing");
}

static bool read_group(struct reader *reader)
{
	bool brace = peek(reader) == '{';

	take(reader, 1);
	if (!read_body(reader, false))
		return false;
	return brace ? expect(reader, "}", "a } is missing")
		     : expect_byte(reader, ')', "a ) is missing");
}

/* bash: "function NAME [()] command" */
static bool read_function(struct reader *reader)
{
	take(reader, strlen("function"));
	return skip_blanks(reader) && read_and_add_word(reader, SHELL_NAME) &&
	       skip_blanks(reader) && read_function_body(reader);
}

static bool read_redirections(struct reader *reader)
{
	size_t length;

	for (;;) {
		if (!skip_blanks(reader))
			return false;
		length = redirection_length(reader);
		if (length == 0)
			return true;
		if (!read_redirection(reader, length))
			return false;
	}
}

/**
 * struct compound - A command that starts with a reserved word
 */
static const struct compound {
	const char *word;
	enum shell_kind kind;
	bool (*read)(struct reader *reader);
} compounds[] = {
	{ "if", SHELL_IF, read_if },        { "while", SHELL_LOOP, read_loop },
	{ "until", SHELL_LOOP, read_loop }, { "for", SHELL_FOR, read_for },
	{ "select", SHELL_FOR, read_for },  { "case", SHELL_CASE, read_case },
	{ "{", SHELL_GROUP, read_group },   { "function", SHELL_FUNCTION, read_function },
};

static const char *const closing_words[] = { "then", "else", "elif", "fi", "do",
					     "done", "esac", "}",    "in", NULL };

static const struct compound *next_compound(const struct reader *reader)
{
	static const struct compound parentheses = { "(", SHELL_GROUP, read_group };

	if (peek(reader) == '(')
		return &parentheses;
	for (size_t i = 0; i < ARRAY_SIZE(compounds); i++)
		if (next_is(reader, compounds[i].word))
			return &compounds[i];
	return NULL;
}

static bool read_arithmetic_command(struct reader *reader, bool *ret_done)
{
	size_t start = reader->at, end = reader->end;

	*ret_done = false;
	if (peek(reader) != '(' || peek_at(reader, 1) != '(')
		return true;
	take(reader, 2);
	if (!skip_arithmetic(reader)) {
		reader->at = start;
		reader->end = end;
		return true;
	}
	*ret_done = true;
	reader->substitutes = false;
	return add_word(reader, SHELL_ARGUMENT, start, reader->at, 0);
}

static bool read_plain_command(struct reader *reader)
{
	bool done;

	if (!open_node(reader, SHELL_SIMPLE) || !read_arithmetic_command(reader, &done))
		return false;
	if (!done && next_is(reader, "[[")) {
		size_t start = reader->at;

		take(reader, 2);
		reader->substitutes = false;
		done = true;
		if (!add_word(reader, SHELL_ARGUMENT, start, reader->at, 0) || !read_test(reader))
			return false;
	}
	if (!(done ? read_redirections(reader) : read_simple(reader)))
		return false;
	close_node(reader);
	return true;
}

static bool is_arithmetic(struct reader *reader)
{
	size_t start = reader->at, end = reader->end;
	bool is = peek(reader) == '(' && peek_at(reader, 1) == '(';

	if (is) {
		take(reader, 2);
		is = skip_arithmetic(reader);
	}
	reader->at = start;
	reader->end = end;
	return is;
}

static bool read_command(struct reader *reader)
{
	const struct compound *compound = is_arithmetic(reader) ? NULL : next_compound(reader);
	bool read;

	if (!compound) {
		if (next_is_one_of(reader, closing_words))
			return fail(reader, "a reserved word stands where a command should");
		return read_plain_command(reader);
	}
	read = enter(reader) && open_node(reader, compound->kind) && compound->read(reader) &&
	       (compound->kind == SHELL_FUNCTION || read_redirections(reader));
	if (read)
		close_node(reader);
	leave(reader);
	return read;
}

/* Whether another command follows in the same statement; moves to it. */
static bool take_connective(struct reader *reader)
{
	char c = peek(reader), next = peek_at(reader, 1);

	if (c == '|')
		take(reader, next == '|' || next == '&' ? 2 : 1);
	else if (c == '&' && next == '&')
		take(reader, 2);
	else
		return false;
	return true;
}

static bool read_statement(struct reader *reader)
{
	if (!open_node(reader, SHELL_STATEMENT))
		return false;
	do {
		if (!skip_newlines(reader))
			return false;
		while (next_is(reader, "!")) {
			take(reader, 1);
			if (!skip_blanks(reader))
				return false;
		}
		if (!read_command(reader) || !skip_blanks(reader))
			return false;
	} while (take_connective(reader));
	close_node(reader);
	return true;
}

/* What may stand behind a statement: a newline, or ';' or '&', which still belong to it. */
static bool take_separator(struct reader *reader, struct shell_node *node)
{
	if (peek(reader) == '\n')
		return take_newline(reader);
	if ((peek(reader) == ';' && !is_one_of(peek_at(reader, 1), ";&")) || peek(reader) == '&') {
		take(reader, 1);
		if (node)
			node->list_end = reader->at;
	}
	return true;
}

/* Statements up to what closes the list: ')', ";;", a reserved word, or the end. */
static bool read_list(struct reader *reader, bool condition, size_t *ret_n)
{
	size_t previous = SHELL_NONE;

	for (*ret_n = 0;; ++*ret_n) {
		size_t index = reader->script->n_nodes;
		struct shell_node *node;

		if (!skip_newlines(reader))
			return false;
		if (at_end(reader) || is_one_of(peek(reader), ");") ||
		    next_is_one_of(reader, closing_words))
			return true;
		if (!read_statement(reader))
			return false;
		node = reader->muted ? NULL : &reader->script->nodes[index];
		if (node) {
			node->previous = previous;
			node->condition = condition;
			previous = index;
		}
		if (!take_separator(reader, node))
			return false;
	}
}

int shell_read(struct bytes text, struct shell_script *ret_script)
{
	struct shell_script script = { 0 };
	struct reader reader = { .text = text, .node = SHELL_NONE, .script = &script };
	size_t n;

	if (text.size > 0 && read_list(&reader, false, &n) && !at_end(&reader))
		(void)fail(&reader, "something is closed that was not opened");
	free(reader.here);
	if (reader.no_memory) {
		shell_script_done(&script);
		return -ENOMEM;
	}
	*ret_script = script;
	return 0;
}
