"""One seeder, one peer, both on this machine: murder, other clients, and each with the other."""

import dataclasses
import filecmp
import os

from benches.limit import ALL_ARGUMENTS, reading
from kit import BenchError, Result, Spread, alternate, ratio, size_in_words
from kit.clients import Aria2, ClosedMurder, Libtorrent, Murder, Transmission
from kit.network import own_network
from kit.release import Releases
from kit.scratch import warm

MIB, GIB = 1 << 20, 1 << 30
LIMIT = "limit"
# Transmission gives a peer some 8 MB a second on this kind of network: the whole would take ten minutes a round.
TRANSMISSION_PART = 16


@dataclasses.dataclass
class Contender:
    """A swarm of its own: a tracker, and a seeder that stays up from round to round."""

    name: str
    fetcher: object
    release: object
    address: str  # of the downloader
    seeder: object  # a Child
    is_checked: bool = False


def pairings(context):
    """(name, who seeds, who fetches), those that can be had here, and why others cannot."""
    murder, libtorrent = Murder(context), Libtorrent(context)
    pairs, notes = [], []
    closed = [(ClosedMurder(context, transport), None) for transport in ("plain", "tls")]
    wanted = [(murder, None), *closed, (libtorrent, None), (Aria2(context), None), (murder, libtorrent), (libtorrent, murder)]
    for seeder, fetcher in wanted:
        fetcher = fetcher or seeder
        row = seeder.name if seeder is fetcher else f"{seeder.name} to {fetcher.name}"
        if context.only and row not in context.only:
            continue
        name = seeder.label() if seeder is fetcher else row
        reason = seeder.missing() or fetcher.missing()
        if reason:
            notes.append(f"{name}: left out, {reason}.")
        else:
            pairs.append((name, seeder, fetcher))
    return pairs, notes


def start(context, network, releases, name, seeder, fetcher):
    endpoint = Murder(context).tracker(network.address())
    release = releases.with_tracker(endpoint)
    contender = Contender(name, fetcher, release, network.address(), seeder.seed(release, network.address()))
    context.say(f"{name}: the seeder is up")
    return contender


def fetch(context, contender):
    """One download: the reading of both sides."""
    target = context.scratch.directory("target")
    contender.seeder.forget_peak()
    seeder_cpu = contender.seeder.cpu_seconds()
    own = contender.fetcher.begin(contender.release, target, contender.address).finish()
    seeder_cpu = contender.seeder.cpu_seconds() - seeder_cpu
    if not contender.is_checked:
        arrived = target / contender.release.content.name
        if not filecmp.cmp(arrived, contender.release.content, shallow=False):
            raise BenchError(f"{contender.name}: other bytes arrived than were sent")
        contender.is_checked = True
    context.scratch.directory("target")
    gigabytes = contender.release.size_bytes / 1e9
    return {
        "gb_per_second": gigabytes / own["seconds"],
        "fetcher": own["cpu_seconds"] / gigabytes,
        "seeder": seeder_cpu / gigabytes,
        "fetcher_mib": own["peak_bytes"] / MIB,
        "seeder_mib": contender.seeder.peak_bytes() / MIB,
        "own": own,
    }


