/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/link-wait.h"

#include <errno.h>
#include <libudev.h>
#include <poll.h>
#include <time.h>

#include "snapshot/link-scan.h"

/* In case an event was lost: the kernel drops them when the socket is full. */
#define LOOK_AGAIN_MS 1000

bool link_is_settled(const struct inventory *inventory, const char *mac)
{
	for (size_t i = 0; i < inventory->n_nics; i++) {
		const struct nic *nic = &inventory->nics[i];

		if (nic->settled && nic->mac && strcmp(nic->mac, mac) == 0)
			return true;
	}
	return false;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	/* Cannot fail: the clock exists and the address is good. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Replaces what the inventory holds by what is there now. */
static int look(const struct root *root, struct link_wait *wait, struct inventory *inventory,
		struct problem *problem)
{
	int r;

	inventory_done(inventory);
	wait->n_missing = wait->n_macs;
	r = link_scan(root, inventory, problem);
	if (r < 0) {
		inventory_done(inventory);
		return r;
	}
	for (size_t i = 0; i < wait->n_macs; i++)
		wait->n_missing -= link_is_settled(inventory, wait->macs[i]);
	return 0;
}

/* What udev is done with, of network links. */
struct monitor {
	struct udev *udev;
	struct udev_monitor *monitor;
};

static void monitor_done(struct monitor *monitor)
{
	(void)udev_monitor_unref(monitor->monitor);
	(void)udev_unref(monitor->udev);
}

static bool monitor_open(struct monitor *monitor)
{
	monitor->udev = udev_new();
	if (!monitor->udev)
		return false;
	monitor->monitor = udev_monitor_new_from_netlink(monitor->udev, "udev");
	return monitor->monitor &&
	       udev_monitor_filter_add_match_subsystem_devtype(monitor->monitor, "net", NULL) >=
		       0 &&
	       udev_monitor_enable_receiving(monitor->monitor) >= 0;
}

/* Until something happens to a link, or for the given time. What happened is seen by looking. */
static void monitor_wait(struct monitor *monitor, uint64_t wait_ms)
{
	struct pollfd poll_fd = { .fd = udev_monitor_get_fd(monitor->monitor), .events = POLLIN };
	struct udev_device *device;

	if (poll(&poll_fd, 1, (int)MIN_OF(wait_ms, (uint64_t)LOOK_AGAIN_MS)) <= 0)
		return;
	while ((device = udev_monitor_receive_device(monitor->monitor)))
		(void)udev_device_unref(device);
}

static int wait_for_links(const struct root *root, struct link_wait *wait, uint64_t start,
			  struct inventory *inventory, struct problem *problem)
{
	_cleanup_(monitor_done) struct monitor monitor = { 0 };
	uint64_t end = start + wait->limit_ms;
	int r;

	if (!monitor_open(&monitor)) {
		wait->why_not = "udev's events cannot be received";
		return 0;
	}
	for (;;) {
		uint64_t now;

		/* Only from here on no event is missed, so look first. */
		r = look(root, wait, inventory, problem);
		now = now_ms();
		if (r < 0 || wait->n_missing == 0 || now >= end)
			return r;
		monitor_wait(&monitor, end - now);
	}
}

int link_wait(const struct root *root, struct link_wait *wait, struct inventory *inventory,
	      struct problem *problem)
{
	uint64_t start = now_ms();
	int r;

	wait->waited_ms = 0;
	wait->why_not = NULL;
	r = look(root, wait, inventory, problem);
	if (r < 0 || wait->n_missing == 0 || wait->limit_ms == 0)
		return r;
	if (!root->live) {
		wait->why_not = "this is not the running machine";
		return 0;
	}
	if (!root_exists(root, "/run/udev/control")) {
		wait->why_not = "udev is not running";
		return 0;
	}
	r = wait_for_links(root, wait, start, inventory, problem);
	wait->waited_ms = (unsigned int)(now_ms() - start);
	return r;
}
