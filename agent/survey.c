/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/utsname.h>
#include <time.h>

#include "agent/host-use.h"
#include "agent/pools.h"
#include "agent/protection.h"
#include "agent/start-hooks.h"
#include "agent/validate.h"
#include "recovery/doubtful-serials.h"
#include "recovery/guest-render.h"
#include "recovery/guest.h"
#include "recovery/sources/bind.h"
#include "recovery/sources/libvirt.h"
#include "recovery/sources/pve.h"
#include "snapshot/basic/log.h"
#include "snapshot/inventory-json.h"
#include "snapshot/late-links.h"
#include "snapshot/link-scan.h"
#include "snapshot/pci-scan.h"

void survey_done(struct survey *survey)
{
	if (!survey)
		return;
	plan_done(&survey->plan);
	resolution_done(&survey->resolution);
	meanings_done(&survey->meanings);
	documents_done(&survey->documents);
	free(survey->names);
	free(survey->host_uses);
	match_done(&survey->settled_match);
	match_done(&survey->baseline_match);
	for (size_t i = 0; i < survey->n_older; i++)
		snapshot_done(&survey->older[i]);
	free(survey->older);
	free(survey->older_inventories);
	snapshot_done(&survey->settled);
	snapshot_done(&survey->baseline);
	snapshot_done(&survey->newest);
	inventory_done(&survey->now);
	*survey = (struct survey){ 0 };
}

/* The first line of a small file of the tree, NULL where there is none. */
static const char *read_line(const struct root *root, struct arena *arena, const char *path)
{
	_cleanup_close_ int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK, 0);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;

	if (fd < 0 || file_read_fd(fd, 4096, &text, &size) < 0)
		return NULL;
	size = strcspn(text, "\n");
	return size ? arena_copy(arena, bytes_make(text, size)) : NULL;
}

static void describe_machine(const struct root *root, struct inventory *inventory)
{
	struct utsname names;
	bool named = root->live && uname(&names) == 0;

	inventory->host = named ? arena_copy_text(&inventory->arena, names.nodename)
				: read_line(root, &inventory->arena, "/etc/hostname");
	inventory->kernel =
		named ? arena_copy_text(&inventory->arena, names.release)
		      : read_line(root, &inventory->arena, "/proc/sys/kernel/osrelease");
	inventory->machine = read_line(root, &inventory->arena, "/sys/class/dmi/id/product_uuid");
	inventory->boot_id = read_line(root, &inventory->arena, "/proc/sys/kernel/random/boot_id");
}

static int scan_hardware(const struct root *root, bool details, struct inventory *ret_inventory,
			 struct problem *problem)
{
	struct inventory inventory = { 0 };
	int r;

	describe_machine(root, &inventory);
	r = pci_scan(root, details, &inventory, problem);
	if (r == 0)
		r = link_scan(root, &inventory, problem);
	if (r == 0)
		r = inventory_finish(&inventory, root->path, problem);
	for (size_t i = 0; r == 0 && details && i < inventory.n_functions; i++) {
		struct pci_function *function = &inventory.functions[i];

		r = pci_read_serial(root, &function->address, &inventory.arena, &function->serial);
		r = MIN_OF(r, 0);
	}
	if (r < 0) {
		inventory_done(&inventory);
		return r;
	}
	*ret_inventory = inventory;
	return 0;
}

static int read_inventory_file(const char *file, struct inventory *ret_inventory,
			       struct problem *problem)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	r = fd < 0 ? -errno : file_read_fd(fd, INVENTORY_MAX_SIZE, &text, &size);
	if (r < 0)
		return problem_set_errno(problem, r, file, "read");
	return inventory_from_text(bytes_make(text, size), file, ret_inventory, problem);
}

/* Now, in the words of RFC 3339. */
static const char *present_time(struct arena *arena)
{
	time_t seconds = time(NULL);
	struct tm broken;
	char text[32];

	if (!gmtime_r(&seconds, &broken) ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &broken) == 0)
		return NULL;
	return arena_copy_text(arena, text);
}

int survey_read_inventory(const struct context *context, bool details,
			  struct inventory *ret_inventory, struct problem *problem)
{
	_cleanup_(root_done) struct root live = ROOT_INIT;
	int r;

	if (context->invocation->inventory_file)
		r = read_inventory_file(context->invocation->inventory_file, ret_inventory,
					problem);
	else if (context->root.live || root_exists(&context->root, "/sys/bus/pci"))
		r = scan_hardware(&context->root, details, ret_inventory, problem);
	else {
		r = root_open(NULL, &live, problem);
		if (r == 0)
			r = scan_hardware(&live, details, ret_inventory, problem);
	}
	if (r == 0 && !ret_inventory->taken_at)
		ret_inventory->taken_at = present_time(&ret_inventory->arena);
	return r;
}

