/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/pools.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "agent/run-command.h"
#include "snapshot/basic/log.h"
#include "snapshot/sysfs.h"

/* A folder for each imported pool, among files about all of ZFS. */
#define KSTAT_PATH "/proc/spl/kstat/zfs"

/* Some thousand devices. */
#define OUTPUT_MAX (1024UL * 1024)

static bool is_directory(const struct root *root, const char *name)
{
	_cleanup_close_ int fd = -1;
	char path[SYSFS_NAME_MAX];

	(void)snprintf(path, sizeof(path), KSTAT_PATH "/%s", name);
	fd = root_openat(root, path, O_PATH | O_DIRECTORY, 0);
	return fd >= 0;
}

static bool has_pool(const struct root *root)
{
	_cleanup_(sysfs_done) struct sysfs directory = { 0 };
	const char *name;

	if (sysfs_open(root, KSTAT_PATH, &directory) < 0)
		return false;
	while (sysfs_next(&directory, &name) > 0)
		if (is_directory(root, name))
			return true;
	return false;
}

static int run_zpool(char **ret_text, size_t *ret_size, struct problem *problem)
{
	static const char *const argv[] = { "/usr/sbin/zpool", "list", "-vHPL", NULL };
	const struct program program = {
		.argv = argv,
		.timeout_ms = POOLS_TIMEOUT_MS,
		.output_max = OUTPUT_MAX,
	};
	struct program_result result = { 0 };
	int r;

	r = run_command(&program, &result, problem);
	if (r < 0)
		return r;
	r = program_result_check(&program, &result, problem);
	if (r == 0 && result.cut)
		r = problem_set(problem, -EFBIG, argv[0], 0, "said more than %lu bytes",
				OUTPUT_MAX);
	if (r == 0) {
		*ret_text = TAKE_PTR(result.output);
		*ret_size = result.output_size;
	}
	program_result_done(&result);
	return r;
}

int pools_list(const struct root *root, char **ret_text, size_t *ret_size)
{
	struct problem problem = { 0 };
	char *text = NULL;
	size_t size = 0;
	int r = 0;

	if (root->live && has_pool(root))
		r = run_zpool(&text, &size, &problem);
	if (r < 0 && r != -ENOMEM)
		log_warning("%s; what imported pools are made of is not known",
			    problem.text ? problem.text : strerror(-r));
	problem_done(&problem);
	if (r == -ENOMEM)
		return r;
	if (!text)
		text = calloc(1, 1);
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	*ret_size = size;
	return 0;
}
