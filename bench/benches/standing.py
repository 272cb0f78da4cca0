"""A small release to hosts whose agents are running: from the order to the last host that has it active."""

import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import sys
import time

from kit import BenchError, Result, Spread, alternate, size_in_words
from kit.memory_rack import racks_in_memory

HOST_COUNT, HOST_COUNT_QUICK = 16, 3
SIZE_BYTES = 1 << 20
AIM = "<= 0.5 s, better 0.25 s"
SECONDS_MAX = 120
AGENT = """
host = "{host}"
coordinators = ["{coordinator}"]
open = true
state = "/var/lib/agent"
[app.shop]
to = "/srv/shop"
"""
def run(context):
    sys.path.insert(0, str(context.root / "tests" / "rack"))
    from rack_of_hosts import network
    from rack_of_hosts import rack as racks
    if os.geteuid() != 0:
        raise BenchError("a rack of hosts needs root")
    count = HOST_COUNT_QUICK if context.quick else HOST_COUNT
    size = context.size_bytes or SIZE_BYTES
    result = Result("a release to hosts with standing agents")
    # So many hosts must not share one disk.
    context.enter(racks_in_memory(context.scratch.directory("rack")))
    rack = racks.Rack(f"standing{os.getpid()}")
    try:
        rack.up(count + 1, None, 50, False)
        with contextlib.ExitStack() as cleaning:
            fleet = Fleet(context, rack, cleaning)
            fleet.roll_out(size)  # what is read first comes from the disk
            samples = alternate({"rollout": lambda: fleet.roll_out(size)}, max(3, context.pairs), say=context.say)["rollout"]
    except network.RackError as error:
        raise BenchError(str(error)) from None
    finally:
        rack.down()
    title = f"{count} hosts of a rack, {size_in_words(size)}"
    result.raw[title] = samples
    table = result.table(title, ["from the order until", "aim", "seconds"])
    for reading, what, aim in (("first", "the first host has it active", ""), ("median", "half of them", ""),
                               ("last", "the last one", AIM), ("known", "the coordinator has written that all are healthy", "")):
        table.row(what, aim, Spread.of([each[reading] for each in samples]))
    table.row("processor time of them all until then, and of what they began", "",
              Spread.of([each["cpu"] for each in samples]))
    result.note("The hosts are namespaces of this machine: its processors run the coordinator, the seeder beside it, all agents "
                "and what they start. Links are not shaped. A host counts from when its link `current` was made.")
    return result