/* What is read of the state is used as far as it can be read; store.c says what cannot. */
static int read_state(struct context *context, uint64_t id, struct survey *survey,
		      struct problem *problem)
{
	struct problem ignored = { 0 };
	int r;

	if (id)
		r = store_load(&context->store, id, &survey->newest, problem) < 0 ? -EBADMSG : 1;
	else
		r = store_load_newest(&context->store, &survey->newest, problem);
	if (r < 0)
		return r;
	survey->has_newest = r > 0;
	if (!survey->has_newest)
		return 0;
	/* Its checksum was right, so another version wrote what this one cannot use: without it
	 * mentions are looked up in the inventories of the snapshots. */
	if (survey->newest.state &&
	    meanings_from_json(survey->newest.state, "state of the newest snapshot",
			       &survey->meanings, &ignored) < 0)
		log_warning("%s; going on without what mentions meant",
			    ignored.text ? ignored.text : "no memory");
	problem_done(&ignored);
	survey->settled_inventory = &survey->newest.inventory;
	if (survey->meanings.settled && survey->meanings.settled != survey->newest.id) {
		if (store_load(&context->store, survey->meanings.settled, &survey->settled,
			       &ignored) == 0)
			survey->settled_inventory = &survey->settled.inventory;
		problem_done(&ignored);
	}
	r = store_get_baseline(&context->store, &survey->baseline_id, &ignored);
	problem_done(&ignored);
	survey->has_baseline = r > 0;
	if (r <= 0)
		survey->baseline_id = 0;
	survey->baseline_inventory = &survey->newest.inventory;
	if (survey->baseline_id == survey->newest.id)
		return 0;
	r = store_load_baseline(&context->store, &survey->baseline, &ignored);
	problem_done(&ignored);
	if (r <= 0)
		return 0;
	/* Where the one that was named is gone, the newest serves, but there is no baseline. */
	survey->has_baseline = survey->baseline.id == survey->baseline_id;
	survey->baseline_id = survey->baseline.id;
	survey->baseline_inventory = &survey->baseline.inventory;
	return 0;
}

/* Of a machine that can be asked. */
static int read_doubtful_serials(const struct context *context, struct survey *survey)
{
	if (context->invocation->inventory_file || !context->root.live)
		return 0;
	return doubtful_serials_read(&context->root, survey->settled_inventory, &survey->meanings,
				     &survey->now);
}

/* A serial number once read stays known while its unit is found. */
static int keep_serials(struct survey *survey)
{
	const struct match *match = &survey->settled_match;

	for (size_t i = 0; i < match->before->n_functions; i++) {
		const char *serial = match->before->functions[i].serial;
		struct pci_function *now;

		if (!serial || match->functions[i].fate != FATE_FOUND)
			continue;
		now = &survey->now.functions[match->functions[i].index];
		if (now->serial)
			continue;
		now->serial = arena_copy_text(&survey->now.arena, serial);
		if (!now->serial)
			return -ENOMEM;
	}
	return 0;
}

static int compare_hardware(const struct context *context, struct survey *survey)
{
	int r;

	if (!survey->has_newest)
		survey->settled_inventory = survey->baseline_inventory = &survey->now;
	r = read_doubtful_serials(context, survey);
	if (r < 0)
		return r;
	r = match_inventories(survey->settled_inventory, &survey->now, &survey->settled_match);
	if (r < 0)
		return r;
	r = keep_serials(survey);
	if (r < 0)
		return r;
	return match_inventories(survey->baseline_inventory, &survey->now, &survey->baseline_match);
}

/* Takes a file as a snapshot has it; what is on disk is not looked at. */
static int overlay_file(struct document *document, const struct snapshot *overlay)
{
	const struct snapshot_file *file = snapshot_find_file(overlay, document->path);
	char *data;
	int r;

	if (!file || document->unfit)
		return 0;
	r = bytes_duplicate(bytes_make(file->data, file->size), &data);
	if (r < 0)
		return r;
	free(document->data);
	document->data = data;
	document->size = file->size;
	return 0;
}

/* Puts what is parked back into a file, and what somebody's edit removed too if that is asked. */
static int put_back(struct survey *survey, const struct survey_options *options,
		    struct subject *subject)
{
	const struct name_set no_names = { NULL, 0 };
	struct document *document = subject->document;
	int r = 0;

