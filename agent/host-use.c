/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/host-use.h"

#include <errno.h>
#include <stdio.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/buffer.h"
#include "snapshot/basic/file.h"
#include "snapshot/basic/number.h"
#include "snapshot/fields.h"
#include "snapshot/sysfs.h"

/* Uses that are named; who wants more looks for himself. */
#define USES_MAX 8
/* A name may be longer than a screen is wide. */
#define NAME_SHOWN_MAX 64
/* As in protected-private.h: nothing that is read is larger on a machine that works. */
#define TABLE_MAX (32U * 1024 * 1024)

#define IFF_UP_BIT 0x1

/**
 * struct disk - A block device below the function
 * @name:   "sda1", as in /sys/class/block
 * @path:   "/dev/sda1"
 * @number: "8:1"
 */
struct disk {
	const char *name;
	const char *path;
	const char *number;
};

struct search {
	const struct root *root;
	struct arena arena;
	/* The function and its virtual ones. */
	const struct pci_address **addresses;
	size_t n_addresses;
	bool is_boot_vga;

	struct disk *disks;
	size_t n_disks;
	size_t disks_allocated;

	const char *uses[USES_MAX];
	size_t n_uses;
	bool has_more;
	bool out_of_memory;

	/* Room for one attribute at a time. */
	struct sysfs_text text;
};

static void search_done(struct search *search)
{
	free(search->addresses);
	free(search->disks);
	arena_done(&search->arena);
	free(search);
}

/* Notes one use; @name is made fit to be shown. */
static void add_use(struct search *search, const char *before, struct bytes name, const char *after)
{
	struct buffer text = { 0 };
	const char *copy;

	buffer_append_text(&text, before);
	for (size_t i = 0; i < MIN_OF(name.size, (size_t)NAME_SHOWN_MAX); i++)
		buffer_append_char(&text,
				   name.data[i] < ' ' || name.data[i] > '~' ? '?' : name.data[i]);
	buffer_append_text(&text, name.size > NAME_SHOWN_MAX ? "..." : "");
	buffer_append_text(&text, after);
	copy = text.failed ? NULL : arena_copy(&search->arena, buffer_bytes(&text));
	buffer_done(&text);
	search->out_of_memory |= !copy;
	for (size_t i = 0; copy && i < search->n_uses; i++)
		if (strcmp(search->uses[i], copy) == 0)
			return;
	if (copy && search->n_uses < USES_MAX)
		search->uses[search->n_uses++] = copy;
	else
		search->has_more = true;
}

static int find_addresses(struct search *search, const struct inventory *now, size_t index)
{
	const struct pci_function *function = &now->functions[index];

	search->addresses = calloc(now->n_functions, sizeof(const struct pci_address *));
	if (!search->addresses)
		return -ENOMEM;
	search->is_boot_vga = function->boot_vga == 1;
	search->addresses[search->n_addresses++] = &function->address;
	for (size_t i = 0; i < now->n_functions; i++) {
		const struct pci_function *other = &now->functions[i];

		if (other->has_physfn &&
		    pci_address_compare(&other->physfn, &function->address) == 0)
			search->addresses[search->n_addresses++] = &other->address;
	}
	return 0;
}

/* What a path in /sys/devices says about where a device hangs. */
enum place {
	PLACE_BELOW,     /* below the function */
	PLACE_ELSEWHERE, /* below another one */
	PLACE_NOT_PCI,
};

static enum place find_place(const struct search *search, struct bytes path)
{
	enum place place = PLACE_NOT_PCI;
	struct pci_address address;
	struct bytes component;

	while (sysfs_next_component(&path, &component)) {
		if (pci_address_parse(component, &address) < 0)
			continue;
		place = PLACE_ELSEWHERE;
		for (size_t i = 0; i < search->n_addresses; i++)
			if (pci_address_compare(&address, search->addresses[i]) == 0)
				return PLACE_BELOW;
	}
	return place;
}

static enum place place_of(struct search *search, const struct sysfs *directory, const char *entry)
{
	if (sysfs_read_link(directory, entry, NULL, &search->text) < 0)
		return PLACE_NOT_PCI;
	return find_place(search, sysfs_bytes(&search->text));
}

/* Calls @look for each entry of a directory of /sys. Return: 0, or a negative errno. */
static int for_each(struct search *search, const char *path,
		    void (*look)(struct search *search, const struct sysfs *directory,
				 const char *entry))
{
	_cleanup_(sysfs_done) struct sysfs directory = { 0 };
	const char *entry;
	int r = sysfs_open(search->root, path, &directory);

	if (r < 0)
		return r;
	while ((r = sysfs_next(&directory, &entry)) > 0)
		look(search, &directory, entry);
	return r;
}

