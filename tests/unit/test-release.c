/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/release.h"

#include "agent/clock.h"
#include "tests/unit/fake-pci.h"

#include <sys/file.h>

#define NIC_MODALIAS "pci:v000010ECd00008168sv00001043sd00008677bc02sc00i00"
#define TOO_LONG     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define USB_MODALIAS "pci:v00001022d0000149Csv00001043sd000087C0bc0Csc03i30"

static struct release release;
static struct released released;
static struct problem problem;
static char modprobe[160];
static bool have_kernel;

/* The function that is released, one nobody may touch, and the usual drivers. */
static struct fake_function *nic, *bystander;
static struct fake_driver *vfio, *stub, *r8169, *other;

static void write_modprobe(const char *body)
{
	_cleanup_free_ char *script = NULL;

	ck_assert_int_ge(
		asprintf(&script, "#!/bin/sh\necho \"$*\" >>%s/modprobe.log\n%s\n", scratch, body),
		0);
	write_text("/modprobe", script);
	ck_assert_int_eq(chmod(host("/modprobe"), 0755), 0);
}

/* -R prints the names of the file "modules"; anything else is told to the kernel. */
static void write_usual_modprobe(void)
{
	_cleanup_free_ char *body = NULL;

	ck_assert_int_ge(asprintf(&body,
				  "case $2 in -R) cat %s/modules;; *) echo \"$*\" >%s/sys/control;;"
				  " esac",
				  scratch, scratch),
			 0);
	write_modprobe(body);
	write_text("/modules", "");
	write_text("/modprobe.log", "");
}

static void setup(void)
{
	have_kernel = fake_kernel_start();
	make_directory("/proc");
	make_directory("/dev");
	ck_assert_int_eq(symlink("../sys/nodes", host("/dev/vfio")), 0);
	write_usual_modprobe();
	(void)snprintf(modprobe, sizeof(modprobe), "%s/modprobe", scratch);
	released = (struct released){ .driver = "not set" };
	problem = (struct problem){ 0 };
	release = (struct release){ .address = { .bus = 6 },
				    .driver = "r8169",
				    .timeout_ms = 20000,
				    .modprobe = modprobe };

	nic = &fake->functions[0];
	*nic = (struct fake_function){ .address = "0000:06:00.0",
				       .modalias = NIC_MODALIAS,
				       .group = 24,
				       .driver = "vfio-pci",
				       .override = "vfio-pci" };
	bystander = &fake->functions[1];
	*bystander = *nic;
	bystander->address = "0000:07:00.0";
	bystander->group = 25;
	/* First, so that it comes first whenever the kernel asks all of them. */
	vfio = &fake->drivers[0];
	*vfio = (struct fake_driver){ "vfio-pci", "vfio_pci", .loaded = true };
	stub = &fake->drivers[1];
	*stub = (struct fake_driver){ "pci-stub", "pci_stub", .loaded = true };
	r8169 = &fake->drivers[2];
	*r8169 = (struct fake_driver){ "r8169", "r8169", .takes = NIC_MODALIAS, .loaded = true };
	other = &fake->drivers[3];
}

static void teardown(void)
{
	if (have_kernel) {
		ck_assert_str_eq(bystander->driver, "vfio-pci");
		ck_assert_str_eq(bystander->override, "vfio-pci");
	}
	fake_kernel_stop();
	problem_done(&problem);
}

static int run(void)
{
	return release_function(&root, &release, &released, &problem);
}

static void expect_released(const char *driver, const char *override)
{
	int r = run();

	ck_assert_msg(r == 1, "%d: %s", r, problem.text);
	ck_assert_ptr_null(problem.text);
	ck_assert_str_eq(nic->driver, driver);
	ck_assert_str_eq(nic->override, override);
	ck_assert_str_eq(released.driver, driver);
	ck_assert_int_eq(released.override_kept, override[0] != '\0');
}

