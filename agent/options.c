/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/options.h"

#include <errno.h>
#include <getopt.h>

/* More than there are; what is beyond is only not suggested. */
#define COMMANDS_MAX 32

/*
 * '-': words come in their order and an option may follow them, whatever POSIXLY_CORRECT says;
 * ':': a missing value is told from an unknown option, and getopt_long() itself is silent.
 */
#define SHORT_OPTIONS "-:hm:qv"
#define WORD          1

/* Behind every value a char can have: options that have no letter. */
#define LONG_ONLY(bit) (256 + (bit))

static const struct option_entry {
	const char *name;
	int letter;
	bool takes_value;
	enum command_option bit;
} entries[] = {
	{ "root", 0, true, OPTION_ROOT },
	{ "inventory", 0, true, OPTION_INVENTORY },
	{ "config", 0, true, OPTION_CONFIG },
	{ "json", 0, false, OPTION_JSON },
	{ "verbose", 'v', false, OPTION_VERBOSE },
	{ "quiet", 'q', false, OPTION_QUIET },
	{ "version", 0, false, OPTION_VERSION },
	{ "help", 'h', false, OPTION_HELP },
	{ "note", 'm', true, OPTION_NOTE },
	{ "adopt", 0, false, OPTION_ADOPT },
	{ "exit-code", 0, false, OPTION_EXIT_CODE },
	{ "ifup", 0, false, OPTION_IFUP },
	{ "dry-run", 0, false, OPTION_DRY_RUN },
	{ "force", 0, false, OPTION_FORCE },
	{ "relocate", 0, false, OPTION_RELOCATE },
	{ "groups", 0, false, OPTION_GROUPS },
	{ "all", 0, false, OPTION_ALL },
};

/* What getopt_long() returns for an entry. */
static int entry_code(const struct option_entry *entry)
{
	return entry->letter ? entry->letter : LONG_ONLY((int)entry->bit);
}

static const struct option_entry *entry_by_code(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		if (entry_code(&entries[i]) == code)
			return &entries[i];
	return NULL;
}

static size_t smallest_of(size_t a, size_t b, size_t c)
{
	return MIN_OF(a, MIN_OF(b, c));
}

#define WORD_MAX 31

/*
 * How many letters must be changed, added, left out or exchanged with their neighbour to make one
 * word of the other (optimal string alignment). Only the last three rows of the table are kept.
 */
static size_t edit_distance(struct bytes a, struct bytes b)
{
	size_t rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= b.size; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.size; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b.size; j++) {
			bool same = a.data[i - 1] == b.data[j - 1];

			row[j] = smallest_of(row[j - 1] + 1, above[j] + 1,
					     above[j - 1] + (same ? 0 : 1));
			if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
			    a.data[i - 2] == b.data[j - 1])
				row[j] = MIN_OF(row[j], before[j - 2] + 1);
		}
	}
	return rows[a.size % 3][b.size];
}

const char *options_nearest(const char *text, const char *const *words)
{
	struct bytes wanted = bytes_of(text);
	const char *nearest = NULL;
	/* Two letters wrong, but never half of a short word: "ls" is not a slip of "list". */
	size_t limit = MIN_OF(wanted.size / 2, (size_t)2);

	if (wanted.size > WORD_MAX)
		return NULL;
	for (; *words; words++) {
		struct bytes word = bytes_of(*words);
		size_t distance;

		if (word.size > WORD_MAX)
			continue;
		distance = edit_distance(wanted, word);
		if (distance > limit || (nearest && distance == limit))
			continue;
		nearest = *words;
		limit = distance;
	}
	return nearest;
}

/* "unknown WHAT 'TEXT'", and what may have been meant, which @dashes stand before. */
static int say_unknown(struct problem *problem, const char *what, const char *text,
		       const char *dashes, const char *nearest)
{
	if (nearest)
		return problem_set(problem, -EINVAL, NULL, 0,
				   "unknown %s '%s' (did you mean '%s%s'?)", what, text, dashes,
				   nearest);
	return problem_set(problem, -EINVAL, NULL, 0, "unknown %s '%s' (see 'hwrecover --help')",
			   what, text);
}

