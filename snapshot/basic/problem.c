/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/problem.h"

#include "snapshot/basic/buffer.h"

void problem_done(struct problem *problem)
{
	if (!problem)
		return;
	free(problem->text);
	problem->text = NULL;
}

int problem_set(struct problem *problem, int error, const char *file, unsigned int line,
		const char *format, ...)
{
	struct buffer text = { 0 };
	va_list arguments;

	if (!problem || problem->text)
		return error;
	if (file)
		buffer_appendf(&text, "%s:", file);
	if (file && line)
		buffer_appendf(&text, "%u:", line);
	if (file)
		buffer_append_char(&text, ' ');
	va_start(arguments, format);
	buffer_appendv(&text, format, arguments);
	va_end(arguments);
	/* Without memory for the words the errno has to do. */
	if (buffer_finish(&text, &problem->text, NULL) < 0)
		buffer_done(&text);
	return error;
}

int problem_set_errno(struct problem *problem, int error, const char *file, const char *verb)
{
	return problem_set(problem, error, file, 0, "cannot %s: %s", verb, strerror(-error));
}
