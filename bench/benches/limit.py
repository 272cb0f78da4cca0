"""What a bare loop of the same system calls reaches on this machine, per step and all together."""

import json
import os

from kit import BenchError, Result, Spread, alternate, size_in_words
from kit.network import own_network
from kit.scratch import warm

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SECONDS_MAX = 120

# Name, what it does, arguments.
STEPS = [
    ("receive", "receive into place, from a sender that sends what is in memory, 128 KiB blocks",
     ["--send", "memory", "--block", str(128 * KIB)]),
    ("SHA-1, one stream", "OpenSSL, pieces of 1 MiB in memory", ["--hash", "one"]),
    ("SHA-1, side by side", "the best kernel of this CPU, pieces of 1 MiB in memory", ["--hash", "side"]),
    ("write", "O_DIRECT, units of 1 MiB through the ring, into a file that was preallocated", ["--write"]),
    ("send, copied, 16 KiB", "page cache to memory, 64 blocks gathered into one sendmsg",
     ["--send", "copy", "--block", str(16 * KIB)]),
    ("send, copied, 128 KiB", "the same, 8 blocks", ["--send", "copy", "--block", str(128 * KIB)]),
    ("send, spliced, 16 KiB", "page cache to pipe to socket, splice(2)",
     ["--send", "splice", "--block", str(16 * KIB)]),
    ("send, spliced, 128 KiB", "the same", ["--send", "splice", "--block", str(128 * KIB)]),
    ("send, spliced, 1 MiB", "the same", ["--send", "splice", "--block", str(MIB)]),
    ("send, linked splice, 16 KiB", "the same by linked operations of the ring",
     ["--send", "linked", "--block", str(16 * KIB)]),
    ("send, linked splice, 128 KiB", "the same", ["--send", "linked", "--block", str(128 * KIB)]),
    ("all, SHA-1 one stream", "splice 1 MiB, receive, OpenSSL, O_DIRECT",
     ["--send", "splice", "--block", str(MIB), "--hash", "one", "--write"]),
    ("all, 16 KiB copied", "copy 16 KiB blocks, receive, SHA-1 side by side, O_DIRECT",
     ["--send", "copy", "--block", str(16 * KIB), "--hash", "side", "--write"]),
]
ALL_NAME = "all"
ALL_ARGUMENTS = ["--send", "splice", "--block", str(MIB), "--hash", "side", "--write"]
ALL = (ALL_NAME, "splice 1 MiB, receive, SHA-1 side by side, O_DIRECT", ALL_ARGUMENTS)


def reading(context, arguments, source, size_bytes, check=False):
    """Runs the program once: {"gb_per_second", "receiver", "sender"}, the latter two in CPU s/GB."""
    target = context.scratch.path / "limit-target"
    command = [context.built("bench/bench_limit"), *arguments, "--size", size_bytes, "--source", source,
               "--target", target, *(["--check"] if check else [])]
    try:
        child, _ = context.run(command, "limit", SECONDS_MAX)
    finally:
        target.unlink(missing_ok=True)
    report = json.loads(child.output)
    gigabytes = report["bytes"] / 1e9
    return {
        "gb_per_second": gigabytes / report["seconds"],
        "receiver": report["receiver_cpu_seconds"] / gigabytes,
        "sender": report["sender_cpu_seconds"] / gigabytes if "--send" in arguments else None,
        "sha1": report["sha1"],
    }


def run(context):
    size_bytes = context.size(2 * GIB, 128 * MIB)
    if size_bytes < MIB:
        raise BenchError("limit works on units of 1 MiB")
    context.scratch.need(2 * size_bytes, "limit")
    source = context.scratch.random_file("source", size_bytes)
    warm(source)
    network = context.enter(own_network(congestion=context.congestion))
    steps = [*STEPS, ALL]
    reading(context, ALL_ARGUMENTS, source, min(size_bytes, 256 * MIB), check=True)
    context.say("what arrives with everything together is what was sent")
    samples = alternate(
        {name: lambda arguments=arguments: reading(context, arguments, source, size_bytes)
         for name, _, arguments in steps},
        context.pairs, say=context.say)
    result = Result(f"a bare loop of the same system calls, {size_in_words(size_bytes)}", raw={"samples": samples})
    table = result.table("", ["step", "GB/s", "receiver CPU s/GB", "sender CPU s/GB"])
    for name, _, _ in steps:
        column = samples[name]
        table.row(name, *(Spread.of([each[key] for each in column])
                          for key in ("gb_per_second", "receiver", "sender")))
    result.note("Median (least to most) of "
                f"{context.pairs} rounds in turn. Two processes, each on a core of its own"
                f"{'' if len(os.sched_getaffinity(0)) > 1 else ' if there were two'}; one core for steps "
                f"without a sender. 1 GB is 10^9 bytes. {network.in_words()}")
    result.note("The time starts when both are connected and the target is preallocated, and ends with the last "
                "completion of what the step does. CPU is CLOCK_PROCESS_CPUTIME_ID of each process in that time, "
                "io_uring's kernel workers included.")
    result.note("A sender is slowed by its receiver and the other way round: GB/s is of the slower of the two; "
                "CPU s/GB is each side's own.")
    result.note(f"SHA-1 side by side: {samples[ALL_NAME][0]['sha1']}.")
    for name, what, _ in steps:
        result.note(f"{name}: {what}.")
    return result
