# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bind entries on random machines, with an oracle that knows which card is which.

Random scripts and driverctl files name functions of a machine; then it goes through a random
history, back and forth. At every boot:
 - a script takes no function but those that its author meant; where neither tells its number and
   both are of one model, nobody can know;
 - none takes one that the host needs, unless it had it from the start;
 - an entry whose device tells its number is in force where that is where it says, with
   StaleBinds=relocate wherever it is;
 - the stage a second time changes nothing;
and with the first hardware back every file is what it was, byte for byte.
"""

import collections
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "scenarios", "lib"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import shell
from program import Failure

N_STATES = 4
SCRIPTS = "etc/initramfs-tools/scripts/init-top"
DRIVERCTL = "etc/driverctl.d"
MODEL = ("vendor", "device", "subsystem_vendor", "subsystem_device", "class")

# address: where the entry was written; unit: whose place that was, None for nobody's
Entry = collections.namedtuple("Entry", "address unit")
# whole: no entry of it can be put out of force alone
File = collections.namedtuple("File", "name text entries whole")


class State:
    """What the machine is at one time; units by address."""

    def __init__(self, folder, number):
        with open(folder / f"state-{number}.json", encoding="utf-8") as file:
            self.inventory = json.load(file)
        lines = (folder / f"units-{number}").read_text().splitlines()
        self.unit_at = dict(line.split() for line in lines)
        self.address_of = {unit: address for address, unit in self.unit_at.items()}
        self.function = {self.unit_at[entry["address"]]: entry for entry in self.inventory["pci"]}

    def serial(self, unit):
        """A virtual function is its physical one and its index."""
        entry = self.function[unit]
        if entry.get("physfn"):
            entry = self.function[self.unit_at[entry["physfn"]]]
        return entry.get("serial")


class Play:
    def __init__(self, folder, seed):
        self.random = random.Random(seed)
        self.folder = folder
        self.states = [State(folder, number) for number in range(N_STATES)]
        self.relocate = self.random.random() < 0.4
        self.models = {unit: tuple(entry.get(key) for key in MODEL)
                       for state in self.states for unit, entry in state.function.items()}
        self.numbered = self.find_numbered()
        first = self.states[0]
        self.candidates = sorted(unit for unit, entry in first.function.items()
                                 if not entry["class"].startswith("0604"))
        # A display that disks hang from is no machine; it is protected as the only one anyway.
        self.needed = {unit for unit in self.candidates if self.random.random() < 0.15
                       and not first.function[unit]["class"].startswith("03")}
        self.files = self.make_files()
        meant = {entry.unit for file in self.files for entry in file.entries}
        # What the host needs is with its own driver, unless somebody gave it away long ago.
        self.held = {unit for unit in meant if unit
                     and (unit not in self.needed or self.random.random() < 0.2)}
        for number, state in enumerate(self.states):
            self.furnish(state, number)

    def find_numbered(self):
        """Units whose serial number is known at any time, and is that of one card."""
        cards = collections.defaultdict(set)
        numbers = collections.defaultdict(set)
        for state in self.states:
            for unit in state.function:
                serial = state.serial(unit)
                numbers[unit].add(serial)
                cards[serial].add(unit.split(".")[0])
        return {unit for unit, serials in numbers.items()
                if len(serials) == 1 and None not in serials
                and len(cards[next(iter(serials))]) == 1}

    def furnish(self, state, number):
        for unit, entry in state.function.items():
            if unit in self.needed:
                entry["protected"] = "root file system"
            entry["driver"] = "vfio-pci" if unit in self.held else "own"
        held = {state.address_of[unit] for unit in self.held if unit in state.address_of}
        state.inventory["nics"] = [nic for nic in state.inventory["nics"]
                                   if nic.get("pci") not in held]
        state.inventory["taken_at"] = "2026-11-22T05:00:00Z"
        with open(self.folder / f"state-{number}.json", "w", encoding="utf-8") as file:
            json.dump(state.inventory, file)

    # What people write

    def pick(self):
        first = self.states[0]
        if self.candidates and self.random.random() < 0.9:
            unit = self.random.choice(self.candidates)
            return Entry(first.address_of[unit], unit)
        address = f"0000:{self.random.randrange(1, 24):02x}:00.0"
        return Entry(address, first.unit_at.get(address))


    def make_files(self):
        writers = [self.statements, self.loop, self.variable, self.lines, self.function]
        files = []
        for number in range(self.random.randrange(1, 4)):
            entries = [self.pick() for _ in range(self.random.randrange(1, 5))]
            entries = list({entry.address: entry for entry in entries}.values())
            writer = self.random.choice(writers)
            text = "#!/bin/sh\n" + writer(entries) + "modprobe -i vfio-pci\n"
            if self.random.random() < 0.2:
                text = text.replace("#!/bin/sh\n", "#!/bin/sh\ncase $1 in\nprereqs)\n"
                                    "\texit 0\n\t;;\nesac\n")
            files.append(File(f"{SCRIPTS}/script{number}", text, entries,
                              writer == self.function))
        for address, unit in {self.pick() for _ in range(self.random.randrange(3))}:
            files.append(File(f"{DRIVERCTL}/pci-{address}", "vfio-pci\n",
                              [Entry(address, unit)], False))
        return files

    def statements(self, entries):
        text = ""
        for entry in entries:
            path = f"/sys/bus/pci/devices/{entry.address}"
            text += f"# {self.random.choice(['a card', 'another', entry.address])}\n"
            if self.random.random() < 0.5:
                text += f'echo "{entry.address}" > {path}/driver/unbind\n'
            text += f'echo "vfio-pci" > {path}/driver_override\n'
            if self.random.random() < 0.5:
                text += f"echo {entry.address} > /sys/bus/pci/drivers/vfio-pci/bind\n"
        return text

    BODY = "do\n\techo vfio-pci > /sys/bus/pci/devices/$dev/driver_override\ndone\n"

    def loop(self, entries):
        words = (" " * self.random.randrange(1, 3)).join(entry.address for entry in entries)
        comment = self.random.choice(["", " # all of them"])
        return f"for dev in {words}{comment}\n" + self.BODY

    def variable(self, entries):
        return f'DEVS="{" ".join(entry.address for entry in entries)}"\nfor dev in $DEVS; ' \
            + self.BODY

    def lines(self, entries):
        words = "".join(entry.address + "\n" for entry in entries)
        return f'DEVS="\n{words}"\nfor dev in $DEVS; ' + self.BODY

    def function(self, entries):
        text = "take() {\n\techo vfio-pci > /sys/bus/pci/devices/$1/driver_override\n}\n"
        return text + "".join(f"X{number}={entry.address}\n"
                              for number, entry in enumerate(entries)) \
            + "".join(f"take $X{number}\n" for number in range(len(entries)))

    # What has to come out

    def told_apart(self, one, other):
        return self.models[one] != self.models[other] or {one, other} <= self.numbered

    def meant_at(self, state, file, address):
        """Whom the file may mean by an address now."""
        if self.relocate:
            return [entry.unit for entry in file.entries if entry.unit]
        return [entry.unit for entry in file.entries if entry.address == address and entry.unit]

    def may_not(self, unit):
        return unit in self.needed and unit not in self.held

    def check_taken(self, state, file, taken):
        for address in taken:
            unit = state.unit_at[address]
            if self.may_not(unit) and all(self.told_apart(unit, other) for other in self.held):
                raise Failure(f"{file.name} takes {address}, which the host needs")
            meant = self.meant_at(state, file, address)
            if all(unit != other and self.told_apart(unit, other) for other in meant):
                raise Failure(f"{file.name} takes {address}, which is {unit} and not {meant}")

    def must_take(self, state, file):
        """Addresses that have to be in force; None where one entry keeps all others back."""
        wanted = set()
        for entry in file.entries:
            here = state.address_of.get(entry.unit)
            stays = here == entry.address if entry.unit else entry.address not in state.unit_at
            # One that the host needs and that was away for a boot is nobody's any more.
            if file.whole and not (stays and entry.unit in self.numbered | {None}
                                   and entry.unit not in self.needed):
                return set()
            if entry.unit in self.numbered and here and entry.unit not in self.needed \
                    and (stays or self.relocate):
                wanted.add(here)
        return wanted

    def taken(self, root, state):
        """File -> what it takes; the files of driverctl are one, as their names may change."""
        addresses = list(state.unit_at)
        for file in self.files:
            if file.name.startswith(SCRIPTS):
                yield file, shell.takes((root / file.name).read_bytes(), addresses,
                                        str(self.folder / "scratch"))
        entries = [entry for file in self.files if file.name.startswith(DRIVERCTL)
                   for entry in file.entries]
        names = {path.name[len("pci-"):] for path in (root / DRIVERCTL).glob("pci-*")}
        yield File(DRIVERCTL, "", entries, False), names & set(addresses)

    def check(self, root, state):
        for file, taken in self.taken(root, state):
            self.check_taken(state, file, taken)
            missing = self.must_take(state, file) - taken
            if missing:
                raise Failure(f"{file.name} does not take {sorted(missing)}, but {sorted(taken)}")

    def as_it_was(self, root):
        for file in self.files:
            # What the host needs, or looks like it, may be out of force from the second boot on.
            if any(entry.unit == other or not self.told_apart(entry.unit, other)
                   for entry in file.entries if entry.unit for other in self.needed):
                continue
            path = root / file.name
            if not path.exists() or path.read_text() != file.text:
                raise Failure(f"{file.name}: the old hardware is back, the file is not")


def contents(root):
    return {path: path.read_bytes() for top in (SCRIPTS, DRIVERCTL)
            for path in (root / top).glob("*")}


def play(folder, seed, run):
    """Raises Failure; run(root, inventory, *words) runs the program."""
    one = Play(folder, seed)
    root = folder / "binds"
    for file in one.files:
        path = root / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
        path.chmod(0o755 if file.name.startswith(SCRIPTS) else 0o644)
    (root / DRIVERCTL).mkdir(parents=True, exist_ok=True)
    conf = root / "etc/hwrecover/hwrecover.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text("[Recovery]\nStaleBinds=" + ("relocate" if one.relocate else "disable") + "\n")
    history = [0] + [one.random.randrange(N_STATES) for _ in range(4)] + [0]
    for boot, number in enumerate(history):
        inventory = folder / "now.json"
        state = one.states[number]
        state.inventory["boot_id"] = f"{boot:08x}-0000-4000-8000-000000000000"
        inventory.write_text(json.dumps(state.inventory))
        try:
            run(root, inventory, "boot", "network")
            before = contents(root)
            run(root, inventory, "boot", "network")
            if boot > 0 and contents(root) != before:
                raise Failure("the network stage a second time changes files")
            if one.random.random() < 0.8:
                run(root, inventory, "boot", "finish")
            if boot == 0:
                one.as_it_was(root)
                continue
            one.check(root, state)
            if number == 0:
                one.as_it_was(root)
        except Failure as failure:
            raise Failure(f"boot {boot} of {history}: {failure}") from failure
