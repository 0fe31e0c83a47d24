/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands.h"

static const char *const guest_kinds[] = { "qemu", "lxc", "libvirt", NULL };
static const char *const hook_choices[] = { "install", "remove", NULL };
static const char *const boot_stages[] = { "network", "guests", "finish", "image", NULL };

const struct command commands[] = {
	{
		.name = "status",
		.usage = "status [--exit-code]",
		.summary = "is all well, what was done, what needs a person (the default)",
		.help = "Shows what changed in the hardware since the baseline, what hwrecover did\n"
			"about it, and what it left for you, with the command for it.\n"
			"Changes nothing.\n"
			"\n"
			"      --exit-code  exit with 3 when there is something to report\n"
			"\n"
			"Example, for a monitoring job:\n"
			"  hwrecover status --exit-code >/dev/null || logger \"look at the hardware\"\n",
		.options = OPTION_EXIT_CODE,
		.run = command_status,
	},
	{
		.name = "devices",
		.usage = "devices [--groups]",
		.summary = "the hardware as a tree, and which files refer to it",
		.help = "Shows the PCI devices as they hang from each other, with driver, IOMMU\n"
			"group, network names and the files that refer to them. With --json it\n"
			"prints an inventory, hwrecover-inventory(5), that --inventory reads.\n"
			"\n"
			"      --groups  order by IOMMU group instead of by topology\n"
			"\n"
			"Example, to take a machine's hardware along:\n"
			"  hwrecover devices --json > pve1.json\n",
		.options = OPTION_GROUPS,
		.run = command_devices,
	},
	{
		.name = "snapshot",
		.usage = "snapshot [-m NOTE] [--adopt]",
		.summary = "record hardware and files, and make that the baseline",
		.help = "Records the hardware and the managed files. What every mention of hardware\n"
			"means stays as it is: a name whose card is gone still means that card.\n"
			"\n"
			"  -m, --note NOTE  a word to find it by; a noted snapshot is never pruned\n"
			"      --adopt      make every mention mean what bears its name now, after\n"
			"                   listing what that changes\n"
			"\n"
			"Example, before opening the case:\n"
			"  hwrecover snapshot -m before-the-new-HBA\n",
		.options = OPTION_NOTE | OPTION_ADOPT,
		.run = command_snapshot,
	},
	{
		.name = "list",
		.usage = "list",
		.summary = "the snapshots there are",
		.help = "Lists the snapshots by id, with time, reason and note; the baseline is\n"
			"marked. Every boot is in it.\n"
			"\n"
			"Example, the id of the baseline for a script:\n"
			"  hwrecover list --json | jq '.[] | select(.baseline).id'\n",
		.run = command_list,
	},
	{
		.name = "show",
		.usage = "show ID",
		.summary = "one snapshot",
		.help = "Shows a snapshot: when and why it was taken, its hardware, and the managed\n"
			"files it holds.\n"
			"\n"
			"Example:\n"
			"  hwrecover show 12\n",
		.arguments_min = 1,
		.arguments_max = 1,
		.run = command_show,
	},
	{
		.name = "diff",
		.usage = "diff [--exit-code] [A [B]]",
		.summary = "what changed between two snapshots, or since one",
		.help = "Shows what changed in hardware and managed files from snapshot A to\n"
			"snapshot B. Without B: to what is there now; without A: since the baseline.\n"
			"\n"
			"      --exit-code  exit with 3 when something changed\n"
			"\n"
			"Example, what the last reboot brought:\n"
			"  hwrecover diff 11 12\n",
		.options = OPTION_EXIT_CODE,
		.arguments_max = 2,
		.run = command_diff,
	},
	{
		.name = "plan",
		.usage = "plan [--exit-code]",
		.summary = "what apply would do, as a diff; touches nothing",
		.help = "Shows the edits that follow from the changes in the hardware, as a unified\n"
			"diff, then what would be done besides, and what is left and why.\n"
			"\n"
			"      --exit-code  exit with 3 when there is something to report\n"
			"\n"
			"Example, on a copy of another machine:\n"
			"  hwrecover --root pve1/ --inventory after.json plan\n",
		.options = OPTION_EXIT_CODE,
		.run = command_plan,
	},
	{
		.name = "apply",
		.usage = "apply [--ifup]",
		.summary = "do what plan shows, now",
		.help = "Makes all edits of the plan at once, or none, and then a snapshot that\n"
			"becomes the baseline. 'hwrecover rollback' undoes it.\n"
			"The network is not restarted: the command for that is printed.\n"
			"\n"
			"      --ifup  run that command\n"
			"\n"
			"Example:\n"
			"  hwrecover plan && hwrecover apply\n",
		.options = OPTION_IFUP,
		.run = command_apply,
	},
	{
		.name = "rollback",
		.usage = "rollback ID [--dry-run] [--force] [--relocate]",
		.summary = "put the managed files back as they were in a snapshot",
		.help = "Puts the files of a snapshot back byte for byte and makes it the baseline.\n"
			"That is a snapshot, too: it can be rolled back. A file that somebody else\n"
			"changed since is not overwritten, and named.\n"
			"\n"
			"      --dry-run   show the diff and do nothing\n"
			"      --force     overwrite such files, too; what they hold is kept\n"
			"      --relocate  then follow the hardware from there, in one go\n"
			"\n"
			"Example, look first:\n"
			"  hwrecover rollback 11 --dry-run\n",
		.options = OPTION_DRY_RUN | OPTION_FORCE | OPTION_RELOCATE,
		.arguments_min = 1,
		.arguments_max = 1,
		.run = command_rollback,
	},
	{
		.name = "restore",
		.usage = "restore FILE",
		.summary = "put back what was parked in a file and has been edited away",
		.help = "Lines and words that hwrecover took out of force, because their card is gone\n"
			"and another bears its name, come back by themselves with the card. If an\n"
			"edit has removed them meanwhile, this puts them back into FILE.\n"
			"\n"
			"Example:\n"
			"  hwrecover restore /etc/network/interfaces\n",
		.arguments_min = 1,
		.arguments_max = 1,
		.run = command_restore,
	},
	{
		.name = "release",
		.usage = "release [--force] GUEST...|--all",
		.summary = "let guests start again, after you have looked",
		.help = "What the configuration of these guests names now is what it means from now\n"
			"on; blocks and holds are undone. A guest is named pve/qemu/101, pve/lxc/105,\n"
			"libvirt/NAME, or by the last part where that is unique.\n"
			"\n"
			"      --all    all guests that are kept from starting; and what the boot held\n"
			"               back because of them is started\n"
			"      --force  also where a guest would take what the host itself needs\n"
			"\n"
			"Example:\n"
			"  hwrecover release 101\n",
		.options = OPTION_ALL | OPTION_FORCE,
		.arguments_max = ARGUMENTS_MAX,
		.run = command_release,
	},
	{
		.name = "check-guest",
		.usage = "check-guest qemu|lxc|libvirt NAME",
		.summary = "may this guest start? for start hooks",
		.help = "Exits with 1, and says why, if the guest would get a device that it does not\n"
			"mean, or one that the host needs. Exits with 0 otherwise, also when that\n"
			"cannot be known, with a warning then. Changes nothing.\n"
			"\n"
			"Example, in a hook script:\n"
			"  hwrecover check-guest qemu \"$1\" || exit 1\n",
		.arguments_min = 2,
		.arguments_max = 2,
		.choices = guest_kinds,
		.run = command_check_guest,
	},
	{
		.name = "hooks",
		.usage = "hooks install|remove",
		.summary = "have libvirt and Proxmox VE ask before a guest starts",
		.help = "Installs start hooks that call 'hwrecover check-guest', or removes them:\n"
			"in /etc/libvirt/hooks/qemu.d, and as hook script of each guest of Proxmox VE\n"
			"that has devices of the host. A hook script that is there already is kept,\n"
			"and run after ours.\n"
			"\n"
			"Example:\n"
			"  hwrecover hooks install\n",
		.arguments_min = 1,
		.arguments_max = 1,
		.choices = hook_choices,
		.run = command_hooks,
	},
	{
		.name = "boot",
		.usage = "boot network|guests|finish|image",
		.summary = "what the units run at boot",
		.help = "Runs one stage of the boot, as hwrecover-STAGE.service does.\n"
			"\n"
			"  network  before anything touches a link: snapshot, match, give back what\n"
			"           was taken for a guest by mistake, edit\n"
			"  guests   before guests start: those of Proxmox VE that would get another\n"
			"           device than they mean are kept from it\n"
			"  finish   after boot: baseline and report\n"
			"  image    after that: the boot image anew, if what is in it changed\n"
			"\n"
			"Example, what the next boot would do to a copy of a machine:\n"
			"  hwrecover --root pve1/ --inventory after.json boot network\n",
		.arguments_min = 1,
		.arguments_max = 1,
		.choices = boot_stages,
		.run = command_boot,
	},
	{ .name = NULL },
};
