/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /etc/pve/mapping/pci.cfg: devices that guests name by an id (PVE::Mapping::PCI). A `map` line
 * says where one is on one node; several of one node are alternatives.
 */
#include <errno.h>

#include "recovery/sources/joined-line.h"
#include "recovery/sources/managed-file.h"
#include "recovery/sources/pve-section.h"
#include "recovery/sources/pve.h"
#include "snapshot/basic/number.h"

#define MAPPING_PATH PVE_PATH "/mapping/pci.cfg"

/* How much of an id a note shows. */
#define SHOWN_MAX 128

/* What a `map` line says; other keys say nothing about where the device is. */
enum map_key {
	MAP_NODE,
	MAP_ID,
	MAP_PATH,
	MAP_GROUP,
	MAP_SUBSYSTEM,
	_MAP_KEY_MAX,
};

static const char *const map_keys[_MAP_KEY_MAX] = {
	[MAP_NODE] = "node",
	[MAP_ID] = "id",
	[MAP_PATH] = "path",
	[MAP_GROUP] = "iommugroup",
	[MAP_SUBSYSTEM] = "subsystem-id",
};

/**
 * struct map - A `map` line taken apart
 * @values: empty where a key is not there
 * @ours:   it is of this node
 * @cause:  why Proxmox makes nothing of it; NULL if it does
 */
struct map {
	struct bytes values[_MAP_KEY_MAX];
	bool ours;
	const char *cause;
};

/* A section that Proxmox does not skip. */
struct section {
	struct bytes id;
	size_t offset;
};

/**
 * struct scan - A walk through the file
 * @sections:  all of them, by id, then by place
 * @id:        of the section under way; empty if Proxmox skips it
 * @in_force:  no later section has its id, and so replaces it
 * @block, @owner: of the mentions in it; NULL before the first
 */
struct scan {
	struct document *document;
	const char *node;
	struct section *sections;
	size_t n_sections;
	size_t sections_allocated;
	struct bytes id;
	bool in_force;
	const char *block;
	const char *owner;
};

static int compare_sections(const void *a, const void *b)
{
	const struct section *left = a, *right = b;
	int order = bytes_compare(left->id, right->id);

	return order != 0 ? order : (left->offset > right->offset) - (left->offset < right->offset);
}

static int read_sections(struct scan *scan)
{
	struct pve_section_reader reader = {
		.contents = document_bytes(scan->document),
		.bare = true,
	};
	struct pve_section_line line;

	while (pve_section_read_line(&reader, &line)) {
		if (line.kind != PVE_SECTION_HEAD || !pve_is_config_id(line.id))
			continue;
		if (ARRAY_RESERVE(scan->sections, scan->n_sections, scan->sections_allocated) < 0)
			return -ENOMEM;
		scan->sections[scan->n_sections++] = (struct section){ line.id, line.offset };
	}
	if (scan->n_sections > 1)
		qsort(scan->sections, scan->n_sections, sizeof(*scan->sections), compare_sections);
	return 0;
}

static void enter_section(struct scan *scan, const struct pve_section_line *head)
{
	const struct section key = { head->id, head->offset };
	const struct section *found = NULL;

	if (scan->n_sections > 0)
		found = bsearch(&key, scan->sections, scan->n_sections, sizeof(key),
				compare_sections);
	scan->id = found ? head->id : BYTES_NONE;
	scan->in_force = found && (found + 1 == scan->sections + scan->n_sections ||
				   !bytes_equal(found[1].id, head->id));
	scan->block = scan->owner = NULL;
}

/* "KEY=VALUE"; a key that is not known here may be one of a later version. */
static void read_part(struct bytes part, const char *node, struct map *map)
{
	const char *equals = memchr(part.data, '=', part.size);
	size_t size = equals ? (size_t)(equals - part.data) : part.size;
	struct bytes key = bytes_slice(part, 0, size), value = BYTES_NONE;

	if (equals)
		value = bytes_slice(part, size + 1, part.size - size - 1);
	if (key.size == 0 || value.size == 0) {
		map->cause = "it does not consist of KEY=VALUE";
		return;
	}
	for (size_t i = 0; i < _MAP_KEY_MAX; i++) {
		if (!bytes_equal_text(key, map_keys[i]))
			continue;
		if (map->values[i].size > 0)
			map->cause = "a key stands in it twice";
		map->values[i] = value;
		if (i == MAP_NODE && node && bytes_equal_text(value, node))
			map->ours = true;
	}
}

