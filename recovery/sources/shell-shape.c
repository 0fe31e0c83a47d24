/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/shell-shape.h"

#include <errno.h>

#include "recovery/sources/address-token.h"

/* A key tells statements apart; there is no need for all of a long one. */
#define KEY_MAX 200

/* What leaving a simple command out changes besides what it writes. */
enum effect {
	EFFECT_UNKNOWN,
	EFFECT_NONE,  /* it only looks, says something or waits */
	EFFECT_PASS,  /* it writes what a pipe gives it */
	EFFECT_SHELL, /* what the commands behind it do */
};

/* What a simple command does as far as plain scripts know it. */
enum manner {
	MANNER_OTHER,
	MANNER_WRITE, /* it writes to /sys/bus/pci, and nowhere else */
	MANNER_SAY,   /* it says something on the console or in a pipe */
	MANNER_TEST,
	MANNER_QUIET, /* nothing that another command of the script sees, but for assignments */
};

/**
 * struct facts - What is known of a node and everything in it
 * @mentions, @address, @slot: it holds an address, or a slot without a function; @mixed: another
 *            one too
 * @effect, @named, @assigns, @writes: of a simple command: its name's effect, it has a name,
 *            assignments, redirections to files or substitutions
 * @manner:   of a simple command
 * @sysfs, @elsewhere: of a simple command: it writes to /sys/bus/pci, to what is not known there
 * @redirected: of a compound command: what stands in it is written or read somewhere
 * @binds:    some command in it is a MANNER_WRITE
 * @shell:    some command in it has an effect on those behind
 * @others:   some command in it neither names the device nor only looks
 * @passes:   some command in it writes what a pipe gives it
 * @compound: it is more than simple commands joined together
 * @here:     it has a here-document, or defines a function: its lines are not all of it
 * @key:      of a simple command, made when first needed
 *
 * Of a statement:
 * @group:    the first of the statements that share its physical lines
 * @first:    it is that itself, and the members below say the same for the group
 * @group_end: offset behind the group
 * @fits:     the lines of the group can be commented out
 * @chosen:   they are to be; @lines are they
 */
struct facts {
	struct pci_address address;
	enum effect effect;
	enum manner manner;
	struct bytes name;
	bool sysfs;
	bool elsewhere;
	bool redirected;
	bool binds;
	bool mentions;
	bool slot;
	bool mixed;
	bool named;
	bool assigns;
	bool writes;
	bool shell;
	bool others;
	bool passes;
	bool compound;
	bool here;
	bool fits;
	bool chosen;
	const char *key;
	size_t group;
	size_t group_end;
	struct span lines;
};

/**
 * struct variable - A variable that an address is assigned to
 * @used:   some `for` goes over it
 * @spoilt: it is used in another way too
 */
struct variable {
	struct bytes name;
	bool used;
	bool spoilt;
};

/**
 * struct loop_variable - A variable that a loop sets
 * @loop: the innermost one that the words up to here set it in
 * @end:  where that ends; 0 when none has set it yet
 */
struct loop_variable {
	struct bytes name;
	size_t loop;
	size_t end;
};

/**
 * struct finder - A search under way
 * @word_of: one per reference: index of the word it stands in, or SHELL_NONE
 * @facts:   one per node
 * @variables: sorted by name, no two alike
 * @loop_variables: sorted by name, no two alike
 * @chooses, @joins: see struct shell_manner
 * @odd:     a command in it does what cannot be followed
 * @reads_others: the script runs text from elsewhere, which may use its variables
 * @splits:  the script says itself what separates words
 */
struct finder {
	struct document *document;
	const struct shell_script *script;
	struct bytes text;
	size_t *word_of;
	size_t word_of_allocated;
	struct facts *facts;
	struct variable *variables;
	size_t n_variables;
	struct loop_variable *loop_variables;
	size_t n_loop_variables;
	bool chooses;
	bool joins;
	bool odd;
	bool reads_others;
	bool splits;
	struct span exit;
};

static void finder_done(struct finder *finder)
{
	free(finder->word_of);
	free(finder->facts);
	free(finder->variables);
	free(finder->loop_variables);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\f' || c == '\v' || c == '\r';
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\n';
}

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static struct bytes slice(const struct finder *finder, struct span span)
{
	return bytes_slice(finder->text, span.offset, span.length);
}

static const struct shell_word *word_of(const struct finder *finder, size_t reference)
{
	size_t index = finder->word_of[reference];

	return index == SHELL_NONE ? NULL : &finder->script->words[index];
}

/* Where a line that switches the script off goes: behind the "#!" line. */
static size_t exit_offset(struct bytes text)
{
	const char *newline =
		bytes_start_with(text, bytes_of("#!")) ? memchr(text.data, '\n', text.size) : NULL;

	return newline ? (size_t)(newline - text.data) + 1 : 0;
}

/* Digest of the words of a line, however they are spaced. */
static uint64_t digest_line(struct bytes line)
{
	uint64_t digest = BYTES_DIGEST_SEED;
	size_t at = 0, start;

	while (at < line.size) {
		for (; at < line.size && is_space(line.data[at]); at++)
			;
		start = at;
		for (; at < line.size && !is_space(line.data[at]); at++)
			;
		digest = bytes_digest(bytes_of(" "),
				      bytes_digest(bytes_slice(line, start, at - start), digest));
	}
	return digest;
}

/**
 * struct walk - Where in the document a pass over its addresses is
 * @line_end: offset behind the line
 * @in_comments, @comment_line: addresses in comments, and the line of the first
 */
struct walk {
	size_t line_start;
	size_t line_end;
	unsigned int line;
	uint64_t digest;
	size_t comment;
	size_t word;
	size_t in_comments;
	unsigned int comment_line;
};

static int next_line(struct finder *finder, struct walk *walk)
{
	struct bytes text = finder->text;
	size_t start = walk->line_end;
	const char *newline = memchr(text.data + start, '\n', text.size - start);

	walk->line_start = start;
	walk->line_end = newline ? (size_t)(newline - text.data) + 1 : text.size;
	walk->line++;
	walk->digest = digest_line(bytes_slice(text, start, walk->line_end - start));
	return document_add_line_digest(finder->document, walk->digest);
}

/* Moves on to the line of an offset; they are asked for in rising order. */
static int walk_to(struct finder *finder, struct walk *walk, size_t offset)
{
	int r = 0;

	while (r == 0 && walk->line_end < finder->text.size && walk->line_end <= offset)
		r = next_line(finder, walk);
	return r;
}

