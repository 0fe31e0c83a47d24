/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which recorded mention each mention of today's file is, and what the new ones mean. */
#include "recovery/meanings.h"

#include <errno.h>

#include "recovery/bearer.h"
#include "recovery/park.h"
#include "recovery/source.h"
#include "recovery/sources/address-token.h"

/**
 * struct item - One mention, of today or recorded, in the form in which they are compared
 * @index: into the document's references or the meanings' mentions
 */
struct item {
	enum reference_kind kind;
	struct bytes block;
	struct bytes key;
	struct bytes text;
	uint64_t body;
	size_t offset;
	size_t index;
};

/**
 * struct binder - Binding one document
 * @today, @recorded:   mentions not paired yet
 * @place_meant: one per reference: the unit that its place meant before, MEANS_NOBODY if not known
 */
struct binder {
	struct meanings *meanings;
	const struct document *document;
	const struct past *past;
	const struct seen_file *seen;
	struct binding *bindings;
	bool *bound;
	size_t *place_meant;
	struct item *today;
	size_t n_today;
	struct item *recorded;
	size_t n_recorded;
};

/* What has to agree for a recorded mention to be one of today's. */
enum agreement {
	AGREE_BLOCK = 1 << 0,
	AGREE_BODY = 1 << 1,
	AGREE_KEY = 1 << 2,
	AGREE_TEXT = 1 << 3,
};

static int compare_items(const struct item *a, const struct item *b, unsigned int agreement)
{
	int order = (int)a->kind - (int)b->kind;

	if (order == 0 && (agreement & AGREE_KEY))
		order = bytes_compare(a->key, b->key);
	if (order == 0 && (agreement & AGREE_TEXT))
		order = bytes_compare(a->text, b->text);
	if (order == 0 && (agreement & AGREE_BLOCK))
		order = bytes_compare(a->block, b->block);
	if (order == 0 && (agreement & AGREE_BODY))
		order = (a->body > b->body) - (a->body < b->body);
	return order;
}

static int compare_for_sort(const void *a, const void *b, void *agreement)
{
	const struct item *one = a, *other = b;
	int order = compare_items(one, other, *(unsigned int *)agreement);

	if (order != 0)
		return order;
	return (one->offset > other->offset) - (one->offset < other->offset);
}

static void bind_to(struct binder *binder, size_t reference, size_t unit, enum origin origin)
{
	binder->bindings[reference].unit = unit;
	binder->bindings[reference].origin = origin;
	binder->bound[reference] = true;
}

static void bind_to_mention(struct binder *binder, size_t reference, const struct mention *mention)
{
	bind_to(binder, reference, mention->unit,
		mention->ambiguous ? ORIGIN_AMBIGUOUS : ORIGIN_KEPT);
	binder->bindings[reference].held = mention->held;
	binder->bindings[reference].said = mention->said;
	binder->bindings[reference].company = mention->company;
}

/* Mentions that are one and the same: a person did not touch them. */
static void keep_meaning(struct binder *binder, const struct item *today,
			 const struct item *recorded)
{
	bind_to_mention(binder, today->index, &binder->meanings->mentions[recorded->index]);
}

/* Mentions that share a place: what stands there was changed. */
static void note_place(struct binder *binder, const struct item *today, const struct item *recorded)
{
	binder->place_meant[today->index] = binder->meanings->mentions[recorded->index].unit;
}

static bool has_body(const struct item *item)
{
	return item->body != 0;
}

/**
 * pair_items() - Pair today's mentions with recorded ones that agree, in the order of the file
 * @wanted: which of them take part, or NULL for all
 * @pair:   what to do with a pair; both are done with then
 *
 * One walk over both lists in the order of what has to agree.
 */
