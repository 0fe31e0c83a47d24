/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine in memory: its NICs, its files and what their mentions mean, taken from boot to boot
 * by the recovery core alone. What agent/survey.c and agent/commit.c do around it is done here in
 * short.
 */
#pragma once

#include <check.h>
#include <errno.h>

#include "recovery/guest-render.h"
#include "recovery/plan.h"
#include "recovery/sources/bind.h"
#include "recovery/sources/interfaces.h"
#include "recovery/sources/libvirt.h"
#include "recovery/sources/pve.h"
#include "snapshot/protected.h"
#include "tests/unit/tree.h"

#define INTERFACES   "/etc/network/interfaces"
#define NETWORKING   "/etc/default/networking"
#define BIND_SCRIPT  "/etc/initramfs-tools/scripts/init-top/vfio.sh"
#define DRIVERCTL    "/etc/driverctl.d/pci-"
#define MODPROBE     "/etc/modprobe.d/vfio.conf"
#define COMMAND_LINE "/etc/kernel/cmdline"
#define NODE         "pve1"
#define QEMU         "/etc/pve/nodes/" NODE "/qemu-server/"
#define LXC          "/etc/pve/nodes/" NODE "/lxc/"
#define MAPPINGS     "/etc/pve/mapping/pci.cfg"
#define RESOURCES    "/etc/pve/ha/resources.cfg"

#define WORLD_FILES 8
#define WORLD_PAST  8

/**
 * struct world_file - A file of the disk; not there while @data is NULL
 * @unfit: as in struct document
 */
struct world_file {
	char *path;
	const struct source *source;
	const char *unfit;
	char *data;
	size_t size;
};

/**
 * struct world - What is there between two boots
 * @recorded: what was recorded last; @first: nothing was yet
 * @settled:  the hardware it was recorded with
 * @baseline: the hardware of the baseline
 * @older:    further inventories, newest first
 * @adopt, @restore, @release: as the commands say: `snapshot --adopt`, `restore FILE`, `release
 *            GUEST`
 * @remembered: /etc/pve is not there: its files are as they were last seen
 */
struct world {
	struct world_file files[WORLD_FILES];
	size_t n_files;
	struct meanings recorded;
	bool first;
	struct inventory settled;
	struct inventory baseline;
	const struct inventory *older[WORLD_PAST];
	size_t n_older;
	bool adopt;
	const char *restore;
	const char *release;
	bool remembered;
};

/**
 * struct look - One look at the world
 * @result: what plan_make() said
 */
struct look {
	struct inventory now;
	struct meanings meanings;
	struct documents documents;
	struct match settled;
	struct match baseline;
	struct past past;
	const char **names;
	size_t n_names;
	struct scan_context context;
	struct policy policy;
	struct resolution resolution;
	struct plan plan;
	int result;
	struct problem problem;
};

static const struct policy world_policy = { .network = true,
					    .replaced_nic = true,
					    .restore = true };

static inline const char *world_word(struct arena *arena, const char **at)
{
	size_t length = strcspn(*at, " ,=@/?!:#%*+^&");
	const char *word = arena_copy(arena, bytes_make(*at, length));

	ck_assert_ptr_nonnull(word);
	*at += length;
	return word;
}

/* "06", "06.1", "10000-06.1" */
static inline struct pci_address world_address(const char *word)
{
	const char *domain = strchr(word, '-'), *function = strchr(word, '.');

	return (struct pci_address){
		.domain = domain ? (uint32_t)strtoul(word, NULL, 16) : 0,
		.bus = (uint8_t)strtoul(domain ? domain + 1 : word, NULL, 16),
		.function = function ? (uint8_t)strtoul(function + 1, NULL, 16) : 0,
	};
}

static inline struct pci_function *world_add_function(struct inventory *inventory, const char *word)
{
	struct pci_function *function = inventory_add_function(inventory);

	ck_assert_ptr_nonnull(function);
	function->address = world_address(word);
	function->vendor = 0x8086;
	function->device = 0x1521;
	function->class = 0x020000;
	return function;
}

