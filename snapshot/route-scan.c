/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/route-scan.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/file.h"
#include "snapshot/basic/number.h"
#include "snapshot/fields.h"
#include "snapshot/sysfs.h"

/* A dump that routes changed under is asked for again. */
#define ATTEMPTS_MAX 5

/* Routes of a copied table that are read. */
#define TABLE_MAX (16U * 1024 * 1024)

/* linux/route.h, linux/ipv6_route.h: the flags these files show. */
#define FLAG_UP     0x0001
#define FLAG_REJECT 0x0200
#define FLAG_CACHE  0x01000000
#define FLAG_LOCAL  0x80000000

struct routes {
	struct route_link *links;
	size_t n_links;
	size_t links_allocated;
	/* The link the last route led out through, which the next one mostly does, too. */
	int last_index;
	char last_name[IF_NAMESIZE];
	bool failed;
};

static int add_link(struct routes *routes, struct bytes name, bool is_default)
{
	struct route_link *link;
	int r;

	if (name.size == 0 || name.size >= IF_NAMESIZE || bytes_equal_text(name, "lo"))
		return 0;
	for (size_t i = 0; i < routes->n_links; i++)
		if (bytes_equal_text(name, routes->links[i].name) &&
		    (routes->links[i].is_default || !is_default))
			return 0;
	if (routes->n_links >= (is_default ? 2 : 1) * ROUTE_LINKS_MAX)
		return 0;
	r = ARRAY_RESERVE(routes->links, routes->n_links, routes->links_allocated);
	if (r < 0)
		return r;
	link = &routes->links[routes->n_links++];
	*link = (struct route_link){ .is_default = is_default };
	memcpy(link->name, name.data, name.size);
	return 0;
}

static void add_index(struct routes *routes, int index, bool is_default)
{
	if (index <= 0)
		return;
	if (index != routes->last_index) {
		if (!if_indextoname((unsigned int)index, routes->last_name))
			return;
		routes->last_index = index;
	}
	if (add_link(routes, bytes_of(routes->last_name), is_default) < 0)
		routes->failed = true;
}

static bool leads_to_neighbours_only(const struct rtmsg *route, const struct nlattr *destination)
{
	const uint8_t *bytes;

	if (!destination || nla_len(destination) < 2)
		return false;
	bytes = nla_data(destination);
	if (route->rtm_family == AF_INET)
		return bytes[0] >= 224;
	return bytes[0] == 0xff || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

/* The ways of a route that has several. */
static void add_ways(struct routes *routes, const struct nlattr *attribute, bool is_default)
{
	struct rtnexthop *way = nla_data(attribute);
	int rest = nla_len(attribute);

	while (rest >= (int)sizeof(*way) && way->rtnh_len >= sizeof(*way) &&
	       way->rtnh_len <= rest) {
		add_index(routes, way->rtnh_ifindex, is_default);
		rest -= (int)NLMSG_ALIGN(way->rtnh_len);
		way = RTNH_NEXT(way);
	}
}

static int on_message(struct nl_msg *message, void *data)
{
	struct nlattr *attributes[RTA_MAX + 1];
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct routes *routes = data;
	const struct rtmsg *route;
	bool is_default;

	if (header->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(header, sizeof(*route), attributes, RTA_MAX, NULL) < 0)
		return NL_SKIP;
	route = nlmsg_data(header);
	is_default = route->rtm_dst_len == 0;
	if (route->rtm_type != RTN_UNICAST || route->rtm_flags & RTM_F_CLONED ||
	    (!is_default && leads_to_neighbours_only(route, attributes[RTA_DST])))
		return NL_SKIP;
	if (attributes[RTA_OIF] && nla_len(attributes[RTA_OIF]) >= (int)sizeof(uint32_t))
		add_index(routes, (int)nla_get_u32(attributes[RTA_OIF]), is_default);
	if (attributes[RTA_MULTIPATH])
		add_ways(routes, attributes[RTA_MULTIPATH], is_default);
	return NL_OK;
}

static int send_request(struct nl_sock *socket, uint8_t family)
{
	struct rtmsg route = { .rtm_family = family };
	struct nl_msg *message;
	int r;

	message = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_DUMP);
	if (!message)
		return -NLE_NOMEM;
	r = nlmsg_append(message, &route, sizeof(route), NLMSG_ALIGNTO);
	if (r >= 0)
		r = nl_send_auto(socket, message);
	nlmsg_free(message);
	return r;
}

