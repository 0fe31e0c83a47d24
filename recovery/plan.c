/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/plan.h"

#include <errno.h>

#include "recovery/guest-render.h"

static const char *const change_kinds[_CHANGE_KIND_MAX] = {
	[CHANGE_ADDED] = "added",     [CHANGE_REMOVED] = "removed",
	[CHANGE_MOVED] = "moved",     [CHANGE_REPLACED] = "replaced",
	[CHANGE_RENAMED] = "renamed", [CHANGE_REGROUPED] = "regrouped",
};

const char *change_kind_to_string(enum change_kind kind)
{
	return change_kinds[kind];
}

static const char *const remedies[_REMEDY_MAX] = {
	[REMEDY_REMAP] = "remap",     [REMEDY_PARK] = "park",         [REMEDY_RESTORE] = "restore",
	[REMEDY_DISABLE] = "disable", [REMEDY_RELOCATE] = "relocate", [REMEDY_BLOCK] = "block",
	[REMEDY_HOLD] = "hold",
};

const char *remedy_to_string(enum remedy remedy)
{
	return remedies[remedy];
}

static const char *const actions[_ACTION_KIND_MAX] = {
	[ACTION_RELEASE] = "release",
	[ACTION_IFUP] = "ifup",
	[ACTION_START_HOOK] = "start-hook",
	[ACTION_UPDATE_INITRAMFS] = "update-initramfs",
};

const char *action_kind_to_string(enum action_kind kind)
{
	return actions[kind];
}

void plan_done(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->n_rendered; i++)
		rendered_done(&plan->rendered[i]);
	free(plan->rendered);
	free(plan->changes);
	free(plan->edits);
	free(plan->actions);
	free(plan->blocked);
	free(plan->warnings);
	free(plan->files);
	meanings_done(&plan->meanings);
	arena_done(&plan->arena);
	*plan = (struct plan){ 0 };
}

/* The same thing said twice is said once. */
static int add_warning(struct plan *plan, const char *text)
{
	int r;

	for (size_t i = 0; i < plan->n_warnings; i++)
		if (strcmp(plan->warnings[i], text) == 0)
			return 0;
	r = ARRAY_RESERVE(plan->warnings, plan->n_warnings, plan->warnings_allocated);
	if (r < 0)
		return r;
	plan->warnings[plan->n_warnings] = arena_copy_text(&plan->arena, text);
	if (!plan->warnings[plan->n_warnings])
		return -ENOMEM;
	plan->n_warnings++;
	return 0;
}

int plan_warn(struct plan *plan, const char *format, ...)
{
	struct buffer text = { 0 };
	va_list arguments;
	int r;

	va_start(arguments, format);
	buffer_appendv(&text, format, arguments);
	va_end(arguments);
	r = text.failed ? -ENOMEM : add_warning(plan, text.data);
	buffer_done(&text);
	return r;
}

static int render_subject(const struct resolution *resolution, const struct policy *policy,
			  const struct subject *subject, struct rendered *ret_rendered)
{
	size_t n = subject->document->n_references;
	_cleanup_free_ struct treatment *treatments = NULL;

	if (document_is_of_guests(subject->document))
		return guest_render(resolution, policy, subject, ret_rendered);
	treatments = calloc(n + 1, sizeof(*treatments));
	if (!treatments)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		treatments[i].park = subject->findings[i].verdict == VERDICT_PARK;
		treatments[i].new_name = subject->findings[i].new_name;
	}
	return park_render(subject->document, treatments, ret_rendered);
}

/**
 * struct lines - Walking over the lines of a text
 * @offset: where the next one starts
 */
struct lines {
	struct bytes text;
	size_t offset;
};

/* The next line without its end. */
static bool lines_next(struct lines *lines, struct bytes *ret_line)
{
	const char *start = lines->text.data + lines->offset, *newline;
	size_t left = lines->text.size - lines->offset, length;

	if (left == 0)
		return false;
	newline = memchr(start, '\n', left);
	length = newline ? (size_t)(newline - start) : left;
	lines->offset += length + (newline ? 1 : 0);
	if (length > 0 && start[length - 1] == '\r')
		length--;
	*ret_line = bytes_make(start, length);
	return true;
}