static int say_unknown_command(struct problem *problem, const struct command *table,
			       const char *name)
{
	const char *names[COMMANDS_MAX + 1] = { NULL };

	for (size_t i = 0; i < COMMANDS_MAX && table[i].name; i++)
		names[i] = table[i].name;
	return say_unknown(problem, "command", name, "", options_nearest(name, names));
}

static int say_unknown_long_option(struct problem *problem, const char *word)
{
	const char *names[ARRAY_SIZE(entries) + 1] = { NULL };
	_cleanup_free_ char *name = NULL;
	const char *nearest = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		names[i] = entries[i].name;
	/* "--jsno=x": the name without its value. */
	name = strndup(word + 2, strcspn(word + 2, "="));
	if (name)
		nearest = options_nearest(name, names);
	return say_unknown(problem, "option", word, "--", nearest);
}

/* @word is the whole word; @code what getopt_long() complains of, 0 for a long name. */
static int say_bad_option(struct problem *problem, const char *word, int code)
{
	const struct option_entry *entry = entry_by_code(code);
	const char short_option[] = { '-', (char)code, '\0' };

	if (entry)
		return problem_set(problem, -EINVAL, NULL, 0, "option '--%s' takes no value",
				   entry->name);
	if (code == 0)
		return say_unknown_long_option(problem, word);
	return say_unknown(problem, "option", short_option, "", NULL);
}

static int say_missing_value(struct problem *problem, int code)
{
	const struct option_entry *entry = entry_by_code(code);

	return problem_set(problem, -EINVAL, NULL, 0, "option '--%s' needs a value",
			   entry ? entry->name : "");
}

static void set_verbosity(struct invocation *invocation, enum command_option bit)
{
	invocation->quiet = bit == OPTION_QUIET;
	invocation->verbosity = invocation->quiet ? 0 : invocation->verbosity + 1;
}

static void set_option(struct invocation *invocation, enum command_option bit, const char *value)
{
	switch (bit) {
	case OPTION_ROOT:
		invocation->root_path = value;
		break;
	case OPTION_INVENTORY:
		invocation->inventory_file = value;
		break;
	case OPTION_CONFIG:
		invocation->config_file = value;
		break;
	case OPTION_JSON:
		invocation->json = true;
		break;
	case OPTION_VERBOSE:
	case OPTION_QUIET:
		set_verbosity(invocation, bit);
		break;
	case OPTION_VERSION:
		invocation->version = true;
		break;
	case OPTION_HELP:
		invocation->help = true;
		break;
	case OPTION_NOTE:
		invocation->note = value;
		break;
	case OPTION_ADOPT:
		invocation->adopt = true;
		break;
	case OPTION_EXIT_CODE:
		invocation->exit_code = true;
		break;
	case OPTION_IFUP:
		invocation->ifup = true;
		break;
	case OPTION_DRY_RUN:
		invocation->dry_run = true;
		break;
	case OPTION_FORCE:
		invocation->force = true;
		break;
	case OPTION_RELOCATE:
		invocation->relocate = true;
		break;
	case OPTION_GROUPS:
		invocation->groups = true;
		break;
	case OPTION_ALL:
		invocation->all = true;
		break;
	}
}

/**
 * struct words - What is no option
 * @command: the first, or NULL
 * @extra:   the first that no command could take
 */
struct words {
	const char *command;
	const char *extra;
};

static void add_word(struct invocation *invocation, struct words *words, const char *word)
{
	if (!words->command)
		words->command = word;
	else if (invocation->n_arguments < ARGUMENTS_MAX)
		invocation->arguments[invocation->n_arguments++] = word;
	else if (!words->extra)
		words->extra = word;
}

static int add_option(struct invocation *invocation, int code, const char *value,
		      unsigned int *seen, struct problem *problem)
{
	const struct option_entry *entry = entry_by_code(code);

	if (!entry)
		return say_bad_option(problem, "", code);
	/* An unset variable in a script must not turn a tree into the live machine. */
	if (entry->takes_value && !*value && entry->bit != OPTION_NOTE)
		return say_missing_value(problem, code);
	set_option(invocation, entry->bit, value);
	*seen |= entry->bit;
	return 0;
}

static void fill_long_options(struct option *long_options)
{
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		long_options[i] = (struct option){
			.name = entries[i].name,
			.has_arg = entries[i].takes_value ? required_argument : no_argument,
			.val = entry_code(&entries[i]),
		};
	long_options[ARRAY_SIZE(entries)] = (struct option){ .name = NULL };
}

