#!/usr/bin/env python3
"""Holds the rules of the source tree: sizes of files, functions and classes, layers, what is pure, words that must
not appear. One line per fault. With --report: how large each layer and the biggest classes are, and how often they
check themselves.
"""

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/tools"))

import class_sizes  # noqa: E402
import cpp_scopes  # noqa: E402
import include_levels  # noqa: E402
import pure_layers  # noqa: E402
import source_report  # noqa: E402
import swarm_parts  # noqa: E402

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100

# A layer may include itself and these (docs/architecture.md). The longest prefix of a path is its layer.
LAYERS = {
    "engine/base": set(),
    "engine/codec": {"engine/base"},
    "engine/hash": {"engine/base"},
    "engine/trust": {"engine/base", "engine/codec", "engine/hash"},
    "engine/tls": {"engine/base", "engine/trust"},
    # Archive reads and writes torrents and hashes as it goes.
    "engine/archive": {"engine/base", "engine/codec", "engine/hash"},
    "engine/policy": {"engine/base"},
    "engine/control": {"engine/base"},
    "engine/swarm": {"engine/base", "engine/codec", "engine/policy"},
    "engine/io": {"engine/base"},
    "engine/http": {"engine/base", "engine/codec", "engine/io", "engine/tls"},
    "engine/node": {
        "engine/base", "engine/codec", "engine/hash", "engine/trust", "engine/tls", "engine/archive", "engine/policy",
        "engine/swarm", "engine/io", "engine/http",
    },
    "engine/host": {
        "engine/base", "engine/codec", "engine/hash", "engine/trust", "engine/archive", "engine/io", "engine/http", "engine/node",
    },
    "agent": {
        "engine/base", "engine/codec", "engine/hash", "engine/trust", "engine/tls", "engine/archive", "engine/control", "engine/io",
        "engine/http", "engine/host",
    },
    # Of the tracker its pure core alone (see below).
    "engine/sim": {"engine/base", "engine/codec", "engine/control", "engine/policy", "engine/swarm", "tracker"},
    "coordinator": {
        "coordinator/store", "engine/base", "engine/codec", "engine/hash", "engine/trust", "engine/archive", "engine/control", "engine/io",
        "engine/http", "engine/host",
    },
    "coordinator/store": {"engine/base", "engine/control", "engine/trust", "engine/http"},
    "tracker": {"engine/base", "engine/codec", "engine/trust", "engine/tls", "engine/io", "engine/http"},
    # The program: what commands speak through, the fleet, the commands, and main on top.
    "cli/ui": {"engine/base", "engine/codec", "engine/archive", "engine/io", "engine/host"},
    "cli/signing": {
        "cli/ui", "engine/base", "engine/codec", "engine/hash", "engine/trust", "engine/archive", "engine/host",
    },
    "cli/fleet/plan": {"engine/base"},
    "cli/fleet/reach": {"cli/fleet/plan", "engine/base", "engine/trust", "engine/archive", "engine/policy", "engine/io", "engine/host"},
    "cli/fleet": {
        "cli/ui", "cli/signing", "cli/fleet/plan", "cli/fleet/reach", "engine/base", "engine/codec", "engine/hash", "engine/trust", "engine/archive", "engine/policy",
        "engine/control", "engine/io", "engine/http", "engine/host", "engine/sim",
    },
    "cli/control": {
        "cli/ui", "cli/signing", "cli/fleet", "cli/fleet/plan", "cli/fleet/reach", "engine/base", "engine/codec", "engine/hash", "engine/trust", "engine/tls", "engine/archive",
        "engine/control", "engine/http", "engine/host",
    },
    "cli/commands": {
        "cli/control", "cli/ui", "cli/signing", "cli/fleet", "cli/fleet/plan", "cli/fleet/reach", "engine/base", "engine/codec", "engine/hash", "engine/trust", "engine/archive",
        "engine/control", "engine/io", "engine/http", "engine/node", "engine/host", "engine/sim", "engine/tls", "tracker", "agent", "coordinator",
        "coordinator/store",
    },
    "cli": {"cli/ui", "cli/fleet", "cli/commands", "engine/base", "engine/hash", "engine/archive"},
}

# The tracker's core is pure; only these files of the folder may use the network.
TRACKER_SERVICE = re.compile(r"tracker/(service|tracker_server|status_page|metrics)[a-z_]*\.(h|cc)$")

FORBIDDEN = {
    r"\bshared_ptr\b": "shared_ptr",
    r"\bstd::function\b": "std::function",
    r"#include <iostream>": "iostream",
    r"\bthrow\b": "exceptions",
    r"\b(dynamic_cast|typeid)\b": "RTTI",
    r"\bco_(await|return|yield)\b": "coroutines",
    r"\bshrink_to_fit\b": "shrink_to_fit, which does nothing without exceptions,",
}
# What prints may throw, or wait for ever: only these files may use it.
PRINTING = re.compile(r"\bfmt::print\b|\bstd::c(out|err)\b|\b(stdout|stderr|STDOUT_FILENO)\b|\bf?puts\(|\bprintf\(")
MAY_PRINT = {
    "src/cli/ui/output.cc", "src/cli/ui/background.cc", "src/engine/base/ensure.cc", "src/engine/io/reactor.cc",
    "src/engine/host/child_process.cc", "src/cli/signing/run_program.cc",
}
# They are about such paths.
MAY_NAME_PATHS = {"tests/tidy.py", "tests/tools/test_tidy.py"}
MACHINE_PATHS = re.compile(r"(?<![\w.])/(work|home|root)/[a-z]")

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def tracked_files():
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True)
    names = [name for name in listing.stdout.decode().split("\0") if name]
    return [name for name in names if (ROOT / name).is_file()]


