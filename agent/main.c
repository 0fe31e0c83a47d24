/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <sys/stat.h>

#include "agent/commands.h"
#include "agent/log-sinks.h"
#include "agent/options.h"

/*
 * A closed descriptor would be given to the next file that is opened, and messages written into
 * that. /dev/null takes its place, opened the wrong way round: using it fails as before.
 */
static void fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags | O_NOCTTY) != fd)
			_exit(EXIT_STATUS_FAILED);
	}
}

static void prepare_process(void)
{
	fill_standard_descriptors();
	/* Files hold secrets; what others may read is given its mode explicitly. */
	(void)umask(077);
	/* A reader that went away is an error like a full disk, said at the end. */
	(void)signal(SIGPIPE, SIG_IGN);
	/* Ignored signals are inherited; then nobody could learn how a child ended. */
	(void)signal(SIGCHLD, SIG_DFL);
	/* The characters that can be shown, not how numbers and messages are written. */
	(void)setlocale(LC_CTYPE, "");
}

static void use_verbosity(const struct invocation *invocation)
{
	if (invocation->quiet)
		log_set_max_level(LOG_LEVEL_ERROR);
	else if (invocation->verbosity == 1)
		log_set_max_level(LOG_LEVEL_INFO);
	else if (invocation->verbosity > 1)
		log_set_max_level(LOG_LEVEL_DEBUG);
}

static int print_help(const struct invocation *invocation)
{
	struct buffer text = { 0 };
	int status = EXIT_STATUS_DONE;

	options_help(commands, invocation->command, &text);
	if (text.failed) {
		log_error("%s", strerror(ENOMEM));
		status = EXIT_STATUS_FAILED;
	} else {
		(void)fputs(text.data, invocation->out);
	}
	buffer_done(&text);
	return status;
}

static int run(struct invocation *invocation)
{
	if (invocation->help)
		return print_help(invocation);
	if (invocation->version) {
		(void)fputs("hwrecover " HWRECOVER_VERSION "\n", invocation->out);
		return EXIT_STATUS_DONE;
	}
	return invocation->command->run(invocation);
}

/* What was printed counts only when it has arrived: a full disk may show first here. */
static int close_output(FILE *out, int status)
{
	bool failed = ferror(out);
	int error = 0;

	if (fflush(out) != 0)
		error = errno;
	if (fclose(out) != 0 && error == 0)
		error = errno;
	/* The errno of a write that failed in the midst of a command is gone by now. */
	if (!failed && error == 0)
		return status;
	log_error("standard output: cannot write: %s", error ? strerror(error) : "write error");
	return status == EXIT_STATUS_DONE || status == EXIT_STATUS_FINDINGS ? EXIT_STATUS_FAILED
									    : status;
}

int main(int argc, char **argv)
{
	struct problem problem = { NULL };
	struct invocation invocation;
	int status;

	prepare_process();
	log_use(log_target_detect());

	if (options_parse(commands, argc, argv, &invocation, &problem) < 0) {
		log_error("%s", problem.text ? problem.text : strerror(ENOMEM));
		problem_done(&problem);
		return EXIT_STATUS_USAGE;
	}
	use_verbosity(&invocation);
	invocation.out = stdout;
	status = run(&invocation);
	return close_output(stdout, status);
}