	if (document->unfit)
		return 0;
	if (options->overlay)
		r = overlay_file(document, options->overlay);
	if (r == 0 && document->source->is_guest)
		return guest_put_back(&survey->meanings, &survey->scan, &no_names, subject);
	if (r == 0)
		r = park_undo(&survey->meanings, document, &subject->back, &subject->n_back);
	if (r == 0 && options->restore && strcmp(options->restore, document->path) == 0)
		r = park_undo_lost(&survey->meanings, document, &subject->back, &subject->n_back);
	return r;
}

static const struct source *find_source(const char *name)
{
	for (size_t i = 0; sources[i]; i++)
		if (strcmp(sources[i]->name, name) == 0)
			return sources[i];
	return NULL;
}

/* Whether a person put a file where one was taken away; another device's may have got its name. */
static bool was_made_anew(const struct survey *survey, const char *path)
{
	const struct meanings *meanings = &survey->meanings;

	if (!documents_find(&survey->documents, path))
		return false;
	for (size_t i = 0; i < meanings->n_mentions; i++)
		if (strcmp(meanings->mentions[i].path, path) == 0)
			return false;
	return true;
}

/* Whoever removed the whole folder does not want the file back. */
static bool has_folder(const struct root *root, const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder = NULL;

	return slash && bytes_duplicate(bytes_make(path, (size_t)(slash - path)), &folder) == 0 &&
	       root_exists(root, folder);
}

/* Files that are not there, as their names are what is parked. */
static int add_removed_files(struct survey *survey, struct subject *subjects, size_t *n)
{
	for (size_t i = 0; i < survey->meanings.n_parked; i++) {
		const struct parked_text *parked = &survey->meanings.parked[i];
		const struct source *source = parked->source ? find_source(parked->source) : NULL;
		struct document *document;
		int r;

		if (!source || was_made_anew(survey, parked->path))
			continue;
		if (!has_folder(survey->scan.root, parked->path)) {
			log_warning("%s: its folder is gone; the file is not put back",
				    parked->path);
			continue;
		}
		document = documents_add(&survey->documents, parked->path);
		if (!document)
			return -ENOMEM;
		document->source = source;
		r = park_undo_removal(&survey->meanings, i, document, &subjects[*n].back,
				      &subjects[*n].n_back);
		if (r < 0)
			return r;
		subjects[(*n)++].document = document;
	}
	return 0;
}

/* Whether what a link led to is still there. */
static bool leads_somewhere(const struct root *root, const struct turned_off *off)
{
	_cleanup_(buffer_done) struct buffer path = { 0 };
	size_t folder = (size_t)(strrchr(off->path, '/') + 1 - off->path);

	if (off->was[0] != '/')
		buffer_append(&path, bytes_make(off->path, folder));
	buffer_append_text(&path, off->was);
	return !path.failed && root_exists(root, path.data);
}

/* Links that started guests; where the guest itself is gone, so is what it was started by. */
static int add_removed_switches(struct survey *survey, struct subject *subjects, size_t *n)
{
	for (size_t i = 0; i < survey->meanings.n_turned_off; i++) {
		const struct turned_off *off = &survey->meanings.turned_off[i];
		struct document *document;
		int r;

		if (!off->file || documents_find(&survey->documents, off->path) ||
		    !leads_somewhere(survey->scan.root, off) ||
		    !has_folder(survey->scan.root, off->path))
			continue;
		document = documents_add(&survey->documents, off->path);
		if (!document)
			return -ENOMEM;
		document->source = &libvirt_autostart_source;
		r = guest_put_back_removal(off, document);
		if (r < 0)
			return r;
		subjects[(*n)++].document = document;
	}
	return 0;
}

/* This node's name in a cluster. */
static const char *find_node(struct survey *survey)
{
	const char *host = survey->now.host;

	return host ? arena_copy(&survey->now.arena, bytes_make(host, strcspn(host, "."))) : NULL;
}

/* Where this node's guests are kept, as far as that can be looked at. */
static const char *find_pve_folder(struct survey *survey)
{
	struct buffer path = { 0 };
	const char *folder;

	if (survey->deferred || (survey->pve != PVE_WRITABLE && survey->pve != PVE_NO_QUORUM))
		return NULL;
	if (!survey->scan.node)
		return PVE_PATH;
	buffer_appendf(&path, "%s/nodes/%s", PVE_PATH, survey->scan.node);
	folder = path.failed ? NULL : arena_copy(&survey->now.arena, buffer_bytes(&path));
	buffer_done(&path);
	return folder;
}

static int look_for_pve(const struct context *context, const struct survey_options *options,
			struct survey *survey)
{
	unsigned int timeout_ms = options->pve_timeout_ms ? options->pve_timeout_ms
							  : PVE_LOOK_TIMEOUT_MS;
	int r;

