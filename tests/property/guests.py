# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests on random machines, with an oracle that knows which card is which.

Random guests of Proxmox VE and libvirt are given functions of a machine; then it goes through a
random history, back and forth, while people edit their files, take snapshots of them and roll them
back, move them away, change the policy. The oracle reads the files as Proxmox VE and libvirt do.
After every boot:
 - no guest that starts by itself gets a function that its author did not mean, nor takes one out
   of an IOMMU group that was not there when the mention was first seen; where neither of two of one
   model tells its number nobody can know;
 - none takes what the host needs, however it is started;
 - until the guests stage has run, the hold file is there where one would;
 - a guest with nothing of the host, or with everything in its place, is byte for byte as it was;
 - check-guest refuses where something else is there for certain, and nothing that is right;
 - each stage a second time changes nothing, and `apply` does what the two stages do;
and with the first hardware back every file that nobody edited is what it was, byte for byte.
"""

import collections
import json
import os
import random
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "scenarios", "lib"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from binds import State, MODEL
from program import Failure

N_STATES = 4
HOST = "pve1"
PVE = "etc/pve"
QEMU = f"{PVE}/nodes/{HOST}/qemu-server"
ELSEWHERE = f"{PVE}/nodes/pve2/qemu-server"
MAPPINGS = f"{PVE}/mapping/pci.cfg"
RESOURCES = f"{PVE}/ha/resources.cfg"
DOMAINS = "etc/libvirt/qemu"
LINKS = f"{DOMAINS}/autostart"
HOLD_FILE = "run/hwrecover/hold-guests"
CONFIG = "etc/hwrecover/hwrecover.conf"

ADDRESS = re.compile(r"(?:([a-f0-9]{4,}):)?([a-f0-9]{2}:[a-f0-9]{2})(\.[0-7])?$")
HEAD = re.compile(r"\[([A-Za-z][A-Za-z0-9_\-]+)\]\s*$")
LINE = re.compile(r"([a-z][a-z_\-]*\d*):\s*(.+?)\s*$")


# What Proxmox VE makes of a file

def parse(text):
    """(section, key, value) of each line that says something, and its place."""
    section = ""
    for number, line in enumerate(text.split("\n")):
        head = HEAD.match(line)
        if head:
            section = head.group(1)
        elif not line.startswith("#"):
            match = LINE.match(line)
            if match:
                yield section, match.group(1), match.group(2), number


def settings(text, section=""):
    return {key: value for where, key, value, _ in parse(text) if where == section}


def is_true(value):
    return value.lower() in ("1", "on", "yes", "true")


def host_part(value):
    for part in value.split(","):
        if "=" not in part or part.startswith("host=") or part.startswith("mapping="):
            return part
    return ""


def effective(text):
    """Key -> the section whose value counts at the next start, and that value."""
    result = {key: ("", value) for key, value in settings(text).items()}
    pending = settings(text, "PENDING")
    for key in re.split(r"[ ,;]+", pending.pop("delete", "")):
        result.pop(key.lstrip("!"), None)
    for key, value in pending.items():
        result[key] = ("PENDING", value)
    return result


def addresses_of(part):
    return part.removeprefix("host=").split(";")


def functions_at(state, address):
    """The addresses that one of Proxmox's takes: all of a slot where it names no function."""
    domain, rest, function = ADDRESS.match(address).groups()
    whole = f"{domain or '0000'}:{rest}{function or '.'}"
    return sorted(name for name in state.unit_at if name.startswith(whole))


def sections_of(text):
    """id -> its lines, of a section file without types."""
    result, name = {}, None
    for line in text.split("\n"):
        if line and line[0] not in "#\t ":
            name = line
            result[name] = []
        elif name and line.startswith("\t"):
            result[name].append(line.strip())
    return result


def map_lines(text, mapping):
    for line in sections_of(text).get(mapping, []):
        if line.startswith("map "):
            parts = dict(part.split("=", 1) for part in line[4:].split(","))
            if parts.get("node") == HOST:
                yield parts


def put_back(text):
    """What stood there before a hold."""
    def original(match):
        name = match.group(1)
        if name.startswith("mapping-"):
            return name.replace("mapping-", "mapping=", 1)
        host = "host=" if name.startswith("host-") else ""
        return host + name.removeprefix("host-").replace("--", ";").replace("_", ":") \
            .replace("-", ".")
    return re.sub(r"mapping=hwrecover-hold-([\w-]+)", original, text)


class Cannot(Exception):
    """The guest is not started."""


class Machine:
    """One state, with what the oracle needs of it."""

    def __init__(self, state, groups):
        self.state = state
        self.unit_at = state.unit_at
        self.groups = groups
        self.function = state.function

    def group_of(self, address):
        """All that is taken with a function."""
        group = self.groups[self.unit_at[address]]
        if group is None:
            return {address}
        return {self.state.address_of[unit] for unit, other in self.groups.items()
                if other == group and not self.function[unit]["class"].startswith("0604")}


# One mention: where it stands
Place = collections.namedtuple("Place", "path section key")


class Meaning:
    """Whom a setting may mean.

    units: those that its author meant; company: who was in their groups; None where there were none
    new: written since the last boot; place: what the one before it meant
    """

    def __init__(self, units, company, wide):
        self.units = units
        self.order = None
        self.at = []
        self.company = company
        self.wide = wide
        self.new = False
        self.place = set()
        self.loose = False


