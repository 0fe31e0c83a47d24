/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is to be done, complete before anything is: printed as it is for a dry run, carried out as
 * it is for real.
 */
#pragma once

#include "recovery/resolve.h"
#include "recovery/source.h"
#include "recovery/transaction.h"

#define PLAN_SCHEMA "hwrecover.plan/1"

/* What happened to the hardware since the baseline. */
enum change_kind {
	CHANGE_ADDED,
	CHANGE_REMOVED,
	CHANGE_MOVED,     /* a function: other address or path */
	CHANGE_REPLACED,  /* a NIC: another card in the same place */
	CHANGE_RENAMED,   /* a NIC: other name */
	CHANGE_REGROUPED, /* a function: other members in its IOMMU group */
	_CHANGE_KIND_MAX,
	_CHANGE_KIND_INVALID = -22,
};

const char *change_kind_to_string(enum change_kind kind);

/**
 * struct hardware_change - One change
 * @what: of a PCI function or of a NIC
 * @from, @to: address or name before and now; NULL for what was added, removed
 */
struct hardware_change {
	enum change_kind kind;
	enum unit_kind what;
	const char *from;
	const char *to;
	enum confidence confidence;
	unsigned int evidence;
};

enum remedy {
	REMEDY_REMAP,
	REMEDY_PARK,
	REMEDY_RESTORE,
	REMEDY_DISABLE,  /* a bind entry is put out of force */
	REMEDY_RELOCATE, /* a bind entry, or a guest, gets its device's new address */
	REMEDY_BLOCK,    /* what starts a guest by itself is turned off */
	REMEDY_HOLD,     /* every start of a guest is made to fail */
	_REMEDY_MAX,
	_REMEDY_INVALID = -22,
};

const char *remedy_to_string(enum remedy remedy);

/**
 * struct plan_edit - One line of one file
 * @file: absolute in the tree
 * @line: counted from 1 in the file as it is; 0 when the whole file is removed or created
 * @from, @to: the line without its end; NULL where there is none before or afterwards
 */
struct plan_edit {
	const char *file;
	unsigned int line;
	enum remedy remedy;
	const char *from;
	const char *to;
	const char *reason;
};

/* In the order in which they are done. */
enum action_kind {
	ACTION_RELEASE, /* give a function that was taken for a guest by mistake its own driver back
			 */
	ACTION_IFUP,    /* start ifup@NAME.service: udev decided about this NIC by the old file */
	ACTION_START_HOOK,       /* install libvirt's start hook: one of its guests is held */
	ACTION_UPDATE_INITRAMFS, /* a file with a copy in the boot image changes */
	_ACTION_KIND_MAX,
	_ACTION_KIND_INVALID = -22,
};

const char *action_kind_to_string(enum action_kind kind);

/**
 * struct plan_action - One thing to do to the running system
 * @interface: of ACTION_IFUP: a NIC's name; else NULL
 * @address:   of ACTION_RELEASE
 * @driver:    of ACTION_RELEASE: the function's own driver, NULL where only the kernel knows
 * @keep_override: of ACTION_RELEASE: an entry that names its model would take it again
 * @reason:    in words; NULL where there is nothing to say
 */
struct plan_action {
	enum action_kind kind;
	const char *interface;
	struct pci_address address;
	const char *driver;
	bool keep_override;
	const char *reason;
};

/**
 * struct plan_blocked - One guest that must not start as it is
 * @guest:     "pve/qemu/101"
 * @autostart: something would start it by itself, or would have before that was turned off
 * @hold:      no start of it succeeds
 * @reason:    key, address, and what is there now
 */
struct plan_blocked {
	const char *guest;
	bool autostart;
	bool hold;
	const char *reason;
};

/**
 * struct plan_file - One file that will be replaced, removed or created
 * @document: as it is
 * @path:     where; not the document's where a file whose name is a mention gets another name
 * @was, @now: contents; data NULL where there is no file
 * @was_attributes, @now_attributes: owner, mode and xattrs
 */
struct plan_file {
	const struct document *document;
	const char *path;
	struct bytes was;
	struct bytes now;
	const struct file_attributes *was_attributes;
	const struct file_attributes *now_attributes;
};

