/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network links: the kernel's Documentation/ABI/testing/sysfs-class-net, and what drivers add. */
#include "snapshot/protected-private.h"

#include <errno.h>
#include <stdio.h>

#include "snapshot/route-scan.h"

/* What Proxmox VE's installer calls the bridge with the host's address. */
#define MANAGEMENT_BRIDGE "vmbr0"
/* The link that all ports of Open vSwitch's bridges hang from, and that no bridge hangs from. */
#define OVS_DATAPATH "ovs-system"

static size_t find_link(const struct protection *protection, const char *name)
{
	return protection_find(protection, NODE_LINK, bytes_of(name));
}

static bool has_attribute(struct protection *protection, const char *link, const char *attribute)
{
	char path[SYSFS_NAME_MAX];

	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/%s", link, attribute);
	return root_exists(protection->root, path);
}

/* "lower_enp6s0": what a bridge, bond, team, VLAN or macvlan is made of. */
static int add_lower_links(struct protection *protection, size_t index, int *ret_n)
{
	static const char prefix[] = "lower_";
	_cleanup_(sysfs_done) struct sysfs directory = { 0 };
	char path[SYSFS_NAME_MAX];
	const char *entry;
	int r, n = 0;

	(void)snprintf(path, sizeof(path), "/sys/class/net/%s", protection->nodes[index].name);
	r = sysfs_open(protection->root, path, &directory);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	while (r == 0 && sysfs_next(&directory, &entry) > 0) {
		if (strncmp(entry, prefix, strlen(prefix)) != 0)
			continue;
		r = protection_add_below(protection, index,
					 find_link(protection, entry + strlen(prefix)));
		n++;
	}
	*ret_n = n;
	return r;
}

/*
 * A bridge of Open vSwitch does not say what it is, nor which ports it has: a link that is made of
 * nothing, while there is a datapath. Taken for one port's, the others' cards are kept, too.
 */
static bool may_be_ovs_bridge(struct protection *protection, size_t index)
{
	static const char *const others[] = { "device", "bridge", "tun_flags", "bonding" };
	const char *name = protection->nodes[index].name;

	if (strcmp(name, OVS_DATAPATH) == 0 || find_link(protection, OVS_DATAPATH) == NOWHERE)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (has_attribute(protection, name, others[i]))
			return false;
	return true;
}

int links_read_node(struct protection *protection, size_t index)
{
	struct sysfs_text link;
	int r = 0, n_lower = 0;

	if (sysfs_read_link(&protection->net, protection->nodes[index].name, NULL, &link) == 0)
		r = protection_add_functions(protection, index, sysfs_bytes(&link));
	if (r != 0)
		return MIN_OF(r, 0);
	r = add_lower_links(protection, index, &n_lower);
	if (r == 0 && n_lower == 0 && may_be_ovs_bridge(protection, index))
		r = protection_add_below(protection, index, find_link(protection, OVS_DATAPATH));
	return r;
}

/* Where other machines hold the root file system, every way to them counts. */
int links_read_network(struct protection *protection, size_t index)
{
	size_t first = protection->first[NODE_LINK];
	int r = 0;

	for (size_t i = first; i < first + protection->count[NODE_LINK] && r == 0; i++)
		if (protection->nodes[i].has_route)
			r = protection_add_below(protection, index, i);
	return r;
}

/* Return: 1 if there is a default route, 0 if not, or -ENOMEM. */
static int read_routes(struct protection *protection)
{
	_cleanup_free_ struct route_link *links = NULL;
	int r, has_default = 0;
	size_t n = 0;

	r = route_scan(protection->root, &links, &n);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; i < n; i++) {
		size_t found = find_link(protection, links[i].name);

		if (found == NOWHERE)
			continue;
		protection->nodes[found].has_route = true;
		protection->nodes[found].has_default |= links[i].is_default;
		has_default |= links[i].is_default;
	}
	return has_default;
}

/*
 * The bridge people reach the host through. It has an address, so that there is a route out through
 * it. Where a default route exists it is that one, or it has the usual name.
 */
static bool is_management_bridge(struct protection *protection, const struct node *link,
				 size_t index, bool has_default)
{
	if (!link->has_route || link->has_default ||
	    (has_default && strcmp(link->name, MANAGEMENT_BRIDGE) != 0))
		return false;
	return has_attribute(protection, link->name, "bridge") ||
	       may_be_ovs_bridge(protection, index);
}

int links_claim(struct protection *protection)
{
	size_t first = protection->first[NODE_LINK];
	int r, has_default;

	has_default = read_routes(protection);
	r = MIN_OF(has_default, 0);
	for (size_t i = first; i < first + protection->count[NODE_LINK] && r == 0; i++) {
		const struct node *link = &protection->nodes[i];

		if (link->has_default)
			r = protection_claim(protection, i, RANK_ROUTE, "default route (",
					     link->name, ")");
		else if (is_management_bridge(protection, link, i, has_default > 0))
			r = protection_claim(protection, i, RANK_BRIDGE, "management bridge (",
					     link->name, ")");
	}
	return r;
}
