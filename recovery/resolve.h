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
	VERDICT_BLOCK, /* a guest's: what would be handed over is not what it means */
	VERDICT_REPORT, /* nothing is proven, or nothing can or may be done: left and said */
	_VERDICT_MAX,
	_VERDICT_INVALID = -22,
};

enum bind_policy {
	BINDS_DISABLE,  /* an entry that does not take what it means is put out of force */
	BINDS_RELOCATE, /* it is rewritten, if it is known where its device is now */
	BINDS_REPORT,   /* it is left and said */
};

enum guest_policy {
	GUESTS_BLOCK,    /* a guest that would not get what it means is not started by itself */
	GUESTS_HOLD,     /* nor by anybody */
	GUESTS_RELOCATE, /* its mentions follow their devices, where it is known where these are */
	GUESTS_REPORT,   /* it is left and said */
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
 * @guests:       what is done about guests that would get other devices than they mean
 * @why_no_guests: in words why they are only reported ("Autostart=report"); NULL otherwise
 * @why_not_pve:  in words why files below /etc/pve are judged, but not edited now ("without
 *                quorum"); NULL if they may be
 * @has_start_hook: libvirt asks us before it starts a guest
 * @release_protected: a person says that guests may have what the host needs
 * @only_guests:  all other files than these are not edited: an earlier stage's
 * @host_uses:    one per function of today: what the host itself does with it ("mounted on /srv"),
 *                NULL if nothing. NULL where that is not asked
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
	enum guest_policy guests;
	const char *why_no_guests;
	const char *why_not_pve;
	bool only_guests;
	bool release_protected;
	bool has_start_hook;
	const char *const *host_uses;
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
 * @later:    its device was found, and a later stage writes that: what was found holds till then
 * @agrees:   of a group's number: it is that of the function's group
 * @proof:    for VERDICT_BLOCK: what would be handed over is known to be somebody else, or
 *            protected; without, it may be nothing, or nobody knows
 */
struct finding {
	enum verdict verdict;
	const char *new_name;
	const char *reason;
	bool warn;
	bool stale;
	bool protects;
	bool proof;
	bool agrees;
	bool later;
};

/**
 * struct subject - One document on its way
 * @document: scanned
 * @back, @n_back: what was put back into it (park_undo())
 * @bindings: what its references mean, one each (meanings_bind())
 * @findings: the verdicts, one each
 * @was_held: of a guest's file: a hold stood in it
 * @held:     in which of its settings, as they follow each other; @n_held of them
 */
struct subject {
	struct document *document;
	struct put_back *back;
	size_t n_back;
	struct binding *bindings;
	struct finding *findings;
	bool was_held;
	bool *held;
	size_t n_held;
};

void subject_done(struct subject *subject);

/**
 * struct guest_verdict - What is to be done about one guest with parts of the host
 * @id:        "pve/qemu/101"
 * @subject:   index of the file that configures it
 * @affected:  it would not get what it means, @reason says why: key, address, what is there now
 * @proof:     as in struct finding
 * @off:       it is to be kept from starting by itself;  @hold: from starting at all
 * @forbidden: in words, why no start of it is right although each of its devices is what it means:
 *             one of them is needed by the host as it runs now; NULL where there is nothing
 * @autostart: something would start it by itself, or would have before that was turned off
 * @devices:   one per setting (struct guest_config): it is what is wrong, or one of these
 */
struct guest_verdict {
	const char *id;
	size_t subject;
	bool affected;
	bool proof;
	bool off;
	bool hold;
	bool autostart;
	const char *reason;
	const char *forbidden;
	bool *devices;
};

/**
 * struct resolution - All subjects and what became of each unit
 * @pairings: one per unit of @meanings
 * @guests:   sorted by id, those alone that have parts of the host
 * @arena:    owns the reasons
 */
struct resolution {
	struct arena arena;
	struct meanings *meanings;
	const struct past *past;
	struct subject *subjects;
	size_t n_subjects;
	struct pairing *pairings;
	struct guest_verdict *guests;
	size_t n_guests;
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

/* The verdict on a guest; NULL if it has no parts of the host, or is not known. */
_pure_ const struct guest_verdict *resolution_find_guest(const struct resolution *resolution,
							 const char *id);

struct guest_config;
struct start_switch;

/* Whether a switch is a guest's: it names that by its id, or by its UUID. */
_pure_ bool resolve_is_switch_of(const struct start_switch *of, const struct guest_config *config);

/* Why nothing in a file may be edited now, be it another stage's or not there; NULL if it may. */
_pure_ const char *resolve_why_not_edit(const struct policy *policy,
					const struct document *document);

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
