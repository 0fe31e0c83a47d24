/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/rollback-step.h"

#include <errno.h>

#include "recovery/sources/joined-line.h"
#include "recovery/sources/pve.h"

/* What a transaction may change in a file of guests. */
enum part_kind {
	PART_MENTION,
	PART_DEVICE, /* a setting that a hold replaces as a whole */
	PART_HOLD,   /* the line that a hold puts in, or the place for it */
	PART_SWITCH,
};

/**
 * struct part - One of them
 * @kind, @sub, @block, @key: which one: its place. Several may share one
 * @value: digest of what it says, however that is written
 * @index: into the document's references or its guest's devices
 */
struct part {
	enum part_kind kind;
	unsigned int sub;
	const char *block;
	const char *key;
	uint64_t value;
	struct span span;
	size_t index;
};

/**
 * struct view - A version of the file, scanned
 * @goes_along: one per reference: it stands in a setting that goes back as a whole
 * @devices:    the settings that a hold replaces, once they are told apart from @parts
 */
struct view {
	struct document document;
	bool *goes_along;
	struct part *devices;
	struct part *parts;
	size_t n_parts;
	size_t allocated;
};

/* What the transaction did to one part. */
struct deed {
	const struct part *was;
	const struct part *now;
};

/**
 * struct undo - Taking a step back
 * @was, @now: its two versions;  @at: the file as it is
 * @texts: what edits put in
 */
struct undo {
	const struct rollback_step *step;
	struct kept_words *kept;
	struct view was;
	struct view now;
	struct view at;
	struct deed *deeds;
	size_t n_deeds;
	size_t deeds_allocated;
	struct edit *edits;
	size_t n_edits;
	size_t edits_allocated;
	struct arena texts;
	bool stays;
};

void kept_words_done(struct kept_words *kept)
{
	arena_done(&kept->arena);
	free(kept->items);
	*kept = (struct kept_words){ 0 };
}

int kept_words_add(struct kept_words *kept, const char *word)
{
	for (size_t i = 0; i < kept->n_items; i++)
		if (strcmp(kept->items[i], word) == 0)
			return 0;
	if (ARRAY_RESERVE(kept->items, kept->n_items, kept->allocated) < 0)
		return -ENOMEM;
	kept->items[kept->n_items] = arena_copy_text(&kept->arena, word);
	return kept->items[kept->n_items++] ? 0 : -ENOMEM;
}

static void view_done(struct view *view)
{
	document_done(&view->document);
	free(view->goes_along);
	free(view->devices);
	free(view->parts);
}

static void undo_done(struct undo *undo)
{
	view_done(&undo->was);
	view_done(&undo->now);
	view_done(&undo->at);
	free(undo->deeds);
	free(undo->edits);
	arena_done(&undo->texts);
}

static int view_make(const struct rollback_step *step, struct bytes contents, struct view *view)
{
	struct document *document = &view->document, *items[] = { document };
	struct documents documents = { .items = items, .n_items = 1 };
	int r;

	document->source = step->source;
	document->path = arena_copy_text(&document->arena, step->path);
	if (!document->path || bytes_duplicate(contents, &document->data) < 0)
		return -ENOMEM;
	document->size = contents.size;
	r = step->source->scan(step->source, step->scan, &documents, step->names);
	if (r < 0)
		return r;
	view->goes_along = calloc(document->n_references + 1, sizeof(bool));
	return view->goes_along ? 0 : -ENOMEM;
}

static int add_part(struct view *view, const struct part *part)
{
	int r = ARRAY_RESERVE(view->parts, view->n_parts, view->allocated);

	if (r == 0)
		view->parts[view->n_parts++] = *part;
	return r;
}

static struct bytes part_text(const struct view *view, const struct part *part)
{
	return document_text(&view->document, part->span);
}

static int collect_devices(struct view *view)
{
	const struct guest_config *guest = view->document.guest;
	int r = 0;

	for (size_t i = 0; guest && i < guest->n_devices && r == 0; i++) {
		const struct guest_device *device = &guest->devices[i];
		struct part part = { .kind = PART_DEVICE,
				     .block = device->section,
				     .key = device->key,
				     .span = device->hold,
				     .index = i };

		if (device->hold.length == 0)
			continue;
		part.value = bytes_digest(part_text(view, &part), BYTES_DIGEST_SEED);
		r = add_part(view, &part);
	}
	return r;
}