/**
 * struct plan - What is to be done
 * @arena:    owns every string
 * @baseline: id of the baseline, 0 when there is none
 * @functions_before, …: contract's "counts"
 * @warnings: what a person should know, in words, naming file and line where there is one
 * @blocked:  guests that must not start as they are, by name
 * @pending:  files below /etc/pve are not as they have to be, and may not be edited now
 * @edits:    by file and line;  @files: the files they are in, by path
 * @meanings: what everything means once the plan is carried out
 * @rendered: one per subject
 */
struct plan {
	struct arena arena;
	uint64_t baseline;
	size_t functions_before;
	size_t functions_after;
	size_t nics_before;
	size_t nics_after;
	struct hardware_change *changes;
	size_t n_changes;
	size_t changes_allocated;
	struct plan_edit *edits;
	size_t n_edits;
	size_t edits_allocated;
	struct plan_action *actions;
	size_t n_actions;
	size_t actions_allocated;
	struct plan_blocked *blocked;
	size_t n_blocked;
	bool pending;
	const char **warnings;
	size_t n_warnings;
	size_t warnings_allocated;
	struct plan_file *files;
	size_t n_files;
	size_t files_allocated;
	struct meanings meanings;
	struct rendered *rendered;
	size_t n_rendered;
};

void plan_done(struct plan *plan);

/**
 * plan_make() - Make the plan from the verdicts
 * @resolution: resolved
 * @context:    for the sources' checks
 * @names:      the names that were looked for
 * @policy:     as it was resolved with
 *
 * Return: 0, -EBADMSG with @problem set when a file that its reader accepts would not be accepted
 * afterwards (nothing may be carried out then), or -ENOMEM.
 */
_must_check_ int plan_make(const struct resolution *resolution, const struct scan_context *context,
			   const struct name_set *names, const struct policy *policy,
			   struct plan *ret_plan, struct problem *problem);

/* Whether there is anything to do, and whether there is anything to tell. */
static inline bool plan_is_empty(const struct plan *plan)
{
	return plan->n_edits == 0 && plan->n_actions == 0;
}

/* Whether an earlier edit of the same file has the same remedy and reason: it need not be said. */
_pure_ bool plan_edit_is_repetition(const struct plan *plan, size_t index);

/* The members "counts" and "changes" of a plan alone. */
void plan_changes_to_json(const struct plan *plan, struct json_writer *writer,
			  struct json_object *object);

/* The member "blocked" alone. */
void plan_blocked_to_json(const struct plan *plan, struct json_writer *writer,
			  struct json_object *object);

/* The plan as JSON, schema hwrecover.plan/1. Return: 0 or -ENOMEM. */
_must_check_ int plan_to_json(const struct plan *plan, char **ret_text, size_t *ret_size);

/* The edits as a unified diff over whole files, ready for patch(1). */
_must_check_ int plan_to_diff(const struct plan *plan, struct buffer *buffer);

/**
 * diff_managed_file() - What changed in one managed file, as a unified diff
 * @was, @now: NULL where it does not exist
 *
 * Return: 0, or -ENOMEM.
 */
_must_check_ int diff_managed_file(const char *path, const struct bytes *was,
				   const struct bytes *now, struct buffer *out);

/* Parts of plan_make(). */
_must_check_ struct plan_action *plan_add_action(struct plan *plan, enum action_kind kind);
_must_check_ int plan_add_binds(struct plan *plan, const struct resolution *resolution,
				const struct policy *policy);
_must_check_ int plan_add_guests(struct plan *plan, const struct resolution *resolution,
				 const struct policy *policy);
_must_check_ int plan_add_guest_edits(struct plan *plan, const struct subject *subject,
				      const struct rendered *rendered);
_must_check_ int plan_add_changes(struct plan *plan, const struct match *baseline);
_must_check_ int plan_add_meanings(struct plan *plan, const struct resolution *resolution,
				   const struct scan_context *context, const struct name_set *names,
				   const struct policy *policy);
_printf_(2, 3) _must_check_ int plan_warn(struct plan *plan, const char *format, ...);