class Play:
    def __init__(self, folder, seed):
        self.random = random.Random(seed * 7 + 3)
        self.folder = folder
        self.seed = seed
        self.states = [State(folder, number) for number in range(N_STATES)]
        self.models = {unit: tuple(entry.get(key) for key in MODEL)
                       for state in self.states for unit, entry in state.function.items()}
        self.numbered = self.find_numbered()
        first = self.states[0]
        self.candidates = sorted(unit for unit, entry in first.function.items()
                                 if not entry["class"].startswith("0604"))
        self.needed = {unit for unit in self.candidates if self.random.random() < 0.12
                       and not first.function[unit]["class"].startswith("03")}
        self.machines = [self.furnish(state, number) for number, state in enumerate(self.states)]
        self.meanings = {}
        self.wanted = {}
        self.plain = {}
        self.edited = set()
        self.fuzzy = set()
        self.copied = set()
        self.mappings = []
        self.away = []
        self.policy = "block"
        self.whole = self.last = False
        self.root = self.run = None
        self.log = []

    def find_numbered(self):
        """Units that tell a serial number, or a MAC, at any time, and one that is theirs alone."""
        return self.find_with(lambda state, unit: state.serial(unit)) \
            | self.find_with(self.mac_of)

    @staticmethod
    def mac_of(state, unit):
        return next((nic["mac"] for nic in sorted(state.inventory["nics"],
                                                  key=lambda nic: nic["port"] or 0)
                     if nic["pci"] == state.address_of[unit]), None)

    def find_with(self, number_of):
        cards = collections.defaultdict(set)
        numbers = collections.defaultdict(set)
        for state in self.states:
            for unit in state.function:
                number = number_of(state, unit)
                numbers[unit].add(number)
                cards[number].add(unit.split(".")[0])
        return {unit for unit, found in numbers.items()
                if len(found) == 1 and None not in found and len(cards[next(iter(found))]) == 1}

    def furnish(self, state, number):
        """Groups follow from the way to a function: some ports do not keep cards apart."""
        keys = {}
        merge = self.random.random() < 0.2 and number > 0
        for unit, entry in state.function.items():
            way = (entry.get("path") or entry["address"]).split("/")
            port = "/".join(way[:2])
            apart = random.Random(f"{self.seed}{port}").random() < 0.65
            if len(way) <= 2:
                key = port if random.Random(f"{self.seed}b{port}").random() < 0.7 \
                    else "/".join(way[:1]) + way[-1].split(".")[0]
            elif apart:
                key = "/".join(way)
                if random.Random(f"{self.seed}{self.models[unit]}").random() < 0.7:
                    key = key.rsplit(".", 1)[0]
            else:
                key = port
            keys[unit] = key
        if merge and len(set(keys.values())) > 2:
            one, other = self.random.sample(sorted(set(keys.values())), 2)
            keys = {unit: one if key == other else key for unit, key in keys.items()}
        names = {}
        for unit in sorted(keys, key=lambda unit: state.address_of[unit]):
            names.setdefault(keys[unit], len(names))
        without = number > 0 and self.random.random() < 0.05
        groups = {unit: None if without else names[key] for unit, key in keys.items()}
        for unit, entry in state.function.items():
            # Others have played with these states.
            entry.pop("protected", None)
            if unit in self.needed:
                entry["protected"] = "root file system"
            entry["iommu_group"] = groups[unit]
            entry["driver"] = "own"
        state.inventory["host"] = f"{HOST}.example.org"
        state.inventory["taken_at"] = "2026-11-22T05:00:00Z"
        return Machine(state, groups)

    # Files

    def read(self, path):
        with open(self.root / path, encoding="utf-8", newline="") as file:
            return file.read()

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)

    def pick(self):
        if self.candidates and self.random.random() < 0.93:
            return self.states[0].address_of[self.random.choice(self.candidates)]
        return f"0000:{self.random.randrange(1, 24):02x}:00.0"

    def spell(self, address, mapping=False):
        text = address
        if self.random.random() < 0.25:
            text = text.rsplit(".", 1)[0]
        if not mapping and text.startswith("0000:") and self.random.random() < 0.5:
            text = text[len("0000:"):]
        return text

    def make_host(self):
        text = self.spell(self.pick())
        if self.random.random() < 0.15:
            other = self.spell(self.pick())
            if other.split(".")[0][-5:] != text.split(".")[0][-5:]:
                text += ";" + other
        return text

    def make_hostpci(self):
        if self.mappings and self.random.random() < 0.25:
            value = "mapping=" + self.random.choice(self.mappings)
        else:
            value = self.random.choice(["", "host="]) + self.make_host()
        options = self.random.choice([[], ["pcie=1"], ["pcie=1", "x-vga=1"], ["rombar=0"]])
        parts = [value] + options
        if self.random.random() < 0.2:
            self.random.shuffle(parts)
        return ",".join(parts)

    def make_mappings(self):
        state, machine = self.states[0], self.machines[0]
        text = ""
        for name in ("gpu", "some-nic", "hba")[:self.random.randrange(4)]:
            self.mappings.append(name)
            text += f"{name}\n"
            for _ in range(self.random.choice([1, 1, 1, 2])):
                unit = self.random.choice(self.candidates)
                entry = state.function[unit]
                parts = [f"id={entry['vendor']}:{entry['device']}",
                         f"iommugroup={machine.groups[unit]}", f"node={HOST}",
                         f"path={state.address_of[unit]}"]
                if entry.get("subsystem_vendor"):
                    parts.append(f"subsystem-id={entry['subsystem_vendor']}:"
                                 f"{entry['subsystem_device']}")
                text += "\tmap " + ",".join(parts) + "\n"
            if self.random.random() < 0.4:
                text += "\tmap id=8086:1520,iommugroup=2,node=pve2,path=0000:07:10.0\n"
            text += "\n"
        if text:
            self.write(MAPPINGS, text)
            self.wanted[MAPPINGS] = text

    def make_qemu(self, vmid):
        keys = [("memory", "4096"), ("name", f"vm{vmid}"), ("scsi0", "local-lvm:vm-1-disk-0"),
                ("net0", "virtio=AA:BB:CC:DD:EE:FF,bridge=vmbr0")]
        if self.random.random() < 0.8:
            keys.append(("onboot", self.random.choice(["1", "1", "yes", "on", "0"])))
        plain = self.random.random() < 0.15
        for number in range(0 if plain else self.random.randrange(1, 4)):
            keys.append((f"hostpci{number}", self.make_hostpci()))
        keys.sort()
        if self.random.random() < 0.3:
            self.random.shuffle(keys)
        lines = [f"{key}: {value}" for key, value in keys]
        if self.random.random() < 0.2:
            lines.insert(0, "#hostpci0: 0000:05:00.0 was here")
        if not plain and self.random.random() < 0.2:
            lines += ["", "[PENDING]"]
            if self.random.random() < 0.4:
                lines.append("delete: hostpci0")
            else:
                lines.append(f"hostpci{self.random.randrange(4)}: {self.make_hostpci()}")
        if not plain and self.random.random() < 0.25:
            lines += ["", "[before]", f"hostpci0: {self.make_hostpci()}", "memory: 2048",
                      "onboot: 1", "snaptime: 1700000000"]
        text = "\n".join(lines)
        if self.random.random() < 0.9:
            text += "\n"
        if self.random.random() < 0.05:
            text = text.replace("\n", "\r\n")
        path = f"{QEMU}/{vmid}.conf"
        self.write(path, text)
        self.wanted[path] = text
        self.plain[path] = plain
        return path

    def make_resources(self):
        text = ""
        for path in [path for path in self.wanted if path.startswith(QEMU)]:
            if self.random.random() < 0.15:
                vmid = os.path.basename(path).removesuffix(".conf")
                text += f"vm: {vmid}\n"
                if self.random.random() < 0.7:
                    state = self.random.choice(["started", "started", "stopped", "ignored"])
                    text += f"\tstate {state}\n"
                if self.random.random() < 0.5:
                    text += "\tmax_restart 2\n"
                text += "\n"
        if text:
            self.write(RESOURCES, text)
            self.wanted[RESOURCES] = text

    def make_domain(self, number):
        name = f"dom{number}"
        devices = ""
        for _ in range(self.random.randrange(3)):
            domain, bus, rest = self.pick().split(":")
            slot, function = rest.split(".")
            address = f"<address domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' " \
                f"function='0x{function}'/>"
            devices += "    <hostdev mode='subsystem' type='pci' managed='yes'>\n" \
                f"      <source>\n        {address}\n      </source>\n" \
                "      <address type='pci' domain='0x0000' bus='0x06' slot='0x00' " \
                "function='0x0'/>\n" \
                "    </hostdev>\n"
        text = f"<domain type='kvm'>\n  <name>{name}</name>\n" \
            f"  <uuid>4dea22b3-1d52-d8f3-2516-782e98ab3f{number:02x}</uuid>\n" \
            f"  <devices>\n{devices}  </devices>\n</domain>\n"
        path = f"{DOMAINS}/{name}.xml"
        self.write(path, text)
        self.wanted[path] = text
        self.plain[path] = not devices
        if self.random.random() < 0.7:
            link = self.root / LINKS / f"{name}.xml"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(f"/{DOMAINS}/{name}.xml")

    # What a setting means

    def mean(self, place, part, machine):
        """Somebody has written @part there, on this machine."""
        units, company, wide = set(), set(), set()
        for address in addresses_of(part):
            if not ADDRESS.match(address):
                continue
            for function in functions_at(machine, address):
                unit = machine.unit_at[function]
                units.add(unit)
                if ADDRESS.match(address).group(3) is None:
                    wide.add(unit.split(".")[0])
        company = self.company_of(units, machine)
        self.meanings[place] = Meaning(units, company, wide)
        self.meanings[place].order = self.order_of(part, machine)
        return self.meanings[place]

    @staticmethod
    def order_of(part, machine):
        """The units that a list names, address by address."""
        return [{machine.unit_at[function] for function in functions_at(machine, address)}
                for address in addresses_of(part) if ADDRESS.match(address)]

    @staticmethod
    def company_of(units, machine):
        company = set()
        for unit in units:
            if unit not in machine.groups:
                continue
            if machine.groups[unit] is None:
                return None
            company |= {machine.unit_at[address]
                        for address in machine.group_of(machine.state.address_of[unit])}
        return company

    def mean_all(self, machine):
        for path, text in list(self.wanted.items()):
            self.mean_file(path, text, machine)

    def mean_file(self, path, text, machine):
        if path.startswith(QEMU):
            for section, key, value, _ in parse(text):
                if key.startswith("hostpci"):
                    part = host_part(value)
                    if not part.startswith("mapping="):
                        self.mean(Place(path, section, key), part, machine)
        elif path == MAPPINGS:
            for name in sections_of(text):
                for number, parts in enumerate(map_lines(text, name)):
                    self.mean(Place(path, name, number), parts["path"], machine)
        elif path.endswith(".xml"):
            for number, address in enumerate(self.hostdevs(text)):
                self.mean(Place(path, "", number), address, machine)

    @staticmethod
    def hostdevs(text):
        return [f"{m.group(1)}:{m.group(2)}:{m.group(3)}.{m.group(4)}" for m in re.finditer(
            r"<source>\s*<address domain='0x(\w+)' bus='0x(\w+)' slot='0x(\w+)' "
            r"function='0x(\w)'", text)]

    def first_seen(self, machine):
        """The program sees what was written meanwhile."""
        for meaning in self.meanings.values():
            if not meaning.new:
                continue
            meaning.new = False
            if not meaning.units or meaning.loose:
                meaning.units |= {machine.unit_at[function] for function in meaning.at
                                  for function in functions_at(machine, function)}
            meaning.units |= meaning.place
            here = {unit for unit in meaning.units if unit in machine.groups}
            company = self.company_of(here, machine)
            meaning.company = None if company is None or meaning.company is None \
                else meaning.company | company

    # What is started, and what it gets

    def guest_paths(self):
        folder = self.root / QEMU
        return [f"{QEMU}/{path.name}" for path in sorted(folder.glob("*.conf"))] \
            if folder.exists() else []

    def ha_state(self, vmid):
        if not (self.root / RESOURCES).exists():
            return None
        lines = sections_of(self.read(RESOURCES)).get(f"vm: {vmid}")
        if lines is None:
            return None
        return dict(line.split(" ", 1) for line in lines).get("state", "started")

    def starts(self, path):
        vmid = os.path.basename(path).removesuffix(".conf")
        state = self.ha_state(vmid)
        if state not in (None, "ignored"):
            return state in ("started", "enabled")
        return is_true(settings(self.read(path)).get("onboot", "0"))

    def gets(self, path, machine):
        """(place, address) of all that a guest gets when it is started."""
        text = self.read(path)
        if path.endswith(".xml"):
            for number, address in enumerate(self.hostdevs(text)):
                if address not in machine.unit_at:
                    raise Cannot(address)
                yield Place(path, "", number), address
            return
        for key, (section, value) in effective(text).items():
            if not key.startswith("hostpci"):
                continue
            part = host_part(value)
            if part.startswith("mapping="):
                yield from self.mapped(part.removeprefix("mapping="), machine)
                continue
            for address in addresses_of(part):
                found = functions_at(machine, address)
                if not found:
                    raise Cannot(address)
                for function in found:
                    yield Place(path, section, key), function

    def mapped(self, name, machine):
        text = self.read(MAPPINGS) if (self.root / MAPPINGS).exists() else ""
        lines = list(map_lines(text, name))
        if not lines:
            raise Cannot(name)
        for number, parts in enumerate(lines):
            first = parts["path"].split(";")[0]
            first = first if "." in first else first + ".0"
            entry = machine.function.get(machine.unit_at.get(first))
            if not entry or parts["id"] != f"{entry['vendor']}:{entry['device']}":
                raise Cannot(name)
            if "iommugroup" in parts and parts["iommugroup"] != str(
                    machine.groups[machine.unit_at[first]]):
                raise Cannot(name)
            has = bool(entry.get("subsystem_vendor"))
            if has != ("subsystem-id" in parts) or has and parts["subsystem-id"] != \
                    f"{entry['subsystem_vendor']}:{entry['subsystem_device']}":
                raise Cannot(name)
            for address in parts["path"].split(";"):
                for function in functions_at(machine, address):
                    yield Place(MAPPINGS, name, number), function

    def told_apart(self, one, other):
        return self.models[one] != self.models[other] or {one, other} <= self.numbered

    def is_meant(self, unit, meaning):
        if unit.split(".")[0] in meaning.wide:
            return True
        return any(not self.told_apart(unit, other) for other in meaning.units) \
            or unit in meaning.units

    def wrong(self, path, machine):
        """What a start would get that is not meant; None where it cannot be started."""
        try:
            gets = list(self.gets(path, machine))
        except Cannot:
            return None
        own = {address for _, address in gets}
        for place, address in gets:
            unit = machine.unit_at[address]
            meaning = self.meanings.get(place)
            if meaning is None:
                continue
            if not self.is_meant(unit, meaning):
                return f"{place.key} ({place.section}) gets {address}, which is {unit} and not " \
                    f"{sorted(meaning.units)}"
            if meaning.company is None or machine.groups[unit] is None:
                continue
            for member in machine.group_of(address) - own:
                other = machine.unit_at[member]
                if other not in meaning.company and all(self.told_apart(other, known)
                                                        for known in meaning.company):
                    return f"{place.key} takes {member} ({other}) along, which was not in its group"
        return None

    def takes_needed(self, path, machine):
        try:
            gets = list(self.gets(path, machine))
        except Cannot:
            return None
        meant = set()
        for place, address in gets:
            meant |= self.meanings[place].units if place in self.meanings else set()
        for place, address in gets:
            meaning = self.meanings.get(place)
            if meaning is None:
                continue
            for member in machine.group_of(address) | {address}:
                unit = machine.unit_at[member]
                if unit not in self.needed or unit in meant or not meaning.units \
                        or meaning.company is None or unit in meaning.company:
                    continue
                if all(self.told_apart(unit, other)
                       for other in meaning.units | meaning.company):
                    return f"{place.key} takes {member} ({unit}), which the host needs"
        return None

    def all_right(self, path, machine):
        """Whether everything is in its place for certain: then nothing may be done to it."""
        try:
            gets = list(self.gets(path, machine))
        except Cannot:
            return False
        if not path.endswith(".xml") and not self.all_named_right(path, machine):
            return False
        own = {address for _, address in gets}
        for place, address in gets:
            meaning = self.meanings.get(place)
            unit = machine.unit_at[address]
            if meaning is None or meaning.new or unit not in meaning.units \
                    or unit not in self.numbered:
                return False
            if meaning.company is None or machine.groups[unit] is None:
                return False
            if any(machine.unit_at[member] not in meaning.company or member in self.needed
                   or machine.unit_at[member] in self.needed
                   for member in machine.group_of(address) - own):
                return False
            if unit in self.needed:
                return False
        return True

    def all_named_right(self, path, machine):
        """Whether what no start goes by, a snapshot's section, is right as well."""
        for section, key, value, _ in parse(self.read(path)):
            meaning = self.meanings.get(Place(path, section, key))
            part = host_part(value)
            if not key.startswith("hostpci") or part.startswith("mapping="):
                continue
            if meaning is None or meaning.order != self.order_of(part, machine):
                return False
        return True

    def check(self, machine, when):
        self.check_pve(machine, when)
        self.check_domains(machine, when)
        for path, plain in self.plain.items():
            if plain and (self.root / path).exists() and self.read(path) != self.wanted[path]:
                raise Failure(f"{when}: {path} has nothing of the host and was edited")

    def check_pve(self, machine, when):
        for path in self.guest_paths():
            if self.starts(path):
                wrong = self.wrong(path, machine)
                if wrong:
                    raise Failure(f"{when}: {path} starts and {wrong}")
            if self.policy != "report":
                taken = self.takes_needed(path, machine)
                if taken:
                    raise Failure(f"{when}: {path} can be started and {taken}")

    def check_domains(self, machine, when):
        for link in sorted((self.root / LINKS).glob("*.xml")):
            path = f"{DOMAINS}/{link.name}"
            wrong = self.wrong(path, machine)
            if wrong:
                raise Failure(f"{when}: {path} starts and {wrong}")

    def check_commands(self, machine, inventory):
        for path in self.guest_paths() + [f"{DOMAINS}/{p.name}"
                                          for p in sorted((self.root / DOMAINS).glob("*.xml"))]:
            kind = "libvirt" if path.endswith(".xml") else "qemu"
            name = os.path.basename(path).rsplit(".", 1)[0]
            wrong = self.wrong(path, machine)
            right = self.all_right(path, machine)
            if not wrong and not right:
                continue
            refused = None
            try:
                self.run(self.root, inventory, "check-guest", kind, name)
            except Failure as failure:
                refused = failure
            if wrong and not refused and path not in self.edited and not (
                    "along" in wrong and self.unsure(path)):
                raise Failure(f"check-guest lets {path} through, but {wrong}")
            if refused and not wrong:
                raise Failure(f"check-guest refuses {path}: {refused}")

    def unsure(self, path):
        return any(unit not in self.numbered for place, meaning in self.meanings.items()
                   if place.path in (path, MAPPINGS) for unit in meaning.units)

    # What people do to them

    def on_both(self, path, change):
        """The same edit to the file and to what its author believes is in it."""
        self.write(path, change(self.read(path)))
        self.wanted[path] = change(self.wanted[path])

    @staticmethod
    def set_key(text, section, key, value):
        lines = text.split("\n")
        where = [number for s, k, _, number in parse(text) if s == section and k == key]
        if value is None:
            for number in reversed(where):
                del lines[number]
            return "\n".join(lines)
        if where:
            lines[where[-1]] = f"{key}: {value}"
        else:
            lines.insert(0, f"{key}: {value}")
        return "\n".join(lines)

    @staticmethod
    def rewrite(text):
        """As Proxmox writes it: sorted, notes first, nothing it does not know."""
        blocks = collections.OrderedDict([("", [])])
        notes = [line for line in text.split("\n") if line.startswith("#")]
        for section, key, value, _ in parse(text):
            blocks.setdefault(section, []).append((key, value))
        out = notes
        for section in [""] + (["PENDING"] if "PENDING" in blocks else []) + sorted(
                name for name in blocks if name not in ("", "PENDING")):
            if section:
                out += ["", f"[{section}]"]
            out += [f"{key}: {value}" for key, value in sorted(dict(blocks[section]).items())]
        return "\n".join(out) + "\n"

    def person(self, machine, fresh):
        """Something that somebody does on the running machine."""
        paths = [path for path in self.guest_paths() if path in self.wanted]
        if not paths:
            return
        path = self.random.choice(paths)
        what = self.random.choice([self.do_rewrite, self.do_memory, self.do_onboot,
                                   self.do_address, self.do_option, self.do_snapshot,
                                   self.do_rollback, self.do_remove_device, self.do_migrate,
                                   self.do_clone, self.do_recreate, self.do_delete_snapshot,
                                   self.do_release, self.do_adopt, self.do_mapping, self.do_ha])
        self.log.append(f"{what.__name__} {path}")
        what(path, machine, fresh)

    # Each is given the guest's file, the machine as it is, and whether its baseline is of now.

    def do_rewrite(self, path, _machine, _fresh):
        self.on_both(path, self.rewrite)

    def do_memory(self, path, _machine, _fresh):
        self.on_both(path, lambda text: self.set_key(text, "", "memory", "8192"))

    def do_onboot(self, path, _machine, _fresh):
        value = self.random.choice(["0", "1"])
        self.on_both(path, lambda text: self.set_key(text, "", "onboot", value))
        self.fuzzy.add(path)

    def do_option(self, path, _machine, _fresh):
        def change(text):
            for key, value in settings(text).items():
                if key.startswith("hostpci") and "rombar" not in value:
                    return self.set_key(text, "", key, value + ",rombar=1")
            return text
        self.on_both(path, change)

    def hostpci_keys(self, path):
        return [key for key in settings(self.read(path)) if re.match(r"hostpci\d+$", key)]

    def new_meaning(self, place, part, machine, fresh, before):
        meaning = self.mean(place, part, machine)
        meaning.new = True
        meaning.at = [a for a in addresses_of(part) if ADDRESS.match(a)]
        meaning.place = set(before.units) if before else set()
        meaning.loose = not fresh

    def do_address(self, path, machine, fresh):
        keys = self.hostpci_keys(path)
        if not keys:
            return
        key = self.random.choice(keys)
        address = self.random.choice(sorted(machine.unit_at))
        if machine.function[machine.unit_at[address]]["class"].startswith("0604"):
            return
        self.on_both(path, lambda text: self.set_key(text, "", key, address))
        place = Place(path, "", key)
        self.new_meaning(place, address, machine, fresh, self.meanings.get(place))
        self.edited.add(path)

    def do_remove_device(self, path, _machine, _fresh):
        keys = self.hostpci_keys(path)
        if keys:
            key = self.random.choice(keys)
            self.on_both(path, lambda text: self.set_key(text, "", key, None))
            self.meanings.pop(Place(path, "", key), None)
            self.edited.add(path)

    def do_snapshot(self, path, _machine, _fresh):
        name = self.random.choice(["snap1", "snap2"])
        if settings(self.read(path), name):
            return

        def change(text):
            body = settings(text)
            body.pop("parent", None)
            return text.rstrip("\n") + f"\n\n[{name}]\n" + "".join(
                f"{key}: {value}\n" for key, value in sorted(body.items()))
        self.copied.add(path)
        onboot = settings(self.read(path)).get("onboot")
        self.on_both(path, change)
        if onboot is not None:
            self.wanted[path] = self.set_key(self.wanted[path], name, "onboot", onboot)
        for key in self.hostpci_keys(path):
            if Place(path, "", key) in self.meanings:
                self.meanings[Place(path, name, key)] = self.meanings[Place(path, "", key)]

    def do_delete_snapshot(self, path, _machine, _fresh):
        names = self.snapshot_names(path)
        if names:
            name = self.random.choice(names)
            self.on_both(path, lambda text: self.without(text, name))
            for place in [p for p in self.meanings if p.path == path and p.section == name]:
                del self.meanings[place]

    @staticmethod
    def without(text, name):
        out, inside = [], False
        for line in text.split("\n"):
            head = HEAD.match(line)
            if head:
                inside = head.group(1) == name
            if not inside:
                out.append(line)
        return "\n".join(out).rstrip("\n") + "\n"

    def snapshot_names(self, path):
        return sorted({section for section, _, _, _ in parse(self.read(path))
                       if section not in ("", "PENDING")})

    def do_rollback(self, path, _machine, _fresh):
        """Proxmox puts a snapshot's section back as the current one."""
        names = self.snapshot_names(path)
        if not names:
            return
        name = self.random.choice(names)

        def change(text):
            body = settings(text, name)
            body.pop("snaptime", None)
            blocks = [block for block in re.split(r"(?m)^(?=\[)", text)
                      if block.startswith("[") and not block.startswith("[PENDING]")]
            current = "".join(f"{key}: {value}\n" for key, value in sorted(body.items()))
            return current + f"parent: {name}\n\n" + "".join(blocks)
        self.on_both(path, change)
        for place in [p for p in self.meanings if p.path == path and p.section in ("", "PENDING")]:
            del self.meanings[place]
        for place in [p for p in self.meanings if p.path == path and p.section == name]:
            self.meanings[Place(path, "", place.key)] = self.meanings[place]
        self.edited.add(path)
        self.fuzzy.add(path)

    def do_migrate(self, path, _machine, _fresh):
        other = self.root / ELSEWHERE / os.path.basename(path)
        other.parent.mkdir(parents=True, exist_ok=True)
        os.rename(self.root / path, other)
        self.away.append(path)
        self.edited.add(path)
        self.fuzzy.add(path)

    def come_back(self):
        for path in self.away[:]:
            if self.random.random() < 0.5:
                os.rename(self.root / ELSEWHERE / os.path.basename(path), self.root / path)
                self.away.remove(path)
                self.log.append(f"back {path}")

    def do_clone(self, path, machine, _fresh):
        vmid = max(int(os.path.basename(p).removesuffix(".conf")) for p in self.wanted
                   if p.startswith(QEMU)) + 1
        other = f"{QEMU}/{vmid}.conf"

        def body(text):
            return "".join(f"{key}: {value}\n" for key, value in sorted(settings(text).items())
                           if key != "parent")

        self.write(other, body(self.read(path)))
        self.wanted[other] = body(self.wanted[path])
        self.plain[other] = False
        for key, value in settings(self.read(other)).items():
            before = self.meanings.get(Place(path, "", key))
            if not before:
                continue
            # Whoever clones it here sees what sits there, or means what the other one did.
            meaning = self.mean(Place(other, "", key), host_part(value), machine)
            meaning.units |= before.units
            meaning.wide |= before.wide
            company = self.company_of(meaning.units, machine)
            meaning.company = None if company is None or before.company is None \
                else before.company | company
            meaning.new = True
            meaning.at = [a for a in addresses_of(host_part(value)) if ADDRESS.match(a)]
        self.edited.add(other)
        self.fuzzy.add(other)

    def do_recreate(self, path, machine, fresh):
        address = self.random.choice(sorted(machine.unit_at))
        if machine.function[machine.unit_at[address]]["class"].startswith("0604"):
            return
        old = {p: m for p, m in self.meanings.items() if p.path == path}
        for place in old:
            del self.meanings[place]
        text = f"hostpci0: {address}\nmemory: 512\nonboot: 1\n"
        self.write(path, text)
        self.wanted[path] = text
        self.plain[path] = False
        place = Place(path, "", "hostpci0")
        self.new_meaning(place, address, machine, fresh, old.get(place))
        self.edited.add(path)
        self.fuzzy.add(path)

    def adopt(self, paths, machine):
        """What is named there means what sits there now."""
        for path in paths:
            for place in [p for p in self.meanings if p.path == path]:
                del self.meanings[place]
            if (self.root / path).exists():
                self.mean_file(path, put_back(self.read(path)), machine)
            self.edited.add(path)
            self.fuzzy.add(path)

    def do_release(self, path, machine, _fresh):
        """A person has looked."""
        inventory = self.folder / "guests-now.json"
        try:
            self.run(self.root, inventory, "release", os.path.basename(path).removesuffix(".conf"))
        except Failure as failure:
            if "needed by the host" in str(failure) or "there is no guest" in str(failure):
                return
            raise
        self.wanted[path] = self.read(path)
        self.adopt([path] + ([MAPPINGS] if "mapping=" in self.wanted[path] else []), machine)
        self.edited.add(RESOURCES)

    def do_adopt(self, _path, machine, _fresh):
        if self.random.random() < 0.8:
            return
        self.run(self.root, self.folder / "guests-now.json", "snapshot", "--adopt")
        for other in list(self.wanted):
            self.adopt([other], machine)

    def do_mapping(self, _path, machine, fresh):
        """The line of a mapping is written anew for what sits somewhere now."""
        if not (self.root / MAPPINGS).exists():
            return
        text = self.read(MAPPINGS)
        old = [line for line in text.split("\n") if f"node={HOST}," in line]
        address = self.random.choice(sorted(machine.unit_at))
        unit = machine.unit_at[address]
        entry = machine.function[unit]
        if entry["class"].startswith("0604") or not old or machine.groups[unit] is None:
            return
        line = f"\tmap id={entry['vendor']}:{entry['device']},iommugroup={machine.groups[unit]}," \
            f"node={HOST},path={address}"
        if entry.get("subsystem_vendor"):
            line += f",subsystem-id={entry['subsystem_vendor']}:{entry['subsystem_device']}"
        chosen = self.random.choice(old)
        self.write(MAPPINGS, text.replace(chosen, line, 1))
        self.wanted[MAPPINGS] = self.read(MAPPINGS)
        for place in [p for p in self.meanings if p.path == MAPPINGS]:
            before = self.meanings[place]
            lines = list(map_lines(self.read(MAPPINGS), place.section))
            if place.key < len(lines) and lines[place.key]["path"] == address \
                    and chosen.find(f"path={address}") < 0:
                self.new_meaning(place, address, machine, fresh, before)
                self.meanings[place].loose = True
        self.edited.add(MAPPINGS)

    def do_ha(self, path, _machine, _fresh):
        """Somebody, or the cluster's manager, changes a state."""
        vmid = os.path.basename(path).removesuffix(".conf")
        text = self.read(RESOURCES) if (self.root / RESOURCES).exists() else ""
        found = re.search(rf"(?m)^vm: {vmid}\n(\t.*\n)*", text)
        if found:
            new = "" if self.random.random() < 0.4 else f"vm: {vmid}\n\tstate started\n"
            text = text.replace(found.group(0), new)
        else:
            text += f"vm: {vmid}\n\tstate started\n\n"
        self.write(RESOURCES, text)
        self.wanted[RESOURCES] = text
        self.edited.add(RESOURCES)
        self.fuzzy.add(path)

    # A history

    def configure(self):
        self.policy = self.random.choice(["block", "block", "hold", "relocate", "relocate"])
        if self.random.random() < 0.05:
            self.policy = "report"
        text = f"[Recovery]\nAutostart={self.policy}\n"
        if self.random.random() < 0.1:
            text += "[Snapshots]\nKeep=1\n"
        self.write(CONFIG, text)
        self.log.append(self.policy)

    def contents(self, root=None):
        root = root or self.root
        found = {}
        for top in (PVE, DOMAINS):
            for path in (root / top).rglob("*"):
                if path.is_symlink():
                    found[str(path.relative_to(root))] = os.readlink(path)
                elif path.is_file():
                    found[str(path.relative_to(root))] = path.read_bytes()
        return found

    def boot(self, number, boot, first):
        state, machine = self.states[number], self.machines[number]
        state.inventory["boot_id"] = f"{boot:08x}-0000-4000-8000-000000000000"
        inventory = self.folder / "guests-now.json"
        inventory.write_text(json.dumps(state.inventory))
        self.first_seen(machine)
        self.whole = True
        shutil.rmtree(self.root / "run", ignore_errors=True)
        if self.policy == "report":
            return self.boot_reported(inventory)
        right = {path: self.read(path) for path in self.guest_paths()
                 if path in self.wanted and path not in self.edited
                 and self.all_right(path, machine)
                 and self.read(path) == self.wanted[path]}
        copy = None
        if self.random.random() < 0.4:
            copy = self.folder / "copy"
            shutil.copytree(self.root, copy, symlinks=True)
        before = self.contents()
        crash = self.random.random() if not first and not self.last else 1
        if crash < 0.06:
            # The network stage failed: the guests stage makes its own match.
            self.run(self.root, inventory, "boot", "guests")
            self.check_pve(machine, "after boot guests alone")
            self.log.append("guests alone")
            self.whole = False
            if copy:
                shutil.rmtree(copy)
            return False
        self.run(self.root, inventory, "boot", "network")
        if any(name.startswith(PVE) and text != before.get(name)
               for name, text in self.contents().items()):
            raise Failure("the network stage edits /etc/pve")
        if not first:
            self.check_domains(machine, "after boot network")
            if not (self.root / HOLD_FILE).exists():
                for path in self.guest_paths():
                    wrong = self.starts(path) and self.wrong(path, machine)
                    if wrong:
                        raise Failure(f"no hold file, but {path} starts and {wrong}")
        if crash < 0.12:
            self.log.append("network alone")
            self.whole = False
            if copy:
                shutil.rmtree(copy)
            if self.random.random() < 0.5:
                self.run(self.root, inventory, "boot", "finish")
            return False
        self.run(self.root, inventory, "boot", "guests")
        if (self.root / HOLD_FILE).exists():
            raise Failure("the hold file is still there")
        after = self.contents()
        if first and after != before:
            raise Failure("the first boot edits")
        for stage in ("network", "guests"):
            self.run(self.root, inventory, "boot", stage)
            if self.contents() != after:
                raise Failure(f"the {stage} stage a second time changes files")
        if copy:
            self.run(copy, inventory, "apply")
            if self.contents(copy) != after:
                differs = [name for name in set(after) | set(self.contents(copy))
                           if after.get(name) != self.contents(copy).get(name)]
                raise Failure(f"apply is not what the stages do: {differs}")
            shutil.rmtree(copy)
        if not first:
            self.check(machine, "after boot guests")
            self.check_commands(machine, inventory)
            for path, text in right.items():
                if self.read(path) != text:
                    raise Failure(f"{path} was in its place and was edited")
        fresh = self.random.random() < 0.9
        if fresh:
            self.run(self.root, inventory, "boot", "finish")
            if self.contents() != after:
                raise Failure("the finish stage changes files")
        return fresh

    def boot_reported(self, inventory):
        before = self.contents()
        for stage in ("network", "guests", "finish"):
            self.run(self.root, inventory, "boot", stage)
        if self.contents() != before:
            raise Failure("Autostart=report edits")
        return False

    def has_twin(self, unit):
        """Whether the program may have taken another for it for a while."""
        return unit not in self.numbered and any(
            self.models[unit] == model for other, model in self.models.items() if other != unit)

    def is_confused(self, path):
        return any(self.has_twin(unit) for place, meaning in self.meanings.items()
                   if place.path in (path, MAPPINGS) for unit in meaning.units)

    def as_it_was(self):
        for path, text in self.wanted.items():
            if self.is_confused(path):
                continue
            if path in self.edited | self.fuzzy | self.copied or not (self.root / path).exists():
                continue
            if MAPPINGS in self.edited and 'mapping=' in text:
                continue
            if path in (RESOURCES, MAPPINGS) and self.edited:
                continue
            if self.read(path) != text:
                raise Failure(f"{path}: the old hardware is back, the file is not")

    def links_as_they_were(self, before):
        now = self.contents()
        for name, text in before.items():
            domain = f"{DOMAINS}/{os.path.basename(name)}"
            if name.startswith(LINKS) and domain not in self.edited \
                    and not self.is_confused(domain) and now.get(name) != text:
                raise Failure(f"{name}: the old hardware is back, the link is not")

    def is_to_be_as_it_was(self):
        """Not so where somebody handed out what the host needs."""
        given_away = any((meaning.units | (meaning.company or set())) & self.needed
                         for meaning in self.meanings.values())
        return self.policy != "report" and self.whole and not given_away


