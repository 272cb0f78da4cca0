"""One seeder, many peers, each host with a link of its own: how near the last one comes to the floor."""

import dataclasses
import json
import os
import statistics
import subprocess
import sys

from kit import BenchError, Result, Spread, alternate, ratio
from kit.clients import closed_name, fleet_key
from kit.memory_rack import racks_in_memory

KIB, MIB = 1 << 10, 1 << 20
QUEUE_MS = 50
# A client that is this many times the floor behind, and this many seconds, is not waited for any longer.
FLOORS_MAX = 6
SECONDS_MAX_LEAST = 20
SIMULATE_SECONDS_MAX = 120
READINGS = ("last", "median", "ratio", "seeder_copies", "cpu_seconds", "cpu_share", "steal_seconds", "dropped_packets")


@dataclasses.dataclass(frozen=True)
class Scenario:
    host_count: int
    rate: str
    size_bytes: int
    is_mixed: bool  # also with half of the peers libtorrent's

    @property
    def title(self):
        return f"{self.host_count} hosts at {self.rate}, {self.size_bytes // MIB} MiB"


SCENARIOS = (
    Scenario(16, "100mbit", 1 * MIB, False),
    Scenario(16, "100mbit", 128 * MIB, True),
    Scenario(48, "50mbit", 64 * MIB, False),
)
QUICK = (Scenario(4, "100mbit", 1 * MIB, True),)


@dataclasses.dataclass(frozen=True)
class Contender:
    name: str
    seeder: object
    kinds: list  # of each peer

    def ours(self, hosts, kind):
        return [host for host, each in zip(hosts, self.kinds, strict=True) if each is kind]


def run(context):
    sys.path.insert(0, str(context.root / "tests" / "rack"))
    from rack_of_hosts import clients, network
    if os.geteuid() != 0:
        raise BenchError("a rack of hosts needs root")
    # Sixteen hosts must not share one disk.
    context.enter(racks_in_memory(context.scratch.directory("rack")))
    murder = clients.Murder(str(context.program))
    closed = [clients.Murder(str(context.program), closed_name(transport), ("--transport", transport), fleet_key(context))
              for transport in ("plain", "tls")] if context.closed else []
    others = [*closed, clients.Libtorrent(), clients.Aria2()]
    result = Result("the last host of a rack, against the floor")
    others = [kind for kind in others if not context.only or kind.name in context.only]
    present = [kind for kind in others if not kind.missing()]
    for kind in others:
        if kind not in present:
            result.note(f"{kind.name}: left out, {kind.missing()}.")
    for scenario in QUICK if context.quick else SCENARIOS:
        try:
            _run_scenario(context, result, scenario, murder, present)
        except network.RackError as error:
            raise BenchError(f"{scenario.title}: {error}") from None
    _add_notes(context, result, [murder, *present])
    return result