static void expect_error(int error, const char *text)
{
	ck_assert_int_eq(run(), error);
	ck_assert_ptr_nonnull(problem.text);
	ck_assert_msg(strstr(problem.text, text), "%s", problem.text);
	ck_assert_str_eq(released.driver, "not set");
}

static void expect_untouched(void)
{
	ck_assert_str_eq(nic->driver, "vfio-pci");
	ck_assert_str_eq(nic->override, "vfio-pci");
	ck_assert_uint_eq(fake->n_writes, 0);
	expect_text("/modprobe.log", "");
}

static void expect_left_without_driver(void)
{
	ck_assert_str_eq(nic->driver, "");
	ck_assert_str_eq(nic->override, "");
}

START_TEST(gives_a_function_back_to_its_own_driver)
{
	if (!have_kernel)
		return;
	expect_released("r8169", "");
	expect_text("/modprobe.log", "");
	ck_assert_uint_eq(count_logged(""), 0);
}
END_TEST

START_TEST(twice_does_nothing_the_second_time)
{
	if (!have_kernel)
		return;
	expect_released("r8169", "");
	fake->n_writes = 0;
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(fake->n_writes, 0);
}
END_TEST

START_TEST(a_function_that_is_on_its_driver_is_left)
{
	if (!have_kernel)
		return;
	(void)snprintf(nic->driver, sizeof(nic->driver), "r8169");
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(fake->n_writes, 0);
	ck_assert_str_eq(nic->driver, "r8169");
	ck_assert_str_eq(nic->override, "vfio-pci");
	ck_assert_str_eq(released.driver, "not set");
	expect_text("/modprobe.log", "");
}
END_TEST

START_TEST(dynamic_ids_do_not_get_it_again)
{
	if (!have_kernel)
		return;
	vfio->has_ids = true;
	nic->override[0] = '\0';
	expect_released("r8169", "r8169");
}
END_TEST

START_TEST(an_override_is_kept_where_the_caller_knows_of_ids)
{
	if (!have_kernel)
		return;
	vfio->has_ids = true;
	release.keep_override = true;
	expect_released("r8169", "r8169");
}
END_TEST

START_TEST(ids_nobody_told_about_do_not_get_it_meanwhile)
{
	if (!have_kernel)
		return;
	vfio->has_ids = true;
	expect_released("r8169", "");
}
END_TEST

START_TEST(a_driver_without_a_bind_file_is_probed)
{
	if (!have_kernel)
		return;
	vfio->has_ids = true;
	r8169->no_bind = true;
	expect_released("r8169", "");
}
END_TEST

START_TEST(pci_stub_lets_go_too)
{
	if (!have_kernel)
		return;
	(void)snprintf(nic->driver, sizeof(nic->driver), "pci-stub");
	(void)snprintf(nic->override, sizeof(nic->override), "pci-stub");
	expect_released("r8169", "");
}
END_TEST

START_TEST(a_pending_override_is_taken_back)
{
	if (!have_kernel)
		return;
	nic->driver[0] = '\0';
	expect_released("r8169", "");
}
END_TEST

START_TEST(a_release_that_was_cut_short_is_finished)
{
	if (!have_kernel)
		return;
	nic->driver[0] = '\0';
	(void)snprintf(nic->override, sizeof(nic->override), "r8169");
	expect_released("r8169", "");
}
END_TEST

START_TEST(without_driver_and_override_nothing_is_done)
{
	if (!have_kernel)
		return;
	nic->driver[0] = '\0';
	nic->override[0] = '\0';
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(fake->n_writes, 0);
	(void)snprintf(nic->override, sizeof(nic->override), "e1000e");
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(fake->n_writes, 0);
}
END_TEST

START_TEST(a_module_is_loaded_by_name_also_when_blacklisted)
{
	if (!have_kernel)
		return;
	r8169->loaded = false;
	r8169->blacklisted = true;
	expect_released("r8169", "");
	expect_text("/modprobe.log", "-- r8169\n");
}
END_TEST

