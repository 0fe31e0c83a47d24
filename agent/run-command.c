/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/run-command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/clock.h"
#include "snapshot/basic/buffer.h"

/* From SIGTERM to SIGKILL, and from there until it is given up. */
#define TERM_GRACE_MS 2000
#define KILL_GRACE_MS 1000

#define READ_SIZE 16384

/* What a pipe may hold when the program has ended: pipe-max-size is 1 MiB unless raised. */
#define DRAIN_READS 64

static const char *const clean_environment[] = {
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
	"LC_ALL=C.UTF-8",
	NULL,
};

/**
 * struct capture - One of the program's outputs
 * @fd: end to read from, non-blocking; -1 when closed
 */
struct capture {
	int fd;
	struct buffer text;
	size_t max;
	bool cut;
};

/**
 * struct child - The program while it runs
 * @pid: also its process group
 * @pidfd: becomes readable when it has ended
 */
struct child {
	pid_t pid;
	int pidfd;
	struct capture captures[2];
};

static void capture_close(struct capture *capture)
{
	close_fdp(&capture->fd);
	capture->fd = -1;
}

static void child_done(struct child *child)
{
	close_fdp(&child->pidfd);
	for (size_t i = 0; i < ARRAY_SIZE(child->captures); i++) {
		capture_close(&child->captures[i]);
		buffer_done(&child->captures[i].text);
	}
}

/* Returns whether there may be more. */
static bool capture_read(struct capture *capture)
{
	char data[READ_SIZE];
	ssize_t size = read(capture->fd, data, sizeof(data));
	size_t kept;

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (size <= 0) {
		capture_close(capture);
		return false;
	}
	kept = MIN_OF((size_t)size, capture->max - capture->text.size);
	capture->cut |= kept < (size_t)size;
	buffer_append(&capture->text, bytes_make(data, kept));
	return true;
}

/* A pipe of which the program gets *@ret_fd. */
static int capture_open(struct capture *capture, int *ret_fd)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	capture->fd = fds[0];
	*ret_fd = fds[1];
	return fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int fill_actions(posix_spawn_file_actions_t *actions, const int *output_fds)
{
	int error;

	error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(actions, output_fds[0], STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(actions, output_fds[1], STDERR_FILENO);
	/* Our own are closed on exec anyway; whoever started us may have left some that are not. */
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
	if (error == 0)
		error = posix_spawn_file_actions_addchdir_np(actions, "/");
	return -error;
}

static int fill_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;
	int error;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
							     POSIX_SPAWN_SETSIGMASK);
	if (error == 0)
		error = posix_spawnattr_setpgroup(attributes, 0);
	if (error == 0)
		error = posix_spawnattr_setsigdefault(attributes, &all);
	if (error == 0)
		error = posix_spawnattr_setsigmask(attributes, &none);
	return -error;
}

/* posix_spawn() takes its argv and environment as not const and changes neither (POSIX). */
static char *const *as_vector(const char *const *strings)
{
	union {
		const char *const *in;
		char *const *out;
	} vector = { .in = strings };

	return vector.out;
}

static int spawn_prepared(const struct program *program, const posix_spawn_file_actions_t *actions,
			  const posix_spawnattr_t *attributes, pid_t *ret_pid)
{
	/* Ours hides secrets; files that others make for the system are to be readable. */
	mode_t mask = umask(022);
	int error = posix_spawn(ret_pid, program->argv[0], actions, attributes,
				as_vector(program->argv), as_vector(clean_environment));

	(void)umask(mask);
	return -error;
}

static int spawn(const struct program *program, const int *output_fds, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r;

	r = -posix_spawn_file_actions_init(&actions);
	if (r < 0)
		return r;
	r = -posix_spawnattr_init(&attributes);
	if (r < 0) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return r;
	}
	r = fill_actions(&actions, output_fds);
	if (r == 0)
		r = fill_attributes(&attributes);
	if (r == 0)
		r = spawn_prepared(program, &actions, &attributes, ret_pid);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return r;
}

