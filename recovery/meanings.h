/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What each mention of hardware means: state of its own, committed with the transaction that acts
 * on it, never derived again from the last inventory.
 *
 * The unit is the mention: file, place, text. One that a person did not touch keeps its meaning
 * however the rest of the file changed.
 */
#pragma once

#include "recovery/document.h"
#include "snapshot/basic/json.h"
#include "snapshot/match.h"

/* Instead of a unit's index: the mention denotes no known unit. */
#define MEANS_NOBODY SIZE_MAX

/**
 * struct company - Whom a device that a guest takes shared its IOMMU groups with, itself included
 * @known: false while there are no groups (no IOMMU), or what means the device takes none of them
 * @units: indexes into struct meanings' units, @n_units of them
 *
 * As it was when the mention was first seen, or a person last said that it is right: whoever joins
 * the group later would be taken from the host along with the device.
 *
 * Of a mention that denotes nobody: the functions below which a virtual one may be made there.
 */
struct company {
	bool known;
	const size_t *units;
	size_t n_units;
};

/**
 * struct mention - One recorded mention
 * @path, @kind, @text, @block, @body, @key, @line_digest: as in struct reference, at the time
 * @said:      the name as a person wrote it; @text is what it became since. Where its device bears
 *             that name again, as an altname too, that is what is written
 * @offset:    in the document with what is parked put back
 * @unit:      index into struct meanings' units, or MEANS_NOBODY
 * @ambiguous: written by a person when its name was another device's: means nobody until a person
 *             says otherwise
 * @held:      its NIC was replaced while that was not to be followed: left to the administrator,
 *             never parked, until the NIC is back or a person says otherwise
 * @company:   of a function that a guest takes
 */
struct mention {
	const char *path;
	enum reference_kind kind;
	const char *text;
	const char *said;
	size_t offset;
	const char *block;
	uint64_t body;
	const char *key;
	uint64_t line_digest;
	size_t unit;
	bool ambiguous;
	bool held;
	struct company company;
};

/**
 * struct parked_mention - A mention inside parked text
 * @offset: in @original of the text it belongs to;  @length: of the name
 * @unit:   what it means; MEANS_NOBODY for a dangling one
 * @said, @ambiguous, @held: as in struct mention
 * @parked: whether it is out of force; others stand in the same lines and live on
 */
struct parked_mention {
	size_t offset;
	size_t length;
	size_t unit;
	const char *said;
	bool ambiguous;
	bool held;
	bool parked;
};

/**
 * struct parked_text - Whole lines in which something is parked
 * @path:     the file
 * @offset:   where @present stands in the file as we left it
 * @context:  the last line before it that is not indented ("iface vmbr0 inet manual"), to find the
 *            place again after an edit; may be empty
 * @present:  what stands in the file
 * @original: what stood there, and stands there again when all its devices are back
 * @inside:   whether it is a part of the block that @context heads
 * @lost:     somebody's edit removed or changed @present: only `restore` puts @original back
 * @source:   the whole file was taken away, as its name is the mention: the name of the source it
 *            is of; NULL for any other text. @present is empty then, and @attributes are the file's
 */
struct parked_text {
	const char *path;
	size_t offset;
	const char *context;
	const char *present;
	const char *original;
	struct parked_mention *mentions;
	size_t n_mentions;
	bool inside;
	bool lost;
	const char *source;
	struct file_attributes attributes;
};

/**
 * struct turned_off - What started a guest by itself, and was turned off (recovery/guest.h)
 * @guest: "pve/qemu/101"
 * @path:  the file it stands in, or that it is
 * @file:  the whole file was removed: a link to what @was says
 * @was:   what stood there: "onboot: 1\n"; "" where something was put in
 * @now:   what stands there instead; somebody who changes that wants it so
 */
struct turned_off {
	const char *guest;
	const char *path;
	bool file;
	const char *was;
	const char *now;
};

/**
 * struct seen_file - A file as it was when its mentions were recorded
 * @digest: of its contents as we left them
 * @lines:  digests of its logical lines with what is parked put back, sorted: a mention on one of
 *          them that was not recorded stood here while its name denoted nothing
 */
struct seen_file {
	const char *path;
	uint64_t digest;
	uint64_t *lines;
	size_t n_lines;
};

/**
 * struct meanings - All of it
 * @settled: id of the snapshot whose inventory the meanings were last resolved against; 0 for the
 *           snapshot they are kept in
 * @home:    the machine that bind entries out of force were meant on, while this is another one;
 *           NULL at home
 * @undone:  a rollback undid network edits: they are not repeated while the hardware is that of
 *           the snapshot this is kept in
 */
