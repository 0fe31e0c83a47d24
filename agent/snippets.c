/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * storage.cfg: a head "TYPE: ID" each, then indented lines "KEY VALUE" up to an empty line
 * (PVE::SectionConfig, PVE::Storage::Plugin).
 */
#include "agent/snippets.h"

#include <errno.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/buffer.h"
#include "snapshot/basic/file.h"
#include "snapshot/fields.h"
#include "snapshot/sysfs.h"

#define STORAGE_FILE "/etc/pve/storage.cfg"
/* Larger ones /etc/pve does not hold. */
#define STORAGE_FILE_MAX (1024UL * 1024)

#define SNIPPETS      "snippets"
#define VOLUME_PREFIX SNIPPETS "/"
#define LOCAL_ID      "local"
#define LOCAL_PATH    "/var/lib/vz"

/**
 * struct entry - One storage as it is read
 * @subfolder: from content-dirs; empty: the usual one
 * @elsewhere: it is not for this node
 * @mounted:   something may have to be mounted first
 */
struct entry {
	struct bytes type;
	struct bytes id;
	struct bytes path;
	struct bytes subfolder;
	bool snippets;
	bool disabled;
	bool shared;
	bool elsewhere;
	bool mounted;
};

void snippet_storages_done(struct snippet_storages *storages)
{
	if (!storages)
		return;
	free(storages->items);
	arena_done(&storages->arena);
	*storages = (struct snippet_storages){ 0 };
}

/* Items of a list: with ',', ';' or blanks between (PVE::Tools::split_list). */
static bool next_item(struct bytes *rest, struct bytes *ret_item)
{
	static const char separators[] = ",; \t";
	size_t start = 0, end;

	while (start < rest->size && strchr(separators, rest->data[start]))
		start++;
	end = start;
	while (end < rest->size && !strchr(separators, rest->data[end]))
		end++;
	if (end == start)
		return false;
	*ret_item = bytes_slice(*rest, start, end - start);
	*rest = bytes_slice(*rest, end, rest->size - end);
	return true;
}

static bool list_has(struct bytes list, const char *word)
{
	struct bytes item;

	while (next_item(&list, &item))
		if (bytes_equal_text(item, word))
			return true;
	return false;
}

/* "iso=images,snippets=scripts" */
static struct bytes find_subfolder(struct bytes list)
{
	const struct bytes key = bytes_of(SNIPPETS "=");
	struct bytes item;

	while (next_item(&list, &item))
		if (bytes_start_with(item, key))
			return bytes_slice(item, key.size, item.size - key.size);
	return BYTES_NONE;
}

static struct bytes trim(struct bytes text)
{
	while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
		text = bytes_slice(text, 1, text.size - 1);
	while (text.size > 0 && strchr(" \t\r", text.data[text.size - 1]))
		text.size--;
	return text;
}

/* A switch may stand alone: "disable", "shared 1". */
static bool is_on(struct bytes value)
{
	static const char *const off[] = { "0", "off", "no", "false" };

	for (size_t i = 0; i < ARRAY_SIZE(off); i++)
		if (bytes_equal_text(value, off[i]))
			return false;
	return true;
}

static void take_property(struct entry *entry, struct bytes line, const char *node)
{
	struct bytes key, value;

	if (!fields_next(&line, &key))
		return;
	value = trim(line);
	if (bytes_equal_text(key, "path"))
		entry->path = value;
	else if (bytes_equal_text(key, "content"))
		entry->snippets = list_has(value, SNIPPETS);
	else if (bytes_equal_text(key, "content-dirs"))
		entry->subfolder = find_subfolder(value);
	else if (bytes_equal_text(key, "nodes"))
		entry->elsewhere = !list_has(value, node);
	else if (bytes_equal_text(key, "disable"))
		entry->disabled = is_on(value);
	else if (bytes_equal_text(key, "shared"))
		entry->shared = is_on(value);
	else if (bytes_equal_text(key, "is_mountpoint"))
		entry->mounted = is_on(value);
}

/* What it is called becomes part of guests' files. */
static bool is_id(struct bytes id)
{
	for (size_t i = 0; i < id.size; i++) {
		char c = id.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_' && c != '.')
			return false;
	}
	return id.size > 0;
}

static int add_storage(struct snippet_storages *storages, const struct entry *entry)
{
	struct buffer folder = { 0 };
	struct snippet_storage storage = { 0 };
	int r = -ENOMEM;

	buffer_append(&folder, entry->path);
	buffer_append_text(&folder, "/");
	buffer_append(&folder, entry->subfolder.size ? entry->subfolder : bytes_of(SNIPPETS));
	storage.id = arena_copy(&storages->arena, entry->id);
	if (!folder.failed)
		storage.folder = arena_copy(&storages->arena, buffer_bytes(&folder));
	buffer_done(&folder);
	/* What is shared, other nodes would run, too, where nobody knows what to run after it. */
	storage.usable =
		entry->snippets && !entry->disabled && !entry->shared && !entry->elsewhere &&
		!entry->mounted &&
		(bytes_equal_text(entry->type, "dir") || bytes_equal_text(entry->type, "btrfs"));
	if (storage.id && storage.folder)
		r = ARRAY_RESERVE(storages->items, storages->n_items, storages->allocated);
	if (r == 0)
		storages->items[storages->n_items++] = storage;
	return r;
}

