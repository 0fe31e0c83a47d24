/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which links packets for other machines go out through. */
#pragma once

#include <net/if.h>

#include "snapshot/basic/root.h"

/**
 * struct route_link - A link that a route leads out through
 * @name:       its kernel name
 * @is_default: whether a default route does
 */
struct route_link {
	char name[IF_NAMESIZE];
	bool is_default;
};

/**
 * route_scan() - List the links that routes of IPv4 and IPv6 lead out through
 * @root:      the live machine: netlink, all routing tables, every way of a route that has several.
 *             Any other tree: DIR/proc/net/route and DIR/proc/net/ipv6_route, which show the main
 *             table alone
 * @ret_links: each once, or once more as default; to be freed
 *
 * Left out is what leads to the machine itself, to nobody, or only to neighbours that have no other
 * address (fe80::/10, multicast). At most ROUTE_LINKS_MAX of each sort are listed.
 *
 * Return: 0, or a negative errno.
 */
#define ROUTE_LINKS_MAX 1024
_must_check_ int route_scan(const struct root *root, struct route_link **ret_links, size_t *ret_n);
