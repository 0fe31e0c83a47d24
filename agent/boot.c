/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the units run. No failure of ours stops a boot: nothing requires these stages, each of them
 * has a time limit, and whatever goes wrong is said and leaves everything as it was.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/utsname.h>
#include <systemd/sd-daemon.h>

#include "agent/boot-actions.h"
#include "agent/commit.h"
#include "agent/guests.h"
#include "agent/image.h"
#include "agent/manifest-file.h"
#include "agent/supervise.h"
#include "recovery/sources/pve.h"
#include "snapshot/basic/log.h"
#include "snapshot/message-ids.h"

static int stage_failed(const char *stage, int error, struct problem *problem)
{
	const char *reason = problem->text ? problem->text : strerror(-error);
	struct log_field fields[] = { { FIELD_STAGE, stage }, { FIELD_REASON, reason } };

	log_event(LOG_LEVEL_ERROR, EVENT_STAGE_FAILED, fields, ARRAY_SIZE(fields), "%s", reason);
	problem_done(problem);
	return EXIT_STATUS_FAILED;
}

/* Whether an earlier run of this stage has dealt with this very boot. */
static bool is_recorded(struct context *context, const struct survey *survey)
{
	struct snapshot last = { 0 };
	bool recorded;

	if (!survey->now.boot_id || store_last(&context->store, &last, NULL) <= 0)
		return false;
	recorded = last.boot_id && strcmp(last.boot_id, survey->now.boot_id) == 0;
	snapshot_done(&last);
	return recorded;
}

static void tell_undone(const struct survey *survey)
{
	struct log_field fields[] = { { FIELD_SNAPSHOT, NULL } };
	char id[24];

	(void)snprintf(id, sizeof(id), "%" PRIu64, survey->baseline_id);
	fields[0].value = id;
	if (survey->undone && survey->plan.n_changes > 0)
		log_event(LOG_LEVEL_NOTICE, EVENT_EDITS_NOT_REPEATED, fields, ARRAY_SIZE(fields),
			  "a rollback undid the network edits for this hardware; they are not "
			  "made again. `hwrecover apply` makes them");
}

/*
 * Network edits that a rollback undid are not made again, and what their mentions mean waits too;
 * but bind entries are dealt with all the same, and then the meanings have to say so.
 */
static bool settles(const struct context *context, const struct survey *survey)
{
	if (!survey->has_newest)
		return true;
	return context->config.mode == MODE_AUTO && (!survey->undone || survey->plan.n_files > 0);
}

static int deal_with_network(struct context *context, struct survey *survey,
			     struct problem *problem)
{
	const struct commit_options options = { .reason = "boot",
						.settle = settles(context, survey) };
	uint64_t id = 0;
	int r;

	/* Before anything else can go wrong. */
	guests_hold_back(context, survey);
	if (survey_is_unchanged(survey)) {
		if (is_recorded(context, survey))
			return 0;
		tell_undone(survey);
		return commit_record(context, survey, &id, problem);
	}
	r = commit_plan(context, survey, &options, &id, problem);
	if (r < 0)
		return r;
	guests_let_go(context, HOLD_LIBVIRT);
	commit_tell(survey, id, true);
	boot_run_actions(context, &survey->plan);
	commit_conclude(context);
	return 0;
}

/* Somebody holds the lock: let the boot go on without edits. */
static int give_up(struct problem *problem)
{
	log_warning("%s; the network files are left as they are",
		    problem->text ? problem->text : "the lock is held");
	problem_done(problem);
	return EXIT_STATUS_DONE;
}

/* Reads state and hardware. What is returned is to be finished with survey_finish(). */
static int begin(struct context *context, struct survey *survey, struct inventory *inventory,
		 struct problem *problem)
{
	int r;

	r = survey_begin(context, 0, survey, problem);
	if (r < 0)
		return r;
	r = survey_read_inventory(context, false, inventory, problem);
	if (r < 0)
		survey_done(survey);
	return r;
}

/*
 * A NIC that was taken for a guest has no link to wait for, and nothing to remap to. So whatever
 * was taken by mistake is given back first, and then everything is looked at anew.
 */
