/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/start-hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "agent/libvirt-daemon.h"
#include "agent/snippets.h"
#include "recovery/sources/pve.h"
#include "snapshot/basic/array.h"
#include "snapshot/basic/buffer.h"
#include "snapshot/basic/file.h"
#include "snapshot/basic/log.h"
#include "snapshot/basic/number.h"
#include "snapshot/fields.h"

#define LIBVIRT_PATH   "/etc/libvirt"
#define LIBVIRT_FOLDER LIBVIRT_PATH "/hooks/qemu.d"
#define LIBVIRT_NAME   "hwrecover"

#define PVE_NAME   "hwrecover-hook"
#define PVE_VOLUME ":snippets/" PVE_NAME

#define RECORDS_FOLDER "/var/lib/hwrecover"
#define RECORDS_NAME   "hookscripts"
#define RECORDS_MAX    (1024UL * 1024)

#define SCRIPT_MODE 0755
#define SCRIPT_MAX  65536

/* Stands in each of our scripts: what bears its name and has not this is somebody else's. */
#define MARK "Installed by 'hwrecover hooks install', removed by 'hwrecover hooks remove'."

/*
 * Both let the guest start whenever they do not know: without the program, without an answer. They
 * end well before libvirt's and Proxmox VE's clients lose patience.
 */
#define SCRIPT_HEAD                                                            \
	"#!/bin/sh\n"                                                          \
	"# " MARK "\n"                                                         \
	"# Keeps a guest from starting with a device that it does not mean.\n" \
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"  \
	"\n"                                                                   \
	"check() {\n"                                                          \
	"\tcommand -v hwrecover >/dev/null || return 0\n"                      \
	"\ttimeout -k 1 5 hwrecover check-guest -- \"$1\" \"$2\" </dev/null\n" \
	"\t[ $? -ne 1 ]\n"                                                     \
	"}\n"                                                                  \
	"\n"

/* https://libvirt.org/hooks.html: GUEST OPERATION SUB-OPERATION EXTRA. */
static const char libvirt_script[] = SCRIPT_HEAD "if [ \"$2\" = prepare ]; then\n"
						 "\tcheck libvirt \"$1\" || exit 1\n"
						 "fi\n"
						 "exit 0\n";

/* VMID PHASE; what the guest had before is run as Proxmox VE would have run it. */
static const char pve_script[] = SCRIPT_HEAD
	"if [ \"$2\" = pre-start ]; then\n"
	"\tkind=qemu\n"
	"\t[ ! -e \"/etc/pve/lxc/$1.conf\" ] || kind=lxc\n"
	"\tcheck \"$kind\" \"$1\" || exit 1\n"
	"fi\n"
	"\n"
	"# The guest's own script: number, volume and file, with tabs between.\n"
	"records=" RECORDS_FOLDER "/" RECORDS_NAME "\n"
	"[ -r \"$records\" ] || exit 0\n"
	"tab=$(printf '\\t')\n"
	"while IFS=$tab read -r vmid _ file; do\n"
	"\tif [ \"$vmid\" = \"$1\" ]; then\n"
	"\t\texec \"$file\" \"$@\" </dev/null\n"
	"\tfi\n"
	"done <\"$records\"\n"
	"exit 0\n";

/* Return: 1 if a script of ours is there, 0 if nothing is, or a negative errno. */
static int read_script(int dir_fd, const char *name, char **ret_data)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r = file_read_at(dir_fd, name, SCRIPT_MAX, &data, &size);

	if (r == -ENOENT)
		return 0;
	if (r == -EFBIG || r == -ELOOP || r == -ENOTSUP)
		return -EEXIST;
	if (r < 0)
		return r;
	if (!bytes_find(bytes_make(data, size), MARK))
		return -EEXIST;
	*ret_data = TAKE_PTR(data);
	return 1;
}

static int set_script_problem(const struct root *root, const char *folder, const char *name,
			      int error, const char *verb, struct problem *problem)
{
	struct buffer path = { 0 };
	struct root_name shown;
	const char *text;

	buffer_appendf(&path, "%s/%s", folder, name);
	text = path.failed ? folder : root_show(root, path.data, &shown);
	if (error == -EEXIST)
		(void)problem_set(problem, error, text, 0, "is none of ours; left as it is");
	else
		(void)problem_set_errno(problem, error, text, verb);
	buffer_done(&path);
	return error;
}

