/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <stdio.h>

#include "recovery/sources/interfaces.h"

#define ANY      -1 /* every dialect in turn */
#define BOTH_2   -2 /* ifupdown2, old and new */
#define NG       DIALECT_IFUPDOWN_NG
#define IFUPDOWN DIALECT_IFUPDOWN

static const char *const names[] = { "enp5s0", "enp6s0", "enp7s0", "eth0", "eth1" };
static const struct name_set set = { names, ARRAY_SIZE(names) };

static struct document document;

static void teardown(void)
{
	document_done(&document);
}

static void scan_bytes(int dialect, struct bytes text)
{
	document_done(&document);
	document.path = "/etc/network/interfaces";
	ck_assert_int_eq(bytes_duplicate(text, &document.data), 0);
	document.size = text.size;
	ck_assert_int_eq(interfaces_scan_text((enum interfaces_dialect)dialect, &document, &set),
			 0);
}

static void scan(int dialect, const char *text)
{
	scan_bytes(dialect, bytes_of(text));
}

/* What was found, in the text: "<>" around what is certain, "()" around what is not. */
static char *marked(void)
{
	struct buffer result = { 0 };
	size_t done = 0;
	char *text;

	for (size_t i = 0; i < document.n_references; i++) {
		const struct reference *reference = &document.references[i];
		struct span span = reference->span;

		ck_assert_uint_ge(span.offset, done);
		ck_assert(name_set_has(&set, document_text(&document, span)));
		ck_assert_uint_eq(reference->line, document_line_at(&document, span.offset));
		ck_assert_ptr_nonnull(reference->block);
		ck_assert_ptr_nonnull(reference->key);
		buffer_append(&result, bytes_make(document.data + done, span.offset - done));
		buffer_append_char(&result, reference->certain ? '<' : '(');
		buffer_append(&result, document_text(&document, span));
		buffer_append_char(&result, reference->certain ? '>' : ')');
		done = span_end(span);
	}
	buffer_append(&result, bytes_make(document.data + done, document.size - done));
	ck_assert_int_eq(buffer_finish(&result, &text, NULL), 0);
	return text;
}

static void check_one(int dialect, const char *wanted)
{
	char *text = strdup(wanted), *found;
	size_t n = 0;

	ck_assert_ptr_nonnull(text);
	for (const char *c = wanted; *c; c++)
		if (!strchr("<>()", *c))
			text[n++] = *c;
	text[n] = '\0';
	scan(dialect, text);
	found = marked();
	ck_assert_msg(strcmp(found, wanted) == 0, "%s:\n%s\ninstead of\n%s",
		      interfaces_dialect_to_string((enum interfaces_dialect)dialect), found,
		      wanted);
	free(found);
	free(text);
}

/* Scans @wanted without its marks and expects to find just what is marked. */
static void finds(int dialect, const char *wanted)
{
	for (int one = 0; one < _DIALECT_MAX; one++) {
		bool second = one == DIALECT_IFUPDOWN2 || one == DIALECT_IFUPDOWN2_3_9;

		if (dialect == ANY || dialect == one || (dialect == BOTH_2 && second))
			check_one(one, wanted);
	}
}

/* An option in a stanza of its own. */
static void finds_option(int dialect, const char *line)
{
	struct buffer text = { 0 };

	buffer_appendf(&text, "iface vmbr0 inet manual\n\t%s\n", line);
	ck_assert(!text.failed);
	finds(dialect, text.data);
	buffer_done(&text);
}

static const struct reference *only_reference(void)
{
	ck_assert_uint_eq(document.n_references, 1);
	return &document.references[0];
}

/* How many notes hold @words. */
static size_t count_notes(const char *words)
{
	size_t n = 0;

	for (size_t i = 0; i < document.n_notes; i++)
		n += strstr(document.notes[i], words) != NULL;
	return n;
}

static void check_span(struct span span, const char *wanted)
{
	struct bytes found = document_text(&document, span);

	ck_assert_msg(bytes_equal_text(found, wanted), "\"%.*s\" instead of \"%s\"",
		      (int)found.size, found.data, wanted);
}

/* Where names stand: the rows of the table. */

START_TEST(lists_of_what_is_brought_up)
{
	finds(ANY, "auto <enp6s0>\n");
	finds(ANY, "auto lo <enp6s0> <enp6s0>.100 <enp6s0>:1 enp60s0 <enp7s0>\n");
	finds(ANY, "allow-hotplug <enp6s0> <enp7s0>.5\n");
	finds(ANY, "allow-vmbr0 <enp6s0>\n");
	finds(ANY, "no-auto-down <enp6s0>\nno-scripts <enp6s0>\n");
	finds(ANY, "  auto\t<enp6s0>\n");
	finds(ANY, "Auto enp6s0x\nautox lo\n");
}
END_TEST

START_TEST(the_physical_side_of_a_mapped_auto)
{
	finds(IFUPDOWN, "auto <enp6s0>=home\nallow-hotplug <enp7s0>.100=enp6s0\n");
	finds(BOTH_2, "auto enp6s0=home\n");
	finds(NG, "auto enp6s0=home\n");
}
END_TEST

START_TEST(patterns_only_where_they_hold_no_wildcard)
{
	finds(IFUPDOWN, "auto /<enp6s0> /<enp6s0>.100/1=home\n");
	ck_assert_uint_eq(document.n_notes, 0);
	finds(IFUPDOWN, "auto /enp6* mac/00:11:22:33:44:55=enp6s0 /enp6s?\n");
	ck_assert_uint_eq(count_notes("is a pattern"), 1);
	finds(IFUPDOWN, "no-auto-down enp6s* enp[5-7]s0\n");
	ck_assert_uint_eq(count_notes("is a pattern"), 1);
	finds(BOTH_2, "auto swp[1-3].100 <enp6s0> /enp6s0\n");
	ck_assert_uint_eq(count_notes("is a pattern"), 1);
}
END_TEST