/* Of a function in a slot; both may be an address, of which the bus or the function counts. */
static inline const char *world_path(struct arena *arena, const char *slot, unsigned int function)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "pci0000:00/%.*s.0/00.%u", (int)strcspn(slot, "."), slot,
		       function);
	return arena_copy_text(arena, text);
}

static inline const char *world_serial(struct arena *arena, const char *last)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "52-54-00-ff-ff-00-00-%s", last);
	return arena_copy_text(arena, text);
}

/* What follows a mark of world_hardware() about the function. */
static inline void world_set_function(struct arena *arena, struct pci_function *function, char mark,
				      const char **at)
{
	const char *word;

	ck_assert_ptr_nonnull(function);
	if (mark == '!') {
		function->vendor = function->device = 0xffff;
		function->class = 0xffffff;
		return;
	}
	word = world_word(arena, at);
	if (mark == ':')
		function->driver = word;
	else if (mark == '+')
		function->iommu_group = (int)strtol(word, NULL, 10);
	else if (mark == '^')
		function->class = (uint32_t)strtoul(word, NULL, 16);
	else if (mark == '#')
		function->serial = world_serial(arena, word);
	else if (mark == '%')
		function->device = (uint16_t)strtoul(word, NULL, 16);
	else if (mark == '*')
		function->protected = strcmp(word, "display") == 0 ? PROTECTED_DISPLAY : word;
	else if (mark == '&') {
		function->has_physfn = true;
		function->physfn = world_address(word);
	} else
		function->path = world_path(arena, word, function->address.function);
}

static inline struct nic *world_add_link(struct inventory *inventory, const char *name)
{
	struct nic *nic = inventory_add_nic(inventory);

	ck_assert_ptr_nonnull(nic);
	nic->name = name;
	nic->settled = true;
	nic->port = UNKNOWN;
	return nic;
}

static inline void world_set_link(struct arena *arena, struct nic *nic, char mark, const char **at)
{
	char text[64];

	ck_assert_ptr_nonnull(nic);
	if (mark == '?') {
		nic->settled = false;
	} else if (mark == ',') {
		nic->altnames = arena_allocate(arena, sizeof(*nic->altnames));
		ck_assert_ptr_nonnull(nic->altnames);
		nic->altnames[nic->n_altnames++] = world_word(arena, at);
	} else {
		(void)snprintf(text, sizeof(text), "02:00:00:00:00:%s", world_word(arena, at));
		nic->mac = strchr(text, '-') ? NULL : arena_copy_text(arena, text);
	}
}

/* One word of world_hardware(); leaves @at behind it. */
static inline void world_add_nic(struct inventory *inventory, const char **at)
{
	struct arena *arena = &inventory->arena;
	const char *name = world_word(arena, at);
	struct nic *nic = strcmp(name, "-") == 0 ? NULL : world_add_link(inventory, name);
	struct pci_function *function = NULL;

	while (**at && **at != ' ') {
		char mark = *(*at)++;

		if (mark == '@') {
			const char *bus = world_word(arena, at);

			function = world_add_function(inventory, bus);
			function->path = world_path(arena, bus, function->address.function);
		} else if (strchr(",=?", mark)) {
			world_set_link(arena, nic, mark, at);
		} else {
			world_set_function(arena, function, mark, at);
		}
	}
	if (nic && function) {
		nic->has_pci = true;
		nic->pci = function->address;
		nic->port = 0;
	}
}

/*
 * NICs, all of one model, by blanks: NAME[,ALTNAME][=MAC][@[DOMAIN-]BUS[.FUNCTION][/SLOT]][?] and
 * for the function [!][%DEVICE][^CLASS][#SERIAL][:DRIVER][+GROUP][&PHYSFN][*REASON]. A MAC and a
 * serial are their last byte, unknown without; the path goes by the slot, which is the bus where
 * none is given; without a bus a NIC stands on no function. "-" for a name: a function without a
 * link; '!': that reads all ones. '?': udev is not done. '*': the host needs it; "display" for the
 * only one.
 */
