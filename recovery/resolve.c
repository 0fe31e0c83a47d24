/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/resolve.h"

#include <errno.h>

void subject_done(struct subject *subject)
{
	if (!subject)
		return;
	free(subject->back);
	free(subject->bindings);
	free(subject->findings);
	*subject = (struct subject){ 0 };
}

void resolution_done(struct resolution *resolution)
{
	if (!resolution)
		return;
	for (size_t i = 0; i < resolution->n_subjects; i++)
		subject_done(&resolution->subjects[i]);
	free(resolution->subjects);
	free(resolution->pairings);
	arena_done(&resolution->arena);
	*resolution = (struct resolution){ 0 };
}

/**
 * struct resolver - Resolving under way
 * @now:   the present inventory
 * @meant: one per NIC of @now: whether some mention means it
 * @proven: one per NIC of @now: whether some mention in force means it by its own number
 */
struct resolver {
	struct resolution *resolution;
	const struct policy *policy;
	const struct inventory *now;
	bool *meant;
	bool *proven;
};

/**
 * struct question - One reference, on its way to a verdict
 * @name:   as written
 * @bearer: who bears that name, or has it as an altname, today; NULL if nobody
 */
struct question {
	struct resolver *resolver;
	struct subject *subject;
	size_t index;
	const struct reference *reference;
	struct binding *binding;
	struct bytes name;
	const struct nic *bearer;
	struct finding *finding;
};

static _printf_(4, 5) int conclude(struct question *question, enum verdict verdict, bool warn,
				   const char *format, ...)
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

#define NAME_ARGS(question) (int)(question)->name.size, (question)->name.data
/* With the VLAN or label that belongs to it. */
#define WORD_ARGS(question) \
	(int)((question)->name.size + (question)->reference->suffix), (question)->name.data

static const struct unit *meant_unit(const struct question *question)
{
	return &question->resolver->resolution->meanings->units[question->binding->unit];
}

/* What proves where a unit is, in the words of the report: the strongest that agrees. */
static const char *proof(unsigned int evidence)
{
	for (unsigned int bit = 0; bit < EVIDENCE_COUNT; bit++)
		if (evidence & (1U << bit))
			return evidence_to_string((enum evidence)(1U << bit));
	return "its function";
}

/* The unit's own number or place, to tell a person which card is meant. */
static const char *describe(const struct unit *unit, struct pci_address_name *buffer)
{
	if (unit->nic.mac)
		return unit->nic.mac;
	if (unit->has_function)
		return pci_address_show(&unit->function.address, buffer);
	return "of unknown address";
}

/* Out of force, or staying so; unless the place cannot be edited. */
static int conclude_park(struct question *question, const char *reason)
{
	const struct reference *reference = question->reference;

	if (!reference->certain || reference->shape == PARK_NEVER)
		return conclude(question, VERDICT_REPORT, true,
				"%s; it cannot be edited here: look at it", reason);
	return conclude(question, VERDICT_PARK, !question->binding->parked, "%s", reason);
}

static _printf_(2, 3) int park(struct question *question, const char *format, ...)
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

/* The kernel's own network boot names: the root file system may hang on such a link. */
static bool is_boot_name(const char *name)
{
	return strncmp(name, "ibft", 4) == 0;
}

/* Why a found device's name cannot be written here; NULL if it can. */
static const char *obstacle(const struct question *question, const struct nic *nic)
{
	const struct reference *reference = question->reference;

	if (!nic->settled)
		return "its name is not final yet";
	if (is_boot_name(nic->name))
		return "that name is never written";
	if (!reference->certain)
		return "this place cannot be edited safely";
	if (reference->limited && strlen(nic->name) + reference->suffix > NIC_NAME_MAX)
		return "that would be longer than the 15 bytes the kernel allows";
	return NULL;
}

static bool bears(const struct nic *nic, struct bytes name)
{
	if (bytes_equal_text(name, nic->name))
		return true;
	for (size_t i = 0; i < nic->n_altnames; i++)
		if (bytes_equal_text(name, nic->altnames[i]))
			return true;
	return false;
}

