# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which functions a bind script takes: it is run by a shell with /sys in a scratch folder."""

import os
import re
import shutil
import subprocess

from program import Failure

GUESTS = (b"vfio-pci", b"pci-stub")


def put(path, text=b""):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text)


def build(top, addresses):
    """What such scripts write to, empty; a function that is not there has no folder."""
    shutil.rmtree(top, ignore_errors=True)
    bus = os.path.join(top, "sys/bus/pci")
    for address in addresses:
        for name in ("driver_override", "driver/unbind"):
            put(os.path.join(bus, "devices", address, name))
    put(os.path.join(bus, "drivers_probe"))
    for name in ("bind", "unbind", "new_id"):
        put(os.path.join(bus, "drivers/vfio-pci", name))
    put(os.path.join(top, "bin/modprobe"), b"#!/bin/sh\n")
    os.chmod(os.path.join(top, "bin/modprobe"), 0o755)


def parse(script):
    """Every shell that may read it accepts it."""
    for shell in (["dash"], ["bash"], ["busybox", "sh"]):
        if shutil.which(shell[0]):
            done = subprocess.run([*shell, "-n"], input=script, capture_output=True, check=False)
            if done.returncode != 0:
                raise Failure(f"{shell[0]} -n: {done.stderr.decode()}{script.decode()}")


def takes(script, addresses, top):
    parse(script)
    build(top, addresses)
    moved = script.replace(b"/sys", os.fsencode(top) + b"/sys")
    # Nothing may be lost to the next write to the same file.
    moved = re.sub(rb"(?<![>&\d])>(?![>&])", b">>", moved)
    put(os.path.join(top, "script"), moved)
    subprocess.run(["sh", os.path.join(top, "script")], check=False, capture_output=True,
                   timeout=20, cwd=top, stdin=subprocess.DEVNULL,
                   env={"PATH": os.path.join(top, "bin") + ":/usr/bin:/bin"})
    taken = set()
    bus = os.path.join(top, "sys/bus/pci")
    for address in os.listdir(os.path.join(bus, "devices")):
        path = os.path.join(bus, "devices", address, "driver_override")
        if os.path.exists(path):
            with open(path, "rb") as file:
                if any(word in file.read() for word in GUESTS):
                    taken.add(address)
    with open(os.path.join(bus, "drivers/vfio-pci/bind"), "rb") as file:
        taken.update(os.fsdecode(word) for word in file.read().split())
    return taken & set(addresses)
