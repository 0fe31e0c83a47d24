/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/release.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "agent/child.h"
#include "agent/clock.h"
#include "agent/device-use.h"
#include "agent/run-command.h"
#include "snapshot/basic/file.h"
#include "snapshot/basic/log.h"
#include "snapshot/sysfs.h"

#define DEVICES_PATH "/sys/bus/pci/devices"
#define DRIVERS_PATH "/sys/bus/pci/drivers"

/* In any of Debian's releases; the kernel calls it by this path, too. */
#define MODPROBE            "/sbin/modprobe"
#define MODPROBE_OUTPUT_MAX 4096

/* Two modules for one device happen, more do not. */
#define CANDIDATES_MAX 8

/* What empties driver_override, and what it reads as when it is empty. */
#define OVERRIDE_NONE      "\n"
#define OVERRIDE_NONE_READ "(null)"

struct driver_name {
	char text[RELEASE_DRIVER_MAX + 1];
};

/* The drivers that hold a device for a guest; neither of them takes one by itself. */
static const char *const holders[] = { "vfio-pci", "pci-stub" };

enum step {
	STEP_LOOK,
	STEP_ASK_GROUP,
	STEP_OVERRIDE,
	STEP_UNBIND,
	STEP_BIND,
	STEP_FINISH,
	_STEP_MAX,
};

static const char *const step_names[] = {
	[STEP_LOOK] = "looking at it",
	[STEP_ASK_GROUP] = "asking whether its IOMMU group is in use",
	[STEP_OVERRIDE] = "setting its driver_override",
	[STEP_UNBIND] = "taking it from the driver that holds it",
	[STEP_BIND] = "giving it to its own driver",
	[STEP_FINISH] = "setting its driver_override for good",
};

/**
 * struct job - One release
 * @address:    as text
 * @deadline:   by clock_monotonic_ms()
 * @candidates: drivers that may take the function, best first; none: the kernel finds one
 * @own:        the only candidate is the baseline's driver
 */
struct job {
	const struct root *root;
	const struct release *release;
	struct pci_address_name address;
	uint64_t deadline;
	struct driver_name candidates[CANDIDATES_MAX];
	size_t n_candidates;
	bool own;
};

/**
 * struct progress - How far it got
 * @step:           the one that was begun last
 * @result:         of the whole: 1, 0 when there is nothing to do, or a negative errno of @step
 * @holder:         the driver that held it; empty when it had none
 * @driver:         the driver that has it in the end
 * @wanted_by_ids:  it was held although its override did not say so
 * @override_error: why the override could not be set in the end, or 0
 */
struct progress {
	enum step step;
	int result;
	struct driver_name holder;
	struct driver_name driver;
	bool wanted_by_ids;
	bool override_kept;
	int override_error;
};

struct path {
	char text[sizeof(DRIVERS_PATH) + RELEASE_DRIVER_MAX + PCI_ADDRESS_TEXT + 32];
};

static bool is_holder(struct bytes driver)
{
	for (size_t i = 0; i < ARRAY_SIZE(holders); i++)
		if (bytes_equal_text(driver, holders[i]))
			return true;
	return false;
}

/* Names come from a file and from sysfs; they become parts of paths, and values to be written. */
static bool is_driver_name(struct bytes name)
{
	if (name.size == 0 || name.size > RELEASE_DRIVER_MAX || name.data[0] == '.')
		return false;
	for (size_t i = 0; i < name.size; i++)
		if (name.data[i] < ' ' || name.data[i] > '~' || name.data[i] == '/')
			return false;
	return true;
}

/* Return: 0, or -ENAMETOOLONG. */
static int copy_name(struct bytes name, struct driver_name *ret_name)
{
	if (name.size >= sizeof(ret_name->text))
		return -ENAMETOOLONG;
	(void)snprintf(ret_name->text, sizeof(ret_name->text), "%.*s", (int)name.size,
		       name.size > 0 ? name.data : "");
	return 0;
}

