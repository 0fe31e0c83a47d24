/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/pmxcfs/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* In the store, what is being written has a name that nothing in the tree can have. */
#define TEMPORARY ".version"

/* A lock nobody renewed for so long is given to whoever asks. */
#define LOCK_SECONDS 120

static const char *const virtual_names[] = { "local",    "qemu-server", "lxc",     "openvz",
					     ".version", ".members",    ".vmlist", ".rrd",
					     ".debug",   ".clusterlog" };

static const char *const guest_kinds[] = { "qemu-server", "lxc", "openvz" };
static const char *const guest_types[] = { "qemu", "lxc", "openvz" };

/**
 * struct guest - What a path says of one
 * @kind: index into guest_kinds
 */
struct guest {
	char node[NAME_MAX + 1];
	size_t kind;
	uint32_t id;
	const char *file_name;
};

bool tree_name_is_virtual(const char *name)
{
	size_t length = strcspn(name, "/");

	for (size_t i = 0; i < ARRAY_SIZE(virtual_names); i++)
		if (strlen(virtual_names[i]) == length &&
		    memcmp(virtual_names[i], name, length) == 0)
			return true;
	return false;
}

static struct entry *child_named(const struct entry *directory, const char *name, size_t length)
{
	struct entry *child = directory->first;

	while (child && !(strncmp(child->name, name, length) == 0 && child->name[length] == '\0'))
		child = child->next;
	return child;
}

struct entry *tree_find(struct tree *tree, const char *path)
{
	struct entry *entry = &tree->root;

	while (entry && *(path += strspn(path, "/")) != '\0') {
		size_t length = strcspn(path, "/");

		entry = child_named(entry, path, length);
		path += length;
	}
	return entry;
}

/* The directory @path lies in, and its last component. */
static int find_place(struct tree *tree, const char *path, struct entry **ret_directory,
		      const char **ret_name)
{
	_cleanup_free_ char *directory = strdup(path);
	struct entry *found;

	if (!directory)
		return -ENOMEM;
	*strrchr(directory, '/') = '\0';
	found = tree_find(tree, directory);
	if (!found)
		return -ENOENT;
	if (!found->is_directory)
		return -ENOTDIR;
	*ret_directory = found;
	*ret_name = strrchr(path, '/') + 1;
	return 0;
}

/* "101.conf", without leading zeros: so each ID has one name. */
static bool name_is_guest(const char *name, uint32_t *ret_id)
{
	uint64_t id = 0;

	if (*name < '1' || *name > '9')
		return false;
	for (; *name >= '0' && *name <= '9'; name++) {
		id = id * 10 + (uint64_t)(*name - '0');
		if (id > UINT32_MAX)
			return false;
	}
	*ret_id = (uint32_t)id;
	return strcmp(name, ".conf") == 0;
}

static bool path_is_guest(const char *path, struct guest *ret_guest)
{
	struct guest guest = { 0 };
	size_t length;

	if (strncmp(path, "/nodes/", 7) != 0)
		return false;
	path += 7;
	length = strcspn(path, "/");
	if (length == 0 || length >= sizeof(guest.node) || path[length] != '/')
		return false;
	memcpy(guest.node, path, length);
	path += length + 1;
	length = strcspn(path, "/");
	for (; guest.kind < ARRAY_SIZE(guest_kinds); guest.kind++)
		if (strlen(guest_kinds[guest.kind]) == length &&
		    memcmp(guest_kinds[guest.kind], path, length) == 0)
			break;
	if (guest.kind == ARRAY_SIZE(guest_kinds) || path[length] != '/')
		return false;
	guest.file_name = path + length + 1;
	if (!name_is_guest(guest.file_name, &guest.id))
		return false;
	*ret_guest = guest;
	return true;
}

/* Whether another guest, of any kind on any node, has the ID. */
static bool guest_id_is_taken(struct tree *tree, const struct guest *guest)
{
	const struct entry *nodes = tree_find(tree, "/nodes");

	for (const struct entry *node = nodes ? nodes->first : NULL; node; node = node->next)
		for (size_t i = 0; i < ARRAY_SIZE(guest_kinds); i++) {
			const struct entry *guests =
				child_named(node, guest_kinds[i], strlen(guest_kinds[i]));
			const struct entry *other = guests ? child_named(guests, guest->file_name,
									 strlen(guest->file_name))
							   : NULL;

			if (other && !other->is_directory &&
			    (i != guest->kind || strcmp(node->name, guest->node) != 0))
				return true;
		}
	return false;
}

