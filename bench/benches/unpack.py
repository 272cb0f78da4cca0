"""A directory from one host to another: everything from packing to the directory in its place, and what unpacking
adds to fetching."""

import json
import os
import time

from benches.create import PACK, SECONDS_MAX, TRACKER, shell
from kit import BenchError, Result, Spread, alternate, ratio, size_in_words
from kit.clients import Aria2, Murder
from kit.network import own_network
from kit.release import Release
from kit.tree import make_tree

MIB, GIB = 1 << 20, 1 << 30
STAGES = ("pack and hash", "seeder up", "fetch", "unpack")


class Deploys:
    """Both ways to deploy one tree, each from the start: nothing of a round is left for the next."""

    def __init__(self, context, tree, network):
        self._context = context
        self._tree = tree
        self._murder = Murder(context)
        self._aria2 = Aria2(context)
        self._threads = len(os.sched_getaffinity(0))
        self._addresses = network.address(), network.address()
        self._endpoint = self._murder.tracker(network.address())
        self._is_checked = set()

    def _check(self, name, arrived):
        if name in self._is_checked:
            return
        self._is_checked.add(name)
        self._context.run(["diff", "-r", "--no-dereference", self._tree, arrived], "diff", SECONDS_MAX)

    def _target(self):
        return self._context.scratch.directory("made"), self._context.scratch.directory("target")

    def _peer(self, torrent, target, *arguments):
        child, outcome = self._context.run(
            [self._context.program, "peer", torrent, *arguments, "--temp-path", target / "temp", "--ip",
             self._addresses[1], "--seed-for", "0", "--json", *self._context.peer_options], "peer", SECONDS_MAX,
            environment={"MURDER_RUN_DIR": str(target / "run")})
        return json.loads(child.output), outcome

    def with_murder(self, is_apart=False):
        """`is_apart`: the archive is fetched by one command and unpacked by another."""
        context = self._context
        made, target = self._target()
        child, created = context.run(
            [context.program, "create", self._tree, "--tag", "v1", "--tracker", self._endpoint, "--temp-path", made,
             "--json"], "create", SECONDS_MAX)
        report = json.loads(child.output)
        seeder_started = time.monotonic()
        seeder = self._murder.seed(Release(report["torrent"], report["archive"], report["archive_bytes"]),
                                   self._addresses[0])
        seeder_up = time.monotonic() - seeder_started
        parts = [["--no-unpack"]] if is_apart else []
        runs = [self._peer(report["torrent"], target, *part) for part in [*parts, ["--to", target / "to"]]]
        fetch_seconds = runs[0][0]["fetch_seconds"]
        self._check("murder, apart" if is_apart else "murder", target / "to" / "v1")
        return self._sample(
            (created.command_seconds, seeder_up, fetch_seconds,
             sum(outcome.command_seconds for _, outcome in runs) - fetch_seconds),
            created.cpu_seconds + seeder.stop().cpu_seconds + sum(outcome.cpu_seconds for _, outcome in runs),
            max(outcome.peak_bytes for _, outcome in runs), report["archive_bytes"])

    def with_aria2(self):
        context = self._context
        made, target = self._target()
        archive, torrent = made / "v1.tar.zst", made / "v1.torrent"
        tracker = TRACKER.replace("127.0.0.1:8998", self._endpoint)
        _, created = context.run(
            shell(f"{PACK} && mktorrent -t {self._threads} -l 18 -a {tracker} -o \"$3\" \"$2\" >/dev/null",
                  self._tree, archive, torrent), "tar-zstd", SECONDS_MAX)
        release = Release(torrent, archive, archive.stat().st_size)
        seeder_started = time.monotonic()
        seeder = self._aria2.seed(release, self._addresses[0])
        seeder_up = time.monotonic() - seeder_started
        fetched = self._aria2.begin(release, target, self._addresses[1]).finish()
        (target / "to").mkdir()
        _, unpacked = context.run(
            shell('zstd -q -dc "$1" | tar -C "$2" -xf -', target / archive.name, target / "to"), "untar", SECONDS_MAX)
        self._check("aria2", target / "to")
        return self._sample((created.command_seconds, seeder_up, fetched["seconds"], unpacked.command_seconds),
                            created.cpu_seconds + seeder.stop().cpu_seconds + fetched["cpu_seconds"]
                            + unpacked.cpu_seconds, fetched["peak_bytes"], release.size_bytes)

    @staticmethod
    def _sample(stages, cpu_seconds, peak_bytes, archive_bytes):
        return {**dict(zip(STAGES, stages)), "all": sum(stages), "cpu_seconds": cpu_seconds,
                "peak_mib": peak_bytes / MIB, "archive_bytes": archive_bytes}


def run(context):
    for program, package in (("mktorrent", "mktorrent"), ("tar", "tar"), ("zstd", "zstd"), ("aria2c", "aria2")):
        context.need_program(program, package)
    tree_bytes = context.size(GIB, 16 * MIB)
    context.scratch.need(4 * tree_bytes, "unpack")
    network = context.enter(own_network(congestion=context.congestion))
    tree = context.scratch.directory("tree")
    count, tree_bytes = make_tree(tree, tree_bytes)
    context.say(f"made a directory of {count} files")
    deploys = Deploys(context, tree, network)
    samples = alternate({"murder": deploys.with_murder,
                         "murder, unpacked by a second command": lambda: deploys.with_murder(is_apart=True),
                         "tar, zstd, mktorrent, aria2, tar": deploys.with_aria2},
                        context.pairs, os.sync, context.say)
    if any(each["unpack"] < 0 for column in samples.values() for each in column):
        raise BenchError("a release was unpacked before it was there")
    result = Result(f"deploy of a directory of {count:,} files, {size_in_words(tree_bytes)}, from one process to another",
                    raw={"samples": samples})
    table = result.table("", ["what", *(f"{stage}, s" for stage in STAGES), "all, s", "CPU s", "peer MiB",
                              "murder is faster by"])
    ours = [each["all"] for each in samples["murder"]]
    for name, column in samples.items():
        table.row(name, *(Spread.of([each[key] for each in column])
                          for key in (*STAGES, "all", "cpu_seconds", "peak_mib")),
                  ratio([each["all"] for each in column], ours))
    archive_bytes = samples["murder"][0]["archive_bytes"]
    result.note(f"Median (least to most) of {context.pairs} rounds in turn; what arrived was compared in the first. "
                f"The archive is {archive_bytes / 1e6:.0f} MB. Both use murder's tracker, which is up before. "
                + network.in_words())
    result.note("Fetch is until the archive is complete and verified, unpack what it takes from then until the "
                "directory is in its place and the command has ended: for murder what unpacking during the "
                "download leaves to do; the second row shows what it would be without (its second "
                "command checks the archive again first). A seeder is up when it has checked the archive (murder) or "
                "listens (aria2, which was told not to check).")
    result.note(f"Settings of aria2: {Aria2.settings}.")
    return result
