/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/validate.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "agent/run-command.h"
#include "recovery/sources/interfaces.h"
#include "snapshot/basic/log.h"

/* ifupdown2 takes 0.4 s, and four times that in a slow virtual machine. */
#define IFQUERY_TIMEOUT_MS 20000
#define IFQUERY_OUTPUT_MAX (256U * 1024)

#define STAGE_PATH "/run/hwrecover/stage"

static const char *const ifquery_paths[] = { "/usr/sbin/ifquery", "/sbin/ifquery" };

/**
 * struct verdict_of_reader - What ifquery said
 * @accepted: it read the files to their end
 * @n_errors: lines on stderr that speak of an error; ifupdown2 goes on after them
 */
struct verdict_of_reader {
	bool accepted;
	size_t n_errors;
};

static size_t count_errors(const struct program_result *result)
{
	size_t n = 0;

	for (const char *at = result->errors; at && (at = strstr(at, "error:")); at++)
		n++;
	return n;
}

static int ask_reader(const char *ifquery, struct verdict_of_reader *ret_verdict,
		      struct problem *problem)
{
	const char *const argv[] = { ifquery, "--list", "-a", NULL };
	const struct program program = { argv, IFQUERY_TIMEOUT_MS, IFQUERY_OUTPUT_MAX };
	_cleanup_(program_result_done) struct program_result result = { 0 };
	int r;

	r = run_command(&program, &result, problem);
	if (r < 0)
		return r;
	ret_verdict->accepted = result.status == 0 &&
				!(result.errors && strstr(result.errors, "couldn't read"));
	ret_verdict->n_errors = count_errors(&result);
	return 0;
}

/* Puts the new contents of one file over the old, in this mount namespace alone. */
static int cover_file(int stage_fd, const struct plan_file *file, size_t number)
{
	char name[32], path[sizeof(STAGE_PATH) + sizeof(name)];
	int r;

	(void)snprintf(name, sizeof(name), "%zu", number);
	(void)snprintf(path, sizeof(path), STAGE_PATH "/%s", name);
	r = file_write_at(stage_fd, name, file->now, 0644, false);
	if (r < 0)
		return r;
	return mount(path, file->path, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

static int cover_files(const struct context *context, const struct survey *survey)
{
	_cleanup_close_ int stage_fd = root_open_directory(&context->root, STAGE_PATH, 0700);
	int r = 0;

	if (stage_fd < 0)
		return stage_fd;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	/* Gone with the namespace, whatever happens. */
	if (mount("tmpfs", STAGE_PATH, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700") < 0)
		return -errno;
	/* By its path: the tree's own descriptor shows the mounts there were before. */
	(void)close(stage_fd);
	stage_fd = open(STAGE_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (stage_fd < 0)
		return -errno;
	for (size_t i = 0; i < survey->plan.n_files && r == 0; i++)
		if (survey->plan.files[i].document->source == &interfaces_source)
			r = cover_file(stage_fd, &survey->plan.files[i], i);
	return r;
}

/* What the child reports: nothing could be asked, or the verdict and its number of errors. */
struct report {
	int error;
	struct verdict_of_reader verdict;
};

static void ask_covered(const struct context *context, const struct survey *survey,
			const char *ifquery, int report_fd)
{
	struct report report = { 0 };

	report.error = cover_files(context, survey);
	if (report.error == 0)
		report.error = ask_reader(ifquery, &report.verdict, NULL);
	_exit(write(report_fd, &report, sizeof(report)) == sizeof(report) ? 0 : 1);
}

/* Asks in a child, whose mounts nobody else sees. */
static int ask_about_result(const struct context *context, const struct survey *survey,
			    const char *ifquery, struct verdict_of_reader *ret_verdict)
{
	struct report report = { .error = -EIO };
	int fds[2];
	pid_t child;
	ssize_t size;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		ask_covered(context, survey, ifquery, fds[1]);
	(void)close(fds[1]);
	if (child < 0) {
		(void)close(fds[0]);
		return -EAGAIN;
	}
	do
		size = read(fds[0], &report, sizeof(report));
	while (size < 0 && errno == EINTR);
	if (size != sizeof(report))
		report.error = -EIO;
	(void)close(fds[0]);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	*ret_verdict = report.verdict;
	return report.error;
}

static bool edits_interfaces(const struct survey *survey)
{
	for (size_t i = 0; i < survey->plan.n_files; i++)
		if (survey->plan.files[i].document->source == &interfaces_source)
			return true;
	return false;
}

int validate_plan(const struct context *context, const struct survey *survey,
		  struct problem *problem)
{
	struct verdict_of_reader before = { 0 }, after = { 0 };
	const char *ifquery = NULL;
	int r;

	if (!context->root.live || !edits_interfaces(survey))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(ifquery_paths) && !ifquery; i++)
		if (access(ifquery_paths[i], X_OK) == 0)
			ifquery = ifquery_paths[i];
	if (!ifquery)
		return 0;
	r = ask_reader(ifquery, &before, NULL);
	if (r == 0 && before.accepted)
		r = ask_about_result(context, survey, ifquery, &after);
	else if (r == 0)
		return 0;
	if (r < 0) {
		log_info("%s: cannot be asked (%s); our own grammar check has to do", ifquery,
			 strerror(-r));
		return 0;
	}
	if (!after.accepted || after.n_errors > before.n_errors)
		return problem_set(problem, -EBADMSG, ifquery, 0,
				   "would reject the interfaces files as they would be; nothing is "
				   "edited");
	return 0;
}
