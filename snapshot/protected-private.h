/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands on what: block devices, network links and what is made of several of them are nodes,
 * each known to stand on other nodes and on PCI functions. Reasons are claimed for the nodes at the
 * top and sink from there.
 */
#pragma once

#include "snapshot/protected.h"
#include "snapshot/sysfs.h"

#define NOWHERE SIZE_MAX

/* Nothing that is read here is larger on a machine that works. */
#define TABLE_MAX (32U * 1024 * 1024)

/* In the order in which reasons are shown; that of a display stands behind them. */
enum rank {
	RANK_ROOT,
	RANK_BOOT,
	RANK_ESP,
	RANK_SWAP,
	RANK_MOUNT,
	RANK_POOL,
	RANK_VOLUME_GROUP,
	RANK_ROUTE,
	RANK_BRIDGE,
};

/* Those of a kind stand together among the nodes, sorted by name. */
enum node_kind {
	NODE_BLOCK,   /* of /sys/class/block */
	NODE_LINK,    /* of /sys/class/net */
	NODE_BTRFS,   /* a file system, which may have several devices; named by its UUID */
	NODE_POOL,    /* an imported ZFS pool */
	NODE_NETWORK, /* whatever leads to other machines; there is one, and only root sinks on */
	_NODE_KIND_MAX,
};

struct edge {
	size_t to;
	struct edge *next;
};

/**
 * struct node - Something that stands on hardware
 * @is_read:     whether @below and @functions are filled
 * @below:       nodes it stands on
 * @functions:   functions it stands on
 * @filesystem:  of a block device: the btrfs it is part of, or NOWHERE
 * @mount:       the mount that is the reason to name for it, or NULL
 * @mount_rank:  that mount's
 * @has_route:   of a link: packets for other machines go out through it
 * @has_default: of a link: those of the default route do
 * @n_reasons:   how many have sunk through it, @last_reason the last of them
 * @has_more:    whether it was told that there are more
 */
struct node {
	enum node_kind kind;
	const char *name;
	bool is_read;
	struct edge *below;
	struct edge *functions;
	size_t filesystem;
	const char *mount;
	enum rank mount_rank;
	bool has_route;
	bool has_default;
	unsigned int n_reasons;
	const char *last_reason;
	bool has_more;
};

/* A reason that was found for a node. */
struct claim {
	enum rank rank;
	const char *text;
	size_t node;
};

/* A device of the device mapper, by the name it has below /dev/mapper. */
struct mapped {
	const char *name;
	size_t node;
};

struct mount;
struct fstab_entry;

/**
 * struct protection - The work of protected_mark()
 * @arena:  owns all that is pointed to
 * @first, @count: where the nodes of each kind are
 * @block, @numbers, @net: /sys/class/block, /sys/dev/block, /sys/class/net; @dir NULL if missing
 * @mapped: sorted by name
 * @mounts: sorted by mount point, of one mount point the one that hides the others last
 * @fstab:  sorted by mount point
 */
struct protection {
	const struct root *root;
	struct inventory *inventory;
	struct arena arena;

	struct node *nodes;
	size_t n_nodes;
	size_t nodes_allocated;
	size_t first[_NODE_KIND_MAX];
	size_t count[_NODE_KIND_MAX];

	struct claim *claims;
	size_t n_claims;
	size_t claims_allocated;

	struct sysfs block;
	struct sysfs numbers;
	struct sysfs net;

	struct mapped *mapped;
	size_t n_mapped;
	size_t mapped_allocated;

	struct mount *mounts;
	size_t n_mounts;
	size_t mounts_allocated;

	struct fstab_entry *fstab;
	size_t n_fstab;
	size_t fstab_allocated;

	/* Room for one attribute at a time. */
	struct sysfs_text text;
};

/* protected.c */

/* The node of that kind and name, or NOWHERE. */
_pure_ size_t protection_find(const struct protection *protection, enum node_kind kind,
			      struct bytes name);

/* Make a node while those of its kind are made. Return: 0, or -ENOMEM. */
_must_check_ int protection_add_node(struct protection *protection, enum node_kind kind,
				     struct bytes name);

/* Note that one node stands on another. NOWHERE is nothing. Return: 0, or -ENOMEM. */
_must_check_ int protection_add_below(struct protection *protection, size_t node, size_t below);

/* Note that a node stands on the functions that a path in /sys/devices leads through, bridges left
 * out. Return: how many there were, or -ENOMEM. */
_must_check_ int protection_add_functions(struct protection *protection, size_t node,
					  struct bytes path);

/**
 * protection_claim() - Give a reason to protect what a node stands on
 * @node: NOWHERE is nothing
 * @before, @name, @after: make up the reason; the name is made fit to be shown, NULL for none
 *
 * Return: 0, or -ENOMEM.
 */
_must_check_ int protection_claim(struct protection *protection, size_t node, enum rank rank,
				  const char *before, const char *name, const char *after);

/* A whole file of the tree, to be freed. Return: 0, or a negative errno. */
_must_check_ int protection_read_file(const struct protection *protection, const char *path,
				      char **ret_data, struct bytes *ret_text);

/* protected-block.c */

/* All return 0 or -ENOMEM; what cannot be read is not known. */
_must_check_ int block_read(struct protection *protection);
_must_check_ int block_claim_volume_groups(struct protection *protection);
_must_check_ int block_read_node(struct protection *protection, size_t node);

/* The block device with a number ("254:0"), or of a path below /dev, or NOWHERE. */
size_t block_find_number(struct protection *protection, const char *number);
size_t block_find_path(struct protection *protection, const char *path);

/* protected-mounts.c */

_must_check_ int mounts_read(struct protection *protection);
_must_check_ int mounts_claim(struct protection *protection);

/* What the file system stands on that a file of this path is in, or NOWHERE. */
size_t mounts_find_holder(struct protection *protection, const char *path);

/* protected-pools.c */

_must_check_ int pools_add_nodes(struct protection *protection, struct bytes zpool_list);
_must_check_ int pools_claim(struct protection *protection, struct bytes zpool_list);

/* protected-links.c */

_must_check_ int links_claim(struct protection *protection);
_must_check_ int links_read_node(struct protection *protection, size_t node);
_must_check_ int links_read_network(struct protection *protection, size_t node);
