/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/rollback-guests.h"

#include <errno.h>

#include "recovery/guest-render.h"
#include "recovery/sources/joined-line.h"
#include "recovery/sources/libvirt.h"

/* Of no file at all the digest is that of nothing. */
static uint64_t digest_of(struct bytes contents)
{
	return bytes_digest(contents, BYTES_DIGEST_SEED);
}

/**
 * struct history - What is on record since
 * @target: the snapshot to go back to
 * @items:  @n_items later ones, oldest first
 * @names:  names of NICs of all times, sorted
 */
struct history {
	const struct snapshot *target;
	struct snapshot *items;
	size_t n_items;
	size_t allocated;
	const char **names;
	size_t n_names;
	size_t names_allocated;
};

static void history_done(struct history *history)
{
	for (size_t i = 0; i < history->n_items; i++)
		snapshot_done(&history->items[i]);
	free(history->items);
	free(history->names);
}

static int history_load(struct store *store, struct history *history, struct problem *problem)
{
	struct snapshot *heads = NULL;
	size_t n_heads = 0;
	int r;

	r = store_list(store, &heads, &n_heads, problem);
	for (size_t i = 0; r == 0 && i < n_heads; i++) {
		struct problem ignored = { 0 };

		if (heads[i].id <= history->target->id || heads[i].same_as)
			continue;
		r = ARRAY_RESERVE(history->items, history->n_items, history->allocated);
		/* What one that cannot be read did is not known: it stays. */
		if (r == 0 && store_load(store, heads[i].id, &history->items[history->n_items],
					 &ignored) == 0)
			history->n_items++;
		problem_done(&ignored);
	}
	store_list_free(heads, n_heads);
	return r;
}

static int add_name(struct history *history, const char *name)
{
	int r = ARRAY_RESERVE(history->names, history->n_names, history->names_allocated);

	if (r == 0)
		history->names[history->n_names++] = name;
	return r;
}

