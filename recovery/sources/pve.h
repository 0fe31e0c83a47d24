/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What Proxmox VE keeps about guests in /etc/pve: their own files, the cluster's mappings of
 * devices and its list of highly available guests. Only what is of this node is looked at.
 */
#pragma once

#include "recovery/guest.h"
#include "recovery/source.h"
#include "recovery/sources/address-token.h"

/* nodes/NODE/qemu-server/VMID.conf, qm.conf(5). */
extern const struct source pve_qemu_source;
/* nodes/NODE/lxc/CTID.conf, pct.conf(5). */
extern const struct source pve_lxc_source;
/* mapping/pci.cfg: devices by name; mentions in lines of this node, owned by "mapping/NAME". */
extern const struct source pve_mapping_source;
/* ha/resources.cfg: switches of kind SWITCH_HA, no mentions. */
extern const struct source pve_ha_source;

/* Where /etc/pve is. */
#define PVE_PATH "/etc/pve"

/* Whether a name is a guest's file: "101.conf". Its number goes to @ret_vmid. */
bool pve_parse_file_name(const char *name, uint32_t *ret_vmid);

/*
 * Whether a path is of a guest's file of one kind ("qemu-server", "lxc"), of whatever node, in
 * either layout of scan_context's @pve_folder.
 */
_pure_ bool pve_is_guest_path(const char *path, const char *kind);

/**
 * struct pve_line - One line of a guest's file, as Proxmox's parser sees it
 * @text:    without its end
 * @offset:  where it starts;  @next: where the next one does
 * @number:  counted from 1
 * @section: the head above it: "" at the top, "[PENDING]", "[before-upgrade]"; of a head itself,
 *           that head
 * @unknown: it stands in a section that says nothing about the guest's hardware: one that Proxmox
 *           passes over and loses at its next write, "[special:cloudinit]"
 * @is_head: it is a head
 * @key, @value: of "KEY: VALUE" as Proxmox splits it; empty for a comment, a blank line, what is no
 *           such line, or stands in an unknown section. @value is trimmed, as Proxmox does; it is
 *           empty only where "lxc.KEY =" has none. Spans of @text's file by their data
 */
struct pve_line {
	struct bytes text;
	size_t offset;
	size_t next;
	unsigned int number;
	struct bytes section;
	bool unknown;
	bool is_head;
	struct bytes key;
	struct bytes value;
};

/**
 * struct pve_reader - Walking over the lines of a guest's file
 * @contents: of the file
 * @is_lxc: heads and keys as of containers ("[pve:pending]", "lxc.KEY = VALUE")
 *
 * Initialise these two, the rest with zero.
 */
struct pve_reader {
	struct bytes contents;
	bool is_lxc;
	size_t offset;
	unsigned int number;
	struct bytes section;
	bool unknown;
};

/* The next line. Return: whether there was one. */
_must_check_ bool pve_read_line(struct pve_reader *reader, struct pve_line *ret_line);

/* Nothing, or nothing but what Perl calls white space. */
bool pve_is_blank(struct bytes text);

/* Proxmox's booleans: 1, on, yes, true and 0, off, no, false in any case; -1 for anything else. */
int pve_parse_boolean(struct bytes value);

/* Whether a section's head is the one whose settings are applied at the next start. */
bool pve_is_pending(struct bytes section);

/* A name as Proxmox allows it for what people name: mappings, snapshots (pve-configid). */
bool pve_is_config_id(struct bytes text);

/**
 * pve_next_address() - Walk over a list of PCI addresses as Proxmox writes them
 * @list: "0000:05:00.0;0000:05:00.1"; of a single address, too
 * @at:   0 at first
 * @ret_token: its span is counted from the start of the list
 *
 * [DOMAIN:]BUS:DEVICE[.FUNCTION] in lower case, the domain with at least four digits: PCIRE of
 * PVE::QemuServer::PCI. Without a function it means all that are there.
 *
 * Return: 1 with the next address, 0 at the end, -EINVAL if the list is of another form; -ERANGE if
 * the next address is of this form, but no device can have it: then @at is behind it.
 */
_must_check_ int pve_next_address(struct bytes list, size_t *at, struct address_token *ret_token);

/**
 * pve_collect_guests() - Read the guests' files of one kind of this node
 * @folder: "qemu-server" or "lxc", in scan_context's @pve_folder; where there is none such, which
 *          happens in copies alone, in /etc/pve itself
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int pve_collect_guests(const struct source *source, const struct scan_context *context,
				    const char *folder, struct documents *documents,
				    struct problem *problem);