START_TEST(stanzas_by_name)
{
	finds(ANY, "iface <enp6s0> inet manual\n");
	finds(ANY, "iface <enp6s0>.100 inet static\n\taddress 192.0.2.1/24\n");
	finds(ANY, "iface <enp6s0>:1 inet static\n\taddress 192.0.2.1/24\n");
	finds(ANY, "\t iface\t<enp6s0>\tinet manual\n");
	finds(ANY, "iface \"enp6s0\" inet manual\n");
	finds(ANY, "iface enp6s0np0 inet manual\niface vmbr-enp6s0 inet manual\n");
	finds(BOTH_2, "vlan <enp6s0>\n\tbridge-igmp-querier-src 192.0.2.1\n");
	finds(NG, "interface <enp6s0>\n\taddress 192.0.2.1/24\n");
}
END_TEST

START_TEST(what_stands_behind_the_method_is_for_people)
{
	finds(ANY, "iface <enp6s0> inet manual # enp7s0\n");
	ck_assert_uint_eq(count_notes("mention a NIC"), 1);
}
END_TEST

START_TEST(stanzas_of_logical_names_are_left)
{
	finds(IFUPDOWN, "auto /enx*=eth0\nallow-hotplug eth0\niface eth0 inet static\n"
			"\taddress 192.0.2.1/24\n\tup ip link set <eth0> up\n");
	finds(IFUPDOWN, "iface eth0 inet dhcp\nauto <enp6s0>=eth0\n");
	finds(IFUPDOWN, "mapping <enp6s0>\n\tscript /bin/x\n\tmap home (eth0)\n"
			"iface eth0 inet dhcp\niface <eth1> inet dhcp\n");
	finds(NG, "template eth0\n\tmtu 9000\nauto <enp6s0>\niface <enp6s0>\n\tinherit eth0\n");
}
END_TEST

START_TEST(stanzas_that_only_others_inherit_from_name_their_nic_too)
{
	finds(IFUPDOWN, "iface <eth0> inet static\n\tmtu 9000\nauto <enp6s0>\n"
			"iface <enp6s0> inet static inherits <eth0>\n");
}
END_TEST

START_TEST(stanzas_that_are_brought_up_and_inherited_from_stay_together)
{
	finds(IFUPDOWN, "auto <eth0> <enp6s0>\niface <eth0> inet static\n\tmtu 9000\n"
			"iface <enp6s0> inet static inherits <eth0>\n"
			"iface vmbr0 inherits <eth0>\n");
	ck_assert_uint_eq(document.n_references, 6);
	/* The heir is parked with what it inherits from: ifupdown would reject it alone. */
	ck_assert_int_eq(document.references[2].shape, PARK_LINES);
	ck_assert_int_eq(document.references[3].shape, PARK_LINES);
	ck_assert_int_eq(document.references[4].shape, PARK_LINES);
	ck_assert_uint_eq(document.references[4].extent.offset,
			  document.references[3].extent.offset);
	ck_assert_str_eq(document.references[4].key, "inherits");
	finds(NG, "auto <eth0>\niface <eth0>\niface <enp6s0>\n\tinherit <eth0>\n");
	finds(NG, "iface br0\n\trequires <eth0> <eth1>.5\n");
}
END_TEST

START_TEST(renames_on_their_first_side)
{
	finds(IFUPDOWN, "rename <enp6s0>=lan\nauto lan\niface lan inet manual\n");
	finds(IFUPDOWN, "rename <enp6s0>=eth0 /enp7*=eth1\nauto eth0\niface eth0 inet manual\n"
			"\tup ip link set eth0 up\niface br0 inet manual\n\tbridge_ports eth0.5\n");
	ck_assert_uint_eq(count_notes("is a pattern"), 1);
}
END_TEST

START_TEST(mappings_of_literal_names)
{
	finds(IFUPDOWN, "mapping <enp6s0> enp7* <eth1>\n\tscript /usr/local/bin/x\n"
			"\tmap (eth1) home\n");
	ck_assert_uint_eq(count_notes("is a pattern"), 1);
	check_span(document.references[0].extent,
		   "mapping enp6s0 enp7* eth1\n\tscript /usr/local/bin/x\n\tmap eth1 home\n");
	ck_assert_int_eq(document.references[0].shape, PARK_WORD);
}
END_TEST

START_TEST(vlans_by_their_device)
{
	finds_option(ANY, "vlan-raw-device <enp6s0>");
	finds_option(ANY, "vlan_raw_device <enp6s0>");
}
END_TEST

START_TEST(bridge_ports)
{
	finds_option(ANY, "bridge_ports <enp6s0> <enp7s0>.100 bond0 enp6s0f1");
	finds_option(ANY, "bridge-ports <enp6s0>");
	finds_option(ANY, "bridge-ports none");
	finds_option(ANY, "bridge-ports all <enp6s0>");
}
END_TEST

