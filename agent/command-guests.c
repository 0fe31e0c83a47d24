/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `release` and `check-guest`: letting a guest through, and whether it may be. */
#include <errno.h>

#include "agent/commit.h"
#include "agent/guests.h"
#include "agent/supervise.h"
#include "recovery/guest.h"
#include "recovery/sources/pve.h"
#include "snapshot/basic/log.h"

/* A start hook waits for it: with what is left of two seconds it has to be started and to end. */
#define CHECK_TIMEOUT_MS 1800

/**
 * struct release - Whose mentions a person says are right
 * @names: guests, and the mappings they use, "mapping/NAME"
 */
struct release {
	struct arena arena;
	const char **names;
	size_t n_names;
	size_t allocated;
};

static void release_done(struct release *release)
{
	arena_done(&release->arena);
	free(release->names);
}

static int add_name(struct release *release, const char *prefix, const char *name)
{
	struct buffer text = { 0 };
	const char *copy;

	buffer_append_text(&text, prefix);
	buffer_append_text(&text, name);
	copy = text.failed ? NULL : arena_copy(&release->arena, buffer_bytes(&text));
	buffer_done(&text);
	if (!copy || ARRAY_RESERVE(release->names, release->n_names, release->allocated) < 0)
		return -ENOMEM;
	release->names[release->n_names++] = copy;
	return 0;
}

static int add_guest(struct release *release, const struct survey *survey,
		     const struct guest_verdict *verdict)
{
	const struct guest_config *guest =
		survey->resolution.subjects[verdict->subject].document->guest;
	int r = add_name(release, "", verdict->id);

	for (size_t i = 0; i < guest->n_devices && r == 0; i++)
		if (guest->devices[i].mapping)
			r = add_name(release, "mapping/", guest->devices[i].mapping);
	return r;
}

static bool is_off(const struct survey *survey, const struct guest_verdict *verdict)
{
	const struct meanings *meanings = &survey->meanings;
	bool off = verdict->affected || survey->resolution.subjects[verdict->subject].was_held;

	for (size_t i = 0; i < meanings->n_turned_off && !off; i++)
		off = strcmp(meanings->turned_off[i].guest, verdict->id) == 0;
	return off;
}

/* Whether it is "mapping/NAME", of a mapping that has devices on this node. */
static bool is_mapping(const struct survey *survey, const char *name)
{
	for (size_t i = 0; i < survey->documents.n_items; i++) {
		const struct document *document = survey->documents.items[i];

		if (document->source != &pve_mapping_source)
			continue;
		for (size_t j = 0; j < document->n_references; j++)
			if (strcmp(document->references[j].owner, name) == 0)
				return true;
	}
	return false;
}

/* The guests that are named, or all that are kept from starting. */
static int choose(const struct invocation *invocation, const struct survey *survey,
		  struct release *release, struct problem *problem)
{
	const struct resolution *resolution = &survey->resolution;
	int r = 0;

	for (size_t i = 0; i < invocation->n_arguments && r == 0; i++) {
		const struct guest_verdict *verdict = NULL;

		if (is_mapping(survey, invocation->arguments[i])) {
			r = add_name(release, "", invocation->arguments[i]);
			continue;
		}
		r = guests_find(survey, invocation->arguments[i], &verdict, problem);
		if (r == 0)
			r = add_guest(release, survey, verdict);
	}
	for (size_t i = 0; invocation->all && i < resolution->n_guests && r == 0; i++)
		if (is_off(survey, &resolution->guests[i]))
			r = add_guest(release, survey, &resolution->guests[i]);
	return r;
}

/* A guest that is still not right would take what the host needs. Return: whether it is refused. */
static bool is_refused(const struct survey *survey, const char *name)
{
	const struct guest_verdict *verdict = resolution_find_guest(&survey->resolution, name);

	if (!verdict || !verdict->affected)
		return false;
	log_error("%s is not released: %s; --force releases it all the same", verdict->id,
		  verdict->reason);
	return true;
}

/* Takes those out that are refused. Return: how many there were. */
static size_t drop_refused(const struct survey *survey, struct release *release)
{
	size_t kept = 0, n = release->n_names;

	for (size_t i = 0; i < n; i++)
		if (!is_refused(survey, release->names[i]))
			release->names[kept++] = release->names[i];
	release->n_names = kept;
	return n - kept;
}

static int carry_out(struct context *context, struct survey *survey, const struct release *release,
		     struct problem *problem)
{
	const struct commit_options options = { .reason = "release", .settle = true };
	const struct invocation *invocation = context->invocation;
	uint64_t id = 0;
	int r;

	r = commit_plan(context, survey, &options, &id, problem);
	if (r < 0)
		return r;
	commit_conclude(context);
	if (survey->n_locked > 0)
		return problem_set(problem, -EBUSY, NULL, 0,
				   "not every guest could be edited; try again");
	for (size_t i = 0; i < release->n_names && !invocation->quiet; i++)
		(void)fprintf(invocation->out, "Released: %s\n", release->names[i]);
	return 0;
}

/*
 * @ret_open: some guest that must not start is not kept from it all the same
 *
 * Return: how many were refused, or a negative errno with @problem set.
 */
