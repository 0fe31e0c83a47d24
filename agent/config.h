/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration: hwrecover.conf(5), its drop-ins, and the kernel command line. */
#pragma once

#include "snapshot/basic/arena.h"
#include "snapshot/basic/problem.h"
#include "snapshot/basic/root.h"
#include "snapshot/pci-address.h"

/* Largest configuration file that is read. */
#define CONFIG_MAX_SIZE (1024U * 1024)

#define NIC_TIMEOUT_MAX_SEC 300

enum mode {
	MODE_AUTO,
	MODE_REPORT, /* nothing is edited, released or blocked */
	MODE_OFF,    /* nothing at all */
	_MODE_MAX,
	_MODE_INVALID = -22,
};

enum network_policy {
	NETWORK_REMAP,
	NETWORK_REPORT,
	_NETWORK_POLICY_MAX,
	_NETWORK_POLICY_INVALID = -22,
};

enum stale_binds_policy {
	STALE_BINDS_DISABLE,
	STALE_BINDS_RELOCATE,
	STALE_BINDS_REPORT,
	_STALE_BINDS_POLICY_MAX,
	_STALE_BINDS_POLICY_INVALID = -22,
};

enum autostart_policy {
	AUTOSTART_BLOCK,
	AUTOSTART_HOLD,
	AUTOSTART_RELOCATE,
	AUTOSTART_REPORT,
	_AUTOSTART_POLICY_MAX,
	_AUTOSTART_POLICY_INVALID = -22,
};

enum replaced_nic_policy {
	REPLACED_NIC_REMAP,
	REPLACED_NIC_REPORT,
	_REPLACED_NIC_POLICY_MAX,
	_REPLACED_NIC_POLICY_INVALID = -22,
};

/* The words of the configuration; from_string gives _…_INVALID for any other. */
const char *mode_to_string(enum mode mode);
enum mode mode_from_string(struct bytes text);
const char *network_policy_to_string(enum network_policy policy);
enum network_policy network_policy_from_string(struct bytes text);
const char *stale_binds_policy_to_string(enum stale_binds_policy policy);
enum stale_binds_policy stale_binds_policy_from_string(struct bytes text);
const char *autostart_policy_to_string(enum autostart_policy policy);
enum autostart_policy autostart_policy_from_string(struct bytes text);
const char *replaced_nic_policy_to_string(enum replaced_nic_policy policy);
enum replaced_nic_policy replaced_nic_policy_from_string(struct bytes text);

/**
 * struct config - The configuration in force
 * @arena:        owns every string
 * @mode_of_files: without what the kernel command line of this one boot says
 * @mode_origin:  what set @mode, for people: "FILE:LINE", "the kernel command line"; NULL when it
 *                is the default
 * @restore:      whether what hwrecover turned off is turned on again with its device
 * @allow:        [Recovery] Allow=: protected devices that may be taken all the same
 * @keep:         distinct snapshots to keep, at least 1
 * @nic_timeout_sec: longest wait for NICs, 0 to NIC_TIMEOUT_MAX_SEC
 * @bind_scripts, @interfaces: [Paths]: extra files, as absolute globs
 */
struct config {
	struct arena arena;
	enum mode mode;
	enum mode mode_of_files;
	const char *mode_origin;
	enum network_policy network;
	enum stale_binds_policy stale_binds;
	enum autostart_policy autostart;
	enum replaced_nic_policy replaced_nic;
	bool restore;
	struct pci_address *allow;
	size_t n_allow;
	size_t allow_allocated;
	unsigned int keep;
	unsigned int nic_timeout_sec;
	const char **bind_scripts;
	size_t n_bind_scripts;
	size_t bind_scripts_allocated;
	const char **interfaces;
	size_t n_interfaces;
	size_t interfaces_allocated;
};

void config_done(struct config *config);

/**
 * config_load() - Read the configuration of a tree
 * @root: the tree; its kernel command line (/proc/cmdline, if it has one) outranks every file
 * @file: --config: a path of the caller's file system that replaces all files of the tree, or NULL
 *
 * What is wrong in a file is said with log_warning() and never keeps anything from starting: a line
 * that cannot be used is left out, a bad Mode means `report`. So does a file that is there and
 * cannot be read, unless the mode is `off`; @file alone is an error then.
 *
 * Return: 0, or a negative errno with @problem set: @file could not be read, or -ENOMEM.
 */
_must_check_ int config_load(const struct root *root, const char *file, struct config *ret_config,
			     struct problem *problem);

/* The defaults. Return: 0, or -ENOMEM. */
_must_check_ int config_init(struct config *ret_config);

/**
 * config_parse() - Assign what one file says, over what @config holds
 * @file: named in warnings
 *
 * The syntax is systemd.syntax(7)'s: [Section], Key=Value, '#' and ';' at the start of a line, a
 * backslash at its end joins the next one. Besides, a comment may follow a value behind a blank: no
 * value has a word that begins with '#' or ';'. Later assignments win, lists add up, an empty value
 * gives the default again.
 *
 * Return: 0, or -ENOMEM.
 */
_must_check_ int config_parse(struct bytes text, const char *file, struct config *config);

/**
 * config_parse_kernel_command_line() - Let hwrecover=MODE outrank the files
 * @text: as /proc/cmdline has it; the last one counts, an unknown value is said and means `report`
 *
 * Return: 0, or -ENOMEM.
 */
_must_check_ int config_parse_kernel_command_line(struct bytes text, struct config *config);