/* Return: 1 if it was written, 0 if it was there, or a negative errno with @problem set. */
static int install_script(const struct root *root, const char *folder, const char *name,
			  const char *script, struct problem *problem)
{
	_cleanup_close_ int dir_fd = root_open_directory(root, folder, 0755);
	_cleanup_free_ char *there = NULL;
	struct stat st;
	int r = dir_fd < 0 ? dir_fd : read_script(dir_fd, name, &there);

	if (r > 0 && strcmp(there, script) == 0 &&
	    fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (st.st_mode & 07777) == SCRIPT_MODE)
		return 0;
	if (r >= 0)
		r = file_write_at(dir_fd, name, bytes_of(script), SCRIPT_MODE, true);
	return r < 0 ? set_script_problem(root, folder, name, r, "install", problem) : 1;
}

/* Somebody else's of the same name is left. Return: as start_hook_remove_libvirt(). */
static int remove_script(const struct root *root, const char *folder, const char *name,
			 struct problem *problem)
{
	_cleanup_close_ int dir_fd = root_open_directory(root, folder, 0);
	_cleanup_free_ char *there = NULL;
	int r = dir_fd < 0 ? dir_fd : read_script(dir_fd, name, &there);

	if (r == -ENOENT || r == -ENOTDIR || r == -EEXIST)
		return 0;
	if (r > 0 && unlinkat(dir_fd, name, 0) < 0)
		r = -errno;
	return r < 0 ? set_script_problem(root, folder, name, r, "remove", problem) : r;
}

int start_hook_install_libvirt(const struct root *root, struct problem *problem)
{
	struct problem reload = { 0 };
	int r = 0;

	if (root_exists(root, LIBVIRT_PATH))
		r = install_script(root, LIBVIRT_FOLDER, LIBVIRT_NAME, libvirt_script, problem);
	/* A daemon that found no hooks when it was started does not look again by itself. */
	if (r > 0 && libvirt_tell_reload(root, &reload) < 0)
		log_warning("%s; it asks from when it is started anew",
			    reload.text ? reload.text : "libvirt's daemon was not told");
	problem_done(&reload);
	return r;
}

int start_hook_remove_libvirt(const struct root *root, struct problem *problem)
{
	return remove_script(root, LIBVIRT_FOLDER, LIBVIRT_NAME, problem);
}

/**
 * struct record - The script that a guest had before
 * @volume: what its file says: "local:snippets/hook.pl"
 * @path:   the file that is, to be run by our script
 */
struct record {
	uint32_t vmid;
	struct bytes volume;
	const char *path;
};

/**
 * struct work - Installing or removing
 * @hook:    the volume of our script: "local:snippets/hwrecover-hook"; NULL when removing
 * @folder:  where it is
 * @records: as they will be
 */
struct work {
	const struct root *root;
	const struct hook_edits *edits;
	struct arena arena;
	struct snippet_storages storages;
	const char *hook;
	const char *folder;
	struct record *records;
	size_t n_records;
	size_t records_allocated;
};

static void work_done(struct work *work)
{
	snippet_storages_done(&work->storages);
	free(work->records);
	arena_done(&work->arena);
}

static const struct record *find_record(const struct work *work, uint32_t vmid)
{
	for (size_t i = 0; i < work->n_records; i++)
		if (work->records[i].vmid == vmid)
			return &work->records[i];
	return NULL;
}

static void drop_record(struct work *work, uint32_t vmid)
{
	size_t kept = 0;

	for (size_t i = 0; i < work->n_records; i++)
		if (work->records[i].vmid != vmid)
			work->records[kept++] = work->records[i];
	work->n_records = kept;
}

static int add_record(struct work *work, uint32_t vmid, struct bytes volume, struct bytes path)
{
	struct record record = { .vmid = vmid };
	const char *copy = arena_copy(&work->arena, volume);

	record.path = arena_copy(&work->arena, path);
	if (!copy || !record.path ||
	    ARRAY_RESERVE(work->records, work->n_records, work->records_allocated) < 0)
		return -ENOMEM;
	record.volume = bytes_of(copy);
	drop_record(work, vmid);
	work->records[work->n_records++] = record;
	return 0;
}

static int read_record(struct work *work, struct bytes line)
{
	struct bytes number, volume, path;
	uint64_t vmid;

	if (!fields_next_item(&line, '\t', &number) || !fields_next_item(&line, '\t', &volume) ||
	    !fields_next_item(&line, '\t', &path) ||
	    number_parse(number, 10, UINT32_MAX, &vmid) < 0 || volume.size == 0)
		return 0;
	return add_record(work, (uint32_t)vmid, volume, path);
}

