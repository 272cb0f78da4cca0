"""Agents on one coordinator: what one costs, how soon all are told, and how soon all are back after a kill -9. The same by
three coordinators on one state in etcd, of which the leading one is killed; and the machines alone, without a network.

Connections, keys and signatures are real; the agents have what is wanted at once and activate at once."""

import http.client
import json
import os
import pathlib
import signal
import socket
import statistics
import sys
import time

from kit import Result
from kit.context import BenchError

SPREAD_S = 5
HEARTBEAT_S = 30
MISDIRECTED = 421  # another coordinator leads
AIMS = {
    "memory": "<= 4 KiB", "idle": "<= 2 %", "told": "<= 2 s", "back": "<= 15 s", "known": "<= 1 s", "undone": "<= 2 s",
    "wave": "<= 2 s",
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Coordinator:
    """A tracker with a state on this disk, or one that it shares."""

    def __init__(self, context, shared_state=None):
        self.context = context
        self.endpoint = f"127.0.0.1:{free_port()}"
        self.directory = context.scratch.directory("state")
        self.state = shared_state or self.directory / "coordinator"
        self.start()

    def start(self):
        self.child = self.context.start(
            [self.context.program, "tracker", "--listen", self.endpoint, "--state", self.state, "--data",
             self.directory / "copies", "--open"], "coordinator")
        self.child.wait_for(self.serves, "it serves", 60, every=0.005)
        self.pid = next(pid for pid in self.child.pids()
                        if os.readlink(f"/proc/{pid}/exe") == str(self.context.program))

    def serves(self):
        """It leads, or follows another one."""
        try:
            return self.ask("GET", "/control/releases") or not self.leads
        except (OSError, http.client.HTTPException, BenchError):
            return None

    def ask(self, method, target, body=None):
        host, port = self.endpoint.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=120)
        try:
            connection.request(method, target, body=body)
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        self.leads = reply.status != MISDIRECTED
        if reply.status not in (200, MISDIRECTED):
            raise BenchError(f"{method} {target}: {reply.status} {text.decode()}")
        return json.loads(text) if self.leads else None

    def rollout(self):
        return self.ask("GET", "/control/rollouts?app=shop")["rollouts"][0]

    def wait_for_state(self, state):
        self.child.wait_for(lambda: self.rollout()["state"] == state, f"the rollout is {state}", 120, every=0.02)
        return time.monotonic()

    def anonymous_bytes(self):
        """Its own memory: not the program's text, not the kernel's buffers."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * int(text.split("RssAnon:")[1].split()[0])

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        self.child.stop()  # with the copies that it has left


class Agents:
    """The load program's lines, in their order."""

    def __init__(self, context, endpoint, count):
        self.child = context.start([context.built("bench/agents_load"), endpoint, count, SPREAD_S], "agents")
        self.read_count = 0

    def wait_for(self, event):
        """When that happened next, as time.monotonic() has it."""
        def line():
            lines = [json.loads(each) for each in self.child.output.splitlines(keepends=True) if each.endswith("\n")]
            for number, each in enumerate(lines[self.read_count:], self.read_count + 1):
                if each["event"] == event:
                    self.read_count = number
                    return each["at_s"]
            return None
        return self.child.wait_for(line, f"all agents: {event}", 120)


def publish(context, coordinator, number):
    source = context.scratch.directory("source")
    (source / "version").write_text(f"v{number}\n")
    made = context.murder("create", source, "--tag", f"v{number}", "--temp-path", context.scratch.directory("made"),
                          "--tracker", f"http://{coordinator.endpoint}/announce")
    coordinator.ask("PUT", f"/control/release?app=shop&tag=v{number}", pathlib.Path(made["torrent"]).read_bytes())


