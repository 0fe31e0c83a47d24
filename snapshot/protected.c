/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/protected-private.h"

#include <errno.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/buffer.h"
#include "snapshot/basic/file.h"

/* Reasons shown for one function, and kept for one node: what is above sinks no further. */
#define REASONS_MAX 8
/* Longest name in a reason; a mount point may be longer than a screen is wide. */
#define NAME_SHOWN_MAX 64

#define BASE_CLASS_BRIDGE  0x06
#define BASE_CLASS_DISPLAY 0x03
/* Class and subclass: VGA, as in pci_is_vga() of the kernel also by its oldest code; XGA; other. */
#define CLASS_VGA_OLD       0x0001
#define CLASS_VGA           0x0300
#define CLASS_XGA           0x0301
#define CLASS_OTHER_DISPLAY 0x0380

static const char display_reason[] = "the only display";

/* The reasons of one function, in their order. */
struct marks {
	const char *texts[REASONS_MAX];
	size_t n;
	bool more;
};

/* Reasons on their way down. @stack: nodes that one is still to be handed to. */
struct sinking {
	struct protection *protection;
	struct marks *marks;
	size_t *stack;
	size_t n_stack;
	size_t stack_allocated;
};

static int compare_nodes(const void *a, const void *b)
{
	const struct node *left = a, *right = b;

	return strcmp(left->name, right->name);
}

size_t protection_find(const struct protection *protection, enum node_kind kind, struct bytes name)
{
	size_t low = protection->first[kind], high = low + protection->count[kind];

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = bytes_compare(name, bytes_of(protection->nodes[middle].name));

		if (order == 0)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NOWHERE;
}

static int add_edge(struct protection *protection, struct edge **list, size_t to)
{
	struct edge *edge = arena_allocate(&protection->arena, sizeof(*edge));

	if (!edge)
		return -ENOMEM;
	*edge = (struct edge){ .to = to, .next = *list };
	*list = edge;
	return 0;
}

int protection_add_below(struct protection *protection, size_t node, size_t below)
{
	if (below == NOWHERE || below == node)
		return 0;
	return add_edge(protection, &protection->nodes[node].below, below);
}

static int add_function(struct protection *protection, size_t node,
			const struct pci_address *address)
{
	const struct inventory *inventory = protection->inventory;
	const struct pci_function *function = inventory_find_function(inventory, address);
	int r;

	if (!function || function->class >> 16 == BASE_CLASS_BRIDGE)
		return 0;
	r = add_edge(protection, &protection->nodes[node].functions,
		     (size_t)(function - inventory->functions));
	if (r < 0)
		return r;
	/* A virtual function goes when its physical one does. */
	if (function->has_physfn &&
	    (function = inventory_find_function(inventory, &function->physfn)))
		r = add_edge(protection, &protection->nodes[node].functions,
			     (size_t)(function - inventory->functions));
	return r < 0 ? r : 1;
}

/* Several where a function has a domain of its own behind it, as a VMD controller. */
int protection_add_functions(struct protection *protection, size_t node, struct bytes path)
{
	struct pci_address address;
	struct bytes component;
	int n = 0;

	while (sysfs_next_component(&path, &component)) {
		int r;

		if (pci_address_parse(component, &address) < 0)
			continue;
		r = add_function(protection, node, &address);
		if (r < 0)
			return r;
		n += r;
	}
	return n;
}

/* What is shown is on a line with others, on a terminal and in JSON. */
static void append_name(struct buffer *text, const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < MIN_OF(size, (size_t)NAME_SHOWN_MAX); i++)
		buffer_append_char(text, name[i] < ' ' || name[i] > '~' ? '?' : name[i]);
	if (size > NAME_SHOWN_MAX)
		buffer_append_text(text, "...");
}

int protection_claim(struct protection *protection, size_t node, enum rank rank, const char *before,
		     const char *name, const char *after)
{
	struct buffer text = { 0 };
	const char *copy;
	int r;

	if (node == NOWHERE)
		return 0;
	buffer_append_text(&text, before);
	if (name)
		append_name(&text, name);
	buffer_append_text(&text, after);
	copy = text.failed ? NULL : arena_copy(&protection->arena, buffer_bytes(&text));
	buffer_done(&text);
	if (!copy)
		return -ENOMEM;
	r = ARRAY_RESERVE(protection->claims, protection->n_claims, protection->claims_allocated);
	if (r < 0)
		return r;
	protection->claims[protection->n_claims++] =
		(struct claim){ .rank = rank, .text = copy, .node = node };
	return 0;
}

int protection_read_file(const struct protection *protection, const char *path, char **ret_data,
			 struct bytes *ret_text)
{
	_cleanup_close_ int fd = -1;
	size_t size;
	int r;

	fd = sysfs_open_file(protection->root, path);
	if (fd < 0)
		return fd;
	r = file_read_fd(fd, TABLE_MAX, ret_data, &size);
	if (r < 0)
		return r;
	*ret_text = bytes_make(*ret_data, size);
	return 0;
}

