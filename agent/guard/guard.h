/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guard: runs in the initramfs before any bind script and before any driver is loaded, and sees
 * to it that none of them takes another device than was meant. It decides by the same code as the
 * running system. What follows here is what its parts share.
 *
 * It never stops a boot: whatever cannot be read or written is said, and all else is done. Files of
 * the image are in RAM, so what it does to them holds for this boot only.
 */
#pragma once

#include "agent/guard-report.h"
#include "recovery/manifest.h"
#include "recovery/source.h"

/**
 * struct guard - All that is known
 * @root:         the image's tree
 * @command_line: the kernel's
 * @manifest:     what the running system handed over; its policy is that in force
 * @before:       the manifest's functions, without its NICs: no link is there yet to be one of them
 * @now:          functions there are; @protected of those that the host is known to need is set
 * @known:        one per function of @now: the function of @before whose @protected it has, or
 *                SIZE_MAX
 * @match, @past, @policy: for the rules
 * @documents:    files of the image that name devices, under the names the running system knows
 *                them by
 * @folders:      one per document: the image's folder it is in; @folders_allocated
 * @command_line_ids, @module_ids: id entries of the kernel command line and of /conf/modules
 * @report:       what was done
 * @console:      lines for people who watch the boot
 */
struct guard {
	struct root root;
	char *command_line;
	size_t command_line_size;
	struct manifest manifest;
	struct inventory before;
	struct inventory now;
	size_t *known;
	struct match match;
	struct past past;
	struct policy policy;
	struct documents documents;
	const char **folders;
	size_t folders_allocated;
	struct resolution resolution;
	struct document command_line_ids;
	struct document module_ids;
	struct guard_report report;
};

/**
 * guard_say() - Keep an entry for the report, and say it in the kernel's log
 *
 * What was put out of force or kept is said on the console too. Never fails: where there is no
 * memory it is only said.
 */
_printf_(3, 4) void guard_say(struct guard *guard, const struct guard_entry *entry,
			      const char *format, ...);

/* The functions there are, which of those of the manifest they are, and which the host needs. */
_must_check_ int guard_look(struct guard *guard, struct problem *problem);

/**
 * guard_read_image() - Read the files of the image that name devices
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int guard_read_image(struct guard *guard);

/* Disarm, arm and relocate their entries. Return: 0 or -ENOMEM; what else fails is said. */
_must_check_ int guard_edit_image(struct guard *guard);

/* Keep devices the host needs from drivers that were told to take their model (ids=). */
_must_check_ int guard_keep_protected(struct guard *guard);

/* Correct the NIC that initramfs-tools' network configuration names. */
_must_check_ int guard_rename_nic(struct guard *guard);

/**
 * guard_path_name() - The name a NIC has after its function moved
 * @name:  of the kind that systemd.net-naming-scheme(7) makes of a path: "enp6s0", "wlP1p3s0f1d1"
 * @was:   where its function was when it had that name
 * @is:    where it is
 *
 * Return: 0, or -EINVAL when the name does not follow from @was, or none can be given for @is.
 */
struct guard_nic_name {
	char text[NIC_NAME_MAX + 1];
};
_must_check_ int guard_path_name(struct bytes name, const struct pci_address *was,
				 const struct pci_address *is, struct guard_nic_name *ret_name);