static const char *driver_path(const char *driver, const char *file, struct path *path)
{
	(void)snprintf(path->text, sizeof(path->text), DRIVERS_PATH "/%s%s%s", driver,
		       file ? "/" : "", file ? file : "");
	return path->text;
}

static bool driver_is_there(const struct root *root, const char *driver)
{
	struct path path;

	return root_exists(root, driver_path(driver, NULL, &path));
}

static int read_attribute(const struct job *job, const char *attribute, struct sysfs_text *ret_text)
{
	_cleanup_(sysfs_done) struct sysfs devices = { 0 };
	int r = sysfs_open(job->root, DEVICES_PATH, &devices);

	return r < 0 ? r : sysfs_read(&devices, job->address.text, attribute, ret_text);
}

/* The driver that has the function; empty when none has. */
static int read_driver(const struct job *job, struct driver_name *ret_driver)
{
	_cleanup_(sysfs_done) struct sysfs devices = { 0 };
	struct sysfs_text text;
	int r;

	r = sysfs_open(job->root, DEVICES_PATH, &devices);
	if (r < 0)
		return r;
	r = sysfs_read_link(&devices, job->address.text, "driver", &text);
	if (r < 0 && r != -ENOENT)
		return r;
	return copy_name(r < 0 ? BYTES_NONE : sysfs_last_component(sysfs_bytes(&text)), ret_driver);
}

/* One write(2): an attribute takes a value whole. */
static int write_attribute(const struct root *root, const char *path, const char *value)
{
	_cleanup_close_ int fd = root_openat(root, path, O_WRONLY, 0);

	return fd < 0 ? fd : file_write_fd(fd, bytes_of(value));
}

static int tell_driver(const struct job *job, const char *driver, const char *file)
{
	struct path path;

	return write_attribute(job->root, driver_path(driver, file, &path), job->address.text);
}

/* Sets driver_override, or empties it, and reads it back. */
static int set_override(const struct job *job, const char *driver)
{
	struct sysfs_text text;
	struct path path;
	int r;

	(void)snprintf(path.text, sizeof(path.text), DEVICES_PATH "/%s/driver_override",
		       job->address.text);
	r = write_attribute(job->root, path.text, driver ? driver : OVERRIDE_NONE);
	if (r < 0)
		return r;
	r = read_attribute(job, "driver_override", &text);
	if (r < 0)
		return r;
	if (driver)
		return strcmp(text.data, driver) == 0 ? 0 : -EIO;
	return text.size == 0 || strcmp(text.data, OVERRIDE_NONE_READ) == 0 ? 0 : -EIO;
}

/*
 * Whether the function is held, or waits for being so: without a driver, but with an override. One
 * that waits for its own driver is what a release that was cut short leaves.
 */
static int look(const struct job *job, struct progress *progress)
{
	struct sysfs_text override;
	int r;

	r = read_driver(job, &progress->holder);
	if (r < 0)
		return r;
	if (progress->holder.text[0] && !is_holder(bytes_of(progress->holder.text)))
		return 0;
	r = read_attribute(job, "driver_override", &override);
	if (r < 0)
		return r;
	if (progress->holder.text[0]) {
		progress->wanted_by_ids = strcmp(override.data, progress->holder.text) != 0;
		return 1;
	}
	return is_holder(sysfs_bytes(&override)) ||
	       (job->release->driver && strcmp(override.data, job->release->driver) == 0);
}

static int ask_group(const struct job *job)
{
	int r = device_group_is_busy(job->root, &job->release->address);

	return r > 0 ? -EBUSY : r;
}

/* Takes the function from @driver, and looks whether that let it go. */
static int unbind(const struct job *job, const char *driver)
{
	struct driver_name now;
	int r, error = tell_driver(job, driver, "unbind");

	r = read_driver(job, &now);
	if (r < 0)
		return r;
	if (strcmp(now.text, driver) != 0)
		return 0;
	return error < 0 ? error : -EIO;
}

/*
 * Offers the function to one driver, or, without a name, to all. A driver's own file is asked
 * first: it tells why the driver does not want it, and no other driver is asked. Return: 1 when the
 * function has a driver afterwards that is no holder, or a negative errno.
 */