static int child_start(const struct program *program, struct child *child)
{
	_cleanup_close_ int output_fd = -1, errors_fd = -1;
	int r;

	r = capture_open(&child->captures[0], &output_fd);
	if (r == 0)
		r = capture_open(&child->captures[1], &errors_fd);
	if (r == 0)
		r = spawn(program, (int[]){ output_fd, errors_fd }, &child->pid);
	if (r < 0)
		return r;

	child->pidfd = pidfd_open(child->pid, 0);
	if (child->pidfd < 0) {
		r = -errno;
		(void)kill(-child->pid, SIGKILL);
		(void)waitpid(child->pid, NULL, 0);
	}
	return r;
}

/* Reads what it writes until it has ended: 1, or until the time is up: 0; or a negative errno. */
static int child_wait(struct child *child, unsigned int limit_ms)
{
	uint64_t deadline = clock_monotonic_ms() + limit_ms, now;

	while ((now = clock_monotonic_ms()) < deadline) {
		struct pollfd fds[] = {
			{ .fd = child->captures[0].fd, .events = POLLIN },
			{ .fd = child->captures[1].fd, .events = POLLIN },
			{ .fd = child->pidfd, .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), (int)MIN_OF(deadline - now, (uint64_t)INT32_MAX)) <
		    0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		for (size_t i = 0; i < ARRAY_SIZE(child->captures); i++)
			if (fds[i].revents)
				(void)capture_read(&child->captures[i]);
		if (fds[2].revents)
			return 1;
	}
	return 0;
}

static void child_drain(struct child *child)
{
	for (size_t i = 0; i < ARRAY_SIZE(child->captures); i++)
		for (int n = 0; child->captures[i].fd >= 0 && n < DRAIN_READS; n++)
			if (!capture_read(&child->captures[i]))
				break;
}

static void child_kill(struct child *child)
{
	int ended;

	(void)kill(-child->pid, SIGTERM);
	ended = child_wait(child, TERM_GRACE_MS);
	/* Also when it has ended: others of its group may not have. Its number is not free yet. */
	(void)kill(-child->pid, SIGKILL);
	if (ended <= 0)
		ended = child_wait(child, KILL_GRACE_MS);
	if (ended > 0)
		(void)waitpid(child->pid, NULL, 0);
}

static int child_collect(struct child *child, struct program_result *ret_result)
{
	struct program_result result = { .status = -1 };
	int status, r;

	child_drain(child);
	do
		r = waitpid(child->pid, &status, 0);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	if (WIFEXITED(status))
		result.status = WEXITSTATUS(status);
	else
		result.signal = WTERMSIG(status);

	result.cut = child->captures[0].cut || child->captures[1].cut;
	r = buffer_finish(&child->captures[0].text, &result.output, &result.output_size);
	if (r == 0)
		r = buffer_finish(&child->captures[1].text, &result.errors, &result.errors_size);
	if (r < 0) {
		program_result_done(&result);
		return r;
	}
	*ret_result = result;
	return 0;
}

void program_result_done(struct program_result *result)
{
	if (!result)
		return;
	free(result->output);
	free(result->errors);
	*result = (struct program_result){ .status = -1 };
}

int run_command(const struct program *program, struct program_result *ret_result,
		struct problem *problem)
{
	struct child child = {
		.pidfd = -1,
		.captures = { { .fd = -1, .max = program->output_max },
			      { .fd = -1, .max = program->output_max } },
	};
	int r;

	r = child_start(program, &child);
	if (r < 0) {
		child_done(&child);
		return problem_set_errno(problem, r, program->argv[0], "run");
	}
	r = child_wait(&child, program->timeout_ms);
	if (r > 0)
		r = child_collect(&child, ret_result);
	else {
		child_kill(&child);
		r = r < 0 ? r : -ETIMEDOUT;
	}
	child_done(&child);
	if (r == -ETIMEDOUT)
		return problem_set(problem, r, program->argv[0], 0, "took longer than %u ms",
				   program->timeout_ms);
	return r < 0 ? problem_set_errno(problem, r, program->argv[0], "run") : 0;
}

int program_result_check(const struct program *program, const struct program_result *result,
			 struct problem *problem)
{
	size_t size = strcspn(result->errors, "\n");

	if (result->status == 0)
		return 0;
	if (result->signal)
		return problem_set(problem, -EIO, program->argv[0], 0, "ended by signal %d",
				   result->signal);
	return problem_set(problem, -EIO, program->argv[0], 0, "exit status %d%s%.*s",
			   result->status, size > 0 ? ": " : "", (int)MIN_OF(size, (size_t)200),
			   result->errors);
}