/* In a script that cannot be read only a whole line is known to be a comment. */
static bool is_comment_line(struct bytes text, size_t at, size_t end)
{
	while (at < end && is_blank(text.data[at]))
		at++;
	return at < end && text.data[at] == '#';
}

static bool is_in_comment(const struct finder *finder, struct walk *walk, size_t offset)
{
	const struct shell_script *script = finder->script;

	if (script->cause)
		return is_comment_line(finder->text, walk->line_start, offset);
	while (walk->comment < script->n_comments &&
	       span_end(script->comments[walk->comment]) <= offset)
		walk->comment++;
	return walk->comment < script->n_comments &&
	       script->comments[walk->comment].offset <= offset;
}

static size_t find_word(const struct finder *finder, struct walk *walk, size_t offset)
{
	const struct shell_script *script = finder->script;

	if (script->cause)
		return SHELL_NONE;
	while (walk->word < script->n_words && span_end(script->words[walk->word].span) <= offset)
		walk->word++;
	return walk->word < script->n_words && script->words[walk->word].span.offset <= offset
		       ? walk->word
		       : SHELL_NONE;
}

static int add_reference(struct finder *finder, const struct walk *walk,
			 const struct address_token *token, size_t word)
{
	struct document *document = finder->document;
	struct reference *reference;

	if (ARRAY_RESERVE(finder->word_of, document->n_references, finder->word_of_allocated) < 0)
		return -ENOMEM;
	finder->word_of[document->n_references] = word;
	reference = document_add_reference(document);
	if (!reference)
		return -ENOMEM;
	*reference = (struct reference){
		.kind = REFERENCE_ADDRESS,
		.span = token->span,
		.line = walk->line,
		.certain = !token->whole_slot && !finder->script->cause,
		.address = token->address,
		.block = "",
		.key = "",
		.line_digest = walk->digest,
		.shape = PARK_SCRIPT,
		.extent = finder->exit,
	};
	return 0;
}

static bool is_word_byte(struct bytes text, size_t at)
{
	return at < text.size && (is_name_byte(text.data[at]) || memchr(":.-/", text.data[at], 4));
}

/* The next "05:00": in a script that adds domain and function to it, a slot. */
static bool next_slot(struct bytes text, size_t from, struct address_token *ret_slot)
{
	char whole[] = "00:00.0";

	for (size_t at = from; at + 5 <= text.size; at++) {
		if (text.data[at + 2] != ':' || (at > 0 && is_word_byte(text, at - 1)) ||
		    is_word_byte(text, at + 5))
			continue;
		memcpy(whole, text.data + at, 5);
		if (address_token_parse(bytes_of(whole), &ret_slot->address) < 0)
			continue;
		ret_slot->span = (struct span){ at, 5 };
		ret_slot->whole_slot = true;
		return true;
	}
	return false;
}

/* The next address, or slot where the script puts addresses together; @slot is the next of them. */
static bool next_token(const struct finder *finder, size_t from, struct address_token *slot,
		       struct address_token *ret_token)
{
	bool found = address_token_next(finder->text, from, ret_token);

	if (!finder->joins)
		return found;
	if (slot->span.length == 0 || slot->span.offset < from) {
		*slot = (struct address_token){ .span = { SIZE_MAX - 5, 5 } };
		(void)next_slot(finder->text, from, slot);
	}
	if (slot->span.offset >= finder->text.size ||
	    (found && ret_token->span.offset < slot->span.offset))
		return found;
	*ret_token = *slot;
	return true;
}

static int find_addresses(struct finder *finder)
{
	struct walk walk = { 0 };
	struct address_token token, slot = { 0 };
	int r = 0;

	for (size_t at = 0; r == 0 && next_token(finder, at, &slot, &token);
	     at = span_end(token.span)) {
		r = walk_to(finder, &walk, token.span.offset);
		if (r < 0)
			return r;
		if (is_in_comment(finder, &walk, token.span.offset)) {
			if (walk.in_comments++ == 0)
				walk.comment_line = walk.line;
			continue;
		}
		r = add_reference(finder, &walk, &token,
				  find_word(finder, &walk, token.span.offset));
	}
	if (r == 0)
		r = walk_to(finder, &walk, finder->text.size);
	if (r == 0 && walk.in_comments > 0)
		r = document_add_note(finder->document, walk.comment_line,
				      "%zu addresses in comments are left", walk.in_comments);
	return r;
}

static bool is_word_of(struct bytes word, const char *const *words)
{
	for (; *words; words++)
		if (bytes_equal_text(word, *words))
			return true;
	return false;
}

static struct bytes base_name(struct bytes path)
{
	for (size_t i = path.size; i > 0; i--)
		if (path.data[i - 1] == '/')
			return bytes_slice(path, i, path.size - i);
	return path;
}

static enum effect effect_of(struct bytes name)
{
	static const char *const none[] = { ":",    "true",  "false", "[",      "[[",
					    "test", "sleep", "echo",  "printf", NULL };
	/* A module that is loaded takes the devices that were made over to it. */
	static const char *const shell[] = {
		".",        "alias",   "break",    "builtin", "cd",     "command", "continue",
		"declare",  "eval",    "exec",     "exit",    "export", "getopts", "insmod",
		"local",    "mapfile", "modprobe", "popd",    "pushd",  "read",    "readarray",
		"readonly", "return",  "set",      "shift",   "source", "trap",    "typeset",
		"umask",    "unalias", "unset",    NULL
	};

	if (is_word_of(name, none))
		return EFFECT_NONE;
	if (bytes_equal_text(name, "tee"))
		return EFFECT_PASS;
	return is_word_of(base_name(name), shell) ? EFFECT_SHELL : EFFECT_UNKNOWN;
}

/* The name that a '$' at @at expands, and where that ends; empty for anything but "$NAME" and
 * "${NAME…". */
static struct bytes expanded_name(struct bytes text, size_t at, size_t *ret_end)
{
	size_t start = at + 1, end;

	if (start < text.size && text.data[start] == '{') {
		start++;
		if (start < text.size && (text.data[start] == '#' || text.data[start] == '!'))
			start++;
	}
	for (end = start; end < text.size && is_name_byte(text.data[end]); end++)
		;
	*ret_end = end;
	return bytes_slice(text, start, end - start);
}