static inline void world_hardware(struct inventory *inventory, const char *words)
{
	*inventory = (struct inventory){ 0 };
	for (const char *at = words; *at; at += *at == ' ')
		world_add_nic(inventory, &at);
	ck_assert_int_eq(inventory_finish(inventory, "hardware", NULL), 0);
}

static inline void world_copy_hardware(const struct inventory *inventory, struct inventory *copy)
{
	*copy = (struct inventory){ 0 };
	for (size_t i = 0; i < inventory->n_functions; i++) {
		struct pci_function *function = inventory_add_function(copy);

		ck_assert_ptr_nonnull(function);
		*function = inventory->functions[i];
		function->path = arena_copy_text(&copy->arena, function->path);
		function->serial = arena_copy_text(&copy->arena, function->serial);
		function->driver = arena_copy_text(&copy->arena, function->driver);
		function->protected = arena_copy_text(&copy->arena, function->protected);
	}
	for (size_t i = 0; i < inventory->n_nics; i++) {
		const struct nic *old = &inventory->nics[i];
		struct nic *nic = inventory_add_nic(copy);

		ck_assert_ptr_nonnull(nic);
		*nic = *old;
		nic->name = arena_copy_text(&copy->arena, old->name);
		nic->mac = arena_copy_text(&copy->arena, old->mac);
		nic->altnames = arena_allocate(&copy->arena,
					       (old->n_altnames + 1) * sizeof(*nic->altnames));
		ck_assert_ptr_nonnull(nic->altnames);
		for (size_t j = 0; j < old->n_altnames; j++)
			nic->altnames[j] = arena_copy_text(&copy->arena, old->altnames[j]);
	}
	copy->machine = arena_copy_text(&copy->arena, inventory->machine);
	ck_assert_int_eq(inventory_finish(copy, "copy", NULL), 0);
}

static inline void world_init(struct world *world)
{
	*world = (struct world){ .first = true };
}

static inline void world_done(struct world *world)
{
	for (size_t i = 0; i < world->n_files; i++) {
		free(world->files[i].path);
		free(world->files[i].data);
	}
	meanings_done(&world->recorded);
	inventory_done(&world->settled);
	inventory_done(&world->baseline);
	world_init(world);
}

static inline struct world_file *world_find(struct world *world, const char *path)
{
	for (size_t i = 0; i < world->n_files; i++)
		if (strcmp(world->files[i].path, path) == 0)
			return &world->files[i];
	return NULL;
}

static inline const struct source *world_source_of(const char *path)
{
	static const struct {
		const char *start;
		const struct source *source;
	} kinds[] = {
		{ "/etc/network/", &interfaces_source },
		{ NETWORKING, &default_networking_source },
		{ "/etc/initramfs-tools/scripts/", &bind_script_source },
		{ "/etc/driverctl.d/", &driverctl_source },
		{ "/etc/modprobe.d/", &modprobe_source },
		{ COMMAND_LINE, &kernel_command_line_source },
		{ QEMU, &pve_qemu_source },
		{ LXC, &pve_lxc_source },
		{ MAPPINGS, &pve_mapping_source },
		{ RESOURCES, &pve_ha_source },
		{ LIBVIRT_AUTOSTART, &libvirt_autostart_source },
		{ LIBVIRT_DOMAINS, &libvirt_domain_source },
		{ LIBVIRT_RUNNING, &libvirt_guests_source },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strncmp(path, kinds[i].start, strlen(kinds[i].start)) == 0)
			return kinds[i].source;
	ck_abort_msg("no source for %s", path);
	return NULL;
}

