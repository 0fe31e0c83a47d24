/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the program can be asked to do: the table of commands, and one call of one of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct command;
struct context;

/* What the shell sees; hwrecover(8), "EXIT STATUS". */
enum exit_status {
	EXIT_STATUS_DONE = 0,     /* done, or nothing to do; findings are no failure */
	EXIT_STATUS_FAILED = 1,   /* something could not be read, or a decided edit not made */
	EXIT_STATUS_USAGE = 2,    /* wrong usage */
	EXIT_STATUS_FINDINGS = 3, /* with --exit-code: there is something to report */
};

/* Options, as a bit set: which of them a command takes besides the global ones. */
enum command_option {
	OPTION_ROOT = 1 << 0,
	OPTION_INVENTORY = 1 << 1,
	OPTION_CONFIG = 1 << 2,
	OPTION_JSON = 1 << 3,
	OPTION_VERBOSE = 1 << 4,
	OPTION_QUIET = 1 << 5,
	OPTION_VERSION = 1 << 6,
	OPTION_HELP = 1 << 7,
	OPTION_NOTE = 1 << 8,
	OPTION_ADOPT = 1 << 9,
	OPTION_EXIT_CODE = 1 << 10,
	OPTION_IFUP = 1 << 11,
	OPTION_DRY_RUN = 1 << 12,
	OPTION_FORCE = 1 << 13,
	OPTION_RELOCATE = 1 << 14,
	OPTION_GROUPS = 1 << 15,
	OPTION_ALL = 1 << 16,
};

#define OPTIONS_GLOBAL                                                                   \
	(OPTION_ROOT | OPTION_INVENTORY | OPTION_CONFIG | OPTION_JSON | OPTION_VERBOSE | \
	 OPTION_QUIET | OPTION_VERSION | OPTION_HELP)

/* The most words any command takes. */
#define ARGUMENTS_MAX 64

/**
 * struct invocation - One call of the program
 * @command:        what is to be done; NULL for the --help of the program as a whole
 * @root_path:      --root, or NULL for the live machine
 * @inventory_file: --inventory, or NULL
 * @config_file:    --config, or NULL
 * @json, @version, @help, @adopt, @exit_code, @ifup, @dry_run, @force, @relocate, @groups, @all:
 * whether the option was given
 * @quiet:          errors only, besides what was asked for
 * @verbosity:      how often -v was given; 0 with @quiet: the later of the two counts
 * @note:           --note, or NULL
 * @arguments:      the command's words, @n_arguments of them: as many as its table entry allows
 * @out:            where results go; checked and closed by main(), so that nobody else need look
 *                  whether writing worked
 * @context:        NULL; for the code that the commands share
 *
 * Strings are argv's.
 */
struct invocation {
	const struct command *command;
	const char *root_path;
	const char *inventory_file;
	const char *config_file;
	bool json;
	bool quiet;
	unsigned int verbosity;
	bool version;
	bool help;
	const char *note;
	bool adopt;
	bool exit_code;
	bool ifup;
	bool dry_run;
	bool force;
	bool relocate;
	bool groups;
	bool all;
	const char *arguments[ARGUMENTS_MAX];
	size_t n_arguments;
	FILE *out;
	struct context *context;
};

/**
 * struct command - One entry of the table
 * @name:      the word on the command line
 * @usage:     name, arguments and own options, as --help shows them: "show ID"
 * @summary:   what it does, in a few words
 * @help:      the text of `COMMAND --help` below the usage line, an example in it: at most 20 lines
 *             of 80 columns
 * @options:   OPTION_ bits it takes besides OPTIONS_GLOBAL
 * @arguments_min, @arguments_max: how many words it takes
 * @choices:   what its first word may be, NULL-terminated; NULL where it may be anything
 * @run:       does it; returns an enum exit_status, having logged what went wrong. Wrong words
 *             that the table cannot tell (an id that is no number) are EXIT_STATUS_USAGE, too
 */
struct command {
	const char *name;
	const char *usage;
	const char *summary;
	const char *help;
	unsigned int options;
	size_t arguments_min;
	size_t arguments_max;
	const char *const *choices;
	int (*run)(struct invocation *invocation);
};

/* Ended by an entry without a name; the first is done when none is named. */
extern const struct command commands[];

int command_status(struct invocation *invocation);
int command_devices(struct invocation *invocation);
int command_snapshot(struct invocation *invocation);
int command_list(struct invocation *invocation);
int command_show(struct invocation *invocation);
int command_diff(struct invocation *invocation);
int command_plan(struct invocation *invocation);
int command_apply(struct invocation *invocation);
int command_rollback(struct invocation *invocation);
int command_restore(struct invocation *invocation);
int command_release(struct invocation *invocation);
int command_check_guest(struct invocation *invocation);
int command_hooks(struct invocation *invocation);
int command_boot(struct invocation *invocation);
