/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guard did in the initramfs, for the stages of the boot that come later: lines of fields
 * (tab-fields.h) in /run/hwrecover/guard, which is there whenever the guard has run.
 *
 *   hwrecover-guard 1
 *   KIND PATH LINE ADDRESS REASON
 *
 * KIND is a word of guard_deed_to_string(), PATH the file as the running system names it (of which
 * the image has a copy), LINE counted from 1, ADDRESS of the function it is about, REASON in words.
 * What does not apply is not known.
 */
#pragma once

#include "snapshot/basic/arena.h"
#include "snapshot/basic/root.h"
#include "snapshot/pci-address.h"

#define GUARD_REPORT_NAME "guard"
#define GUARD_REPORT_PATH "/run/hwrecover/" GUARD_REPORT_NAME

enum guard_deed {
	GUARD_DISARMED,  /* "disarmed": the entry is out of force in this boot */
	GUARD_ARMED,     /* "armed": the entry is in force again */
	GUARD_RELOCATED, /* "relocated": the entry has its device's address of today */
	GUARD_KEPT,      /* "kept": driver_override of the function is set to its own driver */
	GUARD_RENAMED,   /* "renamed": the NIC of ip= or DEVICE= has its name of today */
	GUARD_LEFT,      /* "left": something is not as it should be, and nothing was done */
	_GUARD_DEED_MAX,
	_GUARD_DEED_INVALID = -22,
};

const char *guard_deed_to_string(enum guard_deed deed);

/**
 * struct guard_entry - One thing done, or left
 * @path:   NULL where it is about no file
 * @line:   0 where it is about no line
 * @reason: in words; never NULL
 */
struct guard_entry {
	enum guard_deed deed;
	const char *path;
	unsigned int line;
	bool has_address;
	struct pci_address address;
	const char *reason;
};

/**
 * struct guard_report - All of it
 * @arena: owns every string
 */
struct guard_report {
	struct arena arena;
	struct guard_entry *entries;
	size_t n_entries;
	size_t entries_allocated;
};

void guard_report_done(struct guard_report *report);

/**
 * guard_report_add() - Add an entry; its strings are copied
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int guard_report_add(struct guard_report *report, const struct guard_entry *entry);

/* Put it in its place, by file and line. Return: 0 or a negative errno. */
_must_check_ int guard_report_write(const struct root *root, struct guard_report *report);

/**
 * guard_report_read() - What the guard did in this boot
 *
 * Lines that cannot be read are passed over: a later guard may know more.
 *
 * Return: 1, 0 with an empty report when the guard did not run, or a negative errno with @problem
 * set.
 */
_must_check_ int guard_report_read(const struct root *root, struct guard_report *ret_report,
				   struct problem *problem);
