/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One kernel's image: built by initramfs-tools, checked, put back if it is not as it has to be. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/statvfs.h>

#include "agent/image-private.h"
#include "agent/run-command.h"
#include "snapshot/basic/array.h"
#include "snapshot/basic/log.h"

#define BOOT_PATH   "/boot"
#define UNPACK_PATH STORE_PATH "/image.check"

/* mkinitramfs takes seconds on a machine that is idle; this is for one that is not. */
#define PROGRAM_TIMEOUT_MS (30 * 60 * 1000)
#define OUTPUT_MAX         (256U * 1024)

/* How many of the last lines of a program that failed are said. */
#define TAIL_LINES 5

#define MODULES_MAX_SIZE (16U * 1024 * 1024)

void image_builder_done(struct image_builder *builder)
{
	if (!builder)
		return;
	close_fdp(&builder->log_fd);
	for (size_t i = 0; i < builder->n_drivers; i++)
		free(builder->drivers[i]);
	free(builder->drivers);
	*builder = IMAGE_BUILDER_INIT;
}

int image_builder_add_driver(struct image_builder *builder, const char *driver)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *copy = NULL;
	char link[64], target[4096];
	ssize_t size = -1;
	int r;

	/* /sys/bus/pci/drivers/DRIVER/module leads to /sys/module/MODULE. */
	r = snprintf(link, sizeof(link), "/sys/bus/pci/drivers/%s/module", driver);
	if (!strchr(driver, '/') && r > 0 && (size_t)r < sizeof(link)) {
		fd = root_openat(builder->root, link, O_PATH | O_NOFOLLOW, 0);
		size = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target) - 1);
	}
	if (size > 0) {
		target[size] = '\0';
		driver = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
	}
	r = bytes_duplicate(bytes_of(driver), &copy);
	if (r == 0)
		r = ARRAY_RESERVE(builder->drivers, builder->n_drivers, builder->drivers_allocated);
	if (r < 0)
		return r;
	for (char *c = copy; *c; c++)
		if (*c == '-')
			*c = '_';
	builder->drivers[builder->n_drivers++] = TAKE_PTR(copy);
	return 0;
}

static void keep(struct image_builder *builder, const char *text, size_t size)
{
	size = MIN_OF(size, builder->log_room);
	if (builder->log_fd < 0 || size == 0)
		return;
	/* A log that cannot be written is no reason to leave the image as it is. */
	builder->log_room = file_write_fd(builder->log_fd, bytes_make(text, size)) == 0
				    ? builder->log_room - size
				    : 0;
}

static void keep_command(struct image_builder *builder, const char *const *argv)
{
	keep(builder, "$", 1);
	for (size_t i = 0; argv[i]; i++) {
		keep(builder, " ", 1);
		keep(builder, argv[i], strlen(argv[i]));
	}
	keep(builder, "\n", 1);
}

static void say_tail(const char *program, const char *text, size_t size)
{
	const char *start;
	size_t lines = 0;

	while (size > 0 && text[size - 1] == '\n')
		size--;
	for (start = text + size; start > text; start--)
		if (start[-1] == '\n' && ++lines == TAIL_LINES)
			break;
	while (start < text + size) {
		const char *end = memchr(start, '\n', (size_t)(text + size - start));

		end = end ? end : text + size;
		log_error("%s: %.*s", program, (int)MIN_OF(end - start, (ptrdiff_t)512), start);
		start = end + 1;
	}
}

int image_run(struct image_builder *builder, const char *const *argv, struct problem *problem)
{
	const struct program program = { argv, PROGRAM_TIMEOUT_MS, OUTPUT_MAX };
	_cleanup_(program_result_done) struct program_result result = { .status = -1 };
	int r;

	keep_command(builder, argv);
	r = run_command(&program, &result, problem);
	if (r < 0)
		return r;
	keep(builder, result.output, result.output_size);
	keep(builder, result.errors, result.errors_size);
	r = program_result_check(&program, &result, problem);
	if (r < 0)
		say_tail(argv[0], result.errors, result.errors_size);
	return r;
}