static void pair_items(struct binder *binder, unsigned int agreement,
		       bool (*wanted)(const struct item *item),
		       void (*pair)(struct binder *binder, const struct item *today,
				    const struct item *recorded))
{
	size_t i = 0, j = 0, kept_today = 0, kept_recorded = 0;

	qsort_r(binder->today, binder->n_today, sizeof(struct item), compare_for_sort, &agreement);
	qsort_r(binder->recorded, binder->n_recorded, sizeof(struct item), compare_for_sort,
		&agreement);
	while (i < binder->n_today || j < binder->n_recorded) {
		struct item *today = i < binder->n_today ? &binder->today[i] : NULL;
		struct item *recorded = j < binder->n_recorded ? &binder->recorded[j] : NULL;
		int order = !today ? 1 : !recorded ? -1 : compare_items(today, recorded, agreement);
		bool paired = order == 0 && (!wanted || wanted(today));

		if (paired)
			pair(binder, today, recorded);
		if (order <= 0) {
			if (!paired)
				binder->today[kept_today++] = *today;
			i++;
		}
		if (order >= 0) {
			if (!paired)
				binder->recorded[kept_recorded++] = *recorded;
			j++;
		}
	}
	binder->n_today = kept_today;
	binder->n_recorded = kept_recorded;
}

static int collect_items(struct binder *binder)
{
	const struct document *document = binder->document;
	const struct meanings *meanings = binder->meanings;

	binder->today = calloc(document->n_references + 1, sizeof(struct item));
	binder->recorded = calloc(meanings->n_mentions + 1, sizeof(struct item));
	if (!binder->today || !binder->recorded)
		return -ENOMEM;
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *reference = &document->references[i];

		if (binder->bound[i])
			continue;
		binder->today[binder->n_today++] =
			(struct item){ reference->kind,
				       bytes_of(reference->block),
				       bytes_of(reference->key),
				       document_name_of(document, reference),
				       reference->body,
				       reference->span.offset,
				       i };
	}
	for (size_t i = 0; i < meanings->n_mentions; i++) {
		const struct mention *mention = &meanings->mentions[i];

		if (strcmp(mention->path, document->path) != 0)
			continue;
		binder->recorded[binder->n_recorded++] = (struct item){ mention->kind,
									bytes_of(mention->block),
									bytes_of(mention->key),
									bytes_of(mention->text),
									mention->body,
									mention->offset,
									i };
	}
	return 0;
}

static size_t find_reference_at(const struct document *document, size_t offset)
{
	size_t index = document_first_from(document, offset);

	if (index < document->n_references && document->references[index].span.offset == offset)
		return index;
	return SIZE_MAX;
}

/* Whether a unit is of the kind that a reference means. */
static bool fits(const struct binder *binder, size_t reference, size_t unit)
{
	return unit == MEANS_NOBODY ||
	       binder->meanings->units[unit].kind ==
		       reference_kind_means(binder->document->references[reference].kind);
}

/* A bind entry that is out of force is not there for a device to come back to: a person may say
 * that it means what sits there now. */
static bool adopts(const struct binder *binder, size_t reference)
{
	return binder->document->references[reference].kind == REFERENCE_ADDRESS;
}

/* What is parked is kept with its text, and so is what stands in the same lines. */
static void bind_parked(struct binder *binder, const struct put_back *back, size_t n_back)
{
	for (size_t i = 0; i < n_back; i++) {
		const struct parked_text *parked = &binder->meanings->parked[back[i].parked];

		for (size_t j = 0; j < parked->n_mentions; j++) {
			const struct parked_mention *mention = &parked->mentions[j];
			size_t index = find_reference_at(binder->document,
							 back[i].span.offset + mention->offset);

			if (index == SIZE_MAX || !fits(binder, index, mention->unit))
				continue;
			if (binder->past->adopt && adopts(binder, index)) {
				binder->bindings[index].parked = mention->parked;
				continue;
			}
			bind_to(binder, index, mention->unit,
				mention->ambiguous              ? ORIGIN_AMBIGUOUS
				: mention->unit == MEANS_NOBODY ? ORIGIN_DANGLING
								: ORIGIN_KEPT);
			binder->bindings[index].parked = mention->parked;
			binder->bindings[index].held = mention->held;
			binder->bindings[index].said = mention->said;
		}
	}
}

