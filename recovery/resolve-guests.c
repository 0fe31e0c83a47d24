/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verdict on each guest that has parts of the host, from those on its mentions. It must not
 * start when one of its settings would hand it something else than is meant, or when a device that
 * it takes shares its IOMMU group with somebody who was not there: the whole group is taken.
 */
#include "recovery/resolve-private.h"

#include <errno.h>
#include <stdio.h>

#include "recovery/guest.h"
#include "recovery/sources/pve.h"
#include "snapshot/protected.h"

/**
 * struct judge - One guest on its way to a verdict
 * @gets: one per function of today: the guest gets it, by whatever setting
 * @follows: something that counts when it starts is about to follow its device
 */
struct judge {
	struct resolver *resolver;
	struct subject *subject;
	struct guest_config *config;
	struct guest_verdict *verdict;
	bool *gets;
	bool follows;
};

/* A text that lives as long as the verdicts; NULL when there is no memory. */
_printf_(2, 0) static const
	char *formatv(struct judge *judge, const char *format, va_list arguments)
{
	struct buffer text = { 0 };
	const char *copy = NULL;

	buffer_appendv(&text, format, arguments);
	if (!text.failed)
		copy = arena_copy(&judge->resolver->resolution->arena, buffer_bytes(&text));
	buffer_done(&text);
	return copy;
}

_printf_(2, 3) static const char *format(struct judge *judge, const char *words, ...)
{
	va_list arguments;
	const char *text;

	va_start(arguments, words);
	text = formatv(judge, words, arguments);
	va_end(arguments);
	return text;
}

/* The first reason is the guest's. */
_printf_(2, 3) static int say(struct judge *judge, const char *words, ...)
{
	va_list arguments;

	if (judge->verdict->reason)
		return 0;
	va_start(arguments, words);
	judge->verdict->reason = formatv(judge, words, arguments);
	va_end(arguments);
	return judge->verdict->reason ? 0 : -ENOMEM;
}

/* Where the function that a mention hands over sits today; NULL where none is known to. */
static const struct pci_function *target_of(const struct resolver *resolver,
					    const struct subject *subject, size_t reference)
{
	const struct resolution *resolution = resolver->resolution;
	size_t unit = subject->bindings[reference].unit;

	if (subject->document->references[reference].kind != REFERENCE_ADDRESS ||
	    subject->findings[reference].verdict == VERDICT_BLOCK || unit == MEANS_NOBODY ||
	    resolution->pairings[unit].fate != FATE_FOUND)
		return NULL;
	return &resolver->now->functions[resolution->pairings[unit].index];
}

/**
 * each_target() - Call for every function that a mention hands over; of a whole slot, all
 *
 * Return: 0, or the first error of @call.
 */
static int each_target(const struct resolver *resolver, const struct subject *subject,
		       size_t reference,
		       int (*call)(void *data, const struct pci_function *function), void *data)
{
	const struct pci_function *target = target_of(resolver, subject, reference);
	int r = 0;

	if (!target)
		return 0;
	if (!subject->document->references[reference].whole_slot)
		return call(data, target);
	for (size_t i = 0; i < resolver->now->n_functions && r == 0; i++)
		if (pci_address_same_device(&resolver->now->functions[i].address, &target->address))
			r = call(data, &resolver->now->functions[i]);
	return r;
}

/**
 * struct use - A mention that a setting of a guest leads to: its own, or one of a mapping's
 */
struct use {
	const struct subject *subject;
	size_t reference;
};

static bool belongs_to_mapping(const struct reference *reference, const char *mapping)
{
	return reference->owner && strncmp(reference->owner, "mapping/", strlen("mapping/")) == 0 &&
	       strcmp(reference->owner + strlen("mapping/"), mapping) == 0;
}

