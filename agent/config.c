/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/config.h"

#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/buffer.h"
#include "snapshot/basic/file.h"
#include "snapshot/basic/log.h"
#include "snapshot/basic/number.h"

#define VENDOR_FILE "/usr/lib/hwrecover/hwrecover.conf"
#define ADMIN_FILE  "/etc/hwrecover/hwrecover.conf"
#define DROP_INS    "/etc/hwrecover/hwrecover.conf.d/*.conf"

#define KEEP_MAX 1000000

/* What is no configuration at all must not fill the log. */
#define WARNINGS_MAX 20

static const char *const mode_words[_MODE_MAX] = {
	[MODE_AUTO] = "auto",
	[MODE_REPORT] = "report",
	[MODE_OFF] = "off",
};

static const char *const network_words[_NETWORK_POLICY_MAX] = {
	[NETWORK_REMAP] = "remap",
	[NETWORK_REPORT] = "report",
};

static const char *const stale_binds_words[_STALE_BINDS_POLICY_MAX] = {
	[STALE_BINDS_DISABLE] = "disable",
	[STALE_BINDS_RELOCATE] = "relocate",
	[STALE_BINDS_REPORT] = "report",
};

static const char *const autostart_words[_AUTOSTART_POLICY_MAX] = {
	[AUTOSTART_BLOCK] = "block",
	[AUTOSTART_HOLD] = "hold",
	[AUTOSTART_RELOCATE] = "relocate",
	[AUTOSTART_REPORT] = "report",
};

static const char *const replaced_nic_words[_REPLACED_NIC_POLICY_MAX] = {
	[REPLACED_NIC_REMAP] = "remap",
	[REPLACED_NIC_REPORT] = "report",
};

static int word_index(const char *const *words, int n_words, struct bytes text)
{
	for (int i = 0; i < n_words; i++)
		if (bytes_equal_text(text, words[i]))
			return i;
	return -EINVAL;
}

#define DEFINE_WORDS(type, words)                                                    \
	const char *type##_to_string(enum type value)                                \
	{                                                                            \
		if (value < 0 || (size_t)value >= ARRAY_SIZE(words))                 \
			return NULL;                                                 \
		return (words)[value];                                               \
	}                                                                            \
	enum type type##_from_string(struct bytes text)                              \
	{                                                                            \
		return (enum type)word_index((words), (int)ARRAY_SIZE(words), text); \
	}                                                                            \
	struct __useless_struct_to_allow_a_semicolon__

DEFINE_WORDS(mode, mode_words);
DEFINE_WORDS(network_policy, network_words);
DEFINE_WORDS(stale_binds_policy, stale_binds_words);
DEFINE_WORDS(autostart_policy, autostart_words);
DEFINE_WORDS(replaced_nic_policy, replaced_nic_words);

void config_done(struct config *config)
{
	if (!config)
		return;
	free(config->allow);
	free(config->bind_scripts);
	free(config->interfaces);
	arena_done(&config->arena);
	*config = (struct config){ .keep = 0 };
}

/* Setters: 0, -EINVAL with nothing set for a value that is none, or -ENOMEM. */

static int set_mode(struct config *config, struct bytes value)
{
	enum mode mode = mode_from_string(value);

	if (mode < 0)
		return -EINVAL;
	config->mode = mode;
	return 0;
}

static int set_network(struct config *config, struct bytes value)
{
	enum network_policy policy = network_policy_from_string(value);

	if (policy < 0)
		return -EINVAL;
	config->network = policy;
	return 0;
}

static int set_stale_binds(struct config *config, struct bytes value)
{
	enum stale_binds_policy policy = stale_binds_policy_from_string(value);

	if (policy < 0)
		return -EINVAL;
	config->stale_binds = policy;
	return 0;
}

static int set_autostart(struct config *config, struct bytes value)
{
	enum autostart_policy policy = autostart_policy_from_string(value);

	if (policy < 0)
		return -EINVAL;
	config->autostart = policy;
	return 0;
}

static int set_replaced_nic(struct config *config, struct bytes value)
{
	enum replaced_nic_policy policy = replaced_nic_policy_from_string(value);

	if (policy < 0)
		return -EINVAL;
	config->replaced_nic = policy;
	return 0;
}