	survey->scan.node = find_node(survey);
	r = pve_look(&context->root, survey->scan.node ? survey->scan.node : "", timeout_ms,
		     &survey->pve);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		survey->pve = PVE_HANGS;
	survey->deferred = survey->pve != PVE_ABSENT && context_has_deferred(context);
	survey->scan.pve_folder = find_pve_folder(survey);
	return 0;
}

static const struct source *find_owner(const char *path)
{
	for (size_t i = 0; sources[i]; i++)
		if (sources[i]->owns && sources[i]->owns(path))
			return sources[i];
	return NULL;
}

/* What /etc/pve held when it could last be looked at. */
static int remember_files(struct survey *survey)
{
	if (!survey->deferred && survey->pve != PVE_NOT_MOUNTED && survey->pve != PVE_HANGS)
		return 0;
	for (size_t i = 0; survey->has_newest && i < survey->newest.n_files; i++) {
		const struct snapshot_file *file = &survey->newest.files[i];
		const struct source *source = find_owner(file->path);
		struct document *document;
		int r;

		if (!source)
			continue;
		document = documents_add(&survey->documents, file->path);
		if (!document)
			return -ENOMEM;
		document->source = source;
		document->remembered = true;
		r = bytes_duplicate(bytes_make(file->data, file->size), &document->data);
		if (r == 0)
			r = file_attributes_copy(&file->attributes, &document->attributes);
		if (r < 0)
			return r;
		document->size = file->size;
	}
	return 0;
}

/* Without quorum all modes lack what may be written: that is no change of the file. */
static void set_modes_of_pve(struct survey *survey)
{
	for (size_t i = 0; i < survey->documents.n_items; i++) {
		struct document *document = survey->documents.items[i];

		if (document->source->owns && !document->unfit)
			document->attributes.mode |= 0200;
	}
}

/* Reads the managed files and puts what is parked back into them. */
static int read_files(const struct context *context, const struct survey_options *options,
		      struct survey *survey, struct problem *problem)
{
	struct resolution *resolution = &survey->resolution;
	int r = 0;

	survey->scan = (struct scan_context){ .root = &context->root,
					      .extra_globs = context->config.interfaces,
					      .n_extra_globs = context->config.n_interfaces,
					      .bind_globs = context->config.bind_scripts,
					      .n_bind_globs = context->config.n_bind_scripts };
	r = look_for_pve(context, options, survey);
	for (size_t i = 0; sources[i] && r == 0; i++)
		r = sources[i]->collect(sources[i], &survey->scan, &survey->documents, problem);
	if (r == 0)
		r = remember_files(survey);
	if (r < 0)
		return r;
	set_modes_of_pve(survey);
	resolution->subjects = calloc(survey->documents.n_items + survey->meanings.n_parked +
					      survey->meanings.n_turned_off + 1,
				      sizeof(struct subject));
	if (!resolution->subjects)
		return -ENOMEM;
	resolution->n_subjects = survey->documents.n_items;
	for (size_t i = 0; i < resolution->n_subjects && r == 0; i++) {
		resolution->subjects[i].document = survey->documents.items[i];
		r = put_back(survey, options, &resolution->subjects[i]);
	}
	if (r == 0)
		r = add_removed_files(survey, resolution->subjects, &resolution->n_subjects);
	if (r == 0)
		r = add_removed_switches(survey, resolution->subjects, &resolution->n_subjects);
	return r;
}

static bool is_of_this_boot(const struct survey *survey, const struct snapshot *snapshot)
{
	return snapshot->boot_id && strcmp(snapshot->boot_id, survey->now.boot_id) == 0;
}

/* Whether some file is not as it was when its mentions were recorded. */
static bool files_were_edited(const struct survey *survey)
{
	for (size_t i = 0; i < survey->documents.n_items; i++) {
		const struct document *document = survey->documents.items[i];
		const struct seen_file *seen =
			meanings_find_file(&survey->meanings, document->path);

		if (!document->unfit &&
		    (!seen || seen->digest != bytes_digest(document_disk_bytes(document),
							   BYTES_DIGEST_SEED)))
			return true;
	}
	return false;
}

/* An edited file may name what only an older snapshot knows (a backup that was put back). */
static int read_older(struct context *context, struct survey *survey)
{
	uint64_t id = survey->has_newest ? survey->newest.id : 0;
	size_t allocated = 0;

	while (id > 0) {
		struct snapshot snapshot = { 0 };
		struct problem ignored = { 0 };
		int r;

		r = ARRAY_RESERVE(survey->older, survey->n_older, allocated);
		if (r < 0)
			return r;
		r = store_load_before(&context->store, id, &snapshot, &ignored);
		problem_done(&ignored);
		if (r == -ENOMEM)
			return r;
		if (r <= 0)
			break;
		id = snapshot.id;
		survey->older[survey->n_older++] = snapshot;
	}
	survey->older_inventories = calloc(survey->n_older + 1, sizeof(*survey->older_inventories));
	if (!survey->older_inventories)
		return -ENOMEM;
	for (size_t i = 0; i < survey->n_older; i++)
		survey->older_inventories[i] = &survey->older[i].inventory;
	return 0;
}

