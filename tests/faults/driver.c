/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tests/faults/run interrupts when there is nothing larger to interrupt: one step on the state
 * directory and some files of the tree ROOT.
 *
 *   driver ROOT setup      the files, six snapshots, two of them with records
 *   driver ROOT apply      a transaction: files replaced, made, removed, a link made, and a guest's
 *                          file in /etc/pve
 *   driver ROOT recover    what every start does first
 *   driver ROOT defer      the same while /etc/pve cannot be written
 *   driver ROOT twice      one after the other
 *   driver ROOT snapshot   write one snapshot
 *   driver ROOT maintain   the newest snapshot becomes the baseline; two are kept
 *   driver ROOT record     note one boot
 *   driver ROOT rewrite    write the newest snapshot anew
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "recovery/transaction.h"
#include "snapshot/basic/log.h"
#include "tests/unit/sample.h"

#define FOLDER    "/etc/network/interfaces.d"
#define AUTOSTART "/etc/libvirt/qemu/autostart"
#define GUESTS    "/etc/pve/nodes/pve1/qemu-server"

static struct root root = ROOT_INIT;
static struct store store = STORE_INIT;
static struct problem problem;

static struct file_attributes attributes = { .mode = 0644 };
static struct file_attributes secret = { .mode = 0600 };
static struct file_attributes link_attributes = { .is_link = true, .mode = 0777 };

static struct change change(const char *path, const char *was, const char *now,
			    const struct file_attributes *both)
{
	return (struct change){
		.path = path,
		.was = bytes_of(was),
		.now = bytes_of(now),
		.was_attributes = both,
		.now_attributes = both,
	};
}

static int apply(void)
{
	struct change changes[] = {
		change("/etc/default/networking", "EXCLUDE=enp6s0\n", "EXCLUDE=enp7s0\n", &secret),
		change(AUTOSTART "/made.xml", NULL, "../made.xml", &link_attributes),
		change(AUTOSTART "/one.xml", "../one.xml", NULL, &link_attributes),
		change("/etc/network/interfaces", "iface enp6s0\n", "iface enp7s0\n", &attributes),
		change(FOLDER "/made", NULL, "iface enp8s0\n", &secret),
		change(FOLDER "/one", "auto enp6s0\n", "auto enp7s0\n", &attributes),
		change(FOLDER "/removed", "auto enp9s0\n", NULL, &attributes),
		change(GUESTS "/100.conf", "onboot: 1\n", "onboot: 0\n", &attributes),
	};
	_cleanup_(transaction_result_done) struct transaction_result result = { 0 };
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };
	int r;

	sample_snapshot(&snapshot, "apply", "iface enp7s0\n");
	r = transaction_apply(&root, &store, changes, ARRAY_SIZE(changes), &snapshot, NULL, NULL,
			      &result, &problem);
	if (r >= 0 && result.n_skipped > 0)
		return problem_set(&problem, -ESTALE, result.skipped[0], 0, "was skipped");
	return r;
}

/* What recovery could not do but can do without is said, and it goes on. Here that is a failure. */
static bool warned;

static void note_warning(enum log_level level, const char *text, const char *message_id,
			 const struct log_field *fields, size_t n_fields)
{
	(void)message_id;
	(void)fields;
	(void)n_fields;
	warned = warned || level <= LOG_LEVEL_WARNING;
	(void)fprintf(stderr, "driver: %s\n", text);
}

static int recover_where(bool pve_writable)
{
	_cleanup_(transaction_result_done) struct transaction_result result = { 0 };
	struct snapshot *heads = NULL;
	size_t n = 0;
	int r;

	r = transaction_recover(&root, &store, pve_writable, &result, &problem);
	if (r < 0)
		return r;
	if (result.n_skipped > 0)
		return problem_set(&problem, -ESTALE, result.skipped[0], 0, "was skipped");
	if (warned)
		return problem_set(&problem, -EIO, NULL, 0, "not all was done");
	r = store_list(&store, &heads, &n, &problem);
	if (r >= 0)
		store_list_free(heads, n);
	return r;
}

static int recover(void)
{
	return recover_where(true);
}

static int defer(void)
{
	return recover_where(false);
}

