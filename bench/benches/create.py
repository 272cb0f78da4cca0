"""Making a release: murder create against the programs a user would take instead."""

import os

from kit import Result, Spread, alternate, ratio, size_in_words
from kit.scratch import warm
from kit.tree import make_tree

MIB, GIB = 1 << 20, 1 << 30
SECONDS_MAX = 300
TRACKER = "http://127.0.0.1:8998/announce"
# Of the shell: what a user does without us. $1: a directory, $2: the archive.
PACK = 'tar -C "$1" -cf - . | zstd -q -3 -T0 -o "$2"'


def measured(context, name, command, made):
    """Runs it once; `made` lists the files it makes, the first of which the swarm would carry."""
    child, outcome = context.run(command, name, SECONDS_MAX)
    sample = {"seconds": outcome.command_seconds, "cpu_seconds": outcome.cpu_seconds,
              "peak_mib": outcome.peak_bytes / MIB, "archive_bytes": os.path.getsize(made[0])}
    for path in made:
        os.unlink(path)
    return sample, child


def shell(script, *arguments):
    return ["/bin/bash", "-o", "pipefail", "-c", script, "bash", *map(str, arguments)]


def murder_create(context, source, tag, made, *options):
    sample, _ = measured(
        context, "create",
        [context.program, "create", source, "--tag", tag, "--tracker", "127.0.0.1:8998", "--temp-path",
         made[0].parent, "--json", *options], made)
    return sample


def file_contenders(context, source, piece_bytes, threads):
    out = context.scratch.directory("made")
    torrent = out / "out.torrent"
    exponent = piece_bytes.bit_length() - 1

    def mktorrent():
        sample, _ = measured(
            context, "mktorrent",
            ["mktorrent", "-t", threads, "-l", exponent, "-a", TRACKER, "-o", torrent, source], [torrent])
        return sample | {"archive_bytes": source.stat().st_size}

    return {
        "murder create": lambda: murder_create(context, source, "file.bin",
                                               [out / "file.bin", out / "file.bin.torrent"]),
        f"mktorrent -t {threads}": mktorrent,
    }


def tree_contenders(context, tree, threads):
    out = context.scratch.directory("made-of-tree")
    archive, torrent = out / "tree.tar.zst", out / "tree.torrent"
    gzipped = out / "tree.tar.gz"
    pack = f"{PACK} && mktorrent -t {threads} -l 18 -a {TRACKER} -o \"$3\" \"$2\" >/dev/null"
    made = [archive, out / "tree.tar.zst.torrent"]
    return {
        "murder create": lambda: murder_create(context, tree, "tree", made),
        "tar | zstd -3 -T0, mktorrent": lambda: measured(
            context, "tar-zstd", shell(pack, tree, archive, torrent), [archive, torrent])[0],
        "tar czf": lambda: measured(
            context, "tar-gzip", ["tar", "-C", tree, "-czf", gzipped, "."], [gzipped])[0],
    }


def report(result, title, samples, size_bytes):
    table = result.table(title, ["what", "s", "GB/s", "CPU s", "largest MiB", "archive MB", "murder is faster by"])
    ours = [each["seconds"] for each in samples["murder create"]]
    for name, column in samples.items():
        seconds = [each["seconds"] for each in column]
        table.row(name, Spread.of(seconds), Spread.of([size_bytes / 1e9 / each for each in seconds]),
                  Spread.of([each["cpu_seconds"] for each in column]),
                  Spread.of([each["peak_mib"] for each in column]),
                  column[0]["archive_bytes"] / 1e6, ratio(seconds, ours))


def run(context):
    for program, package in (("mktorrent", "mktorrent"), ("tar", "tar"), ("zstd", "zstd"), ("gzip", "gzip")):
        context.need_program(program, package)
    threads = len(os.sched_getaffinity(0))
    file_bytes = context.size(2 * GIB, 64 * MIB)
    tree_bytes = file_bytes // 2
    context.scratch.need(file_bytes + 3 * tree_bytes, "create")
    source = context.scratch.random_file("file.bin", file_bytes)
    warm(source)
    piece_bytes = create_once(context, source)
    result = Result(f"a file of {size_in_words(file_bytes)}, and a directory of {size_in_words(tree_bytes)}")
    samples = alternate(file_contenders(context, source, piece_bytes, threads), context.pairs, os.sync, context.say)
    result.raw["file"] = samples
    report(result, "a file as it is", samples, file_bytes)
    tree = context.scratch.directory("tree")
    count, tree_bytes = make_tree(tree, tree_bytes)
    context.say(f"made a directory of {count} files")
    samples = alternate(tree_contenders(context, tree, threads), context.pairs, os.sync, context.say)
    result.raw["directory"] = samples
    report(result, f"a directory of {count:,} files", samples, tree_bytes)
    result.note(f"Median (least to most) of {context.pairs} rounds in turn, everything in the page cache. Seconds are "
                "until the command has ended, CPU is of all its processes (wait4). Archives go to the page cache.")
    result.note(f"Pieces of {piece_bytes >> 10} KiB for murder and mktorrent alike (the file). `murder create` of a "
                "file gives a torrent and a hard link; of a directory it packs, compresses (zstd, level 3) and hashes "
                "in one pass. The directory is made up: source-like texts and binaries, the same every time.")
    return result


def create_once(context, source):
    """The piece size that murder chooses."""
    out = context.scratch.directory("made")
    report_of = context.murder("create", source, "--tag", "file.bin", "--temp-path", out, seconds=SECONDS_MAX)
    for path in (report_of["archive"], report_of["torrent"]):
        os.unlink(path)
    return report_of["piece_bytes"]
