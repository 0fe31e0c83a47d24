/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mentions of NICs in interfaces(5): where each of its readers takes a word for a link's name. */
#include <errno.h>

#include "recovery/sources/interfaces-options.h"
#include "recovery/sources/interfaces-private.h"
#include "recovery/sources/interfaces-roles.h"
#include "recovery/sources/token.h"

/* ifupdown-ng reads this many bytes of a line and takes the rest for another one. */
#define NG_LINE_MAX 4094

enum stanza_kind {
	STANZA_NONE,
	STANZA_IFACE,
	STANZA_MAPPING,
};

/**
 * struct stanza - The block under way
 * @heading: "iface vmbr0 inet"; copied into the document when a mention is found in it
 * @name:    where the name stands in it
 * @block, @owner: those copies, NULL before
 * @first:   index of the first reference in it
 * @n_heads: how many of them stand on its first line
 * @extent:  from its first line to its last that is neither blank nor a comment
 * @whole:   nothing else stands on its physical lines
 * @head:    digest of the first line behind the name; 0 if there is nothing
 * @body:    sum of the digests of its other @n_lines
 * @pattern: what ports are taken for (PATTERN_REGEX, …)
 */
struct stanza {
	enum stanza_kind kind;
	struct buffer heading;
	struct span name;
	const char *block;
	const char *owner;
	size_t first;
	size_t n_heads;
	struct span extent;
	bool whole;
	uint64_t head;
	uint64_t body;
	size_t n_lines;
	unsigned int pattern;
};

/**
 * struct scan - A walk through one document
 * @templates: the file goes through Mako first
 * @in_template: in a block of code that began on an earlier line
 * @touched:   a mention stands on a line that is code
 * @cursor, @cursor_line: a place in the document and its line
 * @n_remarks, @remark_line: comments and the like that mention a name, and the first one's line
 */
struct scan {
	enum interfaces_dialect dialect;
	struct document *document;
	const struct name_set *names;
	const struct interfaces_roles *roles;
	struct interfaces_line line;
	uint64_t line_digest;
	struct stanza stanza;
	bool templates;
	bool in_template;
	bool template_line;
	bool touched;
	bool noted_pattern;
	size_t cursor;
	unsigned int cursor_line;
	size_t n_remarks;
	unsigned int remark_line;
};

/**
 * struct place - What is known of a mention before it is found
 * @block, @owner, @key: as in struct reference; a NULL block stands for the stanza's
 * @digest: of the line as one of a stanza's body
 */
struct place {
	const char *block;
	const char *owner;
	const char *key;
	enum park_shape shape;
	struct span list;
	const char *none_word;
	bool limited;
	uint64_t digest;
};

static struct bytes slice(struct bytes text, struct span span)
{
	return bytes_slice(text, span.offset, span.length);
}

/* 0 stands for "nothing". */
static uint64_t not_zero(uint64_t digest)
{
	return digest ? digest : 1;
}

static uint64_t add_word(uint64_t digest, struct bytes word)
{
	return bytes_digest(bytes_of(" "), bytes_digest(word, digest));
}

/* Digest of the words of a line from @at on, however they are spaced. */
static uint64_t digest_words(struct bytes line, size_t at, uint64_t digest)
{
	struct span word;

	while (interfaces_next_word(line, &at, &word))
		digest = add_word(digest, slice(line, word));
	return digest;
}

static uint64_t digest_line(struct bytes line)
{
	return not_zero(digest_words(line, 0, BYTES_DIGEST_SEED));
}

