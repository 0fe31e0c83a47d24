/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What everything means once a plan is carried out. */
#include "recovery/bearer.h"
#include "recovery/plan.h"

#include <errno.h>

/**
 * struct scribe - Writing the new meanings down
 * @new_unit: one per unit of the old meanings: its index in the new ones, or SIZE_MAX
 * @followed: one per unit of the old meanings: some mention of it is in force
 */
struct scribe {
	struct meanings *meanings;
	const struct resolution *resolution;
	const struct policy *policy;
	const struct inventory *now;
	size_t *new_unit;
	bool *followed;
};

/* A number once known stays known while it is only not to be had, not while another bears it too.
 */
static void keep_numbers(const struct inventory *now, size_t index, const struct unit *old,
			 struct unit *unit)
{
	if (old->kind == UNIT_NIC && !unit->nic.mac && !now->nics[index].mac)
		unit->nic.mac = old->nic.mac;
	/* With a driver for guests a function has no link to tell it. */
	if (old->kind == UNIT_FUNCTION && !unit->nic.mac)
		unit->nic.mac = old->nic.mac;
	if (!unit->function.serial && !unit->shared_serial) {
		unit->function.serial = old->function.serial;
		unit->shared_serial = old->shared_serial;
	}
}

/* Whether a virtual function's card hangs below the bridge that it hung below. */
static bool hangs_there(const struct inventory *now, const struct unit *old,
			const struct pairing *pairing)
{
	const char *was = old->function.path, *is;
	size_t size;

	if (pairing->carrier == SIZE_MAX)
		return false;
	is = now->functions[pairing->carrier].path;
	if (!was || !is || !strrchr(was, '/'))
		return true;
	size = (size_t)(strrchr(was, '/') - was) + 1;
	return strncmp(was, is, size) == 0 && !strchr(is + size, '/');
}

/* A NIC whose link is not there yet is where its function is. */
static void move_function(const struct inventory *now, size_t index, struct unit *unit)
{
	const char *serial = unit->function.serial;
	struct unit place;

	unit_from_function(now, &now->functions[index], &place);
	unit->function = place.function;
	unit->nic.pci = place.function.address;
	if (place.function.serial || place.shared_serial)
		unit->shared_serial = place.shared_serial;
	else
		unit->function.serial = serial;
}

/*
 * Whether what sits where a unit was last known is somebody else from now on. What is not there yet
 * or cannot be read is no other; where a virtual function's card hangs somewhere else now, another
 * card may take its old place.
 */
static bool is_lost(const struct inventory *now, const struct unit *old,
		    const struct pairing *pairing, bool proven)
{
	switch (pairing->fate) {
	case FATE_FOUND:
		return !proven;
	case FATE_NOT_YET:
		return old->lost || (old->kind == UNIT_FUNCTION && !hangs_there(now, old, pairing));
	case FATE_UNREADABLE:
		return old->lost;
	default:
		return true;
	}
}

/* That a card is the only one of its model tells nothing of one that was lost, unless it is acted
 * upon: the next one of the model would be taken for it too. */
static bool is_idle_guess(const struct unit *old, const struct pairing *pairing, bool followed)
{
	return old->kind == UNIT_FUNCTION && old->lost && !followed &&
	       pairing->fate == FATE_FOUND && pairing->confidence != CONFIDENCE_CERTAIN &&
	       !(pairing->evidence & (EVIDENCE_PATH | EVIDENCE_ADDRESS));
}

/*
 * A unit as it is known from now on. What was found has today's place and name; where it was first
 * recorded stays. What took another's place is a new unit. What is away, or whose name may still
 * change, keeps what was last known.
 */
