/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `snapshot` and `list`. */
#include <errno.h>
#include <inttypes.h>

#include "agent/commit.h"
#include "agent/report.h"
#include "snapshot/basic/log.h"

/* What --adopt changes: mentions that meant something else than what bears their name now. */
static void print_adopted(const struct report *report, const struct survey *before,
			  const struct survey *after)
{
	for (size_t i = 0; i < before->resolution.n_subjects; i++) {
		const struct subject *old = &before->resolution.subjects[i];
		const struct subject *new = &after->resolution.subjects[i];
		const struct document *document = old->document;

		if (document->unfit || document->n_references != new->document->n_references)
			continue;
		for (size_t j = 0; j < document->n_references; j++) {
			if (old->findings[j].verdict == VERDICT_KEEP || !old->findings[j].reason)
				continue;
			(void)fprintf(report->out, "Adopted: ");
			report_text(report, document->path);
			(void)fprintf(report->out, ":%u: ", document->references[j].line);
			report_text(report, old->findings[j].reason);
			(void)fputc('\n', report->out);
		}
	}
}

/* Whether something waits to be done about a mention. */
static bool is_pending(const struct survey *survey)
{
	for (size_t i = 0; i < survey->resolution.n_subjects; i++) {
		const struct subject *subject = &survey->resolution.subjects[i];

		for (size_t j = 0; j < subject->document->n_references; j++)
			if (subject->findings[j].verdict == VERDICT_REPORT)
				return true;
	}
	return false;
}

static int take_snapshot(struct context *context, struct survey *survey, struct problem *problem)
{
	const struct invocation *invocation = context->invocation;
	/* What waits to be done goes on waiting: its meaning stays bound to the hardware of then.
	 */
	const struct commit_options options = { .reason = "manual",
						.note = invocation->note,
						.settle = invocation->adopt ||
							  !survey->has_newest ||
							  !is_pending(survey),
						.baseline = true };
	uint64_t id = 0;
	int r;

	r = commit_plan(context, survey, &options, &id, problem);
	if (r < 0)
		return r;
	commit_conclude(context);
	if (invocation->json)
		(void)fprintf(invocation->out, "{ \"id\": %" PRIu64 " }\n", id);
	else if (!invocation->quiet)
		(void)fprintf(invocation->out,
			      "Snapshot %" PRIu64 " is the baseline now: PCI functions %zu, "
			      "network cards %zu, managed files %zu\n",
			      id, survey->now.n_functions, survey->now.n_nics,
			      commit_count_managed(survey));
	return 0;
}

static int adopt(struct context *context, struct problem *problem)
{
	const struct survey_options looking = { .details = true };
	const struct survey_options adopting = { .details = true,
						 .only_look = true,
						 .adopt = true };
	struct survey before, after;
	struct report report;
	int r;

	r = survey_take(context, &looking, &before, problem);
	if (r < 0)
		return r;
	r = survey_take(context, &adopting, &after, problem);
	if (r == 0) {
		report_open(context->invocation, &report);
		if (!context->invocation->json)
			print_adopted(&report, &before, &after);
		r = take_snapshot(context, &after, problem);
		survey_done(&after);
	}
	survey_done(&before);
	return r;
}

int command_snapshot(struct invocation *invocation)
{
	const struct survey_options options = { .details = true, .only_look = true };
	struct problem problem = { 0 };
	struct context context;
	struct survey survey;
	int r;

	r = context_open_for_writing(invocation, "snapshot", 0, &context, &problem);
	if (r < 0)
		return context_fail(r, &problem);
	if (invocation->adopt) {
		r = adopt(&context, &problem);
	} else {
		r = survey_take(&context, &options, &survey, &problem);
		if (r == 0) {
			r = take_snapshot(&context, &survey, &problem);
			survey_done(&survey);
		}
	}
	context_done(&context);
	return r < 0 ? context_fail(r, &problem) : EXIT_STATUS_DONE;
}

static int print_list_json(const struct invocation *invocation, const struct snapshot *heads,
			   size_t n)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *array = json_add_array(&writer, NULL, NULL);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	for (size_t i = 0; i < n; i++) {
		struct json_object *object = json_add_object(&writer, array, NULL);

		json_add_integer(&writer, object, "id", (int64_t)heads[i].id);
		json_add_string(&writer, object, "taken_at", heads[i].taken_at);
		json_add_string(&writer, object, "boot_id", heads[i].boot_id);
		json_add_string(&writer, object, "reason", heads[i].reason);
		json_add_string(&writer, object, "note", heads[i].note);
		json_add_bool(&writer, object, "baseline", heads[i].baseline);
		if (heads[i].same_as)
			json_add_integer(&writer, object, "same_as", (int64_t)heads[i].same_as);
	}
	r = json_render(&writer, array, &text, &size);
	if (r == 0)
		(void)fwrite(text, 1, size, invocation->out);
	return r;
}

static void print_list(const struct invocation *invocation, const struct snapshot *heads, size_t n)
{
	struct report report;

	report_open(invocation, &report);
	if (n == 0)
		(void)fputs("No snapshot yet; `hwrecover snapshot` takes one\n", report.out);
	for (size_t i = 0; i < n; i++) {
		const struct snapshot *head = &heads[i];

		(void)fprintf(report.out, "%6" PRIu64 "  %-20s  %-15s", head->id,
			      head->taken_at ? head->taken_at : "-",
			      head->reason ? head->reason : "-");
		if (head->baseline)
			(void)fputs("  baseline", report.out);
		if (head->same_as)
			(void)fprintf(report.out, "  same as %" PRIu64, head->same_as);
		if (head->note) {
			(void)fputs("  ", report.out);
			report_text(&report, head->note);
		}
		(void)fputc('\n', report.out);
	}
}

int command_list(struct invocation *invocation)
{
	struct problem problem = { 0 };
	struct snapshot *heads = NULL;
	struct context context;
	size_t n = 0;
	int r;

	r = context_open(invocation, &context, &problem);
	if (r < 0)
		return context_fail(r, &problem);
	r = store_list(&context.store, &heads, &n, &problem);
	if (r == 0 && invocation->json)
		r = print_list_json(invocation, heads, n);
	else if (r == 0)
		print_list(invocation, heads, n);
	store_list_free(heads, n);
	context_done(&context);
	return r < 0 ? context_fail(r, &problem) : EXIT_STATUS_DONE;
}