START_TEST(bridge_ports_that_are_patterns)
{
	finds_option(IFUPDOWN, "bridge_ports <enp5s0> regex enp6s0 enp7s0 noregex <eth0>");
	ck_assert_uint_eq(count_notes("is a pattern"), 1);
	finds_option(IFUPDOWN, "bridge_ports regex enp6s0 all <enp7s0>");
	finds_option(IFUPDOWN, "bridge_ports glob <enp6s0>");
	finds_option(BOTH_2, "bridge_ports <enp5s0> regex enp6s0 <enp7s0> glob eth0 <eth1>");
	finds_option(BOTH_2, "bridge_ports regex noregex <enp6s0> glob noglob <enp7s0>");
	finds_option(BOTH_2, "bridge_ports regex glob enp6s0 enp7s0 <eth0>");
	finds_option(BOTH_2, "mstpctl-ports regex enp6s0 <eth0>");
	finds_option(NG, "bridge_ports regex <enp6s0>");
}
END_TEST

START_TEST(a_second_line_of_ports_goes_on_where_the_first_ended)
{
	finds_option(IFUPDOWN, "bridge_ports regex enp6s0\n\tbridge_ports enp7s0 noregex <eth0>");
	finds_option(BOTH_2, "bridge_ports regex enp6s0\n\tbridge_ports <enp7s0>");
	finds(IFUPDOWN, "iface a inet manual\n bridge_ports regex enp6s0\n"
			"iface b inet manual\n bridge_ports <enp6s0>\n");
}
END_TEST

START_TEST(bridge_options_per_port)
{
	finds_option(ANY, "bridge_portprio <enp6s0> 4");
	finds_option(ANY, "bridge_pathcost <enp6s0> 100");
	finds_option(ANY, "bridge_hw <enp6s0>");
	finds_option(ANY, "bridge_hw 00:11:22:33:44:55");
	finds_option(ANY, "bridge_waitport 10 <enp6s0> <enp7s0>");
	finds_option(ANY, "bridge_waitport 10");
}
END_TEST

START_TEST(lists_of_port_and_value)
{
	static const char *const options[] = {
		"bridge-pathcosts",         "bridge-portprios",       "bridge-portmcrouter",
		"bridge-portmcfl",          "bridge-learning",        "bridge-unicast-flood",
		"bridge-multicast-flood",   "bridge-broadcast-flood", "bridge-arp-nd-suppress",
		"bridge-l2protocol-tunnel", "bridge-port-vids",       "bridge-port-pvids",
		"mstpctl-portpathcost",     "mstpctl-portp2p",        "mstpctl-portrestrrole",
		"mstpctl-portrestrtcn",     "mstpctl-bpduguard",      "mstpctl-treeportprio",
		"mstpctl-portnetwork",      "mstpctl-portadminedge",  "mstpctl-portautoedge",
		"mstpctl-portbpdufilter",   "mstpctl-treeportcost",
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		char line[128];

		snprintf(line, sizeof(line), "%s <enp6s0>=4 <enp7s0>.5=on enp6s0f1=7 x=enp6s0",
			 options[i]);
		finds_option(ANY, line);
		ck_assert_uint_eq(document.n_references, 2);
		ck_assert_int_eq(document.references[0].shape, PARK_WORD);
	}
	finds_option(BOTH_2, "mstpctl-ports <enp6s0> <enp7s0>");
}
END_TEST

START_TEST(bonds)
{
	finds_option(ANY, "bond-slaves <enp6s0> <enp7s0>");
	finds_option(ANY, "bond_slaves <enp6s0>");
	finds_option(ANY, "slaves <enp6s0>");
	finds_option(ANY, "bond-members <enp6s0>");
	finds_option(ANY, "bond-ports <enp6s0>");
	finds_option(ANY, "bond-slaves none");
	finds_option(ANY, "bond-primary <enp6s0> <enp7s0>");
	finds_option(ANY, "bond-active-slave <enp6s0>");
	finds_option(ANY, "bond-queue-id <enp6s0>:2 <enp7s0>:3");
	finds_option(ANY, "bond-master enp6s0");
}
END_TEST

START_TEST(open_vswitch)
{
	finds_option(ANY, "ovs_ports bond1 <enp6s0>");
	finds_option(ANY, "ovs_bonds <enp6s0> <enp7s0>");
	finds_option(ANY, "ovs_extra set interface (enp6s0) mtu_request=9000");
	finds_option(ANY, "ovs_options other_config:x=(enp6s0)");
	finds_option(ANY, "ovs_bridge enp6s0");
}
END_TEST

START_TEST(tunnels_and_others_by_their_device)
{
	static const char *const options[] = {
		"tunnel-dev",    "tunnel-physdev", "tunnel-local-dev", "gre-dev",
		"vxlan-physdev", "xfrm-physdev",   "ppp-physdev",
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		char line[128];

		snprintf(line, sizeof(line), "%s <enp6s0>", options[i]);
		finds_option(ANY, line);
		ck_assert_int_eq(only_reference()->shape, PARK_LINES);
	}
	finds_option(ANY, "batman-ifaces <enp6s0> <enp7s0>.5");
	finds_option(ANY, "batman-ifaces-ignore-regex enp6s0");
	finds_option(ANY, "veth-peer-name enp6s0");
	finds_option(ANY, "vrf enp6s0");
	finds_option(ANY, "address-virtual 00:11:22:33:44:55 enp6s0");
}
END_TEST