/* In a file that nobody touched each mention stands where it stood. */
static void bind_by_offset(struct binder *binder)
{
	for (size_t i = 0; i < binder->meanings->n_mentions; i++) {
		const struct mention *mention = &binder->meanings->mentions[i];
		size_t index;

		if (strcmp(mention->path, binder->document->path) != 0)
			continue;
		index = find_reference_at(binder->document, mention->offset);
		if (index == SIZE_MAX || binder->bound[index] ||
		    !fits(binder, index, mention->unit))
			continue;
		bind_to_mention(binder, index, mention);
	}
}

/*
 * In a file that somebody edited, a mention is found again by its place and text, from the
 * narrowest sense of "place" to the widest:
 *  - nothing around it changed either;
 *  - the block around it got another head, or moved (PVE's editor sorts stanzas);
 *  - the head of a block got another name while the block stayed as it was: its place is that
 * block, so this comes before looking for the same name elsewhere (two heads exchanged by hand);
 *  - something else in the block was edited;
 *  - block and surroundings changed.
 * What is left was written or changed by a person; where just one thing stood in its place before,
 * that is what the place meant.
 */
static void bind_by_place(struct binder *binder)
{
	pair_items(binder, AGREE_BLOCK | AGREE_BODY | AGREE_KEY | AGREE_TEXT, NULL, keep_meaning);
	pair_items(binder, AGREE_BODY | AGREE_KEY | AGREE_TEXT, has_body, keep_meaning);
	pair_items(binder, AGREE_BLOCK | AGREE_BODY | AGREE_KEY, has_body, note_place);
	pair_items(binder, AGREE_BLOCK | AGREE_KEY | AGREE_TEXT, NULL, keep_meaning);
	/* A section of a guest's file is no block that may have got another head. */
	if (!document_is_of_guests(binder->document))
		pair_items(binder, AGREE_KEY | AGREE_TEXT, NULL, keep_meaning);
	pair_items(binder, AGREE_BLOCK | AGREE_KEY, NULL, note_place);
}

/* Which NIC or function of today's inventory a recorded unit is; SIZE_MAX if none. */
static int locate_now(const struct binder *binder, size_t unit, size_t *ret_index)
{
	struct pairing pairing;
	int r;

	*ret_index = SIZE_MAX;
	if (unit == MEANS_NOBODY)
		return 0;
	r = match_locate(binder->past->settled, &binder->meanings->units[unit], NULL, 0, &pairing);
	if (r == 0 && pairing.fate == FATE_FOUND)
		*ret_index = pairing.index;
	return r;
}

/* Whether a mention names today the very unit that a recorded one means, or still nobody. */
static bool names_meant(const struct binder *binder, const struct item *today,
			const struct item *recorded, const size_t *now)
{
	const struct document *document = binder->document;
	size_t unit = binder->meanings->mentions[recorded->index].unit;
	size_t bearer = bearer_find(binder->past->settled->after, document,
				    &document->references[today->index]);

	if (today->kind != recorded->kind || !bytes_equal(today->key, recorded->key))
		return false;
	if (unit != MEANS_NOBODY && now[unit] != SIZE_MAX)
		return bearer == now[unit];
	return bytes_equal(today->text, recorded->text) &&
	       (unit == MEANS_NOBODY || bearer == SIZE_MAX);
}

static void keep_followed(struct binder *binder, const struct item *today,
			  const struct item *recorded)
{
	keep_meaning(binder, today, recorded);
	if (!bytes_equal(today->text, recorded->text))
		binder->bindings[today->index].said = NULL;
}

/*
 * A person may have followed the hardware in the whole file already: then each mention in turn
 * names what the one in its place meant. To go by text would mix up names that moved on by one.
 */