static int compare_claims(const void *a, const void *b)
{
	const struct claim *left = a, *right = b;
	int order;

	if (left->rank != right->rank)
		return left->rank < right->rank ? -1 : 1;
	order = strcmp(left->text, right->text);
	return order ? order : (left->node > right->node) - (left->node < right->node);
}

static void mark_function(struct marks *marks, const char *text)
{
	/* Reasons come one after the other: one that is there already is the last. */
	if (marks->n > 0 && marks->texts[marks->n - 1] == text)
		return;
	if (text && marks->n < REASONS_MAX)
		marks->texts[marks->n++] = text;
	else
		marks->more = true;
}

/* Whether a node lets a reason, NULL for "and more", through for the first time. */
static bool node_takes(struct node *node, const char **text)
{
	if (*text && node->last_reason == *text)
		return false;
	if (*text && node->n_reasons < REASONS_MAX) {
		node->last_reason = *text;
		node->n_reasons++;
		return true;
	}
	*text = NULL;
	if (node->has_more)
		return false;
	node->has_more = true;
	return true;
}

static int read_node(struct protection *protection, size_t index)
{
	struct node *node = &protection->nodes[index];

	if (node->is_read)
		return 0;
	node->is_read = true;
	switch (node->kind) {
	case NODE_BLOCK:
		return block_read_node(protection, index);
	case NODE_LINK:
		return links_read_node(protection, index);
	case NODE_NETWORK:
		return links_read_network(protection, index);
	default:
		/* Filled when they were made. */
		return 0;
	}
}

static int push_node(struct sinking *sinking, size_t node)
{
	int r = ARRAY_RESERVE(sinking->stack, sinking->n_stack, sinking->stack_allocated);

	if (r == 0)
		sinking->stack[sinking->n_stack++] = node;
	return r;
}

/*
 * Hands a reason to all that a claim's node stands on. A node takes each reason once and only so
 * many, so all reasons together take time linear in the number of edges, and rings of links end.
 */
static int sink(struct sinking *sinking, const struct claim *claim)
{
	struct protection *protection = sinking->protection;
	int r = push_node(sinking, claim->node);

	while (r == 0 && sinking->n_stack > 0) {
		size_t index = sinking->stack[--sinking->n_stack];
		struct node *node = &protection->nodes[index];
		const char *text = claim->text;

		if (node->kind == NODE_NETWORK && claim->rank != RANK_ROOT)
			continue;
		if (!node_takes(node, &text))
			continue;
		r = read_node(protection, index);
		for (const struct edge *edge = node->functions; edge; edge = edge->next)
			mark_function(&sinking->marks[edge->to], text);
		for (const struct edge *edge = node->below; edge && r == 0; edge = edge->next)
			r = push_node(sinking, edge->to);
	}
	return r;
}

static int sink_all(struct sinking *sinking)
{
	struct protection *protection = sinking->protection;
	struct claim *claims = protection->claims;
	int r = 0;

	if (protection->n_claims)
		qsort(claims, protection->n_claims, sizeof(*claims), compare_claims);
	for (size_t i = 0; i < protection->n_claims && r == 0; i++) {
		/* One reason is one pointer. */
		if (i > 0 && strcmp(claims[i - 1].text, claims[i].text) == 0)
			claims[i].text = claims[i - 1].text;
		r = sink(sinking, &claims[i]);
	}
	return r;
}

static bool is_display(const struct pci_function *function)
{
	unsigned int class = function->class >> 8;

	return class == CLASS_VGA || class == CLASS_VGA_OLD || class == CLASS_XGA ||
	       (function->boot_vga == 1 && function->class >> 16 == BASE_CLASS_DISPLAY);
}

static bool is_other_display(const struct pci_function *function)
{
	return function->class >> 8 == CLASS_OTHER_DISPLAY;
}

/* 3D controllers have no outputs, and virtual functions none of their own. */
static void mark_only_display(const struct inventory *inventory, struct marks *marks,
			      bool (*is_one)(const struct pci_function *function), size_t *ret_n)
{
	size_t n = 0, last = 0;

	for (size_t i = 0; i < inventory->n_functions; i++) {
		if (inventory->functions[i].has_physfn || !is_one(&inventory->functions[i]))
			continue;
		n++;
		last = i;
	}
	if (n == 1)
		mark_function(&marks[last], display_reason);
	*ret_n = n;
}

static void mark_display(const struct inventory *inventory, struct marks *marks)
{
	size_t n;

	mark_only_display(inventory, marks, is_display, &n);
	if (n == 0)
		mark_only_display(inventory, marks, is_other_display, &n);
}

