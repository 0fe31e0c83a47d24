/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where Proxmox VE keeps snippets, hook scripts among them: /etc/pve/storage.cfg. */
#pragma once

#include "snapshot/basic/arena.h"
#include "snapshot/basic/root.h"

/**
 * struct snippet_storage - One storage that is a folder
 * @id:     its name
 * @folder: where snippets are in it, absolute in the tree
 * @usable: a script may be put there: it may hold snippets, and is this node's alone
 */
struct snippet_storage {
	const char *id;
	const char *folder;
	bool usable;
};

struct snippet_storages {
	struct arena arena;
	struct snippet_storage *items;
	size_t n_items;
	size_t allocated;
};

void snippet_storages_done(struct snippet_storages *storages);

/**
 * snippet_storages_read() - Read which storages there are
 * @node: this node's name
 *
 * As Proxmox VE has it, there always is "local".
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int snippet_storages_read(const struct root *root, const char *node,
				       struct snippet_storages *ret_storages,
				       struct problem *problem);

/* "local" if it is usable, else the first that is; NULL if none is. */
_pure_ const struct snippet_storage *
snippet_storages_choose(const struct snippet_storages *storages);

/**
 * snippet_path() - The file of a volume: "local:snippets/hook.pl"
 *
 * Return: its path in @arena; NULL when there is no such volume, or no memory.
 */
const char *snippet_path(const struct snippet_storages *storages, struct bytes volume,
			 struct arena *arena);
