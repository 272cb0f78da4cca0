#!/usr/bin/env python3
"""Compares two directory trees: names, types, bytes, modes, link targets, which names are one file.

    tests/tools/trees.py SOURCE COPY

Entries named .git* are left out of SOURCE, as `murder create` leaves them out. Prints the first
differences; exit status 0 when there are none, else 1.
"""
import hashlib
import os
import stat
import sys


def listing(root, without_git=False):
    """{relative path as bytes: facts} of everything below root, root itself included."""
    root = os.fsencode(root)
    entries = {}
    first_name_of = {}

    def add(path, name):
        info = os.lstat(path)
        kind = stat.S_IFMT(info.st_mode)
        facts = {"kind": kind, "mode": stat.S_IMODE(info.st_mode)}
        if kind == stat.S_IFLNK:
            facts["target"] = os.readlink(path)
            del facts["mode"]  # a link has none of its own
        elif kind == stat.S_IFREG:
            facts["size"] = info.st_size
            identity = (info.st_dev, info.st_ino)
            if info.st_nlink > 1 and identity in first_name_of:
                facts["same_file_as"] = first_name_of[identity]
            else:
                first_name_of[identity] = name
                facts["digest"] = digest(path)
        entries[name] = facts

    def walk(path, prefix):
        for name in sorted(os.listdir(path)):
            if without_git and name.startswith(b".git"):
                continue
            below = os.path.join(path, name)
            add(below, prefix + name)
            if os.path.isdir(below) and not os.path.islink(below):
                walk(below, prefix + name + b"/")

    add(root, b".")
    walk(root, b"")
    return entries


def digest(path):
    hasher = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            hasher.update(part)
    return hasher.hexdigest()


def differences(source, copy):
    """Lines that say how two listings differ."""
    lines = []
    for name in sorted(source.keys() | copy.keys()):
        shown = os.fsdecode(name)
        if name not in copy:
            lines.append(f"missing: {shown}")
        elif name not in source:
            lines.append(f"not in the source: {shown}")
        elif source[name] != copy[name]:
            lines.append(f"different: {shown}: {source[name]} became {copy[name]}")
    return lines


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    found = differences(listing(sys.argv[1], without_git=True), listing(sys.argv[2]))
    for line in found[:20]:
        print(line)
    if len(found) > 20:
        print(f"... and {len(found) - 20} more")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