static void update_unit(const struct scribe *scribe, size_t index, struct unit *ret_unit)
{
	const struct resolution *resolution = scribe->resolution;
	const struct unit *old = &resolution->meanings->units[index];
	const struct pairing *pairing = &resolution->pairings[index];
	bool proven = !resolution->past->settled->other_machine ||
		      pairing->confidence == CONFIDENCE_CERTAIN;
	struct unit unit = *old;

	/* What is meant on another machine is to be found there as it was left. */
	if (old->kind == UNIT_FUNCTION && resolve_home(resolution)) {
		*ret_unit = unit;
		return;
	}
	if (is_idle_guess(old, pairing, scribe->followed[index])) {
		*ret_unit = unit;
		return;
	}
	unit.lost = is_lost(scribe->now, old, pairing, proven);
	if (pairing->fate == FATE_FOUND && proven) {
		if (old->kind == UNIT_FUNCTION)
			unit_from_function(scribe->now, &scribe->now->functions[pairing->index],
					   &unit);
		else if (scribe->now->nics[pairing->index].settled)
			unit_from_nic(scribe->now, &scribe->now->nics[pairing->index], &unit);
		keep_numbers(scribe->now, pairing->index, old, &unit);
		unit.first_address = old->first_address;
		unit.first_path = old->first_path;
	} else if (pairing->fate == FATE_NOT_YET && old->kind == UNIT_NIC &&
		   !old->function.has_physfn && pairing->carrier != SIZE_MAX) {
		move_function(scribe->now, pairing->carrier, &unit);
	} else if (pairing->fate == FATE_REPLACED && proven && scribe->policy->replaced_nic &&
		   scribe->policy->network && scribe->now->nics[pairing->index].settled) {
		unit_from_nic(scribe->now, &scribe->now->nics[pairing->index], &unit);
	}
	*ret_unit = unit;
}

static int take_unit(struct scribe *scribe, size_t index, size_t *ret_index)
{
	struct unit unit;
	int r;

	*ret_index = MEANS_NOBODY;
	if (index == MEANS_NOBODY)
		return 0;
	if (scribe->new_unit[index] == SIZE_MAX) {
		update_unit(scribe, index, &unit);
		r = meanings_add_unit(scribe->meanings, &unit, &scribe->new_unit[index]);
		if (r < 0)
			return r;
	}
	*ret_index = scribe->new_unit[index];
	return 0;
}

/* The function whose group's number this is, if it was right once, or is from now on. */
static int take_group(struct scribe *scribe, const struct subject *subject, size_t reference,
		      size_t *ret_index)
{
	const struct document *document = subject->document;
	const struct finding *finding = &subject->findings[reference];
	size_t followed = document_first_from(document, document->references[reference].follows);

	if (subject->bindings[reference].unit != MEANS_NOBODY)
		return take_unit(scribe, subject->bindings[reference].unit, ret_index);
	*ret_index = MEANS_NOBODY;
	if ((!finding->agrees && !finding->new_name) || followed >= document->n_references)
		return 0;
	return take_unit(scribe, subject->bindings[followed].unit, ret_index);
}

/* The virtual function that was made by now where nobody was; SIZE_MAX if there is none. */
static size_t made_late(const struct scribe *scribe, const struct subject *subject, size_t index)
{
	const struct binding *binding = &subject->bindings[index];

	if (!document_is_of_guests(subject->document) || binding->unit != MEANS_NOBODY ||
	    binding->origin == ORIGIN_AMBIGUOUS || binding->refused ||
	    subject->document->references[index].kind != REFERENCE_ADDRESS ||
	    subject->findings[index].verdict == VERDICT_BLOCK)
		return SIZE_MAX;
	return bearer_find(scribe->now, subject->document, &subject->document->references[index]);
}

