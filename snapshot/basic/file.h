/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole files: read within limits, replaced so that a crash leaves the old or the new. */
#pragma once

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "snapshot/basic/bytes.h"

/**
 * struct file_xattr - One extended attribute
 * @name:  "user.comment", "system.posix_acl_access", "security.capability", …
 * @value: @size bytes
 */
struct file_xattr {
	char *name;
	char *value;
	size_t size;
};

/**
 * struct file_attributes - What a file has besides its contents
 * @is_link: a symbolic link; its contents are its target, and its mode says nothing (0777)
 * @mode:   permission bits, set-id bits and sticky bit (07777)
 * @xattrs: extended attributes, POSIX ACLs among them, sorted by name; none where the file system
 *          has none. Without what the kernel's integrity subsystem keeps about the contents
 *          (security.ima, security.evm)
 */
struct file_attributes {
	bool is_link;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct file_xattr *xattrs;
	size_t n_xattrs;
	size_t xattrs_allocated;
};

void file_attributes_done(struct file_attributes *attributes);

/* Return: 0, or -ENOMEM. */
_must_check_ int file_attributes_copy(const struct file_attributes *attributes,
				      struct file_attributes *ret_copy);

/* Adds one; names in any order, finished by file_attributes_sort(). Return: 0, or -ENOMEM. */
_must_check_ int file_attributes_add(struct file_attributes *attributes, const char *name,
				     struct bytes value);
void file_attributes_sort(struct file_attributes *attributes);

/* Whether two files would look alike in everything but contents; a link has no mode of its own. */
_pure_ bool file_attributes_equal(const struct file_attributes *a, const struct file_attributes *b);

/**
 * file_read_fd() - Read an opened file to its end
 * @limit:    largest size that is read; files in /proc and /sys say 0 and hold more, so the size
 *            is found by reading
 * @ret_data: the contents, with a NUL behind them, to be freed
 *
 * Return: 0, -EFBIG when there is more than @limit, or the errno of read(2).
 */
_must_check_ int file_read_fd(int fd, size_t limit, char **ret_data, size_t *ret_size);

/* Write all of it to an opened file. Return: 0, or the errno of write(2). */
_must_check_ int file_write_fd(int fd, struct bytes bytes);

/* file_read_fd() for a name in a directory; opened O_RDONLY|O_NOFOLLOW|O_NONBLOCK|O_NOCTTY. -ELOOP
 * for a symbolic link, -ENOTSUP for anything else that is no regular file. */
_must_check_ int file_read_at(int dir_fd, const char *name, size_t limit, char **ret_data,
			      size_t *ret_size);

/**
 * file_read_managed_at() - Read a file that may be replaced later
 * @dir_fd: directory, @name: one component
 * @limit:  largest size
 * @ret_attributes: to be released with file_attributes_done()
 *
 * Return: 0, or a negative errno; what is not an ordinary file of one name says so: -ELOOP a
 * symbolic link, -EMLINK it has a second hard link, -ENOTSUP a fifo, device, socket or directory
 * (never opened for long, never blocks), -EFBIG larger than @limit, -EILSEQ it holds NUL bytes.
 */
_must_check_ int file_read_managed_at(int dir_fd, const char *name, size_t limit, char **ret_data,
				      size_t *ret_size, struct file_attributes *ret_attributes);

/**
 * file_read_link_at() - Read a symbolic link that may be replaced later
 * @ret_data: its target, with a NUL behind it, to be freed
 * @ret_attributes: is_link set, mode 0777, no xattrs; to be released with file_attributes_done()
 *
 * Return: 0, -EINVAL when it is no symbolic link, -EFBIG when its target is longer than @limit, or
 * another negative errno.
 */
_must_check_ int file_read_link_at(int dir_fd, const char *name, size_t limit, char **ret_data,
				   size_t *ret_size, struct file_attributes *ret_attributes);

/**
 * struct file_contents - What there is under a name
 * @bytes:   contents of a regular file, or the target of a symbolic link
 * @is_link: which of them
 */
struct file_contents {
	struct bytes bytes;
	bool is_link;
};

/**
 * struct staged_file - New contents, on disk under a temporary name, waiting for the rename
 *
 * The temporary name starts with a dot and is derived from the file's name alone: no program that
 * reads a drop-in folder takes it for a file (`source` of a whole folder in interfaces(5)), and
 * what a crash left behind is reclaimed by the next run instead of being collected.
 *
 * @plain_rename: the file system's rename knows no flags (pmxcfs)
 */
struct staged_file {
	int dir_fd;
	char *name;
	char *temp_name;
	bool plain_rename;
};

#define STAGED_FILE_INIT ((struct staged_file){ .dir_fd = -1 })

