/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `plan` and `apply`: what would be done now, and doing it. */
#include <errno.h>
#include <inttypes.h>

#include "agent/commit.h"
#include "agent/report.h"
#include "agent/run-command.h"
#include "recovery/sources/interfaces.h"
#include "snapshot/basic/log.h"

static int print_json(const struct invocation *invocation, const struct plan *plan)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	r = plan_to_json(plan, &text, &size);
	if (r == 0)
		(void)fwrite(text, 1, size, invocation->out);
	return r;
}

static int print_plan(const struct invocation *invocation, const struct plan *plan)
{
	struct report report;
	int r;

	if (invocation->json)
		return print_json(invocation, plan);
	report_open(invocation, &report);
	report_changes(&report, plan, true);
	r = report_diff(&report, plan);
	if (plan->n_edits == 0)
		(void)fputs("Files: nothing to edit\n", report.out);
	report_blocked(&report, plan);
	report_actions(&report, plan);
	report_warnings(&report, plan);
	return r;
}

static bool has_something_to_report(const struct plan *plan)
{
	return !plan_is_empty(plan) || plan->n_changes > 0 || plan->n_warnings > 0 ||
	       plan->n_blocked > 0;
}

int command_plan(struct invocation *invocation)
{
	const struct survey_options options = { .details = false };
	struct problem problem = { 0 };
	struct context context;
	struct survey survey;
	int r, status;

	r = context_open(invocation, &context, &problem);
	if (r < 0)
		return context_fail(r, &problem);
	r = survey_take(&context, &options, &survey, &problem);
	if (r < 0) {
		context_done(&context);
		return context_fail(r, &problem);
	}
	r = print_plan(invocation, &survey.plan);
	status = r < 0 ? context_fail(r, &problem)
		 : invocation->exit_code && has_something_to_report(&survey.plan)
			 ? EXIT_STATUS_FINDINGS
			 : EXIT_STATUS_DONE;
	survey_done(&survey);
	context_done(&context);
	return status;
}

/* Does the configuration of links anew by the program that is installed for it. */
static int reload_network(const struct context *context, struct problem *problem)
{
	static const char *const ifreload[] = { "/usr/sbin/ifreload", "-a", NULL };
	static const char *const restart[] = { "/usr/bin/systemctl", "restart",
					       "networking.service", NULL };
	bool reloads = root_exists(&context->root, ifreload[0]);
	const struct program program = { .argv = reloads ? ifreload : restart,
					 .timeout_ms = 300000,
					 .output_max = 64 * 1024 };
	_cleanup_(program_result_done) struct program_result result = { 0 };
	int r;

	r = run_command(&program, &result, problem);
	return r < 0 ? r : program_result_check(&program, &result, problem);
}

static const char *reload_words(const struct context *context)
{
	return root_exists(&context->root, "/usr/sbin/ifreload") ? "ifreload -a"
								 : "systemctl restart networking";
}

/* What the boot loader hands over is made with the image. */
static bool needs_image(const struct survey *survey)
{
	for (size_t i = 0; i < survey->plan.n_files; i++)
		if (survey->plan.files[i].document->in_image ||
		    survey->plan.files[i].document->only_by_apply)
			return true;
	return false;
}

static bool edits_network(const struct survey *survey)
{
	for (size_t i = 0; i < survey->plan.n_files; i++)
		if (survey->plan.files[i].document->source == &interfaces_source ||
		    survey->plan.files[i].document->source == &default_networking_source)
			return true;
	return false;
}

static int apply_survey(struct context *context, struct survey *survey, struct problem *problem)
{
	const struct invocation *invocation = context->invocation;
	const struct commit_options options = { .reason = "apply",
						.settle = context->config.mode == MODE_AUTO,
						.baseline = context->config.mode == MODE_AUTO };
	uint64_t id = 0;
	int r;

	r = commit_plan(context, survey, &options, &id, problem);
	if (r < 0)
		return r;
	commit_conclude(context);
	if (!invocation->json && !invocation->quiet)
		(void)fprintf(invocation->out, "Snapshot %" PRIu64 "%s\n", id,
			      options.baseline ? " is the baseline now" : " was taken");
	if (survey->n_locked > 0)
		return problem_set(problem, -EBUSY, NULL, 0,
				   "%zu file%s could not be edited; try again", survey->n_locked,
				   survey->n_locked == 1 ? "" : "s");
	if (needs_image(survey) && !invocation->json && !invocation->quiet)
		(void)fputs("The boot image follows after the next boot; to make it anew now: "
			    "systemctl start hwrecover-image\n",
			    invocation->out);
	if (!edits_network(survey))
		return 0;
	if (invocation->ifup && context->root.live)
		return reload_network(context, problem);
	if (!invocation->json && !invocation->quiet)
		(void)fprintf(invocation->out, "To use it now: %s\n", reload_words(context));
	return 0;
}

int command_apply(struct invocation *invocation)
{
	const struct survey_options options = { .details = true };
	struct problem problem = { 0 };
	struct context context;
	struct survey survey;
	int r;

	r = context_open_for_writing(invocation, "apply", 0, &context, &problem);
	if (r < 0)
		return context_fail(r, &problem);
	r = survey_take(&context, &options, &survey, &problem);
	if (r == 0) {
		if (!invocation->quiet || invocation->json)
			r = print_plan(invocation, &survey.plan);
		if (r == 0 && context.config.mode != MODE_OFF)
			r = apply_survey(&context, &survey, &problem);
		survey_done(&survey);
	}
	context_done(&context);
	return r < 0 ? context_fail(r, &problem) : EXIT_STATUS_DONE;
}
