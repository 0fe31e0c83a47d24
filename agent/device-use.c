/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/device-use.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/number.h"
#include "snapshot/sysfs.h"

#define DEVICES_PATH "/sys/bus/pci/devices"
#define VFIO_NODES   "/dev/vfio/"

/* Far more than there are: a function has at most 256 virtual ones, a process rarely 1000 files. */
#define NODES_MAX       4096
#define DESCRIPTORS_MAX (1U << 20)

/* A device node: "/dev/vfio/24", "/dev/vfio/devices/vfio3". */
struct node {
	char path[48];
};

struct search {
	const struct root *root;
	struct node *nodes;
	size_t n_nodes;
	size_t nodes_allocated;
	unsigned int n_descriptors;
	bool denied;
	/* Room for one link at a time. */
	struct sysfs_text text;
};

static void search_done(struct search *search)
{
	free(search->nodes);
}

static int add_node(struct search *search, const char *prefix, const char *name)
{
	struct node node;
	int n, r;

	n = snprintf(node.path, sizeof(node.path), VFIO_NODES "%s%s", prefix, name);
	/* The kernel's names are a number and a short prefix; nothing else is a node of VFIO's. */
	if (n < 0 || (size_t)n >= sizeof(node.path))
		return 0;
	if (search->n_nodes == NODES_MAX)
		return -E2BIG;
	r = ARRAY_RESERVE(search->nodes, search->n_nodes, search->nodes_allocated);
	if (r < 0)
		return r;
	search->nodes[search->n_nodes++] = node;
	return 0;
}

/* Errors that mean that nothing of the name is there. */
static bool error_means_absent(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ENODEV;
}

/* Adds the nodes of one function, @path being its directory: one, or none where vfio has it not. */
static int add_device_nodes(struct search *search, const char *path)
{
	_cleanup_(sysfs_done) struct sysfs entries = { 0 };
	char name[SYSFS_NAME_MAX];
	const char *entry;
	int r;

	r = snprintf(name, sizeof(name), "%s/vfio-dev", path);
	if (r < 0 || (size_t)r >= sizeof(name))
		return -ENAMETOOLONG;
	r = sysfs_open(search->root, name, &entries);
	if (r < 0)
		return error_means_absent(r) ? 0 : r;
	while ((r = sysfs_next(&entries, &entry)) > 0) {
		r = add_node(search, "devices/", entry);
		if (r < 0)
			return r;
	}
	return r;
}

static int add_member_nodes(struct search *search, const char *group_path)
{
	_cleanup_(sysfs_done) struct sysfs members = { 0 };
	char name[SYSFS_NAME_MAX];
	const char *entry;
	int r;

	r = sysfs_open(search->root, group_path, &members);
	if (r < 0)
		return error_means_absent(r) ? 0 : r;
	while ((r = sysfs_next(&members, &entry)) > 0) {
		r = snprintf(name, sizeof(name), "%s/%s", group_path, entry);
		if (r < 0 || (size_t)r >= sizeof(name))
			return -ENAMETOOLONG;
		r = add_device_nodes(search, name);
		if (r < 0)
			return r;
	}
	return r;
}

/* Return: 1 with the number of the function's group, 0 when it is in none, or a negative errno. */
static int read_group(const struct root *root, const char *function, struct sysfs_text *text,
		      char *ret_number, size_t size)
{
	_cleanup_(sysfs_done) struct sysfs devices = { 0 };
	struct bytes name;
	uint64_t number;
	int r;

	r = sysfs_open(root, DEVICES_PATH, &devices);
	if (r < 0)
		return r;
	r = sysfs_read_link(&devices, function, "iommu_group", text);
	if (r < 0)
		return error_means_absent(r) ? 0 : r;
	name = sysfs_last_component(sysfs_bytes(text));
	r = number_parse(name, 10, INT_MAX, &number);
	if (r < 0)
		return r;
	(void)snprintf(ret_number, size, "%u", (unsigned int)number);
	return 1;
}

/* Adds the nodes by which the function, or any that shares its group, can be open. */
static int add_nodes(struct search *search, const char *function)
{
	char path[SYSFS_NAME_MAX], number[16];
	int r;

	(void)snprintf(path, sizeof(path), DEVICES_PATH "/%s", function);
	r = read_group(search->root, function, &search->text, number, sizeof(number));
	if (r <= 0)
		return r < 0 ? r : add_device_nodes(search, path);
	r = add_node(search, "", number);
	if (r == 0)
		r = add_node(search, "noiommu-", number);
	(void)snprintf(path, sizeof(path), DEVICES_PATH "/%s/iommu_group/devices", function);
	return r < 0 ? r : add_member_nodes(search, path);
}