static int recover_twice(void)
{
	int r = defer();

	return r < 0 ? r : recover();
}

static int write_snapshot(void)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };

	sample_snapshot(&snapshot, "boot", "iface enp6s0\n");
	return store_write(&store, &snapshot, &problem);
}

static int load_newest(struct snapshot *snapshot)
{
	int r = store_load_newest(&store, snapshot, &problem);

	return r == 0 ? problem_set(&problem, -ENOENT, NULL, 0, "there is no snapshot") : r;
}

static int maintain(void)
{
	_cleanup_(snapshot_done) struct snapshot newest = { 0 };
	int r;

	r = load_newest(&newest);
	if (r >= 0)
		r = store_set_baseline(&store, newest.id, &problem);
	return r < 0 ? r : store_prune(&store, 2, NULL, 0, &problem);
}

static int record(void)
{
	_cleanup_(snapshot_done) struct snapshot newest = { 0 };
	struct snapshot head = { .reason = "boot", .boot_id = "77aa" };
	int r;

	r = load_newest(&newest);
	if (r < 0)
		return r;
	head.same_as = newest.id;
	return store_record(&store, &head, &problem);
}

static int rewrite(void)
{
	_cleanup_(snapshot_done) struct snapshot newest = { 0 };
	int r;

	r = load_newest(&newest);
	if (r < 0)
		return r;
	newest.inventory.functions[0].revision = 0x42;
	return store_rewrite(&store, &newest, &problem);
}

static int write_file(const char *folder, const char *name, const char *text,
		      const struct file_attributes *with)
{
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;
	_cleanup_close_ int fd = root_open_directory(&root, folder, 0755);
	int r;

	if (fd < 0)
		return problem_set_errno(&problem, fd, folder, "make");
	r = file_stage_at(fd, name, bytes_of(text), with, true, &staged);
	return r < 0 ? r : staged_file_commit(&staged, NULL);
}

static int setup(void)
{
	static const struct {
		const char *folder, *name, *text;
		const struct file_attributes *with;
	} files[] = {
		{ "/etc/default", "networking", "EXCLUDE=enp6s0\n", &secret },
		{ "/etc/network", "interfaces", "iface enp6s0\n", &attributes },
		{ FOLDER, "one", "auto enp6s0\n", &attributes },
		{ FOLDER, "removed", "auto enp9s0\n", &attributes },
		{ FOLDER, "other", "auto lo\n", &secret },
		{ AUTOSTART, "one.xml", "../one.xml", &link_attributes },
		{ GUESTS, "100.conf", "onboot: 1\n", &attributes },
	};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(files); i++)
		r = write_file(files[i].folder, files[i].name, files[i].text, files[i].with);
	for (unsigned int i = 0; r >= 0 && i < 6; i++) {
		r = write_snapshot();
		if (r >= 0 && i % 2)
			r = record();
	}
	return r;
}

static const struct {
	const char *name;
	int (*run)(void);
} commands[] = {
	{ "setup", setup },     { "apply", apply },       { "recover", recover },
	{ "record", record },   { "maintain", maintain }, { "snapshot", write_snapshot },
	{ "rewrite", rewrite }, { "defer", defer },       { "twice", recover_twice },
};

static int run(const char *path, int (*command)(void))
{
	int r;

	log_set_sink(note_warning);
	attributes.uid = secret.uid = link_attributes.uid = geteuid();
	attributes.gid = secret.gid = link_attributes.gid = getegid();
	r = file_attributes_add(&attributes, "user.comment", bytes_of("kept"));
	if (r >= 0)
		r = root_open(path, &root, &problem);
	if (r >= 0)
		r = store_open(&root, true, &store, &problem);
	return r < 0 ? r : command();
}

int main(int argc, char **argv)
{
	int r = -EINVAL;

	for (size_t i = 0; argc == 3 && i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[2], commands[i].name) == 0)
			r = run(argv[1], commands[i].run);
	if (r < 0)
		(void)fprintf(stderr, "driver: %s\n", problem.text ? problem.text : strerror(-r));
	store_done(&store);
	root_done(&root);
	file_attributes_done(&attributes);
	problem_done(&problem);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