static bool is_local(const struct entry *entry)
{
	return bytes_equal_text(entry->id, LOCAL_ID);
}

/* Return: 0, or -ENOMEM. */
static int finish_entry(struct snippet_storages *storages, struct entry *entry, bool *has_local)
{
	struct entry done = *entry;

	*entry = (struct entry){ 0 };
	if (is_local(&done)) {
		if (done.path.size == 0)
			done.path = bytes_of(LOCAL_PATH);
		/* Another one than it has to be counts as if it were not there. */
		if (!bytes_equal_text(done.type, "dir") || !bytes_equal_text(done.path, LOCAL_PATH))
			return 0;
		*has_local = true;
		done.elsewhere = false;
	}
	if (!is_id(done.id) || done.path.size == 0 || done.path.data[0] != '/')
		return 0;
	return add_storage(storages, &done);
}

/* "dir: local" */
static bool read_head(struct bytes line, struct entry *entry)
{
	const char *colon = memchr(line.data, ':', line.size);
	struct bytes rest, extra;

	if (!colon)
		return false;
	entry->type = bytes_slice(line, 0, (size_t)(colon - line.data));
	rest = trim(bytes_slice(line, entry->type.size + 1, line.size - entry->type.size - 1));
	return fields_next(&rest, &entry->id) && !fields_next(&rest, &extra);
}

static int read_entries(struct snippet_storages *storages, struct bytes text, const char *node)
{
	struct entry entry = { 0 };
	bool has_local = false;
	struct bytes line;
	int r = 0;

	while (r == 0 && fields_next_line(&text, &line)) {
		struct bytes trimmed = trim(line);

		if (trimmed.size > 0 && trimmed.data[0] == '#')
			continue;
		if (trimmed.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t')) {
			take_property(&entry, line, node);
			continue;
		}
		r = finish_entry(storages, &entry, &has_local);
		if (trimmed.size > 0 && !read_head(line, &entry))
			entry = (struct entry){ 0 };
	}
	if (r == 0)
		r = finish_entry(storages, &entry, &has_local);
	if (r == 0 && !has_local)
		r = add_storage(storages, &(struct entry){ .type = bytes_of("dir"),
							   .id = bytes_of(LOCAL_ID),
							   .path = bytes_of(LOCAL_PATH),
							   .snippets = true });
	return r;
}

int snippet_storages_read(const struct root *root, const char *node,
			  struct snippet_storages *ret_storages, struct problem *problem)
{
	_cleanup_(snippet_storages_done) struct snippet_storages storages = { 0 };
	_cleanup_close_ int fd = sysfs_open_file(root, STORAGE_FILE);
	_cleanup_free_ char *data = NULL;
	struct root_name name;
	size_t size = 0;
	int r = fd;

	if (fd >= 0)
		r = file_read_fd(fd, STORAGE_FILE_MAX, &data, &size);
	if (r >= 0 || r == -ENOENT)
		r = read_entries(&storages, bytes_make(data, size), node);
	if (r < 0)
		return problem_set_errno(problem, r, root_show(root, STORAGE_FILE, &name), "read");
	*ret_storages = storages;
	storages = (struct snippet_storages){ 0 };
	return 0;
}

const struct snippet_storage *snippet_storages_choose(const struct snippet_storages *storages)
{
	const struct snippet_storage *first = NULL;

	for (size_t i = 0; i < storages->n_items; i++) {
		const struct snippet_storage *storage = &storages->items[i];

		if (storage->usable && (!first || strcmp(storage->id, LOCAL_ID) == 0))
			first = storage;
	}
	return first;
}

const char *snippet_path(const struct snippet_storages *storages, struct bytes volume,
			 struct arena *arena)
{
	const struct bytes prefix = bytes_of(VOLUME_PREFIX);
	const char *colon = volume.size ? memchr(volume.data, ':', volume.size) : NULL, *copy;
	struct buffer path = { 0 };
	struct bytes id, name;

	if (!colon)
		return NULL;
	id = bytes_slice(volume, 0, (size_t)(colon - volume.data));
	name = bytes_slice(volume, id.size + 1, volume.size - id.size - 1);
	if (!bytes_start_with(name, prefix))
		return NULL;
	name = bytes_slice(name, prefix.size, name.size - prefix.size);
	if (name.size == 0 || memchr(name.data, '/', name.size))
		return NULL;
	for (size_t i = 0; i < storages->n_items && path.size == 0; i++)
		if (bytes_equal_text(id, storages->items[i].id))
			buffer_appendf(&path, "%s/%.*s", storages->items[i].folder, (int)name.size,
				       name.data);
	copy = path.failed || path.size == 0 ? NULL : arena_copy(arena, buffer_bytes(&path));
	buffer_done(&path);
	return copy;
}