/* An address is the same however it is written: libvirt writes its files in a format of its own. */
static uint64_t mention_value(const struct document *document, const struct reference *reference)
{
	const struct pci_address *address = &reference->address;
	const uint64_t fields[] = { address->domain, address->bus, address->device,
				    address->function, reference->whole_slot };

	if (reference->kind != REFERENCE_ADDRESS)
		return bytes_digest(document_text(document, reference->span), BYTES_DIGEST_SEED);
	return bytes_digest(bytes_make((const char *)fields, sizeof(fields)), BYTES_DIGEST_SEED);
}

static int collect_mentions(struct view *view)
{
	const struct document *document = &view->document;
	int r = 0;

	for (size_t i = 0; i < document->n_references && r == 0; i++) {
		const struct reference *reference = &document->references[i];
		struct part part = { .kind = PART_MENTION,
				     .sub = reference->kind,
				     .block = reference->block,
				     .key = reference->key,
				     .value = mention_value(document, reference),
				     .span = reference->span,
				     .index = i };

		if (!view->goes_along[i])
			r = add_part(view, &part);
	}
	return r;
}

static int collect_hold(struct view *view)
{
	const struct guest_config *guest = view->document.guest;
	struct part part = { .kind = PART_HOLD, .block = "", .key = "" };

	if (!guest || (guest->held_line.length == 0 && !guest->hold_line))
		return 0;
	part.key = guest->id;
	part.value = guest->held_line.length > 0;
	part.span = part.value ? guest->held_line : (struct span){ guest->hold_at, 0 };
	return add_part(view, &part);
}

static int collect_switches(struct view *view)
{
	const struct document *document = &view->document;
	int r = 0;

	for (size_t i = 0; i < document->n_switches && r == 0; i++) {
		const struct start_switch *of = &document->switches[i];
		struct part part = { .kind = PART_SWITCH,
				     .sub = of->kind,
				     .block = "",
				     .key = of->guest,
				     .value = words_digest(document_text(document, of->span)),
				     .span = of->span };

		if (of->kind != SWITCH_ONCE && !of->file)
			r = add_part(view, &part);
	}
	return r;
}

static int collect_rest(struct view *view)
{
	int r = collect_mentions(view);

	if (r == 0)
		r = collect_hold(view);
	return r == 0 ? collect_switches(view) : r;
}

static int compare_places(const struct part *a, const struct part *b)
{
	int order = (int)a->kind - (int)b->kind;

	if (order == 0)
		order = (a->sub > b->sub) - (a->sub < b->sub);
	if (order == 0)
		order = strcmp(a->block, b->block);
	return order != 0 ? order : strcmp(a->key, b->key);
}

static int compare_offsets(const struct part *a, const struct part *b)
{
	return (a->span.offset > b->span.offset) - (a->span.offset < b->span.offset);
}

static int compare_values(const struct part *a, const struct part *b)
{
	int order = compare_places(a, b);

	return order != 0 ? order : (a->value > b->value) - (a->value < b->value);
}

static int by_place(const void *a, const void *b)
{
	int order = compare_places(a, b);

	return order != 0 ? order : compare_offsets(a, b);
}

static int by_value(const void *a, const void *b)
{
	int order = compare_values(a, b);

	return order != 0 ? order : compare_offsets(a, b);
}

static int deeds_by_value(const void *a, const void *b)
{
	return by_value(((const struct deed *)a)->now, ((const struct deed *)b)->now);
}

static void sort_parts(struct view *view, int (*compare)(const void *a, const void *b))
{
	if (view->n_parts > 1)
		qsort(view->parts, view->n_parts, sizeof(*view->parts), compare);
}

static size_t count_at_place(const struct view *view, size_t first)
{
	size_t i = first + 1;

	while (i < view->n_parts && compare_places(&view->parts[i], &view->parts[first]) == 0)
		i++;
	return i - first;
}

static int add_deed(struct undo *undo, const struct part *was, const struct part *now)
{
	int r = ARRAY_RESERVE(undo->deeds, undo->n_deeds, undo->deeds_allocated);

	if (r == 0)
		undo->deeds[undo->n_deeds++] = (struct deed){ was, now };
	return r;
}

/*
 * What became of what, by place: our own transactions move nothing, and of what shares a place the
 * first stays the first. Both views are sorted for that.
 */