/* Where "$NAME" or "${NAME}" at @at ends; @at for any other expansion. */
static size_t plain_expansion_end(struct bytes text, size_t at)
{
	bool braces = at + 1 < text.size && text.data[at + 1] == '{';
	size_t end;
	struct bytes name = expanded_name(text, at, &end);

	if (name.size == 0 || name.data != text.data + at + 1 + braces)
		return at;
	if (!braces)
		return end;
	return end < text.size && text.data[end] == '}' ? end + 1 : at;
}

static struct bytes unquoted_start(struct bytes word)
{
	if (word.size > 0 && (word.data[0] == '"' || word.data[0] == '\''))
		word = bytes_slice(word, 1, word.size - 1);
	return word;
}

/* Whether what a redirection writes is seen by no command: the console, "2" of ">&2". */
static bool is_harmless_target(struct bytes target)
{
	if (target.size == 1 && memchr("012-", target.data[0], 4))
		return true;
	target = unquoted_start(target);
	return bytes_start_with(target, bytes_of("/dev/")) &&
	       !memchr(target.data, '$', target.size) && !bytes_find(target, "..");
}

/* "/sys/bus/pci/…", also where "$P/devices/…" says so. */
static bool is_in_sysfs(struct bytes target)
{
	size_t end;

	target = unquoted_start(target);
	if (bytes_find(target, ".."))
		return false;
	if (target.size == 0 || target.data[0] != '$')
		return bytes_start_with(target, bytes_of("/sys/bus/pci/"));
	end = plain_expansion_end(target, 0);
	target = bytes_slice(target, end, target.size - end);
	return end > 0 && (bytes_start_with(target, bytes_of("/devices/")) ||
			   bytes_start_with(target, bytes_of("/drivers/")));
}

/* Commands that change what those behind them do or whether they are run. */
static bool is_odd_command(struct bytes name)
{
	static const char *const odd[] = { ".",       "alias",   "break",     "builtin", "cd",
					   "command", "declare", "enable",    "eval",    "exec",
					   "getopts", "let",     "local",     "mapfile", "popd",
					   "pushd",   "read",    "readarray", "return",  "set",
					   "shift",   "shopt",   "source",    "trap",    "typeset",
					   "unalias", "unset",   NULL };

	for (size_t i = 0; i < name.size; i++)
		if (memchr("$`\\\"'", name.data[i], 5))
			return true;
	return bytes_start_with(name, bytes_of("((")) || is_word_of(name, odd);
}

/* An argument of a command whose name is known. */
static void find_argument_facts(struct finder *finder, struct facts *facts, struct bytes text)
{
	bool tee = facts->effect == EFFECT_PASS;

	/* "continue 2" */
	if (bytes_equal_text(facts->name, "continue"))
		finder->odd = true;
	if (bytes_equal_text(facts->name, "printf") && bytes_find(text, "-v") == text.data)
		finder->odd = true;
	if (!tee || bytes_equal_text(text, "-a"))
		return;
	if (is_in_sysfs(text))
		facts->sysfs = true;
	else
		facts->elsewhere |= !is_harmless_target(text);
}

static enum manner manner_of(const struct facts *facts)
{
	static const char *const says[] = { "echo", "printf", NULL };
	static const char *const tests[] = { "[", "[[", "test", NULL };
	static const char *const quiet[] = { ":",        "true",     "false",  "sleep",   "wait",
					     "continue", "modprobe", "logger", "udevadm", NULL };

	if (facts->elsewhere)
		return MANNER_OTHER;
	if (!facts->named)
		return facts->assigns && !facts->sysfs ? MANNER_QUIET : MANNER_OTHER;
	if (bytes_equal_text(facts->name, "driverctl"))
		return MANNER_WRITE;
	if (facts->sysfs)
		return is_word_of(facts->name, says) || facts->effect == EFFECT_PASS ? MANNER_WRITE
										     : MANNER_OTHER;
	if (is_word_of(facts->name, says) || facts->effect == EFFECT_PASS)
		return MANNER_SAY;
	if (is_word_of(facts->name, tests))
		return MANNER_TEST;
	return is_word_of(facts->name, quiet) ? MANNER_QUIET : MANNER_OTHER;
}

static void note_mention(struct facts *facts, const struct pci_address *address, bool slot)
{
	if (facts->mentions &&
	    (!pci_address_equal(&facts->address, address) || facts->slot != slot))
		facts->mixed = true;
	facts->mentions = true;
	facts->address = *address;
	facts->slot = slot;
}

/* What the words of a command say about it. */
static void find_word_facts(struct finder *finder)
{
	const struct shell_script *script = finder->script;
	const struct document *document = finder->document;

	for (size_t i = 0; i < script->n_words; i++) {
		const struct shell_word *word = &script->words[i];
		struct facts *facts = &finder->facts[word->node];
		struct bytes text = slice(finder, word->span);

		facts->writes |= word->substitutes;
		if (word->role == SHELL_TARGET) {
			bool harmless = is_harmless_target(text), sysfs = is_in_sysfs(text);

			facts->writes |= !harmless;
			facts->redirected |= !harmless;
			facts->sysfs |= sysfs;
			facts->elsewhere |= !harmless && !sysfs;
		} else if (word->role == SHELL_ARGUMENT && !facts->named) {
			facts->named = true;
			facts->effect = effect_of(text);
			facts->name = text;
			finder->odd |= is_odd_command(text);
			finder->reads_others |= bytes_equal_text(text, ".") ||
						bytes_equal_text(text, "source") ||
						bytes_equal_text(text, "eval");
		} else if (word->role == SHELL_ARGUMENT) {
			find_argument_facts(finder, facts, text);
		} else if (word->role == SHELL_ASSIGNMENT || word->role == SHELL_ARRAY) {
			facts->assigns = true;
			finder->splits |=
				bytes_equal_text(bytes_slice(text, 0, word->name_length), "IFS");
		}
	}
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *reference = &document->references[i];
		const struct shell_word *word = word_of(finder, i);

		if (word)
			note_mention(&finder->facts[word->node], &reference->address,
				     !reference->certain);
	}
}

static void merge_facts(struct facts *facts, const struct facts *child)
{
	if (child->mentions)
		note_mention(facts, &child->address, child->slot);
	facts->mixed |= child->mixed;
	facts->binds |= child->binds;
	facts->shell |= child->shell;
	facts->others |= child->others;
	facts->passes |= child->passes;
	facts->compound |= child->compound;
	facts->here |= child->here;
}

/* Children stand behind their parents: from the end to the start each is known before its parent.
 */
