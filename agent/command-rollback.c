/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `rollback` and `restore`: back to what was. */
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "agent/commit.h"
#include "agent/guests.h"
#include "agent/report.h"
#include "recovery/pmxcfs.h"
#include "recovery/rollback-guests.h"
#include "recovery/rollback.h"
#include "recovery/sources/bind.h"
#include "recovery/sources/libvirt.h"
#include "snapshot/basic/log.h"
#include "snapshot/basic/number.h"

/**
 * struct outcome - What becomes of one file
 * @was, @now: contents; data NULL where there is none
 * @was_attributes, @now_attributes: owner, mode and xattrs; the same where there is no file
 * @document: of a file of guests, as it is; NULL if it is not there
 * @of_guests: it is one
 */
struct outcome {
	const char *path;
	struct bytes was;
	struct bytes now;
	const struct file_attributes *was_attributes;
	const struct file_attributes *now_attributes;
	const struct document *document;
	bool of_guests;
	bool is_written;
};

/**
 * struct return_trip - One rollback
 * @target:   the snapshot to go back to
 * @present:  what follows from the hardware with the files as they are
 * @rollback: the files of the snapshot and what became of them
 * @why_not_pve: in words why files below /etc/pve are left as they are; empty if they are not
 * @guests:   those of guests
 * @afterwards: all of them as they will be
 * @state:    the meanings of the snapshot, with those of what stays in files of guests
 * @survey:   what follows from the hardware once they are back
 * @outcomes: by path, @n_outcomes of them
 * @relocate: mentions follow the hardware in the same transaction
 */
struct return_trip {
	struct context *context;
	struct snapshot target;
	struct survey present;
	struct rollback rollback;
	char why_not_pve[80];
	struct guests_rollback guests;
	struct snapshot afterwards;
	struct json_object *state;
	struct survey survey;
	struct outcome *outcomes;
	size_t n_outcomes;
	bool relocate;
};

static void return_trip_done(struct return_trip *trip)
{
	free(trip->outcomes);
	survey_done(&trip->survey);
	(void)json_object_put(trip->state);
	snapshot_done(&trip->afterwards);
	guests_rollback_done(&trip->guests);
	rollback_done(&trip->rollback);
	survey_done(&trip->present);
	snapshot_done(&trip->target);
}

static struct guests_now guests_now(const struct return_trip *trip)
{
	return (struct guests_now){ .documents = &trip->present.documents,
				    .scan = &trip->present.scan,
				    .names = { trip->present.names, trip->present.n_names },
				    .why_not_pve = *trip->why_not_pve ? trip->why_not_pve : NULL };
}

/* What the files will be, to be looked at instead of what they are. */
static int look_ahead(struct return_trip *trip)
{
	int r = 0;

	for (size_t i = 0; i < trip->rollback.n_files && r == 0; i++) {
		const struct snapshot_file *then = trip->rollback.files[i].then;

		r = snapshot_add_file(&trip->afterwards, then->path,
				      bytes_make(then->data, then->size), &then->attributes);
	}
	for (size_t i = 0; i < trip->guests.n_files && r == 0; i++) {
		const struct guest_rollback *file = &trip->guests.files[i];

		if (file->now.data)
			r = snapshot_add_file(&trip->afterwards, file->path, file->now,
					      &file->attributes);
	}
	return r;
}

/* Links that will be there again are looked at as if they were. */
static int look_at_links(struct return_trip *trip)
{
	for (size_t i = 0; i < trip->guests.n_files; i++) {
		const struct guest_rollback *file = &trip->guests.files[i];
		struct document *document;

		if (file->document || !file->now.data)
			continue;
		document = documents_add(&trip->survey.documents, file->path);
		if (!document || bytes_duplicate(file->now, &document->data) < 0 ||
		    file_attributes_copy(&file->attributes, &document->attributes) < 0)
			return -ENOMEM;
		document->size = file->now.size;
		document->source = &libvirt_autostart_source;
	}
	return 0;
}

static int keep_meanings(struct return_trip *trip)
{
	const struct guests_now now = guests_now(trip);
	struct json_writer writer = { 0 };
	struct match since = { 0 };
	int r;

	r = match_inventories(trip->survey.settled_inventory, &trip->present.now, &since);
	if (r == 0)
		r = guests_rollback_keep_meanings(&trip->guests, &now, &since,
						  &trip->present.plan.meanings,
						  &trip->survey.meanings);
	match_done(&since);
	if (r < 0 || !trip->target.state)
		return r;
	trip->state = meanings_to_json(&trip->survey.meanings, &writer);
	return writer.failed ? -ENOMEM : 0;
}