static int read_records(struct work *work, struct problem *problem)
{
	_cleanup_close_ int dir_fd = root_open_directory(work->root, RECORDS_FOLDER, 0);
	_cleanup_free_ char *data = NULL;
	struct root_name name;
	struct bytes text, line;
	size_t size = 0;
	int r = dir_fd;

	if (dir_fd >= 0)
		r = file_read_at(dir_fd, RECORDS_NAME, RECORDS_MAX, &data, &size);
	if (r == -ENOENT)
		return 0;
	text = bytes_make(data, size);
	while (r >= 0 && fields_next_line(&text, &line))
		r = read_record(work, line);
	if (r < 0)
		return problem_set_errno(
			problem, r, root_show(work->root, RECORDS_FOLDER "/" RECORDS_NAME, &name),
			"read");
	return 0;
}

static int compare_records(const void *a, const void *b)
{
	const struct record *left = a, *right = b;

	return (left->vmid > right->vmid) - (left->vmid < right->vmid);
}

static int write_records(struct work *work, struct problem *problem)
{
	_cleanup_close_ int dir_fd =
		root_open_directory(work->root, RECORDS_FOLDER, work->n_records > 0 ? 0700 : 0);
	struct buffer text = { 0 };
	struct root_name name;
	int r;

	if (work->n_records == 0 && dir_fd == -ENOENT)
		return 0;
	if (work->n_records > 0)
		qsort(work->records, work->n_records, sizeof(*work->records), compare_records);
	for (size_t i = 0; i < work->n_records; i++)
		buffer_appendf(&text, "%u\t%.*s\t%s\n", (unsigned int)work->records[i].vmid,
			       (int)work->records[i].volume.size, work->records[i].volume.data,
			       work->records[i].path);
	if (dir_fd < 0)
		r = dir_fd;
	else if (text.failed)
		r = -ENOMEM;
	else if (text.size > 0)
		r = file_write_at(dir_fd, RECORDS_NAME, buffer_bytes(&text), 0600, true);
	else
		r = unlinkat(dir_fd, RECORDS_NAME, 0) < 0 && errno != ENOENT ? -errno : 0;
	buffer_done(&text);
	if (r < 0)
		return problem_set_errno(
			problem, r, root_show(work->root, RECORDS_FOLDER "/" RECORDS_NAME, &name),
			"write");
	return 0;
}

/* Whether a volume is our script, in whichever storage. */
static bool is_our_hook(struct bytes volume)
{
	static const struct bytes end = { PVE_VOLUME, sizeof(PVE_VOLUME) - 1 };

	return volume.size > end.size &&
	       bytes_equal(bytes_slice(volume, volume.size - end.size, end.size), end);
}

/**
 * struct hook_line - What the current settings of a guest say of a hook script
 * @value:     the last one, which counts; empty if there is none
 * @pending:   another one, or none, is to be set at the next start
 * @insert_at: where a line can be put in: behind the last that says something
 */
struct hook_line {
	struct bytes value;
	bool pending;
	size_t insert_at;
};

static bool is_hook_key(struct bytes key)
{
	return bytes_equal_text(key, "hookscript");
}

/* "delete: hookscript,!onboot" */
static bool deletes_hook(struct bytes key, struct bytes value)
{
	return bytes_equal_text(key, "delete") && bytes_find(value, "hookscript");
}

static struct hook_line find_hook_line(const struct hook_guest *guest)
{
	struct pve_reader reader = { .contents = guest->contents, .is_lxc = guest->is_lxc };
	struct hook_line found = { 0 };
	struct pve_line line;

	while (pve_read_line(&reader, &line)) {
		if (line.section.size == 0 && !line.is_head) {
			if (line.text.size > 0)
				found.insert_at = line.next;
			if (is_hook_key(line.key))
				found.value = line.value;
		} else if (pve_is_pending(line.section) && !line.is_head) {
			found.pending |= is_hook_key(line.key) ||
					 deletes_hook(line.key, line.value);
		}
	}
	return found;
}

static void append_rest(struct buffer *out, struct bytes contents, size_t from, size_t to)
{
	buffer_append(out, bytes_slice(contents, from, to - from));
}

/* What the file is with our script in it. */
static void render_install(const struct hook_guest *guest, const struct hook_line *line,
			   const char *hook, struct buffer *out)
{
	struct bytes contents = guest->contents;
	size_t at = line->insert_at;
	/* A file whose last line does not end, ends so afterwards, too. */
	bool ended = at == 0 || contents.data[at - 1] == '\n';

	if (line->value.size > 0) {
		at = (size_t)(line->value.data - contents.data);
		append_rest(out, contents, 0, at);
		buffer_append_text(out, hook);
		append_rest(out, contents, at + line->value.size, contents.size);
		return;
	}
	append_rest(out, contents, 0, at);
	buffer_appendf(out, ended ? "hookscript: %s\n" : "\nhookscript: %s", hook);
	append_rest(out, contents, at, contents.size);
}

