#!/usr/bin/env python3
"""Compares two builds of murder: do they simulate the same, byte for byte?

    ./dev same REV              this tree, as it is, against the commit REV
    ./dev same REV OTHER        the commit OTHER against the commit REV
    ./dev same --programs A B   the program B against the program A; builds nothing

Prints what differs, and the user processor time of both. The exit status is 0 when all is the same, 1 when
anything differs, 2 for wrong usage. Commits are built in a work tree under build-same, where their programs are
kept for the next time; --clean removes it.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile

import simulations

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PLACE = ROOT / "build-same"
TREE = PLACE / "tree"
PROGRAMS = PLACE / "programs"
PROGRAMS_KEPT_MAX = 8
RUN_SECONDS_MAX = 900
# Fields that tell of the run of the program rather than of what it simulated. `simulate` has none today.
NOT_COMPARED = frozenset({"program_seconds", "wall_s", "cpu_s"})
DONE, FAILED = 0, 1  # what `murder simulate` exits with when it simulated something


class SameError(Exception):
    """What keeps us from comparing, in words."""


@dataclasses.dataclass(frozen=True)
class Run:
    exit_code: int
    output: bytes
    errors: str
    user_seconds: float


@dataclasses.dataclass(frozen=True)
class Comparison:
    simulation: simulations.Simulation
    before: Run
    after: Run
    differences: list


# --- Comparing ---------------------------------------------------------------------------------------


def fields_of(output):
    """Names and the text of their values, without those that are not compared; None when it is no JSON object."""
    try:
        fields = json.loads(output, parse_float=str, parse_int=str)
    except ValueError:
        return None
    if not isinstance(fields, dict):
        return None
    return {name: str(value) for name, value in fields.items() if name not in NOT_COMPARED}


def differences_between(before, after):
    """One line for each; none when two runs are the same."""
    found = []
    for name, run in (("before", before), ("after", after)):
        if run.exit_code not in (DONE, FAILED) or fields_of(run.output) is None:
            last = run.errors.strip().splitlines()[-1:] or ["nothing on stderr"]
            found.append(f"{name}: simulated nothing (exit status {run.exit_code}): {last[0]}")
    if found:
        return found
    if before.exit_code != after.exit_code:
        found.append(f"exit status: {before.exit_code} -> {after.exit_code}")
    old, new = fields_of(before.output), fields_of(after.output)
    for name in list(old) + [name for name in new if name not in old]:
        if old.get(name) != new.get(name):
            found.append(f"{name}: {old.get(name, 'absent')} -> {new.get(name, 'absent')}")
    has_left_out = any(name.encode() in before.output + after.output for name in NOT_COMPARED)
    if not found and before.output != after.output and not has_left_out:
        found.append("the same values, written in another way")
    return found


def run_program(program, simulation, core):
    """On one core, so that processor times can be compared: the simulator starts as many threads as it has cores."""
    command = ["timeout", "--foreground", str(RUN_SECONDS_MAX), str(program), "simulate", *simulation.words.split(),
               "--json"]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        usual = os.sched_getaffinity(0)  # of this thread, which the child inherits
        os.sched_setaffinity(0, usual if simulation.uses_all_cores else {core})
        try:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        finally:
            os.sched_setaffinity(0, usual)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        return Run(child.returncode, output.read(), errors.read().decode("utf-8", "replace"), usage.ru_utime)


def compare(before, after, chosen, told):
    """A Comparison for each simulation, in their order. Two programs at a time on two cores, the same simulation
    in both, so that what else the machine does disturbs both alike. `told` is called with each number done."""
    cores = sorted(os.sched_getaffinity(0))
    pairs = queue.SimpleQueue()
    pair_count = max(1, len(cores) // 2)
    for index in range(pair_count):
        pairs.put((cores[2 * index], cores[min(2 * index + 1, len(cores) - 1)]))
    done = 0

    def compare_one(index):
        nonlocal done
        pair = pairs.get()
        # Cores are not always equally fast: they take turns.
        first, second = pair if index % 2 == 0 else reversed(pair)
        try:
            with concurrent.futures.ThreadPoolExecutor(2) as both:
                old = both.submit(run_program, before, chosen[index], first)
                new = both.submit(run_program, after, chosen[index], second)
                old, new = old.result(), new.result()
        finally:
            pairs.put(pair)
        done += 1
        told(done)
        return Comparison(chosen[index], old, new, differences_between(old, new))

    with concurrent.futures.ThreadPoolExecutor(pair_count) as pool:
        return list(pool.map(compare_one, range(len(chosen))))


# --- Reporting ---------------------------------------------------------------------------------------


def seconds_of(comparisons):
    counted = [one for one in comparisons if not one.simulation.uses_all_cores]
    return sum(one.before.user_seconds for one in counted), sum(one.after.user_seconds for one in counted)


def row_of(name, comparisons):
    before, after = seconds_of(comparisons)
    same = sum(not one.differences for one in comparisons)
    ratio = f"{after / before:.3f}" if before > 0 else "-"
    return f"{name:<12} {len(comparisons):>5} {same:>6} {before:>14.2f} {after:>14.2f} {ratio:>7}"


def report(comparisons):
    """Prints the tables. Whether all is the same."""
    different = [one for one in comparisons if one.differences]
    for one in different:
        print(f"differs: murder simulate {one.simulation.words}")
        for line in one.differences:
            print(f"    {line}")
    print(f"{'simulations':<12} {'runs':>5} {'same':>6} {'before, CPU s':>14} {'after, CPU s':>14} {'ratio':>7}")
    for group in dict.fromkeys(one.simulation.group for one in comparisons):
        print(row_of(group, [one for one in comparisons if one.simulation.group == group]))
    print(row_of("all", comparisons))
    print("all simulations are the same" if not different else f"{len(different)} of {len(comparisons)} simulations differ")
    return not different


def show_progress(total):
    """On one line of a terminal; elsewhere every tenth, on a line each."""
    def show(done):
        if sys.stderr.isatty():
            print(f"\r{done} of {total} simulations", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif done % 10 == 0:
            print(f"{done} of {total} simulations", file=sys.stderr, flush=True)
    return show


# --- Building ----------------------------------------------------------------------------------------


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def git(*words, directory=None):
    result = subprocess.run(["git", "-C", str(directory or ROOT), *words], capture_output=True, text=True)
    if result.returncode != 0:
        raise SameError(f"git {' '.join(words)}: {result.stderr.strip()}")
    return result.stdout.strip()


def build(directory):
    if subprocess.run(["./dev", "build"], cwd=directory).returncode != 0:
        raise SameError(f"{directory} does not build")
    return directory / "build/murder"


def program_of(revision):
    """The program of a commit; built, if it is not there from another time."""
    commit = git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    kept = PROGRAMS / commit
    if not kept.exists():
        say(f"building {revision} ({commit[:12]}) in {TREE.relative_to(ROOT)}")
        git("worktree", "prune")
        if not TREE.exists():
            git("worktree", "add", "--detach", str(TREE), commit)
        git("checkout", "--quiet", "--force", "--detach", commit, directory=TREE)
        program = build(TREE)
        PROGRAMS.mkdir(exist_ok=True)
        shutil.copy2(program, kept.with_suffix(".new"))
        kept.with_suffix(".new").rename(kept)
    kept.touch()
    for old in sorted(PROGRAMS.iterdir(), key=lambda path: path.stat().st_mtime)[:-PROGRAMS_KEPT_MAX]:
        old.unlink()
    return kept


def clean():
    shutil.rmtree(PLACE, ignore_errors=True)
    git("worktree", "prune")


# --- Command line ------------------------------------------------------------------------------------


def parse(words):
    parser = argparse.ArgumentParser(prog="./dev same", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", metavar="REV", nargs="?", help="the commit before")
    parser.add_argument("other", metavar="OTHER", nargs="?", help="the commit after; this tree when not given")
    parser.add_argument("--programs", nargs=2, metavar=("A", "B"), help="compare two programs that are there")
    parser.add_argument("--quick", action="store_true", help="the small ones only, in less than a minute")
    parser.add_argument("--clean", action="store_true", help="remove the work tree and the programs that are kept")
    options = parser.parse_args(words)
    if not options.clean and (options.revision is None) == (options.programs is None):
        parser.error("name a commit, or two programs with --programs")
    if options.clean and (options.revision or options.programs):
        parser.error("--clean goes alone")
    return options


def programs_for(options):
    if options.programs:
        programs = [pathlib.Path(name) for name in options.programs]
        for program in programs:
            if not os.access(program, os.X_OK) or program.is_dir():
                raise SameError(f"{program}: not a program")
        return [program.resolve() for program in programs]
    before = program_of(options.revision)
    return [before, program_of(options.other) if options.other else build(ROOT)]


def main(words):
    options = parse(words)
    try:
        if options.clean:
            clean()
            return 0
        before, after = programs_for(options)
    except SameError as error:
        print(f"dev: same: {error}", file=sys.stderr)
        return 2
    chosen = [one for one in simulations.SIMULATIONS if one.is_quick or not options.quick]
    comparisons = compare(before, after, chosen, show_progress(len(chosen)))
    return 0 if report(comparisons) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