/* The unit that a reference means from now on. */
static int take_binding(struct scribe *scribe, const struct subject *subject, size_t reference,
			size_t *ret_index)
{
	const struct binding *binding = &subject->bindings[reference];
	const struct document *document = subject->document;
	const struct nic *bearer;
	struct unit unit;

	*ret_index = MEANS_NOBODY;
	if (document->references[reference].kind == REFERENCE_GROUP)
		return take_group(scribe, subject, reference, ret_index);
	if (binding->refused)
		return 0;
	if (made_late(scribe, subject, reference) != SIZE_MAX) {
		unit_from_function(scribe->now,
				   &scribe->now->functions[made_late(scribe, subject, reference)],
				   &unit);
		return meanings_add_unit(scribe->meanings, &unit, ret_index);
	}
	if (document_is_of_guests(document) && binding->unit != MEANS_NOBODY &&
	    scribe->resolution->pairings[binding->unit].fate == FATE_REPLACED) {
		/* Whoever follows the newcomer, guests never do. */
		unit = scribe->resolution->meanings->units[binding->unit];
		unit.lost = true;
		return meanings_add_unit(scribe->meanings, &unit, ret_index);
	}
	if (document->references[reference].kind != REFERENCE_NIC ||
	    binding->origin != ORIGIN_NEW || binding->unit != MEANS_NOBODY)
		return take_unit(scribe, binding->unit, ret_index);

	/* A dangling mention that became a newly added NIC's. */
	bearer = inventory_find_nic_or_altname(
		scribe->now, document_text(document, document->references[reference].span));
	*ret_index = MEANS_NOBODY;
	if (!bearer)
		return 0;
	unit_from_nic(scribe->now, bearer, &unit);
	return meanings_add_unit(scribe->meanings, &unit, ret_index);
}

static size_t name_length(const struct subject *subject, size_t reference)
{
	const struct reference *mention = &subject->document->references[reference];
	const char *new_name = subject->findings[reference].new_name;

	return new_name && !mention->in_name ? strlen(new_name) : mention->span.length;
}

/* The first reference whose name starts at or behind an offset of the plain text. */
static size_t first_in_plain(const struct subject *subject, const struct rendered *rendered,
			     size_t offset)
{
	size_t low = 0, high = subject->document->n_references;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rendered->plain_offset[middle] < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A block's own head is headed by its keyword alone, what stands in it by the whole head. */
static bool is_inside(const struct reference *reference)
{
	return reference->block && strchr(reference->block, ' ') != NULL;
}

/* The name as a person wrote it. */
static const char *said_in(struct scribe *scribe, const struct subject *subject, size_t reference)
{
	const struct document *document = subject->document;
	const char *said = subject->bindings[reference].said;

	return arena_copy(&scribe->meanings->arena,
			  said ? bytes_of(said)
			       : document_name_of(document, &document->references[reference]));
}

/* A replacement that was not followed is not forgotten when it is no news any more. */
static bool is_held(const struct scribe *scribe, const struct binding *binding)
{
	enum fate fate;

	if (binding->unit == MEANS_NOBODY)
		return false;
	fate = scribe->resolution->pairings[binding->unit].fate;
	if (fate == FATE_REPLACED)
		return !scribe->policy->replaced_nic || !scribe->policy->network;
	return binding->held && fate != FATE_FOUND;
}

static int write_parked_mention(struct scribe *scribe, const struct subject *subject,
				const struct rendered *rendered, size_t index, size_t start,
				struct parked_mention *mention)
{
	const struct binding *binding = &subject->bindings[index];

	mention->offset = rendered->plain_offset[index] - start;
	mention->length = rendered->out_of_force[index]
				  ? subject->document->references[index].span.length
				  : name_length(subject, index);
	mention->ambiguous = binding->origin == ORIGIN_AMBIGUOUS;
	/* What is itself parked is not left to anybody. */
	mention->held = is_held(scribe, binding) &&
			subject->findings[index].verdict != VERDICT_PARK;
	mention->parked = rendered->out_of_force[index];
	mention->said = said_in(scribe, subject, index);
	if (!mention->said)
		return -ENOMEM;
	return take_binding(scribe, subject, index, &mention->unit);
}

/**
 * write_parked() - One text with something parked in it
 * @context: the line above the text, as in struct parked_text; of the text before this one until
 *           this one's is known
 * @before:  where that text starts; what stands above it was looked at
 */
static int write_parked(struct scribe *scribe, const struct subject *subject,
			const struct rendered *rendered, const struct rendered_park *park,
			struct bytes *context, size_t before)
{
	struct bytes text = bytes_make(rendered->text, rendered->size);
	struct bytes plain = bytes_make(rendered->plain, rendered->plain_size);
	struct bytes present = bytes_slice(text, park->text_span.offset, park->text_span.length);
	struct bytes original =
		bytes_slice(plain, park->plain_span.offset, park->plain_span.length);
	struct arena *arena = &scribe->meanings->arena;
	size_t first = first_in_plain(subject, rendered, park->plain_span.offset);
	size_t n = first_in_plain(subject, rendered, span_end(park->plain_span)) - first;
	struct parked_text *parked = meanings_add_parked(scribe->meanings, n);
	struct bytes nearer = park_context(bytes_slice(text, before, text.size - before),
					   park->text_span.offset - before);
	int r = 0;

	if (!parked)
		return -ENOMEM;
	if (nearer.size > 0)
		*context = nearer;
	parked->offset = park->text_span.offset;
	parked->inside = n > 0 && is_inside(&subject->document->references[first]);
	parked->path = arena_copy_text(arena, subject->document->path);
	parked->context = arena_copy(arena, *context);
	if (rendered->removed) {
		parked->source = arena_copy_text(arena, subject->document->source->name);
		if (!parked->source ||
		    file_attributes_copy(&subject->document->attributes, &parked->attributes) < 0)
			return -ENOMEM;
	}
	parked->present = arena_copy(arena, present);
	parked->original = arena_copy(arena, original);
	if (!parked->path || !parked->context || !parked->present || !parked->original)
		return -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++)
		r = write_parked_mention(scribe, subject, rendered, first + i,
					 park->plain_span.offset, &parked->mentions[i]);
	return r;
}

