/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>

#include "snapshot/basic/log.h"
#include "snapshot/sealed.h"
#include "snapshot/snapshot-json.h"
#include "snapshot/store-private.h"

int store_next_id(struct store *store, uint64_t *ret_id, struct problem *problem)
{
	_cleanup_(contents_done) struct contents contents = { 0 };
	int r;

	r = contents_read(&contents, store, problem);
	if (r < 0)
		return r;
	return contents_next_id(&contents, store, ret_id, problem);
}

int store_stage_text(struct store *store, uint64_t id, struct bytes text,
		     struct staged_file *ret_staged, struct problem *problem)
{
	const struct file_attributes own = { .mode = 0600, .uid = geteuid(), .gid = getegid() };
	struct snapshot_name name;
	struct store_name shown;
	int r;

	r = store_check_writable(store, problem);
	if (r < 0)
		return r;
	if (text.size > SNAPSHOT_MAX_SIZE)
		r = -EFBIG;
	else
		r = file_stage_at(store->snapshots_fd, store_snapshot_base_name(id, &name), text,
				  &own, true, ret_staged);
	if (r < 0)
		return problem_set_errno(problem, r,
					 store_show(store, store_snapshot_name(id, &name), &shown),
					 "write");
	return 0;
}

int store_has(struct store *store, uint64_t id, struct problem *problem)
{
	_cleanup_(problem_done) struct problem why = { 0 };
	struct snapshot snapshot;
	int r;

	r = store_load_one(store, id, NULL, &snapshot, &why);
	if (r >= 0) {
		snapshot_done(&snapshot);
		return 1;
	}
	if (r == -EPROTONOSUPPORT)
		return 1;
	if (r == -ENOENT || r == -EBADMSG)
		return 0;
	return store_pass_on(problem, r, &why);
}

/* Whether a snapshot is there and is exactly this text. */
static int has_text(const struct store *store, uint64_t id, struct bytes text,
		    struct problem *problem)
{
	_cleanup_free_ char *there = NULL;
	struct snapshot_name name;
	struct store_name buffer;
	const char *shown = store_show(store, store_snapshot_name(id, &name), &buffer);
	size_t size;
	int r;

	r = store_read_text(store, id, shown, &there, &size, NULL);
	if (r == -ENOENT || r == -EBADMSG)
		return 0;
	if (r < 0)
		return problem_set_errno(problem, r, shown, "read");
	return bytes_equal(text, bytes_make(there, size));
}

/* Moves a damaged snapshot out of the way of what shall have its name. */
static int make_way(struct store *store, uint64_t id, struct problem *problem)
{
	struct snapshot_name name;
	struct store_name shown;
	int r;

	r = store_has(store, id, problem);
	if (r > 0)
		return problem_set_errno(problem, -EEXIST,
					 store_show(store, store_snapshot_name(id, &name), &shown),
					 "write");
	return r;
}

int store_commit_text(struct store *store, uint64_t id, struct staged_file *staged,
		      struct problem *problem)
{
	struct snapshot_name name;
	struct store_name buffer;
	const char *shown;
	int r;

	r = staged_file_commit(staged, NULL);
	if (r >= 0)
		return 0;
	shown = store_show(store, store_snapshot_name(id, &name), &buffer);
	if (file_error_means_changed(r))
		return problem_set_errno(problem, -EEXIST, shown, "write");
	/* It has its name and may lose it when the power goes: it cannot be relied on. */
	if (!staged->temp_name &&
	    unlinkat(store->snapshots_fd, store_snapshot_base_name(id, &name), 0) >= 0 &&
	    file_sync_fd(store->snapshots_fd) < 0)
		log_warning("%s: was taken away and may come back", shown);
	return problem_set_errno(problem, r, shown, "write");
}