static void bind_followed_file(struct binder *binder, const size_t *now)
{
	if (binder->n_today != binder->n_recorded)
		return;
	for (size_t i = 0; i < binder->n_today; i++)
		if (!names_meant(binder, &binder->today[i], &binder->recorded[i], now))
			return;
	for (size_t i = 0; i < binder->n_today; i++)
		keep_followed(binder, &binder->today[i], &binder->recorded[i]);
	binder->n_today = binder->n_recorded = 0;
}

/* Where the run of items ends that stand in one place of a sorted list. */
static size_t end_of_place(const struct item *items, size_t n, size_t start)
{
	size_t end = start;

	while (end < n && compare_items(&items[end], &items[start], AGREE_BLOCK | AGREE_KEY) == 0)
		end++;
	return end;
}

/* Whether the mentions of one place of today name in turn what those recorded there mean. */
static bool place_is_followed(const struct binder *binder, size_t i, size_t j, size_t n,
			      const size_t *now)
{
	for (size_t k = 0; k < n; k++)
		if (!names_meant(binder, &binder->today[i + k], &binder->recorded[j + k], now))
			return false;
	return true;
}

/*
 * The same in a single setting: a guest's file has copies of it in other sections, a cluster's one
 * of other nodes, which nobody had to follow.
 */
static void bind_followed_places(struct binder *binder, const size_t *now)
{
	unsigned int agreement = AGREE_BLOCK | AGREE_KEY;
	size_t i = 0, j = 0, kept_today = 0, kept_recorded = 0;

	qsort_r(binder->today, binder->n_today, sizeof(struct item), compare_for_sort, &agreement);
	qsort_r(binder->recorded, binder->n_recorded, sizeof(struct item), compare_for_sort,
		&agreement);
	while (i < binder->n_today || j < binder->n_recorded) {
		size_t end_today = end_of_place(binder->today, binder->n_today, i);
		size_t end_recorded = end_of_place(binder->recorded, binder->n_recorded, j);
		int order =
			i >= binder->n_today ? 1
			: j >= binder->n_recorded
				? -1
				: compare_items(&binder->today[i], &binder->recorded[j], agreement);
		bool followed = order == 0 && end_today - i == end_recorded - j &&
				place_is_followed(binder, i, j, end_today - i, now);

		for (size_t k = 0; followed && k < end_today - i; k++)
			keep_followed(binder, &binder->today[i + k], &binder->recorded[j + k]);
		for (; order <= 0 && i < end_today; i++)
			if (!followed)
				binder->today[kept_today++] = binder->today[i];
		for (; order >= 0 && j < end_recorded; j++)
			if (!followed)
				binder->recorded[kept_recorded++] = binder->recorded[j];
	}
	binder->n_today = kept_today;
	binder->n_recorded = kept_recorded;
}

static int bind_followed(struct binder *binder)
{
	_cleanup_free_ size_t *now = NULL;
	bool guests = document_is_of_guests(binder->document);
	int r = 0;

	if (binder->n_today != binder->n_recorded && !guests)
		return 0;
	now = calloc(binder->meanings->n_units + 1, sizeof(*now));
	if (!now)
		return -ENOMEM;
	for (size_t i = 0; i < binder->meanings->n_units && r == 0; i++)
		r = locate_now(binder, i, &now[i]);
	if (r < 0)
		return r;
	bind_followed_file(binder, now);
	if (guests)
		bind_followed_places(binder, now);
	return 0;
}

/* Whether the line a reference stands on was there when the file was last seen. */
static bool line_was_seen(const struct binder *binder, const struct reference *reference)
{
	size_t low = 0, high = binder->seen ? binder->seen->n_lines : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (binder->seen->lines[middle] < reference->line_digest)
			low = middle + 1;
		else
			high = middle;
	}
	return binder->seen && low < binder->seen->n_lines &&
	       binder->seen->lines[low] == reference->line_digest;
}

/* Where a bearer of the older inventory of a match is in the newer one; SIZE_MAX if it is not. */
static size_t index_now(const struct match *match, enum reference_kind kind, size_t index)
{
	const struct pairing *pairing = &bearer_pairings(match, kind)[index];

	return pairing->fate == FATE_FOUND ? pairing->index : SIZE_MAX;
}

