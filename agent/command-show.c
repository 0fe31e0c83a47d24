/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `show` and `diff`: one snapshot, and what changed between two. */
#include <errno.h>
#include <inttypes.h>

#include "agent/context.h"
#include "agent/report.h"
#include "agent/survey.h"
#include "snapshot/basic/log.h"
#include "snapshot/basic/number.h"
#include "snapshot/inventory-json.h"

static int parse_id(const char *text, uint64_t *ret_id)
{
	if (number_parse(bytes_of(text), 10, INT64_MAX, ret_id) == 0 && *ret_id > 0)
		return 0;
	log_error("'%s' is no snapshot id; `hwrecover list` shows them", text);
	return -EINVAL;
}

static void add_head(struct json_writer *writer, struct json_object *object,
		     const struct snapshot *snapshot)
{
	json_add_integer(writer, object, "id", (int64_t)snapshot->id);
	json_add_string(writer, object, "taken_at", snapshot->taken_at);
	json_add_string(writer, object, "boot_id", snapshot->boot_id);
	json_add_string(writer, object, "reason", snapshot->reason);
	json_add_string(writer, object, "note", snapshot->note);
	json_add_bool(writer, object, "baseline", snapshot->baseline);
}

static int print_snapshot_json(const struct invocation *invocation, const struct snapshot *snapshot)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);
	struct json_object *files, *inventory;
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	add_head(&writer, object, snapshot);
	inventory = json_add_object(&writer, object, "inventory");
	inventory_to_json(&snapshot->inventory, &writer, inventory);
	files = json_add_array(&writer, object, "files");
	for (size_t i = 0; i < snapshot->n_files; i++) {
		const struct snapshot_file *file = &snapshot->files[i];
		struct json_object *item = json_add_object(&writer, files, NULL);

		json_add_content(&writer, item, "file", bytes_of(file->path));
		json_add_content(&writer, item, "content", bytes_make(file->data, file->size));
	}
	r = json_render(&writer, object, &text, &size);
	if (r == 0)
		(void)fwrite(text, 1, size, invocation->out);
	return r;
}

static void print_contents(const struct report *report, struct bytes contents)
{
	struct buffer escaped = { 0 };

	if (report->terminal.interactive)
		terminal_escape_text(contents, report->terminal.utf8, &escaped);
	else
		buffer_append(&escaped, contents);
	if (escaped.size)
		(void)fwrite(escaped.data, 1, escaped.size, report->out);
	if (escaped.size && escaped.data[escaped.size - 1] != '\n')
		(void)fputc('\n', report->out);
	buffer_done(&escaped);
}

static void print_snapshot(const struct invocation *invocation, const struct snapshot *snapshot)
{
	struct report report;

	report_open(invocation, &report);
	(void)fprintf(report.out, "Snapshot %" PRIu64 "%s\n", snapshot->id,
		      snapshot->baseline ? ", the baseline" : "");
	(void)fprintf(report.out, "Taken:    %s (%s)\n",
		      snapshot->taken_at ? snapshot->taken_at : "at an unknown time",
		      snapshot->reason ? snapshot->reason : "unknown");
	if (snapshot->note) {
		(void)fputs("Note:     ", report.out);
		report_text(&report, snapshot->note);
		(void)fputc('\n', report.out);
	}
	(void)fprintf(report.out, "Hardware: %zu PCI functions, %zu network cards\n",
		      snapshot->inventory.n_functions, snapshot->inventory.n_nics);
	for (size_t i = 0; i < snapshot->inventory.n_nics; i++) {
		const struct nic *nic = &snapshot->inventory.nics[i];
		struct pci_address_name name;

		(void)fprintf(report.out, "  %-15s  %-17s  %s\n", nic->name,
			      nic->mac ? nic->mac : "-",
			      nic->has_pci ? pci_address_show(&nic->pci, &name) : "-");
	}
	for (size_t i = 0; i < snapshot->n_files; i++) {
		(void)fputs("\n==> ", report.out);
		report_text(&report, snapshot->files[i].path);
		(void)fputs(" <==\n", report.out);
		print_contents(&report,
			       bytes_make(snapshot->files[i].data, snapshot->files[i].size));
	}
}

int command_show(struct invocation *invocation)
{
	struct problem problem = { 0 };
	struct snapshot snapshot = { 0 };
	struct context context;
	uint64_t id;
	int r;

	if (parse_id(invocation->arguments[0], &id) < 0)
		return EXIT_STATUS_USAGE;
	r = context_open(invocation, &context, &problem);
	if (r < 0)
		return context_fail(r, &problem);
	r = store_load(&context.store, id, &snapshot, &problem);
	if (r == 0 && invocation->json)
		r = print_snapshot_json(invocation, &snapshot);
	else if (r == 0)
		print_snapshot(invocation, &snapshot);
	snapshot_done(&snapshot);
	context_done(&context);
	return r < 0 ? context_fail(r, &problem) : EXIT_STATUS_DONE;
}

/**
 * struct side - One side of a comparison: a snapshot, or what is there now
 * @id:       0 for now
 * @snapshot: loaded, or put together from @survey
 */
struct side {
	uint64_t id;
	struct snapshot snapshot;
	struct survey survey;
	bool is_now;
};

static void side_done(struct side *side)
{
	if (side->is_now) {
		side->snapshot.inventory = (struct inventory){ 0 };
		survey_done(&side->survey);
	}
	snapshot_done(&side->snapshot);
}