/* systemd.syntax(7), "boolean". */
static int set_restore(struct config *config, struct bytes value)
{
	static const char *const words[] = { "1", "yes", "y", "true",  "t", "on",
					     "0", "no",  "n", "false", "f", "off" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (value.size == strlen(words[i]) &&
		    strncasecmp(value.data, words[i], value.size) == 0) {
			config->restore = i < ARRAY_SIZE(words) / 2;
			return 0;
		}
	return -EINVAL;
}

static int set_keep(struct config *config, struct bytes value)
{
	uint64_t keep;

	if (number_parse(value, 10, KEEP_MAX, &keep) < 0 || keep == 0)
		return -EINVAL;
	config->keep = (unsigned int)keep;
	return 0;
}

static int set_nic_timeout(struct config *config, struct bytes value)
{
	uint64_t seconds;

	if (value.size > 0 && value.data[value.size - 1] == 's')
		value.size--;
	if (number_parse(value, 10, NIC_TIMEOUT_MAX_SEC, &seconds) < 0)
		return -EINVAL;
	config->nic_timeout_sec = (unsigned int)seconds;
	return 0;
}

static int add_allow(struct config *config, struct bytes word)
{
	struct pci_address address;

	if (pci_address_parse(word, &address) < 0)
		return -EINVAL;
	if (ARRAY_RESERVE(config->allow, config->n_allow, config->allow_allocated) < 0)
		return -ENOMEM;
	config->allow[config->n_allow++] = address;
	return 0;
}

static int add_glob(struct config *config, struct bytes word, const char ***globs, size_t *n_globs,
		    size_t *allocated)
{
	const char *copy;

	if (word.data[0] != '/' || memchr(word.data, '\0', word.size))
		return -EINVAL;
	if (array_reserve(globs, *n_globs, allocated, sizeof(**globs)) < 0)
		return -ENOMEM;
	copy = arena_copy(&config->arena, word);
	if (!copy)
		return -ENOMEM;
	(*globs)[(*n_globs)++] = copy;
	return 0;
}

static int add_bind_script(struct config *config, struct bytes word)
{
	return add_glob(config, word, &config->bind_scripts, &config->n_bind_scripts,
			&config->bind_scripts_allocated);
}

static int add_interfaces(struct config *config, struct bytes word)
{
	return add_glob(config, word, &config->interfaces, &config->n_interfaces,
			&config->interfaces_allocated);
}

static void clear_allow(struct config *config)
{
	config->n_allow = 0;
}

static void clear_bind_scripts(struct config *config)
{
	config->n_bind_scripts = 0;
}

static void clear_interfaces(struct config *config)
{
	config->n_interfaces = 0;
}

/**
 * struct key - One key
 * @standard: what holds where nothing is said; NULL for a list
 * @expects:  what a value has to be, for warnings
 * @set:      assign the value, or add one word to a list
 * @clear:    empty the list
 */
struct key {
	const char *section;
	const char *name;
	const char *standard;
	const char *expects;
	int (*set)(struct config *config, struct bytes value);
	void (*clear)(struct config *config);
};

#define BOOLEAN  "yes or no"
#define ADDRESS  "PCI addresses like 0000:05:00.0"
#define ABSOLUTE "absolute paths"

static const struct key keys[] = {
	{ "Recovery", "Mode", "auto", "auto, report or off", set_mode, NULL },
	{ "Recovery", "Network", "remap", "remap or report", set_network, NULL },
	{ "Recovery", "StaleBinds", "disable", "disable, relocate or report", set_stale_binds,
	  NULL },
	{ "Recovery", "Autostart", "block", "block, hold, relocate or report", set_autostart,
	  NULL },
	{ "Recovery", "ReplacedNic", "remap", "remap or report", set_replaced_nic, NULL },
	{ "Recovery", "Restore", "yes", BOOLEAN, set_restore, NULL },
	{ "Recovery", "Allow", NULL, ADDRESS, add_allow, clear_allow },
	{ "Snapshots", "Keep", "50", "a number, at least 1", set_keep, NULL },
	{ "Wait", "NicTimeoutSec", "10", "seconds, at most 300", set_nic_timeout, NULL },
	{ "Paths", "BindScripts", NULL, ABSOLUTE, add_bind_script, clear_bind_scripts },
	{ "Paths", "Interfaces", NULL, ABSOLUTE, add_interfaces, clear_interfaces },
};

static bool is_section(struct bytes name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (bytes_equal_text(name, keys[i].section))
			return true;
	return false;
}

static const struct key *find_key(const char *section, struct bytes name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i].section, section) == 0 && bytes_equal_text(name, keys[i].name))
			return &keys[i];
	return NULL;
}

