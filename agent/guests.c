/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/guests.h"

#include <errno.h>

#include "agent/libvirt-daemon.h"
#include "agent/start-hooks.h"
#include "recovery/sources/libvirt.h"
#include "snapshot/basic/log.h"

/* Paths of the plan's files below /etc/pve. */
static size_t paths_on_pmxcfs(const struct survey *survey, const char **paths)
{
	size_t n = 0;

	for (size_t i = 0; i < survey->plan.n_files; i++)
		if (document_is_on_pmxcfs(survey->plan.files[i].document))
			paths[n++] = survey->plan.files[i].path;
	return n;
}

static int leave_locked(struct survey *survey, const char *const *paths, const bool *failed,
			size_t n, struct problem *problem)
{
	for (size_t i = 0; i < n; i++) {
		struct document *document = failed[i] ? documents_find(&survey->documents, paths[i])
						      : NULL;

		if (!document)
			continue;
		document->unfit = "is locked by Proxmox VE, which works on it";
		survey->n_locked++;
	}
	return survey_plan_again(survey, problem);
}

int guests_lock(const struct context *context, struct survey *survey, struct pve_locks *ret_locks,
		struct problem *problem)
{
	_cleanup_free_ const char **paths = calloc(survey->plan.n_files + 1, sizeof(*paths));
	_cleanup_free_ bool *failed = calloc(survey->plan.n_files + 1, sizeof(*failed));
	struct pve_locks locks = { .root = NULL };
	struct problem which = { 0 };
	size_t n;
	int r;

	if (!paths || !failed)
		return -ENOMEM;
	*ret_locks = locks;
	n = paths_on_pmxcfs(survey, paths);
	if (n == 0 || !context->root.live)
		return 0;
	r = pve_locks_take(&context->root, paths, n, PVE_LOCK_TIMEOUT_MS, &locks, failed, &which);
	if (r > 0) {
		log_warning("%s", which.text ? which.text : "a guest is locked");
		r = leave_locked(survey, paths, failed, n, problem);
		if (r < 0)
			pve_locks_release(&locks);
	} else if (r < 0) {
		r = problem_set(problem, r, NULL, 0, "%s", which.text ? which.text : strerror(-r));
	}
	problem_done(&which);
	if (r == 0)
		*ret_locks = locks;
	return r;
}

/* "win10" of "/etc/libvirt/qemu/autostart/win10.xml"; to be freed. */
static char *domain_of_link(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	size_t size = strlen(name);
	char *copy = NULL;

	if (size <= strlen(".xml") ||
	    bytes_duplicate(bytes_make(name, size - strlen(".xml")), &copy) < 0)
		return NULL;
	return copy;
}

static void tell_file(const struct plan_file *file)
{
	struct problem problem = { 0 };
	int r = 0;

	if (file->document->source == &libvirt_domain_source) {
		r = libvirt_tell_define(file->path, &problem);
	} else if (file->document->source == &libvirt_autostart_source) {
		_cleanup_free_ char *name = domain_of_link(file->path);

		r = name ? libvirt_tell_autostart(name, file->now.data != NULL, &problem) : 0;
	}
	if (r < 0)
		log_warning("%s; libvirt's daemon takes %s over when it is started anew",
			    problem.text ? problem.text : strerror(-r), file->path);
	problem_done(&problem);
}

void guests_tell(const struct context *context, const struct survey *survey)
{
	struct problem problem = { 0 };

	if (!context->root.live)
		return;
	for (size_t i = 0; i < survey->plan.n_actions; i++) {
		if (survey->plan.actions[i].kind != ACTION_START_HOOK)
			continue;
		if (start_hook_install_libvirt(&context->root, &problem) < 0)
			log_warning("%s; the guests it is for can be started by hand",
				    problem.text ? problem.text : "no start hook");
		problem_done(&problem);
	}
	if (survey->plan.n_files == 0 || !libvirt_is_running(&context->root))
		return;
	for (size_t i = 0; i < survey->plan.n_files; i++)
		tell_file(&survey->plan.files[i]);
}

