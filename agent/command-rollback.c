/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `rollback` and `restore`: back to what was. */
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "agent/commit.h"
#include "agent/report.h"
#include "recovery/rollback.h"
#include "snapshot/basic/log.h"
#include "snapshot/basic/number.h"

/**
 * struct return_trip - One rollback
 * @target:   the snapshot to go back to
 * @rollback: its files and what became of them
 * @survey:   what follows from the hardware once they are back
 * @relocate: mentions follow the hardware in the same transaction
 */
struct return_trip {
	struct context *context;
	struct snapshot target;
	struct rollback rollback;
	struct survey survey;
	bool relocate;
};

static void return_trip_done(struct return_trip *trip)
{
	survey_done(&trip->survey);
	rollback_done(&trip->rollback);
	snapshot_done(&trip->target);
}

/* What a file of the snapshot shall be afterwards; data NULL where there shall be none. */
static struct bytes contents_afterwards(const struct return_trip *trip,
					const struct rollback_file *file)
{
	const struct plan *plan = &trip->survey.plan;

	for (size_t i = 0; trip->relocate && i < plan->n_files; i++)
		if (strcmp(plan->files[i].path, file->then->path) == 0)
			return plan->files[i].now;
	return bytes_make(file->then->data, file->then->size);
}

static bool is_written(const struct return_trip *trip, const struct rollback_file *file)
{
	if (file->unfit)
		return false;
	return file->differs ||
	       !bytes_equal(bytes_make(file->data, file->size), contents_afterwards(trip, file));
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

static int print_diff(const struct return_trip *trip, const struct report *report)
{
	int r = 0;

	for (size_t i = 0; i < trip->rollback.n_files && r == 0; i++) {
		const struct rollback_file *file = &trip->rollback.files[i];
		struct bytes was = bytes_make(file->data, file->size);
		struct bytes now = contents_afterwards(trip, file);
		struct buffer diff = { 0 };

		if (!is_written(trip, file))
			continue;
		r = diff_managed_file(file->then->path, file->data ? &was : NULL, &now, &diff);
		if (r == 0)
			report_diff_text(report, buffer_bytes(&diff));
		buffer_done(&diff);
	}
	return r;
}

/* The meanings of the snapshot that is gone back to, to be resolved when hardware changes again. */
static int add_state(const struct return_trip *trip, struct snapshot *snapshot)
{
	const struct survey *survey = &trip->survey;
	struct json_writer writer = { 0 };
	uint64_t settled;
	bool undone;

	if (trip->relocate) {
		snapshot->state = meanings_to_json(&survey->plan.meanings, &writer);
		return writer.failed ? -ENOMEM : 0;
	}
	if (!trip->target.state)
		return 0;
	settled = survey->meanings.settled ? survey->meanings.settled : trip->target.id;
	undone = !inventory_same_hardware(&trip->target.inventory, &survey->now);
	if (json_object_deep_copy(trip->target.state, &snapshot->state, NULL) < 0)
		return -ENOMEM;
	(void)json_object_object_del(snapshot->state, "settled");
	(void)json_object_object_del(snapshot->state, "undone");
	json_add_integer(&writer, snapshot->state, "settled", undone ? (int64_t)settled : 0);
	json_add_bool(&writer, snapshot->state, "undone", undone);
	return writer.failed ? -ENOMEM : 0;
}

/* Files of the snapshot as they will be, the others that are managed now as they are. */
static int add_files(const struct return_trip *trip, struct snapshot *snapshot)
{
	int r = 0;

	for (size_t i = 0; i < trip->rollback.n_files && r == 0; i++) {
		const struct rollback_file *file = &trip->rollback.files[i];

		if (!file->unfit && contents_afterwards(trip, file).data)
			r = snapshot_add_file(snapshot, file->then->path,
					      contents_afterwards(trip, file),
					      &file->then->attributes);
	}
	for (size_t i = 0; i < trip->survey.documents.n_items && r == 0; i++) {
		const struct document *document = trip->survey.documents.items[i];

		if (!document->unfit && document->n_references > 0 &&
		    !snapshot_find_file(&trip->target, document->path))
			r = snapshot_add_file(snapshot, document->path,
					      document_disk_bytes(document), &document->attributes);
	}
	return r;
}

static int make_changes(const struct return_trip *trip, struct snapshot *snapshot,
			struct change *changes, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < trip->rollback.n_files; i++) {
		const struct rollback_file *file = &trip->rollback.files[i];
		struct bytes was = bytes_make(file->data, file->size);
		struct bytes now = contents_afterwards(trip, file);
		int r;

		if (!is_written(trip, file))
			continue;
		changes[n++] = (struct change){
			.path = file->then->path,
			.was = was,
			.now = now,
			.was_attributes = file->data ? &file->attributes : &file->then->attributes,
			.now_attributes = &file->then->attributes,
		};
		r = snapshot_add_change(snapshot, file->then->path,
					bytes_digest(was, BYTES_DIGEST_SEED),
					bytes_digest(now, BYTES_DIGEST_SEED));
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
	_cleanup_free_ struct change *changes =
		calloc(trip->rollback.n_files + 1, sizeof(*changes));
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

static int carry_out(struct return_trip *trip, uint64_t *ret_id, struct problem *problem)
{
	struct context *context = trip->context;
	struct snapshot snapshot;
	int r;

	r = commit_save_files(context, "before-rollback", problem);
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

/* What does not fit the hardware now, and what a person can do about it. */
static void print_stale(const struct return_trip *trip, const struct report *report)
{
	const struct plan *plan = &trip->survey.plan;

	for (size_t i = 0; i < plan->n_edits && !trip->relocate; i++) {
		if (plan_edit_is_repetition(plan, i))
			continue;
		(void)fputs("Stale: ", report->out);
		report_text(report, plan->edits[i].file);
		(void)fprintf(report->out, ":%u: ", plan->edits[i].line);
		report_text(report, plan->edits[i].reason);
		(void)fputc('\n', report->out);
	}
	if (plan->n_edits > 0 && !trip->relocate)
		(void)fputs("The next boot leaves that as it is while the hardware stays; "
			    "`hwrecover apply` edits it\n",
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
	for (size_t i = 0; i < trip->rollback.n_files; i++)
		if (is_written(trip, &trip->rollback.files[i]))
			json_add_bytes(&writer, array, NULL,
				       bytes_of(trip->rollback.files[i].then->path));
	array = json_add_array(&writer, object, "stale");
	for (size_t i = 0; i < trip->survey.plan.n_edits && !trip->relocate; i++) {
		const struct plan_edit *edit = &trip->survey.plan.edits[i];
		struct json_object *item = json_add_object(&writer, array, NULL);

		json_add_bytes(&writer, item, "file", bytes_of(edit->file));
		json_add_integer(&writer, item, "line", edit->line);
		json_add_bytes(&writer, item, "reason", bytes_of(edit->reason));
	}
	r = json_render(&writer, object, &text, &size);
	if (r == 0)
		(void)fwrite(text, 1, size, trip->context->invocation->out);
	return r;
}

static int go_back(struct return_trip *trip, uint64_t id, struct problem *problem)
{
	const struct invocation *invocation = trip->context->invocation;
	struct survey_options options = { .details = true, .overlay = &trip->target };
	struct inventory inventory = { 0 };
	struct report report;
	uint64_t new_id = 0;
	int r;

	r = store_load(&trip->context->store, id, &trip->target, problem);
	if (r == 0)
		r = rollback_look(&trip->context->root, &trip->context->store, &trip->target,
				  &trip->rollback, problem);
	if (r == 0)
		r = survey_read_inventory(trip->context, options.details, &inventory, problem);
	if (r == 0)
		r = survey_begin(trip->context, trip->target.id, &trip->survey, problem);
	if (r == 0)
		r = survey_finish(trip->context, &options, &inventory, &trip->survey, problem);
	if (r < 0)
		return r;
	report_open(invocation, &report);
	if (invocation->dry_run && !invocation->json)
		r = print_diff(trip, &report);
	if (!invocation->dry_run) {
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