static inline void world_set_bytes(struct world *world, const char *path, struct bytes text)
{
	struct world_file *file = world_find(world, path);

	if (!file) {
		ck_assert_uint_lt(world->n_files, WORLD_FILES);
		file = &world->files[world->n_files++];
		file->path = strdup(path);
		ck_assert_ptr_nonnull(file->path);
		file->source = world_source_of(path);
	}
	free(file->data);
	ck_assert_int_eq(bytes_duplicate(text, &file->data), 0);
	file->size = text.size;
}

/* What a person, or nobody, leaves in a file. */
static inline void world_set(struct world *world, const char *path, const char *text)
{
	world_set_bytes(world, path, bytes_of(text));
}

static inline void world_remove(struct world *world, const char *path)
{
	struct world_file *file = world_find(world, path);

	ck_assert_ptr_nonnull(file);
	free(file->data);
	file->data = NULL;
}

static inline const char *world_text(struct world *world, const char *path)
{
	struct world_file *file = world_find(world, path);

	ck_assert_ptr_nonnull(file);
	return file->data;
}

/* A person's edit: @from, which stands there once, becomes @to. */
static inline void world_edit(struct world *world, const char *path, const char *from,
			      const char *to)
{
	const char *text = world_text(world, path), *found = strstr(text, from);
	struct buffer edited = { 0 };

	ck_assert_msg(found, "no \"%s\" in\n%s", from, text);
	ck_assert_msg(!strstr(found + 1, from), "more than one \"%s\" in\n%s", from, text);
	buffer_append(&edited, bytes_make(text, (size_t)(found - text)));
	buffer_append_text(&edited, to);
	buffer_append_text(&edited, found + strlen(from));
	ck_assert(!edited.failed);
	world_set_bytes(world, path, buffer_bytes(&edited));
	buffer_done(&edited);
}

/* Through JSON and back, as between two boots. */
static inline void world_copy_meanings(const struct meanings *meanings, struct meanings *copy)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = meanings_to_json(meanings, &writer);
	_cleanup_(problem_done) struct problem problem = { 0 };

	ck_assert(!writer.failed);
	ck_assert_msg(meanings_from_json(object, "state", copy, &problem) == 0, "%s", problem.text);
}

static inline void look_done(struct look *look)
{
	plan_done(&look->plan);
	resolution_done(&look->resolution);
	meanings_done(&look->meanings);
	documents_done(&look->documents);
	free(look->names);
	match_done(&look->settled);
	match_done(&look->baseline);
	inventory_done(&look->now);
	problem_done(&look->problem);
	*look = (struct look){ 0 };
}

static inline void look_add_name(struct look *look, const char *name)
{
	if ((look->n_names & (look->n_names - 1)) == 0) {
		look->names = reallocarray(look->names, look->n_names * 2 + 1, sizeof(char *));
		ck_assert_ptr_nonnull(look->names);
	}
	look->names[look->n_names++] = name;
}

static inline void look_add_names(struct look *look, const struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->n_nics; i++) {
		look_add_name(look, inventory->nics[i].name);
		for (size_t j = 0; j < inventory->nics[i].n_altnames; j++)
			look_add_name(look, inventory->nics[i].altnames[j]);
	}
}

static inline int look_compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static inline void look_collect_names(const struct world *world, struct look *look)
{
	struct meanings *meanings = &look->meanings;
	size_t kept = 0;

	look_add_names(look, &look->now);
	look_add_names(look, &world->settled);
	look_add_names(look, &world->baseline);
	for (size_t i = 0; i < world->n_older; i++)
		look_add_names(look, world->older[i]);
	for (size_t i = 0; i < meanings->n_mentions; i++)
		look_add_name(look, meanings->mentions[i].text);
	for (size_t i = 0; i < meanings->n_parked; i++)
		for (size_t j = 0; j < meanings->parked[i].n_mentions; j++) {
			const struct parked_mention *mention = &meanings->parked[i].mentions[j];

			look_add_name(look, arena_copy(&meanings->arena,
						       bytes_make(meanings->parked[i].original +
									  mention->offset,
								  mention->length)));
		}
	if (look->n_names)
		qsort(look->names, look->n_names, sizeof(char *), look_compare_names);
	for (size_t i = 0; i < look->n_names; i++)
		if (kept == 0 || strcmp(look->names[kept - 1], look->names[i]) != 0)
			look->names[kept++] = look->names[i];
	look->n_names = kept;
}

