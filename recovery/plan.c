/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/plan.h"

#include <errno.h>

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
	[REMEDY_REMAP] = "remap",
	[REMEDY_PARK] = "park",
	[REMEDY_RESTORE] = "restore",
};

const char *remedy_to_string(enum remedy remedy)
{
	return remedies[remedy];
}

static const char *const actions[_ACTION_KIND_MAX] = {
	[ACTION_IFUP] = "ifup",
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

/* What became of one reference: what was in force, and what will be. */
static bool is_parked_now(const struct subject *subject, size_t index)
{
	return subject->bindings[index].parked;
}

static bool will_be_parked(const struct subject *subject, size_t index)
{
	return subject->findings[index].verdict == VERDICT_PARK;
}

static int render_subject(const struct subject *subject, struct rendered *ret_rendered)
{
	size_t n = subject->document->n_references;
	_cleanup_free_ struct treatment *treatments = calloc(n + 1, sizeof(*treatments));

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

/* Whether a mention stands in some lines, or they stand in what is parked with it. */
static bool concerns(const struct reference *reference, struct span span)
{
	if (reference->span.offset >= span.offset && reference->span.offset < span_end(span))
		return true;
	return reference->shape == PARK_LINES && reference->extent.offset <= span.offset &&
	       span_end(reference->extent) >= span_end(span);
}

/* The first mention that stands in some lines; else the nearest before that takes them along. */
static size_t first_concerned(const struct document *document, struct span span)
{
	size_t first = document_first_from(document, span.offset), i = first;

	if (first < document->n_references && concerns(&document->references[first], span))
		return first;
	while (i-- > 0)
		if (concerns(&document->references[i], span))
			return i;
	return first;
}

/* The remedy and the reason for lines that change: those of the references in them. */
static int explain(struct plan *plan, const struct subject *subject, struct span span,
		   struct plan_edit *edit)
{
	const struct document *document = subject->document;
	struct buffer reasons = { 0 };
	bool parks = false, restores = false;

	for (size_t i = first_concerned(document, span); i < document->n_references; i++) {
		const char *reason = subject->findings[i].reason;

		if (!concerns(&document->references[i], span)) {
			if (document->references[i].span.offset >= span_end(span))
				break;
			continue;
		}
		parks |= will_be_parked(subject, i) && !is_parked_now(subject, i);
		restores |= is_parked_now(subject, i) && !will_be_parked(subject, i);
		if (!reason || (reasons.data && strstr(reasons.data, reason)))
			continue;
		if (reasons.size)
			buffer_append_text(&reasons, "; ");
		buffer_append_text(&reasons, reason);
	}
	edit->remedy = parks ? REMEDY_PARK : restores ? REMEDY_RESTORE : REMEDY_REMAP;
	edit->reason = reasons.failed ? NULL : arena_copy(&plan->arena, buffer_bytes(&reasons));
	buffer_done(&reasons);
	return edit->reason ? 0 : -ENOMEM;
}

static int add_edit_line(struct plan *plan, const struct subject *subject, const struct bytes *from,
			 const struct bytes *to, unsigned int line, struct span span,
			 struct span whole)
{
	struct plan_edit *edit;
	int r;

	r = ARRAY_RESERVE(plan->edits, plan->n_edits, plan->edits_allocated);
	if (r < 0)
		return r;
	edit = &plan->edits[plan->n_edits];
	*edit = (struct plan_edit){ .line = line };
	edit->file = arena_copy_text(&plan->arena, subject->document->path);
	edit->from = from ? arena_copy(&plan->arena, *from) : NULL;
	edit->to = to ? arena_copy(&plan->arena, *to) : NULL;
	if (!edit->file || (from && !edit->from) || (to && !edit->to))
		return -ENOMEM;
	r = explain(plan, subject, span, edit);
	/* A line without a mention of its own changes because of others near it. */
	if (r == 0 && edit->reason[0] == '\0')
		r = explain(plan, subject, whole, edit);
	if (r == 0)
		plan->n_edits++;
	return r;
}

/* One entry a line; the lines stand in the same order before and afterwards. */
static int add_edit_lines(struct plan *plan, const struct subject *subject,
			  const struct rendered *rendered, const struct line_change *change)
{
	const struct document *document = subject->document;
	struct bytes disk = document_disk_bytes(document);
	struct lines old = { bytes_slice(disk, change->disk.offset, change->disk.length), 0 };
	struct lines new = { bytes_slice(bytes_make(rendered->text, rendered->size),
					 change->text.offset, change->text.length),
			     0 };
	struct lines plain = { document_text(document, change->document), 0 };
	unsigned int line = change->first_line;
	struct bytes from, to, ignored;
	int r = 0;

	for (;; line++) {
		size_t start = plain.offset;
		bool has_from = lines_next(&old, &from), has_to = lines_next(&new, &to);
		struct span span;

		(void)lines_next(&plain, &ignored);
		span = (struct span){ change->document.offset + start, plain.offset - start };
		if ((!has_from && !has_to) || r < 0)
			return r;
		if (has_from && has_to && bytes_equal(from, to))
			continue;
		r = add_edit_line(plan, subject, has_from ? &from : NULL, has_to ? &to : NULL, line,
				  span, change->document);
	}
}

static int add_edits(struct plan *plan, const struct resolution *resolution,
		     const struct subject *subject, const struct rendered *rendered)
{
	_cleanup_free_ struct line_change *changes = NULL;
	size_t n = 0;
	int r;

	r = park_compare(resolution->meanings, subject->document, subject->back, subject->n_back,
			 rendered, &changes, &n);
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_edit_lines(plan, subject, rendered, &changes[i]);
	return r;
}

/* udev asked whether to bring a hotplugged NIC up before we mended the file: nobody else will. */
static int add_actions(struct plan *plan, const struct subject *subject)
{
	const struct document *document = subject->document;

	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *reference = &document->references[i];
		const char *name = subject->findings[i].new_name;
		int r;

		if (!name && is_parked_now(subject, i) && !will_be_parked(subject, i))
			name = arena_copy(&plan->arena, document_text(document, reference->span));
		if (!name || reference->suffix > 0 || strcmp(reference->key, "allow-hotplug") != 0)
			continue;
		r = ARRAY_RESERVE(plan->actions, plan->n_actions, plan->actions_allocated);
		if (r < 0)
			return r;
		plan->actions[plan->n_actions].kind = ACTION_IFUP;
		plan->actions[plan->n_actions].interface = arena_copy_text(&plan->arena, name);
		if (!plan->actions[plan->n_actions].interface)
			return -ENOMEM;
		plan->n_actions++;
	}
	return 0;
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
				      "%s: the NIC of a parked part is back, but that part was "
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

	return strcmp(one->document->path, other->document->path);
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

	return strcmp(one->interface, other->interface);
}

static int compare_warnings(const void *a, const void *b)
{
	/* "FILE:7: " before "FILE:11: ". */
	return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_plan(struct plan *plan)
{
	size_t kept = 0;

	/* Pointers to nothing are not to be sorted. */
	if (plan->n_files)
		qsort(plan->files, plan->n_files, sizeof(*plan->files), compare_files);
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

static int add_subject(struct plan *plan, const struct resolution *resolution,
		       const struct subject *subject, struct rendered *rendered)
{
	struct bytes disk = document_disk_bytes(subject->document);
	int r;

	r = add_file_warnings(plan, subject->document);
	if (r < 0 || subject->document->unfit)
		return r;
	r = add_finding_warnings(plan, subject);
	if (r < 0)
		return r;
	r = render_subject(subject, rendered);
	if (r < 0 || bytes_equal(disk, bytes_make(rendered->text, rendered->size)))
		return r;
	r = ARRAY_RESERVE(plan->files, plan->n_files, plan->files_allocated);
	if (r < 0)
		return r;
	plan->files[plan->n_files++] = (struct plan_file){ subject->document, rendered };
	r = add_actions(plan, subject);
	if (r < 0)
		return r;
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
		if (!edited || !sources[i]->check)
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
		r = add_subject(&plan, resolution, &resolution->subjects[i], &plan.rendered[i]);
	if (r == 0)
		r = add_lost_warnings(&plan, resolution->meanings, resolution->pairings);
	if (r == 0)
		r = plan_add_changes(&plan, resolution->past->baseline ? resolution->past->baseline
								       : resolution->past->settled);
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
