/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* File systems and swap: proc_pid_mountinfo(5), /proc/swaps, fstab(5). */
#include "snapshot/protected-private.h"

#include <errno.h>
#include <stdio.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/buffer.h"
#include "snapshot/fields.h"

/* Longest path looked up, as PATH_MAX of the kernel. */
#define PATH_SIZE 4096

/**
 * struct mount - One line of mountinfo
 * @number:  of the device; major 0 for file systems that have none, or several
 * @options: the file system's own
 * @order:   its line: what is mounted later hides what is mounted earlier on the same directory
 * @node:    what it stands on, or NOWHERE
 */
struct mount {
	const char *number;
	const char *where;
	const char *type;
	const char *source;
	const char *options;
	size_t order;
	size_t node;
};

/* One line of fstab. */
struct fstab_entry {
	const char *source;
	const char *where;
	const char *type;
	struct bytes options;
};

static enum rank rank_of(const char *where)
{
	static const struct {
		const char *where;
		enum rank rank;
	} ranks[] = {
		{ "/", RANK_ROOT },
		{ "/boot", RANK_BOOT },
		{ "/boot/efi", RANK_ESP },
		{ "/efi", RANK_ESP },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranks); i++)
		if (strcmp(where, ranks[i].where) == 0)
			return ranks[i].rank;
	return RANK_MOUNT;
}

static int claim_mount(struct protection *protection, size_t node, enum rank rank,
		       const char *where)
{
	static const char *const texts[] = {
		[RANK_ROOT] = "root file system",
		[RANK_BOOT] = "/boot",
		[RANK_ESP] = "EFI system partition",
		[RANK_SWAP] = "swap",
	};

	if (rank == RANK_MOUNT)
		return protection_claim(protection, node, rank, "mount ", where, "");
	return protection_claim(protection, node, rank, texts[rank], NULL, "");
}

