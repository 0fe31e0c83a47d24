/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/resolve-private.h"

#include <errno.h>

#include "recovery/bearer.h"
#include "recovery/source.h"

void subject_done(struct subject *subject)
{
	if (!subject)
		return;
	free(subject->back);
	free(subject->bindings);
	free(subject->findings);
	free(subject->held);
	*subject = (struct subject){ 0 };
}

static void guests_done(struct resolution *resolution)
{
	for (size_t i = 0; i < resolution->n_guests; i++)
		free(resolution->guests[i].devices);
	free(resolution->guests);
	resolution->guests = NULL;
	resolution->n_guests = 0;
}

void resolution_done(struct resolution *resolution)
{
	if (!resolution)
		return;
	for (size_t i = 0; i < resolution->n_subjects; i++)
		subject_done(&resolution->subjects[i]);
	free(resolution->subjects);
	guests_done(resolution);
	free(resolution->pairings);
	arena_done(&resolution->arena);
	*resolution = (struct resolution){ 0 };
}

void resolution_clear(struct resolution *resolution)
{
	for (size_t i = 0; i < resolution->n_subjects; i++) {
		free(resolution->subjects[i].findings);
		resolution->subjects[i].findings = NULL;
	}
	guests_done(resolution);
	free(resolution->pairings);
	resolution->pairings = NULL;
}

int resolve_conclude(struct question *question, enum verdict verdict, bool warn, const char *format,
		     ...)
{
	struct finding *finding = question->finding;
	struct buffer text = { 0 };
	va_list arguments;

	finding->verdict = verdict;
	finding->warn = warn;
	if (!format)
		return 0;
	va_start(arguments, format);
	buffer_appendv(&text, format, arguments);
	va_end(arguments);
	finding->reason = text.failed ? NULL
				      : arena_copy(&question->resolver->resolution->arena,
						   buffer_bytes(&text));
	buffer_done(&text);
	return finding->reason ? 0 : -ENOMEM;
}

/* What proves where a unit is, in the words of the report: the strongest that agrees. */
const char *resolve_proof(unsigned int evidence)
{
	for (unsigned int bit = 0; bit < EVIDENCE_COUNT; bit++)
		if (evidence & (1U << bit))
			return evidence_to_string((enum evidence)(1U << bit));
	return "its function";
}

/* Out of force, or staying so; unless the place cannot be edited. */
static int conclude_park(struct question *question, const char *reason)
{
	const struct reference *reference = question->reference;

	if (reference->shape == PARK_NEVER ||
	    (!reference->certain && reference->shape != PARK_SCRIPT))
		return resolve_conclude(question, VERDICT_REPORT, true,
					"%s; it cannot be edited here: look at it", reason);
	return resolve_conclude(question, VERDICT_PARK, !question->binding->parked, "%s", reason);
}

int resolve_park(struct question *question, const char *format, ...)
{
	struct buffer text = { 0 };
	va_list arguments;
	int r;

	va_start(arguments, format);
	buffer_appendv(&text, format, arguments);
	va_end(arguments);
	r = text.failed ? -ENOMEM : conclude_park(question, text.data);
	buffer_done(&text);
	return r;
}

const char *resolve_why_not_edit(const struct policy *policy, const struct document *document)
{
	if (document->remembered)
		return "/etc/pve is not there yet";
	if (document_is_on_pmxcfs(document))
		return policy->why_not_pve;
	if (policy->only_guests && !document_is_of_guests(document))
		return "another stage does that";
	return NULL;
}

/* Where nothing may be edited: what would have been done is said instead. */
static int leave_and_say(struct question *question, const char *why_not)
{
	struct finding *finding = question->finding;
	bool change = question->binding->parked != (finding->verdict == VERDICT_PARK) ||
		      finding->verdict == VERDICT_REMAP;

	if (!change)
		return 0;
	finding->later = finding->new_name &&
			 resolve_why_not_edit(question->resolver->policy,
					      question->subject->document) != NULL;
	finding->new_name = NULL;
	if (document_is_of_guests(question->subject->document))
		return resolve_conclude(question, VERDICT_BLOCK, true, "%s; not done: %s",
					finding->reason ? finding->reason : "", why_not);
	return resolve_conclude(question, question->binding->parked ? VERDICT_PARK : VERDICT_REPORT,
				true, "%s; not done: %s", finding->reason ? finding->reason : "",
				why_not);
}

