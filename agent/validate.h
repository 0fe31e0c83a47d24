/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last look before anything is replaced: by the very program that will read the files. */
#pragma once

#include "agent/survey.h"

/**
 * validate_plan() - Let the installed ifquery read the interfaces files as they will be
 *
 * On the live machine only; under --root nothing of the tree is run, and the grammar check that
 * every plan passes (recovery/source.h) has to do. What ifquery rejects now it may reject
 * afterwards too; what it accepts it must accept, without an error more than before.
 *
 * Return: 0, -EBADMSG with @problem set when the result would be rejected, or another negative
 * errno. A reader that cannot be run at all is no reason to leave a host off its network: 0.
 */
_must_check_ int validate_plan(const struct context *context, const struct survey *survey,
			       struct problem *problem);

/**
 * validate_scripts() - Ask sh(1) about the shell scripts that the survey's plan edits
 *
 * As far as it can be asked: `sh -n`, which executes nothing of what it reads. A script that it
 * rejects, or would reject afterwards, is marked as rejected: it is to be left, so there has to be
 * another plan.
 *
 * Return: how many scripts are rejected now.
 */
unsigned int validate_scripts(struct survey *survey);
