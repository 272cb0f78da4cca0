#!/usr/bin/python3
"""Lists a tree so that two trees can be compared: one line for each entry.

    tree.py DIR                 prints the listing of DIR
    tree.py DIR OTHER           compares: prints what differs, exit code 1 if anything does

Options: --without-git leaves out entries named .git*, as `murder create` does; --without-times
leaves out modification times; --holes adds whether a file has holes. Owners are never listed.

A line: path, type, mode, modification time in seconds, size, then SHA-256 of a file, the target of
a symbolic link, or "= FIRST" for a further name of a file listed before. Bytes that do not print
are escaped.
"""

import argparse
import hashlib
import os
import stat
import sys


def shown(name):
    return name.decode("utf-8", "backslashreplace").encode("unicode_escape").decode("ascii")


def digest_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def walk(root, without_git):
    """Yields (path below the root, status), a directory before its entries, these by name."""
    pending = [b""]
    while pending:
        path = pending.pop()
        status = os.lstat(os.path.join(root, path) if path else root)
        yield path, status
        if stat.S_ISDIR(status.st_mode):
            names = os.listdir(os.path.join(root, path))
            if without_git:
                names = [name for name in names if not name.startswith(b".git")]
            pending.extend(os.path.join(path, name) for name in sorted(names, reverse=True))


TYPES = {
    stat.S_IFDIR: "dir",
    stat.S_IFREG: "file",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
}


def listing(root, options):
    """A dictionary from paths to the rest of their line, in order."""
    root = os.fsencode(root)
    first_names = {}
    lines = {}
    for path, status in walk(root, options.without_git):
        kind = TYPES[stat.S_IFMT(status.st_mode)]
        fields = [kind]
        # The mode of a symbolic link means nothing.
        fields.append("-" if kind == "link" else f"{stat.S_IMODE(status.st_mode):04o}")
        if not options.without_times:
            fields.append(str(status.st_mtime_ns // 1_000_000_000))
        fields.append(str(status.st_size) if kind == "file" else "-")
        key = (status.st_dev, status.st_ino)
        full_path = os.path.join(root, path) if path else root
        if kind != "dir" and key in first_names:
            fields.append("= " + shown(first_names[key]))
        elif kind == "link":
            fields.append("-> " + shown(os.readlink(full_path)))
        elif kind == "file":
            if options.holes:
                fields.append("sparse" if status.st_blocks * 512 < status.st_size else "dense")
            fields.append(digest_of(full_path))
        if kind != "dir" and status.st_nlink > 1:
            first_names.setdefault(key, path)
        lines[shown(path) or "."] = " ".join(fields)
    return lines


def differences(left, right, left_name, right_name):
    for path in sorted(left.keys() | right.keys()):
        if path not in right:
            yield f"only in {left_name}: {path}"
        elif path not in left:
            yield f"only in {right_name}: {path}"
        elif left[path] != right[path]:
            yield f"{path} differs:\n  {left[path]}\n  {right[path]}"


def main():
    parser = argparse.ArgumentParser(description="List a tree, or compare two.")
    parser.add_argument("tree")
    parser.add_argument("other", nargs="?")
    parser.add_argument("--without-git", action="store_true")
    parser.add_argument("--without-times", action="store_true")
    parser.add_argument("--holes", action="store_true")
    options = parser.parse_args()
    left = listing(options.tree, options)
    if options.other is None:
        for path, line in left.items():
            print(path, line)
        return 0
    right = listing(options.other, options)
    found = list(differences(left, right, options.tree, options.other))
    for line in found:
        print(line)
    print(f"{len(left)} entries against {len(right)}: {len(found)} differ", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
