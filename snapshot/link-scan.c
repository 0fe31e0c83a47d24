/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libnl-route 3.7 knows neither permanent addresses nor alternative names, so the messages are
 * parsed here, without a policy: every attribute's length is checked before it is used.
 */
#include "snapshot/link-scan.h"

#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/log.h"
#include "snapshot/basic/number.h"
#include "snapshot/sysfs.h"

#define NET_PATH "/sys/class/net"

/* A dump that links came, went or changed names under is asked for again. */
#define ATTEMPTS_MAX 10

/* NET_ADDR_PERM of the kernel's net_device.h: the address is the hardware's own. */
#define ADDRESS_IS_PERMANENT 0

/* One link of the dump. Strings are in the dump's arena; @permanent and @current may be NULL. */
struct link {
	int index;
	const char *name;
	const char **altnames;
	size_t n_altnames;
	const char *permanent;
	const char *current;
	bool has_master;
};

struct dump {
	struct arena arena;
	struct link *links;
	size_t n_links;
	size_t links_allocated;
	bool failed;
};

static void dump_done(struct dump *dump)
{
	arena_done(&dump->arena);
	free(dump->links);
	*dump = (struct dump){ 0 };
}

/* *@ret_text stays as it was when the attribute is missing or no address. */
static int copy_mac(struct arena *arena, const struct nlattr *attribute, const char **ret_text)
{
	char text[MAC_TEXT_MAX];
	const uint8_t *mac;
	const char *copy;
	int size;

	size = attribute ? nla_len(attribute) : 0;
	if (!mac_size_is_valid(size))
		return 0;
	mac = nla_data(attribute);
	for (int i = 0; i < size; i++)
		(void)snprintf(text + i * 3, 4, "%02x%s", mac[i], i + 1 < size ? ":" : "");
	copy = arena_copy_text(arena, text);
	if (!copy)
		return -ENOMEM;
	*ret_text = copy;
	return 0;
}

/* A name and its NUL; no bytes for anything else. */
static struct bytes attribute_text(const struct nlattr *attribute)
{
	const char *text = nla_data(attribute), *end;
	int size = nla_len(attribute);

	end = size > 0 ? memchr(text, '\0', (size_t)size) : NULL;
	return end ? bytes_make(text, (size_t)(end - text)) : BYTES_NONE;
}

static int copy_altnames(struct dump *dump, const struct nlattr *list, struct link *link)
{
	struct nlattr *attribute;
	size_t n = 0;
	int rest;

	if (!list)
		return 0;
	nla_for_each_nested(attribute, list, rest) n++;
	link->altnames = arena_allocate(&dump->arena, n * sizeof(*link->altnames));
	if (!link->altnames)
		return -ENOMEM;
	nla_for_each_nested(attribute, list, rest)
	{
		struct bytes name = attribute_text(attribute);

		if (nla_type(attribute) != IFLA_ALT_IFNAME || !nic_altname_is_valid(name))
			continue;
		link->altnames[link->n_altnames] = arena_copy(&dump->arena, name);
		if (!link->altnames[link->n_altnames])
			return -ENOMEM;
		link->n_altnames++;
	}
	return 0;
}

static int add_link(struct dump *dump, const struct ifinfomsg *info,
		    struct nlattr *const *attributes)
{
	struct link link = { .index = info->ifi_index };
	struct bytes name = BYTES_NONE;
	int r;

	if (attributes[IFLA_IFNAME])
		name = attribute_text(attributes[IFLA_IFNAME]);
	if (!nic_name_is_valid(name)) {
		log_debug("link %d has a name that no file could hold", link.index);
		return 0;
	}
	link.name = arena_copy(&dump->arena, name);
	if (!link.name)
		return -ENOMEM;
	link.has_master = attributes[IFLA_MASTER] != NULL;
	r = copy_mac(&dump->arena, attributes[IFLA_PERM_ADDRESS], &link.permanent);
	if (r < 0)
		return r;
	r = copy_mac(&dump->arena, attributes[IFLA_ADDRESS], &link.current);
	if (r < 0)
		return r;
	r = copy_altnames(dump, attributes[IFLA_PROP_LIST], &link);
	if (r < 0)
		return r;
	r = ARRAY_RESERVE(dump->links, dump->n_links, dump->links_allocated);
	if (r < 0)
		return r;
	dump->links[dump->n_links++] = link;
	return 0;
}

static int on_message(struct nl_msg *message, void *data)
{
	struct nlattr *attributes[IFLA_MAX + 1];
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct dump *dump = data;

	if (header->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(header, sizeof(struct ifinfomsg), attributes, IFLA_MAX, NULL) < 0)
		return NL_SKIP;
	if (add_link(dump, nlmsg_data(header), attributes) < 0)
		dump->failed = true;
	return NL_OK;
}

