/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One look at everything: the hardware now and before, the managed files, what they mean, and the
 * plan that follows. `status`, `plan`, `apply` and the boot stages all begin with it.
 */
#pragma once

#include "agent/context.h"
#include "agent/pve.h"
#include "recovery/plan.h"

/* Which files are to be edited; the others are looked at all the same. */
enum survey_scope {
	SCOPE_ALL,
	SCOPE_HOST,   /* all but Proxmox VE's: the network stage's */
	SCOPE_GUESTS, /* guests' alone: the guests stage's */
};

/**
 * struct survey_options - What kind of look
 * @details: also read what only people and the baseline want: serial numbers, slots
 * @adopt:   every mention means what it names now
 * @honour_undone: edits that a rollback undid are only reported while the hardware is the same
 * @early:   the boot is under way: links that are not ready yet are taken as they were
 * @only_look: nothing is edited, whatever the hardware is: what was found is only recorded
 * @pve_timeout_ms: how long /etc/pve may take to answer; 0 for PVE_LOOK_TIMEOUT_MS
 * @release: guests and mappings whose mentions mean what they name now, @n_release names of them
 * @release_protected: also where that is what the host needs
 * @restore: path of a file whose lost parked texts are put back, or NULL
 * @overlay: files to be taken as they were in this snapshot, not as they are; or NULL
 */
struct survey_options {
	bool details;
	bool adopt;
	bool honour_undone;
	bool early;
	bool only_look;
	enum survey_scope scope;
	unsigned int pve_timeout_ms;
	const char *const *release;
	size_t n_release;
	bool release_protected;
	const char *restore;
	const struct snapshot *overlay;
};

/**
 * struct survey - What was seen
 * @now:      the hardware
 * @newest:   the newest distinct snapshot, which holds the meanings; @has_newest false at a first
 *            run
 * @settled:  the snapshot whose inventory the meanings were last resolved against, where that is
 *            not @newest
 * @baseline: where that is not @newest either; @has_baseline false when none was ever taken
 * @no_baseline: nor is there a snapshot of an earlier boot to stand in for it
 * @settled_inventory, @baseline_inventory: the inventories of these; the present one at a first run
 * @settled_match, @baseline_match: compared with @now
 * @older:    further snapshots, newest first, read only when a file names what nobody knows
 * @documents: the managed files
 * @meanings: what is recorded, and what is meant by mentions seen for the first time
 * @policy:   in force
 * @pve:      in which state /etc/pve is
 * @deferred: edits below it were cut short and wait: what was decided on counts, not files that do
 *            not say so yet
 * @host_uses: one per function, for @policy
 * @undone:   network edits are not made as a rollback undid them
 * @plan:     what follows from all that
 * @n_locked: files that were to be edited, and were left as somebody else had them locked
 */
struct survey {
	struct inventory now;
	struct snapshot newest;
	bool has_newest;
	struct snapshot settled;
	struct snapshot baseline;
	uint64_t baseline_id;
	bool has_baseline;
	bool no_baseline;
	const struct inventory *settled_inventory;
	const struct inventory *baseline_inventory;
	struct match settled_match;
	struct match baseline_match;
	struct snapshot *older;
	const struct inventory **older_inventories;
	size_t n_older;
	struct documents documents;
	const char **names;
	size_t n_names;
	struct scan_context scan;
	struct meanings meanings;
	struct past past;
	struct resolution resolution;
	struct policy policy;
	enum pve_state pve;
	bool deferred;
	const char **host_uses;
	bool undone;
	struct plan plan;
	size_t n_locked;
};

void survey_done(struct survey *survey);

/**
 * survey_read_inventory() - The hardware as --inventory, the tree or the machine has it
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int survey_read_inventory(const struct context *context, bool details,
				       struct inventory *ret_inventory, struct problem *problem);

/**
 * survey_begin() - Read the state: what is recorded, and the hardware it was recorded with
 * @id: a snapshot to begin from, as if it were the newest; 0 for the newest
 *
 * Return: 0, or a negative errno with @problem set and nothing to release.
 */
_must_check_ int survey_begin(struct context *context, uint64_t id, struct survey *ret_survey,
			      struct problem *problem);

/**
 * survey_finish() - Look at everything else and make the plan
 * @survey:    begun; must not move from now on
 * @inventory: the hardware now; taken over, also on error
 *
 * Return: 0, or a negative errno with @problem set and the survey released.
 */
_must_check_ int survey_finish(struct context *context, const struct survey_options *options,
			       struct inventory *inventory, struct survey *survey,
			       struct problem *problem);

/* Both, with the hardware read in between. Return: as these. */
_must_check_ int survey_take(struct context *context, const struct survey_options *options,
			     struct survey *ret_survey, struct problem *problem);

/**
 * survey_plan_again() - Make the plan anew after documents were found to be unfit
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int survey_plan_again(struct survey *survey, struct problem *problem);