static void tell_pve(struct return_trip *trip)
{
	enum pve_state state = trip->present.pve;
	bool deferred = context_has_deferred(trip->context);

	if (state != PVE_WRITABLE)
		(void)snprintf(trip->why_not_pve, sizeof(trip->why_not_pve), "/etc/pve is %s",
			       pve_state_to_string(state));
	if (deferred)
		(void)snprintf(trip->why_not_pve, sizeof(trip->why_not_pve),
			       "edits that were cut short wait until /etc/pve can be written");
}

/* Everything as it is, and what goes back. */
static int look_back(struct return_trip *trip, struct problem *problem)
{
	const struct survey_options options = { .details = true, .only_look = true };
	struct context *context = trip->context;
	struct guests_now now;
	int r;

	r = survey_take(context, &options, &trip->present, problem);
	if (r < 0)
		return r;
	tell_pve(trip);
	r = rollback_look(&context->root, &context->store, &trip->target, &trip->present.documents,
			  &trip->rollback, problem);
	if (r < 0)
		return r;
	now = guests_now(trip);
	r = guests_rollback_look(&context->store, &trip->target, &now, &trip->guests, problem);
	return r == 0 ? look_ahead(trip) : r;
}

/* What is stale once that is done. */
static int look_forward(struct return_trip *trip, struct problem *problem)
{
	const struct survey_options options = { .details = true, .overlay = &trip->afterwards };
	struct context *context = trip->context;
	struct inventory inventory = { 0 };
	int r;

	r = survey_read_inventory(context, options.details, &inventory, problem);
	if (r < 0)
		return r;
	r = survey_begin(context, trip->target.id, &trip->survey, problem);
	if (r == 0)
		r = keep_meanings(trip);
	if (r == 0)
		r = look_at_links(trip);
	if (r < 0) {
		inventory_done(&inventory);
		return r;
	}
	return survey_finish(context, &options, &inventory, &trip->survey, problem);
}

static const struct plan_file *find_relocated(const struct return_trip *trip, const char *path)
{
	const struct plan *plan = &trip->survey.plan;

	for (size_t i = 0; trip->relocate && i < plan->n_files; i++)
		if (strcmp(plan->files[i].path, path) == 0)
			return &plan->files[i];
	return NULL;
}

static struct outcome *find_outcome(const struct return_trip *trip, const char *path)
{
	for (size_t i = 0; i < trip->n_outcomes; i++)
		if (strcmp(trip->outcomes[i].path, path) == 0)
			return &trip->outcomes[i];
	return NULL;
}

static bool has_changed(struct bytes was, struct bytes now)
{
	return !was.data != !now.data || !bytes_equal(was, now);
}

static struct outcome outcome_of(const struct return_trip *trip, const struct rollback_file *file)
{
	const struct plan_file *relocated = find_relocated(trip, file->then->path);
	struct outcome outcome = {
		.path = file->then->path,
		.was = bytes_make(file->data, file->size),
		.now = relocated ? relocated->now : bytes_make(file->then->data, file->then->size),
		.was_attributes = file->data ? &file->attributes : &file->then->attributes,
		.now_attributes = &file->then->attributes,
	};

	outcome.is_written = !file->unfit &&
			     (file->differs || has_changed(outcome.was, outcome.now));
	return outcome;
}

static struct outcome outcome_of_guests(const struct return_trip *trip,
					const struct guest_rollback *file)
{
	const struct plan_file *relocated = find_relocated(trip, file->path);
	struct outcome outcome = {
		.path = file->path,
		.was = file->was,
		.now = relocated ? relocated->now : file->now,
		.was_attributes = file->document ? &file->document->attributes : &file->attributes,
		.now_attributes = &file->attributes,
		.document = file->document,
		.of_guests = true,
	};

	outcome.is_written = has_changed(outcome.was, outcome.now);
	return outcome;
}

/* What follows the hardware in files that the snapshot does not have. */
static struct outcome outcome_of_plan(const struct plan_file *file)
{
	return (struct outcome){ .path = file->path,
				 .was = file->was,
				 .now = file->now,
				 .was_attributes = file->was_attributes,
				 .now_attributes = file->now_attributes,
				 .document = file->document,
				 .of_guests = document_is_of_guests(file->document),
				 .is_written = true };
}

