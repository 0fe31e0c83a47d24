/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running another program: no shell, a time limit, bounded output, a clean environment. */
#pragma once

#include "snapshot/basic/bytes.h"
#include "snapshot/basic/problem.h"

/**
 * struct program - What to run
 * @argv:       NULL-terminated; the first is the program's absolute path
 * @timeout_ms: how long it may take, more than 0
 * @output_max: how many bytes to keep of each of stdout and stderr; the rest is read and dropped
 */
struct program {
	const char *const *argv;
	unsigned int timeout_ms;
	size_t output_max;
};

/**
 * struct program_result - How it ended
 * @status: exit status, or -1 when a signal ended it
 * @signal: that signal, or 0
 * @output, @errors: what it wrote to stdout and stderr, NUL-terminated, @output_size and
 *          @errors_size bytes
 * @cut:    whether there was more than is kept of either
 */
struct program_result {
	int status;
	int signal;
	char *output;
	size_t output_size;
	char *errors;
	size_t errors_size;
	bool cut;
};

void program_result_done(struct program_result *result);

/**
 * run_command() - Run a program to its end
 *
 * It gets a process group of its own, "/" as its directory, umask 022, every signal as at the start
 * of a process, stdin from /dev/null, and an environment of nothing but PATH and LC_ALL. When its
 * time is up its whole group is asked to end, then killed; a process that not even that ends, as it
 * hangs in the kernel, is left behind. What it leaves running when it ends by itself is not waited
 * for.
 *
 * Return: 0 when it ended, however it did, or a negative errno with @problem set: -ETIMEDOUT,
 * -ENOENT, -EACCES, … as execve(2).
 */
_must_check_ int run_command(const struct program *program, struct program_result *ret_result,
			     struct problem *problem);

/**
 * program_result_check() - Make a failure of the program one of ours
 *
 * Return: 0 when it ended with status 0, else -EIO with @problem set: how it ended, and the first
 * line it wrote to stderr.
 */
_must_check_ int program_result_check(const struct program *program,
				      const struct program_result *result, struct problem *problem);
