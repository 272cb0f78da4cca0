"""The main job: create, tracker, seed, three peers, all trees equal; then verify. Each choice of MURDER_SHA1 that the
processor has takes its turn."""

import os
import pathlib

import host

PEERS = 3
BASE = pathlib.Path("/var/tmp/main")
KERNELS = ("openssl", "avx2", "avx512", "sha-ni", "armv8")


def sha1_check():
    done = host.run(host.PROGRAM, "doctor", "--json")
    checks = host.json.loads(done.stdout)["checks"]
    return next(each for each in checks if each["name"] == "SHA-1")


def copy_to_peers(base, tracker):
    """Returns an error text, empty when every host has the release and its archive is right."""
    source = host.make_tree(base / "source", 1)
    torrent = host.murder_json(
        "create", source, "--tag", base.name, "--tracker", tracker, "--temp-path", base, "--piece-size", "64KiB")["torrent"]
    archive = torrent.removesuffix(".torrent")
    host.murder("seed", torrent, archive, "--ip", "127.0.0.2", "--background")
    peers = [host.start(
        host.PROGRAM, "peer", torrent, "--to", base / f"host-{number}", "--temp-path", base / f"temp-{number}",
        "--ip", f"127.0.0.{number + 3}", "--seed-for", "120s") for number in range(PEERS)]
    for number, peer in enumerate(peers):
        output, _ = peer.communicate(timeout=host.SECONDS_MAX)
        if peer.returncode != 0:
            return f"peer {number}: exit status {peer.returncode}: {output}"
        if text := host.difference(source, base / f"host-{number}" / base.name):
            return f"peer {number}: {text}"
    for place in [base, *(base / f"temp-{number}" for number in range(PEERS))]:
        done = host.run(host.PROGRAM, "verify", torrent, place / pathlib.Path(archive).name)
        if done.returncode != 0:
            return f"verify: {done.stdout}{done.stderr}"
    host.murder("stop", base.name)
    return ""


def main(all_kernels=True):
    os.environ.pop("MURDER_SHA1", None)
    BASE.mkdir(parents=True)
    tracker = "127.0.0.1:8998"
    host.murder("tracker", "--listen", tracker, "--background")
    check = sha1_check()
    text = copy_to_peers(BASE / "best", tracker)
    host.result("main job, verify", not text, text or check["text"])
    if (host.JOB / "test_shalanes").exists():
        done = host.run("/bin/sh", "-c", "cp /job/test_shalanes /var/tmp/test_shalanes && /var/tmp/test_shalanes")
        host.result("unit tests of hashes", done.returncode == 0, done.stdout.strip().splitlines()[-2] if done.stdout else done.stderr)
    for kernel in KERNELS if all_kernels else ():
        os.environ["MURDER_SHA1"] = kernel
        if sha1_check()["grade"] == "ok":
            text = copy_to_peers(BASE / kernel, tracker)
            host.result(f"main job, MURDER_SHA1={kernel}", not text, text)
    os.environ.pop("MURDER_SHA1", None)
    host.murder("stop", "--tracker")
    left = host.murder_json("status")["processes"]
    host.result("all processes ended", not left, str(left or ""))
