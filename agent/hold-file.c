/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/hold-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "agent/run-command.h"
#include "snapshot/basic/buffer.h"
#include "snapshot/basic/file.h"
#include "snapshot/fields.h"

#define RUNTIME_PATH "/run/hwrecover"

#define SYSTEMCTL            "/usr/bin/systemctl"
#define SYSTEMCTL_TIMEOUT_MS 20000
#define SYSTEMCTL_OUTPUT_MAX 65536

#define PROPERTIES                                           \
	"--property=Id,LoadState,ActiveState,UnitFileState," \
	"ConditionResult,ConditionTimestampMonotonic"

/* Pulls in pve-guests.service, which refuses to be started by its own name. */
#define GUESTS_TARGET "hwrecover-start-guests.target"

static const char *const file_names[] = {
	[HOLD_PVE] = "hold-guests",
	[HOLD_LIBVIRT] = "hold-libvirt-guests",
};

static const char *const file_paths[] = {
	[HOLD_PVE] = RUNTIME_PATH "/hold-guests",
	[HOLD_LIBVIRT] = RUNTIME_PATH "/hold-libvirt-guests",
};

/**
 * struct held_unit - A unit that a hold file keeps from starting
 * @name:    of it
 * @start:   what to start in its stead; NULL: itself
 * @service: for a socket: the service it is for. A socket is never skipped, but fails when clients
 *           have it start a service again and again that is; else NULL
 */
struct held_unit {
	const char *name;
	const char *start;
	const char *service;
};

/* Sockets before services, and what others wait for before those: the order of starting. */
static const struct held_unit held_units[] = {
	{ "pve-ha-lrm.service", NULL, NULL },
	{ "pve-guests.service", GUESTS_TARGET, NULL },
	{ "pvescheduler.service", NULL, NULL },
	{ "libvirtd.socket", NULL, "libvirtd.service" },
	{ "libvirtd-ro.socket", NULL, "libvirtd.service" },
	{ "libvirtd-admin.socket", NULL, "libvirtd.service" },
	{ "virtqemud.socket", NULL, "virtqemud.service" },
	{ "virtqemud-ro.socket", NULL, "virtqemud.service" },
	{ "virtqemud-admin.socket", NULL, "virtqemud.service" },
	{ "libvirtd.service", NULL, NULL },
	{ "virtqemud.service", NULL, NULL },
	{ "libvirt-guests.service", NULL, NULL },
};

#define N_HELD_UNITS ARRAY_SIZE(held_units)

const char *hold_file_path(enum hold_kind kind)
{
	return file_paths[kind];
}

/* A name may hold anything but NUL and '/': a line stays one. */
static void append_guest(struct buffer *text, const char *guest)
{
	for (; *guest; guest++)
		buffer_append_char(text,
				   (unsigned char)*guest < ' ' || *guest == 0x7f ? '?' : *guest);
	buffer_append_char(text, '\n');
}

int hold_file_write(const struct root *root, enum hold_kind kind, const char *const *guests,
		    size_t n_guests, struct problem *problem)
{
	_cleanup_close_ int dir_fd = root_open_directory(root, RUNTIME_PATH, 0755);
	struct buffer text = { 0 };
	struct root_name name;
	int r;

	for (size_t i = 0; i < n_guests; i++)
		append_guest(&text, guests[i]);
	if (text.failed)
		r = -ENOMEM;
	else if (dir_fd < 0)
		r = dir_fd;
	else
		r = file_write_at(dir_fd, file_names[kind], buffer_bytes(&text), 0644, false);
	buffer_done(&text);
	if (r < 0)
		return problem_set_errno(problem, r, root_show(root, file_paths[kind], &name),
					 "write");
	return 0;
}

/* Return: a descriptor of /run/hwrecover, or a negative errno; -ENOENT also for an odd parent. */
static int open_runtime(const struct root *root)
{
	int fd = root_open_directory(root, RUNTIME_PATH, 0);

	return fd == -ENOTDIR ? -ENOENT : fd;
}

bool hold_file_exists(const struct root *root, enum hold_kind kind)
{
	_cleanup_close_ int dir_fd = open_runtime(root);
	struct stat st;

	if (dir_fd < 0)
		return dir_fd != -ENOENT;
	/* What systemd tests: a link that leads nowhere is no reason to hold, nor does it appear.
	 */
	return fstatat(dir_fd, file_names[kind], &st, 0) == 0 || errno != ENOENT;
}

int hold_file_remove(const struct root *root, enum hold_kind kind, struct problem *problem)
{
	_cleanup_close_ int dir_fd = open_runtime(root);
	struct root_name name;
	int r;

	if (dir_fd == -ENOENT)
		return 0;
	r = dir_fd < 0 ? dir_fd : unlinkat(dir_fd, file_names[kind], 0) < 0 ? -errno : 1;
	if (r >= 0 || r == -ENOENT)
		return MAX_OF(r, 0);
	return problem_set_errno(problem, r, root_show(root, file_paths[kind], &name), "remove");
}

