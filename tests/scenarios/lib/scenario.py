# SPDX-License-Identifier: LGPL-2.1-or-later
"""A scenario: read its file, live through its steps, then check what holds in every scenario.

../README.md describes the language.
"""

import fcntl
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import time

import machine
import plan as plans
import shell
import sysfs
import tree
from plan import need
from program import Failure, one_line_of_error

FILE_STEPS = ("file", "edit", "append")
# Steps after which the old hardware need not give the old bytes.
PERSON_STEPS = {"edit", "append", "replace", "sh", "rollback", "restore", "release", "adopt"}
# While it exists nothing starts guests (contract section 7).
HOLD_GUESTS = "run/hwrecover/hold-guests"
PROPERTIES = {"return", "apply-is-boot", "plan-empties", "record-only", "order"}


class Skip(Exception):
    """What a scenario needs is not there."""


class Step:
    def __init__(self, number, text):
        self.number = number
        self.text = text
        self.words = text.split()
        self.block = []

    def lines(self):
        """The block as words to obey: without blank lines and comments."""
        return [line.strip() for line in self.block
                if line.strip() and not line.strip().startswith("#")]

    def content(self, options=()):
        """The block as the content of a file."""
        text = "".join(line + "\n" for line in self.block)
        if "escaped" in options:
            text = text.encode("latin-1", "backslashreplace").decode("unicode_escape")
            data = text.encode("latin-1")
        else:
            data = text.encode()
        if "no-newline" in options:
            data = data[:-1]
        if "crlf" in options:
            data = data.replace(b"\n", b"\r\n")
        return data


def parse(path):
    """The steps of a scenario file; a block is what is indented by one tab."""
    steps = []
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    blank = 0
    for number, line in enumerate(lines, 1):
        if line.startswith("\t"):
            if not steps:
                raise Failure(f"runner: line {number}: a block without a step")
            steps[-1].block += [""] * blank + [line[1:]]
            blank = 0
        elif not line.strip():
            blank += 1
        else:
            blank = 0
            if not line.startswith("#"):
                steps.append(Step(number, line.rstrip()))
    return steps


def rename_all(data, pairs):
    """All of "a>b,c>d" at once, whole names."""
    names = dict(pair.split(">") for pair in pairs.split(","))
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(
        rf"(?<![\w-])({pattern})(?![\w-])".encode(),
        lambda match: names[match.group(1).decode()].encode(), data)


def lines_off(data, numbers):
    """The file with lines "5,8-10" commented out as hwrecover does."""
    lines = data.splitlines(keepends=True)
    for part in numbers.split(","):
        first, _, last = part.partition("-")
        for number in range(int(first), int(last or first) + 1):
            lines[number - 1] = b"#hwrecover: " + re.sub(
                rb"\\(\r?\n)$", rb"\\ (continued)\1", lines[number - 1])
    return b"".join(lines)


def live_lines(data):
    """What a reader of interfaces(5) sees: no comments, no blank lines."""
    return [line.rstrip(b"\r") for line in data.split(b"\n")
            if line.strip() and not line.lstrip().startswith(b"#")]


def comment_lines(data):
    return [line for line in data.split(b"\n") if line.lstrip().startswith(b"#")]