static void find_bearer(struct question *question)
{
	const struct inventory *now = question->resolver->now;
	size_t index = bearer_find(now, question->subject->document, question->reference);

	question->bearer = NULL;
	question->occupant = NULL;
	if (index == SIZE_MAX)
		return;
	if (question->reference->kind == REFERENCE_ADDRESS)
		question->occupant = &now->functions[index];
	/* A name that is not final is nobody's. */
	else if (now->nics[index].settled)
		question->bearer = &now->nics[index];
}

/* Why a mention may not be edited, in words; NULL if it may. */
static const char *why_not_edited(const struct question *question)
{
	const struct policy *policy = question->resolver->policy;
	const struct document *document = question->subject->document;

	if (resolve_why_not_edit(policy, document))
		return resolve_why_not_edit(policy, document);
	if (document->rejected)
		return "the program that reads the file rejects it as it is";
	if (document->only_by_apply && !policy->by_hand)
		return "such a file is edited only by `hwrecover apply`";
	if (document_is_of_guests(document))
		return policy->guests == GUESTS_REPORT ? policy->why_no_guests : NULL;
	if (question->reference->kind == REFERENCE_NIC)
		return policy->network ? NULL : policy->why_not;
	if (question->finding->protects && policy->protect)
		return NULL;
	return policy->binds == BINDS_REPORT ? policy->why_no_binds : NULL;
}

static int resolve_mention(struct question *question)
{
	enum reference_kind kind = question->reference->kind;

	if (kind == REFERENCE_GROUP)
		return resolve_guest_group(question);
	if (document_is_of_guests(question->subject->document))
		return kind == REFERENCE_ADDRESS ? resolve_guest_address(question)
						 : resolve_guest_nic(question);
	return kind == REFERENCE_ADDRESS ? resolve_address(question) : resolve_nic(question);
}

/* Those of groups, or all others. */
static int resolve_mentions(struct resolver *resolver, struct subject *subject, bool groups)
{
	struct document *document = subject->document;
	struct question question = { .resolver = resolver, .subject = subject };
	const char *why_not;
	int r;

	for (size_t i = 0; i < document->n_references; i++) {
		if ((document->references[i].kind == REFERENCE_GROUP) != groups)
			continue;
		question.index = i;
		question.reference = &document->references[i];
		question.binding = &subject->bindings[i];
		question.name = document_name_of(document, question.reference);
		question.finding = &subject->findings[i];
		find_bearer(&question);
		r = resolve_mention(&question);
		why_not = why_not_edited(&question);
		if (r == 0 && why_not)
			r = leave_and_say(&question, why_not);
		if (r < 0)
			return r;
		/* The stage that may edit it says it. */
		if (resolve_why_not_edit(resolver->policy, document))
			question.finding->warn = false;
	}
	return 0;
}

/* The number of a group follows the verdict on the function whose group it is. */
static int resolve_subject(struct resolver *resolver, struct subject *subject)
{
	int r;

	subject->findings = calloc(subject->document->n_references + 1, sizeof(*subject->findings));
	if (!subject->findings)
		return -ENOMEM;
	r = resolve_mentions(resolver, subject, false);
	return r == 0 ? resolve_mentions(resolver, subject, true) : r;
}

/* All units that mentions in force mean, for match_locate(). */
static int collect_meant(const struct resolution *resolution, const struct unit ***ret_units,
			 size_t *ret_n)
{
	const struct meanings *meanings = resolution->meanings;
	_cleanup_free_ bool *in_force = calloc(meanings->n_units + 1, sizeof(bool));
	const struct unit **units = calloc(meanings->n_units + 1, sizeof(*units));
	size_t n = 0;

	if (!in_force || !units) {
		free(units);
		return -ENOMEM;
	}
	for (size_t i = 0; i < resolution->n_subjects; i++) {
		const struct subject *subject = &resolution->subjects[i];

		for (size_t j = 0; j < subject->document->n_references; j++)
			if (subject->bindings[j].unit != MEANS_NOBODY &&
			    !subject->bindings[j].parked)
				in_force[subject->bindings[j].unit] = true;
	}
	for (size_t i = 0; i < meanings->n_units; i++)
		if (in_force[i])
			units[n++] = &meanings->units[i];
	*ret_units = units;
	*ret_n = n;
	return 0;
}

