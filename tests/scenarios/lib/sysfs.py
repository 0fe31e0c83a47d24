# SPDX-License-Identifier: LGPL-2.1-or-later
"""A copy of /sys as somebody would make it of the machine an inventory describes."""

import os
import shutil
import struct


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text + "\n")


def link(path, target):
    """A relative symlink, as in sysfs."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(os.path.relpath(target, os.path.dirname(path)), path)


def config_space(entry):
    """The header's ids and, where there is a serial number, its extended capability at 0x100."""
    space = bytearray(4096)
    struct.pack_into("<HH", space, 0, int(entry["vendor"], 16), int(entry["device"], 16))
    if entry["serial"]:
        number = bytes.fromhex(entry["serial"].replace("-", ""))
        struct.pack_into("<I", space, 0x100, 0x0003 | 1 << 16)
        struct.pack_into(">4s", space, 0x104, number[4:][::-1])
        struct.pack_into(">4s", space, 0x108, number[:4][::-1])
    return space


def build(root, inventory):
    sys = os.path.join(root, "sys")
    shutil.rmtree(sys, ignore_errors=True)
    by_path = {entry["path"]: entry for entry in inventory["pci"]}
    folders = {}
    for entry in inventory["pci"]:
        hops = entry["path"].split("/")
        way = [hops[0]] + [by_path["/".join(hops[: n + 1])]["address"] for n in range(1, len(hops))]
        folder = os.path.join(sys, "devices", *way)
        folders[entry["address"]] = folder
        for name, key in (("vendor", "vendor"), ("device", "device"), ("class", "class"),
                          ("subsystem_vendor", "subsystem_vendor"),
                          ("subsystem_device", "subsystem_device"), ("revision", "revision")):
            put(os.path.join(folder, name), "0x" + entry[key])
        put(os.path.join(folder, "uevent"), "\n".join(
            ([f"DRIVER={entry['driver']}"] if entry["driver"] else [])
            + [f"PCI_CLASS={entry['class'].lstrip('0').upper() or '0'}",
               f"PCI_ID={entry['vendor']}:{entry['device']}".upper(),
               f"PCI_SUBSYS_ID={entry['subsystem_vendor']}:{entry['subsystem_device']}".upper(),
               f"PCI_SLOT_NAME={entry['address']}"]))
        with open(os.path.join(folder, "config"), "wb") as file:
            file.write(config_space(entry))
        if entry["class"] == "030000":
            put(os.path.join(folder, "boot_vga"), "1")
        link(os.path.join(sys, "bus/pci/devices", entry["address"]), folder)
        link(os.path.join(folder, "subsystem"), os.path.join(sys, "bus/pci"))
        if entry["driver"]:
            driver = os.path.join(sys, "bus/pci/drivers", entry["driver"])
            os.makedirs(driver, exist_ok=True)
            link(os.path.join(folder, "driver"), driver)
            link(os.path.join(driver, entry["address"]), folder)
        if entry["iommu_group"] is not None:
            group = os.path.join(sys, "kernel/iommu_groups", str(entry["iommu_group"]))
            link(os.path.join(folder, "iommu_group"), group)
            link(os.path.join(group, "devices", entry["address"]), folder)
    for entry in inventory["pci"]:
        if entry["physfn"]:
            link(os.path.join(folders[entry["address"]], "physfn"), folders[entry["physfn"]])
    for number, nic in enumerate(inventory["nics"]):
        link_of(sys, folders[nic["pci"]], nic, number + 2)
    virtual = os.path.join(sys, "devices/virtual/net/vmbr0")
    put(os.path.join(virtual, "address"), inventory["nics"][0]["mac"])
    put(os.path.join(virtual, "type"), "1")
    link(os.path.join(sys, "class/net/vmbr0"), virtual)


def link_of(sys, device, nic, index):
    folder = os.path.join(device, "net", nic["name"])
    for name, text in (("address", nic["mac"]), ("addr_assign_type", "0"), ("type", "1"),
                       ("dev_port", str(nic["port"])), ("ifindex", str(index)),
                       ("dev_id", "0x0"), ("uevent", f"INTERFACE={nic['name']}\nIFINDEX={index}")):
        put(os.path.join(folder, name), text)
    link(os.path.join(folder, "device"), device)
    link(os.path.join(sys, "class/net", nic["name"]), folder)
