/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of the image that name devices: read, judged by the rules of the running system, edited. */
#include "agent/guard/guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "recovery/sources/address-token.h"
#include "recovery/sources/bind.h"

/* Most folders of scripts, and most files of the image that are kept. */
#define FOLDERS_MAX 64
#define FILES_MAX   1024

/**
 * struct folder - A folder of the image
 * @image: where it is in the image
 * @known: where the running system has what was copied from
 */
struct folder {
	const char *image;
	const char *known;
	const struct source *source;
	const char *suffix;
};

/* The list of a folder's scripts: /init is reading that of ours. */
static bool is_order(const char *name)
{
	return strcmp(name, "ORDER") == 0;
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t size = strlen(name), end = strlen(suffix);

	return size > end && strcmp(name + size - end, suffix) == 0;
}

/* Whether the manifest knows of something in a file. */
static bool is_known(const struct guard *guard, const char *path)
{
	return meanings_find_file(&guard->manifest.meanings, path) != NULL;
}

/* Whether a file can matter at all: most scripts of an image name no device. */
static bool names_devices(const struct guard *guard, const char *path, struct bytes text)
{
	static const char *const words[] = { "ids=", "new_id" };
	struct address_token token;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (bytes_find(text, words[i]))
			return true;
	return is_known(guard, path) || address_token_next(text, 0, &token);
}

static int add_document(struct guard *guard, const struct folder *folder, const char *path,
			char **data, size_t size, struct file_attributes *attributes)
{
	struct document *document;
	const char *image;

	if (guard->documents.n_items >= FILES_MAX)
		return 0;
	document = documents_add(&guard->documents, path);
	if (!document)
		return -ENOMEM;
	document->source = folder->source;
	document->data = TAKE_PTR(*data);
	document->size = size;
	document->attributes = *attributes;
	document->in_image = true;
	*attributes = (struct file_attributes){ 0 };
	image = arena_copy_text(&document->arena, folder->image);
	if (!image || ARRAY_RESERVE(guard->folders, guard->documents.n_items - 1,
				    guard->folders_allocated) < 0)
		return -ENOMEM;
	guard->folders[guard->documents.n_items - 1] = image;
	return 0;
}

static int read_file(struct guard *guard, const struct folder *folder, int dir_fd, const char *name)
{
	_cleanup_(file_attributes_done) struct file_attributes attributes = { 0 };
	_cleanup_free_ char *data = NULL;
	char path[PATH_MAX];
	size_t size;
	int n, r;

	n = snprintf(path, sizeof(path), "%s/%s", folder->known, name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return 0;
	r = file_read_managed_at(dir_fd, name, MANAGED_FILE_MAX, &data, &size, &attributes);
	if (r == -ENOMEM)
		return r;
	if (r < 0 && is_known(guard, path))
		guard_say(guard, &(struct guard_entry){ .deed = GUARD_LEFT, .path = path },
			  "the image's copy cannot be read: %s", strerror(-r));
	if (r < 0 || !names_devices(guard, path, bytes_make(data, size)))
		return 0;
	return add_document(guard, folder, path, &data, size, &attributes);
}

static int read_folder(struct guard *guard, const struct folder *folder)
{
	int fd = root_open_directory(&guard->root, folder->image, 0), r = 0;
	struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && !is_order(entry->d_name) &&
		    (!folder->suffix || ends_in(entry->d_name, folder->suffix)))
			r = read_file(guard, folder, dirfd(dir), entry->d_name);
	(void)closedir(dir);
	return r;
}

/* Each stage of the boot has its folder of scripts. */
static int read_scripts(struct guard *guard)
{
	int fd = root_open_directory(&guard->root, "/scripts", 0), r = 0;
	struct dirent *entry;
	unsigned int n = 0;
	DIR *dir;

	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return -ENOMEM;
	}
	while (r == 0 && n < FOLDERS_MAX && (entry = readdir(dir))) {
		char image[sizeof("/scripts/") + NAME_MAX];
		char known[sizeof("/etc/initramfs-tools/scripts/") + NAME_MAX];
		const struct folder folder = { image, known, &bind_script_source, NULL };

		if (entry->d_name[0] == '.' || entry->d_type == DT_REG)
			continue;
		(void)snprintf(image, sizeof(image), "/scripts/%s", entry->d_name);
		(void)snprintf(known, sizeof(known), "/etc/initramfs-tools/scripts/%s",
			       entry->d_name);
		n++;
		r = read_folder(guard, &folder);
	}
	(void)closedir(dir);
	return r;
}

