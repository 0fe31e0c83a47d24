/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A network of the test's own, with a /sys and a /run that say what the test wants. */
#pragma once

#include <check.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>

#include "tests/unit/tree.h"

static struct nl_sock *namespace_socket;

/* Whether there is one: it takes root, and a kernel that has namespaces. */
static inline bool namespace_enter(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0) {
		(void)fprintf(stderr, "skipped: no namespace: %s\n", strerror(errno));
		return false;
	}
	ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("tmpfs", "/run", "tmpfs", 0, NULL), 0);
	namespace_socket = nl_socket_alloc();
	ck_assert_ptr_nonnull(namespace_socket);
	ck_assert_int_eq(nl_connect(namespace_socket, NETLINK_ROUTE), 0);
	return true;
}

static inline void namespace_leave(void)
{
	nl_socket_free(namespace_socket);
	namespace_socket = NULL;
}

/* An empty /sys, to be filled with tree_file() and tree_link() once tree_path is "". */
static inline void namespace_fake_sys(void)
{
	ck_assert_int_eq(mount("tmpfs", "/sys", "tmpfs", 0, NULL), 0);
	ck_assert_int_eq(mkdir("/sys/class", 0755), 0);
	ck_assert_int_eq(mkdir("/sys/class/net", 0755), 0);
}

/* What all links of this network have for an address. */
#define NAMESPACE_MAC "02:00:00:ab:00:01"

/* Whether the kernel can make links of this kind, and now has one. */
static inline bool namespace_add_link(const char *name, const char *kind)
{
	static const uint8_t mac[] = { 0x02, 0, 0, 0xab, 0, 0x01 };
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nl_msg *message =
		nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *nest;
	int r;

	ck_assert_int_eq(nlmsg_append(message, &info, sizeof(info), NLMSG_ALIGNTO), 0);
	ck_assert_int_eq(nla_put_string(message, IFLA_IFNAME, name), 0);
	ck_assert_int_eq(nla_put(message, IFLA_ADDRESS, sizeof(mac), mac), 0);
	nest = nla_nest_start(message, IFLA_LINKINFO);
	ck_assert_int_eq(nla_put_string(message, IFLA_INFO_KIND, kind), 0);
	(void)nla_nest_end(message, nest);
	r = nl_send_sync(namespace_socket, message);
	if (r < 0)
		(void)fprintf(stderr, "skipped: no %s: %s\n", kind, nl_geterror(r));
	return r >= 0;
}

/* Same, for one that can stand for a card: whichever kind the kernel has. */
static inline bool namespace_add_card(const char *name)
{
	return namespace_add_link(name, "dummy") || namespace_add_link(name, "ifb");
}

/* Changes one attribute of a link. */
static inline void namespace_set(const char *name, int type, int attribute, const void *value,
				 int size)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(name) };
	struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST);
	struct nlattr *nest = NULL;

	ck_assert_int_eq(nlmsg_append(message, &info, sizeof(info), NLMSG_ALIGNTO), 0);
	if (attribute == IFLA_ALT_IFNAME)
		nest = nla_nest_start(message, IFLA_PROP_LIST | NLA_F_NESTED);
	ck_assert_int_eq(nla_put(message, attribute, size, value), 0);
	if (nest)
		(void)nla_nest_end(message, nest);
	ck_assert_int_ge(nl_send_sync(namespace_socket, message), 0);
}