/* libnl's errors are its own; those that can come of a dump. */
static int errno_of_libnl(int error)
{
	switch (-error) {
	case NLE_DUMP_INTR:
	case NLE_AGAIN:
	case NLE_INTR:
		return -EAGAIN;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EACCES;
	case NLE_AF_NOSUPPORT:
	case NLE_OPNOTSUPP:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

static int send_request(struct nl_sock *socket)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nl_msg *message;
	int r;

	message = nlmsg_alloc_simple(RTM_GETLINK, NLM_F_DUMP);
	if (!message)
		return -NLE_NOMEM;
	r = nlmsg_append(message, &info, sizeof(info), NLMSG_ALIGNTO);
	/* Counters make up most of a message. */
	if (r >= 0)
		r = nla_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (r >= 0)
		r = nl_send_auto(socket, message);
	nlmsg_free(message);
	return r;
}

/* Return: 0, -EAGAIN when links changed meanwhile, or a negative errno with @problem set. */
static int read_dump(struct dump *dump, struct problem *problem)
{
	struct nl_sock *socket = nl_socket_alloc();
	int r = -NLE_NOMEM;

	if (socket)
		r = nl_connect(socket, NETLINK_ROUTE);
	if (r >= 0)
		r = nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_message, dump);
	if (r >= 0)
		r = send_request(socket);
	if (r >= 0)
		r = nl_recvmsgs_default(socket);
	nl_socket_free(socket);
	if (r >= 0 && dump->failed)
		r = -NLE_NOMEM;
	if (r >= 0)
		return 0;
	if (errno_of_libnl(r) == -EAGAIN)
		return -EAGAIN;
	return problem_set(problem, errno_of_libnl(r), NULL, 0, "cannot list network links: %s",
			   nl_geterror(r));
}

struct scan {
	const struct root *root;
	struct sysfs net;
	bool udev_runs;
	struct inventory *inventory;
	/* Room for one attribute at a time. */
	struct sysfs_text text;
};

/*
 * Components below which a device hangs that does not stand on the PCI function above: it is
 * plugged into the function's ports and may be moved to another's. usb1, mmc1, fw0 (FireWire),
 * domain0 (Thunderbolt, host to host).
 */
static bool is_plugged_into(struct bytes component)
{
	static const char *const prefixes[] = { "usb", "mmc", "fw", "domain" };
	uint64_t number;

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t length = strlen(prefixes[i]);

		if (bytes_start_with(component, bytes_of(prefixes[i])) &&
		    number_parse(bytes_slice(component, length, component.size - length), 10,
				 UINT64_MAX, &number) == 0)
			return true;
	}
	return false;
}

/* "../../devices/pci0000:00/0000:00:03.0/virtio2/net/eth0": the last function counts. */
static void find_function(struct bytes path, struct nic *nic)
{
	struct bytes component;

	while (sysfs_next_component(&path, &component)) {
		if (pci_address_parse(component, &nic->pci) == 0)
			nic->has_pci = true;
		else if (is_plugged_into(component))
			nic->has_pci = false;
	}
	if (!nic->has_pci)
		nic->pci = (struct pci_address){ 0 };
}

static bool read_number(struct scan *scan, const char *name, const char *attribute, int *ret_value)
{
	uint64_t value;

	if (sysfs_read(&scan->net, name, attribute, &scan->text) < 0 ||
	    number_parse(sysfs_bytes(&scan->text), 10, INT_MAX, &value) < 0)
		return false;
	*ret_value = (int)value;
	return true;
}

/* Whether udev is done with a link: it writes the record after it has renamed it. */
static bool is_settled(const struct scan *scan, const struct link *link)
{
	char path[64];

	if (!scan->udev_runs)
		return true;
	(void)snprintf(path, sizeof(path), "/run/udev/data/n%d", link->index);
	return root_exists(scan->root, path);
}

/*
 * Kernels before 5.6 do not tell the permanent address. The current one is as good only while
 * nobody has set it: a bond gives all its members one address.
 */
static const char *find_mac(struct scan *scan, const struct link *link)
{
	int assigned_by;

	if (link->permanent)
		return link->permanent;
	if (link->has_master || !read_number(scan, link->name, "addr_assign_type", &assigned_by) ||
	    assigned_by != ADDRESS_IS_PERMANENT)
		return NULL;
	return link->current;
}

static int copy_text(struct arena *arena, const char *text, const char **ret_text)
{
	*ret_text = arena_copy_text(arena, text);
	return text && !*ret_text ? -ENOMEM : 0;
}