static int add_member(struct scribe *scribe, const struct inventory *inventory,
		      const struct pci_function *function, size_t *units, size_t *n)
{
	struct unit unit;
	int r;

	unit_from_function(inventory, function, &unit);
	r = meanings_add_unit(scribe->meanings, &unit, &units[*n]);
	if (r == 0)
		++*n;
	return r;
}

/* Everybody in the group of a function. */
static int add_group(struct scribe *scribe, const struct inventory *inventory, int group,
		     size_t *units, size_t *n)
{
	int r = 0;

	for (size_t i = 0; i < inventory->n_functions && r == 0; i++)
		if (inventory->functions[i].iommu_group == group)
			r = add_member(scribe, inventory, &inventory->functions[i], units, n);
	return r;
}

/* Whom a device that a guest takes shares its groups with when the mention is first seen. */
static int learn_company(struct scribe *scribe, const struct inventory *inventory,
			 const struct reference *reference, const struct pci_function *function,
			 struct company *company)
{
	size_t *units, n = 0;
	int group = UNKNOWN, r = 0;

	if (function->iommu_group == UNKNOWN)
		return 0;
	units = arena_allocate(&scribe->meanings->arena,
			       (inventory->n_functions * 8 + 1) * sizeof(*units));
	if (!units)
		return -ENOMEM;
	for (size_t i = 0; i < inventory->n_functions && r == 0; i++) {
		const struct pci_function *member = &inventory->functions[i];

		if (member != function &&
		    (!reference->whole_slot ||
		     !pci_address_same_device(&member->address, &function->address)))
			continue;
		if (member->iommu_group == UNKNOWN)
			r = add_member(scribe, inventory, member, units, &n);
		/* Functions of a slot mostly share a group, and follow each other. */
		else if (member->iommu_group != group)
			r = add_group(scribe, inventory, member->iommu_group, units, &n);
		group = member->iommu_group;
	}
	*company = (struct company){ true, units, n };
	return r;
}

static int carry_company(struct scribe *scribe, const struct company *old, struct company *company)
{
	size_t *units =
		arena_allocate(&scribe->meanings->arena, (old->n_units + 1) * sizeof(*units));
	int r = 0;

	if (!units)
		return -ENOMEM;
	for (size_t i = 0; i < old->n_units && r == 0; i++)
		r = take_unit(scribe, old->units[i], &units[i]);
	*company = (struct company){ true, units, old->n_units };
	return r;
}

/* Buses that the virtual functions of one card may reach over (PCIe 9.2.1.2: 256 and more). */
#define VIRTUAL_BUSES 8