/* Options of all commands are read alike; what the command takes is checked when it is known. */
static int read_words(int argc, char *const *argv, struct invocation *invocation,
		      struct words *words, unsigned int *seen, struct problem *problem)
{
	struct option long_options[ARRAY_SIZE(entries) + 1];
	int code, r = 0;

	fill_long_options(long_options);
	optind = 0;
	while (r == 0 && (code = getopt_long(argc, argv, SHORT_OPTIONS, long_options, NULL)) >= 0) {
		if (code == WORD)
			add_word(invocation, words, optarg);
		else if (code == ':')
			r = say_missing_value(problem, optopt);
		else if (code == '?')
			r = say_bad_option(problem, argv[optind - 1], optopt);
		else
			r = add_option(invocation, code, optarg, seen, problem);
	}
	for (int i = optind; r == 0 && i < argc; i++)
		add_word(invocation, words, argv[i]);
	return r;
}

static const struct command *find_command(const struct command *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

static int check_options(const struct command *command, unsigned int seen, struct problem *problem)
{
	unsigned int foreign = seen & ~(unsigned int)(OPTIONS_GLOBAL | command->options);

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		if (foreign & entries[i].bit)
			return problem_set(
				problem, -EINVAL, NULL, 0,
				"'%s' takes no option '--%s' (see 'hwrecover %s --help')",
				command->name, entries[i].name, command->name);
	return 0;
}

static int check_arguments(const struct invocation *invocation, const char *extra,
			   struct problem *problem)
{
	const struct command *command = invocation->command;
	size_t n = invocation->n_arguments;

	if (n < command->arguments_min)
		return problem_set(problem, -EINVAL, NULL, 0,
				   "'%s' needs an argument: hwrecover %s", command->name,
				   command->usage);
	if (n > command->arguments_max)
		extra = invocation->arguments[command->arguments_max];
	if (extra)
		return problem_set(
			problem, -EINVAL, NULL, 0,
			"'%s' does not take the argument '%s' (see 'hwrecover %s --help')",
			command->name, extra, command->name);
	if (!command->choices || n == 0)
		return 0;
	for (const char *const *choice = command->choices; *choice; choice++)
		if (strcmp(*choice, invocation->arguments[0]) == 0)
			return 0;
	return say_unknown(problem, "argument", invocation->arguments[0], "",
			   options_nearest(invocation->arguments[0], command->choices));
}

int options_parse(const struct command *table, int argc, char *const *argv,
		  struct invocation *ret_invocation, struct problem *problem)
{
	struct invocation invocation = { .command = NULL };
	struct words words = { .command = NULL };
	unsigned int seen = 0;
	int r;

	r = read_words(argc, argv, &invocation, &words, &seen, problem);
	if (r < 0)
		return r;

	if (words.command)
		invocation.command = find_command(table, words.command);
	else if (!invocation.help)
		invocation.command = &table[0];
	if (words.command && !invocation.command)
		return say_unknown_command(problem, table, words.command);
	if (!invocation.help && !invocation.version) {
		r = check_options(invocation.command, seen, problem);
		if (r == 0)
			r = check_arguments(&invocation, words.extra, problem);
		if (r < 0)
			return r;
	}
	*ret_invocation = invocation;
	return 0;
}

static const char global_options[] =
	"      --root DIR        work on the tree under DIR; nothing in it is run\n"
	"      --inventory FILE  take the hardware from FILE, hwrecover-inventory(5)\n"
	"      --config FILE     read FILE and no other configuration\n"
	"      --json            print JSON\n"
	"  -v, -q, --verbose, --quiet  say more (twice: everything), or errors alone\n"
	"  -h, --help, --version  print this, with a command its help; or the version\n";

void options_help(const struct command *table, const struct command *command, struct buffer *out)
{
	if (command) {
		buffer_appendf(out, "Usage: hwrecover %s\n\n%s", command->usage, command->help);
		return;
	}
	buffer_append_text(out, "Usage: hwrecover [OPTION...] [COMMAND]\n\n");
	for (; table->name; table++)
		buffer_appendf(out, "  %-11s %s\n", table->name, table->summary);
	buffer_append_char(out, '\n');
	buffer_append_text(out, global_options);
}