/* What systemd says of a unit, org.freedesktop.systemd1(5). */
struct unit_state {
	bool loaded;
	bool inactive;
	bool failed;
	bool enabled;
	bool condition_tested;
	bool condition_failed;
};

static void take_property(struct unit_state *unit, struct bytes key, struct bytes value)
{
	if (bytes_equal_text(key, "LoadState"))
		unit->loaded = bytes_equal_text(value, "loaded");
	else if (bytes_equal_text(key, "ActiveState")) {
		unit->inactive = bytes_equal_text(value, "inactive");
		unit->failed = bytes_equal_text(value, "failed");
	} else if (bytes_equal_text(key, "UnitFileState"))
		unit->enabled = bytes_equal_text(value, "enabled") ||
				bytes_equal_text(value, "enabled-runtime");
	else if (bytes_equal_text(key, "ConditionResult"))
		unit->condition_failed = bytes_equal_text(value, "no");
	else if (bytes_equal_text(key, "ConditionTimestampMonotonic"))
		unit->condition_tested = value.size > 0 && !bytes_equal_text(value, "0");
}

static size_t find_unit(struct bytes name)
{
	size_t i = 0;

	while (i < N_HELD_UNITS && !bytes_equal_text(name, held_units[i].name))
		i++;
	return i;
}

/*
 * What `systemctl show` prints: lines KEY=VALUE, an empty one between units. Properties come in any
 * order, so that what a block says is for nobody until its Id is known.
 */
static void read_states(struct bytes text, struct unit_state *states)
{
	struct unit_state unit = { 0 };
	size_t index = N_HELD_UNITS;
	struct bytes line, key;

	while (fields_next_line(&text, &line)) {
		if (line.size == 0) {
			unit = (struct unit_state){ 0 };
			index = N_HELD_UNITS;
		}
		if (!fields_next_item(&line, '=', &key))
			continue;
		if (bytes_equal_text(key, "Id"))
			index = find_unit(line);
		take_property(&unit, key, line);
		if (index < N_HELD_UNITS)
			states[index] = unit;
	}
}

static bool was_skipped(const struct unit_state *unit)
{
	return unit->loaded && unit->inactive && unit->condition_tested && unit->condition_failed;
}

static bool was_held_back(const struct unit_state *states, size_t index)
{
	const struct unit_state *unit = &states[index];
	const char *service = held_units[index].service;

	if (service)
		return unit->loaded && unit->failed &&
		       was_skipped(&states[find_unit(bytes_of(service))]);
	return unit->enabled && was_skipped(unit);
}

/* Return: 0 with its output, or a negative errno with @problem set. */
static int run_systemctl(const char *const *argv, struct program_result *ret_result,
			 struct problem *problem)
{
	const struct program program = { argv, SYSTEMCTL_TIMEOUT_MS, SYSTEMCTL_OUTPUT_MAX };
	struct program_result result = { 0 };
	int r = run_command(&program, &result, problem);

	if (r == 0)
		r = program_result_check(&program, &result, problem);
	if (r < 0 || !ret_result)
		program_result_done(&result);
	else
		*ret_result = result;
	return r;
}

static int read_all_states(struct unit_state *states, struct problem *problem)
{
	const char *argv[N_HELD_UNITS + 5] = {
		SYSTEMCTL,
		"show",
		PROPERTIES,
		"--",
	};
	_cleanup_(program_result_done) struct program_result result = { 0 };
	int r;

	for (size_t i = 0; i < N_HELD_UNITS; i++)
		argv[4 + i] = held_units[i].name;
	r = run_systemctl(argv, &result, problem);
	if (r == 0)
		read_states(bytes_make(result.output, result.output_size), states);
	return r;
}

/* Runs one command on all that was held back, or on the sockets among it. */
static int run_on_held_back(const char *verb, bool only_sockets, const struct unit_state *states,
			    struct problem *problem)
{
	const char *argv[N_HELD_UNITS + 5] = { SYSTEMCTL, "--no-block", verb, "--" };
	int r, n = 0;

	for (size_t i = 0; i < N_HELD_UNITS; i++) {
		const struct held_unit *held = &held_units[i];

		if (was_held_back(states, i) && (held->service || !only_sockets))
			argv[4 + n++] = held->start ? held->start : held->name;
	}
	r = n > 0 ? run_systemctl(argv, NULL, problem) : 0;
	return r < 0 ? r : n;
}

int hold_start_held_back(const struct root *root, struct problem *problem)
{
	struct unit_state states[N_HELD_UNITS] = { 0 };
	int r;

	if (!root->live)
		return 0;
	r = read_all_states(states, problem);
	/* Else a socket that was used too often is refused once more. */
	if (r == 0)
		r = run_on_held_back("reset-failed", true, states, problem);
	return r < 0 ? r : run_on_held_back("start", false, states, problem);
}

int hold_release(const struct root *root, struct problem *problem)
{
	for (enum hold_kind kind = 0; kind < _HOLD_KIND_MAX; kind++) {
		int r = hold_file_remove(root, kind, problem);

		if (r < 0)
			return r;
	}
	return hold_start_held_back(root, problem);
}
