"""One seeder, several peers, all on this machine: the last one that has everything, and what it took."""

import os

from benches.wire import start
from kit import Result, Spread, alternate, ratio, size_in_words
from kit.clients import ClosedMurder, Libtorrent, Murder
from kit.network import own_network
from kit.release import Releases
from kit.scratch import warm

MIB, GIB = 1 << 20, 1 << 30
PEER_COUNTS = (4, 8)


def spread_out(context, contender, addresses):
    """All peers start together; each keeps what it fetched and serves it while it fetches."""
    target = context.scratch.directory("target")
    seeder_cpu = contender.seeder.cpu_seconds()
    fetches = []
    for address in addresses:
        directory = target / address
        directory.mkdir()
        fetches.append(contender.fetcher.begin(contender.release, directory, address, stays=True))
    for each in fetches:
        each.done()
    peers = [each.end() for each in fetches]
    seeder_cpu = contender.seeder.cpu_seconds() - seeder_cpu
    context.scratch.directory("target")
    delivered = contender.release.size_bytes * len(addresses) / 1e9
    return {
        "last_seconds": max(each["seconds"] for each in peers),
        "first_seconds": min(each["seconds"] for each in peers),
        "gb_per_second": delivered / max(each["seconds"] for each in peers),
        "cpu": (seeder_cpu + sum(each["cpu_seconds"] for each in peers)) / delivered,
        "seeder_cpu": seeder_cpu / delivered,
        "peer_mib": max(each["peak_bytes"] for each in peers) / MIB,
        "peers": peers,
    }


def run(context):
    size_bytes = context.size(GIB, 32 * MIB)
    context.scratch.need((max(PEER_COUNTS) + 2) * size_bytes, "fanout")
    network = context.enter(own_network(congestion=context.congestion))
    releases = Releases(context, size_bytes)
    notes, contenders = [], []
    closed = [ClosedMurder(context, transport) for transport in ("plain", "tls")] if context.closed else []
    for client in (Murder(context), *closed, Libtorrent(context)):
        reason = client.missing()
        if reason:
            notes.append(f"{client.name}: left out, {reason}.")
        else:
            contenders.append(start(context, network, releases, client.label(), client, client))
    addresses = [network.address() for _ in range(max(PEER_COUNTS))]
    warm(releases.content)
    result = Result(f"1 seeder to several peers on one machine, {size_in_words(size_bytes)} each")
    for count in PEER_COUNTS:
        runs = {each.name: lambda each=each: spread_out(context, each, addresses[:count]) for each in contenders}
        samples = alternate(runs, context.pairs, before_each=os.sync, say=context.say)
        result.raw[f"1 to {count}"] = samples
        report(result, f"1 to {count}", samples)
    result.note(f"Median (least to most) of {context.pairs} rounds in which both take turns. GB/s is what was "
                "delivered to all, by the time of the last. CPU: of the seeder and all peers, per GB delivered. "
                "All share the cores of this machine, so this shows what a delivery costs, not how a fleet fares.")
    result.note("Counted as in wire: from when a peer gets the torrent until it says that all is verified and "
                "written. All peers are started together; libtorrent's interpreters take some tenths of a "
                "second to start, which is not in their times. " + network.in_words())
    for each in contenders:
        result.note(f"Settings of {each.name}: {each.fetcher.settings}.")
    for note in notes:
        result.note(note)
    return result


def report(result, title, samples):
    table = result.table(title, ["who", "last, s", "first, s", "GB/s to all", "CPU s/GB", "of it seeder",
                                 "largest peer MiB", "last, to ours"])
    ours = [each["last_seconds"] for each in next(iter(samples.values()))]
    for name, column in samples.items():
        keys = ("last_seconds", "first_seconds", "gb_per_second", "cpu", "seeder_cpu", "peer_mib")
        table.row(name, *(Spread.of([each[key] for each in column]) for key in keys),
                  ratio([each["last_seconds"] for each in column], ours))