/**
 * struct name_list - Names to look for, while they are collected
 */
struct name_list {
	const char **names;
	size_t n_names;
	size_t allocated;
};

static int add_name(struct name_list *list, const char *name)
{
	int r = ARRAY_RESERVE(list->names, list->n_names, list->allocated);

	if (r == 0)
		list->names[list->n_names++] = name;
	return r;
}

static int add_inventory_names(struct name_list *list, const struct inventory *inventory)
{
	int r = 0;

	for (size_t i = 0; i < inventory->n_nics && r == 0; i++) {
		r = add_name(list, inventory->nics[i].name);
		for (size_t j = 0; j < inventory->nics[i].n_altnames && r == 0; j++)
			r = add_name(list, inventory->nics[i].altnames[j]);
	}
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every name that some NIC has or had, as far as it can matter. */
static int collect_names(struct survey *survey)
{
	struct name_list list = { 0 };
	size_t kept = 0;
	int r;

	r = add_inventory_names(&list, &survey->now);
	if (r == 0)
		r = add_inventory_names(&list, survey->settled_inventory);
	if (r == 0)
		r = add_inventory_names(&list, survey->baseline_inventory);
	for (size_t i = 0; i < survey->n_older && r == 0; i++)
		r = add_inventory_names(&list, survey->older_inventories[i]);
	for (size_t i = 0; i < survey->meanings.n_mentions && r == 0; i++)
		r = add_name(&list, survey->meanings.mentions[i].text);
	for (size_t i = 0; i < survey->meanings.n_parked && r == 0; i++) {
		const struct parked_text *parked = &survey->meanings.parked[i];

		for (size_t j = 0; j < parked->n_mentions && r == 0; j++) {
			const char *name =
				arena_copy(&survey->meanings.arena,
					   bytes_make(parked->original + parked->mentions[j].offset,
						      parked->mentions[j].length));

			r = name ? add_name(&list, name) : -ENOMEM;
		}
	}
	if (r < 0) {
		free(list.names);
		return r;
	}
	if (list.n_names)
		qsort(list.names, list.n_names, sizeof(*list.names), compare_names);
	for (size_t i = 0; i < list.n_names; i++)
		if (kept == 0 || strcmp(list.names[kept - 1], list.names[i]) != 0)
			list.names[kept++] = list.names[i];
	survey->names = list.names;
	survey->n_names = kept;
	return 0;
}

/* No machine has so many devices for guests; a state that holds them all could not be read. */
#define ENTRIES_MAX 4096

static void leave_overfull_files(struct survey *survey)
{
	for (size_t i = 0; i < survey->documents.n_items; i++) {
		struct document *document = survey->documents.items[i];

		if ((!is_bind_source(document->source) && !document->source->is_guest) ||
		    document->n_references <= ENTRIES_MAX)
			continue;
		document_clear_scan(document);
		document->unfit = "names more than 4096 devices";
	}
}

/* Whether a person says that a guest's mentions mean what is there now. */
static bool is_released(const void *data, const char *owner)
{
	const struct survey_options *options = data;

	for (size_t i = 0; i < options->n_release; i++)
		if (strcmp(options->release[i], owner) == 0)
			return true;
	return false;
}

/* A hold of which nothing is on record stands for a device that nobody knows. */
static void doubt_unknown_holds(const struct survey *survey, struct subject *subject)
{
	const struct document *document = subject->document;

	if (meanings_find_file(&survey->meanings, document->path))
		return;
	for (size_t i = 0; i < document->n_references; i++)
		if (subject->bindings[i].origin == ORIGIN_NEW &&
		    !(survey->past.adopted && survey->past.adopted(survey->past.adopted_data,
								   document->references[i].owner)))
			subject->bindings[i] = (struct binding){ .unit = MEANS_NOBODY,
								 .origin = ORIGIN_AMBIGUOUS };
}

static int bind_files(struct survey *survey, const struct survey_options *options)
{
	struct name_set names = { survey->names, survey->n_names };
	int r = 0;

	for (size_t i = 0; sources[i] && r == 0; i++)
		r = sources[i]->scan(sources[i], &survey->scan, &survey->documents, &names);
	leave_overfull_files(survey);
	survey->past = (struct past){ .settled = &survey->settled_match,
				      .baseline = survey->has_newest && !survey->no_baseline
							  ? &survey->baseline_match
							  : NULL,
				      .older = survey->older_inventories,
				      .n_older = survey->n_older,
				      .first = !survey->has_newest,
				      .adopt = options->adopt,
				      .adopted = options->n_release ? is_released : NULL,
				      .adopted_data = options };
	for (size_t i = 0; i < survey->resolution.n_subjects && r == 0; i++) {
		struct subject *subject = &survey->resolution.subjects[i];

		r = meanings_bind(&survey->meanings, subject->document, subject->back,
				  subject->n_back, &survey->past, &subject->bindings);
		if (r == 0 && subject->was_held)
			doubt_unknown_holds(survey, subject);
	}
	return r;
}

static void set_bind_policy(const struct config *config, struct policy *policy)
{
	policy->binds = BINDS_REPORT;
	policy->why_no_binds = policy->why_not;
	if (policy->why_no_binds)
		return;
	switch (config->stale_binds) {
	case STALE_BINDS_RELOCATE:
		policy->binds = BINDS_RELOCATE;
		break;
	case STALE_BINDS_REPORT:
		policy->why_no_binds = "StaleBinds=report";
		break;
	case STALE_BINDS_DISABLE:
	default:
		policy->binds = BINDS_DISABLE;
		break;
	}
}

static void set_guest_policy(const struct context *context, const struct survey_options *options,
			     const struct survey *survey, struct policy *policy)
{
	static const enum guest_policy guests[_AUTOSTART_POLICY_MAX] = {
		[AUTOSTART_BLOCK] = GUESTS_BLOCK,
		[AUTOSTART_HOLD] = GUESTS_HOLD,
		[AUTOSTART_RELOCATE] = GUESTS_RELOCATE,
		[AUTOSTART_REPORT] = GUESTS_REPORT,
	};

	policy->guests = guests[context->config.autostart];
	policy->why_no_guests = policy->why_not;
	if (policy->why_no_guests)
		policy->guests = GUESTS_REPORT;
	else if (policy->guests == GUESTS_REPORT)
		policy->why_no_guests = "Autostart=report";
	policy->has_start_hook = root_exists(&context->root, START_HOOK_PATH);
	policy->release_protected = options->release_protected;
	policy->only_guests = options->scope == SCOPE_GUESTS;
	if (options->scope == SCOPE_HOST)
		policy->why_not_pve = "the guests stage does that";
	else if (survey->pve != PVE_WRITABLE)
		policy->why_not_pve = pve_state_to_string(survey->pve);
}

static void set_policy(const struct context *context, const struct survey_options *options,
		       struct survey *survey)
{
	const struct config *config = &context->config;
	struct policy *policy = &survey->policy;

	survey->undone = options->honour_undone && survey->has_newest && survey->meanings.undone &&
			 inventory_same_hardware(&survey->newest.inventory, &survey->now);
	*policy = (struct policy){ .replaced_nic = config->replaced_nic == REPLACED_NIC_REMAP,
				   .restore = config->restore,
				   .by_hand = !options->honour_undone,
				   .allow = config->allow,
				   .n_allow = config->n_allow };
	if (options->only_look)
		policy->why_not = "a snapshot edits nothing";
	else if (config->mode != MODE_AUTO)
		policy->why_not = config->mode == MODE_OFF ? "Mode=off" : "Mode=report";
	policy->no_release = policy->why_not != NULL;
	set_bind_policy(config, policy);
	set_guest_policy(context, options, survey, policy);
	if (policy->why_not)
		return;
	if (config->network == NETWORK_REPORT)
		policy->why_not = "Network=report";
	else if (survey->undone)
		policy->why_not = "a rollback undid it; `hwrecover apply` does it";
	policy->network = !policy->why_not;
}

/*
 * A function that a driver for guests holds by mistake is recorded with its own driver: a mistake
 * that is not mended at once must not become what it always was.
 */
static int record_own_drivers(struct survey *survey)
{
	for (size_t i = 0; i < survey->plan.n_actions; i++) {
		const struct plan_action *action = &survey->plan.actions[i];
		struct pci_function *function;
		const struct pci_function *found;

		if (action->kind != ACTION_RELEASE)
			continue;
		found = inventory_find_function(&survey->now, &action->address);
		if (!found)
			continue;
		function = &survey->now.functions[found - survey->now.functions];
		function->driver = arena_copy_text(&survey->now.arena, action->driver);
		if (action->driver && !function->driver)
			return -ENOMEM;
	}
	return 0;
}

static int resolve_and_plan(struct survey *survey, struct problem *problem)
{
	struct name_set names = { survey->names, survey->n_names };
	int r;

	resolution_clear(&survey->resolution);
	r = resolve(&survey->resolution, &survey->policy);
	if (r < 0)
		return r;
	return plan_make(&survey->resolution, &survey->scan, &names, &survey->policy, &survey->plan,
			 problem);
}

static bool is_relocated(const struct subject *subject)
{
	for (size_t i = 0; i < subject->document->n_references; i++)
		if (subject->findings[i].verdict == VERDICT_REMAP)
			return true;
	return false;
}

/* Whether a guest that is off could be let through again, as its devices are there. */
static bool would_return(const struct survey *survey)
{
	const struct resolution *resolution = &survey->resolution;

	for (size_t i = 0; i < resolution->n_guests; i++) {
		const struct guest_verdict *verdict = &resolution->guests[i];

		if (verdict->affected)
			continue;
		if (resolution->subjects[verdict->subject].was_held ||
		    is_relocated(&resolution->subjects[verdict->subject]))
			return true;
		for (size_t j = 0; j < survey->meanings.n_turned_off; j++)
			if (strcmp(survey->meanings.turned_off[j].guest, verdict->id) == 0)
				return true;
	}
	return false;
}

/* The functions that mentions of guests mean. */
static void mark_guests_functions(const struct survey *survey, bool *marks)
{
	const struct resolution *resolution = &survey->resolution;

	for (size_t i = 0; i < resolution->n_subjects; i++) {
		const struct subject *subject = &resolution->subjects[i];
		const struct document *document = subject->document;

		for (size_t j = 0; document->source->is_guest && j < document->n_references; j++) {
			size_t unit = subject->bindings[j].unit;
			const struct pci_function *now;

			if (document->references[j].kind != REFERENCE_ADDRESS ||
			    unit == MEANS_NOBODY || resolution->pairings[unit].fate != FATE_FOUND)
				continue;
			now = &survey->now.functions[resolution->pairings[unit].index];
			for (size_t k = 0; k < survey->now.n_functions; k++)
				marks[k] |= pci_address_same_device(
					&survey->now.functions[k].address, &now->address);
		}
	}
}

/* What the host does with the functions that guests are to be let through to again. */
static int look_at_host_uses(const struct context *context, struct survey *survey)
{
	size_t n = survey->now.n_functions, size = 0;
	_cleanup_free_ bool *marks = calloc(n + 1, sizeof(bool));
	_cleanup_free_ char *pools = NULL;
	int r;

	survey->host_uses = calloc(n + 1, sizeof(*survey->host_uses));
	if (!marks || !survey->host_uses)
		return -ENOMEM;
	r = pools_list(&context->root, &pools, &size);
	if (r < 0)
		return r;
	mark_guests_functions(survey, marks);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *text = NULL;

		if (!marks[i])
			continue;
		r = host_use_find(&context->root, bytes_make(pools, size), &survey->now, i, &text);
		if (r == 0)
			continue;
		survey->host_uses[i] =
			arena_copy_text(&survey->now.arena, r > 0 ? text : "that cannot be told");
		if (!survey->host_uses[i])
			return -ENOMEM;
	}
	return 0;
}