/* Every mention that a setting leads to, in order. */
static int each_use(struct judge *judge, const struct guest_device *device,
		    int (*call)(struct judge *judge, const struct guest_device *device,
				const struct use *use))
{
	const struct resolution *resolution = judge->resolver->resolution;
	int r = 0;

	for (size_t i = 0; i < device->n && r == 0; i++)
		r = call(judge, device, &(struct use){ judge->subject, device->first + i });
	for (size_t i = 0; device->mapping && i < resolution->n_subjects; i++) {
		const struct subject *subject = &resolution->subjects[i];

		if (subject->document->source != &pve_mapping_source)
			continue;
		for (size_t j = 0; j < subject->document->n_references && r == 0; j++)
			if (belongs_to_mapping(&subject->document->references[j], device->mapping))
				r = call(judge, device, &(struct use){ subject, j });
	}
	return r;
}

static bool was_in_company(const struct judge *judge, const struct company *company, size_t index)
{
	const struct resolution *resolution = judge->resolver->resolution;

	for (size_t i = 0; i < company->n_units; i++) {
		const struct pairing *pairing = &resolution->pairings[company->units[i]];

		if (pairing->fate == FATE_FOUND && pairing->index == index)
			return true;
	}
	return false;
}

/**
 * struct taking - What one mention hands over
 */
struct taking {
	struct judge *judge;
	const struct company *company;
	bool whole_slot;
};

/* Of a whole slot those that were there when it was first meant; who joined it is no different. */
static int note_gets(void *data, const struct pci_function *function)
{
	const struct taking *taking = data;
	struct judge *judge = taking->judge;
	size_t index = (size_t)(function - judge->resolver->now->functions);

	if (!taking->whole_slot || !taking->company->known ||
	    was_in_company(judge, taking->company, index))
		judge->gets[index] = true;
	return 0;
}

static int collect_gets(struct judge *judge, const struct guest_device *device,
			const struct use *use)
{
	struct taking taking = { .judge = judge };

	/* What it gets at another start is the host's at the next one. */
	if (!device->taken || !device->at_start)
		return 0;
	taking.company = &use->subject->bindings[use->reference].company;
	taking.whole_slot = use->subject->document->references[use->reference].whole_slot;
	return each_target(judge->resolver, use->subject, use->reference, note_gets, &taking);
}

static void mark_affected(struct judge *judge, const struct guest_device *device)
{
	judge->verdict->devices[device - judge->config->devices] = true;
	if (device->at_start)
		judge->verdict->affected = true;
}

/* Whether the mention itself is right. */
static int judge_mention(struct judge *judge, const struct guest_device *device,
			 const struct use *use)
{
	const struct finding *finding = &use->subject->findings[use->reference];

	if (finding->verdict != VERDICT_BLOCK)
		return 0;
	mark_affected(judge, device);
	if (!device->at_start)
		return 0;
	judge->verdict->proof |= finding->proof;
	judge->verdict->hold |= finding->protects;
	if (device->mapping)
		return say(judge, "%s mapping %s: %s", device->key, device->mapping,
			   finding->reason);
	return say(judge, "%s", finding->reason);
}

static const struct nic *nic_on(const struct inventory *now, const struct pci_function *function)
{
	for (size_t i = 0; i < now->n_nics; i++)
		if (now->nics[i].has_pci &&
		    pci_address_equal(&now->nics[i].pci, &function->address))
			return &now->nics[i];
	return NULL;
}

/**
 * struct group_question - Who is in the group of one function that a guest takes
 * @is_new: the mention that leads to it, bound as @binding says, was first seen now
 */
struct group_question {
	struct judge *judge;
	const struct guest_device *device;
	const struct company *company;
	const struct pci_address *address;
	struct binding *binding;
	bool is_new;
	bool is_link;
};

static int say_joined(struct judge *judge, const struct group_question *question,
		      const struct pci_function *joined, const char *protected)
{
	const struct nic *nic = nic_on(judge->resolver->now, joined);
	struct pci_address_name there, here;

	return say(judge, "%s %s: %s now also holds %s (%04x:%04x%s%s)%s%s", question->device->key,
		   pci_address_show(question->address, &there),
		   pci_address_equal(question->address, &joined->address) ? "its slot"
									  : "its IOMMU group",
		   pci_address_show(&joined->address, &here), joined->vendor, joined->device,
		   nic ? ", " : "", nic ? nic->name : "", protected ? ", needed by the host: " : "",
		   protected ? protected : "");
}

