/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What has to be done about each mention, given what it means, what became of that, and who bears
 * its name today. Pure.
 */
#pragma once

#include "recovery/park.h"

enum verdict {
	VERDICT_KEEP,   /* right as it is, or reserved for a device that is away */
	VERDICT_REMAP,  /* its device has another name now: write that */
	VERDICT_PARK,   /* its device is away and another bears its name: out of force */
	VERDICT_REPORT, /* nothing is proven, or nothing can or may be done: left and said */
	_VERDICT_MAX,
	_VERDICT_INVALID = -22,
};

/**
 * struct policy - What the administrator allows
 * @network:      whether interfaces files may be edited; without, everything is only reported
 * @why_not:      in words why not, for the report ("Network=report"); NULL when they may
 * @replaced_nic: whether a NIC that took another's place inherits its mentions
 * @restore:      whether what is parked comes back by itself
 */
struct policy {
	bool network;
	const char *why_not;
	bool replaced_nic;
	bool restore;
};

/**
 * struct finding - The verdict on one reference
 * @verdict:  what to do
 * @new_name: for VERDICT_REMAP; the inventory's
 * @reason:   in words, naming the mention and what is there now; NULL where there is nothing to say
 * @warn:     whether a person has to look at it
 */
struct finding {
	enum verdict verdict;
	const char *new_name;
	const char *reason;
	bool warn;
};

/**
 * struct subject - One document on its way
 * @document: scanned
 * @back, @n_back: what was put back into it (park_undo())
 * @bindings: what its references mean, one each (meanings_bind())
 * @findings: the verdicts, one each
 */
struct subject {
	struct document *document;
	struct put_back *back;
	size_t n_back;
	struct binding *bindings;
	struct finding *findings;
};

void subject_done(struct subject *subject);

/**
 * struct resolution - All subjects and what became of each unit
 * @pairings: one per unit of @meanings
 * @arena:    owns the reasons
 */
struct resolution {
	struct arena arena;
	struct meanings *meanings;
	const struct past *past;
	struct subject *subjects;
	size_t n_subjects;
	struct pairing *pairings;
};

void resolution_done(struct resolution *resolution);

/**
 * resolve() - Find the verdict on every reference
 * @resolution: with @meanings, @past and the subjects' bindings set; findings and pairings are
 *              filled
 *
 * Contract sections 6 and 8.6: what is found is remapped; what is away keeps its name reserved,
 * and is parked where another device bears it; what is ambiguous is left. A mention that never
 * denoted anything makes way for a device with mentions of its own, and becomes a newly added
 * device's otherwise.
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int resolve(struct resolution *resolution, const struct policy *policy);