int config_init(struct config *ret_config)
{
	struct config config = { .keep = 0 };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		int r = keys[i].standard ? keys[i].set(&config, bytes_of(keys[i].standard)) : 0;

		if (r < 0)
			return r;
	}
	*ret_config = config;
	return 0;
}

/**
 * struct reader - Where in a file we are
 * @rest:       bytes not yet read
 * @n_lines:    physical lines read so far
 * @line:       first physical line of the logical line at hand
 * @section:    of the lines to come: one of the table's; NULL where there is none or it is unknown
 * @in_section: whether there was a section header at all
 */
struct reader {
	struct config *config;
	const char *file;
	struct bytes rest;
	unsigned int n_lines;
	unsigned int line;
	const char *section;
	bool in_section;
	unsigned int n_warnings;
};

_printf_(2, 3) static void complain(struct reader *reader, const char *format, ...)
{
	struct buffer text = { 0 };
	va_list arguments;

	if (++reader->n_warnings > WARNINGS_MAX)
		return;
	va_start(arguments, format);
	buffer_appendv(&text, format, arguments);
	va_end(arguments);
	if (!text.failed)
		log_warning("%s:%u: %s", reader->file, reader->line, text.data);
	if (reader->n_warnings == WARNINGS_MAX)
		log_warning("%s: further lines that cannot be used are not named", reader->file);
	buffer_done(&text);
}

/* For "%.*s": enough of a text to find it again. */
#define SHOWN(bytes) (int)MIN_OF((bytes).size, (size_t)60), (bytes).data

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct bytes trim(struct bytes text)
{
	while (text.size > 0 && is_blank(text.data[0]))
		text = bytes_slice(text, 1, text.size - 1);
	while (text.size > 0 && is_blank(text.data[text.size - 1]))
		text.size--;
	return text;
}

/* The next word of @text, which begins with one and is moved to the one after it. */
static struct bytes next_word(struct bytes *text)
{
	struct bytes word = *text;
	size_t size = 0;

	while (size < word.size && !is_blank(word.data[size]))
		size++;
	*text = trim(bytes_slice(word, size, word.size - size));
	word.size = size;
	return word;
}

static struct bytes without_comment(struct bytes line)
{
	for (size_t i = 0; i < line.size; i++)
		if ((line.data[i] == '#' || line.data[i] == ';') &&
		    (i == 0 || is_blank(line.data[i - 1])))
			return trim(bytes_slice(line, 0, i));
	return line;
}

static struct bytes next_physical_line(struct reader *reader)
{
	struct bytes line = reader->rest;
	const char *end = memchr(line.data, '\n', line.size);
	size_t used = line.size;

	if (end) {
		line.size = (size_t)(end - line.data);
		used = line.size + 1;
	}
	reader->rest = bytes_slice(reader->rest, used, reader->rest.size - used);
	reader->n_lines++;
	return line;
}

/*
 * The next line with what a backslash joins to it, without comments and the blanks around it.
 * Lines of comment between joined ones are passed over, as systemd does.
 */
static bool next_line(struct reader *reader, struct buffer *line)
{
	bool joined = false;

	line->size = 0;
	while (reader->rest.size > 0) {
		struct bytes part = trim(next_physical_line(reader));
		bool comment = part.size > 0 && (part.data[0] == '#' || part.data[0] == ';');

		if (joined && comment)
			continue;
		if (!joined)
			reader->line = reader->n_lines;
		part = without_comment(part);
		joined = part.size > 0 && part.data[part.size - 1] == '\\';
		if (joined)
			part.size--;
		buffer_append(line, part);
		if (!joined)
			return true;
		buffer_append_char(line, ' ');
	}
	return joined;
}

