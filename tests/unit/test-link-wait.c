/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/link-wait.h"

#include <endian.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/namespace.h"

#define WHERE "/sys/devices/pci0000:00/0000:06:00.0/net/eth0"

static struct inventory inventory;
static const char *const macs[] = { NAMESPACE_MAC };

static void write_card(void)
{
	tree_file(WHERE "/address", NAMESPACE_MAC "\n");
	tree_file(WHERE "/addr_assign_type", "0\n");
	tree_link(WHERE "/device", "../../../0000:06:00.0");
	tree_link("/sys/class/net/eth0", "../../devices/pci0000:00/0000:06:00.0/net/eth0");
}

static void setup(void)
{
	inventory = (struct inventory){ 0 };
	tree_setup();
}

static void teardown(void)
{
	inventory_done(&inventory);
	tree_teardown();
}

START_TEST(a_link_that_is_not_settled_is_not_there)
{
	struct nic *nic = inventory_add_nic(&inventory);

	nic->name = "eth0";
	ck_assert(!link_is_settled(&inventory, NAMESPACE_MAC));
	nic->mac = NAMESPACE_MAC;
	ck_assert(link_is_settled(&inventory, NAMESPACE_MAC));
	ck_assert(!link_is_settled(&inventory, "02:00:00:00:00:02"));
	nic->settled = false;
	ck_assert(!link_is_settled(&inventory, NAMESPACE_MAC));
}
END_TEST

START_TEST(nothing_is_waited_for_in_a_copy)
{
	static const char *const two[] = { NAMESPACE_MAC, "02:00:00:00:00:02" };
	struct link_wait wait = { .macs = two, .n_macs = 2, .limit_ms = 60000 };

	write_card();
	ck_assert_int_eq(link_wait(&tree_root, &wait, &inventory, NULL), 0);
	ck_assert_uint_eq(wait.n_missing, 1);
	ck_assert_uint_eq(wait.waited_ms, 0);
	ck_assert_str_eq(wait.why_not, "this is not the running machine");
	ck_assert_uint_eq(inventory.n_nics, 1);
}
END_TEST

START_TEST(a_problem_leaves_the_inventory_empty)
{
	struct link_wait wait = { .macs = macs, .n_macs = 1, .limit_ms = 60000 };
	struct problem problem = { 0 };

	write_card();
	tree_link("/sys/class/net/eth1", "../../devices/nowhere/net/eth1");
	ck_assert_int_eq(link_wait(&tree_root, &wait, &inventory, &problem), -ENOENT);
	ck_assert_ptr_nonnull(problem.text);
	ck_assert_uint_eq(inventory.n_nics, 0);
	ck_assert_ptr_null(inventory.arena.blocks);
	problem_done(&problem);
}
END_TEST

/* A machine of the test's own with one card, and udev running. */
static bool enter(struct root *ret_live)
{
	char index[16];

	if (!namespace_enter() || !namespace_add_card("eth0"))
		return false;
	namespace_fake_sys();
	tree_teardown();
	tree_path[0] = '\0';
	ck_assert_int_eq(root_open(NULL, ret_live, NULL), 0);
	write_card();
	(void)snprintf(index, sizeof(index), "%u\n", if_nametoindex("eth0"));
	tree_file(WHERE "/ifindex", index);
	tree_file("/run/udev/control", "");
	return true;
}

static void leave(struct root *live)
{
	root_done(live);
	namespace_leave();
	tree_setup();
}

static void settle(void)
{
	char record[64];

	(void)snprintf(record, sizeof(record), "/run/udev/data/n%u", if_nametoindex("eth0"));
	tree_file(record, "");
}

/* What udevd tells its listeners when it is done with a link (systemd, device-monitor.c). */
static void send_event(void)
{
	static const char properties[] =
		"ACTION=add\0DEVPATH=/devices/pci0000:00/0000:06:00.0/net/eth0"
		"\0SUBSYSTEM=net\0SEQNUM=7\0INTERFACE=eth0";
	struct {
		char prefix[8];
		uint32_t magic, header_size, properties_off, properties_len;
		uint32_t subsystem_hash, devtype_hash, tag_bloom_hi, tag_bloom_lo;
	} header = {
		.prefix = "libudev",
		.magic = htobe32(0xfeedcafe),
		.header_size = sizeof(header),
		.properties_off = sizeof(header),
		.properties_len = sizeof(properties),
		/* MurmurHash2 of "net" */
		.subsystem_hash = htobe32(0xa74d3cc8),
	};
	char message[sizeof(header) + sizeof(properties)];
	struct sockaddr_nl everybody = { .nl_family = AF_NETLINK, .nl_groups = 2 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	ck_assert_int_ge(fd, 0);
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), properties, sizeof(properties));
	ck_assert_int_eq(sendto(fd, message, sizeof(message), 0, (struct sockaddr *)&everybody,
				sizeof(everybody)),
			 sizeof(message));
	(void)close(fd);
}