static int pair(struct undo *undo,
		int (*tell)(struct undo *undo, const struct part *was, const struct part *now))
{
	struct view *was = &undo->was, *now = &undo->now;
	size_t i = 0, j = 0;
	int r = 0;

	sort_parts(was, by_place);
	sort_parts(now, by_place);
	while (r == 0 && i < was->n_parts && j < now->n_parts) {
		int order = compare_places(&was->parts[i], &now->parts[j]);
		size_t n_was = order <= 0 ? count_at_place(was, i) : 0;
		size_t n_now = order >= 0 ? count_at_place(now, j) : 0;

		for (size_t k = 0; n_was == n_now && k < n_was && r == 0; k++)
			r = tell(undo, &was->parts[i + k], &now->parts[j + k]);
		i += n_was;
		j += n_now;
	}
	return r;
}

static const struct guest_device *device_of(const struct view *view, const struct part *part)
{
	return &view->document.guest->devices[part->index];
}

static void take_along(struct view *view, const struct guest_device *device)
{
	for (size_t i = device->first; i < device->first + device->n; i++)
		view->goes_along[i] = true;
}

/* Of a setting that is held neither before nor after, each mention goes back by itself. */
static int tell_device(struct undo *undo, const struct part *was, const struct part *now)
{
	const struct guest_device *before = device_of(&undo->was, was);
	const struct guest_device *after = device_of(&undo->now, now);

	if (!before->held && !after->held)
		return 0;
	take_along(&undo->was, before);
	take_along(&undo->now, after);
	return was->value == now->value ? 0 : add_deed(undo, was, now);
}

static int keep(struct undo *undo, const struct part *part)
{
	_cleanup_(buffer_done) struct buffer word = { 0 };

	undo->stays = true;
	if (part->kind == PART_HOLD) {
		buffer_append_text(&word, "the line that holds the guest");
	} else if (part->kind == PART_SWITCH) {
		buffer_appendf(&word, "%s of %s", part->sub == SWITCH_HA ? "state" : "autostart",
			       part->key);
	} else {
		if (*part->block && strcmp(part->block, part->key) != 0)
			buffer_appendf(&word, "%s ", part->block);
		buffer_append_text(&word, part->key);
	}
	return word.failed ? -ENOMEM : kept_words_add(undo->kept, word.data);
}

/* Whether a line of the cluster's is about a guest of this node. */
static bool is_ours(const struct undo *undo, const struct part *part)
{
	const struct documents *documents = undo->step->documents;

	if (part->kind != PART_SWITCH || part->sub != SWITCH_HA)
		return true;
	for (size_t i = 0; i < documents->n_items; i++) {
		const struct guest_config *guest = documents->items[i]->guest;

		if (guest && strcmp(guest->id, part->key) == 0)
			return true;
	}
	return false;
}

static int tell_rest(struct undo *undo, const struct part *was, const struct part *now)
{
	if (was->value == now->value)
		return 0;
	return is_ours(undo, now) ? add_deed(undo, was, now) : keep(undo, now);
}

/* Makes room for other parts; deeds point at these. */
static void set_devices_apart(struct view *view)
{
	view->devices = TAKE_PTR(view->parts);
	view->n_parts = view->allocated = 0;
}

/* What the transaction did. */
static int find_deeds(struct undo *undo)
{
	int r = collect_devices(&undo->was);

	if (r == 0)
		r = collect_devices(&undo->now);
	if (r == 0)
		r = pair(undo, tell_device);
	set_devices_apart(&undo->was);
	set_devices_apart(&undo->now);
	if (r == 0)
		r = collect_rest(&undo->was);
	if (r == 0)
		r = collect_rest(&undo->now);
	return r == 0 ? pair(undo, tell_rest) : r;
}

static int add_edit(struct undo *undo, struct span span, struct bytes text)
{
	int r = ARRAY_RESERVE(undo->edits, undo->n_edits, undo->edits_allocated);

	if (r == 0)
		undo->edits[undo->n_edits++] = (struct edit){ .span = span, .text = text };
	return r;
}

static size_t without_line_end(struct bytes text)
{
	size_t size = text.size;

	if (size > 0 && text.data[size - 1] == '\n')
		size--;
	if (size > 0 && text.data[size - 1] == '\r')
		size--;
	return size;
}

