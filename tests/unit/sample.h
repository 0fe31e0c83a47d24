/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A snapshot with something in every member. */
#pragma once

#include "snapshot/store.h"

/* Whatever fails here fails the test that uses it: all of it needs only memory. */
static inline void sample_require(bool condition)
{
	if (!condition)
		abort();
}

static inline void sample_inventory(struct inventory *inventory)
{
	struct pci_function *function = inventory_add_function(inventory);
	struct nic *nic;

	sample_require(function);
	sample_require(pci_address_parse(bytes_of("0000:06:00.0"), &function->address) == 0);
	function->path = arena_copy_text(&inventory->arena, "pci0000:00/02.1/00.0");
	function->vendor = 0x10ec;
	function->device = 0x8168;
	function->class = 0x020000;
	nic = inventory_add_nic(inventory);
	sample_require(nic);
	nic->name = arena_copy_text(&inventory->arena, "enp6s0");
	nic->mac = arena_copy_text(&inventory->arena, "a8:a1:59:00:00:01");
	nic->has_pci = true;
	nic->pci = function->address;
	inventory->host = arena_copy_text(&inventory->arena, "pve1");
	sample_require(inventory_finish(inventory, "sample", NULL) == 0);
}

/* With one managed file, /etc/network/interfaces, holding @text. */
static inline void sample_snapshot(struct snapshot *snapshot, const char *reason, const char *text)
{
	struct file_attributes attributes = { .mode = 0640, .uid = 0, .gid = 4 };
	struct json_writer writer = { 0 };

	*snapshot = (struct snapshot){ 0 };
	snapshot->taken_at = arena_copy_text(&snapshot->arena, "2026-11-22T05:00:00Z");
	snapshot->boot_id = arena_copy_text(&snapshot->arena, "5b1f");
	snapshot->reason = arena_copy_text(&snapshot->arena, reason);
	sample_inventory(&snapshot->inventory);
	sample_require(file_attributes_add(&attributes, "user.x", bytes_make("\0\xff", 2)) == 0);
	sample_require(snapshot_add_file(snapshot, "/etc/network/interfaces", bytes_of(text),
					 &attributes) == 0);
	file_attributes_done(&attributes);
	sample_require(snapshot_add_change(snapshot, "/etc/network/interfaces", 1, UINT64_MAX) ==
		       0);
	snapshot->state = json_add_object(&writer, NULL, NULL);
	json_add_string(&writer, snapshot->state, "meaning", "a \"string\"\nof two lines");
	sample_require(!writer.failed);
}
