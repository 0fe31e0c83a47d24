/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Carrying a plan out: files, meanings and the snapshot in one transaction. */
#pragma once

#include "agent/survey.h"

/**
 * struct commit_options - What the snapshot says about itself
 * @reason:   one word: "boot", "manual", "apply"
 * @note:     the user's, or NULL
 * @settle:   whether the new meanings hold from now on; without (Mode=report), those recorded stay
 * @baseline: whether the snapshot becomes the baseline
 */
struct commit_options {
	const char *reason;
	const char *note;
	bool settle;
	bool baseline;
};

/**
 * commit_plan() - Replace the files of the survey's plan and commit the snapshot that goes with it
 * @ret_id: the snapshot's id
 *
 * What the installed reader accepted before, it must accept after; otherwise nothing is replaced.
 * Where somebody edited a file since the last snapshot, its contents are kept in one of their own
 * first.
 *
 * Return: 0, or a negative errno with @problem set and every file as it was.
 */
_must_check_ int commit_plan(struct context *context, struct survey *survey,
			     const struct commit_options *options, uint64_t *ret_id,
			     struct problem *problem);

/* Whether hardware and managed files are those of the newest snapshot: a record will do. */
bool survey_is_unchanged(const struct survey *survey);

/* Whether mentions of guests have more to be put on record than they had: groups, functions made
 * late. */
bool survey_learns(const struct survey *survey);

/* How many managed files there are. */
size_t commit_count_managed(const struct survey *survey);

/**
 * commit_record() - Note a boot in which nothing changed
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int commit_record(struct context *context, const struct survey *survey,
			       uint64_t *ret_id, struct problem *problem);

/**
 * commit_look() - A snapshot of hardware and files as they are, with the meanings as they were
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int commit_look(struct context *context, const struct survey *survey,
			     const char *reason, struct problem *problem);

/**
 * commit_save_files() - Take a snapshot if some managed file holds what the newest has not
 * @reason: for the snapshot, one word
 *
 * Return: 1 if one was taken, 0 if not, or a negative errno with @problem set.
 */
_must_check_ int commit_save_files(struct context *context, const char *reason,
				   struct problem *problem);

/**
 * commit_begin_snapshot() - A snapshot of the present hardware, without files and state
 *
 * Its inventory is lent by the survey: commit_end_snapshot() releases all but that.
 */
_must_check_ int commit_begin_snapshot(const struct survey *survey, const char *reason,
				       const char *note, struct snapshot *ret_snapshot);
void commit_end_snapshot(struct snapshot *snapshot);

/*
 * After each commit: remove old snapshots as Keep= says, and write what the next boot image is
 * told. What cannot be done is said and no error.
 */
void commit_conclude(struct context *context);

/**
 * commit_tell() - Tell the journal, an event each, what changed, what was done and what was left
 * @id:   the snapshot of it
 * @done: whether the plan was carried out; without, only what changed and what is left is told
 */
void commit_tell(const struct survey *survey, uint64_t id, bool done);