START_TEST(commands)
{
	static const char *const keys[] = { "pre-up",   "up",   "post-up",
					    "pre-down", "down", "post-down" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char line[128];

		snprintf(line, sizeof(line), "%s ip link set dev <enp6s0> up", keys[i]);
		finds_option(ANY, line);
		ck_assert_str_eq(only_reference()->key, keys[i]);
		ck_assert_int_eq(only_reference()->shape, PARK_LINES);
		check_span(only_reference()->extent, document.data + 24);
	}
	finds_option(ANY, "up ethtool -K <enp6s0> tso off; ip link set '<enp7s0>' up");
	finds_option(ANY, "up iptables -A FORWARD -i <enp6s0> -o <enp7s0>.5 -j ACCEPT");
	finds_option(ANY, "up echo 1 /sys/class/net/<enp6s0>/x /proc/sys/net/ipv4/conf/<enp6s0>/y");
	finds_option(ANY, "up sysctl -w net.ipv4.conf.<enp6s0>.forwarding=1");
	finds_option(ANY, "up ping6 fe80::1%<enp6s0>");
	finds_option(ANY, "up x --opt=<enp6s0> <enp6s0>,<enp7s0> <enp6s0>@x");
	finds_option(ANY, "down ifdown <enp6s0>.3 && kill /run/dhclient.<enp6s0>.pid");
	finds_option(ANY, "up /usr/local/bin/(enp6s0)-up.sh");
	finds_option(ANY, "up brctl addif vmbr-enp6s0 enp6s0-old my_enp6s0 -ienp6s0");
}
END_TEST

START_TEST(a_comment_for_the_shell_is_one)
{
	finds_option(IFUPDOWN, "up sleep 5 # 5 seconds after enp6s0");
	ck_assert_uint_eq(count_notes("mention a NIC"), 1);
	finds_option(IFUPDOWN,
		     "up echo '# <enp6s0>' \"# <enp7s0>\" x#<eth0> ; ip a show <eth0>;# eth1");
	finds_option(IFUPDOWN, "up echo \\# <enp6s0>");
}
END_TEST

START_TEST(scopes_of_addresses)
{
	finds_option(ANY, "gateway fe80::1%<enp6s0>");
	finds_option(ANY, "address fe80::2%<enp6s0>.100");
	finds_option(ANY, "dns-nameservers fe80::1%<enp6s0> 192.0.2.1");
	finds_option(ANY, "gateway enp6s0");
}
END_TEST

START_TEST(prose_is_counted)
{
	finds(ANY, "# enp6s0 is the uplink\n#iface enp6s0 inet manual\n# enp6s0f1\n"
		   "iface vmbr0 inet manual\n\tdescription to enp7s0\n\talias enp7s0\n");
	ck_assert_uint_eq(document.n_notes, 1);
	ck_assert_str_eq(document.notes[0],
			 "1: 4 comments or descriptions mention a NIC: left as they are");
}
END_TEST

START_TEST(other_values_are_no_names)
{
	finds_option(ANY, "hwaddress ether 00:11:22:33:44:55");
	finds_option(ANY, "dns-search enp6s0");
	finds_option(ANY, "wpa-ssid enp6s0");
	finds_option(ANY, "macvlan 00:11:22:33:44:55 enp6s0");
	finds_option(ANY, "bridge-ports-condone-regex enp6s0");
}
END_TEST

START_TEST(what_is_not_known_is_told_and_not_certain)
{
	finds_option(ANY, "wpa-iface (enp6s0)");
	finds(ANY, "something (enp6s0)\n");
	ck_assert_str_eq(only_reference()->block, "");
}
END_TEST

START_TEST(source_lines_are_no_mentions)
{
	finds(ANY, "source /etc/network/interfaces.d/enp6s0\n");
	ck_assert_uint_eq(document.n_notes, 0);
	finds(IFUPDOWN, "source $DIR/enp6s0\nsource `enp6s0`\n");
	ck_assert_uint_eq(count_notes("not followed"), 2);
	finds(BOTH_2, "source $DIR/enp6s0\n");
	ck_assert_uint_eq(document.n_notes, 0);
}
END_TEST

/* Lines: how each reader joins them. */

START_TEST(a_hash_behind_a_value)
{
	finds_option(IFUPDOWN, "bridge_ports <enp6s0> # uplink <enp7s0>");
	finds_option(BOTH_2, "bridge_ports <enp6s0> # uplink <enp7s0>");
	finds_option(NG, "bridge_ports <enp6s0> # uplink enp7s0");
	ck_assert_uint_eq(count_notes("mention a NIC"), 1);
	check_span(only_reference()->list, "enp6s0");
	finds_option(NG, "bridge_ports <enp6s0>#enp7s0");
	finds(IFUPDOWN, "auto <enp6s0> # <enp7s0>\n");
	finds(NG, "auto <enp6s0> # enp7s0\n");
}
END_TEST

START_TEST(a_quoted_hash_of_ng)
{
	finds_option(NG, "up echo \\# <enp6s0>");
	finds_option(NG, "up echo \\a <enp6s0> \\\\");
}
END_TEST

START_TEST(continued_lines)
{
	finds(ANY, "auto lo \\\n\t<enp6s0> \\\n\t<enp7s0>\niface vmbr0 inet manual\n");
	finds(ANY, "iface \\\n <enp6s0> inet \\\nmanual\n");
	finds_option(ANY, "up ip route add 192.0.2.0/24 \\\n\t\tdev <enp6s0>");
	check_span(only_reference()->extent, "\tup ip route add 192.0.2.0/24 \\\n\t\tdev enp6s0\n");
	ck_assert_uint_eq(only_reference()->line, 3);
}
END_TEST

START_TEST(a_name_split_by_a_continuation_is_never_touched)
{
	finds_option(IFUPDOWN, "bridge_ports enp\\\n6s0");
	ck_assert_uint_eq(count_notes("enp6s0 is written on two lines"), 1);
	finds_option(NG, "bridge_ports enp\\\n6s0");
	ck_assert_uint_eq(count_notes("enp6s0 is written on two lines"), 1);
	finds_option(BOTH_2, "bridge_ports enp\\\n6s0");
	ck_assert_uint_eq(document.n_notes, 0);
	finds_option(IFUPDOWN, "bridge_ports vm-\\\nenp6s0 <enp7s0>");
	finds_option(BOTH_2, "bridge_ports vm-\\\n<enp6s0> <enp7s0>");
}
END_TEST