def layer_of(path):
    fitting = [layer for layer in LAYERS if path.startswith(layer + "/")]
    return max(fitting, key=len, default=None)


def check_source(name, text, bare, scopes, faults):
    relative = name[len("src/"):] if name.startswith("src/") else name
    lines = text.split("\n")
    if len(lines) - 1 > FILE_LINES_MAX:
        faults.append(f"{name}: {len(lines) - 1} lines, at most {FILE_LINES_MAX}")
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            faults.append(f"{name}:{number}: {len(line)} columns, at most {COLUMNS_MAX}")
    for scope in scopes:
        if scope.kind == "function" and scope.length > FUNCTION_LINES_MAX:
            faults.append(f"{name}:{scope.open_line}: a function of {scope.length} lines, at most {FUNCTION_LINES_MAX}")
    if not name.startswith("src/"):
        return
    if name.endswith(".h") and "#pragma once" not in text and "/pch/" not in name:
        faults.append(f"{name}: no #pragma once")
    check_layer(name, relative, lines, faults)
    if name not in MAY_PRINT:
        for number, line in enumerate(bare.split("\n"), 1):
            if PRINTING.search(line):
                faults.append(f"{name}:{number}: print through cli/ui/output.h, which neither throws nor waits")
    if relative.startswith(("agent/", "coordinator/", "engine/", "tracker/")):
        for pattern, what in FORBIDDEN.items():
            for number, line in enumerate(bare.split("\n"), 1):
                if re.search(pattern, line):
                    faults.append(f"{name}:{number}: {what} is not used in engine, coordinator and tracker")


def check_layer(name, relative, lines, faults):
    layer = layer_of(relative)
    if layer is None:
        faults.append(f"{name}: in no layer")
        return
    allowed = LAYERS[layer] | {layer}
    if layer == "tracker" and not TRACKER_SERVICE.search(relative):
        allowed = {"engine/base", "engine/codec", "tracker"}
    for number, line in enumerate(lines, 1):
        # Other layers use it through engine/hash, whose header names what they need of it.
        if layer != "engine/hash" and "#include <shalanes/" in line:
            faults.append(f"{name}:{number}: {layer} includes engine/hash/sha1.h for hashes")
        match = INCLUDE.match(line)
        if match is None:
            continue
        target = layer_of(match.group(1))
        if target is None:
            faults.append(f"{name}:{number}: include by a full path from src/: {match.group(1)}")
        elif layer == "engine/sim" and TRACKER_SERVICE.search(match.group(1)):
            faults.append(f"{name}:{number}: {layer} may use the tracker's core only")
        elif target not in allowed:
            faults.append(f"{name}:{number}: {layer} may not use {target}")


def tracked_texts():
    """Of each file that is text, by its name."""
    texts = {}
    for name in tracked_files():
        if not name.startswith("tests/fuzz/corpus/"):
            try:
                texts[name] = (ROOT / name).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return texts


def faults_of(texts):
    """Lines about what breaks a rule in these files."""
    faults = []
    sources = {name: text for name, text in texts.items() if name.endswith((".h", ".cc"))}
    bare = {name: cpp_scopes.without_comments_and_strings(text) for name, text in sources.items()}
    scopes = {name: list(cpp_scopes.scopes_of(text)) for name, text in bare.items()}
    for name, text in sources.items():
        check_source(name, text, bare[name], scopes[name], faults)
    pure_layers.check_pure_layers(sources, bare, faults)
    swarm_parts.check_swarm_parts(sources, faults)
    class_sizes.check_class_sizes(class_sizes.sizes_of(only_src(scopes)), faults)
    include_levels.check_include_levels(
        {name[len("src/"):]: text for name, text in only_src(sources).items()}, layer_of, faults)
    for name, text in texts.items():
        if name not in MAY_NAME_PATHS:
            for number, line in enumerate(text.split("\n"), 1):
                if MACHINE_PATHS.search(line):
                    faults.append(f"{name}:{number}: a path of one machine: {line.strip()[:80]}")
    return faults


def only_src(by_name):
    return {name: value for name, value in by_name.items() if name.startswith("src/")}


def main(words):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", action="store_true", help="print figures instead; nothing fails")
    options = parser.parse_args(words)
    texts = tracked_texts()
    if options.report:
        source_report.print_report(only_src(texts), layer_of)
        return 0
    faults = faults_of(texts)
    for fault in faults:
        print(fault)
    print(f"tidy: {len(texts)} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
