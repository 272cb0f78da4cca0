"""A swarm among strangers who do it wrong: when its last host has everything, beside a swarm without them.

1 seeder, 8 peers, 10 MB/s each way, 64 MiB. Strangers (bench/attack/strangers.py) know the tracker's address."""

import json
import sys
import time

from kit import Result, Spread, ratio
from kit.clients import Murder
from kit.context import BenchError
from kit.network import own_network
from kit.release import Releases

MIB = 1 << 20
PEER_COUNT = 8
RATE = "10MB"
# What is never done: this many times as long as without strangers.
GIVEN_UP_AFTER = 8
USUAL_COUNTS = (1, 5, 50)
# How many strangers of each kind, where it is not 1, 5 and 50; and what else they are told.
ATTACKS = {
    "drip": {}, "drip-taker": {}, "drip-stock": {}, "freeloader": {}, "leech": {}, "freeloader-stock": {},
    "rejecter": {}, "silent": {}, "decliner": {}, "mute": {}, "wrong-data": {},
    "squatter": {"counts": (1, 8)}, "idle": {"counts": (1,)}, "half-alive": {"counts": (260,)},
    "flood": {"counts": (1, 5)}, "false-peers": {"counts": (1, 10)},
}


def fetch_seconds(fetch):
    """None while it is not done."""
    try:
        return json.loads(fetch.child.output)["fetch_seconds"]
    except (ValueError, KeyError):
        return None


def deliver(context, network, releases, kind, count, seconds_max):
    """{"seconds": None when the last host was not done in time, ...}"""
    client = Murder(context)
    endpoint = client.tracker(network.address())
    release = releases.with_tracker(endpoint)
    children = [client.seed(release, network.address())]
    if count:
        strangers = context.start(
            [sys.executable, context.root / "bench" / "attack" / "strangers.py", kind, release.torrent,
             "--count", count], f"{kind}-{count}")
        strangers.wait_for_line("ready")
        children.append(strangers)
    target = context.scratch.directory("target")
    fetches = []
    for number in range(PEER_COUNT):
        directory = target / str(number)
        directory.mkdir()
        fetches.append(client.begin(release, directory, network.address(), stays=True))
    deadline = time.monotonic() + seconds_max
    while None in (ends := [fetch_seconds(each) for each in fetches]) and time.monotonic() < deadline:
        time.sleep(0.05)
    cpu = children[0].cpu_seconds()
    for each in fetches:
        each.child.stop()
    for child in reversed(children):
        child.stop()
    context.scratch.directory("target")
    return {"seconds": None if None in ends else max(ends), "done": sum(each is not None for each in ends),
            "seeder_cpu": cpu}


def run(context):
    size_bytes = context.size(64 * MIB, 16 * MIB)
    context.seed_options = [*context.seed_options, "--upload-limit", RATE, "--download-limit", RATE]
    context.peer_options = [*context.peer_options, "--upload-limit", RATE, "--download-limit", RATE]
    network = context.enter(own_network(congestion=context.congestion))
    releases = Releases(context, size_bytes)
    unknown = [name for name in context.only if name not in ATTACKS]
    if unknown:
        raise BenchError(f"there is no attack {unknown[0]!r}: {', '.join(ATTACKS)}")
    result = Result(f"A swarm of {PEER_COUNT} peers among strangers, {size_bytes // MIB} MiB, {RATE}/s each")
    table = result.table("last host", ["strangers", "count", "done", "seconds", "without", "ratio"])
    usual = size_bytes / 10e6
    for kind in context.only or ATTACKS:
        for count in ATTACKS[kind].get("counts", USUAL_COUNTS):
            rounds = []
            for _ in range(context.pairs):
                without = deliver(context, network, releases, kind, 0, GIVEN_UP_AFTER * usual)
                among = deliver(context, network, releases, kind, count, GIVEN_UP_AFTER * usual)
                rounds.append((without, among))
                context.say(f"{kind} {count}: {among['seconds']} s, without {without['seconds']} s, "
                            f"{among['done']} of {PEER_COUNT} done")
            result.raw[f"{kind} {count}"] = rounds
            times = [among["seconds"] for _, among in rounds]
            base = [without["seconds"] for without, _ in rounds]
            table.row(kind, count, f"{min(among['done'] for _, among in rounds)} of {PEER_COUNT}",
                      "never" if None in times else Spread.of(times), Spread.of(base),
                      "never" if None in times else ratio(times, base))
    result.note(f"Median (least to most) of {context.pairs} rounds, each without strangers and among them. The peers "
                f"start together, after the strangers. `never`: not within {GIVEN_UP_AFTER} times the time that the "
                f"links take. {network.in_words()}")
    return result