START_TEST(a_hash_in_a_continued_line)
{
	const char *text = "bridge_ports <enp5s0> \\\n# <enp6s0> \\\n<enp7s0>";

	finds_option(IFUPDOWN, text);
	finds_option(BOTH_2, text);
	finds_option(NG, "bridge_ports <enp5s0> \\\n# enp6s0 \\\nenp7s0 x");
}
END_TEST

START_TEST(a_comment_that_ends_in_a_backslash)
{
	finds(IFUPDOWN, "# old \\\nauto <enp6s0>\n");
	finds(NG, "# old \\\nauto <enp6s0>\n");
	finds(BOTH_2, "# old \\\nauto enp6s0\nauto <enp7s0>\n");
	finds(BOTH_2, "# old \\\n\n\nauto enp6s0\nauto <enp7s0>\n");
}
END_TEST

START_TEST(backslashes_in_mid_line)
{
	finds_option(IFUPDOWN, "up printf a\\tenp6s0 \\enp6s0 <enp7s0>");
	finds_option(BOTH_2, "up printf a\\tenp6s0 \\<enp6s0> <enp7s0>");
	finds_option(BOTH_2, "bridge-ports a\\<enp6s0>\\<enp7s0>");
	ck_assert_int_eq(document.references[0].shape, PARK_NEVER);
}
END_TEST

START_TEST(a_backslash_and_a_blank_line)
{
	finds_option(IFUPDOWN, "bridge_ports <enp5s0> \\\n\n\tenp6s0");
	finds_option(BOTH_2, "bridge_ports <enp5s0> \\\n\n\t<enp6s0>");
	finds_option(NG, "bridge_ports <enp5s0> \\\n\n\tenp6s0 x");
}
END_TEST

START_TEST(a_backslash_that_starts_a_line_joins_it_for_ifupdown2)
{
	finds(BOTH_2, "auto lo\n\n \\ <enp6s0>\n");
	check_span(only_reference()->extent, "auto lo\n\n \\ enp6s0\n");
}
END_TEST

START_TEST(blanks_behind_a_backslash)
{
	finds_option(IFUPDOWN, "bridge_ports <enp5s0> \\ \n\tenp6s0 x");
	finds_option(BOTH_2, "bridge_ports <enp5s0> \\ \n\t<enp6s0> x");
}
END_TEST

START_TEST(carriage_returns)
{
	finds(ANY, "auto <enp6s0>\r\niface <enp6s0> inet manual\r\n\tmtu 1400\r\n");
	ck_assert_int_eq(document.references[1].shape, PARK_LINES);
	check_span(document.references[1].extent, "iface enp6s0 inet manual\r\n\tmtu 1400\r\n");
	finds(BOTH_2, "auto <enp6s0> \\\r\n <enp7s0>\r\n");
	finds(NG, "auto <enp6s0> \\\r\n <enp7s0>\r\n");
	finds(IFUPDOWN, "auto <enp6s0> \\\r\n enp7s0\r\n");
}
END_TEST

START_TEST(lone_carriage_returns_are_not_commented_out)
{
	finds(BOTH_2, "auto <enp6s0>\riface <enp6s0> inet manual\r\n");
	ck_assert_int_eq(document.references[0].shape, PARK_NEVER);
	ck_assert_int_eq(document.references[1].shape, PARK_NEVER);
	finds(IFUPDOWN, "auto <enp6s0>\riface <enp6s0> inet manual\r\n");
	ck_assert_int_eq(document.references[0].shape, PARK_WORD);
}
END_TEST

START_TEST(form_feeds_separate)
{
	finds(ANY, "auto <enp6s0>\f<enp7s0>\n");
	finds(IFUPDOWN, "\fauto <enp6s0>\n");
	finds(BOTH_2, "auto lo\n\fauto (enp6s0)\n");
}
END_TEST

START_TEST(a_byte_order_mark)
{
	finds(ANY, "\xef\xbb\xbf"
		   "auto (enp6s0)\niface <enp6s0> inet manual\n");
}
END_TEST

START_TEST(utf8_beside_and_in_other_words)
{
	finds(ANY, "# Zugang f\xc3\xbcr alle\nauto <enp6s0> caf\xc3\xa9\n");
	finds(ANY, "auto \xc3\xa9"
		   "enp6s0 enp6s0\xc3\xa9\n");
}
END_TEST

START_TEST(no_final_newline)
{
	finds(ANY, "auto <enp6s0>");
	finds(ANY, "iface <enp6s0> inet manual\n\tup ip a show <enp6s0>");
	check_span(document.references[0].extent,
		   "iface enp6s0 inet manual\n\tup ip a show enp6s0");
	finds(ANY, "auto <enp6s0> \\");
	finds(IFUPDOWN, "auto <enp6s0>\\\\");
	finds(BOTH_2, "auto <enp6s0>\\\\");
	finds(NG, "auto enp6s0\\\\");
}
END_TEST

START_TEST(empty_and_blank_files)
{
	finds(ANY, "");
	finds(ANY, "\n \n\t\n\f\n\r\n");
	finds(ANY, "\\\n");
	finds(ANY, "\\");
	finds(ANY, "#");
}
END_TEST