static int read_dump(struct routes *routes, uint8_t family)
{
	struct nl_sock *socket = nl_socket_alloc();
	int r = -NLE_NOMEM;

	if (socket)
		r = nl_connect(socket, NETLINK_ROUTE);
	if (r >= 0)
		r = nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_message, routes);
	if (r >= 0)
		r = send_request(socket, family);
	if (r >= 0)
		r = nl_recvmsgs_default(socket);
	nl_socket_free(socket);
	if (routes->failed || r == -NLE_NOMEM)
		return -ENOMEM;
	if (r == -NLE_DUMP_INTR || r == -NLE_AGAIN || r == -NLE_INTR)
		return -EAGAIN;
	return r < 0 ? -EIO : 0;
}

/* What an interrupted dump gave is kept: it was true a moment ago. */
static int scan_live(struct routes *routes)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		int r = -EAGAIN;

		for (int attempt = 0; attempt < ATTEMPTS_MAX && r == -EAGAIN; attempt++)
			r = read_dump(routes, families[i]);
		/* A kernel without IPv6 has nothing to tell. */
		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

static bool read_hex(struct bytes field, uint64_t *ret_value)
{
	return number_parse(field, 16, UINT32_MAX, ret_value) == 0;
}

/* "vmbr0 00000000 0101A8C0 0003 0 0 0 00000000 …": addresses in the byte order of the machine. */
static int read_route4(struct routes *routes, struct bytes line)
{
	struct bytes fields[8];
	uint64_t flags, destination, mask;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!fields_next(&line, &fields[i]))
			return 0;
	if (!read_hex(fields[1], &destination) || !read_hex(fields[3], &flags) ||
	    !read_hex(fields[7], &mask) || !(flags & FLAG_UP) || flags & FLAG_REJECT)
		return 0;
	return add_link(routes, fields[0], destination == 0 && mask == 0);
}

/* Destination, its length, source, its length, gateway, metric, two counters, flags, link. */
static int read_route6(struct routes *routes, struct bytes line)
{
	struct bytes fields[10];
	uint64_t length, flags, prefix;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!fields_next(&line, &fields[i]))
			return 0;
	if (fields[0].size != 32 || !read_hex(bytes_slice(fields[0], 0, 4), &prefix) ||
	    !read_hex(fields[1], &length) || !read_hex(fields[8], &flags))
		return 0;
	if (!(flags & FLAG_UP) || flags & (FLAG_REJECT | FLAG_CACHE | FLAG_LOCAL))
		return 0;
	if (length != 0 && ((prefix & 0xffc0) == 0xfe80 || prefix >> 8 == 0xff))
		return 0;
	return add_link(routes, fields[9], length == 0);
}

static int read_table(const struct root *root, const char *path, struct routes *routes,
		      int (*read_route)(struct routes *routes, struct bytes line))
{
	_cleanup_close_ int fd = sysfs_open_file(root, path);
	_cleanup_free_ char *data = NULL;
	struct bytes rest, line;
	size_t size;
	int r;

	if (fd < 0)
		return fd == -ENOMEM ? fd : 0;
	r = file_read_fd(fd, TABLE_MAX, &data, &size);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	rest = bytes_make(data, size);
	while (r == 0 && fields_next_line(&rest, &line))
		r = read_route(routes, line);
	return r;
}

static int scan_copy(const struct root *root, struct routes *routes)
{
	int r = read_table(root, "/proc/net/route", routes, read_route4);

	return r == 0 ? read_table(root, "/proc/net/ipv6_route", routes, read_route6) : r;
}

int route_scan(const struct root *root, struct route_link **ret_links, size_t *ret_n)
{
	struct routes routes = { 0 };
	int r = root->live ? scan_live(&routes) : scan_copy(root, &routes);

	if (r < 0) {
		free(routes.links);
		return r;
	}
	*ret_links = routes.links;
	*ret_n = routes.n_links;
	return 0;
}