/* Whether two records of units that are both gone are of one unit. */
static bool same_record(const struct unit *a, const struct unit *b)
{
	const char *one = a->kind == UNIT_NIC ? a->nic.mac : a->function.serial;
	const char *other = b->kind == UNIT_NIC ? b->nic.mac : b->function.serial;

	if (one && other)
		return strcmp(one, other) == 0;
	if (a->kind == UNIT_NIC && strcmp(a->nic.name, b->nic.name) != 0)
		return false;
	return a->has_function && b->has_function &&
	       pci_address_equal(&a->function.address, &b->function.address);
}

/* Whether a unit that a place meant is the given bearer of an inventory, found today or not. */
static int means_bearer(const struct binder *binder, size_t unit, enum reference_kind kind,
			const struct inventory *inventory, size_t bearer, size_t bearer_now,
			bool *ret_same)
{
	const struct unit *meant;
	struct pairing pairing;
	struct unit other;
	int r;

	*ret_same = false;
	if (unit == MEANS_NOBODY)
		return 0;
	meant = &binder->meanings->units[unit];
	if (meant->kind != reference_kind_means(kind))
		return 0;
	r = match_locate(binder->past->settled, meant, NULL, 0, &pairing);
	if (r < 0)
		return r;
	if (pairing.fate == FATE_FOUND || bearer_now != SIZE_MAX) {
		*ret_same = pairing.fate == FATE_FOUND && pairing.index == bearer_now;
		return 0;
	}
	bearer_to_unit(inventory, kind, bearer, &other);
	*ret_same = same_record(meant, &other);
	return 0;
}

static int bind_to_bearer(struct binder *binder, size_t reference,
			  const struct inventory *inventory, size_t bearer, enum origin origin)
{
	struct unit unit;
	size_t index;
	int r;

	bearer_to_unit(inventory, binder->document->references[reference].kind, bearer, &unit);
	r = meanings_add_unit(binder->meanings, &unit, &index);
	if (r < 0)
		return r;
	bind_to(binder, reference, index, origin);
	return 0;
}

/* A name that nobody bears today: the newest inventory that knew it says whose it was. */
static int recall(struct binder *binder, size_t reference)
{
	const struct past *past = binder->past;
	const struct inventory *baseline = past->baseline ? past->baseline->before : NULL;

	/* The baseline is one of the older ones where these could be read. */
	for (size_t i = 0; i < past->n_older + 2; i++) {
		const struct inventory *inventory = i == 0               ? past->settled->before
						    : i <= past->n_older ? past->older[i - 1]
									 : baseline;
		size_t bearer = inventory ? bearer_find(inventory, binder->document,
							&binder->document->references[reference])
					  : SIZE_MAX;

		if (bearer != SIZE_MAX)
			return bind_to_bearer(binder, reference, inventory, bearer,
					      ORIGIN_RECALLED);
	}
	bind_to(binder, reference, MEANS_NOBODY, ORIGIN_DANGLING);
	return 0;
}

static bool names(const struct parked_text *parked, const struct parked_mention *mention,
		  const struct pci_address *address)
{
	struct bytes text = parked->source ? bytes_of(mention->said)
					   : bytes_slice(bytes_of(parked->original),
							 mention->offset, mention->length);
	struct pci_address said;

	return address_token_parse(text, &said) == 0 && pci_address_equal(&said, address);
}

/*
 * A bind entry that was put out of force, and stands there again by hand or from a backup, is the
 * same mention: it means what it meant. Otherwise it would adopt whoever sits there by now.
 */