/**
 * struct image - The image of one kernel while it is built
 * @path: in the tree; @name: in /boot
 * @kept: name of the image as it was
 * @was:  its status before
 */
struct image {
	struct image_builder *builder;
	const char *version;
	int boot_fd;
	char path[PATH_MAX];
	const char *name;
	struct file_name kept;
	struct stat was;
};

static bool is_replaced(const struct image *image)
{
	struct stat now;

	return fstatat(image->boot_fd, image->name, &now, AT_SYMLINK_NOFOLLOW) < 0 ||
	       now.st_ino != image->was.st_ino || now.st_size != image->was.st_size ||
	       now.st_mtim.tv_sec != image->was.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != image->was.st_mtim.tv_nsec;
}

static int copy_contents(int from_fd, int to_fd)
{
	for (;;) {
		ssize_t size = sendfile(to_fd, from_fd, NULL, 1 << 20);

		if (size == 0)
			return file_sync_fd(to_fd);
		if (size < 0 && errno != EINTR)
			return -errno;
	}
}

/* For file systems without hard links: /boot may be an ESP. */
static int keep_copy(const struct image *image)
{
	_cleanup_close_ int from_fd = -1, to_fd = -1;
	int r;

	from_fd = openat(image->boot_fd, image->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (from_fd < 0)
		return -errno;
	to_fd = openat(image->boot_fd, image->kept.text,
		       O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (to_fd < 0)
		return -errno;
	r = fchmod(to_fd, image->was.st_mode & 07777) < 0 ? -errno : copy_contents(from_fd, to_fd);
	if (r < 0)
		(void)unlinkat(image->boot_fd, image->kept.text, 0);
	return r;
}

/* Size of the largest image there is: a new one may be as large, whatever it replaces. */
static int largest_image(const struct image *image, uint64_t *ret_size)
{
	uint64_t largest = (uint64_t)image->was.st_size;
	char **paths;
	int r;

	r = root_glob(image->builder->root, BOOT_PATH "/initrd.img-*", &paths);
	if (r < 0)
		return r;
	for (size_t i = 0; paths[i]; i++) {
		struct stat st;

		if (fstatat(image->boot_fd, paths[i] + strlen(BOOT_PATH "/"), &st,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			largest = MAX_OF(largest, (uint64_t)st.st_size);
	}
	root_glob_free(paths);
	*ret_size = largest;
	return 0;
}

/*
 * update-initramfs writes the new image next to the old one and then renames it. Where there are no
 * hard links it makes a copy of the old one as well, and so do we. A fifth more: an image grows
 * with what was installed since.
 */
static int check_space(const struct image *image, bool links, struct problem *problem)
{
	uint64_t needed = 0, there;
	struct root_name shown;
	struct statvfs fs;
	int r;

	r = largest_image(image, &needed);
	if (r == 0 && fstatvfs(image->boot_fd, &fs) < 0)
		r = -errno;
	if (r < 0)
		return problem_set_errno(problem, r, BOOT_PATH, "look at");
	needed += needed / 5 + (links ? 0 : 2 * (uint64_t)image->was.st_size);
	there = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (there >= needed)
		return 0;
	return problem_set(problem, -ENOSPC, root_show(image->builder->root, image->path, &shown),
			   0, "to rebuild it %ju MiB have to be free, there are %ju",
			   (uintmax_t)(needed >> 20) + 1, (uintmax_t)(there >> 20));
}

/* The image as it was stays under a name that nothing lists, until the new one has been checked. */
static int keep_old(const struct image *image, struct problem *problem)
{
	bool links;
	int r;

	(void)unlinkat(image->boot_fd, image->kept.text, 0);
	links = linkat(image->boot_fd, image->name, image->boot_fd, image->kept.text, 0) == 0;
	r = check_space(image, links, problem);
	if (r == 0 && !links)
		r = keep_copy(image);
	if (r < 0)
		(void)unlinkat(image->boot_fd, image->kept.text, 0);
	return r < 0 ? problem_set_errno(problem, r, image->path, "keep a copy of") : 0;
}

static void drop_old(const struct image *image)
{
	(void)unlinkat(image->boot_fd, image->kept.text, 0);
}

static int run_builder(const struct image *image, struct problem *problem)
{
	struct root_name program;
	/* Hooks that copy the image to where the boot loader reads it leave that to a later step,
	 * as they do when a kernel is installed. */
	const char *const late[] = { "/usr/bin/env",
				     "INITRAMFS_TOOLS_KERNEL_HOOK=1",
				     root_show(image->builder->root, "/usr/sbin/update-initramfs",
					       &program),
				     "-u",
				     "-k",
				     image->version,
				     NULL };

	return image_run(image->builder, image->builder->late_loader ? late : late + 2, problem);
}

/* Of the builder's drivers those that are modules of this kernel. */
static int find_modules(const struct image *image, char **modules, size_t *ret_n,
			struct problem *problem)
{
	const struct image_builder *builder = image->builder;
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	struct root_name shown;
	size_t size;
	int r;

	(void)snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", image->version);
	fd = root_openat(builder->root, path, O_RDONLY | O_NONBLOCK, 0);
	r = fd < 0 ? fd : file_read_fd(fd, MODULES_MAX_SIZE, &text, &size);
	if (r < 0)
		return problem_set_errno(problem, r, root_show(builder->root, path, &shown),
					 "read");
	*ret_n = 0;
	for (size_t i = 0; i < builder->n_drivers; i++)
		if (modules_dep_has(bytes_make(text, size), builder->drivers[i]))
			modules[(*ret_n)++] = builder->drivers[i];
	return 0;
}

static int judge_findings(const struct image *image, const struct image_findings *found,
			  char *const *modules, size_t n_modules, struct problem *problem)
{
	const struct root *root = image->builder->root;
	struct root_name shown;
	const char *file = root_show(root, image->path, &shown);

	for (size_t i = 0; i < n_modules; i++)
		if (!found->modules[i])
			return problem_set(problem, -ENOMSG, file, 0,
					   "%s, the driver of the root file system's controller, "
					   "is not in it",
					   modules[i]);
	if (!found->guard && root_exists(root, GUARD_PATH))
		return problem_set(problem, -ENOMSG, file, 0, "hwrecover-guard is not in it");
	if (!found->manifest && root_exists(root, MANIFEST_PATH))
		return problem_set(problem, -ENOMSG, file, 0, "the guard's manifest is not in it");

	/* What was there before is no better in this. */
	if (!found->guard)
		log_warning("%s: hwrecover-guard is not installed, and so not in it", file);
	else if (!found->runs_guard)
		log_warning("%s: the guard is in it, but not run", file);
	else if (!found->guard_first)
		log_warning("%s: the guard does not run first: another script of init-top sorts "
			    "before 00-hwrecover",
			    file);
	return 0;
}

static int look_into(const struct image *image, const char *directory, struct problem *problem)
{
	const struct image_builder *builder = image->builder;
	_cleanup_free_ char **modules = calloc(builder->n_drivers + 1, sizeof(char *));
	_cleanup_free_ bool *found = calloc(builder->n_drivers + 1, sizeof(bool));
	struct image_findings findings = { .modules = found };
	size_t n_modules = 0;
	int r;

	if (!modules || !found)
		return -ENOMEM;
	r = find_modules(image, modules, &n_modules, problem);
	if (r == 0)
		r = image_look(directory, image->version, modules, n_modules, &findings, problem);
	if (r == 0)
		r = judge_findings(image, &findings, modules, n_modules, problem);
	return r;
}

/*
 * Taken apart rather than listed: the order in which scripts run is in a file of it. It is a
 * directory of fixed name in our state, which a crash cannot leave a second one of.
 */
static int check_new(const struct image *image, struct problem *problem)
{
	const struct root *root = image->builder->root;
	struct root_name program, file, directory;
	const char *unpacked = root_show(root, UNPACK_PATH, &directory);
	const char *const argv[] = { root_show(root, "/usr/bin/unmkinitramfs", &program),
				     root_show(root, image->path, &file), unpacked, NULL };
	_cleanup_close_ int fd = -1;
	int r;

	r = directory_remove(unpacked);
	if (r == 0) {
		fd = root_open_directory(root, UNPACK_PATH, 0700);
		r = MIN_OF(fd, 0);
	}
	if (r < 0)
		return problem_set_errno(problem, r, unpacked, "make");
	r = image_run(image->builder, argv, problem);
	if (r == 0)
		r = look_into(image, unpacked, problem);
	if (directory_remove(unpacked) < 0)
		log_warning("%s: cannot be removed", unpacked);
	return r;
}

/* Hooks may have given the image to a boot loader; they get the old one the same way. */
static void run_hooks(const struct image *image)
{
	const struct root *root = image->builder->root;
	struct root_name program, file, directory;
	struct problem problem = { 0 };
	char version_argument[PATH_MAX], file_argument[PATH_MAX + 8];
	const char *const argv[] = { root_show(root, "/usr/bin/run-parts", &program),
				     version_argument, file_argument,
				     root_show(root, "/etc/initramfs/post-update.d", &directory),
				     NULL };

	if (image->builder->late_loader || !root_exists(root, "/etc/initramfs/post-update.d"))
		return;
	(void)snprintf(version_argument, sizeof(version_argument), "--arg=%s", image->version);
	(void)snprintf(file_argument, sizeof(file_argument), "--arg=%s",
		       root_show(root, image->path, &file));
	if (image_run(image->builder, argv, &problem) < 0)
		log_error("%s", problem.text ? problem.text : "run-parts failed");
	problem_done(&problem);
}

static void put_back(const struct image *image)
{
	struct root_name shown;
	const char *file = root_show(image->builder->root, image->path, &shown);

	if (renameat(image->boot_fd, image->kept.text, image->boot_fd, image->name) < 0) {
		log_error("%s: the image from before, %s, cannot be put back: %s", file,
			  image->kept.text, strerror(errno));
		return;
	}
	if (file_sync_fd(image->boot_fd) < 0)
		log_warning("%s: cannot be synced", file);
	log_warning("%s: the image from before was put back", file);
	run_hooks(image);
}

static int build_kept(const struct image *image, struct problem *problem)
{
	struct root_name shown;
	bool replaced;
	int r;

	r = run_builder(image, problem);
	replaced = is_replaced(image);
	if (r == 0 && !replaced)
		r = problem_set(problem, -EROFS,
				root_show(image->builder->root, image->path, &shown), 0,
				"update-initramfs left it as it was");
	if (r == 0)
		r = check_new(image, problem);
	if (r < 0 && replaced)
		put_back(image);
	else
		drop_old(image);
	return r;
}

int image_build(struct image_builder *builder, const char *version, struct problem *problem)
{
	struct image image = { .builder = builder, .version = version };
	_cleanup_close_ int boot_fd = root_open_directory(builder->root, BOOT_PATH, 0);
	struct root_name shown;
	int r;

	r = snprintf(image.path, sizeof(image.path), BOOT_PATH "/initrd.img-%s", version);
	if (r < 0 || (size_t)r >= sizeof(image.path))
		return problem_set_errno(problem, -ENAMETOOLONG, version, "build an image for");
	image.name = image.path + strlen(BOOT_PATH "/");
	image.boot_fd = boot_fd;
	r = boot_fd < 0 ? boot_fd : file_staged_name(image.name, &image.kept);
	if (r == 0 && fstatat(boot_fd, image.name, &image.was, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (r < 0)
		return problem_set_errno(problem, r, root_show(builder->root, image.path, &shown),
					 "open");
	r = keep_old(&image, problem);
	return r < 0 ? r : build_kept(&image, problem);
}