def roll_out(context, coordinator, agents, number):
    """Seconds from the order on, and the coordinator's processor seconds until it is done."""
    publish(context, coordinator, number)
    cpu = coordinator.child.cpu_seconds()
    begin = time.monotonic()
    coordinator.ask("POST", f"/control/rollout?app=shop&tag=v{number}", b"{}")
    told = agents.wait_for("told")
    heard = agents.wait_for("heard")
    done = coordinator.wait_for_state("done")
    counts = coordinator.rollout()["counts"]
    return {"told_s": told - begin, "heard_s": heard - begin, "done_s": done - begin, "healthy": counts["healthy"],
            "cpu_s": coordinator.child.cpu_seconds() - cpu}


def idle_share(coordinator, seconds):
    cpu = coordinator.child.cpu_seconds()
    time.sleep(seconds)
    return (coordinator.child.cpu_seconds() - cpu) / seconds


def run(context):
    count = 1000 if context.quick else 15_000
    result = Result("Agents on one coordinator")
    _measure_one(context, result, count)
    _measure_shared(context, result, count)
    _measure_machines(context, result, [count] if context.quick else [10_000, 50_000])
    return result


def _measure_one(context, result, count):
    idle_s = 5 if context.quick else 60
    rounds = 2 if context.quick else max(3, context.pairs)
    coordinator = Coordinator(context)
    empty_bytes = coordinator.anonymous_bytes()
    begin = time.monotonic()
    agents = Agents(context, coordinator.endpoint, count)
    joined_s = agents.wait_for("known") - begin
    joined_cpu_s = coordinator.child.cpu_seconds()
    context.say(f"{count} agents are known after {joined_s:.1f} s")
    idle = idle_share(coordinator, idle_s)
    idle_bytes = coordinator.anonymous_bytes()
    readings = [roll_out(context, coordinator, agents, number) for number in range(1, rounds + 1)]
    for reading in readings:
        context.say(json.dumps(reading))
        if reading["healthy"] != count:
            raise BenchError(f"{reading['healthy']} of {count} agents are healthy")
    begin = time.monotonic()
    coordinator.ask("POST", "/control/rollout/undo?app=shop", b"{}")
    undone_s = coordinator.wait_for_state("undone") - begin
    peak_bytes = coordinator.anonymous_bytes()
    used_idle = idle_share(coordinator, idle_s)
    used_bytes = coordinator.anonymous_bytes()
    back = []
    for _ in range(rounds):
        coordinator.kill()
        begin = time.monotonic()
        coordinator.start()
        serves_s = time.monotonic() - begin
        back.append({"serves_s": serves_s, "back_s": agents.wait_for("known") - begin,
                     "cpu_s": coordinator.child.cpu_seconds()})
        context.say(json.dumps(back[-1]))
    table = result.table(f"{count} agents, connections of one process over the loopback", ["what", "aim", "result"])

    def median_of(rows, name):
        return statistics.median(row[name] for row in rows)

    table.row("memory each in the process, connected", AIMS["memory"],
              f"{(idle_bytes - empty_bytes) / count / 1024:.2f} KiB")
    table.row("the same after rollouts", AIMS["memory"], f"{(used_bytes - empty_bytes) / count / 1024:.2f} KiB")
    table.row("the same when the last of them has just ended", "", f"{(peak_bytes - empty_bytes) / count / 1024:.2f} KiB")
    for what, share in (("idle, heartbeats of 30 s", idle), ("the same after rollouts", used_idle)):
        table.row(what, AIMS["idle"],
                  f"{100 * share:.1f} % of a core, {1e6 * share * HEARTBEAT_S / count:.0f} us for each heartbeat")
    table.row("wanted told to all", AIMS["told"], f"{median_of(readings, 'told_s'):.2f} s")
    table.row("told, done, reported, and all know that it was heard", AIMS["told"],
              f"{median_of(readings, 'heard_s'):.2f} s")
    table.row("outcome of all known after the last has reported", AIMS["known"],
              f"{max(0.0, median_of(readings, 'done_s') - median_of(readings, 'heard_s')):.2f} s")
    table.row("processor time of the coordinator for that rollout", "", f"{median_of(readings, 'cpu_s'):.2f} s")
    table.row("undone by all", AIMS["undone"], f"{undone_s:.2f} s")
    table.row("killed and started again: it serves after", "", f"{median_of(back, 'serves_s'):.2f} s")
    table.row("all are back after", AIMS["back"], f"{median_of(back, 'back_s'):.2f} s")
    table.row("processor time of the coordinator until then", "", f"{median_of(back, 'cpu_s'):.2f} s")
    result.note(f"Medians of {rounds} rounds. The agents share the machine's processors with the coordinator. Their first "
                f"connections were spread over {SPREAD_S} s ({joined_s:.1f} s until all were known, {joined_cpu_s:.2f} s "
                "of processor time); after a kill each comes back within 1 s at first, later within 10 s, at random.")
    result.raw["one"] = {"count": count, "joined_s": joined_s, "joined_cpu_s": joined_cpu_s, "empty_bytes": empty_bytes,
                  "idle_bytes": idle_bytes, "used_bytes": used_bytes, "idle": idle,
                         "used_idle": used_idle, "peak_bytes": peak_bytes, "rollouts": readings, "undone_s": undone_s, "back": back}
    agents.child.stop()
    coordinator.child.stop()


