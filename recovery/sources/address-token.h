/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PCI addresses in running text, in every form people write: "0000:05:00.0", "05:00.0" (domain 0),
 * "10000:e1:00.0", "0000\:05\:00.0" (as a shell or udev wants it in a path), "pci_0000_05_00_0" (as
 * libvirt names its node devices). Two spellings of one address are one address.
 */
#pragma once

#include "recovery/document.h"

/* Longest spelling and its NUL: "pci_ffffffff_ff_1f_7", "ffffffff\:ff\:1f.7". */
#define ADDRESS_TOKEN_TEXT 24

struct address_token_name {
	char text[ADDRESS_TOKEN_TEXT];
};

/**
 * struct address_token - An address found in a text
 * @span:    all of it; of "pci_0000_05_00_0" with its prefix
 * @address: what it says; of one without a function (see @whole_slot) function 0
 * @whole_slot: no function number follows, but something that may become one ("0000:05:00.$f",
 *           "0000:05:00.*", "0000:05:00"): it may mean any function of the slot
 */
struct address_token {
	struct span span;
	struct pci_address address;
	bool whole_slot;
};

/**
 * address_token_next() - Find the next address in a text
 * @from: where to start looking
 *
 * A whole token: no letter, digit, '_', ':' or '.' that belongs to something longer stands on
 * either side; "a8:a1:59:00:00:01" (a MAC), "10:05:00.5" (a time) and IPv6 addresses hold none.
 * "05:00" without a function and without a domain is a time, not a slot.
 *
 * Return: whether there is one.
 */
_must_check_ bool address_token_next(struct bytes text, size_t from,
				     struct address_token *ret_token);

/* Read a text that is one address and nothing else. Return: 0, or -EINVAL. */
_must_check_ int address_token_parse(struct bytes text, struct pci_address *ret_address);

/**
 * address_token_format() - Write another address as this one is written
 * @like: a token's text; separators, prefix, case of the letters, and, where the domain is 0,
 *        whether one is written are kept. A domain has as many digits as the kernel gives it
 *
 * Return: the text, kept in *@name.
 */
const char *address_token_format(struct bytes like, const struct pci_address *address,
				 struct address_token_name *name);
