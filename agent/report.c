/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/report.h"

#include <unistd.h>

void report_open(const struct invocation *invocation, struct report *ret_report)
{
	ret_report->out = invocation->out;
	terminal_look(fileno(invocation->out), &ret_report->terminal);
}

void report_text(const struct report *report, const char *text)
{
	struct buffer buffer = { 0 };

	terminal_escape_line(bytes_of(text), report->terminal.utf8, &buffer);
	if (buffer.data)
		(void)fputs(buffer.data, report->out);
	buffer_done(&buffer);
}

static const char *style(const struct report *report, enum style style)
{
	return terminal_style(&report->terminal, style);
}

static void report_count(const struct report *report, size_t before, size_t after, const char *one,
			 const char *many)
{
	(void)fprintf(report->out, "%zu %s", after, after == 1 ? one : many);
	if (before != after)
		(void)fprintf(report->out, " (%zu %s)",
			      after > before ? after - before : before - after,
			      after > before ? "more" : "fewer");
}

static void report_evidence(const struct report *report, const struct hardware_change *change)
{
	const char *separator = ": ";

	if (change->confidence == CONFIDENCE_NONE)
		return;
	(void)fprintf(report->out, "  (%s", confidence_to_string(change->confidence));
	for (unsigned int bit = 0; bit < EVIDENCE_COUNT; bit++) {
		if (!(change->evidence & (1U << bit)))
			continue;
		(void)fprintf(report->out, "%s%s", separator,
			      evidence_to_string((enum evidence)(1U << bit)));
		separator = ", ";
	}
	(void)fputc(')', report->out);
}

static void report_change(const struct report *report, const struct hardware_change *change)
{
	(void)fprintf(report->out, "  %-9s  ", change_kind_to_string(change->kind));
	if (change->from)
		report_text(report, change->from);
	if (change->from && change->to)
		(void)fputs(" -> ", report->out);
	if (change->to)
		report_text(report, change->to);
	report_evidence(report, change);
	(void)fputc('\n', report->out);
}

static bool only_moved(const struct hardware_change *change)
{
	return change->what == UNIT_FUNCTION && change->kind == CHANGE_MOVED;
}

void report_changes(const struct report *report, const struct plan *plan, bool brief)
{
	size_t n_moved = 0;

	(void)fputs("Hardware: ", report->out);
	report_count(report, plan->functions_before, plan->functions_after, "PCI function",
		     "PCI functions");
	(void)fputs(", ", report->out);
	report_count(report, plan->nics_before, plan->nics_after, "network card", "network cards");
	if (plan->n_changes == 0 && (!brief || plan->baseline))
		(void)fputs(brief ? "; nothing has changed since the baseline" : "; no change",
			    report->out);
	(void)fputc('\n', report->out);
	for (size_t i = 0; i < plan->n_changes; i++) {
		if (brief && only_moved(&plan->changes[i]))
			n_moved++;
		else
			report_change(report, &plan->changes[i]);
	}
	if (n_moved > 0)
		(void)fprintf(report->out,
			      "  moved      %zu PCI function%s (`hwrecover diff` lists them)\n",
			      n_moved, n_moved == 1 ? "" : "s");
}

void report_diff_text(const struct report *report, struct bytes diff)
{
	size_t at = 0;

	while (at < diff.size) {
		const char *newline = memchr(diff.data + at, '\n', diff.size - at);
		size_t end = newline ? (size_t)(newline - diff.data) : diff.size;
		struct bytes line = bytes_slice(diff, at, end - at);
		struct buffer escaped = { 0 };
		char first = line.size ? line.data[0] : ' ';
		const char *color = first == '+'   ? style(report, STYLE_GREEN)
				    : first == '-' ? style(report, STYLE_RED)
				    : first == '@' ? style(report, STYLE_CYAN)
						   : "";

		/* Into a pipe the bytes go as they are, for patch(1). */
		if (report->terminal.interactive)
			terminal_escape_line(line, report->terminal.utf8, &escaped);
		else
			buffer_append(&escaped, line);
		(void)fputs(color, report->out);
		if (escaped.size)
			(void)fwrite(escaped.data, 1, escaped.size, report->out);
		(void)fputs(*color ? style(report, STYLE_END) : "", report->out);
		(void)fputc('\n', report->out);
		buffer_done(&escaped);
		at = end + 1;
	}
}

int report_diff(const struct report *report, const struct plan *plan)
{
	struct buffer diff = { 0 };
	int r;

	r = plan_to_diff(plan, &diff);
	if (r == 0)
		report_diff_text(report, buffer_bytes(&diff));
	buffer_done(&diff);
	return r;
}

static void report_action(const struct report *report, const struct plan_action *action)
{
	struct pci_address_name name;

	switch (action->kind) {
	case ACTION_RELEASE:
		(void)fprintf(report->out, "Release: %s, to %s (",
			      pci_address_show(&action->address, &name),
			      action->driver ? action->driver : "its own driver");
		report_text(report, action->reason);
		(void)fputs(")\n", report->out);
		break;
	case ACTION_IFUP:
		(void)fputs("At boot: start ifup@", report->out);
		report_text(report, action->interface);
		(void)fputs(".service\n", report->out);
		break;
	case ACTION_START_HOOK:
		(void)fputs("Install: libvirt's start hook\n", report->out);
		break;
	case ACTION_UPDATE_INITRAMFS:
	default:
		(void)fputs("At boot: make the boot image anew\n", report->out);
		break;
	}
}

void report_actions(const struct report *report, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_actions; i++) {
		report_action(report, &plan->actions[i]);
	}
}

void report_blocked(const struct report *report, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_blocked; i++) {
		const struct plan_blocked *blocked = &plan->blocked[i];

		(void)fprintf(report->out, "%s%s%s  ", style(report, STYLE_YELLOW),
			      blocked->hold ? "Held:   " : "Blocked:", style(report, STYLE_END));
		report_text(report, blocked->guest);
		(void)fputs(": ", report->out);
		report_text(report, blocked->reason);
		if (!blocked->autostart)
			(void)fputs(" (it does not start by itself)", report->out);
		(void)fputc('\n', report->out);
	}
	if (plan->n_blocked > 0)
		(void)fputs("          `hwrecover release GUEST` lets one start as it is\n",
			    report->out);
}

void report_warnings(const struct report *report, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_warnings; i++) {
		(void)fprintf(report->out, "%sLook at:%s ", style(report, STYLE_YELLOW),
			      style(report, STYLE_END));
		report_text(report, plan->warnings[i]);
		(void)fputc('\n', report->out);
	}
}