static int begin_released(struct context *context, struct survey *survey,
			  struct inventory *inventory, struct problem *problem)
{
	const struct survey_options options = { .honour_undone = true, .scope = SCOPE_HOST };
	int r;

	r = begin(context, survey, inventory, problem);
	if (r < 0 || !context->root.live || !boot_was_taken(survey, inventory))
		return r;
	r = survey_finish(context, &options, inventory, survey, problem);
	if (r < 0)
		return r;
	(void)boot_release(context, survey);
	survey_done(survey);
	return begin(context, survey, inventory, problem);
}

static int boot_network(struct invocation *invocation)
{
	const struct survey_options options = { .honour_undone = true,
						.early = true,
						.scope = SCOPE_HOST };
	struct inventory inventory = { 0 };
	struct problem problem = { 0 };
	struct context context;
	struct survey survey;
	int r;

	r = context_open_for_writing(invocation, "boot network", LOCK_BOOT_WAIT_MS, &context,
				     &problem);
	if (r == -EBUSY)
		return give_up(&problem);
	if (r < 0)
		return stage_failed("network", r, &problem);
	boot_extend_time_limit(&context);
	boot_tell_guard(&context);
	r = begin_released(&context, &survey, &inventory, &problem);
	if (r == 0) {
		r = boot_wait_for_nics(&context, &survey, &inventory, &problem);
		if (r == 0)
			r = survey_finish(&context, &options, &inventory, &survey, &problem);
		else
			survey_done(&survey);
	}
	if (r == 0) {
		r = deal_with_network(&context, &survey, &problem);
		survey_done(&survey);
	}
	context_done(&context);
	return r < 0 ? stage_failed("network", r, &problem) : EXIT_STATUS_DONE;
}

/* Somebody may edit a guest meanwhile, or have it locked: then it is looked at anew. */
#define GUESTS_ATTEMPTS 3

/* Return: 1 when something was edited and has to be looked at once more, 0, or an error. */
static int deal_with_guests(struct context *context, struct survey *survey, struct problem *problem)
{
	const struct commit_options options = { .reason = "boot",
						.settle = settles(context, survey) };
	uint64_t id = 0;
	int r;

	guests_hold_back(context, survey);
	if (survey_is_unchanged(survey))
		return is_recorded(context, survey) ? 0
						    : commit_record(context, survey, &id, problem);
	r = commit_plan(context, survey, &options, &id, problem);
	if (r < 0)
		return r;
	commit_tell(survey, id, true);
	commit_conclude(context);
	return survey->plan.n_files > 0;
}

static int settle_guests(struct context *context, struct problem *problem)
{
	const struct survey_options options = { .honour_undone = true, .scope = SCOPE_GUESTS };
	bool safe = false;
	int r = 1;

	for (int attempt = 0; attempt < GUESTS_ATTEMPTS && r > 0; attempt++) {
		struct survey survey;

		r = survey_take(context, &options, &survey, problem);
		if (r < 0)
			return r;
		r = deal_with_guests(context, &survey, problem);
		safe = r == 0 && !guests_are_open(&survey, HOLD_PVE);
		survey_done(&survey);
	}
	if (r < 0)
		return r;
	if (!safe || context_has_deferred(context))
		return problem_set(problem, -EAGAIN, NULL, 0,
				   "not every guest that must not start could be kept from it");
	if (!hold_file_exists(&context->root, HOLD_PVE))
		return 0;
	guests_let_go(context, HOLD_PVE);
	/* When a person starts the stage once more, what the boot passed over has to follow. */
	r = hold_start_held_back(&context->root, problem);
	return MIN_OF(r, 0);
}

/*
 * What is read without quorum may be stale, and nothing can be written. That matters only if there
 * is something to be done: the hardware is another, or some guest is not off that has to be.
 */
static int needs_quorum(struct invocation *invocation, bool *ret_needs, struct problem *problem)
{
	const struct survey_options options = { .honour_undone = true, .scope = SCOPE_GUESTS };
	struct context context;
	struct survey survey;
	int r;

	r = context_open(invocation, &context, problem);
	if (r < 0)
		return r;
	*ret_needs = hold_file_exists(&context.root, HOLD_PVE) || context_has_deferred(&context);
	if (!*ret_needs) {
		r = survey_take(&context, &options, &survey, problem);
		if (r == 0) {
			*ret_needs = survey.plan.pending || survey.plan.n_changes > 0;
			survey_done(&survey);
		}
	}
	context_done(&context);
	return r;
}

