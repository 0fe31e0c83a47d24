/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>

#include "agent/image-private.h"
#include "snapshot/basic/log.h"
#include "snapshot/basic/number.h"
#include "snapshot/sealed.h"

#define STATE_NAME     "image"
#define STATE_SCHEMA   "hwrecover.image/1"
#define STATE_MAX_SIZE 4096

/* Nobody waits for the stage; a command that somebody runs meanwhile ends within this. */
#define STATE_LOCK_WAIT_MS 60000

/* Larger files are told apart by size and time: none that an administrator writes is. */
#define INPUT_MAX_SIZE (16U * 1024 * 1024)

/*
 * What mkinitramfs and udev's hook copy into the image from /etc: mkinitramfs(8) and
 * initramfs-tools(7); hooks are not copied, but decide what is.
 */
static const char *const image_patterns[] = {
	"/etc/initramfs-tools/conf.d/*",
	"/etc/initramfs-tools/hooks/*",
	"/etc/initramfs-tools/initramfs.conf",
	"/etc/initramfs-tools/modules",
	"/etc/initramfs-tools/scripts/*",
	"/etc/initramfs-tools/scripts/*/*",
	"/etc/modprobe.d/*.conf",
	"/etc/systemd/network/*.link",
	"/etc/systemd/network/*.link.d/*",
	"/etc/udev/rules.d/*.rules",
	MANIFEST_PATH,
	NULL,
};

/* What update-grub(8) and proxmox-boot-tool(8) make the kernel command line of. */
static const char *const command_line_patterns[] = {
	"/etc/default/grub",
	"/etc/default/grub.d/*.cfg",
	"/etc/kernel/cmdline",
	NULL,
};

bool image_holds(const char *path)
{
	for (size_t i = 0; image_patterns[i]; i++)
		if (fnmatch(image_patterns[i], path, FNM_PATHNAME | FNM_PERIOD | FNM_NOESCAPE) == 0)
			return true;
	return false;
}

bool image_can_build(const struct root *root)
{
	/* dracut brings an update-initramfs of its own, which knows no hooks of initramfs-tools. */
	return root_exists(root, "/usr/sbin/update-initramfs") &&
	       root_exists(root, "/usr/sbin/mkinitramfs");
}

/* Whether an error of opening says that there is no file to be copied. */
static bool means_no_file(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ELOOP || error == -ENXIO;
}

