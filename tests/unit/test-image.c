/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/image.h"

#include <signal.h>
#include <sys/wait.h>

#include "agent/image-private.h"
#include "tests/unit/scratch.h"

static struct context context;
static struct image_builder builder;
static struct problem problem;

static void make_parents(const char *path)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s", path);
	for (char *c = text + 1; (c = strchr(c, '/')); c++) {
		*c = '\0';
		ck_assert(mkdir(host(text), 0755) == 0 || errno == EEXIST);
		*c = '/';
	}
}

static void put(const char *path, const char *text)
{
	make_parents(path);
	write_text(path, text);
}

static void put_program(const char *path, const char *script)
{
	put(path, script);
	ck_assert_int_eq(chmod(host(path), 0755), 0);
}

/* Notes its arguments, and the variable that hooks look at; does what the file "do" says. */
static const char update_initramfs[] =
	"#!/bin/sh\n"
	"root=${0%/usr/sbin/update-initramfs}\n"
	"echo \"$* ${INITRAMFS_TOOLS_KERNEL_HOOK-unset}\" >>\"$root/calls\"\n"
	"[ ! -e \"$root/do\" ] || . \"$root/do\"\n"
	"echo \"new $3\" >\"$root/boot/initrd.img-$3.new\"\n"
	"mv \"$root/boot/initrd.img-$3.new\" \"$root/boot/initrd.img-$3\"\n"
	"[ ! -e \"$root/after\" ] || . \"$root/after\"\n";

static const char unmkinitramfs[] = "#!/bin/sh\n"
				    "root=${0%/usr/bin/unmkinitramfs}\n"
				    "cp -r \"$root/unpacked/.\" \"$2\"\n";

static void make_kernel(const char *version, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/boot/vmlinuz-%s", version);
	put(path, "");
	(void)snprintf(path, sizeof(path), "/boot/initrd.img-%s", version);
	put(path, text);
	(void)snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", version);
	put(path, "kernel/drivers/ata/ahci.ko: kernel/drivers/ata/libahci.ko\n"
		  "kernel/drivers/nvme/host/nvme-core.ko.xz:\n");
}

static void setup(void)
{
	scratch_make();
	put_program("/usr/sbin/update-initramfs", update_initramfs);
	put_program("/usr/sbin/mkinitramfs", "#!/bin/sh\n");
	put_program("/usr/bin/unmkinitramfs", unmkinitramfs);
	put(GUARD_PATH, "guard");
	put(MANIFEST_PATH, "manifest\n");
	put_program("/unpacked/main" GUARD_PATH, "guard");
	put("/unpacked/main/etc/hwrecover/manifest", "manifest\n");
	put("/unpacked/main/scripts/init-top/ORDER",
	    "/scripts/init-top/00-hwrecover \"$@\"\n"
	    "[ -e /conf/param.conf ] && . /conf/param.conf\n"
	    "/scripts/init-top/udev \"$@\"\n");
	put("/unpacked/main/usr/lib/modules/6.1/kernel/drivers/ata/ahci.ko", "");
	make_kernel("6.1", "old\n");

	context = (struct context){ .root = root, .store = STORE_INIT, .lock = LOCK_INIT };
	ck_assert_int_eq(store_open(&context.root, true, &context.store, &problem), 0);
	builder = IMAGE_BUILDER_INIT;
	builder.root = &root;
}

static void teardown(void)
{
	image_builder_done(&builder);
	store_done(&context.store);
	problem_done(&problem);
	scratch_remove();
}

static bool is_stale(void)
{
	bool stale;

	ck_assert_msg(image_is_stale(&context, &stale, &problem) == 0, "%s", problem.text);
	return stale;
}

static struct image_digests digests_now(void)
{
	struct image_digests digests;

	ck_assert_msg(image_digest(&root, &digests, &problem) == 0, "%s", problem.text);
	return digests;
}

static void record_as_built(void)
{
	struct image_digests now = digests_now();

	ck_assert_int_eq(image_state_write(&context, &now, &problem), 0);
	ck_assert(!is_stale());
}

static void assert_problem(int r, int error, const char *words)
{
	ck_assert_int_eq(r, error);
	ck_assert_ptr_nonnull(problem.text);
	ck_assert_msg(strstr(problem.text, words), "%s", problem.text);
}

