/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/manifest-file.h"

#include <errno.h>
#include <fcntl.h>

#include "recovery/manifest.h"
#include "snapshot/basic/log.h"

static enum bind_policy binds_of(enum stale_binds_policy policy)
{
	switch (policy) {
	case STALE_BINDS_RELOCATE:
		return BINDS_RELOCATE;
	case STALE_BINDS_REPORT:
		return BINDS_REPORT;
	case STALE_BINDS_DISABLE:
	default:
		return BINDS_DISABLE;
	}
}

static enum manifest_mode mode_of(enum mode mode)
{
	switch (mode) {
	case MODE_OFF:
		return MANIFEST_OFF;
	case MODE_REPORT:
		return MANIFEST_REPORT;
	case MODE_AUTO:
	default:
		return MANIFEST_AUTO;
	}
}

static bool is_written(int dir_fd, struct bytes text)
{
	_cleanup_free_ char *old = NULL;
	size_t size;

	return file_read_at(dir_fd, MANIFEST_NAME, MANIFEST_MAX_SIZE, &old, &size) == 0 &&
	       bytes_equal(bytes_make(old, size), text);
}

static int write_manifest(const struct context *context, struct bytes text, struct problem *problem)
{
	_cleanup_close_ int dir_fd =
		root_openat(&context->root, STORE_PATH, O_RDONLY | O_DIRECTORY, 0);
	int r;

	if (dir_fd < 0)
		return problem_set_errno(problem, dir_fd, STORE_PATH, "open");
	if (is_written(dir_fd, text))
		return 0;
	/* Not synced: it follows from the state, and what a power cut takes the next boot writes.
	 */
	r = file_write_at(dir_fd, MANIFEST_NAME, text, 0600, false);
	return r < 0 ? problem_set_errno(problem, r, MANIFEST_PATH, "write") : 0;
}

static int render(struct context *context, const struct snapshot *newest,
		  const struct meanings *meanings, struct problem *problem)
{
	const struct config *config = &context->config;
	const struct manifest_policy policy = { .mode = mode_of(config->mode_of_files),
						.binds = binds_of(config->stale_binds),
						.restore = config->restore,
						.allowed = config->allow,
						.n_allowed = config->n_allow };
	const struct inventory *inventory = &newest->inventory;
	struct snapshot settled = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r = 0;

	if (meanings->settled && meanings->settled != newest->id) {
		r = store_load(&context->store, meanings->settled, &settled, problem);
		inventory = &settled.inventory;
	}
	if (r == 0)
		r = manifest_render(inventory, meanings, &policy, &text, &size);
	if (r == 0)
		r = write_manifest(context, bytes_make(text, size), problem);
	snapshot_done(&settled);
	return r;
}

static int update(struct context *context, struct problem *problem)
{
	struct snapshot newest = { 0 };
	struct meanings meanings = { 0 };
	int r;

	r = store_load_newest(&context->store, &newest, problem);
	if (r <= 0)
		return r;
	r = newest.state ? meanings_from_json(newest.state, "state of the newest snapshot",
					      &meanings, problem)
			 : 0;
	if (r == 0)
		r = render(context, &newest, &meanings, problem);
	meanings_done(&meanings);
	snapshot_done(&newest);
	return r;
}

void manifest_file_update(struct context *context)
{
	struct problem problem = { 0 };
	int r = update(context, &problem);

	if (r < 0)
		log_warning("%s; the boot image goes on with what it was told before",
			    problem.text ? problem.text : strerror(-r));
	problem_done(&problem);
}