/* Of a multipath NVMe drive, which hangs from its subsystem: whether a controller is below. */
static bool leads_to_controller(struct search *search, struct bytes path)
{
	_cleanup_(sysfs_done) struct sysfs directory = { 0 };
	struct bytes component, before = BYTES_NONE;
	char name[SYSFS_NAME_MAX];
	const char *entry;
	int n = 0;

	for (; n == 0 && sysfs_next_component(&path, &component); before = component)
		if (bytes_equal_text(before, "nvme-subsystem"))
			n = snprintf(name, sizeof(name), "/sys/class/nvme-subsystem/%.*s",
				     (int)MIN_OF(component.size, sizeof(name)), component.data);
	if (n <= 0 || (size_t)n >= sizeof(name) || sysfs_open(search->root, name, &directory) < 0)
		return false;
	while (sysfs_next(&directory, &entry) > 0)
		if (place_of(search, &directory, entry) == PLACE_BELOW)
			return true;
	return false;
}

/* "cciss!c0d0" of sysfs is /dev/cciss/c0d0. */
static const char *device_path(struct search *search, const char *name)
{
	struct buffer path = { 0 };
	const char *copy;

	buffer_append_text(&path, "/dev/");
	for (; *name; name++)
		buffer_append_char(&path, *name == '!' ? '/' : *name);
	copy = path.failed ? NULL : arena_copy(&search->arena, buffer_bytes(&path));
	buffer_done(&path);
	return copy;
}

static void add_disk(struct search *search, const struct sysfs *directory, const char *entry)
{
	struct disk disk = { .name = arena_copy_text(&search->arena, entry),
			     .path = device_path(search, entry),
			     .number = "" };

	if (sysfs_read(directory, entry, "dev", &search->text) == 0)
		disk.number = arena_copy(&search->arena, sysfs_bytes(&search->text));
	if (!disk.name || !disk.path || !disk.number ||
	    ARRAY_RESERVE(search->disks, search->n_disks, search->disks_allocated) < 0)
		search->out_of_memory = true;
	else
		search->disks[search->n_disks++] = disk;
}

static void look_at_block(struct search *search, const struct sysfs *directory, const char *entry)
{
	enum place place = place_of(search, directory, entry);
	struct sysfs_text *link = &search->text;

	if (place == PLACE_NOT_PCI) {
		/* The same room is used to look at the controllers. */
		_cleanup_free_ char *path = NULL;

		if (sysfs_read_link(directory, entry, NULL, link) == 0 &&
		    bytes_duplicate(sysfs_bytes(link), &path) == 0 &&
		    leads_to_controller(search, bytes_of(path)))
			place = PLACE_BELOW;
	}
	if (place == PLACE_BELOW)
		add_disk(search, directory, entry);
}

static const struct disk *find_disk_by_path(const struct search *search, struct bytes path)
{
	for (size_t i = 0; i < search->n_disks; i++)
		if (bytes_equal_text(path, search->disks[i].path))
			return &search->disks[i];
	return NULL;
}

static bool is_disk_number(const struct search *search, struct bytes number)
{
	for (size_t i = 0; i < search->n_disks; i++)
		if (search->disks[i].number[0] && bytes_equal_text(number, search->disks[i].number))
			return true;
	return false;
}

/* "my--vg-root": in a device's name a '-' of the group's is doubled. */
static struct bytes group_name(char *name)
{
	size_t n = 0;

	for (const char *c = name; *c; c++) {
		if (*c == '-' && *++c != '-')
			break;
		name[n++] = *c;
	}
	return bytes_make(name, n);
}

/* dm-3, md0, bcache0: made of a disk of ours, whether mounted or not. */
static void look_at_holder(struct search *search, const struct sysfs *directory, const char *entry)
{
	struct sysfs_text *text = &search->text;
	bool is_volume;

	if (strncmp(entry, "dm-", 3) != 0) {
		add_use(search, strncmp(entry, "md", 2) == 0 ? "array " : "device ",
			bytes_of(entry), "");
		return;
	}
	is_volume = sysfs_read(directory, entry, "dm/uuid", text) == 0 &&
		    bytes_start_with(sysfs_bytes(text), bytes_of("LVM-"));
	if (sysfs_read(directory, entry, "dm/name", text) < 0)
		add_use(search, "device ", bytes_of(entry), "");
	else if (is_volume)
		add_use(search, "volume group ", group_name(text->data), "");
	else
		add_use(search, "device ", sysfs_bytes(text), "");
}

