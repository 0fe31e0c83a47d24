/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/guest-render.h"

#include <errno.h>

#include "recovery/guest.h"

/* A document scanned by itself: names of NICs are not what is turned off. */
static int scan_alone(const struct scan_context *context, const struct name_set *names,
		      struct document *document)
{
	struct document *items[] = { document };
	struct documents documents = { .items = items, .n_items = 1 };
	int r;

	document_clear_scan(document);
	r = document->source->scan(document->source, context, &documents, names);
	return r;
}

/**
 * struct undo - What is put back into one document
 */
struct undo {
	struct edit *edits;
	size_t n_edits;
	size_t allocated;
};

static int undo_add(struct undo *undo, struct span span, struct bytes text)
{
	int r = ARRAY_RESERVE(undo->edits, undo->n_edits, undo->allocated);

	if (r == 0)
		undo->edits[undo->n_edits++] = (struct edit){ .span = span, .text = text };
	return r;
}

static int undo_holds(struct subject *subject, struct undo *undo)
{
	const struct guest_config *guest = subject->document->guest;
	int r = 0;

	if (!guest)
		return 0;
	subject->held = calloc(guest->n_devices + 1, sizeof(bool));
	if (!subject->held)
		return -ENOMEM;
	subject->n_held = guest->n_devices;
	for (size_t i = 0; i < guest->n_devices && r == 0; i++) {
		if (!guest->devices[i].held)
			continue;
		subject->was_held = subject->held[i] = true;
		r = undo_add(undo, guest->devices[i].hold, bytes_of(guest->devices[i].original));
	}
	if (r == 0 && guest->held_line.length > 0) {
		subject->was_held = true;
		r = undo_add(undo, guest->held_line, BYTES_NONE);
	}
	return r;
}

/**
 * struct left - What we left at a switch, as it stands there now
 * @span: where;  @was: what stood there
 */
struct left {
	struct span span;
	struct bytes was;
};

/*
 * Whether a switch still stands as it was left: it does, too, where an editor gave its line another
 * end. What was put in at the end of a file whose last line had no end begins with that one's.
 */
static bool stands_as_left(const struct document *document, const struct start_switch *of,
			   const struct turned_off *off, struct left *ret_left)
{
	size_t size = strlen(off->now), end = span_end(of->span);
	struct bytes text = document_text(document, of->span);

	if (size >= of->span.length && size <= end) {
		*ret_left = (struct left){ { end - size, size }, bytes_of(off->was) };
		if (bytes_equal(document_text(document, ret_left->span), bytes_of(off->now)))
			return true;
	}
	if (of->span.length == 0 ||
	    !bytes_equal(bytes_without_line_end(text), bytes_without_line_end(bytes_of(off->now))))
		return false;
	*ret_left = (struct left){ of->span, BYTES_NONE };
	if (*off->was) {
		ret_left->span.length = bytes_without_line_end(text).size;
		ret_left->was = bytes_without_line_end(bytes_of(off->was));
	}
	return true;
}

/* What turned a guest off at a switch, if that still stands as it was left. */
static const struct turned_off *find_off(const struct meanings *meanings,
					 const struct document *document,
					 const struct start_switch *of, struct left *ret_left)
{
	for (size_t i = 0; i < meanings->n_turned_off; i++) {
		const struct turned_off *off = &meanings->turned_off[i];

		if (!off->file && strcmp(off->path, document->path) == 0 &&
		    strcmp(off->guest, of->guest) == 0 &&
		    stands_as_left(document, of, off, ret_left))
			return off;
	}
	return NULL;
}

static int undo_switches(const struct meanings *meanings, const struct document *document,
			 struct undo *undo)
{
	int r = 0;

	for (size_t i = 0; i < document->n_switches && r == 0; i++) {
		const struct start_switch *of = &document->switches[i];
		struct left left;

		if (!of->on && find_off(meanings, document, of, &left))
			r = undo_add(undo, left.span, left.was);
	}
	return r;
}

static int apply_undo(struct document *document, struct undo *undo)
{
	char *text = NULL;
	size_t size = 0;
	int r;

	edits_sort(undo->edits, undo->n_edits);
	r = edits_apply(document_bytes(document), undo->edits, undo->n_edits, &text, &size);
	if (r < 0)
		return r;
	document->disk = document->data;
	document->disk_size = document->size;
	document->data = text;
	document->size = size;
	return 0;
}