static unsigned int count_rejected(const struct survey *survey)
{
	unsigned int n = 0;

	for (size_t i = 0; i < survey->documents.n_items; i++)
		n += survey->documents.items[i]->source->is_shell &&
		     survey->documents.items[i]->rejected != NULL;
	return n;
}

int survey_plan_again(struct survey *survey, struct problem *problem)
{
	int r;

	plan_done(&survey->plan);
	r = resolve_and_plan(survey, problem);
	if (r == 0)
		survey->plan.baseline = survey->baseline_id;
	return r;
}

static int make_plan(const struct context *context, const struct survey_options *options,
		     struct survey *survey, struct problem *problem)
{
	unsigned int n_rejected = count_rejected(survey);
	int r;

	survey->resolution.meanings = &survey->meanings;
	survey->resolution.past = &survey->past;
	set_policy(context, options, survey);
	r = resolve_and_plan(survey, problem);
	/* What the host has in its hands is asked only of a machine, and only if it matters. */
	if (r == 0 && context->root.live && !context->invocation->inventory_file &&
	    would_return(survey)) {
		r = look_at_host_uses(context, survey);
		survey->policy.host_uses = survey->host_uses;
		plan_done(&survey->plan);
		if (r == 0)
			r = resolve_and_plan(survey, problem);
	}
	/* A script that the shell rejects is left; everything else is done. */
	if (r == 0 && validate_scripts(survey) > n_rejected) {
		plan_done(&survey->plan);
		r = resolve_and_plan(survey, problem);
	}
	if (r == 0)
		survey->plan.baseline = survey->baseline_id;
	if (r == 0 && options->scope == SCOPE_ALL && (survey->plan.pending || survey->deferred))
		r = plan_warn(&survey->plan, "%s is %s: what has to be done there is not done",
			      PVE_PATH, pve_state_to_string(survey->pve));
	return r == 0 ? record_own_drivers(survey) : r;
}