static void find_node_facts(struct finder *finder)
{
	const struct shell_script *script = finder->script;

	for (size_t i = script->n_nodes; i-- > 0;) {
		const struct shell_node *node = &script->nodes[i];
		struct facts *facts = &finder->facts[i];

		if (node->kind == SHELL_SIMPLE) {
			facts->manner = manner_of(facts);
			facts->binds = facts->manner == MANNER_WRITE;
			facts->shell = facts->effect == EFFECT_SHELL ||
				       (facts->assigns && !facts->named);
			facts->passes = !facts->mentions && facts->effect == EFFECT_PASS &&
					!facts->writes;
			facts->others = !facts->mentions && !facts->passes &&
					(facts->effect != EFFECT_NONE || facts->writes);
		} else if (node->kind != SHELL_STATEMENT) {
			facts->compound = true;
		}
		facts->here |= node->here || node->kind == SHELL_FUNCTION;
		if (node->parent != SHELL_NONE)
			merge_facts(&finder->facts[node->parent], facts);
	}
}

/* Whether a statement can be left out without anything but its own device missing. */
static bool can_be_left_out(const struct shell_node *node, const struct facts *facts)
{
	if (node->condition || facts->here || facts->shell || facts->mixed || facts->others)
		return false;
	return !facts->passes || (facts->mentions && !facts->compound);
}

static bool has_newline(struct bytes text, size_t from, size_t to)
{
	return from < to && memchr(text.data + from, '\n', to - from);
}

/* Statements of one list that share physical lines go together. */
static void find_groups(struct finder *finder)
{
	const struct shell_script *script = finder->script;

	for (size_t i = 0; i < script->n_nodes; i++) {
		const struct shell_node *node = &script->nodes[i];
		struct facts *facts = &finder->facts[i], *group;
		bool fits = can_be_left_out(node, facts);

		if (node->kind != SHELL_STATEMENT)
			continue;
		facts->group = i;
		facts->fits = fits;
		facts->group_end = node->list_end;
		if (node->previous == SHELL_NONE ||
		    has_newline(finder->text, script->nodes[node->previous].list_end,
				node->span.offset))
			continue;
		facts->group = finder->facts[node->previous].group;
		group = &finder->facts[facts->group];
		group->fits &= fits;
		group->group_end = node->list_end;
		/* What the group names is not handed on to the parents again. */
		if (facts->mentions)
			note_mention(group, &facts->address, facts->slot);
		group->fits &= !group->mixed;
	}
}

/* Whether nothing stands before @start and, but for a comment, behind @end in their lines. */
static bool is_alone(struct bytes text, size_t start, size_t end)
{
	while (start > 0 && is_blank(text.data[start - 1]))
		start--;
	if (start > 0 && text.data[start - 1] != '\n')
		return false;
	while (end < text.size && is_blank(text.data[end]))
		end++;
	return end >= text.size || text.data[end] == '\n' || text.data[end] == '#';
}

static void find_lonely_groups(struct finder *finder)
{
	const struct shell_script *script = finder->script;

	for (size_t i = 0; i < script->n_nodes; i++) {
		struct facts *facts = &finder->facts[i];

		if (script->nodes[i].kind == SHELL_STATEMENT && facts->group == i && facts->fits)
			facts->fits = is_alone(finder->text, script->nodes[i].span.offset,
					       facts->group_end);
	}
}

/* The statement that a node stands in, or SHELL_NONE. */
static size_t statement_above(const struct shell_script *script, size_t node)
{
	do
		node = script->nodes[node].parent;
	while (node != SHELL_NONE && script->nodes[node].kind != SHELL_STATEMENT);
	return node;
}

/* The innermost group around a node that has what is wanted, or SHELL_NONE. */
static size_t group_around(const struct finder *finder, size_t node,
			   bool (*wanted)(const struct facts *group))
{
	size_t at = statement_above(finder->script, node);

	for (; at != SHELL_NONE; at = statement_above(finder->script, at)) {
		size_t group = finder->facts[at].group;

		if (wanted(&finder->facts[group]))
			return group;
	}
	return SHELL_NONE;
}

static bool group_fits(const struct facts *group)
{
	return group->fits;
}

static bool group_is_chosen(const struct facts *group)
{
	return group->chosen;
}

/* Whether the reference stands in a statement's own words, where its shape is known. */
static bool is_in_statement(const struct finder *finder, const struct shell_word *word)
{
	if (!word || word->substitutes)
		return false;
	switch (word->role) {
	case SHELL_ARGUMENT:
	case SHELL_TARGET:
	case SHELL_CASE_WORD:
		return true;
	case SHELL_ASSIGNMENT:
		return finder->facts[word->node].named;
	default:
		return false;
	}
}

/* Its lines are to be commented out: from the start of the first to the end of the last. */
static void choose_group(struct finder *finder, size_t group)
{
	struct facts *facts = &finder->facts[group];
	struct bytes text = finder->text;
	size_t start = finder->script->nodes[group].span.offset, end = facts->group_end;
	const char *newline;

	if (facts->chosen)
		return;
	while (start > 0 && text.data[start - 1] != '\n')
		start--;
	newline = end < text.size ? memchr(text.data + end, '\n', text.size - end) : NULL;
	end = newline ? (size_t)(newline - text.data) + 1 : text.size;
	facts->lines = (struct span){ start, end - start };
	facts->chosen = true;
}

static void choose_groups(struct finder *finder)
{
	for (size_t i = 0; i < finder->document->n_references; i++) {
		const struct shell_word *word = word_of(finder, i);
		size_t group;

		/* What may be any function of a slot may be one that is not stale. */
		if (!is_in_statement(finder, word) || !finder->document->references[i].certain)
			continue;
		group = group_around(finder, word->node, group_fits);
		if (group != SHELL_NONE)
			choose_group(finder, group);
	}
}

/* The outermost chosen group: what stands in it goes with it. */
static size_t chosen_group(const struct finder *finder, size_t node)
{
	size_t found = SHELL_NONE;

	for (size_t group = group_around(finder, node, group_is_chosen); group != SHELL_NONE;
	     group = group_around(finder, group, group_is_chosen))
		found = group;
	return found;
}

static void shape_lines(const struct finder *finder, struct reference *reference, size_t group)
{
	reference->shape = PARK_LINES;
	reference->extent = finder->facts[group].lines;
	reference->in_body = finder->script->nodes[group].parent != SHELL_NONE;
}

