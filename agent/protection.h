/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which functions of the present hardware the host itself needs, as far as a survey can know. */
#pragma once

#include "agent/survey.h"

/**
 * protection_look() - Set @protected of the survey's functions
 * @options: with @early, what only shows once the boot is over (routes) is taken as it was
 * @survey:  its hardware is compared
 *
 * Where nothing has changed since the newest snapshot, that one knows; unless @options asks for
 * details, the machine is not looked at then.
 *
 * Return: 0, or -ENOMEM.
 */
_must_check_ int protection_look(const struct context *context,
				 const struct survey_options *options, struct survey *survey);