static int copy_names(struct arena *arena, const struct link *link, struct nic *nic)
{
	int r;

	r = copy_text(arena, link->name, &nic->name);
	if (r < 0)
		return r;
	nic->altnames = arena_allocate(arena, link->n_altnames * sizeof(*nic->altnames));
	if (!nic->altnames)
		return -ENOMEM;
	for (size_t i = 0; i < link->n_altnames; i++) {
		r = copy_text(arena, link->altnames[i], &nic->altnames[i]);
		if (r < 0)
			return r;
		nic->n_altnames++;
	}
	return 0;
}

static int fill_nic(struct scan *scan, const struct link *link, struct bytes path, struct nic *nic)
{
	struct arena *arena = &scan->inventory->arena;
	int r;

	find_function(path, nic);
	/* Kernels since 3.15 tell a port, 0 unless the driver knows better. */
	if (nic->has_pci && !read_number(scan, link->name, "dev_port", &nic->port))
		nic->port = 0;
	nic->settled = is_settled(scan, link);
	r = copy_names(arena, link, nic);
	if (r < 0)
		return r;
	r = copy_text(arena, find_mac(scan, link), &nic->mac);
	if (r < 0)
		return r;
	if (sysfs_read_link(&scan->net, link->name, "device/driver", &scan->text) < 0)
		return 0;
	return sysfs_copy_word(arena, sysfs_last_component(sysfs_bytes(&scan->text)), &nic->driver);
}

/*
 * Where a link hangs in the device tree. Return: 1, 0 when it stands on no device, -ENOENT when
 * there is no such link, or another negative errno.
 */
static int find_path(struct scan *scan, const char *name, struct sysfs_text *ret_path)
{
	int has_path, has_device;

	has_path = sysfs_read_link(&scan->net, name, NULL, ret_path);
	if (has_path < 0 && has_path != -EINVAL)
		return has_path;
	/* Most links of a host with guests: no need to ask for their device. */
	if (has_path == 0 && strstr(ret_path->data, "/virtual/net/"))
		return 0;
	has_device = sysfs_read_link(&scan->net, name, "device", &scan->text);
	if (has_device < 0 && has_device != -EINVAL)
		return 0;
	/* A copy made by following links has directories in their place. */
	if (has_path < 0) {
		ret_path->size = has_device < 0 ? 0 : scan->text.size;
		memcpy(ret_path->data, scan->text.data, ret_path->size);
	}
	return 1;
}

/*
 * Return: 0, -EAGAIN when /sys knows no such link, or another one by its name: it was renamed
 * since the dump was made.
 */
static int add_nic(struct scan *scan, const struct link *link)
{
	struct sysfs_text path;
	struct nic *nic;
	int index = link->index, r;

	r = find_path(scan, link->name, &path);
	if (r == -ENOENT)
		return -EAGAIN;
	if (r <= 0)
		return r;
	if (scan->root->live &&
	    (!read_number(scan, link->name, "ifindex", &index) || index != link->index))
		return -EAGAIN;
	nic = inventory_add_nic(scan->inventory);
	if (!nic)
		return -ENOMEM;
	r = fill_nic(scan, link, sysfs_bytes(&path), nic);
	if (r < 0)
		scan->inventory->n_nics--;
	return r;
}

static int add_nics(struct scan *scan, const struct dump *dump, bool last_attempt)
{
	int r;

	for (size_t i = 0; i < dump->n_links; i++) {
		r = add_nic(scan, &dump->links[i]);
		/* No rename: /sys is of another network namespace, so the link has no device here.
		 */
		if (r == -EAGAIN && last_attempt)
			continue;
		if (r < 0)
			return r;
	}
	return 0;
}

static int scan_live(struct scan *scan, struct problem *problem)
{
	size_t n_before = scan->inventory->n_nics;
	int r = -EAGAIN;

	scan->udev_runs = root_exists(scan->root, "/run/udev/control");
	for (int attempt = 1; attempt <= ATTEMPTS_MAX && r == -EAGAIN; attempt++) {
		struct dump dump = { 0 };

		scan->inventory->n_nics = n_before;
		r = read_dump(&dump, problem);
		if (r == 0)
			r = add_nics(scan, &dump, attempt == ATTEMPTS_MAX);
		dump_done(&dump);
	}
	if (r == -EAGAIN)
		return problem_set(problem, r, NULL, 0, "the network links keep changing");
	return r < 0 ? problem_set_errno(problem, r, NET_PATH, "read") : 0;
}

