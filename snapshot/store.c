/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/log.h"
#include "snapshot/message-ids.h"
#include "snapshot/store-private.h"

#define DAMAGED_SUFFIX ".damaged"
#define DAMAGED_MAX    1000

void store_done(struct store *store)
{
	if (!store)
		return;
	/* A zeroed object has no tree, and 0 as descriptors that are not its own. */
	if (store->root && store->dir_fd >= 0)
		(void)close(store->dir_fd);
	if (store->root && store->snapshots_fd >= 0)
		(void)close(store->snapshots_fd);
	free(store->said);
	*store = STORE_INIT;
}

const char *store_show(const struct store *store, const char *name, struct store_name *buffer)
{
	(void)snprintf(buffer->path, sizeof(buffer->path), STORE_PATH "/%s", name);
	return root_show(store->root, buffer->path, &buffer->shown);
}

/* A tree that has nothing yet gets parents that are not private. */
static int open_state_directory(const struct root *root, bool create)
{
	int fd = root_open_directory(root, STORE_PATH, 0);

	if (fd != -ENOENT || !create)
		return fd;
	fd = root_open_directory(root, "/var/lib", 0755);
	if (fd < 0)
		return fd;
	(void)close(fd);
	return root_open_directory(root, STORE_PATH, 0700);
}

int store_open(const struct root *root, bool create, struct store *ret_store,
	       struct problem *problem)
{
	_cleanup_(store_done) struct store store = STORE_INIT;
	struct root_name shown;
	int fd;

	store.root = root;
	store.read_only = true;
	fd = open_state_directory(root, create);
	if (fd == -ENOENT && !create)
		goto finish;
	if (fd < 0)
		return problem_set_errno(problem, fd, root_show(root, STORE_PATH, &shown), "open");
	store.dir_fd = fd;
	store.read_only = faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0;

	fd = root_open_directory(root, STORE_PATH "/" STORE_SNAPSHOTS,
				 create && !store.read_only ? 0700 : 0);
	if (fd < 0 && fd != -ENOENT)
		return problem_set_errno(problem, fd,
					 root_show(root, STORE_PATH "/" STORE_SNAPSHOTS, &shown),
					 "open");
	store.snapshots_fd = fd < 0 ? -1 : fd;
	store.read_only = store.read_only || fd < 0;
finish:
	*ret_store = store;
	store = STORE_INIT;
	return 0;
}

void store_say_once(struct store *store, const char *text)
{
	uint64_t digest = bytes_digest(bytes_of(text), BYTES_DIGEST_SEED);

	for (size_t i = 0; i < store->n_said; i++)
		if (store->said[i] == digest)
			return;
	if (ARRAY_RESERVE(store->said, store->n_said, store->said_allocated) >= 0)
		store->said[store->n_said++] = digest;
	log_warning("%s", text);
}

int store_find_damaged_name(const struct store *store, const char *name,
			    struct damaged_name *ret_target)
{
	struct stat st;

	for (unsigned int n = 1; n <= DAMAGED_MAX; n++) {
		char number[16] = "";
		int size;

		if (n > 1)
			(void)snprintf(number, sizeof(number), ".%u", n);
		size = snprintf(ret_target->text, sizeof(ret_target->text),
				"%s" DAMAGED_SUFFIX "%s", name, number);
		if (size < 0 || (size_t)size >= sizeof(ret_target->text))
			return -ENAMETOOLONG;
		if (fstatat(store->dir_fd, ret_target->text, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return errno == ENOENT ? 0 : -errno;
	}
	return -EEXIST;
}

static void say_damaged(const char *why, const char *now)
{
	struct log_field fields[] = { { FIELD_FILE, now }, { FIELD_REASON, why } };

	log_event(LOG_LEVEL_WARNING, EVENT_SNAPSHOT_DAMAGED, fields, ARRAY_SIZE(fields),
		  "%s; set aside as %s", why, now);
}

void store_set_aside(struct store *store, const char *name, const char *why)
{
	struct damaged_name target;
	struct store_name shown;

	if (store->read_only || store_find_damaged_name(store, name, &target) < 0 ||
	    renameat(store->dir_fd, name, store->dir_fd, target.text) < 0)
		store_say_once(store, why);
	else
		say_damaged(why, store_show(store, target.text, &shown));
}

const char *store_snapshot_name(uint64_t id, struct snapshot_name *name)
{
	(void)snprintf(name->text, sizeof(name->text), STORE_SNAPSHOTS "/%08" PRIu64 ".json", id);
	return name->text;
}

const char *store_snapshot_base_name(uint64_t id, struct snapshot_name *name)
{
	return store_snapshot_name(id, name) + strlen(STORE_SNAPSHOTS "/");
}

int store_check_writable(const struct store *store, struct problem *problem)
{
	struct root_name shown;

	if (!store->read_only)
		return 0;
	return problem_set_errno(problem, -EROFS, root_show(store->root, STORE_PATH, &shown),
				 "write");
}

int store_open_listing(int dir_fd, DIR **ret_dir)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	*ret_dir = fdopendir(fd);
	if (*ret_dir)
		return 0;
	r = -errno;
	(void)close(fd);
	return r;
}

static int reclaim(int dir_fd)
{
	_cleanup_(closedirp) DIR *dir = NULL;
	struct dirent *entry;
	int r;

	r = store_open_listing(dir_fd, &dir);
	if (r < 0)
		return r;
	for (errno = 0; (entry = readdir(dir)); errno = 0)
		if (file_name_is_staged(entry->d_name) && unlinkat(dir_fd, entry->d_name, 0) < 0 &&
		    errno != ENOENT && errno != EISDIR)
			return -errno;
	return -errno;
}

int store_reclaim(struct store *store, struct problem *problem)
{
	struct root_name shown;
	int r;

	r = store_check_writable(store, problem);
	if (r < 0)
		return r;
	r = reclaim(store->dir_fd);
	if (r >= 0)
		r = reclaim(store->snapshots_fd);
	if (r < 0)
		return problem_set_errno(problem, r, root_show(store->root, STORE_PATH, &shown),
					 "clean up");
	return 0;
}