int store_write_text(struct store *store, uint64_t id, struct bytes text, struct problem *problem)
{
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;
	struct snapshot_name name;
	struct store_name shown;
	int r;

	r = store_check_writable(store, problem);
	if (r < 0)
		return r;
	r = has_text(store, id, text, problem);
	if (r < 0)
		return r;
	if (r > 0) {
		r = file_sync_fd(store->snapshots_fd);
		if (r >= 0)
			return 0;
		return problem_set_errno(problem, r,
					 store_show(store, store_snapshot_name(id, &name), &shown),
					 "write");
	}
	r = make_way(store, id, problem);
	if (r < 0)
		return r;
	r = store_stage_text(store, id, text, &staged, problem);
	if (r < 0)
		return r;
	return store_commit_text(store, id, &staged, problem);
}

int store_write(struct store *store, struct snapshot *snapshot, struct problem *problem)
{
	_cleanup_free_ char *text = NULL;
	uint64_t id;
	size_t size;
	int r;

	r = store_next_id(store, &id, problem);
	if (r < 0)
		return r;
	r = snapshot_render(snapshot, id, &text, &size);
	if (r < 0)
		return problem_set_errno(problem, r, STORE_PATH, "write");
	r = store_write_text(store, id, bytes_make(text, size), problem);
	if (r < 0)
		return r;
	snapshot->id = id;
	return 0;
}

int store_rewrite(struct store *store, const struct snapshot *snapshot, struct problem *problem)
{
	_cleanup_free_ char *text = NULL;
	struct snapshot_name name;
	struct store_name buffer;
	const char *shown = store_show(store, store_snapshot_name(snapshot->id, &name), &buffer);
	size_t size;
	int r;

	r = store_check_writable(store, problem);
	if (r < 0)
		return r;
	if (fstatat(store->dir_fd, store_snapshot_name(snapshot->id, &name), &(struct stat){ 0 },
		    AT_SYMLINK_NOFOLLOW) < 0)
		return problem_set_errno(problem, -errno, shown, "write");
	r = snapshot_render(snapshot, snapshot->id, &text, &size);
	if (r >= 0 && size > SNAPSHOT_MAX_SIZE)
		r = -EFBIG;
	if (r >= 0)
		r = file_write_at(store->snapshots_fd,
				  store_snapshot_base_name(snapshot->id, &name),
				  bytes_make(text, size), 0600, true);
	return r < 0 ? problem_set_errno(problem, r, shown, "write") : 0;
}

static int render_record(const struct snapshot *head, uint64_t id, char **ret_line,
			 size_t *ret_size)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);

	snapshot_head_to_json(&writer, object, head, id);
	return sealed_render(&writer, object, SEALED_LINE, ret_line, ret_size);
}

/* Writes a line at @end, where the last whole one ends; a torn one behind it is cut off. */
static int append_record(const struct store *store, size_t end, struct bytes line)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	fd = openat(store->dir_fd, STORE_RECORDS,
		    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		    0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size > end && ftruncate(fd, (off_t)end) < 0)
		return -errno;
	r = file_write_fd(fd, line);
	if (r < 0 && ftruncate(fd, (off_t)end) < 0)
		log_debug("%s: a torn line stays until the next is written", STORE_RECORDS);
	return r;
}

int store_record(struct store *store, struct snapshot *head, struct problem *problem)
{
	_cleanup_(contents_done) struct contents contents = { 0 };
	_cleanup_free_ char *line = NULL;
	struct store_name shown;
	uint64_t id;
	size_t size;
	int r;

	r = store_check_writable(store, problem);
	if (r < 0)
		return r;
	r = contents_read(&contents, store, problem);
	if (r < 0)
		return r;
	r = contents_next_id(&contents, store, &id, problem);
	if (r < 0)
		return r;
	r = render_record(head, id, &line, &size);
	if (r >= 0)
		r = append_record(store, contents.records.end, bytes_make(line, size));
	if (r < 0)
		return problem_set_errno(problem, r, store_show(store, STORE_RECORDS, &shown),
					 "write");
	head->id = id;
	return 0;
}