/**
 * struct teller - Telling the lines of one file that change, from the first to the last
 * @next:  first reference that was not passed yet
 * @taker: of those passed, the one that takes other lines along to the farthest place when it is
 *         parked or comes back; SIZE_MAX if none does
 */
struct teller {
	struct plan *plan;
	const struct subject *subject;
	const struct rendered *rendered;
	size_t next;
	size_t taker;
};

/**
 * struct telling - Why lines change
 * @said: the reasons so far, @n_said of them, none twice
 * @binds: they hold bind entries
 */
struct telling {
	const char **said;
	size_t n_said;
	size_t allocated;
	bool parks;
	bool restores;
	bool binds;
};

static void telling_done(struct telling *telling)
{
	free(telling->said);
}

/* Whether lines change because of a mention, and it is not only taken along by another one. */
static bool has_reason(const struct teller *teller, size_t index)
{
	const struct finding *finding = &teller->subject->findings[index];

	return finding->reason &&
	       (finding->verdict == VERDICT_PARK || !teller->rendered->out_of_force[index]);
}

static void pass_references(struct teller *teller, size_t end)
{
	const struct document *document = teller->subject->document;

	for (; teller->next < document->n_references; teller->next++) {
		const struct reference *passed = &document->references[teller->next];

		if (passed->span.offset >= end)
			break;
		if (passed->shape != PARK_LINES || !has_reason(teller, teller->next))
			continue;
		if (teller->taker == SIZE_MAX ||
		    span_end(passed->extent) >=
			    span_end(document->references[teller->taker].extent))
			teller->taker = teller->next;
	}
}

static int tell_reason(struct telling *telling, const char *reason)
{
	for (size_t i = 0; i < telling->n_said; i++)
		if (strcmp(telling->said[i], reason) == 0)
			return 0;
	if (ARRAY_RESERVE(telling->said, telling->n_said, telling->allocated) < 0)
		return -ENOMEM;
	telling->said[telling->n_said++] = reason;
	return 0;
}

static int tell_mention(const struct teller *teller, size_t index, struct telling *telling)
{
	const struct document *document = teller->subject->document;
	bool was = teller->subject->bindings[index].parked;
	bool will_be = teller->rendered->out_of_force[index];

	telling->parks |= will_be && !was;
	telling->restores |= was && !will_be;
	telling->binds |= document->references[index].kind == REFERENCE_ADDRESS;
	if (!has_reason(teller, index))
		return 0;
	return tell_reason(telling, teller->subject->findings[index].reason);
}

/* Whether lines go out of force with a mention. */
static bool takes_along(const struct document *document, size_t index, struct span span)
{
	const struct reference *reference = &document->references[index];

	return reference->shape == PARK_LINES && reference->extent.offset <= span.offset &&
	       span_end(reference->extent) > span.offset;
}

/* What a script is switched off for, or on again; the line that does it holds no mention. */
static int tell_switch(const struct teller *teller, struct telling *telling)
{
	const struct document *document = teller->subject->document;
	int r = 0;

	for (size_t i = 0; i < document->n_references && r == 0; i++) {
		bool was = teller->subject->bindings[i].parked;
		bool will_be = teller->subject->findings[i].verdict == VERDICT_PARK;

		if (document->references[i].shape != PARK_SCRIPT || (!was && !will_be))
			continue;
		telling->binds = true;
		telling->parks |= will_be;
		telling->restores |= !will_be;
		if (teller->subject->findings[i].reason)
			r = tell_reason(telling, teller->subject->findings[i].reason);
	}
	return r;
}

