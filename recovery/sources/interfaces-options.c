/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/interfaces-options.h"

/*
 * interfaces(5), bridge-utils-interfaces(5), vlan-interfaces(5), ifenslave, openvswitch-switch's
 * README.Debian, the addons of ifupdown2, the executors of ifupdown-ng. Sorted by name.
 */
static const struct interfaces_option options[] = {
	{ "address", VALUE_SCOPE },
	{ "address-virtual", VALUE_IGNORED },
	{ "alias", VALUE_PROSE },
	{ "batman-ifaces", VALUE_NAMES },
	{ "batman-ifaces-ignore-regex", VALUE_IGNORED },
	{ "bond-active-slave", VALUE_NAME },
	{ "bond-master", VALUE_IGNORED },
	{ "bond-members", VALUE_NAMES },
	{ "bond-ports", VALUE_PORTS },
	{ "bond-primary", VALUE_NAMES },
	{ "bond-queue-id", VALUE_QUEUES },
	{ "bond-slaves", VALUE_PORTS },
	{ "bridge-arp-nd-suppress", VALUE_PAIRS },
	{ "bridge-broadcast-flood", VALUE_PAIRS },
	{ "bridge-hw", VALUE_NAME },
	{ "bridge-l2protocol-tunnel", VALUE_PAIRS },
	{ "bridge-learning", VALUE_PAIRS },
	{ "bridge-multicast-flood", VALUE_PAIRS },
	{ "bridge-pathcost", VALUE_NAME },
	{ "bridge-pathcosts", VALUE_PAIRS },
	{ "bridge-port-pvids", VALUE_PAIRS },
	{ "bridge-port-vids", VALUE_PAIRS },
	{ "bridge-portmcfl", VALUE_PAIRS },
	{ "bridge-portmcrouter", VALUE_PAIRS },
	{ "bridge-portprio", VALUE_NAME },
	{ "bridge-portprios", VALUE_PAIRS },
	{ "bridge-ports", VALUE_PORTS },
	{ "bridge-ports-condone-regex", VALUE_IGNORED },
	{ "bridge-unicast-flood", VALUE_PAIRS },
	{ "bridge-waitport", VALUE_WAIT },
	{ "broadcast", VALUE_IGNORED },
	{ "description", VALUE_PROSE },
	{ "dns-domain", VALUE_IGNORED },
	{ "dns-nameserver", VALUE_SCOPE },
	{ "dns-nameservers", VALUE_SCOPE },
	{ "dns-search", VALUE_IGNORED },
	{ "down", VALUE_COMMAND },
	{ "dstaddr", VALUE_SCOPE },
	{ "endpoint", VALUE_SCOPE },
	{ "gateway", VALUE_SCOPE },
	{ "gre-dev", VALUE_NAME },
	{ "hostname", VALUE_IGNORED },
	{ "hwaddress", VALUE_IGNORED },
	{ "inherit", VALUE_INHERITS },
	{ "local", VALUE_SCOPE },
	{ "macvlan", VALUE_IGNORED },
	{ "mstpctl-bpduguard", VALUE_PAIRS },
	{ "mstpctl-port-vlan-path-cost", VALUE_PAIRS },
	{ "mstpctl-port-vlan-priority", VALUE_PAIRS },
	{ "mstpctl-portadminedge", VALUE_PAIRS },
	{ "mstpctl-portautoedge", VALUE_PAIRS },
	{ "mstpctl-portbpdufilter", VALUE_PAIRS },
	{ "mstpctl-portnetwork", VALUE_PAIRS },
	{ "mstpctl-portp2p", VALUE_PAIRS },
	{ "mstpctl-portpathcost", VALUE_PAIRS },
	{ "mstpctl-portrestrrole", VALUE_PAIRS },
	{ "mstpctl-portrestrtcn", VALUE_PAIRS },
	{ "mstpctl-ports", VALUE_PORTS },
	{ "mstpctl-treeportcost", VALUE_PAIRS },
	{ "mstpctl-treeportprio", VALUE_PAIRS },
	{ "netmask", VALUE_IGNORED },
	{ "ovs-bonds", VALUE_PORTS },
	{ "ovs-bridge", VALUE_IGNORED },
	{ "ovs-extra", VALUE_UNKNOWN },
	{ "ovs-options", VALUE_UNKNOWN },
	{ "ovs-patch-peer", VALUE_IGNORED },
	{ "ovs-ports", VALUE_PORTS },
	{ "ovs-ports-condone-regex", VALUE_IGNORED },
	{ "ovs-type", VALUE_IGNORED },
	{ "pointopoint", VALUE_SCOPE },
	{ "post-down", VALUE_COMMAND },
	{ "post-up", VALUE_COMMAND },
	{ "ppp-physdev", VALUE_NAME },
	{ "pre-down", VALUE_COMMAND },
	{ "pre-up", VALUE_COMMAND },
	{ "requires", VALUE_NAMES },
	{ "slaves", VALUE_PORTS },
	{ "tunnel-dev", VALUE_NAME },
	{ "tunnel-local-dev", VALUE_NAME },
	{ "tunnel-physdev", VALUE_NAME },
	{ "up", VALUE_COMMAND },
	{ "veth-peer-name", VALUE_IGNORED },
	{ "vlan-raw-device", VALUE_NAME },
	{ "vrf", VALUE_IGNORED },
	{ "vrf-member", VALUE_IGNORED },
	{ "vxlan-physdev", VALUE_NAME },
	{ "wireless-essid", VALUE_IGNORED },
	{ "wpa-psk", VALUE_IGNORED },
	{ "wpa-ssid", VALUE_IGNORED },
	{ "xfrm-physdev", VALUE_NAME },
};

enum interfaces_value interfaces_option_value(struct bytes name)
{
	size_t low = 0, high = ARRAY_SIZE(options);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = bytes_compare(name, bytes_of(options[middle].name));

		if (order == 0)
			return options[middle].value;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return VALUE_UNKNOWN;
}

const char *interfaces_none_word(enum interfaces_dialect dialect, struct bytes name)
{
	if (bytes_equal_text(name, "bridge-ports"))
		return "none";
	/* To ifupdown2 and ifupdown-ng it would be a slave of that name. */
	if (dialect == DIALECT_IFUPDOWN &&
	    (bytes_equal_text(name, "bond-slaves") || bytes_equal_text(name, "slaves")))
		return "none";
	return NULL;
}