/* Who may carry a virtual function at an address where nobody is yet. */
static int note_carriers(struct scribe *scribe, const struct pci_address *address,
			 struct company *company)
{
	const struct inventory *now = scribe->now;
	size_t *units, n = 0;

	units = arena_allocate(&scribe->meanings->arena, (now->n_functions + 1) * sizeof(*units));
	if (!units)
		return -ENOMEM;
	for (size_t i = 0; i < now->n_functions; i++) {
		const struct pci_function *function = &now->functions[i];
		struct unit unit;
		int r;

		if (function->has_physfn || pci_function_is_bridge(function) ||
		    function->address.domain != address->domain ||
		    function->address.bus > address->bus ||
		    function->address.bus + VIRTUAL_BUSES < address->bus)
			continue;
		unit_from_function(now, function, &unit);
		r = meanings_add_unit(scribe->meanings, &unit, &units[n]);
		if (r < 0)
			return r;
		n++;
	}
	*company = (struct company){ true, units, n };
	return 0;
}

/*
 * A mention that was written while its device was in its place, and is first seen when that is
 * somewhere else: who was with it then is in the baseline.
 */
static int recall_company(struct scribe *scribe, const struct subject *subject, size_t index,
			  const struct pairing *pairing, struct company *company)
{
	const struct reference *reference = &subject->document->references[index];
	const struct match *baseline = scribe->resolution->past->baseline;
	const struct pairing *then;
	size_t bearer;

	bearer = baseline ? bearer_find(baseline->before, subject->document, reference) : SIZE_MAX;
	if (bearer == SIZE_MAX)
		return 0;
	then = &baseline->functions[bearer];
	if (then->fate != pairing->fate || then->index != pairing->index)
		return 0;
	return learn_company(scribe, baseline->before, reference,
			     &baseline->before->functions[bearer], company);
}

static int write_company(struct scribe *scribe, const struct subject *subject, size_t index,
			 struct company *company)
{
	const struct reference *reference = &subject->document->references[index];
	const struct binding *binding = &subject->bindings[index];
	const struct pairing *pairing;
	size_t late = made_late(scribe, subject, index);

	if (reference->kind != REFERENCE_ADDRESS || !document_is_of_guests(subject->document))
		return 0;
	if (late != SIZE_MAX)
		return learn_company(scribe, scribe->now, reference, &scribe->now->functions[late],
				     company);
	if (binding->company.known)
		return carry_company(scribe, &binding->company, company);
	if (binding->unit == MEANS_NOBODY)
		return binding->origin == ORIGIN_DANGLING
			       ? note_carriers(scribe, &reference->address, company)
			       : 0;
	pairing = &scribe->resolution->pairings[binding->unit];
	if (subject->findings[index].verdict == VERDICT_BLOCK)
		return recall_company(scribe, subject, index, pairing, company);
	if (pairing->fate != FATE_FOUND)
		return 0;
	return learn_company(scribe, scribe->now, reference,
			     &scribe->now->functions[pairing->index], company);
}

static int write_mention(struct scribe *scribe, const struct document *plain,
			 const struct reference *reference, const struct subject *subject,
			 size_t index)
{
	struct mention *mention = meanings_add_mention(scribe->meanings);
	struct arena *arena = &scribe->meanings->arena;
	int r;

	if (!mention)
		return -ENOMEM;
	mention->path = arena_copy_text(arena, plain->path);
	mention->kind = reference->kind;
	mention->text = arena_copy(arena, document_name_of(plain, reference));
	mention->said = said_in(scribe, subject, index);
	mention->offset = reference->span.offset;
	mention->block = arena_copy_text(arena, reference->block ? reference->block : "");
	mention->body = reference->body;
	mention->key = arena_copy_text(arena, reference->key ? reference->key : "");
	mention->line_digest = reference->line_digest;
	mention->ambiguous = subject->bindings[index].origin == ORIGIN_AMBIGUOUS ||
			     subject->bindings[index].refused;
	mention->held = is_held(scribe, &subject->bindings[index]);
	if (!mention->path || !mention->text || !mention->said || !mention->block || !mention->key)
		return -ENOMEM;
	r = write_company(scribe, subject, index, &mention->company);
	return r == 0 ? take_binding(scribe, subject, index, &mention->unit) : r;
}

