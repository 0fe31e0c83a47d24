/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the command line. */
#pragma once

#include "agent/commands.h"
#include "snapshot/basic/buffer.h"
#include "snapshot/basic/problem.h"

/**
 * options_parse() - Read a command line
 * @table: the commands there are, ended by an entry without a name
 * @argc, @argv: as main() has them
 * @ret_invocation: what is asked for; @out and @context are left NULL
 *
 * As getopt_long(3): short options combine, a value stands behind '=' or in the next word, "--"
 * ends the options. Options may stand before and after the command, its own too. Where --help or
 * --version is given the command's words are not checked.
 *
 * Return: 0, or -EINVAL with @problem set to one line that says what is wrong and, where a known
 * word comes close, which one may have been meant.
 */
_must_check_ int options_parse(const struct command *table, int argc, char *const *argv,
			       struct invocation *ret_invocation, struct problem *problem);

/* The text of --help: of one command, or of the program where @command is NULL. */
void options_help(const struct command *table, const struct command *command, struct buffer *out);

/**
 * options_nearest() - Which of some words was probably meant
 * @words: NULL-terminated
 *
 * Return: the one that comes closest to @text by letters changed, added, missing or exchanged, if
 * it comes close enough; else NULL.
 */
const char *options_nearest(const char *text, const char *const *words);
