/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hardware there is, and what the manifest knows of it. */
#include "agent/guard/guard.h"

#include <errno.h>
#include <fcntl.h>

#include "recovery/doubtful-serials.h"
#include "snapshot/pci-scan.h"

#define MACHINE_PATH "/sys/class/dmi/id/product_uuid"

static bool same_model(const struct pci_function *a, const struct pci_function *b)
{
	return a->vendor == b->vendor && a->device == b->device && a->class == b->class;
}

static const char *read_machine(const struct root *root, struct arena *arena)
{
	_cleanup_close_ int fd = root_openat(root, MACHINE_PATH, O_RDONLY | O_NONBLOCK, 0);
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (fd < 0 || file_read_fd(fd, 4096, &text, &size) < 0)
		return NULL;
	size = strcspn(text, "\n");
	return size ? arena_copy(arena, bytes_make(text, size)) : NULL;
}

/* Whether a function may be the one of before that is not found. */
static bool may_be(const struct guard *guard, size_t before, size_t now)
{
	const struct pci_function *was = &guard->before.functions[before];
	const struct pci_function *is = &guard->now.functions[now];

	switch (guard->match.functions[before].fate) {
	case FATE_AMBIGUOUS:
		return guard->match.function_origin[now] == SIZE_MAX && same_model(was, is);
	case FATE_UNREADABLE:
		return pci_address_equal(&was->address, &is->address);
	default:
		return false;
	}
}

static void mark_one(struct guard *guard, size_t before, size_t now)
{
	if (guard->known[now] != SIZE_MAX)
		return;
	guard->known[now] = before;
	guard->now.functions[now].protected = guard->before.functions[before].protected;
}

/* What the host needed is what it needs; where that is one of several, it may be each of them. */
static int mark_protected(struct guard *guard)
{
	size_t n = guard->now.n_functions;

	guard->known = calloc(n + 1, sizeof(*guard->known));
	if (!guard->known)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		guard->known[i] = SIZE_MAX;
	for (size_t i = 0; i < guard->before.n_functions; i++)
		if (guard->before.functions[i].protected &&
		    guard->match.functions[i].fate == FATE_FOUND)
			mark_one(guard, i, guard->match.functions[i].index);
	for (size_t i = 0; i < guard->before.n_functions; i++)
		for (size_t k = 0; guard->before.functions[i].protected &&
				   guard->match.functions[i].fate != FATE_FOUND && k < n;
		     k++)
			if (may_be(guard, i, k))
				mark_one(guard, i, k);
	return 0;
}

int guard_look(struct guard *guard, struct problem *problem)
{
	int r;

	guard->before = guard->manifest.inventory;
	guard->before.nics = NULL;
	guard->before.n_nics = 0;
	guard->now.machine = read_machine(&guard->root, &guard->now.arena);
	r = pci_scan(&guard->root, false, &guard->now, problem);
	if (r == 0)
		r = inventory_finish(&guard->now, guard->root.path, problem);
	if (r == 0)
		r = doubtful_serials_read(&guard->root, &guard->before, &guard->manifest.meanings,
					  &guard->now);
	if (r == 0)
		r = match_inventories(&guard->before, &guard->now, &guard->match);
	if (r == 0)
		r = mark_protected(guard);
	return r;
}