/* The text of a command with every address as "@" and blanks squeezed. */
static const char *make_key(struct finder *finder, struct span span)
{
	struct document *document = finder->document;
	_cleanup_(buffer_done) struct buffer key = { 0 };
	size_t next = document_first_from(document, span.offset);

	for (size_t at = span.offset; at < span_end(span) && key.size < KEY_MAX;) {
		char c = finder->text.data[at];

		if (next < document->n_references && document->references[next].span.offset == at) {
			buffer_append_char(&key, '@');
			at = span_end(document->references[next++].span);
			continue;
		}
		if (!is_space(c))
			buffer_append_char(&key, c);
		else if (key.size > 0 && key.data[key.size - 1] != ' ')
			buffer_append_char(&key, ' ');
		at++;
	}
	return key.failed ? NULL : arena_copy(&document->arena, buffer_bytes(&key));
}

/* The place of a mention that is no word of a list. */
static int set_place(struct finder *finder, struct reference *reference,
		     const struct shell_word *word)
{
	struct facts *facts;

	if (!word)
		return 0;
	facts = &finder->facts[word->node];
	if (finder->script->nodes[word->node].kind != SHELL_SIMPLE) {
		reference->key = word->role == SHELL_TARGET ? ">" : "case";
		return 0;
	}
	if (word->role == SHELL_HERE) {
		reference->key = "<<";
		return 0;
	}
	if (!facts->key)
		facts->key = make_key(finder, finder->script->nodes[word->node].span);
	reference->key = facts->key;
	return facts->key ? 0 : -ENOMEM;
}

/* "NAME=" */
static const char *assigned_name(struct finder *finder, const struct shell_word *word)
{
	_cleanup_(buffer_done) struct buffer name = { 0 };

	buffer_append(&name, bytes_slice(finder->text, word->span.offset, word->name_length));
	buffer_append_char(&name, '=');
	return name.failed ? NULL : arena_copy(&finder->document->arena, buffer_bytes(&name));
}

/* "for NAME", of the loop whose words start with index @first. */
static const char *loop_name(struct finder *finder, size_t first)
{
	_cleanup_(buffer_done) struct buffer name = { 0 };

	buffer_append_text(&name, "for ");
	if (first > 0 && finder->script->words[first - 1].role == SHELL_FOR_NAME)
		buffer_append(&name, slice(finder, finder->script->words[first - 1].span));
	return name.failed ? NULL : arena_copy(&finder->document->arena, buffer_bytes(&name));
}

/* The references from @first on that start before @end. */
static size_t references_before(const struct document *document, size_t first, size_t end)
{
	while (first < document->n_references && document->references[first].span.offset < end)
		first++;
	return first;
}

static bool has_space(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if (is_space(text.data[i]))
			return true;
	return false;
}

/* Whether each word of a list names one device: none would go along with another. */
static bool names_one_each(const struct finder *finder, size_t first, size_t end)
{
	const struct reference *references = finder->document->references;

	for (size_t i = first; i < end; i++) {
		size_t from = span_end(references[i].span);

		if (!references[i].certain)
			return false;
		if (i + 1 < end &&
		    !pci_address_equal(&references[i].address, &references[i + 1].address) &&
		    !has_space(
			    bytes_slice(finder->text, from, references[i + 1].span.offset - from)))
			return false;
	}
	return true;
}

static void shape_words(struct finder *finder, size_t first, size_t end, const char *block,
			const char *key, struct span list, bool fits)
{
	for (size_t i = first; i < end; i++) {
		struct reference *reference = &finder->document->references[i];

		reference->block = block;
		reference->key = key;
		if (!fits)
			continue;
		reference->shape = PARK_WORD;
		reference->list = list;
		reference->none_word = "";
	}
}

/* The list of a `for` that the reference @first is the first one of. Return: where it ends. */
static int shape_for_list(struct finder *finder, size_t first, size_t *ret_end)
{
	const struct shell_script *script = finder->script;
	size_t low = finder->word_of[first], high = low, node = script->words[low].node;
	const char *block;
	struct span list;
	bool fits;

	while (low > 0 && script->words[low - 1].role == SHELL_FOR_WORD &&
	       script->words[low - 1].node == node)
		low--;
	while (high + 1 < script->n_words && script->words[high + 1].role == SHELL_FOR_WORD &&
	       script->words[high + 1].node == node)
		high++;
	list.offset = script->words[low].span.offset;
	list.length = span_end(script->words[high].span) - list.offset;
	*ret_end = references_before(finder->document, first, span_end(list));
	fits = names_one_each(finder, first, *ret_end);
	for (size_t i = first; i < *ret_end && fits; i++) {
		const struct shell_word *word = word_of(finder, i);

		fits = word && !word->substitutes && !has_space(slice(finder, word->span));
	}
	block = loop_name(finder, low);
	if (!block)
		return -ENOMEM;
	shape_words(finder, first, *ret_end, block, "for", list, fits);
	return 0;
}

/* Whether a shell takes the words of a value as they are written. @quote is '"', '\'' or NUL. */
static bool is_plain_list(struct bytes text, char quote)
{
	for (size_t at = 0; at < text.size; at++) {
		char c = text.data[at], next = at + 1 < text.size ? text.data[at + 1] : '\0';

		if (c == '"' || c == '\'' || c == '`')
			return false;
		if (quote == '\0' && is_space(c))
			return false;
		if (c == '\\' && next != ':' && !(next == '\n' && quote == '"'))
			return false;
		if (c != '$')
			continue;
		if (quote == '\'' || plain_expansion_end(text, at) == at)
			return false;
	}
	return true;
}

/* The words in the value of an assignment, from the first to the last. */
static bool value_list(const struct finder *finder, const struct shell_word *word,
		       struct span *ret_list)
{
	struct bytes text = finder->text;
	size_t start = word->span.offset + word->name_length, end = span_end(word->span);
	char quote = '\0';

	/* "=", "+=" */
	start += text.data[start] == '+' ? 2 : 1;
	if (end - start >= 2 && (text.data[start] == '"' || text.data[start] == '\'') &&
	    text.data[end - 1] == text.data[start]) {
		quote = text.data[start++];
		end--;
	}
	if (word->substitutes || !is_plain_list(bytes_slice(text, start, end - start), quote))
		return false;
	while (start < end && (is_space(text.data[start]) ||
			       (text.data[start] == '\\' && text.data[start + 1] == '\n')))
		start++;
	while (end > start && (is_space(text.data[end - 1]) ||
			       (text.data[end - 1] == '\\' && text.data[end] == '\n')))
		end--;
	*ret_list = (struct span){ start, end - start };
	return true;
}