def _contenders(scenario, murder, others):
    count = scenario.host_count
    yield Contender("murder", murder, [murder] * count)
    for kind in others:
        yield Contender(kind.title(), kind, [kind] * count)
    libtorrent = next((kind for kind in others if kind.name == "libtorrent"), None)
    if scenario.is_mixed and libtorrent:
        yield Contender("murder's half of a mixed swarm", murder, [murder, libtorrent] * (count // 2))


def _run_scenario(context, result, scenario, murder, others):
    from rack_of_hosts import rack as racks
    from rack_of_hosts import swarm_run
    rack = racks.Rack(f"bench{os.getpid()}")
    rack.up(scenario.host_count + 2, scenario.rate, QUEUE_MS, False)
    try:
        swarm = swarm_run.SwarmRack(rack)
        links = []
        release = swarm_run.make_release(murder.program, racks.base(), scenario.size_bytes, swarm.tracker_address)
        contenders = list(_contenders(scenario, murder, others))
        samples = alternate(
            {each.name: lambda each=each: _distribute(swarm, release, each, murder, links[-1]) for each in contenders},
            context.pairs, before_each=lambda: links.append(swarm.measure_link()), say=context.say)
    finally:
        rack.down()
    link = swarm_run.Link(statistics.median(each.goodput for each in links),
                          statistics.median(each.round_trip_s for each in links))
    floor = swarm_run.floor_seconds(release, scenario.host_count, link.goodput)
    result.raw[scenario.title] = {
        "link": dataclasses.asdict(link), "floor_seconds": floor, "piece_bytes": release.piece_bytes,
        "pieces": release.piece_count, "samples": samples}
    simulated = _simulated(context, scenario, release, link)
    _report(result, scenario, release, link, floor, samples, simulated)


def _distribute(swarm, release, contender, murder, link):
    from rack_of_hosts import network, swarm_run
    floor = swarm_run.floor_seconds(release, len(swarm.peers), link.goodput)
    try:
        outcome = swarm.distribute(release, contender.seeder, contender.kinds, murder,
                                   max(SECONDS_MAX_LEAST, FLOORS_MAX * floor))
    except network.RackError as error:  # one client's; the others go on
        return {**dict.fromkeys(READINGS), "failed": len(swarm.peers), "trouble": {"every host": str(error)}, "done": {}}
    is_mixed = len(set(contender.kinds)) > 1
    counted = contender.ours(swarm.peers, murder) if is_mixed else swarm.peers
    done = [outcome.done[host] for host in counted if host in outcome.done and host not in outcome.trouble]
    is_whole = len(done) == len(counted)
    return {
        "last": max(done) if is_whole else None,
        "median": statistics.median(done) if is_whole else None,
        "ratio": max(done) / floor if is_whole else None,
        "seeder_copies": outcome.seeder_copies,
        "cpu_seconds": outcome.cpu_seconds,
        "cpu_share": outcome.cpu_share,
        "steal_seconds": outcome.steal_seconds,
        "dropped_packets": outcome.dropped_packets,
        "failed": len(outcome.trouble),
        "trouble": outcome.trouble,
        "done": outcome.done,
    }


def _simulated(context, scenario, release, link):
    """What `murder simulate` says of the same hosts, or None where the program has no simulator."""
    command = [
        str(context.program), "simulate", "--hosts", str(scenario.host_count), "--size", str(release.size_bytes),
        "--piece-size", str(release.piece_bytes), "--rate", f"{link.goodput * 8 / 1e6:.3f}mbit",
        "--latency", f"{link.round_trip_s / 2 * 1e3:.4f}ms", "--json"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=SIMULATE_SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        raise BenchError(f"no end after {SIMULATE_SECONDS_MAX} s: {' '.join(command)}") from None
    if told.returncode != 0:
        return None
    return json.loads(told.stdout)["last_s"]


def _report(result, scenario, release, link, floor, samples, simulated):
    table = result.table(
        f"{scenario.title}: {release.piece_count} pieces of {release.piece_bytes // KIB} KiB, link "
        f"{link.goodput / 1e6:.2f} MB/s of payload, floor {floor:.3f} s",
        ["who", "last, s", "median, s", "last / floor", "simulated, s", "seeder's copies", "CPU s", "cores busy",
         "packets lost", "hosts that failed", "last, to ours"])
    ours = [each["last"] for each in next(iter(samples.values()))]
    for name, column in samples.items():
        def spread(key):
            return Spread.of([each[key] for each in column])
        failed = sum(each["failed"] for each in column)
        table.row(name, spread("last"), spread("median"), spread("ratio"),
                  simulated if name == "murder" else None, spread("seeder_copies"), spread("cpu_seconds"),
                  spread("cpu_share"), spread("dropped_packets"), failed,
                  ratio([each["last"] for each in column], ours))
        for each in column:
            for host, why in each["trouble"].items():
                result.note(f"{scenario.title}, {name}: no release on {host}: {why}")
    shares = [each["cpu_share"] or 0 for column in samples.values() for each in column]
    if max(shares) > 0.8:
        result.note(f"{scenario.title}: processors were busy to {max(shares):.0%} in a run, so they limited it as well.")


def _add_notes(context, result, kinds):
    result.note(f"Median (least to most) of {context.pairs} round(s) in which all take turns on one rack: network "
                "namespaces on a bridge, each link shaped at both ends (tbf, 50 ms of queue), files in memory.")
    result.note("Floor: (m - 1) + ceil(log2(N + 1)) piece times, m pieces, N hosts that fetch; a piece time is a piece "
                "at what one TCP stream carries on such a link, measured before each run.")
    result.note("Time: from when all peers are let go at once, their processes' start included (libtorrent: with the "
                "library loaded), until each says that it has the whole release, which is compared afterwards. "
                "All of them keep serving. The seeder is up before; the tracker is ours for all.")
    result.note("Seeder's copies: what left the seeder's link, less 4.4 % of headers, by the size of the release. CPU: of "
                "the whole machine, kernel included, until the last host is done; cores busy: the share of all cores.")
    result.note("Simulated: the same number of hosts, size, pieces, rate of the link and round trip in `murder simulate`.")
    for kind in kinds:
        result.note(f"Settings of {kind.title()}: {kind.settings}.")