static int judge_group(void *data, const struct pci_function *function)
{
	struct group_question *question = data;
	struct judge *judge = question->judge;
	const struct resolver *resolver = judge->resolver;
	const struct inventory *now = resolver->now;
	int r = 0;

	question->address = &function->address;
	for (size_t i = 0; i < now->n_functions && r == 0; i++) {
		const struct pci_function *member = &now->functions[i];
		const char *protected;

		if (member->iommu_group != function->iommu_group ||
		    pci_function_is_bridge(member) || judge->gets[i] ||
		    was_in_company(judge, question->company, i))
			continue;
		protected = resolve_protection(resolver->resolution->past, resolver->policy, member,
					       true);
		mark_affected(judge, question->device);
		judge->verdict->proof = true;
		judge->verdict->hold |= protected != NULL;
		r = say_joined(judge, question, member, protected);
	}
	return r;
}

/* Whether somebody has joined the groups that are taken with the device. */
static int judge_company(struct judge *judge, const struct guest_device *device,
			 const struct use *use)
{
	const struct company *company = &use->subject->bindings[use->reference].company;
	struct group_question question = { .judge = judge, .device = device, .company = company };
	const struct pci_function *target =
		target_of(judge->resolver, use->subject, use->reference);

	/* Without groups, then or now, nothing can be compared. */
	if (!device->taken || !device->at_start || !company->known || !target ||
	    target->iommu_group == UNKNOWN)
		return 0;
	return each_target(judge->resolver, use->subject, use->reference, judge_group, &question);
}

/* A device that the host needs: never handed over, unless it always was or Allow= says so. */
static int judge_protection_of(void *data, const struct pci_function *function)
{
	struct group_question *question = data;
	struct judge *judge = question->judge;
	const struct inventory *now = judge->resolver->now;
	const struct past *past = judge->resolver->resolution->past;
	const char *protected = resolve_protection(past, judge->resolver->policy, function, false);
	struct pci_address_name name;

	/* The rest of its group is taken along, but by a container, which takes the link alone. */
	for (size_t i = 0; !question->is_link && i < now->n_functions && !protected; i++) {
		const struct pci_function *member = &now->functions[i];

		if (function->iommu_group == UNKNOWN || pci_function_is_bridge(member) ||
		    member->iommu_group != function->iommu_group)
			continue;
		protected = resolve_protection(past, judge->resolver->policy, member, false);
		if (protected)
			function = member;
	}
	if (!protected)
		return 0;
	if (!judge->verdict->forbidden) {
		judge->verdict->forbidden =
			format(judge, "%s %s: is needed by the host: %s", question->device->key,
			       pci_address_show(&function->address, &name), protected);
		if (!judge->verdict->forbidden)
			return -ENOMEM;
	}
	if (!question->is_new)
		return 0;
	question->binding->refused = true;
	mark_affected(judge, question->device);
	judge->verdict->proof = judge->verdict->hold = true;
	return say(judge, "%s", judge->verdict->forbidden);
}

/* What a link that is handed over stands on; NULL where none is. */
static const struct pci_function *link_of(const struct judge *judge, const struct use *use)
{
	const struct resolution *resolution = judge->resolver->resolution;
	const struct inventory *now = judge->resolver->now;
	size_t unit = use->subject->bindings[use->reference].unit;
	const struct nic *nic;

	if (use->subject->document->references[use->reference].kind != REFERENCE_NIC ||
	    unit == MEANS_NOBODY || resolution->pairings[unit].fate != FATE_FOUND)
		return NULL;
	nic = &now->nics[resolution->pairings[unit].index];
	return nic->has_pci ? inventory_find_function(now, &nic->pci) : NULL;
}

