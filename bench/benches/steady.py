"""What the steady path costs per block: allocations, system calls, ring submissions, on both sides.

A run's counts hold its start and end as well. Each count is taken for a release and for one twice as large;
the difference, by the blocks that the larger has more, is what the steady path adds."""

import shutil

from kit import BenchError, Result
from kit.clients import Libtorrent, Murder
from kit.network import own_network
from kit.release import Releases
from kit.scratch import warm

KIB, MIB = 1 << 10, 1 << 20
# Of both releases the same, else not only their length differs.
PIECE_BYTES = 2 * MIB
OWN_BLOCK_BYTES = PIECE_BYTES // 8  # granted_block_bytes() in src/engine/swarm/download_grants.cc
STOCK_BLOCK_BYTES = 16 * KIB
EVENTS = {
    "system calls": "raw_syscalls:sys_enter",
    "of them io_uring_enter": "syscalls:sys_enter_io_uring_enter",
    "of them splice": "syscalls:sys_enter_splice",
    "of them futex": "syscalls:sys_enter_futex",
    "ring submissions": "io_uring:io_uring_submit_req",
    "ring completions": "io_uring:io_uring_complete",
    "handed to kernel workers": "io_uring:io_uring_queue_async_work",
    "context switches": "context-switches",
    "page faults": "page-faults",
}
ALLOCATIONS = "allocations"


def event_list():
    return ",".join(EVENTS.values())


def counts_of(path):
    """What perf stat -x, wrote."""
    counts = {}
    for line in path.read_text().splitlines():
        fields = line.split(",")
        for name, event in EVENTS.items():
            if len(fields) > 2 and fields[2].split(":u")[0] == event and fields[0].isdigit():
                counts[name] = int(fields[0])
    if len(counts) < len(EVENTS):
        raise BenchError(f"perf did not count everything:\n{path.read_text()}")
    return counts


class Counters:
    """perf stat on processes that run already, until stop()."""

    def __init__(self, context, pids):
        directory = context.scratch.directory("perf-seeder")
        self._path, self._stop, started = directory / "counts", directory / "stop", directory / "started"
        # perf counts until the command it was given ends.
        script = 'touch "$1"; while [ ! -e "$2" ]; do sleep 0.02; done'
        self._child = context.start(
            ["perf", "stat", "-x,", "-o", self._path, "-e", event_list(), "-p", ",".join(map(str, pids)), "--",
             "/bin/sh", "-c", script, "sh", started, self._stop], "perf")
        self._child.wait_for(started.exists, "perf counts")

    def stop(self):
        self._stop.touch()
        self._child.wait(60)
        return counts_of(self._path)


def perf_trouble(context):
    """Why events cannot be counted here, or None."""
    if shutil.which("perf") is None:
        return "perf is not installed (linux-perf)"
    child = context.start(["perf", "stat", "-e", event_list(), "true"], "perf-trial")
    if child.wait(60, code=None).code != 0:
        return f"perf may not count here (root may): {child.error.strip().splitlines()[-1]}"
    return None


def count_events(context, network, release, kinds):
    """One download: {side: {event: count}} of the sides that are murder's."""
    seeder_kind, fetcher_kind = kinds
    path = context.scratch.path / "perf-peer"
    prefix = ["perf", "stat", "-x,", "-o", path, "-e", event_list(), "--"]
    fetcher = Murder(context, prefix) if fetcher_kind is Murder else fetcher_kind(context)
    seeding = seeder_kind(context).seed(release, network.address())
    warm(release.content)
    counts, counters = {}, None
    if seeder_kind is Murder:
        counters = Counters(context, seeding.pids())
    fetcher.begin(release, context.scratch.directory("target"), network.address()).finish()
    if counters is not None:
        counts["seeder"] = counters.stop()
    if fetcher_kind is Murder:
        counts["peer"] = counts_of(path)
    seeding.stop()
    return counts