int guest_put_back(const struct meanings *meanings, const struct scan_context *context,
		   const struct name_set *names, struct subject *subject)
{
	struct document *document = subject->document;
	struct undo undo = { 0 };
	int r;

	r = scan_alone(context, names, document);
	if (r == 0)
		r = undo_holds(subject, &undo);
	if (r == 0)
		r = undo_switches(meanings, document, &undo);
	if (r == 0 && undo.n_edits > 0)
		r = apply_undo(document, &undo);
	document_clear_scan(document);
	free(undo.edits);
	return r;
}

int guest_put_back_removal(const struct turned_off *off, struct document *document)
{
	int r = bytes_duplicate(bytes_of(off->was), &document->data);

	if (r < 0)
		return r;
	document->size = strlen(off->was);
	r = bytes_duplicate(BYTES_NONE, &document->disk);
	if (r < 0)
		return r;
	document->absent = true;
	document->attributes = (struct file_attributes){ .mode = 0777, .is_link = true };
	return 0;
}

/**
 * struct sheet - Rendering one document
 * @plain: edits of the names alone
 */
struct sheet {
	const struct resolution *resolution;
	const struct subject *subject;
	const struct document *document;
	struct rendered *rendered;
	size_t edits_allocated;
	struct edit *plain;
	size_t n_plain;
	size_t plain_allocated;
};

static int add_touch(struct sheet *sheet, struct span span, enum remedy remedy, const char *reason)
{
	struct rendered *rendered = sheet->rendered;

	if (ARRAY_RESERVE(rendered->touches, rendered->n_touches, rendered->touches_allocated) < 0)
		return -ENOMEM;
	rendered->touches[rendered->n_touches++] = (struct guest_touch){ span, remedy, reason };
	return 0;
}

static int add_edit(struct sheet *sheet, struct span span, const char *text)
{
	struct rendered *rendered = sheet->rendered;

	if (ARRAY_RESERVE(rendered->edits, rendered->n_edits, sheet->edits_allocated) < 0)
		return -ENOMEM;
	rendered->edits[rendered->n_edits++] =
		(struct edit){ .span = span, .text = bytes_of(text) };
	return 0;
}

/* Two files may say that they are of one guest: each is judged for itself. */
static const struct guest_verdict *verdict_of(const struct sheet *sheet)
{
	const struct resolution *resolution = sheet->resolution;

	for (size_t i = 0; i < resolution->n_guests; i++)
		if (&resolution->subjects[resolution->guests[i].subject] == sheet->subject)
			return &resolution->guests[i];
	return NULL;
}

/* The guest that a switch starts, if it must not. */
static const struct guest_verdict *guest_of_switch(const struct sheet *sheet,
						   const struct start_switch *of)
{
	const struct resolution *resolution = sheet->resolution;

	for (size_t i = 0; i < resolution->n_guests; i++) {
		const struct guest_verdict *verdict = &resolution->guests[i];
		const struct subject *subject = &resolution->subjects[verdict->subject];

		if (verdict->off && resolve_is_switch_of(of, subject->document->guest))
			return verdict;
	}
	return NULL;
}

/* What stood at a switch, to be known when it is turned on again. */
static int remember(struct sheet *sheet, const struct start_switch *of)
{
	struct rendered *rendered = sheet->rendered;
	struct bytes was = of->file ? document_bytes(sheet->document)
				    : document_text(sheet->document, of->span);
	struct turned_off *off;

	if (of->kind == SWITCH_ONCE)
		return 0;
	if (ARRAY_RESERVE(rendered->turned_off, rendered->n_turned_off,
			  rendered->turned_off_allocated) < 0)
		return -ENOMEM;
	off = &rendered->turned_off[rendered->n_turned_off];
	*off = (struct turned_off){ .guest = of->guest,
				    .path = sheet->document->path,
				    .file = of->file,
				    .was = arena_copy(&rendered->arena, was),
				    .now = of->off ? of->off : "" };
	if (!off->was)
		return -ENOMEM;
	rendered->n_turned_off++;
	return 0;
}

