"""A reboot by systemd in the middle of a fetch. The peer is a unit of its own, as an operator would start it; after the boot
the same command goes on where it was."""

import pathlib
import time

import host

BASE = pathlib.Path("/var/tmp/reboot")
APP = BASE / "app"
TEMP = BASE / "temp"
TRACKER = "127.0.0.1:8998"
# Some ten seconds' worth, of which three are fetched before the reboot.
BIG_BYTES = 24_000_000
LIMIT = "2MB"
FETCHED_BYTES_MIN = 5_000_000


def serve():
    host.murder("tracker", "--listen", TRACKER, "--background")
    torrent = BASE / "v1.tar.zst.torrent"
    if not torrent.exists():
        host.make_tree(BASE / "source", 1, big_bytes=BIG_BYTES)
        host.murder("create", BASE / "source", "--tag", "v1", "--tracker", TRACKER, "--temp-path", BASE)
        host.must("sync")
    host.murder("seed", torrent, "--ip", "127.0.0.2", "--upload-limit", LIMIT, "--background")
    return torrent


def peer_command(torrent):
    return [host.PROGRAM, "peer", torrent, "--to", APP, "--temp-path", TEMP, "--ip", "127.0.0.3", "--seed-for", "0"]


def done_bytes():
    processes = host.murder_json("status", "v1")["processes"]
    return max((each["done_bytes"] for each in processes if each["kind"] == "peer"), default=0)


def before(torrent):
    host.must("systemd-run", "--unit=fetch", *peer_command(torrent))
    for _ in range(host.SECONDS_MAX * 2):
        if done_bytes() >= FETCHED_BYTES_MIN:
            break
        time.sleep(0.5)
    else:
        raise SystemExit("exit status 1: nothing was fetched before the reboot")
    (BASE / "rebooted").write_text(str(done_bytes()))
    host.must("systemctl", "reboot")
    time.sleep(host.SECONDS_MAX)


def after(torrent):
    host.result("no release before it is whole", not (APP / "v1").exists())
    before_bytes = int((BASE / "rebooted").read_text())
    done = host.run(*peer_command(torrent), "--json")
    report = host.json.loads(done.stdout or "{}")
    text = done.stderr if done.returncode else host.difference(BASE / "source", APP / "v1")
    host.result("the peer goes on after the reboot", not text, text)
    fetched = report.get("fetched_bytes", 0)
    host.result("what was there is not fetched again", 0 < fetched < BIG_BYTES - before_bytes // 2,
                f"{before_bytes} bytes before the reboot, {fetched} of {BIG_BYTES} fetched after it")
    hidden = [each.name for each in APP.iterdir() if each.name.startswith(".")]
    host.result("no half tree is left", not hidden, str(hidden))


def main():
    is_after = (BASE / "rebooted").exists()
    BASE.mkdir(exist_ok=True)
    torrent = serve()
    if is_after:
        after(torrent)
    else:
        before(torrent)