void tree_print_guests(struct tree *tree, FILE *out)
{
	const struct entry *nodes = tree_find(tree, "/nodes");
	const char *separator = "";
	uint32_t id;

	for (const struct entry *node = nodes ? nodes->first : NULL; node; node = node->next)
		for (size_t i = 0; i < ARRAY_SIZE(guest_kinds); i++) {
			const struct entry *guests =
				child_named(node, guest_kinds[i], strlen(guest_kinds[i]));
			const struct entry *guest = guests ? guests->first : NULL;

			for (; guest; guest = guest->next) {
				if (guest->is_directory || !name_is_guest(guest->name, &id))
					continue;
				(void)fprintf(out,
					      "%s\"%u\": { \"node\": \"%s\", \"type\": \"%s\", "
					      "\"version\": 1 }",
					      separator, id, node->name, guest_types[i]);
				separator = ",\n";
			}
		}
}

static int entry_add(struct tree *tree, struct entry *directory, const char *name,
		     bool is_directory, struct entry **ret_entry)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	struct entry **last = &directory->first;

	if (!entry)
		return -ENOMEM;
	entry->name = strdup(name);
	if (!entry->name) {
		free(entry);
		return -ENOMEM;
	}
	entry->parent = directory;
	entry->is_directory = is_directory;
	entry->changed = time(NULL);
	while (*last)
		last = &(*last)->next;
	*last = entry;
	tree->n_entries++;
	*ret_entry = entry;
	return 0;
}

static void entry_take_out(struct entry *entry)
{
	struct entry **place = &entry->parent->first;

	while (*place != entry)
		place = &(*place)->next;
	*place = entry->next;
	entry->next = NULL;
}

static void entry_free(struct tree *tree, struct entry *entry)
{
	entry_take_out(entry);
	tree->n_entries--;
	tree->n_bytes -= entry->size;
	free(entry->name);
	free(entry->data);
	free(entry);
}

static int entry_resize(struct tree *tree, struct entry *entry, size_t size)
{
	char *data;

	if (size == entry->size)
		return 0;
	data = realloc(entry->data, MAX_OF(size, (size_t)1));
	if (!data)
		return -ENOMEM;
	if (size > entry->size)
		memset(data + entry->size, 0, size - entry->size);
	tree->n_bytes = tree->n_bytes - entry->size + size;
	entry->data = data;
	entry->size = size;
	return 0;
}

/* The store */

static const char *in_store(const char *path)
{
	path += strspn(path, "/");
	return *path ? path : ".";
}