/* The next part between commas; "a," has two. Return: whether there is one. */
static bool next_part(struct bytes text, size_t *at, struct bytes *ret_part)
{
	const char *end;
	size_t size;

	if (*at > text.size)
		return false;
	end = *at < text.size ? memchr(text.data + *at, ',', text.size - *at) : NULL;
	size = (end ? (size_t)(end - text.data) : text.size) - *at;
	*ret_part = bytes_slice(text, *at, size);
	*at += size + 1;
	return true;
}

static bool is_blank_text(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] != ' ' && (text.data[i] < '\t' || text.data[i] > '\r'))
			return false;
	return true;
}

/* "VVVV:DDDD" */
static bool is_model(struct bytes text)
{
	uint64_t ignored;

	return text.size == 9 && text.data[4] == ':' &&
	       number_parse(bytes_slice(text, 0, 4), 16, UINT16_MAX, &ignored) == 0 &&
	       number_parse(bytes_slice(text, 5, 4), 16, UINT16_MAX, &ignored) == 0;
}

/* Of a device that had no group Proxmox writes "-1". */
static bool is_group(struct bytes text)
{
	uint64_t ignored;

	return bytes_equal_text(text, "-1") || number_parse(text, 10, UINT32_MAX, &ignored) == 0;
}

/* The next address of a path; each has a domain here. Return: as pve_next_address(). */
static int next_address(struct bytes path, size_t *at, struct address_token *ret_token)
{
	struct address_token token;
	int r = pve_next_address(path, at, &token);

	if (r <= 0)
		return r;
	if (token.span.length < strlen("0000:00:00"))
		return -EINVAL;
	*ret_token = token;
	return 1;
}

static bool is_path(struct bytes text)
{
	struct address_token token;
	size_t at = 0;
	int r;

	do
		r = next_address(text, &at, &token);
	while (r > 0);
	return r == 0;
}

static const char *find_cause(const struct map *map)
{
	const struct bytes *values = map->values;

	if (map->cause)
		return map->cause;
	if (values[MAP_PATH].size == 0)
		return "it has no path";
	if (!is_path(values[MAP_PATH]))
		return "its path is not one of addresses like 0000:05:00.0";
	if (!is_model(values[MAP_ID]))
		return "it has no id like 8086:1520";
	if (values[MAP_SUBSYSTEM].size > 0 && !is_model(values[MAP_SUBSYSTEM]))
		return "its subsystem-id is not one like 8086:0001";
	if (values[MAP_GROUP].size > 0 && !is_group(values[MAP_GROUP]))
		return "its iommugroup is not a number";
	return NULL;
}

static struct map read_map(struct bytes value, const char *node)
{
	struct map map = { 0 };
	struct bytes part;

	for (size_t at = 0; next_part(value, &at, &part);)
		if (!is_blank_text(part))
			read_part(part, node, &map);
	map.cause = find_cause(&map);
	return map;
}

static int ensure_owner(struct scan *scan)
{
	_cleanup_(buffer_done) struct buffer owner = { 0 };
	struct arena *arena = &scan->document->arena;

	if (scan->owner)
		return 0;
	buffer_append_text(&owner, "mapping/");
	buffer_append(&owner, scan->id);
	if (owner.failed)
		return -ENOMEM;
	scan->block = arena_copy(arena, scan->id);
	scan->owner = arena_copy(arena, buffer_bytes(&owner));
	return scan->block && scan->owner ? 0 : -ENOMEM;
}

static struct reference *add_mention(struct scan *scan, const struct pve_section_line *line,
				     enum map_key key, struct bytes name)
{
	struct reference *reference = document_add_reference(scan->document);