static int compare_variables(const void *a, const void *b)
{
	return bytes_compare(((const struct variable *)a)->name,
			     ((const struct variable *)b)->name);
}

static struct variable *find_variable(const struct finder *finder, struct bytes name)
{
	struct variable wanted = { .name = name };

	if (name.size == 0 || finder->n_variables == 0)
		return NULL;
	return bsearch(&wanted, finder->variables, finder->n_variables, sizeof(wanted),
		       compare_variables);
}

static bool is_plain_assignment(const struct finder *finder, const struct shell_word *word)
{
	return word && word->role == SHELL_ASSIGNMENT && !finder->facts[word->node].named;
}

/* The variables that addresses are assigned to. */
static int find_variables(struct finder *finder)
{
	size_t n = 0, kept = 0;

	finder->variables = calloc(finder->document->n_references + 1, sizeof(struct variable));
	if (!finder->variables)
		return -ENOMEM;
	for (size_t i = 0; i < finder->document->n_references; i++) {
		const struct shell_word *word = word_of(finder, i);

		if (is_plain_assignment(finder, word))
			finder->variables[n++].name =
				bytes_slice(finder->text, word->span.offset, word->name_length);
	}
	if (n > 0)
		qsort(finder->variables, n, sizeof(struct variable), compare_variables);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 ||
		    compare_variables(&finder->variables[kept - 1], &finder->variables[i]) != 0)
			finder->variables[kept++] = finder->variables[i];
	finder->n_variables = kept;
	return 0;
}

/* Whether an expansion is a word of a list; @list is empty where there is none. */
static bool is_list_word(struct bytes text, struct span list, size_t start, size_t end)
{
	if (start < list.offset || end > span_end(list))
		return false;
	return (start == list.offset || is_space(text.data[start - 1])) &&
	       (end == span_end(list) || is_space(text.data[end]));
}

/* Looks at each expansion in a word. A variable may be a word of the list that it becomes. */
static void find_uses_in(struct finder *finder, const struct shell_word *word)
{
	struct bytes text = slice(finder, word->span), name = BYTES_NONE;
	size_t start = word->span.offset;
	struct span list = { 0 };

	if (is_plain_assignment(finder, word) && value_list(finder, word, &list))
		name = bytes_slice(text, 0, word->name_length);
	for (size_t at = 0; at < text.size; at++) {
		struct variable *variable;
		size_t end, plain;

		if (text.data[at] != '$')
			continue;
		variable = find_variable(finder, expanded_name(text, at, &end));
		if (!variable)
			continue;
		plain = plain_expansion_end(text, at);
		if (word->role == SHELL_FOR_WORD && at == 0 && plain == text.size)
			variable->used = true;
		else if (plain == at || !bytes_equal(variable->name, name) ||
			 !is_list_word(finder->text, list, start + at, start + plain))
			variable->spoilt = true;
	}
}

/* "read NAME", "export NAME=…", "for NAME". */
static void find_name_in(struct finder *finder, const struct shell_word *word)
{
	struct bytes text = slice(finder, word->span);
	size_t end = 0;
	struct variable *variable;

	if (word->role != SHELL_FOR_NAME &&
	    (word->role != SHELL_ARGUMENT || finder->facts[word->node].effect != EFFECT_SHELL))
		return;
	while (end < text.size && is_name_byte(text.data[end]))
		end++;
	variable = find_variable(finder, bytes_slice(text, 0, end));
	if (variable)
		variable->spoilt = true;
}

static void find_uses(struct finder *finder)
{
	for (size_t i = 0; i < finder->script->n_words && finder->n_variables > 0; i++) {
		find_uses_in(finder, &finder->script->words[i]);
		find_name_in(finder, &finder->script->words[i]);
	}
	for (size_t i = 0; i < finder->n_variables; i++) {
		struct variable *variable = &finder->variables[i];

		variable->spoilt |= finder->splits || (finder->reads_others && !variable->used);
	}
}

/* The value that the reference @first is the first one in. */
static int shape_value(struct finder *finder, size_t first, size_t *ret_end)
{
	const struct shell_word *word = word_of(finder, first);
	const struct variable *variable = find_variable(
		finder, bytes_slice(finder->text, word->span.offset, word->name_length));
	const char *block = assigned_name(finder, word);
	struct span list = { 0 };
	bool fits;

	*ret_end = references_before(finder->document, first, span_end(word->span));
	fits = variable && !variable->spoilt && names_one_each(finder, first, *ret_end) &&
	       value_list(finder, word, &list);
	if (!block)
		return -ENOMEM;
	shape_words(finder, first, *ret_end, block, "=", list, fits);
	return 0;
}

/* Whether what a word says from @at on is a pattern for file names. */
static bool has_pattern(struct bytes text, size_t at)
{
	unsigned int braces = 0;

	for (; at < text.size; at++) {
		char c = text.data[at];

		if (c == '$' && at + 1 < text.size && text.data[at + 1] == '{')
			braces++;
		else if (c == '}' && braces > 0)
			braces--;
		else if (braces == 0 && (c == '*' || c == '?' || c == '['))
			return true;
	}
	return false;
}

/* "${NAME=…}", "${NAME:=…}", "${!NAME}" */
static bool changes_parameter(struct bytes text, size_t at)
{
	if (text.data[at] == '!')
		return true;
	while (at < text.size && is_name_byte(text.data[at]))
		at++;
	if (at < text.size && text.data[at] == ':')
		at++;
	return at < text.size && text.data[at] == '=';
}

/* What a '$' in a script may do besides giving a value, or a value that edits change: "$?", "$_",
 * arithmetic that may assign.
 */
static bool is_odd_expansion(struct bytes text, size_t at)
{
	char next = at + 1 < text.size ? text.data[at + 1] : '\0';
	char then = at + 2 < text.size ? text.data[at + 2] : '\0';

	switch (next) {
	case '?':
	case '[':
		return true;
	case '_':
		return !is_name_byte(then);
	case '(':
		return then == '(';
	case '{':
		return then == '?' || then == '_' || changes_parameter(text, at + 2);
	default:
		return false;
	}
}

static bool is_odd_text(struct bytes text)
{
	for (size_t at = 0; at < text.size; at++)
		if (text.data[at] == '$' && is_odd_expansion(text, at))
			return true;
	return false;
}

