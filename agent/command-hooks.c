/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `hooks install` and `hooks remove`: what asks `check-guest` before a guest starts. */
#include <errno.h>
#include <inttypes.h>

#include "agent/pve-lock.h"
#include "agent/start-hooks.h"
#include "agent/survey.h"
#include "recovery/guest.h"
#include "recovery/pmxcfs.h"
#include "recovery/sources/pve.h"
#include "snapshot/basic/log.h"

/**
 * struct node_guests - The guests of Proxmox VE on this node
 * @items, @documents, @paths: one each, @n of them
 * @locked: for each, whether Proxmox VE holds its lock
 */
struct node_guests {
	const struct context *context;
	struct hook_guest *items;
	const struct document **documents;
	const char **paths;
	bool *locked;
	size_t n;
};

static void node_guests_done(struct node_guests *guests)
{
	free(guests->items);
	free(guests->documents);
	free(guests->paths);
	free(guests->locked);
}

static bool is_guest(const struct document *document)
{
	return (document->source == &pve_qemu_source || document->source == &pve_lxc_source) &&
	       !document->remembered;
}

static void add_guest(struct node_guests *guests, const struct document *document)
{
	const char *name = strrchr(document->path, '/') + 1;
	struct hook_guest guest = { .path = document->path,
				    .contents = document_disk_bytes(document),
				    .is_lxc = document->source == &pve_lxc_source };

	if (!is_guest(document) || !pve_parse_file_name(name, &guest.vmid))
		return;
	if (document->unfit) {
		log_warning("%s: %s; left as it is", document->path, document->unfit);
		return;
	}
	guest.passthrough = document->guest && document->guest->n_devices > 0;
	guests->documents[guests->n] = document;
	guests->paths[guests->n] = document->path;
	guests->items[guests->n++] = guest;
}

/* Return: 0, or -ENOMEM. */
static int collect_guests(const struct survey *survey, struct node_guests *guests)
{
	size_t n = survey->documents.n_items + 1;

	guests->items = calloc(n, sizeof(*guests->items));
	guests->documents = calloc(n, sizeof(const struct document *));
	guests->paths = calloc(n, sizeof(const char *));
	guests->locked = calloc(n, sizeof(*guests->locked));
	if (!guests->items || !guests->documents || !guests->paths || !guests->locked)
		return -ENOMEM;
	for (size_t i = 0; i < survey->documents.n_items; i++)
		add_guest(guests, survey->documents.items[i]);
	return 0;
}

/* @dir_fd is of the folder that the file is in, @name its name there. */
static int replace_in(const struct node_guests *guests, int dir_fd, const char *name, size_t index,
		      struct bytes now)
{
	const struct file_contents was = { .bytes = guests->items[index].contents };
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;
	const struct root *root = &guests->context->root;
	int r = root->live ? pmxcfs_holds(guests->paths[index], dir_fd) : 0;

	if (r > 0)
		r = file_stage_pmxcfs_at(dir_fd, name, now, &staged);
	else if (r == 0)
		r = file_stage_at(dir_fd, name, now, &guests->documents[index]->attributes,
				  !root->live, &staged);
	return r < 0 ? r : staged_file_commit(&staged, &was);
}

static int replace(void *data, const struct hook_guest *guest, struct bytes now,
		   struct problem *problem)
{
	const struct node_guests *guests = data;
	const struct root *root = &guests->context->root;
	size_t index = (size_t)(guest - guests->items);
	_cleanup_close_ int dir_fd = -1;
	_cleanup_free_ char *folder = NULL;
	struct root_name shown;
	const char *path = root_show(root, guest->path, &shown);
	const char *name = strrchr(guest->path, '/') + 1;
	int r;