/* The mentions in some lines; if they give no reason, the one that takes the lines along. */
static int tell_lines(struct teller *teller, struct span span, struct telling *telling)
{
	const struct document *document = teller->subject->document;
	int r = 0;

	for (size_t i = document_first_from(document, span.offset);
	     r == 0 && i < document->n_references &&
	     document->references[i].span.offset < span_end(span);
	     i++)
		r = tell_mention(teller, i, telling);
	pass_references(teller, span_end(span));
	if (r < 0 || telling->n_said > 0)
		return r;
	if (teller->taker != SIZE_MAX && takes_along(document, teller->taker, span))
		return tell_mention(teller, teller->taker, telling);
	/* It may also stand on a later line of the same extent. */
	for (size_t i = teller->next; i < document->n_references && takes_along(document, i, span);
	     i++)
		if (has_reason(teller, i))
			return tell_mention(teller, i, telling);
	return tell_switch(teller, telling);
}

static enum remedy choose_remedy(const struct telling *telling)
{
	if (telling->parks)
		return telling->binds ? REMEDY_DISABLE : REMEDY_PARK;
	if (telling->restores)
		return REMEDY_RESTORE;
	return telling->binds ? REMEDY_RELOCATE : REMEDY_REMAP;
}

static int finish_telling(struct plan *plan, const struct telling *telling, struct plan_edit *edit)
{
	struct buffer reasons = { 0 };

	for (size_t i = 0; i < telling->n_said; i++) {
		buffer_append_text(&reasons, i > 0 ? "; " : "");
		buffer_append_text(&reasons, telling->said[i]);
	}
	edit->remedy = choose_remedy(telling);
	edit->reason = reasons.failed ? NULL : arena_copy(&plan->arena, buffer_bytes(&reasons));
	buffer_done(&reasons);
	return edit->reason ? 0 : -ENOMEM;
}

/**
 * struct pair_of_lines - One line before and afterwards
 * @from, @to: NULL where there is none
 * @number: in the file as it is
 * @span:   of the document
 */
struct pair_of_lines {
	const struct bytes *from;
	const struct bytes *to;
	unsigned int number;
	struct span span;
};

/* @around: why all lines that change together do, for a line without a mention of its own. */
static int add_edit_line(struct teller *teller, const struct pair_of_lines *pair,
			 const struct telling *around)
{
	_cleanup_(telling_done) struct telling telling = { 0 };
	struct plan *plan = teller->plan;
	struct plan_edit *edit;
	int r;

	r = ARRAY_RESERVE(plan->edits, plan->n_edits, plan->edits_allocated);
	if (r < 0)
		return r;
	edit = &plan->edits[plan->n_edits];
	*edit = (struct plan_edit){ .line = pair->number };
	edit->file = arena_copy_text(&plan->arena, teller->subject->document->path);
	edit->from = pair->from ? arena_copy(&plan->arena, *pair->from) : NULL;
	edit->to = pair->to ? arena_copy(&plan->arena, *pair->to) : NULL;
	if (!edit->file || (pair->from && !edit->from) || (pair->to && !edit->to))
		return -ENOMEM;
	r = tell_lines(teller, pair->span, &telling);
	if (r == 0)
		r = finish_telling(plan, telling.n_said > 0 ? &telling : around, edit);
	if (r == 0)
		plan->n_edits++;
	return r;
}

/* The last line of a text that ends in a line end or not, without it. */
static struct bytes last_line(struct bytes text, size_t *ret_start)
{
	size_t end = text.size;

	if (end > 0 && text.data[end - 1] == '\n')
		end--;
	*ret_start = end;
	while (*ret_start > 0 && text.data[*ret_start - 1] != '\n')
		--*ret_start;
	return bytes_slice(text, *ret_start, end - *ret_start);
}

/* Lines that only moved, as one above them came or went, are no change. */
static void drop_equal_ends(struct bytes *old, struct bytes *new)
{
	size_t old_start, new_start;

	while (old->size > 0 && new->size > 0 &&
	       bytes_equal(last_line(*old, &old_start), last_line(*new, &new_start))) {
		old->size = old_start;
		new->size = new_start;
	}
}

