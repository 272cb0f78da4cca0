"""SHA-1 kernels by lanes and length."""

import json
import subprocess

from kit import Result, Spread

SECONDS_MAX = 600
KERNELS = ["openssl", "sha-ni", "avx2", "avx512"]


def readings(context):
    """{(kernel, piece bytes, lanes): [bytes per second]} of the kernels that this CPU has."""
    seconds, repetitions = ("0.01", 1) if context.quick else ("0.1", context.pairs)
    command = [context.built("subprojects/shalanes/bench/bench_shalanes"), "--benchmark_format=json", "--benchmark_filter=hash_batch",
               f"--benchmark_min_time={seconds}", f"--benchmark_repetitions={repetitions}",
               "--benchmark_enable_random_interleaving=true"]
    child, _ = context.run(command, "hash", SECONDS_MAX)
    found = {}
    for each in json.loads(child.output)["benchmarks"]:
        if each["run_type"] != "iteration":
            continue
        _, wanted, piece, lanes = each["name"].split("/")[:4]
        wanted = wanted.replace("_", "-")
        if each["label"] == wanted:
            key = wanted, int(piece.split(":")[1]), int(lanes.split(":")[1])
            found.setdefault(key, []).append(each["bytes_per_second"])
    return found


def run(context):
    found = readings(context)
    result = Result("SHA-1 of pieces by one core, GB/s",
                    raw={"/".join(map(str, key)): values for key, values in found.items()})
    lane_counts = sorted({lanes for _, _, lanes in found})
    for piece_bytes in sorted({piece for _, piece, _ in found}):
        table = result.table(f"pieces of {piece_bytes >> 10} KiB",
                             ["kernel", *(f"{lanes} piece{'s' if lanes > 1 else ''}" for lanes in lane_counts)])
        for kernel in KERNELS:
            if any(key[0] == kernel for key in found):
                table.row(kernel, *(_gigabytes(found.get((kernel, piece_bytes, lanes))) for lanes in lane_counts))
    missing = [kernel for kernel in KERNELS if all(key[0] != kernel for key in found)]
    if missing:
        result.note(f"Not of this CPU: {', '.join(missing)}.")
    best = subprocess.run([context.built("bench/bench_limit"), "--hash", "side", "--size", str(64 << 20)],
                          capture_output=True, text=True, timeout=60, check=True)
    result.note(f"What murder chooses here: {json.loads(best.stdout)['sha1']}. What is left over when the "
                "pieces do not fill a kernel's lanes goes to the next kernel of the same family, then OpenSSL.")
    return result


def _gigabytes(values):
    return Spread.of([value / 1e9 for value in values]) if values else None