START_TEST(knows_which_files_have_a_copy_in_the_image)
{
	static const char *const in[] = {
		"/etc/initramfs-tools/scripts/init-top/vfio-bind",
		"/etc/initramfs-tools/scripts/local",
		"/etc/initramfs-tools/modules",
		"/etc/initramfs-tools/conf.d/resume",
		"/etc/initramfs-tools/hooks/mine",
		"/etc/modprobe.d/vfio.conf",
		"/etc/udev/rules.d/70-vfio.rules",
		"/etc/systemd/network/10-lan.link",
		"/etc/systemd/network/10-lan.link.d/more.conf",
		"/var/lib/hwrecover/manifest",
	};
	static const char *const out[] = {
		"/etc/network/interfaces",
		"/etc/modprobe.d/vfio.conf~",
		"/etc/modprobe.d/.vfio.conf.hwrecover",
		"/etc/udev/rules.d/README",
		"/etc/systemd/network/10-lan.network",
		"/etc/default/grub",
		"/etc/initramfs-tools/scripts/init-top/deeper/script",
		"/srv/etc/modprobe.d/vfio.conf",
	};

	for (size_t i = 0; i < ARRAY_SIZE(in); i++)
		ck_assert_msg(image_holds(in[i]), "%s", in[i]);
	for (size_t i = 0; i < ARRAY_SIZE(out); i++)
		ck_assert_msg(!image_holds(out[i]), "%s", out[i]);
}
END_TEST

START_TEST(a_manifest_makes_the_first_image_stale)
{
	ck_assert(is_stale());
	ck_assert_int_eq(unlink(host(MANIFEST_PATH)), 0);
	ck_assert(!is_stale());
}
END_TEST

START_TEST(an_image_is_stale_when_a_file_in_it_changed)
{
	put("/etc/modprobe.d/vfio.conf", "options vfio-pci ids=10de:1b80\n");
	record_as_built();
	write_text("/etc/modprobe.d/vfio.conf", "options vfio-pci ids=10de:1b81\n");
	ck_assert(is_stale());
	write_text("/etc/modprobe.d/vfio.conf", "options vfio-pci ids=10de:1b80\n");
	ck_assert(!is_stale());

	write_text(MANIFEST_PATH, "another\n");
	ck_assert(is_stale());
	ck_assert_int_eq(unlink(host(MANIFEST_PATH)), 0);
	ck_assert(is_stale());
}
END_TEST

START_TEST(files_that_come_go_or_change_names_make_it_stale)
{
	put("/etc/initramfs-tools/scripts/init-top/a", "x");
	record_as_built();
	put("/etc/initramfs-tools/scripts/init-top/b", "");
	ck_assert(is_stale());
	record_as_built();
	ck_assert_int_eq(rename(host("/etc/initramfs-tools/scripts/init-top/a"),
				host("/etc/initramfs-tools/scripts/init-top/c")),
			 0);
	ck_assert(is_stale());
	record_as_built();
	ck_assert_int_eq(unlink(host("/etc/initramfs-tools/scripts/init-top/b")), 0);
	ck_assert(is_stale());
}
END_TEST

START_TEST(a_script_that_is_made_executable_makes_it_stale)
{
	put("/etc/initramfs-tools/scripts/init-top/a", "x");
	record_as_built();
	ck_assert_int_eq(chmod(host("/etc/initramfs-tools/scripts/init-top/a"), 0755), 0);
	ck_assert(is_stale());
}
END_TEST

START_TEST(bytes_that_move_from_one_file_to_the_next_make_it_stale)
{
	put("/etc/modprobe.d/a.conf", "xy");
	put("/etc/modprobe.d/b.conf", "z");
	record_as_built();
	write_text("/etc/modprobe.d/a.conf", "x");
	write_text("/etc/modprobe.d/b.conf", "yz");
	ck_assert(is_stale());
}
END_TEST

START_TEST(what_is_not_in_the_image_leaves_it_alone)
{
	put("/etc/modprobe.d/a.conf", "x");
	record_as_built();
	put("/etc/network/interfaces", "auto lo\n");
	put("/etc/modprobe.d/a.conf~", "y");
	put("/etc/modprobe.d/.a.conf.hwrecover", "y");
	make_directory("/etc/modprobe.d/b.conf");
	ck_assert_int_eq(mkfifo(host("/etc/modprobe.d/c.conf"), 0600), 0);
	ck_assert_int_eq(symlink("nowhere", host("/etc/modprobe.d/d.conf")), 0);
	ck_assert_int_eq(symlink("e.conf", host("/etc/modprobe.d/e.conf")), 0);
	ck_assert(!is_stale());
	/* A mask is no file either, but hides one. */
	make_parents("/dev/null");
	if (mknod(host("/dev/null"), S_IFCHR | 0600, 1 << 8 | 3) == 0) {
		ck_assert_int_eq(symlink("/dev/null", host("/etc/modprobe.d/f.conf")), 0);
		ck_assert(is_stale());
	}
}
END_TEST

START_TEST(a_file_too_large_to_read_is_told_by_its_size)
{
	put("/etc/modprobe.d/a.conf", "");
	ck_assert_int_eq(truncate(host("/etc/modprobe.d/a.conf"), 1 << 26), 0);
	record_as_built();
	ck_assert_int_eq(truncate(host("/etc/modprobe.d/a.conf"), (1 << 26) + 1), 0);
	ck_assert(is_stale());
}
END_TEST