static int add_names(struct history *history, const struct inventory *inventory)
{
	int r = 0;

	for (size_t i = 0; i < inventory->n_nics && r == 0; i++) {
		r = add_name(history, inventory->nics[i].name);
		for (size_t j = 0; j < inventory->nics[i].n_altnames && r == 0; j++)
			r = add_name(history, inventory->nics[i].altnames[j]);
	}
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A link that an old version of a file names may have had that name only then. */
static int collect_names(struct history *history, const struct name_set *names)
{
	size_t kept = 0;
	int r = 0;

	for (size_t i = 0; i < names->n_names && r == 0; i++)
		r = add_name(history, names->names[i]);
	if (r == 0)
		r = add_names(history, &history->target->inventory);
	for (size_t i = 0; i < history->n_items && r == 0; i++)
		r = add_names(history, &history->items[i].inventory);
	if (r < 0)
		return r;
	if (history->n_names > 1)
		qsort(history->names, history->n_names, sizeof(*history->names), compare_names);
	for (size_t i = 0; i < history->n_names; i++)
		if (kept == 0 || strcmp(history->names[kept - 1], history->names[i]) != 0)
			history->names[kept++] = history->names[i];
	history->n_names = kept;
	return 0;
}

static const struct snapshot_file *version_in(const struct snapshot *snapshot, const char *path,
					      uint64_t digest)
{
	const struct snapshot_file *file = snapshot_find_file(snapshot, path);

	return file && digest_of(bytes_make(file->data, file->size)) == digest ? file : NULL;
}

/* The newest version of a file with a digest, from snapshots before the one of an index. */
static const struct snapshot_file *find_version(const struct history *history, size_t before,
						const char *path, uint64_t digest)
{
	for (size_t i = before; i-- > 0;) {
		const struct snapshot_file *file = version_in(&history->items[i], path, digest);

		if (file)
			return file;
	}
	return version_in(history->target, path, digest);
}

static const struct snapshot_change *find_change(const struct snapshot *snapshot, const char *path)
{
	for (size_t i = 0; i < snapshot->n_changes; i++)
		if (strcmp(snapshot->changes[i].path, path) == 0)
			return &snapshot->changes[i];
	return NULL;
}

static bool starts_with(const char *path, const char *folder)
{
	size_t size = strlen(folder);

	return strncmp(path, folder, size) == 0 && path[size] == '/';
}

/* The kind of a file of guests; NULL for any other file. */
static const struct source *source_of(const struct documents *documents, const char *path)
{
	const struct document *document = documents_find(documents, path);

	if (document)
		return document_is_of_guests(document) ? document->source : NULL;
	for (size_t i = 0; sources[i]; i++)
		if (sources[i]->is_guest && sources[i]->owns && sources[i]->owns(path))
			return sources[i];
	if (strcmp(path, LIBVIRT_RUNNING) == 0)
		return &libvirt_guests_source;
	if (starts_with(path, LIBVIRT_AUTOSTART))
		return &libvirt_autostart_source;
	return starts_with(path, LIBVIRT_DOMAINS) ? &libvirt_domain_source : NULL;
}

bool guests_rollback_owns(const struct documents *documents, const char *path)
{
	return source_of(documents, path) != NULL;
}

void guests_rollback_done(struct guests_rollback *rollback)
{
	for (size_t i = 0; i < rollback->n_files; i++) {
		struct guest_rollback *file = &rollback->files[i];

		free(file->text);
		file_attributes_done(&file->attributes);
		kept_words_done(&file->kept);
	}
	free(rollback->files);
	arena_done(&rollback->arena);
	*rollback = (struct guests_rollback){ 0 };
}

static struct guest_rollback *find_file(const struct guests_rollback *rollback, const char *path)
{
	for (size_t i = 0; i < rollback->n_files; i++)
		if (strcmp(rollback->files[i].path, path) == 0)
			return &rollback->files[i];
	return NULL;
}

/**
 * struct walk - Going back
 * @names: as in struct history
 */
struct walk {
	const struct history *history;
	const struct guests_now *now;
	struct name_set names;
	struct guests_rollback *rollback;
};

static int add_file(struct walk *walk, const char *path)
{
	struct guests_rollback *rollback = walk->rollback;
	struct guest_rollback *file;

	if (!source_of(walk->now->documents, path) || find_file(rollback, path))
		return 0;
	if (ARRAY_RESERVE(rollback->files, rollback->n_files, rollback->allocated) < 0)
		return -ENOMEM;
	file = &rollback->files[rollback->n_files];
	*file = (struct guest_rollback){ .path = arena_copy_text(&rollback->arena, path) };
	if (!file->path)
		return -ENOMEM;
	rollback->n_files++;
	return 0;
}

/* Those that the snapshot has, and those that we changed since. */
static int add_files(struct walk *walk)
{
	const struct snapshot *target = walk->history->target;
	int r = 0;

	for (size_t i = 0; i < target->n_files && r == 0; i++)
		r = add_file(walk, target->files[i].path);
	for (size_t i = 0; i < walk->history->n_items && r == 0; i++)
		for (size_t j = 0; j < walk->history->items[i].n_changes && r == 0; j++)
			r = add_file(walk, walk->history->items[i].changes[j].path);
	return r;
}

/* Takes over what a file is after one more step. */
static int set_text(struct guest_rollback *file, struct bytes text)
{
	char *copy;

	if (bytes_duplicate(text, &copy) < 0)
		return -ENOMEM;
	free(file->text);
	file->text = copy;
	file->now = bytes_make(copy, text.size);
	return 0;
}

static void set_none(struct guest_rollback *file)
{
	free(file->text);
	file->text = NULL;
	file->now = BYTES_NONE;
}

/* Whether what a link leads to, and its folder, are there. */
static bool can_lead(const struct root *root, const char *path, struct bytes target)
{
	size_t folder_size = (size_t)(strrchr(path, '/') - path);
	_cleanup_(buffer_done) struct buffer whole = { 0 }, folder = { 0 };

	buffer_append(&folder, bytes_make(path, folder_size));
	if (target.data[0] != '/') {
		buffer_append(&whole, buffer_bytes(&folder));
		buffer_append_char(&whole, '/');
	}
	buffer_append(&whole, target);
	return !whole.failed && !folder.failed && root_exists(root, folder.data) &&
	       root_exists(root, whole.data);
}

/* A link is there or it is not. */
static int undo_link(struct walk *walk, struct guest_rollback *file,
		     const struct snapshot_change *change, const struct snapshot_file *was)
{
	uint64_t none = digest_of(BYTES_NONE), at = digest_of(file->now);

	if (at == change->was)
		return 0;
	if (at != change->now)
		return kept_words_add(&file->kept, "the link");
	if (change->was == none) {
		set_none(file);
		return 0;
	}
	if (!was) {
		file->unknown = true;
		return 0;
	}
	if (!can_lead(walk->now->scan->root, file->path, bytes_make(was->data, was->size)))
		return kept_words_add(&file->kept, "the link, as its domain is gone,");
	file_attributes_done(&file->attributes);
	if (file_attributes_copy(&was->attributes, &file->attributes) < 0)
		return -ENOMEM;
	return set_text(file, bytes_make(was->data, was->size));
}

static int undo_change(struct walk *walk, struct guest_rollback *file, size_t index)
{
	const struct history *history = walk->history;
	const struct snapshot *snapshot = &history->items[index];
	const struct snapshot_change *change = find_change(snapshot, file->path);
	const struct source *source = source_of(walk->now->documents, file->path);
	const struct snapshot_file *was, *now;
	struct rollback_step step;
	char *text;
	size_t size;
	int r;

	if (!change)
		return 0;
	was = find_version(history, index, file->path, change->was);
	if (source == &libvirt_autostart_source)
		return undo_link(walk, file, change, was);
	now = find_version(history, index + 1, file->path, change->now);
	if (!was || !now) {
		file->unknown = true;
		return 0;
	}
	step = (struct rollback_step){ .source = source,
				       .path = file->path,
				       .was = bytes_make(was->data, was->size),
				       .now = bytes_make(now->data, now->size),
				       .documents = walk->now->documents,
				       .scan = walk->now->scan,
				       .names = &walk->names };
	r = rollback_step_undo(&step, file->now, &file->kept, &text, &size);
	if (r < 0)
		return r;
	free(file->text);
	file->text = text;
	file->now = bytes_make(text, size);
	return 0;
}

static bool was_changed(const struct walk *walk, const char *path)
{
	for (size_t i = 0; i < walk->history->n_items; i++)
		if (find_change(&walk->history->items[i], path))
			return true;
	return false;
}

/*
 * Why nothing goes back in a file. Where there is nothing to go back that need not be told, unless
 * the snapshot's file is gone: then it stays so.
 */
static const char *why_left(const struct walk *walk, const struct guest_rollback *file,
			    bool *ret_tell)
{
	const struct source *source = source_of(walk->now->documents, file->path);
	const struct document *document = file->document;

	*ret_tell = was_changed(walk, file->path);
	if (source->owns && walk->now->why_not_pve)
		return walk->now->why_not_pve;
	if (!document && source != &libvirt_autostart_source) {
		*ret_tell = true;
		return "is not there any more";
	}
	if (!document)
		return NULL;
	return document->unfit ? document->unfit : document->rejected;
}

static int read_now(struct walk *walk, struct guest_rollback *file)
{
	const struct document *document = documents_find(walk->now->documents, file->path);

	if (!document || document->absent)
		return 0;
	file->document = document;
	if (document->unfit)
		return 0;
	file->was = document_disk_bytes(document);
	if (file_attributes_copy(&document->attributes, &file->attributes) < 0)
		return -ENOMEM;
	return set_text(file, file->was);
}

static int look_at_file(struct walk *walk, struct guest_rollback *file)
{
	const char *left;
	bool tell;
	int r = read_now(walk, file);

	if (r < 0)
		return r;
	left = why_left(walk, file, &tell);
	if (left) {
		file->left = tell ? left : NULL;
		return 0;
	}
	for (size_t i = walk->history->n_items; i-- > 0 && r == 0;)
		r = undo_change(walk, file, i);
	return r;
}

static int compare_files(const void *a, const void *b)
{
	const struct guest_rollback *one = a, *other = b;

	return strcmp(one->path, other->path);
}

static int look(struct walk *walk)
{
	struct guests_rollback *rollback = walk->rollback;
	int r = add_files(walk);

	for (size_t i = 0; i < rollback->n_files && r == 0; i++)
		r = look_at_file(walk, &rollback->files[i]);
	if (r == 0 && rollback->n_files > 1)
		qsort(rollback->files, rollback->n_files, sizeof(*rollback->files), compare_files);
	return r;
}

int guests_rollback_look(struct store *store, const struct snapshot *target,
			 const struct guests_now *now, struct guests_rollback *ret_rollback,
			 struct problem *problem)
{
	_cleanup_(history_done) struct history history = { .target = target };
	struct guests_rollback rollback = { .n_files = 0 };
	struct walk walk = { .history = &history, .now = now, .rollback = &rollback };
	int r;

	r = history_load(store, &history, problem);
	if (r == 0)
		r = collect_names(&history, &now->names);
	walk.names = (struct name_set){ history.names, history.n_names };
	if (r == 0)
		r = look(&walk);
	if (r < 0) {
		guests_rollback_done(&rollback);
		return r;
	}
	*ret_rollback = rollback;
	return 0;
}

/**
 * struct keeper - Adding what is meant now to the meanings of the snapshot
 */
struct keeper {
	const struct guests_now *now;
	const struct match *since;
	const struct meanings *newest;
	struct meanings *meanings;
};

/* Where the hardware has it that the other meanings were resolved against. */
static bool find_function_then(const struct match *since, const struct unit *unit,
			       struct unit *ret_unit)
{
	const struct pci_function *now =
		inventory_find_function(since->after, &unit->function.address);
	size_t origin = now ? since->function_origin[now - since->after->functions] : SIZE_MAX;

	if (origin == SIZE_MAX)
		return false;
	unit_from_function(since->before, &since->before->functions[origin], ret_unit);
	return true;
}

static bool find_nic_then(const struct match *since, const struct unit *unit, struct unit *ret_unit)
{
	const struct nic *now = inventory_find_nic(since->after, bytes_of(unit->nic.name));
	size_t origin = now ? since->nic_origin[now - since->after->nics] : SIZE_MAX;

	if (origin == SIZE_MAX)
		return false;
	unit_from_nic(since->before, &since->before->nics[origin], ret_unit);
	return true;
}

/*
 * A unit as it was known then. What has no number is told by its place: one that is known by two
 * places would be two units. What was not there then, or is not now, is known by its last place.
 */
static struct unit unit_then(const struct match *since, const struct unit *unit)
{
	struct unit then;
	bool found = !unit->lost &&
		     (unit->kind == UNIT_NIC ? find_nic_then(since, unit, &then)
					     : find_function_then(since, unit, &then));

	if (!found)
		return *unit;
	if (!then.nic.mac)
		then.nic.mac = unit->nic.mac;
	if (!then.function.serial && !then.shared_serial) {
		then.function.serial = unit->function.serial;
		then.shared_serial = unit->shared_serial;
	}
	return then;
}

static int copy_unit(struct keeper *keeper, size_t index, size_t *ret_index)
{
	struct unit unit;

	if (index == MEANS_NOBODY) {
		*ret_index = MEANS_NOBODY;
		return 0;
	}
	unit = unit_then(keeper->since, &keeper->newest->units[index]);
	return meanings_add_unit(keeper->meanings, &unit, ret_index);
}

static int copy_company(struct keeper *keeper, const struct company *company,
			struct company *ret_company)
{
	size_t *units =
		arena_allocate(&keeper->meanings->arena, (company->n_units + 1) * sizeof(*units));
	int r = units ? 0 : -ENOMEM;

	for (size_t i = 0; i < company->n_units && r == 0; i++)
		r = copy_unit(keeper, company->units[i], &units[i]);
	if (r == 0)
		*ret_company = (struct company){ company->known, units, company->n_units };
	return r;
}

static int copy_mention(struct keeper *keeper, const struct mention *from, size_t offset)
{
	struct arena *arena = &keeper->meanings->arena;
	struct mention mention = *from, *to;
	int r;

	mention.offset = offset;
	mention.path = arena_copy_text(arena, from->path);
	mention.text = arena_copy_text(arena, from->text);
	mention.said = arena_copy_text(arena, from->said);
	mention.block = arena_copy_text(arena, from->block);
	mention.key = arena_copy_text(arena, from->key);
	if (!mention.path || !mention.text || (from->said && !mention.said) || !mention.block ||
	    !mention.key)
		return -ENOMEM;
	r = copy_unit(keeper, from->unit, &mention.unit);
	if (r == 0)
		r = copy_company(keeper, &from->company, &mention.company);
	if (r < 0)
		return r;
	to = meanings_add_mention(keeper->meanings);
	if (!to)
		return -ENOMEM;
	*to = mention;
	return 0;
}

static const struct mention *find_mention(const struct meanings *meanings, const char *path,
					  enum reference_kind kind, const char *block,
					  const char *key, struct bytes text)
{
	for (size_t i = 0; i < meanings->n_mentions; i++) {
		const struct mention *mention = &meanings->mentions[i];

		if (mention->kind == kind && bytes_equal_text(text, mention->text) &&
		    strcmp(mention->path, path) == 0 && strcmp(mention->key, key) == 0 &&
		    strcmp(mention->block, block) == 0)
			return mention;
	}
	return NULL;
}

static int keep_mentions(struct keeper *keeper, const struct document *document)
{
	int r = 0;

	for (size_t i = 0; i < document->n_references && r == 0; i++) {
		const struct reference *reference = &document->references[i];
		struct bytes text = document_name_of(document, reference);
		const struct mention *mention = find_mention(keeper->newest, document->path,
							     reference->kind, reference->block,
							     reference->key, text);

		if (mention && !find_mention(keeper->meanings, document->path, reference->kind,
					     reference->block, reference->key, text))
			r = copy_mention(keeper, mention, reference->span.offset);
	}
	return r;
}

static const struct turned_off *find_off(const struct meanings *meanings, const char *path,
					 const char *guest)
{
	for (size_t i = 0; i < meanings->n_turned_off; i++) {
		const struct turned_off *off = &meanings->turned_off[i];

		if (strcmp(off->path, path) == 0 && strcmp(off->guest, guest) == 0)
			return off;
	}
	return NULL;
}

static int copy_off(struct keeper *keeper, const struct turned_off *from)
{
	struct arena *arena = &keeper->meanings->arena;
	struct turned_off off = { .guest = arena_copy_text(arena, from->guest),
				  .path = arena_copy_text(arena, from->path),
				  .file = from->file,
				  .was = arena_copy_text(arena, from->was),
				  .now = arena_copy_text(arena, from->now) };
	struct turned_off *to;

	if (!off.guest || !off.path || !off.was || !off.now)
		return -ENOMEM;
	to = meanings_add_turned_off(keeper->meanings);
	if (!to)
		return -ENOMEM;
	*to = off;
	return 0;
}

/* What is off in a file, as we left it, and will not be put back. */
static int keep_off(struct keeper *keeper, const struct document *document)
{
	int r = 0;

	for (size_t i = 0; i < document->n_switches && r == 0; i++) {
		const struct start_switch *of = &document->switches[i];
		const struct turned_off *off = find_off(keeper->newest, document->path, of->guest);

		if (of->on || !off || off->file ||
		    find_off(keeper->meanings, document->path, of->guest) ||
		    words_digest(document_text(document, of->span)) !=
			    words_digest(bytes_of(off->now)))
			continue;
		r = copy_off(keeper, off);
	}
	return r;
}

static int scan(const struct keeper *keeper, struct document *document)
{
	struct document *items[] = { document };
	struct documents documents = { .items = items, .n_items = 1 };

	document_clear_scan(document);
	return document->source->scan(document->source, keeper->now->scan, &documents,
				      &keeper->now->names);
}

static int keep_of_contents(struct keeper *keeper, const struct document *as_is,
			    struct bytes contents)
{
	_cleanup_(document_done) struct document document = { .source = as_is->source };
	_cleanup_(subject_done) struct subject subject = { .document = &document };
	int r;

	document.path = arena_copy_text(&document.arena, as_is->path);
	if (!document.path || bytes_duplicate(contents, &document.data) < 0)
		return -ENOMEM;
	document.size = contents.size;
	r = scan(keeper, &document);
	if (r == 0)
		r = keep_off(keeper, &document);
	/* Mentions are recorded as they stand with all of that put back. */
	if (r == 0)
		r = guest_put_back(keeper->newest, keeper->now->scan, &keeper->now->names,
				   &subject);
	if (r == 0)
		r = scan(keeper, &document);
	return r == 0 ? keep_mentions(keeper, &document) : r;
}

/* Links that are not there, and files that cannot be looked at. */
static int keep_unseen(struct keeper *keeper, const struct guests_rollback *rollback)
{
	const struct meanings *newest = keeper->newest;
	int r = 0;

	for (size_t i = 0; i < newest->n_turned_off && r == 0; i++) {
		const struct turned_off *off = &newest->turned_off[i];
		const struct document *document = documents_find(keeper->now->documents, off->path);
		const struct guest_rollback *file = find_file(rollback, off->path);
		bool there = file ? file->now.data != NULL : document && !document->absent;

		if (off->file ? there : document && !document->unfit)
			continue;
		if (!find_off(keeper->meanings, off->path, off->guest))
			r = copy_off(keeper, off);
	}
	return r;
}

int guests_rollback_keep_meanings(const struct guests_rollback *rollback,
				  const struct guests_now *now, const struct match *since,
				  const struct meanings *newest, struct meanings *meanings)
{
	struct keeper keeper = { now, since, newest, meanings };
	int r = 0;

	for (size_t i = 0; i < now->documents->n_items && r == 0; i++) {
		const struct document *document = now->documents->items[i];
		const struct guest_rollback *file = find_file(rollback, document->path);

		if (!document_is_of_guests(document) || document->unfit || document->absent ||
		    document->source == &libvirt_autostart_source)
			continue;
		r = keep_of_contents(&keeper, document,
				     file ? file->now : document_disk_bytes(document));
	}
	return r == 0 ? keep_unseen(&keeper, rollback) : r;
}