/* The device is here, as @nic. @how says how that is known. */
static int resolve_found(struct question *question, const struct nic *nic, const char *how)
{
	struct finding *finding = question->finding;
	const char *said = question->binding->said, *hindrance;

	if (said && !bytes_equal_text(question->name, said) && bears(nic, bytes_of(said)) &&
	    question->reference->certain &&
	    !(question->binding->parked && !question->resolver->policy->restore)) {
		finding->new_name = said;
		return conclude(question, VERDICT_REMAP, false, "%.*s is %s again (%s)",
				NAME_ARGS(question), said, how);
	}
	if (question->binding->parked && !question->resolver->policy->restore)
		return park(question, "%.*s is back as %s, but Restore=no keeps it parked",
			    NAME_ARGS(question), nic->name);
	if (bears(nic, question->name))
		return question->binding->parked
			       ? conclude(question, VERDICT_KEEP, false, "%.*s is back (%s)",
					  NAME_ARGS(question), how)
			       : conclude(question, VERDICT_KEEP, false, NULL);
	hindrance = obstacle(question, nic);
	if (hindrance && question->bearer)
		return park(question, "%.*s is now %s (%s), but %s, and another NIC bears its name",
			    WORD_ARGS(question), nic->name, how, hindrance);
	if (hindrance)
		return question->binding->parked
			       ? park(question, "%.*s is now %s (%s), but %s", WORD_ARGS(question),
				      nic->name, how, hindrance)
			       : conclude(question, VERDICT_REPORT, true,
					  "%.*s is now %s (%s), but %s", WORD_ARGS(question),
					  nic->name, how, hindrance);
	finding->new_name = nic->name;
	return conclude(question, VERDICT_REMAP, false, "%.*s is now %s (%s)", NAME_ARGS(question),
			nic->name, how);
}

/* The one NIC that no mention means, if it is just one: a person may want it instead. */
static const struct nic *only_candidate(const struct resolver *resolver)
{
	const struct nic *candidate = NULL;

	for (size_t i = 0; i < resolver->now->n_nics; i++) {
		if (resolver->meant[i])
			continue;
		if (candidate)
			return NULL;
		candidate = &resolver->now->nics[i];
	}
	return candidate;
}

/* The device is not here, for a reason in words. */
static int resolve_absent(struct question *question, const char *state)
{
	const struct unit *unit = meant_unit(question);
	const struct nic *candidate;
	struct pci_address_name buffer;

	if (question->bearer)
		return park(question, "%.*s (%s) %s and %s is another NIC today",
			    NAME_ARGS(question), describe(unit, &buffer), state,
			    question->bearer->name);
	if (question->binding->parked)
		return park(question, "%.*s (%s) %s", NAME_ARGS(question), describe(unit, &buffer),
			    state);
	candidate = only_candidate(question->resolver);
	if (candidate)
		return conclude(question, VERDICT_KEEP, true,
				"%.*s (%s) %s; its name stays reserved. %s is there, and nothing "
				"uses it: if it is to take its place, write that name",
				NAME_ARGS(question), describe(unit, &buffer), state,
				candidate->name);
	return conclude(question, VERDICT_KEEP, true, "%.*s (%s) %s; its name stays reserved",
			NAME_ARGS(question), describe(unit, &buffer), state);
}

/* Whether a NIC may be what a mention means: no number says otherwise, and no other mention means
 * it. */
static bool may_be(const struct question *question, const struct nic *nic)
{
	const struct resolver *resolver = question->resolver;
	const struct pairing *pairing = &resolver->resolution->pairings[question->binding->unit];
	const struct unit *unit = meant_unit(question);
	size_t index = (size_t)(nic - resolver->now->nics);

	if (unit->nic.mac && nic->mac && strcmp(unit->nic.mac, nic->mac) != 0)
		return false;
	return !resolver->meant[index] ||
	       (pairing->fate == FATE_FOUND && pairing->index == index);
}

/* One of several units may be it. Who bears the name may be one of them, so it stays. */
static int resolve_ambiguous(struct question *question)
{
	const struct unit *unit = meant_unit(question);
	const struct nic *bearer = question->bearer;
	struct pci_address_name buffer;

	if (bearer && !may_be(question, bearer))
		return park(question,
			    "which NIC %.*s (%s) is now is not certain, and %s is another one",
			    NAME_ARGS(question), describe(unit, &buffer), bearer->name);
	if (question->binding->parked)
		return park(question, "which NIC %.*s (%s) is now is not certain",
			    NAME_ARGS(question), describe(unit, &buffer));
	return conclude(question, VERDICT_REPORT, true,
			"which NIC %.*s (%s) is now is not certain: left as it is",
			NAME_ARGS(question), describe(unit, &buffer));
}

/* A mention whose name never denoted anything. */
static int resolve_dangling(struct question *question)
{
	const struct resolver *resolver = question->resolver;
	const struct nic *bearer = question->bearer;
	size_t index;

	index = bearer ? (size_t)(bearer - resolver->now->nics) : SIZE_MAX;
	if (bearer && (resolver->meant[index] ||
		       resolver->resolution->past->settled->nic_origin[index] != SIZE_MAX))
		return park(question, "%.*s meant no NIC, and is the name of another one now",
			    NAME_ARGS(question));
	if (question->binding->parked && !resolver->policy->restore)
		return park(question, "%.*s meant no NIC, and Restore=no keeps it parked",
			    NAME_ARGS(question));
	if (!bearer)
		return conclude(question, VERDICT_KEEP, false,
				question->binding->parked ? "the name %.*s is free again" : NULL,
				NAME_ARGS(question));
	question->binding->origin = ORIGIN_NEW;
	return conclude(question, VERDICT_KEEP, false,
			"%.*s meant no NIC until now, and means the added one from now on",
			NAME_ARGS(question));
}