START_TEST(a_new_kernel_command_line_is_for_the_boot_loader_alone)
{
	struct image_due due;

	put("/etc/default/grub", "GRUB_CMDLINE_LINUX=\"\"\n");
	record_as_built();
	write_text("/etc/default/grub", "GRUB_CMDLINE_LINUX=\"vfio-pci.ids=1:2\"\n");
	ck_assert(is_stale());
	ck_assert_int_eq(image_judge(&context, &due, &problem), 0);
	ck_assert(due.loader && !due.images);
}
END_TEST

START_TEST(a_command_line_that_was_never_seen_is_left_to_its_owner)
{
	struct image_due due;

	put("/etc/default/grub", "GRUB_CMDLINE_LINUX=\"\"\n");
	ck_assert_int_eq(image_judge(&context, &due, &problem), 0);
	ck_assert(due.images && !due.loader);
}
END_TEST

START_TEST(a_damaged_record_counts_as_none)
{
	static const char *const texts[] = {
		"",
		"{}\n",
		"{\n  \"schema\": \"hwrecover.image/2\"\n}\n",
		"not json",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		record_as_built();
		write_text("/var/lib/hwrecover/image", texts[i]);
		ck_assert(is_stale());
		ck_assert_uint_eq(count_logged("/var/lib/hwrecover/image"), (unsigned int)i + 1);
	}
}
END_TEST

START_TEST(one_flipped_byte_of_the_record_is_noticed)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	record_as_built();
	text = read_text("/var/lib/hwrecover/image");
	size = strlen(text);
	for (size_t i = 0; i < size; i++) {
		text[i] ^= 1;
		write_bytes("/var/lib/hwrecover/image", text, size);
		text[i] ^= 1;
		ck_assert_msg(is_stale(), "byte %zu", i);
	}
}
END_TEST

START_TEST(nothing_is_stale_where_nothing_can_build_an_image)
{
	ck_assert(is_stale());
	/* dracut has an update-initramfs of its own. */
	ck_assert_int_eq(unlink(host("/usr/sbin/mkinitramfs")), 0);
	ck_assert(!is_stale());
}
END_TEST

START_TEST(who_else_makes_the_image_is_named)
{
	ck_assert_int_eq(unlink(host("/usr/sbin/mkinitramfs")), 0);
	put_program("/usr/bin/dracut", "");
	ck_assert_int_eq(image_stage(&context, &problem), 0);
	ck_assert_uint_eq(count_logged("made by dracut"), 1);
}
END_TEST

START_TEST(in_a_tree_nothing_is_run)
{
	ck_assert_int_eq(image_stage(&context, &problem), 0);
	ck_assert_uint_eq(count_logged("out of date"), 1);
	ck_assert(!is_there("/calls") && !is_there("/var/lib/hwrecover/image"));
	expect_text("/boot/initrd.img-6.1", "old\n");
}
END_TEST

START_TEST(the_running_kernel_comes_first_then_the_newest)
{
	static const char *const expected[] = { "6.1", "6.10", "6.9", "6.2", NULL };
	char **versions;
	int n;

	make_kernel("6.2", "");
	make_kernel("6.9", "");
	make_kernel("6.10", "");
	put("/boot/initrd.img-6.1.bak", "");
	put("/boot/initrd.img-6.1.new", "");
	put("/boot/.initrd.img-6.1.hwrecover", "");
	/* A kernel that was removed but for its image, and one without its modules. */
	put("/boot/initrd.img-5.10", "");
	put("/boot/initrd.img-5.11", "");
	put("/boot/vmlinuz-5.11", "");
	put("/boot/vmlinuz--x", "");
	put("/boot/initrd.img--x", "");
	put("/boot/initrd.img-", "");

	n = image_kernels(&root, "6.1", &versions);
	ck_assert_int_eq(n, 4);
	for (int i = 0; i < n; i++)
		ck_assert_str_eq(versions[i], expected[i]);
	ck_assert_ptr_null(versions[n]);
	root_glob_free(versions);

	n = image_kernels(&root, "7.0", &versions);
	ck_assert_int_eq(n, 4);
	ck_assert_str_eq(versions[0], "6.10");
	root_glob_free(versions);
}
END_TEST

static struct image_findings look(char *const *modules, size_t n, bool *found)
{
	struct image_findings findings = { .modules = found };

	ck_assert_msg(image_look(host("/unpacked"), "6.1", modules, n, &findings, &problem) == 0,
		      "%s", problem.text);
	return findings;
}