struct meanings {
	struct arena arena;
	struct unit *units;
	size_t n_units;
	size_t units_allocated;
	struct mention *mentions;
	size_t n_mentions;
	size_t mentions_allocated;
	struct parked_text *parked;
	size_t n_parked;
	size_t parked_allocated;
	struct seen_file *files;
	size_t n_files;
	size_t files_allocated;
	struct turned_off *turned_off;
	size_t n_turned_off;
	size_t turned_off_allocated;
	uint64_t settled;
	bool undone;
	const char *home;
};

void meanings_done(struct meanings *meanings);

/* As the "state" member of a snapshot, and back. */
struct json_object *meanings_to_json(const struct meanings *meanings, struct json_writer *writer);
_must_check_ int meanings_from_json(struct json_object *object, const char *file,
				    struct meanings *ret_meanings, struct problem *problem);

/**
 * meanings_add_unit() - Take a unit over, or find the equal one that is there
 *
 * Return: 0, or -ENOMEM.
 */
_must_check_ int meanings_add_unit(struct meanings *meanings, const struct unit *unit,
				   size_t *ret_index);
/* New zeroed items; their strings are to be copied into the arena. NULL: no memory. */
_must_check_ struct mention *meanings_add_mention(struct meanings *meanings);
_must_check_ struct parked_text *meanings_add_parked(struct meanings *meanings, size_t n_mentions);
_must_check_ struct seen_file *meanings_add_file(struct meanings *meanings, size_t n_lines);
_must_check_ struct turned_off *meanings_add_turned_off(struct meanings *meanings);

_pure_ const struct seen_file *meanings_find_file(const struct meanings *meanings,
						  const char *path);

/* How a mention came by its meaning. */
enum origin {
	ORIGIN_KEPT,      /* untouched, or just as the place meant before */
	ORIGIN_NEW,       /* first seen now: means what it names */
	ORIGIN_RECALLED,  /* its name is unknown today; an older snapshot knew it */
	ORIGIN_DANGLING,  /* stood here while its name denoted nothing, or denotes nothing now */
	ORIGIN_AMBIGUOUS, /* its name was another device's, and so was its place */
};

/**
 * struct binding - What one reference of a document means
 * @unit:   index into the meanings the binding was made for, or MEANS_NOBODY
 * @parked: it is out of force at the moment
 * @held, @said, @company: as in struct mention; @said is NULL for one that is seen for the first
 *          time
 * @refused: first seen now, and it names what the host needs: it is recorded as one that means
 *          nobody, until a person says otherwise
 */
struct binding {
	enum origin origin;
	size_t unit;
	bool parked;
	bool held;
	bool refused;
	const char *said;
	struct company company;
};

/**
 * struct past - What was known before
 * @settled:  the inventory that meanings were last resolved against, matched with the present one
 * @baseline: the baseline's inventory, matched with the present one; NULL when there is none
 * @older:    @n_older further inventories, newest first; looked at for names unknown today
 * @first:    there is nothing recorded: every mention means what it names
 * @adopt:    everything means what it names today, whatever it meant
 * @adopted:  one guest's file, or a mapping ("mapping/NAME"), of which that holds alone; decides
 *            for each owner of mentions. NULL for none;  @adopted_data: its first argument
 */
struct past {
	const struct match *settled;
	const struct match *baseline;
	const struct inventory *const *older;
	size_t n_older;
	bool first;
	bool adopt;
	bool (*adopted)(const void *data, const char *owner);
	const void *adopted_data;
};

/**
 * meanings_bind() - Find what each reference of a document means
 * @meanings:  the recorded ones; units of mentions seen for the first time are added
 * @document:  scanned
 * @parked:    the parked texts that were put back into @document (park.h), @n_parked of them
 * @ret_bindings: one per reference, to be freed
 *
 * Contract section 1: an untouched mention keeps its meaning. A new or changed one means what it
 * names today, unless that name belonged to another device in the baseline and neither is what its
 * place meant before: then it is ambiguous. A name unknown today is looked up in older snapshots.
 *
 * Return: 0 or -ENOMEM.
 */
struct put_back;
_must_check_ int meanings_bind(struct meanings *meanings, const struct document *document,
			       const struct put_back *parked, size_t n_parked,
			       const struct past *past, struct binding **ret_bindings);