static int judge_protection(struct judge *judge, const struct guest_device *device,
			    const struct use *use)
{
	const struct pci_function *link = link_of(judge, use);
	struct group_question question = { .judge = judge, .device = device };

	/* What it always meant, and the host needs all the same, was there before us. */
	question.binding = &use->subject->bindings[use->reference];
	question.is_new = question.binding->origin == ORIGIN_NEW;
	if (!device->taken || !device->at_start || judge->resolver->policy->release_protected)
		return 0;
	question.is_link = link != NULL;
	if (link)
		return judge_protection_of(&question, link);
	return each_target(judge->resolver, use->subject, use->reference, judge_protection_of,
			   &question);
}

/* What the host does with a device that a guest has to be let through to again. */
static int judge_use_of(void *data, const struct pci_function *function)
{
	struct group_question *question = data;
	struct judge *judge = question->judge;
	const char *use;
	struct pci_address_name name;

	use = judge->resolver->policy->host_uses[function - judge->resolver->now->functions];
	if (!use || is_passthrough_driver(function->driver))
		return 0;
	mark_affected(judge, question->device);
	return say(judge, "%s %s: the host uses it in this boot: %s; from the next boot on",
		   question->device->key, pci_address_show(&function->address, &name), use);
}

static int judge_use(struct judge *judge, const struct guest_device *device, const struct use *use)
{
	struct group_question question = { .judge = judge, .device = device };

	if (!device->taken || !device->at_start)
		return 0;
	return each_target(judge->resolver, use->subject, use->reference, judge_use_of, &question);
}

/* Whether something of the guest is turned off by us. */
static bool was_off(const struct judge *judge)
{
	const struct meanings *meanings = judge->resolver->resolution->meanings;

	for (size_t i = 0; i < meanings->n_turned_off; i++)
		if (strcmp(meanings->turned_off[i].guest, judge->config->id) == 0)
			return true;
	return judge->subject->was_held;
}

static int judge_devices(struct judge *judge,
			 int (*call)(struct judge *judge, const struct guest_device *device,
				     const struct use *use))
{
	int r = 0;

	for (size_t i = 0; i < judge->config->n_devices && r == 0; i++)
		r = each_use(judge, &judge->config->devices[i], call);
	return r;
}

/* A switch names its guest by id, or by its UUID. */
bool resolve_is_switch_of(const struct start_switch *of, const struct guest_config *config)
{
	if (strncmp(of->guest, "uuid:", strlen("uuid:")) == 0)
		return config->uuid && strcmp(of->guest + strlen("uuid:"), config->uuid) == 0;
	return strcmp(of->guest, config->id) == 0;
}

/*
 * What would start it: everything that does stands in the documents, put back as it was. Under HA
 * only that counts.
 */
static void look_at_switches(const struct judge *judge, bool *ret_ha)
{
	const struct resolution *resolution = judge->resolver->resolution;
	bool others = false, ha = false;

	*ret_ha = false;
	for (size_t i = 0; i < resolution->n_subjects; i++) {
		const struct document *document = resolution->subjects[i].document;

		for (size_t j = 0; j < document->n_switches; j++) {
			const struct start_switch *found = &document->switches[j];

			if (!resolve_is_switch_of(found, judge->config))
				continue;
			if (found->kind == SWITCH_HA) {
				*ret_ha = true;
				ha |= found->on;
			} else {
				others |= found->on;
			}
		}
	}
	judge->verdict->autostart = *ret_ha ? ha : others;
}

static int note_follower(struct judge *judge, const struct guest_device *device,
			 const struct use *use)
{
	judge->follows |= device->at_start &&
			  use->subject->findings[use->reference].verdict == VERDICT_REMAP;
	return 0;
}

/* Nothing is wrong any more: what is held stays as it is. */
static void stay_held(struct judge *judge)
{
	const struct subject *subject = judge->subject;

	for (size_t i = 0; i < judge->config->n_devices && i < subject->n_held; i++)
		judge->verdict->devices[i] |= subject->held[i];
}