START_TEST(a_module_of_another_name_is_loaded_by_modalias)
{
	if (!have_kernel)
		return;
	nic->modalias = USB_MODALIAS;
	*other = (struct fake_driver){ "xhci_hcd", "xhci_pci", .takes = USB_MODALIAS };
	release.driver = "xhci_hcd";
	expect_released("xhci_hcd", "");
	expect_text("/modprobe.log", "-- xhci_hcd\n-b -- " USB_MODALIAS "\n");
	ck_assert_uint_eq(count_logged(""), 0);
}
END_TEST

START_TEST(without_a_known_driver_the_modalias_finds_one)
{
	if (!have_kernel)
		return;
	release.driver = NULL;
	r8169->loaded = false;
	write_text("/modules", "vfio_pci\nno-such\n../vfio_pci\nr8169\n");
	expect_released("r8169", "");
	expect_text("/modprobe.log", "-b -- " NIC_MODALIAS "\n-b -R -- " NIC_MODALIAS "\n");
}
END_TEST

START_TEST(dynamic_ids_do_not_get_it_when_the_modalias_decides)
{
	if (!have_kernel)
		return;
	release.driver = NULL;
	vfio->has_ids = true;
	nic->override[0] = '\0';
	write_text("/modules", "vfio_pci\nr8169\n");
	expect_released("r8169", "r8169");
	/* The module, the override twice, unbind and bind: vfio-pci was not even asked. */
	ck_assert_uint_eq(fake->n_writes, 5);
}
END_TEST

START_TEST(the_next_driver_is_asked_when_one_does_not_want_it)
{
	if (!have_kernel)
		return;
	release.driver = NULL;
	*other = (struct fake_driver){ "r8168", "r8168", .takes = NIC_MODALIAS,
				       .probe_error = -EIO };
	write_text("/modules", "r8168\nr8169");
	expect_released("r8169", "");
}
END_TEST

START_TEST(a_blacklisted_driver_nobody_had_is_not_loaded)
{
	if (!have_kernel)
		return;
	release.driver = NULL;
	r8169->loaded = false;
	r8169->blacklisted = true;
	expect_error(-EIO, "0000:06:00.0: giving it to its own driver failed");
	expect_left_without_driver();
	ck_assert(!r8169->loaded);
}
END_TEST

START_TEST(another_driver_serves_when_its_own_is_gone)
{
	if (!have_kernel)
		return;
	release.driver = "r8125";
	write_text("/modules", "r8169\n");
	expect_released("r8169", "");
	ck_assert_uint_eq(count_logged("is on r8169 now, not on r8125 as before"), 1);
}
END_TEST

START_TEST(what_all_drivers_leave_does_not_go_back_to_vfio)
{
	if (!have_kernel)
		return;
	release.driver = NULL;
	release.modprobe = "/nonexistent/modprobe";
	vfio->has_ids = true;
	r8169->loaded = false;
	expect_error(-EIO, "it is left without a driver");
	expect_left_without_driver();
}
END_TEST

START_TEST(the_kernel_finds_a_driver_where_modprobe_cannot)
{
	if (!have_kernel)
		return;
	release.driver = NULL;
	release.modprobe = "/nonexistent/modprobe";
	expect_released("r8169", "");
}
END_TEST

START_TEST(a_driver_that_fails_leaves_it_without_one)
{
	if (!have_kernel)
		return;
	vfio->has_ids = true;
	release.keep_override = true;
	/* Errors of a probe must not look like those of a function nobody touched. */
	r8169->probe_error = -EBUSY;
	expect_error(-EIO, "Device or resource busy; it is left without a driver");
	expect_left_without_driver();
}
END_TEST

START_TEST(a_function_that_vfio_keeps_is_said)
{
	if (!have_kernel)
		return;
	vfio->unbind_error = -EPERM;
	expect_error(-EIO, "taking it from the driver that holds it failed");
	ck_assert_str_eq(nic->driver, "vfio-pci");
	ck_assert_str_eq(nic->override, "");
}
END_TEST