class Scenario:
    def __init__(self, folder, program, work):
        self.name = os.path.basename(folder)
        self.folder = folder
        self.program = program
        self.work = os.path.join(work, self.name)
        self.root = os.path.join(self.work, "tree")
        self.hardware = {}
        self.skipped = set()
        self.clock = 1795323600  # 2026-11-22T05:00:00Z, the contract's
        self.boots = 0
        self.current = None  # name of the hardware that is there
        self.first = None
        self.person = False  # whether somebody edited something since the first boot
        self.asked = set()  # what only needs to be checked once
        self.base = {}  # file -> content a person gave it last
        self.marks = {}
        self.copies = 0
        self.dirty = True  # whether something changed since the last boot stage
        self.finished = True  # whether the last boot came to its end
        self.lock_file = None
        self.start = None
        self.from_sys = False  # the hardware is read from the tree's own /sys

    # Running the program

    def inventory_file(self, seed=None):
        inventory = self.hardware[self.current].inventory(
            self.boot_id, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.clock)))
        path = os.path.join(self.work, "inventory.json" if seed is None else "permuted.json")
        if seed is not None:
            inventory = machine.permuted(inventory, seed)
        with open(path, "wb") as file:
            file.write(machine.render(inventory))
        return path

    @property
    def boot_id(self):
        return f"{self.boots:08x}-5eed-4b00-8000-{self.boots:012x}"

    def run(self, arguments, root=None, inventory=None, **options):
        options.setdefault("cwd", self.work)
        hardware = [] if self.from_sys else [
            "--inventory", inventory or os.path.join(self.work, "inventory.json")]
        return self.program.run(["--root", root or self.root, *hardware, *arguments], **options)

    def must(self, arguments, **options):
        result = self.run(arguments, **options)
        need(result.status == 0, f"exit {result.status}, not 0: {result}")
        return result

    def plan(self, root=None, inventory=None):
        result = self.must(["plan", "--json"], root=root, inventory=inventory)
        try:
            return json.loads(result.out), result.out
        except ValueError as error:
            raise Failure(f"plan --json: {error}: {result}") from error

    def list(self):
        return json.loads(self.must(["list", "--json"]).out)

    def copy(self, how=tree.copy):
        self.copies += 1
        target = os.path.join(self.work, f"copy{self.copies}")
        how(self.root, target)
        return target

    def drop(self, target):
        subprocess.run(["chmod", "-R", "u+rwX", target], check=False)
        shutil.rmtree(target)

    # What holds of every plan, boot and scenario (notes: properties that hold in every scenario)

    def checked_plan(self):
        """The plan now; asked twice, of the devices in another order, of files made in another
        order; and nothing is touched."""
        before = tree.scan(self.root)
        state = self.state()
        plan, text = self.plan()
        plans.check_form(plan, self.root)
        need(self.plan()[1] == text, "plan --json says something else the second time")
        if "order" not in self.skipped:
            need(self.plan(inventory=self.inventory_file(seed=self.boots))[1] == text,
                 "the order of devices in the inventory changes the plan")
            if "reversed" not in self.asked or plan["edits"]:
                self.asked.add("reversed")
                other = self.copy(tree.copy_reversed)
                need(self.plan(root=other)[1] == text,
                     f"the order in which files were made changes the plan ({other})")
                self.drop(other)
        changed = tree.differences(before, tree.scan(self.root), tree.Entry.untouched)
        need(not changed, f"plan touched {changed}")
        changed = tree.differences(state, self.state(), tree.Entry.untouched)
        need(not changed, f"plan touched the state: {changed}")
        return plan

    def state(self):
        """The files of the state directory (folders do not count: a lock or a temporary file may
        come and go)."""
        if not os.path.isdir(os.path.join(self.root, tree.STATE)):
            return {}
        return {path: entry for path, entry in tree.scan(self.root, tree.STATE).items()
                if entry.content is not None}

    def boot(self, hardware, stages, block=()):
        fresh = self.first is None
        if fresh:
            self.first = hardware
        changed = hardware != self.current or self.dirty
        self.power(hardware)
        thorough = changed and not fresh
        plan = self.checked_plan() if changed else self.plan()[0]
        seconds = 60.0
        for line in block:
            if line.startswith("seconds "):
                seconds = float(line.split()[1])
            else:
                plans.expect(plan, line.split(), line)
        if fresh:
            need(not plan["edits"], f"edits at the first boot: {plans.show(plan)}")
        applied = self.applied_copy() if thorough and "apply-is-boot" not in self.skipped else None
        before = tree.scan(self.root)
        took = self.must(["boot", "network"]).seconds
        need(took < seconds, f"boot network took {took:.1f} s")
        after = tree.scan(self.root)
        for path in tree.differences(before, after):
            need(not plans.of_proxmox("/" + path), f"boot network edits {path}")
        self.guests_are_held(plan)
        if thorough or fresh:
            self.must(["boot", "network"])
            again = tree.differences(after, tree.scan(self.root), tree.Entry.untouched)
            need(not again, f"boot network the second time changed {again}")
            self.guests_are_held(plan)
        if "network" not in stages:
            after = self.boot_guests(after, thorough)
        if applied and "network" in stages:
            self.must(["boot", "guests"], root=applied)
        elif applied:
            different = tree.differences(tree.scan(applied), after)
            need(not different, f"apply and the boot stages differ in {different} ({applied})")
        if applied:
            self.drop(applied)
        if "plan-empties" not in self.skipped:
            self.edits_are_those(plan, before, after, "network" in stages)
            left = self.plan()[0]
            need(plans.is_empty(left, plans.releases(plan), "network" in stages),
                 f"plan after boot: {plans.show(left)}")
        self.dirty = False
        self.finished = "network" not in stages
        if self.finished:
            for stage in ("finish", "image"):
                if stage == "finish" or stage not in self.asked:
                    self.asked.add(stage)
                    self.stage(stage)
            self.listed()

    def boot_guests(self, before, thorough):
        """The guests stage: it edits what is Proxmox's alone, lets guests start when it is done,
        and changes nothing the second time."""
        self.must(["boot", "guests"])
        after = tree.scan(self.root)
        for path in tree.differences(before, after):
            need(plans.of_proxmox("/" + path), f"boot guests edits {path}")
        need(not os.path.exists(self.inside(HOLD_GUESTS)), "boot guests leaves hold-guests")
        if thorough:
            self.must(["boot", "guests"])
            again = tree.differences(after, tree.scan(self.root), tree.Entry.untouched)
            need(not again, f"boot guests the second time changed {again}")
        return after

    def guests_are_held(self, plan):
        """Contract section 7: nothing starts guests while a block is not on disk yet; where no
        guest of Proxmox is affected, nothing keeps them."""
        held = os.path.exists(self.inside(HOLD_GUESTS))
        if any(plans.of_proxmox(edit["file"]) and edit["remedy"] in ("block", "hold")
               for edit in plan["edits"]):
            need(held, f"a guest is to be blocked, and no hold-guests: {plans.show(plan)}")
        elif not any(entry["guest"].startswith("pve/") for entry in plan["blocked"]) \
                and not any(plans.of_proxmox(edit["file"]) for edit in plan["edits"]):
            need(not held, f"no guest is affected, and hold-guests: {plans.show(plan)}")

    def applied_copy(self):
        """A copy of the tree in which `apply` did what the boot stage is about to do here."""
        applied = self.copy()
        self.must(["apply"], root=applied)
        left = self.plan(root=applied)[0]
        if "plan-empties" not in self.skipped:
            need(plans.is_empty(left, plans.releases(left)),
                 f"plan after apply ({applied}): {plans.show(left)}")
        done = tree.scan(applied)
        self.must(["boot", "network"], root=applied)
        self.must(["boot", "guests"], root=applied)
        again = tree.differences(done, tree.scan(applied), tree.Entry.untouched)
        need(not again, f"the boot stages after apply changed {again} ({applied})")
        return applied

    def edits_are_those(self, plan, before, after, network_alone=False):
        named = {os.path.realpath(os.path.join(self.root, path.lstrip("/")))
                 for path in plans.edited_files(plan)
                 if not (network_alone and plans.of_proxmox(path))}
        # A folder that a file comes back into comes with it.
        changed = {os.path.realpath(os.path.join(self.root, path))
                   for path in tree.differences(before, after)
                   if path in before or not stat.S_ISDIR(after[path].kind)}
        need(named == changed, f"planned: {sorted(named)}, changed: {sorted(changed)}")
        for path in tree.differences(before, after):
            if path in before and path in after:
                need((before[path].kind, before[path].mode, before[path].owner)
                     == (after[path].kind, after[path].mode, after[path].owner),
                     f"{path}: kind, mode or owner changed")

    def stage(self, name):
        """A stage that edits nothing: finish, image."""
        before = tree.scan(self.root)
        self.must(["boot", name])
        changed = tree.differences(before, tree.scan(self.root), tree.Entry.untouched)
        need(not changed, f"boot {name} changed {changed}")

    def listed(self):
        entries = self.list()
        ids = [entry["id"] for entry in entries]
        need(len(set(ids)) == len(ids), f"list: ids {ids}")
        need(sorted(ids) in (ids, ids[::-1]), f"list: not by id: {ids}")
        need([entry["baseline"] for entry in entries].count(True) == 1,
             f"list: not one baseline: {entries}")
        need(any(entry["boot_id"] == self.boot_id for entry in entries),
             f"list: this boot ({self.boot_id}) is missing: {entries}")
        for entry in entries:
            need(set(entry) >= {"id", "taken_at", "boot_id", "reason", "note", "baseline"},
                 f"list: {entry}")

    def at_the_end(self):
        if self.first is None or self.current is None:
            return
        if "record-only" not in self.skipped:
            self.another_boot_writes_only_its_record()
        if not self.person and "return" not in self.skipped and self.first != self.current:
            root, self.root = self.root, self.copy()
            self.power(self.first)
            self.must(["boot", "network"])
            self.must(["boot", "guests"])
            different = tree.differences(self.start, tree.scan(self.root))
            need(not different, f"the old hardware is back, {different} not ({self.root})")
            self.drop(self.root)
            self.root = root
        self.permissions()

    def another_boot_writes_only_its_record(self):
        root, self.root = self.root, self.copy()
        if self.dirty or not self.finished:
            self.must(["boot", "network"])
            self.must(["boot", "guests"])
            self.must(["boot", "finish"])
        before, state = tree.scan(self.root), self.state()
        self.power(self.current)
        self.must(["boot", "network"])
        self.must(["boot", "guests"])
        self.must(["boot", "finish"])
        changed = tree.differences(before, tree.scan(self.root), tree.Entry.untouched)
        need(not changed, f"a boot in which nothing changed changed {changed} ({self.root})")
        now = self.state()
        changed = tree.differences(state, now, tree.Entry.untouched)
        grown = sum(len(entry.content) for entry in now.values()) \
            - sum(len(entry.content) for entry in state.values())
        need(len(changed) <= 1 and grown <= 4096,
             f"a boot in which nothing changed wrote {changed}, {grown} bytes ({self.root})")
        self.listed()
        self.drop(self.root)
        self.root = root

    def permissions(self):
        """Contract section 2: state 0700 and 0600, runtime 0755."""
        for top, modes in ((tree.STATE, (0o700, 0o600)), (tree.RUNTIME, (0o755, None))):
            path = os.path.join(self.root, top)
            if not os.path.isdir(path):
                continue
            entries = {top: tree.Entry(path)}
            entries.update(tree.scan(self.root, top))
            for name, entry in entries.items():
                mode = modes[1] if entry.content is not None else modes[0]
                need(mode is None or entry.mode == mode, f"{name}: mode {entry.mode:o}")

    # The steps

    def power(self, hardware):
        """The machine starts with this hardware; nothing of ours has run yet."""
        need(hardware in self.hardware, f"runner: no hardware {hardware!r}")
        self.boots += 1
        self.clock += 3600
        self.current = hardware
        shutil.rmtree(os.path.join(self.root, tree.RUNTIME), ignore_errors=True)
        self.inventory_file()
        if self.from_sys:
            sysfs.build(self.root, self.hardware[hardware].inventory(None, None))
            sysfs.put(self.inside("/proc/sys/kernel/random/boot_id"), self.boot_id)

    def step_from_sys(self, _step):
        """from-sys: no --inventory; the tree has a copy of /sys."""
        self.from_sys = True
        self.skipped.add("order")

    def step_hardware(self, step):
        name, equals, base = step.text.split(None, 1)[1].partition(" = ")
        try:
            self.hardware[name.strip()] = machine.Machine(
                step.block, self.hardware[base.strip()] if equals else None)
        except machine.MachineError as error:
            raise Failure(f"runner: hardware {name}: {error}") from error

    def step_skip(self, step):
        name = step.words[1].rstrip(":")
        need(name in PROPERTIES and ":" in step.text, f"runner: {step.text!r} (skip NAME: why)")
        self.skipped.add(name)

    def step_file(self, step):
        path = self.inside(step.words[1])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        data = step.content(step.words[2:])
        if step.words[0] == "append":
            with open(path, "rb") as file:
                data = file.read() + data
        # As an editor does: a new file in the old one's place.
        with open(path + ".new", "wb") as file:
            file.write(data)
        mode = [word[5:] for word in step.words if word.startswith("mode=")]
        if mode:
            os.chmod(path + ".new", int(mode[0], 8))
        elif os.path.exists(path):
            shutil.copymode(path, path + ".new")
        else:
            os.chmod(path + ".new", 0o644)
        os.rename(path + ".new", path)
        self.base[step.words[1]] = data
        self.dirty = True

    step_edit = step_file
    step_append = step_file

    def step_replace(self, step):
        """replace PATH OLD > NEW: somebody changes every OLD of a file."""
        path = self.inside(step.words[1])
        was, _, now = step.text.split(None, 2)[2].partition(" > ")
        was, now = was.replace("\\n", "\n").replace("\\t", "\t"), \
            now.replace("\\n", "\n").replace("\\t", "\t")
        with open(path, "rb") as file:
            data = file.read()
        need(was.encode() in data, f"runner: no {was!r} in {step.words[1]}: {data.decode()}")
        with open(path, "wb") as file:
            file.write(data.replace(was.encode(), now.encode()))
        self.base[step.words[1]] = data.replace(was.encode(), now.encode())
        self.dirty = True

    def step_sh(self, step):
        """A shell command in the tree: what a scenario does by hand."""
        command = step.text.split(None, 1)[1]
        done = subprocess.run(["sh", "-ec", command], cwd=self.root, check=False,
                              capture_output=True, env={**os.environ, "WORK": self.work})
        need(done.returncode == 0, f"runner: {command}: {done.stderr.decode()}")
        self.dirty = True

    def step_clock(self, step):
        """clock -DAYS: the machine's clock is off from now on."""
        self.clock += int(step.words[1]) * 86400

    def step_power(self, step):
        self.power(step.words[1])
        self.dirty = True

    def step_boot(self, step):
        self.boot(step.words[1], step.words[2:], step.lines())

    def step_reboot(self, step):
        self.boot(self.current, step.words[1:], step.lines())

    def step_finish(self, _step):
        self.stage("finish")
        self.listed()

    def step_network(self, step):
        """network [STATUS]: that stage once more, and nothing else is asked."""
        self.outcome(self.run(["boot", "network"]), 0, step)

    def step_guests(self, step):
        """guests: that stage once more, or after `network`."""
        before = tree.scan(self.root)
        self.outcome(self.run(["boot", "guests"]), 0, step)
        for path in tree.differences(before, tree.scan(self.root)):
            need(plans.of_proxmox("/" + path), f"boot guests edits {path}")

    def step_plan(self, step):
        plan = self.checked_plan()
        for line in step.lines():
            plans.expect(plan, line.split(), line)

    def step_apply(self, step):
        plan = self.checked_plan()
        for line in step.lines():
            plans.expect(plan, line.split(), line)
        self.must(["apply", *step.words[1:]])
        if "plan-empties" not in self.skipped:
            left = self.plan()[0]
            need(plans.is_empty(left, plans.releases(plan)),
                 f"plan after apply: {plans.show(left)}")

    def arguments(self, words):
        return [re.sub(r"\$(\w+)", lambda match: str(self.marks[match.group(1)]), word)
                for word in words]

    def step_run(self, step):
        self.outcome(self.run(self.arguments(shlex.split(step.text)[1:])), 0, step)

    def step_rollback(self, step):
        self.outcome(self.run(self.arguments(shlex.split(step.text))), 0, step)
        self.dirty = True

    step_restore = step_rollback
    step_release = step_rollback

    def step_snapshot(self, step):
        self.outcome(self.run(self.arguments(shlex.split(step.text))), 0, step)

    def step_fails(self, step):
        """fails ARGUMENTS: exit 1, one line on stderr, and every file is as it was."""
        before, state = tree.scan(self.root), self.state()
        result = self.run(self.arguments(shlex.split(step.text)[1:]))
        self.outcome(result, 1, step)
        one_line_of_error(result)
        changed = tree.differences(before, tree.scan(self.root), tree.Entry.untouched)
        changed += tree.differences(state, self.state())
        need(not changed, f"{result.arguments} failed and changed {changed}")

    def step_exits(self, step):
        """exits STATUS ARGUMENTS"""
        self.outcome(self.run(self.arguments(shlex.split(step.text)[2:])),
                     int(step.words[1]), step)

    def outcome(self, result, status, step):
        """Exit status and what the block says of the output."""
        need(result.status == status, f"exit {result.status}, not {status}: {result}")
        for line in step.lines():
            word, _, rest = line.partition(" ")
            data = {"stdout": result.out, "stderr": result.err}.get(word.partition("-")[0])
            if word in ("stdout", "stderr") and rest == "empty":
                need(not data.strip(), f"{word} is not empty: {result}")
            elif word in ("stdout", "stderr"):
                need(self.arguments([rest])[0].encode() in data,
                     f"{rest!r} is not on {word}: {result}")
            elif word in ("stdout-not", "stderr-not"):
                need(rest.encode() not in data, f"{rest!r} is on {word[:6]}: {result}")
            elif word == "check":
                self.check(rest, result)
            elif word == "seconds":
                need(result.seconds < float(rest), f"took {result.seconds:.1f} s: {result}")
            else:
                raise Failure(f"runner: what is {line!r}?")

    def check(self, expression, result):
        try:
            out = json.loads(result.out)
        except ValueError:
            out = result.out.decode(errors="replace")
        names = {"out": out, "err": result.err.decode(errors="replace"), "json": json,
                 "boot_id": self.boot_id, "WORK": self.work, **self.marks}
        need(eval(expression, names),  # pylint: disable=eval-used
             f"not so: {expression}: {result}")

    def step_remember(self, step):
        """remember NAME [newest]: the baseline's id, or the highest, under a name."""
        entries = self.list()
        if step.words[2:] == ["newest"]:
            self.marks[step.words[1]] = max(entry["id"] for entry in entries)
        else:
            self.marks[step.words[1]] = [e["id"] for e in entries if e["baseline"]][0]

    def step_expect(self, step):
        """expect PATH …: a file byte for byte."""
        name, options = step.words[1], step.words[2:]
        path = self.inside(name)
        mode = [word[5:] for word in options if word.startswith("mode=")]
        options = [word for word in options if not word.startswith("mode=")]
        if options == ["absent"]:
            need(not os.path.lexists(path), f"{name} exists")
            return
        with open(path, "rb") as file:
            data = file.read()
        if options[:1] == ["has"]:
            text = step.text.split(" has ", 1)[1]
            need(text.encode() in data, f"{name} has no {text!r}:\n{data.decode()}")
            return
        if options[:1] == ["lacks"]:
            text = step.text.split(" lacks ", 1)[1]
            need(text.encode() not in data, f"{name} has {text!r}:\n{data.decode()}")
            return
        if mode:
            need(f"{tree.Entry(path).mode:o}" == mode[0].lstrip("0"), f"{name}: mode")
        if options == ["as-was"]:
            wanted = self.base[name]
        elif options and options[0].startswith("off="):
            wanted = lines_off(self.base[name], options[0][4:])
        elif options and ">" in options[0]:
            wanted = rename_all(self.base[name], options[0])
        else:
            wanted = step.content(options)
        need(data == wanted, f"{name} is\n{data.decode(errors='replace')}"
             f"-- and should be\n{wanted.decode(errors='replace')}--")

    def step_takes(self, step):
        """takes PATH [ADDRESS…]: run by a shell, the script takes exactly these functions."""
        path = self.inside(step.words[1])
        with open(path, "rb") as file:
            script = file.read()
        addresses = [entry["address"] for entry in self.hardware[self.current].pci]
        taken = shell.takes(script, addresses, os.path.join(self.work, "scratch"))
        need(taken == set(step.words[2:]), f"{step.words[1]} takes {sorted(taken)}:\n"
             + script.decode(errors="replace"))

    def step_expect_live(self, step):
        """expect-live PATH: what a reader sees, comments apart; no comment that was there went."""
        with open(self.inside(step.words[1]), "rb") as file:
            data = file.read()
        live, wanted = live_lines(data), live_lines(step.content())
        need(live == wanted, f"{step.words[1]}, live, is\n" + b"\n".join(live).decode()
             + "\n-- and should be\n" + b"\n".join(wanted).decode()
             + "\n-- whole:\n" + data.decode())
        remaining = iter(comment_lines(data))
        for comment in comment_lines(self.base.get(step.words[1], b"")):
            need(any(line == comment for line in remaining),
                 f"the comment {comment.decode()!r} went:\n{data.decode()}")

    def step_expect_tree(self, _step):
        """expect-tree: every file is as it was at the start."""
        changed = tree.differences(self.start, tree.scan(self.root))
        need(not changed, f"changed: {changed}")

    def step_lock(self, _step):
        """Somebody holds the lock, with flock and with a record lock alike."""
        path = os.path.join(self.root, tree.RUNTIME, "lock")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.lock_file = open(path, "a+b")  # pylint: disable=consider-using-with
        fcntl.flock(self.lock_file, fcntl.LOCK_EX)
        fcntl.lockf(self.lock_file, fcntl.LOCK_EX)

    def step_unlock(self, _step):
        self.lock_file.close()

    def snapshot_file(self, number):
        """The file of a snapshot (docs/FORMATS.md)."""
        folder = os.path.join(self.root, tree.STATE, "snapshots")
        found = [name for name in os.listdir(folder)
                 if re.fullmatch(rf"0*{number}\.json", name)]
        need(len(found) == 1, f"snapshot {number} has no file of its own: {os.listdir(folder)}")
        return os.path.join(folder, found[0])

    def step_damage(self, step):
        """damage $ID truncate|empty|flip|garbage|future|remove: a snapshot's file."""
        path = self.snapshot_file(int(self.arguments(step.words)[1]))
        with open(path, "rb") as file:
            data = file.read()
        how = step.words[2]
        if how == "remove":
            os.unlink(path)
            return
        data = {
            "truncate": data[: len(data) // 2],
            "empty": b"",
            "garbage": bytes(range(256)) * 8,
            "flip": data[: len(data) // 3] + bytes([data[len(data) // 3] ^ 1])
            + data[len(data) // 3 + 1:],
            "future": data.replace(b"hwrecover.snapshot/1", b"hwrecover.snapshot/9"),
        }[how]
        with open(path, "wb") as file:
            file.write(data)

    def step_flips(self, step):
        """flips HARDWARE N: one bit of the baseline's file is wrong, at N places in turn; the boot
        must come to its end and leave the files that `without it` or `with it` gives."""
        baseline = [entry["id"] for entry in self.list() if entry["baseline"]][0]
        name = os.path.relpath(self.snapshot_file(baseline), self.root)
        with open(os.path.join(self.root, name), "rb") as file:
            size = len(file.read())
        self.power(step.words[1])
        root = self.root
        outcomes = []
        for damage in [None, "remove", *range(0, size, max(1, size // int(step.words[2])))]:
            self.root = root
            self.root = self.copy()
            path = os.path.join(self.root, name)
            if damage == "remove":
                os.unlink(path)
            elif damage is not None:
                with open(path, "r+b") as file:
                    file.seek(damage)
                    byte = file.read(1)[0]
                    file.seek(damage)
                    file.write(bytes([byte ^ (1 << damage % 8)]))
            self.must(["boot", "network"])
            after = tree.scan(self.root)
            if damage in (None, "remove"):
                outcomes.append(after)
            else:
                need(any(not tree.differences(outcome, after) for outcome in outcomes),
                     f"one bit wrong at {damage} of {name} gives other files ({self.root})")
            self.drop(self.root)
        self.root = root

    def step_killed(self, step, stage="network"):
        """killed HARDWARE: the power goes at every single system call that makes a change; each
        file is old or new as a whole, and the next boot ends where it should."""
        if not shutil.which("strace"):
            raise Skip("no strace here")
        self.power(step.words[1])
        if stage == "guests":
            self.must(["boot", "network"])
        root = self.root
        before = tree.scan(root)
        self.root = self.copy()
        self.must(["boot", stage])
        whole = tree.scan(self.root)
        self.drop(self.root)
        calls = "rename,renameat,renameat2,unlinkat,unlink,linkat,fsync,fdatasync,write,pwrite64," \
            "ftruncate,fchmod"
        if step.words[2:]:
            calls = step.words[2]
        count = 0
        while True:
            count += 1
            self.root = root
            self.root = self.copy()
            result = self.run(
                ["boot", stage],
                wrapper=["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e",
                         f"inject={calls}:signal=SIGKILL:when={count}"],
                extra_environment={"ASAN_OPTIONS": "detect_leaks=0"})
            self.torn(before, whole, count)
            if stage == "guests" and result.status != 0:
                need(os.path.exists(self.inside(HOLD_GUESTS)) or not tree.differences(
                    whole, tree.scan(self.root)),
                     f"killed at change {count}: guests may start ({self.root})")
            self.power(self.current)
            self.must(["boot", "network"])
            if stage == "guests":
                self.must(["boot", stage])
            different = tree.differences(whole, tree.scan(self.root))
            need(not different, f"killed at change {count}, then {different} ({self.root})")
            self.must(["boot", "finish"])
            left = self.plan()[0]
            need(plans.is_empty(left, plans.releases(left), stage == "network"),
                 f"killed at change {count}: {plans.show(left)}")
            self.drop(self.root)
            if result.status == 0:
                break
        need(count > 4, f"runner: strace killed it {count} times only: {result}")
        self.root = root
        self.dirty = True

    def step_killed_guests(self, step):
        """killed-guests HARDWARE: likewise, in the guests stage; what starts guests waits until its
        blocks are on disk."""
        self.step_killed(step, "guests")

    def step_killed_once(self, step):
        """killed-once HARDWARE CALLS N: the power goes at the N-th of these system calls."""
        if not shutil.which("strace"):
            raise Skip("no strace here")
        self.power(step.words[1])
        self.run(["boot", "network"],
                 wrapper=["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={step.words[2]}",
                          "-e", f"inject={step.words[2]}:signal=SIGKILL:when={step.words[3]}"],
                 extra_environment={"ASAN_OPTIONS": "detect_leaks=0"})
        self.dirty = True

    def torn(self, before, whole, count):
        now = tree.scan(self.root)
        for path in before.keys() & whole.keys():
            need(path in now and (now[path].alike(before[path]) or now[path].alike(whole[path])),
                 f"killed at change {count}: {path} is neither old nor new ({self.root})")
        made = [path for path in now if path not in before
                and "interfaces.d" in path and not os.path.basename(path).startswith(".")]
        need(not made, f"killed at change {count}: {made} would be read ({self.root})")

    def inside(self, path):
        return os.path.join(self.root, path.lstrip("/"))

    def play(self):
        os.makedirs(self.root)
        given = os.path.join(self.folder, "tree")
        if os.path.isdir(given):
            subprocess.run(["cp", "-a", given + "/.", self.root], check=True)
        os.chmod(self.root, 0o755)
        for folder, _, files in os.walk(self.root):
            for name in files:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    with open(path, "rb") as file:
                        self.base["/" + os.path.relpath(path, self.root)] = file.read()
        for step in parse(os.path.join(self.folder, "scenario")):
            method = getattr(self, "step_" + step.words[0].replace("-", "_"), None)
            need(method, f"runner: line {step.number}: what is {step.words[0]!r}?")
            if step.words[0] in ("boot", "power") and self.start is None:
                self.start = tree.scan(self.root)
            if step.words[0] in PERSON_STEPS and self.first is not None:
                self.person = True
            if step.words[0] == "snapshot" and "--adopt" in step.words:
                self.person = True
            try:
                method(step)
            except Failure as error:
                raise Failure(f"line {step.number}: {step.text}: {error}") from error
            except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
                raise Failure(f"line {step.number}: {step.text}: {error!r}") from error
        try:
            self.at_the_end()
        except Failure as error:
            raise Failure(f"at the end: {error}") from error
