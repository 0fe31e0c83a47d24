# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tree of files: what is in it, and what became of it."""

import os
import stat
import subprocess

STATE = "var/lib/hwrecover"
RUNTIME = "run/hwrecover"
# What changes without being anybody's configuration.
ELSEWHERE = (STATE, "run", "sys", "proc/sys")


class Entry:
    """One file. Two are alike when a reader of the tree could not tell them apart; they are
    untouched when nobody has even written them anew."""

    def __init__(self, path):
        status = os.lstat(path)
        self.kind = stat.S_IFMT(status.st_mode)
        self.mode = stat.S_IMODE(status.st_mode)
        self.owner = (status.st_uid, status.st_gid)
        self.stamp = (status.st_ino, status.st_mtime_ns, status.st_nlink)
        self.content = None
        if stat.S_ISREG(status.st_mode):
            with open(path, "rb") as file:
                self.content = file.read()
        elif stat.S_ISLNK(status.st_mode):
            self.content = os.fsencode(os.readlink(path))

    def alike(self, other):
        return (self.kind, self.mode, self.owner, self.content) == (
            other.kind, other.mode, other.owner, other.content)

    def untouched(self, other):
        return self.alike(other) and (
            self.stamp == other.stamp or stat.S_ISDIR(self.kind))


def scan(root, only=None):
    """Every file under root but our state and what the hardware is in, or every file under one of these."""
    entries = {}
    top = os.path.join(root, only) if only else root
    for folder, folders, files in os.walk(top):
        where = os.path.relpath(folder, root)
        if where == ".":
            where = ""
        if not only:
            folders[:] = [name for name in folders
                          if os.path.join(where, name) not in ELSEWHERE]
        for name in folders + files:
            path = os.path.join(where, name)
            # Folders above our own come with it.
            if path in ("var", "var/lib", "proc"):
                continue
            entries[path] = Entry(os.path.join(root, path))
    return entries


def differences(before, after, alike=Entry.alike):
    """Paths that came, went or changed, in order."""
    return sorted(
        path for path in before.keys() | after.keys()
        if path not in before or path not in after or not alike(before[path], after[path])
    )


def copy(source, target):
    subprocess.run(["cp", "-a", source, target], check=True)


def copy_reversed(source, target):
    """A copy whose files were made in the opposite order (which some file systems list so)."""
    links = {}
    os.mkdir(target)
    entries = []
    for folder, folders, files in os.walk(source):
        where = os.path.relpath(folder, source)
        entries += [os.path.join(where, name) for name in folders + files]
    for path in sorted(entries, reverse=True):
        here, there = os.path.join(source, path), os.path.join(target, path)
        os.makedirs(os.path.dirname(there), exist_ok=True)
        status = os.lstat(here)
        if stat.S_ISDIR(status.st_mode):
            os.makedirs(there, exist_ok=True)
        elif status.st_nlink > 1 and (status.st_dev, status.st_ino) in links:
            os.link(links[(status.st_dev, status.st_ino)], there)
        else:
            subprocess.run(["cp", "-a", here, there], check=True)
            links[(status.st_dev, status.st_ino)] = there
    for path in sorted(entries, reverse=True):
        if os.path.isdir(os.path.join(source, path)):
            mode = stat.S_IMODE(os.lstat(os.path.join(source, path)).st_mode)
            if not os.path.islink(os.path.join(source, path)):
                os.chmod(os.path.join(target, path), mode)