/* A line is put in whole, wherever the one before it ends. */
static int put_line_in(struct undo *undo, size_t offset, struct bytes line)
{
	_cleanup_(buffer_done) struct buffer text = { 0 };
	const char *data = undo->at.document.data;
	const char *copy;

	if (offset > 0 && data[offset - 1] != '\n')
		buffer_append_char(&text, '\n');
	buffer_append(&text, bytes_slice(line, 0, without_line_end(line)));
	buffer_append_char(&text, '\n');
	copy = text.failed ? NULL : arena_copy(&undo->texts, buffer_bytes(&text));
	return copy ? add_edit(undo, (struct span){ offset, 0 }, bytes_of(copy)) : -ENOMEM;
}

static int put_line_back(struct undo *undo, const struct part *at, struct bytes line)
{
	size_t size = without_line_end(line), there = without_line_end(part_text(&undo->at, at));

	if (size == 0)
		return add_edit(undo, at->span, BYTES_NONE);
	if (there == 0)
		return put_line_in(undo, at->span.offset, line);
	return add_edit(undo, (struct span){ at->span.offset, there }, bytes_slice(line, 0, size));
}

static int put_back(struct undo *undo, const struct deed *deed, const struct part *at)
{
	struct bytes text = part_text(&undo->was, deed->was);
	const char *line = undo->at.document.guest ? undo->at.document.guest->hold_line : NULL;

	switch (deed->was->kind) {
	case PART_SWITCH:
		return put_line_back(undo, at, text);
	case PART_HOLD:
		if (text.size == 0)
			return add_edit(undo, at->span, BYTES_NONE);
		return line ? put_line_in(undo, at->span.offset, bytes_of(line)) : keep(undo, at);
	default:
		return add_edit(undo, at->span, text);
	}
}

/* What stands there is neither what we left nor what it was before. */
static int leave(struct undo *undo, const struct deed *deed)
{
	struct part before = *deed->now;

	before.value = deed->was->value;
	for (size_t low = 0, high = undo->at.n_parts; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = compare_values(&before, &undo->at.parts[middle]);

		if (order == 0)
			return 0;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return keep(undo, deed->now);
}

/* Each deed goes back where what it left stands, in the order of the file. */
static int undo_deeds(struct undo *undo)
{
	struct view *at = &undo->at;
	size_t j = 0;
	int r = 0;

	sort_parts(at, by_value);
	if (undo->n_deeds > 1)
		qsort(undo->deeds, undo->n_deeds, sizeof(*undo->deeds), deeds_by_value);
	for (size_t i = 0; i < undo->n_deeds && r == 0; i++) {
		const struct deed *deed = &undo->deeds[i];

		while (j < at->n_parts && compare_values(&at->parts[j], deed->now) < 0)
			j++;
		if (j < at->n_parts && compare_values(&at->parts[j], deed->now) == 0)
			r = put_back(undo, deed, &at->parts[j++]);
		else
			r = leave(undo, deed);
	}
	return r;
}

static int undo_in_part(struct undo *undo, struct bytes contents, char **ret_text, size_t *ret_size)
{
	int r = view_make(undo->step, contents, &undo->at);

	if (r == 0)
		r = collect_devices(&undo->at);
	if (r == 0)
		r = collect_rest(&undo->at);
	if (r == 0)
		r = undo_deeds(undo);
	if (r < 0)
		return r;
	edits_sort(undo->edits, undo->n_edits);
	r = edits_apply(contents, undo->edits, undo->n_edits, ret_text, ret_size);
	if (r != -EINVAL)
		return r;
	/* One in another: whatever somebody made of that, it is not what we left. */
	r = bytes_duplicate(contents, ret_text);
	*ret_size = contents.size;
	for (size_t i = 0; i < undo->n_deeds && r == 0; i++)
		r = keep(undo, undo->deeds[i].now);
	return r;
}

int rollback_step_undo(const struct rollback_step *step, struct bytes contents,
		       struct kept_words *kept, char **ret_text, size_t *ret_size)
{
	_cleanup_(undo_done) struct undo undo = { .step = step, .kept = kept };
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	r = view_make(step, step->was, &undo.was);
	if (r == 0)
		r = view_make(step, step->now, &undo.now);
	if (r == 0)
		r = find_deeds(&undo);
	if (r < 0)
		return r;
	if (bytes_equal(contents, step->now) && !undo.stays) {
		r = bytes_duplicate(step->was, &text);
		size = step->was.size;
	} else {
		r = undo_in_part(&undo, contents, &text, &size);
	}
	if (r < 0)
		return r;
	*ret_text = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}
