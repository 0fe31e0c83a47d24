/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a managed file says about guests: which of their parts are devices of the host, and what
 * makes them start by themselves. Filled by the sources that read guests' configuration.
 *
 * A guest is kept from starting in two ways (contract section 7). A *block* turns off what starts
 * it by itself; what that was is remembered (struct turned_off in meanings.h). A *hold* makes every
 * start fail: the value that names the device is replaced by one that no start resolves. That value
 * spells what it replaced, so it is put back from the file alone, wherever an editor moved it.
 */
#pragma once

#include "recovery/document.h"

/* What a hold writes instead of a device begins so; for people, too. */
#define HOLD_WORD "hwrecover-hold"

/**
 * struct guest_device - One setting of a guest that hands it something of the host: "hostpci0"
 * @key:      as written, for the report: "hostpci0", "args", "scsi1", "lxc.net.0.link", "hostdev"
 * @section:  of the file: "" current, "[PENDING]", "[before-upgrade]"
 * @line:     where it stands
 * @first, @n: its references in the document: indexes once document_finish() was called
 * @mapping:  instead of addresses it names an entry of the cluster's mapping/pci.cfg; else NULL
 * @at_start: it counts when the guest is started next. Not so: a snapshot's section; what [PENDING]
 *            deletes or replaces; a key that is set again further down; everything of a template
 * @taken:    the guest gets the functions themselves (VFIO), with what shares their IOMMU groups.
 *            Without, it uses what a driver of the host makes of them: a disk, a link
 * @hold:     what a hold replaces, if @held what it has replaced; empty where this setting
 *            cannot be held
 * @held:     it is held: @original is what stood there. It has no references then
 */
struct guest_device {
	const char *key;
	const char *section;
	unsigned int line;
	size_t first;
	size_t n;
	const char *mapping;
	bool at_start;
	bool taken;
	struct span hold;
	bool held;
	const char *original;
};

/**
 * struct guest_config - The guest that a file configures
 * @id:        "pve/qemu/101", "pve/lxc/105", "libvirt/win10"
 * @uuid:      libvirt's, lower case; NULL for others
 * @template:  it is never started
 * @saved:     its state was saved with the configuration it had then (libvirt's managed save): that
 *             is what the next start goes by
 * @devices:   @n_devices settings, in the order of the file, all sections
 * @hold_at:   where a line can be put in, at the start of a line, that makes every start fail, for
 *             a guest none of whose settings can be held; @hold_line is that line with its newline,
 *             NULL where there is no such means (libvirt: its start hook refuses)
 * @held_line: that line as it stands in the file; empty if it does not
 */
struct guest_config {
	const char *id;
	const char *uuid;
	bool template;
	bool saved;
	struct guest_device *devices;
	size_t n_devices;
	size_t devices_allocated;
	size_t hold_at;
	const char *hold_line;
	struct span held_line;
};

/* What a switch is for. */
enum switch_kind {
	SWITCH_AUTOSTART, /* starts the guest when the host boots */
	SWITCH_HA,        /* has the cluster's resource manager keep it running */
	SWITCH_ONCE, /* starts it at the next boot alone, as it ran at shutdown: not remembered */
};

/**
 * struct start_switch - One place that makes a guest start by itself
 * @guest: "pve/qemu/101"; in a list of UUIDs "uuid:4dea22b3-…"
 * @on:    it does, as it stands. A place that is off already is a switch, too: what we turned off
 *         is found again there
 * @span:  what is replaced to turn it off: whole lines, a word with the blank before it, or empty
 *         for an insertion at the start of a line
 * @off:   what stands there then: "onboot: 0\n"; "" takes it out
 * @file:  the file itself is the switch and is removed (a link in autostart/); @span is empty
 */
struct start_switch {
	enum switch_kind kind;
	const char *guest;
	bool on;
	struct span span;
	const char *off;
	bool file;
};

/* Longest text between HOLD_WORD and the end of a mapping's id. */
#define HOLD_NAME_MAX 512

/*
 * Whether a text is of a form that a hold can stand for: addresses as Proxmox writes them, or a
 * mapping that is no hold itself; and not too long.
 */
_pure_ bool hold_is_possible(struct bytes original);

/* Whether a value is one that hold_encode() makes. */
_pure_ bool hold_is_one(struct bytes value);

/**
 * hold_encode() - The value that stands for a device while it is held
 * @original: what it replaces: "0000:05:00.0", "host=01:00", "01:00.0;01:00.1", "mapping=gpu"
 *
 * "mapping=hwrecover-hold-0000_05_00-0": a valid id of a mapping that does not exist, so that every
 * start of the guest fails and names it (notes on hostpci in qm.conf(5): mapping, pve-configid).
 *
 * Return: the text in @arena; NULL when there is no memory or @original is of another form or too
 * long: such a setting is not held.
 */
const char *hold_encode(struct arena *arena, struct bytes original);

/**
 * hold_decode() - What a hold's value stands for
 * @value: "mapping=hwrecover-hold-…"
 *
 * Return: the text in @arena, which hold_encode() makes @value of again; NULL if it is none.
 */
const char *hold_decode(struct arena *arena, struct bytes value);

/* The guest of a document that configures one, zeroed, once a document; NULL: no memory. */
_must_check_ struct guest_config *document_make_guest(struct document *document);
/* With its devices; their strings are the document's. document_clear_scan() does it. */
void guest_config_free(struct guest_config *guest);
/* New zeroed items; their strings are to be copied into the document's arena. NULL: no memory. */
_must_check_ struct guest_device *document_add_device(struct document *document);
_must_check_ struct start_switch *document_add_switch(struct document *document);
