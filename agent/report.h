/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words people read: hardware changes, edits, warnings. */
#pragma once

#include <stdio.h>

#include "agent/survey.h"
#include "agent/terminal.h"

/* Where a report goes and how it may look. */
struct report {
	FILE *out;
	struct terminal terminal;
};

/* For a command's results. */
void report_open(const struct invocation *invocation, struct report *ret_report);

/* Text from files or hardware, made harmless for a terminal. */
void report_text(const struct report *report, const char *text);

/**
 * report_changes() - "Hardware: 48 PCI functions (1 more), 2 network cards", then the changes
 * @brief: functions that only moved are counted, not listed: one card moves dozens of them
 */
void report_changes(const struct report *report, const struct plan *plan, bool brief);

/* The edits as a unified diff, coloured on a terminal. Return: 0 or -ENOMEM. */
_must_check_ int report_diff(const struct report *report, const struct plan *plan);

/* Guests that are kept from starting, and why. */
void report_blocked(const struct report *report, const struct plan *plan);

/* What is done to the running system, and what a person should know. */
void report_actions(const struct report *report, const struct plan *plan);
void report_warnings(const struct report *report, const struct plan *plan);

/* A unified diff, coloured on a terminal. */
void report_diff_text(const struct report *report, struct bytes diff);