static int release_chosen(struct context *context, struct survey_options *options,
			  struct release *release, bool *ret_open, struct problem *problem)
{
	size_t n_refused = 0, n_now;

	do {
		struct survey survey;
		int r;

		options->release = release->names;
		options->n_release = release->n_names;
		r = survey_take(context, options, &survey, problem);
		if (r < 0)
			return r;
		n_now = context->invocation->force ? 0 : drop_refused(&survey, release);
		n_refused += n_now;
		if (n_now == 0 && (release->n_names > 0 || survey.plan.n_files > 0))
			r = carry_out(context, &survey, release, problem);
		*ret_open = guests_are_open(&survey, HOLD_PVE) && survey.plan.n_files == 0;
		survey_done(&survey);
		if (r < 0)
			return r;
	} while (n_now > 0);
	return (int)n_refused;
}

static int release_guests(struct context *context, bool *ret_open, struct problem *problem)
{
	const struct invocation *invocation = context->invocation;
	struct survey_options options = { .details = true,
					  .scope = SCOPE_GUESTS,
					  .release_protected = invocation->force };
	_cleanup_(release_done) struct release release = { 0 };
	struct survey survey;
	int r;

	r = survey_take(context, &options, &survey, problem);
	if (r < 0)
		return r;
	r = choose(invocation, &survey, &release, problem);
	survey_done(&survey);
	return r < 0 ? r : release_chosen(context, &options, &release, ret_open, problem);
}

int command_release(struct invocation *invocation)
{
	struct problem problem = { 0 };
	struct context context;
	bool open = false;
	int r, n_refused;

	if (!invocation->all && invocation->n_arguments == 0) {
		log_error("'release' needs a guest, or --all (see 'hwrecover release --help')");
		return EXIT_STATUS_USAGE;
	}
	r = context_open_for_writing(invocation, "release", 0, &context, &problem);
	if (r < 0)
		return context_fail(r, &problem);
	r = n_refused = release_guests(&context, &open, &problem);
	/* Who was refused is held in its own file: the others need not wait. */
	if (r >= 0 && invocation->all && open)
		r = problem_set(&problem, -EAGAIN, NULL, 0,
				"not every guest that must not start could be kept from it; what "
				"was held back is not started");
	else if (r >= 0 && invocation->all)
		r = hold_release(&context.root, &problem);
	context_done(&context);
	if (r < 0)
		return context_fail(r, &problem);
	return n_refused > 0 ? EXIT_STATUS_FAILED : EXIT_STATUS_DONE;
}

/* "pve/qemu/101" of "qemu" and "101"; NULL where there is no such kind. To be freed. */
static char *full_id(const char *kind, const char *name)
{
	struct buffer id = { 0 };
	char *text = NULL;
	size_t size;

	buffer_appendf(&id, "%s%s/%s", strcmp(kind, "libvirt") == 0 ? "" : "pve/", kind, name);
	return buffer_finish(&id, &text, &size) < 0 ? NULL : text;
}

static int judge(const struct context *context, const struct survey *survey, const char *id)
{
	const struct guest_verdict *verdict = resolution_find_guest(&survey->resolution, id);
	bool edits = context->config.mode == MODE_AUTO &&
		     context->config.autostart != AUTOSTART_REPORT;

	if (verdict && !verdict->affected && verdict->forbidden && edits) {
		log_error("%s must not start: %s", id, verdict->forbidden);
		return EXIT_STATUS_FAILED;
	}
	if (!verdict || !verdict->affected)
		return EXIT_STATUS_DONE;
	if (!verdict->proof || !edits) {
		log_warning("%s: %s", id, verdict->reason);
		return EXIT_STATUS_DONE;
	}
	log_error("%s must not start: %s; `hwrecover release %s` lets it", id, verdict->reason,
		  strrchr(id, '/') + 1);
	return EXIT_STATUS_FAILED;
}

static int check_guest(struct invocation *invocation)
{
	const struct survey_options options = { .scope = SCOPE_GUESTS,
						.pve_timeout_ms = CHECK_TIMEOUT_MS / 2 };
	_cleanup_free_ char *id = full_id(invocation->arguments[0], invocation->arguments[1]);
	struct problem problem = { 0 };
	struct context context;
	struct survey survey;
	int r, status = EXIT_STATUS_DONE;

	r = id ? context_open(invocation, &context, &problem) : -ENOMEM;
	if (r == 0) {
		if (context.config.mode != MODE_OFF)
			r = survey_take(&context, &options, &survey, &problem);
		if (r == 0 && context.config.mode != MODE_OFF) {
			status = judge(&context, &survey, id);
			survey_done(&survey);
		}
		context_done(&context);
	}
	/* Whoever asks must not be held up by what we cannot find out. */
	if (r < 0)
		log_warning("%s", problem.text ? problem.text : strerror(-r));
	problem_done(&problem);
	return status;
}

int command_check_guest(struct invocation *invocation)
{
	int r, status = EXIT_STATUS_DONE;

	if (invocation->root_path)
		return check_guest(invocation);
	r = supervise(check_guest, invocation, CHECK_TIMEOUT_MS, &status);
	if (r < 0)
		log_warning("%s was not checked: %s", invocation->arguments[1], strerror(-r));
	return r < 0 ? EXIT_STATUS_DONE : status;
}