	if (!reference)
		return NULL;
	*reference = (struct reference){
		.span = { (size_t)(name.data - scan->document->data), name.size },
		.line = line->number,
		.certain = true,
		.block = scan->block,
		.key = map_keys[key],
		.line_digest = words_digest(line->text),
		.shape = PARK_NEVER,
		.owner = scan->owner,
	};
	return reference;
}

static int add_mentions(struct scan *scan, const struct pve_section_line *line,
			const struct map *map)
{
	struct bytes path = map->values[MAP_PATH], group = map->values[MAP_GROUP];
	struct address_token token;
	struct reference *reference;
	int r = ensure_owner(scan);

	if (r < 0)
		return r;
	for (size_t at = 0; next_address(path, &at, &token) > 0;) {
		reference = add_mention(scan, line, MAP_PATH,
					bytes_slice(path, token.span.offset, token.span.length));
		if (!reference)
			return -ENOMEM;
		reference->kind = REFERENCE_ADDRESS;
		reference->address = token.address;
		reference->whole_slot = token.whole_slot;
	}
	if (group.size == 0)
		return 0;
	reference = add_mention(scan, line, MAP_GROUP, group);
	if (!reference)
		return -ENOMEM;
	reference->kind = REFERENCE_GROUP;
	reference->follows = (size_t)(path.data - scan->document->data);
	return 0;
}

static int scan_map(struct scan *scan, const struct pve_section_line *line)
{
	struct map map = read_map(line->value, scan->node);
	int shown = (int)MIN_OF(scan->id.size, (size_t)SHOWN_MAX);

	if (!map.ours || scan->id.size == 0)
		return 0;
	if (!scan->in_force)
		return document_add_note(scan->document, line->number,
					 "mapping %.*s: not in force, as it is defined once more "
					 "further down",
					 shown, scan->id.data);
	if (map.cause)
		return document_add_note(scan->document, line->number,
					 "mapping %.*s: Proxmox VE makes nothing of this line: %s",
					 shown, scan->id.data, map.cause);
	return add_mentions(scan, line, &map);
}

static int scan_lines(struct scan *scan)
{
	struct pve_section_reader reader = {
		.contents = document_bytes(scan->document),
		.bare = true,
	};
	struct pve_section_line line;
	int r = 0;

	while (r == 0 && pve_section_read_line(&reader, &line)) {
		r = document_add_line_digest(scan->document, words_digest(line.text));
		if (r < 0)
			break;
		if (line.kind == PVE_SECTION_HEAD)
			enter_section(scan, &line);
		else if (line.kind == PVE_SECTION_PROPERTY && bytes_equal_text(line.key, "map"))
			r = scan_map(scan, &line);
	}
	return r;
}

static int scan_document(const struct scan_context *context, struct document *document)
{
	struct scan scan = { .document = document, .node = context->node };
	int r = read_sections(&scan);

	if (r == 0)
		r = scan_lines(&scan);
	free(scan.sections);
	document_finish(document);
	return r;
}

static int scan_mapping(const struct source *source, const struct scan_context *context,
			struct documents *documents, const struct name_set *names)
{
	int r = 0;

	(void)names;
	for (size_t i = 0; i < documents->n_items && r == 0; i++)
		if (documents->items[i]->source == source && !documents->items[i]->unfit)
			r = scan_document(context, documents->items[i]);
	return r;
}

static bool owns_mapping(const char *path)
{
	return strcmp(path, MAPPING_PATH) == 0;
}

static int collect_mapping(const struct source *source, const struct scan_context *context,
			   struct documents *documents, struct problem *problem)
{
	if (!context->pve_folder)
		return 0;
	return managed_files_collect(source, context->root, MAPPING_PATH, NULL, documents, problem);
}

const struct source pve_mapping_source = {
	.name = "pve-mapping",
	.is_guest = true,
	.owns = owns_mapping,
	.collect = collect_mapping,
	.scan = scan_mapping,
	.check = managed_file_check_nothing,
};
