/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a configuration file and as a kernel command line: values keep to their limits. */
#include "agent/config.h"
#include "snapshot/basic/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int n_warnings;

static void count(enum log_level level, const char *text, const char *message_id,
		  const struct log_field *fields, size_t n_fields)
{
	(void)level;
	(void)text;
	(void)message_id;
	(void)fields;
	(void)n_fields;
	n_warnings++;
}

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_values(const struct config *config)
{
	check(mode_to_string(config->mode) != NULL);
	check(network_policy_to_string(config->network) != NULL);
	check(stale_binds_policy_to_string(config->stale_binds) != NULL);
	check(autostart_policy_to_string(config->autostart) != NULL);
	check(replaced_nic_policy_to_string(config->replaced_nic) != NULL);
	check(config->keep > 0);
	check(config->nic_timeout_sec <= NIC_TIMEOUT_MAX_SEC);
	for (size_t i = 0; i < config->n_bind_scripts; i++)
		check(config->bind_scripts[i][0] == '/');
	for (size_t i = 0; i < config->n_interfaces; i++)
		check(config->interfaces[i][0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { (const char *)data, size };
	struct config config;

	n_warnings = 0;
	log_set_sink(count);
	if (config_init(&config) < 0)
		return 0;
	if (config_parse(text, "fuzz", &config) == 0) {
		check_values(&config);
		check(n_warnings <= 21);
		if (config_parse_kernel_command_line(text, &config) == 0)
			check_values(&config);
	}
	config_done(&config);
	return 0;
}