START_TEST(an_override_that_cannot_be_set_stops_it)
{
	if (!have_kernel)
		return;
	fake->override_writes_left = 0;
	expect_error(-EIO, "setting its driver_override failed");
	ck_assert_str_eq(nic->driver, "vfio-pci");
	ck_assert_str_eq(nic->override, "vfio-pci");
}
END_TEST

START_TEST(an_override_that_cannot_be_cleared_is_a_warning)
{
	if (!have_kernel)
		return;
	fake->override_writes_left = 1;
	ck_assert_int_eq(run(), 1);
	ck_assert_str_eq(nic->driver, "r8169");
	ck_assert_uint_eq(count_logged("setting its driver_override for good failed"), 1);
}
END_TEST

START_TEST(what_a_process_has_open_is_left)
{
	if (!have_kernel)
		return;
	make_directory("/proc/812");
	make_directory("/proc/812/fd");
	write_text("/proc/812/comm", "kvm\n");
	ck_assert_int_eq(symlink("/dev/vfio/24", host("/proc/812/fd/30")), 0);
	expect_error(-EBUSY, "in use by process 812 (kvm)");
	expect_untouched();
}
END_TEST

START_TEST(what_the_kernel_says_is_in_use_is_left)
{
	if (!have_kernel)
		return;
	nic->busy = true;
	expect_error(-EBUSY, "its IOMMU group is in use");
	expect_untouched();
}
END_TEST

START_TEST(what_may_be_in_use_is_left)
{
	if (!have_kernel)
		return;
	ck_assert_int_eq(rmdir(host("/proc")), 0);
	expect_error(-EBUSY, "cannot tell whether it is in use");
	expect_untouched();
}
END_TEST

START_TEST(a_stub_in_a_group_that_is_in_use_is_left)
{
	if (!have_kernel)
		return;
	(void)snprintf(nic->driver, sizeof(nic->driver), "pci-stub");
	nic->busy = true;
	expect_error(-EBUSY, "its IOMMU group is in use");
	ck_assert_str_eq(nic->driver, "pci-stub");
	ck_assert_uint_eq(fake->n_writes, 0);
}
END_TEST

START_TEST(a_function_that_is_not_there_is_an_error)
{
	if (!have_kernel)
		return;
	release.address.bus = 8;
	expect_error(-ENODEV, "0000:08:00.0: cannot find it");
	expect_untouched();
}
END_TEST

START_TEST(names_that_are_no_driver_are_refused)
{
	static const char *const names[] = { "",        ".",        "..",       "a/b",  "../x",
					     "r8169\n", "vfio-pci", "pci-stub", "\x7f", TOO_LONG };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		release.driver = names[i];
		ck_assert_int_eq(run(), -EINVAL);
	}
	if (have_kernel)
		expect_untouched();
}
END_TEST

/* The child that hangs in the kernel has to have nothing that somebody waits for. */
START_TEST(an_unbind_that_hangs_is_left_behind)
{
	uint64_t started = clock_monotonic_ms();
	int fds[2], lock_fd;
	char c;

	if (!have_kernel)
		return;
	vfio->hangs = true;
	release.timeout_ms = 700;
	ck_assert_int_eq(pipe(fds), 0);
	write_text("/lock", "");
	lock_fd = open(host("/lock"), O_RDWR);
	ck_assert_int_eq(flock(lock_fd, LOCK_EX), 0);

	expect_error(-ETIMEDOUT, "hangs in the kernel and is left behind");
	ck_assert_ptr_nonnull(strstr(problem.text, "0000:06:00.0: taking it from the driver that "
						   "holds it: not done within 700 ms"));
	ck_assert_uint_ge(clock_monotonic_ms() - started, 700);
	ck_assert_uint_lt(clock_monotonic_ms() - started, 10000);
	ck_assert_str_eq(nic->driver, "vfio-pci");

	ck_assert_int_eq(close(lock_fd), 0);
	lock_fd = open(host("/lock"), O_RDWR);
	ck_assert_int_eq(flock(lock_fd, LOCK_EX | LOCK_NB), 0);
	ck_assert_int_eq(close(lock_fd), 0);
	ck_assert_int_eq(close(fds[1]), 0);
	ck_assert_int_eq(read(fds[0], &c, 1), 0);
	ck_assert_int_eq(close(fds[0]), 0);
}
END_TEST

