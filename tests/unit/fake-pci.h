/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A /sys in which PCI functions change their drivers as in the kernel's, and fail as they do there:
 * a FUSE file system over the scratch tree's /sys. A write that hangs in it cannot be killed.
 */
#pragma once

#define FUSE_USE_VERSION 31

#include <fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/unit/scratch.h"

#define FAKE_FUNCTIONS 2
#define FAKE_DRIVERS   5

/**
 * struct fake_function - One function
 * @driver:   that has it; empty: none
 * @override: driver_override
 * @busy:     its group refuses to be opened
 */
struct fake_function {
	const char *address;
	const char *modalias;
	unsigned int group;
	char driver[64];
	char override[256];
	bool busy;
};

/**
 * struct fake_driver - One driver, in a module
 * @loaded:        the module is
 * @takes:         the modalias its table has; NULL: none
 * @has_ids:       dynamic IDs make it take every function
 * @probe_error:   what its probe fails with, or 0
 * @unbind_error:  what letting go fails with, or 0
 * @hangs:         letting go does not end
 * @no_bind:       it has no bind file
 */
struct fake_driver {
	const char *name;
	const char *module;
	const char *takes;
	bool loaded;
	bool blacklisted;
	bool has_ids;
	bool hangs;
	bool no_bind;
	int probe_error;
	int unbind_error;
};

/**
 * struct fake_kernel - All of it, shared with the process that serves it
 * @override_writes_left: how many writes of driver_override work before they fail
 * @n_writes: how many attributes were written
 * @let_go:   ends what hangs
 */
struct fake_kernel {
	struct fake_function functions[FAKE_FUNCTIONS];
	struct fake_driver drivers[FAKE_DRIVERS];
	unsigned int override_writes_left;
	unsigned int n_writes;
	bool let_go;
};

static struct fake_kernel *fake;
static pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t fake_server;

enum fake_tag {
	FAKE_DIRECTORY,
	FAKE_LINK,
	FAKE_OVERRIDE,
	FAKE_MODALIAS,
	FAKE_BIND,
	FAKE_UNBIND,
	FAKE_PROBE,
	FAKE_NODE,
	FAKE_CONTROL,
};

struct fake_entry {
	enum fake_tag tag;
	struct fake_function *function;
	struct fake_driver *driver;
	char path[128];
	char target[128];
};

/* What there is at a moment. */
struct fake_table {
	struct fake_entry entries[96];
	size_t n_entries;
};

_printf_(3, 4) static struct fake_entry *fake_add(struct fake_table *table, enum fake_tag tag,
						  const char *format, ...)
{
	struct fake_entry *entry = &table->entries[table->n_entries++];
	va_list arguments;

	ck_assert_uint_le(table->n_entries, ARRAY_SIZE(table->entries));
	*entry = (struct fake_entry){ .tag = tag };
	va_start(arguments, format);
	(void)vsnprintf(entry->path, sizeof(entry->path), format, arguments);
	va_end(arguments);
	return entry;
}

static void fake_add_function(struct fake_table *table, struct fake_function *function)
{
	const char *address = function->address;
	struct fake_entry *link;

	(void)fake_add(table, FAKE_DIRECTORY, "/bus/pci/devices/%s", address);
	fake_add(table, FAKE_OVERRIDE, "/bus/pci/devices/%s/driver_override", address)->function =
		function;
	fake_add(table, FAKE_MODALIAS, "/bus/pci/devices/%s/modalias", address)->function =
		function;
	if (function->driver[0]) {
		link = fake_add(table, FAKE_LINK, "/bus/pci/devices/%s/driver", address);
		(void)snprintf(link->target, sizeof(link->target), "../../drivers/%s",
			       function->driver);
	}
	link = fake_add(table, FAKE_LINK, "/bus/pci/devices/%s/iommu_group", address);
	(void)snprintf(link->target, sizeof(link->target), "../../../../kernel/iommu_groups/%u",
		       function->group);
	(void)fake_add(table, FAKE_DIRECTORY, "/kernel/iommu_groups/%u", function->group);
	(void)fake_add(table, FAKE_DIRECTORY, "/kernel/iommu_groups/%u/devices", function->group);
	link = fake_add(table, FAKE_LINK, "/kernel/iommu_groups/%u/devices/%s", function->group,
			address);
	(void)snprintf(link->target, sizeof(link->target), "../../../../bus/pci/devices/%s",
		       address);
	fake_add(table, FAKE_NODE, "/nodes/%u", function->group)->function = function;
}

