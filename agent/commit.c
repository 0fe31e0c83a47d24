/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "agent/guests.h"
#include "agent/manifest-file.h"
#include "agent/validate.h"
#include "recovery/bearer.h"
#include "recovery/guest.h"
#include "snapshot/basic/log.h"
#include "snapshot/message-ids.h"

struct id_text {
	char text[24];
};

static const char *show_id(uint64_t id, struct id_text *buffer)
{
	(void)snprintf(buffer->text, sizeof(buffer->text), "%" PRIu64, id);
	return buffer->text;
}

/* Also one whose place another file takes. */
static bool is_edited(const struct survey *survey, const struct document *document)
{
	for (size_t i = 0; i < survey->plan.n_files; i++)
		if (survey->plan.files[i].document == document ||
		    strcmp(survey->plan.files[i].path, document->path) == 0)
			return true;
	return false;
}

/* Whether it starts a guest with parts of the host, now or when they are back. */
static bool starts_a_guest(const struct survey *survey, const struct document *document)
{
	const struct resolution *resolution = &survey->resolution;

	for (size_t i = 0; i < document->n_switches; i++)
		if (document->switches[i].kind != SWITCH_ONCE &&
		    resolution_find_guest(resolution, document->switches[i].guest))
			return true;
	return false;
}

/*
 * A managed file holds a reference, parked or not, or is one that we edit; or it configures, or
 * starts, a guest whose references are a mapping's.
 */
static bool is_managed(const struct survey *survey, const struct document *document)
{
	if (document->unfit)
		return false;
	if (document->guest && document->guest->n_devices > 0)
		return true;
	if (!document->guest && starts_a_guest(survey, document))
		return true;
	return document->n_references > 0 || document->disk || is_edited(survey, document);
}

size_t commit_count_managed(const struct survey *survey)
{
	size_t n = 0;

	for (size_t i = 0; i < survey->documents.n_items; i++)
		n += is_managed(survey, survey->documents.items[i]) &&
		     !survey->documents.items[i]->absent;
	return n;
}