def count_allocations(context, network, release, kinds):
    """The same of allocations."""
    library = context.built("bench/bench_allocations.so")
    paths = {side: context.scratch.path / f"allocations-{side}" for side in ("seeder", "peer")}
    clients = []
    for kind, path in zip(kinds, paths.values()):
        path.write_bytes(bytes(8))
        environment = {"LD_PRELOAD": str(library), "BENCH_ALLOCATIONS": str(path)}
        clients.append(Murder(context, environment=environment) if kind is Murder else kind(context))
    seeding = clients[0].seed(release, network.address())
    warm(release.content)
    before = read_count(paths["seeder"])
    clients[1].begin(release, context.scratch.directory("target"), network.address()).finish()
    counts = {"seeder": read_count(paths["seeder"]) - before, "peer": read_count(paths["peer"])}
    seeding.stop()
    return {side: {ALLOCATIONS: counts[side]} for side, kind in zip(counts, kinds) if kind is Murder}


def read_count(path):
    return int.from_bytes(path.read_bytes(), "little")


def run(context):
    smaller = context.size(512 * MIB, 16 * MIB)
    sizes = (smaller, 2 * smaller)
    context.scratch.need(5 * smaller, "steady")
    network = context.enter(own_network(congestion=context.congestion))
    trouble = perf_trouble(context)
    pairings = {"murder to murder": (Murder, Murder)}
    if Libtorrent(context).missing() is None:
        pairings |= {"murder to libtorrent": (Murder, Libtorrent), "libtorrent to murder": (Libtorrent, Murder)}
    counts = {}
    for size_bytes in sizes:
        releases = Releases(context, size_bytes, f"{PIECE_BYTES // MIB}MiB")
        for name, kinds in pairings.items():
            found = counts.setdefault(name, {}).setdefault(size_bytes, {})
            for counting in [count_allocations, *([] if trouble else [count_events])]:
                release = releases.with_tracker(Murder(context).tracker(network.address()))
                for side, values in counting(context, network, release, kinds).items():
                    found.setdefault(side, {}).update(values)
                context.say(f"{name}, {size_bytes / MIB:.0f} MiB, {counting.__name__}: {found}")
    result = Result(f"the steady path, from the difference between {smaller / MIB:.0f} and {2 * smaller / MIB:.0f} MiB",
                    raw={"counts": {name: {str(size): each for size, each in sizes_of.items()}
                                    for name, sizes_of in counts.items()}})
    report(result, counts, sizes, network, trouble)
    return result


def report(result, counts, sizes, network, trouble):
    smaller, larger = sizes
    for name, found in counts.items():
        block = OWN_BLOCK_BYTES if "libtorrent" not in name else STOCK_BLOCK_BYTES
        blocks = (larger - smaller) / block
        sides = found[larger].keys()
        table = result.table(f"{name}, blocks of {block // KIB} KiB",
                             ["what", *(f"{side}, {unit}" for side in sides
                                        for unit in ("a block", "a MiB", "at all"))])
        for what in [ALLOCATIONS, *([] if trouble else EVENTS)]:
            cells = []
            for side in sides:
                more = found[larger][side][what] - found[smaller][side][what]
                cells += [more / blocks, more / ((larger - smaller) / MIB), found[larger][side][what]]
            table.row(what, *cells)
    result.note("\"A block\" and \"a MiB\" are what the larger release took more, by the blocks or MiB that it has "
                "more: start and end cancel out. \"At all\" is of the whole run with the larger one, the peer's "
                "start and end included, the seeder's not.")
    result.note(f"Pieces of {PIECE_BYTES // MIB} MiB in both. Between our own peers a piece is asked for in eighths; its "
                "last part may come in smaller ones.")
    result.note("Allocations: calls of malloc, calloc, realloc, aligned_alloc and posix_memalign, counted by a "
                "preloaded library (operator new ends there). The rest: perf stat on tracepoints, in runs of their "
                "own. " + network.in_words())
    if trouble:
        result.note(f"System calls and ring submissions were not counted: {trouble}.")
