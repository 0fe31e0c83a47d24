# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines in a few lines, and the inventories they give.

A machine is a list of lines, one a PCI function that matters:

    02.1/00.0   r8169  m1            = enp4s0
    PATH        MODEL  ATTRIBUTES      (the names it must get: checked)

PATH is the way from the host bridge: device.function of each hop, "0001:" before it for another
domain, "usb" for a NIC that stands on no PCI function. The bridges on the way come by themselves;
MODEL "port" is a bridge with nothing behind it. Buses are numbered depth first as firmware does,
so a line more before others renumbers them, and addresses and enpNsM names follow (systemd's
rules for them: notes of systemd.net-naming-scheme(7)).

ATTRIBUTES:
    m1  m1,m2      permanent MACs, one a port of the function; "-" is a port with an unknown one
    s1             serial number
    no-link        the function carries no network link (now)
    unreadable     reads all ones
    unknown-path   the path is null
    vf=00.0        a virtual function of that function of the same bus
    name=A,B  mac=A,B  alt=A,B  address=A  serial=S  slot=S  fw=S  group=N  driver=D  ids=V:D
    host=root,…    the host itself needs it: root, swap, net (its default route), display (its only)
    link=wl        prefix of the names instead of the model's

Lines that are no device:
    first-bus N    the first bridge gets bus N: stands for what else is in the machine
    host H, machine UUID, kernel K
    no-iommu       no IOMMU groups
    names m1=enp4s0 …   names that NICs must have got: checked