static int digest_contents(int fd, const struct stat *st, uint64_t *digest)
{
	_cleanup_free_ char *data = NULL;
	char head[64];
	size_t size;
	int r;

	r = file_read_fd(fd, INPUT_MAX_SIZE, &data, &size);
	if (r == -EFBIG) {
		r = snprintf(head, sizeof(head), "large %jd %jd.%09ld\n", (intmax_t)st->st_size,
			     (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
		*digest = bytes_digest(bytes_make(head, (size_t)r), *digest);
		return 0;
	}
	if (r < 0)
		return r;
	/* Only executable scripts are run, and the mode is copied with them. */
	r = snprintf(head, sizeof(head), "%o %zu\n", st->st_mode & 07777, size);
	*digest = bytes_digest(bytes_make(head, (size_t)r), *digest);
	*digest = bytes_digest(bytes_make(data, size), *digest);
	return 0;
}

/* Each is preceded by its name, and its contents by their size: nothing can move between them. */
static int digest_file(const struct root *root, const char *path, uint64_t *digest,
		       struct problem *problem)
{
	_cleanup_close_ int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK, 0);
	struct root_name name;
	struct stat st;
	int r;

	if (fd < 0 && means_no_file(fd))
		return 0;
	r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;
	/* A link to /dev/null hides a file of the same name in /usr/lib. */
	if (r == 0 && !S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		return 0;
	if (r == 0)
		*digest = bytes_digest(bytes_make(path, strlen(path) + 1), *digest);
	if (r == 0 && S_ISREG(st.st_mode))
		r = digest_contents(fd, &st, digest);
	if (r < 0)
		return problem_set_errno(problem, r, root_show(root, path, &name), "read");
	return 0;
}

static int digest_pattern(const struct root *root, const char *pattern, uint64_t *digest,
			  struct problem *problem)
{
	struct root_name name;
	char **paths;
	int r;

	r = root_glob(root, pattern, &paths);
	if (r < 0)
		return problem_set_errno(problem, r, root_show(root, pattern, &name), "list");
	r = 0;
	for (size_t i = 0; paths[i] && r == 0; i++)
		r = digest_file(root, paths[i], digest, problem);
	root_glob_free(paths);
	return r;
}

int image_digest(const struct root *root, struct image_digests *ret_digests,
		 struct problem *problem)
{
	struct image_digests digests = { BYTES_DIGEST_SEED, BYTES_DIGEST_SEED };
	int r = 0;

	for (size_t i = 0; image_patterns[i] && r == 0; i++)
		r = digest_pattern(root, image_patterns[i], &digests.inputs, problem);
	for (size_t i = 0; command_line_patterns[i] && r == 0; i++)
		r = digest_pattern(root, command_line_patterns[i], &digests.command_line, problem);
	if (r == 0)
		*ret_digests = digests;
	return r;
}

static int get_digest(struct json_object *object, const char *key, const struct json_place *place,
		      uint64_t *ret, struct problem *problem)
{
	const char *text;
	int r;

	r = json_get_string_required(object, key, place, &text, problem);
	if (r < 0)
		return r;
	if (strlen(text) != 16 || number_parse(bytes_of(text), 16, UINT64_MAX, ret) < 0)
		return json_refuse(place, key, "is no digest", problem);
	return 0;
}

static int parse_state(struct bytes text, const char *shown, struct image_digests *ret_digests,
		       struct problem *problem)
{
	_cleanup_json_ struct json_object *object = NULL;
	const struct json_place place = { .file = shown };
	struct image_digests digests;
	int r;

	r = sealed_parse(text, SEALED_FILE, shown, STATE_SCHEMA, &object, problem);
	if (r == 0)
		r = get_digest(object, "inputs", &place, &digests.inputs, problem);
	if (r == 0)
		r = get_digest(object, "command_line", &place, &digests.command_line, problem);
	if (r < 0)
		return r;
	*ret_digests = digests;
	return 1;
}

int image_state_read(struct context *context, struct image_digests *ret_digests,
		     struct problem *problem)
{
	_cleanup_(problem_done) struct problem why = { 0 };
	_cleanup_free_ char *text = NULL;
	struct store_name buffer;
	const char *shown = store_show(&context->store, STATE_NAME, &buffer);
	size_t size;
	int r;

	if (context->store.dir_fd < 0)
		return 0;
	r = file_read_at(context->store.dir_fd, STATE_NAME, STATE_MAX_SIZE, &text, &size);
	if (r == -ENOENT)
		return 0;
	if (r < 0 && r != -EFBIG && r != -ELOOP && r != -ENOTSUP)
		return problem_set_errno(problem, r, shown, "read");
	if (r < 0)
		(void)problem_set_errno(&why, r, shown, "read");
	else
		r = parse_state(bytes_make(text, size), shown, ret_digests, &why);
	if (r == -ENOMEM)
		return problem_set_errno(problem, r, shown, "read");
	/* What is not known is found out by building; the record is replaced then. */
	if (r < 0)
		log_warning("%s", why.text ? why.text : strerror(-r));
	return r > 0;
}

static int render_state(const struct image_digests *digests, char **ret_text, size_t *ret_size)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);
	char inputs[17], command_line[17];

	(void)snprintf(inputs, sizeof(inputs), "%016" PRIx64, digests->inputs);
	(void)snprintf(command_line, sizeof(command_line), "%016" PRIx64, digests->command_line);
	json_add_string(&writer, object, "schema", STATE_SCHEMA);
	json_add_string(&writer, object, "inputs", inputs);
	json_add_string(&writer, object, "command_line", command_line);
	return sealed_render(&writer, object, SEALED_FILE, ret_text, ret_size);
}

int image_state_write(struct context *context, const struct image_digests *digests,
		      struct problem *problem)
{
	_cleanup_(lock_release) struct lock lock = LOCK_INIT;
	_cleanup_close_ int dir_fd = -1;
	_cleanup_free_ char *text = NULL;
	struct store_name shown;
	size_t size;
	int r;

	r = render_state(digests, &text, &size);
	if (r < 0)
		return r;
	/* A context opened for writing holds it already. */
	if (context->lock.fd < 0) {
		r = lock_take(&context->root, "boot image", STATE_LOCK_WAIT_MS, &lock, problem);
		if (r < 0)
			return r;
	}
	dir_fd = root_open_directory(&context->root, STORE_PATH, 0700);
	r = dir_fd < 0 ? dir_fd
		       : file_write_at(dir_fd, STATE_NAME, bytes_make(text, size), 0600, true);
	if (r < 0)
		return problem_set_errno(problem, r,
					 store_show(&context->store, STATE_NAME, &shown), "write");
	return 0;
}

int image_judge(struct context *context, struct image_due *ret_due, struct problem *problem)
{
	struct image_due due = { .images = false };
	struct image_digests built;
	int r;

	r = image_digest(&context->root, &due.now, problem);
	if (r < 0)
		return r;
	r = image_state_read(context, &built, problem);
	if (r < 0)
		return r;
	if (r > 0) {
		due.images = built.inputs != due.now.inputs;
		due.loader = built.command_line != due.now.command_line;
	} else {
		/* The command line in force is the administrator's doing, until we have seen it. */
		due.images = root_exists(&context->root, MANIFEST_PATH);
	}
	*ret_due = due;
	return 0;
}

int image_is_stale(struct context *context, bool *ret_stale, struct problem *problem)
{
	struct image_due due;
	int r;

	if (!image_can_build(&context->root)) {
		*ret_stale = false;
		return 0;
	}
	r = image_judge(context, &due, problem);
	if (r == 0)
		*ret_stale = due.images || due.loader;
	return r;
}
