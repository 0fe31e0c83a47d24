/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whatever binds devices to vfio-pci or pci-stub before guests run. Mentions are PCI addresses
 * (REFERENCE_ADDRESS), found by their shape; the names a scan is given do not matter, but for NIC
 * names on a kernel command line.
 */
#pragma once

#include "recovery/source.h"

struct pci_function;

/* Shell scripts: /etc/initramfs-tools/scripts and [Paths] BindScripts. */
extern const struct source bind_script_source;
/* /etc/modprobe.d: options … ids=, install. */
extern const struct source modprobe_source;
/* /etc/driverctl.d: a file a device, named after its address. */
extern const struct source driverctl_source;
/* /etc/udev/rules.d: rules that match a bus address. */
extern const struct source udev_rules_source;
/* /etc/kernel/cmdline, /etc/default/grub and grub.d. */
extern const struct source kernel_command_line_source;
/* /etc/initramfs-tools/initramfs.conf and conf.d: DEVICE= and IP=, which name NICs. */
extern const struct source initramfs_conf_source;

/* Whether mentions in files of this kind take devices for guests. */
_pure_ bool is_bind_source(const struct source *source);

/**
 * bind_script_scan_document() - Scan one shell script, whatever its mode and place
 * @document: with path, data and size set; its references, ids, digests and notes are filled. One
 *            that cannot be read here, though shells may, can only be switched off
 *
 * For the guard, whose scripts are those that are run.
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int bind_script_scan_document(struct document *document);

/**
 * bind_script_check_text() - Whether one text can be read as a shell script
 *
 * One that ends before its first command, as it is switched off, always can.
 *
 * Return: 0, -EBADMSG with @problem set, or -ENOMEM.
 */
_must_check_ int bind_script_check_text(struct bytes text, const char *file,
					struct problem *problem);

/**
 * ids_parse() - Read the value of an ids= parameter: "10de:1b80,10de:10f0:…"
 * @driver: whose parameter it is; must outlive the document
 * @line:   where it stands
 *
 * Adds what can be read to @document's ids and a note for each word that cannot.
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int ids_parse(struct document *document, const char *driver, struct bytes value,
			   unsigned int line);

/**
 * ids_parse_kernel_command_line() - The ids= entries of a kernel command line
 *
 * Parameters as the kernel's own parser splits them: blanks between, double quotes round a value,
 * '-' and '_' alike in names ("vfio_pci.ids=").
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int ids_parse_kernel_command_line(struct document *document, struct bytes text,
					       unsigned int line);

/**
 * id_entry_matches() - Whether a driver that has this entry takes a function
 *
 * As pci_match_one_device() of the kernel; an id the inventory does not know contradicts nothing.
 */
_pure_ bool id_entry_matches(const struct id_entry *entry, const struct pci_function *function);
