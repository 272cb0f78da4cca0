"""`murder deploy` to hosts over ssh, beside the time of `ssh HOST true` to all of them at once: where its time goes."""

import contextlib
import json
import os
import shlex
import subprocess
import sys
import time

from kit import BenchError, Result, Spread, alternate, ratio, size_in_words
from kit.memory_rack import racks_in_memory

HOST_COUNT, HOST_COUNT_QUICK = 10, 3
SIZES, SIZES_QUICK = (1_000_000, 200_000_000), (1_000_000,)
COMMAND_SECONDS_MAX = 300
# Stages of a deploy, as --json names them.
COLUMNS = ("connect", "packing", "lock", "coordinate", "start-agent", "send-archive", "peer", "activate", "clean-up")
WAYS = {"murder deploy": (), "murder deploy --no-coordinate": ("--no-coordinate",)}
BAR_CHARACTERS = 60


def run(context):
    sys.path.insert(0, str(context.root / "tests" / "rack"))
    from rack_of_hosts import network
    from rack_of_hosts import rack as racks
    if os.geteuid() != 0:
        raise BenchError("a rack of hosts needs root")
    for name, package in (("ssh", "openssh-client"), ("/usr/sbin/sshd", "openssh-server")):
        context.need_program(name, package)
    # Ten hosts must not share one disk.
    context.enter(racks_in_memory(context.scratch.directory("rack")))
    rack = racks.Rack(f"deploy{os.getpid()}")
    host_count = HOST_COUNT_QUICK if context.quick else HOST_COUNT
    result = Result("a deploy beside `ssh true` to the same hosts")
    try:
        rack.up(host_count, None, 50, True)
        for size in (context.size_bytes,) if context.size_bytes else SIZES_QUICK if context.quick else SIZES:
            _measure(context, result, Operator(context, rack), size)
    except network.RackError as error:
        raise BenchError(str(error)) from None
    finally:
        rack.down()
    result.note("The hosts are namespaces of this machine: its processors carry both ends of each connection.")
    result.note("Their files are in memory, so that they do not share one disk.")
    result.note("Stages overlap; a row of the timeline reaches from the first host's begin to the last host's end.")
    return result


class Operator:
    """Commands on the rack's control host."""

    def __init__(self, context, rack):
        self.program = context.program
        self.hosts = list(rack.addresses)
        self.tool = context.root / "tests" / "rack" / "rack"
        self.directory = context.scratch.directory("deploy")
        self.environment = dict(os.environ, RACK_NAME=rack.name, XDG_STATE_HOME=str(self.directory / "state"))
        self.number = 0

    def on_control(self, *command):
        done = subprocess.run([self.tool, "exec", "control", *map(str, command)], env=self.environment, text=True,
                              cwd=self.directory, capture_output=True, timeout=COMMAND_SECONDS_MAX, check=False)
        if done.returncode != 0:
            raise BenchError(f"{shlex.join(map(str, command))}: {done.stdout}{done.stderr}")
        return done.stdout

    def ssh_true(self):
        """Seconds until `true` has run on all hosts, over a new connection each."""
        script = "".join(f"ssh -o BatchMode=yes -o ControlMaster=no {host} true & " for host in self.hosts) + "wait"
        start = time.monotonic()
        self.on_control("sh", "-c", script)
        return time.monotonic() - start

    def deploy(self, source, *words):
        """A deploy of a tag of its own."""
        self.number += 1
        start = time.monotonic()
        told = json.loads(self.on_control(
            self.program, "deploy", source, "--tag", f"v{self.number}", "--to", "/srv/app", "--activate",
            "--host", f"h[{self.hosts[0][1:]}-{self.hosts[-1][1:]}]", "--keep-releases", "1", "--quiet", "--json",
            *words))
        return {"seconds": time.monotonic() - start, "stages": told["stages"]}


def _make_source(directory, size):
    source = directory / f"source{size}"
    source.mkdir()
    for number in range(20):
        (source / f"file{number}").write_bytes(os.urandom(size // 20))
    return source


def _measure(context, result, operator, size):
    title = f"{len(operator.hosts)} hosts, {size_in_words(size)}"
    source = _make_source(operator.directory, size)
    with contextlib.suppress(BenchError):
        operator.deploy(source)  # puts the program on the hosts
    runs = {way: lambda words=words: operator.deploy(source, *words) for way, words in WAYS.items()}
    samples = alternate({"ssh true": operator.ssh_true, **runs}, context.pairs, say=context.say)
    result.raw[title] = samples
    table = result.table(title, ["", "seconds", "of ssh true", *COLUMNS])
    table.row("ssh true", Spread.of(samples["ssh true"]), 1, *[None] * len(COLUMNS))
    for way in WAYS:
        seconds = [each["seconds"] for each in samples[way]]
        table.row(way, Spread.of(seconds), ratio(seconds, samples["ssh true"]),
                  *[_spread([_seconds(each, stage) for each in samples[way]]) for stage in COLUMNS])
    for way in WAYS:
        middle = sorted(samples[way], key=lambda each: each["seconds"])[len(samples[way]) // 2]
        timeline = result.table(f"{title}: timeline of the median `{way}`", ["stage", "from", "to", ""])
        for stage in middle["stages"]:
            start, end = stage["start_s"], stage["start_s"] + stage["seconds"]
            timeline.row(stage["stage"], f"{start:.3f}", f"{end:.3f}", _bar(start, end, middle["seconds"]))


def _spread(values):
    return Spread.of(values) if None not in values else None


def _seconds(sample, stage):
    return next((each["seconds"] for each in sample["stages"] if each["stage"] == stage), None)


def _bar(start, end, whole):
    first = int(start / whole * BAR_CHARACTERS)
    length = max(1, int((end - start) / whole * BAR_CHARACTERS))
    return ("." * first + "#" * length).ljust(BAR_CHARACTERS, ".")