static bool is_odd_word(const struct finder *finder, const struct shell_word *word)
{
	static const char folder[] = "/sys/";
	struct bytes text = slice(finder, word->span);
	const char *sys;

	if (is_odd_text(text))
		return true;
	switch (word->role) {
	case SHELL_NAME:
		return !bytes_equal_text(text, "prereqs");
	case SHELL_FOR_WORD:
		return word->substitutes || has_pattern(text, 0);
	case SHELL_HERE:
		return false;
	default:
		if (word->substitutes && bytes_find(text, "/bus/pci/drivers"))
			return true;
		sys = bytes_find(text, folder);
		return sys && has_pattern(text, (size_t)(sys - text.data));
	}
}

/* Options may make any failure the end. */
static bool has_interpreter_options(struct bytes text)
{
	size_t end = exit_offset(text);

	for (size_t at = 1; at < end; at++)
		if (text.data[at] == '-' && is_blank(text.data[at - 1]))
			return true;
	return false;
}

/* Whether a command of one of several in its statement whose status is not the statement's. */
static bool is_followed(const struct shell_script *script, size_t statement, size_t command)
{
	return script->nodes[command].end != script->nodes[statement].end;
}

/* Whether something may depend on the status of a command around which @node, a compound, stands,
 * or on what is said in it: a condition, "… && …", a redirection of all of it.
 */
static bool is_depended_on(const struct finder *finder, size_t node)
{
	const struct shell_script *script = finder->script;

	for (; node != SHELL_NONE; node = script->nodes[node].parent) {
		size_t parent = script->nodes[node].parent;

		if (script->nodes[node].kind == SHELL_STATEMENT) {
			if (script->nodes[node].condition)
				return true;
			continue;
		}
		if (finder->facts[node].redirected || script->nodes[node].kind == SHELL_FUNCTION)
			return true;
		if (parent != SHELL_NONE && is_followed(script, parent, node))
			return true;
	}
	return false;
}

/* A statement or an `if` that does nothing but for one device, to which it writes. */
static bool is_for_one_device(const struct facts *facts)
{
	return facts->binds && !facts->mixed && !facts->others && !facts->shell && !facts->here;
}

/* Whether a simple command that names a device only writes to it, or guards just that. */
static bool is_plain_mention(const struct finder *finder, size_t node)
{
	const struct shell_script *script = finder->script;
	size_t statement = script->nodes[node].parent, above = script->nodes[statement].parent;
	bool alone = !is_followed(script, statement, node) && node == statement + 1;

	switch (finder->facts[node].manner) {
	case MANNER_WRITE:
		break;
	case MANNER_SAY:
		if (!alone && !is_for_one_device(&finder->facts[statement]))
			return false;
		break;
	case MANNER_TEST:
		if (script->nodes[statement].condition) {
			if (above == SHELL_NONE || script->nodes[above].kind != SHELL_IF ||
			    !is_for_one_device(&finder->facts[above]))
				return false;
			return !is_depended_on(finder, above);
		}
		if (!is_for_one_device(&finder->facts[statement]))
			return false;
		break;
	default:
		return false;
	}
	return !script->nodes[statement].condition && !is_depended_on(finder, above);
}

static bool has_plain_mentions(const struct finder *finder)
{
	const struct shell_script *script = finder->script;

	for (size_t i = 0; i < finder->document->n_references; i++) {
		const struct shell_word *word = word_of(finder, i);

		if (!word || word->substitutes)
			return false;
		if (word->role == SHELL_FOR_WORD || is_plain_assignment(finder, word))
			continue;
		if ((word->role != SHELL_ARGUMENT && word->role != SHELL_TARGET) ||
		    script->nodes[word->node].kind != SHELL_SIMPLE ||
		    !is_plain_mention(finder, word->node))
			return false;
	}
	return true;
}

/* What is done for one word of a loop must not be felt by the next, nor behind the loop. */
static bool has_plain_loops(const struct finder *finder)
{
	const struct shell_script *script = finder->script;
	size_t end = 0;

	for (size_t i = 0; i < script->n_nodes; i++) {
		const struct shell_node *node = &script->nodes[i];
		enum manner manner = finder->facts[i].manner;

		if (node->kind == SHELL_FOR || node->kind == SHELL_LOOP) {
			if (is_depended_on(finder, i))
				return false;
			end = MAX_OF(end, node->end);
		} else if (node->kind == SHELL_SIMPLE && i < end && manner == MANNER_OTHER) {
			return false;
		}
	}
	return true;
}

/* The innermost loop around a command, or SHELL_NONE. */
static size_t loop_around(const struct shell_script *script, size_t node)
{
	do
		node = script->nodes[node].parent;
	while (node != SHELL_NONE && script->nodes[node].kind != SHELL_FOR &&
	       script->nodes[node].kind != SHELL_LOOP);
	return node;
}

/* Whether an assignment is made in each round of its loop. */
static bool is_made_each_round(const struct shell_script *script, size_t node, size_t loop)
{
	size_t statement = script->nodes[node].parent;

	return script->nodes[statement].parent == loop && !script->nodes[statement].condition &&
	       statement + 1 == node && !is_followed(script, statement, node);
}

/* Whether a word sets a variable in a loop; @end is where the loops seen so far end. */
static bool sets_in_loop(const struct shell_word *word, size_t end)
{
	return word->role == SHELL_FOR_NAME ||
	       ((word->role == SHELL_ASSIGNMENT || word->role == SHELL_ARRAY) && word->node < end);
}

static struct bytes name_set_by(const struct finder *finder, const struct shell_word *word)
{
	size_t length = word->role == SHELL_FOR_NAME ? word->span.length : word->name_length;

	return bytes_slice(finder->text, word->span.offset, length);
}

/* The end of all loops around the nodes up to @node, when asked in rising order. */
static size_t loops_end(const struct finder *finder, size_t *next, size_t node, size_t end)
{
	const struct shell_script *script = finder->script;

	for (; *next <= node; ++*next)
		if (script->nodes[*next].kind == SHELL_FOR ||
		    script->nodes[*next].kind == SHELL_LOOP)
			end = MAX_OF(end, script->nodes[*next].end);
	return end;
}

static int compare_loop_variables(const void *a, const void *b)
{
	return bytes_compare(((const struct loop_variable *)a)->name,
			     ((const struct loop_variable *)b)->name);
}

static struct loop_variable *find_loop_variable(const struct finder *finder, struct bytes name)
{
	struct loop_variable wanted = { .name = name };