/* What was turned off, or named another place: off although the device is where it is named now. */
static int judge_return(struct judge *judge)
{
	const struct policy *policy = judge->resolver->policy;
	const struct past *past = judge->resolver->resolution->past;
	int r = 0;

	if (judge->verdict->affected || past->adopt ||
	    (past->adopted && past->adopted(past->adopted_data, judge->config->id)))
		return 0;
	r = judge_devices(judge, note_follower);
	if (r == 0 && policy->host_uses && (was_off(judge) || judge->follows))
		r = judge_devices(judge, judge_use);
	if (r == 0 && !judge->verdict->affected && was_off(judge) && !policy->restore) {
		judge->verdict->affected = true;
		r = say(judge, "its devices are there, but Restore=no keeps it off");
	}
	if (judge->verdict->affected)
		stay_held(judge);
	return r;
}

/* What a guest is kept from starting for is told once, as its reason. */
static void say_once(const struct judge *judge)
{
	for (size_t i = 0; i < judge->config->n_devices; i++) {
		const struct guest_device *device = &judge->config->devices[i];

		for (size_t j = 0; device->at_start && j < device->n; j++)
			judge->subject->findings[device->first + j].warn = false;
	}
}

static int judge_guest(struct judge *judge)
{
	const struct policy *policy = judge->resolver->policy;
	struct guest_verdict *verdict = judge->verdict;
	bool ha;
	int r;

	r = judge_devices(judge, collect_gets);
	if (r == 0)
		r = judge_devices(judge, judge_mention);
	if (r == 0)
		r = judge_devices(judge, judge_company);
	if (r == 0)
		r = judge_devices(judge, judge_protection);
	if (r == 0)
		r = judge_return(judge);
	look_at_switches(judge, &ha);
	verdict->off = verdict->affected && policy->guests != GUESTS_REPORT;
	/* A highly available guest ignores what starts others at boot. */
	/* A hold stays until all is well again. */
	verdict->hold |= judge->subject->was_held;
	if (verdict->off)
		say_once(judge);
	verdict->hold = verdict->off && (verdict->hold || ha || policy->guests == GUESTS_HOLD);
	return r;
}

static int compare_guests(const void *a, const void *b)
{
	const struct guest_verdict *one = a, *other = b;

	return strcmp(one->id, other->id);
}

static int add_guest(struct resolver *resolver, size_t index)
{
	struct resolution *resolution = resolver->resolution;
	struct subject *subject = &resolution->subjects[index];
	struct guest_config *config = subject->document->guest;
	struct guest_verdict *verdict = &resolution->guests[resolution->n_guests];
	struct judge judge = {
		.resolver = resolver, .subject = subject, .config = config, .verdict = verdict
	};
	int r;

	*verdict = (struct guest_verdict){ .id = config->id, .subject = index };
	verdict->devices = calloc(config->n_devices + 1, sizeof(bool));
	judge.gets = calloc(resolver->now->n_functions + 1, sizeof(bool));
	resolution->n_guests++;
	r = verdict->devices && judge.gets ? judge_guest(&judge) : -ENOMEM;
	free(judge.gets);
	return r;
}

int resolve_guests(struct resolver *resolver)
{
	struct resolution *resolution = resolver->resolution;
	int r = 0;

	resolution->guests = calloc(resolution->n_subjects + 1, sizeof(*resolution->guests));
	if (!resolution->guests)
		return -ENOMEM;
	for (size_t i = 0; i < resolution->n_subjects && r == 0; i++) {
		const struct document *document = resolution->subjects[i].document;

		if (document->guest && document->guest->n_devices > 0)
			r = add_guest(resolver, i);
	}
	if (r == 0 && resolution->n_guests > 1)
		qsort(resolution->guests, resolution->n_guests, sizeof(*resolution->guests),
		      compare_guests);
	return r;
}

const struct guest_verdict *resolution_find_guest(const struct resolution *resolution,
						  const char *id)
{
	const struct guest_verdict *found = NULL;

	/* Of several files that say they are of one guest the worst counts. */
	for (size_t i = 0; i < resolution->n_guests; i++)
		if (strcmp(resolution->guests[i].id, id) == 0 &&
		    (!found || resolution->guests[i].affected))
			found = &resolution->guests[i];
	return found;
}