/* The files that the plan leaves. */
static int add_edited_files(const struct survey *survey, struct snapshot *snapshot)
{
	for (size_t i = 0; i < survey->plan.n_files; i++) {
		const struct plan_file *file = &survey->plan.files[i];
		int r;

		if (!file->now.data)
			continue;
		r = snapshot_add_file(snapshot, file->path, file->now, file->now_attributes);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_files(const struct survey *survey, bool afterwards, struct snapshot *snapshot)
{
	for (size_t i = 0; i < survey->documents.n_items; i++) {
		const struct document *document = survey->documents.items[i];
		int r;

		if (!is_managed(survey, document) || document->absent ||
		    (afterwards && is_edited(survey, document)))
			continue;
		r = snapshot_add_file(snapshot, document->path, document_disk_bytes(document),
				      &document->attributes);
		if (r < 0)
			return r;
	}
	return afterwards ? add_edited_files(survey, snapshot) : 0;
}

/* What the plan does to one file, a line for each thing; many lines of a file say the same. */
static int say_change(const struct plan *plan, const char *path, struct snapshot *snapshot)
{
	struct buffer said = { 0 };
	int r;

	for (size_t i = 0; i < plan->n_edits; i++) {
		const struct plan_edit *edit = &plan->edits[i];

		if (strcmp(edit->file, path) == 0 && !plan_edit_is_repetition(plan, i))
			buffer_appendf(&said, "%u: %s: %s\n", MAX_OF(edit->line, 1U),
				       remedy_to_string(edit->remedy), edit->reason);
	}
	r = said.failed ? -ENOMEM : snapshot_say_change(snapshot, buffer_bytes(&said));
	buffer_done(&said);
	return r;
}

static int add_changes(const struct survey *survey, struct snapshot *snapshot)
{
	for (size_t i = 0; i < survey->plan.n_files; i++) {
		const struct plan_file *file = &survey->plan.files[i];
		int r;

		r = snapshot_add_change(snapshot, file->path,
					bytes_digest(file->was, BYTES_DIGEST_SEED),
					bytes_digest(file->now, BYTES_DIGEST_SEED));
		if (r == 0)
			r = say_change(&survey->plan, file->path, snapshot);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The recorded meanings, as they were: those of the newest snapshot. */
static int keep_state(const struct survey *survey, struct snapshot *snapshot)
{
	struct json_writer writer = { 0 };
	uint64_t settled = survey->meanings.settled ? survey->meanings.settled : survey->newest.id;

	if (!survey->newest.state)
		return 0;
	if (json_object_deep_copy(survey->newest.state, &snapshot->state, NULL) < 0)
		return -ENOMEM;
	(void)json_object_object_del(snapshot->state, "settled");
	json_add_integer(&writer, snapshot->state, "settled", (int64_t)settled);
	return writer.failed ? -ENOMEM : 0;
}

static int new_state(const struct survey *survey, struct snapshot *snapshot)
{
	struct json_writer writer = { 0 };

	struct meanings meanings = survey->plan.meanings;

	meanings.undone |= survey->undone;
	snapshot->state = meanings_to_json(&meanings, &writer);
	return writer.failed ? -ENOMEM : 0;
}

int commit_begin_snapshot(const struct survey *survey, const char *reason, const char *note,
			  struct snapshot *snapshot)
{
	*snapshot = (struct snapshot){ 0 };
	snapshot->reason = arena_copy_text(&snapshot->arena, reason);
	snapshot->taken_at = arena_copy_text(&snapshot->arena, survey->now.taken_at);
	snapshot->boot_id = arena_copy_text(&snapshot->arena, survey->now.boot_id);
	snapshot->note = arena_copy_text(&snapshot->arena, note);
	if (!snapshot->reason || (note && !snapshot->note))
		return -ENOMEM;
	/* Lent: the survey stays the owner. */
	snapshot->inventory = survey->now;
	return 0;
}

void commit_end_snapshot(struct snapshot *snapshot)
{
	snapshot->inventory = (struct inventory){ 0 };
	snapshot_done(snapshot);
}

static bool has_file_as_it_is(const struct snapshot *snapshot, const struct document *document)
{
	const struct snapshot_file *file = snapshot_find_file(snapshot, document->path);

	if (document->absent)
		return true;

	return file &&
	       bytes_equal(bytes_make(file->data, file->size), document_disk_bytes(document));
}

/* Whether a file we are about to edit holds what no snapshot has yet. */
static bool would_lose_edits(const struct survey *survey)
{
	for (size_t i = 0; i < survey->plan.n_files; i++) {
		if (!has_file_as_it_is(&survey->newest, survey->plan.files[i].document))
			return true;
	}
	return false;
}

int commit_look(struct context *context, const struct survey *survey, const char *reason,
		struct problem *problem)
{
	struct snapshot snapshot;
	int r;

	r = commit_begin_snapshot(survey, reason, NULL, &snapshot);
	if (r == 0)
		r = add_files(survey, false, &snapshot);
	if (r == 0)
		r = survey->has_newest ? keep_state(survey, &snapshot)
				       : new_state(survey, &snapshot);
	if (r == 0)
		r = store_write(&context->store, &snapshot, problem);
	commit_end_snapshot(&snapshot);
	return r;
}

/* Somebody's edits are kept as they were, to be rolled back to. */
static int save_edits(struct context *context, const struct survey *survey,
		      const struct commit_options *options, struct problem *problem)
{
	char reason[32];

	(void)snprintf(reason, sizeof(reason), "before-%s", options->reason);
	return commit_look(context, survey, reason, problem);
}

int commit_save_files(struct context *context, const char *reason, struct problem *problem)
{
	const struct survey_options options = { .details = true };
	struct survey survey;
	bool missing = false;
	int r;

	r = survey_take(context, &options, &survey, problem);
	if (r < 0)
		return r;
	for (size_t i = 0; i < survey.documents.n_items && !missing; i++)
		missing = is_managed(&survey, survey.documents.items[i]) &&
			  !has_file_as_it_is(&survey.newest, survey.documents.items[i]);
	if (missing)
		r = commit_look(context, &survey, reason, problem);
	survey_done(&survey);
	return r < 0 ? r : missing;
}

static int make_changes(const struct survey *survey, struct change **ret_changes)
{
	struct change *changes = calloc(survey->plan.n_files + 1, sizeof(*changes));

	if (!changes)
		return -ENOMEM;
	for (size_t i = 0; i < survey->plan.n_files; i++) {
		const struct plan_file *file = &survey->plan.files[i];

		changes[i] = (struct change){
			.path = file->path,
			.was = file->was,
			.now = file->now,
			.was_attributes = file->was_attributes,
			.now_attributes = file->now_attributes,
		};
	}
	*ret_changes = changes;
	return 0;
}

static int apply_changes(struct context *context, const struct survey *survey,
			 struct snapshot *snapshot, struct problem *problem)
{
	_cleanup_(transaction_result_done) struct transaction_result result = { 0 };
	_cleanup_free_ struct change *changes = NULL;
	int r;

	r = make_changes(survey, &changes);
	if (r == 0)
		r = transaction_apply(&context->root, &context->store, changes,
				      survey->plan.n_files, snapshot, NULL, NULL, &result, problem);
	for (size_t i = 0; r == 0 && i < result.n_skipped; i++) {
		struct log_field fields[] = { { FIELD_FILE, result.skipped[i] },
					      { FIELD_REASON, "edited in the meantime" } };

		log_event(LOG_LEVEL_WARNING, EVENT_FILE_LEFT_ALONE, fields, ARRAY_SIZE(fields),
			  "%s: was edited by somebody else in the meantime; left as it is",
			  result.skipped[i]);
	}
	return r;
}

/* With what others would edit at the same time locked. */
static int commit_locked(struct context *context, struct survey *survey,
			 const struct commit_options *options, uint64_t *ret_id,
			 struct problem *problem)
{
	struct snapshot snapshot;
	int r;

	if (survey->has_newest && would_lose_edits(survey)) {
		r = save_edits(context, survey, options, problem);
		if (r < 0)
			return r;
	}
	r = commit_begin_snapshot(survey, options->reason, options->note, &snapshot);
	if (r == 0)
		r = add_files(survey, true, &snapshot);
	if (r == 0)
		r = add_changes(survey, &snapshot);
	if (r == 0)
		r = options->settle ? new_state(survey, &snapshot) : keep_state(survey, &snapshot);
	if (r == 0)
		r = apply_changes(context, survey, &snapshot, problem);
	if (r == 0 && options->baseline)
		r = store_set_baseline(&context->store, snapshot.id, problem);
	if (r == 0)
		*ret_id = snapshot.id;
	commit_end_snapshot(&snapshot);
	return r;
}

int commit_plan(struct context *context, struct survey *survey,
		const struct commit_options *options, uint64_t *ret_id, struct problem *problem)
{
	struct pve_locks locks;
	int r;

	r = guests_lock(context, survey, &locks, problem);
	if (r < 0)
		return r;
	r = validate_plan(context, survey, problem);
	if (r == 0)
		r = commit_locked(context, survey, options, ret_id, problem);
	pve_locks_release(&locks);
	if (r == 0)
		guests_tell(context, survey);
	return r;
}

/*
 * Whether there is something to put on record of guests although nothing changed: IOMMU groups that
 * were not there when a mention was first seen (from now on who joins them counts), or the virtual
 * function that it means.
 */
bool survey_learns(const struct survey *survey)
{
	const struct resolution *resolution = &survey->resolution;

	for (size_t i = 0; i < resolution->n_subjects; i++) {
		const struct subject *subject = &resolution->subjects[i];

		for (size_t j = 0; document_is_of_guests(subject->document) &&
				   j < subject->document->n_references;
		     j++) {
			const struct binding *binding = &subject->bindings[j];
			const struct pairing *pairing;

			if (subject->document->references[j].kind != REFERENCE_ADDRESS ||
			    subject->findings[j].verdict == VERDICT_BLOCK)
				continue;
			if (binding->unit == MEANS_NOBODY && binding->origin != ORIGIN_AMBIGUOUS &&
			    bearer_find(&survey->now, subject->document,
					&subject->document->references[j]) != SIZE_MAX)
				return true;
			if (binding->unit == MEANS_NOBODY || binding->company.known)
				continue;
			pairing = &resolution->pairings[binding->unit];
			if (pairing->fate == FATE_FOUND &&
			    survey->now.functions[pairing->index].iommu_group != UNKNOWN)
				return true;
		}
	}
	return false;
}

bool survey_is_unchanged(const struct survey *survey)
{
	size_t n_managed = 0;

	if (survey_learns(survey))
		return false;

	/* Meanings that were held back while nothing might be edited can be settled now. */
	if (survey->meanings.settled && survey->policy.network)
		return false;
	if (!survey->has_newest || survey->plan.n_files > 0 ||
	    !inventory_same_hardware(&survey->newest.inventory, &survey->now))
		return false;
	for (size_t i = 0; i < survey->documents.n_items; i++) {
		const struct document *document = survey->documents.items[i];

		if (!is_managed(survey, document) || document->absent)
			continue;
		n_managed++;
		if (!has_file_as_it_is(&survey->newest, document) ||
		    !file_attributes_equal(
			    &snapshot_find_file(&survey->newest, document->path)->attributes,
			    &document->attributes))
			return false;
	}
	return n_managed == survey->newest.n_files;
}

int commit_record(struct context *context, const struct survey *survey, uint64_t *ret_id,
		  struct problem *problem)
{
	struct snapshot head = { .same_as = survey->newest.id,
				 .reason = "boot",
				 .taken_at = survey->now.taken_at,
				 .boot_id = survey->now.boot_id };
	int r;

	r = store_record(&context->store, &head, problem);
	if (r == 0)
		*ret_id = head.id;
	return r;
}

static void prune(struct context *context)
{
	struct snapshot newest = { 0 };
	struct meanings meanings = { 0 };
	struct problem problem = { 0 };
	uint64_t settled = 0;
	int r;

	r = store_load_newest(&context->store, &newest, &problem);
	if (r > 0 && newest.state &&
	    meanings_from_json(newest.state, "snapshot", &meanings, &problem) == 0)
		settled = meanings.settled;
	meanings_done(&meanings);
	snapshot_done(&newest);
	if (r >= 0)
		r = store_prune(&context->store, context->config.keep, &settled, settled ? 1 : 0,
				&problem);
	if (r < 0)
		log_warning("%s", problem.text ? problem.text : strerror(-r));
	problem_done(&problem);
}

void commit_conclude(struct context *context)
{
	prune(context);
	manifest_file_update(context);
}

static void tell_files(const struct survey *survey, const char *id)
{
	for (size_t i = 0; i < survey->plan.n_files; i++) {
		const struct plan_file *file = &survey->plan.files[i];
		struct log_field fields[] = { { FIELD_FILE, file->path }, { FIELD_SNAPSHOT, id } };

		log_event(LOG_LEVEL_NOTICE, EVENT_FILE_EDITED, fields, ARRAY_SIZE(fields),
			  "%s: %s, as hardware has moved", file->path,
			  !file->was.data   ? "created"
			  : !file->now.data ? "removed"
					    : "edited");
	}
}

/* An event for one mention: what happened to it, where, and which name it is about. */
static void tell_mention(const struct subject *subject, size_t index, enum log_level level,
			 const char *event)
{
	const struct reference *reference = &subject->document->references[index];
	const struct finding *finding = &subject->findings[index];
	bool nic = reference->kind == REFERENCE_NIC;
	struct bytes text = document_name_of(subject->document, reference);
	_cleanup_free_ char *name = NULL;
	char line[16];

	if (bytes_duplicate(text, &name) < 0)
		return;
	(void)snprintf(line, sizeof(line), "%u", reference->line);
	struct log_field fields[] = { { FIELD_FILE, subject->document->path },
				      { FIELD_LINE, line },
				      { nic ? FIELD_NIC : FIELD_ADDRESS, name },
				      { nic ? FIELD_NIC_NOW : FIELD_ADDRESS_NOW,
					finding->new_name },
				      { FIELD_REASON, finding->reason } };

	log_event(level, event, fields, ARRAY_SIZE(fields), "%s:%s: %s", subject->document->path,
		  line, finding->reason ? finding->reason : name);
}

/* One event for each thing said: many mentions of a NIC say the same. */
static bool said_before(const struct subject *subject, size_t index)
{
	const char *reason = subject->findings[index].reason;

	for (size_t i = 0; i < index; i++)
		if (reason && subject->findings[i].reason &&
		    strcmp(subject->findings[i].reason, reason) == 0)
			return true;
	return false;
}

static void tell_subject(const struct subject *subject, bool done)
{
	for (size_t i = 0; i < subject->document->n_references; i++) {
		const struct finding *finding = &subject->findings[i];
		bool nic = subject->document->references[i].kind == REFERENCE_NIC;
		bool parked = subject->bindings[i].parked;
		bool edited = finding->verdict == VERDICT_REMAP ||
			      parked != (finding->verdict == VERDICT_PARK);

		if ((edited && !done) || said_before(subject, i))
			continue;
		if (finding->verdict == VERDICT_PARK && !parked)
			tell_mention(subject, i, LOG_LEVEL_WARNING,
				     nic ? EVENT_MENTION_PARKED : EVENT_ENTRY_DISABLED);
		else if (edited && parked)
			tell_mention(subject, i, LOG_LEVEL_NOTICE, EVENT_MENTION_RESTORED);
		else if (edited)
			tell_mention(subject, i, LOG_LEVEL_NOTICE,
				     nic ? EVENT_NIC_REMAPPED : EVENT_ENTRY_RELOCATED);
		else if (finding->warn)
			tell_mention(subject, i, LOG_LEVEL_WARNING, EVENT_REFERENCE_AMBIGUOUS);
	}
}

static void tell_left_alone(const struct document *document)
{
	const char *reason = document->unfit ? document->unfit : document->rejected;
	struct log_field fields[] = { { FIELD_FILE, document->path }, { FIELD_REASON, reason } };

	if (document->unfit || (document->rejected && document->n_references > 0))
		log_event(LOG_LEVEL_WARNING, EVENT_FILE_LEFT_ALONE, fields, ARRAY_SIZE(fields),
			  "%s: %s; it is left as it is", document->path, reason);
}

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), length = strlen(end);

	return size >= length && strcmp(text + size - length, end) == 0;
}

/* Whether a warning of the plan is about a mention, or a file that is left: those are events of
 * their own. */
static bool is_told(const struct survey *survey, const char *warning)
{
	for (size_t i = 0; i < survey->resolution.n_subjects; i++) {
		const struct subject *subject = &survey->resolution.subjects[i];
		const struct document *document = subject->document;
		size_t length = strlen(document->path);

		if (strncmp(warning, document->path, length) != 0 || warning[length] != ':')
			continue;
		if (document->unfit || document->rejected)
			return true;
		for (size_t j = 0; j < document->n_references; j++)
			if (subject->findings[j].warn && subject->findings[j].reason &&
			    ends_with(warning, subject->findings[j].reason))
				return true;
	}
	return false;
}

static void tell_changes(const struct survey *survey)
{
	struct log_field fields[] = { { FIELD_SNAPSHOT, NULL } };
	struct id_text buffer;

	fields[0].value = show_id(survey->baseline_id, &buffer);
	if (survey->plan.n_changes > 0)
		log_event(LOG_LEVEL_NOTICE, EVENT_HARDWARE_CHANGED, fields, ARRAY_SIZE(fields),
			  "the hardware differs from the baseline: %zu change%s",
			  survey->plan.n_changes, survey->plan.n_changes == 1 ? "" : "s");
}

/* Whether something of a guest is off on record. */
static bool is_turned_off(const struct meanings *meanings, const char *guest)
{
	for (size_t i = 0; i < meanings->n_turned_off; i++)
		if (strcmp(meanings->turned_off[i].guest, guest) == 0)
			return true;
	return false;
}

static void log_notice_if(bool news, const struct guest_verdict *verdict)
{
	if (news)
		log_notice("%s: it does not start by itself, and must not be started: %s",
			   verdict->id, verdict->reason);
}

static void tell_guest(const struct survey *survey, const struct guest_verdict *verdict)
{
	const struct subject *subject = &survey->resolution.subjects[verdict->subject];
	bool was = subject->was_held || is_turned_off(&survey->meanings, verdict->id);
	struct log_field fields[] = { { FIELD_GUEST, verdict->id },
				      { FIELD_REASON, verdict->reason } };

	if (verdict->hold && !subject->was_held)
		log_event(LOG_LEVEL_WARNING, EVENT_GUEST_HELD, fields, ARRAY_SIZE(fields),
			  "%s: no start of it succeeds: %s", verdict->id, verdict->reason);
	/* Of one that nothing starts it is told when it happens; there is nothing to remember. */
	else if (verdict->off && !was && !verdict->autostart)
		log_notice_if(survey->plan.n_changes > 0, verdict);
	else if (verdict->off && !was)
		log_event(LOG_LEVEL_WARNING, EVENT_GUEST_BLOCKED, fields, ARRAY_SIZE(fields),
			  "%s: kept from starting by itself: %s", verdict->id, verdict->reason);
	else if (!verdict->off && was)
		log_event(LOG_LEVEL_NOTICE, EVENT_GUEST_RESTORED, fields, 1,
			  "%s: its devices are back; it may start again", verdict->id);
}

/* Of those that this stage may deal with. */
static void tell_guests(const struct survey *survey)
{
	for (size_t i = 0; i < survey->resolution.n_guests; i++) {
		const struct guest_verdict *verdict = &survey->resolution.guests[i];
		const struct document *document =
			survey->resolution.subjects[verdict->subject].document;

		if (!resolve_why_not_edit(&survey->policy, document) && !document->unfit)
			tell_guest(survey, verdict);
	}
}

void commit_tell(const struct survey *survey, uint64_t id, bool done)
{
	struct id_text buffer;

	tell_changes(survey);
	for (size_t i = 0; i < survey->resolution.n_subjects; i++) {
		const struct subject *subject = &survey->resolution.subjects[i];

		tell_left_alone(subject->document);
		if (!subject->document->unfit)
			tell_subject(subject, done);
	}
	if (done)
		tell_guests(survey);
	if (done)
		tell_files(survey, show_id(id, &buffer));
	else if (survey->plan.n_files > 0)
		log_notice("files are to be edited: `hwrecover plan` shows how, `hwrecover apply` "
			   "does it");
	for (size_t i = 0; i < survey->plan.n_warnings; i++)
		if (!is_told(survey, survey->plan.warnings[i]))
			log_warning("%s", survey->plan.warnings[i]);
}