static int turn_off(struct sheet *sheet)
{
	const struct document *document = sheet->document;
	int r = 0;

	for (size_t i = 0; i < document->n_switches && r == 0; i++) {
		const struct start_switch *of = &document->switches[i];
		const struct guest_verdict *verdict = guest_of_switch(sheet, of);

		if (!of->on || !verdict)
			continue;
		r = add_touch(sheet, of->span, REMEDY_BLOCK, verdict->reason);
		if (r == 0)
			r = remember(sheet, of);
		if (of->file)
			sheet->rendered->removed = true;
		else if (r == 0)
			r = add_edit(sheet, of->span, of->off);
	}
	return r;
}

static bool is_held(const struct guest_verdict *verdict, const struct guest_device *device,
		    size_t index)
{
	return verdict && verdict->hold && verdict->devices[index] && device->hold.length > 0;
}

static int hold_device(struct sheet *sheet, const struct guest_verdict *verdict,
		       const struct guest_device *device)
{
	const char *text =
		hold_encode(&sheet->rendered->arena, document_text(sheet->document, device->hold));
	int r;

	if (!text)
		return -ENOMEM;
	r = add_touch(sheet, device->hold, REMEDY_HOLD, verdict->reason);
	return r == 0 ? add_edit(sheet, device->hold, text) : r;
}

/* A hold that stands in none of the settings that count is a line of its own. */
static int hold(struct sheet *sheet, const struct guest_verdict *verdict)
{
	const struct guest_config *guest = sheet->document->guest;
	bool holds = false;
	int r = 0;

	if (!verdict || !verdict->hold)
		return 0;
	for (size_t i = 0; i < guest->n_devices && r == 0; i++) {
		if (!is_held(verdict, &guest->devices[i], i))
			continue;
		holds |= guest->devices[i].at_start;
		r = hold_device(sheet, verdict, &guest->devices[i]);
	}
	if (r < 0 || holds || !guest->hold_line)
		return r;
	r = add_touch(sheet, (struct span){ guest->hold_at, 0 }, REMEDY_HOLD, verdict->reason);
	return r == 0 ? add_edit(sheet, (struct span){ guest->hold_at, 0 }, guest->hold_line) : r;
}

/* Whether a mention stands in what a hold replaces. */
static bool stands_in_hold(const struct sheet *sheet, const struct guest_verdict *verdict,
			   struct span span)
{
	const struct guest_config *guest = sheet->document->guest;

	for (size_t i = 0; guest && i < guest->n_devices; i++) {
		struct span held = guest->devices[i].hold;

		if (is_held(verdict, &guest->devices[i], i) && held.offset <= span.offset &&
		    span_end(span) <= span_end(held))
			return true;
	}
	return false;
}

static int relocate(struct sheet *sheet, const struct guest_verdict *verdict)
{
	const struct document *document = sheet->document;
	int r = 0;

	for (size_t i = 0; i < document->n_references && r == 0; i++) {
		const struct finding *finding = &sheet->subject->findings[i];
		struct span span = document->references[i].span;

		if (!finding->new_name || stands_in_hold(sheet, verdict, span))
			continue;
		r = add_touch(sheet, span, REMEDY_RELOCATE, finding->reason);
		if (r == 0)
			r = add_edit(sheet, span, finding->new_name);
		if (r == 0)
			r = ARRAY_RESERVE(sheet->plain, sheet->n_plain, sheet->plain_allocated);
		if (r == 0)
			sheet->plain[sheet->n_plain++] =
				(struct edit){ .span = span, .text = bytes_of(finding->new_name) };
	}
	return r;
}

/* Where each mention starts once the names are replaced. */
static int place_references(const struct sheet *sheet)
{
	const struct document *document = sheet->document;
	struct rendered *rendered = sheet->rendered;
	size_t next = 0, grown = 0, shrunk = 0;

	rendered->out_of_force = calloc(document->n_references + 1, sizeof(bool));
	rendered->plain_offset = calloc(document->n_references + 1, sizeof(size_t));
	if (!rendered->out_of_force || !rendered->plain_offset)
		return -ENOMEM;
	for (size_t i = 0; i < document->n_references; i++) {
		size_t offset = document->references[i].span.offset;

		for (; next < sheet->n_plain && sheet->plain[next].span.offset < offset; next++) {
			grown += sheet->plain[next].text.size;
			shrunk += sheet->plain[next].span.length;
		}
		rendered->plain_offset[i] = offset + grown - shrunk;
	}
	return 0;
}