static int compare_outcomes(const void *a, const void *b)
{
	const struct outcome *one = a, *other = b;

	return strcmp(one->path, other->path);
}

static int find_outcomes(struct return_trip *trip)
{
	const struct plan *plan = &trip->survey.plan;
	size_t n = trip->rollback.n_files + trip->guests.n_files + plan->n_files;

	trip->outcomes = calloc(n + 1, sizeof(*trip->outcomes));
	if (!trip->outcomes)
		return -ENOMEM;
	for (size_t i = 0; i < trip->rollback.n_files; i++)
		trip->outcomes[trip->n_outcomes++] = outcome_of(trip, &trip->rollback.files[i]);
	for (size_t i = 0; i < trip->guests.n_files; i++)
		trip->outcomes[trip->n_outcomes++] =
			outcome_of_guests(trip, &trip->guests.files[i]);
	for (size_t i = 0; i < plan->n_files && trip->relocate; i++)
		if (!find_outcome(trip, plan->files[i].path))
			trip->outcomes[trip->n_outcomes++] = outcome_of_plan(&plan->files[i]);
	qsort(trip->outcomes, trip->n_outcomes, sizeof(*trip->outcomes), compare_outcomes);
	return 0;
}

/* Whether anything keeps us from overwriting; each such file is said. */
static int refuse(const struct return_trip *trip, const struct invocation *invocation)
{
	struct root_name name;
	bool refused = false;

	for (size_t i = 0; i < trip->rollback.n_files; i++) {
		const struct rollback_file *file = &trip->rollback.files[i];
		const char *path = root_show(&trip->context->root, file->then->path, &name);

		if (file->unfit) {
			log_error("%s: %s; it cannot be put back", path, file->unfit);
			refused = true;
		} else if (file->foreign && !invocation->force) {
			log_error("%s: was changed by somebody else since snapshot %" PRIu64
				  "; --force overwrites it",
				  path, trip->target.id);
			refused = true;
		}
	}
	return refused ? -ESTALE : 0;
}

/* What of guests does not go back, and why. */
static void tell_what_stays(const struct return_trip *trip)
{
	struct root_name name;

	for (size_t i = 0; i < trip->guests.n_files; i++) {
		const struct guest_rollback *file = &trip->guests.files[i];
		const char *path = root_show(&trip->context->root, file->path, &name);

		if (file->left)
			log_warning("%s: %s; nothing of it is rolled back", path, file->left);
		for (size_t j = 0; j < file->kept.n_items; j++)
			log_warning("%s: %s was changed by somebody else since; it stays as it is",
				    path, file->kept.items[j]);
		if (file->unknown)
			log_warning("%s: not all of its earlier contents are on record any more; "
				    "what was edited then stays",
				    path);
	}
}

static void add_what_stays(const struct return_trip *trip, struct json_writer *writer,
			   struct json_object *object)
{
	struct json_object *array = json_add_array(writer, object, "left");

	for (size_t i = 0; i < trip->guests.n_files; i++) {
		const struct guest_rollback *file = &trip->guests.files[i];
		struct json_object *item, *kept;

		if (!file->left && file->kept.n_items == 0 && !file->unknown)
			continue;
		item = json_add_object(writer, array, NULL);
		json_add_bytes(writer, item, "file", bytes_of(file->path));
		if (file->left)
			json_add_bytes(writer, item, "reason", bytes_of(file->left));
		else
			json_add_null(writer, item, "reason");
		kept = json_add_array(writer, item, "kept");
		for (size_t j = 0; j < file->kept.n_items; j++)
			json_add_bytes(writer, kept, NULL, bytes_of(file->kept.items[j]));
	}
}

static int print_diff(const struct return_trip *trip, const struct report *report)
{
	int r = 0;

	for (size_t i = 0; i < trip->n_outcomes && r == 0; i++) {
		const struct outcome *outcome = &trip->outcomes[i];
		struct buffer diff = { 0 };

		if (!outcome->is_written)
			continue;
		r = diff_managed_file(outcome->path, outcome->was.data ? &outcome->was : NULL,
				      outcome->now.data ? &outcome->now : NULL, &diff);
		if (r == 0)
			report_diff_text(report, buffer_bytes(&diff));
		buffer_done(&diff);
	}
	return r;
}