class Fleet:
    """A coordinator on the first host of the rack, and an agent on each other one."""

    def __init__(self, context, rack, cleaning):
        self.context, self.rack, self.cleaning = context, rack, cleaning
        self.tool = context.root / "tests" / "rack" / "rack"
        self.environment = dict(os.environ, RACK_NAME=rack.name)
        self.home, *self.hosts = rack.addresses
        self.coordinator = f"{rack.addresses[self.home]}:8998"
        self.directory = context.scratch.directory("standing")
        self.number = 0
        self.account = Account(f"murder-bench-{os.getpid()}")
        cleaning.callback(self.account.close)
        self.start(self.home, "tracker", "--listen", "0.0.0.0:8998", "--state", "/var/lib/coordinator", "--open")
        wait_for(lambda: self.ask("GET", "/control/releases"), "the coordinator serves")
        for host in self.hosts:
            (rack.files_of(host) / "srv" / "agent.toml").write_text(AGENT.format(host=host, coordinator=self.coordinator))
            self.start(host, "agent", "--config", "/srv/agent.toml")
        wait_for(lambda: len(self.ask("GET", "/control/agents")["agents"]) == len(self.hosts), "all agents are known")

    def start(self, host, *words):
        log = (self.directory / f"log-{host}").open("wb")
        child = subprocess.Popen([self.tool, "exec", host, self.context.program, *words], env=self.environment,
                                 stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        self.account.add(child.pid)
        self.cleaning.callback(child.wait)
        self.cleaning.callback(child.terminate)

    def ask(self, method, target, body=None):
        host, port = self.coordinator.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        try:
            connection.request(method, target, body=body)
            reply = connection.getresponse()
            text = reply.read()
        except OSError:
            return None
        finally:
            connection.close()
        if reply.status == 503:
            return None  # it begins
        if reply.status != 200:
            raise BenchError(f"{method} {target}: {reply.status} {text.decode()}")
        return json.loads(text)

    def publish(self, size):
        """A release of its own, which the coordinator's host has a copy of."""
        self.number += 1
        tag = f"v{self.number}"
        source = self.directory / tag
        source.mkdir()
        for number in range(4):
            (source / f"file{number}").write_bytes(os.urandom(size // 4))
        made = self.context.murder("create", source, "--tag", tag, "--temp-path", self.directory, "--tracker",
                                   f"http://{self.coordinator}/announce")
        # The coordinator's copy of it: put where its own process looks for one, instead of a seeder of ours.
        torrent = pathlib.Path(made["torrent"])
        files = self.rack.files_of(self.home) / "srv"
        for path in (torrent, torrent.with_suffix("")):
            (files / path.name).write_bytes(path.read_bytes())
        seeding = subprocess.Popen([self.tool, "exec", self.home, self.context.program, "seed", f"/srv/{torrent.name}",
                                    "--open", "--quiet"], env=self.environment, cwd=self.directory,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            self.ask("PUT", f"/control/release?app=shop&tag={tag}", torrent.read_bytes())
            wait_for(lambda: self.ask("GET", f"/control/release?app=shop&tag={tag}")["copy"] == "complete",
                     "the coordinator's host has a copy")
        finally:
            seeding.terminate()
            seeding.wait()
        return tag

    def activated_at(self, host, tag):
        """As time.time() has it; None: it has not."""
        link = self.rack.files_of(host) / "srv" / "shop" / "current"
        try:
            return link.lstat().st_ctime if os.path.basename(os.readlink(link)) == tag else None
        except FileNotFoundError:
            return None

    def roll_out(self, size):
        tag = self.publish(size)
        time.sleep(1)  # what was begun by the publication is over
        cpu = self.account.seconds()
        begin, begin_wall = time.monotonic(), time.time()
        self.ask("POST", f"/control/rollout?app=shop&tag={tag}", b'{"min_healthy_s": 0}')

        def is_done():
            rollout = self.ask("GET", "/control/rollouts?app=shop")["rollouts"][0]
            return rollout["state"] == "done" and rollout["counts"]["healthy"] == len(self.hosts)

        wait_for(is_done, "all hosts are healthy", every=0.01)
        known = time.monotonic() - begin
        cpu = self.account.seconds() - cpu
        times = sorted(self.activated_at(host, tag) - begin_wall for host in self.hosts)
        return {"first": times[0], "median": times[len(times) // 2], "last": times[-1], "known": known, "cpu": cpu}


class Account:
    """Processor time of processes and all that they begin, in a control group: whatever else the machine does."""

    def __init__(self, name):
        roots = [pathlib.Path("/sys/fs/cgroup/cpuacct"), pathlib.Path("/sys/fs/cgroup")]
        root = next((each for each in roots if (each / "cgroup.procs").exists()), None)
        if root is None:
            raise BenchError("no control groups are mounted at /sys/fs/cgroup")
        self.group = root / name
        self.group.mkdir()

    def add(self, pid):
        (self.group / "cgroup.procs").write_text(str(pid))

    def seconds(self):
        usage = self.group / "cpuacct.usage"
        if usage.exists():
            return int(usage.read_text()) / 1e9
        fields = dict(line.split() for line in (self.group / "cpu.stat").read_text().splitlines())
        return int(fields["usage_usec"]) / 1e6

    def close(self):
        """What is left in it goes back to where it came from."""
        for pid in (self.group / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                (self.group.parent / "cgroup.procs").write_text(pid)
        self.group.rmdir()


def wait_for(condition, what, every=0.05):
    deadline = time.monotonic() + SECONDS_MAX
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise BenchError(f"waited in vain: {what}")
        time.sleep(every)
    return found