/* An option's name in the one spelling. */
static const char *fold_key(struct arena *arena, struct bytes key)
{
	char *folded = arena_allocate(arena, key.size + 1);

	for (size_t i = 0; folded && i < key.size; i++) {
		char c = key.data[i];

		folded[i] = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return folded;
}

/* The physical line an offset is on; they are asked for in about the order of the file. */
static unsigned int line_at(struct scan *scan, size_t offset)
{
	const char *data = scan->document->data;

	if (offset < scan->cursor || scan->cursor < scan->line.extent.offset) {
		scan->cursor = scan->line.extent.offset;
		scan->cursor_line = scan->line.number;
	}
	while (scan->cursor < offset) {
		const char *newline = memchr(data + scan->cursor, '\n', offset - scan->cursor);

		if (!newline) {
			scan->cursor = offset;
			break;
		}
		scan->cursor = (size_t)(newline - data) + 1;
		scan->cursor_line++;
	}
	return scan->cursor_line;
}

static int ensure_block(struct scan *scan)
{
	struct stanza *stanza = &scan->stanza;
	struct arena *arena = &scan->document->arena;

	if (stanza->block)
		return 0;
	stanza->block = arena_copy(arena, buffer_bytes(&stanza->heading));
	if (!stanza->block)
		return -ENOMEM;
	if (stanza->name.length == 0)
		return 0;
	stanza->owner = arena_copy(arena, slice(buffer_bytes(&stanza->heading), stanza->name));
	return stanza->owner ? 0 : -ENOMEM;
}

/* Adds the mention that @token is in the line, from @start of it on. */
static int add_mention(struct scan *scan, const struct place *place, size_t start,
		       const struct token *token)
{
	struct span in_line = { start + token->span.offset, token->span.length };
	struct bytes name = slice(scan->line.text, in_line);
	struct reference *reference;
	struct span span;

	/* What `rename` makes of a NIC's name is what everything else says. */
	if (interfaces_roles_of(scan->roles, name) & ROLE_RENAMED)
		return 0;
	if (!interfaces_line_locate(&scan->line, in_line, &span))
		return document_add_note(scan->document, scan->line.number,
					 "%.*s is written on two lines: left as it is",
					 (int)name.size, name.data);
	if (!place->block && ensure_block(scan) < 0)
		return -ENOMEM;
	reference = document_add_reference(scan->document);
	if (!reference)
		return -ENOMEM;
	*reference = (struct reference){
		.kind = REFERENCE_NIC,
		.span = span,
		.line = line_at(scan, span.offset),
		.suffix = token->suffix,
		.limited = place->limited || token->vlan,
		.certain = token->certain,
		.block = place->block ? place->block : scan->stanza.block,
		.body = place->digest,
		.key = place->key,
		.line_digest = scan->line_digest,
		.shape = scan->line.whole ? place->shape : PARK_NEVER,
		.list = place->list,
		.extent = scan->line.extent,
		.none_word = place->none_word,
		.owner = place->block ? place->owner : scan->stanza.owner,
	};
	if (scan->dialect == DIALECT_IFUPDOWN_NG && scan->line.text.size > NG_LINE_MAX)
		reference->certain = false;
	scan->touched |= scan->template_line;
	return 0;
}

/* Adds the mention if the word is a name, whatever belongs to it included. */
static int add_word_mention(struct scan *scan, const struct place *place, struct span word)
{
	struct token token;

	if (!token_word(slice(scan->line.text, word), scan->names, &token))
		return 0;
	return add_mention(scan, place, word.offset, &token);
}

static int note_pattern(struct scan *scan, struct bytes word)
{
	if (scan->noted_pattern)
		return 0;
	scan->noted_pattern = true;
	return document_add_note(scan->document, scan->line.number,
				 "%.*s is a pattern: what it matches now was not looked at",
				 (int)MIN_OF(word.size, (size_t)128), word.data);
}

static bool mentions_name(const struct scan *scan, struct bytes text)
{
	struct token_search search = { .text = text, .names = scan->names };
	struct token token;

	while (token_next(&search, &token))
		if (token.certain)
			return true;
	return false;
}

/* Text for people: mentions in it are counted. */
static void count_remark(struct scan *scan, struct bytes text)
{
	if (!mentions_name(scan, text))
		return;
	if (scan->n_remarks++ == 0)
		scan->remark_line = scan->line.number;
}

/* The span in the file from the first to the last word behind @at; empty if there are none. */
static struct span list_span(const struct scan *scan, size_t at)
{
	const struct interfaces_line *line = &scan->line;
	size_t start, end = line->text.size;
	struct span first;

	if (!interfaces_next_word(line->text, &at, &first))
		return (struct span){ 0 };
	start = interfaces_line_offset(line, first.offset);
	return (struct span){ start, interfaces_line_offset(line, end - 1) + 1 - start };
}

/* What is common to the words of the list that starts behind @at. */
static struct place list_place(const struct scan *scan, const char *key, size_t at)
{
	return (struct place){
		.key = key,
		/* A word is taken out between blanks; a backslash in mid-line is none. */
		.shape = scan->line.cut ? PARK_NEVER : PARK_WORD,
		.list = list_span(scan, at),
		.limited = true,
	};
}

/* Ends the stanza: only now it is known what else stands in it. */
static void end_stanza(struct scan *scan)
{
	struct stanza *stanza = &scan->stanza;
	struct document *document = scan->document;

	for (size_t i = stanza->first; stanza->kind && i < document->n_references; i++) {
		struct reference *reference = &document->references[i];

		if (i < stanza->first + stanza->n_heads) {
			reference->body = stanza->n_lines > 0 ? not_zero(stanza->body) : 0;
			reference->extent = stanza->extent;
			if (!stanza->whole)
				reference->shape = PARK_NEVER;
		} else if (stanza->n_lines == 1 && stanza->head == 0) {
			reference->body = 0;
		} else {
			reference->body = not_zero(stanza->body - reference->body + stanza->head);
		}
	}
	buffer_done(&stanza->heading);
	*stanza = (struct stanza){ 0 };
}

static void begin_stanza(struct scan *scan, enum stanza_kind kind)
{
	end_stanza(scan);
	scan->stanza.kind = kind;
	scan->stanza.first = scan->document->n_references;
	scan->stanza.extent = scan->line.extent;
	scan->stanza.whole = scan->line.whole;
}

/* The stanza's first line is read: what was found on it are its heads. */
static void end_heading(struct scan *scan)
{
	scan->stanza.n_heads = scan->document->n_references - scan->stanza.first;
}

/* A line of the stanza's body. */
static void extend_stanza(struct scan *scan, uint64_t digest)
{
	struct stanza *stanza = &scan->stanza;

	if (stanza->kind == STANZA_NONE)
		return;
	stanza->extent.length = span_end(scan->line.extent) - stanza->extent.offset;
	stanza->whole &= scan->line.whole;
	stanza->body += digest;
	stanza->n_lines++;
}

static int scan_auto_word(struct scan *scan, const struct place *place, struct span span)
{
	struct bytes word = slice(scan->line.text, span);
	struct interfaces_auto_word split = interfaces_split_auto_word(scan->dialect, word);

	if (split.pattern)
		return note_pattern(scan, word);
	/* Without "=LOGICAL" the name stands for both the link and the stanza. */
	if (split.logical.size == 0 &&
	    interfaces_is_logical(scan->roles, slice(word, split.physical)))
		return 0;
	split.physical.offset += span.offset;
	return add_word_mention(scan, place, split.physical);
}

static bool has_glob(struct bytes word)
{
	for (size_t i = 0; i < word.size; i++)
		if (word.data[i] != '\0' && strchr("*?[", word.data[i]))
			return true;
	return false;
}

/* no-auto-down, no-scripts: names, or globs for them. */
static int scan_glob_word(struct scan *scan, const struct place *place, struct span span)
{
	struct bytes word = slice(scan->line.text, span);

	if (has_glob(word))
		return note_pattern(scan, word);
	if (interfaces_is_logical(scan->roles, word))
		return 0;
	return add_word_mention(scan, place, span);
}

static int scan_words(struct scan *scan, const struct place *place, size_t at,
		      int (*scan_word)(struct scan *scan, const struct place *place,
				       struct span span))
{
	struct span word;
	int r = 0;

	while (r == 0 && interfaces_next_word(scan->line.text, &at, &word))
		r = scan_word(scan, place, word);
	return r;
}

/* auto, allow-*, no-auto-down and no-scripts. */
static int scan_auto(struct scan *scan, struct bytes key, size_t at)
{
	bool glob = bytes_start_with(key, bytes_of("no-"));
	struct place place = list_place(scan, NULL, at);
	int r;

	if (place.list.length == 0 && scan->stanza.kind == STANZA_IFACE &&
	    scan->dialect == DIALECT_IFUPDOWN) {
		/* It means the stanza it stands in. */
		extend_stanza(scan, scan->line_digest);
		return 0;
	}
	place.key = place.block = fold_key(&scan->document->arena, key);
	if (!place.key)
		return -ENOMEM;
	end_stanza(scan);
	if (scan->dialect == DIALECT_IFUPDOWN_NG) {
		/* What follows is about the first name. */
		begin_stanza(scan, STANZA_IFACE);
		buffer_append(&scan->stanza.heading, key);
	}
	r = scan_words(scan, &place, at, glob ? scan_glob_word : scan_auto_word);
	if (scan->stanza.kind == STANZA_IFACE)
		end_heading(scan);
	return r;
}

static int scan_rename_word(struct scan *scan, const struct place *place, struct span span)
{
	struct bytes word = slice(scan->line.text, span);
	struct interfaces_auto_word split = interfaces_split_auto_word(DIALECT_IFUPDOWN, word);

	if (split.pattern)
		return note_pattern(scan, word);
	split.physical.offset += span.offset;
	return add_word_mention(scan, place, split.physical);
}

static int scan_rename(struct scan *scan, size_t at)
{
	struct place place = list_place(scan, "rename", at);

	place.block = "rename";
	end_stanza(scan);
	return scan_words(scan, &place, at, scan_rename_word);
}

static int scan_mapping(struct scan *scan, size_t at)
{
	struct place place = list_place(scan, "mapping", at);
	int r;

	place.block = "mapping";
	begin_stanza(scan, STANZA_MAPPING);
	buffer_append_text(&scan->stanza.heading, "mapping");
	r = scan_words(scan, &place, at, scan_glob_word);
	end_heading(scan);
	return r;
}

/* The mention that names a stanza. */
static int scan_stanza_name(struct scan *scan, const struct place *place, struct span span)
{
	struct bytes name = slice(scan->line.text, span);

	if (has_glob(name))
		return note_pattern(scan, name);
	if (interfaces_is_logical(scan->roles, name))
		return 0;
	return add_word_mention(scan, place, span);
}

/*
 * "inherits NAME": where what it inherits from is parked, ifupdown would reject the file with the
 * heir in it. Its mention means the same NIC, so the heir is parked with it.
 */
static int scan_inherits(struct scan *scan, struct place place, size_t *at)
{
	struct span name;

	place.key = "inherits";
	return interfaces_next_word(scan->line.text, at, &name)
		       ? scan_stanza_name(scan, &place, name)
		       : 0;
}

/* What stands behind a stanza's name: family, method, "inherits", and words that nobody reads. */
static int scan_heading_rest(struct scan *scan, const struct place *place, size_t at)
{
	struct bytes line = scan->line.text;
	struct stanza *stanza = &scan->stanza;
	struct span word;
	int r = 0;

	for (size_t i = 0; r == 0 && interfaces_next_word(line, &at, &word); i++) {
		struct bytes text = slice(line, word);

		if (bytes_equal_text(text, "inherits")) {
			r = scan_inherits(scan, *place, &at);
			continue;
		}
		if (i >= 2) {
			count_remark(scan, bytes_slice(line, word.offset, line.size - word.offset));
			break;
		}
		if (i == 0) {
			buffer_append_char(&stanza->heading, ' ');
			buffer_append(&stanza->heading, text);
		}
		stanza->head = add_word(stanza->head ? stanza->head : BYTES_DIGEST_SEED, text);
		stanza->head = not_zero(stanza->head);
	}
	return r;
}

/* The first line of a stanza that starts with @key and a name. */
static int scan_heading(struct scan *scan, const char *key, size_t at)
{
	struct buffer *heading = &scan->stanza.heading;
	struct place place = { .key = key, .block = key, .shape = PARK_LINES, .limited = true };
	struct bytes name;
	struct span span;
	int r = 0;

	begin_stanza(scan, STANZA_IFACE);
	buffer_append_text(heading, key);
	if (interfaces_next_word(scan->line.text, &at, &span)) {
		name = slice(scan->line.text, span);
		buffer_append_char(heading, ' ');
		scan->stanza.name = (struct span){ heading->size, name.size };
		buffer_append(heading, name);
		r = scan_stanza_name(scan, &place, span);
		if (r == 0)
			r = scan_heading_rest(scan, &place, at);
	}
	end_heading(scan);
	return heading->failed ? -ENOMEM : r;
}

/* What the words behind "regex" and "glob" are taken for. */
#define PATTERN_REGEX 1U
#define PATTERN_GLOB  2U

/* Whether the word says how those behind it are to be taken. */
static bool is_pattern_keyword(enum interfaces_dialect dialect, struct bytes word,
			       unsigned int *pattern)
{
	bool python = interfaces_is_python(dialect);

	if (bytes_equal_text(word, "regex"))
		*pattern |= PATTERN_REGEX;
	else if (bytes_equal_text(word, "noregex"))
		*pattern &= ~PATTERN_REGEX;
	else if (python && bytes_equal_text(word, "glob"))
		*pattern |= PATTERN_GLOB;
	else if (python && bytes_equal_text(word, "noglob"))
		*pattern &= ~PATTERN_GLOB;
	else if (!python && bytes_equal_text(word, "all"))
		/* For bridge-utils: some patterns and "noregex" behind them. */
		*pattern = 0;
	else
		return false;
	return true;
}

/* Whether the next word is a pattern. For ifupdown2 that holds for one word. */
static bool take_pattern(enum interfaces_dialect dialect, unsigned int *pattern)
{
	unsigned int was = *pattern;

	if (interfaces_is_python(dialect))
		*pattern = was & PATTERN_REGEX ? was & ~PATTERN_REGEX : 0;
	return was != 0;
}

/* Whether its reader looks for patterns in a list: for ifupdown, bridge-utils in its ports. */
static bool knows_patterns(enum interfaces_dialect dialect, enum interfaces_value value,
			   const char *key)
{
	if (dialect == DIALECT_IFUPDOWN)
		return strcmp(key, "bridge-ports") == 0;
	return interfaces_is_python(dialect) && value != VALUE_NAMES;
}

/* Cuts a word at the first (or the last) of a separator. */
static struct span cut_word(struct bytes line, struct span span, enum interfaces_value value)
{
	struct bytes word = slice(line, span);
	const char *end = NULL;

	if (value == VALUE_PAIRS)
		end = memchr(word.data, '=', word.size);
	else if (value == VALUE_QUEUES)
		end = memrchr(word.data, ':', word.size);
	if (end)
		span.length = (size_t)(end - word.data);
	return span;
}

static int scan_list(struct scan *scan, const struct place *option, enum interfaces_value value,
		     size_t at)
{
	struct bytes line = scan->line.text;
	bool patterns = knows_patterns(scan->dialect, value, option->key);
	unsigned int *pattern = &scan->stanza.pattern;
	struct place place;
	struct span word;
	int r = 0;

	if (value == VALUE_WAIT && !interfaces_next_word(line, &at, &word))
		return 0;
	place = list_place(scan, option->key, at);
	place.block = option->block;
	place.digest = option->digest;
	if (value == VALUE_PORTS)
		place.none_word = interfaces_none_word(scan->dialect, bytes_of(option->key));

	/* ifupdown makes one list of the lines of one option. */
	if (scan->dialect != DIALECT_IFUPDOWN)
		*pattern = 0;
	while (r == 0 && interfaces_next_word(line, &at, &word)) {
		if (patterns && is_pattern_keyword(scan->dialect, slice(line, word), pattern))
			continue;
		if (patterns && take_pattern(scan->dialect, pattern))
			r = note_pattern(scan, slice(line, word));
		else
			r = add_word_mention(scan, &place, cut_word(line, word, value));
	}
	return r;
}

/* Where a comment starts in a text that a shell gets; the text's end if there is none. */
static size_t shell_comment(struct bytes text, size_t at)
{
	char quote = '\0', before = ' ';

	for (; at < text.size; at++) {
		char c = text.data[at];

		if (c == '\\' && quote != '\'') {
			at++;
		} else if (quote) {
			if (c == quote)
				quote = '\0';
		} else if (c == '\'' || c == '"') {
			quote = c;
		} else if (c == '#' && (interfaces_is_blank(before) || strchr(";&|()", before))) {
			return at;
		}
		before = c;
	}
	return text.size;
}

/* Free text: every name in it, with @certain as far as that is known. */
static int scan_text(struct scan *scan, const struct place *place, size_t at, size_t end,
		     enum interfaces_value value)
{
	struct bytes text = bytes_slice(scan->line.text, 0, end);
	struct token_search search = { .text = text, .names = scan->names, .at = at, .run = at };
	struct token token;
	int r = 0;

	while (r == 0 && token_next(&search, &token)) {
		if (value == VALUE_SCOPE && text.data[token.span.offset - 1] != '%')
			continue;
		if (value == VALUE_UNKNOWN)
			token.certain = false;
		r = add_mention(scan, place, 0, &token);
	}
	return r;
}

static int scan_command(struct scan *scan, const struct place *place, size_t at)
{
	struct bytes text = scan->line.text;
	size_t end = shell_comment(text, at);
	int r = scan_text(scan, place, at, end, VALUE_COMMAND);

	if (end < text.size)
		count_remark(scan, bytes_slice(text, end, text.size - end));
	return r;
}

static int scan_value(struct scan *scan, struct place *place, enum interfaces_value value,
		      size_t at)
{
	struct bytes text = scan->line.text;
	struct span word;

	switch (value) {
	case VALUE_IGNORED:
		return 0;
	case VALUE_PROSE:
		count_remark(scan, bytes_slice(text, at, text.size - at));
		return 0;
	case VALUE_PORTS:
	case VALUE_NAMES:
	case VALUE_WAIT:
	case VALUE_PAIRS:
	case VALUE_QUEUES:
		return scan_list(scan, place, value, at);
	case VALUE_NAME:
		place->limited = true;
		return interfaces_next_word(text, &at, &word) ? add_word_mention(scan, place, word)
							      : 0;
	case VALUE_INHERITS:
		place->limited = true;
		place->shape = PARK_NEVER;
		return interfaces_next_word(text, &at, &word) ? scan_stanza_name(scan, place, word)
							      : 0;
	case VALUE_COMMAND:
		return scan_command(scan, place, at);
	default:
		return scan_text(scan, place, at, text.size, value);
	}
}

/* A line of a stanza, or one that stands where its reader expects none. */
static int scan_option(struct scan *scan, struct bytes key, size_t at)
{
	struct place place = { .shape = PARK_LINES };
	enum interfaces_value value;

	place.key = fold_key(&scan->document->arena, key);
	if (!place.key)
		return -ENOMEM;
	place.digest =
		digest_words(scan->line.text, at, add_word(BYTES_DIGEST_SEED, bytes_of(place.key)));
	if (scan->stanza.kind == STANZA_NONE) {
		place.block = "";
		place.digest = 0;
	}
	value = scan->stanza.kind == STANZA_MAPPING ? VALUE_UNKNOWN
						    : interfaces_option_value(bytes_of(place.key));
	extend_stanza(scan, place.digest);
	return scan_value(scan, &place, value, at);
}

/* What it sources is found elsewhere; here only what cannot be. */
static int scan_source(struct scan *scan)
{
	_cleanup_(interfaces_patterns_done) struct interfaces_patterns patterns = { 0 };
	int r;

	end_stanza(scan);
	r = interfaces_source_patterns(scan->dialect, scan->document->path, scan->line.text,
				       &patterns);
	if (r < 0 || !patterns.unfollowed)
		return r;
	return document_add_note(scan->document, scan->line.number,
				 "what this line sources cannot be told without running it: not "
				 "followed");
}

static int scan_line(struct scan *scan)
{
	size_t at;
	struct bytes key = interfaces_first_word(scan->line.text, &at);

	switch (interfaces_keyword(scan->dialect, key)) {
	case KEYWORD_AUTO:
		return scan_auto(scan, key, at);
	case KEYWORD_IFACE:
		return scan_heading(scan, "iface", at);
	case KEYWORD_VLAN:
		return scan_heading(scan, "vlan", at);
	case KEYWORD_TEMPLATE:
		/* Its name is logical: its role says so. */
		return scan_heading(scan, "template", at);
	case KEYWORD_MAPPING:
		return scan_mapping(scan, at);
	case KEYWORD_RENAME:
		return scan_rename(scan, at);
	case KEYWORD_SOURCE:
	case KEYWORD_SOURCE_DIRECTORY:
		return scan_source(scan);
	default:
		return scan_option(scan, key, at);
	}
}

static size_t find_text(struct bytes text, const char *wanted)
{
	const char *found = bytes_find(text, wanted);

	return found ? (size_t)(found - text.data) : text.size;
}

/* Whether Mako takes part of these physical lines for code. */
static bool is_template_line(struct scan *scan, struct bytes lines)
{
	bool template = scan->in_template || find_text(lines, "${") < lines.size;
	bool start = true;

	for (size_t i = 0; i < lines.size; i++) {
		char c = lines.data[i], next = i + 1 < lines.size ? lines.data[i + 1] : '\n';

		if (start && c == '%' && next != '%')
			template = true;
		if (c == '<' && next == '%')
			template = scan->in_template = true;
		/* A block ends in "%>", a tag in "/>", what stands between two tags in "</%". */
		if (((c == '%' || c == '/') && next == '>') || (c == '<' && next == '/'))
			scan->in_template = false;
		start = c == '\n' || (start && interfaces_is_blank(c));
	}
	return template;
}

static int scan_lines(struct scan *scan)
{
	_cleanup_(interfaces_reader_done) struct interfaces_reader reader = {
		.dialect = scan->dialect,
		.text = document_bytes(scan->document),
	};
	const struct interfaces_line *line = &scan->line;
	int r;

	while ((r = interfaces_reader_next(&reader, &scan->line)) > 0) {
		scan->noted_pattern = false;
		scan->template_line =
			scan->templates &&
			is_template_line(scan, document_text(scan->document, line->extent));
		if (line->remark.length > 0)
			count_remark(scan, document_text(scan->document, line->remark));
		if (line->text.size == 0)
			continue;
		scan->line_digest = digest_line(line->text);
		r = document_add_line_digest(scan->document, scan->line_digest);
		if (r == 0)
			r = scan_line(scan);
		if (r < 0)
			break;
	}
	end_stanza(scan);
	return r;
}

static int scan_document(enum interfaces_dialect dialect, bool templates, struct document *document,
			 const struct name_set *names, const struct interfaces_roles *roles)
{
	struct scan scan = {
		.dialect = dialect,
		.document = document,
		.names = names,
		.roles = roles,
		.cursor_line = 1,
		.templates = templates && document->size > 0 &&
			     memchr(document->data, '%', document->size),
	};
	int r = scan_lines(&scan);

	if (r == 0 && scan.n_remarks > 0)
		r = document_add_note(
			document, scan.remark_line,
			"%zu comments or descriptions mention a NIC: left as they are",
			scan.n_remarks);
	/* Half of a program must not be renamed. */
	for (size_t i = 0; scan.touched && i < document->n_references; i++)
		document->references[i].certain = false;
	if (r == 0 && scan.touched)
		r = document_add_note(document, 1,
				      "is a template that computes with NIC names: left as it is");
	document_finish(document);
	return r;
}

int interfaces_scan_text(enum interfaces_dialect dialect, struct document *document,
			 const struct name_set *names)
{
	_cleanup_(interfaces_roles_done) struct interfaces_roles roles = { 0 };
	int r = interfaces_roles_find(dialect, &document, 1, names, &roles);

	if (r < 0)
		return r;
	return scan_document(dialect, interfaces_is_python(dialect), document, names, &roles);
}

/* Says of each file whether its own reader rejects it as it stands. */
static int find_rejected(const struct root *root, enum interfaces_dialect dialect,
			 struct documents *documents)
{
	struct interfaces_error *errors = NULL;
	int r = interfaces_find_errors(root, dialect, documents, NULL, &errors);

	for (size_t i = 0; r == 0 && i < documents->n_items; i++) {
		struct document *document = documents->items[i];
		_cleanup_(buffer_done) struct buffer text = { 0 };

		if (!errors[i].cause)
			continue;
		buffer_appendf(&text, "line %u: %s", errors[i].line, errors[i].cause);
		document->rejected = arena_copy(&document->arena, buffer_bytes(&text));
		r = text.failed || !document->rejected ? -ENOMEM : 0;
	}
	free(errors);
	return r;
}

/* The documents of this source among others, in @ret_ours; borrowed. */
static int pick_ours(const struct source *source, const struct documents *documents,
		     struct documents *ret_ours)
{
	struct document **items = calloc(documents->n_items + 1, sizeof(struct document *));
	size_t n = 0;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < documents->n_items; i++)
		if (documents->items[i]->source == source)
			items[n++] = documents->items[i];
	*ret_ours = (struct documents){ .items = items, .n_items = n };
	return 0;
}