static void read_section(struct reader *reader, struct bytes line)
{
	struct bytes name;

	reader->section = NULL;
	reader->in_section = true;
	if (line.data[line.size - 1] != ']') {
		complain(reader, "section header without ']'");
		return;
	}
	name = bytes_slice(line, 1, line.size - 2);
	if (!is_section(name)) {
		complain(reader, "unknown section [%.*s], left out", SHOWN(name));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (bytes_equal_text(name, keys[i].section))
			reader->section = keys[i].section;
}

static void complain_of_value(struct reader *reader, const struct key *key, struct bytes value)
{
	complain(reader, "%s=%.*s: not %s%s", key->name, SHOWN(value), key->expects,
		 key->set == set_mode ? "; Mode=report holds" : "");
}

static int note_mode_origin(struct reader *reader)
{
	struct buffer text = { 0 };

	buffer_appendf(&text, "%s:%u", reader->file, reader->line);
	reader->config->mode_origin =
		text.failed ? NULL : arena_copy(&reader->config->arena, buffer_bytes(&text));
	buffer_done(&text);
	return reader->config->mode_origin ? 0 : -ENOMEM;
}

static int assign_scalar(struct reader *reader, const struct key *key, struct bytes value)
{
	struct config *config = reader->config;
	int r;

	r = key->set(config, value.size > 0 ? value : bytes_of(key->standard));
	if (r == -EINVAL) {
		complain_of_value(reader, key, value);
		/* Who meant to restrain it must not get all of it for a typo. */
		if (key->set == set_mode)
			config->mode = MODE_REPORT;
		r = 0;
	}
	if (r == 0 && key->set == set_mode)
		r = note_mode_origin(reader);
	return r;
}

static int assign_list(struct reader *reader, const struct key *key, struct bytes value)
{
	if (value.size == 0)
		key->clear(reader->config);
	while (value.size > 0) {
		struct bytes word = next_word(&value);
		int r;

		r = key->set(reader->config, word);
		if (r == -EINVAL)
			complain_of_value(reader, key, word);
		else if (r < 0)
			return r;
	}
	return 0;
}

static int read_assignment(struct reader *reader, struct bytes line)
{
	const char *equals = memchr(line.data, '=', line.size);
	const struct key *key;
	struct bytes name, value;

	if (!equals) {
		complain(reader, "neither [Section] nor Key=Value: %.*s", SHOWN(line));
		return 0;
	}
	if (!reader->in_section) {
		complain(reader, "assignment before any section");
		return 0;
	}
	/* Said once, at the section's own line. */
	if (!reader->section)
		return 0;

	name = trim(bytes_slice(line, 0, (size_t)(equals - line.data)));
	value = trim(bytes_make(equals + 1, (size_t)(line.data + line.size - equals - 1)));
	key = find_key(reader->section, name);
	if (!key) {
		complain(reader, "unknown key %.*s in section [%s], left out", SHOWN(name),
			 reader->section);
		return 0;
	}
	return key->clear ? assign_list(reader, key, value) : assign_scalar(reader, key, value);
}

int config_parse(struct bytes text, const char *file, struct config *config)
{
	static const struct bytes byte_order_mark = { "\xef\xbb\xbf", 3 };
	struct reader reader = { .config = config, .file = file, .rest = text };
	struct buffer line = { 0 };
	int r = 0;

	if (bytes_start_with(text, byte_order_mark))
		reader.rest = bytes_slice(text, 3, text.size - 3);
	while (r == 0 && next_line(&reader, &line)) {
		struct bytes content = trim(buffer_bytes(&line));

		if (line.failed)
			r = -ENOMEM;
		else if (content.size == 0)
			continue;
		else if (content.data[0] == '[')
			read_section(&reader, content);
		else
			r = read_assignment(&reader, content);
	}
	buffer_done(&line);
	return r;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next parameter of a kernel command line: blanks within double quotes belong to it. */
static struct bytes next_parameter(struct bytes *text)
{
	bool quoted = false;
	struct bytes word;
	size_t size = 0;

	while (text->size > 0 && is_space(text->data[0]))
		*text = bytes_slice(*text, 1, text->size - 1);
	word = *text;
	while (size < word.size && (quoted || !is_space(word.data[size]))) {
		quoted ^= word.data[size] == '"';
		size++;
	}
	*text = bytes_slice(word, size, word.size - size);
	word.size = size;
	return word;
}

/* Quotes around a parameter or around its value belong to neither (next_arg() of the kernel). */
static struct bytes without_quotes(struct bytes word)
{
	if (word.size > 0 && word.data[0] == '"')
		word = bytes_slice(word, 1, word.size - 1);
	if (word.size > 0 && word.data[word.size - 1] == '"')
		word.size--;
	return word;
}

int config_parse_kernel_command_line(struct bytes text, struct config *config)
{
	static const struct bytes name = { "hwrecover", 9 };
	struct bytes value = BYTES_NONE;
	bool found = false;

	while (text.size > 0) {
		struct bytes parameter = without_quotes(next_parameter(&text));

		if (!bytes_start_with(parameter, name) ||
		    (parameter.size > name.size && parameter.data[name.size] != '='))
			continue;
		found = true;
		value = bytes_slice(parameter, name.size, parameter.size - name.size);
		if (value.size > 0)
			value = without_quotes(bytes_slice(value, 1, value.size - 1));
	}
	if (!found)
		return 0;

	config->mode_origin = "the kernel command line";
	if (set_mode(config, value) < 0) {
		log_warning("kernel command line: hwrecover=%.*s: not auto, report or off; "
			    "report holds",
			    SHOWN(value));
		config->mode = MODE_REPORT;
	}
	return 0;
}

/* Ordinary files, and /dev/null, to which a drop-in is linked to be without effect. */
static int read_configuration(int fd, char **ret_text, size_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode) && !(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)))
		return -ENOTSUP;
	return file_read_fd(fd, CONFIG_MAX_SIZE, ret_text, ret_size);
}