/* The meanings of the snapshot that is gone back to, to be resolved when hardware changes again. */
static int add_state(struct return_trip *trip, struct snapshot *snapshot)
{
	const struct survey *survey = &trip->survey;
	struct json_writer writer = { 0 };
	uint64_t settled;
	bool undone;

	if (trip->relocate) {
		snapshot->state = meanings_to_json(&survey->plan.meanings, &writer);
		return writer.failed ? -ENOMEM : 0;
	}
	if (!trip->state)
		return 0;
	settled = survey->meanings.settled ? survey->meanings.settled : trip->target.id;
	undone = !inventory_same_hardware(&trip->target.inventory, &survey->now);
	snapshot->state = TAKE_PTR(trip->state);
	(void)json_object_object_del(snapshot->state, "settled");
	(void)json_object_object_del(snapshot->state, "undone");
	json_add_integer(&writer, snapshot->state, "settled", undone ? (int64_t)settled : 0);
	json_add_bool(&writer, snapshot->state, "undone", undone);
	return writer.failed ? -ENOMEM : 0;
}

/* Those of a survey that no outcome is about, as they are. */
static int add_other_files(const struct return_trip *trip, const struct survey *survey,
			   bool of_guests, struct snapshot *snapshot)
{
	int r = 0;

	for (size_t i = 0; i < survey->documents.n_items && r == 0; i++) {
		const struct document *document = survey->documents.items[i];

		if (document_is_of_guests(document) != of_guests || document->unfit ||
		    document->absent || (document->n_references == 0 && !document->disk) ||
		    find_outcome(trip, document->path))
			continue;
		r = snapshot_add_file(snapshot, document->path, document_disk_bytes(document),
				      &document->attributes);
	}
	return r;
}

/* Files of the snapshot as they will be, the others that are managed now as they are. */
static int add_files(const struct return_trip *trip, struct snapshot *snapshot)
{
	int r = 0;

	for (size_t i = 0; i < trip->n_outcomes && r == 0; i++) {
		const struct outcome *outcome = &trip->outcomes[i];

		if (outcome->now.data && (outcome->is_written || outcome->was.data))
			r = snapshot_add_file(snapshot, outcome->path, outcome->now,
					      outcome->now_attributes);
	}
	if (r == 0)
		r = add_other_files(trip, &trip->survey, false, snapshot);
	return r == 0 ? add_other_files(trip, &trip->present, true, snapshot) : r;
}

static int make_changes(const struct return_trip *trip, struct snapshot *snapshot,
			struct change *changes, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < trip->n_outcomes; i++) {
		const struct outcome *outcome = &trip->outcomes[i];
		int r;

		if (!outcome->is_written)
			continue;
		changes[n++] = (struct change){
			.path = outcome->path,
			.was = outcome->was,
			.now = outcome->now,
			.was_attributes = outcome->was_attributes,
			.now_attributes = outcome->now_attributes,
		};
		r = snapshot_add_change(snapshot, outcome->path,
					bytes_digest(outcome->was, BYTES_DIGEST_SEED),
					bytes_digest(outcome->now, BYTES_DIGEST_SEED));
		if (r < 0)
			return r;
	}
	*ret_n = n;
	return 0;
}

static int write_snapshot(struct return_trip *trip, struct snapshot *snapshot,
			  struct problem *problem)
{
	_cleanup_(transaction_result_done) struct transaction_result result = { 0 };
	struct context *context = trip->context;
	_cleanup_free_ struct change *changes = calloc(trip->n_outcomes + 1, sizeof(*changes));
	size_t n = 0;
	int r;

	if (!changes)
		return -ENOMEM;
	r = add_files(trip, snapshot);
	if (r == 0)
		r = add_state(trip, snapshot);
	if (r == 0)
		r = make_changes(trip, snapshot, changes, &n);
	if (r == 0)
		r = transaction_apply(&context->root, &context->store, changes, n, snapshot, NULL,
				      NULL, &result, problem);
	for (size_t i = 0; r == 0 && i < result.n_skipped; i++)
		log_warning("%s: was edited by somebody else in the meantime; left as it is",
			    result.skipped[i]);
	return r;
}

