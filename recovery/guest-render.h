/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files about guests, put back first and rendered afresh like all others (park.h). What turns a
 * guest off is no parked text: it stands in settings that an editor of guests sorts and spaces as
 * it likes, so it is found by what it is, not by where it stood.
 */
#pragma once

#include "recovery/plan.h"

/* Why a guest is turned on again. */
#define PLAN_GUEST_IS_BACK "the guest's devices are where they should be"

/**
 * struct guest_touch - One place of a document that comes out differently
 * @span: of the document; empty for what is put in
 */
struct guest_touch {
	struct span span;
	enum remedy remedy;
	const char *reason;
};

/**
 * guest_put_back() - Turn on again, in a document alone, what was turned off in its file
 * @meanings: tells what that was, where the file does not tell itself
 * @names:    for the scan
 * @subject:  its document is of a source with @is_guest and not scanned yet; @was_held and @held
 *            are set
 *
 * Settings that are held get their devices back, lines that a hold put in are taken out, switches
 * that still stand as we left them are as they were. The document's @disk is the file then, if that
 * is different.
 *
 * Return: 0, or a negative errno.
 */
_must_check_ int guest_put_back(const struct meanings *meanings, const struct scan_context *context,
				const struct name_set *names, struct subject *subject);

/**
 * guest_put_back_removal() - Make a document of a file that was removed to turn a guest off
 * @off:      with @file set
 * @document: new and empty, with its path and source
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int guest_put_back_removal(const struct turned_off *off, struct document *document);

/**
 * guest_render() - The file that follows from the verdicts on mentions and guests
 *
 * Where it may not be edited it comes out as it is.
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int guest_render(const struct resolution *resolution, const struct policy *policy,
			      const struct subject *subject, struct rendered *ret_rendered);