static int offer(const struct job *job, const char *driver, struct driver_name *ret_driver)
{
	struct driver_name now;
	int r, error = driver ? tell_driver(job, driver, "bind") : -ENOENT;

	/* Drivers may do without that file (suppress_bind_attrs). */
	if (error == -ENOENT)
		error = write_attribute(job->root, "/sys/bus/pci/drivers_probe", job->address.text);
	r = read_driver(job, &now);
	if (r < 0)
		return r;
	if (now.text[0] == '\0')
		return error < 0 ? error : -ENODEV;
	if (is_holder(bytes_of(now.text))) {
		r = unbind(job, now.text);
		return r < 0 ? r : -ENODEV;
	}
	*ret_driver = now;
	return 1;
}

static int bind_to_candidates(const struct job *job, struct driver_name *ret_driver)
{
	int r = -ENODEV;

	if (job->n_candidates == 0)
		return offer(job, NULL, ret_driver);
	for (size_t i = 0; i < job->n_candidates && r < 0; i++)
		r = offer(job, job->candidates[i].text, ret_driver);
	return r;
}

/* From here on the function is touched: whatever happens, its override is not left as it was. */
static int take_and_give(const struct job *job, struct progress *progress)
{
	int r = 0;

	progress->step = STEP_UNBIND;
	if (progress->holder.text[0])
		r = unbind(job, progress->holder.text);
	if (r < 0)
		return r;
	progress->step = STEP_BIND;
	return bind_to_candidates(job, &progress->driver);
}

static int carry_out(const struct job *job, struct progress *progress)
{
	bool keep;
	int r;

	progress->step = STEP_LOOK;
	r = look(job, progress);
	if (r <= 0)
		return r;
	progress->step = STEP_ASK_GROUP;
	r = ask_group(job);
	if (r < 0)
		return r;
	progress->step = STEP_OVERRIDE;
	/*
	 * An override makes a driver take what is in none of its tables, so only the driver that
	 * had the function before gets one; it keeps all others off until that driver has it.
	 */
	r = set_override(job, job->own ? job->candidates[0].text : NULL);
	if (r < 0)
		return r;
	r = take_and_give(job, progress);
	keep = r > 0 && (progress->wanted_by_ids || job->release->keep_override);
	if (r > 0)
		progress->step = STEP_FINISH;
	progress->override_error = set_override(job, keep ? progress->driver.text : NULL);
	progress->override_kept = keep && progress->override_error == 0;
	return r;
}

static void look_in_child(const void *argument, void *shared)
{
	const struct job *job = argument;
	struct progress *progress = shared;

	progress->result = look(job, progress);
}

static void carry_out_in_child(const void *argument, void *shared)
{
	const struct job *job = argument;
	struct progress *progress = shared;

	progress->result = carry_out(job, progress);
}

static unsigned int time_left(const struct job *job)
{
	uint64_t now = clock_monotonic_ms();

	return now < job->deadline ? (unsigned int)(job->deadline - now) : 0;
}

static int say_time_is_up(const struct job *job, const char *step, pid_t left_behind,
			  struct problem *problem)
{
	if (left_behind > 0)
		return problem_set(
			problem, -ETIMEDOUT, job->address.text, 0,
			"%s: not done within %u ms; process %d hangs in the kernel and is left behind",
			step, job->release->timeout_ms, (int)left_behind);
	return problem_set(problem, -ETIMEDOUT, job->address.text, 0, "%s: not done within %u ms",
			   step, job->release->timeout_ms);
}

/*
 * Runs one part in a child: reading driver_override takes the device's lock already, which a hung
 * unbind of somebody else's may be holding.
 */
static int run_part(const struct job *job, void (*part)(const void *argument, void *shared),
		    struct progress *progress, struct problem *problem)
{
	struct child_call call = {
		.function = part,
		.argument = job,
		.shared = progress,
		.shared_size = sizeof(*progress),
		.keep_fd = job->root->fd,
		.timeout_ms = time_left(job),
	};
	pid_t left_behind = 0;
	int r;