/*
 * Where no baseline was ever taken, an earlier boot stands in for it, not the one that runs: what
 * that one found on its way is no measure of itself.
 */
static int stand_in_for_baseline(struct context *context, struct survey *survey)
{
	uint64_t id = survey->newest.id;

	if (!survey->has_newest || survey->has_baseline || !survey->now.boot_id)
		return 0;
	if (!is_of_this_boot(survey, &survey->newest))
		return 0;
	survey->no_baseline = true;
	while (survey->no_baseline) {
		struct snapshot snapshot = { 0 };
		struct problem ignored = { 0 };
		int r = store_load_before(&context->store, id, &snapshot, &ignored);

		problem_done(&ignored);
		if (r <= 0)
			return r == -ENOMEM ? r : 0;
		id = snapshot.id;
		survey->no_baseline = is_of_this_boot(survey, &snapshot);
		if (survey->no_baseline) {
			snapshot_done(&snapshot);
			continue;
		}
		snapshot_done(&survey->baseline);
		survey->baseline = snapshot;
		survey->baseline_inventory = &survey->baseline.inventory;
	}
	return 0;
}

/*
 * Back on the machine that bind entries are meant on: what its hardware was is in its own
 * snapshots, not in those that were taken elsewhere since.
 */
static int come_home(struct context *context, struct survey *survey)
{
	const char *home = survey->meanings.home, *here = survey->now.machine;
	uint64_t id = survey->has_newest ? survey->newest.id : 0;

	if (!home || !here || strcmp(home, here) != 0)
		return 0;
	while (id > 0) {
		struct snapshot snapshot = { 0 };
		struct problem ignored = { 0 };
		int r = store_load_before(&context->store, id, &snapshot, &ignored);

		problem_done(&ignored);
		if (r <= 0)
			return r == -ENOMEM ? r : 0;
		id = snapshot.id;
		if (snapshot.inventory.machine && strcmp(snapshot.inventory.machine, home) == 0) {
			snapshot_done(&survey->settled);
			survey->settled = snapshot;
			survey->settled_inventory = &survey->settled.inventory;
			return 0;
		}
		snapshot_done(&snapshot);
	}
	return 0;
}