START_TEST(finds_what_is_in_any_part_of_an_image)
{
	char ahci[] = "ahci", nvme[] = "nvme_core", sd[] = "sd_mod", other[] = "virtio_blk";
	char *const modules[] = { ahci, nvme, sd, other };
	bool found[4] = { false };
	struct image_findings findings;

	put("/unpacked/early2/lib/modules/6.1/kernel/nvme-core.ko.zst", "");
	put("/unpacked/main/usr/lib/modules/6.1/kernel/sd_mod.kobold", "");
	put("/unpacked/main/usr/lib/modules/6.10/kernel/virtio_blk.ko", "");
	findings = look(modules, 4, found);
	ck_assert(findings.guard && findings.manifest && findings.runs_guard);
	ck_assert(findings.guard_first);
	ck_assert(found[0] && found[1] && !found[2] && !found[3]);
}
END_TEST

START_TEST(finds_what_is_in_an_image_of_one_part)
{
	struct image_findings findings;

	ck_assert_int_eq(rename(host("/unpacked"), host("/whole")), 0);
	ck_assert_int_eq(rename(host("/whole/main"), host("/unpacked")), 0);
	findings = look(NULL, 0, NULL);
	ck_assert(findings.guard && findings.manifest && findings.guard_first);
}
END_TEST

START_TEST(a_guard_that_cannot_be_run_is_none)
{
	ck_assert_int_eq(chmod(host("/unpacked/main" GUARD_PATH), 0644), 0);
	ck_assert(!look(NULL, 0, NULL).guard);
	ck_assert_int_eq(unlink(host("/unpacked/main" GUARD_PATH)), 0);
	ck_assert_int_eq(symlink("gone", host("/unpacked/main" GUARD_PATH)), 0);
	ck_assert(!look(NULL, 0, NULL).guard);
}
END_TEST