static void fake_add_driver(struct fake_table *table, struct fake_driver *driver)
{
	struct fake_entry *link;

	(void)fake_add(table, FAKE_DIRECTORY, "/bus/pci/drivers/%s", driver->name);
	if (!driver->no_bind)
		fake_add(table, FAKE_BIND, "/bus/pci/drivers/%s/bind", driver->name)->driver =
			driver;
	fake_add(table, FAKE_UNBIND, "/bus/pci/drivers/%s/unbind", driver->name)->driver = driver;
	(void)fake_add(table, FAKE_DIRECTORY, "/module/%s", driver->module);
	(void)fake_add(table, FAKE_DIRECTORY, "/module/%s/drivers", driver->module);
	link = fake_add(table, FAKE_LINK, "/module/%s/drivers/pci:%s", driver->module,
			driver->name);
	(void)snprintf(link->target, sizeof(link->target), "../../../bus/pci/drivers/%s",
		       driver->name);
}

static void fake_list(struct fake_table *table)
{
	static const char *const directories[] = { "/",
						   "/bus",
						   "/bus/pci",
						   "/bus/pci/devices",
						   "/bus/pci/drivers",
						   "/kernel",
						   "/kernel/iommu_groups",
						   "/module",
						   "/nodes" };

	table->n_entries = 0;
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		(void)fake_add(table, FAKE_DIRECTORY, "%s", directories[i]);
	(void)fake_add(table, FAKE_PROBE, "/bus/pci/drivers_probe");
	(void)fake_add(table, FAKE_CONTROL, "/control");
	for (size_t i = 0; i < FAKE_FUNCTIONS; i++)
		if (fake->functions[i].address)
			fake_add_function(table, &fake->functions[i]);
	for (size_t i = 0; i < FAKE_DRIVERS; i++)
		if (fake->drivers[i].name && fake->drivers[i].loaded)
			fake_add_driver(table, &fake->drivers[i]);
}

static bool fake_find(const char *path, struct fake_entry *ret_entry)
{
	struct fake_table table;
	bool found = false;

	(void)pthread_mutex_lock(&fake_lock);
	fake_list(&table);
	(void)pthread_mutex_unlock(&fake_lock);
	for (size_t i = 0; i < table.n_entries && !found; i++) {
		found = strcmp(table.entries[i].path, path) == 0;
		if (found)
			*ret_entry = table.entries[i];
	}
	return found;
}

static int fake_getattr(const char *path, struct stat *st, struct fuse_file_info *info)
{
	struct fake_entry entry;

	(void)info;
	if (!fake_find(path, &entry))
		return -ENOENT;
	st->st_mode = entry.tag == FAKE_DIRECTORY ? S_IFDIR | 0755
		      : entry.tag == FAKE_LINK    ? S_IFLNK | 0777
						  : S_IFREG | 0644;
	st->st_nlink = 1;
	st->st_size = entry.tag == FAKE_LINK ? (off_t)strlen(entry.target) : 4096;
	return 0;
}

static int fake_readlink(const char *path, char *target, size_t size)
{
	struct fake_entry entry;

	if (!fake_find(path, &entry))
		return -ENOENT;
	(void)snprintf(target, size, "%s", entry.target);
	return 0;
}

static int fake_readdir(const char *path, void *out, fuse_fill_dir_t fill, off_t offset,
			struct fuse_file_info *info, enum fuse_readdir_flags flags)
{
	size_t length = strcmp(path, "/") == 0 ? 0 : strlen(path);
	struct fake_table table;