/* One entry a line; the lines stand in the same order before and afterwards. */
static int add_edit_lines(struct teller *teller, const struct line_change *change)
{
	const struct document *document = teller->subject->document;
	struct bytes disk = document_disk_bytes(document);
	struct bytes text = bytes_make(teller->rendered->text, teller->rendered->size);
	struct lines old = { bytes_slice(disk, change->disk.offset, change->disk.length), 0 };
	struct lines new = { bytes_slice(text, change->text.offset, change->text.length), 0 };
	struct lines plain = { document_text(document, change->document), 0 };
	_cleanup_(telling_done) struct telling around = { 0 };
	struct bytes from, to, ignored;
	int r;

	drop_equal_ends(&old.text, &new.text);
	r = tell_lines(teller, change->document, &around);
	for (unsigned int line = change->first_line; r == 0; line++) {
		size_t start = plain.offset;
		struct pair_of_lines pair = { .number = line };

		pair.from = lines_next(&old, &from) ? &from : NULL;
		pair.to = lines_next(&new, &to) ? &to : NULL;
		if (!pair.from && !pair.to)
			break;
		(void)lines_next(&plain, &ignored);
		pair.span = (struct span){ change->document.offset + start, plain.offset - start };
		if (!pair.from || !pair.to || !bytes_equal(from, to))
			r = add_edit_line(teller, &pair, &around);
	}
	return r;
}

/* The contents of a file as one line. */
static const char *copy_contents(struct plan *plan, struct bytes contents)
{
	while (contents.size > 0 && contents.data[contents.size - 1] == '\n')
		contents.size--;
	return arena_copy(&plan->arena, contents);
}

/* A link that starts a guest, removed or made again. */
static int tell_touch(struct plan *plan, const struct rendered *rendered, struct plan_edit *edit)
{
	bool off = rendered->n_touches > 0;

	edit->remedy = off ? rendered->touches[0].remedy : REMEDY_RESTORE;
	edit->reason = arena_copy_text(&plan->arena,
				       off ? rendered->touches[0].reason : PLAN_GUEST_IS_BACK);
	return edit->reason ? 0 : -ENOMEM;
}

/* A file that is removed or created, for which its mention alone is why. */
static int add_file_edit(struct plan *plan, const struct subject *subject,
			 const struct rendered *rendered, const struct plan_file *file)
{
	struct teller teller = { .plan = plan, .subject = subject, .rendered = rendered };
	_cleanup_(telling_done) struct telling telling = { 0 };
	struct plan_edit *edit;
	int r;

	r = ARRAY_RESERVE(plan->edits, plan->n_edits, plan->edits_allocated);
	if (r < 0)
		return r;
	edit = &plan->edits[plan->n_edits];
	*edit = (struct plan_edit){ .file = arena_copy_text(&plan->arena, file->path) };
	edit->from = file->was.data ? copy_contents(plan, file->was) : NULL;
	edit->to = file->now.data ? copy_contents(plan, file->now) : NULL;
	if (!edit->file || (file->was.data && !edit->from) || (file->now.data && !edit->to))
		return -ENOMEM;
	if (document_is_of_guests(subject->document))
		r = tell_touch(plan, rendered, edit);
	else
		r = tell_mention(&teller, 0, &telling);
	if (r == 0 && !edit->reason)
		r = finish_telling(plan, &telling, edit);
	if (r == 0)
		plan->n_edits++;
	return r;
}

static int add_edits(struct plan *plan, const struct resolution *resolution,
		     const struct subject *subject, const struct rendered *rendered)
{
	struct teller teller = {
		.plan = plan, .subject = subject, .rendered = rendered, .taker = SIZE_MAX
	};
	_cleanup_free_ struct line_change *changes = NULL;
	size_t n = 0;
	int r;

	r = park_compare(resolution->meanings, subject->document, subject->back, subject->n_back,
			 rendered, &changes, &n);
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_edit_lines(&teller, &changes[i]);
	return r;
}

