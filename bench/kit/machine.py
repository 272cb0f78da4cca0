"""The machine in words: what a reader needs to know to believe or repeat a figure."""

import json
import os
import pathlib
import platform
import shlex
import subprocess


def _output(*command, cwd=None):
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, cwd=cwd)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def _read(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def cpu_facts():
    """(model, flags that matter here)."""
    model, flags = platform.machine(), []
    for line in _read("/proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            model = value.strip()
        elif key.strip() == "flags":
            flags = [name for name in ("sha_ni", "avx2", "avx512f", "avx512bw") if name in value.split()]
            break
    return model, flags


def memory_bytes():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def file_system_of(path):
    """Type and options of the mount that holds it."""
    best, words = "", "?"
    for line in _read("/proc/self/mountinfo").splitlines():
        fields, _, rest = line.partition(" - ")
        place = fields.split()[4]
        inside = pathlib.Path(path).resolve().is_relative_to(place)
        if inside and len(place) >= len(best):
            best, words = place, f"{rest.split()[0]} ({fields.split()[5]})"
    return words


def _governor():
    governors = {_read(path) for path in
                 pathlib.Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor")}
    return ", ".join(sorted(governors)) or "none to be seen"


def _compiler(build):
    """(compiler, flags) as the engine of the program under test was compiled."""
    try:
        entries = json.loads((build / "compile_commands.json").read_text())
    except (OSError, ValueError):
        return "?", "?"
    layer = "src/engine/node/"
    command = next((entry["command"] for entry in entries if entry.get("output", "").startswith(layer)), None)
    if command is None:
        return "?", "?"
    words = shlex.split(command)
    compiler = words[1] if pathlib.Path(words[0]).name == "ccache" else words[0]
    version = _output(compiler, "--version").split("\n", maxsplit=1)[0]
    kept = ("-O", "-std", "-march", "-mtune", "-fno-", "-flto", "-fsanitize", "-g", "-D_GLIBCXX")
    return version or compiler, " ".join(word for word in words if word.startswith(kept))


def _commit(root):
    commit = _output("git", "rev-parse", "--short=12", "HEAD", cwd=root)
    changed = _output("git", "status", "--porcelain", "--untracked-files=no", cwd=root)
    return (commit or "?") + (" with changes" if changed else "")


def describe(root, build, scratch):
    model, flags = cpu_facts()
    compiler, compiler_flags = _compiler(build)
    virtual = _output("systemd-detect-virt", "--vm") or (
        "virtual" if " hypervisor " in _read("/proc/cpuinfo") else "metal")
    return {
        "CPU": f"{model} ({', '.join(flags) or 'no SHA or wide vector instructions'}), {virtual}",
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{memory_bytes() / (1 << 30):.1f} GiB",
        "kernel": f"Linux {platform.release()}",
        "file system of the scratch directory": file_system_of(scratch),
        "frequency governor": _governor(),
        "load at the start": f"{os.getloadavg()[0]:.2f}",
        "commit": _commit(root),
        "compiler": compiler,
        "flags": compiler_flags,
    }