A machine made from another ("hardware after = before") has lines "+ LINE" and "- PATH".
"""

import json
import random
import re

# vendor, device, subsystem vendor and device, class, revision, driver, prefix and port suffix of
# its links
MODELS = {
    "port": ("8086", "7ab8", "8086", "7270", "060400", "11", "pcieport", None, None),
    "hba": ("1000", "0072", "1000", "3020", "010700", "03", "mpt3sas", None, None),
    "jmb58x": ("197b", "0585", "197b", "0000", "010601", "00", "ahci", None, None),
    "asm1064": ("1b21", "1064", "2116", "2116", "010601", "02", "ahci", None, None),
    "sata": ("1022", "43eb", "1b21", "1062", "010601", "00", "ahci", None, None),
    "nvme": ("2646", "5024", "2646", "5024", "010802", "03", "nvme", None, None),
    "gpu": ("8086", "56a6", "172f", "4019", "030000", "05", "i915", None, None),
    "usbhc": ("1022", "149c", "1043", "87c0", "0c0330", "00", "xhci_hcd", None, None),
    "r8169": ("10ec", "8168", "1043", "8677", "020000", "15", "r8169", "en", ""),
    "r8125": ("10ec", "8125", "1043", "87d7", "020000", "05", "r8169", "en", ""),
    "aqc107": ("1d6a", "07b1", "1043", "8741", "020000", "02", "atlantic", "en", ""),
    "e1000e": ("8086", "10d3", "8086", "a01f", "020000", "00", "e1000e", "en", ""),
    "i210": ("8086", "1533", "8086", "0002", "020000", "03", "igb", "en", ""),
    "i225": ("8086", "15f3", "1043", "87d2", "020000", "03", "igc", "en", ""),
    "i350": ("8086", "1521", "8086", "5001", "020000", "01", "igb", "en", ""),
    "i350vf": ("8086", "1520", "8086", "5001", "020000", "01", "igbvf", "en", ""),
    "x710": ("8086", "1572", "8086", "0007", "020000", "02", "i40e", "en", "np"),
    "mlx4": ("15b3", "1003", "15b3", "0055", "020000", "00", "mlx4_core", "en", ""),
    "virtio": ("1af4", "1041", "1af4", "1100", "020000", "01", "virtio-pci", "en", ""),
    "wifi": ("8086", "2723", "8086", "0084", "028000", "1a", "iwlwifi", "wl", ""),
    "ax88179": (None, None, None, None, None, None, "ax88179_178a", "en", ""),
}


# What the inventory says of a function that the host needs.
PROTECTED = {
    "root": "root file system",
    "swap": "swap",
    "net": "default route",
    "display": "the only display",
}


class MachineError(Exception):
    pass


def mac_of(label):
    """m1 is a8:a1:59:00:00:01; anything else is taken as written, '-' as unknown."""
    if label == "-":
        return None
    match = re.fullmatch(r"m(\d+)", label)
    if match:
        number = int(match.group(1))
        return f"a8:a1:59:00:{number >> 8:02x}:{number & 0xff:02x}"
    return label


def serial_of(label):
    match = re.fullmatch(r"s(\d+)", label)
    return f"a8-a1-59-ff-ff-00-00-{int(match.group(1)):02x}" if match else label


class Device:
    def __init__(self, line):
        text, _, names = line.partition(" = ")
        words = text.split()
        if len(words) < 2 or words[1] not in MODELS:
            raise MachineError(f"not a device: {line!r}")
        self.line = line
        self.where = words[0]
        self.model = words[1]
        self.checked_names = names.strip().split(",") if names.strip() else None
        self.macs = []
        self.flags = set()
        self.options = {}
        for word in words[2:]:
            key, equals, value = word.partition("=")
            if equals:
                self.options[key] = value
            elif re.fullmatch(r"s\d+", word):
                self.options["serial"] = serial_of(word)
            elif re.fullmatch(r"(m\d+|-)(,(m\d+|-))*", word):
                self.macs = word.split(",")
            elif word in ("no-link", "unreadable", "unknown-path"):
                self.flags.add(word)
            else:
                raise MachineError(f"unknown attribute {word!r} in {line!r}")
        if "mac" in self.options:
            self.macs = self.options["mac"].split(",")
        if self.where == "usb":
            self.domain, self.hops = None, None
            return
        domain, colon, path = self.where.rpartition(":")
        self.domain = int(domain, 16) if colon else 0
        self.hops = []
        for hop in path.split("/"):
            match = re.fullmatch(r"([0-9a-f]{2})\.([0-7])", hop)
            if not match or int(match.group(1), 16) > 0x1F:
                raise MachineError(f"bad path in {line!r}")
            self.hops.append((int(match.group(1), 16), int(match.group(2))))


class Machine:
    def __init__(self, lines, base=None):
        self.head = dict(base.head) if base else {"first-bus": "1", "host": "pve1"}
        self.lines = [line.partition(" = ")[0] for line in base.lines] if base else []
        self.checks = {}
        for line in lines:
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            word, _, rest = line.partition(" ")
            if word in ("first-bus", "host", "machine", "kernel"):
                self.head[word] = rest.strip()
            elif word in ("no-iommu", "iommu"):
                self.head["no-iommu"] = word == "no-iommu"
            elif word == "names":
                self.checks.update(pair.split("=") for pair in rest.split())
            elif word == "-":
                self._remove(rest.strip())
            elif word == "+":
                self.lines.append(rest.strip())
            elif base:
                raise MachineError(f"neither + nor -: {line!r}")
            else:
                self.lines.append(line)
        self.devices = [Device(line) for line in self.lines]
        self._build()
        self._check()

    def _remove(self, where):
        kept = [line for line in self.lines if line.split()[0] != where]
        if len(kept) == len(self.lines) and where == "usb":
            raise MachineError("no usb device to remove")
        if len(kept) == len(self.lines):
            raise MachineError(f"nothing at {where} to remove")
        self.lines = kept

    def _build(self):
        """Number the buses, then derive addresses, paths, groups and names."""
        wanted = {}  # (domain, hops) -> Device or None for a bridge that comes by itself
        for device in self.devices:
            if device.hops is None:
                continue
            for length in range(1, len(device.hops)):
                wanted.setdefault((device.domain, tuple(device.hops[:length])), None)
            key = (device.domain, tuple(device.hops))
            if wanted.get(key):
                raise MachineError(f"two devices at {device.where}")
            wanted[key] = device
        bus_behind = {}
        for domain in sorted({key[0] for key in wanted}):
            bus = int(self.head["first-bus"])
            for key in sorted(key for key in wanted if key[0] == domain):
                device = wanted[key]
                if device is None or device.model == "port":
                    bus_behind[key] = bus
                    bus += 1
        self.pci = []
        self.nics = []
        self.label_names = {}
        by_address = {}
        for key in sorted(wanted):
            entry = self._function(key, wanted, bus_behind)
            if entry["address"] in by_address:
                raise MachineError(f"two functions at {entry['address']}")
            by_address[entry["address"]] = key
            self.pci.append(entry)
        self.pci.sort(key=lambda entry: address_key(entry["address"]))
        self._number_groups()
        for device in self.devices:
            self._links(device, wanted, bus_behind)
        self.nics.sort(key=lambda nic: nic["name"].encode())

    def _address(self, key, bus_behind):
        domain, hops = key
        bus = bus_behind[(domain, hops[:-1])] if len(hops) > 1 else 0
        return domain, bus, hops[-1][0], hops[-1][1]

    def _function(self, key, wanted, bus_behind):
        device = wanted[key]
        model = MODELS[device.model if device else "port"]
        options = device.options if device else {}
        flags = device.flags if device else ()
        domain, bus, slot, function = self._address(key, bus_behind)
        entry = {
            "address": f"{domain:04x}:{bus:02x}:{slot:02x}.{function}",
            "path": f"pci{domain:04x}:00/" + "/".join(f"{d:02x}.{f}" for d, f in key[1]),
            "vendor": model[0],
            "device": model[1],
            "subsystem_vendor": model[2],
            "subsystem_device": model[3],
            "class": model[4],
            "revision": model[5],
            "serial": options.get("serial"),
            "slot": options.get("slot"),
            "firmware_path": options.get("fw"),
            "driver": options.get("driver", model[6]) or None,
            "iommu_group": None,
            "boot_vga": model[4] == "030000",
            "physfn": None,
        }
        if "ids" in options:
            entry["vendor"], entry["device"] = options["ids"].split(":")
        if "host" in options:
            entry["protected"] = ", ".join(PROTECTED[word] for word in options["host"].split(","))
        if "address" in options:
            entry["address"] = options["address"]
        if "group" in options:
            entry["iommu_group"] = int(options["group"])
        if "vf" in options:
            entry["physfn"] = f"{domain:04x}:{bus:02x}:{options['vf']}"
        if "unknown-path" in flags:
            entry["path"] = None
        if "unreadable" in flags:
            entry.update(
                vendor="ffff", device="ffff", subsystem_vendor="ffff", subsystem_device="ffff"
            )
            entry.update({"class": "ffffff", "revision": "ff", "serial": None, "driver": None})
        return entry

    def _number_groups(self):
        """Functions of one device share a group; groups are numbered in address order."""
        if self.head.get("no-iommu"):
            for entry in self.pci:
                entry["iommu_group"] = None
            return
        groups = {}
        taken = {entry["iommu_group"] for entry in self.pci}
        number = 0
        for entry in self.pci:
            if entry["iommu_group"] is not None:
                continue
            card = entry["address"].rpartition(".")[0]
            if card not in groups:
                while number in taken:
                    number += 1
                groups[card] = number
                number += 1
            entry["iommu_group"] = groups[card]

    def _links(self, device, wanted, bus_behind):
        prefix, suffix = MODELS[device.model][7:]
        if prefix is None or "no-link" in device.flags or "unreadable" in device.flags:
            return
        if device.options.get("driver") in ("vfio-pci", "pci-stub", ""):
            return
        prefix = device.options.get("link", prefix)
        macs = device.macs or ["-"]
        given = device.options.get("name", "").split(",")
        alternatives = device.options.get("alt", "")
        names = []
        for port, label in enumerate(macs):
            if given[0]:
                name = given[port]
            elif device.hops is None:
                name = prefix + "x" + mac_of(label).replace(":", "")
            else:
                name = self._path_name(device, wanted, bus_behind, prefix)
                name += f"np{port}" if suffix == "np" else f"d{port}" if port else ""
            names.append(name)
            self.label_names[label] = name
            address = None
            if device.hops is not None:
                key = (device.domain, tuple(device.hops))
                address = self._function(key, wanted, bus_behind)["address"]
            self.nics.append(
                {
                    "name": name,
                    "altnames": sorted(alternatives.split(",")) if alternatives else [],
                    "mac": mac_of(label),
                    "pci": address,
                    "port": port,
                    "driver": device.options.get("driver", MODELS[device.model][6]),
                }
            )
        if device.checked_names is not None and device.checked_names != names:
            raise MachineError(f"{device.line!r}: the names are {','.join(names)}")

    def _path_name(self, device, wanted, bus_behind, prefix):
        key = (device.domain, tuple(device.hops))
        domain, bus, slot, function = self._address(key, bus_behind)
        if "vf" in device.options:
            parent = device.hops[:-1] + [parse_hop(device.options["vf"])]
            parent_device = wanted[(device.domain, tuple(parent))]
            siblings = sorted(
                tuple(other.hops)
                for other in self.devices
                if other.options.get("vf") == device.options["vf"]
                and other.hops[:-1] == device.hops[:-1]
            )
            index = siblings.index(tuple(device.hops))
            return self._path_name(parent_device, wanted, bus_behind, prefix) + f"v{index}"
        alone = not any(
            other != key and other[0] == domain and other[1][:-1] == key[1][:-1]
            and other[1][-1][0] == slot
            for other in wanted
        )
        name = prefix + (f"P{domain}" if domain else "") + f"p{bus}s{slot}"
        return name + ("" if alone and function == 0 else f"f{function}")

    def _check(self):
        for label, name in self.checks.items():
            if self.label_names.get(label) != name:
                raise MachineError(f"{label} is {self.label_names.get(label)}, not {name}")
        names = [nic["name"] for nic in self.nics]
        if len(set(names)) != len(names):
            raise MachineError(f"two NICs of one name: {names}")

    def inventory(self, boot_id, taken_at):
        return {
            "schema": "hwrecover.inventory/1",
            "host": self.head["host"],
            "machine": self.head.get("machine"),
            "boot_id": boot_id,
            "taken_at": taken_at,
            "kernel": self.head.get("kernel", "6.1.0-37-amd64"),
            "pci": [dict(entry) for entry in self.pci],
            "nics": [dict(nic) for nic in self.nics],
        }


def parse_hop(text):
    device, function = text.split(".")
    return int(device, 16), int(function)


def address_key(address):
    domain, bus, rest = address.split(":")
    device, function = rest.split(".")
    return int(domain, 16), int(bus, 16), int(device, 16), int(function)


def permuted(inventory, seed):
    """The same hardware, listed in another order."""
    shuffled = random.Random(seed)
    result = dict(inventory)
    for key in ("pci", "nics"):
        result[key] = list(inventory[key])
        shuffled.shuffle(result[key])
    for nic in result["nics"]:
        nic["altnames"] = list(reversed(nic["altnames"]))
    keys = list(result)
    shuffled.shuffle(keys)
    return {key: result[key] for key in keys}


def render(inventory):
    return (json.dumps(inventory, indent=1) + "\n").encode()


def self_test():
    """Check the generator against values written by hand; returns a complaint or None."""
    machine = Machine(
        """
        kernel 6.8.12-4-pve
        first-bus 3
        02.1/00.0/08.0/00.0  r8169  m1  alt=enxa8a159000001  = enp5s0
        02.1/00.0/08.1       port
        02.1/00.0/09.0/00.0  mlx4   m2,m3                    = enp7s0,enp7s0d1
        03.1/00.0            i350   m4                       = enp8s0f0
        03.1/00.1            i350   m5 s1                    = enp8s0f1
        03.1/10.2            i350vf m6 vf=00.1               = enp8s0f1v0
        03.2/01.0            r8169  m7                       = enp9s1
        10000:01.0/00.0      x710   m8                       = enP65536p3s0np0
        usb                  ax88179 m9                      = enxa8a159000009
        """.splitlines()
    )
    seen = {entry["address"]: entry["path"] for entry in machine.pci}
    expected = {
        "0000:00:02.1": "pci0000:00/02.1",
        "0000:03:00.0": "pci0000:00/02.1/00.0",
        "0000:04:08.0": "pci0000:00/02.1/00.0/08.0",
        "0000:05:00.0": "pci0000:00/02.1/00.0/08.0/00.0",
        "0000:04:08.1": "pci0000:00/02.1/00.0/08.1",
        "0000:04:09.0": "pci0000:00/02.1/00.0/09.0",
        "0000:07:00.0": "pci0000:00/02.1/00.0/09.0/00.0",
        "0000:00:03.1": "pci0000:00/03.1",
        "0000:08:00.0": "pci0000:00/03.1/00.0",
        "0000:08:00.1": "pci0000:00/03.1/00.1",
        "0000:08:10.2": "pci0000:00/03.1/10.2",
        "0000:00:03.2": "pci0000:00/03.2",
        "0000:09:01.0": "pci0000:00/03.2/01.0",
        "10000:00:01.0": "pci10000:00/01.0",
        "10000:03:00.0": "pci10000:00/01.0/00.0",
    }
    if seen != expected:
        return f"addresses and paths: {sorted(set(seen.items()) ^ set(expected.items()))}"
    first = [entry for entry in machine.pci if entry["address"] == "0000:05:00.0"][0]
    by_hand = {
        "address": "0000:05:00.0", "path": "pci0000:00/02.1/00.0/08.0/00.0",
        "vendor": "10ec", "device": "8168",
        "subsystem_vendor": "1043", "subsystem_device": "8677",
        "class": "020000", "revision": "15",
        "serial": None, "slot": None, "firmware_path": None,
        "driver": "r8169", "iommu_group": first["iommu_group"], "boot_vga": False, "physfn": None,
    }
    if first != by_hand:
        return f"the contract's function: {first}"
    nic = [nic for nic in machine.nics if nic["name"] == "enp5s0"][0]
    if nic != {"name": "enp5s0", "altnames": ["enxa8a159000001"], "mac": "a8:a1:59:00:00:01",
               "pci": "0000:05:00.0", "port": 0, "driver": "r8169"}:
        return f"the contract's NIC: {nic}"
    virtual = [entry for entry in machine.pci if entry["address"] == "0000:08:10.2"][0]
    if virtual["physfn"] != "0000:08:00.1":
        return f"physfn: {virtual}"
    if machine.pci[0]["iommu_group"] != 0 or len({e["iommu_group"] for e in machine.pci}) != 12:
        return "IOMMU groups: two functions of one device share theirs, others do not"
    # A device more on an early port renumbers what comes later and leaves paths alone.
    later = Machine(["+ 01.1/00.0 nvme", "names m1=enp6s0 m2=enp8s0 m4=enp9s0f0"], machine)
    paths = {entry["path"] for entry in later.pci} - {entry["path"] for entry in machine.pci}
    if paths != {"pci0000:00/01.1", "pci0000:00/01.1/00.0"}:
        return f"paths that changed: {paths}"
    if Machine(["- 01.1/00.0"], later).inventory("b", "t") == machine.inventory("b", "t"):
        return None
    return "a machine less what was added is not the machine before"