struct plan_action *plan_add_action(struct plan *plan, enum action_kind kind)
{
	struct plan_action *action;

	if (ARRAY_RESERVE(plan->actions, plan->n_actions, plan->actions_allocated) < 0)
		return NULL;
	action = &plan->actions[plan->n_actions++];
	*action = (struct plan_action){ .kind = kind };
	return action;
}

/* udev asked whether to bring a hotplugged NIC up before we mended the file: nobody else will. */
static int add_hotplug_actions(struct plan *plan, const struct subject *subject,
			       const struct rendered *rendered)
{
	const struct document *document = subject->document;

	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *reference = &document->references[i];
		const char *name = subject->findings[i].new_name;
		struct plan_action *action;

		if (rendered->out_of_force[i])
			continue;
		if (!name && subject->bindings[i].parked)
			name = arena_copy(&plan->arena, document_text(document, reference->span));
		if (!name || reference->suffix > 0 || strcmp(reference->key, "allow-hotplug") != 0)
			continue;
		action = plan_add_action(plan, ACTION_IFUP);
		if (!action)
			return -ENOMEM;
		action->interface = arena_copy_text(&plan->arena, name);
		if (!action->interface)
			return -ENOMEM;
	}
	return 0;
}

static int add_actions(struct plan *plan, const struct subject *subject,
		       const struct rendered *rendered)
{
	if (subject->document->in_image && !plan_add_action(plan, ACTION_UPDATE_INITRAMFS))
		return -ENOMEM;
	return add_hotplug_actions(plan, subject, rendered);
}

/* What a person should know of one file. */
static int add_file_warnings(struct plan *plan, const struct document *document)
{
	int r = 0;

	if (document->unfit)
		return plan_warn(plan, "%s: %s; it is left alone", document->path, document->unfit);
	if (document->rejected && document->n_references > 0)
		r = plan_warn(plan, "%s: %s; it is left as it is", document->path,
			      document->rejected);
	return r;
}