/* As the sources' own collecting has it. */
static inline void look_set_kind(struct document *document)
{
	document->in_image = document->source == &bind_script_source ||
			     document->source == &modprobe_source;
	document->only_by_apply = document->source == &kernel_command_line_source;
	document->attributes.mode = document->source == &bind_script_source ? 0755 : 0644;
	document->attributes.is_link = document->source == &libvirt_autostart_source;
}

/* Files that are not there, as their names are what is parked. */
static inline void look_read_removed(struct look *look)
{
	for (size_t i = 0; i < look->meanings.n_parked; i++) {
		const struct parked_text *parked = &look->meanings.parked[i];
		struct subject *subject;

		if (!parked->source || documents_find(&look->documents, parked->path))
			continue;
		ck_assert_uint_lt(look->resolution.n_subjects, 2 * WORLD_FILES);
		subject = &look->resolution.subjects[look->resolution.n_subjects++];
		subject->document = documents_add(&look->documents, parked->path);
		ck_assert_ptr_nonnull(subject->document);
		subject->document->source = world_source_of(parked->path);
		ck_assert_str_eq(subject->document->source->name, parked->source);
		ck_assert_int_eq(park_undo_removal(&look->meanings, i, subject->document,
						   &subject->back, &subject->n_back),
				 0);
	}
}

/* Links that started guests. */
static inline void look_read_removed_switches(struct look *look)
{
	for (size_t i = 0; i < look->meanings.n_turned_off; i++) {
		const struct turned_off *off = &look->meanings.turned_off[i];
		struct subject *subject;

		if (!off->file || documents_find(&look->documents, off->path))
			continue;
		ck_assert_uint_lt(look->resolution.n_subjects, 2 * WORLD_FILES);
		subject = &look->resolution.subjects[look->resolution.n_subjects++];
		subject->document = documents_add(&look->documents, off->path);
		ck_assert_ptr_nonnull(subject->document);
		subject->document->source = &libvirt_autostart_source;
		ck_assert_int_eq(guest_put_back_removal(off, subject->document), 0);
	}
}

static inline void look_put_back(struct look *look, const char *restore, struct subject *subject)
{
	const struct name_set no_names = { NULL, 0 };
	struct document *document = subject->document;

	if (document_is_of_guests(document)) {
		ck_assert_int_eq(
			guest_put_back(&look->meanings, &look->context, &no_names, subject), 0);
		return;
	}
	ck_assert_int_eq(park_undo(&look->meanings, document, &subject->back, &subject->n_back), 0);
	if (restore && strcmp(restore, document->path) == 0)
		ck_assert_int_eq(
			park_undo_lost(&look->meanings, document, &subject->back, &subject->n_back),
			0);
}

/* Reads the files and puts what is parked, and what was turned off, back into them. */
static inline void look_read(struct world *world, struct look *look)
{
	look->resolution.subjects = calloc(2 * WORLD_FILES, sizeof(struct subject));
	ck_assert_ptr_nonnull(look->resolution.subjects);
	for (size_t i = 0; i < world->n_files; i++) {
		struct world_file *file = &world->files[i];
		struct subject *subject;
		struct document *document;

		if (!file->data)
			continue;
		document = documents_add(&look->documents, file->path);
		ck_assert_ptr_nonnull(document);
		document->source = file->source;
		document->unfit = file->unfit;
		look_set_kind(document);
		subject = &look->resolution.subjects[look->resolution.n_subjects++];
		subject->document = document;
		if (file->unfit)
			continue;
		ck_assert_int_eq(
			bytes_duplicate(bytes_make(file->data, file->size), &document->data), 0);
		document->size = file->size;
		document->remembered = world->remembered && document_is_on_pmxcfs(document);
		look_put_back(look, world->restore, subject);
	}
	look_read_removed(look);
	look_read_removed_switches(look);
}

