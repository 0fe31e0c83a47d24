/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The images of all kernels, and what the boot loader makes of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "agent/image-private.h"
#include "snapshot/basic/array.h"
#include "snapshot/basic/buffer.h"
#include "snapshot/basic/log.h"

#define IMAGE_PREFIX "/boot/initrd.img-"

#define PROXMOX_UUIDS_MAX_SIZE (64U * 1024)

struct versions {
	char **items;
	size_t n_items;
	size_t allocated;
};

static int versions_add(struct versions *versions, const char *version)
{
	char *copy;
	int r;

	/* And the NULL at the end. */
	r = ARRAY_RESERVE(versions->items, versions->n_items + 1, versions->allocated);
	if (r == 0)
		r = bytes_duplicate(bytes_of(version), &copy);
	if (r < 0)
		return r;
	versions->items[versions->n_items++] = copy;
	versions->items[versions->n_items] = NULL;
	return 0;
}

static bool exists_for(const struct root *root, const char *before, const char *version,
		       const char *after)
{
	char path[PATH_MAX];
	int size = snprintf(path, sizeof(path), "%s%s%s", before, version, after);

	return size > 0 && (size_t)size < sizeof(path) && root_exists(root, path);
}

/* As linux-version(1) tells kernels from backups and other files that are called like an image. */
static bool is_kernel(const struct root *root, const char *version)
{
	return version[0] != '-' && (exists_for(root, "/boot/vmlinuz-", version, "") ||
				     exists_for(root, "/boot/vmlinux-", version, ""));
}

static int compare_versions(const void *a, const void *b)
{
	return strverscmp(*(char *const *)b, *(char *const *)a);
}

static void put_first(struct versions *versions, const char *running)
{
	for (size_t i = 0; i < versions->n_items; i++)
		if (strcmp(versions->items[i], running) == 0) {
			char *version = versions->items[i];

			memmove(versions->items + 1, versions->items, i * sizeof(char *));
			versions->items[0] = version;
		}
}

static int collect_versions(const struct root *root, char *const *images, struct versions *versions)
{
	int r = 0;

	for (size_t i = 0; images[i] && r == 0; i++) {
		const char *version = images[i] + strlen(IMAGE_PREFIX);

		if (!is_kernel(root, version))
			continue;
		if (exists_for(root, "/lib/modules/", version, "/modules.dep"))
			r = versions_add(versions, version);
		else
			log_info("%s: left as it is, as there are no modules for it", images[i]);
	}
	return r;
}

int image_kernels(const struct root *root, const char *running, char ***ret_versions)
{
	struct versions versions = { .items = NULL };
	char **images;
	int r;

	r = root_glob(root, IMAGE_PREFIX "*", &images);
	if (r < 0)
		return r;
	r = ARRAY_RESERVE(versions.items, 0, versions.allocated);
	if (r == 0) {
		versions.items[0] = NULL;
		r = collect_versions(root, images, &versions);
	}
	root_glob_free(images);
	if (r < 0) {
		root_glob_free(versions.items);
		return r;
	}
	if (versions.n_items > 1)
		qsort(versions.items, versions.n_items, sizeof(char *), compare_versions);
	put_first(&versions, running);
	*ret_versions = versions.items;
	return (int)versions.n_items;
}

/* Whether the boot loader reads copies that proxmox-boot-tool(8) makes. */
static bool uses_proxmox_boot_tool(const struct root *root)
{
	_cleanup_close_ int fd =
		root_openat(root, "/etc/kernel/proxmox-boot-uuids", O_RDONLY | O_NONBLOCK, 0);
	_cleanup_free_ char *text = NULL;
	size_t size;

	return fd >= 0 && file_read_fd(fd, PROXMOX_UUIDS_MAX_SIZE, &text, &size) == 0 &&
	       strspn(text, " \t\n") < size && root_exists(root, "/usr/sbin/proxmox-boot-tool");
}

static int refresh_loader(struct image_builder *builder, bool command_line, struct problem *problem)
{
	const struct root *root = builder->root;
	struct root_name program;
	const char *const refresh[] = { root_show(root, "/usr/sbin/proxmox-boot-tool", &program),
					"refresh", NULL };

	if (builder->late_loader)
		return image_run(builder, refresh, problem);
	/* A new image under its old name is found by GRUB as it is. */
	if (command_line && root_exists(root, "/usr/sbin/update-grub") &&
	    root_exists(root, "/boot/grub/grub.cfg")) {
		const char *const update[] = { root_show(root, "/usr/sbin/update-grub", &program),
					       NULL };

		return image_run(builder, update, problem);
	}
	return 0;
}

static int build_all(struct image_builder *builder, char *const *versions, struct buffer *said,
		     struct problem *problem)
{
	int result = 0;

	for (size_t i = 0; versions[i]; i++) {
		_cleanup_(problem_done) struct problem why = { 0 };
		int r;

		if (stop_requested())
			return problem_set(problem, -ECANCELED, NULL, 0,
					   "stopped before the image for %s was rebuilt",
					   versions[i]);
		r = image_build(builder, versions[i], &why);
		if (r < 0 && result == 0)
			result = problem_set(problem, r, NULL, 0, "%s",
					     why.text ? why.text : strerror(-r));
		else if (r < 0)
			log_error("%s", why.text ? why.text : strerror(-r));
		else
			buffer_appendf(said, "%s%s", said->size > 0 ? ", " : "", versions[i]);
	}
	return result;
}

int image_rebuild(struct image_builder *builder, const struct image_due *due, const char *running,
		  char **ret_said, struct problem *problem)
{
	struct buffer said = { 0 };
	char **versions = NULL;
	int r = 0, loader = 0;

	builder->late_loader = uses_proxmox_boot_tool(builder->root);
	if (due->images) {
		r = image_kernels(builder->root, running, &versions);
		if (r < 0)
			return problem_set_errno(problem, r, "/boot", "look for images in");
		r = build_all(builder, versions, &said, problem);
		root_glob_free(versions);
	}
	/* What was built is to be in force, whatever became of the others. */
	if (said.size > 0 || due->loader)
		loader = refresh_loader(builder, due->loader, problem);
	if (buffer_finish(&said, ret_said, NULL) < 0)
		return -ENOMEM;
	return r < 0 ? r : loader;
}