static int scan_documents(const struct root *root, struct documents *documents,
			  const struct name_set *names)
{
	_cleanup_(interfaces_roles_done) struct interfaces_roles roles = { 0 };
	enum interfaces_dialect dialect = interfaces_detect_dialect(root);
	bool templates = interfaces_is_python(dialect) && interfaces_has_templates(root);
	int r;

	r = interfaces_roles_find(dialect, documents->items, documents->n_items, names, &roles);
	for (size_t i = 0; r == 0 && i < documents->n_items; i++)
		if (!documents->items[i]->unfit)
			r = scan_document(dialect, templates, documents->items[i], names, &roles);
	return r < 0 ? r : find_rejected(root, dialect, documents);
}

int interfaces_scan(const struct source *source, const struct scan_context *context,
		    struct documents *documents, const struct name_set *names)
{
	struct documents ours = { 0 };
	int r = pick_ours(source, documents, &ours);

	if (r < 0)
		return r;
	r = scan_documents(context->root, &ours, names);
	free(ours.items);
	return r;
}

int interfaces_check(const struct source *source, const struct scan_context *context,
		     const struct documents *documents, const struct bytes *texts,
		     struct problem *problem)
{
	struct interfaces_error *errors = NULL;
	int r = interfaces_find_errors(context->root, interfaces_detect_dialect(context->root),
				       documents, texts, &errors);

	(void)source;
	for (size_t i = 0; r == 0 && i < documents->n_items; i++) {
		const struct document *document = documents->items[i];

		/* What was rejected before is left as it is; what it says is no news. */
		if (errors[i].cause && !document->rejected)
			r = problem_set(problem, -EBADMSG, document->path, errors[i].line, "%s",
					errors[i].cause);
	}
	free(errors);
	return r;
}

const struct source interfaces_source = {
	.name = "interfaces",
	.collect = interfaces_collect,
	.scan = interfaces_scan,
	.check = interfaces_check,
};