static int write_marks(struct inventory *inventory, const struct marks *marks)
{
	for (size_t i = 0; i < inventory->n_functions; i++) {
		struct pci_function *function = &inventory->functions[i];
		struct buffer text = { 0 };
		const char *copy;

		if (marks[i].n == 0)
			continue;
		/* What was known already says more than that. */
		if (function->protected && marks[i].n == 1 &&
		    strcmp(marks[i].texts[0], PROTECTED_DISPLAY) == 0)
			continue;
		for (size_t k = 0; k < marks[i].n; k++)
			buffer_appendf(&text, "%s%s", k > 0 ? ", " : "", marks[i].texts[k]);
		if (marks[i].more)
			buffer_append_text(&text, ", and more");
		copy = text.failed ? NULL : arena_copy(&inventory->arena, buffer_bytes(&text));
		buffer_done(&text);
		if (!copy)
			return -ENOMEM;
		function->protected = copy;
	}
	return 0;
}

int protection_add_node(struct protection *protection, enum node_kind kind, struct bytes name)
{
	int r = ARRAY_RESERVE(protection->nodes, protection->n_nodes, protection->nodes_allocated);
	const char *copy = arena_copy(&protection->arena, name);

	if (r < 0 || !copy)
		return -ENOMEM;
	protection->nodes[protection->n_nodes++] =
		(struct node){ .kind = kind, .name = copy, .filesystem = NOWHERE };
	return 0;
}

/* The entries of a directory, as many as can be read. */
static int add_nodes_of(struct protection *protection, enum node_kind kind,
			const struct sysfs *directory)
{
	const char *entry;
	int r = 0;

	while (directory->dir && r == 0 && sysfs_next(directory, &entry) > 0)
		r = protection_add_node(protection, kind, bytes_of(entry));
	return r;
}

static int open_directory(const struct root *root, const char *path, struct sysfs *sysfs)
{
	int r = sysfs_open(root, path, sysfs);

	return r == -ENOMEM ? r : 0;
}

static int open_directories(struct protection *protection)
{
	int r;

	r = open_directory(protection->root, "/sys/class/block", &protection->block);
	if (r == 0)
		r = open_directory(protection->root, "/sys/dev/block", &protection->numbers);
	if (r == 0)
		r = open_directory(protection->root, "/sys/class/net", &protection->net);
	return r;
}

static int add_nodes(struct protection *protection, struct bytes zpool_list)
{
	_cleanup_(sysfs_done) struct sysfs btrfs = { 0 };
	int r = open_directory(protection->root, "/sys/fs/btrfs", &btrfs);

	for (enum node_kind kind = 0; kind < _NODE_KIND_MAX && r == 0; kind++) {
		size_t first = protection->n_nodes;

		if (kind == NODE_BLOCK)
			r = add_nodes_of(protection, kind, &protection->block);
		else if (kind == NODE_LINK)
			r = add_nodes_of(protection, kind, &protection->net);
		else if (kind == NODE_BTRFS)
			r = add_nodes_of(protection, kind, &btrfs);
		else if (kind == NODE_POOL)
			r = pools_add_nodes(protection, zpool_list);
		else
			r = protection_add_node(protection, kind, BYTES_NONE);
		protection->first[kind] = first;
		protection->count[kind] = protection->n_nodes - first;
		if (protection->n_nodes > first)
			qsort(protection->nodes + first, protection->n_nodes - first,
			      sizeof(*protection->nodes), compare_nodes);
	}
	return r;
}

static int find_out(struct protection *protection, struct bytes zpool_list, struct marks *marks)
{
	struct sinking sinking = { .protection = protection, .marks = marks };
	int r;

	r = open_directories(protection);
	if (r == 0)
		r = add_nodes(protection, zpool_list);
	if (r == 0)
		r = block_read(protection);
	if (r == 0)
		r = mounts_read(protection);
	if (r == 0)
		r = mounts_claim(protection);
	if (r == 0)
		r = pools_claim(protection, zpool_list);
	if (r == 0)
		r = block_claim_volume_groups(protection);
	if (r == 0)
		r = links_claim(protection);
	if (r == 0)
		r = sink_all(&sinking);
	free(sinking.stack);
	return r;
}

static void protection_done(struct protection *protection)
{
	sysfs_done(&protection->block);
	sysfs_done(&protection->numbers);
	sysfs_done(&protection->net);
	free(protection->nodes);
	free(protection->claims);
	free(protection->mapped);
	free(protection->mounts);
	free(protection->fstab);
	arena_done(&protection->arena);
	free(protection);
}

int protected_mark(const struct root *root, struct bytes zpool_list, struct inventory *inventory)
{
	_cleanup_free_ struct marks *marks = calloc(inventory->n_functions + 1, sizeof(*marks));
	struct protection *protection = calloc(1, sizeof(*protection));
	int r = -ENOMEM;

	if (marks && protection) {
		protection->root = root;
		protection->inventory = inventory;
		r = find_out(protection, zpool_list, marks);
	}
	if (r == 0) {
		mark_display(inventory, marks);
		r = write_marks(inventory, marks);
	}
	if (protection)
		protection_done(protection);
	return r;
}