def play(folder, seed, run):
    """Raises Failure; run(root, inventory, *words) runs the program."""
    one = Play(folder, seed)
    one.root = folder / "guests"
    one.root.mkdir()
    one.run = run
    one.make_mappings()
    for number in range(one.random.randrange(1, 6)):
        one.make_qemu(100 + number)
    one.make_resources()
    for number in range(one.random.randrange(3)):
        one.make_domain(number)
    one.mean_all(one.machines[0])
    one.configure()
    links = one.contents()
    edits = one.random.random() < 0.6
    history = [0] + [one.random.randrange(N_STATES) for _ in range(5)] + [0]
    for boot, number in enumerate(history):
        one.log.append(f"boot {number}")
        try:
            if boot + 1 == len(history) and one.policy == "report":
                one.policy = "block"
                one.write(CONFIG, "[Recovery]\n")
            one.last = boot + 1 == len(history)
            fresh = one.boot(number, boot, boot == 0)
            if boot > 0 and number == 0 and one.is_to_be_as_it_was():
                one.as_it_was()
                one.links_as_they_were(links)
        except Failure as failure:
            raise Failure(f"{failure}; {one.log}") from failure
        if one.random.random() < 0.25:
            one.configure()
        if edits and boot + 1 < len(history):
            machine = one.machines[number]
            one.come_back()
            while one.random.random() < 0.55:
                one.person(machine, fresh)
