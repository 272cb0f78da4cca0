#!/usr/bin/env python3
"""Checks each source file by itself, and remembers which passed: a file is checked again when it, a file that it
includes, how it is compiled, or the checks changed.

  lint_files.py tidy FOLDER       clang-tidy of each .cc file; FOLDER has compile_commands.json
  lint_files.py headers FOLDER    each header compiles alone

What passed is in FOLDER/passed, one small file each; what failed is not remembered. Ends with 1 if anything failed.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TIDY_PATTERNS = ("src/*.cc", "subprojects/*/src/*.cc")
HEADER_PATTERNS = ("src/*.h", "subprojects/*.h")
HEADER_FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Isrc",
                "-Isubprojects/shalanes/include", "-Isubprojects/shalanes/src"]


class Digests:
    """SHA-256 of files; what did not change is read once."""

    def __init__(self):
        self._known = {}
        self._lock = threading.Lock()

    def of(self, path):
        """None: it cannot be read."""
        try:
            found = os.stat(path)
            state = (found.st_ino, found.st_size, found.st_mtime_ns)
            with self._lock:
                known = self._known.get(path)
            if known is not None and known[0] == state:
                return known[1]
            digest = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
        except OSError:
            return None
        with self._lock:
            self._known[path] = (state, digest)
        return digest

    def of_all(self, paths):
        return {path: self.of(path) for path in paths}


class Passed:
    """What passed, and everything that this depended on."""

    def __init__(self, folder):
        self._folder = pathlib.Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)

    def _place(self, name):
        return self._folder / hashlib.sha256(name.encode()).hexdigest()[:32]

    def has(self, name, circumstances, digests):
        try:
            record = json.loads(self._place(name).read_text())
        except (OSError, ValueError):
            return False
        return (record.get("name") == name and record.get("circumstances") == circumstances
                and record["files"] == digests.of_all(record["files"]))

    def add(self, name, circumstances, files):
        place = self._place(name)
        half = place.with_suffix(".half")
        half.write_text(json.dumps({"name": name, "circumstances": circumstances, "files": files}))
        half.replace(place)


def paths_of_rule(text):
    """The prerequisites of a make rule as compilers write it, without the target."""
    text = text.replace("\\\n", " ").partition(": ")[2]
    return [re.sub(r"\\(.)", r"\1", word).replace("$$", "$") for word in re.findall(r"(?:\\.|[^\s\\])+", text)]


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


class Tidy:
    """clang-tidy of the .cc files that are compiled."""

    def __init__(self, folder):
        self._folder = str(folder)
        database = json.loads((pathlib.Path(folder) / "compile_commands.json").read_text())
        self._entries = {os.path.normpath(os.path.join(each["directory"], each["file"])): each for each in database}
        self._version = run(["clang-tidy", "--version"], ROOT).stdout

    def _entry(self, name):
        return self._entries.get(str(ROOT / name), {})

    def circumstances(self, name):
        return "\n".join([self._version, (ROOT / ".clang-tidy").read_text(), self._entry(name).get("command", "")])

    def files_of(self, name):
        """(what is wrong or empty, the files that it is made of)"""
        entry = self._entry(name)
        if not entry:
            return f"{name} is not compiled: {self._folder}/compile_commands.json has no command for it", []
        return files_read(dependency_command(shlex.split(entry["command"])), entry["directory"])

    def check(self, name):
        """What is wrong, or nothing."""
        found = run(["clang-tidy", "-p", self._folder, "--quiet", "--warnings-as-errors=*", name], ROOT)
        if found.returncode == 0 and not found.stdout.strip():
            return ""
        counts = re.compile(r"(?m)^\d+ warnings? (generated|treated).*\n?|^Suppressed .*\n?|^Use -header-filter.*\n?")
        return found.stdout + counts.sub("", found.stderr) or f"{name}: clang-tidy ended with {found.returncode}"


class Headers:
    """Each header, compiled as if it were a program's only one."""

    def __init__(self):
        self._flags = HEADER_FLAGS + shlex.split(run(["pkg-config", "--cflags", "CLI11", "fmt"], ROOT).stdout)
        self._version = run(["g++", "--version"], ROOT).stdout

    def _command(self, name):
        return ["g++", *self._flags, "-include", name, "-x", "c++", "/dev/null"]

    def circumstances(self, name):
        return "\n".join([self._version, *self._command(name)])

    def files_of(self, name):
        wrong, paths = files_read(dependency_command(self._command(name)), str(ROOT))
        return wrong, [path for path in paths if path != "/dev/null"]

    def check(self, name):
        found = run(self._command(name), ROOT)
        return found.stderr or ("" if found.returncode == 0 else f"{name}: g++ ended with {found.returncode}")


def dependency_command(command):
    """The same compilation, which only lists what it reads."""
    kept = []
    words = iter(command)
    for word in words:
        if word in ("-o", "-MF", "-MQ", "-MT"):
            next(words, None)
        elif word not in ("-c", "-MD", "-MMD", "-MP", "-fsyntax-only"):
            kept.append(word)
    return [*kept, "-M", "-MT", "it"]


def files_read(command, folder):
    listed = run(command, folder)
    if listed.returncode != 0:
        return listed.stderr or f"{shlex.join(command)}: ended with {listed.returncode}", []
    return "", sorted({os.path.join(folder, path) for path in paths_of_rule(listed.stdout)})


def check_one(checker, name, passed, digests):
    """What is wrong, or nothing; then it is remembered, unless a file was changed meanwhile."""
    circumstances = checker.circumstances(name)
    wrong, paths = checker.files_of(name)
    files = digests.of_all(paths)
    wrong = wrong or checker.check(name)
    if not wrong and None not in files.values() and files == digests.of_all(paths):
        passed.add(name, circumstances, files)
    return wrong


def check_all(checker, names, passed, jobs, show):
    """(how many failed, how many had to be checked)"""
    digests = Digests()
    due = [name for name in names if not passed.has(name, checker.circumstances(name), digests)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        checks = [pool.submit(check_one, checker, name, passed, digests) for name in due]
        try:
            for check in concurrent.futures.as_completed(checks):
                if wrong := check.result():
                    failed += 1
                    show(wrong.rstrip())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return failed, len(due)


def tracked(patterns):
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def main(arguments):
    if len(arguments) != 2 or arguments[0] not in ("tidy", "headers"):
        print(__doc__, file=sys.stderr)
        return 2
    kind, folder = arguments
    folder = (ROOT / folder).resolve()
    checker = Tidy(folder) if kind == "tidy" else Headers()
    names = tracked(TIDY_PATTERNS if kind == "tidy" else HEADER_PATTERNS)
    passed = Passed(folder / "passed" / kind)
    failed, checked = check_all(checker, names, passed, os.cpu_count() or 1, lambda text: print(text, flush=True))
    print(f"{kind}: {len(names)} files, {checked} checked, {len(names) - checked} unchanged since they passed, "
          f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