static int look_at_now(struct context *context, struct side *side, struct problem *problem)
{
	const struct survey_options options = { .details = true, .only_look = true };
	int r;

	r = survey_take(context, &options, &side->survey, problem);
	if (r < 0)
		return r;
	side->is_now = true;
	/* Lent by the survey. */
	side->snapshot.inventory = side->survey.now;
	for (size_t i = 0; i < side->survey.documents.n_items && r == 0; i++) {
		const struct document *document = side->survey.documents.items[i];

		if (!document->unfit && (document->n_references > 0 || document->disk))
			r = snapshot_add_file(&side->snapshot, document->path,
					      document_disk_bytes(document), &document->attributes);
	}
	return r;
}

static int load_side(struct context *context, struct side *side, struct problem *problem)
{
	if (side->id)
		return store_load(&context->store, side->id, &side->snapshot, problem);
	return look_at_now(context, side, problem);
}

/* Files of both sides, one diff each; returns how many differ, or a negative errno. */
static int diff_files(const struct side *a, const struct side *b,
		      int (*print)(void *data, const char *path, struct bytes diff), void *data)
{
	const struct snapshot *sides[] = { &a->snapshot, &b->snapshot };
	int n = 0, r = 0;

	for (size_t side = 0; side < ARRAY_SIZE(sides); side++)
		for (size_t i = 0; i < sides[side]->n_files && r == 0; i++) {
			const char *path = sides[side]->files[i].path;
			const struct snapshot_file *was = snapshot_find_file(sides[0], path);
			const struct snapshot_file *now = snapshot_find_file(sides[1], path);
			struct bytes old = was ? bytes_make(was->data, was->size) : BYTES_NONE;
			struct bytes new = now ? bytes_make(now->data, now->size) : BYTES_NONE;
			struct buffer diff = { 0 };

			if (side == 1 && was)
				continue;
			r = diff_managed_file(path, was ? &old : NULL, now ? &new : NULL, &diff);
			if (r == 0 && diff.size) {
				n++;
				r = print(data, path, buffer_bytes(&diff));
			}
			buffer_done(&diff);
		}
	return r < 0 ? r : n;
}

static int print_diff(void *data, const char *path, struct bytes diff)
{
	(void)path;
	report_diff_text(data, diff);
	return 0;
}

struct json_list {
	struct json_writer writer;
	struct json_object *array;
};

static int add_diff(void *data, const char *path, struct bytes diff)
{
	struct json_list *list = data;
	struct json_object *object = json_add_object(&list->writer, list->array, NULL);

	json_add_content(&list->writer, object, "file", bytes_of(path));
	json_add_content(&list->writer, object, "diff", diff);
	return 0;
}

static void add_side(struct json_list *list, struct json_object *object, const char *key,
		     uint64_t id)
{
	if (id)
		json_add_integer(&list->writer, object, key, (int64_t)id);
	else
		json_add_null(&list->writer, object, key);
}

static int print_json(const struct invocation *invocation, const struct plan *plan,
		      const struct side *a, const struct side *b, int *ret_n_files)
{
	struct json_list list = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&list.writer, NULL, NULL);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	add_side(&list, object, "from", a->id);
	add_side(&list, object, "to", b->id);
	plan_changes_to_json(plan, &list.writer, object);
	list.array = json_add_array(&list.writer, object, "files");
	r = diff_files(a, b, add_diff, &list);
	if (r < 0)
		return r;
	*ret_n_files = r;
	r = json_render(&list.writer, object, &text, &size);
	if (r == 0)
		(void)fwrite(text, 1, size, invocation->out);
	return r;
}

static int compare_sides(const struct invocation *invocation, const struct side *a,
			 const struct side *b, bool *ret_differ)
{
	struct match match = { 0 };
	struct report report;
	struct plan plan = { 0 };
	int r, n_files = 0;

	r = match_inventories(&a->snapshot.inventory, &b->snapshot.inventory, &match);
	if (r == 0)
		r = plan_add_changes(&plan, &match);
	if (r == 0 && invocation->json) {
		r = print_json(invocation, &plan, a, b, &n_files);
	} else if (r == 0) {
		report_open(invocation, &report);
		report_changes(&report, &plan, false);
		n_files = diff_files(a, b, print_diff, &report);
		r = MIN_OF(n_files, 0);
	}
	*ret_differ = plan.n_changes > 0 || n_files > 0;
	plan_done(&plan);
	match_done(&match);
	return r;
}

/* Without A: the baseline. */
static int choose_baseline(struct context *context, struct side *side, struct problem *problem)
{
	int r = store_get_baseline(&context->store, &side->id, problem);

	if (r == 0)
		r = problem_set(problem, -ENOENT, NULL, 0,
				"there is no baseline yet; `hwrecover snapshot` takes one");
	return MIN_OF(r, 0);
}

int command_diff(struct invocation *invocation)
{
	struct side a = { 0 }, b = { 0 };
	struct problem problem = { 0 };
	struct context context;
	bool differ = false;
	int r;

	if ((invocation->n_arguments > 0 && parse_id(invocation->arguments[0], &a.id) < 0) ||
	    (invocation->n_arguments > 1 && parse_id(invocation->arguments[1], &b.id) < 0))
		return EXIT_STATUS_USAGE;
	r = context_open(invocation, &context, &problem);
	if (r < 0)
		return context_fail(r, &problem);
	if (!a.id)
		r = choose_baseline(&context, &a, &problem);
	if (r == 0)
		r = load_side(&context, &a, &problem);
	if (r == 0)
		r = load_side(&context, &b, &problem);
	if (r == 0)
		r = compare_sides(invocation, &a, &b, &differ);
	side_done(&a);
	side_done(&b);
	context_done(&context);
	if (r < 0)
		return context_fail(r, &problem);
	return invocation->exit_code && differ ? EXIT_STATUS_FINDINGS : EXIT_STATUS_DONE;
}