static bool type_is_network(const char *type)
{
	static const char *const types[] = { "nfs", "nfs4", "cifs", "smb3", "ceph" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

/* The pool of a dataset: "rpool/ROOT/pve-1". */
static size_t find_pool(const struct protection *protection, const char *dataset)
{
	return protection_find(protection, NODE_POOL, bytes_make(dataset, strcspn(dataset, "/")));
}

/* All devices of the file system that a device is part of, or the device. */
static size_t whole_of(const struct protection *protection, size_t node)
{
	if (node == NOWHERE || protection->nodes[node].filesystem == NOWHERE)
		return node;
	return protection->nodes[node].filesystem;
}

static bool is_network_root(const char *where, const char *type)
{
	return strcmp(where, "/") == 0 && type_is_network(type);
}

static size_t resolve_mount(struct protection *protection, const struct mount *mount)
{
	size_t node = NOWHERE;

	if (strcmp(mount->type, "zfs") == 0)
		return find_pool(protection, mount->source);
	if (is_network_root(mount->where, mount->type))
		return protection->first[NODE_NETWORK];
	/* btrfs, and what is mounted through FUSE, have a number of their own making. */
	if (strncmp(mount->number, "0:", 2) != 0)
		node = block_find_number(protection, mount->number);
	if (node == NOWHERE)
		node = block_find_path(protection, mount->source);
	return whole_of(protection, node);
}

/*
 * "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue": between the
 * options of the mount and the dash there is any number of fields.
 */
static int read_mount(struct protection *protection, struct bytes line, struct mount *mount)
{
	struct bytes ignored, number, where, field = BYTES_NONE, type, source, options;

	if (!fields_next(&line, &ignored) || !fields_next(&line, &ignored) ||
	    !fields_next(&line, &number) || !fields_next(&line, &ignored) ||
	    !fields_next(&line, &where) || !fields_next(&line, &ignored))
		return 0;
	while (fields_next(&line, &field) && !bytes_equal_text(field, "-"))
		;
	if (!bytes_equal_text(field, "-") || !fields_next(&line, &type) ||
	    !fields_next(&line, &source))
		return 0;
	if (!fields_next(&line, &options))
		options = BYTES_NONE;
	mount->number = arena_copy(&protection->arena, number);
	mount->where = fields_unescape(&protection->arena, where);
	mount->type = arena_copy(&protection->arena, type);
	mount->source = fields_unescape(&protection->arena, source);
	mount->options = fields_unescape(&protection->arena, options);
	if (!mount->number || !mount->where || !mount->type || !mount->source || !mount->options)
		return -ENOMEM;
	return mount->where[0] == '/';
}

static int read_mountinfo(struct protection *protection, struct bytes text)
{
	struct bytes line;
	int r;

	while (fields_next_line(&text, &line)) {
		struct mount mount = { .order = protection->n_mounts, .node = NOWHERE };

		r = read_mount(protection, line, &mount);
		if (r > 0)
			r = ARRAY_RESERVE(protection->mounts, protection->n_mounts,
					  protection->mounts_allocated);
		else if (r == 0)
			continue;
		if (r < 0)
			return r;
		protection->mounts[protection->n_mounts++] = mount;
	}
	return 0;
}

static int read_fstab_line(struct protection *protection, struct bytes line)
{
	struct bytes source, where, type, options;
	struct fstab_entry entry;
	int r;

	if (!fields_next(&line, &source) || source.data[0] == '#' || !fields_next(&line, &where) ||
	    !fields_next(&line, &type))
		return 0;
	if (!fields_next(&line, &options))
		options = BYTES_NONE;
	while (where.size > 1 && where.data[where.size - 1] == '/')
		where.size--;
	entry.source = fields_unescape(&protection->arena, source);
	entry.where = fields_unescape(&protection->arena, where);
	entry.type = arena_copy(&protection->arena, type);
	entry.options = bytes_of(arena_copy(&protection->arena, options));
	if (!entry.source || !entry.where || !entry.type || !entry.options.data)
		return -ENOMEM;
	r = ARRAY_RESERVE(protection->fstab, protection->n_fstab, protection->fstab_allocated);
	if (r == 0)
		protection->fstab[protection->n_fstab++] = entry;
	return r;
}

static int compare_mounts(const void *a, const void *b)
{
	const struct mount *left = a, *right = b;
	int order = strcmp(left->where, right->where);

	return order ? order : (left->order > right->order) - (left->order < right->order);
}

static int compare_fstab(const void *a, const void *b)
{
	const struct fstab_entry *left = a, *right = b;

	return strcmp(left->where, right->where);
}

static int read_fstab(struct protection *protection)
{
	_cleanup_free_ char *data = NULL;
	struct bytes text, line;
	int r;

	r = protection_read_file(protection, "/etc/fstab", &data, &text);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	while (r == 0 && fields_next_line(&text, &line))
		r = read_fstab_line(protection, line);
	if (protection->n_fstab)
		qsort(protection->fstab, protection->n_fstab, sizeof(*protection->fstab),
		      compare_fstab);
	return r;
}

int mounts_read(struct protection *protection)
{
	_cleanup_free_ char *data = NULL;
	struct bytes text;
	int r;

	r = protection_read_file(protection, "/proc/self/mountinfo", &data, &text);
	/* In a copy "self" is whatever made it, or leads nowhere. */
	if (r < 0 && r != -ENOMEM)
		r = protection_read_file(protection, "/proc/1/mountinfo", &data, &text);
	if (r == 0)
		r = read_mountinfo(protection, text);
	if (r == -ENOMEM)
		return r;
	if (protection->n_mounts)
		qsort(protection->mounts, protection->n_mounts, sizeof(*protection->mounts),
		      compare_mounts);
	for (size_t i = 0; i < protection->n_mounts; i++)
		protection->mounts[i].node = resolve_mount(protection, &protection->mounts[i]);
	return read_fstab(protection);
}

/* The mount that is seen on a directory, or NULL. */
static const struct mount *find_mount(const struct protection *protection, struct bytes where)
{
	size_t low = 0, high = protection->n_mounts;

	/* Behind the last that is not greater. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (bytes_compare(bytes_of(protection->mounts[middle].where), where) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || !bytes_equal_text(where, protection->mounts[low - 1].where))
		return NULL;
	return &protection->mounts[low - 1];
}

size_t mounts_find_holder(struct protection *protection, const char *path)
{
	struct bytes directory = bytes_make(path, strnlen(path, PATH_SIZE));

	if (path[0] != '/')
		return NOWHERE;
	for (;;) {
		const struct mount *mount = find_mount(protection, directory);

		if (mount)
			return mount->node;
		if (directory.size <= 1)
			return NOWHERE;
		while (directory.size > 1 && directory.data[directory.size - 1] != '/')
			directory.size--;
		if (directory.size > 1)
			directory.size--;
	}
}

/* All lines for a directory have to say so: one of them is what is mounted. */
static bool is_nofail(const struct protection *protection, const char *where)
{
	const struct fstab_entry key = { .where = where }, *found, *end;

	if (protection->n_fstab == 0)
		return false;
	found = bsearch(&key, protection->fstab, protection->n_fstab, sizeof(key), compare_fstab);
	if (!found)
		return false;
	while (found > protection->fstab && strcmp(found[-1].where, where) == 0)
		found--;
	end = protection->fstab + protection->n_fstab;
	for (; found < end && strcmp(found->where, where) == 0; found++)
		if (!fields_have_option(found->options, "nofail"))
			return false;
	return true;
}

/* Of the mounts of one file system, which come by mount point, one says why. */
static void note_mount(struct protection *protection, const struct mount *mount)
{
	struct node *node = &protection->nodes[mount->node];
	enum rank rank = rank_of(mount->where);

	if (rank == RANK_MOUNT && is_nofail(protection, mount->where))
		return;
	if (node->mount && node->mount_rank <= rank)
		return;
	node->mount = mount->where;
	node->mount_rank = rank;
}

static int claim_mounted(struct protection *protection)
{
	int r = 0;

	for (size_t i = 0; i < protection->n_mounts; i++)
		if (protection->mounts[i].node != NOWHERE)
			note_mount(protection, &protection->mounts[i]);
	for (size_t i = 0; i < protection->n_nodes && r == 0; i++)
		if (protection->nodes[i].mount)
			r = claim_mount(protection, i, protection->nodes[i].mount_rank,
					protection->nodes[i].mount);
	return r;
}

/* A live system's root may be layers; each is a directory somewhere else. */
static int claim_layers(struct protection *protection, const struct mount *root)
{
	static const char *const keys[] = { "lowerdir=", "lowerdir+=", "upperdir=" };
	struct bytes options = bytes_of(root->options), option, path;
	int r = 0;

	while (r == 0 && fields_next_item(&options, ',', &option)) {
		size_t skip = 0;

		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			if (bytes_start_with(option, bytes_of(keys[i])))
				skip = strlen(keys[i]);
		option = bytes_slice(option, skip, skip ? option.size - skip : 0);
		while (r == 0 && fields_next_item(&option, ':', &path)) {
			const char *copy = arena_copy(&protection->arena, path);

			if (!copy)
				return -ENOMEM;
			r = claim_mount(protection, mounts_find_holder(protection, copy), RANK_ROOT,
					NULL);
		}
	}
	return r;
}

static int claim_overlay_root(struct protection *protection)
{
	const struct mount *root = find_mount(protection, bytes_of("/"));

	if (!root || strcmp(root->type, "overlay") != 0)
		return 0;
	return claim_layers(protection, root);
}

/* What udev puts in the place of a byte in the name of a link: \x20 for a blank. */
static void append_encoded(struct buffer *path, const char *value)
{
	for (; *value; value++) {
		bool plain = (*value >= '0' && *value <= '9') || (*value >= 'a' && *value <= 'z') ||
			     (*value >= 'A' && *value <= 'Z') || strchr("#+-.:=@_", *value) ||
			     (uint8_t)*value >= 0x80;

		if (plain)
			buffer_append_char(path, *value);
		else
			buffer_appendf(path, "\\x%02x", (unsigned int)(uint8_t)*value);
	}
}

/* "UUID=…" as udev's link to the device; -ENOENT when it is no such thing. */
static int find_tag(const char *source, struct buffer *path)
{
	static const char *const tags[][2] = {
		{ "UUID=", "by-uuid" },
		{ "LABEL=", "by-label" },
		{ "PARTUUID=", "by-partuuid" },
		{ "PARTLABEL=", "by-partlabel" },
		{ "ID=", "by-id" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		size_t size = strlen(tags[i][0]);

		if (strncmp(source, tags[i][0], size) != 0)
			continue;
		buffer_appendf(path, "/dev/disk/%s/", tags[i][1]);
		append_encoded(path, source + size);
		return 0;
	}
	return -ENOENT;
}

/* Quotes are allowed around a tag's value: LABEL="my disk". */
static const char *without_quotes(struct protection *protection, const char *source)
{
	const char *quote = strchr(source, '"');
	size_t size = strlen(source);
	struct buffer text = { 0 };
	const char *copy;

	if (!quote || source[size - 1] != '"' || quote == source + size - 1)
		return source;
	buffer_append(&text, bytes_make(source, (size_t)(quote - source)));
	buffer_append(&text, bytes_make(quote + 1, (size_t)(source + size - 1 - (quote + 1))));
	copy = text.failed ? NULL : arena_copy(&protection->arena, buffer_bytes(&text));
	buffer_done(&text);
	return copy;
}

static int find_source(struct protection *protection, const struct fstab_entry *entry,
		       size_t *ret_node)
{
	const char *source = without_quotes(protection, entry->source);
	struct buffer path = { 0 };
	int r = 0;

	if (!source)
		return -ENOMEM;
	*ret_node = NOWHERE;
	if (strcmp(entry->type, "zfs") == 0)
		*ret_node = find_pool(protection, source);
	else if (is_network_root(entry->where, entry->type))
		*ret_node = protection->first[NODE_NETWORK];
	else if (find_tag(source, &path) < 0)
		*ret_node = whole_of(protection, block_find_path(protection, source));
	else if (path.failed)
		r = -ENOMEM;
	else
		*ret_node = whole_of(protection, block_find_path(protection, path.data));
	buffer_done(&path);
	return r;
}

/* What should be there but is not: a mount that failed, or all of them where none are known. */
static int claim_fstab_entry(struct protection *protection, const struct fstab_entry *entry)
{
	bool is_swap = strcmp(entry->type, "swap") == 0;
	enum rank rank = is_swap ? RANK_SWAP : rank_of(entry->where);
	const struct mount *mount = find_mount(protection, bytes_of(entry->where));
	size_t node;
	int r;

	if ((rank == RANK_MOUNT || is_swap) && (fields_have_option(entry->options, "nofail") ||
						fields_have_option(entry->options, "noauto")))
		return 0;
	if (!is_swap && (entry->where[0] != '/' || (mount && mount->node != NOWHERE)))
		return 0;
	r = find_source(protection, entry, &node);
	if (r < 0)
		return r;
	if (is_swap && node == NOWHERE)
		node = mounts_find_holder(protection, entry->source);
	return claim_mount(protection, node, rank, entry->where);
}

/* A header, then "/dev/dm-1 partition 8388604 0 -2" or "/swapfile file …". */
static int claim_swaps(struct protection *protection)
{
	_cleanup_free_ char *data = NULL;
	struct bytes text, line, field;
	int r;

	r = protection_read_file(protection, "/proc/swaps", &data, &text);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	while (r == 0 && fields_next_line(&text, &line)) {
		const char *path;
		size_t node;

		if (!fields_next(&line, &field) || field.data[0] != '/')
			continue;
		path = fields_unescape(&protection->arena, field);
		if (!path)
			return -ENOMEM;
		node = whole_of(protection, block_find_path(protection, path));
		if (node == NOWHERE && !bytes_start_with(field, bytes_of("/dev/")))
			node = mounts_find_holder(protection, path);
		r = claim_mount(protection, node, RANK_SWAP, NULL);
	}
	return r;
}

/* Proxmox VE keeps its EFI system partitions unmounted: a UUID a line, written by its own tool. */
static int claim_boot_uuids(struct protection *protection)
{
	_cleanup_free_ char *data = NULL;
	struct bytes text, line, uuid;
	int r;

	r = protection_read_file(protection, "/etc/kernel/proxmox-boot-uuids", &data, &text);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	while (r == 0 && fields_next_line(&text, &line)) {
		struct fstab_entry entry = { .where = "/efi", .type = "vfat" };
		struct buffer source = { 0 };
		size_t node = NOWHERE;

		if (!fields_next(&line, &uuid))
			continue;
		buffer_append_text(&source, "UUID=");
		buffer_append(&source, uuid);
		entry.source = source.data;
		r = source.failed ? -ENOMEM : find_source(protection, &entry, &node);
		buffer_done(&source);
		if (r == 0)
			r = claim_mount(protection, node, RANK_ESP, NULL);
	}
	return r;
}

int mounts_claim(struct protection *protection)
{
	int r;

	r = claim_mounted(protection);
	if (r == 0)
		r = claim_overlay_root(protection);
	if (r == 0)
		r = claim_swaps(protection);
	if (r == 0)
		r = claim_boot_uuids(protection);
	for (size_t i = 0; i < protection->n_fstab && r == 0; i++)
		r = claim_fstab_entry(protection, &protection->fstab[i]);
	return r;
}