	if (call.timeout_ms == 0)
		return say_time_is_up(job, "loading the driver's module", 0, problem);
	r = child_run(&call, &left_behind);
	if (r == -ETIMEDOUT)
		return say_time_is_up(job, step_names[progress->step], left_behind, problem);
	if (r < 0)
		return problem_set_errno(problem, r, job->address.text,
					 "run the release in a child");
	return 0;
}

/* Runs modprobe; that it fails is no problem yet. Return: 0 with its output, or negative. */
static int run_modprobe(const struct job *job, const char *const *arguments,
			struct program_result *ret_result)
{
	const char *argv[8] = { job->release->modprobe ? job->release->modprobe : MODPROBE };
	const struct program program = { argv, time_left(job), MODPROBE_OUTPUT_MAX };
	struct program_result result = { .status = -1 };
	struct problem problem = { 0 };
	int r;

	for (size_t i = 0; arguments[i] && i + 2 < ARRAY_SIZE(argv); i++)
		argv[i + 1] = arguments[i];
	r = program.timeout_ms == 0 ? -ETIMEDOUT : run_command(&program, &result, &problem);
	if (r == 0)
		r = program_result_check(&program, &result, &problem);
	if (r < 0)
		log_debug("%s: %s", job->address.text, problem.text ? problem.text : strerror(-r));
	problem_done(&problem);
	if (r < 0 || !ret_result)
		program_result_done(&result);
	else
		*ret_result = result;
	return r;
}

/* The function's modalias; empty where it has none. */
static void read_modalias(const struct job *job, struct sysfs_text *ret_modalias)
{
	if (read_attribute(job, "modalias", ret_modalias) < 0 ||
	    !bytes_start_with(sysfs_bytes(ret_modalias), bytes_of("pci:")))
		*ret_modalias = (struct sysfs_text){ 0 };
}

/* Takes the driver the function had for the only candidate, if it is there. */
static bool take_own_driver(struct job *job)
{
	const char *driver = job->release->driver;

	if (!driver || !driver_is_there(job->root, driver) ||
	    copy_name(bytes_of(driver), &job->candidates[0]) < 0)
		return false;
	job->n_candidates = 1;
	job->own = true;
	return true;
}

static void add_candidate(struct job *job, struct bytes driver)
{
	if (job->n_candidates == CANDIDATES_MAX || is_holder(driver) || !is_driver_name(driver))
		return;
	for (size_t i = 0; i < job->n_candidates; i++)
		if (bytes_equal_text(driver, job->candidates[i].text))
			return;
	if (copy_name(driver, &job->candidates[job->n_candidates]) == 0)
		job->n_candidates++;
}

/* Adds the PCI drivers of one module, which its directory names as "pci:DRIVER". */
static void add_drivers_of_module(struct job *job, struct bytes module)
{
	_cleanup_(sysfs_done) struct sysfs drivers = { 0 };
	struct bytes prefix = bytes_of("pci:"), name;
	char path[128];
	const char *entry;
	int n;

	if (!is_driver_name(module))
		return;
	n = snprintf(path, sizeof(path), "/sys/module/%.*s/drivers", (int)module.size, module.data);
	if (n < 0 || (size_t)n >= sizeof(path) || sysfs_open(job->root, path, &drivers) < 0)
		return;
	while (sysfs_next(&drivers, &entry) > 0) {
		name = bytes_of(entry);
		if (bytes_start_with(name, prefix))
			add_candidate(job, bytes_slice(name, prefix.size, name.size - prefix.size));
	}
}

/* The drivers of those modules that the modalias stands for. */
static void add_drivers_by_modalias(struct job *job, const char *modalias)
{
	const char *const arguments[] = { "-b", "-R", "--", modalias, NULL };
	_cleanup_(program_result_done) struct program_result result = { 0 };

	if (run_modprobe(job, arguments, &result) < 0)
		return;
	for (const char *at = result.output; *at;) {
		size_t size = strcspn(at, "\n");

		add_drivers_of_module(job, bytes_make(at, size));
		at += size + (at[size] == '\n');
	}
}