/*
 * The mentions of one file, from a scan of what it will be: places and digests are those the next
 * run will see. A mention of the scan that had no verdict denotes nothing, and neither has a
 * dangling one of a NIC anything to record: that its line was seen says it, until somebody bears
 * the name. A bind entry never adopts whoever comes, so that it means nobody is on record.
 */
static int write_mentions(struct scribe *scribe, const struct document *plain,
			  const struct subject *subject, const struct rendered *rendered)
{
	size_t n = subject->document->n_references, old = 0;

	for (size_t i = 0; i < plain->n_references; i++) {
		const struct reference *reference = &plain->references[i];
		const struct binding *binding;
		int r;

		while (old < n && rendered->plain_offset[old] < reference->span.offset)
			old++;
		if (old >= n || rendered->plain_offset[old] != reference->span.offset ||
		    rendered->out_of_force[old])
			continue;
		binding = &subject->bindings[old];
		if (binding->unit == MEANS_NOBODY && binding->origin == ORIGIN_DANGLING &&
		    reference->kind == REFERENCE_NIC && !document_is_of_guests(subject->document))
			continue;
		r = write_mention(scribe, plain, reference, subject, old);
		if (r < 0)
			return r;
	}
	return 0;
}

static int write_file(struct scribe *scribe, const struct document *plain,
		      const struct rendered *rendered)
{
	struct seen_file *file = meanings_add_file(scribe->meanings, plain->n_line_digests);

	if (!file)
		return -ENOMEM;
	file->path = arena_copy_text(&scribe->meanings->arena, plain->path);
	if (!file->path)
		return -ENOMEM;
	file->digest = bytes_digest(bytes_make(rendered->text, rendered->size), BYTES_DIGEST_SEED);
	if (plain->n_line_digests)
		memcpy(file->lines, plain->line_digests,
		       plain->n_line_digests * sizeof(*file->lines));
	return 0;
}

static int write_turned_off(struct scribe *scribe, const struct turned_off *old)
{
	struct turned_off *off = meanings_add_turned_off(scribe->meanings);
	struct arena *arena = &scribe->meanings->arena;

	if (!off)
		return -ENOMEM;
	off->file = old->file;
	off->guest = arena_copy_text(arena, old->guest);
	off->path = arena_copy_text(arena, old->path);
	off->was = arena_copy_text(arena, old->was);
	off->now = arena_copy_text(arena, old->now);
	return off->guest && off->path && off->was && off->now ? 0 : -ENOMEM;
}

static int write_subject(struct scribe *scribe, const struct document *plain,
			 const struct subject *subject, const struct rendered *rendered)
{
	struct bytes context = BYTES_NONE;
	size_t before = 0;
	int r = 0;

	/* A file that is not there was not seen: one that comes in its place is a person's. */
	if (!rendered->removed)
		r = write_file(scribe, plain, rendered);
	if (r < 0)
		return r;
	r = write_mentions(scribe, plain, subject, rendered);
	for (size_t i = 0; i < rendered->n_parked && r == 0; i++) {
		const struct rendered_park *park = &rendered->parked[i];

		r = write_parked(scribe, subject, rendered, park, &context, before);
		before = park->text_span.offset;
	}
	for (size_t i = 0; i < rendered->n_turned_off && r == 0; i++)
		r = write_turned_off(scribe, &rendered->turned_off[i]);
	return r;
}

/* Whether nothing can be told of a file today; what is known of it is carried on. */
static bool is_mute(const struct document *document)
{
	return document->unfit || (document->rejected && document_is_of_guests(document));
}

static bool is_subject(const struct resolution *resolution, const char *path)
{
	for (size_t i = 0; i < resolution->n_subjects; i++)
		if (!is_mute(resolution->subjects[i].document) &&
		    strcmp(resolution->subjects[i].document->path, path) == 0)
			return true;
	return false;
}

