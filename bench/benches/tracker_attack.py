"""A tracker among strangers: what honest hosts notice of them. Rows of bench/attack/tracker.py."""

import json
import socket
import subprocess
import sys

from kit import Result
from kit.context import BenchError

SECONDS_MAX = 300
LOAD_SECONDS = 4


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Tracker:
    """One of its own for each row."""

    def __init__(self, context, name, open_files=None):
        self.context = context
        context.scratch.directory("tracker")
        command = [context.program, "tracker", "--listen", f"127.0.0.1:{free_port()}", "--json"]
        if open_files:
            command = ["sh", "-c", f'ulimit -n {open_files}; exec "$@"', "sh", *command]
        self.child = context.start(command, f"tracker-{name}")
        self.child.wait_for(lambda: "}" in self.child.output, "it listens", 30)
        said = json.loads(self.child.output)
        self.endpoint, self.pid = said["listen"][0], said["pid"]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.child.stop()

    def row_arguments(self, name, count):
        return [sys.executable, self.context.root / "bench" / "attack" / "tracker.py", self.endpoint, name,
                "--count", str(count)]

    def row(self, name, count):
        child, _ = self.context.run(self.row_arguments(name, count), name, SECONDS_MAX)
        return json.loads(child.output.splitlines()[-1])

    def load(self, peers, kept):
        """Announces a second over connections that are kept, by a table of this many peers."""
        child, _ = self.context.run(
            [self.context.built("bench/tracker_load"), self.endpoint, self.pid, peers, kept, LOAD_SECONDS], "load",
            SECONDS_MAX)
        phases = {each["phase"]: each for each in map(json.loads, child.output.splitlines())}
        return phases["kept"]["announces_per_s"]


def rate_beside_viewers(context, releases, peers, kept, viewer_count):
    """(without, beside) in alternation, median of the rounds."""
    rounds = []
    with Tracker(context, "viewers") as tracker:
        if releases:
            tracker.row("fill", releases)
        tracker.load(peers, kept)
        for _ in range(max(3, context.pairs)):
            without = tracker.load(peers, kept)
            viewers = subprocess.Popen(
                list(map(str, tracker.row_arguments("viewers", viewer_count))), stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, text=True)
            try:
                viewers.stdout.readline()
                beside = tracker.load(peers, kept)
            finally:
                viewers.stdin.close()
                viewers.wait(60)
            rounds.append((without, beside))
            context.say(f"{releases} releases: {without} announces a second, {beside} beside {viewer_count} viewers")
    rounds.sort(key=lambda each: each[1] / each[0])
    return rounds[len(rounds) // 2], rounds


def run(context):
    result = Result("A tracker among strangers")
    part = 20 if context.quick else 1
    table = result.table("what honest hosts notice", ["attack", "outcome"])
    for count in (300, 1000, 10_000):
        with Tracker(context, "false") as tracker:
            row = tracker.row("false-peers", count)
        result.raw[f"false-peers {count}"] = row
        for kind in ("ip", "ports", "loopback"):
            table.row(f"{count} false peers ({kind}) in {row[kind]['seconds']} s",
                      f"told of {row[kind]['told']}, {row[kind]['there']} of 9 that are there")
    with Tracker(context, "swarms") as tracker:
        row = tracker.row("swarms", 4096)
        result.raw["swarms"] = row
        table.row(f"4,096 new releases in {row['seconds']} s", f"{row['honest_refused']} of 3 honest ones refused")
    with Tracker(context, "room") as tracker:
        row = tracker.row("room", 600_000 // part)
        result.raw["room"] = row
        table.row(f"{600_000 // part} peers by ip=", f"{row['honest_refused']} of 100 honest hosts refused, "
                                                     f"{row['peers_shown']} peers shown")
    with Tracker(context, "silent") as tracker:
        tracker.row("fill", 1000 // part)
        row = tracker.row("silent-viewers", 5000 // part)
        result.raw["silent-viewers"] = row
        table.row(f"{5000 // part} clients that do not read", f"{row['answered']} of {row['announces']} announces "
                                                              f"answered, p99 {row['p99_ms']} ms")
    limit = 1000 // part
    with Tracker(context, "slow", open_files=limit + 128) as tracker:
        row = tracker.row("slowloris", 3 * limit)
        result.raw["slowloris"] = row
        table.row(f"{3 * limit} slow clients, {limit} places", f"{row['answered']} of {row['announces']} announces "
                                                               f"answered, p99 {row['p99_ms']} ms")
    if not (context.build / "bench" / "tracker_load").is_file():
        raise BenchError("bench/tracker_load is not built")
    for releases, peers in ((0, 50_000 // part), (1000 // part, 50_000 // part)):
        (without, beside), rounds = rate_beside_viewers(context, releases, peers, 2000 // part, 8)
        result.raw[f"viewers {releases}"] = rounds
        table.row(f"8 viewers, {peers} peers, {releases} releases more",
                  f"{beside} of {without} announces a second ({beside / without:.2f})")
    result.note("Each row with a tracker of its own, on loopback addresses; viewers in alternation, median of the "
                "rounds.")
    return result