/* As it is: nothing of it may be edited now. What was turned off stays on record. */
static int render_as_it_is(struct sheet *sheet)
{
	const struct meanings *meanings = sheet->resolution->meanings;
	struct rendered *rendered = sheet->rendered;
	struct bytes disk = document_disk_bytes(sheet->document);

	for (size_t i = 0; i < meanings->n_turned_off; i++) {
		if (strcmp(meanings->turned_off[i].path, sheet->document->path) != 0)
			continue;
		if (ARRAY_RESERVE(rendered->turned_off, rendered->n_turned_off,
				  rendered->turned_off_allocated) < 0)
			return -ENOMEM;
		rendered->turned_off[rendered->n_turned_off++] = meanings->turned_off[i];
	}
	rendered->removed = sheet->document->absent;
	rendered->size = disk.size;
	return bytes_duplicate(disk, &rendered->text);
}

static int render_edits(struct sheet *sheet)
{
	const struct guest_verdict *verdict = verdict_of(sheet);
	struct rendered *rendered = sheet->rendered;
	int r;

	r = turn_off(sheet);
	if (r == 0)
		r = hold(sheet, verdict);
	if (r == 0)
		r = relocate(sheet, verdict);
	if (r < 0)
		return r;
	edits_sort(rendered->edits, rendered->n_edits);
	if (rendered->removed)
		return bytes_duplicate(BYTES_NONE, &rendered->text);
	return edits_apply(document_bytes(sheet->document), rendered->edits, rendered->n_edits,
			   &rendered->text, &rendered->size);
}

/* Whether a file that is another stage's to edit is not as it has to be yet. */
static int would_differ(const struct resolution *resolution, const struct subject *subject,
			bool *ret_differs)
{
	_cleanup_(rendered_done) struct rendered rendered = { 0 };
	const struct document *document = subject->document;
	struct sheet sheet = { .resolution = resolution,
			       .subject = subject,
			       .document = document,
			       .rendered = &rendered };
	int r = render_edits(&sheet);

	free(sheet.plain);
	if (r == 0)
		*ret_differs = rendered.removed != document->absent ||
			       !bytes_equal(bytes_make(rendered.text, rendered.size),
					    document_disk_bytes(document));
	return r;
}

static int compare_touches(const void *a, const void *b)
{
	const struct span *one = &((const struct guest_touch *)a)->span;
	const struct span *other = &((const struct guest_touch *)b)->span;

	/* What is put in comes before what it is put in front of. */
	if (one->offset != other->offset)
		return one->offset > other->offset ? 1 : -1;
	return (one->length > 0) - (other->length > 0);
}

int guest_render(const struct resolution *resolution, const struct policy *policy,
		 const struct subject *subject, struct rendered *ret_rendered)
{
	struct rendered rendered = { 0 };
	struct sheet sheet = { .resolution = resolution,
			       .subject = subject,
			       .document = subject->document,
			       .rendered = &rendered };
	/* At a first boot nothing is edited; a person's word goes before that. */
	bool first = !resolution->past->baseline && !resolution->past->adopted;
	bool wanted = policy->guests != GUESTS_REPORT && !subject->document->rejected && !first;
	bool later = resolve_why_not_edit(policy, subject->document) != NULL;
	int r;

	r = wanted && !later ? render_edits(&sheet) : render_as_it_is(&sheet);
	if (r == 0 && wanted && later)
		r = would_differ(resolution, subject, &rendered.pending);
	if (r == 0) {
		edits_sort(sheet.plain, sheet.n_plain);
		r = edits_apply(document_bytes(sheet.document), sheet.plain, sheet.n_plain,
				&rendered.plain, &rendered.plain_size);
	}
	if (r == 0)
		r = place_references(&sheet);
	free(sheet.plain);
	if (r < 0) {
		rendered_done(&rendered);
		return r;
	}
	if (rendered.n_touches > 1)
		qsort(rendered.touches, rendered.n_touches, sizeof(*rendered.touches),
		      compare_touches);
	*ret_rendered = rendered;
	return 0;
}
