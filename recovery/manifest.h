/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guard in the boot image is told: the hardware that was there, what the bind entries in
 * the image mean, and what may be done about them. Written from the state by the running system,
 * never worked out by whoever builds the image: an image is built at any time, also while an entry
 * is stale.
 *
 * Plain lines, so that the guard needs nothing but libc to read them:
 *
 *   hwrecover-manifest 1
 *   machine  UUID
 *   home     UUID                          of the machine that entries out of force are meant on
 *   policy   auto|report|off disable|relocate|report yes|no    (Mode, StaleBinds, Restore)
 *   allow    ADDRESS
 *   function ADDRESS PATH IDS SUBSYSTEM CLASS SERIAL SLOT FIRMWARE-PATH PHYSFN DRIVER PROTECTED
 *   nic      NAME ADDRESS
 *   unit     ADDRESS PATH IDS SUBSYSTEM CLASS SERIAL SLOT FIRMWARE-PATH PHYSFN VF-INDEX FLAGS
 *            FIRST-ADDRESS FIRST-PATH
 *   mention  FILE TEXT SAID OFFSET BLOCK BODY KEY LINE UNIT FLAGS
 *   parked   FILE OFFSET CONTEXT PRESENT ORIGINAL FLAGS, then for each mention in it
 *            OFFSET LENGTH UNIT SAID FLAGS
 *   file     FILE DIGEST, then the digest of each line
 *   checksum fnv1a64:0123456789abcdef
 *
 * Fields are those of tab-fields.h. IDS and SUBSYSTEM are "VVVV:DDDD", digests 16 hexadecimal
 * digits, UNIT the number of a "unit" line counted from 0. FLAGS are letters: 'a' ambiguous, 'h'
 * held, 'p' parked, 'i' inside, 'l' lost; "-" for none. The checksum is over all bytes before its
 * line (bytes_digest()).
 *
 * The same state gives the same bytes: nothing in it changes from boot to boot by itself, as the
 * image is built again whenever the manifest is another one.
 */
#pragma once

#include "recovery/resolve.h"

/* Where the running system keeps it, and where the image has it. */
#define MANIFEST_NAME       "manifest"
#define MANIFEST_PATH       "/var/lib/hwrecover/" MANIFEST_NAME
#define MANIFEST_IMAGE_PATH "/etc/hwrecover/" MANIFEST_NAME

/* Largest that is read: 4,000 functions are half a MiB. */
#define MANIFEST_MAX_SIZE (4U * 1024 * 1024)

enum manifest_mode {
	MANIFEST_AUTO,
	MANIFEST_REPORT, /* only protected devices are kept from being taken */
	MANIFEST_OFF,    /* the guard does nothing */
};

/**
 * struct manifest_policy - What the configuration says, as far as the guard obeys it
 * @binds:   StaleBinds
 * @restore: Restore
 * @allowed: Allow: addresses of protected devices that may be taken, @n_allowed of them
 */
struct manifest_policy {
	enum manifest_mode mode;
	enum bind_policy binds;
	bool restore;
	struct pci_address *allowed;
	size_t n_allowed;
};

/**
 * struct manifest - A manifest as it was read
 * @inventory: what meanings were last resolved against: functions, and NICs with name and function
 *             only; no time, boot id, host or kernel
 * @meanings:  of addresses in files of which a copy is in the image; its arena owns every string
 * @policy:    its @allowed belongs to the manifest
 */
struct manifest {
	struct inventory inventory;
	struct meanings meanings;
	struct manifest_policy policy;
};

void manifest_done(struct manifest *manifest);

/* Whether a copy of a file, named as mentions name it, may be in the boot image. */
_pure_ bool manifest_wants_file(const char *path);

/**
 * manifest_render() - The manifest for a state
 * @inventory: finished; its functions' @protected and @driver as in the boot the baseline is of
 * @meanings:  all of them; mentions of NICs and those in other files than manifest_wants_file()
 *             tells are left out
 * @ret_text:  to be freed
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int manifest_render(const struct inventory *inventory, const struct meanings *meanings,
				 const struct manifest_policy *policy, char **ret_text,
				 size_t *ret_size);

/**
 * manifest_parse() - Read one
 * @file: named in problems
 *
 * Lines of a kind that is not known are passed over: a later program may know more kinds.
 *
 * Return: 0, or with @problem set -EBADMSG when it is damaged or holds a bad value, -EEXIST for a
 * duplicate address or name, -EPROTONOSUPPORT for another version, -ENOMEM.
 */
_must_check_ int manifest_parse(struct bytes text, const char *file, struct manifest *ret_manifest,
				struct problem *problem);