/* Settles the card a while from now, in another process. */
static pid_t settle_later(bool tell)
{
	const struct timespec while_from_now = { .tv_nsec = 200 * 1000 * 1000 };
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)nanosleep(&while_from_now, NULL);
		settle();
		if (tell)
			send_event();
		_exit(0);
	}
	return pid;
}

START_TEST(with_all_there_nothing_is_waited_for)
{
	struct link_wait wait = { .macs = macs, .n_macs = 1, .limit_ms = 60000 };
	struct root live = ROOT_INIT;

	if (!enter(&live))
		return;
	settle();
	ck_assert_int_eq(link_wait(&live, &wait, &inventory, NULL), 0);
	ck_assert_uint_eq(wait.n_missing, 0);
	ck_assert_uint_eq(wait.waited_ms, 0);
	ck_assert_ptr_null(wait.why_not);
	ck_assert_uint_eq(inventory.n_nics, 1);
	leave(&live);
}
END_TEST

START_TEST(the_limit_ends_the_waiting)
{
	struct link_wait wait = { .macs = macs, .n_macs = 1, .limit_ms = 300 };
	struct root live = ROOT_INIT;

	if (!enter(&live))
		return;
	ck_assert_int_eq(link_wait(&live, &wait, &inventory, NULL), 0);
	ck_assert_uint_eq(wait.n_missing, 1);
	ck_assert_uint_ge(wait.waited_ms, 300);
	ck_assert_uint_lt(wait.waited_ms, 5000);
	ck_assert_uint_eq(inventory.n_nics, 1);
	ck_assert(!inventory.nics[0].settled);
	leave(&live);
}
END_TEST

START_TEST(a_limit_of_nothing_looks_once)
{
	struct link_wait wait = { .macs = macs, .n_macs = 1 };
	struct root live = ROOT_INIT;

	if (!enter(&live))
		return;
	ck_assert_int_eq(link_wait(&live, &wait, &inventory, NULL), 0);
	ck_assert_uint_eq(wait.n_missing, 1);
	ck_assert_uint_eq(wait.waited_ms, 0);
	leave(&live);
}
END_TEST

START_TEST(without_udev_what_is_there_is_final)
{
	static const char *const other[] = { "02:00:00:00:00:02" };
	struct link_wait wait = { .macs = other, .n_macs = 1, .limit_ms = 60000 };
	struct root live = ROOT_INIT;

	if (!enter(&live))
		return;
	ck_assert_int_eq(unlink("/run/udev/control"), 0);
	ck_assert_int_eq(link_wait(&live, &wait, &inventory, NULL), 0);
	ck_assert_uint_eq(wait.n_missing, 1);
	ck_assert_uint_eq(wait.waited_ms, 0);
	ck_assert_str_eq(wait.why_not, "udev is not running");
	leave(&live);
}
END_TEST

START_TEST(an_event_ends_the_waiting_at_once)
{
	struct link_wait wait = { .macs = macs, .n_macs = 1, .limit_ms = 60000 };
	struct root live = ROOT_INIT;
	pid_t pid;

	if (!enter(&live))
		return;
	pid = settle_later(true);
	ck_assert_int_eq(link_wait(&live, &wait, &inventory, NULL), 0);
	ck_assert_uint_eq(wait.n_missing, 0);
	/* Without the event the next look would come after a second. */
	ck_assert_uint_ge(wait.waited_ms, 100);
	ck_assert_uint_lt(wait.waited_ms, 900);
	ck_assert(inventory.nics[0].settled);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	leave(&live);
}
END_TEST

START_TEST(a_lost_event_is_made_up_for)
{
	struct link_wait wait = { .macs = macs, .n_macs = 1, .limit_ms = 60000 };
	struct root live = ROOT_INIT;
	pid_t pid;

	if (!enter(&live))
		return;
	pid = settle_later(false);
	ck_assert_int_eq(link_wait(&live, &wait, &inventory, NULL), 0);
	ck_assert_uint_eq(wait.n_missing, 0);
	ck_assert_uint_lt(wait.waited_ms, 10000);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	leave(&live);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link-wait");
	TCase *copies = tcase_create("copies"), *machines = tcase_create("machines");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(copies, setup, teardown);
	tcase_add_test(copies, a_link_that_is_not_settled_is_not_there);
	tcase_add_test(copies, nothing_is_waited_for_in_a_copy);
	tcase_add_test(copies, a_problem_leaves_the_inventory_empty);
	tcase_add_checked_fixture(machines, setup, teardown);
	tcase_set_timeout(machines, 30);
	/* They leave the machine's namespaces, so each needs a process of its own. */
	if (srunner_fork_status(runner) == CK_FORK) {
		tcase_add_test(machines, with_all_there_nothing_is_waited_for);
		tcase_add_test(machines, the_limit_ends_the_waiting);
		tcase_add_test(machines, a_limit_of_nothing_looks_once);
		tcase_add_test(machines, without_udev_what_is_there_is_final);
		tcase_add_test(machines, an_event_ends_the_waiting_at_once);
		tcase_add_test(machines, a_lost_event_is_made_up_for);
	}
	suite_add_tcase(suite, copies);
	suite_add_tcase(suite, machines);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
