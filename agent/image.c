/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/image.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "agent/image-private.h"
#include "agent/terminal.h"
#include "snapshot/basic/log.h"
#include "snapshot/message-ids.h"

/* An upgrade that is under way at boot is rare and long. */
#define DPKG_WAIT_MS (5 * 60 * 1000)

#define LOG_NAME     "image.log"
#define LOG_MAX_SIZE (1024U * 1024)

/* As protected_mark() words it. */
#define ROOT_WORDS "root file system"

/* Who else makes boot images, on machines without initramfs-tools. */
static const char *const other_builders[] = { "dracut", "mkinitcpio", "booster" };

static void name_other_builder(const struct root *root)
{
	for (size_t i = 0; i < ARRAY_SIZE(other_builders); i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/usr/bin/%s", other_builders[i]);
		if (!root_exists(root, path))
			continue;
		log_warning("the boot image is made by %s: the guard is not in it, and files in it "
			    "are as they were when it was built",
			    other_builders[i]);
		return;
	}
}

/* For whoever sits in front of the machine: the next boot is the one this is about. */
static void tell_console(const char *reason)
{
	_cleanup_close_ int fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct buffer line = { 0 };

	buffer_append_text(&line, "\r\nhwrecover: the boot image could not be rebuilt: ");
	terminal_escape_line(bytes_of(reason), false, &line);
	buffer_append_text(&line, "\r\n");
	if (fd >= 0 && !line.failed)
		(void)!write(fd, line.data, line.size);
	buffer_done(&line);
}

static void say_failure(const struct context *context, int error, const struct problem *problem)
{
	const char *reason = problem->text ? problem->text : strerror(-error);
	struct log_field fields[] = { { FIELD_REASON, reason } };

	log_event(LOG_LEVEL_ERROR, EVENT_IMAGE_FAILED, fields, ARRAY_SIZE(fields),
		  "the boot image could not be rebuilt: %s", reason);
	if (context->root.live)
		tell_console(reason);
}

static void say_success(const char *kernels)
{
	struct log_field fields[] = { { FIELD_KERNEL, kernels } };

	if (*kernels)
		log_event(LOG_LEVEL_NOTICE, EVENT_IMAGE_REBUILT, fields, ARRAY_SIZE(fields),
			  "the boot image was rebuilt for %s", kernels);
}

/* Without a snapshot, or in one that does not know, no driver is asked for. */
static int add_root_drivers(struct context *context, struct image_builder *builder,
			    struct problem *problem)
{
	struct snapshot newest = { 0 };
	int r;

	r = store_load_newest(&context->store, &newest, problem);
	if (r <= 0)
		return r;
	r = 0;
	for (size_t i = 0; i < newest.inventory.n_functions && r == 0; i++) {
		const struct pci_function *function = &newest.inventory.functions[i];

		if (function->protected && function->driver &&
		    strstr(function->protected, ROOT_WORDS))
			r = image_builder_add_driver(builder, function->driver);
	}
	snapshot_done(&newest);
	return r;
}

static int open_log(struct image_builder *builder, struct problem *problem)
{
	_cleanup_close_ int dir_fd = root_open_directory(builder->root, STORE_PATH, 0700);
	struct root_name shown;

	/* Not the old one opened anew: somebody may be reading it. */
	if (dir_fd >= 0) {
		(void)unlinkat(dir_fd, LOG_NAME, 0);
		builder->log_fd =
			openat(dir_fd, LOG_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	if (builder->log_fd < 0)
		return problem_set_errno(problem, dir_fd < 0 ? dir_fd : -errno,
					 root_show(builder->root, STORE_PATH "/" LOG_NAME, &shown),
					 "write");
	builder->log_room = LOG_MAX_SIZE;
	return 0;
}

/* Everything that has to be as it is until the end is held by now. */
static int rebuild_held(struct context *context, struct problem *problem)
{
	_cleanup_(image_builder_done) struct image_builder builder = IMAGE_BUILDER_INIT;
	_cleanup_free_ char *kernels = NULL;
	struct image_due due;
	struct image_digests after;
	struct utsname kernel;
	int r;

	builder.root = &context->root;
	/* Somebody may have built it while dpkg was waited for. */
	r = image_judge(context, &due, problem);
	if (r < 0 || (!due.images && !due.loader))
		return r;
	r = add_root_drivers(context, &builder, problem);
	if (r == 0)
		r = open_log(&builder, problem);
	if (r == 0 && uname(&kernel) < 0)
		r = -errno;
	if (r == 0)
		r = image_rebuild(&builder, &due, kernel.release, &kernels, problem);
	if (kernels)
		say_success(kernels);
	if (r == 0)
		r = image_digest(&context->root, &after, problem);
	if (r < 0)
		return r;
	if (after.inputs != due.now.inputs || after.command_line != due.now.command_line) {
		log_notice("files of the boot image were changed while it was built; it is built "
			   "again at the next boot");
		return 0;
	}
	return image_state_write(context, &after, problem);
}

static int rebuild(struct context *context, struct problem *problem)
{
	_cleanup_(dpkg_lock_release) struct dpkg_lock dpkg = DPKG_LOCK_INIT;
	int shutdown_fd, r;

	r = dpkg_lock_take(&context->root, DPKG_WAIT_MS, &dpkg, problem);
	if (r < 0)
		return r;
	shutdown_fd = shutdown_inhibit();
	r = rebuild_held(context, problem);
	close_fdp(&shutdown_fd);
	return r;
}

int image_stage(struct context *context, struct problem *problem)
{
	struct image_due due;
	sigset_t before;
	int r;

	r = image_judge(context, &due, problem);
	if (r == 0 && !due.images && !due.loader)
		return 0;
	if (r == 0 && !image_can_build(&context->root)) {
		name_other_builder(&context->root);
		return 0;
	}
	if (r == 0 && !context->root.live) {
		log_notice("the boot image is out of date; it is rebuilt on the running machine "
			   "only");
		return 0;
	}
	stop_requests_hold(&before);
	if (r == 0)
		r = rebuild(context, problem);
	if (r == -ECANCELED) {
		log_notice("the boot image is rebuilt at the next boot: %s",
			   problem->text ? problem->text : "stopped");
		problem_done(problem);
		r = 0;
	} else if (r < 0) {
		say_failure(context, r, problem);
	}
	stop_requests_release(&before);
	return r;
}