static bool is_libvirts(const char *guest)
{
	return strncmp(guest, "libvirt/", strlen("libvirt/")) == 0;
}

static bool is_of(const struct document *document, enum hold_kind kind)
{
	return document_is_of_guests(document) &&
	       document_is_on_pmxcfs(document) == (kind == HOLD_PVE);
}

/* Whether a file that cannot be edited starts a guest, or is one's, that is to be off. */
static bool keeps_open(const struct resolution *resolution, const struct document *document)
{
	for (size_t i = 0; i < resolution->n_guests; i++) {
		const struct guest_verdict *verdict = &resolution->guests[i];
		const struct document *config = resolution->subjects[verdict->subject].document;

		if (!verdict->off)
			continue;
		if (config == document)
			return true;
		for (size_t j = 0; j < document->n_switches; j++)
			if (document->switches[j].on &&
			    resolve_is_switch_of(&document->switches[j], config->guest))
				return true;
	}
	return false;
}

bool guests_are_open(const struct survey *survey, enum hold_kind kind)
{
	if (survey->plan.pending && kind == HOLD_PVE)
		return true;
	for (size_t i = 0; i < survey->plan.n_files; i++)
		if (is_of(survey->plan.files[i].document, kind))
			return true;
	for (size_t i = 0; i < survey->documents.n_items; i++) {
		const struct document *document = survey->documents.items[i];

		if (document->unfit && is_of(document, kind) &&
		    keeps_open(&survey->resolution, document))
			return true;
	}
	return false;
}

static int hold_back(const struct context *context, const struct survey *survey,
		     enum hold_kind kind, struct problem *problem)
{
	const struct plan *plan = &survey->plan;
	_cleanup_free_ const char **guests = calloc(plan->n_blocked + 1, sizeof(*guests));
	bool deferred = kind == HOLD_PVE && context_has_deferred(context);
	size_t n = 0;

	if (!guests)
		return -ENOMEM;
	for (size_t i = 0; i < plan->n_blocked; i++)
		if (is_libvirts(plan->blocked[i].guest) == (kind == HOLD_LIBVIRT))
			guests[n++] = plan->blocked[i].guest;
	/* What was to be done, and is not, says nothing of whom it is about. */
	if (!deferred && (n == 0 || !guests_are_open(survey, kind)))
		return 0;
	return hold_file_write(&context->root, kind, guests, n, problem);
}

void guests_hold_back(const struct context *context, const struct survey *survey)
{
	for (enum hold_kind kind = 0; kind < _HOLD_KIND_MAX; kind++) {
		struct problem problem = { 0 };
		int r = hold_back(context, survey, kind, &problem);

		if (r < 0)
			log_warning("%s; nothing keeps guests from starting until they are dealt "
				    "with",
				    problem.text ? problem.text : strerror(-r));
		problem_done(&problem);
	}
}

void guests_let_go(const struct context *context, enum hold_kind kind)
{
	struct problem problem = { 0 };

	if (hold_file_remove(&context->root, kind, &problem) < 0)
		log_warning("%s; guests are held back until it is gone: `hwrecover release --all`",
			    problem.text ? problem.text : hold_file_path(kind));
	problem_done(&problem);
}

static bool is_named(const char *id, const char *name)
{
	return strcmp(id, name) == 0 || strcmp(strrchr(id, '/') + 1, name) == 0;
}

int guests_find(const struct survey *survey, const char *name,
		const struct guest_verdict **ret_verdict, struct problem *problem)
{
	const struct resolution *resolution = &survey->resolution;
	const struct guest_verdict *found = NULL;

	for (size_t i = 0; i < resolution->n_guests; i++) {
		const struct guest_verdict *verdict = &resolution->guests[i];

		if (!is_named(verdict->id, name))
			continue;
		if (found)
			return problem_set(problem, -ENOTUNIQ, NULL, 0,
					   "'%s' may be %s or %s: name it in full", name, found->id,
					   verdict->id);
		found = verdict;
	}
	if (!found)
		return problem_set(problem, -ENOENT, NULL, 0,
				   "there is no guest '%s' with devices of the host", name);
	*ret_verdict = found;
	return 0;
}