static int add_finding_warnings(struct plan *plan, const struct subject *subject)
{
	const struct document *document = subject->document;
	_cleanup_free_ const char **said = calloc(document->n_references + 1, sizeof(*said));
	size_t n_said = 0;

	if (!said)
		return -ENOMEM;
	for (size_t i = 0; i < document->n_references; i++) {
		const struct finding *finding = &subject->findings[i];
		bool repeated = false;
		int r;

		if (!finding->warn || !finding->reason)
			continue;
		for (size_t j = 0; j < n_said && !repeated; j++)
			repeated = strcmp(said[j], finding->reason) == 0;
		if (repeated)
			continue;
		said[n_said++] = finding->reason;
		r = plan_warn(plan, "%s:%u: %s", document->path, document->references[i].line,
			      finding->reason);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_lost_warnings(struct plan *plan, const struct meanings *meanings,
			     const struct pairing *pairings)
{
	for (size_t i = 0; i < meanings->n_parked; i++) {
		const struct parked_text *parked = &meanings->parked[i];

		if (!parked->lost)
			continue;
		for (size_t j = 0; j < parked->n_mentions; j++) {
			const struct parked_mention *mention = &parked->mentions[j];
			int r;

			if (!mention->parked || mention->unit == MEANS_NOBODY ||
			    pairings[mention->unit].fate != FATE_FOUND)
				continue;
			r = plan_warn(plan,
				      "%s: the device of a parked part is back, but that part was "
				      "edited away: `hwrecover restore %s` puts it back",
				      parked->path, parked->path);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int compare_files(const void *a, const void *b)
{
	const struct plan_file *one = a, *other = b;

	return strcmp(one->path, other->path);
}

static int compare_edits(const void *a, const void *b)
{
	const struct plan_edit *one = a, *other = b;
	int order = strcmp(one->file, other->file);

	return order != 0 ? order : (one->line > other->line) - (one->line < other->line);
}

static int compare_actions(const void *a, const void *b)
{
	const struct plan_action *one = a, *other = b;

	if (one->kind != other->kind)
		return (int)one->kind - (int)other->kind;
	if (one->kind == ACTION_IFUP)
		return strcmp(one->interface, other->interface);
	return pci_address_compare(&one->address, &other->address);
}

static int compare_warnings(const void *a, const void *b)
{
	/* "FILE:7: " before "FILE:11: ". */
	return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

/* Files that change names may give theirs to each other: one goes and one comes, in one step. */
static void merge_files(struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_files; i++) {
		struct plan_file *last = n > 0 ? &plan->files[n - 1] : NULL,
				 *file = &plan->files[i];

		if (!last || strcmp(last->path, file->path) != 0) {
			plan->files[n++] = *file;
			continue;
		}
		if (file->was.data) {
			last->was = file->was;
			last->was_attributes = file->was_attributes;
		} else {
			last->now = file->now;
			last->document = file->document;
		}
		last->now_attributes = last->was_attributes;
	}
	plan->n_files = n;
}

static void sort_plan(struct plan *plan)
{
	size_t kept = 0;

	/* Pointers to nothing are not to be sorted. */
	if (plan->n_files)
		qsort(plan->files, plan->n_files, sizeof(*plan->files), compare_files);
	merge_files(plan);
	if (plan->n_edits)
		qsort(plan->edits, plan->n_edits, sizeof(*plan->edits), compare_edits);
	if (plan->n_warnings)
		qsort(plan->warnings, plan->n_warnings, sizeof(*plan->warnings), compare_warnings);
	if (!plan->n_actions)
		return;
	qsort(plan->actions, plan->n_actions, sizeof(*plan->actions), compare_actions);
	for (size_t i = 1; i < plan->n_actions; i++)
		if (compare_actions(&plan->actions[kept], &plan->actions[i]) != 0)
			plan->actions[++kept] = plan->actions[i];
	plan->n_actions = kept + 1;
}

static int add_file(struct plan *plan, const struct document *document, const char *path,
		    struct bytes was, struct bytes now)
{
	int r = ARRAY_RESERVE(plan->files, plan->n_files, plan->files_allocated);

	if (r < 0)
		return r;
	plan->files[plan->n_files++] =
		(struct plan_file){ .document = document,
				    .path = path,
				    .was = was,
				    .now = now,
				    .was_attributes = &document->attributes,
				    .now_attributes = &document->attributes };
	return 0;
}

/* What happens to the file itself; the other name of one that gets another is a file of its own. */
static int add_files(struct plan *plan, const struct document *document,
		     const struct rendered *rendered)
{
	struct bytes was = document->absent ? BYTES_NONE : document_disk_bytes(document);
	struct bytes now = rendered->removed ? BYTES_NONE
					     : bytes_make(rendered->text, rendered->size);
	int r;

	if (!rendered->path)
		return add_file(plan, document, document->path, was, now);
	r = add_file(plan, document, rendered->path, BYTES_NONE, now);
	if (r < 0 || document->absent)
		return r;
	return add_file(plan, document, document->path, was, BYTES_NONE);
}

/* Whether a file comes or goes, or both under two names. */
static bool names_change(const struct document *document, const struct rendered *rendered)
{
	return rendered->path || rendered->removed || document->absent;
}

static bool is_as_rendered(const struct document *document, const struct rendered *rendered)
{
	if (rendered->path || document->absent != rendered->removed)
		return false;
	return bytes_equal(document_disk_bytes(document),
			   bytes_make(rendered->text, rendered->size));
}

static int add_subject(struct plan *plan, const struct resolution *resolution,
		       const struct policy *policy, const struct subject *subject,
		       struct rendered *rendered)
{
	const struct document *document = subject->document;
	size_t first = plan->n_files;
	int r;

	r = add_file_warnings(plan, subject->document);
	if (r < 0 || subject->document->unfit)
		return r;
	r = add_finding_warnings(plan, subject);
	if (r < 0)
		return r;
	r = render_subject(resolution, policy, subject, rendered);
	plan->pending |= r == 0 && rendered->pending;
	if (r < 0 || is_as_rendered(document, rendered))
		return r;
	r = add_files(plan, document, rendered);
	if (r < 0)
		return r;
	r = add_actions(plan, subject, rendered);
	if (r < 0)
		return r;
	for (size_t i = first; r == 0 && names_change(document, rendered) && i < plan->n_files; i++)
		r = add_file_edit(plan, subject, rendered, &plan->files[i]);
	if (r < 0 || names_change(document, rendered))
		return r;
	if (document_is_of_guests(document))
		return plan_add_guest_edits(plan, subject, rendered);
	return add_edits(plan, resolution, subject, rendered);
}

bool plan_edit_is_repetition(const struct plan *plan, size_t index)
{
	const struct plan_edit *edit = &plan->edits[index];

	while (index-- > 0) {
		const struct plan_edit *other = &plan->edits[index];

		if (strcmp(other->file, edit->file) != 0)
			return false;
		if (other->remedy == edit->remedy && strcmp(other->reason, edit->reason) == 0)
			return true;
	}
	return false;
}

/* Whether the program that reads the files of one source accepts what they will be. */
static int check_source(const struct plan *plan, const struct resolution *resolution,
			const struct source *source, const struct scan_context *context,
			struct problem *problem)
{
	_cleanup_free_ struct document **items =
		calloc(resolution->n_subjects + 1, sizeof(struct document *));
	_cleanup_free_ struct bytes *texts =
		calloc(resolution->n_subjects + 1, sizeof(struct bytes));
	struct documents documents = { .items = items };

	if (!items || !texts)
		return -ENOMEM;
	for (size_t i = 0; i < resolution->n_subjects; i++) {
		struct document *document = resolution->subjects[i].document;

		if (document->source != source || document->unfit || document->rejected)
			continue;
		texts[documents.n_items] =
			bytes_make(plan->rendered[i].text, plan->rendered[i].size);
		items[documents.n_items++] = document;
	}
	return source->check(source, context, &documents, texts, problem);
}

static int check_results(const struct plan *plan, const struct resolution *resolution,
			 const struct scan_context *context, struct problem *problem)
{
	for (size_t i = 0; sources[i]; i++) {
		bool edited = false;
		int r;

		for (size_t j = 0; j < plan->n_files; j++)
			edited |= plan->files[j].document->source == sources[i];
		/* Scripts do not depend on each other: they are looked at one by one, and by sh(1).
		 */
		if (!edited || !sources[i]->check || sources[i]->is_shell)
			continue;
		r = check_source(plan, resolution, sources[i], context, problem);
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_make(const struct resolution *resolution, const struct scan_context *context,
	      const struct name_set *names, const struct policy *policy, struct plan *ret_plan,
	      struct problem *problem)
{
	struct plan plan = { 0 };
	int r = 0;

	plan.rendered = calloc(resolution->n_subjects + 1, sizeof(*plan.rendered));
	if (!plan.rendered)
		return -ENOMEM;
	plan.n_rendered = resolution->n_subjects;
	for (size_t i = 0; i < resolution->n_subjects && r == 0; i++)
		r = add_subject(&plan, resolution, policy, &resolution->subjects[i],
				&plan.rendered[i]);
	if (r == 0)
		r = add_lost_warnings(&plan, resolution->meanings, resolution->pairings);
	if (r == 0)
		r = plan_add_changes(&plan, resolution->past->baseline ? resolution->past->baseline
								       : resolution->past->settled);
	if (r == 0)
		r = plan_add_binds(&plan, resolution, policy);
	if (r == 0)
		r = plan_add_guests(&plan, resolution, policy);
	if (r == 0)
		r = check_results(&plan, resolution, context, problem);
	if (r == 0)
		r = plan_add_meanings(&plan, resolution, context, names, policy);
	if (r < 0) {
		plan_done(&plan);
		return r;
	}
	sort_plan(&plan);
	*ret_plan = plan;
	return 0;
}
