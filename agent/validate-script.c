/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether sh(1) can read what shell scripts will be. */
#include "agent/validate.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/run-command.h"
#include "snapshot/basic/log.h"

#define SHELL_PATH       "/bin/sh"
#define BASH_PATH        "/bin/bash"
#define SHELL_TIMEOUT_MS 10000

/* Bash reads what sh does not, and is asked about what is written for it. */
static const char *shell_of(struct bytes text)
{
	size_t end = 0;

	while (end < text.size && text.data[end] != '\n')
		end++;
	if (!bytes_start_with(text, bytes_of("#!")) ||
	    !bytes_find(bytes_slice(text, 0, end), "bash") || access(BASH_PATH, X_OK) < 0)
		return SHELL_PATH;
	return BASH_PATH;
}

/* Whether it is a script to the shell; one that cannot be asked has no objections. */
static bool is_accepted(struct bytes text)
{
	_cleanup_close_ int fd = memfd_create("script", MFD_CLOEXEC);
	_cleanup_(program_result_done) struct program_result result = { 0 };
	struct problem problem = { 0 };
	char path[64];
	const char *shell = shell_of(text);
	const char *const argv[] = { shell, "-n", path, NULL };
	const struct program program = { argv, SHELL_TIMEOUT_MS, 4096 };
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%ld/fd/%d", (long)getpid(), fd);
	r = fd < 0 ? -errno : file_write_fd(fd, text);
	if (r == 0)
		r = run_command(&program, &result, &problem);
	if (r < 0)
		log_info("%s -n: cannot be asked (%s); our own grammar check has to do", shell,
			 problem.text ? problem.text : strerror(-r));
	problem_done(&problem);
	return r < 0 || result.status == 0;
}

/* Whether our own reading of it finds nothing wrong. */
static bool is_sound(const struct survey *survey, struct document *document, struct bytes text)
{
	const struct documents alone = { .items = &document, .n_items = 1 };
	struct problem problem = { 0 };
	int r;

	r = document->source->check(document->source, &survey->scan, &alone, &text, &problem);
	problem_done(&problem);
	return r == 0;
}

/* Why an edit of a script must not be; NULL if it may. */
static const char *objection(const struct survey *survey, struct document *document,
			     const struct plan_file *file)
{
	if (!is_sound(survey, document, file->now))
		return "it could not be read any more after the edit";
	if (!is_accepted(file->was))
		return "sh -n rejects it";
	if (!is_accepted(file->now))
		return "sh -n would reject what it would become";
	return NULL;
}

unsigned int validate_scripts(struct survey *survey)
{
	unsigned int n_rejected = 0;

	for (size_t i = 0; i < survey->documents.n_items; i++) {
		struct document *document = survey->documents.items[i];

		if (document->unfit || !document->source->is_shell)
			continue;
		for (size_t j = 0; j < survey->plan.n_files && !document->rejected; j++)
			if (survey->plan.files[j].document == document)
				document->rejected =
					objection(survey, document, &survey->plan.files[j]);
		n_rejected += document->rejected != NULL;
	}
	return n_rejected;
}