/* The files of guests that are written, as the plan of the present look, and what goes with it. */
static int plan_guests(struct return_trip *trip)
{
	const struct plan *relocated = &trip->survey.plan;
	struct plan *plan = &trip->present.plan;

	plan_done(plan);
	plan->files = calloc(trip->n_outcomes + 1, sizeof(*plan->files));
	plan->actions = calloc(relocated->n_actions + 1, sizeof(*plan->actions));
	if (!plan->files || !plan->actions)
		return -ENOMEM;
	for (size_t i = 0; trip->relocate && i < relocated->n_actions; i++)
		plan->actions[plan->n_actions++] = relocated->actions[i];
	for (size_t i = 0; i < trip->n_outcomes; i++) {
		const struct outcome *outcome = &trip->outcomes[i];
		const struct document *document = outcome->document;

		if (!outcome->of_guests || !outcome->is_written)
			continue;
		if (!document)
			document = documents_find(&trip->survey.documents, outcome->path);
		plan->files[plan->n_files++] = (struct plan_file){
			.document = document,
			.path = outcome->path,
			.was = outcome->was,
			.now = outcome->now,
			.was_attributes = outcome->was_attributes,
			.now_attributes = outcome->now_attributes,
		};
	}
	return 0;
}

/* Whether the newest snapshot lacks a file of guests as it is now: its edits would be lost. */
static bool would_lose_edits(const struct return_trip *trip)
{
	const struct survey *present = &trip->present;

	for (size_t i = 0; i < present->plan.n_files; i++) {
		const struct plan_file *file = &present->plan.files[i];
		const struct snapshot_file *kept = snapshot_find_file(&present->newest, file->path);

		if (file->was.data &&
		    (!kept || !bytes_equal(file->was, bytes_make(kept->data, kept->size))))
			return true;
	}
	return false;
}

static int save_files(struct return_trip *trip, struct problem *problem)
{
	static const char reason[] = "before-rollback";
	int r = 0;

	if (would_lose_edits(trip))
		r = commit_look(trip->context, &trip->present, reason, problem);
	if (r == 0)
		r = commit_save_files(trip->context, reason, problem);
	return MIN_OF(r, 0);
}

/* The locks of Proxmox VE: all or none. */
static int lock_guests(const struct return_trip *trip, struct pve_locks *ret_locks,
		       struct problem *problem)
{
	const struct plan *plan = &trip->present.plan;
	_cleanup_free_ const char **paths = calloc(plan->n_files + 1, sizeof(*paths));
	_cleanup_free_ bool *failed = calloc(plan->n_files + 1, sizeof(*failed));
	struct pve_locks locks = { 0 };
	size_t n = 0;
	int r = 0;

	if (!paths || !failed)
		return -ENOMEM;
	for (size_t i = 0; i < plan->n_files; i++)
		if (pmxcfs_owns(plan->files[i].path))
			paths[n++] = plan->files[i].path;
	if (n > 0)
		r = pve_locks_take(&trip->context->root, paths, n, PVE_LOCK_TIMEOUT_MS, &locks,
				   failed, problem);
	if (r > 0) {
		pve_locks_release(&locks);
		return -EBUSY;
	}
	if (r == 0)
		*ret_locks = locks;
	return r;
}

static int write_all(struct return_trip *trip, uint64_t *ret_id, struct problem *problem)
{
	struct context *context = trip->context;
	struct snapshot snapshot;
	int r;

	r = save_files(trip, problem);
	if (r < 0)
		return r;
	r = commit_begin_snapshot(&trip->survey, "rollback", context->invocation->note, &snapshot);
	if (r == 0)
		r = write_snapshot(trip, &snapshot, problem);
	if (r == 0)
		r = store_set_baseline(&context->store,
				       trip->relocate ? snapshot.id : trip->target.id, problem);
	if (r == 0)
		*ret_id = snapshot.id;
	commit_end_snapshot(&snapshot);
	return r;
}

static int carry_out(struct return_trip *trip, uint64_t *ret_id, struct problem *problem)
{
	struct pve_locks locks = { 0 };
	int r;

	r = plan_guests(trip);
	if (r == 0)
		r = lock_guests(trip, &locks, problem);
	if (r < 0)
		return r;
	r = write_all(trip, ret_id, problem);
	pve_locks_release(&locks);
	if (r == 0) {
		guests_tell(trip->context, &trip->present);
		tell_what_stays(trip);
	}
	return r;
}

