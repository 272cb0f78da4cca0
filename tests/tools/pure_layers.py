"""Layers whose results depend on their arguments alone: no clock, no randomness, no system call, no thread."""

import pathlib
import re

PURE_FOLDERS = ("engine/codec/", "engine/control/", "engine/trust/", "engine/policy/", "engine/swarm/", "engine/sim/", "tracker/", "cli/fleet/plan/")
# What asks the tracker's core, with sockets and clocks.
TRACKER_PROCESS = re.compile(r"tracker/(service|tracker_server)[a-z_]*\.(h|cc)$")
# The simulator's results do not depend on its threads, which are all here.
MAY_START_THREADS = re.compile(r"engine/sim/crew\.(h|cc)$")

FREE = r"(?<![\w.:>])(?:std::|::)?"  # a function of nobody's: no member, of no other namespace
THREADS = {
    r"#\s*include\s*<(thread|mutex|shared_mutex|condition_variable|future|barrier|latch|semaphore|stop_token|pthread\.h)>":
        "threads",
    r"\bstd::(j?thread|mutex|async|condition_variable|barrier|latch)\b|\bpthread_\w+\s*\(": "threads",
}
IMPURE = {
    r"\b\w*_clock::now\b": "a clock",
    FREE + r"(clock_gettime|gettimeofday|timespec_get|ftime|clock)\s*\(": "a clock",
    FREE + r"time\s*\(\s*(nullptr|NULL|0|&\w+)\s*\)": "a clock",
    r"#\s*include\s*<(time\.h|ctime)>": "a clock",
    r"#\s*include\s*<random>": "randomness",
    r"\b(random_device|mt19937(_64)?|default_random_engine)\b": "randomness",
    FREE + r"(s?rand|s?random|[dlm]rand48|getrandom|getentropy|arc4random\w*|RAND_bytes)\s*\(": "randomness",
    r"#\s*include\s*<(sys|linux|netinet|arpa|net|asm)/[\w./]+>": "system calls",
    r"#\s*include\s*<(unistd|fcntl|poll|dirent|netdb|spawn|sched|ifaddrs|pwd|grp|liburing|syslog)\.h>": "system calls",
    r"#\s*include\s*<(fstream|filesystem|iostream)>": "files",
    # "::open(": how this project writes a call of the system.
    r"(?<![\w>])::[a-z_]\w*\s*\(": "system calls",
    FREE + r"(getenv|secure_getenv|setenv|syscall|mmap|ioctl|usleep|nanosleep|getpid|gethostname|getaddrinfo|system|popen"
           r"|fopen|fdopen|openat|recvmsg|sendmsg|io_uring_\w+)\s*\(": "system calls",
    r"\bstd::this_thread\b": "threads",
}
INCLUDE_OF_BASE = re.compile(r'#\s*include\s+"(engine/base/\w+)\.h"')
# inet_pton and inet_ntop, which only read and write text.
BASE_IS_PURE_WITH = re.compile(r"#include <arpa/inet\.h>|(?<![\w>])::inet_(pton|ntop)\s*\(")


def is_pure(relative):
    return relative.startswith(PURE_FOLDERS) and not TRACKER_PROCESS.search(relative)


def faults_in(bare, with_threads=True):
    """(line number, what it uses) of each line of a text without comments and strings."""
    patterns = {**IMPURE, **(THREADS if with_threads else {})}
    for number, line in enumerate(bare.split("\n"), 1):
        for pattern, what in patterns.items():
            if re.search(pattern, line):
                yield number, what
                break


def impure_base(bare_texts):
    """Stems of the files of base ("engine/base/small_file") that are no use to a pure layer, with what they include."""
    base = {name[len("src/"):]: text for name, text in bare_texts.items() if name.startswith("src/engine/base/")}
    impure = {str(pathlib.PurePosixPath(name).with_suffix("")) for name, text in base.items()
              if any(faults_in(BASE_IS_PURE_WITH.sub("", text)))}
    while True:
        more = {name[:-len(".h")] for name, text in base.items()
                if name.endswith(".h") and impure & set(INCLUDE_OF_BASE.findall(text))} - impure
        if not more:
            return impure
        impure |= more


def check_pure_layers(texts, bare_texts, faults):
    """Adds a line to `faults` for each use of the world in a pure layer. `texts` by name; includes are read there."""
    impure = impure_base({name: with_includes(texts[name], bare) for name, bare in bare_texts.items()
                          if name.startswith("src/engine/base/")})
    for name, bare in bare_texts.items():
        relative = name[len("src/"):]
        if not name.startswith("src/") or not is_pure(relative):
            continue
        text = with_includes(texts[name], bare)
        for number, what in faults_in(text, with_threads=not MAY_START_THREADS.search(relative)):
            faults.append(f"{name}:{number}: {what} in a pure layer: time, randomness and input are arguments there")
        for number, line in enumerate(text.split("\n"), 1):
            for stem in INCLUDE_OF_BASE.findall(line):
                if stem in impure:
                    faults.append(f"{name}:{number}: a pure layer may not use {stem}.h, which is not pure")


def with_includes(text, bare):
    """The bare text, where the names of what is included are there again."""
    lines = zip(text.split("\n"), bare.split("\n"))
    return "\n".join(whole if re.match(r"\s*#\s*include\b", whole) else line for whole, line in lines)
