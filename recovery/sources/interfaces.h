/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NIC names in /etc/network/interfaces, everything it sources, interfaces.new and
 * /etc/default/networking: interfaces(5) as ifupdown 0.8.41, ifupdown2 and ifupdown-ng read it.
 */
#pragma once

#include "recovery/source.h"

/* Which program reads the file; it decides what a line means (they disagree). */
enum interfaces_dialect {
	DIALECT_IFUPDOWN,
	DIALECT_IFUPDOWN2,
	DIALECT_IFUPDOWN2_3_9, /* 3.2 and later: source relative to the file, source-directory */
	DIALECT_IFUPDOWN_NG,
	_DIALECT_MAX,
	_DIALECT_INVALID = -22,
};

const char *interfaces_dialect_to_string(enum interfaces_dialect dialect);
enum interfaces_dialect interfaces_dialect_from_string(const char *text);

/* By what is installed in the tree, not by what the file looks like; ifupdown's if nothing is. */
enum interfaces_dialect interfaces_detect_dialect(const struct root *root);

extern const struct source interfaces_source;
extern const struct source default_networking_source;

/**
 * interfaces_scan_text() - Scan one text as one file; for tests and fuzzing
 * @document: with path, data and size set; its references, digests and notes are filled
 *
 * What ifupdown2 may take for a template (Mako) is taken for one.
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int interfaces_scan_text(enum interfaces_dialect dialect, struct document *document,
				      const struct name_set *names);

/**
 * interfaces_check_text() - Whether a reader of this dialect accepts one text
 *
 * Return: 0, or -EBADMSG with @problem set.
 */
_must_check_ int interfaces_check_text(enum interfaces_dialect dialect, struct bytes text,
				       const char *file, struct problem *problem);