/*
 * A function that carries NICs is told by their permanent addresses, where it has a driver that
 * shows them: they outrank everything else that was found out about it.
 */
static void weigh_links(const struct inventory *now, const struct unit *unit,
			struct pairing *pairing)
{
	size_t bearer = SIZE_MAX;
	bool contradicted = false;

	if (unit->kind != UNIT_FUNCTION || !unit->nic.mac || unit->function.has_physfn)
		return;
	for (size_t i = 0; i < now->n_nics; i++) {
		const struct nic *nic = &now->nics[i];
		const struct pci_function *under =
			nic->mac && nic->has_pci ? inventory_find_function(now, &nic->pci) : NULL;
		size_t index = under ? (size_t)(under - now->functions) : SIZE_MAX;
		bool same = under && strcmp(nic->mac, unit->nic.mac) == 0;

		contradicted |= under && !same && pairing->fate == FATE_FOUND &&
				pairing->index == index;
		if (!same)
			continue;
		/* An address that two bear says of neither which one it is. */
		if (bearer != SIZE_MAX)
			return;
		bearer = index;
	}
	if (bearer != SIZE_MAX)
		*pairing = (struct pairing){ .fate = FATE_FOUND,
					     .confidence = CONFIDENCE_CERTAIN,
					     .evidence = EVIDENCE_MAC,
					     .index = bearer,
					     .carrier = SIZE_MAX };
	else if (contradicted)
		*pairing = (struct pairing){ .fate = FATE_GONE,
					     .index = SIZE_MAX,
					     .carrier = SIZE_MAX };
}

static int locate_units(struct resolution *resolution)
{
	const struct meanings *meanings = resolution->meanings;
	_cleanup_free_ const struct unit **meant = NULL;
	size_t n_meant = 0;
	int r;

	r = collect_meant(resolution, &meant, &n_meant);
	if (r < 0)
		return r;
	resolution->pairings = calloc(meanings->n_units + 1, sizeof(*resolution->pairings));
	if (!resolution->pairings)
		return -ENOMEM;
	for (size_t i = 0; i < meanings->n_units; i++) {
		r = match_locate(resolution->past->settled, &meanings->units[i], meant, n_meant,
				 &resolution->pairings[i]);
		if (r < 0)
			return r;
		weigh_links(resolution->past->settled->after, &meanings->units[i],
			    &resolution->pairings[i]);
	}
	return 0;
}

/* The NICs of today that mentions mean, be they in force or about to come back. */
static void mark_meant(struct resolver *resolver)
{
	const struct resolution *resolution = resolver->resolution;

	for (size_t i = 0; i < resolution->n_subjects; i++) {
		const struct subject *subject = &resolution->subjects[i];

		for (size_t j = 0; j < subject->document->n_references; j++) {
			size_t unit = subject->bindings[j].unit;
			const struct pairing *pairing;

			if (unit == MEANS_NOBODY ||
			    resolution->meanings->units[unit].kind != UNIT_NIC)
				continue;
			pairing = &resolution->pairings[unit];
			if (pairing->fate == FATE_FOUND ||
			    (pairing->fate == FATE_REPLACED && resolver->policy->replaced_nic))
				resolver->meant[pairing->index] = true;
			if (pairing->fate == FATE_FOUND && !subject->bindings[j].parked &&
			    resolution->meanings->units[unit].nic.mac)
				resolver->proven[pairing->index] = true;
		}
	}
}

int resolve(struct resolution *resolution, const struct policy *policy)
{
	struct resolver resolver = { .resolution = resolution,
				     .policy = policy,
				     .now = resolution->past->settled->after };
	int r;

	r = locate_units(resolution);
	if (r < 0)
		return r;
	resolver.meant = calloc(resolver.now->n_nics + 1, sizeof(bool));
	resolver.proven = calloc(resolver.now->n_nics + 1, sizeof(bool));
	if (resolver.meant && resolver.proven) {
		mark_meant(&resolver);
		for (size_t i = 0; i < resolution->n_subjects && r == 0; i++)
			r = resolve_subject(&resolver, &resolution->subjects[i]);
		if (r == 0)
			r = resolve_guests(&resolver);
	} else {
		r = -ENOMEM;
	}
	free(resolver.meant);
	free(resolver.proven);
	return r;
}