/*
 * Wait until guests can be dealt with. The lock is not held meanwhile: it may take days.
 *
 * Return: 1 when they can, 0 when there are none to deal with, or a negative errno.
 */
static int wait_for_guests(struct invocation *invocation, const struct root *root,
			   struct problem *problem)
{
	struct utsname names;
	const char *node = uname(&names) < 0 ? "" : pve_node(&names);
	enum pve_state state = PVE_ABSENT;
	bool needs = false;
	int r;

	r = pve_look(root, node, PVE_LOOK_TIMEOUT_MS, &state);
	if (r < 0)
		return problem_set_errno(problem, r, PVE_PATH, "look at");
	if (state == PVE_ABSENT || state == PVE_WRITABLE)
		return state == PVE_WRITABLE;
	if (state != PVE_NO_QUORUM) {
		if (!hold_file_exists(root, HOLD_PVE))
			return 0;
		return problem_set(problem, -EAGAIN, NULL, 0,
				   "%s is %s; guests that must not start are held back: "
				   "`hwrecover release --all` when that is mended",
				   PVE_PATH, pve_state_to_string(state));
	}
	r = needs_quorum(invocation, &needs, problem);
	/* What guests mean is our own state: to put that on record takes no quorum. */
	if (r < 0 || !needs)
		return r < 0 ? r : 1;
	r = pve_wait_for_quorum(root, node);
	return r < 0 ? problem_set_errno(problem, r, PVE_PATH, "wait for") : 1;
}

/* What is left when there is nothing to wait for any more. */
static int work_on_guests(struct invocation *invocation)
{
	struct problem problem = { 0 };
	struct context context;
	int r;

	r = context_open_for_writing(invocation, "boot guests", LOCK_BOOT_WAIT_MS, &context,
				     &problem);
	if (r < 0)
		return stage_failed("guests", r, &problem);
	r = settle_guests(&context, &problem);
	context_done(&context);
	return r < 0 ? stage_failed("guests", r, &problem) : EXIT_STATUS_DONE;
}

/* For waiting for locks, and the work itself; the unit's own limit is longer. */
#define GUESTS_TIMEOUT_MS 80000

