/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the image stage share. */
#pragma once

#include <signal.h>

#include "agent/image.h"
#include "recovery/manifest.h"

/* On the host and in the image alike. */
#define GUARD_PATH "/usr/lib/hwrecover/hwrecover-guard"

/* The guard's script, and the manifest, in the image. */
#define GUARD_SCRIPT_PATH   "/scripts/init-top/00-hwrecover"
#define IMAGE_MANIFEST_PATH "/etc/hwrecover/manifest"

/**
 * struct image_digests - What a boot image was made of
 * @inputs:       paths, modes and contents of all files that image_holds(), and of the manifest
 * @command_line: the same of the files that the kernel command line is made of
 */
struct image_digests {
	uint64_t inputs;
	uint64_t command_line;
};

/* Return: 0, or a negative errno with @problem set: a file could not be read. */
_must_check_ int image_digest(const struct root *root, struct image_digests *ret_digests,
			      struct problem *problem);

/**
 * image_state_read() - What the last image that was built and verified was made of
 *
 * Return: 1, 0 when that is not known (a damaged record is said), or a negative errno with
 * @problem set.
 */
_must_check_ int image_state_read(struct context *context, struct image_digests *ret_digests,
				  struct problem *problem);
/* Under the lock, which is waited for. */
_must_check_ int image_state_write(struct context *context, const struct image_digests *digests,
				   struct problem *problem);

/* What is stale: the images, the boot loader's configuration. */
struct image_due {
	struct image_digests now;
	bool images;
	bool loader;
};

_must_check_ int image_judge(struct context *context, struct image_due *ret_due,
			     struct problem *problem);

/* Whether initramfs-tools is there to build an image. */
bool image_can_build(const struct root *root);

/* dpkg's locks (POSIX ones: they belong to the process, and go when either file is closed). */
struct dpkg_lock {
	int fds[2];
};

#define DPKG_LOCK_INIT ((struct dpkg_lock){ .fds = { -1, -1 } })

/**
 * dpkg_lock_take() - Keep every run of dpkg and apt out
 * @wait_ms: how long to wait for one that is under way
 *
 * Return: 0, also where there is no dpkg, or a negative errno with @problem set: -EBUSY the time is
 * up, -ECANCELED we are to stop.
 */
_must_check_ int dpkg_lock_take(const struct root *root, unsigned int wait_ms,
				struct dpkg_lock *ret_lock, struct problem *problem);
void dpkg_lock_release(struct dpkg_lock *lock);

/* Ask logind to hold a shutdown off. Return: a file descriptor that does so as long as it is open,
 * or -1 where there is no logind. */
int shutdown_inhibit(void);

/*
 * From here on a request to end (SIGTERM, SIGINT, SIGHUP) is only noted; whether one came; and back
 * to @before, those that came being dealt with.
 */
void stop_requests_hold(sigset_t *ret_before);
bool stop_requested(void);
void stop_requests_release(const sigset_t *before);

/**
 * struct image_findings - What there is in an image that was taken apart
 * @guard, @manifest: whether they are there
 * @runs_guard:  whether the guard's script is run at all
 * @guard_first: whether it is the first of init-top
 * @modules:     for each of the modules that were looked for, whether it is there
 */
struct image_findings {
	bool guard;
	bool manifest;
	bool runs_guard;
	bool guard_first;
	bool *modules;
};

/* Whether a modules.dep(5) lists a module, '_' in its name for '-'. */
_pure_ bool modules_dep_has(struct bytes text, const char *module);

/**
 * image_look() - Look for what matters in an unpacked image
 * @directory: of the caller's file system, as unmkinitramfs(8) left it: the parts of the image in
 *             folders (early, main, …), or the only one as it is
 * @version:   the kernel's
 * @modules:   names of modules, @n_modules of them, '_' for '-'
 * @ret_findings: its @modules has room for as many, given by the caller
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int image_look(const char *directory, const char *version, char *const *modules,
			    size_t n_modules, struct image_findings *ret_findings,
			    struct problem *problem);

/* Remove a directory with all there is in it. Return: 0, also when it is not there, or an errno. */
_must_check_ int directory_remove(const char *directory);

/**
 * struct image_builder - Builds the images of a tree
 * @root:       the tree; its own programs are run
 * @log_fd:     takes what they write, up to @log_room bytes more; -1 for no log
 * @drivers:    modules without which the root file system is not found, '_' for '-'; @n_drivers
 * @late_loader: whether the boot loader's copy is made from here, when the image was checked, and
 *              not by a hook of initramfs-tools
 */
struct image_builder {
	const struct root *root;
	int log_fd;
	size_t log_room;
	char **drivers;
	size_t n_drivers;
	size_t drivers_allocated;
	bool late_loader;
};

#define IMAGE_BUILDER_INIT ((struct image_builder){ .log_fd = -1 })

void image_builder_done(struct image_builder *builder);

/**
 * image_builder_add_driver() - Name a driver that the root file system needs
 *
 * Its module is asked of /sys in the tree; else it is taken to be of the same name.
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int image_builder_add_driver(struct image_builder *builder, const char *driver);

/**
 * image_build() - Build and check the image of one kernel
 * @version: the kernel's; has an image
 *
 * Return: 0, or a negative errno with @problem set and the image as it was.
 */
_must_check_ int image_build(struct image_builder *builder, const char *version,
			     struct problem *problem);

/* Run a program of the tree, its output kept in the log. Return: 0 when it succeeded, or an errno.
 */
_must_check_ int image_run(struct image_builder *builder, const char *const *argv,
			   struct problem *problem);

/**
 * image_kernels() - Kernels that have an image
 * @running: release of the running kernel: comes first, the others by version, newest first
 * @ret_versions: NULL-terminated, each and the array to be freed (root_glob_free())
 *
 * Those that update-initramfs -k all would take, without those whose modules are gone: what would
 * be built for them has no drivers.
 *
 * Return: how many, or a negative errno.
 */
_must_check_ int image_kernels(const struct root *root, const char *running, char ***ret_versions);

/**
 * image_rebuild() - Build the images of all kernels, then the boot loader's configuration
 * @due:      what of it
 * @running:  release of the running kernel
 * @ret_said: for which kernels, for people, to be freed; NULL for none
 *
 * One that fails keeps no other from being built.
 *
 * Return: 0, or a negative errno with the first @problem set; -ECANCELED when we were to stop.
 */
_must_check_ int image_rebuild(struct image_builder *builder, const struct image_due *due,
			       const char *running, char **ret_said, struct problem *problem);