START_TEST(tells_whether_the_guard_runs_first)
{
	static const struct {
		const char *order;
		bool runs;
		bool first;
	} cases[] = {
		{ "", false, false },
		{ "\n\n", false, false },
		{ "/scripts/init-top/udev \"$@\"\n", false, false },
		{ "/scripts/init-top/00-hwrecover \"$@\"", true, true },
		{ "/scripts/init-top/00-hwrecover2 \"$@\"\n", false, false },
		{ "[ -e /conf/param.conf ] && . /conf/param.conf\n"
		  "/scripts/init-top/00-hwrecover \"$@\"\n",
		  true, true },
		{ "/scripts/init-top/00-a \"$@\"\n/scripts/init-top/00-hwrecover \"$@\"\n", true,
		  false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image_findings findings;

		write_text("/unpacked/main/scripts/init-top/ORDER", cases[i].order);
		findings = look(NULL, 0, NULL);
		ck_assert_msg(findings.runs_guard == cases[i].runs, "%zu", i);
		ck_assert_msg(findings.guard_first == cases[i].first, "%zu", i);
	}
}
END_TEST

START_TEST(tells_modules_from_what_is_built_in)
{
	static const char text[] = "kernel/a/ahci.ko.xz: kernel/b/libahci.ko\n"
				   "kernel/a/snd-hda-intel.ko:\n"
				   "kernel/a/unfinished.ko\nlast.ko:";
	const struct bytes dep = bytes_of(text);

	ck_assert(modules_dep_has(dep, "ahci"));
	ck_assert(modules_dep_has(dep, "snd_hda_intel"));
	ck_assert(modules_dep_has(dep, "last"));
	ck_assert(!modules_dep_has(dep, "libahci"));
	ck_assert(!modules_dep_has(dep, "ah"));
	ck_assert(!modules_dep_has(dep, "ahci.ko"));
	ck_assert(!modules_dep_has(dep, "unfinished"));
	ck_assert(!modules_dep_has(dep, ""));
	ck_assert(!modules_dep_has(BYTES_NONE, "ahci"));
}
END_TEST

START_TEST(asks_sys_for_the_module_of_a_driver)
{
	make_parents("/sys/bus/pci/drivers/xhci_hcd/module");
	ck_assert_int_eq(symlink("../../../../module/xhci_pci",
				 host("/sys/bus/pci/drivers/xhci_hcd/module")),
			 0);
	ck_assert_int_eq(image_builder_add_driver(&builder, "xhci_hcd"), 0);
	ck_assert_int_eq(image_builder_add_driver(&builder, "virtio-pci"), 0);
	ck_assert_int_eq(image_builder_add_driver(&builder, "../../x"), 0);
	ck_assert_str_eq(builder.drivers[0], "xhci_pci");
	ck_assert_str_eq(builder.drivers[1], "virtio_pci");
	ck_assert_str_eq(builder.drivers[2], "../../x");
}
END_TEST

/* Whatever happened, the old image or the new one is there, and nothing else. */
static void assert_image(const char *text)
{
	expect_text("/boot/initrd.img-6.1", text);
	ck_assert(!is_there("/boot/.initrd.img-6.1.hwrecover"));
	ck_assert(!is_there("/var/lib/hwrecover/image.check"));
}

START_TEST(an_image_that_is_as_it_has_to_be_stays)
{
	ck_assert_int_eq(image_builder_add_driver(&builder, "ahci"), 0);
	/* Built in, or another kernel's: not in modules.dep, and not asked for. */
	ck_assert_int_eq(image_builder_add_driver(&builder, "built-in"), 0);
	ck_assert_msg(image_build(&builder, "6.1", &problem) == 0, "%s", problem.text);
	expect_text("/calls", "-u -k 6.1 unset\n");
	assert_image("new 6.1\n");
	ck_assert_uint_eq(logged.size, 0);
}
END_TEST

START_TEST(without_the_driver_of_root_the_image_from_before_is_put_back)
{
	ck_assert_int_eq(image_builder_add_driver(&builder, "nvme-core"), 0);
	assert_problem(image_build(&builder, "6.1", &problem), -ENOMSG, "nvme_core");
	assert_image("old\n");
	ck_assert_uint_eq(count_logged("was put back"), 1);
}
END_TEST

START_TEST(without_the_guard_the_image_from_before_is_put_back)
{
	ck_assert_int_eq(unlink(host("/unpacked/main" GUARD_PATH)), 0);
	assert_problem(image_build(&builder, "6.1", &problem), -ENOMSG, "hwrecover-guard");
	assert_image("old\n");
}
END_TEST

START_TEST(without_the_manifest_the_image_from_before_is_put_back)
{
	ck_assert_int_eq(unlink(host("/unpacked/main/etc/hwrecover/manifest")), 0);
	assert_problem(image_build(&builder, "6.1", &problem), -ENOMSG, "manifest");
	assert_image("old\n");
}
END_TEST

START_TEST(what_the_host_does_not_have_is_not_asked_of_the_image)
{
	ck_assert_int_eq(unlink(host("/unpacked/main" GUARD_PATH)), 0);
	ck_assert_int_eq(unlink(host("/unpacked/main/etc/hwrecover/manifest")), 0);
	ck_assert_int_eq(unlink(host(GUARD_PATH)), 0);
	ck_assert_int_eq(unlink(host(MANIFEST_PATH)), 0);
	ck_assert_msg(image_build(&builder, "6.1", &problem) == 0, "%s", problem.text);
	assert_image("new 6.1\n");
	ck_assert_uint_eq(count_logged("hwrecover-guard is not installed"), 1);
}
END_TEST

START_TEST(a_guard_that_does_not_run_first_is_said)
{
	write_text("/unpacked/main/scripts/init-top/ORDER",
		   "/scripts/init-top/00-a \"$@\"\n/scripts/init-top/00-hwrecover \"$@\"\n");
	ck_assert_int_eq(image_build(&builder, "6.1", &problem), 0);
	assert_image("new 6.1\n");
	ck_assert_uint_eq(count_logged("does not run first"), 1);
}
END_TEST

START_TEST(a_build_that_fails_leaves_the_image_and_says_why)
{
	put("/do", "printf '1\\n2\\n3\\n4\\n5\\n6\\n' >&2; exit 3\n");
	assert_problem(image_build(&builder, "6.1", &problem), -EIO, "exit status 3: 1");
	assert_image("old\n");
	ck_assert_uint_eq(count_logged(": 2\n"), 1);
	ck_assert_uint_eq(count_logged(": 6\n"), 1);
	ck_assert_uint_eq(count_logged(": 1\n"), 0);
	ck_assert_uint_eq(count_logged("was put back"), 0);
}
END_TEST

START_TEST(a_build_that_fails_after_the_image_was_replaced_is_undone)
{
	put("/after", "exit 1\n");
	assert_problem(image_build(&builder, "6.1", &problem), -EIO, "exit status 1");
	assert_image("old\n");
	ck_assert_uint_eq(count_logged("was put back"), 1);
}
END_TEST

START_TEST(an_image_that_was_not_built_after_all_is_a_failure)
{
	/* update_initramfs=no, a /boot that is mounted read-only. */
	put("/do", "exit 0\n");
	assert_problem(image_build(&builder, "6.1", &problem), -EROFS, "left it as it was");
	assert_image("old\n");
}
END_TEST

START_TEST(an_image_that_cannot_be_taken_apart_is_not_kept)
{
	put_program("/usr/bin/unmkinitramfs", "#!/bin/sh\necho broken >&2\nexit 1\n");
	assert_problem(image_build(&builder, "6.1", &problem), -EIO, "broken");
	assert_image("old\n");
}
END_TEST

START_TEST(what_a_crash_left_behind_is_no_trouble)
{
	put("/boot/.initrd.img-6.1.hwrecover", "older\n");
	put("/var/lib/hwrecover/image.check/main/usr/lib/modules/6.1/nvme-core.ko", "");
	ck_assert_int_eq(image_builder_add_driver(&builder, "nvme-core"), 0);
	assert_problem(image_build(&builder, "6.1", &problem), -ENOMSG, "nvme_core");
	assert_image("old\n");
}
END_TEST

START_TEST(hooks_get_the_image_that_was_put_back)
{
	make_parents("/etc/initramfs/post-update.d/x");
	put_program("/usr/bin/run-parts", "#!/bin/sh\necho \"$@\" >\"${0%/usr/bin/*}/hooks\"\n");
	ck_assert_int_eq(unlink(host("/unpacked/main" GUARD_PATH)), 0);
	ck_assert_int_eq(image_build(&builder, "6.1", &problem), -ENOMSG);
	ck_assert(is_there("/hooks"));
	ck_assert_int_eq(unlink(host("/hooks")), 0);

	builder.late_loader = true;
	ck_assert_int_eq(image_build(&builder, "6.1", &problem), -ENOMSG);
	ck_assert(!is_there("/hooks"));
}
END_TEST

START_TEST(without_space_nothing_is_tried)
{
	/* Of another kernel, or of none any more. */
	put("/boot/initrd.img-5.10", "");
	ck_assert_int_eq(truncate(host("/boot/initrd.img-5.10"), 1LL << 42), 0);
	assert_problem(image_build(&builder, "6.1", &problem), -ENOSPC, "MiB have to be free");
	ck_assert(!is_there("/calls"));
	ck_assert(!is_there("/boot/.initrd.img-6.1.hwrecover"));
	ck_assert(is_there("/boot/initrd.img-6.1"));
}
END_TEST

START_TEST(what_programs_write_is_kept_up_to_a_limit)
{
	_cleanup_free_ char *text = NULL;

	builder.log_fd = open(host("/log"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	builder.log_room = 1000;
	put("/do", "echo standard; echo errors >&2\n");
	ck_assert_int_eq(image_build(&builder, "6.1", &problem), 0);
	text = read_text("/log");
	ck_assert_ptr_nonnull(strstr(text, "update-initramfs -u -k 6.1\nstandard\nerrors\n$ "));

	builder.log_room = 5;
	put("/do", "yes | head -c 100000\n");
	ck_assert_int_eq(image_build(&builder, "6.1", &problem), 0);
	free(TAKE_PTR(text));
	text = read_text("/log");
	ck_assert_uint_lt(strlen(text), 1010);
}
END_TEST

static char *rebuilt(const struct image_due *due, int expected)
{
	char *said = NULL;
	int r = image_rebuild(&builder, due, "6.1", &said, &problem);

	ck_assert_msg(r == expected, "%d: %s", r, problem.text);
	return said;
}

static const struct image_due both = { .images = true, .loader = true };
static const struct image_due images = { .images = true };
static const struct image_due loader = { .loader = true };

START_TEST(one_kernel_that_fails_keeps_no_other_from_its_image)
{
	_cleanup_free_ char *said = NULL;

	make_kernel("6.2", "old\n");
	put("/do", "[ \"$3\" != 6.1 ] || exit 1\n");
	said = rebuilt(&images, -EIO);
	ck_assert_str_eq(said, "6.2");
	expect_text("/calls", "-u -k 6.1 unset\n-u -k 6.2 unset\n");
	assert_image("old\n");
	expect_text("/boot/initrd.img-6.2", "new 6.2\n");
}
END_TEST

START_TEST(the_proxmox_boot_loader_gets_what_was_checked)
{
	_cleanup_free_ char *said = NULL;

	make_kernel("6.2", "old\n");
	put("/etc/kernel/proxmox-boot-uuids", "AAAA-BBBB\n");
	put_program("/usr/sbin/proxmox-boot-tool",
		    "#!/bin/sh\nroot=${0%/usr/sbin/*}\n"
		    "echo \"$* $(cat \"$root/boot/initrd.img-6.1\")\" >>\"$root/refreshed\"\n");
	put_program("/usr/sbin/update-grub", "#!/bin/sh\n: >\"${0%/usr/sbin/*}/grub\"\n");
	put("/boot/grub/grub.cfg", "");
	said = rebuilt(&both, 0);
	ck_assert_str_eq(said, "6.1, 6.2");
	/* Their own hook is told to leave it to us. */
	expect_text("/calls", "-u -k 6.1 1\n-u -k 6.2 1\n");
	expect_text("/refreshed", "refresh new 6.1\n");
	ck_assert(!is_there("/grub"));
}
END_TEST

START_TEST(nothing_is_refreshed_when_no_image_was_built)
{
	_cleanup_free_ char *said = NULL;

	put("/etc/kernel/proxmox-boot-uuids", "AAAA-BBBB\n");
	put_program("/usr/sbin/proxmox-boot-tool",
		    "#!/bin/sh\n: >\"${0%/usr/sbin/*}/refreshed\"\n");
	put("/do", "exit 1\n");
	said = rebuilt(&images, -EIO);
	ck_assert_str_eq(said, "");
	ck_assert(!is_there("/refreshed"));
}
END_TEST

START_TEST(a_boot_loader_that_fails_is_a_failure)
{
	_cleanup_free_ char *said = NULL;

	put("/etc/kernel/proxmox-boot-uuids", "AAAA-BBBB\n");
	put_program("/usr/sbin/proxmox-boot-tool", "#!/bin/sh\necho no ESP >&2\nexit 1\n");
	said = rebuilt(&images, -EIO);
	assert_problem(-EIO, -EIO, "no ESP");
	assert_image("new 6.1\n");
}
END_TEST

START_TEST(grub_is_asked_only_for_a_new_command_line)
{
	_cleanup_free_ char *first = NULL, *second = NULL;

	put("/etc/kernel/proxmox-boot-uuids", "\n");
	put_program("/usr/sbin/proxmox-boot-tool",
		    "#!/bin/sh\n: >\"${0%/usr/sbin/*}/refreshed\"\n");
	put_program("/usr/sbin/update-grub", "#!/bin/sh\n: >\"${0%/usr/sbin/*}/grub\"\n");
	put("/boot/grub/grub.cfg", "");
	first = rebuilt(&images, 0);
	ck_assert(!is_there("/grub"));
	ck_assert_int_eq(unlink(host("/calls")), 0);
	second = rebuilt(&loader, 0);
	ck_assert(is_there("/grub") && !is_there("/calls") && !is_there("/refreshed"));
	ck_assert_str_eq(second, "");
}
END_TEST

START_TEST(a_stop_is_obeyed_between_two_images)
{
	_cleanup_free_ char *said = NULL;
	sigset_t before;

	make_kernel("6.2", "old\n");
	put("/do", "kill -TERM $PPID\n");
	stop_requests_hold(&before);
	ck_assert(!stop_requested());
	said = rebuilt(&images, -ECANCELED);
	ck_assert(stop_requested());
	stop_requests_release(&before);
	ck_assert(!stop_requested());

	ck_assert_str_eq(said, "6.1");
	assert_image("new 6.1\n");
	expect_text("/boot/initrd.img-6.2", "old\n");
}
END_TEST

/* Held by another process, for @seconds or until let_go(). */
static pid_t hold_lock(const char *path, unsigned int seconds)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fds[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

		/* check(3) has a handler of its own. */
		(void)signal(SIGALRM, SIG_DFL);
		(void)alarm(seconds);
		if (fcntl(fd, F_SETLK, &whole) == 0 && write(fds[1], "x", 1) == 1)
			(void)pause();
		_exit(1);
	}
	ck_assert_int_eq((int)read(fds[0], &byte, 1), 1);
	ck_assert_int_eq(close(fds[0]), 0);
	ck_assert_int_eq(close(fds[1]), 0);
	return pid;
}

static void let_go(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(dpkg_is_waited_for_and_kept_out)
{
	static const char *const locks[] = { "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock" };
	struct dpkg_lock lock = DPKG_LOCK_INIT;

	ck_assert_int_eq(dpkg_lock_take(&root, 0, &lock, &problem), 0);
	ck_assert_int_eq(lock.fds[0], -1);
	make_parents(locks[0]);
	for (size_t i = 0; i < ARRAY_SIZE(locks); i++) {
		pid_t pid = hold_lock(host(locks[i]), 0);

		assert_problem(dpkg_lock_take(&root, 0, &lock, &problem), -EBUSY, locks[i]);
		problem_done(&problem);
		let_go(pid);
		ck_assert_int_eq(dpkg_lock_take(&root, 0, &lock, &problem), 0);
		dpkg_lock_release(&lock);
	}

	ck_assert_int_eq(dpkg_lock_take(&root, 0, &lock, &problem), 0);
	for (size_t i = 0; i < ARRAY_SIZE(locks); i++) {
		struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		pid_t pid = fork();
		int status;

		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			_exit(fcntl(open(host(locks[i]), O_RDWR | O_CLOEXEC), F_SETLK, &whole) < 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 1 << 8);
	}
	dpkg_lock_release(&lock);
}
END_TEST

START_TEST(the_wait_for_dpkg_ends_when_dpkg_does)
{
	struct dpkg_lock lock = DPKG_LOCK_INIT;
	pid_t pid;

	make_parents("/var/lib/dpkg/lock");
	pid = hold_lock(host("/var/lib/dpkg/lock"), 1);
	ck_assert_msg(dpkg_lock_take(&root, 30000, &lock, &problem) == 0, "%s", problem.text);
	dpkg_lock_release(&lock);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(a_stop_ends_the_wait_for_dpkg)
{
	struct dpkg_lock lock = DPKG_LOCK_INIT;
	sigset_t before;
	pid_t pid;

	make_parents("/var/lib/dpkg/lock");
	pid = hold_lock(host("/var/lib/dpkg/lock"), 0);
	stop_requests_hold(&before);
	ck_assert_int_eq(raise(SIGHUP), 0);
	assert_problem(dpkg_lock_take(&root, 30000, &lock, &problem), -ECANCELED, "dpkg/lock");
	stop_requests_release(&before);
	let_go(pid);
}
END_TEST

START_TEST(removing_a_directory_follows_no_links)
{
	put("/elsewhere/file", "stays");
	put("/directory/a/b/c", "");
	ck_assert_int_eq(symlink(host("/elsewhere"), host("/directory/a/link")), 0);
	ck_assert_int_eq(directory_remove(host("/directory")), 0);
	ck_assert(!is_there("/directory"));
	expect_text("/elsewhere/file", "stays");
	ck_assert_int_eq(directory_remove(host("/directory")), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("image");
	TCase *tests = tcase_create("image");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, knows_which_files_have_a_copy_in_the_image);
	tcase_add_test(tests, a_manifest_makes_the_first_image_stale);
	tcase_add_test(tests, an_image_is_stale_when_a_file_in_it_changed);
	tcase_add_test(tests, files_that_come_go_or_change_names_make_it_stale);
	tcase_add_test(tests, a_script_that_is_made_executable_makes_it_stale);
	tcase_add_test(tests, bytes_that_move_from_one_file_to_the_next_make_it_stale);
	tcase_add_test(tests, what_is_not_in_the_image_leaves_it_alone);
	tcase_add_test(tests, a_file_too_large_to_read_is_told_by_its_size);
	tcase_add_test(tests, a_new_kernel_command_line_is_for_the_boot_loader_alone);
	tcase_add_test(tests, a_command_line_that_was_never_seen_is_left_to_its_owner);
	tcase_add_test(tests, a_damaged_record_counts_as_none);
	tcase_add_test(tests, one_flipped_byte_of_the_record_is_noticed);
	tcase_add_test(tests, nothing_is_stale_where_nothing_can_build_an_image);
	tcase_add_test(tests, who_else_makes_the_image_is_named);
	tcase_add_test(tests, in_a_tree_nothing_is_run);
	tcase_add_test(tests, the_running_kernel_comes_first_then_the_newest);
	tcase_add_test(tests, finds_what_is_in_any_part_of_an_image);
	tcase_add_test(tests, finds_what_is_in_an_image_of_one_part);
	tcase_add_test(tests, a_guard_that_cannot_be_run_is_none);
	tcase_add_test(tests, tells_whether_the_guard_runs_first);
	tcase_add_test(tests, tells_modules_from_what_is_built_in);
	tcase_add_test(tests, asks_sys_for_the_module_of_a_driver);
	tcase_add_test(tests, an_image_that_is_as_it_has_to_be_stays);
	tcase_add_test(tests, without_the_driver_of_root_the_image_from_before_is_put_back);
	tcase_add_test(tests, without_the_guard_the_image_from_before_is_put_back);
	tcase_add_test(tests, without_the_manifest_the_image_from_before_is_put_back);
	tcase_add_test(tests, what_the_host_does_not_have_is_not_asked_of_the_image);
	tcase_add_test(tests, a_guard_that_does_not_run_first_is_said);
	tcase_add_test(tests, a_build_that_fails_leaves_the_image_and_says_why);
	tcase_add_test(tests, a_build_that_fails_after_the_image_was_replaced_is_undone);
	tcase_add_test(tests, an_image_that_was_not_built_after_all_is_a_failure);
	tcase_add_test(tests, an_image_that_cannot_be_taken_apart_is_not_kept);
	tcase_add_test(tests, what_a_crash_left_behind_is_no_trouble);
	tcase_add_test(tests, hooks_get_the_image_that_was_put_back);
	tcase_add_test(tests, without_space_nothing_is_tried);
	tcase_add_test(tests, what_programs_write_is_kept_up_to_a_limit);
	tcase_add_test(tests, one_kernel_that_fails_keeps_no_other_from_its_image);
	tcase_add_test(tests, the_proxmox_boot_loader_gets_what_was_checked);
	tcase_add_test(tests, nothing_is_refreshed_when_no_image_was_built);
	tcase_add_test(tests, a_boot_loader_that_fails_is_a_failure);
	tcase_add_test(tests, grub_is_asked_only_for_a_new_command_line);
	tcase_add_test(tests, a_stop_is_obeyed_between_two_images);
	tcase_add_test(tests, dpkg_is_waited_for_and_kept_out);
	tcase_add_test(tests, the_wait_for_dpkg_ends_when_dpkg_does);
	tcase_add_test(tests, a_stop_ends_the_wait_for_dpkg);
	tcase_add_test(tests, removing_a_directory_follows_no_links);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(make_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
