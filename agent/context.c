/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/context.h"

#include <errno.h>
#include <sys/utsname.h>

#include "agent/pve.h"
#include "recovery/transaction.h"
#include "snapshot/basic/log.h"
#include "snapshot/message-ids.h"

void context_done(struct context *context)
{
	if (!context)
		return;
	store_done(&context->store);
	lock_release(&context->lock);
	config_done(&context->config);
	root_done(&context->root);
}

int context_open_config(const struct invocation *invocation, struct context *ret_context,
			struct problem *problem)
{
	int r;

	*ret_context = (struct context){
		.invocation = invocation, .root = ROOT_INIT, .store = STORE_INIT, .lock = LOCK_INIT
	};
	r = root_open(invocation->root_path, &ret_context->root, problem);
	if (r == 0)
		r = config_load(&ret_context->root, invocation->config_file, &ret_context->config,
				problem);
	if (r < 0)
		context_done(ret_context);
	return r;
}

int context_open(const struct invocation *invocation, struct context *ret_context,
		 struct problem *problem)
{
	int r;

	r = context_open_config(invocation, ret_context, problem);
	if (r < 0)
		return r;
	r = store_open(&ret_context->root, false, &ret_context->store, problem);
	if (r < 0)
		context_done(ret_context);
	else
		ret_context->store.read_only = true;
	return r;
}

bool context_has_deferred(const struct context *context)
{
	return root_exists(&context->root, STORE_PATH "/" TRANSACTION_DEFERRED);
}

/* Whether what was cut short below /etc/pve can be completed, if there is such. */
static bool is_pve_writable(const struct context *context)
{
	enum pve_state state = PVE_ABSENT;
	struct utsname names;

	if (!context->root.live)
		return true;
	if (!context_has_deferred(context) &&
	    !root_exists(&context->root, STORE_PATH "/" TRANSACTION_JOURNAL))
		return false;
	return uname(&names) == 0 &&
	       pve_look(&context->root, pve_node(&names), PVE_LOOK_TIMEOUT_MS, &state) == 0 &&
	       (state == PVE_WRITABLE || state == PVE_ABSENT);
}

/* Completes what a crash cut short, and says so. */
static int recover(struct context *context, struct problem *problem)
{
	struct transaction_result result = { 0 };
	int r;

	r = transaction_recover(&context->root, &context->store, is_pve_writable(context), &result,
				problem);
	if (r > 0)
		log_event(LOG_LEVEL_NOTICE, EVENT_TRANSACTION_COMPLETED, NULL, 0,
			  "completed edits that were cut short");
	for (size_t i = 0; r >= 0 && i < result.n_skipped; i++)
		log_warning("%s: was edited by somebody else in the meantime; left as it is",
			    result.skipped[i]);
	transaction_result_done(&result);
	return MIN_OF(r, 0);
}

int context_open_for_writing(const struct invocation *invocation, const char *holder,
			     unsigned int wait_ms, struct context *ret_context,
			     struct problem *problem)
{
	int r;

	r = context_open_config(invocation, ret_context, problem);
	if (r < 0)
		return r;
	r = lock_take(&ret_context->root, holder, wait_ms, &ret_context->lock, problem);
	if (r == 0)
		r = store_open(&ret_context->root, true, &ret_context->store, problem);
	if (r == 0)
		r = recover(ret_context, problem);
	if (r < 0)
		context_done(ret_context);
	return r;
}

int context_fail(int error, struct problem *problem)
{
	log_error("%s", problem->text ? problem->text : strerror(-error));
	problem_done(problem);
	return EXIT_STATUS_FAILED;
}
