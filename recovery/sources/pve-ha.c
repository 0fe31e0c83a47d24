/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /etc/pve/ha/resources.cfg: which guests the cluster's resource manager keeps running
 * (PVE::HA::Resources). A guest that is `ignored` there is not its business.
 */
#include <errno.h>
#include <strings.h>

#include "recovery/sources/joined-line.h"
#include "recovery/sources/managed-file.h"
#include "recovery/sources/pve-section.h"
#include "recovery/sources/pve.h"
#include "snapshot/basic/number.h"

#define RESOURCES_PATH PVE_PATH "/ha/resources.cfg"
#define STATE_STOPPED  "stopped"

/**
 * struct resource - One section
 * @is_lxc, @vmid: the guest it is about
 * @head:  its head
 * @state: its first line with a state; of kind PVE_SECTION_OTHER if there is none. Of several
 *         Proxmox takes the first that it knows, and so ours if it replaces the first
 */
struct resource {
	bool is_lxc;
	uint32_t vmid;
	struct pve_section_line head;
	struct pve_section_line state;
};

struct resources {
	struct resource *items;
	size_t n_items;
	size_t allocated;
};

/* PVE::HA::Resources::PVEVM, PVECT: verify_name(); the type is compared in lower case. */
static bool read_head(const struct pve_section_line *line, struct resource *ret_resource)
{
	struct bytes type = line->type;
	uint64_t vmid;
	bool is_lxc;

	if (type.size != 2)
		return false;
	is_lxc = strncasecmp(type.data, "ct", 2) == 0;
	if (!is_lxc && strncasecmp(type.data, "vm", 2) != 0)
		return false;
	if (line->id.data[0] == '0' || number_parse(line->id, 10, UINT32_MAX, &vmid) < 0)
		return false;
	*ret_resource = (struct resource){
		.is_lxc = is_lxc,
		.vmid = (uint32_t)vmid,
		.head = *line,
	};
	return true;
}

/* The resources in the order of the file. */
static int read_resources(struct document *document, struct resources *resources)
{
	struct pve_section_reader reader = { .contents = document_bytes(document) };
	struct resource *under_way = NULL;
	struct pve_section_line line;
	int r = 0;

	while (r == 0 && pve_section_read_line(&reader, &line)) {
		struct resource resource;

		r = document_add_line_digest(document, words_digest(line.text));
		if (r < 0)
			break;
		if (line.kind == PVE_SECTION_HEAD) {
			under_way = NULL;
			if (!read_head(&line, &resource))
				continue;
			r = ARRAY_RESERVE(resources->items, resources->n_items,
					  resources->allocated);
			if (r < 0)
				break;
			under_way = &resources->items[resources->n_items++];
			*under_way = resource;
		} else if (line.kind == PVE_SECTION_PROPERTY && under_way &&
			   under_way->state.kind == PVE_SECTION_OTHER &&
			   bytes_equal_text(line.key, "state")) {
			under_way->state = line;
		}
	}
	return r;
}

/* By guest, then by place. */
static int compare_resources(const void *a, const void *b)
{
	const struct resource *left = a, *right = b;

	if (left->is_lxc != right->is_lxc)
		return left->is_lxc - right->is_lxc;
	if (left->vmid != right->vmid)
		return left->vmid < right->vmid ? -1 : 1;
	return left->head.offset < right->head.offset ? -1 : 1;
}

static bool is_same_guest(const struct resource *a, const struct resource *b)
{
	return a->is_lxc == b->is_lxc && a->vmid == b->vmid;
}

/* The line with the state, another one in its place. */
static void append_stopped(struct buffer *text, struct bytes contents,
			   const struct pve_section_line *state)
{
	struct bytes value = state->value;
	size_t start = (size_t)(value.data - contents.data), end = start + value.size;

	buffer_append(text, bytes_slice(contents, state->offset, start - state->offset));
	/* "state" alone is no state that Proxmox knows. */
	if (value.size == 0)
		buffer_append_char(text, ' ');
	buffer_append_text(text, STATE_STOPPED);
	buffer_append(text, bytes_slice(contents, end, state->next - end));
}

static void fill_switch(const struct document *document, const struct resource *resource,
			struct start_switch *item, struct buffer *off)
{
	const struct pve_section_line *state = &resource->state;
	struct bytes contents = document_bytes(document);

	if (state->kind == PVE_SECTION_OTHER) {
		size_t end = resource->head.next;

		item->on = true;
		item->span = (struct span){ end, 0 };
		if (contents.data[end - 1] != '\n')
			buffer_append_char(off, '\n');
		buffer_append_text(off, "\tstate " STATE_STOPPED "\n");
		return;
	}
	item->span = (struct span){ state->offset, state->next - state->offset };
	item->on = !bytes_equal_text(state->value, STATE_STOPPED) &&
		   !bytes_equal_text(state->value, "disabled");
	if (item->on)
		append_stopped(off, contents, state);
	else
		buffer_append(off, document_text(document, item->span));
}

static int add_switch(struct document *document, const struct resource *resource)
{
	_cleanup_(buffer_done) struct buffer off = { 0 }, guest = { 0 };
	struct start_switch *item;

	if (bytes_equal_text(resource->state.value, "ignored"))
		return 0;
	item = document_add_switch(document);
	if (!item)
		return -ENOMEM;
	item->kind = SWITCH_HA;
	fill_switch(document, resource, item, &off);
	buffer_appendf(&guest, "pve/%s/%u", resource->is_lxc ? "lxc" : "qemu", resource->vmid);
	if (off.failed || guest.failed)
		return -ENOMEM;
	item->off = arena_copy(&document->arena, buffer_bytes(&off));
	item->guest = arena_copy(&document->arena, buffer_bytes(&guest));
	return item->off && item->guest ? 0 : -ENOMEM;
}

static int scan_document(struct document *document)
{
	struct resources resources = { 0 };
	int r = read_resources(document, &resources);

	if (r == 0 && resources.n_items > 1)
		qsort(resources.items, resources.n_items, sizeof(*resources.items),
		      compare_resources);
	/* A section replaces one of the same guest further up. */
	for (size_t i = 0; i < resources.n_items && r == 0; i++)
		if (i + 1 == resources.n_items ||
		    !is_same_guest(&resources.items[i], &resources.items[i + 1]))
			r = add_switch(document, &resources.items[i]);
	free(resources.items);
	document_finish(document);
	return r;
}

static int scan_ha(const struct source *source, const struct scan_context *context,
		   struct documents *documents, const struct name_set *names)
{
	int r = 0;

	(void)context;
	(void)names;
	for (size_t i = 0; i < documents->n_items && r == 0; i++)
		if (documents->items[i]->source == source && !documents->items[i]->unfit)
			r = scan_document(documents->items[i]);
	return r;
}

static bool owns_ha(const char *path)
{
	return strcmp(path, RESOURCES_PATH) == 0;
}

static int collect_ha(const struct source *source, const struct scan_context *context,
		      struct documents *documents, struct problem *problem)
{
	if (!context->pve_folder)
		return 0;
	return managed_files_collect(source, context->root, RESOURCES_PATH, NULL, documents,
				     problem);
}

const struct source pve_ha_source = {
	.name = "pve-ha",
	.is_guest = true,
	.owns = owns_ha,
	.collect = collect_ha,
	.scan = scan_ha,
	.check = managed_file_check_nothing,
};