static int load_named_file(const char *file, struct config *config, struct problem *problem)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	r = fd < 0 ? -errno : read_configuration(fd, &text, &size);
	if (r == -ENOTSUP)
		return problem_set(problem, r, file, 0, "is not an ordinary file");
	if (r < 0)
		return problem_set_errno(problem, r, file, "read");
	r = config_parse(bytes_make(text, size), file, config);
	return r < 0 ? problem_set_errno(problem, r, file, "read") : 0;
}

/* Return: 0; 1 if the file is there and could not be read, which is said; or -ENOMEM. */
static int load_file(const struct root *root, const char *path, struct config *config)
{
	struct root_name name;
	const char *file = root_show(root, path, &name);
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	fd = root_openat(root, path, O_RDONLY | O_NONBLOCK, 0);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	r = fd < 0 ? fd : read_configuration(fd, &text, &size);
	if (r == 0)
		return config_parse(bytes_make(text, size), file, config);
	if (r == -ENOMEM)
		return r;
	log_warning("%s: cannot read: %s", file,
		    r == -ENOTSUP ? "not an ordinary file" : strerror(-r));
	return 1;
}

static int load_drop_ins(const struct root *root, struct config *config)
{
	char **paths = NULL;
	bool unreadable = false;
	struct root_name name;
	int r;

	r = root_glob(root, DROP_INS, &paths);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		log_warning("%s: cannot read: %s", root_show(root, DROP_INS, &name), strerror(-r));
		return 1;
	}
	for (int i = 0, n = r; i < n && r >= 0; i++) {
		r = load_file(root, paths[i], config);
		unreadable |= r > 0;
	}
	root_glob_free(paths);
	return r < 0 ? r : unreadable;
}

static int load_tree(const struct root *root, struct config *config)
{
	static const char *const files[] = { VENDOR_FILE, ADMIN_FILE };
	bool unreadable = false;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		r = load_file(root, files[i], config);
		if (r < 0)
			return r;
		unreadable |= r > 0;
	}
	r = load_drop_ins(root, config);
	if (r < 0)
		return r;
	unreadable |= r > 0;

	/* Whatever the others say: this one may have said less. */
	if (unreadable && config->mode == MODE_AUTO) {
		config->mode = MODE_REPORT;
		config->mode_origin = "a configuration file that cannot be read";
	}
	return 0;
}

#define KERNEL_COMMAND_LINE "/proc/cmdline"
#define COMMAND_LINE_MAX    65536

static int load_kernel_command_line(const struct root *root, struct config *config)
{
	struct root_name name;
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	fd = root_openat(root, KERNEL_COMMAND_LINE, O_RDONLY | O_NONBLOCK, 0);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	r = fd < 0 ? fd : file_read_fd(fd, COMMAND_LINE_MAX, &text, &size);
	if (r == 0)
		return config_parse_kernel_command_line(bytes_make(text, size), config);
	if (r == -ENOMEM)
		return r;
	log_warning("%s: cannot read: %s; report holds",
		    root_show(root, KERNEL_COMMAND_LINE, &name), strerror(-r));
	config->mode = MODE_REPORT;
	config->mode_origin = "a kernel command line that cannot be read";
	return 0;
}

int config_load(const struct root *root, const char *file, struct config *ret_config,
		struct problem *problem)
{
	struct config config;
	int r;

	r = config_init(&config);
	if (r < 0)
		return problem_set_errno(problem, r, NULL, "read the configuration");
	r = file ? load_named_file(file, &config, problem) : load_tree(root, &config);
	config.mode_of_files = config.mode;
	if (r == 0)
		r = load_kernel_command_line(root, &config);
	if (r < 0) {
		config_done(&config);
		return problem_set_errno(problem, r, NULL, "read the configuration");
	}
	*ret_config = config;
	return 0;
}