START_TEST(a_line_of_a_mebibyte)
{
	struct buffer text = { 0 };

	buffer_append_text(&text, "auto");
	while (text.size < 1024U * 1024U)
		buffer_append_text(&text, " enp6s0 enp60s0");
	for (int dialect = 0; dialect < _DIALECT_MAX; dialect++) {
		scan_bytes(dialect, buffer_bytes(&text));
		ck_assert_uint_eq(document.n_references, (text.size - 4) / 15);
		/* What ifupdown-ng makes of it depends on where its buffer ends. */
		ck_assert(document.references[0].certain == (dialect != NG));
	}
	buffer_done(&text);
}
END_TEST

START_TEST(null_bytes_are_gone_over)
{
	static const char text[] = "auto\0 enp6s0 \0\niface enp6s0\0 inet\n\0\n# \0\nauto enp6s0\n";

	for (int dialect = 0; dialect < _DIALECT_MAX; dialect++) {
		scan_bytes(dialect, bytes_make(text, sizeof(text) - 1));
		ck_assert_uint_ge(document.n_references, 1);
	}
}
END_TEST

START_TEST(templates_with_names_in_their_code_are_left_whole)
{
	finds(BOTH_2, "% for nic in ['(enp6s0)']:\nauto ${nic}\n% endfor\nauto (enp7s0)\n");
	ck_assert_uint_eq(count_notes("is a template"), 1);
	scan(DIALECT_IFUPDOWN2, "<%\n x = 'enp6s0'\n%>\nauto enp7s0\n");
	ck_assert_uint_eq(document.n_references, 2);
	ck_assert(!document.references[0].certain);
	ck_assert(!document.references[1].certain);
	scan(DIALECT_IFUPDOWN2, "<%include file=\"x\"/>\nauto enp7s0\n");
	ck_assert(only_reference()->certain);
}
END_TEST

START_TEST(templates_without_names_in_their_code_are_done)
{
	finds(BOTH_2, "% for i in [1, 2]:\niface x${i} inet manual\n% endfor\nauto <enp7s0>\n");
	finds(BOTH_2, "iface vmbr0\n\tgateway fe80::1%<enp6s0>\n\tup echo %% <enp6s0>\n");
	finds(BOTH_2, "iface vmbr0\n\tup echo ${IFACE} <enp6s0>\n");
	finds(IFUPDOWN, "auto ${x} <enp7s0> %\n");
}
END_TEST

/* What a mention is: place, digests, how it is put out of force. */

START_TEST(names_the_place_of_a_mention)
{
	scan(IFUPDOWN, "auto enp6s0\nallow-hotplug enp6s0\niface enp6s0 inet static\n"
		       "\tup x enp6s0\niface vmbr0 inet manual\n\tbridge_ports enp6s0\n");
	ck_assert_uint_eq(document.n_references, 5);
	ck_assert_str_eq(document.references[0].block, "auto");
	ck_assert_str_eq(document.references[0].key, "auto");
	ck_assert_ptr_null(document.references[0].owner);
	ck_assert_str_eq(document.references[1].block, "allow-hotplug");
	ck_assert_str_eq(document.references[2].block, "iface");
	ck_assert_str_eq(document.references[2].key, "iface");
	ck_assert_str_eq(document.references[3].block, "iface enp6s0 inet");
	ck_assert_str_eq(document.references[3].key, "up");
	ck_assert_str_eq(document.references[4].block, "iface vmbr0 inet");
	ck_assert_str_eq(document.references[4].key, "bridge-ports");
	ck_assert_str_eq(document.references[4].owner, "vmbr0");
	scan(DIALECT_IFUPDOWN2, "iface vmbr0\n\tBridge_Ports enp6s0\n");
	ck_assert_str_eq(only_reference()->block, "iface vmbr0");
	ck_assert_str_eq(only_reference()->key, "bridge-ports");
}
END_TEST

static uint64_t body_of(const char *text, size_t index)
{
	scan(IFUPDOWN, text);
	ck_assert_uint_lt(index, document.n_references);
	return document.references[index].body;
}

START_TEST(the_body_of_a_stanza_is_what_its_mentions_are_told_by)
{
	uint64_t head = body_of("iface enp6s0 inet static\n mtu 9000\n bridge_fd 0\n", 0);
	uint64_t line = body_of("iface br0 inet static\n mtu 9000\n bridge_ports enp6s0\n", 0);

	ck_assert_uint_ne(head, 0);
	ck_assert_uint_ne(line, 0);
	/* Blanks, comments and spelling make no difference. */
	ck_assert_uint_eq(head, body_of("iface enp6s0 inet static\n\n#x\n\tmtu \\\n  9000\n"
					"bridge-fd   0\n\nauto lo\n",
					0));
	ck_assert_uint_eq(head, body_of("iface enp7s0 inet dhcp\n mtu 9000\n bridge_fd 0\n", 0));
	/* Neither does the line the mention stands on, nor the stanza's name. */
	ck_assert_uint_eq(line, body_of("iface br0 inet static\n mtu 9000\n up x enp7s0 y\n", 0));
	ck_assert_uint_eq(line, body_of("iface br1 inet static\n mtu 9000\n up enp7s0\n", 0));
	/* What stands beside it does, and the family and the method. */
	ck_assert_uint_ne(head, body_of("iface enp6s0 inet static\n mtu 9001\n bridge_fd 0\n", 0));
	ck_assert_uint_ne(line,
			  body_of("iface br0 inet static\n mtu 1\n bridge_ports enp6s0\n", 0));
	ck_assert_uint_ne(line,
			  body_of("iface br0 inet dhcp\n mtu 9000\n bridge_ports enp6s0\n", 0));
}
END_TEST