static int look(struct context *context, const struct survey_options *options,
		struct survey *survey, struct problem *problem)
{
	int r = 0;

	if (options->early && context->root.live && survey->has_newest)
		r = late_links_fill(&survey->now, &survey->newest.inventory);
	if (r == 0)
		r = stand_in_for_baseline(context, survey);
	if (r == 0)
		r = come_home(context, survey);
	if (r == 0)
		r = compare_hardware(context, survey);
	if (r == 0)
		r = read_files(context, options, survey, problem);
	if (r == 0 && survey->has_newest && files_were_edited(survey))
		r = read_older(context, survey);
	if (r == 0)
		r = protection_look(context, options, survey);
	if (r == 0)
		r = collect_names(survey);
	if (r == 0)
		r = bind_files(survey, options);
	if (r == 0)
		r = make_plan(context, options, survey, problem);
	return r;
}

int survey_begin(struct context *context, uint64_t id, struct survey *ret_survey,
		 struct problem *problem)
{
	int r;

	*ret_survey = (struct survey){ 0 };
	r = read_state(context, id, ret_survey, problem);
	if (r < 0)
		survey_done(ret_survey);
	return r;
}

int survey_finish(struct context *context, const struct survey_options *options,
		  struct inventory *inventory, struct survey *survey, struct problem *problem)
{
	int r;

	survey->now = *inventory;
	*inventory = (struct inventory){ 0 };
	r = look(context, options, survey, problem);
	if (r < 0)
		survey_done(survey);
	return r;
}

int survey_take(struct context *context, const struct survey_options *options,
		struct survey *ret_survey, struct problem *problem)
{
	struct inventory inventory = { 0 };
	int r;

	r = survey_read_inventory(context, options->details, &inventory, problem);
	if (r < 0)
		return r;
	r = survey_begin(context, 0, ret_survey, problem);
	if (r < 0) {
		inventory_done(&inventory);
		return r;
	}
	return survey_finish(context, options, &inventory, ret_survey, problem);
}