/* Return: 0, or -ENOENT when the link leads nowhere. */
static int read_copied_address(struct scan *scan, struct link *link, char *address)
{
	int r;

	r = sysfs_read(&scan->net, link->name, "address", &scan->text);
	if (r < 0)
		return r == -ENOENT ? r : 0;
	if (mac_size_is_valid(
		    octets_normalise(sysfs_bytes(&scan->text), ':', address, MAC_TEXT_MAX)))
		link->current = address;
	return 0;
}

/* What the files of a copy tell of a link; altnames are not among them. */
static int add_copied_nic(struct scan *scan, const char *name)
{
	struct link link = { .name = name };
	char address[MAC_TEXT_MAX];
	struct sysfs_text path;
	int r;

	r = read_copied_address(scan, &link, address);
	if (r < 0) {
		/* It would look like a NIC that was removed. */
		if (sysfs_read_link(&scan->net, name, NULL, &path) == 0 &&
		    !strstr(path.data, "/virtual/net/"))
			return r;
		return 0;
	}
	link.has_master = sysfs_read_link(&scan->net, name, "master", &scan->text) == 0;
	return add_nic(scan, &link);
}

static int scan_copy(struct scan *scan, struct problem *problem)
{
	struct root_name shown;
	const char *path = root_show(scan->root, NET_PATH, &shown), *entry;
	int r;

	while ((r = sysfs_next(&scan->net, &entry)) > 0) {
		/* bonding_masters is a file among the links. */
		if (!nic_name_is_valid(bytes_of(entry)))
			continue;
		r = add_copied_nic(scan, entry);
		if (r == -ENOENT)
			return problem_set(problem, r, path, 0,
					   "%s leads nowhere: not a whole copy of /sys", entry);
		if (r < 0)
			break;
	}
	return r < 0 ? problem_set_errno(problem, r, path, "read") : 0;
}

static int compare_ports(const void *a, const void *b)
{
	const struct nic *left = *(struct nic *const *)a, *right = *(struct nic *const *)b;
	int order = pci_address_compare(&left->pci, &right->pci);

	return order ? order : (left->port > right->port) - (left->port < right->port);
}

static int compare_macs(const void *a, const void *b)
{
	const struct nic *left = *(struct nic *const *)a, *right = *(struct nic *const *)b;

	if (!left->mac || !right->mac)
		return (left->mac != NULL) - (right->mac != NULL);
	return strcmp(left->mac, right->mac);
}

/*
 * Drivers that do not tell their ports have dev_port 0 for all. Vendors number the addresses of a
 * card's ports upwards; names and interface indices follow the order of probing and mean nothing.
 */
static void number_ports_of_function(struct nic **nics, size_t n)
{
	bool told = true, ordered = true;

	for (size_t i = 1; i < n; i++)
		told = told && nics[i - 1]->port != nics[i]->port;
	if (told)
		return;
	qsort(nics, n, sizeof(*nics), compare_macs);
	for (size_t i = 1; i < n; i++)
		ordered = ordered && nics[i - 1]->mac && compare_macs(&nics[i - 1], &nics[i]) < 0;
	for (size_t i = 0; i < n; i++)
		nics[i]->port = ordered ? (int)i : UNKNOWN;
}

static int number_ports(struct nic *nics, size_t n)
{
	_cleanup_free_ struct nic **sorted = calloc(n, sizeof(*sorted));
	size_t n_sorted = 0, end;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (nics[i].has_pci)
			sorted[n_sorted++] = &nics[i];
	qsort(sorted, n_sorted, sizeof(*sorted), compare_ports);
	for (size_t start = 0; start < n_sorted; start = end) {
		for (end = start + 1; end < n_sorted; end++)
			if (!pci_address_equal(&sorted[start]->pci, &sorted[end]->pci))
				break;
		number_ports_of_function(sorted + start, end - start);
	}
	return 0;
}

int link_scan(const struct root *root, struct inventory *inventory, struct problem *problem)
{
	struct scan *scan = calloc(1, sizeof(*scan));
	size_t n_before = inventory->n_nics;
	struct root_name shown;
	int r;

	if (!scan)
		return problem_set_errno(problem, -ENOMEM, NET_PATH, "read");
	scan->root = root;
	scan->inventory = inventory;
	r = sysfs_open(root, NET_PATH, &scan->net);
	if (r < 0) {
		free(scan);
		/* A copy of a machine without a network. */
		if (r == -ENOENT && !root->live)
			return 0;
		return problem_set_errno(problem, r, root_show(root, NET_PATH, &shown), "open");
	}
	r = root->live ? scan_live(scan, problem) : scan_copy(scan, problem);
	if (r == 0 && inventory->n_nics > n_before)
		r = number_ports(inventory->nics + n_before, inventory->n_nics - n_before);
	sysfs_done(&scan->net);
	free(scan);
	return r;
}