/* Also removes the temporary file, unless it was committed. */
void staged_file_done(struct staged_file *staged);

/* One component of a path. */
struct file_name {
	char text[NAME_MAX + 1];
};

/**
 * file_staged_name() - The name that new contents for a file wait under
 * @name: one component
 *
 * ".NAME.hwrecover", or with a digest for NAME where that would be longer than names can be.
 *
 * Return: 0, or -EINVAL when @name is not one component.
 */
_must_check_ int file_staged_name(const char *name, struct file_name *ret_name);

/* Whether a name has the shape of such a name, for some file. */
_pure_ bool file_name_is_staged(const char *name);

/* Remove what a crash left of staging @name. Return: 1 if there was something, 0, or an error. */
_must_check_ int file_discard_staged_at(int dir_fd, const char *name);

/**
 * file_stage_at() - Write new contents next to a file, without touching it
 * @dir_fd:     directory, opened O_RDONLY; is duplicated
 * @name:       one component; may or may not exist
 * @now:        contents; of a link its target, neither empty nor with a NUL in it
 * @attributes: owner, mode and extended attributes the new file gets; with is_link a symbolic link
 *              is made, and only its owner is set
 * @lenient:    owners and attributes that only root could set, or that the file system does not
 *              have, are left instead of being an error
 *
 * Contents and attributes are fsynced when this returns: nothing that fails for lack of space fails
 * later than here.
 *
 * Return: 0, or a negative errno with nothing left behind.
 */
_must_check_ int file_stage_at(int dir_fd, const char *name, struct bytes now,
			       const struct file_attributes *attributes, bool lenient,
			       struct staged_file *ret_staged);

/* Largest file that pmxcfs holds (MEMDB_MAX_FILE_SIZE). */
#define PMXCFS_FILE_MAX ((size_t)1024 * 1024)

/**
 * file_stage_pmxcfs_at() - file_stage_at() on pmxcfs, Proxmox VE's file system at /etc/pve
 *
 * There owner and mode follow from the path and cannot be set, syncing does nothing, and one
 * write(2) is one change that the cluster sees. Closed before the rename: a file that is open
 * while it is replaced leaves a hidden one behind.
 *
 * Return: 0, or a negative errno with nothing left behind; -EFBIG more than PMXCFS_FILE_MAX,
 * -EACCES the cluster has no quorum, -EIO less was written than there is.
 */
_must_check_ int file_stage_pmxcfs_at(int dir_fd, const char *name, struct bytes now,
				      struct staged_file *ret_staged);

/**
 * staged_file_commit() - Put staged contents in their place
 * @was: what must be there now, byte for byte; a NULL pointer means nothing may be there. Links are
 *       never followed
 *
 * The directory is fsynced: when this returns 1, the new contents are on disk under the name.
 *
 * Return: 1 if replaced, or a negative errno. -ESTALE means somebody changed (made, removed) the
 * file since @was was read, or that it is no link where one was; -ELOOP, -EMLINK and -ENOTSUP as in
 * file_read_managed_at(); in all four it is untouched and the staged file removed. Any other error
 * leaves it old or new.
 */
_must_check_ int staged_file_commit(struct staged_file *staged, const struct file_contents *was);

/* Whether an error of the functions around says that somebody changed the file. */
static inline bool file_error_means_changed(int error)
{
	return error == -ESTALE || error == -ELOOP || error == -EMLINK || error == -ENOTSUP;
}

/**
 * file_check_at() - Whether a file still is what it was
 * @was: as in staged_file_commit()
 *
 * Return: 0 if so, -ESTALE, -ELOOP, -EMLINK or -ENOTSUP if not, or another negative errno.
 */
_must_check_ int file_check_at(int dir_fd, const char *name, const struct file_contents *was);

/**
 * file_remove_at() - Remove a file, unless somebody changed it
 * @dir_fd: directory, opened O_RDONLY; fsynced
 * @was:    what must be there now
 *
 * Return: 1 if removed, errors as staged_file_commit().
 */
_must_check_ int file_remove_at(int dir_fd, const char *name, struct file_contents was);

/**
 * file_write_at() - Write or replace one of our own files
 *
 * For files that nobody else edits, under our lock. Staged, renamed, and, if @durable, fsynced with
 * its directory.
 *
 * Return: 0, or a negative errno with the old file in place; if only the directory could not be
 * fsynced, the new one may be.
 */
_must_check_ int file_write_at(int dir_fd, const char *name, struct bytes now, mode_t mode,
			       bool durable);

/* fsync(2), again when interrupted; where there is nothing to sync (EINVAL), that is no error. */
_must_check_ int file_sync_fd(int fd);