static void find_candidates(struct job *job)
{
	const char *driver = job->release->driver;
	struct sysfs_text modalias;

	if (take_own_driver(job))
		return;
	/* By name although it may be blacklisted: it was loaded in the baseline's boot. */
	if (driver)
		(void)run_modprobe(job, (const char *const[]){ "--", driver, NULL }, NULL);
	if (take_own_driver(job))
		return;
	/* A driver's name need not be its module's: xhci_hcd is in xhci_pci. */
	read_modalias(job, &modalias);
	if (!modalias.data[0])
		return;
	(void)run_modprobe(job, (const char *const[]){ "-b", "--", modalias.data, NULL }, NULL);
	if (!take_own_driver(job))
		add_drivers_by_modalias(job, modalias.data);
}

static int check_use(const struct job *job, struct problem *problem)
{
	struct device_user user;
	int r = device_in_use(job->root, &job->release->address, &user);

	if (r > 0)
		return problem_set(problem, -EBUSY, job->address.text, 0,
				   "in use by process %d (%s); left as it is", (int)user.pid,
				   user.name);
	if (r == 0 || r == -ENODEV)
		return r == 0 ? 0 : problem_set_errno(problem, r, job->address.text, "find it");
	return problem_set(problem, -EBUSY, job->address.text, 0,
			   "cannot tell whether it is in use: %s; left as it is", strerror(-r));
}

/* The words for a part that ended with an error. Every errno of a touched function is -EIO. */
static int say_failure(const struct job *job, const struct progress *progress,
		       struct problem *problem)
{
	int error = progress->result;

	if (progress->step == STEP_LOOK && error == -ENOENT)
		return problem_set_errno(problem, -ENODEV, job->address.text, "find it");
	if (progress->step == STEP_ASK_GROUP && error == -EBUSY)
		return problem_set(problem, error, job->address.text, 0,
				   "its IOMMU group is in use; left as it is");
	return problem_set(problem, progress->step <= STEP_ASK_GROUP ? error : -EIO,
			   job->address.text, 0, "%s failed: %s%s", step_names[progress->step],
			   strerror(-error),
			   progress->step == STEP_BIND ? "; it is left without a driver" : "");
}

static void warn_about_result(const struct job *job, const struct progress *progress)
{
	const char *own = job->release->driver;

	if (progress->override_error < 0)
		log_warning("%s: %s failed: %s", job->address.text, step_names[STEP_FINISH],
			    strerror(-progress->override_error));
	if (progress->result > 0 && own && strcmp(own, progress->driver.text) != 0)
		log_warning("%s: is on %s now, not on %s as before", job->address.text,
			    progress->driver.text, own);
}

int release_function(const struct root *root, const struct release *release,
		     struct released *ret_released, struct problem *problem)
{
	struct job job = { .root = root,
			   .release = release,
			   .deadline = clock_monotonic_ms() + release->timeout_ms };
	struct progress progress = { 0 };
	struct bytes own = bytes_of(release->driver);
	int r;

	(void)pci_address_show(&release->address, &job.address);
	if (release->driver && (!is_driver_name(own) || is_holder(own)))
		return problem_set(problem, -EINVAL, job.address.text, 0,
				   "is not to be given to a driver of this name");

	r = run_part(&job, look_in_child, &progress, problem);
	if (r < 0)
		return r;
	if (progress.result <= 0)
		return progress.result == 0 ? 0 : say_failure(&job, &progress, problem);
	r = check_use(&job, problem);
	if (r < 0)
		return r;

	find_candidates(&job);
	progress = (struct progress){ 0 };
	r = run_part(&job, carry_out_in_child, &progress, problem);
	if (r < 0)
		return r;
	warn_about_result(&job, &progress);
	if (progress.result < 0)
		return say_failure(&job, &progress, problem);
	if (progress.result > 0) {
		*ret_released = (struct released){ .override_kept = progress.override_kept };
		memcpy(ret_released->driver, progress.driver.text, sizeof(ret_released->driver));
	}
	return progress.result;
}