static size_t find_enabled_by_hand(const struct binder *binder, const struct reference *reference)
{
	const struct meanings *meanings = binder->meanings;
	size_t unit = MEANS_NOBODY;

	for (size_t i = 0; i < meanings->n_parked; i++) {
		const struct parked_text *parked = &meanings->parked[i];

		if ((!parked->lost && !parked->source) ||
		    strcmp(parked->path, binder->document->path) != 0)
			continue;
		for (size_t j = 0; j < parked->n_mentions; j++) {
			const struct parked_mention *mention = &parked->mentions[j];

			if (mention->parked && mention->unit != MEANS_NOBODY &&
			    meanings->units[mention->unit].kind == UNIT_FUNCTION &&
			    names(parked, mention, &reference->address))
				unit = mention->unit;
		}
	}
	return unit;
}

/* Whether a person says that a mention means what sits there now. */
static bool is_adopted(const struct binder *binder, size_t reference)
{
	const struct past *past = binder->past;
	const char *owner = binder->document->references[reference].owner;

	return past->adopt || (past->adopted && owner && past->adopted(past->adopted_data, owner));
}

/*
 * Proxmox copies sections: a snapshot of a guest is a copy of what is in force, and is copied back
 * by its rollback. Such a copy means what the original did; where two of the same text mean
 * different devices nobody knows which it is of.
 *
 * Return: whether it is a copy.
 */
static bool bind_copy(struct binder *binder, size_t index)
{
	const struct document *document = binder->document;
	const struct reference *reference = &document->references[index];
	const struct meanings *meanings = binder->meanings;
	const struct mention *original = NULL;
	bool differ = false;

	if (!document->guest)
		return false;
	for (size_t i = 0; i < meanings->n_mentions; i++) {
		const struct mention *mention = &meanings->mentions[i];

		if (mention->kind != reference->kind ||
		    strcmp(mention->path, document->path) != 0 ||
		    strcmp(mention->key, reference->key) != 0 ||
		    !bytes_equal(bytes_of(mention->text), document_name_of(document, reference)))
			continue;
		differ |= original && original->unit != mention->unit;
		original = mention;
	}
	if (!original)
		return false;
	bind_to_mention(binder, index, original);
	if (differ)
		bind_to(binder, index, MEANS_NOBODY, ORIGIN_AMBIGUOUS);
	return true;
}

/* A mention that a person wrote or changed (contract section 1). */
static int bind_new(struct binder *binder, size_t index)
{
	const struct past *past = binder->past;
	const struct inventory *now = past->settled->after;
	const struct document *document = binder->document;
	const struct reference *reference = &document->references[index];
	enum reference_kind kind = reference->kind;
	size_t bearer = bearer_find(now, document, reference), former = SIZE_MAX;
	size_t place = binder->place_meant[index], former_now = SIZE_MAX;
	bool same = false, adopted = is_adopted(binder, index);
	int r;

	if (!adopted && bind_copy(binder, index))
		return 0;
	if (kind == REFERENCE_ADDRESS && !adopted) {
		size_t unit = find_enabled_by_hand(binder, reference);

		if (unit != MEANS_NOBODY) {
			bind_to(binder, index, unit, ORIGIN_KEPT);
			return 0;
		}
	}
	if (bearer == SIZE_MAX)
		return past->first || adopted
			       ? (bind_to(binder, index, MEANS_NOBODY, ORIGIN_DANGLING), 0)
			       : recall(binder, index);
	if (past->baseline && !past->first && !adopted)
		former = bearer_find(past->baseline->before, document, reference);
	if (former != SIZE_MAX)
		former_now = index_now(past->baseline, kind, former);
	if (former == SIZE_MAX || former_now == bearer)
		return bind_to_bearer(binder, index, now, bearer, ORIGIN_NEW);

	r = means_bearer(binder, place, kind, now, bearer, bearer, &same);
	if (r < 0)
		return r;
	if (same) {
		bind_to(binder, index, place, ORIGIN_KEPT);
		return 0;
	}
	r = means_bearer(binder, place, kind, past->baseline->before, former, former_now, &same);
	if (r < 0)
		return r;
	if (same)
		bind_to(binder, index, place, ORIGIN_KEPT);
	else
		bind_to(binder, index, MEANS_NOBODY, ORIGIN_AMBIGUOUS);
	return 0;
}

