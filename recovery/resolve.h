/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What has to be done about each mention, given what it means, what became of that, and who bears
 * its name today. Pure.
 */
#pragma once

#include "recovery/park.h"

enum verdict {
	VERDICT_KEEP,  /* right as it is, or reserved for a device that is away */
	VERDICT_REMAP, /* its device has another name now: write that */
	VERDICT_PARK,  /* out of force: its device is away and another bears its name; a bind entry:
			  it  would not take what it means, or something protected */
	VERDICT_REPORT, /* nothing is proven, or nothing can or may be done: left and said */
	_VERDICT_MAX,
	_VERDICT_INVALID = -22,
};

enum bind_policy {
	BINDS_DISABLE,  /* an entry that does not take what it means is put out of force */
	BINDS_RELOCATE, /* it is rewritten, if it is known where its device is now */
	BINDS_REPORT,   /* it is left and said */
};

/**
 * struct policy - What the administrator allows
 * @network:      whether NIC names may be edited; without, everything is only reported
 * @why_not:      in words why not, for the report ("Network=report"); NULL when they may
 * @replaced_nic: whether a NIC that took another's place inherits its mentions
 * @restore:      whether what is parked comes back by itself
 * @binds:        what is done about stale bind entries
 * @why_no_binds: in words why they are only reported ("StaleBinds=report"); NULL otherwise
 * @protect:      even then, an entry that would take a protected device is put out of force
 * @by_hand:      a person asked for it: files that no boot stage edits may be edited
 * @no_release:   no function is given back to its own driver (Mode=report)
 * @allow:        addresses of protected devices that may be taken all the same, @n_allow of them
 */
struct policy {
	bool network;
	const char *why_not;
	bool replaced_nic;
	bool restore;
	enum bind_policy binds;
	const char *why_no_binds;
	bool protect;
	bool by_hand;
	bool no_release;
	const struct pci_address *allow;
	size_t n_allow;
};

/**
 * struct finding - The verdict on one reference
 * @verdict:  what to do
 * @new_name: for VERDICT_REMAP; the inventory's or the resolution's
 * @reason:   in words, naming the mention and what is there now; NULL where there is nothing to say
 * @warn:     whether a person has to look at it
 * @stale:    a bind entry does not take what it means where it stands
 * @protects: it is put out of force because it would take a protected device
 */
struct finding {
	enum verdict verdict;
	const char *new_name;
	const char *reason;
	bool warn;
	bool stale;
	bool protects;
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
/* Forget verdicts and pairings, to resolve() once more. */
void resolution_clear(struct resolution *resolution);

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
 * A bind entry (contract section 8.7) takes whatever sits at its address, so it is in force only
 * where that is what it means. It never adopts: one that never denoted anything is put out of force
 * as soon as somebody sits there. None takes a protected device.
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int resolve(struct resolution *resolution, const struct policy *policy);

/**
 * resolve_home() - The machine that bind entries are meant on, while this is another one
 *
 * Return: its id, one of the resolution's strings, or NULL at home.
 */
_pure_ const char *resolve_home(const struct resolution *resolution);

/**
 * resolve_protection() - Why a function of today may not be taken for a guest
 * @stale: whether whoever would take it does not mean it
 *
 * Contract section 7: a protected device may be taken only if it already was in the baseline, or
 * Allow= says so; the only display also by an entry that means it.
 *
 * Return: the reason ("root file system"); NULL if it may be taken.
 */
_pure_ const char *resolve_protection(const struct past *past, const struct policy *policy,
				      const struct pci_function *function, bool stale);