def _measure_shared(context, result, count):
    sys.path.insert(0, str(context.root / "tests" / "e2e"))
    from etcd_servers import HAS_ETCD, NEEDS_ETCD, EtcdServers
    if not HAS_ETCD:
        result.note(f"Three coordinators on one state: left out, it {NEEDS_ETCD}.")
        return
    servers = EtcdServers()
    try:
        coordinators = [Coordinator(context, servers.spec()) for _ in range(3)]
        agents = Agents(context, ",".join(each.endpoint for each in coordinators), count)
        agents.wait_for("known")
        first = next(each for each in coordinators if each.serves() and each.leads)
        reading = roll_out(context, first, agents, 1)
        others = [each for each in coordinators if each is not first]
        first.kill()
        begin = time.monotonic()
        others[0].child.wait_for(lambda: any(each.serves() and each.leads for each in others), "another one leads", 60,
                             every=0.01)
        leads_s = time.monotonic() - begin
        back_s = agents.wait_for("known") - begin
        second = next(each for each in others if each.serves() and each.leads)
        again = roll_out(context, second, agents, 2)
        for each in (reading, again):
            if each["healthy"] != count:
                raise BenchError(f"{each['healthy']} of {count} agents are healthy")
        for child in (agents.child, *(each.child for each in coordinators)):
            child.stop()
    finally:
        servers.close()
    table = result.table(f"{count} agents, three coordinators on one state in three etcd servers", ["what", "aim", "result"])
    table.row("told, done, reported, and all know that it was heard", AIMS["told"], f"{reading['heard_s']:.2f} s")
    table.row("the leading one is killed: another one leads after", "", f"{leads_s:.2f} s")
    table.row("all agents are back, at that one, after", AIMS["back"], f"{back_s:.2f} s")
    table.row("the next rollout, by that one", AIMS["told"], f"{again['heard_s']:.2f} s")
    result.note("Coordinators that share a state have one leader, which all agents are connected to: as many as a process may "
                "have descriptors.")
    result.raw["shared"] = {"count": count, "rollout": reading, "leads_s": leads_s, "back_s": back_s, "again": again}


def _measure_machines(context, result, counts):
    table = result.table("the machines alone, on one thread: messages as text, no network, no disk",
                         ["agents", "heard for the first time", "a rollout: fetched, activated, healthy", "undone", "aim"])
    for count in counts:
        child, outcome = context.run([context.built("bench/control_fleet"), count], "machines", 600)
        if outcome.code != 0:
            raise BenchError(f"control_fleet {count}: {outcome.code}")
        told = json.loads(child.output)
        table.row(f"{count}", *[f"{told[name]:.2f} s" for name in ("joined_s", "rolled_out_s", "undone_s")],
                  AIMS["wave"] if count <= 10_000 else "")
        result.raw.setdefault("machines", []).append(told)
    result.note("The machines alone: processor time of the coordinator's side. The agents' side, which has each step done at once, "
                "is not counted.")
