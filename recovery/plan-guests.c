/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the verdicts on guests come to in the plan: lines of their files, and who is kept off. */
#include <errno.h>

#include "recovery/guest-render.h"
#include "recovery/guest.h"
#include "recovery/sources/bind.h"
#include "recovery/unified-diff.h"

/**
 * struct teller - Telling the lines of one file
 * @told: the last of what was put in that a line was found for; it makes no other
 * @edit, @grown, @shrunk: edits before the line, and what they add and remove
 */
struct teller {
	struct plan *plan;
	const struct subject *subject;
	const struct rendered *rendered;
	const struct guest_touch *told;
	size_t edit;
	size_t grown;
	size_t shrunk;
};

/* Where a place of the new text was in the document. */
static size_t offset_in_document(struct teller *teller, size_t offset)
{
	const struct rendered *rendered = teller->rendered;

	for (; teller->edit < rendered->n_edits; teller->edit++) {
		const struct edit *edit = &rendered->edits[teller->edit];

		if (edit->span.offset + teller->grown - teller->shrunk >= offset)
			break;
		teller->grown += edit->text.size;
		teller->shrunk += edit->span.length;
	}
	return offset + teller->shrunk - teller->grown;
}

/* Why a line of the new text is as it is; NULL if that is what stood there at first. */
static const struct guest_touch *find_touch(struct teller *teller, const struct line_pair *pair)
{
	const struct rendered *rendered = teller->rendered;
	const struct guest_touch *found = NULL;
	size_t start, end;

	if (!pair->new.data)
		return NULL;
	start = offset_in_document(teller, pair->offset);
	end = start + pair->new.size;
	for (size_t i = 0; i < rendered->n_touches && !found; i++) {
		struct span span = rendered->touches[i].span;

		if (&rendered->touches[i] == teller->told)
			continue;
		if (span.offset < end && MAX_OF(span_end(span), span.offset + 1) > start)
			found = &rendered->touches[i];
	}
	if (found && found->span.length == 0)
		teller->told = found;
	return found;
}

static int tell_line(void *data, const struct line_pair *pair)
{
	struct teller *teller = data;
	const struct guest_touch *touch = find_touch(teller, pair);
	struct plan *plan = teller->plan;
	struct arena *arena = &plan->arena;
	struct plan_edit *edit;

	if (ARRAY_RESERVE(plan->edits, plan->n_edits, plan->edits_allocated) < 0)
		return -ENOMEM;
	edit = &plan->edits[plan->n_edits];
	*edit = (struct plan_edit){ .line = pair->number,
				    .remedy = touch ? touch->remedy : REMEDY_RESTORE };
	edit->file = arena_copy_text(arena, teller->subject->document->path);
	edit->from = pair->old.data ? arena_copy(arena, bytes_without_line_end(pair->old)) : NULL;
	edit->to = pair->new.data ? arena_copy(arena, bytes_without_line_end(pair->new)) : NULL;
	edit->reason = arena_copy_text(arena, touch ? touch->reason : PLAN_GUEST_IS_BACK);
	if (!edit->file || !edit->reason || (pair->old.data && !edit->from) ||
	    (pair->new.data && !edit->to))
		return -ENOMEM;
	plan->n_edits++;
	return 0;
}

int plan_add_guest_edits(struct plan *plan, const struct subject *subject,
			 const struct rendered *rendered)
{
	struct teller teller = { .plan = plan, .subject = subject, .rendered = rendered };

	return line_pairs(document_disk_bytes(subject->document),
			  bytes_make(rendered->text, rendered->size), tell_line, &teller);
}

/* libvirt's guests are held by their start hook alone. */
static int add_start_hook(struct plan *plan, const struct resolution *resolution,
			  const struct policy *policy)
{
	for (size_t i = 0; i < resolution->n_guests; i++) {
		const struct guest_verdict *verdict = &resolution->guests[i];
		const struct document *document = resolution->subjects[verdict->subject].document;

		if (verdict->hold && !policy->has_start_hook && !document_is_on_pmxcfs(document))
			return plan_add_action(plan, ACTION_START_HOOK) ? 0 : -ENOMEM;
	}
	return 0;
}

static int add_blocked(struct plan *plan, const struct guest_verdict *verdict)
{
	struct plan_blocked *blocked = &plan->blocked[plan->n_blocked];

	*blocked = (struct plan_blocked){ .autostart = verdict->autostart, .hold = verdict->hold };
	blocked->guest = arena_copy_text(&plan->arena, verdict->id);
	blocked->reason = arena_copy_text(&plan->arena, verdict->reason);
	if (!blocked->guest || !blocked->reason)
		return -ENOMEM;
	plan->n_blocked++;
	return 0;
}

/* What cannot be verified in a guest's file matters when hardware has changed. */
static int add_notes(struct plan *plan, const struct resolution *resolution)
{
	int r = 0;

	for (size_t i = 0; i < resolution->n_subjects && plan->n_changes > 0; i++) {
		const struct document *document = resolution->subjects[i].document;

		if (!document_is_of_guests(document))
			continue;
		for (size_t j = 0; j < document->n_notes && r == 0; j++)
			r = plan_warn(plan, "%s:%s", document->path, document->notes[j]);
	}
	return r;
}

int plan_add_guests(struct plan *plan, const struct resolution *resolution,
		    const struct policy *policy)
{
	int r = 0;

	plan->blocked = calloc(resolution->n_guests + 1, sizeof(*plan->blocked));
	if (!plan->blocked)
		return -ENOMEM;
	for (size_t i = 0; i < resolution->n_guests && r == 0; i++) {
		const struct guest_verdict *verdict = &resolution->guests[i];

		if (verdict->off)
			r = add_blocked(plan, verdict);
		else if (verdict->affected)
			r = plan_warn(plan, "%s: %s; it is not kept from starting: %s", verdict->id,
				      verdict->reason,
				      policy->why_no_guests ? policy->why_no_guests : "");
	}
	if (r == 0)
		r = add_start_hook(plan, resolution, policy);
	return r == 0 ? add_notes(plan, resolution) : r;
}