static int carry_parked(struct scribe *scribe, const struct parked_text *old)
{
	struct arena *arena = &scribe->meanings->arena;
	struct parked_text *parked = meanings_add_parked(scribe->meanings, old->n_mentions);

	if (!parked)
		return -ENOMEM;
	parked->offset = old->offset;
	parked->inside = old->inside;
	parked->lost = old->lost;
	parked->source = arena_copy_text(arena, old->source);
	if ((old->source && !parked->source) ||
	    file_attributes_copy(&old->attributes, &parked->attributes) < 0)
		return -ENOMEM;
	parked->path = arena_copy_text(arena, old->path);
	parked->context = arena_copy_text(arena, old->context);
	parked->present = arena_copy_text(arena, old->present);
	parked->original = arena_copy_text(arena, old->original);
	if (!parked->path || !parked->context || !parked->present || !parked->original)
		return -ENOMEM;
	for (size_t i = 0; i < old->n_mentions; i++) {
		int r;

		parked->mentions[i] = old->mentions[i];
		parked->mentions[i].said = arena_copy_text(arena, old->mentions[i].said);
		if (!parked->mentions[i].said)
			return -ENOMEM;
		r = take_unit(scribe, old->mentions[i].unit, &parked->mentions[i].unit);
		if (r < 0)
			return r;
	}
	return 0;
}

static int carry_mention(struct scribe *scribe, const struct mention *old)
{
	struct mention *mention = meanings_add_mention(scribe->meanings);
	struct arena *arena = &scribe->meanings->arena;

	if (!mention)
		return -ENOMEM;
	*mention = *old;
	mention->path = arena_copy_text(arena, old->path);
	mention->text = arena_copy_text(arena, old->text);
	mention->said = arena_copy_text(arena, old->said);
	mention->block = arena_copy_text(arena, old->block);
	mention->key = arena_copy_text(arena, old->key);
	if (!mention->path || !mention->text || !mention->said || !mention->block || !mention->key)
		return -ENOMEM;
	if (old->company.known && carry_company(scribe, &old->company, &mention->company) < 0)
		return -ENOMEM;
	return take_unit(scribe, old->unit, &mention->unit);
}

static int carry_file(struct scribe *scribe, const struct seen_file *old)
{
	struct seen_file *file = meanings_add_file(scribe->meanings, old->n_lines);

	if (!file)
		return -ENOMEM;
	file->digest = old->digest;
	file->path = arena_copy_text(&scribe->meanings->arena, old->path);
	if (old->n_lines)
		memcpy(file->lines, old->lines, old->n_lines * sizeof(*file->lines));
	return file->path ? 0 : -ENOMEM;
}

/* A file that was taken away, while another device's has got its name. */
static bool waits_for_its_name(const struct scribe *scribe, size_t index)
{
	const struct resolution *resolution = scribe->resolution;
	const struct parked_text *parked = &resolution->meanings->parked[index];
	bool waits = false;

	if (!parked->source || resolution->past->adopt)
		return false;
	for (size_t i = 0; i < resolution->n_subjects; i++) {
		const struct subject *subject = &resolution->subjects[i];

		if (strcmp(subject->document->path, parked->path) != 0)
			continue;
		if (subject->n_back > 0 && subject->back[0].parked == index)
			return false;
		waits |= subject->n_back == 0 && parked->n_mentions > 0 &&
			 subject->document->n_references > 0 &&
			 subject->bindings[0].unit != parked->mentions[0].unit;
	}
	return waits;
}

/* What is known of files that are not there or not readable today is not forgotten. */
static int carry_absent_files(struct scribe *scribe)
{
	const struct meanings *old = scribe->resolution->meanings;
	int r = 0;

	for (size_t i = 0; i < old->n_files && r == 0; i++)
		if (!is_subject(scribe->resolution, old->files[i].path))
			r = carry_file(scribe, &old->files[i]);
	for (size_t i = 0; i < old->n_mentions && r == 0; i++)
		if (!is_subject(scribe->resolution, old->mentions[i].path))
			r = carry_mention(scribe, &old->mentions[i]);
	for (size_t i = 0; i < old->n_parked && r == 0; i++)
		/* Who says that everything means what is there now wants nothing else back. */
		if ((old->parked[i].lost && !scribe->resolution->past->adopt) ||
		    waits_for_its_name(scribe, i) ||
		    !is_subject(scribe->resolution, old->parked[i].path))
			r = carry_parked(scribe, &old->parked[i]);
	for (size_t i = 0; i < old->n_turned_off && r == 0; i++)
		if (!is_subject(scribe->resolution, old->turned_off[i].path))
			r = write_turned_off(scribe, &old->turned_off[i]);
	return r;
}