START_TEST(without_anything_else_there_is_no_body)
{
	ck_assert_uint_eq(body_of("iface enp6s0 inet static\n# x\n", 0), 0);
	ck_assert_uint_eq(body_of("auto enp6s0\n", 0), 0);
	ck_assert_uint_eq(body_of("iface br0\n bridge_ports enp6s0\n", 0), 0);
	ck_assert_uint_ne(body_of("iface br0 inet\n bridge_ports enp6s0\n", 0), 0);
}
END_TEST

START_TEST(mentions_on_one_line_share_their_digests)
{
	scan(IFUPDOWN, "iface br0 inet manual\n bridge_ports enp6s0 enp7s0\n mtu 1\n");
	ck_assert_uint_eq(document.references[0].body, document.references[1].body);
	ck_assert_uint_eq(document.references[0].line_digest, document.references[1].line_digest);
}
END_TEST

START_TEST(keeps_the_digests_of_all_lines)
{
	uint64_t digest;

	scan(IFUPDOWN, "# x\n\nauto   enp6s0\niface lo inet loopback\n");
	ck_assert_uint_eq(document.n_line_digests, 2);
	ck_assert_uint_lt(document.line_digests[0], document.line_digests[1]);
	digest = only_reference()->line_digest;
	ck_assert(digest == document.line_digests[0] || digest == document.line_digests[1]);
	scan(IFUPDOWN, "auto \\\nenp6s0\n");
	ck_assert_uint_eq(only_reference()->line_digest, digest);
}
END_TEST

START_TEST(words_of_lists_are_taken_out)
{
	scan(IFUPDOWN, "auto lo enp6s0.5  \nallow-x  enp7s0\n");
	ck_assert_int_eq(document.references[0].shape, PARK_WORD);
	check_span(document.references[0].list, "lo enp6s0.5");
	check_span(document.references[0].extent, "auto lo enp6s0.5  \n");
	ck_assert_ptr_null(document.references[0].none_word);
	check_span(document.references[1].list, "enp7s0");
	scan(IFUPDOWN, "iface br0 inet manual\n bridge_waitport 10 enp6s0 enp7s0\n");
	check_span(document.references[0].list, "enp6s0 enp7s0");
	scan(IFUPDOWN, "iface br0 inet manual\n bridge_ports \\\n enp6s0 \\\n x\n");
	check_span(document.references[0].list, "enp6s0 \\\n x");
	check_span(document.references[0].extent, " bridge_ports \\\n enp6s0 \\\n x\n");
}
END_TEST

static const char *none_word(int dialect, const char *line)
{
	char text[128];

	snprintf(text, sizeof(text), "iface x inet manual\n\t%s enp6s0\n", line);
	scan(dialect, text);
	return only_reference()->none_word;
}

START_TEST(an_emptied_list_is_none_where_the_reader_knows_that)
{
	for (int dialect = 0; dialect < _DIALECT_MAX; dialect++) {
		ck_assert_pstr_eq(none_word(dialect, "bridge-ports"), "none");
		ck_assert_pstr_eq(none_word(dialect, "bridge_ports"), "none");
		ck_assert_pstr_eq(none_word(dialect, "ovs_ports"), NULL);
		ck_assert_pstr_eq(none_word(dialect, "bond-primary"), NULL);
		ck_assert_pstr_eq(none_word(dialect, "bond-slaves"),
				  dialect == IFUPDOWN ? "none" : NULL);
	}
	ck_assert_pstr_eq(none_word(IFUPDOWN, "slaves"), "none");
	ck_assert_pstr_eq(none_word(IFUPDOWN, "bond_slaves"), "none");
}
END_TEST

START_TEST(stanzas_are_commented_out_to_their_last_option)
{
	scan(IFUPDOWN, "auto lo\n  iface enp6s0 inet static\n\n\t# x\n\taddress 192.0.2.1/24 \\\n"
		       "\n\t# y\n\tmtu 9000\n\n# z\nauto enp7s0\n");
	check_span(document.references[0].extent,
		   "  iface enp6s0 inet static\n\n\t# x\n\taddress 192.0.2.1/24 \\\n\n\t# y\n"
		   "\tmtu 9000\n");
	ck_assert_int_eq(document.references[0].shape, PARK_LINES);
	scan(IFUPDOWN, "iface enp6s0 inet manual\n# x\n");
	check_span(only_reference()->extent, "iface enp6s0 inet manual\n");
}
END_TEST

START_TEST(a_bare_auto_belongs_to_its_stanza_in_ifupdown)
{
	scan(IFUPDOWN, "iface enp6s0 inet manual\n auto\n mtu 1\nauto\n");
	check_span(only_reference()->extent, "iface enp6s0 inet manual\n auto\n mtu 1\nauto\n");
	scan(DIALECT_IFUPDOWN2, "iface enp6s0 inet manual\n auto\n");
	check_span(only_reference()->extent, "iface enp6s0 inet manual\n");
}
END_TEST

START_TEST(an_auto_with_options_behind_it_is_a_stanza_in_ng)
{
	scan(NG, "auto enp6s0\n\tuse dhcp\n\tup x enp6s0\niface lo\n");
	ck_assert_uint_eq(document.n_references, 2);
	check_span(document.references[0].extent, "auto enp6s0\n\tuse dhcp\n\tup x enp6s0\n");
	ck_assert_str_eq(document.references[1].block, "auto");
}
END_TEST