static inline bool look_is_released(const void *data, const char *owner)
{
	const struct world *world = data;

	return strcmp(world->release, owner) == 0;
}

static inline void look_bind(struct world *world, struct look *look)
{
	const struct name_set names = { look->names, look->n_names };

	for (size_t i = 0; sources[i]; i++)
		ck_assert_int_eq(
			sources[i]->scan(sources[i], &look->context, &look->documents, &names), 0);
	look->past = (struct past){ .settled = &look->settled,
				    .baseline = world->first ? NULL : &look->baseline,
				    .older = world->older,
				    .n_older = world->n_older,
				    .first = world->first,
				    .adopt = world->adopt,
				    .adopted = world->release ? look_is_released : NULL,
				    .adopted_data = world };
	for (size_t i = 0; i < look->resolution.n_subjects; i++) {
		struct subject *subject = &look->resolution.subjects[i];

		ck_assert_int_eq(meanings_bind(&look->meanings, subject->document, subject->back,
					       subject->n_back, &look->past, &subject->bindings),
				 0);
	}
}

/* Looks at the world with some hardware in it, which is taken over. Must be followed by
 * look_done().
 */
static inline void world_look(struct world *world, struct inventory *hardware,
			      const struct policy *policy, struct look *look)
{
	struct name_set names;

	*look = (struct look){ .now = *hardware,
			       .context = { .root = &tree_root, .node = NODE },
			       .policy = *policy };
	*hardware = (struct inventory){ 0 };
	world_copy_meanings(&world->recorded, &look->meanings);
	ck_assert_int_eq(match_inventories(world->first ? &look->now : &world->settled, &look->now,
					   &look->settled),
			 0);
	ck_assert_int_eq(match_inventories(world->first ? &look->now : &world->baseline, &look->now,
					   &look->baseline),
			 0);
	look_read(world, look);
	look_collect_names(world, look);
	look_bind(world, look);
	look->resolution.meanings = &look->meanings;
	look->resolution.past = &look->past;
	ck_assert_int_eq(resolve(&look->resolution, &look->policy), 0);
	names = (struct name_set){ look->names, look->n_names };
	look->result = plan_make(&look->resolution, &look->context, &names, &look->policy,
				 &look->plan, &look->problem);
	ck_assert_int_ne(look->result, -ENOMEM);
}

/* Carries out what a look found, and makes its hardware the baseline. */
static inline void world_apply(struct world *world, const struct look *look)
{
	ck_assert_msg(look->result == 0, "%s", look->problem.text);
	for (size_t i = 0; i < look->plan.n_files; i++) {
		const struct plan_file *file = &look->plan.files[i];

		if (file->now.data)
			world_set_bytes(world, file->path, file->now);
		else
			world_remove(world, file->path);
	}
	meanings_done(&world->recorded);
	world_copy_meanings(&look->plan.meanings, &world->recorded);
	inventory_done(&world->settled);
	inventory_done(&world->baseline);
	world_copy_hardware(&look->now, &world->settled);
	world_copy_hardware(&look->now, &world->baseline);
	world->first = false;
}

static inline void world_look_at(struct world *world, const char *words,
				 const struct policy *policy, struct look *look)
{
	struct inventory hardware;

	world_hardware(&hardware, words);
	world_look(world, &hardware, policy, look);
}

static inline void world_boot_as(struct world *world, const char *words,
				 const struct policy *policy)
{
	struct look look;

	world_look_at(world, words, policy, &look);
	world_apply(world, &look);
	look_done(&look);
}

static inline void world_boot(struct world *world, const char *words)
{
	world_boot_as(world, words, &world_policy);
}