static int put_back(struct guard *guard)
{
	struct resolution *resolution = &guard->resolution;
	int r = 0;

	resolution->subjects = calloc(guard->documents.n_items + 1, sizeof(struct subject));
	if (!resolution->subjects)
		return -ENOMEM;
	resolution->n_subjects = guard->documents.n_items;
	for (size_t i = 0; i < resolution->n_subjects && r == 0; i++) {
		struct subject *subject = &resolution->subjects[i];

		subject->document = guard->documents.items[i];
		r = park_undo(&guard->manifest.meanings, subject->document, &subject->back,
			      &subject->n_back);
	}
	return r;
}

int guard_read_image(struct guard *guard)
{
	static const struct folder folders[] = {
		{ "/etc/modprobe.d", "/etc/modprobe.d", &modprobe_source, ".conf" },
		{ "/lib/udev/rules.d", "/etc/udev/rules.d", &udev_rules_source, ".rules" },
	};
	static const struct source *const sources_here[] = { &bind_script_source, &modprobe_source,
							     &udev_rules_source };
	const struct scan_context context = { .root = &guard->root };
	const struct name_set names = { NULL, 0 };
	int r;

	r = read_scripts(guard);
	for (size_t i = 0; i < ARRAY_SIZE(folders) && r == 0; i++)
		r = read_folder(guard, &folders[i]);
	if (r == 0)
		r = put_back(guard);
	for (size_t i = 0; i < ARRAY_SIZE(sources_here) && r == 0; i++)
		r = sources_here[i]->scan(sources_here[i], &context, &guard->documents, &names);
	return r;
}

static bool is_occupied(const struct guard *guard, const struct pci_address *address)
{
	for (size_t i = 0; i < guard->now.n_functions; i++)
		if (pci_address_same_device(&guard->now.functions[i].address, address))
			return true;
	return false;
}

/*
 * Whether an entry takes nobody, and may yet take what it means: what is behind a VMD controller or
 * a Thunderbolt port is only there when their drivers are.
 */
static bool may_come_yet(const struct guard *guard, const struct subject *subject, size_t i)
{
	const struct binding *binding = &subject->bindings[i];

	return !binding->parked && binding->unit != MEANS_NOBODY &&
	       guard->resolution.pairings[binding->unit].fate == FATE_GONE &&
	       !guard->match.other_machine &&
	       !is_occupied(guard, &subject->document->references[i].address);
}

static int render(const struct guard *guard, const struct subject *subject,
		  struct rendered *ret_rendered)
{
	size_t n = subject->document->n_references;
	_cleanup_free_ struct treatment *treatments = calloc(n + 1, sizeof(*treatments));

	if (!treatments)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		treatments[i].park = subject->findings[i].verdict == VERDICT_PARK &&
				     !may_come_yet(guard, subject, i);
		treatments[i].new_name = subject->findings[i].new_name;
	}
	return park_render(subject->document, treatments, ret_rendered);
}

/* What is done to one file. */
enum outcome {
	OUTCOME_NONE, /* it is as it has to be */
	OUTCOME_EDITED,
	OUTCOME_SWITCHED_OFF, /* it is not run in this boot */
	OUTCOME_FAILED,
};

/* The file is the old one or the new one, wherever we are stopped. */
static int replace(const struct guard *guard, size_t index, struct bytes text, mode_t mode)
{
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;
	const struct document *document = guard->documents.items[index];
	const char *name = strrchr(document->path, '/') + 1;
	struct file_attributes attributes = document->attributes;
	const struct file_contents was = { .bytes = document_disk_bytes(document) };
	_cleanup_close_ int dir_fd = root_open_directory(&guard->root, guard->folders[index], 0);
	int r;

	if (dir_fd < 0)
		return dir_fd;
	attributes.mode = mode;
	r = file_stage_at(dir_fd, name, text, &attributes, true, &staged);
	return r < 0 ? r : staged_file_commit(&staged, &was);
}

static enum outcome conclude(struct guard *guard, size_t index, int r, enum outcome outcome)
{
	const struct guard_entry left = { .deed = GUARD_LEFT,
					  .path = guard->documents.items[index]->path };

	if (r > 0)
		return outcome;
	guard_say(guard, &left, "the image's copy cannot be replaced: %s", strerror(-r));
	return OUTCOME_FAILED;
}

/* Whether the file would take a device that the host needs, and no edit can keep it from that. */
static bool threatens(const struct subject *subject)
{
	for (size_t i = 0; i < subject->document->n_references; i++)
		if (subject->findings[i].protects && subject->findings[i].verdict != VERDICT_PARK)
			return true;
	return false;
}

