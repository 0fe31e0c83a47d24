/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PCI addresses as libvirt writes them, in four attributes of an element:
 * domain='0x0000' bus='0x05' slot='0x00' function='0x0'. The mention is all of it, from the first
 * of them to the end of the last, with whatever stands between.
 */
#pragma once

#include "snapshot/basic/arena.h"
#include "snapshot/pci-address.h"

/* NAME="VALUE" in a start tag; @value is without its quotes, which stand around it. */
struct xml_attribute {
	struct bytes name;
	struct bytes value;
};

/**
 * xml_attribute_next() - Walk over the attributes of a start tag
 * @text: what stands in the tag behind the element's name
 * @at:   where to go on, 0 at first
 *
 * Return: 1 with @ret_attribute, 0 behind the last, or -EINVAL for what are no attributes.
 */
_must_check_ int xml_attribute_next(struct bytes text, size_t *at,
				    struct xml_attribute *ret_attribute);

/**
 * address_attributes_find() - The mention in a start tag
 * @text: as for xml_attribute_next()
 *
 * Return: whether any of the four attributes is there; @ret_mention is the part of @text from the
 * first of them to the end of the last.
 */
bool address_attributes_find(struct bytes text, struct bytes *ret_mention);

/**
 * address_attributes_parse() - Read such a text
 *
 * Attributes in any order, either quote, numbers as libvirt reads them (0x.., decimal, octal with a
 * leading 0); domain and function may be missing and are 0 then. Others are passed over.
 *
 * Return: 0, or -EINVAL when it is no address: bus or slot is missing, one stands there twice, a
 * number is none or too large.
 */
_must_check_ int address_attributes_parse(struct bytes text, struct pci_address *ret_address);

/**
 * address_attributes_format() - Write another address as this one is written
 * @like: a text that address_attributes_parse() reads; order, quotes, blanks, base and number of
 *        digits of each number are kept, where the new number fits in them. An attribute that is
 *        missing is added behind the last only if its value is not 0
 *
 * Return: the text in @arena, or NULL when there is no memory or @like is no such text.
 */
const char *address_attributes_format(struct arena *arena, struct bytes like,
				      const struct pci_address *address);