	if (name.size == 0 || finder->n_loop_variables == 0)
		return NULL;
	return bsearch(&wanted, finder->loop_variables, finder->n_loop_variables, sizeof(wanted),
		       compare_loop_variables);
}

/* The variables that loops set. */
static int find_loop_variables(struct finder *finder)
{
	const struct shell_script *script = finder->script;
	size_t n = 0, kept = 0, next = 0, end = 0;

	finder->loop_variables = calloc(script->n_words + 1, sizeof(struct loop_variable));
	if (!finder->loop_variables)
		return -ENOMEM;
	for (size_t i = 0; i < script->n_words; i++) {
		const struct shell_word *word = &script->words[i];

		end = loops_end(finder, &next, word->node, end);
		if (sets_in_loop(word, end))
			finder->loop_variables[n++].name = name_set_by(finder, word);
	}
	if (n > 0)
		qsort(finder->loop_variables, n, sizeof(struct loop_variable),
		      compare_loop_variables);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || compare_loop_variables(&finder->loop_variables[kept - 1],
							&finder->loop_variables[i]) != 0)
			finder->loop_variables[kept++] = finder->loop_variables[i];
	finder->n_loop_variables = kept;
	return 0;
}

/* Whether each variable that a word expands and some loop sets is set there, in this round. */
static bool uses_are_plain(const struct finder *finder, const struct shell_word *word)
{
	struct bytes text = slice(finder, word->span);
	size_t end;

	for (size_t at = 0; at < text.size; at++) {
		const struct loop_variable *variable;

		if (text.data[at] != '$')
			continue;
		variable = find_loop_variable(finder, expanded_name(text, at, &end));
		if (variable && (word->node >= variable->end ||
				 (word->role == SHELL_FOR_WORD && word->node == variable->loop)))
			return false;
	}
	return true;
}

/* Takes note of what a word sets in a loop. Return: whether that is felt in this round alone. */
static bool sets_plainly(const struct finder *finder, const struct shell_word *word)
{
	const struct shell_script *script = finder->script;
	struct loop_variable *variable;
	size_t loop;

	if (word->role != SHELL_FOR_NAME && word->role != SHELL_ASSIGNMENT)
		return true;
	variable = find_loop_variable(finder, name_set_by(finder, word));
	loop = word->role == SHELL_FOR_NAME ? word->node : loop_around(script, word->node);
	if (!variable || loop == SHELL_NONE)
		return true;
	/* A loop in the one that sets it hands it on from one of its rounds to the next. */
	if (word->node < variable->end && loop != variable->loop)
		return false;
	if (word->role == SHELL_ASSIGNMENT) {
		/* "NAME+=…" takes up what the round before left. */
		if (finder->text.data[word->span.offset + word->name_length] == '+')
			return false;
		if (!is_made_each_round(script, word->node, loop))
			return true;
	}
	variable->loop = loop;
	variable->end = script->nodes[loop].end;
	return true;
}

/* Whether what loops set is used in them alone, and only once it is set. */
static bool has_plain_variables(const struct finder *finder)
{
	for (size_t i = 0; i < finder->script->n_words; i++)
		if (!uses_are_plain(finder, &finder->script->words[i]) ||
		    !sets_plainly(finder, &finder->script->words[i]))
			return false;
	return true;
}

/* Whether nothing in a script may turn on what a word or a line that is left out does: edited by
 * words or lines, it binds no device that it does not bind as it stands.
 */
static bool is_plain(const struct finder *finder)
{
	const struct shell_script *script = finder->script;

	if (finder->odd || has_interpreter_options(finder->text))
		return false;
	for (size_t i = 0; i < script->n_words; i++)
		if (is_odd_word(finder, &script->words[i]))
			return false;
	for (size_t i = 0; i < script->n_nodes; i++)
		if (script->nodes[i].kind == SHELL_FUNCTION &&
		    (finder->facts[i].mentions || finder->facts[i].shell))
			return false;
	return has_plain_loops(finder) && has_plain_mentions(finder) && has_plain_variables(finder);
}

/* Nothing but the whole script can be put out of force safely. */
static void switch_off_only(struct finder *finder)
{
	for (size_t i = 0; i < finder->document->n_references; i++) {
		struct reference *reference = &finder->document->references[i];

		reference->shape = PARK_SCRIPT;
		reference->extent = finder->exit;
		reference->list = (struct span){ 0 };
		reference->none_word = NULL;
		reference->in_body = false;
	}
}

static int shape_all(struct finder *finder)
{
	struct document *document = finder->document;
	int r = 0;

	for (size_t i = 0, end; i < document->n_references && r == 0; i = end) {
		struct reference *reference = &document->references[i];
		const struct shell_word *word = word_of(finder, i);
		size_t group;

		end = i + 1;
		if (word && word->role == SHELL_FOR_WORD) {
			r = shape_for_list(finder, i, &end);
		} else if (is_plain_assignment(finder, word)) {
			r = shape_value(finder, i, &end);
		} else {
			group = is_in_statement(finder, word) ? chosen_group(finder, word->node)
							      : SHELL_NONE;
			if (group != SHELL_NONE)
				shape_lines(finder, reference, group);
			r = set_place(finder, reference, word);
		}
	}
	return r;
}

static int find_shapes(struct finder *finder)
{
	bool plain;
	int r;

	finder->facts = calloc(finder->script->n_nodes + 1, sizeof(struct facts));
	if (!finder->facts)
		return -ENOMEM;
	find_word_facts(finder);
	find_node_facts(finder);
	r = find_loop_variables(finder);
	if (r < 0)
		return r;
	plain = !finder->chooses && !finder->joins && is_plain(finder);
	find_groups(finder);
	find_lonely_groups(finder);
	choose_groups(finder);
	r = find_variables(finder);
	if (r < 0)
		return r;
	find_uses(finder);
	r = shape_all(finder);
	if (!plain)
		switch_off_only(finder);
	return r;
}

int shell_shape_find(struct document *document, const struct shell_script *script,
		     struct shell_manner manner)
{
	_cleanup_(finder_done) struct finder finder = {
		.document = document,
		.script = script,
		.text = document_bytes(document),
		.chooses = manner.chooses,
		.joins = manner.joins,
		.exit = { exit_offset(document_bytes(document)), 0 },
	};
	int r = find_addresses(&finder);

	if (r < 0 || script->cause || document->n_references == 0)
		return r;
	return find_shapes(&finder);
}