static bool is_acceptable(const struct guard *guard, const struct subject *subject,
			  const struct rendered *rendered, struct problem *problem)
{
	const struct scan_context context = { .root = &guard->root };
	struct document *document = subject->document;
	const struct documents documents = { .items = &document, .n_items = 1 };
	const struct bytes text = bytes_make(rendered->text, rendered->size);

	return document->source->check(document->source, &context, &documents, &text, problem) >= 0;
}

/* /init runs its scripts one by one, so one that is not executable is passed over. */
static enum outcome switch_off(struct guard *guard, size_t index)
{
	const struct document *document = guard->documents.items[index];
	mode_t mode = document->attributes.mode & ~(mode_t)0111;

	if (!document->source->is_shell)
		return OUTCOME_FAILED;
	return conclude(guard, index, replace(guard, index, document_disk_bytes(document), mode),
			OUTCOME_SWITCHED_OFF);
}

static enum outcome edit(struct guard *guard, size_t index, const struct rendered *rendered)
{
	const struct subject *subject = &guard->resolution.subjects[index];
	const struct document *document = subject->document;
	struct bytes text = bytes_make(rendered->text, rendered->size);
	_cleanup_(problem_done) struct problem problem = { 0 };

	if (threatens(subject))
		return switch_off(guard, index);
	if (bytes_equal(document_disk_bytes(document), text))
		return OUTCOME_NONE;
	if (is_acceptable(guard, subject, rendered, &problem))
		return conclude(guard, index,
				replace(guard, index, text, document->attributes.mode),
				OUTCOME_EDITED);
	guard_say(guard, &(struct guard_entry){ .deed = GUARD_LEFT, .path = document->path },
		  "it cannot be edited: %s", problem.text ? problem.text : "no memory");
	return switch_off(guard, index);
}

/* What became of one mention. Return: whether there is something to say. */
static bool judge(const struct subject *subject, const struct rendered *rendered, size_t i,
		  enum outcome outcome, enum guard_deed *ret_deed)
{
	const struct finding *finding = &subject->findings[i];
	bool was = subject->bindings[i].parked;
	/* What a script is switched off for stays where it is. */
	bool off = subject->document->references[i].shape == PARK_SCRIPT &&
		   finding->verdict == VERDICT_PARK;
	bool will_be = outcome == OUTCOME_SWITCHED_OFF || off || rendered->out_of_force[i];
	bool changes = was != will_be || (!will_be && finding->new_name);

	*ret_deed = GUARD_LEFT;
	if (!changes || outcome == OUTCOME_FAILED)
		return changes || finding->warn;
	*ret_deed = was == will_be ? GUARD_RELOCATED : will_be ? GUARD_DISARMED : GUARD_ARMED;
	return true;
}

static void tell(struct guard *guard, const struct subject *subject,
		 const struct rendered *rendered, enum outcome outcome)
{
	const struct document *document = subject->document;

	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *reference = &document->references[i];
		const char *reason = subject->findings[i].reason;
		struct guard_entry entry = { .path = document->path,
					     .line = reference->line,
					     .has_address = true,
					     .address = reference->address };

		if (!judge(subject, rendered, i, outcome, &entry.deed))
			continue;
		guard_say(guard, &entry, "%s%s",
			  reason ? reason : "stands in the same place as another entry",
			  outcome == OUTCOME_SWITCHED_OFF ? "; the whole script is not run" : "");
	}
}

static int treat(struct guard *guard, size_t index)
{
	const struct subject *subject = &guard->resolution.subjects[index];
	_cleanup_(rendered_done) struct rendered rendered = { 0 };
	int r = render(guard, subject, &rendered);

	if (r == 0)
		tell(guard, subject, &rendered, edit(guard, index, &rendered));
	return r;
}

int guard_edit_image(struct guard *guard)
{
	struct resolution *resolution = &guard->resolution;
	int r = 0;

	for (size_t i = 0; i < resolution->n_subjects && r == 0; i++) {
		struct subject *subject = &resolution->subjects[i];

		r = meanings_bind(&guard->manifest.meanings, subject->document, subject->back,
				  subject->n_back, &guard->past, &subject->bindings);
	}
	resolution->meanings = &guard->manifest.meanings;
	resolution->past = &guard->past;
	if (r == 0)
		r = resolve(resolution, &guard->policy);
	for (size_t i = 0; i < resolution->n_subjects && r == 0; i++)
		r = treat(guard, i);
	return r;
}