/* What it is without, in all its sections: a snapshot's settings may come back. Returns how often
 * it was there. */
static size_t render_remove(const struct hook_guest *guest, const struct record *record,
			    struct buffer *out)
{
	struct pve_reader reader = { .contents = guest->contents, .is_lxc = guest->is_lxc };
	struct bytes contents = guest->contents;
	struct pve_line line;
	size_t done = 0, n = 0;

	while (pve_read_line(&reader, &line)) {
		size_t from = line.offset, to = line.next;

		if (!is_hook_key(line.key) || !is_our_hook(line.value))
			continue;
		if (record) {
			from = (size_t)(line.value.data - contents.data);
			to = from + line.value.size;
		} else if (from > done && contents.data[to - 1] != '\n') {
			from--;
		}
		append_rest(out, contents, done, from);
		if (record)
			buffer_append(out, record->volume);
		done = to;
		n++;
	}
	append_rest(out, contents, done, contents.size);
	return n;
}

/* A path stands in a line of fields, and is run by a shell script. */
static bool is_plain_path(const char *path)
{
	for (; *path; path++)
		if (*path <= ' ' || *path > '~')
			return false;
	return true;
}

static bool is_roots_alone(const struct root *root, const struct stat *st)
{
	/* Owners of a copy are whoever made it. */
	return !(st->st_mode & S_IWOTH) && (st->st_uid == 0 || !root->live);
}

/* Why a script must not be run by ours, or NULL. */
static const char *check_script(const struct root *root, const char *path, struct arena *arena)
{
	const char *slash = strrchr(path, '/');
	const char *folder = arena_copy(arena, bytes_make(path, (size_t)(slash - path)));
	_cleanup_close_ int fd = root_openat(root, path, O_PATH, 0);
	_cleanup_close_ int dir_fd = folder ? root_openat(root, folder, O_PATH, 0) : -ENOMEM;
	struct stat st, dir_st;

	if (fd < 0 || dir_fd < 0 || fstat(fd, &st) < 0 || fstat(dir_fd, &dir_st) < 0)
		return "cannot be found";
	if (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR))
		return "is no program";
	if (!is_roots_alone(root, &st) || !is_roots_alone(root, &dir_st))
		return "could be changed by others than root";
	if (!is_plain_path(path))
		return "has a name with blanks or other characters that are none of ASCII's";
	return NULL;
}

static void refuse(const struct work *work, const struct hook_guest *guest, struct bytes volume,
		   const char *reason)
{
	struct buffer text = { 0 };

	buffer_appendf(&text, "its hook script %.*s %s", (int)MIN_OF(volume.size, (size_t)256),
		       volume.data ? volume.data : "", reason);
	work->edits->refuse(work->edits->data, guest,
			    text.failed ? "its hook script is not fit to be run by ours"
					: text.data);
	buffer_done(&text);
}

/* Return: 1 if a guest's own script was recorded, 0 if it is refused, or -ENOMEM. */
static int record_script(struct work *work, const struct hook_guest *guest, struct bytes volume)
{
	const char *path = snippet_path(&work->storages, volume, &work->arena);
	const char *reason = path ? check_script(work->root, path, &work->arena)
				  : "is in no storage that is a folder";
	int r;

	if (reason) {
		refuse(work, guest, volume, reason);
		return 0;
	}
	r = add_record(work, guest->vmid, volume, bytes_of(path));
	return r < 0 ? r : 1;
}

/* Whether our script is to be set for a guest: 1 or 0; records what it had. Or -ENOMEM. */
static int prepare_guest(struct work *work, const struct hook_guest *guest)
{
	struct hook_line line = find_hook_line(guest);

	if (!guest->passthrough || bytes_equal_text(line.value, work->hook))
		return 0;
	if (line.pending) {
		refuse(work, guest, line.value, "is about to be changed at its next start");
		return 0;
	}
	if (is_our_hook(line.value))
		return 1;
	if (line.value.size > 0)
		return record_script(work, guest, line.value);
	/* What another guest of this number once had. */
	drop_record(work, guest->vmid);
	return 1;
}

static int replace(const struct work *work, const struct hook_guest *guest,
		   const struct buffer *now, struct problem *problem)
{
	if (now->failed)
		return problem_set_errno(problem, -ENOMEM, guest->path, "change");
	return work->edits->replace(work->edits->data, guest, buffer_bytes(now), problem);
}