def run(context):
    size_bytes = context.size(4 * GIB, 64 * MIB)
    context.scratch.need(3 * size_bytes, "wire")
    network = context.enter(own_network(congestion=context.congestion))
    releases = Releases(context, size_bytes)
    pairs, notes = pairings(context)
    contenders = [start(context, network, releases, *pair) for pair in pairs]
    warm(releases.content)
    runs = {LIMIT: lambda: reading(context, ALL_ARGUMENTS, releases.content, size_bytes)}
    runs |= {each.name: lambda each=each: fetch(context, each) for each in contenders}
    # What others left in the page cache goes to the disk in nobody's time.
    samples = alternate(runs, context.pairs, before_each=os.sync, say=context.say)
    for each in contenders:
        each.seeder.stop()
    result = Result(f"1 seeder to 1 peer on one machine, {size_in_words(size_bytes)}", raw={"samples": samples})
    report(result, "", samples, contenders)
    clients = [each for _, *both in pairs for each in both]
    clients += with_transmission(context, network, result, size_bytes // TRANSMISSION_PART, notes)
    explain(result, context, clients, notes, network)
    return result


def with_transmission(context, network, result, size_bytes, notes):
    """A table of its own, of a smaller release."""
    transmission = Transmission(context)
    if context.only and transmission.name not in context.only:
        return []
    reason = transmission.missing()
    if reason is None and not network.is_own:
        reason = "it does not dial 127.0.0.0/8, and a network of its own needs root"
    if reason is not None:
        notes.append(f"Transmission: left out, {reason}.")
        return []
    releases = Releases(context, size_bytes)
    contenders = [start(context, network, releases, each.label(), each, each)
                  for each in (Murder(context), transmission)]
    runs = {each.name: lambda each=each: fetch(context, each) for each in contenders}
    samples = alternate(runs, context.pairs, before_each=os.sync, say=context.say)
    result.raw["samples of the smaller release"] = samples
    report(result, f"with Transmission, {size_in_words(size_bytes)}", samples, contenders)
    notes.append("Transmission has a smaller release, since it takes so long; it also waits up to 10 s until it lets a "
                 "new peer ask.")
    return [transmission]


def report(result, title, samples, contenders):
    table = result.table(title, ["seeder to peer", "GB/s", "peer CPU s/GB", "seeder CPU s/GB", "peer MiB",
                              "seeder MiB", "to limit", "to libtorrent"])
    rates = {name: [each["gb_per_second"] for each in column] for name, column in samples.items()}
    libtorrent = next((rates[each.name] for each in contenders
                       if isinstance(each.fetcher, Libtorrent) and " to " not in each.name), None)
    limit = rates.get(LIMIT)
    if limit:
        table.row("limit (a bare loop)", *(Spread.of([each[key] for each in samples[LIMIT]])
                                           for key in ("gb_per_second", "receiver", "sender")),
                  None, None, 1.0, ratio(limit, libtorrent) if libtorrent else None)
    for each in contenders:
        column = samples[each.name]
        keys = ("gb_per_second", "fetcher", "seeder", "fetcher_mib", "seeder_mib")
        table.row(each.name, *(Spread.of([reading_of[key] for reading_of in column]) for key in keys),
                  ratio(rates[each.name], limit) if limit else None,
                  ratio(rates[each.name], libtorrent) if libtorrent else None)


def explain(result, context, clients, notes, network):
    result.note(f"Median (least to most) of {context.pairs} rounds in which all take turns; a ratio is of two "
                "readings of one round. 1 GB is 10^9 bytes, MiB are of the largest process.")
    result.note("Counted from when the downloader gets the torrent until it says that every piece is verified and "
                "written: announce, connection, and preallocation are in it. Of a command (murder, aria2) its "
                "start is in it; libtorrent's session and Transmission's daemon are up before. Seeders are "
                "up, have checked the content, and stay from round to round; the content is in the page cache.")
    result.note("Written: murder by O_DIRECT, so on the device; the others to the page cache, whose way to the disk "
                "is in nobody's time and CPU (sync between rounds).")
    result.note("CPU of the downloader: of murder and aria2 the whole processes from start to end (wait4), of "
                "libtorrent and Transmission from adding the torrent to being done. CPU of the seeder: what its "
                "processes used meanwhile (their CPU clocks). Resident memory of libtorrent is mostly mapped "
                "page cache, which it fills.")
    result.note("What arrived was compared with the source in the first round. Trackers: one of murder's for each row. "
                + network.in_words())
    for note in notes:
        result.note(note)
    for client in {each.name: each for each in clients}.values():
        result.note(f"Settings of {client.name}: {client.settings}.")