/* Documents as they will be with what is parked put back, parallel to the subjects. */
static int make_plain_documents(const struct plan *plan, const struct resolution *resolution,
				struct documents *plain)
{
	for (size_t i = 0; i < resolution->n_subjects; i++) {
		const struct document *document = resolution->subjects[i].document;
		const char *path = plan->rendered[i].path;
		struct document *copy = documents_add(plain, path ? path : document->path);
		struct bytes text =
			bytes_make(plan->rendered[i].plain, plan->rendered[i].plain_size);
		int r;

		if (!copy)
			return -ENOMEM;
		copy->source = document->source;
		copy->unfit = document->unfit;
		copy->in_image = document->in_image;
		copy->only_by_apply = document->only_by_apply;
		copy->remembered = document->remembered;
		copy->attributes.mode = document->attributes.mode;
		copy->attributes.is_link = document->attributes.is_link;
		if (document->unfit)
			continue;
		r = bytes_duplicate(text, &copy->data);
		if (r < 0)
			return r;
		copy->size = text.size;
	}
	return 0;
}

static int write_meanings(struct scribe *scribe, const struct plan *plan,
			  const struct scan_context *context, const struct name_set *names)
{
	const struct resolution *resolution = scribe->resolution;
	_cleanup_(documents_done) struct documents plain = { 0 };
	int r;

	r = make_plain_documents(plan, resolution, &plain);
	for (size_t i = 0; sources[i] && r == 0; i++)
		r = sources[i]->scan(sources[i], context, &plain, names);
	for (size_t i = 0; i < plain.n_items && r == 0; i++)
		if (!is_mute(resolution->subjects[i].document))
			r = write_subject(scribe, plain.items[i], &resolution->subjects[i],
					  &plan->rendered[i]);
	return r < 0 ? r : carry_absent_files(scribe);
}

static void mark_followed(const struct scribe *scribe)
{
	for (size_t i = 0; i < scribe->resolution->n_subjects; i++) {
		const struct subject *subject = &scribe->resolution->subjects[i];

		for (size_t j = 0; j < subject->document->n_references; j++)
			if (subject->bindings[j].unit != MEANS_NOBODY &&
			    (subject->findings[j].later ||
			     (subject->findings[j].verdict != VERDICT_PARK &&
			      subject->findings[j].verdict != VERDICT_BLOCK)))
				scribe->followed[subject->bindings[j].unit] = true;
	}
}

int plan_add_meanings(struct plan *plan, const struct resolution *resolution,
		      const struct scan_context *context, const struct name_set *names,
		      const struct policy *policy)
{
	struct scribe scribe = { .meanings = &plan->meanings,
				 .resolution = resolution,
				 .policy = policy,
				 .now = resolution->past->settled->after };
	size_t n = resolution->meanings->n_units;
	int r;

	scribe.new_unit = calloc(n + 1, sizeof(*scribe.new_unit));
	scribe.followed = calloc(n + 1, sizeof(*scribe.followed));
	if (!scribe.new_unit || !scribe.followed) {
		free(scribe.new_unit);
		free(scribe.followed);
		return -ENOMEM;
	}
	mark_followed(&scribe);
	for (size_t i = 0; i < n; i++)
		scribe.new_unit[i] = SIZE_MAX;
	plan->meanings.home = arena_copy_text(&plan->meanings.arena, resolve_home(resolution));
	r = write_meanings(&scribe, plan, context, names);
	free(scribe.new_unit);
	free(scribe.followed);
	return r;
}