	(void)offset;
	(void)info;
	(void)flags;
	(void)pthread_mutex_lock(&fake_lock);
	fake_list(&table);
	(void)pthread_mutex_unlock(&fake_lock);
	for (size_t i = 0; i < table.n_entries; i++) {
		const char *entry = table.entries[i].path;

		if (strncmp(entry, path, length) == 0 && entry[length] == '/' &&
		    entry[length + 1] != '\0' && !strchr(entry + length + 1, '/'))
			(void)fill(out, entry + length + 1, NULL, 0, 0);
	}
	return 0;
}

static int fake_open(const char *path, struct fuse_file_info *info)
{
	struct fake_entry entry;

	if (!fake_find(path, &entry))
		return -ENOENT;
	if (entry.tag == FAKE_NODE && entry.function->busy)
		return -EBUSY;
	info->direct_io = 1;
	return 0;
}

static int fake_read(const char *path, char *out, size_t size, off_t offset,
		     struct fuse_file_info *info)
{
	struct fake_entry entry;
	char text[260] = "";

	(void)info;
	if (!fake_find(path, &entry))
		return -ENOENT;
	if (entry.tag == FAKE_OVERRIDE)
		(void)snprintf(text, sizeof(text), "%s\n",
			       entry.function->override[0] ? entry.function->override : "(null)");
	if (entry.tag == FAKE_MODALIAS)
		(void)snprintf(text, sizeof(text), "%s\n", entry.function->modalias);
	if (offset >= (off_t)strlen(text))
		return 0;
	size = MIN_OF(size, strlen(text) - (size_t)offset);
	memcpy(out, text + offset, size);
	return (int)size;
}

/* drivers/base/dd.c and pci_match_device(): an override decides alone, whatever the tables say. */
static bool fake_matches(const struct fake_driver *driver, const struct fake_function *function)
{
	if (function->override[0])
		return strcmp(function->override, driver->name) == 0;
	return driver->has_ids || (driver->takes && strcmp(driver->takes, function->modalias) == 0);
}

static int fake_attach(const struct fake_driver *driver, struct fake_function *function)
{
	if (!fake_matches(driver, function))
		return -ENODEV;
	if (function->driver[0])
		return -EBUSY;
	if (driver->probe_error)
		return driver->probe_error;
	(void)snprintf(function->driver, sizeof(function->driver), "%s", driver->name);
	return 0;
}

/* Like the kernel, says nothing of probes that failed. */
static int fake_probe(struct fake_function *function)
{
	for (size_t i = 0; i < FAKE_DRIVERS && !function->driver[0]; i++)
		if (fake->drivers[i].name && fake->drivers[i].loaded)
			(void)fake_attach(&fake->drivers[i], function);
	return 0;
}

static int fake_detach(const struct fake_driver *driver, struct fake_function *function)
{
	if (strcmp(function->driver, driver->name) != 0)
		return -ENODEV;
	if (driver->unbind_error)
		return driver->unbind_error;
	while (driver->hangs && !__atomic_load_n(&fake->let_go, __ATOMIC_SEQ_CST)) {
		(void)pthread_mutex_unlock(&fake_lock);
		(void)poll(NULL, 0, 5);
		(void)pthread_mutex_lock(&fake_lock);
	}
	function->driver[0] = '\0';
	return 0;
}

/* modprobe(8) with these arguments: "-- MODULE", "-b -- MODALIAS". */
static int fake_load(const char *arguments)
{
	bool by_alias = strncmp(arguments, "-b -- ", 6) == 0;
	const char *wanted = arguments + (by_alias ? 6 : 3);
	int r = -ENOENT;

	for (size_t i = 0; i < FAKE_DRIVERS; i++) {
		struct fake_driver *driver = &fake->drivers[i];
		const char *name = by_alias ? driver->takes : driver->module;

		if (!name || strcmp(name, wanted) != 0 || (by_alias && driver->blacklisted))
			continue;
		driver->loaded = true;
		for (size_t j = 0; j < FAKE_FUNCTIONS; j++)
			if (fake->functions[j].address)
				(void)fake_attach(driver, &fake->functions[j]);
		r = 0;
	}
	return r;
}

static int fake_set_override(struct fake_function *function, const char *value)
{
	if (fake->override_writes_left == 0)
		return -ENOMEM;
	fake->override_writes_left--;
	(void)snprintf(function->override, sizeof(function->override), "%s", value);
	return 0;
}