/* Whether the next boot leaves an edit undone: not those of bind entries and guests. */
static bool stays_undone(const struct return_trip *trip, const struct plan_edit *edit)
{
	const struct document *document = documents_find(&trip->survey.documents, edit->file);

	return !document || (!document_is_of_guests(document) && !is_bind_source(document->source));
}

/* What does not fit the hardware now, and what a person can do about it. */
static void print_stale(const struct return_trip *trip, const struct report *report)
{
	const struct plan *plan = &trip->survey.plan;
	bool undone = false, redone = false;

	for (size_t i = 0; i < plan->n_edits && !trip->relocate; i++) {
		if (stays_undone(trip, &plan->edits[i]))
			undone = true;
		else
			redone = true;
		if (plan_edit_is_repetition(plan, i))
			continue;
		(void)fputs("Stale: ", report->out);
		report_text(report, plan->edits[i].file);
		(void)fprintf(report->out, ":%u: ", plan->edits[i].line);
		report_text(report, plan->edits[i].reason);
		(void)fputc('\n', report->out);
	}
	report_blocked(report, plan);
	if (undone)
		(void)fputs("The next boot leaves that as it is while the hardware stays; "
			    "`hwrecover apply` edits it\n",
			    report->out);
	if (redone)
		(void)fputs("The next boot deals with bind entries and guests again\n",
			    report->out);
	report_warnings(report, plan);
}

static void print_result(const struct return_trip *trip, uint64_t id)
{
	const struct invocation *invocation = trip->context->invocation;
	struct report report;

	report_open(invocation, &report);
	if (id)
		(void)fprintf(invocation->out,
			      "Back at snapshot %" PRIu64 "; this is snapshot %" PRIu64 "\n",
			      trip->target.id, id);
	print_stale(trip, &report);
}

/* What was, or with --dry-run would be, put back; and the lines that are stale then. */
static int print_result_json(const struct return_trip *trip, uint64_t id)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);
	_cleanup_free_ char *text = NULL;
	struct json_object *array;
	size_t size = 0;
	int r;

	json_add_integer(&writer, object, "target", (int64_t)trip->target.id);
	if (id)
		json_add_integer(&writer, object, "id", (int64_t)id);
	else
		json_add_null(&writer, object, "id");
	array = json_add_array(&writer, object, "files");
	for (size_t i = 0; i < trip->n_outcomes; i++)
		if (trip->outcomes[i].is_written)
			json_add_bytes(&writer, array, NULL, bytes_of(trip->outcomes[i].path));
	array = json_add_array(&writer, object, "stale");
	for (size_t i = 0; i < trip->survey.plan.n_edits && !trip->relocate; i++) {
		const struct plan_edit *edit = &trip->survey.plan.edits[i];
		struct json_object *item = json_add_object(&writer, array, NULL);

		json_add_bytes(&writer, item, "file", bytes_of(edit->file));
		json_add_integer(&writer, item, "line", edit->line);
		json_add_bytes(&writer, item, "reason", bytes_of(edit->reason));
	}
	plan_blocked_to_json(&trip->survey.plan, &writer, object);
	add_what_stays(trip, &writer, object);
	r = json_render(&writer, object, &text, &size);
	if (r == 0)
		(void)fwrite(text, 1, size, trip->context->invocation->out);
	return r;
}

static int go_back(struct return_trip *trip, uint64_t id, struct problem *problem)
{
	const struct invocation *invocation = trip->context->invocation;
	struct report report;
	uint64_t new_id = 0;
	int r;

	r = store_load(&trip->context->store, id, &trip->target, problem);
	if (r == 0)
		r = look_back(trip, problem);
	if (r == 0)
		r = look_forward(trip, problem);
	if (r == 0)
		r = find_outcomes(trip);
	if (r < 0)
		return r;
	report_open(invocation, &report);
	if (invocation->dry_run) {
		tell_what_stays(trip);
		if (!invocation->json)
			r = print_diff(trip, &report);
	} else {
		r = refuse(trip, invocation);
		if (r == 0)
			r = carry_out(trip, &new_id, problem);
	}
	if (r == 0 && invocation->json)
		r = print_result_json(trip, new_id);
	else if (r == 0)
		print_result(trip, new_id);
	return r;
}

static int check_exists(struct context *context, uint64_t id, struct problem *problem)
{
	struct snapshot snapshot = { 0 };
	int r = store_load(&context->store, id, &snapshot, problem);

	snapshot_done(&snapshot);
	return r;
}