static int boot_guests(struct invocation *invocation)
{
	_cleanup_(root_done) struct root root = ROOT_INIT;
	struct problem problem = { 0 };
	int r, status = EXIT_STATUS_FAILED;

	r = root_open(invocation->root_path, &root, &problem);
	if (r == 0)
		r = wait_for_guests(invocation, &root, &problem);
	if (r == 0)
		return EXIT_STATUS_DONE;
	if (r > 0 && !root.live)
		return work_on_guests(invocation);
	if (r > 0) {
		/* It may have been waited for days. */
		(void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%llu", GUESTS_TIMEOUT_MS * 1000ULL);
		r = supervise(work_on_guests, invocation, GUESTS_TIMEOUT_MS, &status);
	}
	if (r == -ETIMEDOUT)
		r = problem_set(&problem, r, NULL, 0, "%s does not answer any more", PVE_PATH);
	return r < 0 ? stage_failed("guests", r, &problem) : status;
}

static int boot_image(struct invocation *invocation)
{
	struct problem problem = { 0 };
	struct context context;
	int r;

	r = context_open(invocation, &context, &problem);
	if (r < 0)
		return stage_failed("image", r, &problem);
	r = image_stage(&context, &problem);
	context_done(&context);
	problem_done(&problem);
	return r < 0 ? EXIT_STATUS_FAILED : EXIT_STATUS_DONE;
}

static bool same_words(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/*
 * Guests run by now, and may have taken devices by themselves. What counts is who had a device when
 * the boot was dealt with; a driver that was late is its own.
 */
static int keep_drivers(struct survey *survey)
{
	for (size_t i = 0; i < survey->now.n_functions; i++) {
		struct pci_function *now = &survey->now.functions[i];
		const struct pci_function *then =
			inventory_find_function(&survey->newest.inventory, &now->address);

		if (!then || (!then->driver && !is_passthrough_driver(now->driver)))
			continue;
		now->driver = arena_copy_text(&survey->now.arena, then->driver);
		if (then->driver && !now->driver)
			return -ENOMEM;
	}
	return 0;
}

/*
 * Serial numbers were not read while the boot waited, and some links were not ready; now they are
 * put into its snapshot.
 */
static int complete_snapshot(struct context *context, struct survey *survey,
			     struct problem *problem)
{
	bool learned = !inventory_same_hardware(&survey->newest.inventory, &survey->now);
	int r;

	r = keep_drivers(survey);
	if (r < 0)
		return r;

	for (size_t i = 0; i < survey->now.n_functions && !learned; i++) {
		const struct pci_function *now = &survey->now.functions[i], *then;

		then = inventory_find_function(&survey->newest.inventory, &now->address);
		learned = !then || (now->serial && !then->serial) || (now->slot && !then->slot) ||
			  (now->has_physfn != then->has_physfn) || (now->driver && !then->driver) ||
			  !same_words(now->protected, then->protected);
	}
	if (!learned)
		return 0;
	inventory_done(&survey->newest.inventory);
	survey->newest.inventory = survey->now;
	survey->now = (struct inventory){ 0 };
	return store_rewrite(&context->store, &survey->newest, problem);
}

/* A function that reads all ones is there, but a boot in which it does is no measure of things. */
static bool is_degraded(const struct survey *survey)
{
	const struct match *match = &survey->baseline_match;

	for (size_t i = 0; i < match->before->n_functions; i++)
		if (match->functions[i].fate == FATE_UNREADABLE)
			return true;
	return false;
}

/*
 * Whether all functions are those the network stage saw. Links may have come up, or got their
 * names, since; but a NIC that turns out to have taken another's place is for the next boot to deal
 * with.
 */
static bool sits_where_it_sat(const struct survey *survey)
{
	const struct match *match = &survey->settled_match;

	for (size_t i = 0; i < match->before->n_functions; i++) {
		const struct pci_function *was = &match->before->functions[i];

		if (was->has_physfn)
			continue;
		if (match->functions[i].fate != FATE_FOUND ||
		    !pci_address_equal(&was->address,
				       &match->after->functions[match->functions[i].index].address))
			return false;
	}
	for (size_t i = 0; i < match->after->n_functions; i++)
		if (match->function_origin[i] == SIZE_MAX && !match->after->functions[i].has_physfn)
			return false;
	for (size_t i = 0; i < match->before->n_nics; i++)
		if (match->nics[i].fate == FATE_REPLACED)
			return false;
	return true;
}

/*
 * The hardware of a boot becomes the baseline once that boot was dealt with: its network stage left
 * a record, and nothing holds the meanings back (Mode=report, a rollback's undone edits).
 */
static bool was_dealt_with(struct context *context, const struct survey *survey)
{
	struct snapshot last = { 0 };
	bool same_boot = true;

	/* In report mode nothing moves the baseline, but there has to be one. */
	if ((context->config.mode != MODE_AUTO && survey->has_baseline) || !survey->has_newest ||
	    survey->meanings.undone || survey->meanings.settled || survey->plan.n_files > 0 ||
	    survey->plan.pending || is_degraded(survey) || !sits_where_it_sat(survey))
		return false;
	if (store_last(&context->store, &last, NULL) <= 0)
		return false;
	if (survey->now.boot_id && last.boot_id)
		same_boot = strcmp(last.boot_id, survey->now.boot_id) == 0;
	snapshot_done(&last);
	return same_boot;
}

/* What was made since the guests stage looked, virtual functions above all. */
static int learn_more(struct context *context, struct survey *survey, struct problem *problem)
{
	const struct commit_options options = { .reason = "boot", .settle = true };
	uint64_t id = 0;
	int r;

	r = keep_drivers(survey);
	if (r == 0)
		r = commit_plan(context, survey, &options, &id, problem);
	if (r == 0)
		r = store_set_baseline(&context->store, id, problem);
	return r;
}

static int take_baseline(struct context *context, struct survey *survey, struct problem *problem)
{
	struct log_field fields[] = { { FIELD_SNAPSHOT, NULL } };
	uint64_t id = survey->newest.id;
	char text[24];
	int r;

	if (survey_learns(survey))
		return learn_more(context, survey, problem);
	r = complete_snapshot(context, survey, problem);
	if (r < 0 || (survey->has_baseline && survey->baseline_id == id))
		return r;
	r = store_set_baseline(&context->store, id, problem);
	if (r < 0)
		return r;
	(void)snprintf(text, sizeof(text), "%" PRIu64, id);
	fields[0].value = text;
	log_event(LOG_LEVEL_NOTICE, EVENT_BASELINE_TAKEN, fields, ARRAY_SIZE(fields),
		  "snapshot %s is the baseline now", text);
	return 0;
}

/*
 * A boot that was not dealt with: its network stage failed or did not run, or nothing may be done.
 * It is told and listed; the baseline stays.
 */
static int report_boot(struct context *context, struct survey *survey, struct problem *problem)
{
	uint64_t id = 0;

	commit_tell(survey, survey->newest.id, false);
	if (!survey->now.boot_id || is_recorded(context, survey))
		return 0;
	if (survey->has_newest && survey->plan.n_files == 0 && survey_is_unchanged(survey))
		return commit_record(context, survey, &id, problem);
	return commit_look(context, survey, "boot", problem);
}

static int boot_finish(struct invocation *invocation)
{
	const struct survey_options options = { .details = true, .honour_undone = true };
	struct problem problem = { 0 };
	struct context context;
	struct survey survey;
	int r;

	r = context_open_for_writing(invocation, "boot finish", LOCK_BOOT_WAIT_MS, &context,
				     &problem);
	if (r == -EBUSY)
		return give_up(&problem);
	if (r < 0)
		return stage_failed("finish", r, &problem);
	r = survey_take(&context, &options, &survey, &problem);
	if (r == 0) {
		if (was_dealt_with(&context, &survey))
			r = take_baseline(&context, &survey, &problem);
		else
			r = report_boot(&context, &survey, &problem);
		survey_done(&survey);
	}
	if (r == 0)
		manifest_file_update(&context);
	context_done(&context);
	return r < 0 ? stage_failed("finish", r, &problem) : EXIT_STATUS_DONE;
}

static const struct {
	const char *name;
	int (*run)(struct invocation *invocation);
} stages[] = {
	{ "network", boot_network },
	{ "guests", boot_guests },
	{ "finish", boot_finish },
	{ "image", boot_image },
};

/*
 * Mode=off means nothing at all, the guard included, but that one only reads what it is told in the
 * boot image.
 */
static void switch_guard_off(struct invocation *invocation)
{
	struct problem problem = { 0 };
	struct context context;

	bool told;

	if (context_open_config(invocation, &context, &problem) < 0) {
		problem_done(&problem);
		return;
	}
	told = root_exists(&context.root, IMAGE_RECORD_PATH);
	context_done(&context);
	if (told && context_open_for_writing(invocation, "boot finish", LOCK_BOOT_WAIT_MS, &context,
					     &problem) == 0) {
		manifest_file_update(&context);
		context_done(&context);
	}
	problem_done(&problem);
}

/* Mode=off means nothing at all: not even the lock is taken, or a crash mended. */
static bool is_switched_off(const struct invocation *invocation)
{
	struct problem problem = { 0 };
	struct context context;
	bool off = false;

	/* What is wrong here the stage will find, and say, itself. */
	if (context_open_config(invocation, &context, &problem) == 0) {
		off = context.config.mode == MODE_OFF;
		context_done(&context);
	}
	problem_done(&problem);
	return off;
}

int command_boot(struct invocation *invocation)
{
	const char *stage = invocation->arguments[0];

	if (is_switched_off(invocation)) {
		if (strcmp(stage, "finish") == 0)
			switch_guard_off(invocation);
		if (strcmp(stage, "image") != 0)
			return EXIT_STATUS_DONE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
		if (strcmp(stages[i].name, stage) == 0)
			return stages[i].run(invocation);
	return EXIT_STATUS_USAGE;
}