START_TEST(knows_how_long_a_name_may_get)
{
	scan(IFUPDOWN, "auto enp6s0.4000 enp6s0:1 enp6s0\niface br0 inet manual\n"
		       " up ip link add link enp6s0 name enp6s0.7 type vlan id 7; x enp6s0:1\n");
	ck_assert_uint_eq(document.n_references, 6);
	ck_assert_uint_eq(document.references[0].suffix, 5);
	ck_assert(document.references[0].limited);
	ck_assert_uint_eq(document.references[1].suffix, 2);
	ck_assert(document.references[1].limited);
	ck_assert_uint_eq(document.references[2].suffix, 0);
	ck_assert(!document.references[3].limited);
	ck_assert_uint_eq(document.references[4].suffix, 2);
	ck_assert(document.references[4].limited);
	ck_assert(!document.references[5].limited);
	scan(IFUPDOWN, "iface bond0 inet manual\n bond-queue-id enp6s0:2\n");
	ck_assert_uint_eq(only_reference()->suffix, 0);
}
END_TEST

START_TEST(scans_again_after_a_clear)
{
	scan(IFUPDOWN, "auto enp6s0\n# enp6s0\n");
	ck_assert_uint_eq(document.n_references, 1);
	document.n_references = document.n_line_digests = document.n_notes = 0;
	ck_assert_int_eq(interfaces_scan_text(DIALECT_IFUPDOWN, &document, &set), 0);
	ck_assert_uint_eq(document.n_references, 1);
	ck_assert_uint_eq(document.n_notes, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("interfaces-scan");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, lists_of_what_is_brought_up);
	tcase_add_test(tcase, the_physical_side_of_a_mapped_auto);
	tcase_add_test(tcase, patterns_only_where_they_hold_no_wildcard);
	tcase_add_test(tcase, stanzas_by_name);
	tcase_add_test(tcase, what_stands_behind_the_method_is_for_people);
	tcase_add_test(tcase, stanzas_of_logical_names_are_left);
	tcase_add_test(tcase, stanzas_that_only_others_inherit_from_name_their_nic_too);
	tcase_add_test(tcase, stanzas_that_are_brought_up_and_inherited_from_stay_together);
	tcase_add_test(tcase, renames_on_their_first_side);
	tcase_add_test(tcase, mappings_of_literal_names);
	tcase_add_test(tcase, vlans_by_their_device);
	tcase_add_test(tcase, bridge_ports);
	tcase_add_test(tcase, bridge_ports_that_are_patterns);
	tcase_add_test(tcase, a_second_line_of_ports_goes_on_where_the_first_ended);
	tcase_add_test(tcase, bridge_options_per_port);
	tcase_add_test(tcase, lists_of_port_and_value);
	tcase_add_test(tcase, bonds);
	tcase_add_test(tcase, open_vswitch);
	tcase_add_test(tcase, tunnels_and_others_by_their_device);
	tcase_add_test(tcase, commands);
	tcase_add_test(tcase, a_comment_for_the_shell_is_one);
	tcase_add_test(tcase, scopes_of_addresses);
	tcase_add_test(tcase, prose_is_counted);
	tcase_add_test(tcase, other_values_are_no_names);
	tcase_add_test(tcase, what_is_not_known_is_told_and_not_certain);
	tcase_add_test(tcase, source_lines_are_no_mentions);
	tcase_add_test(tcase, a_hash_behind_a_value);
	tcase_add_test(tcase, a_quoted_hash_of_ng);
	tcase_add_test(tcase, continued_lines);
	tcase_add_test(tcase, a_name_split_by_a_continuation_is_never_touched);
	tcase_add_test(tcase, a_hash_in_a_continued_line);
	tcase_add_test(tcase, a_comment_that_ends_in_a_backslash);
	tcase_add_test(tcase, backslashes_in_mid_line);
	tcase_add_test(tcase, a_backslash_and_a_blank_line);
	tcase_add_test(tcase, a_backslash_that_starts_a_line_joins_it_for_ifupdown2);
	tcase_add_test(tcase, blanks_behind_a_backslash);
	tcase_add_test(tcase, carriage_returns);
	tcase_add_test(tcase, lone_carriage_returns_are_not_commented_out);
	tcase_add_test(tcase, form_feeds_separate);
	tcase_add_test(tcase, a_byte_order_mark);
	tcase_add_test(tcase, utf8_beside_and_in_other_words);
	tcase_add_test(tcase, no_final_newline);
	tcase_add_test(tcase, empty_and_blank_files);
	tcase_add_test(tcase, a_line_of_a_mebibyte);
	tcase_add_test(tcase, null_bytes_are_gone_over);
	tcase_add_test(tcase, templates_with_names_in_their_code_are_left_whole);
	tcase_add_test(tcase, templates_without_names_in_their_code_are_done);
	tcase_add_test(tcase, names_the_place_of_a_mention);
	tcase_add_test(tcase, the_body_of_a_stanza_is_what_its_mentions_are_told_by);
	tcase_add_test(tcase, without_anything_else_there_is_no_body);
	tcase_add_test(tcase, mentions_on_one_line_share_their_digests);
	tcase_add_test(tcase, keeps_the_digests_of_all_lines);
	tcase_add_test(tcase, words_of_lists_are_taken_out);
	tcase_add_test(tcase, an_emptied_list_is_none_where_the_reader_knows_that);
	tcase_add_test(tcase, stanzas_are_commented_out_to_their_last_option);
	tcase_add_test(tcase, a_bare_auto_belongs_to_its_stanza_in_ifupdown);
	tcase_add_test(tcase, an_auto_with_options_behind_it_is_a_stanza_in_ng);
	tcase_add_test(tcase, knows_how_long_a_name_may_get);
	tcase_add_test(tcase, scans_again_after_a_clear);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