/* Gone, with another card, @nic, in its place. */
static int resolve_replaced(struct question *question, const struct nic *nic)
{
	static const char format[] = "%.*s is gone and another card, %s, is in its place; "
				     "ReplacedNic=report leaves it to you";

	if (question->resolver->policy->replaced_nic)
		return resolve_found(question, nic, "another card in the same place");
	if (question->binding->parked)
		return park(question, format, NAME_ARGS(question), nic->name);
	return conclude(question, VERDICT_REPORT, true, format, NAME_ARGS(question), nic->name);
}

static int resolve_unit(struct question *question)
{
	const struct resolution *resolution = question->resolver->resolution;
	const struct pairing *pairing = &resolution->pairings[question->binding->unit];
	const struct nic *nics = question->resolver->now->nics;

	if (question->binding->held && pairing->fate != FATE_FOUND)
		return conclude(question, VERDICT_REPORT, true,
				"%.*s was replaced by another card; left to you: `hwrecover "
				"snapshot --adopt` accepts what is there now",
				NAME_ARGS(question));
	switch (pairing->fate) {
	case FATE_FOUND:
		if (resolution->past->settled->other_machine &&
		    pairing->confidence != CONFIDENCE_CERTAIN)
			return resolve_ambiguous(question);
		/* What was parked because another stood in its place is not back with that one. */
		if (question->binding->parked && !meant_unit(question)->nic.mac &&
		    question->resolver->proven[pairing->index])
			return resolve_ambiguous(question);
		return resolve_found(question, &nics[pairing->index], proof(pairing->evidence));
	case FATE_REPLACED:
		if (resolution->past->settled->other_machine)
			return resolve_absent(question, "is gone");
		return resolve_replaced(question, &nics[pairing->index]);
	case FATE_AMBIGUOUS:
		return resolve_ambiguous(question);
	case FATE_NOT_YET:
		return resolve_absent(question, "has no link yet");
	case FATE_UNREADABLE:
		return resolve_absent(question, "cannot be read");
	case FATE_GONE:
	default:
		return resolve_absent(question, "is gone");
	}
}

static int resolve_reference(struct question *question)
{
	switch (question->binding->origin) {
	case ORIGIN_AMBIGUOUS:
		return conclude(question, VERDICT_REPORT, true,
				"%.*s was written while that was another NIC's name: left as it is",
				NAME_ARGS(question));
	case ORIGIN_DANGLING:
		return resolve_dangling(question);
	case ORIGIN_KEPT:
	case ORIGIN_NEW:
	case ORIGIN_RECALLED:
	default:
		return question->binding->unit == MEANS_NOBODY ? resolve_dangling(question)
							       : resolve_unit(question);
	}
}

/* Where nothing may be edited: what would have been done is said instead. */
static int leave_and_say(struct question *question, const char *why_not)
{
	struct finding *finding = question->finding;
	bool change = question->binding->parked != (finding->verdict == VERDICT_PARK) ||
		      finding->verdict == VERDICT_REMAP;

	if (!change)
		return 0;
	finding->new_name = NULL;
	return conclude(question, question->binding->parked ? VERDICT_PARK : VERDICT_REPORT, true,
			"%s; not done: %s", finding->reason ? finding->reason : "", why_not);
}

static int resolve_subject(struct resolver *resolver, struct subject *subject)
{
	struct document *document = subject->document;
	struct question question = { .resolver = resolver, .subject = subject };
	const char *why_not = resolver->policy->network ? NULL : resolver->policy->why_not;
	int r;

	if (!why_not && document->rejected)
		why_not = "the program that reads the file rejects it as it is";
	subject->findings = calloc(document->n_references + 1, sizeof(*subject->findings));
	if (!subject->findings)
		return -ENOMEM;
	for (size_t i = 0; i < document->n_references; i++) {
		question.index = i;
		question.reference = &document->references[i];
		question.binding = &subject->bindings[i];
		question.name = document_text(document, question.reference->span);
		question.bearer = inventory_find_nic_or_altname(resolver->now, question.name);
		/* A name that is not final is nobody's. */
		if (question.bearer && !question.bearer->settled)
			question.bearer = NULL;
		question.finding = &subject->findings[i];
		r = resolve_reference(&question);
		if (r == 0 && why_not)
			r = leave_and_say(&question, why_not);
		if (r < 0)
			return r;
	}
	return 0;
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
	} else {
		r = -ENOMEM;
	}
	free(resolver.meant);
	free(resolver.proven);
	return r;
}