/*
 * A mention that was not recorded although its line stood here stood here while its name denoted
 * nothing. (Where somebody bore the name even then, the line was read by a version that did not
 * know this kind of mention: it is new.)
 */
static bool was_dangling(const struct binder *binder, size_t index)
{
	const struct document *document = binder->document;
	const struct reference *reference = &document->references[index];

	return !binder->past->first && !binder->past->adopt && line_was_seen(binder, reference) &&
	       bearer_find(binder->past->settled->before, document, reference) == SIZE_MAX;
}

/* Whether each mention stands where it stood when it was recorded. */
static bool is_untouched(const struct binder *binder, const struct put_back *back, size_t n_back)
{
	/* What `restore` puts back stood nowhere, and moves what is behind it. */
	for (size_t i = 0; i < n_back; i++)
		if (!*binder->meanings->parked[back[i].parked].present)
			return false;
	return binder->seen &&
	       binder->seen->digest ==
		       bytes_digest(document_disk_bytes(binder->document), BYTES_DIGEST_SEED);
}

static int bind_document(struct binder *binder, const struct put_back *back, size_t n_back)
{
	const struct document *document = binder->document;
	int r;

	bind_parked(binder, back, n_back);
	if (!binder->past->adopt && is_untouched(binder, back, n_back))
		bind_by_offset(binder);
	else if (!binder->past->adopt) {
		r = collect_items(binder);
		if (r == 0)
			r = bind_followed(binder);
		if (r < 0)
			return r;
		bind_by_place(binder);
	}
	for (size_t i = 0; i < document->n_references; i++) {
		if (document->references[i].kind == REFERENCE_GROUP) {
			/* Whose it is follows from where the function is found. */
			if (!binder->bound[i])
				bind_to(binder, i, MEANS_NOBODY, ORIGIN_NEW);
			continue;
		}
		if (binder->bound[i] && binder->past->adopted && is_adopted(binder, i)) {
			binder->bindings[i] = (struct binding){ 0 };
			r = bind_new(binder, i);
			if (r < 0)
				return r;
			continue;
		}
		if (binder->bound[i])
			continue;
		if (!is_adopted(binder, i) && was_dangling(binder, i)) {
			bind_to(binder, i, MEANS_NOBODY, ORIGIN_DANGLING);
			continue;
		}
		r = bind_new(binder, i);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A script that is switched off keeps its mentions where they are: they are out of force too. */
static void mark_switched_off(struct binder *binder, const struct put_back *back, size_t n_back)
{
	bool off = false;

	for (size_t i = 0; i < n_back && !off; i++)
		off = park_switches_off(&binder->meanings->parked[back[i].parked]);
	for (size_t i = 0; off && i < binder->document->n_references; i++)
		if (binder->document->references[i].shape == PARK_SCRIPT)
			binder->bindings[i].parked = true;
}

int meanings_bind(struct meanings *meanings, const struct document *document,
		  const struct put_back *parked, size_t n_parked, const struct past *past,
		  struct binding **ret_bindings)
{
	size_t n = document->n_references;
	struct binder binder = { .meanings = meanings,
				 .document = document,
				 .past = past,
				 .seen = meanings_find_file(meanings, document->path),
				 .bindings = calloc(n + 1, sizeof(struct binding)),
				 .bound = calloc(n + 1, sizeof(bool)),
				 .place_meant = calloc(n + 1, sizeof(size_t)) };
	int r = -ENOMEM;

	if (binder.bindings && binder.bound && binder.place_meant) {
		for (size_t i = 0; i < n; i++)
			binder.place_meant[i] = MEANS_NOBODY;
		r = bind_document(&binder, parked, n_parked);
		mark_switched_off(&binder, parked, n_parked);
	}
	free(binder.bound);
	free(binder.place_meant);
	free(binder.today);
	free(binder.recorded);
	if (r < 0) {
		free(binder.bindings);
		return r;
	}
	*ret_bindings = binder.bindings;
	return 0;
}
