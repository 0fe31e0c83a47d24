/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lets each allocation fail, one at a time, in everything that is done with the state directory and
 * in a transaction: what fails says that there was no memory, leaves nothing behind (the build has
 * a leak checker), and the next start finds all files old or all new.
 *
 * Linked with --wrap for the functions that allocate; json-c's own allocations are left in peace.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "recovery/journal.h"
#include "snapshot/basic/log.h"
#include "tests/unit/sample.h"

#define JOURNAL   STORE_PATH "/journal"
#define PENDING   STORE_PATH "/.journal.hwrecover"
#define DEFERRED  STORE_PATH "/deferred"
#define GUEST     "/etc/pve/g"
#define N_CHANGES 4

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t n, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t n, size_t size);
char *__wrap_strdup(const char *text);

/* Allocations until the one that fails; negative for none. */
static long countdown = -1;
static bool hit;

static bool fails(void)
{
	if (countdown < 0 || countdown-- > 0)
		return false;
	hit = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_reallocarray(void *memory, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(memory, n, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

static void say_nothing(enum log_level level, const char *text, const char *message_id,
			const struct log_field *fields, size_t n_fields)
{
	(void)level;
	(void)text;
	(void)message_id;
	(void)fields;
	(void)n_fields;
}

static char scratch[128];
static struct root root;
static struct store store;
static struct snapshot snapshot;
static struct file_attributes attributes = { .mode = 0644 };

static void write_text(const char *path, const char *text)
{
	char full[512];
	FILE *file;

	(void)snprintf(full, sizeof(full), "%s%s", scratch, path);
	file = fopen(full, "we");
	sample_require(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static bool is_there(const char *path)
{
	return root_exists(&root, path);
}

static bool holds(const char *path, const char *expected)
{
	_cleanup_close_ int fd = root_openat(&root, path, O_RDONLY, 0);
	_cleanup_free_ char *text = NULL;
	size_t size;

	return fd >= 0 && file_read_fd(fd, 4096, &text, &size) >= 0 && strcmp(text, expected) == 0;
}

static const struct change *changes(void)
{
	static struct change all[N_CHANGES];

	all[0] = (struct change){ "/etc/a", bytes_of("old"), bytes_of("new"), &attributes,
				  &attributes };
	all[1] =
		(struct change){ "/etc/m", BYTES_NONE, bytes_of("made"), &attributes, &attributes };
	all[2] =
		(struct change){ GUEST, bytes_of("on"), bytes_of("off"), &attributes, &attributes };
	all[3] = (struct change){ "/etc/r", bytes_of("removed"), BYTES_NONE, &attributes,
				  &attributes };
	return all;
}

static void write_journal(const char *path)
{
	_cleanup_free_ char *text = NULL, *journal = NULL;
	size_t size, journal_size;

	sample_require(snapshot_render(&snapshot, 6, &text, &size) == 0);
	sample_require(journal_render(changes(), N_CHANGES, 6, bytes_make(text, size), &journal,
				      &journal_size) == 0);
	write_text(path, journal);
	write_text("/etc/.a.hwrecover", "left");
	write_text("/etc/pve/.g.hwrecover", "left");
}

static void crash_behind_journal(void)
{
	write_journal(JOURNAL);
}

static void crash_before_journal(void)
{
	write_journal(PENDING);
}

static void damage_all(void)
{
	write_text(JOURNAL, "garbage");
	write_text(DEFERRED, "garbage");
	write_text(STORE_PATH "/baseline", "garbage");
	write_text(STORE_PATH "/records", "garbage\n");
	write_text(STORE_PATH "/snapshots/00000001.json", "garbage");
}

static int apply(struct problem *problem)
{
	struct transaction_result result = { 0 };
	int r = transaction_apply(&root, &store, changes(), N_CHANGES, &snapshot, NULL, NULL,
				  &result, problem);

	transaction_result_done(&result);
	return r;
}

static int recover(struct problem *problem)
{
	struct transaction_result result = { 0 };
	int r = transaction_recover(&root, &store, true, &result, problem);

	transaction_result_done(&result);
	return r;
}

/* While /etc/pve cannot be written. */
static int defer(struct problem *problem)
{
	struct transaction_result result = { 0 };
	int r = transaction_recover(&root, &store, false, &result, problem);

	transaction_result_done(&result);
	return r;
}

static void defer_first(void)
{
	crash_behind_journal();
	sample_require(defer(NULL) == 1);
}

static int list(struct problem *problem)
{
	struct snapshot *heads = NULL;
	size_t n = 0;
	int r = store_list(&store, &heads, &n, problem);

	store_list_free(heads, n);
	return r;
}

static int load(struct problem *problem)
{
	_cleanup_(snapshot_done) struct snapshot loaded = { 0 };

	return store_load(&store, 3, &loaded, problem);
}

static int load_baseline(struct problem *problem)
{
	_cleanup_(snapshot_done) struct snapshot loaded = { 0 };

	return store_load_baseline(&store, &loaded, problem);
}

static int last(struct problem *problem)
{
	_cleanup_(snapshot_done) struct snapshot head = { 0 };

	return store_last(&store, &head, problem);
}

static int set_baseline(struct problem *problem)
{
	return store_set_baseline(&store, 3, problem);
}

static int prune(struct problem *problem)
{
	return store_prune(&store, 2, (const uint64_t[]){ 2 }, 1, problem);
}

static int record(struct problem *problem)
{
	struct snapshot head = { .same_as = 2, .reason = "boot" };

	return store_record(&store, &head, problem);
}

static int write_snapshot(struct problem *problem)
{
	return store_write(&store, &snapshot, problem);
}

static int look_around(struct problem *problem)
{
	_cleanup_free_ char *resolved = NULL;
	char **paths = NULL;
	int r;

	(void)problem;
	r = root_glob(&root, "/*/*", &paths);
	root_glob_free(paths);
	return r < 0 ? r : root_resolve(&root, "/etc/../etc/a", &resolved);
}

static const struct {
	const char *name;
	void (*prepare)(void);
	int (*run)(struct problem *problem);
} operations[] = {
	{ "transaction", NULL, apply },
	{ "recovery", crash_behind_journal, recover },
	{ "clearing away", crash_before_journal, recover },
	{ "recovery with damage", damage_all, recover },
	{ "deferral", crash_behind_journal, defer },
	{ "deferral of clearing away", crash_before_journal, defer },
	{ "what was deferred", defer_first, recover },
	{ "list", NULL, list },
	{ "list with damage", damage_all, list },
	{ "load", NULL, load },
	{ "baseline", NULL, load_baseline },
	{ "baseline with damage", damage_all, load_baseline },
	{ "last", NULL, last },
	{ "making the baseline", NULL, set_baseline },
	{ "pruning", NULL, prune },
	{ "record", NULL, record },
	{ "snapshot", NULL, write_snapshot },
	{ "paths", NULL, look_around },
};

static void make_store(void)
{
	for (unsigned int i = 0; i < 4; i++) {
		_cleanup_(snapshot_done) struct snapshot one = { 0 };

		sample_snapshot(&one, "boot", "x");
		sample_require(store_write(&store, &one, NULL) == 0);
	}
	sample_require(record(NULL) == 0);
}

static void make_tree(void)
{
	const char *directory = getenv("TMPDIR");
	int fd;

	(void)snprintf(scratch, sizeof(scratch), "%s/hwrecover-memory.XXXXXX",
		       directory ? directory : "/tmp");
	sample_require(mkdtemp(scratch) && root_open(scratch, &root, NULL) == 0 &&
		       store_open(&root, true, &store, NULL) == 0);
	fd = root_open_directory(&root, "/etc", 0755);
	sample_require(fd >= 0 && close(fd) == 0);
	attributes.uid = geteuid();
	attributes.gid = getegid();
	sample_snapshot(&snapshot, "apply", "new");
	make_store();
	write_text("/etc/a", "old");
	write_text("/etc/r", "removed");
	fd = root_open_directory(&root, "/etc/pve", 0755);
	sample_require(fd >= 0 && close(fd) == 0);
	write_text(GUEST, "on");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(void)
{
	snapshot_done(&snapshot);
	store_done(&store);
	root_done(&root);
	(void)nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* What the next start finds. NULL if all is well. */
static const char *check_next_start(void)
{
	bool is_old, is_new;

	if (recover(NULL) < 0)
		return "the next start fails";
	is_old = holds("/etc/a", "old") && !is_there("/etc/m") && holds("/etc/r", "removed") &&
		 holds(GUEST, "on");
	is_new = holds("/etc/a", "new") && holds("/etc/m", "made") && !is_there("/etc/r") &&
		 holds(GUEST, "off");
	if (!is_old && !is_new)
		return "the files are neither all old nor all new";
	if (is_there(JOURNAL) || is_there(PENDING) || is_there(DEFERRED) ||
	    is_there("/etc/.a.hwrecover") || is_there("/etc/pve/.g.hwrecover"))
		return "something is left behind";
	return list(NULL) < 0 ? "the store cannot be listed" : NULL;
}

/* Return: NULL if all is well; *@ret_end once there is no such allocation. */
static const char *try_one(size_t operation, long number, bool *ret_end)
{
	struct problem problem = { 0 };
	const char *wrong = NULL;
	int r;

	make_tree();
	if (operations[operation].prepare)
		operations[operation].prepare();
	hit = false;
	countdown = number;
	r = operations[operation].run(&problem);
	countdown = -1;
	if (r < 0 && (!hit || r != -ENOMEM))
		wrong = "another error than ENOMEM";
	if (!wrong)
		wrong = check_next_start();
	problem_done(&problem);
	remove_tree();
	*ret_end = !hit;
	return wrong;
}

int main(void)
{
	unsigned int passed = 0, failed = 0;

	log_set_sink(say_nothing);
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		bool end = false;
		long number;

		for (number = 0; !end; number++) {
			const char *wrong = try_one(i, number, &end);

			if (wrong)
				(void)printf("not ok memory: %s, allocation %ld: %s\n",
					     operations[i].name, number, wrong);
			if (wrong)
				failed++;
			else
				passed++;
		}
		(void)printf("ok memory: %s: %ld points\n", operations[i].name, number - 1);
	}
	(void)printf("%u passed, %u failed\n", passed, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