START_TEST(a_modprobe_that_hangs_stops_it_in_time)
{
	uint64_t started = clock_monotonic_ms();

	if (!have_kernel)
		return;
	r8169->loaded = false;
	release.timeout_ms = 500;
	write_modprobe("exec tail -f /dev/null");
	expect_error(-ETIMEDOUT, "loading the driver's module: not done within 500 ms");
	ck_assert_uint_lt(clock_monotonic_ms() - started, 10000);
	ck_assert_str_eq(nic->driver, "vfio-pci");
	ck_assert_uint_eq(fake->n_writes, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("release");
	TCase *tcase = tcase_create("release");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, gives_a_function_back_to_its_own_driver);
	tcase_add_test(tcase, twice_does_nothing_the_second_time);
	tcase_add_test(tcase, a_function_that_is_on_its_driver_is_left);
	tcase_add_test(tcase, dynamic_ids_do_not_get_it_again);
	tcase_add_test(tcase, an_override_is_kept_where_the_caller_knows_of_ids);
	tcase_add_test(tcase, ids_nobody_told_about_do_not_get_it_meanwhile);
	tcase_add_test(tcase, a_driver_without_a_bind_file_is_probed);
	tcase_add_test(tcase, pci_stub_lets_go_too);
	tcase_add_test(tcase, a_pending_override_is_taken_back);
	tcase_add_test(tcase, a_release_that_was_cut_short_is_finished);
	tcase_add_test(tcase, without_driver_and_override_nothing_is_done);
	tcase_add_test(tcase, a_module_is_loaded_by_name_also_when_blacklisted);
	tcase_add_test(tcase, a_module_of_another_name_is_loaded_by_modalias);
	tcase_add_test(tcase, without_a_known_driver_the_modalias_finds_one);
	tcase_add_test(tcase, dynamic_ids_do_not_get_it_when_the_modalias_decides);
	tcase_add_test(tcase, the_next_driver_is_asked_when_one_does_not_want_it);
	tcase_add_test(tcase, a_blacklisted_driver_nobody_had_is_not_loaded);
	tcase_add_test(tcase, another_driver_serves_when_its_own_is_gone);
	tcase_add_test(tcase, what_all_drivers_leave_does_not_go_back_to_vfio);
	tcase_add_test(tcase, the_kernel_finds_a_driver_where_modprobe_cannot);
	tcase_add_test(tcase, a_driver_that_fails_leaves_it_without_one);
	tcase_add_test(tcase, a_function_that_vfio_keeps_is_said);
	tcase_add_test(tcase, an_override_that_cannot_be_set_stops_it);
	tcase_add_test(tcase, an_override_that_cannot_be_cleared_is_a_warning);
	tcase_add_test(tcase, what_a_process_has_open_is_left);
	tcase_add_test(tcase, what_the_kernel_says_is_in_use_is_left);
	tcase_add_test(tcase, what_may_be_in_use_is_left);
	tcase_add_test(tcase, a_stub_in_a_group_that_is_in_use_is_left);
	tcase_add_test(tcase, a_function_that_is_not_there_is_an_error);
	tcase_add_test(tcase, names_that_are_no_driver_are_refused);
	tcase_add_test(tcase, an_unbind_that_hangs_is_left_behind);
	tcase_add_test(tcase, a_modprobe_that_hangs_stops_it_in_time);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
