/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/boot-actions.h"

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "agent/guard-report.h"
#include "agent/release.h"
#include "agent/run-command.h"
#include "snapshot/basic/log.h"
#include "snapshot/link-wait.h"
#include "snapshot/message-ids.h"

#define SYSTEMCTL_TIMEOUT_MS 10000
/* For one function; a driver that starts firmware may take seconds. */
#define RELEASE_TIMEOUT_MS 15000

void boot_extend_time_limit(const struct context *context)
{
	unsigned int seconds = context->config.nic_timeout_sec + BOOT_WORK_SEC;

	if (context->root.live)
		(void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%llu", seconds * 1000000ULL);
}

static bool was_there(const struct inventory *inventory, const char *mac)
{
	for (size_t i = 0; i < inventory->n_nics; i++)
		if (inventory->nics[i].mac && strcmp(inventory->nics[i].mac, mac) == 0)
			return true;
	return false;
}

/* Whether some mention in force means a unit. */
static bool is_meant(const struct meanings *meanings, size_t unit)
{
	for (size_t i = 0; i < meanings->n_mentions; i++)
		if (meanings->mentions[i].unit == unit)
			return true;
	return false;
}

/* The permanent addresses of the NICs that have to be there. */
static size_t wanted_macs(const struct survey *survey, const char **macs)
{
	size_t n = 0;

	for (size_t i = 0; i < survey->meanings.n_units; i++) {
		const struct unit *unit = &survey->meanings.units[i];
		bool known = false;

		if (unit->kind != UNIT_NIC || !unit->nic.mac ||
		    !was_there(&survey->newest.inventory, unit->nic.mac) ||
		    !is_meant(&survey->meanings, i))
			continue;
		for (size_t j = 0; j < n && !known; j++)
			known = strcmp(macs[j], unit->nic.mac) == 0;
		if (!known)
			macs[n++] = unit->nic.mac;
	}
	return n;
}

/* The name a NIC had at the last boot. */
static const char *former_name(const struct survey *survey, const char *mac)
{
	const struct inventory *inventory = &survey->newest.inventory;

	for (size_t i = 0; i < inventory->n_nics; i++)
		if (inventory->nics[i].mac && strcmp(inventory->nics[i].mac, mac) == 0)
			return inventory->nics[i].name;
	return mac;
}

static void say_missing(const struct context *context, const struct survey *survey,
			const struct link_wait *wait, const struct inventory *looked)
{
	char limit[16];

	(void)snprintf(limit, sizeof(limit), "%u", context->config.nic_timeout_sec);
	for (size_t i = 0; i < wait->n_macs; i++) {
		const char *mac = wait->macs[i], *name = former_name(survey, mac);
		struct log_field fields[] = { { FIELD_NIC, name }, { FIELD_TIMEOUT, limit } };

		if (!link_is_settled(looked, mac))
			log_event(LOG_LEVEL_WARNING, EVENT_NIC_WAIT_EXPIRED, fields,
				  ARRAY_SIZE(fields), "the NIC that was %s (%s) is not there%s%s",
				  name, mac, wait->why_not ? ": " : " in time",
				  wait->why_not ? wait->why_not : "");
	}
}

static size_t count_missing(const struct link_wait *wait, const struct inventory *inventory)
{
	size_t n = 0;

	for (size_t i = 0; i < wait->n_macs; i++)
		n += !link_is_settled(inventory, wait->macs[i]);
	return n;
}

int boot_wait_for_nics(const struct context *context, const struct survey *survey,
		       struct inventory *inventory, struct problem *problem)
{
	_cleanup_free_ const char **macs =
		calloc(survey->meanings.n_units + 1, sizeof(const char *));
	struct link_wait wait = { .limit_ms = context->config.nic_timeout_sec * 1000 };
	struct inventory looked = { 0 };
	int r = 0;

	if (!macs)
		return -ENOMEM;
	wait.macs = macs;
	wait.n_macs = wanted_macs(survey, macs);
	if (context->root.live && !context->invocation->inventory_file && wait.n_macs > 0)
		r = link_wait(&context->root, &wait, &looked, problem);
	if (r == 0 && wait.n_missing > 0)
		say_missing(context, survey, &wait, &looked);
	inventory_done(&looked);
	/* One may have come, or got its name, between reading the hardware and waiting for it. */
	if (r < 0 || (wait.waited_ms == 0 && count_missing(&wait, inventory) <= wait.n_missing))
		return r;
	inventory_done(inventory);
	return survey_read_inventory(context, false, inventory, problem);
}

static void tell_deed(const struct guard_entry *entry)
{
	const char *word = guard_deed_to_string(entry->deed), *path = entry->path;
	struct pci_address_name name;
	const char *address = entry->has_address ? pci_address_show(&entry->address, &name) : NULL;
	char line[16];
	struct log_field fields[] = { { FIELD_FILE, path },
				      { FIELD_LINE, entry->line ? line : NULL },
				      { FIELD_ADDRESS, address },
				      { FIELD_REASON, entry->reason } };

	(void)snprintf(line, sizeof(line), "%u", entry->line);
	log_event(entry->deed == GUARD_LEFT ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE,
		  EVENT_GUARD_ACTED, fields, ARRAY_SIZE(fields), "guard: %s%s%s%s%s: %s", word,
		  address ? " " : "", address ? address : "", path ? " in " : "", path ? path : "",
		  entry->reason);
}

void boot_tell_guard(const struct context *context)
{
	struct guard_report report = { 0 };
	struct problem problem = { 0 };

	if (!context->root.live)
		return;
	if (guard_report_read(&context->root, &report, &problem) < 0)
		log_warning("%s", problem.text ? problem.text : "what the guard did is not known");
	for (size_t i = 0; i < report.n_entries; i++)
		tell_deed(&report.entries[i]);
	guard_report_done(&report);
	problem_done(&problem);
}

bool boot_was_taken(const struct survey *survey, const struct inventory *now)
{
	for (size_t i = 0; survey->has_newest && i < now->n_functions; i++) {
		const struct pci_function *is = &now->functions[i], *was;

		if (!is_passthrough_driver(is->driver))
			continue;
		was = inventory_find_function(&survey->newest.inventory, &is->address);
		if (!was || !is_passthrough_driver(was->driver) || !pci_function_same(is, was))
			return true;
	}
	return false;
}

static bool release_one(const struct context *context, const struct plan_action *action)
{
	const struct release release = { .address = action->address,
					 .driver = action->driver,
					 .keep_override = action->keep_override,
					 .timeout_ms = RELEASE_TIMEOUT_MS };
	struct problem problem = { 0 };
	struct released released;
	struct pci_address_name name;
	const char *address = pci_address_show(&action->address, &name);
	int r = release_function(&context->root, &release, &released, &problem);

	if (r > 0) {
		struct log_field fields[] = { { FIELD_ADDRESS, address },
					      { FIELD_DRIVER, released.driver },
					      { FIELD_REASON, action->reason } };

		log_event(LOG_LEVEL_NOTICE, EVENT_FUNCTION_RELEASED, fields, ARRAY_SIZE(fields),
			  "%s: given back to %s: %s", address, released.driver, action->reason);
	} else if (r < 0) {
		struct log_field fields[] = { { FIELD_ADDRESS, address },
					      { FIELD_REASON, problem.text } };

		log_event(LOG_LEVEL_ERROR, EVENT_FUNCTION_NOT_RELEASED, fields, ARRAY_SIZE(fields),
			  "%s", problem.text ? problem.text : strerror(-r));
	}
	problem_done(&problem);
	return r > 0;
}

unsigned int boot_release(const struct context *context, const struct survey *survey)
{
	unsigned int n = 0;

	if (!context->root.live || context->invocation->inventory_file)
		return 0;
	for (size_t i = 0; i < survey->plan.n_actions; i++)
		if (survey->plan.actions[i].kind == ACTION_RELEASE)
			n += release_one(context, &survey->plan.actions[i]);
	return n;
}

/* systemd.unit(5), "String escaping for inclusion in unit names". */
static void escape_instance(const char *name, struct buffer *out)
{
	for (const char *c = name; *c; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			     (*c >= '0' && *c <= '9') || *c == ':' || *c == '_' ||
			     (*c == '.' && c > name);

		if (plain)
			buffer_append_char(out, *c);
		else
			buffer_appendf(out, "\\x%02x", (unsigned char)*c);
	}
}

static void start_ifup(const char *interface)
{
	struct buffer unit = { 0 };
	struct problem problem = { 0 };
	int r = -ENOMEM;

	buffer_append_text(&unit, "ifup@");
	escape_instance(interface, &unit);
	buffer_append_text(&unit, ".service");
	if (!unit.failed) {
		const char *const argv[] = { "/usr/bin/systemctl", "--no-block", "start", unit.data,
					     NULL };
		const struct program program = { argv, SYSTEMCTL_TIMEOUT_MS, 4096 };
		_cleanup_(program_result_done) struct program_result result = { 0 };

		r = run_command(&program, &result, &problem);
		if (r == 0)
			r = program_result_check(&program, &result, &problem);
	}
	if (r < 0)
		log_warning("%s", problem.text ? problem.text : strerror(-r));
	problem_done(&problem);
	buffer_done(&unit);
}

void boot_run_actions(const struct context *context, const struct plan *plan)
{
	if (!context->root.live)
		return;
	for (size_t i = 0; i < plan->n_actions; i++)
		if (plan->actions[i].kind == ACTION_IFUP)
			start_ifup(plan->actions[i].interface);
}