static int install_for(struct work *work, const struct hook_guest *guest, struct problem *problem)
{
	struct hook_line line = find_hook_line(guest);
	struct buffer now = { 0 };
	int r;

	render_install(guest, &line, work->hook, &now);
	r = replace(work, guest, &now, problem);
	buffer_done(&now);
	return r;
}

/* The script and what it has to know come before any guest that has it run. */
static int install_for_all(struct work *work, const struct hook_guest *guests, size_t n_guests,
			   const bool *wanted, struct problem *problem)
{
	int n = 0, r, failed = 0;
	bool any = false;

	for (size_t i = 0; i < n_guests; i++)
		any |= wanted[i];
	r = install_script(work->root, work->folder, PVE_NAME, pve_script, problem);
	if (r >= 0 && any)
		r = write_records(work, problem);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n_guests; i++) {
		if (!wanted[i])
			continue;
		r = install_for(work, &guests[i], problem);
		if (r < 0 && failed == 0)
			failed = r;
		n += r >= 0;
	}
	return failed < 0 ? failed : n;
}

static int begin(struct work *work, const char *node, struct problem *problem)
{
	int r = snippet_storages_read(work->root, node, &work->storages, problem);

	return r < 0 ? r : read_records(work, problem);
}

static int choose_storage(struct work *work, struct problem *problem)
{
	const struct snippet_storage *storage = snippet_storages_choose(&work->storages);
	struct buffer hook = { 0 };

	if (!storage)
		return problem_set(problem, -ENOENT, "/etc/pve/storage.cfg", 0,
				   "no storage of this node alone may hold the hook script: "
				   "allow 'snippets' in one that is a folder");
	buffer_appendf(&hook, "%s" PVE_VOLUME, storage->id);
	work->hook = hook.failed ? NULL : arena_copy(&work->arena, buffer_bytes(&hook));
	work->folder = storage->folder;
	buffer_done(&hook);
	return work->hook ? 0 : problem_set_errno(problem, -ENOMEM, storage->folder, "use");
}

int start_hook_install_pve(const struct root *root, const char *node,
			   const struct hook_guest *guests, size_t n_guests,
			   const struct hook_edits *edits, struct problem *problem)
{
	_cleanup_(work_done) struct work work = { .root = root, .edits = edits };
	_cleanup_free_ bool *wanted = calloc(n_guests + 1, sizeof(*wanted));
	bool any = false;
	int r;

	if (!wanted)
		return problem_set_errno(problem, -ENOMEM, RECORDS_FOLDER, "read");
	for (size_t i = 0; i < n_guests; i++)
		any |= guests[i].passthrough;
	if (!any)
		return 0;
	r = begin(&work, node, problem);
	if (r == 0)
		r = choose_storage(&work, problem);
	for (size_t i = 0; i < n_guests && r >= 0; i++) {
		r = prepare_guest(&work, &guests[i]);
		wanted[i] = r > 0;
	}
	if (r == -ENOMEM)
		(void)problem_set_errno(problem, r, RECORDS_FOLDER, "read");
	return r < 0 ? r : install_for_all(&work, guests, n_guests, wanted, problem);
}

/* Return: 1 if it was changed, 0 if it had not our script, or a negative errno with @problem. */
static int remove_from(struct work *work, const struct hook_guest *guest, struct problem *problem)
{
	struct buffer now = { 0 };
	int r = 0;

	if (render_remove(guest, find_record(work, guest->vmid), &now) > 0) {
		r = replace(work, guest, &now, problem);
		r = r < 0 ? r : 1;
	}
	buffer_done(&now);
	return r;
}

/* Nobody has it any more. */
static int remove_scripts(struct work *work, struct problem *problem)
{
	int r = 0;

	work->n_records = 0;
	for (size_t i = 0; i < work->storages.n_items && r >= 0; i++)
		r = remove_script(work->root, work->storages.items[i].folder, PVE_NAME, problem);
	return r < 0 ? r : write_records(work, problem);
}

int start_hook_remove_pve(const struct root *root, const char *node,
			  const struct hook_guest *guests, size_t n_guests,
			  const struct hook_edits *edits, struct problem *problem)
{
	_cleanup_(work_done) struct work work = { .root = root, .edits = edits };
	int n = 0, failed = 0, r = begin(&work, node, problem);

	for (size_t i = 0; i < n_guests && r >= 0; i++) {
		int removed = remove_from(&work, &guests[i], problem);

		if (removed < 0 && failed == 0)
			failed = removed;
		n += removed > 0;
	}
	if (r >= 0 && failed == 0)
		r = remove_scripts(&work, problem);
	if (r < 0 || failed < 0)
		return r < 0 ? r : failed;
	return n;
}