	if (guests->locked[index])
		return problem_set(problem, -EBUSY, path, 0, "is locked by Proxmox VE");
	r = bytes_duplicate(bytes_make(guest->path, (size_t)(name - 1 - guest->path)), &folder);
	if (r == 0)
		r = dir_fd = root_open_directory(root, folder, 0);
	if (r >= 0)
		r = replace_in(guests, dir_fd, name, index, now);
	if (file_error_means_changed(r))
		return problem_set(problem, r, path, 0, "was changed meanwhile; left as it is");
	return r < 0 ? problem_set_errno(problem, r, path, "replace") : 0;
}

static void refuse(void *data, const struct hook_guest *guest, const char *reason)
{
	(void)data;
	log_warning("%s: %s; left as it is", guest->path, reason);
}

static void tell(const struct context *context, const char *what, int n)
{
	const struct invocation *invocation = context->invocation;

	if (!invocation->quiet && n > 0)
		(void)fprintf(invocation->out, "%s\n", what);
}

/* Return: how many guests were changed, or a negative errno with @problem set. */
static int change_guests(struct node_guests *guests, const struct survey *survey, bool install,
			 struct problem *problem)
{
	const struct hook_edits edits = { .replace = replace, .refuse = refuse, .data = guests };
	const struct root *root = &guests->context->root;
	const char *node = survey->scan.node ? survey->scan.node : "";
	struct pve_locks locks = { 0 };
	struct problem locked = { 0 };
	int r;

	r = pve_locks_take(root, guests->paths, guests->n, PVE_LOCK_TIMEOUT_MS, &locks,
			   guests->locked, &locked);
	if (r < 0)
		(void)problem_set(problem, r, NULL, 0, "%s",
				  locked.text ? locked.text : strerror(-r));
	else if (install)
		r = start_hook_install_pve(root, node, guests->items, guests->n, &edits, problem);
	else
		r = start_hook_remove_pve(root, node, guests->items, guests->n, &edits, problem);
	if (r > 0 && root->live)
		pmxcfs_sync(root);
	pve_locks_release(&locks);
	problem_done(&locked);
	return r;
}

static int change_pve(struct context *context, const struct survey *survey, bool install,
		      struct problem *problem)
{
	_cleanup_(node_guests_done) struct node_guests guests = { .context = context };
	int r;

	if (survey->pve == PVE_ABSENT)
		return 0;
	if (survey->pve != PVE_WRITABLE)
		return problem_set(problem, -EAGAIN, PVE_PATH, 0, "is %s",
				   pve_state_to_string(survey->pve));
	r = collect_guests(survey, &guests);
	if (r == 0)
		r = change_guests(&guests, survey, install, problem);
	if (r > 0)
		tell(context,
		     install ? "Proxmox VE: asks before it starts a guest with devices"
			     : "Proxmox VE: no longer asks",
		     r);
	return MIN_OF(r, 0);
}

static int change_libvirt(struct context *context, bool install, struct problem *problem)
{
	int r = install ? start_hook_install_libvirt(&context->root, problem)
			: start_hook_remove_libvirt(&context->root, problem);

	tell(context,
	     install ? "libvirt: asks before it starts a domain" : "libvirt: no longer asks", r);
	return MIN_OF(r, 0);
}

static int change_hooks(struct context *context, bool install, struct problem *problem)
{
	const struct survey_options options = { .only_look = true };
	struct survey survey;
	int r, failed;

	failed = change_libvirt(context, install, problem);
	r = survey_take(context, &options, &survey, problem);
	if (r < 0)
		return r;
	r = change_pve(context, &survey, install, problem);
	survey_done(&survey);
	return r < 0 ? r : failed;
}

int command_hooks(struct invocation *invocation)
{
	bool install = strcmp(invocation->arguments[0], "install") == 0;
	struct problem problem = { 0 };
	struct context context;
	int r;

	r = context_open_for_writing(invocation, install ? "hooks install" : "hooks remove", 0,
				     &context, &problem);
	if (r < 0)
		return context_fail(r, &problem);
	r = change_hooks(&context, install, &problem);
	context_done(&context);
	return r < 0 ? context_fail(r, &problem) : EXIT_STATUS_DONE;
}