int command_rollback(struct invocation *invocation)
{
	struct return_trip trip = { .relocate = invocation->relocate };
	struct problem problem = { 0 };
	struct context context;
	uint64_t id;
	int r;

	if (number_parse(bytes_of(invocation->arguments[0]), 10, INT64_MAX, &id) < 0 || id == 0) {
		log_error("'%s' is no snapshot id; `hwrecover list` shows them",
			  invocation->arguments[0]);
		return EXIT_STATUS_USAGE;
	}
	r = context_open(invocation, &context, &problem);
	if (r == 0 && !invocation->dry_run) {
		/* An id that does not exist leaves no trace, not even a state directory. */
		r = check_exists(&context, id, &problem);
		context_done(&context);
		if (r < 0)
			return context_fail(r, &problem);
		r = context_open_for_writing(invocation, "rollback", 0, &context, &problem);
	}
	if (r < 0)
		return context_fail(r, &problem);
	trip.context = &context;
	r = go_back(&trip, id, &problem);
	if (r == 0 && !invocation->dry_run)
		commit_conclude(&context);
	return_trip_done(&trip);
	context_done(&context);
	/* What a refusal is about was said file by file. */
	if (r == -ESTALE && !problem.text)
		return EXIT_STATUS_FAILED;
	return r < 0 ? context_fail(r, &problem) : EXIT_STATUS_DONE;
}

/* The file as the tree has it: a path with --root's directory in front is taken for the same. */
static const char *path_in_tree(const struct context *context, const char *path)
{
	size_t length = strlen(context->root.path);

	if (!context->root.live && strncmp(path, context->root.path, length) == 0 &&
	    path[length] == '/')
		return path + length;
	return path;
}

static size_t count_lost(const struct meanings *meanings, const char *path)
{
	size_t n = 0;

	for (size_t i = 0; i < meanings->n_parked; i++)
		n += meanings->parked[i].lost && strcmp(meanings->parked[i].path, path) == 0;
	return n;
}

/* How many parked texts of a file the newest snapshot knows to be lost, or that are lost since. */
static size_t count_put_back(const struct survey *survey, const char *path)
{
	size_t n = 0;

	for (size_t i = 0; i < survey->resolution.n_subjects; i++) {
		const struct subject *subject = &survey->resolution.subjects[i];

		if (strcmp(subject->document->path, path) != 0)
			continue;
		/* What stands in the file has something present there; what was lost has nothing.
		 */
		for (size_t j = 0; j < subject->n_back; j++)
			n += survey->meanings.parked[subject->back[j].parked].present[0] == '\0';
	}
	return n;
}

static int restore_file(struct context *context, struct survey *survey, const char *path,
			struct problem *problem)
{
	size_t n_lost = count_put_back(survey, path);
	const struct commit_options options = { .reason = "restore", .settle = true };
	FILE *out = context->invocation->out;
	struct report report;
	uint64_t id = 0;
	int r;

	if (!documents_find(&survey->documents, path))
		return problem_set(problem, -ENOENT, path, 0, "is not one of the managed files");
	report_open(context->invocation, &report);
	if (n_lost == 0 || survey->plan.n_files == 0) {
		(void)fputs("Nothing to put back\n", out);
	} else {
		r = report_diff(&report, &survey->plan);
		if (r == 0)
			r = commit_plan(context, survey, &options, &id, problem);
		if (r < 0)
			return r;
	}
	if (count_lost(&survey->meanings, path) > 0)
		return problem_set(problem, -ENOENT, path, 0,
				   "the place of a parked part is gone; `hwrecover show` of an "
				   "earlier snapshot has its text");
	return 0;
}

int command_restore(struct invocation *invocation)
{
	struct survey_options options = { .details = true };
	struct problem problem = { 0 };
	struct context context;
	struct survey survey;
	int r;

	r = context_open_for_writing(invocation, "restore", 0, &context, &problem);
	if (r < 0)
		return context_fail(r, &problem);
	options.restore = path_in_tree(&context, invocation->arguments[0]);
	r = survey_take(&context, &options, &survey, &problem);
	if (r == 0) {
		r = restore_file(&context, &survey, options.restore, &problem);
		survey_done(&survey);
	}
	context_done(&context);
	return r < 0 ? context_fail(r, &problem) : EXIT_STATUS_DONE;
}