static int store_time(const struct tree *tree, const char *path, const struct entry *entry)
{
	const struct timespec times[] = { { .tv_sec = entry->changed },
					  { .tv_sec = entry->changed } };

	return utimensat(tree->store_fd, in_store(path), times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno
											 : 0;
}

/*
 * Contents are on disk before the name is, but the name is not when this returns: like the
 * original's database, which loses its last changes when the power goes, unless it is synced.
 */
static int store_file(const struct tree *tree, const char *path, const struct entry *entry)
{
	_cleanup_close_ int fd = openat(tree->store_fd, TEMPORARY,
					O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
					0600);
	size_t done = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	for (; done < entry->size; done += (size_t)n) {
		n = write(fd, entry->data + done, entry->size - done);
		if (n < 0)
			return -errno;
	}
	if (fdatasync(fd) < 0 ||
	    renameat(tree->store_fd, TEMPORARY, tree->store_fd, in_store(path)) < 0)
		return -errno;
	return store_time(tree, path, entry);
}

static int store_rename(const struct tree *tree, const char *from, const char *to,
			const struct entry *entry)
{
	if (renameat(tree->store_fd, in_store(from), tree->store_fd, in_store(to)) < 0)
		return -errno;
	return store_time(tree, to, entry);
}

/* The end of every change: @store_result is what the store said, if there is one. */
static int change_done(struct tree *tree, int store_result)
{
	tree->version++;
	tree->broken = store_result < 0;
	return tree->broken ? -EIO : 0;
}

/* Loading */

static int load_file(struct tree *tree, struct entry *entry, int fd)
{
	size_t done = 0;
	struct stat st;
	ssize_t n;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size > (off_t)TREE_MAX_FILE_SIZE)
		return -EFBIG;
	r = entry_resize(tree, entry, (size_t)st.st_size);
	if (r < 0)
		return r;
	for (; done < entry->size; done += (size_t)n) {
		n = read(fd, entry->data + done, entry->size - done);
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

static int load_directory(struct tree *tree, struct entry *directory, int fd);

static int load_child(struct tree *tree, struct entry *directory, int directory_fd,
		      const char *name)
{
	_cleanup_close_ int fd = -1;
	struct entry *entry;
	struct stat st;
	int r;

	if (fstatat(directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return 0;
	fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	r = entry_add(tree, directory, name, S_ISDIR(st.st_mode), &entry);
	if (r < 0)
		return r;
	entry->changed = st.st_mtime;
	return entry->is_directory ? load_directory(tree, entry, TAKE_FD(fd))
				   : load_file(tree, entry, fd);
}

/* Takes @fd. */
static int load_directory(struct tree *tree, struct entry *directory, int fd)
{
	DIR *stream = fdopendir(fd);
	const struct dirent *found;
	int r = 0;

	if (!stream) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	while (r >= 0 && (errno = 0, found = readdir(stream)))
		if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0 &&
		    !(directory == &tree->root && tree_name_is_virtual(found->d_name)))
			r = load_child(tree, directory, dirfd(stream), found->d_name);
	if (r >= 0 && errno != 0)
		r = -errno;
	(void)closedir(stream);
	return r;
}

static int check_guests(struct tree *tree)
{
	const struct entry *nodes = tree_find(tree, "/nodes");

	for (const struct entry *node = nodes ? nodes->first : NULL; node; node = node->next)
		for (size_t i = 0; i < ARRAY_SIZE(guest_kinds); i++) {
			const struct entry *guests =
				child_named(node, guest_kinds[i], strlen(guest_kinds[i]));
			const struct entry *entry = guests ? guests->first : NULL;

			for (; entry; entry = entry->next) {
				struct guest guest = { .kind = i, .file_name = entry->name };

				(void)snprintf(guest.node, sizeof(guest.node), "%s", node->name);
				if (!entry->is_directory && name_is_guest(entry->name, &guest.id) &&
				    guest_id_is_taken(tree, &guest))
					return -EEXIST;
			}
		}
	return 0;
}

int tree_load(struct tree *tree, const char *store, bool save)
{
	int fd, r;

	*tree = (struct tree){ .root = { .is_directory = true }, .n_entries = 1, .store_fd = -1 };
	if (!store)
		return 0;
	fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = load_directory(tree, &tree->root, fd);
	if (r >= 0)
		r = check_guests(tree);
	if (r >= 0 && save) {
		tree->store_fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = tree->store_fd < 0 ? -errno : 0;
	}
	if (r < 0)
		tree_done(tree);
	return r;
}

void tree_done(struct tree *tree)
{
	struct entry *entry = &tree->root;

	while (entry->first || entry->parent) {
		struct entry *parent = entry->parent;

		if (entry->first) {
			entry = entry->first;
			continue;
		}
		entry_free(tree, entry);
		entry = parent;
	}
	close_fdp(&tree->store_fd);
	tree->store_fd = -1;
}

/* Changes */

static bool is_lock(const char *path)
{
	return strncmp(path, "/priv/lock/", 11) == 0 && path[11] != '\0';
}

int tree_create(struct tree *tree, const char *path, bool is_directory)
{
	struct entry *directory, *entry;
	struct guest guest;
	const char *name;
	int r;

	if (tree->broken)
		return -EIO;
	r = find_place(tree, path, &directory, &name);
	if (r < 0)
		return r;
	if (!is_directory && path_is_guest(path, &guest) && guest_id_is_taken(tree, &guest))
		return -EEXIST;
	if (child_named(directory, name, strlen(name)))
		return -EEXIST;
	r = entry_add(tree, directory, name, is_directory, &entry);
	if (r < 0)
		return r;
	if (tree->store_fd >= 0 && is_directory)
		r = mkdirat(tree->store_fd, in_store(path), 0700) < 0 ? -errno : 0;
	else if (tree->store_fd >= 0)
		r = store_file(tree, path, entry);
	return change_done(tree, r);
}

int tree_remove(struct tree *tree, const char *path)
{
	struct entry *entry = tree_find(tree, path);
	int flags, r = 0;

	if (tree->broken)
		return -EIO;
	if (!entry)
		return -ENOENT;
	if (entry == &tree->root)
		return -EACCES;
	if (entry->first)
		return -ENOTEMPTY;
	flags = entry->is_directory ? AT_REMOVEDIR : 0;
	entry_free(tree, entry);
	if (tree->store_fd >= 0)
		r = unlinkat(tree->store_fd, in_store(path), flags) < 0 ? -errno : 0;
	return change_done(tree, r);
}

/* A guest may be given to another node, not take the ID of another guest. */
static bool rename_takes_an_id(struct tree *tree, const char *from, const char *to)
{
	struct guest old, new;

	if (!path_is_guest(to, &new) || !guest_id_is_taken(tree, &new))
		return false;
	return !path_is_guest(from, &old) || old.id != new.id;
}

int tree_rename(struct tree *tree, const char *from, const char *to)
{
	struct entry *entry = tree_find(tree, from);
	struct entry *directory, *replaced, **last;
	const char *name;
	char *copy;
	int r;

	if (tree->broken)
		return -EIO;
	if (!entry)
		return -ENOENT;
	if (entry == &tree->root || (entry->is_directory && is_lock(from)))
		return -EACCES;
	if (!entry->is_directory && rename_takes_an_id(tree, from, to))
		return -EEXIST;
	r = find_place(tree, to, &directory, &name);
	if (r < 0)
		return r;
	replaced = child_named(directory, name, strlen(name));
	if (entry->first || (replaced && replaced->first))
		return -ENOTEMPTY;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	if (replaced && replaced != entry)
		entry_free(tree, replaced);
	entry_take_out(entry);
	free(entry->name);
	entry->name = copy;
	entry->parent = directory;
	entry->changed = time(NULL);
	for (last = &directory->first; *last;)
		last = &(*last)->next;
	*last = entry;
	return change_done(tree, tree->store_fd < 0 ? 0 : store_rename(tree, from, to, entry));
}

/* A file there is, and a size it may have. */
static int find_to_change(struct tree *tree, const char *path, uint64_t size,
			  struct entry **ret_entry)
{
	struct entry *entry = tree_find(tree, path);

	if (tree->broken)
		return -EIO;
	if (size > TREE_MAX_FILE_SIZE)
		return -EFBIG;
	if (!entry)
		return -ENOENT;
	if (entry->is_directory)
		return -ENOTDIR;
	*ret_entry = entry;
	return 0;
}

int tree_write(struct tree *tree, const char *path, const char *data, size_t size, uint64_t offset)
{
	struct entry *entry;
	uint64_t end;
	int r;

	if (__builtin_add_overflow(offset, size, &end))
		return -EFBIG;
	r = find_to_change(tree, path, end, &entry);
	if (r < 0)
		return r;
	r = entry_resize(tree, entry, MAX_OF((size_t)end, entry->size));
	if (r < 0)
		return r;
	if (size > 0)
		memcpy(entry->data + offset, data, size);
	entry->changed = time(NULL);
	return change_done(tree, tree->store_fd < 0 ? 0 : store_file(tree, path, entry));
}

int tree_truncate(struct tree *tree, const char *path, uint64_t size)
{
	struct entry *entry;
	int r;

	r = find_to_change(tree, path, size, &entry);
	if (r < 0)
		return r;
	r = entry_resize(tree, entry, (size_t)size);
	if (r < 0)
		return r;
	entry->changed = time(NULL);
	return change_done(tree, tree->store_fd < 0 ? 0 : store_file(tree, path, entry));
}

int tree_set_time(struct tree *tree, const char *path, time_t changed)
{
	struct entry *entry = tree_find(tree, path);

	if (tree->broken)
		return -EIO;
	if (!entry)
		return -ENOENT;
	if (entry == &tree->root)
		return -EACCES;
	if (entry->is_directory && is_lock(path)) {
		if (changed == 0 && time(NULL) - entry->changed > LOCK_SECONDS)
			return tree_remove(tree, path);
		if (changed < entry->changed)
			return -EACCES;
	}
	entry->changed = changed;
	return change_done(tree, tree->store_fd < 0 ? 0 : store_time(tree, path, entry));
}