static int fake_take_write(const struct fake_entry *entry, const char *value)
{
	struct fake_function *function = NULL;

	fake->n_writes++;
	if (entry->tag == FAKE_OVERRIDE)
		return fake_set_override(entry->function, value);
	if (entry->tag == FAKE_CONTROL)
		return fake_load(value);
	for (size_t i = 0; i < FAKE_FUNCTIONS; i++)
		if (fake->functions[i].address && strcmp(fake->functions[i].address, value) == 0)
			function = &fake->functions[i];
	if (!function)
		return -ENODEV;
	if (entry->tag == FAKE_PROBE)
		return fake_probe(function);
	if (entry->tag == FAKE_BIND)
		return fake_attach(entry->driver, function);
	return entry->tag == FAKE_UNBIND ? fake_detach(entry->driver, function) : -EIO;
}

static int fake_write(const char *path, const char *data, size_t size, off_t offset,
		      struct fuse_file_info *info)
{
	struct fake_entry entry;
	char value[256];
	int r;

	(void)offset;
	(void)info;
	if (!fake_find(path, &entry) || size >= sizeof(value))
		return -EINVAL;
	memcpy(value, data, size);
	value[size] = '\0';
	value[strcspn(value, "\n")] = '\0';
	(void)pthread_mutex_lock(&fake_lock);
	r = fake_take_write(&entry, value);
	(void)pthread_mutex_unlock(&fake_lock);
	return r < 0 ? r : (int)size;
}

static int fake_truncate(const char *path, off_t size, struct fuse_file_info *info)
{
	(void)path;
	(void)size;
	(void)info;
	return 0;
}

static void *fake_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
	(void)connection;
	config->entry_timeout = 0;
	config->attr_timeout = 0;
	config->negative_timeout = 0;
	return NULL;
}

static const struct fuse_operations fake_operations = {
	.init = fake_init,
	.getattr = fake_getattr,
	.readlink = fake_readlink,
	.readdir = fake_readdir,
	.open = fake_open,
	.read = fake_read,
	.write = fake_write,
	.truncate = fake_truncate,
};

/* Serves until it is killed; says on @ready_fd when the file system is there. */
static inline void fake_serve(int ready_fd)
{
	char *argv[] = { strdup("fake"), NULL };
	struct fuse_args arguments = FUSE_ARGS_INIT(1, argv);
	struct fuse *fuse = fuse_new(&arguments, &fake_operations, sizeof(fake_operations), NULL);

	if (!fuse || fuse_mount(fuse, host("/sys")) < 0 || write(ready_fd, "", 1) != 1)
		_exit(1);
	(void)close(ready_fd);
	_exit(fuse_loop_mt(fuse, 0) == 0 ? 0 : 1);
}

/*
 * Makes the scratch tree and its /sys. Whether that works: it takes root, and a kernel that has
 * FUSE. In mounts of the test's own it is gone with the test, however that ends.
 */
static inline bool fake_kernel_start(void)
{
	bool ready;
	char byte;
	int fds[2];

	if (unshare(CLONE_NEWNS) == 0)
		ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	scratch_make();
	make_directory("/sys");
	fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(fake, MAP_FAILED);
	fake->override_writes_left = 100;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	fake_server = fork();
	ck_assert_int_ge(fake_server, 0);
	if (fake_server == 0)
		fake_serve(fds[1]);
	ck_assert_int_eq(close(fds[1]), 0);
	ready = read(fds[0], &byte, 1) == 1;
	ck_assert_int_eq(close(fds[0]), 0);
	if (!ready)
		(void)fprintf(stderr, "skipped: no FUSE\n");
	return ready;
}

static inline void fake_kernel_stop(void)
{
	if (fake_server > 0) {
		__atomic_store_n(&fake->let_go, true, __ATOMIC_SEQ_CST);
		(void)umount2(host("/sys"), MNT_DETACH);
		(void)kill(fake_server, SIGKILL);
		(void)waitpid(fake_server, NULL, 0);
	}
	fake_server = 0;
	(void)munmap(fake, sizeof(*fake));
	scratch_remove();
}