/* Virtual functions, by the links "virtfnN" of their physical one. */
static int add_virtual_nodes(struct search *search, const char *function)
{
	_cleanup_(sysfs_done) struct sysfs attributes = { 0 };
	char path[sizeof(DEVICES_PATH) + 1 + PCI_ADDRESS_TEXT];
	struct pci_address_name shown;
	struct pci_address address;
	const char *entry;
	int r;

	(void)snprintf(path, sizeof(path), DEVICES_PATH "/%s", function);
	r = sysfs_open(search->root, path, &attributes);
	if (r < 0)
		return r;
	while ((r = sysfs_next(&attributes, &entry)) > 0) {
		if (!bytes_start_with(bytes_of(entry), bytes_of("virtfn")) ||
		    sysfs_read_link(&attributes, entry, NULL, &search->text) < 0 ||
		    pci_address_parse(sysfs_last_component(sysfs_bytes(&search->text)), &address) <
			    0)
			continue;
		r = add_nodes(search, pci_address_show(&address, &shown));
		if (r < 0)
			return r;
	}
	return r;
}

static bool is_searched_for(const struct search *search)
{
	if (!bytes_start_with(sysfs_bytes(&search->text), bytes_of(VFIO_NODES)))
		return false;
	for (size_t i = 0; i < search->n_nodes; i++)
		if (bytes_equal_text(sysfs_bytes(&search->text), search->nodes[i].path))
			return true;
	return false;
}

/* Return: 1 when the process has one of the nodes open, 0 when not, or a negative errno. */
static int look_at_process(struct search *search, const char *process)
{
	_cleanup_(sysfs_done) struct sysfs descriptors = { 0 };
	char path[64];
	const char *entry;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%s/fd", process);
	r = sysfs_open(search->root, path, &descriptors);
	if (r < 0)
		return r;
	while ((r = sysfs_next(&descriptors, &entry)) > 0) {
		if (++search->n_descriptors > DESCRIPTORS_MAX)
			return -E2BIG;
		/* Closed since the directory was read, which says nothing about the next. */
		r = sysfs_read_link(&descriptors, entry, NULL, &search->text);
		if (r == -EACCES || r == -EPERM)
			return r;
		if (r == 0 && is_searched_for(search))
			return 1;
	}
	return r;
}

static void fill_user(struct search *search, const struct sysfs *processes, const char *process,
		      pid_t pid, struct device_user *user)
{
	size_t size = 0;

	user->pid = pid;
	if (sysfs_read(processes, process, "comm", &search->text) < 0 || search->text.size == 0)
		(void)snprintf(search->text.data, sizeof(search->text.data), "?");
	/* A process names itself as it likes. */
	for (const char *c = search->text.data; *c && size < sizeof(user->name) - 1; c++)
		user->name[size++] = (char)(*c > ' ' && *c <= '~' ? *c : '_');
	user->name[size] = '\0';
}

static int look_at_processes(struct search *search, struct device_user *ret_user)
{
	_cleanup_(sysfs_done) struct sysfs processes = { 0 };
	const char *entry;
	uint64_t pid;
	int r;

	r = sysfs_open(search->root, "/proc", &processes);
	if (r < 0)
		return r;
	while ((r = sysfs_next(&processes, &entry)) > 0) {
		if (number_parse(bytes_of(entry), 10, INT_MAX, &pid) < 0)
			continue;
		r = look_at_process(search, entry);
		if (r > 0) {
			fill_user(search, &processes, entry, (pid_t)pid, ret_user);
			return 1;
		}
		if (r == -EACCES || r == -EPERM)
			search->denied = true;
		/* It ended meanwhile. */
		else if (r < 0 && r != -ENOENT && r != -ESRCH)
			return r;
	}
	if (r < 0)
		return r;
	return search->denied ? -EACCES : 0;
}

int device_in_use(const struct root *root, const struct pci_address *address,
		  struct device_user *ret_user)
{
	_cleanup_(search_done) struct search search = { .root = root };
	struct pci_address_name shown;
	int r;

	(void)pci_address_show(address, &shown);
	r = add_virtual_nodes(&search, shown.text);
	if (r == -ENOENT)
		return -ENODEV;
	if (r == 0)
		r = add_nodes(&search, shown.text);
	if (r < 0 || search.n_nodes == 0)
		return r;
	return look_at_processes(&search, ret_user);
}

int device_group_is_busy(const struct root *root, const struct pci_address *address)
{
	_cleanup_close_ int fd = -1;
	struct pci_address_name shown;
	char number[16], path[sizeof(VFIO_NODES) + sizeof(number)];
	struct sysfs_text text;
	int r;

	r = read_group(root, pci_address_show(address, &shown), &text, number, sizeof(number));
	if (r <= 0)
		return r;
	(void)snprintf(path, sizeof(path), VFIO_NODES "%s", number);
	/* Any other error is that of a group which VFIO has nothing in. */
	fd = root_openat(root, path, O_RDWR | O_NONBLOCK, 0);
	return fd == -EBUSY;
}
