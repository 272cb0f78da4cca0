"""The Google Benchmark programs of single parts."""

import json

from kit import Result, Spread

SECONDS_MAX = 900
PROGRAMS = ("bench/bench_archive", "bench/bench_codec", "subprojects/shalanes/bench/bench_shalanes", "bench/bench_policy", "bench/bench_tracker", "bench/bench_trust")


def run(context):
    result = Result("single parts, one core")
    seconds, repetitions = ("0.01", 1) if context.quick else ("0.1", context.pairs)
    for name in PROGRAMS:
        program = context.built(name)
        child, _ = context.run(
            [program, "--benchmark_format=json", f"--benchmark_min_time={seconds}",
             f"--benchmark_repetitions={repetitions}"], program.name, SECONDS_MAX)
        report = json.loads(child.output)
        result.raw[program.name] = report
        samples = {}
        for each in report["benchmarks"]:
            if each["run_type"] == "iteration":
                samples.setdefault(each["name"], []).append(each)
        table = result.table(program.name, ["what", "ns", "GB/s", "million/s"])
        for what, runs in samples.items():
            table.row(what, Spread.of([_nanoseconds(each) for each in runs]),
                      Spread.of([each["bytes_per_second"] / 1e9 for each in runs if "bytes_per_second" in each]),
                      Spread.of([each["items_per_second"] / 1e6 for each in runs if "items_per_second" in each]))
    result.note(f"CPU time of a call (of the whole process where it has a thread of its own); median (least to most) of {repetitions} repetitions.")
    return result


def _nanoseconds(run_of_one):
    measured_by_itself = run_of_one["name"].endswith("/manual_time")
    return run_of_one["real_time" if measured_by_itself else "cpu_time"] * {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[run_of_one["time_unit"]]