/* Return: 0, or a negative errno. */
static int look_at_holders(struct search *search)
{
	char path[SYSFS_NAME_MAX];
	int r = 0;

	for (size_t i = 0; i < search->n_disks && r == 0; i++) {
		(void)snprintf(path, sizeof(path), "/sys/class/block/%s/holders",
			       search->disks[i].name);
		r = for_each(search, path, look_at_holder);
		/* It may just have gone; a copy of a /sys may be without what is empty. */
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

/* A btrfs is on several devices; a mount names one. */
static void look_at_btrfs(struct search *search, const struct sysfs *directory, const char *entry)
{
	char path[SYSFS_NAME_MAX];

	(void)directory;
	for (size_t i = 0; i < search->n_disks; i++) {
		int n = snprintf(path, sizeof(path), "/sys/fs/btrfs/%s/devices/%s", entry,
				 search->disks[i].name);

		if (n > 0 && (size_t)n < sizeof(path) && root_exists(search->root, path))
			add_use(search, "btrfs on ", bytes_of(search->disks[i].name), "");
	}
}

static int read_table(const struct search *search, const char *path, char **ret_data,
		      struct bytes *ret_text)
{
	_cleanup_close_ int fd = sysfs_open_file(search->root, path);
	size_t size;
	int r = fd < 0 ? fd : file_read_fd(fd, TABLE_MAX, ret_data, &size);

	if (r == 0)
		*ret_text = bytes_make(*ret_data, size);
	return r;
}

static void add_mount(struct search *search, struct bytes where)
{
	const char *plain = fields_unescape(&search->arena, where);

	if (!plain)
		search->out_of_memory = true;
	else if (strcmp(plain, "/") == 0)
		add_use(search, "root file system", BYTES_NONE, "");
	else
		add_use(search, "mount ", bytes_of(plain), "");
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": proc_pid_mountinfo(5). */
static void look_at_mount(struct search *search, struct bytes line)
{
	struct bytes ignored, number, where, field, type, source;
	const char *plain;

	if (!fields_next(&line, &ignored) || !fields_next(&line, &ignored) ||
	    !fields_next(&line, &number) || !fields_next(&line, &ignored) ||
	    !fields_next(&line, &where))
		return;
	do
		if (!fields_next(&line, &field))
			return;
	while (!bytes_equal_text(field, "-"));
	if (!fields_next(&line, &type) || !fields_next(&line, &source))
		return;
	plain = fields_unescape(&search->arena, source);
	search->out_of_memory |= !plain;
	/* Some have a number of their own making: btrfs, what is mounted through FUSE. */
	if (is_disk_number(search, number) || (plain && find_disk_by_path(search, bytes_of(plain))))
		add_mount(search, where);
}

static int look_at_mounts(struct search *search)
{
	_cleanup_free_ char *data = NULL;
	struct bytes text, line;
	int r = read_table(search, "/proc/self/mountinfo", &data, &text);

	/* In a copy "self" is whatever made it, or leads nowhere. */
	if (r == -ENOENT)
		r = read_table(search, "/proc/1/mountinfo", &data, &text);
	while (r == 0 && fields_next_line(&text, &line))
		look_at_mount(search, line);
	return r;
}

/* A kernel without swap has no such table. */
static int look_at_swaps(struct search *search)
{
	_cleanup_free_ char *data = NULL;
	struct bytes text, line, field;
	int r = read_table(search, "/proc/swaps", &data, &text);

	while (r == 0 && fields_next_line(&text, &line)) {
		const char *path;

		if (!fields_next(&line, &field))
			continue;
		path = fields_unescape(&search->arena, field);
		search->out_of_memory |= !path;
		if (path && find_disk_by_path(search, bytes_of(path)))
			add_use(search, "swap", BYTES_NONE, "");
	}
	return r == -ENOENT ? 0 : r;
}

/* "NAME<tab>…" a pool, then its vdevs, "<tab>/dev/sda3<tab>…" a line. */
static void look_at_pools(struct search *search, struct bytes zpool_list)
{
	struct bytes line, name, pool = BYTES_NONE;

	while (fields_next_line(&zpool_list, &line)) {
		bool is_vdev = line.size > 0 && line.data[0] == '\t';

		if (is_vdev)
			line = bytes_slice(line, 1, line.size - 1);
		/* Headings ("logs", "cache") have no columns. */
		if (!memchr(line.size ? line.data : "", '\t', line.size) ||
		    !fields_next_item(&line, '\t', &name))
			continue;
		if (!is_vdev)
			pool = name;
		else if (find_disk_by_path(search, name))
			add_use(search, "pool ", pool, "");
	}
}

static int look_at_disks(struct search *search, struct bytes zpool_list)
{
	int r = for_each(search, "/sys/class/block", look_at_block);

	if (r < 0 || search->n_disks == 0)
		return r;
	r = look_at_mounts(search);
	if (r == 0)
		r = look_at_swaps(search);
	look_at_pools(search, zpool_list);
	if (r == 0)
		r = look_at_holders(search);
	(void)!for_each(search, "/sys/fs/btrfs", look_at_btrfs);
	return r;
}

static bool is_up(struct bytes flags)
{
	uint64_t value;

	if (!bytes_start_with(flags, bytes_of("0x")))
		return false;
	flags = bytes_slice(flags, 2, flags.size - 2);
	return number_parse(flags, 16, UINT32_MAX, &value) == 0 && (value & IFF_UP_BIT) != 0;
}

static void look_at_link(struct search *search, const struct sysfs *directory, const char *entry)
{
	struct sysfs_text *text = &search->text;

	if (place_of(search, directory, entry) != PLACE_BELOW)
		return;
	if (sysfs_read_link(directory, entry, "master", text) == 0)
		add_use(search, "link ", bytes_of(entry), " in a bridge or bond");
	else if (sysfs_read(directory, entry, "flags", text) == 0 && is_up(sysfs_bytes(text)))
		add_use(search, "link ", bytes_of(entry), " is up");
}

/*
 * The firmware's frame buffer may hang from no function; then it is in the memory of the display
 * that the firmware used.
 */
static bool is_console_place(const struct search *search, enum place place)
{
	return place == PLACE_BELOW || (place == PLACE_NOT_PCI && search->is_boot_vga);
}

static void look_at_graphics(struct search *search, const struct sysfs *directory,
			     const char *entry)
{
	/* "fbcon" is in the same class, and no frame buffer. */
	if (strncmp(entry, "fb", 2) == 0 && entry[2] >= '0' && entry[2] <= '9' &&
	    is_console_place(search, place_of(search, directory, entry)))
		add_use(search, "frame buffer ", bytes_of(entry), "");
}

/* The text console of old: it has no frame buffer, and uses the display of the firmware. */
static void look_at_vtconsole(struct search *search, const struct sysfs *directory,
			      const char *entry)
{
	struct sysfs_text *text = &search->text;

	if (!search->is_boot_vga || sysfs_read(directory, entry, "name", text) < 0 ||
	    !bytes_find(sysfs_bytes(text), "VGA"))
		return;
	if (sysfs_read(directory, entry, "bind", text) == 0 &&
	    bytes_equal_text(sysfs_bytes(text), "1"))
		add_use(search, "text console", BYTES_NONE, "");
}

/* "tty0 ttyS4": where the kernel's messages go; a serial port may be on a card. */
static void look_at_consoles(struct search *search)
{
	_cleanup_(sysfs_done) struct sysfs directory = { 0 };
	struct sysfs_text active;
	struct bytes rest, name;
	char entry[64];

	if (sysfs_open(search->root, "/sys/class/tty", &directory) < 0 ||
	    sysfs_read(&directory, "console", "active", &active) < 0)
		return;
	for (rest = sysfs_bytes(&active); fields_next(&rest, &name);) {
		if (name.size >= sizeof(entry))
			continue;
		(void)snprintf(entry, sizeof(entry), "%.*s", (int)name.size, name.data);
		if (place_of(search, &directory, entry) == PLACE_BELOW)
			add_use(search, "console ", name, "");
	}
}

static int compare_uses(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In an order that does not depend on that of the folders. */
static int finish(struct search *search, char **ret_text)
{
	struct buffer text = { 0 };
	int r;

	if (search->out_of_memory)
		return -ENOMEM;
	if (search->n_uses == 0)
		return 0;
	qsort(search->uses, search->n_uses, sizeof(*search->uses), compare_uses);
	for (size_t i = 0; i < search->n_uses; i++)
		buffer_appendf(&text, "%s%s", i > 0 ? ", " : "", search->uses[i]);
	if (search->has_more)
		buffer_append_text(&text, ", and more");
	r = buffer_finish(&text, ret_text, NULL);
	return r < 0 ? r : 1;
}

int host_use_find(const struct root *root, struct bytes zpool_list, const struct inventory *now,
		  size_t function, char **ret_text)
{
	struct search *search = calloc(1, sizeof(*search));
	int r;

	if (!search)
		return -ENOMEM;
	search->root = root;
	r = find_addresses(search, now, function);
	if (r == 0)
		r = look_at_disks(search, zpool_list);
	if (r == 0)
		r = for_each(search, "/sys/class/net", look_at_link);
	/* These two are not in every kernel. */
	if (r == 0) {
		(void)!for_each(search, "/sys/class/graphics", look_at_graphics);
		(void)!for_each(search, "/sys/class/vtconsole", look_at_vtconsole);
		look_at_consoles(search);
		r = finish(search, ret_text);
	}
	search_done(search);
	return r;
}
