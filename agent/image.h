/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The boot image: files that hwrecover edits, and the guard's manifest, have copies in it, and what
 * is in force early in a boot are the copies.
 */
#pragma once

#include "agent/context.h"

/* What was in the image when it was last built and checked here. */
#define IMAGE_RECORD_PATH "/var/lib/hwrecover/image"

/**
 * image_holds() - Whether a file has a copy in the boot image
 * @path: absolute in the tree
 */
_pure_ bool image_holds(const char *path);

/**
 * image_is_stale() - Whether the boot image, or the boot loader's configuration, has to be made
 * anew
 *
 * It is when a file that is in it, the manifest, or a file of the kernel command line is another
 * than when it was last built and verified here; without a record of that, when there is a manifest
 * to put in. Never without initramfs-tools: nothing here could make it anew.
 *
 * Return: 0, or a negative errno with @problem set: a file could not be read.
 */
_must_check_ int image_is_stale(struct context *context, bool *ret_stale, struct problem *problem);

/**
 * image_stage() - Make the boot image anew if it is stale
 * @context: opened to look (context_open()): building takes minutes, and the lock is taken only to
 *           record that it is done
 *
 * The running kernel's image first, each checked; one that is not as it has to be is replaced by
 * what was there before. In a tree that is not the live machine it is only said that there is
 * something to do. SIGTERM, SIGINT and SIGHUP have no effect while an image is being built: the
 * stage ends after it.
 *
 * Return: 0, or a negative errno with @problem set, which has been said already (journal, console).
 */
_must_check_ int image_stage(struct context *context, struct problem *problem);
